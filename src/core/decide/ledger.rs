//! Lines of the ledger, each of a debit and a credit of the same amount. Knows no stay and no bank.

use super::Desk;
use crate::{
    core::{
        change::Change,
        money::{Account, Posting},
    },
    types::{CashId, Money, PaymentId, RefundId, ShiftId},
};

/// What is to be posted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) debit: Account,
    pub(super) credit: Account,
    pub(super) amount: Money,
    pub(super) payment: Option<PaymentId>,
    pub(super) refund: Option<RefundId>,
    pub(super) cash: Option<CashId>,
    pub(super) shift: Option<ShiftId>,
}

impl Entry {
    pub(super) fn new(debit: Account, credit: Account, amount: Money) -> Self {
        Self { debit, credit, amount, payment: None, refund: None, cash: None, shift: None }
    }
}

impl Desk<'_> {
    /// Posts it; an amount of nothing is not posted.
    pub(super) fn book(&mut self, entry: Entry) {
        let Entry { debit, credit, amount, payment, refund, cash, shift } = entry;
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
            debit,
            credit,
            amount,
        }));
    }
}
