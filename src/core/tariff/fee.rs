//! The fee of one stay by one tariff: which time is charged, what its units come to, and everything that is done to
//! the sum after that, in a fixed order. `README.md` beside this file gives the order. Knows no other tariff.

use std::sync::Arc;

use super::{
    case::Case,
    days::{Days, Offsets},
    fold,
    line::{Raw, Sheet},
    meter::Meter,
    notation::{DAY_S, Hours, Length, Percent},
    periods,
    plan::{Free, Plan},
    quote::QuoteRule,
    spec::{LostMode, Nested, Per, Reduction},
    timeline::{self, Part},
};

/// Where and when a site is.
#[derive(Clone, Copy)]
pub(super) struct Site<'a> {
    pub(super) offsets: &'a Offsets,
    pub(super) days: &'a Days,
}

/// A stay in whole seconds, with what its tariff makes of earlier visits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stay<'a> {
    pub(super) case: &'a Case<'a>,
    pub(super) from: i64,
    pub(super) to: i64,
    /// Visits of `case.earlier` that this stay continues: the last so many.
    pub(super) continued: usize,
    /// It goes on after a payment: nothing is free any more.
    pub(super) resumed: bool,
}

/// What merchants gave, summed up.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Gifts {
    pub(super) front_s: i64,
    pub(super) back_s: i64,
    pub(super) minor: i64,
    pub(super) percents: [u8; 4],
    pub(super) all: bool,
}

/// The units of a stay, capped and written down.
pub(super) fn units(plan: &Plan, site: Site<'_>, stay: &Stay<'_>, gifts: &Gifts) -> Sheet {
    let mut sheet = Sheet { lines: Vec::with_capacity(4), total: 0 };
    let (from, to) = (stay.from, stay.to);
    let out = not_charged(plan, stay);
    let mut parts = timeline::cut(from, to, out);
    let mut on_ladder = 0;
    for free in plan.free.iter().filter(|free| has_free(free, stay, site)).map(|free| &free.rule) {
        let taken = timeline::free(&mut parts, free, site.offsets, from, to);
        on_ladder += if free.uses_steps { taken } else { 0 };
    }
    let validated = timeline::take_front(&mut parts, gifts.front_s, QuoteRule::Validated);
    on_ladder += if plan.spec.benefits.uses_steps { validated } else { 0 };
    timeline::take_back(&mut parts, gifts.back_s, QuoteRule::Validated);
    let begins = whole_periods(plan, &mut parts, from, &mut sheet);
    // Periods of caps and ladders run from entry, or from where whole periods ended.
    let mut meter = Meter::new(plan, site.offsets, site.days, begins, on_ladder);
    carry_visits(plan, site, stay, &mut meter);
    for part in &parts {
        if part.rule == QuoteRule::Units {
            meter.run(part.from, part.to, &mut sheet);
        } else {
            sheet.span(part.rule, part.from, part.to, 0);
        }
    }
    meter.finish(to, &mut sheet);
    if sheet.lines.is_empty() {
        sheet.span(QuoteRule::Free, from, to, 0);
    }
    fold::fold(&mut sheet.lines, site.offsets);
    sheet
}

/// Time that a pass pays for, in nested zones whose time stops ours, and outside between visits.
fn not_charged(plan: &Plan, stay: &Stay<'_>) -> Vec<Part> {
    let case = stay.case;
    let mut out: Vec<Part> =
        case.covered.iter().map(|span| timeline::part(span, QuoteRule::Covered)).collect();
    if plan.spec.nested == Nested::Stops {
        let nested = case.segments.iter().map(|segment| Part {
            from: segment.from.as_second(),
            to: segment.to.as_second(),
            rule: QuoteRule::Paused,
        });
        out.extend(nested);
    }
    if plan.spec.reentry.is_some_and(|reentry| !reentry.gap_counts) {
        let visits = &case.earlier[case.earlier.len() - stay.continued..];
        for (at, visit) in visits.iter().enumerate() {
            let back = visits.get(at + 1).map_or(case.from, |next| next.from);
            let (from, to) = (visit.to.as_second(), back.as_second());
            out.push(Part { from, to, rule: QuoteRule::Paused });
        }
    }
    out
}

/// A plate may have had its free periods, or come on another day; behind a payment there is none.
fn has_free(free: &Free, stay: &Stay<'_>, site: Site<'_>) -> bool {
    if stay.resumed {
        return false;
    }
    let rule = &free.rule;
    let left = |most: u32| same_day_visits(stay, site) < u64::from(most);
    let was_away = |away: Length| {
        let before = stay.case.earlier.len() - stay.continued;
        let last = stay.case.earlier[..before].last().map(|visit| visit.to.as_second());
        last.is_none_or(|last| stay.from - last > away.0)
    };
    rule.visits_a_day.is_none_or(left)
        && rule.away.is_none_or(was_away)
        && (rule.days.is_empty() || free.days.holds(site.offsets.day(stay.from), site.days))
        && rule.enter.is_none_or(|hours| holds(hours, stay.from, site, false))
}

/// Whether these hours hold at an instant. `ends`: their end is inside.
fn holds(hours: Hours, instant: i64, site: Site<'_>, ends: bool) -> bool {
    let local = instant + site.offsets.at(instant).0;
    let day = local.div_euclid(DAY_S);
    hours.began(day, local - day * DAY_S, ends).is_some()
}

fn same_day_visits(stay: &Stay<'_>, site: Site<'_>) -> u64 {
    let visits = &stay.case.earlier[..stay.case.earlier.len() - stay.continued];
    if visits.is_empty() {
        return 0;
    }
    let today = site.offsets.day(stay.from);
    let same = |instant: i64| site.offsets.day(instant) == today;
    visits.iter().filter(|visit| same(visit.from.as_second())).count() as u64
}

/// Whole periods have their own price and are taken off the front of what is charged. Gives back where the rest begins.
fn whole_periods(plan: &Plan, parts: &mut Vec<Part>, from: i64, sheet: &mut Sheet) -> i64 {
    let Some((every, amounts)) = &plan.whole else { return from };
    let charged = |part: &&Part| part.rule == QuoteRule::Units;
    let (Some(first), Some(last)) =
        (parts.iter().find(charged).copied(), parts.iter().rfind(charged).copied())
    else {
        return from;
    };
    let periods = (last.to - first.from) / every;
    if periods == 0 {
        return first.from;
    }
    let rest = first.from + periods * every;
    timeline::split(parts, rest);
    parts.retain(|part| part.rule != QuoteRule::Units || part.from >= rest);
    let mut at = first.from;
    for (number, atoms) in amounts.iter().enumerate() {
        let left = periods - number as i64;
        let units = if number + 1 == amounts.len() { left } else { left.min(1) };
        if units <= 0 {
            break;
        }
        let end = at + units * every;
        sheet.add(Raw {
            units,
            atoms: atoms * i128::from(units),
            unit_s: *every,
            each_milli: (atoms / (plan.scale / super::plan::MILLI)) as i64,
            ..Raw::span(QuoteRule::Whole, at, end)
        });
        at = end;
    }
    rest
}

/// Caps that are counted over several visits know what earlier ones were charged.
fn carry_visits(plan: &Plan, site: Site<'_>, stay: &Stay<'_>, meter: &mut Meter<'_>) {
    let visits = &stay.case.earlier[..stay.case.earlier.len() - stay.continued];
    for (at, cap) in plan.caps.iter().enumerate().filter(|(_, cap)| cap.over_visits) {
        let atoms = |minor: i64| i128::from(minor.max(0)) * plan.scale;
        match cap.per {
            Per::Day | Per::Week | Per::Month => {
                let of = |instant: i64| periods::calendar(cap.per, site.offsets.day(instant));
                let now = of(stay.from);
                let same = visits.iter().filter(|visit| of(visit.from.as_second()) == now);
                let charged = same.map(|visit| atoms(visit.charged_minor)).sum();
                meter.periods.carry(at, stay.from, now, charged);
            }
            Per::Every(length) => {
                let (mut anchor, mut charged) = (i64::MIN, 0);
                for visit in visits {
                    let from = visit.from.as_second();
                    if anchor == i64::MIN || from >= anchor + length.0 {
                        (anchor, charged) = (from, 0);
                    }
                    charged += atoms(visit.charged_minor);
                }
                if anchor != i64::MIN && stay.from < anchor + length.0 {
                    meter.periods.carry(at, anchor, 0, charged);
                }
            }
            Per::Stay | Per::Window => {}
        }
    }
}

/// The least and the greatest fee, and the percentage of it that this kind of vehicle pays.
pub(super) fn bounds(plan: &Plan, stay: &Stay<'_>, sheet: &mut Sheet) {
    let (from, to) = (stay.from, stay.to);
    let percent = plan.spec.percent.unwrap_or(Percent::ALL);
    if percent != Percent::ALL {
        let asked = sheet.total.saturating_mul(i128::from(percent.0)) / i128::from(Percent::ALL.0);
        let raw = Raw::span(QuoteRule::Percent, from, to);
        // Decimals stand beside whole percents.
        let each_milli = if percent.is_whole() { 0 } else { percent.0 };
        let atoms = asked - sheet.total;
        sheet.add(Raw { units: percent.0 / 1_000, atoms, each_milli, ..raw });
    }
    if let Some(least) = plan.minimum.filter(|least| sheet.total > 0 && sheet.total < *least) {
        let atoms = least - sheet.total;
        sheet.add(Raw { atoms, ..Raw::span(QuoteRule::Minimum, from, to) });
    }
    if let Some(most) = plan.maximum.filter(|most| sheet.total > *most) {
        let atoms = most - sheet.total;
        sheet.add(Raw { atoms, ..Raw::span(QuoteRule::Maximum, from, to) });
    }
}

/// What merchants take off.
pub(super) fn gifts(plan: &Plan, stay: &Stay<'_>, gifts: &Gifts, sheet: &mut Sheet) {
    let raw = |rule| Raw::span(rule, stay.from, stay.to);
    for kind in plan.spec.benefits.order {
        match kind {
            Reduction::Percent => {
                for off in gifts.percents {
                    let off = off.min(100);
                    if off == 0 || sheet.total <= 0 {
                        continue;
                    }
                    let atoms = -(sheet.total * i128::from(off) / 100);
                    let units = i64::from(off);
                    sheet.add(Raw { units, atoms, ..raw(QuoteRule::PercentOff) });
                }
            }
            Reduction::Amount if gifts.minor > 0 && sheet.total > 0 => {
                let atoms = (i128::from(gifts.minor) * plan.scale).min(sheet.total);
                sheet.add(Raw { atoms: -atoms, ..raw(QuoteRule::AmountOff) });
            }
            Reduction::Amount => {}
        }
    }
}

/// What comes on top whoever pays the rest: penalties.
pub(super) fn surcharges(plan: &Plan, site: Site<'_>, stay: &Stay<'_>, sheet: &mut Sheet) {
    for surcharge in &plan.surcharges {
        let mut times = 0_i64;
        let mut at = stay.from;
        if let Some(clock) = surcharge.rule.past {
            let mut u = stay.from;
            loop {
                let next = site.offsets.next_clock(u, clock.0 % DAY_S);
                if next >= stay.to || (times > 0 && !surcharge.rule.each_time) {
                    break;
                }
                u = next;
                if surcharge.days.holds(site.offsets.day(next), site.days) {
                    times += 1;
                    at = next;
                }
            }
        } else if let Some(after) = surcharge.rule.after {
            at = stay.from + after.0;
            let over = stay.to - at;
            let held = surcharge.days.holds(site.offsets.day(stay.from), site.days);
            let again = surcharge.rule.again.or(surcharge.rule.each_time.then_some(after));
            times = match again {
                _ if over <= 0 || !held => 0,
                Some(again) => (over - 1).div_euclid(again.0) + 1,
                None => 1,
            };
        }
        if times > 0 {
            sheet.add(Raw {
                units: times,
                atoms: surcharge.atoms * i128::from(times),
                name: Some(surcharge.rule.name.clone()),
                ..Raw::span(QuoteRule::Surcharge, at, stay.to)
            });
        }
    }
}

/// A lost ticket, card or record.
pub(super) fn lost(plan: &Plan, stay: &Stay<'_>, sheet: &mut Sheet) {
    let (Some(atoms), Some(lost)) = (plan.lost, plan.spec.lost) else { return };
    let raw = Raw { atoms, ..Raw::span(QuoteRule::Lost, stay.from, stay.to) };
    match lost.mode {
        LostMode::Replaces => sheet.replace(raw),
        LostMode::Adds => sheet.add(raw),
        LostMode::AtLeast if sheet.total < atoms => {
            let atoms = atoms - sheet.total;
            sheet.add(Raw { atoms, ..raw });
        }
        LostMode::AtLeast => {}
    }
}

/// A flat rate in place of all that was counted.
pub(super) fn instead(stay: &Stay<'_>, name: &Arc<str>, atoms: i128, sheet: &mut Sheet) {
    let raw = Raw::span(QuoteRule::Instead, stay.from, stay.to);
    sheet.replace(Raw { atoms, name: Some(name.clone()), ..raw });
}

/// Whether a flat rate or another tariff may take the units' place.
pub(super) fn applies(rule: &super::plan::Alternative, site: Site<'_>, stay: &Stay<'_>) -> bool {
    let length = stay.to - stay.from;
    let (entry, exit) = (site.offsets.day(stay.from), site.offsets.day(stay.to));
    rule.days.holds(entry, site.days)
        && rule.rule.enter.is_none_or(|hours| holds(hours, stay.from, site, false))
        && rule.rule.leave.is_none_or(|hours| holds(hours, stay.to, site, true))
        && rule.rule.longest.is_none_or(|longest| length <= longest.0)
        && rule.rule.shortest.is_none_or(|shortest| length >= shortest.0)
        && (!rule.rule.same_day || entry == exit)
}
