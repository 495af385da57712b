//! Mornings: the banks' statements are fetched, held against the ledger, and late money is told to the core. Decides
//! nothing.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use jiff::{Timestamp, ToSpan, civil::Date};
use tracing::{info, warn};

use super::{App, banker::Banker, pages::odd};
use crate::{
    bank::statement::StatementError,
    config::Site,
    core::{
        money::Posting,
        settle::{self, Difference, DifferenceState, Kind, Side, StatementFile},
    },
    crash_point::{self, Step},
    http::ports::{Earned, Found, SettlementRecords},
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

/// Statements and differences of the running site.
#[derive(Clone, Debug)]
pub struct Settling {
    app: App,
    banker: Banker,
    office: Office,
    fetch_at: jiff::civil::Time,
    retry: Duration,
    little_minor: i64,
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
        }
    }

    fn today(&self, now: Timestamp) -> Date {
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

impl SettlementRecords for Settling {
    fn channels(&self) -> Vec<ChannelId> {
        self.office.channels.keys().cloned().collect()
    }

    fn little_minor(&self) -> i64 {
        self.little_minor
    }

    fn statements(&self, from: Date, to: Date) -> Found<'_, Vec<StatementFile>> {
        Box::pin(async move { self.office.books.reader().statements(from, to).await.map_err(odd) })
    }

    fn differences(
        &self,
        from: Date,
        to: Date,
        open: bool,
        limit: u32,
    ) -> Found<'_, Vec<Difference>> {
        let reader = self.office.books.reader();
        Box::pin(async move { reader.differences(from, to, open, limit).await.map_err(odd) })
    }

    fn difference(&self, id: i64) -> Found<'_, Option<Difference>> {
        Box::pin(async move { self.office.books.reader().difference(id).await.map_err(odd) })
    }

    fn trail(&self, id: i64) -> Found<'_, Vec<settle::Step>> {
        Box::pin(async move { self.office.books.reader().trail(id).await.map_err(odd) })
    }

    fn differences_by_day(&self, from: Date, to: Date) -> Found<'_, Vec<(Date, i64, i64)>> {
        let reader = self.office.books.reader();
        Box::pin(async move { reader.differences_by_day(from, to).await.map_err(odd) })
    }

    fn go_on(&self, id: i64, state: DifferenceState, by: String, note: String) -> Found<'_, bool> {
        Box::pin(async move {
            let now = self.app.now();
            self.office.books.go_on(id, state, (&by, &note), now).await.map_err(odd)
        })
    }

    fn postings(
        &self,
        from: Timestamp,
        to: Timestamp,
        after: i64,
        limit: u32,
    ) -> Found<'_, Vec<Posting>> {
        let reader = self.office.books.reader();
        Box::pin(async move { reader.postings((from, to), after, limit).await.map_err(odd) })
    }

    fn earned_by_hour(&self, from: Timestamp, to: Timestamp) -> Found<'_, Vec<i64>> {
        Box::pin(async move {
            let hours = self.office.books.reader().takings_by_hour(from, to).await.map_err(odd)?;
            let count = (to.duration_since(from).as_hours() + 1).clamp(1, 25);
            let mut minors = vec![0; usize::try_from(count).unwrap_or(25)];
            for hour in hours {
                let at = hour.from.duration_since(from).as_hours();
                if let Some(minor) = usize::try_from(at).ok().and_then(|at| minors.get_mut(at)) {
                    *minor = hour.takings.revenue_minor;
                }
            }
            Ok(minors)
        })
    }

    fn earned(&self, from: Timestamp, to: Timestamp) -> Found<'_, (Earned, Earned)> {
        Box::pin(async move {
            let rows = self.office.books.reader().earned(from, to).await.map_err(odd)?;
            let sum = |of: fn(&(String, String, i64)) -> &str| {
                let mut sums: BTreeMap<&str, i64> = BTreeMap::new();
                rows.iter().for_each(|row| *sums.entry(of(row)).or_default() += row.2);
                let mut sums: Earned =
                    sums.into_iter().map(|(name, minor)| (name.to_owned(), minor)).collect();
                sums.sort_by_key(|(_, minor)| std::cmp::Reverse(*minor));
                sums
            };
            Ok((sum(|row| &row.0), sum(|row| &row.1)))
        })
    }
}

/// Shared by the pages.
pub(super) fn shared(settling: &Settling) -> Arc<dyn SettlementRecords> {
    Arc::new(settling.clone())
}
