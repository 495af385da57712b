//! What a channel keeps for collecting: a rate, rounded as the bank rounds. Knows no row and no day.

use serde::Deserialize;

/// Thousandths of the minor unit in one.
const MILLI: i128 = 1_000;

/// When the bank rounds its fee to the minor unit, half up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rounding {
    /// Each row.
    #[default]
    Row,
    /// The day's total.
    Day,
}

/// One channel's fee.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeeRule {
    /// Hundred-thousandths of the amount: 380 is 0.38 %.
    pub rate: u32,
    pub rounding: Rounding,
    /// A refund brings its fee back.
    pub back: bool,
}

impl FeeRule {
    /// What the bank should keep for a payment of `minor`, in thousandths of the minor unit.
    pub fn of_payment(self, minor: i64) -> i64 {
        let exact = i128::from(minor) * i128::from(self.rate);
        let milli = match self.rounding {
            Rounding::Row => half_up(exact, 100 * MILLI) * MILLI,
            Rounding::Day => half_up(exact, 100),
        };
        i64::try_from(milli).unwrap_or(i64::MAX)
    }

    /// The same for a refund: what comes back is negative.
    pub fn of_refund(self, minor: i64) -> i64 {
        if self.back { -self.of_payment(minor) } else { 0 }
    }

    /// Whether a row's fee is what it should be. Banks that round the day cut a row's fee somewhere below a thousandth.
    pub fn fits(self, expected_milli: i64, said_milli: i64) -> bool {
        let apart = expected_milli.abs_diff(said_milli);
        apart <= u64::from(self.rounding == Rounding::Day)
    }
}

/// A day's fees in minor units: the sum of all rows, rounded half up.
pub(super) fn rounded(milli: i128) -> i64 {
    i64::try_from(half_up(milli, MILLI)).unwrap_or(i64::MAX)
}

/// Half away from zero.
fn half_up(value: i128, unit: i128) -> i128 {
    let half = if value < 0 { -unit / 2 } else { unit / 2 };
    (value + half) / unit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fees_round_as_the_bank_does() {
        let rule = |rate, rounding, back| FeeRule { rate, rounding, back };
        let (row, day) = (rule(380, Rounding::Row, true), rule(380, Rounding::Day, false));
        // amount, by row, by day: in thousandths of a fen.
        let rows = [
            (500, 2_000, 1_900),
            (131, 0, 498),
            (132, 1_000, 502),
            (1, 0, 4),
            (0, 0, 0),
            (100_000, 380_000, 380_000),
        ];
        for (minor, by_row, by_day) in rows {
            assert_eq!(row.of_payment(minor), by_row, "{minor}");
            assert_eq!(day.of_payment(minor), by_day, "{minor}");
            assert_eq!(row.of_refund(minor), -by_row, "{minor}");
            assert_eq!(day.of_refund(minor), 0, "{minor}");
        }
        assert!(day.fits(498, 497) && !day.fits(498, 496) && !row.fits(1_000, 1_001));
        assert_eq!((rounded(1_499), rounded(1_500), rounded(-1_500)), (1, 2, -2));
    }
}
