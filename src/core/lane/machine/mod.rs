//! The lane's transitions: (lane, event, now) to the next lane and what it asks for. Knows no stay, no clock.

mod moves;
mod operator;
mod sensors;
mod silence;

use jiff::Timestamp;

use super::{Act, Cause, Event, Help, Lane, LaneAlarm, Phase, Reject, Signal, Visit, Why};
use crate::core::rules::LaneRules;

/// Open orders for one vehicle: the first, and one more when the closed limit proves that nothing moved.
const OPENS_MAX: u8 = 2;

/// What a lane became and what it asks of the rest.
#[derive(Debug)]
pub struct Step {
    pub lane: Lane,
    pub acts: Vec<Act>,
    pub rejected: Option<Reject>,
}

/// One event. Every phase answers every event.
pub fn step(lane: &Lane, rules: &LaneRules, now: Timestamp, event: Event) -> Step {
    let mut work = Work { lane: lane.clone(), rules, now, acts: Vec::new() };
    let rejected = work.take(event).err();
    if rejected.is_some() {
        return Step { lane: lane.clone(), acts: Vec::new(), rejected };
    }
    Step { lane: work.lane, acts: work.acts, rejected }
}

struct Work<'a> {
    lane: Lane,
    rules: &'a LaneRules,
    now: Timestamp,
    acts: Vec<Act>,
}

type Taken = Result<(), Reject>;

impl Work<'_> {
    fn take(&mut self, event: Event) -> Taken {
        match event {
            Event::Sensor(sensor, on) => self.sensor(sensor, on),
            Event::SensorsLost => self.sensors_lost(),
            Event::Seen(visit) => self.seen(visit),
            Event::Admit(cause) => self.admit(cause),
            Event::AwaitPayment(order) => self.await_payment(order),
            Event::NeedHelp(help) => self.need_help(help),
            Event::Done => self.done(),
            Event::Failed => self.failed(),
            Event::Due => self.due(),
            Event::Operator(act, cause) => self.operator(act, cause),
            Event::Fire => self.fire(),
        }
    }

    fn seen(&mut self, visit: Visit) -> Taken {
        match self.lane.phase {
            // In `Deciding`, a new read may know what the former did not.
            Phase::Idle
            | Phase::VehiclePresent
            | Phase::Deciding
            | Phase::Faulty
            | Phase::Closing => {
                self.take_up(visit);
                Ok(())
            }
            // Nothing but the next read tells that the former vehicle is gone.
            Phase::AwaitingPayment if !self.rules.wired.arrival || self.has_returned() => {
                self.queue(visit.clone())?;
                self.lane.next = None;
                self.take_up(visit);
                Ok(())
            }
            Phase::Opening | Phase::Open => {
                self.queue(visit)?;
                if !self.senses_passage() {
                    self.finish_passage();
                }
                Ok(())
            }
            Phase::Passing if self.is_of_passing() => {
                let passing = self.lane.visit.get_or_insert_with(Visit::unread);
                (passing.read, passing.plate) = (visit.read, visit.plate);
                Ok(())
            }
            Phase::AwaitingPayment | Phase::Passing => self.queue(visit),
            Phase::HeldOpen => {
                let served = self.lane.visit.as_ref();
                if self.senses_passage() && served.is_some_and(|s| s.may_be_same_vehicle(&visit)) {
                    return Err(Reject::SameVehicle);
                }
                let former = self.lane.visit.replace(visit);
                former.into_iter().for_each(|gone| self.acts.push(Act::Passed(gone)));
                Ok(())
            }
            Phase::Locked => Err(Reject::LaneLocked),
        }
    }

    fn take_up(&mut self, mut visit: Visit) {
        // Where no safety loop could tell, one that was let in is taken to have gone through.
        let blind = !self.rules.wired.safety || self.lane.phase == Phase::Faulty;
        let former = self.lane.visit.take();
        if let Some(former) = former.as_ref().filter(|former| former.is_same_vehicle(&visit)) {
            (visit.task, visit.tries) = (former.task, former.tries);
            visit.attempt = former.attempt;
        } else if let Some(former) = former {
            let gone_through = blind && former.cause.is_some() && visit.plate.is_some();
            self.acts.push(if gone_through { Act::Passed(former) } else { Act::BackedOut(former) });
        }
        self.lane.visit = Some(visit);
        self.lane.phase = Phase::Deciding;
        self.wait(Why::Waiting, self.rules.times.waiting);
    }

    fn queue(&mut self, visit: Visit) -> Taken {
        if self.lane.visit.as_ref().is_some_and(|served| served.may_be_same_vehicle(&visit)) {
            return Err(Reject::SameVehicle);
        }
        // A later read counts, unless it knows less.
        let knows_more = visit.plate.is_some() || self.lane.next.is_none();
        if knows_more {
            self.lane.next = Some(visit);
        }
        Ok(())
    }

    /// The arrival loop went free and was taken again: only the next read tells by whom.
    fn has_returned(&self) -> bool {
        self.waits_for(Why::Returned)
    }

    /// A read belongs to the vehicle under the arm when that was not read and nobody stands before the arm.
    fn is_of_passing(&self) -> bool {
        let unread = self.lane.visit.as_ref().is_none_or(|visit| visit.plate.is_none());
        unread && self.rules.wired.arrival && self.lane.sensors.arrival == Signal::Off
    }

    fn admit(&mut self, cause: Cause) -> Taken {
        match self.lane.phase {
            Phase::Deciding | Phase::AwaitingPayment => {
                self.open(cause);
                Ok(())
            }
            Phase::HeldOpen => {
                self.lane.visit.as_mut().ok_or(Reject::NoVehicle)?.cause = Some(cause);
                Ok(())
            }
            Phase::Idle | Phase::VehiclePresent | Phase::Closing | Phase::Faulty => {
                Err(Reject::NoVehicle)
            }
            Phase::Opening | Phase::Open => Err(Reject::AlreadyOpen),
            Phase::Passing => Err(Reject::Passing),
            Phase::Locked => Err(Reject::LaneLocked),
        }
    }

    fn await_payment(&mut self, order: crate::types::OrderId) -> Taken {
        match self.lane.phase {
            Phase::Deciding | Phase::AwaitingPayment => {
                let visit = self.lane.visit.as_mut().ok_or(Reject::NoVehicle)?;
                visit.order = Some(order);
                visit.help = None;
                self.calm(LaneAlarm::HelpWanted);
                self.lane.phase = Phase::AwaitingPayment;
                self.wait(Why::Waiting, self.rules.times.waiting);
                Ok(())
            }
            Phase::Idle | Phase::VehiclePresent | Phase::Closing | Phase::Faulty => {
                Err(Reject::NoVehicle)
            }
            Phase::Opening | Phase::Open => Err(Reject::AlreadyOpen),
            Phase::Passing => Err(Reject::Passing),
            Phase::HeldOpen => Err(Reject::LaneHeld),
            Phase::Locked => Err(Reject::LaneLocked),
        }
    }

    fn need_help(&mut self, help: Help) -> Taken {
        match self.lane.phase {
            Phase::VehiclePresent | Phase::Deciding => {
                self.lane.visit.get_or_insert_with(Visit::unread).help = Some(help);
                self.lane.phase = Phase::Deciding;
                if help.is_denial() {
                    self.wait(Why::Waiting, self.rules.times.waiting);
                } else {
                    self.lane.due = None;
                    self.alarm(LaneAlarm::HelpWanted);
                }
                Ok(())
            }
            Phase::AwaitingPayment => Err(Reject::NotWaited),
            Phase::Idle | Phase::Closing | Phase::Faulty => Err(Reject::NoVehicle),
            Phase::Opening | Phase::Open => Err(Reject::AlreadyOpen),
            Phase::Passing => Err(Reject::Passing),
            Phase::HeldOpen => Err(Reject::LaneHeld),
            Phase::Locked => Err(Reject::LaneLocked),
        }
    }
}
