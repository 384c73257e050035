//! What is wrong with a vector that has the right form: names that nobody declared, steps that say nothing.

use std::collections::BTreeSet;

use crate::{
    binding::Operation,
    catalogue::Catalogue,
    vector::{Step, Vector},
    yaml::FileError,
};

/// Everything wrong with a vector, each with its place in the file.
#[must_use]
pub fn lint(file: &str, text: &str, vector: &Vector, catalogue: &Catalogue) -> Vec<FileError> {
    let mut lint = Lint { file, text, vector, errors: vec![] };
    lint.head(catalogue);
    lint.names();
    lint.looseness();
    lint.steps();
    lint.errors
}

struct Lint<'a> {
    file: &'a str,
    text: &'a str,
    vector: &'a Vector,
    errors: Vec<FileError>,
}

impl Lint<'_> {
    /// Reports an error where `word` first stands alone in the file.
    fn error(&mut self, word: &str, message: String, hint: impl Into<String>) {
        let alone = |at: &usize| {
            let part = |c: char| c.is_alphanumeric() || "-_$".contains(c);
            let before = self.text[..*at].chars().next_back();
            let after = self.text[at + word.len()..].chars().next();
            !before.is_some_and(part) && !after.is_some_and(part)
        };
        let offset = self.text.match_indices(word).map(|(at, _)| at).find(alone).unwrap_or(0);
        self.errors.push(FileError::at(self.file, self.text, offset, message).hint(hint));
    }

    /// A looseness without a reason is none that was thought about.
    fn looseness(&mut self) {
        for (path, step) in self.vector.all_steps() {
            let loose = step.expect.as_ref().and_then(|expect| expect.loose.as_ref());
            if loose.is_some_and(|why| why.trim().is_empty()) {
                self.error("loose", format!("{path} is loose and does not say why"), "say it in one sentence");
            }
        }
    }

    fn head(&mut self, catalogue: &Catalogue) {
        let vector = self.vector;
        let expected = self.file.trim_end_matches(".yaml").trim_start_matches("vectors/").to_string();
        if expected != vector.id {
            self.error(&vector.id, format!("the id is `{}`", vector.id), format!("an id is its path: `{expected}`"));
        }
        for (name, value) in [("title", &vector.title), ("why", &vector.why)] {
            if value.trim().is_empty() {
                self.error(name, format!("`{name}` is empty"), "say it in one sentence");
            }
        }
        if vector.rules.is_empty() {
            self.error("rules", "no rule is named".into(), "name at least one rule of rules.yaml");
        }
        for rule in &vector.rules {
            if catalogue.rule(rule).is_none() {
                self.error(rule, format!("there is no rule `{rule}`"), "`kpd list --rules` lists them");
            }
        }
        match (&vector.race, vector.steps.is_empty()) {
            (Some(race), true) => {
                if vector.users.values().any(|user| !user.registered) {
                    self.error("registered", "an unregistered user in a race".into(), "the model registers everyone");
                }
                if race.lanes.len() < 2 || race.rounds == 0 {
                    self.error("race", "a race needs two lanes and a round".into(), "add lanes, or write steps");
                }
            }
            (Some(_), false) => {
                self.error("steps", "both steps and a race".into(), "put what comes first under `before`");
            }
            (None, true) => self.error("id", "no step".into(), "add `steps`, or a `race`"),
            (None, false) => {
                if !(vector.before.is_empty() && vector.after.is_empty()) {
                    self.error("before", "before and after belong to a race".into(), "move them to `steps`");
                }
            }
        }
    }

    fn names(&mut self) {
        let vector = self.vector;
        for (name, recipe) in &vector.key_packages {
            self.client(&recipe.client);
            if let Some(other) = &recipe.same_init_key_as {
                self.package(other);
            }
            if let Some(user) = &recipe.identity_of {
                self.user(user);
            }
            let odd = recipe.flaw.is_some() || recipe.unlisted_signer || recipe.identity_of.is_some();
            let timed = recipe.not_before.is_some() || recipe.not_after.is_some();
            if vector.race.is_some() && (odd || timed || recipe.copies != 1) {
                let hint = "races are judged by the model: no flaws, lifetimes, or copies in them";
                self.error(name, format!("`{name}` is not a plain KeyPackage"), hint);
            }
        }
    }

    fn steps(&mut self) {
        let vector = self.vector;
        let mut saved = BTreeSet::new();
        for (path, step) in vector.all_steps() {
            let operations = step.operations();
            if operations.len() != 1 {
                let found = if operations.is_empty() { "none".into() } else { operations.join(" and ") };
                let hint = "one step, one operation: publish, claim, withdraw, stock, notifications, …";
                self.error(&found, format!("{path} has {found}, where one operation is needed"), hint);
            }
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
            for reference in step.references() {
                if !saved.contains(&reference) {
                    let hint = "save it in an earlier step: `save: { name: path }`";
                    self.error(&format!("${reference}"), format!("`${reference}` was not saved before {path}"), hint);
                }
            }
            if path.starts_with("race.") && (step.add_key.is_some() || !step.save.is_empty()) {
                self.error("race", format!("{path} adds a key, or saves"), "do that under `before` or `after`");
            }
            let copied = |name: &str| vector.key_packages.get(name).is_some_and(|recipe| recipe.copies != 1);
            if step.join.as_ref().is_some_and(|join| copied(&join.key_package)) {
                self.error(
                    "join",
                    format!("{path} joins by a recipe with copies"),
                    "join by what was granted: `$name`",
                );
            }
            if step.expect.as_ref().is_some_and(|expect| expect.kinds() != 1) {
                let hint = "expect one of `ok`, `refused`, `anything: true`";
                self.error("expect", format!("{path} does not expect exactly one thing"), hint);
            }
            saved.extend(step.save.keys().cloned());
        }
    }

    fn client(&mut self, name: &str) {
        if self.vector.client(name).is_none() {
            let hint = "declare it under `users`; write `user/client` where two users have a client of that name";
            self.error(name, format!("nobody is called `{name}`"), hint);
        }
    }

    fn user(&mut self, name: &str) {
        if !self.vector.users.contains_key(name) {
            self.error(name, format!("there is no user `{name}`"), "declare it under `users`");
        }
    }

    fn package(&mut self, name: &str) {
        if !self.vector.key_packages.contains_key(name) {
            self.error(name, format!("there is no KeyPackage `{name}`"), "declare it under `key_packages`");
        }
    }
}

impl Step {
    /// The names of the operations in it; one, in a good vector.
    #[must_use]
    pub fn operations(&self) -> Vec<&'static str> {
        let all = [
            ("publish", self.publish.is_some()),
            ("claim", self.claim.is_some()),
            ("withdraw", self.withdraw.is_some()),
            ("stock", self.stock.is_some()),
            ("notifications", self.notifications.is_some()),
            ("acknowledge", self.acknowledge.is_some()),
            ("keys", self.keys.is_some()),
            ("add_key", self.add_key.is_some()),
            ("remove_key", self.remove_key.is_some()),
            ("join", self.join.is_some()),
            ("await_expiry", self.await_expiry.is_some()),
            ("recall", self.recall.is_some()),
        ];
        all.into_iter().filter(|(_, there)| *there).map(|(name, _)| name).collect()
    }

    /// The name of its operation.
    #[must_use]
    pub fn operation(&self) -> &'static str {
        self.operations().first().copied().unwrap_or("nothing")
    }

    /// What it asks a server for; nothing, where no server takes part.
    #[must_use]
    pub fn bound_operation(&self) -> Option<Operation> {
        Some(match self.operation() {
            "publish" => Operation::Publish,
            "claim" => Operation::Claim,
            "withdraw" => Operation::Withdraw,
            "stock" => Operation::Stock,
            "notifications" => Operation::Notifications,
            "acknowledge" => Operation::Acknowledge,
            "keys" => Operation::Keys,
            "add_key" if self.add_key.as_ref().is_some_and(|add| add.forged_token) => Operation::AddKeyByToken,
            "add_key" => Operation::AddKey,
            "remove_key" => Operation::RemoveKey,
            _ => return None,
        })
    }

    fn client_names(&self) -> Vec<&str> {
        let publish = self.publish.iter().flat_map(|publish| [Some(&publish.by), publish.owner.as_ref()]);
        let stock = self.stock.iter().flat_map(|stock| [Some(&stock.by), stock.of.as_ref()]);
        let feed = self.notifications.iter().flat_map(|feed| [Some(&feed.by), feed.of.as_ref()]);
        let added = self.add_key.iter().flat_map(|add| [Some(&add.by), Some(&add.client), add.key_of.as_ref()]);
        let removed = self.remove_key.iter().flat_map(|remove| [Some(&remove.by), Some(&remove.client)]);
        let others = [
            self.claim.as_ref().map(|claim| &claim.by),
            self.withdraw.as_ref().map(|withdraw| &withdraw.by),
            self.acknowledge.as_ref().map(|acknowledge| &acknowledge.by),
            self.join.as_ref().map(|join| &join.by),
        ];
        let all = publish.chain(stock).chain(feed).chain(added).chain(removed).chain(others);
        all.flatten().map(String::as_str).collect()
    }

    fn user_names(&self) -> Vec<&str> {
        let names = [self.claim.as_ref().map(|claim| &claim.of), self.keys.as_ref().map(|keys| &keys.of)];
        names.into_iter().flatten().map(String::as_str).collect()
    }

    /// The packages that it names.
    #[must_use]
    pub fn package_names(&self) -> Vec<&str> {
        let published = self.publish.iter().flat_map(|publish| &publish.key_packages);
        let withdrawn = self.withdraw.iter().flat_map(|withdraw| &withdraw.key_packages);
        let joined = self.join.iter().map(|join| &join.key_package);
        let awaited = self.await_expiry.iter().map(|awaited| &awaited.key_package);
        published.chain(withdrawn).chain(joined).chain(awaited).map(String::as_str).collect()
    }

    fn references(&self) -> Vec<String> {
        let texts = [
            self.notifications.as_ref().and_then(|feed| feed.after.as_deref()),
            self.acknowledge.as_ref().map(|acknowledge| acknowledge.through.as_str()),
        ];
        let recalled = self.recall.iter().flatten().map(String::as_str);
        let texts = texts.into_iter().flatten().chain(recalled).chain(self.package_names());
        let named = texts.filter_map(|text| text.strip_prefix('$')).map(str::to_string);
        let matched = self.expect.iter().flat_map(|expect| expect.ok.iter().flat_map(|matcher| matcher.references()));
        named.chain(matched).collect()
    }
}
