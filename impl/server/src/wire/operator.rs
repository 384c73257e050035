//! The shapes of what the operator does.

use serde::Serialize;
use utoipa::ToSchema;

/// A backup.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Backup {
    /// The name of the file, which is in the directory of the store; it ends with the Unix seconds of its making.
    #[schema(example = "directory.kpd.backup-1767225600")]
    pub(crate) name: String,
}
