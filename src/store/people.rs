//! What is looked up of tickets and admissions, by key or newest first, always limited. Changes nothing.

use jiff::Timestamp;

use super::{Reader, StoreError, load::parse};
use crate::{
    core::{
        cloud::CloudPass,
        ticket::{Admission, Ticket},
    },
    types::{CodeDigest, TicketId},
};

impl Reader {
    /// The ticket with this code, also one that is over.
    pub async fn ticket_of(&self, digest: &CodeDigest) -> Result<Option<Ticket>, StoreError> {
        let digest = digest.to_string();
        let select = sqlx::query_scalar!(
            "select body from ticket where digest = ?1 order by is_alive desc, id limit 1",
            digest
        );
        let body = select.fetch_optional(&self.pool).await?;
        body.map(|body| parse("ticket", &body)).transpose()
    }

    pub async fn ticket(&self, id: TicketId) -> Result<Option<Ticket>, StoreError> {
        let select = sqlx::query_scalar!("select body from ticket where id = ?1", id.0);
        let body = select.fetch_optional(&self.pool).await?;
        body.map(|body| parse("ticket", &body)).transpose()
    }

    /// Tickets of clouds that were shown, latest first.
    pub async fn cloud_passes(&self, limit: u32) -> Result<Vec<CloudPass>, StoreError> {
        let select = sqlx::query_scalar!(
            "select body from register where kind = 'cloud_pass' order by cast(id as integer) desc limit ?1",
            limit
        );
        let bodies = select.fetch_all(&self.pool).await?;
        bodies.iter().map(|body| parse("register", body)).collect()
    }

    /// Tickets with numbers of an issuer that changed behind a place in the journal, each as it stands now, and the place
    /// up to which this holds. At most `limit` changes at a time.
    pub async fn tickets_after(
        &self,
        issuer: u8,
        after: i64,
        limit: u32,
    ) -> Result<(Vec<Ticket>, i64), StoreError> {
        let mut snapshot = self.pool.begin().await?;
        let select =
            sqlx::query_scalar!(r#"select coalesce(max(seq), 0) as "end!: i64" from journal"#);
        let end = select.fetch_one(&mut *snapshot).await?;
        let issuer = i64::from(issuer);
        let rows = sqlx::query!(
            r#"select seq as "seq!: i64", body ->> 'id' as "id!: i64" from journal
             where seq > ?1 and kind = 'ticket' and (body ->> 'id') >> 40 = ?2 order by seq limit ?3"#,
            after,
            issuer,
            limit,
        );
        let rows = rows.fetch_all(&mut *snapshot).await?;
        let upto =
            if rows.len() < limit as usize { end } else { rows.last().map_or(end, |r| r.seq) };
        let ids: std::collections::BTreeSet<i64> = rows.iter().map(|row| row.id).collect();
        let mut tickets = Vec::with_capacity(ids.len());
        for id in ids {
            let select = sqlx::query_scalar!("select body from ticket where id = ?1", id);
            let body = select.fetch_optional(&mut *snapshot).await?;
            tickets.extend(body.map(|body| parse("ticket", &body)).transpose()?);
        }
        Ok((tickets, upto))
    }

    /// Admissions from `from` on, latest first.
    pub async fn admissions_since(
        &self,
        from: Timestamp,
        limit: u32,
    ) -> Result<Vec<Admission>, StoreError> {
        let from_ms = from.as_millisecond();
        let select = sqlx::query_scalar!(
            "select body from admission where at_ms >= ?1 order by at_ms desc, id desc limit ?2",
            from_ms,
            limit,
        );
        let bodies = select.fetch_all(&self.pool).await?;
        bodies.iter().map(|body| parse("admission", body)).collect()
    }
}
