//! A fire contact: every way out opens at once, and nothing closes again by itself. Knows no wire.

use super::Desk;
use crate::{
    core::{
        change::AlarmKind,
        gate,
        input::{Answer, Reply},
        lane::Event,
        rules::Direction,
    },
    types::{DeviceId, LaneId},
};

impl Desk<'_> {
    /// `on` may come again, after a restart or a silence of its board: every way out is told again, since the order may
    /// have been lost meanwhile.
    pub(super) fn fire(&mut self, contact: &DeviceId, on: bool) -> Reply {
        if !on {
            self.clear(contact.as_str(), AlarmKind::FireAlarm);
            return Ok(Answer::Done);
        }
        let detail = "ways out are open; release each by hand when the contact is off".to_owned();
        self.raise(contact.as_str(), AlarmKind::FireAlarm, detail);
        for id in self.rules.lanes.keys() {
            if self.direction(id) == Some(Direction::Exit) {
                // Every phase takes it.
                let _ = self.lane_event(id, Event::Fire);
            }
        }
        for id in self.rules.gates.keys() {
            let _ = self.gate_event(id, gate::Event::Fire);
        }
        Ok(Answer::Done)
    }

    pub(super) fn is_on_fire(&self) -> bool {
        let fire = |(subject, kind): &(String, AlarmKind)| {
            *kind == AlarmKind::FireAlarm && self.is_raised(subject, *kind)
        };
        !self.state.alarms.is_empty() && self.state.alarms.keys().any(fire)
    }

    /// People get out by every turnstile, vehicles by the exits.
    pub(super) fn is_way_out_of_fire(&self, id: &LaneId) -> bool {
        let out = self.direction(id) == Some(Direction::Exit) || self.rules.gates.contains_key(id);
        out && self.is_on_fire()
    }
}
