//! One connection: HTTP/1.1 or HTTP/2, with or without TLS, and its end.

use std::{convert::Infallible, pin::pin, sync::Arc, time::Duration};

use axum::{Router, body::Body, extract::Request, response::Response};
use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::watch,
};

use super::{
    activity::{Accompanied, Activity, Heard, Overdue},
    listening::told,
};
use crate::{config::HttpLimits, metrics::Metrics, tls::Tls};

/// What all connections of a listener have in common.
#[derive(Clone, Debug)]
pub(super) struct Service {
    pub(super) router: Router,
    pub(super) limits: HttpLimits,
    pub(super) tls: Option<Arc<Tls>>,
    pub(super) metrics: Arc<Metrics>,
    /// Whether the server closes.
    pub(super) closing: watch::Receiver<bool>,
}

/// Marks a request that came over TLS.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OverTls;

impl Service {
    pub(super) async fn serve(self, stream: TcpStream) {
        let _counted = Counted::new(&self.metrics);
        // Answers are small: none waits for another.
        let _ = stream.set_nodelay(true);
        let Some(tls) = &self.tls else { return self.drive(stream).await };
        let patience = Duration::from_secs(self.limits.header_seconds);
        match tokio::time::timeout(patience, tls.acceptor().accept(stream)).await {
            // Boxed, so that a connection without TLS is not as large as one with it.
            Ok(Ok(stream)) => Box::pin(self.drive(stream)).await,
            _ => self.metrics.cut("tls"),
        }
    }

    async fn drive<S: AsyncRead + AsyncWrite + Send + Unpin + 'static>(&self, stream: S) {
        let activity = Activity::new();
        let (router, is_tls) = (self.router.clone(), self.tls.is_some());
        let of_request = Arc::clone(&activity);
        let service = hyper::service::service_fn(move |request: hyper::Request<Incoming>| {
            let under_way = of_request.begin();
            let mut request = request.map(Body::new);
            if is_tls {
                request.extensions_mut().insert(OverTls);
            }
            // Boxed, since a connection keeps room for such a future to its end.
            let answer = Box::pin(answered(router.clone(), request));
            async move { Ok::<_, Infallible>(answer.await.map(|body| Accompanied { body, _under_way: under_way })) }
        });
        let builder = self.builder();
        let io = TokioIo::new(Heard { stream, activity: Arc::clone(&activity) });
        let mut connection = pin!(builder.serve_connection(io, service));
        let mut closing = self.closing.clone();
        let (mut is_closing, mut is_cut) = (false, false);
        loop {
            tokio::select! {
                // An error is the other side's, or the network's.
                _ = connection.as_mut() => return,
                () = told(&mut closing), if !is_closing => {
                    is_closing = true;
                    connection.as_mut().graceful_shutdown();
                }
                overdue = activity.overdue(&self.limits), if !is_cut => {
                    is_cut = true;
                    self.metrics.cut(match overdue { Overdue::Slow => "slow", Overdue::Idle => "idle" });
                    connection.as_mut().graceful_shutdown();
                }
                () = tokio::time::sleep(FAREWELL), if (is_cut || is_closing) && activity.is_quiet() => return,
                // What is under way is answered; then it is looked at again.
                () = tokio::time::sleep(FAREWELL), if (is_cut || is_closing) && !activity.is_quiet() => {}
            }
        }
    }

    fn builder(&self) -> auto::Builder<TokioExecutor> {
        let mut builder = auto::Builder::new(TokioExecutor::new());
        let headers = self.limits.header_bytes_max;
        builder.http1().header_read_timeout(None).max_buf_size(headers);
        let mut http2 = builder.http2();
        http2.timer(TokioTimer::new()).keep_alive_interval(PING).keep_alive_timeout(PING);
        http2.max_concurrent_streams(STREAMS_MAX).max_header_list_size(u32::try_from(headers).unwrap_or(u32::MAX));
        builder
    }
}

async fn answered(router: Router, request: Request) -> Response {
    use hyper_util::service::TowerToHyperService;
    let answer = hyper::service::Service::call(&TowerToHyperService::new(router), request).await;
    match answer {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

/// An open connection.
struct Counted<'a>(&'a Metrics);

impl<'a> Counted<'a> {
    fn new(metrics: &'a Metrics) -> Self {
        metrics.opened();
        Self(metrics)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.closed();
    }
}

/// Between the goodbye and the end.
const FAREWELL: Duration = Duration::from_secs(1);

/// A peer of HTTP/2 that is gone without a word is noticed after twice this time.
const PING: Duration = Duration::from_secs(30);

/// Requests under way on one connection of HTTP/2.
const STREAMS_MAX: u32 = 128;
