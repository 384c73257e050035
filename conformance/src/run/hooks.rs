//! What is done to a server from outside: killed, started, its store copied and put back.

use std::{
    collections::BTreeMap,
    fmt,
    fs::File,
    io::{Read as _, Seek as _, SeekFrom},
    path::{Path, PathBuf},
    pin::Pin,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use crate::binding::{
    Binding, Hook, HookCommand,
    render::{self, Variables},
};

/// What can be done to a server from outside: by commands of its binding, or by whoever started it.
pub trait Hooks: fmt::Debug + Send + Sync {
    /// Whether this can be done.
    fn has(&self, hook: Hook) -> bool;

    /// Does it. Whether the server answers again afterwards is for the runner to find out.
    fn run(&self, hook: Hook, variables: Variables) -> Done;
}

/// What came of a hook, once it is done: nothing, or why it failed.
pub type Done = Pin<Box<dyn Future<Output = Result<(), String>> + Send>>;

/// The commands of a binding.
#[derive(Clone, Debug)]
pub struct Commands {
    hooks: BTreeMap<Hook, HookCommand>,
    directory: Option<PathBuf>,
}

impl Commands {
    /// Those of a binding, but for what uses a variable that was left out; nothing if there are none.
    #[must_use]
    pub fn of(binding: &Binding, variables: &Variables) -> Option<Self> {
        let left_out = |name: &str| binding.variables.contains_key(name) && !variables.contains_key(name);
        let has_all = |command: &&HookCommand| {
            let mut texts = command.command.iter().chain(command.environment.values());
            !texts.any(|text| render::used(text).any(left_out))
        };
        let all = binding.hooks.iter().filter(|(_, command)| has_all(command));
        let hooks: BTreeMap<_, _> = all.map(|(hook, command)| (*hook, command.clone())).collect();
        (!hooks.is_empty()).then(|| Self { hooks, directory: binding.directory.clone() })
    }
}

impl Hooks for Commands {
    fn has(&self, hook: Hook) -> bool {
        let both = || self.hooks.contains_key(&Hook::Kill) && self.hooks.contains_key(&Hook::Start);
        self.hooks.contains_key(&hook) || (hook == Hook::Restart && both())
    }

    fn run(&self, hook: Hook, variables: Variables) -> Done {
        let parts = if self.hooks.contains_key(&hook) { vec![hook] } else { vec![Hook::Kill, Hook::Start] };
        let commands: Vec<_> =
            parts.into_iter().filter_map(|hook| Some((hook, self.hooks.get(&hook)?.clone()))).collect();
        let directory = self.directory.clone();
        Box::pin(async move {
            for (hook, command) in commands {
                let (directory, variables) = (directory.clone(), variables.clone());
                let run = tokio::task::spawn_blocking(move || run(&command, directory.as_deref(), &variables));
                let done = run.await.map_err(|error| error.to_string()).and_then(|done| done);
                done.map_err(|why| format!("the hook {}: {why}", name(hook)))?;
            }
            Ok(())
        })
    }
}

/// As the binding writes it.
pub(crate) fn name(hook: Hook) -> &'static str {
    match hook {
        Hook::Kill => "kill",
        Hook::Start => "start",
        Hook::Restart => "restart",
        Hook::Snapshot => "snapshot",
        Hook::Restore => "restore",
        Hook::Clock => "clock",
    }
}

/// A command that is ready to be started: its arguments filled, in the directory of the binding.
pub(super) fn process(
    arguments: &[String],
    environment: &BTreeMap<String, String>,
    directory: Option<&Path>,
    variables: &Variables,
) -> Result<Command, String> {
    let fill = |template: &String| {
        render::text(template, variables, &|value| value.into()).map_err(|missing| missing.to_string())
    };
    let arguments = arguments.iter().map(fill).collect::<Result<Vec<_>, _>>()?;
    let (program, rest) = arguments.split_first().ok_or("no program is named")?;
    // A program without a path is looked for where the system looks for programs.
    let here = directory.filter(|_| program.contains('/')).map(|directory| directory.join(program));
    let mut command = Command::new(here.unwrap_or_else(|| program.into()));
    command.args(rest);
    for (name, template) in environment {
        command.env(name, fill(template)?);
    }
    if let Some(directory) = directory.filter(|directory| !directory.as_os_str().is_empty()) {
        command.current_dir(directory);
    }
    Ok(command)
}

/// Runs a command to its end. Its output goes into a file: a server that it leaves behind would hold a pipe open.
fn run(command: &HookCommand, directory: Option<&Path>, variables: &Variables) -> Result<(), String> {
    let shown = command.command.join(" ");
    let mut process = process(&command.command, &command.environment, directory, variables)?;
    let mut output = output_file().map_err(|error| format!("no file for its output: {error}"))?;
    let of = |file: &File| file.try_clone().map(Stdio::from).map_err(|error| error.to_string());
    process.stdin(Stdio::null()).stdout(of(&output)?).stderr(of(&output)?);
    let mut child = process.spawn().map_err(|error| format!("`{shown}` cannot be started: {error}"))?;
    let limit = Duration::from_secs(command.timeout_seconds);
    let begun = Instant::now();
    let ended = loop {
        match child.try_wait().map_err(|error| error.to_string())? {
            Some(status) if status.success() => return Ok(()),
            Some(status) => break status.to_string(),
            None if begun.elapsed() > limit => {
                let _ = child.kill();
                let _ = child.wait();
                break format!(
                    "it did not end within {} s; a `start` has to return while its server runs on",
                    limit.as_secs()
                );
            }
            None => std::thread::sleep(Duration::from_millis(10)),
        }
    };
    let said = end_of(&mut output);
    let said =
        if said.trim().is_empty() { "it printed nothing".into() } else { format!("it printed: {}", said.trim()) };
    Err(format!("`{shown}`: {ended}; {said}"))
}

/// The end of what was printed: there stands why.
fn end_of(output: &mut File) -> String {
    let length = output.metadata().map_or(0, |metadata| metadata.len());
    let mut end = vec![];
    // Whatever cannot be read is not shown.
    let _ = output
        .seek(SeekFrom::Start(length.saturating_sub(OUTPUT_SHOWN)))
        .and_then(|_| output.take(OUTPUT_SHOWN).read_to_end(&mut end));
    String::from_utf8_lossy(&end).into_owned()
}

/// Bytes.
const OUTPUT_SHOWN: u64 = 4096;

/// A file that nobody else sees, and that is gone with its last reader.
fn output_file() -> std::io::Result<File> {
    let name = format!("kpd-hook-{}-{:016x}", std::process::id(), rand::random::<u64>());
    let path = std::env::temp_dir().join(name);
    let file = File::options().read(true).write(true).create_new(true).open(&path)?;
    std::fs::remove_file(&path)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hooks(yaml: &str) -> Commands {
        Commands { hooks: crate::yaml::read("test", yaml).unwrap(), directory: Some(std::env::temp_dir()) }
    }

    async fn done(yaml: &str, hook: Hook) -> Result<(), String> {
        hooks(yaml).run(hook, Variables::from([("word".into(), "seven".into())])).await
    }

    #[tokio::test]
    async fn a_hook_that_fails_shows_what_it_printed() {
        let why = done(
            "kill: { command: [sh, -c, 'echo {word} of $MANY >&2; exit 3'], environment: { MANY: '{word}' } }",
            Hook::Kill,
        );
        let why = why.await.unwrap_err();
        assert!(
            why.contains("the hook kill") && why.contains("exit status: 3") && why.contains("seven of seven"),
            "{why}"
        );
        let long = "kill: { command: [sh, -c, 'yes grumble | head -c 9000; printf \"\\377 the end\"; exit 1'] }";
        let why = done(long, Hook::Kill).await.unwrap_err();
        assert!(why.ends_with("\u{fffd} the end") && why.len() < 5000, "{why}");
        let missing = done("kill: { command: [no-such-program-anywhere] }", Hook::Kill).await.unwrap_err();
        assert!(missing.contains("cannot be started"), "{missing}");
        assert!(done("kill: { command: ['{nobody}'] }", Hook::Kill).await.unwrap_err().contains("{nobody}"));
    }

    #[tokio::test]
    async fn a_hook_ends_in_bounded_time_and_what_it_leaves_behind_runs_on() {
        let begun = Instant::now();
        let late = done("kill: { command: [sleep, '30'], timeout_seconds: 1 }", Hook::Kill).await.unwrap_err();
        assert!(late.contains("did not end within 1 s"), "{late}");
        assert_eq!(done("start: { command: [sh, -c, 'sleep 3 &'] }", Hook::Start).await, Ok(()));
        assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    }

    #[tokio::test]
    async fn kill_and_start_stand_for_restart() {
        let yaml = "{ kill: { command: ['true'] }, start: { command: [sh, -c, 'echo started; exit 1'] } }";
        assert!(hooks(yaml).has(Hook::Restart) && !hooks(yaml).has(Hook::Restore));
        let why = done(yaml, Hook::Restart).await.unwrap_err();
        assert!(why.contains("the hook start") && why.contains("started"), "{why}");
    }
}
