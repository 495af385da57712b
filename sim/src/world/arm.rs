//! A barrier with its own controller: it rises, comes down behind a vehicle, and never onto an occupied safety loop.
//! Knows nothing of who told it to.

use std::time::Duration;

use paifang::core::lane::ArmAction;

/// From a free safety loop to coming down by itself.
const LINGER_S: f32 = 1.0;
/// An arm that closes by itself does so after this long without a vehicle.
const TIRED_S: f32 = 120.0;

/// What is wrong with an arm for now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ArmFault {
    #[default]
    None,
    /// It does not move, whatever it acknowledges.
    Stuck,
    /// Three times as slow.
    Slow,
    /// The open limit never closes its contact.
    NoOpenLimit,
    /// The closed limit never closes its contact.
    NoClosedLimit,
}

#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a contact or a relay of its own")]
pub struct Arm {
    /// Seconds from closed to open: 1.5 to 6.
    rise_s: f32,
    closes_by_itself: bool,
    /// 0 closed, 1 open.
    angle: f32,
    up: bool,
    held: bool,
    /// A vehicle has been on the safety loop since it opened.
    used: bool,
    /// Seconds it has stood open with a free loop.
    idle_s: f32,
    pub fault: ArmFault,
    /// Its own safety is gone, and it comes down on its own: for tests of whoever watches.
    pub blind: bool,
}

impl Arm {
    pub fn new(rise: Duration, closes_by_itself: bool) -> Self {
        Self {
            rise_s: rise.as_secs_f32(),
            closes_by_itself,
            angle: 0.0,
            up: false,
            held: false,
            used: false,
            idle_s: 0.0,
            fault: ArmFault::None,
            blind: false,
        }
    }

    /// A contact was made on one of the controller's inputs.
    pub fn pulse(&mut self, action: ArmAction, safety_occupied: bool) {
        match action {
            ArmAction::Open => {
                self.up = true;
                self.used = false;
                self.idle_s = 0.0;
            }
            ArmAction::Hold => {
                self.up = true;
                self.held = true;
            }
            ArmAction::Close if self.held || safety_occupied => {}
            ArmAction::Close => self.up = false,
            ArmAction::Release => {
                self.held = false;
                self.up = safety_occupied;
                self.used = true;
                self.idle_s = 0.0;
            }
        }
    }

    /// `dt_s` seconds go by.
    pub fn step(&mut self, dt_s: f32, safety_occupied: bool) {
        let safety_occupied = safety_occupied && !self.blind;
        self.up &= !(self.blind && self.is_open() && self.idle_s > 2.0);
        if !self.up && self.angle > 0.0 && safety_occupied {
            // Its own safety: back up at once.
            self.up = true;
            self.used = true;
        }
        let goal = if self.up { 1.0 } else { 0.0 };
        let slow = if self.fault == ArmFault::Slow { 3.0 } else { 1.0 };
        let most = dt_s / (self.rise_s * slow);
        if self.fault != ArmFault::Stuck {
            self.angle += (goal - self.angle).clamp(-most, most);
        }
        if !self.is_open() || self.held {
            return;
        }
        if safety_occupied {
            self.used = true;
            self.idle_s = 0.0;
            return;
        }
        self.idle_s += dt_s;
        let patience = if self.used { LINGER_S } else { TIRED_S };
        if self.closes_by_itself && self.idle_s >= patience {
            self.up = false;
        }
    }

    pub fn angle(&self) -> f32 {
        self.angle
    }

    pub fn is_open(&self) -> bool {
        self.angle >= 1.0
    }

    pub fn is_lowering(&self) -> bool {
        !self.up && self.angle > 0.0
    }

    /// The open limit's and the closed limit's contacts.
    pub fn limits(&self) -> (bool, bool) {
        (
            self.is_open() && self.fault != ArmFault::NoOpenLimit,
            self.angle <= 0.0 && self.fault != ArmFault::NoClosedLimit,
        )
    }

    /// Whether time alone changes it.
    pub fn is_busy(&self) -> bool {
        let goal = if self.up { 1.0 } else { 0.0 };
        let moves = (self.angle - goal).abs() > f32::EPSILON && self.fault != ArmFault::Stuck;
        moves || (self.is_open() && self.up && !self.held && self.closes_by_itself)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(arm: &mut Arm, seconds: f32, occupied: bool) {
        for _ in 0..(seconds * 10.0) as u32 {
            arm.step(0.1, occupied);
        }
    }

    #[test]
    fn rises_waits_for_the_vehicle_and_comes_down() {
        let mut arm = Arm::new(Duration::from_secs(2), true);
        arm.pulse(ArmAction::Open, false);
        run(&mut arm, 1.0, false);
        assert_eq!(arm.limits(), (false, false));
        run(&mut arm, 1.5, false);
        assert_eq!(arm.limits(), (true, false));
        run(&mut arm, 3.0, true);
        assert!(arm.is_open());
        run(&mut arm, 4.0, false);
        assert_eq!(arm.limits(), (false, true));
    }

    #[test]
    fn never_comes_down_on_an_occupied_loop() {
        let mut arm = Arm::new(Duration::from_secs(2), true);
        arm.pulse(ArmAction::Open, false);
        run(&mut arm, 2.5, false);
        arm.pulse(ArmAction::Close, true);
        run(&mut arm, 10.0, true);
        assert!(arm.is_open());
        arm.pulse(ArmAction::Close, false);
        run(&mut arm, 0.5, false);
        assert!(arm.is_lowering());
        run(&mut arm, 2.0, true);
        assert!(arm.is_open(), "it goes back up");
    }

    #[test]
    fn stuck_and_held() {
        let mut arm = Arm::new(Duration::from_secs(2), true);
        arm.fault = ArmFault::Stuck;
        arm.pulse(ArmAction::Hold, false);
        run(&mut arm, 10.0, false);
        assert_eq!(arm.limits(), (false, true));
        arm.fault = ArmFault::None;
        run(&mut arm, 300.0, false);
        assert!(arm.is_open(), "held");
        arm.pulse(ArmAction::Release, false);
        run(&mut arm, 3.0, false);
        assert_eq!(arm.limits(), (false, true));
    }
}
