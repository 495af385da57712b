//! Protocol "json-mqtt": devices that talk JSON over MQTT. The profile says which topics, which
//! messages, where each field is and how each command is written; here is only what data cannot
//! say. Knows no broker, no connection and no vendor.
//!
//! ```text
//!   topic ── topic.rs ──> message name ── settings.rs ──> event + field table
//!   payload ─ fields.rs ─> values by path ── events.rs ──> DeviceEvent
//!   Command ─ template of the profile ──────────────────> topic + payload
//! ```
//!
//! One driver per device: it remembers which of the profile's topic layouts this device uses, and
//! the last few reads, so that the quick and the full result of one read get one event id.
//! Commands go to one layout only; sent to both, a camera that hears both would act twice.

mod events;
mod fields;
mod settings;
mod topic;

use serde_json::Value;

pub use self::settings::JsonMqttSettings;
pub(crate) use self::settings::capability_of;
use self::{
    events::{Reading, RecentReads},
    settings::{CommandRule, Event, MessageRule},
};
pub use crate::message::{
    BODY_BYTES_MAX,
    error::{DecodeError, EncodeError, SetupError},
};
use crate::{
    profile::{Capability, Profile, Protocol},
    words::{Command, DeviceEvent},
};

/// What the broker lets this device do: filters, all of them naming its serial number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicRules {
    /// It may publish here. Of the topics for commands, only their replies.
    pub publish: Vec<String>,
    /// It may subscribe to these, and to anything narrower.
    pub subscribe: Vec<String>,
}

/// A command ready to publish: never retained, QoS as the profile says.
#[derive(Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// Concrete.
    pub topic: String,
    /// Compact JSON.
    pub payload: Vec<u8>,
    /// 0, 1 or 2.
    pub qos: u8,
}

impl std::fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Outgoing {{ {} <- {} bytes, qos {} }}", self.topic, self.payload.len(), self.qos)
    }
}

/// What a message of the device says, and what it must be told in return.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Heard {
    /// None for a message the profile ignores.
    pub events: Vec<DeviceEvent>,
    /// To publish once the events are on disk: the device says it again until it hears this.
    pub answers: Vec<Outgoing>,
}

/// The driver of one device.
#[derive(Clone, Debug)]
pub struct JsonMqtt {
    profile: Profile,
    settings: JsonMqttSettings,
    sn: String,
    memory: Memory,
}

/// What a device has shown of itself.
#[derive(Clone, Debug, Default)]
struct Memory {
    /// Index into the profile's layouts.
    layout: usize,
    recent: RecentReads,
}

impl JsonMqtt {
    /// A device of this profile with this serial number.
    pub fn new(profile: &Profile, sn: &str) -> Result<Self, SetupError> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        if !(1..=64).contains(&sn.len()) || !sn.bytes().all(plain) {
            return Err(SetupError::SerialNumber(sn.into()));
        }
        let settings = profile
            .settings(Protocol::JsonMqtt)
            .map_err(|_| SetupError::WrongProfile(profile.name.clone()))?;
        let (profile, sn) = (profile.clone(), sn.to_string());
        Ok(Self { profile, settings, sn, memory: Memory::default() })
    }

    /// Of this device.
    pub fn serial_number(&self) -> &str {
        &self.sn
    }

    /// As given to [`JsonMqtt::new`].
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// What the broker should let the device do.
    pub fn topic_rules(&self) -> TopicRules {
        let sn = &self.sn;
        let layouts = &self.settings.layouts;
        let mut publish: Vec<_> =
            layouts.iter().flat_map(|l| [l.up.filter(sn), l.reply.filter(sn)]).collect();
        publish.extend(self.settings.exceptions.iter().map(|e| e.topic.filter(sn)));
        let subscribe = layouts.iter().map(|layout| layout.down.reach(sn)).collect();
        TopicRules { publish, subscribe }
    }

    /// The filters we subscribe to for this device.
    pub fn subscriptions(&self) -> Vec<String> {
        self.topic_rules().publish
    }

    /// What a message of this device says: no event for a message the profile ignores or that this
    /// duty of the device has no use for. Fields that are absent or of a wrong type are left out; a
    /// vehicle is reported even if nothing else of its read is usable.
    ///
    /// `now_ms` is Unix time; it goes into answers.
    pub fn decode(
        &mut self,
        topic: &str,
        payload: &[u8],
        _now_ms: i64,
    ) -> Result<Heard, DecodeError> {
        let mut memory = std::mem::take(&mut self.memory);
        let events = self.read(topic, payload, &mut memory);
        self.memory = memory;
        Ok(Heard { events: events?, answers: vec![] })
    }

    /// Whether a message is for this device: its topic, or for a topic that devices share the
    /// serial number inside, names it.
    pub fn is_for(&self, topic: &str, _payload: &[u8]) -> bool {
        self.hear(topic).is_ok()
    }

    /// Offset from UTC of the device's wall clock, for times it writes without one. The caller
    /// keeps it up to date with the site's zone; the profile's own `utc_offset` goes before it.
    pub fn set_utc_offset(&mut self, _seconds: i32) {}

    fn read(
        &self,
        topic: &str,
        payload: &[u8],
        memory: &mut Memory,
    ) -> Result<Vec<DeviceEvent>, DecodeError> {
        let sn = || self.sn.clone();
        let heard = self.hear(topic)?;
        if payload.len() > BODY_BYTES_MAX {
            return Err(DecodeError::TooLarge { sn: sn(), bytes: payload.len() });
        }
        let top: Value = serde_json::from_slice(trim(payload)).map_err(|e| {
            let why = format!("{:?} error, line {} column {}", e.classify(), e.line(), e.column());
            DecodeError::Unreadable { sn: sn(), name: short(heard.name), why }
        })?;
        self.check_sender(&top)?;
        memory.layout = heard.layout.unwrap_or(memory.layout);
        let name = if heard.name.is_empty() { self.name_inside(&top) } else { heard.name };
        let rule = if heard.is_reply {
            self.settings.reply_rule()
        } else {
            self.settings.message_rule(name)
        };
        let rule = rule.ok_or_else(|| DecodeError::Unknown { sn: sn(), what: short(name) })?;
        self.event(rule, name, &top, &mut memory.recent)
    }

    fn event(
        &self,
        rule: &MessageRule,
        name: &str,
        top: &Value,
        recent: &mut RecentReads,
    ) -> Result<Vec<DeviceEvent>, DecodeError> {
        let of_use = rule.event.capability().is_none_or(|needed| self.profile.can(needed));
        if rule.event == Event::Ignored || !of_use {
            return Ok(vec![]);
        }
        let name = short(name);
        let missing = |field: &str| DecodeError::Missing {
            sn: self.sn.clone(),
            name: name.clone(),
            field: field.into(),
        };
        if !top.is_object() {
            return Err(missing("object"));
        }
        let body = rule.body(top).ok_or_else(|| missing(rule.first_body_path()))?;
        let fields = self.settings.fields_of(rule);
        let reading = Reading { top, body, fields };
        let event = match rule.event {
            Event::PlateRead => {
                let read = reading.plate_read(rule.stage, recent);
                DeviceEvent::PlateRead(Box::new(read))
            }
            Event::InputChanged => match reading.input_changed() {
                Ok(event) => event,
                Err(events::Input::Missing(field)) => return Err(missing(field)),
                Err(events::Input::Unknown(what)) => {
                    return Err(DecodeError::Unknown { sn: self.sn.clone(), what });
                }
            },
            Event::KeepAlive => reading.keep_alive(),
            Event::SerialData => reading.serial_data().map_err(missing)?,
            Event::BarrierStatus => reading.barrier_status(),
            Event::Snapshot => reading.snapshot().map_err(missing)?,
            Event::CommandReply => reading.command_reply().map_err(missing)?,
            Event::Ignored => return Ok(vec![]),
        };
        Ok(vec![event])
    }

    /// What a topic of this device tells.
    fn hear<'a>(&'a self, topic: &'a str) -> Result<Heading<'a>, DecodeError> {
        for (i, layout) in self.settings.layouts.iter().enumerate() {
            for (template, is_reply) in [(&layout.reply, true), (&layout.up, false)] {
                if let Some(name) = template.hears(topic, &self.sn) {
                    return Ok(Heading { layout: Some(i), name, is_reply });
                }
            }
        }
        let exceptions = &self.settings.exceptions;
        match exceptions.iter().find(|one| one.topic.hears(topic, &self.sn).is_some()) {
            Some(one) => Ok(Heading { layout: None, name: &one.name, is_reply: false }),
            None => Err(DecodeError::Foreign {
                sn: self.sn.clone(),
                what: format!("topic {:?}", short(topic)),
            }),
        }
    }

    fn check_sender(&self, top: &Value) -> Result<(), DecodeError> {
        let named = self.settings.sn_at.iter().find_map(|path| path.find(top, top)?.as_str());
        match named {
            Some(other) if !other.eq_ignore_ascii_case(&self.sn) => Err(DecodeError::Foreign {
                sn: self.sn.clone(),
                what: format!("the message names {:?}", short(other)),
            }),
            _ => Ok(()),
        }
    }

    /// For layouts whose topics do not name the message. Empty: it does not say either.
    fn name_inside<'a>(&self, top: &'a Value) -> &'a str {
        self.settings.name_at.iter().find_map(|path| path.find(top, top)?.as_str()).unwrap_or("")
    }

    /// The message that gives `command`; `id` comes back in the reply, `now_ms` is Unix time. A
    /// device that gives no id back is taken to answer the last command of the kind.
    pub fn encode(
        &mut self,
        command: &Command,
        id: &str,
        now_ms: i64,
    ) -> Result<Outgoing, EncodeError> {
        let capability = settings::capability_of(command);
        let lacking = || EncodeError::NotCapable {
            profile: self.profile.name.clone(),
            command: capability.name(),
        };
        if !self.profile.can(capability) {
            return Err(lacking());
        }
        let rule = self.settings.commands.get(&capability).ok_or_else(lacking)?;
        let payload = self.payload(rule, command, id, now_ms).map_err(|hole| {
            let profile = self.profile.name.clone();
            EncodeError::Template { profile, command: capability.name(), hole }
        })?;
        let layout = &self.settings.layouts[self.memory.layout];
        let topic = layout.down.concrete(&self.sn, &rule.name);
        Ok(Outgoing { topic, payload, qos: self.settings.qos })
    }

    fn payload(
        &self,
        rule: &CommandRule,
        command: &Command,
        id: &str,
        now_ms: i64,
    ) -> Result<Vec<u8>, String> {
        let holes = settings::Holes {
            timings: &self.profile.timings,
            command,
            sn: &self.sn,
            id,
            now_ms,
            name: &rule.name,
        };
        Ok(self.settings.write(rule, &holes)?.to_string().into_bytes())
    }
}

/// What a topic told.
struct Heading<'a> {
    /// Which of the profile's layouts; `None` for an exception to them.
    layout: Option<usize>,
    /// Empty if the layout has no `{name}`.
    name: &'a str,
    is_reply: bool,
}

impl Event {
    /// What a device must have to tell it; `None`: any device may.
    fn capability(self) -> Option<Capability> {
        match self {
            Self::PlateRead => Some(Capability::PlateRead),
            Self::InputChanged => Some(Capability::Inputs),
            Self::SerialData => Some(Capability::SerialRead),
            Self::BarrierStatus => Some(Capability::BarrierStatus),
            Self::Snapshot => Some(Capability::Snapshot),
            Self::KeepAlive | Self::CommandReply | Self::Ignored => None,
        }
    }
}

/// Some firmware puts a NUL before its JSON, or the C string's end behind it.
fn trim(payload: &[u8]) -> &[u8] {
    let payload = payload.strip_prefix("\u{feff}".as_bytes()).unwrap_or(payload);
    let start = payload.iter().position(|b| *b != 0).unwrap_or(payload.len());
    let end = payload.iter().rposition(|b| *b != 0).map_or(start, |last| last + 1);
    &payload[start..end]
}

/// Bounded text of a stranger, for messages.
fn short(text: &str) -> String {
    text.chars().take(80).collect()
}

#[cfg(test)]
mod tests;
