//! What the notifications of a race say beside who got what: how many were left, and which use of a last resort was its first.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    recording::{NotificationSeen, Observed, Recorded, Seen},
    vector::{Step, Vector},
};

/// What is wrong with a feed.
pub(super) struct Contradiction<'a> {
    pub(super) rule: &'static str,
    pub(super) says: String,
    /// The reading of it.
    pub(super) read: &'a Recorded,
}

/// Whether an owner's reading of its whole feed after a race cannot be so. Each grant leaves one less, in whatever order the
/// grants came: that much is sure where all was published before the race, and nothing but claims took of it.
pub(super) fn contradiction<'a>(vector: &Vector, pairs: &[(&Step, &'a Recorded)]) -> Option<Contradiction<'a>> {
    let other = |step: &Step| {
        let replaces = step.publish.as_ref().is_some_and(|publish| publish.replace);
        let takes = step.withdraw.is_some() || step.remove_client.is_some() || step.remove_key.is_some();
        replaces || takes || step.acknowledge.is_some() || step.restore.is_some()
    };
    let other_suite = vector.key_packages.values().any(|recipe| recipe.cipher_suite != 1);
    if other_suite || vector.all_steps().any(|(_, step)| other(step)) {
        return None;
    }
    pairs.iter().rev().find_map(|(step, read)| {
        let feed =
            step.notifications.as_ref().filter(|feed| feed.after.is_none() && read.path.starts_with("after["))?;
        let owner = vector.client(feed.of.as_ref().unwrap_or(&feed.by))?;
        let Observed::Ok(Seen::Notifications(told)) = &read.observed else { return None };
        let (rule, says) = first_uses(vector, told).or_else(|| left(vector, pairs, &owner, told))?;
        Some(Contradiction { rule, says: format!("{}: {says}", read.says), read })
    })
}

fn is_last_resort(vector: &Vector, told: &NotificationSeen) -> Option<bool> {
    let name = told.key_package.split('#').next().unwrap_or_default();
    vector.key_packages.get(name).map(|recipe| recipe.last_resort)
}

/// `LAST-TOLD`: the first use of a last resort is marked, and no other.
fn first_uses(vector: &Vector, told: &[NotificationSeen]) -> Option<(&'static str, String)> {
    let mut uses: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for note in told.iter().filter(|note| is_last_resort(vector, note) == Some(true)) {
        let (all, first) = uses.entry(&note.key_package).or_default();
        *all += 1;
        *first += usize::from(note.first_use?);
    }
    let (name, (all, first)) = uses.into_iter().find(|(_, (_, first))| *first != 1)?;
    Some(("LAST-TOLD", format!("of {all} uses of the last resort {name}, {first} are told as the first")))
}

/// `NOTE-EVERY-GRANT`: each notification has the number that was left.
fn left(
    vector: &Vector,
    pairs: &[(&Step, &Recorded)],
    owner: &(String, String),
    told: &[NotificationSeen],
) -> Option<(&'static str, String)> {
    let mut published = BTreeSet::new();
    for (step, recorded) in pairs {
        let Some(publish) = &step.publish else { continue };
        if vector.client(publish.owner.as_ref().unwrap_or(&publish.by)).as_ref() != Some(owner) {
            continue;
        }
        if !recorded.path.starts_with("before[") || !matches!(recorded.observed, Observed::Ok(_)) {
            return None;
        }
        let regular = |name: &&String| vector.key_packages.get(*name).is_some_and(|recipe| !recipe.last_resort);
        published.extend(publish.key_packages.iter().filter(regular).flat_map(|name| vector.copies(name)));
    }
    let regular: Vec<_> = told.iter().filter(|note| is_last_resort(vector, note) == Some(false)).collect();
    let mut numbers = regular.iter().map(|note| note.remaining).collect::<Option<Vec<u64>>>()?;
    numbers.sort_unstable_by(|one, other| other.cmp(one));
    let all = u64::try_from(published.len()).ok()?;
    let right: Vec<u64> = (1..).take(numbers.len()).map(|granted: u64| all.saturating_sub(granted)).collect();
    let shown = |numbers: &[u64]| numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    (numbers != right).then(|| {
        let says = format!("after each grant were left {}, where {} is right", shown(&numbers), shown(&right));
        ("NOTE-EVERY-GRANT", says)
    })
}
