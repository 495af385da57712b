//! What pages ask, on a site where one vehicle came, paid and left.

use std::time::Duration;

use super::site::{Dir, Traffic, lane, start};
use crate::{
    core::{
        Change, Input,
        input::Asked,
        lane::Sensor,
        money::{OrderState, PaymentState},
        stay::{Read, StayState},
    },
    store::{AccountSum, Options, Store, Takings},
    types::{Currency, DeviceId, Money, Plate, bank::Word},
};

fn sensors(traffic: &mut Traffic, id: &str, list: &[(Sensor, bool)]) {
    for &(sensor, on) in list {
        traffic.tell(Input::Sensor { lane: lane(id), sensor, on });
    }
}

const AT_REST: [(Sensor, bool); 4] = [
    (Sensor::Arrival, false),
    (Sensor::Safety, false),
    (Sensor::OpenLimit, false),
    (Sensor::ClosedLimit, true),
];
const THROUGH: [(Sensor, bool); 7] = [
    (Sensor::ClosedLimit, false),
    (Sensor::OpenLimit, true),
    (Sensor::Safety, true),
    (Sensor::Arrival, false),
    (Sensor::Safety, false),
    (Sensor::OpenLimit, false),
    (Sensor::ClosedLimit, true),
];

fn comes(traffic: &mut Traffic, id: &str, event: &str) {
    traffic.tell(Input::Sensor { lane: lane(id), sensor: Sensor::Arrival, on: true });
    let read = Read {
        device: DeviceId::parse("cam-1").unwrap(),
        event: event.into(),
        raw: "京A12345".into(),
        plate: Plate::parse("京A12345").ok(),
        confidence: Some(99),
        live: true,
        taken_at: None,
        picture: None,
        vehicle: crate::types::Vehicle::default(),
    };
    traffic.tell(Input::Read { lane: lane(id), read });
}

/// A vehicle stands at the exit, two hours are paid, the arm is on its way up.
pub(super) async fn paid_once(store: &mut Store) -> Traffic {
    let mut traffic = Traffic::new(0);
    traffic.tell(Input::Started);
    sensors(&mut traffic, "in", &AT_REST);
    sensors(&mut traffic, "out", &AT_REST);
    comes(&mut traffic, "in", "e1");
    sensors(&mut traffic, "in", &THROUGH);
    traffic.now += Duration::from_hours(2);
    comes(&mut traffic, "out", "e2");
    traffic.tell(Input::PayAsked { order: crate::types::OrderId(1) });
    traffic.commit(&mut store.writer).await;
    let undecided = store.reader.undecided_payments(10).await.unwrap();
    assert_eq!(undecided.len(), 1);
    let word = Word::Paid {
        amount: Money::new(1_000, Currency::Cny),
        bank_no: "B1".into(),
        paid_at: None,
        payer: None,
    };
    let out_trade_no = undecided[0].out_trade_no.clone();
    traffic.tell(Input::BankSaid { out_trade_no, to: Asked::Notified, word });
    traffic.commit(&mut store.writer).await;
    traffic
}

#[tokio::test]
async fn pages_see_what_happened() {
    let dir = Dir::new("pages");
    let mut store = Store::open(&dir.db(), Options::default()).await.unwrap();
    let mut traffic = paid_once(&mut store).await;
    let reader = store.reader.clone();

    let open = reader.open_stays("A123", 10).await.unwrap();
    assert_eq!((open.len(), open[0].plate.full(), open[0].paid_minor), (1, "京A12345", 1_000));
    assert_eq!(reader.open_stays("", 10).await.unwrap(), open);
    assert_eq!(reader.open_stays("%", 10).await.unwrap(), []);
    assert_eq!(reader.undecided_payments(10).await.unwrap(), []);
    let counts = reader.counts().await.unwrap();
    assert_eq!((counts.open_stays, counts.watched_payments, counts.stays), (1, 1, 1));
    assert_eq!(counts.journal, store.writer.tail().seq);

    sensors(&mut traffic, "out", &THROUGH);
    traffic.commit(&mut store.writer).await;
    assert_eq!(reader.open_stays("", 10).await.unwrap(), []);
    let stay = reader.recent_stays(10).await.unwrap().remove(0);
    assert_eq!((stay.state, stay.exit_lane.clone()), (StayState::Left, Some(lane("out"))));
    assert_eq!(reader.stay(stay.id).await.unwrap(), Some(stay.clone()));

    let orders = reader.orders_of(stay.id).await.unwrap();
    assert!(matches!(orders[..], [ref order] if matches!(order.state, OrderState::Paid { .. })));
    assert_eq!(reader.order(orders[0].id).await.unwrap().as_ref(), orders.first());
    let payments = reader.payments_of(orders[0].id).await.unwrap();
    assert!(matches!(payments[..], [ref p] if matches!(p.state, PaymentState::Paid { .. })));
    assert!(traffic.state.payments.is_empty(), "filed");
    let recalled = reader.recall(&payments[0].out_trade_no).await.unwrap();
    assert_eq!(recalled, Some((payments[0].clone(), orders[0].clone())));
    assert_eq!(reader.recall("nobodys").await.unwrap(), None);
}

#[tokio::test]
async fn sums_of_the_ledger() {
    let dir = Dir::new("sums");
    let mut store = Store::open(&dir.db(), Options::default()).await.unwrap();
    let traffic = paid_once(&mut store).await;
    let reader = &store.reader;
    let (noon, now) = (start() + Duration::from_hours(4), traffic.now);
    let once = Takings { revenue_minor: 1_000, payments: 1, ..Takings::default() };
    assert_eq!(reader.takings(start(), noon).await.unwrap(), once);
    assert_eq!(reader.takings(start(), now).await.unwrap(), Takings::default(), "up to, without");
    assert_eq!(reader.takings(now, noon).await.unwrap(), once);
    let hours = reader.takings_by_hour(start(), noon).await.unwrap();
    assert_eq!(hours.len(), 1);
    assert_eq!((hours[0].from, hours[0].takings), (start() + Duration::from_hours(2), once));
    let sum = |account: &str, minor| AccountSum {
        account: account.into(),
        currency: "CNY".into(),
        minor,
    };
    assert_eq!(
        reader.ledger_sums().await.unwrap(),
        [sum("channel_receivable", 1_000), sum("parking_revenue", -1_000)]
    );
}

#[tokio::test]
async fn a_lanes_history_is_its_own_and_latest_first() {
    let dir = Dir::new("history");
    let mut store = Store::open(&dir.db(), Options::default()).await.unwrap();
    paid_once(&mut store).await;
    let history = store.reader.lane_history(&lane("out"), 10).await.unwrap();
    assert!(
        matches!(&history[..], [past] if matches!(&past.change, Change::ReadTaken { read, .. } if read.event == "e2")),
        "{history:?}"
    );
    let all = store.reader.journal_after(0, 1_000).await.unwrap();
    assert_eq!(all.last().map(|past| past.seq), Some(store.writer.tail().seq));
    assert_eq!(store.reader.journal_after(3, 2).await.unwrap(), all[3..5]);
}

/// Statements that do read a whole table, or only the end of one.
const SCANS: [&str; 9] = [
    "select seq, at_ms, kind, body, hash from journal order by seq",
    "select seq, at_ms, hash from journal order by seq desc limit 1",
    "select body from stay order by id desc limit ?1",
    "select 'lane ' || id as",
    "select account as",
    "select body from lane",
    // At a start: what went back of a payment limits what else may.
    "select body from refund",
    // At a start: what went back and is in no red invoice yet.
    "select refund.id as",
    "select body from alarm",
];

#[tokio::test]
async fn no_page_gets_slower_with_history() {
    let dir = Dir::new("plans");
    let store = Store::open(&dir.db(), Options::default()).await.unwrap();
    let known = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(".sqlx");
    let mut looked_at = 0;
    for file in std::fs::read_dir(known).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        let described: serde_json::Value = serde_json::from_str(&text).unwrap();
        let sql = described["query"].as_str().unwrap();
        if !sql.starts_with("select") || SCANS.iter().any(|scan| sql.starts_with(scan)) {
            continue;
        }
        looked_at += 1;
        let plan: Vec<(i64, i64, i64, String)> =
            sqlx::query_as(sqlx::AssertSqlSafe(format!("explain query plan {sql}")))
                .fetch_all(&store.reader.pool)
                .await
                .unwrap();
        for table in [
            "journal",
            "stay",
            "orders",
            "payment",
            "refund",
            "posting",
            "ticket",
            "ticket_sale",
            "admission",
            "visitor_sealed",
        ] {
            let whole = format!("SCAN {table}");
            assert!(!plan.iter().any(|step| step.3 == whole), "{sql}: {plan:?}");
        }
    }
    assert!(looked_at > 15, "{looked_at}");
}
