//! Lies about signature keys.

use httpsig::prelude::{AlgorithmName, PublicKey, SecretKey, SigningKey as _};
use kpd_directory::{
    Decision, Event, SignatureKey, SignatureKeyId, SignatureScheme, UserState,
    event::Claim,
    keys::{AddKey, AddKeyError, possession_message},
    state::ListedKey,
};

use super::lies::ClaimRuling;
use crate::seams::{Ruling, Scene, Seams, UnknownUser, claim_from, read};

type AddRuling = Ruling<SignatureKeyId, AddKeyError>;

fn truth(scene: &Scene<'_>, add: &AddKey) -> AddRuling {
    (Seams::HONEST.add_key)(scene, add)
}

pub(super) fn lists_removed(scene: &Scene<'_>) -> Ruling<Vec<ListedKey>, UnknownUser> {
    let ever = scene.history.iter().filter(|event| !matches!(event, Event::KeyRemoved { .. }));
    let state = UserState::of(ever);
    (Seams::HONEST.keys)(&Scene { state: &state, ..*scene })
}

pub(super) fn skips_possession_proof(scene: &Scene<'_>, add: &AddKey) -> AddRuling {
    match truth(scene, add) {
        Decision { answer: Err(AddKeyError::InvalidProof), .. } => added_like_another(scene, add),
        other => other,
    }
}

pub(super) fn accepts_taken(scene: &Scene<'_>, add: &AddKey) -> AddRuling {
    match truth(scene, add) {
        Decision { answer: Err(AddKeyError::KeyTaken), .. } if scene.state.listed_key(&add.key.id()).is_some() => {
            added_like_another(scene, add)
        }
        other => other,
    }
}

pub(super) fn accepts_any_token(scene: &Scene<'_>, add: &AddKey) -> AddRuling {
    match truth(scene, add) {
        Decision { answer: Err(AddKeyError::InvalidToken), .. } => added(scene, add, true),
        other => other,
    }
}

pub(super) fn removal_does_not_cascade(scene: &Scene<'_>, claim: &Claim) -> ClaimRuling {
    let ever = scene.history.iter().filter(|event| !matches!(event, Event::KeyRemoved { .. }));
    claim_from(scene, &UserState::of(ever), claim)
}

/// Adds the key, if in its place a new one with a proof could be added: nothing but the key itself is overlooked.
fn added_like_another(scene: &Scene<'_>, add: &AddKey) -> AddRuling {
    let Some(other) = with_another_key(scene, add) else { return truth(scene, add) };
    let ruling = truth(scene, &other);
    match ruling.events.as_slice() {
        [Event::KeyAdded { by_token, .. }] => added(scene, add, *by_token),
        _ => ruling,
    }
}

fn added(scene: &Scene<'_>, add: &AddKey, by_token: bool) -> AddRuling {
    let (client, key) = (add.client.clone(), add.key.clone());
    let event = Event::KeyAdded { at: scene.now, client, key, by_token };
    Decision { events: vec![event], ..read(Ok(add.key.id())) }
}

fn with_another_key(scene: &Scene<'_>, add: &AddKey) -> Option<AddKey> {
    let secret = SecretKey::from_bytes(&AlgorithmName::Ed25519, &rand::random::<[u8; 32]>()).ok()?;
    let PublicKey::Ed25519(public) = secret.public_key() else { return None };
    let key = SignatureKey::new(SignatureScheme::Ed25519, public.as_ref()).ok()?;
    let proof = secret.sign(&possession_message(scene.user, &add.client, &key)).ok()?;
    Some(AddKey { key, proof, ..add.clone() })
}
