//! The journal as whoever tells of events reads it: rows of some kinds, and whether a row says something for the first
//! time. Changes nothing.

use jiff::Timestamp;

use super::{Past, Reader, StoreError, pages::past};

impl Reader {
    /// The last row of the journal; 0: it is empty.
    pub async fn journal_end(&self) -> Result<i64, StoreError> {
        let select =
            sqlx::query_scalar!(r#"select coalesce(max(seq), 0) as "seq!: i64" from journal"#);
        Ok(select.fetch_one(&self.pool).await?)
    }

    /// Rows of these kinds after row `after`, up to and with row `up_to`, oldest first.
    pub async fn journal_of(
        &self,
        kinds: &[&str],
        after: i64,
        up_to: i64,
        limit: u32,
    ) -> Result<Vec<Past>, StoreError> {
        let kinds = serde_json::json!(kinds).to_string();
        let select = sqlx::query!(
            "select seq, at_ms, kind, body from journal
             where seq > ?1 and seq <= ?2 and kind in (select value from json_each(?3))
             order by seq limit ?4",
            after,
            up_to,
            kinds,
            limit,
        );
        let rows = select.fetch_all(&self.pool).await?.into_iter();
        rows.map(|row| past(row.seq, row.at_ms, &row.kind, &row.body)).collect()
    }

    /// Whether a row before row `seq`, and not before `since`, is of the same thing, where `mark` names a field and its
    /// value: with that value too.
    ///
    /// No index tells: it would cost every passage a page write. Time never goes back in the journal, so the first row
    /// of `since` is found by halving, and what is looked for stands mostly right behind it.
    pub async fn said_before(
        &self,
        seq: i64,
        (kind, id): (&str, i64),
        since: Timestamp,
        mark: Option<(&str, &str)>,
    ) -> Result<bool, StoreError> {
        let since_ms = since.as_millisecond();
        let (field, value) = mark.unzip();
        let select = sqlx::query_scalar!(
            r#"with recursive search (low, high) as (
                 select 0, ?1
                 union all
                 select iif((select at_ms from journal where seq = (low + high) / 2) < ?4, (low + high) / 2, low),
                     iif((select at_ms from journal where seq = (low + high) / 2) < ?4, high, (low + high) / 2)
                 from search where high - low > 1)
             select exists (
                 select 1 from journal
                 where seq >= (select min(high) from search) and seq < ?1 and kind = ?2
                     and body ->> 'id' = ?3 and (?5 is null or cast(body ->> ?5 as text) = ?6)
             ) as "said!: bool""#,
            seq,
            kind,
            id,
            since_ms,
            field,
            value,
        );
        Ok(select.fetch_one(&self.pool).await?)
    }
}
