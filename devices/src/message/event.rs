//! Events out of the fields of a message. Knows no path and no vendor.

use std::collections::BTreeMap;

use super::{
    field::{Field, Scope},
    recent::{Ids, RecentReads, hash},
    rules::MessageRule,
    short,
};
use crate::words::{ArmPosition, DeviceEvent, Direction, PlateColor, PlateRead, Trigger};

/// A message with its table of fields.
pub(crate) struct Reading<'a> {
    pub(crate) scope: Scope<'a>,
    pub(crate) fields: &'a BTreeMap<String, Field>,
}

/// Why there is no event.
pub(super) enum Lack {
    /// The field without which it is none.
    Missing(&'static str),
    /// It speaks of something we have no word for, such as a trigger over the network.
    Unknown(&'static str),
}

impl Reading<'_> {
    fn get<T>(&self, name: &str, read: fn(&Field, Scope<'_>) -> Option<T>) -> Option<T> {
        read(self.fields.get(name)?, self.scope)
    }

    fn is_there(&self, name: &str) -> bool {
        self.fields.get(name).is_some_and(|field| field.is_there(self.scope))
    }

    /// How many of its fields are there: how well a profile fits.
    pub(crate) fn filled(&self) -> usize {
        self.fields.values().filter(|field| field.is_there(self.scope)).count()
    }

    /// `None`: a report of a vehicle that is not sure enough, or says nothing new.
    pub(super) fn plate_read(
        &self,
        rule: &MessageRule,
        recent: &mut RecentReads,
    ) -> Option<PlateRead> {
        let plate = self.get("plate", Field::text);
        let taken_at_ms = self.get("taken_at", Field::time_ms);
        let confidence = self.get("confidence", Field::percent);
        let plate_hash = plate.as_deref().map(hash);
        let event_id = recent.event_id(Ids {
            unique_id: self.get("unique_id", Field::text),
            counter: self.get("counter", Field::text),
            plate: plate_hash,
            taken_at_ms,
            message: taken_at_ms.is_none().then(|| hash(&self.scope.body.to_string())),
        });
        if let Some(updates) = rule.updates {
            let sure = confidence.unwrap_or(0);
            if !recent.counts(&event_id, plate_hash, sure, updates) {
                return None;
            }
        }
        let word = |name| self.get(name, Field::text).unwrap_or_default();
        // Silence means live: most firmware says nothing of replays. A word we do not understand
        // means replay: better a question to the operator than an arm opened by an old record.
        let live = self.get("live", Field::flag).unwrap_or_else(|| !self.is_there("live"));
        Some(PlateRead {
            event_id,
            plate,
            confidence,
            color: PlateColor::named(&word("color")).unwrap_or(PlateColor::Unknown),
            live,
            stage: rule.stage,
            taken_at_ms,
            direction: Direction::named(&word("direction")).unwrap_or(Direction::Unknown),
            trigger: Trigger::named(&word("trigger")).unwrap_or(Trigger::Unknown),
            picture: self.get("picture", Field::jpeg),
            crop: self.get("crop", Field::jpeg),
        })
    }

    pub(super) fn input_changed(&self) -> Result<DeviceEvent, Lack> {
        let number = self.get("input", Field::int).and_then(|n| u8::try_from(n).ok());
        let Some(input) = number.filter(|n| *n > 0) else {
            let there = self.is_there("input");
            let what = "a change of something that is no input";
            return Err(if there { Lack::Unknown(what) } else { Lack::Missing("input") });
        };
        let on = self.get("on", Field::flag).ok_or(Lack::Missing("on"))?;
        Ok(DeviceEvent::InputChanged { input, on })
    }

    pub(super) fn keep_alive(&self) -> DeviceEvent {
        DeviceEvent::KeepAlive { clock_ms: self.get("clock", Field::time_ms) }
    }

    pub(super) fn serial_data(&self) -> Result<DeviceEvent, Lack> {
        let bytes = self.get("data", Field::bytes).ok_or(Lack::Missing("data"))?;
        let channel = self.get("channel", Field::int).and_then(|n| u8::try_from(n).ok());
        Ok(DeviceEvent::SerialData { channel: channel.ok_or(Lack::Missing("channel"))?, bytes })
    }

    pub(super) fn barrier_status(&self) -> DeviceEvent {
        let state = self.get("state", Field::int);
        DeviceEvent::BarrierStatus { state, connected: self.get("connected", Field::flag) }
    }

    /// A word that its map does not know is a position nobody knows.
    pub(crate) fn position(&self) -> Option<ArmPosition> {
        let word = self.get("position", Field::text);
        let there = word.is_some() || self.is_there("position");
        let named = word.and_then(|word| ArmPosition::named(&word));
        there.then_some(named.unwrap_or(ArmPosition::Unknown))
    }

    pub(super) fn identity(&self) -> DeviceEvent {
        let word = |name| self.get(name, Field::text).map(|text| short(&text));
        DeviceEvent::Identity { model: word("model"), firmware: word("firmware") }
    }

    pub(super) fn snapshot(&self) -> Result<DeviceEvent, Lack> {
        let picture = self.get("picture", Field::jpeg).ok_or(Lack::Missing("picture"))?;
        Ok(DeviceEvent::Snapshot { picture })
    }

    /// The id of the command it answers, if it says so.
    pub(super) fn reply_id(&self) -> Option<String> {
        self.get("id", Field::text)
    }

    /// Whether the device took a command, and its own word for it.
    pub(crate) fn acceptance(&self) -> (bool, String) {
        let accepted = self.get("accepted", Field::flag).unwrap_or(false);
        (accepted, self.get("text", Field::text).unwrap_or_default())
    }
}
