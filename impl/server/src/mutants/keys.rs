//! Lies about signature keys.

use httpsig::prelude::{AlgorithmName, PublicKey, SecretKey, SigningKey as _};
use kpd_directory::{
    Decision, Event, SignatureKey, SignatureKeyId, SignatureScheme, UnixSeconds, UserId, UserState,
    event::Claim,
    keys::{AddKey, AddKeyError, AddedKey, ExtendKeyError, possession_message},
    standing::{Ended, Standing},
    state::ListedKey,
};

use super::lies::ClaimRuling;
use crate::seams::{PastKey, Ruling, Scene, Seams, UnknownUser, claim_from, read};

type AddRuling = Ruling<AddedKey, AddKeyError>;
type ExtendRuling = Ruling<UnixSeconds, ExtendKeyError>;

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
        Decision { answer: Err(AddKeyError::KeyTaken), .. }
            if scene.state.listed_key(scene.now, &add.key.id()).is_some() =>
        {
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

pub(super) fn lists_expired(scene: &Scene<'_>) -> Ruling<Vec<ListedKey>, UnknownUser> {
    (Seams::HONEST.keys)(&Scene { state: &endless(scene), ..*scene })
}

pub(super) fn expiry_does_not_cascade(scene: &Scene<'_>, claim: &Claim) -> ClaimRuling {
    claim_from(scene, &endless(scene), claim)
}

/// As if no key had an end.
fn endless(scene: &Scene<'_>) -> UserState {
    let told = scene.history.iter().filter(|event| !matches!(event, Event::KeyExtended { .. })).cloned();
    let told = told.map(|mut event| {
        if let Event::KeyAdded { expires_at, .. } = &mut event {
            *expires_at = None;
        }
        event
    });
    UserState::of(&told.collect::<Vec<_>>())
}

pub(super) fn moves_expiry_back(scene: &Scene<'_>, key: &SignatureKeyId, asked: UnixSeconds) -> ExtendRuling {
    extended_if(scene, key, asked, |refusal| {
        matches!(refusal, ExtendKeyError::ExpiryNotForward { expires_at: Some(_), .. })
    })
}

pub(super) fn extends_ended(scene: &Scene<'_>, key: &SignatureKeyId, asked: UnixSeconds) -> ExtendRuling {
    extended_if(scene, key, asked, |refusal| matches!(refusal, ExtendKeyError::KeyEnded { .. }))
}

fn extended_if(
    scene: &Scene<'_>,
    key: &SignatureKeyId,
    asked: UnixSeconds,
    pardons: fn(&ExtendKeyError) -> bool,
) -> ExtendRuling {
    let ruling = (Seams::HONEST.extend_key)(scene, key, asked);
    if ruling.answer.as_ref().is_err_and(pardons) {
        let event = Event::KeyExtended { at: scene.now, key: *key, expires_at: asked };
        return Decision { events: vec![event], answer: Ok(asked) };
    }
    ruling
}

pub(super) fn forgets_extension(scene: &Scene<'_>, key: &SignatureKeyId, asked: UnixSeconds) -> ExtendRuling {
    Decision { events: vec![], ..(Seams::HONEST.extend_key)(scene, key, asked) }
}

pub(super) fn hides_ended(scene: &Scene<'_>) -> Ruling<Vec<PastKey>, UnknownUser> {
    let mut ruling = (Seams::HONEST.key_history)(scene);
    ruling.answer.iter_mut().for_each(|keys| keys.retain(|key| key.ended.is_none()));
    ruling
}

pub(super) fn calls_expired_removed(scene: &Scene<'_>) -> Ruling<Vec<PastKey>, UnknownUser> {
    let mut ruling = (Seams::HONEST.key_history)(scene);
    for (_, ended) in ruling.answer.iter_mut().flatten().filter_map(|key| key.ended.as_mut()) {
        *ended = Ended::Removed;
    }
    ruling
}

pub(super) fn verifies_at_present(scene: &Scene<'_>, key: &[u8], _: UnixSeconds) -> (Standing, Option<PastKey>) {
    (Seams::HONEST.verify)(scene, key, scene.now)
}

pub(super) fn verifies_for_ever(scene: &Scene<'_>, key: &[u8], at: UnixSeconds) -> (Standing, Option<PastKey>) {
    match (Seams::HONEST.verify)(scene, key, at) {
        (Standing::Expired | Standing::Removed, key) => (Standing::Valid, key),
        other => other,
    }
}

pub(super) fn discovers_anybody(scene: &Scene<'_>) -> Ruling<UserId, UnknownUser> {
    read(Ok(scene.user.clone()))
}

pub(super) fn discovers_somebody_else(scene: &Scene<'_>) -> Ruling<UserId, UnknownUser> {
    let somebody = UserId::parse(&format!("acct:somebody@{}", scene.user.server()));
    let Decision { events, answer } = (Seams::HONEST.discover)(scene);
    Decision { events, answer: answer.map(|user| somebody.unwrap_or(user)) }
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
    let expires_at = add.expires_at;
    let event = Event::KeyAdded { at: scene.now, client, key, by_token, expires_at };
    Decision { events: vec![event], answer: Ok(AddedKey { id: add.key.id(), expires_at }) }
}

fn with_another_key(scene: &Scene<'_>, add: &AddKey) -> Option<AddKey> {
    let secret = SecretKey::from_bytes(&AlgorithmName::Ed25519, &rand::random::<[u8; 32]>()).ok()?;
    let PublicKey::Ed25519(public) = secret.public_key() else { return None };
    let key = SignatureKey::new(SignatureScheme::Ed25519, public.as_ref()).ok()?;
    let proof = secret.sign(&possession_message(scene.user, &add.client, &key)).ok()?;
    Some(AddKey { key, proof, ..add.clone() })
}
