//! What has been counted of a day against the site's limits. Knows no limit.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::types::{LaneId, Money, Plate};

/// What a limit of a day is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Limited {
    /// Paid for one plate.
    Plate(Plate),
    /// Paid by one payer, by [`crate::types::bank::Payer::mark`].
    Payer(String),
    /// Paid at one lane.
    Lane(LaneId),
    /// Paid by the code that is printed at a lane; `None`: by the one inside the lot.
    Printed(Option<LaneId>),
    /// Cash one operator gave back.
    CashBack(String),
    /// Fees one operator let go.
    Waived(String),
    /// What one operator gives up, however little: how often, not how much.
    Acts(String),
}

impl Limited {
    /// Its key on record.
    pub fn key(&self) -> String {
        match self {
            Self::Plate(plate) => format!("plate {}", plate.full()),
            Self::Payer(mark) => format!("payer {mark}"),
            Self::Lane(lane) => format!("lane {lane}"),
            Self::Printed(Some(lane)) => format!("printed {lane}"),
            // No lane is called so.
            Self::Printed(None) => "printed /lot".to_owned(),
            Self::CashBack(who) => format!("cash_back {who}"),
            Self::Waived(who) => format!("waived {who}"),
            Self::Acts(who) => format!("acts {who}"),
        }
    }

    /// What is limited, without whose it is: for words to people and for logs.
    pub fn name(&self) -> LimitName {
        match self {
            Self::Plate(_) => LimitName::Plate,
            Self::Payer(_) => LimitName::Payer,
            Self::Lane(_) => LimitName::Lane,
            Self::Printed(_) => LimitName::Printed,
            Self::CashBack(_) => LimitName::CashBack,
            Self::Waived(_) => LimitName::Waived,
            Self::Acts(_) => LimitName::Acts,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitName {
    Plate,
    Payer,
    Lane,
    Printed,
    CashBack,
    Waived,
    Acts,
}

/// The sum of one day, of one plate, lane or person. Kept only where the site sets a limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spent {
    /// As [`Limited::key`] says it.
    pub id: String,
    /// The first instant of the next day: then it counts for nothing.
    pub until: Timestamp,
    pub amount: Money,
    /// When it happened lately, oldest first; only of what is counted by how often.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recent: Vec<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over_at: Option<Timestamp>,
}
