//! The answers that are no problems, word for word.

use serde_json::json;

use crate::{
    problems::snapshot,
    support::{Key, Person, Site},
};

#[tokio::test]
async fn of_policy_and_blocks() {
    let site = Site::start().await;
    let bob = Person::new("acct:bob@example.org", "bob-phone", Key::ed25519(1));
    site.enrol(&bob).await;
    snapshot("answer-policy", &site.get("/v1/policy").send().await);
    let path = format!("/v1/users/{}/blocks", bob.user);
    let block = |body| site.post(path.clone(), &body).by(&bob).send();
    snapshot("answer-block", &block(json!({ "requester": "acct:eve@example.org" })).await);
    block(json!({ "server": "example.net" })).await.is(204);
    snapshot("answer-blocks", &site.get(path.clone()).by(&bob).send().await);
}
