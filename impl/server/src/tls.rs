//! HTTPS: certificates and keys from PEM files, which can be read again while the server runs.

use std::{
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock},
};

use rustls::{
    ServerConfig,
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{self, PemObject},
    },
};
use tokio_rustls::TlsAcceptor;

use crate::config::TlsFiles;

/// Why there is no HTTPS with these files.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file is not there, or not to be read.
    #[error("{}: it cannot be read: {error}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// A file that is no PEM.
    #[error("{}: not PEM: {why}", path.display())]
    NotPem {
        /// Which.
        path: PathBuf,
        /// What its reader said.
        why: String,
    },
    /// No certificate where one has to be.
    #[error("{}: it holds no certificate (a block BEGIN CERTIFICATE)", .0.display())]
    NoCertificate(PathBuf),
    /// No private key where one has to be.
    #[error("{}: it holds no private key (a block BEGIN PRIVATE KEY)", .0.display())]
    NoKey(PathBuf),
    /// The key belongs to another certificate.
    #[error(
        "{}: the key is not that of the first certificate in {}: the server's own comes first",
        .0.key.display(), .0.certificate.display()
    )]
    Mismatch(TlsFiles),
    /// Anything else that rustls does not like.
    #[error("{} with {}: {why}", files.certificate.display(), files.key.display())]
    Rejected {
        /// The files.
        files: TlsFiles,
        /// What it said.
        why: String,
    },
}

/// The certificates of a server.
#[derive(Debug)]
pub(crate) struct Tls {
    files: TlsFiles,
    current: RwLock<Arc<ServerConfig>>,
}

impl Tls {
    /// Reads the files.
    pub(crate) fn load(files: TlsFiles) -> Result<Self, TlsError> {
        let current = RwLock::new(read(&files)?);
        Ok(Self { files, current })
    }

    /// Reads the files again, for connections from now on; where they are wrong, all stays as it is.
    pub(crate) fn reload(&self) -> Result<(), TlsError> {
        let fresh = read(&self.files)?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(())
    }

    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner)).into()
    }
}

fn read(files: &TlsFiles) -> Result<Arc<ServerConfig>, TlsError> {
    let text = |path: &PathBuf| std::fs::read(path).map_err(|error| TlsError::Unreadable { path: path.clone(), error });
    let not_pem =
        |path: &PathBuf, error: &pem::Error| TlsError::NotPem { path: path.clone(), why: format!("{error:?}") };
    let chain = CertificateDer::pem_slice_iter(&text(&files.certificate)?).collect::<Result<Vec<_>, _>>();
    let chain = chain.map_err(|error| not_pem(&files.certificate, &error))?;
    if chain.is_empty() {
        return Err(TlsError::NoCertificate(files.certificate.clone()));
    }
    let key = PrivateKeyDer::from_pem_slice(&text(&files.key)?).map_err(|error| match error {
        pem::Error::NoItemsFound => TlsError::NoKey(files.key.clone()),
        other => not_pem(&files.key, &other),
    })?;
    let rejected = |error: rustls::Error| match error {
        rustls::Error::InconsistentKeys(_) => TlsError::Mismatch(files.clone()),
        other => TlsError::Rejected { files: files.clone(), why: other.to_string() },
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let mut config = builder.map_err(rejected)?.with_no_client_auth().with_single_cert(chain, key).map_err(rejected)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
