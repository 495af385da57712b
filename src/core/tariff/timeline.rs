//! Which time of a stay is charged: everything that a pass, a nested zone, a merchant or the free period takes out is
//! cut here, before a unit is laid. Knows no amount.

use super::{
    case::Span,
    days::Offsets,
    quote::QuoteRule,
    spec::{Again, Free, FreeMode, Limit},
};

/// A part of a stay. `QuoteRule::Units` stands for time that is charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) from: i64,
    pub(super) to: i64,
    pub(super) rule: QuoteRule,
}

/// Cuts spans that are not charged out of a stay. Where two overlap, the earlier one is shown.
pub(super) fn cut(from: i64, to: i64, mut out: Vec<Part>) -> Vec<Part> {
    out.sort_by_key(|part| part.from);
    let mut parts = Vec::with_capacity(out.len() * 2 + 1);
    let mut u = from;
    for part in out {
        let (a, b) = (part.from.max(u), part.to.min(to));
        if b <= a {
            continue;
        }
        if a > u {
            parts.push(Part { from: u, to: a, rule: QuoteRule::Units });
        }
        parts.push(Part { from: a, to: b, rule: part.rule });
        u = b;
    }
    if u < to {
        parts.push(Part { from: u, to, rule: QuoteRule::Units });
    }
    parts
}

/// A case's span in seconds from its entry's second.
pub(super) fn part(span: &Span, rule: QuoteRule) -> Part {
    Part { from: span.from.as_second(), to: span.to.as_second(), rule }
}

/// Takes the first `seconds` of charged time for something else. Gives back what was taken.
pub(super) fn take_front(parts: &mut Vec<Part>, seconds: i64, rule: QuoteRule) -> i64 {
    let mut left = seconds;
    let mut at = 0;
    while at < parts.len() && left > 0 {
        let part = parts[at];
        if part.rule != QuoteRule::Units {
            at += 1;
            continue;
        }
        let taken = left.min(part.to - part.from);
        left -= taken;
        parts[at] = Part { to: part.from + taken, rule, ..part };
        if part.from + taken < part.to {
            parts.insert(at + 1, Part { from: part.from + taken, ..part });
        }
        at += 1;
    }
    seconds - left
}

/// Takes the last `seconds` of charged time for something else.
pub(super) fn take_back(parts: &mut Vec<Part>, seconds: i64, rule: QuoteRule) {
    let mut left = seconds;
    for at in (0..parts.len()).rev() {
        let part = parts[at];
        if part.rule != QuoteRule::Units || left == 0 {
            continue;
        }
        let taken = left.min(part.to - part.from);
        left -= taken;
        parts[at] = Part { from: part.to - taken, rule, ..part };
        if part.from < part.to - taken {
            parts.insert(at, Part { to: part.to - taken, ..part });
        }
    }
}

/// Where the free period begins anew after `u`.
fn next(free: &Free, offsets: &Offsets, from: i64, u: i64) -> i64 {
    match free.again {
        Again::Day => offsets.next_clock(u, 0),
        Again::Every(length) => from + ((u - from) / length.0 + 1) * length.0,
        Again::Never | Again::Window => i64::MAX,
    }
}

/// Whether a time this long is within the free period.
fn within(free: &Free, seconds: i64) -> bool {
    match free.limit {
        Limit::Inclusive => seconds <= free.time.0,
        Limit::Exclusive => seconds < free.time.0,
    }
}

/// Marks the free time of a stay. Gives back the seconds deducted at its front.
pub(super) fn free(
    parts: &mut Vec<Part>,
    free: &Free,
    offsets: &Offsets,
    from: i64,
    to: i64,
) -> i64 {
    match (free.mode, free.again) {
        (FreeMode::Deducted, Again::Never | Again::Window) => {
            take_front(parts, free.time.0, QuoteRule::FreeTime)
        }
        (FreeMode::Deducted, Again::Day | Again::Every(_)) => {
            deduct_again(parts, free, offsets, from);
            0
        }
        (FreeMode::Grace, _) => {
            // Only the first and the last period of a stay can be short.
            let first_end = next(free, offsets, from, from).min(to);
            split(parts, first_end);
            grace(parts, free, from, first_end);
            let mut begins = first_end;
            let long = begins < to;
            while let Some(end) = Some(next(free, offsets, from, begins)).filter(|end| *end < to) {
                begins = end;
            }
            if long {
                split(parts, begins);
                grace(parts, free, begins, to);
            }
            0
        }
    }
}

fn grace(parts: &mut [Part], free: &Free, from: i64, to: i64) {
    if !within(free, to - from) {
        return;
    }
    for part in parts.iter_mut() {
        if part.rule == QuoteRule::Units && part.from >= from && part.to <= to {
            part.rule = QuoteRule::Free;
        }
    }
}

fn deduct_again(parts: &mut Vec<Part>, free: &Free, offsets: &Offsets, from: i64) {
    let mut made: Vec<Part> = Vec::with_capacity(parts.len() * 2);
    let (mut left, mut ends) = (free.time.0, next(free, offsets, from, from));
    for part in parts.drain(..) {
        let mut u = part.from;
        while u < part.to {
            if u >= ends {
                left = free.time.0;
                ends = next(free, offsets, from, u);
            }
            let charged = part.rule == QuoteRule::Units;
            let (to, rule) = match (charged, left) {
                (true, 1..) => ((u + left).min(part.to).min(ends), QuoteRule::FreeTime),
                (true, _) => (part.to.min(ends), QuoteRule::Units),
                (false, _) => (part.to.min(ends), part.rule),
            };
            if rule == QuoteRule::FreeTime {
                left -= to - u;
            }
            match made.last_mut() {
                Some(last) if last.rule == rule && last.to == u => last.to = to,
                _ => made.push(Part { from: u, to, rule }),
            }
            u = to;
        }
    }
    *parts = made;
}

/// Splits charged parts at an instant.
pub(super) fn split(parts: &mut Vec<Part>, at: i64) {
    if let Some(found) = parts.iter().position(|part| part.from < at && at < part.to) {
        let part = parts[found];
        parts[found].to = at;
        parts.insert(found + 1, Part { from: at, ..part });
    }
}
