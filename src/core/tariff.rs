//! What a stay costs. For now one rule: a free period, a price per started hour, a cap per 24 hours from entry.
//! Knows no stay and no payment. The full tariff language takes this file's place behind [`Tariff::quote`].

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::types::{Currency, Money};

const HOUR_S: i64 = 3_600;
const DAY_S: i64 = 24 * HOUR_S;

/// An hourly tariff. Amounts in minor units.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tariff {
    /// A stay of at most this many minutes costs nothing; a longer one pays from its first minute.
    pub free_minutes: u32,
    /// Minor units for each started hour.
    pub hour_minor: i64,
    /// Minor units at most for each 24 hours from entry.
    pub day_cap_minor: i64,
}

/// What a validation gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "gives")]
pub enum Benefit {
    /// The first minutes cost nothing.
    TimeFront {
        minutes: u32,
    },
    /// The last minutes cost nothing.
    TimeBack {
        minutes: u32,
    },
    Amount {
        minor: i64,
    },
    /// Of the fee, 0 to 100.
    Percent {
        percent: u8,
    },
    AllFree,
    /// Priced by another tariff.
    OtherTariff {
        tariff: String,
    },
}

/// A fee that explains itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quote {
    pub from: Timestamp,
    pub to: Timestamp,
    pub amount: Money,
    pub lines: Vec<QuoteLine>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuoteLine {
    pub rule: QuoteRule,
    pub from: Timestamp,
    pub to: Timestamp,
    pub units: i64,
    pub amount: Money,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QuoteRule {
    Free,
    /// `units` started hours.
    Hours,
    /// `units` full days of 24 hours at the cap.
    Days,
    /// The hours of this line came to more than the cap.
    CappedDay,
}

impl Tariff {
    /// The fee for a stay from `from` to `to`; a `to` before `from` counts as no time at all.
    pub fn quote(&self, from: Timestamp, to: Timestamp, currency: Currency) -> Quote {
        let to = to.max(from);
        let seconds = to.duration_since(from).as_secs();
        let money = |minor| Money::new(minor, currency);
        if seconds <= i64::from(self.free_minutes) * 60 {
            let line = QuoteLine { rule: QuoteRule::Free, from, to, units: 0, amount: money(0) };
            return Quote { from, to, amount: money(0), lines: vec![line] };
        }
        let (days, rest_s) = (seconds / DAY_S, seconds % DAY_S);
        let day_minor = self.capped(24).0;
        let split = from + jiff::SignedDuration::from_secs(days * DAY_S);
        let mut lines = Vec::with_capacity(2);
        if days > 0 {
            let amount = money(day_minor.saturating_mul(days));
            lines.push(QuoteLine { rule: QuoteRule::Days, from, to: split, units: days, amount });
        }
        let hours = (rest_s + HOUR_S - 1) / HOUR_S;
        if hours > 0 {
            let (minor, rule) = self.capped(hours);
            lines.push(QuoteLine { rule, from: split, to, units: hours, amount: money(minor) });
        }
        let total = lines.iter().fold(0_i64, |sum, line| sum.saturating_add(line.amount.minor));
        Quote { from, to, amount: money(total), lines }
    }

    fn capped(&self, hours: i64) -> (i64, QuoteRule) {
        let plain = self.hour_minor.saturating_mul(hours);
        if plain > self.day_cap_minor {
            (self.day_cap_minor, QuoteRule::CappedDay)
        } else {
            (plain, QuoteRule::Hours)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TARIFF: Tariff = Tariff { free_minutes: 15, hour_minor: 500, day_cap_minor: 4_000 };

    fn fee(seconds: i64) -> i64 {
        let from: Timestamp = "2026-11-23T08:00:00Z".parse().unwrap();
        let to = from + jiff::SignedDuration::from_secs(seconds);
        TARIFF.quote(from, to, Currency::Cny).amount.minor
    }

    #[test]
    fn fees_by_length_of_stay() {
        for (seconds, minor) in [
            (-3_600, 0),
            (0, 0),
            (15 * 60, 0),
            (15 * 60 + 1, 500),
            (HOUR_S, 500),
            (HOUR_S + 1, 1_000),
            (8 * HOUR_S, 4_000),
            (9 * HOUR_S, 4_000),
            (DAY_S, 4_000),
            (DAY_S + 1, 4_500),
            (2 * DAY_S + 10 * HOUR_S, 12_000),
        ] {
            assert_eq!(fee(seconds), minor, "{seconds} s");
        }
    }

    proptest! {
        #[test]
        fn never_falls_and_adds_up(a in 0_i64..400_000_000, more in 0_i64..400_000) {
            prop_assert!(fee(a + more) >= fee(a));
            let from: Timestamp = "2020-01-01T00:00:00Z".parse().unwrap();
            let quote = TARIFF.quote(from, from + jiff::SignedDuration::from_secs(a), Currency::Cny);
            prop_assert_eq!(quote.lines.iter().map(|l| l.amount.minor).sum::<i64>(), quote.amount.minor);
            prop_assert!(quote.lines.windows(2).all(|w| w[0].to == w[1].from));
        }
    }
}
