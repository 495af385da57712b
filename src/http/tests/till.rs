//! Money at the desk, on the phone and at a merchant's counter, as each sees it.

use std::{collections::HashMap, sync::Arc, time::Duration};

use futures::{FutureExt, future::ready};
use jiff::Timestamp;
use reqwest::{Method, header};

use super::{
    phone::{Phone, location},
    site::{PASSWORD, Site, lane},
};
use crate::{
    core::{
        Change, Input,
        lane::{Phase, Sensor},
        rules::TillRules,
        till::{Cash, Shift, Validation, ValidationState},
    },
    http::{
        hash_password,
        ports::{Found, MerchantAccount, MerchantUser, TillRecords},
    },
    types::{BoothId, CashId, MerchantId, ShiftId},
};

pub(super) fn rules() -> TillRules {
    TillRules { booths: vec![BoothId::parse("east").unwrap()], ..TillRules::default() }
}

/// The accounts of merchants, as the tables would keep them.
#[derive(Default)]
pub(super) struct Merchants {
    accounts: HashMap<String, (MerchantAccount, [u8; 32])>,
    sessions: HashMap<[u8; 32], (String, Timestamp)>,
}

impl Merchants {
    fn user(&self, name: &str) -> Option<MerchantUser> {
        let (account, _) = self.accounts.get(name)?;
        Some(MerchantUser { name: account.name.clone(), merchant: account.merchant })
    }
}

fn found<T: Send + 'static>(value: T) -> Found<'static, T> {
    ready(Ok(value)).boxed()
}

impl TillRecords for Site {
    fn shifts(&self, limit: u32) -> Found<'_, Vec<Shift>> {
        let mut shifts = self.last(|change| match change {
            Change::Shift(shift) => Some((shift.id, shift)),
            _ => None,
        });
        shifts.reverse();
        shifts.truncate(limit as usize);
        found(shifts)
    }

    fn cash(&self, id: CashId) -> Found<'_, Option<Cash>> {
        found(Site::cash(self).into_iter().find(|cash| cash.id == id))
    }

    fn cash_of_shift(&self, shift: ShiftId, limit: u32) -> Found<'_, Vec<Cash>> {
        let cash = Site::cash(self).into_iter().rev().filter(|cash| cash.shift == shift);
        found(cash.take(limit as usize).collect())
    }

    fn validations_of(&self, merchant: MerchantId, limit: u32) -> Found<'_, Vec<Validation>> {
        let all = self.last(|change| match change {
            Change::Validation(validation) => Some((validation.id, validation)),
            _ => None,
        });
        let of = all.into_iter().rev().filter(|validation| validation.merchant == merchant);
        found(of.take(limit as usize).collect())
    }

    fn merchant_account(&self, name: String) -> Found<'_, Option<MerchantAccount>> {
        found(self.world().merchants.accounts.get(&name).map(|(account, _)| account.clone()))
    }

    fn put_merchant_account(&self, account: MerchantAccount, token: [u8; 32]) -> Found<'_, bool> {
        let merchants = &mut self.world().merchants;
        let known = merchants.accounts.get(&account.name).map(|(known, _)| known.merchant);
        let ours = known.is_none_or(|known| known == account.merchant);
        if ours {
            merchants.accounts.insert(account.name.clone(), (account, token));
        }
        found(ours)
    }

    fn set_merchant_password(&self, name: String, password_hash: String) -> Found<'_, ()> {
        let merchants = &mut self.world().merchants;
        if let Some((account, _)) = merchants.accounts.get_mut(&name) {
            account.password_hash = password_hash;
        }
        found(())
    }

    fn merchant_accounts(&self) -> Found<'_, Vec<(MerchantId, String)>> {
        let world = self.world();
        let accounts = world.merchants.accounts.values();
        found(accounts.map(|(account, _)| (account.merchant, account.name.clone())).collect())
    }

    fn merchant_of_token(&self, token: [u8; 32]) -> Found<'_, Option<MerchantUser>> {
        let world = self.world();
        let named = world.merchants.accounts.iter().find(|(_, (_, known))| *known == token);
        found(named.and_then(|(name, _)| world.merchants.user(name)))
    }

    fn put_merchant_session(
        &self,
        digest: [u8; 32],
        name: String,
        until: Timestamp,
    ) -> Found<'_, ()> {
        self.world().merchants.sessions.insert(digest, (name, until));
        found(())
    }

    fn merchant_session(&self, digest: [u8; 32]) -> Found<'_, Option<MerchantUser>> {
        let world = self.world();
        let session = world.merchants.sessions.get(&digest).filter(|(_, until)| *until > world.now);
        found(session.and_then(|(name, _)| world.merchants.user(name)))
    }

    fn drop_merchant_session(&self, digest: [u8; 32]) -> Found<'_, ()> {
        self.world().merchants.sessions.remove(&digest);
        found(())
    }
}

const PLATE: &str = "沪C88888";

/// Drives out unpaid after an hour.
fn leaves_unpaid(site: &Arc<Site>) {
    site.at_exit(PLATE, Duration::from_hours(1));
    for (sensor, on) in [
        (Sensor::ClosedLimit, false),
        (Sensor::Safety, true),
        (Sensor::Arrival, false),
        (Sensor::Safety, false),
        (Sensor::ClosedLimit, true),
    ] {
        site.sensor("out", sensor, on);
    }
    site.after(Duration::from_mins(1));
}

// ---- the phone -----------------------------------------------------------------------------------

#[tokio::test]
async fn pays_by_plate_before_the_exit_and_sees_no_picture() {
    let site = Site::new();
    let (address, _stop) = site.serve().await;
    let phone = Phone::new(address);
    site.enter(PLATE);
    site.after(Duration::from_hours(2));
    assert!(phone.text("/pay").await.contains("Show the fee"));
    let found = phone.post("/pay", &[("plate", PLATE)]).await;
    let cookie = found.headers()[header::SET_COOKIE].to_str().unwrap().to_owned();
    assert!(cookie.starts_with("plate=%E6%B2%AA") && cookie.contains("HttpOnly"), "{cookie}");
    let here = location(&found).to_owned();
    let bill = phone.text(&here).await;
    assert!(bill.contains("10.00") && !bill.contains("/picture"), "{bill}");
    assert_eq!(phone.get(&format!("{here}/picture")).await.status().as_u16(), 404);
    // An hour later the page asks for more than it showed: it shows it first.
    site.after(Duration::from_mins(61));
    let grown = phone.post(&format!("{here}/pay"), &[]).await;
    assert_ne!(location(&grown), here);
    assert!(site.generated().is_empty());
    assert!(phone.text(location(&grown)).await.contains("20.00"));
    let asked = phone.post(&format!("{}/pay", location(&grown)), &[]).await;
    assert_eq!((asked.status().as_u16(), site.generated().len()), (303, 1));
}

#[tokio::test]
async fn plates_cannot_be_guessed_through() {
    let site = Site::new();
    let (address, _stop) = site.serve().await;
    let phone = Phone::new(address);
    for n in 0..5 {
        let guess = format!("沪C0000{n}");
        let answer = phone.post("/pay", &[("plate", guess.as_str())]).await;
        assert_eq!(answer.status().as_u16(), 422);
        assert!(answer.text().await.unwrap().contains("No vehicle with this plate"));
    }
    site.enter(PLATE);
    let held = phone.post("/pay", &[("plate", PLATE)]).await;
    assert!(held.text().await.unwrap().contains("Too many attempts"));
}

#[tokio::test]
async fn arrears_are_paid_by_plate_or_forgiven_with_a_reason() {
    let site = Site::new();
    leaves_unpaid(&site);
    let (address, _stop) = site.serve().await;
    let phone = Phone::new(address);
    let owed = phone.post("/pay", &[("plate", PLATE)]).await.text().await.unwrap();
    let token = owed.split("/p/").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let bill = phone.text(&format!("/p/{token}")).await;
    assert!(bill.contains("5.00") && !bill.contains("/picture"), "{bill}");
    phone.post(&format!("/p/{token}/pay"), &[]).await;
    assert_eq!(site.generated().len(), 1);

    let operator = Phone::operator(address).await;
    assert!(operator.text("/console/arrears").await.contains(PLATE));
    let bare = operator.post("/console/arrears/1/forgive", &[("reason", " ")]).await;
    assert_eq!(bare.status().as_u16(), 409);
    operator.post("/console/arrears/1/forgive", &[("reason", "arm was broken")]).await;
    assert!(!operator.text("/console/arrears").await.contains(PLATE));
}

#[tokio::test]
async fn a_stay_whose_vehicle_is_gone_is_ended_on_its_page() {
    let site = Site::new();
    site.at_exit(PLATE, Duration::from_hours(2));
    let (address, _stop) = site.serve().await;
    let operator = Phone::operator(address).await;
    let page = "/console/stays/1";
    assert!(operator.text(page).await.contains("/console/stays/1/end"));
    let end = [("reason", "seen on the pictures")];
    let stands = operator.post("/console/stays/1/end", &end).await;
    assert_eq!(stands.status().as_u16(), 409);
    assert!(stands.text().await.unwrap().contains("it has not left"));
    site.sensor("out", Sensor::Arrival, false);
    site.after(Duration::from_mins(1));
    assert_eq!(operator.post("/console/stays/1/end", &end).await.status().as_u16(), 200);
    let over = operator.text(page).await;
    assert!(over.contains("Over without an exit") && !over.contains("/end\""), "{over}");
    let history = site.acted();
    assert!(site.stays()[0].left_at.is_some(), "{history:?}");
}

// ---- the counter ---------------------------------------------------------------------------------

#[tokio::test]
async fn a_shift_from_the_float_to_the_count() {
    let site = Site::new();
    let order = site.at_exit(PLATE, Duration::from_hours(2));
    let (address, _stop) = site.serve().await;
    let phone = Phone::operator(address).await;
    let cash = format!("/console/orders/{order}/cash");
    let none = phone.post(&cash, &[("amount", "50")]).await;
    assert_eq!(none.status().as_u16(), 409);
    assert!(none.text().await.unwrap().contains("open one first"));
    let odd = [("booth", "east"), ("amount", "2e2")];
    assert_eq!(phone.post("/console/shift/open", &odd).await.status().as_u16(), 422);
    phone.post("/console/shift/open", &[("booth", "east"), ("amount", "200")]).await;
    let page = phone.text("/console/shift").await;
    assert!(page.contains(PLATE) && page.contains("200.00"), "{page}");
    let short = phone.post(&cash, &[("amount", "9.99")]).await;
    assert!(short.text().await.unwrap().contains("owed: ¥10.00"));
    let taken = phone.post(&cash, &[("amount", "50")]).await.text().await.unwrap();
    assert!(taken.contains("Give the driver ¥40.00") && taken.contains("¥210.00"), "{taken}");
    assert_eq!(site.phase("out"), Phase::Opening);
    let stay = phone.text("/console/stays/1").await;
    assert!(stay.contains("Paid in cash") && stay.contains("cash_drawer"), "{stay}");
    phone.post("/console/shift/close", &[("booth", "east"), ("amount", "209.50")]).await;
    let history = phone.text("/console/shift").await;
    assert!(history.contains("short ¥0.50") && history.contains("Open a shift"), "{history}");
}

#[tokio::test]
async fn a_lower_fee_and_an_entry_nobody_saw() {
    let site = Site::new();
    let (address, _stop) = site.serve().await;
    let phone = Phone::operator(address).await;
    site.sensor("out", Sensor::Arrival, true);
    site.read("out", PLATE);
    assert!(phone.text("/console/shift").await.contains("No entry on record"));
    let entry = [("entered", "2026-11-23T06:00"), ("reason", "power was off"), ("plate", "")];
    let given = phone.post("/console/lanes/out/entry", &entry).await;
    assert_eq!(given.status().as_u16(), 303);
    assert!(phone.text("/console/shift").await.contains("¥10.00"), "two hours by the site's clock");
    let fee = [("amount", "3"), ("reason", "lift was broken")];
    assert_eq!(phone.post("/console/lanes/out/fee", &fee).await.status().as_u16(), 303);
    assert!(phone.text("/console/shift").await.contains("¥3.00"));
    let history = phone.text("/console/stays/1").await;
    assert!(history.contains("3.00"));
    assert!(site.world().merchants.accounts.is_empty());
    let _ = lane("out");
}

#[tokio::test]
async fn the_counter_is_for_operators() {
    let site = Site::new();
    let (address, _stop) = site.serve().await;
    let phone = Phone::new(address);
    for path in ["/console/shift", "/console/arrears", "/console/merchants"] {
        assert_eq!(phone.get(path).await.status().as_u16(), 303, "{path}");
    }
    assert_eq!(location(&phone.get("/merchant").await), "/merchant/signin");
}

// ---- merchants -----------------------------------------------------------------------------------

/// A merchant with one offer and a sign-in; gives the API token.
async fn shop(site: &Arc<Site>, operator: &Phone) -> String {
    operator.post("/console/merchants", &[("name", "Noodles"), ("budget", "10")]).await;
    let offer = [
        ("name", "one hour"),
        ("kind", "time_front"),
        ("value", "60"),
        ("tariff", ""),
        ("at_most", "6"),
    ];
    operator.post("/console/merchants/1/offer", &offer).await;
    let made = operator.post("/console/merchants/1/account", &[("name", "noodles")]).await;
    let page = made.text().await.unwrap();
    let secrets: Vec<&str> =
        page.split("<code>").skip(1).filter_map(|rest| rest.split('<').next()).collect();
    let mut world = site.world();
    let (account, _) = world.merchants.accounts.get_mut("noodles").unwrap();
    assert!(!account.password_hash.contains(secrets[0]));
    account.password_hash = hash_password(PASSWORD).unwrap();
    secrets[1].to_owned()
}

fn state(site: &Arc<Site>) -> Vec<ValidationState> {
    let all = site.last(|change| match change {
        Change::Validation(validation) => Some((validation.id, validation)),
        _ => None,
    });
    all.into_iter().map(|validation| validation.state).collect()
}

#[tokio::test]
async fn a_merchant_gives_on_its_own_page() {
    let site = Site::new();
    let (address, _stop) = site.serve().await;
    let operator = Phone::operator(address).await;
    shop(&site, &operator).await;
    site.enter(PLATE);
    let mut till = Phone::new(address);
    let signed =
        till.post("/merchant/signin", &[("name", "noodles"), ("password", PASSWORD)]).await;
    assert_eq!(location(&signed), "/merchant");
    till.keep_cookie(&signed);
    let give = |plate: &'static str| [("plate", plate), ("offer", "one hour")];
    let part = till.post("/merchant/give", &give("沪C8888")).await;
    assert_eq!(part.status().as_u16(), 409, "a part of a plate finds nobody");
    let given = till.post("/merchant/give", &give(PLATE)).await.text().await.unwrap();
    assert!(
        given.contains("Given") && given.contains("¥4.00") && !given.contains(PLATE),
        "{given}"
    );
    let again = till.post("/merchant/give", &give(PLATE)).await.text().await.unwrap();
    assert!(again.contains("budget"), "{again}");
    assert_eq!(location(&till.post("/merchant/1/revoke", &[]).await), "/merchant");
    assert_eq!(state(&site), [ValidationState::Revoked]);
    assert!(till.text("/merchant").await.contains("¥10.00"));
    operator.post("/console/merchants/1/suspend", &[("suspended", "true")]).await;
    assert!(till.text("/merchant").await.contains("Suspended"));
    assert_eq!(till.get("/console").await.status().as_u16(), 303, "no operator");
    till.post("/merchant/signout", &[]).await;
    assert_eq!(till.get("/merchant").await.status().as_u16(), 303);
}

#[tokio::test]
async fn an_operator_takes_back_what_a_merchant_gave_and_the_stay_shows_it() {
    let site = Site::new();
    let (address, _stop) = site.serve().await;
    let operator = Phone::operator(address).await;
    let token = shop(&site, &operator).await;
    site.enter(PLATE);
    let program = Phone::new(address);
    let give = program
        .ask(reqwest::Method::POST, "/api/v1/validations")
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/json")
        .body(format!(r#"{{"plate":"{PLATE}","offer":"one hour"}}"#));
    assert_eq!(give.send().await.unwrap().status().as_u16(), 200);
    let page = operator.text("/console/stays/1").await;
    assert!(page.contains("one hour") && page.contains("not used yet"), "{page}");
    let page = operator.post("/console/stays/1/validations/1/revoke", &[]).await;
    let page = page.text().await.unwrap();
    assert!(page.contains("taken back") && !page.contains("/revoke"), "{page}");
    assert_eq!(state(&site), [ValidationState::Revoked]);
    let again = operator.post("/console/stays/1/validations/1/revoke", &[]).await;
    assert_eq!(again.status().as_u16(), 409);
}

#[tokio::test]
async fn a_merchant_chooses_its_own_password() {
    let site = Site::new();
    let (address, _stop) = site.serve().await;
    let operator = Phone::operator(address).await;
    shop(&site, &operator).await;
    let mut till = Phone::new(address);
    let sign = |password: &'static str| [("name", "noodles"), ("password", password)];
    let signed = till.post("/merchant/signin", &sign(PASSWORD)).await;
    till.keep_cookie(&signed);
    let new = "a much longer one";
    for (old, new, again, told) in [
        (PASSWORD, new, "another one at all", "differ"),
        (PASSWORD, "short", "short", "at least 10"),
        ("not the one", new, new, "old password is wrong"),
    ] {
        let form = [("old", old), ("new", new), ("again", again)];
        let answer = till.post("/merchant/password", &form).await.text().await.unwrap();
        assert!(answer.contains(told), "{told}: {answer}");
    }
    let form = [("old", PASSWORD), ("new", new), ("again", new)];
    let answer = till.post("/merchant/password", &form).await;
    assert_eq!(location(&answer), "/merchant/signin");
    let old = till.post("/merchant/signin", &sign(PASSWORD)).await;
    assert_eq!(old.status().as_u16(), 401);
    assert_eq!(location(&till.post("/merchant/signin", &sign(new)).await), "/merchant");
}

#[tokio::test]
async fn a_merchants_program_gives_by_its_token() {
    let site = Site::new();
    let (address, _stop) = site.serve().await;
    let operator = Phone::operator(address).await;
    let token = shop(&site, &operator).await;
    site.enter(PLATE);
    let phone = Phone::new(address);
    let ask = |method: Method, path: &str, token: &str| {
        phone.ask(method, path).header(header::AUTHORIZATION, format!("Bearer {token}"))
    };
    let body = serde_json::json!({ "plate": PLATE, "offer": "one hour" }).to_string();
    let give = |token: &str| {
        let request = ask(Method::POST, "/api/v1/validations", token).body(body.clone());
        request.header(header::CONTENT_TYPE, "application/json").send()
    };
    assert_eq!(give("nonsense").await.unwrap().status().as_u16(), 401);
    let given = give(&token).await.unwrap();
    assert_eq!(given.text().await.unwrap(), "{\"id\":1}");
    let spent = give(&token).await.unwrap();
    assert_eq!(spent.status().as_u16(), 409);
    let list = ask(Method::GET, "/api/v1/validations", &token).send().await.unwrap();
    let list = list.text().await.unwrap();
    assert!(list.contains("\"spent_minor\":600") && list.contains("\"is\":\"given\""), "{list}");
    let gone = ask(Method::DELETE, "/api/v1/validations/1", &token).send().await.unwrap();
    assert_eq!(gone.status().as_u16(), 204);
    assert_eq!(state(&site), [ValidationState::Revoked]);
    site.decide(Input::Tick).unwrap();
}
