//! Any signed request: whose it is found to be stands and falls with what is signed.

use super::*;
use crate::auth::{Gate, Signer, fuzzing::bases};

/// Reads bytes as a request and looks whose it is.
///
/// # Panics
///
/// Where the signature base is not what RFC 9421 §2.5 says, or where a changed request still is its author's.
pub fn signature(bytes: &[u8]) {
    let Some(message) = Message::parse(bytes) else { return };
    bases_hold(&message.head);
    run(async {
        let Some(house) = House::new().await else { return };
        if signer(&house, &message).await.is_none() {
            return;
        }
        for other in changed(&message) {
            let signer = signer(&house, &other).await;
            assert!(signer.is_none(), "{} {} is signed, too", other.head.method, other.head.uri);
        }
    });
}

/// One line for each covered component, then the parameters; and read again, the same.
fn bases_hold(head: &Parts) {
    let Some((covered, base)) = bases(head) else { return };
    let lines: Vec<_> = base.split('\n').collect();
    assert_eq!(lines.len(), covered.len() + 1, "{base:?}");
    for (name, line) in covered.iter().zip(&lines) {
        assert!(line.starts_with(&format!("\"{name}\": ")), "{line:?} for {name:?}");
    }
    let parameters = lines.last().and_then(|last| last.strip_prefix("\"@signature-params\": "));
    let Some(parameters) = parameters else { unreachable!("{base:?} has no parameters") };
    let mut again = head.clone();
    for (name, value) in [("signature-input", format!("sig={parameters}")), ("signature", "sig=:AAAA:".into())] {
        let Ok(value) = HeaderValue::from_str(&value) else { unreachable!("{value:?} is no header") };
        again.headers.insert(name, value);
    }
    // A signature cannot cover itself; what covers these two headers has another base now.
    if !covered.iter().any(|name| ["signature-input", "signature"].contains(&name.as_str())) {
        assert_eq!(bases(&again), Some((covered, base)), "read again");
    }
}

/// A gate of its own each time, which has seen no nonce; nothing is too old for it, so that a corpus can be kept.
pub(super) async fn signer(house: &House, message: &Message) -> Option<Signer> {
    Gate::new(None, u64::MAX, None).signer(&house.app.directory, &message.head, &message.body).await.ok()
}

/// The same request but for one thing that decides on the answer.
fn changed(message: &Message) -> Vec<Message> {
    let mut others = vec![message.clone(); 4];
    let [method, target, host, body] = &mut others[..] else { return vec![] };
    method.head.method = if message.head.method == Method::DELETE { Method::POST } else { Method::DELETE };
    let more = if message.head.uri.query().is_some() { "&more" } else { "?more" };
    if let Ok(uri) = Uri::from_str(&format!("{}{more}", message.head.uri)) {
        target.head.uri = uri;
    }
    host.head.headers.insert("host", HeaderValue::from_static("another.example.org"));
    body.body.push(b' ');
    let mut key = message.clone();
    key.head.headers.append("idempotency-key", HeaderValue::from_static("another"));
    others.push(key);
    others
}
