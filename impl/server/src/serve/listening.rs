//! A listener: accepts connections as long as there is room, until it is told to close.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    net::TcpListener,
    sync::{Semaphore, watch},
    task::JoinSet,
};

use super::{StartError, connection::Service};
use crate::logs::TARGET;

/// Takes an address.
pub(super) async fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let listening = |error| StartError::Listen { address, error };
    let listener = TcpListener::bind(address).await.map_err(listening)?;
    let address = listener.local_addr().map_err(listening)?;
    Ok((listener, address))
}

/// Waits until it is told to close, or nobody is left who could tell.
pub(super) async fn told(closing: &mut watch::Receiver<bool>) {
    let _ = closing.wait_for(|closing| *closing).await;
}

/// Accepts until the service closes, and ends with the last connection.
pub(super) async fn listen(listener: TcpListener, service: Service) {
    let places = Arc::new(Semaphore::new(service.limits.connections_max));
    let mut closing = service.closing.clone();
    let mut connections = JoinSet::new();
    loop {
        let accepted = async {
            // Whoever finds no place waits in the system's queue.
            let place = Arc::clone(&places).acquire_owned().await;
            (place, listener.accept().await)
        };
        tokio::select! {
            () = told(&mut closing) => break,
            (place, accepted) = accepted => match accepted {
                Ok((stream, _)) => {
                    let service = service.clone();
                    connections.spawn(async move {
                        service.serve(stream).await;
                        drop(place);
                    });
                }
                Err(error) => {
                    tracing::warn!(target: TARGET, %error, "a connection could not be accepted");
                    // Of file descriptors there may be more in a moment.
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            },
        }
        while connections.try_join_next().is_some() {}
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}
