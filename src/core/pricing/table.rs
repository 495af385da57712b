//! Fees by length of stay: rows for a sign, steps for a chart. Knows no page and no file.

use jiff::{SignedDuration, Timestamp};

use crate::{
    core::tariff::{Case, NoQuote, TariffBook},
    types::Money,
};

/// Fees for some lengths of stay, a column for each time of entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeeTable {
    pub starts: Vec<Timestamp>,
    pub rows: Vec<FeeRow>,
}

/// The fees of one length of stay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeeRow {
    pub minutes: i64,
    /// For each start.
    pub fees: Vec<Money>,
}

/// Half an hour, then hour by hour up to a day, then two and three days. In minutes.
pub fn usual_lengths() -> Vec<i64> {
    let hours = (1..=12).chain([18, 24, 48, 72]).map(|hours| hours * 60);
    [15, 30].into_iter().chain(hours).collect()
}

/// Prices each length for each start; all else is as in `case`.
pub fn fee_table(
    book: &TariffBook,
    case: &Case<'_>,
    starts: &[Timestamp],
    lengths: &[i64],
) -> Result<FeeTable, NoQuote> {
    let mut rows = Vec::with_capacity(lengths.len());
    for &minutes in lengths {
        let fees: Result<Vec<Money>, NoQuote> =
            starts.iter().map(|start| fee(book, case, *start, minutes)).collect();
        rows.push(FeeRow { minutes, fees: fees? });
    }
    Ok(FeeTable { starts: starts.to_vec(), rows })
}

/// The fee by length of stay as steps: from each minute on, this fee, up to `minutes`.
pub fn curve(
    book: &TariffBook,
    case: &Case<'_>,
    minutes: i64,
) -> Result<Vec<(i64, Money)>, NoQuote> {
    let mut steps: Vec<(i64, Money)> = Vec::new();
    for minute in 0..=minutes {
        let fee = fee(book, case, case.from, minute)?;
        if steps.last().is_none_or(|(_, last)| *last != fee) {
            steps.push((minute, fee));
        }
    }
    Ok(steps)
}

fn fee(
    book: &TariffBook,
    case: &Case<'_>,
    from: Timestamp,
    minutes: i64,
) -> Result<Money, NoQuote> {
    let to = from.checked_add(SignedDuration::from_mins(minutes)).unwrap_or(Timestamp::MAX);
    Ok(book.quote(&Case { from, to, ..*case })?.amount)
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;
    use crate::{core::tariff::Tariff, types::Currency};

    #[test]
    fn rows_and_steps_are_the_tariffs_fees() {
        let book = TariffBook::single(Tariff::hourly(15, 500, 4_000), TimeZone::UTC, Currency::Cny);
        let start: Timestamp = "2026-11-23T08:00:00Z".parse().unwrap();
        let case = Case::new("hourly", start, start);
        let table = fee_table(&book, &case, &[start, start], &usual_lengths()).unwrap();
        let fee = |minutes: i64| {
            let row = table.rows.iter().find(|row| row.minutes == minutes).unwrap();
            assert_eq!(row.fees[0], row.fees[1]);
            row.fees[0].minor
        };
        assert_eq!([fee(15), fee(30), fee(60), fee(120), fee(1_440)], [0, 500, 500, 1_000, 4_000]);

        let steps = curve(&book, &case, 600).unwrap();
        let plain: Vec<_> = steps.iter().map(|(at, fee)| (*at, fee.minor)).collect();
        assert_eq!(plain[..4], [(0, 0), (16, 500), (61, 1_000), (121, 1_500)]);
        assert_eq!(plain.last(), Some(&(421, 4_000)), "the cap is the last step");

        let unknown = Case::new("none", start, start);
        assert!(fee_table(&book, &unknown, &[start], &[60]).is_err());
    }
}
