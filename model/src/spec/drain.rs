//! When an owner is told that one requester drains its stock.

use serde::{Deserialize, Serialize};

use crate::{
    history::{Drain, Role, State},
    names::{Client, Requester, Suite, Time},
    spec::Spec,
};

/// More than such a share of a client's stock of a suite, taken by one requester in a window, is a drain. The stock of a
/// window is what was granted in it and what is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DrainAlert {
    /// More than so many of a hundred.
    pub percent: u32,
    /// And at least so many.
    pub at_least: u32,
    /// The length of the window, which slides.
    pub seconds: Time,
}

impl DrainAlert {
    /// Whether so many of so many are a drain.
    #[must_use]
    pub fn is_over(&self, taken: u32, of: u32) -> bool {
        taken >= self.at_least && taken.saturating_mul(100) > of.saturating_mul(self.percent)
    }
}

impl Spec {
    /// What the notification of a grant says of a drain: nothing, if one by the same requester was told in this window
    /// already. So many packages are left after it.
    pub(super) fn drain(
        &self,
        state: &State,
        (client, suite, role): (Client, Suite, Role),
        requester: Requester,
        left: u32,
    ) -> Option<Drain> {
        let alert = self.drain.filter(|_| role == Role::Regular)?;
        let taken = state.taken.get(&(client, suite)).into_iter().flatten();
        let lately: Vec<_> = taken.filter(|taken| state.now < taken.at.saturating_add(alert.seconds)).collect();
        let own = || lately.iter().filter(|taken| taken.requester == requester);
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let (taken, of) = (count(own().count() + 1), count(lately.len() + 1).saturating_add(left));
        let untold = own().all(|taken| !taken.told);
        (untold && alert.is_over(taken, of)).then_some(Drain { taken, of, seconds: alert.seconds })
    }
}
