//! What a lane can be besides a way in or out: tidal, coupled, and how closely it watches. Knows no vehicle.

use jiff::{Span, Timestamp, civil::Time, tz::TimeZone};

use super::Direction;
use crate::types::{DeviceId, LaneId};

/// A lane whose direction changes. It is turned by an operator, or at set times, and only while it is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tide {
    /// By the site's clock, earliest first; empty: only by an operator.
    pub turns: Vec<Turn>,
    /// Where each way has a camera of its own.
    pub cameras: Option<TwoCameras>,
}

/// The cameras of a lane that leads both ways in turn. What the other one reads opens nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TwoCameras {
    /// Of the way it leads at first.
    pub first: DeviceId,
    pub back: DeviceId,
}

impl TwoCameras {
    /// Whether a device is the one of these that does not count now.
    pub fn is_other(&self, device: &DeviceId, turned: bool) -> bool {
        let other = if turned { &self.first } else { &self.back };
        device == other
    }
}

/// From this time of day on the lane leads that way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    pub at: Time,
    pub direction: Direction,
}

impl Tide {
    /// Where the times of day have it lead now; `None`: they say nothing.
    pub fn direction(&self, now: Timestamp, zone: &TimeZone) -> Option<Direction> {
        let time = now.to_zoned_datetime(zone.clone()).time();
        let today = self.turns.iter().rev().find(|turn| turn.at <= time);
        // Before the first turn of a day, the last one of the day before holds.
        today.or(self.turns.last()).map(|turn| turn.direction)
    }

    /// The next time of day at which it turns.
    pub fn next(&self, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let local = now.to_zoned_datetime(zone.clone());
        let today = local.date();
        let days = [Some(today), today.checked_add(Span::new().days(1)).ok()];
        let times = days.into_iter().flatten().flat_map(|day| {
            self.turns.iter().filter_map(move |turn| {
                day.to_datetime(turn.at).to_zoned_datetime(zone.clone()).ok()
            })
        });
        times.map(|at| at.timestamp()).find(|at| *at > now)
    }
}

/// Another lane that shares the roadway, or closes the other end of a sluice: this one opens only behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Couple {
    pub lane: LaneId,
    pub waits_for: Behind,
}

/// What a coupled lane waits for before its own arm goes up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Behind {
    /// The other arm is down: never both up.
    #[default]
    Arm,
    /// And nobody stands at the other arm: whoever is between the two gets out first.
    Lane,
}

/// What is taken as proof that a second vehicle went through behind the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tailgating {
    /// The safety loop was free between the two. Of two bumper to bumper, the second is not seen.
    SafetyLoop,
    /// Also a second vehicle that leaves the arrival loop while the safety loop is taken. One that backs away just then
    /// counts as well: for lanes with few long vehicles.
    #[default]
    BothLoops,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_has_two_tides_and_the_night_belongs_to_the_last() {
        let turn = |hour, direction| Turn { at: Time::constant(hour, 0, 0, 0), direction };
        let tide = Tide {
            turns: vec![turn(7, Direction::Entry), turn(17, Direction::Exit)],
            cameras: None,
        };
        let zone = TimeZone::get("Asia/Shanghai").unwrap();
        for (utc, direction, next) in [
            ("2026-11-22T22:59:59Z", Direction::Exit, "2026-11-22T23:00:00Z"),
            ("2026-11-22T23:00:00Z", Direction::Entry, "2026-11-23T09:00:00Z"),
            ("2026-11-23T09:00:00Z", Direction::Exit, "2026-11-23T23:00:00Z"),
            ("2026-11-23T15:59:59Z", Direction::Exit, "2026-11-23T23:00:00Z"),
        ] {
            let now = utc.parse().unwrap();
            assert_eq!(tide.direction(now, &zone), Some(direction), "{utc}");
            assert_eq!(tide.next(now, &zone), Some(next.parse().unwrap()), "{utc}");
        }
        let by_hand = Tide::default();
        let now = "2026-11-23T09:00:00Z".parse().unwrap();
        assert_eq!((by_hand.direction(now, &zone), by_hand.next(now, &zone)), (None, None));
    }
}
