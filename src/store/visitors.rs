//! Names and numbers of visitors, sealed. No part of the journal, so that they can be deleted. Opens none.

use jiff::Timestamp;

use super::{Accounts, Reader, StoreError};
use crate::types::CodeDigest;

impl Reader {
    /// As it was sealed last; `None`: never given, or deleted.
    pub async fn visitor_sealed(
        &self,
        visitor: &CodeDigest,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let visitor = visitor.to_string();
        let select =
            sqlx::query_scalar!("select sealed from visitor_sealed where digest = ?1", visitor);
        Ok(select.fetch_optional(&self.pool).await?)
    }
}

impl Accounts {
    /// Keeps a visitor's name and number, in place of what was kept before.
    pub async fn keep_visitor(
        &self,
        visitor: &CodeDigest,
        sealed: &[u8],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let (visitor, now_ms) = (visitor.to_string(), now.as_millisecond());
        let insert = sqlx::query!(
            "insert into visitor_sealed (digest, sealed, put_at_ms) values (?1, ?2, ?3)
             on conflict (digest) do update set sealed = excluded.sealed, put_at_ms = excluded.put_at_ms",
            visitor,
            sealed,
            now_ms,
        );
        insert.execute(&mut *self.pen.conn.lock().await).await?;
        Ok(())
    }

    /// Deletes what was kept before `before`; how many.
    pub async fn drop_visitors(&self, before: Timestamp) -> Result<u64, StoreError> {
        let before_ms = before.as_millisecond();
        let delete = sqlx::query!("delete from visitor_sealed where put_at_ms < ?1", before_ms);
        let done = delete.execute(&mut *self.pen.conn.lock().await).await?;
        Ok(done.rows_affected())
    }
}
