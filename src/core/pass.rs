//! Passes, lists and reservations: who may come in by what right. Knows no lane and no fee.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::types::{ListedId, PassId, Plate, ReservationId, StayId, ZoneId};

/// A season pass (月卡) of one holder. Several plates may share fewer spaces (一位多车).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pass {
    pub id: PassId,
    pub holder: String,
    pub plates: Vec<Plate>,
    /// So many of its plates are covered at a time; the rest pay like anybody.
    pub spaces: u32,
    pub kind: PassKind,
    /// Where it is good; empty: everywhere.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub zones: BTreeSet<ZoneId>,
    pub valid_from: Timestamp,
    pub valid_until: Timestamp,
    /// When in the week it is good; empty: always.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hours: Vec<WeekSpan>,
    /// Ended before its time, or replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over_at: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum PassKind {
    /// Paid for a time: a month, a season, a year.
    Season,
    /// Fees are taken from what was paid in.
    Stored { balance_minor: i64 },
    /// Good for so many more stays.
    Count { left: u32 },
}

/// A span of local time on some days of the week, such as 08:00 to 18:00 from Monday to Friday.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WeekSpan {
    /// Bit 0 is Monday, bit 6 Sunday.
    pub days: u8,
    /// Minutes from midnight; a span with `to` at or before `from` ends on the next day.
    pub from_minute: u16,
    pub to_minute: u16,
}

/// A plate the site knows by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    pub id: ListedId,
    pub plate: Plate,
    pub list: List,
    /// Shown to the operator.
    pub note: String,
    pub from: Timestamp,
    /// `None`: until somebody takes it off.
    pub until: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over_at: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum List {
    /// Not let in.
    Black,
    /// Staff and others who pay nothing.
    White,
    /// Pays nothing, and a place is found also when the car park is full.
    Vip,
    /// Police, fire, ambulance: always and at once.
    Emergency,
}

/// A place kept for a vehicle at a time: a visitor whom somebody expects, or a booking.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reservation {
    pub id: ReservationId,
    pub plate: Plate,
    /// Who expects the visitor, or the booking's own number.
    pub host: String,
    pub zone: Option<ZoneId>,
    /// It may come in from here on...
    pub from: Timestamp,
    /// ...and must be gone by then, or pays from there on.
    pub until: Timestamp,
    /// The stay is priced by this tariff; `None`: nothing is owed inside the window.
    pub tariff: Option<String>,
    /// The stay it came in with.
    pub stay: Option<StayId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over_at: Option<Timestamp>,
}

/// By what right a vehicle is inside, and so what it owes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "as", content = "id")]
pub enum Standing {
    /// Pays by the tariff.
    #[default]
    Transient,
    Pass(PassId),
    Listed(ListedId),
    Reservation(ReservationId),
}

impl Standing {
    pub fn is_transient(&self) -> bool {
        *self == Self::Transient
    }
}
