//! What is asked of the sale of tickets, what is given back for what was bought, and why either may be refused. Knows no
//! gate and no bank.

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

use super::{
    money::{Order, Payment},
    ticket::{Medium, Visitor},
    till::Cash,
};
use crate::types::{ClosureId, CounterId, Money, OrderId, ProductId, ScheduleId, SlotId, TicketId};

/// Somebody wants tickets. The same `key` of the same counter is the same order. Places are held from the answer on;
/// an order that costs nothing is paid with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TicketsAsked {
    pub counter: CounterId,
    /// 1 to 64 characters.
    pub key: String,
    pub lines: Vec<LineAsked>,
    /// Where the codes may be shown; [`Medium::Any`] leaves it to the products.
    pub medium: Medium,
}

/// Some tickets of one product for one day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineAsked {
    pub product: ProductId,
    pub day: Date,
    /// Where the product has a schedule.
    pub slot: Option<SlotId>,
    pub tickets: u32,
    /// On each ticket; 1 but for groups.
    pub persons: u32,
    /// One for each ticket, where the product wants names.
    pub visitors: Vec<Visitor>,
}

/// An order of tickets with what paid it, as both are on record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bought {
    pub order: Order,
    pub with: PaidWith,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PaidWith {
    Payment(Payment),
    Cash(Cash),
    /// Its counter settles by account, or there was nothing to pay.
    Counter,
}

/// Who wants something changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asker {
    /// Whoever has the order's link; by the rules only.
    Visitor,
    /// A counter's program; by the rules only.
    Counter(CounterId),
    /// An operator; with `against_rules`, the reason, whatever the rules say.
    Operator { who: String, against_rules: Option<String> },
}

impl Asker {
    /// As it goes on record.
    pub fn name(&self) -> String {
        match self {
            Self::Visitor => "visitor".to_owned(),
            Self::Counter(counter) => counter.to_string(),
            Self::Operator { who, .. } => who.clone(),
        }
    }

    /// Why the rules do not count.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Operator { against_rules, .. } => against_rules.as_deref(),
            Self::Visitor | Self::Counter(_) => None,
        }
    }
}

/// Tickets go back: whole, or some persons of a group that have not come in. They let nobody in from then on; the money
/// goes where it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReturnAsked {
    /// The asker's number: the same number is the same return.
    pub key: String,
    pub tickets: Vec<Back>,
    /// The orders of these tickets, each with what paid it; see [`super::ticket::Sold::more`] as well.
    pub bought: Vec<Bought>,
    pub by: Asker,
}

/// Persons of a ticket that go back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Back {
    pub ticket: TicketId,
    pub persons: u32,
    /// Persons on the ticket as the asker saw it: somebody else may have returned some meanwhile.
    pub of: u32,
}

/// Tickets of one product are moved to another day or time slot. What that costs more is a new order, and they move once
/// it is paid; the same `key` of the same counter is the same order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MoveAsked {
    pub counter: CounterId,
    pub key: String,
    pub tickets: Vec<TicketId>,
    pub day: Date,
    pub slot: Option<SlotId>,
    /// As of [`ReturnAsked::bought`].
    pub bought: Vec<Bought>,
    pub by: Asker,
}

/// What an operator does with a time slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlotAct {
    /// It has so many places from now on; `None`: as the schedule says.
    Places(Option<u32>),
    /// Nobody buys a place in it any more; what is sold stays sold.
    Close,
    Reopen,
}

/// Days on which the site stays closed: nobody buys a ticket for them, and all that were sold for them alone go back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closure {
    pub id: ClosureId,
    pub from: Date,
    /// The last day.
    pub until: Date,
    pub who: String,
    pub reason: String,
    pub made_at: Timestamp,
    /// Tickets up to this number were seen to.
    pub seen: TicketId,
    /// Tickets to give back, as many as there were at the beginning.
    pub total: u32,
    /// Tickets given back.
    pub done: u32,
    /// Money on its way back, or back.
    pub back_minor: i64,
    /// Money paid in cash: it waits at the window for whoever paid it.
    pub cash_minor: i64,
    /// Tickets that somebody came in on, which stay as they are.
    pub used: u32,
    /// Tickets whose order could not be found: a person has to look.
    pub failed: u32,
    /// When the next orders are seen to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over_at: Option<Timestamp>,
}

/// What somebody did with a ticket: on record only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketActed {
    pub ticket: TicketId,
    pub did: TicketDid,
    pub who: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// Its edition afterwards.
    pub edition: u8,
    /// How many persons it was about.
    pub persons: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TicketDid {
    Printed,
    Reprinted,
    Returned,
    Moved,
    Renamed,
    /// Somebody read its visitor's name and number.
    NameShown,
}

impl TicketDid {
    /// The word used in tables and pages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Printed => "printed",
            Self::Reprinted => "reprinted",
            Self::Returned => "returned",
            Self::Moved => "moved",
            Self::Renamed => "renamed",
            Self::NameShown => "name_shown",
        }
    }
}

/// What went back for returned tickets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Returned {
    /// In all; what comes through the bank is on its way.
    pub back: Money,
    /// Of it in cash, handed over now.
    pub cash: Money,
    /// Of it in cash that waits at the window.
    pub waits: Money,
}

/// Why tickets are not sold so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoSale {
    #[error("an order has a number of 1 to 64 characters and 1 to 20 lines")]
    OrderUnfit,
    #[error("no tickets are sold here: set [tickets] and products in the site file")]
    NoShop,
    #[error("this counter sells no product called {0}")]
    NoProduct(ProductId),
    #[error("{0} is not sold for this day; take another day")]
    NotThatDay(ProductId),
    #[error("{0} is not on sale any more, or not yet, for this day and time")]
    NotNow(ProductId),
    #[error("{0} needs a time slot of its day")]
    SlotNeeded(ProductId),
    #[error("there is no time slot {0} for this product and day")]
    NoSlot(SlotId),
    #[error("time slot {slot} has {left} places left")]
    SlotFull { slot: SlotId, left: u32 },
    #[error("time slot {0} is closed: {1}")]
    SlotClosed(SlotId, String),
    #[error("the site is closed on {0}: {1}")]
    DayClosed(Date, String),
    #[error("{0} is for {1} to {2} persons on one ticket")]
    PersonsUnfit(ProductId, u32, u32),
    #[error("an order is for at most {0} persons, groups not counted")]
    TooMany(u32),
    #[error("{0} wants the name and number of each visitor")]
    NameNeeded(ProductId),
    #[error("each visitor gets at most {most} of {product} for one day or time slot")]
    VisitorHasOne { product: ProductId, most: u32 },
    #[error("{0} is sold together with {1} only: at most one for each person")]
    AddOnAlone(ProductId, ProductId),
    #[error("counter {0} does not settle by account: the order has to be paid")]
    NotOnAccount(CounterId),
}

/// Why a sold ticket is not changed so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoChange {
    #[error("ticket {0} is over, returned, or was not sold here")]
    NotAlive(TicketId),
    #[error("somebody came in on ticket {0}, or is at a gate: it cannot be changed any more")]
    Used(TicketId),
    #[error("ticket {0} changed meanwhile; look at it again")]
    Changed(TicketId),
    #[error(
        "the rules of ticket {0} do not allow that, or not any more; an operator may, with a reason"
    )]
    AgainstRules(TicketId),
    #[error("it was paid in cash: it goes back at the window, by an operator with an open shift")]
    CashAtWindow,
    #[error("nothing is known of how order {0} was paid")]
    NotBought(OrderId),
    #[error("only tickets of one product and price, bought by one order, move together")]
    MixedMove,
    #[error("there is nothing to give back in cash")]
    NothingOwed,
    #[error("no schedule is called {0}, or the time slot is not one of its day")]
    NoSlot(ScheduleId),
    #[error("{sold} places are sold or held already")]
    PlacesTaken { sold: u32 },
    #[error("closed days begin today or later, end after they begin, and are 60 at most")]
    DaysUnfit,
}
