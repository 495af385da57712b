//! A Shelly relay of the second generation at a broker: takes calls of its methods, answers the
//! caller, tells what changed, lets go of a relay by its own timer. Knows no barrier.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::time::Instant;

use super::{
    RelayKind,
    body::{Body, CameraEvent, Obedience, Twin},
    lock,
    station::{self, Device, Held, Message, MqttAccount, Wire},
};

const LOOKS_EVERY: Duration = Duration::from_millis(20);
const OUTPUTS: usize = 2;
const INPUTS: usize = 4;

/// A relay and its account.
#[derive(Clone, Debug)]
pub struct ShellySettings {
    pub account: MqttAccount,
    /// Its topics begin with this.
    pub prefix: String,
    /// It also tells whole states under `<prefix>/status/`, which it does not as delivered.
    pub generic_status: bool,
}

impl ShellySettings {
    /// A relay set up for a broker, the whole states switched on.
    pub fn new(account: MqttAccount, prefix: &str) -> Self {
        Self { account, prefix: prefix.to_owned(), generic_status: true }
    }
}

/// A handle on the relay; clones share it. When the last one goes, so does the relay.
#[derive(Clone, Debug)]
pub struct Shelly {
    shared: Arc<Shared>,
    _held: Held,
}

#[derive(Debug)]
struct Shared {
    settings: ShellySettings,
    body: Body,
    wire: Wire,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    outputs: [bool; OUTPUTS],
    off_at: [Option<Instant>; OUTPUTS],
    inputs: [bool; INPUTS],
}

impl Shelly {
    /// Starts signing in, and keeps at it. Needs a tokio runtime.
    pub fn start(settings: ShellySettings) -> Self {
        let (body, wire, state) = (Body::new(0), Wire::default(), Mutex::default());
        let shared = Arc::new(Shared { settings, body, wire, state });
        let held = station::start(&shared);
        Self { shared, _held: held }
    }

    /// Contact `relay` (from 1) is closed at this moment.
    pub fn relay(&self, relay: u8) -> bool {
        let place = usize::from(relay.wrapping_sub(1));
        lock(&self.shared.state).outputs.get(place).copied().unwrap_or(false)
    }
}

impl Twin for Shelly {
    fn body(&self) -> &Body {
        &self.shared.body
    }

    fn set_input(&self, input: u8, on: bool) -> bool {
        let place = usize::from(input.wrapping_sub(1));
        match lock(&self.shared.state).inputs.get_mut(place) {
            Some(known) => *known = on,
            None => return false,
        }
        self.shared.tell(&format!("input:{place}"), &json!({"id": place, "state": on}));
        true
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
        vec![format!("{}/rpc", self.settings.prefix)]
    }

    fn will(&self) -> Option<Message> {
        Some(Message::new(format!("{}/online", self.settings.prefix), "false").retained())
    }

    fn beats_every(&self) -> Duration {
        LOOKS_EVERY
    }

    fn signed_in(&self) {
        let online = Message::new(format!("{}/online", self.settings.prefix), "true");
        self.wire.publish(online.retained());
        self.body.went_online();
    }

    fn heard(&self, _topic: &str, payload: &[u8]) {
        let call: Value = serde_json::from_slice(payload).unwrap_or_default();
        let name = call["method"].as_str().unwrap_or_default().to_owned();
        let obedience = self.body.faults().obedience;
        if obedience == Obedience::Deaf {
            return self.body.tell(CameraEvent::Unheard { name });
        }
        let said = match obedience {
            Obedience::Refuses(code) => Err((i64::from(code), "refused")),
            _ => self.called(&name, &call["params"]),
        };
        if let Err((code, _)) = said {
            let code = code.unsigned_abs() as u16;
            self.body.tell(CameraEvent::Refused { name, code });
        }
        let caller = call["src"].as_str().unwrap_or_default();
        let is_asked = !caller.is_empty() && !call["id"].is_null();
        if is_asked && obedience != Obedience::ActsSilently {
            let mut answer = json!({"id": call["id"], "src": self.settings.prefix, "dst": caller});
            match said {
                Ok(result) => answer["result"] = result,
                Err((code, message)) => answer["error"] = json!({"code": code, "message": message}),
            }
            self.wire.publish(Message::new(format!("{caller}/rpc"), answer));
        }
    }

    fn beat(&self) {
        let now = Instant::now();
        let mut over = Vec::new();
        {
            let mut state = lock(&self.state);
            for place in 0..OUTPUTS {
                if state.off_at[place].is_some_and(|at| at <= now) {
                    (state.outputs[place], state.off_at[place]) = (false, None);
                    over.push(place);
                }
            }
        }
        over.into_iter().for_each(|place| self.tell_output(place, "timer"));
    }
}

impl Shared {
    /// The result, or code and message of the error.
    fn called(&self, method: &str, params: &Value) -> Result<Value, (i64, &'static str)> {
        const ARGUMENT: (i64, &str) = (-103, "Invalid argument");
        let place = |limit: usize| {
            let place = params["id"].as_u64().ok_or(ARGUMENT)? as usize;
            (place < limit).then_some(place).ok_or((-105, "Argument 'id' not found"))
        };
        match method {
            "Switch.Set" => {
                let (place, on) = (place(OUTPUTS)?, params["on"].as_bool().ok_or(ARGUMENT)?);
                let toggles_after = match &params["toggle_after"] {
                    Value::Null => None,
                    seconds => Some(seconds.as_f64().filter(|s| *s > 0.0).ok_or(ARGUMENT)?),
                };
                Ok(json!({"was_on": self.switch(place, on, toggles_after)}))
            }
            "Switch.GetStatus" => Ok(self.output(place(OUTPUTS)?, "init")),
            "Input.GetStatus" => {
                let place = place(INPUTS)?;
                Ok(json!({"id": place, "state": lock(&self.state).inputs[place]}))
            }
            _ => Err((404, "No handler for the method")),
        }
    }

    /// What it was.
    fn switch(&self, place: usize, on: bool, toggles_after: Option<f64>) -> bool {
        let kind = match (on, toggles_after.map(|s| (s * 1_000.0).round() as u32)) {
            (true, Some(ms)) => RelayKind::Pulse { ms },
            (false, Some(ms)) => RelayKind::Dip { ms },
            (true, None) => RelayKind::On,
            (false, None) => RelayKind::Off,
        };
        let was = {
            let mut state = lock(&self.state);
            state.off_at[place] = toggles_after
                .filter(|_| on)
                .map(|seconds| Instant::now() + Duration::from_secs_f64(seconds));
            std::mem::replace(&mut state.outputs[place], on)
        };
        self.body.relay(place as u8 + 1, kind);
        self.tell_output(place, "MQTT");
        was
    }

    fn output(&self, place: usize, source: &str) -> Value {
        json!({"id": place, "source": source, "output": lock(&self.state).outputs[place]})
    }

    fn tell_output(&self, place: usize, source: &str) {
        self.tell(&format!("switch:{place}"), &self.output(place, source));
    }

    /// What changed, to whoever listens.
    fn tell(&self, component: &str, status: &Value) {
        let prefix = &self.settings.prefix;
        let ts = self.body.clock().as_millisecond() as f64 / 1e3;
        let notice = json!({
            "src": prefix, "dst": format!("{prefix}/events"), "method": "NotifyStatus",
            "params": {"ts": ts, component: status},
        });
        self.wire.publish(Message::new(format!("{prefix}/events/rpc"), notice));
        if self.settings.generic_status {
            self.wire.publish(Message::new(format!("{prefix}/status/{component}"), status));
        }
    }
}
