//! The ticket window: an operator sells, takes cash or scans the payer's code, prints, and hands out what was bought
//! online. Decides nothing.

use std::collections::BTreeMap;

use askama::Template;
use axum::{
    Form,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{Html, IntoResponse, Redirect, Response},
};
use serde::Deserialize;

use super::{
    buy::fresh_key,
    named,
    offer::{Choice, Day, Offered, Seller},
    order::{self, File, Row},
    paper::{self, Printed},
    wish::{self, Fields, WishForm},
};
use crate::{
    core::{
        Answer, Input,
        input::At,
        money::{Order, OrderState},
        selling::{Bought, PaidWith, TicketsAsked},
        ticket::Medium,
        till::TillAct,
    },
    http::{
        amount, charts,
        console::Frame,
        error::ApiError,
        guard::Source,
        operate::REASON_CHARS_MAX,
        router::{Shared, Web},
        signin::Signed,
        till,
        words::{self, Lang},
    },
    types::{Money, OrderId, PayerCode, ScheduleId, TicketId},
};

/// The counter that the window is.
const COUNTER: &str = "window";
const DAYS_SHOWN: usize = 7;
/// Orders whose cash waits that are listed.
pub(in crate::http) const WAITING_MAX: u32 = 50;

// ---- choosing ------------------------------------------------------------------------------------

#[derive(Template)]
#[template(path = "window.html", config = "src/http/askama.toml")]
struct WindowPage {
    f: Frame,
    visit_css: String,
    visit_js: String,
    days: Vec<Day>,
    day: Option<Day>,
    wish: String,
    /// Whoever sells needs one to take cash.
    has_shift: bool,
    /// Orders whose payers have cash to fetch, and how much.
    waiting: Vec<(Order, Money)>,
    wrong: String,
}

impl WindowPage {
    fn date(&self, day: &Day) -> String {
        format!("{} {}", day.date.strftime("%m-%d"), named::weekday(self.f.l, day.date))
    }

    fn is_chosen(&self, day: &Day) -> bool {
        self.day.as_ref().is_some_and(|chosen| chosen.date == day.date)
    }
}

#[derive(Deserialize)]
pub(in crate::http) struct Asked {
    #[serde(default)]
    day: Option<String>,
}

pub(in crate::http) async fn page(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
    Query(asked): Query<Asked>,
) -> Result<Response, ApiError> {
    let pairs = asked.day.map(|day| ("day".to_owned(), day));
    show(&web, l, signed, &Fields::new(pairs.into_iter().collect()), String::new()).await
}

async fn show(
    web: &Web,
    l: Lang,
    signed: Signed,
    fields: &Fields,
    wrong: String,
) -> Result<Response, ApiError> {
    let (_, records) = super::office(web)?;
    let (rules, seller) = (web.desk.rules(), Seller::new(web, COUNTER)?);
    let waiting = records.cash_waiting(WAITING_MAX).await?.into_iter();
    let waiting = waiting.map(|(order, left)| (order, Money::new(left, rules.currency)));
    let today = seller.now.to_zoned_datetime(rules.zone.clone()).date();
    let date = fields.day().unwrap_or(today);
    let (days, choices, has_shift): (Vec<Day>, BTreeMap<ScheduleId, Vec<Choice>>, bool) = {
        let (rules, seller, who) = (rules.clone(), seller.clone(), signed.name.clone());
        let see = move |state: &crate::core::State| {
            let choices = seller.choices(state, &rules, date);
            (seller.days(state, &rules), choices, state.shift_of(&who).is_some())
        };
        web.desk.read(see).await?
    };
    let day = days.iter().find(|day| day.date == date).cloned();
    let offers: Vec<Offered> = match &day {
        Some(day) if day.closed.is_none() => seller.offers(&rules, l, date),
        _ => Vec::new(),
    };
    let key = match fields.get("key") {
        "" => fresh_key()?,
        key => key.to_owned(),
    };
    let (money, choices) = (rules.currency, &choices);
    let form = WishForm {
        l,
        money,
        day: date,
        key: &key,
        offers: &offers,
        choices,
        fields,
        schedules: &rules.shop.schedules,
    };
    let wish = if offers.is_empty() { String::new() } else { form.render()? };
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let page = WindowPage {
        f: Frame::new(web, l, &signed),
        visit_css: web.assets.visit_css_path().to_owned(),
        visit_js: web.assets.visit_js_path().to_owned(),
        days: days.into_iter().take(DAYS_SHOWN).collect(),
        day,
        wish,
        has_shift,
        waiting: waiting.collect(),
        wrong,
    };
    Ok((status, Html(page.render()?)).into_response())
}

/// Names are asked for on the same form: an operator types them beside the count.
pub(in crate::http) async fn sell(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
    Form(pairs): Form<Vec<(String, String)>>,
) -> Result<Response, ApiError> {
    let fields = Fields::new(pairs);
    let (rules, seller) = (web.desk.rules(), Seller::new(&web, COUNTER)?);
    let Some(day) = fields.day() else {
        return Ok(Redirect::to("/console/window").into_response());
    };
    let wanted = wish::wanted(&fields, &seller.offers(&rules, l, day));
    let lacks_slot = wanted.iter().any(|w| w.offered.schedule.is_some() && w.slot.is_none());
    if wanted.is_empty() || lacks_slot {
        let wrong = l.say("请选择票种、数量和时段", "Choose tickets, how many, and a time");
        return show(&web, l, signed, &fields, wrong.to_owned()).await;
    }
    if wish::lacks_names(&fields, &wanted) {
        let named: Vec<_> = wanted.into_iter().filter(|w| w.offered.wants_names).collect();
        return names(&web, l, &signed, &fields, &named, String::new());
    }
    let lines = match wish::lines(&web, &fields, day, &wanted) {
        Ok(lines) => lines,
        Err(wrong) => {
            let named: Vec<_> = wanted.into_iter().filter(|w| w.offered.wants_names).collect();
            return names(&web, l, &signed, &fields, &named, wrong.text(l));
        }
    };
    wish::keep_names(&web, &fields, &wanted).await?;
    let (counter, key) = (seller.counter, fields.get("key").to_owned());
    // Without a printer there is no paper: the page of each ticket shows its code.
    let has_printer = !paper::printers(&web).is_empty();
    let medium = if has_printer { Medium::Paper } else { Medium::Any };
    let asked = TicketsAsked { counter, key, lines, medium };
    match web.desk.tell(Input::TicketsAsked(asked)).await? {
        Ok(Answer::Order(order)) => {
            tracing::info!(%order, operator = signed.name, "tickets were ordered at the window");
            Ok(Redirect::to(&format!("/console/window/o/{order}")).into_response())
        }
        Ok(_) => Err(ApiError::Internal),
        Err(refusal) => show(&web, l, signed, &fields, words::refusal(l, &refusal)).await,
    }
}

#[derive(Template)]
#[template(path = "window-names.html", config = "src/http/askama.toml")]
struct NamesPage<'a> {
    f: Frame,
    /// What was chosen already.
    kept: Vec<(&'a str, &'a str)>,
    /// Product, its name and the visitor's number from 1.
    asked: Vec<(String, String, u32)>,
    fields: &'a Fields,
    wrong: String,
}

impl NamesPage<'_> {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "templates hand out references")]
    fn typed(&self, what: &str, product: &str, n: &u32) -> &str {
        self.fields.get(&format!("{what}-{product}-{n}"))
    }
}

fn names(
    web: &Web,
    l: Lang,
    signed: &Signed,
    fields: &Fields,
    named: &[wish::Wanted],
    wrong: String,
) -> Result<Response, ApiError> {
    let of = |wanted: &wish::Wanted| {
        let (id, name) = (wanted.offered.id.to_string(), wanted.offered.name.clone());
        (1..=wanted.tickets).map(move |n| (id.clone(), name.clone(), n)).collect::<Vec<_>>()
    };
    let page = NamesPage {
        f: Frame::new(web, l, signed),
        kept: fields
            .all()
            .filter(|(k, _)| !k.starts_with("name-") && !k.starts_with("number-"))
            .collect(),
        asked: named.iter().flat_map(of).collect(),
        fields,
        wrong,
    };
    Ok(Html(page.render()?).into_response())
}

// ---- one order at the window -----------------------------------------------------------------------

#[derive(Template)]
#[template(path = "window-order.html", config = "src/http/askama.toml")]
struct WindowOrder {
    f: Frame,
    visit_js: String,
    id: OrderId,
    subject: String,
    amount: Money,
    /// `due`, `paid` or `void`.
    state: &'static str,
    left_s: i64,
    /// Of the page to pay, drawn.
    qr: String,
    rows: Vec<Row>,
    unprinted: usize,
    printers: Vec<String>,
    has_shift: bool,
    /// Paid in cash, gone back, and not fetched yet.
    owed: Money,
    notice: Option<(bool, String)>,
}

impl WindowOrder {
    fn is(&self, state: &str) -> bool {
        self.state == state
    }

    #[expect(clippy::unused_self, reason = "templates ask the page")]
    fn typed(&self, money: &Money) -> String {
        amount::text(*money)
    }
}

pub(in crate::http) async fn one(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
    Path(id): Path<i64>,
) -> Result<Response, ApiError> {
    one_page(&web, l, signed, OrderId(id), None).await
}

async fn one_page(
    web: &Web,
    l: Lang,
    signed: Signed,
    id: OrderId,
    notice: Option<(StatusCode, String)>,
) -> Result<Response, ApiError> {
    let file = File::of(web, id).await?;
    let (rules, now, who) = (web.desk.rules(), web.desk.now(), signed.name.clone());
    let has_shift = web.desk.read(move |state| state.shift_of(&who).is_some()).await?;
    let owed = match cash_of(web, id).await? {
        Some((_, minor)) => Money::new(minor, rules.currency),
        None => Money::zero(rules.currency),
    };
    let sale = file.order.sale.as_ref();
    let until = sale.and_then(|sale| sale.open_until);
    let link = format!("{}/p/{}", web.settings.public_url(), web.links.token(id));
    let due = file.order.state == OrderState::Due;
    let page = WindowOrder {
        f: Frame::new(web, l, &signed),
        visit_js: web.assets.visit_js_path().to_owned(),
        id,
        subject: sale.map(|sale| sale.subject.clone()).unwrap_or_default(),
        amount: file.order.amount,
        state: file.order.state.name(),
        left_s: until.map_or(0, |until| until.duration_since(now).as_secs().max(0)),
        qr: if due { charts::qr(&link).unwrap_or_default() } else { String::new() },
        unprinted: paper::unprinted(&file.tickets).len(),
        rows: order::rows(web, &rules, l, &file.tickets),
        printers: paper::printers(web),
        has_shift,
        owed,
        notice: notice.as_ref().map(|(status, text)| (*status == StatusCode::OK, text.clone())),
    };
    let status = notice.map_or(StatusCode::OK, |(status, _)| status);
    Ok((status, Html(page.render()?)).into_response())
}

/// What an open page asks while the payer pays.
pub(in crate::http) async fn state(
    State(web): State<Shared>,
    _signed: Signed,
    Path(id): Path<i64>,
) -> Result<Response, ApiError> {
    let (order, _) = web.records.order(OrderId(id)).await?.ok_or(ApiError::NotFound)?;
    Ok(axum::Json(serde_json::json!({ "key": order.state.name() })).into_response())
}

#[derive(Deserialize)]
pub(in crate::http) struct Tendered {
    amount: String,
    #[serde(default)]
    printer: String,
}

/// Cash is taken into the operator's drawer; the tickets come out of the printer in the same step.
pub(in crate::http) async fn cash(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
    Path(id): Path<i64>,
    Form(tendered): Form<Tendered>,
) -> Result<Response, ApiError> {
    let order = OrderId(id);
    let tendered_minor = amount::typed(&tendered.amount, web.desk.rules().currency)?;
    let (who, act) = (signed.name.clone(), TillAct::TakeCash { order, tendered_minor });
    let told = web.desk.tell(Input::Till { who, act }).await?;
    tracing::info!(%order, operator = signed.name, done = told.is_ok(), "cash at the window");
    let change = match told {
        Ok(Answer::Cash(_, back)) => back,
        Ok(_) => {
            let text = l.say("已经付过", "It is paid already").to_owned();
            return one_page(&web, l, signed, order, Some((StatusCode::CONFLICT, text))).await;
        }
        Err(refusal) => {
            let text = words::refusal(l, &refusal);
            return one_page(&web, l, signed, order, Some((StatusCode::CONFLICT, text))).await;
        }
    };
    let text = format!("{} {change}", l.say("找零", "Change:"));
    if tendered.printer.is_empty() {
        return one_page(&web, l, signed, order, Some((StatusCode::OK, text))).await;
    }
    let printed = print_all(&web, l, &signed, order, &tendered.printer).await?;
    let text = format!("{text} · {}", printed.text);
    one_page(&web, l, signed, order, Some((printed.status, text))).await
}

/// An order that was paid in cash, with what of it waits for whoever paid.
async fn cash_of(web: &Web, id: OrderId) -> Result<Option<(Bought, i64)>, ApiError> {
    let (_, records) = super::office(web)?;
    let Some(bought) = records.bought(id).await? else { return Ok(None) };
    let PaidWith::Cash(cash) = &bought.with else { return Ok(None) };
    let (cash, most) = (cash.id, cash.amount.minor);
    let owed = bought.order.basket.as_ref().map_or(0, |basket| basket.cash_owed_minor);
    let given = web.desk.read(move |state| state.cash_back(cash)).await?;
    Ok(Some((bought, (owed.min(most) - given).max(0))))
}

/// Who stands there too, where it is much.
#[derive(Deserialize)]
pub(in crate::http) struct Fetching {
    #[serde(default)]
    second: String,
    #[serde(default)]
    second_password: String,
}

/// Whoever paid in cash fetches what went back while they were away, out of the operator's drawer.
pub(in crate::http) async fn fetch(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
    source: Source,
    Path(id): Path<i64>,
    Form(given): Form<Fetching>,
) -> Result<Response, ApiError> {
    let order = OrderId(id);
    let (bought, _) = cash_of(&web, order).await?.ok_or(ApiError::NotFound)?;
    let second = (given.second, given.second_password);
    let second = match till::second_person(&web, source, second).await {
        Ok(second) => second,
        Err(error) => {
            let notice = Some((StatusCode::CONFLICT, error.text(l)));
            return one_page(&web, l, signed, order, notice).await;
        }
    };
    let who = signed.name.clone();
    let told = web.desk.tell(Input::CashFetched { bought, who, second }).await?;
    tracing::info!(%order, operator = signed.name, done = told.is_ok(), "cash of returned tickets");
    let notice = match told {
        Ok(Answer::Returned(returned)) => {
            let text = l.say("请付现金", "Hand over in cash:");
            (StatusCode::OK, format!("{text} {}", returned.cash))
        }
        Ok(_) => return Err(ApiError::Internal),
        Err(refusal) => (StatusCode::CONFLICT, words::refusal(l, &refusal)),
    };
    one_page(&web, l, signed, order, Some(notice)).await
}

async fn print_all(
    web: &Web,
    l: Lang,
    signed: &Signed,
    order: OrderId,
    printer: &str,
) -> Result<Printed, ApiError> {
    let file = File::of(web, order).await?;
    paper::print(web, l, printer, paper::unprinted(&file.tickets), (&signed.name, "")).await
}

#[derive(Deserialize)]
pub(in crate::http) struct Shown {
    code: String,
}

/// The payer's code: whether it was paid, the page tells within seconds.
pub(in crate::http) async fn code(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
    Path(id): Path<i64>,
    Form(shown): Form<Shown>,
) -> Result<Response, ApiError> {
    let order = OrderId(id);
    let odd = ApiError::Unfit("这不像付款码。", "That is no payer's code: 16 to 32 digits.");
    let code = PayerCode::parse(&shown.code).ok_or(odd)?;
    let at = At::Order(order);
    let notice = match web.desk.tell(Input::PayerCodeScanned { at, code }).await? {
        Ok(_) => {
            (StatusCode::OK, l.say("已发送，等待银行", "Sent; waiting for the bank").to_owned())
        }
        Err(refusal) => (StatusCode::CONFLICT, words::refusal(l, &refusal)),
    };
    one_page(&web, l, signed, order, Some(notice)).await
}

#[derive(Deserialize)]
pub(in crate::http) struct Paper {
    printer: String,
    /// One ticket again; none: all that were not printed yet.
    #[serde(default)]
    ticket: Option<i64>,
    #[serde(default)]
    reason: String,
}

pub(in crate::http) async fn print(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
    Path(id): Path<i64>,
    Form(paper): Form<Paper>,
) -> Result<Response, ApiError> {
    let order = OrderId(id);
    let file = File::of(&web, order).await?;
    let again = paper.ticket.map(TicketId);
    if paper.reason.chars().count() > REASON_CHARS_MAX
        || again.is_some() && paper.reason.trim().is_empty()
    {
        let text = l.say(
            "补打须填写原因（200 字内）",
            "A reprint needs a reason, of 200 characters at most",
        );
        let notice = Some((StatusCode::UNPROCESSABLE_ENTITY, text.to_owned()));
        return one_page(&web, l, signed, order, notice).await;
    }
    let tickets = match again {
        Some(ticket) => file.tickets.iter().filter(|t| t.id == ticket).map(|t| t.id).collect(),
        None => paper::unprinted(&file.tickets),
    };
    let printed =
        paper::print(&web, l, &paper.printer, tickets, (&signed.name, &paper.reason)).await?;
    one_page(&web, l, signed, order, Some((printed.status, printed.text))).await
}

// ---- what was bought online --------------------------------------------------------------------------

#[derive(Deserialize)]
pub(in crate::http) struct Wanted {
    code: String,
}

/// A pick-up code, or the number of the visitor's document, which the operator has seen.
pub(in crate::http) async fn collect(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
    Form(wanted): Form<Wanted>,
) -> Result<Response, ApiError> {
    let found = match order::by_pickup(&web, &wanted.code).await? {
        Some(order) => Some(order),
        None => of_visitor(&web, &wanted.code).await?,
    };
    if let Some(order) = found {
        return Ok(Redirect::to(&format!("/console/window/o/{order}")).into_response());
    }
    let wrong = l.say("没有找到订单，请核对取票码或证件号", "No order has this code or number");
    show(&web, l, signed, &Fields::default(), wrong.to_owned()).await
}

/// The order of the next visit of whoever has this number.
pub(in crate::http) async fn of_visitor(
    web: &Web,
    number: &str,
) -> Result<Option<OrderId>, ApiError> {
    let (codes, records) = super::office(web)?;
    let Ok(visitor) = codes.visitor("-", number) else { return Ok(None) };
    let tickets = records.of_visitor(visitor.digest, web.desk.now()).await?;
    let live = tickets.iter().find(|ticket| !ticket.revoked);
    Ok(live.and_then(|ticket| ticket.sold.as_ref()).map(|sold| sold.order))
}
