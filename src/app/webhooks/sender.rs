//! One webhook's events on their way: signed, sent in order, again until the receiver says yes or a day is over. Knows
//! no list of webhooks.

use std::{sync::Arc, time::Duration};

use hmac::{Hmac, KeyInit, Mac};
use jiff::{SignedDuration, Timestamp};
use reqwest::{Client, Method, redirect};
use serde_json::json;
use sha2::Sha256;
use tokio::time::Instant;
use tracing::{info, warn};

use super::{
    Webhooks,
    mark::{Mark, TROUBLE_CHARS_MAX},
    subject,
};
use crate::{
    core::{AlarmKind, Input},
    http::{
        events::{EVENT_KINDS, Event, News, event, mask},
        ports::Hooks,
    },
    store::{Past, StoreError},
    types::Webhook,
};

/// After a commit, so that a busy site is read in pieces.
const GATHER: Duration = Duration::from_millis(100);
const ROWS_MAX: u32 = 200;
/// A receiver that takes longer did not take it.
const PATIENCE: Duration = Duration::from_secs(10);
const WAIT_MAX_S: u64 = 3_600;
const DEAD_AFTER: SignedDuration = SignedDuration::from_hours(24);
/// What was told is written down at most this often while all goes well.
const SAVE: Duration = Duration::from_secs(1);

/// A piece of the journal.
struct Piece {
    rows: Vec<Past>,
    /// Nothing else is of interest up to here.
    up_to: i64,
}

/// Until it is aborted, or its webhook is gone.
pub(super) async fn run(hooks: Arc<Webhooks>, hook: Webhook) {
    let sender = match Sender::new(hooks, hook) {
        Ok(sender) => sender,
        Err((id, trouble)) => {
            warn!(webhook = id, %trouble, "no TLS towards a webhook; nothing is told");
            return;
        }
    };
    let mut version = sender.hooks.app.version();
    let (mut saved, mut told) = (Instant::now(), false);
    while let Some(mark) = sender.hooks.mark(sender.hook.id) {
        if mark.state.dead {
            mark.sent.notified().await;
            continue;
        }
        version.borrow_and_update();
        let piece = match sender.piece(&mark).await {
            Ok(piece) => piece,
            Err(trouble) => {
                warn!(webhook = sender.hook.id, %trouble, "the journal cannot be read; trying again");
                tokio::time::sleep(SAVE).await;
                continue;
            }
        };
        let more = !piece.rows.is_empty();
        sender.tell(piece, &mark).await;
        told |= more;
        if told && !more || saved.elapsed() >= SAVE {
            sender.hooks.save(sender.hook.id).await;
            (saved, told) = (Instant::now(), false);
        }
        if !more {
            tokio::select! {
                changed = version.changed() => if changed.is_err() { return },
                () = mark.sent.notified() => {}
            }
            tokio::time::sleep(GATHER).await;
        }
    }
}

struct Sender {
    hooks: Arc<Webhooks>,
    hook: Webhook,
    client: Client,
    secret: String,
    /// Kinds of rows that tell what was asked for.
    rows: Vec<&'static str>,
}

impl Sender {
    fn new(hooks: Arc<Webhooks>, hook: Webhook) -> Result<Self, (i64, reqwest::Error)> {
        // Someone else may have set the process's provider before; any will do.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut client = Client::builder()
            .redirect(redirect::Policy::none())
            .no_proxy()
            .connect_timeout(PATIENCE)
            .timeout(PATIENCE);
        if !hook.url.starts_with("https://") {
            // A box without the system's authorities can still tell its neighbours.
            client = client.tls_certs_only([]);
        }
        let client = client.build().map_err(|trouble| (hook.id, trouble))?;
        let asked = EVENT_KINDS.iter().filter(|kind| hook.kinds.iter().any(|k| k == kind.name));
        let mut rows: Vec<&'static str> = asked.map(|kind| kind.row).collect();
        rows.dedup();
        let secret = hooks.secret(&hook);
        Ok(Self { hooks, hook, client, secret, rows })
    }

    async fn piece(&self, mark: &Mark) -> Result<Piece, StoreError> {
        let reader = &self.hooks.reader;
        let end = reader.journal_end().await?;
        let after = mark.state.told_seq;
        let rows = reader.journal_of(&self.rows, after, end, ROWS_MAX).await?;
        let full = rows.len() >= ROWS_MAX as usize;
        let up_to = if full { rows.last().map_or(end, |row| row.seq) } else { end };
        Ok(Piece { rows, up_to })
    }

    /// Tells the events of a piece in their order; gives up where a person sent the webhook elsewhere, or it is dead.
    async fn tell(&self, piece: Piece, mark: &Mark) {
        let (id, epoch) = (self.hook.id, mark.epoch);
        for row in piece.rows {
            let (seq, at) = (row.seq, row.at);
            let told = match event(&row.change) {
                Some(event) if self.is_asked(&event) => match self.is_news(seq, &event, &row).await
                {
                    Ok(true) => self.deliver(seq, at, event, mark).await,
                    Ok(false) => true,
                    Err(trouble) => {
                        warn!(webhook = id, %trouble, "the journal cannot be read; trying again");
                        tokio::time::sleep(SAVE).await;
                        false
                    }
                },
                _ => true,
            };
            if !told || !self.hooks.step(id, epoch, |mark| mark.state.told_seq = seq) {
                return;
            }
        }
        self.hooks.step(id, epoch, |mark| mark.state.told_seq = piece.up_to);
    }

    fn is_asked(&self, event: &Event) -> bool {
        self.hook.kinds.iter().any(|kind| kind == event.kind)
    }

    async fn is_news(&self, seq: i64, event: &Event, row: &Past) -> Result<bool, StoreError> {
        match &event.news {
            News::Always => Ok(true),
            News::First { id, since, mark } => {
                let of = (row.change.kind(), *id);
                let mark = mark.as_ref().map(|(field, value)| (*field, value.as_str()));
                Ok(!self.hooks.reader.said_before(seq, of, *since, mark).await?)
            }
        }
    }

    /// Sends one event until it is taken; `false`: it was not, and this is not the time any more.
    async fn deliver(&self, seq: i64, at: Timestamp, event: Event, mark: &Mark) -> bool {
        let Event { kind, mut data, .. } = event;
        if !self.hook.plates {
            mask(&mut data);
        }
        // Each row tells one thing; the index leaves room for more.
        let id = format!("{seq}-0");
        let site = &self.hooks.site;
        let body =
            json!({ "id": id, "seq": seq, "type": kind, "at": at, "site": site, "data": data });
        let body = body.to_string();
        loop {
            let trouble = match self.send(&id, kind, &body).await {
                Ok(()) => {
                    self.calm(mark).await;
                    return true;
                }
                Err(trouble) => trouble,
            };
            let Some(wait) = self.failed(mark, trouble).await else { return false };
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = mark.sent.notified() => return false,
            }
        }
    }

    /// One try; else what the receiver said. `Err` with `gone`: it wants no more.
    async fn send(&self, id: &str, kind: &str, body: &str) -> Result<(), Trouble> {
        let t = self.hooks.app.now().as_second();
        let signature = format!("t={t},v1={}", signed(&self.secret, t, body));
        let request = self
            .client
            .request(Method::POST, &self.hook.url)
            .header("content-type", "application/json")
            .header("user-agent", concat!("paifang/", env!("CARGO_PKG_VERSION")))
            .header("paifang-event", kind)
            .header("paifang-id", id)
            .header("paifang-signature", signature)
            .body(body.to_owned());
        match request.send().await {
            Ok(answer) if answer.status().is_success() => Ok(()),
            Ok(answer) => {
                let gone = answer.status() == reqwest::StatusCode::GONE;
                Err(Trouble { what: format!("HTTP {}", answer.status()), gone })
            }
            Err(error) => {
                let what = if error.is_timeout() { "no answer in time" } else { "not reached" };
                let what = format!("{what}: {}", error.without_url());
                Err(Trouble { what, gone: false })
            }
        }
    }

    /// Its receiver takes events again.
    async fn calm(&self, mark: &Mark) {
        let was = self.hooks.mark(self.hook.id).is_some_and(|m| m.state.failing_since.is_some());
        if was {
            self.hooks.step(self.hook.id, mark.epoch, |mark| {
                mark.state.failing_since = None;
                mark.state.next_try = None;
                mark.state.tries = 0;
                mark.state.trouble.clear();
            });
            info!(webhook = self.hook.id, "a webhook's receiver takes events again");
            self.hooks.save(self.hook.id).await;
        }
    }

    /// Until the next try; `None`: there is none.
    async fn failed(&self, mark: &Mark, trouble: Trouble) -> Option<Duration> {
        let Trouble { what, gone } = trouble;
        let now = self.hooks.app.now();
        let (mut wait, mut dead) = (Duration::ZERO, false);
        let id = self.hook.id;
        let ours = self.hooks.step(id, mark.epoch, |mark| {
            let state = &mut mark.state;
            let since = *state.failing_since.get_or_insert(now);
            wait = Duration::from_secs((1_u64 << state.tries.min(12)).min(WAIT_MAX_S));
            state.tries = state.tries.saturating_add(1);
            state.dead = gone || now.duration_since(since) >= DEAD_AFTER;
            state.next_try = (!state.dead).then(|| now + wait);
            state.trouble = what.chars().take(TROUBLE_CHARS_MAX).collect();
            dead = state.dead;
        });
        if !ours {
            return None;
        }
        self.hooks.save(id).await;
        if dead {
            warn!(webhook = id, what, "a webhook's receiver took nothing; nothing more is sent");
            let (subject, kind) = (subject(id), AlarmKind::WebhookDead);
            let input = Input::Trouble { subject, kind, detail: what };
            let _ = self.hooks.app.submit(input, None).await;
            return None;
        }
        Some(wait)
    }
}

struct Trouble {
    what: String,
    gone: bool,
}

/// Hex of HMAC-SHA256 over the time, a full stop and the body.
fn signed(secret: &str, t: i64, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes any length");
    mac.update(t.to_string().as_bytes());
    mac.update(b".");
    mac.update(body.as_bytes());
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}
