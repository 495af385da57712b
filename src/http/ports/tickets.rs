//! What the pages need of tickets besides the state: their codes, their paper, their past. Knows no key and no statement.

use jiff::{Timestamp, civil::Date};

use super::{Found, Row};
use crate::{
    core::{
        Rules,
        money::Order,
        presented::Presented,
        selling::Bought,
        slot::Slot,
        ticket::{Admission, Ticket, Visitor},
    },
    types::{ChannelId, CodeDigest, LaneId, Money, OrderId, TicketId},
};

/// The codes of tickets and orders; see `src/tickets`.
pub trait TicketCodes: Send + Sync + 'static {
    /// The signed code, without the part that changes. Letters of QR's alphanumeric mode.
    fn code(&self, ticket: &Ticket, rules: &Rules) -> String;

    /// What a phone makes the changing part of.
    fn seed(&self, ticket: TicketId, edition: u8) -> [u8; 16];

    /// The code that is typed, such as `4F7QK-92MXT`.
    fn typed(&self, ticket: TicketId, edition: u8) -> String;

    /// The code that an order's paper tickets are collected with.
    fn pickup(&self, order: &Order) -> Option<String>;

    /// The digest of a pick-up code as typed; `None`: it cannot be one.
    fn pickup_digest(&self, typed: &str) -> Option<CodeDigest>;

    /// What was held before somebody at a time.
    fn read(&self, text: &str, at: Timestamp) -> Presented;

    /// The cloud whose tickets look so, the code's digest, and the code under seal for the cloud alone.
    fn of_cloud(&self, text: &str) -> Option<(ChannelId, CodeDigest, String)>;

    /// A visitor's name and number, checked; what is kept of them is sealed. The same number gives the same digest.
    fn visitor(&self, name: &str, number: &str) -> Result<Visitor, VisitorUnfit>;

    /// Name and number for [`TicketRecords::keep_visitor`]; `None`: the system gives no random numbers.
    fn seal(&self, visitor: &Visitor, name: &str, number: &str) -> Option<Vec<u8>>;

    /// What [`TicketCodes::seal`] sealed; `None`: under another key, or damaged.
    fn unseal(&self, visitor: &Visitor, sealed: &[u8]) -> Option<(String, String)>;
}

/// What is wrong with a visitor as typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VisitorUnfit {
    Name,
    Number,
    /// The last character of an ID number does not fit the others.
    Check,
}

/// What a ticket's slip says besides its code; see `src/app/field/slip.rs`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slip {
    pub product: String,
    pub persons: u32,
    /// Day and time.
    pub when: String,
    /// Until when it lets in.
    pub until: String,
    /// Gates or areas; empty: every one.
    pub place: String,
    /// Masked.
    pub visitor: Option<String>,
    pub price: String,
    pub ticket: TicketId,
    pub code: String,
    pub typed: String,
    /// How often it was printed again; 0: the first time.
    pub again: u8,
    /// Where an invoice is claimed by typing, and the code to type. No QR code: somebody would hold it before a gate.
    pub invoice: Option<(String, String)>,
}

/// A ticket's past.
#[derive(Clone, Debug, Default)]
pub struct TicketPast {
    /// Oldest first.
    pub admissions: Vec<Admission>,
    /// What was done with it, from the journal, oldest first.
    pub acts: Vec<Row>,
}

/// What was sold of one time slot, product and counter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visits {
    /// Empty: of a day.
    pub slot: String,
    pub product: String,
    pub counter: String,
    /// Persons on tickets that were not returned.
    pub sold: i64,
    /// Persons who came in.
    pub came: i64,
    /// Persons on tickets that were returned or revoked.
    pub returned: i64,
    pub taken: Money,
}

/// Questions to the tables about tickets.
pub trait TicketRecords: Send + Sync + 'static {
    /// In the order they were made.
    fn of_order(&self, order: OrderId) -> Found<'_, Vec<Ticket>>;

    /// A paid order of tickets with what paid it.
    fn bought(&self, order: OrderId) -> Found<'_, Option<Bought>>;

    fn past(&self, ticket: TicketId) -> Found<'_, TicketPast>;

    /// The order this pick-up code is of, also one that is over.
    fn order_of_pickup(&self, digest: CodeDigest) -> Found<'_, Option<Order>>;

    /// The orders whose tickets were made last.
    fn orders(&self, limit: u32) -> Found<'_, Vec<Order>>;

    /// Orders whose payers have cash to fetch, the oldest first, each with how much in minor units.
    fn cash_waiting(&self, limit: u32) -> Found<'_, Vec<(Order, i64)>>;

    /// Tickets of whoever has this number that let in at `from` or later, soonest first.
    fn of_visitor(&self, digest: CodeDigest, from: Timestamp) -> Found<'_, Vec<Ticket>>;

    /// Keeps a visitor's name and number, sealed, for as long as the site says.
    fn keep_visitor(&self, visitor: CodeDigest, sealed: Vec<u8>) -> Found<'_, ()>;

    /// What was kept of a visitor last; `None`: never given, or deleted.
    fn kept_visitor(&self, visitor: CodeDigest) -> Found<'_, Option<Vec<u8>>>;

    /// By the time the tickets let in.
    fn visits(&self, from: Timestamp, to: Timestamp) -> Found<'_, Vec<Visits>>;

    /// By the time the tickets were sold; without slots, and nobody came.
    fn sold(&self, from: Timestamp, to: Timestamp) -> Found<'_, Vec<Visits>>;

    /// Persons who went through each lane in each hour that begins at `from + n h`.
    fn passages(&self, from: Timestamp, to: Timestamp) -> Found<'_, Vec<(LaneId, i64, i64)>>;

    /// Time slots of these days that anybody had to do with.
    fn slots(&self, from: Date, until: Date) -> Found<'_, Vec<Slot>>;
}
