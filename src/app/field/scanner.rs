//! A scanner or reader on a serial port of its own: each code it gives becomes an input of its lane. Keeps no code.

use std::time::Duration;

use metrics::counter;
use paifang_devices::{DeviceEvent, ScanReader};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until},
};
use tracing::{info, warn};

use super::Pulse;
use crate::{
    app::{App, Busy, Then, clouds::CloudCodes},
    core::{Input, input::At, presented::Presented},
    io::serial::{LineStatus, ListenHandle},
    tickets::TicketKeys,
    types::{Code, DeviceId, LaneId, PayerCode},
};

/// Without anything to wait for, the reader is looked at once in a while all the same.
const IDLE: Duration = Duration::from_hours(1);

/// What codes held before a scanner are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reads {
    /// Tickets and cards, at a lane for people.
    Tickets,
    /// Codes of payers, at a lane for vehicles or its booth. `cipher`: what stands between a code and the cipher that a
    /// certified scanner adds.
    PayerCodes { cipher: Option<String> },
}

pub struct Scanner {
    pub id: DeviceId,
    pub lane: LaneId,
    pub reads: Reads,
    pub keys: TicketKeys,
    pub clouds: CloudCodes,
    pub app: App,
    pub reader: ScanReader,
    pub port: ListenHandle,
    pub pulse: Pulse,
}

impl Scanner {
    /// Reads until the daemon stops.
    pub async fn run(mut self, mut bytes: mpsc::Receiver<Vec<u8>>) {
        let begun = Instant::now();
        let mut status = self.port.status();
        status.mark_changed();
        let mut down = false;
        loop {
            let wake = self.reader.wake_at_ms().and_then(|at| u64::try_from(at).ok());
            let wake = wake.map_or(Instant::now() + IDLE, |ms| begun + Duration::from_millis(ms));
            let done = tokio::select! {
                biased;
                piece = bytes.recv() => match piece {
                    Some(piece) => {
                        let events = self.reader.feed(&piece, millis(begun));
                        self.told(events).await
                    }
                    None => Err(Busy::Stopped),
                },
                () = sleep_until(wake) => {
                    let events = self.reader.idle(millis(begun));
                    self.told(events).await
                }
                Ok(()) = status.changed() => {
                    let now = status.borrow_and_update().clone();
                    self.line(now, &mut down);
                    Ok(())
                }
            };
            if done.is_err() {
                return;
            }
        }
    }

    async fn told(&mut self, events: Vec<DeviceEvent>) -> Result<(), Busy> {
        for fault in self.reader.faults() {
            self.pulse.nonsense(&format!("{fault:?}"));
        }
        for event in events {
            self.pulse.heard();
            self.pulse.said(&event);
            let shown = match event {
                DeviceEvent::Scanned { text } => match &self.reads {
                    Reads::PayerCodes { cipher } => {
                        let code = PayerCode::scanned(&text, cipher.as_deref());
                        self.pays(code).await?;
                        continue;
                    }
                    Reads::Tickets if self.clouds.is_one(&text) => {
                        self.of_a_cloud(&text).await?;
                        continue;
                    }
                    // Looked at here: a signature takes as long as many decisions.
                    Reads::Tickets => self.keys.read(&text, self.app.now()),
                },
                DeviceEvent::CardRead { bits, data } => match Code::of_card(bits, &data) {
                    Ok(code) => Presented::from(&code),
                    Err(why) => {
                        self.pulse.nonsense(&why.to_string());
                        continue;
                    }
                },
                _ => continue,
            };
            counter!("paifang_scans_total").increment(1);
            let lane = self.lane.clone();
            self.app.submit(Input::Scanned { lane, shown }, None).await?;
        }
        Ok(())
    }

    /// What looks like a ticket that somebody else's cloud sold.
    async fn of_a_cloud(&mut self, text: &str) -> Result<(), Busy> {
        counter!("paifang_scans_total").increment(1);
        let Some((cloud, digest, sealed)) = self.clouds.sealed(text) else {
            warn!(scanner = %self.id, "a cloud's code could not be sealed, so nobody is asked about it");
            return Ok(());
        };
        let lane = self.lane.clone();
        self.app.submit(Input::CloudScanned { lane, cloud, digest, sealed }, None).await
    }

    /// The lane's due order is collected; what became of it, its display and page tell.
    async fn pays(&mut self, code: Option<PayerCode>) -> Result<(), Busy> {
        counter!("paifang_scans_total").increment(1);
        let Some(code) = code else {
            self.pulse.nonsense("what was scanned is no payer's code");
            return Ok(());
        };
        info!(scanner = %self.id, lane = %self.lane, wallet = code.wallet().name(), "a payer's code");
        let (at, lane) = (At::Lane(self.lane.clone()), self.lane.clone());
        let told: Then = Box::new(move |reply| {
            if let Err(refusal) = reply {
                info!(%lane, %refusal, "the code collected nothing");
            }
        });
        self.app.submit(Input::PayerCodeScanned { at, code }, Some(told)).await
    }

    /// Unplugged, or back.
    fn line(&self, status: LineStatus, down: &mut bool) {
        match status {
            LineStatus::Up if std::mem::take(down) => {
                info!(scanner = %self.id, "its port is back");
                self.pulse.heard();
            }
            LineStatus::Down { why } if !std::mem::replace(down, true) => {
                warn!(scanner = %self.id, why, "its port is away; check its plug");
                self.pulse.is_silent(&why);
            }
            LineStatus::Up | LineStatus::Down { .. } => {}
        }
    }
}

fn millis(since: Instant) -> i64 {
    i64::try_from(since.elapsed().as_millis()).unwrap_or(i64::MAX)
}

impl std::fmt::Debug for Scanner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scanner").field("id", &self.id).finish_non_exhaustive()
    }
}
