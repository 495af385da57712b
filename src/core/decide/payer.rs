//! Payments by the code on the payer's phone (被扫): one attempt per code, decided while its vehicle stands there.
//! Keeps no code: it goes to the bank and nowhere else.
//!
//! The code is asked with once. Whatever is not explicit is asked about after 2, 3, 5, 5, 5, 5 and 5 s, and then closed:
//! the reversal is repeated until the bank says that it is closed, or that it was paid after all.

use std::time::Duration;

use super::{Desk, payment::PATIENCE};
use crate::{
    core::{
        change::Change,
        effect::Effect,
        input::{Answer, At, Refusal, Reply},
        lane::Phase,
        money::{Order, OrderState, Payment, PaymentState},
    },
    types::{
        OrderId, PayerCode, PaymentId,
        bank::{Ask, PayWay, Scanner},
    },
};

/// From the answer to one question to the next, in seconds; they come to the 30 s in which wallets have their payer
/// confirm.
const GAPS_S: [u64; 7] = [2, 3, 5, 5, 5, 5, 5];

impl Desk<'_> {
    /// A payer's code was scanned at a lane, or for an order at a counter.
    pub(super) fn payer_code(&mut self, at: &At, code: PayerCode) -> Reply {
        let id = self.order_at(at)?;
        let order = self.order(id).cloned().ok_or(Refusal::NotDue(id))?;
        match order.state {
            OrderState::Due | OrderState::Unpaid if self.still_owed(&order) => {}
            OrderState::Paid { .. } => return Ok(Answer::AlreadyPaid),
            OrderState::Due | OrderState::Unpaid | OrderState::Waived { .. } | OrderState::Void => {
                return Err(Refusal::NotDue(id));
            }
        }
        if let Some(fresh) = self.fresh_prepay(&order)? {
            return Ok(fresh);
        }
        if self.is_being_charged(id) {
            return Ok(Answer::Charging);
        }
        self.may_pay(&order, false)?;
        self.reverse_undecided(id);
        Ok(Answer::Payment(self.collect(&order, code)))
    }

    fn order_at(&self, at: &At) -> Result<OrderId, Refusal> {
        let id = match at {
            At::Order(order) => return Ok(*order),
            At::Lane(lane) => lane,
        };
        let lane = self.lane(id).ok_or_else(|| Refusal::NoLane(id.clone()))?;
        let visit = lane.visit.as_ref().filter(|_| lane.phase == Phase::AwaitingPayment);
        visit.and_then(|visit| visit.order).ok_or_else(|| Refusal::NobodyThere(id.clone()))
    }

    fn collect(&mut self, order: &Order, code: PayerCode) -> PaymentId {
        let way = PayWay::PayerCode;
        let (id, out_trade_no) = self.next_trade();
        let channel = self.channel_for(way);
        let expires_at = self.now + self.rules.pay.code_window;
        let lane = order.lane.as_ref().map(crate::types::LaneId::as_str);
        let place = lane.or(order.sale.as_ref().map(|sale| sale.counter.as_str()));
        let secret_text = code.cipher().map(str::to_owned);
        let scanner = place.map(|place| Scanner { place: place.to_owned(), secret_text });
        let ask = Ask::Collect {
            out_trade_no: out_trade_no.clone(),
            amount: order.amount,
            subject: self.subject_of(order),
            code,
            scanner,
            asked_at: self.now,
        };
        self.record(Change::Payment(Payment {
            id,
            order: order.id,
            out_trade_no,
            channel: channel.clone(),
            way,
            amount: order.amount,
            state: PaymentState::Pending,
            link: None,
            made_at: self.now,
            expires_at,
            asks: 0,
            // Without an answer by then it is closed.
            next_ask: Some(expires_at),
            bank_no: None,
            printed: false,
            charge: None,
        }));
        self.watch_attempts(order);
        self.act(Effect::AskBank { channel, ask });
        id
    }

    /// How long to wait after an answer that decided nothing; `None`: as for any payment.
    pub(super) fn code_gap(payment: &Payment) -> Option<Duration> {
        let young = payment.way == PayWay::PayerCode && payment.state == PaymentState::Pending;
        let gap = GAPS_S.get(payment.asks as usize).filter(|_| young)?;
        Some(Duration::from_secs(*gap))
    }

    /// An answer is not waited for longer than the payment lives, where somebody waits for it.
    pub(super) fn patience(&self, payment: &Payment) -> jiff::Timestamp {
        let usual = self.now + PATIENCE;
        let short = payment.way == PayWay::PayerCode && payment.state == PaymentState::Pending;
        if short {
            usual.min(payment.expires_at.max(self.now + Duration::from_secs(1)))
        } else {
            usual
        }
    }
}
