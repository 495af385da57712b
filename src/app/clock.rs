//! The one clock of the daemon. Wall time tells what to write down; monotonic time tells how it moves on.
//!
//! Decided time never goes back: a wall clock that is set back is followed slowly (one part in ten), so that stays keep
//! their true length; one that is set forward is followed at once. Both are told. Knows no state.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

/// A difference between wall and clock that is worth telling. Time servers correct less than this by slewing.
const STEP_MIN: SignedDuration = SignedDuration::from_secs(2);
/// While the wall clock is behind, the daemon's clock runs at nine tenths of its speed.
const SLEW: u32 = 10;

/// Where time comes from; tests put their own.
pub trait TimeSource: Send {
    fn wall(&self) -> Timestamp;
    fn monotonic(&self) -> Instant;
}

/// This machine's clocks.
#[derive(Debug)]
pub struct SystemTime;

impl TimeSource for SystemTime {
    #[expect(clippy::disallowed_methods, reason = "the one place where the wall clock is read")]
    fn wall(&self) -> Timestamp {
        Timestamp::now()
    }

    #[expect(clippy::disallowed_methods, reason = "the one place where decided time moves on")]
    fn monotonic(&self) -> Instant {
        Instant::now()
    }
}

pub struct Clock {
    source: Box<dyn TimeSource>,
    /// The last time told, in whole milliseconds.
    last: Timestamp,
    told_at: Instant,
    /// The part of a millisecond that was not told yet.
    rest: Duration,
    behind: bool,
    /// A jump that nobody has been told of yet.
    stepped: Option<Stepped>,
}

/// The wall clock jumped by this much against what was decided so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stepped(pub SignedDuration);

impl Clock {
    /// Starts at the wall clock, or at `last_at` (of the journal) where that is later.
    pub fn start(
        source: Box<dyn TimeSource>,
        last_at: Option<Timestamp>,
    ) -> (Self, Option<Stepped>) {
        let wall = whole_ms(source.wall());
        let last = last_at.map_or(wall, |at| at.max(wall));
        let told_at = source.monotonic();
        let gap = wall.duration_since(last);
        let stepped = (gap < -STEP_MIN).then_some(Stepped(gap));
        let behind = stepped.is_some();
        let rest = Duration::ZERO;
        (Self { source, last, told_at, rest, behind, stepped: None }, stepped)
    }

    /// The time now, never before a time told earlier, and whether the wall clock has jumped since.
    pub fn now(&mut self) -> (Timestamp, Option<Stepped>) {
        let now = self.time();
        (now, self.stepped.take())
    }

    /// The time now; a jump is kept for the next [`Clock::now`].
    pub fn time(&mut self) -> Timestamp {
        let monotonic = self.source.monotonic();
        let elapsed = monotonic.duration_since(self.told_at) + self.rest;
        let expected = self.last + elapsed;
        let gap = self.source.wall().duration_since(expected);
        self.told_at = monotonic;
        if gap > STEP_MIN {
            self.rest = Duration::ZERO;
            self.last = whole_ms(expected + gap);
            if !std::mem::take(&mut self.behind) {
                self.stepped = Some(Stepped(gap));
            }
            return self.last;
        }
        let lags = gap < SignedDuration::from_millis(-1);
        let step = if lags { elapsed.saturating_sub(elapsed / SLEW) } else { elapsed };
        let told = whole_ms(self.last + step);
        self.rest = step.saturating_sub(told.duration_since(self.last).unsigned_abs());
        self.last = told;
        if gap < -STEP_MIN && !self.behind {
            self.stepped = Some(Stepped(gap));
            self.behind = true;
        } else {
            self.behind &= lags;
        }
        told
    }

    /// Told time less the wall clock, in milliseconds.
    pub fn skew_ms(&self) -> i64 {
        self.last.as_millisecond() - self.source.wall().as_millisecond()
    }

    /// From now until `at`, for a timer.
    pub fn until(&mut self, at: Timestamp) -> Duration {
        let now = self.time();
        Duration::try_from(at.duration_since(now)).unwrap_or(Duration::ZERO)
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Clock").field("last", &self.last).finish_non_exhaustive()
    }
}

/// The journal keeps whole milliseconds, so decided time has no finer part.
fn whole_ms(at: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone)]
    struct Hands(Arc<Mutex<(Timestamp, Instant)>>);

    impl Hands {
        #[expect(clippy::disallowed_methods, reason = "any instant will do to start from")]
        fn new() -> Self {
            let wall = "2026-11-23T08:00:00Z".parse().unwrap();
            Self(Arc::new(Mutex::new((wall, Instant::now()))))
        }

        fn pass(&self, time: Duration) {
            let mut hands = self.0.lock().unwrap();
            hands.0 += time;
            hands.1 += time;
        }

        fn set_wall(&self, by: SignedDuration) {
            self.0.lock().unwrap().0 += by;
        }
    }

    impl TimeSource for Hands {
        fn wall(&self) -> Timestamp {
            self.0.lock().unwrap().0
        }

        fn monotonic(&self) -> Instant {
            self.0.lock().unwrap().1
        }
    }

    #[test]
    fn an_hour_back_is_told_once_and_absorbed_slowly() {
        let hands = Hands::new();
        let (mut clock, stepped) = Clock::start(Box::new(hands.clone()), None);
        assert_eq!(stepped, None);
        let (before, _) = clock.now();
        hands.set_wall(SignedDuration::from_hours(-1));
        hands.pass(Duration::from_secs(10));
        let (after, stepped) = clock.now();
        assert_eq!(after.duration_since(before), SignedDuration::from_secs(9));
        assert!(stepped.is_some());
        let mut last = after;
        for _ in 0..(11 * 3600 / 10) {
            hands.pass(Duration::from_secs(10));
            let (now, stepped) = clock.now();
            assert!(now > last && stepped.is_none());
            last = now;
        }
        let gap = clock.now().0.duration_since(hands.wall());
        assert!(gap.abs() < SignedDuration::from_secs(1), "in step again after ten hours: {gap}");
    }

    #[test]
    fn an_hour_forward_is_followed_at_once() {
        let hands = Hands::new();
        let (mut clock, _) = Clock::start(Box::new(hands.clone()), None);
        hands.set_wall(SignedDuration::from_hours(1));
        hands.pass(Duration::from_millis(500));
        let (now, stepped) = clock.now();
        assert_eq!(now, whole_ms(hands.wall()));
        assert!(stepped.is_some());
    }

    #[test]
    fn milliseconds_add_up() {
        let hands = Hands::new();
        let (mut clock, _) = Clock::start(Box::new(hands.clone()), None);
        let (start, _) = clock.now();
        for _ in 0..10_000 {
            hands.pass(Duration::from_micros(300));
            clock.now();
        }
        assert_eq!(clock.now().0.duration_since(start), SignedDuration::from_secs(3));
    }

    #[test]
    fn a_journal_from_the_future_is_told_and_kept_in_order() {
        let hands = Hands::new();
        let last = hands.wall() + SignedDuration::from_hours(2);
        let (mut clock, stepped) = Clock::start(Box::new(hands), Some(last));
        assert!(stepped.is_some());
        assert!(clock.now().0 >= last);
    }
}
