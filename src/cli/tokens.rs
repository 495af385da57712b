//! `paifang token`: tokens of programs, made and taken back while the site runs. Shows each once.

use anyhow::{Context, bail};

use super::{open_accounts, wall_now};
use crate::{
    config::Site,
    http::fresh_token,
    types::{CounterId, Scope, ids::TEXT_ID_RULE},
};

/// On record as who made it.
const MADE_BY: &str = "command line";

/// `paifang token add`.
pub async fn add(site: Site, name: &str, scopes: &[String]) -> anyhow::Result<()> {
    if CounterId::parse(name).is_none() {
        bail!("a program's name is {TEXT_ID_RULE}; this is {name:?}");
    }
    let scope = |text: &String| {
        Scope::parse(text).with_context(|| {
            let all: Vec<_> = Scope::ALL.iter().map(|scope| scope.name()).collect();
            format!("no scope is {text:?}; there are: {}", all.join(", "))
        })
    };
    let scopes = scopes.iter().map(scope).collect::<anyhow::Result<Vec<_>>>()?;
    let (token, digest) = fresh_token().context("the system gives no random numbers")?;
    let accounts = open_accounts(&site).await?;
    if !accounts.add_program(name, &scopes, &digest, MADE_BY, wall_now()).await? {
        bail!(
            "a program or a counter is called {name} already; `paifang token revoke {name}` first"
        );
    }
    println!("{name}: token {token}; it is shown only this once");
    Ok(())
}

/// `paifang token list`.
pub async fn list(site: Site) -> anyhow::Result<()> {
    for program in open_accounts(&site).await?.programs().await? {
        let scopes: Vec<_> = program.scopes.iter().map(|scope| scope.name()).collect();
        let used = program.used_at.map_or_else(|| "never".to_owned(), |at| at.to_string());
        println!("{}: {}; last used {used}", program.name, scopes.join(","));
    }
    Ok(())
}

/// `paifang token revoke`.
pub async fn revoke(site: Site, name: &str) -> anyhow::Result<()> {
    if !open_accounts(&site).await?.drop_program(name).await? {
        bail!("no program is called {name}; `paifang token list` names them");
    }
    println!("{name}: its token is worth nothing any more");
    Ok(())
}
