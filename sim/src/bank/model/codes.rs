//! Payments by the code on the payer's phone: charged at once, or once the password is entered; undone with the money
//! going back. Knows no wire.

use super::{Answer, BTreeMap, Bank, Order, Refusal, Said, SignedDuration, State, Timestamp, draw};
use crate::bank::words::Collect;

/// A payer who is asked for the password has this long.
const PASSWORD_WITHIN_S: i64 = 60;

impl Bank {
    /// Takes the money by a code, which is good for one payment.
    pub fn collect(&mut self, now: Timestamp, payment: Collect) -> Answer {
        self.passwords(now);
        let chance = self.faults.collect_unknown;
        self.call(chance, |bank| bank.do_collect(now, payment))
    }

    /// Closes an order begun by a code; of a paid one the money goes back to the payer.
    pub fn undo(&mut self, now: Timestamp, out_trade_no: &str) -> Answer {
        self.passwords(now);
        let chance = self.faults.reverse_unknown;
        self.call(chance, |bank| bank.do_undo(now, out_trade_no))
    }

    /// The payer enters the password of the order now.
    pub fn enter_password(&mut self, out_trade_no: &str, now: Timestamp) -> bool {
        let order = self.orders.get_mut(out_trade_no);
        let Some(order) = order.filter(|order| order.password_at.is_some()) else { return false };
        order.password_at = Some(now);
        self.passwords(now);
        true
    }

    /// Passwords that are entered by now, each paid when it was entered.
    pub(super) fn passwords(&mut self, now: Timestamp) {
        let due = self.orders.values().filter_map(|order| {
            let at = order.password_at.filter(|at| *at <= now && order.state == State::Open)?;
            Some((order.out_trade_no.clone(), at))
        });
        for (out_trade_no, at) in due.collect::<Vec<_>>() {
            if self.falls_through(&out_trade_no, at) {
                continue;
            }
            // Too late for an order that has expired: then it stays unpaid.
            let _ = self.customer_pays(&out_trade_no, at);
        }
    }

    fn do_collect(&mut self, now: Timestamp, payment: Collect) -> Said {
        if self.orders.contains_key(&payment.out_trade_no) {
            return Said::No(Refusal::OrderExists);
        }
        let digits = payment.code.bytes().all(|b| b.is_ascii_digit());
        let refused = draw(&mut self.codes, self.faults.code_refused);
        let asked = draw(&mut self.codes, self.faults.password);
        if !digits
            || !(16..=24).contains(&payment.code.len())
            || !self.used_codes.insert(payment.code)
        {
            return Said::No(Refusal::BadCode);
        }
        if refused {
            return Said::No(Refusal::NotEnough);
        }
        let wait = SignedDuration::from_secs(self.faults.password_s.into());
        let order = Order {
            out_trade_no: payment.out_trade_no.clone(),
            bank_no: format!("SIM{:017}", self.orders.len() + 1),
            fen: payment.fen,
            subject: payment.subject,
            notify_url: None,
            expires_at: now + SignedDuration::from_secs(PASSWORD_WITHIN_S),
            state: State::Open,
            paid_at: None,
            silent_until: None,
            misstated: false,
            pays_after_close: false,
            refunds: BTreeMap::new(),
            token: String::new(),
            by_code: true,
            password_at: asked.then(|| now + wait),
            fails: false,
            undone_at: None,
        };
        self.orders.insert(payment.out_trade_no.clone(), order);
        if !asked {
            let _ = self.customer_pays(&payment.out_trade_no, now);
        }
        match self.orders.get(&payment.out_trade_no) {
            Some(order) => Said::Standing(order.standing(now)),
            None => Said::No(Refusal::NoSuchOrder),
        }
    }

    fn do_undo(&mut self, now: Timestamp, out_trade_no: &str) -> Said {
        match self.orders.get_mut(out_trade_no) {
            Some(order) if order.state == State::Paid => {
                if !order.refunds.is_empty() {
                    return Said::No(Refusal::AlreadyPaid);
                }
                order.state = State::Reversed;
                order.undone_at = Some(now);
                let bank_no = order.bank_no.clone();
                Said::Reversed { out_trade_no: out_trade_no.to_owned(), bank_no }
            }
            _ => self.do_reverse(out_trade_no),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bank::{Faults, words::Standing};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn payment(no: &str, code: &str) -> Collect {
        let (out_trade_no, code) = (no.to_owned(), code.to_owned());
        Collect { out_trade_no, fen: 500, subject: "停车费".to_owned(), code }
    }

    const CODE: &str = "134579246810121416";

    fn standing(answer: Answer) -> Standing {
        match answer.said {
            Some(Said::Standing(standing)) => standing,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_code_pays_once() {
        let mut bank = Bank::new(1, Faults::default());
        assert_eq!(standing(bank.collect(at(0), payment("P1", CODE))).status, 1);
        for (no, code) in [("P2", CODE), ("P3", "12"), ("P4", "13457924681012141x")] {
            let said = bank.collect(at(1), payment(no, code)).said;
            assert_eq!(said, Some(Said::No(Refusal::BadCode)), "{code}");
        }
        let said = bank.collect(at(1), payment("P1", "134579246810121417")).said;
        assert_eq!(said, Some(Said::No(Refusal::OrderExists)));
        assert_eq!(bank.books().len(), 1);
        assert!(bank.next_deadline().is_none(), "payments by code are not notified");
    }

    #[test]
    fn a_password_takes_its_time_or_comes_too_late() {
        let mut bank = Bank::new(1, Faults { password: 1.0, ..Faults::default() });
        assert_eq!(standing(bank.collect(at(0), payment("P1", CODE))).status, 0);
        assert_eq!(standing(bank.query(at(7), "P1")).status, 0);
        let paid = standing(bank.query(at(9), "P1"));
        assert_eq!((paid.status, paid.paid_at), (1, Some(at(8))));

        let faults = Faults { password: 1.0, password_s: 90, ..Faults::default() };
        let mut bank = Bank::new(1, faults);
        let _ = bank.collect(at(0), payment("P1", CODE));
        assert_eq!(standing(bank.query(at(100), "P1")).status, 2);
        assert_eq!(bank.books()[0].paid_fen, 0);
    }

    #[test]
    fn what_is_undone_is_the_payers_again() {
        let mut bank = Bank::new(1, Faults::default());
        let _ = bank.collect(at(0), payment("P1", CODE));
        for _ in 0..2 {
            assert!(matches!(bank.undo(at(1), "P1").said, Some(Said::Reversed { .. })));
        }
        assert_eq!(standing(bank.query(at(2), "P1")).status, 3);
        let book = bank.books().remove(0);
        assert_eq!((book.paid_fen, book.refunded_fen), (0, 0));

        let _ = bank.collect(at(0), payment("P2", "134579246810121417"));
        let _ = bank.refund(at(1), "P2", "R1", 100);
        assert_eq!(bank.undo(at(2), "P2").said, Some(Said::No(Refusal::AlreadyPaid)));
    }
}
