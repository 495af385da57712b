//! Answers of the arm's controller, and what silence means. Knows no wire.

use jiff::Timestamp;

use super::{OPENS_MAX, Taken, Work};
use crate::core::lane::{
    Act, ArmAction, Cause, Help, LaneAlarm, Phase, Reject, Signal, Visit, Why,
};

impl Work<'_> {
    pub(super) fn done(&mut self) -> Taken {
        self.calm(LaneAlarm::ArmSilent);
        if !self.rules.wired.open_limit {
            self.calm(LaneAlarm::ArmNotOpen);
        }
        Ok(())
    }

    pub(super) fn failed(&mut self) -> Taken {
        self.alarm(LaneAlarm::ArmSilent);
        match self.lane.phase {
            // Nothing will tell whether it moved.
            Phase::Open if !self.rules.wired.open_limit => self.give_up(),
            // Staying open for a fire may be told as often as it takes: it opens nothing twice.
            Phase::HeldOpen if self.lane.is_held_for_fire() => {
                self.wait(Why::NotHeld, self.rules.times.order_life);
            }
            // The limits will tell at the deadline.
            Phase::Opening
            | Phase::Idle
            | Phase::VehiclePresent
            | Phase::Deciding
            | Phase::AwaitingPayment
            | Phase::Open
            | Phase::Passing
            | Phase::Closing
            | Phase::HeldOpen
            | Phase::Locked
            | Phase::Faulty => {}
        }
        Ok(())
    }

    pub(super) fn due(&mut self) -> Taken {
        let due = self.lane.due.take().filter(|due| due.at <= self.now).ok_or(Reject::Stale)?;
        match due.why {
            Why::Unread => self.due_unread(),
            Why::Waiting => self.due_waiting(),
            Why::Vacated if self.lane.phase == Phase::HeldOpen => self.abandon_visit(),
            Why::Vacated => self.back_out(),
            // The camera has nothing else to say: it is the one that was here.
            Why::Returned => self.wait(Why::Waiting, self.rules.times.waiting),
            Why::Queued => self.lane.next = None,
            Why::NotOpen => self.due_not_open(),
            Why::Unused => self.due_unused(),
            Why::Stuck => {
                self.alarm(LaneAlarm::LoopStuck);
                self.wait(Why::Stuck, self.rules.times.stuck);
            }
            Why::NotClosed => self.due_not_closed(),
            Why::NotHeld => {
                if self.lane.is_held_for_fire() {
                    self.acts.push(Act::Arm(ArmAction::Hold, Some(Cause::Fire)));
                }
            }
        }
        Ok(())
    }

    pub(super) fn due_unread(&mut self) {
        self.acts.push(Act::TriggerRead);
        self.wait(Why::Waiting, self.rules.times.unread * 2);
    }

    pub(super) fn due_waiting(&mut self) {
        if self.lane.phase == Phase::VehiclePresent {
            self.lane.visit.get_or_insert_with(Visit::unread).help = Some(Help::NoPlate);
            self.lane.phase = Phase::Deciding;
        }
        self.alarm(LaneAlarm::HelpWanted);
    }

    pub(super) fn due_not_open(&mut self) {
        let opens = self.lane.visit.as_ref().map_or(OPENS_MAX, |visit| visit.opens);
        let stayed_down = self.lane.sensors.closed_limit == Signal::On;
        match self.lane.visit.as_ref().and_then(|visit| visit.cause.clone()) {
            Some(cause) if stayed_down && opens < OPENS_MAX => self.open(cause),
            _ => self.give_up(),
        }
    }

    pub(super) fn due_unused(&mut self) {
        if !self.senses_passage() {
            // Nothing will ever tell: whoever was let in has gone.
            self.finish_passage();
        } else if self.loops_free().is_ok() {
            if let Some(visit) = self.lane.visit.take() {
                self.acts.push(Act::BackedOut(visit));
            }
            if self.lane.next.is_none() {
                self.acts.push(Act::Arm(ArmAction::Close, None));
            }
            self.close_down();
        } else {
            self.wait(Why::Unused, self.rules.times.unused);
        }
    }

    pub(super) fn due_not_closed(&mut self) {
        if !self.rules.wired.closed_limit {
            return self.rest();
        }
        let told_to_close = self
            .lane
            .order
            .as_ref()
            .is_some_and(|order| order.action == ArmAction::Close && self.is_recent(order.at));
        if self.loops_free().is_ok() && !told_to_close {
            self.acts.push(Act::Arm(ArmAction::Close, None));
            self.wait(Why::NotClosed, self.rules.times.closing);
        } else if self.loops_free().is_ok() {
            self.alarm(LaneAlarm::ArmNotClosed);
            self.lane.phase = Phase::Faulty;
        } else {
            // Somebody stands under it: the barrier's controller waits, and so do we.
            if self.only_beam_blocks() {
                self.alarm(LaneAlarm::BeamBlocked);
            }
            self.wait(Why::NotClosed, self.rules.times.closing);
        }
    }

    pub(super) fn is_recent(&self, at: Timestamp) -> bool {
        self.now.duration_since(at).unsigned_abs() <= self.rules.times.closing * 2
    }
}
