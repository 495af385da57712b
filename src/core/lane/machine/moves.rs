//! The moves that transitions are made of, and the questions they ask. Knows no event.

use std::time::Duration;

use super::{Taken, Work};
use crate::core::{
    lane::{Act, ArmAction, Cause, Due, LaneAlarm, Phase, Reject, Signal, Trail, Visit, Why},
    rules::Closing,
};

impl Work<'_> {
    pub(super) fn open(&mut self, cause: Cause) {
        let visit = self.lane.visit.get_or_insert_with(Visit::unread);
        visit.opens = visit.opens.saturating_add(1);
        visit.cause = Some(cause.clone());
        visit.help = None;
        self.lane.trail.gone = false;
        self.calm(LaneAlarm::HelpWanted);
        self.calm(LaneAlarm::NotAllowed);
        self.calm(LaneAlarm::Tailgated);
        self.acts.push(Act::Arm(ArmAction::Open, Some(cause)));
        if self.lane.sensors.open_limit == Signal::On {
            self.stand_open();
        } else if !self.rules.wired.open_limit {
            // Nothing will ever tell when it is up; only a failure is heard of.
            if self.lane.sensors.safety == Signal::On {
                // It drove on behind the one before, and is let through meanwhile.
                return self.drive_through();
            }
            self.lane.phase = Phase::Open;
            self.wait(Why::Unused, self.rules.times.unused);
        } else {
            self.lane.phase = Phase::Opening;
            self.wait(Why::NotOpen, self.rules.times.opening);
        }
    }

    pub(super) fn stand_open(&mut self) {
        self.calm(LaneAlarm::ArmNotOpen);
        if self.lane.sensors.safety == Signal::On {
            return self.drive_through();
        }
        self.lane.phase = Phase::Open;
        self.wait(Why::Unused, self.rules.times.unused);
    }

    pub(super) fn drive_through(&mut self) {
        let allowed = self.lane.visit.as_ref().is_some_and(|visit| visit.cause.is_some());
        if !allowed && self.lane.trail.gone {
            self.follow();
        } else if !allowed {
            self.alarm(LaneAlarm::NotAllowed);
        }
        self.lane.trail.cleared =
            !self.rules.wired.arrival || self.lane.sensors.arrival == Signal::Off;
        self.lane.phase = Phase::Passing;
        self.wait(Why::Stuck, self.rules.times.stuck);
    }

    /// The vehicle is through: it goes on record, and the arm may come down behind it.
    pub(super) fn finish_passage(&mut self) {
        // Whoever followed at once never stood before the arm: the read that waits is of that one.
        let follows = self.lane.visit.is_none() && self.lane.trail.behind > 0;
        let visit = if follows { self.lane.next.take() } else { self.lane.visit.take() };
        self.go_through(visit.unwrap_or_else(Visit::unread));
        self.lane.trail.gone = self.rules.wired.safety;
        self.close_down();
        if self.rules.closing == Closing::OnCommand
            && self.lane.next.is_none()
            && self.loops_free().is_ok()
        {
            self.acts.push(Act::Arm(ArmAction::Close, None));
        }
    }

    /// One vehicle, and those behind it that nobody let in.
    pub(super) fn go_through(&mut self, visit: Visit) {
        let behind = std::mem::take(&mut self.lane.trail).behind;
        let let_in = visit.cause.is_some() || behind == 0;
        if let Some(plate) = visit.plate.clone() {
            self.lane.passed = Some((plate, self.now));
        }
        self.acts.push(if let_in { Act::Passed(visit) } else { Act::Tailgated(visit) });
        for _ in u8::from(!let_in)..behind {
            let visit = self.lane.next.take().unwrap_or_else(Visit::unread);
            if let Some(plate) = visit.plate.clone() {
                self.lane.passed = Some((plate, self.now));
            }
            self.acts.push(Act::Tailgated(visit));
        }
    }

    /// One more is going through that nobody let in.
    pub(super) fn follow(&mut self) {
        self.lane.trail.behind = self.lane.trail.behind.saturating_add(1);
        self.alarm(LaneAlarm::Tailgated);
    }

    /// It was under the arm and is back where it came from: it never left the arrival loop, and no other was read.
    pub(super) fn has_rolled_back(&self) -> bool {
        self.rules.wired.arrival
            && self.lane.sensors.arrival == Signal::On
            && !self.lane.trail.cleared
            && self.lane.next.is_none()
    }

    pub(super) fn roll_back(&mut self) {
        let allowed = self.lane.visit.as_ref().is_some_and(|visit| visit.cause.is_some());
        self.lane.trail.behind = 0;
        if allowed {
            self.lane.phase = Phase::Open;
            self.wait(Why::Unused, self.rules.times.unused);
        } else {
            self.calm(LaneAlarm::NotAllowed);
            self.close_down();
        }
    }

    /// Through a lane that is held open.
    pub(super) fn let_through(&mut self) {
        if let Some(visit) = self.lane.visit.take() {
            self.acts.push(Act::Passed(visit));
        }
    }

    pub(super) fn close_down(&mut self) {
        self.lane.phase = Phase::Closing;
        self.wait(Why::NotClosed, self.rules.times.closing);
    }

    /// The arm is down. Who stands there now?
    pub(super) fn rest(&mut self) {
        self.lane.trail = Trail::default();
        if self.lane.sensors.arrival == Signal::On {
            self.stand_by();
        } else {
            self.back_out();
        }
    }

    pub(super) fn stand_by(&mut self) {
        self.lane.phase = Phase::VehiclePresent;
        self.wait(Why::Unread, self.rules.times.unread);
    }

    pub(super) fn back_out(&mut self) {
        self.abandon_visit();
        self.lane.phase = Phase::Idle;
        self.lane.due = None;
        if self.lane.next.is_some() {
            self.wait(Why::Queued, self.rules.times.queued);
        }
    }

    pub(super) fn abandon_visit(&mut self) {
        self.calm(LaneAlarm::HelpWanted);
        if let Some(visit) = self.lane.visit.take() {
            self.acts.push(Act::BackedOut(visit));
        }
    }

    /// The arm did not go up. The visit stays: the next read or an operator may try again.
    pub(super) fn give_up(&mut self) {
        self.alarm(LaneAlarm::ArmNotOpen);
        self.lane.phase = Phase::Faulty;
        self.lane.due = None;
    }

    /// Every input speaks again. A vehicle that was let in and is gone by now went through.
    pub(super) fn settle(&mut self) {
        let (wired, sensors) = (self.rules.wired, self.lane.sensors);
        if sensors.open_limit == Signal::On {
            self.stand_open();
        } else if sensors.closed_limit == Signal::On || !wired.closed_limit {
            let allowed = self.lane.visit.as_ref().is_some_and(|visit| visit.cause.is_some());
            if allowed && sensors.arrival != Signal::On {
                self.let_through();
            }
            self.rest();
        }
    }

    /// The design's rule: never a close while a loop is occupied or unknown.
    pub(super) fn loops_free(&self) -> Taken {
        let (wired, sensors) = (self.rules.wired, self.lane.sensors);
        for (wired, signal) in [
            (wired.arrival, sensors.arrival),
            (wired.safety, sensors.safety),
            (wired.beam, sensors.beam),
        ] {
            match signal {
                Signal::On => return Err(Reject::LoopOccupied),
                Signal::Unknown if wired => return Err(Reject::LoopUnknown),
                Signal::Unknown | Signal::Off => {}
            }
        }
        // Without any of them nothing is known of who stands under the arm.
        if wired.arrival || wired.safety || wired.beam { Ok(()) } else { Err(Reject::LoopUnknown) }
    }

    pub(super) fn only_beam_blocks(&self) -> bool {
        let sensors = self.lane.sensors;
        self.rules.wired.beam
            && sensors.beam != Signal::Off
            && ![sensors.arrival, sensors.safety].contains(&Signal::On)
    }

    /// The barrier's key is turned, or was a moment ago.
    pub(super) fn is_keyed(&self) -> bool {
        self.lane.sensors.manual_key == Signal::On
            || self.lane.keyed_at.is_some_and(|at| {
                self.now.duration_since(at).unsigned_abs() <= self.rules.times.opening
            })
    }

    /// Whoever has the key needs nobody's leave; it is on record as theirs.
    pub(super) fn allow_by_key(&mut self) {
        let visit = self.lane.visit.get_or_insert_with(Visit::unread);
        visit.cause.get_or_insert(Cause::Key);
        visit.help = None;
        self.calm(LaneAlarm::HelpWanted);
        self.calm(LaneAlarm::OpenedOutside);
    }

    pub(super) fn waits_for(&self, why: Why) -> bool {
        self.lane.due.is_some_and(|due| due.why == why)
    }

    pub(super) fn senses_passage(&self) -> bool {
        self.rules.wired.safety || self.rules.wired.arrival
    }

    pub(super) fn sensors_known(&self) -> bool {
        let (wired, s) = (self.rules.wired, self.lane.sensors);
        [
            (wired.arrival, s.arrival),
            (wired.safety, s.safety),
            (wired.open_limit, s.open_limit),
            (wired.closed_limit, s.closed_limit),
            (wired.beam, s.beam),
            (wired.manual_key, s.manual_key),
        ]
        .iter()
        .all(|(wired, signal)| !wired || *signal != Signal::Unknown)
    }

    pub(super) fn wait(&mut self, why: Why, time: Duration) {
        self.lane.due = Some(Due { at: self.now + time, why });
    }

    pub(super) fn alarm(&mut self, alarm: LaneAlarm) {
        self.acts.push(Act::Alarm(alarm));
    }

    pub(super) fn calm(&mut self, alarm: LaneAlarm) {
        self.acts.push(Act::Calm(alarm));
    }
}
