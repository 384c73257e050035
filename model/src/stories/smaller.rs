//! How a story gets smaller: without some of its operations, without some packages of a batch, in order instead of at once.

use std::ops::Range;

use crate::{spec::Op, stories::Story};

impl Story {
    /// The story without the operations at these places, counted through all of its parts. What is left of a race in one
    /// lane comes in order.
    #[must_use]
    pub fn without(&self, places: &Range<usize>) -> Self {
        let mut place = 0;
        let mut kept = |ops: &[Op]| -> Vec<Op> {
            let left = ops.iter().filter(|_| {
                place += 1;
                !places.contains(&(place - 1))
            });
            left.cloned().collect()
        };
        let before = kept(&self.before);
        let lanes: Vec<Vec<Op>> = self.lanes.iter().map(|lane| kept(lane)).filter(|lane| !lane.is_empty()).collect();
        let after = kept(&self.after);
        let story = Self { setup: self.setup.clone(), before, lanes, after };
        if story.lanes.len() == 1 { story.one_by_one() } else { story }
    }

    /// The same operations one after the other, lane by lane.
    #[must_use]
    pub fn one_by_one(&self) -> Self {
        let all = self.before.iter().chain(self.lanes.iter().flatten()).chain(&self.after);
        Self { setup: self.setup.clone(), before: all.cloned().collect(), lanes: vec![], after: vec![] }
    }

    /// The story with one package less, in each way in which that is possible without an empty batch.
    pub fn with_smaller_batches(&self) -> impl Iterator<Item = Self> {
        let places = (0..self.len()).flat_map(|place| (0..self.batch(place)).map(move |package| (place, package)));
        places.filter(|(place, _)| self.batch(*place) > 1).map(|(place, package)| {
            let mut story = self.clone();
            match story.operation(place) {
                Some(Op::Publish { packages, .. } | Op::Replace { packages, .. }) => drop(packages.remove(package)),
                Some(Op::Withdraw { packages, .. }) => drop(packages.remove(package)),
                _ => {}
            }
            story
        })
    }

    /// How many packages the operation at a place names.
    fn batch(&self, place: usize) -> usize {
        match self.clone().operation(place) {
            Some(Op::Publish { packages, .. } | Op::Replace { packages, .. }) => packages.len(),
            Some(Op::Withdraw { packages, .. }) => packages.len(),
            _ => 0,
        }
    }

    fn operation(&mut self, place: usize) -> Option<&mut Op> {
        self.before.iter_mut().chain(self.lanes.iter_mut().flatten()).chain(&mut self.after).nth(place)
    }
}
