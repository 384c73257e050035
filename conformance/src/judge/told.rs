//! What a vector looks at in an answer, and a binding does not read: such a vector is skipped, never passed nor failed.

use std::collections::BTreeSet;

use crate::{
    binding::{Binding, Operation},
    vector::{Step, Vector, expect::Matcher, matcher::Test},
};

/// A field that a vector looks at in the answer to an operation, and that no outcome of the binding reads; nothing, where
/// an adapter reads the answers.
pub(super) fn unread(vector: &Vector, binding: &Binding) -> Option<(Operation, &'static str)> {
    if binding.adapter.is_some() {
        return None;
    }
    vector.all_steps().find_map(|(_, step)| {
        let operation = step.bound_operation()?;
        let exchanges = binding.operations.get(&operation)?;
        let readings =
            exchanges.iter().flat_map(|exchange| &exchange.outcomes).filter_map(|outcome| outcome.ok.as_ref());
        let read: BTreeSet<_> =
            readings.flat_map(|reading| reading.fields.keys().chain(reading.beside.keys())).collect();
        let looked_at = looked_at(step);
        let fields = fields(operation).iter().filter(|(seen, _)| looked_at.contains(*seen));
        let unread = fields.flat_map(|(_, fields)| fields.iter()).find(|field| !read.iter().any(|read| read == *field));
        unread.map(|field| (operation, *field))
    })
}

/// What the answers to an operation show to vectors, and the fields of a binding that this takes.
fn fields(operation: Operation) -> &'static [(&'static str, &'static [&'static str])] {
    match operation {
        Operation::Publish => &[("accepted", &["accepted"])],
        Operation::Replace => &[("accepted", &["accepted"]), ("withdrawn", &["withdrawn"])],
        Operation::Claim => &[("kind", &["kind"])],
        Operation::Stock => &[("regular", &["regular"]), ("last_resort", &["last_resort", "used"]), ("low", &["low"])],
        Operation::Packages => &[("digest", &["digest"])],
        Operation::Notifications | Operation::AwaitNotifications => &[
            ("cursor", &["cursor"]),
            ("kind", &["kind"]),
            ("requester", &["requester"]),
            ("first_use", &["first_use"]),
            ("remaining", &["remaining"]),
            ("low", &["low"]),
            ("drain", &["drain"]),
            ("taken", &["drain_taken"]),
            ("of", &["drain_of"]),
        ],
        Operation::KeyHistory => &[("expires_in", &["expires_at"]), ("added_in", &["added_at"]), ("ended", &["ended"])],
        Operation::Keys => &[("expires_in", &["expires_at"])],
        Operation::RemoveClient => &[("unread", &["unread"])],
        _ => &[],
    }
}

/// Every name of a field that a step compares, or saves.
fn looked_at(step: &Step) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for matcher in step.expect.iter().filter_map(|expect| expect.ok.as_ref()) {
        collect(matcher, &mut names);
    }
    names.extend(step.save.values().flat_map(|path| path.split('/')).map(str::to_string));
    names
}

fn collect(matcher: &Matcher, names: &mut BTreeSet<String>) {
    match matcher {
        Matcher::Literal(_) => {}
        Matcher::Keys(keys) => keys.iter().for_each(|(name, matcher)| {
            names.insert(name.clone());
            collect(matcher, names);
        }),
        Matcher::Items(items) => items.iter().for_each(|item| collect(item, names)),
        Matcher::All(tests) => tests.iter().for_each(|test| match test {
            Test::Not(matcher) => collect(matcher, names),
            Test::Contains(all) | Test::OneOf(all) => all.iter().for_each(|matcher| collect(matcher, names)),
            _ => {}
        }),
    }
}
