//! What the turnstile's counter or contact says, and what it means to lose sight of it. Knows no order.

use super::{Act, Phase, Taken, Why, Work};
use crate::core::{
    gate::{Counted, PassAction, Walk},
    lane::LaneAlarm,
};

/// A counter that went on by more than this while it was not looked at was set anew, not walked on.
const JUMP_MAX: u32 = 10_000;

impl Work<'_> {
    pub(super) fn counted(&mut self, counted: Counted) -> Taken {
        match counted {
            Counted::Total(total) => self.total(total),
            Counted::Walks => self.walks(),
            Counted::One => {
                self.gate.walking = false;
                self.went(1);
                self.pass_on();
            }
            Counted::Nobody => self.gate.walking = false,
        }
        self.sight_again();
        Ok(())
    }

    /// The counter's word: how many went since the last one.
    pub(super) fn total(&mut self, total: u32) {
        let Some(known) = self.gate.counter.replace(total) else {
            // The first word ever: nothing to compare it with.
            return;
        };
        match total.wrapping_sub(known) {
            0 => {}
            many @ 1..=JUMP_MAX => {
                self.went(many);
                self.pass_on();
            }
            // It began anew, after its own power cut: who went meanwhile is not known.
            _ => self.unsure(),
        }
    }

    fn walks(&mut self) {
        self.gate.walking = true;
        match self.gate.phase {
            Phase::Granted => {
                self.gate.phase = Phase::Passing;
                self.wait(Why::Stuck, self.rules.times.stuck);
            }
            // Who it is, the count behind it says.
            Phase::Idle
            | Phase::Passing
            | Phase::Closing
            | Phase::HeldFree
            | Phase::Locked
            | Phase::Faulty => {}
        }
    }

    /// The first of them is the one who was let in.
    fn went(&mut self, many: u32) {
        let mut others = many;
        if let Some(pass) = self.gate.pass.take() {
            others -= 1;
            self.acts.push(Act::Used(pass));
        }
        if others == 0 {
            return;
        }
        if self.gate.phase == Phase::HeldFree {
            self.acts.push(Act::Walked(Walk::Free, others));
        } else {
            self.acts.push(Act::Walked(Walk::NotAllowed, others));
            self.alarm(LaneAlarm::Forced);
        }
    }

    fn pass_on(&mut self) {
        match self.gate.phase {
            Phase::Granted | Phase::Passing => self.rest(),
            Phase::Idle | Phase::Closing | Phase::HeldFree | Phase::Locked | Phase::Faulty => {}
        }
    }

    pub(super) fn unsure(&mut self) {
        if let Some(pass) = self.gate.pass.take() {
            self.acts.push(Act::Unsure(pass));
        }
        self.pass_on();
    }

    /// Heard again after a silence, or for the first time: it is told anew what it should be.
    fn sight_again(&mut self) {
        if std::mem::replace(&mut self.gate.heard, true) {
            return;
        }
        self.calm(LaneAlarm::TurnstileLost);
        match self.gate.phase {
            // It may have lost its power, and with it what it was told.
            Phase::HeldFree => {
                let cause = self.gate.order.as_ref().and_then(|order| order.cause.clone());
                self.tell(PassAction::Free, cause);
            }
            Phase::Locked => self.tell(PassAction::Close, None),
            Phase::Idle | Phase::Granted | Phase::Passing | Phase::Closing | Phase::Faulty => {
                self.close();
            }
        }
    }

    pub(super) fn lost(&mut self) -> Taken {
        self.gate.heard = false;
        self.gate.walking = false;
        self.gate.next = None;
        self.gate.follow = 0;
        if let Some(pass) = &mut self.gate.pass {
            pass.blind = true;
        }
        self.alarm(LaneAlarm::TurnstileLost);
        match self.gate.phase {
            Phase::Idle | Phase::Granted | Phase::Passing | Phase::Closing | Phase::Faulty => {
                self.gate.phase = Phase::Faulty;
                self.gate.refused = None;
                self.gate.crowded = None;
                self.gate.due = None;
            }
            // An operator's word stands.
            Phase::HeldFree | Phase::Locked => {}
        }
        Ok(())
    }
}
