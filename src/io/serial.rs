//! Serial lines: one owner task per port, a bounded queue before it. Knows frames only as bytes and
//! as [`paifang_devices::Expect`], never what they mean, and no make of board.
//!
//! ```text
//!   BusHandle ──try_send──> channel ──> Queue (who is next) ──> owner ──> port
//!        <────oneshot────────────────────────────────────────────'
//! ```
//!
//! - Work that waited past its deadline is refused, never sent late: an open that could not go out
//!   while the cable was off must not move an arm when it comes back.
//! - Writes go ahead of readings; readings take turns by address, so no board starves another.
//! - A board that does not answer is asked less and less often, up to some seconds apart, so that
//!   it costs the others little; what is written to it still goes at once.
//! - Only what is repeatable is asked twice. After a time-out of anything else nobody knows whether
//!   the board acted: [`BusError::may_have_acted`].
//! - A reply that comes after its time-out cannot answer a later request: bytes on the line are
//!   thrown away before each request, and a request that the late reply would fit waits until the
//!   reply can no longer come.

mod listen;
mod owner;
mod port;
mod queue;

use std::time::Duration;

use paifang_devices::Exchange;
use thiserror::Error;
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::Instant,
};

pub use self::listen::ListenHandle;
use self::{
    listen::{Listener, WRITES_MAX},
    owner::Owner,
    queue::{Job, Work},
};

/// Requests waiting in the channel; as many again may wait in the owner's queue.
const QUEUE_MAX: usize = 64;

/// Besides eight data bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Parity {
    /// As nearly every board is delivered.
    #[default]
    None,
    Even,
    Odd,
}

/// Behind each byte.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StopBits {
    /// As nearly every board is delivered.
    #[default]
    One,
    Two,
}

/// How a byte travels; 8N1 unless told otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Framing {
    pub parity: Parity,
    pub stop_bits: StopBits,
}

/// One serial port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SerialSettings {
    /// As in `/dev/serial/by-id/...`: names under `/dev/ttyUSB` change when plugs move.
    pub path: String,
    /// Bits per second.
    pub baud: u32,
    /// Silence on the line before each request.
    pub gap: Duration,
    /// Parity and stop bits.
    pub framing: Framing,
}

/// Is the port open?
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LineStatus {
    /// Open. It says nothing about boards behind it.
    Up,
    /// Not open; tried again by itself.
    Down {
        /// For the operator, with what to check.
        why: String,
    },
}

/// A request that got no answer.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BusError {
    /// More is asked than the line can carry.
    #[error("{path}: the queue is full; ask less often, or use a second line or a higher speed")]
    Full {
        /// Of the port.
        path: String,
    },
    /// Its deadline came before its turn; nothing was sent.
    #[error("{path}: not sent in time ({why})")]
    Expired {
        /// Of the port.
        path: String,
        /// What held it up.
        why: String,
    },
    /// Sent, no answer.
    #[error(
        "{path}: board {address} does not answer; check its power, its address, its speed and the \
         wires A and B"
    )]
    TimedOut {
        /// Of the port.
        path: String,
        /// Slave address.
        address: u8,
    },
    /// It was silent when asked before, so its readings are spaced out; nothing was sent.
    #[error("{path}: board {address} was silent and is asked less often until it answers")]
    Resting {
        /// Of the port.
        path: String,
        /// Slave address.
        address: u8,
    },
    /// The port went away while the request was on the wire.
    #[error("{path}: lost while a request was on its way ({why})")]
    Lost {
        /// Of the port.
        path: String,
        /// What the system said.
        why: String,
    },
    /// The owner task has ended: the daemon is stopping.
    #[error("{path}: the line is closed")]
    Closed {
        /// Of the port.
        path: String,
    },
}

impl BusError {
    /// The board may have done what was asked. `false`: certainly not, it may be asked again.
    pub fn may_have_acted(&self) -> bool {
        match self {
            Self::TimedOut { .. } | Self::Lost { .. } | Self::Closed { .. } => true,
            Self::Full { .. } | Self::Expired { .. } | Self::Resting { .. } => false,
        }
    }
}

/// Opens lines.
#[derive(Debug)]
pub struct Bus;

impl Bus {
    /// Starts the owner of a port. A port that is not there is no failure: the line is down and
    /// comes up by itself. The owner ends when the last handle is gone. Needs a tokio runtime.
    pub fn open(settings: SerialSettings) -> BusHandle {
        let (jobs, waiting) = mpsc::channel(QUEUE_MAX);
        let down = LineStatus::Down { why: "not opened yet".into() };
        let (report, status) = watch::channel(down);
        let path = settings.path.clone();
        tokio::spawn(Owner::new(settings, waiting, report).run());
        BusHandle { path, jobs, status }
    }

    /// Starts the owner of a port whose device speaks by itself; what it says goes to `sink` as it
    /// comes, no framing assumed. A port that is not there comes up by itself. The owner ends when
    /// nobody takes from `sink` any more. Needs a tokio runtime.
    pub fn listen(settings: SerialSettings, sink: mpsc::Sender<Vec<u8>>) -> ListenHandle {
        let (writes, waiting) = mpsc::channel(WRITES_MAX);
        let down = LineStatus::Down { why: "not opened yet".into() };
        let (report, status) = watch::channel(down);
        let path = settings.path.clone();
        tokio::spawn(Listener { settings, sink, writes: waiting, status: report }.run());
        ListenHandle { path, writes, status }
    }
}

/// A way to one line. Cheap to clone.
#[derive(Clone, Debug)]
pub struct BusHandle {
    path: String,
    jobs: mpsc::Sender<Job>,
    status: watch::Receiver<LineStatus>,
}

impl BusHandle {
    /// Asks and waits for the reply's frame: see `paifang_devices::relay_board` for reading it.
    /// `timeout` is for each reply, counted from the last bit sent; nothing is sent at or after
    /// `deadline`. Dropping the future takes back a request that was not sent yet.
    pub async fn exchange(
        &self,
        exchange: Exchange,
        timeout: Duration,
        deadline: Instant,
    ) -> Result<Vec<u8>, BusError> {
        self.submit(Work::Ask { exchange, timeout }, deadline).await
    }

    /// Sends a frame that nobody answers and keeps the line silent for `gap` after it.
    pub async fn send(
        &self,
        frame: Vec<u8>,
        gap: Duration,
        deadline: Instant,
    ) -> Result<(), BusError> {
        self.submit(Work::Tell { frame, gap }, deadline).await.map(drop)
    }

    /// Watches the port.
    pub fn status(&self) -> watch::Receiver<LineStatus> {
        self.status.clone()
    }

    /// Of the port.
    pub fn path(&self) -> &str {
        &self.path
    }

    async fn submit(&self, work: Work, deadline: Instant) -> Result<Vec<u8>, BusError> {
        let path = || self.path.clone();
        let (answer, answered) = oneshot::channel();
        self.jobs.try_send(Job { work, deadline, answer }).map_err(|e| match e {
            mpsc::error::TrySendError::Full(_) => BusError::Full { path: path() },
            mpsc::error::TrySendError::Closed(_) => BusError::Closed { path: path() },
        })?;
        answered.await.unwrap_or_else(|_| Err(BusError::Closed { path: path() }))
    }
}

#[cfg(test)]
mod listen_tests;
#[cfg(test)]
mod tests;
