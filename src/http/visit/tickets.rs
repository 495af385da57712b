//! Orders of tickets and one ticket's file for operators: what became of it, and changing it with a reason. Decides
//! nothing.

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
    cards, change, named, order,
    page::{self, Stand},
    window,
};
use crate::{
    core::{
        Answer, Change, Input, State as Known,
        card::Card,
        money::Order,
        selling::{Asker, Back, ReturnAsked},
        ticket::{Admission, Ticket},
    },
    http::{
        console::Frame,
        error::ApiError,
        operate::REASON_CHARS_MAX,
        ports::Row,
        router::{Shared, Web},
        signin::Signed,
        words::{self, Lang},
    },
    types::{DeviceId, TicketId},
};

const ORDERS_MAX: u32 = 100;

// ---- the list --------------------------------------------------------------------------------------

#[derive(Template)]
#[template(path = "ticket-orders.html", config = "src/http/askama.toml")]
struct OrdersPage {
    f: Frame,
    orders: Vec<Order>,
    typed: String,
    wrong: Option<&'static str>,
}

impl OrdersPage {
    fn state(&self, order: &Order) -> String {
        words::order_state(self.f.l, &order.state)
    }
}

#[derive(Deserialize)]
pub(in crate::http) struct Sought {
    #[serde(default)]
    q: String,
}

/// `q`: a ticket's number, a pick-up code, or the number of a visitor's document.
pub(in crate::http) async fn list(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
    Query(Sought { q }): Query<Sought>,
) -> Result<Response, ApiError> {
    let (_, records) = super::office(&web)?;
    let typed = q.trim().to_owned();
    let mut wrong = None;
    if !typed.is_empty() {
        if let Some(order) = order::by_pickup(&web, &typed).await? {
            return Ok(Redirect::to(&format!("/console/window/o/{order}")).into_response());
        }
        let id = typed.parse().ok().map(TicketId);
        if let Some(id) = id
            && page::by_id(&web, id).await.is_ok()
        {
            return Ok(Redirect::to(&format!("/console/tickets/{id}")).into_response());
        }
        if let Some(order) = window::of_visitor(&web, &typed).await? {
            return Ok(Redirect::to(&format!("/console/window/o/{order}")).into_response());
        }
        wrong = Some(l.say("没有找到", "Nothing is called so"));
    }
    let orders = records.orders(ORDERS_MAX).await?;
    let page = OrdersPage { f: Frame::new(&web, l, signed.name), orders, typed, wrong };
    Ok(Html(page.render()?).into_response())
}

// ---- one ticket --------------------------------------------------------------------------------------

#[derive(Template)]
#[template(path = "ticket-file.html", config = "src/http/askama.toml")]
struct FilePage {
    f: Frame,
    ticket: Ticket,
    product: String,
    when: String,
    areas: String,
    tag: String,
    /// Of the page that its holder sees.
    token: String,
    admissions: Vec<Admission>,
    acts: Vec<Row>,
    /// Those that stand for it.
    cards: Vec<Card>,
    /// Readers at which a card was held a moment ago.
    readers: Vec<(DeviceId, i64)>,
    is_changeable: bool,
    key: String,
    notice: Option<(bool, String)>,
}

impl FilePage {
    fn state(&self, admission: &Admission) -> &'static str {
        words::admission_state(self.f.l, admission.state)
    }

    fn act(&self, row: &Row) -> String {
        let Change::TicketActed(acted) = &row.change else { return String::new() };
        let l = self.f.l;
        let did = match acted.did.name() {
            "printed" => l.say("打印", "printed"),
            "reprinted" => l.say("补打", "printed again"),
            "returned" => l.say("退票", "returned"),
            "moved" => l.say("改期", "moved"),
            _ => l.say("改名", "given another name"),
        };
        let reason =
            if acted.reason.is_empty() { String::new() } else { format!(": {}", acted.reason) };
        format!("{did} · {}{reason}", acted.who)
    }
}

pub(in crate::http) async fn one(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
    Path(id): Path<i64>,
) -> Result<Response, ApiError> {
    show(&web, l, signed, TicketId(id), None).await
}

pub(super) async fn show(
    web: &Web,
    l: Lang,
    signed: Signed,
    id: TicketId,
    notice: Option<(bool, String)>,
) -> Result<Response, ApiError> {
    let (_, records) = super::office(web)?;
    let (rules, now) = (web.desk.rules(), web.desk.now());
    let ticket = page::by_id(web, id).await?;
    let past = records.past(id).await?;
    let of = move |state: &Known| {
        state.cards.values().filter(|card| card.ticket == id).cloned().collect::<Vec<_>>()
    };
    let cards = web.desk.read(of).await?;
    let readers = cards::held(web, now).into_iter().map(|(reader, _, ago_s)| (reader, ago_s));
    let stand = Stand::of(&ticket, now, &rules.zone);
    let page = FilePage {
        f: Frame::new(web, l, signed.name),
        product: named::ticket(&rules, l, &ticket),
        when: named::when(&rules, l, &ticket),
        areas: named::areas(&rules, &ticket),
        tag: order::tag(l, &ticket, &stand),
        token: web.links.ticket_token(id),
        admissions: past.admissions,
        acts: past.acts,
        cards,
        readers: readers.collect(),
        is_changeable: matches!(stand, Stand::Open | Stand::Paper),
        key: fresh_key()?,
        ticket,
        notice,
    };
    let status = match &page.notice {
        Some((false, _)) => StatusCode::CONFLICT,
        _ => StatusCode::OK,
    };
    Ok((status, Html(page.render()?)).into_response())
}

#[derive(Deserialize)]
pub(in crate::http) struct Changed {
    #[serde(default)]
    reason: String,
    #[serde(default)]
    key: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    number: String,
}

/// `revoke`, `return` or `rename`.
pub(in crate::http) async fn act(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
    Path((id, what)): Path<(i64, String)>,
    Form(given): Form<Changed>,
) -> Result<Response, ApiError> {
    let id = TicketId(id);
    let reason = given.reason.trim().to_owned();
    if reason.is_empty() || reason.chars().count() > REASON_CHARS_MAX {
        let text = l.say("请填写原因（200 字内）", "Give a reason, of 200 characters at most");
        return show(&web, l, signed, id, Some((false, text.to_owned()))).await;
    }
    let ticket = page::by_id(&web, id).await?;
    let who = signed.name.clone();
    let by = Asker::Operator { who: who.clone(), against_rules: Some(reason.clone()) };
    let input = match what.as_str() {
        "revoke" => Input::TicketRevoked { ticket: id, by: format!("{who}: {reason}") },
        "return" => {
            let left = ticket.persons.saturating_sub(ticket.used).saturating_sub(ticket.held);
            Input::TicketsReturned(ReturnAsked {
                key: given.key,
                tickets: vec![Back { ticket: id, persons: left, of: ticket.persons }],
                bought: change::bought(&web, std::slice::from_ref(&ticket)).await?,
                by,
            })
        }
        "rename" => {
            let visitor = super::sealed(&web, &given.name, &given.number)?;
            Input::TicketRenamed { ticket: id, visitor, by }
        }
        _ => return Err(ApiError::NotFound),
    };
    let told = web.desk.tell(input).await?;
    tracing::info!(ticket = %id, what, operator = who, done = told.is_ok(), "an operator changed a ticket");
    let notice = match told {
        Ok(Answer::Returned(returned)) if !returned.cash.is_zero() => {
            (true, format!("{} {}", l.say("请付现金", "Hand over in cash:"), returned.cash))
        }
        Ok(Answer::Returned(returned)) => (
            true,
            format!(
                "{} {}",
                l.say("已退，款项原路退回", "Returned; on its way back:"),
                returned.back
            ),
        ),
        Ok(_) => (true, l.say("已完成", "Done").to_owned()),
        Err(refusal) => (false, words::refusal(l, &refusal)),
    };
    show(&web, l, signed, id, Some(notice)).await
}
