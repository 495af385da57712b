//! Visitors of a park: they come in groups, go up the tower, go out and come back. Know no ticket's rules.

use std::time::Duration;

use jiff::Timestamp;
use paifang::{
    core::{
        Message,
        gate::{NotAdmitted, Way},
        presented::Presented,
    },
    types::{CodeDigest, LaneId, ZoneId},
};

use super::{Ev, Manner, People, Visitor};
use crate::pure::stall;

impl People {
    /// From the park up the tower, or out; some come back.
    pub(super) fn goes_on(&mut self, now: Timestamp, gate: usize, visitor: Visitor, tower: bool) {
        let (zone, way) = (self.gates[gate].zone.clone(), self.gates[gate].way);
        let visitor = Visitor { manner: Manner::Walks, ..visitor };
        let scans = |people: &mut Self, zone: &ZoneId, way, low: f64, high: f64| {
            let after = people.draws.secs(low * 60.0, high * 60.0);
            if let Some(gate) = people.gate_of(zone, way) {
                people.queue.put(now + after, Ev::Scan(gate, visitor));
            }
        };
        match (way, zone == stall::park()) {
            (Way::In, true) => {
                if tower {
                    scans(self, &stall::tower(), Way::In, 2.0, 20.0);
                }
                scans(self, &zone, Way::Out, 10.0, 70.0);
            }
            (Way::In, false) => scans(self, &zone, Way::Out, 5.0, 40.0),
            (Way::Out, true) if !self.drains && self.draws.chance(0.6) => {
                scans(self, &zone, Way::In, 3.0, 30.0);
            }
            (Way::Out | Way::Both, _) => {}
        }
    }

    fn gate_of(&self, zone: &ZoneId, way: Way) -> Option<usize> {
        self.gates.iter().position(|gate| gate.zone == *zone && gate.way == way)
    }

    /// All persons of a ticket, one behind the other; now and then one more who has none.
    pub(in crate::pure) fn group_comes(
        &mut self,
        now: Timestamp,
        code: CodeDigest,
        persons: u32,
        tower: bool,
    ) {
        let Some(gate) = self.gate_of(&stall::park(), Way::In) else { return };
        let more = u64::from(self.draws.chance(0.1));
        for person in 0..u64::from(persons) + more {
            let manner = match self.draws.between(0, 99) {
                0..=89 => Manner::Walks,
                90..=95 => Manner::StaysAway,
                _ => Manner::TurnsBack,
            };
            // Some of a group are late.
            let late = self.draws.chance(0.15);
            let wait =
                if late { self.draws.secs(300.0, 1_800.0) } else { self.draws.secs(0.0, 6.0) };
            let visitor = Visitor { shown: Presented::Code(code), manner, strolls: Some(tower) };
            self.queue.put(now + wait + Duration::from_secs(person * 6), Ev::Scan(gate, visitor));
        }
    }

    /// The display tells the one who scanned last that it is not let in; who waits for a place stays.
    pub(in crate::pure) fn told(&mut self, lane: &LaneId, message: Message) {
        if let (Some(gate), Message::NotAdmitted { why }) = (self.index(lane), message)
            && why != NotAdmitted::Full
        {
            self.gates[gate].waiting.pop_back();
        }
    }

    /// What an operator counts in a zone.
    pub(in crate::pure) fn inside(&self, zone: &ZoneId) -> u32 {
        let inside = self.inside.get(zone).copied().unwrap_or_default();
        u32::try_from(inside.max(0)).unwrap_or(0)
    }
}
