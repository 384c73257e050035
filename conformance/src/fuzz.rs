//! Random stories of the model against a live server, judged by the model, and made small where one fails.
//!
//! Each story is a vector in memory: it has new users, and goes the way of every vector. Told in order, each answer is
//! looked up among those that the specification allows ([`judge::allowed`]); told at once, the judge of races decides. A story
//! that fails loses whatever it fails without, and ends as a vector in YAML that expects what is allowed.

mod shrink;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use kpd_model::{
    spec::Label,
    stories::{Alphabet, Kind, Story},
};
use rand::Rng as _;
use tokio::time::Instant;

use crate::{
    binding::{Binding, Operation},
    catalogue::{Catalogue, Profile},
    judge::{self, allowed::Judgement},
    material::Material,
    recording::Recording,
    run::{self, Options, Server},
    seed::Seed,
    vector::{Capability, Vector},
    verdict::{Judged, Verdict},
    yaml,
};

/// What to ask, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Where the stories come from.
    pub seed: u64,
    /// Things happen at once.
    pub concurrent: bool,
    /// How many stories at a time.
    pub jobs: usize,
    /// At most so many stories, where that is to end it.
    pub stories: Option<u64>,
    /// At most so long, where that is to end it.
    pub time: Option<Duration>,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Hunt {
    /// How many stories were told.
    pub stories: u64,
    /// How many operations were asked in them.
    pub operations: u64,
    /// The kinds of steps that were taken in order.
    pub labels: BTreeSet<Label>,
    /// Stories of which nothing can be said, by why.
    pub undecided: BTreeMap<String, u64>,
    /// The server is gone, or the suite is at its end: how that showed.
    pub ended: Option<Verdict>,
    /// A story has failed, and a smaller one is looked for.
    pub shrinks: bool,
    /// The story that failed, as small as it got.
    pub found: Option<Found>,
}

/// A story that fails.
#[derive(Debug)]
pub struct Found {
    /// The vector, in YAML.
    pub text: String,
    /// The same with its verdict, as of any vector.
    pub judged: Judged,
    /// Of how many operations it was when it failed first, and of how many it is now.
    pub operations: (usize, usize),
    /// How many times the server was asked to find out what it fails without.
    pub tried: usize,
    /// Whether it has failed more than once: what hangs on chance may not, and is a failure all the same.
    pub again: bool,
    /// Whether the vector expects what is allowed at each step, and so fails by itself; or else the model alone, that
    /// followed it, found the fault.
    pub expects: bool,
}

/// A verdict on one told story.
enum Told {
    Fine(BTreeSet<Label>),
    Wrong(Fault),
    Undecided(String),
    Ended(Verdict),
}

/// What is wrong.
struct Fault {
    rule: String,
    verdict: Verdict,
}

/// Stories are told in groups of this size for each job: often enough to see that time is up.
const IN_A_GROUP: u64 = 4;

/// The id of what is found: its file, in the directory that it is written to.
const ID: &str = "fuzz/found";

/// Tells stories until one fails, or until the plan is at its end; `done` hears of each group.
pub async fn hunt(server: &Server, catalogue: &Catalogue, plan: &Plan, mut done: impl FnMut(&Hunt)) -> Hunt {
    let alphabet = alphabet(&server.binding);
    let begun = Instant::now();
    let mut hunt = Hunt::default();
    // What failed once and not again is told for want of anything that does.
    let mut once = None;
    let mut numbers = 0..;
    loop {
        let left = plan.stories.map_or(u64::MAX, |stories| stories.saturating_sub(hunt.stories));
        let late = plan.time.is_some_and(|time| begun.elapsed() >= time);
        if left == 0 || late || hunt.found.is_some() || hunt.ended.is_some() {
            hunt.found = hunt.found.or(once);
            return hunt;
        }
        let group = usize::try_from(left.min(IN_A_GROUP * plan.jobs.max(1) as u64)).unwrap_or(1);
        let stories: Vec<Story> = numbers
            .by_ref()
            .filter_map(|number| fitting(&alphabet, plan, number, &server.binding.material))
            .take(group)
            .collect();
        let seed = Seed::of_run(plan.seed).child("group").child(&hunt.stories.to_string());
        for (story, told) in tell(server, catalogue, &stories, plan, seed).await {
            hunt.stories += 1;
            hunt.operations += story.len() as u64;
            match told {
                Told::Fine(labels) => hunt.labels.extend(labels),
                Told::Undecided(why) => *hunt.undecided.entry(why).or_default() += 1,
                Told::Ended(verdict) => hunt.ended = Some(verdict),
                Told::Wrong(fault) if hunt.found.is_none() => {
                    hunt.shrinks = true;
                    done(&hunt);
                    let shrink = shrink::Shrink { server, catalogue, until: Instant::now() + shrink::AT_MOST };
                    let found = shrink.smallest(story.clone(), fault).await;
                    hunt.shrinks = false;
                    match found {
                        Some(found) if !found.again => once = once.or(Some(found)),
                        found => hunt.found = found,
                    }
                }
                Told::Wrong(_) => {}
            }
        }
        done(&hunt);
    }
}

/// A story by its number, if the server's key material can tell it.
fn fitting(alphabet: &Alphabet, plan: &Plan, number: u64, material: &Material) -> Option<Story> {
    let story = story(alphabet, plan, number);
    let told = vector(&story, ID, BASE_RULE, false).ok();
    told.is_none_or(|(vector, _)| material.lacks(&vector).is_none()).then_some(story)
}

/// A story by its number.
fn story(alphabet: &Alphabet, plan: &Plan, number: u64) -> Story {
    let mut rng = Seed::of_run(plan.seed).child("story").child(&number.to_string()).rng();
    let mut chance = |below: usize| {
        let below = u64::try_from(below.max(1)).unwrap_or(u64::MAX);
        usize::try_from(rng.next_u64() % below).unwrap_or_default()
    };
    if plan.concurrent { Story::at_once(alphabet, &mut chance) } else { Story::in_order(alphabet, &mut chance) }
}

/// Tells stories as vectors that expect nothing by themselves, and judges each.
async fn tell<'a>(
    server: &Server,
    catalogue: &Catalogue,
    stories: &'a [Story],
    plan: &Plan,
    seed: Seed,
) -> Vec<(&'a Story, Told)> {
    let mut told = vec![];
    let (mut vectors, mut asked) = (vec![], vec![]);
    for (number, story) in stories.iter().enumerate() {
        // The users of a vector follow from its id: no two stories have the same.
        match vector(story, &format!("fuzz/{number}"), BASE_RULE, false) {
            Ok((vector, _)) => match judge::skipped(&vector, &server.binding, catalogue) {
                None => {
                    vectors.push(vector);
                    asked.push(story);
                }
                Some(why) => told.push((story, Told::Undecided(why))),
            },
            Err(why) => told.push((story, Told::Undecided(why))),
        }
    }
    let mut number = [0; 8];
    number.copy_from_slice(&seed.bytes()[..8]);
    let options = Options { jobs: plan.jobs, seed: u64::from_le_bytes(number), rounds: Some(1) };
    let mut runs = run::run(server, &vectors, options, |_| {}).await;
    runs.iter_mut().for_each(|run| run.recording.mask());
    told.extend(runs.iter().map(|run| (asked[run.index], judged(&vectors[run.index], &run.recording, catalogue))));
    told
}

/// The rule that a story is said to be about before anything is known of it.
const BASE_RULE: &str = "CLAIM-ONCE";

/// A story as a vector, with its text.
fn vector(story: &Story, id: &str, rule: &str, expecting: bool) -> Result<(Arc<Vector>, String), String> {
    let text = story.vector(id, rule, expecting).map_err(|why| why.to_string())?;
    let vector = yaml::read::<Vector>(&format!("{id}.yaml"), &text).map_err(|error| error.to_string())?;
    Ok((Arc::new(vector), text))
}

/// What the model says of what was seen; of a race, what the judge of races says.
fn judged(vector: &Vector, recording: &Recording, catalogue: &Catalogue) -> Told {
    let (verdict, _) = judge::judge(vector, recording, catalogue);
    match verdict {
        Verdict::Gone { .. } => return Told::Ended(verdict),
        Verdict::Blocked { reason } | Verdict::Error { reason } if vector.race.is_some() => {
            return Told::Undecided(reason);
        }
        _ => {}
    }
    if vector.race.is_some() {
        // One round that did not overlap says little, but nothing wrong.
        return match judge::rounds(vector, recording) {
            Verdict::Fail(failure) => {
                let rule = failure.rule.clone();
                Told::Wrong(Fault { rule, verdict: Verdict::Fail(failure) })
            }
            Verdict::Inconclusive { reason } => Told::Undecided(reason),
            _ => Told::Fine(BTreeSet::new()),
        };
    }
    match judge::allowed::follow(vector, recording) {
        Judgement::Allowed(labels) => Told::Fine(labels),
        Judgement::Forbidden(failure) => {
            Told::Wrong(Fault { rule: failure.rule.clone(), verdict: Verdict::Fail(*failure) })
        }
        Judgement::Unknown(why) => Told::Undecided(why),
    }
}

/// What a server can be asked for, by its binding.
#[must_use]
pub fn alphabet(binding: &Binding) -> Alphabet {
    let has = |operation: Operation| binding.has(operation);
    let can = |capability: Capability| !binding.absent.contains_key(&capability);
    let offers = |profile: Profile| binding.profiles.contains(&profile);
    let key_list = can(Capability::KeyList) && has(Operation::AddKey);
    let offered = |kind: &Kind| match kind {
        Kind::Publish => has(Operation::Publish),
        Kind::Replace => has(Operation::Replace),
        Kind::Claim => has(Operation::Claim),
        Kind::Withdraw => has(Operation::Withdraw) && can(Capability::Withdraw),
        Kind::Stock => has(Operation::Stock),
        Kind::Reconcile => has(Operation::Packages),
        Kind::Notifications => has(Operation::Notifications) && offers(Profile::Notify),
        Kind::Acknowledge => has(Operation::Acknowledge) && has(Operation::Notifications) && offers(Profile::Notify),
        Kind::AddKey => key_list,
        Kind::ExtendKey => key_list && has(Operation::ExtendKey) && can(Capability::KeyExpiry),
        Kind::RemoveKey => key_list && has(Operation::RemoveKey),
        Kind::RemoveClient => key_list && has(Operation::RemoveClient),
        Kind::Keys => key_list && has(Operation::Keys),
        Kind::Verify => key_list && has(Operation::VerifyAt),
        Kind::Block => has(Operation::Block),
        Kind::Unblock => has(Operation::Unblock) && has(Operation::Block),
    };
    Alphabet {
        kinds: Kind::ALL.into_iter().filter(offered).collect(),
        last_resorts: offers(Profile::LastResort),
        refuses_last_resorts: can(Capability::RefuseLastResort),
        claim_keys: can(Capability::Idempotency),
        suites: can(Capability::CipherSuites),
        expiring_keys: can(Capability::KeyExpiry) && has(Operation::ExtendKey),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{library, material::MaterialKind};

    #[test]
    fn no_story_is_told_that_the_key_material_cannot_tell() {
        let alphabet = alphabet(&library::reference_binding().unwrap());
        let plan = Plan { seed: 7, concurrent: false, jobs: 1, stories: None, time: None };
        let opaque = Material { kind: MaterialKind::Opaque, ..Material::default() };
        let told = |material: &Material| {
            let stories = (0..60).filter_map(|number| fitting(&alphabet, &plan, number, material));
            let vectors = stories.map(|story| vector(&story, ID, BASE_RULE, false).unwrap().0);
            let lacks: Vec<_> = vectors.map(|vector| opaque.lacks(&vector)).collect();
            (lacks.len(), lacks.into_iter().flatten().count())
        };
        let ((all, untold), (fitting, none)) = (told(&Material::default()), told(&opaque));
        assert_eq!((all, none, fitting), (60, 0, 60 - untold));
        assert!(untold > 0);
    }
}
