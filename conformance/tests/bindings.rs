//! The bindings of this repository beside the reference's: each without a mistake, and the example of an adapter at work.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where something is not as it should be")]

#[allow(dead_code, reason = "other tests use the rest of it")]
mod support;

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use kpd_conformance::{
    binding::Hook,
    doctor::{self, Mark},
    judge,
    library::{self, Library},
    run::Server,
    vector::Capability,
};
use support::{Kpd, Scratch, Serving, have};

fn bindings() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("bindings")
}

/// All of them, by file.
fn all() -> Vec<PathBuf> {
    let entries = fs::read_dir(bindings()).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries.filter(|path| path.extension().is_some_and(|ending| ending == "yaml")).collect();
    files.push(bindings().join("adapter-example/binding.yaml"));
    files.sort();
    files
}

#[test]
fn all_that_a_server_can_lack_is_in_the_table() {
    let table = fs::read_to_string(bindings().join("README.md")).unwrap();
    let schema = fs::read_to_string(bindings().join("../../vectors/schema/vector.schema.json")).unwrap();
    let schema: serde_json::Value = serde_json::from_str(&schema).unwrap();
    let words: Vec<_> = schema["$defs"]["Capability"]["oneOf"]
        .as_array()
        .unwrap()
        .iter()
        .map(|word| word["const"].as_str().unwrap())
        .collect();
    assert!(words.len() >= 20, "{words:?}");
    for word in words {
        assert!(table.contains(&format!("`{word}`")), "`{word}` is not in bindings/README.md");
    }
}

#[test]
fn a_target_or_a_variable_that_cannot_be_meant_is_told_before_anything_is_asked() {
    let told = |arguments: &[&str], says: &str| {
        let ended = Kpd::run(&[&["run", "claim/once"], arguments].concat());
        assert_eq!(ended.exit, 3, "{}", ended.all());
        assert!(ended.err.contains(says), "{}", ended.all());
    };
    told(&["--target", "127.0.0.1:21080"], "--target 127.0.0.1:21080: it begins with http:// or https://");
    told(&["--target", "http://127.0.0.1:1", "--var", "operater_token=x"], "did you mean `operator_token`?");
    told(
        &["--target", "http://127.0.0.1:1", "--var", "colour=x"],
        "the binding has no such variable: one of operator_token",
    );
}

/// What stands in the environment for a binding is no setting of the reference server that is started beside it.
#[test]
fn variables_of_bindings_do_not_reach_the_reference_server() {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_kpd"));
    let scratch = Scratch::new("environment");
    command.args(["run", "crash/claim-survives-kill", "--report", &scratch.path("report")]);
    let ended = command.env("KPD_ADMIN_TOKEN", "x").output().unwrap();
    let out = String::from_utf8(ended.stdout).unwrap();
    assert!(ended.status.success() && out.contains("PASS  crash/claim-survives-kill"), "{out}");
}

#[test]
fn of_a_user_that_does_not_exist_there_is_no_client_to_ask() {
    let scratch = Scratch::new("each-client");
    let binding = include_str!("../bindings/reference.yaml");
    let each = binding.replacen("  claim:\n    - request:\n", "  claim:\n    - for_each: clients\n      request:\n", 1);
    assert_ne!(each, binding);
    scratch.write("each.yaml", &each);
    let server = Serving::start(&[]);
    let ended = server.run(&["claim/unknown-user", "--binding", &scratch.path("each.yaml")]);
    assert_eq!(ended.exit, 5, "{}", ended.all());
    assert!(ended.out.contains("of one that does not exist there is none to ask"), "{}", ended.out);
}

/// The server leaves out the client that asks, and so does the suite.
#[test]
fn whoever_asks_is_not_among_the_others_that_an_answer_leaves_out() {
    let scratch = Scratch::new("others");
    let binding = include_str!("../bindings/reference.yaml");
    let others = binding.replacen(
        "            each: /clients\n",
        "            each: /clients\n            others: exhausted\n",
        1,
    );
    assert_ne!(others, binding);
    scratch.write("others.yaml", &others);
    let ended = Serving::start(&[]).run(&["claim/not-self", "--binding", &scratch.path("others.yaml")]);
    assert!(ended.exit == 0 && ended.out.contains("PASS  claim/not-self"), "{}", ended.all());
}

#[test]
fn what_a_server_lacks_leaves_out_blocks_too() {
    let library = Library::embedded().unwrap();
    let skipped = |id: &str, absent: Option<Capability>| {
        let mut binding = library::reference_binding().unwrap();
        binding.absent.extend(absent.map(|absent| (absent, "by design".to_string())));
        let vector = library.vectors.iter().find(|vector| vector.id == id).unwrap();
        judge::skipped(vector, &binding, &library.catalogue)
    };
    for (id, absent) in [
        ("blocks/requester", Capability::UnknownUser),
        ("claim/uniform-blocked-requester", Capability::UnknownUser),
        ("blocks/only-the-owner", Capability::NameOwner),
    ] {
        assert_eq!(skipped(id, None), None, "{id}");
        assert!(skipped(id, Some(absent)).is_some_and(|why| why.ends_with("by design")), "{id}");
    }
}

#[test]
fn each_has_no_mistakes_and_declares_what_it_lacks() {
    let files = all();
    assert!(files.len() >= 4, "{files:?}");
    for path in files {
        let binding = library::binding(&path).unwrap_or_else(|error| panic!("{}: {error:?}", path.display()));
        let wrong = doctor::declarations(&binding).into_iter().filter(|finding| finding.mark == Mark::Wrong);
        let wrong: Vec<_> = wrong.flat_map(|finding| finding.messages).map(|message| message.what).collect();
        assert_eq!(wrong, [] as [&str; 0], "{}", path.display());
    }
}

#[test]
fn each_keeps_the_schema() {
    let schema = serde_json::from_str(&Kpd::run(&["schema", "binding"]).out).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for path in all() {
        let value: serde_yaml::Value = serde_yaml::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        let value = kpd_conformance::yaml::to_json(&value).unwrap();
        let errors: Vec<_> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{}: {errors:?}", path.display());
    }
}

#[test]
fn what_was_not_tried_says_so() {
    for name in ["wire-mls", "signal"] {
        let text = fs::read_to_string(bindings().join(format!("{name}.yaml"))).unwrap();
        assert!(text.lines().take(5).any(|line| line.contains("NOT TRIED AGAINST A REAL SERVER")), "{name}");
    }
}

/// What an API cannot do by design is no failure of whoever keeps to it.
#[test]
fn what_an_api_cannot_do_by_design_is_left_out_with_its_reason() {
    let library = Library::embedded().unwrap();
    let skipped = |binding: &str, id: &str| {
        let binding = library::binding(&bindings().join(binding)).unwrap();
        let vector = library.vectors.iter().find(|vector| vector.id == id).unwrap_or_else(|| panic!("no {id}"));
        judge::skipped(vector, &binding, &library.catalogue).unwrap_or_default()
    };
    let (twice, once) = ("publish/again-while-available", "claim/bytes");
    assert!(skipped("signal.yaml", twice).contains("takes the place"), "{}", skipped("signal.yaml", twice));
    assert!(!skipped("signal.yaml", once).contains("takes the place"), "{}", skipped("signal.yaml", once));
    assert!(!skipped("matrix.yaml", twice).contains("takes the place"), "{}", skipped("matrix.yaml", twice));
}

/// A homeserver of somebody else's has no hooks, unless who runs the suite gives them.
#[tokio::test]
async fn hooks_whose_variables_nobody_gave_are_not_there() {
    for (control, has) in [(None, false), (Some("../strangers/synapse.sh"), true)] {
        let binding = library::binding(&bindings().join("matrix.yaml")).unwrap();
        let variables = control.map(|control| ("control".into(), control.into())).into_iter().collect();
        let mut server = Server::new(binding, vec!["http://127.0.0.1:9".into()], variables, Duration::from_secs(1));
        server.begin().unwrap();
        let can = server.hooks.as_ref().is_some_and(|hooks| hooks.has(Hook::Kill) && hooks.has(Hook::Restore));
        assert_eq!(can, has, "{control:?}");
    }
}

#[test]
fn the_example_of_an_adapter_is_bound_and_passes() {
    if !have("python3", "the adapter is written in Python") {
        return;
    }
    let path = bindings().join("adapter-example/binding.yaml");
    let target = ["--target", "http://localhost", "--binding", path.to_str().unwrap(), "--seed", "7"];
    let doctor = Kpd::run(&[&["doctor"], &target[..]].concat());
    assert_eq!(doctor.exit, 0, "{}", doctor.all());
    doctor.shows(&["ok      add_client ", "came back as it was published, 32 of them", "read  refused: unknown_user"]);
    let run = Kpd::run(&[&["run", "--rounds", "3"], &target[..]].concat());
    assert!(matches!(run.exit, 0 | 2), "{}", run.all());
    assert!(!run.out.contains("FAIL") && run.out.contains("PASS  last-resort/only-when-exhausted"), "{}", run.out);
}

#[test]
fn an_adapter_that_answers_with_what_is_no_answer_is_told_so() {
    if !have("python3", "the adapter is written in Python") {
        return;
    }
    let read = |name: &str| fs::read_to_string(bindings().join("adapter-example").join(name)).unwrap();
    let scratch = Scratch::new("adapter");
    scratch.write("binding.yaml", &read("binding.yaml"));
    let broken = [
        ("\"kind\": \"regular\"", "\"kind\": \"fresh\"", "`claim.ok.kind` is `fresh`, which is no kind", 3),
        ("{\"client\": name, \"kind\": \"exh", "{\"kind\": \"exh", "names no client, or no kind", 3),
        ("raise Refused(\"unknown_user\")", "raise Refused(\"nobody\")", "a reason that there is not: nobody", 3),
        ("return [{\"regular\": len", "return [{\"regulars\": len", "regular is nothing, where 2 is right", 1),
    ];
    for (from, to, says, exit) in broken {
        let code = read("adapter.py");
        assert!(code.contains(from), "{from}");
        scratch.write("adapter.py", &code.replace(from, to));
        let binding = scratch.path("binding.yaml");
        let ended = Kpd::run(&["doctor", "--target", "http://localhost", "--binding", &binding, "--seed", "7"]);
        assert_eq!(ended.exit, exit, "{from}: {}", ended.all());
        assert!(ended.out.contains(says), "no {says:?} in {}", ended.out);
    }
}
