//! A turnstile controller of LOT: its holding registers, its passes and its counters, from the
//! maker's public SDK. Shares nothing with the daemon's writer of requests; opens no port.

use std::time::Duration;

use paifang_devices::Way;
use tokio::time::Instant;

use super::rtu::{self, ILLEGAL_ADDRESS, ILLEGAL_FUNCTION, ILLEGAL_VALUE};

const READ: u8 = 3;
const WRITE: u8 = 0x10;
const PASS: u16 = 0x40;
const STATE: u16 = 0x42;
const COUNTER: u16 = 0x44;
const COUNTER_END: u16 = 0x47;
const ERROR: u16 = 0x48;
const MODE: u16 = 0x3000;
/// How long a pass waits for its person, as delivered.
const PASS_LIFE: Duration = Duration::from_secs(5);

/// What is wrong with a controller; nothing by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LotFaults {
    /// No power: neither acts nor answers.
    pub silent: bool,
    /// Acts, but the echo of a write does not come.
    pub echo_lost: bool,
    /// Does nothing and refuses with this code.
    pub refuses: Option<u8>,
    /// Its own error, told in its register.
    pub error: u8,
    /// A pass ends after so long instead.
    pub pass_life: Option<Duration>,
    /// Somebody goes between the next two readings of a counter's words.
    pub goes_between: bool,
}

#[derive(Clone, Copy, Debug, Default)]
enum Side {
    #[default]
    Closed,
    /// One person, until then.
    Granted(Instant),
    Free,
}

#[derive(Debug)]
pub(super) struct Lot {
    pub(super) address: u8,
    pub(super) faults: LotFaults,
    sides: [Side; 2],
    counts: [u32; 2],
}

fn index(way: Way) -> usize {
    match way {
        Way::In => 0,
        Way::Out => 1,
    }
}

impl Lot {
    pub(super) fn new(address: u8) -> Self {
        Self { address, faults: LotFaults::default(), sides: [Side::Closed; 2], counts: [0; 2] }
    }

    pub(super) fn count(&self, way: Way) -> u32 {
        self.counts[index(way)]
    }

    pub(super) fn set_count(&mut self, way: Way, count: u32) {
        self.counts[index(way)] = count;
    }

    /// Somebody pushes; it lets through who was granted a pass that has not ended.
    pub(super) fn walk(&mut self, way: Way, now: Instant) -> bool {
        let side = index(way);
        let goes = match self.sides[side] {
            Side::Closed => false,
            Side::Granted(until) => {
                self.sides[side] = Side::Closed;
                now < until
            }
            Side::Free => true,
        };
        if goes {
            self.counts[side] = self.counts[side].wrapping_add(1);
        }
        goes
    }

    /// What it answers to a frame to its address.
    pub(super) fn hear(&mut self, frame: &[u8], now: Instant) -> Option<Vec<u8>> {
        let function = frame[1];
        if self.faults.silent {
            return None;
        }
        let done = match (self.faults.refuses, function) {
            (Some(code), _) => Err(code),
            (None, READ) => self.read(frame, now),
            (None, WRITE) => self.write(frame, now),
            (None, _) => Err(ILLEGAL_FUNCTION),
        };
        let answer = done.unwrap_or_else(|code| rtu::exception(self.address, function, code));
        let lost = self.faults.echo_lost && function == WRITE;
        (!lost).then_some(answer)
    }

    fn read(&mut self, frame: &[u8], now: Instant) -> Result<Vec<u8>, u8> {
        let (first, count) = (word(frame, 2), word(frame, 4));
        if !(1..=8).contains(&count) {
            return Err(ILLEGAL_VALUE);
        }
        let mut data = Vec::new();
        for register in first..first.saturating_add(count) {
            data.extend(self.register(register, now)?.to_be_bytes());
        }
        let is_counter = (COUNTER..=COUNTER_END).contains(&first);
        if is_counter && count == 2 && std::mem::take(&mut self.faults.goes_between) {
            let side = usize::from((first - COUNTER) / 2);
            self.counts[side] = self.counts[side].wrapping_add(1);
        }
        Ok(rtu::seal([&[self.address, READ, data.len() as u8], &data[..]].concat()))
    }

    fn register(&mut self, register: u16, now: Instant) -> Result<u16, u8> {
        let side_of = |first: u16| usize::from(register - first);
        Ok(match register {
            PASS | 0x41 => match self.side(side_of(PASS), now) {
                Side::Closed => 0,
                Side::Granted(_) => 1,
                Side::Free => 0xFFFF,
            },
            STATE | 0x43 => match self.side(side_of(STATE), now) {
                Side::Closed => 0,
                Side::Granted(_) => 1,
                Side::Free => 2,
            },
            COUNTER..=COUNTER_END => {
                let count = self.counts[side_of(COUNTER) / 2];
                if register.is_multiple_of(2) { count as u16 } else { (count >> 16) as u16 }
            }
            ERROR => u16::from(self.faults.error),
            MODE => 0,
            _ => return Err(ILLEGAL_ADDRESS),
        })
    }

    /// A pass nobody used ends by itself and counts nothing.
    fn side(&mut self, side: usize, now: Instant) -> Side {
        if matches!(self.sides[side], Side::Granted(until) if until <= now) {
            self.sides[side] = Side::Closed;
        }
        self.sides[side]
    }

    fn write(&mut self, frame: &[u8], now: Instant) -> Result<Vec<u8>, u8> {
        let (first, count) = (word(frame, 2), word(frame, 4));
        if !(PASS..=0x41).contains(&first) {
            return Err(ILLEGAL_ADDRESS);
        }
        if count != 1 || frame.len() != 11 {
            return Err(ILLEGAL_VALUE);
        }
        let life = self.faults.pass_life.unwrap_or(PASS_LIFE);
        self.sides[usize::from(first - PASS)] = match word(frame, 7) {
            0 => Side::Closed,
            1 => Side::Granted(now + life),
            0xFFFF => Side::Free,
            _ => return Err(ILLEGAL_VALUE),
        };
        Ok(rtu::echo(frame))
    }
}

fn word(frame: &[u8], at: usize) -> u16 {
    frame.get(at..at + 2).map_or(0, |word| u16::from_be_bytes([word[0], word[1]]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(lot: &mut Lot, body: &[u8], now: Instant) -> Option<Vec<u8>> {
        lot.hear(&rtu::seal(body.to_vec()), now)
    }

    #[test]
    fn a_pass_is_for_one_and_ends_by_itself() {
        let (mut lot, now) = (Lot::new(1), Instant::now());
        assert!(!lot.walk(Way::In, now));
        let grant = [1, 0x10, 0, 0x40, 0, 1, 2, 0, 1];
        assert_eq!(told(&mut lot, &grant, now), Some(rtu::seal(vec![1, 0x10, 0, 0x40, 0, 1])));
        assert!(!lot.walk(Way::Out, now) && lot.walk(Way::In, now) && !lot.walk(Way::In, now));
        told(&mut lot, &grant, now);
        assert!(!lot.walk(Way::In, now + PASS_LIFE), "too late");
        told(&mut lot, &[1, 0x10, 0, 0x41, 0, 1, 2, 0xFF, 0xFF], now);
        assert!((0..3).all(|_| lot.walk(Way::Out, now)));
        assert_eq!((lot.count(Way::In), lot.count(Way::Out)), (1, 3));
        lot.set_count(Way::In, 0x0001_FFFF);
        let read = told(&mut lot, &[1, 3, 0, 0x44, 0, 2], now).unwrap();
        assert_eq!(read[..7], [1, 3, 4, 0xFF, 0xFF, 0, 1]);
    }

    #[test]
    fn what_it_has_not_is_refused() {
        let (mut lot, now) = (Lot::new(1), Instant::now());
        let rows: [(&[u8], u8); 5] = [
            (&[1, 3, 0, 0x50, 0, 1], ILLEGAL_ADDRESS),
            (&[1, 3, 0, 0x40, 0, 0], ILLEGAL_VALUE),
            (&[1, 0x10, 0, 0x44, 0, 1, 2, 0, 0], ILLEGAL_ADDRESS),
            (&[1, 0x10, 0, 0x40, 0, 1, 2, 0, 7], ILLEGAL_VALUE),
            (&[1, 5, 0, 0, 0xFF, 0], ILLEGAL_FUNCTION),
        ];
        for (body, code) in rows {
            assert_eq!(told(&mut lot, body, now), Some(rtu::exception(1, body[1], code)));
        }
    }
}
