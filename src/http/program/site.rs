//! The site for programs: lanes and what an operator may do to them, stays with what they owe, alarms. Decides nothing.

use axum::{
    Json,
    extract::{OriginalUri, Path, Query, State},
    response::Response,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    bodies::{AlarmBody, CashBody, OrderBody, PaymentBody, RefundBody, StayBody},
    op::{Api, Op},
    pages::{self, Paging},
};
use crate::{
    core::{
        self, AlarmKind,
        lane::{OperatorAct, Phase, Sensors},
        rules::Direction,
        tariff::{Quote, QuoteRule},
    },
    http::{
        error::ApiError,
        lanes::Board,
        operate,
        records::Search,
        router::Shared,
        signin::Signed,
        words::{self, Lang},
    },
    types::{LaneId, Money, OrderId, Scope, StayId},
};

pub(super) fn api(api: Api) -> Api {
    let api = api
        .on(
            Op::get("/api/v1/lanes", "listLanes", "Every lane for vehicles as it is now")
                .scope(Scope::LanesRead)
                .lists::<LaneBody>("In the order of their names"),
            lanes,
        )
        .on(
            Op::post(
                "/api/v1/lanes/{lane}/operate",
                "operateLane",
                "Does to a lane what an operator does, on record",
            )
            .scope(Scope::LanesOperate)
            .body::<Ordered>()
            .gives::<Done>(200, "It is on record, and ordered"),
            operate,
        )
        .on(
            Op::get(
                "/api/v1/alarms",
                "listAlarms",
                "What a person should know, as long as it lasts",
            )
            .scope(Scope::AlarmsRead)
            .lists::<AlarmBody>("The latest first"),
            alarms,
        );
    api.on(
        Op::get("/api/v1/stays", "listStays", "Stays (APDS: sessions), the latest first")
            .scope(Scope::StaysRead)
            .pages::<StayBody, StaysAsked>("A part of the list"),
        stays,
    )
    .on(
        Op::get(
            "/api/v1/stays/{stay}",
            "getStay",
            "A stay with its orders, payments, refunds and cash",
        )
        .scope(Scope::StaysRead)
        .gives::<StayFileBody>(200, "As it stands"),
        stay,
    )
    .on(
        Op::get(
            "/api/v1/stays/{stay}/quote",
            "quoteStay",
            "What a vehicle inside owes now, line by line",
        )
        .scope(Scope::StaysRead)
        .gives::<QuoteBody>(200, "As of now; nothing is charged by asking"),
        quote,
    )
}

// ---- lanes ---------------------------------------------------------------------------------------

/// A lane for vehicles.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Lane)]
struct LaneBody {
    id: LaneId,
    direction: Direction,
    phase: Phase,
    sensors: Sensors,
    plate: Option<String>,
    stay: Option<StayId>,
    order: Option<LaneOrder>,
    alarms: Vec<AlarmKind>,
}

/// What the vehicle in a lane owes.
#[derive(Debug, Serialize, ToSchema)]
struct LaneOrder {
    id: OrderId,
    amount: Money,
    /// `due`, `paid`, `waived`, `void` or `unpaid`.
    state: &'static str,
}

async fn lanes(
    State(web): State<Shared>,
    _signed: Signed,
) -> Result<Json<Vec<LaneBody>>, ApiError> {
    let (rules, now) = (web.desk.rules(), web.desk.now());
    let board = web.desk.read(move |state| Board::of(state, &rules, now)).await?;
    let bodies = board.lanes.into_iter().map(|seen| {
        let visit = seen.lane.visit.as_ref();
        LaneBody {
            direction: seen.direction(),
            phase: seen.lane.phase,
            sensors: seen.lane.sensors,
            plate: visit.and_then(|v| v.plate.as_ref()).map(|plate| plate.full().to_owned()),
            stay: visit.and_then(|visit| visit.stay),
            order: seen.order.as_ref().map(|order| LaneOrder {
                id: order.id,
                amount: order.amount,
                state: order.state.name(),
            }),
            alarms: seen.alarms.iter().map(|alarm| alarm.kind).collect(),
            id: seen.lane.id,
        }
    });
    Ok(Json(bodies.collect()))
}

/// An act and why.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = LaneAct, example = json!({ "act": "open", "reason": "ambulance" }))]
struct Ordered {
    act: OperatorAct,
    /// Goes on record with the program's name.
    #[schema(min_length = 1, max_length = 200)]
    reason: String,
}

#[derive(Debug, Serialize, ToSchema)]
struct Done {
    done: bool,
}

async fn operate(
    State(web): State<Shared>,
    signed: Signed,
    Path(lane): Path<String>,
    Json(ordered): Json<Ordered>,
) -> Result<Json<Done>, ApiError> {
    let lane = LaneId::parse(&lane).ok_or(ApiError::NotFound)?;
    operate::tell_act(&web, &signed, &lane, ordered.act, &ordered.reason).await??;
    Ok(Json(Done { done: true }))
}

async fn alarms(State(web): State<Shared>) -> Result<Json<Vec<AlarmBody>>, ApiError> {
    let mut alarms =
        web.desk.read(|state| state.alarms.values().cloned().collect::<Vec<_>>()).await?;
    alarms.sort_by_key(|alarm| std::cmp::Reverse(alarm.since));
    Ok(Json(alarms.iter().map(AlarmBody::new).collect()))
}

// ---- stays ---------------------------------------------------------------------------------------

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Which {
    /// Of vehicles inside.
    #[default]
    Open,
    All,
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
struct StaysAsked {
    /// A part of the plate.
    #[param(required = false)]
    plate: String,
    /// `open`, where nothing is said: of vehicles inside.
    #[param(inline, required = false)]
    state: Which,
    /// The last number seen: what is older follows.
    #[param(minimum = 1)]
    after: Option<i64>,
    /// At most so many; 100 where nothing is said.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

async fn stays(
    State(web): State<Shared>,
    OriginalUri(uri): OriginalUri,
    Query(asked): Query<StaysAsked>,
) -> Result<Response, ApiError> {
    let page = Paging::new(asked.after, asked.limit).page()?;
    let plate = Search { plate: asked.plate }.normal();
    let stays = web.lists.stays(plate, asked.state == Which::Open, page).await?;
    let bodies = stays.iter().map(StayBody::new).collect();
    Ok(pages::part(&uri, page, bodies, StayBody::number))
}

/// A stay with its money, each oldest first.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StayFile)]
struct StayFileBody {
    stay: StayBody,
    orders: Vec<OrderBody>,
    payments: Vec<PaymentBody>,
    refunds: Vec<RefundBody>,
    cash: Vec<CashBody>,
}

async fn stay(
    State(web): State<Shared>,
    Path(id): Path<i64>,
) -> Result<Json<StayFileBody>, ApiError> {
    let file = web.records.stay(StayId(id)).await?.ok_or(ApiError::NotFound)?;
    Ok(Json(StayFileBody {
        stay: StayBody::new(&file.stay),
        orders: file.orders.iter().map(OrderBody::new).collect(),
        payments: file.payments.iter().map(PaymentBody::new).collect(),
        refunds: file.refunds.iter().map(RefundBody::new).collect(),
        cash: file.cash.iter().map(CashBody::new).collect(),
    }))
}

/// What a stay costs.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Quote)]
struct QuoteBody {
    stay: StayId,
    from: Timestamp,
    to: Timestamp,
    /// The whole fee; the lines add up to it.
    amount: Money,
    paid_minor: i64,
    /// What is left to pay.
    due: Money,
    /// Paid in full: nothing more is owed until then.
    leave_by: Option<Timestamp>,
    /// Empty: no tariff made this fee.
    tariff: String,
    lines: Vec<LineBody>,
}

/// One line of a fee.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = QuoteLine)]
struct LineBody {
    rule: QuoteRule,
    from: Timestamp,
    to: Timestamp,
    units: i64,
    amount: Money,
    /// In the language that was asked for.
    text: String,
}

async fn quote(
    State(web): State<Shared>,
    l: Lang,
    Path(id): Path<i64>,
) -> Result<Json<QuoteBody>, ApiError> {
    let (rules, now, stay) = (web.desk.rules(), web.desk.now(), StayId(id));
    let zone = rules.zone.clone();
    let made = web.desk.read(move |state| core::quote_of(state, &rules, stay, now)).await?;
    let Some(quote) = made else {
        // One that is over owes by its orders.
        let known = web.records.stay(stay).await?.is_some();
        return Err(if known { core::Refusal::NoStay(stay).into() } else { ApiError::NotFound });
    };
    let Quote { from, to, amount, .. } = *quote.as_ref().map_err(|no| {
        tracing::error!(%no, %stay, "a stay cannot be priced");
        ApiError::Internal
    })?;
    let quote = quote.map_err(|_| ApiError::Internal)?;
    let line = |line: &core::tariff::QuoteLine| LineBody {
        rule: line.rule,
        from: line.from,
        to: line.to,
        units: line.units,
        amount: line.amount,
        text: words::quote_line(l, line, &zone),
    };
    Ok(Json(QuoteBody {
        stay,
        from,
        to,
        amount,
        paid_minor: quote.paid_minor,
        due: quote.due(),
        leave_by: quote.leave_by,
        tariff: quote.tariff.to_string(),
        lines: quote.lines.iter().map(line).collect(),
    }))
}
