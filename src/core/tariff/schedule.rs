//! Which band holds at which second of which day, as a table made once. Knows no amount.

use super::{
    days::{DaySet, Days},
    notation::{DAY_S, Hours},
};

/// No band holds: nothing is charged.
pub(super) const NONE: u16 = u16::MAX;
/// The beginning of a band that has no hours.
pub(super) const ENDLESS: i32 = i32::MIN;

/// A part of a day in one band. Seconds from the day's midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) until: i32,
    pub(super) band: u16,
    /// Where the band's hours began, on this day or one before; or [`ENDLESS`].
    pub(super) began: i32,
}

/// The hours and days of one band.
#[derive(Clone, Debug)]
pub(super) struct Window {
    pub(super) days: DaySet,
    pub(super) hours: Option<Hours>,
}

/// A table of days. Days beyond its reach are as their weekday is.
#[derive(Clone, Debug)]
pub(super) struct Schedule {
    /// Different days, each a list of pieces that ends at 24:00.
    kinds: Vec<Vec<Piece>>,
    weekly: [u16; 7],
    base: i64,
    dense: Vec<u16>,
}

/// Seasons are laid out for these days: 2000-01-01 to 2099-12-31.
const SEASONS: (i64, i64) = (10_957, 47_481);

impl Schedule {
    pub(super) fn new(windows: &[Window], calendar: &Days) -> Self {
        let mut made = Self { kinds: Vec::new(), weekly: [0; 7], base: 0, dense: Vec::new() };
        let nothing = Days::default();
        // 1970-01-05 was a Monday; the table of plain weeks lies before any date a file may name.
        for day in 0..7_i64 {
            made.weekly[day as usize] = made.kind(windows, 4 + day, &nothing);
        }
        if windows.iter().all(|window| window.days.is_weekly()) {
            return made;
        }
        let (first, last) = reach(windows, calendar);
        made.base = first;
        for day in first..=last {
            let kind = made.kind(windows, day, calendar);
            made.dense.push(kind);
        }
        made
    }

    fn kind(&mut self, windows: &[Window], day: i64, calendar: &Days) -> u16 {
        let pieces = pieces(windows, day, calendar);
        let known = self.kinds.iter().position(|kind| *kind == pieces);
        known.unwrap_or_else(|| {
            self.kinds.push(pieces);
            self.kinds.len() - 1
        }) as u16
    }

    /// The pieces of a day in order; the last one ends at 24:00.
    pub(super) fn day(&self, day: i64) -> &[Piece] {
        let kind = usize::try_from(day - self.base)
            .ok()
            .and_then(|at| self.dense.get(at))
            .copied()
            .unwrap_or_else(|| self.weekly[super::days::weekday(day)]);
        &self.kinds[usize::from(kind)]
    }

    /// The piece that holds at a second of a day.
    pub(super) fn piece(&self, day: i64, second: i64) -> Piece {
        let pieces = self.day(day);
        let found = pieces.iter().find(|piece| i64::from(piece.until) > second);
        found.copied().unwrap_or(Piece { until: DAY_S as i32, band: NONE, began: ENDLESS })
    }
}

fn reach(windows: &[Window], calendar: &Days) -> (i64, i64) {
    let mut ends = calendar.reach();
    for window in windows {
        let (dates, seasons) = window.days.reach();
        for (a, b) in dates.into_iter().chain(seasons.then_some(SEASONS)) {
            let (first, last) = ends.unwrap_or((a, b));
            ends = Some((first.min(a), last.max(b)));
        }
    }
    // "workday" without a calendar says nothing that a weekday does not.
    let (first, last) = ends.unwrap_or((0, 0));
    // Hours past midnight reach into the day after, those of a week further; a calendar that errs by centuries is cut.
    (first.max(0), (last + 8).min(first.max(0) + 366 * 130))
}

/// First match wins: each band takes what no band before it has taken.
fn pieces(windows: &[Window], day: i64, calendar: &Days) -> Vec<Piece> {
    let whole = DAY_S as i32;
    let mut spans: Vec<(i32, i32, u16, i32)> = Vec::new();
    for (band, window) in windows.iter().enumerate() {
        let band = band as u16;
        let Some(hours) = window.hours else {
            if window.days.holds(day, calendar) {
                spans.push((0, whole, band, ENDLESS));
            }
            continue;
        };
        for (from, began) in hours.touching(day) {
            if window.days.holds(began, calendar) {
                let (from, to) = (from as i32, (from + hours.length()) as i32);
                spans.push((from.max(0), to.min(whole), band, from));
            }
        }
    }
    let mut cuts: Vec<i32> =
        spans.iter().flat_map(|span| [span.0, span.1]).chain([0, whole]).collect();
    cuts.sort_unstable();
    cuts.dedup();
    let mut pieces: Vec<Piece> = Vec::new();
    for pair in cuts.windows(2) {
        let holds = spans.iter().find(|span| span.0 <= pair[0] && pair[1] <= span.1);
        let (band, began) = holds.map_or((NONE, ENDLESS), |span| (span.2, span.3));
        match pieces.last_mut() {
            Some(last) if last.band == band && last.began == began => last.until = pair[1],
            _ => pieces.push(Piece { until: pair[1], band, began }),
        }
    }
    pieces
}
