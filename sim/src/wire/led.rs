//! An LED and voice board that takes frames of the OLM and of the AA55 kind: remembers what it shows
//! and has spoken. Answers nothing, as the real ones.

use std::sync::{Arc, Mutex};

use paifang_devices::{led_aa55, led_olm};

use super::{lock, rtu::Front};

/// Phrases and frames remembered.
const SPOKEN_MAX: usize = 1_000;
/// The longest frame of either kind.
const FRAME_MAX: usize = 300;
const OLM_HEAD: [u8; 4] = [0x00, 0x64, 0xFF, 0xFF];
const AA55_HEAD: [u8; 2] = [0xAA, 0x55];

/// The board; clones are the same one.
#[derive(Clone, Debug, Default)]
pub struct Led {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    screen: Vec<String>,
    spoken: Vec<String>,
    clock: Option<[u8; 7]>,
    volume: Option<u8>,
    brightness: Option<u8>,
    light_s: Option<u8>,
    refused: usize,
    /// Number of the AA55 frame heard last.
    sequence: Option<u8>,
}

impl Led {
    /// The lines shown now, the top one first.
    pub fn screen(&self) -> Vec<String> {
        lock(&self.state).screen.clone()
    }

    /// The phrases spoken, the oldest first; of very many the latest.
    pub fn spoken(&self) -> Vec<String> {
        lock(&self.state).spoken.clone()
    }

    /// Year of the century, month, day, hour, minute, second, weekday, as last set.
    pub fn clock(&self) -> Option<[u8; 7]> {
        lock(&self.state).clock
    }

    /// Percent, as last set.
    pub fn volume(&self) -> Option<u8> {
        lock(&self.state).volume
    }

    /// Percent, as last set.
    pub fn brightness(&self) -> Option<u8> {
        lock(&self.state).brightness
    }

    /// Frames with a good checksum that this board has no use for.
    pub fn refused(&self) -> usize {
        lock(&self.state).refused
    }

    /// Seconds of green light, as last told.
    pub fn light_s(&self) -> Option<u8> {
        lock(&self.state).light_s
    }

    /// Number of the AA55 frame heard last.
    pub fn sequence(&self) -> Option<u8> {
        lock(&self.state).sequence
    }

    /// One whole frame, as it comes over a line or through a camera. `false`: it is none.
    pub fn hear(&self, frame: &[u8]) -> bool {
        let mut state = lock(&self.state);
        if frame.starts_with(&AA55_HEAD) { state.hear_aa55(frame) } else { state.hear_olm(frame) }
    }
}

impl State {
    fn hear_olm(&mut self, frame: &[u8]) -> bool {
        use led_olm::{FrameError, Message};
        match led_olm::parse(frame) {
            Ok(Message::Show { lines, voice }) => {
                self.screen = lines;
                self.speak(voice);
            }
            Ok(Message::Speak(_, text)) => self.speak(text),
            Ok(Message::StopVoice) => {}
            Ok(Message::Volume(percent)) => self.volume = Some(percent),
            Ok(Message::Brightness(percent)) => self.brightness = Some(percent),
            Ok(Message::SetTime(clock)) => self.clock = Some(clock),
            Ok(Message::Other(..)) => self.refused += 1,
            Err(FrameError::Data(_)) => {
                self.refused += 1;
                return false;
            }
            Err(_) => return false,
        }
        true
    }

    fn hear_aa55(&mut self, frame: &[u8]) -> bool {
        use led_aa55::{FrameError, Message};
        let message = match led_aa55::parse(frame) {
            Ok((sequence, message)) => {
                self.sequence = Some(sequence);
                message
            }
            Err(FrameError::Data(_)) => {
                self.refused += 1;
                return false;
            }
            Err(_) => return false,
        };
        match message {
            Message::Text { line, text, .. } => {
                let line = usize::from(line);
                self.screen.resize(self.screen.len().max(line), String::new());
                self.screen[line - 1] = text;
            }
            Message::Speak(text) => self.speak(text),
            Message::Volume(volume) => self.volume = Some(volume),
            Message::Light(seconds) => self.light_s = Some(seconds),
            Message::Heartbeat => {}
            // Flash memory wears out: nobody may ask for it day by day.
            Message::FlashText(..) | Message::Other(..) => self.refused += 1,
        }
        true
    }

    fn speak(&mut self, text: String) {
        if text.is_empty() {
            return;
        }
        if self.spoken.len() == SPOKEN_MAX {
            self.spoken.remove(0);
        }
        self.spoken.push(text);
    }
}

/// What a frame for these boards says of the bytes heard so far; `None` if this is the beginning of
/// no such frame.
pub(super) fn front(bytes: &[u8]) -> Option<Front> {
    // One byte 00 could also be a Modbus broadcast; two tell.
    let begins = |head: &[u8]| {
        let seen = bytes.len().min(head.len());
        seen >= 2 && bytes[..seen] == head[..seen]
    };
    let whole = if begins(&OLM_HEAD) {
        bytes.get(5).map(|len| 8 + usize::from(*len))
    } else if begins(&AA55_HEAD) {
        let len = bytes.get(6..8).map(|len| usize::from(u16::from_be_bytes([len[0], len[1]])));
        len.map(|len| 11 + len)
    } else {
        return None;
    };
    let Some(whole) = whole else { return Some(Front::Partial) };
    if whole > FRAME_MAX {
        return Some(Front::Damaged);
    }
    let Some(frame) = bytes.get(..whole) else { return Some(Front::Partial) };
    let holds = if begins(&OLM_HEAD) {
        !matches!(led_olm::parse(frame), Err(led_olm::FrameError::Checksum))
    } else {
        matches!(led_aa55::parse(frame), Ok(_) | Err(led_aa55::FrameError::Data(_)))
    };
    Some(if holds { Front::Frame(whole) } else { Front::Damaged })
}
