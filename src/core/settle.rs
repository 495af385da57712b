//! A settlement day of one channel as the ledger has it: what the bank kept, what it transferred, what was written off.
//! Knows no statement and no file.

mod difference;

use std::{collections::BTreeMap, fmt, str::FromStr};

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

pub use self::difference::{
    Difference, DifferenceState, Finding, Kind, Proposal, Side, StatementFile, Step,
};
use super::shares::{Share, ShareBook};
use crate::types::{ChannelId, Money, PartnerId};

/// One channel's settlement day, written `icbc/2026-11-23`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct SettledDay {
    pub channel: ChannelId,
    pub day: Date,
}

impl fmt::Display for SettledDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.channel, self.day)
    }
}

/// No channel and day.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} is no channel and day, such as icbc/2026-11-23")]
pub struct NoDay(String);

impl FromStr for SettledDay {
    type Err = NoDay;

    fn from_str(text: &str) -> Result<Self, NoDay> {
        let parts = text.split_once('/').and_then(|(channel, day)| {
            Some(Self { channel: ChannelId::parse(channel)?, day: day.parse().ok()? })
        });
        parts.ok_or_else(|| NoDay(text.to_owned()))
    }
}

impl From<SettledDay> for String {
    fn from(day: SettledDay) -> Self {
        day.to_string()
    }
}

impl TryFrom<String> for SettledDay {
    type Error = NoDay;

    fn try_from(text: String) -> Result<Self, NoDay> {
        text.parse()
    }
}

/// What is posted of a settlement day so far. The postings of the day add up to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settled {
    pub id: SettledDay,
    /// What the bank kept; negative: it gave back more than it kept.
    pub fees: Money,
    /// What arrived in the bank account; negative: the bank took it from there.
    pub arrived: Money,
    /// Differences that a person wrote off, by their numbers: what was posted and did not come, in minor units;
    /// negative: it came and was not posted.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub written_off: BTreeMap<i64, i64>,
    /// The rules by which this day's payments were cut. Once set they stay, so that what goes back later takes the same
    /// proportions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub book: Option<ShareBook>,
    /// Whose part is how much.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shares: Vec<Share>,
    /// Transferred to partners on account of this day, as a person has said, in minor units.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub transferred: BTreeMap<PartnerId, i64>,
    /// Given to partners by the bank itself out of this day's payments, in minor units.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub relayed: BTreeMap<PartnerId, i64>,
    /// Who did the last of it, and why.
    pub by: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    pub at: Timestamp,
}

impl Settled {
    /// What a partner has a right to of this day and has not got, in minor units; below zero: it got too much.
    pub fn owed_minor(&self, partner: &PartnerId) -> i64 {
        let of = |sums: &BTreeMap<PartnerId, i64>| sums.get(partner).copied().unwrap_or(0);
        let shares = self.shares.iter().filter(|share| share.partner == *partner);
        let share = shares.map(Share::minor).fold(0, i64::saturating_add);
        share.saturating_sub(of(&self.transferred)).saturating_sub(of(&self.relayed))
    }
}

/// What is done about a settlement day. Amounts are in minor units of the site's currency; the same again is nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SettleAct {
    /// The bank kept so much in all. Said anew with another sum, the rest is posted.
    Fees { minor: i64 },
    /// So much of this day has arrived in all, as a person has seen it.
    Arrived { minor: i64, reason: String },
    /// A difference is given up: a loss above zero, a gain below. `second` agreed to it.
    WriteOff { difference: i64, minor: i64, reason: String, second: Option<String> },
    /// A difference above the sum is settled without a posting. `second` agreed to it.
    Close { difference: i64, minor: i64, reason: String, second: Option<String> },
    /// The day's shares in all, and the rules they were made by. Said anew with other sums, the rest is posted.
    Shares { book: ShareBook, shares: Vec<Share> },
    /// So much in all was transferred to a partner on account of this day, as a person has seen it.
    Transferred { partner: PartnerId, minor: i64, reason: String },
    /// So much in all the bank has given to a partner by itself out of this day's payments.
    Relayed { partner: PartnerId, minor: i64 },
}
