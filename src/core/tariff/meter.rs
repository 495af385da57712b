//! Lays units over time and charges them: the innermost of a fee. Works in seconds and atoms, band by band, however
//! long a band is. Knows neither free time nor benefits; those have been cut out before.
//!
//! A unit is charged to the band, the step and the cap periods in which it begins. It ends at its own length, at the end
//! of its step, or where something makes units begin anew (`hard`). What is left of a unit when charged time stops goes
//! on when it starts again (`pending`).

use super::{
    days::{Days, Offsets},
    line::{Raw, Sheet},
    notation::DAY_S,
    periods::Periods,
    plan::{BANDS_MAX, Plan, Step},
    quote::QuoteRule,
    schedule::{ENDLESS, Piece},
    spec::{Again, Boundary, Counts},
};

/// The hours of a band on one day: the same thing however often it is interrupted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Occurrence {
    pub(super) band: u16,
    /// Local seconds at which its hours began; `i64::MIN` for a band without hours.
    pub(super) began: i64,
}

/// An instant by the clock on the wall.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) day: i64,
    /// Seconds from midnight by the wall.
    pub(super) second: i64,
    /// Up to where it is known.
    pub(super) limit: i64,
    pub(super) occurrence: Occurrence,
}

#[derive(Clone, Copy, Debug)]
struct Pending {
    band: u16,
    step: Step,
    occurrence: Occurrence,
    left: i64,
    used: i64,
    counted: bool,
}

pub(super) struct Meter<'a> {
    plan: &'a Plan,
    offsets: &'a Offsets,
    /// The offset that holds now, and from and up to when.
    offset: (i64, i64, i64),
    pub(super) periods: Periods<'a>,
    /// The band of the entry, where it prices all.
    fixed: Option<u16>,
    anchor: i64,
    /// Seconds on the ladder: one for all bands, or one for each.
    ladder: [i64; BANDS_MAX],
    ladder_until: i64,
    ladder_day: i64,
    last: Option<Occurrence>,
    window_paid: Option<Occurrence>,
    pending: Option<Pending>,
}

impl<'a> Meter<'a> {
    /// `anchor`: what periods of the stay are counted from. `used_s`: seconds that stand on the ladder already.
    pub(super) fn new(
        plan: &'a Plan,
        offsets: &'a Offsets,
        days: &'a Days,
        anchor: i64,
        used_s: i64,
    ) -> Self {
        Self {
            plan,
            offsets,
            offset: (0, i64::MAX, i64::MIN),
            periods: Periods::new(plan, offsets, days, anchor),
            fixed: None,
            anchor,
            ladder: [used_s; BANDS_MAX],
            ladder_until: i64::MIN,
            ladder_day: i64::MIN,
            last: None,
            window_paid: None,
            pending: None,
        }
    }

    /// Charges the time from `from` to `to`. Calls follow each other in time.
    pub(super) fn run(&mut self, from: i64, to: i64, sheet: &mut Sheet) {
        let mut u = self.resume(from, to, sheet);
        while u < to {
            u = self.advance(u, to, sheet);
        }
    }

    /// Writes down what the caps took off at last.
    pub(super) fn finish(&mut self, to: i64, sheet: &mut Sheet) {
        self.periods.finish(to, sheet);
    }

    fn place(&mut self, u: i64) -> Place {
        if u < self.offset.1 || u >= self.offset.2 {
            let (offset, until) = self.offsets.at(u);
            self.offset = (offset, u, until);
        }
        let (offset, _, until) = self.offset;
        let local = u + offset;
        let day = local.div_euclid(DAY_S);
        let second = local - day * DAY_S;
        let mut piece = match self.fixed {
            Some(band) => Piece { until: DAY_S as i32, band, began: ENDLESS },
            None => self.plan.schedule.piece(day, second),
        };
        if self.plan.spec.boundary == Boundary::Entry && self.fixed.is_none() {
            self.fixed = Some(piece.band);
            piece = Piece { until: DAY_S as i32, band: piece.band, began: ENDLESS };
        }
        let began = match piece.began {
            ENDLESS => i64::MIN,
            began => day * DAY_S + i64::from(began),
        };
        Place {
            day,
            second,
            limit: until.min(u + i64::from(piece.until) - second),
            occurrence: Occurrence { band: piece.band, began },
        }
    }

    /// Where the hours that hold at `place` end; of no interest after `far`.
    fn band_end(&mut self, place: &Place, far: i64) -> i64 {
        let mut end = place.limit;
        while end < far {
            let next = self.place(end);
            if next.occurrence != place.occurrence {
                break;
            }
            end = next.limit;
        }
        end
    }

    fn advance(&mut self, u: i64, to: i64, sheet: &mut Sheet) -> i64 {
        let plan = self.plan;
        let place = self.place(u);
        let band = place.occurrence.band;
        let steps = match plan.bands.get(usize::from(band)) {
            Some(band) if !band.steps.is_empty() => &band.steps,
            _ => {
                let end = place.limit.min(to);
                self.last = Some(place.occurrence);
                sheet.span(QuoteRule::NoCharge, u, end, 0);
                return end;
            }
        };
        let rung = match plan.spec.ladder.counts {
            Counts::All => 0,
            Counts::Band => usize::from(band),
        };
        let mut hard = self.climb_anew(u, &place, rung);
        self.last = Some(place.occurrence);
        let ends = self.periods.enter(u, &place, sheet);
        hard = hard.min(ends.hard);
        let limit = place.limit.min(ends.soft).min(hard);
        let on_ladder = self.ladder[rung];
        let index = steps.iter().position(|step| on_ladder < step.until).unwrap_or(0);
        let step = &steps[index];
        if step.len == 0 {
            return self.window_unit(u, limit.min(to), &place, step, rung, sheet);
        }
        let run = self.lay(u, limit.min(to), step.until - on_ladder, step.len);
        let mut end = run.end;
        if end > place.limit && plan.spec.boundary == Boundary::Split {
            hard = hard.min(self.band_end(&place, end));
        }
        let cut = end > hard;
        end = end.min(hard);
        self.ladder[rung] += end - u;
        let used = end.min(to) - run.last;
        let complete = end <= to && !cut;
        let counted = complete || (!step.completed && used > step.tolerance);
        let count = run.units - i64::from(!counted);
        self.charge(band, step, count, u, end.min(to), sheet);
        if end > to {
            let (occurrence, step) = (place.occurrence, *step);
            self.pending = Some(Pending { band, step, occurrence, left: end - to, used, counted });
        }
        end.min(to)
    }

    /// Puts the ladder back to its foot where it is time to; tells when that comes next.
    fn climb_anew(&mut self, u: i64, place: &Place, rung: usize) -> i64 {
        match self.plan.spec.ladder.restart {
            Again::Never => i64::MAX,
            Again::Window => {
                if self.last.is_some_and(|last| last != place.occurrence) {
                    self.ladder[rung] = 0;
                }
                i64::MAX
            }
            Again::Day => {
                if self.ladder_day != place.day && self.ladder_day != i64::MIN {
                    self.ladder = [0; BANDS_MAX];
                }
                self.ladder_day = place.day;
                self.offsets.next_clock(u, 0)
            }
            Again::Every(length) => {
                if u >= self.ladder_until {
                    let periods = (u - self.anchor).div_euclid(length.0);
                    if self.ladder_until != i64::MIN {
                        self.ladder = [0; BANDS_MAX];
                    }
                    self.ladder_until = self.anchor + (periods + 1) * length.0;
                }
                self.ladder_until
            }
        }
    }

    /// Units end to end from `u` that begin before `horizon`, in a step that lasts `room` seconds more.
    fn lay(&self, u: i64, horizon: i64, room: i64, len: i64) -> Run {
        let in_time = (horizon - u + len - 1) / len;
        let mut units = in_time;
        let mut end = u + units * len;
        if room < end - u {
            units = (room + len - 1) / len;
            end = u + room;
        }
        Run { units, last: u + (units - 1) * len, end }
    }

    fn window_unit(
        &mut self,
        u: i64,
        end: i64,
        place: &Place,
        step: &Step,
        rung: usize,
        sheet: &mut Sheet,
    ) -> i64 {
        let first = self.window_paid != Some(place.occurrence);
        self.window_paid = Some(place.occurrence);
        self.ladder[rung] += end - u;
        self.charge(place.occurrence.band, step, i64::from(first), u, end, sheet);
        end
    }

    /// What was begun before the clock stood goes on.
    fn resume(&mut self, from: i64, to: i64, sheet: &mut Sheet) -> i64 {
        let Some(mut pending) = self.pending.take() else { return from };
        let split = self.plan.spec.boundary == Boundary::Split;
        if split && self.place(from).occurrence != pending.occurrence {
            return from;
        }
        let more = pending.left.min(to - from);
        pending.left -= more;
        pending.used += more;
        let step = pending.step;
        let due = pending.left == 0 || (!step.completed && pending.used > step.tolerance);
        let count = i64::from(due && !pending.counted);
        pending.counted |= due;
        self.charge(pending.band, &step, count, from, from + more, sheet);
        self.pending = (pending.left > 0).then_some(pending);
        from + more
    }

    fn charge(
        &mut self,
        band: u16,
        step: &Step,
        count: i64,
        from: i64,
        to: i64,
        sheet: &mut Sheet,
    ) {
        let atoms = step.atoms * i128::from(count);
        let cut = self.periods.cap(band, atoms);
        let named = self.plan.bands.len() > 1;
        let name = named.then(|| &self.plan.bands[usize::from(band)].name);
        sheet.units(step, count, atoms, (from, to), name);
        sheet.total -= cut;
    }
}

/// Some units end to end.
struct Run {
    units: i64,
    /// Where the last one begins.
    last: i64,
    end: i64,
}

impl Raw {
    /// Whether units of this step can be counted together with it.
    pub(super) fn goes_on(&self, step: &Step, from: i64) -> bool {
        self.rule == QuoteRule::Units
            && self.to == from
            && self.unit_s == step.len
            && self.each_milli == step.each_milli
            && self.per_s == step.per_s
    }
}
