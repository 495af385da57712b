//! Whose turn it is on a line. Reads no clock and touches no port.

use std::{collections::HashMap, time::Duration};

use paifang_devices::{Exchange, Expect};
use tokio::{sync::oneshot, time::Instant};

use super::{BusError, QUEUE_MAX};

/// What to do on the line.
#[derive(Debug)]
pub(super) enum Work {
    Ask { exchange: Exchange, timeout: Duration },
    Tell { frame: Vec<u8>, gap: Duration },
}

/// Work, its deadline, and who waits for the answer.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) work: Work,
    pub(super) deadline: Instant,
    pub(super) answer: oneshot::Sender<Result<Vec<u8>, BusError>>,
}

impl Job {
    fn address(&self) -> Option<u8> {
        match &self.work {
            Work::Ask { exchange, .. } => Some(exchange.expect.address()),
            Work::Tell { .. } => None,
        }
    }

    fn is_write(&self) -> bool {
        matches!(&self.work, Work::Ask { exchange, .. } if !exchange.repeatable)
    }

    fn expects(&self, late: &Expect) -> bool {
        matches!(&self.work, Work::Ask { exchange, .. } if exchange.expect == *late)
    }
}

/// Silences in a row after which a board's readings are spaced out.
const SILENCES_MAX: u32 = 2;
const REST_MIN: Duration = Duration::from_millis(200);
const REST_MAX: Duration = Duration::from_secs(5);

/// How long a board has not answered.
#[derive(Clone, Copy, Debug)]
struct Silence {
    times: u32,
    /// Its readings are refused until then. Writes are not.
    rests_until: Instant,
}

/// Waiting jobs, oldest first.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: Vec<Job>,
    /// The turn each address had last; boards that only listen share one.
    had: HashMap<Option<u8>, u64>,
    turn: u64,
    /// Replies that did not come in time and until when they still may.
    late: Vec<(Expect, Instant)>,
    /// Boards that did not answer when asked last.
    silent: HashMap<u8, Silence>,
}

impl Queue {
    pub(super) fn has_room(&self) -> bool {
        self.waiting.len() < QUEUE_MAX
    }

    pub(super) fn push(&mut self, job: Job) {
        self.waiting.push(job);
    }

    /// A reply is overdue: nothing that it would fit is asked before `until`.
    pub(super) fn overdue(&mut self, expect: Expect, until: Instant) {
        self.late.push((expect, until));
    }

    /// The board answered, if only with a refusal.
    pub(super) fn heard(&mut self, address: u8) {
        self.silent.remove(&address);
    }

    /// The board did not answer; more of that, and its readings cost the others less and less.
    pub(super) fn unheard(&mut self, address: u8, now: Instant) {
        let silence = self.silent.entry(address).or_insert(Silence { times: 0, rests_until: now });
        silence.times += 1;
        if let Some(more) = silence.times.checked_sub(SILENCES_MAX) {
            silence.rests_until = now + (REST_MIN * 2_u32.pow(more.min(8))).min(REST_MAX);
        }
    }

    /// It did not answer lately: a second try at once is as vain as the first.
    pub(super) fn is_silent(&self, address: u8) -> bool {
        self.silent.get(&address).is_some_and(|silence| silence.times >= SILENCES_MAX)
    }

    /// Refuses readings of boards that rest, at once: who asked has other things to do.
    pub(super) fn rest(&mut self, now: Instant, path: &str) {
        let resting = |job: &Job| {
            let silence = job.address().filter(|_| !job.is_write());
            let silence = silence.and_then(|address| self.silent.get(&address));
            silence.is_some_and(|silence| now < silence.rests_until)
        };
        for job in self.waiting.extract_if(.., |job| resting(job)) {
            let address = job.address().unwrap_or_default();
            let _ = job.answer.send(Err(BusError::Resting { path: path.into(), address }));
        }
    }

    /// Refuses what is past its deadline and forgets what nobody waits for.
    pub(super) fn expire(&mut self, now: Instant, path: &str, why: &str) {
        self.late.retain(|(_, until)| now < *until);
        for job in self.waiting.extract_if(.., |job| job.deadline <= now || job.answer.is_closed())
        {
            let refusal = BusError::Expired { path: path.into(), why: why.into() };
            // Nobody waiting is no mistake: the caller took the request back.
            let _ = job.answer.send(Err(refusal));
        }
    }

    /// The next job: writes first in the order they came, then whoever had no turn for longest.
    pub(super) fn take(&mut self) -> Option<Job> {
        let ready = |job: &Job| !self.late.iter().any(|(late, _)| job.expects(late));
        let (index, address) = self
            .waiting
            .iter()
            .enumerate()
            .filter(|(_, job)| ready(job))
            .min_by_key(|(_, job)| {
                let had = self.had.get(&job.address()).copied().unwrap_or_default();
                if job.is_write() { (false, 0) } else { (true, had) }
            })
            .map(|(index, job)| (index, job.address()))?;
        self.turn += 1;
        self.had.insert(address, self.turn);
        Some(self.waiting.remove(index))
    }

    /// When the queue must be looked at again though nothing came in.
    pub(super) fn wake_at(&self) -> Option<Instant> {
        let deadlines = self.waiting.iter().map(|job| job.deadline);
        let late = self.late.iter().map(|(_, until)| *until);
        if self.waiting.is_empty() { None } else { deadlines.chain(late).min() }
    }
}

#[cfg(test)]
mod tests {
    use paifang_devices::modbus;
    use tokio::sync::oneshot::Receiver;

    use super::*;

    struct Bench {
        queue: Queue,
        start: Instant,
        answers: Vec<Receiver<Result<Vec<u8>, BusError>>>,
    }

    impl Bench {
        fn new() -> Self {
            Self { queue: Queue::default(), start: Instant::now(), answers: Vec::new() }
        }

        fn at(&self, ms: u64) -> Instant {
            self.start + Duration::from_millis(ms)
        }

        fn ask(&mut self, exchange: Exchange, deadline_ms: u64) {
            let (answer, answered) = oneshot::channel();
            let work = Work::Ask { exchange, timeout: Duration::from_millis(100) };
            self.queue.push(Job { work, deadline: self.at(deadline_ms), answer });
            self.answers.push(answered);
        }

        fn taken(&mut self) -> Vec<(u8, bool)> {
            std::iter::from_fn(|| self.queue.take())
                .map(|job| (job.address().unwrap(), job.is_write()))
                .collect()
        }
    }

    fn read(address: u8) -> Exchange {
        modbus::read_inputs(address, 0, 8).unwrap()
    }

    fn pulse(address: u8) -> Exchange {
        modbus::write_coil(address, 0x0200, 5).unwrap()
    }

    #[test]
    fn writes_go_first_and_addresses_take_turns() {
        let mut bench = Bench::new();
        for exchange in [read(1), read(1), read(1), read(2), pulse(3), read(3), pulse(1)] {
            bench.ask(exchange, 1000);
        }
        let order =
            [(3, true), (1, true), (2, false), (3, false), (1, false), (1, false), (1, false)];
        assert_eq!(bench.taken(), order);
    }

    #[test]
    fn what_waited_too_long_is_refused_and_what_nobody_waits_for_is_forgotten() {
        let mut bench = Bench::new();
        for (address, deadline_ms) in [(1, 10), (2, 20), (3, 30)] {
            bench.ask(read(address), deadline_ms);
        }
        bench.answers.remove(2);
        assert_eq!(bench.queue.wake_at(), Some(bench.at(10)));
        let now = bench.at(10);
        bench.queue.expire(now, "port", "held up");
        let refusal = bench.answers[0].try_recv().unwrap().unwrap_err();
        assert_eq!(refusal, BusError::Expired { path: "port".into(), why: "held up".into() });
        assert_eq!(bench.taken(), [(2, false)]);
        assert_eq!(bench.queue.wake_at(), None);
    }

    #[test]
    fn readings_of_a_silent_board_are_refused_for_longer_each_time_but_not_its_writes() {
        let mut bench = Bench::new();
        bench.queue.unheard(1, bench.start);
        assert!(!bench.queue.is_silent(1), "one lost answer is nothing");
        for (silence, rest_ms) in [200, 400, 800, 1_600, 3_200, 5_000, 5_000].iter().enumerate() {
            bench.queue.unheard(1, bench.start);
            for (at_ms, order) in [(rest_ms - 1, 2), (*rest_ms, 3)] {
                for exchange in [read(1), read(2), pulse(1)] {
                    bench.ask(exchange, 60_000);
                }
                let now = bench.at(at_ms);
                bench.queue.rest(now, "port");
                assert_eq!(bench.taken().len(), order, "silence {silence} at {at_ms}");
            }
        }
        let refused = |answered: &mut Receiver<_>| {
            matches!(answered.try_recv(), Ok(Err(BusError::Resting { address: 1, .. })))
        };
        assert_eq!(
            bench.answers.iter_mut().filter_map(|one| refused(one).then_some(())).count(),
            7
        );
        bench.queue.heard(1);
        bench.ask(read(1), 1_000);
        bench.queue.rest(bench.start, "port");
        assert_eq!(bench.taken(), [(1, false)]);
    }

    #[test]
    fn what_an_overdue_reply_would_fit_waits_for_it() {
        let mut bench = Bench::new();
        for exchange in [read(1), read(2), pulse(1)] {
            bench.ask(exchange, 1000);
        }
        let until = bench.at(50);
        bench.queue.overdue(read(1).expect, until);
        assert_eq!(bench.taken(), [(1, true), (2, false)], "only the reading of 1 waits");
        assert_eq!(bench.queue.wake_at(), Some(until));
        bench.queue.expire(until, "port", "");
        assert_eq!(bench.taken(), [(1, false)]);
    }
}
