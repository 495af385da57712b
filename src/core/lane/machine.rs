//! The lane's transitions: (lane, event, now) to the next lane and what it asks for. Knows no stay, no clock.

use std::time::Duration;

use jiff::Timestamp;

use super::{
    Act, ArmAction, Cause, Due, Event, Help, Lane, LaneAlarm, OperatorAct, Phase, Reject, Sensor,
    Signal, Visit, Why,
};
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
        }
    }

    // ---- sensors -------------------------------------------------------------------------------

    fn sensor(&mut self, sensor: Sensor, on: bool) -> Taken {
        let known = self.lane.sensors;
        let signal = if on { Signal::On } else { Signal::Off };
        match sensor {
            Sensor::Arrival => self.lane.sensors.arrival = signal,
            Sensor::Safety => self.lane.sensors.safety = signal,
            Sensor::OpenLimit => self.lane.sensors.open_limit = signal,
            Sensor::ClosedLimit => self.lane.sensors.closed_limit = signal,
        }
        if self.lane.sensors == known {
            return Ok(());
        }
        if self.sensors_known() {
            self.calm(LaneAlarm::SensorsLost);
        }
        match (sensor, on) {
            (Sensor::Arrival, true) => self.arrival_on(),
            (Sensor::Arrival, false) => self.arrival_off(),
            (Sensor::Safety, true) => self.safety_on(),
            (Sensor::Safety, false) => self.safety_off(),
            (Sensor::OpenLimit, true) => self.reached_open(),
            (Sensor::OpenLimit, false) => self.left_open(),
            (Sensor::ClosedLimit, true) => self.reached_closed(),
            // Left closed: only the open limit or the safety loop tell what it means.
            (Sensor::ClosedLimit, false) => {}
        }
        Ok(())
    }

    fn arrival_on(&mut self) {
        match self.lane.phase {
            Phase::Idle => self.stand_by(),
            Phase::VehiclePresent => self.wait(Why::Unread, self.rules.times.unread),
            Phase::Deciding | Phase::AwaitingPayment => {
                self.wait(Why::Waiting, self.rules.times.waiting);
            }
            Phase::Open => self.wait(Why::Unused, self.rules.times.unused),
            Phase::Faulty => self.settle_without_limits(),
            Phase::Opening | Phase::Passing | Phase::Closing | Phase::HeldOpen | Phase::Locked => {}
        }
    }

    fn arrival_off(&mut self) {
        match self.lane.phase {
            // From the arrival loop onto the safety loop: under an arm that is down nobody gets that far.
            Phase::VehiclePresent | Phase::Deciding | Phase::AwaitingPayment
                if self.lane.sensors.safety == Signal::On
                    && self.lane.sensors.closed_limit != Signal::On =>
            {
                self.drive_through();
            }
            Phase::VehiclePresent | Phase::Deciding | Phase::AwaitingPayment => {
                self.wait(Why::Vacated, self.rules.times.vacated);
            }
            Phase::Open if !self.rules.wired.safety => self.finish_passage(),
            Phase::Open => self.wait(Why::Unused, self.rules.times.unused),
            Phase::HeldOpen if !self.rules.wired.safety => self.let_through(),
            Phase::Faulty => self.settle_without_limits(),
            Phase::Idle
            | Phase::Opening
            | Phase::Passing
            | Phase::Closing
            | Phase::HeldOpen
            | Phase::Locked => {}
        }
    }

    fn safety_on(&mut self) {
        match self.lane.phase {
            Phase::Opening | Phase::Open | Phase::Closing => self.drive_through(),
            Phase::Idle
            | Phase::VehiclePresent
            | Phase::Deciding
            | Phase::AwaitingPayment
            | Phase::Locked
            | Phase::Faulty => {
                if self.lane.sensors.closed_limit == Signal::Off {
                    self.drive_through();
                } else {
                    self.alarm(LaneAlarm::UnderArm);
                }
            }
            Phase::Passing | Phase::HeldOpen => {}
        }
    }

    fn safety_off(&mut self) {
        self.calm(LaneAlarm::UnderArm);
        self.calm(LaneAlarm::LoopStuck);
        match self.lane.phase {
            Phase::Passing => self.finish_passage(),
            Phase::HeldOpen => self.let_through(),
            Phase::Faulty => self.settle_without_limits(),
            Phase::Idle
            | Phase::VehiclePresent
            | Phase::Deciding
            | Phase::AwaitingPayment
            | Phase::Opening
            | Phase::Open
            | Phase::Closing
            | Phase::Locked => {}
        }
    }

    fn reached_open(&mut self) {
        self.calm(LaneAlarm::ArmNotOpen);
        self.calm(LaneAlarm::ArmSilent);
        match self.lane.phase {
            Phase::Opening => self.stand_open(),
            Phase::Faulty | Phase::Closing => self.stand_open(),
            Phase::Idle | Phase::VehiclePresent | Phase::Deciding | Phase::AwaitingPayment => {
                self.alarm(LaneAlarm::OpenedOutside);
                self.stand_open();
            }
            Phase::Locked => self.alarm(LaneAlarm::OpenedOutside),
            Phase::Open | Phase::Passing | Phase::HeldOpen => {}
        }
    }

    fn left_open(&mut self) {
        match self.lane.phase {
            // It comes down by itself; the closed limit tells whether somebody still stands there.
            Phase::Open => self.close_down(),
            Phase::Idle
            | Phase::VehiclePresent
            | Phase::Deciding
            | Phase::AwaitingPayment
            | Phase::Opening
            | Phase::Passing
            | Phase::Closing
            | Phase::HeldOpen
            | Phase::Locked
            | Phase::Faulty => {}
        }
    }

    fn reached_closed(&mut self) {
        self.calm(LaneAlarm::ArmNotClosed);
        self.calm(LaneAlarm::OpenedOutside);
        match self.lane.phase {
            Phase::Open | Phase::Closing | Phase::Faulty => {
                self.calm(LaneAlarm::ArmNotOpen);
                self.rest();
            }
            Phase::Idle
            | Phase::VehiclePresent
            | Phase::Deciding
            | Phase::AwaitingPayment
            | Phase::Opening
            | Phase::Passing
            | Phase::HeldOpen
            | Phase::Locked => {}
        }
    }

    fn sensors_lost(&mut self) -> Taken {
        self.lane.sensors = super::Sensors::default();
        self.alarm(LaneAlarm::SensorsLost);
        match self.lane.phase {
            Phase::Idle | Phase::Opening | Phase::Open | Phase::Passing | Phase::Closing => {
                self.lane.phase = Phase::Faulty;
                self.lane.due = None;
            }
            // A driver can go on paying, an operator's word stands.
            Phase::VehiclePresent
            | Phase::Deciding
            | Phase::AwaitingPayment
            | Phase::HeldOpen
            | Phase::Locked
            | Phase::Faulty => {}
        }
        Ok(())
    }

    // ---- reads and decisions -------------------------------------------------------------------

    fn seen(&mut self, visit: Visit) -> Taken {
        match self.lane.phase {
            Phase::Idle | Phase::VehiclePresent | Phase::Faulty | Phase::Closing => {
                self.let_go_unseen(&visit);
                self.lane.visit = Some(visit);
                self.lane.phase = Phase::Deciding;
                self.wait(Why::Waiting, self.rules.times.waiting);
                Ok(())
            }
            // A new read may know what the former did not.
            Phase::Deciding => {
                self.lane.visit = Some(visit);
                Ok(())
            }
            Phase::AwaitingPayment => self.queue(visit),
            Phase::Opening | Phase::Open => {
                self.queue(visit)?;
                if !self.senses_passage() {
                    self.finish_passage();
                }
                Ok(())
            }
            Phase::Passing => self.queue(visit),
            Phase::HeldOpen => {
                let former = self.lane.visit.replace(visit);
                former.into_iter().for_each(|gone| self.acts.push(Act::Passed(gone)));
                Ok(())
            }
            Phase::Locked => Err(Reject::LaneLocked),
        }
    }

    /// Another vehicle stands where an admitted one was, and no safety loop could tell: the first has gone through.
    fn let_go_unseen(&mut self, other: &Visit) {
        let blind = !self.rules.wired.safety || self.lane.phase == Phase::Faulty;
        let gone = self.lane.visit.take_if(|visit| {
            let another = other.plate.is_some() && !visit.is_same_vehicle(other);
            blind && another && visit.cause.is_some()
        });
        self.acts.extend(gone.map(Act::Passed));
    }

    fn queue(&mut self, visit: Visit) -> Taken {
        if self.lane.visit.as_ref().is_some_and(|served| served.is_same_vehicle(&visit)) {
            return Err(Reject::SameVehicle);
        }
        self.lane.next = Some(visit);
        Ok(())
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
                self.lane.due = None;
                self.alarm(LaneAlarm::HelpWanted);
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

    // ---- the arm's controller --------------------------------------------------------------------

    fn done(&mut self) -> Taken {
        self.calm(LaneAlarm::ArmSilent);
        match self.lane.phase {
            Phase::Opening if !self.rules.wired.open_limit => self.stand_open(),
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
            | Phase::Faulty => {}
        }
        Ok(())
    }

    fn failed(&mut self) -> Taken {
        self.alarm(LaneAlarm::ArmSilent);
        match self.lane.phase {
            // Nothing will tell whether it moved.
            Phase::Opening if !self.rules.wired.open_limit => self.give_up(),
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

    // ---- deadlines -------------------------------------------------------------------------------

    fn due(&mut self) -> Taken {
        let due = self.lane.due.take().filter(|due| due.at <= self.now).ok_or(Reject::Stale)?;
        match due.why {
            Why::Unread => self.due_unread(),
            Why::Waiting => self.due_waiting(),
            Why::Vacated => self.back_out(),
            Why::NotOpen => self.due_not_open(),
            Why::Unused => self.due_unused(),
            Why::Stuck => {
                self.alarm(LaneAlarm::LoopStuck);
                self.wait(Why::Stuck, self.rules.times.stuck);
            }
            Why::NotClosed => self.due_not_closed(),
        }
        Ok(())
    }

    fn due_unread(&mut self) {
        self.acts.push(Act::TriggerRead);
        self.wait(Why::Waiting, self.rules.times.unread * 2);
    }

    fn due_waiting(&mut self) {
        if self.lane.phase == Phase::VehiclePresent {
            self.lane.visit.get_or_insert_with(Visit::unread).help = Some(Help::NoPlate);
            self.lane.phase = Phase::Deciding;
        }
        self.alarm(LaneAlarm::HelpWanted);
    }

    fn due_not_open(&mut self) {
        let opens = self.lane.visit.as_ref().map_or(OPENS_MAX, |visit| visit.opens);
        let stayed_down = self.lane.sensors.closed_limit == Signal::On;
        match self.lane.visit.as_ref().and_then(|visit| visit.cause.clone()) {
            Some(cause) if stayed_down && opens < OPENS_MAX => self.open(cause),
            _ => self.give_up(),
        }
    }

    fn due_unused(&mut self) {
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

    fn due_not_closed(&mut self) {
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
            self.wait(Why::NotClosed, self.rules.times.closing);
        }
    }

    fn is_recent(&self, at: Timestamp) -> bool {
        self.now.duration_since(at).unsigned_abs() <= self.rules.times.closing * 2
    }

    // ---- operators -------------------------------------------------------------------------------

    fn operator(&mut self, act: OperatorAct, cause: Cause) -> Taken {
        match act {
            OperatorAct::Open => self.operator_open(cause),
            OperatorAct::Close => self.operator_close(),
            OperatorAct::Hold => self.operator_hold(cause),
            OperatorAct::Release => self.operator_release(),
            OperatorAct::Lock => self.operator_lock(),
            OperatorAct::Unlock => self.operator_unlock(),
        }
    }

    fn operator_open(&mut self, cause: Cause) -> Taken {
        match self.lane.phase {
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

    fn operator_close(&mut self) -> Taken {
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

    fn operator_hold(&mut self, cause: Cause) -> Taken {
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
                self.acts.push(Act::Arm(ArmAction::Hold, Some(cause.clone())));
                if let Some(visit) = &mut self.lane.visit {
                    visit.cause.get_or_insert(cause);
                }
                self.lane.phase = Phase::HeldOpen;
                self.lane.due = None;
                self.calm(LaneAlarm::HelpWanted);
                Ok(())
            }
        }
    }

    fn operator_release(&mut self) -> Taken {
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

    fn operator_lock(&mut self) -> Taken {
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
                self.lane.phase = Phase::Locked;
                self.lane.due = None;
                Ok(())
            }
        }
    }

    fn operator_unlock(&mut self) -> Taken {
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

    // ---- moves -----------------------------------------------------------------------------------

    fn open(&mut self, cause: Cause) {
        let visit = self.lane.visit.get_or_insert_with(Visit::unread);
        visit.opens = visit.opens.saturating_add(1);
        visit.cause = Some(cause.clone());
        visit.help = None;
        self.calm(LaneAlarm::HelpWanted);
        self.acts.push(Act::Arm(ArmAction::Open, Some(cause)));
        if self.lane.sensors.open_limit == Signal::On {
            self.stand_open();
        } else {
            self.lane.phase = Phase::Opening;
            self.wait(Why::NotOpen, self.rules.times.opening);
        }
    }

    fn stand_open(&mut self) {
        self.calm(LaneAlarm::ArmNotOpen);
        if self.lane.sensors.safety == Signal::On {
            return self.drive_through();
        }
        self.lane.phase = Phase::Open;
        self.wait(Why::Unused, self.rules.times.unused);
    }

    fn drive_through(&mut self) {
        let allowed = self.lane.visit.as_ref().is_some_and(|visit| visit.cause.is_some());
        if !allowed {
            self.alarm(LaneAlarm::NotAllowed);
        }
        self.lane.phase = Phase::Passing;
        self.wait(Why::Stuck, self.rules.times.stuck);
    }

    /// The vehicle is through: it goes on record, and the arm may come down behind it.
    fn finish_passage(&mut self) {
        let visit = self.lane.visit.take().unwrap_or_else(Visit::unread);
        if let Some(plate) = visit.plate.clone() {
            self.lane.passed = Some((plate, self.now));
        }
        self.acts.push(Act::Passed(visit));
        self.close_down();
        if self.rules.closing == super::super::rules::Closing::OnCommand
            && self.lane.next.is_none()
            && self.loops_free().is_ok()
        {
            self.acts.push(Act::Arm(ArmAction::Close, None));
        }
    }

    /// Through a lane that is held open.
    fn let_through(&mut self) {
        if let Some(visit) = self.lane.visit.take() {
            self.acts.push(Act::Passed(visit));
        }
    }

    fn close_down(&mut self) {
        self.lane.phase = Phase::Closing;
        self.wait(Why::NotClosed, self.rules.times.closing);
    }

    /// The arm is down. Who stands there now?
    fn rest(&mut self) {
        if self.lane.sensors.arrival == Signal::On {
            self.stand_by();
        } else {
            if self.lane.phase == Phase::Faulty {
                // It was let in, the arm has come down since, and nobody is there any more.
                let gone = self.lane.visit.take_if(|visit| visit.cause.is_some());
                self.acts.extend(gone.map(Act::Passed));
            }
            self.abandon_visit();
            self.lane.phase = Phase::Idle;
            self.lane.due = None;
        }
    }

    fn stand_by(&mut self) {
        self.lane.phase = Phase::VehiclePresent;
        self.wait(Why::Unread, self.rules.times.unread);
    }

    fn back_out(&mut self) {
        self.abandon_visit();
        self.lane.phase = Phase::Idle;
    }

    fn abandon_visit(&mut self) {
        self.calm(LaneAlarm::HelpWanted);
        if let Some(visit) = self.lane.visit.take() {
            self.acts.push(Act::BackedOut(visit));
        }
    }

    /// The arm did not go up. The visit stays: the next read or an operator may try again.
    fn give_up(&mut self) {
        self.alarm(LaneAlarm::ArmNotOpen);
        self.lane.phase = Phase::Faulty;
        self.lane.due = None;
    }

    /// A lane without limits is at rest as soon as one of its loops speaks.
    fn settle_without_limits(&mut self) {
        if !self.rules.wired.closed_limit && !self.rules.wired.open_limit {
            self.rest();
        }
    }

    // ---- questions -------------------------------------------------------------------------------

    /// The design's rule: never a close while a loop is occupied or unknown.
    fn loops_free(&self) -> Taken {
        let (wired, sensors) = (self.rules.wired, self.lane.sensors);
        for (wired, signal) in [(wired.arrival, sensors.arrival), (wired.safety, sensors.safety)] {
            match signal {
                Signal::On => return Err(Reject::LoopOccupied),
                Signal::Unknown if wired => return Err(Reject::LoopUnknown),
                Signal::Unknown | Signal::Off => {}
            }
        }
        // Without any loop nothing is known of who stands under the arm.
        if wired.arrival || wired.safety { Ok(()) } else { Err(Reject::LoopUnknown) }
    }

    fn senses_passage(&self) -> bool {
        self.rules.wired.safety || self.rules.wired.arrival
    }

    fn sensors_known(&self) -> bool {
        let (wired, s) = (self.rules.wired, self.lane.sensors);
        [
            (wired.arrival, s.arrival),
            (wired.safety, s.safety),
            (wired.open_limit, s.open_limit),
            (wired.closed_limit, s.closed_limit),
        ]
        .iter()
        .all(|(wired, signal)| !wired || *signal != Signal::Unknown)
    }

    fn wait(&mut self, why: Why, time: Duration) {
        self.lane.due = Some(Due { at: self.now + time, why });
    }

    fn alarm(&mut self, alarm: LaneAlarm) {
        self.acts.push(Act::Alarm(alarm));
    }

    fn calm(&mut self, alarm: LaneAlarm) {
        self.acts.push(Act::Calm(alarm));
    }
}
