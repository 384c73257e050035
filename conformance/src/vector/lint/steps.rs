//! What is wrong with single steps, and with their order.

use std::collections::{BTreeMap, BTreeSet};

use crate::vector::{
    Block, Capability, Claim, Judge, Step,
    expect::{Expect, Reasons},
    line_of,
    lint::Lint,
};

/// What takes longer than this is waited for by moving a clock, or not at all. Seconds.
const AWAITED_AT_MOST: i64 = 60;

/// A claim that is repeated more often than this keeps a server busy, and teaches nothing.
const REPEATED_AT_MOST: u32 = 1000;

/// An owner that waits longer than this holds up a whole run where nobody wakes it. Seconds.
const WAIT_AT_MOST: u32 = 30;

impl Lint<'_> {
    pub(super) fn steps(&mut self) {
        let vector = self.vector;
        let mut saved = BTreeSet::new();
        let mut expiring = BTreeSet::new();
        self.outside();
        self.spans();
        for (path, step) in vector.all_steps() {
            self.line = line_of(self.text, &path).unwrap_or(1);
            self.operation(&path, step);
            self.named(step);
            for reference in step.references() {
                if !saved.contains(&reference) {
                    let hint = "save it in an earlier step: `save: { name: path }`";
                    self.error(&format!("${reference}"), format!("`${reference}` was not saved before {path}"), hint);
                }
            }
            if path.starts_with("race.") {
                self.racing(&path, step);
            }
            if let Some(claim) = &step.claim {
                self.repeated(&path, claim, step.expect.as_ref());
            }
            if let Some(block) = step.block.as_ref().or(step.unblock.as_ref()) {
                self.blocked(&path, block);
            }
            if let Some(awaited) = &step.await_key_expiry
                && !expiring.contains(&vector.client(&awaited.client))
            {
                let says =
                    format!("{path} waits for an expiry that no earlier step gives the key of {}", awaited.client);
                self.error("await_key_expiry", says, "add the key with `expires_in`");
            }
            if let Some(awaited) = &step.await_retry
                && !awaited.from.starts_with('$')
            {
                let says = format!("{path} waits for `{}`, which is not a saved value", awaited.from);
                self.error("await_retry", says, "save it where the claim is refused: `save: { wait: retry_after }`");
            }
            if let Some(seconds) = step.notifications.as_ref().and_then(|feed| feed.wait)
                && !(1..=WAIT_AT_MOST).contains(&seconds)
            {
                let says = format!("{path} waits {seconds} s for what an owner is told");
                self.error("wait", says, format!("from 1 to {WAIT_AT_MOST}"));
            }
            if let Some(expect) = &step.expect {
                self.expected(&path, expect);
            }
            self.answer(&path, step);
            saved.extend(step.save.keys().chain(&step.save_answer).cloned());
            let added = step.add_key.as_ref().filter(|add| add.expires_in.is_some()).map(|add| &add.client);
            let given = added.into_iter().chain(step.extend_key.as_ref().map(|extend| &extend.client));
            expiring.extend(given.map(|client| vector.client(client)));
        }
        self.line = 1;
    }

    /// What is waited for takes a moment, or the vector says that it needs a clock that can be moved; which needs something
    /// to be waited for.
    fn spans(&mut self) {
        let vector = self.vector;
        let moved = vector.needs.contains(&Capability::Clock);
        let (mut waits, mut key_ends) = (false, BTreeMap::new());
        for (path, step) in vector.all_steps() {
            waits |= step.waits_for_a_moment();
            let expiry = step.await_expiry.as_ref().and_then(|awaited| vector.key_packages.get(&awaited.key_package));
            let of_package = expiry.map(|recipe| recipe.lifetime().1);
            let awaited = step.await_key_expiry.as_ref();
            let of_key = awaited.and_then(|awaited| key_ends.get(&vector.client(&awaited.client)).copied());
            if let Some(seconds) = of_package.or(of_key).filter(|seconds| *seconds > AWAITED_AT_MOST && !moved) {
                let says = format!("{path} waits {seconds} s");
                self.error(step.operation(), says, format!("{AWAITED_AT_MOST} at most, or `needs: [clock]`"));
            }
            let added = step.add_key.as_ref().and_then(|add| Some((&add.client, add.expires_in?)));
            let given = added.or(step.extend_key.as_ref().map(|extend| (&extend.client, extend.expires_in)));
            key_ends.extend(given.map(|(client, expires_in)| (vector.client(client), expires_in)));
        }
        if moved && !waits {
            let says = "it needs a clock that can be moved, and waits for no moment".into();
            self.error("clock", says, "`await_expiry`, `await_key_expiry`, or leave it out");
        }
    }

    fn operation(&mut self, path: &str, step: &Step) {
        let operations = step.operations();
        if operations.len() != 1 {
            let found = if operations.is_empty() { "none".into() } else { operations.join(" and ") };
            let hint = "one step, one operation: publish, claim, withdraw, stock, notifications, …";
            let word = operations.first().map_or("steps", |name| &**name);
            self.error(word, format!("{path} has {found}, where one operation is needed"), hint);
        }
        let copied = |name: &str| self.vector.key_packages.get(name).is_some_and(|recipe| recipe.copies != 1);
        if step.join.as_ref().is_some_and(|join| copied(&join.key_package)) {
            self.error("join", format!("{path} joins by a recipe with copies"), "join by what was granted: `$name`");
        }
    }

    fn named(&mut self, step: &Step) {
        for name in step.client_names() {
            self.client(name);
        }
        for user in step.user_names() {
            self.user(user);
        }
        for package in step.package_names() {
            if !package.starts_with('$') {
                self.package(package);
            }
        }
    }

    fn racing(&mut self, path: &str, step: &Step) {
        let saves = !step.save.is_empty() || step.save_answer.is_some();
        if step.add_key.is_some() || saves {
            self.error("race", format!("{path} adds a key, or saves"), "do that under `before` or `after`");
        }
        if step.claim.as_ref().is_some_and(|claim| claim.until.is_some()) {
            self.error(
                "until",
                format!("{path} repeats a claim in a race"),
                "write one claim, or do that under `before`",
            );
        }
    }

    fn repeated(&mut self, path: &str, claim: &Claim, expect: Option<&Expect>) {
        let Some(until) = claim.until else { return };
        if claim.key.is_some() {
            let hint = "a repetition under one key is the same claim: leave out `key`";
            self.error("until", format!("{path} repeats a claim under an idempotency key"), hint);
        }
        if !(2..=REPEATED_AT_MOST).contains(&until.at_most) {
            let says = format!("{path} repeats a claim at most {} times", until.at_most);
            self.error("at_most", says, format!("from 2 to {REPEATED_AT_MOST}"));
        }
        let refused = expect.and_then(|expect| expect.refused.as_ref()).map_or(&[][..], Reasons::all);
        if refused != [until.refused] {
            let says = format!("{path} repeats a claim until it is refused, and does not expect just that");
            self.error("until", says, "`expect: { refused: … }` with the same reason");
        }
    }

    fn blocked(&mut self, path: &str, block: &Block) {
        let explained = self.vector.race.as_ref().is_some_and(|race| race.judge == Judge::Linearizable);
        // Users of a server that is shut out ask by its name in the model: which one, the order would have to tell.
        if block.server.is_some() && explained {
            let says =
                format!("{path} shuts out a whole server, or lets it in, which the model does not know in a race");
            self.error("server", says, "write `judge: rules`, or name a requester");
        }
        if block.requester.is_some() == block.server.is_some() {
            let says = format!("{path} does not name exactly one of requester and server");
            self.error("block", says, "one user, or all of a server");
        }
    }

    fn expected(&mut self, path: &str, expect: &Expect) {
        if expect.kinds() != 1 {
            let hint = "expect one of `ok`, `refused`, `anything: true`";
            self.error("expect", format!("{path} does not expect exactly one thing"), hint);
        }
        if expect.retry_after.is_some() && expect.refused.is_none() {
            let says = format!("{path} expects `retry_after` of a success");
            self.error("retry_after", says, "it belongs to `refused`");
        }
        if expect.within == Some(0) {
            let says = format!("{path} expects an answer within no time");
            self.error("within", says, "at least one second: a busy machine is slow, and answers all the same");
        }
        if let Some(name) = expect.same_as.as_ref().filter(|name| !name.starts_with('$')) {
            let says = format!("{path} compares with `{name}`, which is not a saved answer");
            self.error("same_as", says, "keep one with `save_answer: name`, and write `same_as: $name`");
        }
    }
}
