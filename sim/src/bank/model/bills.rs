//! A day's statement out of the bank's books: every payment, refund and undoing in the order in which it happened.
//! Knows no file.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::{Bank, Timestamp, draw};
use crate::bank::words::{BillKind, BillLine};

impl Bank {
    /// Whether a statement is told to be not ready yet.
    pub fn statement_late(&mut self) -> bool {
        let chance = self.faults.statement_late;
        draw(&mut self.refunds, chance)
    }

    /// What happened from `from` on and before `until`, less what the fault `statement_short` leaves out: the same
    /// lines each time.
    pub fn statement(&self, from: Timestamp, until: Timestamp) -> Vec<BillLine> {
        let mut lines = Vec::new();
        for order in self.orders.values() {
            let line = |at: Option<Timestamp>, kind| BillLine {
                at: at.unwrap_or(from),
                out_trade_no: order.out_trade_no.clone(),
                bank_no: order.bank_no.clone(),
                subject: order.subject.clone(),
                by_code: order.by_code,
                order_fen: order.fen,
                kind,
            };
            lines.extend(order.paid_at.map(|at| line(Some(at), BillKind::Paid)));
            lines.extend(order.undone_at.map(|at| line(Some(at), BillKind::Undone)));
            for (refund_no, given) in order.refunds.iter().filter(|(_, given)| !given.fails) {
                let (refund_no, fen) = (refund_no.clone(), given.fen);
                lines.push(line(Some(given.at), BillKind::Refunded { refund_no, fen }));
            }
        }
        lines.retain(|line| from <= line.at && line.at < until && !self.is_left_out(line));
        lines.sort_by(|a, b| (a.at, &a.out_trade_no).cmp(&(b.at, &b.out_trade_no)));
        lines
    }

    fn is_left_out(&self, line: &BillLine) -> bool {
        let of = format!("{} {:?}", line.out_trade_no, line.kind);
        let number =
            of.bytes().fold(self.seed, |all, b| all.wrapping_mul(31).wrapping_add(b.into()));
        draw(&mut ChaCha8Rng::seed_from_u64(number), self.faults.statement_short)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bank::{Faults, words::Collect};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    /// Ten payments by code, one of them refunded in two parts, one undone.
    fn bank(faults: Faults) -> Bank {
        let mut bank = Bank::new(3, faults);
        for n in 0..10 {
            let (out_trade_no, code) = (format!("P{n}"), format!("13457924681012140{n}"));
            let subject = "茶, 饭".to_owned();
            let _ = bank.collect(at(n), Collect { out_trade_no, fen: 500, subject, code });
        }
        let _ = bank.refund(at(20), "P1", "R1", 100);
        let _ = bank.refund(at(30), "P1", "R2", 400);
        let _ = bank.undo(at(40), "P2");
        bank
    }

    #[test]
    fn a_statement_holds_what_happened_between_two_instants() {
        let bank = bank(Faults::default());
        let lines = bank.statement(at(0), at(100));
        assert_eq!(lines.len(), 13);
        let kinds: Vec<&BillKind> = lines[10..].iter().map(|line| &line.kind).collect();
        let refunded = |no: &str, fen| BillKind::Refunded { refund_no: no.to_owned(), fen };
        assert_eq!(kinds, [&refunded("R1", 100), &refunded("R2", 400), &BillKind::Undone]);
        assert_eq!(bank.statement(at(5), at(30)).len(), 6);
    }

    #[test]
    fn the_same_lines_are_missing_each_time() {
        let bank = bank(Faults { statement_short: 0.4, ..Faults::default() });
        let lines = bank.statement(at(0), at(100));
        assert!((1..13).contains(&lines.len()), "{}", lines.len());
        assert_eq!(lines, bank.statement(at(0), at(100)));
    }

    #[test]
    fn a_failed_refund_is_in_no_statement_and_moves_no_money() {
        let bank = bank(Faults { refund_failed: 1.0, ..Faults::default() });
        assert_eq!(bank.statement(at(0), at(100)).len(), 11);
        assert_eq!(bank.books().iter().map(|book| book.refunded_fen).sum::<i64>(), 0);
    }
}
