//! Lanes between two zones, and where a stay is after them. Knows no price and no count.
//!
//! An inner lane moves a stay; it asks for no fee, and whom it is not for, or whom it has no space for, stays in the
//! zone around. What a missed read left wrong is put right at the next one: a vehicle that nobody knows is inside from now
//! on, and whichever zone it was thought to be in ended now.

use super::Desk;
use crate::{
    core::{
        change::Change,
        input::Reply,
        lane::{Cause, Event, Help},
        rules::Direction,
        stay::{Stay, StayState},
        zone::Segment,
    },
    types::{LaneId, Plate, StayId, ZoneId},
};

impl Desk<'_> {
    /// Where a lane leads now; `None`: it is not of this site.
    pub(super) fn direction(&self, id: &LaneId) -> Option<Direction> {
        let rules = self.rules.lanes.get(id)?;
        Some(self.lane(id).map_or(rules.direction, |lane| lane.direction(rules)))
    }

    /// Whether who goes through it is off the site.
    pub(super) fn leads_out(&self, id: &LaneId) -> bool {
        self.direction(id) == Some(Direction::Exit) && self.zone_around(id).is_none()
    }

    /// The zone around an inner lane's; `None`: the lane leads to the street.
    pub(super) fn zone_around(&self, id: &LaneId) -> Option<ZoneId> {
        let rules = self.rules.lanes.get(id).filter(|rules| !rules.street)?;
        self.rules.zones.get(&rules.zone)?.parent.clone()
    }

    /// A vehicle before a lane between two zones.
    pub(super) fn change_zone(
        &mut self,
        id: &LaneId,
        plate: &Plate,
        picture: Option<String>,
    ) -> Reply {
        let inwards = self.direction(id) == Some(Direction::Entry);
        if inwards && self.is_on_fire() {
            return self.lane_event(id, Event::NeedHelp(Help::Fire));
        }
        let known = self.stay_of(plate).map(|stay| stay.id);
        let known = known.or_else(|| self.sure_stay(id).map(|stay| stay.id));
        let stay = known.unwrap_or_else(|| self.found_inside(id, plate, picture));
        if inwards && let Err(denied) = self.may_move_in(id, stay) {
            return self.turn_away(id, denied);
        }
        self.bind_visit(id, |visit| visit.stay = Some(stay));
        self.admit(id, if inwards { Cause::Entry } else { Cause::Free })
    }

    /// It came in by no lane that anybody read it at.
    fn found_inside(&mut self, id: &LaneId, plate: &Plate, picture: Option<String>) -> StayId {
        let visit = self.lane(id).and_then(|lane| lane.visit.as_ref());
        let standing = visit.and_then(|visit| self.may_enter(id, visit).ok()).unwrap_or_default();
        let stay_id = self.open_stay(id, plate, picture, standing);
        if let Some(mut stay) = self.stay(stay_id).cloned() {
            stay.state = StayState::Inside;
            self.record(Change::Stay(stay));
        }
        stay_id
    }

    /// It went through an inner lane.
    pub(super) fn moved(&mut self, id: &LaneId, mut stay: Stay, around: ZoneId) {
        let Some(rules) = self.rules.lanes.get(id) else { return };
        let inwards = self.direction(id) == Some(Direction::Entry);
        let out = stay.zone_now().clone();
        let zone = if inwards { rules.zone.clone() } else { around };
        // Whoever goes through a lane inside is inside.
        stay.state = StayState::Inside;
        self.put_into(&mut stay, &zone);
        self.record(Change::Stay(stay));
        if out != zone {
            self.look_again(|why| why == Help::Full);
        }
    }

    /// From now on it is in this zone and in none within it.
    pub(super) fn put_into(&self, stay: &mut Stay, zone: &ZoneId) {
        if stay.zone_now() == zone {
            return;
        }
        self.end_segments(stay);
        if stay.zone != *zone {
            stay.nested.push(Segment { zone: zone.clone(), from: self.now, to: None });
        }
    }

    /// It is in no nested zone any more.
    pub(super) fn end_segments(&self, stay: &mut Stay) {
        for segment in stay.nested.iter_mut().filter(|segment| segment.to.is_none()) {
            segment.to = Some(self.now);
        }
    }
}
