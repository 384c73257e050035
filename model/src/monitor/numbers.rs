//! A map from numbers to places: numbers are mostly dense, and a list is friendlier to the memory than a hash table.

use std::collections::HashMap;

/// Names are small numbers, but nobody promises that.
#[derive(Default)]
pub(super) struct Numbers {
    /// The place plus one; zero where there is none.
    dense: Vec<u32>,
    sparse: HashMap<u32, usize>,
    /// How long the list may become.
    most: usize,
}

impl Numbers {
    /// For about as many numbers: a list of up to eight times that length is used.
    pub(super) fn up_to(count: usize) -> Self {
        Self { most: count.saturating_mul(8).saturating_add(1024), ..Self::default() }
    }

    pub(super) fn get(&self, number: u32) -> Option<usize> {
        match self.dense.get(number as usize) {
            Some(place) if *place > 0 => Some(*place as usize - 1),
            _ if self.sparse.is_empty() => None,
            _ => self.sparse.get(&number).copied(),
        }
    }

    pub(super) fn insert(&mut self, number: u32, place: usize) {
        let index = number as usize;
        match u32::try_from(place + 1) {
            Ok(place) if index < self.most => {
                if self.dense.len() <= index {
                    self.dense.resize((index + 1).next_power_of_two().min(self.most), 0);
                }
                self.dense[index] = place;
            }
            _ => drop(self.sparse.insert(number, place)),
        }
    }
}
