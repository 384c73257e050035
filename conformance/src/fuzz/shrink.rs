//! Makes a story that fails smaller, by asking the server again: what it fails without is left out (delta debugging).

use std::{sync::Arc, time::Duration};

use kpd_model::stories::Story;
use tokio::time::Instant;

use super::{Fault, Found, ID, Told, judged, vector};
use crate::{
    catalogue::Catalogue,
    judge,
    run::{self, Options, Server},
    vector::Vector,
    verdict::{Judged, Verdict},
};

pub(super) struct Shrink<'a> {
    pub(super) server: &'a Server,
    pub(super) catalogue: &'a Catalogue,
    /// What has been found by then is good enough.
    pub(super) until: Instant,
}

/// So long a smaller story is looked for. Each try asks a server that may take its time to fail.
pub(super) const AT_MOST: Duration = Duration::from_secs(120);

/// A story that is known to fail.
struct Failing {
    story: Story,
    fault: Fault,
    vector: Arc<Vector>,
    text: String,
    expects: bool,
    took: Duration,
    contention: Option<(usize, usize)>,
}

/// A smaller story is looked for so many times at most: each is a story told to the server.
const TRIED_MAX: usize = 300;

/// What a server chooses can hide a fault: a story in order that passes is told again, so many times in all.
const TOLD: u64 = 3;

impl Shrink<'_> {
    /// The smallest story that fails, for want of a better one the first, also where it does not fail again. `None` if it
    /// cannot be written down.
    pub(super) async fn smallest(&self, story: Story, first: Fault) -> Option<Found> {
        let operations = story.len();
        let mut tried = 0;
        let Some(mut failing) = self.fails(&story, &first.rule, &mut tried).await else {
            let (vector, text) = vector(&story, ID, &first.rule, false).ok()?;
            let judged =
                Judged { vector, verdict: first.verdict, took: Duration::ZERO, contention: None, story: vec![] };
            let operations = (operations, operations);
            return Some(Found { text, judged, operations, tried, again: false, expects: false });
        };
        if !failing.story.lanes.is_empty() {
            // What fails one by one is simpler than any race.
            let one_by_one = failing.story.one_by_one();
            if let Some(simpler) = self.fails(&one_by_one, &failing.fault.rule, &mut tried).await {
                failing = simpler;
            }
        }
        let mut chunk = (failing.story.len() / 2).max(1);
        loop {
            let (mut place, mut got_smaller) = (0, false);
            while place < failing.story.len() && self.goes_on(tried) {
                let smaller = failing.story.without(&(place..place + chunk));
                match self.fails(&smaller, &failing.fault.rule, &mut tried).await {
                    Some(smaller) => {
                        failing = smaller;
                        got_smaller = true;
                    }
                    None => place += chunk,
                }
            }
            if chunk == 1 && (!got_smaller || !self.goes_on(tried)) {
                break;
            }
            chunk = (chunk / 2).max(1);
        }
        'batches: while self.goes_on(tried) {
            for smaller in failing.story.with_smaller_batches().collect::<Vec<_>>() {
                if !self.goes_on(tried) {
                    break 'batches;
                }
                if let Some(smaller) = self.fails(&smaller, &failing.fault.rule, &mut tried).await {
                    failing = smaller;
                    continue 'batches;
                }
            }
            break;
        }
        let Failing { story, fault, vector, text, expects, took, contention } = failing;
        let judged = Judged { vector, verdict: fault.verdict, took, contention, story: vec![] };
        Some(Found { text, judged, operations: (operations, story.len()), tried, again: true, expects })
    }

    fn goes_on(&self, tried: usize) -> bool {
        tried < TRIED_MAX && Instant::now() < self.until
    }

    /// Whether a story fails, as a vector that anybody can run; where the story can go in too many ways to be one, as the
    /// model follows it.
    async fn fails(&self, story: &Story, rule: &str, tried: &mut usize) -> Option<Failing> {
        if story.is_empty() {
            return None;
        }
        let expecting = vector(story, ID, rule, true);
        let expects = expecting.is_ok();
        let (vector, text) = expecting.or_else(|_| vector(story, ID, rule, false)).ok()?;
        let times = if vector.race.is_some() { 1 } else { TOLD };
        for _ in 0..times {
            *tried += 1;
            // New users each time, on a server that keeps them.
            let options = Options { jobs: 1, seed: rand::random(), rounds: None };
            let mut run = run::run(self.server, &[Arc::clone(&vector)], options, |_| {}).await.pop()?;
            run.recording.mask();
            let (verdict, contention) = judge::judge(&vector, &run.recording, self.catalogue);
            let took = run.took;
            let followed = match judged(&vector, &run.recording, self.catalogue) {
                Told::Wrong(fault) => Some(fault),
                Told::Fine(_) | Told::Undecided(_) | Told::Ended(_) => None,
            };
            let failed = match (verdict, followed) {
                (Verdict::Fail(failure) | Verdict::Warn(failure), followed) if expects => {
                    // The rule as the model names it; the vector itself names what it says it is about.
                    let rule = followed.map_or_else(|| failure.rule.clone(), |fault| fault.rule);
                    Some(Fault { rule, verdict: Verdict::Fail(failure) })
                }
                (_, Some(fault)) if !expects => Some(fault),
                _ => None,
            };
            let Some(fault) = failed else { continue };
            // A vector says what it is about: it is written again where that has turned out to be another rule.
            let (vector, text) = match super::vector(story, ID, &fault.rule, expects) {
                Ok(named) if rule != fault.rule => named,
                _ => (vector, text),
            };
            return Some(Failing { story: story.clone(), fault, vector, text, expects, took, contention });
        }
        None
    }
}
