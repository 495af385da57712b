//! What every simulated camera has, whatever its make, and what every one can be told: a clock, a
//! store of reads that nobody took, a display on its serial port. Knows no wire.

use std::{
    collections::VecDeque,
    fmt,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use jiff::{SignedDuration, Timestamp};
use tokio::{
    sync::{broadcast, watch},
    time::Instant,
};

use super::{EVENTS_MAX, Led, RelayEvent, RelayKind, Sighting, lock};

/// Records kept while nobody takes them; Vzenith names this bound.
const RECORDS_MAX: usize = 9_000;

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
    /// Signed in and subscribed, or somebody answers its pushes.
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
    /// Said by its own loudspeaker.
    Spoken {
        text: String,
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
    /// This read was answered as its make wants it.
    Taken {
        number: u64,
    },
    /// This read was not, and comes again.
    NotTaken {
        number: u64,
        why: String,
    },
}

/// A read that nobody took: the camera's number of it, and when it was.
pub(super) type Record = (u64, Timestamp, Sighting);

/// The parts that all makes have in common.
#[derive(Debug)]
pub struct Body {
    faults: Mutex<CameraFaults>,
    ahead: Mutex<SignedDuration>,
    events: broadcast::Sender<CameraEvent>,
    online: watch::Sender<bool>,
    power: watch::Sender<bool>,
    reads: AtomicU64,
    records: Mutex<VecDeque<Record>>,
    led: Led,
}

impl Body {
    pub(super) fn new(clock_ahead_s: i64) -> Self {
        Self {
            faults: Mutex::default(),
            ahead: Mutex::new(SignedDuration::from_secs(clock_ahead_s)),
            events: broadcast::Sender::new(EVENTS_MAX),
            online: watch::Sender::new(false),
            power: watch::Sender::new(true),
            reads: AtomicU64::new(0),
            records: Mutex::default(),
            led: Led::default(),
        }
    }

    /// What happens from now on.
    pub fn events(&self) -> broadcast::Receiver<CameraEvent> {
        self.events.subscribe()
    }

    /// Whether anybody hears it; changes can be awaited.
    pub fn online(&self) -> watch::Receiver<bool> {
        self.online.subscribe()
    }

    pub fn faults(&self) -> CameraFaults {
        *lock(&self.faults)
    }

    pub fn set_faults(&self, faults: CameraFaults) {
        *lock(&self.faults) = faults;
    }

    /// How far its clock is ahead, in seconds.
    pub fn clock_ahead_s(&self) -> i64 {
        lock(&self.ahead).as_secs()
    }

    /// The LED board on its first serial port.
    pub fn led(&self) -> &Led {
        &self.led
    }

    /// Cuts or gives power; without it the network is cut without goodbye.
    pub fn set_power(&self, on: bool) {
        self.power.send_replace(on);
    }

    /// Reads that wait to be sent as records.
    pub fn records_len(&self) -> usize {
        lock(&self.records).len()
    }

    pub(super) fn is_online(&self) -> bool {
        *self.online.borrow()
    }

    pub(super) fn power(&self) -> watch::Receiver<bool> {
        self.power.subscribe()
    }

    pub(super) fn next_number(&self) -> u64 {
        self.reads.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(super) fn clock(&self) -> Timestamp {
        wall_clock().saturating_add(*lock(&self.ahead)).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// When something of that age was seen, by the camera's clock.
    pub(super) fn seen_at(&self, seen: &Sighting) -> Timestamp {
        let now = self.clock();
        now.checked_sub(seen.age.unwrap_or_default()).unwrap_or(now)
    }

    pub(super) fn tell(&self, event: CameraEvent) {
        // Nobody need be listening.
        let _ = self.events.send(event);
    }

    /// Tells of it if it is news.
    pub(super) fn went_online(&self) {
        if !self.online.send_replace(true) {
            self.tell(CameraEvent::Online);
        }
    }

    /// Tells of it if it is news.
    pub(super) fn went_offline(&self, why: impl fmt::Display) {
        if self.online.send_replace(false) {
            self.tell(CameraEvent::Offline { why: why.to_string() });
        }
    }

    /// Contact `relay` (from 1) of the camera does something.
    pub(super) fn relay(&self, relay: u8, kind: RelayKind) {
        let at = Instant::now();
        self.tell(CameraEvent::Relay(RelayEvent { board: 0, relay, kind, at }));
    }

    /// It is so late now.
    pub fn set_clock(&self, time: Timestamp) {
        // Commands carry whole seconds only, so a clock set well may be off by one.
        let ahead = time.duration_since(wall_clock()).as_secs();
        *lock(&self.ahead) = SignedDuration::from_secs(ahead);
        self.tell(CameraEvent::ClockSet { ahead_s: ahead });
    }

    /// Bytes go out on a serial port; the LED board hangs on the first one.
    pub(super) fn serial_out(&self, channel: u8, bytes: Vec<u8>) {
        if channel == 0 {
            // Bytes for something else than an LED board.
            self.led.hear(&bytes);
        }
        self.tell(CameraEvent::Serial { channel, bytes });
    }

    /// Keeps a read for later; of very many the oldest.
    pub(super) fn keep(&self, record: Record) {
        let mut records = lock(&self.records);
        if records.len() < RECORDS_MAX {
            records.push_back(record);
        }
    }

    /// The oldest record, as old as it is by now. It stays until [`Self::forget`].
    pub(super) fn oldest(&self) -> Option<(u64, Sighting)> {
        let records = lock(&self.records);
        let (number, at, seen) = records.front()?;
        let age = wall_clock().duration_since(*at).try_into().unwrap_or_default();
        Some((*number, Sighting { age: Some(age), ..seen.clone() }))
    }

    /// `false`: there is no such record any more.
    pub(super) fn forget(&self, number: u64) -> bool {
        let mut records = lock(&self.records);
        let place = records.iter().position(|(one, ..)| *one == number);
        place.and_then(|place| records.remove(place)).is_some()
    }

    /// The record of a read seen now, or so long ago as it says.
    pub(super) fn record(number: u64, seen: &Sighting) -> Record {
        let now = wall_clock();
        let at = now.checked_sub(seen.age.unwrap_or_default()).unwrap_or(now);
        (number, at, seen.clone())
    }
}

/// What every simulated camera can be told, whatever its make; a barrier at a broker is one without eyes.
pub trait Twin: fmt::Debug + Send + Sync {
    fn body(&self) -> &Body;

    /// What happens from now on.
    fn events(&self) -> broadcast::Receiver<CameraEvent> {
        self.body().events()
    }

    /// Whether anybody hears it; changes can be awaited.
    fn online(&self) -> watch::Receiver<bool> {
        self.body().online()
    }

    /// The read with this number, for the first time or again. Without eyes, nothing.
    fn repeat(&self, _number: u64, _seen: &Sighting) {}

    /// A vehicle. Where nobody takes the read, it becomes a record and is sent later, if the make
    /// does that. Returns the camera's number of the read.
    fn read(&self, seen: &Sighting) -> u64 {
        let number = self.body().next_number();
        self.repeat(number, seen);
        number
    }

    /// The contact at `input` (from 1) closes or opens. `false`: it has no such terminal.
    fn set_input(&self, _input: u8, _on: bool) -> bool {
        false
    }

    /// Bytes that came in on a serial port. `false`: it has none, or keeps them for itself.
    fn serial(&self, _channel: u8, _bytes: &[u8]) -> bool {
        false
    }
}

#[expect(clippy::disallowed_methods, reason = "a camera has a clock")]
pub(super) fn wall_clock() -> Timestamp {
    Timestamp::now()
}
