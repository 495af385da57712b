//! What a stay costs. A [`Tariff`] is data, checked when it is parsed; a [`TariffBook`] holds all tariffs of a site and
//! prices a [`Case`]; a [`Quote`] explains itself. Knows no stay, no payment, no clock.
//!
//! `README.md` beside this file is the language's reference.

mod back;
mod book;
mod calendar;
mod case;
mod notation;
mod quote;
mod spec;
mod words;

use std::sync::Arc;

use jiff::civil::Date;
use serde::Deserialize;

pub use self::{
    book::{NoQuote, TariffBook},
    calendar::Calendar,
    case::{Benefit, Case, Earlier, PaidAt, Segment, Span},
    quote::{Quote, QuoteLine, QuoteRule},
    words::Language,
};

/// One version of one tariff, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Tariff {
    spec: spec::Spec,
}

/// Why a text is no tariff: where, what is wrong, what to write.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {what}")]
pub struct TariffError {
    /// The key, such as `band[1].rate[0].every`, with the tariff's name before it where it is known.
    pub key: String,
    pub what: String,
    /// Byte offsets in the text, where they are known.
    pub at: Option<(usize, usize)>,
}

/// `[tariff]` of a site file: a site's only tariff where it needs no more than this. Amounts in minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hourly {
    /// A stay of at most this many minutes costs nothing; a longer one pays from its first minute.
    pub free_minutes: u32,
    /// Minor units for each started hour.
    pub hour_minor: i64,
    /// Minor units at most for each 24 hours from entry.
    pub day_cap_minor: i64,
}

impl Tariff {
    /// Reads and checks a tariff file.
    pub fn parse(text: &str) -> Result<Self, TariffError> {
        let spec: spec::Spec = toml::from_str(text).map_err(|error| TariffError {
            key: "tariff".into(),
            what: error.message().to_owned(),
            at: error.span().map(|span| (span.start, span.end)),
        })?;
        Ok(Self { spec })
    }

    pub fn name(&self) -> &Arc<str> {
        &self.spec.name
    }

    pub fn version(&self) -> &Arc<str> {
        &self.spec.version
    }

    /// What the file says of itself, for people.
    pub fn about(&self) -> &str {
        &self.spec.about
    }

    /// First day on which it holds; `None`: from ever.
    pub fn valid_from(&self) -> Option<Date> {
        self.spec.valid_from
    }

    /// Last day on which it holds; `None`: for ever.
    pub fn valid_until(&self) -> Option<Date> {
        self.spec.valid_until
    }

    /// A free period, a price per started hour, a cap per 24 hours from entry. Its name is `hourly`.
    pub fn hourly(free_minutes: u32, hour_minor: i64, day_cap_minor: i64) -> Self {
        Hourly { free_minutes, hour_minor, day_cap_minor }.tariff()
    }
}

impl Hourly {
    /// The same as a tariff called `hourly`.
    pub fn tariff(self) -> Tariff {
        let text = "name = \"hourly\"\n[ladder]\n[[band]]\nname = \"hourly\"\n";
        let mut spec: spec::Spec = toml::from_str(text).expect("a tariff of no rules parses");
        let length = |seconds: i64| notation::Length(seconds.max(1));
        let amount = notation::Amount::Minor;
        spec.free = Some(spec::Free {
            time: length(i64::from(self.free_minutes) * 60),
            mode: spec::FreeMode::Grace,
            limit: spec::Limit::Inclusive,
            again: spec::Again::Never,
            uses_steps: false,
            visits_a_day: None,
        });
        spec.free = spec.free.filter(|_| self.free_minutes > 0);
        spec.bands[0].rate.push(spec::Step {
            amount: amount(self.hour_minor),
            every: spec::Every::Time(length(3_600)),
            lasts: None,
            by: None,
            started: spec::Started::Charged,
            tolerance: None,
        });
        spec.caps.push(spec::Cap {
            name: None,
            amount: spec::Amounts::One(amount(self.day_cap_minor)),
            per: spec::Per::Every(length(notation::DAY_S)),
            bands: Vec::new(),
            days: Vec::new(),
            hours: None,
            times: None,
            restart_units: false,
            over_visits: false,
        });
        Tariff { spec }
    }
}

impl Tariff {
    fn plain(
        &self,
        from: jiff::Timestamp,
        to: jiff::Timestamp,
        currency: crate::types::Currency,
    ) -> Quote {
        use crate::types::Money;
        let to = to.max(from);
        let s = to.duration_since(from).as_secs();
        let minor = |a: &notation::Amount| match a {
            notation::Amount::Minor(m) => *m,
            notation::Amount::Major(_) => 0,
        };
        let line = |rule, from, to, units, minor| QuoteLine {
            rule,
            from,
            to,
            units,
            amount: Money::new(minor, currency),
            unit_s: 3_600,
            each_milli: 0,
            per_s: 0,
            name: None,
        };
        let mut quote = Quote::bare(from, to, Money::zero(currency));
        quote.tariff = self.spec.name.clone();
        if s <= self.spec.free.map_or(0, |f| f.time.0) {
            quote.lines = vec![line(QuoteRule::Free, from, to, 0, 0)];
            return quote;
        }
        let hour =
            self.spec.bands.first().and_then(|b| b.rate.first()).map_or(0, |s| minor(&s.amount));
        let cap = self.spec.caps.first().map_or(i64::MAX, |c| match &c.amount {
            spec::Amounts::One(a) => minor(a),
            spec::Amounts::Rising(_) => 0,
        });
        let (days, hours) = (s / 86_400, (s % 86_400 + 3_599) / 3_600);
        let total = days * cap.min(24 * hour) + cap.min(hours * hour);
        quote.lines = vec![line(QuoteRule::Units, from, to, days * 24 + hours, total)];
        quote.amount = Money::new(total, currency);
        quote
    }
}
