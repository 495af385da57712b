//! From a case to its quote: which tariff, which time, payments and earlier visits, and the fee made step by step.
//! Knows no state.

use std::sync::Arc;

use super::{
    NoQuote, Quote, TariffBook,
    case::{Benefit, Case, PaidAt, Segment},
    fee::{self, Gifts, Site, Stay},
    line::{Raw, Sheet},
    plan::Plan,
    quote::{QuoteLine, QuoteRule},
    spec::{Choose, Combine, Then},
};
use crate::types::Money;

/// Stays are priced up to this length; what lies behind it is a broken clock.
const STAY_MAX_S: i64 = 60 * 366 * 86_400;

/// A fee on the way to being a quote.
struct Fee {
    lines: Vec<QuoteLine>,
    amount: Money,
}

impl TariffBook {
    /// The fee of a case, line by line. What merchants give never makes it dearer, as free time can that moves the first
    /// unit into dearer hours.
    pub fn quote(&self, case: &Case<'_>) -> Result<Quote, NoQuote> {
        let given = self.given(case)?;
        if case.benefits.is_empty() {
            return Ok(given);
        }
        let plain = self.with(case, &[])?;
        Ok(if plain.amount.minor < given.amount.minor { plain } else { given })
    }

    fn given(&self, case: &Case<'_>) -> Result<Quote, NoQuote> {
        let (from, to) = seconds(case);
        let version = self.version(case.tariff, from, to)?;
        let combine = version.plan(case).spec.benefits.combine;
        match (combine, case.benefits) {
            (Combine::All, _) | (_, [] | [_]) => self.with(case, case.benefits),
            (Combine::First, [first, ..]) => self.with(case, std::slice::from_ref(first)),
            (Combine::Best, several) => {
                let mut best = self.with(case, &several[..1])?;
                for one in &several[1..] {
                    let other = self.with(case, std::slice::from_ref(one))?;
                    if other.amount.minor < best.amount.minor {
                        best = other;
                    }
                }
                Ok(best)
            }
        }
    }

    /// The quote with these benefits.
    fn with(&self, case: &Case<'_>, benefits: &[Benefit]) -> Result<Quote, NoQuote> {
        let other = benefits.iter().find_map(|benefit| match benefit {
            Benefit::OtherTariff { name } => Some(&**name),
            _ => None,
        });
        let (from, to) = seconds(case);
        let version = self.version(other.unwrap_or(case.tariff), from, to)?;
        let pricing =
            Pricing { book: self, plan: version.plan(case), case, gifts: gifts(benefits) };
        let (fee, leave_by) = pricing.paid(from, to, case.paid)?;
        Ok(Quote {
            from: case.from,
            to: case.to.max(case.from),
            amount: fee.amount,
            lines: fee.lines,
            tariff: version.tariff.name().clone(),
            version: version.tariff.version().clone(),
            paid_minor: case.paid.iter().map(|paid| paid.amount).sum(),
            leave_by: leave_by.and_then(|s| jiff::Timestamp::from_second(s).ok()),
        })
    }
}

/// Entry in seconds, and as many whole seconds on as the stay has lasted.
fn seconds(case: &Case<'_>) -> (i64, i64) {
    let from = case.from.as_second();
    let length = case.to.duration_since(case.from).as_secs().clamp(0, STAY_MAX_S);
    (from, from + length)
}

fn gifts(benefits: &[Benefit]) -> Gifts {
    let mut gifts = Gifts::default();
    let mut percents = gifts.percents.len();
    for benefit in benefits {
        match benefit {
            Benefit::TimeFront { minutes } => gifts.front_s += i64::from(*minutes) * 60,
            Benefit::TimeBack { minutes } => gifts.back_s += i64::from(*minutes) * 60,
            Benefit::Amount { minor } => gifts.minor = gifts.minor.saturating_add((*minor).max(0)),
            Benefit::Percent { off } if percents > 0 => {
                percents -= 1;
                gifts.percents[percents] = *off;
            }
            Benefit::AllFree => gifts.all = true,
            Benefit::Percent { .. } | Benefit::OtherTariff { .. } => {}
        }
    }
    gifts
}

/// One case with the plan that prices it.
struct Pricing<'a> {
    book: &'a TariffBook,
    plan: &'a Plan,
    case: &'a Case<'a>,
    gifts: Gifts,
}

impl Pricing<'_> {
    fn leave_s(&self) -> i64 {
        self.plan.spec.prepaid.leave.map_or(self.case.leave_s, |length| length.0)
    }

    /// The whole fee at `to`, knowing of these payments; and until when nothing more is owed.
    fn paid(&self, from: i64, to: i64, paid: &[PaidAt]) -> Result<(Fee, Option<i64>), NoQuote> {
        let Some((last, before)) = paid.split_last() else {
            return Ok((self.fee(from, to, false)?, None));
        };
        let at = last.at.as_second().clamp(from, to);
        let covered = paid.iter().fold(0_i64, |sum, paid| sum.saturating_add(paid.amount));
        let (mut then, _) = self.paid(from, at, before)?;
        if covered < then.amount.minor {
            // Paid in part: it comes off, and no time to leave begins.
            return match self.plan.spec.prepaid.then {
                Then::Difference => Ok((self.fee(from, to, false)?, None)),
                Then::FromPayment => self.paid(from, to, before),
            };
        }
        let leave_by = at + self.leave_s();
        if to <= leave_by {
            let minutes = (leave_by - at) / 60;
            then.push(QuoteRule::LeaveTime, at, to, minutes, 0);
            return Ok((then, Some(leave_by)));
        }
        match self.plan.spec.prepaid.then {
            Then::Difference => Ok((self.fee(from, to, false)?, None)),
            Then::FromPayment => {
                let minor = then.amount.minor;
                let mut anew =
                    Fee { lines: Vec::new(), amount: Money::new(minor, then.amount.currency) };
                anew.push(QuoteRule::Prepaid, from, at, 0, minor);
                let more = self.fee(at, to, true)?;
                anew.amount.minor += more.amount.minor;
                anew.lines.extend(more.lines);
                Ok((anew, None))
            }
        }
    }

    /// The fee from `from` to `to`; `resumed`: it goes on after a payment.
    fn fee(&self, from: i64, to: i64, resumed: bool) -> Result<Fee, NoQuote> {
        let (plan, case) = (self.plan, self.case);
        let site = Site { offsets: &self.book.offsets, days: &self.book.days };
        let (continued, begin) = if resumed { (0, from) } else { self.continued(from) };
        let stay = Stay { case, from: begin, to, continued, resumed };
        let mut sheet = fee::units(plan, site, &stay, &self.gifts);
        fee::bounds(plan, &stay, &mut sheet);
        self.alternatives(site, &stay, &mut sheet)?;
        for segment in case.segments {
            self.nested(segment, &stay, &mut sheet)?;
        }
        fee::gifts(plan, &stay, &self.gifts, &mut sheet);
        fee::surcharges(plan, site, &stay, &mut sheet);
        if case.lost {
            fee::lost(plan, &stay, &mut sheet);
        }
        if continued > 0 {
            let visits = &case.earlier[case.earlier.len() - continued..];
            let charged = visits.iter().fold(0_i128, |sum, v| sum + i128::from(v.charged_minor));
            let atoms = -(charged * plan.scale).min(sheet.total);
            sheet.add(Raw { atoms, ..Raw::span(QuoteRule::Earlier, begin, from) });
        }
        if self.gifts.all && sheet.total > 0 {
            let atoms = -sheet.total;
            sheet.add(Raw { atoms, ..Raw::span(QuoteRule::AllFree, from, to) });
        }
        let (lines, amount) =
            sheet.money(plan.scale, plan.round, plan.spec.round.mode, self.book.currency);
        Ok(Fee { lines, amount })
    }

    /// How many of the last visits this stay continues, and where the first of them began.
    fn continued(&self, from: i64) -> (usize, i64) {
        let Some(reentry) = self.plan.spec.reentry else { return (0, from) };
        let (mut count, mut begin) = (0, from);
        for visit in self.case.earlier.iter().rev() {
            let (came, left) = (visit.from.as_second(), visit.to.as_second());
            let gap = begin - left;
            if gap < 0 || gap > reentry.within.0 || came > left {
                break;
            }
            (count, begin) = (count + 1, came);
        }
        (count, begin)
    }

    /// Flat rates and other tariffs in place of the units.
    fn alternatives(
        &self,
        site: Site<'_>,
        stay: &Stay<'_>,
        sheet: &mut Sheet,
    ) -> Result<(), NoQuote> {
        // Nothing owed cannot become cheaper. Only where the tariff itself asks for nothing, "always" wins over that.
        let free = sheet.total == 0;
        let given = |rule| matches!(rule, QuoteRule::Covered | QuoteRule::Validated);
        if free
            && (stay.resumed || stay.to == stay.from || sheet.lines.iter().any(|l| given(l.rule)))
        {
            return Ok(());
        }
        for rule in self.plan.alternatives.iter().filter(|rule| fee::applies(rule, site, stay)) {
            let always = rule.rule.choose == Choose::Always;
            if free && !always {
                continue;
            }
            if let Some(atoms) = rule.atoms {
                if always || atoms < sheet.total {
                    fee::instead(stay, &rule.rule.name, atoms, sheet);
                }
            } else if let Some(name) = &rule.rule.tariff {
                let other = self.other(name, stay)?;
                let atoms = i128::from(other.amount.minor) * self.plan.scale;
                if always || atoms < sheet.total {
                    fee::instead(stay, &rule.rule.name, 0, sheet);
                    other
                        .lines
                        .into_iter()
                        .for_each(|line| sheet.add(Raw::of(line, self.plan.scale)));
                }
            }
            if always {
                break;
            }
        }
        Ok(())
    }

    /// What another tariff makes of the same stay, before merchants.
    fn other(&self, name: &str, stay: &Stay<'_>) -> Result<Quote, NoQuote> {
        let at = |s| jiff::Timestamp::from_second(s).unwrap_or(self.case.from);
        let case = Case {
            tariff: name,
            from: at(stay.from),
            to: at(stay.to),
            benefits: &[],
            paid: &[],
            segments: &[],
            earlier: &[],
            lost: false,
            ..*self.case
        };
        self.book.with(&case, &[])
    }

    /// A nested zone prices its part of the stay by its own tariff.
    fn nested(
        &self,
        segment: &Segment<'_>,
        stay: &Stay<'_>,
        sheet: &mut Sheet,
    ) -> Result<(), NoQuote> {
        let at = |s| jiff::Timestamp::from_second(s).unwrap_or(self.case.from);
        let (from, to) = (segment.from.max(at(stay.from)), segment.to.min(at(stay.to)));
        if to <= from {
            return Ok(());
        }
        let case = Case {
            tariff: segment.tariff,
            from,
            to,
            benefits: &[],
            paid: &[],
            segments: &[],
            earlier: &[],
            lost: false,
            ..*self.case
        };
        let quote = self.book.with(&case, &[])?;
        let name: Arc<str> = segment.tariff.into();
        for mut line in quote.lines {
            line.name.get_or_insert_with(|| name.clone());
            sheet.add(Raw::of(line, self.plan.scale));
        }
        Ok(())
    }
}

impl Fee {
    fn push(&mut self, rule: QuoteRule, from: i64, to: i64, units: i64, minor: i64) {
        let at = |s| jiff::Timestamp::from_second(s).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        self.lines.push(QuoteLine {
            rule,
            from: at(from),
            to: at(to),
            units,
            amount: Money::new(minor, self.amount.currency),
            unit_s: 0,
            each_milli: 0,
            per_s: 0,
            name: None,
        });
    }
}
