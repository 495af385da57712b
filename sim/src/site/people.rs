//! Drivers with their phones at the daemon's pages and the bank's cashier. A site that does not answer is tried again;
//! decides nothing about when.

use crate::{
    wire::{Page as Shown, Phone, PhoneError},
    world::{Page, people::CashierSays},
};

/// What the simulated cashier says once the money is taken.
const PAID: &str = "支付成功";

/// One phone, and the page it stays on.
#[derive(Debug)]
pub(super) struct Driver {
    phone: Phone,
    lane: String,
    at: Option<String>,
}

impl Driver {
    pub(super) fn new(public_url: &str, lane: &str) -> Result<Self, PhoneError> {
        Ok(Self { phone: Phone::new(public_url)?, lane: lane.to_owned(), at: None })
    }

    /// Opens the lane's page, or reloads the one it is on, and presses pay where that can be pressed.
    pub(super) async fn look(&mut self) -> Page {
        match self.try_look().await {
            Ok(page) => page,
            // The code is over: scan again.
            Err(PhoneError::Status { status, .. }) if status.as_u16() == 404 => Page::Over,
            Err(_) => Page::NotYet,
        }
    }

    async fn try_look(&mut self) -> Result<Page, PhoneError> {
        let page = match &self.at {
            Some(url) => self.phone.open(url).await?,
            None => self.phone.open_lane_page(&self.lane).await?,
        };
        if let Some(page) = self.cashier(&page) {
            return Ok(page);
        }
        if page.asks_plate() || !page.can_pay() {
            return Ok(Page::NotYet);
        }
        let next = self.phone.press_pay(&page).await?;
        if let Some(page) = self.cashier(&next) {
            return Ok(page);
        }
        self.at = Some(next.url.to_string());
        Ok(Page::NotYet)
    }

    /// At the bank's page, or led there by a link.
    fn cashier(&self, page: &Shown) -> Option<Page> {
        if self.phone.is_elsewhere(&page.url) {
            return Some(Page::Link(page.url.to_string()));
        }
        self.phone.link_elsewhere(page).map(|url| Page::Link(url.to_string()))
    }

    /// Pays at the bank.
    pub(super) async fn pay(&self, link: &str) -> CashierSays {
        match self.try_pay(link).await {
            Ok(true) => CashierSays::Paid,
            Ok(false) | Err(PhoneError::NoForm { .. }) => CashierSays::Closed,
            Err(_) => CashierSays::Busy,
        }
    }

    async fn try_pay(&self, link: &str) -> Result<bool, PhoneError> {
        let cashier = self.phone.open(link).await?;
        let said = self.phone.pay_at_cashier(&cashier).await?;
        Ok(said.text().contains(PAID))
    }

    /// Says at an entry that the vehicle has no plate, and at an exit that it is this phone's.
    pub(super) async fn has_no_plate(&self, lane: &str) -> Result<(), PhoneError> {
        self.phone.press(lane, &["/no-plate", "/phone"]).await.map(drop)
    }

    /// Types the plate into the lane's page, if it asks for one.
    pub(super) async fn type_plate(&self, plate: &str) -> Result<(), PhoneError> {
        self.phone.type_plate(&self.lane, plate).await.map(drop)
    }
}
