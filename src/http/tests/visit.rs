//! Tickets on the pages: ordered, paid, shown, returned, moved, printed, and read by a browser of others.

mod bought;
mod browser;
mod desk;
mod shop;
mod staff;

use super::{
    phone::{Phone, location},
    site::Site,
};
use crate::{
    core::{Input, input::Asked},
    types::{OrderId, bank::Word},
};

/// Tomorrow at eleven by the test's calendar.
const DAY: &str = "2026-11-24";
const ELEVEN: &str = "day-20261124-1100";

/// Orders on the page; the order's page and its number.
async fn ordered(phone: &Phone, fields: &[(&str, &str)]) -> (String, OrderId) {
    let answer = phone.post("/visit/order", fields).await;
    assert_eq!(answer.status().as_u16(), 303, "{}", answer.text().await.unwrap_or_default());
    let here = location(&answer).to_owned();
    let number = here.strip_prefix("/visit/o/").unwrap().split('-').next().unwrap();
    (here.clone(), OrderId(number.parse().unwrap()))
}

/// The bank says that the order is paid.
fn pay(site: &Site, order: OrderId) {
    site.decide(Input::PayAsked { order }).unwrap();
    let asked = site.generated().pop().unwrap();
    let amount = site.payments().into_iter().find(|p| p.out_trade_no == asked).unwrap().amount;
    let word = Word::Paid { amount, bank_no: "B1".into(), paid_at: None, payer: None };
    site.bank(&asked, Asked::Query, word);
}

/// Where a page links to, of those that begin so.
fn links(page: &str, begin: &str) -> Vec<String> {
    let parts = page.split("href=\"").skip(1).filter_map(|part| part.split('"').next());
    parts.filter(|link| link.starts_with(begin)).map(ToOwned::to_owned).collect()
}

/// What stands in an attribute.
fn data<'p>(page: &'p str, name: &str) -> &'p str {
    let from = page.split(&format!(" data-{name}=\"")).nth(1).unwrap_or_default();
    from.split('"').next().unwrap_or_default()
}
