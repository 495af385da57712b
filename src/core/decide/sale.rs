//! What counters sell besides parking: made, given up, remembered for who asks twice. Knows no goods.

use super::Desk;
use crate::{
    core::{
        change::Change,
        input::{Answer, Refusal, Reply, SaleAsked},
        money::{Order, OrderState, Sale},
        tariff::Quote,
    },
    types::{CounterId, OrderId},
};

/// What a payer reads of a sale at most, in characters; the banks take no more.
pub(super) const SUBJECT_CHARS_MAX: usize = 40;
pub(super) const KEY_CHARS_MAX: usize = 64;
/// A slip of the finger: more than any counter asks for at once.
pub(super) const SALE_MINOR_MAX: i64 = 100_000_000;

impl Desk<'_> {
    pub(super) fn sale_asked(&mut self, asked: SaleAsked) -> Reply {
        let SaleAsked { counter, key, subject, amount_minor } = asked;
        let subject = subject.trim().to_owned();
        let named = (1..=SUBJECT_CHARS_MAX).contains(&subject.chars().count());
        let numbered = (1..=KEY_CHARS_MAX).contains(&key.chars().count());
        if !named || !numbered || subject.chars().chain(key.chars()).any(char::is_control) {
            return Err(Refusal::SaleUnfit);
        }
        if !(1..=SALE_MINOR_MAX).contains(&amount_minor) {
            return Err(Refusal::AmountUnfit);
        }
        let amount = self.money(amount_minor);
        if let Some(known) = self.state.sale_of(&counter, &key) {
            let same = known.amount == amount
                && known.sale.as_ref().is_some_and(|sale| sale.subject == subject);
            return if same {
                Ok(Answer::Order(known.id))
            } else {
                Err(Refusal::SaleDiffers(known.id))
            };
        }
        let (id, open_until) = (self.next_order(), Some(self.now + self.rules.pay.sale_life));
        self.record(Change::Order(Order {
            id,
            stay: None,
            sale: Some(Sale { counter, key, subject, open_until }),
            basket: None,
            pass: None,
            lane: None,
            amount,
            quote: Quote {
                from: self.now,
                to: self.now,
                amount,
                lines: Vec::new(),
                tariff: "".into(),
                version: "".into(),
                paid_minor: 0,
                leave_by: None,
            },
            made_at: self.now,
            state: OrderState::Due,
            arrears: Vec::new(),
            by_plate: true,
        }));
        Ok(Answer::Order(id))
    }

    /// Its counter does not want it paid any more.
    pub(super) fn sale_cancelled(&mut self, counter: &CounterId, id: OrderId) -> Reply {
        let order = self.order(id).filter(|order| is_of(order, counter)).cloned();
        let mut order = order.ok_or(Refusal::NotDue(id))?;
        if let Some(basket) = &mut order.basket {
            basket.given_up = true;
        }
        match order.state {
            OrderState::Due => self.end_order(order, OrderState::Void),
            OrderState::Void => return Ok(Answer::Duplicate),
            OrderState::Paid { .. } => return Ok(Answer::AlreadyPaid),
            OrderState::Waived { .. } | OrderState::Unpaid => return Err(Refusal::NotDue(id)),
        }
        Ok(Answer::Done)
    }

    /// Nobody pays it any more, and who asks for it again finds it in the tables.
    pub(super) fn sale_over(&mut self, id: OrderId) {
        let Some(mut order) = self.order(id).cloned() else { return };
        if let Some(sale) = &mut order.sale {
            sale.open_until = None;
        }
        let became = match order.state.clone() {
            OrderState::Due => OrderState::Void,
            state => state,
        };
        self.end_order(order, became);
        self.file_if_over(id);
    }
}

pub(super) fn is_of(order: &Order, counter: &CounterId) -> bool {
    order.sale.as_ref().is_some_and(|sale| sale.counter == *counter)
}
