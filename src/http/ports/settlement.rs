//! What the page of settlement days needs of the tables. Knows no table.

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

use super::Found;
use crate::{
    core::{
        money::Posting,
        settle::{Difference, DifferenceState, StatementFile, Step},
    },
    types::ChannelId,
};

/// How a channel's day was settled, for the command line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DaySettled {
    pub channel: String,
    /// What the bank kept; `None`: its statement is not there yet.
    pub fees_minor: Option<i64>,
    /// Differences that are open or wait.
    pub open: i64,
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

    /// By lane, and by way of paying.
    fn earned(&self, from: Timestamp, to: Timestamp) -> Found<'_, (Earned, Earned)>;
}
