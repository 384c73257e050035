//! The page in a real Chromium, clicks included; where there is none, the test says so and ends.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where something is not as it should be")]

#[allow(dead_code, reason = "each test uses its part of it")]
mod support;
#[allow(dead_code, reason = "each test uses its part of it")]
#[path = "support/told.rs"]
mod told;

use std::{process::Command, sync::Arc};

use kpd_conformance::{
    report::{Report, compare, html, json},
    verdict::Verdict,
};
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
log.push('named:' + theme.getAttribute('aria-label'));
search.value = 'no such'; search.dispatchEvent(new Event('input')); log.push('none:' + shown());
location.hash = '#claim/once'; reveal(); log.push('linked:' + shown() + passed.open);
log.push('drawn:' + document.querySelectorAll('svg.sequence .involved').length);
log.push('wide:' + (document.documentElement.scrollWidth <= innerWidth));
document.title = 'clicked ' + log.join(' ');
</script></body>"#;

/// The title that a page has given itself.
fn title(scratch: &Scratch, page: &str, size: &str) -> String {
    let mut command = Command::new("chromium");
    command.args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]);
    command.args(["--disable-background-networking", "--disable-component-update", "--disable-sync"]);
    command.arg(format!("--user-data-dir={}", scratch.path(&format!("user-{size}"))));
    command.arg(format!("--window-size={size}"));
    let output = command.args(["--dump-dom", &format!("file://{}", scratch.path(page))]).output();
    let dom = String::from_utf8(output.unwrap().stdout).unwrap();
    dom.split("<title>").nth(1).and_then(|rest| rest.split("</title>").next()).unwrap_or(&dom).to_string()
}

/// Looks at a page in a frame as wide as a telephone: a window of Chromium's cannot be so narrow. What it finds is the title.
const FRAME: &str = r#"<!doctype html><title>not loaded</title><iframe width="360" height="900" srcdoc="PAGE"></iframe><script>
const frame = document.querySelector('iframe');
frame.addEventListener('load', () => {
  const page = frame.contentDocument, all = selector => [...page.querySelectorAll(selector)];
  all('details').forEach(one => { one.open = true; });
  const wide = all('body *').filter(one => one.getBoundingClientRect().right > 361 && !one.closest('.scroll, .drawing'));
  document.title = [page.documentElement.scrollWidth <= 360 ? 'fits' : 'scrolls: ' + page.documentElement.scrollWidth,
    wide.map(one => one.tagName + '.' + one.className).slice(0, 5).join(' '), FOUND].join('|');
});
</script>"#;

fn in_frame(scratch: &Scratch, name: &str, page: &str, found: &str) -> String {
    let page = page.replace('&', "&amp;").replace('"', "&quot;");
    scratch.write(name, &FRAME.replace("FOUND", found).replace("PAGE", &page));
    title(scratch, name, "1200,1000")
}

/// A report of a race in which everything is long.
fn with_long<T>(tell: impl FnOnce(&Report<'_>) -> T) -> T {
    let mut failure = told::race();
    let long = "unbreakable".repeat(80);
    failure.says.push_str(&long);
    failure.details = vec![long.clone()];
    for span in &mut failure.timeline {
        span.observed = format!("[{{\"cursor\":\"{long}\"}}]");
        span.says.push_str(&long);
        for exchange in &mut span.exchanges {
            exchange.url.push_str(&long);
            exchange.response_body.clone_from(&span.observed);
        }
    }
    let (mut story, reason) = (failure.clone(), long.clone());
    story.rounds = None;
    let verdicts = [Verdict::Fail(failure), Verdict::Warn(story), Verdict::Skip { reason }];
    told::with_report(&verdicts, |report| {
        let mut judged = report.judged.to_vec();
        for one in &mut judged {
            let vector = Arc::make_mut(&mut one.vector);
            vector.id.push_str("/an-id-that-is-longer-than-any-other-and-than-a-telephone-is-wide");
            vector.title.push_str(&long);
        }
        tell(&Report {
            server: format!("a-server-with-a-name at https://{}.example.org:8443", "key-packages".repeat(5)),
            begun: report.begun.clone(),
            directory: long.clone(),
            judged: &judged,
            ..*report
        })
    })
}

#[test]
fn no_page_scrolls_sideways_on_a_telephone_and_a_race_shows_who_holds_what() {
    if !have("chromium", "apt-get install chromium") {
        return;
    }
    let scratch = Scratch::new("telephone");
    let (page, compared) = with_long(|report| {
        let runs = ["first", "a-second-server-with-a-long-name"].map(|name| (name.to_string(), json::of(report)));
        (html::page(report).unwrap(), compare::of(&runs, report.catalogue).page().unwrap())
    });
    let holders = "all('.timeline[role=group] .involved .what').map(one => one.textContent.slice(0, 7)).join(), \
                   all('details.rest .bar-row').length, all('svg .overlap').length > 0";
    let found = in_frame(&scratch, "report.html", &page, holders);
    assert_eq!(found, "fits||◆ bob c,◆ carol|1|true");
    let found = in_frame(&scratch, "compare.html", &compared, "all('tr.same').length, all('td.cell').length");
    assert_eq!(found, "fits||4|8");
}

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
        let title = title(&scratch, "report/clicked.html", size);
        let expected = "clicked all:2 failed:1 typed:1 rule:1 dark:true opens:true named:colours: dark none:0 linked:2true drawn:1 wide:true";
        assert_eq!(title, expected, "at {size}");
    }
}
