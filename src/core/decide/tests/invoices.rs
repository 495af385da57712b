//! Invoices: one claim per order, asked about until it is decided, taken back in red as money goes back.

use super::*;
use crate::{
    core::{
        AlarmKind,
        input::Refusal,
        invoice::{Claim, Invoice, InvoiceState, NoInvoice, WentBack},
        money::{Order, PaidBy},
        till::TillAct,
    },
    types::{
        BoothId, Buyer, GivenBack, InvoiceId, InvoiceWord, OrderId, PassId, RefundId, TaxNumber,
    },
};

const PLATE: &str = "京A12345";

fn company() -> Buyer {
    let tax_number = TaxNumber::parse("91350100M000100Y43").unwrap();
    Buyer::Company { name: "某某公司".into(), tax_number }
}

fn person() -> Buyer {
    Buyer::Person { name: "张三".into() }
}

fn cny(minor: i64) -> Money {
    Money::new(minor, Currency::Cny)
}

fn issued(at: Timestamp) -> InvoiceWord {
    InvoiceWord::Issued { number: "2631".into(), link: Some("https://i.example/1".into()), at }
}

impl Site {
    fn with_invoices() -> Self {
        let mut site = Self::new();
        site.rules.invoices = true;
        site.rules.till.booths.push(BoothId::parse("east").unwrap());
        site
    }

    fn stands_at_exit(&mut self) -> Order {
        self.enter(PLATE);
        self.after(Duration::from_hours(2));
        self.sensor("out", Sensor::Arrival, true);
        self.read("out", PLATE);
        let visit = self.state.lanes[&lane("out")].visit.as_ref().unwrap();
        self.state.orders[&visit.order.unwrap()].clone()
    }

    /// An order of 10 yuan, paid by the bank; its vehicle has gone, and so it is in the tables only.
    fn bought(&mut self) -> Order {
        let order = self.stands_at_exit();
        assert!(matches!(self.tell(Input::PayAsked { order: order.id }), Ok(Answer::Payment(_))));
        let trade = self.generated().pop().unwrap();
        self.bank(&trade, Site::paid(order.amount.minor)).unwrap();
        self.drive_through("out");
        assert!(self.state.orders.is_empty());
        self.order_on_record(order.id)
    }

    fn bought_for_cash(&mut self) -> (Order, crate::core::till::Cash) {
        let order = self.stands_at_exit();
        let booth = BoothId::parse("east").unwrap();
        let till = |act| Input::Till { who: "li".into(), act };
        self.tell(till(TillAct::OpenShift { booth, float_minor: 10_000 })).unwrap();
        let cash = TillAct::TakeCash { order: order.id, tendered_minor: 1_000 };
        self.tell(till(cash)).unwrap();
        let cash = self.journal.iter().rev().find_map(|change| match change {
            Change::Cash(cash) => Some(cash.clone()),
            _ => None,
        });
        self.drive_through("out");
        (self.order_on_record(order.id), cash.unwrap())
    }

    fn order_on_record(&self, id: OrderId) -> Order {
        let order = self.journal.iter().rev().find_map(|change| match change {
            Change::Order(order) if order.id == id => Some(order.clone()),
            _ => None,
        });
        order.unwrap()
    }

    /// As it stands on record.
    fn invoice(&self, id: i64) -> Invoice {
        let invoice = self.journal.iter().rev().find_map(|change| match change {
            Change::Invoice(invoice) if invoice.id == InvoiceId(id) => Some(invoice.clone()),
            _ => None,
        });
        invoice.unwrap()
    }

    fn claim(&mut self, order: &Order, went_back: &[WentBack], former: Option<Invoice>) -> Reply {
        let (order, went_back) = (order.clone(), went_back.to_vec());
        let claim = Claim { order, went_back, former, buyer: company(), by: None };
        self.tell(Input::InvoiceAsked(claim))
    }

    fn say(&mut self, id: i64, word: InvoiceWord) {
        self.tell(Input::InvoiceSaid { invoice: InvoiceId(id), word }).unwrap();
    }

    fn asks(&self, id: i64) -> usize {
        let of = Effect::AskInvoice { invoice: InvoiceId(id) };
        self.effects.iter().filter(|effect| **effect == of).count()
    }

    fn went_back(&mut self, blue: &Invoice, refund: i64, minor: i64) -> Reply {
        let (invoice, undoes) = (blue.clone(), GivenBack::Refund(RefundId(refund)));
        self.tell(Input::InvoiceFound { invoice, undoes, amount: cny(minor) })
    }
}

fn back(refund: i64, minor: i64, done: bool) -> WentBack {
    WentBack { by: GivenBack::Refund(RefundId(refund)), amount: cny(minor), done }
}

/// How an order stands in the tables.
type Of<'a> = &'a dyn Fn(&Order) -> Order;

#[test]
fn what_can_be_claimed() {
    let no = |why| Err(Refusal::NoInvoice(why));
    let yes = || Ok(Answer::Invoice(InvoiceId(1)));
    let paid = |order: &Order| order.clone();
    let by_pass = |order: &Order| Order {
        state: OrderState::Paid { by: PaidBy::Pass(PassId(1)), at: order.made_at },
        ..order.clone()
    };
    let unpaid = |order: &Order| Order { state: OrderState::Unpaid, ..order.clone() };
    let waived = |order: &Order| Order {
        state: OrderState::Waived { who: "li".into(), reason: "x".into() },
        ..order.clone()
    };
    for (name, of, went_back, reply, amount) in [
        ("paid", &paid as Of<'_>, vec![], yes(), 1_000),
        ("a part back", &paid, vec![back(1, 300, true)], yes(), 700),
        ("two parts", &paid, vec![back(1, 300, true), back(2, 200, true)], yes(), 500),
        ("all back", &paid, vec![back(1, 1_000, true)], no(NoInvoice::NothingLeft), 0),
        ("on its way", &paid, vec![back(1, 300, false)], no(NoInvoice::GoingBack), 0),
        ("by a pass", &by_pass, vec![], no(NoInvoice::ByPass), 0),
        ("left unpaid", &unpaid, vec![], no(NoInvoice::NotPaid), 0),
        ("let go", &waived, vec![], no(NoInvoice::NotPaid), 0),
    ] {
        let mut site = Site::with_invoices();
        let order = site.bought();
        assert_eq!(site.claim(&of(&order), &went_back, None), reply, "{name}");
        if amount > 0 {
            let invoice = site.invoice(1);
            assert_eq!((invoice.amount, invoice.number.as_str()), (cny(amount), "PFI1"), "{name}");
            assert_eq!(invoice.counted.len(), went_back.len(), "{name}");
        }
    }
    let mut site = Site::new();
    let order = site.bought();
    assert_eq!(site.claim(&order, &[], None), no(NoInvoice::Off), "a site that issues none");
}

#[test]
fn an_order_has_one_invoice_however_many_claim() {
    let mut site = Site::with_invoices();
    let order = site.bought();
    let first = site.claim(&order, &[], None);
    assert_eq!(first, Ok(Answer::Invoice(InvoiceId(1))));
    assert_eq!(site.claim(&order, &[], None), first, "a second phone, while it is open");
    site.after(Duration::ZERO);
    let now = site.now;
    site.say(1, issued(now));
    assert!(site.state.invoices.is_empty(), "it is in the tables only");
    let known = Some(site.invoice(1));
    assert_eq!(site.claim(&order, &[], known), first, "and once it is issued");
    assert_eq!(site.state.counters.invoice, 1);
}

#[test]
fn it_is_asked_for_ever_more_seldom_until_it_is_decided() {
    let mut site = Site::with_invoices();
    let order = site.bought();
    site.claim(&order, &[], None).unwrap();
    assert_eq!(site.asks(1), 0, "not before it is on disk");
    let mut gaps = Vec::new();
    for _ in 0..40 {
        let due = site.state.invoices[&InvoiceId(1)].next_ask.unwrap();
        let gap = due.duration_since(site.now).unsigned_abs();
        site.after(gap);
        site.say(1, InvoiceWord::Waiting);
        gaps.push(gap.as_secs());
    }
    assert_eq!(site.asks(1), 40);
    assert_eq!(gaps[..4], [0, 3, 3, 3]);
    assert!(gaps[1..].is_sorted() && gaps[39] == 3_600, "{gaps:?}");
    // Nothing is asked twice at one time, and a start asks at once: the answer may be there.
    site.after(Duration::ZERO);
    assert_eq!(site.asks(1), 40);
    site.tell(Input::Started).unwrap();
    site.after(Duration::ZERO);
    assert_eq!(site.asks(1), 41);
    let now = site.now;
    site.say(1, issued(now));
    site.after(Duration::from_hours(48));
    assert_eq!(site.asks(1), 41);
    site.say(1, InvoiceWord::Refused { why: "late".into() });
    assert_eq!(site.invoice(1).state.name(), "issued", "what is decided stays");
}

#[test]
fn a_refused_claim_may_be_corrected() {
    let mut site = Site::with_invoices();
    let order = site.bought();
    site.claim(&order, &[], None).unwrap();
    site.say(1, InvoiceWord::Refused { why: "no such company".into() });
    let former = site.invoice(1);
    assert_eq!(former.state, InvoiceState::Refused { why: "no such company".into() });
    let claim = Claim {
        order,
        went_back: vec![back(1, 100, true)],
        former: Some(former),
        buyer: person(),
        by: Some("li".into()),
    };
    let again = site.tell(Input::InvoiceAsked(claim));
    assert_eq!(again, Ok(Answer::Invoice(InvoiceId(2))));
    let invoice = site.invoice(2);
    assert_eq!((invoice.number.as_str(), invoice.amount), ("PFI2", cny(900)));
    assert_eq!((invoice.buyer, invoice.by.as_deref()), (person(), Some("li")));
}

#[test]
fn money_that_goes_back_is_taken_back_in_red_once() {
    let mut site = Site::with_invoices();
    let order = site.bought();
    site.claim(&order, &[back(1, 100, true)], None).unwrap();
    let now = site.now;
    site.say(1, issued(now));
    let blue = site.invoice(1);
    assert_eq!(site.went_back(&blue, 1, 100), Ok(Answer::Done), "it was never part of it");
    assert_eq!(site.went_back(&blue, 2, 300), Ok(Answer::Invoice(InvoiceId(2))));
    assert_eq!(site.went_back(&blue, 2, 300), Ok(Answer::Duplicate));
    assert_eq!(site.went_back(&blue, 3, 600), Ok(Answer::Invoice(InvoiceId(3))));
    let red = site.invoice(2);
    assert_eq!((red.amount, red.red_of, red.order), (cny(300), Some(InvoiceId(1)), order.id));
    assert_eq!((red.undoes, &red.buyer), (Some(GivenBack::Refund(RefundId(2))), &company()));
    assert_eq!(site.went_back(&red, 4, 300), Ok(Answer::Done), "no red one of a red one");
    site.after(Duration::ZERO);
    assert_eq!((site.asks(2), site.asks(3)), (1, 1));
    site.say(2, InvoiceWord::Refused { why: "closed month".into() });
    let raised = (red.number, AlarmKind::InvoiceTrouble);
    assert!(site.state.alarms.contains_key(&raised), "nobody else looks at it");
}

#[test]
fn a_red_one_of_nothing_is_void() {
    let mut site = Site::with_invoices();
    let order = site.bought();
    site.claim(&order, &[], None).unwrap();
    let blue = site.invoice(1);
    site.went_back(&blue, 1, 300).unwrap();
    site.say(1, InvoiceWord::Refused { why: "no such company".into() });
    assert_eq!(site.invoice(2).state, InvoiceState::Void);
    assert!(site.state.invoices.is_empty());
    let refused = site.invoice(1);
    assert_eq!(site.went_back(&refused, 2, 100), Ok(Answer::Done));
    site.claim(&order, &[back(1, 300, true)], Some(refused)).unwrap();
    assert_eq!(site.invoice(3).amount, cny(700));
}

#[test]
fn cash_that_goes_back_is_looked_for() {
    for on in [true, false] {
        let mut site = Site::with_invoices();
        site.rules.invoices = on;
        let (_, cash) = site.bought_for_cash();
        let (of, reason) = (cash.clone(), "too much".to_owned());
        let act = TillAct::RefundCash { cash: of, amount_minor: 300, reason };
        let Ok(Answer::Cash(id, _)) = site.tell(Input::Till { who: "li".into(), act }) else {
            panic!("it is given back")
        };
        let sought = Effect::FindInvoice { undoes: GivenBack::Cash(id) };
        assert_eq!(site.effects.contains(&sought), on);
    }
}

#[test]
fn trouble_with_the_provider_is_told_and_ends() {
    let mut site = Site::with_invoices();
    let order = site.bought();
    site.claim(&order, &[], None).unwrap();
    let raised = |site: &Site, subject: &str| {
        site.state.alarms.contains_key(&(subject.to_owned(), AlarmKind::InvoiceTrouble))
    };
    site.say(1, InvoiceWord::Unreachable { why: "disk".into() });
    site.say(1, InvoiceWord::Nonsense { why: "in/PFI1.json".into() });
    assert!(raised(&site, "invoices") && raised(&site, "PFI1"));
    site.say(1, InvoiceWord::Waiting);
    assert!(!raised(&site, "invoices") && raised(&site, "PFI1"), "nonsense wants a person");
    let now = site.now;
    site.say(1, issued(now));
    assert!(!raised(&site, "PFI1"));
}
