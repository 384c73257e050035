//! Every use of a variable in a binding, and every name that a request saves.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{
    binding::{
        Auth, Binding, Exchange, Operation, Outcome, Request,
        lint::known,
        render::{self, Form},
    },
    yaml,
};

/// A variable in a template.
pub(super) struct Used {
    pub(super) name: String,
    /// For a message.
    pub(super) place: String,
    pub(super) operation: Option<Operation>,
    /// The list whose items give it, where it stands in such a template.
    pub(super) list: Option<String>,
}

/// What is found.
#[derive(Default)]
pub(super) struct Uses {
    pub(super) used: Vec<Used>,
    pub(super) saved: BTreeSet<String>,
    /// Lists with their place.
    pub(super) lists: Vec<(String, String, Option<Operation>)>,
}

/// Where a walk is.
#[derive(Clone)]
struct At {
    place: String,
    operation: Option<Operation>,
    list: Option<String>,
}

pub(super) fn of(binding: &Binding) -> Uses {
    let mut uses = Uses::default();
    let at = |place: &str| At { place: place.into(), operation: None, list: None };
    for text in binding.server.iter().chain(&binding.elsewhere) {
        uses.text(text, &at("server"));
    }
    uses.text(&binding.user, &at("user"));
    uses.texts(binding.credential.iter(), &at("credential"));
    let registering = At { operation: Some(Operation::Register), ..at("possession") };
    uses.texts(binding.possession.iter(), &registering);
    if let Some(ready) = &binding.ready {
        uses.request(ready, &at("ready"));
    }
    for (hook, command) in &binding.hooks {
        let list = (*hook == crate::binding::Hook::Clock).then(|| known::OF_THE_CLOCK.to_string());
        let at = At { list, ..at(&format!("the hook {}", crate::run::hooks::name(*hook))) };
        uses.texts(command.command.iter().chain(command.environment.values()), &at);
    }
    if let Some(adapter) = &binding.adapter {
        uses.texts(adapter.command.iter().chain(adapter.environment.values()), &at("the adapter"));
    }
    let auth = At { operation: Some(Operation::Claim), ..at("auth") };
    uses.auth(&binding.auth, &auth);
    for (operation, exchanges) in &binding.operations {
        for exchange in exchanges {
            uses.exchange(exchange, &At { operation: Some(*operation), ..at(&known::name(*operation)) });
        }
    }
    uses
}

impl Uses {
    fn text(&mut self, template: &str, at: &At) {
        for name in render::used(template) {
            let At { place, operation, list } = at.clone();
            self.used.push(Used { name: name.into(), place, operation, list });
        }
    }

    fn texts<'a>(&mut self, templates: impl Iterator<Item = &'a String>, at: &At) {
        templates.for_each(|template| self.text(template, at));
    }

    fn auth(&mut self, auth: &Auth, at: &At) {
        self.texts(auth.templates(), at);
    }

    fn exchange(&mut self, exchange: &Exchange, at: &At) {
        let mut at = at.clone();
        if let Some(list) = &exchange.for_each {
            self.lists.push((at.place.clone(), list.clone(), at.operation));
            at.list = Some(list.clone());
        }
        self.request(&exchange.request, &at);
        exchange.auth.iter().for_each(|auth| self.auth(auth, &at));
        self.saved.extend(exchange.save.keys().chain(exchange.save_headers.keys()).cloned());
        self.texts(exchange.save.values(), &at);
        exchange.outcomes.iter().for_each(|outcome| self.outcome(outcome, &at));
    }

    fn request(&mut self, request: &Request, at: &At) {
        let texts = request.query.values().chain(request.headers.values()).chain(request.form.values());
        self.texts(texts.chain(&request.bytes), at);
        self.text(&request.path, at);
        if let Some(Ok(template)) = request.json.as_ref().map(yaml::to_json) {
            self.json(&template, at);
        }
    }

    fn json(&mut self, template: &Value, at: &At) {
        match template {
            Value::String(text) => self.text(text, at),
            Value::Array(items) => items.iter().for_each(|item| self.json(item, at)),
            Value::Object(entries) => match Form::of(entries) {
                Some(Form::Items(list, value) | Form::First(list, value)) => self.items(list, None, value, at),
                Some(Form::Entries(list, key, value)) => self.items(list, Some(key), value, at),
                Some(Form::Words(of, _)) => self.text(of, at),
                None => entries.iter().for_each(|(key, value)| {
                    self.text(key, at);
                    self.json(value, at);
                }),
            },
            _ => {}
        }
    }

    fn items(&mut self, list: &str, key: Option<&str>, value: &Value, at: &At) {
        self.lists.push((at.place.clone(), list.into(), at.operation));
        let inside = At { list: Some(list.into()), ..at.clone() };
        key.iter().for_each(|key| self.text(key, &inside));
        self.json(value, &inside);
    }

    fn outcome(&mut self, outcome: &Outcome, at: &At) {
        let when = &outcome.when;
        self.texts(when.json.keys().chain(&when.has).chain(&when.lacks), at);
        let told = outcome.retry_after.iter().filter_map(|told| told.milliseconds.as_ref());
        self.texts(told, at);
        if let Some(reading) = &outcome.ok {
            self.texts(reading.each.iter(), at);
            let list = reading.each.as_ref().map(|_| known::OF_AN_ANSWER.to_string());
            let inside = At { list, ..at.clone() };
            let fields = reading.fields.values().map(|field| (field, &inside));
            for (field, at) in fields.chain(reading.beside.values().map(|field| (field, at))) {
                self.texts([&field.at, &field.key_of, &field.count].into_iter().flatten(), at);
                let is = field.is.as_ref().map(|is| is.text());
                self.texts(is.iter(), at);
            }
        }
    }
}
