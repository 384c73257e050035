//! What only the owner is told: stock and notifications.

use axum::{
    Json,
    extract::State,
    http::header::{CACHE_CONTROL, HeaderName},
};
use kpd_directory::{ClientName, UserId};
use serde::Deserialize;

use super::document::{AcknowledgeRefusals, FeedRefusals};
use crate::{
    extract::{App, Names, Parameters, Shared, Signed, SignedJson},
    problem::Problem,
    seams::Ground,
    status::Done,
    wire::{Acknowledge, Notifications, StockShape},
};

/// An answer for the owner, and for no cache.
pub(super) type Private<T> = ([(HeaderName, &'static str); 1], Json<T>);

/// Where to go on reading.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct From {
    #[serde(default)]
    after: u64,
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

/// The grants that were not acknowledged yet (`NOTE-EVERY-GRANT`).
#[utoipa::path(get, path = "/v1/users/{user}/clients/{client}/notifications", tag = "feed", security(("signature" = [])),
    params(
        ("user" = String, Path, example = "acct:bob@example.org"), ("client" = String, Path, example = "bob-phone"),
        ("after" = Option<u64>, Query, description = "Only those with a higher sequence")
    ),
    responses((status = OK, description = "Oldest first", body = Notifications), FeedRefusals))]
pub(super) async fn notifications(
    State(app): State<App>,
    Names((user, client)): Names<(UserId, ClientName)>,
    Parameters(From { after }): Parameters<From>,
    Signed(signer): Signed,
) -> Result<Private<Notifications>, Problem> {
    app.must_own(Ground::Feed, &signer, &user, &client)?;
    let notifications = app.directory.notifications(&user, &client, after).await?;
    Ok(private(Notifications::new(notifications, |remaining| app.is_low(remaining))))
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
    fn is_low(&self, remaining: usize) -> bool {
        (self.directory.seams().is_low)(self.directory.policy(), remaining)
    }
}

pub(super) fn private<T>(answer: T) -> Private<T> {
    ([(CACHE_CONTROL, "no-store")], Json(answer))
}
