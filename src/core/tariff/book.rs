//! All tariffs of a site, and the one question asked of them. Knows no stay and no state.

use std::sync::Arc;

use jiff::{Timestamp, tz::TimeZone};

use super::{
    Calendar, Case, Quote, Tariff, TariffError, check,
    days::{self, DaySet, Days, Offsets},
    parse,
    plan::Plan,
    spec::PricedBy,
};
use crate::types::{Currency, Money};

/// Every tariff of a site by name, each with its versions, and the calendar they share.
#[derive(Clone, Debug)]
pub struct TariffBook {
    /// In alphabetical order.
    entries: Vec<Entry>,
    main: Arc<str>,
    zone: TimeZone,
    pub(super) currency: Currency,
    calendar: Calendar,
    pub(super) offsets: Offsets,
    pub(super) days: Days,
}

#[derive(Clone, Debug)]
struct Entry {
    name: Arc<str>,
    /// In the order of their validity.
    versions: Vec<Version>,
}

/// One version, ready for every kind of vehicle and holder that it tells apart.
#[derive(Clone, Debug)]
pub(super) struct Version {
    pub(super) tariff: Tariff,
    from_day: i64,
    plans: Vec<(u32, Plan)>,
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
        let days = Days::new(&calendar);
        for tariff in &versions {
            fits(tariff, &versions, currency, &days)?;
        }
        let Some(first) = versions.first() else {
            let what = "a site needs at least one".to_owned();
            return Err(TariffError { key: "tariffs".into(), what, at: None });
        };
        let main = first.name().clone();
        let book = Self::made(versions, main, zone, currency, calendar, days);
        book.no_overlap()?;
        Ok(book)
    }

    /// A book of one tariff without holidays.
    pub fn single(tariff: Tariff, zone: TimeZone, currency: Currency) -> Self {
        let main = tariff.name().clone();
        Self::made(vec![tariff], main, zone, currency, Calendar::default(), Days::default())
    }

    fn made(
        versions: Vec<Tariff>,
        main: Arc<str>,
        zone: TimeZone,
        currency: Currency,
        calendar: Calendar,
        days: Days,
    ) -> Self {
        let mut entries: Vec<Entry> = Vec::new();
        for tariff in versions {
            let version = Version::new(tariff, currency, &days);
            let name = version.tariff.name();
            match entries.iter_mut().find(|entry| entry.name == *name) {
                Some(entry) => entry.versions.push(version),
                None => entries.push(Entry { name: name.clone(), versions: vec![version] }),
            }
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        entries.iter_mut().for_each(|e| e.versions.sort_by_key(|version| version.from_day));
        let offsets = Offsets::new(&zone);
        Self { entries, main, zone, currency, calendar, offsets, days }
    }

    fn no_overlap(&self) -> Result<(), TariffError> {
        for pair in self.entries.iter().flat_map(|entry| entry.versions.windows(2)) {
            let [before, after] = pair else { continue };
            let ends = before.tariff.valid_until();
            let meets = before.from_day == after.from_day
                || ends.is_some_and(|ends| days::number(ends) >= after.from_day);
            if meets {
                let (name, version) = (after.tariff.name(), after.tariff.version());
                return Err(TariffError {
                    key: format!("{name} valid_from"),
                    what: format!(
                        "version \"{version}\" begins while \"{}\" holds: let that end the day before",
                        before.tariff.version()
                    ),
                    at: None,
                });
            }
        }
        Ok(())
    }

    /// Names of all tariffs, each once, in alphabetical order.
    pub fn names(&self) -> Vec<Arc<str>> {
        self.entries.iter().map(|entry| entry.name.clone()).collect()
    }

    /// Name of the main tariff.
    pub fn main(&self) -> &Arc<str> {
        &self.main
    }

    /// All versions of a tariff, in the order of their validity.
    pub fn versions(&self, name: &str) -> Vec<&Tariff> {
        let entry = self.entries.iter().find(|entry| &*entry.name == name);
        entry.into_iter().flat_map(|entry| &entry.versions).map(|v| &v.tariff).collect()
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

    /// The version that prices a stay. One that has run out holds until the next one begins.
    pub(super) fn version(&self, name: &str, from: i64, to: i64) -> Result<&Version, NoQuote> {
        let found = self.entries.iter().find(|entry| &*entry.name == name);
        let entry = found.ok_or_else(|| NoQuote::Unknown(name.into()))?;
        let holds_at = |instant: i64| {
            let day = self.offsets.day(instant);
            entry.versions.iter().rfind(|version| version.from_day <= day)
        };
        let first = &entry.versions[0];
        if entry.versions.len() == 1 {
            return Ok(first);
        }
        let at_entry = holds_at(from).unwrap_or(first);
        Ok(match at_entry.tariff.spec.priced_by {
            PricedBy::Entry => at_entry,
            PricedBy::Quote => holds_at(to).unwrap_or(first),
        })
    }

    /// The fee of a plain stay by the main tariff: a small car, nothing else known.
    pub fn quote_main(&self, from: Timestamp, to: Timestamp) -> Quote {
        let case = Case::new(&self.main, from, to);
        // The main tariff is one of the book, and a plain case names no other.
        self.quote(&case).unwrap_or_else(|_| Quote::bare(from, to, Money::zero(self.currency)))
    }
}

impl Version {
    fn new(tariff: Tariff, currency: Currency, calendar: &Days) -> Self {
        let plan =
            |(mask, spec): &(u32, _)| (*mask, Plan::new(Clone::clone(spec), currency, calendar));
        let plans = tariff.resolved.iter().map(plan).collect();
        let from_day = tariff.valid_from().map_or(i64::MIN, days::number);
        Self { tariff, from_day, plans }
    }

    /// The plan for a vehicle and its holder.
    pub(super) fn plan(&self, case: &Case<'_>) -> &Plan {
        let mask = parse::mask(&self.tariff.whens, case.into());
        let found = self.plans.iter().find(|(other, _)| *other == mask);
        // Every mask that facts can make has its plan; the base comes first.
        &found.unwrap_or(&self.plans[0]).1
    }
}

fn fits(
    tariff: &Tariff,
    all: &[Tariff],
    currency: Currency,
    calendar: &Days,
) -> Result<(), TariffError> {
    let wrong = |key: &str, what: String| {
        Err(TariffError { key: format!("{} {key}", tariff.name()), what, at: None })
    };
    for (_, spec) in &tariff.resolved {
        if let Some(amount) = check::unfit_amount(spec, currency) {
            let decimals = currency.decimals() + 3;
            return wrong(
                "amount",
                format!(
                    "{amount:?} has more than {decimals} decimals, or is too large, for {}",
                    currency.code()
                ),
            );
        }
        let lists = spec.bands.iter().map(|band| &band.days);
        let lists = lists.chain(spec.caps.iter().map(|cap| &cap.days));
        let lists = lists.chain(spec.alternatives.iter().map(|rule| &rule.days));
        for list in lists.chain(spec.surcharges.iter().map(|rule| &rule.days)) {
            let set = DaySet::parse(list).unwrap_or_default();
            if let Some(name) = set.names().find(|name| !calendar.knows(name)) {
                return wrong("days", format!("the calendar names no days \"{name}\""));
            }
        }
        for other in spec.alternatives.iter().filter_map(|rule| rule.tariff.as_ref()) {
            match all.iter().find(|tariff| tariff.name() == other) {
                None => return wrong("alternative", format!("no tariff is called \"{other}\"")),
                Some(found)
                    if found
                        .resolved
                        .iter()
                        .any(|(_, s)| s.alternatives.iter().any(|a| a.tariff.is_some())) =>
                {
                    return wrong(
                        "alternative",
                        format!("\"{other}\" leads to further tariffs itself"),
                    );
                }
                Some(_) => {}
            }
        }
    }
    Ok(())
}
