//! A closer look at one answer: which outcome fits it, and which places of the binding hold nothing in it.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::binding::{
    Exchange, Field, Reading,
    classify::{Given, Item},
    place::{self, Found},
    render::Variables,
};

/// What a binding finds in one answer.
#[derive(Clone, Debug, Default)]
pub struct Look {
    /// The number of the exchange under its operation, from 0.
    pub exchange: usize,
    /// The number of the outcome that fits, from 0; none, where none does.
    pub outcome: Option<usize>,
    /// How many items it reads fields from.
    pub items: usize,
    /// Fields that are there in some item.
    pub found: BTreeSet<String>,
    /// Fields that are not, once for each item.
    pub nothing: Vec<Nothing>,
    /// What it saves that is there.
    pub saved: BTreeSet<String>,
    /// What it saves that is not, with its place.
    pub unsaved: Vec<(String, String)>,
}

/// A field that an item does not have.
#[derive(Clone, Debug)]
pub struct Nothing {
    /// Its name.
    pub field: String,
    /// Where the binding looks for it.
    pub place: String,
    /// What the binding takes instead.
    pub instead: Option<Value>,
    /// The item.
    pub item: Value,
    /// The name under which the item stands.
    pub key: Option<String>,
}

impl Exchange {
    /// Looks at an answer to a request with these variables.
    pub(crate) fn look(&self, exchange: usize, given: Given<'_>, variables: &Variables) -> Look {
        let body = given.json();
        let fitting = self.outcomes.iter().position(|outcome| outcome.when.fits(given, &body, variables));
        let mut look = Look { exchange, outcome: fitting, ..Look::default() };
        let Some(outcome) = fitting.map(|index| &self.outcomes[index]).filter(|outcome| outcome.refused.is_none())
        else {
            return look;
        };
        if let Some(reading) = &outcome.ok {
            look.read(reading, given, &body, variables);
        }
        for (name, at) in &self.save {
            match place::find(&body, at, variables) {
                Ok(Some(_)) => drop(look.saved.insert(name.clone())),
                _ => look.unsaved.push((name.clone(), format!("`{at}`"))),
            }
        }
        for (name, header) in &self.save_headers {
            match given.headers.get(&header.to_lowercase()) {
                Some(_) => drop(look.saved.insert(name.clone())),
                None => look.unsaved.push((name.clone(), format!("the header {header}"))),
            }
        }
        look
    }
}

impl Look {
    fn read(&mut self, reading: &Reading, given: Given<'_>, body: &Value, variables: &Variables) {
        let whole = Found { value: body, key: None };
        let items = match &reading.each {
            None => vec![whole],
            // What is wrong with the list itself is told by the reading.
            Some(place) => reading.items(place, body, variables).unwrap_or_default(),
        };
        self.items = items.len();
        let beside = reading.beside.iter().map(|field| (whole, field));
        let fields = items.iter().flat_map(|item| reading.fields.iter().map(|field| (*item, field)));
        for (of, (name, field)) in beside.chain(fields) {
            let there = field.body || !matches!(field.raw(&Item { given, of, variables }), Ok(None));
            if there {
                self.found.insert(name.clone());
            } else {
                let (field, place, key) = (name.clone(), field.place(), of.key.map(str::to_string));
                let instead = reading.fields.get(name).and_then(|field| Some(field.absent.as_ref()?.0.clone()));
                self.nothing.push(Nothing { field, place, instead, item: of.value.clone(), key });
            }
        }
    }
}

impl Field {
    /// Where it is looked for, in words.
    fn place(&self) -> String {
        let at = self.at.iter().chain(&self.count).map(|place| format!("`{place}`"));
        let key = self.key_of.iter().map(|place| format!("`{place}` (the name there)"));
        let header = self.header.iter().map(|name| format!("the header {name}"));
        at.chain(key).chain(header).next().unwrap_or_default()
    }
}
