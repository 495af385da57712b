//! Tasks: what only a person can decide, as long as nobody has. Knows no page.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::types::{ChannelId, LaneId, StayId, TaskId, TicketId};

/// Something for the operator's work list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Task {
    pub id: TaskId,
    pub about: About,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lane: Option<LaneId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stay: Option<StayId>,
    pub since: Timestamp,
    /// When it becomes an alarm, unless somebody takes it on before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Timestamp>,
    /// Who sees to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken: Option<Taken>,
    /// Who settled it and how; `since` and this make its history.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over_at: Option<Timestamp>,
}

impl Task {
    /// Somebody in a lane waits for a person.
    pub fn is_call(&self) -> bool {
        matches!(self.about, About::HelpCall { .. })
    }

    /// The driver, and not Paifang for the driver, called.
    pub fn is_drivers_call(&self) -> bool {
        matches!(&self.about, About::HelpCall { from, .. } if *from != CallFrom::Waiting)
    }
}

/// What a task is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum About {
    /// A read at an exit fits no open stay: the candidates, best first.
    Misread {
        raw: String,
        candidates: Vec<Candidate>,
        /// Name of the kept picture of the vehicle at the exit.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        picture: Option<String>,
    },
    /// A plate came in that is inside already: the former stay and the new one.
    PlateTwice { former: StayId },
    /// A vehicle went through behind another.
    Tailgate,
    /// Two came in on one right of a ticket, while the daemons of the site were apart.
    AdmittedTwice { ticket: TicketId, sister: String },
    /// Somebody was let in on a ticket that its cloud does not write off.
    CloudRefused { cloud: ChannelId, trade_no: String, why: String },
    /// A driver asks for help.
    HelpCall {
        #[serde(default)]
        from: CallFrom,
        /// The driver's own words; empty: none.
        says: String,
    },
}

/// How a person was called.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum CallFrom {
    /// The driver's phone.
    #[default]
    Phone,
    /// The button at the lane.
    Button,
    /// Nobody: the vehicle has waited for as long as the site lets it.
    Waiting,
}

/// Who sees to a task, and since when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Taken {
    pub who: String,
    pub at: Timestamp,
}

/// What an operator does about a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TaskAct {
    /// It is theirs from now on, also where it was another's.
    Take,
    /// It is settled, in their own words.
    Settle { what: String },
}

/// An open stay that may be the one, with how well it fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Candidate {
    pub stay: StayId,
    /// Percent.
    pub score: u8,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Outcome {
    /// An operator, or `paifang` when it settled itself.
    pub who: String,
    pub what: String,
}
