//! Scenario families, one for each kind of trouble: the sum of small spaces, not their product.

mod claims;
mod life;
mod limits;
mod owner;

use crate::system::{Scenario, scenario::claim};

pub(crate) use owner::{notifications, refill, rotation};

/// A kind of trouble, in several sizes.
#[derive(Clone, Copy, Debug)]
pub struct Family {
    /// Its name, which its scenarios have, too.
    pub name: &'static str,
    /// What is left out, and why nothing is lost by that.
    pub out: &'static str,
    /// A mutant that no other family catches: what this one is there for.
    pub decides: &'static str,
    /// The scenario in a size; deep ones are made of the usual one: see [`Family::scenarios`].
    pub scenario: fn(Bounds) -> Scenario,
}

/// How large a scenario is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Bounds {
    /// As small as shows every mutant, for tests and short traces.
    Small,
    /// What `kpd model check` explores: minutes at most, all families together.
    Usual,
    /// What `kpd model check --deep` explores.
    Deep,
}

macro_rules! families {
    ($($name:literal $scenario:path, decides $mutant:literal, out: $out:literal;)*) => {
        /// All families.
        pub const FAMILIES: &[Family] = &[$(Family {
            name: $name,
            out: $out,
            decides: $mutant,
            scenario: $scenario,
        }),*];
    };
}

families! {
    "race" claims::race, decides "one-last-resort-each",
        out: "Time, keys and a second client: what is raced for here is live all the time.";
    "replacement" claims::replacement, decides "clears-used",
        out: "Withdrawals: a last resort that is replaced ends as one that is withdrawn does.";
    "clients" claims::clients, decides "ignores-suites",
        out: "Publications while claims come: that is the race, for each client alone.";
    "capabilities" claims::capabilities, decides "ignores-capabilities",
        out: "Suites, which are matched before: a package is of one, and that is the family before.";
    "selection" claims::selection, decides "orders-by-name",
        out: "Last resorts: there is one at most, so no order.";
    "publications" owner::publications, decides "forgets-init-keys",
        out: "Claims but one: what is used is used, by whomever.";
    "refusals" owner::refusals, decides "takes-dead-lifetimes",
        out: "Anything that was used before: that is the family before.";
    "notifications" owner::notifications, decides "reads-newest-first",
        out: "Publications: the feed tells of grants alone.";
    "drain" owner::drain, decides "tells-every-drain",
        out: "A second client or suite: each is counted for itself.";
    "reading" owner::reading, decides "purges-on-count",
        out: "Two claims: a read sees a state, and how that came about is no matter.";
    "replace" owner::replace, decides "withdraws-before-it-validates",
        out: "A second client: a replacement touches the packages of one alone.";
    "endings" life::endings, decides "ignores-removed-keys",
        out: "Expiry of keys, which has a family of its own.";
    "keys" life::keys, decides "vouches-for-the-present",
        out: "Packages that expire themselves: the clock ends both in the same way.";
    "removal" life::removal, decides "removes-keys-only",
        out: "A second client: its packages are not touched.";
    "collection" life::collection, decides "collects-used-early",
        out: "A second collection: it finds what the first one would have found later.";
    "crash" life::crash, decides "counts-in-memory",
        out: "The machine under the store: what was appended is durable, and a mutant appends late instead.";
    "restore" life::restore, decides "fences-without-skew",
        out: "Keys that were removed since the backup: they are listed again, and the operator has to know.";
    "restored-feed" life::restored_feed, decides "restarts-sequences-after-a-restore",
        out: "Time: the fence is where it matters, and that is in the family before.";
    "limits" limits::limits, decides "limits-the-target",
        out: "Two clients of the user: a claim counts once, whatever it gets.";
    "servers" limits::servers, decides "does-not-count-servers",
        out: "Limits of requesters and pairs: these come before and after, and are the family before.";
    "blocks" limits::blocks, decides "forgets-blocks",
        out: "Blocks of servers: they are the same look-up under another name.";
}

/// The family of this name.
#[must_use]
pub fn family(name: &str) -> Option<&'static Family> {
    FAMILIES.iter().find(|family| family.name == name)
}

/// The scenarios of all families in one size.
#[must_use]
pub fn scenarios(bounds: Bounds) -> Vec<Scenario> {
    FAMILIES.iter().flat_map(|family| family.scenarios(bounds)).collect()
}

impl Family {
    /// Its scenarios in a size. Deep are those of usual size, and each of them once more with another trouble, as far as
    /// that stays a matter of seconds.
    #[must_use]
    pub fn scenarios(&self, bounds: Bounds) -> Vec<Scenario> {
        if bounds < Bounds::Deep {
            return vec![(self.scenario)(bounds)];
        }
        let usual = || (self.scenario)(Bounds::Usual);
        let more = MORE.iter().filter(|(_, families, _)| families.is_empty() || families.contains(&self.name));
        std::iter::once(usual()).chain(more.map(|(more, _, change)| usual().and(more, *change))).collect()
    }
}

/// One more trouble: what it is, the families that have it (all, if none is named), and how it is made.
type More = (&'static str, &'static [&'static str], fn(Scenario) -> Scenario);

const CLAIMED: &[&str] = &[
    "race",
    "replacement",
    "clients",
    "selection",
    "publications",
    "refusals",
    "replace",
    "endings",
    "keys",
    "collection",
    "crash",
    "restore",
    "limits",
    "servers",
    "blocks",
];

const MORE: [More; 3] = [
    ("a crash more", &[], |usual| Scenario { crashes: usual.crashes + 1, ..usual }),
    ("a replica more", &["selection", "refusals", "notifications", "crash"], |usual| Scenario {
        replicas: usual.replicas + 1,
        ..usual
    }),
    ("a claim more", CLAIMED, |usual| usual.asks([claim(7, 1)])),
];
