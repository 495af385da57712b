//! Holds, their ends, late money, quotas, names; and what is refused.

use super::*;

#[test]
fn a_paid_order_has_its_tickets_in_the_same_commit() {
    let mut site = Site::scenic();
    let order = site.order("1", &[line("adult", NINE, 2), line("boat", NINE, 1)]);
    assert_eq!((site.slot_now(NINE).held(), site.slot_now(NINE).paid()), (3, 0));
    assert!(site.latest_tickets().is_empty(), "nobody has a ticket before it is paid");
    let trade = site.trade_of(order);
    site.bank(&trade, Site::paid(18_000)).unwrap();
    site.check_places();
    assert_eq!((site.slot_now(NINE).held(), site.slot_now(NINE).paid()), (0, 3));
    let tickets = site.latest_order(order).basket.unwrap().tickets;
    assert_eq!(tickets, [TicketId(1), TicketId(2), TicketId(3)]);
    let first = site.ticket(tickets[0]);
    assert_eq!(first.valid_from, "2026-11-24T09:00:00Z".parse().unwrap());
    assert_eq!(first.valid_until, "2026-11-24T11:00:00Z".parse().unwrap());
    assert_eq!(first.digest, Codes.ticket(tickets[0], 0));
    assert_eq!(first.areas[0].returns, Some(1));
    assert_eq!(first.sold.unwrap().price.minor, 6_000);
    assert_eq!(site.balance(Account::TicketRevenue), -18_000);
    site.bank(&trade, Site::paid(18_000)).unwrap_err();
    assert_eq!(site.latest_tickets().len(), 3, "told twice is paid once");
}

#[test]
fn the_same_number_is_the_same_order_and_other_tickets_under_it_are_refused() {
    let mut site = Site::scenic();
    let order = site.order("1", &[line("adult", NINE, 2)]);
    assert_eq!(site.order("1", &[line("adult", NINE, 2)]), order);
    let other = wanted("page", "1", &[line("adult", NINE, 3)]);
    assert_eq!(site.ask(other), Err(Refusal::SaleDiffers(order)));
    assert_eq!(site.slot_now(NINE).held(), 2);
    assert_ne!(site.order("2", &[line("adult", NINE, 2)]), order);
}

#[test]
fn what_nobody_pays_is_free_again_after_a_quarter_of_an_hour() {
    let mut site = Site::scenic();
    let order = site.order("1", &[line("adult", NINE, 10)]);
    let full = NoSale::SlotFull { slot: slot(NINE), left: 0 };
    assert_eq!(site.ask(wanted("page", "2", &[line("adult", NINE, 1)])), Err(full.into()));
    site.wait(14);
    assert_eq!(site.slot_now(NINE).held(), 10);
    site.wait(2);
    assert_eq!(site.slot_now(NINE).held(), 0);
    assert_eq!(site.latest_order(order).state, OrderState::Void);
    site.order("3", &[line("adult", NINE, 10)]);
}

#[test]
fn late_money_takes_the_places_again_or_goes_back() {
    for (taken, becomes) in [(0, true), (8, true), (9, false)] {
        let mut site = Site::scenic();
        let order = site.order("1", &[line("adult", NINE, 2)]);
        site.wait(12);
        let trade = site.trade_of(order);
        site.wait(4);
        assert_eq!(site.latest_order(order).state, OrderState::Void);
        if taken > 0 {
            site.buy("2", &[line("adult", NINE, taken)]);
        }
        site.bank(&trade, Site::paid(12_000)).unwrap();
        site.bank(&trade, Site::paid(12_000)).unwrap();
        site.check_places();
        let paid = matches!(site.latest_order(order).state, OrderState::Paid { .. });
        assert_eq!(paid, becomes, "{taken} others were sold");
        assert_eq!(
            site.latest_order(order).basket.unwrap().tickets.len(),
            2 * usize::from(becomes)
        );
        let back: Vec<_> = site.state.refunds.values().map(|refund| refund.amount.minor).collect();
        assert_eq!(back, if becomes { vec![] } else { vec![12_000] }, "{taken} others were sold");
    }
}

#[test]
fn money_for_an_order_that_was_given_up_goes_back() {
    let mut site = Site::scenic();
    let order = site.order("1", &[line("adult", NINE, 2)]);
    let trade = site.trade_of(order);
    let cancelled = Input::SaleCancelled { counter: counter("page"), order };
    assert_eq!(site.checked(cancelled.clone()), Ok(Answer::Done));
    assert_eq!(site.checked(cancelled), Ok(Answer::Duplicate));
    assert_eq!(site.slot_now(NINE).held(), 0);
    site.bank(&trade, Site::paid(12_000)).unwrap();
    site.bank(&trade, Site::paid(12_000)).unwrap();
    assert!(site.latest_tickets().is_empty());
    assert_eq!(site.state.refunds.len(), 1);
}

#[test]
fn what_costs_nothing_is_paid_when_it_is_asked_for() {
    let mut site = Site::scenic();
    let order = site.order("1", &[line("infant", NINE, 2)]);
    let paid = OrderState::Paid { by: PaidBy::Counter, at: site.now };
    assert_eq!(site.latest_order(order).state, paid);
    assert_eq!((site.slot_now(NINE).held(), site.slot_now(NINE).paid()), (0, 2));
    assert!(site.ledger().is_empty());
    let json = serde_json::to_string(&site.latest_order(order)).unwrap();
    assert_eq!(serde_json::from_str::<Order>(&json).unwrap(), site.latest_order(order));
}

#[test]
fn cash_at_the_window_pays_tickets() {
    let mut site = Site::scenic();
    site.open_shift(0);
    let order = site.order("1", &[line("adult", NINE, 2)]);
    assert!(
        matches!(site.cash(order, 20_000), Ok(Answer::Cash(_, change)) if change.minor == 8_000)
    );
    site.check_places();
    assert_eq!(site.latest_order(order).basket.unwrap().tickets.len(), 2);
    assert_eq!(site.balance(Account::TicketRevenue), -12_000);
    site.shift();
}

#[test]
fn an_agent_that_settles_by_account_confirms_and_others_do_not() {
    let mut site = Site::scenic();
    let lines = [line("adult", NINE, 2)];
    let Ok(Answer::Order(order)) = site.ask(wanted("agent", "A1", &lines)) else { panic!() };
    let confirm = |by: &str, order| Input::TicketsConfirmed { counter: counter(by), order };
    assert_eq!(site.checked(confirm("page", order)), Err(Refusal::NotDue(order)));
    assert_eq!(site.checked(confirm("agent", order)), Ok(Answer::Done));
    assert_eq!(site.checked(confirm("agent", order)), Ok(Answer::AlreadyPaid));
    assert_eq!(site.balance(Account::CounterReceivable), 12_000);
    assert_eq!(site.latest_tickets().len(), 2);
    let own = site.order("1", &lines);
    let no = NoSale::NotOnAccount(counter("page"));
    assert_eq!(site.checked(confirm("page", own)), Err(no.into()));
}

#[test]
fn a_counter_sells_no_more_than_its_quota() {
    let mut site = Site::scenic();
    let ask = |key: &str, tickets| wanted("kiosk", key, &[line("adult", NINE, tickets)]);
    assert!(site.ask(ask("1", 3)).is_ok());
    let left = NoSale::SlotFull { slot: slot(NINE), left: 1 };
    assert_eq!(site.ask(ask("2", 2)), Err(left.into()));
    assert!(site.ask(ask("3", 1)).is_ok());
    site.order("4", &[line("adult", NINE, 6)]);
}

#[test]
fn a_number_gets_one_ticket_for_one_time_slot() {
    let mut site = Site::scenic();
    let named = |at: &str, numbers: &[&str]| LineAsked {
        visitors: numbers.iter().map(|number| visitor(number)).collect(),
        ..line("named", at, numbers.len() as u32)
    };
    let no = || Refusal::from(NoSale::VisitorHasOne { product: product("named"), most: 1 });
    assert_eq!(site.ask(wanted("page", "0", &[named(NINE, &["110A", "110A"])])), Err(no()));
    let order = site.order("1", &[named(NINE, &["110A", "110B"])]);
    assert_eq!(site.ask(wanted("page", "2", &[named(NINE, &["110B"])])), Err(no()));
    site.order("3", &[named(ELEVEN, &["110B"])]);
    site.pay_for(order);
    assert_eq!(site.ask(wanted("page", "4", &[named(NINE, &["110A"])])), Err(no()));
    let tickets = site.latest_order(order).basket.unwrap().tickets;
    assert_eq!(site.ticket(tickets[1]).visitor, Some(visitor("110B")));
    // What is not paid, or goes back, counts no more.
    site.wait(16);
    site.order("5", &[named(ELEVEN, &["110B"])]);
}

#[test]
fn what_is_not_sold_is_refused_and_changes_nothing() {
    let mut site = Site::scenic();
    let adult = |change: fn(&mut LineAsked)| {
        let mut line = line("adult", NINE, 1);
        change(&mut line);
        vec![line]
    };
    let rows: Vec<(&str, Vec<LineAsked>, NoSale)> = vec![
        ("nothing", vec![], NoSale::OrderUnfit),
        ("no such", vec![line("dog", NINE, 1)], NoSale::NoProduct(product("dog"))),
        ("no slot", adult(|line| line.slot = None), NoSale::SlotNeeded(product("adult"))),
        (
            "other day's slot",
            adult(|line| line.day = day("2026-11-25")),
            NoSale::NoSlot(slot(NINE)),
        ),
        (
            "yesterday",
            adult(|line| {
                line.day = day("2026-11-22");
                line.slot = Some(slot("day-20261122-0900"));
            }),
            NoSale::NotNow(product("adult")),
        ),
        (
            "too far ahead",
            adult(|line| {
                line.day = day("2026-12-24");
                line.slot = Some(slot("day-20261224-0900"));
            }),
            NoSale::NotNow(product("adult")),
        ),
        (
            "two on one",
            adult(|line| line.persons = 2),
            NoSale::PersonsUnfit(product("adult"), 1, 1),
        ),
        ("none", adult(|line| line.tickets = 0), NoSale::TooMany(20)),
        ("21", vec![line("adult", NINE, 10), line("adult", ELEVEN, 11)], NoSale::TooMany(20)),
        ("no name", vec![line("named", NINE, 1)], NoSale::NameNeeded(product("named"))),
        (
            "boat alone",
            vec![line("adult", NINE, 1), line("boat", NINE, 2)],
            NoSale::AddOnAlone(product("boat"), product("adult")),
        ),
        (
            "11 of 10 in two lines",
            vec![line("adult", NINE, 6), line("adult", NINE, 5)],
            NoSale::SlotFull { slot: slot(NINE), left: 10 },
        ),
    ];
    for (name, lines, no) in rows {
        let before = site.journal.len();
        assert_eq!(site.ask(wanted("page", name, &lines)), Err(no.into()), "{name}");
        assert_eq!(site.journal.len(), before, "{name}");
    }
}

#[test]
fn an_operator_sets_places_and_closes_a_slot() {
    let mut site = Site::scenic();
    site.buy("1", &[line("adult", NINE, 4)]);
    let set = |act, reason: &str| Input::SlotSet {
        schedule: schedule(),
        day: day(DAY),
        slot: slot(NINE),
        act,
        who: "li".into(),
        reason: reason.into(),
    };
    assert_eq!(site.checked(set(SlotAct::Close, " ")), Err(Refusal::NoReason));
    let taken = NoChange::PlacesTaken { sold: 4 };
    assert_eq!(site.checked(set(SlotAct::Places(Some(3)), "wet")), Err(taken.into()));
    site.checked(set(SlotAct::Places(Some(5)), "wet")).unwrap();
    let full = NoSale::SlotFull { slot: slot(NINE), left: 1 };
    assert_eq!(site.ask(wanted("page", "2", &[line("adult", NINE, 2)])), Err(full.into()));
    site.checked(set(SlotAct::Close, "storm")).unwrap();
    let closed = NoSale::SlotClosed(slot(NINE), "storm".into());
    assert_eq!(site.ask(wanted("page", "3", &[line("adult", NINE, 1)])), Err(closed.into()));
    site.checked(set(SlotAct::Reopen, "over")).unwrap();
    site.order("4", &[line("adult", NINE, 1)]);
}

#[test]
fn a_day_comes_on_sale_at_its_time_of_day() {
    let mut site = Site::scenic();
    let adult = site.rules.shop.products.get_mut(&product("adult")).unwrap();
    (adult.window.days_ahead, adult.window.opens) = (5, jiff::civil::time(10, 30, 0, 0));
    let last = LineAsked {
        day: day("2026-11-28"),
        slot: Some(slot("day-20261128-0900")),
        ..line("adult", NINE, 1)
    };
    let ask =
        |site: &mut Site, key: &str| site.ask(wanted("page", key, std::slice::from_ref(&last)));
    let no = Err(NoSale::NotNow(product("adult")).into());
    let clock = site.now.to_zoned_datetime(site.rules.zone.clone());
    assert_eq!((clock.date(), clock.hour()), (day("2026-11-23"), 8), "the test's own beginning");
    assert_eq!(ask(&mut site, "1"), no);
    assert!(site.ask(wanted("page", "2", &[line("adult", NINE, 1)])).is_ok(), "days before it are");
    site.after(MINUTE * 149);
    assert_eq!(ask(&mut site, "3"), no);
    site.after(MINUTE);
    assert!(ask(&mut site, "4").is_ok());
}
