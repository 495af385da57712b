//! The merchants' own small page and API: sign in, give an offer to a plate, take it back. Knows no operator and lists no
//! plate that was not typed here.

use askama::Template;
use axum::{
    Form, Json,
    extract::{FromRequestParts, Path, State},
    http::{HeaderMap, StatusCode, header, request::Parts},
    response::{Html, IntoResponse, Redirect, Response},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use rand::{TryRng, rngs::SysRng};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use super::{
    error::ApiError,
    guard::Source,
    ports::MerchantUser,
    program::{Access, Api, Op},
    router::{Shared, Web},
    signin::{NOBODYS_HASH, PASSWORD_BYTES_MAX, PASSWORD_CHARS_MIN, hash, verify},
    words::{self, Lang, cookie},
};
use crate::{
    core::{
        Answer, Input, Refusal,
        tariff::Benefit,
        till::{Merchant, Validation, ValidationState},
    },
    types::{Currency, MerchantId, Money, Plate, ValidationId},
};

/// A day at a shop's counter.
const SESSION_LIFE: SignedDuration = SignedDuration::from_hours(14);
const GIVEN_MAX: u32 = 50;

/// Random letters, and the SHA-256 they are known by.
pub(super) fn fresh_token(bytes: usize) -> Result<(String, [u8; 32]), ApiError> {
    let mut random = vec![0; bytes];
    SysRng.try_fill_bytes(&mut random).map_err(|_| ApiError::Internal)?;
    let token = URL_SAFE_NO_PAD.encode(random);
    let digest = Sha256::digest(&token).into();
    Ok((token, digest))
}

/// An offer in words.
pub(super) fn benefit_words(l: Lang, benefit: &Benefit, currency: Currency) -> String {
    match benefit {
        Benefit::TimeFront { minutes } => {
            if l.is_zh() {
                format!("开头 {minutes} 分钟免费")
            } else {
                format!("first {minutes} min free")
            }
        }
        Benefit::TimeBack { minutes } => {
            if l.is_zh() {
                format!("末尾 {minutes} 分钟免费")
            } else {
                format!("last {minutes} min free")
            }
        }
        Benefit::Amount { minor } => {
            format!("{} {}", l.say("减", "less"), Money::new(*minor, currency))
        }
        Benefit::Percent { off } => format!("-{off}%"),
        Benefit::AllFree => l.say("全免", "all free").to_owned(),
        Benefit::OtherTariff { name } => format!("{} {name}", l.say("按", "by")),
    }
}

// ---- who asks ------------------------------------------------------------------------------------

fn cookie_name(web: &Web) -> &'static str {
    if web.settings.is_https() { "__Host-merchant" } else { "merchant" }
}

fn digest_of(web: &Web, headers: &HeaderMap) -> Option<[u8; 32]> {
    let token = cookie(headers, cookie_name(web))?;
    (token.len() == 43).then(|| Sha256::digest(token).into())
}

fn set_cookie(web: &Web, token: &str, rest: &str) -> String {
    let secure = if web.settings.is_https() { "; Secure" } else { "" };
    format!("{}={token}; HttpOnly; SameSite=Strict; Path=/{secure}{rest}", cookie_name(web))
}

/// Signed in for a merchant on the page.
pub(super) struct AtShop(pub(super) MerchantUser);

impl FromRequestParts<Shared> for AtShop {
    type Rejection = Redirect;

    async fn from_request_parts(parts: &mut Parts, web: &Shared) -> Result<Self, Redirect> {
        let away = || Redirect::to("/merchant/signin");
        let digest = digest_of(web, &parts.headers).ok_or_else(away)?;
        let found = web.till.merchant_session(digest).await;
        found.ok().flatten().map(Self).ok_or_else(away)
    }
}

/// A program of a merchant: `Authorization: Bearer <token>`.
pub(super) struct Program(MerchantUser);

impl FromRequestParts<Shared> for Program {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Shared) -> Result<Self, ApiError> {
        // The door before every operation of the API knows.
        parts.extensions.get::<MerchantUser>().cloned().map(Self).ok_or(ApiError::SignIn)
    }
}

// ---- signing in ----------------------------------------------------------------------------------

#[derive(Template)]
#[template(path = "merchant-signin.html", config = "src/http/askama.toml")]
struct SignInPage<'a> {
    l: Lang,
    css: &'a str,
    site: &'a str,
    wrong: String,
}

fn sign_in_page(
    web: &Web,
    l: Lang,
    status: StatusCode,
    wrong: String,
) -> Result<Response, ApiError> {
    let rules = web.desk.rules();
    let page = SignInPage { l, css: web.assets.css_path(), site: &rules.site_name, wrong };
    Ok((status, Html(page.render()?)).into_response())
}

pub(super) async fn sign_in_form(State(web): State<Shared>, l: Lang) -> Result<Response, ApiError> {
    sign_in_page(&web, l, StatusCode::OK, String::new())
}

#[derive(Deserialize)]
pub(super) struct Credentials {
    name: String,
    password: String,
}

pub(super) async fn sign_in(
    State(web): State<Shared>,
    l: Lang,
    source: Source,
    Form(given): Form<Credentials>,
) -> Result<Response, ApiError> {
    let now = web.desk.now();
    if let Err(error) = web.sign_ins.may_try(source, now) {
        return sign_in_page(&web, l, StatusCode::TOO_MANY_REQUESTS, error.text(l));
    }
    web.sign_ins.count(source, now);
    let account = web.till.merchant_account(given.name.trim().to_owned()).await?;
    let hash = account.as_ref().map_or(NOBODYS_HASH, |account| &account.password_hash).to_owned();
    let right = verify(&web, given.password, hash).await?;
    let Some(account) = account.filter(|_| right) else {
        tracing::warn!("a merchant's sign-in failed");
        let wrong = l.say("名称或密码不对", "The name or the password is wrong").to_owned();
        return sign_in_page(&web, l, StatusCode::UNAUTHORIZED, wrong);
    };
    web.sign_ins.forget(source);
    let (token, digest) = fresh_token(32)?;
    web.till.put_merchant_session(digest, account.name, now + SESSION_LIFE).await?;
    let cookie = [(header::SET_COOKIE, set_cookie(&web, &token, ""))];
    Ok((cookie, Redirect::to("/merchant")).into_response())
}

pub(super) async fn sign_out(
    State(web): State<Shared>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    if let Some(digest) = digest_of(&web, &headers) {
        web.till.drop_merchant_session(digest).await?;
    }
    let gone = [(header::SET_COOKIE, set_cookie(&web, "", "; Max-Age=0"))];
    Ok((gone, Redirect::to("/merchant/signin")).into_response())
}

// ---- the page ------------------------------------------------------------------------------------

#[derive(Template)]
#[template(path = "merchant.html", config = "src/http/askama.toml")]
struct ShopPage {
    l: Lang,
    css: String,
    js: String,
    site: String,
    zone: TimeZone,
    currency: Currency,
    who: String,
    now: Timestamp,
    shop: Merchant,
    given: Vec<Validation>,
    notice: Option<(bool, String)>,
}

impl ShopPage {
    fn money(&self, minor: i64) -> Money {
        Money::new(minor, self.currency)
    }

    /// This month and the one before, as in the addresses of statements.
    fn months(&self) -> [String; 2] {
        super::merchant_bills::months(self.now, &self.zone)
    }

    fn left(&self) -> Money {
        self.money((self.shop.budget_minor - self.shop.spent_minor).max(0))
    }

    fn clock(&self, at: &Timestamp) -> String {
        at.to_zoned_datetime(self.zone.clone()).strftime("%m-%d %H:%M").to_string()
    }

    fn benefit(&self, benefit: &Benefit) -> String {
        benefit_words(self.l, benefit, self.currency)
    }

    fn state(&self, validation: &Validation) -> String {
        match validation.state {
            ValidationState::Given => self.l.say("未使用", "not used yet").to_owned(),
            ValidationState::Used { minor, .. } => {
                format!("{} {}", self.l.say("已使用", "used"), self.money(minor))
            }
            ValidationState::Revoked => self.l.say("已撤销", "taken back").to_owned(),
            ValidationState::Lapsed => self.l.say("未用到", "not needed").to_owned(),
        }
    }

    #[expect(clippy::unused_self, reason = "templates ask the page")]
    fn is_given(&self, validation: &Validation) -> bool {
        validation.state == ValidationState::Given
    }
}

pub(super) async fn page(
    State(web): State<Shared>,
    l: Lang,
    AtShop(user): AtShop,
) -> Result<Response, ApiError> {
    show(&web, l, user, None).await
}

async fn shop_of(web: &Web, id: MerchantId) -> Result<Merchant, ApiError> {
    let found = web.desk.read(move |state| state.merchants.get(&id).cloned()).await?;
    found.ok_or(ApiError::NotFound)
}

async fn show(
    web: &Web,
    l: Lang,
    user: MerchantUser,
    notice: Option<(bool, String)>,
) -> Result<Response, ApiError> {
    let rules = web.desk.rules();
    let page = ShopPage {
        l,
        css: web.assets.css_path().to_owned(),
        js: web.assets.js_path().to_owned(),
        site: rules.site_name.clone(),
        zone: rules.zone.clone(),
        currency: rules.currency,
        who: user.name,
        now: web.desk.now(),
        shop: shop_of(web, user.merchant).await?,
        given: web.till.validations_of(user.merchant, GIVEN_MAX).await?,
        notice,
    };
    let status = match &page.notice {
        Some((false, _)) => StatusCode::CONFLICT,
        _ => StatusCode::OK,
    };
    Ok((status, Html(page.render()?)).into_response())
}

#[derive(Deserialize, ToSchema)]
#[schema(as = ValidationAsk)]
#[serde(deny_unknown_fields)]
pub(super) struct Given {
    plate: String,
    /// By its name.
    offer: String,
}

const NO_PLATE: ApiError =
    ApiError::Unfit("这不像一个车牌，请检查。", "That is not a plate; check it.");

pub(super) async fn give(
    State(web): State<Shared>,
    l: Lang,
    AtShop(user): AtShop,
    source: Source,
    Form(given): Form<Given>,
) -> Result<Response, ApiError> {
    let told = tell_given(&web, &user, source, given).await;
    let notice = match told {
        Ok(Ok(_)) => (true, l.say("已赠送", "Given").to_owned()),
        Ok(Err(refusal)) => (false, words::refusal(l, &refusal)),
        Err(error @ (ApiError::Unfit(..) | ApiError::TooMany(_))) => (false, error.text(l)),
        Err(error) => return Err(error),
    };
    show(&web, l, user, Some(notice)).await
}

/// A plate that is not inside counts as a guess.
async fn tell_given(
    web: &Web,
    user: &MerchantUser,
    source: Source,
    given: Given,
) -> Result<Result<ValidationId, Refusal>, ApiError> {
    let plate = Plate::parse_kept(&given.plate).map_err(|_| NO_PLATE)?;
    let now = web.desk.now();
    web.plates.may_try(source, now)?;
    let (merchant, offer, by) = (user.merchant, given.offer, user.name.clone());
    match web.desk.tell(Input::Validate { merchant, plate, offer, by }).await? {
        Ok(Answer::Validation(id)) => Ok(Ok(id)),
        Ok(_) => Err(ApiError::Internal),
        Err(refusal) => {
            if refusal == Refusal::NotInside {
                web.plates.count(source, now);
            }
            Ok(Err(refusal))
        }
    }
}

pub(super) async fn revoke(
    State(web): State<Shared>,
    l: Lang,
    AtShop(user): AtShop,
    Path(id): Path<i64>,
) -> Result<Response, ApiError> {
    let (validation, merchant) = (ValidationId(id), Some(user.merchant));
    match web.desk.tell(Input::Unvalidate { validation, merchant }).await? {
        Ok(_) => Ok(Redirect::to("/merchant").into_response()),
        Err(refusal) => {
            let text = words::refusal(l, &refusal);
            show(&web, l, user, Some((false, text))).await
        }
    }
}

#[derive(Deserialize)]
pub(super) struct NewPassword {
    old: String,
    new: String,
    again: String,
}

/// Whoever is signed in chooses a new password, and signs in with it.
pub(super) async fn new_password(
    State(web): State<Shared>,
    l: Lang,
    AtShop(user): AtShop,
    source: Source,
    Form(given): Form<NewPassword>,
) -> Result<Response, ApiError> {
    web.sign_ins.may_try(source, web.desk.now())?;
    let account = web.till.merchant_account(user.name.clone()).await?.ok_or(ApiError::SignIn)?;
    let length = given.new.chars().count();
    let fits = length >= PASSWORD_CHARS_MIN && given.new.len() <= PASSWORD_BYTES_MAX;
    let wrong = if given.new != given.again {
        Some(l.say("两次输入的新密码不同", "The two new passwords differ"))
    } else if !fits {
        Some(l.say("新密码至少 10 个字符", "A password has at least 10 characters"))
    } else if !verify(&web, given.old, account.password_hash).await? {
        web.sign_ins.count(source, web.desk.now());
        Some(l.say("旧密码不对", "The old password is wrong"))
    } else {
        None
    };
    if let Some(wrong) = wrong {
        return show(&web, l, user, Some((false, wrong.to_owned()))).await;
    }
    let password_hash = hash(&web, given.new).await?;
    web.till.set_merchant_password(user.name, password_hash).await?;
    tracing::info!("a merchant chose a new password");
    Ok(Redirect::to("/merchant/signin").into_response())
}

// ---- the API -------------------------------------------------------------------------------------

pub(super) fn api(api: Api) -> Api {
    let by = Access::Merchant;
    api.on(
        Op::get(
            "/api/v1/validations",
            "listValidations",
            "What this merchant gave, its offers and its budget",
        )
        .by(by)
        .gives::<ShopBody>(200, "The latest validations first"),
        api_list,
    )
    .on(
        Op::post(
            "/api/v1/validations",
            "giveValidation",
            "Pays for a part of a vehicle's stay, by an offer's name",
        )
        .by(by)
        .body::<Given>()
        .gives::<GivenBody>(200, "Its number"),
        api_give,
    )
    .on(
        Op::delete(
            "/api/v1/validations/{validation}",
            "revokeValidation",
            "Takes back what was not used yet",
        )
        .by(by)
        .empties("It is taken back"),
        api_revoke,
    )
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ValidationMade)]
struct GivenBody {
    id: ValidationId,
}

async fn api_give(
    State(web): State<Shared>,
    Program(user): Program,
    source: Source,
    Json(given): Json<Given>,
) -> Result<Json<GivenBody>, ApiError> {
    let id = tell_given(&web, &user, source, given).await??;
    Ok(Json(GivenBody { id }))
}

async fn api_revoke(
    State(web): State<Shared>,
    Program(user): Program,
    Path(id): Path<i64>,
) -> Result<StatusCode, ApiError> {
    let (validation, merchant) = (ValidationId(id), Some(user.merchant));
    web.desk.tell(Input::Unvalidate { validation, merchant }).await??;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Merchant)]
struct ShopBody {
    budget_minor: i64,
    spent_minor: i64,
    currency: Currency,
    offers: Vec<String>,
    /// The latest first.
    validations: Vec<ValidationBody>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Validation)]
struct ValidationBody {
    id: ValidationId,
    offer: String,
    given_at: Timestamp,
    #[serde(flatten)]
    state: ValidationState,
}

async fn api_list(
    State(web): State<Shared>,
    Program(user): Program,
) -> Result<Json<ShopBody>, ApiError> {
    let shop = shop_of(&web, user.merchant).await?;
    let given = web.till.validations_of(user.merchant, GIVEN_MAX).await?;
    let body = |v: Validation| ValidationBody {
        id: v.id,
        offer: v.offer,
        given_at: v.given_at,
        state: v.state,
    };
    Ok(Json(ShopBody {
        budget_minor: shop.budget_minor,
        spent_minor: shop.spent_minor,
        currency: web.desk.rules().currency,
        offers: shop.offers.into_iter().map(|offer| offer.name).collect(),
        validations: given.into_iter().map(body).collect(),
    }))
}
