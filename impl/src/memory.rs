//! What is remembered until a time that is set for each, and not longer.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::names::UnixSeconds;

/// Values under keys, each with an end of its own. To let go of those that are over costs what they are, not what is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Memory<K, V> {
    kept: BTreeMap<K, (UnixSeconds, V)>,
    /// Invariant: one for each of `kept`.
    ends: BTreeSet<(UnixSeconds, K)>,
}

impl<K, V> Default for Memory<K, V> {
    fn default() -> Self {
        Self { kept: BTreeMap::new(), ends: BTreeSet::new() }
    }
}

/// The ends follow from what is kept.
impl<K: Serialize, V: Serialize> Serialize for Memory<K, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.kept.serialize(serializer)
    }
}

impl<'de, K: Clone + Ord + Deserialize<'de>, V: Deserialize<'de>> Deserialize<'de> for Memory<K, V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let kept = BTreeMap::<K, (UnixSeconds, V)>::deserialize(deserializer)?;
        let ends = kept.iter().map(|(key, (until, _))| (*until, key.clone())).collect();
        Ok(Self { kept, ends })
    }
}

impl<K: Clone + Ord, V> Memory<K, V> {
    pub(crate) fn insert(&mut self, key: K, until: UnixSeconds, value: V) {
        self.remove(&key);
        self.ends.insert((until, key.clone()));
        self.kept.insert(key, (until, value));
    }

    pub(crate) fn get(&self, key: &K, now: UnixSeconds) -> Option<&V> {
        self.kept.get(key).filter(|(until, _)| now < *until).map(|(_, value)| value)
    }

    pub(crate) fn remove(&mut self, key: &K) {
        if let Some((until, _)) = self.kept.remove(key) {
            self.ends.remove(&(until, key.clone()));
        }
    }

    /// How many are over.
    pub(crate) fn over(&self, now: UnixSeconds) -> usize {
        self.ends.iter().take_while(|(until, _)| *until <= now).count()
    }

    /// Lets go of what is over.
    pub(crate) fn forget(&mut self, now: UnixSeconds) {
        while let Some((until, key)) = self.ends.pop_first() {
            if now < until {
                self.ends.insert((until, key));
                return;
            }
            self.kept.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Memory;

    #[test]
    fn each_is_kept_to_its_end() {
        let mut memory = Memory::default();
        for (key, until) in [("a", 30), ("b", 10), ("c", 20), ("b", 25)] {
            memory.insert(key, until, until);
        }
        assert_eq!((memory.get(&"b", 24), memory.get(&"b", 25), memory.over(25)), (Some(&25), None, 2));
        memory.forget(25);
        assert_eq!((memory.kept.len(), memory.ends.len(), memory.get(&"a", 25)), (1, 1, Some(&30)));
        memory.remove(&"a");
        assert_eq!(memory, Memory::default());
    }
}
