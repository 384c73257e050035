//! Finding a user's keys at its own server: from memory, with a lookup that is under way, or with a new one.

use std::{
    collections::{BTreeMap, HashMap},
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use kpd_directory::{ServerName, SignatureKeyId, UnixSeconds, UserId, standing::Standing, state::ListedKey};
use reqwest::Url;
use tokio::{sync::watch, time::Instant};

use super::{
    Bounds, SIGNATURE_KEYS,
    cache::{Cache, Entry, Found},
    documents,
    fetch::{Fetched, Fetcher, Wish},
    slots::{Slot, Slots},
};

/// Resolves users of any server to the keys that are on their lists, and remembers them for a while; clones share what
/// they remember.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use kpd_directory::{UserId, standing::Standing};
/// use kpd_server::federation::{Bounds, Resolver};
///
/// let resolver = Resolver::new(Bounds::default(), &Default::default())?;
/// let bob = UserId::parse("acct:bob@other.example")?;
/// let leaf_signature_key = [0; 32];
/// let joined_at = 1_767_225_600;
/// if resolver.verify(&bob, &leaf_signature_key, joined_at).await? == Standing::Valid {
///     // The credential of the leaf is bob's.
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Resolver(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    fetcher: Fetcher,
    bounds: Bounds,
    cache: Mutex<Cache>,
    /// The lookups under way: a second one for the same user waits for the first.
    flights: Mutex<HashMap<UserId, watch::Receiver<Option<Found>>>>,
    slots: Slots,
}

/// A user's list, as its own server tells it: the keys that are valid, or all that ever were.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignKeys {
    pub(super) user: UserId,
    pub(super) keys: Vec<ListedKey>,
}

/// Why a user's keys are not known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the sentence of a variant speaks of its fields")]
pub enum ResolveError {
    /// What follows the `@` is an address, has a port, or is no name of the domain name system.
    #[error("{0} is not the name of a server that can be looked up: a host such as example.org, without a port")]
    NoServer(ServerName),
    /// Nothing was asked there.
    #[error("it leads to what is never asked: {0}")]
    Forbidden(&'static str),
    /// The name is unknown, nobody listens, the certificate is wrong.
    #[error("the server cannot be reached: {0}")]
    Unreachable(String),
    /// It took too long.
    #[error("the server takes too long")]
    TimedOut,
    /// Neither an answer nor a redirect; 404: it has no such user.
    #[error("the server answers with status {0}")]
    Status(u16),
    /// It goes on and on.
    #[error("the server redirects too often")]
    TooManyRedirects,
    /// The rest was not read.
    #[error("the answer is larger than {bytes_max} bytes")]
    TooLarge { bytes_max: usize },
    /// Not what RFC 7033, or the OpenAPI document of a directory, describes.
    #[error("the {what} cannot be read: {why}")]
    Malformed { what: &'static str, why: String },
    /// An answer about somebody else.
    #[error("{asked} was asked about, and the answer is about {given:?}")]
    OtherSubject { asked: UserId, given: String },
    /// The server knows the user, and has no list of signature keys for it.
    #[error("the answer of WebFinger has no link {SIGNATURE_KEYS}")]
    NoLink,
    /// Nothing was asked, and nothing remembered.
    #[error("too many lookups at this moment")]
    Busy,
}

impl ForeignKeys {
    /// The user.
    #[must_use]
    pub fn user(&self) -> &UserId {
        &self.user
    }

    /// The keys on the list; each may have ended by itself since.
    #[must_use]
    pub fn keys(&self) -> &[ListedKey] {
        &self.keys
    }

    /// What the list says of a signature key at a time, in Unix seconds. A key that is not on it is unknown to it.
    #[must_use]
    pub fn standing(&self, signature_key: &[u8], at: UnixSeconds) -> Standing {
        let listed = self.keys.iter().find(|listed| listed.key.bytes() == signature_key);
        listed.map_or(Standing::Unknown, |listed| listed.standing(at))
    }

    /// A key that has not ended. When it was added does not matter: it is on the list, and clocks differ.
    fn usable(&self, id: &SignatureKeyId, now: UnixSeconds) -> Option<&ListedKey> {
        self.keys.iter().find(|listed| listed.key.id() == *id && listed.ended(now).is_none())
    }

    pub(super) fn bytes(&self) -> usize {
        let key = |listed: &ListedKey| size_of::<ListedKey>() + listed.key.bytes().len() + listed.client.as_str().len();
        size_of::<Self>() + self.user.as_str().len() + self.keys.iter().map(key).sum::<usize>()
    }
}

impl Resolver {
    /// A resolver with these bounds, and with hosts that are not the internet's (see
    /// [`Federation`](super::Federation)).
    ///
    /// # Errors
    ///
    /// If there is no HTTPS client to be had, as where the system's root certificates cannot be read.
    pub fn new(bounds: Bounds, insecure_loopback: &BTreeMap<ServerName, SocketAddr>) -> Result<Self, String> {
        Ok(Self(Arc::new(Shared {
            fetcher: Fetcher::new(&bounds, insecure_loopback)?,
            bounds,
            cache: Mutex::new(Cache::new(&bounds)),
            flights: Mutex::default(),
            slots: Slots::new(bounds),
        })))
    }

    /// The list of a user's signature keys, which is at most `fresh_seconds_max` old.
    ///
    /// # Errors
    ///
    /// See [`ResolveError`].
    pub async fn keys(&self, user: &UserId) -> Result<Arc<ForeignKeys>, ResolveError> {
        let oldest = Duration::from_secs(self.0.bounds.fresh_seconds_max);
        self.found(user, oldest).await.map(|(keys, _)| keys)
    }

    /// Whether a signature key bears out a credential of this user at a time, in Unix seconds (`KEY-VERIFY`). For a key
    /// that is not on the list its history is asked for (`KEY-HISTORY`), each time anew; where the user's server keeps
    /// none, a key that was removed is `Unknown`, also for the time before.
    ///
    /// # Errors
    ///
    /// See [`ResolveError`]: then nothing is known of the key, and it is not to be believed in.
    pub async fn verify(&self, user: &UserId, signature_key: &[u8], at: UnixSeconds) -> Result<Standing, ResolveError> {
        let listed = self.keys(user).await?.standing(signature_key, at);
        if listed != Standing::Unknown {
            return Ok(listed);
        }
        let host = self.0.host(user)?;
        let _slot = self.0.slots.take(&host, Instant::now()).ok_or(ResolveError::Busy)?;
        let asked = tokio::time::timeout(self.0.bounds.lookup_timeout, self.0.ask_history(user, &host)).await;
        match asked.unwrap_or(Err(ResolveError::TimedOut)) {
            // It knows the user, as was seen before, and no history.
            Err(ResolveError::Status(400 | 404)) => Ok(Standing::Unknown),
            history => Ok(history?.standing(signature_key, at)),
        }
    }

    /// A key on a user's list that has not ended. A key that is not on the list that is remembered may be new: then the
    /// list is asked for again, though not more often than `fresh_seconds_min` allows.
    pub(crate) async fn listed_key(
        &self,
        user: &UserId,
        key: &SignatureKeyId,
        now: UnixSeconds,
    ) -> Result<Option<ListedKey>, ResolveError> {
        let bounds = &self.0.bounds;
        let (keys, at) = self.found(user, Duration::from_secs(bounds.fresh_seconds_max)).await?;
        let usable = keys.usable(key, now).cloned();
        let newest = Duration::from_secs(bounds.fresh_seconds_min);
        if usable.is_some() || at.elapsed() < newest {
            return Ok(usable);
        }
        let (keys, _) = self.found(user, newest).await?;
        Ok(keys.usable(key, now).cloned())
    }

    /// After a failure nothing is tried for so many seconds.
    pub(crate) fn retry_after(&self) -> u64 {
        self.0.bounds.failure_seconds
    }

    /// What is known of a user, not older than this, and since when.
    async fn found(&self, user: &UserId, oldest: Duration) -> Result<(Arc<ForeignKeys>, Instant), ResolveError> {
        let shared = &self.0;
        let host = shared.host(user)?;
        let now = Instant::now();
        let mut flight = {
            // Whoever holds this sees either the lookup under way or what it came to.
            let mut flights = lock(&shared.flights);
            let known = lock(&shared.cache).fresh(user, now).map(|entry| (entry.found.clone(), entry.at));
            if let Some((found, at)) = known.filter(|(found, at)| found.is_err() || now.duration_since(*at) < oldest) {
                return found.map(|keys| (keys, at));
            }
            match flights.get(user) {
                Some(flight) => flight.clone(),
                None => {
                    let flight = self.fly(user, host, now)?;
                    flights.insert(user.clone(), flight.clone());
                    flight
                }
            }
        };
        // The lookup is a task of its own: it goes on though this one is given up, and so nobody can start it twice.
        let landed = flight.wait_for(Option::is_some).await.ok().and_then(|found| found.clone());
        landed.unwrap_or(Err(ResolveError::Busy)).map(|keys| (keys, now))
    }

    /// Begins a lookup.
    fn fly(
        &self,
        user: &UserId,
        host: ServerName,
        now: Instant,
    ) -> Result<watch::Receiver<Option<Found>>, ResolveError> {
        let slot = self.0.slots.take(&host, now).ok_or(ResolveError::Busy)?;
        let (landing, flight) = watch::channel(None);
        let flying = Flying { shared: Arc::clone(&self.0), user: user.clone(), _slot: slot };
        tokio::spawn(async move {
            let found = flying.shared.look_up(&flying.user, &host).await;
            drop(flying);
            // An error means that nobody waits any more.
            let _ = landing.send(Some(found));
        });
        Ok(flight)
    }
}

/// A lookup under way; when it ends, in whatever way, another one for the same user may begin.
struct Flying {
    shared: Arc<Shared>,
    user: UserId,
    _slot: Slot,
}

impl Drop for Flying {
    fn drop(&mut self) {
        lock(&self.shared.flights).remove(&self.user);
    }
}

impl Shared {
    /// The server of a user, in the one spelling that it has: with a port, an address or a dot at its end a server that
    /// is shut out would come back under another name.
    fn host(&self, user: &UserId) -> Result<ServerName, ResolveError> {
        let host = user.server();
        let label = |label: &str| {
            let hyphens = label.starts_with('-') || label.ends_with('-');
            (1..=63).contains(&label.len()) && !hyphens && !label.contains(':')
        };
        let named = host.as_str().split('.').all(label);
        // What ends in a number is an address, or would be taken for one (WHATWG URL, "ends in a number").
        let last = host.as_str().rsplit('.').next().unwrap_or_default();
        let numeric = last.starts_with(|c: char| c.is_ascii_digit());
        if self.fetcher.is_insecure(&host) || (named && !numeric) {
            Ok(host)
        } else {
            Err(ResolveError::NoServer(host))
        }
    }

    async fn look_up(&self, user: &UserId, host: &ServerName) -> Found {
        let asked = Instant::now();
        let known = lock(&self.cache).tagged(user);
        let looked = tokio::time::timeout(self.bounds.lookup_timeout, self.ask(user, host, known)).await;
        let answer = looked.unwrap_or(Err(ResolveError::TimedOut));
        let Bounds { fresh_seconds_min: min, fresh_seconds_max: max, failure_seconds, .. } = self.bounds;
        let (found, seconds, tag) = match answer {
            // Counted from before the question: what was removed meanwhile is gone in time, too.
            Ok(Answer { keys, max_age, tag }) => (Ok(keys), max_age.unwrap_or(max).max(min).min(max), tag),
            Err(error) => (Err(error), failure_seconds, None),
        };
        let at = if found.is_ok() { asked } else { Instant::now() };
        let entry = Entry { found: found.clone(), at, fresh_for: Duration::from_secs(seconds), tag };
        lock(&self.cache).put(user, entry);
        found
    }

    /// Where WebFinger says that the list is.
    async fn find_list(&self, user: &UserId, host: &ServerName) -> Result<Url, ResolveError> {
        let url = format!("{}://{host}/.well-known/webfinger", self.fetcher.scheme(host));
        let mut url = Url::parse(&url).map_err(|_| ResolveError::NoServer(host.clone()))?;
        url.query_pairs_mut().append_pair("resource", user.as_str()).append_pair("rel", SIGNATURE_KEYS);
        let media_types = ["application/jrd+json", JSON];
        let wish = Wish { media_types: &media_types, bytes_max: self.bounds.jrd_bytes_max, known: None };
        match self.fetcher.get(url, &wish).await? {
            Fetched::Document { body, .. } => documents::list_url(&body, user),
            Fetched::NotModified { .. } => Err(ResolveError::Status(304)),
        }
    }

    /// WebFinger, and the list that it leads to.
    async fn ask(&self, user: &UserId, host: &ServerName, known: Option<Known>) -> Result<Answer, ResolveError> {
        let url = self.find_list(user, host).await?;
        let tagged = known.as_ref().map(|(_, url, tag)| (url.as_str(), tag.as_str()));
        let wish = Wish { media_types: &[JSON], bytes_max: self.bounds.list_bytes_max, known: tagged };
        match (self.fetcher.get(url, &wish).await?, known) {
            (Fetched::Document { body, url, tag, max_age }, _) => {
                let keys = Arc::new(documents::keys(&body, user)?);
                Ok(Answer { keys, max_age, tag: tag.map(|tag| (url.into(), tag)) })
            }
            (Fetched::NotModified { max_age }, Some((keys, url, tag))) => {
                Ok(Answer { keys, max_age, tag: Some((url, tag)) })
            }
            (Fetched::NotModified { .. }, None) => Err(ResolveError::Status(304)),
        }
    }

    /// WebFinger, and all keys that ever were on the list that it leads to.
    async fn ask_history(&self, user: &UserId, host: &ServerName) -> Result<ForeignKeys, ResolveError> {
        let mut url = self.find_list(user, host).await?;
        url.query_pairs_mut().append_pair("history", "true");
        let wish = Wish { media_types: &[JSON], bytes_max: self.bounds.list_bytes_max, known: None };
        match self.fetcher.get(url, &wish).await? {
            Fetched::Document { body, .. } => documents::keys(&body, user),
            Fetched::NotModified { .. } => Err(ResolveError::Status(304)),
        }
    }
}

const JSON: &str = "application/json";

/// A list that was there before, where it was, and its tag.
type Known = (Arc<ForeignKeys>, String, String);

struct Answer {
    keys: Arc<ForeignKeys>,
    max_age: Option<u64>,
    tag: Option<(String, String)>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
