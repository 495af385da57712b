//! All tariffs of a site, and the one question asked of them. Knows no stay and no state.

use std::sync::Arc;

use jiff::{Timestamp, tz::TimeZone};

use super::{Calendar, Case, Quote, Tariff, TariffError};
use crate::types::Currency;

/// Every tariff of a site by name, each with its versions, and the calendar they share.
#[derive(Clone, Debug)]
pub struct TariffBook {
    versions: Vec<Tariff>,
    zone: TimeZone,
    currency: Currency,
    calendar: Calendar,
}

/// Why a case has no fee: an operator must look.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoQuote {
    #[error("no tariff is called \"{0}\": add it to the site's tariffs, or name another")]
    Unknown(Arc<str>),
}

impl TariffBook {
    /// Checks the tariffs against each other and makes them ready. The first one is the main one.
    pub fn new(
        zone: TimeZone,
        currency: Currency,
        versions: Vec<Tariff>,
        calendar: Calendar,
    ) -> Result<Self, TariffError> {
        if versions.is_empty() {
            let what = "name at least one".to_owned();
            return Err(TariffError { key: "tariffs".into(), what, at: None });
        }
        Ok(Self { versions, zone, currency, calendar })
    }

    /// A book of one tariff without holidays.
    pub fn single(tariff: Tariff, zone: TimeZone, currency: Currency) -> Self {
        Self { versions: vec![tariff], zone, currency, calendar: Calendar::default() }
    }

    /// Names of all tariffs, each once, in alphabetical order.
    pub fn names(&self) -> Vec<Arc<str>> {
        let mut names: Vec<_> = self.versions.iter().map(|t| t.name().clone()).collect();
        names.sort();
        names.dedup();
        names
    }

    /// All versions of a tariff, in the order of their validity.
    pub fn versions(&self, name: &str) -> Vec<&Tariff> {
        let mut found: Vec<_> = self.versions.iter().filter(|t| &**t.name() == name).collect();
        found.sort_by_key(|t| t.valid_from());
        found
    }

    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }

    pub fn currency(&self) -> Currency {
        self.currency
    }

    pub fn calendar(&self) -> &Calendar {
        &self.calendar
    }

    /// The fee of a case, line by line.
    pub fn quote(&self, case: &Case<'_>) -> Result<Quote, NoQuote> {
        let tariff = self.versions.iter().find(|t| &**t.name() == case.tariff);
        let tariff = tariff.ok_or_else(|| NoQuote::Unknown(case.tariff.into()))?;
        let covered: i64 = case.paid.iter().map(|paid| paid.amount).sum();
        let mut quote = tariff.plain(case.from, case.to, self.currency);
        // Paid in full, and still within the time to leave: nothing more.
        if let Some(last) = case.paid.last() {
            let then = tariff.plain(case.from, last.at, self.currency);
            let leave_by = last.at + jiff::SignedDuration::from_secs(case.leave_s);
            if covered >= then.amount.minor && case.to <= leave_by {
                quote = Quote { to: case.to, leave_by: Some(leave_by), ..then };
            }
        }
        Ok(Quote { paid_minor: covered, ..quote })
    }

    /// The fee of a plain stay by the main tariff: a small car, nothing else known.
    pub fn quote_main(&self, from: Timestamp, to: Timestamp) -> Quote {
        self.versions[0].plain(from, to, self.currency)
    }
}
