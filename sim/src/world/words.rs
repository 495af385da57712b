//! What the world says and is told. Knows not how any of it comes about.

use jiff::Timestamp;
use paifang::{
    core::{
        input::ArmOutcome,
        lane::{OperatorAct, Reject, Sensor},
    },
    types::CommandId,
};

use super::{CameraRead, LaneSpec, VehicleId};

/// A lane by its place in [`SiteSpec::lanes`].
pub type LaneIx = usize;
pub type PhoneId = u32;

/// What a site is built of and who comes.
#[derive(Clone, Debug)]
pub struct SiteSpec {
    pub lanes: Vec<LaneSpec>,
    pub vehicles_per_day: f64,
    pub pace: Pace,
    /// Plates of those who come again and again; the rest come once.
    pub regulars: Vec<String>,
    /// Share of vehicles without a plate.
    pub unlicensed: f64,
    pub starts_at: Timestamp,
}

/// How long people take. The default: as on a real day.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Seconds of a stay, from and to, at all hours alike; `None`: minutes or hours, by the hour of the day.
    pub stay_s: Option<(f64, f64)>,
    /// People are this many times as quick with phones and decisions.
    pub haste: f64,
}

impl Default for Pace {
    fn default() -> Self {
        Self { stay_s: None, haste: 1.0 }
    }
}

/// What the daemon's side gets to know, each at the time of the step that returned it.
#[derive(Clone, Debug, PartialEq)]
pub enum Happening {
    Sensor {
        lane: LaneIx,
        sensor: Sensor,
        on: bool,
    },
    /// The relay board answers no more, or again.
    Board {
        lane: LaneIx,
        silent: bool,
    },
    Read {
        lane: LaneIx,
        read: CameraRead,
    },
    ArmAnswered {
        lane: LaneIx,
        command: CommandId,
        outcome: ArmOutcome,
    },
    /// A phone opens the lane's page, or looks at it again. Answer with [`super::World::page`].
    PageWanted {
        phone: PhoneId,
        lane: LaneIx,
    },
    /// A phone pays at the bank's cashier. Answer with [`super::World::cashier_said`].
    PaysAtCashier {
        phone: PhoneId,
        link: String,
    },
    TypesPlate {
        lane: LaneIx,
        plate: String,
        by: &'static str,
    },
    /// The vehicle has no plate: its driver says so at an entry, and shows the same phone at an exit.
    HasNoPlate {
        lane: LaneIx,
        vehicle: VehicleId,
    },
    /// Answer with [`super::World::operator_told`].
    Operator {
        lane: LaneIx,
        act: OperatorAct,
        reason: &'static str,
    },
    /// Ground truth, for pictures and counts: the daemon does not hear it.
    Through {
        lane: LaneIx,
        vehicle: VehicleId,
    },
    Touched {
        lane: LaneIx,
        vehicle: VehicleId,
    },
}

/// What a phone sees after it asked to pay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Page {
    Link(String),
    /// It turns and turns, or the site does not answer.
    NotYet,
    /// Nothing to pay here any more.
    Over,
}

/// What an operator's word came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    Done,
    Refused(Option<Reject>),
    /// The site did not answer.
    Nobody,
}
