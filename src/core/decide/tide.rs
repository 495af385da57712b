//! Tidal lanes and lanes that share a roadway: which way a lane leads, and whose turn it is. Decides about no vehicle.

use std::time::Duration;

use jiff::Timestamp;

use super::Desk;
use crate::{
    core::{
        change::Change,
        input::{Answer, Reply},
        lane::{Between, Cause, Event, OperatorAct, Phase, Signal, Visit},
        rules::Behind,
    },
    types::LaneId,
};

/// A lane that is not empty when the times of day turn it is looked at again after this.
const TURN_AGAIN: Duration = Duration::from_secs(10);
/// Nobody stays between the two ends of a sluice for longer.
const BETWEEN_MOST: Duration = Duration::from_mins(5);

impl Desk<'_> {
    /// A start may have missed a turn: the times of day say where the lane leads now.
    pub(super) fn look_at_tides(&mut self) {
        for (id, rules) in &self.rules.lanes {
            let scheduled = rules.tide.as_ref().is_some_and(|tide| !tide.turns.is_empty());
            let Some(mut lane) = self.lane(id).cloned() else { continue };
            if rules.tide.is_none() {
                // The site file does not call it tidal any more.
                lane.turned = false;
            }
            let known = lane.turn_at.filter(|_| scheduled);
            lane.turn_at = if scheduled { known.or(Some(self.now)) } else { None };
            self.record(Change::Lane(lane));
        }
    }

    /// A time of day at which a lane turns has come.
    pub(super) fn turn_due(&mut self, id: &LaneId) {
        let tide = self.rules.lanes.get(id).and_then(|rules| rules.tide.as_ref());
        let wanted = tide.and_then(|tide| tide.direction(self.now, &self.rules.zone));
        let next = tide.and_then(|tide| tide.next(self.now, &self.rules.zone));
        let turned = wanted.is_none() || wanted == self.direction(id) || self.turn(id).is_ok();
        let Some(mut lane) = self.lane(id).cloned() else { return };
        lane.turn_at = if turned { next } else { Some(self.now + TURN_AGAIN) };
        self.record(Change::Lane(lane));
    }

    fn turn(&mut self, id: &LaneId) -> Reply {
        let (who, reason) = ("schedule".to_owned(), "time of day".to_owned());
        let cause = Cause::Operator { who: who.clone(), reason: reason.clone() };
        self.lane_event(id, Event::Operator(OperatorAct::Turn, cause))?;
        self.record(Change::OperatorActed {
            lane: id.clone(),
            act: OperatorAct::Turn,
            who,
            reason,
            picture: None,
            shift: None,
        });
        Ok(Answer::Done)
    }

    /// The lane it is coupled with, and what it waits for there. In a sluice that is turned round, both lanes of it, the
    /// ends change their parts.
    fn couple_of(&self, id: &LaneId) -> Option<(&LaneId, Behind)> {
        let couple = self.rules.lanes.get(id)?.couple.as_ref()?;
        let back = self.rules.lanes.get(&couple.lane)?.couple.as_ref();
        let is_turned = |id: &LaneId| self.lane(id).is_some_and(|lane| lane.turned);
        let turned = is_turned(id) && is_turned(&couple.lane);
        let back = back.filter(|back| turned && back.lane == *id);
        Some((&couple.lane, back.unwrap_or(couple).waits_for))
    }

    /// The lane it is coupled with has to be done first.
    pub(super) fn has_to_wait(&self, id: &LaneId) -> bool {
        let Some((other, waits_for)) = self.couple_of(id) else { return false };
        let Some(other) = self.lane(other) else { return false };
        let is_down = match other.phase {
            Phase::Idle
            | Phase::VehiclePresent
            | Phase::Deciding
            | Phase::AwaitingPayment
            | Phase::Locked => other.sensors.open_limit != Signal::On,
            Phase::Faulty => other.sensors.closed_limit == Signal::On,
            Phase::Opening | Phase::Open | Phase::Passing | Phase::Closing | Phase::HeldOpen => {
                false
            }
        };
        let is_empty = matches!(other.phase, Phase::Idle | Phase::Locked | Phase::Faulty);
        match waits_for {
            Behind::Arm => !is_down,
            Behind::Lane => !is_down || !is_empty || self.between_until(id).is_some(),
        }
    }

    /// Until when whoever went into the sluice at this end is taken to be in it; `None`: nobody is.
    pub(super) fn between_until(&self, id: &LaneId) -> Option<Timestamp> {
        let between = self.lane(id).into_iter().flat_map(|lane| &lane.between);
        between.map(|between| between.since + BETWEEN_MOST).filter(|until| *until > self.now).max()
    }

    /// Two ends of one sluice: whoever goes through one goes on to the other. Two lanes that lead opposite ways share a
    /// roadway, and whoever went through one is gone.
    fn is_sluice(&self, into: &LaneId, out: &LaneId) -> bool {
        self.couple_of(into) == Some((out, Behind::Lane))
            && self.direction(into) == self.direction(out)
    }

    /// A vehicle went through one end of a sluice: it is between the two from now on, or out at the other.
    pub(super) fn through_sluice(&mut self, id: &LaneId, visit: &Visit) {
        let mut lanes = self.rules.lanes.keys();
        let into = lanes.find(|into| self.is_sluice(into, id));
        let goes_in = self.couple_of(id).is_some_and(|(out, _)| self.is_sluice(id, out));
        let end = into.or(goes_in.then_some(id)).and_then(|end| self.lane(end)).cloned();
        let Some(mut end) = end else { return };
        let (now, plate) = (self.now, &visit.plate);
        // One that was not seen to come out for long did so unseen.
        end.between.retain(|between| between.since + BETWEEN_MOST > now);
        if into.is_none() {
            end.between.push(Between { plate: plate.clone(), since: now });
        } else {
            let same = end.between.iter().position(|between| between.plate == *plate);
            if let Some(at) = same.or((!end.between.is_empty()).then_some(0)) {
                end.between.remove(at);
            }
        }
        self.record(Change::Lane(end));
    }

    /// Something happened in this lane: one that waited for it may go now.
    pub(super) fn let_coupled_go(&mut self, id: &LaneId) {
        let waiting = self.rules.lanes.iter().find(|(other, rules)| {
            rules.couple.as_ref().is_some_and(|couple| couple.lane == *id)
                && self.lane(other).is_some_and(|lane| {
                    lane.visit.as_ref().is_some_and(|visit| visit.waits.is_some())
                })
        });
        if let Some((other, _)) = waiting {
            self.go_if_free(other);
        }
    }

    /// One that may pass but for the coupled lane does, once that lets it.
    pub(super) fn go_if_free(&mut self, id: &LaneId) {
        if self.has_to_wait(id) {
            return;
        }
        let mut cause = None;
        self.bind_visit(id, |visit| cause = visit.waits.take());
        if let Some(cause) = cause {
            // A lane that was locked or lost its vehicle meanwhile says no, and nobody waits any more.
            let _ = self.admit(id, cause);
        }
    }
}
