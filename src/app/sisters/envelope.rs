//! What two daemons of a site say to each other is sealed: HMAC-SHA-256 over who, when, a number used once, and the
//! whole text, keyed by the secret both have. An answer repeats the number it answers. Knows no socket.
//!
//! A seal is one header, `1.<issuer>.<milliseconds since 1970>.<nonce>.<tag>`; nonce and tag in hex.

use std::{collections::HashMap, time::Duration};

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use rand::{TryRng, rngs::SysRng};
use sha2::Sha256;

/// The header that carries a seal.
pub const SEAL: &str = "x-paifang-seal";
/// What was sealed longer ago, or later, than this by the receiver's clock is not taken. The sender measures how far its
/// clock is off, and goes by the receiver's.
pub const FRESH: Duration = Duration::from_mins(2);
/// Numbers kept at most, far above what two sites say in [`FRESH`]; more is refused.
const NONCES_MAX: usize = 200_000;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seal {
    pub from: u8,
    pub at_ms: i64,
    pub nonce: String,
    tag: Vec<u8>,
}

impl Seal {
    /// For a question: `what` is its path.
    pub fn new(secret: &str, from: u8, at_ms: i64, what: &str, body: &[u8]) -> Option<Self> {
        let mut nonce = [0; 16];
        SysRng.try_fill_bytes(&mut nonce).ok()?;
        Some(Self::over(secret, (from, at_ms), hex(&nonce), what, body))
    }

    /// For the answer to the question with this number.
    pub fn answer(secret: &str, from: u8, at_ms: i64, to: &Self, what: &str, body: &[u8]) -> Self {
        Self::over(secret, (from, at_ms), to.nonce.clone(), &format!("answer {what}"), body)
    }

    fn over(
        secret: &str,
        (from, at_ms): (u8, i64),
        nonce: String,
        what: &str,
        body: &[u8],
    ) -> Self {
        let tag = mac(secret, (from, at_ms, &nonce), what, body).finalize().into_bytes().to_vec();
        Self { from, at_ms, nonce, tag }
    }

    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        let (version, from, at) = (parts.next()?, parts.next()?, parts.next()?);
        let (nonce, tag) = (parts.next()?, parts.next()?);
        let is_hex = |text: &str, digits| {
            text.len() == digits
                && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
        };
        let fits = version == "1" && parts.next().is_none() && is_hex(nonce, 32) && is_hex(tag, 64);
        let byte = |at: usize| u8::from_str_radix(&tag[at..at + 2], 16).unwrap_or_default();
        fits.then(|| {
            Some(Self {
                from: from.parse().ok()?,
                at_ms: at.parse().ok()?,
                nonce: nonce.to_owned(),
                tag: (0..32).map(|n| byte(2 * n)).collect(),
            })
        })?
    }

    /// Whether the secret's owner sealed this question.
    pub fn fits(&self, secret: &str, what: &str, body: &[u8]) -> bool {
        let mac = mac(secret, (self.from, self.at_ms, &self.nonce), what, body);
        mac.verify_slice(&self.tag).is_ok()
    }

    /// Whether the secret's owner sealed this as the answer to `question`.
    pub fn answers(&self, question: &Self, secret: &str, what: &str, body: &[u8]) -> bool {
        self.nonce == question.nonce && self.fits(secret, &format!("answer {what}"), body)
    }
}

impl std::fmt::Display for Seal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "1.{}.{}.{}.{}", self.from, self.at_ms, self.nonce, hex(&self.tag))
    }
}

fn mac(
    secret: &str,
    (from, at_ms, nonce): (u8, i64, &str),
    what: &str,
    body: &[u8],
) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes any length");
    mac.update(format!("paifang sister 1\n{from}\n{at_ms}\n{nonce}\n{what}\n").as_bytes());
    mac.update(body);
    mac
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The numbers that were used, for as long as a seal is fresh.
#[derive(Debug, Default)]
pub struct Nonces {
    seen: HashMap<(u8, String), i64>,
    pruned_ms: i64,
}

/// Why a seal that fits is not taken all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stale {
    /// The clocks are too far apart, or it was held back on the way.
    Clock,
    /// The number was used before.
    Replayed,
}

impl Nonces {
    /// Takes a seal once.
    pub fn take(&mut self, seal: &Seal, now: Timestamp) -> Result<(), Stale> {
        let (now_ms, fresh_ms) = (now.as_millisecond(), FRESH.as_millis() as i64);
        if (seal.at_ms - now_ms).abs() > fresh_ms {
            return Err(Stale::Clock);
        }
        if (now_ms - self.pruned_ms).abs() > fresh_ms / 4 {
            // One that is older is stale by its time.
            self.seen.retain(|_, at_ms| (now_ms - *at_ms).abs() <= 2 * fresh_ms);
            self.pruned_ms = now_ms;
        }
        if self.seen.len() >= NONCES_MAX {
            return Err(Stale::Replayed);
        }
        match self.seen.insert((seal.from, seal.nonce.clone()), seal.at_ms) {
            None => Ok(()),
            Some(_) => Err(Stale::Replayed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "a secret that two daemons have in common";

    #[test]
    fn a_seal_fits_its_own_text_and_no_other() {
        let seal = Seal::new(SECRET, 2, 1_795_500_000_000, "asked", b"{}").unwrap();
        let read = Seal::parse(&seal.to_string()).unwrap();
        assert_eq!(read, seal);
        assert!(read.fits(SECRET, "asked", b"{}"));
        assert!(!read.fits(SECRET, "told", b"{}") && !read.fits(SECRET, "asked", b"{ }"));
        assert!(!read.fits("another secret", "asked", b"{}"));
        assert!(!Seal { from: 3, ..read.clone() }.fits(SECRET, "asked", b"{}"));
        assert!(!Seal { at_ms: 1, ..read.clone() }.fits(SECRET, "asked", b"{}"));
        let answer = Seal::answer(SECRET, 1, 1_795_500_000_100, &seal, "asked", b"yes");
        assert!(answer.answers(&seal, SECRET, "asked", b"yes"));
        assert!(!answer.answers(&seal, SECRET, "asked", b"no"));
        assert!(!answer.fits(SECRET, "asked", b"yes"), "an answer is no question");
        let other = Seal::new(SECRET, 2, 1_795_500_000_000, "asked", b"{}").unwrap();
        assert!(!answer.answers(&other, SECRET, "asked", b"yes"), "to another question");
        for bad in ["", "1.2.3", "2.2.3.00.00", "1.2.x.00.00", &seal.to_string()[..90]] {
            assert_eq!(Seal::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_seal_is_taken_once_and_only_while_it_is_fresh() {
        let now = Timestamp::from_second(1_795_500_000).unwrap();
        let ms = now.as_millisecond();
        let seal = |at_ms| Seal::new(SECRET, 2, at_ms, "told", b"").unwrap();
        let mut nonces = Nonces::default();
        let first = seal(ms);
        assert_eq!(nonces.take(&first, now), Ok(()));
        assert_eq!(nonces.take(&first, now), Err(Stale::Replayed));
        assert_eq!(nonces.take(&first, now + FRESH), Err(Stale::Replayed));
        assert_eq!(nonces.take(&first, now + 2 * FRESH), Err(Stale::Clock));
        assert_eq!(nonces.take(&seal(ms - 121_000), now), Err(Stale::Clock));
        assert_eq!(nonces.take(&seal(ms + 121_000), now), Err(Stale::Clock));
        assert_eq!(nonces.take(&seal(ms + 119_000), now), Ok(()));
        // What is forgotten is stale by its time.
        let later = now + 4 * FRESH;
        assert_eq!(nonces.take(&seal(later.as_millisecond()), later), Ok(()));
        assert_eq!(nonces.seen.len(), 1);
    }
}
