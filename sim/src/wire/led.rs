//! An LED and voice board of the OLM kind: remembers what it shows and has spoken. Answers nothing,
//! as the real one.

use std::sync::{Arc, Mutex};

use paifang_devices::led_olm::{FrameError, Message, parse};

use super::lock;

/// Phrases and frames remembered.
const SPOKEN_MAX: usize = 1_000;
const HEAD: [u8; 4] = [0x00, 0x64, 0xFF, 0xFF];

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
    refused: usize,
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

    /// One whole frame, as it comes over a line or through a camera.
    pub fn hear(&self, frame: &[u8]) -> Result<(), FrameError> {
        let mut state = lock(&self.state);
        let message = parse(frame);
        if matches!(message, Err(FrameError::Data(_)) | Ok(Message::Other(..))) {
            state.refused += 1;
        }
        match message? {
            Message::Show { lines, voice } => {
                state.screen = lines;
                state.speak(voice);
            }
            Message::Speak(_, text) => state.speak(text),
            Message::StopVoice | Message::Other(..) => {}
            Message::Volume(percent) => state.volume = Some(percent),
            Message::Brightness(percent) => state.brightness = Some(percent),
            Message::SetTime(clock) => state.clock = Some(clock),
        }
        Ok(())
    }
}

impl State {
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

/// What a frame for this kind of board says of the bytes heard so far: its length once it is whole;
/// `None` if this is the beginning of no such frame.
pub(super) fn front(bytes: &[u8]) -> Option<Result<usize, FrameError>> {
    let seen = bytes.len().min(HEAD.len());
    // One byte 00 could also be a Modbus broadcast; two tell.
    if seen < 2 || bytes[..seen] != HEAD[..seen] {
        return None;
    }
    let Some(len) = bytes.get(5) else { return Some(Err(FrameError::Short)) };
    let whole = 8 + usize::from(*len);
    let Some(frame) = bytes.get(..whole) else { return Some(Err(FrameError::Short)) };
    match parse(frame) {
        Err(FrameError::Checksum | FrameError::Head) => Some(Err(FrameError::Checksum)),
        _ => Some(Ok(whole)),
    }
}
