//! A kiosk: a screen without a person that sells by a shown QR code, hands out what was bought online, and begins anew by
//! itself. It is known by the token of its counter, typed in once by who sets it up.

use std::collections::BTreeMap;

use askama::Template;
use axum::{
    Form, Json,
    extract::{FromRequestParts, Path, Query, State},
    http::{HeaderValue, StatusCode, header, request::Parts},
    response::{Html, IntoResponse, Redirect, Response},
};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::{
    buy::fresh_key,
    named,
    offer::{Choice, Day, Offered, Seller},
    order::{self, File},
    paper,
    wish::{self, Fields, WishForm},
};
use crate::{
    core::{Answer, Input, money::OrderState, selling::TicketsAsked, ticket::Medium},
    http::{
        charts,
        error::ApiError,
        guard::Source,
        router::{Shared, Web},
        words::{self, Lang},
    },
    types::{CounterId, Money, OrderId, ScheduleId},
};

const COOKIE: &str = "kiosk";
/// A printer's name in the cookie stands behind the token.
const SPLIT: char = '.';
const DAYS_SHOWN: usize = 7;
/// Whoever walked away does not come back.
const IDLE_S: i64 = 90;

/// One that was set up.
#[derive(Clone, Debug)]
pub(in crate::http) struct Kiosk {
    counter: CounterId,
    printer: String,
}

impl Kiosk {
    async fn known(web: &Web, token: &str) -> Result<Option<CounterId>, ApiError> {
        let digest = Sha256::digest(token).into();
        Ok(web.payments.counter_of_token(digest).await?)
    }
}

impl FromRequestParts<Shared> for Kiosk {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, web: &Shared) -> Result<Self, Response> {
        let unknown = || Redirect::to("/kiosk/setup").into_response();
        let cookie = words::cookie(&parts.headers, COOKIE).ok_or_else(unknown)?;
        let (token, printer) = cookie.split_once(SPLIT).ok_or_else(unknown)?;
        let found = Self::known(web, token).await.map_err(IntoResponse::into_response)?;
        let counter = found.ok_or_else(unknown)?;
        Ok(Self { counter, printer: printer.to_owned() })
    }
}

// ---- setting up ------------------------------------------------------------------------------------

#[derive(Template)]
#[template(path = "kiosk-setup.html", config = "src/http/askama.toml")]
struct SetupPage {
    l: Lang,
    css: String,
    printers: Vec<String>,
    wrong: Option<&'static str>,
}

pub(in crate::http) async fn setup_form(
    State(web): State<Shared>,
    l: Lang,
) -> Result<Response, ApiError> {
    super::office(&web)?;
    setup_page(&web, l, None)
}

fn setup_page(web: &Web, l: Lang, wrong: Option<&'static str>) -> Result<Response, ApiError> {
    let (css, printers) = (web.assets.css_path().to_owned(), paper::printers(web));
    let status = if wrong.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    Ok((status, Html(SetupPage { l, css, printers, wrong }.render()?)).into_response())
}

#[derive(Deserialize)]
pub(in crate::http) struct Setup {
    token: String,
    #[serde(default)]
    printer: String,
}

pub(in crate::http) async fn setup(
    State(web): State<Shared>,
    l: Lang,
    source: Source,
    Form(setup): Form<Setup>,
) -> Result<Response, ApiError> {
    let now = web.desk.now();
    web.sign_ins.may_try(source, now)?;
    let token = setup.token.trim();
    if Kiosk::known(&web, token).await?.is_none() {
        web.sign_ins.count(source, now);
        let wrong = l.say("没有柜台使用这个令牌", "No counter has this token");
        return setup_page(&web, l, Some(wrong));
    }
    let secure = if web.settings.is_https() { "; Secure" } else { "" };
    let cookie = format!(
        "{COOKIE}={token}{SPLIT}{}; HttpOnly; SameSite=Strict; Path=/kiosk; Max-Age=315360000{secure}",
        setup.printer
    );
    let cookie: HeaderValue = cookie.parse().map_err(|_| ApiError::NotFound)?;
    let mut response = Redirect::to("/kiosk").into_response();
    response.headers_mut().append(header::SET_COOKIE, cookie);
    Ok(response)
}

// ---- its screens -----------------------------------------------------------------------------------

#[derive(Template)]
#[template(path = "kiosk.html", config = "src/http/askama.toml")]
struct KioskPage {
    l: Lang,
    css: String,
    visit_css: String,
    js: String,
    site: String,
    view: View,
    wrong: String,
    key: String,
}

enum View {
    Home,
    Buy {
        days: Vec<Day>,
        day: Option<Day>,
        wish: String,
    },
    Collect,
    Pay {
        id: OrderId,
        token: String,
        amount: Money,
        qr: String,
        left_s: i64,
    },
    /// The slips are on their way, or what went wrong.
    Done {
        text: String,
        good: bool,
    },
}

impl KioskPage {
    /// It begins anew after so many seconds in which nobody touched it; 0: it stays.
    fn idle_s(&self) -> i64 {
        match self.view {
            View::Home => 0,
            View::Done { .. } => 20,
            // Nobody touches it while they pay on their phone.
            View::Pay { left_s, .. } => left_s + 5,
            View::Buy { .. } | View::Collect => IDLE_S,
        }
    }

    fn date(&self, day: &Day) -> String {
        format!("{} {}", day.date.strftime("%m-%d"), named::weekday(self.l, day.date))
    }
}

fn show(web: &Web, l: Lang, view: View, wrong: String, key: String) -> Result<Response, ApiError> {
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let page = KioskPage {
        l,
        css: web.assets.css_path().to_owned(),
        visit_css: web.assets.visit_css_path().to_owned(),
        js: web.assets.visit_js_path().to_owned(),
        site: web.desk.rules().site_name.clone(),
        view,
        wrong,
        key,
    };
    Ok((status, Html(page.render()?)).into_response())
}

pub(in crate::http) async fn home(
    State(web): State<Shared>,
    l: Lang,
    _kiosk: Kiosk,
) -> Result<Response, ApiError> {
    show(&web, l, View::Home, String::new(), String::new())
}

/// Installed from it, a kiosk's browser shows nothing but the kiosk.
pub(in crate::http) async fn manifest(
    State(web): State<Shared>,
    l: Lang,
) -> Result<Response, ApiError> {
    super::office(&web)?;
    let name = l.say("自助售取票", "Tickets");
    let body = serde_json::json!({
        "name": format!("{name} · {}", web.desk.rules().site_name),
        "short_name": name,
        "lang": l.code(),
        "start_url": "/kiosk",
        "scope": "/kiosk",
        "display": "fullscreen",
        "background_color": "#eef1f5",
        "theme_color": "#0b5cd5",
    });
    let kind = HeaderValue::from_static("application/manifest+json");
    Ok(([(header::CONTENT_TYPE, kind)], body.to_string()).into_response())
}

#[derive(Deserialize)]
pub(in crate::http) struct Asked {
    #[serde(default)]
    day: Option<String>,
}

pub(in crate::http) async fn buy(
    State(web): State<Shared>,
    l: Lang,
    kiosk: Kiosk,
    Query(asked): Query<Asked>,
) -> Result<Response, ApiError> {
    let pairs = asked.day.map(|day| ("day".to_owned(), day));
    choose(&web, l, &kiosk, &Fields::new(pairs.into_iter().collect()), String::new()).await
}

async fn choose(
    web: &Web,
    l: Lang,
    kiosk: &Kiosk,
    fields: &Fields,
    wrong: String,
) -> Result<Response, ApiError> {
    let (rules, seller) =
        (web.desk.rules(), Seller { counter: kiosk.counter.clone(), now: web.desk.now() });
    let today = seller.now.to_zoned_datetime(rules.zone.clone()).date();
    let date = fields.day().unwrap_or(today);
    let (days, choices): (Vec<Day>, BTreeMap<ScheduleId, Vec<Choice>>) = {
        let (rules, seller) = (rules.clone(), seller.clone());
        let see = move |state: &crate::core::State| {
            (seller.days(state, &rules), seller.choices(state, &rules, date))
        };
        web.desk.read(see).await?
    };
    let day = days.iter().find(|day| day.date == date && day.closed.is_none()).cloned();
    // Nobody types names on a kiosk: what wants them is sold on the page and at the window.
    let offers: Vec<Offered> = match &day {
        Some(_) => seller.offers(&rules, l, date).into_iter().filter(|o| !o.wants_names).collect(),
        None => Vec::new(),
    };
    let (key, money) = (fresh_key()?, rules.currency);
    let form = WishForm {
        l,
        money,
        day: date,
        key: &key,
        offers: &offers,
        choices: &choices,
        fields,
        schedules: &rules.shop.schedules,
    };
    let wish = if offers.is_empty() { String::new() } else { form.render()? };
    let days = days.into_iter().filter(Day::is_open).take(DAYS_SHOWN).collect();
    show(web, l, View::Buy { days, day, wish }, wrong, String::new())
}

pub(in crate::http) async fn order(
    State(web): State<Shared>,
    l: Lang,
    kiosk: Kiosk,
    Form(pairs): Form<Vec<(String, String)>>,
) -> Result<Response, ApiError> {
    let fields = Fields::new(pairs);
    let rules = web.desk.rules();
    let seller = Seller { counter: kiosk.counter.clone(), now: web.desk.now() };
    let Some(day) = fields.day() else { return Ok(Redirect::to("/kiosk/buy").into_response()) };
    let mut wanted = wish::wanted(&fields, &seller.offers(&rules, l, day));
    wanted.retain(|one| !one.offered.wants_names);
    if wanted.is_empty() || wanted.iter().any(|w| w.offered.schedule.is_some() && w.slot.is_none())
    {
        let wrong = l.say("请选择票种、数量和时段", "Choose tickets, how many, and a time");
        return choose(&web, l, &kiosk, &fields, wrong.to_owned()).await;
    }
    let lines = wish::lines(&web, &fields, day, &wanted)?;
    let asked = TicketsAsked {
        counter: seller.counter,
        key: fields.get("key").to_owned(),
        lines,
        medium: Medium::Paper,
    };
    match web.desk.tell(Input::TicketsAsked(asked)).await? {
        Ok(Answer::Order(order)) => {
            let token = web.links.visit_token(order);
            Ok(Redirect::to(&format!("/kiosk/o/{token}")).into_response())
        }
        Ok(_) => Err(ApiError::Internal),
        Err(refusal) => choose(&web, l, &kiosk, &fields, words::refusal(l, &refusal)).await,
    }
}

/// An order that was begun at this kiosk.
async fn own(web: &Web, kiosk: &Kiosk, token: &str) -> Result<File, ApiError> {
    let file = File::of_token(web, token).await?;
    let sale = file.order.sale.as_ref();
    let own = sale.is_some_and(|sale| sale.counter == kiosk.counter);
    if own { Ok(file) } else { Err(ApiError::NotFound) }
}

/// The code to pay by; once it is paid, the tickets are printed by the page's own next step.
pub(in crate::http) async fn pay(
    State(web): State<Shared>,
    l: Lang,
    kiosk: Kiosk,
    Path(token): Path<String>,
) -> Result<Response, ApiError> {
    let file = own(&web, &kiosk, &token).await?;
    let (id, now) = (file.order.id, web.desk.now());
    let until = file.order.sale.as_ref().and_then(|sale| sale.open_until);
    match file.order.state {
        OrderState::Due => {
            let link = format!("{}/p/{}", web.settings.public_url(), web.links.token(id));
            let qr = charts::qr(&link).unwrap_or_default();
            let left_s = until.map_or(0, |until| until.duration_since(now).as_secs().max(0));
            let (amount, key) = (file.order.amount, file.order.state.name().to_owned());
            show(&web, l, View::Pay { id, token, amount, qr, left_s }, String::new(), key)
        }
        OrderState::Paid { .. } => {
            let tickets = paper::unprinted(&file.tickets);
            print(&web, l, &kiosk, tickets).await
        }
        _ => {
            let text = l.say("订单已取消或超时", "This order is over").to_owned();
            show(&web, l, View::Done { text, good: false }, String::new(), String::new())
        }
    }
}

async fn print(
    web: &Web,
    l: Lang,
    kiosk: &Kiosk,
    tickets: Vec<crate::types::TicketId>,
) -> Result<Response, ApiError> {
    if tickets.is_empty() {
        let text = l.say(
            "纸质票已打印过。如未取到，请到窗口。",
            "They were printed already. If you have none, ask at the window.",
        );
        let view = View::Done { text: text.to_owned(), good: false };
        return show(web, l, view, String::new(), String::new());
    }
    let who = kiosk.counter.as_str();
    let printed = paper::print(web, l, &kiosk.printer, tickets, (who, "")).await?;
    let good = printed.is_done();
    let text = if good {
        printed.text
    } else {
        format!("{} {}", printed.text, l.say("请到窗口处理。", "Please go to the window."))
    };
    show(web, l, View::Done { text, good }, String::new(), String::new())
}

pub(in crate::http) async fn state(
    State(web): State<Shared>,
    kiosk: Kiosk,
    Path(token): Path<String>,
) -> Result<Response, ApiError> {
    let file = own(&web, &kiosk, &token).await?;
    Ok(Json(serde_json::json!({ "key": file.order.state.name() })).into_response())
}

pub(in crate::http) async fn collect_form(
    State(web): State<Shared>,
    l: Lang,
    _kiosk: Kiosk,
) -> Result<Response, ApiError> {
    show(&web, l, View::Collect, String::new(), String::new())
}

#[derive(Deserialize)]
pub(in crate::http) struct Typed {
    code: String,
}

/// By the pick-up code alone: a document's number is no secret, so it counts at the window, where somebody looks at it.
pub(in crate::http) async fn collect(
    State(web): State<Shared>,
    l: Lang,
    source: Source,
    kiosk: Kiosk,
    Form(typed): Form<Typed>,
) -> Result<Response, ApiError> {
    let now = web.desk.now();
    if let Err(error) = web.codes.may_try(source, now) {
        return show(&web, l, View::Collect, error.text(l), String::new());
    }
    web.codes.count(source, now);
    if let Some(order) = order::by_pickup(&web, &typed.code).await? {
        web.codes.forget(source);
        let file = File::of(&web, order).await?;
        return print(&web, l, &kiosk, paper::unprinted(&file.tickets)).await;
    }
    let wrong = l.say("没有这个取票码，请检查", "No order has this code; check it");
    show(&web, l, View::Collect, wrong.to_owned(), String::new())
}
