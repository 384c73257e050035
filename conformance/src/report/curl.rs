//! The requests of a failing story as a shell script: `failures/ID.sh`.

use std::{collections::BTreeMap, fmt::Write as _};

use crate::{
    recording::{Exchange, MASK},
    report::{bundle::Bundle, line::short},
    verdict::Span,
};

/// More of a sentence than this is cut: it is only a comment.
const COMMENT_SHOWN: usize = 300;

/// The script. It needs nothing but a shell and curl.
#[must_use]
pub fn script(bundle: &Bundle) -> String {
    let Bundle { id, failure, verdict, .. } = bundle;
    let base = failure.timeline.iter().flat_map(|span| &span.exchanges).find_map(|exchange| base(&exchange.url));
    let base = base.unwrap_or("http://127.0.0.1:8080");
    // What it asks for is known when everything is written, and stands above it.
    let mut asks = Masked::default();
    let mut steps = String::new();
    let mut racing = false;
    for span in &failure.timeline {
        let races = span.path.starts_with("race.");
        if racing && !races {
            steps.push_str("wait\n\n");
        }
        racing = races;
        step(&mut steps, span, base, &mut asks);
    }
    if racing {
        steps.push_str("wait\n");
    }
    let mut text = format!("#!/bin/sh\n# {verdict} {id}\n");
    let _ = writeln!(text, "# {}: {}", failure.rule, comment(&failure.says));
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
    if !asks.0.is_empty() {
        notes.extend([
            "What is a secret is masked in this file. Set these variables before you run it; what a user got when it was",
            "registered has to be fetched by hand, for the users of a run are new each time:",
        ]);
    }
    for note in notes {
        let _ = writeln!(text, "# {note}");
    }
    for (variable, place) in &asks.0 {
        let _ = writeln!(text, "#   {variable}  {place}");
    }
    text.push_str("set -eu\n");
    if base.contains(MASK) {
        let _ = writeln!(text, ": \"${{TARGET:?is masked in this file, set it: the base URL of the server}}\"");
    } else {
        let _ = writeln!(text, "TARGET=${{TARGET:-{}}}", quoted(base));
    }
    for (variable, place) in &asks.0 {
        let _ = writeln!(text, ": \"${{{variable}:?is masked in this file, set it: {place}}}\"");
    }
    let _ = writeln!(text, "{ASK}\n");
    text + &steps
}

/// What all requests have in common. Where no answer comes, the story goes on, as it did in the run.
const ASK: &str = "ask() {
  curl --silent --show-error --include --globoff --path-as-is --max-time 30 \"$@\" || echo '(no answer)'
}";

/// The variables of a script, each with where it goes.
#[derive(Default)]
struct Masked(BTreeMap<String, String>);

impl Masked {
    /// A text as the shell takes it, with a variable for each secret of this actor that was taken out of it. A secret is
    /// called by what stands before it, such as `token` in `?token=…`, else by its place.
    fn filled(&mut self, text: &str, actor: &str, place: &str, named: bool) -> String {
        let mut parts = text.split(MASK).peekable();
        let mut filled = String::new();
        while let Some(part) = parts.next() {
            if !part.is_empty() || (filled.is_empty() && parts.peek().is_none()) {
                filled.push_str(&quoted(part));
            }
            if parts.peek().is_some() {
                let name = before(part).filter(|_| named).unwrap_or(place);
                let variable = variable(&format!("{name} {actor}"));
                let _ = write!(filled, "\"${{{variable}}}\"");
                // Both come from the run: what the shell would take for more than text is no part of it.
                let plain = |text: &str| text.replace(|c: char| !c.is_ascii_alphanumeric() && !"-_./".contains(c), "_");
                self.0.insert(variable, format!("{} of {}", plain(name), plain(actor)));
            }
        }
        filled
    }
}

/// The name before a secret: `"token":"`, `token=`.
fn before(part: &str) -> Option<&str> {
    let name = part.trim_end_matches(['"', ' ']).strip_suffix([':', '='])?.trim_end_matches(['"', ' ']);
    let begin = name.rfind(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-')).map_or(0, |at| at + 1);
    name.get(begin..).filter(|name| !name.is_empty())
}

fn variable(name: &str) -> String {
    let name = name.to_uppercase().replace(|c: char| !c.is_ascii_alphanumeric(), "_");
    if name.starts_with(|c: char| c.is_ascii_digit()) { format!("_{name}") } else { name }
}

fn step(text: &mut String, span: &Span, base: &str, asks: &mut Masked) {
    let _ = writeln!(text, "# {}: {}", span.path, comment(&span.says));
    if span.exchanges.is_empty() {
        let _ = writeln!(text, "# (no request)\n");
    }
    // What was done begins with who did it.
    let actor = span.says.split(' ').next().filter(|actor| !actor.is_empty()).unwrap_or("anyone");
    for exchange in &span.exchanges {
        ask(text, exchange, base, actor, asks);
        text.push_str(if span.path.starts_with("race.") { " &\n" } else { "\n" });
        let mark = if span.involved { "  <- this is wrong" } else { "" };
        let answered =
            if exchange.status == 0 { "not answered".into() } else { format!("answered {}", exchange.status) };
        let _ = writeln!(text, "# was {answered}: {}{mark}\n", comment(&span.observed));
    }
}

fn ask(text: &mut String, exchange: &Exchange, base: &str, actor: &str, asks: &mut Masked) {
    let Exchange { method, url, request_headers, request_body, .. } = exchange;
    // Only what is text was recorded whole, and a shell has no word with a 0 in it.
    if request_body.contains([char::REPLACEMENT_CHARACTER, '\0']) {
        let request = comment(&format!("{method} {url}"));
        let why = "not sent: its body is not text, and cannot be shown in a script; kpd replay sends it";
        let _ = write!(text, "echo {} >&2", quoted(&format!("{request}: {why}")));
        return;
    }
    // With another word for the method, curl would wait for the body that an answer to HEAD does not have.
    let method = if method == "HEAD" { "--head".into() } else { format!("--request {}", quoted(method)) };
    let _ = write!(text, "ask {method} ");
    // A replica's URL may begin with the whole of another one's.
    match url.strip_prefix(base).filter(|path| path.is_empty() || path.starts_with(['/', '?', '#'])) {
        Some("") => text.push_str("\"$TARGET\""),
        Some(path) => {
            let _ = write!(text, "\"$TARGET\"{}", asks.filled(path, actor, "url", true));
        }
        None => text.push_str(&asks.filled(url, actor, "url", true)),
    }
    for (name, value) in request_headers {
        // Without a value curl sends a header only if it is written so.
        let header = if value.is_empty() { format!("{name};") } else { format!("{name}: {value}") };
        let _ = write!(text, " \\\n  --header {}", asks.filled(&header, actor, name, false));
    }
    if !request_body.is_empty() {
        if !request_headers.keys().any(|name| name.eq_ignore_ascii_case("content-type")) {
            // Else curl says that it is a form.
            text.push_str(" \\\n  --header 'content-type:'");
        }
        let _ = write!(text, " \\\n  --data-raw {}", asks.filled(request_body, actor, "body", true));
    }
}

/// `http://host:port` of a URL.
fn base(url: &str) -> Option<&str> {
    let host = url.find("://")? + 3;
    Some(url[host..].find(['/', '?', '#']).map_or(url, |slash| &url[..host + slash]))
}

/// As the shell takes it literally.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

fn comment(text: &str) -> String {
    short(text, COMMENT_SHOWN)
}
