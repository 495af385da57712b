//! What the pages of payments and the programs of counters ask of the tables. Decides nothing.

use super::pages::{Tables, odd};
use crate::{
    core::money::{Order, Refund},
    http::ports::{Counter, Found, PaymentFile, PaymentRecords, Row},
    types::{CounterId, OrderId, PaymentId},
};

impl PaymentRecords for Tables {
    fn payment(&self, id: PaymentId) -> Found<'_, Option<PaymentFile>> {
        Box::pin(async move {
            let Some((payment, order)) = self.reader.payment(id).await.map_err(odd)? else {
                return Ok(None);
            };
            let refunds = self.reader.refunds_of(id).await.map_err(odd)?;
            let history = self.reader.payment_history(id).await.map_err(odd)?.into_iter();
            let history =
                history.map(|past| Row { seq: past.seq, at: past.at, change: past.change });
            Ok(Some(PaymentFile { payment, order, refunds, history: history.collect() }))
        })
    }

    fn refunds_of_order(&self, order: OrderId) -> Found<'_, Vec<Refund>> {
        Box::pin(async move {
            let mut refunds = Vec::new();
            for payment in self.reader.payments_of(order).await.map_err(odd)? {
                refunds.extend(self.reader.refunds_of(payment.id).await.map_err(odd)?);
            }
            Ok(refunds)
        })
    }

    fn sale(&self, counter: CounterId, key: String) -> Found<'_, Option<Order>> {
        Box::pin(async move { self.reader.sale(&counter, &key).await.map_err(odd) })
    }

    fn counters(&self) -> Found<'_, Vec<Counter>> {
        Box::pin(async move {
            let known = self.accounts.counters().await.map_err(odd)?.into_iter();
            Ok(known.map(|(id, made_by, made_at)| Counter { id, made_by, made_at }).collect())
        })
    }

    fn put_counter(&self, counter: CounterId, token: [u8; 32], made_by: String) -> Found<'_, ()> {
        Box::pin(async move {
            let now = self.app.now();
            self.accounts.put_counter(&counter, &token, &made_by, now).await.map_err(odd)
        })
    }

    fn drop_counter(&self, counter: CounterId) -> Found<'_, ()> {
        Box::pin(async move { self.accounts.drop_counter(&counter).await.map_err(odd) })
    }

    fn counter_of_token(&self, token: [u8; 32]) -> Found<'_, Option<CounterId>> {
        Box::pin(async move { self.accounts.counter_of_token(&token).await.map_err(odd) })
    }
}
