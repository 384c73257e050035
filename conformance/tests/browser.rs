//! The page in a real Chromium, clicks included; where there is none, the test says so and ends.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where something is not as it should be")]

#[allow(dead_code, reason = "each test uses its part of it")]
mod support;

use std::process::Command;

use support::{Scratch, Serving, have};

/// Clicks, and leaves what came of it in the page, which Chromium then prints.
const CLICKS: &str = r#"<script>
const shown = () => document.querySelectorAll('#vectors > details:not(.hidden)').length, log = [];
log.push('all:' + shown());
document.querySelector('#counts input[value=PASS]').click(); log.push('failed:' + shown());
document.querySelector('#counts input[value=PASS]').click();
search.value = 'claim/once'; search.dispatchEvent(new Event('input')); log.push('typed:' + shown());
search.value = ''; search.dispatchEvent(new Event('input'));
document.querySelector('button[data-rule=LAST-ONLY-WHEN-EXHAUSTED]').click(); log.push('rule:' + shown());
rule.value = ''; rule.dispatchEvent(new Event('change'));
const ground = () => getComputedStyle(document.body).backgroundColor;
theme.click(); const light = ground(); theme.click(); log.push('dark:' + (theme.textContent === 'dark' && light !== ground()));
const passed = document.getElementById('claim/once'); passed.querySelector('summary').click(); log.push('opens:' + passed.open);
log.push('drawn:' + document.querySelectorAll('svg.sequence .involved').length);
log.push('wide:' + (document.documentElement.scrollWidth <= innerWidth));
document.title = 'clicked ' + log.join(' ');
</script></body>"#;

#[test]
fn the_page_filters_opens_and_changes_its_colours() {
    if !have("chromium", "apt-get install chromium") {
        return;
    }
    let scratch = Scratch::new("browser");
    let server = Serving::start(&["--mutant", "prefers-last-resort"]);
    let vectors = ["last-resort/only-when-exhausted", "claim/once"];
    let ended = server.run(&[vectors[0], vectors[1], "--seed", "7", "--report", &scratch.path("report")]);
    assert_eq!(ended.exit, 1, "{}", ended.all());
    let page = scratch.read("report/report.html").replace("</body>", CLICKS);
    scratch.write("report/clicked.html", &page);
    for size in ["1200,900", "500,900"] {
        let mut command = Command::new("chromium");
        command.args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]);
        command.args(["--disable-background-networking", "--disable-component-update", "--disable-sync"]);
        command.arg(format!("--user-data-dir={}", scratch.path(&format!("user-{size}"))));
        command.arg(format!("--window-size={size}"));
        let output = command.args(["--dump-dom", &format!("file://{}", scratch.path("report/clicked.html"))]).output();
        let dom = String::from_utf8(output.unwrap().stdout).unwrap();
        let title = dom.split("<title>").nth(1).and_then(|rest| rest.split("</title>").next()).unwrap_or(&dom);
        let expected = "clicked all:2 failed:1 typed:1 rule:1 dark:true opens:true drawn:1 wide:true";
        assert_eq!(title, expected, "at {size}");
    }
}
