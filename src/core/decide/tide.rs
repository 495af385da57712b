//! Tidal lanes and lanes that share a roadway: which way a lane leads, and whose turn it is. Decides about no vehicle.

use std::time::Duration;

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

    /// The lane it is coupled with has to be done first.
    pub(super) fn has_to_wait(&self, id: &LaneId) -> bool {
        let couple = self.rules.lanes.get(id).and_then(|rules| rules.couple.as_ref());
        let Some(couple) = couple else { return false };
        let Some(other) = self.lane(&couple.lane) else { return false };
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
        match couple.waits_for {
            Behind::Arm => !is_down,
            Behind::Lane => !is_down || !is_empty || self.sluice_is_taken(id, &couple.lane),
        }
    }

    /// Somebody is between the two ends, and it is not the one who stands here to come out.
    fn sluice_is_taken(&self, id: &LaneId, other: &LaneId) -> bool {
        let lane = self.lane(id);
        let mut own = lane.into_iter().flat_map(|lane| &lane.between);
        let plate = lane.and_then(|lane| lane.visit.as_ref()?.plate.as_ref());
        let theirs = self.lane(other).into_iter().flat_map(|lane| &lane.between);
        let mut theirs = theirs.filter(|between| self.is_between(between)).peekable();
        let comes_out = theirs.peek().is_none()
            || theirs.any(|b| b.plate.is_none() || plate.is_none() || b.plate.as_ref() == plate);
        own.any(|between| self.is_between(between)) || !comes_out
    }

    /// One that was not seen to come out for long did so unseen.
    fn is_between(&self, between: &Between) -> bool {
        self.now.duration_since(between.since).unsigned_abs() < BETWEEN_MOST
    }

    /// A vehicle went through one end of a sluice: it is between the two from now on, or out at the other.
    pub(super) fn through_sluice(&mut self, id: &LaneId, visit: &Visit) {
        let couple = self.rules.lanes.get(id).and_then(|rules| rules.couple.as_ref());
        let Some(couple) = couple.filter(|couple| couple.waits_for == Behind::Lane) else { return };
        let (now, plate) = (self.now, visit.plate.clone());
        if let Some(mut other) = self.lane(&couple.lane).cloned() {
            other.between.retain(|b| now.duration_since(b.since).unsigned_abs() < BETWEEN_MOST);
            let same = other.between.iter().position(|b| b.plate == plate);
            let out = same.or((!other.between.is_empty()).then_some(0));
            if let Some(at) = out {
                other.between.remove(at);
                self.record(Change::Lane(other));
                return;
            }
        }
        if let Some(mut lane) = self.lane(id).cloned() {
            lane.between.push(Between { plate, since: now });
            self.record(Change::Lane(lane));
        }
    }

    /// Something happened in this lane: one that waited for it may go now.
    pub(super) fn let_coupled_go(&mut self, id: &LaneId) {
        let waiting = self.rules.lanes.iter().find(|(other, rules)| {
            rules.couple.as_ref().is_some_and(|couple| couple.lane == *id)
                && self.lane(other).is_some_and(|lane| {
                    lane.visit.as_ref().is_some_and(|visit| visit.waits.is_some())
                })
        });
        let Some((other, _)) = waiting.filter(|(other, _)| !self.has_to_wait(other)) else {
            return;
        };
        let mut cause = None;
        self.bind_visit(other, |visit| cause = visit.waits.take());
        if let Some(cause) = cause {
            // A lane that was locked or lost its vehicle meanwhile says no, and nobody waits any more.
            let _ = self.admit(other, cause);
        }
    }
}
