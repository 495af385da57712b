//! The caps of a tariff while a stay is priced: which period each is in, and what is left of its limit. A cap limits
//! what the caps before it let through. Knows no unit.

use super::{
    days::{self, Days, Offsets},
    line::{Raw, Sheet},
    meter::Place,
    notation::{DAY_S, Hours},
    plan::{CAPS_MAX, Cap, Plan},
    quote::QuoteRule,
    spec::Per,
};

#[derive(Clone, Copy, Debug)]
struct State {
    /// Which period: a day, a number from the anchor, the beginning of hours.
    key: i64,
    /// The how manieth period of the stay it is, from 0, and the last one begun.
    index: i64,
    seen: i64,
    /// The period before this one with its number and what it used: hours that another band interrupts go on.
    left: (i64, i64, i128),
    /// First instant charged in it.
    from: i64,
    /// For periods of a fixed length: where it ends.
    until: i64,
    anchor: i64,
    applies: bool,
    used: i128,
    cut: i128,
    /// What earlier visits used, and of which period.
    carried: (i64, i128),
}

pub(super) struct Periods<'a> {
    plan: &'a Plan,
    offsets: &'a Offsets,
    days: &'a Days,
    states: [State; CAPS_MAX],
}

/// Where charging must look again: a unit may run on over `soft`, never over `hard`.
pub(super) struct Ends {
    pub(super) soft: i64,
    pub(super) hard: i64,
}

const UNKNOWN: i64 = i64::MIN;

impl<'a> Periods<'a> {
    pub(super) fn new(plan: &'a Plan, offsets: &'a Offsets, days: &'a Days, anchor: i64) -> Self {
        let state = State {
            key: UNKNOWN,
            index: -1,
            seen: -1,
            left: (UNKNOWN, 0, 0),
            from: anchor,
            until: i64::MIN,
            anchor,
            applies: false,
            used: 0,
            cut: 0,
            carried: (UNKNOWN, 0),
        };
        Self { plan, offsets, days, states: [state; CAPS_MAX] }
    }

    /// Earlier visits have used some of a cap's period: `key` names it, periods count from `anchor`.
    pub(super) fn carry(&mut self, cap: usize, anchor: i64, key: i64, atoms: i128) {
        self.states[cap].anchor = anchor;
        self.states[cap].carried = (key, atoms);
    }

    /// Finds the period of every cap at an instant in a charged band.
    pub(super) fn enter(&mut self, u: i64, place: &Place, sheet: &mut Sheet) -> Ends {
        let mut ends = Ends { soft: i64::MAX, hard: i64::MAX };
        for (at, cap) in self.plan.caps.iter().enumerate() {
            let state = &mut self.states[at];
            let (key, end) = if cap.bands >> place.occurrence.band & 1 == 0 {
                (None, i64::MAX)
            } else {
                period(cap, state, u, place, self.offsets)
            };
            ends.soft = ends.soft.min(end);
            if cap.restart_units {
                ends.hard = ends.hard.min(end);
            }
            state.applies = key.is_some();
            let Some(key) = key else { continue };
            if key != state.key {
                flush(cap, state, u, self.plan.scale, sheet);
                let left = (state.key, state.index, state.used);
                (state.key, state.index, state.used) = match state.left {
                    (known, index, used) if known == key => (key, index, used),
                    _ => {
                        state.seen += 1;
                        let number = matches!(cap.per, Per::Every(_)).then_some(key);
                        let carried = state.carried.0 == key;
                        (
                            key,
                            number.unwrap_or(state.seen),
                            if carried { state.carried.1 } else { 0 },
                        )
                    }
                };
                state.left = left;
                state.from = u;
            }
            state.applies = state.index < cap.times
                && cap.days.as_ref().is_none_or(|days| {
                    days.holds(began_on(cap, state, place, self.offsets), self.days)
                });
        }
        ends
    }

    /// What the caps take off a charge in the periods entered last.
    pub(super) fn cap(&mut self, band: u16, atoms: i128) -> i128 {
        let mut passed = atoms;
        for (at, cap) in self.plan.caps.iter().enumerate() {
            let state = &mut self.states[at];
            if !state.applies || cap.bands >> band & 1 == 0 {
                continue;
            }
            let limit = limit(cap, state.index);
            let through = passed.min((limit - state.used).max(0));
            state.cut += passed - through;
            state.used += through;
            passed = through;
        }
        atoms - passed
    }

    pub(super) fn finish(&mut self, to: i64, sheet: &mut Sheet) {
        for (at, cap) in self.plan.caps.iter().enumerate() {
            flush(cap, &mut self.states[at], to, self.plan.scale, sheet);
        }
    }
}

fn limit(cap: &Cap, index: i64) -> i128 {
    let at = usize::try_from(index).unwrap_or(0).min(cap.limits.len() - 1);
    cap.limits[at]
}

/// The period of a cap, `None` outside its hours; and where it ends or begins.
fn period(
    cap: &Cap,
    state: &mut State,
    u: i64,
    place: &Place,
    offsets: &Offsets,
) -> (Option<i64>, i64) {
    match cap.per {
        Per::Stay => (Some(0), i64::MAX),
        // Bands are looked at anew at midnight anyway; units are stopped there only where that is asked for.
        Per::Day if cap.restart_units => (Some(place.day), offsets.next_clock(u, 0)),
        Per::Day | Per::Week | Per::Month => (Some(calendar(cap.per, place.day)), i64::MAX),
        Per::Every(length) => {
            if u >= state.until {
                let number = (u - state.anchor).div_euclid(length.0);
                state.until = state.anchor + (number + 1) * length.0;
                return (Some(number), state.until);
            }
            (Some(state.key), state.until)
        }
        Per::Window => match cap.own {
            Some(hours) => own_hours(hours, u, place, offsets),
            None => (Some(place.occurrence.began), i64::MAX),
        },
    }
}

/// The day, week or month that a day lies in.
pub(super) fn calendar(per: Per, day: i64) -> i64 {
    match per {
        // Monday is the first day of a week.
        Per::Week => (day + 3).div_euclid(7),
        Per::Month => {
            let date = days::date(day);
            i64::from(date.year()) * 12 + i64::from(date.month())
        }
        Per::Stay | Per::Day | Per::Window | Per::Every(_) => day,
    }
}

/// The day that says whether a cap holds: the one on which its period begins; of the whole stay, a week or a month, the
/// day itself.
fn began_on(cap: &Cap, state: &State, place: &Place, offsets: &Offsets) -> i64 {
    match cap.per {
        Per::Window => state.key.div_euclid(DAY_S),
        Per::Every(length) => offsets.day(state.anchor + state.key * length.0),
        Per::Stay | Per::Day | Per::Week | Per::Month => place.day,
    }
}

/// Hours of a cap's own. The key is the local second of their day's beginning.
fn own_hours(hours: Hours, u: i64, place: &Place, offsets: &Offsets) -> (Option<i64>, i64) {
    let began = hours.began(place.day, place.second, false);
    // The clock time to look at next, and how many days ahead.
    let (clock, day) = match began {
        Some(began) => {
            let end = hours.from.0 + hours.length();
            (end % DAY_S, began + (end - 1).div_euclid(DAY_S))
        }
        None => (hours.from.0, next_day(hours, place)),
    };
    let last = if clock == 0 && began.is_some() { day + 1 } else { day };
    let mut at = offsets.next_clock(u, clock);
    for _ in 0..(last - offsets.day(at)).max(0) {
        at = offsets.next_clock(at, clock);
    }
    (began.map(|day| day * DAY_S), at)
}

/// The next day on which hours begin.
fn next_day(hours: Hours, place: &Place) -> i64 {
    let today = place.day + i64::from(place.second >= hours.from.0);
    match hours.week {
        None => today,
        Some((from, _)) => today + (from + 7 - days::weekday(today)) as i64 % 7,
    }
}

/// Writes down what a cap took off in the period that is over.
fn flush(cap: &Cap, state: &mut State, to: i64, scale: i128, sheet: &mut Sheet) {
    if state.cut == 0 {
        return;
    }
    let minor = limit(cap, state.index) / scale;
    sheet.lines.push(Raw {
        units: minor as i64,
        atoms: -state.cut,
        name: cap.name.clone(),
        ..Raw::span(QuoteRule::Cap, state.from, to)
    });
    state.cut = 0;
}
