//! Real groups: whether a granted KeyPackage really adds its owner (`CLAIM-USABLE`).

use openmls::prelude::{
    KeyPackageIn, MlsGroup, MlsGroupCreateConfig, MlsGroupJoinConfig, MlsMessageBodyIn, MlsMessageIn,
    ProcessedMessageContent, ProtocolVersion, StagedWelcome,
    tls_codec::{Deserialize as _, Serialize as _},
};
use openmls_traits::OpenMlsProvider as _;

use crate::mls::MlsClient;

/// How the attempt to use a granted KeyPackage ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Joined {
    /// The owner joined by the Welcome, and both sides agree on the group's secrets.
    Yes,
    /// The owner has no private half for it: it was used before, or is not the owner's.
    NoMatchingKeyPackage,
    /// Something else went wrong.
    Failed(String),
}

/// A group, as one of its members holds it.
pub struct Group(MlsGroup);

impl std::fmt::Debug for Group {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Group(epoch {})", self.0.epoch().as_u64())
    }
}

impl MlsClient {
    /// Starts a group with the owner of a granted KeyPackage; the Welcome is for the owner.
    ///
    /// # Errors
    ///
    /// Where openmls refuses the KeyPackage.
    pub fn start_group(&self, granted: &[u8]) -> Result<(Group, Vec<u8>), String> {
        self.welcome(granted).map(|(group, welcome)| (Group(group), welcome))
    }

    /// Joins by a Welcome.
    ///
    /// # Errors
    ///
    /// Where the private half of its KeyPackage is not here, or the Welcome is none.
    pub fn join_group(&self, welcome: &[u8]) -> Result<Group, String> {
        self.join(welcome).map(Group)
    }

    /// Encrypts a text for the other members.
    ///
    /// # Errors
    ///
    /// What openmls says.
    pub fn write_message(&self, group: &mut Group, text: &str) -> Result<Vec<u8>, String> {
        let message = group.0.create_message(&self.provider, &self.signer, text.as_bytes());
        let message = message.map_err(|error| error.to_string())?;
        message.tls_serialize_detached().map_err(|error| error.to_string())
    }

    /// Decrypts what another member wrote.
    ///
    /// # Errors
    ///
    /// What is no such message.
    pub fn read_message(&self, group: &mut Group, message: &[u8]) -> Result<String, String> {
        let message = MlsMessageIn::tls_deserialize_exact(message).map_err(|error| error.to_string())?;
        let message = message.try_into_protocol_message().map_err(|error| error.to_string())?;
        let read = group.0.process_message(&self.provider, message).map_err(|error| error.to_string())?;
        match read.into_content() {
            ProcessedMessageContent::ApplicationMessage(text) => {
                String::from_utf8(text.into_bytes()).map_err(|error| error.to_string())
            }
            _ => Err("not a text".into()),
        }
    }

    /// Starts a group, adds the owner of `granted` and lets the owner join by the Welcome (RFC 9420 §12.4.3.1).
    #[must_use]
    pub fn invite(&self, owner: &Self, granted: &[u8]) -> Joined {
        match self.welcome(granted) {
            Err(why) => Joined::Failed(format!("the requester cannot add it: {why}")),
            Ok((group, welcome)) => match owner.join(&welcome) {
                Ok(joined) if joined.epoch_authenticator().as_slice() == group.epoch_authenticator().as_slice() => {
                    Joined::Yes
                }
                Ok(_) => Joined::Failed("both joined, but not the same group".into()),
                Err(why) if why.contains("NoMatchingKeyPackage") => Joined::NoMatchingKeyPackage,
                Err(why) => Joined::Failed(format!("the owner cannot join: {why}")),
            },
        }
    }

    fn welcome(&self, granted: &[u8]) -> Result<(MlsGroup, Vec<u8>), String> {
        let package = KeyPackageIn::tls_deserialize_exact(granted).map_err(|error| error.to_string())?;
        let package = package.validate(self.provider.crypto(), ProtocolVersion::Mls10);
        let package = package.map_err(|error| error.to_string())?;
        let config =
            MlsGroupCreateConfig::builder().ciphersuite(package.ciphersuite()).use_ratchet_tree_extension(true).build();
        let group = MlsGroup::new(&self.provider, &self.signer, &config, self.credential());
        let mut group = group.map_err(|error| error.to_string())?;
        let added = group.add_members(&self.provider, &self.signer, &[package]);
        let (_commit, welcome, _group_info) = added.map_err(|error| error.to_string())?;
        group.merge_pending_commit(&self.provider).map_err(|error| error.to_string())?;
        Ok((group, welcome.tls_serialize_detached().map_err(|error| error.to_string())?))
    }

    fn join(&self, welcome: &[u8]) -> Result<MlsGroup, String> {
        let message = MlsMessageIn::tls_deserialize_exact(welcome).map_err(|error| error.to_string())?;
        let MlsMessageBodyIn::Welcome(welcome) = message.extract() else { return Err("not a Welcome".into()) };
        let staged = StagedWelcome::new_from_welcome(&self.provider, &MlsGroupJoinConfig::default(), welcome, None);
        // The variant's name is all that tells this error from others.
        let staged = staged.map_err(|error| format!("{error:?}"))?;
        staged.into_group(&self.provider).map_err(|error| format!("{error:?}"))
    }
}
