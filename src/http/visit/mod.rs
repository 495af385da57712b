//! Pages of tickets: for visitors, at the window, at a kiosk, in the hand of staff, and their reports. Every sale and
//! change is an [`crate::core::Input`]; no key is known here, only what [`crate::http::ports::TicketCodes`] makes.

pub(super) mod buy;
mod cards;
pub(super) mod change;
pub(super) mod check;
pub(super) mod inside;
pub(super) mod kiosk;
pub(super) mod named;
pub(super) mod offer;
pub(super) mod order;
pub(super) mod page;
pub(super) mod paper;
mod pdf;
pub(super) mod photo;
pub(super) mod rebook;
pub(super) mod report;
pub(super) mod slip;
pub(super) mod slots;
pub(super) mod tickets;
pub(super) mod window;
pub(super) mod wish;

use std::sync::Arc;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::{HeaderMap, HeaderValue, header},
    routing::{get, post},
};
use jiff::{Timestamp, tz::TimeZone};

use super::{
    error::ApiError,
    ports::{TicketCodes, TicketRecords, VisitorUnfit},
    roles::{self, Right},
    router::{Shared, Web},
};
use crate::{
    core::ticket::Visitor,
    types::{OrderId, TicketId},
};

/// Pages that anyone with a phone may see.
pub(super) fn public() -> Router<Shared> {
    Router::new()
        .route("/t/sw.js", get(page::worker))
        .route("/t/{token}", get(page::page))
        .route("/t/{token}/state", get(page::state))
        .route("/t/{token}/ticket.pdf", get(page::file))
        .route("/visit", get(buy::page))
        .route("/visit/order", post(buy::order))
        .route("/visit/find", get(order::find_form).post(order::find))
        .route("/visit/o/{token}", get(order::page))
        .route("/visit/o/{token}/state", get(order::state))
        .route("/visit/o/{token}/cancel", post(order::cancel))
        .route("/kiosk", get(kiosk::home))
        .route("/kiosk/manifest.webmanifest", get(kiosk::manifest))
        .route("/kiosk/setup", get(kiosk::setup_form).post(kiosk::setup))
        .route("/kiosk/buy", get(kiosk::buy))
        .route("/kiosk/order", post(kiosk::order))
        .route("/kiosk/o/{token}", get(kiosk::pay))
        .route("/kiosk/o/{token}/state", get(kiosk::state))
        .route("/kiosk/collect", get(kiosk::collect_form).post(kiosk::collect))
        .route("/visit/o/{token}/return", post(change::give_back))
        .route("/visit/o/{token}/rename", post(change::rename))
        .route("/visit/o/{token}/move", get(change::move_form).post(change::move_to))
}

/// For who has the right.
pub(super) fn staff(web: &Shared) -> Router<Shared> {
    let sell = Router::new()
        .route("/console/window", get(window::page).post(window::sell))
        .route("/console/window/collect", post(window::collect))
        .route("/console/window/o/{order}/state", get(window::state))
        .route("/console/window/o/{order}/cash", post(window::cash))
        .route("/console/window/o/{order}/code", post(window::code))
        .route("/console/window/o/{order}/print", post(window::print))
        .route("/console/window/o/{order}/fetch", post(window::fetch));
    let attendance = Router::new()
        .route("/console/visitors", get(report::page))
        .route("/console/visitors/{day}/{file}", get(report::export));
    let count = Router::new().route("/console/visitors/count", post(report::count));
    let photo = post(photo::read).layer(DefaultBodyLimit::max(photo::BYTES_MAX));
    let check = Router::new()
        .route("/console/gate-check", get(check::page).post(check::check))
        .route("/console/gate-check/sw.js", get(check::worker))
        .route("/console/gate-check/photo", photo);
    let slots = Router::new().route("/console/slots", get(slots::page));
    let change_slots = Router::new()
        .route("/console/slots", post(slots::set))
        .route("/console/slots/close", post(slots::close));
    let tickets = Router::new()
        .route("/console/window/o/{order}", get(window::one))
        .route("/console/tickets", get(tickets::list))
        .route("/console/tickets/{ticket}", get(tickets::one));
    let change = Router::new()
        .route("/console/tickets/{ticket}/move", get(rebook::form).post(rebook::to))
        .route("/console/tickets/{ticket}/name", post(tickets::name))
        .route("/console/tickets/{ticket}/{what}", post(tickets::act))
        .route("/console/tickets/{ticket}/card/{what}", post(cards::act));
    let need = |right, routes| roles::need(web, right, routes);
    need(Right::SellTickets, sell)
        .merge(need(Right::SeeAttendance, attendance))
        .merge(need(Right::SettleAdmissions, count))
        .merge(need(Right::CheckTickets, check))
        .merge(need(Right::SeeSlots, slots))
        .merge(need(Right::ChangeSlots, change_slots))
        .merge(need(Right::SeeTickets, tickets))
        .merge(need(Right::ChangeTickets, change))
}

/// Codes and tables of tickets; a site that sells none has neither.
pub(super) fn office(web: &Web) -> Result<(&dyn TicketCodes, &dyn TicketRecords), ApiError> {
    let office = web.tickets.as_ref().ok_or(ApiError::NotFound)?;
    Ok((office.codes.as_ref(), office.records.as_ref()))
}

/// What the pages of tickets are made of.
#[derive(Clone)]
pub struct TicketOffice {
    pub codes: Arc<dyn TicketCodes>,
    pub records: Arc<dyn TicketRecords>,
}

impl std::fmt::Debug for TicketOffice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TicketOffice")
    }
}

/// Day and time at the site, to the minute.
fn clock(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned_datetime(zone.clone()).strftime("%m-%d %H:%M").to_string()
}

fn policy(headers: &mut HeaderMap, csp: &str) {
    if let Ok(csp) = HeaderValue::from_str(csp) {
        headers.insert(header::CONTENT_SECURITY_POLICY, csp);
    }
}

/// An order's tickets in their order, from the state or the tables.
async fn tickets_of(web: &Web, order: OrderId) -> Result<Vec<TicketId>, ApiError> {
    let known = web
        .desk
        .read(move |state| {
            let order = state.orders.get(&order)?;
            Some(order.basket.as_ref()?.tickets.clone())
        })
        .await?;
    if let Some(tickets) = known {
        return Ok(tickets);
    }
    let found = web.records.order(order).await?.and_then(|(order, _)| order.basket);
    Ok(found.map(|basket| basket.tickets).unwrap_or_default())
}

/// Keeps a visitor's name and number, sealed, before anybody is sold a ticket in that name.
pub(super) async fn keep(
    web: &Web,
    visitor: &Visitor,
    name: &str,
    number: &str,
) -> Result<(), ApiError> {
    let (codes, records) = office(web)?;
    let sealed = codes.seal(visitor, name, number).ok_or(ApiError::Internal)?;
    Ok(records.keep_visitor(visitor.digest, sealed).await?)
}

/// A visitor's name and number, checked; [`keep`] seals them.
pub(super) fn sealed(web: &Web, name: &str, number: &str) -> Result<Visitor, ApiError> {
    let (codes, _) = office(web)?;
    codes.visitor(name, number).map_err(|unfit| match unfit {
        VisitorUnfit::Name => ApiError::Unfit(
            "请填写姓名（最多 60 字）。",
            "Give the visitor's name: 1 to 60 characters.",
        ),
        VisitorUnfit::Number => ApiError::Unfit(
            "请填写身份证号（18 位）或护照等证件号（5 至 20 位字母数字）。",
            "Give an ID card's 18 characters, or a passport's 5 to 20 letters and digits.",
        ),
        VisitorUnfit::Check => ApiError::Unfit(
            "身份证号校验不通过，请逐位核对。",
            "The ID number does not fit its last character: check it digit by digit.",
        ),
    })
}
