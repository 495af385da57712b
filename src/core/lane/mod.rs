//! A lane: what it does, what its sensors say, which vehicle it serves. Knows no money.
//!
//! ```text
//!                 arrival on            read               admit
//!   Idle ───────▶ VehiclePresent ───▶ Deciding ──────────▶ Opening ──▶ Open ──▶ Passing
//!    ▲                                  │  await pay          ▲  open limit  safety on │
//!    │                                  ▼                     │                        │
//!    │                              AwaitingPayment ──────────┘ paid                   │
//!    └────────────────────────────── Closing ◀──────────────────────────── safety off ─┘
//!           closed limit
//!   HeldOpen, Locked: by an operator.   Faulty: the arm's position is not known.
//! ```
//!
//! The machine ([`step`]) answers every (phase, event) pair; an impossible one is a [`Reject`], never a panic.
//! The barrier's own controller is the safety device: the machine never asks for `Close` while a loop is
//! occupied or unknown, and repeats an open order only where the closed limit proves that the arm did not move.

mod machine;
#[cfg(test)]
mod tests;
mod wait;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::{
    machine::{Step, step},
    wait::{Wait, WaitsFor},
};
use super::{
    frictionless::Attempt,
    matching,
    rules::{Direction, LaneRules},
    stay::Read,
};
use crate::types::{CodeDigest, CommandId, LaneId, OrderId, Plate, StayId, TaskId, Vehicle};

/// What the lane is doing.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    Idle,
    VehiclePresent,
    Deciding,
    AwaitingPayment,
    Opening,
    Open,
    Passing,
    Closing,
    HeldOpen,
    Locked,
    /// The arm's position is not known, or it does not do what it is told.
    Faulty,
}

impl Phase {
    pub const ALL: [Self; 11] = [
        Self::Idle,
        Self::VehiclePresent,
        Self::Deciding,
        Self::AwaitingPayment,
        Self::Opening,
        Self::Open,
        Self::Passing,
        Self::Closing,
        Self::HeldOpen,
        Self::Locked,
        Self::Faulty,
    ];

    /// The word used in logs, tables, topics and pages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::VehiclePresent => "vehicle_present",
            Self::Deciding => "deciding",
            Self::AwaitingPayment => "awaiting_payment",
            Self::Opening => "opening",
            Self::Open => "open",
            Self::Passing => "passing",
            Self::Closing => "closing",
            Self::HeldOpen => "held_open",
            Self::Locked => "locked",
            Self::Faulty => "faulty",
        }
    }
}

/// What an input of the lane says, or that nobody knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Signal {
    #[default]
    Unknown,
    Off,
    On,
}

impl Signal {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
    fn is_unknown(&self) -> bool {
        *self == Self::Unknown
    }
}

/// The inputs a lane can have. Which are wired is in [`super::rules::Wired`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sensor {
    Arrival,
    Safety,
    OpenLimit,
    ClosedLimit,
    /// A light beam under the arm: only ever a reason not to close.
    Beam,
    /// The barrier's own key switch: whoever turns it opens the arm without us.
    ManualKey,
}

/// The last word of each input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Sensors {
    pub arrival: Signal,
    pub safety: Signal,
    pub open_limit: Signal,
    pub closed_limit: Signal,
    /// Few lanes have these two, and every row of the journal would carry them.
    #[serde(default, skip_serializing_if = "Signal::is_unknown")]
    pub beam: Signal,
    #[serde(default, skip_serializing_if = "Signal::is_unknown")]
    pub manual_key: Signal,
}

/// Why the arm may open. On record before any byte leaves for the arm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "why")]
pub enum Cause {
    /// A vehicle comes in.
    Entry,
    /// Nothing is owed.
    Free,
    Paid {
        order: OrderId,
    },
    Operator {
        who: String,
        reason: String,
    },
    /// Somebody opened it with the barrier's own key.
    Key,
    /// There is a fire: every way out opens.
    Fire,
    /// The bank is down and the site lets it go: what it owes stays on record.
    PayLater {
        order: OrderId,
    },
    /// An emergency vehicle waits behind it.
    Emergency,
    /// What is bound to its plate is being charged: the bank took that on itself, or the site goes by its risk.
    Charged {
        order: OrderId,
    },
}

/// What a vehicle waits for that only a person can give.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Help {
    /// The camera saw no plate or none that anybody could have.
    NoPlate,
    /// No open stay has this plate.
    NoStay,
    /// There is a fire: nobody drives in.
    Fire,
    /// The plate that comes in is inside already.
    Twice,
    /// Earlier stays were not paid for.
    Arrears,
    /// The site has no tariff that prices this stay.
    NoTariff,
    /// It is on the black list.
    Black,
    /// No space is free for it.
    Full,
    /// Its pass is over.
    PassEnded,
    /// Its pass's spaces are taken, or nothing is left of it.
    PassUsedUp,
    /// Its pass is for another zone.
    WrongZone,
    /// Its pass is not for these hours.
    OutOfHours,
    /// The lane is not for it.
    WrongLane,
    /// Its driver typed the plate of somebody with a right of their own.
    TypedPlate,
    /// Its pass is inside already.
    AlreadyInside,
    /// Its pass has left already.
    NotInside,
}

impl Help {
    /// It is not let pass, and knows why: nobody is called unless it goes on standing there.
    pub fn is_denial(self) -> bool {
        match self {
            Self::NoPlate | Self::NoStay | Self::Fire | Self::Twice | Self::NoTariff => false,
            Self::Arrears
            | Self::Black
            | Self::Full
            | Self::PassEnded
            | Self::PassUsedUp
            | Self::WrongZone
            | Self::OutOfHours
            | Self::WrongLane
            | Self::TypedPlate
            | Self::AlreadyInside
            | Self::NotInside => true,
        }
    }
}

/// The vehicle a lane serves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Visit {
    pub read: Option<Read>,
    /// Who the vehicle is taken to be: the camera's plate, or what a person put in its place.
    pub plate: Option<Plate>,
    pub stay: Option<StayId>,
    pub order: Option<OrderId>,
    /// `None`: nobody has allowed it to pass.
    pub cause: Option<Cause>,
    pub help: Option<Help>,
    /// The driver typed the plate: no camera read it and no operator looked.
    #[serde(default, skip_serializing_if = "is_false")]
    pub typed: bool,
    /// The phone of a driver whose vehicle has no plate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<CodeDigest>,
    /// Open orders given for it so far.
    pub opens: u8,
    /// What an operator is asked about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<TaskId>,
    /// Plates its driver tried in vain.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub tries: u8,
    /// It may pass as soon as the coupled lane lets it, for this cause.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits: Option<Cause>,
    /// How far charging what is bound to its plate has come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<Attempt>,
}

impl Visit {
    pub fn of(read: Read) -> Self {
        let plate = read.plate.clone();
        Self { plate, read: Some(read), ..Self::unread() }
    }

    pub fn unread() -> Self {
        Self {
            read: None,
            plate: None,
            stay: None,
            order: None,
            cause: None,
            help: None,
            typed: false,
            phone: None,
            opens: 0,
            task: None,
            tries: 0,
            waits: None,
            attempt: None,
        }
    }

    /// What the camera saw besides the plate.
    pub fn vehicle(&self) -> Vehicle {
        self.read.as_ref().map(|read| read.vehicle).unwrap_or_default()
    }

    pub fn is_same_vehicle(&self, other: &Self) -> bool {
        self.plate.is_some() && self.plate == other.plate
    }

    /// A camera that reads one vehicle twice may not read the same twice.
    pub fn may_be_same_vehicle(&self, other: &Self) -> bool {
        let plates = self.plate.as_ref().zip(other.plate.as_ref());
        plates.is_some_and(|(a, b)| a == b || matching::looks_alike(a, b))
    }
}

/// What an arm is told to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ArmAction {
    Open,
    Close,
    /// Stay open until released.
    Hold,
    Release,
}

/// One order to the arm: committed before it is sent, never sent after `expires_at`, never sent twice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArmOrder {
    pub id: CommandId,
    pub action: ArmAction,
    /// For `Open` and `Hold`: why. `Close` and `Release` need none.
    pub cause: Option<Cause>,
    pub at: Timestamp,
    pub expires_at: Timestamp,
}

/// What the lane does when nothing happens until then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Due {
    pub at: Timestamp,
    pub why: Why,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// A vehicle stands there and no read has come: ask the camera.
    Unread,
    /// The driver has waited long enough: call the operator.
    Waiting,
    /// The arrival loop went free: the vehicle backed out if it stays so.
    Vacated,
    /// The arm has not reached its open limit.
    NotOpen,
    /// The arm is open and nobody drives.
    Unused,
    /// The safety loop has been occupied for very long.
    Stuck,
    /// The arm has not reached its closed limit.
    NotClosed,
    /// It did not take the order to stay open for a fire: it is told again.
    NotHeld,
    /// Somebody came back onto the arrival loop; the camera was asked who.
    Returned,
    /// The vehicle that was read behind the last one has not come up to the arm.
    Queued,
}

/// What the loops tell of vehicles close behind one another, while the arm is up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Trail {
    /// A vehicle has gone through since the arm was last down or told to open.
    #[serde(skip_serializing_if = "is_false")]
    pub gone: bool,
    /// The vehicle under the arm has left the arrival loop: whoever stands on it now is another.
    #[serde(skip_serializing_if = "is_false")]
    pub cleared: bool,
    /// Vehicles under the arm that nobody let in.
    #[serde(skip_serializing_if = "is_zero")]
    pub behind: u8,
}

impl Trail {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
    fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
fn is_false(flag: &bool) -> bool {
    !flag
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
fn is_zero(count: &u8) -> bool {
    *count == 0
}

/// A vehicle between the two ends of a sluice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Between {
    /// `None`: nobody read it.
    pub plate: Option<Plate>,
    pub since: Timestamp,
}

/// A lane as it stands. The journal keeps it whole at every change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lane {
    pub id: LaneId,
    pub phase: Phase,
    pub sensors: Sensors,
    pub visit: Option<Visit>,
    /// A read of the vehicle behind, while the first is not gone yet.
    pub next: Option<Visit>,
    /// The last order given to the arm.
    pub order: Option<ArmOrder>,
    pub due: Option<Due>,
    /// Hashes of the latest reads taken, so that a second copy is known as one.
    pub recent: Vec<u64>,
    /// The last plate that passed and when: the camera often reads it once more.
    pub passed: Option<(Plate, Timestamp)>,
    /// Who follows whom under the arm, until it is down.
    #[serde(default, skip_serializing_if = "Trail::is_none")]
    pub trail: Trail,
    /// A tidal lane that leads the other way than at first.
    #[serde(default, skip_serializing_if = "is_false")]
    pub turned: bool,
    /// When the times of day turn it next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn_at: Option<Timestamp>,
    /// When the barrier's key was last turned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keyed_at: Option<Timestamp>,
    /// Vehicles that went through it into the sluice it is one end of, and have not come out at the other: oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub between: Vec<Between>,
    /// What its vehicle waits for, while it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait: Option<Wait>,
}

impl Lane {
    /// A lane nobody has heard from yet.
    pub fn new(id: LaneId) -> Self {
        Self {
            id,
            phase: Phase::Faulty,
            sensors: Sensors::default(),
            visit: None,
            next: None,
            order: None,
            due: None,
            recent: Vec::new(),
            passed: None,
            trail: Trail::default(),
            turned: false,
            turn_at: None,
            keyed_at: None,
            between: Vec::new(),
            wait: None,
        }
    }

    /// Where it leads now.
    pub fn direction(&self, rules: &LaneRules) -> Direction {
        match rules.direction {
            Direction::Entry if self.turned => Direction::Exit,
            Direction::Exit if self.turned => Direction::Entry,
            direction => direction,
        }
    }

    /// The last order holds it open for a fire.
    pub fn is_held_for_fire(&self) -> bool {
        self.phase == Phase::HeldOpen
            && self.order.as_ref().is_some_and(|order| order.cause == Some(Cause::Fire))
    }
}

/// What happens to a lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    Sensor(Sensor, bool),
    /// The relay board is silent: nothing is known of any input.
    SensorsLost,
    /// The camera read a vehicle.
    Seen(Visit),
    /// The vehicle may pass.
    Admit(Cause),
    /// The vehicle must pay this order first.
    AwaitPayment(OrderId),
    /// Only a person can help.
    NeedHelp(Help),
    /// The arm's controller took the order.
    Done,
    /// The order was refused or nobody answered.
    Failed,
    /// The lane's deadline has come.
    Due,
    Operator(OperatorAct, Cause),
    /// There is a fire and this is a way out.
    Fire,
}

/// What an operator can do to a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OperatorAct {
    Open,
    Close,
    Hold,
    Release,
    Lock,
    Unlock,
    /// A tidal lane leads the other way from now on.
    Turn,
}

/// What the lane asks of the rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    Arm(ArmAction, Option<Cause>),
    TriggerRead,
    /// The vehicle has gone through.
    Passed(Visit),
    /// A vehicle went through behind another, before the arm was down, and nobody let it.
    Tailgated(Visit),
    /// The vehicle went away without passing.
    BackedOut(Visit),
    Alarm(LaneAlarm),
    Calm(LaneAlarm),
}

/// What an operator must know of a lane.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum LaneAlarm {
    /// Somebody waits for a person.
    HelpWanted,
    /// Something stands under an arm that is closed.
    UnderArm,
    /// The arm went up and nobody of us told it to.
    OpenedOutside,
    /// A vehicle went through that nobody allowed.
    NotAllowed,
    /// A vehicle went through close behind another, under an arm that was up for that one.
    Tailgated,
    ArmNotOpen,
    ArmNotClosed,
    /// The arm's controller refused an order or did not answer.
    ArmSilent,
    LoopStuck,
    SensorsLost,
    /// The beam under the arm is interrupted, or not heard, while nothing else holds the arm up.
    BeamBlocked,
    /// Somebody went through a turnstile whom nobody let in.
    Forced,
    /// The turnstile refused an order or did not answer.
    PassSilent,
    /// Nothing is known of the turnstile.
    TurnstileLost,
    /// Somebody has been in the turnstile for very long.
    PassageStuck,
}

/// Why a lane did nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reject {
    NoVehicle,
    AlreadyOpen,
    AlreadyClosed,
    LaneLocked,
    LaneHeld,
    NotHeld,
    NotLocked,
    LoopOccupied,
    LoopUnknown,
    Passing,
    /// The same vehicle again.
    SameVehicle,
    NotWaited,
    /// Came too late to matter.
    Stale,
    /// The turnstile is not heard.
    Blind,
    /// The lane always leads the same way.
    NotTidal,
    /// Somebody is in the lane.
    Occupied,
}
