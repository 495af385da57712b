//! The register for other programs: JSON in and out, the same acts as the pages. Decides nothing.

use axum::{
    Json,
    extract::{OriginalUri, Path, Query, State},
    http::StatusCode,
    response::Response,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    lists, passes, reservations,
    selling::{OrderBody, SellBody, api_sell},
    tell,
};
use crate::{
    core::{
        Refusal,
        manage::{ListDraft, Manage, PassDraft, ReservationDraft, Unfit},
        pass::{List, Listed, Pass, PassKind, Reservation, WeekSpan},
    },
    http::{
        error::ApiError,
        program::{Api, Op, Paging, part},
        router::{Shared, Web},
        signin::Signed,
    },
    types::{ListedId, PassId, Plate, ReservationId, Scope, Vehicle, ZoneId},
};

pub(in crate::http) fn api(api: Api) -> Api {
    let api = api
        .on(
            Op::get(
                "/api/v1/passes",
                "listPasses",
                "Passes (APDS: assigned rights) that are not over, the latest first",
            )
            .scope(Scope::PassesRead)
            .pages::<Pass, Wanted>("A part of the list"),
            passes,
        )
        .on(
            Op::post("/api/v1/passes", "addPass", "A new pass")
                .scope(Scope::PassesWrite)
                .body::<PassBody>()
                .gives::<Entry>(200, "Its number"),
            add_pass,
        )
        .on(
            Op::put("/api/v1/passes/{pass}", "changePass", "Makes a pass what is given here")
                .scope(Scope::PassesWrite)
                .body::<PassBody>()
                .gives::<Entry>(200, "Its number: the changed pass has a new one"),
            change_pass,
        )
        .on(
            Op::delete("/api/v1/passes/{pass}", "endPass", "Ends a pass now")
                .scope(Scope::PassesWrite)
                .query::<Ends>()
                .empties("It is over"),
            end_pass,
        )
        .on(
            Op::post(
                "/api/v1/passes/{pass}/adjust",
                "adjustPass",
                "Sets a balance or count right by a difference, for a reason",
            )
            .scope(Scope::PassesWrite)
            .body::<AdjustBody>()
            .gives::<Entry>(200, "Its number"),
            adjust_pass,
        )
        .on(
            Op::post(
                "/api/v1/pass-orders",
                "sellPass",
                "Sells a pass, or renews one, by a price of the site; it holds once it is paid",
            )
            .scope(Scope::PassesWrite)
            .body::<SellBody>()
            .gives::<OrderBody>(200, "What is to be paid"),
            api_sell,
        );
    let api = api
        .on(
            Op::get("/api/v1/lists", "listListed", "Plates on lists, the latest first")
                .scope(Scope::PassesRead)
                .pages::<Listed, Wanted>("A part of the list"),
            lists,
        )
        .on(
            Op::post("/api/v1/lists", "addListed", "Puts a plate on a list")
                .scope(Scope::PassesWrite)
                .body::<ListBody>()
                .gives::<Entry>(200, "Its number"),
            add_listed,
        )
        .on(
            Op::delete("/api/v1/lists/{entry}", "endListed", "Takes a plate off its list")
                .scope(Scope::PassesWrite)
                .empties("It is off"),
            end_listed,
        );
    api.on(
        Op::get("/api/v1/reservations", "listReservations", "Places kept, the latest first")
            .scope(Scope::PassesRead)
            .pages::<Reservation, Wanted>("A part of the list"),
        reservations,
    )
    .on(
        Op::post("/api/v1/reservations", "addReservation", "Keeps a place")
            .scope(Scope::PassesWrite)
            .body::<ReservationBody>()
            .gives::<Entry>(200, "Its number"),
        add_reservation,
    )
    .on(
        Op::delete(
            "/api/v1/reservations/{reservation}",
            "endReservation",
            "Ends a reservation; one whose vehicle is inside with its stay",
        )
        .scope(Scope::PassesWrite)
        .empties("It is over, or will be"),
        end_reservation,
    )
}

/// Which entries.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// Any part of one, of a holder, a host or a note.
    #[param(required = false)]
    plate: String,
    /// The last number seen: what is older follows.
    #[param(minimum = 1)]
    after: Option<i64>,
    /// At most so many; 100 where nothing is said.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

#[derive(Debug, Serialize, ToSchema)]
struct Entry {
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

#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = PassAsk, example = json!({
    "holder": "李四", "plates": ["沪A12345"], "kind": { "is": "season" },
    "valid_from": "2026-01-01T00:00:00Z", "valid_until": "2096-01-01T00:00:00Z"
}))]
#[serde(deny_unknown_fields)]
struct PassBody {
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

async fn passes(
    State(web): State<Shared>,
    OriginalUri(uri): OriginalUri,
    Query(wanted): Query<Wanted>,
) -> Result<Response, ApiError> {
    let page = Paging::new(wanted.after, wanted.limit).page()?;
    let found = web.desk.read(move |state| passes::found(state, &wanted.plate, page)).await?;
    Ok(part(&uri, page, found, |one: &Pass| one.id.0))
}

async fn add_pass(
    State(web): State<Shared>,
    signed: Signed,
    Json(body): Json<PassBody>,
) -> Result<Json<Entry>, ApiError> {
    told(&web, &signed, Manage::AddPass(body.into())).await
}

async fn change_pass(
    State(web): State<Shared>,
    signed: Signed,
    Path(id): Path<i64>,
    Json(body): Json<PassBody>,
) -> Result<Json<Entry>, ApiError> {
    told(&web, &signed, Manage::ChangePass { id: PassId(id), to: body.into() }).await
}

async fn end_pass(
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
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Ends {
    #[serde(default)]
    rest: String,
    reason: Option<String>,
}

/// What a balance or count is off by.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = PassAdjustment)]
#[serde(deny_unknown_fields)]
struct AdjustBody {
    /// Minor units, or stays; below zero: taken away.
    by: i64,
    reason: String,
}

async fn adjust_pass(
    State(web): State<Shared>,
    signed: Signed,
    Path(id): Path<i64>,
    Json(AdjustBody { by, reason }): Json<AdjustBody>,
) -> Result<Json<Entry>, ApiError> {
    told(&web, &signed, Manage::AdjustPass { id: PassId(id), by, reason }).await
}

// ---- lists ---------------------------------------------------------------------------------------

#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = ListAsk, example = json!({ "plate": "沪A12345", "list": "white", "note": "staff" }))]
#[serde(deny_unknown_fields)]
struct ListBody {
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

async fn lists(
    State(web): State<Shared>,
    OriginalUri(uri): OriginalUri,
    Query(wanted): Query<Wanted>,
) -> Result<Response, ApiError> {
    let page = Paging::new(wanted.after, wanted.limit).page()?;
    let found = web.desk.read(move |state| lists::found(state, &wanted.plate, page)).await?;
    Ok(part(&uri, page, found, |one: &Listed| one.id.0))
}

async fn add_listed(
    State(web): State<Shared>,
    signed: Signed,
    Json(body): Json<ListBody>,
) -> Result<Json<Entry>, ApiError> {
    let ListBody { plate, list, note, from, until, vehicle, tier } = body;
    let from = from.unwrap_or_else(|| web.desk.now());
    let draft = ListDraft { plate, list, note, from, until, vehicle, tier };
    told(&web, &signed, Manage::List(draft)).await
}

async fn end_listed(
    State(web): State<Shared>,
    signed: Signed,
    Path(id): Path<i64>,
) -> Result<StatusCode, ApiError> {
    ended(&web, &signed, Manage::Unlist { id: ListedId(id) }).await
}

// ---- reservations --------------------------------------------------------------------------------

#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = ReservationAsk, example = json!({
    "plate": "沪A12345", "host": "room 1204",
    "from": "2026-01-01T00:00:00Z", "until": "2096-01-01T00:00:00Z"
}))]
#[serde(deny_unknown_fields)]
struct ReservationBody {
    plate: Plate,
    host: String,
    zone: Option<ZoneId>,
    from: Timestamp,
    until: Timestamp,
    tariff: Option<String>,
}

async fn reservations(
    State(web): State<Shared>,
    OriginalUri(uri): OriginalUri,
    Query(wanted): Query<Wanted>,
) -> Result<Response, ApiError> {
    let page = Paging::new(wanted.after, wanted.limit).page()?;
    let found = web.desk.read(move |state| reservations::found(state, &wanted.plate, page)).await?;
    Ok(part(&uri, page, found, |one: &Reservation| one.id.0))
}

async fn add_reservation(
    State(web): State<Shared>,
    signed: Signed,
    Json(body): Json<ReservationBody>,
) -> Result<Json<Entry>, ApiError> {
    let ReservationBody { plate, host, zone, from, until, tariff } = body;
    let draft = ReservationDraft { plate, host, zone, from, until, tariff };
    told(&web, &signed, Manage::Reserve(draft)).await
}

async fn end_reservation(
    State(web): State<Shared>,
    signed: Signed,
    Path(id): Path<i64>,
) -> Result<StatusCode, ApiError> {
    ended(&web, &signed, Manage::CancelReservation { id: ReservationId(id) }).await
}
