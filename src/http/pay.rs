//! Paying by plate: before going to an exit, and what was not paid before. Decides no fee, shows no picture.

use askama::Template;
use axum::{
    Form,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Redirect, Response},
};
use jiff::{Timestamp, tz::TimeZone};
use serde::Deserialize;

use super::{
    error::ApiError,
    guard::Source,
    ops,
    router::{Shared, Web},
    words::{self, Lang, cookie},
};
use crate::{
    core::{Answer, Input, Refusal},
    types::{Money, OrderId, Plate},
};

/// How long a phone remembers its plate.
const PLATE_COOKIE_S: u32 = 31_536_000;

#[derive(Template)]
#[template(path = "pay.html", config = "src/http/askama.toml")]
struct PayPage<'a> {
    l: Lang,
    css: &'a str,
    js: &'a str,
    site: &'a str,
    zone: TimeZone,
    plate: String,
    /// `None`: nothing was asked yet.
    found: Option<FoundOut>,
    wrong: String,
    /// A card can be bound to the plate.
    binds: bool,
}

/// What there is to pay for a plate. Links are `/p/…`.
#[derive(Debug, Default)]
struct FoundOut {
    /// Of the stay that is not over.
    stay: Option<String>,
    /// It is inside, and owes nothing.
    is_settled: bool,
    /// Until then, where a time is set.
    settled_until: Option<Timestamp>,
    arrears: Vec<(String, Timestamp, Money)>,
}

impl PayPage<'_> {
    fn clock(&self, at: &Timestamp) -> String {
        at.to_zoned_datetime(self.zone.clone()).strftime("%m-%d %H:%M").to_string()
    }
}

fn show(
    web: &Web,
    l: Lang,
    plate: String,
    found: Option<FoundOut>,
    wrong: String,
) -> Result<Response, ApiError> {
    let rules = web.desk.rules();
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let (css, js) = (ops::DRIVER_CSS, ops::DRIVER_JS);
    let (site, zone) = (rules.site_name.as_str(), rules.zone.clone());
    let binds = web.bank.as_ref().is_some_and(|bank| bank.binds());
    let page = PayPage { l, css, js, site, zone, plate, found, wrong, binds }.render()?;
    let mut response = (status, Html(page)).into_response();
    if let Ok(csp) = HeaderValue::from_str(web.assets.driver_csp()) {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, csp);
    }
    Ok(response)
}

pub(super) async fn page(
    State(web): State<Shared>,
    l: Lang,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    show(&web, l, remembered(&headers), None, String::new())
}

/// The plate this phone named last; empty: none.
pub(super) fn remembered(headers: &HeaderMap) -> String {
    let kept = cookie(headers, "plate").unwrap_or_default();
    let kept = form_urlencoded::parse(format!("p={kept}").as_bytes())
        .next()
        .and_then(|(_, text)| Plate::parse(&text).ok());
    kept.map(|plate| plate.full().to_owned()).unwrap_or_default()
}

/// Lets the phone name this plate again.
pub(super) fn remember(plate: &str, mut response: Response) -> Response {
    let kept: String = form_urlencoded::byte_serialize(plate.as_bytes()).collect();
    let cookie = format!("plate={kept}; HttpOnly; SameSite=Lax; Path=/; Max-Age={PLATE_COOKIE_S}");
    if let Ok(cookie) = cookie.parse() {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

#[derive(Deserialize)]
pub(super) struct Typed {
    plate: String,
}

/// Each try counts, also one that finds something: plates can be guessed.
pub(super) async fn find(
    State(web): State<Shared>,
    l: Lang,
    source: Source,
    Form(typed): Form<Typed>,
) -> Result<Response, ApiError> {
    let Ok(plate) = Plate::parse(&typed.plate) else {
        let wrong = l.say("这不像一个车牌，请检查", "That is not a plate; check it");
        return show(&web, l, String::new(), None, wrong.to_owned());
    };
    let (now, full) = (web.desk.now(), plate.full().to_owned());
    if let Err(error) = web.plates.may_try(source, now) {
        return show(&web, l, full, None, error.text(l));
    }
    web.plates.count(source, now);
    // The code on walls and lifts is printed.
    let (token, of) = (|order: OrderId| web.links.printed_token(order), plate.clone());
    let arrears = web.desk.read(move |state| {
        state.arrears_of(&of).map(|one| (one.order, one.since, one.amount)).collect::<Vec<_>>()
    });
    let arrears: Vec<_> =
        arrears.await?.into_iter().map(|(order, at, amount)| (token(order), at, amount)).collect();
    let mut found = FoundOut { arrears, ..FoundOut::default() };
    match web.desk.tell(Input::PrepayAsked { plate }).await? {
        Ok(Answer::Order(order)) => found.stay = Some(token(order)),
        Ok(Answer::NothingOwed(until)) => {
            (found.is_settled, found.settled_until) = (true, until);
        }
        Ok(_) => return Err(ApiError::Internal),
        Err(Refusal::NotInside) if !found.arrears.is_empty() => {}
        Err(refusal) => return show(&web, l, full, None, words::refusal(l, &refusal)),
    }
    let response = match (&found.stay, found.arrears.is_empty()) {
        (Some(token), true) => Redirect::to(&format!("/p/{token}")).into_response(),
        _ => show(&web, l, full.clone(), Some(found), String::new())?,
    };
    Ok(remember(&full, response))
}
