//! Paying by plate: before going to an exit, what was not paid before, and passes for longer. Decides no fee, shows no
//! picture.

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
    register::{self, Offer},
    router::{Shared, Web},
    words::{self, Lang, cookie},
};
use crate::{
    core::{
        Answer, Input, Refusal,
        pass::Pass,
        pass_sale::{PassAsked, PassWanted},
    },
    types::{Money, OrderId, PassId, Plate},
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
    passes: Vec<Held>,
}

/// A pass of the plate, and what its holder can pay for it.
#[derive(Debug)]
struct Held {
    id: PassId,
    kind: String,
    last_day: String,
    is_over: bool,
    offers: Vec<Offer>,
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
        .and_then(|(_, text)| Plate::parse_kept(&text).ok());
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
    let Ok(plate) = Plate::parse_kept(&typed.plate) else {
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
    let seen = web.desk.read(move |state| {
        let arrears = state.arrears_of(&of).map(|one| (one.order, one.since, one.amount));
        let passes: Vec<Pass> = state.passes_of(&of).cloned().collect();
        (arrears.collect::<Vec<_>>(), passes)
    });
    let (arrears, passes) = seen.await?;
    let arrears: Vec<_> =
        arrears.into_iter().map(|(order, at, amount)| (token(order), at, amount)).collect();
    let passes: Vec<Held> = passes.iter().map(|pass| held(&web, l, pass)).collect();
    let mut found = FoundOut { arrears, passes, ..FoundOut::default() };
    match web.desk.tell(Input::PrepayAsked { plate }).await? {
        Ok(Answer::Order(order)) => found.stay = Some(token(order)),
        Ok(Answer::NothingOwed(until)) => {
            (found.is_settled, found.settled_until) = (true, until);
        }
        Ok(_) => return Err(ApiError::Internal),
        Err(Refusal::NotInside) if !found.arrears.is_empty() || !found.passes.is_empty() => {}
        Err(refusal) => return show(&web, l, full, None, words::refusal(l, &refusal)),
    }
    let nothing_else = found.arrears.is_empty() && found.passes.is_empty();
    let response = match (&found.stay, nothing_else) {
        (Some(token), true) => Redirect::to(&format!("/p/{token}")).into_response(),
        _ => show(&web, l, full.clone(), Some(found), String::new())?,
    };
    Ok(remember(&full, response))
}

fn held(web: &Web, l: Lang, pass: &Pass) -> Held {
    let rules = web.desk.rules();
    Held {
        id: pass.id,
        kind: register::kind(l, pass.kind, |minor| Money::new(minor, rules.currency)),
        last_day: register::last_day(pass.valid_until, &rules.zone),
        is_over: pass.valid_until <= web.desk.now(),
        offers: register::offers(web, Some(pass), true),
    }
}

#[derive(Deserialize)]
pub(super) struct Renewed {
    plate: String,
    pass: i64,
    price: String,
}

/// A holder pays for more of a pass: an order, and its page. Whoever knows the plate may pay for it.
pub(super) async fn renew(
    State(web): State<Shared>,
    l: Lang,
    source: Source,
    Form(form): Form<Renewed>,
) -> Result<Response, ApiError> {
    let (id, now) = (PassId(form.pass), web.desk.now());
    web.plates.may_try(source, now)?;
    let plate = Plate::parse(&form.plate).map_err(|_| ApiError::NotFound)?;
    let of = plate.clone();
    let own =
        web.desk.read(move |state| state.passes.get(&id).is_some_and(|p| p.is_of(&of))).await?;
    if !own {
        web.plates.count(source, now);
        return Err(ApiError::NotFound);
    }
    let asked = PassAsked { by: None, price: form.price, wants: PassWanted::More(id) };
    match register::ask(&web, asked).await? {
        Ok(order) => Ok(Redirect::to(&format!("/p/{}", web.links.token(order))).into_response()),
        Err(refusal) => {
            let full = plate.full().to_owned();
            show(&web, l, full, None, words::refusal(l, &refusal))
        }
    }
}
