//! Passes that are sold: effective when paid, late, given up, topped up, ended with a rest; and the value they store.

use super::*;
use crate::{
    core::{
        input::SaleAsked,
        money::{Account, Order, OrderState, Refund, RefundState},
        pass::Pass,
        pass_sale::{Gives, Got, PassAsked, PassPrice, PassWanted, RestRule},
        till::Cash,
    },
    types::{CounterId, OrderId},
};

fn price(id: &str, gives: Gives, price_minor: i64) -> PassPrice {
    PassPrice {
        id: id.into(),
        name: id.to_uppercase(),
        gives,
        price_minor,
        lasts_days: 365,
        zones: std::collections::BTreeSet::new(),
        hours: Vec::new(),
        vehicle: None,
        tier: None,
        by_phone: id != "desk-only",
    }
}

fn shop() -> Site {
    let mut site = Site::with_booth();
    site.rules.passes.prices = vec![
        price("month", Gives::Months(1), 30_000),
        price("stays", Gives::Stays(10), 5_000),
        price("value", Gives::Value(11_000), 10_000),
        price("desk-only", Gives::Months(12), 300_000),
    ];
    site.open_shift(100_000);
    site
}

impl Site {
    fn ask_pass(&mut self, price: &str, wants: PassWanted) -> Reply {
        self.tell(Input::PassAsked(PassAsked { by: Some("li".into()), price: price.into(), wants }))
    }

    fn ordered(&mut self, price: &str, wants: PassWanted) -> OrderId {
        match self.ask_pass(price, wants) {
            Ok(Answer::Order(order)) => order,
            other => panic!("{other:?}"),
        }
    }

    fn new_pass(&mut self, price: &str, plates: &[&str]) -> OrderId {
        let from = at("23T00:00");
        let plates: Vec<Plate> = plates.iter().map(|text| plate(text)).collect();
        let spaces = plates.len() as u32;
        let wants = PassWanted::New { holder: "Li".into(), plates, spaces, from };
        self.ordered(price, wants)
    }

    fn bought_pass(&mut self, price: &str) -> PassId {
        let order = self.new_pass(price, &[A]);
        self.cash(order, 1_000_000).unwrap();
        self.state.orders[&order].pass.as_ref().unwrap().pass.unwrap()
    }

    fn held(&self, id: PassId) -> &Pass {
        &self.state.passes[&id]
    }

    fn cash_rows(&self) -> Vec<Cash> {
        let rows = self.journal.iter().filter_map(|change| match change {
            Change::Cash(cash) => Some(cash.clone()),
            _ => None,
        });
        rows.collect()
    }

    fn payments_made(&self) -> Vec<crate::core::money::Payment> {
        let rows = self.journal.iter().filter_map(|change| match change {
            Change::Payment(payment) => Some(payment.clone()),
            _ => None,
        });
        let mut last: Vec<crate::core::money::Payment> = Vec::new();
        for payment in rows {
            last.retain(|known| known.id != payment.id);
            last.push(payment);
        }
        last
    }

    fn end_back(&mut self, id: PassId) -> Result<i64, Refusal> {
        let (payments, cash) = (self.payments_made(), self.cash_rows());
        let rest = Rest::Back { payments, cash };
        self.manage(Manage::EndPass { id, rest, reason: "moves away".into() })
    }

    fn refunds_made(&self) -> Vec<Refund> {
        let rows = self.journal.iter().filter_map(|change| match change {
            Change::Refund(refund) => Some(refund.clone()),
            _ => None,
        });
        rows.collect()
    }

    /// What the ledger says is stored is what lies in the passes.
    fn stored_is_stored(&self) {
        let kind = |pass: &Pass| match pass.kind {
            PassKind::Stored { balance_minor } => balance_minor,
            PassKind::Season | PassKind::Count { .. } => 0,
        };
        let stored: i64 = self.state.passes.values().map(kind).sum();
        assert_eq!(-self.balance(Account::StoredValue), stored, "{:#?}", self.ledger());
    }

    fn pay_by_bank(&mut self, order: OrderId) -> String {
        assert!(matches!(self.tell(Input::PayAsked { order }), Ok(Answer::Payment(_))));
        self.generated().pop().unwrap()
    }
}

#[test]
fn a_new_pass_is_there_once_it_is_paid() {
    for (name, kind, paid, account, until) in [
        ("month", PassKind::Season, 30_000, Account::PassRevenue, "2026-12-23T00:00:00Z"),
        (
            "stays",
            PassKind::Count { left: 10 },
            5_000,
            Account::PassRevenue,
            "2027-11-23T00:00:00Z",
        ),
        (
            "value",
            PassKind::Stored { balance_minor: 11_000 },
            10_000,
            Account::StoredValue,
            "2027-11-23T00:00:00Z",
        ),
    ] {
        let mut site = shop();
        let order = site.new_pass(name, &[A]);
        assert!(site.state.passes.is_empty(), "{name}: not before it is paid");
        let trade = site.pay_by_bank(order);
        site.bank(&trade, Site::paid(paid)).unwrap();
        let pass = site.state.passes.values().next().unwrap().clone();
        assert_eq!((pass.kind, pass.valid_until.to_string().as_str()), (kind, until), "{name}");
        assert_eq!((pass.paid_in.len(), pass.paid_in[0].minor), (1, paid));
        let earned = if account == Account::StoredValue { 11_000 } else { paid };
        assert_eq!(-site.balance(account), earned, "{name}");
        assert_eq!(site.balance(Account::ChannelReceivable), paid);
        site.stored_is_stored();
        // Told once more, nothing happens twice: the order is over, and the word finds nobody.
        assert!(site.bank(&trade, Site::paid(paid)).is_err());
        assert_eq!(site.state.passes.values().next().unwrap(), &pass);
        assert_eq!(site.tries(A), "pass", "{name}");
    }
}

#[test]
fn asked_twice_it_is_one_order_and_each_space_costs() {
    let mut site = shop();
    let order = site.new_pass("month", &[A, B]);
    assert_eq!(site.state.orders[&order].amount.minor, 60_000);
    assert_eq!(site.new_pass("month", &[A, B]), order);
    assert_ne!(site.new_pass("month", &[C]), order);
}

#[test]
fn what_cannot_be_sold_is_refused() {
    let mut site = shop();
    let id = site.bought_pass("month");
    let more = PassWanted::More(id);
    for (price, wants, why) in [
        ("moon", more.clone(), NotTaken::NoPrice("moon".into())),
        ("stays", more.clone(), NotTaken::OtherPrice(id)),
        ("month", PassWanted::More(PassId(9)), NotTaken::NoPass(PassId(9))),
        (
            "month",
            PassWanted::New {
                holder: "Li".into(),
                plates: vec![plate(A)],
                spaces: 1,
                from: site.now,
            },
            NotTaken::OtherPass { plate: plate(A), pass: id },
        ),
    ] {
        assert_eq!(site.ask_pass(price, wants), Err(Refusal::Unfit(why)));
    }
    let by_phone = |price: &str, wants| PassAsked { by: None, price: price.into(), wants };
    let at_desk = site.tell(Input::PassAsked(by_phone("desk-only", more.clone())));
    assert_eq!(at_desk, Err(Refusal::Unfit(NotTaken::NoPrice("desk-only".into()))));
    assert!(matches!(site.tell(Input::PassAsked(by_phone("month", more))), Ok(Answer::Order(_))));
}

#[test]
fn a_renewal_goes_on_from_the_end_and_after_a_gap_from_today() {
    let mut site = shop();
    let id = site.bought_pass("month");
    let order = site.ordered("month", PassWanted::More(id));
    site.cash(order, 30_000).unwrap();
    assert_eq!(site.held(id).valid_until.to_string(), "2027-01-23T00:00:00Z");
    // Ten days after its end, with its vehicle inside since before: the gap is paid for like anybody's time.
    site.after(HOUR * 24 * 60);
    assert_eq!(site.tries(A), "pass");
    site.after(HOUR * 24 * 11);
    let order = site.ordered("month", PassWanted::More(id));
    site.cash(order, 30_000).unwrap();
    let pass = site.held(id);
    assert_eq!(pass.valid_from.to_string(), "2027-02-02T00:00:00Z");
    assert_eq!(pass.valid_until.to_string(), "2027-03-02T00:00:00Z");
    let stay = site.state.stay_of(&plate(A)).unwrap().clone();
    site.sensor("out", Sensor::Arrival, true);
    site.read("out", A);
    let order = site.state.lanes[&lane("out")].visit.as_ref().unwrap().order.unwrap();
    // From the 23rd of January to the 2nd of February: eleven times 24 hours from its entry, of at most 40.00 each.
    assert_eq!(site.state.orders[&order].amount.minor, 44_000, "{stay:?}");
}

#[test]
fn money_that_comes_late_counts_unless_the_order_was_given_up() {
    for given_up in [false, true] {
        let mut site = shop();
        let order = site.new_pass("month", &[A]);
        let trade = site.pay_by_bank(order);
        if given_up {
            site.tell(Input::PassGivenUp { order }).unwrap();
        } else {
            let known = site.state.orders[&order].clone();
            let payment = site.state.payment_of(&trade).unwrap().clone();
            site.after(HOUR * 3);
            site.tell(Input::Recalled {
                payment,
                order: Order { state: OrderState::Void, ..known },
            })
            .unwrap();
        }
        site.bank(&trade, Site::paid(30_000)).unwrap();
        // A reversal is asked about before a late word is believed.
        site.bank(&trade, Site::paid(30_000)).unwrap();
        assert_eq!(site.state.passes.len(), usize::from(!given_up));
        let owed = -site.balance(Account::RefundsPayable);
        assert_eq!(owed, if given_up { 30_000 } else { 0 });
    }
}

#[test]
fn a_late_payment_for_a_pass_that_has_ended_goes_back() {
    let mut site = shop();
    let id = site.bought_pass("value");
    let order = site.ordered("value", PassWanted::More(id));
    let trade = site.pay_by_bank(order);
    site.manage(Manage::EndPass { id, rest: Rest::Kept, reason: "stolen".into() }).unwrap();
    site.bank(&trade, Site::paid(10_000)).unwrap();
    assert_eq!(-site.balance(Account::RefundsPayable), 10_000);
    site.stored_is_stored();
}

#[test]
fn a_top_up_at_the_exit_lets_its_vehicle_go() {
    let mut site = shop();
    let id =
        site.add_pass(PassDraft { kind: PassKind::Stored { balance_minor: 300 }, ..season(&[A]) });
    site.tries(A);
    site.after(Duration::from_mins(179));
    // On the phone first: what is stored counts, the rest is asked for.
    let Ok(Answer::Order(order)) = site.tell(Input::PrepayAsked { plate: plate(A) }) else {
        panic!()
    };
    assert_eq!(site.state.orders[&order].amount.minor, 1_200);
    assert_eq!(site.held(id).kind, PassKind::Stored { balance_minor: 300 }, "taken at the exit");
    site.after(Duration::from_secs(20));
    site.sensor("out", Sensor::Arrival, true);
    site.read("out", A);
    assert_eq!(site.phase("out"), Phase::AwaitingPayment);
    let order = site.ordered("value", PassWanted::More(id));
    site.cash(order, 10_000).unwrap();
    assert_eq!(site.phase("out"), Phase::Opening);
    assert_eq!(site.held(id).kind, PassKind::Stored { balance_minor: 9_800 });
    site.stored_is_stored();
    site.shift();
    site.drive_through("out");
    assert_eq!(-site.balance(Account::ParkingRevenue), 1_500);
}

#[test]
fn a_balance_that_covers_all_is_nothing_to_prepay() {
    let mut site = shop();
    site.bought_pass("value");
    site.tries(A);
    site.after(HOUR * 3);
    let asked = site.tell(Input::PrepayAsked { plate: plate(A) });
    assert_eq!(asked, Ok(Answer::NothingOwed(None)));
    site.stored_is_stored();
}

#[test]
fn what_was_not_used_goes_back_the_way_it_was_paid() {
    // Paid by, the price, what is used first, and what goes back of it.
    for (by_bank, name, days, back) in [
        // Ten of thirty days, and the one that ends it: nineteen are left.
        (false, "month", 10, 19_000),
        (true, "month", 10, 19_000),
        (false, "month", 40, 0),
        (false, "stays", 0, 4_500),
        // 10.00 of 110.00 are used up; 100.00 of 110.00 of what was paid.
        (true, "value", 0, 9_090),
        (false, "value", 0, 9_090),
    ] {
        let mut site = shop();
        let order = site.new_pass(name, &[A]);
        if by_bank {
            let trade = site.pay_by_bank(order);
            let minor = site.state.orders[&order].amount.minor;
            site.bank(&trade, Site::paid(minor)).unwrap();
        } else {
            site.cash(order, 1_000_000).unwrap();
        }
        let id = site.state.orders[&order].pass.as_ref().unwrap().pass.unwrap();
        if days == 0 {
            site.tries(A);
            site.after(HOUR * 2);
            site.sensor("out", Sensor::Arrival, true);
            site.read("out", A);
            site.drive_through("out");
        }
        site.after(HOUR * 24 * days);
        let before = site.balance(Account::CashDrawer);
        let nothing = Rest::Nothing;
        let refused = site.manage(Manage::EndPass { id, rest: nothing, reason: "x".into() });
        assert_eq!(refused.is_err(), back > 0, "{name}: {refused:?}");
        if back > 0 {
            site.end_back(id).unwrap();
        }
        assert!(site.state.passes.is_empty());
        let from_drawer = before - site.balance(Account::CashDrawer);
        let owed = -site.balance(Account::RefundsPayable);
        let expected = if by_bank { (0, back) } else { (back, 0) };
        assert_eq!((from_drawer, owed), expected, "{name} after {days} days");
        if by_bank {
            assert_eq!(site.refunds_made().last().unwrap().amount.minor, back);
        }
        site.stored_is_stored();
        site.shift();
    }
}

#[test]
fn a_large_rest_waits_for_a_second_person_and_only_balances_go_back_where_the_site_says_so() {
    let mut site = shop();
    site.rules.till.approve_above_minor = 100;
    let order = site.new_pass("value", &[A]);
    let trade = site.pay_by_bank(order);
    site.bank(&trade, Site::paid(10_000)).unwrap();
    site.end_back(PassId(1)).unwrap();
    assert_eq!(site.refunds_made().last().unwrap().state, RefundState::Waiting);
    assert_eq!(-site.balance(Account::RefundsPayable), 10_000);

    let mut site = shop();
    site.rules.passes.rest = RestRule::BalanceOnly;
    let id = site.bought_pass("month");
    let (rest, reason) = (Rest::Nothing, "moves away".into());
    site.manage(Manage::EndPass { id, rest, reason }).unwrap();
}

#[test]
fn a_balance_is_set_right_by_a_difference_with_a_reason() {
    let mut site = shop();
    let id = site.bought_pass("value");
    let by = |by: i64, reason: &str| Manage::AdjustPass { id, by, reason: reason.into() };
    assert_eq!(site.manage(by(-500, " ")), Err(Refusal::NoReason));
    site.manage(by(-500, "charged a guest by mistake")).unwrap();
    site.manage(by(200, "a gift")).unwrap();
    assert_eq!(site.held(id).kind, PassKind::Stored { balance_minor: 10_700 });
    site.stored_is_stored();
    assert_eq!(site.manage(by(-10_701, "too much")), Err(Refusal::Unfit(NotTaken::Amount)));
    // A form that was loaded before a stay was paid for restores nothing.
    let kind = PassKind::Stored { balance_minor: 11_000 };
    site.manage(Manage::ChangePass { id, to: PassDraft { kind, ..season(&[A, B]) } }).unwrap();
    assert_eq!(site.held(id).kind, PassKind::Stored { balance_minor: 10_700 });
    let reasons = site.journal.iter().filter_map(|change| match change {
        Change::PassActed(acted) => Some((acted.by, acted.reason.as_str())),
        _ => None,
    });
    assert_eq!(
        reasons.collect::<Vec<_>>(),
        [(-500, "charged a guest by mistake"), (200, "a gift")]
    );
}

#[test]
fn money_of_a_pass_goes_back_with_the_pass_only() {
    let mut site = shop();
    site.bought_pass("month");
    let cash = site.cash_rows().pop().unwrap();
    let reason = "wants it back".into();
    let told = site.till(crate::core::till::TillAct::RefundCash { cash, amount_minor: 1, reason });
    assert_eq!(told, Err(Refusal::Unfit(NotTaken::EndThePass)));
    let got = site.held(PassId(1)).paid_in[0].got;
    assert!(matches!(got, Got::Time { .. }));
    // What counters sell otherwise is theirs as before.
    let counter = CounterId::parse("hotel-desk").unwrap();
    let (key, subject) = ("1".into(), "lunch".into());
    let sold = SaleAsked { counter, key, subject, amount_minor: 500 };
    assert!(matches!(site.tell(Input::SaleAsked(sold)), Ok(Answer::Order(_))));
}

#[test]
fn a_tier_prices_a_real_stay() {
    for (how, fee) in [("none", 1_500), ("pass", 600), ("list", 600)] {
        let mut site = shop();
        let text = "name = \"lot\"\n\n[[band]]\nname = \"always\"\nrate = [{ amount = \"5\", every = \"1h\" }]\n\n[[variant]]\nwhen = { tier = [\"resident\"] }\n\n[[variant.band]]\nname = \"always\"\nrate = [{ amount = \"2\", every = \"1h\" }]\n";
        let tariff = crate::core::tariff::Tariff::parse(text).unwrap();
        let (zone, currency) = (site.rules.zone.clone(), site.rules.currency);
        site.rules.tariff = tariff.name().clone();
        site.rules.tariffs = crate::core::tariff::TariffBook::single(tariff, zone, currency);
        let tier = Some("resident".to_owned());
        match how {
            "pass" => {
                let kind = PassKind::Stored { balance_minor: 0 };
                site.add_pass(PassDraft { kind, tier, ..season(&[A]) });
            }
            "list" => {
                let (from, note) = (site.now, String::new());
                let (list, until, vehicle) = (List::Member, None, None);
                let draft = ListDraft { plate: plate(A), list, note, from, until, vehicle, tier };
                site.manage(Manage::List(draft)).unwrap();
            }
            _ => {}
        }
        assert_eq!(site.tries(A), "transient", "{how}");
        site.after(Duration::from_mins(179));
        site.sensor("out", Sensor::Arrival, true);
        site.read("out", A);
        let order = site.state.lanes[&lane("out")].visit.as_ref().unwrap().order.unwrap();
        assert_eq!(site.state.orders[&order].amount.minor, fee, "{how}");
    }
}
