//! A lie about who asks.

use kpd_directory::{ClientName, Requester, SignatureKeyId, UserId};

use crate::auth::Signer;

/// Whoever signs nothing is the same somebody.
pub(super) fn somebody() -> Option<Signer> {
    let user = UserId::parse("acct:somebody@example.org").ok()?;
    let client = ClientName::parse("somewhere").ok()?;
    let key = SignatureKeyId::parse(&"A".repeat(43)).ok()?;
    Some(Signer { requester: Requester { user, client }, key, vouched_by: None })
}
