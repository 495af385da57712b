//! Tells programs what happens: one sender for each webhook reads the journal behind what it told last, in order, and
//! goes on only when its receiver has said yes. Reads through the pages' connections and writes its own small files, so
//! that the writer never waits for it. Knows no rule.

mod mark;
mod sender;

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use futures::future::BoxFuture;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::Sha256;
use tokio::{
    sync::Notify,
    task::{AbortHandle, JoinSet},
};
use tracing::warn;

use self::mark::Mark;
use super::{App, pages::odd};
use crate::{
    core::{AlarmKind, Input},
    http::ports::{Found, HookState, Hooks},
    store::{Accounts, Reader},
    types::{Webhook, WebhookDraft},
};

/// The folder of what was told, in the data folder.
pub(super) const FOLDER: &str = "webhooks";
/// How often the list of webhooks is looked at without being told.
const LOOK: Duration = Duration::from_secs(5);

/// All webhooks of the site.
pub(super) struct Webhooks {
    app: App,
    reader: Reader,
    accounts: Accounts,
    folder: PathBuf,
    site: String,
    site_secret: [u8; 32],
    marks: Mutex<BTreeMap<i64, Mark>>,
    /// A webhook was added, dropped or sent back.
    changed: Notify,
}

impl std::fmt::Debug for Webhooks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Webhooks").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl Webhooks {
    pub(super) fn new(
        app: App,
        (reader, accounts): (Reader, Accounts),
        folder: PathBuf,
        site: String,
        site_secret: [u8; 32],
    ) -> Arc<Self> {
        let marks = Mutex::default();
        let changed = Notify::new();
        Arc::new(Self { app, reader, accounts, folder, site, site_secret, marks, changed })
    }

    /// Has a sender run for each webhook there is.
    pub(super) async fn run(self: Arc<Self>) {
        let mut senders = JoinSet::new();
        let mut running: BTreeMap<i64, AbortHandle> = BTreeMap::new();
        loop {
            match self.reader.webhooks().await {
                Ok(hooks) => {
                    running.retain(|id, sender| {
                        let there = hooks.iter().any(|hook| hook.id == *id);
                        if !there {
                            sender.abort();
                            self.marks().remove(id);
                            mark::remove(&self.folder, *id);
                        }
                        there
                    });
                    for hook in hooks {
                        self.load(&hook);
                        running
                            .entry(hook.id)
                            .or_insert_with(|| senders.spawn(sender::run(Arc::clone(&self), hook)));
                    }
                }
                Err(trouble) => warn!(%trouble, "the webhooks cannot be read; trying again"),
            }
            while senders.try_join_next().is_some() {}
            tokio::select! {
                () = self.changed.notified() => {}
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }

    fn marks(&self) -> MutexGuard<'_, BTreeMap<i64, Mark>> {
        self.marks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where a webhook stands, from its file if this process does not know yet.
    fn load(&self, hook: &Webhook) {
        let known = self.marks().contains_key(&hook.id);
        if !known {
            let read = mark::read(&self.folder, hook.id);
            let mark = read.unwrap_or_else(|| Mark::at(hook.after_seq));
            self.marks().entry(hook.id).or_insert(mark);
        }
    }

    fn mark(&self, id: i64) -> Option<Mark> {
        self.marks().get(&id).cloned()
    }

    /// Changes where a webhook stands, unless a person sent it elsewhere since `epoch`; `false`: it was, or is gone.
    fn step(&self, id: i64, epoch: u64, change: impl FnOnce(&mut Mark)) -> bool {
        let mut marks = self.marks();
        let Some(mark) = marks.get_mut(&id).filter(|mark| mark.epoch == epoch) else {
            return false;
        };
        change(mark);
        true
    }

    /// Nobody has to look after it any more.
    async fn calm(&self, id: i64) {
        let (subject, kind) = (subject(id), AlarmKind::WebhookDead);
        let _ = self.app.submit(Input::Well { subject, kind }, None).await;
    }

    /// Writes down where a webhook stands. Lost, some events are told again.
    async fn save(&self, id: i64) {
        let Some(mark) = self.mark(id) else { return };
        let folder = self.folder.clone();
        let written = tokio::task::spawn_blocking(move || mark::write(&folder, id, &mark)).await;
        if let Ok(Err(trouble)) = written {
            warn!(webhook = id, %trouble, "how far a webhook is cannot be kept; after a start it tells some again");
        }
    }
}

/// What alarms call it.
fn subject(id: i64) -> String {
    format!("webhook {id}")
}

impl Hooks for Webhooks {
    fn list(&self) -> Found<'_, Vec<(Webhook, HookState)>> {
        Box::pin(async move {
            let hooks = self.reader.webhooks().await.map_err(odd)?;
            let with = |hook: Webhook| {
                self.load(&hook);
                let state = self.mark(hook.id).map(|mark| mark.state).unwrap_or_default();
                (hook, state)
            };
            Ok(hooks.into_iter().map(with).collect())
        })
    }

    fn add(&self, draft: WebhookDraft, now: Timestamp) -> Found<'_, Webhook> {
        Box::pin(async move {
            let hook = self.accounts.add_webhook(&draft, now).await.map_err(odd)?;
            self.changed.notify_one();
            Ok(hook)
        })
    }

    fn drop(&self, id: i64) -> Found<'_, bool> {
        Box::pin(async move {
            let gone = self.accounts.drop_webhook(id).await.map_err(odd)?;
            self.calm(id).await;
            self.changed.notify_one();
            Ok(gone)
        })
    }

    fn replay(&self, id: i64, after_seq: Option<i64>) -> BoxFuture<'_, bool> {
        Box::pin(async move {
            let known = self.marks().get_mut(&id).map(|mark| mark.again(after_seq)).is_some();
            if known {
                self.calm(id).await;
                self.save(id).await;
            }
            known
        })
    }

    fn secret(&self, hook: &Webhook) -> String {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&self.site_secret).expect("HMAC takes any length");
        mac.update(format!("webhook 1 {}", hook.id).as_bytes());
        mac.update(&hook.salt);
        URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
    }
}
