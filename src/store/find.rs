//! What the search box looks for: late stays by plates that look alike, payments by any number. Changes nothing.

use futures::TryStreamExt;

use super::{Reader, StoreError, load::parse};
use crate::core::{matching::Lookup, money::Payment, stay::Stay};

/// How far back plates are compared: a month and more of a busy site, some 100 ms of reading. An index of all plates
/// ever would cost every passage a page write.
const STAYS_BACK: i64 = 100_000;

impl Reader {
    /// Of the latest stays and all open ones those whose plate is or looks like this one, the nearest and latest first,
    /// each with how far it is in hundredths of a letter.
    pub async fn stays_like(
        &self,
        plate: &str,
        limit: u32,
    ) -> Result<Vec<(u32, Stay)>, StoreError> {
        let sought = Lookup::new(plate);
        let mut near: Vec<(u32, i64)> = Vec::new();
        let mut rows = sqlx::query!(
            r#"select id as "id!", plate as "plate!" from stay where id > (select max(id) from stay) - ?1
             union select id, plate from stay indexed by stay_one_open_per_plate where is_open = 1"#,
            STAYS_BACK,
        )
        .fetch(&self.pool);
        while let Some(row) = rows.try_next().await? {
            if let Some(apart) = sought.apart(&row.plate) {
                near.push((apart, row.id));
            }
        }
        drop(rows);
        near.sort_unstable_by_key(|(apart, id)| (*apart, -id));
        near.truncate(limit as usize);
        let mut stays = Vec::with_capacity(near.len());
        for (apart, id) in near {
            let body = sqlx::query_scalar!("select body from stay where id = ?1", id);
            if let Some(body) = body.fetch_optional(&self.pool).await? {
                stays.push((apart, parse("stay", &body)?));
            }
        }
        Ok(stays)
    }

    /// Payments by a number of ours or the bank's, or by that of a refund.
    pub async fn payments_numbered(&self, number: &str) -> Result<Vec<Payment>, StoreError> {
        let select = sqlx::query_scalar!(
            r#"select body as "body!" from payment where id in (
                select id from payment where out_trade_no = ?1
                union select id from payment where body ->> 'bank_no' = ?1
                union select payment_id from refund where refund_no = ?1
             ) order by id desc limit 20"#,
            number,
        );
        let bodies = select.fetch_all(&self.pool).await?;
        bodies.iter().map(|body| parse("payment", body)).collect()
    }
}
