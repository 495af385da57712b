//! Protocol "olm-led": text and voice boards of the OLM kind (vendor paper "display protocol
//! v2.0"). Knows no port and not what the text means; never writes the board's flash memory.
//!
//! A frame is `00 64 FF FF command length data.. crc`, CRC16/MODBUS over all before it, low byte
//! first, text in GBK, data at most 255 bytes. The board does not answer; it wants
//! [`OlmLed::gap_ms`] of silence between frames.

use serde::Deserialize;
use thiserror::Error;

use crate::{
    modbus,
    profile::{Profile, Protocol},
    text::{gbk, of_gbk},
    words::CivilTime,
};

const HEAD: [u8; 4] = [0x00, 0x64, 0xFF, 0xFF];
const DATA_MAX: usize = 255;
const SET_TIME: u8 = 0x05;
const BRIGHTNESS: u8 = 0x0C;
const VOLUME: u8 = 0x0D;
const VOICE: u8 = 0x30;
const STOP_VOICE: u8 = 0x31;
const LINES: u8 = 0x6F;
/// Bytes a line takes besides its text: eleven settings, the text's length, the separator.
const LINE_OVERHEAD: usize = 13;
/// Temporary text, first style, number of lines; and behind the lines the voice mark and length.
const LINES_OVERHEAD: usize = 5;
const VOICE_MARK: u8 = 0x0A;
const NEXT_LINE: u8 = 0x0D;
const LAST_LINE: u8 = 0x00;

/// The part of a profile this protocol reads.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OlmSettings {
    /// As delivered.
    pub baud: u32,
    /// Lines the panel shows, 1..=4.
    pub lines: u8,
    /// GBK bytes kept of one line, 1..=64; a Chinese character takes two.
    pub line_bytes_max: u8,
    /// Font number of the vendor: 3 = 16 px, 4 = 24 px, 5 = 32 px.
    pub font: u8,
    /// Red, green, blue of a line unless told otherwise.
    pub color: [u8; 3],
    /// How long a line stays or rolls, in the vendor's units.
    pub dwell: u8,
}

impl OlmSettings {
    pub(crate) fn check(&self, gap_ms: Option<u32>) -> Result<(), String> {
        let fits = (1..=4).contains(&self.lines)
            && (1..=64).contains(&self.line_bytes_max)
            && (3..=5).contains(&self.font)
            && (1200..=921_600).contains(&self.baud);
        if !fits {
            return Err("olm-led: a number is out of range".into());
        }
        match gap_ms {
            Some(50..=100) => Ok(()),
            _ => Err("olm-led: timings.gap_ms must be 50..=100, as the vendor asks".into()),
        }
    }
}

/// One line of text to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// Cut where the panel ends.
    pub text: &'a str,
    /// Red, green, blue; the profile's if `None`.
    pub color: Option<[u8; 3]>,
}

impl<'a> From<&'a str> for Line<'a> {
    fn from(text: &'a str) -> Self {
        Self { text, color: None }
    }
}

/// What to do with the phrases that still wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpeakMode {
    /// Put it behind them, silently.
    Queue = 0,
    /// Put it behind them and begin.
    QueueAndPlay = 1,
    /// Forget them and begin.
    Now = 2,
}

/// The profile is for something else.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("profile {0} is not for protocol olm-led")]
pub struct WrongProfile(pub String);

/// Writes frames for one board.
#[derive(Clone, Debug)]
pub struct OlmLed {
    settings: OlmSettings,
    gap_ms: u32,
}

impl OlmLed {
    /// A board of this profile.
    pub fn new(profile: &Profile) -> Result<Self, WrongProfile> {
        match (profile.settings(Protocol::OlmLed), profile.timings.gap_ms) {
            (Ok(settings), Some(gap_ms)) => Ok(Self { settings, gap_ms }),
            _ => Err(WrongProfile(profile.name.clone())),
        }
    }

    /// Numbers of the profile.
    pub fn settings(&self) -> &OlmSettings {
        &self.settings
    }

    /// Silence the board wants after each frame, 50..=100.
    pub fn gap_ms(&self) -> u32 {
        self.gap_ms
    }

    /// Lines from the top, those beyond the panel left out, with a phrase to speak if `voice`.
    /// Temporary text: the board forgets it at power-off. Voice gives way to text.
    pub fn show(&self, lines: &[Line<'_>], voice: Option<&str>) -> Vec<u8> {
        let count = lines.len().min(self.settings.lines.into());
        let lines = &lines[..count];
        let mut room = DATA_MAX - LINES_OVERHEAD - count * LINE_OVERHEAD;
        let mut data = vec![0, 0, count as u8];
        for (i, line) in lines.iter().enumerate() {
            let text = gbk(line.text, room.min(self.settings.line_bytes_max.into()));
            room -= text.len();
            let [r, g, b] = line.color.unwrap_or(self.settings.color);
            let OlmSettings { font, dwell, .. } = self.settings;
            // Number, mode, speed, dwell, repeats, font, flags, colour with alpha, length.
            data.extend([i as u8, 0, 0, dwell, 0, font, 0, r, g, b, 0, text.len() as u8]);
            data.extend(text);
            data.push(if i + 1 == count { LAST_LINE } else { NEXT_LINE });
        }
        let voice = gbk(voice.unwrap_or_default(), room);
        data.extend([VOICE_MARK, voice.len() as u8]);
        data.extend(voice);
        frame(LINES, &data)
    }

    /// Speak: plates, digits and the board's built-in phrases.
    pub fn speak(text: &str, mode: SpeakMode) -> Vec<u8> {
        let mut data = vec![mode as u8];
        data.extend(gbk(text, DATA_MAX - 1));
        frame(VOICE, &data)
    }

    /// Be silent and forget what waits.
    pub fn stop_voice() -> Vec<u8> {
        frame(STOP_VOICE, &[])
    }

    /// 0..=100; more is taken as 100.
    pub fn volume(percent: u8) -> Vec<u8> {
        frame(VOLUME, &[percent.min(100)])
    }

    /// 10..=100; the nearest of these is taken.
    pub fn brightness(percent: u8) -> Vec<u8> {
        frame(BRIGHTNESS, &[percent.clamp(10, 100)])
    }

    /// Set the board's clock; it counts years from 2000.
    pub fn set_time(time: CivilTime) -> Vec<u8> {
        let year = (time.year % 100) as u8;
        let CivilTime { month, day, hour, minute, second, .. } = time;
        frame(SET_TIME, &[year, month, day, hour, minute, second, time.weekday()])
    }
}

fn frame(command: u8, data: &[u8]) -> Vec<u8> {
    debug_assert!(data.len() <= DATA_MAX, "every writer above bounds its data");
    modbus::frame(&[&HEAD[..], &[command, data.len() as u8], data].concat())
}

/// What a frame says, as the board's other side reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// Text from the top line down, and the phrase spoken with it (empty: none).
    Show {
        /// One per line.
        lines: Vec<String>,
        /// Empty: silent.
        voice: String,
    },
    /// Mode as in [`SpeakMode`], text.
    Speak(u8, String),
    /// Be silent.
    StopVoice,
    /// 0..=100.
    Volume(u8),
    /// 10..=100.
    Brightness(u8),
    /// Year of the century, month, day, hour, minute, second, weekday (0 = Sunday).
    SetTime([u8; 7]),
    /// A command this module does not write.
    Other(u8, Vec<u8>),
}

/// Why bytes are not a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum FrameError {
    /// More bytes are needed.
    #[error("the frame is cut short")]
    Short,
    /// No `00 64 FF FF` in front.
    #[error("the frame does not begin with 00 64 FF FF")]
    Head,
    /// Wrong checksum, or bytes behind it.
    #[error("length or checksum does not hold")]
    Checksum,
    /// A good frame with data that contradicts itself.
    #[error("the data of command {0:#04x} is malformed")]
    Data(u8),
}

/// Reads exactly one frame.
pub fn parse(bytes: &[u8]) -> Result<Message, FrameError> {
    let seen = bytes.len().min(HEAD.len());
    if bytes[..seen] != HEAD[..seen] {
        return Err(FrameError::Head);
    }
    let &[_, _, _, _, command, len, ..] = bytes else { return Err(FrameError::Short) };
    let whole = 6 + usize::from(len) + 2;
    if bytes.len() < whole {
        return Err(FrameError::Short);
    }
    if bytes.len() > whole || !modbus::checksum_holds(bytes) {
        return Err(FrameError::Checksum);
    }
    message(command, &bytes[6..whole - 2]).ok_or(FrameError::Data(command))
}

/// The first frame in a stream and where it ends; garbage and damaged frames before it are stepped
/// over. `None`: nothing complete yet.
pub fn scan(bytes: &[u8]) -> Option<(Message, usize)> {
    (0..bytes.len()).find_map(|start| {
        let len = 8 + usize::from(*bytes.get(start + 5)?);
        let one = bytes.get(start..start + len)?;
        parse(one).ok().map(|message| (message, start + len))
    })
}

fn message(command: u8, data: &[u8]) -> Option<Message> {
    Some(match (command, data) {
        (LINES, _) => show(data)?,
        (VOICE, [mode, text @ ..]) => Message::Speak(*mode, of_gbk(text)),
        (STOP_VOICE, []) => Message::StopVoice,
        (VOLUME, [percent @ 0..=100]) => Message::Volume(*percent),
        (BRIGHTNESS, [percent @ 10..=100]) => Message::Brightness(*percent),
        (SET_TIME, _) => Message::SetTime(data.try_into().ok()?),
        (VOICE | STOP_VOICE | VOLUME | BRIGHTNESS, _) => return None,
        _ => Message::Other(command, data.to_vec()),
    })
}

fn show(data: &[u8]) -> Option<Message> {
    let (&[_, _, count], mut rest) = data.split_first_chunk::<3>()?;
    let mut lines = Vec::new();
    for i in 1..=count {
        let (settings, after) = rest.split_first_chunk::<12>()?;
        let (text, after) = after.split_at_checked(settings[11].into())?;
        let (end, after) = after.split_first()?;
        if *end != if i == count { LAST_LINE } else { NEXT_LINE } {
            return None;
        }
        lines.push(of_gbk(text));
        rest = after;
    }
    let [VOICE_MARK, len, voice @ ..] = rest else { return None };
    (voice.len() == usize::from(*len)).then(|| Message::Show { lines, voice: of_gbk(voice) })
}

#[cfg(test)]
#[path = "led_olm_tests.rs"]
mod tests;
