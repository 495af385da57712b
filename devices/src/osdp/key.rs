//! The site's key for a reader's secure channel. Never printed.

use std::{fmt, str::FromStr};

use osdp::secure::SCBK_D;
use thiserror::Error;

/// 16 bytes of AES.
#[derive(Clone, PartialEq, Eq)]
pub struct SiteKey([u8; 16]);

/// A text that is no key. It does not quote the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum KeyError {
    /// Wrong length or characters.
    #[error("a reader's key is 32 hexadecimal digits; make one with: openssl rand -hex 16")]
    Shape,
    /// It protects nothing.
    #[error("this key is known to everybody; make one with: openssl rand -hex 16")]
    Common,
}

static COMMON: SiteKey = SiteKey(SCBK_D);

impl SiteKey {
    /// The one that readers have when they leave the maker, printed in the standard.
    pub(super) fn common() -> &'static Self {
        &COMMON
    }

    pub(super) fn bytes(&self) -> [u8; 16] {
        self.0
    }
}

impl FromStr for SiteKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let digits = text.as_bytes();
        if digits.len() != 32 || !digits.iter().all(u8::is_ascii_hexdigit) {
            return Err(KeyError::Shape);
        }
        let mut key = [0; 16];
        for (byte, pair) in key.iter_mut().zip(digits.chunks_exact(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_| KeyError::Shape)?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| KeyError::Shape)?;
        }
        if key == SCBK_D { Err(KeyError::Common) } else { Ok(Self(key)) }
    }
}

impl fmt::Debug for SiteKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SiteKey(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_32_digits_that_are_nobody_elses_and_is_not_printed() {
        let text = "00112233445566778899AABBCCddeeff";
        let key: SiteKey = text.parse().unwrap();
        assert_eq!(key.bytes()[..3], [0x00, 0x11, 0x22]);
        assert_eq!(format!("{key:?}"), "SiteKey(hidden)");
        let shape = |text: &str| text.parse::<SiteKey>().unwrap_err() == KeyError::Shape;
        assert!(shape("") && shape(&text[1..]) && shape(&format!("{text}0")));
        assert!(
            shape("+0112233445566778899aabbccddeeff") && shape("é0112233445566778899aabbccddee")
        );
        let common = "303132333435363738393a3b3c3d3e3f".parse::<SiteKey>();
        assert_eq!(common.unwrap_err(), KeyError::Common);
    }
}
