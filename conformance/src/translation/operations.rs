//! What a step asks of the model.

use std::collections::BTreeSet;

use kpd_model::{
    history::Claim,
    names::{ClaimKey, Key, Requester, Suite, Time, User, features},
    spec::Op,
};

use crate::{
    translation::{MADE_AT, Names, number},
    vector::{self, Block, Capabilities, LastResort, Publish, Step},
};

impl Names<'_> {
    /// The step as the model knows it, whatever its proof of authentication; `None` if it is no operation of the model,
    /// or one that holds what a server has chosen, such as a cursor. What is asked about now is asked about the moment
    /// at which everything was made.
    pub(crate) fn op(&self, step: &Step) -> Option<Op> {
        if let Some(publish) = &step.publish {
            return self.publish(publish);
        }
        if let Some(claim) = &step.claim {
            return self.claim(claim);
        }
        if let Some(withdraw) = &step.withdraw {
            let names = withdraw.key_packages.iter().flat_map(|name| self.vector.copies(name));
            let packages = names.filter_map(|name| self.package(&name)).collect();
            return Some(Op::Withdraw { client: self.client(&withdraw.by)?, packages });
        }
        if let Some(stock) = &step.stock {
            return Some(Op::Stock { client: self.client(stock.of.as_ref().unwrap_or(&stock.by))? });
        }
        if let Some(packages) = &step.packages {
            return Some(Op::Reconcile { client: self.client(packages.of.as_ref().unwrap_or(&packages.by))? });
        }
        if let Some(block) = &step.block {
            return Some(Op::Block { user: self.owner(block)?, requester: self.shut_out(block)? });
        }
        if let Some(block) = &step.unblock {
            return Some(Op::Unblock { user: self.owner(block)?, requester: self.shut_out(block)? });
        }
        if let Some(awaited) = &step.await_expiry {
            let copy = self.vector.copies(&awaited.key_package).into_iter().next()?;
            let facts = self.facts(&awaited.key_package, &copy)?;
            return Some(Op::Tick { to: facts.not_after.saturating_add(1) });
        }
        self.of_keys(step)
    }

    fn of_keys(&self, step: &Step) -> Option<Op> {
        if let Some(keys) = &step.keys {
            return (!keys.history).then(|| Op::Keys { user: self.user(&keys.of) });
        }
        if let Some(resolve) = &step.resolve {
            // What discovery leads to is the list.
            return resolve.of.as_ref().map(|user| Op::Keys { user: self.user(user) });
        }
        if let Some(verify) = &step.verify {
            // A client that was never added has a key that nobody has listed.
            let key = self.key(&verify.client).unwrap_or(Key(u32::MAX));
            let at = verify.at.map_or(MADE_AT, moment);
            return Some(Op::Verify { user: self.user(&verify.of), key, at });
        }
        if let Some(add) = &step.add_key {
            let (user, _) = self.vector.client(&add.client)?;
            let key = self.key(add.key_of.as_ref().unwrap_or(&add.client))?;
            let (client, expires) = (self.client(&add.client)?, add.expires_in.map(moment));
            return Some(Op::AddKey { user: self.user(&user), client, key, expires });
        }
        if let Some(extend) = &step.extend_key {
            let (client, key) = (self.client(&extend.client)?, self.key(&extend.client)?);
            return Some(Op::ExtendKey { client, key, expires: moment(extend.expires_in) });
        }
        if let Some(remove) = &step.remove_key {
            return Some(Op::RemoveKey { client: self.client(&remove.client)?, key: self.key(&remove.client)? });
        }
        let remove = step.remove_client.as_ref()?;
        Some(Op::RemoveClient { client: self.client(&remove.client)? })
    }

    fn publish(&self, publish: &Publish) -> Option<Op> {
        let client = self.client(publish.owner.as_ref().unwrap_or(&publish.by))?;
        let names = publish.key_packages.iter().flat_map(|name| {
            let copies = self.vector.copies(name).into_iter();
            copies.map(move |copy| (name, copy))
        });
        let packages = names.filter_map(|(recipe, name)| self.facts(recipe, &name)).collect();
        Some(if publish.replace { Op::Replace { client, packages } } else { Op::Publish { client, packages } })
    }

    fn claim(&self, claim: &vector::Claim) -> Option<Op> {
        let suites = claim.cipher_suites.clone().unwrap_or_else(|| vec![1]);
        let by = self.vector.client(&claim.by)?;
        let own = (by.0 == claim.of).then(|| self.client(&claim.by)).flatten();
        let key = |key: &String| {
            let known = self.claim_keys.iter().position(|(of, known)| *of == by && *known == key);
            ClaimKey(number(known))
        };
        Some(Op::Claim(Claim {
            requester: self.requester(&by.0),
            requester_client: own,
            user: self.user(&claim.of),
            suites: suites.into_iter().map(|suite| Suite(suite.into())).collect(),
            requires: claim.requires.as_ref().map_or_else(BTreeSet::new, |required| {
                let Capabilities { extensions, proposals, credentials } = required.clone();
                features(extensions, proposals, credentials)
            }),
            last_resort_accepted: claim.last_resort == LastResort::Accept,
            key: claim.key.as_ref().map(key),
        }))
    }

    fn owner(&self, block: &Block) -> Option<User> {
        let (owner, _) = self.vector.client(block.owner.as_ref().unwrap_or(&block.by))?;
        Some(self.user(&owner))
    }

    fn shut_out(&self, block: &Block) -> Option<Requester> {
        let (owner, _) = self.vector.client(block.owner.as_ref().unwrap_or(&block.by))?;
        match (&block.requester, block.server) {
            // Whoever shuts itself out still adds its own clients: nobody asks by this name.
            (Some(user), None) if *user == owner => Some(Self::ITSELF),
            (Some(user), None) => Some(self.requester(user)),
            (None, Some(place)) => Some(Self::server(place)),
            _ => None,
        }
    }
}

/// A moment of a vector, which counts from its beginning.
fn moment(seconds: i64) -> Time {
    MADE_AT.saturating_add_signed(seconds)
}
