//! The card readers of a site, by what the site file names: starts their tasks and gathers their cards. Decides nothing.

use std::{collections::HashMap, time::Duration};

use paifang_devices::{DeviceEvent, OsdpPanel, Protocol, osdp::Signal};
use tokio::sync::mpsc;
use tracing::info;

use super::{
    daemon::StartError,
    field::{Reader, ReaderNews, SIGNALS_MAX},
    parts::{Buses, Parts},
};
use crate::{config::Site, types::DeviceId};

/// Cards that wait to be looked at; full, the readers wait.
const CARDS_MAX: usize = 64;

/// All readers of a site: their cards come in here, lamp and buzzer go out.
pub(super) struct CardReaders {
    pub(super) signals: HashMap<DeviceId, mpsc::Sender<Signal>>,
    pub(super) events: mpsc::Receiver<(DeviceId, DeviceEvent)>,
}

impl Parts {
    /// Starts a task for each OSDP reader.
    pub(super) fn card_readers(
        &mut self,
        site: &Site,
        buses: &Buses,
    ) -> Result<CardReaders, StartError> {
        let (told, events) = mpsc::channel(CARDS_MAX);
        let mut signals = HashMap::new();
        for (id, device) in &site.devices {
            if device.profile.protocol != Protocol::Osdp {
                continue;
            }
            let wrong = |what: String| StartError::Device { device: id.clone(), what };
            let key = site.mqtt.secrets.osdp(id.as_str());
            if key.is_none() {
                info!(reader = %id, "no key under [osdp] in the secrets file: its cards come in plain");
            }
            let panel = OsdpPanel::new(&device.profile, device.address, key, device.install)
                .map_err(|e| wrong(e.to_string()))?;
            let bus = device.bus.as_ref().and_then(|bus| buses.get(bus)).cloned();
            let bus = bus.ok_or_else(|| wrong("its bus does not exist".into()))?;
            let reply_ms = device.profile.timings.reply_timeout_ms.unwrap_or(200);
            let reply_timeout = Duration::from_millis(reply_ms.into());
            let (signal, signalled) = mpsc::channel(SIGNALS_MAX);
            signals.insert(id.clone(), signal);
            let news = ReaderNews { app: self.app.clone(), events: told.clone() };
            let reader = Reader { id: id.clone(), bus, panel, reply_timeout };
            self.tasks.spawn(reader.run(news, signalled));
        }
        Ok(CardReaders { signals, events })
    }
}

impl CardReaders {
    /// Shows "refused" for every card: no lane takes cards yet. Ends with the last reader.
    pub(super) async fn run(mut self) {
        while let Some((reader, event)) = self.events.recv().await {
            match event {
                DeviceEvent::CardRead { bits, .. } => {
                    info!(%reader, bits, "a card that no lane waits for");
                    if let Some(signals) = self.signals.get(&reader) {
                        // A reader with signals waiting shows red already.
                        let _ = signals.try_send(Signal::Refused);
                    }
                }
                event => info!(%reader, ?event, "a reader says what it is"),
            }
        }
    }
}
