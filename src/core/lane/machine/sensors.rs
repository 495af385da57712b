//! What each input means in each phase. Decides nothing about a vehicle.

use super::{Taken, Work};
use crate::core::{
    lane::{Act, LaneAlarm, Phase, Sensor, Sensors, Signal, Trail, Why},
    rules::Tailgating,
};

impl Work<'_> {
    pub(super) fn sensor(&mut self, sensor: Sensor, on: bool) -> Taken {
        let known = self.lane.sensors;
        let signal = if on { Signal::On } else { Signal::Off };
        match sensor {
            Sensor::Arrival => self.lane.sensors.arrival = signal,
            Sensor::Safety => self.lane.sensors.safety = signal,
            Sensor::OpenLimit => self.lane.sensors.open_limit = signal,
            Sensor::ClosedLimit => self.lane.sensors.closed_limit = signal,
            Sensor::Beam => self.lane.sensors.beam = signal,
            Sensor::ManualKey => self.lane.sensors.manual_key = signal,
        }
        if self.lane.sensors == known {
            return Ok(());
        }
        if self.sensors_known() {
            self.calm(LaneAlarm::SensorsLost);
        }
        self.meaning_of(sensor, on);
        if self.lane.phase == Phase::Faulty && self.sensors_known() {
            self.settle();
        }
        Ok(())
    }

    pub(super) fn meaning_of(&mut self, sensor: Sensor, on: bool) {
        match (sensor, on) {
            (Sensor::Arrival, true) => self.arrival_on(),
            (Sensor::Arrival, false) => self.arrival_off(),
            (Sensor::Safety, true) => self.safety_on(),
            (Sensor::Safety, false) => self.safety_off(),
            (Sensor::OpenLimit, true) => self.reached_open(),
            (Sensor::OpenLimit, false) => self.left_open(),
            (Sensor::ClosedLimit, true) => self.reached_closed(),
            // Left closed: only the open limit or the safety loop tell what it means.
            // And an interrupted beam only ever forbids to close: see `loops_free`.
            (Sensor::ClosedLimit, false) | (Sensor::Beam, true) => {}
            (Sensor::Beam, false) => self.calm(LaneAlarm::BeamBlocked),
            (Sensor::ManualKey, true) => self.key_turned(),
            // How long ago it was turned back counts from here.
            (Sensor::ManualKey, false) => self.lane.keyed_at = Some(self.now),
        }
    }

    pub(super) fn arrival_on(&mut self) {
        match self.lane.phase {
            Phase::Idle => self.stand_by(),
            Phase::VehiclePresent => self.wait(Why::Unread, self.rules.times.unread),
            // Whoever left the loop may have come back, or another may have come up.
            Phase::Deciding | Phase::AwaitingPayment if self.waits_for(Why::Vacated) => {
                self.acts.push(Act::TriggerRead);
                self.wait(Why::Returned, self.rules.times.unread * 2);
            }
            Phase::Deciding | Phase::AwaitingPayment => {
                self.wait(Why::Waiting, self.rules.times.waiting);
            }
            Phase::HeldOpen if self.waits_for(Why::Vacated) => self.lane.due = None,
            Phase::Open => self.wait(Why::Unused, self.rules.times.unused),
            Phase::Opening
            | Phase::Passing
            | Phase::Closing
            | Phase::HeldOpen
            | Phase::Locked
            | Phase::Faulty => {}
        }
    }

    pub(super) fn arrival_off(&mut self) {
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
            // It turned round before an arm that was up, unless the safety loop says otherwise meanwhile.
            Phase::HeldOpen
                if self.lane.visit.is_some()
                    && self.lane.due.is_none()
                    && self.lane.sensors.safety == Signal::Off =>
            {
                self.wait(Why::Vacated, self.rules.times.unused);
            }
            // The first time it is the vehicle under the arm that leaves; then, another that follows it closely.
            Phase::Passing if !self.lane.trail.cleared => self.lane.trail.cleared = true,
            Phase::Passing
                if self.lane.sensors.safety == Signal::On
                    && self.rules.tailgating == Tailgating::BothLoops =>
            {
                self.follow();
            }
            Phase::Idle
            | Phase::Opening
            | Phase::Passing
            | Phase::Closing
            | Phase::HeldOpen
            | Phase::Locked
            | Phase::Faulty => {}
        }
    }

    pub(super) fn safety_on(&mut self) {
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
            Phase::HeldOpen if self.waits_for(Why::Vacated) => self.lane.due = None,
            Phase::Passing | Phase::HeldOpen => {}
        }
    }

    pub(super) fn safety_off(&mut self) {
        self.calm(LaneAlarm::UnderArm);
        self.calm(LaneAlarm::LoopStuck);
        match self.lane.phase {
            Phase::Passing if self.has_rolled_back() => self.roll_back(),
            Phase::Passing => self.finish_passage(),
            Phase::HeldOpen => self.let_through(),
            Phase::Idle
            | Phase::VehiclePresent
            | Phase::Deciding
            | Phase::AwaitingPayment
            | Phase::Opening
            | Phase::Open
            | Phase::Closing
            | Phase::Locked
            | Phase::Faulty => {}
        }
    }

    pub(super) fn reached_open(&mut self) {
        self.calm(LaneAlarm::ArmNotOpen);
        self.calm(LaneAlarm::ArmSilent);
        match self.lane.phase {
            Phase::Opening | Phase::Closing => self.stand_open(),
            Phase::Idle | Phase::VehiclePresent | Phase::Deciding | Phase::AwaitingPayment
                if self.is_keyed() =>
            {
                self.allow_by_key();
                self.stand_open();
            }
            Phase::Locked if self.is_keyed() => {}
            Phase::Idle | Phase::VehiclePresent | Phase::Deciding | Phase::AwaitingPayment => {
                self.alarm(LaneAlarm::OpenedOutside);
                self.stand_open();
            }
            Phase::Locked => self.alarm(LaneAlarm::OpenedOutside),
            Phase::Open | Phase::Passing | Phase::HeldOpen | Phase::Faulty => {}
        }
    }

    /// The arm's own controller opens; where a limit is wired, it tells when.
    pub(super) fn key_turned(&mut self) {
        self.lane.keyed_at = Some(self.now);
        let up = self.lane.sensors.open_limit == Signal::On || !self.rules.wired.open_limit;
        match self.lane.phase {
            // The open limit came a moment before the key.
            Phase::Open | Phase::Passing if up => self.allow_by_key(),
            Phase::Idle
            | Phase::VehiclePresent
            | Phase::Deciding
            | Phase::AwaitingPayment
            | Phase::Closing
            | Phase::Faulty
                if !self.rules.wired.open_limit =>
            {
                self.allow_by_key();
                self.stand_open();
            }
            Phase::Locked => self.calm(LaneAlarm::OpenedOutside),
            Phase::Idle
            | Phase::VehiclePresent
            | Phase::Deciding
            | Phase::AwaitingPayment
            | Phase::Opening
            | Phase::Open
            | Phase::Passing
            | Phase::Closing
            | Phase::HeldOpen
            | Phase::Faulty => {}
        }
    }

    pub(super) fn left_open(&mut self) {
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

    pub(super) fn reached_closed(&mut self) {
        self.calm(LaneAlarm::ArmNotClosed);
        self.calm(LaneAlarm::OpenedOutside);
        match self.lane.phase {
            Phase::Open | Phase::Closing => self.rest(),
            Phase::Idle
            | Phase::VehiclePresent
            | Phase::Deciding
            | Phase::AwaitingPayment
            | Phase::Opening
            | Phase::Passing
            | Phase::HeldOpen
            | Phase::Locked
            | Phase::Faulty => {}
        }
    }

    pub(super) fn sensors_lost(&mut self) -> Taken {
        self.lane.sensors = Sensors::default();
        self.alarm(LaneAlarm::SensorsLost);
        if self.lane.phase == Phase::Passing
            && let Some(visit) = self.lane.visit.take()
        {
            // It was under the arm when sight was lost: it went through.
            self.go_through(visit);
        }
        self.lane.trail = Trail::default();
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
}
