//! Passes as goods: what one costs, what an order of one is of, and what was paid in for it. Knows no lane.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    manage::PassDraft,
    money::PaidBy,
    pass::{Pass, PassKind, WeekSpan},
};
use crate::types::{OrderId, PassId, Plate, Vehicle, ZoneId};

/// Counters of orders of passes: an operator's desk, and the holders' phones.
pub const AT_DESK: &str = "pass-desk";
pub const BY_PHONE: &str = "pass-phone";

/// One line of the price list of passes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PassPrice {
    pub id: String,
    /// What its buyer reads.
    pub name: String,
    pub gives: Gives,
    /// Of a pass for a time: for each of its spaces.
    pub price_minor: i64,
    /// A pass for so many stays, or with stored value, is good for so many days from each time it is paid for.
    pub lasts_days: u32,
    /// Where it is good; empty: everywhere.
    pub zones: BTreeSet<ZoneId>,
    pub hours: Vec<WeekSpan>,
    pub vehicle: Option<Vehicle>,
    pub tier: Option<String>,
    /// Holders renew by it on their phones.
    pub by_phone: bool,
}

impl PassPrice {
    /// Whether a pass can be renewed by it: it is of its kind and good for the same.
    pub fn fits(&self, pass: &Pass) -> bool {
        self.gives.is_of(pass.kind)
            && self.zones == pass.zones
            && self.hours == pass.hours
            && self.vehicle == pass.vehicle
            && self.tier == pass.tier
    }

    /// What it comes to for a pass with so many spaces.
    pub fn minor_for(&self, spaces: u32) -> i64 {
        match self.gives {
            Gives::Months(_) | Gives::Days(_) => self.price_minor.saturating_mul(spaces.into()),
            Gives::Stays(_) | Gives::Value(_) => self.price_minor,
        }
    }
}

/// What is bought.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gives {
    /// Months of the calendar.
    Months(u32),
    Days(u32),
    Stays(u32),
    /// Stored value in minor units; more than its price where the site adds some.
    Value(i64),
}

impl Gives {
    pub fn is_of(self, kind: PassKind) -> bool {
        match self {
            Self::Months(_) | Self::Days(_) => kind == PassKind::Season,
            Self::Stays(_) => matches!(kind, PassKind::Count { .. }),
            Self::Value(_) => matches!(kind, PassKind::Stored { .. }),
        }
    }

    /// What a new pass of it is before it is paid for.
    pub fn empty(self) -> PassKind {
        match self {
            Self::Months(_) | Self::Days(_) => PassKind::Season,
            Self::Stays(_) => PassKind::Count { left: 0 },
            Self::Value(_) => PassKind::Stored { balance_minor: 0 },
        }
    }
}

/// What an order of a pass is of. It takes effect when it is paid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassOrder {
    /// The price list's line, as it was then.
    pub price: String,
    pub gives: Gives,
    #[serde(default)]
    pub lasts_days: u32,
    /// The pass; of a new one, once it is paid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pass: Option<PassId>,
    /// A new one as it will be. A pass for a time begins then, or with the day it is paid on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new: Option<Box<PassDraft>>,
    /// Whoever wanted it does not any more: money that comes late goes back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub given_up: bool,
}

/// What was paid in for a pass once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PaidIn {
    pub order: OrderId,
    pub by: PaidBy,
    pub minor: i64,
    pub got: Got,
}

/// What a payment gave its pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Got {
    Time { from: Timestamp, until: Timestamp },
    Stays(u32),
    Value(i64),
}

/// Somebody wants a pass, or one for longer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PassAsked {
    /// The operator at the desk; `None`: its holder by phone.
    pub by: Option<String>,
    pub price: String,
    pub wants: PassWanted,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PassWanted {
    More(PassId),
    New { holder: String, plates: Vec<Plate>, spaces: u32, from: Timestamp },
}

/// What becomes of the money that is left in a pass that ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RestRule {
    /// Whole days that were not used, stays that were not used, and the balance go back.
    #[default]
    Unused,
    /// Stored value goes back, the rest does not.
    BalanceOnly,
}

/// Most payments remembered of one pass; older ones are used up first.
pub const PAID_IN_MAX: usize = 36;

/// Of each payment that went into a pass, the newest first, what of it was not used: the payment and minor units.
pub fn unused(pass: &Pass, rule: RestRule, tomorrow: Timestamp) -> Vec<(&PaidIn, i64)> {
    let mut left = match pass.kind {
        PassKind::Season => 0,
        PassKind::Stored { balance_minor } => balance_minor,
        PassKind::Count { left } => i64::from(left),
    };
    let mut rest = Vec::new();
    for paid in pass.paid_in.iter().rev() {
        let minor = match paid.got {
            Got::Value(worth) => {
                let of = left.min(worth).max(0);
                left -= of;
                share(paid.minor, of, worth)
            }
            Got::Stays(bought) => {
                let of = left.min(bought.into()).max(0);
                left -= of;
                share(paid.minor, of, bought.into())
            }
            Got::Time { from, until } => {
                let until = until.min(pass.valid_until);
                let days = |from: Timestamp, to: Timestamp| to.duration_since(from).as_hours() / 24;
                let of = days(from.max(tomorrow), until).max(0);
                share(paid.minor, of, days(from, until.max(from)).max(1))
            }
        };
        let goes = rule == RestRule::Unused || matches!(paid.got, Got::Value(_));
        if minor > 0 && goes {
            rest.push((paid, minor));
        }
    }
    rest
}

/// So much of an amount as `of` is of `all`, rounded down.
fn share(minor: i64, of: i64, all: i64) -> i64 {
    if all <= 0 {
        return 0;
    }
    let part = i128::from(minor) * i128::from(of.clamp(0, all)) / i128::from(all);
    i64::try_from(part).unwrap_or(0)
}

/// What an operator did to a pass besides what its row says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassActed {
    pub pass: PassId,
    pub did: PassDid,
    pub who: String,
    pub reason: String,
    /// Minor units, or stays; below zero: taken away. Of one that ended: what went back.
    #[serde(default)]
    pub by: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PassDid {
    Extended,
    /// A balance or count was set right.
    Adjusted,
    Ended,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_never_more_than_the_whole_nor_less_than_nothing() {
        for (minor, of, all, is) in [
            (30_000, 10, 30, 10_000),
            (10_000, 1, 3, 3_333),
            (10_000, 5, 3, 10_000),
            (10_000, -1, 3, 0),
            (10_000, 1, 0, 0),
            (i64::MAX, 2, 3, i64::MAX / 3 * 2 + 1),
        ] {
            assert_eq!(share(minor, of, all), is, "{minor} {of}/{all}");
        }
    }
}
