//! The other daemons of the site, over HTTP: what the core asks and has to tell goes out, what they ask and tell comes
//! in. Decides nothing.

mod door;
pub mod envelope;
mod link;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use reqwest::{Client, redirect};
use tokio::sync::Notify;

pub use self::door::SisterCalls;
use self::link::Link;
use super::App;
use crate::{
    config::SisterAt,
    core::{
        Input,
        sister::{SisterAsk, SisterQuestion, SisterWord},
    },
    store::Reader,
    types::AskId,
};

/// Connections that are not used end; the heart-beat keeps one alive.
const IDLE: Duration = Duration::from_secs(20);

/// The ways to all sisters. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Sisters {
    links: Arc<BTreeMap<u8, Arc<Link>>>,
}

/// The client cannot be made.
#[derive(Debug, thiserror::Error)]
#[error("no HTTP towards the sister daemon {name}: {source}")]
pub struct SisterError {
    name: String,
    source: reqwest::Error,
}

impl Sisters {
    pub fn open(
        own: u8,
        sisters: &[SisterAt],
        app: &App,
        reader: &Reader,
    ) -> Result<Self, SisterError> {
        let links = sisters.iter().map(|at| {
            let link = Link {
                own,
                at: at.clone(),
                app: app.clone(),
                reader: reader.clone(),
                client: client(at)?,
                wake: Notify::new(),
                offset_ms: std::sync::atomic::AtomicI64::new(0),
            };
            Ok((at.issuer, Arc::new(link)))
        });
        Ok(Self { links: Arc::new(links.collect::<Result<_, SisterError>>()?) })
    }

    /// One task for each sister, for as long as the daemon runs.
    pub fn runs(&self) -> Vec<impl Future<Output = ()> + Send + use<>> {
        self.links.values().map(|link| link.clone().run()).collect()
    }

    /// Never blocks. The answer, or its absence, comes back as an input.
    pub fn ask(&self, ask: &SisterAsk, watched: bool) {
        let question = SisterQuestion {
            ask: ask.id,
            shown: ask.shown,
            ticket: ask.ticket,
            zone: ask.zone.clone(),
            watched,
        };
        let Some(link) = self.links.get(&ask.sister).cloned() else { return };
        tokio::spawn(async move {
            let id: AskId = question.ask;
            let word = link.ask(&question).await.unwrap_or(SisterWord::Silent);
            let _ = link.app.submit(Input::SisterSaid { ask: id, word }, None).await;
        });
    }

    /// Something waits to be told.
    pub fn wake(&self, sister: u8) {
        if let Some(link) = self.links.get(&sister) {
            link.wake.notify_one();
        }
    }
}

fn client(at: &SisterAt) -> Result<Client, SisterError> {
    // Someone else may have set the process's provider before; any will do.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = Client::builder()
        .redirect(redirect::Policy::none())
        .no_proxy()
        .pool_idle_timeout(IDLE)
        .tcp_nodelay(true);
    if at.url.starts_with("http://") {
        builder = builder.tls_certs_only([]);
    }
    builder.build().map_err(|source| SisterError { name: at.name.clone(), source })
}

#[expect(clippy::disallowed_methods, reason = "seals go by the wall clock of each machine")]
fn wall_now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}
