//! One order of tickets, for whoever holds its link: held and to be paid, or its tickets. The bank is reached through the
//! order's page to pay.

use askama::Template;
use axum::{
    Form, Json,
    extract::{Path, State},
    http::StatusCode,
    response::{Html, IntoResponse, Redirect, Response},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    buy::COUNTER,
    change::{self, Changes},
    named,
    page::{self, Stand},
};
use crate::{
    core::{
        Input, Rules,
        basket::{Basket, Line},
        money::{Order, OrderState, Payment},
        ticket::Ticket,
    },
    http::{
        error::ApiError,
        guard::Source,
        ops,
        router::{Shared, Web},
        words::{self, Lang},
    },
    types::{OrderId, TicketId},
};

/// How an order stands, as its buyer should see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::http) enum Stage {
    /// Places are held for so many seconds more.
    Held(i64),
    /// Paid: its tickets are there.
    Bought,
    /// Nobody paid in time, or it was given up. `true`: money that came late goes back.
    Over(bool),
}

impl Stage {
    fn of(order: &Order, payments: &[Payment], now: Timestamp) -> Self {
        let until = order.sale.as_ref().and_then(|sale| sale.open_until);
        match order.state {
            OrderState::Due => {
                Self::Held(until.map_or(0, |until| until.duration_since(now).as_secs().max(0)))
            }
            OrderState::Paid { .. } => Self::Bought,
            OrderState::Void | OrderState::Waived { .. } | OrderState::Unpaid => Self::Over(
                payments.iter().any(|p| p.state.is_undecided() || p.state.name() == "paid"),
            ),
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Held(_) => "held",
            Self::Bought => "bought",
            Self::Over(false) => "over",
            Self::Over(true) => "late",
        }
    }
}

/// A ticket in the list.
pub(in crate::http) struct Row {
    pub(in crate::http) ticket: Ticket,
    pub(in crate::http) token: String,
    pub(in crate::http) product: String,
    pub(in crate::http) when: String,
    pub(in crate::http) tag: String,
    pub(in crate::http) is_good: bool,
}

/// An order with all its page shows.
pub(in crate::http) struct File {
    pub(in crate::http) order: Order,
    pub(in crate::http) basket: Basket,
    pub(in crate::http) payments: Vec<Payment>,
    pub(in crate::http) tickets: Vec<Ticket>,
}

impl File {
    /// One that was moved has its tickets by another order.
    pub(in crate::http) fn ids(basket: &Basket) -> &[TicketId] {
        if basket.moves.is_empty() { &basket.tickets } else { &basket.moves }
    }

    pub(in crate::http) async fn of(web: &Web, id: OrderId) -> Result<Self, ApiError> {
        let (order, payments) = web.records.order(id).await?.ok_or(ApiError::NotFound)?;
        let basket = order.basket.clone().ok_or(ApiError::NotFound)?;
        let mut tickets = Vec::with_capacity(Self::ids(&basket).len());
        if matches!(order.state, OrderState::Paid { .. }) {
            for id in Self::ids(&basket) {
                tickets.push(page::by_id(web, *id).await?);
            }
        }
        Ok(Self { order, basket, payments, tickets })
    }

    pub(in crate::http) async fn of_token(web: &Web, token: &str) -> Result<Self, ApiError> {
        super::office(web)?;
        Self::of(web, web.links.visit(token).ok_or(ApiError::NotFound)?).await
    }
}

pub(in crate::http) fn rows(web: &Web, rules: &Rules, l: Lang, tickets: &[Ticket]) -> Vec<Row> {
    let now = web.desk.now();
    let row = |ticket: &Ticket| {
        let stand = Stand::of(ticket, now, &rules.zone);
        Row {
            token: web.links.ticket_token(ticket.id),
            product: named::ticket(rules, l, ticket),
            when: named::when(rules, l, ticket),
            tag: tag(l, ticket, &stand),
            is_good: matches!(stand, Stand::Open),
            ticket: ticket.clone(),
        }
    };
    tickets.iter().map(row).collect()
}

pub(super) fn tag(l: Lang, ticket: &Ticket, stand: &Stand) -> String {
    match stand {
        Stand::Open if ticket.used > 0 && ticket.persons > 1 => {
            format!("{} {}/{}", l.say("已入", "in:"), ticket.used, ticket.persons)
        }
        Stand::Open => l.say("可使用", "Ready").to_owned(),
        Stand::Paper if ticket.is_printed() => l.say("纸质票", "On paper").to_owned(),
        Stand::Paper => l.say("待取纸质票", "To be printed").to_owned(),
        Stand::Used(None) => l.say("已使用", "Used").to_owned(),
        Stand::Used(Some(at)) => format!("{} {at}", l.say("已使用", "Used")),
        Stand::Late => l.say("已过期", "Over").to_owned(),
        Stand::Returned => l.say("已退票", "Returned").to_owned(),
    }
}

#[derive(Template)]
#[template(path = "visit-order.html", config = "src/http/askama.toml")]
struct OrderPage<'a> {
    l: Lang,
    css: &'a str,
    js: &'a str,
    rules: &'a Rules,
    here: String,
    order: &'a Order,
    lines: &'a [Line],
    stage: Stage,
    /// Of the page to pay, and of the invoice.
    pay: String,
    invoices: bool,
    rows: Vec<Row>,
    pickup: Option<String>,
    changes: Changes,
    notice: Option<(bool, String)>,
}

impl OrderPage<'_> {
    fn key(&self) -> String {
        key(&self.stage)
    }

    fn product(&self, line: &Line) -> String {
        named::product(self.rules, self.l, &line.product)
    }

    fn when(&self, line: &Line) -> String {
        let span = line.slot.as_ref().and_then(|id| named::slot(self.rules, id));
        let clock = span.map(|(_, _, span)| named::span(&span)).unwrap_or_default();
        format!("{} {clock}", named::day(self.l, line.day))
    }

    #[expect(clippy::unused_self, reason = "templates ask the page")]
    fn cost(&self, line: &Line) -> crate::types::Money {
        crate::types::Money::new(line.price.minor * i64::from(line.tickets), line.price.currency)
    }
}

fn key(stage: &Stage) -> String {
    stage.name().to_owned()
}

pub(in crate::http) async fn page(
    State(web): State<Shared>,
    l: Lang,
    source: Source,
    Path(token): Path<String>,
) -> Result<Response, ApiError> {
    let file = File::of_token(&web, &token).await?;
    if matches!(file.order.state, OrderState::Paid { .. }) {
        web.holds.forget(source);
    }
    show(&web, l, &token, &file, None)
}

pub(in crate::http) fn show(
    web: &Web,
    l: Lang,
    token: &str,
    file: &File,
    notice: Option<(bool, String)>,
) -> Result<Response, ApiError> {
    let (codes, _) = super::office(web)?;
    let (rules, now) = (web.desk.rules(), web.desk.now());
    let stage = Stage::of(&file.order, &file.payments, now);
    let bought = stage == Stage::Bought;
    let page = OrderPage {
        l,
        css: ops::VISIT_CSS,
        js: ops::VISIT_JS,
        here: format!("/visit/o/{token}"),
        lines: &file.basket.lines,
        pay: web.links.token(file.order.id),
        invoices: web.invoices.is_some() && bought && !file.order.amount.is_zero(),
        rows: rows(web, &rules, l, &file.tickets),
        pickup: if bought { codes.pickup(&file.order) } else { None },
        changes: change::allowed(&rules, &file.order, &file.tickets, now)?,
        order: &file.order,
        rules: &rules,
        stage,
        notice,
    };
    let status = match &page.notice {
        Some((false, _)) => StatusCode::CONFLICT,
        _ => StatusCode::OK,
    };
    let mut response = (status, Html(page.render()?)).into_response();
    super::policy(response.headers_mut(), web.assets.visit_csp());
    Ok(response)
}

#[derive(Serialize)]
struct StateBody {
    key: String,
}

/// What the open page asks while it waits.
pub(in crate::http) async fn state(
    State(web): State<Shared>,
    Path(token): Path<String>,
) -> Result<Response, ApiError> {
    let id = web.links.visit(&token).ok_or(ApiError::NotFound)?;
    let (order, payments) = web.records.order(id).await?.ok_or(ApiError::NotFound)?;
    let stage = Stage::of(&order, &payments, web.desk.now());
    Ok(Json(StateBody { key: key(&stage) }).into_response())
}

/// The places are free for others at once.
pub(in crate::http) async fn cancel(
    State(web): State<Shared>,
    l: Lang,
    Path(token): Path<String>,
) -> Result<Response, ApiError> {
    let file = File::of_token(&web, &token).await?;
    let sale = file.order.sale.as_ref().filter(|sale| sale.counter.as_str() == COUNTER);
    let counter = sale.map(|sale| sale.counter.clone()).ok_or(ApiError::NotFound)?;
    match web.desk.tell(Input::SaleCancelled { counter, order: file.order.id }).await? {
        Ok(_) => Ok(Redirect::to(&format!("/visit/o/{token}")).into_response()),
        Err(refusal) => show(&web, l, &token, &file, Some((false, words::refusal(l, &refusal)))),
    }
}

// ---- found again by its pick-up code ---------------------------------------------------------------

#[derive(Template)]
#[template(path = "visit-find.html", config = "src/http/askama.toml")]
struct FindPage<'a> {
    l: Lang,
    css: &'a str,
    site: &'a str,
    typed: &'a str,
    wrong: String,
}

pub(in crate::http) async fn find_form(
    State(web): State<Shared>,
    l: Lang,
) -> Result<Response, ApiError> {
    super::office(&web)?;
    find_page(&web, l, "", String::new())
}

fn find_page(web: &Web, l: Lang, typed: &str, wrong: String) -> Result<Response, ApiError> {
    let rules = web.desk.rules();
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let page = FindPage { l, css: ops::VISIT_CSS, site: &rules.site_name, typed, wrong };
    let mut response = (status, Html(page.render()?)).into_response();
    super::policy(response.headers_mut(), web.assets.visit_csp());
    Ok(response)
}

#[derive(Deserialize)]
pub(in crate::http) struct Typed {
    code: String,
}

/// Each try counts: a code that is typed is short enough to be guessed.
pub(in crate::http) async fn find(
    State(web): State<Shared>,
    l: Lang,
    source: Source,
    Form(typed): Form<Typed>,
) -> Result<Response, ApiError> {
    let now = web.desk.now();
    if let Err(error) = web.codes.may_try(source, now) {
        return find_page(&web, l, &typed.code, error.text(l));
    }
    web.codes.count(source, now);
    if let Some(order) = by_pickup(&web, &typed.code).await? {
        web.codes.forget(source);
        let token = web.links.visit_token(order);
        return Ok(Redirect::to(&format!("/visit/o/{token}")).into_response());
    }
    let wrong = l.say("没有这个取票码，请检查", "No order has this code; check it");
    find_page(&web, l, &typed.code, wrong.to_owned())
}

/// The paid order with this pick-up code.
pub(in crate::http) async fn by_pickup(
    web: &Web,
    typed: &str,
) -> Result<Option<OrderId>, ApiError> {
    let (codes, records) = super::office(web)?;
    let Some(digest) = codes.pickup_digest(typed) else { return Ok(None) };
    let known = web
        .desk
        .read(move |state| {
            let order = state.order_of_pickup(&digest)?;
            matches!(order.state, OrderState::Paid { .. }).then_some(order.id)
        })
        .await?;
    if known.is_some() {
        return Ok(known);
    }
    let found = records.order_of_pickup(digest).await?;
    let paid = found.filter(|order| matches!(order.state, OrderState::Paid { .. }));
    Ok(paid.map(|order| order.id))
}
