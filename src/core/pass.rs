//! Passes, lists and reservations: who may come in by what right. Knows no lane and no fee.

use std::collections::BTreeSet;

use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};
use serde::{Deserialize, Serialize};

use super::{pass_sale::PaidIn, tariff::Span};
use crate::types::{LaneId, ListedId, PassId, Plate, ReservationId, StayId, Vehicle, ZoneId};

/// A season pass (月卡) of one holder. Several plates may share fewer spaces (一位多车).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
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
    /// Its vehicles are priced as this, whatever the camera saw.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vehicle: Option<Vehicle>,
    /// Its vehicles are priced as of this tier, where a tariff knows it, such as `resident`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<String>,
    /// What was paid in for it, oldest first, as far as any of it may be left.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paid_in: Vec<PaidIn>,
    /// Kept under anti-passback only: of each of its plates the last that is known besides the open stays.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub seen: Vec<Seen>,
    /// The last time one of its plates came in twice, or went out twice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passback: Option<Passback>,
    /// Who made it what it is: an operator, or `paifang`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub by: String,
    /// Ended before its time, or replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over_at: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct WeekSpan {
    /// Bit 0 is Monday, bit 6 Sunday.
    pub days: u8,
    /// Minutes from midnight; a span with `to` at or before `from` ends on the next day.
    pub from_minute: u16,
    pub to_minute: u16,
}

/// Where a plate of a pass is, as far as no open stay tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Seen {
    pub plate: Plate,
    pub at: Timestamp,
    pub whereabouts: Whereabouts,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Whereabouts {
    /// It left.
    Outside,
    /// An operator said that nobody knows: its next way in or out is right in any case.
    Neutral,
}

/// A plate came in while it was inside, or went out while it was not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Passback {
    pub plate: Plate,
    pub lane: LaneId,
    pub at: Timestamp,
    /// It was let pass all the same.
    pub let_pass: bool,
}

/// A plate the site knows by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Listed {
    pub id: ListedId,
    pub plate: Plate,
    pub list: List,
    /// Shown to the operator.
    pub note: String,
    pub from: Timestamp,
    /// `None`: until somebody takes it off.
    pub until: Option<Timestamp>,
    /// It is priced as this, whatever the camera saw.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vehicle: Option<Vehicle>,
    /// Of [`List::Member`]: it is priced as of this tier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<String>,
    /// Who made it what it is.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub by: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over_at: Option<Timestamp>,
}

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
pub enum List {
    /// Not let in.
    Black,
    /// Staff and others who pay nothing.
    White,
    /// Pays nothing, and a place is found also when the car park is full.
    Vip,
    /// Police, fire, ambulance: always and at once.
    Emergency,
    /// Never charged by what is bound to its plate, as after a sale of the car: pays like anybody.
    ByHand,
    /// Pays by the tariff like anybody, but as of a tier: residents, members, holders of a disabled badge.
    Member,
}

/// A place kept for a vehicle at a time: a visitor whom somebody expects, or a booking.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
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
    /// Who made it what it is.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub by: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over_at: Option<Timestamp>,
}

/// By what right a vehicle is inside, and so what it owes.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case", tag = "as", content = "id")]
pub enum Standing {
    /// Pays by the tariff.
    #[default]
    Transient,
    /// An emergency vehicle, by its plate.
    Emergency,
    Pass(PassId),
    Listed(ListedId),
    Reservation(ReservationId),
}

impl Pass {
    /// Whether it is one of this pass's plates.
    pub fn is_of(&self, plate: &Plate) -> bool {
        self.plates.contains(plate)
    }

    /// What is known of a plate besides the open stays.
    pub fn seen(&self, plate: &Plate) -> Option<&Seen> {
        self.seen.iter().find(|seen| seen.plate == *plate)
    }

    /// The spans between two instants that it pays for.
    pub fn covers(&self, zone: &TimeZone, from: Timestamp, to: Timestamp) -> Vec<Span> {
        let (from, to) = (from.max(self.valid_from), to.min(self.valid_until));
        if matches!(self.kind, PassKind::Stored { .. }) || from >= to {
            return Vec::new();
        }
        if self.hours.is_empty() {
            return vec![Span { from, to }];
        }
        within(&self.hours, zone, from, to)
    }
}

impl Listed {
    pub fn is_good(&self, now: Timestamp) -> bool {
        self.from <= now && self.until.is_none_or(|until| now < until)
    }
}

/// The spans between two instants that lie within hours of the week, in the order of time and without overlap.
pub fn within(hours: &[WeekSpan], zone: &TimeZone, from: Timestamp, to: Timestamp) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    let mut date = Some(zone.to_datetime(from).date().saturating_sub(1.day()));
    let last = zone.to_datetime(to).date();
    while let Some(day) = date.filter(|day| *day <= last) {
        let windows = hours.iter().filter_map(|span| span.on(day, zone));
        let clipped = windows.map(|w| Span { from: w.from.max(from), to: w.to.min(to) });
        spans.extend(clipped.filter(|span| span.from < span.to));
        date = day.tomorrow().ok();
    }
    spans.sort_by_key(|span| span.from);
    let mut joined: Vec<Span> = Vec::new();
    for span in spans {
        match joined.last_mut() {
            Some(last) if span.from <= last.to => last.to = last.to.max(span.to),
            _ => joined.push(span),
        }
    }
    joined
}

impl WeekSpan {
    /// The span that begins on this day, if one does.
    fn on(self, day: Date, zone: &TimeZone) -> Option<Span> {
        let bit = day.weekday().to_monday_zero_offset();
        if self.days >> bit & 1 == 0 {
            return None;
        }
        let at = |day: Date, minute: u16| {
            let midnight = minute >= DAY_MINUTES;
            let day = if midnight { day.tomorrow().ok()? } else { day };
            let minute = minute % DAY_MINUTES;
            let time = day.at((minute / 60) as i8, (minute % 60) as i8, 0, 0);
            zone.to_timestamp(time).ok()
        };
        let ends = if self.to_minute <= self.from_minute { day.tomorrow().ok()? } else { day };
        Some(Span { from: at(day, self.from_minute)?, to: at(ends, self.to_minute)? })
    }

    /// Some day, and times of one.
    pub fn is_sound(self) -> bool {
        (1..128).contains(&self.days)
            && self.from_minute < DAY_MINUTES
            && self.to_minute <= DAY_MINUTES
    }
}

const DAY_MINUTES: u16 = 1_440;

impl Standing {
    pub fn is_transient(&self) -> bool {
        *self == Self::Transient
    }
}
