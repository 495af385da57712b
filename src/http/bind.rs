//! A card or wallet for a plate: the way to the bank's own page, where everything secret is typed, and back. Keeps
//! nothing, and tells nobody whether something is bound.

use askama::Template;
use axum::{
    Form,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use serde::Deserialize;

use super::{
    error::ApiError,
    guard::Source,
    ops,
    router::{Shared, Web},
    words::{Lang, cookie},
};
use crate::{
    bank::{SignAsk, SignForm},
    core::Input,
    types::{ChannelId, Plate, bank::AgreementWord},
};

/// Who ended an agreement, on record, where no operator did.
const DRIVER: &str = "driver";

/// Digits of a telephone number, at most.
const MOBILE_MAX: usize = 20;

#[derive(Template)]
#[template(path = "bind.html", config = "src/http/askama.toml")]
struct BindPage<'a> {
    l: Lang,
    css: &'a str,
    js: &'a str,
    site: &'a str,
    plate: String,
    step: Step,
    /// Whether a driver may have an agreement ended here.
    ends: bool,
    wrong: String,
}

/// How far the driver has come.
enum Step {
    /// No bank of this site binds by a form.
    Nowhere,
    Ask,
    /// On to the bank: one form for each that binds.
    Go(Vec<(ChannelId, SignForm)>),
    /// Back from the bank.
    Back,
    Done,
    /// The bank was told to end it.
    Ended,
}

fn show(
    web: &Web,
    l: Lang,
    plate: String,
    step: Step,
    wrong: String,
) -> Result<Response, ApiError> {
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let rules = web.desk.rules();
    let (css, js, site) = (ops::DRIVER_CSS, ops::DRIVER_JS, rules.site_name.as_str());
    let ends =
        rules.frictionless.drivers_end && web.bank.as_ref().is_some_and(|b| b.ends_agreements());
    let page = BindPage { l, css, js, site, plate, step, ends, wrong }.render()?;
    let mut response = (status, Html(page)).into_response();
    if let Ok(csp) = HeaderValue::from_str(web.assets.driver_csp()) {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, csp);
    }
    // The forms are signed, with the plate in them.
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// The plate this phone paid for last.
fn kept(headers: &HeaderMap) -> String {
    let query = format!("p={}", cookie(headers, "plate").unwrap_or_default());
    let text = form_urlencoded::parse(query.as_bytes()).next();
    let plate = text.and_then(|(_, text)| Plate::parse(&text).ok());
    plate.map(|plate| plate.full().to_owned()).unwrap_or_default()
}

pub(super) async fn page(
    State(web): State<Shared>,
    l: Lang,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let step =
        if web.bank.as_ref().is_some_and(|bank| bank.binds()) { Step::Ask } else { Step::Nowhere };
    show(&web, l, kept(&headers), step, String::new())
}

#[derive(Deserialize)]
pub(super) struct Typed {
    plate: String,
    #[serde(default)]
    mobile: String,
}

/// The way on: a form to the bank's page, with a button.
pub(super) async fn start(
    State(web): State<Shared>,
    l: Lang,
    Form(typed): Form<Typed>,
) -> Result<Response, ApiError> {
    let Ok(plate) = Plate::parse(&typed.plate) else {
        let wrong = l.say("这不像一个车牌，请检查", "That is not a plate; check it");
        return show(&web, l, String::new(), Step::Ask, wrong.to_owned());
    };
    let mobile: String = typed.mobile.chars().filter(|c| !c.is_whitespace()).collect();
    let full = plate.full().to_owned();
    if mobile.len() > MOBILE_MAX || !mobile.bytes().all(|b| b.is_ascii_digit() || b == b'+') {
        let wrong = l.say("手机号只能是数字", "A telephone number has digits only");
        return show(&web, l, full, Step::Ask, wrong.to_owned());
    }
    let back_url = format!("{}/pay/bind/back", web.settings.public_url());
    let ask = SignAsk { plate, colour: None, mobile, back_url };
    let forms = web.bank.as_ref().map(|bank| bank.sign_forms(&ask)).unwrap_or_default();
    let step = if forms.is_empty() { Step::Nowhere } else { Step::Go(forms) };
    show(&web, l, full, step, String::new())
}

/// The bank sends the browser here at the end, with words of its own that prove nothing.
pub(super) async fn back(
    State(web): State<Shared>,
    l: Lang,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    show(&web, l, kept(&headers), Step::Back, String::new())
}

/// The bank is asked anew about a vehicle that is inside. Each try counts: plates can be guessed.
pub(super) async fn made(
    State(web): State<Shared>,
    l: Lang,
    source: Source,
    Form(typed): Form<Typed>,
) -> Result<Response, ApiError> {
    let Ok(plate) = Plate::parse(&typed.plate) else {
        let wrong = l.say("这不像一个车牌，请检查", "That is not a plate; check it");
        return show(&web, l, String::new(), Step::Back, wrong.to_owned());
    };
    let (now, full) = (web.desk.now(), plate.full().to_owned());
    if let Err(error) = web.plates.may_try(source, now) {
        return show(&web, l, full, Step::Back, error.text(l));
    }
    web.plates.count(source, now);
    // Whether it is inside, and bound, is nobody's business here: the answer is the same.
    let _ = web.desk.tell(Input::AgreementMade { plate }).await?;
    show(&web, l, full, Step::Done, String::new())
}

/// A driver wants no more to be charged by the plate. Each try counts, and the answer tells nobody whether anything was
/// bound: the worst that somebody else can do is that the driver binds anew.
pub(super) async fn end(
    State(web): State<Shared>,
    l: Lang,
    source: Source,
    Form(typed): Form<Typed>,
) -> Result<Response, ApiError> {
    let Ok(plate) = Plate::parse(&typed.plate) else {
        let wrong = l.say("这不像一个车牌，请检查", "That is not a plate; check it");
        return show(&web, l, String::new(), Step::Ask, wrong.to_owned());
    };
    let bank = web.bank.as_ref().filter(|bank| bank.ends_agreements());
    let Some(bank) = bank.filter(|_| web.desk.rules().frictionless.drivers_end) else {
        return Err(ApiError::NotFound);
    };
    let (now, full) = (web.desk.now(), plate.full().to_owned());
    if let Err(error) = web.plates.may_try(source, now) {
        return show(&web, l, full, Step::Ask, error.text(l));
    }
    web.plates.count(source, now);
    // Before the bank hears of it.
    let (who, reason) = (DRIVER.to_owned(), "on the page for drivers".to_owned());
    let asked = Input::AgreementEndAsked { plate: plate.clone(), who, reason };
    web.desk.tell(asked).await??;
    let words = bank.end_agreement(plate).await;
    if words.iter().any(|(_, word)| matches!(word, AgreementWord::Unknown { .. })) {
        let wrong = l.say(
            "银行暂时没有应答，请稍后再试，或在银行的应用里解约",
            "The bank did not answer clearly: try again later, or end it in the bank's app",
        );
        return show(&web, l, full, Step::Ask, wrong.to_owned());
    }
    show(&web, l, full, Step::Ended, String::new())
}
