//! Protocol "id-card": readers of second-generation resident identity cards on a serial port, with
//! the frames that all of them share. Knows no port and no clock, and keeps nothing but the number.
//!
//! ```text
//!   question  AA AA AA 96 69 | length (2) | command, parameter | XOR
//!   answer    AA AA AA 96 69 | length (2) | 00 00 word | data  | XOR
//! ```
//!
//! The length counts what follows it; the XOR is over length and what follows, without itself.
//! Three questions in turn: is there a card (20 01), take it (20 02), read it (30 01). What is read
//! is text in UTF-16, low byte first, in fields of fixed length, and a picture; name, address and
//! picture are dropped here.

use std::ops::Range;

use serde::Deserialize;

use crate::{
    card_panel::CardPanel,
    exchange::{Exchange, Expect},
    osdp::{Signal, Told},
    profile::{Profile, Protocol},
    words::{DeviceEvent, IdNumber},
};

const HEAD: [u8; 5] = [0xAA, 0xAA, 0xAA, 0x96, 0x69];
/// Head and length.
const FRONT: usize = 7;
/// Text and picture of a card, and their two lengths.
const BODY_MAX: usize = 3 + 4 + 256 + 3_072 + 1_024;
/// Where the number stands in the text, in bytes, and how long it is.
const NUMBER: Range<usize> = 122..158;
const TEXT_MIN: usize = 158;
/// Questions unheard in a row after which the reader is away.
const UNHEARD_MAX: u32 = 3;

const FOUND: u8 = 0x9F;
const NONE_THERE: u8 = 0x80;
const DONE: u8 = 0x90;
const NOT_TAKEN: u8 = 0x81;
const NOT_READ: u8 = 0x41;

/// The part of a profile this protocol reads.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdCardSettings {
    /// As delivered.
    pub baud: u32,
    /// The same card within so many milliseconds of its last sight is the same look at it.
    pub repeat_ms: u32,
}

impl IdCardSettings {
    pub(crate) fn check(&self) -> Result<(), String> {
        let fits =
            (1200..=921_600).contains(&self.baud) && (500..=60_000).contains(&self.repeat_ms);
        if fits { Ok(()) } else { Err("id-card: a number is out of range".into()) }
    }
}

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Is there a card?
    Find,
    /// Take it.
    Select,
    /// Read it.
    Read,
}

impl Step {
    fn words(self) -> [u8; 2] {
        match self {
            Self::Find => [0x20, 0x01],
            Self::Select => [0x20, 0x02],
            Self::Read => [0x30, 0x01],
        }
    }
}

/// A reader's answer to one of the questions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdReply(Step);

impl IdReply {
    /// Where in `bytes` the whole answer is; noise, damaged frames, the echo of the question and late
    /// answers to another are stepped over. `None`: not yet.
    pub fn find(self, bytes: &[u8]) -> Option<Range<usize>> {
        (0..bytes.len()).find_map(|at| {
            let body = body(&bytes[at..])?;
            self.is_one(body).then_some(at..at + FRONT + body.len() + 1)
        })
    }

    fn is_one(self, body: &[u8]) -> bool {
        let &[0, 0, word, ref data @ ..] = body else { return false };
        match (self.0, word) {
            (Step::Find, FOUND | NONE_THERE)
            | (Step::Select, NOT_TAKEN)
            | (Step::Read, NOT_READ) => true,
            (Step::Select, DONE) => data.len() <= 8,
            (Step::Read, DONE) => data.len() > 8,
            (_, FOUND | NONE_THERE | NOT_TAKEN | NOT_READ) => false,
            // Anything else is a trouble of its own, whatever was asked.
            _ => word != DONE,
        }
    }
}

/// What a whole, sound frame at the beginning of `bytes` says.
fn body(bytes: &[u8]) -> Option<&[u8]> {
    let rest = bytes.strip_prefix(&HEAD)?;
    let &[high, low, ..] = rest else { return None };
    let len = usize::from(u16::from_be_bytes([high, low]));
    if !(2..=BODY_MAX + 1).contains(&len) {
        return None;
    }
    let frame = rest.get(..2 + len)?;
    let (xor, said) = frame.split_last()?;
    (sum(said) == *xor).then_some(&said[2..])
}

fn sum(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |sum, byte| sum ^ byte)
}

/// A frame around this, for us and for whoever plays the reader.
pub fn frame(body: &[u8]) -> Vec<u8> {
    let len = (body.len() + 1).min(usize::from(u16::MAX)) as u16;
    let mut frame = [&HEAD[..], &len.to_be_bytes(), body].concat();
    frame.push(sum(&frame[HEAD.len()..]));
    frame
}

/// The step a question is of, for whoever plays the reader. `None`: it is none, or not whole yet.
pub fn question(bytes: &[u8]) -> Option<Step> {
    let body = body(bytes)?;
    [Step::Find, Step::Select, Step::Read].into_iter().find(|step| step.words() == body)
}

/// The number in what was read: 18 characters, the last of them a figure or X.
fn number(data: &[u8]) -> Option<IdNumber> {
    let (lengths, rest) = data.split_at_checked(4)?;
    let text_len = usize::from(u16::from_be_bytes([lengths[0], lengths[1]]));
    let text = rest.get(..text_len).filter(|text| text.len() >= TEXT_MIN)?;
    let units = text[NUMBER].chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
    let text: String = char::decode_utf16(units).collect::<Result<_, _>>().ok()?;
    IdNumber::parse(&text)
}

/// The daemon's side of one reader.
#[derive(Debug)]
pub struct IdCardPanel {
    step: Step,
    poll_ms: i64,
    repeat_ms: i64,
    due_at_ms: i64,
    unheard: u32,
    online: bool,
    /// The last card, and when it was seen last.
    seen: Option<(IdNumber, i64)>,
}

impl IdCardPanel {
    /// A reader of this profile; the reason if the profile is for another.
    pub fn new(profile: &Profile) -> Result<Self, String> {
        let settings: IdCardSettings = profile.settings(Protocol::IdCard)?;
        Ok(Self {
            step: Step::Find,
            poll_ms: profile.timings.poll_ms.unwrap_or(300).into(),
            repeat_ms: settings.repeat_ms.into(),
            due_at_ms: i64::MIN,
            unheard: 0,
            online: false,
            seen: None,
        })
    }

    fn go(&mut self, step: Step, due_at_ms: i64) {
        (self.step, self.due_at_ms) = (step, due_at_ms);
    }
}

impl CardPanel for IdCardPanel {
    fn due_at_ms(&self) -> i64 {
        self.due_at_ms
    }

    fn ask(&mut self, _random: [u8; 8]) -> Exchange {
        let request = frame(&self.step.words());
        Exchange { request, expect: Expect::IdCard(IdReply(self.step)), repeatable: true }
    }

    fn heard(&mut self, bytes: &[u8], now_ms: i64) -> Vec<Told> {
        let mut told = Vec::new();
        self.unheard = 0;
        if !std::mem::replace(&mut self.online, true) {
            told.push(Told::Online { secure: false });
        }
        let said = body(bytes).and_then(|body| body.split_at_checked(3));
        let later = now_ms + self.poll_ms;
        match (self.step, said) {
            (Step::Find, Some(([0, 0, FOUND], _))) => self.go(Step::Select, now_ms),
            (Step::Select, Some(([0, 0, DONE], _))) => self.go(Step::Read, now_ms),
            (Step::Read, Some(([0, 0, DONE], data))) => {
                self.go(Step::Find, later);
                let Some(number) = number(data) else { return told };
                let is_same = |(seen, at): &(IdNumber, i64)| {
                    *seen == number && (now_ms - at).abs() < self.repeat_ms
                };
                let again = self.seen.as_ref().is_some_and(is_same);
                self.seen = Some((number.clone(), now_ms));
                if !again {
                    told.push(Told::Event(DeviceEvent::IdCardRead { number }));
                }
            }
            _ => self.go(Step::Find, later),
        }
        told
    }

    fn unheard(&mut self, now_ms: i64) -> Vec<Told> {
        self.unheard = self.unheard.saturating_add(1);
        self.go(Step::Find, now_ms + self.poll_ms * i64::from(self.unheard.min(10)));
        // Told once, also of one that was never there.
        if self.unheard == UNHEARD_MAX {
            self.online = false;
            return vec![Told::Offline];
        }
        Vec::new()
    }

    /// It has neither lamp nor buzzer of ours.
    fn signal(&mut self, _: Signal) {}
}

#[cfg(test)]
#[path = "id_card_tests.rs"]
mod tests;
