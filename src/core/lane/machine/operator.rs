//! What an operator may do in each phase. Knows no names and no rights.

use super::{Taken, Work};
use crate::core::lane::{
    Act, ArmAction, Cause, LaneAlarm, OperatorAct, Phase, Reject, Signal, Trail,
};

impl Work<'_> {
    pub(super) fn operator(&mut self, act: OperatorAct, cause: Cause) -> Taken {
        match act {
            OperatorAct::Open => self.operator_open(cause),
            OperatorAct::Close => self.operator_close(),
            OperatorAct::Hold => self.operator_hold(cause),
            OperatorAct::Release => self.operator_release(),
            OperatorAct::Lock => self.operator_lock(),
            OperatorAct::Unlock => self.operator_unlock(),
            OperatorAct::Turn => self.operator_turn(),
        }
    }

    pub(super) fn operator_open(&mut self, cause: Cause) -> Taken {
        match self.lane.phase {
            // Without a limit the operator knows better whether it is up.
            Phase::Open if !self.rules.wired.open_limit => {
                self.open(cause);
                Ok(())
            }
            Phase::Open | Phase::Passing => Err(Reject::AlreadyOpen),
            Phase::HeldOpen => Err(Reject::LaneHeld),
            Phase::Locked => Err(Reject::LaneLocked),
            Phase::Idle
            | Phase::VehiclePresent
            | Phase::Deciding
            | Phase::AwaitingPayment
            | Phase::Opening
            | Phase::Closing
            | Phase::Faulty => {
                self.open(cause);
                Ok(())
            }
        }
    }

    pub(super) fn operator_close(&mut self) -> Taken {
        match self.lane.phase {
            Phase::HeldOpen => Err(Reject::LaneHeld),
            Phase::Passing => Err(Reject::Passing),
            _ if self.lane.sensors.closed_limit == Signal::On => Err(Reject::AlreadyClosed),
            Phase::Idle
            | Phase::VehiclePresent
            | Phase::Deciding
            | Phase::AwaitingPayment
            | Phase::Locked
            | Phase::Opening
            | Phase::Open
            | Phase::Closing
            | Phase::Faulty => {
                self.loops_free()?;
                self.acts.push(Act::Arm(ArmAction::Close, None));
                if matches!(self.lane.phase, Phase::Opening | Phase::Open | Phase::Faulty) {
                    self.close_down();
                }
                Ok(())
            }
        }
    }

    pub(super) fn operator_hold(&mut self, cause: Cause) -> Taken {
        match self.lane.phase {
            Phase::HeldOpen => Err(Reject::LaneHeld),
            Phase::Locked => Err(Reject::LaneLocked),
            Phase::Idle
            | Phase::VehiclePresent
            | Phase::Deciding
            | Phase::AwaitingPayment
            | Phase::Opening
            | Phase::Open
            | Phase::Passing
            | Phase::Closing
            | Phase::Faulty => {
                self.hold(cause);
                Ok(())
            }
        }
    }

    /// A fire opens a way out whatever the lane was doing, also one that an operator locked, and also one that is held
    /// open already: the order may have been lost with the power.
    pub(super) fn fire(&mut self) -> Taken {
        match self.lane.phase {
            Phase::Idle
            | Phase::VehiclePresent
            | Phase::Deciding
            | Phase::AwaitingPayment
            | Phase::Opening
            | Phase::Open
            | Phase::Passing
            | Phase::Closing
            | Phase::HeldOpen
            | Phase::Locked
            | Phase::Faulty => self.hold(Cause::Fire),
        }
        Ok(())
    }

    fn hold(&mut self, cause: Cause) {
        self.acts.push(Act::Arm(ArmAction::Hold, Some(cause.clone())));
        if let Some(visit) = &mut self.lane.visit {
            visit.cause.get_or_insert(cause);
        }
        self.lane.phase = Phase::HeldOpen;
        self.lane.trail = Trail::default();
        self.lane.due = None;
        self.calm(LaneAlarm::HelpWanted);
    }

    pub(super) fn operator_release(&mut self) -> Taken {
        if self.lane.phase != Phase::HeldOpen {
            return Err(Reject::NotHeld);
        }
        self.acts.push(Act::Arm(ArmAction::Release, None));
        if self.lane.sensors.safety == Signal::On {
            self.drive_through();
        } else {
            self.close_down();
        }
        Ok(())
    }

    pub(super) fn operator_lock(&mut self) -> Taken {
        match self.lane.phase {
            Phase::Locked => Err(Reject::LaneLocked),
            Phase::HeldOpen => Err(Reject::LaneHeld),
            Phase::Opening | Phase::Open => Err(Reject::AlreadyOpen),
            Phase::Passing => Err(Reject::Passing),
            Phase::Idle
            | Phase::VehiclePresent
            | Phase::Deciding
            | Phase::AwaitingPayment
            | Phase::Closing
            | Phase::Faulty => {
                self.abandon_visit();
                self.lane.next = None;
                self.lane.trail = Trail::default();
                self.lane.phase = Phase::Locked;
                self.lane.due = None;
                Ok(())
            }
        }
    }

    /// Only an empty lane turns: whoever is in it was let in by the other direction's rules.
    pub(super) fn operator_turn(&mut self) -> Taken {
        if self.rules.tide.is_none() {
            return Err(Reject::NotTidal);
        }
        let sensors = self.lane.sensors;
        if [sensors.arrival, sensors.safety].contains(&Signal::On) || self.lane.next.is_some() {
            return Err(Reject::Occupied);
        }
        match self.lane.phase {
            Phase::Idle | Phase::Locked => {
                self.lane.turned = !self.lane.turned;
                Ok(())
            }
            Phase::VehiclePresent
            | Phase::Deciding
            | Phase::AwaitingPayment
            | Phase::Opening
            | Phase::Open
            | Phase::Passing
            | Phase::Closing
            | Phase::HeldOpen
            | Phase::Faulty => Err(Reject::Occupied),
        }
    }

    pub(super) fn operator_unlock(&mut self) -> Taken {
        if self.lane.phase != Phase::Locked {
            return Err(Reject::NotLocked);
        }
        match self.lane.sensors {
            s if s.closed_limit == Signal::On || !self.rules.wired.closed_limit => self.rest(),
            s if s.open_limit == Signal::On => self.stand_open(),
            _ => self.lane.phase = Phase::Faulty,
        }
        Ok(())
    }
}
