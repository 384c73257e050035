//! A directory in memory: the one place where the tests call the core's commands.

pub(crate) mod deciding;

use std::{
    collections::{BTreeMap, BTreeSet},
    convert::Infallible,
    sync::{Arc, Mutex},
};

use kpd_directory::{
    Capabilities, CipherSuite, Decision, Event, IdempotencyKey, Policy, SignatureKeyId, UnixSeconds, UserId, UserState,
    claim::Answered,
    event::{Claim, LastResort},
    feed::{FeedError, Notification, Stock},
    key_package::{KeyPackage, KeyPackageFlaw, Role},
    keys::{AddKey, AddKeyError, Authority, EnrolError, KeyReserved},
    limits::{Account, RequesterEvent, RequesterState},
    policy::Selection,
    publish::{Item, Replaced},
    state::ListedKey,
};

use crate::support::{
    answer::{Answer, PastKey, Refusal},
    command::{Command, Wish},
    make::{START, unverified},
    world::{ABILITY, CLIENTS, KEY_NAMES, USERS, Who, key, key_named, named, user_id},
};

use deciding::Doctor;

/// Histories, what they lead to, and a clock that is moved by hand.
#[derive(Clone)]
pub(crate) struct Directory {
    pub(crate) policy: Policy,
    pub(crate) now: UnixSeconds,
    users: BTreeMap<UserId, User>,
    reserved: BTreeMap<SignatureKeyId, Vec<KeyReserved>>,
    /// Of requesters, and of servers.
    accounts: BTreeMap<Account, Vec<RequesterEvent>>,
    doctor: Option<Doctor>,
    /// What `verify` said of a KeyPackage at a time, under this policy: it depends on nothing else, and stories come in
    /// thousands.
    verified: Arc<Mutex<BTreeMap<(&'static str, UnixSeconds), Verified>>>,
}

type Verified = Result<KeyPackage, KeyPackageFlaw>;

#[derive(Clone, Default)]
struct User {
    history: Vec<Event>,
    state: UserState,
}

impl Directory {
    pub(crate) fn empty(policy: Policy) -> Self {
        Self {
            policy,
            now: START,
            users: BTreeMap::new(),
            reserved: BTreeMap::new(),
            accounts: BTreeMap::new(),
            doctor: None,
            verified: Arc::default(),
        }
    }

    /// With Alice and Bob enrolled, and no key yet.
    pub(crate) fn enrolled(policy: Policy) -> Self {
        let mut directory = Self::empty(policy);
        for user in USERS {
            directory.enrol(user, &format!("token of {user}")).expect("a new user");
        }
        directory
    }

    /// With a key of either scheme for each client.
    pub(crate) fn peopled(policy: Policy) -> Self {
        let mut directory = Self::enrolled(policy);
        for command in first_keys() {
            let answer = directory.run(&command);
            assert!(matches!(answer, Answer::Done), "{command}: {answer:?}");
        }
        directory
    }

    pub(crate) fn with_doctor(self, doctor: Option<Doctor>) -> Self {
        Self { doctor, ..self }
    }

    pub(crate) fn fifo() -> Policy {
        Policy { selection: Selection::Fifo, ..Policy::default() }
    }

    pub(crate) fn run(&mut self, command: &Command) -> Answer {
        match command {
            Command::Publish { by, items } => {
                let verifier = self.verifier();
                let published = self.decide(command, &by.user_id(), |state, policy, now| {
                    let items: Vec<_> =
                        items.iter().map(|(name, declared)| verifier(now, policy, name, *declared)).collect();
                    state.publish(policy, now, &by.client_name(), &items)
                });
                answer(published.map(|published| Answer::Published(published.items)))
            }
            Command::Replace { by, items } => {
                let verifier = self.verifier();
                let replaced = self.decide(command, &by.user_id(), |state, policy, now| {
                    let items: Vec<_> = items.iter().map(|name| verifier(now, policy, name, None)).collect();
                    state.replace(policy, now, &by.client_name(), &items)
                });
                answer(replaced.map(|Replaced { items, withdrawn }| Answer::Replaced { items, withdrawn }))
            }
            Command::Compare { by } => {
                let inventory = self
                    .decide(command, &by.user_id(), |state, _, now| looked(state.inventory(now, &by.client_name())));
                answer(inventory.map(Answer::Inventory))
            }
            Command::RemoveClient { by, client } => {
                let unread = self.decide(command, &by.user_id(), |state, _, now| state.remove_client(now, client));
                answer(unread.map(|unread| Answer::ClientRemoved { unread }))
            }
            Command::Collect => {
                self.of_everybody(command, |state, policy, now| drop_answer(state.collect(policy, now)));
                Answer::Done
            }
            Command::Fence => {
                self.of_everybody(command, |state, policy, now| drop_answer(state.fence(policy, now)));
                Answer::Done
            }
            Command::Claim { by, claim } => {
                let (user, die) = (user_id(claim.user), claim.die);
                let claim = claim.of(*by);
                match self.debit(command, &user, &claim) {
                    Ok(Ok(())) => {}
                    Ok(Err(limited)) => return Answer::Limited(limited),
                    Err(error) => return Answer::Refused(error.into()),
                }
                let claimed = self.decide(command, &user, |state, policy, now| {
                    state.claim(policy, now, &user, &claim, &mut |count| die % count)
                });
                answer(claimed.map(|answered| match answered {
                    Answered::Claimed(claimed) => Answer::Claimed(claimed.clients),
                    Answered::Limited(limited) => Answer::Limited(limited),
                }))
            }
            Command::Withdraw { by, items } => {
                let references: BTreeSet<_> = items.iter().map(|name| named(name).reference).collect();
                let withdrawn = self.decide(command, &by.user_id(), |state, _, now| {
                    state.withdraw(now, &by.client_name(), &references)
                });
                answer(withdrawn.map(Answer::Withdrawn))
            }
            Command::Count { by } => {
                let stock = self.decide(command, &by.user_id(), |state, policy, now| {
                    let stock = state.stock(now, &by.client_name())?;
                    let low = |stock: Stock| (stock, policy.is_low(stock.regular));
                    looked(Ok::<_, FeedError>(stock.into_iter().map(|(suite, stock)| (suite, low(stock))).collect()))
                });
                answer(stock.map(Answer::Stock))
            }
            Command::Read { by, after } => {
                let feed = self.decide(command, &by.user_id(), |state, policy, now| {
                    let feed = state.notifications(now, &by.client_name(), *after)?;
                    let low = |told: &Notification| (told.clone(), policy.is_low(told.remaining));
                    looked(Ok::<_, FeedError>(feed.iter().map(low).collect()))
                });
                answer(feed.map(Answer::Notifications))
            }
            Command::Acknowledge { by, through } => {
                let done = self.decide(command, &by.user_id(), |state, _, now| {
                    state.acknowledge(now, &by.client_name(), *through)
                });
                answer(done.map(|()| Answer::Done))
            }
            Command::AddKey { by, key: name, lasting } => {
                let (client, public, proof) = (by.client_name(), key(name).public.clone(), key(name).proof(*by));
                let expires_at = lasting.map(|seconds| self.now + seconds);
                let add = AddKey { client, key: public, proof, authority: self.authority(*by), expires_at };
                answer(self.add_by(command, by.user, &add).map(|_| Answer::Done))
            }
            Command::ExtendKey { by, key: name, lasting } => {
                let asked = self.now + lasting;
                let done = self.decide(command, &by.user_id(), |state, _, now| {
                    state.extend_key(now, &key(name).public.id(), asked)
                });
                answer(done.map(|_| Answer::Done))
            }
            Command::RemoveKey { by, key: name } => {
                let done =
                    self.decide(command, &by.user_id(), |state, _, now| state.remove_key(now, &key(name).public.id()));
                answer(done.map(|()| Answer::Done))
            }
            Command::Block { by, blocked } => {
                let done = self.decide(command, &by.user_id(), |state, _, now| state.block(now, blocked));
                answer(done.map(|()| Answer::Done))
            }
            Command::Unblock { by, blocked } => {
                let done = self.decide(command, &by.user_id(), |state, _, now| state.unblock(now, blocked));
                answer(done.map(|()| Answer::Done))
            }
            Command::Keys { user } => {
                let keys = self.decide(command, &user_id(user), |state, _, now| {
                    looked(Ok::<_, Infallible>(state.keys(now).map(|(id, _)| key_named(id)).collect()))
                });
                answered(keys.map(Answer::Keys))
            }
            Command::History { user } => {
                let history = self.decide(command, &user_id(user), |state, _, now| {
                    let past = |(id, listed): (&SignatureKeyId, &ListedKey)| {
                        (key_named(id), PastKey { added_at: listed.added_at, ended: listed.ended(now) })
                    };
                    looked(Ok::<_, Infallible>(state.key_history().map(past).collect()))
                });
                answered(history.map(Answer::History))
            }
            Command::Verify { user, key: name, at } => {
                let standing = self.decide(command, &user_id(user), |state, _, _| {
                    looked(Ok::<_, Infallible>(state.verify(key(name).public.bytes(), *at).0))
                });
                answered(standing.map(Answer::Standing))
            }
            Command::Wait(seconds) => {
                self.now += seconds;
                Answer::Done
            }
        }
    }

    /// What `verify` says of a KeyPackage, asked once for each time.
    fn verifier(&self) -> impl Fn(UnixSeconds, &Policy, &'static str, Option<Role>) -> Item + use<> {
        let verified = Arc::clone(&self.verified);
        move |now, policy, name, declared| {
            let mut verified = verified.lock().expect("no panic while it is held");
            let verify = || unverified(&named(name).upload).verify(policy, now);
            Item { key_package: verified.entry((name, now)).or_insert_with(verify).clone(), declared }
        }
    }

    pub(crate) fn enrol(&mut self, user: &str, token: &str) -> Result<UnixSeconds, EnrolError> {
        let user = user_id(user);
        self.decide(&Command::Wait(0), &user, |state, policy, now| state.enrol(policy, now, &user, token))
    }

    pub(crate) fn add(&mut self, user: &str, add: &AddKey) -> Result<SignatureKeyId, AddKeyError> {
        self.add_by(&Command::Wait(0), user, add)
    }

    /// What a user can show: a key on the list, or else the token of the enrolment.
    fn authority(&self, who: Who) -> Authority {
        let listed = self.state(who.user).keys(self.now).next().map(|(id, _)| Authority::ListedKey(*id));
        listed.unwrap_or_else(|| Authority::EnrolmentToken(format!("token of {}", who.user)))
    }

    pub(crate) fn state(&self, user: &str) -> UserState {
        self.users.get(&user_id(user)).map(|user| user.state.clone()).unwrap_or_default()
    }

    /// As the next process finds it: states as they were serialised, in the place of the events.
    pub(crate) fn restarted(mut self) -> Self {
        self.users.values_mut().for_each(|user| user.state = restored(&user.state));
        self
    }

    /// What claims have cost each requester, and each server.
    pub(crate) fn accounts(&self) -> impl Iterator<Item = RequesterState> {
        self.accounts.values().map(RequesterState::of)
    }

    pub(crate) fn history(&self, user: &str) -> Vec<Event> {
        self.history_of(&user_id(user))
    }
}

/// Written down, and read again.
pub(crate) fn restored<T: serde::Serialize + serde::de::DeserializeOwned>(state: &T) -> T {
    let bytes = postcard::to_stdvec(state).expect("it can be written");
    postcard::from_bytes(&bytes).expect("it can be read")
}

/// A key of either scheme for each client.
pub(crate) fn first_keys() -> impl Iterator<Item = Command> {
    let listed = |name: &&str| !name.ends_with("spare");
    KEY_NAMES.into_iter().filter(listed).map(|key| {
        let owner = CLIENTS.into_iter().find(|who| key.starts_with(&who.to_string()));
        Command::AddKey { by: owner.expect("a client"), key, lasting: None }
    })
}

impl Wish {
    pub(crate) fn of(&self, by: Who) -> Claim {
        Claim {
            requester: by.requester(),
            cipher_suites: self.suites.iter().copied().map(CipherSuite).collect(),
            required_capabilities: Capabilities::new(self.able.then_some(ABILITY), [], []),
            last_resort: if self.last_resort { LastResort::Accept } else { LastResort::Refuse },
            idempotency_key: self.key.as_deref().map(|key| IdempotencyKey::parse(key).expect("an idempotency key")),
            vouched_by: by.vouched_by(),
        }
    }
}

fn drop_answer<A>(decision: Decision<A>) -> Decision<()> {
    Decision { events: decision.events, answer: () }
}

/// A look is a decision that changes nothing.
fn looked<A, E>(seen: Result<A, E>) -> Result<Decision<A>, E> {
    seen.map(|answer| Decision { events: vec![], answer })
}

fn answered(certain: Result<Answer, Infallible>) -> Answer {
    certain.unwrap_or_else(|never| match never {})
}

fn answer<E: Into<Refusal>>(result: Result<Answer, E>) -> Answer {
    result.unwrap_or_else(|error| Answer::Refused(error.into()))
}
