//! Protocol "json-mqtt": devices that talk over MQTT, in JSON, XML or single words. The profile says
//! which topics, which messages, where each field is and how each command is written; here is only
//! what data cannot say. Knows no broker, no connection and no vendor.
//!
//! ```text
//!   topic ── topic.rs ──> whose, and the message's name
//!   payload ─ crate::message ──> DeviceEvent, and the answers the device waits for
//!   Command ─ template of the profile ──> topic + payload
//! ```
//!
//! One driver per device: it remembers which of the profile's topic layouts this device uses, and
//! the last few reads, so that the quick and the full result of one read get one event id.
//! Commands go to one layout only; sent to both, a camera that hears both would act twice.

mod guess;
mod settings;
mod topic;

pub use self::settings::JsonMqttSettings;
use self::{settings::bytes, topic::Told};
pub use crate::message::{
    BODY_BYTES_MAX,
    error::{DecodeError, EncodeError, SetupError},
};
use crate::{
    message::{
        Listener, Memory, MessageRule, Opened,
        holes::{Holes, capability_of},
        short,
        template::fill,
    },
    profile::{Profile, Protocol},
    words::{Command, DeviceEvent},
};

/// A topic a device names for itself is no longer than this.
const TOPIC_BYTES_MAX: usize = 128;

/// What the broker lets this device do: filters that name its serial number, and topics that devices
/// of its profile share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicRules {
    /// It may publish here. Of the topics for commands, only their replies.
    pub publish: Vec<String>,
    /// It may subscribe to these, and to anything narrower.
    pub subscribe: Vec<String>,
}

/// A message ready to publish: never retained, QoS as the profile says.
#[derive(Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// Concrete.
    pub topic: String,
    /// Compact JSON, or one word.
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
    place: Place,
    memory: Memory,
}

/// Where the device has shown itself.
#[derive(Clone, Debug, Default)]
struct Place {
    /// Index into the profile's layouts.
    layout: usize,
    /// Its serial number as its own topics spell it.
    sn: Option<String>,
    /// A topic it named that is of no layout.
    down: Option<String>,
}

/// What a topic told.
struct Heading<'a> {
    /// Which of the profile's layouts; `None` for an exception to them.
    layout: Option<usize>,
    told: Told<'a>,
    is_reply: bool,
    /// The message must name its sender.
    is_shared: bool,
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
        Ok(Self { profile, settings, sn, place: Place::default(), memory: Memory::default() })
    }

    /// Of this device.
    pub fn serial_number(&self) -> &str {
        &self.sn
    }

    /// As given to [`JsonMqtt::new`].
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// Offset from UTC of the device's wall clock, for times it writes without one. The caller
    /// keeps it up to date with the site's zone; the profile's own `utc_offset` goes before it.
    pub fn set_utc_offset(&mut self, seconds: i32) {
        self.memory.utc_offset_s = Some(seconds);
    }

    /// What the broker should let the device do.
    pub fn topic_rules(&self) -> TopicRules {
        let wire = &self.settings.wire;
        let mut spellings = vec![self.sn.clone()];
        if wire.sn_any_case {
            spellings.extend([self.sn.to_ascii_lowercase(), self.sn.to_ascii_uppercase()]);
        }
        let mut rules = TopicRules { publish: vec![], subscribe: vec![] };
        for sn in &spellings {
            for layout in &wire.layouts {
                rules.publish.push(layout.up.filter(sn));
                rules.publish.extend(layout.reply.as_ref().map(|reply| reply.filter(sn)));
                rules.subscribe.push(layout.down.reach(sn));
            }
            rules.publish.extend(wire.exceptions.iter().map(|one| one.topic.filter(sn)));
        }
        for filters in [&mut rules.publish, &mut rules.subscribe] {
            let mut seen = std::collections::BTreeSet::new();
            filters.retain(|filter| seen.insert(filter.clone()));
        }
        rules
    }

    /// The filters we subscribe to for this device.
    pub fn subscriptions(&self) -> Vec<String> {
        self.topic_rules().publish
    }

    /// Whether a message is for this device: its topic, or for a topic that devices share the
    /// serial number inside, names it.
    pub fn is_for(&self, topic: &str, payload: &[u8]) -> bool {
        let Ok(heading) = self.heading(topic) else { return false };
        !heading.is_shared || self.open(&heading, payload).is_ok()
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
        now_ms: i64,
    ) -> Result<Heard, DecodeError> {
        let mut memory = std::mem::take(&mut self.memory);
        let heard = self.read(topic, payload, now_ms, &mut memory);
        self.memory = memory;
        let (heard, place) = heard?;
        self.place = place;
        Ok(heard)
    }

    fn read(
        &self,
        topic: &str,
        payload: &[u8],
        now_ms: i64,
        memory: &mut Memory,
    ) -> Result<(Heard, Place), DecodeError> {
        let heading = self.heading(topic)?;
        let (opened, name) = self.open(&heading, payload)?;
        let listener = self.listener();
        let rule = self.settings.language.rule(&name, heading.is_reply, &opened.top);
        let rule = rule.ok_or_else(|| listener.unknown(&name))?;
        let place = self.place_after(&heading, rule, &opened);
        let events = listener.events(rule, &name, &opened, memory)?;
        let answers = self.answers(rule, &opened, &place, now_ms);
        Ok((Heard { events, answers }, place))
    }

    fn listener(&self) -> Listener<'_> {
        Listener { profile: &self.profile, language: &self.settings.language, sn: &self.sn }
    }

    /// What a topic of this device tells.
    fn heading<'a>(&'a self, topic: &'a str) -> Result<Heading<'a>, DecodeError> {
        for (i, layout) in self.settings.wire.layouts.iter().enumerate() {
            for (template, is_reply) in [(layout.reply.as_ref(), true), (Some(&layout.up), false)] {
                if let Some(told) = template.and_then(|t| t.hears(topic, &self.sn)) {
                    return Ok(Heading { layout: Some(i), told, is_reply, is_shared: false });
                }
            }
        }
        let exceptions = &self.settings.wire.exceptions;
        let heard = exceptions.iter().find_map(|one| {
            let told = one.topic.hears(topic, &self.sn)?;
            let name = if one.name.is_empty() { told.name } else { &one.name };
            let is_shared = one.topic.is_shared() && !one.for_all;
            let told = Told { name, ..told };
            Some(Heading { layout: None, told, is_reply: false, is_shared })
        });
        heard.ok_or_else(|| self.listener().foreign(format!("topic {:?}", short(topic))))
    }

    /// The message laid open, and its name.
    fn open(&self, heading: &Heading<'_>, payload: &[u8]) -> Result<(Opened, String), DecodeError> {
        if payload.len() > BODY_BYTES_MAX {
            return Err(DecodeError::TooLarge { sn: self.sn.clone(), bytes: payload.len() });
        }
        let name = heading.told.name;
        if payload.iter().all(|b| *b == 0 || b.is_ascii_whitespace()) {
            return Err(self.listener().unreadable(name, "it is empty".into()));
        }
        let opened = self.listener().open(name, payload, None)?;
        self.check_sender(&opened, heading.is_shared)?;
        let language = &self.settings.language;
        let name = match name {
            "" => language.name_inside(&opened.top),
            name => name.to_owned(),
        };
        Ok((opened, name))
    }

    fn check_sender(&self, opened: &Opened, is_shared: bool) -> Result<(), DecodeError> {
        match self.settings.language.sender(&opened.top) {
            Some(other) if !other.eq_ignore_ascii_case(&self.sn) => {
                Err(self.listener().foreign(format!("the message names {:?}", short(&other))))
            }
            None if is_shared => Err(self.listener().foreign("it names no device".into())),
            _ => Ok(()),
        }
    }

    fn place_after(&self, heading: &Heading<'_>, rule: &MessageRule, opened: &Opened) -> Place {
        let mut place = self.place.clone();
        place.layout = heading.layout.unwrap_or(place.layout);
        if heading.layout.is_some() {
            place.sn = Some(heading.told.sn.to_owned());
        }
        let top = &opened.top;
        let named = rule.down_at.iter().find_map(|path| path.find(top, top)?.as_str());
        let Some(named) = named.filter(|topic| self.may_tell(topic)) else { return place };
        let layouts = &self.settings.wire.layouts;
        let known = layouts.iter().enumerate().find_map(|(i, layout)| {
            layout.down.hears(named, &self.sn).map(|told| (i, told.sn.to_owned()))
        });
        place.down = None;
        match known {
            Some((layout, sn)) => (place.layout, place.sn) = (layout, Some(sn)),
            None => place.down = Some(named.to_owned()),
        }
        place
    }

    /// A topic a device names must name the device: we publish for nobody where others listen.
    fn may_tell(&self, topic: &str) -> bool {
        topic.len() <= TOPIC_BYTES_MAX
            && !topic.starts_with('$')
            && !topic.contains(['+', '#', '\0'])
            && topic.split('/').any(|level| level.eq_ignore_ascii_case(&self.sn))
    }

    fn down(&self, place: &Place, name: &str) -> Option<String> {
        if let Some(down) = &place.down {
            return Some(down.clone());
        }
        let layout = self.settings.wire.layouts.get(place.layout)?;
        Some(layout.down.concrete(place.sn.as_deref().unwrap_or(&self.sn), name))
    }

    fn answers(
        &self,
        rule: &MessageRule,
        opened: &Opened,
        place: &Place,
        now_ms: i64,
    ) -> Vec<Outgoing> {
        let written = rule.answers.iter().filter_map(|answer| {
            let (timings, sn, name) = (&self.profile.timings, self.sn.as_str(), &answer.name);
            let message = Some(opened);
            let holes = Holes { timings, command: None, sn, id: "", now_ms, name, message };
            let payload = bytes(fill(&answer.body, &|hole| holes.value(hole)).ok()?);
            let topic = self.down(place, name)?;
            Some(Outgoing { topic, payload, qos: self.settings.wire.qos })
        });
        written.collect()
    }

    /// The message that gives `command`; `id` comes back in the reply, `now_ms` is Unix time. A
    /// device that gives no id back is taken to answer the last command of the kind.
    pub fn encode(
        &mut self,
        command: &Command,
        id: &str,
        now_ms: i64,
    ) -> Result<Outgoing, EncodeError> {
        let capability = capability_of(command);
        let lacking = || EncodeError::NotCapable {
            profile: self.profile.name.clone(),
            command: capability.name(),
        };
        if !self.profile.can(capability) {
            return Err(lacking());
        }
        let rule = self.settings.wire.commands.get(&capability).ok_or_else(lacking)?;
        let topic = self.down(&self.place, &rule.name).ok_or_else(lacking)?;
        let (timings, sn, name) = (&self.profile.timings, self.sn.as_str(), rule.name.as_str());
        let command = Some(command);
        let holes = Holes { timings, command, sn, id, now_ms, name, message: None };
        let payload = self.settings.write(rule, &holes).map_err(|hole| EncodeError::Template {
            profile: self.profile.name.clone(),
            command: capability.name(),
            hole,
        })?;
        self.memory.told.insert(capability, id.to_owned());
        Ok(Outgoing { topic, payload, qos: self.settings.wire.qos })
    }
}

#[cfg(test)]
mod tests;
