//! Returned, moved, printed, renamed: by the rules, or by an operator with a reason.

use super::*;
use crate::core::selling::TicketDid;

impl Site {
    fn take_in(&mut self, key: &str, tickets: &[(TicketId, u32)], orders: &[OrderId]) -> Reply {
        self.take_in_by(Asker::Visitor, key, tickets, orders)
    }

    fn take_in_by(
        &mut self,
        by: Asker,
        key: &str,
        tickets: &[(TicketId, u32)],
        orders: &[OrderId],
    ) -> Reply {
        let back = |(ticket, persons): &(TicketId, u32)| {
            let of = self.ticket(*ticket).persons;
            Back { ticket: *ticket, persons: *persons, of }
        };
        let tickets = tickets.iter().map(back).collect();
        let bought = orders.iter().map(|order| self.on_record(*order)).collect();
        self.checked(Input::TicketsReturned(ReturnAsked { key: key.into(), tickets, bought, by }))
    }

    fn move_to(&mut self, key: &str, ticket: TicketId, on: &str, at: &str, of: OrderId) -> Reply {
        let bought = vec![self.on_record(of)];
        let (day, slot, by) = (day(on), Some(slot(at)), Asker::Visitor);
        let (counter, key, tickets) = (counter("page"), key.into(), vec![ticket]);
        self.checked(Input::TicketsMoved(MoveAsked {
            counter,
            key,
            tickets,
            day,
            slot,
            bought,
            by,
        }))
    }

    fn sent_back(&self) -> Vec<(i64, RefundState)> {
        let mut refunds = BTreeMap::new();
        for change in &self.journal {
            if let Change::Refund(refund) = change {
                refunds.insert(refund.id, (refund.amount.minor, refund.state));
            }
        }
        refunds.into_values().collect()
    }

    fn did(&self) -> Vec<(TicketId, TicketDid)> {
        let acts = self.journal.iter().filter_map(|change| match change {
            Change::TicketActed(acted) => Some((acted.ticket, acted.did)),
            _ => None,
        });
        acts.collect()
    }
}

fn back(minor: i64, cash: i64) -> Reply {
    let money = |minor| Money::new(minor, Currency::Cny);
    Ok(Answer::Returned(Returned { back: money(minor), cash: money(cash), waits: money(0) }))
}

fn li(reason: Option<&str>) -> Asker {
    Asker::Operator { who: "li".into(), against_rules: reason.map(Into::into) }
}

#[test]
fn what_goes_back_depends_on_when_it_is_returned() {
    for (passed, expected) in [
        (Duration::ZERO, back(6_000, 0)),
        (HOUR * 2, back(3_000, 0)),
        (HOUR * 25, back(3_000, 0)),
        (HOUR * 25 + MINUTE, Err(NoChange::AgainstRules(TicketId(1)).into())),
        (HOUR * 28, Err(NoChange::NotAlive(TicketId(1)).into())),
    ] {
        let mut site = Site::scenic();
        let (order, tickets) = site.buy("1", &[line("adult", NINE, 2)]);
        site.after(passed);
        assert_eq!(site.take_in("r1", &[(tickets[0], 1)], &[order]), expected, "{passed:?}");
        assert_eq!(site.ticket(tickets[0]).revoked, expected.is_ok());
        let revenue = 12_000
            - expected.map_or(0, |answer| match answer {
                Answer::Returned(returned) => returned.back.minor,
                _ => 0,
            });
        assert_eq!(site.balance(Account::TicketRevenue), -revenue, "{passed:?}");
    }
}

#[test]
fn a_return_asked_for_twice_is_one_and_a_returned_ticket_stays_so() {
    let mut site = Site::scenic();
    let (order, tickets) = site.buy("1", &[line("adult", NINE, 2)]);
    assert_eq!(site.take_in("r1", &[(tickets[0], 1)], &[order]), back(6_000, 0));
    assert_eq!(site.take_in("r1", &[(tickets[0], 1)], &[order]), Ok(Answer::Duplicate));
    let gone = NoChange::NotAlive(tickets[0]);
    assert_eq!(site.take_in("r2", &[(tickets[0], 1)], &[order]), Err(gone.into()));
    assert_eq!(site.sent_back(), [(6_000, RefundState::Pending)]);
    assert_eq!(site.slot_now(NINE).paid(), 1);
    assert_eq!(site.ticket(tickets[0]).revoked_by, "visitor");
    let printed = Input::TicketsPrinted {
        tickets: vec![tickets[0]],
        who: "li".into(),
        reason: String::new(),
    };
    assert_eq!(site.checked(printed), Err(NoChange::NotAlive(tickets[0]).into()));
    assert_eq!(site.did(), [(tickets[0], TicketDid::Returned)]);
}

#[test]
fn some_persons_of_a_group_go_back_and_the_others_come() {
    let mut site = Site::scenic();
    let group = LineAsked { persons: 10, ..line("group", NINE, 1) };
    let (order, tickets) = site.buy("1", &[group]);
    let id = tickets[0];
    assert_eq!(site.take_in("r1", &[(id, 3)], &[order]), back(18_000, 0));
    let ticket = site.ticket(id);
    assert_eq!((ticket.persons, ticket.revoked), (7, false));
    assert_eq!(ticket.sold.unwrap().price.minor, 42_000);
    // Somebody saw ten persons on it still.
    let stale = ReturnAsked {
        key: "r2".into(),
        tickets: vec![Back { ticket: id, persons: 3, of: 10 }],
        bought: vec![site.on_record(order)],
        by: Asker::Visitor,
    };
    let changed = NoChange::Changed(id);
    assert_eq!(site.checked(Input::TicketsReturned(stale)), Err(changed.into()));
    assert_eq!(site.take_in("r3", &[(id, 7)], &[order]), back(42_000, 0));
    assert!(site.ticket(id).revoked);
    assert_eq!(site.slot_now(NINE).sold(), 0);
}

#[test]
fn an_operator_returns_against_the_rules_with_a_reason_and_much_needs_two() {
    let mut site = Site::scenic();
    let (order, tickets) = site.buy("1", &[line("adult", NINE, 9)]);
    site.after(HOUR * 26);
    let one = [(tickets[0], 1)];
    let no = Err(NoChange::AgainstRules(tickets[0]).into());
    assert_eq!(site.take_in_by(li(None), "r1", &one, &[order]), no);
    assert_eq!(site.take_in_by(li(Some("ill")), "r1", &one, &[order]), back(6_000, 0));
    site.rules.till.approve_above_minor = 10_000;
    let many: Vec<_> = tickets[1..4].iter().map(|ticket| (*ticket, 1)).collect();
    assert_eq!(site.take_in_by(li(Some("ill")), "r2", &many, &[order]), back(18_000, 0));
    assert_eq!(site.sent_back(), [(6_000, RefundState::Pending), (18_000, RefundState::Waiting)]);
}

#[test]
fn cash_goes_back_at_the_window_in_parts() {
    let mut site = Site::scenic();
    site.open_shift(0);
    let order = site.order("1", &[line("adult", NINE, 3)]);
    site.cash(order, 18_000).unwrap();
    let tickets = site.latest_order(order).basket.unwrap().tickets;
    let no = Err(NoChange::CashAtWindow.into());
    assert_eq!(site.take_in("r0", &[(tickets[0], 1)], &[order]), no);
    assert!(!site.ticket(tickets[0]).revoked, "refused is unchanged");
    for (at, ticket) in tickets.iter().enumerate() {
        let reply = site.take_in_by(li(None), &format!("r{at}"), &[(*ticket, 1)], &[order]);
        assert_eq!(reply, back(6_000, 6_000));
    }
    assert_eq!(site.balance(Account::CashDrawer), 0);
    assert_eq!(site.shift().totals.refunded_minor, 18_000);
    let fetched =
        Input::CashFetched { bought: site.on_record(order), who: "li".into(), second: None };
    assert_eq!(site.checked(fetched), Err(NoChange::NothingOwed.into()));
}

#[test]
fn much_cash_is_handed_over_by_two() {
    let mut site = Site::scenic();
    site.open_shift(0);
    let order = site.order("1", &[line("adult", NINE, 3)]);
    site.cash(order, 18_000).unwrap();
    site.rules.limits.second_above_minor = 10_000;
    let tickets = site.latest_order(order).basket.unwrap().tickets;
    let all: Vec<_> = tickets.iter().map(|ticket| (*ticket, 1)).collect();
    let told = site.take_in_by(li(None), "r1", &all, &[order]);
    let Ok(Answer::Returned(returned)) = told else { panic!("{told:?}") };
    assert_eq!((returned.cash.minor, returned.waits.minor), (0, 18_000));
    assert!(site.ticket(tickets[0]).revoked, "they let nobody in from then on");
    assert_eq!(site.balance(Account::CashDrawer), 18_000);
    let fetch = |site: &Site, second: Option<&str>| Input::CashFetched {
        bought: site.on_record(order),
        who: "li".into(),
        second: second.map(str::to_owned),
    };
    for alone in [None, Some("li")] {
        let alone = fetch(&site, alone);
        assert!(matches!(site.checked(alone), Err(Refusal::SecondNeeded(_))));
    }
    let both = fetch(&site, Some("wang"));
    let told = site.checked(both.clone());
    assert!(matches!(told, Ok(Answer::Returned(back)) if back.cash.minor == 18_000), "{told:?}");
    assert_eq!(site.balance(Account::CashDrawer), 0);
    assert_eq!(site.checked(both), Err(NoChange::NothingOwed.into()));
}

#[test]
fn what_an_agent_sold_goes_back_on_its_account_and_by_its_own_word_only() {
    let mut site = Site::scenic();
    let asked = wanted("agent", "A1", &[line("adult", NINE, 2)]);
    let Ok(Answer::Order(order)) = site.ask(asked) else { panic!() };
    site.checked(Input::TicketsConfirmed { counter: counter("agent"), order }).unwrap();
    let one = [(TicketId(1), 1)];
    let other = Asker::Counter(counter("hotel"));
    let no = Err(NoChange::AgainstRules(TicketId(1)).into());
    assert_eq!(site.take_in_by(other, "r", &one, &[order]), no);
    let own = Asker::Counter(counter("agent"));
    assert_eq!(site.take_in_by(own.clone(), "r", &one, &[order]), back(6_000, 0));
    assert_eq!(site.take_in_by(own, "r", &one, &[order]), Ok(Answer::Duplicate));
    assert_eq!(site.balance(Account::CounterReceivable), 6_000);
}

#[test]
fn a_move_to_another_slot_frees_the_old_place_and_kills_the_old_code() {
    let mut site = Site::scenic();
    let (order, tickets) = site.buy("1", &[line("adult", NINE, 1)]);
    let id = tickets[0];
    assert_eq!(site.move_to("m1", id, DAY, ELEVEN, order), Ok(Answer::Done));
    assert_eq!((site.slot_now(NINE).sold(), site.slot_now(ELEVEN).paid()), (0, 1));
    let ticket = site.ticket(id);
    assert_eq!((ticket.edition, ticket.digest), (1, Codes.ticket(id, 1)));
    assert_eq!(ticket.valid_from, "2026-11-24T11:00:00Z".parse().unwrap());
    assert_eq!(site.state.ticket_of(&Codes.ticket(id, 0)), None, "the old code is nobody's");
    let no = Err(NoChange::AgainstRules(id).into());
    assert_eq!(site.move_to("m2", id, DAY, NINE, order), no, "it may be moved once");
}

#[test]
fn what_a_move_costs_more_is_paid_first_and_what_it_costs_less_goes_back() {
    let mut site = Site::scenic();
    let saturday = ("2026-11-28", "day-20261128-0900");
    let (order, tickets) = site.buy("1", &[line("adult", NINE, 1)]);
    let id = tickets[0];
    let Ok(Answer::Order(more)) = site.move_to("m1", id, saturday.0, saturday.1, order) else {
        panic!()
    };
    assert_eq!(site.latest_order(more).amount.minor, 2_000);
    assert_eq!((site.slot_now(NINE).paid(), site.slot_now(saturday.1).held()), (1, 1));
    site.pay_for(more);
    assert_eq!((site.slot_now(NINE).paid(), site.slot_now(saturday.1).paid()), (0, 1));
    assert_eq!(site.ticket(id).sold.unwrap().price.minor, 8_000);
    // The whole price goes back: to each payment its part.
    assert_eq!(site.take_in("r1", &[(id, 1)], &[order, more]), back(8_000, 0));
    assert_eq!(site.sent_back(), [(6_000, RefundState::Pending), (2_000, RefundState::Pending)]);

    let weekend =
        LineAsked { day: day(saturday.0), slot: Some(slot(saturday.1)), ..line("adult", NINE, 1) };
    let (order, tickets) = site.buy("2", &[weekend]);
    assert_eq!(site.move_to("m2", tickets[0], DAY, NINE, order), back(2_000, 0));
    assert_eq!(site.ticket(tickets[0]).sold.unwrap().price.minor, 6_000);
}

#[test]
fn a_move_that_nobody_pays_leaves_the_ticket_where_it_was() {
    let mut site = Site::scenic();
    let (order, tickets) = site.buy("1", &[line("adult", NINE, 1)]);
    let (on, at) = ("2026-11-28", "day-20261128-0900");
    let Ok(Answer::Order(more)) = site.move_to("m1", tickets[0], on, at, order) else { panic!() };
    let trade = site.trade_of(more);
    site.wait(16);
    assert_eq!((site.slot_now(NINE).paid(), site.slot_now(at).sold()), (1, 0));
    // Paid late, when the ticket has gone back: so does the money.
    site.take_in("r1", &[(tickets[0], 1)], &[order]).unwrap();
    site.bank(&trade, Site::paid(2_000)).unwrap();
    site.bank(&trade, Site::paid(2_000)).unwrap();
    site.check_places();
    assert_eq!(site.sent_back(), [(6_000, RefundState::Pending), (2_000, RefundState::Pending)]);
}

#[test]
fn paper_is_the_only_code_from_then_on_and_each_print_kills_the_one_before() {
    let mut site = Site::scenic();
    let (_, tickets) = site.buy("1", &[line("adult", NINE, 1)]);
    let id = tickets[0];
    let print = Input::TicketsPrinted { tickets, who: "li".into(), reason: "jam".into() };
    for edition in 1..=2 {
        site.checked(print.clone()).unwrap();
        let ticket = site.ticket(id);
        assert_eq!((ticket.edition, ticket.medium), (edition, Medium::Paper));
        assert!(site.state.ticket_of(&Codes.ticket(id, edition)).is_some());
        assert!(site.state.ticket_of(&Codes.ticket(id, edition - 1)).is_none());
    }
    assert_eq!(site.did(), [(id, TicketDid::Printed), (id, TicketDid::Reprinted)]);
}

#[test]
fn a_name_changes_where_the_product_lets_it() {
    let mut site = Site::scenic();
    let named = LineAsked { visitors: vec![visitor("110A")], ..line("named", NINE, 1) };
    let (_, tickets) = site.buy("1", &[named.clone(), line("adult", NINE, 1)]);
    let rename = |ticket, number: &str| Input::TicketRenamed {
        ticket,
        visitor: visitor(number),
        by: Asker::Visitor,
    };
    let no = NoChange::AgainstRules(tickets[1]);
    assert_eq!(site.checked(rename(tickets[1], "110B")), Err(no.into()));
    site.checked(rename(tickets[0], "110B")).unwrap();
    assert_eq!(site.ticket(tickets[0]).visitor, Some(visitor("110B")));
    assert_eq!(site.ticket(tickets[0]).edition, 1);
    let of = |number: &str| LineAsked { visitors: vec![visitor(number)], ..named.clone() };
    site.order("2", &[of("110A")]);
    let no = NoSale::VisitorHasOne { product: product("named"), most: 1 };
    assert_eq!(site.ask(wanted("page", "3", &[of("110B")])), Err(no.into()));
}

#[test]
fn paper_that_was_moved_or_renamed_is_shown_on_the_phone_or_printed_again() {
    for (medium, after) in [(Medium::Any, Medium::Any), (Medium::Paper, Medium::Paper)] {
        let mut site = Site::scenic();
        let product = site.rules.shop.products.get_mut(&product("adult")).unwrap();
        product.medium = medium;
        let (order, tickets) = site.buy("1", &[line("adult", NINE, 1)]);
        let id = tickets[0];
        let print =
            || Input::TicketsPrinted { tickets: vec![id], who: "li".into(), reason: String::new() };
        site.checked(print()).unwrap();
        assert!(site.ticket(id).is_printed());
        site.move_to("m1", id, DAY, ELEVEN, order).unwrap();
        let moved = site.ticket(id);
        assert_eq!((moved.edition, moved.medium), (2, after));
        assert!(!moved.is_printed(), "the paper is of the time before");
        site.checked(print()).unwrap();
        assert!(site.ticket(id).is_printed());
        let all = [TicketDid::Printed, TicketDid::Moved, TicketDid::Printed];
        assert_eq!(site.did().into_iter().map(|(_, did)| did).collect::<Vec<_>>(), all);
    }
    let mut site = Site::scenic();
    let named = LineAsked { visitors: vec![visitor("110A")], ..line("named", NINE, 1) };
    let (_, tickets) = site.buy("1", &[named]);
    let id = tickets[0];
    let (who, reason) = ("li".to_owned(), String::new());
    site.checked(Input::TicketsPrinted { tickets, who, reason }).unwrap();
    let renamed = Input::TicketRenamed { ticket: id, visitor: visitor("110B"), by: Asker::Visitor };
    site.checked(renamed).unwrap();
    assert_eq!((site.ticket(id).medium, site.ticket(id).is_printed()), (Medium::Any, false));
}

#[test]
fn a_ticket_that_is_withdrawn_gives_its_place_and_its_visitors_right_to_others() {
    let mut site = Site::scenic();
    let named = LineAsked { visitors: vec![visitor("110A")], ..line("named", NINE, 1) };
    let (_, tickets) = site.buy("1", std::slice::from_ref(&named));
    let no = NoSale::VisitorHasOne { product: product("named"), most: 1 };
    let again = std::slice::from_ref(&named);
    assert_eq!(site.ask(wanted("page", "2", again)), Err(no.into()));
    let revoked = Input::TicketRevoked { ticket: tickets[0], by: "li: torn".into() };
    site.checked(revoked.clone()).unwrap();
    assert_eq!(site.slot_now(NINE).sold(), 0);
    assert_eq!(site.balance(Account::TicketRevenue), -6_000, "no money went back");
    assert_eq!(site.ticket(tickets[0]).sold.unwrap().price.minor, 6_000);
    assert!(site.ask(wanted("page", "2", again)).is_ok());
    assert_eq!(site.slot_now(NINE).sold(), 1);
    assert!(site.checked(revoked).is_err() || site.slot_now(NINE).sold() == 1);
}

#[test]
fn what_the_site_kept_of_a_return_stays_on_its_ticket() {
    let mut site = Site::scenic();
    let group = LineAsked { persons: 10, ..line("group", NINE, 1) };
    let (order, tickets) = site.buy("1", &[group]);
    let id = tickets[0];
    // Half goes back from a day before on.
    site.after(HOUR * 2);
    site.take_in("r1", &[(id, 3)], &[order]).unwrap();
    let sold = site.ticket(id).sold.unwrap();
    assert_eq!((sold.price.minor, sold.kept_minor, sold.returned), (42_000, 9_000, 3));
    site.take_in("r2", &[(id, 7)], &[order]).unwrap();
    let sold = site.ticket(id).sold.unwrap();
    assert_eq!((sold.price.minor, sold.kept_minor, sold.returned), (0, 30_000, 3));
    assert_eq!(site.balance(Account::TicketRevenue), -30_000);
}

#[test]
fn a_visitors_limit_is_of_one_product_and_may_span_days() {
    let mut site = Site::scenic();
    let mut other = site.rules.shop.products[&product("named")].clone();
    (other.id, other.number) = (product("museum"), 99);
    site.rules.shop.products.insert(other.id.clone(), other);
    let of = |id: &str, on: &str, at: &str| LineAsked {
        day: day(on),
        slot: Some(slot(at)),
        visitors: vec![visitor("110A")],
        ..line(id, at, 1)
    };
    site.order("1", &[of("named", DAY, NINE)]);
    site.order("2", &[of("museum", DAY, NINE)]);
    site.order("3", &[of("named", DAY, ELEVEN)]);
    // One in seven days, of days before and after.
    let named = site.rules.shop.products.get_mut(&product("named")).unwrap();
    named.named_days = 7;
    site.order("4", &[of("named", "2026-11-28", "day-20261128-0900")]);
    let no = || Err(NoSale::VisitorHasOne { product: product("named"), most: 1 }.into());
    for (on, fits) in
        [("2026-11-24", false), ("2026-11-28", false), ("2026-12-04", false), ("2026-12-05", true)]
    {
        let at = format!("day-{}-1100", on.replace('-', ""));
        let told = site.ask(wanted("page", &format!("k{on}"), &[of("named", on, &at)]));
        if fits { assert!(told.is_ok(), "{told:?}") } else { assert_eq!(told, no(), "{on}") }
    }
}

/// A ticket does not stand in its own way.
#[test]
fn a_visitors_ticket_moves_within_its_days_and_its_name_is_corrected() {
    let mut site = Site::scenic();
    let named = site.rules.shop.products.get_mut(&product("named")).unwrap();
    named.named_days = 7;
    let wish = LineAsked { visitors: vec![visitor("110A")], ..line("named", NINE, 1) };
    let (order, tickets) = site.buy("1", std::slice::from_ref(&wish));
    let (on, at) = ("2026-11-25", "day-20261125-0900");
    assert_eq!(site.move_to("m1", tickets[0], on, at, order), Ok(Answer::Done));
    let corrected = Visitor { name: "章*".into(), ..visitor("110A") };
    let rename =
        Input::TicketRenamed { ticket: tickets[0], visitor: corrected, by: Asker::Visitor };
    assert_eq!(site.checked(rename), Ok(Answer::Done));
    let no = NoSale::VisitorHasOne { product: product("named"), most: 1 };
    assert_eq!(site.ask(wanted("page", "2", &[wish])), Err(no.into()), "it is one still");
}

#[test]
fn a_name_is_read_for_a_reason_that_is_on_record() {
    let mut site = Site::scenic();
    let named = LineAsked { visitors: vec![visitor("110A")], ..line("named", NINE, 1) };
    let (_, tickets) = site.buy("1", &[named]);
    let ask = |site: &mut Site, reason: &str| {
        let ticket = Box::new(site.ticket(tickets[0]));
        site.tell(Input::VisitorShown { ticket, who: "li".into(), reason: reason.into() })
    };
    assert_eq!(ask(&mut site, " "), Err(Refusal::NoReason));
    assert_eq!(site.did(), []);
    ask(&mut site, "police").unwrap();
    assert_eq!(site.did(), [(tickets[0], TicketDid::NameShown)]);
}
