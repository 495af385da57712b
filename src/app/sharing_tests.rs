//! Shares on a real store with a real writer: reckoned of the ledger, posted once, relayed by a bank that loses answers, and
//! taken back by the rules of the day the payment came.

use std::{
    path::Path,
    sync::{Arc, Mutex},
};

use tokio::{sync::watch, task::JoinHandle};

use super::*;
use crate::{
    app::{
        App, Ports, Writer,
        banker::{Banker, Channels},
        clock::{Clock, SystemTime},
    },
    bank::{
        Answer, Ask, Capabilities, Channel, Letter, Notification, NotifyError, NotifyReply, PayWay,
        ShareAccount, Sharing, Word,
    },
    config::Partner,
    core::{
        Change, Effect, Rules,
        money::{Account, Order, OrderState, PaidBy, Payment, PaymentState, Posting},
        rules::Zones,
        shares::{ShareRule, Take},
        stay::{Stay, StayState},
        tariff::Tariff,
    },
    store::{Options, Store, Writer as StoreWriter},
    types::{Currency, LaneId, OrderId, PaymentId, Plate, StayId},
};

fn id(text: &str) -> PartnerId {
    PartnerId::parse(text).unwrap()
}

fn icbc() -> ChannelId {
    ChannelId::parse("icbc").unwrap()
}

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

/// A bank that loses its first answer and remembers what it did.
#[derive(Debug, Default)]
struct Bank {
    asked: Mutex<Vec<(String, i64, Option<String>)>>,
}

impl Channel for Bank {
    fn ask<'a>(&'a self, _: &'a Ask) -> Answer<'a> {
        Box::pin(async { Word::Unknown { why: String::new() } })
    }

    fn notification(&self, _: &Letter<'_>) -> Result<Notification, NotifyError> {
        Err(NotifyError::Malformed(String::new()))
    }

    fn notify_reply(&self, _: Result<&Notification, &NotifyError>) -> NotifyReply {
        NotifyReply { status: 200, content_type: "text/plain", body: String::new() }
    }

    fn capabilities(&self) -> Capabilities {
        let (currency, ways) = (Currency::Cny, &[PayWay::Cashier][..]);
        Capabilities { currency, ways, reverse: true, part_refund: true, notifies: false }
    }

    fn share<'a>(&'a self, ask: &'a ShareAsk) -> Sharing<'a> {
        let mut asked = self.asked.lock().unwrap();
        let lost = asked.is_empty();
        asked.push((ask.number.clone(), ask.amount.minor, ask.given.clone()));
        let word =
            if lost { ShareWord::Unknown { why: "no answer".into() } } else { ShareWord::Done };
        Box::pin(async move { word })
    }

    fn notify_path(&self) -> Option<&str> {
        None
    }
}

/// A payment of a stay in the lot, and its posting.
fn payment(n: i64, at: &str, minor: i64) -> Vec<Change> {
    let at: Timestamp = at.parse().unwrap();
    let amount = Money::new(minor, Currency::Cny);
    let (lane, plate) = (LaneId::parse("in").unwrap(), format!("京A{n:05}"));
    let zone = Zones::only();
    let stay = Stay::new(StayId(n), Plate::parse(&plate).unwrap(), lane, zone.clone(), at);
    let order = Order {
        id: OrderId(n),
        stay: Some(StayId(n)),
        sale: None,
        basket: None,
        pass: None,
        lane: None,
        amount,
        quote: crate::core::tariff::Quote::bare(at, at, amount),
        made_at: at,
        state: OrderState::Paid { by: PaidBy::Payment(PaymentId(n)), at },
        arrears: Vec::new(),
        by_plate: false,
    };
    let payment = Payment {
        id: PaymentId(n),
        order: OrderId(n),
        out_trade_no: format!("PF{n}"),
        channel: icbc(),
        way: PayWay::Cashier,
        amount,
        state: PaymentState::Paid { at },
        link: None,
        made_at: at,
        expires_at: at,
        asks: 0,
        next_ask: None,
        bank_no: Some(format!("B{n}")),
        charge: None,
        printed: false,
    };
    let (debit, credit) = (Account::ChannelReceivable, Account::ParkingRevenue);
    let bare = Posting::bare(n, at, debit, credit, amount);
    vec![
        Change::Stay(Stay { state: StayState::Left, left_at: Some(at), ..stay }),
        Change::Order(order),
        Change::Payment(payment),
        Change::PaymentFiled { payment: PaymentId(n) },
        Change::Posting(Posting { payment: Some(PaymentId(n)), zone: Some(zone), ..bare }),
    ]
}

struct NoPorts;

impl Ports for NoPorts {
    fn perform(&mut self, _: Effect, _: Timestamp) {}
}

struct Running {
    settling: Settling,
    bank: Arc<Bank>,
    stop: watch::Sender<bool>,
    writer: JoinHandle<StoreWriter>,
}

async fn start(folder: &Path, facts: &[Change]) -> Running {
    let store = Store::open(&folder.join("site.db"), Options::default()).await.unwrap();
    let books = store.settlements();
    let Store { mut writer, reader, .. } = store;
    writer.commit("2026-11-23T00:00:00Z".parse().unwrap(), facts).await.unwrap();
    let loaded = reader.load().await.unwrap();
    let (clock, stepped) = Clock::start(Box::new(SystemTime), loaded.tail.last_at);
    let (app, inbox) = App::new();
    let text = "[site]\nname = 'test'\nzone = 'Asia/Shanghai'\ndata_dir = '.'\n\
                [tariff]\nfree_minutes = 0\nhour_minor = 500\nday_cap_minor = 4000\n";
    let mut site = crate::config::parse(text, folder).unwrap();
    let rule = |partner: &str, take, net| {
        let (zone, product, channel) = (Some(Zones::only()), None, None);
        ShareRule { partner: id(partner), take, net, zone, product, channel }
    };
    let rules = vec![rule("land", Take::Ppm(300_000), true), rule("bank", Take::Order(100), false)];
    let account =
        || ShareAccount { sub_mer_id: "1".into(), sub_mer_prtcl_no: None, mer_acct: None };
    let partner = |name: &str, relayed: bool| {
        let relay = relayed.then(|| (icbc(), account())).into_iter().collect();
        (id(name), Partner { name: name.into(), account: None, relay })
    };
    site.shares = Some(Shares {
        book: ShareBook { rules, remainder: id("operator"), own: id("operator") },
        partners: [partner("land", false), partner("bank", true), partner("operator", false)]
            .into(),
    });
    let bank = Arc::new(Bank::default());
    let channels: Channels =
        Arc::new([(icbc(), Arc::clone(&bank) as Arc<dyn Channel>)].into_iter().collect());
    let banker = Banker::new(app.clone(), reader.clone(), Arc::clone(&channels), [7; 32]);
    let settling = Settling::new(&site, &app, books, channels, banker);
    let rules =
        Rules::new("test", site.rules.zone.clone(), Currency::Cny, Tariff::hourly(0, 500, 4_000));
    let writer =
        Writer::new(loaded.state, Arc::new(rules), (writer, reader), clock, NoPorts, inbox);
    let (stop, stopped) = watch::channel(false);
    Running { settling, bank, stop, writer: tokio::spawn(writer.run(stepped, stopped)) }
}

impl Running {
    async fn day(&self, on: &str) -> Settled {
        self.settling.days(&icbc()).await.unwrap().remove(&day(on)).unwrap()
    }

    async fn payable(&self) -> i64 {
        let sums = self.settling.office.books.reader().ledger_sums().await.unwrap();
        let found = sums.iter().find(|sum| sum.account == "partners_payable");
        found.map_or(0, |sum| sum.minor)
    }
}

const D1: &str = "2026-11-23";
const D2: &str = "2026-11-24";

#[tokio::test]
async fn a_days_shares_are_posted_once_relayed_and_taken_back_in_proportion() {
    let folder = std::env::temp_dir().join(format!("paifang-sharing-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    let mut facts = payment(1, "2026-11-23T01:00:00Z", 1_000);
    facts.extend(payment(2, "2026-11-23T02:00:00Z", 500));
    // Half of the first goes back on the next day.
    let back = (Account::ParkingRevenue, Account::RefundsPayable);
    let at = "2026-11-24T01:00:00Z".parse().unwrap();
    let bare = Posting::bare(3, at, back.0, back.1, Money::new(500, Currency::Cny));
    facts.push(Change::Posting(Posting { payment: Some(PaymentId(1)), ..bare }));
    let site = start(&folder, &facts).await;
    let settling = &site.settling;
    for _ in 0..2 {
        let shares = settling.settle_channel(&icbc(), day(D1), 6, "li").await.unwrap();
        let row = |name: &str, taken_minor, fee_minor| Share {
            partner: id(name),
            taken_minor,
            fee_minor,
        };
        let expected = [row("bank", 200, 0), row("land", 450, 2), row("operator", 850, 4)];
        assert_eq!(shares, expected);
        assert_eq!(site.payable().await, -648, "what is its own is owed to nobody");
    }
    // The first answer gets lost; the same number is asked again, and done once.
    for _ in 0..3 {
        settling.relay_some().await;
    }
    let asked = site.bank.asked.lock().unwrap().clone();
    let numbers: Vec<(&str, i64)> = asked.iter().map(|(no, minor, _)| (&**no, *minor)).collect();
    assert_eq!(numbers, [("PFS1N1", 100), ("PFS2N1", 100), ("PFS1N1", 100)]);
    let first = site.day(D1).await;
    assert_eq!((first.relayed[&id("bank")], first.owed_minor(&id("bank"))), (200, 0));
    assert_eq!((first.owed_minor(&id("land")), site.payable().await), (448, -448));
    // The next day nothing came in: the refund takes back half of each cut.
    settling.settle_channel(&icbc(), day(D2), 0, "li").await.unwrap();
    settling.relay_some().await;
    let second = site.day(D2).await;
    let minors: Vec<i64> = second.shares.iter().map(Share::minor).collect();
    assert_eq!(minors, [-50, -150, -300]);
    let last = site.bank.asked.lock().unwrap().last().cloned().unwrap();
    assert_eq!(last, ("PFS3N1".to_owned(), 50, Some("PFS1N1".to_owned())));
    assert_eq!((second.relayed[&id("bank")], site.payable().await), (-50, -298));
    let trail = settling.office.books.reader().settled_trail("icbc/2026-11-23", 50).await.unwrap();
    assert_eq!(trail.len(), 4, "fees, shares, twice what was relayed; a repetition is no step");
    site.stop.send_replace(true);
    drop(site.writer.await.unwrap());
    std::fs::remove_dir_all(&folder).unwrap();
}
