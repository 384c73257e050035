//! One request of a binding: its template filled, and whoever asks shown to be who it is.

use serde_json::Value;

use crate::{
    binding::{
        Auth, Exchange as BoundExchange,
        render::{self, Rendered, Variables},
        scalar::text_of,
    },
    material::{self, MaterialKind},
    recording::Broken,
    run::{
        operation::{Call, POSSESSION_SEED},
        transport::Lane,
        vector_run::Runner,
    },
    signing,
    vector::Proof,
};

impl Runner<'_> {
    pub(super) fn request(
        &self,
        lane: &Lane,
        call: &Call<'_>,
        exchange: &BoundExchange,
        variables: &mut Variables,
    ) -> Result<Rendered, Broken> {
        let suite = |why: String| Broken::Suite(why);
        let binding = &self.server.binding;
        variables.insert("nonce".into(), format!("{:032x}", rand::random::<u128>()).into());
        if let (Some(template), Some(Value::String(seed))) = (&binding.possession, variables.remove(POSSESSION_SEED)) {
            let message = render::text(template, variables, &|value| value.into());
            let message = message.map_err(|error| suite(error.to_string()))?;
            let proof = possession(&seed, message.as_bytes()).ok_or_else(|| suite("no key for a proof".into()))?;
            variables.insert("possession".into(), proof.into());
        }
        if binding.material.kind == MaterialKind::SignedCurve25519
            && let Some(mls) = &call.newcomer
        {
            let named = |name: &str| variables.get(name).map(text_of).unwrap_or_default();
            let keys = material::device_keys(mls, &named("user"), &named("client"));
            variables.insert("device_keys".into(), keys);
        }
        if let Some(actor) = call.actor {
            variables.extend(actor.saved.iter().map(|(name, value)| (format!("as_{name}"), value.clone())));
            variables.insert("as_user".into(), actor.identity.as_str().into());
            variables.insert("as_client".into(), actor.client.as_str().into());
            variables.insert("as_secret".into(), actor.secret.as_str().into());
        }
        let mut request = exchange.request.render(variables).map_err(|error| suite(error.to_string()))?;
        if let Some(method) = call.method {
            request.method = method.into();
            request.body = None;
        }
        self.authenticate(lane, call, exchange.auth.as_ref().unwrap_or(&binding.auth), variables, &mut request)?;
        Ok(request)
    }

    fn authenticate(
        &self,
        lane: &Lane,
        call: &Call<'_>,
        auth: &Auth,
        variables: &Variables,
        request: &mut Rendered,
    ) -> Result<(), Broken> {
        let suite = |why: String| Broken::Suite(why);
        let fill = |template: &str| {
            let filled = render::text(template, variables, &|value| value.into());
            filled.map_err(|error| suite(error.to_string()))
        };
        // Not at all, or with something that nobody was given.
        let forged = if call.proof == Proof::Forged { "forged" } else { "" };
        if call.proof != Proof::Missing {
            if let Some(template) = &auth.bearer {
                request.headers.insert("authorization".into(), format!("Bearer {}{forged}", fill(template)?));
            }
            if let Some(basic) = &auth.basic {
                let pair = format!("{}:{}{forged}", fill(&basic.user)?, fill(&basic.password)?);
                let encoded = data_encoding::BASE64.encode(pair.as_bytes());
                request.headers.insert("authorization".into(), format!("Basic {encoded}"));
            }
            for (name, template) in &auth.headers {
                request.headers.insert(name.to_lowercase(), format!("{}{forged}", fill(template)?));
            }
        }
        if let Some(signatures) = &auth.http_message_signatures {
            let actor = call.actor.ok_or_else(|| suite("nobody is there to sign the request".into()))?;
            let keyid = fill(&signatures.keyid)?;
            let signer = signing::Signer {
                private_key: actor.mls.private_key(),
                keyid: &keyid,
                now: self.server.now(),
                nonce: format!("{:032x}", rand::random::<u128>()),
                proof: call.proof,
            };
            signing::sign(request, &lane.base, &signer).map_err(suite)?;
        }
        Ok(())
    }

    /// What would let a reader of a report act as somebody else, whatever the binding does with it.
    pub(super) fn secrets_of_all(&self, call: &Call<'_>) -> Vec<String> {
        let given =
            self.server.variables.iter().filter(|(name, _)| self.server.is_secret(name)).map(|(_, value)| value);
        let passwords = call.actor.map(|actor| actor.secret.clone()).into_iter();
        let own = call.variables.get("secret").map(text_of);
        given.map(text_of).chain(passwords).chain(own).collect()
    }

    /// That, and what templates of authentication are filled with.
    pub(super) fn secrets(&self, exchange: &BoundExchange, call: &Call<'_>, learned: &Variables) -> Vec<String> {
        let binding = &self.server.binding;
        let auths = [Some(&binding.auth), exchange.auth.as_ref()];
        let templates = auths.into_iter().flatten().flat_map(|auth| {
            let basic = auth.basic.iter().map(|basic| &basic.password);
            auth.bearer.iter().chain(basic).chain(auth.headers.values())
        });
        let names: Vec<&str> = templates.flat_map(|template| render::used(template)).collect();
        let saved = |name: &&str| {
            let name = name.strip_prefix("as_").unwrap_or(name);
            let known = learned.get(name).or_else(|| call.actor.and_then(|actor| actor.saved.get(name)));
            known.filter(|_| !matches!(name, "user" | "client")).map(text_of)
        };
        names.iter().filter_map(saved).chain(self.secrets_of_all(call)).collect()
    }
}

fn possession(seed: &str, message: &[u8]) -> Option<String> {
    use ed25519_dalek::Signer as _;
    let seed = data_encoding::HEXLOWER.decode(seed.as_bytes()).ok()?;
    let key = ed25519_dalek::SigningKey::from_bytes(&seed.try_into().ok()?);
    Some(data_encoding::BASE64.encode(&key.sign(message).to_bytes()))
}
