//! Starting and stopping.

use kpd_server::{Config, StartError, start};
use tokio::net::TcpStream;

use crate::support::{Site, site::OPERATOR};

#[tokio::test]
async fn a_taken_address_is_an_error_that_names_it() {
    let running = start(Config::new(OPERATOR)).await.unwrap();
    let config = Config { address: running.address(), ..Config::new(OPERATOR) };
    let StartError::Listen { address, .. } = start(config).await.unwrap_err();
    assert_eq!(address, running.address());
    running.shutdown().await;
}

#[tokio::test]
async fn after_a_shutdown_nobody_listens() {
    let site = Site::start().await;
    let health = site.get("/healthz").send().await.is(200);
    assert_eq!(health["status"], "ok");
    let address = site.authority();
    // The connection of that request is still open, and idle.
    site.stop().await;
    assert!(TcpStream::connect(address).await.is_err());
}
