//! Frames of the panel and how the reader's are found among what comes in. Knows no key.

use std::ops::Range;

use osdp::{
    REPLY_FLAG, SOM,
    command::{self, Command},
    packet::{Address, ControlByte, CtrlFlags, ParsedPacket, Sqn},
};

use super::{Check, SiteKey};

/// The shortest frame: SOM, address, two of length, control, code, checksum.
const FRAME_MIN: usize = 7;
/// The longest reply that is waited for. Cards, keys and keys' cryptograms are far shorter; what
/// claims to be longer is noise that begins like a frame.
const FRAME_MAX: usize = 512;
const MARK: u8 = 0xFF;
const NAK: u8 = 0x41;
const BUSY: u8 = 0x79;

/// How a question is framed.
#[derive(Clone, Copy)]
pub(super) struct Form {
    pub(super) address: u8,
    pub(super) sqn: Sqn,
    pub(super) check: Check,
}

impl Form {
    pub(super) fn address(self) -> Address {
        Address::from_raw(self.address)
    }

    pub(super) fn control(self, has_scb: bool) -> ControlByte {
        let mut flags = CtrlFlags::empty();
        flags.set(CtrlFlags::USE_CRC, self.check == Check::Crc);
        flags.set(CtrlFlags::HAS_SCB, has_scb);
        ControlByte::new(self.sqn, flags)
    }
}

/// Picks the answer to one question out of what comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OsdpReply {
    address: u8,
    sqn: u8,
    check: Check,
}

impl OsdpReply {
    pub(super) fn new(address: u8, sqn: Sqn, check: Check) -> Self {
        Self { address, sqn: sqn.value(), check }
    }

    /// Who was asked.
    pub fn address(self) -> u8 {
        self.address
    }

    /// Where in `bytes` the complete reply is; noise, other readers' replies and the echo of the
    /// question are stepped over. `None`: not yet.
    pub fn find(self, bytes: &[u8]) -> Option<Range<usize>> {
        let starts = bytes.iter().enumerate().filter(|(_, byte)| **byte == SOM);
        starts.map(|(at, _)| at).find_map(|at| {
            let len = self.fits(&bytes[at..])?;
            Some(at..at + len)
        })
    }

    fn fits(self, bytes: &[u8]) -> Option<usize> {
        let (&address, length) = (bytes.get(1)?, bytes.get(2..4)?);
        let len = usize::from(u16::from_le_bytes([length[0], length[1]]));
        if address != self.address | REPLY_FLAG || !(FRAME_MIN..=FRAME_MAX).contains(&len) {
            return None;
        }
        let (packet, _) = ParsedPacket::parse(bytes.get(..len)?).ok()?;
        let guarded = packet.ctrl.use_crc() || self.check == Check::Checksum;
        // Busy carries 0, and a refusal may carry the number that the reader waits for.
        let in_step = packet.ctrl.sqn.value() == self.sqn || matches!(packet.code, BUSY | NAK);
        (guarded && in_step).then_some(len)
    }
}

pub(super) fn marked(mark: bool, frame: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(frame.len() + 1);
    bytes.extend(mark.then_some(MARK));
    bytes.extend_from_slice(frame);
    bytes
}

pub(super) fn identify() -> Command {
    Command::Id(command::Id::standard())
}

pub(super) fn capabilities() -> Command {
    Command::Cap(command::Cap::standard())
}

pub(super) fn status() -> Command {
    Command::LocalStatus(command::LocalStatus)
}

pub(super) fn poll() -> Command {
    Command::Poll(command::Poll)
}

pub(super) fn key_set(key: Option<&SiteKey>) -> Command {
    // Without a key this step is never reached; a poll would do no harm.
    key.map_or_else(poll, |key| Command::KeySet(command::KeySet::scbk(key.bytes())))
}
