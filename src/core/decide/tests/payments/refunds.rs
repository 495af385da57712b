//! Money that people give back through the bank.

use super::*;
use crate::types::RefundId;

/// A stay of an hour paid through the bank, its vehicle gone.
fn paid_and_gone() -> (Site, PaymentId) {
    let mut site = Site::new();
    site.owes_five();
    let trade = site.pay();
    let id = site.state.payment_of(&trade).unwrap().id;
    site.bank(&trade, Site::paid(500)).unwrap();
    site.drive_through("out");
    assert!(site.state.payments.is_empty() && site.state.orders.is_empty());
    (site, id)
}

impl Site {
    fn give_back(&mut self, id: PaymentId, amount_minor: i64, key: &str, who: &str) -> Reply {
        let payment = self.payment_now(id);
        let of = |change: &Change| match change {
            Change::Order(order) if order.id == payment.order => Some(order.clone()),
            _ => None,
        };
        let order = self.journal.iter().rev().find_map(of).unwrap();
        let (key, who, reason) = (key.into(), who.into(), "overcharged".into());
        self.tell(Input::RefundAsked(RefundAsked {
            payment,
            order,
            amount_minor,
            key,
            who,
            reason,
        }))
    }

    fn given(&mut self, id: PaymentId, amount_minor: i64, key: &str) -> RefundId {
        match self.give_back(id, amount_minor, key, "li") {
            Ok(Answer::Refund(refund)) => refund,
            other => panic!("{other:?}"),
        }
    }

    fn refund_said(&mut self, refund: RefundId, word: Word) {
        self.tell(Input::RefundSaid { refund, word }).unwrap();
    }

    fn judge(&mut self, refund: RefundId, agreed: bool, who: &str) -> Reply {
        self.tell(Input::RefundJudged { refund, agreed, who: who.into() })
    }

    fn back_done(minor: i64) -> Word {
        Word::RefundDone { amount: Money::new(minor, Currency::Cny) }
    }

    fn books(&self) -> [i64; 3] {
        [Account::ChannelReceivable, Account::ParkingRevenue, Account::RefundsPayable]
            .map(|account| self.balance(account))
    }
}

#[test]
fn parts_add_up_to_no_more_than_the_payment_and_a_number_is_one_refund() {
    let (mut site, id) = paid_and_gone();
    let left = |minor| Err(Refusal::RefundTooMuch(Money::new(minor, Currency::Cny)));
    assert_eq!(site.give_back(id, 501, "a", "li"), left(500));
    assert_eq!(site.give_back(id, 0, "a", "li"), left(500));
    let first = site.given(id, 200, "a");
    assert_eq!(site.given(id, 200, "a"), first, "the same number");
    assert_eq!(site.given(id, 100, "a"), first, "the number counts, not the amount");
    assert_eq!(site.give_back(id, 301, "b", "li"), left(300));
    let second = site.given(id, 300, "b");
    assert_eq!(site.books(), [500, 0, -500]);
    site.refund_said(first, Site::back_done(200));
    site.refund_said(second, Site::back_done(300));
    assert_eq!(site.books(), [0, 0, 0]);
    assert_eq!(site.give_back(id, 1, "c", "li"), left(0));
    assert_eq!(site.given(id, 200, "a"), first, "also when it is long over");
    assert_eq!(site.refund_now(first).state, RefundState::Done);
    assert!(site.state.refunds.is_empty());
}

#[test]
fn an_unknown_refund_is_asked_about_and_asked_for_in_turn() {
    let (mut site, id) = paid_and_gone();
    let refund = site.given(id, 500, "a");
    let mut asked = Vec::new();
    for word in [
        unknown(),
        Word::Refused { code: "NONE".into(), why: "no such refund".into() },
        Word::Refunding,
        Site::back_done(500),
    ] {
        site.effects.clear();
        site.after(Duration::from_mins(2));
        let asks = site.effects.iter().filter_map(|effect| match effect {
            Effect::AskRefund { ask, .. } => Some(ask.name()),
            _ => None,
        });
        asked.extend(asks);
        site.refund_said(refund, word);
    }
    assert_eq!(asked, ["refund", "refund_query", "refund", "refund_query"]);
    assert_eq!(site.refund_now(refund).state, RefundState::Done);
    assert!(site.state.alarms.is_empty());
}

#[test]
fn above_the_sum_a_second_person_agrees_first() {
    let (mut site, id) = paid_and_gone();
    site.rules.till.approve_above_minor = 300;
    let refund = site.given(id, 400, "a");
    assert_eq!(site.refund_now(refund).state, RefundState::Waiting);
    site.effects.clear();
    site.after(HOUR);
    site.tell(Input::Started).unwrap();
    site.after(HOUR);
    assert!(!site.effects.iter().any(|e| matches!(e, Effect::AskRefund { .. })), "not asked");
    assert_eq!(site.books(), [500, -500, 0], "nothing is owed yet");
    let left = Err(Refusal::RefundTooMuch(Money::new(100, Currency::Cny)));
    assert_eq!(site.give_back(id, 200, "b", "li"), left, "what waits counts");
    assert_eq!(site.judge(refund, true, "li"), Err(Refusal::SamePerson));
    site.judge(refund, true, "wang").unwrap();
    site.after(S);
    assert_eq!(site.judge(refund, false, "wang"), Err(Refusal::NoRefund(refund)));
    assert!(site.effects.iter().any(|e| matches!(e, Effect::AskRefund { .. })));
    site.refund_said(refund, Site::back_done(400));
    assert_eq!(site.books(), [100, -100, 0]);
    assert_eq!(site.refund_now(refund).judged_by.as_deref(), Some("wang"));

    let (mut site, id) = paid_and_gone();
    site.rules.till.approve_above_minor = 300;
    let refund = site.given(id, 400, "a");
    site.judge(refund, false, "wang").unwrap();
    assert_eq!(
        (site.refund_now(refund).state, site.books()),
        (RefundState::Denied, [500, -500, 0])
    );
    assert_eq!(site.given(id, 400, "a"), refund, "a denied number stays denied");
    site.given(id, 300, "b");
}

#[test]
fn what_the_bank_refuses_stays_earned() {
    let (mut site, id) = paid_and_gone();
    let refund = site.given(id, 500, "a");
    site.after(S);
    site.refund_said(refund, Word::Refused { code: "NO".into(), why: "no balance".into() });
    assert_eq!(site.books(), [500, -500, 0]);
    let second = site.given(id, 500, "b");
    site.after(S);
    site.refund_said(second, Site::back_done(500));
    assert_eq!(site.books(), [0, 0, 0]);
}

#[test]
fn a_stay_that_is_not_over_owes_again_what_went_back() {
    let mut site = Site::new();
    site.owes_five();
    let trade = site.pay();
    let id = site.state.payment_of(&trade).unwrap().id;
    // It backs out, pays late, and stays inside.
    site.sensor("out", Sensor::Arrival, false);
    site.after(Duration::from_secs(6));
    site.bank(&trade, Site::paid(500)).unwrap();
    let stay = |site: &Site| site.state.stays.values().next().unwrap().paid_minor;
    assert_eq!(stay(&site), 500);
    let refund = site.given(id, 500, "a");
    assert_eq!(stay(&site), 0);
    site.after(S);
    site.refund_said(refund, Word::Refused { code: "NO".into(), why: "no balance".into() });
    assert_eq!(stay(&site), 500, "the bank did not give it back");
}

#[test]
fn what_is_not_paid_cannot_go_back() {
    let mut site = Site::new();
    site.owes_five();
    let trade = site.pay();
    let id = site.state.payment_of(&trade).unwrap().id;
    assert_eq!(site.give_back(id, 100, "a", "li"), Err(Refusal::NotPaid(trade)));
}
