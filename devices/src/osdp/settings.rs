//! What a profile says of an OSDP reader. Knows no frame.

use osdp::command::{
    BuzzerControl, BuzzerTone, Command, LedColor, LedControl, LedPermanent, LedTemporary,
    led::LedRecord,
};
use serde::Deserialize;

/// The profile's section `[osdp]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OsdpSettings {
    /// Bits per second as delivered.
    pub baud: u32,
    /// As delivered, 0 to 126.
    pub address: u8,
    /// What guards a frame.
    pub check: Check,
    /// A byte FF goes before each frame: some line drivers swallow the first byte.
    pub mark: bool,
    /// Number of the reader in its housing, for lamp and buzzer.
    pub reader: u8,
    /// Number of the lamp.
    pub led: u8,
    /// Shown to who may pass.
    pub granted: SignalSettings,
    /// Shown to who may not.
    pub refused: SignalSettings,
}

/// What guards a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Check {
    /// 16 bits.
    Crc,
    /// 8 bits, for old readers. One damaged frame in 256 passes.
    Checksum,
}

/// Lamp and buzzer for one outcome.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignalSettings {
    /// Of the lamp.
    pub color: Color,
    /// How long it is on; counted in tenths of a second.
    pub lamp_ms: u32,
    /// How often it beeps; 0 is silent.
    pub beeps: u8,
    /// Length of a beep and of the pause after it; counted in tenths of a second.
    pub beep_ms: u32,
}

/// Of a lamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Color {
    Red,
    Green,
    Amber,
    Blue,
}

const UNIT_MS: u32 = 100;
/// Set the lamp for a while; it returns to what it shows for good by its own timer.
const SET_FOR_A_WHILE: u8 = 2;
const LEAVE: u8 = 0;

impl OsdpSettings {
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.address > osdp::MAX_PD_ADDR {
            return Err(format!("address {} is no reader's; they have 0 to 126", self.address));
        }
        for signal in [&self.granted, &self.refused] {
            let lamp_fits = (UNIT_MS..=60_000).contains(&signal.lamp_ms);
            let beep_fits = (UNIT_MS..=5_000).contains(&signal.beep_ms);
            if !lamp_fits || !beep_fits || signal.beeps > 10 {
                return Err(
                    "a signal's lamp is on for 100..=60000 ms, and beeps at most 10 times \
                            for 100..=5000 ms"
                        .into(),
                );
            }
        }
        Ok(())
    }
}

impl SignalSettings {
    pub(super) fn lamp(&self, reader: u8, led: u8) -> Command {
        let on_color = self.color.on_wire();
        let temporary = LedTemporary {
            control: SET_FOR_A_WHILE,
            on_time: u8::MAX,
            off_time: 0,
            on_color,
            off_color: LedColor::Black,
            timer: (self.lamp_ms / UNIT_MS) as u16,
        };
        let permanent = LedPermanent {
            control: LEAVE,
            on_time: 0,
            off_time: 0,
            on_color: LedColor::Black,
            off_color: LedColor::Black,
        };
        Command::Led(LedControl::new(vec![LedRecord { reader, led, temporary, permanent }]))
    }

    pub(super) fn buzzer(&self, reader: u8) -> Option<Command> {
        let time = (self.beep_ms / UNIT_MS) as u8;
        let buzzer = BuzzerControl {
            reader,
            tone: BuzzerTone::Default,
            on_time: time,
            off_time: time,
            count: self.beeps,
        };
        // A count of 0 would be a beep without end.
        (self.beeps > 0).then_some(Command::Buzzer(buzzer))
    }
}

impl Color {
    fn on_wire(self) -> LedColor {
        match self {
            Self::Red => LedColor::Red,
            Self::Green => LedColor::Green,
            Self::Amber => LedColor::Amber,
            Self::Blue => LedColor::Blue,
        }
    }
}
