//! A scenic site for the tests of pages: what it sells, and what the tables would say of its tickets.

use std::{collections::BTreeMap, sync::Arc};

use futures::{FutureExt, future::ready};
use jiff::{Timestamp, civil::Date};

use crate::{
    app::codes::Codes,
    core::{
        Change, Rules,
        money::{Order, OrderState, PaidBy},
        product::{
            Kind, Names, Price, Product, ProductArea, Rebook, RefundStep, SaleWindow, Validity,
        },
        selling::{Bought, PaidWith},
        slot::{DayPlan, Schedule, Slot, Span},
        tariff::OnDays,
        ticket::{Medium, Ticket},
    },
    http::{
        ports::{Found, TicketPast, TicketRecords, Visits},
        tests::site::Site,
    },
    tickets::{SiteCode, TicketKeys},
    types::{CodeDigest, LaneId, OrderId, ProductId, ScheduleId, TicketId, ZoneId},
};

fn names(zh: &str, en: &str) -> Names {
    Names { zh: zh.into(), en: en.into() }
}

fn days(texts: &[&str]) -> OnDays {
    OnDays::parse(&texts.iter().map(ToString::to_string).collect::<Vec<_>>()).unwrap()
}

fn hours(hours: i64) -> jiff::SignedDuration {
    jiff::SignedDuration::from_hours(hours)
}

/// 80.00 on weekdays, 100.00 on Saturday and Sunday.
fn adult() -> Product {
    Product {
        id: ProductId::parse("adult").unwrap(),
        number: 1,
        name: names("成人票", "Adult"),
        kind: Kind::Adult,
        prices: vec![
            Price { days: days(&["weekend"]), minor: 10_000 },
            Price { days: days(&[]), minor: 8_000 },
        ],
        areas: vec![ProductArea { zone: ZoneId::parse("lot").unwrap(), returns: Some(1) }],
        schedule: ScheduleId::parse("day"),
        valid: Validity::Slot,
        window: SaleWindow { days_ahead: 30, ..SaleWindow::default() },
        counters: std::collections::BTreeSet::default(),
        named: None,
        named_days: 0,
        refunds: vec![
            RefundStep { until: hours(24), percent: 100 },
            RefundStep { until: hours(0), percent: 50 },
        ],
        rebook: Some(Rebook { times: 1, until: hours(2), refund_down: true }),
        rename: false,
        medium: Medium::Phone,
    }
}

fn products() -> Vec<Product> {
    let half = vec![Price { days: days(&[]), minor: 4_000 }];
    let id = |text: &str| ProductId::parse(text).unwrap();
    vec![
        adult(),
        Product {
            id: id("child"),
            number: 2,
            name: names("儿童票", "Child"),
            kind: Kind::Child,
            prices: half.clone(),
            medium: Medium::Any,
            ..adult()
        },
        Product {
            id: id("named"),
            number: 3,
            name: names("实名票", "With a name"),
            named: Some(1),
            rename: true,
            ..adult()
        },
        Product {
            id: id("group"),
            number: 4,
            name: names("团体票", "Group"),
            kind: Kind::Group { min: 5, max: 30 },
            prices: half,
            ..adult()
        },
    ]
}

pub(in crate::http::tests) fn keys() -> TicketKeys {
    TicketKeys::of(&[5; 32], &[6; 32], SiteCode::of("test")).unwrap()
}

impl Site {
    /// Four products; a hundred places at nine, ten at eleven and four at one, each day.
    pub(in crate::http::tests) fn scenic() -> Arc<Self> {
        Self::with(|rules: &mut Rules| {
            let codes = Codes::alone(keys());
            let spans = [(9_u32, 100), (11, 10), (13, 4)];
            let span = |(from, capacity)| Span { from: from * 60, to: from * 60 + 120, capacity };
            let plan = DayPlan { days: days(&[]), spans: spans.into_iter().map(span).collect() };
            let schedule =
                Schedule { plans: vec![plan], early_min: 30, late_min: 30, ..Schedule::default() };
            rules.shop.on_account.push(crate::types::CounterId::parse("hotel-desk").unwrap());
            rules.shop.schedules.insert(ScheduleId::parse("day").unwrap(), schedule);
            for product in products() {
                rules.tickets.numbers.insert(product.id.clone(), product.number);
                rules.shop.products.insert(product.id.clone(), product);
            }
            rules.tickets.areas = vec![ZoneId::parse("lot").unwrap()];
            rules.shop.codes = Some(Arc::new(codes.keys().clone()));
            Some(codes)
        })
    }
}

fn found<T: Send + 'static>(value: T) -> Found<'static, T> {
    ready(Ok(value)).boxed()
}

impl TicketRecords for Site {
    fn keep_visitor(&self, visitor: CodeDigest, sealed: Vec<u8>) -> Found<'_, ()> {
        self.world().sealed.insert(visitor, sealed);
        found(())
    }

    fn kept_visitor(&self, visitor: CodeDigest) -> Found<'_, Option<Vec<u8>>> {
        found(self.world().sealed.get(&visitor).cloned())
    }

    fn of_order(&self, order: OrderId) -> Found<'_, Vec<Ticket>> {
        let of = |ticket: &Ticket| ticket.sold.as_ref().is_some_and(|sold| sold.order == order);
        found(self.tickets().into_iter().filter(of).collect())
    }

    fn bought(&self, id: OrderId) -> Found<'_, Option<Bought>> {
        let order = self.orders().into_iter().find(|order| order.id == id);
        found(order.and_then(|order| {
            let with = match order.state {
                OrderState::Paid { by: PaidBy::Payment(by), .. } => {
                    PaidWith::Payment(self.payments().into_iter().find(|p| p.id == by)?)
                }
                OrderState::Paid { by: PaidBy::Cash(by), .. } => {
                    PaidWith::Cash(self.cash().into_iter().find(|cash| cash.id == by)?)
                }
                _ => PaidWith::Counter,
            };
            Some(Bought { order, with })
        }))
    }

    fn past(&self, ticket: TicketId) -> Found<'_, TicketPast> {
        let mut admissions = self.last(|change| match change {
            Change::Admission(admission) => Some((admission.id, admission)),
            _ => None,
        });
        admissions.retain(|admission| admission.ticket == Some(ticket));
        let acts = self
            .rows(|change| matches!(change, Change::TicketActed(acted) if acted.ticket == ticket));
        found(TicketPast { admissions, acts })
    }

    fn order_of_pickup(&self, digest: CodeDigest) -> Found<'_, Option<Order>> {
        let of = |order: &Order| order.basket.as_ref().is_some_and(|b| b.pickup == digest);
        found(self.orders().into_iter().find(of))
    }

    fn orders(&self, limit: u32) -> Found<'_, Vec<Order>> {
        let mut orders = Self::orders(self);
        orders.retain(|order| order.basket.is_some());
        orders.reverse();
        orders.truncate(limit as usize);
        found(orders)
    }

    fn cash_waiting(&self, limit: u32) -> Found<'_, Vec<(Order, i64)>> {
        let left = |order: Order| {
            let OrderState::Paid { by: PaidBy::Cash(cash), .. } = order.state else { return None };
            let owed = order.basket.as_ref()?.cash_owed_minor;
            let left = owed - self.world().state.cash_back(cash);
            (left > 0).then_some((order, left))
        };
        found(Self::orders(self).into_iter().filter_map(left).take(limit as usize).collect())
    }

    fn of_visitor(&self, digest: CodeDigest, from: Timestamp) -> Found<'_, Vec<Ticket>> {
        let mut tickets = self.tickets();
        let is = |ticket: &Ticket| ticket.visitor.as_ref().is_some_and(|v| v.digest == digest);
        tickets.retain(|ticket| is(ticket) && ticket.valid_until > from);
        found(tickets)
    }

    fn visits(&self, from: Timestamp, to: Timestamp) -> Found<'_, Vec<Visits>> {
        let mut rows: BTreeMap<(String, String, String), Visits> = BTreeMap::new();
        for ticket in self.tickets().into_iter().filter(|t| (from..to).contains(&t.valid_from)) {
            let Some(sold) = &ticket.sold else { continue };
            let slot = sold.slot.as_ref().map(ToString::to_string).unwrap_or_default();
            let key = (slot.clone(), sold.product.to_string(), ticket.made_by.clone());
            let row = rows.entry(key).or_insert_with(|| Visits {
                slot,
                product: sold.product.to_string(),
                counter: ticket.made_by.clone(),
                sold: 0,
                came: 0,
                returned: 0,
                taken: crate::types::Money::zero(sold.price.currency),
            });
            let persons = i64::from(ticket.persons);
            row.came += i64::from(ticket.used);
            row.returned += i64::from(sold.returned);
            row.taken.minor += sold.price.minor + sold.kept_minor;
            if ticket.revoked {
                row.returned += persons;
            } else {
                row.sold += persons;
            }
        }
        found(rows.into_values().collect())
    }

    fn sold(&self, from: Timestamp, to: Timestamp) -> Found<'_, Vec<Visits>> {
        self.visits(from, to)
    }

    fn passages(&self, from: Timestamp, to: Timestamp) -> Found<'_, Vec<(LaneId, i64, i64)>> {
        let admissions = self.last(|change| match change {
            Change::Admission(admission) => Some((admission.id, admission)),
            _ => None,
        });
        let went = admissions
            .into_iter()
            .filter(|a| a.state.name() == "used" && (from..to).contains(&a.at));
        let mut rows: BTreeMap<(LaneId, i64), i64> = BTreeMap::new();
        for admission in went {
            let hour = admission.at.duration_since(from).as_secs() / 3_600;
            *rows.entry((admission.lane, hour)).or_default() += 1;
        }
        found(rows.into_iter().map(|((lane, hour), count)| (lane, hour, count)).collect())
    }

    fn slots(&self, from: Date, until: Date) -> Found<'_, Vec<Slot>> {
        let mut slots = self.last(|change| match change {
            Change::Slot(slot) => Some((slot.id.clone(), slot)),
            _ => None,
        });
        slots.retain(|slot| (from..=until).contains(&slot.day));
        found(slots)
    }
}
