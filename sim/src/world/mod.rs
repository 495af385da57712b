//! A site in virtual time: vehicles come, stand on loops, are read, pay by phone and drive through. Knows no daemon:
//! happenings come out of [`World::step`], orders go in by its methods, and the caller owns the time.

pub mod arm;
pub mod camera;
mod episodes;
pub mod lane;
pub mod people;
mod traffic;
pub mod vehicle;
mod words;

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use paifang::{
    core::{
        Message,
        input::ArmOutcome,
        lane::{ArmAction, OperatorAct},
        rules::Direction,
    },
    types::{CommandId, Vehicle as Kind},
};

pub use self::{
    camera::CameraRead,
    lane::{LaneSpec, Levels, SENSORS},
    vehicle::{Manner, VehicleId},
    words::{Happening, LaneIx, Pace, Page, PhoneId, SiteSpec, Told},
};
use self::{
    episodes::Episode,
    lane::{LaneGround, Moved},
    vehicle::Vehicle,
};
use crate::{
    faults::{Faults, Tally},
    queue::Queue,
    seed::{Draws, Seed},
};

#[derive(Debug)]
enum Ev {
    Ground(LaneIx),
    Arrives,
    LeavesPlace(VehicleId),
    Joins(LaneIx, Box<Vehicle>),
    Tells(Box<Happening>),
    Shot(LaneIx, Box<CameraRead>),
    Pulse(LaneIx, ArmAction),
    ThinksOf(LaneIx, VehicleId, people::Thought),
    Phone(PhoneId, people::Tap),
    OperatorLooks(LaneIx),
    OperatorActs(LaneIx, OperatorAct, u32),
    Begins(Episode),
    Ends(LaneIx, Episode),
}

#[derive(Debug)]
pub struct World {
    spec: SiteSpec,
    faults: Faults,
    lanes: Vec<LaneGround>,
    inside: BTreeMap<VehicleId, Vehicle>,
    phones: BTreeMap<PhoneId, people::Phone>,
    queue: Queue<Ev>,
    out: Vec<Happening>,
    moved: Vec<Moved>,
    draws: WorldDraws,
    next_vehicle: VehicleId,
    next_phone: PhoneId,
    drains: bool,
    pub tally: Tally,
}

/// One stream per concern, so that one concern's draws shift no other's.
#[derive(Debug)]
struct WorldDraws {
    traffic: Draws,
    camera: Draws,
    arm: Draws,
    people: Draws,
    episodes: Draws,
}

impl World {
    pub fn new(spec: SiteSpec, seed: Seed, faults: Faults) -> Self {
        let draws = WorldDraws {
            traffic: seed.child("traffic").draws(),
            camera: seed.child("camera").draws(),
            arm: seed.child("arm").draws(),
            people: seed.child("people").draws(),
            episodes: seed.child("episodes").draws(),
        };
        let start = spec.starts_at;
        let mut world = Self {
            lanes: spec.lanes.iter().map(|lane| LaneGround::new(lane.clone(), start)).collect(),
            spec,
            faults,
            inside: BTreeMap::new(),
            phones: BTreeMap::new(),
            queue: Queue::new(),
            out: Vec::new(),
            moved: Vec::new(),
            draws,
            next_vehicle: 1,
            next_phone: 1,
            drains: false,
            tally: Tally::default(),
        };
        if world.spec.pace.stay_s.is_some() {
            // Whoever watches should not have to wait for the first one.
            world.queue.put(start + Duration::from_secs(1), Ev::Arrives);
        } else {
            world.plan_arrival(start);
        }
        world.plan_episodes(start);
        world
    }

    pub fn next_at(&self) -> Option<Timestamp> {
        self.queue.next_at()
    }

    /// All that is due by `now`, and what came of it.
    pub fn step(&mut self, now: Timestamp) -> Vec<Happening> {
        while let Some(event) = self.queue.take(now) {
            self.happen(event, now);
        }
        std::mem::take(&mut self.out)
    }

    fn happen(&mut self, event: Ev, now: Timestamp) {
        match event {
            Ev::Ground(lane) => self.ground(lane, now),
            Ev::Arrives => self.arrives(now),
            Ev::LeavesPlace(vehicle) => self.leaves_place(vehicle, now),
            Ev::Joins(lane, vehicle) => {
                self.lanes[lane].join(*vehicle);
                self.wake(lane, now);
            }
            Ev::Tells(happening) => self.tell(*happening),
            Ev::Shot(lane, read) => self.shot(lane, *read),
            Ev::Pulse(lane, action) => self.pulse(lane, action, now),
            Ev::ThinksOf(lane, vehicle, thought) => self.think(lane, vehicle, thought, now),
            Ev::Phone(phone, tap) => self.tap(phone, tap, now),
            Ev::OperatorLooks(lane) => self.operator_looks(lane, now),
            Ev::OperatorActs(lane, act, tries) => self.operator_acts(lane, act, tries, now),
            Ev::Begins(episode) => self.begins(episode, now),
            Ev::Ends(lane, episode) => self.ends(lane, episode, now),
        }
    }

    // ---- orders from the daemon ------------------------------------------------------------------

    /// An order to a lane's arm; the board answers with [`Happening::ArmAnswered`], or not.
    pub fn arm(
        &mut self,
        now: Timestamp,
        lane: LaneIx,
        command: CommandId,
        action: ArmAction,
        expires_at: Timestamp,
    ) {
        let travel = self.draws.arm.secs(0.02, 0.2);
        let answer =
            |outcome| Ev::Tells(Box::new(Happening::ArmAnswered { lane, command, outcome }));
        if now + travel >= expires_at {
            let outcome = ArmOutcome::Refused("expired".into());
            return self.queue.put(now + travel, answer(outcome));
        }
        let silent = self.lanes[lane].board_silent;
        if silent || self.draws.arm.chance(self.faults.wire.order_silent) {
            self.tally.add("arm: order not answered");
            if !silent && self.draws.arm.chance(0.5) {
                self.queue.put(now + travel, Ev::Pulse(lane, action));
            }
            let outcome = ArmOutcome::Silent("no answer in 2 s".into());
            return self.queue.put(now + Duration::from_secs(2), answer(outcome));
        }
        if self.draws.arm.chance(self.faults.arm.ignores) {
            self.tally.add("arm: pulse ignored");
        } else {
            self.queue.put(now + travel, Ev::Pulse(lane, action));
        }
        self.queue.put(now + travel * 2, answer(ArmOutcome::Done));
    }

    /// Asks a camera to look again.
    pub fn trigger(&mut self, now: Timestamp, lane: LaneIx) {
        if let Some(vehicle) = self.lanes[lane].in_view() {
            let seen = (vehicle.plate.clone(), vehicle.kind);
            self.look(lane, (&seen.0, seen.1), now);
        }
    }

    /// A lane's display changes; its driver reads it.
    pub fn show(&mut self, now: Timestamp, lane: LaneIx, message: Message) {
        let ground = &mut self.lanes[lane];
        if ground.message == message {
            return;
        }
        ground.message = message;
        ground.message_at = now;
        self.wake(lane, now);
        self.driver_reads(lane, now);
    }

    /// A tidal lane leads the other way from now on; who comes next sees it.
    pub fn turn(&mut self, lane: LaneIx, direction: Direction) {
        if std::mem::replace(&mut self.lanes[lane].spec.direction, direction) != direction {
            self.tally.add("traffic: lane turned");
        }
    }

    /// Takes an arm's own safety away, for a test of whoever watches it.
    pub fn blind_arm(&mut self, lane: LaneIx) {
        self.lanes[lane].arm.blind = true;
    }

    // ---- what a skin needs to know ---------------------------------------------------------------

    /// A lane's inputs as they are now; `None`: not wired, or its board is silent.
    pub fn levels(&self, lane: LaneIx) -> [Option<bool>; 4] {
        let ground = &self.lanes[lane];
        let levels = ground.levels();
        std::array::from_fn(|nth| {
            (ground.is_wired(nth) && !ground.board_silent).then(|| levels[nth])
        })
    }

    /// Where each vehicle of a lane is: metres of its nose from the arrival loop, its length, its plate.
    pub fn on_ground(&self, lane: LaneIx) -> impl Iterator<Item = (f32, f32, &str)> {
        self.lanes[lane].vehicles.iter().map(|v| (v.nose, v.length, v.plate.as_str()))
    }

    /// What the driver at a lane's stop line is like, and the plate there.
    pub fn at_line(&self, lane: LaneIx) -> Option<(Manner, &str)> {
        self.lanes[lane].waiting().map(|v| (v.manner, v.plate.as_str()))
    }

    /// The plate of a vehicle that has just come in or is parked.
    pub fn parked(&self, vehicle: VehicleId) -> Option<&str> {
        self.inside.get(&vehicle).map(|v| v.plate.as_str())
    }

    /// From 0 (closed) to 1 (open).
    pub fn arm_angle(&self, lane: LaneIx) -> f32 {
        self.lanes[lane].arm.angle()
    }

    pub fn lane_count(&self) -> usize {
        self.lanes.len()
    }

    pub fn inside_count(&self) -> usize {
        self.inside.len()
    }

    /// How long the vehicle at a lane's stop line has stood there.
    pub fn waited(&self, now: Timestamp, lane: LaneIx) -> Duration {
        self.lanes[lane]
            .waiting()
            .and_then(|v| v.at_line_since)
            .map_or(Duration::ZERO, |since| now.duration_since(since).unsigned_abs())
    }

    /// The vehicle at a lane's stop line, if it has no plate.
    pub fn nameless(&self, lane: LaneIx) -> Option<VehicleId> {
        self.lanes[lane].waiting().filter(|v| v.plate.is_empty()).map(|v| v.id)
    }

    /// Nobody is left on the ground or inside.
    pub fn is_empty(&self) -> bool {
        self.inside.is_empty() && self.lanes.iter().all(|lane| lane.vehicles.is_empty())
    }

    // ---- the ground ------------------------------------------------------------------------------

    fn wake(&mut self, lane: LaneIx, now: Timestamp) {
        if !self.lanes[lane].awake {
            self.lanes[lane].awake = true;
            self.queue.put(now + Duration::from_millis(100), Ev::Ground(lane));
        }
    }

    fn ground(&mut self, lane: LaneIx, now: Timestamp) {
        let mut moved = std::mem::take(&mut self.moved);
        let busy = self.lanes[lane].step(now, &mut moved);
        self.lanes[lane].awake = false;
        if busy || !moved.is_empty() {
            self.wake(lane, now);
        }
        for what in moved.drain(..) {
            self.moved(lane, what, now);
        }
        self.moved = moved;
        self.tell_levels(lane, now);
    }

    fn moved(&mut self, lane: LaneIx, what: Moved, now: Timestamp) {
        match what {
            Moved::Seen(id) => {
                let seen = self.lanes[lane].vehicles.iter().find(|v| v.id == id);
                if let Some((plate, kind)) = seen.map(|v| (v.plate.clone(), v.kind)) {
                    self.look(lane, (&plate, kind), now);
                }
            }
            Moved::Stands(id) => self.stands(lane, id, now),
            Moved::Through(vehicle) => self.through(lane, vehicle, now),
            Moved::BackedOut(vehicle) => self.backed_out(lane, vehicle, now),
            Moved::Touched(vehicle) => self.tell(Happening::Touched { lane, vehicle }),
        }
    }

    fn through(&mut self, lane: LaneIx, vehicle: Vehicle, now: Timestamp) {
        self.tell(Happening::Through { lane, vehicle: vehicle.id });
        if self.lanes[lane].spec.inner {
            return self.through_inner(lane, vehicle, now);
        }
        if self.lanes[lane].spec.direction == Direction::Entry {
            self.tally.add("traffic: in");
            self.came_in(vehicle, now);
        } else {
            self.tally.add("traffic: out");
        }
    }

    /// Puts changed inputs on the wire, some of them bouncing.
    fn tell_levels(&mut self, lane: LaneIx, now: Timestamp) {
        let levels = self.lanes[lane].levels();
        let told = std::mem::replace(&mut self.lanes[lane].told, levels);
        if self.lanes[lane].board_silent {
            return;
        }
        for (nth, sensor) in SENSORS.into_iter().enumerate() {
            let on = levels[nth];
            if on == told[nth] || !self.lanes[lane].is_wired(nth) {
                continue;
            }
            self.tell(Happening::Sensor { lane, sensor, on });
            if self.draws.arm.chance(self.faults.inputs.bounce) {
                self.tally.add("input: bounce");
                for (ms, on) in [(20, !on), (40, on)] {
                    let bounce = Happening::Sensor { lane, sensor, on };
                    self.queue.put(now + Duration::from_millis(ms), Ev::Tells(Box::new(bounce)));
                }
            }
        }
    }

    fn pulse(&mut self, lane: LaneIx, action: ArmAction, now: Timestamp) {
        let occupied = self.lanes[lane].levels()[1];
        self.lanes[lane].arm.pulse(action, occupied);
        self.wake(lane, now);
    }

    fn look(&mut self, lane: LaneIx, seen: (&str, Kind), now: Timestamp) {
        let (faults, draws) = (&self.faults.camera, &mut self.draws.camera);
        for (after, read) in self.lanes[lane].camera.look(seen, now, faults, draws, &mut self.tally)
        {
            self.queue.put(now + after, Ev::Shot(lane, Box::new(read)));
        }
    }

    fn shot(&mut self, lane: LaneIx, read: CameraRead) {
        let camera = &mut self.lanes[lane].camera;
        if camera.offline {
            camera.kept.push(CameraRead { live: false, ..read });
        } else {
            self.tell(Happening::Read { lane, read });
        }
    }

    fn tell(&mut self, happening: Happening) {
        self.out.push(happening);
    }
}
