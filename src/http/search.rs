//! One box that finds a plate, a ticket, an order or a payment, as far as the reader may see each. Reads only.

use askama::Template;
use axum::{
    extract::State,
    http::Uri,
    response::{Html, IntoResponse, Redirect, Response},
};

use super::{
    console::Frame,
    error::ApiError,
    roles::Right,
    router::{Shared, Web},
    signin::Signed,
    visit,
    words::{self, Lang},
};
use crate::{
    core::{State as Core, money::Order, stay::Stay},
    types::{OrderId, Plate, StayId, TicketId},
};

/// Hits of each kind.
const HITS_MAX: u32 = 30;
/// Shorter texts fit every plate.
const PLATE_CHARS_MIN: usize = 2;
const CHARS_MAX: usize = 64;

/// What was looked for, as it stands in the address.
pub(super) fn asked(uri: &Uri) -> String {
    if uri.path() != "/console/search" {
        return String::new();
    }
    let mut pairs = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    let text = pairs.find(|(name, _)| name == "q").map(|(_, text)| text.into_owned());
    text.unwrap_or_default().trim().chars().take(CHARS_MAX).collect()
}

/// One thing found.
#[derive(Debug)]
struct Hit {
    /// It is what was asked for, and not something like it.
    exact: bool,
    kind: &'static str,
    name: String,
    what: String,
    to: String,
    /// What else belongs to it: where, and what it is called.
    more: Vec<(String, String)>,
}

#[derive(Template)]
#[template(path = "search.html", config = "src/http/askama.toml")]
struct SearchPage {
    f: Frame,
    q: String,
    hits: Vec<Hit>,
}

pub(super) async fn page(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
) -> Result<Response, ApiError> {
    let q = asked(&signed.uri);
    let f = Frame::new(&web, l, &signed);
    let mut hits = Vec::new();
    if !q.is_empty() {
        if f.may(Right::SeePayments) {
            payments(&web, &f, &q, &mut hits).await?;
            orders(&web, &f, &q, &mut hits).await?;
        }
        if f.may(Right::SeeTickets) && web.tickets.is_some() {
            tickets(&web, &f, &q, &mut hits).await?;
        }
        if f.may(Right::SeeStays) {
            stays(&web, &f, &q, &mut hits).await?;
        }
        if f.may(Right::SeeRegister) {
            register(&web, &f, &q, &mut hits).await?;
        }
    }
    let mut exact = hits.iter().filter(|hit| hit.exact);
    if let (Some(one), None) = (exact.next(), exact.next()) {
        return Ok(Redirect::to(&one.to).into_response());
    }
    hits.sort_by_key(|hit| !hit.exact);
    Ok(Html(SearchPage { f, q, hits }.render()?).into_response())
}

fn number(q: &str) -> Option<i64> {
    q.trim_start_matches('#').parse().ok().filter(|number| *number > 0)
}

async fn payments(web: &Web, f: &Frame, q: &str, hits: &mut Vec<Hit>) -> Result<(), ApiError> {
    for payment in web.records.payments_numbered(q.to_owned()).await? {
        let state = words::payment_state(f.l, &payment.state);
        hits.push(Hit {
            exact: true,
            kind: f.l.say("付款", "Payment"),
            name: payment.out_trade_no.clone(),
            what: format!("{} · {state} · {}", payment.amount, f.clock(&payment.made_at)),
            to: format!("/console/payments/{}", payment.id),
            more: vec![order_link(f.l, payment.order)],
        });
    }
    Ok(())
}

fn order_link(l: Lang, order: OrderId) -> (String, String) {
    (format!("/console/orders/{order}"), format!("{} {order}", l.say("订单", "Order")))
}

async fn orders(web: &Web, f: &Frame, q: &str, hits: &mut Vec<Hit>) -> Result<(), ApiError> {
    let Some(id) = number(q) else { return Ok(()) };
    let Some((order, payments)) = web.records.order(OrderId(id)).await? else { return Ok(()) };
    let payments = payments
        .iter()
        .map(|payment| (format!("/console/payments/{}", payment.id), payment.out_trade_no.clone()));
    let mut more: Vec<_> = payments.collect();
    if let Some(stay) = order.stay.filter(|_| f.may(Right::SeeStays)) {
        more.push((
            format!("/console/stays/{stay}"),
            format!("{} {stay}", f.l.say("停车", "Stay")),
        ));
    }
    hits.push(Hit { more, ..order_hit(f, &order) });
    Ok(())
}

fn order_hit(f: &Frame, order: &Order) -> Hit {
    let state = words::order_state(f.l, &order.state);
    let to = match order.basket {
        Some(_) => format!("/console/window/o/{}", order.id),
        None => format!("/console/orders/{}", order.id),
    };
    Hit {
        exact: true,
        kind: f.l.say("订单", "Order"),
        name: order.id.to_string(),
        what: format!("{} · {state} · {}", order.amount, f.clock(&order.made_at)),
        to,
        more: Vec::new(),
    }
}

/// By a ticket's number or the code that an order is picked up with.
async fn tickets(web: &Web, f: &Frame, q: &str, hits: &mut Vec<Hit>) -> Result<(), ApiError> {
    if let Some(order) = visit::order::by_pickup(web, q).await? {
        hits.push(Hit {
            exact: true,
            kind: f.l.say("取票码", "Pick-up code"),
            name: q.to_owned(),
            what: format!("{} {order}", f.l.say("订单", "Order")),
            to: format!("/console/window/o/{order}"),
            more: Vec::new(),
        });
    }
    let Some(id) = number(q) else { return Ok(()) };
    let Some(ticket) = web.records.ticket(TicketId(id)).await? else { return Ok(()) };
    let used = format!("{}/{}", ticket.used, ticket.persons);
    hits.push(Hit {
        exact: true,
        kind: f.l.say("门票", "Ticket"),
        name: ticket.id.to_string(),
        what: format!("{} {used} · {}", f.l.say("已入", "went in"), f.clock(&ticket.valid_from)),
        to: format!("/console/tickets/{id}"),
        more: Vec::new(),
    });
    Ok(())
}

/// By a plate, any part of one, or one that looks like it; or by the number of a stay.
async fn stays(web: &Web, f: &Frame, q: &str, hits: &mut Vec<Hit>) -> Result<(), ApiError> {
    if let Some(id) = number(q)
        && let Some(file) = web.records.stay(StayId(id)).await?
    {
        let numbered = f.l.say("停车记录", "Stay");
        let name = format!("{id} · {}", file.stay.plate.full());
        hits.push(Hit { kind: numbered, name, ..stay_hit(f, 0, &file.stay) });
    }
    let plate = plate(q);
    if plate.chars().count() < PLATE_CHARS_MIN {
        return Ok(());
    }
    for (apart, stay) in web.records.stays_like(plate, HITS_MAX).await? {
        hits.push(stay_hit(f, apart, &stay));
    }
    Ok(())
}

fn stay_hit(f: &Frame, apart: u32, stay: &Stay) -> Hit {
    let l = f.l;
    let orders = stay.order.filter(|_| f.may(Right::SeePayments));
    let left = stay.left_at.map(|at| format!(" → {}", f.clock(&at))).unwrap_or_default();
    Hit {
        exact: apart == 0,
        kind: if stay.state.is_open() {
            l.say("在场", "Inside")
        } else {
            l.say("停车", "Stay")
        },
        name: stay.plate.full().to_owned(),
        what: format!("{} · {}{left}", words::stay_state(l, stay.state), f.clock(&stay.entered_at)),
        to: format!("/console/stays/{}", stay.id),
        more: orders.map(|order| order_link(l, order)).into_iter().collect(),
    }
}

/// As plates are kept.
fn plate(q: &str) -> String {
    let fits = |c: &char| c.is_alphanumeric();
    q.chars().filter(fits).take(12).collect::<String>().to_uppercase()
}

/// Passes, lists and reservations of the plate.
async fn register(web: &Web, f: &Frame, q: &str, hits: &mut Vec<Hit>) -> Result<(), ApiError> {
    let Ok(plate) = Plate::parse_kept(&plate(q)) else { return Ok(()) };
    let l = f.l;
    let seen = move |state: &Core| {
        let passes = state.passes_of(&plate).map(|pass| {
            let name = format!("{} {}", pass.id, pass.holder);
            (
                l.say("月卡", "Pass"),
                name,
                Some(pass.valid_until),
                format!("/console/passes/{}", pass.id),
            )
        });
        let listed = state.listed_of(&plate).map(|one| {
            (l.say("名单", "List"), one.note.clone(), one.until, "/console/lists".to_owned())
        });
        passes.chain(listed).collect::<Vec<_>>()
    };
    for (kind, name, until, to) in web.desk.read(seen).await? {
        let what = match until {
            None => l.say("长期", "for good").to_owned(),
            Some(until) => format!("{} {}", l.say("有效至", "until"), f.clock(&until)),
        };
        hits.push(Hit { exact: false, kind, name, what, to, more: Vec::new() });
    }
    Ok(())
}
