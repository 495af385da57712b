//! The words devices say and are told, the same for every make. Knows no topic, no frame and no
//! field name of any vendor.

use std::fmt;

/// Something a device told us.
#[derive(Clone, Debug, PartialEq)]
pub enum DeviceEvent {
    /// A camera saw a vehicle, with or without a plate.
    PlateRead(Box<PlateRead>),
    /// A dry contact changed, or was reported again.
    InputChanged {
        /// Counted from 1, as printed beside the terminals.
        input: u8,
        /// Contact closed.
        on: bool,
    },
    /// The device is alive.
    KeepAlive {
        /// The device's clock, Unix milliseconds, where it says so.
        clock_ms: Option<i64>,
    },
    /// Bytes that came in on a serial port of the device.
    SerialData {
        /// 0 is the first port.
        channel: u8,
        /// As received, no framing assumed.
        bytes: Vec<u8>,
    },
    /// The device answered a command. Acceptance only: it says nothing about an arm having moved.
    CommandReply {
        /// The id the command was sent with.
        id: String,
        /// The device took the command.
        accepted: bool,
        /// The device's own word or code, at most 200 characters.
        text: String,
    },
    /// A barrier controller behind the device reported itself. The vendor's numbers for `state` are
    /// not published, so it is for the log and the screen, never for a decision.
    BarrierStatus {
        /// The vendor's number.
        state: Option<i64>,
        /// The device still hears its barrier controller.
        connected: Option<bool>,
    },
    /// A picture asked for by a command.
    Snapshot {
        /// JPEG.
        picture: Vec<u8>,
    },
    /// The device is gone, says whoever carried its words: its last will, or its gateway.
    Gone,
    /// The device's own word of where the arm stands.
    Position(ArmPosition),
    /// A code was held before a scanner. Personal at times: never logged whole.
    Scanned {
        /// Without prefix and tail, 1 to [`SCAN_CHARS_MAX`] characters.
        text: String,
    },
    /// A card was held before a reader.
    CardRead {
        /// As many as the reader gives; the last byte is filled with zeros at its end.
        bits: u16,
        /// The first bit is the highest of the first byte.
        data: Vec<u8>,
    },
    /// A resident identity card was held before a reader.
    IdCardRead {
        /// Nothing else of the card is taken.
        number: IdNumber,
    },
    /// The device said what it is.
    Identity {
        /// As the device spells it, at most 80 characters.
        model: Option<String>,
        /// As the device spells it, at most 80 characters.
        firmware: Option<String>,
    },
}

/// The number of a resident identity card. Never logged whole.
#[derive(Clone, PartialEq, Eq)]
pub struct IdNumber(String);

impl IdNumber {
    /// 17 figures, and a figure or X; whether the last one fits the others is not for a reader.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (front, last) = text.split_at_checked(17)?;
        let fits = front.bytes().all(|b| b.is_ascii_digit())
            && (last == "X"
                || last == "x"
                || last.len() == 1 && last.as_bytes()[0].is_ascii_digit());
        fits.then(|| Self(text.to_ascii_uppercase()))
    }

    /// As printed on the card.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for IdNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IdNumber({}..)", &self.0[..2])
    }
}

/// Longest code taken from a scanner: a QR of version 6-M holds 154 characters of base45.
pub const SCAN_CHARS_MAX: usize = 512;

/// One look of a camera at one vehicle.
#[derive(Clone, PartialEq)]
pub struct PlateRead {
    /// Tells a second copy of the same read from a second read. The quick and the full result of
    /// one read share it. Unique within one camera and some hours, not for ever: cameras count
    /// anew after a restart.
    pub event_id: String,
    /// The text as the camera wrote it. `None`: a vehicle, but no plate found.
    pub plate: Option<String>,
    /// 0..=100.
    pub confidence: Option<u8>,
    /// Of the plate, not of the vehicle.
    pub color: PlateColor,
    /// `false`: a record from the time the camera was offline. Never a reason to open.
    pub live: bool,
    /// First word or last word of the camera on this read.
    pub stage: Stage,
    /// The device's clock, Unix milliseconds.
    pub taken_at_ms: Option<i64>,
    /// Which way the vehicle moved through the picture.
    pub direction: Direction,
    /// What made the camera look.
    pub trigger: Trigger,
    /// The whole scene, JPEG.
    pub picture: Option<Vec<u8>>,
    /// The plate alone, JPEG.
    pub crop: Option<Vec<u8>>,
}

/// A plate is personal data and pictures are long: neither reaches a log this way.
impl fmt::Debug for PlateRead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = |bytes: &Option<Vec<u8>>| bytes.as_ref().map(Vec::len);
        f.debug_struct("PlateRead")
            .field("event_id", &self.event_id)
            .field("plate", &self.plate.as_deref().map(mask))
            .field("confidence", &self.confidence)
            .field("color", &self.color)
            .field("live", &self.live)
            .field("stage", &self.stage)
            .field("taken_at_ms", &self.taken_at_ms)
            .field("direction", &self.direction)
            .field("trigger", &self.trigger)
            .field("picture_bytes", &size(&self.picture))
            .field("crop_bytes", &size(&self.crop))
            .finish()
    }
}

/// The first two and the last three characters; all of a short text is hidden.
fn mask(plate: &str) -> String {
    let chars: Vec<char> = plate.chars().collect();
    if chars.len() < 6 {
        return "*".repeat(chars.len());
    }
    let tail = chars.len() - 3;
    chars.iter().enumerate().map(|(i, c)| if i < 2 || i >= tail { *c } else { '*' }).collect()
}

/// A word a profile's `map` can name: one text per variant, the same as in its TOML.
macro_rules! wire_words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum $name { $($(#[$vdoc])* $variant),+ }

        impl $name {
            /// Every variant, in the order of declaration.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The text used in profiles.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// The variant a profile's text names.
            pub fn named(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|word| word.name() == text)
            }
        }
    };
}
pub(crate) use wire_words;

wire_words! {
    /// Colour of a plate's ground.
    PlateColor {
        /// Not said, or a number we do not know.
        Unknown = "unknown",
        /// Small vehicles.
        Blue = "blue",
        /// Large vehicles, learners.
        Yellow = "yellow",
        /// Police, army.
        White = "white",
        /// Embassies, Hong Kong, Macau.
        Black = "black",
        /// New energy.
        Green = "green",
        /// New energy, large.
        YellowGreen = "yellow-green",
    }
}

wire_words! {
    /// Where an arm stands, as far as its controller knows.
    ArmPosition {
        /// It does not know.
        Unknown = "unknown",
        /// Fully down.
        Closed = "closed",
        /// Fully up.
        Open = "open",
    }
}

wire_words! {
    /// Movement through the camera's picture.
    Direction {
        /// Not said.
        Unknown = "unknown",
        /// To the left edge.
        Left = "left",
        /// To the right edge.
        Right = "right",
        /// To the upper edge: away from a camera that looks down a lane.
        Up = "up",
        /// To the lower edge: towards the camera.
        Down = "down",
    }
}

wire_words! {
    /// What made the camera look. The last three are news about a vehicle already read.
    Trigger {
        /// Not said.
        Unknown = "unknown",
        /// The picture itself.
        Video = "video",
        /// A loop on one of its inputs.
        Input = "input",
        /// A command.
        Software = "software",
        /// A loop drawn in the picture.
        VirtualLoop = "virtual-loop",
        /// A vehicle stands there longer than set.
        Lingering = "lingering",
        /// It went on.
        LingerCleared = "linger-cleared",
        /// It reversed out.
        TurnedBack = "turned-back",
    }
}

wire_words! {
    /// Some cameras speak twice of one read.
    Stage {
        /// At once, without pictures.
        Quick = "quick",
        /// The whole result.
        Full = "full",
    }
}

/// Something we tell a device. What it can do is in its profile's capabilities.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// One push of the open button, as long as the profile's `open_pulse_ms`.
    PulseOpen,
    /// One push of the close button. Never while a loop is occupied or unknown: the caller's duty.
    PulseClose,
    /// Keep the open contact closed until [`Command::Release`].
    Hold,
    /// End of [`Command::Hold`].
    Release,
    /// Look now.
    TriggerRead,
    /// Set the clock, in the site's zone.
    SetTime(CivilTime),
    /// Bytes for a serial port of the device.
    SerialData {
        /// 0 is the first port.
        channel: u8,
        /// Sent as they are.
        bytes: Vec<u8>,
    },
    /// Say this aloud.
    Speak {
        /// As it is to be heard.
        text: String,
    },
}

/// A wall clock's reading, no zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CivilTime {
    /// Four digits.
    pub year: u16,
    /// 1..=12.
    pub month: u8,
    /// 1..=31.
    pub day: u8,
    /// 0..=23.
    pub hour: u8,
    /// 0..=59.
    pub minute: u8,
    /// 0..=59.
    pub second: u8,
}

impl CivilTime {
    /// Day of the week by the Gregorian calendar, 0 = Sunday. Any numbers give some answer.
    pub fn weekday(self) -> u8 {
        let month = u32::from(self.month.clamp(1, 12));
        let year = u32::from(self.year) + 400 - u32::from(month < 3);
        // March is month 0, so that the leap day ends the year.
        let month_days = (153 * ((month + 9) % 12) + 2) / 5;
        let days = 365 * year + year / 4 - year / 100 + year / 400 + month_days;
        ((days + u32::from(self.day) + 2) % 7) as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weekdays_of_known_dates() {
        let day = |year, month, day| {
            CivilTime { year, month, day, hour: 0, minute: 0, second: 0 }.weekday()
        };
        assert_eq!(day(2026, 11, 23), 1, "a Monday");
        assert_eq!(day(2024, 2, 29), 4, "a Thursday");
        assert_eq!(day(2000, 1, 1), 6, "a Saturday");
        assert_eq!(day(2023, 6, 9), 5, "a Friday");
        assert_eq!(day(2100, 3, 1), 1, "a Monday, and 2100 is no leap year");
    }

    #[test]
    fn a_plate_is_masked_when_printed() {
        assert_eq!(mask("京A12345"), "京A**345");
        assert_eq!(mask("A1234"), "*****");
    }
}
