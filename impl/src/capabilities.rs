//! What a leaf says that its client can do, and whether that is what a group requires (RFC 9420 §7.2, §11.1).

use std::{collections::BTreeSet, ops::RangeInclusive};

use serde::{Deserialize, Serialize};

/// application_id, ratchet_tree, required_capabilities, external_pub, external_senders: known to everyone, and not
/// listed (RFC 9420 §7.2).
pub(crate) const DEFAULT_EXTENSIONS: RangeInclusive<u16> = 1..=5;
/// add, update, remove, psk, reinit, external_init, group_context_extensions: as above.
const DEFAULT_PROPOSALS: RangeInclusive<u16> = 1..=7;

/// Types of extensions, proposals and credentials, as in a leaf's `Capabilities` and in `RequiredCapabilities`. What
/// every client knows is never in it, so that two lists that mean the same are equal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capabilities {
    extensions: BTreeSet<u16>,
    proposals: BTreeSet<u16>,
    credentials: BTreeSet<u16>,
}

impl Capabilities {
    /// From three lists of types; neither their order nor a type that comes twice matters.
    pub fn new(
        extensions: impl IntoIterator<Item = u16>,
        proposals: impl IntoIterator<Item = u16>,
        credentials: impl IntoIterator<Item = u16>,
    ) -> Self {
        Self {
            extensions: extensions.into_iter().filter(|kind| !DEFAULT_EXTENSIONS.contains(kind)).collect(),
            proposals: proposals.into_iter().filter(|kind| !DEFAULT_PROPOSALS.contains(kind)).collect(),
            credentials: credentials.into_iter().collect(),
        }
    }

    /// Whether these are only such as every client has.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.extensions.is_empty() && self.proposals.is_empty() && self.credentials.is_empty()
    }

    /// Whether each of the required ones is among these (`CLAIM-COMPATIBLE`).
    #[must_use]
    pub fn hold(&self, required: &Self) -> bool {
        required.extensions.is_subset(&self.extensions)
            && required.proposals.is_subset(&self.proposals)
            && required.credentials.is_subset(&self.credentials)
    }

    /// The types of extensions, of proposals and of credentials, each in order.
    #[must_use]
    pub fn types(&self) -> [&BTreeSet<u16>; 3] {
        [&self.extensions, &self.proposals, &self.credentials]
    }
}
