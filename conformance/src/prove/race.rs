//! Races: every interleaving of the lanes, as histories that the judge itself must pass, and lies that it must not.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use crate::{
    judge,
    prove::{
        fault::FaultKind,
        prover::Prover,
        replay::{Branch, distinct},
    },
    recording::{Observed, Recorded, Recording, Round, Seen},
    vector::{Race, Step, Vector},
    verdict::Verdict,
};

/// All orders in which the steps of the lanes can take effect, each with all allowed answers; nothing if there are too
/// many. An owner that waits to be told waits longer than the other lanes take: it is told nothing only where none of them
/// does anything any more.
pub(super) fn interleave(prover: &mut Prover<'_>, race: &Race, branches: Vec<Branch>) -> Option<Vec<Branch>> {
    let lanes: Vec<(&String, &Vec<Step>)> = race.lanes.iter().collect();
    let acts = |done: &[usize], number: usize| {
        let step = lanes.get(number).zip(done.get(number)).and_then(|((_, steps), done)| steps.get(*done));
        step.is_some_and(|step| !step.waits_to_be_told())
    };
    let steps: usize = lanes.iter().map(|(_, steps)| steps.len()).sum();
    let mut front: Vec<(Vec<usize>, Vec<Branch>)> = vec![(vec![0; lanes.len()], branches)];
    for _ in 0..steps {
        let mut next: BTreeMap<Vec<usize>, Vec<Branch>> = BTreeMap::new();
        for (done, branches) in &front {
            for (number, (name, steps)) in lanes.iter().enumerate() {
                let Some(step) = steps.get(done[number]) else { continue };
                let path = format!("race.lanes.{name}[{}]", done[number]);
                let others_act = (0..lanes.len()).any(|other| other != number && acts(done, other));
                let mut after = vec![];
                for branch in branches {
                    if others_act && prover.replay.waits_on(step, branch) {
                        continue;
                    }
                    let ways = prover.allowed(&path, step, branch);
                    after.extend(ways.all.iter().map(|way| prover.replay.after(&path, step, branch, way, true)));
                }
                let mut done = done.clone();
                done[number] += 1;
                let all = next.entry(done).or_default();
                all.extend(after);
                prover.few_enough(&path, step, all.len())?;
            }
        }
        front = next.into_iter().map(|(done, branches)| (done, distinct(branches))).collect();
    }
    front.pop().map(|(_, branches)| branches)
}

/// The judge passes every history that the model allows, or one of the two is wrong.
pub(super) fn judged(prover: &mut Prover<'_>, branches: &[Branch]) {
    let Some(race) = &prover.vector.race else { return };
    let Some(step) = race.lanes.values().flatten().next() else { return };
    let lost = branches.iter().filter(|_| race.is_interrupted()).map(|branch| (branch, last_lost(&branch.recorded)));
    let histories = branches.iter().map(|branch| (branch, branch.recorded.clone())).chain(lost);
    for (branch, recorded) in histories {
        let verdict = verdict(prover.vector, recorded);
        if !matches!(verdict, Verdict::Pass) {
            let says = verdict.failure().map(|failure| failure.says.clone());
            let says = says.or_else(|| verdict.reason().map(str::to_string)).unwrap_or_default();
            let verdict = format!("{} {says}", verdict.word());
            prover.fault("race", step, FaultKind::Misjudged { verdict }, &branch.story);
        }
    }
}

/// The same where the last answer of each lane got lost, as where the server is killed meanwhile.
fn last_lost(recorded: &[Recorded]) -> Vec<Recorded> {
    let (mut steps, mut lanes) = (recorded.to_vec(), BTreeSet::new());
    for step in steps.iter_mut().rev() {
        let lane = step.path.strip_prefix("race.lanes.").and_then(|rest| rest.split('[').next());
        // What is done from outside has no answer that could get lost.
        let answered = step.observed != Observed::Ok(Seen::Done {});
        if lane.is_some_and(|lane| answered && lanes.insert(lane.to_string())) {
            step.observed = Observed::Lost;
        }
    }
    steps
}

/// Whether the judge, who sees all answers of a round, rejects this one.
pub(super) fn rejected(vector: &Vector, branch: &Branch, lie: &Recorded) -> bool {
    let mut steps = branch.recorded.clone();
    steps.push(lie.clone());
    matches!(verdict(vector, steps), Verdict::Fail(_))
}

fn verdict(vector: &Vector, steps: Vec<Recorded>) -> Verdict {
    let recording = Recording { rounds: vec![Round { steps: timed(steps) }], broken: None };
    // How much of it was at once is the server's, and no matter of what is allowed.
    judge::rounds(vector, &recording)
}

/// Gives the steps the times at which they can have happened in this order. The first steps of all lanes are sent
/// together; each later one once its lane has its answer; all is done in the order given.
fn timed(mut steps: Vec<Recorded>) -> Vec<Recorded> {
    let at = |place: usize, part: u64| Duration::from_millis(10 * place as u64 + part);
    let lane =
        |path: &str| path.strip_prefix("race.lanes.").map(|rest| rest.split('[').next().unwrap_or(rest).to_string());
    let paths: Vec<_> = steps.iter().map(|step| lane(&step.path)).collect();
    let first = paths.iter().position(Option::is_some).unwrap_or_default();
    for place in 0..steps.len() {
        let sent = match &paths[place] {
            None => at(place, 1),
            Some(name) => match paths[..place].iter().rposition(|other| other.as_ref() == Some(name)) {
                Some(before) => at(before, 6),
                None => at(first, 0),
            },
        };
        (steps[place].sent, steps[place].answered) = (sent, at(place, 5));
    }
    steps.sort_by_key(|step| step.sent);
    steps
}
