//! The page of one ticket, as its holder shows it at a gate. Lets nobody in, and says no code but its own.

use askama::Template;
use axum::{
    Json,
    extract::{Path, State},
    http::{HeaderMap, HeaderName, HeaderValue, header},
    response::{Html, IntoResponse, Response},
};
use jiff::{Timestamp, tz::TimeZone};
use serde::Serialize;

use super::{named, pdf, slip};
use crate::{
    core::ticket::{Medium, Ticket},
    http::{
        charts,
        error::ApiError,
        ops,
        router::{Shared, Web},
        words::Lang,
    },
    types::TicketId,
};

/// A changing part lives so long.
const STEP_S: i64 = 15;
/// The page is good as long as its script says so; the browser keeps it for a day without network.
const KEPT: &str = "private, max-age=86400";

/// How a ticket stands, as its holder should see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stand {
    /// Its code is shown. The script says whether it is too early.
    Open,
    /// Its paper counts.
    Paper,
    /// When its last person went, if that is known.
    Used(Option<String>),
    Late,
    Returned,
}

impl Stand {
    pub(super) fn of(ticket: &Ticket, now: Timestamp, zone: &TimeZone) -> Self {
        let last = ticket.areas.iter().filter_map(|area| area.last_at).max();
        let clock = last.map(|at| super::clock(at, zone));
        let gone = ticket.used >= ticket.persons && !comes_again(ticket);
        match () {
            () if ticket.revoked => Self::Returned,
            () if ticket.medium == Medium::Paper => Self::Paper,
            () if gone => Self::Used(clock),
            () if !ticket.expired && now <= ticket.valid_until => Self::Open,
            () if ticket.used > 0 => Self::Used(clock),
            () => Self::Late,
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Paper => "paper",
            Self::Used(_) => "used",
            Self::Late => "late",
            Self::Returned => "returned",
        }
    }
}

/// Somebody who went out may come in again.
fn comes_again(ticket: &Ticket) -> bool {
    ticket.areas.iter().any(|area| {
        area.returns.is_none_or(|each| area.returned < each.saturating_mul(ticket.persons))
    })
}

#[derive(Template)]
#[template(path = "ticket.html", config = "src/http/askama.toml")]
struct TicketPage<'a> {
    l: Lang,
    css: &'a str,
    js: &'a str,
    site: &'a str,
    here: String,
    ticket: &'a Ticket,
    product: String,
    when: String,
    areas: String,
    stand: Stand,
    /// Empty: there is none to show.
    code: String,
    /// Hexadecimal; empty: the code never changes.
    seed: String,
    step_s: i64,
    /// A picture of its code is as good as the page.
    is_static: bool,
    typed: String,
    /// The code as drawn without script; empty: it has to change.
    fallback: String,
    opens: String,
    now_ms: i64,
    from_ms: i64,
    until_ms: i64,
    key: String,
    moved: bool,
    /// Tokens of the order's tickets beside it.
    previous: Option<String>,
    next: Option<String>,
    /// Its place among them, from 1.
    place: (usize, usize),
    order: Option<String>,
    invoice: Option<String>,
}

impl TicketPage<'_> {
    /// What a picture of it says, line by line.
    fn lines(&self) -> String {
        let mut lines = vec![self.product.clone(), self.when.clone()];
        if self.ticket.persons > 1 {
            lines.push(format!("{} {}", self.ticket.persons, self.l.say("人", "persons")));
        }
        if let Some(visitor) = &self.ticket.visitor {
            lines.push(visitor.name.clone());
        }
        lines.push(self.areas.clone());
        lines.retain(|line| !line.is_empty());
        lines.join("\n")
    }

    fn comes_again(&self) -> bool {
        self.ticket.areas.iter().any(|area| area.returns != Some(0))
    }

    fn again(&self) -> String {
        let each = self
            .ticket
            .areas
            .iter()
            .map(|area| area.returns)
            .max_by_key(|returns| returns.unwrap_or(u32::MAX));
        match each.flatten() {
            None => self.l.say("有效期内不限次数", "as often as you like").to_owned(),
            Some(times) => format!(
                "{} {times} {}",
                self.l.say("每人", "each person"),
                self.l.say("次", "time(s)")
            ),
        }
    }
}

/// What the open page compares: it is fetched anew once this differs.
fn key(ticket: &Ticket, stand: &Stand) -> String {
    format!(
        "{}-{}-{}-{}-{}",
        stand.name(),
        ticket.edition,
        ticket.used,
        ticket.persons,
        ticket.valid_from.as_second()
    )
}

/// A ticket by its page's token, from the state or the tables.
pub(super) async fn of_token(web: &Web, token: &str) -> Result<Ticket, ApiError> {
    let id = web.links.ticket(token).ok_or(ApiError::NotFound)?;
    by_id(web, id).await
}

pub(super) async fn by_id(web: &Web, id: TicketId) -> Result<Ticket, ApiError> {
    let known = web.desk.read(move |state| state.tickets.get(&id).cloned()).await?;
    match known {
        Some(ticket) => Ok(ticket),
        None => web.records.ticket(id).await?.ok_or(ApiError::NotFound),
    }
}

pub(super) async fn page(
    State(web): State<Shared>,
    l: Lang,
    Path(token): Path<String>,
) -> Result<Response, ApiError> {
    let (codes, _) = super::office(&web)?;
    let (rules, now) = (web.desk.rules(), web.desk.now());
    let ticket = of_token(&web, &token).await?;
    let stand = Stand::of(&ticket, now, &rules.zone);
    let is_open = stand == Stand::Open;
    let is_static = ticket.medium == Medium::Any;
    let code = if is_open { codes.code(&ticket, &rules) } else { String::new() };
    let drawn = is_open && is_static;
    let (previous, next, place) = beside(&web, &ticket).await?;
    let order = ticket.sold.as_ref().map(|sold| sold.order);
    let page = TicketPage {
        l,
        css: ops::TICKET_CSS,
        js: ops::TICKET_JS,
        site: &rules.site_name,
        here: format!("/t/{token}"),
        product: named::ticket(&rules, l, &ticket),
        when: named::when(&rules, l, &ticket),
        areas: named::areas(&rules, &ticket),
        fallback: if drawn {
            charts::qr_path(&code).map(|(path, _)| path).unwrap_or_default()
        } else {
            String::new()
        },
        seed: if is_open { hex(&codes.seed(ticket.id, ticket.edition)) } else { String::new() },
        typed: codes.typed(ticket.id, ticket.edition),
        code,
        step_s: STEP_S,
        is_static,
        opens: super::clock(ticket.valid_from, &rules.zone),
        now_ms: now.as_millisecond(),
        from_ms: ticket.valid_from.as_millisecond(),
        until_ms: ticket.valid_until.as_millisecond(),
        key: key(&ticket, &stand),
        moved: ticket.sold.as_ref().is_some_and(|sold| sold.moved > 0),
        previous,
        next,
        place,
        order: order.map(|order| web.links.visit_token(order)),
        invoice: order.filter(|_| web.invoices.is_some()).map(|order| web.links.token(order)),
        stand,
        ticket: &ticket,
    };
    let mut response = Html(page.render()?).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(KEPT));
    headers.insert(header::VARY, HeaderValue::from_static("cookie, accept-language"));
    super::policy(headers, web.assets.ticket_csp());
    Ok(response)
}

/// The order's tickets before and after this one.
async fn beside(
    web: &Web,
    ticket: &Ticket,
) -> Result<(Option<String>, Option<String>, (usize, usize)), ApiError> {
    let Some(sold) = &ticket.sold else { return Ok((None, None, (1, 1))) };
    let all = super::tickets_of(web, sold.order).await?;
    let at = all.iter().position(|id| *id == ticket.id).unwrap_or(0);
    let token = |at: usize| all.get(at).map(|id| web.links.ticket_token(*id));
    let previous = at.checked_sub(1).and_then(token);
    Ok((previous, token(at + 1), (at + 1, all.len().max(1))))
}

#[derive(Serialize)]
struct StateBody {
    /// Milliseconds since 1970 by the site's clock.
    now: i64,
    key: String,
}

/// What an open page asks from time to time.
pub(super) async fn state(
    State(web): State<Shared>,
    Path(token): Path<String>,
) -> Result<Response, ApiError> {
    let (zone, now) = (web.desk.rules().zone.clone(), web.desk.now());
    let ticket = of_token(&web, &token).await?;
    let key = key(&ticket, &Stand::of(&ticket, now, &zone));
    Ok(Json(StateBody { now: now.as_millisecond(), key }).into_response())
}

pub(super) async fn worker() -> impl IntoResponse {
    let headers = [
        (header::CONTENT_TYPE, "text/javascript; charset=utf-8"),
        (HeaderName::from_static("service-worker-allowed"), "/t/"),
    ];
    (headers, ops::TICKET_WORKER_JS)
}

/// For whoever keeps or prints it at home; only where a code that never changes opens a gate.
pub(super) async fn file(
    State(web): State<Shared>,
    l: Lang,
    Path(token): Path<String>,
) -> Result<Response, ApiError> {
    let (rules, now) = (web.desk.rules(), web.desk.now());
    let ticket = of_token(&web, &token).await?;
    let open = Stand::of(&ticket, now, &rules.zone) == Stand::Open;
    if !open || ticket.medium != Medium::Any {
        return Err(ApiError::Unfit(
            "这张票只能在手机页面上出示，不能另存。",
            "This ticket is shown on its page only: a copy of it would let nobody in.",
        ));
    }
    let slip = slip::of(&web, &rules, l, &ticket)?;
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/pdf"));
    let name = format!("attachment; filename=\"ticket-{}.pdf\"", ticket.id);
    if let Ok(name) = name.parse() {
        headers.insert(header::CONTENT_DISPOSITION, name);
    }
    Ok((headers, pdf::of(l, &rules.site_name, &slip)).into_response())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
