//! A state that was written down and read again decides as it did before: what was granted stays granted
//! (`CLAIM-DURABLE`), what counts against a limit counts on (`RATE-DURABLE`), and nothing else is forgotten
//! (`LIFE-RESTART`). That it is written down before the answer leaves is the store's part.

use std::sync::LazyLock;

use kpd_directory::{
    Policy, UserState,
    policy::{Limits, Selection},
};
use proptest::prelude::*;

use crate::{
    LIMITED, policy,
    story::stories,
    support::{
        directory::{Directory, first_keys, restored},
        world::USERS,
    },
};

/// After the first keys of everybody; made once, since it takes eight signatures.
static BEGINNINGS: LazyLock<[Directory; 2]> = LazyLock::new(|| {
    [Limits::NONE, LIMITED].map(|limits| {
        let policy: Policy = policy(Selection::Fifo, limits);
        let mut directory = Directory::enrolled(policy);
        first_keys().for_each(|command| drop(directory.run(&command)));
        directory
    })
});

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    /// `LIFE-RESTART`, `CLAIM-DURABLE`, `RATE-DURABLE`: whenever a process ends, the next one knows what it has recorded,
    /// be it from the events or from the state in their place, and answers as it would have.
    #[test]
    fn who_goes_on_from_a_snapshot_answers_the_same(story in stories(), restart in any::<prop::sample::Index>()) {
        let mut whole = BEGINNINGS[usize::from(story.limited)].clone();
        let (before, after) = story.commands.split_at(restart.index(story.commands.len()));
        before.iter().for_each(|command| drop(whole.run(command)));
        let mut restarted = whole.clone().restarted();
        for command in after {
            let (expected, found) = (whole.run(command), restarted.run(command));
            prop_assert_eq!(format!("{expected:?}"), format!("{found:?}"), "{}", command);
        }
        for user in USERS {
            prop_assert_eq!(restarted.state(user), UserState::of(&restarted.history(user)));
            prop_assert_eq!(restarted.state(user), whole.state(user));
        }
        for account in whole.accounts() {
            prop_assert_eq!(&restored(&account), &account);
        }
    }
}
