//! A relay and input board in the Waveshare dialect of Modbus: what it does with a request, and its
//! own timers. Opens no port and reads no clock.

use std::time::Duration;

use tokio::time::Instant;

use super::{
    RelayEvent, RelayKind,
    rtu::{self, ILLEGAL_ADDRESS, ILLEGAL_VALUE, Request},
};

const ALL: u16 = 0x00FF;
const FLASH_ON: u16 = 0x0200;
const FLASH_OFF: u16 = 0x0400;
const FLASH_UNIT_MS: u32 = 100;
const FLASH_UNITS_MAX: u16 = 0x7FFF;
const ON: u16 = 0xFF00;
const OFF: u16 = 0x0000;
const TOGGLE: u16 = 0x5500;
/// Functions from here on write.
const FIRST_WRITE: u8 = 5;

/// One board on a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BoardSettings {
    /// 1..=247, no other board's on the line.
    pub address: u8,
    pub relays: u8,
    pub inputs: u8,
}

impl BoardSettings {
    /// Eight relays and eight inputs.
    pub fn eight(address: u8) -> Self {
        Self { address, relays: 8, inputs: 8 }
    }
}

/// What is wrong with a board; nothing by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BoardFaults {
    pub manner: Manner,
    /// Every n-th request is not heard; 0 hears all.
    pub drop_every: u32,
    /// Answers this much later.
    pub delay: Duration,
}

/// How a board takes requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Manner {
    /// Acts and answers.
    #[default]
    Sound,
    /// No power: neither acts nor answers.
    Silent,
    /// Acts, but its answer is noise.
    Garbage,
    /// Acts, but the checksum of its answer is wrong.
    WrongCrc,
    /// Acts, but only the first half of its answer comes.
    Truncated,
    /// Acts, but the echo of a write does not come.
    EchoLost,
    /// Does nothing and refuses with this code.
    Refuses(u8),
}

impl From<Manner> for BoardFaults {
    fn from(manner: Manner) -> Self {
        Self { manner, ..Self::default() }
    }
}

/// A contact: where it rests, and until when its timer holds it the other way.
#[derive(Clone, Copy, Debug, Default)]
struct Relay {
    on: bool,
    flash_until: Option<Instant>,
}

impl Relay {
    fn closed(self, now: Instant) -> bool {
        self.on != self.flash_until.is_some_and(|until| now < until)
    }
}

/// The board itself.
#[derive(Debug)]
pub(super) struct Board {
    pub(super) address: u8,
    pub(super) faults: BoardFaults,
    relays: Vec<Relay>,
    inputs: Vec<bool>,
    requests: u32,
}

impl Board {
    pub(super) fn new(settings: BoardSettings) -> Self {
        Self {
            address: settings.address,
            faults: BoardFaults::default(),
            relays: vec![Relay::default(); settings.relays.into()],
            inputs: vec![false; settings.inputs.into()],
            requests: 0,
        }
    }

    /// Its terminal `input` (from 1), if it has that many.
    pub(super) fn input(&mut self, input: u8) -> Option<&mut bool> {
        self.inputs.get_mut(usize::from(input).checked_sub(1)?)
    }

    /// Contact `relay` (from 1) is closed.
    pub(super) fn closed(&self, relay: u8, now: Instant) -> bool {
        let index = usize::from(relay).checked_sub(1);
        index.and_then(|i| self.relays.get(i)).is_some_and(|one| one.closed(now))
    }

    /// Does what a frame to its address, or to all (0), asks. The answer is as the faults leave it;
    /// nobody answers what was said to all.
    pub(super) fn hear(
        &mut self,
        frame: &[u8],
        now: Instant,
    ) -> (Option<Vec<u8>>, Vec<RelayEvent>) {
        let BoardFaults { manner, drop_every, .. } = self.faults;
        self.requests = self.requests.wrapping_add(1);
        let dropped = drop_every > 0 && self.requests.is_multiple_of(drop_every);
        if manner == Manner::Silent || dropped {
            return (None, Vec::new());
        }
        let mut events = Vec::new();
        let asked = match manner {
            Manner::Refuses(refusal) => Request::Other { refusal },
            _ => rtu::request(frame),
        };
        let answer = match self.act(asked, frame, now, &mut events) {
            Ok(answer) => answer,
            Err(code) => rtu::exception(self.address, frame[1], code),
        };
        let lost = manner == Manner::EchoLost && frame[1] >= FIRST_WRITE;
        let wanted = frame[0] != 0 && !lost;
        (wanted.then(|| manner.spoil(answer)), events)
    }

    fn act(
        &mut self,
        asked: Request,
        frame: &[u8],
        now: Instant,
        events: &mut Vec<RelayEvent>,
    ) -> Result<Vec<u8>, u8> {
        match asked {
            Request::ReadCoils { first, count } => {
                let states: Vec<bool> = self.relays.iter().map(|one| one.closed(now)).collect();
                Ok(rtu::bits(self.address, frame[1], part(&states, first, count)?))
            }
            Request::ReadInputs { first, count } => {
                Ok(rtu::bits(self.address, frame[1], part(&self.inputs, first, count)?))
            }
            Request::WriteCoil { coil, value } => {
                let flash = coil & 0xFF00;
                let one = coil & 0x00FF;
                for index in self.meant(if flash == 0 { coil } else { one })? {
                    let kind = self.kind(flash, value, index, now)?;
                    events.push(self.turn(index, kind, now));
                }
                Ok(rtu::echo(frame))
            }
            Request::WriteCoils { first, states } => {
                let first = usize::from(first);
                if first + states.len() > self.relays.len() {
                    return Err(ILLEGAL_ADDRESS);
                }
                for (index, on) in states.into_iter().enumerate() {
                    let kind = if on { RelayKind::On } else { RelayKind::Off };
                    events.push(self.turn(first + index, kind, now));
                }
                Ok(rtu::echo(frame))
            }
            Request::Other { refusal } => Err(refusal),
        }
    }

    /// The relays of a single write.
    fn meant(&self, coil: u16) -> Result<std::ops::Range<usize>, u8> {
        let index = usize::from(coil);
        match coil {
            ALL => Ok(0..self.relays.len()),
            _ if index < self.relays.len() => Ok(index..index + 1),
            _ => Err(ILLEGAL_ADDRESS),
        }
    }

    fn kind(&self, flash: u16, value: u16, index: usize, now: Instant) -> Result<RelayKind, u8> {
        let ms = u32::from(value) * FLASH_UNIT_MS;
        let timed = (1..=FLASH_UNITS_MAX).contains(&value);
        match (flash, value) {
            (0, OFF) => Ok(RelayKind::Off),
            (0, TOGGLE) if self.relays[index].closed(now) => Ok(RelayKind::Off),
            (0, ON | TOGGLE) => Ok(RelayKind::On),
            (FLASH_ON, _) if timed => Ok(RelayKind::Pulse { ms }),
            (FLASH_OFF, _) if timed => Ok(RelayKind::Dip { ms }),
            (0 | FLASH_ON | FLASH_OFF, _) => Err(ILLEGAL_VALUE),
            _ => Err(ILLEGAL_ADDRESS),
        }
    }

    fn turn(&mut self, index: usize, kind: RelayKind, now: Instant) -> RelayEvent {
        let timer = |ms| Some(now + Duration::from_millis(u64::from(ms)));
        self.relays[index] = match kind {
            RelayKind::Pulse { ms } => Relay { on: false, flash_until: timer(ms) },
            RelayKind::Dip { ms } => Relay { on: true, flash_until: timer(ms) },
            RelayKind::On => Relay { on: true, flash_until: None },
            RelayKind::Off => Relay { on: false, flash_until: None },
        };
        RelayEvent { board: self.address, relay: index as u8 + 1, kind, at: now }
    }
}

impl Manner {
    fn spoil(self, mut answer: Vec<u8>) -> Vec<u8> {
        match self {
            Self::Garbage => answer.iter_mut().for_each(|byte| *byte ^= 0xA5),
            Self::WrongCrc => answer.iter_mut().rev().take(1).for_each(|byte| *byte ^= 0xFF),
            Self::Truncated => answer.truncate(answer.len() / 2),
            Self::Sound | Self::Silent | Self::EchoLost | Self::Refuses(_) => {}
        }
        answer
    }
}

fn part(states: &[bool], first: u16, count: u16) -> Result<&[bool], u8> {
    let first = usize::from(first);
    states.get(first..first + usize::from(count)).ok_or(ILLEGAL_ADDRESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    type Moved = Vec<(u8, RelayKind)>;

    fn told(board: &mut Board, body: &[u8], now: Instant) -> (Vec<u8>, Moved) {
        let (answer, events) = board.hear(&rtu::seal(body.to_vec()), now);
        let moved = events.iter().map(|event| (event.relay, event.kind)).collect();
        (answer.unwrap_or_default(), moved)
    }

    #[test]
    fn every_write_of_the_dialect() {
        let now = Instant::now();
        let all = |kind| (1..=3).map(|relay| (relay, kind)).collect::<Vec<_>>();
        let rows: [(&[u8], Moved); 10] = [
            (&[7, 5, 0, 1, 0xFF, 0], vec![(2, RelayKind::On)]),
            (&[7, 5, 0, 1, 0x55, 0], vec![(2, RelayKind::Off)]),
            (&[7, 5, 0, 1, 0x55, 0], vec![(2, RelayKind::On)]),
            (&[7, 5, 0, 1, 0, 0], vec![(2, RelayKind::Off)]),
            (&[7, 5, 2, 0, 0, 7], vec![(1, RelayKind::Pulse { ms: 700 })]),
            (&[7, 5, 4, 2, 0, 1], vec![(3, RelayKind::Dip { ms: 100 })]),
            (&[7, 5, 0, 0xFF, 0xFF, 0], all(RelayKind::On)),
            (&[7, 5, 0, 0xFF, 0, 0], all(RelayKind::Off)),
            (&[7, 5, 2, 0, 0x7F, 0xFF], vec![(1, RelayKind::Pulse { ms: 3_276_700 })]),
            (&[7, 0x0F, 0, 1, 0, 2, 1, 0b10], vec![(2, RelayKind::Off), (3, RelayKind::On)]),
        ];
        let mut board = Board::new(BoardSettings { address: 7, relays: 3, inputs: 0 });
        for (body, moved) in rows {
            assert_eq!(told(&mut board, body, now), (rtu::seal(body[..6].to_vec()), moved));
        }
    }

    #[test]
    fn what_it_cannot_is_refused_and_moves_nothing() {
        let now = Instant::now();
        let rows: [(&[u8], u8); 9] = [
            (&[7, 5, 0, 3, 0xFF, 0], 2),
            (&[7, 5, 0, 0, 0x12, 0x34], 3),
            (&[7, 5, 2, 0, 0, 0], 3),
            (&[7, 5, 2, 0, 0x80, 0], 3),
            (&[7, 5, 2, 3, 0, 5], 2),
            (&[7, 5, 6, 0, 0, 5], 2),
            (&[7, 1, 0, 0, 0, 4], 2),
            (&[7, 2, 0, 2, 0, 1], 2),
            (&[7, 3, 0, 0, 0, 1], 1),
        ];
        let mut board = Board::new(BoardSettings { address: 7, relays: 3, inputs: 2 });
        for (body, code) in rows {
            let refusal = rtu::exception(7, body[1], code);
            assert_eq!(told(&mut board, body, now), (refusal, vec![]), "{body:02X?}");
        }
    }

    #[test]
    fn its_own_timer_lets_go() {
        let now = Instant::now();
        let mut board = Board::new(BoardSettings::eight(1));
        told(&mut board, &[1, 5, 2, 0, 0, 5], now);
        told(&mut board, &[1, 5, 4, 1, 0, 5], now);
        for (ms, closed) in [(0, [true, false]), (499, [true, false]), (500, [false, true])] {
            let later = now + Duration::from_millis(ms);
            assert_eq!([1, 2].map(|relay| board.closed(relay, later)), closed, "{ms} ms");
        }
        let (states, _) = told(&mut board, &[1, 1, 0, 0, 0, 8], now);
        assert_eq!(states[3], 0b0000_0001);
    }
}
