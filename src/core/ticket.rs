//! Tickets and admissions: who may come in how often, and who did. Knows no turnstile.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{lane::Cause, rules::Direction};
use crate::types::{AdmissionId, CodeDigest, CommandId, LaneId, TicketId};

/// The right of some persons to come in within a time. Its code is kept as a digest only.
///
/// It is in memory while it can still let somebody in, or while nobody knows whether somebody it let in went. After
/// that it is in the tables only, and looked up there when its code is scanned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    pub id: TicketId,
    pub digest: CodeDigest,
    /// How many persons may come in on it, each once.
    pub persons: u32,
    /// Persons who went.
    pub used: u32,
    /// Persons let in who have not gone yet, or of whom nobody knows.
    pub held: u32,
    pub valid_from: Timestamp,
    pub valid_until: Timestamp,
    pub revoked: bool,
    /// Its last day is over.
    pub expired: bool,
    pub made_at: Timestamp,
    /// The operator who registered it.
    pub made_by: String,
    /// The operator who revoked it; empty: nobody did.
    pub revoked_by: String,
}

impl Ticket {
    /// Persons who may still come in.
    pub fn left(&self) -> u32 {
        self.persons.saturating_sub(self.used).saturating_sub(self.held)
    }

    /// Whether it is in memory: see [`Ticket`]. The table computes the same in `is_alive`.
    pub fn is_alive(&self) -> bool {
        self.held > 0 || !self.revoked && !self.expired && self.used < self.persons
    }

    /// Why it lets nobody in now.
    pub fn objection(&self, now: Timestamp) -> Option<NotAdmitted> {
        match () {
            () if self.revoked => Some(NotAdmitted::Revoked),
            () if now < self.valid_from => Some(NotAdmitted::TooEarly),
            () if self.expired || now > self.valid_until => Some(NotAdmitted::TooLate),
            () if self.left() == 0 => Some(NotAdmitted::UsedUp),
            () => None,
        }
    }
}

/// Why nobody is let in: shown at the gate, and on record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotAdmitted {
    /// No ticket has this code.
    Unknown,
    UsedUp,
    TooEarly,
    TooLate,
    Revoked,
    LaneLocked,
    /// Two are on their way already.
    Busy,
    /// The turnstile is not heard.
    Faulty,
}

/// One person let through a turnstile, from the order to what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Admission {
    pub id: AdmissionId,
    /// `None`: by an operator.
    pub ticket: Option<TicketId>,
    pub lane: LaneId,
    pub way: Way,
    /// Why, for an operator's.
    pub cause: Option<Cause>,
    /// The order to the turnstile.
    pub command: CommandId,
    pub state: AdmissionState,
    pub at: Timestamp,
    /// When it became used, given back or unsure.
    pub ended_at: Option<Timestamp>,
    /// The turnstile's counter before the order, if it has one.
    pub counter_before: Option<u32>,
    /// What the person who settled an unsure one said.
    pub settled: Option<Cause>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AdmissionState {
    /// Let in, and not gone yet.
    Granted,
    /// Went through.
    Used,
    /// Nobody went; the ticket has the person back.
    GivenBack,
    /// Nobody knows; the ticket does not have the person back until somebody decides.
    Unsure,
}

impl AdmissionState {
    /// Still in memory.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Granted | Self::Unsure)
    }

    /// The word used in tables and pages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Granted => "granted",
            Self::Used => "used",
            Self::GivenBack => "given_back",
            Self::Unsure => "unsure",
        }
    }
}

/// Which way through a turnstile, seen from the site.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    In,
    Out,
    /// Only ever free, for a fire.
    Both,
}

impl Way {
    /// A lane for people lets them through one way.
    pub fn of(direction: Direction) -> Self {
        match direction {
            Direction::Entry => Self::In,
            Direction::Exit => Self::Out,
        }
    }
}

/// What a turnstile is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PassAction {
    /// Let one person through.
    Grant,
    /// Let everybody through until closed.
    Free,
    /// Let nobody through; takes back what was granted and not used.
    Close,
}

/// How somebody went whom nobody granted it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Walk {
    /// The turnstile was free.
    Free,
    /// Forced, by key, or behind somebody.
    NotAllowed,
}
