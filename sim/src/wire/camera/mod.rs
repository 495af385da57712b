//! A plate camera of the Vzenith kind at a broker, with its relays, inputs and serial port: signs in
//! with its account, speaks and obeys over MQTT, comes back by itself. Sees only what it is shown.

mod command;
mod message;
mod session;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use serde_json::Value;
use tokio::{
    sync::{broadcast, mpsc, watch},
    time::Instant,
};

use super::{
    Led,
    body::{Body, CameraEvent, CameraFaults, Record, Results, Twin},
};

use self::message::Voice;
pub use self::message::{Sighting, TopicLayout};

/// A camera and its account.
#[derive(Clone, Debug)]
pub struct CameraSettings {
    pub broker: SocketAddr,
    pub username: String,
    pub password: String,
    /// Also its client id.
    pub sn: String,
    pub layout: TopicLayout,
    /// Results with the few fields of an abridging firmware, without ids and times of their own.
    pub abridged: bool,
    /// Between heart-beats.
    pub keep_alive: Duration,
    /// Heart-beats begin with a NUL.
    pub nul_prefix: bool,
    /// Heart-beats go to `$/device/..`.
    pub dollar_topic: bool,
    /// How far its clock is ahead, in seconds.
    pub clock_ahead_s: i64,
    /// From the quick to the full result.
    pub full_after: Duration,
}

impl CameraSettings {
    /// A camera as delivered, on an account named after its serial number.
    pub fn new(broker: SocketAddr, sn: &str, password: &str) -> Self {
        Self {
            broker,
            username: sn.to_owned(),
            password: password.to_owned(),
            sn: sn.to_owned(),
            layout: TopicLayout::DeviceFirst,
            abridged: false,
            keep_alive: Duration::from_secs(5),
            nul_prefix: false,
            dollar_topic: false,
            clock_ahead_s: 0,
            full_after: Duration::from_millis(100),
        }
    }
}

/// A handle on the camera; clones share it. When the last one goes, so does the camera.
#[derive(Clone, Debug)]
pub struct Camera {
    shared: Arc<Shared>,
    says: mpsc::UnboundedSender<Say>,
}

#[derive(Debug)]
struct Shared {
    settings: CameraSettings,
    body: Body,
}

/// A message to publish, now or later.
#[derive(Debug)]
struct Say {
    topic: String,
    payload: Vec<u8>,
    at: Instant,
    /// What to keep if it cannot be published.
    record: Option<Record>,
}

impl Camera {
    /// Starts signing in, and keeps at it. Needs a tokio runtime.
    pub fn start(settings: CameraSettings) -> Self {
        let (says, said) = mpsc::unbounded_channel();
        let body = Body::new(settings.clock_ahead_s);
        let shared = Arc::new(Shared { settings, body });
        let powered = shared.body.power();
        tokio::spawn(session::run(shared.clone(), said, powered));
        Self { shared, says }
    }

    /// What happens from now on.
    pub fn events(&self) -> broadcast::Receiver<CameraEvent> {
        self.shared.body.events()
    }

    /// Whether it is signed in and subscribed; changes can be awaited.
    pub fn online(&self) -> watch::Receiver<bool> {
        self.shared.body.online()
    }

    pub fn settings(&self) -> &CameraSettings {
        &self.shared.settings
    }

    pub fn faults(&self) -> CameraFaults {
        self.shared.body.faults()
    }

    pub fn set_faults(&self, faults: CameraFaults) {
        self.shared.body.set_faults(faults);
    }

    /// How far its clock is ahead, in seconds.
    pub fn clock_ahead_s(&self) -> i64 {
        self.shared.body.clock_ahead_s()
    }

    /// The LED board on its first serial port.
    pub fn led(&self) -> &Led {
        self.shared.body.led()
    }

    /// Cuts or gives power; without it the network is cut without goodbye.
    pub fn set_power(&self, on: bool) {
        self.shared.body.set_power(on);
    }

    /// A vehicle: the quick result at once, the full one a little later. Without a broker it becomes
    /// a record, sent when the broker is back; what was under way when the connection broke is lost.
    /// Returns the camera's number of the read.
    pub fn read(&self, seen: &Sighting) -> u64 {
        let plateid = self.shared.body.next_number();
        self.repeat(plateid, seen);
        plateid
    }

    /// The same read again, under the number it had.
    pub fn repeat(&self, plateid: u64, seen: &Sighting) {
        let results = self.faults().results;
        // Records are in no haste: the full result alone.
        if seen.age.is_none() && results != Results::FullOnly {
            self.say("quick_ivs_result", &self.shared.result("quick_ivs_result", plateid, seen));
        }
        if results == Results::QuickOnly {
            return;
        }
        let wait = if seen.age.is_none() { self.settings().full_after } else { Duration::ZERO };
        let message = self.shared.result("ivs_result", plateid, seen).to_string().into_bytes();
        let record = Some(Body::record(plateid, seen));
        self.say_at("ivs_result", message, Instant::now() + wait, record);
    }

    /// The contact at `input` (from 1) closes or opens.
    pub fn set_input(&self, input: u8, on: bool) {
        self.say("gpio_in", &self.shared.voice().gpio_in(input, on));
    }

    /// Bytes that came in on a serial port.
    pub fn serial(&self, channel: u8, bytes: &[u8]) {
        self.say("serial_data", &self.shared.voice().serial_data(channel, bytes));
    }

    fn say(&self, name: &str, message: &Value) {
        self.say_raw(name, message.to_string().into_bytes());
    }

    /// Anything at all under one of its topics, nonsense too.
    pub fn say_raw(&self, name: &str, payload: impl Into<Vec<u8>>) {
        self.say_at(name, payload.into(), Instant::now(), None);
    }

    fn say_at(&self, name: &str, payload: Vec<u8>, at: Instant, record: Option<Record>) {
        let CameraSettings { layout, sn, .. } = self.settings();
        let topic = layout.up(sn, name);
        let say = Say { topic, payload, at, record };
        // What is seen without a network stays a record, even if the network is back before the
        // task looks at it.
        if !self.shared.body.is_online() {
            return self.shared.lost(say);
        }
        // The task ends only with the last handle.
        if self.faults().duplicates {
            let (topic, payload) = (say.topic.clone(), say.payload.clone());
            let _ = self.says.send(Say { topic, payload, at, record: None });
        }
        let _ = self.says.send(say);
    }
}

impl Twin for Camera {
    fn body(&self) -> &Body {
        &self.shared.body
    }

    fn repeat(&self, number: u64, seen: &Sighting) {
        self.repeat(number, seen);
    }

    fn set_input(&self, input: u8, on: bool) -> bool {
        self.set_input(input, on);
        true
    }

    fn serial(&self, channel: u8, bytes: &[u8]) -> bool {
        self.serial(channel, bytes);
        true
    }
}

impl Shared {
    fn voice(&self) -> Voice<'_> {
        let CameraSettings { sn, abridged, .. } = &self.settings;
        Voice { sn, abridged: *abridged, now: self.body.clock() }
    }

    fn result(&self, name: &str, plateid: u64, seen: &Sighting) -> Value {
        self.voice().read(name, plateid, seen)
    }

    /// Keeps the read of a message that could not be published.
    fn lost(&self, say: Say) {
        if let Some(record) = say.record {
            self.body.keep(record);
        }
    }
}
