//! What follows from what a server declares: what it does not promise, it is not asked for.

use serde_json::Value;

use crate::{
    binding::classify::Record,
    vector::{CLAIMS_BESIDE_A_LIMIT, Capability},
};

/// A vector asks less often than this of one user until it is refused.
const CLAIMS_OF_ONE_AT_MOST: u64 = 100;

/// A vector asks less often than this of all users together until it is refused.
const CLAIMS_AT_MOST: u64 = 200;

/// A vector waits no longer than this until it may ask again.
const SECONDS_AT_MOST: u64 = 120;

/// So many packages are plenty in a vector.
const STOCK_OF_PLENTY: u64 = 50;

/// One requester takes at most such a share of a stock in a vector, of a hundred, and is no drain by that; and all of
/// another stock, and is one.
const SHARE_OF_NO_DRAIN: u64 = 10;

/// So many packages of one client a requester takes in a vector to be a drain, and one more after that.
const TAKEN_IN_A_DRAIN: u64 = 5;

/// A requester takes them in less time than this.
const SECONDS_OF_A_DRAIN: u64 = 60;

/// Of so many users a vector asks, to reach the limit of a requester.
const USERS_ASKED: u64 = 10;

/// The capabilities that a policy does not declare, each with the reason that is printed where a vector is skipped.
pub(super) fn absent(policy: &Record) -> Vec<(Capability, String)> {
    let mut absent = vec![];
    let selection = policy.get("selection").and_then(Value::as_str).unwrap_or("nothing");
    for (capability, word) in [(Capability::FifoSelection, "fifo"), (Capability::RandomSelection, "random")] {
        if selection != word {
            absent.push((capability, format!("it declares its selection as {selection}")));
        }
    }
    let number = |name: &str| policy.get(name).and_then(Value::as_u64);
    let mut lacks = |capability: Capability, why: String| absent.push((capability, why));
    match (number("pair_claims"), number("pair_seconds")) {
        (None, _) => {
            lacks(Capability::PairLimit, "it declares no such limit".into());
            lacks(Capability::RetrySoon, "it declares no limit".into());
        }
        (Some(claims), seconds) => {
            if claims >= CLAIMS_OF_ONE_AT_MOST {
                lacks(Capability::PairLimit, too_many(claims, CLAIMS_OF_ONE_AT_MOST));
            }
            let beside = claims.saturating_add(CLAIMS_BESIDE_A_LIMIT as u64);
            if let Some(of_all) = number("requester_claims").filter(|of_all| *of_all < beside) {
                let why = format!("{claims} claims of one user reach the limit of {of_all} for all users, too");
                lacks(Capability::PairLimit, why);
            }
            if let Some(seconds) = seconds.filter(|seconds| *seconds > SECONDS_AT_MOST) {
                let why = format!("it limits for {seconds} s, and the suite waits {SECONDS_AT_MOST} s at most");
                lacks(Capability::RetrySoon, why);
            }
        }
    }
    // Whoever reaches the limit of a requester reaches that of each pair on the way.
    let reached = number("pair_claims").map_or(CLAIMS_AT_MOST, |claims| claims.saturating_mul(USERS_ASKED));
    let reached = reached.min(CLAIMS_AT_MOST);
    match number("requester_claims") {
        None => lacks(Capability::RequesterLimit, "it declares no such limit".into()),
        Some(claims) if claims >= reached => {
            lacks(Capability::RequesterLimit, too_many(claims, reached));
        }
        Some(_) => {}
    }
    match number("low_water") {
        None => lacks(Capability::LowWater, "it declares no low water".into()),
        Some(0 | 1) => lacks(Capability::LowWater, "it calls a stock low when nothing is left".into()),
        Some(threshold) if threshold > STOCK_OF_PLENTY => {
            let why = format!("it calls {threshold} few, and the suite publishes {STOCK_OF_PLENTY} at most");
            lacks(Capability::LowWater, why);
        }
        Some(_) => {}
    }
    if let Some(why) = no_drain(&number) {
        lacks(Capability::Drain, why);
    }
    absent
}

/// Why no vector can tell whether drains are told.
fn no_drain(number: &impl Fn(&str) -> Option<u64>) -> Option<String> {
    let Some(percent) = number("drain_percent") else { return Some("it declares no share that is a drain".into()) };
    let (at_least, seconds) = (number("drain_at_least").unwrap_or(1), number("drain_seconds").unwrap_or(u64::MAX));
    let pair = number("pair_claims").unwrap_or(u64::MAX);
    if !(SHARE_OF_NO_DRAIN..100).contains(&percent) {
        let suite = format!("the suite takes {SHARE_OF_NO_DRAIN} % and then 100 %");
        return Some(format!("it calls more than {percent} % a drain, and {suite}"));
    }
    if at_least > TAKEN_IN_A_DRAIN {
        return Some(format!("it calls {at_least} packages a drain, and the suite takes {TAKEN_IN_A_DRAIN}"));
    }
    if seconds < SECONDS_OF_A_DRAIN {
        let suite = format!("the suite may take {SECONDS_OF_A_DRAIN} s");
        return Some(format!("it counts for {seconds} s what is a drain, and {suite}"));
    }
    let limited = pair <= TAKEN_IN_A_DRAIN;
    limited.then(|| format!("{pair} claims of one user reach its limit before they are a drain and one more"))
}

fn too_many(declared: u64, at_most: u64) -> String {
    format!("it declares {declared} claims, and the suite asks less than {at_most} times")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn lacks(policy: &Value) -> Vec<(Capability, String)> {
        let entries = policy.as_object().into_iter().flatten();
        let policy = entries.map(|(name, value)| (name.clone(), value.clone())).collect();
        absent(&policy).into_iter().filter(|(capability, _)| *capability != Capability::FifoSelection).collect()
    }

    #[test]
    fn a_server_that_declares_what_the_suite_can_reach_lacks_nothing() {
        let policy = json!({
            "selection": "random", "pair_claims": 20, "pair_seconds": 3, "requester_claims": 60, "low_water": 20,
            "drain_percent": 50, "drain_at_least": 5, "drain_seconds": 86_400,
        });
        assert_eq!(lacks(&policy), []);
    }

    #[test]
    fn what_is_not_declared_is_lacking_with_a_reason() {
        let lacking: Vec<_> = lacks(&json!({})).into_iter().map(|(capability, _)| capability).collect();
        let all = [
            Capability::RandomSelection,
            Capability::PairLimit,
            Capability::RetrySoon,
            Capability::RequesterLimit,
            Capability::LowWater,
            Capability::Drain,
        ];
        assert_eq!(lacking, all);
    }

    #[test]
    fn limits_that_the_suite_cannot_reach_or_wait_for_are_told_with_both_numbers() {
        let policy = json!({
            "selection": "random", "pair_claims": 20, "pair_seconds": 3600, "requester_claims": 600, "low_water": 100,
            "drain_percent": 50, "drain_at_least": 6,
        });
        let says: Vec<_> = lacks(&policy).into_iter().map(|(_, why)| why).collect();
        assert_eq!(
            says,
            [
                "it limits for 3600 s, and the suite waits 120 s at most",
                "it declares 600 claims, and the suite asks less than 200 times",
                "it calls 100 few, and the suite publishes 50 at most",
                "it calls 6 packages a drain, and the suite takes 5",
            ]
        );
        // Ten users are asked; five claims of each are not a hundred.
        let policy = json!({ "selection": "random", "pair_claims": 5, "requester_claims": 100, "low_water": 2 });
        assert_eq!(lacks(&policy)[0].1, "it declares 100 claims, and the suite asks less than 50 times");
        // Whoever has just reached the limit of a pair must be able to ask of somebody else.
        let policy = json!({ "selection": "random", "pair_claims": 5, "requester_claims": 9, "low_water": 2 });
        assert_eq!(lacks(&policy)[0].1, "5 claims of one user reach the limit of 9 for all users, too");
    }

    #[test]
    fn a_drain_is_within_reach_or_it_is_told_why_not() {
        let says = |name: &str, value: u64| {
            let mut policy = json!({ "drain_percent": 10, "drain_at_least": 5, "drain_seconds": 60, "pair_claims": 6 });
            policy[name] = value.into();
            let found = lacks(&policy).into_iter().find(|(capability, _)| *capability == Capability::Drain);
            found.map(|(_, why)| why)
        };
        assert_eq!((says("drain_percent", 10), says("drain_percent", 99)), (None, None));
        let shares = "a drain, and the suite takes 10 % and then 100 %";
        assert_eq!(says("drain_percent", 9), Some(format!("it calls more than 9 % {shares}")));
        assert_eq!(says("drain_percent", 100), Some(format!("it calls more than 100 % {shares}")));
        let time = "it counts for 59 s what is a drain, and the suite may take 60 s";
        assert_eq!(says("drain_seconds", 59), Some(time.into()));
        let limited = "5 claims of one user reach its limit before they are a drain and one more";
        assert_eq!(says("pair_claims", 5), Some(limited.into()));
    }
}
