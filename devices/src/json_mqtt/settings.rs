//! The `[json-mqtt]` section of a profile: topics and commands as data, checked on loading; of its
//! messages, see [`crate::message`]. Reads no message.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::topic::Topic;
use crate::{
    message::{
        Language,
        holes::{Holes, capability_of, examples},
        template::fill,
    },
    profile::{Capability, Profile},
};

/// The part of a profile this protocol reads.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "toml::Table")]
pub struct JsonMqttSettings {
    pub(super) wire: Wire,
    pub(super) language: Language,
}

impl TryFrom<toml::Table> for JsonMqttSettings {
    type Error = toml::de::Error;

    fn try_from(mut section: toml::Table) -> Result<Self, Self::Error> {
        let language = Language::take_from(&mut section)?;
        Ok(Self { language, wire: section.try_into()? })
    }
}

/// What is said of topics and commands.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wire {
    /// Of commands.
    pub(super) qos: u8,
    /// Topic layouts seen in the field; the first is used until the device shows another.
    #[serde(default)]
    pub(super) layouts: Vec<Layout>,
    /// Topics outside the layouts.
    #[serde(default)]
    pub(super) exceptions: Vec<Exception>,
    /// The device writes its serial number now in small letters, now in capitals.
    #[serde(default)]
    pub(super) sn_any_case: bool,
    /// What every command is wrapped in; the hole `{body}` takes the command's own. None: nothing.
    envelope: Option<Value>,
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
    /// Device to us, in answer; if not on `up`.
    pub(super) reply: Option<Topic>,
}

/// A message with a topic of its own.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Exception {
    /// Without `{sn}` devices share it: the message must name its sender.
    pub(super) topic: Topic,
    /// Of the message; empty if it tells itself.
    #[serde(default)]
    pub(super) name: String,
    /// Of a shared topic: its messages name no sender and are for every device.
    #[serde(default)]
    pub(super) for_all: bool,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CommandRule {
    /// For `{name}` in topic and envelope.
    #[serde(default)]
    pub(super) name: String,
    /// A text is sent as it stands.
    body: Value,
}

impl JsonMqttSettings {
    /// The whole payload of a command; `Err` names a hole nothing fills.
    pub(super) fn write(&self, rule: &CommandRule, holes: &Holes<'_>) -> Result<Vec<u8>, String> {
        let body = fill(&rule.body, &|hole| holes.value(hole))?;
        let Some(envelope) = &self.wire.envelope else { return Ok(bytes(body)) };
        let whole = fill(envelope, &|hole| match hole {
            "body" => Some(body.clone()),
            _ => holes.value(hole),
        });
        whole.map(bytes)
    }

    pub(crate) fn check(&self, profile: &Profile) -> Result<(), String> {
        let Wire { qos, layouts, exceptions, commands, .. } = &self.wire;
        if layouts.is_empty() && exceptions.is_empty() || *qos > 2 {
            return Err("json-mqtt: needs a layout or a topic, and qos 0, 1 or 2".into());
        }
        if layouts.is_empty() && !commands.is_empty() {
            return Err("json-mqtt: commands need a layout that says where to".into());
        }
        let language = &self.language;
        let nameless = layouts.iter().any(|layout| !layout.up.has_name());
        let selects = language.messages.iter().all(|rule| rule.asks() > 0);
        if nameless && language.name_at.is_empty() && !selects {
            return Err("json-mqtt: neither the topic nor name_at tells a message's name".into());
        }
        for topic in layouts.iter().flat_map(|l| [Some(&l.up), Some(&l.down), l.reply.as_ref()]) {
            if topic.is_some_and(Topic::is_shared) {
                return Err("json-mqtt: a topic of a layout must have {sn} once".into());
            }
        }
        let shared = exceptions.iter().any(|one| one.topic.is_shared() && !one.for_all);
        if shared && language.sn_at.is_empty() {
            return Err("json-mqtt: messages on a shared topic need sn_at".into());
        }
        if language.messages.iter().any(|rule| rule.reply.is_some() || rule.takes_orders) {
            return Err("json-mqtt: a message has answers, not a reply".into());
        }
        language.check(&profile.timings)?;
        self.check_commands(profile)
    }

    /// Every command it lists has a template that can be filled, and no template is left over.
    fn check_commands(&self, profile: &Profile) -> Result<(), String> {
        let commands = &self.wire.commands;
        for command in &examples() {
            let capability = capability_of(command);
            let Some(rule) = commands.get(&capability) else {
                if profile.can(capability) {
                    return Err(format!("capability {} has no command", capability.name()));
                }
                continue;
            };
            let holes = Holes {
                timings: &profile.timings,
                command: Some(command),
                sn: "",
                id: "",
                now_ms: 0,
                name: &rule.name,
                message: None,
            };
            if profile.can(capability) {
                self.write(rule, &holes).map_err(|hole| {
                    format!("commands.{}: nothing fills {{{hole}}}", capability.name())
                })?;
            }
        }
        let known: Vec<_> = examples().iter().map(capability_of).collect();
        match commands.keys().find(|capability| !known.contains(capability)) {
            Some(other) => Err(format!("commands.{} is not a command", other.name())),
            None => Ok(()),
        }
    }
}

/// A text as it stands, anything else as compact JSON.
pub(super) fn bytes(value: Value) -> Vec<u8> {
    match value {
        Value::String(text) => text.into_bytes(),
        other => other.to_string().into_bytes(),
    }
}
