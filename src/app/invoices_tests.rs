//! Invoices on a real store, with a real writer and real folders: two phones, a crash, money that goes back.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::{sync::watch, task::JoinHandle};

use super::*;
use crate::{
    app::{
        Ports, Writer,
        clock::{Clock, SystemTime},
    },
    core::{
        Change, Effect, Rules,
        input::Answer,
        money::{Order, OrderState, PaidBy},
        rules::Zones,
        stay::{Stay, StayState},
        tariff::{Quote, Tariff},
        till::Cash,
    },
    invoice::{FileExchange, Item, Seller},
    store::{Options, Store, Writer as StoreWriter},
    types::{Buyer, CashId, Contact, Currency, LaneId, Money, Plate, ShiftId, StayId, TaxNumber},
};

const LIMIT: Duration = Duration::from_secs(20);

fn at() -> Timestamp {
    "2026-11-23T08:00:00Z".parse().unwrap()
}

fn cny(minor: i64) -> Money {
    Money::new(minor, Currency::Cny)
}

struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("paifang-app-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn exchange(&self) -> PathBuf {
        self.0.join("invoices")
    }

    /// The request, once it is there.
    async fn out(&self, number: &str) -> serde_json::Value {
        let path = self.exchange().join(format!("out/{number}.json"));
        wait_for(|| std::fs::read(&path).ok().and_then(|text| serde_json::from_slice(&text).ok()))
            .await
    }

    fn answer(&self, number: &str, text: &str) {
        std::fs::write(self.exchange().join(format!("in/{number}.json")), text).unwrap();
    }
}

async fn wait_for<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let wait = async {
        loop {
            if let Some(found) = look() {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(LIMIT, wait).await.expect("it comes in time")
}

struct InvoicePorts(Invoices);

impl Ports for InvoicePorts {
    fn perform(&mut self, effect: Effect, _: Timestamp) {
        match effect {
            Effect::AskInvoice { invoice } => self.0.ask(invoice),
            Effect::FindInvoice { undoes } => self.0.find(undoes),
            _ => {}
        }
    }
}

/// A daemon as far as invoices need one.
struct Running {
    invoices: Invoices,
    stop: watch::Sender<bool>,
    writer: JoinHandle<StoreWriter>,
}

fn exchange(folder: &Path) -> FileExchange {
    let seller = Seller {
        name: "湖畔停车".into(),
        tax_number: TaxNumber::parse("91110000802100433B").unwrap(),
        parking: Item { name: "停车费".into(), tax_rate: "9%".into() },
        tickets: Item { name: "门票".into(), tax_rate: "6%".into() },
        sales: Item { name: "商品".into(), tax_rate: "13%".into() },
    };
    FileExchange::new(folder.to_owned(), seller, Arc::new(at))
}

impl Running {
    async fn start(folder: &Folder, facts: &[Change]) -> Self {
        let db = folder.0.join("site.db");
        let Store { mut writer, reader, accounts } =
            Store::open(&db, Options::default()).await.unwrap();
        writer.commit(at(), facts).await.unwrap();
        let loaded = reader.load().await.unwrap();
        let (clock, stepped) = Clock::start(Box::new(SystemTime), loaded.tail.last_at);
        let (app, inbox) = App::new();
        let invoices = Invoices {
            app,
            reader: reader.clone(),
            accounts,
            provider: Arc::new(exchange(&folder.exchange())),
            keep_days: 90,
            one: Arc::default(),
        };
        let tariff = Tariff::hourly(15, 500, 4_000);
        let zone = jiff::tz::TimeZone::UTC;
        let rules = Rules { invoices: true, ..Rules::new("test", zone, Currency::Cny, tariff) };
        let ports = InvoicePorts(invoices.clone());
        let state = loaded.state;
        let writer = Writer::new(state, Arc::new(rules), (writer, reader), clock, ports, inbox);
        let (stop, stopped) = watch::channel(false);
        Self { invoices, stop, writer: tokio::spawn(writer.run(stepped, stopped)) }
    }

    async fn stop(self) {
        self.stop.send_replace(true);
        drop(self.writer.await.unwrap());
    }

    async fn state(&self, id: i64) -> InvoiceState {
        let invoice = self.invoices.reader.invoice(InvoiceId(id)).await.unwrap();
        invoice.unwrap().state
    }

    async fn until(&self, id: i64, name: &str) {
        let wait = async {
            while self.state(id).await.name() != name {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(LIMIT, wait).await.expect("it becomes so in time");
    }
}

/// Ten yuan were taken in cash for a stay that is over.
fn sold() -> Vec<Change> {
    let lane = LaneId::parse("out").unwrap();
    let plate = Plate::parse("京A12345").unwrap();
    let stay = Stay::new(StayId(1), plate, lane, Zones::only(), at());
    let stay = Stay { state: StayState::Left, left_at: Some(at()), ..stay };
    let order = Order {
        sale: None,
        basket: None,
        pass: None,
        id: OrderId(1),
        stay: Some(StayId(1)),
        lane: None,
        amount: cny(1_000),
        quote: Quote::bare(at(), at(), cny(1_000)),
        made_at: at(),
        state: OrderState::Paid { by: PaidBy::Cash(CashId(1)), at: at() },
        arrears: Vec::new(),
        by_plate: false,
    };
    vec![Change::Stay(stay), Change::Order(order), Change::Cash(cash(1, 1_000, None))]
}

fn cash(id: i64, minor: i64, refund_of: Option<i64>) -> Cash {
    Cash {
        id: CashId(id),
        order: OrderId(1),
        stay: Some(StayId(1)),
        shift: ShiftId(1),
        amount: cny(minor),
        tendered: cny(minor),
        at: at(),
        refund_of: refund_of.map(CashId),
        reason: None,
        of_pass: false,
        over_at: at(),
    }
}

fn claimant(name: &str, to: &str) -> Claimant {
    Claimant { buyer: Buyer::Person { name: name.into() }, to: Contact::parse(to), by: None }
}

const ISSUED: &str = r#"{"number": "26310001", "issued_at": "2026-11-23T08:00:05Z"}"#;

#[tokio::test]
async fn two_phones_a_crash_and_an_answer_that_came_meanwhile() {
    let folder = Folder::new("crash");
    let site = Running::start(&folder, &sold()).await;
    let (one, two) = tokio::join!(
        site.invoices.claimed(OrderId(1), claimant("张三", "a@b.cn")),
        site.invoices.claimed(OrderId(1), claimant("李四", "c@d.cn")),
    );
    for reply in [one, two] {
        assert_eq!(reply.unwrap().unwrap().unwrap(), Ok(Answer::Invoice(InvoiceId(1))));
    }
    let out = folder.out("PFI1").await;
    assert_eq!((&out["buyer"]["name"], &out["email"]), (&"张三".into(), &"a@b.cn".into()));
    // Personal data that can be deleted is nowhere in the journal.
    let rows = site.invoices.reader.journal_after(0, 1_000).await.unwrap();
    let journal: BTreeMap<i64, String> =
        rows.iter().map(|row| (row.seq, serde_json::to_string(&row.change).unwrap())).collect();
    assert!(journal.values().all(|body| !body.contains("b.cn")), "{journal:?}");
    site.stop().await;

    // The answer comes while nobody listens; in between, three yuan went back over the counter.
    folder.answer("PFI1", ISSUED);
    let site = Running::start(&folder, &[Change::Cash(cash(2, 300, Some(1)))]).await;
    site.until(1, "issued").await;
    let run = tokio::spawn(site.invoices.clone().run());
    let red = folder.out("PFI2").await;
    assert_eq!((&red["kind"], &red["amount"]), (&"red".into(), &"3.00".into()));
    assert_eq!(
        (&red["red_of"]["ours"], &red["red_of"]["theirs"]),
        (&"PFI1".into(), &"26310001".into())
    );
    run.abort();
    // One red-letter invoice for each, however often it is found.
    site.invoices.found(GivenBack::Cash(CashId(2))).await.unwrap();
    folder.answer("PFI2", r#"{"refused": "month is closed"}"#);
    site.until(2, "refused").await;
    assert_eq!(site.invoices.reader.invoices_of(OrderId(1)).await.unwrap().len(), 2);
    let again = site.invoices.claimed(OrderId(1), claimant("李四", "c@d.cn")).await.unwrap();
    assert_eq!(again.unwrap().unwrap(), Ok(Answer::Invoice(InvoiceId(1))));
    assert_eq!(site.invoices.reader.rebuild().await.unwrap().differences, []);
    site.stop().await;
}

#[tokio::test]
async fn addresses_are_deleted_and_the_rest_stays() {
    let folder = Folder::new("forget");
    let site = Running::start(&folder, &sold()).await;
    site.invoices.claimed(OrderId(1), claimant("张三", "13800138000")).await.unwrap();
    folder.out("PFI1").await;
    let reader = &site.invoices.reader;
    assert!(reader.invoice_contact(OrderId(1)).await.unwrap().is_some());
    site.invoices.forget(at()).await;
    assert!(reader.invoice_contact(OrderId(1)).await.unwrap().is_some(), "not yet");
    site.invoices.forget(site.invoices.app.now() + Duration::from_secs(5)).await;
    assert_eq!(reader.invoice_contact(OrderId(1)).await.unwrap(), None);
    assert!(!folder.exchange().join("out/PFI1.json").exists());
    assert_eq!(reader.invoices("张", 10).await.unwrap().len(), 1);
    assert_eq!(reader.invoices("PFI1", 10).await.unwrap().len(), 1);
    assert_eq!(reader.invoices("1", 10).await.unwrap().len(), 1);
    assert!(reader.invoices("李", 10).await.unwrap().is_empty());
    site.stop().await;
}

#[tokio::test]
async fn a_refused_claim_counts_what_went_back_since() {
    let folder = Folder::new("refused");
    let site = Running::start(&folder, &sold()).await;
    site.invoices.claimed(OrderId(1), claimant("张三", "a@b.cn")).await.unwrap();
    folder.out("PFI1").await;
    folder.answer("PFI1", r#"{"refused": "no such person"}"#);
    site.until(1, "refused").await;
    site.stop().await;
    let site = Running::start(&folder, &[Change::Cash(cash(2, 300, Some(1)))]).await;
    let mut corrected = claimant("张三丰", "a@b.cn");
    corrected.to = None;
    let reply = site.invoices.claimed(OrderId(1), corrected).await.unwrap();
    assert_eq!(reply.unwrap().unwrap(), Ok(Answer::Invoice(InvoiceId(2))));
    let out = folder.out("PFI2").await;
    assert_eq!((&out["amount"], &out["email"]), (&"7.00".into(), &"a@b.cn".into()));
    // It was no part of the second one.
    site.invoices.found(GivenBack::Cash(CashId(2))).await.unwrap();
    assert_eq!(site.invoices.reader.invoices_of(OrderId(1)).await.unwrap().len(), 2);
    site.stop().await;
}
