//! Protocol "55aa-reader": scanners that write a code as a frame `55 AA command flag length data
//! xor`, length low byte first, the last byte being the XOR of all before it. Knows no port.

use serde::Deserialize;

use crate::{
    scan_reader::{CodeRules, Piece, ScanFault},
    text::TextEncoding,
};

const HEAD: [u8; 2] = [0x55, 0xAA];
/// Head, command, flag, length.
const FRONT: usize = 6;
/// Bytes of one character at most.
const CHAR_BYTES: usize = 4;

/// The part of a profile this protocol reads.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reader55AaSettings {
    /// As delivered.
    pub baud: u32,
    /// Command of a frame that reports a code.
    pub scan_command: u8,
    /// Longest code, in characters.
    pub chars_max: usize,
    /// Of the code.
    pub encoding: TextEncoding,
    /// The same code within so many milliseconds of its last sight is the same look at it.
    pub repeat_ms: u32,
    /// A frame that stops for so long goes no further. 20..=1000.
    pub idle_ms: u32,
}

impl Reader55AaSettings {
    pub(crate) fn check(&self) -> Result<(), String> {
        if (1200..=921_600).contains(&self.baud) && (20..=1000).contains(&self.idle_ms) {
            self.rules().check("55aa-reader")
        } else {
            Err("55aa-reader: a number is out of range".into())
        }
    }

    pub(crate) fn rules(&self) -> CodeRules {
        CodeRules {
            chars_max: self.chars_max,
            encoding: self.encoding,
            repeat_ms: self.repeat_ms.into(),
            prefix: String::new(),
            suffix: String::new(),
            heartbeat: Vec::new(),
        }
    }
}

/// What the reader is told: `55 AA command length data xor`.
pub fn command(command: u8, data: &[u8]) -> Vec<u8> {
    let len = data.len().min(usize::from(u16::MAX));
    let [low, high] = (len as u16).to_le_bytes();
    sealed([&HEAD[..], &[command, low, high], &data[..len]].concat())
}

/// What the reader says, for whoever plays it: `55 AA command flag length data xor`.
pub fn report(command: u8, flag: u8, data: &[u8]) -> Vec<u8> {
    let len = data.len().min(usize::from(u16::MAX));
    let [low, high] = (len as u16).to_le_bytes();
    sealed([&HEAD[..], &[command, flag, low, high], &data[..len]].concat())
}

fn sealed(mut frame: Vec<u8>) -> Vec<u8> {
    frame.push(xor(&frame));
    frame
}

fn xor(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |sum, byte| sum ^ byte)
}

/// Cuts a stream into codes and answers to commands.
#[derive(Clone, Debug)]
pub(crate) struct Frames {
    scan_command: u8,
    bytes_max: usize,
    heard: Vec<u8>,
    /// Bytes of an over-long frame still to come.
    skip: usize,
}

impl Frames {
    pub(crate) fn new(settings: &Reader55AaSettings) -> Self {
        Self {
            scan_command: settings.scan_command,
            bytes_max: settings.chars_max * CHAR_BYTES,
            heard: Vec::new(),
            skip: 0,
        }
    }

    pub(crate) fn is_waiting(&self) -> bool {
        self.skip > 0 || !self.heard.is_empty()
    }

    pub(crate) fn byte(&mut self, byte: u8, out: &mut Vec<Piece>) {
        if self.skip > 0 {
            self.skip -= 1;
            return;
        }
        self.heard.push(byte);
        self.take(out);
    }

    /// Takes what is whole off the front; garbage before a head goes.
    fn take(&mut self, out: &mut Vec<Piece>) {
        loop {
            let at = |start: &usize| {
                let rest = &self.heard[*start..];
                rest.starts_with(&HEAD) || rest == &HEAD[..1]
            };
            let start = (0..self.heard.len()).find(at).unwrap_or(self.heard.len());
            self.heard.drain(..start);
            let &[_, _, command, flag, low, high, ..] = self.heard.as_slice() else { return };
            let len = usize::from(u16::from_le_bytes([low, high]));
            let whole = FRONT + len + 1;
            if len > self.bytes_max {
                out.push(Piece::Fault(ScanFault::TooLong));
                self.skip = whole.saturating_sub(self.heard.len());
                let had = whole.min(self.heard.len());
                self.heard.drain(..had);
                continue;
            }
            let Some(frame) = self.heard.get(..whole) else { return };
            if xor(frame) != 0 {
                out.push(Piece::Fault(ScanFault::Damaged));
                self.heard.drain(..1);
                continue;
            }
            out.push(match (flag, command == self.scan_command) {
                (0, true) => Piece::Code(frame[FRONT..whole - 1].to_vec()),
                _ => Piece::Reply { accepted: flag == 0, text: format!("{command:02x}") },
            });
            self.heard.drain(..whole);
        }
    }

    /// The line is silent: a frame that goes on no further was none, or is cut; behind its head
    /// there may be a whole one.
    pub(crate) fn pause(&mut self, out: &mut Vec<Piece>) {
        self.skip = 0;
        let was_frame = self.heard.starts_with(&HEAD);
        while !self.heard.is_empty() {
            self.heard.drain(..1);
            self.take(out);
            self.skip = 0;
        }
        if was_frame {
            out.push(Piece::Fault(ScanFault::Cut));
        }
    }
}
