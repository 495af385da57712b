//! Attempts to collect: asked for once, asked about until the bank has said what became of them. Knows no lane.
//!
//! `Pending` is the answer to everything that is not explicit. Nothing is created twice: an attempt whose cashier link
//! got lost is reversed, and the driver gets a new attempt with a new number. A word that comes late is never dropped:
//! it settles the order, or the money goes back.

use std::time::Duration;

use super::Desk;
use crate::{
    core::{
        change::{AlarmKind, Change},
        effect::Effect,
        input::{Answer, Asked, Refusal, Reply},
        money::{Order, OrderState, Payment, PaymentState},
    },
    types::{
        ChannelId, Money, OrderId, PaymentId,
        bank::{Ask, PayWay, Word},
    },
};

/// An answer that has not come by then will not come: the channel gives up after 38 s (8 s connect, 30 s read).
pub(super) const PATIENCE: Duration = Duration::from_secs(45);
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
    /// `printed`: by the code that is printed at its lane.
    pub(super) fn pay_asked(&mut self, id: OrderId, printed: bool) -> Reply {
        let order = self.order(id).cloned().ok_or(Refusal::NotDue(id))?;
        match order.state {
            OrderState::Due | OrderState::Unpaid => {}
            OrderState::Paid { .. } => return Ok(Answer::AlreadyPaid),
            OrderState::Waived { .. } | OrderState::Void => return Err(Refusal::NotDue(id)),
        }
        if let Some(fresh) = self.fresh_prepay(&order)? {
            return Ok(fresh);
        }
        if self.is_being_charged(id) {
            return Ok(Answer::Charging);
        }
        if let Some(payment) = self.payments_of(id).into_iter().find(|p| self.is_usable(p)) {
            return Ok(Answer::Payment(payment.id));
        }
        self.may_pay(&order, printed)?;
        self.reverse_undecided(id);
        Ok(Answer::Payment(self.new_payment(&order, printed)))
    }

    /// Two phones share one attempt as long as its link is there, or may still come.
    fn is_usable(&self, payment: &Payment) -> bool {
        let age = self.now.duration_since(payment.made_at).unsigned_abs();
        payment.state == PaymentState::Pending
            && payment.way == PayWay::Cashier
            && self.now + LINK_TAIL < payment.expires_at
            && (payment.link.is_some() || age <= LINK_PATIENCE)
    }

    fn new_payment(&mut self, order: &Order, printed: bool) -> PaymentId {
        let (pay, way) = (&self.rules.pay, PayWay::Cashier);
        let (id, out_trade_no) = self.next_trade();
        let channel = self.channel_for(way);
        let expires_in_s = pay.link_life.as_secs() as u32;
        let ask = Ask::Generate {
            out_trade_no: out_trade_no.clone(),
            amount: order.amount,
            subject: self.subject_of(order),
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
            charge: None,
            printed,
        }));
        self.watch_attempts(order);
        self.act(Effect::AskBank { channel, ask });
        id
    }

    /// Numbers of a new attempt: ours, and the one the bank knows it by.
    pub(super) fn next_trade(&self) -> (PaymentId, String) {
        let id = self.next_payment();
        let stamp = self.now.to_zoned_datetime(self.rules.zone.clone()).strftime("%y%m%d%H%M%S");
        (id, format!("{}{stamp}{:05}", self.rules.pay.trade_prefix, id.0))
    }

    /// What the payer reads.
    pub(super) fn subject_of(&self, order: &Order) -> String {
        if let Some(sale) = &order.sale {
            return sale.subject.clone();
        }
        let plate = self.plate_of(order).map_or("", |plate| plate.full());
        format!("停车费 {plate}").trim().to_owned()
    }

    /// Who collects this way, those first that are asked first.
    pub(super) fn channels_for(&self, way: PayWay) -> Vec<ChannelId> {
        let able = self.rules.pay.channels.iter().filter(|channel| channel.ways.contains(&way));
        let ids: Vec<_> = able.map(|channel| channel.id.clone()).collect();
        if ids.is_empty() { vec![no_channel()] } else { ids }
    }

    /// The first channel that collects this way and answers; with none that answers, the first.
    pub(super) fn channel_for(&self, way: PayWay) -> ChannelId {
        let able = self.channels_for(way);
        let well = able.iter().find(|id| !self.is_raised(id.as_str(), AlarmKind::BankSilent));
        well.or(able.first()).cloned().unwrap_or_else(no_channel)
    }

    /// The payment's channel was heard.
    fn answers(&mut self, payment: &Payment) {
        self.clear(payment.channel.as_str(), AlarmKind::BankSilent);
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
            Word::Paid { amount, bank_no, payer, .. } => {
                let (id, was_paid) = (payment.id, payment.state.is_paid());
                let reply = self.paid(payment, to, amount, bank_no);
                if let Some(payer) = payer.filter(|_| !was_paid) {
                    self.count_payer(id, &payer);
                }
                reply
            }
            Word::Failed { why } => self.failed(payment, to, why),
            Word::Reversed => self.reversed(payment, to),
            Word::Accepted if payment.charge.is_some() => {
                self.answers(&payment);
                self.charge_accepted(payment);
                Ok(Answer::Done)
            }
            Word::Paying | Word::Accepted | Word::Reversing => {
                self.answers(&payment);
                self.ask_later(payment);
                Ok(Answer::Done)
            }
            Word::Refused { code, why } => self.refused(payment, to, &format!("{code} {why}")),
            Word::Unaskable { why } => self.unaskable(payment, &why),
            Word::NoOrder { .. } => {
                self.answers(&payment);
                self.ask_on(payment);
                Ok(Answer::Done)
            }
            Word::Unknown { why } => {
                if payment.asks >= SILENT_ASKS && to != Asked::Notified {
                    self.raise(payment.channel.as_str(), AlarmKind::BankSilent, why);
                    self.bank_went_silent();
                }
                self.ask_on(payment);
                Ok(Answer::Done)
            }
            Word::Refunded | Word::PartRefunded | Word::Refunding => self.refunded_there(payment),
            Word::RefundDone { .. } => Err(Refusal::WordUnfit(payment.out_trade_no)),
        }
    }

    /// Nothing was learnt of it.
    fn ask_on(&mut self, payment: Payment) {
        let id = payment.id;
        self.ask_again(payment);
        self.charge_unanswered(id);
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
        self.answers(&payment);
        if payment.state == PaymentState::Pending && payment.link.is_none() {
            payment.link = Some(link);
            self.ask_later(payment);
        }
        Ok(Answer::Done)
    }

    pub(super) fn paid(
        &mut self,
        mut payment: Payment,
        to: Asked,
        amount: Money,
        bank_no: String,
    ) -> Reply {
        self.answers(&payment);
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
        if let Some(order) = self.order(payment.order).cloned() {
            self.attempts_calm(&order);
        }
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

    pub(super) fn failed(&mut self, mut payment: Payment, to: Asked, why: String) -> Reply {
        self.answers(&payment);
        if !payment.state.is_undecided() {
            self.looked(payment, to);
            return Ok(Answer::Duplicate);
        }
        self.clear(&payment.out_trade_no, AlarmKind::PaymentUndecided);
        payment.state = PaymentState::Failed { why };
        let charged = payment.clone();
        self.look_late(payment, 0);
        self.charge_fell_through(&charged);
        Ok(Answer::Done)
    }

    fn reversed(&mut self, mut payment: Payment, to: Asked) -> Reply {
        self.answers(&payment);
        match payment.state {
            PaymentState::Pending | PaymentState::Reversing => {
                self.clear(&payment.out_trade_no, AlarmKind::PaymentUndecided);
                payment.state = PaymentState::Reversed;
                let charged = payment.clone();
                self.look_late(payment, 0);
                self.charge_fell_through(&charged);
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
        self.answers(&payment);
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
    pub(super) fn ask_later(&mut self, mut payment: Payment) {
        match payment.state {
            PaymentState::Pending | PaymentState::Reversing => {
                let age = self.now.duration_since(payment.made_at).unsigned_abs();
                let gap = match age.as_secs() {
                    0..=120 => 3,
                    121..=600 => 10,
                    601..=7_200 => 60,
                    _ => 600,
                };
                let gap = Self::code_gap(&payment).unwrap_or(Duration::from_secs(gap));
                payment.next_ask = Some(self.now + gap);
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
    pub(super) fn looked(&mut self, payment: Payment, to: Asked) {
        let late = matches!(payment.state, PaymentState::Reversed | PaymentState::Failed { .. });
        // A second answer to the same look, asked twice over a restart, is no look of its own: the next is far ahead then.
        let awaited = payment.next_ask.is_some_and(|at| at <= self.patience(&payment));
        if late && to == Asked::Query && awaited {
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
        // A charge that was accepted may take its day.
        let late = expired || payment.charge.as_ref().is_none_or(|charge| !charge.relied_on);
        if payment.state.is_undecided() && late && age >= UNDECIDED_LONG {
            let detail = format!("{} asked for at {}", payment.amount, payment.made_at);
            self.raise(&out_trade_no, AlarmKind::PaymentUndecided, detail);
        }
        if payment.state.is_undecided() {
            payment.asks += 1;
        }
        payment.next_ask = Some(self.patience(&payment));
        let ask = match payment.state {
            PaymentState::Pending if expired => {
                payment.state = PaymentState::Reversing;
                self.closing(&channel, out_trade_no, way)
            }
            // A reversal that is refused may mean that it was paid: ask in turn.
            PaymentState::Reversing if payment.asks % 2 == 1 && payment.bank_no.is_none() => {
                self.closing(&channel, out_trade_no, way)
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

    /// What closes an attempt, where its channel closes any.
    fn closing(&self, channel: &ChannelId, out_trade_no: String, way: PayWay) -> Ask {
        if self.rules.pay.never_close.contains(channel) {
            Ask::Query { out_trade_no, way }
        } else {
            Ask::Reverse { out_trade_no, way }
        }
    }

    /// Nobody should pay this order any more by an attempt that is still open.
    pub(super) fn reverse_undecided(&mut self, order: OrderId) {
        for payment in self.payments_of(order) {
            self.reverse_one(payment);
        }
    }

    pub(super) fn reverse_one(&mut self, mut payment: Payment) {
        if payment.state == PaymentState::Pending {
            payment.state = PaymentState::Reversing;
            payment.asks = 1;
            payment.next_ask = Some(self.now + PATIENCE);
            let (out_trade_no, way) = (payment.out_trade_no.clone(), payment.way);
            let channel = payment.channel.clone();
            let ask = self.closing(&channel, out_trade_no, way);
            self.record(Change::Payment(payment));
            self.act(Effect::AskBank { channel, ask });
        }
    }

    pub(super) fn recalled(&mut self, payment: Payment, order: Order) -> Reply {
        if self.payment(payment.id).is_none() {
            self.record(Change::Payment(payment));
        }
        // One in memory knows more than the tables did.
        if self.order(order.id).is_none() {
            self.record(Change::Order(order));
        }
        Ok(Answer::Done)
    }

    /// An order whose vehicle has gone keeps no decided payment in memory.
    pub(super) fn file_if_over(&mut self, order: OrderId) {
        let over = self.order(order).is_none_or(|order| match &order.sale {
            Some(sale) => sale.open_until.is_none(),
            None => self.stay_of_order(order).is_none(),
        });
        if over {
            self.file_decided(order);
        }
    }
}
