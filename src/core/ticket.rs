//! Tickets and admissions: who may come in how often, and who did. Knows no turnstile.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{lane::Cause, rules::Direction, sister::LentTo};
use crate::types::{
    AdmissionId, CodeDigest, CommandId, LaneId, Money, OrderId, ProductId, SlotId, TicketId, ZoneId,
};

/// The right of some persons to come in within a time.
///
/// It is in memory while it can still let somebody in, while somebody who came in on it may come again, or while nobody
/// knows whether somebody it let in went. After that it is in the tables only, and looked up there when it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    pub id: TicketId,
    /// Of the code it is known by where it is not signed: typed, on a card, or of another program. The code itself is
    /// kept nowhere.
    pub digest: CodeDigest,
    /// How many persons may come in on it, into each of its areas.
    pub persons: u32,
    /// Persons who went, in the area most of them went into.
    pub used: u32,
    /// Persons let in who have not gone yet, or of whom nobody knows; in all areas.
    pub held: u32,
    pub valid_from: Timestamp,
    pub valid_until: Timestamp,
    pub revoked: bool,
    /// Its last day is over.
    pub expired: bool,
    pub made_at: Timestamp,
    /// The operator who registered it, or the counter that sold it.
    pub made_by: String,
    /// Who revoked it; empty: nobody did.
    pub revoked_by: String,
    /// Where it lets its persons in; empty: wherever the site has a lane for people.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub areas: Vec<Area>,
    /// What was sold; `None`: registered by hand, or sold elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sold: Option<Sold>,
    /// Counts the codes made for it: one that is printed again, or given to somebody else, lets nobody in by an older one.
    #[serde(default)]
    pub edition: u8,
    /// Where its code may be shown.
    #[serde(default, skip_serializing_if = "Medium::is_any")]
    pub medium: Medium,
    /// Who it is for, where that matters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visitor: Option<Visitor>,
}

/// A zone a ticket is good for, and what has been made of it there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Area {
    pub zone: ZoneId,
    /// How often each person may come back after going out; `None`: as often as they like.
    pub returns: Option<u32>,
    /// Persons who went in for the first time.
    pub used: u32,
    /// Returns made, of all persons together.
    pub returned: u32,
    /// On their way through a turnstile, first time or again.
    pub held: u32,
    /// Went in and not out, where ways out are watched.
    pub inside: u32,
    /// The last passage, either way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_at: Option<Timestamp>,
}

impl Area {
    /// Nobody was there yet.
    pub fn new(zone: ZoneId, returns: Option<u32>) -> Self {
        Self { zone, returns, used: 0, returned: 0, held: 0, inside: 0, last_at: None }
    }
}

/// What a ticket was sold as.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sold {
    pub order: OrderId,
    /// Counts the tickets of the order from 1.
    pub no: u32,
    pub product: ProductId,
    /// The place it takes in a time slot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slot: Option<SlotId>,
    /// What was paid for it, for all its persons that were not returned.
    pub price: Money,
    /// How often it was moved to another day or time slot.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub moved: u8,
    /// What of its price was paid by later orders, since a new time cost more; oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub more: Vec<More>,
    /// Its edition when it was printed last. Paper of an earlier one lets nobody in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub printed: Option<u8>,
    /// Persons who went back while others stayed on it.
    #[serde(default, skip_serializing_if = "is_nobody")]
    pub returned: u32,
    /// Minor units of what was paid for persons who went back, and stayed with the site.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub kept_minor: i64,
}

/// A part of a ticket's price.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct More {
    pub order: OrderId,
    pub minor: i64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
fn is_zero(count: &u8) -> bool {
    *count == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
fn is_nobody(persons: &u32) -> bool {
    *persons == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
fn is_nothing(minor: &i64) -> bool {
    *minor == 0
}

/// Who a ticket is for. Name and number are kept sealed, apart from the journal, for as long as the site says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Visitor {
    /// As shown: `张*`.
    pub name: String,
    /// As shown: `110***********123X`.
    pub number: String,
    /// Of the number, keyed: a reader of ID cards finds the ticket by it, and nobody finds the number by trying.
    pub digest: CodeDigest,
}

/// Where a ticket's code may be shown.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Medium {
    #[default]
    Any,
    /// On its page on a phone only, with the part that changes.
    Phone,
    /// Printed: the same for ever.
    Paper,
}

impl Medium {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
    pub(crate) fn is_any(&self) -> bool {
        *self == Self::Any
    }
}

impl Ticket {
    /// Persons who may still come in for the first time, into the area with the most left.
    pub fn left(&self) -> u32 {
        self.left_in(None)
    }

    /// Paper of the code that is good is in somebody's hand.
    pub fn is_printed(&self) -> bool {
        let printed = self.sold.as_ref().is_none_or(|sold| sold.printed == Some(self.edition));
        self.medium == Medium::Paper && printed
    }

    /// Whether it is in memory: see [`Ticket`]. The table computes the same in `is_alive`.
    pub fn is_alive(&self) -> bool {
        let is_good =
            self.used < self.persons || self.areas.iter().any(|area| area.is_alive(self.persons));
        self.held > 0 || !self.revoked && !self.expired && is_good
    }
}

/// Why nobody is let in: shown at the gate, and on record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotAdmitted {
    /// No ticket has this code.
    Unknown,
    UsedUp,
    TooEarly,
    TooLate,
    Revoked,
    LaneLocked,
    /// Two are on their way already.
    Busy,
    /// The turnstile is not heard.
    Faulty,
    /// Cut off, damaged, far too long, or of a later make than this program.
    Unreadable,
    /// It looks like a ticket of this site, and this site never signed it.
    Forged,
    /// Signed for another site.
    OtherSite,
    /// Signed with a key that is good no more: its page has a newer code, or the window makes one.
    KeyRetired,
    /// What changes in it is so many minutes old: a picture of it, or the phone's clock is behind.
    PictureOld(u32),
    /// What changes in it is not due for so many minutes: the phone's clock is ahead.
    ClockAhead(u32),
    /// Good only as its page on the phone shows it.
    PageNeeded,
    /// It was printed: only the paper is good.
    Printed,
    /// A newer code was made of it: only that one is good.
    Reissued,
    /// Good at other gates.
    OtherGate,
    /// Whoever came in on it has not gone out.
    Inside,
    /// Whoever went out may not come back.
    NoReturn,
    /// As many are inside as may be.
    Full,
    /// It cannot be looked up now.
    Unchecked,
    /// The other daemon of the site, which has to be asked, is not heard.
    Apart,
    /// The card was reported lost.
    CardLost,
    /// The cloud that sold it says no.
    CloudRefused,
    /// The cloud that sold it says nothing.
    CloudSilent,
}

/// One person let through a turnstile, from the order to what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Admission {
    pub id: AdmissionId,
    /// `None`: by an operator.
    pub ticket: Option<TicketId>,
    pub lane: LaneId,
    pub way: Way,
    /// Into or out of which area of its ticket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<ZoneId>,
    #[serde(default, skip_serializing_if = "Again::is_first")]
    pub again: Again,
    /// Why, for an operator's; [`Cause::Free`] for one who went out with whatever was shown.
    pub cause: Option<Cause>,
    /// The order to the turnstile.
    pub command: CommandId,
    pub state: AdmissionState,
    pub at: Timestamp,
    /// When it became used, given back or unsure.
    pub ended_at: Option<Timestamp>,
    /// The turnstile's counter before the order, if it has one.
    pub counter_before: Option<u32>,
    /// What the person who settled an unsure one said.
    pub settled: Option<Cause>,
    /// Let in by a sister daemon; the lane says which.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lent_to: Option<LentTo>,
    /// Somebody else had come in on the same right: let in there and here while the daemons were apart.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub double: bool,
}

/// Whether somebody came in on this ticket before.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Again {
    #[default]
    First,
    /// Comes back.
    Return,
    /// Comes back, and nobody saw it go out: the site lets it in all the same.
    Unseen,
}

impl Again {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
    pub(crate) fn is_first(&self) -> bool {
        *self == Self::First
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AdmissionState {
    /// Let in, and not gone yet.
    Granted,
    /// Went through.
    Used,
    /// Nobody went; the ticket has the person back.
    GivenBack,
    /// Nobody knows; the ticket does not have the person back until somebody decides.
    Unsure,
}

impl AdmissionState {
    /// Still in memory.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Granted | Self::Unsure)
    }

    /// The word used in tables and pages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Granted => "granted",
            Self::Used => "used",
            Self::GivenBack => "given_back",
            Self::Unsure => "unsure",
        }
    }
}

/// Which way through a turnstile, seen from the site.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    In,
    Out,
    /// Only ever free, for a fire.
    Both,
}

impl Way {
    /// A lane for people lets them through one way.
    pub fn of(direction: Direction) -> Self {
        match direction {
            Direction::Entry => Self::In,
            Direction::Exit => Self::Out,
        }
    }
}

/// What a turnstile is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PassAction {
    /// Let one person through.
    Grant,
    /// Let everybody through until closed.
    Free,
    /// Let nobody through; takes back what was granted and not used.
    Close,
}

/// How somebody went whom nobody granted it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Walk {
    /// The turnstile was free.
    Free,
    /// Forced, by key, or behind somebody.
    NotAllowed,
}
