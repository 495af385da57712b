//! What the page of settlement days needs of the tables. Knows no table.

use std::collections::BTreeMap;

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

use super::Found;
use crate::{
    config::Partner,
    core::{
        money::Posting,
        settle::{Difference, DifferenceState, Settled, StatementFile, Step},
        shares::ShareBook,
    },
    types::{ChannelId, PartnerId},
};

/// How a channel's day was settled, for the command line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DaySettled {
    pub channel: String,
    /// What the bank kept; `None`: its statement is not there yet.
    pub fees_minor: Option<i64>,
    /// Differences that are open or wait.
    pub open: i64,
    /// Partners with their parts, in minor units; empty: nobody else has one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shares: Vec<(PartnerId, i64)>,
}

/// One part of a payment that the bank is asked to give, or to take back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelayLine {
    pub number: String,
    pub partner: PartnerId,
    pub out_trade_no: String,
    /// Below zero: it is taken back.
    pub minor: i64,
    /// `waiting`, `done` or `refused`.
    pub state: String,
    pub detail: String,
}

/// What takings are summed by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EarnedSums {
    pub lanes: Earned,
    pub ways: Earned,
    pub zones: Earned,
    pub products: Earned,
}

/// What was earned in a span of time, by something, in minor units. Largest first.
pub type Earned = Vec<(String, i64)>;

/// Statements, differences and the ledger's lines.
pub trait SettlementRecords: Send + Sync + 'static {
    /// The site's bank channels.
    fn channels(&self) -> Vec<ChannelId>;

    /// Up to this, in minor units, a difference is proposed to be written off.
    fn little_minor(&self) -> i64;

    fn statements(&self, from: Date, to: Date) -> Found<'_, Vec<StatementFile>>;

    /// Latest day first; `open`: those that wait or are open only.
    fn differences(
        &self,
        from: Date,
        to: Date,
        open: bool,
        limit: u32,
    ) -> Found<'_, Vec<Difference>>;

    fn difference(&self, id: i64) -> Found<'_, Option<Difference>>;

    /// Oldest first.
    fn trail(&self, id: i64) -> Found<'_, Vec<Step>>;

    /// Day, all, still open.
    fn differences_by_day(&self, from: Date, to: Date) -> Found<'_, Vec<(Date, i64, i64)>>;

    /// Goes on with an open difference; `false`: it is not open.
    fn go_on(&self, id: i64, state: DifferenceState, by: String, note: String) -> Found<'_, bool>;

    /// After transaction `after`, oldest first.
    fn postings(
        &self,
        from: Timestamp,
        to: Timestamp,
        after: i64,
        limit: u32,
    ) -> Found<'_, Vec<Posting>>;

    /// By the hour counted from `from`, and up to 25 of them.
    fn earned_by_hour(&self, from: Timestamp, to: Timestamp) -> Found<'_, Vec<i64>>;

    fn earned(&self, from: Timestamp, to: Timestamp) -> Found<'_, EarnedSums>;

    /// Posts what is known of a day: what each bank kept, and whose part is how much. Said again it posts the rest.
    fn settle(&self, day: Date, who: String) -> Found<'_, Vec<DaySettled>>;

    /// Who has a part of the takings.
    fn partners(&self) -> Option<(&ShareBook, &BTreeMap<PartnerId, Partner>)>;

    /// What was done about a channel's day, oldest first: when, and the day as it was then.
    fn settled_trail(&self, channel: ChannelId, day: Date) -> Found<'_, Vec<(Timestamp, Settled)>>;

    /// What banks are yet to relay, by partner, in minor units.
    fn relays_waiting(&self) -> Found<'_, Vec<(PartnerId, i64)>>;

    /// What the bank is asked to relay of a channel's day.
    fn relays(&self, channel: ChannelId, day: Date, limit: u32) -> Found<'_, Vec<RelayLine>>;
}
