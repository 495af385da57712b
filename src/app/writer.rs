//! The one owner of the state: takes what waits, decides each, commits the batch in one transaction, then acts.
//! Knows no device and no SQL.
//!
//! While one batch is on its way to the disk the next is decided already; it is committed, and acted on, after the
//! first. So a look at the state may see what is a few milliseconds away from the disk; an effect and a reply never do.
//!
//! A commit that fails because the disk is full is tried again until it works: nothing was performed, so nothing is
//! undone; the queue fills, devices wait, pages are refused, and the operator is told. Orders to arms have expired by
//! then and are not sent.

use std::{
    sync::atomic::Ordering,
    sync::{Arc, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use metrics::{counter, gauge, histogram};
use tokio::{sync::watch, time::Instant};
use tracing::{error, info, warn};

use super::{
    Inbox, Then, Told,
    clock::{Clock, Stepped},
    reload::NewRules,
};
use crate::{
    core::{
        Alarm, AlarmKind, Change, Effect, Input, Reply, Rules, State, codes::SeenCodes, decide,
    },
    crash_point::{self, Step},
    store::{Reader, StoreError, Writer as Store},
};

/// Inputs decided in one transaction at the most.
const BATCH_MAX: usize = 256;
/// Between two tries to commit while the disk takes nothing.
const RETRY: Duration = Duration::from_secs(1);
/// An overload is over when nothing was shed for this long.
const CALM: Duration = Duration::from_mins(1);

/// Broken when a batch is on disk that the disk said it could not take: only a new start knows where the journal ends.
const JOURNAL_END: &str = "journal_seq_unique";

/// Where effects go. Must not block: the writer is waiting.
pub trait Ports: Send {
    fn perform(&mut self, effect: Effect, now: Timestamp);
}

pub struct Writer<P> {
    mind: Mind,
    store: Store,
    reader: Reader,
    ports: P,
}

/// What was decided and is not on disk yet.
#[derive(Default)]
struct Batch {
    changes: Vec<Change>,
    effects: Vec<Effect>,
    replies: Vec<(Reply, Option<Then>)>,
    at: Timestamp,
}

impl<P: Ports> Writer<P> {
    /// Of a state as it was loaded, with the store it came from.
    pub fn new(
        state: State,
        rules: Arc<Rules>,
        (store, reader): (Store, Reader),
        clock: Clock,
        ports: P,
        inbox: Inbox,
    ) -> Self {
        let codes = SeenCodes::default();
        let mind = Mind { state, rules, clock, inbox, codes, shed_told: None };
        Self { mind, store, reader, ports }
    }

    /// Runs until `stop` turns true or every [`super::App`] is gone; then everything told is committed. Gives the
    /// store back. Its own ports hold an `App`, so that only `stop` ends a daemon's writer.
    pub async fn run(mut self, stepped: Option<Stepped>, mut stop: watch::Receiver<bool>) -> Store {
        let mut next = Batch::default();
        let told = std::iter::once(Input::Started).chain(stepped.map(clock_trouble));
        self.mind.decide(&mut next, told.map(|input| Told { input, then: None }));
        loop {
            self.mind.take_new_rules(&mut next);
            if next.replies.is_empty() && !self.mind.wait(&mut next, &mut stop).await {
                info!("every door is closed; the writer stops");
                return self.store;
            }
            let batch = std::mem::take(&mut next);
            self.one_batch(batch, &mut next).await;
            self.mind.answer_questions();
        }
    }

    /// Commits the batch, then acts on it. What is told meanwhile is decided into `next`.
    async fn one_batch(&mut self, batch: Batch, next: &mut Batch) {
        histogram!("paifang_batch_inputs").record(batch.replies.len() as f64);
        let Batch { changes, effects, replies, at } = batch;
        crash_point::among(Step::BeforeCommit, &changes);
        if !changes.is_empty() && !self.commit(at, &changes, next).await {
            return;
        }
        crash_point::among(Step::Committed, &changes);
        // The commit may have waited for the disk: what has expired meanwhile must not be done any more.
        let now = self.mind.clock.time();
        for effect in effects {
            self.ports.perform(effect, now);
        }
        crash_point::among(Step::Acted, &changes);
        for (reply, then) in replies {
            if let Some(then) = then {
                then(&reply);
            }
        }
        if !changes.is_empty() {
            self.mind.inbox.version.send_modify(|version| *version += 1);
        }
    }

    /// `true`: the batch is on disk. `false`: it can never be, and the state is as the disk has it.
    async fn commit(&mut self, at: Timestamp, changes: &[Change], next: &mut Batch) -> bool {
        let mut full_since = None;
        loop {
            let (took, result) = self.write(at, changes, next).await;
            match result {
                Ok(()) => {
                    histogram!("paifang_commit_seconds").record(took.as_secs_f64());
                    counter!("paifang_changes_total").increment(changes.len() as u64);
                    if full_since.take().is_some() {
                        self.mind.state.alarms.remove(&disk_alarm(at).0);
                        info!("the disk takes data again; nothing was lost");
                        gauge!("paifang_disk_full").set(0.0);
                    }
                    return true;
                }
                Err(StoreError::Constraint { name }) if name == JOURNAL_END => {
                    error!(
                        "the disk failed while it took a batch and kept it all the same; starting again from the disk"
                    );
                    std::process::exit(1);
                }
                Err(refused @ StoreError::Constraint { .. }) => {
                    self.refuse_batch(changes, &refused).await;
                    // Decided on a state that never was.
                    *next = Batch::default();
                    return false;
                }
                Err(trouble) => {
                    if full_since.replace(()).is_none() {
                        error!(%trouble, "nothing can be written, so no arm opens by itself; make room on the disk or mend it");
                        gauge!("paifang_disk_full").set(1.0);
                        // On the console only: the journal cannot take it.
                        let (key, alarm) = disk_alarm(at);
                        self.mind.state.alarms.insert(key, alarm);
                        self.mind.inbox.version.send_modify(|version| *version += 1);
                    }
                    self.mind.answer_questions();
                    tokio::time::sleep(RETRY).await;
                }
            }
        }
    }

    /// One try to commit; what is told meanwhile is decided into `next`, up to a full batch.
    async fn write(
        &mut self,
        at: Timestamp,
        changes: &[Change],
        next: &mut Batch,
    ) -> (Duration, Result<(), StoreError>) {
        let commit = timed(self.store.commit(at, changes));
        tokio::pin!(commit);
        let mut told = Vec::new();
        let mut open = true;
        loop {
            let room = BATCH_MAX.saturating_sub(next.replies.len());
            tokio::select! {
                biased;
                result = &mut commit => return result,
                count = self.mind.inbox.told.recv_many(&mut told, room), if open && room > 0 => {
                    open = count > 0;
                    self.mind.decide(next, told.drain(..));
                }
            }
        }
    }

    /// A rule of the tables was broken: a mistake of ours. The state goes back to what the disk has; nothing was done.
    async fn refuse_batch(&mut self, changes: &[Change], why: &StoreError) {
        counter!("paifang_batches_refused_total").increment(1);
        let kinds: Vec<_> = changes.iter().map(Change::kind).collect();
        error!(%why, ?kinds, "a batch broke a rule of the tables and was dropped whole; please report this");
        loop {
            match self.reader.load().await {
                Ok(loaded) => {
                    self.mind.state = loaded.state;
                    self.mind.codes.forget();
                    return;
                }
                Err(trouble) => {
                    error!(%trouble, "the state cannot be read back; trying again");
                    tokio::time::sleep(RETRY).await;
                }
            }
        }
    }
}

/// Decides; writes and performs nothing.
struct Mind {
    state: State,
    rules: Arc<Rules>,
    clock: Clock,
    inbox: Inbox,
    codes: SeenCodes,
    /// Requests shed when the operator was last told, and when that was.
    shed_told: Option<(u64, Instant)>,
}

impl Mind {
    /// Waits for something to decide; `false` when every door is closed.
    async fn wait(&mut self, batch: &mut Batch, stop: &mut watch::Receiver<bool>) -> bool {
        let mut told = Vec::with_capacity(BATCH_MAX);
        loop {
            let deadline = self.next_deadline();
            tokio::select! {
                biased;
                count = self.inbox.told.recv_many(&mut told, BATCH_MAX) => {
                    self.decide(batch, told);
                    return count > 0;
                }
                // What was told before is still taken.
                _ = stop.wait_for(|stop| *stop), if !self.inbox.told.is_closed() => self.inbox.told.close(),
                () = tokio::time::sleep_until(deadline) => {
                    self.decide(batch, [Told { input: Input::Tick, then: None }]);
                    return true;
                }
                Some(question) = self.inbox.questions.recv() => question(&self.state),
                Some(new) = self.inbox.reloads.recv() => {
                    self.hold(batch, new);
                    return true;
                }
            }
        }
    }

    /// Between two batches: what is decided from here on is decided by them.
    fn take_new_rules(&mut self, batch: &mut Batch) {
        while let Ok(new) = self.inbox.reloads.try_recv() {
            self.hold(batch, new);
        }
    }

    fn hold(&mut self, batch: &mut Batch, new: NewRules) {
        let NewRules { rules, record, then } = new;
        self.rules = rules;
        let then: Then = Box::new(move |_: &Reply| then());
        self.decide(batch, [Told { input: record, then: Some(then) }]);
    }

    fn answer_questions(&mut self) {
        while let Ok(question) = self.inbox.questions.try_recv() {
            question(&self.state);
        }
    }

    fn next_deadline(&mut self) -> Instant {
        let wait = match self.state.next_deadline() {
            Some(at) => self.clock.until(at),
            None => CALM,
        };
        Instant::now() + wait
    }

    fn decide(&mut self, batch: &mut Batch, told: impl IntoIterator<Item = Told>) {
        for Told { input, then } in told {
            let (now, stepped) = self.clock.now();
            if let Some(stepped) = stepped {
                self.decide_one(batch, now, clock_trouble(stepped), None);
            }
            self.decide_one(batch, now, input, then);
        }
        let now = self.clock.time();
        self.inbox.skew_ms.store(self.clock.skew_ms(), Ordering::Relaxed);
        *self.inbox.waiting.lock().unwrap_or_else(PoisonError::into_inner) = self.state.waiting();
        // A steady stream of inputs must not starve the deadlines.
        if self.state.next_deadline().is_some_and(|at| at <= now) {
            self.decide_one(batch, now, Input::Tick, None);
        }
        self.tell_of_overload(batch, now);
    }

    fn decide_one(&mut self, batch: &mut Batch, now: Timestamp, input: Input, then: Option<Then>) {
        if let Some(known) = self.codes.known(now, &input) {
            batch.replies.push((known, then));
            return;
        }
        let code = SeenCodes::digest_of(&input);
        let decision = decide(&self.state, &self.rules, now, input);
        self.codes.decided(now, code, &decision.reply);
        for change in &decision.changes {
            self.state.apply(change);
        }
        batch.at = now;
        batch.changes.extend(decision.changes);
        batch.effects.extend(decision.effects);
        batch.replies.push((decision.reply, then));
    }

    fn tell_of_overload(&mut self, batch: &mut Batch, now: Timestamp) {
        let shed = self.inbox.shed.load(Ordering::Relaxed);
        let (subject, kind) = ("daemon".to_owned(), AlarmKind::Overload);
        match self.shed_told {
            None if shed > 0 => {
                let detail = "pages were refused; no read of a device is dropped".to_owned();
                warn!(shed, "overload: pages and programs are refused, devices wait their turn");
                self.decide_one(batch, now, Input::Trouble { subject, kind, detail }, None);
                self.shed_told = Some((shed, Instant::now()));
            }
            Some((told, _)) if shed != told => self.shed_told = Some((shed, Instant::now())),
            Some((_, at)) if at.elapsed() >= CALM => {
                info!(shed, "overload is over");
                self.decide_one(batch, now, Input::Well { subject, kind }, None);
                self.inbox.shed.store(0, Ordering::Relaxed);
                self.shed_told = None;
            }
            _ => {}
        }
    }
}

fn disk_alarm(since: Timestamp) -> ((String, AlarmKind), Alarm) {
    let (subject, kind) = ("disk".to_owned(), AlarmKind::DiskFull);
    let detail = "nothing can be written, so no arm opens by itself".to_owned();
    ((subject.clone(), kind), Alarm { subject, kind, since, detail })
}

fn clock_trouble(Stepped(by): Stepped) -> Input {
    warn!(%by, "this machine's clock jumped; check its time server");
    let detail = format!("by {by:#}; stays keep their true length");
    Input::Trouble { subject: "clock".into(), kind: AlarmKind::ClockStepped, detail }
}

async fn timed<T>(work: impl Future<Output = T>) -> (Duration, T) {
    let begun = Instant::now();
    let result = work.await;
    (begun.elapsed(), result)
}

impl<P> std::fmt::Debug for Writer<P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer").field("store", &self.store).finish_non_exhaustive()
    }
}
