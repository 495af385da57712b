//! A card that stands for a ticket, until it is unbound or lost. Knows no reader.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::types::{CodeDigest, TicketId};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    /// Of its number; the number itself is kept nowhere.
    pub id: CodeDigest,
    /// What operators tell it from others by.
    pub tail: String,
    pub ticket: TicketId,
    /// Reported lost: it lets nobody in.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub lost: bool,
    pub at: Timestamp,
    /// Who bound it, unbound it or wrote down that it is lost, and why.
    pub who: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// It stands for nothing any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over_at: Option<Timestamp>,
}

/// What an operator does with a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CardAct {
    /// It stands for this ticket from now on.
    Bind(TicketId),
    Unbind,
    Lost,
}
