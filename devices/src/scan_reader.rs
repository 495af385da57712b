//! What a scanner says, whichever its protocol: codes out of a stream, each told once while it is
//! held there. Knows no port, no clock and no meaning of a code.

use thiserror::Error;

use crate::{
    profile::{Profile, Protocol},
    reader_55aa::{Frames, Reader55AaSettings},
    scanner::{Commands, ScannerSettings, TextLines},
    text::TextEncoding,
    words::{DeviceEvent, SCAN_CHARS_MAX},
};

/// Codes that may be in view together.
const IN_VIEW_MAX: usize = 8;
/// Faults kept until somebody asks; more of them say nothing new.
const FAULTS_MAX: usize = 16;

/// What a code must be like.
#[derive(Clone, Debug)]
pub(crate) struct CodeRules {
    pub(crate) chars_max: usize,
    pub(crate) encoding: TextEncoding,
    pub(crate) repeat_ms: i64,
    pub(crate) prefix: String,
    pub(crate) suffix: String,
    pub(crate) heartbeat: Vec<String>,
}

impl CodeRules {
    pub(crate) fn check(&self, protocol: &str) -> Result<(), String> {
        if !(1..=SCAN_CHARS_MAX).contains(&self.chars_max) {
            return Err(format!("{protocol}: chars_max is not of 1..={SCAN_CHARS_MAX}"));
        }
        if !(0..=60_000).contains(&self.repeat_ms) {
            return Err(format!("{protocol}: repeat_ms is more than a minute"));
        }
        Ok(())
    }

    fn code(&self, bytes: &[u8]) -> Result<Said, ScanFault> {
        let text = self.encoding.text(bytes).ok_or(ScanFault::NotText)?;
        if text.chars().any(char::is_control) {
            return Err(ScanFault::NotText);
        }
        if self.heartbeat.contains(&text) {
            return Ok(Said::Alive);
        }
        let bare = text.strip_prefix(self.prefix.as_str());
        let bare = bare.and_then(|text| text.strip_suffix(self.suffix.as_str()));
        let text = bare.filter(|text| !text.is_empty()).ok_or(ScanFault::Unmarked)?;
        if text.chars().count() > self.chars_max {
            return Err(ScanFault::TooLong);
        }
        Ok(Said::Code(text.to_owned()))
    }
}

enum Said {
    Code(String),
    Alive,
}

/// A piece of the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    Code(Vec<u8>),
    Reply { accepted: bool, text: String },
    Fault(ScanFault),
}

/// Something that came in and is no code. Never says what it was: codes are personal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ScanFault {
    /// Longer than the profile allows.
    #[error("a code was longer than this scanner's profile allows; was it a ticket of ours?")]
    TooLong,
    /// Another encoding, or control characters.
    #[error("what came is no text; check the scanner's speed and its encoding")]
    NotText,
    /// It stopped in the middle, or its tail is another.
    #[error("a code stopped before its end; check the tail set in the scanner and its cable")]
    Cut,
    /// Without the prefix or suffix of the profile.
    #[error(
        "a text came without the prefix and suffix every code has; check the scanner's settings"
    )]
    Unmarked,
    /// Wrong checksum.
    #[error("a frame came damaged; check the scanner's speed and its cable")]
    Damaged,
}

/// The profile is for no scanner.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("profile {0} is not for a scanner")]
pub struct NoScanner(pub String);

#[derive(Clone, Debug)]
enum Framing {
    Text(TextLines),
    Frames(Frames),
}

/// Reads one scanner. Times are milliseconds of any clock that runs evenly.
#[derive(Clone)]
pub struct ScanReader {
    framing: Framing,
    commands: Option<Commands>,
    rules: CodeRules,
    idle_ms: i64,
    heard_at_ms: Option<i64>,
    /// Codes lately seen, and when last.
    in_view: Vec<(String, i64)>,
    faults: Vec<ScanFault>,
}

impl ScanReader {
    /// A scanner of this profile.
    pub fn new(profile: &Profile) -> Result<Self, NoScanner> {
        let wrong = |_| NoScanner(profile.name.clone());
        match profile.protocol {
            Protocol::Reader55Aa => {
                profile.settings(Protocol::Reader55Aa).map_err(wrong).map(|own| Self::frames(&own))
            }
            _ => {
                profile.settings(Protocol::AsciiScanner).map_err(wrong).map(|own| Self::text(&own))
            }
        }
    }

    fn text(settings: &ScannerSettings) -> Self {
        let framing = Framing::Text(TextLines::new(settings));
        let one = Self::with(framing, settings.rules(), settings.idle_ms);
        Self { commands: settings.commands, ..one }
    }

    fn frames(settings: &Reader55AaSettings) -> Self {
        Self::with(Framing::Frames(Frames::new(settings)), settings.rules(), settings.idle_ms)
    }

    fn with(framing: Framing, rules: CodeRules, idle_ms: u32) -> Self {
        Self {
            framing,
            commands: None,
            rules,
            idle_ms: idle_ms.into(),
            heard_at_ms: None,
            in_view: Vec::new(),
            faults: Vec::new(),
        }
    }

    /// Bytes came in: codes ([`DeviceEvent::Scanned`]), signs of life ([`DeviceEvent::KeepAlive`])
    /// and answers to commands ([`DeviceEvent::CommandReply`], whose id is empty).
    pub fn feed(&mut self, bytes: &[u8], now_ms: i64) -> Vec<DeviceEvent> {
        let mut events = self.idle(now_ms);
        let mut pieces = Vec::new();
        for byte in bytes {
            match &mut self.framing {
                Framing::Text(lines) => lines.byte(*byte, &mut pieces),
                Framing::Frames(frames) => frames.byte(*byte, &mut pieces),
            }
        }
        self.heard_at_ms = Some(now_ms);
        events.extend(self.events(pieces, now_ms));
        events
    }

    /// Nothing came until now; to be called at [`ScanReader::wake_at_ms`].
    pub fn idle(&mut self, now_ms: i64) -> Vec<DeviceEvent> {
        if self.wake_at_ms().is_none_or(|at_ms| now_ms < at_ms) {
            return Vec::new();
        }
        let mut pieces = Vec::new();
        match &mut self.framing {
            Framing::Text(lines) => lines.pause(&mut pieces),
            Framing::Frames(frames) => frames.pause(&mut pieces),
        }
        self.events(pieces, now_ms)
    }

    /// When a pause will end what has come so far. `None`: nothing waits for its end.
    pub fn wake_at_ms(&self) -> Option<i64> {
        let is_waiting = match &self.framing {
            Framing::Text(lines) => lines.is_waiting(),
            Framing::Frames(frames) => frames.is_waiting(),
        };
        self.heard_at_ms.filter(|_| is_waiting).map(|at_ms| at_ms + self.idle_ms)
    }

    /// What came in since the last call and is no code, each told once.
    pub fn faults(&mut self) -> Vec<ScanFault> {
        std::mem::take(&mut self.faults)
    }

    /// How it is told to do something, if it can be.
    pub fn commands(&self) -> Option<Commands> {
        self.commands
    }

    fn events(&mut self, pieces: Vec<Piece>, now_ms: i64) -> Vec<DeviceEvent> {
        let mut events = Vec::new();
        for piece in pieces {
            let said = match piece {
                Piece::Code(bytes) => self.rules.code(&bytes),
                Piece::Fault(fault) => Err(fault),
                Piece::Reply { accepted, text } => {
                    events.push(DeviceEvent::CommandReply { id: String::new(), accepted, text });
                    continue;
                }
            };
            match said {
                Ok(Said::Alive) => events.push(DeviceEvent::KeepAlive { clock_ms: None }),
                Ok(Said::Code(text)) if self.is_new(&text, now_ms) => {
                    events.push(DeviceEvent::Scanned { text });
                }
                Err(fault) if self.faults.len() < FAULTS_MAX => self.faults.push(fault),
                Ok(Said::Code(_)) | Err(_) => {}
            }
        }
        events
    }

    /// `false`: it is still held there, and stays so from now on.
    fn is_new(&mut self, text: &str, now_ms: i64) -> bool {
        let repeat_ms = self.rules.repeat_ms;
        self.in_view.retain(|(_, seen_ms)| (now_ms - seen_ms).abs() < repeat_ms);
        if let Some((_, seen_ms)) = self.in_view.iter_mut().find(|(seen, _)| seen == text) {
            *seen_ms = now_ms;
            return false;
        }
        if self.in_view.len() == IN_VIEW_MAX {
            self.in_view.remove(0);
        }
        self.in_view.push((text.to_owned(), now_ms));
        true
    }
}

/// Codes are personal: counts only.
impl std::fmt::Debug for ScanReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ScanReader").field("in_view", &self.in_view.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "scan_reader_tests.rs"]
mod tests;
