//! Whether the hooks of a binding do what they are there for: the server is gone after `kill`, and answers after the others.

use std::time::Instant;

use crate::{
    binding::Hook,
    doctor::{Finding, Mark},
    recording::Broken,
    run::{Server, hooks::name},
};

/// In an order in which each leaves the server as the next one needs it.
const ALL: [Hook; 6] = [Hook::Kill, Hook::Start, Hook::Restart, Hook::Snapshot, Hook::Restore, Hook::Clock];

/// Each is tried once; nothing after one that went wrong.
pub(super) async fn tried(server: &Server) -> Vec<Finding> {
    let has = |hook: &Hook| server.hooks.as_ref().is_some_and(|hooks| hooks.has(*hook));
    let mut findings = incomplete(&has);
    let mut went_wrong = !findings.is_empty();
    for hook in ALL.into_iter().filter(has) {
        let part = name(hook);
        if went_wrong {
            findings.push(Finding { mark: Mark::Untried, ..Finding::well(part, "not tried, since a hook went wrong") });
            continue;
        }
        let begun = Instant::now();
        let done = if hook == Hook::Clock { server.move_clock(1).await } else { server.act(hook).await };
        findings.push(match done {
            Ok(()) => Finding::well(part, &format!("{} ({} ms)", came_about(hook), begun.elapsed().as_millis())),
            Err(Broken::Setup(why) | Broken::Gone(why) | Broken::Suite(why) | Broken::TooSlow(why)) => {
                went_wrong = true;
                Finding::wrong(part, "the hook does not do what it is there for", why, mend(hook))
            }
        });
    }
    if findings.is_empty() {
        findings.push(note("there are none to try"));
    }
    findings
}

/// That they are there, and were left alone.
pub(super) fn untried(server: &Server) -> Finding {
    let there = ALL.into_iter().filter(|hook| server.hooks.as_ref().is_some_and(|hooks| hooks.has(*hook)));
    let names: Vec<_> = there.map(name).collect();
    note(&format!("{} are not tried: --hooks tries them, and stops the server for it", names.join(", ")))
}

fn note(says: &str) -> Finding {
    Finding { mark: Mark::Note, ..Finding::well("hooks", says) }
}

/// Halves of what takes two.
fn incomplete(has: &impl Fn(&Hook) -> bool) -> Vec<Finding> {
    let halves = [(Hook::Kill, Hook::Start), (Hook::Start, Hook::Kill), (Hook::Restore, Hook::Snapshot)];
    let lacking = halves.into_iter().filter(|(one, other)| has(one) && !has(other));
    let told = lacking.map(|(one, other)| {
        let what = format!("there is a hook {}, and no hook {}", name(one), name(other));
        Finding::wrong(name(one), "half of what takes two", what, format!("give `{}`, too", name(other)))
    });
    told.collect()
}

fn came_about(hook: Hook) -> &'static str {
    match hook {
        Hook::Kill => "the server does not answer any more",
        Hook::Start | Hook::Restart => "the server answers again",
        Hook::Snapshot => "it ended well",
        Hook::Restore => "the server answers again, from its backup",
        Hook::Clock => "it ended well; whether the clock moved, vectors that need it tell",
    }
}

fn mend(hook: Hook) -> &'static str {
    match hook {
        Hook::Kill => "end with 0 once the process is gone (`kill -9`, then wait for it)",
        Hook::Start | Hook::Restart => "end with 0 while the server runs on in the background, at the same address",
        Hook::Snapshot => "end with 0 once the copy is whole",
        Hook::Restore => "stop the server, put the copy in its place, start it again, and end with 0 while it runs on",
        Hook::Clock => "move the clock by {seconds}, and end with 0",
    }
}
