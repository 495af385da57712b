//! Payments and refunds that no bank can be asked about: what its portal says, a person says, on record. Nothing here
//! collects anything, so nothing can charge twice.
//!
//! "Paid" settles the order, or where that is settled by something else the money goes back. "Not paid" counts only once
//! the bank can no longer collect: until then the portal may say so of a charge that is still under way. Should the bank
//! tell of money after all, the person is asked again.

use std::time::Duration;

use super::Desk;
use crate::{
    core::{
        change::{AlarmKind, Change},
        input::{Answer, Asked, Refusal, Reply},
        money::{Payment, PaymentState, Refund, RefundState},
        till::TillDid,
    },
    types::{Money, PaymentId, RefundId, StayId},
};

/// Longer than any platform says it takes to collect what it was asked for (900 s).
const COLLECTED_WITHIN: Duration = Duration::from_mins(20);
/// A channel may be given the question one day.
const AGAIN: Duration = Duration::from_hours(1);

/// What a person did about it.
struct Deed {
    did: TillDid,
    who: String,
    note: String,
    amount: Money,
    stay: Option<StayId>,
    payment: PaymentId,
}

impl Desk<'_> {
    /// The channel has no such question about this payment.
    pub(super) fn unaskable(&mut self, mut payment: Payment, why: &str) -> Reply {
        let id = payment.id;
        if !needs_a_word(&payment) {
            self.looked(payment, Asked::Query);
            return Ok(Answer::Done);
        }
        let detail = format!("{} asked for at {}: {why}", payment.amount, payment.made_at);
        self.raise(&payment.out_trade_no, AlarmKind::BankCannotSay, detail);
        payment.next_ask = Some(self.now + AGAIN);
        self.record(Change::Payment(payment));
        self.charge_unanswered(id);
        Ok(Answer::Done)
    }

    /// A person has looked in the bank's portal.
    pub(super) fn portal_said(
        &mut self,
        id: PaymentId,
        is_paid: bool,
        note: &str,
        who: &str,
    ) -> Reply {
        let known = self.payment(id).cloned().ok_or(Refusal::Decided(id))?;
        let mut payment = self.marked(&known).ok_or(Refusal::Decided(id))?;
        let note = note.trim().to_owned();
        if note.is_empty() {
            return Err(Refusal::NoReason);
        }
        let collected_by = payment.made_at + COLLECTED_WITHIN;
        if !is_paid && self.now < collected_by {
            return Err(Refusal::MayCollect(id, collected_by));
        }
        let (order, amount) = (payment.order, payment.amount);
        let stay = self.order(order).and_then(|order| order.stay);
        let did = if is_paid { TillDid::PortalPaid } else { TillDid::PortalUnpaid };
        self.note(Deed { did, who: who.to_owned(), note: note.clone(), amount, stay, payment: id });
        self.clear(&payment.out_trade_no, AlarmKind::BankCannotSay);
        let reply = if is_paid {
            payment.bank_no = Some(note.clone());
            self.paid(payment, Asked::Query, amount, note)
        } else {
            payment.bank_no = None;
            self.record(Change::Payment(payment.clone()));
            self.failed(payment, Asked::Query, format!("{who}: {note}"))
        };
        self.file_if_over(order);
        reply
    }

    fn marked(&self, payment: &Payment) -> Option<Payment> {
        let marked = self.is_raised(&payment.out_trade_no, AlarmKind::BankCannotSay);
        (marked && needs_a_word(payment)).then(|| payment.clone())
    }

    /// The channel cannot be asked for a refund, or about it.
    pub(super) fn refund_unaskable(&mut self, mut refund: Refund, why: &str) {
        let detail = format!("{} to give back as {}: {why}", refund.amount, refund.refund_no);
        self.raise(&refund.out_trade_no, AlarmKind::BankCannotSay, detail);
        refund.next_ask = Some(self.now + AGAIN);
        self.record(Change::Refund(refund));
    }

    /// A person has made it in the bank's portal.
    pub(super) fn refund_made(&mut self, id: RefundId, note: String, who: String) -> Reply {
        let known = self.refund(id).filter(|refund| refund.state == RefundState::Pending).cloned();
        let refund = known.ok_or(Refusal::NoRefund(id))?;
        if !self.is_raised(&refund.out_trade_no, AlarmKind::BankCannotSay) {
            return Err(Refusal::NoRefund(id));
        }
        if note.trim().is_empty() {
            return Err(Refusal::NoReason);
        }
        let stay = refund.earned.as_ref().and_then(|earned| earned.stay);
        let (amount, payment) = (refund.amount, refund.payment);
        let did = TillDid::PortalRefunded;
        self.note(Deed { did, who, note, amount, stay, payment });
        self.clear(&refund.out_trade_no, AlarmKind::BankCannotSay);
        self.refund_done(refund);
        Ok(Answer::Refund(id))
    }

    fn note(&mut self, deed: Deed) {
        let shift = self.shift_of(&deed.who).map(|shift| shift.id);
        self.record(Change::TillActed {
            did: deed.did,
            who: deed.who,
            reason: deed.note,
            amount: deed.amount,
            lane: None,
            stay: deed.stay,
            shift,
            picture: None,
            payment: Some(deed.payment),
        });
    }
}

/// Nobody knows what became of it, or the bank told of money after it was given up.
fn needs_a_word(payment: &Payment) -> bool {
    let given_up = matches!(payment.state, PaymentState::Reversed | PaymentState::Failed { .. });
    payment.state.is_undecided() || (given_up && payment.bank_no.is_some())
}
