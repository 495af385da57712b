//! What is held before a gate, once its signature was looked at. Knows no key.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ticket::{Medium, NotAdmitted};
use crate::types::{Code, CodeDigest, TicketId};

/// A code or a card, as far as it can be judged without the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Presented {
    /// Signed by this site: its claims alone would do. With the digest of the short code of the same edition.
    Signed(Claims, Shown, CodeDigest),
    /// Typed, on a card, or of another program: known by its digest, or not at all.
    Code(CodeDigest),
    /// An identity card, by its number, keyed as that of a [`super::ticket::Visitor`].
    Person(CodeDigest),
    /// Found by a card or a person that stands for it.
    Ticket(TicketId),
    /// Good for nothing, and why.
    Bad(NotAdmitted),
}

/// How a signed code was shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shown {
    /// The same for ever: on paper, or a picture of it.
    Still,
    /// With the part that changes, as only its page makes it.
    Changing,
}

/// What a signed code says of its ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    pub ticket: TicketId,
    pub edition: u8,
    pub medium: Medium,
    pub persons: u16,
    /// A whole minute, as is `valid_until`.
    pub valid_from: Timestamp,
    pub valid_until: Timestamp,
    /// Bits over [`super::rules::TicketRules::areas`], the first is the lowest; 0: all.
    pub areas: u16,
    /// The product's number; 0: none.
    pub product: u16,
}

impl From<&Code> for Presented {
    fn from(code: &Code) -> Self {
        Self::Code(code.digest())
    }
}
