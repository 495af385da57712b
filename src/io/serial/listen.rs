//! A port that speaks by itself, such as a scanner's: what comes in goes to a channel, piece by
//! piece as the system gives it. Knows no frame, and asks nothing.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::{mpsc, oneshot, watch},
    time::{Instant, sleep_until, timeout_at},
};
use tokio_serial::SerialStream;

use super::{BusError, LineStatus, SerialSettings, port};

/// Frames that may wait to be written.
pub(super) const WRITES_MAX: usize = 16;
/// Beyond the time the bits take. An adapter that takes no bytes for so long is stuck.
const WRITE_MAX: Duration = Duration::from_secs(1);

pub(super) struct Write {
    bytes: Vec<u8>,
    deadline: Instant,
    done: oneshot::Sender<Result<(), BusError>>,
}

/// A way to write to the port and to watch it. Cheap to clone; the port stays open without it, until
/// nobody takes what comes in.
#[derive(Clone, Debug)]
pub struct ListenHandle {
    pub(super) path: String,
    pub(super) writes: mpsc::Sender<Write>,
    pub(super) status: watch::Receiver<LineStatus>,
}

impl ListenHandle {
    /// Sends bytes; nothing is sent at or after `deadline`. Nobody answers: an answer, if any, comes
    /// in with everything else.
    pub async fn write(&self, bytes: Vec<u8>, deadline: Instant) -> Result<(), BusError> {
        let path = || self.path.clone();
        let (done, is_done) = oneshot::channel();
        self.writes.try_send(Write { bytes, deadline, done }).map_err(|e| match e {
            mpsc::error::TrySendError::Full(_) => BusError::Full { path: path() },
            mpsc::error::TrySendError::Closed(_) => BusError::Closed { path: path() },
        })?;
        is_done.await.unwrap_or_else(|_| Err(BusError::Closed { path: path() }))
    }

    /// Watches the port.
    pub fn status(&self) -> watch::Receiver<LineStatus> {
        self.status.clone()
    }

    /// Of the port.
    pub fn path(&self) -> &str {
        &self.path
    }
}

pub(super) struct Listener {
    pub(super) settings: SerialSettings,
    pub(super) sink: mpsc::Sender<Vec<u8>>,
    pub(super) writes: mpsc::Receiver<Write>,
    pub(super) status: watch::Sender<LineStatus>,
}

impl Listener {
    pub(super) async fn run(mut self) {
        let mut reopening = port::Reopening::new();
        loop {
            reopening.tried();
            let why = match port::open(&self.settings) {
                Ok(port) => {
                    port::report(&self.settings.path, &self.status, LineStatus::Up);
                    match self.serve(port).await {
                        Some(why) => why,
                        None => return,
                    }
                }
                Err(why) => why,
            };
            let down = LineStatus::Down { why: why.clone() };
            port::report(&self.settings.path, &self.status, down);
            if !self.wait(reopening.next(), &why).await {
                return;
            }
        }
    }

    /// Until the port goes away, or nobody listens any more (`None`).
    async fn serve(&mut self, mut port: SerialStream) -> Option<String> {
        let mut piece = [0; 512];
        let mut writable = true;
        loop {
            tokio::select! {
                () = self.sink.closed() => return None,
                read = port.read(&mut piece) => match port::received(read) {
                    // A slow taker makes the system's buffer wait, not us forget.
                    Ok(count) => self.sink.send(piece[..count].to_vec()).await.ok()?,
                    Err(why) => return Some(why),
                },
                write = self.writes.recv(), if writable => match write {
                    Some(write) => if let Some(why) = self.write(&mut port, write).await {
                        return Some(why);
                    },
                    None => writable = false,
                },
            }
        }
    }

    /// The reason if the port is lost.
    async fn write(&self, port: &mut SerialStream, write: Write) -> Option<String> {
        let path = || self.settings.path.clone();
        if Instant::now() >= write.deadline {
            let why = "the line was busy".into();
            let _ = write.done.send(Err(BusError::Expired { path: path(), why }));
            return None;
        }
        let stuck = Instant::now() + port::on_wire(&self.settings, write.bytes.len()) + WRITE_MAX;
        let lost = match timeout_at(stuck, port.write_all(&write.bytes)).await {
            Ok(Ok(())) => None,
            Ok(Err(e)) => Some(format!("writing failed: {e}; {}", port::CHECK_PLUG)),
            Err(_) => Some(format!("the adapter takes no bytes; {}", port::CHECK_PLUG)),
        };
        let told = match &lost {
            None => Ok(()),
            Some(why) => Err(BusError::Lost { path: path(), why: why.clone() }),
        };
        // The caller may have stopped waiting; the line does not care.
        let _ = write.done.send(told);
        lost
    }

    /// Refuses what is to be written while the port is away. `false`: nobody listens any more.
    async fn wait(&mut self, until: Instant, why: &str) -> bool {
        loop {
            tokio::select! {
                () = self.sink.closed() => return false,
                () = sleep_until(until) => return true,
                Some(write) = self.writes.recv() => {
                    let path = self.settings.path.clone();
                    let refusal = BusError::Expired { path, why: why.to_owned() };
                    let _ = write.done.send(Err(refusal));
                }
            }
        }
    }
}
