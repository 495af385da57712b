//! Money given back: at once, after a while, or not at all; one sum per refund number. Knows no wire.

use super::{Answer, Bank, Refusal, Said, SignedDuration, State, Timestamp, draw};
use crate::bank::words::{RefundLine, RefundStanding};

/// A refund.
#[derive(Clone, Debug)]
pub(super) struct Given {
    pub(super) fen: i64,
    pub(super) at: Timestamp,
    /// From then on it is no longer under way.
    settled_at: Timestamp,
    /// It will not reach the payer.
    pub(super) fails: bool,
}

impl Given {
    fn line(&self, no: &str, now: Timestamp) -> RefundLine {
        let standing = match self.fails {
            _ if now < self.settled_at => RefundStanding::UnderWay,
            true => RefundStanding::Failed,
            false => RefundStanding::Done,
        };
        RefundLine { refund_no: no.to_owned(), fen: self.fen, standing }
    }
}

impl Bank {
    /// Gives back; the same number again is the same refund.
    pub fn refund(&mut self, now: Timestamp, out_trade_no: &str, no: &str, fen: i64) -> Answer {
        self.passwords(now);
        let chance = self.faults.refund_unknown;
        self.call(chance, |bank| bank.do_refund(now, out_trade_no, no, fen))
    }

    /// Whether an order is of this sum; one that nobody knows is of any.
    pub(in crate::bank) fn is_total(&self, out_trade_no: &str, fen: i64) -> bool {
        self.orders.get(out_trade_no).is_none_or(|order| order.fen == fen)
    }

    /// How the refunds of an order stand.
    pub fn refund_query(&mut self, now: Timestamp, out_trade_no: &str) -> Answer {
        self.call(0.0, |bank| match bank.orders.get(out_trade_no) {
            None => Said::No(Refusal::NoSuchOrder),
            Some(order) if order.refunds.is_empty() => Said::No(Refusal::NoSuchRefund),
            Some(order) => Said::Refunds {
                out_trade_no: out_trade_no.to_owned(),
                bank_no: order.bank_no.clone(),
                refunds: order.refunds.iter().map(|(no, given)| given.line(no, now)).collect(),
            },
        })
    }

    /// How a refund stands, by its own number alone.
    pub fn refund_by_no(&mut self, now: Timestamp, refund_no: &str) -> Answer {
        self.call(0.0, |bank| {
            let mut orders = bank.orders.values();
            let of = orders.find_map(|order| Some((order, order.refunds.get(refund_no)?)));
            let Some((order, given)) = of else { return Said::No(Refusal::NoSuchRefund) };
            Said::Refunds {
                out_trade_no: order.out_trade_no.clone(),
                bank_no: order.bank_no.clone(),
                refunds: vec![given.line(refund_no, now)],
            }
        })
    }

    fn do_refund(&mut self, now: Timestamp, out_trade_no: &str, reject_no: &str, fen: i64) -> Said {
        let pending = draw(&mut self.refunds, self.faults.refund_pending);
        let fails = draw(&mut self.refunds, self.faults.refund_failed);
        let lasts = if pending { self.faults.refund_pending_s } else { 0 };
        let Some(order) = self.orders.get_mut(out_trade_no) else {
            return Said::No(Refusal::NoSuchOrder);
        };
        if order.state != State::Paid {
            return Said::No(Refusal::NotPaid);
        }
        match order.refunds.get(reject_no) {
            Some(before) if before.fen != fen => return Said::No(Refusal::RefundDiffers),
            Some(_) => {}
            None if fen > order.fen - order.refunded() => {
                return Said::No(Refusal::RefundTooLarge);
            }
            None => {
                let settled_at = now + SignedDuration::from_secs(lasts.into());
                let given = Given { fen, at: now, settled_at, fails };
                order.refunds.insert(reject_no.to_owned(), given);
            }
        }
        Said::Rejected {
            out_trade_no: out_trade_no.to_owned(),
            bank_no: order.bank_no.clone(),
            reject_no: reject_no.to_owned(),
            fen,
        }
    }
}
