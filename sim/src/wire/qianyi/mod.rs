//! A plate camera of the Qianyi kind at a broker: registers before it speaks, says a read again until
//! it is answered, moves the barrier by its outputs. Sees only what it is shown.

mod command;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use tokio::time::Instant;

use self::command::Told;
use super::{
    RelayKind, Sighting,
    body::{Body, CameraEvent, Obedience, Twin},
    lock,
    station::{self, Device, Held, Message, MqttAccount, Wire},
};

/// Where it registers, whatever its own topics are.
const SERVER_TOPIC: &str = "/serverAll";
/// A read goes unanswered so often; then it is a record and waits for a new registration.
const TRIES_MAX: u32 = 3;
const LOOKS_EVERY: Duration = Duration::from_millis(20);

/// A camera and its account.
#[derive(Clone, Debug)]
pub struct QianyiSettings {
    pub account: MqttAccount,
    pub sn: String,
    /// Topics under `/qymqtt/` instead of the usual ones.
    pub qymqtt: bool,
    /// It writes its serial number in capitals, which its topics do not.
    pub shouts: bool,
    /// Between heart-beats.
    pub keep_alive: Duration,
    /// How long it waits for the answer to a read or to its registration.
    pub resends_after: Duration,
    /// How long an output closes.
    pub pulse_ms: u32,
    pub clock_ahead_s: i64,
}

impl QianyiSettings {
    /// A camera as delivered.
    pub fn new(account: MqttAccount, sn: &str) -> Self {
        Self {
            account,
            sn: sn.to_owned(),
            qymqtt: false,
            shouts: false,
            keep_alive: Duration::from_secs(30),
            resends_after: Duration::from_secs(2),
            pulse_ms: 500,
            clock_ahead_s: 0,
        }
    }

    fn up(&self) -> String {
        let sn = &self.sn;
        if self.qymqtt { format!("/qymqtt/{sn}/qymqttpost") } else { format!("aiot/plate/{sn}") }
    }

    fn down(&self) -> String {
        let sn = &self.sn;
        if self.qymqtt { format!("/qymqtt/{sn}/qymqttdown") } else { format!("device/plate/{sn}") }
    }
}

/// A handle on the camera; clones share it. When the last one goes, so does the camera.
#[derive(Clone, Debug)]
pub struct Qianyi {
    shared: Arc<Shared>,
    _held: Held,
}

#[derive(Debug)]
struct Shared {
    settings: QianyiSettings,
    body: Body,
    wire: Wire,
    /// Signed in at the broker, but not yet answered by the server.
    registers_at: Mutex<Option<Instant>>,
    beats_at: Mutex<Option<Instant>>,
    /// Said and not answered, by the id of the message.
    waiting: Mutex<BTreeMap<String, Waiting>>,
}

#[derive(Clone, Debug)]
struct Waiting {
    number: u64,
    seen: Sighting,
    said: Value,
    again_at: Instant,
    tries: u32,
}

impl Qianyi {
    /// Starts signing in, and keeps at it. Needs a tokio runtime.
    pub fn start(settings: QianyiSettings) -> Self {
        let shared = Arc::new(Shared {
            body: Body::new(settings.clock_ahead_s),
            settings,
            wire: Wire::default(),
            registers_at: Mutex::default(),
            beats_at: Mutex::default(),
            waiting: Mutex::default(),
        });
        let held = station::start(&shared);
        Self { shared, _held: held }
    }

    pub fn settings(&self) -> &QianyiSettings {
        &self.shared.settings
    }
}

impl Twin for Qianyi {
    fn body(&self) -> &Body {
        &self.shared.body
    }

    fn repeat(&self, number: u64, seen: &Sighting) {
        let shared = &self.shared;
        if !shared.body.is_online() {
            return shared.body.keep(Body::record(number, seen));
        }
        let copies = 1 + usize::from(shared.body.faults().duplicates);
        let said = shared.result(number, seen);
        let told: Vec<bool> = (0..copies).map(|_| shared.ask(number, seen, &said, 1)).collect();
        if !told.contains(&true) {
            shared.body.keep(Body::record(number, seen));
        }
    }
}

impl Device for Shared {
    fn body(&self) -> &Body {
        &self.body
    }

    fn wire(&self) -> &Wire {
        &self.wire
    }

    fn account(&self) -> &MqttAccount {
        &self.settings.account
    }

    fn subscriptions(&self) -> Vec<String> {
        vec![self.settings.down()]
    }

    fn will(&self) -> Option<Message> {
        Some(Message::new(self.settings.up(), self.message("offline", 0)))
    }

    fn beats_every(&self) -> Duration {
        LOOKS_EVERY
    }

    fn signed_in(&self) {
        self.register();
    }

    fn signed_out(&self) {
        *lock(&self.registers_at) = None;
        // What was under way may have arrived or not: it comes again as a record.
        let waiting = std::mem::take(&mut *lock(&self.waiting));
        waiting.into_values().for_each(|one| self.body.keep(Body::record(one.number, &one.seen)));
    }

    fn heard(&self, _topic: &str, payload: &[u8]) {
        let message: Value = serde_json::from_slice(payload).unwrap_or_default();
        let obedience = self.body.faults().obedience;
        let name = message["cmd"].as_str().unwrap_or_default().to_owned();
        if obedience == Obedience::Deaf {
            return self.body.tell(CameraEvent::Unheard { name });
        }
        let status = match (obedience, command::read(&message)) {
            (Obedience::Acts | Obedience::ActsSilently, Ok(told)) => {
                self.obey(told);
                "ok"
            }
            (_, Ok(_)) => "refused",
            (_, Err(why)) => why,
        };
        if status != "ok" {
            self.body.tell(CameraEvent::Refused { name: name.clone(), code: 400 });
        }
        if obedience != Obedience::ActsSilently && !name.ends_with("_rsp") {
            let rsp = json!({
                "cmd": format!("{name}_rsp"), "msg_id": message["msg_id"], "status": status,
                "sn": self.name(),
            });
            self.wire.publish(Message::new(self.settings.up(), rsp));
        }
    }

    fn beat(&self) {
        let now = Instant::now();
        let is_due = |at: &Mutex<Option<Instant>>| lock(at).is_some_and(|at| at <= now);
        if is_due(&self.registers_at) {
            self.register();
        }
        if is_due(&self.beats_at) && self.body.is_online() {
            self.heart_beat();
        }
        let due: Vec<Waiting> =
            lock(&self.waiting).values().filter(|one| one.again_at <= now).cloned().collect();
        due.into_iter().for_each(|one| self.again(&one));
    }
}

impl Shared {
    /// As it spells itself.
    fn name(&self) -> String {
        let sn = &self.settings.sn;
        if self.settings.shouts { sn.to_uppercase() } else { sn.clone() }
    }

    /// `number` makes the id one of its own.
    fn message(&self, cmd: &str, number: u64) -> Value {
        let ms = self.body.clock().as_millisecond();
        json!({"cmd": cmd, "msg_id": format!("{ms:013}{number:07}"), "sn": self.name()})
    }

    fn register(&self) {
        let mut message = self.message("camera_register", 0);
        message["subtopic"] = json!(self.settings.down());
        message["pubtopic"] = json!(self.settings.up());
        message["model"] = json!("S8_2");
        message["softVersion"] = json!("V4.23");
        self.wire.publish(Message::new(SERVER_TOPIC, message));
        *lock(&self.registers_at) = Some(Instant::now() + self.settings.resends_after);
    }

    fn registered(&self) {
        *lock(&self.registers_at) = None;
        self.body.went_online();
        self.heart_beat();
        while let Some((number, seen)) = self.body.oldest() {
            if !self.ask(number, &seen, &self.result(number, &seen), 1) {
                return;
            }
            self.body.forget(number);
        }
    }

    fn heart_beat(&self) {
        *lock(&self.beats_at) = Some(Instant::now() + self.settings.keep_alive);
        if !self.body.faults().no_keep_alive {
            let beat = self.message("mqtt_herat", 0);
            self.wire.publish(Message::new(self.settings.up(), beat));
        }
    }

    fn result(&self, number: u64, seen: &Sighting) -> Value {
        let picture = |jpeg: &Option<Vec<u8>>| STANDARD.encode(jpeg.as_deref().unwrap_or(&[]));
        let color = ["未知", "蓝色", "黄色", "白色", "黑色", "绿色", "黄绿色"];
        let mut message = self.message("result", number);
        let fields = json!({
            "type": if seen.age.is_some() { "offline" } else { "online" },
            "plate_num": seen.plate.as_deref().unwrap_or("null"),
            "plate_color": color.get(usize::from(seen.color)).unwrap_or(&"未知"),
            "confidence": seen.confidence, "utc_ts": self.body.seen_at(seen).as_second(),
            "inout": "in", "trigger_type": if seen.trigger == 2 { "loop" } else { "video" },
            "full_pic": picture(&seen.picture), "plate_pic": picture(&seen.crop),
        });
        for (key, value) in fields.as_object().into_iter().flatten() {
            message[key] = value.clone();
        }
        message
    }

    /// Says a read and waits for its answer. `false`: it cannot be said.
    fn ask(&self, number: u64, seen: &Sighting, said: &Value, tries: u32) -> bool {
        let again_at = Instant::now() + self.settings.resends_after;
        let waiting = Waiting { number, seen: seen.clone(), said: said.clone(), again_at, tries };
        let id = said["msg_id"].as_str().unwrap_or_default().to_owned();
        lock(&self.waiting).insert(id.clone(), waiting);
        let told = self.wire.publish(Message::new(self.settings.up(), said));
        if !told {
            lock(&self.waiting).remove(&id);
        }
        told
    }

    fn again(&self, waiting: &Waiting) {
        let Waiting { number, seen, said, tries, .. } = waiting;
        let why = "no answer".to_owned();
        self.body.tell(CameraEvent::NotTaken { number: *number, why });
        if *tries < TRIES_MAX && self.ask(*number, seen, said, tries + 1) {
            return;
        }
        let id = said["msg_id"].as_str().unwrap_or_default();
        lock(&self.waiting).remove(id);
        self.body.keep(Body::record(*number, seen));
        // Nobody listens: it introduces itself anew.
        self.body.went_offline("reads are not answered");
        self.register();
    }

    fn obey(&self, told: Told) {
        let pulse = RelayKind::Pulse { ms: self.settings.pulse_ms };
        match told {
            Told::Registered => self.registered(),
            Told::Heard { msg_id, fine } => {
                let waiting = lock(&self.waiting).remove(&msg_id);
                match waiting {
                    Some(one) if fine => self.body.tell(CameraEvent::Taken { number: one.number }),
                    Some(one) => drop(lock(&self.waiting).insert(msg_id, one)),
                    None => {}
                }
            }
            Told::Push { open } => self.body.relay(if open { 1 } else { 3 }, pulse),
            Told::KeepOpen(true) => self.body.relay(1, RelayKind::On),
            Told::KeepOpen(false) => self.body.relay(1, RelayKind::Off),
            Told::SetClock(time) => self.body.set_clock(time),
            Told::Serial(frames) => {
                frames
                    .into_iter()
                    .for_each(|(channel, bytes)| self.body.serial_out(channel, bytes));
            }
            Told::Look => self.body.tell(CameraEvent::Triggered),
            Told::Nothing => {}
        }
    }
}
