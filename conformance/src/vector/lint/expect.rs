//! What is wrong with an expectation that has the right form: fields that no answer has, words that nobody says.

use std::collections::BTreeSet;

use crate::{
    vector::{Step, expect::Matcher, lint::Lint, matcher::Test},
    yaml::meant,
};

/// A field of an answer: its name, and the words that it may hold; none, if anything may stand there.
type Field = (&'static str, &'static [&'static str]);

/// What an answer looks like.
enum Answer {
    /// One thing with these fields.
    One(&'static [Field]),
    /// A list of such things.
    List(&'static [Field]),
    /// Such a thing for each client of a user.
    Clients(BTreeSet<String>, &'static [Field]),
}

const CLAIMED: [Field; 2] = [("kind", &["regular", "last_resort", "exhausted", "incompatible"]), ("key_package", &[])];
const STOCK: [Field; 3] = [("regular", &[]), ("last_resort", &["none", "unused", "used"]), ("low", &[])];
const NOTIFICATION: [Field; 8] = [
    ("cursor", &[]),
    ("key_package", &[]),
    ("kind", &["regular", "last_resort"]),
    ("requester", &[]),
    ("first_use", &[]),
    ("remaining", &[]),
    ("low", &[]),
    ("drain", &[]),
];
const KEY: [Field; 5] =
    [("client", &[]), ("expires_in", &[]), ("added_in", &[]), ("ended_in", &[]), ("ended", &["expired", "removed"])];
const PUBLISHED: [Field; 1] = [("accepted", &[])];
const REPLACED: [Field; 2] = [("accepted", &[]), ("withdrawn", &[])];
const PACKAGES: [Field; 2] = [("digest", &[]), ("key_packages", &[])];
const REMOVED: [Field; 1] = [("unread", &[])];
const STANDING: [Field; 1] = [("standing", &["valid", "not_yet", "expired", "removed", "unknown"])];
const BLOCK: [Field; 2] = [("requester", &[]), ("server", &[])];

impl Lint<'_> {
    /// An expectation that no answer can meet fails every server.
    pub(super) fn answer(&mut self, path: &str, step: &Step) {
        let Some(matcher) = step.expect.as_ref().and_then(|expect| expect.ok.as_ref()) else { return };
        match self.answer_to(step) {
            Some(Answer::One(fields)) => self.one(path, matcher, fields),
            Some(Answer::List(fields)) => self.list(path, matcher, fields),
            Some(Answer::Clients(clients, fields)) => self.clients(path, matcher, &clients, fields),
            None => {}
        }
    }

    fn answer_to(&self, step: &Step) -> Option<Answer> {
        let own = |publish: &crate::vector::Publish| if publish.replace { &REPLACED[..] } else { &PUBLISHED[..] };
        let one = step.publish.as_ref().map(own);
        let one = one.or(step.stock.as_ref().map(|_| &STOCK[..]));
        let one = one.or(step.packages.as_ref().map(|_| &PACKAGES[..]));
        let one = one.or(step.remove_client.as_ref().map(|_| &REMOVED[..]));
        let one = one.or(step.verify.as_ref().map(|_| &STANDING[..])).map(Answer::One);
        let list = step.notifications.as_ref().map(|_| &NOTIFICATION[..]);
        let list = list.or(step.keys.as_ref().map(|_| &KEY[..])).or(step.resolve.as_ref().map(|_| &KEY[..]));
        let list = list.or(step.blocks.as_ref().map(|_| &BLOCK[..])).map(Answer::List);
        let claimed = || step.claim.as_ref().map(|claim| Answer::Clients(self.clients_of(&claim.of), &CLAIMED));
        one.or(list).or_else(claimed)
    }

    /// Those that are declared, and those that steps add.
    fn clients_of(&self, user: &str) -> BTreeSet<String> {
        let declared = self.vector.users.get(user).map(|user| user.clients.clone()).unwrap_or_default();
        let main = declared.is_empty().then(|| "main".to_string());
        let named = self.vector.all_steps().flat_map(|(_, step)| step.client_names());
        let named = named.filter_map(|name| self.vector.client(name)).filter(|(of, _)| of == user);
        declared.into_iter().chain(main).chain(named.map(|(_, client)| client)).collect()
    }

    fn one(&mut self, path: &str, matcher: &Matcher, fields: &[Field]) {
        match matcher {
            Matcher::Keys(keys) => {
                let names: Vec<&str> = fields.iter().map(|(name, _)| *name).collect();
                for (name, matcher) in keys {
                    match fields.iter().find(|(field, _)| field == name) {
                        Some((_, words)) => self.words(path, name, matcher, words),
                        None => {
                            self.unknown(name, format!("{path} expects `{name}`, which no such answer has"), &names)
                        }
                    }
                }
            }
            Matcher::All(tests) => inside(tests).for_each(|matcher| self.one(path, matcher, fields)),
            Matcher::Literal(_) | Matcher::Items(_) => {}
        }
    }

    fn list(&mut self, path: &str, matcher: &Matcher, fields: &[Field]) {
        match matcher {
            Matcher::Items(items) => items.iter().for_each(|item| self.one(path, item, fields)),
            Matcher::All(tests) => {
                for test in tests {
                    match test {
                        Test::Contains(items) => items.iter().for_each(|item| self.one(path, item, fields)),
                        Test::Not(matcher) => self.list(path, matcher, fields),
                        Test::OneOf(all) => all.iter().for_each(|matcher| self.list(path, matcher, fields)),
                        _ => {}
                    }
                }
            }
            Matcher::Literal(_) | Matcher::Keys(_) => {}
        }
    }

    fn clients(&mut self, path: &str, matcher: &Matcher, clients: &BTreeSet<String>, fields: &[Field]) {
        match matcher {
            Matcher::Keys(keys) => {
                let names: Vec<&str> = clients.iter().map(String::as_str).collect();
                for (name, matcher) in keys {
                    if clients.contains(name) {
                        self.one(path, matcher, fields);
                    } else {
                        let says = format!("{path} expects something of `{name}`, which is no client of that user");
                        self.unknown(name, says, &names);
                    }
                }
            }
            Matcher::All(tests) => inside(tests).for_each(|matcher| self.clients(path, matcher, clients, fields)),
            Matcher::Literal(_) | Matcher::Items(_) => {}
        }
    }

    fn words(&mut self, path: &str, field: &str, matcher: &Matcher, words: &[&str]) {
        if words.is_empty() {
            return;
        }
        let mut word = |value: &serde_json::Value| {
            let known = value.as_str().is_some_and(|word| word.starts_with('$') || words.contains(&word));
            if !known {
                let word = value.as_str().map_or_else(|| value.to_string(), str::to_string);
                self.unknown(&word, format!("{path} expects `{word}` as `{field}`, which it never is"), words);
            }
        };
        match matcher {
            Matcher::Literal(value) => word(value),
            Matcher::All(tests) => {
                for test in tests {
                    if let Test::In(values) = test {
                        values.iter().for_each(&mut word);
                    }
                }
                inside(tests).for_each(|matcher| self.words(path, field, matcher, words));
            }
            Matcher::Keys(_) | Matcher::Items(_) => {}
        }
    }

    fn unknown(&mut self, word: &str, says: String, known: &[&str]) {
        self.error(word, says, meant(word, known.iter().copied()));
    }
}

/// The matchers that a matcher is made of, of the same thing.
fn inside(tests: &[Test]) -> impl Iterator<Item = &Matcher> {
    tests.iter().flat_map(|test| match test {
        Test::Not(matcher) => std::slice::from_ref(&**matcher),
        Test::OneOf(all) => all.as_slice(),
        _ => &[],
    })
}
