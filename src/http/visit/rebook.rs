//! A ticket moved to another day or time by an operator: by the rules, or against them for a reason. The core decides.

use askama::Template;
use axum::{
    Form,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{Html, IntoResponse, Redirect, Response},
};
use jiff::civil::Date;
use serde::Deserialize;

use super::{
    buy::fresh_key,
    change, named,
    offer::{Choice, Seller},
    page, tickets,
};
use crate::{
    core::{Answer, Input, selling::MoveAsked, ticket::Ticket},
    http::{
        console::Frame,
        error::ApiError,
        router::{Shared, Web},
        signin::Signed,
        words::{self, Lang},
    },
    types::{CounterId, SlotId, TicketId},
};

/// The counter that the window is.
const COUNTER: &str = "window";

#[derive(Template)]
#[template(path = "ticket-move.html", config = "src/http/askama.toml")]
struct MovePage {
    f: Frame,
    visit_css: String,
    id: TicketId,
    product: String,
    when: String,
    day: Date,
    needs_slot: bool,
    choices: Vec<Choice>,
    key: String,
    wrong: String,
}

#[derive(Deserialize)]
pub(in crate::http) struct Asked {
    #[serde(default)]
    day: String,
}

pub(in crate::http) async fn form(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
    Path(id): Path<i64>,
    Query(asked): Query<Asked>,
) -> Result<Response, ApiError> {
    super::office(&web)?;
    let ticket = page::by_id(&web, TicketId(id)).await?;
    show(&web, l, signed, &ticket, asked.day.parse().ok(), String::new()).await
}

async fn show(
    web: &Web,
    l: Lang,
    signed: Signed,
    ticket: &Ticket,
    day: Option<Date>,
    wrong: String,
) -> Result<Response, ApiError> {
    let sold = ticket.sold.as_ref().ok_or(ApiError::NotFound)?;
    let (rules, seller) = (web.desk.rules(), Seller::new(web, COUNTER)?);
    let day = day.unwrap_or_else(|| ticket.valid_from.to_zoned_datetime(rules.zone.clone()).date());
    let known = rules.shop.products.get(&sold.product);
    let schedule = known.and_then(|product| product.schedule.clone());
    let choices = match schedule.clone() {
        None => Vec::new(),
        Some(schedule) => {
            let rules = rules.clone();
            let see = move |state: &crate::core::State| seller.choices(state, &rules, day);
            web.desk.read(see).await?.remove(&schedule).unwrap_or_default()
        }
    };
    let page = MovePage {
        f: Frame::new(web, l, &signed),
        visit_css: web.assets.visit_css_path().to_owned(),
        id: ticket.id,
        product: named::ticket(&rules, l, ticket),
        when: named::when(&rules, l, ticket),
        day,
        needs_slot: schedule.is_some(),
        choices,
        key: fresh_key()?,
        wrong,
    };
    let status = if page.wrong.is_empty() { StatusCode::OK } else { StatusCode::CONFLICT };
    Ok((status, Html(page.render()?)).into_response())
}

#[derive(Deserialize)]
pub(in crate::http) struct MoveTo {
    key: String,
    day: Date,
    #[serde(default)]
    slot: String,
    /// `against`: whatever the rules say, for the reason.
    #[serde(default)]
    rules: String,
    #[serde(default)]
    reason: String,
}

pub(in crate::http) async fn to(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
    Path(id): Path<i64>,
    Form(to): Form<MoveTo>,
) -> Result<Response, ApiError> {
    super::office(&web)?;
    let ticket = page::by_id(&web, TicketId(id)).await?;
    let by = match tickets::asker(l, &signed.name, (&to.rules, &to.reason)) {
        Ok(by) => by,
        Err(wrong) => return show(&web, l, signed, &ticket, Some(to.day), wrong).await,
    };
    let asked = MoveAsked {
        counter: CounterId::parse(COUNTER).ok_or(ApiError::Internal)?,
        key: to.key,
        tickets: vec![ticket.id],
        day: to.day,
        slot: SlotId::parse(&to.slot),
        bought: change::bought(&web, std::slice::from_ref(&ticket)).await?,
        by,
    };
    let told = web.desk.tell(Input::TicketsMoved(asked)).await?;
    tracing::info!(ticket = %ticket.id, operator = signed.name, done = told.is_ok(), "an operator moved a ticket");
    match told {
        // It costs more: it moves once that is paid.
        Ok(Answer::Order(more)) => {
            Ok(Redirect::to(&format!("/console/window/o/{more}")).into_response())
        }
        Ok(answer) => {
            let notice = (true, tickets::done_words(l, &answer));
            tickets::show(&web, l, signed, ticket.id, Some(notice)).await
        }
        Err(refusal) => {
            let wrong = words::refusal(l, &refusal);
            show(&web, l, signed, &ticket, Some(to.day), wrong).await
        }
    }
}
