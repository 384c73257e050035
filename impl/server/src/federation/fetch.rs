//! Fetching what strangers name: over HTTPS, from public addresses, with bounds, and each redirect looked at anew.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use kpd_directory::ServerName;
use reqwest::{
    Client, Response, StatusCode, Url,
    dns::{Addrs, Name, Resolve, Resolving},
    header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, IF_NONE_MATCH, LOCATION},
};

use super::{Bounds, ResolveError, address::is_public};

/// A client that reaches nothing but public servers.
#[derive(Debug)]
pub(super) struct Fetcher {
    http: Client,
    insecure: Arc<Insecure>,
    redirects_max: usize,
}

/// What came.
#[derive(Debug)]
pub(super) enum Fetched {
    /// A document, where it was in the end, and its tag.
    Document { body: Vec<u8>, url: Url, tag: Option<String>, max_age: Option<u64> },
    /// The document is the one that has the tag.
    NotModified { max_age: Option<u64> },
}

/// What is asked for.
pub(super) struct Wish<'a> {
    pub(super) media_types: &'a [&'a str],
    pub(super) bytes_max: usize,
    /// What is there already: where it was, and its tag.
    pub(super) known: Option<(&'a str, &'a str)>,
}

/// Hosts of tests, and where on the loopback interface they are.
#[derive(Debug)]
struct Insecure(BTreeMap<String, SocketAddr>);

/// Looks names up and lets public addresses through alone. The connection goes to what comes out here, so there is no
/// moment between the check and the use.
#[derive(Debug)]
struct PublicNames(Arc<Insecure>);

impl Fetcher {
    pub(super) fn new(bounds: &Bounds, insecure: &BTreeMap<ServerName, SocketAddr>) -> Result<Self, String> {
        // Another one may be installed already: then that one it is.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let loopback = insecure.iter().filter(|(_, address)| address.ip().is_loopback());
        let insecure = loopback.map(|(host, address)| (host.as_str().into(), *address)).collect();
        let insecure = Arc::new(Insecure(insecure));
        let http = Client::builder()
            .dns_resolver(PublicNames(Arc::clone(&insecure)))
            // A proxy would look names up by itself.
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .http1_only()
            .connect_timeout(bounds.connect_timeout)
            .timeout(bounds.lookup_timeout)
            .pool_max_idle_per_host(1)
            .build()
            .map_err(|error| error.to_string())?;
        Ok(Self { http, insecure, redirects_max: bounds.redirects_max })
    }

    /// The scheme under which a host is asked: HTTPS, and in case of failure nothing else is tried (RFC 7033 §4.2).
    pub(super) fn scheme(&self, host: &ServerName) -> &'static str {
        if self.insecure.0.contains_key(host.as_str()) { "http" } else { "https" }
    }

    /// Whether this host stands in for one of the internet, in a test.
    pub(super) fn is_insecure(&self, host: &ServerName) -> bool {
        self.insecure.0.contains_key(host.as_str())
    }

    pub(super) async fn get(&self, url: Url, wish: &Wish<'_>) -> Result<Fetched, ResolveError> {
        let mut url = url;
        for _ in 0..=self.redirects_max {
            self.check(&url)?;
            let response = self.send(&url, wish).await?;
            let status = response.status();
            let max_age = max_age(response.headers());
            if status.is_redirection() && status != StatusCode::NOT_MODIFIED {
                url = redirected(&url, response.headers())?;
                continue;
            }
            return match status {
                StatusCode::OK => {
                    let tag = text(response.headers(), &ETAG).map(Into::into);
                    let body = body(response, wish).await?;
                    Ok(Fetched::Document { body, url, tag, max_age })
                }
                StatusCode::NOT_MODIFIED if wish.known.is_some() => Ok(Fetched::NotModified { max_age }),
                status => Err(ResolveError::Status(status.as_u16())),
            };
        }
        Err(ResolveError::TooManyRedirects)
    }

    /// Whether this may be asked at all; what a name leads to is looked at when it is looked up.
    fn check(&self, url: &Url) -> Result<(), ResolveError> {
        let forbidden = |why| Err(ResolveError::Forbidden(why));
        if !url.username().is_empty() || url.password().is_some() {
            return forbidden("an URL with a user or a password in it");
        }
        let host = url.host_str().unwrap_or_default();
        let authority = url.port().map_or_else(|| host.into(), |port| format!("{host}:{port}"));
        if self.insecure.0.contains_key(&authority) && matches!(url.scheme(), "http" | "https") {
            return Ok(());
        }
        if url.scheme() != "https" {
            return forbidden("not HTTPS");
        }
        if url.port_or_known_default() != Some(443) {
            return forbidden("a port other than 443");
        }
        // URLs have their IPv4 addresses in one form by now, however they were written.
        match host.trim_matches(['[', ']']).parse::<IpAddr>() {
            Ok(address) if !is_public(address) => forbidden(NOT_PUBLIC),
            _ => Ok(()),
        }
    }

    async fn send(&self, url: &Url, wish: &Wish<'_>) -> Result<Response, ResolveError> {
        let mut request = self.http.get(url.clone()).header(ACCEPT, wish.media_types.join(", "));
        if let Some((_, tag)) = wish.known.filter(|(at, _)| *at == url.as_str()) {
            request = request.header(IF_NONE_MATCH, tag);
        }
        request.send().await.map_err(|error| failed(&error))
    }
}

impl Resolve for PublicNames {
    fn resolve(&self, name: Name) -> Resolving {
        let known = self.0.0.get(name.as_str()).copied();
        Box::pin(async move {
            if let Some(address) = known {
                return Ok(Box::new(std::iter::once(address)) as Addrs);
            }
            let found: Vec<_> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let public: Vec<_> = found.into_iter().filter(|address| is_public(address.ip())).collect();
            if public.is_empty() { Err(NotPublic.into()) } else { Ok(Box::new(public.into_iter()) as Addrs) }
        })
    }
}

#[derive(Debug, thiserror::Error)]
#[error("{NOT_PUBLIC}")]
struct NotPublic;

const NOT_PUBLIC: &str = "an address that is not of the public internet";

fn failed(error: &reqwest::Error) -> ResolveError {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    let mut says = vec![];
    while let Some(error) = cause {
        if error.is::<NotPublic>() {
            return ResolveError::Forbidden(NOT_PUBLIC);
        }
        says.push(error.to_string());
        cause = error.source();
    }
    if error.is_timeout() { ResolveError::TimedOut } else { ResolveError::Unreachable(says.join(": ")) }
}

fn redirected(from: &Url, headers: &HeaderMap) -> Result<Url, ResolveError> {
    let to = text(headers, &LOCATION).and_then(|to| from.join(to).ok());
    to.ok_or_else(|| ResolveError::Malformed { what: "redirect", why: "it leads nowhere".into() })
}

async fn body(mut response: Response, wish: &Wish<'_>) -> Result<Vec<u8>, ResolveError> {
    let media_type = text(response.headers(), &CONTENT_TYPE).unwrap_or_default();
    let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if !wish.media_types.contains(&essence.as_str()) {
        let why = format!("it is announced as {:?}, not as {}", essence, wish.media_types.join(" or "));
        return Err(ResolveError::Malformed { what: "answer", why });
    }
    let mut body = vec![];
    while let Some(chunk) = response.chunk().await.map_err(|error| failed(&error))? {
        if body.len() + chunk.len() > wish.bytes_max {
            return Err(ResolveError::TooLarge { bytes_max: wish.bytes_max });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// For how many seconds an answer is fresh (RFC 9111 §5.2.2), where it says so.
fn max_age(headers: &HeaderMap) -> Option<u64> {
    let values = headers.get_all(CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
    let directives: Vec<_> =
        values.flat_map(|value| value.split(',')).map(|it| it.trim().to_ascii_lowercase()).collect();
    if directives.iter().any(|directive| matches!(directive.as_str(), "no-store" | "no-cache")) {
        return Some(0);
    }
    let seconds = directives.iter().filter_map(|directive| directive.strip_prefix("max-age="));
    seconds.filter_map(|seconds| seconds.trim_matches('"').parse().ok()).min()
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}
