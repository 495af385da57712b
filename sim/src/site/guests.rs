//! What a visitor does who buys by themselves: comes and comes back, collects paper, comes at the wrong time and moves or
//! returns the ticket, tries a code that is forged or a picture. Each is one story from the purchase to the way out.

use std::{sync::Arc, time::Duration};

use tokio::time::sleep;

use super::{
    booth::Booth,
    buyer::{Buyer, Held, When, pickup},
    kiosk::{self, Kiosk},
    passage::{goes_in, goes_out, is_refused},
    scenic::Scenic,
    tales::{Tale, Tales},
    wall_clock,
};
use crate::wire::PhoneError;

/// A picture that old opens nothing.
const PICTURE_AGE: Duration = Duration::from_mins(3);

/// One who buys for themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Guest {
    ComesBack,
    Collects,
    TooEarlyMoves,
    TooEarlyReturns,
    AtKiosk,
    AtWindow,
    Group,
    Forges,
    Photographs,
}

/// Where they go, and how long they stay.
#[derive(Clone, Debug)]
pub(super) struct Visit {
    pub(super) scenic: Scenic,
    pub(super) kiosk: Option<Kiosk>,
    pub(super) booth: Arc<Booth>,
    pub(super) url: String,
    pub(super) tales: Tales,
    pub(super) stay: Duration,
    pub(super) pause: Duration,
}

impl Visit {
    pub(super) async fn of(self, guest: Guest) {
        let done = match guest {
            Guest::ComesBack => self.comes_back().await,
            Guest::Collects => self.collects().await,
            Guest::TooEarlyMoves => self.too_early(true).await,
            Guest::TooEarlyReturns => self.too_early(false).await,
            Guest::AtKiosk => self.at_kiosk().await,
            Guest::AtWindow => self.at_window().await,
            Guest::Group => self.group().await,
            Guest::Forges | Guest::Photographs => self.tries(guest).await,
        };
        if let Err(why) = done {
            tracing::info!(?guest, %why, "a visitor gave up");
        }
    }

    /// Of a product for a phone, paid at the bank.
    async fn buys(
        &self,
        product: &str,
        persons: u32,
        when: When,
    ) -> Result<Option<(Buyer, crate::wire::Page)>, PhoneError> {
        let buyer = Buyer::new(&self.url)?;
        let Some(order) = buyer.buys(product, persons, when).await? else { return Ok(None) };
        let words = || "a visitor bought a ticket on the page and paid at the bank".into();
        self.tales.tell(Tale::Bought, words);
        Ok(Some((buyer, order)))
    }

    async fn comes_back(&self) -> Result<(), PhoneError> {
        let Some((buyer, order)) = self.buys("day", 1, When::Now).await? else { return Ok(()) };
        let Some(held) = buyer.ticket(&order).await? else { return Ok(()) };
        if !self.round(&held).await {
            return Ok(());
        }
        sleep(self.pause).await;
        if goes_in(&self.scenic, || held.shown(wall_clock()), &self.tales).await {
            let words = || "a visitor who had gone out came back in on the same ticket".into();
            self.tales.tell(Tale::CameBack, words);
            sleep(self.stay).await;
            goes_out(&self.scenic, &held.shown(wall_clock()), &self.tales).await;
        }
        Ok(())
    }

    /// In by the phone, a stay, and out.
    async fn round(&self, held: &Held) -> bool {
        if !goes_in(&self.scenic, || held.shown(wall_clock()), &self.tales).await {
            return false;
        }
        self.tales.tell(Tale::PhoneIn, || "the code on a phone let its visitor in".into());
        sleep(self.stay).await;
        goes_out(&self.scenic, &held.shown(wall_clock()), &self.tales).await
    }

    async fn collects(&self) -> Result<(), PhoneError> {
        let (Some(kiosk), Some((_, order))) =
            (&self.kiosk, self.buys("paper", 1, When::Now).await?)
        else {
            return Ok(());
        };
        let paper = kiosk.hands_out(&pickup(&order).unwrap_or_default()).await?;
        let words =
            || "a ticket bought online was printed at the kiosk for its pick-up code".into();
        self.tales.tell(Tale::Collected, words);
        self.by_paper(&paper.codes).await;
        Ok(())
    }

    async fn at_kiosk(&self) -> Result<(), PhoneError> {
        let Some(kiosk) = &self.kiosk else { return Ok(()) };
        let paper = kiosk.sells(&Buyer::new(&self.url)?, "child").await?;
        let words = || "the kiosk sold a ticket to a phone and printed it".into();
        self.tales.tell(Tale::KioskSold, words);
        self.by_paper(&paper.codes).await;
        Ok(())
    }

    async fn at_window(&self) -> Result<(), PhoneError> {
        let operator = self.booth.on_duty().clone();
        let Some(paper) = kiosk::sold_for_cash(&operator, &self.scenic, "paper").await else {
            return Ok(());
        };
        let words = || format!("{} sold a ticket at the window for cash", operator.name());
        self.tales.tell(Tale::WindowSold, words);
        self.by_paper(&paper.codes).await;
        Ok(())
    }

    async fn by_paper(&self, codes: &[String]) {
        let Some(code) = codes.first() else { return };
        if goes_in(&self.scenic, || code.clone(), &self.tales).await {
            self.tales.tell(Tale::PaperIn, || "the code on the paper let its visitor in".into());
            sleep(self.stay).await;
            goes_out(&self.scenic, code, &self.tales).await;
        }
    }

    /// Comes a day before their time, and changes their mind.
    async fn too_early(&self, moves: bool) -> Result<(), PhoneError> {
        let Some((buyer, order)) = self.buys("day", 1, When::Tomorrow).await? else {
            return Ok(());
        };
        let Some(held) = buyer.ticket(&order).await? else { return Ok(()) };
        if is_refused(&self.scenic, &held.shown(wall_clock()), "未到入场时间").await {
            let words = || "somebody came for the wrong time slot and was told so".into();
            self.tales.tell(Tale::WrongSlot, words);
        }
        if !moves {
            buyer.returns(&order).await?;
            // In small letters it is no scan that was seen a moment ago.
            let code = held.shown(wall_clock()).to_ascii_lowercase();
            if is_refused(&self.scenic, &code, "票已作废").await {
                let words = || "a ticket was given back, and opens nothing any more".into();
                self.tales.tell(Tale::Returned, words);
            }
            return Ok(());
        }
        if buyer.moves(&order, When::Now).await?
            && let Some(held) = buyer.ticket(&order).await?
        {
            self.tales.tell(Tale::Moved, || "a ticket was moved to the slot of now".into());
            self.round(&held).await;
        }
        Ok(())
    }

    /// Three with one code, one after the other; they leave together.
    async fn group(&self) -> Result<(), PhoneError> {
        let Some((buyer, order)) = self.buys("family", 3, When::Now).await? else { return Ok(()) };
        let Some(held) = buyer.ticket(&order).await? else { return Ok(()) };
        let mut inside = 0;
        for _ in 0..3 {
            inside +=
                u32::from(goes_in(&self.scenic, || held.shown(wall_clock()), &self.tales).await);
        }
        if inside == 3 {
            self.tales.tell(Tale::GroupIn, || "three came in with one code on one phone".into());
        }
        sleep(self.stay).await;
        for _ in 0..inside {
            goes_out(&self.scenic, &held.shown(wall_clock()), &self.tales).await;
        }
        Ok(())
    }

    async fn tries(&self, guest: Guest) -> Result<(), PhoneError> {
        let Some((buyer, order)) = self.buys("day", 1, When::Now).await? else { return Ok(()) };
        let Some(held) = buyer.ticket(&order).await? else { return Ok(()) };
        if guest == Guest::Forges {
            let mut forged = held.shown(wall_clock());
            // Another ticket's number in the same signature.
            let other = if forged.as_bytes()[14] == b'7' { "8" } else { "7" };
            forged.replace_range(14..15, other);
            if is_refused(&self.scenic, &forged, "无效票").await {
                let words = || "a forged code was held before the scanner: refused".into();
                self.tales.tell(Tale::Forged, words);
            }
        } else if is_refused(&self.scenic, &held.shown(wall_clock() - PICTURE_AGE), "票码过期")
            .await
        {
            let words = || "a picture of a code, three minutes old: refused".into();
            self.tales.tell(Tale::Photographed, words);
        }
        self.round(&held).await;
        Ok(())
    }
}
