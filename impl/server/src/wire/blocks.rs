//! The shapes of blocks.

use kpd_directory::{ServerName, UnixSeconds, UserId, blocks::Blocked};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Who is to be shut out, or let in again: exactly one of the two.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BlockShape {
    /// A user, with all its clients.
    #[schema(value_type = Option<String>, example = "acct:eve@example.org")]
    requester: Option<UserId>,
    /// All users of a server.
    #[schema(value_type = Option<String>, example = "example.net")]
    server: Option<ServerName>,
}

impl BlockShape {
    /// Who it is, or what is wrong.
    pub(crate) fn blocked(self) -> Result<Blocked, &'static str> {
        match (self.requester, self.server) {
            (Some(requester), None) => Ok(Blocked::Requester(requester)),
            (None, Some(server)) => Ok(Blocked::Server(server)),
            _ => Err("either a requester or a server has to be named"),
        }
    }
}

/// Whom a user shuts out.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Blocks {
    blocks: Vec<Block>,
}

/// One of them: a requester or a server.
#[derive(Debug, Serialize, ToSchema)]
struct Block {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "acct:eve@example.org")]
    requester: Option<UserId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "example.net")]
    server: Option<ServerName>,
    /// Unix seconds.
    since: UnixSeconds,
}

impl From<Vec<(Blocked, UnixSeconds)>> for Blocks {
    fn from(blocks: Vec<(Blocked, UnixSeconds)>) -> Self {
        let block = |(blocked, since)| match blocked {
            Blocked::Requester(requester) => Block { requester: Some(requester), server: None, since },
            Blocked::Server(server) => Block { requester: None, server: Some(server), since },
        };
        Self { blocks: blocks.into_iter().map(block).collect() }
    }
}
