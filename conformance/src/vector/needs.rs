//! What a server must be able to do for a vector, beside what the vector says itself.

use std::collections::BTreeSet;

use crate::{
    binding::Hook,
    vector::{Capability, Step, Vector},
};

impl Vector {
    /// What it needs because of its steps, without saying so.
    pub fn derived_needs(&self) -> impl Iterator<Item = Capability> {
        let hooks = self.all_steps().filter_map(|(_, step)| step.hook());
        let hooks = hooks.map(|hook| match hook {
            Hook::Kill | Hook::Start | Hook::Restart => Capability::Restart,
            Hook::Snapshot | Hook::Restore => Capability::Restore,
            Hook::Clock => Capability::Clock,
        });
        let anothers = self.all_steps().any(|(_, step)| self.is_about_another(step));
        let of_itself = |step: &Step| {
            let claim = step.claim.as_ref()?;
            Some(self.client(&claim.by)?.0 == claim.of)
        };
        let own = self.all_steps().any(|(_, step)| of_itself(step) == Some(true));
        let own = own.then_some(Capability::SparesOwnClient);
        let adds = self.adds_to_stock().then_some(Capability::AddsToStock);
        // Whom an owner shuts out is told what an unknown user would be.
        let nobody = |step: &Step| step.block.is_some() || self.is_claim_of_nobody(step);
        let unknown = self.all_steps().any(|(_, step)| nobody(step)).then_some(Capability::UnknownUser);
        hooks.chain(unknown).chain(anothers.then_some(Capability::NameOwner)).chain(own).chain(adds)
    }

    /// Whether somebody claims of a user that the server does not know.
    pub(crate) fn is_claim_of_nobody(&self, step: &Step) -> bool {
        let of = step.claim.as_ref().and_then(|claim| self.users.get(&claim.of));
        of.is_some_and(|user| !user.registered)
    }

    /// Whether more is published for one client, of whatever is no last resort.
    fn adds_to_stock(&self) -> bool {
        let is_regular = |name: &String| self.key_packages.get(name).is_none_or(|recipe| !recipe.last_resort);
        let owners = self.all_steps().filter_map(|(_, step)| {
            let publish = step.publish.as_ref().filter(|publish| !publish.replace)?;
            let regular = publish.key_packages.iter().any(is_regular);
            regular.then(|| self.client(publish.owner.as_ref().unwrap_or(&publish.by)))
        });
        let mut seen = BTreeSet::new();
        owners.into_iter().any(|owner| !seen.insert(owner))
    }

    /// Whether somebody publishes for, asks for or removes what another user, or another client, has.
    fn is_about_another(&self, step: &Step) -> bool {
        let publishing = step.publish.as_ref().and_then(|publish| Some((&publish.by, publish.owner.as_ref()?)));
        let asking = step.stock.as_ref().and_then(|stock| Some((&stock.by, stock.of.as_ref()?)));
        let another = |(by, of): (&String, &String)| self.client(by) != self.client(of);
        // A client may be removed by any other of the same user.
        let removing = step.remove_client.as_ref().is_some_and(|remove| {
            let user = |name: &str| self.client(name).map(|(user, _)| user);
            user(&remove.by) != user(&remove.client)
        });
        let blocks = step.block.iter().chain(&step.unblock);
        let blocking = blocks.filter_map(|block| Some((&block.by, block.owner.as_ref()?)));
        let listing = step.blocks.as_ref().and_then(|blocks| Some((&blocks.by, blocks.of.as_ref()?)));
        let reading = step.notifications.as_ref().and_then(|feed| Some((&feed.by, feed.of.as_ref()?)));
        let looking = step.packages.as_ref().and_then(|packages| Some((&packages.by, packages.of.as_ref()?)));
        let pairs = publishing.into_iter().chain(asking).chain(blocking).chain(listing).chain(reading).chain(looking);
        pairs.into_iter().any(another) || removing
    }
}
