//! The office of a large site: puts passes and a merchant on the register, and gives the merchant's discounts as its
//! own program would. Knows no lane.

use std::time::Duration;

use reqwest::{Client, header::CONTENT_TYPE};
use serde_json::json;

use super::{
    attendant::Attendant,
    tales::{Tale, Tales},
    wall_clock,
};
use crate::wire::{Phone, PhoneError};

/// Has a season pass of its own.
pub(super) const SEASON: &str = "京A88631";
/// Two cars that share one space.
pub(super) const POOL: [&str; 2] = ["沪C71950", "苏E66P08"];
const YEAR: Duration = Duration::from_hours(24 * 365);
const MERCHANT: &str = "影城";
const OFFER: &str = "观影减两元";
/// What its people sign in with at `/merchant`.
pub(super) const SHOP_ACCOUNT: &str = "cinema";
const PATIENCE: Duration = Duration::from_secs(10);

/// Plates of those who come often.
pub(super) fn regulars() -> Vec<String> {
    [SEASON].into_iter().chain(POOL).map(str::to_owned).collect()
}

/// Once: who starts a site anew finds what an earlier run put there.
pub(super) async fn put_passes(clerk: &Attendant) {
    let known = clerk.facts("/api/v1/passes").await;
    if known.is_none_or(|known| known.as_array().is_some_and(|passes| !passes.is_empty())) {
        return;
    }
    let (from, until) = (wall_clock(), wall_clock() + YEAR);
    for (holder, plates) in [("李女士", &[SEASON][..]), ("湖滨物业", &POOL[..])] {
        let pass = json!({
            "holder": holder, "plates": plates, "spaces": 1, "kind": { "is": "season" },
            "valid_from": from, "valid_until": until,
        });
        clerk.send("/api/v1/passes", &pass).await;
    }
}

/// A shop with an offer, known by its token.
#[derive(Debug)]
pub(super) struct Shop {
    client: Client,
    url: String,
    token: String,
}

impl Shop {
    /// Makes the merchant where there is none, and a new token for its program.
    pub(super) async fn open(clerk: &Attendant, site: &str) -> Option<Self> {
        let path = "/console/merchants";
        let mut page = clerk.page(path).await?;
        if !page.contains(MERCHANT) {
            clerk.fill(path, &[("name", MERCHANT), ("budget", "5000.00")]).await?;
            page = clerk.page(path).await?;
        }
        let form = page.split(&format!("action=\"{path}/")).nth(1)?;
        let merchant = format!("{path}/{}", form.split(['"', '/']).next()?);
        if !page.contains(OFFER) {
            let offer =
                [("name", OFFER), ("kind", "amount"), ("value", "2.00"), ("at_most", "2.00")];
            clerk.fill(&format!("{merchant}/offer"), &offer).await?;
        }
        let account = [("name", SHOP_ACCOUNT)];
        let secret = clerk.fill(&format!("{merchant}/account"), &account).await?;
        let mut codes = secret.split("<code>").skip(1).filter_map(|code| code.split('<').next());
        let (one_time, token) = (codes.next()?, codes.next()?.to_owned());
        if let Err(why) = chooses_password(site, one_time, clerk.password()).await {
            tracing::warn!(%why, "the merchant has no password of its own");
        }
        let client = Client::builder().no_proxy().timeout(PATIENCE).build().ok()?;
        Some(Self { client, url: format!("{site}/api/v1/validations"), token })
    }

    /// To a vehicle inside; what is refused has a reason, such as one that has just left.
    pub(super) async fn give(&self, plate: &str, tales: &Tales) {
        let body = json!({ "plate": plate, "offer": OFFER }).to_string();
        let post = self.client.post(&self.url).bearer_auth(&self.token);
        let said = post.header(CONTENT_TYPE, "application/json").body(body).send().await;
        if said.is_ok_and(|said| said.status().is_success()) {
            tales.tell(Tale::Validation, || {
                format!("the cinema ({MERCHANT}) takes 2.00 off for a guest's car")
            });
        }
    }
}

/// On the merchants' own page.
async fn chooses_password(site: &str, one_time: &str, new: &str) -> Result<(), PhoneError> {
    let phone = Phone::new(site)?;
    let page = phone.open(&format!("{site}/merchant/signin")).await?;
    let signs_in = [("name", SHOP_ACCOUNT), ("password", one_time)];
    let page = phone.fill(&page, "/merchant/signin", &signs_in).await?;
    let words = [("old", one_time), ("new", new), ("again", new)];
    phone.fill(&page, "/merchant/password", &words).await.map(drop)
}
