//! The daemons of one site: what one asks the other about a ticket, and what it owes it to tell. Knows no wire.
//!
//! ```text
//!             Lent            goes             told
//!   Asked ──────────▶ Lent ─────────▶ Used ──────────▶ over
//!     │ silence        │ nobody went    ▲
//!     ▼                ▼                │ goes
//!   Alone ◀ apart    Unused ─▶ over   Alone (only where the site says "admit")
//! ```
//!
//! A ticket's *home* is the daemon that gave it its number: its table decides who comes in on it. The others ask it to
//! keep a person for them, and tell it what became of that, until it has said that it knows.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    presented::Presented,
    ticket::{Again, NotAdmitted, Ticket, Way},
};
use crate::types::{AdmissionId, AskId, LaneId, TicketId, ZoneId};

/// Another daemon of this site, as far as it is known whether it is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sister {
    /// Its `tickets.issuer`.
    pub id: u8,
    /// Nothing is heard of it since then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub apart_since: Option<Timestamp>,
    /// How far its tickets are known here: a place in its own journal.
    #[serde(default)]
    pub seen: i64,
    /// Who was kept for it and has not been told of by then, nobody knows about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Timestamp>,
}

impl Sister {
    pub fn new(id: u8) -> Self {
        Self { id, apart_since: None, seen: 0, due: None }
    }
}

/// One person on a ticket of a sister, from the scan until its home knows what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SisterAsk {
    pub id: AskId,
    pub sister: u8,
    pub ticket: TicketId,
    pub lane: LaneId,
    pub zone: ZoneId,
    pub way: Way,
    pub shown: Presented,
    pub state: AskState,
    pub at: Timestamp,
    /// The end of the patience; later, when it is looked at whether anybody still waits for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub admission: Option<AdmissionId>,
    /// It was let in without a word of the home.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub alone: bool,
    #[serde(default, skip_serializing_if = "Again::is_first")]
    pub again: Again,
    /// When the person went.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub went_at: Option<Timestamp>,
    /// The number of a check by hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hand: Option<String>,
    /// The operator who checked it by hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who: Option<String>,
    /// The next of a group, on the scan of the one before.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub follows: bool,
    /// What the home said no with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<NotAdmitted>,
    /// It was let in at both.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub double: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over_at: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AskState {
    /// No answer yet.
    Asked,
    /// The home keeps a person for it.
    Lent,
    /// Decided here: the home was not heard.
    Alone,
    /// Somebody went; the home is to be told.
    Used,
    /// Nobody went; the home is to be told, in case it keeps a person.
    Unused,
    /// The home said no: nothing to tell.
    Refused,
}

impl AskState {
    /// The home has to hear of it.
    pub fn is_to_tell(self) -> bool {
        matches!(self, Self::Used | Self::Unused)
    }
}

/// The home's answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SisterWord {
    /// A person is kept for the asker; the ticket as it was before that.
    Lent(Box<Ticket>),
    Refused(NotAdmitted),
    /// Nothing in time, or nothing that could be believed.
    Silent,
}

/// What a sister asks the home.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SisterQuestion {
    pub ask: AskId,
    pub shown: Presented,
    pub ticket: TicketId,
    pub zone: ZoneId,
    /// Ways out of the zone are watched there.
    pub watched: bool,
}

/// What became of a person, told to the home.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    pub ask: AskId,
    pub ticket: TicketId,
    pub zone: ZoneId,
    pub way: Way,
    pub used: bool,
    /// Without a word of the home.
    pub alone: bool,
    pub watched: bool,
    pub at: Timestamp,
}

/// News of a sister: persons on our tickets, and tickets of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SisterNews {
    pub reports: Vec<Report>,
    pub tickets: Vec<Ticket>,
    /// The place in the sister's journal that `tickets` lead to.
    pub upto: i64,
    /// Its journal is another than the one known here, as after a restore: places in it count anew.
    #[serde(default)]
    pub anew: bool,
}

/// Which person of which sister an admission stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LentTo {
    pub sister: u8,
    pub ask: AskId,
    /// Ways out of the zone are watched there.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub watched: bool,
}

/// What a site says of a sister.
#[derive(Clone, Debug)]
pub struct SisterRules {
    /// What operators call it.
    pub name: String,
    /// How long a visitor waits for its answer. Default 400 ms.
    pub patience: Duration,
    pub when_apart: WhenApart,
}

/// Who is let in while nothing is heard of a sister.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhenApart {
    /// Nobody on a ticket of either, here.
    Refuse,
    /// On tickets that were sold here. Nobody comes in twice.
    #[default]
    HomeOnly,
    /// Everybody. Who came in at both is found afterwards, and told.
    Admit,
}

impl super::state::State {
    /// What is to be told to a sister, oldest first.
    pub fn reports_to(&self, sister: u8, most: usize) -> Vec<SisterAsk> {
        let to_tell = |ask: &&SisterAsk| ask.sister == sister && ask.state.is_to_tell();
        self.asks.values().filter(to_tell).take(most).cloned().collect()
    }
}
