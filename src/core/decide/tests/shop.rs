//! Tickets sold, paid, given back and moved. After each step the places of every time slot are what orders and tickets
//! say they are.

use super::*;
use crate::{
    core::{
        input::Refusal,
        money::{Account, Order, PaidBy, Payment, RefundState},
        product::{Kind, Price, Product, ProductArea, Rebook, RefundStep, SaleWindow, Validity},
        rules::ShortCodes,
        selling::{
            Asker, Back, Bought, LineAsked, MoveAsked, NoChange, NoSale, PaidWith, ReturnAsked,
            Returned, SlotAct, TicketsAsked,
        },
        slot::{DayPlan, Schedule, Slot, Span},
        tariff::OnDays,
        ticket::{Medium, Ticket, Visitor},
        till::Cash,
    },
    types::{
        CodeDigest, CounterId, OrderId, PaymentId, ProductId, ScheduleId, SlotId, TicketId, ZoneId,
    },
};

mod changes;
mod closures;
mod seeds;
mod sold;

const MINUTE: Duration = Duration::from_mins(1);
/// The first day that tickets are sold for here: tomorrow.
const DAY: &str = "2026-11-24";
const NINE: &str = "day-20261124-0900";
const ELEVEN: &str = "day-20261124-1100";

#[derive(Debug)]
struct Codes;

impl ShortCodes for Codes {
    fn ticket(&self, ticket: TicketId, edition: u8) -> CodeDigest {
        CodeDigest::of(&format!("ticket {ticket} {edition}"))
    }

    fn pickup(&self, order: OrderId, again: u8) -> CodeDigest {
        CodeDigest::of(&format!("pickup {} {again}", order.0 % 3))
    }
}

fn counter(name: &str) -> CounterId {
    CounterId::parse(name).unwrap()
}

fn product(id: &str) -> ProductId {
    ProductId::parse(id).unwrap()
}

fn slot(id: &str) -> SlotId {
    SlotId::parse(id).unwrap()
}

fn schedule() -> ScheduleId {
    ScheduleId::parse("day").unwrap()
}

fn day(text: &str) -> jiff::civil::Date {
    text.parse().unwrap()
}

fn visitor(number: &str) -> Visitor {
    let digest = CodeDigest::of(number);
    Visitor { name: "张*".into(), number: format!("{}***", &number[..3]), digest }
}

fn hours(hours: i64) -> jiff::SignedDuration {
    jiff::SignedDuration::from_hours(hours)
}

/// 60.00 on weekdays, 80.00 on Saturday and Sunday; back in full until a day before, half until it begins.
fn adult(id: &str, number: u16) -> Product {
    let days = |texts: &[&str]| {
        OnDays::parse(&texts.iter().map(ToString::to_string).collect::<Vec<_>>()).unwrap()
    };
    Product {
        id: product(id),
        number,
        name: crate::core::product::Names { zh: "成人票".into(), en: "Adult".into() },
        kind: Kind::Adult,
        prices: vec![
            Price { days: days(&["weekend"]), minor: 8_000 },
            Price { days: days(&[]), minor: 6_000 },
        ],
        areas: vec![ProductArea { zone: ZoneId::parse("park").unwrap(), returns: Some(1) }],
        schedule: Some(schedule()),
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
        medium: Medium::Any,
    }
}

fn products() -> Vec<Product> {
    let free = vec![Price { days: OnDays::default(), minor: 0 }];
    vec![
        adult("adult", 1),
        Product { named: Some(1), rename: true, ..adult("named", 2) },
        Product { kind: Kind::Group { min: 5, max: 30 }, ..adult("group", 3) },
        Product { kind: Kind::AddOn { to: product("adult") }, ..adult("boat", 4) },
        Product { prices: free, ..adult("infant", 5) },
        Product { schedule: None, valid: Validity::Year, ..adult("annual", 6) },
    ]
}

impl Site {
    /// Ten places at nine and ten at eleven, each day; the kiosk sells four of each at most.
    fn scenic() -> Self {
        let mut site = Self::with_booth();
        let span = |from: u32, to: u32| Span { from: from * 60, to: to * 60, capacity: 10 };
        let spans = vec![span(9, 11), span(11, 13)];
        let plans = vec![DayPlan { days: OnDays::default(), spans }];
        let quotas = BTreeMap::from([(counter("kiosk"), 4)]);
        let shop = &mut site.rules.shop;
        shop.schedules.insert(schedule(), Schedule { plans, quotas, ..Schedule::default() });
        shop.products = products().into_iter().map(|p| (p.id.clone(), p)).collect();
        shop.codes = Some(std::sync::Arc::new(Codes));
        shop.on_account.push(counter("agent"));
        shop.closure_batch = 2;
        site
    }

    fn ask(&mut self, asked: TicketsAsked) -> Reply {
        self.checked(Input::TicketsAsked(asked))
    }

    /// As [`Site::tell`], with a look at all places.
    fn checked(&mut self, input: Input) -> Reply {
        let reply = self.tell(input);
        self.check_places();
        reply
    }

    fn order(&mut self, key: &str, lines: &[LineAsked]) -> OrderId {
        match self.ask(wanted("page", key, lines)) {
            Ok(Answer::Order(order)) => order,
            other => panic!("{other:?}"),
        }
    }

    fn pay_for(&mut self, order: OrderId) {
        let trade = self.trade_of(order);
        let minor = self.latest_order(order).amount.minor;
        self.bank(&trade, Self::paid(minor)).unwrap();
        self.check_places();
    }

    fn trade_of(&mut self, order: OrderId) -> String {
        assert!(matches!(self.tell(Input::PayAsked { order }), Ok(Answer::Payment(_))));
        self.generated().pop().unwrap()
    }

    /// An order of the page, paid through the bank, with its tickets.
    fn buy(&mut self, key: &str, lines: &[LineAsked]) -> (OrderId, Vec<TicketId>) {
        let order = self.order(key, lines);
        self.pay_for(order);
        (order, self.latest_order(order).basket.unwrap().tickets)
    }

    fn latest_order(&self, id: OrderId) -> Order {
        let of = |change: &Change| match change {
            Change::Order(order) if order.id == id => Some(order.clone()),
            _ => None,
        };
        self.journal.iter().rev().find_map(of).unwrap()
    }

    fn latest_tickets(&self) -> BTreeMap<TicketId, Ticket> {
        let of = |change: &Change| match change {
            Change::Ticket(ticket) => Some((ticket.id, ticket.clone())),
            _ => None,
        };
        self.journal.iter().filter_map(of).collect()
    }

    fn ticket(&self, id: TicketId) -> Ticket {
        self.latest_tickets().remove(&id).unwrap()
    }

    /// As the tables know it.
    fn on_record(&self, id: OrderId) -> Bought {
        let order = self.latest_order(id);
        let OrderState::Paid { by, .. } = order.state else { panic!("{:?}", order.state) };
        let payment = |id: PaymentId| -> Payment {
            let of = |change: &Change| match change {
                Change::Payment(payment) if payment.id == id => Some(payment.clone()),
                _ => None,
            };
            self.journal.iter().rev().find_map(of).unwrap()
        };
        let cash = |id| -> Cash {
            let of = |change: &Change| match change {
                Change::Cash(cash) if cash.id == id => Some(cash.clone()),
                _ => None,
            };
            self.journal.iter().find_map(of).unwrap()
        };
        let with = match by {
            PaidBy::Payment(id) => PaidWith::Payment(payment(id)),
            PaidBy::Cash(id) => PaidWith::Cash(cash(id)),
            PaidBy::Counter => PaidWith::Counter,
            PaidBy::Pass(_) => panic!("no pass pays for tickets"),
        };
        Bought { order, with }
    }

    /// Ten minutes pass, minute by minute.
    fn wait(&mut self, minutes: u32) {
        for _ in 0..minutes {
            self.after(MINUTE);
            self.check_places();
        }
    }

    fn slot_now(&self, id: &str) -> Slot {
        self.state.slots[&slot(id)].clone()
    }

    fn check_places(&self) {
        assert_eq!(self.wrong_places(), None);
    }

    /// Sold is paid and held, never more than there is; and each is what orders and tickets say.
    fn wrong_places(&self) -> Option<String> {
        let mut orders: BTreeMap<OrderId, &Order> = BTreeMap::new();
        for change in &self.journal {
            if let Change::Order(order) = change {
                orders.insert(order.id, order);
            }
        }
        let due = orders.values().filter(|order| order.state == OrderState::Due);
        let lines: Vec<_> = due.flat_map(|o| o.basket.iter().flat_map(|b| &b.lines)).collect();
        let tickets = self.latest_tickets();
        self.state.slots.values().find_map(|slot| {
            let of = |id: &Option<SlotId>| id.as_ref() == Some(&slot.id);
            let held: u32 = lines.iter().filter(|l| of(&l.slot)).map(|l| l.places()).sum();
            let mine = tickets.values().filter(|t| t.sold.as_ref().is_some_and(|s| of(&s.slot)));
            // Whoever came in on one that was revoked takes a place still.
            let persons = |t: &Ticket| if t.revoked { t.used } else { t.persons };
            let paid: u32 = mine.map(persons).sum();
            let right = (slot.held(), slot.paid()) == (held, paid)
                && slot.sold() <= slot.places.unwrap_or(10);
            (!right).then(|| format!("{held} held and {paid} paid, but {slot:?}"))
        })
    }
}

fn wanted(by: &str, key: &str, lines: &[LineAsked]) -> TicketsAsked {
    let (counter, key, lines) = (counter(by), key.into(), lines.to_vec());
    TicketsAsked { counter, key, lines, medium: Medium::Any }
}

fn line(id: &str, at: &str, tickets: u32) -> LineAsked {
    LineAsked {
        product: product(id),
        day: day(DAY),
        slot: Some(slot(at)),
        tickets,
        persons: 1,
        visitors: Vec::new(),
    }
}
