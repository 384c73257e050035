//! What a connection is doing: whether requests are under way, since when it is quiet, and whether a head is coming in.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use axum::body::{Body, Bytes, HttpBody};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::Instant,
};

use crate::config::HttpLimits;

/// Of one connection.
#[derive(Debug)]
pub(super) struct Activity(Mutex<State>);

#[derive(Debug)]
struct State {
    /// Requests whose answers are not whole yet.
    under_way: usize,
    /// Since when there is none.
    quiet_since: Instant,
    /// Since when bytes came in that are no whole head yet. Those that came together with the request before are not
    /// noticed: such a connection is idle, and has that much time.
    heard_since: Option<Instant>,
}

/// How a connection has used up its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Overdue {
    /// A head did not come in time.
    Slow,
    /// Nothing came.
    Idle,
}

impl Activity {
    /// Of a new connection, which owes a head.
    pub(super) fn new() -> Arc<Self> {
        let now = Instant::now();
        Arc::new(Self(Mutex::new(State { under_way: 0, quiet_since: now, heard_since: Some(now) })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A head has come in whole.
    pub(super) fn begin(self: &Arc<Self>) -> UnderWay {
        let mut state = self.state();
        state.under_way += 1;
        state.heard_since = None;
        UnderWay(Arc::clone(self))
    }

    fn hear(&self) {
        let mut state = self.state();
        if state.under_way == 0 && state.heard_since.is_none() {
            state.heard_since = Some(Instant::now());
        }
    }

    fn deadline(&self, limits: &HttpLimits) -> Option<(Instant, Overdue)> {
        let state = self.state();
        match (state.under_way, state.heard_since) {
            (1.., _) => None,
            (0, Some(since)) => Some((since + Duration::from_secs(limits.header_seconds), Overdue::Slow)),
            (0, None) => Some((state.quiet_since + Duration::from_secs(limits.idle_seconds), Overdue::Idle)),
        }
    }

    pub(super) fn is_quiet(&self) -> bool {
        self.state().under_way == 0
    }

    /// Waits until the connection has used up its time. It is looked at again and again: what it owes changes.
    pub(super) async fn overdue(&self, limits: &HttpLimits) -> Overdue {
        let look = Duration::from_secs(limits.header_seconds.min(limits.idle_seconds));
        loop {
            let now = Instant::now();
            match self.deadline(limits) {
                Some((at, overdue)) if at <= now => return overdue,
                Some((at, _)) => tokio::time::sleep_until(at.min(now + look)).await,
                None => tokio::time::sleep(look).await,
            }
        }
    }
}

/// A request from its head to the end of its answer.
#[derive(Debug)]
pub(super) struct UnderWay(Arc<Activity>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.under_way -= 1;
        if state.under_way == 0 {
            state.quiet_since = Instant::now();
        }
    }
}

/// A body whose request is under way until its end.
#[derive(Debug)]
pub(super) struct Accompanied {
    pub(super) body: Body,
    pub(super) _under_way: UnderWay,
}

impl HttpBody for Accompanied {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<hyper::body::Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        self.body.size_hint()
    }
}

/// A stream whose incoming bytes are noticed.
#[derive(Debug)]
pub(super) struct Heard<S> {
    pub(super) stream: S,
    pub(super) activity: Arc<Activity>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Heard<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
        if buffer.filled().len() > before {
            self.activity.hear();
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Heard<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, buffers)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
