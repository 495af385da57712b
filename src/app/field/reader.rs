//! A card reader, on OSDP or of identity cards: polled all the time on its line, lamp and buzzer told as they come. Decides nothing; cards
//! and health go to whoever is given as [`ReaderSink`].

use std::{future::Future, time::Duration};

use paifang_devices::{
    CardPanel, DeviceEvent,
    osdp::{Signal, Told},
};
use rand::{TryRng, rngs::SysRng};
use tokio::{sync::mpsc, time::Instant};
use tracing::{info, warn};

use crate::{
    app::{App, Busy},
    core::{AlarmKind, Input},
    io::serial::{BusError, BusHandle},
    types::DeviceId,
};

/// Signals that wait for one reader; only the latest is shown.
pub const SIGNALS_MAX: usize = 8;
/// A question that found no turn on a busy line by then is put anew.
const TURN_MAX: Duration = Duration::from_secs(2);

/// Where a reader's news go.
pub trait ReaderSink: Send {
    /// Waits while the receiver is busy: a card is not lost. An error ends the reader's task.
    fn tell(
        &mut self,
        reader: &DeviceId,
        told: Told,
    ) -> impl Future<Output = Result<(), Busy>> + Send;
}

#[derive(Debug)]
pub struct Reader<P> {
    pub id: DeviceId,
    pub bus: BusHandle,
    pub panel: P,
    pub reply_timeout: Duration,
}

impl<P: CardPanel> Reader<P> {
    /// Polls until the daemon stops: until the sink or the last sender of signals is gone.
    pub async fn run(mut self, mut sink: impl ReaderSink, mut signals: mpsc::Receiver<Signal>) {
        let start = Instant::now();
        loop {
            let due = start + Duration::from_millis(self.panel.due_at_ms().try_into().unwrap_or(0));
            tokio::select! {
                biased;
                signal = signals.recv() => match signal {
                    Some(signal) => {
                        self.panel.signal(signal);
                        continue;
                    }
                    None => return,
                },
                () = tokio::time::sleep_until(due) => {}
            }
            for told in self.turn(start).await {
                if sink.tell(&self.id, told).await.is_err() {
                    return;
                }
            }
        }
    }

    async fn turn(&mut self, start: Instant) -> Vec<Told> {
        let Some(random) = random() else {
            warn!(reader = %self.id, "the system gives no random numbers; the reader is not asked");
            tokio::time::sleep(TURN_MAX).await;
            return Vec::new();
        };
        let exchange = self.panel.ask(random);
        let reply =
            self.bus.exchange(exchange, self.reply_timeout, super::board::soon(TURN_MAX)).await;
        let now_ms = start.elapsed().as_millis() as i64;
        match reply {
            Ok(reply) => self.panel.heard(&reply, now_ms),
            Err(why @ (BusError::Expired { .. } | BusError::Full { .. }))
                if !self.line_is_down() =>
            {
                // Our own line is too busy: no word about the reader.
                warn!(reader = %self.id, %why, "a poll was late");
                Vec::new()
            }
            Err(_) => self.panel.unheard(now_ms),
        }
    }

    fn line_is_down(&self) -> bool {
        *self.bus.status().borrow() != crate::io::serial::LineStatus::Up
    }
}

fn random() -> Option<[u8; 8]> {
    let mut bytes = [0; 8];
    SysRng.try_fill_bytes(&mut bytes).ok().map(|()| bytes)
}

/// The daemon's sink: health becomes alarms, cards and what the reader is go on as events. Keys have no use yet.
#[derive(Clone)]
pub struct ReaderNews {
    pub app: App,
    pub events: mpsc::Sender<(DeviceId, DeviceEvent)>,
}

impl ReaderSink for ReaderNews {
    async fn tell(&mut self, reader: &DeviceId, told: Told) -> Result<(), Busy> {
        let silent =
            "it does not answer; check its power, its address, its speed and the wires A and B";
        match told {
            Told::Event(event) => {
                self.events.send((reader.clone(), event)).await.map_err(|_| Busy::Stopped)
            }
            Told::Online { secure } => {
                info!(%reader, secure, "the reader is polled");
                self.well(reader, AlarmKind::DeviceSilent).await?;
                self.well(reader, AlarmKind::DeviceNonsense).await
            }
            Told::KeySet => {
                info!(%reader, "the reader has taken the site's key; take install = true out of the site file");
                Ok(())
            }
            Told::Offline => self.trouble(reader, AlarmKind::DeviceSilent, silent.into()).await,
            Told::Trouble(why) => {
                self.trouble(reader, AlarmKind::DeviceNonsense, why.to_string()).await
            }
            Told::Tamper(true) => {
                let what = "its housing was opened".into();
                self.trouble(reader, AlarmKind::DeviceOpened, what).await
            }
            Told::Tamper(false) => self.well(reader, AlarmKind::DeviceOpened).await,
            Told::PowerFails(on) => {
                warn!(%reader, on, "the reader's power fails");
                Ok(())
            }
            Told::Keys(keys) => {
                info!(%reader, keys = keys.len(), "keys pressed, which nothing here waits for");
                Ok(())
            }
        }
    }
}

impl ReaderNews {
    async fn trouble(
        &self,
        reader: &DeviceId,
        kind: AlarmKind,
        detail: String,
    ) -> Result<(), Busy> {
        warn!(%reader, ?kind, detail, "trouble with a reader");
        self.app.submit(Input::Trouble { subject: reader.to_string(), kind, detail }, None).await
    }

    async fn well(&self, reader: &DeviceId, kind: AlarmKind) -> Result<(), Busy> {
        self.app.submit(Input::Well { subject: reader.to_string(), kind }, None).await
    }
}

impl std::fmt::Debug for ReaderNews {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReaderNews").finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "reader_tests.rs"]
mod tests;
