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
            return self.lane_event(id, Event::NeedHelp(Help::NoPlate));
        };
        match self.rules.lanes.get(id).map(|rules| rules.direction) {
            Some(Direction::Entry) => self.enter(id, &plate, picture),
            Some(Direction::Exit) => match self.stay_of(&plate).cloned() {
                Some(stay) => self.leave(id, stay, picture),
                None => match self.leave_unseen(id, &plate) {
                    Some(reply) => reply,
                    None => self.lane_event(id, Event::NeedHelp(Help::NoStay)),
                },
            },
            None => Err(Refusal::NoLane(id.clone())),
        }
    }

    /// Lets the lane's vehicle pass; a lane that is held open keeps the operator's reason.
    pub(super) fn admit(&mut self, id: &LaneId, cause: Cause) -> Reply {
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
