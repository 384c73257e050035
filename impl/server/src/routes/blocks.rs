//! Blocks: whom a user shuts out.

use axum::extract::State;
use kpd_directory::UserId;

use super::{
    document::{BlockRefusals, BlocksRefusals, UnblockRefusals},
    feed::{Private, private},
};
use crate::{
    extract::{App, Names, Parameters, Signed, SignedJson, bad},
    problem::Problem,
    status::Done,
    wire::{BlockShape, Blocks},
};

/// Whom the user shuts out; nobody else is told.
#[utoipa::path(get, path = "/v1/users/{user}/blocks", tag = "blocks", security(("signature" = [])),
    params(("user" = String, Path, example = "acct:bob@example.org")),
    responses((status = OK, description = "Requesters and servers", body = Blocks), BlocksRefusals))]
pub(super) async fn blocks(
    State(app): State<App>,
    Names(user): Names<UserId>,
    Signed(signer): Signed,
) -> Result<Private<Blocks>, Problem> {
    signer.must_be_of(&user)?;
    Ok(private(app.directory.blocks(&user).await?.into()))
}

/// Shuts a requester out with all its clients, or a server with all its users, from this moment on
/// (`BLOCK-REQUESTER`).
#[utoipa::path(post, path = "/v1/users/{user}/blocks", tag = "blocks", request_body = BlockShape,
    security(("signature" = [])), params(("user" = String, Path, example = "acct:bob@example.org")),
    responses((status = NO_CONTENT, description = "To them the user does not exist any more"), BlockRefusals))]
pub(super) async fn block(
    State(app): State<App>,
    Names(user): Names<UserId>,
    SignedJson { signer, body }: SignedJson<BlockShape>,
) -> Result<Done, Problem> {
    signer.must_be_of(&user)?;
    app.directory.block(&user, &body.blocked().map_err(bad)?).await?;
    Ok(Done)
}

/// Lifts a block.
#[utoipa::path(delete, path = "/v1/users/{user}/blocks", tag = "blocks", security(("signature" = [])),
    params(
        ("user" = String, Path, example = "acct:bob@example.org"),
        ("requester" = Option<String>, Query, description = "Either this", example = "acct:eve@example.org"),
        ("server" = Option<String>, Query, description = "or this", example = "example.net")
    ),
    responses((status = NO_CONTENT, description = "They are not shut out"), UnblockRefusals))]
pub(super) async fn unblock(
    State(app): State<App>,
    Names(user): Names<UserId>,
    Parameters(named): Parameters<BlockShape>,
    Signed(signer): Signed,
) -> Result<Done, Problem> {
    signer.must_be_of(&user)?;
    app.directory.unblock(&user, &named.blocked().map_err(bad)?).await?;
    Ok(Done)
}
