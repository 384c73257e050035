//! What claims wait for beside streams of full batches: verified on the threads that serve, or as the server does it.
//!
//! It prints ratios to the latency of claims alone, since milliseconds are the machine's.
#![allow(clippy::expect_used, reason = "a benchmark that is refused has nothing to measure")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    time::{Duration, Instant, SystemTime},
};

use kpd_benches::{Owner, claim, policy};
use kpd_directory::{
    ClientName, UserId,
    key_package::{Role, UnverifiedKeyPackage},
    keys::{AddKey, Authority},
};
use kpd_server::{
    service::{Directory, Upload},
    store::Stores,
};
use tokio::{runtime::Runtime, task::JoinHandle};

const CLAIMS: usize = 2_000;
const BATCH: usize = 100;
const STREAMS: usize = 4;

/// How batches are verified beside the claims.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Beside {
    Nothing,
    OnTheThreadsThatServe,
    AsTheServerDoes,
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("threads");
    let owner = Owner::new(1);
    let uploads: Arc<[Upload]> = (0..BATCH).map(|_| (owner.make_at(now(), Role::Regular), None)).collect();
    let directory = Arc::new(Directory::new(Stores::in_memory(), policy()));
    runtime.block_on(register(&directory, &owner));
    let mut alone = None;
    for (name, beside) in [
        ("alone", Beside::Nothing),
        ("beside batches verified on the threads that serve", Beside::OnTheThreadsThatServe),
        ("beside batches as the server verifies them", Beside::AsTheServerDoes),
    ] {
        let stop = Arc::new(AtomicBool::new(false));
        let streams: Vec<_> = (0..if beside == Beside::Nothing { 0 } else { STREAMS })
            .map(|number| stream(&runtime, &directory, number, &uploads, beside, &stop))
            .collect();
        let took = claims(&runtime, &directory, &owner.user);
        stop.store(true, Ordering::Relaxed);
        let batches: usize = streams.into_iter().map(|it| runtime.block_on(it).expect("no panic")).sum();
        let percentile = |percent: usize| took[took.len() * percent / 100];
        let (median, slow) = (percentile(50), percentile(99));
        let (median_alone, slow_alone) = *alone.get_or_insert((median, slow));
        let ratio = |value: Duration, alone: Duration| value.as_secs_f64() / alone.as_secs_f64();
        println!(
            "claims {name}: median {median:.0?} (x {:.1}), 99 of 100 within {slow:.0?} (x {:.1}); {batches} batches",
            ratio(median, median_alone),
            ratio(slow, slow_alone)
        );
    }
}

/// Batches one after the other, until it is told to stop; how many.
fn stream(
    runtime: &Runtime,
    directory: &Arc<Directory>,
    number: usize,
    uploads: &Arc<[Upload]>,
    beside: Beside,
    stop: &Arc<AtomicBool>,
) -> JoinHandle<usize> {
    let (directory, uploads, stop) = (Arc::clone(directory), Arc::clone(uploads), Arc::clone(stop));
    // Of other users: commands of one user wait for each other in any case.
    let user = UserId::parse(&format!("acct:publisher-{number}@example.org")).expect("a user");
    let client = ClientName::parse("phone").expect("a client");
    runtime.spawn(async move {
        let mut batches = 0;
        while !stop.load(Ordering::Relaxed) {
            if beside == Beside::OnTheThreadsThatServe {
                for (bytes, _) in &*uploads {
                    let verified = UnverifiedKeyPackage::new(bytes.clone()).verify(&policy(), now());
                    verified.expect("a good KeyPackage");
                }
                tokio::task::yield_now().await;
            } else {
                // Nobody has let this user in: it is refused after all was verified, so that no history grows.
                let refused = directory.publish(&user, &client, uploads.to_vec()).await;
                refused.expect_err("a stranger is refused");
            }
            batches += 1;
        }
        batches
    })
}

/// How long each of many claims took, from outside, as a request that comes in; sorted.
fn claims(runtime: &Runtime, directory: &Arc<Directory>, user: &UserId) -> Vec<Duration> {
    let one = |_| {
        let (directory, user, begun) = (Arc::clone(directory), user.clone(), Instant::now());
        let (done, answered) = mpsc::channel();
        runtime.spawn(async move {
            let claimed = directory.claim(&user, &claim()).await;
            let _ = done.send(claimed.is_ok());
        });
        assert!(answered.recv().expect("an answer"), "the last resort is for everybody");
        let took = begun.elapsed();
        std::thread::sleep(Duration::from_millis(1));
        took
    };
    let mut took: Vec<_> = (0..CLAIMS).map(one).collect();
    took.sort_unstable();
    took
}

/// A user with a last resort, which any number of claims can have.
async fn register(directory: &Directory, owner: &Owner) {
    let (token, _) = directory.enrol(&owner.user).await.expect("a new user");
    let (key, proof) = owner.key_and_proof();
    let authority = Authority::EnrolmentToken(token);
    let add = AddKey { client: owner.client.clone(), key, proof, authority, expires_at: None };
    directory.add_key(&owner.user, &add).await.expect("the token is good");
    let last_resort = vec![(owner.make_at(now(), Role::LastResort), None)];
    directory.publish(&owner.user, &owner.client, last_resort).await.expect("a good last resort");
}

#[expect(clippy::disallowed_methods, reason = "the service reads the clock, so KeyPackages have to be live by it")]
fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
