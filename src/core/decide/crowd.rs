//! How many persons are inside, and who waits at a gate until somebody leaves. Knows no code.

use jiff::civil::Date;

use super::Desk;
use crate::{
    core::{
        change::Change,
        crowd::{Crowd, CrowdCount, day_of},
        gate::{Due, Phase, Way, Why},
        input::{Answer, Refusal, Reply},
        rules::Direction,
        ticket::{AdmissionState, NotAdmitted},
    },
    types::{LaneId, TicketId, ZoneId},
};

impl Desk<'_> {
    /// Somebody watches who goes out of a zone.
    pub(super) fn is_watched(&self, zone: &ZoneId) -> bool {
        let mut gates = self.rules.gates.values();
        gates.any(|gate| gate.zone == *zone && gate.direction == Direction::Exit)
    }

    fn today(&self) -> Date {
        day_of(self.now, &self.rules.zone, self.rules.tickets.day_begins)
    }

    /// As it stands today; a new day begins with nobody inside.
    fn crowd(&self, zone: &ZoneId) -> Crowd {
        let changed = self.changes.iter().rev().find_map(|change| match change {
            Change::Crowd(crowd) if crowd.id == *zone => Some(crowd),
            _ => None,
        });
        let today = self.today();
        let known = changed.or_else(|| self.state.crowds.get(zone)).filter(|c| c.day == today);
        let fresh = || Crowd { id: zone.clone(), day: today, inside: 0, counted: None };
        known.map_or_else(fresh, |known| Crowd { counted: None, ..known.clone() })
    }

    /// So many went one way through a gate.
    pub(super) fn crowd_moved(&mut self, id: &LaneId, way: Way, many: u32) {
        let Some(zone) = self.rules.gates.get(id).map(|rules| rules.zone.clone()) else { return };
        self.crowd_moved_in(&zone, way, many);
    }

    /// The same, of a zone.
    pub(super) fn crowd_moved_in(&mut self, zone: &ZoneId, way: Way, many: u32) {
        if !self.is_watched(zone) && !self.rules.tickets.persons_max.contains_key(zone) {
            return;
        }
        let mut crowd = self.crowd(zone);
        match way {
            Way::In => crowd.inside += i64::from(many),
            Way::Out => crowd.inside -= i64::from(many),
            // Freed for a fire, both ways: nobody knows.
            Way::Both => return,
        }
        self.record(Change::Crowd(crowd));
        if way == Way::Out {
            self.let_in_who_waits(zone);
        }
    }

    /// No more go in: those on their way count.
    pub(super) fn is_crowded(&self, zone: &ZoneId) -> bool {
        self.room_in(zone).is_some_and(|room| room <= 0)
    }

    /// Persons who may still go in; `None`: as many as like.
    pub(super) fn room_in(&self, zone: &ZoneId) -> Option<i64> {
        let most = self.rules.tickets.persons_max.get(zone)?;
        let gates = || self.rules.gates.iter().filter(|(_, gate)| gate.zone == *zone);
        let coming = gates()
            .filter(|(_, rules)| rules.direction == Direction::Entry)
            .filter(|(id, _)| {
                let pass = self.gate(id).and_then(|gate| gate.pass);
                let admission = pass.and_then(|pass| self.admission(pass.admission));
                admission.is_some_and(|admission| admission.state == AdmissionState::Granted)
            })
            .count();
        Some(i64::from(*most) - self.crowd(zone).inside.max(0) - coming as i64)
    }

    /// The visitor stays at the gate, told why, until somebody leaves or the time is up.
    pub(super) fn hold_for_a_place(&mut self, id: &LaneId, ticket: TicketId) -> Reply {
        let Some(mut gate) = self.gate(id).cloned() else {
            return Err(Refusal::NoLane(id.clone()));
        };
        if gate.crowded.is_some_and(|crowded| crowded.ticket == ticket) {
            return Ok(Answer::Duplicate);
        }
        if gate.phase != Phase::Idle || gate.crowded.is_some() {
            return Err(Refusal::NotAdmitted(id.clone(), NotAdmitted::Full));
        }
        let at = self.now;
        gate.crowded = Some(crate::core::gate::Crowded { ticket, at });
        gate.refused = Some(NotAdmitted::Full);
        gate.due = Some(Due { at: at + self.rules.tickets.crowd_wait, why: Why::Shown });
        self.record(Change::Gate(gate));
        self.record(Change::ScanRefused {
            lane: id.clone(),
            ticket: Some(ticket),
            why: NotAdmitted::Full,
            who: None,
        });
        Err(Refusal::NotAdmitted(id.clone(), NotAdmitted::Full))
    }

    /// Those who wait at the gates of a zone, the first who came first.
    fn let_in_who_waits(&mut self, zone: &ZoneId) {
        let waits = |id: &LaneId| Some((self.gate(id)?.crowded?, id.clone()));
        let gates = self.rules.gates.iter().filter(|(_, rules)| rules.zone == *zone);
        let mut waiting: Vec<_> = gates.filter_map(|(id, _)| waits(id)).collect();
        waiting.sort_by_key(|(crowded, _)| crowded.at);
        for (crowded, id) in waiting {
            if self.is_crowded(zone) {
                return;
            }
            let Some(mut gate) = self.gate(&id).cloned() else { continue };
            (gate.crowded, gate.refused, gate.due) = (None, None, None);
            self.record(Change::Gate(gate));
            // What became of one who waited is no answer to whoever told of the one who left.
            let _ = self.admit_person(&id, crowded.ticket);
        }
    }

    pub(super) fn crowd_counted(
        &mut self,
        zone: &ZoneId,
        found: u32,
        who: String,
        reason: &str,
    ) -> Reply {
        let reason = reason.trim().to_owned();
        if reason.is_empty() {
            return Err(Refusal::NoReason);
        }
        let has_gate = self.rules.gates.values().any(|gate| gate.zone == *zone);
        if !has_gate && !self.rules.tickets.persons_max.contains_key(zone) {
            return Err(Refusal::NoZone(zone.clone()));
        }
        let crowd = self.crowd(zone);
        let counted = Some(CrowdCount { at: self.now, who, reason, was: crowd.inside });
        self.record(Change::Crowd(Crowd { inside: i64::from(found), counted, ..crowd }));
        self.let_in_who_waits(zone);
        Ok(Answer::Done)
    }
}
