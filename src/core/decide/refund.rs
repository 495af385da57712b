//! Money that goes back through the bank: because nothing was owed, or because a person wants it. Knows no cash.
//!
//! A refund keeps its number for ever: asked for once, and from then on asked about and asked for in turn until the bank
//! has said what became of it. What goes back of a payment never comes to more than it was of.

use std::time::Duration;

use super::{Desk, ledger::Entry, payment::PATIENCE};
use crate::{
    core::{
        change::{AlarmKind, Change},
        effect::Effect,
        input::{Answer, RefundAsked, Refusal, Reply},
        money::{
            Account, OrderState, PaidBy, Payment, PaymentState, Refund, RefundState, RefundWhy,
        },
        tariff::PaidAt,
        till::TillDid,
    },
    types::{
        Money, RefundId,
        bank::{Ask, Word},
    },
};

impl Desk<'_> {
    /// The whole of a payment that settled nothing.
    pub(super) fn give_back(&mut self, payment: &Payment, why: RefundWhy) {
        self.book(Entry {
            payment: Some(payment.id),
            ..Entry::new(Account::ChannelReceivable, Account::RefundsPayable, payment.amount)
        });
        let refund = self.new_refund(payment, payment.amount, why);
        self.record(Change::Refund(refund));
    }

    pub(super) fn new_refund(&self, payment: &Payment, amount: Money, why: RefundWhy) -> Refund {
        let id = self.next_refund();
        Refund {
            id,
            payment: payment.id,
            out_trade_no: payment.out_trade_no.clone(),
            refund_no: format!("{}R{id}", payment.out_trade_no),
            channel: payment.channel.clone(),
            way: payment.way,
            amount,
            paid: Some(payment.amount),
            state: RefundState::Pending,
            why,
            made_at: self.now,
            asks: 0,
            next_ask: Some(self.now),
            earned: None,
            key: None,
            judged_by: None,
        }
    }

    // ---- by a person ---------------------------------------------------------------------------

    pub(super) fn refund_asked(&mut self, asked: RefundAsked) -> Reply {
        let RefundAsked { payment, order, amount_minor, key, who, reason } = asked;
        let reason = reason.trim().to_owned();
        if reason.is_empty() {
            return Err(Refusal::NoReason);
        }
        if let Some(known) = self.state.refund_by(payment.id, &key) {
            return Ok(Answer::Refund(known));
        }
        let payment = self.payment(payment.id).cloned().unwrap_or(payment);
        let order = self.order(order.id).cloned().unwrap_or(order);
        if !matches!(payment.state, PaymentState::Paid { .. }) || payment.order != order.id {
            return Err(Refusal::NotPaid(payment.out_trade_no));
        }
        let left = payment.amount.minor - self.state.given_back(payment.id);
        if !(1..=left).contains(&amount_minor) {
            return Err(Refusal::RefundTooMuch(self.money(left)));
        }
        if order.pass.is_some() {
            return Err(crate::core::manage::Unfit::EndThePass.into());
        }
        self.may_part(&payment, amount_minor)?;
        let settled = matches!(&order.state, OrderState::Paid { by: PaidBy::Payment(by), .. } if *by == payment.id);
        let why = RefundWhy::Asked { who: who.clone(), reason: reason.clone() };
        let mut refund = self.new_refund(&payment, self.money(amount_minor), why);
        refund.key = Some(key);
        refund.earned = settled.then(|| self.earned_by(&order));
        let (id, waits) = (refund.id, amount_minor > self.rules.till.approve_above_minor);
        self.note_refund(&refund, TillDid::RefundAsked, who, reason);
        if waits {
            refund.state = RefundState::Waiting;
            refund.next_ask = None;
            self.record(Change::Refund(refund));
        } else {
            self.let_go(refund);
        }
        Ok(Answer::Refund(id))
    }

    /// Whether the channel can give back so much of a payment: some give back all of it or nothing.
    pub(super) fn may_part(&self, payment: &Payment, minor: i64) -> Result<(), Refusal> {
        let whole = self.rules.pay.whole_refunds.contains(&payment.channel);
        if whole && minor != payment.amount.minor {
            return Err(Refusal::WholeOnly(payment.channel.clone()));
        }
        Ok(())
    }

    /// The second person agrees, or does not.
    pub(super) fn refund_judged(&mut self, id: RefundId, agreed: bool, who: String) -> Reply {
        let waiting = self.refund(id).filter(|refund| refund.state == RefundState::Waiting);
        let mut refund = waiting.cloned().ok_or(Refusal::NoRefund(id))?;
        let RefundWhy::Asked { who: asker, reason } = refund.why.clone() else {
            return Err(Refusal::NoRefund(id));
        };
        // Whoever asked may think better of it, but never agree with themselves.
        if agreed && asker == who {
            return Err(Refusal::SamePerson);
        }
        refund.judged_by = Some(who.clone());
        if agreed {
            self.note_refund(&refund, TillDid::RefundApproved, who, reason);
            refund.next_ask = Some(self.now);
            refund.state = RefundState::Pending;
            self.let_go(refund);
        } else {
            self.note_refund(&refund, TillDid::RefundDenied, who, reason);
            self.end_refund(refund, RefundState::Denied);
        }
        Ok(Answer::Refund(id))
    }

    pub(super) fn note_refund(
        &mut self,
        refund: &Refund,
        did: TillDid,
        who: String,
        reason: String,
    ) {
        let shift = self.shift_of(&who).map(|shift| shift.id);
        let stay = refund.earned.as_ref().and_then(|earned| earned.stay);
        let (amount, lane, picture) = (refund.amount, None, None);
        let payment = Some(refund.payment);
        self.record(Change::TillActed {
            did,
            who,
            reason,
            amount,
            lane,
            stay,
            shift,
            picture,
            payment,
        });
    }

    /// It is owed to its payer from now on, and the stay it had paid owes it again.
    pub(super) fn let_go(&mut self, refund: Refund) {
        let (minor, payment) = (refund.amount.minor, Some(refund.payment));
        let earned = refund.earned.clone();
        if let Some(earned) = &earned {
            let entry = Entry::takes_back(earned, Account::RefundsPayable, refund.amount);
            self.book(Entry { payment, ..entry });
        }
        self.record(Change::Refund(refund));
        let stay = earned.and_then(|earned| earned.stay).and_then(|stay| self.stay(stay));
        if let Some(stay) = stay.cloned() {
            self.unpay(stay, minor);
        }
    }

    // ---- what the bank says --------------------------------------------------------------------

    pub(super) fn refund_due(&mut self, id: RefundId) {
        let Some(mut refund) = self.refund(id).cloned() else { return };
        refund.asks += 1;
        refund.next_ask = Some(self.now + PATIENCE);
        let (out_trade_no, refund_no) = (refund.out_trade_no.clone(), refund.refund_no.clone());
        let (amount, way) = (refund.amount, refund.way);
        let ask = if asked_about(&refund) {
            Ask::RefundQuery { out_trade_no, refund_no, amount, way }
        } else {
            let paid = refund.paid.unwrap_or(amount);
            Ask::Refund { out_trade_no, refund_no, amount, paid, way }
        };
        let channel = refund.channel.clone();
        self.record(Change::Refund(refund));
        self.act(Effect::AskRefund { refund: id, channel, ask });
    }

    pub(super) fn refund_said(&mut self, id: RefundId, word: &Word) -> Reply {
        let refund = self.refund(id).cloned().ok_or(Refusal::NoRefund(id))?;
        if refund.state != RefundState::Pending {
            return Ok(Answer::Duplicate);
        }
        match word {
            Word::RefundDone { amount } if *amount == refund.amount => self.refund_done(refund),
            Word::Unaskable { why } => self.refund_unaskable(refund, why),
            // To a question about it this means that the bank does not know it, or that channel cannot be asked.
            Word::Refused { .. } if asked_about(&refund) => self.refund_later(refund),
            Word::Refused { code, why } => {
                let detail = format!("{} of {}: {code} {why}", refund.amount, refund.refund_no);
                self.raise(&refund.out_trade_no, AlarmKind::RefundRefused, detail);
                self.refund_refused(refund);
            }
            _ => self.refund_later(refund),
        }
        Ok(Answer::Done)
    }

    pub(super) fn refund_done(&mut self, refund: Refund) {
        self.book(Entry {
            payment: Some(refund.payment),
            refund: Some(refund.id),
            ..Entry::new(Account::RefundsPayable, Account::ChannelReceivable, refund.amount)
        });
        self.look_for_invoice_of(refund.id, &refund.why);
        self.end_refund(refund, RefundState::Done);
    }

    /// What was earned stays earned; what was owed to the payer before the refund is owed still.
    fn refund_refused(&mut self, refund: Refund) {
        if let Some(earned) = &refund.earned {
            let entry = Entry::earns(Account::RefundsPayable, earned, refund.amount);
            let (payment, id) = (Some(refund.payment), Some(refund.id));
            self.book(Entry { payment, refund: id, ..entry });
            let stay = earned.stay.and_then(|stay| self.stay(stay)).cloned();
            if let Some(mut stay) = stay {
                stay.paid_minor += refund.amount.minor;
                stay.paid.push(PaidAt { at: self.now, amount: refund.amount.minor });
                stay.paid_at = Some(self.now);
                let id = stay.id;
                self.record(Change::Stay(stay));
                self.settle_again(id);
            }
        }
        self.end_refund(refund, RefundState::Refused);
    }

    fn end_refund(&mut self, mut refund: Refund, state: RefundState) {
        refund.state = state;
        refund.next_ask = None;
        self.record(Change::Refund(refund));
    }

    /// The same number again, ever more seldom.
    fn refund_later(&mut self, mut refund: Refund) {
        let gap = Duration::from_secs(5) * 2_u32.pow(refund.asks.min(7));
        refund.next_ask = Some(self.now + gap);
        self.record(Change::Refund(refund));
    }
}

/// The last question was how it stands, not to do it: each in turn, beginning with doing it.
fn asked_about(refund: &Refund) -> bool {
    refund.asks > 0 && refund.asks.is_multiple_of(2)
}
