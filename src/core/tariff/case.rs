//! What is to be priced: a stay and all facts that a tariff may ask for. Knows no rule and no state.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::types::Vehicle;

/// One question to a [`super::TariffBook`]. Everything that is not known is left empty: see [`Case::new`].
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// Entry.
    pub from: Timestamp,
    /// Now, or exit. Before `from` counts as no time at all.
    pub to: Timestamp,
    /// Name of the tariff of the outer zone.
    pub tariff: &'a str,
    pub vehicle: Vehicle,
    /// Stays in nested zones that have a tariff of their own, in the order of time.
    pub segments: &'a [Segment<'a>],
    /// Spans that a pass pays for, in any order.
    pub covered: &'a [Span],
    /// Validations by merchants, in the order in which they were given.
    pub benefits: &'a [Benefit],
    /// Visits of the same plate before this one, in the order of time.
    pub earlier: &'a [Earlier],
    /// What was paid for this stay already, in the order of time.
    pub paid: &'a [PaidAt],
    /// Name of the holder's tier, such as `gold`.
    pub tier: Option<&'a str>,
    /// The ticket, card or entry record is lost, so that `from` is a guess.
    pub lost: bool,
    /// Seconds to leave after paying in full, where the tariff says nothing of its own. 0: none.
    pub leave_s: i64,
}

impl<'a> Case<'a> {
    /// A small car of which nothing else is known.
    pub fn new(tariff: &'a str, from: Timestamp, to: Timestamp) -> Self {
        Self {
            from,
            to,
            tariff,
            vehicle: Vehicle::default(),
            segments: &[],
            covered: &[],
            benefits: &[],
            earlier: &[],
            paid: &[],
            tier: None,
            lost: false,
            leave_s: 0,
        }
    }
}

/// Time in a nested zone. Its tariff prices it as a stay of its own; whether the outer clock stops meanwhile is said by
/// the outer tariff (`nested`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment<'a> {
    pub tariff: &'a str,
    pub from: Timestamp,
    pub to: Timestamp,
}

/// From one instant to just before another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    pub from: Timestamp,
    pub to: Timestamp,
}

/// What a merchant gave to a driver. The tariff's `[benefits]` says how several work together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Benefit {
    /// The first minutes of the stay cost nothing.
    TimeFront { minutes: u32 },
    /// The last minutes of the stay cost nothing: priced as if it had left earlier.
    TimeBack { minutes: u32 },
    /// So many minor units less, down to nothing.
    Amount { minor: i64 },
    /// So many percent less, 0 to 100.
    Percent { off: u8 },
    /// Nothing is owed.
    AllFree,
    /// Priced by this tariff in place of the zone's.
    OtherTariff { name: Arc<str> },
}

/// A visit before this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Earlier {
    pub from: Timestamp,
    pub to: Timestamp,
    /// What it was charged, in minor units.
    pub charged_minor: i64,
}

/// A payment for this stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaidAt {
    pub at: Timestamp,
    /// Minor units.
    pub amount: i64,
}
