//! Runs `kpd` as a process, and keeps the files that it is given.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

/// How a command ended.
pub(crate) struct Kpd {
    pub(crate) exit: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Kpd {
    /// Runs a command; its reports go where no other test writes.
    pub(crate) fn run(arguments: &[&str]) -> Self {
        let scratch = Scratch::new(&format!("run-{}", arguments.join("-").replace(['/', ':', '.'], "_")));
        let mut command = Command::new(env!("CARGO_BIN_EXE_kpd"));
        command.args(arguments).env("NO_COLOR", "1").current_dir(&scratch.directory);
        let output = command.output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Self { exit: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
    }

    pub(crate) fn all(&self) -> String {
        format!("{}\n{}", self.out, self.err)
    }

    /// Looks that it printed each of these.
    #[track_caller]
    pub(crate) fn shows(&self, parts: &[&str]) {
        for part in parts {
            assert!(self.out.contains(part), "no {part:?} in {}", self.all());
        }
    }

    /// Looks that it said each of these where errors go.
    #[track_caller]
    pub(crate) fn complains(&self, parts: &[&str]) {
        for part in parts {
            assert!(self.err.contains(part), "no {part:?} in {}", self.all());
        }
    }

    /// What it printed, without what differs from run to run.
    pub(crate) fn masked(&self, url: &str) -> String {
        let mut lines = vec![];
        for line in self.out.replace(url, "http://server").lines() {
            let words = line.split(' ').map(|word| {
                let digits = word.chars().all(|c| c.is_ascii_digit() || c == '.') && !word.is_empty();
                if digits && word.contains('.') { "N.N".to_string() } else { word.to_string() }
            });
            lines.push(words.collect::<Vec<_>>().join(" "));
        }
        mask_bytes(&mask_took(&lines.join("\n")))
    }
}

/// Milliseconds of a vector.
fn mask_took(text: &str) -> String {
    let mut masked = String::new();
    for line in text.lines() {
        match line.find(" ms") {
            Some(end) if line.starts_with("FAIL ") || line.starts_with("PASS ") => {
                let start = line[..end].trim_end_matches(|c: char| c.is_ascii_digit()).trim_end().len();
                masked.push_str(&format!("{} N ms{}", &line[..start], &line[end + 3..]));
            }
            _ => masked.push_str(line),
        }
        masked.push('\n');
    }
    masked
}

/// Long runs of base64, which hold times, signatures and keys.
fn mask_bytes(text: &str) -> String {
    let mut masked = String::new();
    let mut run = String::new();
    for c in text.chars().chain(std::iter::once('\n')) {
        if c.is_ascii_alphanumeric() || "+/=_-".contains(c) {
            run.push(c);
        } else {
            masked.push_str(if run.len() >= 40 { "BYTES" } else { &run });
            run.clear();
            masked.push(c);
        }
    }
    masked
}

/// Whether a program is there that a test needs. In CI, which installs all of them, one that is missing is a failure.
pub(crate) fn have(program: &str, why: &str) -> bool {
    let there = Command::new(program).arg("--version").output().is_ok();
    if !there {
        skip(&format!("{program} is not installed: {why}"));
    }
    there
}

/// Says why a test looks at nothing; in CI it fails.
pub(crate) fn skip(why: &str) {
    assert!(std::env::var_os("CI").is_none(), "in CI this must run: {why}");
    eprintln!("skipped: {why}");
}

/// A server that `kpd serve` runs for one test.
pub(crate) struct Serving {
    child: Child,
    url: String,
}

impl Serving {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kpd"));
        command.args(["serve", "--address", "127.0.0.1:0", "--operator-token", "operator"]).args(arguments);
        // What a test asks for counts before this.
        command.env("KPD_LOG_FORMAT", "off");
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut first = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut first).unwrap();
        let url = first.trim().trim_start_matches("listening on ").to_string();
        assert!(url.starts_with("http://127.0.0.1:"), "{first}");
        Self { child, url }
    }

    pub(crate) fn url(&self) -> String {
        self.url.clone()
    }

    /// Judges this server.
    pub(crate) fn run(&self, arguments: &[&str]) -> Kpd {
        let mut all = vec!["run", "--target", &self.url];
        if !arguments.contains(&"--var") {
            all.extend(["--var", "operator_token=operator"]);
        }
        all.extend(arguments);
        Kpd::run(&all)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A directory of one test.
pub(crate) struct Scratch {
    directory: PathBuf,
}

impl Scratch {
    pub(crate) fn new(name: &str) -> Self {
        let name: String = name.chars().take(80).collect();
        let thread = format!("{:?}", std::thread::current().id()).replace(['(', ')'], "");
        let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{thread}"));
        let _ = fs::remove_dir_all(&directory);
        fs::create_dir_all(&directory).unwrap();
        Self { directory }
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.directory.join(name).display().to_string()
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.directory.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.directory.join(name)).unwrap()
    }
}
