//! Publishing and withdrawing KeyPackages.

use axum::{Json, extract::State};
use kpd_directory::{ClientName, UserId};

use super::document::{PublishRefusals, WithdrawRefusals};
use crate::{
    auth::Signer,
    extract::{App, Names, Shared, SignedJson},
    problem::{Problem, ProblemKind},
    seams::Ground,
    status::Created,
    wire::{Object, Publish, PublishedShape, Withdraw, Withdrawn},
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
    let uploads = body.key_packages.into_iter().map(|Object(item)| (item.key_package.0, item.role)).collect();
    Ok(Created(app.directory.publish(&user, &client, uploads).await?.into()))
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
