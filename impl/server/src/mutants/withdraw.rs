//! Lies about withdrawals.

use std::collections::BTreeSet;

use kpd_directory::{
    ClientName, Decision, KeyPackageRef,
    withdraw::{WithdrawError, WithdrawnFate},
};

use crate::seams::{Fates, Ruling, Scene, Seams};

pub(super) fn does_nothing(
    scene: &Scene<'_>,
    client: &ClientName,
    references: &BTreeSet<KeyPackageRef>,
) -> Ruling<Fates, WithdrawError> {
    Decision { events: vec![], ..(Seams::HONEST.withdraw)(scene, client, references) }
}

pub(super) fn silent(
    scene: &Scene<'_>,
    client: &ClientName,
    references: &BTreeSet<KeyPackageRef>,
) -> Ruling<Fates, WithdrawError> {
    let mut ruling = (Seams::HONEST.withdraw)(scene, client, references);
    for fate in ruling.answer.iter_mut().flat_map(|fates| fates.values_mut()) {
        if *fate == WithdrawnFate::AlreadyGranted {
            *fate = WithdrawnFate::Withdrawn;
        }
    }
    ruling
}
