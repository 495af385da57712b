//! What a simulated scenic site sells, how many places there are, and what its codes are. Knows no visitor.

use std::{collections::BTreeMap, sync::Arc};

use jiff::SignedDuration;
use paifang::{
    core::{
        product::{
            Kind, Names, Price, Product, ProductArea, Rebook, RefundStep, SaleWindow, Validity,
        },
        rules::{Rules, ShortCodes},
        slot::{DayPlan, Schedule, Span},
        tariff::OnDays,
        ticket::Medium,
    },
    types::{CodeDigest, CounterId, OrderId, ProductId, ScheduleId, TicketId, ZoneId},
};

use crate::seed::Seed;

#[derive(Debug)]
pub(super) struct Codes;

impl ShortCodes for Codes {
    fn ticket(&self, ticket: TicketId, edition: u8) -> CodeDigest {
        CodeDigest::of(&format!("ticket {ticket} {edition}"))
    }

    fn pickup(&self, order: OrderId, again: u8) -> CodeDigest {
        CodeDigest::of(&format!("pickup {order} {again}"))
    }
}

pub(super) fn park() -> ZoneId {
    ZoneId::parse("park").expect("a zone of this file")
}

pub(super) fn tower() -> ZoneId {
    ZoneId::parse("tower").expect("a zone of this file")
}

pub(super) fn schedule() -> ScheduleId {
    ScheduleId::parse("day").expect("a schedule of this file")
}

pub(super) fn counter(name: &str) -> CounterId {
    CounterId::parse(name).expect("a counter of this file")
}

fn product(id: &str, number: u16, minor: i64) -> Product {
    let days = |text: &str| OnDays::parse(&[text.to_owned()]).expect("days of this file");
    let hours = SignedDuration::from_hours;
    let area = |zone, returns| ProductArea { zone, returns };
    Product {
        id: ProductId::parse(id).expect("a product of this file"),
        number,
        name: Names { zh: id.to_owned(), en: id.to_owned() },
        kind: Kind::Adult,
        // The second day of a run is a Friday: whoever moves to it pays more.
        prices: vec![
            Price { days: days("fri"), minor: minor * 4 / 3 },
            Price { days: OnDays::default(), minor },
        ],
        areas: vec![area(park(), Some(1))],
        schedule: Some(schedule()),
        valid: Validity::Slot,
        window: SaleWindow { days_ahead: 2, closes: hours(-1), ..SaleWindow::default() },
        counters: std::collections::BTreeSet::new(),
        named: None,
        named_days: 0,
        refunds: vec![
            RefundStep { until: hours(2), percent: 100 },
            RefundStep { until: hours(-1), percent: 50 },
        ],
        rebook: Some(Rebook { times: 1, until: hours(0), refund_down: true }),
        rename: false,
        medium: Medium::Any,
    }
}

fn products() -> Vec<Product> {
    let area = |zone, returns| ProductArea { zone, returns };
    vec![
        product("adult", 1, 6_000),
        Product { kind: Kind::Group { min: 3, max: 6 }, ..product("group", 2, 4_500) },
        Product {
            kind: Kind::Combined,
            areas: vec![area(park(), Some(2)), area(tower(), Some(0))],
            ..product("both", 3, 9_000)
        },
        Product { prices: free(), ..product("child", 4, 0) },
        Product {
            kind: Kind::Annual,
            schedule: None,
            valid: Validity::Year,
            areas: vec![area(park(), None)],
            ..product("annual", 5, 30_000)
        },
    ]
}

fn free() -> Vec<Price> {
    vec![Price { days: OnDays::default(), minor: 0 }]
}

/// Few places in each time slot, fewer persons in each zone.
pub(super) fn sell(seed: u64, rules: &mut Rules) {
    let mut draws = Seed(seed).child("shop").draws();
    let capacity = draws.between(6, 16) as u32;
    let span = |from: u32| Span { from: from * 60, to: (from + 2) * 60, capacity };
    let spans = (6..22).step_by(2).map(span).collect();
    let plans = vec![DayPlan { days: OnDays::default(), spans }];
    let quotas = BTreeMap::from([(counter("kiosk"), 4)]);
    let schedule_rules =
        Schedule { plans, quotas, early_min: 15, late_min: 30, ..Schedule::default() };
    let shop = &mut rules.shop;
    shop.schedules.insert(schedule(), schedule_rules);
    shop.products = products().into_iter().map(|p| (p.id.clone(), p)).collect();
    shop.codes = Some(Arc::new(Codes));
    shop.on_account.push(counter("agent"));
    shop.closure_batch = 2;
    let tickets = &mut rules.tickets;
    tickets.areas = vec![park(), tower()];
    tickets.numbers = rules.shop.products.values().map(|p| (p.id.clone(), p.number)).collect();
    let persons = [(park(), draws.between(4, 14) as u32), (tower(), draws.between(1, 3) as u32)];
    tickets.persons_max = persons.into();
    tickets.burst = draws.pick(&[1, 1, 4]);
}
