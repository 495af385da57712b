//! Text as boards, printers and scanners write it. Knows no frame.

use encoding_rs::{Encoding, GB18030, GBK};
use serde::Deserialize;

/// GBK, whole characters only, at most `bytes_max`. What GBK lacks becomes '?', a control character
/// a space: frames give control characters a meaning.
pub(crate) fn gbk(text: &str, bytes_max: usize) -> Vec<u8> {
    encoded(GBK, text, bytes_max)
}

/// GB18030 under the same rules; it has every character there is.
pub(crate) fn gb18030(text: &str, bytes_max: usize) -> Vec<u8> {
    encoded(GB18030, text, bytes_max)
}

fn encoded(encoding: &'static Encoding, text: &str, bytes_max: usize) -> Vec<u8> {
    let mut out = Vec::new();
    for ch in text.chars() {
        let ch = if ch.is_control() { ' ' } else { ch };
        let mut utf8 = [0; 4];
        let (bytes, _, unknown) = encoding.encode(ch.encode_utf8(&mut utf8));
        let bytes: &[u8] = if unknown { b"?" } else { &bytes };
        if out.len() + bytes.len() > bytes_max {
            break;
        }
        out.extend_from_slice(bytes);
    }
    out
}

/// GBK back into text; what is none becomes the sign for it.
pub(crate) fn of_gbk(bytes: &[u8]) -> String {
    GBK.decode_without_bom_handling(bytes).0.into_owned()
}

/// How a scanner writes characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TextEncoding {
    /// ASCII is part of it.
    #[serde(rename = "utf-8")]
    Utf8,
    /// ASCII is part of it.
    Gbk,
}

impl TextEncoding {
    /// `None`: the bytes are no text in this encoding.
    pub(crate) fn text(self, bytes: &[u8]) -> Option<String> {
        match self {
            Self::Utf8 => String::from_utf8(bytes.to_vec()).ok(),
            Self::Gbk => GBK
                .decode_without_bom_handling_and_without_replacement(bytes)
                .map(std::borrow::Cow::into_owned),
        }
    }
}
