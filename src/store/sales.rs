//! What is looked up of counters' sales, of payments people look into, and the programs of counters. The programs are no
//! part of the journal: what they sell is.

use jiff::Timestamp;

use super::{Accounts, Past, Reader, StoreError, load::parse, pages::past};
use crate::{
    core::money::{Order, Payment},
    types::{CounterId, PaymentId},
};

/// Rows of one payment that are shown: each question to the bank is one.
const HISTORY_MAX: i64 = 200;

impl Reader {
    /// The order of what a counter sold under its own number, also long after.
    pub async fn sale(&self, counter: &CounterId, key: &str) -> Result<Option<Order>, StoreError> {
        let counter = counter.as_str();
        let select = sqlx::query_scalar!(
            "select body from orders where counter = ?1 and sale_key = ?2",
            counter,
            key,
        );
        let body = select.fetch_optional(&self.pool).await?;
        body.map(|body| parse("orders", &body)).transpose()
    }

    /// What happened to a payment, oldest first: its own changes, its refunds', what people did about it. Of a long
    /// history, the end.
    pub async fn payment_history(&self, payment: PaymentId) -> Result<Vec<Past>, StoreError> {
        let select = sqlx::query!(
            r#"select seq, at_ms, kind, body from journal
             where coalesce(body ->> 'payment', body ->> 'id') = ?1
                 and kind in ('payment', 'refund', 'till_acted')
             order by seq desc limit ?2"#,
            payment.0,
            HISTORY_MAX,
        );
        let mut rows = select.fetch_all(&self.pool).await?;
        rows.reverse();
        rows.into_iter().map(|row| past(row.seq, row.at_ms, &row.kind, &row.body)).collect()
    }

    /// A payment with its order.
    pub async fn payment(&self, id: PaymentId) -> Result<Option<(Payment, Order)>, StoreError> {
        let select = sqlx::query!(
            "select payment.body as payment, orders.body as \"order\"
             from payment join orders on orders.id = payment.order_id where payment.id = ?1",
            id.0,
        );
        let Some(row) = select.fetch_optional(&self.pool).await? else { return Ok(None) };
        Ok(Some((parse("payment", &row.payment)?, parse("orders", &row.order)?)))
    }
}

impl Accounts {
    /// Gives a counter's program a new token; the former is worth nothing from now on.
    pub async fn put_counter(
        &self,
        counter: &CounterId,
        token_hash: &[u8; 32],
        made_by: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let (name, token_hash, now_ms) =
            (counter.as_str(), token_hash.as_slice(), now.as_millisecond());
        let mut conn = self.pen.conn.lock().await;
        let insert = sqlx::query!(
            "insert into counter_account (name, token_hash, made_by, created_at_ms)
             values (?1, ?2, ?3, ?4)
             on conflict (name) do update set token_hash = excluded.token_hash,
                 made_by = excluded.made_by, created_at_ms = excluded.created_at_ms",
            name,
            token_hash,
            made_by,
            now_ms,
        );
        insert.execute(&mut *conn).await?;
        Ok(())
    }

    /// Its program may do nothing any more; what it sold stays.
    pub async fn drop_counter(&self, counter: &CounterId) -> Result<(), StoreError> {
        let name = counter.as_str();
        let mut conn = self.pen.conn.lock().await;
        let delete = sqlx::query!("delete from counter_account where name = ?1", name);
        delete.execute(&mut *conn).await?;
        Ok(())
    }

    /// Each with who made it and when, by name.
    pub async fn counters(&self) -> Result<Vec<(CounterId, String, Timestamp)>, StoreError> {
        let select =
            sqlx::query!("select name, made_by, created_at_ms from counter_account order by name");
        let rows = select.fetch_all(&self.pool).await?.into_iter();
        Ok(rows
            .filter_map(|row| {
                let at = Timestamp::from_millisecond(row.created_at_ms).ok()?;
                Some((CounterId::parse(&row.name)?, row.made_by, at))
            })
            .collect())
    }

    pub async fn counter_of_token(
        &self,
        token_hash: &[u8; 32],
    ) -> Result<Option<CounterId>, StoreError> {
        let token_hash = token_hash.as_slice();
        let select = sqlx::query_scalar!(
            "select name from counter_account where token_hash = ?1",
            token_hash,
        );
        let name = select.fetch_optional(&self.pool).await?;
        Ok(name.and_then(|name| CounterId::parse(&name)))
    }
}
