//! What was acknowledged is there, and what was seen can be explained.

use std::collections::{BTreeMap, BTreeSet};

use kpd_model::{
    history::{Event, Facts, Role, State, Status},
    linearize::Operation,
    monitor::{Verdict, monitor},
    names::{ClaimKey, Client, InitKey, Key, Package, Requester, Suite, User},
    spec::{Op, Outcome, Reason, Spec, WithdrawnFate},
};
use serde_json::{Value, json};

use crate::{
    CLAIMS_MAX, WORKERS,
    load::{Deed, Load, Seen, Worker},
};

/// What the server says at the end, beside what it had acknowledged.
pub(crate) async fn kept(worker: &Worker) -> Vec<String> {
    let Worker { load, person, place, .. } = worker;
    let mut violations = worker.wrong.clone();
    let look = async |path: String| match load.way.send("GET", &path, None, Some(person), None).await {
        Some((200, body)) => body,
        other => json!({ "instead": format!("{other:?}") }),
    };
    let texts = |body: &Value, list: &str, name: &str| -> BTreeSet<String> {
        let items = body[list].as_array().into_iter().flatten();
        items.filter_map(|item| item[name].as_str()).map(Into::into).collect()
    };
    let inventory = look(person.own("key-packages")).await;
    let states: BTreeMap<_, _> = inventory["key_packages"]
        .as_array()
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .into_iter()
        .map(|item| (item["reference"].as_str().unwrap_or_default(), item["state"].as_str().unwrap_or_default()))
        .collect();
    let granted: BTreeSet<&str> = worker.told.values().map(|(reference, _)| reference.as_str()).collect();
    for reference in &worker.published {
        let expected = match (granted.contains(reference.as_str()), worker.withdrawn.contains(reference)) {
            (true, false) => "granted",
            (false, true) => "withdrawn",
            (false, false) => "available",
            (true, true) => "one of the two",
        };
        let state = states.get(reference.as_str()).copied();
        if state != Some(expected) {
            violations.push(format!("LIFE-RESTART: packages: {reference} of {place} is {state:?}, and was {expected}"));
        }
    }
    let keys = texts(&look(person.keys()).await, "keys", "id");
    let lost = worker.listed.iter().filter(|other| !keys.contains(&other.key_id));
    let back = worker.removed.iter().filter(|other| keys.contains(&other.key_id));
    violations.extend(lost.map(|other| format!("LIFE-RESTART: keys: {other:?} was added, and is gone")));
    violations.extend(back.map(|other| format!("LIFE-RESTART: keys: {other:?} was removed, and is back")));
    let blocks = texts(&look(format!("/v1/users/{}/blocks", person.user)).await, "blocks", "requester");
    let lifted = worker.blocked.iter().filter(|who| !blocks.contains(*who));
    violations.extend(lifted.map(|who| format!("LIFE-RESTART: blocks: {who} was blocked by {place}, and is not")));
    if worker.blocked.contains(&worker.eve.user) {
        let path = format!("/v1/users/{}/claims", person.user);
        let answer = load.way.send("POST", &path, Some(json!({})), Some(&worker.eve), None).await;
        if answer.as_ref().is_none_or(|(status, _)| *status != 404) {
            violations.push(format!("LIFE-RESTART: blocks: {:?} was answered {answer:?}", worker.eve));
        }
    }
    violations
}

/// All that clients saw, together.
pub(crate) fn seen(load: &Load, workers: &[Worker]) -> Vec<String> {
    let seen = load.seen.lock().unwrap();
    let mut violations = vec![];
    let mut published: BTreeMap<&str, (usize, &[u8])> = BTreeMap::new();
    for Seen { owner, deed, .. } in seen.iter() {
        if let Deed::Publish(packages) = deed {
            published
                .extend(packages.iter().map(|(reference, bytes)| (reference.as_str(), (*owner, bytes.as_slice()))));
        }
    }
    let mut answers: BTreeMap<&str, &Value> = BTreeMap::new();
    let mut takers: BTreeMap<String, &str> = BTreeMap::new();
    let mut counted: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut granted: Vec<BTreeSet<(String, String)>> = vec![BTreeSet::new(); WORKERS];
    for claim in seen.iter() {
        let (Deed::Claim { of, by, key }, Some((status, body))) = (&claim.deed, &claim.answer) else { continue };
        if answers.insert(key, body).is_some_and(|before| before != body) {
            violations.push(format!("CLAIM-RETRY: {key} was answered otherwise before: {status} {body}"));
        }
        if *status == 200 {
            counted.entry(&by.user).or_default().insert(key);
        }
        for (reference, bytes) in claim.granted() {
            if published.get(reference.as_str()) != Some(&(*of, bytes.as_slice())) {
                violations.push(format!("CLAIM-BYTES: {reference} is not what {of} published"));
            }
            if takers.insert(reference.clone(), key).is_some_and(|taker| taker != key) {
                violations.push(format!("CLAIM-ONCE: {reference} was granted twice, to {key} at last"));
            }
            granted[*of].insert((reference, by.user.clone()));
        }
    }
    for (requester, keys) in counted {
        if keys.len() > CLAIMS_MAX {
            violations.push(format!("RATE-DURABLE: {requester} was answered {} claims", keys.len()));
        }
    }
    for worker in workers {
        let told: BTreeSet<_> = worker.told.values().cloned().collect();
        let (granted, place) = (&granted[worker.place], worker.place);
        let untold: Vec<_> = granted.difference(&told).collect();
        let unknown: Vec<_> = told.difference(granted).collect();
        if !untold.is_empty() || !unknown.is_empty() || told.len() != worker.told.len() {
            violations.push(format!("NOTE-EVERY-GRANT: {place} was not told of {untold:?}, but of {unknown:?}"));
        }
        let newest = worker.told.keys().next_back().copied().unwrap_or_default();
        if newest != worker.told.len() as u64 {
            violations.push(format!("NOTE-EVERY-GRANT: {place} was told {} of {newest}", worker.told.len()));
        }
        violations.extend(explained(&seen, place).err());
    }
    violations
}

/// Whether the model could have answered all that was asked of one owner's phone, where lost answers may have been any.
fn explained(seen: &[Seen], place: usize) -> Result<(), String> {
    let mut packages: BTreeMap<String, u32> = BTreeMap::new();
    let mut number = |reference: &str| {
        let next = u32::try_from(packages.len()).unwrap();
        Package(*packages.entry(reference.into()).or_insert(next))
    };
    let (mut requesters, mut keys) = (BTreeMap::<String, u32>::new(), BTreeMap::<String, u32>::new());
    let mut history = vec![];
    for Seen { owner, deed, begun, ended, answer } in seen {
        let asked = match deed {
            Deed::Publish(items) if *owner == place => {
                let facts = items.iter().map(|(reference, _)| facts(number(reference))).collect();
                let outcome = answer.as_ref().map(|(status, body)| match status {
                    201 => Some(Outcome::Done),
                    _ if body["items"][0]["type"] == "/problems/already-used" => {
                        Some(Outcome::Refused(Reason::AlreadyUsed))
                    }
                    _ => None,
                });
                Some((Op::Publish { client: PHONE, packages: facts }, outcome))
            }
            Deed::Withdraw(reference) if *owner == place => {
                let package = number(reference);
                let outcome = answer.as_ref().map(|(_, body)| {
                    let fate = match body["key_packages"][0]["state"].as_str() {
                        Some("withdrawn") => WithdrawnFate::Withdrawn,
                        Some("already_granted") => WithdrawnFate::AlreadyGranted,
                        Some("unknown") => WithdrawnFate::Unknown,
                        _ => return None,
                    };
                    Some(Outcome::Withdrawn(BTreeMap::from([(package, fate)])))
                });
                Some((Op::Withdraw { client: PHONE, packages: vec![package] }, outcome))
            }
            Deed::Claim { of, by, key } if *of == place => {
                let (asking, keyed) = (requesters.len(), keys.len());
                let requester = *requesters.entry(by.user.clone()).or_insert(u32::try_from(asking + 1).unwrap());
                let key = *keys.entry(key.clone()).or_insert(u32::try_from(keyed).unwrap());
                let claim = kpd_model::history::Claim {
                    requester: Requester(requester),
                    requester_client: None,
                    user: OWNER,
                    suites: BTreeSet::new(),
                    requires: [].into(),
                    last_resort_accepted: true,
                    key: Some(ClaimKey(key)),
                };
                let outcome = answer.as_ref().map(|(status, body)| {
                    let clients = (*status == 200).then(|| body["clients"].as_array())??;
                    let phone = clients.iter().find(|given| given["client"] == "phone")?;
                    let status = match phone["status"].as_str()? {
                        "regular" => Status::Regular(number(phone["reference"].as_str()?)),
                        _ => Status::Exhausted,
                    };
                    Some(Outcome::Claimed(BTreeMap::from([(PHONE, status)])))
                });
                Some((Op::Claim(claim), outcome))
            }
            _ => None,
        };
        // What was refused otherwise did nothing: limits are judged by counting.
        let (op, outcome) = match asked {
            None | Some((_, Some(None))) => continue,
            Some((op, outcome)) => (op, outcome.flatten()),
        };
        let returned = outcome.is_some().then_some(*ended);
        history.push(Operation { op, outcome, invoked: *begun, returned });
    }
    let added = Event::KeyAdded { user: OWNER, client: PHONE, key: KEY, expires: None };
    match monitor(&Spec::default(), &State::of([added]), &history) {
        Verdict::Illegal { rule, says, witness } => {
            let witness: Vec<_> = witness.iter().filter_map(|place| history.get(*place)).collect();
            Err(format!("{rule}: {says}: {witness:#?}"))
        }
        Verdict::NotCovered { why } => Err(format!("nobody knows whether owner {place} saw what it should: {why}")),
        Verdict::Legal => Ok(()),
    }
}

const OWNER: User = User(0);
const PHONE: Client = Client(0);
const KEY: Key = Key(0);

/// All of one suite and one signer, and valid for longer than any test.
fn facts(package: Package) -> Facts {
    let init_key = InitKey(package.0);
    Facts {
        package,
        client: PHONE,
        suite: Suite(1),
        offers: [].into(),
        role: Role::Regular,
        init_key,
        signer: KEY,
        not_before: 0,
        not_after: u64::MAX,
    }
}
