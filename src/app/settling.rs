//! Mornings: the banks' statements are fetched, held against the ledger, and late money is told to the core. Decides
//! nothing.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use jiff::{Timestamp, ToSpan, civil::Date};
use tracing::{info, warn};

use super::{App, banker::Banker};
use crate::{
    bank::statement::StatementError,
    config::{Shares, Site},
    core::{
        AlarmKind, Input,
        settle::{Difference, DifferenceState, Kind, Side},
    },
    crash_point::{self, Step},
    http::ports::SettlementRecords,
    settle::{Archive, Imported, Office},
    store::Settlements,
    types::{ChannelId, Money, bank::Word},
};

/// Between two looks at what is to be done.
const LOOK: Duration = Duration::from_mins(1);
/// A statement that did not come is asked for so many days; banks keep them longer.
const BACK_DAYS: i64 = 7;
/// Late payments told to the core in one look.
const LATE_MAX: u32 = 200;

/// What the daemon has told and posted since it began.
#[derive(Debug, Default)]
struct Morning {
    /// Days that are posted, with the run of their statement.
    settled: BTreeMap<(ChannelId, Date), Timestamp>,
    /// What was told of a subject last; empty: that it is well.
    told: BTreeMap<(String, AlarmKind), String>,
    pruned: Option<Date>,
}

/// Statements and differences of the running site.
#[derive(Clone, Debug)]
pub struct Settling {
    pub(super) app: App,
    banker: Banker,
    pub(super) office: Office,
    pub(super) shares: Option<Arc<Shares>>,
    /// First letters of numbers that a bank is told.
    pub(super) trade_prefix: String,
    keep_days: u32,
    fetch_at: jiff::civil::Time,
    retry: Duration,
    pub(super) little_minor: i64,
}

impl Settling {
    pub fn new(
        site: &Site,
        app: &App,
        books: Settlements,
        channels: super::banker::Channels,
        banker: Banker,
    ) -> Self {
        let settlement = &site.settlement;
        let office = Office {
            books,
            archive: Archive::new(&site.data_dir),
            channels,
            rules: settlement.rules,
            fees: settlement.fees.clone(),
            late_days: settlement.late_days,
            zone: site.rules.zone.clone(),
            currency: site.rules.currency,
        };
        Self {
            app: app.clone(),
            banker,
            office,
            shares: site.shares.clone().map(Arc::new),
            trade_prefix: site.rules.pay.trade_prefix.clone(),
            keep_days: settlement.keep_days,
            fetch_at: settlement.fetch_at,
            retry: settlement.retry,
            little_minor: settlement.little_minor,
        }
    }

    /// Runs as long as the daemon.
    pub async fn run(self) {
        // When each may be asked for again.
        let mut again: BTreeMap<(ChannelId, Date), Timestamp> = BTreeMap::new();
        let mut look = tokio::time::interval(LOOK);
        let mut told = Morning::default();
        loop {
            look.tick().await;
            let now = self.app.now();
            let local = self.office.zone.to_datetime(now);
            if local.time() >= self.fetch_at {
                for (channel, day) in self.wanted(now).await {
                    let key = (channel, day);
                    if again.get(&key).is_none_or(|at| *at <= now) {
                        let next = self.fetch(&key.0, day).await;
                        again.insert(key, next);
                    }
                }
                again.retain(|(_, day), _| self.is_recent(*day, now));
            }
            self.tell_late().await;
            self.settle_recent(&mut told).await;
            self.relay_some().await;
            self.tell_alarms(&mut told).await;
            self.forget(&mut told);
        }
    }

    /// Posts what statements of the last days say and the ledger does not: whoever imported them, and however often.
    async fn settle_recent(&self, told: &mut Morning) {
        let now = self.app.now();
        let today = self.today(now);
        let first = today.saturating_sub(BACK_DAYS.days());
        let Ok(files) = self.office.books.reader().statements(first, today).await else { return };
        for file in files.iter().rev() {
            let key = (file.channel.clone(), file.day);
            if told.settled.get(&key) == Some(&file.reconciled_at)
                || !self.office.channels.contains_key(&file.channel)
            {
                continue;
            }
            let (channel, day) = (&file.channel, file.day);
            match self.settle_channel(channel, day, file.fee_minor, "daemon").await {
                Ok(_) => drop(told.settled.insert(key, file.reconciled_at)),
                Err(trouble) => warn!(%trouble, %channel, %day, "a day could not be settled"),
            }
        }
        let Some(shares) = &self.shares else { return };
        let cash = super::sharing::cash();
        for count in (1..=BACK_DAYS).rev() {
            let day = today.saturating_sub(count.days());
            let key = (cash.clone(), day);
            if told.settled.contains_key(&key) {
                continue;
            }
            match self.share(shares, &cash, day, "daemon").await {
                Ok(_) => drop(told.settled.insert(key, now)),
                Err(trouble) => warn!(%trouble, %day, "cash could not be shared"),
            }
        }
        told.settled.retain(|(_, day), _| *day >= first);
    }

    /// Tells once what is missing and what is open, and once that it is not any more.
    async fn tell_alarms(&self, told: &mut Morning) {
        let now = self.app.now();
        let local = self.office.zone.to_datetime(now);
        let late = local.time().duration_since(self.fetch_at)
            > (self.retry * 4).try_into().unwrap_or_default();
        let mut missing: BTreeMap<ChannelId, Vec<String>> = BTreeMap::new();
        let yesterday = self.today(now).saturating_sub(1.day());
        for (channel, day) in self.wanted(now).await {
            if late || day < yesterday {
                missing.entry(channel).or_default().push(day.to_string());
            }
        }
        for channel in self.office.channels.keys() {
            let days = missing.get(channel).map(|days| days.join(", ")).unwrap_or_default();
            self.tell_alarm(told, channel.as_str(), AlarmKind::StatementMissing, days).await;
        }
        let reader = self.office.books.reader();
        let (from, to) = (Date::MIN, Date::MAX);
        let Ok(all) = reader.differences(from, to, true, 1_000).await else { return };
        let open = all.iter().filter(|one| one.state == DifferenceState::Open).count();
        let detail = if open > 0 { format!("{open} open") } else { String::new() };
        self.tell_alarm(told, "settlement", AlarmKind::DifferencesOpen, detail).await;
    }

    /// Tells what is new; an empty `detail`: all is well.
    async fn tell_alarm(&self, told: &mut Morning, subject: &str, kind: AlarmKind, detail: String) {
        let known = told.told.insert((subject.to_owned(), kind), detail.clone());
        if known.as_ref() == Some(&detail) {
            return;
        }
        let subject = subject.to_owned();
        let input = if detail.is_empty() {
            Input::Well { subject, kind }
        } else {
            Input::Trouble { subject, kind, detail }
        };
        let _ = self.app.tell(input).await;
    }

    /// Statements hold payers' names at their wallets: they are kept as long as the site says, and no longer.
    fn forget(&self, told: &mut Morning) {
        let today = self.today(self.app.now());
        if told.pruned == Some(today) {
            return;
        }
        told.pruned = Some(today);
        let oldest = today.saturating_sub(i64::from(self.keep_days).days());
        match self.office.archive.prune(oldest) {
            Ok(0) => {}
            Ok(dropped) => info!(dropped, %oldest, "old statements deleted"),
            Err(trouble) => warn!(%trouble, "old statements could not be deleted"),
        }
    }

    pub(super) fn today(&self, now: Timestamp) -> Date {
        self.office.rules.day_of(now, &self.office.zone)
    }

    fn is_recent(&self, day: Date, now: Timestamp) -> bool {
        day.saturating_add((BACK_DAYS + 1).days()) > self.today(now)
    }

    /// Days that are over and have no statement, or none that was kept, oldest first: those that had money, and those
    /// that money of the days before may have come late with.
    async fn wanted(&self, now: Timestamp) -> Vec<(ChannelId, Date)> {
        let today = self.today(now);
        let (first, reader) = (today.saturating_sub(BACK_DAYS.days()), self.office.books.reader());
        let Ok(known) = reader.statements(first, today).await else { return Vec::new() };
        let mut wanted = Vec::new();
        for count in (1..=BACK_DAYS).rev() {
            let day = today.saturating_sub(count.days());
            let bounds = |day| self.office.rules.bounds(day, &self.office.zone);
            let early = day.saturating_sub(i64::from(self.office.late_days).days());
            let Some(((from, _), (_, to))) = bounds(early).zip(bounds(day)) else { continue };
            let had_money = reader.ledger_span(from, to).await.is_ok_and(|(a, b)| a < b);
            for channel in self.office.channels.keys().filter(|_| had_money) {
                let is_known = known.iter().any(|file| file.channel == *channel && file.day == day);
                if !is_known || !self.office.archive.path(channel, day).exists() {
                    wanted.push((channel.clone(), day));
                }
            }
        }
        wanted
    }

    /// Asks once; gives when to ask again.
    async fn fetch(&self, channel: &ChannelId, day: Date) -> Timestamp {
        let now = self.app.now();
        let Some(bank) = self.office.channels.get(channel) else { return Timestamp::MAX };
        let part = match self.office.archive.part(channel, day) {
            Ok(part) => part,
            Err(trouble) => {
                warn!(%trouble, %channel, "there is no room for a statement");
                return now + self.retry;
            }
        };
        match bank.statement(day, &part).await {
            Ok(()) => {}
            Err(StatementError::NotOffered) => return now + Duration::from_hours(24),
            Err(trouble) => {
                info!(%trouble, %channel, %day, "no statement yet");
                return now + self.retry;
            }
        }
        crash_point::at(Step::StatementFetched, "");
        match self.office.import(channel, day, &part, now, &mut |_| {}).await {
            Ok(Imported::Same) => {}
            Ok(Imported::New(outcome)) => {
                let (rows, open) = (outcome.file.rows, outcome.open);
                info!(%channel, %day, rows, open, "a statement was held against the ledger");
            }
            Err(trouble) => warn!(%trouble, %channel, %day, "the statement does not fit"),
        }
        now + self.retry
    }

    /// Money that the statement has and we gave up: the desk is told as if it had asked, and what it makes of it is
    /// found by another run.
    async fn tell_late(&self) {
        let (from, to) = (Date::MIN, Date::MAX);
        let reader = self.office.books.reader();
        let Ok(open) = reader.differences(from, to, true, LATE_MAX).await else { return };
        let late = |one: &&Difference| {
            one.finding.kind == Kind::State && one.finding.side == Side::Paid && !one.told
        };
        let mut days: Vec<(ChannelId, Date)> = Vec::new();
        for one in open.iter().filter(late) {
            let Some(minor) = one.finding.theirs_minor else { continue };
            let word = Word::Paid {
                amount: Money::new(minor, self.office.currency),
                bank_no: one.finding.bank_no.clone(),
                paid_at: None,
                payer: None,
            };
            if self.banker.found(&one.finding.out_trade_no, &word).await.is_err() {
                return;
            }
            if self.office.books.tell(one, self.app.now()).await.is_ok() {
                days.push((one.channel.clone(), one.day));
            }
        }
        days.dedup();
        for (channel, day) in days {
            let again = self.office.again(&channel, day, self.app.now(), &mut |_| {}).await;
            if let Err(trouble) = again {
                warn!(%trouble, %channel, %day, "the statement could not be held against the ledger again");
            }
        }
    }
}

/// Shared by the pages.
pub(super) fn shared(settling: &Settling) -> Arc<dyn SettlementRecords> {
    Arc::new(settling.clone())
}
