//! Requests as text: a line with method and target, a line for each header, an empty line, the body.

use super::*;

/// A request that nobody sent yet.
#[derive(Clone)]
pub(super) struct Message {
    pub(super) head: Parts,
    pub(super) body: Vec<u8>,
}

impl Message {
    /// `None` where it is none that a server would get to see.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(2).position(|two| two == b"\n\n");
        let (head, body) = end.map_or((bytes, &[][..]), |end| (&bytes[..end], &bytes[end + 2..]));
        let mut lines = head.split(|byte| *byte == b'\n');
        let first = std::str::from_utf8(lines.next()?).ok()?;
        let (method, target) = first.split_once(' ')?;
        let uri = Uri::from_str(target).ok().filter(|uri| uri.authority().is_none() && uri.path().starts_with('/'))?;
        let request = Request::builder().method(Method::from_str(method).ok()?).uri(uri).header("host", HOST);
        let mut head = request.body(()).ok()?.into_parts().0;
        for line in lines {
            let colon = line.iter().position(|byte| *byte == b':')?;
            let name = HeaderName::from_bytes(&line[..colon]).ok()?;
            head.headers.append(name, HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).ok()?);
        }
        Some(Self { head, body: body.into() })
    }
}
