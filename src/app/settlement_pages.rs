//! What the pages of settlement days ask of the tables. Decides nothing.

use std::collections::BTreeMap;

use jiff::{Timestamp, civil::Date};

use super::{pages::odd, settling::Settling};
use crate::{
    config::Partner,
    core::{
        money::Posting,
        settle::{Difference, DifferenceState, Settled, SettledDay, StatementFile, Step},
        shares::ShareBook,
    },
    http::ports::{DaySettled, EarnedSums, Found, RecordsError, RelayLine, SettlementRecords},
    store::{EarnedBy, Relay},
    types::{ChannelId, PartnerId},
};

/// Steps of a day's trail shown.
const TRAIL_MAX: u32 = 200;

fn wrong(trouble: super::sharing::Unsettled) -> RecordsError {
    RecordsError(Box::new(trouble))
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

    fn trail(&self, id: i64) -> Found<'_, Vec<Step>> {
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

    fn earned(&self, from: Timestamp, to: Timestamp) -> Found<'_, EarnedSums> {
        Box::pin(async move {
            let by = |by| self.office.books.reader().earned((from, to), by);
            Ok(EarnedSums {
                lanes: by(EarnedBy::Lane).await.map_err(odd)?,
                ways: by(EarnedBy::Way).await.map_err(odd)?,
                zones: by(EarnedBy::Zone).await.map_err(odd)?,
                products: by(EarnedBy::Product).await.map_err(odd)?,
            })
        })
    }

    fn settle(&self, day: Date, who: String) -> Found<'_, Vec<DaySettled>> {
        Box::pin(async move { self.settle_day(day, &who).await.map_err(wrong) })
    }

    fn partners(&self) -> Option<(&ShareBook, &BTreeMap<PartnerId, Partner>)> {
        self.shares.as_deref().map(|shares| (&shares.book, &shares.partners))
    }

    fn settled_trail(&self, channel: ChannelId, day: Date) -> Found<'_, Vec<(Timestamp, Settled)>> {
        let id = SettledDay { channel, day }.to_string();
        Box::pin(async move {
            self.office.books.reader().settled_trail(&id, TRAIL_MAX).await.map_err(odd)
        })
    }

    fn relays_waiting(&self) -> Found<'_, Vec<(PartnerId, i64)>> {
        Box::pin(async move { self.office.books.reader().share_waiting().await.map_err(odd) })
    }

    fn relays(&self, channel: ChannelId, day: Date, limit: u32) -> Found<'_, Vec<RelayLine>> {
        Box::pin(async move {
            let reader = self.office.books.reader();
            let relays = reader.share_relays(&channel, Some(day), limit).await.map_err(odd)?;
            let line = |relay: Relay| RelayLine {
                minor: if relay.given_number.is_empty() { relay.minor } else { -relay.minor },
                number: relay.number,
                partner: relay.partner,
                out_trade_no: relay.out_trade_no,
                state: relay.state,
                detail: relay.detail,
            };
            Ok(relays.into_iter().map(line).collect())
        })
    }
}
