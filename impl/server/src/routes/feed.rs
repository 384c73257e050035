//! What only the owner is told: stock and notifications.

use std::time::Duration;

use axum::{
    Json,
    extract::State,
    http::{
        HeaderMap,
        header::{ACCEPT, CACHE_CONTROL, HeaderName, VARY},
    },
    response::{IntoResponse as _, Response},
};
use kpd_directory::{ClientName, UserId};
use serde::Deserialize;

use super::{
    document::{AcknowledgeRefusals, FeedRefusals},
    stream,
};
use crate::{
    extract::{App, Names, Parameters, Shared, Signed, SignedJson, bad},
    problem::Problem,
    seams::Ground,
    service::Heard,
    status::Done,
    wire::{Acknowledge, Notifications, StockShape, WAIT_SECONDS_MAX},
};

/// An answer for the owner, and for no cache.
pub(super) type Private<T> = ([(HeaderName, &'static str); 1], Json<T>);

/// Where to go on reading.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct From {
    #[serde(default)]
    after: u64,
    /// Seconds; none is none.
    wait: Option<u64>,
}

/// What is left (`NOTE-ZERO`).
#[utoipa::path(get, path = "/v1/users/{user}/clients/{client}/stock", tag = "feed", security(("signature" = [])),
    params(("user" = String, Path, example = "acct:bob@example.org"), ("client" = String, Path, example = "bob-phone")),
    responses((status = OK, description = "What can still be claimed, by suite", body = StockShape), FeedRefusals))]
pub(super) async fn stock(
    State(app): State<App>,
    Names((user, client)): Names<(UserId, ClientName)>,
    Signed(signer): Signed,
) -> Result<Private<StockShape>, Problem> {
    app.must_own(Ground::Feed, &signer, &user, &client)?;
    let stocks = app.directory.stock(&user, &client).await?;
    Ok(private(StockShape::new(stocks, |remaining| app.is_low(remaining))))
}

/// The grants that were not acknowledged yet (`NOTE-EVERY-GRANT`), at once or, with `wait`, as soon as there is one.
///
/// With `Accept: text/event-stream` they come as server-sent events, each as soon as it is made: `id` is the sequence,
/// `event` is `grant`, `data` one notification as in JSON. Whoever reconnects with `Last-Event-ID` goes on after it. The
/// stream ends with the key that signed the request, and when the server stops.
#[utoipa::path(get, path = "/v1/users/{user}/clients/{client}/notifications", tag = "feed", security(("signature" = [])),
    params(
        ("user" = String, Path, example = "acct:bob@example.org"), ("client" = String, Path, example = "bob-phone"),
        ("after" = Option<u64>, Query, description = "Only those with a higher sequence"),
        ("wait" = Option<u64>, Query, description = "Seconds, at most the policy's `notification_wait_seconds_max`: if there is \
            nothing, the answer comes with the next grant, or empty after that time"),
        ("Last-Event-ID" = Option<u64>, Header, description = "Of a stream alone, and before `after`: the sequence of the last \
            event that came")
    ),
    responses((status = OK, description = "Oldest first",
        content((Notifications = "application/json"), (String = "text/event-stream"))), FeedRefusals))]
pub(super) async fn notifications(
    State(app): State<App>,
    Names((user, client)): Names<(UserId, ClientName)>,
    Parameters(From { after, wait }): Parameters<From>,
    headers: HeaderMap,
    Signed(signer): Signed,
) -> Result<Response, Problem> {
    app.must_own(Ground::Feed, &signer, &user, &client)?;
    if stream::is_wanted(&headers) {
        if wait.is_some() {
            return Err(bad("wait: a stream waits by itself; leave it out, or accept application/json"));
        }
        let after = stream::last_event_id(&headers)?.filter(|_| app.directory.seams().resumes).unwrap_or(after);
        let reader = app.directory.reader(signer, user, client, after)?;
        return stream::begin(app, reader).await;
    }
    let notifications = match wait {
        None => app.directory.notifications(&user, &client, after).await?,
        Some(seconds @ ..=WAIT_SECONDS_MAX) => {
            let mut reader = app.directory.reader(signer, user, client, after)?;
            match reader.next(&app.directory, Duration::from_secs(seconds)).await? {
                Heard::Notifications(notifications) => notifications,
                Heard::Nothing | Heard::Over => vec![],
            }
        }
        Some(seconds) => {
            return Err(bad(format!("wait is {seconds} seconds, and may be {WAIT_SECONDS_MAX}: ask again after that")));
        }
    };
    let answer = private(Notifications::new(notifications, |remaining| app.is_low(remaining)));
    Ok(([(VARY, ACCEPT.as_str())], answer).into_response())
}

/// Lets go of notifications that were read (`NOTE-SURVIVES`).
#[utoipa::path(post, path = "/v1/users/{user}/clients/{client}/notifications/acknowledgements", tag = "feed",
    request_body = Acknowledge, security(("signature" = [])),
    params(("user" = String, Path, example = "acct:bob@example.org"), ("client" = String, Path, example = "bob-phone")),
    responses((status = NO_CONTENT, description = "They will not be delivered again"), AcknowledgeRefusals))]
pub(super) async fn acknowledge(
    State(app): State<App>,
    Names((user, client)): Names<(UserId, ClientName)>,
    SignedJson { signer, body }: SignedJson<Acknowledge>,
) -> Result<Done, Problem> {
    app.must_own(Ground::Feed, &signer, &user, &client)?;
    app.directory.acknowledge(&user, &client, body.through).await?;
    Ok(Done)
}

impl Shared {
    pub(super) fn is_low(&self, remaining: usize) -> bool {
        (self.directory.seams().is_low)(self.directory.policy(), remaining)
    }
}

pub(super) fn private<T>(answer: T) -> Private<T> {
    ([(CACHE_CONTROL, "no-store")], Json(answer))
}
