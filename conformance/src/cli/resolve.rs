//! `kpd resolve`: what a user's own server says of its signature keys.

use std::{collections::BTreeMap, net::SocketAddr, str::FromStr};

use clap::Args;
use kpd_server::federation::{Bounds, ListedKey, Resolver, ServerName, UserId};

use crate::{
    cli::{CliError, out::say},
    clock,
    verdict::Exit,
};

/// Whom to look up.
#[derive(Debug, Args)]
pub(super) struct ResolveArguments {
    /// The user, such as acct:bob@example.org.
    user: String,
    /// Ask this host at this address of this machine, over plain HTTP: example.org=127.0.0.1:8080. For trying out.
    #[arg(long, value_name = "HOST=ADDRESS")]
    insecure_loopback: Vec<Loopback>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Loopback {
    host: ServerName,
    address: SocketAddr,
}

impl FromStr for Loopback {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || "a host and an address, such as example.org=127.0.0.1:8080".to_string();
        let (host, address) = text.split_once('=').ok_or_else(expected)?;
        let host = ServerName::parse(host).map_err(|error| error.to_string())?;
        let address: SocketAddr = address.parse().map_err(|_| expected())?;
        let loopback = address.ip().is_loopback().then_some(Self { host, address });
        loopback.ok_or_else(|| format!("{address} is not of the loopback interface"))
    }
}

pub(super) async fn resolve(arguments: &ResolveArguments) -> Result<Exit, CliError> {
    let user = UserId::parse(&arguments.user).map_err(|error| CliError::Usage(error.to_string()))?;
    let loopback = arguments.insecure_loopback.iter().map(|it| (it.host.clone(), it.address));
    let resolver = Resolver::new(Bounds::default(), &loopback.collect::<BTreeMap<_, _>>());
    let resolver = resolver.map_err(|error| CliError::Failed(format!("no HTTPS client: {error}")))?;
    let found = resolver.keys(&user).await.map_err(|error| CliError::Unreachable(format!("{user}: {error}")))?;
    let now = clock::now();
    say!("{user}: {} signature keys, says {}", found.keys().len(), user.server());
    found.keys().iter().for_each(|listed| say!("{}", line(listed, now)));
    Ok(Exit::Passed)
}

/// One key, with the time in which it is valid, in Unix seconds.
fn line(listed: &ListedKey, now: u64) -> String {
    let standing = serde_json::to_value(listed.standing(now)).unwrap_or_default();
    let end = listed.expires_at.map_or("without end".into(), |end| format!("until {end}"));
    let scheme = serde_json::to_value(listed.key.scheme()).unwrap_or_default();
    let word = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_string();
    let (id, client, since) = (listed.key.id(), &listed.client, listed.added_at);
    format!("{id}  {:<10}  {client}  {}  from {since} {end}", word(&scheme), word(&standing))
}
