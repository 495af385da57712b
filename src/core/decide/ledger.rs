//! Lines of the ledger, each of a debit and a credit of the same amount. Knows no stay and no bank.

use super::Desk;
use crate::{
    core::{
        change::Change,
        money::{Account, Posting},
    },
    types::{CashId, Money, PassId, PaymentId, RefundId, ShiftId},
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
    pub(super) pass: Option<PassId>,
}

impl Entry {
    pub(super) fn new(debit: Account, credit: Account, amount: Money) -> Self {
        let (payment, refund, cash, shift, pass) = (None, None, None, None, None);
        Self { debit, credit, amount, payment, refund, cash, shift, pass }
    }
}

impl Desk<'_> {
    /// Posts it; an amount of nothing is not posted.
    pub(super) fn book(&mut self, entry: Entry) {
        let Entry { debit, credit, amount, payment, refund, cash, shift, pass } = entry;
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
            settled: None,
            debit,
            credit,
            amount,
        }));
    }
}
