//! Publishing: what is accepted, what is refused, and what is there afterwards.

use data_encoding::BASE64;
use serde_json::json;

use super::Tour;
use crate::support::{
    Key, Recipe,
    package::{batch, reference},
};

impl Tour {
    pub(super) async fn publishing(&mut self) {
        let dave = self.owner("acct:dave@example.org", 10).await;
        let (now, unlisted) = (self.site.now(), Key::ed25519(99));
        let [first, second] = ["first", "second"].map(|seed| self.regular(&dave, seed));
        let answer = self.publish(&dave, &[&first, &second]).await;
        self.tell_status("publish two", &answer);
        let answer = self.publish(&dave, &[&first]).await;
        self.tell("publish one again", answer.body["key_packages"].clone());
        let withdrawal = json!({ "references": [reference(&first)] });
        let withdraw = self.site.post(dave.own("key-packages/withdrawals"), &withdrawal).by(&dave).send().await;
        self.tell("withdraw it", withdraw.body["key_packages"].clone());
        let answer = self.publish(&dave, &[&first]).await;
        self.tell_status("publish what is withdrawn", &answer);
        self.tell_stock("stock after that", &dave).await;

        let make = |seed| dave.package(seed, now);
        let faulty = [
            ("spoilt signature", Recipe { spoilt: true, ..make("spoilt") }),
            ("equal keys", Recipe { equal_keys: true, ..make("equal") }),
            ("unlisted extension", Recipe { extensions: vec![0xff01], ..make("unlisted") }),
            ("foreign identity", Recipe { identity: "acct:eve@example.org", ..make("foreign") }),
            ("unlisted signer", Recipe { key: &unlisted, ..make("unsigned") }),
            ("expired", Recipe { not_after: now - 60, ..make("expired") }),
            ("unbegun", Recipe { not_before: now + 86_400, ..make("unbegun") }),
            ("too long", Recipe { not_after: now + 1_000 * 86_400, ..make("long") }),
            ("a byte too many", Recipe { trailing: &[0], ..make("trailing") }),
            ("another version", Recipe { version: 9, ..make("version") }),
            ("unknown suite", Recipe { suite: 0x0a0a, ..make("suite") }),
            ("unlisted credential", Recipe { credential: 2, ..make("credential") }),
            ("reused init key", Recipe { init_key_of: Some("first"), ..make("reused") }),
            ("init key in the other role", Recipe { init_key_of: Some("first"), ..make("both") }.last_resort()),
        ];
        for (what, recipe) in faulty {
            let bytes = self.make(&recipe);
            let answer = self.publish(&dave, &[&bytes]).await;
            self.tell_status(what, &answer);
        }
        let [good, better] = ["good", "better"].map(|seed| self.regular(&dave, seed));
        let spoilt = Recipe { spoilt: true, ..make("spoilt") }.bytes();
        let answer = self.publish(&dave, &[&good, &spoilt, &better]).await;
        self.tell_status("a faulty one between two good ones", &answer);
        self.tell_stock("stock after all that", &dave).await;

        let contradiction = json!([{ "key_package": BASE64.encode(&better), "role": "last_resort" }]);
        let contradiction = json!({ "key_packages": contradiction });
        let answer = self.site.post(dave.own("key-packages"), &contradiction).by(&dave).send().await;
        self.tell_status("a regular one declared as last resort", &answer);
        let by_eve = self.site.post(dave.own("key-packages"), &batch(&[&better])).by(&self.eve);
        let answer = by_eve.send().await;
        self.tell_status("published by somebody else", &answer);
        let many: Vec<_> = (0..10).map(|number| self.regular(&dave, &format!("many-{number}"))).collect();
        let answer = self.publish(&dave, &many.iter().map(Vec::as_slice).collect::<Vec<_>>()).await;
        self.tell_status("more than fits", &answer);
        let answer = self.publish(&dave, &[better.as_slice(); 101]).await;
        self.tell_status("a hundred and one times the same", &answer);
        self.tell_claim("claim from all that", &dave, json!({})).await;
        let nobody = self.site.post("/v1/users/acct:nobody@example.org/claims", &json!({}));
        let answer = nobody.by(&self.eve).send().await;
        self.tell_status("claim of nobody", &answer);
    }

    pub(super) async fn framing(&mut self) {
        let fred = self.owner("acct:fred@example.org", 11).await;
        let bare = self.regular(&fred, "framed");
        let framed = [&[0, 1, 0, 5], &bare[..]].concat();
        let published = self.publish(&fred, &[&framed]).await;
        let right = published.body["key_packages"][0]["reference"] == reference(&bare);
        self.tell("the reference is that of the bare KeyPackage", right);
        let claimed = self.claim(&fred, &json!({})).send().await;
        let right = claimed.body["clients"][0]["key_package"] == BASE64.encode(&bare);
        self.tell("what is granted is the bare KeyPackage", right);
    }
}
