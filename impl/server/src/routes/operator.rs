//! What the operator does with a directory that runs.

use axum::extract::State;

use super::document::BackUpRefusals;
use crate::{
    extract::{App, Operator},
    problem::{Problem, ProblemKind},
    status::Created,
    wire::Backup,
};

/// Writes a backup beside the store: all that was acknowledged before, from one moment, while everybody goes on.
///
/// Whoever serves a backup has to start with `--fence`: the backup does not know what was granted after it was made, nor
/// can the server recognise that it is one (`LIFE-RESTORE`).
#[utoipa::path(post, path = "/v1/operator/backups", tag = "operator", security(("operator" = [])),
    responses((status = CREATED, description = "It is whole, and on disk", body = Backup), BackUpRefusals))]
pub(super) async fn back_up(State(app): State<App>, _: Operator) -> Result<Created<Backup>, Problem> {
    let not_durable =
        || Problem::new(ProblemKind::NotDurable, "this directory is kept in memory: there is no file to back up");
    let path = app.directory.back_up().await.ok_or_else(not_durable)??;
    // Where the store is, is for whoever started the server to know.
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(Created(Backup { name }))
}
