//! The steps of a vector, while every answer that is allowed is followed.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    history::{Event, State},
    names::{Sequence, Suite},
    spec::{Op, Spec},
    trace::vector::{
        NoVector,
        names::Names,
        tree::{Answer, Tree, answer},
    },
};

pub(super) struct Script<'a> {
    names: &'a Names,
    /// Every history that can have come about.
    branches: Vec<Branch>,
    steps: Vec<Step>,
    /// Where the branches differ, by the name under which it is kept.
    saved: BTreeMap<String, Place>,
}

#[derive(Clone, Default)]
struct Branch {
    state: State,
    /// What was answered to each step.
    answers: Vec<Answer>,
}

struct Step {
    /// The operation, in YAML.
    operation: String,
    expect: Option<String>,
    save: BTreeMap<String, String>,
}

/// A step and a path in its answer.
#[derive(Clone)]
struct Place {
    step: usize,
    path: String,
    /// What can be there.
    texts: BTreeSet<String>,
}

impl<'a> Script<'a> {
    pub(super) fn new(names: &'a Names) -> Self {
        Self { names, branches: vec![Branch::default()], steps: vec![], saved: BTreeMap::new() }
    }

    /// Something that is so from the beginning.
    pub(super) fn happened(&mut self, event: &Event) {
        self.branches.iter_mut().for_each(|branch| branch.state.apply(event));
    }

    /// A key that a client has from the beginning is declared with it; one that expires is added by a step.
    pub(super) fn begin(&mut self, event: &Event) -> Result<(), NoVector> {
        match event {
            Event::KeyAdded { user, client, key, expires: expires @ Some(_) } => {
                self.prepare(&Op::AddKey { user: *user, client: *client, key: *key, expires: *expires })
            }
            other => {
                self.happened(other);
                Ok(())
            }
        }
    }

    /// A step that must succeed.
    pub(super) fn prepare(&mut self, op: &Op) -> Result<(), NoVector> {
        self.ask(op)?;
        self.steps.iter_mut().rev().take(1).for_each(|step| step.expect = None);
        Ok(())
    }

    /// A step with the answers that are allowed. A look at the stock is one for each suite.
    pub(super) fn ask(&mut self, op: &Op) -> Result<(), NoVector> {
        if !matches!(op, Op::Stock { .. }) {
            return self.ask_about(op, None);
        }
        let suites: Vec<_> = self.names.all_suites().collect();
        suites.into_iter().try_for_each(|suite| self.ask_about(op, Some(suite)))
    }

    /// Goes on with so many histories: all of them, or the first ones alone where the last step is to expect nothing.
    pub(super) fn follow(&mut self, most: usize, expecting: bool) -> Result<(), NoVector> {
        if expecting && self.branches.len() > most {
            return Err(NoVector(format!("its answers can have come about in more than {most} ways")));
        }
        self.branches.truncate(most);
        if !expecting {
            let asks = |step: &&mut Step| step.expect.is_some();
            self.steps.iter_mut().filter(asks).for_each(|step| step.expect = Some("{ anything: true }".into()));
        }
        Ok(())
    }

    fn ask_about(&mut self, op: &Op, suite: Option<Suite>) -> Result<(), NoVector> {
        let operation = self.operation(op, suite)?;
        let spec = Spec::default();
        let mut branches = vec![];
        for branch in &self.branches {
            for (outcome, state) in spec.outcomes(&branch.state, op) {
                let answer = answer(self.names, &branch.state, op, &outcome, suite);
                let answers = [branch.answers.as_slice(), &[answer]].concat();
                branches.push(Branch { state, answers });
            }
        }
        self.branches = branches;
        let expect = if matches!(op, Op::Tick { .. }) { None } else { Some(self.expectation()) };
        self.steps.push(Step { operation, expect, save: BTreeMap::new() });
        Ok(())
    }

    /// An operation in YAML.
    pub(super) fn operation(&mut self, op: &Op, suite: Option<Suite>) -> Result<String, NoVector> {
        let names = self.names;
        Ok(match op {
            Op::Publish { client, packages } => {
                let packages: Vec<_> = packages.iter().map(|facts| facts.package.to_string()).collect();
                format!("publish: {{ as: {}, key_packages: [{}] }}", names.owner(*client), packages.join(", "))
            }
            Op::Claim(claim) => {
                let mut parts = vec![format!("as: {}", names.requester(claim.requester))];
                parts.push(format!("of: {}", Names::user(claim.user)));
                parts.extend(names.suites(claim).map(|suites| format!("cipher_suites: [{suites}]")));
                parts.extend(Names::capabilities(&claim.requires).map(|requires| format!("requires: {requires}")));
                parts.extend((!claim.last_resort_accepted).then(|| "last_resort: refuse".into()));
                parts.extend(names.key(claim).map(|key| format!("key: {key}")));
                format!("claim: {{ {} }}", parts.join(", "))
            }
            Op::Withdraw { client, packages } => {
                let packages: Vec<_> = packages.iter().map(ToString::to_string).collect();
                format!("withdraw: {{ as: {}, key_packages: [{}] }}", names.owner(*client), packages.join(", "))
            }
            Op::Replace { client, packages } => {
                let packages: Vec<_> = packages.iter().map(|facts| facts.package.to_string()).collect();
                let (owner, packages) = (names.owner(*client), packages.join(", "));
                format!("publish: {{ as: {owner}, key_packages: [{packages}], replace: true }}")
            }
            Op::AddKey { client, expires, .. } => {
                let until =
                    expires.map_or_else(String::new, |expires| format!(", expires_in: {}", Names::seconds(expires)));
                format!("add_key: {{ as: {}, client: {}{until} }}", names.other(*client)?, names.owner(*client))
            }
            Op::ExtendKey { client, expires, .. } => {
                let expires = Names::seconds(*expires);
                format!(
                    "extend_key: {{ as: {}, client: {}, expires_in: {expires} }}",
                    names.other(*client)?,
                    names.owner(*client)
                )
            }
            Op::RemoveKey { client, .. } => {
                format!("remove_key: {{ as: {}, client: {} }}", names.other(*client)?, names.owner(*client))
            }
            Op::RemoveClient { client } => {
                format!("remove_client: {{ as: {}, client: {} }}", names.other(*client)?, names.owner(*client))
            }
            Op::Keys { user } => format!("keys: {{ of: {} }}", Names::user(*user)),
            Op::Verify { user, key, at } => {
                let client = names.client_of(*key)?;
                format!("verify: {{ of: {}, client: {client}, at: {} }}", Names::user(*user), Names::seconds(*at))
            }
            Op::Block { user, requester } => {
                format!("block: {{ as: {}, requester: {} }}", names.any_of(*user)?, names.requester(*requester))
            }
            Op::Unblock { user, requester } => {
                format!("unblock: {{ as: {}, requester: {} }}", names.any_of(*user)?, names.requester(*requester))
            }
            Op::Reconcile { client } => format!("packages: {{ as: {} }}", names.owner(*client)),
            Op::Stock { client } => {
                let suite = Names::suite(suite.unwrap_or(Suite(1)));
                let suite = if suite == 1 { String::new() } else { format!(", cipher_suite: {suite}") };
                format!("stock: {{ as: {}{suite} }}", names.owner(*client))
            }
            Op::Notifications { client, after: 0 } => format!("notifications: {{ as: {} }}", names.owner(*client)),
            Op::Notifications { client, after } => {
                format!("notifications: {{ as: {}, after: ${} }}", names.owner(*client), self.cursor(*after)?)
            }
            Op::Acknowledge { client, through } => {
                format!("acknowledge: {{ as: {}, through: ${} }}", names.owner(*client), self.cursor(*through)?)
            }
            Op::Tick { to } => {
                let package = names.expiring(*to).map(|package| format!("await_expiry: {{ key_package: {package} }}"));
                let key = || names.ending(*to).map(|client| format!("await_key_expiry: {{ client: {client} }}"));
                package.or_else(key).ok_or_else(|| NoVector(format!("nothing expires at {to}")))?
            }
            Op::Collect | Op::Fence => return Err(NoVector(format!("nobody outside can ask for {op}"))),
        })
    }

    /// The name of the cursor at a place in the feed, kept where the feed was read.
    fn cursor(&mut self, sequence: Sequence) -> Result<String, NoVector> {
        let place = usize::try_from(sequence).unwrap_or_default().saturating_sub(1);
        let read = |step: usize| {
            let long =
                |branch: &Branch| matches!(&branch.answers[step], Answer::Ok(Tree::Items(all)) if all.len() > place);
            self.steps[step].operation.starts_with("notifications") && self.branches.iter().all(long)
        };
        let from_start = |step: usize| !self.steps[step].operation.contains("after");
        let untouched = |step: usize| self.steps[..step].iter().all(|step| !step.operation.starts_with("acknowledge"));
        let step = (0..self.steps.len()).find(|step| read(*step) && from_start(*step) && untouched(*step));
        let step = step.ok_or_else(|| NoVector(format!("notification {sequence} is let go before it was read")))?;
        let name = format!("cursor{sequence}");
        self.steps[step].save.insert(name.clone(), format!("{place}/cursor"));
        Ok(name)
    }

    /// What all branches say of the last step.
    fn expectation(&mut self) -> String {
        let last = |branch: &Branch| branch.answers.last().cloned();
        let answers: Vec<_> = self.branches.iter().filter_map(last).collect();
        let trees: Vec<_> =
            answers.iter().map(|it| if let Answer::Ok(tree) = it { Some(tree) } else { None }).collect();
        if let Some(trees) = trees.into_iter().collect::<Option<Vec<_>>>() {
            return format!("{{ ok: {} }}", self.matcher(&trees, ""));
        }
        let reason = |it: &Answer| if let Answer::Refused(reason) = it { Some(reason.clone()) } else { None };
        let reasons = answers.iter().map(reason).collect::<Option<BTreeSet<_>>>();
        match reasons.map(|reasons| reasons.into_iter().collect::<Vec<_>>()).as_deref() {
            Some([one]) => format!("{{ refused: {one} }}"),
            Some(several) => format!("{{ refused: [{}] }}", several.join(", ")),
            // Whether it succeeds depends on a choice before: what follows shows whether it was right.
            None => "{ anything: true }".into(),
        }
    }

    fn matcher(&mut self, trees: &[&Tree], path: &str) -> String {
        let below = |key: &str| if path.is_empty() { key.to_string() } else { format!("{path}/{key}") };
        let keys = trees.iter().map(|tree| if let Tree::Keys(keys) = tree { Some(keys) } else { None });
        let items = trees.iter().map(|tree| if let Tree::Items(items) = tree { Some(items) } else { None });
        if let Some(keys) = keys.collect::<Option<Vec<_>>>() {
            let names: BTreeSet<_> = keys.iter().flat_map(|keys| keys.keys()).map(|name| (rank(name), name)).collect();
            let entries: Vec<_> = names
                .into_iter()
                .map(|(_, name)| {
                    let there: Vec<_> = keys.iter().filter_map(|keys| keys.get(name)).collect();
                    // A package is there with some kinds and not with others; the kinds are told apart anyway.
                    let matcher = if there.len() == keys.len() {
                        self.matcher(&there, &below(name))
                    } else {
                        let texts = BTreeSet::from_iter(there.iter().filter_map(|tree| tree.at("")));
                        let texts: Vec<_> = texts.into_iter().collect();
                        format!("{{ one_of: [ {{ absent: true }}, {{ in: [{}] }} ] }}", texts.join(", "))
                    };
                    format!("{name}: {matcher}")
                })
                .collect();
            return if entries.is_empty() { "{}".into() } else { format!("{{ {} }}", entries.join(", ")) };
        }
        if let Some(Tree::Bag(items)) = trees.first().filter(|first| trees.iter().all(|tree| tree == *first)) {
            let all: Vec<_> = items.iter().map(|item| self.matcher(&vec![item; trees.len()], path)).collect();
            let length = items.len();
            return if all.is_empty() {
                "{ length: 0 }".into()
            } else {
                format!("{{ length: {length}, contains: [ {} ] }}", all.join(", "))
            };
        }
        if let Some(lists) = items.collect::<Option<Vec<_>>>() {
            let lengths: BTreeSet<_> = lists.iter().map(|list| list.len()).collect();
            let length = lengths.first().copied().unwrap_or_default();
            if lengths.len() > 1 {
                let lengths: Vec<_> = lengths.iter().map(|length| format!("{{ length: {length} }}")).collect();
                return format!("{{ one_of: [ {} ] }}", lengths.join(", "));
            }
            let items: Vec<_> = (0..length)
                .map(|place| {
                    let at: Vec<_> = lists.iter().map(|list| &list[place]).collect();
                    self.matcher(&at, &below(&place.to_string()))
                })
                .collect();
            return if items.is_empty() { "[]".into() } else { format!("[ {} ]", items.join(", ")) };
        }
        self.text_matcher(trees, path)
    }

    /// A literal, what was saved before, or one of several that is not what was saved before.
    fn text_matcher(&mut self, trees: &[&Tree], path: &str) -> String {
        let texts: Vec<_> = trees.iter().map(|tree| tree.at("").unwrap_or_default().to_string()).collect();
        let different = BTreeSet::from_iter(texts.clone());
        if let (Some(one), 1) = (different.first(), different.len()) {
            return one.clone();
        }
        // Only where all branches come here can they be compared one by one.
        let comparable = texts.len() == self.branches.len();
        let mut others = vec![];
        // Two places of one answer cannot be compared: nothing of it is saved yet.
        let earlier = |place: &Place| place.step < self.steps.len();
        let related = |place: &Place| earlier(place) && !place.texts.is_disjoint(&different);
        for (name, place) in self.saved.clone().into_iter().filter(|(_, place)| related(place)) {
            let same = |(branch, text): (&Branch, &String)| {
                let Answer::Ok(tree) = &branch.answers[place.step] else { return None };
                tree.at(&place.path).map(|saved| saved == text)
            };
            let same: Option<Vec<_>> = self.branches.iter().zip(&texts).map(same).collect();
            let Some(same) = same.filter(|_| comparable) else { continue };
            if same.iter().all(|same| *same) {
                self.keep(&name, &place);
                return format!("${name}");
            }
            if !same.contains(&true) {
                others.push((name, place));
            }
        }
        others.iter().for_each(|(name, place)| self.keep(name, place));
        if comparable {
            let name = format!("given{}", self.saved.len() + 1);
            let place = Place { step: self.steps.len(), path: path.to_string(), texts: different.clone() };
            self.saved.insert(name, place);
        }
        let all = different.into_iter().collect::<Vec<_>>().join(", ");
        let others: Vec<_> = others.into_iter().map(|(name, _)| format!("${name}")).collect();
        match &others[..] {
            [] => format!("{{ in: [{all}] }}"),
            [one] => format!("{{ in: [{all}], not: {one} }}"),
            _ => format!("{{ in: [{all}], not: {{ in: [{}] }} }}", others.join(", ")),
        }
    }

    fn keep(&mut self, name: &str, place: &Place) {
        if let Some(step) = self.steps.get_mut(place.step) {
            step.save.insert(name.to_string(), place.path.clone());
        }
    }

    pub(super) fn steps(&self) -> String {
        let step = |step: &Step| {
            let mut lines = format!("  - {}\n", step.operation);
            lines.extend(step.expect.iter().map(|expect| format!("    expect: {expect}\n")));
            if !step.save.is_empty() {
                let save: Vec<_> = step.save.iter().map(|(name, path)| format!("{name}: {path}")).collect();
                lines += &format!("    save: {{ {} }}\n", save.join(", "));
            }
            lines
        };
        self.steps.iter().map(step).collect()
    }
}

/// As vectors are written: the kind first.
fn rank(key: &str) -> usize {
    KEYS.iter().position(|known| *known == key).unwrap_or_default()
}

const KEYS: [&str; 6] = ["kind", "key_package", "requester", "first_use", "remaining", "last_resort"];
