//! What is wrong with steps that do something to the server from outside: their order, and what a race can bear of it.

use crate::{
    binding::Hook,
    vector::{Race, Step, lint::Lint},
};

/// A server takes its time to start; more rounds of that would hold up a whole run.
const INTERRUPTED_ROUNDS_MAX: u32 = 20;

/// Whether the server was killed, and whether there is a copy of what it has stored.
#[derive(Clone, Copy, Default)]
struct Condition {
    killed: bool,
    kept: bool,
}

impl Lint<'_> {
    /// What is done to the server from outside comes in an order that makes sense.
    pub(super) fn outside(&mut self) {
        let vector = self.vector;
        let named = |part: &str, steps: &'_ [Step]| -> Vec<String> {
            (0..steps.len()).map(|index| format!("{part}[{index}]")).collect()
        };
        let mut condition = Condition::default();
        for (part, steps) in [("before", &vector.before), ("steps", &vector.steps)] {
            condition = self.in_order(named(part, steps).into_iter().zip(steps), condition);
        }
        for (name, steps) in vector.race.iter().flat_map(|race| &race.lanes) {
            let kept = condition.kept;
            let part = format!("race.lanes.{name}");
            let lane = self.in_order(named(&part, steps).into_iter().zip(steps), Condition { killed: false, kept });
            condition.kept |= lane.kept;
        }
        self.in_order(named("after", &vector.after).into_iter().zip(&vector.after), condition);
        if let Some(race) = vector.race.as_ref().filter(|race| race.is_interrupted()) {
            self.interrupted(race);
        }
        let restores = vector.all_steps().any(|(_, step)| step.restore.is_some());
        if vector.race.is_some() && restores {
            self.restored();
        }
    }

    fn in_order<'a>(&mut self, steps: impl Iterator<Item = (String, &'a Step)>, mut now: Condition) -> Condition {
        for (path, step) in steps {
            let Some(hook) = step.hook() else {
                if now.killed {
                    let says = format!("{path} asks a server that was killed, and not started");
                    self.error("kill", says, "`start: {}` must follow `kill: {}`");
                }
                now.killed = false;
                continue;
            };
            let says = match hook {
                Hook::Start if !now.killed => Some("of a server that was not killed"),
                Hook::Kill | Hook::Restart | Hook::Snapshot if now.killed => Some("of a server that was killed"),
                Hook::Restore if !now.kept => Some("without a copy from an earlier `snapshot: {}`"),
                _ => None,
            };
            if let Some(says) = says {
                self.error(
                    step.operation(),
                    format!("{path}: {} {says}", step.operation()),
                    "put it where it can be done",
                );
            }
            if step.expect.is_some() {
                let says = format!("{path} expects something of what is done from outside");
                self.error(step.operation(), says, "it succeeds, or nothing is known: leave out `expect`");
            }
            now.killed = hook == Hook::Kill;
            now.kept |= hook == Hook::Snapshot;
        }
        if now.killed {
            self.error("kill", "the server is killed last, and stays so".into(), "`start: {}` must follow `kill: {}`");
        }
        Condition { killed: false, ..now }
    }

    /// One lane does it, to itself: the others ask meanwhile, or there is nothing to be seen.
    fn interrupted(&mut self, race: &Race) {
        let acts = |steps: &&Vec<Step>| steps.iter().any(|step| step.hook().is_some());
        let acting: Vec<_> = race.lanes.values().filter(acts).collect();
        if acting.len() > 1 {
            let says = "two lanes do something to the server from outside".into();
            self.error("race", says, "one lane does it all, one after the other");
        }
        if acting.iter().any(|steps| steps.iter().any(|step| step.hook().is_none())) {
            let says = "a lane asks the server, and does something to it from outside".into();
            self.error("race", says, "what is done from outside has a lane of its own");
        }
        if race.lanes.len() < 3 {
            let says = "what is done from outside meets less than two lanes".into();
            self.error("race", says, "a race needs two lanes that ask");
        }
        if race.rounds > INTERRUPTED_ROUNDS_MAX {
            let says = format!("a server is stopped and started in {} rounds", race.rounds);
            self.error("rounds", says, format!("{INTERRUPTED_ROUNDS_MAX} at most: each takes its time"));
        }
    }

    /// A backup knows nothing of what came later, and the judge takes a restore for a fence: what else goes back with it
    /// must not be asked for.
    fn restored(&mut self) {
        for (path, step) in self.vector.all_steps() {
            let publishes = step.publish.as_ref().is_some_and(|publish| !publish.replace);
            let claims = step.claim.as_ref().is_some_and(|claim| claim.key.is_none());
            if !(publishes || claims || step.stock.is_some() || step.hook().is_some()) {
                let says = format!("{path}: {} beside a race and a restore", step.operation());
                let hint = "a restore forgets more than the judge of races can follow: publish, claim without a key, ask for \
                            the stock";
                self.error(step.operation(), says, hint);
            }
        }
    }
}
