//! The gate's transitions: (gate, event, now) to the next gate and what it asks for. Knows no clock.

mod counts;
mod operator;
mod orders;

use std::time::Duration;

use jiff::Timestamp;

use super::{Act, Due, Event, Gate, Pass, PassAction, Phase, Taken, Why};
use crate::core::{
    lane::{Cause, LaneAlarm, Reject},
    rules::GateRules,
};

/// What a gate became and what it asks of the rest.
#[derive(Debug)]
pub struct Step {
    pub gate: Gate,
    pub acts: Vec<Act>,
    pub rejected: Option<Reject>,
}

/// One event. Every phase answers every event.
pub fn step(gate: &Gate, rules: &GateRules, now: Timestamp, event: Event) -> Step {
    let mut work = Work { gate: gate.clone(), rules, now, acts: Vec::new() };
    let rejected = work.take(event).err();
    if rejected.is_some() {
        return Step { gate: gate.clone(), acts: Vec::new(), rejected };
    }
    Step { gate: work.gate, acts: work.acts, rejected }
}

struct Work<'a> {
    gate: Gate,
    rules: &'a GateRules,
    now: Timestamp,
    acts: Vec<Act>,
}

impl Work<'_> {
    fn take(&mut self, event: Event) -> Taken {
        match event {
            Event::Grant(pass) => self.grant(pass),
            Event::Counted(counted) => self.counted(counted),
            Event::Lost => self.lost(),
            Event::Done(total) => self.done(total),
            Event::Failed => self.failed(),
            Event::Due => self.due(),
            Event::Operator(act, cause) => self.operator(act, cause),
            Event::Fire => {
                self.free(Cause::Fire);
                Ok(())
            }
        }
    }

    fn grant(&mut self, pass: Pass) -> Taken {
        match self.gate.phase {
            Phase::Idle if !self.gate.walking => {
                self.calm(LaneAlarm::Forced);
                self.gate.refused = None;
                self.gate.crowded = None;
                self.gate.pass = Some(pass);
                self.gate.phase = Phase::Granted;
                self.tell(PassAction::Grant, None);
                self.wait(Why::Unused, self.rules.times.walk);
                Ok(())
            }
            Phase::Idle | Phase::Passing => Err(Reject::Passing),
            Phase::Granted | Phase::Closing => Err(Reject::AlreadyOpen),
            Phase::HeldFree => Err(Reject::LaneHeld),
            Phase::Locked => Err(Reject::LaneLocked),
            Phase::Faulty => Err(Reject::Blind),
        }
    }

    // ---- moves -----------------------------------------------------------------------------------

    fn tell(&mut self, action: PassAction, cause: Option<Cause>) {
        self.acts.push(Act::Tell(action, cause));
    }

    /// Whatever it was doing: it is told to close, and says what its counter says.
    fn close(&mut self) {
        self.tell(PassAction::Close, None);
        self.gate.phase = Phase::Closing;
        self.wait(Why::NotClosed, self.rules.times.answer);
    }

    fn free(&mut self, cause: Cause) {
        self.tell(PassAction::Free, Some(cause));
        self.gate.phase = Phase::HeldFree;
        self.gate.next = None;
        self.gate.follow = 0;
        self.gate.refused = None;
        self.gate.crowded = None;
        self.gate.due = None;
    }

    fn rest(&mut self) {
        self.gate.phase = Phase::Idle;
        self.gate.due = None;
    }

    fn wait(&mut self, why: Why, time: Duration) {
        self.gate.due = Some(Due { at: self.now + time, why });
    }

    fn alarm(&mut self, alarm: LaneAlarm) {
        self.acts.push(Act::Alarm(alarm));
    }

    fn calm(&mut self, alarm: LaneAlarm) {
        self.acts.push(Act::Calm(alarm));
    }
}
