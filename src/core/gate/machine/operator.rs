//! What an operator may do to a turnstile in each phase. `Open` lets one person through and is decided as a grant.

use super::{PassAction, Phase, Taken, Work};
use crate::core::lane::{Cause, LaneAlarm, OperatorAct, Reject};

impl Work<'_> {
    pub(super) fn operator(&mut self, act: OperatorAct, cause: Cause) -> Taken {
        self.calm(LaneAlarm::Forced);
        match act {
            // The desk makes an admission of it first: see `Event::Grant`.
            OperatorAct::Open | OperatorAct::Turn => Err(Reject::NotWaited),
            OperatorAct::Close => self.operator_close(),
            OperatorAct::Hold => self.operator_hold(cause),
            OperatorAct::Release => self.operator_release(),
            OperatorAct::Lock => self.operator_lock(),
            OperatorAct::Unlock => self.operator_unlock(),
        }
    }

    fn operator_close(&mut self) -> Taken {
        match self.gate.phase {
            Phase::Granted | Phase::Faulty => {
                self.close();
                Ok(())
            }
            Phase::Passing => Err(Reject::Passing),
            Phase::HeldFree => Err(Reject::LaneHeld),
            Phase::Idle | Phase::Closing | Phase::Locked => Err(Reject::AlreadyClosed),
        }
    }

    fn operator_hold(&mut self, cause: Cause) -> Taken {
        match self.gate.phase {
            Phase::HeldFree => Err(Reject::LaneHeld),
            Phase::Locked => Err(Reject::LaneLocked),
            Phase::Idle | Phase::Granted | Phase::Passing | Phase::Closing | Phase::Faulty => {
                self.free(cause);
                Ok(())
            }
        }
    }

    fn operator_release(&mut self) -> Taken {
        match self.gate.phase {
            Phase::HeldFree => {
                self.close();
                Ok(())
            }
            Phase::Idle
            | Phase::Granted
            | Phase::Passing
            | Phase::Closing
            | Phase::Locked
            | Phase::Faulty => Err(Reject::NotHeld),
        }
    }

    fn operator_lock(&mut self) -> Taken {
        match self.gate.phase {
            Phase::Idle | Phase::Closing | Phase::Faulty => {
                self.tell(PassAction::Close, None);
                self.gate.phase = Phase::Locked;
                self.gate.next = None;
                self.gate.follow = 0;
                self.gate.refused = None;
                self.gate.crowded = None;
                self.gate.due = None;
                Ok(())
            }
            Phase::Granted => Err(Reject::AlreadyOpen),
            Phase::Passing => Err(Reject::Passing),
            Phase::HeldFree => Err(Reject::LaneHeld),
            Phase::Locked => Err(Reject::LaneLocked),
        }
    }

    fn operator_unlock(&mut self) -> Taken {
        match self.gate.phase {
            Phase::Locked => {
                self.close();
                Ok(())
            }
            Phase::Idle
            | Phase::Granted
            | Phase::Passing
            | Phase::Closing
            | Phase::HeldFree
            | Phase::Faulty => Err(Reject::NotLocked),
        }
    }
}
