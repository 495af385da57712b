//! The bank alone, in virtual time. Knows no HTTP.

use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn order(fen: i64) -> Generate {
    Generate {
        out_trade_no: "P1".to_owned(),
        fen,
        subject: "停车费".to_owned(),
        expires_s: 300,
        notify_url: Some("http://site/notify".to_owned()),
    }
}

fn bank(faults: Faults) -> Bank {
    let mut bank = Bank::new(7, faults);
    let _ = bank.generate(at(0), order(500));
    bank
}

fn status(bank: &mut Bank, now: Timestamp) -> u8 {
    match bank.query(now, "P1").said {
        Some(Said::Standing(standing)) => standing.status,
        other => panic!("{other:?}"),
    }
}

fn no(refusal: Refusal) -> Answer {
    Answer { after_ms: 0, said: Some(Said::No(refusal)) }
}

#[test]
fn an_order_lives_from_open_to_refunded() {
    let mut bank = bank(Faults::default());
    assert_eq!(status(&mut bank, at(1)), 0);
    assert_eq!(bank.refund(at(1), "P1", "R1", 100), no(Refusal::NotPaid));
    assert_eq!(bank.customer_pays("P1", at(2)), Ok(()));
    assert_eq!(bank.customer_pays("P1", at(2)), Err(PayRefusal::AlreadyPaid));
    assert_eq!(status(&mut bank, at(3)), 1);
    assert_eq!(bank.reverse(at(3), "P1"), no(Refusal::AlreadyPaid));
    for _ in 0..2 {
        let said = bank.refund(at(4), "P1", "R1", 200).said.unwrap();
        assert!(matches!(said, Said::Rejected { fen: 200, .. }));
    }
    assert_eq!(bank.refund(at(4), "P1", "R1", 201), no(Refusal::RefundDiffers));
    assert_eq!(bank.refund(at(4), "P1", "R2", 301), no(Refusal::RefundTooLarge));
    assert_eq!(status(&mut bank, at(5)), 6);
    assert!(matches!(bank.refund(at(5), "P1", "R2", 300).said, Some(Said::Rejected { .. })));
    assert_eq!(status(&mut bank, at(6)), 5);
    let book = bank.books().remove(0);
    assert_eq!((book.order_fen, book.paid_fen, book.refunded_fen), (500, 500, 500));
}

#[test]
fn closed_and_expired_orders_take_no_money_without_the_fault() {
    let mut bank = bank(Faults::default());
    assert_eq!(bank.customer_pays("P1", at(300)), Err(PayRefusal::Expired));
    assert_eq!(status(&mut bank, at(300)), 2);
    for _ in 0..2 {
        assert!(matches!(bank.reverse(at(9), "P1").said, Some(Said::Reversed { .. })));
    }
    assert_eq!(status(&mut bank, at(10)), 3);
    assert_eq!(bank.customer_pays("P1", at(10)), Err(PayRefusal::Closed));
    assert_eq!(bank.reverse(at(9), "P9"), no(Refusal::NoSuchOrder));

    let mut bank = self::bank(Faults { pay_after_close: 1.0, ..Faults::default() });
    let _ = bank.reverse(at(9), "P1");
    assert_eq!(bank.customer_pays("P1", at(10)), Ok(()));
    assert_eq!(status(&mut bank, at(11)), 1);
    assert_eq!(bank.books()[0].paid_fen, 500);
}

#[test]
fn silence_after_the_deed_leaves_the_deed() {
    let mut bank = bank(Faults { refund_unknown: 1.0, reverse_unknown: 1.0, ..Faults::default() });
    assert_eq!(bank.reverse(at(1), "P1").said, None);
    assert_eq!(bank.books()[0].state, State::Reversed);
    let mut bank = self::bank(Faults { refund_unknown: 1.0, ..Faults::default() });
    bank.customer_pays("P1", at(1)).unwrap();
    assert_eq!(bank.refund(at(1), "P1", "R1", 500).said, None);
    assert_eq!(bank.books()[0].refunded_fen, 500);
    let mut bank = self::bank(Faults { silent: 1.0, ..Faults::default() });
    assert!(bank.books().is_empty());
    assert_eq!(bank.query(at(1), "P1").said, None);
    let mut bank = self::bank(Faults { generate_unknown: 1.0, ..Faults::default() });
    assert_eq!(bank.generate(at(1), order(500)).said, None);
    assert_eq!(bank.books().len(), 1);
}

#[test]
fn the_word_comes_late_and_wrong() {
    let mut bank = bank(Faults { late_word: 1.0, wrong_amount: 1.0, ..Faults::default() });
    bank.customer_pays("P1", at(10)).unwrap();
    assert_eq!(status(&mut bank, at(29)), 0);
    assert_eq!(status(&mut bank, at(30)), 1);
    let notices = bank.due_notices(at(31));
    assert_eq!(notices.len(), 1);
    assert_eq!(notices[0].standing.total_fen, 499);
    assert_eq!(bank.books()[0].paid_fen, 500);
}

#[test]
fn notices_are_tried_three_times_in_ten_minutes() {
    let mut bank = bank(Faults::default());
    bank.customer_pays("P1", at(0)).unwrap();
    let mut tries = Vec::new();
    while let Some(due) = bank.next_deadline() {
        for notice in bank.due_notices(due) {
            tries.push((due.as_second() - at(0).as_second(), notice.attempt));
            assert!(bank.due_notices(due).is_empty(), "under way");
            bank.notice_answered(notice.id, false, due);
        }
    }
    assert_eq!(tries, [(0, 1), (60, 2), (360, 3)]);
    assert_eq!(bank.notices_given_up(), 1);

    let mut bank =
        self::bank(Faults { notice_doubled: 1.0, notice_late: 1.0, ..Faults::default() });
    bank.customer_pays("P1", at(0)).unwrap();
    assert!(bank.due_notices(at(89)).is_empty());
    let notices = bank.due_notices(at(92));
    assert_eq!(notices.len(), 2);
    assert_eq!(notices[0].msg_id, notices[1].msg_id);
    for notice in &notices {
        bank.notice_answered(notice.id, true, at(92));
    }
    assert_eq!((bank.next_deadline(), bank.notices_given_up()), (None, 0));

    let mut bank = self::bank(Faults { notice_missing: 1.0, ..Faults::default() });
    bank.customer_pays("P1", at(0)).unwrap();
    assert_eq!(bank.next_deadline(), None);
}

#[test]
fn a_seed_gives_the_same_bank_again() {
    let run = |seed| {
        let mut bank = Bank::new(seed, Faults::all(0.3));
        let mut heard = Vec::new();
        for n in 0..50 {
            let out_trade_no = format!("P{n}");
            let order = Generate { out_trade_no: out_trade_no.clone(), ..order(100 + n) };
            heard.push(bank.generate(at(n), order));
            let _ = bank.customer_pays(&out_trade_no, at(n + 1));
            heard.push(bank.query(at(n + 2), &out_trade_no));
            heard.push(bank.reverse(at(n + 3), &out_trade_no));
            heard.push(bank.refund(at(n + 4), &out_trade_no, "R", 50));
        }
        assert!(bank.books().iter().all(|book| book.refunded_fen <= book.paid_fen));
        heard
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}
