//! What is wrong with a binding that has the right form: words that nobody gives a value, outcomes that never count.

mod known;
mod uses;

use std::collections::BTreeSet;

use crate::{
    binding::{Binding, Exchange, Field, Operation, Outcome, Reading, When},
    yaml::FileError,
};

/// Everything wrong with a binding, each with its place in the file.
#[must_use]
pub fn lint(file: &str, text: &str, binding: &Binding) -> Vec<FileError> {
    let mut lint = Lint { file, text, binding, errors: vec![] };
    lint.whole();
    for (operation, exchanges) in &binding.operations {
        if exchanges.is_empty() {
            let name = known::name(*operation);
            lint.error(&name, format!("the operation {name} has no exchange"), "leave it out, or say what is sent");
        }
        for exchange in exchanges {
            lint.exchange(*operation, exchange);
        }
    }
    lint.variables();
    lint.errors
}

/// An operation as the binding writes it.
pub(crate) fn name(operation: Operation) -> String {
    known::name(operation)
}

/// Whether the requests of an operation use a variable.
pub(crate) fn uses(binding: &Binding, operation: Operation, variable: &str) -> bool {
    uses::of(binding).used.iter().any(|used| {
        // What authenticates every request counts for claims, and carries nothing of them.
        used.operation == Some(operation) && used.name == variable && used.place != "auth"
    })
}

struct Lint<'a> {
    file: &'a str,
    text: &'a str,
    binding: &'a Binding,
    errors: Vec<FileError>,
}

impl Lint<'_> {
    fn error(&mut self, word: &str, message: String, hint: impl Into<String>) {
        self.errors.push(FileError::at_word(self.file, self.text, word, 1, message).hint(hint));
    }

    fn whole(&mut self) {
        let binding = self.binding;
        match (&binding.adapter, binding.operations.is_empty()) {
            (Some(_), false) => {
                let says = "both an adapter and operations: which of them does an operation?";
                self.error("adapter", says.into(), "leave out one of them");
            }
            (None, true) => {
                let says = "no operations: nothing can be judged";
                self.error("operations", says.into(), "start from conformance/bindings/reference.yaml");
            }
            _ => {}
        }
        if binding.adapter.as_ref().is_some_and(|adapter| adapter.command.is_empty()) {
            self.error("command", "the adapter has no program".into(), "`command: [./mine]`");
        }
        if binding.adapter.is_none() && binding.ready.is_none() {
            let says = "nothing tells when the server is ready";
            self.error("ready", says.into(), "`ready: { method: GET, path: /health }`: any request that succeeds");
        }
        for (capability, _) in binding.absent.iter().filter(|(_, why)| why.trim().is_empty()) {
            let name = serde_json::to_value(capability).ok().and_then(|value| value.as_str().map(str::to_string));
            let name = name.unwrap_or_default();
            let says = format!("`absent` gives no reason for {name}");
            self.error(&name, says, "say it in one sentence: it is printed beside each vector that is skipped for it");
        }
        if let Some(says) = binding.material.mistake() {
            self.error("material", format!("material: {says}"), "see `bindings/README.md`");
        }
        for (hook, command) in &binding.hooks {
            if command.command.is_empty() {
                let name = crate::run::hooks::name(*hook);
                self.error(name, format!("the hook {name} has no program"), "`command: [./stop.sh]`");
            }
        }
        if !binding.user.contains("{name}") {
            let says = "every user has the same identity";
            self.error("user", says.into(), "`{name}` in `user` stands for a fresh name");
        }
    }

    fn exchange(&mut self, operation: Operation, exchange: &Exchange) {
        let name = known::name(operation);
        let request = &exchange.request;
        if request.method.is_empty() || !request.method.bytes().all(|byte| byte.is_ascii_uppercase()) {
            let says = format!("{name}: `{}` is no HTTP method", request.method);
            self.error(&request.method, says, "in capital letters, such as POST");
        }
        if !request.path.starts_with('/') && !request.is_link() {
            let says = format!("{name}: the path `{}` does not begin with `/`", request.path);
            self.error(&request.path, says, "the base of the URL is the `--target` of a run");
        }
        let bodies = [request.json.is_some(), request.bytes.is_some(), !request.form.is_empty()];
        if bodies.into_iter().filter(|there| *there).count() > 1 {
            self.error(&name, format!("{name}: a request has one body"), "one of `json`, `bytes` and `form`");
        }
        if let Some(Err(why)) = request.json.as_ref().map(crate::yaml::to_json) {
            self.error("json", format!("{name}: {why}"), "numbers are whole, and names are texts");
        }
        if exchange.outcomes.is_empty() {
            self.error(
                &name,
                format!("{name}: no outcome, so no answer has a meaning"),
                "say at least what success is",
            );
        }
        for (index, outcome) in exchange.outcomes.iter().enumerate() {
            self.outcome(operation, outcome);
            if let Some(before) = exchange.outcomes[..index].iter().position(|before| before.when.covers(&outcome.when))
            {
                let says = format!(
                    "{name}: outcome {} never counts: outcome {} fits all its answers, and comes before it",
                    index + 1,
                    before + 1
                );
                self.error(&name, says, "put the narrower one first, or leave it out");
            }
        }
    }

    fn outcome(&mut self, operation: Operation, outcome: &Outcome) {
        let name = known::name(operation);
        if outcome.ok.is_some() && outcome.refused.is_some() {
            self.error(&name, format!("{name}: an outcome is both `ok` and `refused`"), "make two of it");
        }
        if let Some(told) = &outcome.retry_after {
            if outcome.refused.is_none() {
                self.error("retry_after", format!("{name}: `retry_after` of a success"), "it belongs to `refused`");
            }
            if told.header.is_some() == told.milliseconds.is_some() {
                let says = format!("{name}: `retry_after` needs one of `header` and `milliseconds`");
                self.error("retry_after", says, "`retry_after: { header: Retry-After }`");
            }
        }
        let Some(reading) = &outcome.ok else { return };
        if reading.others.is_some() && operation != Operation::Claim {
            self.error("others", format!("{name}: `others` is of claims alone"), "leave it out");
        }
        if reading.optional && reading.each.is_none() {
            self.error(
                "optional",
                format!("{name}: `optional` without `each`"),
                "it says that the list may be missing",
            );
        }
        self.fields(operation, reading);
    }

    fn fields(&mut self, operation: Operation, reading: &Reading) {
        let name = known::name(operation);
        let known = known::fields(operation);
        for (field_name, field) in reading.fields.iter().chain(&reading.beside) {
            if !known.contains(&field_name.as_str()) {
                let says = format!("{name}: nobody reads a field `{field_name}`");
                let hint = if known.is_empty() { "its answer says nothing more".into() } else { known.join(", ") };
                self.error(field_name, says, hint);
            }
            if field.sources() != 1 {
                let says = format!("{name}: the field `{field_name}` comes from {} places", field.sources());
                self.error(field_name, says, "one of at, key_of, count, header, body, is");
            }
        }
    }

    /// Every variable has a value, and every value a use.
    fn variables(&mut self) {
        let uses = uses::of(self.binding);
        let saved: BTreeSet<&str> = uses.saved.iter().map(String::as_str).collect();
        let declared: BTreeSet<&str> = self.binding.variables.keys().map(String::as_str).collect();
        for used in &uses.used {
            let (place, variable) = (&used.place, used.name.as_str());
            let bare = variable.strip_prefix("of_").or_else(|| variable.strip_prefix("as_")).unwrap_or(variable);
            let given = declared.contains(variable) || saved.contains(variable) || saved.contains(bare);
            if !given && !known::variables(used.operation, used.list.as_deref()).contains(&variable) {
                let hint = "declare it: `variables: { name: { says: what it is } }`, or see bindings/README.md";
                self.error(variable, format!("{place} uses {{{variable}}}, which nobody gives a value"), hint);
            }
            let optional = self.binding.variables.get(variable).is_some_and(|declared| declared.optional);
            if optional && !place.starts_with("the hook ") {
                let hint = "give it a `default`, or leave out `optional`";
                self.error(variable, format!("{place} cannot do without {{{variable}}}, which is optional"), hint);
            }
        }
        for (place, list, operation) in &uses.lists {
            if !known::lists(*operation).contains(&list.as_str()) {
                let lists = known::lists(*operation).join(", ");
                let hint = if lists.is_empty() { "this operation has no lists".into() } else { lists };
                self.error(list, format!("{place}: there is no list `{list}`"), hint);
            }
        }
        let is_used = |name: &str| {
            uses.used.iter().any(|used| {
                let bare = used.name.strip_prefix("of_").or_else(|| used.name.strip_prefix("as_"));
                used.name == name || bare == Some(name)
            })
        };
        for name in declared.iter().filter(|name| !is_used(name)) {
            self.error(name, format!("the variable `{name}` is declared, and nothing uses it"), "leave it out");
        }
        for name in saved.iter().filter(|name| !matches!(**name, "user" | "client") && !is_used(name)) {
            self.error(name, format!("`{name}` is saved, and nothing uses it"), "leave it out");
        }
    }
}

impl When {
    /// Whether every answer that `other` means is meant here too.
    fn covers(&self, other: &Self) -> bool {
        let json = self.json.iter().all(|(place, value)| other.json.get(place) == Some(value));
        let headers = self.headers.iter().all(|(name, value)| other.headers.get(name) == Some(value));
        let has = self.has.iter().all(|place| other.has.contains(place) || other.json.contains_key(place));
        let lacks = self.lacks.iter().all(|place| other.lacks.contains(place));
        self.status.covers(&other.status) && json && headers && has && lacks
    }
}

impl Field {
    fn sources(&self) -> usize {
        let texts = [&self.at, &self.key_of, &self.count, &self.header].into_iter().flatten().count();
        texts + usize::from(self.body) + usize::from(self.is.is_some())
    }
}

#[cfg(test)]
mod tests;
