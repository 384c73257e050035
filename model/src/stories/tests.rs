//! Stories can be asked, are different, and get smaller.

use std::collections::BTreeSet;

use super::*;

/// A source of numbers that is the same each time (SplitMix64).
pub(crate) fn chance(mut seed: u64) -> impl FnMut(usize) -> usize {
    move |below| {
        seed = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = (seed ^ (seed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((mixed ^ (mixed >> 31)) % below as u64).unwrap()
    }
}

fn everything() -> Alphabet {
    Alphabet {
        kinds: Kind::ALL.into_iter().collect(),
        last_resorts: true,
        refuses_last_resorts: true,
        claim_keys: true,
        suites: true,
        expiring_keys: true,
    }
}

#[test]
fn every_story_is_a_vector_and_the_same_seed_tells_it_again() {
    let mut different = BTreeSet::new();
    for seed in 0..300 {
        let mut from_seed = chance(seed);
        let story = Story::in_order(&everything(), &mut from_seed);
        assert_eq!(story, Story::in_order(&everything(), &mut chance(seed)));
        let told = story.vector("fuzz/a", "CLAIM-ONCE", false).unwrap_or_else(|why| panic!("{why}: {story:?}"));
        different.insert(told);
        let race = Story::at_once(&everything(), &mut chance(seed));
        assert!(race.lanes.len() >= 2, "{race:?}");
        different.insert(race.vector("fuzz/a", "CLAIM-ONCE", false).unwrap_or_else(|why| panic!("{why}: {race:?}")));
    }
    assert!(different.len() > 590, "{}", different.len());
}

#[test]
fn nothing_is_asked_that_is_not_offered() {
    let few = Alphabet {
        kinds: BTreeSet::from([Kind::Publish, Kind::Claim]),
        last_resorts: false,
        refuses_last_resorts: false,
        claim_keys: false,
        suites: false,
        expiring_keys: false,
    };
    for seed in 0..100 {
        for story in [Story::in_order(&few, &mut chance(seed)), Story::at_once(&few, &mut chance(seed))] {
            for op in story.one_by_one().before {
                match op {
                    Op::Publish { packages, .. } => {
                        assert!(packages.iter().all(|facts| facts.package.0 < 8 || facts.package.0 > 10))
                    }
                    Op::Claim(claim) => {
                        assert!(claim.key.is_none() && claim.suites.is_empty() && claim.last_resort_accepted)
                    }
                    other => panic!("{other}"),
                }
            }
        }
    }
}

#[test]
fn a_story_gets_smaller_by_what_is_left_out() {
    let story = Story::at_once(&everything(), &mut chance(7));
    assert_eq!(story.without(&(0..1)).len(), story.len() - 1);
    assert!(story.without(&(0..story.len())).is_empty());
    let two_lanes = story.before.len()..story.before.len() + story.lanes.iter().skip(1).map(Vec::len).sum::<usize>();
    assert!(story.without(&two_lanes).lanes.len() <= story.lanes.len());
    assert_eq!(story.one_by_one().len(), story.len());
    let packages = |story: &Story| -> usize {
        let all = story.one_by_one().before.into_iter().map(|op| match op {
            Op::Publish { packages, .. } | Op::Replace { packages, .. } => packages.len(),
            Op::Withdraw { packages, .. } => packages.len(),
            _ => 0,
        });
        all.sum()
    };
    for smaller in story.with_smaller_batches() {
        assert_eq!((packages(&smaller), smaller.len()), (packages(&story) - 1, story.len()));
    }
}
