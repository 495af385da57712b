//! What a reader's replies mean in our words. Knows no frame and no channel.

use osdp::{
    caps::FunctionCode,
    reply::{Fmt, Keypad, PdId, Raw, Reply, ReplyCode},
};

use crate::DeviceEvent;

const RAW: u8 = 0x50;
/// Before the bits: reader, format, two of count.
const RAW_HEAD: usize = 4;
/// The characters of a card come last first.
const BACKWARDS: u8 = 1;

/// `None`: not what the standard says of this code.
pub(super) fn decode(code: u8, data: &[u8]) -> Option<Reply> {
    let kind = ReplyCode::from_byte(code).ok()?;
    let data = if code == RAW { without_surplus(data)? } else { data };
    Reply::decode(kind, data).ok().filter(|reply| !is_empty_card(reply))
}

/// Some readers send their whole buffer after the bits that count.
fn without_surplus(data: &[u8]) -> Option<&[u8]> {
    let count = data.get(2..RAW_HEAD)?;
    let bits = usize::from(u16::from_le_bytes([count[0], count[1]]));
    data.get(..RAW_HEAD + bits.div_ceil(8))
}

fn is_empty_card(reply: &Reply) -> bool {
    match reply {
        Reply::Raw(raw) => raw.bit_count == 0,
        Reply::Fmt(text) => text.chars.is_empty(),
        _ => false,
    }
}

pub(super) fn card(raw: &Raw) -> DeviceEvent {
    let mut data = raw.bits.clone();
    let surplus = data.len() * 8 - usize::from(raw.bit_count).min(data.len() * 8);
    if let Some(last) = data.last_mut() {
        *last &= 0xFF_u8.checked_shl(surplus as u32).unwrap_or_default();
    }
    DeviceEvent::CardRead { bits: raw.bit_count, data }
}

pub(super) fn text_card(text: &Fmt) -> DeviceEvent {
    let mut data = text.chars.clone();
    if text.direction == BACKWARDS {
        data.reverse();
    }
    DeviceEvent::CardRead { bits: data.len() as u16 * 8, data }
}

/// Digits as they are, clear is `*` (7F), enter is `#` (0D); other codes are left out.
pub(super) fn keys(keypad: &Keypad) -> String {
    let key = |code: &u8| match code {
        b'0'..=b'9' | b'*' | b'#' | b'A'..=b'D' => Some(char::from(*code)),
        0x7F => Some('*'),
        0x0D => Some('#'),
        _ => None,
    };
    keypad.digits.iter().filter_map(key).collect()
}

/// The maker's number stands for its name: the standard gives only that.
pub(super) fn identity(reply: &Reply) -> Option<DeviceEvent> {
    let Reply::PdId(PdId { vendor_oui, model, version, firmware, .. }) = reply else { return None };
    let [a, b, c] = vendor_oui;
    let [major, minor, build] = firmware;
    Some(DeviceEvent::Identity {
        model: Some(format!("{a:02X}-{b:02X}-{c:02X} model {model} version {version}")),
        firmware: Some(format!("{major}.{minor}.{build}")),
    })
}

/// Has it a lamp, has it a buzzer? A reader that does not say is tried.
pub(super) fn signals(reply: &Reply) -> (bool, bool) {
    let Reply::PdCap(list) = reply else { return (true, true) };
    let has = |code| list.capability(code).is_some_and(|one| one.compliance > 0);
    (has(FunctionCode::LedControl), has(FunctionCode::AudibleOutput))
}
