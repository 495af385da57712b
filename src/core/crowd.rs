//! Persons inside a zone: what its gates counted since the day began, and what an operator found. Knows no ticket.

use std::time::Duration;

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde::{Deserialize, Serialize};

use crate::types::ZoneId;

/// What the journal keeps of a zone for people. Everybody who goes in or out counts, also whom nobody let in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Crowd {
    pub id: ZoneId,
    /// By the site's calendar; each day begins with nobody inside.
    pub day: Date,
    /// Below zero where more were seen to go out than in.
    pub inside: i64,
    /// On the row of an operator's count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counted: Option<CrowdCount>,
}

/// An operator's count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CrowdCount {
    pub at: Timestamp,
    pub who: String,
    pub reason: String,
    /// What was thought.
    pub was: i64,
}

impl Crowd {
    /// Persons inside on a day.
    pub fn inside_on(&self, day: Date) -> u32 {
        if self.day == day { u32::try_from(self.inside.max(0)).unwrap_or(u32::MAX) } else { 0 }
    }
}

/// The day of a site that begins so long after midnight.
pub fn day_of(now: Timestamp, zone: &TimeZone, begins: Duration) -> Date {
    now.checked_sub(begins).unwrap_or(now).to_zoned_datetime(zone.clone()).date()
}
