//! The nonces that were used lately: a request is accepted once.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

use kpd_directory::UnixSeconds;
use sha2::{Digest as _, Sha256};

use super::AuthFailure;

/// Two generations of nonces; the older one goes when no signature of its time would be fresh any more.
///
/// Bounded: what does not fit is refused, since to forget a nonce early is to accept a replay. Each process has its own:
/// a request can be replayed to another replica for as long as it is fresh.
#[derive(Debug)]
pub(super) struct Nonces {
    generation_seconds: u64,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    since: UnixSeconds,
    young: HashSet<[u8; 16]>,
    old: HashSet<[u8; 16]>,
}

impl Nonces {
    pub(super) fn new(window_seconds: u64) -> Self {
        // What is accepted now may have been created a window ahead of us, and stays fresh for one more after that.
        Self { generation_seconds: window_seconds.saturating_mul(2).saturating_add(1), seen: Mutex::default() }
    }

    /// Uses a key's nonce up.
    pub(super) fn take(&self, keyid: &str, nonce: &str, now: UnixSeconds) -> Result<(), AuthFailure> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let age = now.saturating_sub(seen.since);
        if age >= self.generation_seconds {
            let young = std::mem::take(&mut seen.young);
            // After two generations of silence the young ones are past it, too.
            seen.old = if age < self.generation_seconds.saturating_mul(2) { young } else { HashSet::new() };
            seen.since = now;
        }
        let nonce = digest(keyid, nonce);
        if seen.old.contains(&nonce) || seen.young.contains(&nonce) {
            return Err(AuthFailure::Replayed);
        }
        if seen.young.len() >= NONCES_MAX {
            return Err(AuthFailure::Overloaded);
        }
        seen.young.insert(nonce);
        Ok(())
    }
}

fn digest(keyid: &str, nonce: &str) -> [u8; 16] {
    let hash: [u8; 32] = Sha256::new().chain_update(keyid).chain_update([0]).chain_update(nonce).finalize().into();
    // Half of it is enough against anybody who wants two nonces to collide, and halves the memory.
    std::array::from_fn(|at| hash[at])
}

/// In each generation: about 64 MB when full, and 16,000 signed requests a second over two minutes.
const NONCES_MAX: usize = 2_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_is_remembered_as_long_as_its_signature_can_be_fresh() {
        // Wherever in a generation it comes: created a window ahead of us, it is fresh for two windows from now.
        for start in 0..300 {
            let nonces = Nonces::new(60);
            assert_eq!(nonces.take("key", "first", 1_000), Ok(()));
            assert_eq!(nonces.take("key", "nonce", 1_000 + start), Ok(()));
            for later in 0..=120 {
                assert_eq!(nonces.take("key", "nonce", 1_000 + start + later), Err(AuthFailure::Replayed));
                assert_eq!(nonces.take("key", &format!("other {later}"), 1_000 + start + later), Ok(()));
            }
        }
    }

    #[test]
    fn a_nonce_is_a_keys_own() {
        let nonces = Nonces::new(60);
        assert_eq!(nonces.take("one key", "nonce", 0), Ok(()));
        assert_eq!(nonces.take("another", "nonce", 0), Ok(()));
    }

    #[test]
    fn old_nonces_are_let_go_of() {
        let nonces = Nonces::new(60);
        for second in 0..10_000 {
            assert_eq!(nonces.take("key", &second.to_string(), second), Ok(()));
        }
        let seen = nonces.seen.lock().unwrap();
        assert!(seen.young.len() + seen.old.len() <= 4 * 61);
    }
}
