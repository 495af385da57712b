//! What a right pays for, when it is used up, and that it is used up once.

use super::*;
use crate::core::{pass::Pass, tariff::Span};

impl Site {
    fn the_pass(&self, id: PassId) -> &Pass {
        &self.state.passes[&id]
    }

    /// Stands at the exit; what it is asked to pay, or nothing if it may go.
    fn asked(&mut self, text: &str) -> i64 {
        self.after(Duration::from_secs(20));
        self.sensor("out", Sensor::Arrival, true);
        self.read("out", text);
        let visit = self.state.lanes[&lane("out")].visit.clone().unwrap();
        let order = visit.order.filter(|_| self.phase("out") == Phase::AwaitingPayment);
        order.map_or(0, |order| self.state.orders[&order].amount.minor)
    }

    fn covered(&self, text: &str) -> Vec<Span> {
        let left = self.journal.iter().rev().find_map(|change| match change {
            Change::Stay(stay) if stay.plate == plate(text) => Some(stay.covered.clone()),
            _ => None,
        });
        left.unwrap()
    }
}

fn stored(balance_minor: i64) -> PassDraft {
    PassDraft { kind: PassKind::Stored { balance_minor }, ..season(&[A]) }
}

#[test]
fn a_season_pass_pays_for_the_whole_stay() {
    let mut site = Site::new();
    site.add_pass(season(&[A]));
    site.tries(A);
    let entered = site.state.stay_of(&plate(A)).unwrap().entered_at;
    site.after(HOUR * 50);
    assert_eq!(site.asked(A), 0);
    site.drive_through("out");
    assert_eq!(site.covered(A), [Span { from: entered, to: site.now }], "and it is on record");
}

#[test]
fn what_was_paid_in_is_taken_at_the_exit_and_only_once() {
    for (balance, asked, left) in [(5_000, 0, 4_000), (1_000, 0, 0), (400, 600, 0)] {
        let mut site = Site::new();
        let id = site.add_pass(stored(balance));
        assert_eq!(site.tries(A), "pass");
        site.after(HOUR + HOUR / 2);
        assert_eq!(site.asked(A), asked, "{balance}");
        let kind = PassKind::Stored { balance_minor: left };
        assert_eq!(site.the_pass(id).kind, kind);
        // It rolls back and comes again.
        site.sensor("out", Sensor::Arrival, false);
        site.after(Duration::from_secs(40));
        if asked > 0 {
            assert_eq!(site.asked(A), asked);
            let trade = site.pay();
            site.bank(&trade, Site::paid(asked)).unwrap();
        }
        assert_eq!(site.the_pass(id).kind, kind);
        assert_eq!(site.state.stays.values().map(|stay| stay.paid_minor).sum::<i64>(), 1_000);
    }
}

#[test]
fn the_driver_sees_what_is_left_of_what_was_paid_in() {
    let mut site = Site::new();
    site.add_pass(stored(5_000));
    site.tries(A);
    site.after(HOUR);
    assert_eq!(site.asked(A), 0);
    let left = Money::new(4_000, Currency::Cny);
    assert_eq!(*site.shown("out"), Message::Balance { plate: plate(A), left });
}

#[test]
fn a_count_goes_down_with_each_stay_that_would_have_cost() {
    let mut site = Site::new();
    let id = site.add_pass(PassDraft {
        kind: PassKind::Count { left: 2 },
        spaces: 2,
        ..season(&[A, B, C])
    });
    site.tries(A);
    site.after(Duration::from_mins(5));
    assert_eq!(site.departs(A), "out");
    assert_eq!(site.the_pass(id).kind, PassKind::Count { left: 2 }, "within the free time");
    for text in [A, B] {
        assert_eq!(site.tries(text), "pass");
    }
    assert_eq!(site.tries(C), "transient", "the two that are left are inside");
    site.after(HOUR);
    assert_eq!(site.departs(A), "out");
    assert_eq!(site.the_pass(id).kind, PassKind::Count { left: 1 });
    assert_eq!(site.standing(C), Standing::Transient, "the one that is left is B's");
    assert_eq!(site.departs(B), "out");
    assert_eq!(site.the_pass(id).kind, PassKind::Count { left: 0 });
    assert_eq!(site.tries(A), "transient");
}

#[test]
fn a_converted_car_pays_up_to_the_moment_it_was_converted() {
    let mut site = Site::new();
    site.add_pass(PassDraft { spaces: 1, ..season(&[A, B]) });
    site.tries(A);
    site.tries(B);
    site.after(HOUR);
    assert_eq!(site.departs(A), "out");
    let since = site.state.stay_of(&plate(B)).unwrap().standing_since.unwrap();
    assert_eq!(since, site.now);
    site.after(HOUR * 5);
    site.asked(B);
    site.sensor("out", Sensor::Arrival, false);
    site.after(Duration::from_secs(6));
    let desk = crate::core::decide::desk::Desk::new(&site.state, &site.rules, site.now);
    let stay = site.state.stay_of(&plate(B)).unwrap();
    assert_eq!(desk.covered(stay, site.now), [Span { from: since, to: site.now }]);
}

#[test]
fn a_pass_sold_to_one_inside_covers_it_and_one_that_is_ended_stops() {
    let mut site = Site::new();
    site.enter(A);
    let id = site.add_pass(season(&[A]));
    assert_eq!(site.standing(A), Standing::Pass(id));
    site.after(HOUR);
    site.manage(Manage::EndPass { id, rest: Rest::Kept, reason: "moved".into() }).unwrap();
    let stay = site.state.stay_of(&plate(A)).unwrap();
    assert_eq!(stay.standing, Standing::Transient);
    assert_eq!(stay.covered, [Span { from: stay.entered_at, to: site.now }]);
}

#[test]
fn hours_of_the_week_cover_what_lies_in_them() {
    let day = |days: u8, from: u16, to: u16| WeekSpan {
        days,
        from_minute: from * 60,
        to_minute: to * 60,
    };
    // 23 November 2026 is a Monday; the site is in UTC.
    let spans = |hours: &[WeekSpan], from, to| {
        let zone = jiff::tz::TimeZone::UTC;
        let found = crate::core::pass::within(hours, &zone, at(from), at(to));
        let text = |t: Timestamp| t.strftime("%dT%H:%M").to_string();
        found.into_iter().map(|s| format!("{}-{}", text(s.from), text(s.to))).collect::<Vec<_>>()
    };
    let office = [day(0b001_1111, 8, 18)];
    let night = [day(0b111_1111, 20, 6)];
    let friday_night = [day(0b001_0000, 22, 4)];
    let always = [day(0b111_1111, 0, 24)];
    for (hours, from, to, expected) in [
        (&office, "23T07:00", "23T19:00", &["23T08:00-23T18:00"][..]),
        (&office, "23T09:00", "24T09:00", &["23T09:00-23T18:00", "24T08:00-24T09:00"]),
        (&office, "28T00:00", "29T23:00", &[]),
        (&night, "23T05:00", "23T21:00", &["23T05:00-23T06:00", "23T20:00-23T21:00"]),
        (&friday_night, "27T23:00", "28T08:00", &["27T23:00-28T04:00"]),
        (&friday_night, "28T01:00", "28T08:00", &["28T01:00-28T04:00"]),
        (&always, "23T05:00", "26T21:00", &["23T05:00-26T21:00"]),
    ] {
        assert_eq!(spans(hours, from, to), expected, "{from} {to}");
    }
}

#[test]
fn a_visitor_pays_from_the_end_of_the_reservation_on() {
    for (leaves, covered) in
        [("23T11:00", "23T11:00"), ("23T12:14", "23T12:14"), ("23T12:16", "23T12:00")]
    {
        let mut site = Site::new();
        site.manage(Manage::Reserve(visitor("23T08:00", "23T12:00"))).unwrap();
        assert_eq!(site.tries(A), "reservation");
        let stay = site.state.stay_of(&plate(A)).unwrap().clone();
        let desk = crate::core::decide::desk::Desk::new(&site.state, &site.rules, site.now);
        let spans = desk.covered(&stay, at(leaves));
        assert_eq!(spans, [Span { from: stay.entered_at, to: at(covered) }], "{leaves}");
    }
}

#[test]
fn listed_vehicles_pay_nothing_while_they_are_on_the_list() {
    let mut site = Site::new();
    let entry = site.list(A, List::White);
    site.tries(A);
    site.after(HOUR * 5);
    assert_eq!(site.asked(A), 0);
    site.drive_through("out");
    site.tries(A);
    site.after(HOUR);
    site.manage(Manage::Unlist { id: entry }).unwrap();
    assert_eq!(site.standing(A), Standing::Transient);
    site.after(HOUR * 3);
    assert!(site.asked(A) > 0);
}
