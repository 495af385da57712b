//! A plate camera of the Vzenith kind at a broker, with its relays, inputs and serial port: signs in
//! with its account, speaks and obeys over MQTT, comes back by itself. Sees only what it is shown.

mod command;
mod message;
mod session;

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tokio::{
    sync::{broadcast, mpsc, watch},
    time::Instant,
};

use super::{EVENTS_MAX, Led, RelayEvent, lock};

use self::message::Voice;
pub use self::message::{Sighting, TopicLayout};

/// Records kept while the broker is away; the vendor names this bound.
const RECORDS_MAX: usize = 9_000;

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

/// How it takes commands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Obedience {
    #[default]
    Acts,
    /// Answers with this code and does nothing.
    Refuses(u16),
    /// Acts, but its answer does not come.
    ActsSilently,
    /// Neither acts nor answers.
    Deaf,
}

/// Which results of a read it sends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Results {
    #[default]
    Both,
    /// As firmware without the early result does.
    FullOnly,
    /// The pictures never arrive.
    QuickOnly,
}

/// What is wrong with a camera; nothing by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CameraFaults {
    pub obedience: Obedience,
    /// Says everything twice.
    pub duplicates: bool,
    pub results: Results,
    /// No heart-beats, though all else works.
    pub no_keep_alive: bool,
}

/// What happened to a camera.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CameraEvent {
    /// Signed in and subscribed.
    Online,
    Offline {
        why: String,
    },
    Relay(RelayEvent),
    /// Told to look now.
    Triggered,
    /// Its clock was set, and is now so far ahead.
    ClockSet {
        ahead_s: i64,
    },
    /// Bytes passed on to a serial port.
    Serial {
        channel: u8,
        bytes: Vec<u8>,
    },
    /// A command it does not know or cannot read, and the code it answered with.
    Refused {
        name: String,
        code: u16,
    },
    /// A command that reached it while deaf.
    Unheard {
        name: String,
    },
}

/// A handle on the camera; clones share it. When the last one goes, so does the camera.
#[derive(Clone, Debug)]
pub struct Camera {
    shared: Arc<Shared>,
    says: mpsc::UnboundedSender<Say>,
    power: Arc<watch::Sender<bool>>,
}

#[derive(Debug)]
struct Shared {
    settings: CameraSettings,
    faults: Mutex<CameraFaults>,
    ahead: Mutex<SignedDuration>,
    events: broadcast::Sender<CameraEvent>,
    online: watch::Sender<bool>,
    reads: AtomicU64,
    /// Reads of the time without a broker, to be sent as records.
    records: Mutex<VecDeque<Record>>,
    led: Led,
}

/// The camera's number of a read, and when it was.
type Record = (u64, Timestamp, Sighting);

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
        let (power, powered) = watch::channel(true);
        let shared = Arc::new(Shared {
            faults: Mutex::default(),
            ahead: Mutex::new(SignedDuration::from_secs(settings.clock_ahead_s)),
            settings,
            events: broadcast::Sender::new(EVENTS_MAX),
            online: watch::Sender::new(false),
            reads: AtomicU64::new(0),
            records: Mutex::default(),
            led: Led::default(),
        });
        tokio::spawn(session::run(shared.clone(), said, powered));
        Self { shared, says, power: Arc::new(power) }
    }

    /// What happens from now on.
    pub fn events(&self) -> broadcast::Receiver<CameraEvent> {
        self.shared.events.subscribe()
    }

    /// Whether it is signed in and subscribed; changes can be awaited.
    pub fn online(&self) -> watch::Receiver<bool> {
        self.shared.online.subscribe()
    }

    pub fn settings(&self) -> &CameraSettings {
        &self.shared.settings
    }

    pub fn faults(&self) -> CameraFaults {
        *lock(&self.shared.faults)
    }

    pub fn set_faults(&self, faults: CameraFaults) {
        *lock(&self.shared.faults) = faults;
    }

    /// How far its clock is ahead, in seconds.
    pub fn clock_ahead_s(&self) -> i64 {
        lock(&self.shared.ahead).as_secs()
    }

    /// The LED board on its first serial port.
    pub fn led(&self) -> &Led {
        &self.shared.led
    }

    /// Cuts or gives power; without it the network is cut without goodbye.
    pub fn set_power(&self, on: bool) {
        self.power.send_replace(on);
    }

    /// A vehicle: the quick result at once, the full one a little later. Without a broker it becomes
    /// a record, sent when the broker is back; what was under way when the connection broke is lost.
    /// Returns the camera's number of the read.
    pub fn read(&self, seen: &Sighting) -> u64 {
        let plateid = self.shared.reads.fetch_add(1, Ordering::Relaxed) + 1;
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
        let at = wall_clock().checked_sub(seen.age.unwrap_or_default()).unwrap_or_default();
        let wait = if seen.age.is_none() { self.settings().full_after } else { Duration::ZERO };
        let message = self.shared.result("ivs_result", plateid, seen).to_string().into_bytes();
        let record = Some((plateid, at, seen.clone()));
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
        if !*self.shared.online.borrow() {
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

impl Shared {
    fn clock(&self) -> Timestamp {
        wall_clock().saturating_add(*lock(&self.ahead)).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    fn voice(&self) -> Voice<'_> {
        let CameraSettings { sn, abridged, .. } = &self.settings;
        Voice { sn, abridged: *abridged, now: self.clock() }
    }

    fn result(&self, name: &str, plateid: u64, seen: &Sighting) -> Value {
        self.voice().read(name, plateid, seen)
    }

    /// Keeps the read of a message that could not be published.
    fn lost(&self, say: Say) {
        let mut records = lock(&self.records);
        if records.len() < RECORDS_MAX {
            records.extend(say.record);
        }
    }

    fn tell(&self, event: CameraEvent) {
        // Nobody need be listening.
        let _ = self.events.send(event);
    }
}

#[expect(clippy::disallowed_methods, reason = "a camera has a clock")]
fn wall_clock() -> Timestamp {
    Timestamp::now()
}
