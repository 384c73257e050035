//! Publishing and withdrawing KeyPackages.

use axum::{Json, extract::State};
use kpd_directory::{ClientName, UserId};

use super::{
    document::{InventoryRefusals, PublishRefusals, WithdrawRefusals},
    feed::{Private, private},
};
use crate::{
    auth::Signer,
    extract::{App, Names, Shared, Signed, SignedJson},
    problem::{Problem, ProblemKind},
    seams::Ground,
    service::Upload,
    status::Created,
    wire::{InventoryShape, Object, Publish, PublishedShape, ReplacedShape, Withdraw, Withdrawn},
};

/// Publishes a batch: all of it or nothing (`PUB-ATOMIC`).
#[utoipa::path(post, path = "/v1/users/{user}/clients/{client}/key-packages", tag = "key packages",
    request_body = Publish, security(("signature" = [])),
    params(("user" = String, Path, example = "acct:bob@example.org"), ("client" = String, Path, example = "bob-phone")),
    responses((status = CREATED, description = "All can be claimed", body = PublishedShape), PublishRefusals))]
pub(super) async fn publish(
    State(app): State<App>,
    Names((user, client)): Names<(UserId, ClientName)>,
    SignedJson { signer, body }: SignedJson<Publish>,
) -> Result<Created<PublishedShape>, Problem> {
    app.must_own(Ground::KeyPackages, &signer, &user, &client)?;
    Ok(Created(app.directory.publish(&user, &client, uploads(body)).await?.into()))
}

/// Publishes a batch that takes the place of everything available, last resorts included: all of it or nothing
/// (`PUB-ATOMIC`). What is in the batch and available already stays.
#[utoipa::path(put, path = "/v1/users/{user}/clients/{client}/key-packages", tag = "key packages",
    request_body = Publish, security(("signature" = [])),
    params(("user" = String, Path, example = "acct:bob@example.org"), ("client" = String, Path, example = "bob-phone")),
    responses((status = OK, description = "These, and only these, can be claimed", body = ReplacedShape),
        PublishRefusals))]
pub(super) async fn replace(
    State(app): State<App>,
    Names((user, client)): Names<(UserId, ClientName)>,
    SignedJson { signer, body }: SignedJson<Publish>,
) -> Result<Json<ReplacedShape>, Problem> {
    app.must_own(Ground::KeyPackages, &signer, &user, &client)?;
    Ok(Json(app.directory.replace(&user, &client, uploads(body)).await?.into()))
}

fn uploads(body: Publish) -> Vec<Upload> {
    body.key_packages.into_iter().map(|Object(item)| (item.key_package.0, item.role)).collect()
}

/// All KeyPackages of the client that are remembered, to be compared with its key store (`NOTE-RECONCILE`).
#[utoipa::path(get, path = "/v1/users/{user}/clients/{client}/key-packages", tag = "key packages",
    security(("signature" = [])),
    params(("user" = String, Path, example = "acct:bob@example.org"), ("client" = String, Path, example = "bob-phone")),
    responses((status = OK, description = "Each with what has become of it", body = InventoryShape),
        InventoryRefusals))]
pub(super) async fn inventory(
    State(app): State<App>,
    Names((user, client)): Names<(UserId, ClientName)>,
    Signed(signer): Signed,
) -> Result<Private<InventoryShape>, Problem> {
    app.must_own(Ground::Feed, &signer, &user, &client)?;
    let inventory = app.directory.inventory(&user, &client).await?;
    let digest = (app.directory.seams().digest)(&inventory);
    Ok(private(InventoryShape::new(inventory, digest)))
}

/// Takes KeyPackages back, unless claims were first (`LIFE-WITHDRAW-RACE`).
#[utoipa::path(post, path = "/v1/users/{user}/clients/{client}/key-packages/withdrawals", tag = "key packages",
    request_body = Withdraw, security(("signature" = [])),
    params(("user" = String, Path, example = "acct:bob@example.org"), ("client" = String, Path, example = "bob-phone")),
    responses((status = OK, description = "What became of each", body = Withdrawn), WithdrawRefusals))]
pub(super) async fn withdraw(
    State(app): State<App>,
    Names((user, client)): Names<(UserId, ClientName)>,
    SignedJson { signer, body }: SignedJson<Withdraw>,
) -> Result<Json<Withdrawn>, Problem> {
    app.must_own(Ground::KeyPackages, &signer, &user, &client)?;
    Ok(Json(app.directory.withdraw(&user, &client, &body.references).await?.into()))
}

impl Shared {
    /// What belongs to a client is for this client alone.
    pub(super) fn must_own(
        &self,
        ground: Ground,
        signer: &Signer,
        user: &UserId,
        client: &ClientName,
    ) -> Result<(), Problem> {
        if self.directory.admits(ground, &signer.requester, user, client) {
            return Ok(());
        }
        let (by_user, by_client) = (&signer.requester.user, &signer.requester.client);
        let detail =
            format!("this is for client {client} of {user}, and the request is signed by {by_client} of {by_user}");
        Err(Problem::new(ProblemKind::NotOwner, detail))
    }
}
