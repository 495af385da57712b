//! The turnstile's answers to orders, and what silence means. Knows no wire.

use super::{Act, PassAction, Phase, Taken, Why, Work};
use crate::core::{
    gate::Event,
    lane::{LaneAlarm, Reject},
};

impl Work<'_> {
    pub(super) fn done(&mut self, total: Option<u32>) -> Taken {
        let Some(order) = &mut self.gate.order else { return Err(Reject::Stale) };
        order.done = true;
        let action = order.action;
        self.calm(LaneAlarm::PassSilent);
        if let Some(total) = total {
            self.total(total);
        }
        if action == PassAction::Close {
            self.closed(total.is_some());
        }
        Ok(())
    }

    /// It lets nobody through any more: who has not gone by now does not go.
    fn closed(&mut self, counter_read: bool) {
        if self.gate.walking {
            // Somebody is in it; the contact says when they are through.
            if self.gate.phase == Phase::Closing {
                self.gate.phase = Phase::Passing;
                self.wait(Why::Stuck, self.rules.times.stuck);
            }
            return;
        }
        if let Some(pass) = self.gate.pass.take() {
            let told = counter_read || !self.rules.counter && !pass.blind;
            self.acts.push(if told { Act::GivenBack(pass) } else { Act::Unsure(pass) });
        }
        match self.gate.phase {
            Phase::Closing | Phase::Faulty if self.gate.heard => self.rest(),
            Phase::Idle
            | Phase::Granted
            | Phase::Passing
            | Phase::Closing
            | Phase::HeldFree
            | Phase::Locked
            | Phase::Faulty => {}
        }
    }

    pub(super) fn failed(&mut self) -> Taken {
        self.alarm(LaneAlarm::PassSilent);
        match self.gate.phase {
            // Whether it opened is not known: it is closed, and then its counter tells.
            Phase::Granted => self.close(),
            Phase::Closing => {
                self.gate.phase = Phase::Faulty;
                self.wait(Why::TellAgain, self.rules.times.again);
            }
            Phase::HeldFree | Phase::Locked | Phase::Faulty => {
                self.wait(Why::TellAgain, self.rules.times.again);
            }
            // A passage on its way, or one that is over: nothing depends on the answer.
            Phase::Idle | Phase::Passing => {}
        }
        Ok(())
    }

    pub(super) fn due(&mut self) -> Taken {
        let due = self.gate.due.take().filter(|due| due.at <= self.now).ok_or(Reject::Stale)?;
        match due.why {
            Why::Unused => self.close(),
            Why::Stuck => {
                self.alarm(LaneAlarm::PassageStuck);
                self.wait(Why::Stuck, self.rules.times.stuck);
            }
            Why::NotClosed => return self.take(Event::Failed),
            Why::TellAgain => self.tell_again(),
            Why::Shown => (self.gate.refused, self.gate.crowded) = (None, None),
        }
        Ok(())
    }

    /// Closing and standing free admit nobody twice, so they are told until they are taken. One that is not heard at
    /// all is told when it speaks.
    fn tell_again(&mut self) {
        if !self.gate.heard && !self.gate.is_free_for_fire() {
            return;
        }
        match self.gate.phase {
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
}
