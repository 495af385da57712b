//! What an operator asks of the register: passes, lists, reservations. Knows no page; nothing here is checked yet.

use jiff::Timestamp;

use super::pass::{List, PassKind, WeekSpan};
use crate::types::{ListedId, PassId, Plate, ReservationId, Vehicle, ZoneId};

/// One act of an operator.
#[derive(Clone, Debug, PartialEq)]
pub enum Manage {
    AddPass(PassDraft),
    ChangePass {
        id: PassId,
        to: PassDraft,
    },
    ExtendPass {
        id: PassId,
        until: Timestamp,
    },
    /// Paid in: minor units for a stored value, stays for a count.
    TopUpPass {
        id: PassId,
        by: u32,
    },
    EndPass {
        id: PassId,
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

/// A pass as an operator wants it.
#[derive(Clone, Debug, PartialEq, Eq)]
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
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListDraft {
    pub plate: Plate,
    pub list: List,
    pub note: String,
    pub from: Timestamp,
    pub until: Option<Timestamp>,
    pub vehicle: Option<Vehicle>,
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
}
