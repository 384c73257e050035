//! A request in the making: signed rightly, or wrongly in one place.

use std::sync::atomic::{AtomicU64, Ordering};

use data_encoding::BASE64;
use reqwest::Method;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::{Person, Site};

pub(crate) struct Call<'a> {
    site: &'a Site,
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) body: Vec<u8>,
    pub(crate) headers: Vec<(String, String)>,
    signer: Option<&'a Person>,
    /// The headers of the signature, once it is signed.
    signature: Vec<(String, String)>,
    pub(crate) options: Signing,
}

/// How it is signed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Signing {
    /// Seconds beside the server's clock.
    pub(crate) created_offset: i64,
    pub(crate) expires_offset: Option<i64>,
    pub(crate) nonce: Option<String>,
    pub(crate) keyid: Option<String>,
    pub(crate) alg: Option<String>,
    /// Components instead of the usual ones.
    pub(crate) covered: Option<Vec<&'static str>>,
    pub(crate) parameters_first: bool,
}

/// What came back.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: Value,
}

impl<'a> Call<'a> {
    pub(crate) fn new(site: &'a Site, method: Method, path: impl Into<String>) -> Self {
        let (headers, signature, options) = (vec![], vec![], Signing::default());
        Self { site, method, path: path.into(), body: vec![], headers, signer: None, signature, options }
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.bytes(body.to_string()).header("content-type", "application/json")
    }

    pub(crate) fn bytes(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    pub(crate) fn by(mut self, signer: &'a Person) -> Self {
        self.signer = Some(signer);
        self
    }

    pub(crate) fn signing(mut self, options: Signing) -> Self {
        self.options = options;
        self
    }

    /// Signs what it is now; a later change is a forgery.
    pub(crate) fn signed(mut self) -> Self {
        let Some(signer) = self.signer else { return self };
        let options = self.options.clone();
        let mut headers = vec![];
        if !self.body.is_empty() {
            headers.push(("content-digest".to_string(), digest(&self.body)));
        }
        let covered = options.covered.unwrap_or_else(|| self.usual_components());
        let at = |offset: i64| self.site.now().saturating_add_signed(offset);
        let nonce = options.nonce.unwrap_or_else(fresh_nonce);
        let keyid = options.keyid.unwrap_or_else(|| format!("{}#{}", signer.user, signer.key.id()));
        let alg = options.alg.unwrap_or_else(|| signer.key.http_algorithm().to_string());
        let expires = options.expires_offset.map_or(String::new(), |offset| format!(";expires={}", at(offset)));
        let created = format!(";created={}{expires}", at(options.created_offset));
        let names = format!(";keyid=\"{keyid}\";alg=\"{alg}\";nonce=\"{nonce}\"");
        let parameters = if options.parameters_first { names + &created } else { created + &names };
        let quoted: Vec<_> = covered.iter().map(|name| format!("\"{name}\"")).collect();
        let input = format!("({}){parameters}", quoted.join(" "));
        let mut base = String::new();
        for name in covered {
            base += &format!("\"{name}\": {}\n", self.component(name, &headers));
        }
        base += &format!("\"@signature-params\": {input}");
        headers.push(("signature-input".into(), format!("sig={input}")));
        headers.push(("signature".into(), format!("sig=:{}:", BASE64.encode(&signer.key.sign_request(&base)))));
        self.signature = headers;
        self
    }

    fn usual_components(&self) -> Vec<&'static str> {
        let idempotent = self.headers.iter().any(|(name, _)| name == "idempotency-key");
        let with_body = (!self.body.is_empty()).then_some("content-digest");
        ["@method", "@target-uri"].into_iter().chain(with_body).chain(idempotent.then_some("idempotency-key")).collect()
    }

    fn component(&self, name: &str, more: &[(String, String)]) -> String {
        let (path, query) = self.path.split_once('?').unwrap_or((&self.path, ""));
        match name {
            "@method" => self.method.to_string(),
            "@target-uri" => format!("{}{}", self.site.base(), self.path),
            "@authority" => self.site.authority(),
            "@path" => path.into(),
            "@query" => format!("?{query}"),
            field => {
                let found = self.headers.iter().chain(more).find(|(name, _)| name == field);
                found.map(|(_, value)| value.clone()).unwrap_or_default()
            }
        }
    }

    /// Changes a header of the signature.
    pub(crate) fn forge(mut self, name: &str, change: impl Fn(&str) -> String) -> Self {
        for (_, value) in self.signature.iter_mut().filter(|(header, _)| header == name) {
            *value = change(value);
        }
        self
    }

    pub(crate) async fn send(self) -> Answer {
        let response = self.open().await;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = response.bytes().await.unwrap();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Answer { status, headers, body }
    }

    /// The answer whose body is still to come.
    pub(crate) async fn open(self) -> reqwest::Response {
        let (site, method, path) = (self.site, self.method.clone(), self.path.clone());
        let response = self.into_request().send().await.unwrap();
        site.seen.lock().unwrap().push((method, path, response.status().as_u16()));
        response
    }

    /// The request as it is sent.
    pub(crate) fn into_request(self) -> reqwest::RequestBuilder {
        let signed = if self.signature.is_empty() { self.signed() } else { self };
        let url = format!("{}{}", signed.site.base(), signed.path);
        let mut request = signed.site.http.request(signed.method.clone(), url);
        for (name, value) in signed.headers.iter().chain(&signed.signature) {
            request = request.header(name, value);
        }
        request.body(signed.body)
    }
}

impl Answer {
    /// What came over a bare connection.
    pub(crate) fn read(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let (first, fields) = head.split_once("\r\n").unwrap();
        let fields = fields.lines().filter_map(|line| line.split_once(": "));
        let headers = fields.map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        let status = first.split(' ').nth(1).unwrap().parse().unwrap();
        Self { status, headers, body: serde_json::from_str(body).unwrap() }
    }

    /// Insists on a status.
    #[track_caller]
    pub(crate) fn is(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{:#}", self.body);
        self.body
    }

    /// The last part of a problem's type.
    pub(crate) fn problem(&self) -> &str {
        self.body["type"].as_str().and_then(|kind| kind.strip_prefix("/problems/")).unwrap_or("no problem")
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

pub(crate) fn digest(body: &[u8]) -> String {
    format!("sha-256=:{}:", BASE64.encode(&Sha256::digest(body)))
}

fn fresh_nonce() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("nonce-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}
