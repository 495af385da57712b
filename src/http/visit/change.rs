//! Changing one's mind: what the rules allow an order's holder, and asking for it. The core decides by the same rules.

use askama::Template;
use axum::{
    Form,
    extract::{Path, Query, State},
    response::{Html, IntoResponse, Redirect, Response},
};
use jiff::{Timestamp, civil::Date};
use serde::Deserialize;

use super::{
    buy::{COUNTER, fresh_key},
    named,
    offer::{Choice, Day, Seller},
    order::{self, File},
    wish::Fields,
};
use crate::{
    core::{
        Answer, Input, Rules,
        money::{Order, OrderState},
        selling::{Asker, Back, Bought, MoveAsked, ReturnAsked},
        ticket::Ticket,
    },
    http::{
        error::ApiError,
        ops,
        router::{Shared, Web},
        words::{self, Lang},
    },
    types::{CounterId, Money, OrderId, SlotId, TicketId},
};

/// What whoever holds the order's link may do now.
#[derive(Clone, Debug, Default)]
pub(in crate::http) struct Changes {
    /// Tickets that go back.
    pub(in crate::http) back: Vec<Going>,
    /// Tickets that can be moved.
    pub(in crate::http) movable: Vec<TicketId>,
    /// Tickets that may be given to somebody else, with the name that is on each.
    pub(in crate::http) renamable: Vec<(TicketId, String)>,
    /// Of the form.
    pub(in crate::http) key: String,
}

/// A ticket that goes back, or some persons of it.
#[derive(Clone, Debug)]
pub(in crate::http) struct Going {
    pub(in crate::http) ticket: TicketId,
    pub(in crate::http) when: String,
    /// Persons who have not come in.
    pub(in crate::http) left: u32,
    /// What goes back for all of them.
    pub(in crate::http) money: Money,
}

/// What goes back now for persons who have not come in, by the rules; `None`: nobody may go back.
pub(in crate::http) fn going(rules: &Rules, ticket: &Ticket, now: Timestamp) -> Option<Going> {
    let sold = ticket.sold.as_ref()?;
    let product = rules.shop.products.get(&sold.product)?;
    let left = ticket.persons.saturating_sub(ticket.used);
    let is_good = !ticket.revoked && !ticket.expired && now < ticket.valid_until;
    if !is_good || ticket.held > 0 || left == 0 {
        return None;
    }
    let percent = product.refund_percent(begins(rules, ticket), now)?;
    let part = i128::from(sold.price.minor) * i128::from(left) / i128::from(ticket.persons.max(1));
    let minor = (part * i128::from(percent) + 50) / 100;
    Some(Going {
        ticket: ticket.id,
        when: named::when(rules, Lang::Zh, ticket),
        left,
        money: Money::new(minor as i64, sold.price.currency),
    })
}

pub(in crate::http) fn allowed(
    rules: &Rules,
    order: &Order,
    tickets: &[Ticket],
    now: Timestamp,
) -> Result<Changes, ApiError> {
    let mut changes = Changes { key: fresh_key()?, ..Changes::default() };
    if !matches!(order.state, OrderState::Paid { .. }) {
        return Ok(changes);
    }
    changes.back = tickets.iter().filter_map(|ticket| going(rules, ticket, now)).collect();
    for ticket in tickets.iter().filter(|t| is_untouched(t, now)) {
        let Some(sold) = &ticket.sold else { continue };
        let Some(product) = rules.shop.products.get(&sold.product) else { continue };
        if product.may_move(begins(rules, ticket), now, sold.moved) {
            changes.movable.push(ticket.id);
        }
        if product.rename && product.named.is_some() {
            let name = ticket.visitor.as_ref().map(|visitor| visitor.name.clone());
            changes.renamable.push((ticket.id, name.unwrap_or_default()));
        }
    }
    Ok(changes)
}

fn is_untouched(ticket: &Ticket, now: Timestamp) -> bool {
    !ticket.revoked
        && !ticket.expired
        && ticket.used == 0
        && ticket.held == 0
        && now < ticket.valid_until
}

/// When its visit begins: its time slot, or its day.
fn begins(rules: &Rules, ticket: &Ticket) -> Timestamp {
    let slot = ticket.sold.as_ref().and_then(|sold| sold.slot.as_ref());
    let found = slot.and_then(|id| named::slot(rules, id));
    let exact = found
        .and_then(|(_, day, span)| crate::core::product::begins(day, Some(&span), &rules.zone));
    exact.unwrap_or(ticket.valid_from)
}

/// The orders of these tickets, each with what paid it.
pub(in crate::http) async fn bought(
    web: &Web,
    tickets: &[Ticket],
) -> Result<Vec<Bought>, ApiError> {
    let mut ids: Vec<OrderId> = Vec::new();
    for sold in tickets.iter().filter_map(|ticket| ticket.sold.as_ref()) {
        ids.push(sold.order);
        ids.extend(sold.more.iter().map(|more| more.order));
    }
    ids.sort_unstable();
    ids.dedup();
    let (_, records) = super::office(web)?;
    let mut all = Vec::with_capacity(ids.len());
    for id in ids {
        all.push(records.bought(id).await?.ok_or(ApiError::NotFound)?);
    }
    Ok(all)
}

// ---- returning -----------------------------------------------------------------------------------

/// `ticket` may stand several times; `persons-TICKET`: so many of a group.
pub(in crate::http) async fn give_back(
    State(web): State<Shared>,
    l: Lang,
    Path(token): Path<String>,
    Form(pairs): Form<Vec<(String, String)>>,
) -> Result<Response, ApiError> {
    let file = File::of_token(&web, &token).await?;
    let chosen: Vec<Ticket> = picked(&pairs, &file.tickets);
    if chosen.is_empty() {
        let text = l.say("请勾选要退的票", "Choose the tickets that go back").to_owned();
        return order::show(&web, l, &token, &file, Some((false, text)));
    }
    let fields = Fields::new(pairs);
    let back = |t: &Ticket| {
        let left = t.persons.saturating_sub(t.used);
        let some = fields.get(&format!("persons-{}", t.id)).parse().unwrap_or(left);
        Back { ticket: t.id, persons: some, of: t.persons }
    };
    let asked = ReturnAsked {
        key: fields.get("key").to_owned(),
        tickets: chosen.iter().map(back).collect(),
        bought: bought(&web, &chosen).await?,
        by: Asker::Visitor,
    };
    let told = web.desk.tell(Input::TicketsReturned(asked)).await?;
    tracing::info!(order = %file.order.id, done = told.is_ok(), "tickets were returned by link");
    let notice = match told {
        Ok(Answer::Returned(returned)) => {
            let words = l.say("已退票，款项原路退回：", "Returned; on its way back:");
            (true, format!("{words} {}", returned.back))
        }
        Ok(_) => (true, l.say("已退票", "Returned").to_owned()),
        Err(refusal) => (false, words::refusal(l, &refusal)),
    };
    let file = File::of_token(&web, &token).await?;
    order::show(&web, l, &token, &file, Some(notice))
}

fn picked(pairs: &[(String, String)], tickets: &[Ticket]) -> Vec<Ticket> {
    let is = |ticket: &&Ticket| {
        pairs.iter().any(|(name, value)| name == "ticket" && *value == ticket.id.to_string())
    };
    tickets.iter().filter(is).cloned().collect()
}

// ---- another name ----------------------------------------------------------------------------------

#[derive(Deserialize)]
pub(in crate::http) struct Named {
    ticket: i64,
    name: String,
    number: String,
}

/// The ticket is for somebody else from now on; its code so far is worth nothing.
pub(in crate::http) async fn rename(
    State(web): State<Shared>,
    l: Lang,
    Path(token): Path<String>,
    Form(given): Form<Named>,
) -> Result<Response, ApiError> {
    let file = File::of_token(&web, &token).await?;
    let ticket = TicketId(given.ticket);
    if !file.tickets.iter().any(|known| known.id == ticket) {
        return Err(ApiError::NotFound);
    }
    let notice = match rename_by(&web, ticket, (&given.name, &given.number), Asker::Visitor).await {
        Ok(()) => (true, l.say("已改名，请打开新的门票", "Done: open the ticket anew").to_owned()),
        Err(wrong) => (false, wrong.text(l)),
    };
    let file = File::of_token(&web, &token).await?;
    order::show(&web, l, &token, &file, Some(notice))
}

/// Name and number are sealed before the core is asked.
pub(in crate::http) async fn rename_by(
    web: &Web,
    ticket: TicketId,
    (name, number): (&str, &str),
    by: Asker,
) -> Result<(), ApiError> {
    let visitor = super::sealed(web, name, number)?;
    super::keep(web, &visitor, name, number).await?;
    let told = web.desk.tell(Input::TicketRenamed { ticket, visitor, by }).await?;
    tracing::info!(%ticket, done = told.is_ok(), "a ticket was given another name");
    told.map(drop).map_err(ApiError::from)
}

// ---- moving --------------------------------------------------------------------------------------

#[derive(Template)]
#[template(path = "visit-move.html", config = "src/http/askama.toml")]
struct MovePage<'a> {
    l: Lang,
    css: &'a str,
    js: &'a str,
    site: &'a str,
    here: String,
    /// Each with whether it is chosen.
    rows: Vec<(order::Row, bool)>,
    days: Vec<Day>,
    day: Option<Date>,
    choices: Vec<Choice>,
    needs_slot: bool,
    key: String,
    wrong: String,
}

impl MovePage<'_> {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "templates hand out references")]
    fn date(&self, date: &Date) -> String {
        named::day(self.l, *date)
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "templates hand out references")]
    fn is_chosen(&self, date: &Date) -> bool {
        self.day == Some(*date)
    }
}

#[derive(Deserialize)]
pub(in crate::http) struct At {
    #[serde(default)]
    day: String,
}

pub(in crate::http) async fn move_form(
    State(web): State<Shared>,
    l: Lang,
    Path(token): Path<String>,
    Query(at): Query<At>,
) -> Result<Response, ApiError> {
    let file = File::of_token(&web, &token).await?;
    move_page(&web, l, &token, &file, at.day.parse().ok(), String::new()).await
}

async fn move_page(
    web: &Web,
    l: Lang,
    token: &str,
    file: &File,
    day: Option<Date>,
    wrong: String,
) -> Result<Response, ApiError> {
    let (rules, seller) = (web.desk.rules(), Seller::new(web, COUNTER)?);
    let changes = allowed(&rules, &file.order, &file.tickets, seller.now)?;
    let movable: Vec<Ticket> =
        file.tickets.iter().filter(|t| changes.movable.contains(&t.id)).cloned().collect();
    // Only tickets of one product move together.
    let product = movable.iter().find_map(|ticket| ticket.sold.as_ref()).map(|s| s.product.clone());
    let schedule = product.as_ref().and_then(|id| rules.shop.products.get(id)?.schedule.clone());
    let (days, choices) = {
        let (rules, seller, schedule) = (rules.clone(), seller.clone(), schedule.clone());
        let see = move |state: &crate::core::State| {
            let choices = day.map(|day| seller.choices(state, &rules, day)).unwrap_or_default();
            let of = schedule.and_then(|schedule| choices.get(&schedule).cloned());
            (seller.days(state, &rules), of.unwrap_or_default())
        };
        web.desk.read(see).await?
    };
    let rows = order::rows(web, &rules, l, &movable);
    let of_product =
        |row: &order::Row| row.ticket.sold.as_ref().map(|sold| &sold.product) == product.as_ref();
    let page = MovePage {
        l,
        css: ops::VISIT_CSS,
        js: ops::VISIT_JS,
        site: &rules.site_name,
        here: format!("/visit/o/{token}"),
        rows: rows
            .into_iter()
            .map(|row| {
                let chosen = of_product(&row);
                (row, chosen)
            })
            .collect(),
        days: days.into_iter().filter(Day::is_open).collect(),
        day,
        choices,
        needs_slot: schedule.is_some(),
        key: changes.key,
        wrong,
    };
    let mut response = Html(page.render()?).into_response();
    super::policy(response.headers_mut(), web.assets.visit_csp());
    Ok(response)
}

pub(in crate::http) async fn move_to(
    State(web): State<Shared>,
    l: Lang,
    Path(token): Path<String>,
    Form(pairs): Form<Vec<(String, String)>>,
) -> Result<Response, ApiError> {
    let file = File::of_token(&web, &token).await?;
    let chosen = picked(&pairs, &file.tickets);
    let fields = Fields::new(pairs);
    let (Some(day), false) = (fields.day(), chosen.is_empty()) else {
        let wrong = l.say("请选择要改期的票和日期", "Choose the tickets and the day").to_owned();
        return move_page(&web, l, &token, &file, fields.day(), wrong).await;
    };
    let asked = MoveAsked {
        counter: CounterId::parse(COUNTER).ok_or(ApiError::Internal)?,
        key: fields.get("key").to_owned(),
        tickets: chosen.iter().map(|ticket| ticket.id).collect(),
        day,
        slot: SlotId::parse(fields.get("slot")),
        bought: bought(&web, &chosen).await?,
        by: Asker::Visitor,
    };
    match web.desk.tell(Input::TicketsMoved(asked)).await? {
        // It costs more: they move once that is paid.
        Ok(Answer::Order(more)) => {
            let token = web.links.visit_token(more);
            Ok(Redirect::to(&format!("/visit/o/{token}")).into_response())
        }
        Ok(_) => Ok(Redirect::to(&format!("/visit/o/{token}")).into_response()),
        Err(refusal) => {
            move_page(&web, l, &token, &file, Some(day), words::refusal(l, &refusal)).await
        }
    }
}
