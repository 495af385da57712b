//! A bank in virtual time on the core's own words: takes money, forgets answers, tells late, and keeps its own books.
//! Knows no wire and no site.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use paifang::{
    bank::statement::What,
    types::{
        Money,
        bank::{Ask, Word},
    },
};

use super::{morning::Moved, plates::Bound};
use crate::{
    faults::{BankFaults, Tally},
    queue::Queue,
    seed::{Draws, Seed},
    world::people::CashierSays,
};

/// After this the channel gives up and says it does not know.
pub(super) const TIMEOUT: Duration = Duration::from_secs(38);
/// Who has not confirmed by then has not paid.
const CODE_LIFE: Duration = Duration::from_secs(40);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TradeState {
    Waiting,
    /// To be collected from what is bound to a plate.
    Accepted,
    Paid,
    Failed,
    Reversed,
    /// A number that was reversed before it was ever used, or refused.
    Dead,
}

/// One attempt to collect, as the bank sees it.
#[derive(Clone, Debug)]
pub struct Trade {
    /// Which bank's it is: the first's, or the second's.
    pub(super) bank: usize,
    pub(super) state: TradeState,
    pub(super) asked: Money,
    /// What the payer's account lost, before refunds.
    pub taken_minor: i64,
    pub(super) expires_at: Timestamp,
    /// Called failed once it has expired, not paying for ever.
    pub(super) fails: bool,
    pub refunds: BTreeMap<String, i64>,
}

impl Trade {
    /// What the bank owes the merchant for it.
    pub fn net_minor(&self) -> i64 {
        self.taken_minor - self.refunds.values().sum::<i64>()
    }
}

#[derive(Debug)]
pub(super) enum Ev {
    /// An accepted charge is collected, or not.
    Collects(String, bool),
    /// A payment that the bank had called reversed goes through.
    LateSuccess(String),
    /// A payer confirms what was asked for by a code.
    Confirms(String),
    Notify(String, Word),
    /// One of the banks falls silent, or speaks again.
    Silence(usize, bool),
}

#[derive(Debug)]
pub struct PureBank {
    pub trades: BTreeMap<String, Trade>,
    pub(super) bound: Bound,
    pub(super) faults: BankFaults,
    pub(super) draws: Draws,
    pub(super) queue: Queue<Ev>,
    /// Each of the two.
    pub(super) silent: [bool; 2],
    /// Who is being asked.
    pub(super) asked: usize,
    /// What its statements are made of.
    pub(super) moved: Vec<Moved>,
    pub drains: bool,
    pub tally: Tally,
}

impl PureBank {
    pub fn new(seed: Seed, faults: BankFaults, now: Timestamp) -> Self {
        let mut bank = Self {
            trades: BTreeMap::new(),
            bound: Bound::new(),
            faults,
            draws: seed.child("bank").draws(),
            queue: Queue::new(),
            silent: [false; 2],
            asked: 0,
            moved: Vec::new(),
            drains: false,
            tally: Tally::default(),
        };
        bank.plan_silence(0, now);
        bank
    }

    /// The site has a contract with a second one, which falls silent at times of its own.
    pub fn open_second(&mut self, now: Timestamp) {
        self.plan_silence(1, now);
    }

    fn is_silent_for(&self, no: &str) -> bool {
        self.silent[self.trades.get(no).map_or(0, |trade| trade.bank)]
    }

    pub fn next_at(&self) -> Option<Timestamp> {
        self.queue.next_at()
    }

    /// Notifications that leave now.
    pub fn step(&mut self, now: Timestamp) -> Vec<(String, Word)> {
        let mut told = Vec::new();
        while let Some(event) = self.queue.take(now) {
            match event {
                Ev::Collects(no, collects) => self.collects(&no, collects, now),
                Ev::LateSuccess(no) => self.late_success(&no, now),
                Ev::Confirms(no) => self.confirms(&no, now),
                Ev::Notify(no, _) if self.is_silent_for(&no) => {}
                Ev::Notify(no, word) => told.push((no, word)),
                Ev::Silence(bank, silent) => self.fall_silent(bank, silent, now),
            }
        }
        told
    }

    /// What comes back of this bank, and how long after.
    pub fn ask(&mut self, now: Timestamp, bank: usize, ask: &Ask) -> (Duration, Word) {
        let unknown = |why: &str| Word::Unknown { why: why.to_owned() };
        self.asked = bank;
        if self.silent[bank] {
            if self.draws.chance(0.3) {
                // It was carried out; only the answer is lost.
                self.carry_out(now, ask);
            }
            return (TIMEOUT, unknown("no answer"));
        }
        let word = self.carry_out(now, ask);
        if self.draws.chance(self.faults.unknown) {
            self.tally.add("bank: answer lost");
            return (self.draws.secs(0.1, 38.0), unknown("HTTP 502"));
        }
        if self.draws.chance(self.faults.slow) {
            self.tally.add("bank: slow");
            return (self.draws.secs(3.0, 37.0), word);
        }
        (self.draws.secs(0.05, 0.4), word)
    }

    /// A payer confirms at the cashier behind `link`.
    pub fn pay(&mut self, now: Timestamp, link: &str) -> CashierSays {
        let no = number_in(link);
        if self.is_silent_for(no) {
            return CashierSays::Busy;
        }
        let wrong = self.draws.chance(self.faults.wrong_amount);
        let Some(trade) = self.trades.get_mut(no) else { return CashierSays::Closed };
        match trade.state {
            TradeState::Waiting if now < trade.expires_at => {
                trade.state = TradeState::Paid;
                trade.taken_minor = trade.asked.minor - i64::from(wrong);
                if wrong {
                    self.tally.add("bank: wrong amount");
                }
                self.tally.add("money: paid at the bank");
                self.notify(no, now);
                CashierSays::Paid
            }
            TradeState::Paid => CashierSays::Paid,
            TradeState::Waiting
            | TradeState::Accepted
            | TradeState::Failed
            | TradeState::Reversed
            | TradeState::Dead => CashierSays::Closed,
        }
    }

    fn carry_out(&mut self, now: Timestamp, ask: &Ask) -> Word {
        match ask {
            Ask::Generate { out_trade_no, amount, expires_in_s, .. } => {
                let trade = Trade {
                    bank: self.asked,
                    state: TradeState::Waiting,
                    asked: *amount,
                    taken_minor: 0,
                    expires_at: now + Duration::from_secs((*expires_in_s).into()),
                    fails: self.draws.chance(0.3),
                    refunds: BTreeMap::new(),
                };
                let trade = self.trades.entry(out_trade_no.clone()).or_insert(trade);
                match trade.state {
                    TradeState::Waiting => Word::Cashier { link: link_of(out_trade_no) },
                    _ => refused("ORDER_USED", "the number was used before"),
                }
            }
            Ask::Query { out_trade_no, .. } => self.word_of(out_trade_no, now),
            Ask::Reverse { out_trade_no, .. } => self.reverse(out_trade_no, now),
            Ask::Refund { out_trade_no, refund_no, amount, .. } => {
                self.refund(out_trade_no, refund_no, *amount, now)
            }
            Ask::Charge { out_trade_no, amount, .. } => self.charge(now, out_trade_no, *amount),
            Ask::Collect { out_trade_no, amount, .. } => self.collect(out_trade_no, *amount, now),
            Ask::RefundQuery { out_trade_no, refund_no, .. } => {
                self.refund_word(out_trade_no, refund_no)
            }
        }
    }

    /// By the payer's code: mostly at once, else once the payer has confirmed on the phone, or never.
    fn collect(&mut self, no: &str, amount: Money, now: Timestamp) -> Word {
        let (at_once, confirms) = (self.draws.chance(0.7), self.draws.chance(0.7));
        let confirms = (!at_once && confirms).then(|| self.draws.secs(1.0, 45.0));
        let broke = self.draws.chance(0.1);
        if self.trades.contains_key(no) {
            return refused("ORDER_USED", "the number was used before");
        }
        let trade = Trade {
            bank: self.asked,
            state: if at_once { TradeState::Paid } else { TradeState::Waiting },
            asked: amount,
            taken_minor: if at_once { amount.minor } else { 0 },
            expires_at: now + CODE_LIFE,
            fails: true,
            refunds: BTreeMap::new(),
        };
        if broke {
            self.trades
                .insert(no.to_owned(), Trade { state: TradeState::Dead, taken_minor: 0, ..trade });
            return Word::Failed { why: "not enough money".into() };
        }
        self.tally.add("money: code scanned");
        self.trades.insert(no.to_owned(), trade);
        if let Some(after) = confirms {
            self.queue.put(now + after, Ev::Confirms(no.to_owned()));
        }
        if at_once {
            self.notify(no, now);
        }
        self.word_of(no, now)
    }

    /// The payer types the password, unless the attempt is over.
    fn confirms(&mut self, no: &str, now: Timestamp) {
        let Some(trade) = self.trades.get_mut(no) else { return };
        if trade.state == TradeState::Waiting && now < trade.expires_at {
            trade.state = TradeState::Paid;
            trade.taken_minor = trade.asked.minor;
            self.tally.add("money: code confirmed");
            self.notify(no, now);
        }
    }

    fn refund_word(&self, no: &str, refund_no: &str) -> Word {
        let trade = self.trades.get(no);
        match trade.and_then(|trade| Some((trade, trade.refunds.get(refund_no)?))) {
            Some((trade, minor)) => {
                Word::RefundDone { amount: Money::new(*minor, trade.asked.currency) }
            }
            None => refused("REFUND_NOT_EXIST", "no such refund"),
        }
    }

    fn word_of(&self, no: &str, now: Timestamp) -> Word {
        let Some(trade) = self.trades.get(no) else {
            return refused("ORDER_NOT_EXIST", "no such order");
        };
        match trade.state {
            TradeState::Waiting if trade.fails && now > trade.expires_at => {
                Word::Failed { why: "expired".into() }
            }
            TradeState::Waiting => Word::Paying,
            TradeState::Accepted => Word::Accepted,
            TradeState::Failed => Word::Failed { why: "not collected".into() },
            TradeState::Reversed | TradeState::Dead => Word::Reversed,
            TradeState::Paid => match trade.net_minor() {
                0 if !trade.refunds.is_empty() => Word::Refunded,
                net if net < trade.taken_minor => Word::PartRefunded,
                _ => paid_word(no, trade),
            },
        }
    }

    fn reverse(&mut self, no: &str, now: Timestamp) -> Word {
        let late = self.draws.chance(self.faults.late_success) && !self.drains;
        let undoes = self.draws.chance(0.3);
        let Some(trade) = self.trades.get_mut(no) else {
            let dead = Trade {
                bank: self.asked,
                state: TradeState::Dead,
                asked: Money::zero(paifang::types::Currency::Cny),
                taken_minor: 0,
                expires_at: now,
                fails: false,
                refunds: BTreeMap::new(),
            };
            self.trades.insert(no.to_owned(), dead);
            return Word::Reversed;
        };
        match trade.state {
            TradeState::Waiting | TradeState::Accepted => {
                trade.state = TradeState::Reversed;
                if late {
                    let after = self.draws.secs(1.0, 1_800.0);
                    self.queue.put(now + after, Ev::LateSuccess(no.to_owned()));
                }
                Word::Reversed
            }
            TradeState::Reversed | TradeState::Dead | TradeState::Failed => Word::Reversed,
            TradeState::Paid if undoes && trade.refunds.is_empty() => {
                self.tally.add("bank: paid and undone");
                trade.state = TradeState::Reversed;
                trade.taken_minor = 0;
                self.moved.retain(|moved| moved.out_trade_no != no);
                Word::Reversed
            }
            TradeState::Paid => refused("ORDER_PAID", "paid; refund it instead"),
        }
    }

    fn refund(&mut self, no: &str, refund_no: &str, amount: Money, now: Timestamp) -> Word {
        let refuses = self.draws.chance(self.faults.refund_refused);
        let pending = self.draws.chance(self.faults.slow);
        let Some(trade) = self.trades.get_mut(no) else {
            return refused("ORDER_NOT_EXIST", "no such order");
        };
        if trade.refunds.contains_key(refund_no) {
            return Word::RefundDone { amount };
        }
        if trade.state != TradeState::Paid || refuses || trade.net_minor() < amount.minor {
            self.tally.add("bank: refund refused");
            return refused("NOT_ENOUGH", "no balance to refund from");
        }
        trade.refunds.insert(refund_no.to_owned(), amount.minor);
        self.moved.push(Moved {
            at: now,
            bank: trade.bank,
            what: What::Refunded,
            out_trade_no: no.to_owned(),
            refund_no: refund_no.to_owned(),
            amount,
        });
        self.tally.add("money: refunded at the bank");
        if pending { Word::Refunding } else { Word::RefundDone { amount } }
    }

    fn late_success(&mut self, no: &str, now: Timestamp) {
        let Some(trade) = self.trades.get_mut(no) else { return };
        if trade.state == TradeState::Reversed && trade.taken_minor == 0 {
            self.tally.add("bank: paid after reversal");
            trade.state = TradeState::Paid;
            trade.taken_minor = trade.asked.minor;
            self.notify(no, now);
        }
    }

    /// It was paid: that is told at most three times in ten minutes, each of which may get lost.
    pub(super) fn notify(&mut self, no: &str, now: Timestamp) {
        let Some(trade) = self.trades.get(no) else { return };
        let word = paid_word(no, trade);
        self.moved.push(Moved {
            at: now,
            bank: trade.bank,
            what: What::Paid,
            out_trade_no: no.to_owned(),
            refund_no: String::new(),
            amount: Money::new(trade.taken_minor, trade.asked.currency),
        });
        for (low, high) in [(0.1, 3.0), (60.0, 120.0), (300.0, 600.0)] {
            if self.draws.chance(self.faults.notice_lost) {
                self.tally.add("bank: notice lost");
                continue;
            }
            let after = self.draws.secs(low, high);
            self.queue.put(now + after, Ev::Notify(no.to_owned(), word.clone()));
            let late = self.draws.chance(self.faults.notice_late);
            if late || self.draws.chance(self.faults.notice_doubled) {
                self.tally.add(if late {
                    "bank: notice of the past"
                } else {
                    "bank: notice doubled"
                });
                let more = self.draws.secs(0.0, if late { 1_200.0 } else { 1.0 });
                self.queue.put(now + after + more, Ev::Notify(no.to_owned(), word.clone()));
            }
        }
    }

    fn plan_silence(&mut self, bank: usize, now: Timestamp) {
        if self.faults.silent_per_day > 0.0 {
            let after = self.draws.wait(self.faults.silent_per_day);
            self.queue.put(now + after, Ev::Silence(bank, true));
        }
    }

    fn fall_silent(&mut self, bank: usize, silent: bool, now: Timestamp) {
        if silent && !self.drains {
            self.tally.add("bank: silent");
            self.silent[bank] = true;
            let lasts = self.draws.secs(30.0, 900.0);
            self.queue.put(now + lasts, Ev::Silence(bank, false));
            return self.plan_silence(bank, now + lasts);
        }
        self.silent[bank] = false;
    }
}

/// The link a cashier of this bank has for a number.
fn link_of(no: &str) -> String {
    format!("https://cashier.bank/{no}")
}

fn number_in(link: &str) -> &str {
    link.rsplit('/').next().unwrap_or_default()
}

pub(super) fn paid_word(no: &str, trade: &Trade) -> Word {
    let amount = Money::new(trade.taken_minor, trade.asked.currency);
    Word::Paid { amount, bank_no: format!("B{no}"), paid_at: None, payer: None }
}

pub(super) fn refused(code: &str, why: &str) -> Word {
    Word::Refused { code: code.into(), why: why.into() }
}

#[cfg(test)]
mod tests {
    use paifang::types::{Currency, bank::PayWay};

    use super::*;

    #[test]
    fn takes_money_once_and_gives_it_back_once() {
        let now: Timestamp = "2026-11-23T08:00:00Z".parse().unwrap();
        let mut bank = PureBank::new(Seed(1), BankFaults::default(), now);
        let amount = Money::new(500, Currency::Cny);
        let no = || "PF1".to_owned();
        let generate = Ask::Generate {
            out_trade_no: no(),
            amount,
            subject: String::new(),
            expires_in_s: 300,
            asked_at: now,
        };
        let Word::Cashier { link } = bank.ask(now, 0, &generate).1 else { panic!() };
        assert_eq!(bank.pay(now, &link), CashierSays::Paid);
        assert_eq!(bank.pay(now, &link), CashierSays::Paid);
        assert_eq!(bank.trades["PF1"].net_minor(), 500);
        let (refund_no, way) = ("R1".into(), PayWay::Cashier);
        let refund = Ask::Refund { out_trade_no: no(), refund_no, amount, paid: amount, way };
        for _ in 0..2 {
            assert_eq!(bank.ask(now, 0, &refund).1, Word::RefundDone { amount });
        }
        assert_eq!(bank.trades["PF1"].net_minor(), 0);
        assert_eq!(bank.ask(now, 0, &Ask::Query { out_trade_no: no(), way }).1, Word::Refunded);
        let about = |refund_no: &str| Ask::RefundQuery {
            out_trade_no: no(),
            refund_no: refund_no.into(),
            amount,
            way,
        };
        assert_eq!(bank.ask(now, 0, &about("R1")).1, Word::RefundDone { amount });
        assert!(matches!(bank.ask(now, 0, &about("R2")).1, Word::Refused { .. }));
    }

    #[test]
    fn a_code_is_paid_at_once_or_confirmed_or_not_and_never_twice() {
        let now: Timestamp = "2026-11-23T08:00:00Z".parse().unwrap();
        let mut bank = PureBank::new(Seed(3), BankFaults::default(), now);
        let amount = Money::new(500, Currency::Cny);
        for n in 0..60 {
            let ask = Ask::Collect {
                out_trade_no: format!("PF{n}"),
                amount,
                subject: String::new(),
                code: paifang::types::PayerCode::parse("134579246810121416").unwrap(),
                scanner: None,
                asked_at: now,
            };
            bank.ask(now, 0, &ask);
            assert!(
                matches!(bank.ask(now, 0, &ask).1, Word::Refused { .. }),
                "the same number again"
            );
        }
        let paid = |bank: &PureBank| bank.trades.values().filter(|t| t.net_minor() == 500).count();
        let at_once = paid(&bank);
        (1..40).for_each(|s| drop(bank.step(now + Duration::from_secs(s))));
        let later = paid(&bank);
        assert!(at_once > 0 && at_once < later && later < 60, "{at_once} {later}");
    }
}
