//! Tickets of somebody else's cloud: what the site asks about one, and what the cloud is heard to say, already judged.
//! Knows no wire format.

use std::fmt;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// What the site asks a cloud of tickets. Every repetition carries the same number of ours.
#[derive(Clone, PartialEq, Eq)]
pub enum CloudAsk {
    /// Is this code good here and now? Changes nothing there.
    Check { trade_no: String, code: String },
    /// Whoever showed it came in.
    WriteOff { trade_no: String, ticket_no: String, slip: CloudSlip },
}

impl CloudAsk {
    /// For logs and metrics.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Check { .. } => "check",
            Self::WriteOff { .. } => "write_off",
        }
    }
}

/// The code stays out of logs.
impl fmt::Debug for CloudAsk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Check { trade_no, .. } | Self::WriteOff { trade_no, .. } => {
                write!(f, "{} {trade_no}", self.name())
            }
        }
    }
}

/// What the cloud wants to hear again when its ticket is written off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CloudSlip {
    /// The cloud's own numbers of the tickets behind the code.
    pub ticket_nos: Vec<String>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub enter_type: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub ticket_type: String,
}

/// The cloud's word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CloudWord {
    /// Good for so many persons, until the end of this day where one is named.
    Good {
        slip: CloudSlip,
        persons: u32,
        until: Option<Date>,
    },
    /// It is written off, now or by the same number before.
    WrittenOff,
    Refused {
        no: CloudNo,
        why: String,
    },
    /// Nothing that could be believed: asked again, or decided by the site's rule.
    Unknown {
        why: String,
    },
}

/// Why a cloud says no.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CloudNo {
    NotThere,
    Used,
    TooEarly,
    TooLate,
    /// In its own words.
    Other,
}
