//! Merchants as operators see them: added, given offers and a budget, suspended, given a sign-in. Gives no validation.

use std::{borrow::Borrow, sync::Arc};

use askama::Template;
use axum::{
    Form,
    extract::{Path, State},
    http::StatusCode,
    response::{Html, IntoResponse, Redirect, Response},
};
use serde::Deserialize;

use super::{
    amount,
    console::Frame,
    error::ApiError,
    merchant::{benefit_words, fresh_token},
    ports::MerchantAccount,
    router::{Shared, Web},
    signin::{Signed, hash},
    words::{self, Lang},
};
use crate::{
    core::{
        Input,
        tariff::Benefit,
        till::{Merchant, MerchantAct, Offer},
    },
    types::{MerchantId, Money},
};

#[derive(Template)]
#[template(path = "merchants.html", config = "src/http/askama.toml")]
struct MerchantsPage {
    f: Frame,
    merchants: Vec<(Merchant, Vec<String>)>,
    tariffs: Vec<Arc<str>>,
    notice: Option<String>,
    /// Shown once: name, password, token.
    secret: Option<(String, String, String)>,
}

impl MerchantsPage {
    fn money(&self, minor: impl Borrow<i64>) -> Money {
        Money::new(*minor.borrow(), self.f.currency)
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "templates hand out references")]
    fn typed(&self, minor: &i64) -> String {
        amount::text(self.money(minor))
    }

    fn benefit(&self, offer: &Offer) -> String {
        benefit_words(self.f.l, &offer.benefit, self.f.currency)
    }
}

pub(super) async fn page(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
) -> Result<Response, ApiError> {
    show(&web, l, signed, None, None).await
}

async fn show(
    web: &Web,
    l: Lang,
    signed: Signed,
    notice: Option<String>,
    secret: Option<(String, String, String)>,
) -> Result<Response, ApiError> {
    let known =
        web.desk.read(|state| state.merchants.values().cloned().collect::<Vec<_>>()).await?;
    let accounts = web.till.merchant_accounts().await?;
    let of = |merchant: Merchant| {
        let names = accounts.iter().filter(|(id, _)| *id == merchant.id);
        let names = names.map(|(_, name)| name.clone()).collect();
        (merchant, names)
    };
    let status = if notice.is_some() { StatusCode::CONFLICT } else { StatusCode::OK };
    let page = MerchantsPage {
        merchants: known.into_iter().map(of).collect(),
        tariffs: web.desk.rules().tariffs.names(),
        f: Frame::new(web, l, &signed),
        notice,
        secret,
    };
    Ok((status, Html(page.render()?)).into_response())
}

async fn told(web: &Web, l: Lang, signed: Signed, act: MerchantAct) -> Result<Response, ApiError> {
    let who = signed.name.clone();
    match web.desk.tell(Input::Merchant { who, act }).await? {
        Ok(_) => Ok(Redirect::to("/console/merchants").into_response()),
        Err(refusal) => {
            let text = words::refusal(l, &refusal);
            show(web, l, signed, Some(text), None).await
        }
    }
}

async fn merchant(web: &Web, id: i64) -> Result<Merchant, ApiError> {
    let found = web.desk.read(move |state| state.merchants.get(&MerchantId(id)).cloned()).await?;
    found.ok_or(ApiError::NotFound)
}

#[derive(Deserialize)]
pub(super) struct Named {
    name: String,
    budget: String,
}

pub(super) async fn add(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
    Form(named): Form<Named>,
) -> Result<Response, ApiError> {
    let budget_minor = amount::typed(&named.budget, web.desk.rules().currency)?;
    let act = MerchantAct::Put { id: None, name: named.name, offers: Vec::new(), budget_minor };
    told(&web, l, signed, act).await
}

pub(super) async fn change(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
    Path(id): Path<i64>,
    Form(named): Form<Named>,
) -> Result<Response, ApiError> {
    let budget_minor = amount::typed(&named.budget, web.desk.rules().currency)?;
    let Merchant { id, offers, .. } = merchant(&web, id).await?;
    let act = MerchantAct::Put { id: Some(id), name: named.name, offers, budget_minor };
    told(&web, l, signed, act).await
}

#[derive(Deserialize)]
pub(super) struct Offered {
    name: String,
    /// As in the form; `remove` takes the offer of this name away.
    kind: String,
    #[serde(default)]
    value: String,
    #[serde(default)]
    tariff: String,
    #[serde(default)]
    at_most: String,
}

impl Offered {
    fn benefit(&self, web: &Web) -> Result<Benefit, ApiError> {
        let odd = ApiError::Unfit("优惠的数值不对。", "The offer's value does not fit.");
        let number = || self.value.trim().parse::<u32>();
        Ok(match self.kind.as_str() {
            "time_front" => Benefit::TimeFront { minutes: number().map_err(|_| odd)? },
            "time_back" => Benefit::TimeBack { minutes: number().map_err(|_| odd)? },
            "amount" => {
                let currency = web.desk.rules().currency;
                Benefit::Amount { minor: amount::typed(&self.value, currency)? }
            }
            "percent" => Benefit::Percent { off: self.value.trim().parse().map_err(|_| odd)? },
            "all_free" => Benefit::AllFree,
            "other_tariff" => Benefit::OtherTariff { name: self.tariff.as_str().into() },
            _ => return Err(odd),
        })
    }
}

pub(super) async fn offer(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
    Path(id): Path<i64>,
    Form(offered): Form<Offered>,
) -> Result<Response, ApiError> {
    let Merchant { id, name, mut offers, budget_minor, .. } = merchant(&web, id).await?;
    if offered.kind == "remove" {
        offers.retain(|offer| offer.name != offered.name);
    } else {
        let at_most_minor = amount::typed(&offered.at_most, web.desk.rules().currency)?;
        let benefit = offered.benefit(&web)?;
        let name = offered.name.trim().to_owned();
        offers.push(Offer { name, benefit, at_most_minor });
    }
    let act = MerchantAct::Put { id: Some(id), name, offers, budget_minor };
    told(&web, l, signed, act).await
}

#[derive(Deserialize)]
pub(super) struct Suspended {
    suspended: bool,
}

pub(super) async fn suspend(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
    Path(id): Path<i64>,
    Form(Suspended { suspended }): Form<Suspended>,
) -> Result<Response, ApiError> {
    told(&web, l, signed, MerchantAct::Suspend { id: MerchantId(id), suspended }).await
}

#[derive(Deserialize)]
pub(super) struct Account {
    name: String,
}

/// A sign-in for a merchant, new or with a new password and token; both are shown once and kept nowhere.
pub(super) async fn account(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
    Path(id): Path<i64>,
    Form(given): Form<Account>,
) -> Result<Response, ApiError> {
    let merchant = merchant(&web, id).await?.id;
    let name = given.name.trim().to_owned();
    let fits = (2..=32).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    if !fits {
        return Err(ApiError::Unfit("名称须为 2 到 32 个字。", "A name has 2 to 32 characters."));
    }
    let (password, _) = fresh_token(12)?;
    let (token, digest) = fresh_token(32)?;
    let password_hash = hash(&web, password.clone()).await?;
    let account = MerchantAccount { name: name.clone(), merchant, password_hash };
    if !web.till.put_merchant_account(account, digest).await? {
        let text = l.say("该名称属于另一商户", "This name is another merchant's").to_owned();
        return show(&web, l, signed, Some(text), None).await;
    }
    tracing::info!(%merchant, operator = signed.name, "a merchant's sign-in was given out");
    show(&web, l, signed, None, Some((name, password, token))).await
}
