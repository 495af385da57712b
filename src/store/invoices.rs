//! Invoices on record, what went back of their orders, and where they are sent: that alone can be deleted. Asks nobody.

use jiff::Timestamp;

use super::{Accounts, Reader, StoreError, load::parse};
use crate::{
    core::{
        invoice::{Invoice, WentBack},
        money::{Order, OrderState, PaidBy, Payment, Refund, RefundState},
        till::Cash,
    },
    types::{CashId, Contact, GivenBack, InvoiceId, Money, OrderId, RefundId},
};

impl Reader {
    pub async fn invoice(&self, id: InvoiceId) -> Result<Option<Invoice>, StoreError> {
        let id = id.to_string();
        let select =
            sqlx::query_scalar!("select body from register where kind = 'invoice' and id = ?1", id);
        let body = select.fetch_optional(&self.pool).await?;
        body.map(|body| parse("invoice", &body)).transpose()
    }

    /// All invoices of an order, red-letter and refused ones too, oldest first.
    pub async fn invoices_of(&self, order: OrderId) -> Result<Vec<Invoice>, StoreError> {
        let select = sqlx::query_scalar!(
            "select body from register where kind = 'invoice' and body ->> 'order' = ?1
             order by cast(id as integer)",
            order.0,
        );
        let bodies = select.fetch_all(&self.pool).await?;
        bodies.iter().map(|body| parse("invoice", body)).collect()
    }

    /// Latest first; `search` is part of a title, or the whole of a number or an order's number; empty: all.
    pub async fn invoices(&self, search: &str, limit: u32) -> Result<Vec<Invoice>, StoreError> {
        let select = sqlx::query_scalar!(
            "select body from register where kind = 'invoice' and (
                 ?1 = '' or instr(body ->> '$.buyer.name', ?1) > 0 or body ->> 'number' = ?1
                 or body ->> '$.state.number' = ?1 or cast(body ->> 'order' as text) = ?1
             ) order by cast(id as integer) desc limit ?2",
            search,
            limit,
        );
        let bodies = select.fetch_all(&self.pool).await?;
        bodies.iter().map(|body| parse("invoice", body)).collect()
    }

    /// What went back of the payment or cash that settled an order, or is on its way.
    pub async fn went_back(&self, order: &Order) -> Result<Vec<WentBack>, StoreError> {
        match &order.state {
            OrderState::Paid { by: PaidBy::Payment(payment), .. } => {
                let mut refunds = self.refunds_of(*payment).await?;
                refunds.retain(|refund| refund.state != RefundState::Refused);
                let back = refunds.into_iter().map(|refund| WentBack {
                    by: GivenBack::Refund(refund.id),
                    amount: refund.amount,
                    done: refund.state == RefundState::Done,
                });
                Ok(back.collect())
            }
            OrderState::Paid { by: PaidBy::Cash(cash), .. } => {
                let select = sqlx::query_scalar!(
                    "select body from register where kind = 'cash' and body ->> 'refund_of' = ?1",
                    cash.0,
                );
                let bodies = select.fetch_all(&self.pool).await?;
                let cash = bodies.iter().map(|body| {
                    let back: Cash = parse("cash", body)?;
                    let by = GivenBack::Cash(back.id);
                    Ok(WentBack { by, amount: back.amount, done: true })
                });
                cash.collect()
            }
            OrderState::Paid { by: PaidBy::Pass(_) | PaidBy::Counter, .. }
            | OrderState::Due
            | OrderState::Waived { .. }
            | OrderState::Void
            | OrderState::Unpaid => Ok(Vec::new()),
        }
    }

    /// The order whose own money went back, and how much; `None`: it was of a payment that had settled nothing.
    pub async fn order_given_back(
        &self,
        back: GivenBack,
    ) -> Result<Option<(Order, Money)>, StoreError> {
        let (order, amount, by) = match back {
            GivenBack::Refund(id) => {
                let select = sqlx::query!(
                    "select refund.body as refund, payment.body as payment
                     from refund join payment on payment.id = refund.payment_id where refund.id = ?1",
                    id.0,
                );
                let Some(row) = select.fetch_optional(&self.pool).await? else { return Ok(None) };
                let refund: Refund = parse("refund", &row.refund)?;
                let payment: Payment = parse("payment", &row.payment)?;
                (payment.order, refund.amount, PaidBy::Payment(payment.id))
            }
            GivenBack::Cash(id) => {
                let Some(cash) = self.cash(id).await? else { return Ok(None) };
                let Some(taken) = cash.refund_of else { return Ok(None) };
                (cash.order, cash.amount, PaidBy::Cash(taken))
            }
        };
        let order = self.order(order).await?;
        let settled =
            |order: &Order| matches!(order.state, OrderState::Paid { by: paid, .. } if paid == by);
        Ok(order.filter(settled).map(|order| (order, amount)))
    }

    /// What went back of orders with an invoice and has no red-letter one. Some was part of no invoice: who takes it
    /// up looks. Reads all refunds ever.
    pub async fn not_in_red(&self) -> Result<Vec<GivenBack>, StoreError> {
        let refunds = sqlx::query_scalar!(
            r#"select refund.id as "id!: i64" from refund
            join payment on payment.id = refund.payment_id
            where refund.state = 'done' and exists (
                select 1 from register where kind = 'invoice' and body ->> 'order' = +payment.order_id
            ) and not exists (
                select 1 from register where kind = 'invoice' and body ->> 'order' = +payment.order_id
                and body ->> '$.undoes.refund' = refund.id
            )"#
        );
        let cash = sqlx::query_scalar!(
            r#"select cast(cash.id as integer) as "id!: i64" from register as cash
            where cash.kind = 'cash' and cash.body ->> 'refund_of' is not null and exists (
                select 1 from register where kind = 'invoice' and body ->> 'order' = cash.body ->> 'order'
            ) and not exists (
                select 1 from register where kind = 'invoice' and body ->> 'order' = cash.body ->> 'order'
                and body ->> '$.undoes.cash' = cast(cash.id as integer)
            )"#
        );
        let refunds = refunds.fetch_all(&self.pool).await?.into_iter();
        let cash = cash.fetch_all(&self.pool).await?.into_iter();
        let refunds = refunds.map(|id| GivenBack::Refund(RefundId(id)));
        Ok(refunds.chain(cash.map(|id| GivenBack::Cash(CashId(id)))).collect())
    }

    /// Where the invoice of an order is sent; `None`: not given, or deleted.
    pub async fn invoice_contact(&self, order: OrderId) -> Result<Option<Contact>, StoreError> {
        let select =
            sqlx::query_scalar!("select contact from invoice_contact where order_id = ?1", order.0);
        let contact = select.fetch_optional(&self.pool).await?;
        contact.map(|contact| parse("invoice_contact", &contact)).transpose()
    }
}

impl Accounts {
    /// Keeps where the invoice of an order is sent, in place of what was kept before.
    pub async fn put_invoice_contact(
        &self,
        order: OrderId,
        contact: &Contact,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let contact = serde_json::json!(contact).to_string();
        let now_ms = now.as_millisecond();
        let insert = sqlx::query!(
            "insert into invoice_contact (order_id, contact, put_at_ms) values (?1, ?2, ?3)
             on conflict (order_id) do update set contact = excluded.contact, put_at_ms = excluded.put_at_ms",
            order.0,
            contact,
            now_ms,
        );
        insert.execute(&mut *self.pen.conn.lock().await).await?;
        Ok(())
    }

    /// Deletes what was kept before `before`; how many.
    pub async fn drop_invoice_contacts(&self, before: Timestamp) -> Result<u64, StoreError> {
        let before_ms = before.as_millisecond();
        let delete = sqlx::query!("delete from invoice_contact where put_at_ms < ?1", before_ms);
        let done = delete.execute(&mut *self.pen.conn.lock().await).await?;
        Ok(done.rows_affected())
    }
}
