//! A relay with Tasmota firmware at a broker: obeys each message on its topics, a retained one too,
//! and times its pulses itself. Knows no barrier.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use jiff::tz;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{
    RelayKind,
    body::{Body, CameraEvent, Obedience, Twin},
    lock,
    station::{self, Device, Held, Message, MqttAccount, Wire},
};

const LOOKS_EVERY: Duration = Duration::from_millis(20);

/// A relay and its account.
#[derive(Clone, Debug)]
pub struct TasmotaSettings {
    pub account: MqttAccount,
    pub topic: String,
    /// Alone, a relay has no number in its topics.
    pub relays: u8,
    /// `PulseTime` of each relay as it was set up: 1 to 111 are tenths of a second, from 112 on
    /// seconds and 100; 0 is none.
    pub pulse_time: u16,
    /// Between two `tele/../STATE`.
    pub tells_every: Duration,
}

impl TasmotaSettings {
    /// Two relays whose pulses nobody has set up.
    pub fn new(account: MqttAccount, topic: &str) -> Self {
        let tells_every = Duration::from_mins(5);
        Self { account, topic: topic.to_owned(), relays: 2, pulse_time: 0, tells_every }
    }
}

/// A handle on the relay; clones share it. When the last one goes, so does the relay.
#[derive(Clone, Debug)]
pub struct Tasmota {
    shared: Arc<Shared>,
    _held: Held,
}

#[derive(Debug)]
struct Shared {
    settings: TasmotaSettings,
    body: Body,
    wire: Wire,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    relays: Vec<Contact>,
    switches: [bool; 4],
    tells_at: Instant,
}

#[derive(Clone, Copy, Debug, Default)]
struct Contact {
    is_on: bool,
    pulse_time: u16,
    off_at: Option<Instant>,
}

impl Tasmota {
    /// Starts signing in, and keeps at it. Needs a tokio runtime.
    pub fn start(settings: TasmotaSettings) -> Self {
        let contact = Contact { pulse_time: settings.pulse_time, ..Contact::default() };
        let relays = vec![contact; usize::from(settings.relays)];
        let state = State { relays, switches: [false; 4], tells_at: Instant::now() };
        let (body, wire) = (Body::new(0), Wire::default());
        let shared = Arc::new(Shared { settings, body, wire, state: Mutex::new(state) });
        let held = station::start(&shared);
        Self { shared, _held: held }
    }

    /// Contact `relay` (from 1) is closed at this moment.
    pub fn relay(&self, relay: u8) -> bool {
        let place = usize::from(relay.wrapping_sub(1));
        lock(&self.shared.state).relays.get(place).is_some_and(|one| one.is_on)
    }
}

impl Twin for Tasmota {
    fn body(&self) -> &Body {
        &self.shared.body
    }

    fn set_input(&self, input: u8, on: bool) -> bool {
        let place = usize::from(input.wrapping_sub(1));
        let known = match lock(&self.shared.state).switches.get_mut(place) {
            Some(switch) => {
                *switch = on;
                true
            }
            None => false,
        };
        let action = json!({format!("Switch{input}"): {"Action": word(on)}});
        known && self.shared.say("stat", "RESULT", &action)
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
        vec![format!("cmnd/{}/#", self.settings.topic)]
    }

    fn will(&self) -> Option<Message> {
        Some(Message::new(format!("tele/{}/LWT", self.settings.topic), "Offline").retained())
    }

    fn beats_every(&self) -> Duration {
        LOOKS_EVERY
    }

    fn signed_in(&self) {
        let alive = Message::new(format!("tele/{}/LWT", self.settings.topic), "Online");
        self.wire.publish(alive.retained());
        self.body.went_online();
        let what = json!({"Info1": {"Module": "Generic", "Version": "13.1.0(tasmota)",
            "FallbackTopic": format!("cmnd/{}_fb/", self.settings.topic), "GroupTopic": "cmnd/tasmotas/"}});
        self.say("tele", "INFO1", &what);
        self.tell_state();
    }

    fn heard(&self, topic: &str, payload: &[u8]) {
        let head = format!("cmnd/{}/", self.settings.topic);
        let Some(name) = topic.strip_prefix(&head) else { return };
        let text = String::from_utf8_lossy(payload).trim().to_owned();
        if self.body.faults().obedience == Obedience::Deaf {
            return self.body.tell(CameraEvent::Unheard { name: name.to_owned() });
        }
        if !name.eq_ignore_ascii_case("backlog") {
            return self.told(name, &text);
        }
        for one in text.split(';').map(str::trim).filter(|one| !one.is_empty()) {
            let (name, text) = one.split_once(' ').unwrap_or((one, ""));
            self.told(name, text.trim());
        }
    }

    fn beat(&self) {
        let now = Instant::now();
        let mut over = Vec::new();
        let tells = {
            let mut state = lock(&self.state);
            for (place, one) in state.relays.iter_mut().enumerate() {
                if one.off_at.is_some_and(|at| at <= now) {
                    (one.is_on, one.off_at) = (false, None);
                    over.push(place);
                }
            }
            state.tells_at <= now
        };
        over.into_iter().for_each(|place| self.tell_power(place, false));
        if tells && !self.body.faults().no_keep_alive {
            self.tell_state();
        }
    }
}

fn word(on: bool) -> &'static str {
    if on { "ON" } else { "OFF" }
}

/// A pulse time in milliseconds; `None`: no pulse.
fn pulse_ms(time: u16) -> Option<u32> {
    match time {
        0 => None,
        1..=111 => Some(u32::from(time) * 100),
        _ => Some((u32::from(time) - 100) * 1_000),
    }
}

impl Shared {
    fn say(&self, prefix: &str, name: &str, body: &Value) -> bool {
        let topic = format!("{prefix}/{}/{name}", self.settings.topic);
        self.wire.publish(Message::new(topic, body))
    }

    /// Local, without an offset.
    fn time(&self) -> String {
        format!("{:.0}", tz::offset(8).to_datetime(self.body.clock()))
    }

    fn power_name(&self, place: usize) -> String {
        if self.settings.relays == 1 { "POWER".into() } else { format!("POWER{}", place + 1) }
    }

    fn tell_power(&self, place: usize, on: bool) {
        let name = self.power_name(place);
        self.say("stat", "RESULT", &json!({&name: word(on)}));
        let topic = format!("stat/{}/{name}", self.settings.topic);
        self.wire.publish(Message::new(topic, word(on)));
    }

    fn tell_state(&self) {
        let (body, switches) = {
            let mut state = lock(&self.state);
            state.tells_at = Instant::now() + self.settings.tells_every;
            let mut body = json!({"Time": self.time(), "Uptime": "0T00:10:11", "Heap": 24, "SleepMode": "Dynamic"});
            for (place, one) in state.relays.iter().enumerate() {
                body[self.power_name(place)] = json!(word(one.is_on));
            }
            (body, state.switches)
        };
        self.say("tele", "STATE", &body);
        let mut sensors = json!({"Time": self.time()});
        for (place, on) in switches.into_iter().enumerate() {
            sensors[format!("Switch{}", place + 1)] = json!(word(on));
        }
        self.say("tele", "SENSOR", &sensors);
    }

    fn told(&self, name: &str, text: &str) {
        let stem = name.trim_end_matches(|c: char| c.is_ascii_digit());
        let number = name[stem.len()..].parse().unwrap_or(1_usize);
        let place = number.wrapping_sub(1);
        if place >= usize::from(self.settings.relays) {
            return self.refuse(name);
        }
        match stem.to_ascii_lowercase().as_str() {
            "power" => self.power(place, text),
            "pulsetime" => match text.parse::<u16>() {
                Ok(time) if time <= 64_900 => {
                    lock(&self.state).relays[place].pulse_time = time;
                    self.say(
                        "stat",
                        "RESULT",
                        &json!({format!("PulseTime{number}"): {"Set": time}}),
                    );
                }
                _ => self.refuse(name),
            },
            "poweronstate" if matches!(text, "0" | "1" | "2" | "3" | "4" | "5") => {
                self.say("stat", "RESULT", &json!({"PowerOnState": text.parse().unwrap_or(0)}));
            }
            "state" => self.tell_state(),
            _ => self.refuse(name),
        }
    }

    fn power(&self, place: usize, text: &str) {
        let (was, pulse) = {
            let state = lock(&self.state);
            (state.relays[place].is_on, pulse_ms(state.relays[place].pulse_time))
        };
        let on = match text.to_ascii_uppercase().as_str() {
            "ON" | "1" | "TRUE" => true,
            "OFF" | "0" | "FALSE" => false,
            "TOGGLE" | "2" => !was,
            // A question.
            "" => return self.tell_power(place, was),
            _ => return self.refuse("POWER"),
        };
        let kind = match (on, pulse) {
            (false, _) => RelayKind::Off,
            (true, None) => RelayKind::On,
            (true, Some(ms)) => RelayKind::Pulse { ms },
        };
        {
            let one = &mut lock(&self.state).relays[place];
            one.is_on = on;
            one.off_at = pulse
                .filter(|_| on)
                .map(|ms| Instant::now() + Duration::from_millis(u64::from(ms)));
        }
        self.body.relay(place as u8 + 1, kind);
        if self.body.faults().obedience != Obedience::ActsSilently {
            self.tell_power(place, on);
        }
    }

    fn refuse(&self, name: &str) {
        self.body.tell(CameraEvent::Refused { name: name.to_owned(), code: 404 });
        self.say("stat", "RESULT", &json!({"Command": "Unknown"}));
    }
}
