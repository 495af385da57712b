//! Vehicles without a plate: a button at the entry, and the same phone again at the exit. What the phone keeps is a
//! random text; its digest alone goes to the core.

use axum::{
    Form,
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Redirect, Response},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use rand::{TryRng, rngs::SysRng};
use serde::Deserialize;

use super::{
    driver,
    error::ApiError,
    guard::Source,
    operate, pay,
    router::{Shared, Web},
    signin::Signed,
    turn::{Turn, lane_turn},
    words::{self, Lang},
};
use crate::{
    core::{Input, lane::Help, rules::Direction},
    types::{Code, CodeDigest, LaneId},
};

/// The phone's cookie. It names no person; a lane's pages alone are sent it.
const COOKIE: &str = "vehicle";
/// 16 random bytes in base64.
const TOKEN_CHARS: usize = 22;

/// What a lane's page offers to a vehicle without a plate.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Offer {
    /// A button that gives it a name.
    pub(super) name_it: bool,
    /// What this phone's vehicle is called, where it can be named by it.
    pub(super) known_as: Option<String>,
    /// The plate that this phone named last.
    pub(super) plate: String,
}

fn token(headers: &HeaderMap) -> Option<&str> {
    words::cookie(headers, COOKIE).filter(|token| token.len() == TOKEN_CHARS)
}

fn phone(headers: &HeaderMap) -> Option<CodeDigest> {
    Code::parse(token(headers)?).ok().map(|code| code.digest())
}

/// Only where the camera saw no plate, or one that nobody came in with.
pub(super) async fn offer(
    web: &Web,
    headers: &HeaderMap,
    lane: &LaneId,
    turn: &Turn,
) -> Result<Offer, ApiError> {
    let Turn::AskPlate(help) = turn else { return Ok(Offer::default()) };
    let rules = web.desk.rules();
    let Some(lane_rules) = rules.lanes.get(lane).cloned() else { return Ok(Offer::default()) };
    let unread = help.as_ref().is_some_and(|(help, _)| *help == Help::NoPlate);
    let (id, phone) = (lane.clone(), phone(headers));
    let (direction, known_as) = web
        .desk
        .read(move |state| {
            let direction = state.lanes.get(&id).map(|lane| lane.direction(&lane_rules));
            let stay = phone.and_then(|phone| state.stay_of_phone(&phone));
            (direction, stay.map(|stay| stay.plate.full().to_owned()))
        })
        .await?;
    let entry = direction == Some(Direction::Entry);
    let name_it = entry && unread && rules.access.unlicensed_by_phone && known_as.is_none();
    let plate = pay::remembered(headers);
    Ok(Offer { name_it, known_as: known_as.filter(|_| !entry), plate })
}

/// A driver says that the vehicle before the entry has no plate.
pub(super) async fn name_it(
    State(web): State<Shared>,
    l: Lang,
    source: Source,
    Path(lane): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let lane = LaneId::parse(&lane).ok_or(ApiError::NotFound)?;
    let token = if let Some(token) = token(&headers) {
        token.to_owned()
    } else {
        let mut bytes = [0; 16];
        SysRng.try_fill_bytes(&mut bytes).map_err(|_| ApiError::Internal)?;
        URL_SAFE_NO_PAD.encode(bytes)
    };
    let phone = Code::parse(&token).map_err(|_| ApiError::Internal)?.digest();
    let (phone, by) = (Some(phone), "driver".to_owned());
    let told = Input::NoPlate { lane: lane.clone(), phone, by };
    let mut response = told_at_lane(&web, l, source, &headers, &lane, told).await?;
    let secure = if web.settings.is_https() { "; Secure" } else { "" };
    let cookie =
        format!("{COOKIE}={token}; HttpOnly; SameSite=Lax; Path=/l/; Max-Age=7776000{secure}");
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

/// A driver stands at the exit with the phone of the entry.
pub(super) async fn show_phone(
    State(web): State<Shared>,
    l: Lang,
    source: Source,
    Path(lane): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let lane = LaneId::parse(&lane).ok_or(ApiError::NotFound)?;
    let phone = phone(&headers).ok_or(ApiError::NotFound)?;
    let told = Input::PhoneShown { lane: lane.clone(), phone };
    told_at_lane(&web, l, source, &headers, &lane, told).await
}

async fn told_at_lane(
    web: &Web,
    l: Lang,
    source: Source,
    headers: &HeaderMap,
    lane: &LaneId,
    told: Input,
) -> Result<Response, ApiError> {
    let now = web.desk.now();
    let wrong = if let Err(error) = web.plates.may_try(source, now) {
        error.text(l)
    } else {
        web.plates.count(source, now);
        match web.desk.tell(told).await? {
            Ok(_) => return Ok(Redirect::to(&format!("/l/{lane}")).into_response()),
            Err(refusal) => words::refusal(l, &refusal),
        }
    };
    let turn = lane_turn(web, lane).await?;
    let offer = offer(web, headers, lane, &turn).await?;
    driver::lane_page(web, l, lane, &turn, &wrong, offer).await
}

#[derive(Deserialize)]
pub(super) struct Nothing {}

/// An operator says so, for a driver without a phone.
pub(super) async fn name_by_hand(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
    Path(lane): Path<String>,
    headers: HeaderMap,
    Form(_): Form<Nothing>,
) -> Result<Response, ApiError> {
    let lane = LaneId::parse(&lane).ok_or(ApiError::NotFound)?;
    let (phone, by) = (None, signed.name.clone());
    let reply = web.desk.tell(Input::NoPlate { lane: lane.clone(), phone, by }).await?;
    operate::answered(&web, l, signed, lane, &headers, reply, String::new()).await
}
