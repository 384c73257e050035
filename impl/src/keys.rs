//! The signature-key list: with it anyone can verify that a credential's claim belongs to a signature key.

use openmls::prelude::SignatureScheme as MlsSignatureScheme;
use openmls_rust_crypto::RustCrypto;
use openmls_traits::crypto::OpenMlsCrypto as _;

use crate::{
    Decision, Event,
    names::{ClientName, SignatureKey, SignatureKeyId, SignatureScheme, UnixSeconds, UserId, sha256},
    policy::Policy,
    standing::Ended,
    state::UserState,
};

/// A request to add a signature key.
#[derive(Clone, Debug)]
pub struct AddKey {
    /// For which of the user's clients; it comes into being with its first key.
    pub client: ClientName,
    /// The key.
    pub key: SignatureKey,
    /// The new key's signature over [`possession_message`]: whoever adds a key must hold it (`KEY-PROOF`).
    pub proof: Vec<u8>,
    /// What allows the addition.
    pub authority: Authority,
    /// When it ends by itself, if it does; it can be moved later on.
    pub expires_at: Option<UnixSeconds>,
}

/// A key that is on the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddedKey {
    /// Its name.
    pub id: SignatureKeyId,
    /// When it ends by itself; what was asked for first, where it was there already.
    pub expires_at: Option<UnixSeconds>,
}

/// What allows the addition of a signature key.
#[derive(Clone, Debug)]
pub enum Authority {
    /// The token that the operator gave at enrolment; good once.
    EnrolmentToken(String),
    /// A key on the user's own list, with which the request was signed.
    ListedKey(SignatureKeyId),
}

/// Why a user was not let in. Nothing changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnrolError {
    /// The account has a signature key already: its owner adds more.
    #[error("this user is enrolled already")]
    AlreadyEnrolled,
}

/// Why a signature key was not added. Nothing changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddKeyError {
    /// The operator has not let this user in.
    #[error("no such user")]
    UnknownUser,
    /// `KEY-PROOF`: wrong, spent or expired token.
    #[error("the enrolment token is wrong, spent or expired")]
    InvalidToken,
    /// `KEY-PROOF`: the request's key is not on this user's list.
    #[error("the request is not signed by a key on this user's list")]
    NotListed,
    /// `KEY-PROOF`: the new key did not sign the message.
    #[error("the proof is not the new key's signature over the possession message for this user and client")]
    InvalidProof,
    /// `KEY-UNIQUE`, `KEY-NO-REVIVE`: the key is, or was, some client's.
    #[error("this key is, or was, on a list already")]
    KeyTaken,
    /// `KEY-EXPIRY-FORWARD`: it would have ended before it began.
    #[error("the key would end at {expires_at}, and now it is {now} (Unix seconds)")]
    ExpiryPassed {
        /// What was asked for.
        expires_at: UnixSeconds,
        /// Now.
        now: UnixSeconds,
    },
}

/// Why the end of a signature key was not moved. Nothing changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the sentence of a variant speaks of its fields")]
pub enum ExtendKeyError {
    /// It never was on this user's list.
    #[error("no such key on this user's list")]
    UnknownKey,
    /// `KEY-NO-REVIVE`.
    #[error("this key has ended at {at} (Unix seconds), and does not come back")]
    KeyEnded { ended: Ended, at: UnixSeconds },
    /// `KEY-EXPIRY-FORWARD`: to an earlier time, or of a key that has no end.
    #[error("the key ends {}, and would end at {asked}: an end moves forward only (Unix seconds)", end(*expires_at))]
    ExpiryNotForward { expires_at: Option<UnixSeconds>, asked: UnixSeconds },
}

fn end(expires_at: Option<UnixSeconds>) -> String {
    expires_at.map_or("at no time".into(), |at| format!("at {at}"))
}

/// Why a signature key was not removed. Nothing changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RemoveKeyError {
    /// It never was on this user's list.
    #[error("no such key on this user's list")]
    UnknownKey,
}

/// What the holder of a new key signs to prove that it holds it.
///
/// It begins with a letter, where the signed content of MLS (RFC 9420 §5.1.2) begins with a short length and that of
/// HTTP Message Signatures (RFC 9421 §2.5) with a quotation mark: no signature of one kind serves as another.
#[must_use]
pub fn possession_message(user: &UserId, client: &ClientName, key: &SignatureKey) -> Vec<u8> {
    let public_key = data_encoding::BASE64.encode(key.bytes());
    format!("key-package-directory add-key v1\n{user}\n{client}\n{public_key}\n").into_bytes()
}

impl UserState {
    /// Lets a user in, with the token that adds the first key. Enrolling again replaces a token that is not yet spent,
    /// and lets a user back in who has no listed key any more.
    ///
    /// # Errors
    ///
    /// `AlreadyEnrolled`, while a key is on the list.
    pub fn enrol(
        &self,
        policy: &Policy,
        now: UnixSeconds,
        user: &UserId,
        token: &str,
    ) -> Result<Decision<UnixSeconds>, EnrolError> {
        if self.enrolment.is_some() && !self.listed_keys(now).is_empty() {
            return Err(EnrolError::AlreadyEnrolled);
        }
        let not_after = now.saturating_add(policy.enrolment_seconds);
        let token_digest = digest(token);
        let event = Event::Enrolled { at: now, user: user.clone(), token_digest, not_after };
        Ok(Decision { events: vec![event], answer: not_after })
    }

    /// Adds a signature key. Adding one again that is there succeeds and changes nothing, its end neither: an answer may
    /// have been lost.
    ///
    /// That no *other* user has the key (`KEY-UNIQUE`) is for [`reserve`] to say first.
    ///
    /// # Errors
    ///
    /// See [`AddKeyError`].
    pub fn add_key(&self, now: UnixSeconds, add: &AddKey) -> Result<Decision<AddedKey>, AddKeyError> {
        let enrolment = self.enrolment.as_ref().ok_or(AddKeyError::UnknownUser)?;
        check_possession(&enrolment.user, add)?;
        let id = add.key.id();
        match self.keys.get(&id) {
            Some(listed) if listed.client == add.client && listed.is_valid(now) => {
                return Ok(Decision::unchanged(AddedKey { id, expires_at: listed.expires_at }));
            }
            Some(_) => return Err(AddKeyError::KeyTaken),
            None => {}
        }
        let by_token = match &add.authority {
            Authority::EnrolmentToken(token) => {
                let good = enrolment.token_digest == digest(token) && !enrolment.spent && now < enrolment.not_after;
                good.then_some(true).ok_or(AddKeyError::InvalidToken)?
            }
            Authority::ListedKey(key) => self.listed_key(now, key).map(|_| false).ok_or(AddKeyError::NotListed)?,
        };
        let expires_at = add.expires_at;
        if let Some(expires_at) = expires_at.filter(|expires_at| *expires_at <= now) {
            return Err(AddKeyError::ExpiryPassed { expires_at, now });
        }
        let event = Event::KeyAdded { at: now, client: add.client.clone(), key: add.key.clone(), by_token, expires_at };
        Ok(Decision { events: vec![event], answer: AddedKey { id, expires_at } })
    }

    /// Moves the end of a signature key forward: to the time that it now has. The same time again changes nothing.
    ///
    /// # Errors
    ///
    /// See [`ExtendKeyError`].
    pub fn extend_key(
        &self,
        now: UnixSeconds,
        key: &SignatureKeyId,
        asked: UnixSeconds,
    ) -> Result<Decision<UnixSeconds>, ExtendKeyError> {
        let listed = self.keys.get(key).ok_or(ExtendKeyError::UnknownKey)?;
        if let Some((at, ended)) = listed.ended(now) {
            return Err(ExtendKeyError::KeyEnded { ended, at });
        }
        let expires_at = listed.expires_at;
        if expires_at.is_none_or(|expires_at| asked < expires_at) {
            return Err(ExtendKeyError::ExpiryNotForward { expires_at, asked });
        }
        let event = Event::KeyExtended { at: now, key: *key, expires_at: asked };
        Ok(Decision { events: if expires_at == Some(asked) { vec![] } else { vec![event] }, answer: asked })
    }

    /// Removes a signature key; the KeyPackages that it signed are never granted again (`KEY-CASCADE`). One that has ended
    /// already stays as it is: how it ended is for ever (`KEY-HISTORY`).
    ///
    /// # Errors
    ///
    /// `UnknownKey`.
    pub fn remove_key(&self, now: UnixSeconds, key: &SignatureKeyId) -> Result<Decision<()>, RemoveKeyError> {
        match self.keys.get(key) {
            None => Err(RemoveKeyError::UnknownKey),
            Some(listed) if listed.ended(now).is_some() => Ok(Decision::unchanged(())),
            Some(_) => Ok(Decision { events: vec![Event::KeyRemoved { at: now, key: *key }], answer: () }),
        }
    }
}

/// The user whose key this is, for ever: kept as a history of its own beside the users', and written first, so that no
/// transaction over two users is needed (`KEY-UNIQUE`).
///
/// # Errors
///
/// `KeyTaken`, if it is another client's.
pub fn reserve(
    history: &[KeyReserved],
    user: &UserId,
    client: &ClientName,
) -> Result<Option<KeyReserved>, AddKeyError> {
    let wanted = KeyReserved { user: user.clone(), client: client.clone() };
    match history.first() {
        None => Ok(Some(wanted)),
        Some(first) if *first == wanted => Ok(None),
        Some(_) => Err(AddKeyError::KeyTaken),
    }
}

/// The one event in a signature key's own history.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct KeyReserved {
    /// Whose key it is.
    pub user: UserId,
    /// Which of the user's clients'.
    pub client: ClientName,
}

/// Checks that the new key signed for this user and client; needs no state, and is asked before anything is reserved.
///
/// # Errors
///
/// `InvalidProof`.
pub fn check_possession(user: &UserId, add: &AddKey) -> Result<(), AddKeyError> {
    let scheme = match add.key.scheme() {
        SignatureScheme::Ed25519 => MlsSignatureScheme::ED25519,
        SignatureScheme::EcdsaP256 => MlsSignatureScheme::ECDSA_SECP256R1_SHA256,
    };
    let message = possession_message(user, &add.client, &add.key);
    let verified = RustCrypto::default().verify_signature(scheme, &message, add.key.bytes(), &add.proof);
    verified.map_err(|_| AddKeyError::InvalidProof)
}

fn digest(token: &str) -> [u8; 32] {
    sha256(&[b"enrolment token:", token.as_bytes()])
}
