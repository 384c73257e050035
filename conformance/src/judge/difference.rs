//! Where an observation and what a step expects of it part.

#[cfg(test)]
mod tests;

use std::time::Duration;

use serde_json::Value;

use crate::{
    recording::{Observed, Recorded},
    translation::answers::word,
    vector::expect::{Expect, Matcher, Mismatch},
};

/// What is not as it should be: a sentence, and what a report shows below it.
pub(super) struct Difference {
    pub(super) sentence: String,
    pub(super) details: Vec<String>,
}

/// The first difference; `None` if all is as expected.
pub(super) fn difference(expect: &Expect, recorded: &Recorded) -> Option<Difference> {
    if recorded.observed == Observed::Lost {
        return None;
    }
    let headers = || expect.headers.iter().find_map(|(name, matcher)| header_difference(name, matcher, recorded));
    let status = || status_difference(expect.status?, recorded);
    let retry_after = || retry_after_difference(expect.retry_after.as_ref()?, recorded);
    let within = || within_difference(expect.within?, recorded);
    let whole = || whole_difference(expect.same_as.as_ref()?, recorded);
    answer_difference(expect, recorded)
        .or_else(status)
        .or_else(retry_after)
        .or_else(headers)
        .or_else(within)
        .or_else(whole)
}

fn plain(sentence: String, expected: &str, observed: &str) -> Difference {
    Difference { sentence, details: vec![format!("expected  {expected}"), format!("observed  {observed}")] }
}

fn status_difference(expected: u16, recorded: &Recorded) -> Option<Difference> {
    let observed = recorded.exchanges.last()?.status;
    let sentence = format!("the status is {observed}, where {expected} is right");
    (observed != expected).then(|| plain(sentence, &expected.to_string(), &observed.to_string()))
}

fn retry_after_difference(matcher: &Matcher, recorded: &Recorded) -> Option<Difference> {
    let told = recorded.told.retry_after.map(Value::from);
    let Mismatch { expected, observed, .. } = matcher.mismatch(told.as_ref(), &recorded.saved)?;
    let sentence = match recorded.told.retry_after {
        Some(seconds) => format!("the refusal says to ask again in {seconds} s, where {expected} is right"),
        None => "the refusal does not say in how many seconds to ask again".into(),
    };
    Some(plain(sentence, &expected, &observed))
}

/// From the last byte of the request to the answer, by the times of the recording.
fn within_difference(seconds: u32, recorded: &Recorded) -> Option<Difference> {
    let took = recorded.answered.saturating_sub(recorded.sent);
    if took <= Duration::from_secs(seconds.into()) {
        return None;
    }
    let took = format!("{:.1} s", took.as_secs_f64());
    let sentence = format!("the answer comes after {took}, where at most {seconds} s are right");
    Some(plain(sentence, &format!("at most {seconds} s"), &took))
}

/// The first place at which two answers part.
fn whole_difference(name: &str, recorded: &Recorded) -> Option<Difference> {
    let saved = recorded.saved.get(name.trim_start_matches('$'));
    let (Some(saved), Some(answer)) = (saved, &recorded.told.answer) else {
        return Some(plain(format!("there is no answer to compare with {name}"), name, "nothing"));
    };
    let (path, expected, observed) = parting(saved, answer)?;
    let place = if path.is_empty() { "the answer".to_string() } else { path.join("/") };
    let sentence = format!("as a whole it is not the answer {name}: {place} is {observed}, where {expected} is right");
    let mut difference = plain(sentence, &expected, &observed);
    difference.details.insert(0, format!("at        {place}"));
    Some(difference)
}

/// Where two values part: the path, what is expected there, what is observed.
fn parting(expected: &Value, observed: &Value) -> Option<(Vec<String>, String, String)> {
    if let (Value::Object(one), Value::Object(other)) = (expected, observed) {
        return one.keys().chain(other.keys()).find_map(|key| {
            let nothing = &Value::Null;
            let (one, other) = (one.get(key).unwrap_or(nothing), other.get(key).unwrap_or(nothing));
            parting(one, other).map(|(path, expected, observed)| {
                (std::iter::once(key.clone()).chain(path).collect(), expected, observed)
            })
        });
    }
    let word = |value: &Value| if value.is_null() { "nothing".to_string() } else { value.to_string() };
    (expected != observed).then(|| (vec![], word(expected), word(observed)))
}

fn header_difference(name: &str, matcher: &Matcher, recorded: &Recorded) -> Option<Difference> {
    let value = recorded.exchanges.last().and_then(|exchange| exchange.response_headers.get(name));
    let value = value.map(|value| Value::from(value.as_str()));
    let Mismatch { expected, observed, .. } = matcher.mismatch(value.as_ref(), &recorded.saved)?;
    let sentence = format!("the header {name} is {observed}, where {expected} is right");
    Some(plain(sentence, &expected, &observed))
}

/// The first difference in what the answer means, whatever its status and bytes.
pub(super) fn answer_difference(expect: &Expect, recorded: &Recorded) -> Option<Difference> {
    let observed = &recorded.observed;
    let unexpected = |expected: String| {
        let sentence = format!("{}, where {expected} is right", in_words(observed));
        Some(plain(sentence, &expected, &in_words(observed)))
    };
    match (expect, observed) {
        (_, Observed::Lost) => None,
        (Expect { anything: true, .. }, Observed::Ok(_) | Observed::Refused(_)) => None,
        (Expect { anything: true, .. }, Observed::Unexpected(_)) => unexpected("any answer".into()),
        (Expect { refused: Some(reasons), .. }, Observed::Refused(reason))
            if reasons.all().iter().any(|expected| reason.serves(*expected)) =>
        {
            None
        }
        (Expect { refused: Some(reasons), .. }, _) => {
            let names: Vec<_> = reasons.all().iter().map(word).collect();
            unexpected(format!("a refusal ({})", names.join(" or ")))
        }
        (Expect { ok: Some(matcher), .. }, Observed::Ok(_)) => {
            let view = recorded.view();
            let mismatch = matcher.mismatch(view.as_ref(), &recorded.saved)?;
            let Mismatch { path, expected, observed } = &mismatch;
            let place = if path.is_empty() { "the answer".to_string() } else { path.join("/") };
            Some(Difference {
                sentence: format!("{place} is {observed}, where {expected} is right"),
                details: vec![
                    format!("at        {place}"),
                    format!("expected  {expected}"),
                    format!("observed  {observed}"),
                    format!("answer    {}", view.unwrap_or_default()),
                ],
            })
        }
        _ => unexpected("success".into()),
    }
}

/// An observation as a sentence has it.
pub(crate) fn in_words(observed: &Observed) -> String {
    match observed {
        Observed::Ok(_) => "it succeeded".into(),
        Observed::Refused(reason) => format!("it was refused ({})", word(reason)),
        Observed::Unexpected(why) => format!("the answer has no meaning: {why}"),
        Observed::Lost => "the answer was lost".into(),
    }
}
