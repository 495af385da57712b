//! What an operator asks of the register: passes, lists, reservations. Knows no page; nothing here is checked yet.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    money::Payment,
    pass::{List, PassKind, WeekSpan},
    till::Cash,
};
use crate::types::{ListedId, Money, PassId, Plate, ReservationId, Vehicle, ZoneId};

/// One act of an operator.
#[derive(Clone, Debug, PartialEq)]
pub enum Manage {
    /// As a grant: nobody pays for it here.
    AddPass(PassDraft),
    /// Its kind stays, and what is in it.
    ChangePass {
        id: PassId,
        to: PassDraft,
    },
    ExtendPass {
        id: PassId,
        until: Timestamp,
        reason: String,
    },
    /// A balance in minor units, or a count of stays, is set right by so much.
    AdjustPass {
        id: PassId,
        by: i64,
        reason: String,
    },
    EndPass {
        id: PassId,
        rest: Rest,
        reason: String,
    },
    /// Nobody knows where a plate of a pass is: its next way in or out is right in any case.
    ResetPassback {
        plate: Plate,
    },
    List(ListDraft),
    Unlist {
        id: ListedId,
    },
    Reserve(ReservationDraft),
    /// A reservation whose vehicle is inside ends with its stay; another ends now.
    CancelReservation {
        id: ReservationId,
    },
}

/// What becomes of what is left in a pass that ends.
#[derive(Clone, Debug, PartialEq)]
pub enum Rest {
    /// Nothing may be left.
    Nothing,
    /// It is not given back: that is on record.
    Kept,
    /// By the site's rule, each part the way it was paid: as the tables know those payments.
    Back { payments: Vec<Payment>, cash: Vec<Cash> },
}

/// A pass as an operator wants it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassDraft {
    pub holder: String,
    pub plates: Vec<Plate>,
    pub spaces: u32,
    pub kind: PassKind,
    pub zones: Vec<ZoneId>,
    pub valid_from: Timestamp,
    pub valid_until: Timestamp,
    pub hours: Vec<WeekSpan>,
    pub vehicle: Option<Vehicle>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListDraft {
    pub plate: Plate,
    pub list: List,
    pub note: String,
    pub from: Timestamp,
    pub until: Option<Timestamp>,
    pub vehicle: Option<Vehicle>,
    /// Of members: what they are priced as.
    pub tier: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReservationDraft {
    pub plate: Plate,
    pub host: String,
    pub zone: Option<ZoneId>,
    pub from: Timestamp,
    pub until: Timestamp,
    pub tariff: Option<String>,
}

/// Why the register stays as it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    #[error("pass {0} is over or was never there")]
    NoPass(PassId),
    #[error("entry {0} is off its list or was never there")]
    NoListed(ListedId),
    #[error("reservation {0} is over or was never there")]
    NoReservation(ReservationId),
    #[error("a name has 1 to 100 characters")]
    Name,
    #[error("a pass has 1 to 20 plates, each once")]
    Plates,
    #[error("a pass has at least one space and no more than plates")]
    Spaces,
    #[error("it must begin before it ends, and may not have ended")]
    Period,
    #[error("hours name a day, and times of a day")]
    Hours,
    #[error("a balance or count is not below zero and at most ten million")]
    Amount,
    #[error("this pass takes no payments in: it is good for a time")]
    NothingToTopUp,
    #[error("no zone of the site is called {0}")]
    NoZone(ZoneId),
    #[error("no tariff of the site is called {0:?}")]
    NoTariff(String),
    #[error("{plate} is in pass {pass} already, for the same time and place")]
    OtherPass { plate: Plate, pass: PassId },
    #[error("{0} is on that list already, as entry {1}")]
    ListedAlready(Plate, ListedId),
    #[error("{0} has reservation {1} already, for the same time")]
    ReservedAlready(Plate, ReservationId),
    #[error("no pass has the plate {0}")]
    PlateUnknown(Plate),
    #[error("no pass is sold by the name {0:?}")]
    NoPrice(String),
    #[error(
        "pass {0} cannot be renewed by this price: it is of another kind, or good for something else"
    )]
    OtherPrice(PassId),
    #[error("a pass stays of its kind: end it, and add another")]
    KindStays,
    #[error("a tier has 1 to 40 characters, and a member's entry needs one")]
    Tier,
    #[error("{0} is left in this pass: say what becomes of it")]
    MoneyLeft(Money),
    #[error("what was paid for a pass goes back when the pass is ended")]
    EndThePass,
}
