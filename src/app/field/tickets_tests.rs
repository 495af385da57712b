//! The last places of a time slot, with the real writer and store: many buyers at once, some of whom never pay, or late.

use std::{path::PathBuf, sync::Arc, time::Duration};

use tokio::{sync::watch, task::JoinHandle};

use super::*;
use crate::{
    app::{
        Ports, Writer,
        clock::{Clock, SystemTime},
    },
    core::{
        Effect, Refusal, Rules,
        input::{Answer, Asked},
        money::OrderState,
        product::{Kind, Names, Price, Product, SaleWindow, Validity},
        rules::ShortCodes,
        selling::{LineAsked, NoSale, TicketsAsked},
        slot::{DayPlan, Schedule, Slot, Span},
        tariff::{OnDays, Tariff},
        ticket::Medium,
    },
    store::{Options, Store, Writer as StoreWriter},
    types::{
        CodeDigest, CounterId, Currency, Money, OrderId, PaymentId, ProductId, ScheduleId, SlotId,
        TicketId, bank::Word,
    },
};

const PLACES: u32 = 100;
const BUYERS: u32 = 64;
const PRICE_MINOR: i64 = 6_000;
const LIMIT: Duration = Duration::from_mins(1);

#[derive(Debug)]
struct Codes;

impl ShortCodes for Codes {
    fn ticket(&self, ticket: TicketId, edition: u8) -> CodeDigest {
        CodeDigest::of(&format!("ticket {ticket} {edition}"))
    }

    fn pickup(&self, order: OrderId, again: u8) -> CodeDigest {
        CodeDigest::of(&format!("pickup {order} {again}"))
    }
}

struct NoPorts;

impl Ports for NoPorts {
    fn perform(&mut self, _: Effect, _: Timestamp) {}
}

struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A slot that begins tomorrow, with a hold so short that who does not pay is soon out.
fn rules() -> Rules {
    let tariff = Tariff::hourly(15, 500, 4_000);
    let mut rules = Rules::new("test", jiff::tz::TimeZone::UTC, Currency::Cny, tariff);
    let (schedule, product) = (ScheduleId::parse("day").unwrap(), adult());
    let spans = vec![Span { from: 0, to: 1_440, capacity: PLACES }];
    let plans = vec![DayPlan { days: OnDays::default(), spans }];
    rules.shop.schedules.insert(schedule, Schedule { plans, ..Schedule::default() });
    rules.shop.products.insert(product.id.clone(), product);
    rules.shop.hold = Duration::from_millis(400);
    rules.shop.codes = Some(Arc::new(Codes));
    rules
}

fn adult() -> Product {
    Product {
        id: ProductId::parse("adult").unwrap(),
        number: 1,
        name: Names::default(),
        kind: Kind::Adult,
        prices: vec![Price { days: OnDays::default(), minor: PRICE_MINOR }],
        areas: Vec::new(),
        schedule: ScheduleId::parse("day"),
        valid: Validity::Slot,
        window: SaleWindow { days_ahead: 30, ..SaleWindow::default() },
        counters: std::collections::BTreeSet::default(),
        named: None,
        named_days: 0,
        refunds: Vec::new(),
        rebook: None,
        rename: false,
        medium: Medium::Any,
    }
}

#[derive(Clone)]
struct Shop {
    app: App,
    slot: SlotId,
    day: jiff::civil::Date,
}

impl Shop {
    async fn ask(&self, key: String, tickets: u32) -> crate::core::Reply {
        let line = LineAsked {
            product: ProductId::parse("adult").unwrap(),
            day: self.day,
            slot: Some(self.slot.clone()),
            tickets,
            persons: 1,
            visitors: Vec::new(),
        };
        let counter = CounterId::parse("page").unwrap();
        let asked = TicketsAsked { counter, key, lines: vec![line], medium: Medium::Any };
        self.app.tell(Input::TicketsAsked(asked)).await.unwrap()
    }

    async fn slot(&self) -> Option<Slot> {
        let slot = self.slot.clone();
        self.app.read(move |state| state.slots.get(&slot).cloned()).await.unwrap()
    }

    async fn is_due(&self, order: OrderId) -> bool {
        let due = move |state: &crate::core::State| {
            state.orders.get(&order).is_some_and(|order| order.state == OrderState::Due)
        };
        self.app.read(due).await.unwrap()
    }

    /// The bank's number of an attempt, and what it is of.
    async fn attempt(&self, order: OrderId) -> Option<(String, Money)> {
        let Ok(Answer::Payment(id)) = self.app.tell(Input::PayAsked { order }).await.unwrap()
        else {
            return None;
        };
        let of = move |state: &crate::core::State| {
            state.payments.get(&id).map(|payment| (payment.out_trade_no.clone(), payment.amount))
        };
        let _: PaymentId = id;
        self.app.read(of).await.unwrap()
    }

    /// Told twice, as banks do: what was reversed meanwhile is believed only when it was asked about.
    async fn paid(&self, (out_trade_no, amount): (String, Money)) {
        for _ in 0..2 {
            let word = Word::Paid { amount, bank_no: "B".into(), paid_at: None, payer: None };
            let said =
                Input::BankSaid { out_trade_no: out_trade_no.clone(), to: Asked::Query, word };
            let _ = self.app.tell(said).await.unwrap();
        }
    }

    /// Buys until the slot is sold out: pays, walks away, or pays when the hold is over.
    async fn buyer(self, no: u32) {
        for round in 0_u32.. {
            let wanted = 1 + (no + round) % 3;
            let order = match self.ask(format!("{no}-{round}"), wanted).await {
                Ok(Answer::Order(order)) => order,
                Err(Refusal::NoSale(NoSale::SlotFull { .. })) => {
                    let sold_out = self.slot().await.is_some_and(|slot| slot.paid() == PLACES);
                    if sold_out {
                        return;
                    }
                    tokio::time::sleep(Duration::from_millis(5)).await;
                    continue;
                }
                other => panic!("{other:?}"),
            };
            match (no + round) % 4 {
                0 => {}
                1 => {
                    let Some(attempt) = self.attempt(order).await else { continue };
                    while self.is_due(order).await {
                        tokio::time::sleep(Duration::from_millis(5)).await;
                    }
                    self.paid(attempt).await;
                }
                _ => {
                    let Some(attempt) = self.attempt(order).await else { continue };
                    self.paid(attempt).await;
                }
            }
        }
    }
}

struct Running {
    shop: Shop,
    reader: Reader,
    stop: watch::Sender<bool>,
    writer: JoinHandle<StoreWriter>,
}

impl Running {
    async fn start(folder: &Folder) -> Self {
        let Store { writer, reader, .. } =
            Store::open(&folder.0.join("site.db"), Options::default()).await.unwrap();
        let loaded = reader.load().await.unwrap();
        let (clock, stepped) = Clock::start(Box::new(SystemTime), loaded.tail.last_at);
        let (app, inbox) = App::new();
        let stores = (writer, reader.clone());
        let writer = Writer::new(loaded.state, Arc::new(rules()), stores, clock, NoPorts, inbox);
        let (stop, stopped) = watch::channel(false);
        let writer = tokio::spawn(writer.run(stepped, stopped));
        let today = app.now().to_zoned_datetime(jiff::tz::TimeZone::UTC).date();
        let day = today.checked_add(jiff::ToSpan::days(2)).unwrap();
        let schedule = ScheduleId::parse("day").unwrap();
        let slot = SlotId::of(&schedule, day, jiff::civil::Time::midnight()).unwrap();
        Self { shop: Shop { app, slot, day }, reader, stop, writer }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixty_four_buyers_of_the_last_hundred_places_get_exactly_a_hundred() {
    let path = std::env::temp_dir().join(format!("paifang-shop-{}", std::process::id()));
    std::fs::create_dir_all(&path).unwrap();
    let folder = Folder(path);
    let site = Running::start(&folder).await;
    let buyers: Vec<_> = (0..BUYERS).map(|no| tokio::spawn(site.shop.clone().buyer(no))).collect();
    let all = async {
        for buyer in buyers {
            buyer.await.unwrap();
        }
    };
    tokio::time::timeout(LIMIT, all).await.expect("all places are sold in time");
    let slot = site.shop.slot().await.unwrap();
    assert_eq!((slot.paid(), slot.held()), (PLACES, 0));
    site.stop.send_replace(true);
    drop(site.writer.await.unwrap());
    let sums = site.reader.ledger_sums().await.unwrap();
    let revenue = sums.iter().find(|sum| sum.account == "ticket_revenue").unwrap();
    assert_eq!(revenue.minor, -PRICE_MINOR * i64::from(PLACES), "every place is paid, once");
    let state = site.reader.load().await.unwrap().state;
    let persons: u32 = state.tickets.values().map(|ticket| ticket.persons).sum();
    assert_eq!(persons, PLACES);
    assert_eq!(site.reader.rebuild().await.unwrap().differences, []);
}
