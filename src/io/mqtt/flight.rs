//! Our messages the broker has not acknowledged yet, and how long it takes to. Sends nothing.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

/// Weight of a new measurement: an eighth, as TCP smooths its own round trips.
const SMOOTHING: u64 = 8;

/// What is under way on one connection; the measured time survives connections.
#[derive(Debug, Default)]
pub(super) struct Flight {
    under_way: VecDeque<(u16, Instant)>,
    round_trip_us: Option<u64>,
    answers: u64,
    slowest_us: u64,
}

impl Flight {
    pub(super) fn sent(&mut self, packet_id: u16, now: Instant) {
        self.under_way.push_back((packet_id, now));
    }

    pub(super) fn answered(&mut self, packet_id: u16, now: Instant) {
        let Some(place) = self.under_way.iter().position(|(id, _)| *id == packet_id) else {
            return;
        };
        let Some((_, sent)) = self.under_way.remove(place) else { return };
        let us = (now - sent).as_micros() as u64;
        self.answers += 1;
        self.slowest_us = self.slowest_us.max(us);
        self.round_trip_us =
            Some(self.round_trip_us.map_or(us, |old| (old * (SMOOTHING - 1) + us) / SMOOTHING));
    }

    /// The connection is gone, and with it the hope for answers.
    pub(super) fn clear(&mut self) {
        self.under_way.clear();
    }

    /// How long the oldest message has been waiting for its answer.
    pub(super) fn oldest(&self, now: Instant) -> Option<Duration> {
        self.under_way.front().map(|(_, sent)| now - *sent)
    }

    /// Forgets the slowest answer; how many there were so far.
    pub(super) fn restart_slowest(&mut self) -> u64 {
        self.slowest_us = 0;
        self.answers
    }

    /// The slowest answer since then, in microseconds, once there are `answers` in all.
    pub(super) fn slowest_us(&self, answers: u64) -> Option<u64> {
        (self.answers >= answers).then_some(self.slowest_us)
    }

    pub(super) fn round_trip_us(&self) -> Option<u64> {
        self.round_trip_us
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_out_of_order_are_measured_and_smoothed() {
        let start = Instant::now();
        let at = |us| start + Duration::from_micros(us);
        let mut flight = Flight::default();
        flight.sent(1, at(0));
        flight.sent(2, at(100));
        flight.answered(2, at(900));
        assert_eq!(flight.round_trip_us(), Some(800));
        assert_eq!(flight.oldest(at(1001)), Some(Duration::from_micros(1001)));
        flight.answered(1, at(1600));
        assert_eq!(flight.round_trip_us(), Some(900));
        assert_eq!((flight.slowest_us(2), flight.slowest_us(3)), (Some(1600), None));
        assert_eq!((flight.restart_slowest(), flight.slowest_us(2)), (2, Some(0)));
        flight.answered(1, at(9999));
        assert_eq!((flight.round_trip_us(), flight.oldest(at(9999))), (Some(900), None));
    }
}
