//! What goes wrong and how often, and the count of what did. Knows not how a fault is acted out.
//!
//! The kinds come from complaints in the field: old plates repeated, edges lost on reconnect, boards that fall silent,
//! arms that acknowledge and do not move, banks that time out and then say "paid".

use std::{collections::BTreeMap, fmt};

/// Chances from 0 to 1 per event, or means per day for the whole site. All zero: nothing goes wrong.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    pub camera: CameraFaults,
    pub arm: ArmFaults,
    pub inputs: InputFaults,
    pub wire: WireFaults,
    pub bank: BankFaults,
    pub machine: MachineFaults,
    pub people: PeopleFaults,
    pub turnstile: TurnstileFaults,
}

/// Chances per read, unless said otherwise.
#[derive(Clone, Debug, Default)]
pub struct CameraFaults {
    /// One character is taken for another that looks like it.
    pub misread: f64,
    pub missed: f64,
    /// Text that is no plate.
    pub garbage: f64,
    pub doubled: f64,
    /// The same vehicle once more, as another event.
    pub again: f64,
    /// The vehicle before, once more, later.
    pub old_plate: f64,
    /// The camera's clock is off, by up to a year to come.
    pub clock_off: f64,
    /// A day; each lasts minutes, its reads come later.
    pub offline_per_day: f64,
}

#[derive(Clone, Debug, Default)]
pub struct ArmFaults {
    /// Per pulse.
    pub ignores: f64,
    pub stuck_per_day: f64,
    pub limit_broken_per_day: f64,
    pub slow_per_day: f64,
}

#[derive(Clone, Debug, Default)]
pub struct InputFaults {
    /// Per edge.
    pub bounce: f64,
    pub loop_stuck_per_day: f64,
    pub board_silent_per_day: f64,
}

/// Chances per message between a device and the daemon.
#[derive(Clone, Debug, Default)]
pub struct WireFaults {
    pub lost: f64,
    /// By up to five seconds, so that later ones overtake it.
    pub late: f64,
    pub doubled: f64,
    /// An order to an arm is not answered; it may have been carried out.
    pub order_silent: f64,
    pub bursts_per_day: f64,
}

/// Chances per question or payment, unless said otherwise.
#[derive(Clone, Debug, Default)]
pub struct BankFaults {
    pub silent_per_day: f64,
    pub slow: f64,
    pub unknown: f64,
    pub wrong_amount: f64,
    pub notice_lost: f64,
    pub notice_doubled: f64,
    /// A notification of the past, after something else was said.
    pub notice_late: f64,
    /// Reversed, and paid all the same.
    pub late_success: f64,
    pub refund_refused: f64,
    /// Of a statement's row: missing, twice, of another amount, or a day late.
    pub statement_wrong: f64,
}

/// Means per day.
#[derive(Clone, Debug, Default)]
pub struct MachineFaults {
    pub power_cuts: f64,
    pub clock_steps: f64,
}

/// Chances per vehicle, unless said otherwise.
#[derive(Clone, Debug, Default)]
pub struct PeopleFaults {
    pub dozes: f64,
    pub backs_out: f64,
    pub tailgates: f64,
    pub two_phones: f64,
    pub pays_late: f64,
    pub never_pays: f64,
    /// The plate of a vehicle that is inside.
    pub cloned: f64,
    /// Of one who comes often, while that car is inside: the pass is lent to somebody else.
    pub lends: f64,
    /// A day: an operator holds or locks a lane for minutes.
    pub whims_per_day: f64,
    /// Per act of an operator: a wrong one before the right one.
    pub operator_errs: f64,
    /// Per hand-over: the drawer is counted wrong.
    pub miscounts: f64,
}

/// Chances per order, unless said otherwise.
#[derive(Clone, Debug, Default)]
pub struct TurnstileFaults {
    /// Not carried out and not answered.
    pub order_lost: f64,
    /// Carried out and not answered.
    pub answer_lost: f64,
    /// A day, each.
    pub silent_per_day: f64,
    /// A day: its power goes and it counts from nothing.
    pub restarts_per_day: f64,
    /// A day: somebody jumps over it.
    pub jumps_per_day: f64,
    /// A day, of the whole site.
    pub fires_per_day: f64,
}

impl Faults {
    pub fn none() -> Self {
        Self::default()
    }

    /// Everything of these parts, and nothing of the others.
    pub fn of(parts: &[Part]) -> Self {
        let all = Self::all();
        let mut some = Self::none();
        for part in parts {
            match part {
                Part::Camera => some.camera = all.camera.clone(),
                Part::Arm => some.arm = all.arm.clone(),
                Part::Inputs => some.inputs = all.inputs.clone(),
                Part::Wire => some.wire = all.wire.clone(),
                Part::Bank => some.bank = all.bank.clone(),
                Part::Machine => some.machine = all.machine.clone(),
                Part::People => some.people = all.people.clone(),
                Part::Turnstile => some.turnstile = all.turnstile.clone(),
            }
        }
        some
    }

    /// Everything, far more often than in the field.
    pub fn all() -> Self {
        Self {
            camera: CameraFaults {
                misread: 0.03,
                missed: 0.03,
                garbage: 0.02,
                doubled: 0.05,
                again: 0.1,
                old_plate: 0.03,
                clock_off: 0.02,
                offline_per_day: 2.0,
            },
            arm: ArmFaults {
                ignores: 0.01,
                stuck_per_day: 1.0,
                limit_broken_per_day: 1.0,
                slow_per_day: 1.0,
            },
            inputs: InputFaults {
                bounce: 0.03,
                loop_stuck_per_day: 1.0,
                board_silent_per_day: 3.0,
            },
            wire: WireFaults {
                lost: 0.01,
                late: 0.02,
                doubled: 0.02,
                order_silent: 0.02,
                bursts_per_day: 2.0,
            },
            bank: BankFaults {
                silent_per_day: 3.0,
                slow: 0.05,
                unknown: 0.05,
                wrong_amount: 0.01,
                notice_lost: 0.3,
                notice_doubled: 0.3,
                notice_late: 0.1,
                late_success: 0.3,
                refund_refused: 0.1,
                statement_wrong: 0.05,
            },
            machine: MachineFaults { power_cuts: 3.0, clock_steps: 1.0 },
            people: PeopleFaults {
                dozes: 0.02,
                backs_out: 0.03,
                tailgates: 0.05,
                two_phones: 0.05,
                pays_late: 0.05,
                never_pays: 0.02,
                cloned: 0.01,
                lends: 0.1,
                whims_per_day: 4.0,
                operator_errs: 0.2,
                miscounts: 0.2,
            },
            turnstile: TurnstileFaults {
                order_lost: 0.03,
                answer_lost: 0.03,
                silent_per_day: 6.0,
                restarts_per_day: 1.0,
                jumps_per_day: 4.0,
                fires_per_day: 0.5,
            },
        }
    }
}

/// The parts that faults come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Camera,
    Arm,
    Inputs,
    Wire,
    Bank,
    Machine,
    People,
    Turnstile,
}

impl Part {
    pub const ALL: [Self; 8] = [
        Self::Camera,
        Self::Arm,
        Self::Inputs,
        Self::Wire,
        Self::Bank,
        Self::Machine,
        Self::People,
        Self::Turnstile,
    ];
}

/// How often each thing happened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally(pub BTreeMap<&'static str, u64>);

impl Tally {
    pub fn add(&mut self, what: &'static str) {
        *self.0.entry(what).or_default() += 1;
    }

    pub fn of(&self, what: &str) -> u64 {
        self.0.get(what).copied().unwrap_or(0)
    }

    pub fn merge(&mut self, other: &Self) {
        for (what, count) in &other.0 {
            *self.0.entry(what).or_default() += count;
        }
    }

    pub fn total(&self) -> u64 {
        self.0.values().sum()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.0.keys().map(|what| what.len()).max().unwrap_or(0);
        for (what, count) in &self.0 {
            writeln!(f, "  {what:<width$} {count:>9}")?;
        }
        Ok(())
    }
}
