//! Tidal lanes and lanes that share a roadway: which way a lane leads, and whose turn it is. Decides about no vehicle.

use std::time::Duration;

use super::Desk;
use crate::{
    core::{
        change::Change,
        input::{Answer, Reply},
        lane::{Cause, Event, OperatorAct, Phase, Signal},
        rules::Behind,
    },
    types::LaneId,
};

/// A lane that is not empty when the times of day turn it is looked at again after this.
const TURN_AGAIN: Duration = Duration::from_secs(10);

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
            Behind::Lane => !is_down || !is_empty,
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
