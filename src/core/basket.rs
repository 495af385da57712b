//! What an order of tickets is of: its lines, and the tickets made of them once it is paid. Knows no price.

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

use super::{
    selling::LineAsked,
    ticket::{Area, Medium, Visitor},
};
use crate::types::{CodeDigest, Money, ProductId, SlotId, TicketId};

/// Tickets as one order. Its places are held while the order is due, taken while it is paid, and free otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Basket {
    pub lines: Vec<Line>,
    /// Of the code that paper tickets are collected with; the code itself is kept nowhere.
    pub pickup: CodeDigest,
    /// Where the tickets' codes may be shown.
    #[serde(default, skip_serializing_if = "Medium::is_any")]
    pub medium: Medium,
    /// In the order of the lines; none before it was paid.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tickets: Vec<TicketId>,
    /// It makes no tickets: these move to what its lines say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub moves: Vec<TicketId>,
    /// Whoever wanted it does not any more: money that comes late goes back, also where there are places.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub given_up: bool,
    /// Minor units of its cash that have to go back, whether they did or not: see [`super::state::State::cash_back`].
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cash_owed_minor: i64,
    /// The askers' numbers of what was returned: the same number is the same return.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub returns: Vec<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
fn is_zero(minor: &i64) -> bool {
    *minor == 0
}

impl Basket {
    /// The same tickets for the same visitors.
    pub fn is_of(&self, lines: &[LineAsked]) -> bool {
        let same = |(line, wanted): (&Line, &LineAsked)| {
            line.product == wanted.product
                && (line.day, &line.slot) == (wanted.day, &wanted.slot)
                && (line.tickets, line.persons) == (wanted.tickets, wanted.persons)
                && line
                    .visitors
                    .iter()
                    .map(|visitor| visitor.digest)
                    .eq(wanted.visitors.iter().map(|visitor| visitor.digest))
        };
        self.moves.is_empty()
            && self.lines.len() == lines.len()
            && self.lines.iter().zip(lines).all(same)
    }
}

/// Some tickets of one product for one day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    pub product: ProductId,
    /// By the site's calendar: the first day they are good for.
    pub day: Date,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slot: Option<SlotId>,
    pub tickets: u32,
    /// On each ticket.
    pub persons: u32,
    /// Of one ticket, for all its persons.
    pub price: Money,
    pub valid_from: Timestamp,
    pub valid_until: Timestamp,
    /// As of [`super::ticket::Ticket::areas`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub areas: Vec<Area>,
    /// One for each ticket, where the product wants names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub visitors: Vec<Visitor>,
}

impl Line {
    /// Places it takes in its time slot.
    pub fn places(&self) -> u32 {
        self.tickets.saturating_mul(self.persons)
    }
}
