//! The `[json-mqtt]` section of a profile: topics, messages, fields and commands as data, checked
//! on loading. Reads no message.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{fields::Field, topic::Topic};
use crate::{
    json_path::JsonPath,
    json_template::fill,
    profile::{Capability, Profile, Timings},
    words::{CivilTime, Command, Direction, PlateColor, Stage, Trigger},
};

/// The part of a profile this protocol reads.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JsonMqttSettings {
    /// Of commands.
    pub qos: u8,
    /// Topic layouts seen in the field; the first is used until the device shows another.
    pub(super) layouts: Vec<Layout>,
    /// Topics outside the layouts.
    #[serde(default)]
    pub(super) exceptions: Vec<Exception>,
    /// Where the name of a message is if its topic does not tell.
    #[serde(default)]
    pub(super) name_at: Vec<JsonPath>,
    /// Where a message names its sender. Compared, without case.
    #[serde(default)]
    pub(super) sn_at: Vec<JsonPath>,
    pub(super) messages: Vec<MessageRule>,
    /// Tables of field locations; messages name theirs.
    pub(super) fields: BTreeMap<String, BTreeMap<String, Field>>,
    /// What every command is wrapped in; the hole `{body}` takes the command's own.
    envelope: Value,
    #[serde(default)]
    pub(super) commands: BTreeMap<Capability, CommandRule>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Layout {
    /// Device to us.
    pub(super) up: Topic,
    /// We to device.
    pub(super) down: Topic,
    /// Device to us, in answer.
    pub(super) reply: Topic,
}

/// A message with a topic of its own.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Exception {
    pub(super) topic: Topic,
    pub(super) name: String,
}

/// Which message is which event, and where its fields are.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MessageRule {
    /// Empty: any reply.
    #[serde(default)]
    names: Vec<String>,
    pub(super) event: Event,
    #[serde(default = "full")]
    pub(super) stage: Stage,
    /// Where its body begins: the first that exists. None given: at the top.
    #[serde(default)]
    body: Vec<JsonPath>,
    /// A table of `fields`.
    #[serde(default)]
    fields: String,
}

fn full() -> Stage {
    Stage::Full
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Event {
    PlateRead,
    InputChanged,
    KeepAlive,
    SerialData,
    BarrierStatus,
    Snapshot,
    CommandReply,
    /// Known, of no use.
    Ignored,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CommandRule {
    /// For `{name}` in topic and envelope.
    pub(super) name: String,
    body: Value,
}

/// Everything a hole in a command can stand for.
pub(super) struct Holes<'a> {
    pub(super) timings: &'a Timings,
    pub(super) command: &'a Command,
    pub(super) sn: &'a str,
    pub(super) id: &'a str,
    pub(super) now_ms: i64,
    pub(super) name: &'a str,
}

impl Holes<'_> {
    fn value(&self, hole: &str) -> Option<Value> {
        Some(match hole {
            "id" => json!(self.id),
            "sn" => json!(self.sn),
            "name" => json!(self.name),
            "now_ms" => json!(self.now_ms),
            "now_s" => json!(self.now_ms.div_euclid(1000)),
            "open_pulse_ms" => json!(self.timings.open_pulse_ms?),
            "close_pulse_ms" => json!(self.timings.close_pulse_ms?),
            "gap_ms" => json!(self.timings.gap_ms?),
            _ => return self.command_value(hole),
        })
    }

    fn command_value(&self, hole: &str) -> Option<Value> {
        Some(match (self.command, hole) {
            (Command::SerialData { channel, .. }, "channel") => json!(channel),
            (Command::SerialData { bytes, .. }, "data_base64") => json!(STANDARD.encode(bytes)),
            (Command::SerialData { bytes, .. }, "data_len") => json!(bytes.len()),
            (Command::SetTime(time), "year") => json!(time.year),
            (Command::SetTime(time), "month") => json!(time.month),
            (Command::SetTime(time), "day") => json!(time.day),
            (Command::SetTime(time), "hour") => json!(time.hour),
            (Command::SetTime(time), "minute") => json!(time.minute),
            (Command::SetTime(time), "second") => json!(time.second),
            (Command::Speak { text }, "text") => json!(text),
            (Command::Speak { text }, "text_base64") => json!(STANDARD.encode(text)),
            _ => return None,
        })
    }
}

/// The commands a driver of this protocol can be given, one of each kind.
fn examples() -> [Command; 8] {
    let time = CivilTime { year: 2026, month: 1, day: 1, hour: 0, minute: 0, second: 0 };
    [
        Command::PulseOpen,
        Command::PulseClose,
        Command::Hold,
        Command::Release,
        Command::TriggerRead,
        Command::SetTime(time),
        Command::SerialData { channel: 0, bytes: vec![] },
        Command::Speak { text: "x".into() },
    ]
}

pub(crate) fn capability_of(command: &Command) -> Capability {
    match command {
        Command::PulseOpen => Capability::PulseOpen,
        Command::PulseClose => Capability::PulseClose,
        Command::Hold => Capability::Hold,
        Command::Release => Capability::Release,
        Command::TriggerRead => Capability::TriggerRead,
        Command::SetTime(_) => Capability::SetTime,
        Command::SerialData { .. } => Capability::SerialWrite,
        Command::Speak { .. } => Capability::Speak,
    }
}

impl MessageRule {
    pub(super) fn body<'a>(&self, top: &'a Value) -> Option<&'a Value> {
        if self.body.is_empty() {
            return Some(top);
        }
        self.body.iter().find_map(|path| path.find(top, top).filter(|body| body.is_object()))
    }

    pub(super) fn first_body_path(&self) -> &str {
        self.body.first().map_or("", JsonPath::text)
    }
}

impl Event {
    /// The fields its table may have.
    fn fields(self) -> &'static [&'static str] {
        match self {
            Self::PlateRead => &[
                "unique_id",
                "counter",
                "plate",
                "confidence",
                "color",
                "live",
                "taken_at",
                "direction",
                "trigger",
                "picture",
                "crop",
            ],
            Self::InputChanged => &["input", "on"],
            Self::KeepAlive => &["clock"],
            Self::SerialData => &["channel", "data"],
            Self::BarrierStatus => &["state", "connected"],
            Self::Snapshot => &["picture"],
            Self::CommandReply => &["id", "accepted", "text"],
            Self::Ignored => &[],
        }
    }
}

impl JsonMqttSettings {
    pub(super) fn message_rule(&self, name: &str) -> Option<&MessageRule> {
        self.messages.iter().find(|rule| rule.names.iter().any(|known| known == name))
    }

    pub(super) fn reply_rule(&self) -> Option<&MessageRule> {
        self.messages.iter().find(|rule| rule.names.is_empty())
    }

    pub(super) fn fields_of(&self, rule: &MessageRule) -> &BTreeMap<String, Field> {
        static NONE: BTreeMap<String, Field> = BTreeMap::new();
        self.fields.get(&rule.fields).unwrap_or(&NONE)
    }

    /// The whole payload of a command; `Err` names a hole nothing fills.
    pub(super) fn write(&self, rule: &CommandRule, holes: &Holes<'_>) -> Result<Value, String> {
        let body = fill(&rule.body, &|hole| holes.value(hole))?;
        fill(&self.envelope, &|hole| {
            if hole == "body" { Some(body.clone()) } else { holes.value(hole) }
        })
    }

    pub(crate) fn check(&self, profile: &Profile) -> Result<(), String> {
        if self.layouts.is_empty() || self.qos > 2 {
            return Err("json-mqtt: needs a layout, and qos 0, 1 or 2".into());
        }
        if self.name_at.is_empty() && self.layouts.iter().any(|layout| !layout.up.has_name()) {
            return Err("json-mqtt: neither the topic nor name_at tells a message's name".into());
        }
        for rule in &self.messages {
            self.check_message(rule)?;
        }
        self.check_commands(profile)
    }

    fn check_message(&self, rule: &MessageRule) -> Result<(), String> {
        if rule.names.is_empty() && rule.event != Event::CommandReply {
            return Err("json-mqtt: only command-reply may stand for any name".into());
        }
        if rule.event == Event::Ignored {
            return Ok(());
        }
        let table = &rule.fields;
        let fields = self.fields.get(table).ok_or_else(|| format!("no table fields.{table}"))?;
        for (name, field) in fields {
            if !rule.event.fields().contains(&name.as_str()) {
                let known = rule.event.fields().join(", ");
                return Err(format!("fields.{table}: {name} is none of {known}"));
            }
            let named = |word: &String| match name.as_str() {
                "color" => PlateColor::named(word).is_some(),
                "direction" => Direction::named(word).is_some(),
                "trigger" => Trigger::named(word).is_some(),
                "live" | "on" | "connected" | "accepted" => word == "true" || word == "false",
                _ => true,
            };
            if let Some(word) = field.words().find(|word| !named(word)) {
                return Err(format!("fields.{table}.{name}: {word:?} is no word for it"));
            }
        }
        Ok(())
    }

    /// Every command it lists has a template that can be filled, and no template is left over.
    fn check_commands(&self, profile: &Profile) -> Result<(), String> {
        for command in &examples() {
            let capability = capability_of(command);
            let Some(rule) = self.commands.get(&capability) else {
                if profile.can(capability) {
                    return Err(format!("capability {} has no command", capability.name()));
                }
                continue;
            };
            let timings = &profile.timings;
            let holes = Holes { timings, command, sn: "", id: "", now_ms: 0, name: &rule.name };
            if profile.can(capability) {
                self.write(rule, &holes).map_err(|hole| {
                    format!("commands.{}: nothing fills {{{hole}}}", capability.name())
                })?;
            }
        }
        let known: Vec<_> = examples().iter().map(capability_of).collect();
        match self.commands.keys().find(|capability| !known.contains(capability)) {
            Some(other) => Err(format!("commands.{} is not a command", other.name())),
            None => Ok(()),
        }
    }
}
