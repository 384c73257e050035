//! Publishing a batch of KeyPackages: stored whole or not at all.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    Decision, Event,
    key_package::{Facts, KeyPackage, KeyPackageFlaw, Role},
    names::{CipherSuite, ClientName, KeyPackageRef, SignatureKeyId, UnixSeconds},
    policy::Policy,
    state::{ClientState, Fate, UserState},
};

/// One item of a publication.
#[derive(Clone, Debug)]
pub struct Item {
    /// The KeyPackage, or what was found wrong with its bytes.
    pub key_package: Result<KeyPackage, KeyPackageFlaw>,
    /// What the publisher says of its role beside it; it must not contradict the KeyPackage (`LAST-MARKED`).
    pub declared: Option<Role>,
}

/// What became of the items, in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// The reference of each, and whether it is new; it is not where it was available already (`PUB-RETRY`).
    pub items: Vec<(KeyPackageRef, bool)>,
}

/// What became of the items of a batch that took the place of everything else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replaced {
    /// As of a publication.
    pub items: Vec<(KeyPackageRef, bool)>,
    /// What was available until now and is not in the batch.
    pub withdrawn: Vec<KeyPackageRef>,
}

/// Why nothing was published. Nothing changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the sentence of a variant speaks of its fields")]
pub enum PublishError {
    /// The client has no signature key on the list.
    #[error("no such client")]
    UnknownClient,
    /// An empty batch: surely a mistake.
    #[error("no KeyPackage in the batch")]
    Empty,
    /// `PUB-LIMITS`.
    #[error("{given} KeyPackages in the batch, where at most {max} are accepted")]
    BatchTooLarge { given: usize, max: usize },
    /// `PUB-LIMITS`.
    #[error("{added} more regular KeyPackages of suite {suite} beside {available}, where at most {max} are kept")]
    StockFull { suite: CipherSuite, available: usize, added: usize, max: usize },
    /// Each faulty item, by position (`PUB-ATOMIC`).
    #[error("{} of the KeyPackages cannot be published", .0.len())]
    Items(BTreeMap<usize, ItemFault>),
}

/// What is wrong with an item of a publication. The publisher's fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the sentence of a variant speaks of its fields")]
pub enum ItemFault {
    /// The KeyPackage itself is at fault.
    #[error(transparent)]
    Flaw(#[from] KeyPackageFlaw),
    /// `PUB-IDENTITY`.
    #[error("the credential claims {found:?}, and the owner is {expected:?}")]
    IdentityMismatch { found: String, expected: String },
    /// `PUB-SIGNER-LISTED`.
    #[error("its signature key is not on the owner's list for client {client}")]
    SignerNotListed { client: ClientName },
    /// `LAST-MARKED`.
    #[error("declared as {declared:?}, but the KeyPackage marks itself as {marked:?}")]
    RoleContradicted { declared: Role, marked: Role },
    /// `PUB-RETRY`: it was granted, withdrawn or replaced, and never becomes available again.
    #[error("published before, and {} since", match fate { Fate::Granted => "granted", _ => "withdrawn" })]
    AlreadyUsed { fate: Fate },
    /// `LIFE-RESTORE`: it may have been published, and granted, in the part of the history that is lost.
    #[error(
        "valid from {not_before}, where since a restore only what is valid from {from} on is accepted (Unix seconds)"
    )]
    BeforeFence { not_before: UnixSeconds, from: UnixSeconds },
    /// `PUB-FRESH`.
    #[error("its init key came before, in {other}")]
    InitKeyReused { other: KeyPackageRef },
    /// `PUB-ONE-ROLE`.
    #[error("its init key came before, in {other}, which is {role:?}")]
    RoleConflict { other: KeyPackageRef, role: Role },
    /// `LAST-ONE-PER-SUITE`.
    #[error("a second last resort of suite {suite} in one batch")]
    TwoLastResorts { suite: CipherSuite },
}

impl UserState {
    /// Publishes a batch for a client: whole, or not at all with every faulty item named.
    ///
    /// Publishing identical bytes again while they are available succeeds and changes nothing: an answer may have been
    /// lost.
    ///
    /// # Errors
    ///
    /// See [`PublishError`].
    pub fn publish(
        &self,
        policy: &Policy,
        now: UnixSeconds,
        name: &ClientName,
        items: &[Item],
    ) -> Result<Decision<Published>, PublishError> {
        let client = self.client(now, name).ok_or(PublishError::UnknownClient)?;
        let batch = self.check_batch(policy, now, name, client, items)?;
        let (items, fresh) = client.sorted(&batch);
        let listed = self.listed_keys(now);
        check_stock(policy, &fresh, |suite| client.kept_regular(suite, now, &listed).count())?;
        let event = Event::Published { at: now, client: name.clone(), key_packages: fresh.clone() };
        let events = if fresh.is_empty() { vec![] } else { vec![event] };
        Ok(Decision { events, answer: Published { items } })
    }

    /// Publishes a batch that takes the place of everything available of a client, last resorts included. It is validated
    /// wholly before anything is withdrawn (`PUB-ATOMIC`); what is in it and available already stays as it is.
    ///
    /// # Errors
    ///
    /// See [`PublishError`]; the stock is counted as it would be afterwards.
    pub fn replace(
        &self,
        policy: &Policy,
        now: UnixSeconds,
        name: &ClientName,
        items: &[Item],
    ) -> Result<Decision<Replaced>, PublishError> {
        let client = self.client(now, name).ok_or(PublishError::UnknownClient)?;
        let batch = self.check_batch(policy, now, name, client, items)?;
        let (items, fresh) = client.sorted(&batch);
        let given: BTreeSet<_> = batch.iter().map(|facts| facts.reference).collect();
        let listed = self.listed_keys(now);
        let stays = |facts: &Facts| given.contains(&facts.reference);
        check_stock(policy, &fresh, |suite| {
            client.kept_regular(suite, now, &listed).filter(|record| stays(&record.facts)).count()
        })?;
        let withdrawn = client.withdrawn_for(stays, now, &listed);
        let (at, client) = (now, name.clone());
        let withdrawal = Event::Withdrawn { at, client: client.clone(), references: withdrawn.clone() };
        let publication = Event::Published { at, client, key_packages: fresh.clone() };
        let withdrawal = Some(withdrawal).filter(|_| !withdrawn.is_empty());
        let events = withdrawal.into_iter().chain(Some(publication).filter(|_| !fresh.is_empty())).collect();
        Ok(Decision { events, answer: Replaced { items, withdrawn } })
    }

    fn check_batch<'a>(
        &self,
        policy: &Policy,
        now: UnixSeconds,
        name: &ClientName,
        client: &ClientState,
        items: &'a [Item],
    ) -> Result<Vec<&'a Facts>, PublishError> {
        if items.is_empty() {
            return Err(PublishError::Empty);
        }
        if items.len() > policy.batch_max {
            return Err(PublishError::BatchTooLarge { given: items.len(), max: policy.batch_max });
        }
        let mut faults = BTreeMap::new();
        let mut batch: Vec<&Facts> = vec![];
        for (position, item) in items.iter().enumerate() {
            match self.check_item(now, name, client, item, &batch) {
                Ok(facts) => batch.push(facts),
                Err(fault) => drop(faults.insert(position, fault)),
            }
        }
        if faults.is_empty() { Ok(batch) } else { Err(PublishError::Items(faults)) }
    }

    fn check_item<'a>(
        &self,
        now: UnixSeconds,
        name: &ClientName,
        client: &ClientState,
        item: &'a Item,
        before: &[&Facts],
    ) -> Result<&'a Facts, ItemFault> {
        let key_package = item.key_package.as_ref().map_err(Clone::clone)?;
        let facts = key_package.facts();
        let owner = self.enrolment.as_ref().map_or("", |enrolment| enrolment.user.as_str());
        if key_package.identity() != owner.as_bytes() {
            let found = String::from_utf8_lossy(key_package.identity()).into_owned();
            return Err(ItemFault::IdentityMismatch { found, expected: owner.into() });
        }
        if self.listed_key(now, &facts.signer.id()).is_none_or(|listed| listed.client != *name) {
            return Err(ItemFault::SignerNotListed { client: name.clone() });
        }
        if let Some(declared) = item.declared.filter(|declared| *declared != facts.role) {
            return Err(ItemFault::RoleContradicted { declared, marked: facts.role });
        }
        // Of what is remembered, `check_fresh` knows more.
        let (not_before, remembered) = (facts.not_before, client.packages.contains_key(&facts.reference));
        if let Some(from) = self.fence.filter(|from| not_before < *from && !remembered) {
            return Err(ItemFault::BeforeFence { not_before, from });
        }
        client.check_fresh(facts, before)?;
        let second = |other: &&&Facts| other.role == Role::LastResort && other.suite == facts.suite;
        if facts.role == Role::LastResort && before.iter().any(|other| second(&other)) {
            return Err(ItemFault::TwoLastResorts { suite: facts.suite });
        }
        Ok(facts)
    }
}

/// With `beside(suite)` regular KeyPackages that are there already and stay.
fn check_stock(policy: &Policy, fresh: &[Facts], beside: impl Fn(CipherSuite) -> usize) -> Result<(), PublishError> {
    for suite in &policy.cipher_suites {
        let added = fresh.iter().filter(|facts| facts.suite == *suite && facts.role == Role::Regular).count();
        let available = beside(*suite);
        if added > 0 && available + added > policy.stock_max {
            return Err(PublishError::StockFull { suite: *suite, available, added, max: policy.stock_max });
        }
    }
    Ok(())
}

impl ClientState {
    /// The items of a faultless batch with whether they are new, and the facts of the new ones.
    fn sorted(&self, batch: &[&Facts]) -> (Vec<(KeyPackageRef, bool)>, Vec<Facts>) {
        let is_new = |facts: &Facts| !self.packages.contains_key(&facts.reference);
        let items = batch.iter().map(|facts| (facts.reference, is_new(facts))).collect();
        (items, batch.iter().filter(|facts| is_new(facts)).map(|facts| (*facts).clone()).collect())
    }

    fn withdrawn_for(
        &self,
        stays: impl Fn(&Facts) -> bool,
        now: UnixSeconds,
        listed: &BTreeSet<SignatureKeyId>,
    ) -> Vec<KeyPackageRef> {
        let gone = self.available(now, listed).filter(|record| !stays(&record.facts));
        gone.map(|record| record.facts.reference).collect()
    }

    fn check_fresh(&self, facts: &Facts, before: &[&Facts]) -> Result<(), ItemFault> {
        // The same bytes twice in one batch are a mistake, whether or not they are in stock already.
        if before.iter().any(|other| other.reference == facts.reference) {
            return Err(ItemFault::InitKeyReused { other: facts.reference });
        }
        if let Some(record) = self.packages.get(&facts.reference) {
            return match record.fate {
                Fate::Available => Ok(()),
                fate => Err(ItemFault::AlreadyUsed { fate }),
            };
        }
        let earlier = self.init_keys.get(&facts.init_key_digest).and_then(|other| self.packages.get(other));
        let in_batch = before.iter().find(|other| other.init_key_digest == facts.init_key_digest);
        match earlier.map(|record| &record.facts).or(in_batch.copied()) {
            None => Ok(()),
            Some(other) if other.role == facts.role => Err(ItemFault::InitKeyReused { other: other.reference }),
            Some(other) => Err(ItemFault::RoleConflict { other: other.reference, role: other.role }),
        }
    }
}
