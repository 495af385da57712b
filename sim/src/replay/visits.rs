//! Visits made up so that the car park is as full as its trace says: net flow from reading to reading, and lengths of
//! stay of two kinds of drivers. The same seed makes the same visits. Knows no core.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, VecDeque},
    time::Duration,
};

use jiff::{Timestamp, tz::TimeZone};

use super::trace::Trace;
use crate::seed::{Draws, Seed};

/// One vehicle's visit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Visit {
    pub from: Timestamp,
    pub to: Timestamp,
}

/// Readings further apart than this say nothing about what was between them: the car park empties and fills again.
const GAP_MAX: Duration = Duration::from_hours(20);
/// How long emptying and filling take.
const TURN: Duration = Duration::from_hours(2);
/// Whoever shops stays so long on average, in two legs; whoever works there, in nine.
const SHORT_LEG_S: f64 = 2_700.0;
const LONG_LEG_S: f64 = 3_400.0;
/// Share of those who stay all day: among whoever comes from 06:00 to 10:00, and at other hours.
const LONG_IN_THE_MORNING: f64 = 0.55;
const LONG_ELSE: f64 = 0.08;
/// Nobody is made up who stays for less.
const SHORTEST: Duration = Duration::from_mins(2);

/// Who is inside: the time each means to leave, the earliest first, and when each came.
type Inside = BinaryHeap<Reverse<(Timestamp, Timestamp)>>;

#[derive(Debug)]
struct Maker<'a> {
    zone: &'a TimeZone,
    draws: Draws,
    inside: Inside,
    made: Vec<Visit>,
}

/// Visits in the order of their arrival.
pub fn made_up(trace: &Trace, zone: &TimeZone, seed: Seed) -> Vec<Visit> {
    let draws = seed.child(&trace.name).draws();
    let mut maker = Maker { zone, draws, inside: Inside::new(), made: Vec::new() };
    let mut points: VecDeque<(Timestamp, u32)> = trace.points.iter().copied().collect();
    let Some((first, count)) = points.pop_front() else { return Vec::new() };
    maker.step(first - TURN, first, count);
    let mut last = first;
    for (at, count) in points {
        if at.duration_since(last).unsigned_abs() > GAP_MAX {
            maker.step(last, last + TURN, 0);
            maker.step(at - TURN, at, count);
        } else {
            maker.step(last, at, count);
        }
        last = at;
    }
    maker.step(last, last + TURN, 0);
    maker.made.sort_by_key(|visit| (visit.from, visit.to));
    maker.made
}

impl Maker<'_> {
    /// From one reading to the next, which says that `count` are inside.
    fn step(&mut self, from: Timestamp, to: Timestamp, count: u32) {
        let span_s = to.duration_since(from).as_secs().max(1) as f64;
        self.leave_as_meant(to);
        while self.inside.len() > count as usize {
            // The trace says that somebody left before they meant to: whoever meant to go first.
            let Some(Reverse((_, came))) = self.inside.pop() else { break };
            let went = (from + self.draws.secs(0.0, span_s)).max(came + SHORTEST).min(to);
            self.made.push(Visit { from: came, to: went.max(came) });
        }
        while self.inside.len() < count as usize {
            let came = from + self.draws.secs(0.0, span_s);
            let length = self.length(came);
            self.inside.push(Reverse(((came + length).max(to + Duration::from_secs(1)), came)));
        }
    }

    fn leave_as_meant(&mut self, until: Timestamp) {
        while let Some(Reverse((at, came))) = self.inside.peek().copied().filter(|v| v.0.0 <= until)
        {
            self.inside.pop();
            self.made.push(Visit { from: came, to: at });
        }
    }

    /// How long somebody who comes now means to stay.
    fn length(&mut self, came: Timestamp) -> Duration {
        let hour = came.to_zoned_datetime(self.zone.clone()).hour();
        let long = if (6..10).contains(&hour) { LONG_IN_THE_MORNING } else { LONG_ELSE };
        let (legs, leg_s) =
            if self.draws.chance(long) { (9, LONG_LEG_S) } else { (2, SHORT_LEG_S) };
        let sum: Duration = (0..legs).map(|_| self.draws.wait(86_400.0 / leg_s)).sum();
        sum.max(SHORTEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_car_park_is_as_full_as_its_trace_says() {
        let at = |h: i64| Timestamp::from_second(1_475_539_200 + h * 3_600).unwrap();
        let points = vec![(at(8), 10), (at(9), 60), (at(12), 55), (at(17), 5), (at(48), 20)];
        let trace = Trace { name: "T".into(), capacity: 80, points: points.clone() };
        let zone = TimeZone::UTC;
        let visits = made_up(&trace, &zone, Seed(1));
        for (at, count) in points {
            let inside = visits.iter().filter(|v| v.from <= at && at < v.to).count();
            assert_eq!(inside, count as usize, "at {at}");
        }
        assert!(visits.iter().all(|visit| visit.from <= visit.to));
        assert_eq!(visits, made_up(&trace, &zone, Seed(1)), "a seed is a run");
        let quiet = visits.iter().filter(|v| v.from <= at(30) && at(30) < v.to).count();
        assert_eq!(quiet, 0, "nothing is known of the gap");
    }
}
