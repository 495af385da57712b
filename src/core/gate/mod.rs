//! A people lane: a turnstile, its counter, and the one person it is open for. Knows no ticket's content.
//!
//! ```text
//!            grant              walks            went
//!   Idle ───────────▶ Granted ───────▶ Passing ───────▶ Idle
//!    ▲                   │ nobody came, refused, silent
//!    │  closed: counter  ▼                       not answered
//!    └────────────── Closing ──────────────────────────────▶ Faulty ──▶ Closing again
//!   HeldFree: by an operator or a fire.  Locked: by an operator.  Faulty: the turnstile is not heard or not believed.
//! ```
//!
//! The machine ([`step`]) answers every (phase, event) pair. A pass is granted by one order that is never sent again.
//! Who did not go is given back only after the turnstile took the order to close and its counter stands where it
//! stood; what nobody can tell stays [`Act::Unsure`]. Orders to close and to stand free may be repeated under new ids:
//! they admit nobody twice.

mod machine;
#[cfg(test)]
mod tests;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::machine::{Step, step};
use super::lane::{Cause, LaneAlarm, OperatorAct, Reject};
pub use super::ticket::{NotAdmitted, PassAction, Walk, Way};
use crate::types::{AdmissionId, CommandId, LaneId, TicketId};

/// What the turnstile is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    Idle,
    /// Open for one person.
    Granted,
    /// Somebody is in it.
    Passing,
    /// Told to close; it has not said yet that it did.
    Closing,
    HeldFree,
    Locked,
    Faulty,
}

impl Phase {
    pub const ALL: [Self; 7] = [
        Self::Idle,
        Self::Granted,
        Self::Passing,
        Self::Closing,
        Self::HeldFree,
        Self::Locked,
        Self::Faulty,
    ];

    /// The word used in logs, tables and pages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Granted => "granted",
            Self::Passing => "passing",
            Self::Closing => "closing",
            Self::HeldFree => "held_free",
            Self::Locked => "locked",
            Self::Faulty => "faulty",
        }
    }
}

/// One order to the turnstile: committed before it is sent, never sent after `expires_at`, never sent twice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassOrder {
    pub id: CommandId,
    pub action: PassAction,
    pub way: Way,
    /// For `Free`: why. Whom `Grant` is for stands on its admission.
    pub cause: Option<Cause>,
    pub at: Timestamp,
    pub expires_at: Timestamp,
    /// The turnstile took it.
    pub done: bool,
}

/// The one person it is open for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pass {
    pub admission: AdmissionId,
    pub ticket: Option<TicketId>,
    /// Persons the ticket has left, for the display.
    pub left: u32,
    /// The turnstile was out of sight since: without a counter nobody can tell who went.
    pub blind: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Due {
    pub at: Timestamp,
    pub why: Why,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// The turnstile is open and nobody came.
    Unused,
    /// Somebody has been in it for very long.
    Stuck,
    /// It has not said whether it closed.
    NotClosed,
    /// It did not close or stand free: it is told once more.
    TellAgain,
    /// A refusal has been shown for long enough.
    Shown,
}

/// A people lane as it stands. The journal keeps it whole at every change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gate {
    pub id: LaneId,
    pub phase: Phase,
    /// The counter's last word, for turnstiles that have one.
    pub counter: Option<u32>,
    /// The turnstile is heard.
    pub heard: bool,
    /// Its passage contact is on.
    pub walking: bool,
    pub pass: Option<Pass>,
    /// Scanned while another was on the way.
    pub next: Option<TicketId>,
    /// The last order given.
    pub order: Option<PassOrder>,
    pub due: Option<Due>,
    /// Why the last one was not let in, as long as it is shown.
    pub refused: Option<NotAdmitted>,
    /// Waits for a place inside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crowded: Option<Crowded>,
    /// So many more of the ticket it is open for follow on the same scan.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub follow: u32,
}

/// One who would be let in if there were a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Crowded {
    pub ticket: TicketId,
    pub at: Timestamp,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_zero(count: &u32) -> bool {
    *count == 0
}

impl Gate {
    /// A gate nobody has heard from yet.
    pub fn new(id: LaneId) -> Self {
        Self {
            id,
            phase: Phase::Faulty,
            counter: None,
            heard: false,
            walking: false,
            pass: None,
            next: None,
            order: None,
            due: None,
            refused: None,
            crowded: None,
            follow: 0,
        }
    }

    /// Free for a fire.
    pub fn is_free_for_fire(&self) -> bool {
        let fire = |order: &PassOrder| order.cause == Some(Cause::Fire);
        self.phase == Phase::HeldFree && self.order.as_ref().is_some_and(fire)
    }
}

/// What the turnstile tells of passages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// Its counter stands here: told when it changes, and whenever it is heard again.
    Total(u32),
    /// Its contact went on: somebody is in it.
    Walks,
    /// Its contact went off: somebody went.
    One,
    /// Its contact is off, read anew.
    Nobody,
}

/// What happens to a gate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// One person may go.
    Grant(Pass),
    Counted(Counted),
    /// The turnstile is silent: nothing is known of it.
    Lost,
    /// It took the order; its counter, read after that.
    Done(Option<u32>),
    /// It refused the order, or nobody answered.
    Failed,
    Due,
    Operator(OperatorAct, Cause),
    /// There is a fire.
    Fire,
}

/// What the gate asks of the rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    Tell(PassAction, Option<Cause>),
    /// The one it was open for went.
    Used(Pass),
    /// Nobody went.
    GivenBack(Pass),
    /// Nobody knows.
    Unsure(Pass),
    /// So many went whom nobody let in.
    Walked(Walk, u32),
    Alarm(LaneAlarm),
    Calm(LaneAlarm),
}

/// What a step says no with; the same words as a vehicle lane's.
pub type Taken = Result<(), Reject>;
