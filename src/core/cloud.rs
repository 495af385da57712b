//! A ticket of somebody else's cloud, from the scan until it is written off there. Knows no wire and no code.
//!
//! ```text
//!   Looking ─▶ Checking ──good──▶ Good ──goes──▶ WritingOff ──▶ Done
//!      │ known    │ no / silent ─▶ No               │ no ─▶ Refused, a person is told
//!      ▼          │ silent, and the site lets in    │ unknown: asked again, by the same number
//!     No          ▼                                 │
//!             Unchecked ──goes──▶ Late ──good───────┘
//! ```

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ticket::NotAdmitted;
use crate::types::{ChannelId, CloudPassId, CloudSlip, CodeDigest, LaneId, TicketId, ZoneId};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CloudPass {
    pub id: CloudPassId,
    pub cloud: ChannelId,
    /// Of the code; the ticket it becomes is known by it.
    pub digest: CodeDigest,
    /// The code under a key that is no part of the database.
    pub sealed: String,
    pub lane: LaneId,
    /// Ours, the same for every question about it.
    pub trade_no: String,
    pub state: CloudState,
    pub at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<TicketId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slip: Option<CloudSlip>,
    /// So many of the slip's numbers are written off.
    #[serde(default)]
    pub done: u32,
    /// Questions that came to nothing since the last that did.
    #[serde(default)]
    pub tries: u32,
    /// Let in without the cloud's word.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unchecked: bool,
    /// The cloud's own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Checked by staff: no turnstile waits for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hand: Option<HandAsked>,
    /// What whoever checked it by hand is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no: Option<NotAdmitted>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over_at: Option<Timestamp>,
}

/// Who checks it, where, and for how many.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandAsked {
    /// The number of the check.
    pub key: String,
    pub zone: ZoneId,
    pub persons: u32,
    pub who: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CloudState {
    /// The tables are asked whether the code is known here.
    Looking,
    Checking,
    /// The cloud says yes; nobody went yet.
    Good,
    /// The cloud said nothing; nobody went yet.
    Unchecked,
    /// Somebody went; the cloud is asked what it would have said.
    Late,
    /// Somebody went; the cloud has to know.
    WritingOff,
    Done,
    /// Nobody was let in.
    No,
    /// Somebody was let in, and the cloud says no.
    Refused,
}

impl CloudPass {
    /// Somebody went, and the cloud does not know it yet.
    pub fn is_owed(&self) -> bool {
        matches!(self.state, CloudState::Late | CloudState::WritingOff)
    }
}

/// What a site says of a cloud.
#[derive(Clone, Debug)]
pub struct CloudRules {
    /// How long a visitor waits for its answer. Default 800 ms.
    pub patience: Duration,
    /// While it is silent so many are let in and told to it later, at the most. Default 0: nobody.
    pub unchecked_max: u32,
}
