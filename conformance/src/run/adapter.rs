//! A program that does the operations for the suite, asked over JSON lines: many questions may be open at once.
//!
//! Three threads serve it, since pipes block: one writes, one reads, and the asking task waits, for as long as a server
//! may take to answer and no longer. Whatever is no answer to an open question ends the program's part.

mod step;

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    path::Path,
    process::{Child, ChildStdout, Stdio},
    sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc},
    time::Duration,
};

use serde_json::Value;
use tokio::sync::oneshot;

use crate::{
    binding::{AdapterCommand, render::Variables},
    run::hooks,
};

/// A running program.
#[derive(Debug)]
pub struct Adapter {
    shared: Arc<Shared>,
    lines: Mutex<Option<mpsc::Sender<String>>>,
    child: Mutex<Child>,
}

#[derive(Debug, Default)]
struct Shared {
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    /// The number of the last question.
    last: u64,
    waiting: BTreeMap<u64, oneshot::Sender<Result<Value, String>>>,
    /// Why there will be no more answers.
    ended: Option<String>,
}

/// A longer line is no answer. Bytes.
const LINE_MAX: u64 = 16 << 20;

/// So much of a wrong line is shown. Characters.
const SHOWN: usize = 200;

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoAnswer {
    /// The program has ended, or writes what is none.
    Ended(String),
    /// None came in time.
    Late(Duration),
}

impl Adapter {
    /// Starts a program; what it writes to its standard error is seen as it is.
    ///
    /// # Errors
    ///
    /// If it cannot be started.
    pub fn start(command: &AdapterCommand, directory: Option<&Path>, variables: &Variables) -> Result<Self, String> {
        let mut process = hooks::process(&command.command, &command.environment, directory, variables)?;
        process.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let shown = command.command.join(" ");
        let mut child = process.spawn().map_err(|error| format!("the adapter {shown} cannot be started: {error}"))?;
        let (Some(mut input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(format!("the adapter {shown} has no input and output"));
        };
        let shared = Arc::new(Shared::default());
        let (lines, to_write) = mpsc::channel::<String>();
        std::thread::spawn(move || {
            for line in to_write {
                if writeln!(input, "{line}").and_then(|()| input.flush()).is_err() {
                    // Its reader hears of the end.
                    break;
                }
            }
        });
        let reader = Arc::clone(&shared);
        std::thread::spawn(move || reader.end(read(output, &reader)));
        Ok(Self { shared, lines: Mutex::new(Some(lines)), child: Mutex::new(child) })
    }

    /// Asks one question, and waits for its answer.
    ///
    /// # Errors
    ///
    /// If none comes.
    pub async fn ask(&self, question: Value, timeout: Duration) -> Result<Value, NoAnswer> {
        let (answered, answer) = oneshot::channel();
        let line = {
            let mut open = self.shared.open();
            if let Some(why) = &open.ended {
                return Err(NoAnswer::Ended(why.clone()));
            }
            open.last += 1;
            let id = open.last;
            open.waiting.insert(id, answered);
            let mut question = question;
            question["id"] = id.into();
            question.to_string()
        };
        if let Some(lines) = &*self.lines.lock().unwrap_or_else(PoisonError::into_inner) {
            // If the writer is gone, the reader will say why.
            let _ = lines.send(line);
        }
        match tokio::time::timeout(timeout, answer).await {
            Ok(Ok(answer)) => answer.map_err(NoAnswer::Ended),
            Ok(Err(_)) => Err(NoAnswer::Ended("the adapter has ended".into())),
            Err(_) => Err(NoAnswer::Late(timeout)),
        }
    }
}

/// Its input ends with it, and it gets no longer to think about that.
impl Drop for Adapter {
    fn drop(&mut self) {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).take();
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = child.kill();
        let _ = child.wait();
    }
}

/// Hands out answers until there are no more; why that is.
fn read(output: ChildStdout, shared: &Shared) -> String {
    let mut output = BufReader::new(output);
    loop {
        let mut line = vec![];
        match output.by_ref().take(LINE_MAX).read_until(b'\n', &mut line) {
            Err(error) => return format!("the adapter cannot be read: {error}"),
            Ok(0) => return "the adapter ended".into(),
            Ok(_) => {}
        }
        let text = String::from_utf8_lossy(&line);
        if text.trim().is_empty() {
            continue;
        }
        let shown: String = text.trim().chars().take(SHOWN).collect();
        let answer: Option<Value> = serde_json::from_str(&text).ok();
        let Some((answer, id)) = answer.and_then(|answer| answer["id"].as_u64().map(|id| (answer, id))) else {
            return format!("the adapter wrote a line that is no answer: {shown}");
        };
        let mut open = shared.open();
        if id == 0 || id > open.last {
            return format!("the adapter answered a question that nobody asked: {shown}");
        }
        // A second answer, or one that came too late, is nobody's any more.
        if let Some(waiting) = open.waiting.remove(&id) {
            let _ = waiting.send(Ok(answer));
        }
    }
}

impl Shared {
    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&self, why: String) {
        let mut open = self.open();
        for (_, waiting) in std::mem::take(&mut open.waiting) {
            let _ = waiting.send(Err(why.clone()));
        }
        open.ended = Some(why);
    }
}

#[cfg(test)]
mod tests;
