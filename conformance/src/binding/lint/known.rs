//! The words of a binding: which variables each operation gives, and which fields its reader takes.

use crate::binding::Operation;

/// As the binding writes it.
pub(super) fn name(operation: Operation) -> String {
    serde_json::to_value(operation).ok().and_then(|value| value.as_str().map(str::to_string)).unwrap_or_default()
}

const PACKAGE: [&str; 14] = [
    "key_package",
    "key_package_base64url",
    "key_package_unpadded",
    "key_package_hex",
    "reference",
    "reference_base64",
    "reference_hex",
    "kind",
    "role",
    "id",
    "given_id",
    "number",
    "object",
    "is_last_resort",
];

/// What every request can be filled with.
const COMMON: [&str; 8] = ["user", "client", "name", "secret", "nonce", "as_user", "as_client", "as_secret"];

const KEY: [&str; 9] = [
    "user_name",
    "signature_key",
    "signature_key_base64url",
    "signature_key_unpadded",
    "possession",
    "device_keys",
    "expires_at",
    "expires_in",
    "forged_token",
];

/// Stands for the list of an answer, whose items have a variable too.
pub(super) const OF_AN_ANSWER: &str = " of an answer";

/// Stands for what the hook `clock` is filled with beside the others.
pub(super) const OF_THE_CLOCK: &str = " of the clock";

/// The variables of an operation, or of what belongs to none; inside a list, those of its items too.
pub(super) fn variables(operation: Option<Operation>, list: Option<&str>) -> Vec<&'static str> {
    use Operation as O;
    let Some(operation) = operation else {
        let clock: &[&str] = if list == Some(OF_THE_CLOCK) { &["seconds", "ahead"] } else { &[] };
        return [&["target", "name", "server", "user", "client"], clock].concat();
    };
    let own: &[&str] = match operation {
        O::Register | O::AddClient | O::AddKey | O::AddKeyByToken | O::ExtendKey => &KEY,
        O::Claim => &["cipher_suite", "cipher_suites", "last_resort", "idempotency_key", "required_capabilities"],
        O::Stock => &["cipher_suite"],
        O::Notifications => &["after"],
        O::AwaitNotifications => &["after", "wait"],
        O::Acknowledge => &["through"],
        O::Verify | O::VerifyAt => &["signature_key", "signature_key_base64url", "signature_key_unpadded", "at"],
        O::Block | O::BlockServer | O::Unblock | O::UnblockServer => &["requester", "server"],
        _ => &[],
    };
    let items: &[&str] = match list {
        Some("key_packages" | "regular" | "last_resorts") => &PACKAGE,
        Some(OF_AN_ANSWER) => &["item"],
        _ => &[],
    };
    let signature = list.filter(|list| !["clients", OF_AN_ANSWER].contains(list)).map(|_| "signature");
    COMMON.into_iter().chain(own.iter().copied()).chain(items.iter().copied()).chain(signature).collect()
}

/// The lists of an operation.
pub(super) fn lists(operation: Option<Operation>) -> &'static [&'static str] {
    match operation {
        Some(Operation::Publish | Operation::Replace | Operation::Withdraw) => {
            &["key_packages", "regular", "last_resorts"]
        }
        Some(Operation::Claim) => &["clients"],
        _ => &[],
    }
}

/// The fields that the reader of an operation's answer takes.
pub(super) fn fields(operation: Operation) -> &'static [&'static str] {
    use Operation as O;
    match operation {
        O::Policy => &[
            "selection",
            "requester_claims",
            "requester_seconds",
            "pair_claims",
            "pair_seconds",
            "low_water",
            "drain_percent",
            "drain_at_least",
            "drain_seconds",
        ],
        O::Publish | O::Replace => &["accepted", "withdrawn", "id", "key_package", "reference"],
        O::Claim => &["client", "kind", "key_package", "reference", "id"],
        O::Withdraw | O::Packages => &["digest", "key_package", "reference", "id", "state"],
        O::Stock => &["cipher_suite", "regular", "last_resort", "used", "low"],
        O::Notifications | O::AwaitNotifications => &[
            "cursor",
            "key_package",
            "reference",
            "id",
            "kind",
            "requester",
            "first_use",
            "remaining",
            "low",
            "drain",
            "drain_taken",
            "drain_of",
        ],
        O::Keys | O::KeyHistory | O::Resolve => &["signature_key", "expires_at", "added_at", "ended_at", "ended"],
        O::Verify | O::VerifyAt => &["standing"],
        O::RemoveClient => &["unread"],
        O::Blocks => &["requester", "server"],
        _ => &[],
    }
}
