//! What counters sell, codes, refunds people ask for: in and out of the tables, and over from the schema before.

use std::time::Duration;

use rand::RngExt;
use sqlx::Connection;

use super::site::{Dir, Traffic, start};
use crate::{
    core::{
        Change, Input,
        input::{At, PaymentAct, RefundAsked, SaleAsked},
        money::{OrderState, PaymentState},
    },
    store::{Options, Store},
    types::{CounterId, OrderId, PayerCode, PaymentId},
};

fn desk() -> CounterId {
    CounterId::parse("hotel-desk").unwrap()
}

impl Traffic {
    /// Somebody sells, scans a code, gives something back, or looks into a payment.
    pub(super) fn sales(&mut self) {
        let who = if self.rng.random() { "li" } else { "wang" }.to_owned();
        let input = match self.rng.random_range(0..7) {
            0 => {
                let (key, subject) = (self.rng.random_range(0..90).to_string(), "票".to_owned());
                Some(Input::SaleAsked(SaleAsked {
                    counter: desk(),
                    key,
                    subject,
                    amount_minor: 300,
                }))
            }
            1 => {
                let sale = self.state.orders.values().find(|order| order.sale.is_some());
                sale.map(|order| Input::SaleCancelled { counter: desk(), order: order.id })
            }
            2 | 3 => {
                let digits = format!("13{:016}", self.rng.random_range(0..9_000_000_000_i64));
                let code = PayerCode::parse(&digits).unwrap();
                let due = |state: &OrderState| matches!(state, OrderState::Due);
                let order = self.state.orders.values().rev().find(|order| due(&order.state));
                order.map(|order| Input::PayerCodeScanned { at: At::Order(order.id), code })
            }
            4 => self.wants_back(who),
            5 => {
                let agreed = self.rng.random();
                let refund = self.state.refunds.keys().next().copied();
                refund.map(|refund| Input::RefundJudged { refund, agreed, who })
            }
            _ => {
                let act = if self.rng.random() { PaymentAct::Ask } else { PaymentAct::Close };
                let payment = self.state.payments.keys().next().copied();
                payment.map(|payment| Input::PaymentActed { payment, act, who })
            }
        };
        if let Some(input) = input {
            self.tell(input);
        }
    }

    fn wants_back(&mut self, who: String) -> Option<Input> {
        let paid = |state: &PaymentState| matches!(state, PaymentState::Paid { .. });
        let payment = self.state.payments.values().find(|payment| paid(&payment.state))?.clone();
        let order = self.state.orders.get(&payment.order)?.clone();
        let amount_minor = self.rng.random_range(1..600);
        let (key, reason) = (self.rng.random_range(0..40).to_string(), "wet".to_owned());
        Some(Input::RefundAsked(RefundAsked { payment, order, amount_minor, key, who, reason }))
    }
}

#[tokio::test]
async fn a_sale_is_found_by_its_number_and_a_payment_with_its_history() {
    let dir = Dir::new("sales");
    let mut store = Store::open(&dir.db(), Options::default()).await.unwrap();
    let mut traffic = Traffic::new(1);
    let (counter, key, subject) = (desk(), "A-1".to_owned(), "住宿".to_owned());
    traffic.tell(Input::SaleAsked(SaleAsked { counter, key, subject, amount_minor: 900 }));
    let order = *traffic.state.orders.keys().next().unwrap();
    traffic.tell(Input::PayAsked { order });
    let payment = *traffic.state.payments.keys().next().unwrap();
    let acted = Input::PaymentActed { payment, act: PaymentAct::Ask, who: "li".into() };
    traffic.tell(acted);
    traffic.commit(&mut store.writer).await;
    let found = store.reader.sale(&desk(), "A-1").await.unwrap().unwrap();
    assert_eq!((found.id, found.stay), (order, None));
    assert_eq!(store.reader.sale(&desk(), "A-2").await.unwrap(), None);
    assert_eq!(store.reader.payment(payment).await.unwrap().unwrap().1.id, order);
    assert!(store.reader.payment(PaymentId(9)).await.unwrap().is_none());
    let history = store.reader.payment_history(payment).await.unwrap();
    let kinds: Vec<_> = history.iter().map(|past| past.change.kind()).collect();
    assert_eq!(kinds, ["payment", "payment", "till_acted"]);
    assert_eq!(store.reader.load().await.unwrap().state, traffic.state);
    assert_eq!(store.reader.rebuild().await.unwrap().differences, []);

    // Long after, it is in the tables only.
    traffic.now += Duration::from_hours(3);
    traffic.tell(Input::Tick);
    traffic.commit(&mut store.writer).await;
    let found = store.reader.sale(&desk(), "A-1").await.unwrap().unwrap();
    assert_eq!(found.state, OrderState::Void);
    assert_eq!(store.reader.load().await.unwrap().state, traffic.state);
}

#[tokio::test]
async fn a_counters_number_is_one_order() {
    let dir = Dir::new("sale-once");
    let mut store = Store::open(&dir.db(), Options::default()).await.unwrap();
    let mut traffic = Traffic::new(1);
    let (counter, key, subject) = (desk(), "A-1".to_owned(), "住宿".to_owned());
    traffic.tell(Input::SaleAsked(SaleAsked { counter, key, subject, amount_minor: 900 }));
    traffic.commit(&mut store.writer).await;
    let mut twin = traffic.state.orders.values().next().unwrap().clone();
    twin.id = OrderId(2);
    let refused = store.writer.commit(start(), &[Change::Order(twin)]).await.unwrap_err();
    assert!(refused.to_string().contains("orders_sale_once"), "{refused}");
}

#[tokio::test]
async fn a_counters_token_is_its_own_and_can_be_taken_back() {
    let dir = Dir::new("counters");
    let store = Store::open(&dir.db(), Options::default()).await.unwrap();
    let (accounts, now) = (&store.accounts, start());
    accounts.put_counter(&desk(), &[1; 32], "li", now).await.unwrap();
    assert_eq!(accounts.counter_of_token(&[1; 32]).await.unwrap(), Some(desk()));
    accounts.put_counter(&desk(), &[2; 32], "wang", now).await.unwrap();
    assert_eq!(accounts.counter_of_token(&[1; 32]).await.unwrap(), None, "the former is over");
    let made = jiff::Timestamp::from_millisecond(now.as_millisecond()).unwrap();
    assert_eq!(accounts.counters().await.unwrap(), [(desk(), "wang".to_owned(), made)]);
    accounts.drop_counter(&desk()).await.unwrap();
    assert_eq!(accounts.counter_of_token(&[2; 32]).await.unwrap(), None);
}

/// The orders of a site that ran before counters sold anything, with payments that refer to them.
#[tokio::test]
async fn orders_and_their_payments_come_over_from_the_schema_before() {
    let dir = Dir::new("orders-before");
    let options = sqlx::sqlite::SqliteConnectOptions::new();
    let options = options.filename(dir.file("site.db")).create_if_missing(true).foreign_keys(true);
    let mut old = sqlx::SqliteConnection::connect_with(&options).await.unwrap();
    let steps = [
        include_str!("../../../migrations/0001_spine.sql"),
        include_str!("../../../migrations/0002_people.sql"),
        include_str!("../../../migrations/0003_register.sql"),
        include_str!("../../../migrations/0004_till.sql"),
        include_str!("../../../migrations/0005_channels.sql"),
    ];
    for step in steps {
        sqlx::raw_sql(step).execute(&mut old).await.unwrap();
    }
    let rows = [
        (
            "stay",
            r#"{"id":1,"plate":"京A12345","state":"inside","entered_at":"2026-11-23T00:00:00Z","paid_minor":0}"#,
        ),
        (
            "order",
            r#"{"id":1,"stay":1,"state":{"is":"due"},"amount":{"minor":500,"currency":"CNY"}}"#,
        ),
        (
            "payment",
            r#"{"id":1,"order":1,"out_trade_no":"PF1","state":{"is":"pending"},"amount":{"minor":500,"currency":"CNY"}}"#,
        ),
    ];
    for (seq, (kind, body)) in rows.iter().enumerate() {
        let insert = "insert into journal (seq, at_ms, kind, body, hash) values (?1, 0, ?2, ?3, zeroblob(32))";
        let insert = sqlx::query(insert).bind(seq as i64 + 1).bind(kind).bind(body);
        insert.execute(&mut old).await.unwrap();
    }
    // As the migrator does it: in one transaction, with references checked.
    let mut step = old.begin().await.unwrap();
    sqlx::raw_sql(include_str!("../../../migrations/0006_orders.sql"))
        .execute(&mut *step)
        .await
        .unwrap();
    step.commit().await.unwrap();
    let kept: (i64, String, i64) =
        sqlx::query_as("select id, state, stay_id from orders").fetch_one(&mut old).await.unwrap();
    assert_eq!(kept, (1, "due".to_owned(), 1));
    let gone = sqlx::query("delete from orders").execute(&mut old).await;
    assert!(gone.is_err(), "payments hold on to their orders still");
}
