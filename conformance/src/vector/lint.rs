//! What is wrong with a vector that has the right form: names that nobody declared, steps that say nothing.

mod expect;
mod outside;
mod steps;

use crate::{catalogue::Catalogue, vector::Vector, yaml::FileError};

/// Everything wrong with a vector, each with its place in the file.
#[must_use]
pub fn lint(file: &str, text: &str, vector: &Vector, catalogue: &Catalogue) -> Vec<FileError> {
    let mut lint = Lint { file, text, vector, line: 1, errors: vec![] };
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
    /// Where the step that is looked at begins.
    line: usize,
    errors: Vec<FileError>,
}

impl Lint<'_> {
    /// Reports an error where `word` first stands alone in the step that is looked at, or else in the file.
    fn error(&mut self, word: &str, message: String, hint: impl Into<String>) {
        self.errors.push(FileError::at_word(self.file, self.text, word, self.line, message).hint(hint));
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
        if vector.documents.as_ref().is_some_and(|documents| documents.trim().is_empty()) {
            let hint = "say in one sentence what it is there for, or leave it out";
            self.error("documents", "`documents` is empty".into(), hint);
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
            if vector.race.is_some() && (odd || timed) {
                let hint = "races are judged by the model: no flaws or lifetimes in them";
                self.error(name, format!("`{name}` is not a plain KeyPackage"), hint);
            }
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
