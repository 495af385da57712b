//! Modbus RTU frames: the few requests of boards on a gate, and their replies found in a dirty
//! stream. Knows no port, no timing and no dialect of a make.
//!
//! A frame is `address function data.. crc`, the CRC16/MODBUS over all before it, low byte first.
//! Source: "MODBUS over Serial Line" V1.02, and the frames relay makers publish.

use std::ops::Range;

use crc::{CRC_16_MODBUS, Crc};
use thiserror::Error;

use crate::exchange::{Exchange, Expect};

const CRC: Crc<u16> = Crc::<u16>::new(&CRC_16_MODBUS);
/// Coils or inputs one request may ask for, from the Modbus application protocol V1.1b3.
pub const COUNT_MAX: u16 = 2000;
const READ_COILS: u8 = 0x01;
const READ_INPUTS: u8 = 0x02;
const WRITE_COIL: u8 = 0x05;
const WRITE_COILS: u8 = 0x0F;
const READ_REGISTERS: u8 = 0x03;
const WRITE_REGISTERS: u8 = 0x10;
/// Registers one reading may ask for, and one writing may set; same source.
const REGISTERS_READ_MAX: u16 = 125;
const REGISTERS_WRITE_MAX: usize = 123;
const EXCEPTION: u8 = 0x80;
/// Address, function, code, CRC.
const EXCEPTION_LEN: usize = 5;
/// Address, function, two words, CRC.
const ECHO_LEN: usize = 8;

/// What a reply must be to answer its request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    address: u8,
    function: u8,
    /// The bytes after the function that are known beforehand: the byte count, or the whole echo.
    head: Vec<u8>,
    /// Of a normal reply, CRC included.
    len: usize,
}

/// The board's refusal, or a frame that is not the reply asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ReplyError {
    /// See the codes of the Modbus application protocol.
    #[error("board {address} refuses function {function:#04x} with code {code} ({}): check its model and address map", exception_name(*code))]
    Exception {
        /// Slave address.
        address: u8,
        /// Function asked for.
        function: u8,
        /// 1 illegal function, 2 illegal data address, 3 illegal value, 4 device failure, ...
        code: u8,
    },
    /// Bytes that [`Reply::find`] did not pick.
    #[error("these bytes are not the reply of board {address} to function {function:#04x}")]
    Foreign {
        /// Slave address.
        address: u8,
        /// Function asked for.
        function: u8,
    },
}

/// A request that cannot be written as a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RequestError {
    /// Broadcast (0) is not answered, 248 and up are reserved.
    #[error("slave address {0} is outside 1..=247")]
    Address(u8),
    /// Too few or too many at once.
    #[error(
        "{0} at once is more than a frame holds, or none: 1 to {COUNT_MAX} coils or inputs, 1 to {REGISTERS_READ_MAX} registers read, 1 to {REGISTERS_WRITE_MAX} written"
    )]
    Count(usize),
}

fn exception_name(code: u8) -> &'static str {
    match code {
        1 => "function unknown to the board",
        2 => "no such coil, input or register",
        3 => "value out of range",
        4 => "board failure",
        5 | 6 => "busy",
        _ => "other",
    }
}

/// FC01: states of `count` coils from `first`. Repeatable.
pub fn read_coils(address: u8, first: u16, count: u16) -> Result<Exchange, RequestError> {
    read(address, READ_COILS, first, count)
}

/// FC02: states of `count` discrete inputs from `first`. Repeatable.
pub fn read_inputs(address: u8, first: u16, count: u16) -> Result<Exchange, RequestError> {
    read(address, READ_INPUTS, first, count)
}

/// FC05 with any value, since makers put more than on (FF00) and off (0000) into it. Answered by
/// its own echo. Not repeatable.
pub fn write_coil(address: u8, coil: u16, value: u16) -> Result<Exchange, RequestError> {
    let body = [coil.to_be_bytes(), value.to_be_bytes()].concat();
    let reply = Reply { address, function: WRITE_COIL, head: body.clone(), len: ECHO_LEN };
    exchange(address, WRITE_COIL, &body, reply, false)
}

/// FC0F: `states` from coil `first` on. Not repeatable.
pub fn write_coils(address: u8, first: u16, states: &[bool]) -> Result<Exchange, RequestError> {
    let count = states.len();
    // The byte count of a write is one byte, and the whole frame ends at 256 bytes.
    if !(1..=1968).contains(&count) {
        return Err(RequestError::Count(count));
    }
    let echo = [first.to_be_bytes(), (count as u16).to_be_bytes()].concat();
    let mut body = echo.clone();
    body.push(count.div_ceil(8) as u8);
    body.extend(
        states.chunks(8).map(|byte| {
            byte.iter().enumerate().fold(0, |bits, (i, on)| bits | (u8::from(*on) << i))
        }),
    );
    let reply = Reply { address, function: WRITE_COILS, head: echo, len: ECHO_LEN };
    exchange(address, WRITE_COILS, &body, reply, false)
}

/// FC03: `count` holding registers from `first`. Repeatable.
pub fn read_registers(address: u8, first: u16, count: u16) -> Result<Exchange, RequestError> {
    if !(1..=REGISTERS_READ_MAX).contains(&count) {
        return Err(RequestError::Count(count.into()));
    }
    let body = [first.to_be_bytes(), count.to_be_bytes()].concat();
    let bytes = count as u8 * 2;
    let len = 5 + usize::from(bytes);
    let reply = Reply { address, function: READ_REGISTERS, head: vec![bytes], len };
    exchange(address, READ_REGISTERS, &body, reply, true)
}

/// FC10: `values` into the registers from `first` on. Not repeatable.
pub fn write_registers(address: u8, first: u16, values: &[u16]) -> Result<Exchange, RequestError> {
    let count = values.len();
    if !(1..=REGISTERS_WRITE_MAX).contains(&count) {
        return Err(RequestError::Count(count));
    }
    let echo = [first.to_be_bytes(), (count as u16).to_be_bytes()].concat();
    let mut body = echo.clone();
    body.push(count as u8 * 2);
    body.extend(values.iter().flat_map(|value| value.to_be_bytes()));
    let reply = Reply { address, function: WRITE_REGISTERS, head: echo, len: ECHO_LEN };
    exchange(address, WRITE_REGISTERS, &body, reply, false)
}

fn read(address: u8, function: u8, first: u16, count: u16) -> Result<Exchange, RequestError> {
    if !(1..=COUNT_MAX).contains(&count) {
        return Err(RequestError::Count(count.into()));
    }
    let body = [first.to_be_bytes(), count.to_be_bytes()].concat();
    let bytes = count.div_ceil(8) as u8;
    let reply = Reply { address, function, head: vec![bytes], len: 5 + usize::from(bytes) };
    exchange(address, function, &body, reply, true)
}

fn exchange(
    address: u8,
    function: u8,
    body: &[u8],
    reply: Reply,
    repeatable: bool,
) -> Result<Exchange, RequestError> {
    if !(1..=247).contains(&address) {
        return Err(RequestError::Address(address));
    }
    let request = frame(&[&[address, function], body].concat());
    Ok(Exchange { request, expect: Expect::Modbus(reply), repeatable })
}

/// `bytes` with their checksum behind.
pub fn frame(bytes: &[u8]) -> Vec<u8> {
    [bytes, &CRC.checksum(bytes).to_le_bytes()].concat()
}

/// The last two bytes are the checksum of those before.
pub fn checksum_holds(frame: &[u8]) -> bool {
    frame
        .split_last_chunk::<2>()
        .is_some_and(|(bytes, crc)| CRC.checksum(bytes).to_le_bytes() == *crc)
}

impl Reply {
    /// Slave address asked.
    pub fn address(&self) -> u8 {
        self.address
    }

    /// Where in `bytes` the reply or its exception is. Every offset is tried, so garbage, replies
    /// of others and damaged frames before it do not hide it.
    pub fn find(&self, bytes: &[u8]) -> Option<Range<usize>> {
        (0..bytes.len()).find_map(|start| {
            let rest = &bytes[start..];
            let len = if self.begins(rest) {
                self.len
            } else if rest.starts_with(&[self.address, self.function | EXCEPTION]) {
                EXCEPTION_LEN
            } else {
                return None;
            };
            checksum_holds(rest.get(..len)?).then_some(start..start + len)
        })
    }

    fn begins(&self, rest: &[u8]) -> bool {
        rest.strip_prefix(&[self.address, self.function])
            .is_some_and(|after| after.starts_with(&self.head))
    }

    /// The data bytes of a found frame: after the head, before the checksum.
    fn data<'a>(&self, frame: &'a [u8]) -> Result<&'a [u8], ReplyError> {
        let (address, function) = (self.address, self.function);
        if self.find(frame) != Some(0..frame.len()) {
            return Err(ReplyError::Foreign { address, function });
        }
        if frame[1] & EXCEPTION != 0 {
            return Err(ReplyError::Exception { address, function, code: frame[2] });
        }
        Ok(&frame[2 + self.head.len()..frame.len() - 2])
    }

    /// Accepts the echo of a write.
    pub fn accepted(&self, frame: &[u8]) -> Result<(), ReplyError> {
        self.data(frame).map(|_| ())
    }

    /// The registers of a reading.
    pub fn words(&self, frame: &[u8]) -> Result<Vec<u16>, ReplyError> {
        let (words, _) = self.data(frame)?.as_chunks::<2>();
        Ok(words.iter().map(|word| u16::from_be_bytes(*word)).collect())
    }

    /// The first `count` states of a read; fewer if fewer were asked for (by whole bytes).
    pub fn bits(&self, frame: &[u8], count: usize) -> Result<Vec<bool>, ReplyError> {
        let data = self.data(frame)?;
        Ok(data
            .iter()
            .flat_map(|byte| (0..8).map(move |i| byte >> i & 1 == 1))
            .take(count)
            .collect())
    }
}

#[cfg(test)]
#[path = "modbus_tests.rs"]
mod tests;
