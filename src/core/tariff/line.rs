//! The lines of a fee while it is made, in atoms, and how they become money: rounded once, as a whole, each line taking
//! its share of the rounding. Knows no rule.

use std::sync::Arc;

use jiff::Timestamp;

use super::{
    plan::Step,
    quote::{QuoteLine, QuoteRule},
    spec::RoundMode,
};
use crate::types::{Currency, Money};

/// A line in seconds and atoms.
#[derive(Clone, Debug)]
pub(super) struct Raw {
    pub(super) rule: QuoteRule,
    pub(super) from: i64,
    pub(super) to: i64,
    pub(super) units: i64,
    pub(super) atoms: i128,
    pub(super) unit_s: i64,
    pub(super) each_milli: i64,
    pub(super) per_s: i64,
    pub(super) name: Option<Arc<str>>,
}

impl Raw {
    pub(super) fn span(rule: QuoteRule, from: i64, to: i64) -> Self {
        Self { rule, from, to, units: 0, atoms: 0, unit_s: 0, each_milli: 0, per_s: 0, name: None }
    }
}

/// The lines so far and what they come to.
#[derive(Debug, Default)]
pub(super) struct Sheet {
    pub(super) lines: Vec<Raw>,
    /// In atoms, after what caps took off.
    pub(super) total: i128,
}

impl Sheet {
    /// Time of one kind that costs nothing.
    pub(super) fn span(&mut self, rule: QuoteRule, from: i64, to: i64, units: i64) {
        match self.lines.last_mut() {
            Some(last) if last.rule == rule && last.to == from && units == 0 => last.to = to,
            _ => self.lines.push(Raw { units, ..Raw::span(rule, from, to) }),
        }
    }

    /// Charged units, counted together with those before them where they are of one kind.
    pub(super) fn units(
        &mut self,
        step: &Step,
        units: i64,
        atoms: i128,
        (from, to): (i64, i64),
        name: Option<&Arc<str>>,
    ) {
        self.total += atoms;
        if let Some(last) = self.lines.last_mut()
            && last.goes_on(step, from)
            && last.name.as_ref() == name
        {
            last.to = to;
            last.units += units;
            last.atoms += atoms;
            return;
        }
        self.lines.push(Raw {
            units,
            atoms,
            unit_s: step.len,
            each_milli: step.each_milli,
            per_s: step.per_s,
            name: name.cloned(),
            ..Raw::span(QuoteRule::Units, from, to)
        });
    }

    /// A line that adds to the total, or takes from it.
    pub(super) fn add(&mut self, raw: Raw) {
        self.total += raw.atoms;
        self.lines.push(raw);
    }

    /// Forgets all lines for a single one.
    pub(super) fn replace(&mut self, raw: Raw) {
        self.lines.clear();
        self.total = 0;
        self.add(raw);
    }

    /// The lines as money that adds up to `total` exactly.
    pub(super) fn money(
        &self,
        scale: i128,
        step: i128,
        mode: RoundMode,
        currency: Currency,
    ) -> (Vec<QuoteLine>, Money) {
        let mut lines = Vec::with_capacity(self.lines.len() + 1);
        let (mut atoms, mut minor) = (0_i128, 0_i64);
        for raw in &self.lines {
            atoms += raw.atoms;
            let so_far = if raw.atoms == 0 { minor } else { half_up(atoms, scale) as i64 };
            lines.push(raw.line(so_far - minor, currency));
            minor = so_far;
        }
        let steps = match mode {
            RoundMode::HalfUp => half_up(self.total, step),
            RoundMode::Up => -(-self.total).div_euclid(step),
            RoundMode::Down => self.total.div_euclid(step),
        };
        let total = half_up(steps * step, scale) as i64;
        if total != minor
            && let Some(last) = self.lines.last()
        {
            let raw = Raw { units: 0, ..Raw::span(QuoteRule::Rounding, last.to, last.to) };
            lines.push(raw.line(total - minor, currency));
        }
        (lines, Money::new(total, currency))
    }
}

fn half_up(atoms: i128, step: i128) -> i128 {
    if let (Ok(atoms), Ok(step)) = (i64::try_from(atoms), i64::try_from(step))
        && atoms < i64::MAX / 4
        && step < i64::MAX / 4
    {
        return i128::from((atoms + step / 2).div_euclid(step));
    }
    (atoms + step / 2).div_euclid(step)
}

impl Raw {
    fn line(&self, minor: i64, currency: Currency) -> QuoteLine {
        let at = |s| Timestamp::from_second(s).unwrap_or(Timestamp::UNIX_EPOCH);
        QuoteLine {
            rule: self.rule,
            from: at(self.from),
            to: at(self.to),
            units: self.units,
            amount: Money::new(minor, currency),
            unit_s: self.unit_s,
            each_milli: self.each_milli,
            per_s: self.per_s,
            name: self.name.clone(),
        }
    }

    /// A line of another fee, in our atoms.
    pub(super) fn of(line: QuoteLine, scale: i128) -> Self {
        Self {
            rule: line.rule,
            from: line.from.as_second(),
            to: line.to.as_second(),
            units: line.units,
            atoms: i128::from(line.amount.minor) * scale,
            unit_s: line.unit_s,
            each_milli: line.each_milli,
            per_s: line.per_s,
            name: line.name,
        }
    }
}
