//! Events out of the fields of a message. Knows no topic and no vendor.

use std::collections::{BTreeMap, VecDeque};

use crc::{CRC_64_XZ, Crc};
use serde_json::Value;

use super::fields::Field;
use crate::words::{DeviceEvent, Direction, PlateColor, PlateRead, Stage, Trigger};

const HASH: Crc<u64> = Crc::<u64>::new(&CRC_64_XZ);
/// Reads remembered to recognise the second result of one.
const RECENT_MAX: usize = 8;
/// Quick and full result of one read are about 100 ms apart, so their whole seconds may differ.
const SAME_READ_MS: i64 = 1000;

/// A message laid open.
pub(super) struct Reading<'a> {
    pub(super) top: &'a Value,
    pub(super) body: &'a Value,
    pub(super) fields: &'a BTreeMap<String, Field>,
}

/// Why there is no input event.
pub(super) enum Input {
    Missing(&'static str),
    /// A source that is no input, such as a trigger over the network.
    Unknown(String),
}

impl Reading<'_> {
    fn get<T>(&self, name: &str, read: fn(&Field, &Value, &Value) -> Option<T>) -> Option<T> {
        read(self.fields.get(name)?, self.top, self.body)
    }

    fn is_there(&self, name: &str) -> bool {
        self.fields.get(name).is_some_and(|field| field.is_there(self.top, self.body))
    }

    pub(super) fn plate_read(&self, stage: Stage, recent: &mut RecentReads) -> PlateRead {
        let plate = self.get("plate", Field::text);
        let taken_at_ms = self.get("taken_at", Field::time_ms);
        let ids = Ids {
            unique_id: self.get("unique_id", Field::text),
            counter: self.get("counter", Field::text),
            plate: plate.clone(),
            taken_at_ms,
            message: taken_at_ms.is_none().then(|| hash(&self.body.to_string())),
        };
        let word = |name| self.get(name, Field::text).unwrap_or_default();
        // Silence means live: most firmware says nothing of replays. A word we do not understand
        // means replay: better a question to the operator than an arm opened by an old record.
        let live = self.get("live", Field::flag).unwrap_or_else(|| !self.is_there("live"));
        PlateRead {
            event_id: recent.event_id(ids),
            plate,
            confidence: self.get("confidence", Field::percent),
            color: PlateColor::named(&word("color")).unwrap_or(PlateColor::Unknown),
            live,
            stage,
            taken_at_ms,
            direction: Direction::named(&word("direction")).unwrap_or(Direction::Unknown),
            trigger: Trigger::named(&word("trigger")).unwrap_or(Trigger::Unknown),
            picture: self.get("picture", Field::jpeg),
            crop: self.get("crop", Field::jpeg),
        }
    }

    pub(super) fn input_changed(&self) -> Result<DeviceEvent, Input> {
        let number = self.get("input", Field::int).and_then(|n| u8::try_from(n).ok());
        let Some(input) = number.filter(|n| *n > 0) else {
            let there = self.is_there("input");
            let what = "a change of something that is no input".to_string();
            return Err(if there { Input::Unknown(what) } else { Input::Missing("input") });
        };
        let on = self.get("on", Field::flag).ok_or(Input::Missing("on"))?;
        Ok(DeviceEvent::InputChanged { input, on })
    }

    pub(super) fn keep_alive(&self) -> DeviceEvent {
        DeviceEvent::KeepAlive { clock_ms: self.get("clock", Field::time_ms) }
    }

    pub(super) fn serial_data(&self) -> Result<DeviceEvent, &'static str> {
        let bytes = self.get("data", Field::bytes).ok_or("data")?;
        let channel = self.get("channel", Field::int).and_then(|n| u8::try_from(n).ok());
        Ok(DeviceEvent::SerialData { channel: channel.ok_or("channel")?, bytes })
    }

    pub(super) fn barrier_status(&self) -> DeviceEvent {
        let state = self.get("state", Field::int);
        DeviceEvent::BarrierStatus { state, connected: self.get("connected", Field::flag) }
    }

    pub(super) fn snapshot(&self) -> Result<DeviceEvent, &'static str> {
        let picture = self.get("picture", Field::jpeg).ok_or("picture")?;
        Ok(DeviceEvent::Snapshot { picture })
    }

    pub(super) fn command_reply(&self) -> Result<DeviceEvent, &'static str> {
        let id = self.get("id", Field::text).ok_or("id")?;
        let accepted = self.get("accepted", Field::flag).unwrap_or(false);
        let text = self.get("text", Field::text).unwrap_or_default();
        Ok(DeviceEvent::CommandReply { id, accepted, text })
    }
}

/// What a read can be recognised by.
#[derive(Clone, Debug)]
struct Ids {
    unique_id: Option<String>,
    counter: Option<String>,
    plate: Option<String>,
    taken_at_ms: Option<i64>,
    /// Hash of the whole, where there is no moment: then only a true copy is the same read.
    message: Option<u64>,
}

fn hash(text: &str) -> u64 {
    HASH.checksum(text.as_bytes())
}

impl Ids {
    /// The camera's own unique id where there is one; else its counter, which a replay repeats too;
    /// else moment and plate, since a vehicle cannot pass twice in one moment. The plate goes in as
    /// a hash: ids are logged, plates are not.
    fn event_id(&self) -> String {
        if let Some(id) = &self.unique_id {
            return format!("u:{id}");
        }
        if let Some(counter) = &self.counter {
            return format!("p:{counter}");
        }
        let plate = hash(self.plate.as_deref().unwrap_or_default());
        match (self.taken_at_ms, self.message) {
            (Some(ms), _) => format!("t:{ms}:{plate:016x}"),
            (None, message) => format!("m:{:016x}", message.unwrap_or(plate)),
        }
    }

    fn same_read(&self, other: &Self) -> bool {
        let both = |a: &Option<String>, b: &Option<String>| a.is_some() && b.is_some();
        if both(&self.unique_id, &other.unique_id) {
            return self.unique_id == other.unique_id;
        }
        if both(&self.counter, &other.counter) {
            return self.counter == other.counter;
        }
        let (Some(a), Some(b)) = (self.taken_at_ms, other.taken_at_ms) else { return false };
        self.plate.is_some() && self.plate == other.plate && a.abs_diff(b) <= SAME_READ_MS as u64
    }
}

/// The last reads of one camera, so that a full result with more ids than its quick one still gets
/// the quick one's event id.
#[derive(Clone, Debug, Default)]
pub(super) struct RecentReads(VecDeque<(Ids, String)>);

impl RecentReads {
    fn event_id(&mut self, ids: Ids) -> String {
        let known = self.0.iter_mut().rev().find(|(seen, _)| ids.same_read(seen));
        if let Some((seen, event_id)) = known {
            seen.unique_id = seen.unique_id.take().or(ids.unique_id);
            seen.counter = seen.counter.take().or(ids.counter);
            return event_id.clone();
        }
        let event_id = ids.event_id();
        self.0.push_back((ids, event_id.clone()));
        if self.0.len() > RECENT_MAX {
            self.0.pop_front();
        }
        event_id
    }
}
