//! An invoice from the receipt to the number, on a phone and at the desk.

use std::time::Duration;

use futures::{FutureExt, future::ready};

use super::{
    phone::{Phone, location},
    site::Site,
};
use crate::{
    core::{
        Change, Input,
        input::Asked,
        invoice::{Claim, Invoice},
    },
    http::{
        link::Links,
        ports::{ClaimReply, Claimant, Found, InvoiceDesk, InvoiceFile},
    },
    types::{Currency, InvoiceId, InvoiceWord, Money, OrderId, bank::Word},
};

const PAGE_BYTES_MAX: usize = 30 * 1024;

fn links() -> Links {
    Links::new(&[7; 32])
}

impl Site {
    fn invoices(&self) -> Vec<Invoice> {
        self.last(|change| match change {
            Change::Invoice(invoice) => Some((invoice.id, invoice)),
            _ => None,
        })
    }

    fn invoice_file(&self, order: OrderId) -> Option<InvoiceFile> {
        let order = self.orders().into_iter().find(|known| known.id == order)?;
        let mut invoices = self.invoices();
        invoices.retain(|invoice| invoice.order == order.id);
        Some(InvoiceFile { order, went_back: Vec::new(), invoices })
    }

    /// An order of ten yuan, paid by the bank; its vehicle has gone.
    fn sold(&self) -> OrderId {
        let order = self.at_exit("京A12345", Duration::from_hours(2));
        self.decide(Input::PayAsked { order }).unwrap();
        let trade = self.generated().pop().unwrap();
        let amount = Money::new(1_000, Currency::Cny);
        self.bank(
            &trade,
            Asked::Query,
            Word::Paid { amount, bank_no: "B1".into(), paid_at: None, payer: None },
        );
        self.drive_through("out");
        order
    }

    fn say(&self, id: i64, word: InvoiceWord) {
        self.decide(Input::InvoiceSaid { invoice: InvoiceId(id), word }).unwrap();
    }
}

impl InvoiceDesk for Site {
    fn file(&self, order: OrderId) -> Found<'_, Option<InvoiceFile>> {
        ready(Ok(self.invoice_file(order))).boxed()
    }

    fn claim(&self, order: OrderId, claimant: Claimant) -> Found<'_, Option<ClaimReply>> {
        let Some(file) = self.invoice_file(order) else { return ready(Ok(None)).boxed() };
        let former = file.last().cloned();
        let Claimant { buyer, by, .. } = claimant;
        let (order, went_back) = (file.order, file.went_back);
        let claim = Claim { order, went_back, former, buyer, by };
        ready(Ok(Some(Ok(self.decide(Input::InvoiceAsked(claim)))))).boxed()
    }

    fn list(&self, search: String, _: u32) -> Found<'_, Vec<Invoice>> {
        let mut invoices = self.invoices();
        invoices.retain(|i| i.buyer.name().contains(&search) || i.order.to_string() == search);
        invoices.reverse();
        ready(Ok(invoices)).boxed()
    }
}

const COMPANY: [(&str, &str); 3] =
    [("name", "某某公司"), ("tax_number", "91350100M000100Y43"), ("to", "a@b.cn")];

#[tokio::test]
async fn from_the_receipt_to_the_number() {
    let site = Site::new();
    let (address, _stop) = site.serve().await;
    let phone = Phone::new(address);
    let order = site.sold();
    let here = format!("/i/{}", links().token(order));
    let paid = phone.text(&format!("/p/{}", links().token(order))).await;
    assert!(paid.contains(&format!("href=\"{here}\"")), "{paid}");
    assert!(phone.text("/i").await.contains("invoice code"));
    let code = links().code(order).to_lowercase();
    let found = phone.post("/i", &[("code", &code)]).await;
    assert_eq!((found.status().as_u16(), location(&found)), (303, here.as_str()));

    let form = phone.text(&here).await;
    assert!(form.contains("Claim an invoice ¥10.00") && form.len() <= PAGE_BYTES_MAX, "{form}");
    println!("invoice form: {} bytes", form.len());
    let claimed = phone.post(&here, &COMPANY).await;
    assert_eq!((claimed.status().as_u16(), location(&claimed)), (303, here.as_str()));
    // Another phone with the same link, and the same form sent again.
    let other = Phone::new(address);
    assert!(other.text(&here).await.contains("is being issued"));
    let again = other.post(&here, &[("name", "别人"), ("to", "13800138000")]).await;
    assert_eq!(again.status().as_u16(), 303);
    let invoices = site.invoices();
    assert_eq!((invoices.len(), invoices[0].buyer.name()), (1, "某某公司"));

    let link = Some("https://tax.example/x".to_owned());
    let at = "2026-11-23T03:00:00Z".parse().unwrap();
    site.say(1, InvoiceWord::Issued { number: "26310001".into(), link, at });
    let page = other.text(&here).await;
    for part in ["26310001", "https://tax.example/x", "¥10.00", "2026-11-23"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(!page.contains("某某公司") && !page.contains("a@b.cn"), "only what is needed");
}

#[tokio::test]
async fn what_is_typed_wrong_is_told_and_kept() {
    let site = Site::new();
    let (address, _stop) = site.serve().await;
    let phone = Phone::new(address);
    let here = format!("/i/{}", links().token(site.sold()));
    for (name, tax_number, to, told) in [
        ("某某公司", "91350100M000100Y44", "a@b.cn", "check every character"),
        ("某某公司", "91350100M0001O0Y43", "a@b.cn", "character 14"),
        ("", "", "a@b.cn", "Give the title"),
        ("张三", "", "a@b", "e-mail or phone"),
    ] {
        let form = [("name", name), ("tax_number", tax_number), ("to", to)];
        let answer = phone.post(&here, &form).await;
        assert_eq!(answer.status().as_u16(), 422);
        let page = answer.text().await.unwrap();
        assert!(page.contains(told) && page.contains(&format!("value=\"{name}\"")), "{page}");
    }
    assert!(site.invoices().is_empty());
    assert_eq!(phone.get("/i/1-AAAAAAAAAAAAAAAA").await.status().as_u16(), 404);
}

#[tokio::test]
async fn an_order_that_is_not_paid_has_none() {
    let site = Site::new();
    let (address, _stop) = site.serve().await;
    let phone = Phone::new(address);
    let order = site.at_exit("京A12345", Duration::from_hours(2));
    let here = format!("/i/{}", links().token(order));
    assert!(phone.text(&here).await.contains("not paid yet"));
    let answer = phone.post(&here, &COMPANY).await;
    assert_eq!(answer.status().as_u16(), 422);
    assert!(site.invoices().is_empty());
}

#[tokio::test]
async fn guessing_codes_is_slowed_down() {
    let site = Site::new();
    let (address, _stop) = site.serve().await;
    let phone = Phone::new(address);
    let order = site.sold();
    for n in 0..5 {
        let answer = phone.post("/i", &[("code", &format!("{order}-0000000{n}"))]).await;
        assert_eq!(answer.status().as_u16(), 422);
    }
    let right = links().code(order);
    let answer = phone.post("/i", &[("code", &right)]).await;
    assert_eq!(answer.status().as_u16(), 422, "also the right one has to wait");
    site.world().now += Duration::from_secs(6);
    assert_eq!(phone.post("/i", &[("code", &right)]).await.status().as_u16(), 303);
}

#[tokio::test]
async fn a_refused_one_is_corrected_at_the_desk() {
    let site = Site::new();
    let (address, _stop) = site.serve().await;
    let phone = Phone::new(address);
    let order = site.sold();
    let here = format!("/i/{}", links().token(order));
    phone.post(&here, &COMPANY).await;
    site.say(1, InvoiceWord::Refused { why: "no such company".into() });
    assert!(phone.text(&here).await.contains("no such company"), "the driver may try again too");
    let stranger = phone.get("/console/invoices").await;
    assert_eq!(stranger.status().as_u16(), 303);
    let desk = Phone::operator(address).await;
    let list = desk.text("/console/invoices?q=%E6%9F%90").await;
    assert!(list.contains("PFI1") && list.contains("refused: no such company"), "{list}");
    let again = format!("/console/invoices/{order}/again");
    assert!(list.contains(&again));
    let form = [("name", "另一公司"), ("tax_number", "91350100M000100Y43")];
    assert_eq!(desk.post(&again, &form).await.status().as_u16(), 303);
    let invoices = site.invoices();
    assert_eq!((invoices.len(), invoices[1].by.as_deref()), (2, Some("li")));
    assert_eq!(invoices[1].buyer.name(), "另一公司");
    let list = desk.text("/console/invoices").await;
    assert!(!list.contains(&again), "it is asked for anew: {list}");
    assert!(!desk.text("/console/invoices?q=none").await.contains("PFI1"));
}
