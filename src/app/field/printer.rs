//! A receipt printer: one task each, a short queue before it, and the printer's own word behind every receipt. Says
//! "printed" only when the printer does. Knows no receipt's text.

use std::time::Duration;

use paifang_devices::escpos::{Answers, Ask, Document, Escpos, Fault, Paper};
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::Instant,
};

use super::printer_wire::{PrinterAt, PrinterWire};
use crate::types::DeviceId;

/// Receipts that may wait.
const QUEUE_MAX: usize = 8;
/// A receipt nobody waits for any more is not printed later.
const JOB_LIFE: Duration = Duration::from_mins(1);
/// From the last byte sent to the last line on paper.
const PRINTING_MAX: Duration = Duration::from_secs(10);
/// Between two looks at an idle printer.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// What became of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is on paper: the printer answered behind it and is well.
    Printed,
    /// No paper. What was sent may come out with the next roll.
    PaperOut,
    /// Nothing can be printed now.
    Offline { why: String },
    /// It was sent; the printer does not say what became of it.
    Unknown { why: String },
    /// It was not sent.
    Refused { why: String },
}

/// What is known of a printer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum PrinterHealth {
    #[default]
    Unknown,
    Well {
        near_end: bool,
    },
    PaperOut,
    Offline {
        why: String,
    },
}

struct Job {
    document: Document,
    until: Instant,
    answer: oneshot::Sender<Outcome>,
}

/// A way to one printer. Cheap to clone.
#[derive(Clone)]
pub struct PrinterHandle {
    pub id: DeviceId,
    /// Latin characters in a line.
    pub columns: u8,
    jobs: mpsc::Sender<Job>,
    health: watch::Receiver<PrinterHealth>,
}

impl PrinterHandle {
    /// Waits for its turn and for the paper.
    pub async fn print(&self, document: Document) -> Outcome {
        let (answer, answered) = oneshot::channel();
        let job = Job { document, until: super::board::soon(JOB_LIFE), answer };
        if let Err(e) = self.jobs.try_send(job) {
            let why = match e {
                mpsc::error::TrySendError::Full(_) => "too many receipts wait for it",
                mpsc::error::TrySendError::Closed(_) => "the daemon is stopping",
            };
            return Outcome::Refused { why: why.into() };
        }
        let stopping = || Outcome::Unknown { why: "the daemon is stopping".into() };
        answered.await.unwrap_or_else(|_| stopping())
    }

    pub fn health(&self) -> watch::Receiver<PrinterHealth> {
        self.health.clone()
    }
}

impl std::fmt::Debug for PrinterHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PrinterHandle").field("id", &self.id).finish_non_exhaustive()
    }
}

/// The task's own part.
pub struct Printer {
    id: DeviceId,
    escpos: Escpos,
    at: PrinterAt,
    reply_max: Duration,
    jobs: mpsc::Receiver<Job>,
    health: watch::Sender<PrinterHealth>,
}

impl Printer {
    /// The task, to be run, and the way to it.
    pub fn new(
        id: DeviceId,
        escpos: Escpos,
        at: PrinterAt,
        reply_max: Duration,
    ) -> (Self, PrinterHandle) {
        let (jobs_tx, jobs) = mpsc::channel(QUEUE_MAX);
        let (health, watched) = watch::channel(PrinterHealth::Unknown);
        let columns = escpos.settings().columns;
        let handle = PrinterHandle { id: id.clone(), columns, jobs: jobs_tx, health: watched };
        (Self { id, escpos, at, reply_max, jobs, health }, handle)
    }

    /// Prints until the last handle is gone.
    pub async fn run(mut self) {
        let mut wire = PrinterWire::new(self.at.clone());
        let mut look = tokio::time::interval(LOOK_EVERY);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                job = self.jobs.recv() => match job {
                    Some(job) => {
                        let outcome = self.work(&mut wire, &job).await;
                        if outcome != Outcome::Printed {
                            tracing::warn!(printer = %self.id, ?outcome, "a receipt was not printed");
                        }
                        // Who asked may have gone; the paper is there all the same.
                        let _ = job.answer.send(outcome);
                    }
                    None => return,
                },
                _ = look.tick() => {
                    let _ = self.look(&mut wire).await;
                }
            }
            wire.rest();
        }
    }

    async fn work(&mut self, wire: &mut PrinterWire, job: &Job) -> Outcome {
        if Instant::now() >= job.until || job.answer.is_closed() {
            return Outcome::Refused { why: "it waited too long".into() };
        }
        let bytes = match self.escpos.encode(&job.document) {
            Ok(bytes) => bytes,
            Err(why) => return Outcome::Refused { why: why.to_string() },
        };
        if let Err(outcome) = self.look(wire).await {
            return outcome;
        }
        if let Err(why) = wire.send(bytes).await {
            self.is(PrinterHealth::Offline { why: why.clone() });
            return Outcome::Unknown { why };
        }
        self.became(wire).await
    }

    /// How the printer is. A receipt sent to one that says nothing may come out hours later, so nothing is sent then.
    async fn look(&mut self, wire: &mut PrinterWire) -> Result<(), Outcome> {
        let why = match self.gather(wire, &Escpos::asks()).await {
            Ok(answers) if answers.answered() > 0 => {
                return self.judge(&answers).map_or(Ok(()), Err);
            }
            Ok(_) => "it says nothing; check its paper, its cover and its cable".to_owned(),
            Err(why) => why,
        };
        self.is(PrinterHealth::Offline { why: why.clone() });
        Err(Outcome::Offline { why })
    }

    /// The word behind a receipt.
    async fn became(&mut self, wire: &mut PrinterWire) -> Outcome {
        match self.word_behind(wire).await {
            Ok(outcome) => outcome,
            Err(why) => {
                self.is(PrinterHealth::Offline { why: why.clone() });
                Outcome::Unknown { why }
            }
        }
    }

    async fn word_behind(&mut self, wire: &mut PrinterWire) -> Result<Outcome, String> {
        let unknown = || {
            let why = "it was sent, but the printer does not say that it is on paper; look at it";
            Outcome::Unknown { why: why.into() }
        };
        let until = Instant::now() + PRINTING_MAX;
        let in_order = self.escpos.settings().in_order_status;
        let mut is_done = !in_order;
        while !is_done && Instant::now() < until {
            is_done = wire.ask(Ask::InOrder, self.reply_max).await?.is_some();
            if !is_done {
                // It prints still, or stopped: that is answered at once.
                let answers = self.gather(wire, &[Ask::Offline, Ask::Paper]).await?;
                if let Some(outcome) = self.judge(&answers) {
                    return Ok(outcome);
                }
            }
        }
        let asks = Escpos::asks();
        let answers = self.gather(wire, &asks).await?;
        let fault = self.judge(&answers);
        let is_well = is_done && answers.answered() == asks.len();
        Ok(fault.unwrap_or_else(|| if is_well { Outcome::Printed } else { unknown() }))
    }

    /// Asks one after the other, until the first silence.
    async fn gather(&self, wire: &mut PrinterWire, asks: &[Ask]) -> Result<Answers, String> {
        let mut answers = Answers::default();
        for ask in asks {
            match wire.ask(*ask, self.reply_max).await? {
                Some(byte) => answers.take(*ask, byte),
                None => break,
            }
        }
        Ok(answers)
    }

    /// What stands against printing, if anything.
    fn judge(&mut self, answers: &Answers) -> Option<Outcome> {
        let state = answers.state();
        let why = match state.fault() {
            None => {
                if answers.answered() > 0 {
                    self.is(PrinterHealth::Well { near_end: state.paper == Paper::NearEnd });
                }
                return None;
            }
            Some(Fault::PaperOut) => {
                self.is(PrinterHealth::PaperOut);
                return Some(Outcome::PaperOut);
            }
            Some(Fault::CoverOpen) => "its cover is open",
            Some(Fault::Broken) => "it reports a fault of its knife or head",
            Some(Fault::Offline) => "it is off line",
        };
        self.is(PrinterHealth::Offline { why: why.into() });
        Some(Outcome::Offline { why: why.into() })
    }

    fn is(&self, health: PrinterHealth) {
        self.health.send_if_modified(|known| {
            let changed = *known != health;
            *known = health;
            changed
        });
    }
}

impl std::fmt::Debug for Printer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Printer").field("id", &self.id).finish_non_exhaustive()
    }
}
