//! What a car park did hour by hour over a span of time: vehicles in and out, how long they stayed, what was earned.
//! Changes nothing.

use jiff::{SignedDuration, Timestamp};

use super::{Reader, StoreError};

/// Stays go in by the order of their entries, but for those an operator gave afterwards with an earlier time. Of so many
/// neighbours the latest tells when one of them was made.
const NEIGHBOURS: i64 = 50;
/// Whoever came in longer before and has left since is not counted as inside.
const LONGEST: SignedDuration = SignedDuration::from_hours(62 * 24);

/// One hour, counted from the beginning of the span; one in which nothing happened is left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ParkingHour {
    pub hour: i64,
    pub came: i64,
    pub left: i64,
    /// Of those who left, all together.
    pub stayed_s: i64,
    /// Earned by stays less what went back of it.
    pub stays_minor: i64,
    /// The same of passes.
    pub passes_minor: i64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parking {
    /// Vehicles inside as the span began.
    pub inside_before: i64,
    pub hours: Vec<ParkingHour>,
}

impl Reader {
    /// From `from` on, up to but without `to`.
    pub async fn parking(&self, from: Timestamp, to: Timestamp) -> Result<Parking, StoreError> {
        let (from_ms, to_ms) = (from.as_millisecond(), to.as_millisecond());
        let early = from.checked_sub(LONGEST).unwrap_or(Timestamp::UNIX_EPOCH);
        let first = self.first_stay_at(early.as_millisecond()).await?;
        // Whoever came in at the very end may stand among neighbours that came later.
        let last = self.first_stay_at(to_ms).await? + NEIGHBOURS;
        let inside_before = sqlx::query_scalar!(
            r#"select count(*) as "count!: i64" from stay
            where ((id >= ?1 and id < ?2) or (is_open = 1 and id < ?1)) and entered_at_ms < ?3
                and (is_open = 1 or (state = 'left' and unixepoch(body ->> 'left_at', 'subsec') * 1000 >= ?3))"#,
            first,
            last,
            from_ms,
        );
        let inside_before = inside_before.fetch_one(&self.pool).await?;
        let moves = sqlx::query_as!(
            ParkingHour,
            r#"with seen as (
                select entered_at_ms,
                    cast(round(unixepoch(body ->> 'left_at', 'subsec') * 1000) as integer) as left_at_ms
                from stay where id >= ?3 and id < ?4 and state in ('entering', 'inside', 'left')
            ), moves as (
                select entered_at_ms as at_ms, 1 as came, 0 as went, 0 as stayed_ms from seen
                union all
                select left_at_ms, 0, 1, left_at_ms - entered_at_ms from seen where left_at_ms is not null
            )
            select (at_ms - ?1) / 3600000 as "hour!: i64", sum(came) as "came!: i64", sum(went) as "left!: i64",
                sum(stayed_ms) / 1000 as "stayed_s!: i64", 0 as "stays_minor!: i64", 0 as "passes_minor!: i64"
            from moves where at_ms >= ?1 and at_ms < ?2 group by 1 order by 1"#,
            from_ms,
            to_ms,
            first,
            last,
        );
        let mut hours = moves.fetch_all(&self.pool).await?;
        for (hour, stays_minor, passes_minor) in self.earned_by_parking(from_ms, to_ms).await? {
            match hours.iter_mut().find(|known| known.hour == hour) {
                Some(known) => {
                    (known.stays_minor, known.passes_minor) = (stays_minor, passes_minor)
                }
                None => {
                    hours.push(ParkingHour {
                        hour,
                        stays_minor,
                        passes_minor,
                        ..Default::default()
                    });
                }
            }
        }
        hours.sort_by_key(|hour| hour.hour);
        Ok(Parking { inside_before, hours })
    }

    /// Hour, of stays, of passes.
    async fn earned_by_parking(
        &self,
        from_ms: i64,
        to_ms: i64,
    ) -> Result<Vec<(i64, i64, i64)>, StoreError> {
        let rows = sqlx::query!(
            r#"with line as (
                select at_ms, credit as account, amount_minor as minor from posting where at_ms >= ?1 and at_ms < ?2
                union all
                select at_ms, debit, -amount_minor from posting where at_ms >= ?1 and at_ms < ?2
            )
            select (at_ms - ?1) / 3600000 as "hour!: i64",
                coalesce(sum(minor) filter (where account = 'parking_revenue'), 0) as "stays!: i64",
                coalesce(sum(minor) filter (where account = 'pass_revenue'), 0) as "passes!: i64"
            from line where account in ('parking_revenue', 'pass_revenue') group by 1 order by 1"#,
            from_ms,
            to_ms,
        );
        let rows = rows.fetch_all(&self.pool).await?;
        Ok(rows.into_iter().map(|row| (row.hour, row.stays, row.passes)).collect())
    }

    /// The number of the first stay that was made at a time or later, by halving: there is no index of times, which
    /// would cost every passage a page write.
    async fn first_stay_at(&self, at_ms: i64) -> Result<i64, StoreError> {
        let last = sqlx::query_scalar!(r#"select coalesce(max(id), 0) as "id!: i64" from stay"#);
        let (mut low, mut high) = (1, last.fetch_one(&self.pool).await? + 1);
        while low < high {
            let middle = low + (high - low) / 2;
            let made = sqlx::query_scalar!(
                r#"select coalesce(max(entered_at_ms), 0) as "at_ms!: i64"
                from (select entered_at_ms from stay where id <= ?1 order by id desc limit ?2)"#,
                middle,
                NEIGHBOURS,
            );
            if made.fetch_one(&self.pool).await? < at_ms { low = middle + 1 } else { high = middle }
        }
        Ok(low)
    }
}
