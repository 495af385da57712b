//! How full each zone is, as this decision leaves it, and what changes it besides stays. Knows no sign.

use super::Desk;
use crate::{
    core::{
        change::Change,
        input::{Answer, Refusal, Reply},
        rules::Direction,
        zone::{self, COUNTS_MAX, Counted, Occupancy, Zone},
    },
    types::{LaneId, ZoneId},
};

impl Desk<'_> {
    /// How full a zone is, with what lies within it.
    pub(super) fn occupancy(&self, id: &ZoneId) -> Occupancy {
        let correction = self.zone(id).correction;
        let rules = self.rules.zones.get(id);
        let kept = rules.map_or(&[][..], |rules| &rules.spaces).iter().zip(self.taken_apart(id));
        let apart = kept.map(|(spaces, taken)| spaces.count.saturating_sub(taken)).sum();
        zone::occupancy(&self.rules.zones, id, (correction, apart), |at| self.stays_at(at))
    }

    /// Vehicles inside that each of a zone's spaces for some vehicles are for.
    pub(super) fn taken_apart(&self, id: &ZoneId) -> Vec<u32> {
        let zones = &self.rules.zones;
        let spaces = zones.get(id).map_or(&[][..], |rules| &rules.spaces);
        if spaces.is_empty() {
            return Vec::new();
        }
        let fresh = self.changes.iter().filter_map(|change| match change {
            Change::Stay(stay) => Some(stay),
            _ => None,
        });
        let fresh: std::collections::BTreeMap<_, _> = fresh.map(|stay| (stay.id, stay)).collect();
        let as_it_was = self.state.stays.values().filter(|stay| !fresh.contains_key(&stay.id));
        let open = fresh.values().copied().filter(|stay| stay.state.is_open());
        zone::taken_apart(zones, id, spaces, as_it_was.chain(open))
    }

    /// Open stays in that very zone.
    fn stays_at(&self, id: &ZoneId) -> i64 {
        let moved = self.changes.iter().filter_map(|change| match change {
            Change::Stay(stay) => Some(stay),
            _ => None,
        });
        let moved = moved.map(|stay| {
            let before = self.state.stays.get(&stay.id).is_some_and(|stay| stay.zone_now() == id);
            let after = stay.state.is_open() && stay.zone_now() == id;
            i64::from(after) - i64::from(before)
        });
        self.state.stays_at(id) + moved.sum::<i64>()
    }

    /// An operator says how many vehicles a zone holds, with what lies within it.
    pub(super) fn zone_counted(
        &mut self,
        id: &ZoneId,
        found: u32,
        who: String,
        reason: &str,
    ) -> Reply {
        let rules = self.rules.zones.get(id).ok_or_else(|| Refusal::NoZone(id.clone()))?;
        let reason = reason.trim().to_owned();
        if reason.is_empty() {
            return Err(Refusal::NoReason);
        }
        // Twice as many as there are spaces is a slip of the finger.
        let most = rules.capacity.map_or(1_000_000, |capacity| capacity.saturating_mul(2).max(10));
        if found > most {
            return Err(Refusal::CountUnfit { most });
        }
        let was = self.occupancy(id).inside;
        let mut zone = self.zone(id);
        zone.correction += i64::from(found) - was;
        zone.corrected_at = Some(self.now);
        if zone.counts.len() >= COUNTS_MAX {
            zone.counts.remove(0);
        }
        zone.counts.push(Counted { at: self.now, who, reason, was, found });
        self.record(Change::Zone(zone));
        Ok(Answer::Done)
    }

    /// A vehicle of which there is no stay went through a lane: it counts all the same.
    pub(super) fn unknown_passed(&mut self, lane: &LaneId) {
        let Some(rules) = self.rules.lanes.get(lane) else { return };
        let by = match self.direction(lane) {
            Some(Direction::Entry) => 1,
            Some(Direction::Exit) => -1,
            None => return,
        };
        let zone = self.zone(&rules.zone);
        let (correction, corrected_at) = (zone.correction + by, Some(self.now));
        self.record(Change::Zone(Zone { correction, corrected_at, ..zone }));
    }

    /// Of each zone that can be full: whether it was, and is after this decision, where that differs.
    pub(super) fn zones_turned(&self) -> Vec<ZoneId> {
        let moves = |change: &Change| matches!(change, Change::Stay(_) | Change::Zone(_));
        if !self.changes.iter().any(moves) {
            return Vec::new();
        }
        let zones = &self.rules.zones;
        let counted = zones.iter().filter(|(_, rules)| rules.capacity.is_some());
        let turned = counted.filter(|(id, _)| {
            self.state.occupancy(zones, id).is_full() != self.occupancy(id).is_full()
        });
        turned.map(|(id, _)| id.clone()).collect()
    }

    /// It leads in, and its zone or one around it is full. `fresh`: with what this decision has changed.
    pub(super) fn is_full_behind(&self, lane: &LaneId, fresh: bool) -> bool {
        let zones = &self.rules.zones;
        let Some(rules) = self.rules.lanes.get(lane) else { return false };
        let is_full = |id: &ZoneId| {
            let at = if fresh { self.occupancy(id) } else { self.state.occupancy(zones, id) };
            at.is_full()
        };
        let counted = |id: &&ZoneId| zones.get(id).is_some_and(|zone| zone.capacity.is_some());
        self.direction(lane) == Some(Direction::Entry)
            && zones.around(&rules.zone).filter(counted).any(is_full)
    }
}
