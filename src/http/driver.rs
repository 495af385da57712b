//! The driver's pages: the vehicle at a lane (printed sign) and one order (the code on the display). Decides no fee and
//! never asks the bank itself: paying is [`Input::PayAsked`], and a reload asks for nothing.

use std::time::Duration;

use askama::Template;
use axum::{
    Form,
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Redirect, Response},
};
use jiff::{Timestamp, tz::TimeZone};
use serde::Deserialize;

use super::{
    error::ApiError,
    guard::Source,
    home, ops, pay, records,
    router::{Shared, Web},
    turn::{self, Bill, Turn, lane_turn, order_turn},
    unlicensed::{self, Offer},
    words::{self, Lang},
};
use crate::{
    core::{Answer, Input, lane::Help, tariff::QuoteLine, task::CallFrom},
    types::{LaneId, OrderId, PaymentId, Plate},
};

/// A cashier link mostly comes within this; after it the page says what it waits for.
const LINK_WAIT: Duration = Duration::from_secs(2);

#[derive(Template)]
#[template(path = "driver.html", config = "src/http/askama.toml")]
struct DriverPage<'a> {
    l: Lang,
    css: &'a str,
    js: &'a str,
    site: &'a str,
    zone: &'a TimeZone,
    turn: &'a Turn,
    /// `/l/exit-1` or `/p/12-…`: where this page lives.
    here: &'a str,
    /// Of the order, once there is one.
    token: String,
    wrong: &'a str,
    /// Of the lane's page: the lane, and whether a person was called and sees to it.
    help: Option<(&'a LaneId, Option<bool>)>,
    offer: Offer,
    /// Whoever paid may claim one.
    invoices: bool,
    /// Token of the order's tickets.
    visit: Option<String>,
}

impl DriverPage<'_> {
    fn clock(&self, at: &Timestamp) -> String {
        at.to_zoned_datetime(self.zone.clone()).strftime("%m-%d %H:%M").to_string()
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "templates hand out references")]
    fn denied(&self, why: &Help) -> &'static str {
        words::denied(self.l, *why)
    }

    fn stayed(&self, bill: &Bill) -> String {
        self.l.duration(bill.stayed_s)
    }

    fn line(&self, line: &QuoteLine) -> String {
        words::quote_line(self.l, line, self.zone)
    }

    /// What the camera read, for its driver to correct; else what this phone named last.
    fn camera_read(&self) -> &str {
        match self.turn {
            Turn::AskPlate(Some((Help::NoStay, Some(plate)))) => plate.full(),
            _ => &self.offer.plate,
        }
    }

    /// Where its form goes.
    fn pay_at(&self) -> String {
        format!("/p/{}/pay", self.token)
    }

    /// Where its tickets are, of an order of tickets.
    fn visit(&self) -> Option<&str> {
        self.visit.as_deref()
    }

    /// What the open page shows, so that the stream tells only of something else.
    fn key(&self) -> String {
        turn::with_call(self.turn.key(), self.help.and_then(|(_, called)| called))
    }
}

pub(super) async fn lane_page(
    web: &Web,
    l: Lang,
    lane: &LaneId,
    turn: &Turn,
    wrong: &str,
    offer: Offer,
) -> Result<Response, ApiError> {
    let called = turn::called(web, lane).await?;
    page(web, l, &format!("/l/{lane}"), turn, wrong, Some((lane, called)), offer)
}

fn page(
    web: &Web,
    l: Lang,
    here: &str,
    turn: &Turn,
    wrong: &str,
    help: Option<(&LaneId, Option<bool>)>,
    offer: Offer,
) -> Result<Response, ApiError> {
    let rules = web.desk.rules();
    // Whoever has no link to the order yet came by the code that is printed at the lane.
    let token = turn.order().map(|order| match here.strip_prefix("/p/") {
        Some(token) => token.to_owned(),
        None => web.links.printed_token(order),
    });
    let token = token.unwrap_or_default();
    let page = DriverPage {
        l,
        css: ops::DRIVER_CSS,
        js: ops::DRIVER_JS,
        site: &rules.site_name,
        zone: &rules.zone,
        turn,
        here,
        token,
        wrong,
        help,
        offer,
        invoices: web.invoices.is_some(),
        visit: turn
            .bill()
            .filter(|bill| bill.is_visit)
            .map(|bill| web.links.visit_token(bill.order)),
    };
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let mut response = (status, Html(page.render()?)).into_response();
    if let Ok(csp) = HeaderValue::from_str(web.assets.driver_csp()) {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, csp);
    }
    Ok(response)
}

// ---- the lane sign -------------------------------------------------------------------------------

pub(super) async fn at_lane(
    State(web): State<Shared>,
    l: Lang,
    Path(lane): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let lane = LaneId::parse(&lane).ok_or(ApiError::NotFound)?;
    let turn = lane_turn(&web, &lane).await?;
    let offer = unlicensed::offer(&web, &headers, &lane, &turn).await?;
    lane_page(&web, l, &lane, &turn, "", offer).await
}

#[derive(Deserialize)]
pub(super) struct Typed {
    plate: String,
}

/// A driver says which plate it is, and only where the camera could not; at an exit, at most one character of what it
/// read is corrected from a phone.
pub(super) async fn give_plate(
    State(web): State<Shared>,
    l: Lang,
    source: Source,
    Path(lane): Path<String>,
    Form(typed): Form<Typed>,
) -> Result<Response, ApiError> {
    let lane = LaneId::parse(&lane).ok_or(ApiError::NotFound)?;
    let here = format!("/l/{lane}");
    let turn = lane_turn(&web, &lane).await?;
    if !matches!(turn, Turn::AskPlate(_)) {
        return Ok(Redirect::to(&here).into_response());
    }
    let Ok(plate) = Plate::parse(&typed.plate) else {
        let wrong = l.say("这不像一个车牌，请检查", "That is not a plate; check it");
        return lane_page(&web, l, &lane, &turn, wrong, Offer::default()).await;
    };
    let now = web.desk.now();
    if let Err(error) = web.plates.may_try(source, now) {
        return lane_page(&web, l, &lane, &turn, &error.text(l), Offer::default()).await;
    }
    web.plates.count(source, now);
    let full = plate.full().to_owned();
    match web.desk.tell(Input::PlateTyped { lane: lane.clone(), plate }).await? {
        Ok(_) => Ok(pay::remember(&full, Redirect::to(&here).into_response())),
        Err(refusal) => {
            lane_page(&web, l, &lane, &turn, &words::refusal(l, &refusal), Offer::default()).await
        }
    }
}

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    says: String,
}

/// A driver asks for a person. One call a lane is open at a time, however many press.
pub(super) async fn ask_help(
    State(web): State<Shared>,
    l: Lang,
    source: Source,
    Path(lane): Path<String>,
    Form(asked): Form<Asked>,
) -> Result<Response, ApiError> {
    let lane = LaneId::parse(&lane).ok_or(ApiError::NotFound)?;
    let now = web.desk.now();
    if let Err(error) = web.helps.may_try(source, now) {
        let turn = lane_turn(&web, &lane).await?;
        return lane_page(&web, l, &lane, &turn, &error.text(l), Offer::default()).await;
    }
    web.helps.count(source, now);
    let says = asked.says;
    let (id, from) = (lane.clone(), CallFrom::Phone);
    web.desk.tell(Input::HelpAsked { lane: id, from, says }).await??;
    tracing::info!(%lane, "a driver asked for help");
    Ok(Redirect::to(&format!("/l/{lane}")).into_response())
}

pub(super) async fn picture_at_lane(
    State(web): State<Shared>,
    Path(lane): Path<String>,
) -> Result<Response, ApiError> {
    let lane = LaneId::parse(&lane).ok_or(ApiError::NotFound)?;
    picture(&web, &lane_turn(&web, &lane).await?).await
}

// ---- one order -----------------------------------------------------------------------------------

fn order_of(web: &Web, token: &str) -> Result<OrderId, ApiError> {
    web.links.begun(token).map(|(order, _)| order).ok_or(ApiError::NotFound)
}

pub(super) async fn by_token(
    State(web): State<Shared>,
    l: Lang,
    Path(token): Path<String>,
) -> Result<Response, ApiError> {
    let turn = order_turn(&web, order_of(&web, &token)?).await?;
    page(&web, l, &format!("/p/{token}"), &turn, "", None, Offer::default())
}

pub(super) async fn picture_by_token(
    State(web): State<Shared>,
    Path(token): Path<String>,
) -> Result<Response, ApiError> {
    picture(&web, &order_turn(&web, order_of(&web, &token)?).await?).await
}

async fn picture(web: &Web, turn: &Turn) -> Result<Response, ApiError> {
    let name = turn.bill().and_then(|bill| bill.picture.clone()).ok_or(ApiError::NotFound)?;
    records::kept_picture(web, name).await
}

/// Asks for the one attempt that collects the order and sends the phone to its cashier, if the link comes in time.
pub(super) async fn pay_by_token(
    State(web): State<Shared>,
    Path(token): Path<String>,
) -> Result<Response, ApiError> {
    // The link itself says by which code its holder came.
    let (order, printed) = web.links.begun(&token).ok_or(ApiError::NotFound)?;
    let here = Redirect::to(&format!("/p/{token}")).into_response();
    // A refusal means that there is nothing to pay any more: the page says why.
    let asked = if printed { Input::PrintedPayAsked { order } } else { Input::PayAsked { order } };
    let answer = web.desk.tell(asked).await?;
    let payment = match answer {
        Ok(Answer::Payment(payment)) => payment,
        // The fee has grown since the page was made: it is shown before it is asked for.
        Ok(Answer::Order(order)) => {
            let (shown, by) = (web.links.token(order), web.links.printed_token(order));
            let token = if printed { by } else { shown };
            return Ok(Redirect::to(&format!("/p/{token}")).into_response());
        }
        Ok(_) | Err(_) => return Ok(here),
    };
    let link = tokio::time::timeout(LINK_WAIT, link_of(&web, payment)).await;
    let to = match link {
        Ok(Some(link)) if turn::is_web(&link) => Redirect::to(&link).into_response(),
        _ => here,
    };
    Ok(home::remember(&web, &token, to))
}

/// Waits for the cashier link; `None` once there will be none.
async fn link_of(web: &Web, id: PaymentId) -> Option<String> {
    let mut version = web.desk.version();
    loop {
        version.mark_unchanged();
        let payment = web.desk.read(move |state| state.payments.get(&id).cloned()).await.ok()??;
        if payment.link.is_some() || !payment.state.is_undecided() {
            return payment.link.filter(|_| payment.state.is_undecided());
        }
        version.changed().await.ok()?;
    }
}
