//! Lifetimes are judged at the directory's own time and against its own maximum, to the second.

use kpd_directory::{
    Policy, UnixSeconds,
    key_package::{KeyPackage, KeyPackageFlaw},
};

use crate::{
    refused, sample, signer_of,
    support::make::{DAY, START, unverified},
};

const SKEW: u64 = 300;
const MAX: u64 = 90 * DAY;

/// A KeyPackage with this lifetime, at this time.
fn verify(not_before: UnixSeconds, not_after: UnixSeconds, now: UnixSeconds) -> Result<KeyPackage, KeyPackageFlaw> {
    let mut parts = sample(1);
    parts.set_span(not_before, not_after);
    parts.sign(signer_of(1));
    let policy = Policy { clock_skew_seconds: SKEW, lifetime_seconds_max: MAX, ..Policy::default() };
    unverified(&parts.bytes()).verify(&policy, now)
}

/// Long ago, about now, and in the year 2128: no machine's clock has a say.
const TIMES: [UnixSeconds; 3] = [START, 1_800_000_000, 5_000_000_000];

#[test]
fn from_its_first_second_less_the_skew() {
    for begin in TIMES {
        assert!(verify(begin, begin + DAY, begin).is_ok());
        assert!(verify(begin, begin + DAY, begin - SKEW).is_ok());
        refused("NotYetValid", &verify(begin, begin + DAY, begin - SKEW - 1));
    }
}

#[test]
fn until_the_second_before_its_last() {
    for begin in TIMES {
        assert!(verify(begin, begin + DAY, begin + DAY - 1).is_ok());
        refused("Expired", &verify(begin, begin + DAY, begin + DAY));
        refused("Expired", &verify(begin, begin + DAY, u64::MAX));
    }
}

#[test]
fn no_longer_than_the_maximum() {
    for begin in TIMES {
        assert!(verify(begin, begin + MAX, begin).is_ok());
        refused("LifetimeTooLong", &verify(begin, begin + MAX + 1, begin));
        refused("LifetimeTooLong", &verify(0, u64::MAX, begin));
    }
}

#[test]
fn not_backwards() {
    for now in TIMES {
        refused("Expired", &verify(now - 10, now - 20, now));
        refused("NotYetValid", &verify(now + DAY + 10, now + DAY, now));
        refused("Expired", &verify(now + 10, now - 10, now));
        refused("Expired", &verify(now + 100, now + 50, now));
    }
}

#[test]
fn a_message_carries_both_sides_of_the_comparison() {
    let told = |verdict: Result<KeyPackage, KeyPackageFlaw>| verdict.expect_err("a flaw").to_string();
    assert_eq!(
        told(verify(START, START + 1, START + 5)),
        "valid only until 1000000001, and now it is 1000000005 (Unix seconds)"
    );
    assert_eq!(
        told(verify(START, START + 1, START - 301)),
        "valid only from 1000000000, and now it is 999999699 (Unix seconds; clocks may differ by 300)"
    );
    assert_eq!(
        told(verify(START, START + MAX + 1, START)),
        "valid for 7776001 seconds, where at most 7776000 are accepted"
    );
}
