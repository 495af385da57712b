//! Protocol "ascii-scanner": scanners that write a code as bare text with some tail. Knows no port
//! and no meaning of a code; what is seen twice is [`crate::scan_reader`]'s affair.
//!
//! Modules of the GM65 class take commands on the same line, `7E 00 type length address data crc`,
//! and answer `02 00 status length data crc` between the codes. The checksum is CRC16/XMODEM over
//! what follows the head; two published frames fit.

use crc::{CRC_16_XMODEM, Crc};
use serde::Deserialize;

use crate::{
    scan_reader::{CodeRules, Piece, ScanFault},
    text::TextEncoding,
};

const CRC: Crc<u16> = Crc::<u16>::new(&CRC_16_XMODEM);
const COMMAND_HEAD: [u8; 2] = [0x7E, 0x00];
const REPLY_HEAD: [u8; 2] = [0x02, 0x00];
/// Head, status, length; and the checksum behind the data.
const REPLY_OVERHEAD: usize = 4 + 2;
const WRITE_ZONE: u8 = 0x08;
const SAVE: u8 = 0x09;
/// In place of a checksum: "none".
const NO_CRC: [u8; 2] = [0xAB, 0xCD];
/// Bytes of one character at most.
const CHAR_BYTES: usize = 4;

/// What ends a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tail {
    /// 0D alone.
    Cr,
    /// 0A alone.
    Lf,
    /// 0D 0A.
    #[serde(rename = "crlf")]
    CrLf,
    /// 09.
    Tab,
    /// Nothing but a pause.
    None,
    /// Whichever of these comes first, or a pause.
    Any,
}

/// Whose commands it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Commands {
    /// GM65 and kin.
    Gm65,
}

/// The part of a profile this protocol reads.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScannerSettings {
    /// As delivered.
    pub baud: u32,
    /// Ends a code.
    pub tail: Tail,
    /// A pause that ends a code, or shows that its tail got lost. 20..=1000.
    pub idle_ms: u32,
    /// Longest code, in characters; a longer one is dropped whole.
    pub chars_max: usize,
    /// Of the code.
    pub encoding: TextEncoding,
    /// The same code within so many milliseconds of its last sight is the same look at it.
    pub repeat_ms: u32,
    /// In front of every code, taken off; a text without it is no code.
    #[serde(default)]
    pub prefix: String,
    /// Behind every code, before the tail, taken off.
    #[serde(default)]
    pub suffix: String,
    /// Texts that only say "I am here".
    #[serde(default)]
    pub heartbeat: Vec<String>,
    /// Absent: it takes none.
    #[serde(default)]
    pub commands: Option<Commands>,
}

impl ScannerSettings {
    pub(crate) fn check(&self) -> Result<(), String> {
        if (1200..=921_600).contains(&self.baud) && (20..=1000).contains(&self.idle_ms) {
            self.rules().check("ascii-scanner")
        } else {
            Err("ascii-scanner: a number is out of range".into())
        }
    }

    pub(crate) fn rules(&self) -> CodeRules {
        CodeRules {
            chars_max: self.chars_max,
            encoding: self.encoding,
            repeat_ms: self.repeat_ms.into(),
            prefix: self.prefix.clone(),
            suffix: self.suffix.clone(),
            heartbeat: self.heartbeat.clone(),
        }
    }
}

/// Cuts a stream into codes and answers to commands.
#[derive(Clone, Debug)]
pub(crate) struct TextLines {
    tail: Tail,
    bytes_max: usize,
    commands: Option<Commands>,
    text: Vec<u8>,
    /// The beginning of an answer to a command.
    reply: Vec<u8>,
    /// The code is too long; the rest of it goes too.
    skipping: bool,
}

impl TextLines {
    pub(crate) fn new(settings: &ScannerSettings) -> Self {
        Self {
            tail: settings.tail,
            bytes_max: settings.chars_max * CHAR_BYTES,
            commands: settings.commands,
            text: Vec::new(),
            reply: Vec::new(),
            skipping: false,
        }
    }

    pub(crate) fn is_waiting(&self) -> bool {
        self.skipping || !self.text.is_empty() || !self.reply.is_empty()
    }

    pub(crate) fn byte(&mut self, byte: u8, out: &mut Vec<Piece>) {
        let begins_reply = self.commands.is_some() && byte == REPLY_HEAD[0];
        if self.reply.is_empty() && !begins_reply {
            return self.text_byte(byte, out);
        }
        self.reply.push(byte);
        let seen = self.reply.len().min(REPLY_HEAD.len());
        if self.reply[..seen] != REPLY_HEAD[..seen] {
            // No answer after all: a stray control character in a code.
            for byte in std::mem::take(&mut self.reply) {
                self.text_byte(byte, out);
            }
            return;
        }
        let Some(len) = self.reply.get(3) else { return };
        if self.reply.len() < REPLY_OVERHEAD + usize::from(*len) {
            return;
        }
        let reply = std::mem::take(&mut self.reply);
        if let Some((body, crc)) = reply[REPLY_HEAD.len()..].split_last_chunk::<2>()
            && (CRC.checksum(body).to_be_bytes() == *crc || *crc == NO_CRC)
        {
            let text = body[2..].iter().take(64).map(|byte| format!("{byte:02x}")).collect();
            out.push(Piece::Reply { accepted: body[0] == 0, text });
        } else {
            out.push(Piece::Fault(ScanFault::Damaged));
        }
    }

    fn text_byte(&mut self, byte: u8, out: &mut Vec<Piece>) {
        let ends = match (self.tail, byte) {
            (Tail::Cr | Tail::Any, b'\r')
            | (Tail::Lf | Tail::Any, b'\n')
            | (Tail::Tab | Tail::Any, b'\t') => true,
            (Tail::CrLf, b'\n') => self.text.last() == Some(&b'\r'),
            _ => false,
        };
        if ends {
            return self.end(out);
        }
        if self.skipping {
            // A tail of two bytes is still looked for.
            self.text.clear();
            self.text.push(byte);
        } else if self.text.len() < self.bytes_max {
            self.text.push(byte);
        } else {
            self.skipping = true;
            self.text.clear();
            out.push(Piece::Fault(ScanFault::TooLong));
        }
    }

    fn end(&mut self, out: &mut Vec<Piece>) {
        let text = std::mem::take(&mut self.text);
        if !std::mem::take(&mut self.skipping) {
            let blank = |byte: &u8| matches!(byte, b'\r' | b'\n' | b'\t' | 0);
            let start = text.iter().position(|byte| !blank(byte)).unwrap_or(text.len());
            let end = text.iter().rposition(|byte| !blank(byte)).map_or(start, |last| last + 1);
            if start < end {
                out.push(Piece::Code(text[start..end].to_vec()));
            }
        }
    }

    /// The line is silent.
    pub(crate) fn pause(&mut self, out: &mut Vec<Piece>) {
        if !std::mem::take(&mut self.reply).is_empty() {
            out.push(Piece::Fault(ScanFault::Cut));
        }
        if matches!(self.tail, Tail::None | Tail::Any) {
            return self.end(out);
        }
        let (text, skipped) = (std::mem::take(&mut self.text), std::mem::take(&mut self.skipping));
        // A line feed behind a carriage return that ended a code is no code cut short.
        if !skipped && text.iter().any(|byte| !byte.is_ascii_control()) {
            out.push(Piece::Fault(ScanFault::Cut));
        }
    }
}

impl Commands {
    /// Look for a code now.
    pub fn trigger(self) -> Vec<u8> {
        match self {
            Self::Gm65 => [&COMMAND_HEAD[..], &[WRITE_ZONE, 1, 0x00, 0x02, 0x01], &NO_CRC].concat(),
        }
    }

    /// Write a setting, until power-off unless saved.
    pub fn set(self, zone: u16, value: u8) -> Vec<u8> {
        match self {
            Self::Gm65 => {
                let [high, low] = zone.to_be_bytes();
                command(&[WRITE_ZONE, 1, high, low, value])
            }
        }
    }

    /// Keep the settings over power-off. Wears its flash memory: at set-up only.
    pub fn save(self) -> Vec<u8> {
        match self {
            Self::Gm65 => command(&[SAVE, 1, 0, 0, 0]),
        }
    }
}

fn command(body: &[u8]) -> Vec<u8> {
    [&COMMAND_HEAD[..], body, &CRC.checksum(body).to_be_bytes()].concat()
}
