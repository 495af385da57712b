//! The site's statements: imported, kept, held against the ledger, once or again. Fetches nothing.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use jiff::{Timestamp, civil::Date, tz::TimeZone};

use super::{Archive, FeeRule, Job, Outcome, SettleError, digest_of, plain_rows, reconcile};
use crate::{
    bank::Channel,
    core::rules::SettleRules,
    crash_point::{self, Step},
    store::Settlements,
    types::{ChannelId, Currency},
};

/// What runs need of the site.
#[derive(Clone, Debug)]
pub struct Office {
    pub books: Settlements,
    pub archive: Archive,
    pub channels: Arc<BTreeMap<ChannelId, Arc<dyn Channel>>>,
    pub rules: SettleRules,
    pub fees: BTreeMap<ChannelId, FeeRule>,
    pub late_days: u8,
    pub zone: TimeZone,
    pub currency: Currency,
}

/// What became of an import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Imported {
    /// This very file was imported before.
    Same,
    New(Outcome),
}

impl Office {
    /// Keeps a statement once it has been held against the ledger. One that does not fit at all is not kept.
    pub async fn import(
        &self,
        channel: &ChannelId,
        day: Date,
        file: &Path,
        now: Timestamp,
        progress: &mut (dyn FnMut(u64) + Send),
    ) -> Result<Imported, SettleError> {
        let digest = digest_of(file)?;
        let known = self.books.reader().statements(day, day).await?;
        let is_same = known.iter().any(|known| known.channel == *channel && known.digest == digest);
        if is_same && self.archive.path(channel, day).exists() {
            return Ok(Imported::Same);
        }
        let outcome = self.run(channel, day, file, digest, now, progress).await?;
        crash_point::at(Step::StatementRecorded, "");
        self.archive.keep(channel, day, file)?;
        crash_point::at(Step::StatementKept, "");
        Ok(Imported::New(outcome))
    }

    /// Holds the kept statement against the ledger once more.
    pub async fn again(
        &self,
        channel: &ChannelId,
        day: Date,
        now: Timestamp,
        progress: &mut (dyn FnMut(u64) + Send),
    ) -> Result<Outcome, SettleError> {
        let file = self.archive.path(channel, day);
        if !file.exists() {
            let (channel, day) = (channel.to_string(), day.to_string());
            return Err(SettleError::NoStatement { channel, day });
        }
        let digest = digest_of(&file)?;
        self.run(channel, day, &file, digest, now, progress).await
    }

    async fn run(
        &self,
        channel: &ChannelId,
        day: Date,
        file: &Path,
        digest: [u8; 32],
        now: Timestamp,
        progress: &mut (dyn FnMut(u64) + Send),
    ) -> Result<Outcome, SettleError> {
        let Some(bank) = self.channels.get(channel) else {
            let known: Vec<&str> = self.channels.keys().map(ChannelId::as_str).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            return Err(SettleError::NoChannel { channel: channel.to_string(), known });
        };
        let (text, is_plain) = Archive::open(file)?;
        let rows = if is_plain { plain_rows(text, self.currency) } else { bank.rows(text) };
        let job = Job {
            channel: channel.clone(),
            day,
            digest,
            currency: self.currency,
            zone: self.zone.clone(),
            rules: self.rules,
            fee: self.fees.get(channel).copied(),
            late_days: self.late_days,
            work: self.archive.work()?,
            now,
        };
        reconcile(&self.books, &job, rows, progress).await
    }
}
