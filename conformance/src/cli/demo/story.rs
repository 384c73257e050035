//! The story itself: eleven scenes, and what each of them has to lead to.

use data_encoding::BASE64;
use serde_json::{Value, json};

use super::{
    actor::Actor,
    stage::{By, Stage},
};
use crate::seed::Seed;

/// Tells it; an error says where the directory did not do what it should.
pub(super) async fn tell(stage: &mut Stage, seed: Seed) -> Result<(), String> {
    let mut bob = Actor::new("bob", "phone", seed);
    let mut alice = Actor::new("alice", "laptop", seed);
    let mut carol = Actor::new("carol", "desktop", seed);

    stage.scene("Bob, Alice and Carol register, each with one device", "KEY-PROOF")?;
    for actor in [&mut bob, &mut alice, &mut carol] {
        register(stage, actor).await?;
    }

    stage.scene("Bob publishes two KeyPackages and a last resort", "PUB-ATOMIC")?;
    publish(stage, &bob, 2, 1).await?;

    stage.scene("Alice claims one while Bob is offline, and once more after a lost answer", "CLAIM-RETRY")?;
    let granted = claim(stage, &alice, &bob, "accept", Some("first")).await?;
    let again = claim(stage, &alice, &bob, "accept", Some("first")).await?;
    holds(granted == again, "the repetition was answered otherwise")?;

    stage.scene("Alice starts a group with it, and Bob joins", "CLAIM-USABLE")?;
    talk(stage, &alice, &bob, &granted)?;

    stage.scene("Bob reads who got it, and that his stock is low", "NOTE-NAMES-REQUESTER")?;
    let read = read(stage, &bob, 0).await?;
    holds(read.len() == 1, "one grant, and another number of notifications")?;
    holds(read[0]["requester"]["user"] == alice.user.as_str(), "it names somebody else")?;

    stage.scene("So he refills it, and acknowledges what he has read", "NOTE-LOW-WATER")?;
    publish(stage, &bob, 1, 0).await?;
    let path = bob.own("notifications/acknowledgements");
    stage.ask(By::Client(&bob), "POST", path, Some(&json!({ "through": 1 }))).await?.is(204)?;

    stage.scene("Two more claims, each of another KeyPackage; then none is left but the last resort", "CLAIM-ONCE")?;
    let (second, third) =
        (claim(stage, &alice, &bob, "accept", None).await?, claim(stage, &carol, &bob, "accept", None).await?);
    let references = [&granted, &second, &third].map(|it| it["reference"].clone());
    holds(
        references[0] != references[1] && references[1] != references[2] && references[0] != references[2],
        "granted twice",
    )?;
    let refused = claim(stage, &carol, &bob, "refuse", None).await?;
    holds(refused["status"] == "exhausted", "Carol takes no last resort, and got something")?;
    let left = stock(stage, &bob).await?;
    holds(left["regular"] == 0, "the stock is not 0")?;

    stage.scene("The last resort is granted, also twice, and everybody is told what it is", "LAST-TOLD")?;
    for requester in [&alice, &carol] {
        let last = claim(stage, requester, &bob, "accept", None).await?;
        holds(last["status"] == "last_resort", "it is not told that it is the last resort")?;
    }
    let read = self::read(stage, &bob, 3).await?;
    holds(read.iter().map(|it| &it["first_use"]).eq([&json!(true), &json!(false)]), "first use, then another")?;

    stage.scene("Bob replaces the used last resort; the former one is never granted again", "LAST-REPLACED-WHOLE")?;
    let former = stock(stage, &bob).await?["last_resort"].clone();
    holds(former["used"] == true, "it does not count as used")?;
    publish(stage, &bob, 0, 1).await?;
    let last = claim(stage, &carol, &bob, "accept", None).await?;
    holds(last["reference"] != former["reference"], "the former one was granted")?;

    stage.scene("Bob blocks Carol, to whom he now looks like somebody who does not exist", "BLOCK-REQUESTER")?;
    stage
        .ask(By::Client(&bob), "POST", bob.path("blocks"), Some(&json!({ "requester": carol.user })))
        .await?
        .is(204)?;
    let nobody = Actor::new("nobody", "none", seed);
    let mut answers = vec![];
    for target in [&bob, &nobody] {
        let body = json!({ "cipher_suites": [1] });
        answers.push(stage.ask(By::Client(&carol), "POST", target.path("claims"), Some(&body)).await?.is(404)?);
    }
    holds(answers[0] == answers[1], "the two answers differ")?;

    stage.scene("Bob loses the phone: his tablet removes its key, and all it had published is gone", "KEY-CASCADE")?;
    let mut tablet = Actor::new("bob", "tablet", seed);
    let added = stage.ask(By::Client(&bob), "POST", bob.path("keys"), Some(&tablet.addition())).await?.is(201)?;
    tablet.key_id = text(&added["id"])?;
    let key = bob.path(&format!("keys/{}", bob.key_id));
    stage.ask(By::Client(&tablet), "DELETE", key, None).await?.is(204)?;
    let body = json!({ "cipher_suites": [1] });
    let answer = stage.ask(By::Client(&alice), "POST", bob.path("claims"), Some(&body)).await?.is(200)?;
    let only_tablet = json!([{ "client": "tablet", "status": "exhausted" }]);
    holds(answer["clients"] == only_tablet, "something of the phone was granted")?;
    stage.ask(By::Client(&bob), "GET", bob.own("stock"), None).await?.is(401)?;
    stage.aside("The phone's key signs nothing any more, requests included.");
    Ok(())
}

async fn register(stage: &Stage, actor: &mut Actor) -> Result<(), String> {
    let enrolled = stage.ask(By::Operator, "POST", "/v1/users".into(), Some(&json!({ "user": actor.user }))).await?;
    let mut body = actor.addition();
    body["enrolment_token"] = enrolled.is(201)?["enrolment_token"].take();
    let added = stage.ask(By::Anyone, "POST", actor.path("keys"), Some(&body)).await?.is(201)?;
    actor.key_id = text(&added["id"])?;
    Ok(())
}

async fn publish(stage: &Stage, owner: &Actor, regular: usize, last_resorts: usize) -> Result<(), String> {
    let batch = owner.batch(regular, last_resorts)?;
    let published = stage.ask(By::Client(owner), "POST", owner.own("key-packages"), Some(&batch)).await?.is(201)?;
    holds(published["accepted"] == regular + last_resorts, "not all were accepted")
}

/// What the owner's client gave.
async fn claim(stage: &Stage, by: &Actor, of: &Actor, last_resort: &str, key: Option<&str>) -> Result<Value, String> {
    let body = json!({ "cipher_suites": [1], "last_resort": last_resort });
    let answer = stage.ask_once(By::Client(by), "POST", of.path("claims"), Some(&body), key).await?.is(200)?;
    answer["clients"].get(0).cloned().ok_or_else(|| "no client gave anything".into())
}

async fn read(stage: &Stage, owner: &Actor, after: u64) -> Result<Vec<Value>, String> {
    let path = owner.own(&format!("notifications?after={after}"));
    let read = stage.ask(By::Client(owner), "GET", path, None).await?.is(200)?;
    read["notifications"].as_array().cloned().ok_or_else(|| "no list of notifications".into())
}

async fn stock(stage: &Stage, owner: &Actor) -> Result<Value, String> {
    let stock = stage.ask(By::Client(owner), "GET", owner.own("stock"), None).await?.is(200)?;
    stock["suites"].get(0).cloned().ok_or_else(|| "no stock of any suite".into())
}

/// A group of two, and a message each way.
fn talk(stage: &Stage, alice: &Actor, bob: &Actor, granted: &Value) -> Result<(), String> {
    let package = BASE64.decode(text(&granted["key_package"])?.as_bytes()).map_err(|error| error.to_string())?;
    let (mut hers, welcome) = alice.mls.start_group(&package)?;
    stage.aside(&format!(
        "Alice sends Bob a Welcome (RFC 9420 §12.4.3.1), not by way of the directory: {} bytes",
        welcome.len()
    ));
    let mut his = bob.mls.join_group(&welcome)?;
    let message = alice.mls.write_message(&mut hers, "Hello Bob!")?;
    let read = bob.mls.read_message(&mut his, &message)?;
    holds(read == "Hello Bob!", "Bob reads something else")?;
    stage.aside(&format!("Alice writes, in {} encrypted bytes, and Bob reads: {read}", message.len()));
    let message = bob.mls.write_message(&mut his, "Hello Alice!")?;
    let read = alice.mls.read_message(&mut hers, &message)?;
    holds(read == "Hello Alice!", "Alice reads something else")?;
    stage.aside(&format!("Bob writes, in {} encrypted bytes, and Alice reads: {read}", message.len()));
    Ok(())
}

fn text(value: &Value) -> Result<String, String> {
    value.as_str().map(Into::into).ok_or_else(|| format!("{value} where a text should be"))
}

fn holds(is_so: bool, else_why: &str) -> Result<(), String> {
    if is_so { Ok(()) } else { Err(else_why.into()) }
}
