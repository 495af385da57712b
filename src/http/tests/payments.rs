//! Payments people look into, refunds, and what other counters sell, as operators, programs and payers see them.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures::{FutureExt, future::ready};
use reqwest::{Method, Response, header};
use serde_json::{Value, json};

use super::{
    phone::{Phone, location},
    site::{PASSWORD, Site},
};
use crate::{
    core::{
        Change, Effect, Input,
        input::Asked,
        money::{Order, Refund, RefundState},
    },
    http::ports::{Counter, Found, PaymentFile, PaymentRecords, Records},
    types::{
        CounterId, Currency, Money, OrderId, PaymentId,
        bank::{Ask, Word},
    },
};

mod agents;

const PLATE: &str = "沪A12345";
const CODE: &str = "134579246810121416";

/// The tokens of counters, as the tables would keep them.
pub(super) type Counters = BTreeMap<CounterId, ([u8; 32], String)>;

fn found<T: Send + 'static>(value: T) -> Found<'static, T> {
    ready(Ok(value)).boxed()
}

impl PaymentRecords for Site {
    fn payment(&self, id: PaymentId) -> Found<'_, Option<PaymentFile>> {
        let Some(payment) = self.payments().into_iter().find(|payment| payment.id == id) else {
            return found(None);
        };
        let of = |order: &Order| order.id == payment.order;
        let order = self.orders().into_iter().find(of).unwrap();
        let refunds = self.refunds().into_iter().filter(|r| r.payment == id).collect();
        let about = |change: &Change| match change {
            Change::Payment(payment) => payment.id == id,
            Change::Refund(refund) => refund.payment == id,
            Change::TillActed { payment, .. } => *payment == Some(id),
            _ => false,
        };
        let history = self.rows(about);
        found(Some(PaymentFile { payment, order, refunds, history }))
    }

    fn refunds_of_order(&self, order: OrderId) -> Found<'_, Vec<Refund>> {
        let mine: Vec<_> =
            self.payments().into_iter().filter(|p| p.order == order).map(|p| p.id).collect();
        found(self.refunds().into_iter().filter(|r| mine.contains(&r.payment)).collect())
    }

    fn sale(&self, counter: CounterId, key: String) -> Found<'_, Option<Order>> {
        let is_it = |order: &Order| {
            order.sale.as_ref().is_some_and(|sale| sale.counter == counter && sale.key == key)
        };
        found(self.orders().into_iter().find(is_it))
    }

    fn counters(&self) -> Found<'_, Vec<Counter>> {
        let world = self.world();
        let made_at = world.now;
        let one = |(id, (_, by)): (&CounterId, &([u8; 32], String))| Counter {
            id: id.clone(),
            made_by: by.clone(),
            made_at,
        };
        found(world.counters.iter().map(one).collect())
    }

    fn put_counter(&self, counter: CounterId, token: [u8; 32], made_by: String) -> Found<'_, ()> {
        self.world().counters.insert(counter, (token, made_by));
        found(())
    }

    fn drop_counter(&self, counter: CounterId) -> Found<'_, ()> {
        self.world().counters.remove(&counter);
        found(())
    }

    fn counter_of_token(&self, token: [u8; 32]) -> Found<'_, Option<CounterId>> {
        let world = self.world();
        let known = world.counters.iter().find(|(_, (digest, _))| *digest == token);
        found(known.map(|(counter, _)| counter.clone()))
    }
}

/// The numbers of all attempts, oldest first.
fn trades(site: &Arc<Site>) -> Vec<String> {
    site.payments().into_iter().map(|payment| payment.out_trade_no).collect()
}

fn bank_says(site: &Arc<Site>, trade: &str, to: Asked, word: Word) {
    site.decide(Input::BankSaid { out_trade_no: trade.into(), to, word }).unwrap();
}

fn paid(minor: i64) -> Word {
    let amount = Money::new(minor, Currency::Cny);
    Word::Paid { amount, bank_no: "B1".into(), paid_at: None, payer: None }
}

/// A program of the counter `hotel-desk`.
struct Program {
    phone: Phone,
    token: String,
}

impl Program {
    async fn new(site: &Arc<Site>, operator: &Phone, phone: Phone) -> Self {
        let made = operator.post("/console/counters", &[("name", "hotel-desk")]).await;
        let page = made.text().await.unwrap();
        let token = page.split("<code>").nth(1).unwrap().split('<').next().unwrap().to_owned();
        assert!(!format!("{:?}", site.world().counters).contains(&token), "kept nowhere");
        Self { phone, token }
    }

    async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Response {
        let request = self.phone.ask(method, path);
        let request = request.header(header::AUTHORIZATION, format!("Bearer {}", self.token));
        let request = match body {
            Some(body) => {
                request.header(header::CONTENT_TYPE, "application/json").body(body.to_string())
            }
            None => request,
        };
        request.send().await.unwrap()
    }

    async fn sell(&self, key: &str, minor: i64) -> Response {
        let sold = json!({ "key": key, "subject": "住宿押金", "amount_minor": minor });
        self.ask(Method::POST, "/api/v1/orders", Some(sold)).await
    }

    async fn order(&self, id: i64) -> Value {
        read(self.ask(Method::GET, &format!("/api/v1/orders/{id}"), None).await).await
    }
}

async fn read(answer: Response) -> Value {
    serde_json::from_str(&answer.text().await.unwrap()).unwrap()
}

#[tokio::test]
async fn a_counters_program_sells_and_the_payer_opens_the_link() {
    let site = Site::new();
    let (address, _stop) = site.serve().await;
    let operator = Phone::operator(address).await;
    let desk = Program::new(&site, &operator, Phone::new(address)).await;
    let order = read(desk.sell("A-1", 20_000).await).await;
    assert_eq!((&order["state"], &order["amount"]["minor"]), (&json!("due"), &json!(20_000)));
    assert_eq!(read(desk.sell("A-1", 20_000).await).await["id"], order["id"], "the same number");
    assert_eq!(desk.sell("A-1", 30_000).await.status().as_u16(), 409);
    assert_eq!(desk.sell("A-2", 0).await.status().as_u16(), 409);

    let link = order["pay_url"].as_str().unwrap();
    let path = &link[link.find("/p/").unwrap()..];
    let payer = Phone::new(address);
    let page = payer.text(path).await;
    assert!(page.contains("住宿押金") && page.contains("200.00"), "{page}");
    assert!(!page.contains("barrier"), "nobody drives here");
    payer.post(&format!("{path}/pay"), &[]).await;
    let trade = trades(&site).pop().unwrap();
    bank_says(&site, &trade, Asked::Query, paid(20_000));
    let id = order["id"].as_i64().unwrap();
    let now = desk.order(id).await;
    assert_eq!((&now["state"], &now["paid_by"]), (&json!("paid"), &json!("bank")));
    assert!(payer.text(path).await.contains("Paid"));

    let back = json!({ "key": "R-1", "amount_minor": 5_000, "reason": "left early" });
    let refunds = format!("/api/v1/orders/{id}/refunds");
    for _ in 0..2 {
        let answer = desk.ask(Method::POST, &refunds, Some(back.clone())).await;
        assert_eq!(answer.status().as_u16(), 202);
    }
    let now = desk.order(id).await;
    assert_eq!(now["refunds"].as_array().unwrap().len(), 1, "the same number is one refund");
    let more = json!({ "key": "R-2", "amount_minor": 15_001, "reason": "left early" });
    assert_eq!(desk.ask(Method::POST, &refunds, Some(more)).await.status().as_u16(), 409);
}

#[tokio::test]
async fn a_counter_scans_a_code_gives_up_a_sale_and_sees_no_other_counters() {
    let site = Site::new();
    let (address, _stop) = site.serve().await;
    let operator = Phone::operator(address).await;
    let desk = Program::new(&site, &operator, Phone::new(address)).await;
    let id = read(desk.sell("A-1", 900).await).await["id"].as_i64().unwrap();
    let code = format!("/api/v1/orders/{id}/code");
    let odd = desk.ask(Method::POST, &code, Some(json!({ "code": "12" }))).await;
    assert_eq!(odd.status().as_u16(), 422);
    let took = desk.ask(Method::POST, &code, Some(json!({ "code": CODE }))).await;
    assert_eq!(took.status().as_u16(), 202);
    let collected = site.effects(|effect| match effect {
        Effect::AskBank { ask: Ask::Collect { amount, code, .. }, .. } => {
            Some((amount.minor, code.digits().to_owned()))
        }
        _ => None,
    });
    assert_eq!(collected, [(900, CODE.to_owned())]);
    bank_says(&site, &trades(&site)[0], Asked::Generate, paid(900));
    assert_eq!(desk.order(id).await["state"], json!("paid"));

    let second = read(desk.sell("A-2", 900).await).await["id"].as_i64().unwrap();
    let cancel = format!("/api/v1/orders/{second}/cancel");
    let gone = read(desk.ask(Method::POST, &cancel, None).await).await;
    assert_eq!(gone["state"], json!("void"));

    let parking = site.at_exit(PLATE, Duration::from_hours(1));
    let foreign = desk.ask(Method::GET, &format!("/api/v1/orders/{parking}"), None).await;
    assert_eq!(foreign.status().as_u16(), 404, "what it did not sell is not there");
    operator.post("/console/counters/hotel-desk/forget", &[]).await;
    assert_eq!(desk.sell("A-3", 900).await.status().as_u16(), 401, "its token was taken back");
}

#[tokio::test]
async fn the_booth_takes_a_payers_code_for_the_vehicle_that_waits() {
    let site = Site::new();
    let order = site.at_exit(PLATE, Duration::from_hours(2));
    let (address, _stop) = site.serve().await;
    let phone = Phone::operator(address).await;
    let path = format!("/console/orders/{order}/code");
    assert!(phone.text("/console/shift").await.contains(&path));
    let odd = phone.post(&path, &[("code", "京A12345")]).await;
    assert_eq!(odd.status().as_u16(), 422);
    let took = phone.post(&path, &[("code", "1345 7924 6810 1214 16")]).await;
    assert_eq!(location(&took), format!("/console/orders/{order}"));
    assert!(phone.text(location(&took)).await.contains("Waiting for the bank"));
    bank_says(&site, &trades(&site)[0], Asked::Generate, paid(1_000));
    assert_eq!(site.phase("out"), crate::core::lane::Phase::Opening);
}

#[tokio::test]
async fn an_undecided_payment_is_asked_about_or_closed_by_hand() {
    let site = Site::new();
    let order = site.at_exit(PLATE, Duration::from_hours(1));
    site.decide(Input::PayAsked { order }).unwrap();
    let (address, _stop) = site.serve().await;
    let phone = Phone::operator(address).await;
    let trade = trades(&site).pop().unwrap();
    let list = phone.text("/console/payments").await;
    assert!(list.contains(&trade) && list.contains("Ask now") && list.contains("Close it"));
    assert_eq!(phone.post("/console/payments/1/ask", &[]).await.status().as_u16(), 303);
    assert_eq!(phone.post("/console/payments/1/close", &[]).await.status().as_u16(), 303);
    assert_eq!(phone.post("/console/payments/1/pay", &[]).await.status().as_u16(), 404);
    let record = phone.text("/console/payments/1").await;
    assert!(record.contains("Payment closed") && record.contains("li:"), "{record}");
    bank_says(&site, &trade, Asked::Query, Word::Reversed);
    let late = phone.post("/console/payments/1/ask", &[]).await;
    assert_eq!(late.status().as_u16(), 409);
    assert!(late.text().await.unwrap().contains("decided"));
    let collects = |effect: &Effect| match effect {
        Effect::AskBank { ask: Ask::Generate { .. } | Ask::Collect { .. }, .. } => Some(()),
        _ => None,
    };
    assert_eq!(site.effects(collects).len(), 1, "nothing collects a second time");
}

#[tokio::test]
async fn a_large_refund_waits_for_somebody_else() {
    let site = Site::new();
    site.add_operator("wang", false);
    let order = site.at_exit(PLATE, Duration::from_hours(24 * 20));
    site.decide(Input::PayAsked { order }).unwrap();
    let minor = site.payments()[0].amount.minor;
    assert!(minor > 50_000, "{minor}");
    bank_says(&site, &trades(&site)[0], Asked::Query, paid(minor));
    let (address, _stop) = site.serve().await;
    let li = Phone::operator(address).await;
    let ask = |amount: &'static str, key: &'static str| {
        [("amount", amount), ("reason", "charged twice"), ("key", key)]
    };
    let bare = [("amount", "1"), ("reason", " "), ("key", "k0")];
    assert_eq!(li.post("/console/payments/1/refund", &bare).await.status().as_u16(), 409);
    for _ in 0..2 {
        let asked = li.post("/console/payments/1/refund", &ask("600", "k1")).await;
        assert_eq!(location(&asked), "/console/payments/1");
    }
    let states = || site.refunds().into_iter().map(|r| r.state).collect::<Vec<_>>();
    assert_eq!(states(), [RefundState::Waiting]);
    let own = li.post("/console/refunds/1/agree", &[]).await;
    assert!(own.text().await.unwrap().contains("Somebody else has to agree"));
    let mut wang = Phone::new(address);
    wang.sign_in("wang", PASSWORD).await;
    assert!(wang.text("/console/payments").await.contains("charged twice"));
    assert_eq!(wang.post("/console/refunds/1/agree", &[]).await.status().as_u16(), 303);
    assert_eq!(states(), [RefundState::Pending]);
    li.post("/console/payments/1/refund", &ask("10", "k2")).await;
    assert_eq!(states(), [RefundState::Pending, RefundState::Pending], "a small one does not wait");
    let record = li.text("/console/payments/1").await;
    assert!(record.contains("judged by wang") && record.contains("Refund agreed to"), "{record}");
}

#[tokio::test]
async fn payments_are_for_operators_and_orders_for_programs() {
    let site = Site::new();
    let (address, _stop) = site.serve().await;
    let phone = Phone::new(address);
    for path in
        ["/console/payments", "/console/payments/1", "/console/orders/1", "/console/counters"]
    {
        assert_eq!(phone.get(path).await.status().as_u16(), 303, "{path}");
    }
    assert_eq!(phone.get("/api/v1/orders/1").await.status().as_u16(), 401);
    assert!(site.order(OrderId(1)).await.unwrap().is_none());
}
