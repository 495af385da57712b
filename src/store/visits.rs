//! What reports and pages ask of tickets: who came when and where, what was sold for a day, what was taken. Knows no rule.

use jiff::Timestamp;

use super::{Reader, StoreError, load::parse};
use crate::{
    core::{money::Order, ticket::Admission},
    types::{Currency, LaneId, Money, TicketId},
};

/// Admissions of one ticket that are shown; a group's are many.
const ADMISSIONS_MAX: i64 = 500;

/// What was sold for some days: of one time slot, product and counter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visits {
    /// `None`: of a day.
    pub slot: Option<String>,
    pub product: String,
    pub counter: String,
    /// Persons on tickets that were not returned.
    pub sold: i64,
    /// Persons who came in.
    pub came: i64,
    /// Persons on tickets that were returned or revoked.
    pub returned: i64,
    /// What was paid less what went back: also of tickets that were revoked, or returned for a part of their price.
    pub taken: Money,
}

impl Reader {
    /// Of tickets that let in from `from` up to but without `to`.
    pub async fn visits(
        &self,
        from: Timestamp,
        to: Timestamp,
        currency: Currency,
    ) -> Result<Vec<Visits>, StoreError> {
        let (from_ms, to_ms) = (from.as_millisecond(), to.as_millisecond());
        let select = sqlx::query!(
            r#"select slot, product, counter,
                 sum(iif(ticket_sale.revoked, 0, ticket_sale.persons)) as "sold!: i64",
                 sum(ticket.body ->> 'used') as "came!: i64",
                 sum(returned + iif(ticket_sale.revoked, ticket_sale.persons, 0)) as "returned!: i64",
                 sum(price_minor + kept_minor) as "taken!: i64"
             from ticket_sale join ticket on ticket.id = ticket_sale.ticket_id
             where from_ms >= ?1 and from_ms < ?2
             group by slot, product, counter order by slot, product, counter"#,
            from_ms,
            to_ms,
        );
        let rows = select.fetch_all(&self.pool).await?;
        let visits = rows.into_iter().map(|row| Visits {
            slot: row.slot,
            product: row.product,
            counter: row.counter,
            sold: row.sold,
            came: row.came,
            returned: row.returned,
            taken: Money::new(row.taken, currency),
        });
        Ok(visits.collect())
    }

    /// As [`Reader::visits`], of tickets that were sold from `from` up to but without `to`.
    pub async fn sold_between(
        &self,
        from: Timestamp,
        to: Timestamp,
        currency: Currency,
    ) -> Result<Vec<Visits>, StoreError> {
        let (from_ms, to_ms) = (from.as_millisecond(), to.as_millisecond());
        let select = sqlx::query!(
            r#"select product, counter,
                 sum(iif(revoked, 0, persons)) as "sold!: i64",
                 sum(returned + iif(revoked, persons, 0)) as "returned!: i64",
                 sum(price_minor + kept_minor) as "taken!: i64"
             from ticket_sale where made_at_ms >= ?1 and made_at_ms < ?2
             group by product, counter order by product, counter"#,
            from_ms,
            to_ms,
        );
        let rows = select.fetch_all(&self.pool).await?;
        let sold = rows.into_iter().map(|row| Visits {
            slot: None,
            product: row.product,
            counter: row.counter,
            sold: row.sold,
            came: 0,
            returned: row.returned,
            taken: Money::new(row.taken, currency),
        });
        Ok(sold.collect())
    }

    /// Persons who went through each lane in each hour that begins at `from + n h`, up to but without `to`.
    pub async fn passages_by_hour(
        &self,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<(LaneId, i64, i64)>, StoreError> {
        let (from_ms, to_ms) = (from.as_millisecond(), to.as_millisecond());
        let select = sqlx::query!(
            r#"select body ->> 'lane' as "lane!: String", (at_ms - ?1) / 3600000 as "hour!: i64",
                 count(*) as "count!: i64"
             from admission where at_ms >= ?1 and at_ms < ?2 and state = 'used'
             group by 1, 2 order by 1, 2"#,
            from_ms,
            to_ms,
        );
        let rows = select.fetch_all(&self.pool).await?;
        let known = |lane: &str| {
            LaneId::parse(lane)
                .ok_or_else(|| StoreError::Corrupt(format!("an admission is at lane {lane}")))
        };
        rows.into_iter().map(|row| Ok((known(&row.lane)?, row.hour, row.count))).collect()
    }

    /// Oldest first.
    pub async fn admissions_of(&self, ticket: TicketId) -> Result<Vec<Admission>, StoreError> {
        let select = sqlx::query_scalar!(
            "select body from admission where ticket_id = ?1 order by id limit ?2",
            ticket.0,
            ADMISSIONS_MAX,
        );
        let bodies = select.fetch_all(&self.pool).await?;
        bodies.iter().map(|body| parse("admission", body)).collect()
    }

    /// The orders whose tickets were made last.
    pub async fn orders_of_tickets(&self, limit: u32) -> Result<Vec<Order>, StoreError> {
        let select = sqlx::query_scalar!(
            "select orders.body from
                 (select distinct order_id from ticket_sale order by made_at_ms desc limit ?1) as latest
             join orders on orders.id = latest.order_id order by orders.id desc",
            limit,
        );
        let bodies = select.fetch_all(&self.pool).await?;
        bodies.iter().map(|body| parse("orders", body)).collect()
    }
}
