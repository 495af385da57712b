//! What programs list, some at a time, the latest first: below a number, so that what comes in meanwhile moves nothing.
//! Changes nothing.

use super::{Reader, StoreError, load::parse};
use crate::core::{
    money::{Order, Payment},
    stay::Stay,
    task::Task,
    ticket::{Admission, Ticket},
    till::Shift,
};

/// So many stays of the past are looked through for a plate: an index would cost every passage a page write.
const SEARCHED_MAX: i64 = 200_000;

impl Reader {
    /// Stays numbered below `below` whose plate contains `plate`.
    pub async fn stays_below(
        &self,
        below: i64,
        plate: &str,
        open: bool,
        limit: u32,
    ) -> Result<Vec<Stay>, StoreError> {
        let bodies = if open {
            sqlx::query_scalar!(
                "select body from stay where is_open = 1 and id < ?1 and instr(plate, ?2) > 0
                 order by id desc limit ?3",
                below,
                plate,
                limit,
            )
            .fetch_all(&self.pool)
            .await?
        } else {
            sqlx::query_scalar!(
                "select body from stay where id < ?1 and (?2 = '' or
                     instr(plate, ?2) > 0 and id >= min(?1, (select max(id) from stay)) - ?4)
                 order by id desc limit ?3",
                below,
                plate,
                limit,
                SEARCHED_MAX,
            )
            .fetch_all(&self.pool)
            .await?
        };
        all("stay", &bodies)
    }

    pub async fn orders_below(&self, below: i64, limit: u32) -> Result<Vec<Order>, StoreError> {
        let select = sqlx::query_scalar!(
            "select body from orders where id < ?1 order by id desc limit ?2",
            below,
            limit,
        );
        all("orders", &select.fetch_all(&self.pool).await?)
    }

    /// `undecided`: only those the bank is still asked about.
    pub async fn payments_below(
        &self,
        below: i64,
        undecided: bool,
        limit: u32,
    ) -> Result<Vec<Payment>, StoreError> {
        let bodies = if undecided {
            sqlx::query_scalar!(
                "select body from payment where watched = 1 and id < ?1
                     and state in ('pending', 'reversing')
                 order by id desc limit ?2",
                below,
                limit,
            )
            .fetch_all(&self.pool)
            .await?
        } else {
            sqlx::query_scalar!(
                "select body from payment where id < ?1 order by id desc limit ?2",
                below,
                limit,
            )
            .fetch_all(&self.pool)
            .await?
        };
        all("payment", &bodies)
    }

    pub async fn shifts_below(&self, below: i64, limit: u32) -> Result<Vec<Shift>, StoreError> {
        let select = sqlx::query_scalar!(
            "select body from register where kind = 'shift' and cast(id as integer) < ?1
             order by cast(id as integer) desc limit ?2",
            below,
            limit,
        );
        all("shift", &select.fetch_all(&self.pool).await?)
    }

    pub async fn tasks_below(&self, below: i64, limit: u32) -> Result<Vec<Task>, StoreError> {
        let select = sqlx::query_scalar!(
            "select body from register where kind = 'task' and cast(id as integer) < ?1
                 and body ->> 'over_at' is not null
             order by cast(id as integer) desc limit ?2",
            below,
            limit,
        );
        all("task", &select.fetch_all(&self.pool).await?)
    }

    pub async fn admissions_below(
        &self,
        below: i64,
        limit: u32,
    ) -> Result<Vec<Admission>, StoreError> {
        let select = sqlx::query_scalar!(
            "select body from admission where id < ?1 order by id desc limit ?2",
            below,
            limit,
        );
        all("admission", &select.fetch_all(&self.pool).await?)
    }

    pub async fn tickets_below(&self, below: i64, limit: u32) -> Result<Vec<Ticket>, StoreError> {
        let select = sqlx::query_scalar!(
            "select body from ticket where id < ?1 order by id desc limit ?2",
            below,
            limit,
        );
        all("ticket", &select.fetch_all(&self.pool).await?)
    }
}

fn all<T: serde::de::DeserializeOwned>(
    table: &'static str,
    bodies: &[String],
) -> Result<Vec<T>, StoreError> {
    bodies.iter().map(|body| parse(table, body)).collect()
}
