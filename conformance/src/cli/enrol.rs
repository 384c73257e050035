//! `kpd enrol`: lets a user in, as the operator.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use crate::{
    cli::{CliError, out::say},
    run::transport::chain,
    verdict::Exit,
};

/// Whom to let in, and where.
#[derive(Debug, Args)]
pub(super) struct EnrolArguments {
    /// The user, such as acct:bob@example.org.
    user: String,
    /// The server.
    #[arg(long, value_name = "URL")]
    target: String,
    /// The operator's token.
    #[arg(long, value_name = "TOKEN", env = "KPD_OPERATOR_TOKEN", hide_env_values = true)]
    operator_token: String,
    /// Certificates (PEM) to trust besides the system's, as that of a server with one of its own making.
    #[arg(long, value_name = "FILE")]
    ca_certificate: Option<PathBuf>,
    /// Prints the whole answer as JSON.
    #[arg(long)]
    json: bool,
}

pub(super) async fn enrol(arguments: EnrolArguments) -> Result<Exit, CliError> {
    let http = client(arguments.ca_certificate.as_deref())?;
    let url = format!("{}/v1/users", arguments.target.trim_end_matches('/'));
    let request = http.post(&url).bearer_auth(&arguments.operator_token);
    let request = request.header("content-type", "application/json");
    let answer = request.body(json!({ "user": arguments.user }).to_string()).send().await;
    let answer = answer.map_err(|error| CliError::Unreachable(format!("{url}: {}", chain(&error))))?;
    let status = answer.status();
    let text = answer.text().await.map_err(|error| CliError::Unreachable(format!("{url}: {}", chain(&error))))?;
    let body: Value = serde_json::from_str(&text).unwrap_or_default();
    let token = body["enrolment_token"].as_str().filter(|_| status.is_success());
    let Some(token) = token else {
        let title = body["title"].as_str().unwrap_or("an answer that is not a directory's");
        let detail = body["detail"].as_str().map(|detail| format!(": {detail}")).unwrap_or_default();
        eprintln!("kpd: {} was not enrolled: {status}: {title}{detail}", arguments.user);
        return Ok(Exit::Failed);
    };
    if arguments.json {
        let mut answer = body.clone();
        answer["user"] = arguments.user.into();
        say!("{answer:#}");
    } else {
        say!("{token}");
        let until = body["not_after"].as_u64().map(|seconds| format!(", until {seconds} (Unix seconds)"));
        eprintln!("with this token {} adds its first signature key{}", arguments.user, until.unwrap_or_default());
    }
    Ok(Exit::Passed)
}

fn client(ca_certificate: Option<&std::path::Path>) -> Result<reqwest::Client, CliError> {
    let mut builder = reqwest::Client::builder().timeout(std::time::Duration::from_secs(30));
    if let Some(path) = ca_certificate {
        let wrong = |why: String| CliError::Usage(format!("--ca-certificate {}: {why}", path.display()));
        let text = std::fs::read(path).map_err(|error| wrong(error.to_string()))?;
        let certificates = reqwest::Certificate::from_pem_bundle(&text).map_err(|error| wrong(chain(&error)))?;
        if certificates.is_empty() {
            return Err(wrong("it holds no certificate (a block BEGIN CERTIFICATE)".into()));
        }
        builder = builder.tls_certs_merge(certificates);
    }
    builder.build().map_err(|error| CliError::Failed(format!("no HTTP client: {}", chain(&error))))
}
