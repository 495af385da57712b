//! What counters sell besides parking.

use super::*;
use crate::{
    core::{input::SaleAsked, money::Posting},
    types::CounterId,
};

fn desk() -> CounterId {
    CounterId::parse("hotel-desk").unwrap()
}

impl Site {
    fn sell_over(&mut self, key: &str, subject: &str, amount_minor: i64) -> Reply {
        let (counter, key, subject) = (desk(), key.into(), subject.into());
        self.tell(Input::SaleAsked(SaleAsked { counter, key, subject, amount_minor }))
    }

    fn sold(&mut self, key: &str) -> OrderId {
        match self.sell_over(key, "挂号费", 1_200) {
            Ok(Answer::Order(order)) => order,
            other => panic!("{other:?}"),
        }
    }

    fn cancel(&mut self, order: OrderId) -> Reply {
        self.tell(Input::SaleCancelled { counter: desk(), order })
    }

    fn show_qr(&mut self, order: OrderId) -> String {
        assert!(matches!(self.tell(Input::PayAsked { order }), Ok(Answer::Payment(_))));
        self.generated().pop().unwrap()
    }

    fn last_posting(&self) -> Posting {
        self.ledger().pop().unwrap()
    }
}

#[test]
fn a_sale_is_paid_by_a_shown_code_or_a_scanned_one_or_in_cash() {
    for way in ["shown", "scanned", "cash"] {
        let mut site = Site::with_booth();
        site.open_shift(0);
        let order = site.sold("1");
        match way {
            "shown" => {
                let trade = site.show_qr(order);
                site.bank(&trade, Site::paid(1_200)).unwrap();
            }
            "scanned" => {
                let scan = Input::PayerCodeScanned { at: At::Order(order), code: code(CODE) };
                let Ok(Answer::Payment(payment)) = site.tell(scan) else { panic!() };
                let trade = site.payment_now(payment).out_trade_no;
                site.collected(&trade, Site::paid(1_200)).unwrap();
            }
            _ => drop(site.cash(order, 2_000).unwrap()),
        }
        assert!(matches!(site.state.orders[&order].state, OrderState::Paid { .. }), "{way}");
        let posting = site.last_posting();
        assert_eq!(
            (posting.credit, posting.counter, posting.product.as_deref()),
            (Account::SalesRevenue, Some(desk()), Some("挂号费")),
            "{way}"
        );
        assert_eq!(site.balance(Account::SalesRevenue), -1_200);
        site.shift();
        site.after(HOUR * 3);
        assert!(site.state.orders.is_empty() && site.state.payments.is_empty(), "{way}");
    }
}

#[test]
fn the_same_number_is_the_same_order() {
    let mut site = Site::new();
    let order = site.sold("1");
    assert_eq!(site.sold("1"), order);
    assert_ne!(site.sold("2"), order);
    assert_eq!(site.sell_over("1", "挂号费", 1_300), Err(Refusal::SaleDiffers(order)));
    assert_eq!(site.sell_over("1", "住院费", 1_200), Err(Refusal::SaleDiffers(order)));
    let trade = site.show_qr(order);
    site.bank(&trade, Site::paid(1_200)).unwrap();
    assert_eq!(site.sold("1"), order, "paid, and remembered");
}

#[test]
fn what_makes_no_sale_is_refused() {
    let long = "长".repeat(41);
    let cases = [
        ("", "x", 1, Refusal::SaleUnfit),
        ("1", " ", 1, Refusal::SaleUnfit),
        ("1", long.as_str(), 1, Refusal::SaleUnfit),
        ("1", "a\nb", 1, Refusal::SaleUnfit),
        ("1", "x", 0, Refusal::AmountUnfit),
        ("1", "x", -5, Refusal::AmountUnfit),
        ("1", "x", 100_000_001, Refusal::AmountUnfit),
    ];
    for (key, subject, minor, why) in cases {
        let mut site = Site::new();
        assert_eq!(site.sell_over(key, subject, minor), Err(why), "{key} {subject} {minor}");
        assert!(site.state.orders.is_empty());
    }
}

#[test]
fn a_sale_given_up_or_forgotten_is_paid_by_nobody() {
    for late in [false, true] {
        let mut site = Site::new();
        let order = site.sold("1");
        let trade = site.show_qr(order);
        if late {
            site.after(HOUR * 2);
        } else {
            site.cancel(order).unwrap();
            assert_eq!(site.cancel(order), Ok(Answer::Duplicate));
        }
        assert_eq!(site.state.orders[&order].state, OrderState::Void);
        assert_eq!(site.tell(Input::PayAsked { order }), Err(Refusal::NotDue(order)));
        for _ in 0..2 {
            site.bank(&trade, Site::paid(1_200)).unwrap();
        }
        assert_eq!(site.state.refunds.len(), 1, "paid at the last moment: it goes back");
        assert_eq!(site.balance(Account::SalesRevenue), 0);
    }
}

#[test]
fn another_counter_gives_up_nothing() {
    let mut site = Site::new();
    let order = site.sold("1");
    let counter = CounterId::parse("school").unwrap();
    let cancel = Input::SaleCancelled { counter, order };
    assert_eq!(site.tell(cancel), Err(Refusal::NotDue(order)));
    let trade = site.show_qr(order);
    site.bank(&trade, Site::paid(1_200)).unwrap();
    assert_eq!(site.cancel(order), Ok(Answer::AlreadyPaid));
}
