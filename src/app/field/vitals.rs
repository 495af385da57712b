//! One device's own state as numbers. Time is an argument; tells nobody.

use std::{
    collections::{BTreeMap, VecDeque},
    time::{Duration, Instant},
};

use jiff::Timestamp;
use paifang_devices::{Capability, Profile};

use crate::{
    http::ports::{DeviceReport, DeviceState, Fault, Latency},
    io::bucket::{Bucket, Rate},
    types::DeviceId,
};

/// Answers that a latency is taken over.
const WINDOW: usize = 128;
/// A device's clock is set when it is off by more than this.
const CLOCK_SET_MS: i64 = 5_000;
/// The operator is told when it is off by more than this.
const CLOCK_ALARM_MS: i64 = 60_000;
/// A device's clock is set once in this time at the most.
const CLOCK_PAUSE: Duration = Duration::from_mins(10);

#[derive(Debug)]
pub(super) struct Vitals {
    pub(super) id: DeviceId,
    profile: String,
    transport: &'static str,
    movable: bool,
    silence: Option<Duration>,
    born: Instant,
    heard: Option<(Instant, Timestamp)>,
    pub(super) silent: bool,
    failing: bool,
    /// Something it does not answer went out.
    sent: bool,
    pub(super) locked_out: bool,
    messages: u64,
    bucket: Bucket,
    pub(super) dropped: u64,
    /// Last dropped message, while the flood is not over.
    flood: Option<Instant>,
    nonsense: u64,
    /// Last nonsense, and when it was told.
    nonsense_at: Option<(Instant, Instant)>,
    errors: BTreeMap<Fault, u64>,
    /// Microseconds.
    latencies: VecDeque<u64>,
    pub(super) clock_offset_ms: Option<i64>,
    clock_set: Option<Instant>,
    pub(super) clock_alarm: bool,
    model: Option<String>,
    firmware: Option<String>,
}

impl Vitals {
    pub(super) fn new(
        id: DeviceId,
        profile: &Profile,
        silence: Option<Duration>,
        now: Instant,
    ) -> Self {
        Self {
            id,
            profile: profile.name.clone(),
            transport: profile.transport.name(),
            movable: profile.can(Capability::PulseOpen),
            silence,
            born: now,
            heard: None,
            silent: false,
            failing: false,
            sent: false,
            locked_out: false,
            messages: 0,
            bucket: Bucket::default(),
            dropped: 0,
            flood: None,
            nonsense: 0,
            nonsense_at: None,
            errors: BTreeMap::new(),
            latencies: VecDeque::new(),
            clock_offset_ms: None,
            clock_set: None,
            clock_alarm: false,
            model: None,
            firmware: None,
        }
    }

    /// Whether a message may be looked at, and whether a flood begins with it.
    pub(super) fn admits(&mut self, rate: Rate, now: Instant) -> (bool, bool) {
        if self.bucket.take(rate, now) {
            self.messages += 1;
            return (true, false);
        }
        self.dropped += 1;
        (false, self.flood.replace(now).is_none())
    }

    pub(super) fn flood_is_over(&mut self, now: Instant, calm: Duration) -> bool {
        let over = self.flood.is_some_and(|at| now.duration_since(at) > calm);
        if over {
            self.flood = None;
        }
        over
    }

    /// `true`: it was silent before.
    pub(super) fn heard(&mut self, now: Instant, wall: Timestamp) -> bool {
        self.heard = Some((now, wall));
        std::mem::take(&mut self.silent)
    }

    /// How long it may be silent, when it has just been for longer.
    pub(super) fn fell_silent(&mut self, now: Instant) -> Option<Duration> {
        let silence = self.silence?;
        let since = self.heard.map_or(self.born, |(at, _)| at);
        let fell = !self.silent && now.duration_since(since) > silence;
        self.silent |= fell;
        fell.then_some(silence)
    }

    /// `true`: to be told.
    pub(super) fn nonsense(&mut self, now: Instant, pause: Duration) -> bool {
        self.nonsense += 1;
        let told = self.nonsense_at.map(|(_, told)| told);
        let tell = told.is_none_or(|at| now.duration_since(at) >= pause);
        self.nonsense_at = Some((now, if tell { now } else { told.unwrap_or(now) }));
        tell
    }

    pub(super) fn talks_sense_again(&mut self, now: Instant, calm: Duration) -> bool {
        let over = self.nonsense_at.is_some_and(|(at, _)| now.duration_since(at) > calm);
        if over {
            self.nonsense_at = None;
        }
        over
    }

    pub(super) fn answered(&mut self, took: Duration) {
        self.failing = false;
        self.latencies.push_back(took.as_micros() as u64);
        if self.latencies.len() > WINDOW {
            self.latencies.pop_front();
        }
    }

    pub(super) fn sent(&mut self) {
        (self.failing, self.sent) = (false, true);
    }

    pub(super) fn failed(&mut self, fault: Fault) {
        self.failing = true;
        *self.errors.entry(fault).or_default() += 1;
    }

    /// Whether to set its clock now, and whether the alarm over it changes.
    pub(super) fn clock_is_off(&mut self, offset_ms: i64, now: Instant) -> (bool, Option<bool>) {
        self.clock_offset_ms = Some(offset_ms);
        let paused = self.clock_set.is_some_and(|at| now.duration_since(at) < CLOCK_PAUSE);
        let set = offset_ms.abs() > CLOCK_SET_MS && !paused;
        if set {
            self.clock_set = Some(now);
        }
        let off = offset_ms.abs() > CLOCK_ALARM_MS;
        let changed = std::mem::replace(&mut self.clock_alarm, off) != off;
        (set, changed.then_some(off))
    }

    pub(super) fn is_a(&mut self, model: Option<&str>, firmware: Option<&str>) {
        self.model = model.map(str::to_owned).or(self.model.take());
        self.firmware = firmware.map(str::to_owned).or(self.firmware.take());
    }

    fn state(&self) -> DeviceState {
        if self.locked_out {
            DeviceState::LockedOut
        } else if self.silent {
            DeviceState::Silent
        } else if self.flood.is_some() {
            DeviceState::Flooding
        } else if self.failing {
            DeviceState::Failing
        } else if self.heard.is_none() {
            if self.sent { DeviceState::Mute } else { DeviceState::NeverHeard }
        } else {
            DeviceState::Well
        }
    }

    pub(super) fn report(&self) -> DeviceReport {
        DeviceReport {
            id: self.id.clone(),
            profile: self.profile.clone(),
            transport: self.transport.into(),
            state: self.state(),
            last_seen: self.heard.map(|(_, wall)| wall),
            messages: self.messages,
            dropped: self.dropped,
            nonsense: self.nonsense,
            errors: self.errors.clone(),
            latency: self.latency(),
            clock_offset_ms: self.clock_offset_ms,
            model: self.model.clone(),
            firmware: self.firmware.clone(),
            movable: self.movable,
        }
    }

    fn latency(&self) -> Option<Latency> {
        let last_us = *self.latencies.back()?;
        let mut sorted: Vec<u64> = self.latencies.iter().copied().collect();
        sorted.sort_unstable();
        let at = |percent: usize| sorted[(sorted.len() - 1) * percent / 100];
        Some(Latency { last_us, p50_us: at(50), p99_us: at(99) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { per_s: 50, burst: 200 };

    #[expect(clippy::disallowed_methods, reason = "any instant will do to start from")]
    fn camera() -> (Vitals, Instant) {
        let (profile, now) = (Profile::find("camera/vzenith-mqtt").unwrap(), Instant::now());
        let id = DeviceId::parse("cam-1").unwrap();
        (Vitals::new(id, &profile, Some(Duration::from_secs(35)), now), now)
    }

    fn wall() -> Timestamp {
        "2026-11-23T08:00:00Z".parse().unwrap()
    }

    #[test]
    fn silence_is_found_once_and_ends_with_a_word() {
        let (mut vitals, start) = camera();
        let at = |s| start + Duration::from_secs(s);
        assert_eq!(vitals.report().state, DeviceState::NeverHeard);
        assert_eq!(vitals.fell_silent(at(30)), None);
        assert!(vitals.fell_silent(at(36)).is_some() && vitals.fell_silent(at(37)).is_none());
        assert_eq!(vitals.report().state, DeviceState::Silent);
        assert!(vitals.heard(at(38), wall()) && !vitals.heard(at(39), wall()));
        assert_eq!(vitals.report().state, DeviceState::Well);
        assert_eq!(vitals.fell_silent(at(74)), None);
        assert!(vitals.fell_silent(at(75)).is_some());
    }

    #[test]
    fn a_flood_begins_once_and_ends_when_it_is_calm() {
        let (mut vitals, start) = camera();
        let begun = (0..1_000).filter(|_| vitals.admits(RATE, start).1).count();
        assert_eq!((begun, vitals.messages, vitals.dropped), (1, 200, 800));
        assert_eq!(vitals.report().state, DeviceState::Flooding);
        let calm = Duration::from_secs(10);
        assert!(!vitals.flood_is_over(start + calm, calm));
        assert!(vitals.flood_is_over(start + calm * 2, calm));
        assert!(!vitals.flood_is_over(start + calm * 3, calm));
    }

    #[test]
    fn nonsense_is_told_once_a_minute_and_ends() {
        let (mut vitals, start) = camera();
        let (minute, calm) = (Duration::from_mins(1), Duration::from_mins(10));
        let told = (0..120).filter(|s| vitals.nonsense(start + Duration::from_secs(*s), minute));
        assert_eq!(told.count(), 2);
        assert!(!vitals.talks_sense_again(start + calm, calm));
        assert!(vitals.talks_sense_again(start + calm * 2, calm));
    }

    #[test]
    fn a_clock_is_set_at_times_and_told_of_by_its_hour() {
        let (mut vitals, start) = camera();
        assert_eq!(vitals.clock_is_off(4_000, start), (false, None));
        assert_eq!(vitals.clock_is_off(-7_200_000, start), (true, Some(true)));
        assert_eq!(vitals.clock_is_off(-7_200_000, start), (false, None));
        let later = start + Duration::from_mins(11);
        assert_eq!(vitals.clock_is_off(-7_200_000, later), (true, None));
        assert_eq!(vitals.clock_is_off(100, later), (false, Some(false)));
    }

    #[test]
    fn latencies_are_of_the_last_answers() {
        let (mut vitals, _) = camera();
        assert_eq!(vitals.report().latency, None);
        (1..=1_000).for_each(|us| vitals.answered(Duration::from_micros(us)));
        let latency = Latency { last_us: 1_000, p50_us: 936, p99_us: 998 };
        assert_eq!(vitals.report().latency, Some(latency));
        vitals.failed(Fault::TimedOut);
        assert_eq!(vitals.report().errors, BTreeMap::from([(Fault::TimedOut, 1)]));
    }
}
