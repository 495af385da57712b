//! The door for sister daemons: a sealed question in, decided and on disk, a sealed answer out. Decides nothing.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use axum::http::StatusCode;
use futures::future::BoxFuture;
use serde::{Serialize, de::DeserializeOwned};
use tracing::warn;

use super::{
    envelope::{Nonces, Seal, Stale},
    link::Taken,
    wall_now,
};
use crate::{
    app::App,
    config::SisterAt,
    core::{
        Answer, Input, Refusal,
        presented::Presented,
        sister::{SisterNews, SisterQuestion, SisterWord},
        ticket::Ticket,
    },
    http::ports::{SisterAnswer, SisterCall, SisterDoor},
    store::{Reader, StoreError},
};

/// Takes what sisters say.
#[derive(Debug)]
pub struct SisterCalls {
    app: App,
    reader: Reader,
    own: u8,
    sisters: BTreeMap<u8, SisterAt>,
    nonces: Mutex<Nonces>,
}

impl SisterCalls {
    pub fn new(own: u8, sisters: &[SisterAt], app: App, reader: Reader) -> Arc<Self> {
        let sisters = sisters.iter().map(|at| (at.issuer, at.clone())).collect();
        Arc::new(Self { app, reader, own, sisters, nonces: Mutex::default() })
    }

    async fn taken(&self, call: &SisterCall) -> SisterAnswer {
        let seal = Seal::parse(&call.seal);
        let at = seal.as_ref().and_then(|seal| self.sisters.get(&seal.from));
        let (Some(seal), Some(at)) = (seal, at) else {
            return bare(StatusCode::UNAUTHORIZED);
        };
        if !seal.fits(&at.secret, &call.what, &call.body) {
            warn!(sister = at.name, "a seal does not fit; both need the same secret");
            return bare(StatusCode::UNAUTHORIZED);
        }
        let fresh = {
            let mut nonces = self.nonces.lock().unwrap_or_else(PoisonError::into_inner);
            nonces.take(&seal, wall_now())
        };
        let (status, body) = match fresh {
            Ok(()) => self.answer(seal.from, call).await,
            Err(Stale::Clock) => (StatusCode::CONFLICT, Vec::new()),
            Err(Stale::Replayed) => return bare(StatusCode::UNAUTHORIZED),
        };
        let (now_ms, what) =
            (wall_now().as_millisecond(), format!("{} {}", status.as_u16(), call.what));
        let sealed = Seal::answer(&at.secret, self.own, now_ms, &seal, &what, &body);
        SisterAnswer { status, seal: Some(sealed.to_string()), body }
    }

    async fn answer(&self, sister: u8, call: &SisterCall) -> (StatusCode, Vec<u8>) {
        match call.what.as_str() {
            "asked" => match read(&call.body) {
                Some(asked) => said(self.asked(sister, asked).await),
                None => (StatusCode::UNPROCESSABLE_ENTITY, Vec::new()),
            },
            "told" => match read(&call.body) {
                Some(news) => said(self.told(sister, news).await),
                None => (StatusCode::UNPROCESSABLE_ENTITY, Vec::new()),
            },
            _ => (StatusCode::NOT_FOUND, Vec::new()),
        }
    }

    async fn asked(&self, sister: u8, asked: SisterQuestion) -> Option<SisterWord> {
        let known = match asked.shown {
            Presented::Signed(claims, ..) => self.reader.ticket(claims.ticket).await,
            Presented::Code(digest) => self.reader.ticket_of(&digest).await,
            Presented::Ticket(_) => self.reader.ticket(asked.ticket).await,
            Presented::Person(_) | Presented::Bad(_) => Ok(None),
        };
        let found = looked_up(known).ok()?.filter(|found| found.id == asked.ticket);
        match self.app.tell(Input::SisterAsked { sister, asked, found }).await.ok()? {
            Ok(Answer::Lent(ticket)) => Some(SisterWord::Lent(ticket)),
            Err(Refusal::NotAdmitted(_, why)) => Some(SisterWord::Refused(why)),
            other => {
                warn!(?other, "a sister daemon asked for what there is not");
                None
            }
        }
    }

    async fn told(&self, sister: u8, news: SisterNews) -> Option<Taken> {
        let mut took: Vec<_> = news.reports.iter().map(|report| report.ask).collect();
        let mut found: Vec<Ticket> = Vec::new();
        for report in &news.reports {
            found.extend(looked_up(self.reader.ticket(report.ticket).await).ok()?);
        }
        let nothing = news.reports.is_empty() && news.tickets.is_empty() && !news.anew;
        let doubles = if nothing {
            Vec::new()
        } else {
            match self.app.tell(Input::SisterTold { sister, news, found }).await.ok()? {
                Ok(Answer::Told { doubles, later }) => {
                    took.retain(|ask| !later.contains(ask));
                    doubles
                }
                _ => return None,
            }
        };
        let seen =
            move |state: &crate::core::State| state.sisters.get(&sister).map_or(0, |s| s.seen);
        Some(Taken { seen: self.app.read(seen).await.ok()?, took, doubles })
    }
}

impl SisterDoor for SisterCalls {
    fn called(&self, call: SisterCall) -> BoxFuture<'_, SisterAnswer> {
        Box::pin(async move { self.taken(&call).await })
    }
}

fn looked_up(known: Result<Option<Ticket>, StoreError>) -> Result<Option<Ticket>, ()> {
    known.map_err(|trouble| warn!(%trouble, "a ticket cannot be looked up for a sister"))
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Option<T> {
    serde_json::from_slice(body).ok()
}

/// Without an answer it is asked again, or waited for in vain.
fn said(answer: Option<impl Serialize>) -> (StatusCode, Vec<u8>) {
    match answer.and_then(|answer| serde_json::to_vec(&answer).ok()) {
        Some(body) => (StatusCode::OK, body),
        None => (StatusCode::SERVICE_UNAVAILABLE, Vec::new()),
    }
}

fn bare(status: StatusCode) -> SisterAnswer {
    SisterAnswer { status, seal: None, body: Vec::new() }
}
