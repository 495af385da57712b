//! The card readers of a site, by what the site file names: starts their tasks and gathers their cards. Decides nothing.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use paifang_devices::{CardPanel, DeviceEvent, IdCardPanel, OsdpPanel, Protocol, osdp::Signal};
use tokio::sync::{mpsc, watch};
use tracing::info;

use super::{
    App,
    codes::person,
    daemon::StartError,
    field::{Pulse, Reader, ReaderNews, SIGNALS_MAX},
    parts::{Buses, Parts},
};
use crate::{
    config::{Device, Site},
    core::{Input, Message, presented::Presented},
    io::serial::BusHandle,
    tickets::TicketKeys,
    types::{Code, DeviceId, LaneId},
};

/// Cards that wait to be looked at; full, the readers wait.
const CARDS_MAX: usize = 64;

/// The last card that each reader read, for whoever binds one at the window. In memory only.
#[derive(Clone, Debug, Default)]
pub struct LastCards(Arc<Mutex<HashMap<DeviceId, (Code, Timestamp)>>>);

impl LastCards {
    fn put(&self, reader: &DeviceId, code: &Code, at: Timestamp) {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        last.insert(reader.clone(), (code.clone(), at));
    }

    /// Reader, card and time.
    pub fn all(&self) -> Vec<(DeviceId, Code, Timestamp)> {
        let last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        last.iter().map(|(reader, (code, at))| (reader.clone(), code.clone(), *at)).collect()
    }
}

/// What the readers of a site say.
pub(super) struct CardReaders {
    app: App,
    keys: TicketKeys,
    last: LastCards,
    /// The lane each reader stands at.
    lanes: HashMap<DeviceId, LaneId>,
    pulses: HashMap<DeviceId, Pulse>,
    events: mpsc::Receiver<(DeviceId, DeviceEvent)>,
}

impl Parts {
    /// Starts a task for each reader that is polled, and one that shows on it what its lane says.
    pub(super) fn card_readers(
        &mut self,
        site: &Site,
        buses: &Buses,
        messages: &HashMap<LaneId, watch::Sender<Message>>,
        (keys, last): (TicketKeys, LastCards),
    ) -> Result<CardReaders, StartError> {
        let (told, events) = mpsc::channel(CARDS_MAX);
        let (mut lanes, mut pulses) = (HashMap::new(), HashMap::new());
        for (id, device) in &site.devices {
            if !is_polled(device.profile.protocol) {
                continue;
            }
            let wrong = |what: String| StartError::Device { device: id.clone(), what };
            let bus = device.bus.as_ref().and_then(|bus| buses.get(bus)).cloned();
            let bus = bus.ok_or_else(|| wrong("its bus does not exist".into()))?;
            let (signal, signalled) = mpsc::channel(SIGNALS_MAX);
            let gate = site.gates.values().find(|gate| gate.readers.contains(id));
            if let Some(gate) = gate {
                lanes.insert(id.clone(), gate.id.clone());
            }
            let said = gate.and_then(|gate| messages.get(&gate.id)).map(watch::Sender::subscribe);
            self.tasks.spawn(show(said, signal));
            pulses.insert(id.clone(), self.health.register(id, &device.profile, None));
            let news = ReaderNews { app: self.app.clone(), events: told.clone() };
            if device.profile.protocol == Protocol::IdCard {
                let panel = IdCardPanel::new(&device.profile).map_err(wrong)?;
                self.tasks.spawn(reader(device, bus, panel).run(news, signalled));
                continue;
            }
            let key = site.mqtt.secrets.osdp(id.as_str());
            if key.is_none() {
                info!(reader = %id, "no key under [osdp] in the secrets file: its cards come in plain");
            }
            let panel = OsdpPanel::new(&device.profile, device.address, key, device.install)
                .map_err(|e| wrong(e.to_string()))?;
            self.tasks.spawn(reader(device, bus, panel).run(news, signalled));
        }
        Ok(CardReaders { app: self.app.clone(), keys, last, lanes, pulses, events })
    }
}

/// It is asked all the time; what speaks by itself is a scanner's affair.
pub(super) fn is_polled(protocol: Protocol) -> bool {
    matches!(protocol, Protocol::Osdp | Protocol::IdCard)
}

fn reader<P: CardPanel>(device: &Device, bus: BusHandle, panel: P) -> Reader<P> {
    let reply_ms = device.profile.timings.reply_timeout_ms.unwrap_or(200);
    let reply_timeout = Duration::from_millis(reply_ms.into());
    Reader { id: device.id.clone(), bus, panel, reply_timeout }
}

impl CardReaders {
    /// Tells the core of every card. Ends with the last reader.
    pub(super) async fn run(mut self) {
        while let Some((reader, event)) = self.events.recv().await {
            if let Some(pulse) = self.pulses.get(&reader) {
                pulse.heard();
                pulse.said(&event);
            }
            let shown = match event {
                DeviceEvent::CardRead { bits, data } => {
                    let Ok(code) = Code::of_card(bits, &data) else { continue };
                    self.last.put(&reader, &code, self.app.now());
                    Presented::from(&code)
                }
                DeviceEvent::IdCardRead { number } => {
                    Presented::Person(person(&self.keys, number.as_str()))
                }
                _ => continue,
            };
            let Some(lane) = self.lanes.get(&reader) else {
                info!(%reader, "a card that no lane waits for");
                continue;
            };
            let input = Input::Scanned { lane: lane.clone(), shown };
            if self.app.submit(input, None).await.is_err() {
                return;
            }
        }
    }
}

/// Lamp and buzzer of a reader follow its lane's words. Without a lane it shows nothing, and is polled all the same.
async fn show(said: Option<watch::Receiver<Message>>, signal: mpsc::Sender<Signal>) {
    let Some(mut said) = said else { return signal.closed().await };
    while said.changed().await.is_ok() {
        let shown = match &*said.borrow_and_update() {
            Message::PassOn { .. } => Signal::Granted,
            Message::NotAdmitted { .. } => Signal::Refused,
            _ => continue,
        };
        // A reader with signals waiting shows an older one; the display has the last word.
        let _ = signal.try_send(shown);
    }
}
