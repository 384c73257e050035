//! What is published and claimed: KeyPackages, or one-time keys of other protocols, for which the same rules hold.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::{
    mls::{
        MlsClient,
        recipe::{Made, Surroundings},
    },
    vector::{Mark, Recipe, Vector},
};

/// What is published and claimed, and its recipe.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Material {
    /// Of which kind.
    #[serde(default)]
    pub kind: MaterialKind,
    /// How long opaque material is, in bytes with its prefix; 32 unless said otherwise.
    #[serde(default)]
    pub bytes: Option<usize>,
    /// The bytes that opaque material begins with, in hexadecimal.
    #[serde(default)]
    pub prefix: Option<String>,
}

/// The kinds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MaterialKind {
    /// KeyPackages of MLS (RFC 9420 §10).
    #[default]
    MlsKeyPackage,
    /// Random bytes, with a signature of the client's Ed25519 key beside them for APIs that want one.
    Opaque,
    /// One-time and fallback keys of Matrix: objects signed by the device's Ed25519 key over their canonical JSON.
    SignedCurve25519,
}

/// Less could be met by chance, more is no key.
const BYTES: std::ops::RangeInclusive<usize> = 16..=65_536;

impl Material {
    /// What is wrong with the recipe; `None` if nothing.
    pub(crate) fn mistake(&self) -> Option<String> {
        if self.kind != MaterialKind::Opaque && (self.bytes.is_some() || self.prefix.is_some()) {
            return Some("`bytes` and `prefix` are of opaque material".into());
        }
        match self.prefix() {
            None => Some("`prefix` is not hexadecimal".into()),
            Some(prefix) if !BYTES.contains(&(self.length().saturating_sub(prefix.len()))) => {
                Some(format!("from {} to {} random bytes", BYTES.start(), BYTES.end()))
            }
            Some(_) => None,
        }
    }

    fn length(&self) -> usize {
        self.bytes.unwrap_or(32)
    }

    fn prefix(&self) -> Option<Vec<u8>> {
        data_encoding::HEXLOWER_PERMISSIVE.decode(self.prefix.as_deref().unwrap_or_default().as_bytes()).ok()
    }

    /// Makes what a recipe describes, for a client that the server calls `device` of `user`.
    ///
    /// # Errors
    ///
    /// A recipe that cannot be followed with this material.
    pub fn make(
        &self,
        mls: &MlsClient,
        (user, device): (&str, &str),
        recipe: &Recipe,
        surroundings: &Surroundings<'_>,
    ) -> Result<Made, String> {
        match self.kind {
            MaterialKind::MlsKeyPackage => mls.make(recipe, surroundings),
            MaterialKind::Opaque => {
                let mut bytes = self.prefix().unwrap_or_default();
                let random = self.length().saturating_sub(bytes.len());
                bytes.extend(stretched(&surroundings.seed.bytes(), random));
                Ok(Made::of_bytes(bytes, recipe.last_resort, |bytes| mls.sign(bytes), Value::Null))
            }
            MaterialKind::SignedCurve25519 => {
                // Every string of 32 bytes is a public key of Curve25519 (RFC 7748 §5), and nobody opens a session here.
                let key = stretched(&surroundings.seed.bytes(), 32);
                let encoded = data_encoding::BASE64_NOPAD.encode(&key);
                let mut object = json!({ "key": encoded });
                if recipe.last_resort {
                    object["fallback"] = true.into();
                }
                let object = signed(object, mls, user, device);
                Ok(Made::of_bytes(key, recipe.last_resort, |bytes| mls.sign(bytes), object))
            }
        }
    }

    /// Why a vector makes no sense with this material; `None` if it does.
    #[must_use]
    pub fn lacks(&self, vector: &Vector) -> Option<&'static str> {
        (self.kind != MaterialKind::MlsKeyPackage).then(|| needs_mls(vector)).flatten()
    }
}

/// What of a vector is about MLS itself, rather than about one-time keys of any kind.
fn needs_mls(vector: &Vector) -> Option<&'static str> {
    let recipe = |found: &dyn Fn(&Recipe) -> bool| vector.key_packages.values().any(found);
    let step = |found: &dyn Fn(&crate::vector::Step) -> bool| vector.all_steps().any(|(_, step)| found(step));
    let foreign = |step: &crate::vector::Step| {
        step.publish.as_ref().is_some_and(|publish| {
            let owner = vector.client(publish.owner.as_ref().unwrap_or(&publish.by));
            let of = |name: &String| vector.key_packages.get(name).map(|recipe| vector.client(&recipe.client));
            publish.key_packages.iter().filter_map(of).any(|of| of != owner)
        })
    };
    let suites = |step: &crate::vector::Step| {
        let claimed = step.claim.as_ref().and_then(|claim| claim.cipher_suites.as_ref());
        claimed.is_some_and(|suites| *suites != [1]) || step.stock.as_ref().is_some_and(|stock| stock.cipher_suite != 1)
    };
    let required = |step: &crate::vector::Step| step.claim.as_ref().is_some_and(|claim| claim.requires.is_some());
    let timed = |recipe: &Recipe| recipe.not_before.is_some() || recipe.not_after.is_some();
    let signed = |recipe: &Recipe| recipe.unlisted_signer || recipe.identity_of.is_some();
    let all = [
        (recipe(&|recipe| recipe.flaw.is_some() || recipe.framed), "it is about the encoding of KeyPackages"),
        (recipe(&signed) || step(&foreign), "it is about who signed a KeyPackage"),
        (recipe(&|recipe| recipe.same_init_key_as.is_some()), "it is about the init key of a KeyPackage"),
        (recipe(&timed) || step(&|step| step.await_expiry.is_some()), "it is about the lifetime of KeyPackages"),
        (recipe(&|recipe| recipe.cipher_suite != 1) || step(&suites), "it is about cipher suites"),
        (step(&required), "it is about the capabilities in a KeyPackage"),
        (recipe(&|recipe| recipe.mark != Mark::Extension), "it is about how a last resort is marked"),
        (
            step(&|step| step.publish.as_ref().is_some_and(|publish| publish.declared.is_some())),
            "it is about how a last resort is marked",
        ),
        (step(&|step| step.join.is_some()), "it starts real groups"),
    ];
    all.into_iter().find(|(there, _)| *there).map(|(_, why)| why)
}

/// The keys of a Matrix device, signed by itself, as `POST /keys/upload` takes them.
#[must_use]
pub fn device_keys(mls: &MlsClient, user: &str, device: &str) -> Value {
    let name = format!("ed25519:{device}");
    let ed25519 = data_encoding::BASE64_NOPAD.encode(&mls.public_key());
    let curve25519 = data_encoding::BASE64_NOPAD.encode(&stretched(&mls.public_key(), 32));
    let keys = json!({
        "user_id": user,
        "device_id": device,
        "algorithms": ["m.olm.v1.curve25519-aes-sha2", "m.megolm.v1.aes-sha2"],
        "keys": { name: ed25519, format!("curve25519:{device}"): curve25519 },
    });
    signed(keys, mls, user, device)
}

/// With the device's signature (Matrix specification, appendices, "Signing JSON"). It is one Ed25519 signature, by the crate
/// that vodozemac signs with, too; what that has beside (sessions) is not needed, and the canonical form it leaves to others.
fn signed(mut object: Value, mls: &MlsClient, user: &str, device: &str) -> Value {
    let signature = data_encoding::BASE64_NOPAD.encode(&mls.sign(canonical(&object).as_bytes()));
    object["signatures"] = json!({ user: { format!("ed25519:{device}"): signature } });
    object
}

/// Canonical JSON of what is signed here: no white space, names in the order of their code points.
fn canonical(value: &Value) -> String {
    match value {
        Value::Object(entries) => {
            let mut names: Vec<_> = entries.keys().collect();
            names.sort_unstable();
            let entry =
                |name: &&String| format!("{}:{}", Value::from(name.as_str()), canonical(&entries[name.as_str()]));
            format!("{{{}}}", names.iter().map(entry).collect::<Vec<_>>().join(","))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(",")),
        scalar => scalar.to_string(),
    }
}

/// Bytes that follow from a seed.
fn stretched(seed: &[u8], length: usize) -> Vec<u8> {
    let block = |number: u32| Sha256::new().chain_update(seed).chain_update(number.to_be_bytes()).finalize();
    (0..).flat_map(block).take(length).collect()
}

#[cfg(test)]
mod tests;
