//! The vehicle before a lane: it is asked who it is, and it is let pass. Knows no price.

use super::Desk;
use crate::{
    core::{
        change::Change,
        input::{Answer, Refusal, Reply},
        lane::{Cause, Event, Help, Phase, Visit},
        rules::Direction,
    },
    types::LaneId,
};

impl Desk<'_> {
    /// The lane has a vehicle to decide about.
    pub(super) fn decide_visit(&mut self, id: &LaneId) -> Reply {
        let Some(lane) = self.lane(id) else { return Err(Refusal::NoLane(id.clone())) };
        if !matches!(lane.phase, Phase::Deciding | Phase::HeldOpen) {
            return Ok(Answer::Done);
        }
        let Some(visit) = &lane.visit else { return Err(Refusal::NobodyThere(id.clone())) };
        let (plate, picture) =
            (visit.plate.clone(), visit.read.as_ref().and_then(|r| r.picture.clone()));
        let Some(plate) = plate else {
            return if self.leads_out(id) {
                self.misread(id, Help::NoPlate)
            } else {
                self.lane_event(id, Event::NeedHelp(Help::NoPlate))
            };
        };
        if self.zone_around(id).is_some() {
            return self.change_zone(id, &plate, picture);
        }
        match self.direction(id) {
            Some(Direction::Entry) => self.enter(id, &plate, picture),
            Some(Direction::Exit) => match self.stay_of(&plate).cloned() {
                Some(stay) => self.leave(id, stay, picture),
                None => match self.leave_unseen(id, &plate) {
                    Some(reply) => reply,
                    None => self.misread(id, Help::NoStay),
                },
            },
            None => Err(Refusal::NoLane(id.clone())),
        }
    }

    /// Lets the lane's vehicle pass; a lane that is held open keeps the operator's reason, and one that shares its
    /// roadway waits for its turn.
    pub(super) fn admit(&mut self, id: &LaneId, cause: Cause) -> Reply {
        if self.has_to_wait(id) && self.lane(id).is_some_and(|lane| lane.phase != Phase::HeldOpen) {
            self.bind_visit(id, |visit| visit.waits = Some(cause));
            return Ok(Answer::Done);
        }
        let held = self
            .lane(id)
            .filter(|lane| lane.phase == Phase::HeldOpen)
            .and_then(|lane| lane.order.as_ref().and_then(|order| order.cause.clone()));
        self.lane_event(id, Event::Admit(held.unwrap_or(cause)))
    }

    pub(super) fn bind_visit(&mut self, id: &LaneId, bind: impl FnOnce(&mut Visit)) {
        if let Some(mut lane) = self.lane(id).cloned() {
            if let Some(visit) = &mut lane.visit {
                bind(visit);
            }
            self.record(Change::Lane(lane));
        }
    }
}
