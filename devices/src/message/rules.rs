//! What a profile says of messages: which is which, where their fields are, what is answered.
//! Checked on loading. Opens no body.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::{
    field::{Field, plain},
    holes::Holes,
    path::Path,
    recent::Updates,
    template::fill,
    time,
};
use crate::{
    profile::{Capability, Timings},
    words::{ArmPosition, Direction, PlateColor, Stage, Trigger},
};

/// The part of a profile's section that both protocols read.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Language {
    /// Where the name of a message is if its topic or path does not tell.
    #[serde(default)]
    pub(crate) name_at: Vec<Path>,
    /// Where a message names its sender. Compared, without case.
    #[serde(default)]
    pub(crate) sn_at: Vec<Path>,
    /// Texts that are JSON themselves.
    #[serde(default)]
    pub(crate) unpack: Vec<Path>,
    /// Of bodies that do not say theirs, as in `gbk`.
    pub(crate) charset: Option<String>,
    /// As in `+08:00`: of a device that is always set so, whatever the site's zone.
    utc_offset: Option<String>,
    pub(crate) messages: Vec<MessageRule>,
    /// Tables of field locations; messages name theirs.
    #[serde(default)]
    fields: BTreeMap<String, BTreeMap<String, Field>>,
}

/// Which message is which event, and where its fields are.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MessageRule {
    /// Empty: any.
    #[serde(default)]
    names: Vec<String>,
    /// Paths from the top and the texts that stand there; the empty text is for nothing.
    #[serde(default)]
    when: BTreeMap<Path, OneOf>,
    /// Paths from the top where something must be.
    #[serde(default)]
    has: Vec<Path>,
    /// The body is one word: it is laid open as `text`.
    #[serde(default)]
    word: bool,
    pub(crate) event: Event,
    #[serde(default = "full")]
    pub(crate) stage: Stage,
    /// Where its body begins: the first that exists. None given: at the top.
    #[serde(default)]
    body: Vec<Path>,
    /// A list in the body: each of its items is an event.
    pub(crate) each: Option<Path>,
    /// A table of `fields`.
    #[serde(default)]
    pub(crate) fields: String,
    /// Of a reply without an id: it answers the last command of these.
    #[serde(default)]
    pub(crate) of: Vec<Capability>,
    pub(crate) updates: Option<Updates>,
    /// json-mqtt: where the message names the topic its sender listens to.
    #[serde(default)]
    pub(crate) down_at: Vec<Path>,
    /// json-mqtt: what the device waits to be told.
    #[serde(default)]
    pub(crate) answers: Vec<Answer>,
    /// http-push: what is replied; a text is sent as it stands.
    pub(crate) reply: Option<Value>,
    /// http-push: the reply may carry commands.
    #[serde(default)]
    pub(crate) takes_orders: bool,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum OneOf {
    One(String),
    Any(Vec<String>),
}

/// A message in answer to one.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Answer {
    /// For `{name}` in its topic.
    #[serde(default)]
    pub(crate) name: String,
    pub(crate) body: Value,
}

fn full() -> Stage {
    Stage::Full
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Event {
    PlateRead,
    InputChanged,
    KeepAlive,
    SerialData,
    BarrierStatus,
    Snapshot,
    CommandReply,
    Position,
    Identity,
    Gone,
    /// Known, of no use.
    Ignored,
}

impl MessageRule {
    /// Where its fields are counted from.
    pub(crate) fn body<'a>(&self, top: &'a Value) -> Option<&'a Value> {
        if self.body.is_empty() {
            return top.is_object().then_some(top);
        }
        self.body.iter().find_map(|path| path.find(top, top).filter(|body| body.is_object()))
    }

    pub(super) fn first_body_path(&self) -> &str {
        self.body.first().map_or("object", Path::text)
    }

    /// Nothing in the message is asked for: any reply will do.
    fn is_any(&self) -> bool {
        self.names.is_empty() && self.when.is_empty() && self.has.is_empty()
    }

    fn is_named(&self, name: &str) -> bool {
        let plain = |name: &str| name.trim_matches('/').to_owned();
        self.names.is_empty() || self.names.iter().any(|known| plain(known) == plain(name))
    }

    fn fits(&self, name: &str, top: &Value) -> bool {
        self.is_named(name)
            && self.has.iter().all(|path| path.find(top, top).is_some())
            && self.when.iter().all(|(path, wanted)| {
                let found = path.find(top, top).map_or(Some(String::new()), plain);
                found.is_some_and(|found| match wanted {
                    OneOf::One(text) => *text == found,
                    OneOf::Any(texts) => texts.contains(&found),
                })
            })
    }

    /// How much of a message it asks for: how sure a fit is.
    pub(crate) fn asks(&self) -> usize {
        self.when.len() + self.has.len() + usize::from(!self.names.is_empty())
    }
}

impl Language {
    /// The keys of a section that are ours, taken out of it.
    pub(crate) fn take_from(section: &mut toml::Table) -> Result<Self, toml::de::Error> {
        const KEYS: [&str; 7] =
            ["name_at", "sn_at", "unpack", "charset", "utc_offset", "messages", "fields"];
        let take = |key: &str| Some((key.to_owned(), section.remove(key)?));
        KEYS.into_iter().filter_map(take).collect::<toml::Table>().try_into()
    }

    /// Whether bodies of this name are one word.
    pub(crate) fn is_word(&self, name: &str) -> bool {
        let mut words = self.messages.iter().filter(|rule| rule.word);
        words.any(|rule| !rule.names.is_empty() && rule.is_named(name))
    }

    /// The first rule that fits. A message on a topic for replies is a reply.
    pub(crate) fn rule(&self, name: &str, is_reply: bool, top: &Value) -> Option<&MessageRule> {
        let may = |rule: &&MessageRule| {
            if is_reply { rule.event == Event::CommandReply } else { !rule.is_any() }
        };
        self.messages.iter().filter(may).find(|rule| rule.fits(name, top))
    }

    pub(crate) fn table(&self, name: &str) -> &BTreeMap<String, Field> {
        static NONE: BTreeMap<String, Field> = BTreeMap::new();
        self.fields.get(name).unwrap_or(&NONE)
    }

    /// The serial number or name a message gives its sender.
    pub(crate) fn sender(&self, top: &Value) -> Option<String> {
        self.sn_at.iter().find_map(|path| plain(path.find(top, top)?)).filter(|sn| !sn.is_empty())
    }

    /// For messages that neither topic nor path name. Empty: it does not say either.
    pub(crate) fn name_inside(&self, top: &Value) -> String {
        self.name_at.iter().find_map(|path| plain(path.find(top, top)?)).unwrap_or_default()
    }

    /// The profile's own offset, in seconds.
    pub(crate) fn utc_offset_s(&self) -> Option<i32> {
        time::offset(self.utc_offset.as_deref()?).map(|seconds| seconds as i32)
    }

    pub(crate) fn check(&self, timings: &Timings) -> Result<(), String> {
        if self.utc_offset.is_some() && self.utc_offset_s().is_none() {
            return Err("utc_offset is not like \"+08:00\"".into());
        }
        if let Some(label) = &self.charset
            && encoding_rs::Encoding::for_label(label.as_bytes()).is_none()
        {
            return Err(format!("charset {label:?} is none we know"));
        }
        self.messages.iter().try_for_each(|rule| self.check_message(rule, timings))
    }

    fn check_message(&self, rule: &MessageRule, timings: &Timings) -> Result<(), String> {
        if rule.is_any() && rule.event != Event::CommandReply {
            return Err(
                "a message needs names, has or when; only command-reply may do without".into()
            );
        }
        let holes =
            Holes { timings, command: None, sn: "", id: "", now_ms: 0, name: "", message: None };
        for template in rule.answers.iter().map(|answer| &answer.body).chain(&rule.reply) {
            fill(template, &|hole| holes.value(hole))
                .map_err(|hole| format!("in an answer nothing fills {{{hole}}}"))?;
        }
        let table = &rule.fields;
        if table.is_empty() && rule.event.may_be_bare() {
            return Ok(());
        }
        let fields = self.fields.get(table).ok_or_else(|| format!("no table fields.{table}"))?;
        check_table(table, fields, rule.event)
    }

    /// Checks a table that no message names.
    pub(crate) fn check_table(&self, table: &str, event: Event) -> Result<(), String> {
        let fields = self.fields.get(table).ok_or_else(|| format!("no table fields.{table}"))?;
        check_table(table, fields, event)
    }
}

fn check_table(table: &str, fields: &BTreeMap<String, Field>, event: Event) -> Result<(), String> {
    for (name, field) in fields {
        if !event.fields().contains(&name.as_str()) {
            let known = event.fields().join(", ");
            return Err(format!("fields.{table}: {name} is none of {known}"));
        }
        let named = |word: &String| match name.as_str() {
            "color" => PlateColor::named(word).is_some(),
            "direction" => Direction::named(word).is_some(),
            "trigger" => Trigger::named(word).is_some(),
            "position" => ArmPosition::named(word).is_some(),
            "live" | "on" | "connected" | "accepted" => word == "true" || word == "false",
            _ => true,
        };
        if let Some(word) = field.words().find(|word| !named(word)) {
            return Err(format!("fields.{table}.{name}: {word:?} is no word for it"));
        }
    }
    Ok(())
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
            Self::Position => &["position"],
            Self::Identity => &["model", "firmware"],
            Self::Gone | Self::Ignored => &[],
        }
    }

    fn may_be_bare(self) -> bool {
        matches!(self, Self::KeepAlive | Self::Identity | Self::Gone | Self::Ignored)
    }

    /// As a proposal names it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::PlateRead => "plate-read",
            Self::InputChanged => "input-changed",
            Self::KeepAlive => "keep-alive",
            Self::SerialData => "serial-data",
            Self::BarrierStatus => "barrier-status",
            Self::Snapshot => "snapshot",
            Self::CommandReply => "command-reply",
            Self::Position => "position",
            Self::Identity => "identity",
            Self::Gone => "gone",
            Self::Ignored => "ignored",
        }
    }

    /// What a device must have to tell it; `None`: any device may.
    pub(crate) fn capability(self) -> Option<Capability> {
        match self {
            Self::PlateRead => Some(Capability::PlateRead),
            Self::InputChanged => Some(Capability::Inputs),
            Self::SerialData => Some(Capability::SerialRead),
            Self::BarrierStatus => Some(Capability::BarrierStatus),
            Self::Snapshot => Some(Capability::Snapshot),
            Self::Position => Some(Capability::Position),
            Self::KeepAlive | Self::CommandReply | Self::Identity | Self::Gone | Self::Ignored => {
                None
            }
        }
    }
}
