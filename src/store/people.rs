//! What is looked up of tickets and admissions, by key or newest first, always limited. Changes nothing.

use jiff::Timestamp;

use super::{Reader, StoreError, load::parse};
use crate::{
    core::ticket::{Admission, Ticket},
    types::{CodeDigest, TicketId},
};

impl Reader {
    /// The ticket with this code, also one that is over.
    pub async fn ticket_of(&self, digest: &CodeDigest) -> Result<Option<Ticket>, StoreError> {
        let digest = digest.to_string();
        let select = sqlx::query_scalar!("select body from ticket where digest = ?1", digest);
        let body = select.fetch_optional(&self.pool).await?;
        body.map(|body| parse("ticket", &body)).transpose()
    }

    pub async fn ticket(&self, id: TicketId) -> Result<Option<Ticket>, StoreError> {
        let select = sqlx::query_scalar!("select body from ticket where id = ?1", id.0);
        let body = select.fetch_optional(&self.pool).await?;
        body.map(|body| parse("ticket", &body)).transpose()
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
