//! Figures of the day for the console: vehicles in and out, persons admitted, tasks settled. Changes nothing.

use jiff::Timestamp;

use super::{Reader, StoreError, load::parse};
use crate::{core::task::Task, types::LaneId};

/// A quarter of an hour.
const QUARTER_MS: i64 = 900_000;
/// Stays looked at, the latest first: more than a large car park sees in a day. An index of exits for one chart would
/// cost every passage a page write.
const STAYS_MAX: i64 = 20_000;

impl Reader {
    /// Vehicles that came in less those that left, by quarter of an hour counted from `from`; one in which it is even is
    /// left out. Who came in long before and has left since is not seen.
    pub async fn net_by_quarter(
        &self,
        from: Timestamp,
        quarters: i64,
    ) -> Result<Vec<(i64, i64)>, StoreError> {
        let from_ms = from.as_millisecond();
        let to_ms = from_ms + quarters * QUARTER_MS;
        let select = sqlx::query!(
            r#"with latest as (
                select entered_at_ms,
                    cast(round(unixepoch(body ->> 'left_at', 'subsec') * 1000) as integer) as left_at_ms
                from stay order by id desc limit ?4
            ), moves as (
                select entered_at_ms as at_ms, 1 as net from latest
                union all
                select left_at_ms, -1 from latest where left_at_ms is not null
            )
            select (at_ms - ?1) / ?3 as "quarter!: i64", sum(net) as "net!: i64"
            from moves where at_ms >= ?1 and at_ms < ?2 group by 1 having sum(net) <> 0"#,
            from_ms,
            to_ms,
            QUARTER_MS,
            STAYS_MAX,
        );
        let rows = select.fetch_all(&self.pool).await?;
        Ok(rows.into_iter().map(|row| (row.quarter, row.net)).collect())
    }

    /// Settled tasks, the latest first.
    pub async fn tasks_over(&self, limit: u32) -> Result<Vec<Task>, StoreError> {
        let select = sqlx::query_scalar!(
            "select body from register where kind = 'task' and over_at_ms is not null
             order by over_at_ms desc limit ?1",
            limit,
        );
        let bodies = select.fetch_all(&self.pool).await?;
        bodies.iter().map(|body| parse("register", body)).collect()
    }

    /// Persons who went through each lane from `from` on.
    pub async fn admitted_since(&self, from: Timestamp) -> Result<Vec<(LaneId, i64)>, StoreError> {
        let from_ms = from.as_millisecond();
        let select = sqlx::query!(
            r#"select body ->> 'lane' as "lane!: String", count(*) as "count!: i64" from admission
             where at_ms >= ?1 and state = 'used' group by 1"#,
            from_ms,
        );
        let rows = select.fetch_all(&self.pool).await?.into_iter();
        Ok(rows.filter_map(|row| Some((LaneId::parse(&row.lane)?, row.count))).collect())
    }
}
