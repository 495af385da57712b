//! Devices that speak HTTP: those that call us, those that we call, and those that do both. How an order reaches each;
//! what became of one that nobody came for. Knows no socket.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use paifang_devices::{
    Command, SetupError, Transport,
    http_push::{Delivery, HttpPush},
};
use sha2::{Digest, Sha256};
use tokio::{
    sync::{Semaphore, mpsc},
    time::Instant,
};

use super::{
    cameras::{boxes, wiring},
    health::{Health, Pulse},
    intake::{Tell, Wiring},
    mailbox::{Letter, Mailbox},
};
use crate::{
    app::App,
    config::Site,
    core::{Input, input::ArmOutcome},
    http::ports::Fault,
    types::{CommandId, DeviceId, LaneId},
};

/// How often expired orders are looked for.
const LOOK: Duration = Duration::from_millis(50);
/// Requests of one device that are worked on at once.
const PLACES: usize = 4;
/// Orders that wait for one device that we call.
const CALLS_MAX: usize = 8;
/// What is not an order to an arm may wait this long for the device to call.
const PATIENT: Duration = Duration::from_mins(1);

/// One order for a device that we call.
#[derive(Debug)]
pub enum CallJob {
    Order(Letter),
    /// Ask it something harmless, and forget that it refused us.
    Probe(tokio::sync::oneshot::Sender<Result<String, String>>),
}

/// A device that speaks HTTP and the lanes it serves.
pub struct PushDevice {
    pub wiring: Wiring,
    pub pulse: Pulse,
    pub(super) mailbox: Mailbox,
    /// SHA-256 of the key that it calls with; `None`: it does not call.
    pub(super) key: Option<[u8; 32]>,
    pub(super) places: Arc<Semaphore>,
    /// When it was last answered something that it had asked only to be told orders.
    pub(super) polled: Mutex<Option<Instant>>,
    driver: Mutex<HttpPush>,
    calls: mpsc::Sender<CallJob>,
}

impl PushDevice {
    pub(super) fn driver(&self) -> MutexGuard<'_, HttpPush> {
        self.driver.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts an order to the arm on its way; what became of it is told to the core. Never blocks.
    pub fn order(
        &self,
        command: &Command,
        arm: (CommandId, LaneId),
        until: Instant,
        app: &App,
    ) -> Result<(), String> {
        let id = super::Orders::wire_id(arm.0);
        let letter = Letter { command: command.clone(), id, arm: Some(arm), until };
        for old in self.send(letter)? {
            report(app, old, ArmOutcome::Refused("a later order took its place".into()));
        }
        Ok(())
    }

    /// Gives back the orders that this one replaces.
    fn send(&self, letter: Letter) -> Result<Vec<Letter>, String> {
        let delivery = self.driver().delivery(&letter.command);
        match delivery {
            Delivery::InReply => {
                self.mailbox.put(letter).map_err(|_| "too many orders wait for it to call".into())
            }
            Delivery::ByCall => {
                let job = CallJob::Order(letter);
                self.calls.try_send(job).map_err(|_| "too many orders wait for it".to_owned())?;
                Ok(Vec::new())
            }
            Delivery::None => Err(format!("{} cannot do that", self.wiring.id)),
        }
    }

    /// For a test: the queue of orders for a device that we call.
    pub fn calls(&self) -> mpsc::Sender<CallJob> {
        self.calls.clone()
    }

    /// Whether the key is the device's own, in a time that tells nothing of it.
    pub(super) fn opens_to(&self, key: Option<&str>) -> bool {
        let given: [u8; 32] = Sha256::digest(key.unwrap_or_default()).into();
        let own = self.key.unwrap_or_default();
        let same = given.iter().zip(own).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0;
        same && self.key.is_some()
    }
}

impl Tell for PushDevice {
    fn tell(&self, command: &Command, id: &str, _now: Timestamp) -> Result<(), String> {
        let until = Instant::now() + PATIENT;
        let letter = Letter { command: command.clone(), id: id.to_owned(), arm: None, until };
        self.send(letter).map(drop)
    }
}

impl std::fmt::Debug for PushDevice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PushDevice").field("id", &self.wiring.id).finish_non_exhaustive()
    }
}

/// Tells the core what became of an order to an arm. Needs a runtime; never blocks.
pub(super) fn report(app: &App, letter: Letter, outcome: ArmOutcome) {
    let Some((command, lane)) = letter.arm else { return };
    let app = app.clone();
    tokio::spawn(async move {
        let _ = app.submit(Input::ArmAnswered { lane, command, outcome }, None).await;
    });
}

/// All devices that speak HTTP, by their names; several names can be duties of one box.
#[derive(Clone, Debug, Default)]
pub struct PushDevices(Arc<HashMap<DeviceId, Arc<PushDevice>>>);

/// The orders of a device that we call, for the task that calls it.
pub type Calls = Vec<(Arc<PushDevice>, mpsc::Receiver<CallJob>)>;

impl PushDevices {
    /// One driver for each box, and the orders of each.
    pub fn of(site: &Site, health: &Health) -> Result<(Self, Calls), SetupError> {
        let mut devices: HashMap<DeviceId, Arc<PushDevice>> = HashMap::new();
        let mut by_sn: HashMap<String, Arc<PushDevice>> = HashMap::new();
        let mut all_calls = Vec::new();
        for (device, sn) in boxes(site, Transport::Http) {
            if let Some(known) = sn.as_ref().and_then(|sn| by_sn.get(sn)) {
                health.also(&device.id, &device.profile, &known.wiring.id);
                devices.insert(device.id.clone(), Arc::clone(known));
                continue;
            }
            let ms = |ms: u32| Duration::from_millis(ms.into());
            let silence = device.profile.timings.silence_ms.map(ms);
            let key =
                site.mqtt.secrets.push(device.id.as_str()).map(|key| Sha256::digest(key).into());
            let (calls, jobs) = mpsc::channel(CALLS_MAX);
            let push = Arc::new(PushDevice {
                wiring: wiring(site, device),
                // One that never calls is silent when it does not answer.
                pulse: health.register(
                    &device.id,
                    &device.profile,
                    silence.filter(|_| key.is_some()),
                ),
                mailbox: Mailbox::default(),
                key,
                places: Arc::new(Semaphore::new(PLACES)),
                polled: Mutex::default(),
                driver: Mutex::new(HttpPush::new(&device.profile, device.sn.as_deref())?),
                calls,
            });
            if let Some(sn) = sn {
                by_sn.insert(sn, Arc::clone(&push));
            }
            devices.insert(device.id.clone(), Arc::clone(&push));
            all_calls.push((push, jobs));
        }
        Ok((Self(Arc::new(devices)), all_calls))
    }

    pub fn get(&self, id: &str) -> Option<&Arc<PushDevice>> {
        self.0.get(id)
    }

    /// Each box once.
    pub fn all(&self) -> impl Iterator<Item = &Arc<PushDevice>> {
        self.0.iter().filter(|(id, device)| **id == device.wiring.id).map(|(_, device)| device)
    }

    /// Tells of every order that nobody came for in time, for ever.
    pub async fn watch(self, app: App) {
        if self.0.is_empty() {
            return;
        }
        let mut look = tokio::time::interval(LOOK);
        loop {
            look.tick().await;
            let now = Instant::now();
            for device in self.all() {
                for letter in device.mailbox.expired(now) {
                    if letter.arm.is_some() {
                        device.pulse.failed(Fault::Expired);
                    }
                    let why = "the device did not call in time, so nobody told it";
                    report(&app, letter, ArmOutcome::Silent(why.into()));
                }
            }
        }
    }
}
