//! From a message laid open to its events, for one device. Knows neither topic nor request.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    Opened,
    error::DecodeError,
    event::{Lack, Reading},
    field::Scope,
    recent::RecentReads,
    rules::{Event, Language, MessageRule},
    short,
};
use crate::{
    profile::{Capability, Profile},
    words::DeviceEvent,
};

/// What a device has shown of itself and been told.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory {
    pub(crate) recent: RecentReads,
    /// The last command of a kind, by its id: what a reply without one answers.
    pub(crate) told: BTreeMap<Capability, String>,
    /// Of its wall clock, for times that do not say theirs.
    pub(crate) utc_offset_s: Option<i32>,
}

/// A device for the purpose of hearing it.
pub(crate) struct Listener<'a> {
    pub(crate) profile: &'a Profile,
    pub(crate) language: &'a Language,
    /// For errors.
    pub(crate) sn: &'a str,
}

impl Listener<'_> {
    pub(crate) fn unreadable(&self, name: &str, why: String) -> DecodeError {
        DecodeError::Unreadable { sn: self.sn.into(), name: short(name), why }
    }

    pub(crate) fn foreign(&self, what: String) -> DecodeError {
        DecodeError::Foreign { sn: self.sn.into(), what }
    }

    pub(crate) fn unknown(&self, what: &str) -> DecodeError {
        DecodeError::Unknown { sn: self.sn.into(), what: short(what) }
    }

    /// Lays a body open as the profile says.
    pub(crate) fn open(
        &self,
        name: &str,
        body: &[u8],
        content_type: Option<&str>,
    ) -> Result<Opened, DecodeError> {
        let opened = if self.language.is_word(name) {
            Opened::word(body)
        } else {
            Opened::new(body, content_type, self.language.charset.as_deref())
        };
        let mut opened = opened.map_err(|why| self.unreadable(name, why))?;
        self.language.unpack.iter().for_each(|path| opened.unpack(path));
        Ok(opened)
    }

    /// The events of a message that `rule` fits.
    pub(crate) fn events(
        &self,
        rule: &MessageRule,
        name: &str,
        opened: &Opened,
        memory: &mut Memory,
    ) -> Result<Vec<DeviceEvent>, DecodeError> {
        let of_use = rule.event.capability().is_none_or(|needed| self.profile.can(needed));
        if rule.event == Event::Ignored || !of_use {
            return Ok(vec![]);
        }
        let missing = |field: &str| DecodeError::Missing {
            sn: self.sn.into(),
            name: short(name),
            field: field.into(),
        };
        let top = &opened.top;
        let body = rule.body(top).ok_or_else(|| missing(rule.first_body_path()))?;
        let Some(each) = &rule.each else {
            let event = self.event(rule, opened, body, memory);
            return self.said(event, name).map(|event| event.into_iter().collect());
        };
        let items = each.find(top, body).ok_or_else(|| missing(each.text()))?;
        let items = items.as_array().map_or(std::slice::from_ref(items), Vec::as_slice);
        let events = items
            .iter()
            .filter(|item| item.is_object())
            .filter_map(|item| self.said(self.event(rule, opened, item, memory), name).transpose());
        events.collect()
    }

    fn said(
        &self,
        event: Result<Option<DeviceEvent>, Lack>,
        name: &str,
    ) -> Result<Option<DeviceEvent>, DecodeError> {
        event.map_err(|lack| match lack {
            Lack::Missing(field) => {
                DecodeError::Missing { sn: self.sn.into(), name: short(name), field: field.into() }
            }
            Lack::Unknown(what) => self.unknown(what),
        })
    }

    /// `None`: nothing new.
    fn event(
        &self,
        rule: &MessageRule,
        opened: &Opened,
        body: &Value,
        memory: &mut Memory,
    ) -> Result<Option<DeviceEvent>, Lack> {
        let utc_offset_s = self.language.utc_offset_s().or(memory.utc_offset_s);
        let scope = Scope { opened, body, utc_offset_s };
        let reading = Reading { scope, fields: self.language.table(&rule.fields) };
        let event = match rule.event {
            Event::PlateRead => {
                let read = reading.plate_read(rule, &mut memory.recent);
                return Ok(read.map(|read| DeviceEvent::PlateRead(Box::new(read))));
            }
            Event::InputChanged => reading.input_changed()?,
            Event::KeepAlive => reading.keep_alive(),
            Event::SerialData => reading.serial_data()?,
            Event::BarrierStatus => reading.barrier_status(),
            Event::Snapshot => reading.snapshot()?,
            Event::CommandReply => return command_reply(rule, &reading, memory),
            Event::Position => {
                let position = reading.position().ok_or(Lack::Missing("position"))?;
                DeviceEvent::Position(position)
            }
            Event::Identity => reading.identity(),
            Event::Gone => DeviceEvent::Gone,
            Event::Ignored => return Ok(None),
        };
        Ok(Some(event))
    }
}

/// By the id it gives back; else of the last command of its kind, once.
fn command_reply(
    rule: &MessageRule,
    reading: &Reading<'_>,
    memory: &mut Memory,
) -> Result<Option<DeviceEvent>, Lack> {
    let last = rule.of.iter().find_map(|kind| memory.told.remove(kind));
    let id = match (reading.reply_id().or(last), rule.of.is_empty()) {
        (Some(id), _) => id,
        (None, true) => return Err(Lack::Missing("id")),
        (None, false) => return Ok(None),
    };
    let (accepted, text) = reading.acceptance();
    Ok(Some(DeviceEvent::CommandReply { id, accepted, text }))
}
