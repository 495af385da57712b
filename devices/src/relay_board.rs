//! Protocol "modbus-relay": relay and input boards in the Waveshare dialect. Knows no port, and
//! not what a relay or an input is wired to.
//!
//! The pulse is the board's own: "flash-on", FC05 at coil 0x0200 + n with the time in units of
//! 100 ms (1..=0x7FFF). The board lets go by itself, so a daemon that dies leaves no contact closed.

use serde::Deserialize;
use thiserror::Error;

use crate::{
    exchange::{Exchange, Expect},
    modbus::{self, ReplyError, RequestError},
    profile::{Profile, Protocol},
};

const FLASH_ON: u16 = 0x0200;
const FLASH_UNIT_MS: u32 = 100;
const FLASH_UNITS_MAX: u32 = 0x7FFF;
/// The longest pulse the board can time itself.
pub const PULSE_MS_MAX: u32 = FLASH_UNITS_MAX * FLASH_UNIT_MS;

/// The part of a profile this protocol reads.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RelaySettings {
    /// As delivered.
    pub baud: u32,
    /// As delivered; the site file may say another.
    pub address: u8,
    /// 1..=32.
    pub relays: u8,
    /// 0..=32.
    pub inputs: u8,
    /// Relay on the barrier's open terminal, from 1; of a turnstile: what lets a person in.
    pub open_relay: u8,
    /// Relay on its close terminal, from 1; of a turnstile: the terminal that lets a person out.
    #[serde(default)]
    pub close_relay: Option<u8>,
}

impl RelaySettings {
    pub(crate) fn check(&self) -> Result<(), String> {
        let relay = |n: u8| (1..=self.relays).contains(&n);
        let fits = (1..=247).contains(&self.address)
            && (1..=32).contains(&self.relays)
            && self.inputs <= 32
            && (1200..=921_600).contains(&self.baud)
            && relay(self.open_relay)
            && self.close_relay.is_none_or(|n| relay(n) && n != self.open_relay);
        if fits { Ok(()) } else { Err("modbus-relay: a number is out of range".into()) }
    }
}

/// One board on a line.
#[derive(Clone, Debug)]
pub struct RelayBoard {
    address: u8,
    settings: RelaySettings,
}

/// A request the board cannot take.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RelayError {
    /// Counted from 1.
    #[error("relay {relay} is not on this board: it has 1 to {relays}")]
    NoSuchRelay {
        /// Asked for.
        relay: u8,
        /// The board has.
        relays: u8,
    },
    /// More inputs than the board has, or none.
    #[error("{count} inputs asked for, the board has {inputs}")]
    NoSuchInput {
        /// Asked for.
        count: u8,
        /// The board has.
        inputs: u8,
    },
    /// The board counts in 100 ms up to 0x7FFF.
    #[error("a pulse of {ms} ms is outside 1..={PULSE_MS_MAX} ms")]
    PulseLength {
        /// Asked for.
        ms: u32,
    },
    /// The profile is for something else.
    #[error("profile {0} is not for protocol modbus-relay")]
    WrongProfile(String),
    /// The frame cannot be written.
    #[error(transparent)]
    Request(#[from] RequestError),
}

impl RelayBoard {
    /// A board of this profile; `address` from the site file, else the profile's.
    pub fn new(profile: &Profile, address: Option<u8>) -> Result<Self, RelayError> {
        let settings: RelaySettings = profile
            .settings(Protocol::ModbusRelay)
            .map_err(|_| RelayError::WrongProfile(profile.name.clone()))?;
        let address = address.unwrap_or(settings.address);
        if !(1..=247).contains(&address) {
            return Err(RequestError::Address(address).into());
        }
        Ok(Self { address, settings })
    }

    /// Slave address on the line.
    pub fn address(&self) -> u8 {
        self.address
    }

    /// Numbers of the profile: terminals, speed, counts.
    pub fn settings(&self) -> &RelaySettings {
        &self.settings
    }

    /// Close `relay` (from 1) for `ms`, rounded up to the board's 100 ms. Not repeatable.
    pub fn pulse(&self, relay: u8, ms: u32) -> Result<Exchange, RelayError> {
        if !(1..=PULSE_MS_MAX).contains(&ms) {
            return Err(RelayError::PulseLength { ms });
        }
        let units = ms.div_ceil(FLASH_UNIT_MS) as u16;
        Ok(modbus::write_coil(self.address, FLASH_ON + self.coil(relay)?, units)?)
    }

    /// Close or release `relay` (from 1) until told otherwise. Not repeatable.
    pub fn set(&self, relay: u8, on: bool) -> Result<Exchange, RelayError> {
        let value = if on { 0xFF00 } else { 0x0000 };
        Ok(modbus::write_coil(self.address, self.coil(relay)?, value)?)
    }

    /// States of inputs 1..=`count`. Repeatable.
    pub fn read_inputs(&self, count: u8) -> Result<Exchange, RelayError> {
        let inputs = self.settings.inputs;
        if !(1..=inputs).contains(&count) {
            return Err(RelayError::NoSuchInput { count, inputs });
        }
        Ok(modbus::read_inputs(self.address, 0, count.into())?)
    }

    /// States of all relays. Repeatable.
    pub fn read_relays(&self) -> Result<Exchange, RelayError> {
        Ok(modbus::read_coils(self.address, 0, self.settings.relays.into())?)
    }

    fn coil(&self, relay: u8) -> Result<u16, RelayError> {
        let relays = self.settings.relays;
        if (1..=relays).contains(&relay) {
            Ok(u16::from(relay) - 1)
        } else {
            Err(RelayError::NoSuchRelay { relay, relays })
        }
    }
}

/// The board took the write that `exchange` asked for. It does not say that anything moved.
pub fn accepted(exchange: &Exchange, reply: &[u8]) -> Result<(), ReplyError> {
    let Expect::Modbus(expect) = &exchange.expect;
    expect.accepted(reply)
}

/// The states a read asked for; index 0 is input or relay 1.
pub fn states(exchange: &Exchange, reply: &[u8]) -> Result<Vec<bool>, ReplyError> {
    let Expect::Modbus(expect) = &exchange.expect;
    // The count asked for is the last word before the checksum of the request.
    let count = exchange
        .request
        .get(4..6)
        .map_or(0, |word| usize::from(word[0]) << 8 | usize::from(word[1]));
    expect.bits(reply, count)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn board() -> RelayBoard {
        RelayBoard::new(&Profile::find("barrier/waveshare-modbus").unwrap(), None).unwrap()
    }

    #[test]
    fn published_frames() {
        let board = board();
        let rows: [(Exchange, &[u8]); 7] = [
            (board.set(1, true).unwrap(), &[1, 5, 0, 0, 0xFF, 0, 0x8C, 0x3A]),
            (board.set(1, false).unwrap(), &[1, 5, 0, 0, 0, 0, 0xCD, 0xCA]),
            (board.pulse(1, 700).unwrap(), &[1, 5, 2, 0, 0, 7, 0x8D, 0xB0]),
            (board.pulse(2, 800).unwrap(), &[1, 5, 2, 1, 0, 8, 0x9C, 0x74]),
            (board.pulse(1, 500).unwrap(), &[1, 5, 2, 0, 0, 5, 0x0C, 0x71]),
            (board.read_relays().unwrap(), &[1, 1, 0, 0, 0, 8, 0x3D, 0xCC]),
            (board.read_inputs(8).unwrap(), &[1, 2, 0, 0, 0, 8, 0x79, 0xCC]),
        ];
        for (exchange, frame) in rows {
            assert_eq!(exchange.request, frame);
            assert_eq!(exchange.repeatable, frame[1] < 5);
        }
    }

    #[test]
    fn pulses_round_up_and_are_bounded() {
        let board = board();
        let units = |ms| {
            let request = board.pulse(1, ms).unwrap().request;
            u16::from_be_bytes([request[4], request[5]])
        };
        assert_eq!([units(1), units(100), units(101), units(PULSE_MS_MAX)], [1, 1, 2, 0x7FFF]);
        for ms in [0, PULSE_MS_MAX + 1, u32::MAX] {
            assert_eq!(board.pulse(1, ms), Err(RelayError::PulseLength { ms }));
        }
    }

    #[test]
    fn what_the_board_does_not_have_is_refused() {
        let board = board();
        assert_eq!(board.set(0, true), Err(RelayError::NoSuchRelay { relay: 0, relays: 8 }));
        assert_eq!(board.pulse(9, 500), Err(RelayError::NoSuchRelay { relay: 9, relays: 8 }));
        assert_eq!(board.read_inputs(0), Err(RelayError::NoSuchInput { count: 0, inputs: 8 }));
        assert_eq!(board.read_inputs(9), Err(RelayError::NoSuchInput { count: 9, inputs: 8 }));
        let profile = Profile::find("barrier/waveshare-modbus").unwrap();
        for address in [0, 248, 255] {
            let refused = RelayBoard::new(&profile, Some(address)).unwrap_err();
            assert_eq!(refused, RelayError::Request(RequestError::Address(address)));
        }
        let camera = Profile::find("camera/vzenith-mqtt").unwrap();
        assert!(matches!(RelayBoard::new(&camera, None), Err(RelayError::WrongProfile(_))));
    }

    #[test]
    fn replies_are_read() {
        let board = board();
        let ask = board.read_inputs(4).unwrap();
        let reply = modbus::frame(&[1, 2, 1, 0b0000_1010]);
        assert_eq!(states(&ask, &reply), Ok(vec![false, true, false, true]));
        let pulse = board.pulse(1, 700).unwrap();
        assert_eq!(accepted(&pulse, &pulse.request), Ok(()));
        let other = board.pulse(2, 700).unwrap();
        assert!(matches!(accepted(&pulse, &other.request), Err(ReplyError::Foreign { .. })));
        let refusal = modbus::frame(&[1, 0x85, 2]);
        let error = accepted(&pulse, &refusal).unwrap_err();
        assert_eq!(error, ReplyError::Exception { address: 1, function: 5, code: 2 });
    }
}
