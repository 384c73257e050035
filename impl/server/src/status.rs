//! The one file that knows status codes: what each answer and each problem is in HTTP.

use axum::{
    Json,
    http::{HeaderValue, StatusCode},
    response::{IntoResponse, Response},
};
use kpd_directory::{
    blocks::BlockError,
    claim::ClaimError,
    feed::FeedError,
    key_package::KeyPackageFlaw,
    keys::{AddKeyError, EnrolError, ExtendKeyError, RemoveKeyError},
    limits::Limited,
    publish::{ItemFault, PublishError},
    upkeep::RemoveClientError,
    withdraw::WithdrawError,
};
use serde::Serialize;

use crate::{
    auth::AuthFailure,
    logs::TARGET,
    problem::{ItemProblem, Problem, ProblemKind as Kind},
    seams::UnknownUser,
    service::{HearError, NotDone},
    store::StoreError,
};

/// Something came into being.
pub(crate) struct Created<T>(pub(crate) T);

/// It is done, and there is nothing to say.
pub(crate) struct Done;

/// The client has it already.
pub(crate) struct NotModified;

impl Kind {
    pub(crate) fn status(self) -> StatusCode {
        match self {
            Self::BadRequest => StatusCode::BAD_REQUEST,
            Self::Unauthenticated | Self::OperatorOnly | Self::RequesterUnresolvable => StatusCode::UNAUTHORIZED,
            Self::NotOwner | Self::InvalidToken | Self::InvalidProof => StatusCode::FORBIDDEN,
            Self::NotFound | Self::UnknownUser | Self::UnknownClient | Self::UnknownKey => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::AlreadyEnrolled | Self::KeyTaken | Self::KeyEnded | Self::ExpiryNotForward => StatusCode::CONFLICT,
            Self::NotDurable => StatusCode::CONFLICT,
            Self::IdempotencyMismatch | Self::AcknowledgedTooFar => StatusCode::CONFLICT,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::RateLimited => StatusCode::TOO_MANY_REQUESTS,
            Self::Failed => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Busy | Self::TimedOut | Self::NotReady | Self::StoreFailed => StatusCode::SERVICE_UNAVAILABLE,
            // These, and what can be wrong with one KeyPackage, which is part of `KeyPackagesRefused`.
            _ => StatusCode::UNPROCESSABLE_ENTITY,
        }
    }

    /// What goes with the status, besides the headers of every problem.
    fn headers(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Unauthenticated | Self::RequesterUnresolvable => {
                &[("www-authenticate", "Signature"), ("accept-signature", ACCEPT_SIGNATURE)]
            }
            Self::OperatorOnly => &[("www-authenticate", "Bearer")],
            Self::Busy => &[("retry-after", "1")],
            // What is left of the body would be taken for the next request.
            Self::TooSlow => &[("connection", "close")],
            Self::StoreFailed => &[("retry-after", "5")],
            _ => &[],
        }
    }
}

/// What a signature has to cover, in the words of RFC 9421 §5.1; WWW-Authenticate has no scheme for it.
const ACCEPT_SIGNATURE: &str =
    r#"sig=("@method" "@target-uri" "content-digest" "idempotency-key");created;keyid;nonce;alg"#;

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (kind, retry_after) = (self.kind, self.retry_after);
        let mut response = (kind.status(), Json(self)).into_response();
        let general = [("content-type", "application/problem+json"), ("cache-control", "no-store")];
        for (name, value) in general.iter().chain(kind.headers()) {
            response.headers_mut().insert(*name, HeaderValue::from_static(value));
        }
        if let Some(seconds) = retry_after {
            response.headers_mut().insert("retry-after", HeaderValue::from(seconds));
        }
        // For logs and metrics.
        response.extensions_mut().insert(kind);
        response
    }
}

impl<T: Serialize> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        (StatusCode::CREATED, Json(self.0)).into_response()
    }
}

impl IntoResponse for Done {
    fn into_response(self) -> Response {
        StatusCode::NO_CONTENT.into_response()
    }
}

impl IntoResponse for NotModified {
    fn into_response(self) -> Response {
        StatusCode::NOT_MODIFIED.into_response()
    }
}

impl<E> From<NotDone<E>> for Problem
where
    Self: From<E>,
{
    fn from(not_done: NotDone<E>) -> Self {
        match not_done {
            NotDone::Refused(refusal) => refusal.into(),
            NotDone::Contended => Self::new(Kind::Busy, "too many others changed the same history at this moment"),
            // What exactly failed is for the operator, not for strangers.
            NotDone::Store(error) => error.into(),
            NotDone::Failed(error) => {
                tracing::error!(target: TARGET, %error, "a request failed");
                Self::new(Kind::Failed, "the directory could not finish this request")
            }
        }
    }
}

impl From<StoreError> for Problem {
    fn from(_: StoreError) -> Self {
        // Which disk, and what is the matter with it, is for the operator.
        Self::new(Kind::StoreFailed, "the directory cannot store anything now")
    }
}

impl From<AuthFailure> for Problem {
    fn from(failure: AuthFailure) -> Self {
        let kind = match failure {
            AuthFailure::Overloaded | AuthFailure::TooManyLookups => Kind::Busy,
            AuthFailure::Unresolvable { .. } => Kind::RequesterUnresolvable,
            AuthFailure::Unavailable => Kind::StoreFailed,
            _ => Kind::Unauthenticated,
        };
        let reason = (kind == Kind::Unauthenticated).then(|| failure.reason());
        let retry_after = match failure {
            AuthFailure::Unresolvable { retry_after } => Some(retry_after),
            _ => None,
        };
        Self { reason, retry_after, ..Self::new(kind, failure) }
    }
}

impl From<Limited> for Problem {
    fn from(limited: Limited) -> Self {
        Self { retry_after: Some(limited.retry_after), ..Self::new(Kind::RateLimited, limited) }
    }
}

/// From an error of the core to a type of problem, with the error's own sentence as its detail.
macro_rules! problems {
    ($($error:ty { $($variant:pat => $kind:ident),* $(,)? })*) => {
        $(impl From<$error> for Problem {
            fn from(error: $error) -> Self {
                let kind = match &error { $($variant => Kind::$kind),* };
                Self::new(kind, error)
            }
        })*
    };
}

problems! {
    UnknownUser { UnknownUser => UnknownUser }
    EnrolError { EnrolError::AlreadyEnrolled => AlreadyEnrolled }
    AddKeyError {
        AddKeyError::UnknownUser => UnknownUser,
        AddKeyError::InvalidToken => InvalidToken,
        AddKeyError::NotListed => NotOwner,
        AddKeyError::InvalidProof => InvalidProof,
        AddKeyError::KeyTaken => KeyTaken,
        AddKeyError::ExpiryPassed { .. } => ExpiryNotForward,
    }
    ExtendKeyError {
        ExtendKeyError::UnknownKey => UnknownKey,
        ExtendKeyError::KeyEnded { .. } => KeyEnded,
        ExtendKeyError::ExpiryNotForward { .. } => ExpiryNotForward,
    }
    RemoveKeyError { RemoveKeyError::UnknownKey => UnknownKey }
    RemoveClientError { RemoveClientError::UnknownClient => UnknownClient }
    WithdrawError { WithdrawError::UnknownClient => UnknownClient }
    ClaimError {
        ClaimError::UnknownUser => UnknownUser,
        ClaimError::IdempotencyMismatch => IdempotencyMismatch,
    }
    BlockError { BlockError::UnknownUser => UnknownUser }
    FeedError {
        FeedError::UnknownClient => UnknownClient,
        FeedError::NotYet { .. } => AcknowledgedTooFar,
    }
}

impl From<HearError> for Problem {
    fn from(error: HearError) -> Self {
        match error {
            HearError::Feed(error) => error.into(),
            HearError::Author(failure) => failure.into(),
            HearError::TooMany => {
                Self::new(Kind::Busy, "as many readers of this user's notifications wait as are served at once")
            }
        }
    }
}

impl From<PublishError> for Problem {
    fn from(error: PublishError) -> Self {
        let (kind, faults) = match &error {
            PublishError::UnknownClient => (Kind::UnknownClient, None),
            PublishError::Empty => (Kind::BatchEmpty, None),
            PublishError::BatchTooLarge { .. } => (Kind::BatchTooLarge, None),
            PublishError::StockFull { .. } => (Kind::StockFull, None),
            PublishError::Items(faults) => (Kind::KeyPackagesRefused, Some(faults)),
        };
        let items = faults.into_iter().flatten().map(|(index, fault)| ItemProblem {
            index: *index,
            kind: kind_of_item(fault),
            detail: fault.to_string(),
        });
        Self { items: items.collect(), ..Self::new(kind, &error) }
    }
}

fn kind_of_item(fault: &ItemFault) -> Kind {
    match fault {
        ItemFault::Flaw(flaw) => kind_of_flaw(flaw),
        ItemFault::IdentityMismatch { .. } => Kind::IdentityMismatch,
        ItemFault::SignerNotListed { .. } => Kind::SignerNotListed,
        ItemFault::RoleContradicted { .. } => Kind::RoleContradicted,
        ItemFault::AlreadyUsed { .. } => Kind::AlreadyUsed,
        ItemFault::BeforeFence { .. } => Kind::BeforeFence,
        ItemFault::InitKeyReused { .. } => Kind::InitKeyReused,
        ItemFault::RoleConflict { .. } => Kind::RoleConflict,
        ItemFault::TwoLastResorts { .. } => Kind::TwoLastResorts,
    }
}

fn kind_of_flaw(flaw: &KeyPackageFlaw) -> Kind {
    match flaw {
        KeyPackageFlaw::TooLarge { .. } => Kind::TooLarge,
        KeyPackageFlaw::Malformed { .. } => Kind::Malformed,
        KeyPackageFlaw::UnsupportedVersion { .. } => Kind::UnsupportedVersion,
        KeyPackageFlaw::VersionsDiffer { .. } => Kind::VersionsDiffer,
        KeyPackageFlaw::UnsupportedCipherSuite { .. } => Kind::UnsupportedCipherSuite,
        KeyPackageFlaw::WrongLeafNodeSource { .. } => Kind::WrongLeafNodeSource,
        KeyPackageFlaw::InvalidLeafNodeSignature => Kind::InvalidLeafNodeSignature,
        KeyPackageFlaw::InvalidSignature => Kind::InvalidSignature,
        KeyPackageFlaw::InitKeyEqualsEncryptionKey => Kind::KeysEqual,
        KeyPackageFlaw::UnlistedExtension { .. } => Kind::UnlistedExtension,
        KeyPackageFlaw::UnlistedCredential { .. } => Kind::UnlistedCredential,
        KeyPackageFlaw::UnsupportedCredential { .. } => Kind::UnsupportedCredential,
        KeyPackageFlaw::NotYetValid { .. } => Kind::NotYetValid,
        KeyPackageFlaw::Expired { .. } => Kind::Expired,
        KeyPackageFlaw::LifetimeTooLong { .. } => Kind::LifetimeTooLong,
    }
}
