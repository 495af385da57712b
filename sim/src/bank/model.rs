//! The bank as such: orders, money, notifications that fall due. Time is an argument; knows no wire,
//! no signatures and no clock.
//!
//! ```text
//!            generate            customer_pays           refund (idempotent by reject_no)
//!   (none) ----------> Open --------------------> Paid ------> refunded in part, in full
//!                        |                          ^
//!                        | reverse                  | customer_pays, only with the fault
//!                        v                          | pay_after_close
//!                     Reversed ---------------------'
//! ```
//!
//! An order can also be begun by the payer's code (`codes`): then it is paid at once, or once the payer has entered the
//! password. What a day's statement says is `bills`'.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{
    faults::Faults,
    words::{Answer, Book, Generate, Notice, PayRefusal, Refusal, Said, Spoil, Standing, State},
};

mod bills;
mod charges;
mod codes;
mod refunds;

use refunds::Given;

/// A try and two more, within ten minutes.
const NOTICE_TRIES_MAX: u32 = 3;

#[derive(Debug)]
pub(super) struct Order {
    pub(super) out_trade_no: String,
    bank_no: String,
    pub(super) fen: i64,
    pub(super) subject: String,
    notify_url: Option<String>,
    expires_at: Timestamp,
    state: State,
    paid_at: Option<Timestamp>,
    /// Until then queries say "paying".
    silent_until: Option<Timestamp>,
    misstated: bool,
    pays_after_close: bool,
    refunds: BTreeMap<String, Given>,
    token: String,
    /// Begun by the payer's code.
    by_code: bool,
    /// When the payer will have entered the password.
    password_at: Option<Timestamp>,
    /// The wallet does not hold as much: it comes to nothing.
    fails: bool,
    /// When a paid order was undone: the payer has the money again.
    undone_at: Option<Timestamp>,
}

impl Order {
    fn refunded(&self) -> i64 {
        self.refunds.values().filter(|given| !given.fails).map(|given| given.fen).sum()
    }

    fn standing(&self, now: Timestamp) -> Standing {
        let late = self.silent_until.is_some_and(|until| now < until);
        let status = match self.state {
            State::Reversed => 3,
            State::Open if self.fails && self.password_at.is_none() => 2,
            State::Open if now >= self.expires_at => 2,
            State::Open => 0,
            State::Paid if late => 0,
            State::Paid => match self.refunded() {
                0 => 1,
                sum if sum == self.fen => 5,
                _ => 6,
            },
        };
        Standing {
            out_trade_no: self.out_trade_no.clone(),
            bank_no: self.bank_no.clone(),
            status,
            total_fen: if self.misstated { self.fen - 1 } else { self.fen },
            paid_at: if late { None } else { self.paid_at },
            by_code: self.by_code,
        }
    }

    fn payable(&self, now: Timestamp) -> Result<(), PayRefusal> {
        match self.state {
            State::Paid => Err(PayRefusal::AlreadyPaid),
            State::Reversed if !self.pays_after_close => Err(PayRefusal::Closed),
            State::Open if now >= self.expires_at => Err(PayRefusal::Expired),
            State::Open | State::Reversed => Ok(()),
        }
    }
}

#[derive(Debug)]
struct Waiting {
    due: Timestamp,
    under_way: bool,
    notice: Notice,
}

/// The bank.
#[derive(Debug)]
pub struct Bank {
    faults: Faults,
    orders: BTreeMap<String, Order>,
    waiting: Vec<Waiting>,
    notices_made: u64,
    notices_given_up: u64,
    /// Each concern draws from its own stream, so that one more draw here shifts nothing there.
    calls: ChaCha8Rng,
    customers: ChaCha8Rng,
    notices: ChaCha8Rng,
    tokens: ChaCha8Rng,
    codes: ChaCha8Rng,
    refunds: ChaCha8Rng,
    signs: ChaCha8Rng,
    used_codes: BTreeSet<String>,
    /// Payments whose line in a statement is wrong.
    spoilt: BTreeMap<String, Spoil>,
    seed: u64,
}

impl Bank {
    pub fn new(seed: u64, faults: Faults) -> Self {
        let stream = |number| {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            rng.set_stream(number);
            rng
        };
        Self {
            faults,
            orders: BTreeMap::new(),
            waiting: Vec::new(),
            notices_made: 0,
            notices_given_up: 0,
            calls: stream(1),
            customers: stream(2),
            notices: stream(3),
            tokens: stream(4),
            codes: stream(5),
            refunds: stream(6),
            signs: stream(7),
            used_codes: BTreeSet::new(),
            spoilt: BTreeMap::new(),
            seed,
        }
    }

    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    pub fn set_faults(&mut self, faults: Faults) {
        self.faults = faults;
    }

    pub fn generate(&mut self, now: Timestamp, order: Generate) -> Answer {
        let chance = self.faults.generate_unknown;
        self.call(chance, |bank| bank.do_generate(now, order))
    }

    pub fn query(&mut self, now: Timestamp, out_trade_no: &str) -> Answer {
        self.passwords(now);
        self.call(0.0, |bank| match bank.orders.get(out_trade_no) {
            Some(order) => Said::Standing(order.standing(now)),
            None => Said::No(Refusal::NoSuchOrder),
        })
    }

    pub fn reverse(&mut self, now: Timestamp, out_trade_no: &str) -> Answer {
        self.passwords(now);
        let chance = self.faults.reverse_unknown;
        self.call(chance, |bank| bank.do_reverse(out_trade_no))
    }

    /// A customer presses "pay" on the order's cashier page.
    pub fn customer_pays(&mut self, out_trade_no: &str, now: Timestamp) -> Result<(), PayRefusal> {
        let order = self.orders.get_mut(out_trade_no).ok_or(PayRefusal::NoSuchOrder)?;
        order.payable(now)?;
        order.state = State::Paid;
        order.paid_at = Some(now);
        order.password_at = None;
        if draw(&mut self.customers, self.faults.late_word) {
            let late = SignedDuration::from_secs(self.faults.late_word_s.into());
            order.silent_until = Some(now + late);
        }
        order.misstated = draw(&mut self.customers, self.faults.wrong_amount);
        let Some(notify_url) = order.notify_url.clone() else { return Ok(()) };
        let told_at = order.silent_until.unwrap_or(now);
        let standing = order.standing(told_at);
        self.announce(told_at, &notify_url, &standing);
        Ok(())
    }

    /// The notifications to deliver now; each is under way until [`Self::notice_answered`].
    pub fn due_notices(&mut self, now: Timestamp) -> Vec<Notice> {
        self.passwords(now);
        let due = self.waiting.iter_mut().filter(|w| !w.under_way && w.due <= now);
        due.map(|waiting| {
            waiting.under_way = true;
            waiting.notice.attempt += 1;
            waiting.notice.clone()
        })
        .collect()
    }

    /// The site answered rightly, or not: then another try follows, up to three in ten minutes.
    pub fn notice_answered(&mut self, id: u64, accepted: bool, now: Timestamp) {
        let Some(at) = self.waiting.iter().position(|w| w.notice.id == id) else { return };
        let attempt = self.waiting[at].notice.attempt;
        if accepted || attempt >= NOTICE_TRIES_MAX {
            self.waiting.swap_remove(at);
            self.notices_given_up += u64::from(!accepted);
            return;
        }
        let gap = if attempt == 1 { 60 } else { 300 };
        self.waiting[at].under_way = false;
        self.waiting[at].due = now + SignedDuration::from_secs(gap);
    }

    /// When the next notification falls due.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        let notices = self.waiting.iter().filter(|w| !w.under_way).map(|w| w.due);
        let told = self.orders.values().filter(|order| order.notify_url.is_some());
        let collected = told.filter(|order| order.state == State::Open);
        notices.chain(collected.filter_map(|order| order.password_at)).min()
    }

    /// Whether what is said next is signed by somebody else.
    pub(super) fn signs_wrongly(&mut self) -> bool {
        draw(&mut self.signs, self.faults.wrong_sign)
    }

    /// Notifications the site did not answer rightly in any try.
    pub fn notices_given_up(&self) -> u64 {
        self.notices_given_up
    }

    /// Notifications not yet answered rightly nor given up.
    pub fn notices_waiting(&self) -> usize {
        self.waiting.len()
    }

    /// What really happened, by `out_trade_no`.
    pub fn books(&self) -> Vec<Book> {
        self.orders.values().map(line).collect()
    }

    /// The line of an order, by the merchant's number or the bank's.
    pub(super) fn book_of(&self, number: &str) -> Option<Book> {
        let mut orders = self.orders.values();
        orders.find(|one| one.out_trade_no == number || one.bank_no == number).map(line)
    }

    /// The order of a cashier page and whether it can be paid now.
    pub(super) fn cashier(
        &self,
        token: &str,
        now: Timestamp,
    ) -> Option<(&Order, Result<(), PayRefusal>)> {
        let order = self.orders.values().find(|order| order.token == token)?;
        Some((order, order.payable(now)))
    }

    fn call(&mut self, done_unsaid: f64, act: impl FnOnce(&mut Self) -> Said) -> Answer {
        let slow = draw(&mut self.calls, self.faults.slow);
        let silent = draw(&mut self.calls, self.faults.silent);
        let unsaid = draw(&mut self.calls, done_unsaid);
        let after_ms = if slow { self.faults.slow_ms } else { 0 };
        if silent {
            return Answer { after_ms, said: None };
        }
        let said = act(self);
        Answer { after_ms, said: (!unsaid).then_some(said) }
    }

    fn do_generate(&mut self, now: Timestamp, new: Generate) -> Said {
        if let Some(order) = self.orders.get(&new.out_trade_no) {
            let same = order.fen == new.fen && order.state == State::Open;
            return if same {
                Said::Cashier { token: order.token.clone() }
            } else {
                Said::No(Refusal::OrderExists)
            };
        }
        let token = format!("{:032x}", self.tokens.random::<u128>());
        let bank_no = format!("SIM{:017}", self.orders.len() + 1);
        let order = Order {
            out_trade_no: new.out_trade_no.clone(),
            bank_no,
            fen: new.fen,
            subject: new.subject,
            notify_url: new.notify_url,
            expires_at: now + SignedDuration::from_secs(new.expires_s.into()),
            state: State::Open,
            paid_at: None,
            silent_until: None,
            misstated: false,
            pays_after_close: false,
            refunds: BTreeMap::new(),
            token: token.clone(),
            by_code: false,
            password_at: None,
            fails: false,
            undone_at: None,
        };
        self.orders.insert(new.out_trade_no, order);
        Said::Cashier { token }
    }

    fn do_reverse(&mut self, out_trade_no: &str) -> Said {
        let Some(order) = self.orders.get_mut(out_trade_no) else {
            return Said::No(Refusal::NoSuchOrder);
        };
        match order.state {
            State::Paid => return Said::No(Refusal::AlreadyPaid),
            State::Open => {
                order.state = State::Reversed;
                order.pays_after_close = draw(&mut self.customers, self.faults.pay_after_close);
            }
            State::Reversed => {}
        }
        Said::Reversed { out_trade_no: out_trade_no.to_owned(), bank_no: order.bank_no.clone() }
    }

    fn announce(&mut self, paid_at: Timestamp, notify_url: &str, standing: &Standing) {
        let missing = draw(&mut self.notices, self.faults.notice_missing);
        let doubled = draw(&mut self.notices, self.faults.notice_doubled);
        let late = draw(&mut self.notices, self.faults.notice_late);
        if missing {
            return;
        }
        let late_s = if late { self.faults.notice_late_s } else { 0 };
        let first = paid_at + SignedDuration::from_secs(late_s.into());
        let msg_id = format!("SIMN{:020}", self.notices_made + 1);
        for copy in 0..=i64::from(doubled) {
            self.notices_made += 1;
            self.waiting.push(Waiting {
                due: first + SignedDuration::from_millis(500 + 200 * copy),
                under_way: false,
                notice: Notice {
                    id: self.notices_made,
                    msg_id: msg_id.clone(),
                    notify_url: notify_url.to_owned(),
                    standing: standing.clone(),
                    attempt: 0,
                },
            });
        }
    }
}

fn draw(rng: &mut ChaCha8Rng, chance: f64) -> bool {
    rng.random_bool(chance.clamp(0.0, 1.0))
}

fn line(order: &Order) -> Book {
    Book {
        out_trade_no: order.out_trade_no.clone(),
        state: order.state,
        order_fen: order.fen,
        paid_fen: if order.state == State::Paid { order.fen } else { 0 },
        refunded_fen: order.refunded(),
    }
}

#[cfg(test)]
#[path = "model_tests.rs"]
mod tests;
