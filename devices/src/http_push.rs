//! Protocol "http-push": devices that call us with what they have to say, and some of which we call
//! with what they are to do. The profile says where everything is. Knows no socket and no vendor.
//!
//! ```text
//!   request ─ crate::message ──> DeviceEvent, and a reply with the orders that wait
//!   Command ─ template of the profile ──> part of a reply, or a call to the device
//!   answer to a call ──> CommandReply, Position
//! ```
//!
//! A reply is written only once what the request said is on disk. An order in a reply is given by
//! sending it: such devices say nothing back.

mod settings;
mod words;

use serde_json::Value;

pub use self::{
    settings::HttpPushSettings,
    words::{Call, Delivery, PushReply, PushRequest, Pushed},
};
use self::{
    settings::{CallRule, CommandRule},
    words::Asks,
};
use crate::{
    learn::Guess,
    message::{
        BODY_BYTES_MAX, Listener, Memory, MessageRule, Opened, Reading, Scope,
        error::{DecodeError, EncodeError, SetupError},
        holes::{Holes, capability_of},
        short,
        template::fill,
    },
    profile::{Capability, Profile, Protocol},
    words::{ArmPosition, Command, DeviceEvent},
};

/// The driver of one device.
#[derive(Clone, Debug)]
pub struct HttpPush {
    profile: Profile,
    settings: HttpPushSettings,
    sn: Option<String>,
    /// For errors: the serial number, or the profile's name.
    who: String,
    memory: Memory,
}

impl HttpPush {
    /// A device of this profile. Where a message names its sender it must be `sn`, if given.
    pub fn new(profile: &Profile, sn: Option<&str>) -> Result<Self, SetupError> {
        let settings = profile
            .settings(Protocol::HttpPush)
            .map_err(|_| SetupError::WrongProfile(profile.name.clone()))?;
        Ok(Self {
            profile: profile.clone(),
            settings,
            sn: sn.map(str::to_owned),
            who: sn.unwrap_or(&profile.name).to_owned(),
            memory: Memory::default(),
        })
    }

    /// As given to [`HttpPush::new`].
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// As given to [`HttpPush::new`].
    pub fn serial_number(&self) -> Option<&str> {
        self.sn.as_deref()
    }

    /// As [`crate::JsonMqtt::set_utc_offset`].
    pub fn set_utc_offset(&mut self, seconds: i32) {
        self.memory.utc_offset_s = Some(seconds);
    }

    /// What a request says; `now_ms` is Unix time and goes into the reply. No event for a message
    /// the profile ignores or that this duty of the device has no use for.
    pub fn decode(
        &mut self,
        request: &PushRequest<'_>,
        now_ms: i64,
    ) -> Result<Pushed, DecodeError> {
        let mut memory = std::mem::take(&mut self.memory);
        let pushed = self.read(request, now_ms, &mut memory);
        self.memory = memory;
        pushed
    }

    fn read(
        &self,
        request: &PushRequest<'_>,
        now_ms: i64,
        memory: &mut Memory,
    ) -> Result<Pushed, DecodeError> {
        let (opened, name, rule) = self.open(request)?;
        let events = self.listener().events(rule, &name, &opened, memory)?;
        let reply = rule.reply.as_ref().or(self.settings.wire.reply.as_ref());
        let holes = self.holes(None, "", now_ms, Some(&opened));
        let reply = reply.and_then(|template| fill(template, &|hole| holes.value(hole)).ok());
        Ok(Pushed { events, takes_orders: rule.takes_orders, reply })
    }

    fn listener(&self) -> Listener<'_> {
        Listener { profile: &self.profile, language: &self.settings.language, sn: &self.who }
    }

    fn open(
        &self,
        request: &PushRequest<'_>,
    ) -> Result<(Opened, String, &MessageRule), DecodeError> {
        let language = &self.settings.language;
        let (listener, path) = (self.listener(), request.path.trim_matches('/'));
        if request.body.len() > BODY_BYTES_MAX {
            return Err(DecodeError::TooLarge { sn: self.who.clone(), bytes: request.body.len() });
        }
        let mut opened = listener.open(path, request.body, request.content_type)?;
        opened.add_query(request.query);
        if let (Some(sn), Some(other)) = (&self.sn, language.sender(&opened.top))
            && !sn.eq_ignore_ascii_case(&other)
        {
            return Err(listener.foreign(format!("the message names {:?}", short(&other))));
        }
        let name = match path {
            "" => language.name_inside(&opened.top),
            path => path.to_owned(),
        };
        let rule = language.rule(&name, false, &opened.top);
        let rule = rule.ok_or_else(|| listener.unknown(&format!("/{name}")))?;
        Ok((opened, name, rule))
    }

    fn holes<'a>(
        &'a self,
        command: Option<&'a Command>,
        id: &'a str,
        now_ms: i64,
        message: Option<&'a Opened>,
    ) -> Holes<'a> {
        let sn = self.sn.as_deref().unwrap_or_default();
        Holes { timings: &self.profile.timings, command, sn, id, now_ms, name: "", message }
    }

    /// The reply to a request, once its events are on disk. `orders` are commands with their ids,
    /// the oldest first; they are left aside unless the request takes orders.
    pub fn reply(
        &self,
        pushed: &Pushed,
        orders: &[(Command, String)],
        now_ms: i64,
    ) -> Result<PushReply, EncodeError> {
        let mut written: Option<Value> = None;
        let mut taken = 0;
        for (command, id) in orders.iter().filter(|_| pushed.takes_orders) {
            let rule = self.command_rule(command)?;
            let Some(template) = &rule.reply else { break };
            let order = self.fill(template, command, id, now_ms)?;
            let Some(both) = joined(written.clone(), order) else { break };
            written = Some(both);
            taken += 1;
        }
        let reply = match (pushed.reply.clone(), written) {
            (Some(mut reply), Some(orders)) => {
                overlay(&mut reply, orders);
                Some(reply)
            }
            (reply, orders) => reply.or(orders),
        };
        let body = reply.map_or(vec![], bytes);
        let content_type = if body.is_empty() { "" } else { &self.settings.wire.reply_type };
        Ok(PushReply { content_type: content_type.to_owned(), body, taken })
    }

    /// The request that gives `command` to a device we call.
    pub fn call(&self, command: &Command, id: &str, now_ms: i64) -> Result<Call, EncodeError> {
        let rule = self.command_rule(command)?.call.as_ref();
        let rule = rule.ok_or_else(|| self.lacks(command))?;
        let body = rule.body.as_ref().map(|body| self.fill(body, command, id, now_ms));
        let body = body.transpose()?.map_or(vec![], bytes);
        Ok(self.request(rule, body, Asks::Command { id: id.to_owned() }))
    }

    /// The request that asks where the arm stands, if the device can be asked.
    pub fn position_call(&self) -> Option<Call> {
        let called = self.settings.wire.called.as_ref()?;
        let position =
            called.position.as_ref().filter(|_| self.profile.can(Capability::Position))?;
        Some(self.request(&position.call, vec![], Asks::Position))
    }

    fn request(&self, rule: &CallRule, body: Vec<u8>, asks: Asks) -> Call {
        Call {
            method: rule.method.name().to_owned(),
            path: rule.path.clone(),
            content_type: rule.content_type.clone(),
            body,
            digest: self.settings.wire.called.as_ref().is_some_and(|called| called.digest),
            asks,
        }
    }

    /// What the answer to `call` says, by its status and body: for a command
    /// [`DeviceEvent::CommandReply`], for a question [`DeviceEvent::Position`].
    pub fn answered(&self, call: &Call, status: u16, body: &[u8]) -> DeviceEvent {
        let is_ok = (200..300).contains(&status);
        let opened = (body.len() <= BODY_BYTES_MAX)
            .then(|| self.listener().open("answer", body, None).ok())
            .flatten()
            .unwrap_or_default();
        let called = self.settings.wire.called.as_ref();
        match &call.asks {
            Asks::Position => {
                let table = called.and_then(|called| called.position.as_ref()).map(|p| &p.fields);
                let position = table
                    .filter(|_| is_ok)
                    .and_then(|table| self.reading(table, &opened).position());
                DeviceEvent::Position(position.unwrap_or(ArmPosition::Unknown))
            }
            Asks::Command { id } => {
                let table = called.map_or("", |called| called.answer.as_str());
                let (accepted, text) = match table {
                    "" => (true, String::new()),
                    table => self.reading(table, &opened).acceptance(),
                };
                let text = format!("HTTP {status} {text}").trim_end().to_owned();
                DeviceEvent::CommandReply { id: id.clone(), accepted: is_ok && accepted, text }
            }
        }
    }

    fn reading<'a>(&'a self, table: &str, opened: &'a Opened) -> Reading<'a> {
        let scope = Scope { opened, body: &opened.top, utc_offset_s: None };
        Reading { scope, fields: self.settings.language.table(table) }
    }

    /// How `command` reaches the device.
    pub fn delivery(&self, command: &Command) -> Delivery {
        match self.command_rule(command) {
            Ok(CommandRule { reply: Some(_), .. }) => Delivery::InReply,
            Ok(CommandRule { call: Some(_), .. }) => Delivery::ByCall,
            _ => Delivery::None,
        }
    }

    fn command_rule(&self, command: &Command) -> Result<&CommandRule, EncodeError> {
        let capability = capability_of(command);
        let rule = self.settings.wire.commands.get(&capability);
        rule.filter(|_| self.profile.can(capability)).ok_or_else(|| self.lacks(command))
    }

    fn lacks(&self, command: &Command) -> EncodeError {
        let (profile, command) = (self.profile.name.clone(), capability_of(command).name());
        EncodeError::NotCapable { profile, command }
    }

    fn fill(
        &self,
        template: &Value,
        command: &Command,
        id: &str,
        now_ms: i64,
    ) -> Result<Value, EncodeError> {
        let holes = self.holes(Some(command), id, now_ms, None);
        fill(template, &|hole| holes.value(hole)).map_err(|hole| EncodeError::Template {
            profile: self.profile.name.clone(),
            command: capability_of(command).name(),
            hole,
        })
    }

    /// `None`: the profile does not understand it.
    pub(crate) fn guess(profile: &Profile, request: &PushRequest<'_>) -> Option<Guess> {
        let mut driver = Self::new(profile, None).ok()?;
        driver.set_utc_offset(0);
        let is_event = !driver.decode(request, 0).ok()?.events.is_empty();
        let (opened, _, rule) = driver.open(request).ok()?;
        let language = &driver.settings.language;
        let sn = language.sender(&opened.top);
        Some(Guess::new(profile, rule, language, &opened, sn, is_event))
    }
}

/// Two orders in one reply; `None` if they say different things in one place.
fn joined(first: Option<Value>, second: Value) -> Option<Value> {
    match (first, second) {
        (None, second) => Some(second),
        (Some(Value::Object(mut first)), Value::Object(second)) => {
            for (key, value) in second {
                let both = joined(first.remove(&key), value)?;
                first.insert(key, both);
            }
            Some(Value::Object(first))
        }
        (Some(Value::Array(mut first)), Value::Array(second)) => {
            first.extend(second);
            Some(Value::Array(first))
        }
        (Some(first), second) => (first == second).then_some(first),
    }
}

/// Orders over what is said without them.
fn overlay(under: &mut Value, over: Value) {
    match (under, over) {
        (Value::Object(under), Value::Object(over)) => {
            for (key, value) in over {
                overlay(under.entry(key).or_insert(Value::Null), value);
            }
        }
        (under, over) => *under = over,
    }
}

/// A text as it stands, anything else as compact JSON.
fn bytes(value: Value) -> Vec<u8> {
    match value {
        Value::String(text) => text.into_bytes(),
        other => other.to_string().into_bytes(),
    }
}
