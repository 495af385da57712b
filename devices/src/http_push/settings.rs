//! The `[http-push]` section of a profile: replies, orders and calls as data, checked on loading; of
//! its messages, see [`crate::message`]. Reads no request.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::{
    message::{
        Event, Language,
        holes::{Holes, capability_of, examples},
        template::fill,
    },
    profile::{Capability, Profile},
};

/// The part of a profile this protocol reads.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "toml::Table")]
pub struct HttpPushSettings {
    pub(super) wire: Wire,
    pub(super) language: Language,
}

impl TryFrom<toml::Table> for HttpPushSettings {
    type Error = toml::de::Error;

    fn try_from(mut section: toml::Table) -> Result<Self, Self::Error> {
        let language = Language::take_from(&mut section)?;
        Ok(Self { language, wire: section.try_into()? })
    }
}

/// What is said of replies, orders and calls.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wire {
    /// To messages that have none of their own. None: an empty body.
    pub(super) reply: Option<Value>,
    /// Header of replies.
    #[serde(default = "json")]
    pub(super) reply_type: String,
    #[serde(default)]
    pub(super) commands: BTreeMap<Capability, CommandRule>,
    /// Of a device we call.
    pub(super) called: Option<Called>,
}

/// A command, either in a reply or by a call.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CommandRule {
    /// Goes into a reply: lists grow, and no two orders may say different things in one place.
    pub(super) reply: Option<Value>,
    pub(super) call: Option<CallRule>,
}

/// A request to the device.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CallRule {
    pub(super) method: Method,
    pub(super) path: String,
    #[serde(default)]
    pub(super) content_type: String,
    /// A text is sent as it stands.
    pub(super) body: Option<Value>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum Method {
    Get,
    Put,
    Post,
}

impl Method {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Put => "PUT",
            Self::Post => "POST",
        }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Called {
    /// Signed in by digest.
    #[serde(default)]
    pub(super) digest: bool,
    /// Table of fields of the answer to a command: `accepted` and `text`. None: the status tells.
    #[serde(default)]
    pub(super) answer: String,
    pub(super) position: Option<PositionRule>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PositionRule {
    pub(super) call: CallRule,
    /// Table with `position`.
    pub(super) fields: String,
}

fn json() -> String {
    "application/json".into()
}

impl HttpPushSettings {
    pub(crate) fn check(&self, profile: &Profile) -> Result<(), String> {
        let Self { wire, language } = self;
        language.check(&profile.timings)?;
        if language.messages.iter().any(|rule| !rule.answers.is_empty()) {
            return Err("http-push: a message has a reply, not answers".into());
        }
        if let Some(called) = &wire.called {
            if !called.answer.is_empty() {
                language.check_table(&called.answer, Event::CommandReply)?;
            }
            if let Some(position) = &called.position {
                language.check_table(&position.fields, Event::Position)?;
                check_path(&position.call)?;
            }
        }
        let position = wire.called.as_ref().and_then(|called| called.position.as_ref());
        let is_told = language.messages.iter().any(|rule| rule.event == Event::Position);
        if profile.can(Capability::Position) && position.is_none() && !is_told {
            return Err("capability position needs called.position".into());
        }
        self.check_commands(profile)
    }

    fn check_commands(&self, profile: &Profile) -> Result<(), String> {
        let commands = &self.wire.commands;
        for command in &examples() {
            let capability = capability_of(command);
            let name = capability.name();
            let Some(rule) = commands.get(&capability) else {
                if profile.can(capability) {
                    return Err(format!("capability {name} has no command"));
                }
                continue;
            };
            self.check_way(rule).map_err(|why| format!("commands.{name}: {why}"))?;
            let holes = Holes {
                timings: &profile.timings,
                command: Some(command),
                sn: "",
                id: "",
                now_ms: 0,
                name: "",
                message: None,
            };
            let templates =
                rule.call.iter().filter_map(|call| call.body.as_ref()).chain(&rule.reply);
            for template in templates.filter(|_| profile.can(capability)) {
                fill(template, &|hole| holes.value(hole))
                    .map_err(|hole| format!("commands.{name}: nothing fills {{{hole}}}"))?;
            }
        }
        let known: Vec<_> = examples().iter().map(capability_of).collect();
        match commands.keys().find(|capability| !known.contains(capability)) {
            Some(other) => Err(format!("commands.{} is not a command", other.name())),
            None => Ok(()),
        }
    }

    fn check_way(&self, rule: &CommandRule) -> Result<(), String> {
        match (&rule.reply, &rule.call) {
            (Some(reply), None) if reply.is_object() => {
                let takes = self.language.messages.iter().any(|message| message.takes_orders);
                takes.then_some(()).ok_or_else(|| "no message takes orders".into())
            }
            (None, Some(call)) if self.wire.called.is_some() => check_path(call),
            (None, Some(_)) => Err("a call needs the section called".into()),
            _ => Err("needs either a reply, which is a table, or a call".into()),
        }
    }
}

fn check_path(call: &CallRule) -> Result<(), String> {
    let plain = |b: u8| b.is_ascii_graphic() && b != b'{' && b != b'}';
    let fits = call.path.starts_with('/') && call.path.bytes().all(plain);
    fits.then_some(()).ok_or_else(|| format!("{:?} is not the path of a request", call.path))
}
