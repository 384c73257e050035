//! HTTPS: the same story over TLS with either HTTP, certificates that are wrong, and new ones while the server runs.

use std::{fs, path::Path};

use kpd_server::{Config, StartError, TlsError, TlsFiles, start, store::Stores};
use reqwest::{Certificate, Version};

use crate::{
    story,
    support::{Key, Site, scratch, site::OPERATOR},
};

/// Writes a fresh pair of files, and gives the certificate.
fn make(directory: &Path) -> (TlsFiles, Certificate) {
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_string()]).unwrap();
    let files = TlsFiles { certificate: directory.join("certificate.pem"), key: directory.join("key.pem") };
    fs::write(&files.certificate, made.cert.pem()).unwrap();
    fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
    (files, Certificate::from_pem(made.cert.pem().as_bytes()).unwrap())
}

fn client(trusted: &Certificate) -> reqwest::ClientBuilder {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().tls_certs_only([trusted.clone()])
}

fn config(files: &TlsFiles) -> Config {
    Config { tls: Some(files.clone()), ..Config::new(OPERATOR) }
}

#[tokio::test]
async fn the_story_over_tls_with_http_1() {
    let (files, trusted) = make(&scratch("tls-1"));
    let http = client(&trusted).http1_only().build().unwrap();
    let site = Site::with_client(Stores::in_memory(), config(&files), http).await;
    story::tell(&site, Key::ed25519(1), 1).await;
    site.stop().await;
}

#[tokio::test]
async fn the_story_over_tls_with_http_2_which_is_agreed_on() {
    let (files, trusted) = make(&scratch("tls-2"));
    let http = client(&trusted).build().unwrap();
    let site = Site::with_client(Stores::in_memory(), config(&files), http.clone()).await;
    let answer = http.get(format!("{}/healthz", site.base())).send().await.unwrap();
    assert_eq!(answer.version(), Version::HTTP_2);
    story::tell(&site, Key::ed25519(1), 1).await;
    let plain = reqwest::get(format!("http://{}/healthz", site.authority())).await;
    assert!(plain.is_err(), "it answers without TLS");
}

#[tokio::test]
async fn a_new_certificate_is_taken_while_it_runs_and_a_wrong_one_is_not() {
    let directory = scratch("tls-reload");
    let (files, former) = make(&directory);
    let running = start(config(&files)).await.unwrap();
    let url = format!("https://{}/healthz", running.address());
    let answers = async |trusted: &Certificate| client(trusted).build().unwrap().get(&url).send().await.is_ok();
    assert!(answers(&former).await);
    let (_, fresh) = make(&directory);
    assert!(!answers(&fresh).await);
    running.reload_tls().unwrap();
    assert!(answers(&fresh).await && !answers(&former).await);
    fs::write(&files.key, "").unwrap();
    assert!(matches!(running.reload_tls(), Err(TlsError::NoKey(_))));
    assert!(answers(&fresh).await);
    running.shutdown().await;
}

#[tokio::test]
async fn files_that_are_wrong_are_named_before_anything_listens() {
    let (good, _) = make(&scratch("tls-good"));
    let (other, _) = make(&scratch("tls-other"));
    let empty = scratch("tls-empty").join("empty.pem");
    fs::write(&empty, "").unwrap();
    let broken = scratch("tls-broken").join("broken.pem");
    fs::write(&broken, "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n").unwrap();
    let missing = Path::new("/nowhere/certificate.pem");
    for (certificate, key, says) in [
        (missing, good.key.as_path(), "/nowhere/certificate.pem: it cannot be read"),
        (&good.certificate, missing, "/nowhere/certificate.pem: it cannot be read"),
        (&empty, &good.key, "it holds no certificate"),
        (&good.key, &good.key, "it holds no certificate"),
        (&good.certificate, &empty, "it holds no private key"),
        (&good.certificate, &good.certificate, "it holds no private key"),
        (&broken, &good.key, "not PEM"),
        (&good.certificate, &other.key, "the key is not that of the first certificate"),
    ] {
        let files = TlsFiles { certificate: certificate.into(), key: key.into() };
        let Err(StartError::Tls(error)) = start(config(&files)).await else { panic!("it starts with {files:?}") };
        assert!(error.to_string().contains(says), "{error}, and not {says}");
    }
}
