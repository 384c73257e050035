//! Limits and blocks: few claims are enough to reach these.

use std::time::{Duration, Instant};

use kpd_directory::{
    Policy,
    policy::{Limit, Limits, Selection},
};
use kpd_server::Mutant;
use reqwest::Method;
use serde_json::json;

use super::Tour;
use crate::support::{Answer, Call, Person};

const PAIR_SECONDS: u64 = 5;

/// `None` if it was too slow.
pub(super) async fn walk_limited(mutant: Option<Mutant>) -> Option<Vec<String>> {
    let requester = Some(Limit { claims: 6, seconds: 3_600 });
    let limits = Limits { requester, pair: Some(Limit { claims: 2, seconds: PAIR_SECONDS }), ..Limits::NONE };
    let policy = Policy { selection: Selection::Fifo, limits, ..Policy::default() };
    let mut tour = Tour::on(policy, mutant).await;
    let declared = tour.site.get("/v1/policy").send().await.is(200);
    tour.tell("declared limits", declared["limits"].clone());
    let mut in_time = tour.pairs().await;
    tour.requesters().await;
    let begun = Instant::now();
    tour.blocks().await;
    in_time &= begun.elapsed() < Duration::from_secs(PAIR_SECONDS);
    crate::document::says_all_of(&tour.site).await;
    tour.site.stop().await;
    in_time.then_some(tour.lines)
}

impl Tour {
    /// Whether all that a limit refuses came before its end.
    async fn pairs(&mut self) -> bool {
        let lou = self.owner("acct:lou@example.org", 50).await;
        let packages: Vec<_> = (0..6).map(|number| self.regular(&lou, &format!("lou-{number}"))).collect();
        self.publish(&lou, &packages.iter().map(Vec::as_slice).collect::<Vec<_>>()).await;
        let body = json!({});
        let (first, second) = (self.claim(&lou, &body).send().await, self.claim(&lou, &body).send().await);
        self.tell_claimed("claim", &first);
        self.tell_claimed("claim again", &second);
        let refused = self.claim(&lou, &body).header("idempotency-key", "k").send().await;
        self.tell_status("claim a third time", &refused);
        let seconds = refused.header("retry-after").parse::<u64>().ok();
        self.tell("to be retried in time", seconds.is_some_and(|it| (1..=PAIR_SECONDS).contains(&it)));
        let by_eve = self.claim_by(&self.eve, &lou).await;
        self.tell_claimed("somebody else claims", &by_eve);
        let in_time = self.is_within(PAIR_SECONDS);
        self.tell_stock("stock after the refusal", &lou).await;
        tokio::time::sleep(Duration::from_secs(PAIR_SECONDS)).await;
        self.tell_claim("claim when the time is over", &lou, json!({})).await;
        let late = self.claim(&lou, &body).header("idempotency-key", "k").send().await;
        self.tell_status("the refused claim again", &late);
        in_time
    }

    async fn requesters(&mut self) {
        let mae = self.owner("acct:mae@example.org", 51).await;
        let nobody = Person::new("acct:nobody@example.org", "phone", crate::support::Key::ed25519(52));
        let mut statuses = vec![];
        for of in [&mae, &mae, &nobody, &nobody, &nobody, &mae, &nobody] {
            statuses.push(self.claim_by(&self.eve, of).await.status);
        }
        self.tell("claims of one requester from many", json!(statuses));
    }

    async fn blocks(&mut self) {
        let ned = self.owner("acct:ned@example.org", 53).await;
        let fay = self.owner("acct:fay@example.org", 54).await;
        let packages = ["ned-0", "ned-1", "ned-2"].map(|seed| self.regular(&ned, seed));
        self.publish(&ned, &packages.each_ref().map(Vec::as_slice)).await;
        let nobody = Person::new("acct:nobody@example.org", "phone", crate::support::Key::ed25519(52));
        let path = format!("/v1/users/{}/blocks", ned.user);
        for named in [json!({ "requester": fay.user }), json!({ "server": "example.org" })] {
            let answer = self.site.post(path.clone(), &named).by(&ned).send().await;
            self.tell_status("block", &answer);
            let (of_ned, of_nobody) = (self.claim_by(&fay, &ned).await, self.claim_by(&fay, &nobody).await);
            self.tell_claimed("claim of who blocks", &of_ned);
            self.tell("which is what is told of nobody", same(&of_ned, &of_nobody));
            let (name, value) = named.as_object().and_then(|it| it.iter().next()).unwrap();
            let lift = Call::new(&self.site, Method::DELETE, format!("{path}?{name}={}", value.as_str().unwrap()));
            let answer = lift.by(&ned).send().await;
            self.tell_status("lift it", &answer);
            let answer = self.claim_by(&fay, &ned).await;
            self.tell_claimed("claim after that", &answer);
        }
    }

    async fn claim_by(&self, by: &Person, of: &Person) -> Answer {
        self.site.post(of.claims(), &json!({})).by(by).send().await
    }
}

fn same(one: &Answer, other: &Answer) -> bool {
    let headers = |answer: &Answer| {
        let mut headers = answer.headers.clone();
        headers.remove("date");
        headers
    };
    (one.status, &one.body, headers(one)) == (other.status, &other.body, headers(other))
}
