//! Lines of the ledger, each of a debit and a credit of the same amount. Knows no stay and no bank.

use super::Desk;
use crate::{
    core::{
        change::Change,
        money::{Account, Earned, Order, Posting},
    },
    types::{CashId, CounterId, Money, PassId, PaymentId, RefundId, ShiftId},
};

/// What is to be posted.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) debit: Account,
    pub(super) credit: Account,
    pub(super) amount: Money,
    pub(super) payment: Option<PaymentId>,
    pub(super) refund: Option<RefundId>,
    pub(super) cash: Option<CashId>,
    pub(super) shift: Option<ShiftId>,
    pub(super) pass: Option<PassId>,
    pub(super) counter: Option<CounterId>,
    pub(super) product: Option<String>,
}

impl Entry {
    pub(super) fn new(debit: Account, credit: Account, amount: Money) -> Self {
        let (payment, refund, cash, shift, pass) = (None, None, None, None, None);
        let (counter, product) = (None, None);
        Self { debit, credit, amount, payment, refund, cash, shift, pass, counter, product }
    }

    /// Income comes in.
    pub(super) fn earns(debit: Account, earned: &Earned, amount: Money) -> Self {
        let (counter, product) = (earned.counter.clone(), earned.product.clone());
        Self { counter, product, ..Self::new(debit, earned.account, amount) }
    }

    /// Income is taken back.
    pub(super) fn takes_back(earned: &Earned, credit: Account, amount: Money) -> Self {
        let (counter, product) = (earned.counter.clone(), earned.product.clone());
        Self { counter, product, ..Self::new(earned.account, credit, amount) }
    }

    /// What is paid for an order.
    pub(super) fn of_order(debit: Account, order: &Order, amount: Money) -> Self {
        Self::earns(debit, &Earned::by(order), amount)
    }
}

impl Desk<'_> {
    /// Posts it; an amount of nothing is not posted.
    pub(super) fn book(&mut self, entry: Entry) {
        let Entry { debit, credit, amount, payment, refund, cash, shift, pass, counter, product } =
            entry;
        if amount.is_zero() {
            return;
        }
        let (txn, at) = (self.next_txn(), self.now);
        self.record(Change::Posting(Posting {
            txn,
            at,
            payment,
            refund,
            cash,
            shift,
            pass,
            counter,
            product,
            settled: None,
            debit,
            credit,
            amount,
        }));
    }
}
