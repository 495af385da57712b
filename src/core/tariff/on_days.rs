//! Days written as tariffs write them, for other rules of the site. Knows no amount.

use std::sync::Arc;

use jiff::civil::Date;

use super::{
    TariffBook,
    days::{self, DaySet},
};

/// Days a rule holds on, such as `["sat", "sun", "holiday"]`. Nothing said: every day.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OnDays(DaySet);

impl OnDays {
    /// Reads what a tariff's `days` may say. The error says what may be written.
    pub fn parse(texts: &[String]) -> Result<Self, String> {
        DaySet::parse(texts).map(Self)
    }

    /// Whether a date is among them, by the site's calendar.
    pub fn holds(&self, date: Date, book: &TariffBook) -> bool {
        self.0.holds(days::number(date), &book.days)
    }

    /// A name that the site's calendar does not know.
    pub fn unknown<'a>(&'a self, book: &TariffBook) -> Option<&'a Arc<str>> {
        self.0.names().find(|name| !book.days.knows(name))
    }
}
