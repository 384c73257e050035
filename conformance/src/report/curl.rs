//! The requests of a failing story as a shell script: `failures/ID.sh`.

use std::fmt::Write as _;

use crate::{
    recording::{Exchange, MASK},
    report::bundle::Bundle,
    verdict::Span,
};

/// The script. It needs nothing but a shell and curl.
#[must_use]
pub fn script(bundle: &Bundle) -> String {
    let Bundle { id, failure, verdict, .. } = bundle;
    let base = failure.timeline.iter().flat_map(|span| &span.exchanges).find_map(|exchange| base(&exchange.url));
    let base = base.unwrap_or("http://127.0.0.1:8080");
    let mut text = format!("#!/bin/sh\n# {verdict} {id}\n");
    let _ = writeln!(text, "# {}: {}", failure.rule, one_line(&failure.says));
    let _ = writeln!(
        text,
        "# The same again, with new users, keys and signatures:  kpd replay failures/{id}.json --target URL"
    );
    let mut notes = vec![
        "The recorded requests, as they were sent: for the server that was judged, which still has the users of that run.",
        "Signed requests go stale: a server that checks signatures refuses them after some time, or a second time.",
    ];
    if bundle.round.is_some() {
        notes.push("Of a race, the round that failed: what raced is sent at once.");
    }
    for note in notes {
        let _ = writeln!(text, "# {note}");
    }
    let _ = writeln!(text, "set -eu\nTARGET=${{TARGET:-{}}}\n", quoted(base));
    let mut racing = false;
    for span in &failure.timeline {
        let races = span.path.starts_with("race.");
        if racing && !races {
            text.push_str("wait\n\n");
        }
        racing = races;
        step(&mut text, span, base);
    }
    if racing {
        text.push_str("wait\n");
    }
    text
}

fn step(text: &mut String, span: &Span, base: &str) {
    let _ = writeln!(text, "# {}: {}", span.path, one_line(&span.says));
    if span.exchanges.is_empty() {
        let _ = writeln!(text, "# (no request)\n");
    }
    for exchange in &span.exchanges {
        curl(text, exchange, base);
        text.push_str(if span.path.starts_with("race.") { " &\n" } else { "\n" });
        let mark = if span.involved { "  <- this is wrong" } else { "" };
        let _ = writeln!(text, "# was answered {}: {}{mark}\n", exchange.status, one_line(&span.observed));
    }
}

fn curl(text: &mut String, exchange: &Exchange, base: &str) {
    let path = exchange.url.strip_prefix(base).unwrap_or(&exchange.url);
    let _ = write!(text, "curl --silent --show-error --include --request {} ", quoted(&exchange.method));
    let _ = match path.len() < exchange.url.len() {
        true => write!(text, "\"$TARGET\"{}", quoted(path)),
        false => write!(text, "{}", quoted(path)),
    };
    for (name, value) in &exchange.request_headers {
        let header = if value == MASK {
            // The shell stops, and says what is missing.
            let variable: String = name.to_uppercase().replace(|c: char| !c.is_ascii_alphanumeric(), "_");
            format!("\"{name}: ${{{variable}:?is masked in this file: set it}}\"")
        } else {
            quoted(&format!("{name}: {value}"))
        };
        let _ = write!(text, " \\\n  --header {header}");
    }
    if !exchange.request_body.is_empty() {
        let _ = write!(text, " \\\n  --data-binary {}", quoted(&exchange.request_body));
    }
}

/// `http://host:port` of a URL.
fn base(url: &str) -> Option<&str> {
    let host = url.find("://")? + 3;
    Some(url[host..].find('/').map_or(url, |slash| &url[..host + slash]))
}

/// As the shell takes it literally.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

fn one_line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}
