//! A day's statement out of the bank's books: every payment, refund and undoing in the order in which it happened.
//! Knows no file.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::{Bank, SignedDuration, Timestamp, draw};
use crate::bank::words::{BillKind, BillLine, Spoil};

impl Bank {
    /// Whether a statement is told to be not ready yet.
    pub fn statement_late(&mut self) -> bool {
        let chance = self.faults.statement_late;
        draw(&mut self.refunds, chance)
    }

    /// What happened from `from` on and before `until`, as the faults of statements have it: the same lines are missing,
    /// doubled, wrong or a day late each time.
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
        lines.retain(|line| {
            let late = self.is_hit(line, Spoil::NextDay, self.faults.statement_next_day);
            let at = if late { line.at + SignedDuration::from_hours(24) } else { line.at };
            from <= at
                && at < until
                && !self.is_hit(line, Spoil::Missing, self.faults.statement_short)
        });
        lines.sort_by(|a, b| (a.at, &a.out_trade_no).cmp(&(b.at, &b.out_trade_no)));
        let twice =
            |line: &BillLine| self.is_hit(line, Spoil::Twice, self.faults.statement_doubled);
        let mut lines: Vec<BillLine> = lines
            .into_iter()
            .flat_map(|line| std::iter::repeat_n(line.clone(), 1 + usize::from(twice(&line))))
            .collect();
        for line in &mut lines {
            let wrong = i64::from(self.is_hit(line, Spoil::Amount, self.faults.statement_amount));
            match &mut line.kind {
                BillKind::Refunded { fen, .. } => *fen += wrong,
                BillKind::Paid | BillKind::Undone => line.order_fen += wrong,
            }
        }
        lines
    }

    /// From now on a payment's line is wrong, or right again.
    pub fn spoil_statement(&mut self, out_trade_no: &str, spoil: Option<Spoil>) {
        match spoil {
            Some(spoil) => drop(self.spoilt.insert(out_trade_no.to_owned(), spoil)),
            None => drop(self.spoilt.remove(out_trade_no)),
        }
    }

    /// Whether a fault hits this line, whoever asks and however often.
    fn is_hit(&self, line: &BillLine, fault: Spoil, chance: f64) -> bool {
        let spoilt = self.spoilt.get(&line.out_trade_no) == Some(&fault);
        if spoilt && line.kind == BillKind::Paid {
            return true;
        }
        let of = format!("{fault:?}{} {:?}", line.out_trade_no, line.kind);
        let number =
            of.bytes().fold(self.seed, |all, b| all.wrapping_mul(31).wrapping_add(b.into()));
        draw(&mut ChaCha8Rng::seed_from_u64(number), chance)
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
    fn lines_are_doubled_wrong_or_a_day_late_and_stay_so() {
        let faulty = |faults| bank(faults).statement(at(0), at(100));
        let sum = |lines: &[BillLine]| lines.iter().map(|line| line.order_fen).sum::<i64>();
        let doubled = faulty(Faults { statement_doubled: 0.4, ..Faults::default() });
        assert!((14..26).contains(&doubled.len()), "{}", doubled.len());
        let wrong = Faults { statement_amount: 0.4, ..Faults::default() };
        let lines = faulty(wrong.clone());
        assert!(lines.len() == 13 && lines == faulty(wrong));
        assert!((6_501..6_513).contains(&sum(&lines)), "{}", sum(&lines));
        let late = bank(Faults { statement_next_day: 0.4, ..Faults::default() });
        let (today, tomorrow) =
            (late.statement(at(0), at(100)), late.statement(at(86_400), at(86_500)));
        assert!(!today.is_empty() && !tomorrow.is_empty());
        assert_eq!(today.len() + tomorrow.len(), 13);
    }

    #[test]
    fn a_failed_refund_is_in_no_statement_and_moves_no_money() {
        let bank = bank(Faults { refund_failed: 1.0, ..Faults::default() });
        assert_eq!(bank.statement(at(0), at(100)).len(), 11);
        assert_eq!(bank.books().iter().map(|book| book.refunded_fen).sum::<i64>(), 0);
    }
}
