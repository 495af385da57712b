//! Protocol "lot-turnstile": turnstile controllers of LOT on Modbus RTU, register map from the
//! maker's public SDK. Knows no port, no ticket, and not which way is in on a site.
//!
//! A pass goes: permission (1 is written) -> somebody starts -> the counter goes up; or the
//! controller's own wait ends and nothing is counted. The echo of a write says "accepted" only.

use serde::Deserialize;
use thiserror::Error;

use crate::{
    exchange::{Exchange, Expect},
    modbus::{self, ReplyError, RequestError},
    profile::{Profile, Protocol},
};

const PASS: u16 = 0x0040;
const STATE: u16 = 0x0042;
const COUNTER: u16 = 0x0044;
const ERROR: u16 = 0x0048;
const MODE: u16 = 0x3000;
const CLOSED: u16 = 0;
const ONE_PASS: u16 = 1;
const FREE: u16 = 0xFFFF;

/// The part of a profile this protocol reads.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LotSettings {
    /// As delivered.
    pub baud: u32,
    /// As delivered; the site file may say another.
    pub address: u8,
}

impl LotSettings {
    pub(crate) fn check(&self) -> Result<(), String> {
        let fits = (1..=247).contains(&self.address) && (1200..=921_600).contains(&self.baud);
        if fits { Ok(()) } else { Err("lot-turnstile: a number is out of range".into()) }
    }
}

/// Through which side of the turnstile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Way {
    /// The controller's entry.
    In,
    /// The controller's exit.
    Out,
}

impl Way {
    /// Entry and exit registers lie side by side.
    fn side(self) -> u16 {
        match self {
            Self::In => 0,
            Self::Out => 1,
        }
    }
}

/// What a side is doing. The numbers' meaning is the SDK's, tried on no hardware.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SideState {
    /// Nobody goes.
    Closed,
    /// So many may go, each is counted.
    Counted,
    /// Everybody goes.
    Free,
    /// A number the SDK does not name.
    Other(u16),
}

/// What the whole turnstile is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// At its duty.
    Normal,
    /// Lets nobody through, by its own key.
    Blocked,
    /// Stands open for flight.
    AntiPanic,
    /// A number the SDK does not name.
    Other(u16),
}

/// A controller that cannot be spoken to like that.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LotError {
    /// The profile is for something else.
    #[error("profile {0} is not for protocol lot-turnstile")]
    WrongProfile(String),
    /// The address is none.
    #[error(transparent)]
    Request(#[from] RequestError),
}

/// One controller on a line.
#[derive(Clone, Debug)]
pub struct LotTurnstile {
    address: u8,
}

impl LotTurnstile {
    /// A controller of this profile; `address` from the site file, else the profile's.
    pub fn new(profile: &Profile, address: Option<u8>) -> Result<Self, LotError> {
        let settings: LotSettings = profile
            .settings(Protocol::LotTurnstile)
            .map_err(|_| LotError::WrongProfile(profile.name.clone()))?;
        let address = address.unwrap_or(settings.address);
        if !(1..=247).contains(&address) {
            return Err(RequestError::Address(address).into());
        }
        Ok(Self { address })
    }

    /// Slave address on the line.
    pub fn address(&self) -> u8 {
        self.address
    }

    /// Lets one person through. Not repeatable: nobody knows whether the lost one opened it.
    pub fn grant(&self, way: Way) -> Exchange {
        self.write(PASS + way.side(), ONE_PASS)
    }

    /// Everybody may go until [`LotTurnstile::close`]. Not repeatable.
    pub fn free(&self, way: Way) -> Exchange {
        self.write(PASS + way.side(), FREE)
    }

    /// Nobody may go. Not repeatable.
    pub fn close(&self, way: Way) -> Exchange {
        self.write(PASS + way.side(), CLOSED)
    }

    /// For [`state`]. Repeatable.
    pub fn read_state(&self, way: Way) -> Exchange {
        self.read(STATE + way.side(), 1)
    }

    /// For [`counter`]: low word, high word. Repeatable. The two change apart, see [`CountReading`].
    pub fn read_counter(&self, way: Way) -> Exchange {
        self.read(COUNTER + 2 * way.side(), 2)
    }

    /// The high word again. Repeatable.
    pub fn read_counter_high(&self, way: Way) -> Exchange {
        self.read(COUNTER + 2 * way.side() + 1, 1)
    }

    /// For [`errors`]. Repeatable.
    pub fn read_errors(&self) -> Exchange {
        self.read(ERROR, 1)
    }

    /// For [`mode`]. Repeatable.
    pub fn read_mode(&self) -> Exchange {
        self.read(MODE, 1)
    }

    fn read(&self, register: u16, count: u16) -> Exchange {
        modbus::read_registers(self.address, register, count).unwrap_or_else(|e| made_fit(&e))
    }

    fn write(&self, register: u16, value: u16) -> Exchange {
        modbus::write_registers(self.address, register, &[value]).unwrap_or_else(|e| made_fit(&e))
    }
}

fn made_fit(error: &RequestError) -> Exchange {
    unreachable!(
        "the address was checked when the controller was made, counts are constants: {error}"
    )
}

/// The controller took the write. It does not say that anybody went.
pub fn accepted(exchange: &Exchange, reply: &[u8]) -> Result<(), ReplyError> {
    let Expect::Modbus(expect) = &exchange.expect;
    expect.accepted(reply)
}

/// What [`LotTurnstile::read_counter`] asked for: persons counted, in all.
pub fn counter(exchange: &Exchange, reply: &[u8]) -> Result<u32, ReplyError> {
    let words = words(exchange, reply)?;
    let word = |place: usize| words.get(place).copied().map_or(0, u32::from);
    Ok(word(1) << 16 | word(0))
}

/// What [`LotTurnstile::read_state`] asked for.
pub fn state(exchange: &Exchange, reply: &[u8]) -> Result<SideState, ReplyError> {
    Ok(match word(exchange, reply)? {
        0 => SideState::Closed,
        1 => SideState::Counted,
        2 => SideState::Free,
        other => SideState::Other(other),
    })
}

/// What [`LotTurnstile::read_mode`] asked for.
pub fn mode(exchange: &Exchange, reply: &[u8]) -> Result<Mode, ReplyError> {
    Ok(match word(exchange, reply)? {
        0 => Mode::Normal,
        1 => Mode::Blocked,
        2 => Mode::AntiPanic,
        other => Mode::Other(other),
    })
}

/// What [`LotTurnstile::read_errors`] asked for; 0: none. The rest is for the log.
pub fn errors(exchange: &Exchange, reply: &[u8]) -> Result<u8, ReplyError> {
    Ok(word(exchange, reply)?.to_be_bytes()[1])
}

fn words(exchange: &Exchange, reply: &[u8]) -> Result<Vec<u16>, ReplyError> {
    let Expect::Modbus(expect) = &exchange.expect;
    expect.words(reply)
}

fn word(exchange: &Exchange, reply: &[u8]) -> Result<u16, ReplyError> {
    Ok(words(exchange, reply)?.first().copied().unwrap_or_default())
}

/// One reading of a counter whose two words are not read at one instant: ask for what
/// [`CountReading::next`] says until [`CountReading::heard`] gives the count.
#[derive(Clone, Copy, Debug)]
pub struct CountReading {
    way: Way,
    /// As read last; its high word is looked at once more.
    count: Option<u32>,
}

impl CountReading {
    /// Nothing was read yet.
    pub fn new(way: Way) -> Self {
        Self { way, count: None }
    }

    /// What to ask now.
    pub fn next(&self, turnstile: &LotTurnstile) -> Exchange {
        match self.count {
            None => turnstile.read_counter(self.way),
            Some(_) => turnstile.read_counter_high(self.way),
        }
    }

    /// The reply to it. `None`: ask on; the words did not belong together, or that is not known yet.
    pub fn heard(&mut self, asked: &Exchange, reply: &[u8]) -> Result<Option<u32>, ReplyError> {
        let Some(count) = self.count.take() else {
            self.count = Some(counter(asked, reply)?);
            return Ok(None);
        };
        let same = u32::from(word(asked, reply)?) == count >> 16;
        Ok(same.then_some(count))
    }
}

#[cfg(test)]
#[path = "turnstile_lot_tests.rs"]
mod tests;
