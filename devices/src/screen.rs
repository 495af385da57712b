//! A board that shows text and speaks, whichever its protocol. Knows no frame and no port.

use thiserror::Error;

pub use crate::led_olm::Line;
use crate::{
    led_aa55::Aa55Led,
    led_olm::OlmLed,
    profile::{Profile, Protocol},
    words::CivilTime,
};

/// The profile is for no display.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("profile {0} is for no display that shows text")]
pub struct NoScreen(pub String);

/// One board.
#[derive(Clone, Debug)]
pub enum Screen {
    /// All lines and the voice in one frame.
    Olm(OlmLed),
    /// A frame for each line, one for the voice.
    Aa55(Aa55Led),
}

impl Screen {
    /// A board of this profile.
    pub fn new(profile: &Profile) -> Result<Self, NoScreen> {
        match profile.protocol {
            Protocol::OlmLed => OlmLed::new(profile).ok().map(Self::Olm),
            Protocol::Aa55Led => Aa55Led::new(profile).ok().map(Self::Aa55),
            _ => None,
        }
        .ok_or_else(|| NoScreen(profile.name.clone()))
    }

    /// Frames to send in this order, [`Screen::gap_ms`] of silence after each. Lines beyond the
    /// panel are left out; an empty list clears nothing.
    pub fn show(&mut self, lines: &[Line<'_>], voice: Option<&str>) -> Vec<Vec<u8>> {
        match self {
            Self::Olm(board) => vec![board.show(lines, voice)],
            Self::Aa55(board) => board.show(lines, voice),
        }
    }

    /// Lines of the panel.
    pub fn lines(&self) -> u8 {
        match self {
            Self::Olm(board) => board.settings().lines,
            Self::Aa55(board) => board.settings().lines,
        }
    }

    /// Silence the board wants after each frame.
    pub fn gap_ms(&self) -> u32 {
        match self {
            Self::Olm(board) => board.gap_ms(),
            Self::Aa55(board) => board.gap_ms(),
        }
    }

    /// `None`: it has no clock.
    pub fn set_time(&mut self, time: CivilTime) -> Option<Vec<u8>> {
        match self {
            Self::Olm(_) => Some(OlmLed::set_time(time)),
            Self::Aa55(_) => None,
        }
    }

    /// 0..=100 of what it can.
    pub fn volume(&mut self, percent: u8) -> Vec<u8> {
        match self {
            Self::Olm(_) => OlmLed::volume(percent),
            Self::Aa55(board) => board.volume((u16::from(percent.min(100)) * 9 / 100) as u8),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{led_aa55, led_olm};

    fn screen(profile: &str) -> Screen {
        Screen::new(&Profile::find(profile).unwrap()).unwrap()
    }

    #[test]
    fn the_same_words_on_either_board() {
        let lines: [Line<'_>; 2] = ["京A12345".into(), "欢迎光临".into()];
        let frames = screen("display/olm-led").show(&lines, Some("欢迎光临"));
        assert_eq!(frames.len(), 1);
        assert!(matches!(led_olm::parse(&frames[0]), Ok(led_olm::Message::Show { .. })));
        let frames = screen("display/aa55-led").show(&lines, Some("欢迎光临"));
        assert_eq!(frames.len(), 3);
        let last = led_aa55::parse(&frames[2]).unwrap();
        assert_eq!(last, (2, led_aa55::Message::Speak("欢迎光临".into())));
        let loud = screen("display/aa55-led").volume(100);
        assert_eq!(led_aa55::parse(&loud).unwrap().1, led_aa55::Message::Volume(9));
        assert_eq!(screen("display/olm-led").volume(50), OlmLed::volume(50));
    }

    #[test]
    fn every_text_board_is_a_screen_and_nothing_else_is() {
        for profile in Profile::load_all().unwrap() {
            let is_text_board = matches!(profile.protocol, Protocol::OlmLed | Protocol::Aa55Led);
            assert_eq!(Screen::new(&profile).is_ok(), is_text_board, "{}", profile.name);
        }
    }
}
