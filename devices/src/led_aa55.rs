//! Protocol "aa55-led": text and voice boards with frames AA 55 .. AF. Knows no port and not what
//! the text means; never writes the board's flash memory (command 11).
//!
//! A frame is `AA 55 seq 64 00 command length(2) data crc(2) AF`, high bytes first, text in GBK. The
//! checksum is CRC16/MODBUS over seq..data and two zero bytes: eight published frames fit.

use crc::{CRC_16_MODBUS, Crc};
use serde::Deserialize;
use thiserror::Error;

use crate::{
    led_olm::Line,
    profile::{Profile, Protocol},
    text::{gbk, of_gbk},
};

const CRC: Crc<u16> = Crc::<u16>::new(&CRC_16_MODBUS);
const HEAD: [u8; 2] = [0xAA, 0x55];
const ADDRESS: [u8; 2] = [0x64, 0x00];
const END: u8 = 0xAF;
/// Head, sequence, address, command, length.
const FRONT: usize = 8;
/// Checksum, end.
const BACK: usize = 3;
/// The length field holds more; no frame longer than this was ever seen.
const DATA_MAX: usize = 255;
const HEARTBEAT: u8 = 0x01;
/// Advertisement: kept in flash memory, so it is read here and written nowhere.
const FLASH_TEXT: u8 = 0x11;
const LIGHT: u8 = 0x13;
const VOICE: u8 = 0x22;
const TEXT: u8 = 0x27;
const VOLUME: u8 = 0xF0;
const VOLUME_MAX: u8 = 9;

/// The part of a profile this protocol reads.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Aa55Settings {
    /// As delivered.
    pub baud: u32,
    /// Lines the panel shows, 1..=4.
    pub lines: u8,
    /// GBK bytes kept of one line, 1..=64; a Chinese character takes two.
    pub line_bytes_max: u8,
    /// How long a text stays, seconds.
    pub show_s: u8,
    /// The board's number of the colour.
    pub red: u8,
    /// The board's number of the colour.
    pub green: u8,
    /// The board's number of the colour.
    pub amber: u8,
}

impl Aa55Settings {
    pub(crate) fn check(&self, gap_ms: Option<u32>) -> Result<(), String> {
        let fits = (1..=4).contains(&self.lines)
            && (1..=64).contains(&self.line_bytes_max)
            && self.show_s > 0
            && (1200..=921_600).contains(&self.baud);
        if !fits {
            return Err("aa55-led: a number is out of range".into());
        }
        match gap_ms {
            Some(20..=200) => Ok(()),
            _ => Err("aa55-led: timings.gap_ms must be 20..=200".into()),
        }
    }

    /// The board knows three colours: the one nearest in hue.
    fn color(&self, color: Option<[u8; 3]>) -> u8 {
        match color {
            Some([red, green, _]) if green > red => self.green,
            Some([red, green, _]) if green > red / 3 => self.amber,
            Some(_) => self.red,
            None => self.amber,
        }
    }
}

/// The profile is for something else.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("profile {0} is not for protocol aa55-led")]
pub struct WrongProfile(pub String);

/// Writes frames for one board and counts them.
#[derive(Clone, Debug)]
pub struct Aa55Led {
    settings: Aa55Settings,
    gap_ms: u32,
    sequence: u8,
}

impl Aa55Led {
    /// A board of this profile.
    pub fn new(profile: &Profile) -> Result<Self, WrongProfile> {
        match (profile.settings(Protocol::Aa55Led), profile.timings.gap_ms) {
            (Ok(settings), Some(gap_ms)) => Ok(Self { settings, gap_ms, sequence: 0 }),
            _ => Err(WrongProfile(profile.name.clone())),
        }
    }

    /// Numbers of the profile.
    pub fn settings(&self) -> &Aa55Settings {
        &self.settings
    }

    /// Silence the board wants after each frame.
    pub fn gap_ms(&self) -> u32 {
        self.gap_ms
    }

    /// A frame for each line from the top, those beyond the panel left out, and one to speak if
    /// `voice`. Temporary text: it goes by itself.
    pub fn show(&mut self, lines: &[Line<'_>], voice: Option<&str>) -> Vec<Vec<u8>> {
        let mut frames = Vec::new();
        for (number, line) in (1..=self.settings.lines).zip(lines) {
            let color = self.settings.color(line.color);
            let mut data = vec![number, self.settings.show_s, color, 0];
            data.extend(gbk(line.text, self.settings.line_bytes_max.into()));
            frames.push(self.frame(TEXT, &data));
        }
        frames.extend(voice.map(|text| self.speak(text)));
        frames
    }

    /// Speak: plates, digits and the board's built-in phrases.
    pub fn speak(&mut self, text: &str) -> Vec<u8> {
        self.frame(VOICE, &gbk(text, DATA_MAX))
    }

    /// The green light, or whatever hangs on its relay, for so many seconds.
    pub fn light(&mut self, seconds: u8) -> Vec<u8> {
        self.frame(LIGHT, &[seconds])
    }

    /// 0..=9; more is taken as 9.
    pub fn volume(&mut self, volume: u8) -> Vec<u8> {
        self.frame(VOLUME, &[volume.min(VOLUME_MAX)])
    }

    /// Somebody is there.
    pub fn heartbeat(&mut self) -> Vec<u8> {
        self.frame(HEARTBEAT, &[])
    }

    fn frame(&mut self, command: u8, data: &[u8]) -> Vec<u8> {
        let sequence = self.sequence;
        self.sequence = sequence.wrapping_add(1);
        frame(sequence, command, data)
    }
}

fn frame(sequence: u8, command: u8, data: &[u8]) -> Vec<u8> {
    let len = (data.len() as u16).to_be_bytes();
    let body = [&[sequence], &ADDRESS[..], &[command], &len, data].concat();
    [&HEAD[..], &body, &checksum(&body), &[END]].concat()
}

fn checksum(body: &[u8]) -> [u8; 2] {
    let mut digest = CRC.digest();
    digest.update(body);
    digest.update(&[0, 0]);
    digest.finalize().to_be_bytes()
}

/// What a frame says, as the board's other side reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// Somebody is there.
    Heartbeat,
    /// One line for a while.
    Text {
        /// From 1.
        line: u8,
        /// How long.
        seconds: u8,
        /// The board's number.
        color: u8,
        /// What.
        text: String,
    },
    /// Line and text to keep in flash memory.
    FlashText(u8, String),
    /// Speak.
    Speak(String),
    /// Light or relay, seconds.
    Light(u8),
    /// 0..=9.
    Volume(u8),
    /// A command this module does not know.
    Other(u8, Vec<u8>),
}

/// Why bytes are not a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum FrameError {
    /// More bytes are needed.
    #[error("the frame is cut short")]
    Short,
    /// Not `AA 55 .. 64 00` in front.
    #[error("the frame does not begin with AA 55, a number, 64 00")]
    Head,
    /// More data than any frame has.
    #[error("the frame says it is longer than any")]
    Long,
    /// Wrong checksum or end, or bytes behind it.
    #[error("length, checksum or end does not hold")]
    Checksum,
    /// A good frame with data that contradicts itself.
    #[error("the data of command {0:#04x} is malformed")]
    Data(u8),
}

/// Reads exactly one frame: its sequence number and what it says.
pub fn parse(bytes: &[u8]) -> Result<(u8, Message), FrameError> {
    let whole = whole_len(bytes)?;
    if bytes.len() < whole {
        return Err(FrameError::Short);
    }
    let (body, back) = bytes[HEAD.len()..].split_at(whole - HEAD.len() - BACK);
    if bytes.len() > whole || back[..2] != checksum(body) || back[2] != END {
        return Err(FrameError::Checksum);
    }
    let (sequence, command) = (bytes[2], bytes[5]);
    message(command, &bytes[FRONT..whole - BACK])
        .map(|message| (sequence, message))
        .ok_or(FrameError::Data(command))
}

/// How long the frame that begins here is in all.
fn whole_len(bytes: &[u8]) -> Result<usize, FrameError> {
    let known = [Some(HEAD[0]), Some(HEAD[1]), None, Some(ADDRESS[0]), Some(ADDRESS[1])];
    if bytes.iter().zip(known).any(|(byte, known)| known.is_some_and(|known| known != *byte)) {
        return Err(FrameError::Head);
    }
    let &[_, _, _, _, _, _, high, low, ..] = bytes else { return Err(FrameError::Short) };
    let len = usize::from(u16::from_be_bytes([high, low]));
    if len > DATA_MAX { Err(FrameError::Long) } else { Ok(FRONT + len + BACK) }
}

/// The first frame in a stream and where it ends; garbage and damaged frames before it are stepped
/// over. `None`: nothing complete yet.
pub fn scan(bytes: &[u8]) -> Option<((u8, Message), usize)> {
    (0..bytes.len()).find_map(|start| {
        let len = whole_len(&bytes[start..]).ok()?;
        let one = bytes.get(start..start + len)?;
        parse(one).ok().map(|message| (message, start + len))
    })
}

fn message(command: u8, data: &[u8]) -> Option<Message> {
    Some(match (command, data) {
        (HEARTBEAT, []) => Message::Heartbeat,
        (TEXT, &[line @ 1..=4, seconds, color, _, ref text @ ..]) => {
            Message::Text { line, seconds, color, text: of_gbk(text) }
        }
        (FLASH_TEXT, [line @ 1..=4, text @ ..]) => Message::FlashText(*line, of_gbk(text)),
        (VOICE, text) => Message::Speak(of_gbk(text)),
        (LIGHT, [seconds]) => Message::Light(*seconds),
        (VOLUME, [volume]) => Message::Volume(*volume),
        (HEARTBEAT | TEXT | FLASH_TEXT | LIGHT | VOLUME, _) => return None,
        _ => Message::Other(command, data.to_vec()),
    })
}

#[cfg(test)]
#[path = "led_aa55_tests.rs"]
mod tests;
