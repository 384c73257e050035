//! A proxy before a good server that spoils chosen answers, so that a server misbehaves in the middle of a vector.

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

/// What is done instead of answering, or to the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The request is read, and nothing comes.
    Hang,
    /// Nothing comes, and no connection is taken any more.
    Deaf,
    /// The line is cut once the request is there.
    CutBeforeHead,
    /// The line is cut within the status line.
    CutInHead,
    /// The line is cut within the body.
    CutInBody,
    /// What comes is not HTTP.
    NotHttp,
    /// HTTP with 200 and a body that is not JSON.
    NotJson,
    /// More bytes are promised than come; the line stays open.
    LengthTooGreat,
    /// The same header without end.
    EndlessHead,
    /// A body without end.
    EndlessBody,
    /// The answer byte by byte, so long apart.
    Slow(Duration),
    /// The answer after so long.
    Late(Duration),
    /// The answer, and another one behind it that nobody asked for.
    Twice,
    /// Every line is cut, and the port is closed.
    Die,
    /// 200 and this body.
    Says(&'static str),
    /// Fails, and says so.
    Fails,
}

/// Which requests are spoilt, by their number from 0 and their first line.
pub(crate) type Which = fn(usize, &str) -> bool;

/// The status of the answer that [`Fault::Twice`] adds; no server of this project uses it.
pub(crate) const UNASKED: &str = "418";

/// The proxy; its threads end with the test.
pub(crate) struct Faulty {
    url: String,
    spoilt: Arc<AtomicUsize>,
}

#[derive(Clone)]
struct Line {
    upstream: String,
    fault: Fault,
    which: Which,
    count: Arc<AtomicUsize>,
    spoilt: Arc<AtomicUsize>,
    closed: Arc<AtomicBool>,
}

impl Faulty {
    pub(crate) fn start(upstream: &str, fault: Fault, which: Which) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        listener.set_nonblocking(true).unwrap();
        let spoilt = Arc::new(AtomicUsize::new(0));
        let line = Line {
            upstream: upstream.trim_start_matches("http://").into(),
            fault,
            which,
            count: Arc::default(),
            spoilt: Arc::clone(&spoilt),
            closed: Arc::default(),
        };
        thread::spawn(move || {
            while !line.closed.load(Ordering::SeqCst) {
                match listener.accept() {
                    Ok((stream, _)) => {
                        let line = line.clone();
                        thread::spawn(move || line.serve(stream));
                    }
                    Err(error) if error.kind() == ErrorKind::WouldBlock => thread::sleep(Duration::from_millis(1)),
                    Err(_) => break,
                }
            }
            if line.fault == Fault::Deaf {
                // The port stays open, and nobody is there.
                hang();
            }
        });
        Self { url, spoilt }
    }

    pub(crate) fn url(&self) -> String {
        self.url.clone()
    }

    /// How many requests were spoilt.
    pub(crate) fn spoilt(&self) -> usize {
        self.spoilt.load(Ordering::SeqCst)
    }
}

impl Line {
    /// Answers the requests of one connection, until it or the proxy ends.
    fn serve(&self, mut stream: TcpStream) {
        stream.set_nonblocking(false).unwrap();
        while let Some(request) = message(&mut stream) {
            let first = String::from_utf8_lossy(&request).lines().next().unwrap_or_default().to_string();
            let number = self.count.fetch_add(1, Ordering::SeqCst);
            let dead = self.closed.load(Ordering::SeqCst);
            let go_on = if dead || (self.which)(number, &first) {
                self.spoilt.fetch_add(1, Ordering::SeqCst);
                self.spoil(&mut stream, &request)
            } else {
                let answer = self.ask(&request);
                answer.is_some_and(|answer| stream.write_all(&answer).is_ok())
            };
            if !go_on {
                break;
            }
        }
        let _ = stream.shutdown(Shutdown::Both);
    }

    /// Whether the connection goes on.
    fn spoil(&self, stream: &mut TcpStream, request: &[u8]) -> bool {
        let mut send = |text: &[u8]| stream.write_all(text).is_ok();
        match self.fault {
            Fault::Hang => hang(),
            Fault::Deaf => {
                self.closed.store(true, Ordering::SeqCst);
                hang()
            }
            Fault::CutBeforeHead => false,
            Fault::CutInHead => {
                send(b"HTTP/1.1 20");
                false
            }
            Fault::CutInBody => {
                send(b"HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n{\"clients\":[");
                false
            }
            Fault::NotHttp => {
                send(b"SSH-2.0-OpenSSH_9.2p1\r\n\r\n");
                false
            }
            Fault::NotJson => send(&answer("200 OK", "<html>It works!</html>")),
            Fault::LengthTooGreat => send(b"HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n{}") && hang(),
            Fault::EndlessHead => {
                let mut open = send(b"HTTP/1.1 200 OK\r\n");
                while open {
                    open = send(b"x-more: and more\r\n");
                }
                false
            }
            Fault::EndlessBody => {
                let mut open = send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
                let chunk = [b"10000\r\n".as_slice(), &[b' '; 0x1_0000], b"\r\n"].concat();
                while open {
                    open = send(&chunk);
                }
                false
            }
            Fault::Slow(apart) => self.ask(request).is_some_and(|answer| {
                answer.iter().all(|byte| {
                    thread::sleep(apart);
                    send(&[*byte])
                })
            }),
            Fault::Late(late) => {
                let answer = self.ask(request);
                thread::sleep(late);
                answer.is_some_and(|answer| send(&answer))
            }
            Fault::Twice => self.ask(request).is_some_and(|mut first| {
                first.extend(answer(&format!("{UNASKED} Unasked"), "{}"));
                send(&first)
            }),
            Fault::Die => {
                self.closed.store(true, Ordering::SeqCst);
                false
            }
            Fault::Says(body) => send(&answer("200 OK", body)),
            Fault::Fails => send(&answer("500 Internal Server Error", "{}")),
        }
    }

    /// What the good server answers, on a connection of its own.
    fn ask(&self, request: &[u8]) -> Option<Vec<u8>> {
        let mut upstream = TcpStream::connect(&self.upstream).ok()?;
        let _ = upstream.set_nodelay(true);
        upstream.write_all(request).ok()?;
        message(&mut upstream)
    }
}

fn answer(status: &str, body: &str) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}", body.len());
    format!("{head}\r\n\r\n{body}").into_bytes()
}

fn hang() -> bool {
    loop {
        thread::park();
    }
}

/// One request or answer, whole: its head, and as much as its `content-length` says.
fn message(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let (mut bytes, mut part) = (vec![], [0; 8192]);
    loop {
        if let Some(head) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let text = String::from_utf8_lossy(&bytes[..head]).to_ascii_lowercase();
            assert!(!text.contains("transfer-encoding"), "the proxy reads no chunks: {text}");
            let length = text.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
            if bytes.len() >= head + 4 + length.unwrap_or(0_usize) {
                return Some(bytes);
            }
        }
        match stream.read(&mut part) {
            Ok(0) | Err(_) => return None,
            Ok(read) => bytes.extend(&part[..read]),
        }
    }
}
