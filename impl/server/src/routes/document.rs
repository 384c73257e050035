//! The OpenAPI document, but for the routes: what it says of itself, and of refusals.

use std::collections::BTreeMap;

use utoipa::{
    IntoResponses, OpenApi as _,
    openapi::{
        Content, OpenApi, Ref, RefOr, Response, ResponseBuilder,
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

use crate::problem::{Problem, ProblemKind as Kind};

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "KeyPackage directory",
        description = "The reference KeyPackage directory for MLS (RFC 9420): clients publish KeyPackages, others claim \
            each of them once, and the owner is told to whom it went. Requests of clients are signed (RFC 9421) with a \
            key on the user's list; whatever is not a success is a problem document (RFC 9457)."
    ),
    components(schemas(Problem))
)]
struct Beginning;

/// The document before its first route.
pub(super) fn begun() -> OpenApi {
    Beginning::openapi()
}

/// The document as it is served.
pub(super) fn finished(mut document: OpenApi) -> String {
    let components = document.components.get_or_insert_default();
    let signature = ApiKeyValue::with_description(
        "Signature",
        "HTTP Message Signatures (RFC 9421), with Signature-Input: exactly one signature, over @method, @target-uri (or \
         @authority, @path and @query), content-digest where there is a body (RFC 9530, sha-256) and idempotency-key \
         where there is one; with created, nonce and keyid, which is the user, '#' and the id of a key on its list.",
    );
    let operator = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some("The operator's token"));
    components.add_security_scheme("signature", SecurityScheme::ApiKey(ApiKey::Header(signature)));
    components.add_security_scheme("operator", SecurityScheme::Http(operator.build()));
    document.to_pretty_json().unwrap_or_default()
}

macro_rules! refusals {
    ($($operation:ident: $($kind:ident)*;)*) => {
        $(
            /// How this operation can be refused.
            pub(super) struct $operation;

            impl IntoResponses for $operation {
                fn responses() -> BTreeMap<String, RefOr<Response>> {
                    responses(&[
                        $(Kind::$kind,)* Kind::BadRequest, Kind::TooSlow, Kind::Busy, Kind::TimedOut, Kind::StoreFailed,
                        Kind::Failed,
                    ])
                }
            }
        )*
    };
}

refusals! {
    EnrolRefusals: OperatorOnly AlreadyEnrolled TooLarge UnsupportedMediaType;
    BackUpRefusals: OperatorOnly NotDurable;
    KeysRefusals: UnknownUser;
    WebFingerRefusals: UnknownUser;
    VerifyRefusals: ;
    AddKeyRefusals: Unauthenticated NotOwner InvalidToken UnknownUser KeyTaken ExpiryNotForward InvalidProof
        TooLarge UnsupportedMediaType;
    ExtendKeyRefusals: Unauthenticated NotOwner UnknownKey KeyEnded ExpiryNotForward TooLarge UnsupportedMediaType;
    RemoveKeyRefusals: Unauthenticated NotOwner UnknownKey TooLarge;
    PublishRefusals: Unauthenticated NotOwner UnknownClient KeyPackagesRefused BatchEmpty BatchTooLarge StockFull TooLarge
        UnsupportedMediaType;
    InventoryRefusals: Unauthenticated NotOwner UnknownClient TooLarge;
    RemoveClientRefusals: Unauthenticated NotOwner UnknownClient TooLarge;
    WithdrawRefusals: Unauthenticated NotOwner UnknownClient TooLarge UnsupportedMediaType;
    ClaimRefusals: Unauthenticated UnknownUser IdempotencyMismatch RateLimited TooLarge UnsupportedMediaType;
    BlockRefusals: Unauthenticated NotOwner UnknownUser TooLarge UnsupportedMediaType;
    BlocksRefusals: Unauthenticated NotOwner TooLarge;
    UnblockRefusals: Unauthenticated NotOwner UnknownUser TooLarge;
    FeedRefusals: Unauthenticated NotOwner UnknownClient TooLarge;
    AcknowledgeRefusals: Unauthenticated NotOwner UnknownClient AcknowledgedTooFar TooLarge UnsupportedMediaType;
    ProblemRefusals: NotFound;
    ReadyRefusals: NotReady;
}

/// One response for each status, which names the types of problems that have it.
fn responses(kinds: &[Kind]) -> BTreeMap<String, RefOr<Response>> {
    let mut by_status: BTreeMap<String, Vec<Kind>> = BTreeMap::new();
    // Whoever signs may be a user of another server.
    let elsewhere = kinds.contains(&Kind::Unauthenticated).then_some(&Kind::RequesterUnresolvable);
    for kind in kinds.iter().chain(elsewhere) {
        by_status.entry(kind.status().as_str().into()).or_default().push(*kind);
    }
    let described = |kinds: Vec<Kind>| {
        let sentences = kinds.iter().map(|kind| format!("`{}`: {}", kind.name(), kind.title()));
        let content = Content::new(Some(Ref::from_schema_name("Problem")));
        let response = ResponseBuilder::new().description(sentences.collect::<Vec<_>>().join(". "));
        RefOr::T(response.content("application/problem+json", content).build())
    };
    by_status.into_iter().map(|(status, kinds)| (status, described(kinds))).collect()
}
