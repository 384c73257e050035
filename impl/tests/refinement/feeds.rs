//! The numbers of the feeds: a fence lets core and model go on at different ones. And who was told of in which.

use std::collections::BTreeMap;

use kpd_directory::feed::Notification;
use kpd_model::{
    history::State,
    names::{Client, Sequence},
};

use crate::support::world::Who;

/// What is between two fences.
#[derive(Clone, Default)]
struct Era {
    /// The model gives no number up to this one any more.
    floor: Sequence,
    /// How many notifications each client had before.
    before: BTreeMap<Client, u64>,
}

#[derive(Clone)]
pub(crate) struct Feeds {
    /// The one before the first fence, and one after each.
    eras: Vec<Era>,
    /// To the model a requester is a user; which of its clients it was, is kept here.
    asked: BTreeMap<(Client, Sequence), Who>,
}

impl Feeds {
    pub(crate) fn new() -> Self {
        Self { eras: vec![Era::default()], asked: BTreeMap::new() }
    }

    /// The core's number in the model's words; one from after a fence that never was is beyond all others.
    pub(crate) fn sequence(&self, client: Client, number: u64) -> Sequence {
        let era = usize::try_from(number / JUMP).ok().and_then(|era| self.eras.get(era));
        era.map_or(Sequence::MAX, |era| era.floor + (number % JUMP).saturating_sub(era.before(client)))
    }

    /// A fence in this state led to that one.
    pub(crate) fn fenced(&mut self, state: &State, after: &State) {
        let last = self.eras.last().expect("the first one");
        let count = |(client, sequence): (&Client, &Sequence)| {
            (*client, last.before(*client) + sequence.saturating_sub(last.floor))
        };
        let before = state.sequences.iter().map(count).collect();
        self.eras.push(Era { floor: after.sequence_floor, before });
    }

    /// A claim in this state led to that one.
    pub(crate) fn claimed(&mut self, state: &State, after: &State, by: Who) {
        let told = after.sequences.iter().filter(|(client, sequence)| state.sequences.get(client) != Some(sequence));
        self.asked.extend(told.map(|(client, sequence)| ((*client, *sequence), by)));
    }

    /// Requires that a notification names the client that asked.
    pub(crate) fn check_requester(&self, client: Client, told: &Notification) -> Result<(), String> {
        match self.asked.get(&(client, self.sequence(client, told.sequence))) {
            Some(who) if who.requester() != told.requester => {
                Err(format!("NOTE-NAMES-REQUESTER: {who} asked, and {:?} is named", told.requester))
            }
            _ => Ok(()),
        }
    }
}

impl Era {
    fn before(&self, client: Client) -> u64 {
        self.before.get(&client).copied().unwrap_or_default()
    }
}

/// How far the core's numbers jump at a fence.
pub(crate) const JUMP: u64 = 1 << 32;
