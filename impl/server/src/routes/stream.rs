//! Notifications as server-sent events (HTML Standard, section 9.2): read from the feed one after the other, so that a
//! slow reader costs what it reads, and a lost connection loses nothing.

use std::time::Duration;

use axum::{
    Error,
    http::{
        HeaderMap,
        header::{ACCEPT, CACHE_CONTROL, VARY},
    },
    response::{
        IntoResponse as _, Response, Sse,
        sse::{Event, KeepAlive},
    },
};
use futures_util::stream;
use kpd_directory::feed::Notification;

use crate::{
    extract::{App, bad},
    problem::Problem,
    service::{Heard, Reader},
    wire::NotificationShape,
};

/// Whether the answer is to be a stream.
pub(super) fn is_wanted(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut ranges = accepted.flat_map(|value| value.split(','));
    ranges.any(|range| {
        let mut parts = range.split(';').map(str::trim);
        let essence = parts.next().unwrap_or_default();
        let refused = parts.any(|part| part.strip_prefix("q=").is_some_and(|q| q.trim_matches(['0', '.']).is_empty()));
        essence.eq_ignore_ascii_case("text/event-stream") && !refused
    })
}

/// Where a stream that was lost goes on; an empty one is none, as the standard has it.
pub(super) fn last_event_id(headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    let Some(value) = headers.get("last-event-id") else { return Ok(None) };
    let text = value.to_str().unwrap_or("?");
    let number =
        || text.parse().map_err(|_| bad(format!("Last-Event-ID is {text:?}, and is the sequence of an event")));
    (!text.is_empty()).then(number).transpose()
}

/// Begins a stream; what can be refused is refused before it begins.
pub(super) async fn begin(app: App, mut reader: Reader) -> Result<Response, Problem> {
    let ready = match reader.next(&app.directory, Duration::ZERO).await? {
        Heard::Notifications(notifications) => notifications,
        Heard::Nothing | Heard::Over => vec![],
    };
    let told = Box::new(Told { app, reader, ready: ready.into_iter(), begun: false });
    let stream = Sse::new(stream::unfold(told, next)).keep_alive(KeepAlive::new().interval(KEEP_ALIVE));
    // The last one is for proxies that would hold small pieces back.
    let headers = [(CACHE_CONTROL.as_str(), "no-store"), (VARY.as_str(), ACCEPT.as_str()), ("x-accel-buffering", "no")];
    Ok((headers, stream).into_response())
}

struct Told {
    app: App,
    reader: Reader,
    ready: std::vec::IntoIter<Notification>,
    begun: bool,
}

/// The stream ends with its key, its client or the server, and also where the feed cannot be read at the moment: its
/// reader comes again and says where it was.
async fn next(mut told: Box<Told>) -> Option<(Result<Event, Error>, Box<Told>)> {
    if !told.begun {
        told.begun = true;
        return Some((Ok(Event::default().retry(RETRY)), told));
    }
    loop {
        if let Some(notification) = told.ready.next() {
            let id = notification.sequence.to_string();
            let shape = NotificationShape::new(notification, |remaining| told.app.is_low(remaining));
            return Some((Event::default().id(id).event("grant").json_data(shape), told));
        }
        match told.reader.next(&told.app.directory, A_WHILE).await {
            Ok(Heard::Notifications(notifications)) => told.ready = notifications.into_iter(),
            Ok(Heard::Nothing) => {}
            Ok(Heard::Over) | Err(_) => return None,
        }
    }
}

/// Shorter than what proxies take for idle.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// How long a reader is to wait before it comes again.
const RETRY: Duration = Duration::from_secs(2);

/// A stream has no end of its own; it is only looked after again.
const A_WHILE: Duration = Duration::from_secs(60 * 60);
