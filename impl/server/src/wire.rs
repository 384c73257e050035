//! The shapes of bodies: JSON that is strict in what it takes, since a misspelt member that is skipped is a silent mistake.

mod about;
mod base64;
mod blocks;
mod claims;
mod feed;
mod key_packages;
mod keys;
mod object;
mod operator;
mod users;

pub(crate) use about::{Health, PolicyShape};
pub(crate) use base64::Base64;
pub(crate) use blocks::{BlockShape, Blocks};
pub(crate) use claims::{ClaimShape, ClaimedShape};
pub(crate) use feed::{Acknowledge, NotificationShape, Notifications, StockShape, WAIT_SECONDS_MAX};
pub(crate) use key_packages::{InventoryShape, Publish, PublishedShape, ReplacedShape, RoleShape, Withdraw, Withdrawn};
pub(crate) use keys::{AddKeyShape, AddedKeyShape, ExtendKey, KeyHistory, Keys, VerifiedShape};
pub(crate) use object::Object;
pub(crate) use operator::Backup;
pub(crate) use users::{ClientRemoved, Enrol, Enrolled};

/// The header that makes a repeated claim recognisable.
pub(crate) const IDEMPOTENCY_KEY: &str = "idempotency-key";
