//! Mutants of feeds: streams, waiting and drains.

use super::{Mutant, list::TRUTH, notes};
use crate::seams::{Seams, Wakes};

mutants! {
    /// Mutants of what the suite has no steps for yet: streams, waiting and drains. The server's own tests show each.
    FEED_MUTANTS:

    "newest-first" breaks "NOTE-SURVIVES":
        "Notifications come in the opposite order.",
        TRUTH with notifications: notes::newest_first;
    "ignores-last-event-id" breaks "NOTE-SURVIVES":
        "A stream that is taken up again begins where the request says, and not after the last event that came.",
        TRUTH with resumes: false;
    "wakes-nobody" breaks "NOTE-WAKES":
        "Whoever waits for a notification waits to the end, and is told nothing.",
        TRUTH with wakes: Wakes::Never;
        seen in "https://github.com/element-hq/synapse/issues/17820";
    "wakes-at-the-end" breaks "NOTE-WAKES":
        "Whoever waits for a notification is told when it has waited for as long as it would.",
        TRUTH with wakes: Wakes::AtTheEnd;
    "counts-a-claim-behind" breaks "NOTE-WAKES":
        "Within a second of a claim the stock is told as it was before.",
        TRUTH with stock: notes::counts_a_claim_behind;
    "never-tells-drains" breaks "NOTE-DRAIN":
        "No notification tells of a drain.",
        TRUTH with notifications: notes::never_tells_drains;
    "tells-every-drain" breaks "NOTE-DRAIN":
        "Every grant beyond the share is told as a drain, not the one alone that crosses it.",
        TRUTH with claim: notes::tells_every_drain;
}
