//! The code of a ticket or a card: held before a reader, compared by its digest, kept nowhere. Knows no ticket.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

/// What a reader gave, or an operator typed, trimmed. Never in a log, a page or the journal.
#[derive(Clone, PartialEq, Eq)]
pub struct Code(Arc<str>);

/// Why a text is no code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a code has 1 to 512 characters and no control characters")]
pub struct CodeError;

/// Longest code, in characters: the longest a scanner hands on.
pub const CODE_CHARS_MAX: usize = 512;

impl Code {
    /// A code as read.
    pub fn parse(text: &str) -> Result<Self, CodeError> {
        let text = text.trim();
        let fits = (1..=CODE_CHARS_MAX).contains(&text.chars().count())
            && !text.chars().any(char::is_control);
        if fits { Ok(Self(text.into())) } else { Err(CodeError) }
    }

    /// A card's bits as a code: their number and the bytes in hex, such as `26:2d00a280`.
    pub fn of_card(bits: u16, data: &[u8]) -> Result<Self, CodeError> {
        if bits == 0 || data.is_empty() {
            return Err(CodeError);
        }
        let hex: String = data.iter().map(|byte| format!("{byte:02x}")).collect();
        Self::parse(&format!("{bits}:{hex}"))
    }

    /// Its last three characters, by which a person tells a card from others; nobody finds the rest by them.
    pub fn tail(&self) -> String {
        let all = self.0.chars().count();
        let tail: String = self.0.chars().skip(all.saturating_sub(3)).collect();
        format!("…{tail}")
    }

    /// What the ticket is known by. A short code is the same however it is typed: small letters, look-alikes, with its
    /// hyphen or without.
    pub fn digest(&self) -> CodeDigest {
        match short(&self.0) {
            Some(typed) => CodeDigest::of(&typed),
            None => CodeDigest::of(&self.0),
        }
    }

    /// 50 bits as people type them: ten letters, a hyphen in the middle.
    pub fn of_bits(bits: u64) -> String {
        let letter = |n: usize| char::from(LETTERS[(bits >> (45 - 5 * n) & 31) as usize]);
        let half = |from: usize| (from..from + 5).map(letter).collect::<String>();
        format!("{}-{}", half(0), half(5))
    }
}

/// Letters and digits that nobody takes for others: no I, L, O or U (Crockford's base 32).
const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// A short code as it is written; `None`: the text is none.
fn short(text: &str) -> Option<String> {
    let mut plain = String::with_capacity(11);
    for (at, c) in text.chars().enumerate() {
        let meant = match c.to_ascii_uppercase() {
            '-' | ' ' if at == 5 => continue,
            'O' => '0',
            'I' | 'L' => '1',
            c => c,
        };
        if plain.len() == 11 || !u8::try_from(meant).is_ok_and(|byte| LETTERS.contains(&byte)) {
            return None;
        }
        plain.push(meant);
        if plain.len() == 5 {
            plain.push('-');
        }
    }
    (plain.len() == 11).then_some(plain)
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Code(..)")
    }
}

/// SHA-256 of a code, written as 64 hex digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CodeDigest([u8; 32]);

impl CodeDigest {
    /// Of a text that nobody should keep.
    pub fn of(text: &str) -> Self {
        Self(Sha256::digest(text.as_bytes()).into())
    }
}

impl fmt::Display for CodeDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The first digits tell two tickets apart; a short code could be found again from the whole.
impl fmt::Debug for CodeDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02x}{:02x}..", self.0[0], self.0[1])
    }
}

impl Serialize for CodeDigest {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for CodeDigest {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let mut digest = [0; 32];
        let digits = text.as_bytes();
        let fits = digits.len() == 64 && digits.iter().all(u8::is_ascii_hexdigit);
        for (byte, pair) in digest.iter_mut().zip(digits.chunks(2)) {
            let pair = std::str::from_utf8(pair).unwrap_or_default();
            *byte = u8::from_str_radix(pair, 16).unwrap_or_default();
        }
        if fits {
            Ok(Self(digest))
        } else {
            Err(serde::de::Error::custom("a code's digest is 64 hex digits"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_never_printed() {
        let code = Code::parse(" TICKET-1\r").unwrap();
        assert_eq!(code, Code::parse("TICKET-1").unwrap());
        assert!(!format!("{code:?}{:?}", code.digest()).contains("TICKET"));
        assert!(Code::parse(" ").is_err() && Code::parse("a\u{0}b").is_err());
        assert!(Code::parse(&"x".repeat(513)).is_err());
    }

    #[test]
    fn a_digest_comes_back_as_it_was_written() {
        let digest = Code::parse("TICKET-1").unwrap().digest();
        let json = serde_json::to_string(&digest).unwrap();
        assert_eq!(serde_json::from_str::<CodeDigest>(&json).unwrap(), digest);
        assert_eq!(json, format!("\"{digest}\""));
        for bad in ["\"\"", "\"zz\"", &format!("\"{}\"", "g".repeat(64))] {
            assert!(serde_json::from_str::<CodeDigest>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_short_code_is_the_same_however_it_is_typed() {
        let code = Code::of_bits(0x0002_1234_5678_9abc);
        assert_eq!(code, "GJ6HB-7H6NW");
        let digest = |text: &str| Code::parse(text).unwrap().digest();
        assert_eq!(digest(&code), CodeDigest::of(&code));
        for typed in ["GJ6HB7H6NW", "gj6hb-7h6nw", " gj6hb 7h6nw\n"] {
            assert_eq!(digest(typed), digest(&code), "{typed}");
        }
        assert_eq!(digest("olI00-11111"), digest("01100-11111"));
        for other in ["GJ6HB-7H6N", "GJ6HB-7H6NWW", "GJ6-HB7H6NW", "GU6HB-7H6NW", "GJ6Hé-7H6NW"] {
            assert_ne!(digest(other), digest(&code), "{other}");
            assert_eq!(digest(other), CodeDigest::of(other), "as it is");
        }
    }

    #[test]
    fn a_card_is_its_bits() {
        let card = Code::of_card(26, &[0x2d, 0x00, 0xa2, 0x80]).unwrap();
        assert_eq!(card, Code::parse("26:2d00a280").unwrap());
        assert!(Code::of_card(0, &[]).is_err());
    }
}
