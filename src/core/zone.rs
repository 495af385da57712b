//! Zones: nested parts of the car park, each with a count. Knows no sign and no lane.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::types::ZoneId;

/// What the journal keeps of a zone. How many vehicles are inside follows from the open stays; this is the rest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Zone {
    pub id: ZoneId,
    /// Vehicles inside that no open stay tells of; below zero: open stays without a vehicle. An operator who counted
    /// sets it, and a vehicle that slipped through changes it by one.
    pub correction: i64,
    pub corrected_at: Option<Timestamp>,
}

/// Time spent in a nested zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    pub zone: ZoneId,
    pub from: Timestamp,
    /// `None`: it is there now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Timestamp>,
}
