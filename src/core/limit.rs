//! What has been counted of a day against the site's limits. Knows no limit.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::types::{LaneId, Money, Plate};

/// What a limit of a day is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Limited {
    /// Paid for one plate.
    Plate(Plate),
    /// Paid at one lane.
    Lane(LaneId),
    /// Paid by the code that is printed at a lane.
    Printed(LaneId),
    /// Cash one operator gave back.
    CashBack(String),
    /// Fees one operator let go.
    Waived(String),
}

impl Limited {
    /// Its key on record.
    pub fn key(&self) -> String {
        match self {
            Self::Plate(plate) => format!("plate {}", plate.full()),
            Self::Lane(lane) => format!("lane {lane}"),
            Self::Printed(lane) => format!("printed {lane}"),
            Self::CashBack(who) => format!("cash_back {who}"),
            Self::Waived(who) => format!("waived {who}"),
        }
    }

    /// What is limited, without whose it is: for words to people and for logs.
    pub fn name(&self) -> LimitName {
        match self {
            Self::Plate(_) => LimitName::Plate,
            Self::Lane(_) => LimitName::Lane,
            Self::Printed(_) => LimitName::Printed,
            Self::CashBack(_) => LimitName::CashBack,
            Self::Waived(_) => LimitName::Waived,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitName {
    Plate,
    Lane,
    Printed,
    CashBack,
    Waived,
}

/// The sum of one day, of one plate, lane or person. Kept only where the site sets a limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spent {
    /// As [`Limited::key`] says it.
    pub id: String,
    /// The first instant of the next day: then it counts for nothing.
    pub until: Timestamp,
    pub amount: Money,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over_at: Option<Timestamp>,
}
