//! The one task that touches a port: opens it, does the queue's work on it, opens it again after it
//! went away. Decides nothing about what is worth sending.

use std::{io, time::Duration};

use paifang_devices::Exchange;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::{mpsc, watch},
    time::{Instant, sleep_until, timeout_at},
};
use tokio_serial::SerialStream;

use super::{
    BusError, LineStatus, SerialSettings, port,
    queue::{Job, Queue, Work},
};

/// Beyond the time the bits take. An adapter that takes no bytes for so long is stuck.
const WRITE_MAX: Duration = Duration::from_secs(1);
/// Times a repeatable request is sent.
const ATTEMPTS_MAX: u32 = 2;
/// More than the longest frame, what an identity card says (4.4 KiB), so that trimming noise never cuts a reply.
const KEEP_BYTES: usize = 6 * 1024;
/// A line that talks without end is drained by this much before each request.
const DRAIN_BYTES_MAX: usize = 16 * 1024;

pub(super) struct Owner {
    settings: SerialSettings,
    jobs: mpsc::Receiver<Job>,
    status: watch::Sender<LineStatus>,
    queue: Queue,
    /// The line must be silent until then.
    silent_until: Instant,
}

/// Why the port is left.
enum End {
    /// The last handle is gone.
    Closed,
    /// It went away.
    Lost(String),
}

enum Failure {
    /// The board is silent, the line is fine.
    Silent,
    /// The deadline came before the first byte went out.
    Late,
    Lost(String),
}

impl Owner {
    pub(super) fn new(
        settings: SerialSettings,
        jobs: mpsc::Receiver<Job>,
        status: watch::Sender<LineStatus>,
    ) -> Self {
        Self { settings, jobs, status, queue: Queue::default(), silent_until: Instant::now() }
    }

    pub(super) async fn run(mut self) {
        let mut reopening = port::Reopening::new();
        loop {
            reopening.tried();
            let why = match port::open(&self.settings) {
                Ok(port) => {
                    port::report(&self.settings.path, &self.status, LineStatus::Up);
                    match self.serve(port).await {
                        End::Closed => return,
                        End::Lost(why) => why,
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

    /// Takes in work until `until` while the port is away, refusing what falls due. `false`: the
    /// last handle is gone.
    async fn wait(&mut self, until: Instant, why: &str) -> bool {
        loop {
            self.queue.expire(Instant::now(), &self.settings.path, why);
            let wake = self.queue.wake_at().map_or(until, |at| at.min(until));
            tokio::select! {
                job = self.jobs.recv(), if self.queue.has_room() => match job {
                    Some(job) => self.queue.push(job),
                    None => return false,
                },
                () = sleep_until(wake) => if Instant::now() >= until { return true },
            }
        }
    }

    async fn serve(&mut self, mut port: SerialStream) -> End {
        loop {
            while self.queue.has_room() {
                let Ok(job) = self.jobs.try_recv() else { break };
                self.queue.push(job);
            }
            self.queue.expire(Instant::now(), &self.settings.path, "the line was busy");
            self.queue.rest(Instant::now(), &self.settings.path);
            let done = match self.queue.take() {
                Some(job) => self.perform(&mut port, job).await,
                None => self.idle(&mut port).await,
            };
            if let Err(end) = done {
                return end;
            }
        }
    }

    /// Until there may be something to do. What comes in unasked is thrown away; reading is also
    /// how a pulled plug is noticed.
    async fn idle(&mut self, port: &mut SerialStream) -> Result<(), End> {
        let mut noise = [0; 256];
        let wake = self.queue.wake_at();
        tokio::select! {
            job = self.jobs.recv(), if self.queue.has_room() => match job {
                Some(job) => {
                    self.queue.push(job);
                    Ok(())
                }
                None => Err(End::Closed),
            },
            read = port.read(&mut noise) => port::received(read).map(drop).map_err(End::Lost),
            () = sleep_until(wake.unwrap_or_else(Instant::now)), if wake.is_some() => Ok(()),
        }
    }

    async fn perform(&mut self, port: &mut SerialStream, job: Job) -> Result<(), End> {
        let path = self.settings.path.clone();
        let done = match &job.work {
            Work::Ask { exchange, timeout } => {
                self.ask(port, exchange, *timeout, job.deadline).await
            }
            Work::Tell { frame, gap } => {
                self.tell(port, frame, *gap, job.deadline).await.map(|()| Vec::new())
            }
        };
        let address = match &job.work {
            Work::Ask { exchange, .. } => exchange.expect.address(),
            Work::Tell { .. } => 0,
        };
        let (answer, end) = match done {
            Ok(reply) => (Ok(reply), Ok(())),
            Err(Failure::Silent) => (Err(BusError::TimedOut { path, address }), Ok(())),
            Err(Failure::Late) => {
                let why = "the line was busy".into();
                (Err(BusError::Expired { path, why }), Ok(()))
            }
            Err(Failure::Lost(why)) => {
                (Err(BusError::Lost { path, why: why.clone() }), Err(End::Lost(why)))
            }
        };
        // The caller may have stopped waiting; the line does not care.
        let _ = job.answer.send(answer);
        end
    }

    async fn ask(
        &mut self,
        port: &mut SerialStream,
        exchange: &Exchange,
        timeout: Duration,
        deadline: Instant,
    ) -> Result<Vec<u8>, Failure> {
        let address = exchange.expect.address();
        let hopeful = exchange.repeatable && !self.queue.is_silent(address);
        let attempts = if hopeful { ATTEMPTS_MAX } else { 1 };
        for attempt in 1..=attempts {
            match self.write(port, &exchange.request, deadline).await {
                // The first attempt went out, so this one is silence, not lateness.
                Err(Failure::Late) if attempt > 1 => break,
                written => written?,
            }
            let until =
                Instant::now() + port::on_wire(&self.settings, exchange.request.len()) + timeout;
            let reply = self.reply(port, exchange, until).await?;
            self.silent_until = Instant::now() + self.settings.gap;
            if let Some(reply) = reply {
                self.queue.heard(address);
                return Ok(reply);
            }
        }
        self.queue.overdue(exchange.expect.clone(), Instant::now() + timeout);
        self.queue.unheard(address, Instant::now());
        Err(Failure::Silent)
    }

    /// `None` at `until`. Noise and replies of others before the reply are stepped over.
    async fn reply(
        &self,
        port: &mut SerialStream,
        exchange: &Exchange,
        until: Instant,
    ) -> Result<Option<Vec<u8>>, Failure> {
        let mut heard = Vec::new();
        let mut piece = [0; 256];
        loop {
            let Ok(read) = timeout_at(until, port.read(&mut piece)).await else {
                if !heard.is_empty() {
                    let (path, bytes) = (&self.settings.path, heard.len());
                    tracing::debug!(path, bytes, "no reply, but bytes that are not one");
                }
                return Ok(None);
            };
            let count = port::received(read).map_err(Failure::Lost)?;
            heard.extend_from_slice(&piece[..count]);
            if let Some(range) = exchange.expect.find(&heard) {
                return Ok(Some(heard[range].to_vec()));
            }
            let surplus = heard.len().saturating_sub(KEEP_BYTES);
            heard.drain(..surplus);
        }
    }

    async fn tell(
        &mut self,
        port: &mut SerialStream,
        frame: &[u8],
        gap: Duration,
        deadline: Instant,
    ) -> Result<(), Failure> {
        self.write(port, frame, deadline).await?;
        self.silent_until = Instant::now() + port::on_wire(&self.settings, frame.len()) + gap;
        Ok(())
    }

    /// Keeps the silence that is due, throws away what is on the line, then sends.
    async fn write(
        &mut self,
        port: &mut SerialStream,
        bytes: &[u8],
        deadline: Instant,
    ) -> Result<(), Failure> {
        sleep_until(self.silent_until.min(deadline)).await;
        drain(port).map_err(Failure::Lost)?;
        if Instant::now() >= deadline {
            return Err(Failure::Late);
        }
        let stuck = Instant::now() + port::on_wire(&self.settings, bytes.len()) + WRITE_MAX;
        match timeout_at(stuck, port.write_all(bytes)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(e)) => Err(Failure::Lost(format!("writing failed: {e}; {}", port::CHECK_PLUG))),
            Err(_) => {
                Err(Failure::Lost(format!("the adapter takes no bytes; {}", port::CHECK_PLUG)))
            }
        }
    }
}

fn drain(port: &mut SerialStream) -> Result<(), String> {
    let mut noise = [0; 256];
    let mut drained = 0;
    while drained < DRAIN_BYTES_MAX {
        match port.try_read(&mut noise) {
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => break,
            read => drained += port::received(read)?,
        }
    }
    Ok(())
}
