//! Faults that last: a board falls silent, a loop sticks, an arm jams, a camera is offline, and all are mended again.
//! Knows not how each shows.

use std::time::Duration;

use jiff::Timestamp;
use paifang::core::lane::{OperatorAct, Sensor};

use super::{Ev, Happening, LaneIx, SENSORS, World, arm::ArmFault};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Episode {
    CameraOffline,
    BoardSilent,
    LoopStuck(Sensor),
    Arm(ArmFault),
    Burst,
    /// An operator holds or locks a lane.
    Whim(OperatorAct),
}

const ALL: [Episode; 10] = [
    Episode::CameraOffline,
    Episode::BoardSilent,
    Episode::LoopStuck(Sensor::Arrival),
    Episode::LoopStuck(Sensor::Safety),
    Episode::Arm(ArmFault::Stuck),
    Episode::Arm(ArmFault::Slow),
    Episode::Arm(ArmFault::NoOpenLimit),
    Episode::Burst,
    Episode::Whim(OperatorAct::Hold),
    Episode::Whim(OperatorAct::Lock),
];

impl Episode {
    fn name(self) -> &'static str {
        match self {
            Self::CameraOffline => "camera: offline",
            Self::BoardSilent => "input: board silent",
            Self::LoopStuck(_) => "input: loop stuck",
            Self::Arm(ArmFault::Stuck) => "arm: stuck",
            Self::Arm(ArmFault::Slow) => "arm: slow",
            Self::Arm(_) => "arm: limit broken",
            Self::Burst => "wire: burst",
            Self::Whim(_) => "people: lane held or locked",
        }
    }
}

impl World {
    fn per_day(&self, episode: Episode) -> f64 {
        let faults = &self.faults;
        match episode {
            Episode::CameraOffline => faults.camera.offline_per_day,
            Episode::BoardSilent => faults.inputs.board_silent_per_day,
            Episode::LoopStuck(_) => faults.inputs.loop_stuck_per_day / 2.0,
            Episode::Arm(ArmFault::Stuck) => faults.arm.stuck_per_day,
            Episode::Arm(ArmFault::Slow) => faults.arm.slow_per_day,
            Episode::Arm(_) => faults.arm.limit_broken_per_day,
            Episode::Burst => faults.wire.bursts_per_day,
            Episode::Whim(_) => faults.people.whims_per_day / 2.0,
        }
    }

    pub(super) fn plan_episodes(&mut self, now: Timestamp) {
        for episode in ALL {
            self.plan_episode(episode, now);
        }
    }

    fn plan_episode(&mut self, episode: Episode, now: Timestamp) {
        let per_day = self.per_day(episode);
        if per_day > 0.0 {
            let after = self.draws.episodes.wait(per_day);
            self.queue.put(now + after, Ev::Begins(episode));
        }
    }

    pub(super) fn begins(&mut self, episode: Episode, now: Timestamp) {
        if self.drains {
            return;
        }
        self.plan_episode(episode, now);
        let lane = self.draws.episodes.between(0, self.lanes.len() as u64 - 1) as LaneIx;
        let lasts = self.draws.episodes.secs(5.0, 900.0);
        self.tally.add(episode.name());
        match episode {
            Episode::CameraOffline => self.lanes[lane].camera.offline = true,
            Episode::BoardSilent => {
                if !self.lanes[lane].board_silent {
                    self.lanes[lane].board_silent = true;
                    self.tell_board(lane, true);
                }
            }
            Episode::LoopStuck(sensor) => self.lanes[lane].stuck_loop = Some(sensor),
            Episode::Arm(fault) => {
                let closed = self.draws.episodes.chance(0.5);
                let fault = match fault {
                    ArmFault::NoOpenLimit if closed => ArmFault::NoClosedLimit,
                    fault => fault,
                };
                self.lanes[lane].arm.fault = fault;
            }
            Episode::Burst => return self.burst(lane, now),
            Episode::Whim(act) => {
                self.queue.put(now, Ev::OperatorActs(lane, act, 0));
                return;
            }
        }
        self.queue.put(now + lasts, Ev::Ends(lane, episode));
        self.tell_levels(lane, now);
    }

    pub(super) fn ends(&mut self, lane: LaneIx, episode: Episode, now: Timestamp) {
        match episode {
            Episode::CameraOffline => {
                self.lanes[lane].camera.offline = false;
                let mut at = now;
                for read in std::mem::take(&mut self.lanes[lane].camera.kept) {
                    at += Duration::from_millis(200);
                    self.tally.add("camera: replay");
                    self.queue.put(at, Ev::Tells(Box::new(Happening::Read { lane, read })));
                }
            }
            Episode::BoardSilent => {
                self.lanes[lane].board_silent = false;
                self.tell_board(lane, false);
            }
            Episode::LoopStuck(_) => self.lanes[lane].stuck_loop = None,
            Episode::Arm(_) => self.lanes[lane].arm.fault = ArmFault::None,
            Episode::Burst | Episode::Whim(_) => {}
        }
        self.tell_levels(lane, now);
        self.wake(lane, now);
    }

    /// A board without inputs is missed only by who gives it orders.
    fn tell_board(&mut self, lane: LaneIx, silent: bool) {
        if (0..SENSORS.len()).any(|nth| self.lanes[lane].is_wired(nth)) {
            self.tell(Happening::Board { lane, silent });
        }
    }

    /// Two hundred messages in two seconds: inputs that flicker and reads of nothing.
    fn burst(&mut self, lane: LaneIx, now: Timestamp) {
        let levels = self.lanes[lane].levels();
        for nth in 0..200_u64 {
            let at = now + Duration::from_millis(nth * 10);
            let input = nth as usize % 4;
            let happening = if nth % 5 == 0 {
                let read = self.lanes[lane].camera.noise(now);
                Happening::Read { lane, read }
            } else if self.lanes[lane].is_wired(input) && !self.lanes[lane].board_silent {
                Happening::Sensor {
                    lane,
                    sensor: SENSORS[input],
                    on: levels[input] ^ (nth % 8 < 4),
                }
            } else {
                continue;
            };
            self.queue.put(at, Ev::Tells(Box::new(happening)));
        }
        if self.lanes[lane].is_wired(0) || self.lanes[lane].is_wired(1) {
            // What the inputs say when it is over.
            let over = Happening::Board { lane, silent: self.lanes[lane].board_silent };
            self.queue.put(now + Duration::from_millis(2_100), Ev::Tells(Box::new(over)));
        }
    }
}
