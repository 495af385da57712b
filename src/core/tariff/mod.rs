//! What a stay costs. A [`Tariff`] is data, checked when it is parsed; a [`TariffBook`] holds all tariffs of a site and
//! prices a [`Case`]; a [`Quote`] explains itself. Knows no stay, no payment, no clock.
//!
//! `README.md` beside this file is the language's reference.

mod back;
mod book;
mod calendar;
mod case;
mod check;
mod days;
mod fee;
mod fold;
mod line;
mod meter;
mod notation;
mod on_days;
mod parse;
mod periods;
mod plan;
mod price;
mod quote;
mod schedule;
mod sign;
mod spec;
mod timeline;
mod words;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use jiff::civil::Date;
use serde::Deserialize;

pub use self::{
    book::{NoQuote, TariffBook},
    calendar::Calendar,
    case::{Benefit, Case, Earlier, PaidAt, Segment, Span},
    on_days::OnDays,
    quote::{Quote, QuoteLine, QuoteRule},
    sign::{Sign, SignPart},
    words::Language,
};

/// One version of one tariff, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Tariff {
    spec: spec::Spec,
    whens: Vec<spec::When>,
    /// For each set of variants that can hold at once: all of it, checked. The base first.
    resolved: Vec<(u32, spec::Spec)>,
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
        parse::parse(text)
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

    /// Whether a longer stay never costs less, whatever else is known of it: no rule looks at when or whether a stay
    /// has ended, other than by charging for more time.
    pub fn is_monotone(&self) -> bool {
        self.resolved.iter().all(|(_, spec)| {
            let looks_at_end = |rule: &spec::Alternative| {
                let always = rule.choose == spec::Choose::Always;
                let ends = rule.leave.is_some() || rule.shortest.is_some();
                ends || rule.tariff.is_some()
                    || (always && (rule.longest.is_some() || rule.same_day))
            };
            // Grace that comes again on a day is used up by a stay that goes on, so that units begin elsewhere; where one
            // that is begun costs nothing, it may then fall short.
            let moves = spec.free.iter().any(|free| free.again != spec::Again::Never);
            let mut steps = spec.bands.iter().flat_map(|band| &band.rate);
            let falls_short = moves && steps.any(|step| step.started == spec::Started::Free);
            spec.whole.is_none() && !falls_short && !spec.alternatives.iter().any(looks_at_end)
        })
    }

    /// A free period, a price per started hour, a cap per 24 hours from entry. Its name is `hourly`.
    pub fn hourly(free_minutes: u32, hour_minor: i64, day_cap_minor: i64) -> Self {
        Hourly { free_minutes, hour_minor, day_cap_minor }.tariff()
    }
}

impl Hourly {
    /// The same as a tariff called `hourly`.
    pub fn tariff(self) -> Tariff {
        let text = "name = \"hourly\"\n[[band]]\nname = \"hourly\"\n";
        let mut spec: spec::Spec = toml::from_str(text).expect("a tariff of no rules parses");
        let length = |seconds: i64| notation::Length(seconds.max(1));
        let amount = notation::Amount::Minor;
        if self.free_minutes > 0 {
            spec.free.push(spec::Free {
                time: length(i64::from(self.free_minutes) * 60),
                mode: spec::FreeMode::Grace,
                limit: spec::Limit::Inclusive,
                again: spec::Again::Never,
                uses_steps: false,
                visits_a_day: None,
                away: None,
                days: Vec::new(),
                enter: None,
            });
        }
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
        Tariff { resolved: vec![(0, spec.clone())], whens: Vec::new(), spec }
    }
}
