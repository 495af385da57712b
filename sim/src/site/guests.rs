//! Visitors who buy a ticket on the site's page, pay at the bank and hold their phone before the scanner; now and then
//! somebody tries a code that is forged, or a picture taken minutes ago. Know no vehicle.

use std::time::Duration;

use jiff::{Timestamp, tz::TimeZone};
use paifang::tickets::{Seed as CodeSeed, part};
use tokio::time::sleep;

use super::{
    annex::Annex,
    tales::{Tale, Tales},
    visitors, wall_clock,
};
use crate::wire::{Page, Phone, PhoneError};

/// The product of [`PRODUCTS`] that they buy.
const FIELD: &str = "n-day";
/// Between two looks at an order's page while the bank decides.
const LOOK: Duration = Duration::from_millis(500);
const LOOKS_MAX: u32 = 40;
/// A picture that old opens nothing.
const PICTURE_AGE: Duration = Duration::from_mins(3);

/// What the demo sells, beside its site file.
pub(super) const PRODUCTS: &str = r#"# Of a simulated site. Written anew at each start.
[[schedule]]
id = "boat"
name = "游船"
name_en = "Boat"
early_minutes = 15
[[schedule.plan]]
days = ["weekend"]
slots = ["00:00-09:00 60", "09:00-11:00 60", "11:00-13:00 60", "13:00-15:00 60", "15:00-17:00 40", "17:00-24:00 40"]
[[schedule.plan]]
slots = ["00:00-10:00 40", "10:00-13:00 40", "13:00-16:00 40", "16:00-24:00 30"]

[[product]]
id = "day"
number = 1
name = "当日票"
name_en = "Day ticket"
kind = "adult"
price = [{ amount = "60.00" }]
valid = "day"
sale = { days_ahead = 7, closes = "-24h" }
refund = [{ until = "0m", percent = 100 }]
medium = "phone"

[[product]]
id = "child"
number = 2
name = "儿童票"
name_en = "Child"
kind = "child"
price = [{ amount = "30.00" }]
valid = "day"
sale = { days_ahead = 7, closes = "-24h" }
refund = [{ until = "0m", percent = 100 }]

[[product]]
id = "boat"
number = 3
name = "游船票"
name_en = "Boat trip"
kind = "adult"
price = [{ days = ["weekend"], amount = "80.00" }, { amount = "60.00" }]
schedule = "boat"
refund = [{ until = "2h", percent = 100 }, { until = "0m", percent = 50 }]
rebook = { times = 1, until = "0m" }
"#;

/// A ticket on a phone.
struct Held {
    code: String,
    seed: CodeSeed,
}

impl Held {
    /// As its page shows it at a time.
    fn shown(&self, at: Timestamp) -> String {
        format!("{}{}", self.code, part(&self.seed, at))
    }
}

/// One of them, from the calendar to the turnstile; whether somebody is inside now.
pub(super) async fn comes(annex: &Annex, url: &str, number: u64, tales: &Tales) -> bool {
    let held = match buys(url).await {
        Ok(Some(held)) => held,
        Ok(None) => return false,
        Err(why) => {
            tracing::debug!(%why, "a visitor gave up buying");
            return false;
        }
    };
    tales
        .tell(Tale::Bought, || "a visitor bought a ticket on the page and paid at the bank".into());
    if number % 3 == 1 {
        let mut forged = held.shown(wall_clock());
        // Another ticket's number in the same signature.
        let other = if forged.as_bytes()[14] == b'7' { "8" } else { "7" };
        forged.replace_range(14..15, other);
        annex.scan(&forged);
        if !visitors::pushes_in(annex).await {
            tales
                .tell(Tale::Forged, || "a forged code was held before the scanner: refused".into());
        }
    }
    if number % 3 == 2 {
        annex.scan(&held.shown(wall_clock() - PICTURE_AGE));
        if !visitors::pushes_in(annex).await {
            tales.tell(Tale::Photographed, || {
                "a picture of a code, three minutes old: refused".into()
            });
        }
    }
    for _ in 0..4 {
        annex.scan(&held.shown(wall_clock()));
        if visitors::pushes_in(annex).await {
            tales.tell(Tale::PhoneIn, || "the code on a phone let its visitor in".into());
            return true;
        }
    }
    false
}

/// `None`: the bank did not say in time that it was paid.
async fn buys(url: &str) -> Result<Option<Held>, PhoneError> {
    let phone = Phone::new(url)?;
    let zone = TimeZone::get("Asia/Shanghai").unwrap_or(TimeZone::UTC);
    let today = wall_clock().to_zoned_datetime(zone).date();
    let day = phone.open(&format!("{url}/visit?day={today}")).await?;
    let order = phone.fill(&day, "/visit/order", &[(FIELD, "1")]).await?;
    let cashier = phone.press_pay(&order).await?;
    let cashier = match phone.link_elsewhere(&cashier) {
        Some(link) if !phone.is_elsewhere(&cashier.url) => phone.open(link.as_str()).await?,
        _ => cashier,
    };
    if phone.is_elsewhere(&cashier.url) {
        phone.pay_at_cashier(&cashier).await?;
    }
    for _ in 0..LOOKS_MAX {
        let page = phone.open(order.url.as_str()).await?;
        if let Some(ticket) = page.links().into_iter().find(|link| link.path().starts_with("/t/")) {
            return Ok(held(&phone.open(ticket.as_str()).await?));
        }
        sleep(LOOK).await;
    }
    Ok(None)
}

/// What the page's own script works with.
fn held(page: &Page) -> Option<Held> {
    let data = |name: &str| {
        let from = page.html.split_once(&format!(" data-{name}=\""))?.1;
        from.split('"').next().map(ToOwned::to_owned)
    };
    let (code, hex) = (data("code")?, data("seed")?);
    let mut seed = CodeSeed::default();
    for (at, byte) in seed.iter_mut().enumerate() {
        *byte = u8::from_str_radix(hex.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(Held { code, seed })
}
