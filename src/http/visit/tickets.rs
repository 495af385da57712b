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
    cards,
    change::{self, Going},
    named, order,
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
    types::{DeviceId, Money, TicketId},
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
    let page = OrdersPage { f: Frame::new(&web, l, &signed), orders, typed, wrong };
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
    /// Persons who have not come in, and what goes back for them by the rules.
    left: u32,
    going: Option<Going>,
    key: String,
    notice: Option<(bool, String)>,
}

impl FilePage {
    /// What the site kept of persons who went back.
    fn kept(&self) -> Option<Money> {
        let sold = self.ticket.sold.as_ref().filter(|sold| sold.kept_minor > 0)?;
        Some(Money::new(sold.kept_minor, sold.price.currency))
    }

    fn state(&self, admission: &Admission) -> &'static str {
        words::admission_state(self.f.l, admission.state)
    }

    fn act(&self, row: &Row) -> String {
        let Change::TicketActed(acted) = &row.change else { return String::new() };
        let did = words::ticket_did(self.f.l, acted.did);
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

pub(in crate::http) async fn show(
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
        f: Frame::new(web, l, &signed),
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
        left: ticket.persons.saturating_sub(ticket.used),
        going: change::going(&rules, &ticket, now),
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
    /// Of a group that goes back; default: all who have not come in.
    #[serde(default)]
    persons: String,
    /// `against`: whatever the rules say, for the reason.
    #[serde(default)]
    rules: String,
}

/// Whatever the rules say needs a reason; so does what the rules do not speak of.
pub(in crate::http) fn asker(
    l: Lang,
    who: &str,
    (rules, reason): (&str, &str),
) -> Result<Asker, String> {
    let reason = reason.trim();
    let against = rules == "against";
    if against && reason.is_empty() || reason.chars().count() > REASON_CHARS_MAX {
        let text = l.say("请填写原因（200 字内）", "Give a reason, of 200 characters at most");
        return Err(text.to_owned());
    }
    let against_rules = against.then(|| reason.to_owned());
    Ok(Asker::Operator { who: who.to_owned(), against_rules })
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
    // A revocation is by no rule.
    let rules = if what == "revoke" { "against" } else { given.rules.as_str() };
    let by = match asker(l, &signed.name, (rules, &given.reason)) {
        Ok(by) => by,
        Err(wrong) => return show(&web, l, signed, id, Some((false, wrong))).await,
    };
    let ticket = page::by_id(&web, id).await?;
    let (who, reason) = (signed.name.clone(), given.reason.trim().to_owned());
    let input = match what.as_str() {
        "revoke" => Input::TicketRevoked { ticket: id, by: format!("{who}: {reason}") },
        "return" => {
            let left = ticket.persons.saturating_sub(ticket.used).saturating_sub(ticket.held);
            let persons = given.persons.trim().parse().unwrap_or(left);
            Input::TicketsReturned(ReturnAsked {
                key: given.key,
                tickets: vec![Back { ticket: id, persons, of: ticket.persons }],
                bought: change::bought(&web, std::slice::from_ref(&ticket)).await?,
                by,
            })
        }
        "rename" => {
            let done = change::rename_by(&web, id, (&given.name, &given.number), by).await;
            let notice = match done {
                Ok(()) => (true, l.say("已完成", "Done").to_owned()),
                Err(wrong) => (false, wrong.text(l)),
            };
            return show(&web, l, signed, id, Some(notice)).await;
        }
        _ => return Err(ApiError::NotFound),
    };
    let told = web.desk.tell(input).await?;
    tracing::info!(ticket = %id, what, operator = who, done = told.is_ok(), "an operator changed a ticket");
    let notice = match told {
        Ok(answer) => (true, done_words(l, &answer)),
        Err(refusal) => (false, words::refusal(l, &refusal)),
    };
    show(&web, l, signed, id, Some(notice)).await
}

pub(in crate::http) fn done_words(l: Lang, answer: &Answer) -> String {
    match answer {
        Answer::Returned(returned) if !returned.waits.is_zero() => {
            let words = l.say(
                "已退，现金须复核后在窗口领取",
                "Returned; fetched at the window with a second person:",
            );
            format!("{words} {}", returned.waits)
        }
        Answer::Returned(returned) if !returned.cash.is_zero() => {
            format!("{} {}", l.say("请付现金", "Hand over in cash:"), returned.cash)
        }
        Answer::Returned(returned) => {
            let words = l.say("已退，款项原路退回", "Returned; on its way back:");
            format!("{words} {}", returned.back)
        }
        _ => l.say("已完成", "Done").to_owned(),
    }
}

#[derive(Deserialize)]
pub(in crate::http) struct Curious {
    #[serde(default)]
    reason: String,
}

/// A visitor's name and number in full, for a reason that is on record before they are opened.
pub(in crate::http) async fn name(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
    Path(id): Path<i64>,
    Form(Curious { reason }): Form<Curious>,
) -> Result<Response, ApiError> {
    let (codes, records) = super::office(&web)?;
    let id = TicketId(id);
    let ticket = page::by_id(&web, id).await?;
    let visitor = ticket.visitor.clone().ok_or(ApiError::NotFound)?;
    if reason.chars().count() > REASON_CHARS_MAX {
        let text = l.say("请填写原因（200 字内）", "Give a reason, of 200 characters at most");
        return show(&web, l, signed, id, Some((false, text.to_owned()))).await;
    }
    let who = signed.name.clone();
    let shown = Input::VisitorShown { ticket: Box::new(ticket), who, reason };
    if let Err(refusal) = web.desk.tell(shown).await? {
        let notice = (false, words::refusal(l, &refusal));
        return show(&web, l, signed, id, Some(notice)).await;
    }
    tracing::info!(ticket = %id, operator = signed.name, "a visitor's name was opened");
    let kept = records.kept_visitor(visitor.digest).await?;
    let opened = kept.and_then(|sealed| codes.unseal(&visitor, &sealed));
    let gone = l.say(
        "姓名和证件号已按保存期限删除，或密钥已不在",
        "Name and number are deleted after their time, or their key is gone",
    );
    let notice = opened
        .map_or((false, gone.to_owned()), |(name, number)| (true, format!("{name} · {number}")));
    show(&web, l, signed, id, Some(notice)).await
}
