//! Draws the lines of long stays together: equal days into one line, then months, then years. What they come to does not
//! change. Knows no rule.

use super::{
    days::{self, Offsets},
    line::Raw,
    notation::DAY_S,
    quote::QuoteRule,
};

/// A fee of so many lines is left as it is.
const LINES_PLAIN: usize = 16;
/// A fee of more lines than this is drawn together by months, then by years.
const LINES_MAX: usize = 48;

pub(super) fn fold(lines: &mut Vec<Raw>, offsets: &Offsets) {
    if lines.len() <= LINES_PLAIN {
        return;
    }
    *lines = equal_days(std::mem::take(lines), offsets);
    for width in [Width::Month, Width::Year] {
        if lines.len() > LINES_MAX {
            *lines = totals(std::mem::take(lines), offsets, width);
        }
    }
}

/// The days of a fee: where each one's lines begin. What a cap took off stays with the lines before it.
fn groups(lines: &[Raw], offsets: &Offsets) -> Vec<(i64, usize)> {
    let mut groups: Vec<(i64, usize)> = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let day = offsets.day(line.from);
        match groups.last() {
            Some((last, _)) if *last == day || line.rule == QuoteRule::Cap => {}
            _ => groups.push((day, at)),
        }
    }
    groups
}

fn equal_days(lines: Vec<Raw>, offsets: &Offsets) -> Vec<Raw> {
    let groups = groups(&lines, offsets);
    let slice = |at: usize| {
        let end = groups.get(at + 1).map_or(lines.len(), |group| group.1);
        &lines[groups[at].1..end]
    };
    let mut made: Vec<Raw> = Vec::with_capacity(64);
    let mut at = 0;
    while at < groups.len() {
        let first = slice(at);
        let mut last = at;
        while last + 1 < groups.len()
            && groups[last + 1].0 == groups[last].0 + 1
            && alike(first, slice(last + 1))
        {
            last += 1;
        }
        made.extend_from_slice(first);
        // One day is shown in full, so that the days like it can be checked.
        let more = last - at;
        match more {
            0 => {}
            1 => made.extend_from_slice(slice(last)),
            _ => made.push(drawn_together(
                QuoteRule::Days,
                &lines[groups[at + 1].1..slice_end(&groups, last, lines.len())],
                more,
            )),
        }
        at = last + 1;
    }
    made
}

fn slice_end(groups: &[(i64, usize)], at: usize, len: usize) -> usize {
    groups.get(at + 1).map_or(len, |group| group.1)
}

fn alike(a: &[Raw], b: &[Raw]) -> bool {
    let same = |(x, y): (&Raw, &Raw)| {
        x.rule == y.rule
            && x.units == y.units
            && x.atoms == y.atoms
            && x.unit_s == y.unit_s
            && x.each_milli == y.each_milli
            && x.per_s == y.per_s
            && x.to - x.from == y.to - y.from
            && x.name == y.name
    };
    a.len() == b.len() && a.iter().zip(b).all(same)
}

fn drawn_together(rule: QuoteRule, lines: &[Raw], units: usize) -> Raw {
    let from = lines.iter().map(|line| line.from).min().unwrap_or(0);
    let to = lines.iter().map(|line| line.to).max().unwrap_or(from);
    Raw {
        units: units as i64,
        atoms: lines.iter().map(|line| line.atoms).sum(),
        ..Raw::span(rule, from, to)
    }
}

#[derive(Clone, Copy)]
enum Width {
    Month,
    Year,
}

fn totals(lines: Vec<Raw>, offsets: &Offsets, width: Width) -> Vec<Raw> {
    let bucket = |day: i64| {
        let date = days::date(day);
        match width {
            Width::Month => (date.year(), date.month()),
            Width::Year => (date.year(), 0),
        }
    };
    let groups = groups(&lines, offsets);
    let mut made = Vec::with_capacity(64);
    let mut at = 0;
    while at < groups.len() {
        let month = bucket(groups[at].0);
        let mut last = at;
        while last + 1 < groups.len() && bucket(groups[last + 1].0) == month {
            last += 1;
        }
        let slice = &lines[groups[at].1..slice_end(&groups, last, lines.len())];
        let mut total = drawn_together(QuoteRule::Total, slice, 0);
        total.units = (total.to - total.from + DAY_S - 1) / DAY_S;
        made.push(total);
        at = last + 1;
    }
    made
}
