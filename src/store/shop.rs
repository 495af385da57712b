//! What is looked up of sold tickets: what an order bought and how it was paid, who collects it, what was done with a
//! ticket, a day's time slots. Knows no rule.

use jiff::civil::Date;

use super::{Past, Reader, StoreError, load::parse, pages::past};
use crate::{
    core::{
        money::{Order, OrderState, PaidBy},
        selling::{Bought, PaidWith},
        slot::Slot,
        ticket::Ticket,
    },
    types::{CodeDigest, OrderId, TicketId},
};

/// Rows of one ticket that are shown.
const HISTORY_MAX: i64 = 100;
/// Slots of a span of days that are read at once: two months of sixteen a day.
const SLOTS_MAX: i64 = 1_000;

impl Reader {
    /// An order of tickets that is paid, with what paid it.
    pub async fn bought(&self, id: OrderId) -> Result<Option<Bought>, StoreError> {
        let Some(order) = self.order(id).await? else { return Ok(None) };
        let OrderState::Paid { by, .. } = order.state else { return Ok(None) };
        let with = match by {
            PaidBy::Payment(id) => {
                self.payment(id).await?.map(|(payment, _)| PaidWith::Payment(payment))
            }
            PaidBy::Cash(id) => self.cash(id).await?.map(PaidWith::Cash),
            PaidBy::Counter => Some(PaidWith::Counter),
            PaidBy::Pass(_) => None,
        };
        Ok(with.filter(|_| order.basket.is_some()).map(|with| Bought { order, with }))
    }

    /// Orders of tickets whose payers have cash to fetch, the oldest first, each with how much in minor units.
    pub async fn cash_waiting(&self, limit: u32) -> Result<Vec<(Order, i64)>, StoreError> {
        let select = sqlx::query!(
            r#"select body, owed - given as "left!: i64" from (
                 select orders.id, orders.body,
                     min(orders.body ->> '$.basket.cash_owed_minor', taken.body ->> '$.amount.minor') as owed,
                     coalesce((
                         select sum(back.body ->> '$.amount.minor') from register as back
                         where back.kind = 'cash' and back.body ->> 'refund_of' is not null
                             and back.body ->> 'refund_of' = orders.body ->> '$.state.cash'
                     ), 0) as given
                 from orders
                 join register as taken
                     on taken.kind = 'cash' and taken.id = cast(orders.body ->> '$.state.cash' as text)
                 where orders.body ->> '$.basket.cash_owed_minor' > 0
             ) where owed > given order by id limit ?1"#,
            limit,
        );
        let rows = select.fetch_all(&self.pool).await?;
        rows.into_iter().map(|row| Ok((parse("orders", &row.body)?, row.left))).collect()
    }

    /// The order that is collected with this code, also one that is over.
    pub async fn order_of_pickup(&self, code: &CodeDigest) -> Result<Option<Order>, StoreError> {
        let code = code.to_string();
        let select = sqlx::query_scalar!(
            "select body from orders where body ->> '$.basket.pickup' = ?1 order by id desc limit 1",
            code,
        );
        let body = select.fetch_optional(&self.pool).await?;
        body.map(|body| parse("orders", &body)).transpose()
    }

    /// The tickets of a visitor's number that let in at `from` or later, soonest first.
    pub async fn tickets_of_visitor(
        &self,
        visitor: &CodeDigest,
        from: jiff::Timestamp,
        limit: u32,
    ) -> Result<Vec<Ticket>, StoreError> {
        let (visitor, from_ms) = (visitor.to_string(), from.as_millisecond());
        let select = sqlx::query_scalar!(
            "select ticket.body from ticket_sale join ticket on ticket.id = ticket_sale.ticket_id
             where ticket_sale.visitor = ?1 and ticket_sale.until_ms > ?2
             order by ticket_sale.from_ms, ticket_sale.ticket_id limit ?3",
            visitor,
            from_ms,
            limit,
        );
        let bodies = select.fetch_all(&self.pool).await?;
        bodies.iter().map(|body| parse("ticket", body)).collect()
    }

    /// The tickets of an order, in its order.
    pub async fn tickets_of_order(&self, order: OrderId) -> Result<Vec<Ticket>, StoreError> {
        let select = sqlx::query_scalar!(
            "select ticket.body from ticket_sale join ticket on ticket.id = ticket_sale.ticket_id
             where ticket_sale.order_id = ?1 order by ticket_sale.ticket_id",
            order.0,
        );
        let bodies = select.fetch_all(&self.pool).await?;
        bodies.iter().map(|body| parse("ticket", body)).collect()
    }

    /// What people did with a ticket, oldest first.
    pub async fn ticket_history(&self, ticket: TicketId) -> Result<Vec<Past>, StoreError> {
        let select = sqlx::query!(
            r#"select seq, at_ms, kind, body from journal
             where kind = 'ticket_acted' and body ->> 'ticket' = ?1 order by seq desc limit ?2"#,
            ticket.0,
            HISTORY_MAX,
        );
        let mut rows = select.fetch_all(&self.pool).await?;
        rows.reverse();
        rows.into_iter().map(|row| past(row.seq, row.at_ms, &row.kind, &row.body)).collect()
    }

    /// Time slots of these days that anybody had to do with, also those that are over; of very many, the first.
    pub async fn slots(&self, from: Date, until: Date) -> Result<Vec<Slot>, StoreError> {
        let (from, until) = (from.to_string(), until.to_string());
        let select = sqlx::query_scalar!(
            "select body from register where kind = 'slot' and body ->> 'day' between ?1 and ?2
             order by body ->> 'day', id limit ?3",
            from,
            until,
            SLOTS_MAX,
        );
        let bodies = select.fetch_all(&self.pool).await?;
        bodies.iter().map(|body| parse("slot", body)).collect()
    }
}
