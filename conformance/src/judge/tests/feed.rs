//! What the notifications of a race say of how many are left, and of first uses.

use super::*;

/// The race with one more in stock.
fn plenty() -> String {
    let more = RACE.replace("a2: { client: phone },", "a2: { client: phone }, a3: { client: phone },");
    more.replace("[a1, a2, z]", "[a1, a2, a3, z]")
}

/// A notification: of what, to whom, how many were left, and whether it was the first use.
type Note<'a> = (&'a str, &'a str, Option<u64>, Option<bool>);

fn two(vector: &str, (one, other): (Observed, Observed), notes: &[Note<'_>]) -> Verdict {
    let grants: Vec<_> = notes.iter().map(|(package, requester, ..)| (*package, *requester)).collect();
    let Observed::Ok(Seen::Notifications(mut feed)) = told(&grants) else { panic!("no feed") };
    for (seen, (.., remaining, first_use)) in feed.iter_mut().zip(notes) {
        (seen.remaining, seen.first_use) = (*remaining, *first_use);
    }
    verdict(vector, race(one, other, Observed::Ok(Seen::Notifications(feed))))
}

#[test]
fn each_grant_leaves_one_less_in_whatever_order_they_came() {
    let regular = || (granted("regular", "a1"), granted("regular", "a2"));
    let left = |one, other| two(&plenty(), regular(), &[("a1", "b1", one, None), ("a2", "b2", other, None)]);
    for (one, other) in [(Some(2), Some(1)), (Some(1), Some(2)), (None, None), (None, Some(7))] {
        assert!(matches!(left(one, other), Verdict::Pass), "{one:?} {other:?}");
    }
    for (one, other) in [(Some(2), Some(2)), (Some(3), Some(2)), (Some(1), Some(0))] {
        fails(&left(one, other), "NOTE-EVERY-GRANT", "were left");
    }
    // Where more comes in meanwhile, nothing is sure.
    let meanwhile = plenty()
        .replace("c2: [ { claim: { as: b2, of: alice } } ]", "c2: [ { publish: { as: phone, key_packages: [a3] } } ]");
    let meanwhile = meanwhile.replace("[a1, a2, a3, z] }\nrace", "[a1, a2, z] }\nrace");
    let told = two(&meanwhile, (granted("regular", "a1"), published()), &[("a1", "b1", Some(2), None)]);
    assert!(matches!(told, Verdict::Pass), "{told:?}");
}

#[test]
fn a_last_resort_has_one_first_use() {
    let last = plenty().replace("[a1, a2, a3, z] }\nrace", "[z] }\nrace");
    let uses = |one, other| {
        let granted = || granted("last_resort", "z");
        two(&last, (granted(), granted()), &[("z", "b1", Some(0), one), ("z", "b2", Some(0), other)])
    };
    for (one, other) in [(Some(true), Some(false)), (Some(false), Some(true)), (None, Some(true))] {
        assert!(matches!(uses(one, other), Verdict::Pass), "{one:?} {other:?}");
    }
    fails(&uses(Some(true), Some(true)), "LAST-TOLD", "of 2 uses of the last resort z, 2 are told as the first");
    fails(&uses(Some(false), Some(false)), "LAST-TOLD", "0 are told as the first");
}

#[test]
fn what_a_sentence_counts_is_what_there_was_and_a_stranger_is_called_so() {
    let granted = || (granted("regular", "a1"), granted("regular", "a2"));
    let told = |notes: &[(&'static str, &'static str)]| {
        let notes: Vec<Note<'_>> =
            notes.iter().map(|(package, requester)| (*package, *requester, None, None)).collect();
        two(RACE, granted(), &notes)
    };
    let twice = told(&[("a1", "b1"), ("a1", "b1"), ("a2", "b2")]);
    fails(&twice, "NOTE-EVERY-GRANT", "a1 was granted 1 time(s), but alice/phone was notified of it 2 time(s)");
    let stranger = told(&[("a1", "mallory"), ("a2", "b2")]);
    fails(&stranger, "NOTE-NAMES-REQUESTER", "somebody who did not ask");
}
