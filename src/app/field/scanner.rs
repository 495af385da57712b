//! A scanner or reader on a serial port of its own: each code it gives becomes an input of its lane. Keeps no code.

use std::{sync::Arc, time::Duration};

use metrics::counter;
use paifang_devices::{DeviceEvent, ScanReader};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until},
};
use tracing::{info, warn};

use super::Heard;
use crate::{
    app::{App, Busy},
    core::{AlarmKind, Input},
    io::serial::{LineStatus, ListenHandle},
    types::{Code, DeviceId, LaneId},
};

/// Without anything to wait for, the reader is looked at once in a while all the same.
const IDLE: Duration = Duration::from_hours(1);

pub struct Scanner {
    pub id: DeviceId,
    pub lane: LaneId,
    pub app: App,
    pub reader: ScanReader,
    pub port: ListenHandle,
    pub health: Arc<dyn Heard>,
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
                    self.line(now, &mut down).await
                }
            };
            if done.is_err() {
                return;
            }
        }
    }

    async fn told(&mut self, events: Vec<DeviceEvent>) -> Result<(), Busy> {
        for fault in self.reader.faults() {
            counter!("paifang_device_nonsense_total").increment(1);
            self.health.nonsense(&self.id, &format!("{fault:?}"));
        }
        for event in events {
            self.health.heard(&self.id);
            let code = match event {
                DeviceEvent::Scanned { text } => Code::parse(&text),
                DeviceEvent::CardRead { bits, data } => Code::of_card(bits, &data),
                _ => continue,
            };
            counter!("paifang_scans_total").increment(1);
            match code {
                Ok(code) => {
                    let lane = self.lane.clone();
                    self.app.submit(Input::Scanned { lane, code }, None).await?;
                }
                Err(why) => self.health.nonsense(&self.id, &why.to_string()),
            }
        }
        Ok(())
    }

    /// Unplugged, or back.
    async fn line(&self, status: LineStatus, down: &mut bool) -> Result<(), Busy> {
        let (subject, kind) = (self.id.to_string(), AlarmKind::DeviceSilent);
        match status {
            LineStatus::Up if std::mem::take(down) => {
                info!(scanner = %self.id, "its port is back");
                self.app.submit(Input::Well { subject, kind }, None).await
            }
            LineStatus::Down { why } if !std::mem::replace(down, true) => {
                warn!(scanner = %self.id, why, "its port is away; check its plug");
                self.app.submit(Input::Trouble { subject, kind, detail: why }, None).await
            }
            LineStatus::Up => {
                let well = Input::Well { subject, kind };
                self.app.submit(well, None).await
            }
            LineStatus::Down { .. } => Ok(()),
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
