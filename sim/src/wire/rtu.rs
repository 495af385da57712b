//! Requests on a Modbus RTU line as a slave reads them, from the specification "MODBUS over Serial
//! Line" V1.02. Shares nothing with the daemon's writer of requests; knows no make of board.

use crc::{CRC_16_MODBUS, Crc};

const CRC: Crc<u16> = Crc::<u16>::new(&CRC_16_MODBUS);
/// The longest frame of the specification.
pub(super) const FRAME_MAX: usize = 256;

/// The codes of a refusal.
pub(super) const ILLEGAL_FUNCTION: u8 = 1;
pub(super) const ILLEGAL_ADDRESS: u8 = 2;
pub(super) const ILLEGAL_VALUE: u8 = 3;

/// A request, its checksum already found good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Request {
    ReadCoils {
        first: u16,
        count: u16,
    },
    ReadInputs {
        first: u16,
        count: u16,
    },
    WriteCoil {
        coil: u16,
        value: u16,
    },
    WriteCoils {
        first: u16,
        states: Vec<bool>,
    },
    /// A function of no relay board, or one with a malformed body.
    Other {
        refusal: u8,
    },
}

/// What is at the front of the bytes heard so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Front {
    /// More bytes may complete it.
    Partial,
    /// Only silence can tell where it ends.
    UntilSilence,
    Frame(usize),
    /// The checksum does not hold.
    Damaged,
}

/// Looks for a request at the front.
pub(super) fn front(bytes: &[u8]) -> Front {
    let len = match bytes.get(1) {
        None => return Front::Partial,
        Some(1..=6) => 8,
        Some(0x0F | 0x10) => match bytes.get(6) {
            None => return Front::Partial,
            Some(count) => 9 + usize::from(*count),
        },
        Some(_) => return Front::UntilSilence,
    };
    match bytes.get(..len) {
        None => Front::Partial,
        Some(frame) if holds(frame) => Front::Frame(len),
        Some(_) => Front::Damaged,
    }
}

/// The last two bytes are the checksum of those before.
pub(super) fn holds(frame: &[u8]) -> bool {
    frame.len() >= 4
        && frame.split_last_chunk::<2>().is_some_and(|(body, crc)| checksum(body) == *crc)
}

/// `body` with its checksum behind.
pub(super) fn seal(mut body: Vec<u8>) -> Vec<u8> {
    let crc = checksum(&body);
    body.extend(crc);
    body
}

fn checksum(body: &[u8]) -> [u8; 2] {
    CRC.checksum(body).to_le_bytes()
}

/// Reads a frame whose checksum holds.
pub(super) fn request(frame: &[u8]) -> Request {
    let word = |at: usize| frame.get(at..at + 2).map_or(0, |w| u16::from_be_bytes([w[0], w[1]]));
    let (first, count) = (word(2), word(4));
    match frame[1] {
        1 | 2 if !(1..=2000).contains(&count) => Request::Other { refusal: ILLEGAL_VALUE },
        1 => Request::ReadCoils { first, count },
        2 => Request::ReadInputs { first, count },
        5 => Request::WriteCoil { coil: first, value: count },
        0x0F => {
            let data = &frame[7..frame.len() - 2];
            if count == 0 || usize::from(count).div_ceil(8) != data.len() {
                return Request::Other { refusal: ILLEGAL_VALUE };
            }
            let states = (0..usize::from(count)).map(|i| data[i / 8] >> (i % 8) & 1 == 1);
            Request::WriteCoils { first, states: states.collect() }
        }
        _ => Request::Other { refusal: ILLEGAL_FUNCTION },
    }
}

/// The reply to a read.
pub(super) fn bits(address: u8, function: u8, states: &[bool]) -> Vec<u8> {
    let mut data = vec![0_u8; states.len().div_ceil(8)];
    for (i, _) in states.iter().enumerate().filter(|(_, on)| **on) {
        data[i / 8] |= 1 << (i % 8);
    }
    seal([&[address, function, data.len() as u8], &data[..]].concat())
}

/// The reply to a write: the first six bytes of its request again.
pub(super) fn echo(frame: &[u8]) -> Vec<u8> {
    seal(frame[..6].to_vec())
}

/// A refusal.
pub(super) fn exception(address: u8, function: u8, code: u8) -> Vec<u8> {
    seal(vec![address, function | 0x80, code])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_frames_are_read() {
        let rows: [(&[u8], Request); 6] = [
            (&[1, 5, 0, 0, 0xFF, 0, 0x8C, 0x3A], Request::WriteCoil { coil: 0, value: 0xFF00 }),
            (&[1, 5, 2, 0, 0, 7, 0x8D, 0xB0], Request::WriteCoil { coil: 0x200, value: 7 }),
            (&[1, 5, 2, 1, 0, 8, 0x9C, 0x74], Request::WriteCoil { coil: 0x201, value: 8 }),
            (&[1, 1, 0, 0, 0, 8, 0x3D, 0xCC], Request::ReadCoils { first: 0, count: 8 }),
            (&[1, 2, 0, 0, 0, 8, 0x79, 0xCC], Request::ReadInputs { first: 0, count: 8 }),
            (
                &[1, 0x0F, 0, 0, 0, 8, 1, 0xFF, 0xBE, 0xD5],
                Request::WriteCoils { first: 0, states: vec![true; 8] },
            ),
        ];
        for (frame, expected) in rows {
            assert_eq!((front(frame), request(frame)), (Front::Frame(frame.len()), expected));
            for len in 0..frame.len() {
                assert_eq!(front(&frame[..len]), Front::Partial, "{len} bytes of {frame:02X?}");
            }
            let mut damaged = frame.to_vec();
            damaged[3] ^= 0x10;
            assert_eq!(front(&damaged), Front::Damaged);
        }
    }

    #[test]
    fn malformed_bodies_are_refused() {
        let refused = |body: &[u8]| match request(&seal(body.to_vec())) {
            Request::Other { refusal } => refusal,
            other => panic!("{other:?}"),
        };
        assert_eq!(refused(&[1, 1, 0, 0, 0, 0]), ILLEGAL_VALUE, "no coils");
        assert_eq!(refused(&[1, 2, 0, 0, 0xFF, 0xFF]), ILLEGAL_VALUE, "too many inputs");
        assert_eq!(refused(&[1, 0x0F, 0, 0, 0, 9, 1, 0xFF]), ILLEGAL_VALUE, "nine in one byte");
        assert_eq!(refused(&[1, 3, 0, 0, 0, 1]), ILLEGAL_FUNCTION);
        assert_eq!(refused(&[1, 0x2B, 0x0E]), ILLEGAL_FUNCTION);
    }

    #[test]
    fn replies_have_the_bits_in_the_order_of_the_wire() {
        let states = [true, false, true, true, false, false, false, true, true];
        assert_eq!(bits(1, 2, &states)[..5], [1, 2, 2, 0b1000_1101, 1]);
        assert_eq!(exception(1, 5, 2)[..3], [1, 0x85, 2]);
    }
}
