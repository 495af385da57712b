//! A fee that explains itself. Knows no tariff: it can be read when the tariff is long gone.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::types::{Currency, Money};

/// What a stay costs, line by line. Journaled inside every order, so what says nothing is left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quote {
    pub from: Timestamp,
    pub to: Timestamp,
    /// The whole fee of the stay, before what was paid.
    pub amount: Money,
    /// They add up to `amount` exactly.
    pub lines: Vec<QuoteLine>,
    /// Which tariff priced it; empty for a fee that no tariff made.
    #[serde(default, skip_serializing_if = "is_empty")]
    pub tariff: Arc<str>,
    #[serde(default, skip_serializing_if = "is_empty")]
    pub version: Arc<str>,
    /// Minor units paid before, as the case told.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub paid_minor: i64,
    /// Paid in full: nothing more is owed until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leave_by: Option<Timestamp>,
}

/// One line of a fee.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuoteLine {
    pub rule: QuoteRule,
    pub from: Timestamp,
    pub to: Timestamp,
    /// How many of what `rule` counts.
    pub units: i64,
    pub amount: Money,
    /// Seconds of one unit; 0 where none is meant.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unit_s: i64,
    /// Thousandths of a minor unit for each `per_s` seconds.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub each_milli: i64,
    /// Seconds that `each_milli` is for, where that is not one unit: pro rata.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub per_s: i64,
    /// The tariff's own name for the rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Arc<str>>,
}

/// Why a line is there. `units` is given in brackets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum QuoteRule {
    /// Within the free period (minutes of it): nothing is owed.
    Free,
    /// Free minutes that are deducted (seconds).
    FreeTime,
    /// Charged units of `unit_s` seconds (how many).
    #[serde(alias = "hours", alias = "capped_day")]
    Units,
    /// Hours in which the tariff charges nothing.
    NoCharge,
    /// A pass pays for this time.
    Covered,
    /// A merchant pays for this time (seconds).
    Validated,
    /// In a nested zone, or outside between two visits: the clock stood.
    Paused,
    /// A cap took effect (its limit in minor units); the amount is what it takes off.
    Cap,
    /// Whole periods of `unit_s` seconds at their own price (how many).
    Whole,
    /// Equal days drawn together (how many).
    Days,
    /// Different days drawn together (how many).
    Total,
    /// A flat rate or another tariff in place of the units.
    Instead,
    /// Up to the least fee.
    Minimum,
    /// Down to the greatest fee.
    Maximum,
    /// So many percent of what stands above (percent).
    Percent,
    /// A merchant takes so many percent off (percent).
    PercentOff,
    /// A merchant takes an amount off.
    AmountOff,
    /// A merchant pays all of it.
    AllFree,
    /// On top, such as for staying past closing time (times).
    Surcharge,
    /// The fee for a lost ticket.
    Lost,
    /// To the step the site rounds to.
    Rounding,
    /// Charged at an earlier visit that this one continues.
    Earlier,
    /// Paid for an earlier part of the stay, which is settled.
    Prepaid,
    /// Paid in full and still within the time to leave (minutes of it).
    LeaveTime,
}

impl Quote {
    /// A fee without lines, such as one that an operator sets.
    pub fn bare(from: Timestamp, to: Timestamp, amount: Money) -> Self {
        Self {
            from,
            to,
            amount,
            lines: Vec::new(),
            tariff: Arc::from(""),
            version: Arc::from(""),
            paid_minor: 0,
            leave_by: None,
        }
    }

    pub fn currency(&self) -> Currency {
        self.amount.currency
    }

    /// What is still to be paid.
    pub fn due(&self) -> Money {
        Money::new((self.amount.minor - self.paid_minor).max(0), self.amount.currency)
    }
}

fn is_empty(text: &Arc<str>) -> bool {
    text.is_empty()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(number: &i64) -> bool {
    *number == 0
}
