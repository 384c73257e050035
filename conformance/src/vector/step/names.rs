//! What a step is called, what it asks a server for, and the names that it uses.

use crate::{
    binding::{Hook, Operation},
    vector::{Block, Step},
};

impl Step {
    /// The names of the operations in it; one, in a good vector.
    #[must_use]
    pub fn operations(&self) -> Vec<&'static str> {
        let all = [
            ("publish", self.publish.is_some()),
            ("claim", self.claim.is_some()),
            ("withdraw", self.withdraw.is_some()),
            ("stock", self.stock.is_some()),
            ("packages", self.packages.is_some()),
            ("notifications", self.notifications.is_some()),
            ("acknowledge", self.acknowledge.is_some()),
            ("keys", self.keys.is_some()),
            ("resolve", self.resolve.is_some()),
            ("add_key", self.add_key.is_some()),
            ("extend_key", self.extend_key.is_some()),
            ("remove_key", self.remove_key.is_some()),
            ("remove_client", self.remove_client.is_some()),
            ("verify", self.verify.is_some()),
            ("block", self.block.is_some()),
            ("unblock", self.unblock.is_some()),
            ("blocks", self.blocks.is_some()),
            ("join", self.join.is_some()),
            ("await_expiry", self.await_expiry.is_some()),
            ("await_key_expiry", self.await_key_expiry.is_some()),
            ("await_retry", self.await_retry.is_some()),
            ("kill", self.kill.is_some()),
            ("start", self.start.is_some()),
            ("restart", self.restart.is_some()),
            ("snapshot", self.snapshot.is_some()),
            ("restore", self.restore.is_some()),
            ("recall", self.recall.is_some()),
        ];
        all.into_iter().filter(|(_, there)| *there).map(|(name, _)| name).collect()
    }

    /// The name of its operation.
    #[must_use]
    pub fn operation(&self) -> &'static str {
        self.operations().first().copied().unwrap_or("nothing")
    }

    /// What it asks a server for; nothing, where no server takes part.
    #[must_use]
    pub fn bound_operation(&self) -> Option<Operation> {
        let server = |block: &Option<Block>| block.as_ref().is_some_and(|block| block.server.is_some());
        Some(match self.operation() {
            "publish" if self.publish.as_ref().is_some_and(|publish| publish.replace) => Operation::Replace,
            "publish" => Operation::Publish,
            "claim" => Operation::Claim,
            "withdraw" => Operation::Withdraw,
            "stock" => Operation::Stock,
            "packages" => Operation::Packages,
            "notifications" if self.waits_to_be_told() => Operation::AwaitNotifications,
            "notifications" => Operation::Notifications,
            "acknowledge" => Operation::Acknowledge,
            "keys" if self.keys.as_ref().is_some_and(|keys| keys.history) => Operation::KeyHistory,
            "keys" => Operation::Keys,
            "resolve" if self.resolve.as_ref().is_some_and(|resolve| resolve.of.is_none()) => Operation::ResolveNobody,
            "resolve" => Operation::Resolve,
            "add_key" if self.add_key.as_ref().is_some_and(|add| add.forged_token) => Operation::AddKeyByToken,
            "add_key" => Operation::AddKey,
            "extend_key" => Operation::ExtendKey,
            "remove_key" => Operation::RemoveKey,
            "remove_client" => Operation::RemoveClient,
            "verify" if self.verify.as_ref().is_some_and(|verify| verify.at.is_some()) => Operation::VerifyAt,
            "verify" => Operation::Verify,
            "block" if server(&self.block) => Operation::BlockServer,
            "block" => Operation::Block,
            "unblock" if server(&self.unblock) => Operation::UnblockServer,
            "unblock" => Operation::Unblock,
            "blocks" => Operation::Blocks,
            _ => return None,
        })
    }

    /// What it does to the server from outside.
    #[must_use]
    pub fn hook(&self) -> Option<Hook> {
        let all = [
            (Hook::Kill, self.kill),
            (Hook::Start, self.start),
            (Hook::Restart, self.restart),
            (Hook::Snapshot, self.snapshot),
            (Hook::Restore, self.restore),
        ];
        all.into_iter().find(|(_, there)| there.is_some()).map(|(hook, _)| hook)
    }

    /// Whether it waits for a moment, or for something to be told.
    #[must_use]
    pub fn waits(&self) -> bool {
        self.waits_for_a_moment() || self.waits_to_be_told()
    }

    /// Whether it waits for a moment that a clock decides.
    #[must_use]
    pub fn waits_for_a_moment(&self) -> bool {
        self.await_expiry.is_some() || self.await_key_expiry.is_some() || self.await_retry.is_some()
    }

    /// Whether an owner waits for its notifications.
    #[must_use]
    pub fn waits_to_be_told(&self) -> bool {
        self.notifications.as_ref().is_some_and(|feed| feed.wait.is_some())
    }

    /// Whom the step blocks, or lets in again.
    fn blocking(&self) -> impl Iterator<Item = &Block> {
        self.block.iter().chain(&self.unblock)
    }

    /// The clients that it names; some exist only once a step has added them.
    #[must_use]
    pub fn client_names(&self) -> Vec<&str> {
        let publish = self.publish.iter().flat_map(|publish| [Some(&publish.by), publish.owner.as_ref()]);
        let stock = self.stock.iter().flat_map(|stock| [Some(&stock.by), stock.of.as_ref()]);
        let packages = self.packages.iter().flat_map(|packages| [Some(&packages.by), packages.of.as_ref()]);
        let feed = self.notifications.iter().flat_map(|feed| [Some(&feed.by), feed.of.as_ref()]);
        let added = self.add_key.iter().flat_map(|add| [Some(&add.by), Some(&add.client), add.key_of.as_ref()]);
        let extended = self.extend_key.iter().flat_map(|extend| [Some(&extend.by), Some(&extend.client)]);
        let removed = self.remove_key.iter().flat_map(|remove| [Some(&remove.by), Some(&remove.client)]);
        let ended = self.remove_client.iter().flat_map(|remove| [Some(&remove.by), Some(&remove.client)]);
        let blocks = self.blocks.iter().flat_map(|blocks| [Some(&blocks.by), blocks.of.as_ref()]);
        let others = [
            self.claim.as_ref().map(|claim| &claim.by),
            self.withdraw.as_ref().map(|withdraw| &withdraw.by),
            self.acknowledge.as_ref().map(|acknowledge| &acknowledge.by),
            self.verify.as_ref().map(|verify| &verify.client),
            self.await_key_expiry.as_ref().map(|awaited| &awaited.client),
            self.join.as_ref().map(|join| &join.by),
        ];
        let owners = self.blocking().flat_map(|block| [Some(&block.by), block.owner.as_ref()]);
        let keys = added.chain(extended).chain(removed).chain(ended);
        let all = publish.chain(stock).chain(packages).chain(feed).chain(keys).chain(blocks).chain(owners);
        all.chain(others).flatten().map(String::as_str).collect()
    }

    /// The users that it names as users.
    #[must_use]
    pub fn user_names(&self) -> Vec<&str> {
        let names = [
            self.claim.as_ref().map(|claim| &claim.of),
            self.keys.as_ref().map(|keys| &keys.of),
            self.verify.as_ref().map(|verify| &verify.of),
            self.resolve.as_ref().and_then(|resolve| resolve.of.as_ref()),
        ];
        let blocked = self.blocking().map(|block| block.requester.as_ref());
        names.into_iter().chain(blocked).flatten().map(String::as_str).collect()
    }

    /// The packages that it names.
    #[must_use]
    pub fn package_names(&self) -> Vec<&str> {
        let published = self.publish.iter().flat_map(|publish| &publish.key_packages);
        let withdrawn = self.withdraw.iter().flat_map(|withdraw| &withdraw.key_packages);
        let joined = self.join.iter().map(|join| &join.key_package);
        let awaited = self.await_expiry.iter().map(|awaited| &awaited.key_package);
        published.chain(withdrawn).chain(joined).chain(awaited).map(String::as_str).collect()
    }

    /// Every `$name` in it.
    #[must_use]
    pub fn references(&self) -> Vec<String> {
        let texts = [
            self.notifications.as_ref().and_then(|feed| feed.after.as_deref()),
            self.acknowledge.as_ref().map(|acknowledge| acknowledge.through.as_str()),
            self.await_retry.as_ref().map(|awaited| awaited.from.as_str()),
            self.expect.as_ref().and_then(|expect| expect.same_as.as_deref()),
        ];
        let recalled = self.recall.iter().flatten().map(String::as_str);
        let texts = texts.into_iter().flatten().chain(recalled).chain(self.package_names());
        let named = texts.filter_map(|text| text.strip_prefix('$')).map(str::to_string);
        let matchers = self
            .expect
            .iter()
            .flat_map(|expect| expect.ok.iter().chain(&expect.retry_after).chain(expect.headers.values()));
        named.chain(matchers.flat_map(|matcher| matcher.references())).collect()
    }
}
