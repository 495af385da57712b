//! `paifang reload`: the running daemon reads its prices and products anew. Reads no price itself.

use serde::Deserialize;

use super::devices::Daemon;
use crate::config::Site;

#[derive(Deserialize)]
struct Reloaded {
    digest: String,
}

/// Ends with an error, and the site's rules as they were, where a file has a mistake.
pub async fn reload(site: &Site) -> anyhow::Result<()> {
    let told: Reloaded = Daemon::of(site)?.post("/api/v1/reload", String::new()).await?;
    println!("prices and products are read anew and hold from now on; digest {}", told.digest);
    Ok(())
}
