//! Where paper tickets come from: a kiosk that nobody attends, and the window. Both print on one printer; whoever bought
//! takes their paper off and reads the code on it.

use std::time::Duration;

use reqwest::Url;
use tokio::time::sleep;

use super::{
    attendant::Attendant,
    buyer::{Buyer, When, wish},
    scenic::{PRINTER, Scenic},
};
use crate::wire::{Page, Phone, PhoneError, eye};

const COUNTER: &str = "kiosk";
const WINDOW: &str = "/console/window";
const DONE: &str = "请取走您的票";
/// Between two looks at its screen while somebody pays.
const LOOK: Duration = Duration::from_millis(300);
const LOOKS_MAX: u32 = 100;

/// What came out of the printer, taken off.
#[derive(Clone, Debug)]
pub struct Paper {
    /// Those on it that a gate would take, from the top.
    pub codes: Vec<String>,
    /// As a PGM file, for a reader that sees.
    pub picture: Vec<u8>,
}

/// Its screen, and the printer under it.
#[derive(Clone, Debug)]
pub struct Kiosk {
    screen: Phone,
    scenic: Scenic,
    url: String,
}

impl Kiosk {
    /// Gives it a counter, a fresh token and its printer. `None`: the site does not let it.
    pub async fn open(clerk: &Attendant, scenic: &Scenic, url: &str) -> Option<Self> {
        let said = clerk.fill("/console/counters", &[("name", COUNTER)]).await?;
        let token = said.split("<code>").nth(1)?.split("</code>").next()?;
        let kiosk =
            Self { screen: Phone::new(url).ok()?, scenic: scenic.clone(), url: url.to_owned() };
        let setup = kiosk.look("/kiosk/setup").await.ok()?;
        let form = [("token", token), ("printer", PRINTER)];
        let home = kiosk.screen.fill(&setup, "/kiosk/setup", &form).await.ok()?;
        (home.url.path() == "/kiosk").then_some(kiosk)
    }

    async fn look(&self, path: &str) -> Result<Page, PhoneError> {
        self.screen.open(&format!("{}{path}", self.url)).await
    }

    /// The paper that comes out for a pick-up code.
    pub async fn hands_out(&self, pickup: &str) -> Result<Paper, PhoneError> {
        let _turn = self.scenic.turn_at_printer().await;
        let screen = self.look("/kiosk/collect").await?;
        let said = self.screen.fill(&screen, "/kiosk/collect", &[("code", pickup)]).await?;
        self.taken(&said)
    }

    /// Sells one ticket to somebody who pays with their phone what the screen shows.
    pub async fn sells(&self, buyer: &Buyer, product: &str) -> Result<Paper, PhoneError> {
        let _turn = self.scenic.turn_at_printer().await;
        let screen = self.look(&format!("/kiosk/buy?day={}", When::Now.day())).await?;
        let form = wish(&screen, product, 1, When::Now)?;
        let form: Vec<(&str, &str)> = form.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        let mut screen = self.screen.fill(&screen, "/kiosk/order", &form).await?;
        let no_code = || PhoneError::NoForm { url: screen.url.clone(), text: screen.text() };
        let link = eye::code_on_page(&screen.html).ok_or_else(no_code)?;
        buyer.pays(&buyer.open(&link).await?).await?;
        for _ in 0..LOOKS_MAX {
            screen = self.screen.open(screen.url.as_str()).await?;
            if eye::code_on_page(&screen.html).is_none() {
                break;
            }
            sleep(LOOK).await;
        }
        self.taken(&screen)
    }

    fn taken(&self, said: &Page) -> Result<Paper, PhoneError> {
        if !said.text().contains(DONE) {
            return Err(PhoneError::NoForm { url: said.url.clone(), text: said.text() });
        }
        Ok(paper(&self.scenic))
    }
}

/// Somebody without a phone pays in cash to the operator who has the shift.
pub(super) async fn sold_for_cash(
    operator: &Attendant,
    scenic: &Scenic,
    product: &str,
) -> Option<Paper> {
    let _turn = scenic.turn_at_printer().await;
    let url = Url::parse(&format!("http://window{WINDOW}?day={}", When::Now.day())).ok()?;
    let html = operator.page(&format!("{WINDOW}?{}", url.query()?)).await?;
    let page = Page { url, html };
    let mut form = wish(&page, product, 1, When::Now).ok()?;
    for hidden in ["day", "key"] {
        form.push((hidden.to_owned(), page.choices(hidden).into_iter().next()?));
    }
    let form: Vec<(&str, &str)> = form.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    let order = operator.led_by(WINDOW, &form).await?;
    let form = [("amount", "100.00"), ("printer", PRINTER)];
    operator.fill(&format!("{order}/cash"), &form).await?;
    Some(paper(scenic)).filter(|paper| !paper.codes.is_empty())
}

fn paper(scenic: &Scenic) -> Paper {
    let picture = scenic.printer().picture();
    scenic.printer().tear_off();
    let codes = eye::codes_on_paper(&picture).into_iter().filter(|code| code.starts_with("PT1"));
    Paper { codes: codes.collect(), picture }
}
