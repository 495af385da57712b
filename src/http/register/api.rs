//! The register for other programs: JSON in and out, the same acts as the pages. Decides nothing.

use axum::{
    Json,
    extract::{Path, Query, State},
    http::StatusCode,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{lists, passes, reservations, tell};
use crate::{
    core::{
        Refusal,
        manage::{ListDraft, Manage, PassDraft, ReservationDraft, Unfit},
        pass::{List, Listed, Pass, PassKind, Reservation, WeekSpan},
    },
    http::{
        error::ApiError,
        router::{Shared, Web},
        signin::Signed,
    },
    types::{ListedId, PassId, Plate, ReservationId, Vehicle, ZoneId},
};

/// `plate`: any part of one. At most a hundred entries, the latest first.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Wanted {
    #[serde(default)]
    plate: String,
}

#[derive(Debug, Serialize)]
pub(super) struct Entry {
    id: i64,
}

async fn told(web: &Web, signed: &Signed, act: Manage) -> Result<Json<Entry>, ApiError> {
    Ok(Json(Entry { id: tell(web, signed, act).await?? }))
}

/// What is over already stays over.
async fn ended(web: &Web, signed: &Signed, act: Manage) -> Result<StatusCode, ApiError> {
    use Unfit::{NoListed, NoPass, NoReservation};
    match tell(web, signed, act).await? {
        Ok(_) => Ok(StatusCode::NO_CONTENT),
        Err(Refusal::Unfit(NoPass(_) | NoListed(_) | NoReservation(_))) => Err(ApiError::NotFound),
        Err(refusal) => Err(refusal.into()),
    }
}

// ---- passes --------------------------------------------------------------------------------------

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PassBody {
    holder: String,
    plates: Vec<Plate>,
    /// Default: as many as plates.
    spaces: Option<u32>,
    kind: PassKind,
    #[serde(default)]
    zones: Vec<ZoneId>,
    valid_from: Timestamp,
    valid_until: Timestamp,
    #[serde(default)]
    hours: Vec<WeekSpan>,
    vehicle: Option<Vehicle>,
    tier: Option<String>,
}

impl From<PassBody> for PassDraft {
    fn from(body: PassBody) -> Self {
        Self {
            spaces: body.spaces.unwrap_or(body.plates.len() as u32),
            holder: body.holder,
            plates: body.plates,
            kind: body.kind,
            zones: body.zones,
            valid_from: body.valid_from,
            valid_until: body.valid_until,
            hours: body.hours,
            vehicle: body.vehicle,
            tier: body.tier,
        }
    }
}

pub(super) async fn passes(
    State(web): State<Shared>,
    _signed: Signed,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Vec<Pass>>, ApiError> {
    Ok(Json(web.desk.read(move |state| passes::found(state, &wanted.plate)).await?))
}

pub(super) async fn add_pass(
    State(web): State<Shared>,
    signed: Signed,
    Json(body): Json<PassBody>,
) -> Result<Json<Entry>, ApiError> {
    told(&web, &signed, Manage::AddPass(body.into())).await
}

pub(super) async fn change_pass(
    State(web): State<Shared>,
    signed: Signed,
    Path(id): Path<i64>,
    Json(body): Json<PassBody>,
) -> Result<Json<Entry>, ApiError> {
    told(&web, &signed, Manage::ChangePass { id: PassId(id), to: body.into() }).await
}

pub(super) async fn end_pass(
    State(web): State<Shared>,
    signed: Signed,
    Path(id): Path<i64>,
    Query(how): Query<Ends>,
) -> Result<StatusCode, ApiError> {
    let id = PassId(id);
    let rest = super::selling::rest(&web, id, &how.rest).await?;
    let reason = how.reason.unwrap_or_else(|| "API".to_owned());
    ended(&web, &signed, Manage::EndPass { id, rest, reason }).await
}

/// `rest`: `kept` or `back`, where anything is left.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Ends {
    #[serde(default)]
    rest: String,
    reason: Option<String>,
}

/// What a balance or count is off by.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AdjustBody {
    /// Minor units, or stays; below zero: taken away.
    by: i64,
    reason: String,
}

pub(super) async fn adjust_pass(
    State(web): State<Shared>,
    signed: Signed,
    Path(id): Path<i64>,
    Json(AdjustBody { by, reason }): Json<AdjustBody>,
) -> Result<Json<Entry>, ApiError> {
    told(&web, &signed, Manage::AdjustPass { id: PassId(id), by, reason }).await
}

// ---- lists ---------------------------------------------------------------------------------------

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListBody {
    plate: Plate,
    list: List,
    #[serde(default)]
    note: String,
    /// Default: now.
    from: Option<Timestamp>,
    /// Default: until it is taken off.
    until: Option<Timestamp>,
    vehicle: Option<Vehicle>,
    /// Of `member`: what it is priced as.
    tier: Option<String>,
}

pub(super) async fn lists(
    State(web): State<Shared>,
    _signed: Signed,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Vec<Listed>>, ApiError> {
    Ok(Json(web.desk.read(move |state| lists::found(state, &wanted.plate)).await?))
}

pub(super) async fn add_listed(
    State(web): State<Shared>,
    signed: Signed,
    Json(body): Json<ListBody>,
) -> Result<Json<Entry>, ApiError> {
    let ListBody { plate, list, note, from, until, vehicle, tier } = body;
    let from = from.unwrap_or_else(|| web.desk.now());
    let draft = ListDraft { plate, list, note, from, until, vehicle, tier };
    told(&web, &signed, Manage::List(draft)).await
}

pub(super) async fn end_listed(
    State(web): State<Shared>,
    signed: Signed,
    Path(id): Path<i64>,
) -> Result<StatusCode, ApiError> {
    ended(&web, &signed, Manage::Unlist { id: ListedId(id) }).await
}

// ---- reservations --------------------------------------------------------------------------------

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReservationBody {
    plate: Plate,
    host: String,
    zone: Option<ZoneId>,
    from: Timestamp,
    until: Timestamp,
    tariff: Option<String>,
}

pub(super) async fn reservations(
    State(web): State<Shared>,
    _signed: Signed,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Vec<Reservation>>, ApiError> {
    Ok(Json(web.desk.read(move |state| reservations::found(state, &wanted.plate)).await?))
}

pub(super) async fn add_reservation(
    State(web): State<Shared>,
    signed: Signed,
    Json(body): Json<ReservationBody>,
) -> Result<Json<Entry>, ApiError> {
    let ReservationBody { plate, host, zone, from, until, tariff } = body;
    let draft = ReservationDraft { plate, host, zone, from, until, tariff };
    told(&web, &signed, Manage::Reserve(draft)).await
}

pub(super) async fn end_reservation(
    State(web): State<Shared>,
    signed: Signed,
    Path(id): Path<i64>,
) -> Result<StatusCode, ApiError> {
    ended(&web, &signed, Manage::CancelReservation { id: ReservationId(id) }).await
}
