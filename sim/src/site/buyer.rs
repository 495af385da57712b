//! A visitor's phone at the site's pages: buys, pays at the bank, opens tickets, moves them, gives them back. Knows no
//! turnstile.

use std::time::Duration;

use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};
use paifang::tickets::{Seed as CodeSeed, part};
use tokio::time::sleep;

use super::{scenic::SCHEDULE, wall_clock};
use crate::wire::{Page, Phone, PhoneError};

/// Between two looks at an order's page while the bank decides.
const LOOK: Duration = Duration::from_millis(500);
const LOOKS_MAX: u32 = 40;

/// A ticket as its page on a phone has it.
#[derive(Clone, Debug)]
pub struct Held {
    code: String,
    /// Of the part that changes; `None`: the code never does.
    seed: Option<CodeSeed>,
}

impl Held {
    /// As its page shows it at a time.
    pub fn shown(&self, at: Timestamp) -> String {
        let part = self.seed.as_ref().map(|seed| part(seed, at)).unwrap_or_default();
        format!("{}{part}", self.code)
    }

    /// What the page's own script works with.
    fn of(page: &Page) -> Option<Self> {
        let code = page.attribute("data-code")?;
        let Some(hex) = page.attribute("data-seed") else { return Some(Self { code, seed: None }) };
        let mut seed = CodeSeed::default();
        for (at, byte) in seed.iter_mut().enumerate() {
            *byte = u8::from_str_radix(hex.get(2 * at..2 * at + 2)?, 16).ok()?;
        }
        Some(Self { code, seed: Some(seed) })
    }
}

/// The time slot somebody wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// The one that has begun.
    Now,
    /// The last of the day after.
    Tomorrow,
}

impl When {
    pub(super) fn day(self) -> Date {
        let zone = TimeZone::get("Asia/Shanghai").unwrap_or(TimeZone::UTC);
        let today = wall_clock().to_zoned_datetime(zone).date();
        match self {
            Self::Now => today,
            Self::Tomorrow => today.checked_add(1.day()).unwrap_or(today),
        }
    }

    /// Of those that still have places.
    pub(super) fn of(self, slots: &[String]) -> Option<&str> {
        let slot = match self {
            Self::Now => slots.iter().min(),
            Self::Tomorrow => slots.iter().max(),
        };
        slot.map(String::as_str)
    }
}

/// Somebody with a phone.
#[derive(Clone, Debug)]
pub struct Buyer {
    phone: Phone,
    url: String,
}

impl Buyer {
    pub fn new(url: &str) -> Result<Self, PhoneError> {
        Ok(Self { phone: Phone::new(url)?, url: url.to_owned() })
    }

    pub async fn open(&self, url: &str) -> Result<Page, PhoneError> {
        self.phone.open(url).await
    }

    /// Persons of a product, from the calendar to the order that holds their places.
    pub async fn orders(
        &self,
        product: &str,
        persons: u32,
        when: When,
    ) -> Result<Page, PhoneError> {
        let day = self.open(&format!("{}/visit?day={}", self.url, when.day())).await?;
        let form = wish(&day, product, persons, when)?;
        let form: Vec<(&str, &str)> = form.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        let order = self.phone.fill(&day, "/visit/order", &form).await?;
        if order.url.path().starts_with("/visit/o/") {
            return Ok(order);
        }
        let (url, text) = (order.url.clone(), order.text());
        Err(PhoneError::NoForm { url, text })
    }

    /// Presses pay on a page of the site, and again at the bank's cashier.
    pub async fn pays(&self, page: &Page) -> Result<(), PhoneError> {
        let next = self.phone.press_pay(page).await?;
        let cashier = match self.phone.link_elsewhere(&next) {
            Some(link) if !self.phone.is_elsewhere(&next.url) => self.open(link.as_str()).await?,
            _ => next,
        };
        if self.phone.is_elsewhere(&cashier.url) {
            self.phone.pay_at_cashier(&cashier).await?;
        }
        Ok(())
    }

    /// The order's page once its tickets are there. `None`: the bank did not say in time that it was paid.
    pub async fn bought(&self, order: &Page) -> Result<Option<Page>, PhoneError> {
        for _ in 0..LOOKS_MAX {
            let page = self.open(order.url.as_str()).await?;
            if !tickets(&page).is_empty() {
                return Ok(Some(page));
            }
            sleep(LOOK).await;
        }
        Ok(None)
    }

    /// All of it at once.
    pub async fn buys(
        &self,
        product: &str,
        persons: u32,
        when: When,
    ) -> Result<Option<Page>, PhoneError> {
        let order = self.orders(product, persons, when).await?;
        self.pays(&order).await?;
        self.bought(&order).await
    }

    /// The first ticket of an order, opened. `None`: its code is not shown on a phone.
    pub async fn ticket(&self, order: &Page) -> Result<Option<Held>, PhoneError> {
        let Some(url) = tickets(order).into_iter().next() else { return Ok(None) };
        Ok(Held::of(&self.open(&url).await?))
    }

    /// Moves all tickets of an order; whether the new time is theirs.
    pub async fn moves(&self, order: &Page, to: When) -> Result<bool, PhoneError> {
        let here = format!("{}/move?day={}", order.url, to.day());
        let page = self.open(&here).await?;
        let slots = page.choices("slot");
        let Some(slot) = to.of(&slots) else { return Ok(false) };
        let after = self.phone.fill(&page, "/move", &[("slot", slot)]).await?;
        Ok(after.url.path() == order.url.path())
    }

    /// Gives the first ticket of an order back; the page's answer.
    pub async fn returns(&self, order: &Page) -> Result<Page, PhoneError> {
        let page = self.open(order.url.as_str()).await?;
        let tickets = page.choices("ticket");
        let ticket = tickets.first().map_or("", String::as_str);
        self.phone.fill(&page, "/return", &[("ticket", ticket)]).await
    }
}

/// Where the tickets of an order's page are.
pub fn tickets(order: &Page) -> Vec<String> {
    let links = order.links().into_iter().filter(|link| link.path().starts_with("/t/"));
    links.map(Into::into).collect()
}

/// The code an order's paper tickets are collected with.
pub fn pickup(order: &Page) -> Option<String> {
    let from = order.html.split_once("class=\"pickup\">")?.1;
    from.split('<').next().map(|code| code.chars().filter(char::is_ascii_digit).collect())
}

/// A form of times and tickets, filled in.
pub(super) fn wish(
    page: &Page,
    product: &str,
    persons: u32,
    when: When,
) -> Result<Vec<(String, String)>, PhoneError> {
    let slots = page.choices(&format!("slot-{SCHEDULE}"));
    let no_slot = || PhoneError::NoForm { url: page.url.clone(), text: page.text() };
    let slot = when.of(&slots).ok_or_else(no_slot)?;
    Ok(vec![
        (format!("slot-{SCHEDULE}"), slot.to_owned()),
        (format!("n-{product}"), persons.to_string()),
    ])
}
