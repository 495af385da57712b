//! How settlement days are closed and differences given up. Knows no bank.

use jiff::{Timestamp, ToSpan, civil::Date, civil::Time, tz::TimeZone};

/// What the site file's `[settlement]` says to the core.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SettleRules {
    /// The day closes at this time of the site's zone, with the bank's. `2026-11-23` is what lies before its closing
    /// on that date; at midnight, the date itself.
    pub closes_at: Time,
    /// Writing off more than this, in minor units, needs a second person.
    pub second_above_minor: i64,
}

impl Default for SettleRules {
    fn default() -> Self {
        Self { closes_at: Time::midnight(), second_above_minor: 20_000 }
    }
}

impl SettleRules {
    /// First instant of a settlement day, and of the next.
    pub fn bounds(&self, day: Date, zone: &TimeZone) -> Option<(Timestamp, Timestamp)> {
        let from = if self.closes_at == Time::midnight() { day } else { day.yesterday().ok()? };
        let at = |date: Date| zone.to_timestamp(date.to_datetime(self.closes_at)).ok();
        Some((at(from)?, at(from.tomorrow().ok()?)?))
    }

    /// The settlement day an instant belongs to.
    pub fn day_of(&self, at: Timestamp, zone: &TimeZone) -> Date {
        let local = zone.to_datetime(at);
        let late = self.closes_at != Time::midnight() && local.time() >= self.closes_at;
        if late { local.date().saturating_add(1.day()) } else { local.date() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_closes_where_the_next_begins() {
        let zone = TimeZone::get("Asia/Shanghai").unwrap();
        let rows = [
            ("00:00", "2026-11-22T16:00:00Z", "2026-11-23T15:59:59.999Z"),
            ("06:00", "2026-11-21T22:00:00Z", "2026-11-22T21:59:59.999Z"),
            ("23:00", "2026-11-21T15:00:00Z", "2026-11-22T14:59:59.999Z"),
        ];
        for (closes, first, last) in rows {
            let closes_at: Time = closes.parse().unwrap();
            let rules = SettleRules { closes_at, ..SettleRules::default() };
            let (first, last): (Timestamp, Timestamp) =
                (first.parse().unwrap(), last.parse().unwrap());
            let day = rules.day_of(first, &zone);
            assert_eq!(rules.day_of(last, &zone), day, "{closes}");
            let next = jiff::SignedDuration::from_millis(1);
            assert_eq!(rules.bounds(day, &zone), Some((first, last + next)), "{closes}");
            assert_eq!(rules.day_of(last + next, &zone), day.tomorrow().unwrap(), "{closes}");
        }
    }
}
