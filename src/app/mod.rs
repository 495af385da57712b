//! The running daemon: one writer owns the state, devices and pages tell it what happens. Commit, then act.

pub mod accounts;
pub mod banker;
mod box_office;
pub mod clock;
pub mod clouds;
pub mod codes;
pub mod counts;
pub mod daemon;
mod ears;
pub mod field;
mod gates;
mod invoices;
pub mod keys;
pub mod pages;
mod parts;
mod payments;
pub mod pictures;
mod printing;
mod programs;
pub mod reading;
pub mod reload;
mod roster;
mod rule_files;
mod settlement_pages;
pub mod settling;
mod sharing;
pub mod sisters;
pub mod staff;
mod till;
mod visitors;
mod webhooks;
mod writer;

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicI64, AtomicU64, Ordering},
};

use tokio::sync::{mpsc, oneshot, watch};

pub use self::writer::{Ports, Writer};
use crate::core::{Input, Reply, Rules, State, Waiting};

/// The site's database, in its data folder.
pub const DATABASE: &str = "paifang.sqlite";
/// The folder of the site's ticket keys, in its data folder.
pub const TICKET_KEYS: &str = "ticket-keys";
/// Inputs that may wait. A full queue makes devices wait (nothing they said is lost) and pages be refused.
pub const QUEUE_MAX: usize = 4_096;
/// Questions about the state that may wait.
const QUESTIONS_MAX: usize = 256;

/// Called once the decision is on disk, with what the core answered.
pub type Then = Box<dyn FnOnce(&Reply) + Send>;

pub(crate) struct Told {
    pub(crate) input: Input,
    pub(crate) then: Option<Then>,
}

type Question = Box<dyn FnOnce(&State) + Send>;

/// The door to the one writer. Cheap to clone.
#[derive(Clone)]
pub struct App {
    told: mpsc::Sender<Told>,
    questions: mpsc::Sender<Question>,
    reloads: mpsc::Sender<reload::NewRules>,
    version: watch::Receiver<u64>,
    shed: Arc<AtomicU64>,
    /// Decided time less this machine's, in milliseconds.
    skew_ms: Arc<AtomicI64>,
    /// Open tasks, and calls that nobody took on, in the upper and lower half.
    waiting: Arc<Mutex<Waiting>>,
}

/// The writer cannot keep up, or has stopped. What a device said is never refused so; a page is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Busy {
    #[error("too much is waiting to be decided; try again in a moment")]
    Full,
    #[error("the daemon is stopping")]
    Stopped,
}

/// The receiving ends, for the writer.
pub struct Inbox {
    pub(crate) told: mpsc::Receiver<Told>,
    pub(crate) questions: mpsc::Receiver<Question>,
    pub(crate) reloads: mpsc::Receiver<reload::NewRules>,
    pub(crate) version: watch::Sender<u64>,
    pub(crate) shed: Arc<AtomicU64>,
    pub(crate) skew_ms: Arc<AtomicI64>,
    pub(crate) waiting: Arc<Mutex<Waiting>>,
}

impl std::fmt::Debug for Inbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inbox").finish_non_exhaustive()
    }
}

impl App {
    /// The door, and the receiving ends that [`Writer::new`] takes.
    pub fn new() -> (Self, Inbox) {
        let (told, told_rx) = mpsc::channel(QUEUE_MAX);
        let (questions, questions_rx) = mpsc::channel(QUESTIONS_MAX);
        let (reloads, reloads_rx) = mpsc::channel(1);
        let (version_tx, version) = watch::channel(0);
        let shed = Arc::new(AtomicU64::new(0));
        let skew_ms = Arc::new(AtomicI64::new(0));
        let waiting = Arc::new(Mutex::new(Waiting::default()));
        let inbox = Inbox {
            told: told_rx,
            questions: questions_rx,
            reloads: reloads_rx,
            version: version_tx,
            shed: Arc::clone(&shed),
            skew_ms: Arc::clone(&skew_ms),
            waiting: Arc::clone(&waiting),
        };
        (Self { told, questions, reloads, version, shed, skew_ms, waiting }, inbox)
    }

    /// For devices and the bank: waits for a place in the queue; `then` runs after the commit.
    pub async fn submit(&self, input: Input, then: Option<Then>) -> Result<(), Busy> {
        self.told.send(Told { input, then }).await.map_err(|_| Busy::Stopped)
    }

    /// For pages and programs: refused when the queue is full, else answered after the commit.
    pub async fn tell(&self, input: Input) -> Result<Reply, Busy> {
        let (tx, rx) = oneshot::channel();
        let then: Then = Box::new(move |reply| {
            let _ = tx.send(reply.clone());
        });
        self.told.try_send(Told { input, then: Some(then) }).map_err(|refused| match refused {
            mpsc::error::TrySendError::Full(_) => {
                self.shed.fetch_add(1, Ordering::Relaxed);
                Busy::Full
            }
            mpsc::error::TrySendError::Closed(_) => Busy::Stopped,
        })?;
        rx.await.map_err(|_| Busy::Stopped)
    }

    /// Looks at the state between two batches.
    pub async fn read<T: Send + 'static>(
        &self,
        look: impl FnOnce(&State) -> T + Send + 'static,
    ) -> Result<T, Busy> {
        let (tx, rx) = oneshot::channel();
        let question: Question = Box::new(move |state| {
            let _ = tx.send(look(state));
        });
        self.questions.send(question).await.map_err(|_| Busy::Stopped)?;
        rx.await.map_err(|_| Busy::Stopped)
    }

    /// New rules hold from the next batch on; `then` runs once that is on disk, and so does this.
    pub(crate) async fn take_rules(
        &self,
        rules: Arc<Rules>,
        record: Input,
        then: Box<dyn FnOnce() + Send>,
    ) -> Result<(), Busy> {
        let (tx, rx) = oneshot::channel();
        let then = Box::new(move || {
            then();
            let _ = tx.send(());
        });
        let new = reload::NewRules { rules, record, then };
        self.reloads.send(new).await.map_err(|_| Busy::Stopped)?;
        rx.await.map_err(|_| Busy::Stopped)
    }

    /// The time as decisions see it; see [`clock::Clock`].
    #[expect(
        clippy::disallowed_methods,
        reason = "this machine's clock, corrected by what is decided"
    )]
    pub fn now(&self) -> jiff::Timestamp {
        let skew_ms = self.skew_ms.load(Ordering::Relaxed);
        jiff::Timestamp::now() + jiff::SignedDuration::from_millis(skew_ms)
    }

    /// What waits for a person, as of the last batch.
    pub fn waiting(&self) -> Waiting {
        *self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts committed batches.
    pub fn version(&self) -> watch::Receiver<u64> {
        self.version.clone()
    }
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").field("version", &*self.version.borrow()).finish_non_exhaustive()
    }
}
