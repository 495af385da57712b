//! Attempts to collect: asked for once, asked about until the bank has said what became of them. Knows no lane.
//!
//! `Pending` is the answer to everything that is not explicit. Nothing is created twice: an attempt whose cashier link
//! got lost is reversed, and the driver gets a new attempt with a new number. A word that comes late is never dropped:
//! it settles the order, or the money goes back.

use std::time::Duration;

use super::{Desk, ledger::Entry};
use crate::{
    core::{
        change::{AlarmKind, Change},
        effect::Effect,
        input::{Answer, Asked, Refusal, Reply},
        money::{Account, Order, OrderState, Payment, PaymentState, Refund, RefundState},
    },
    types::{
        ChannelId, Money, OrderId, PaymentId, RefundId,
        bank::{Ask, PayWay, Word},
    },
};

/// An answer that has not come by then will not come: the channel gives up after 38 s (8 s connect, 30 s read).
const PATIENCE: Duration = Duration::from_secs(45);
/// A link that has not come by then is not waited for.
const LINK_PATIENCE: Duration = Duration::from_secs(10);
/// A link this close to its end is not given to another phone.
const LINK_TAIL: Duration = Duration::from_secs(30);
/// A payment undecided for this long is shown to the operator.
const UNDECIDED_LONG: Duration = Duration::from_mins(10);
/// Unanswered questions in a row before the operator is told that the bank is silent.
const SILENT_ASKS: u32 = 3;
/// After a reversal the payment is looked at this often again: people do pay at the last moment.
const LATE_LOOKS: [Duration; 3] =
    [Duration::from_mins(1), Duration::from_mins(10), Duration::from_hours(1)];

/// What a site without a channel asks: the answer is that there is none.
fn no_channel() -> ChannelId {
    ChannelId::parse("none").unwrap_or_else(|| unreachable!("none is a channel's name"))
}

impl Desk<'_> {
    pub(super) fn pay_asked(&mut self, id: OrderId) -> Reply {
        let order = self.order(id).cloned().ok_or(Refusal::NotDue(id))?;
        match order.state {
            OrderState::Due | OrderState::Unpaid => {}
            OrderState::Paid { .. } => return Ok(Answer::AlreadyPaid),
            OrderState::Waived { .. } | OrderState::Void => return Err(Refusal::NotDue(id)),
        }
        if let Some(fresh) = self.fresh_prepay(&order)? {
            return Ok(fresh);
        }
        if let Some(payment) = self.payments_of(id).into_iter().find(|p| self.is_usable(p)) {
            return Ok(Answer::Payment(payment.id));
        }
        self.reverse_undecided(id);
        Ok(Answer::Payment(self.new_payment(&order)))
    }

    /// Two phones share one attempt as long as its link is there, or may still come.
    fn is_usable(&self, payment: &Payment) -> bool {
        let age = self.now.duration_since(payment.made_at).unsigned_abs();
        payment.state == PaymentState::Pending
            && self.now + LINK_TAIL < payment.expires_at
            && (payment.link.is_some() || age <= LINK_PATIENCE)
    }

    fn new_payment(&mut self, order: &Order) -> PaymentId {
        let id = self.next_payment();
        let (pay, way) = (&self.rules.pay, PayWay::Cashier);
        let channel = self.channel_for(way);
        let stamp = self.now.to_zoned_datetime(self.rules.zone.clone()).strftime("%y%m%d%H%M%S");
        let out_trade_no = format!("{}{stamp}{:05}", pay.trade_prefix, id.0);
        let plate = self.plate_of(order).map(|plate| plate.full().to_owned());
        let expires_in_s = pay.link_life.as_secs() as u32;
        let ask = Ask::Generate {
            out_trade_no: out_trade_no.clone(),
            amount: order.amount,
            subject: format!("停车费 {}", plate.unwrap_or_default()).trim().to_owned(),
            expires_in_s,
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
            expires_at: self.now + pay.link_life,
            asks: 0,
            next_ask: Some(self.now + PATIENCE),
            bank_no: None,
        }));
        self.act(Effect::AskBank { channel, ask });
        id
    }

    /// The first channel that collects this way and answers; with none that answers, the first.
    fn channel_for(&self, way: PayWay) -> ChannelId {
        let able = || self.rules.pay.channels.iter().filter(|channel| channel.ways.contains(&way));
        let well =
            able().find(|channel| !self.is_raised(channel.id.as_str(), AlarmKind::BankSilent));
        well.or_else(|| able().next()).map_or_else(no_channel, |channel| channel.id.clone())
    }

    // ---- what the bank says --------------------------------------------------------------------

    pub(super) fn bank_said(&mut self, out_trade_no: &str, to: Asked, word: Word) -> Reply {
        let known = self.state.payment_of(out_trade_no).and_then(|p| self.payment(p.id)).cloned();
        let Some(payment) = known else { return self.word_unplaced(out_trade_no, &word) };
        let order = payment.order;
        let reply = self.weigh(payment, to, word);
        self.file_if_over(order);
        reply
    }

    fn weigh(&mut self, payment: Payment, to: Asked, word: Word) -> Reply {
        match word {
            Word::Cashier { link } => self.link_came(payment, link),
            Word::Paid { amount, bank_no, .. } => self.paid(payment, to, amount, bank_no),
            Word::Failed { why } => self.failed(payment, to, why),
            Word::Reversed => self.reversed(payment, to),
            Word::Paying | Word::Accepted | Word::Reversing => {
                self.clear("bank", AlarmKind::BankSilent);
                self.ask_later(payment);
                Ok(Answer::Done)
            }
            Word::Refused { code, why } => self.refused(payment, to, &format!("{code} {why}")),
            Word::Unknown { why } => {
                if payment.asks >= SILENT_ASKS && to != Asked::Notified {
                    self.raise("bank", AlarmKind::BankSilent, why);
                    self.bank_went_silent();
                }
                self.ask_again(payment);
                Ok(Answer::Done)
            }
            Word::Refunded | Word::PartRefunded | Word::Refunding => self.refunded_there(payment),
            Word::RefundDone { .. } => Err(Refusal::WordUnfit(payment.out_trade_no)),
        }
    }

    fn word_unplaced(&mut self, out_trade_no: &str, word: &Word) -> Reply {
        if let Word::Paid { amount, .. } = word {
            let detail =
                format!("{out_trade_no}: the bank says {amount} was paid; nobody here asked");
            self.record(Change::WordUnplaced {
                out_trade_no: out_trade_no.into(),
                word: format!("{word:?}"),
            });
            self.raise(out_trade_no, AlarmKind::PaymentUnknown, detail);
        }
        Err(Refusal::NoPayment(out_trade_no.into()))
    }

    fn link_came(&mut self, mut payment: Payment, link: String) -> Reply {
        self.clear("bank", AlarmKind::BankSilent);
        if payment.state == PaymentState::Pending && payment.link.is_none() {
            payment.link = Some(link);
            self.ask_later(payment);
        }
        Ok(Answer::Done)
    }

    fn paid(&mut self, mut payment: Payment, to: Asked, amount: Money, bank_no: String) -> Reply {
        self.clear("bank", AlarmKind::BankSilent);
        match payment.state {
            PaymentState::Paid { .. } | PaymentState::Disputed { .. } => {
                // One that was recalled for this word goes back to the tables.
                self.file_if_over(payment.order);
                return Ok(Answer::Duplicate);
            }
            // Told before a reversal undid it, perhaps: only an answer to a question asked since is believed.
            PaymentState::Reversing if to != Asked::Query || payment.bank_no.is_none() => {
                return self.ask_whether_paid(payment, bank_no);
            }
            PaymentState::Reversed | PaymentState::Failed { .. } if to != Asked::Query => {
                return self.ask_whether_paid(payment, bank_no);
            }
            PaymentState::Pending
            | PaymentState::Reversing
            | PaymentState::Reversed
            | PaymentState::Failed { .. } => {}
        }
        self.clear(&payment.out_trade_no, AlarmKind::PaymentUndecided);
        payment.bank_no = Some(bank_no);
        payment.next_ask = None;
        if amount != payment.amount {
            let detail = format!("asked for {}, the bank names {amount}", payment.amount);
            self.raise(&payment.out_trade_no, AlarmKind::AmountDiffers, detail);
            payment.state = PaymentState::Disputed { bank: amount };
            self.record(Change::Payment(payment));
            return Ok(Answer::Done);
        }
        payment.state = PaymentState::Paid { at: self.now };
        self.record(Change::Payment(payment.clone()));
        self.settle(&payment);
        Ok(Answer::Done)
    }

    /// The questions of one payment go to the bank one after the other, so this one comes after any reversal.
    fn ask_whether_paid(&mut self, mut payment: Payment, bank_no: String) -> Reply {
        let (out_trade_no, way) = (payment.out_trade_no.clone(), payment.way);
        let channel = payment.channel.clone();
        payment.bank_no = Some(bank_no);
        payment.next_ask = Some(self.now + PATIENCE);
        self.record(Change::Payment(payment));
        self.act(Effect::AskBank { channel, ask: Ask::Query { out_trade_no, way } });
        Ok(Answer::Done)
    }

    fn failed(&mut self, mut payment: Payment, to: Asked, why: String) -> Reply {
        self.clear("bank", AlarmKind::BankSilent);
        if !payment.state.is_undecided() {
            self.looked(payment, to);
            return Ok(Answer::Duplicate);
        }
        self.clear(&payment.out_trade_no, AlarmKind::PaymentUndecided);
        payment.state = PaymentState::Failed { why };
        self.look_late(payment, 0);
        Ok(Answer::Done)
    }

    fn reversed(&mut self, mut payment: Payment, to: Asked) -> Reply {
        self.clear("bank", AlarmKind::BankSilent);
        match payment.state {
            PaymentState::Pending | PaymentState::Reversing => {
                self.clear(&payment.out_trade_no, AlarmKind::PaymentUndecided);
                payment.state = PaymentState::Reversed;
                self.look_late(payment, 0);
                Ok(Answer::Done)
            }
            PaymentState::Reversed | PaymentState::Failed { .. } => {
                self.looked(payment, to);
                Ok(Answer::Duplicate)
            }
            PaymentState::Paid { .. } | PaymentState::Disputed { .. } => {
                let detail = "paid, and then reversed by the bank's word".to_owned();
                self.raise(&payment.out_trade_no, AlarmKind::AmountDiffers, detail);
                Err(Refusal::WordUnfit(payment.out_trade_no))
            }
        }
    }

    /// The bank did not accept the question itself.
    fn refused(&mut self, payment: Payment, to: Asked, why: &str) -> Reply {
        self.clear("bank", AlarmKind::BankSilent);
        match (to, &payment.state) {
            (Asked::Generate, PaymentState::Pending) if payment.link.is_none() => {
                self.failed(payment, to, why.to_owned())
            }
            // Not a word about the payment: keep asking.
            _ => {
                self.ask_later(payment);
                Ok(Answer::Done)
            }
        }
    }

    /// The bank gave money back that we did not tell it to: a person must look.
    fn refunded_there(&mut self, mut payment: Payment) -> Reply {
        if payment.state.is_undecided() {
            let bank = Money::zero(payment.amount.currency);
            let detail = "the bank says it was paid and given back".to_owned();
            self.raise(&payment.out_trade_no, AlarmKind::AmountDiffers, detail);
            payment.state = PaymentState::Disputed { bank };
            payment.next_ask = None;
            self.record(Change::Payment(payment));
        }
        Ok(Answer::Done)
    }

    // ---- when to ask again -----------------------------------------------------------------------

    /// Every 3 s while a driver stands there, more seldom later, for as long as it is undecided.
    fn ask_later(&mut self, mut payment: Payment) {
        match payment.state {
            PaymentState::Pending | PaymentState::Reversing => {
                let age = self.now.duration_since(payment.made_at).unsigned_abs();
                let gap = match age.as_secs() {
                    0..=120 => 3,
                    121..=600 => 10,
                    601..=7_200 => 60,
                    _ => 600,
                };
                payment.next_ask = Some(self.now + Duration::from_secs(gap));
                self.record(Change::Payment(payment));
            }
            PaymentState::Reversed | PaymentState::Failed { .. } => {
                self.looked(payment, Asked::Query);
            }
            PaymentState::Paid { .. } | PaymentState::Disputed { .. } => {}
        }
    }

    /// Nothing was learnt: the same question comes again, and a late look does not count.
    fn ask_again(&mut self, mut payment: Payment) {
        if payment.state.is_undecided() {
            self.ask_later(payment);
        } else if payment.next_ask.is_some() {
            payment.next_ask = Some(self.now + LATE_LOOKS[0]);
            self.record(Change::Payment(payment));
        }
    }

    /// A late look was answered; the next is later still.
    fn looked(&mut self, payment: Payment, to: Asked) {
        let late = matches!(payment.state, PaymentState::Reversed | PaymentState::Failed { .. });
        if late && to == Asked::Query && payment.next_ask.is_some() {
            let looks = payment.asks + 1;
            self.look_late(payment, looks);
        }
    }

    fn look_late(&mut self, mut payment: Payment, looks: u32) {
        let id = payment.id;
        payment.asks = looks;
        payment.next_ask = LATE_LOOKS.get(looks as usize).map(|gap| self.now + *gap);
        let over = payment.next_ask.is_none();
        self.record(Change::Payment(payment));
        if over {
            self.record(Change::PaymentFiled { payment: id });
        }
    }

    pub(super) fn payment_due(&mut self, id: PaymentId) {
        let Some(mut payment) = self.payment(id).cloned() else { return };
        if payment.next_ask.is_none_or(|at| at > self.now) {
            return;
        }
        let (out_trade_no, way) = (payment.out_trade_no.clone(), payment.way);
        let channel = payment.channel.clone();
        let expired = self.now >= payment.expires_at;
        let age = self.now.duration_since(payment.made_at).unsigned_abs();
        if payment.state.is_undecided() && age >= UNDECIDED_LONG {
            let detail = format!("{} asked for at {}", payment.amount, payment.made_at);
            self.raise(&out_trade_no, AlarmKind::PaymentUndecided, detail);
        }
        if payment.state.is_undecided() {
            payment.asks += 1;
        }
        payment.next_ask = Some(self.now + PATIENCE);
        let ask = match payment.state {
            PaymentState::Pending if expired => {
                payment.state = PaymentState::Reversing;
                Ask::Reverse { out_trade_no, way }
            }
            // A reversal that is refused may mean that it was paid: ask in turn.
            PaymentState::Reversing if payment.asks % 2 == 1 && payment.bank_no.is_none() => {
                Ask::Reverse { out_trade_no, way }
            }
            PaymentState::Pending
            | PaymentState::Reversing
            | PaymentState::Reversed
            | PaymentState::Failed { .. } => Ask::Query { out_trade_no, way },
            PaymentState::Paid { .. } | PaymentState::Disputed { .. } => return,
        };
        self.record(Change::Payment(payment));
        self.act(Effect::AskBank { channel, ask });
    }

    /// Nobody should pay this order any more by an attempt that is still open.
    pub(super) fn reverse_undecided(&mut self, order: OrderId) {
        for mut payment in self.payments_of(order) {
            if payment.state == PaymentState::Pending {
                payment.state = PaymentState::Reversing;
                payment.asks = 1;
                payment.next_ask = Some(self.now + PATIENCE);
                let (out_trade_no, way) = (payment.out_trade_no.clone(), payment.way);
                let channel = payment.channel.clone();
                self.record(Change::Payment(payment));
                self.act(Effect::AskBank { channel, ask: Ask::Reverse { out_trade_no, way } });
            }
        }
    }

    pub(super) fn recalled(&mut self, payment: Payment, order: Order) -> Reply {
        if self.payment(payment.id).is_none() {
            self.record(Change::Payment(payment));
            self.record(Change::Order(order));
        }
        Ok(Answer::Done)
    }

    /// An order whose vehicle has gone keeps no decided payment in memory.
    pub(super) fn file_if_over(&mut self, order: OrderId) {
        let over = self.order(order).is_none_or(|order| self.stay(order.stay).is_none());
        if over {
            self.file_decided(order);
        }
    }

    // ---- refunds -----------------------------------------------------------------------------------

    pub(super) fn refund_due(&mut self, id: RefundId) {
        let Some(mut refund) = self.refund(id).cloned() else { return };
        refund.asks += 1;
        refund.next_ask = Some(self.now + PATIENCE);
        let ask = Ask::Refund {
            out_trade_no: refund.out_trade_no.clone(),
            refund_no: refund.refund_no.clone(),
            amount: refund.amount,
            paid: refund.paid.unwrap_or(refund.amount),
            way: refund.way,
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
            Word::Refused { code, why } => {
                let detail = format!("{} of {}: {code} {why}", refund.amount, refund.refund_no);
                self.raise(&refund.out_trade_no, AlarmKind::RefundRefused, detail);
                self.end_refund(refund, RefundState::Refused);
            }
            _ => self.refund_later(refund),
        }
        Ok(Answer::Done)
    }

    fn refund_done(&mut self, refund: Refund) {
        self.book(Entry {
            payment: Some(refund.payment),
            refund: Some(refund.id),
            ..Entry::new(Account::RefundsPayable, Account::ChannelReceivable, refund.amount)
        });
        self.look_for_invoice_of(refund.id, refund.why);
        self.end_refund(refund, RefundState::Done);
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
