//! Everything random in a run comes from its seed: the same seed makes the same keys, packages and order again.

use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use sha2::{Digest, Sha256};

/// A seed for one purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seed([u8; 32]);

impl Seed {
    /// The seed of a run.
    #[must_use]
    pub fn of_run(number: u64) -> Self {
        Self([0; 32]).child(&number.to_string())
    }

    /// A seed that differs for each name.
    #[must_use]
    pub fn child(&self, name: &str) -> Self {
        Self(Sha256::new().chain_update(self.0).chain_update(name).finalize().into())
    }

    /// A source of randomness.
    #[must_use]
    pub fn rng(&self) -> StdRng {
        StdRng::from_seed(self.0)
    }

    /// Its bytes, as key material.
    #[must_use]
    pub fn bytes(&self) -> [u8; 32] {
        self.0
    }

    /// A short name that nobody else has.
    #[must_use]
    pub fn short_name(&self) -> String {
        data_encoding::HEXLOWER.encode(&self.0[..5])
    }

    /// `items` in an order that depends on the seed alone.
    pub fn shuffle<T>(&self, items: &mut [T]) {
        let mut rng = self.rng();
        for last in (1..items.len()).rev() {
            let chosen = rng.next_u64() % (last as u64 + 1);
            items.swap(last, usize::try_from(chosen).unwrap_or(last));
        }
    }
}
