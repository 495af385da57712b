//! A tariff made ready to price: amounts as whole atoms of one currency, bands as a table of days. Knows no stay.

use std::sync::Arc;

use rust_decimal::{Decimal, prelude::ToPrimitive};

use super::{
    days::{DaySet, Days},
    notation::{Amount, Hours, Length, Percent},
    schedule::{Schedule, Window},
    spec::{self, Amounts, Every, Per, Spec, Started},
};
use crate::types::Currency;

/// Thousandths of a minor unit: as fine as an amount may be written.
pub(super) const MILLI: i128 = 1_000;
/// Two percentages can follow each other without a remainder: whole ones, or one with decimals first.
const PERCENTS: i128 = 10_000;
const DECIMAL_PERCENTS: i128 = 10_000_000;
/// Bands and caps of one tariff.
pub(super) const BANDS_MAX: usize = 32;
pub(super) const CAPS_MAX: usize = 8;
/// The finest share that pro rata prices may make of a thousandth.
pub(super) const SHARES_MAX: i128 = 1_000_000_000;

#[derive(Clone, Debug)]
pub(super) struct Plan {
    /// Atoms of one minor unit.
    pub(super) scale: i128,
    pub(super) spec: Spec,
    pub(super) schedule: Schedule,
    pub(super) bands: Vec<Band>,
    pub(super) caps: Vec<Cap>,
    pub(super) free: Vec<Free>,
    pub(super) whole: Option<(i64, Vec<i128>)>,
    pub(super) alternatives: Vec<Alternative>,
    pub(super) surcharges: Vec<Surcharge>,
    pub(super) minimum: Option<i128>,
    pub(super) maximum: Option<i128>,
    pub(super) lost: Option<i128>,
    /// Atoms of the step that the fee is rounded to.
    pub(super) round: i128,
}

#[derive(Clone, Debug)]
pub(super) struct Band {
    pub(super) name: Arc<str>,
    pub(super) steps: Vec<Step>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Step {
    /// Ends when this many seconds are on the ladder.
    pub(super) until: i64,
    /// Seconds of a unit; 0: the band's whole hours are one.
    pub(super) len: i64,
    pub(super) atoms: i128,
    /// Only completed units count.
    pub(super) completed: bool,
    pub(super) tolerance: i64,
    pub(super) each_milli: i64,
    pub(super) per_s: i64,
}

#[derive(Clone, Debug)]
pub(super) struct Cap {
    pub(super) name: Option<Arc<str>>,
    pub(super) limits: Vec<i128>,
    pub(super) per: Per,
    /// A bit for each band whose charges it caps.
    pub(super) bands: u32,
    /// Days it holds on; for hours of its own, on which these begin.
    pub(super) days: Option<DaySet>,
    pub(super) own: Option<Hours>,
    pub(super) times: i64,
    pub(super) restart_units: bool,
    pub(super) over_visits: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Free {
    pub(super) rule: spec::Free,
    pub(super) days: DaySet,
}

#[derive(Clone, Debug)]
pub(super) struct Alternative {
    pub(super) rule: spec::Alternative,
    pub(super) days: DaySet,
    pub(super) atoms: Option<i128>,
}

#[derive(Clone, Debug)]
pub(super) struct Surcharge {
    pub(super) rule: spec::Surcharge,
    pub(super) days: DaySet,
    pub(super) atoms: i128,
}

/// Makes atoms of amounts.
#[derive(Clone, Copy)]
struct Mint {
    currency: Currency,
    scale: i128,
}

impl Mint {
    fn atoms(self, amount: Amount) -> i128 {
        i128::from(milli(amount, self.currency).unwrap_or(0)) * (self.scale / MILLI)
    }

    fn list(self, amounts: &Amounts) -> Vec<i128> {
        match amounts {
            Amounts::One(amount) => vec![self.atoms(*amount)],
            Amounts::Rising(amounts) => amounts.iter().map(|a| self.atoms(*a)).collect(),
        }
    }
}

/// Thousandths of a minor unit; `None` for what is finer or too much.
pub(super) fn milli(amount: Amount, currency: Currency) -> Option<i64> {
    match amount {
        Amount::Minor(minor) => minor.checked_mul(1_000),
        Amount::Major(major) => {
            let scaled = major.checked_mul(Decimal::from(10_i64.pow(currency.decimals() + 3)))?;
            scaled.is_integer().then(|| scaled.to_i64()).flatten()
        }
    }
}

fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// How many equal shares a thousandth must fall into, so that every piece has a whole number of them.
pub(super) fn shares(spec: &Spec) -> Option<i128> {
    let mut shares = 1_i128;
    for step in spec.bands.iter().flat_map(|band| &band.rate) {
        if let (Every::Time(Length(every)), Some(Length(by))) = (step.every, step.by) {
            let part = i128::from(every / gcd(every, by));
            let common = i128::from(gcd(shares as i64, part as i64));
            shares = shares / common * part;
            if shares > SHARES_MAX {
                return None;
            }
        }
    }
    Some(shares)
}

impl Plan {
    /// Of a tariff that was checked.
    pub(super) fn new(spec: Spec, currency: Currency, calendar: &Days) -> Self {
        let shares = shares(&spec).unwrap_or(1);
        let whole = spec.percent.is_none_or(Percent::is_whole);
        let percents = if whole { PERCENTS } else { DECIMAL_PERCENTS };
        let mint = Mint { currency, scale: MILLI * percents * shares };
        let days = |texts: &[String]| DaySet::parse(texts).unwrap_or_default();
        let windows: Vec<Window> = spec
            .bands
            .iter()
            .map(|band| Window { days: days(&band.days), hours: band.hours })
            .collect();
        let bands = spec.bands.iter().map(|b| band(b, mint, shares)).collect();
        let caps = spec.caps.iter().map(|cap| self::cap(cap, &spec, mint)).collect();
        let alternatives = spec.alternatives.iter().map(|rule| Alternative {
            rule: rule.clone(),
            days: days(&rule.days),
            atoms: rule.amount.map(|amount| mint.atoms(amount)),
        });
        let surcharges = spec.surcharges.iter().map(|rule| Surcharge {
            rule: rule.clone(),
            days: days(&rule.days),
            atoms: mint.atoms(rule.amount),
        });
        Self {
            scale: mint.scale,
            schedule: Schedule::new(&windows, calendar),
            bands,
            caps,
            free: spec
                .free
                .iter()
                .map(|rule| Free { rule: rule.clone(), days: days(&rule.days) })
                .collect(),
            whole: spec.whole.as_ref().map(|w| (w.every.0, mint.list(&w.amount))),
            alternatives: alternatives.collect(),
            surcharges: surcharges.collect(),
            minimum: spec.minimum.map(|amount| mint.atoms(amount)),
            maximum: spec.maximum.map(|amount| mint.atoms(amount)),
            lost: spec.lost.map(|lost| mint.atoms(lost.amount)),
            round: spec.round.to.map_or(mint.scale, |to| mint.atoms(to).max(1)),
            spec,
        }
    }
}

fn band(spec: &spec::Band, mint: Mint, shares: i128) -> Band {
    let mut until = 0_i64;
    let last = spec.rate.len().saturating_sub(1);
    let steps = spec.rate.iter().enumerate().map(|(at, step)| {
        let every = match step.every {
            Every::Time(length) => length.0,
            Every::Window => 0,
        };
        let len = step.by.map_or(every, |by| by.0);
        let each_milli = milli(step.amount, mint.currency).unwrap_or(0);
        until = until.saturating_add(step.lasts.map_or(every, |lasts| lasts.0));
        let whole = i128::from(each_milli) * shares;
        let part = if every == 0 { whole } else { whole * i128::from(len) / i128::from(every) };
        Step {
            until: if at == last { i64::MAX } else { until },
            len,
            atoms: part * (mint.scale / MILLI / shares),
            completed: step.started == Started::Free,
            tolerance: step.tolerance.map_or(0, |length| length.0),
            each_milli,
            per_s: if len == every { 0 } else { every },
        }
    });
    Band { name: spec.name.clone(), steps: steps.collect() }
}

fn cap(cap: &spec::Cap, spec: &Spec, mint: Mint) -> Cap {
    let named = |band: &spec::Band| cap.bands.is_empty() || cap.bands.contains(&band.name);
    let bands = spec.bands.iter().enumerate().filter(|(_, band)| named(band));
    Cap {
        name: cap.name.clone(),
        limits: mint.list(&cap.amount),
        per: cap.per,
        bands: bands.fold(0, |set, (at, _)| set | 1 << at),
        days: DaySet::parse(&cap.days).ok().filter(|_| !cap.days.is_empty()),
        own: cap.hours,
        times: cap.times.map_or(i64::MAX, i64::from),
        restart_units: cap.restart_units,
        over_visits: cap.over_visits,
    }
}
