//! The signed code of a ticket: 27 bytes of claims and an Ed25519 signature, as letters. Knows no file and no clock.
//!
//! ```text
//!  0 version 1 | 1 key | 2 site (4) | 6 ticket (6) | 12 edition | 13 medium | 14 persons (2)
//! 16 valid from, minutes since 1970 (4) | 20 minutes it is valid for (3) | 23 areas (2) | 25 product (2)
//! 27 signature over all of these (64)
//! ```
//!
//! Numbers have their highest byte first. The text is `PT1` and 91 bytes in base 45: 140 letters, of a QR code's own
//! alphabet, so that version 6 at level M holds them with the nine of the part that changes.

use jiff::{SignedDuration, Timestamp};
use ring::signature::{ED25519, Ed25519KeyPair, UnparsedPublicKey};
use sha2::{Digest, Sha256};

use super::{base45, changing::CHANGING_CHARS};
use crate::{
    core::{presented::Claims, ticket::Medium},
    types::TicketId,
};

/// Begins every signed code; the figure counts the makes.
pub const PREFIX: &str = "PT1";
/// Letters of a code, without the part that changes.
pub const CODE_CHARS: usize = PREFIX.len() + 137;

const VERSION: u8 = 1;
const CLAIM_BYTES: usize = 27;
const SIGNATURE_BYTES: usize = 64;
/// The longest a code can say: 24 bits of minutes, 31 years.
const MINUTES_MAX: i64 = (1 << 24) - 1;

/// Tells the codes of one site from those of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct SiteCode(pub u32);

impl SiteCode {
    /// Of a text that no other site has: the first four bytes of its SHA-256.
    pub fn of(text: &str) -> Self {
        let [a, b, c, d, ..]: [u8; 32] = Sha256::digest(text.as_bytes()).into();
        Self(u32::from_be_bytes([a, b, c, d]))
    }
}

/// A code whose signature nobody has looked at yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unverified<'a> {
    pub key: u8,
    pub site: SiteCode,
    pub claims: Claims,
    /// As shown behind the code; empty: it was shown without.
    pub changing: &'a str,
    signed: [u8; CLAIM_BYTES],
    signature: [u8; SIGNATURE_BYTES],
}

/// What can be wrong with a code before any key is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodeFault {
    #[error("it has {0} letters where 140 or 149 are due: part of it is missing or came twice")]
    Length(usize),
    #[error("it has letters that no code has")]
    Letters,
    #[error("it is of a make that this program does not know")]
    Version,
}

/// Whether a text means to be a signed code.
pub fn is_signed(text: &str) -> bool {
    text.get(..PREFIX.len()).is_some_and(|start| start.eq_ignore_ascii_case(PREFIX))
}

/// The letters of a ticket's code.
pub(super) fn encode(claims: &Claims, site: SiteCode, key: u8, pair: &Ed25519KeyPair) -> String {
    let mut bytes = bytes_of(claims, site, key).to_vec();
    bytes.extend(pair.sign(&bytes).as_ref());
    format!("{PREFIX}{}", base45::encode(&bytes))
}

/// Takes a code apart. `text` is as shown, trimmed, in capital letters.
pub fn decode(text: &str) -> Result<Unverified<'_>, CodeFault> {
    let length = text.len();
    if !text.is_ascii() || !is_signed(text) {
        return Err(CodeFault::Letters);
    }
    if length != CODE_CHARS && length != CODE_CHARS + CHANGING_CHARS {
        return Err(CodeFault::Length(length));
    }
    let (code, changing) = text.split_at(CODE_CHARS);
    let bytes = base45::decode(&code[PREFIX.len()..]).ok_or(CodeFault::Letters)?;
    let (signed, signature) = bytes.split_first_chunk().ok_or(CodeFault::Letters)?;
    let signature = signature.try_into().map_err(|_| CodeFault::Letters)?;
    let (key, site, claims) = claims_of(signed)?;
    Ok(Unverified { key, site, claims, changing, signed: *signed, signature })
}

impl Unverified<'_> {
    /// Whether this public key's owner signed it.
    pub fn is_signed_by(&self, public: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, public).verify(&self.signed, &self.signature).is_ok()
    }
}

fn bytes_of(claims: &Claims, site: SiteCode, key: u8) -> [u8; CLAIM_BYTES] {
    let from = minutes(claims.valid_from, false);
    let long = (minutes(claims.valid_until, true) - from).clamp(0, MINUTES_MAX);
    let medium = match claims.medium {
        Medium::Any => 0,
        Medium::Phone => 1,
        Medium::Paper => 2,
    };
    let mut bytes = [0; CLAIM_BYTES];
    let mut rest = bytes.as_mut_slice();
    let mut put = |part: &[u8]| {
        let (here, behind) = std::mem::take(&mut rest).split_at_mut(part.len());
        here.copy_from_slice(part);
        rest = behind;
    };
    put(&[VERSION, key]);
    put(&site.0.to_be_bytes());
    put(&claims.ticket.0.to_be_bytes()[2..]);
    put(&[claims.edition, medium]);
    put(&claims.persons.to_be_bytes());
    put(&u32::try_from(from).unwrap_or_default().to_be_bytes());
    put(&long.to_be_bytes()[5..]);
    put(&claims.areas.to_be_bytes());
    put(&claims.product.to_be_bytes());
    bytes
}

fn claims_of(bytes: &[u8; CLAIM_BYTES]) -> Result<(u8, SiteCode, Claims), CodeFault> {
    let mut rest = bytes.as_slice();
    let mut take = |count: usize| {
        let (here, behind) = rest.split_at(count);
        rest = behind;
        here.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte))
    };
    if take(1) != u64::from(VERSION) {
        return Err(CodeFault::Version);
    }
    let (key, site) = (take(1) as u8, SiteCode(take(4) as u32));
    let (ticket, edition) = (TicketId(take(6) as i64), take(1) as u8);
    let medium = match take(1) {
        0 => Medium::Any,
        1 => Medium::Phone,
        2 => Medium::Paper,
        _ => return Err(CodeFault::Version),
    };
    let (persons, from, long) = (take(2) as u16, take(4) as i64, take(3) as i64);
    let (areas, product) = (take(2) as u16, take(2) as u16);
    let at = |minute: i64| Timestamp::from_second(minute * 60).map_err(|_| CodeFault::Version);
    let (valid_from, valid_until) = (at(from)?, at(from + long)?);
    let claims =
        Claims { ticket, edition, medium, persons, valid_from, valid_until, areas, product };
    Ok((key, site, claims))
}

/// Minutes since 1970; a part of one counts where `up`. Before 1970: 0.
fn minutes(at: Timestamp, up: bool) -> i64 {
    let since = at.duration_since(Timestamp::UNIX_EPOCH);
    let whole = since.as_mins();
    let is_part = up && SignedDuration::from_mins(whole) < since;
    (whole + i64::from(is_part)).max(0)
}
