//! A lane's ground: an arrival loop, a stop line, an arm over a safety loop, and the vehicles on it. Knows no daemon.
//!
//! ```text
//!   metres  0 ──────── 1.6    2.2     2.8 ─────── 3.8 ─────── 4.8
//!           arrival loop    stop line     safety loop, arm over it
//! ```

use std::collections::VecDeque;

use jiff::Timestamp;
use paifang::core::{
    Message,
    lane::Sensor,
    rules::{Closing, Direction, Wired},
};

use super::{
    arm::Arm,
    camera::Camera,
    vehicle::{Vehicle, VehicleId},
};

/// One step of the ground, in seconds.
pub const STEP_S: f32 = 0.1;
const ARRIVAL: (f32, f32) = (0.0, 1.6);
const STOP_LINE: f32 = 2.2;
const SAFETY: (f32, f32) = (2.8, 4.8);
const ARM: f32 = 3.8;
/// Bumper to bumper.
const GAP: f32 = 0.7;
/// Where a vehicle first appears.
const HORIZON: f32 = -8.0;
/// Below this an arm would touch a roof.
const ROOF: f32 = 0.35;

/// The inputs in the order of [`Levels`].
pub const SENSORS: [Sensor; 4] =
    [Sensor::Arrival, Sensor::Safety, Sensor::OpenLimit, Sensor::ClosedLimit];

/// One level per sensor of [`SENSORS`].
pub type Levels = [bool; 4];

/// What a lane is built of.
#[derive(Clone, Debug)]
pub struct LaneSpec {
    pub direction: Direction,
    pub wired: Wired,
    pub closing: Closing,
    /// Seconds from closed to open.
    pub rise: std::time::Duration,
    /// Between the car park and the zone within it; else between the street and the car park.
    pub inner: bool,
}

/// What a step of the ground brought about.
#[derive(Debug)]
pub enum Moved {
    /// A vehicle came into the camera's view.
    Seen(VehicleId),
    /// A vehicle stands at the stop line.
    Stands(VehicleId),
    Through(Vehicle),
    BackedOut(Vehicle),
    /// The arm came down on a vehicle.
    Touched(VehicleId),
}

#[derive(Debug)]
pub struct LaneGround {
    pub spec: LaneSpec,
    pub arm: Arm,
    pub camera: Camera,
    /// The first is nearest to the arm.
    pub vehicles: VecDeque<Vehicle>,
    pub message: Message,
    pub message_at: Timestamp,
    /// A detector that says "occupied" whatever is on it: arrival, safety.
    pub stuck_loop: Option<Sensor>,
    pub board_silent: bool,
    /// Levels last put on the wire.
    pub told: Levels,
    pub awake: bool,
    /// The operator is on the way.
    pub called: bool,
    pub arm_rose_at: Timestamp,
    angle_before: f32,
}

impl LaneGround {
    pub fn new(spec: LaneSpec, now: Timestamp) -> Self {
        let by_itself = spec.closing == Closing::ByItself;
        Self {
            arm: Arm::new(spec.rise, by_itself),
            spec,
            camera: Camera::default(),
            vehicles: VecDeque::new(),
            message: Message::Ready,
            message_at: now,
            stuck_loop: None,
            board_silent: false,
            told: [false, false, false, true],
            awake: false,
            called: false,
            arm_rose_at: now,
            angle_before: 0.0,
        }
    }

    /// A vehicle joins the end of the queue.
    pub fn join(&mut self, mut vehicle: Vehicle) {
        vehicle.comes_anew();
        let behind = self.vehicles.back().map_or(HORIZON, |last| last.tail() - 2.0);
        vehicle.nose = HORIZON.min(behind);
        self.vehicles.push_back(vehicle);
    }

    /// What the detectors and limits say; a broken one lies.
    pub fn levels(&self) -> Levels {
        let on = |sensor, (from, to): (f32, f32)| {
            self.stuck_loop == Some(sensor) || self.vehicles.iter().any(|v| v.covers(from, to))
        };
        let (open, closed) = self.arm.limits();
        [on(Sensor::Arrival, ARRIVAL), on(Sensor::Safety, SAFETY), open, closed]
    }

    pub fn is_wired(&self, nth: usize) -> bool {
        let wired = self.spec.wired;
        [wired.arrival, wired.safety, wired.open_limit, wired.closed_limit][nth]
    }

    /// The vehicle at the stop line, if it stands there.
    pub fn waiting(&self) -> Option<&Vehicle> {
        self.vehicles.iter().find(|v| !v.goes).filter(|v| v.at_line_since.is_some() && !v.backs)
    }

    pub fn waiting_mut(&mut self) -> Option<&mut Vehicle> {
        self.vehicles.iter_mut().find(|v| !v.goes).filter(|v| v.at_line_since.is_some() && !v.backs)
    }

    /// The vehicle a camera would see when it is told to look.
    pub fn in_view(&self) -> Option<&Vehicle> {
        self.vehicles.iter().find(|v| v.nose > ARRIVAL.0 && v.tail() < ARM)
    }

    /// A tenth of a second goes by. False: nothing moves any more, until something happens.
    pub fn step(&mut self, now: Timestamp, moved: &mut Vec<Moved>) -> bool {
        let occupied = self.levels()[1];
        self.angle_before = self.arm.angle();
        self.arm.step(STEP_S, occupied);
        if self.arm.angle() > self.angle_before {
            self.arm_rose_at = now;
        }
        let mut busy = self.arm.is_busy();
        let mut leader_tail = f32::INFINITY;
        for nth in 0..self.vehicles.len() {
            let last = nth + 1 == self.vehicles.len();
            busy |= self.step_vehicle(nth, last, leader_tail, now, moved);
            leader_tail = self.vehicles[nth].tail();
        }
        while self.vehicles.front().is_some_and(|v| v.tail() > SAFETY.1) {
            moved.extend(self.vehicles.pop_front().map(Moved::Through));
        }
        if self.vehicles.back().is_some_and(|v| v.backs && v.nose < HORIZON / 2.0) {
            moved.extend(self.vehicles.pop_back().map(Moved::BackedOut));
        }
        self.look_for_touch(moved);
        busy
    }

    fn step_vehicle(
        &mut self,
        nth: usize,
        last: bool,
        leader_tail: f32,
        now: Timestamp,
        moved: &mut Vec<Moved>,
    ) -> bool {
        let may_go = self.may_go(nth, now);
        let falls = self.arm.is_lowering() && self.arm.angle() < 0.8;
        let arm_up = self.arm.angle() > 0.0;
        let vehicle = &mut self.vehicles[nth];
        let before = vehicle.nose;
        // Nobody backs out with somebody behind them.
        vehicle.backs &= last;
        if vehicle.backs {
            vehicle.nose -= vehicle.speed * STEP_S;
            return true;
        }
        if vehicle.goes && falls && vehicle.nose < SAFETY.0 {
            vehicle.goes = false;
            vehicle.goes_at = None;
        }
        if vehicle.at_line_since.is_some() && !vehicle.goes && may_go {
            let doze_s = if vehicle.dozes { 60 } else { 1 };
            let at = *vehicle.goes_at.get_or_insert(now + std::time::Duration::from_secs(doze_s));
            vehicle.goes = now >= at;
        }
        let line = if vehicle.goes { f32::INFINITY } else { STOP_LINE.max(before) };
        let limit = line.min(leader_tail - GAP).max(before);
        vehicle.nose = (before + vehicle.speed * STEP_S).min(limit);
        if before <= ARRIVAL.0 && vehicle.nose > ARRIVAL.0 {
            moved.push(Moved::Seen(vehicle.id));
        }
        if !vehicle.goes && vehicle.nose >= STOP_LINE && vehicle.at_line_since.is_none() {
            vehicle.at_line_since = Some(now);
            moved.push(Moved::Stands(vehicle.id));
        }
        vehicle.nose > before || (vehicle.at_line_since.is_some() && arm_up)
    }

    /// A driver goes when the arm went up for them; a tailgater whenever it is up.
    fn may_go(&self, nth: usize, now: Timestamp) -> bool {
        let vehicle = &self.vehicles[nth];
        let Some(since) = vehicle.at_line_since else { return false };
        if vehicle.tailgates && self.arm.angle() >= 0.8 {
            return true;
        }
        let open = self.arm.angle() >= 0.9 && !self.arm.is_lowering();
        let asked_in = matches!(
            self.message,
            Message::Welcome { .. }
                | Message::GoodBye { .. }
                | Message::Charged { .. }
                | Message::PassEnds { .. }
                | Message::Balance { .. }
                | Message::Owes { .. }
                | Message::HeldOpen
        );
        let by_name = match &self.message {
            Message::Welcome { plate }
            | Message::GoodBye { plate }
            | Message::Charged { plate, .. }
            | Message::PassEnds { plate, .. }
            | Message::Balance { plate, .. }
            | Message::Owes { plate, .. } => plate.full() == vehicle.plate,
            _ => false,
        };
        let impatient = now.duration_since(since).as_secs() > 20;
        open && (self.arm_rose_at > since
            || impatient
            || by_name
            || asked_in && (self.message_at > since || self.message == Message::HeldOpen))
    }

    fn look_for_touch(&self, moved: &mut Vec<Moved>) {
        let angle = self.arm.angle();
        if angle < ROOF && angle < self.angle_before {
            moved.extend(
                self.vehicles.iter().filter(|v| v.covers(ARM, ARM)).map(|v| Moved::Touched(v.id)),
            );
        }
    }
}
