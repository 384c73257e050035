//! Settings: where they come from, what is wrong with them, and that the README tells of all of them.

use std::{fs, path::Path};

use kpd_server::{
    config::{self, SETTINGS, Settings},
    metrics,
};

use crate::support::scratch;

fn load(file: Option<&str>, environment: &[(&str, &str)], flags: &[(&'static str, &str)]) -> Result<Settings, String> {
    let directory = scratch("settings");
    let path = directory.join("kpd.toml");
    let path = file.map(|text| {
        fs::write(&path, text).unwrap();
        path.as_path()
    });
    let environment = environment.iter().map(|(name, value)| ((*name).into(), (*value).into()));
    let flags = flags.iter().map(|(name, value)| (*name, (*value).into()));
    let loaded = Settings::load(path, environment, flags);
    loaded.map_err(|error| error.to_string().replace(&format!("{}/", directory.display()), ""))
}

#[test]
fn a_flag_counts_before_the_environment_and_that_before_the_file() {
    let file = "pair_limit = \"1/10\"\nlow_water = 1\nstock_max = 11\n";
    let environment = [("KPD_PAIR_LIMIT", "2/20"), ("KPD_LOW_WATER", "2"), ("HOME", "/somewhere")];
    let settings = load(Some(file), &environment, &[("pair_limit", "none")]).unwrap();
    let printed = settings.print();
    for line in [
        "pair_limit = \"none\"  # flag",
        "low_water = 2  # environment",
        "stock_max = 11  # file",
        "batch_max = 100  # default",
    ] {
        assert!(printed.lines().any(|printed| printed == line), "no {line:?} in {printed}");
    }
    let config = settings.finish("token".into()).unwrap();
    assert_eq!(config.policy.limits.pair, None);
    assert_eq!((config.policy.low_water, config.policy.stock_max, config.policy.batch_max), (2, 11, 100));
    assert_eq!(config.operator_token, "token");
}

#[test]
fn a_mistake_in_the_file_has_its_line_and_a_hint() {
    let cases = [
        ("\npair_limt = \"1/2\"", "kpd.toml:2:1: there is no setting `pair_limt`", "did you mean `pair_limit`?"),
        ("entirely_else = 1", "kpd.toml:1:1: there is no setting `entirely_else`", "--print-config"),
        ("low_water = \"20\"", "kpd.toml:1:13: `low_water` is a string", "a number without quotes"),
        ("address = 8080", "kpd.toml:1:11: `address` is an integer", "a string in quotes: an address and a port"),
        ("low_water = -1", "kpd.toml:1:13: \"-1\" is no `low_water`", "a whole number from 0 to"),
        ("header_bytes_max = 10", "kpd.toml:1:20: \"10\" is no `header_bytes_max`", "from 8192 to"),
        ("address = \"localhost\"", "kpd.toml:1:11: \"localhost\" is no `address`", "such as 127.0.0.1:8080"),
        ("store = \"cloud\"", "kpd.toml:1:9: \"cloud\" is no `store`", "`memory`"),
        ("[limits]\npair = 1", "kpd.toml:1:", "there is no setting"),
        ("low_water = ", "kpd.toml:1:", "one `name = value` a line"),
        ("low_water = 1\nlow_water = 2", "kpd.toml:2:1", "duplicate key"),
    ];
    for (text, place, hint) in cases {
        let error = load(Some(text), &[], &[]).unwrap_err();
        assert!(error.contains(place) && error.contains(hint), "{text:?}: {error}");
    }
    let missing = Settings::load(Some(Path::new("/nowhere/kpd.toml")), [], []).unwrap_err().to_string();
    assert!(missing.contains("/nowhere/kpd.toml: it cannot be read"), "{missing}");
}

#[test]
fn a_mistake_elsewhere_names_its_variable_or_flag() {
    let error = load(None, &[("KPD_ORIGN", "https://example.org")], &[]).unwrap_err();
    assert!(error.contains("there is no setting `KPD_ORIGN`") && error.contains("`KPD_ORIGIN`"), "{error}");
    let error = load(None, &[("KPD_LOG_LEVEL", "loud")], &[]).unwrap_err();
    assert!(error.contains("KPD_LOG_LEVEL: \"loud\"") && error.contains("`error`, `warn`"), "{error}");
    let error = load(None, &[], &[("pair_limit", "0/3")]).unwrap_err();
    assert!(error.contains("--pair-limit: \"0/3\""), "{error}");
    let error = load(None, &[("KPD_OPERATOR_TOKEN", "two words")], &[]).unwrap_err();
    assert!(error.contains("KPD_OPERATOR_TOKEN") && !error.contains("two words"), "it shows the secret: {error}");
}

#[test]
fn what_is_printed_can_be_read_again_and_shows_no_secret() {
    let environment = [("KPD_OPERATOR_TOKEN", "s3cret"), ("KPD_ORIGIN", "https://example.org")];
    let printed = load(None, &environment, &[("tls_key", "key \"x\".pem")]).unwrap().print();
    assert!(!printed.contains("s3cret") && printed.contains("# operator_token is set, and not shown"), "{printed}");
    let again = load(Some(&printed), &[], &[]).unwrap().print();
    let values = |text: &str| -> Vec<String> {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        lines.map(|line| line.split("  #").next().unwrap().to_string()).collect()
    };
    assert_eq!(values(&printed), values(&again));
    assert!(again.contains("origin = \"https://example.org\"  # file"), "{again}");
}

#[test]
fn the_operators_token_may_be_in_a_file_and_the_stronger_source_counts() {
    let file = scratch("token").join("token");
    fs::write(&file, "from-a-file\n").unwrap();
    let path = file.display().to_string();
    let token = |settings: Settings| settings.finish("random".into()).map(|config| config.operator_token);
    let of_file = load(None, &[("KPD_OPERATOR_TOKEN_FILE", &path)], &[]).unwrap();
    assert!(of_file.has_token());
    assert_eq!(token(of_file).unwrap(), "from-a-file");
    let stronger = load(None, &[("KPD_OPERATOR_TOKEN_FILE", &path)], &[("operator_token", "of-a-flag")]).unwrap();
    assert_eq!(token(stronger).unwrap(), "of-a-flag");
    let both = [("KPD_OPERATOR_TOKEN_FILE", path.as_str()), ("KPD_OPERATOR_TOKEN", "too")];
    let error = token(load(None, &both, &[]).unwrap()).unwrap_err().to_string();
    assert!(error.contains("set one of them"), "{error}");
    fs::write(&file, " \n").unwrap();
    let error = token(load(None, &[("KPD_OPERATOR_TOKEN_FILE", &path)], &[]).unwrap()).unwrap_err().to_string();
    assert!(error.contains("what it holds is no token"), "{error}");
    let missing = load(None, &[], &[("operator_token_file", "/nowhere/token")]).unwrap();
    assert!(token(missing).unwrap_err().to_string().contains("/nowhere/token: it cannot be read"));
}

#[test]
fn a_certificate_without_its_key_is_no_tls() {
    for (one, other) in [("tls_certificate", "tls_key"), ("tls_key", "tls_certificate")] {
        let error = load(None, &[], &[(one, "a.pem")]).unwrap().finish(String::new()).unwrap_err().to_string();
        assert!(error.contains(&format!("there is no `{other}` with it")), "{error}");
    }
}

#[test]
fn the_readme_tells_of_every_setting_and_every_metric_with_its_default() {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md")).unwrap();
    for table in [config::table(), metrics::table()] {
        assert!(readme.contains(&table), "README.md should hold this table:\n{table}");
    }
    let names: std::collections::BTreeSet<_> = SETTINGS.iter().map(|setting| setting.name).collect();
    assert_eq!(names.len(), SETTINGS.len(), "two settings have one name");
}
