//! `paifang ready`: whether the running site serves vehicles, for whoever watches over it. Changes nothing.

use std::time::Duration;

use anyhow::Context;

use super::devices::reachable;
use crate::config::Site;

const PATIENCE: Duration = Duration::from_secs(5);

/// Prints what `/readyz` says; `true`: vehicles are served.
pub async fn ready(site: Site) -> anyhow::Result<bool> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build()?;
    let at = format!("http://{}/readyz", reachable(site.http_listen));
    let answer = client.get(&at).timeout(PATIENCE).send().await;
    let answer = answer.with_context(|| format!("{at}: nobody answers; does the daemon run?"))?;
    let is_ready = answer.status().is_success();
    print!("{}", answer.text().await.context("the answer broke off")?);
    Ok(is_ready)
}
