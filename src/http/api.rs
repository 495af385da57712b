//! The same facts and acts as JSON under `/api/v1`, for a signed-in browser. Decides nothing.

use axum::{
    Json,
    extract::{Path, Query, State},
};
use serde::{Deserialize, Serialize};

use super::{error::ApiError, operate, records::Search, router::Shared, signin::Signed};
use crate::{
    core::{
        AlarmKind,
        lane::{OperatorAct, Phase, Sensors},
        rules::Direction,
    },
    types::{LaneId, Money, OrderId, StayId},
};

const STAYS_MAX: u32 = 200;

#[derive(Debug, Serialize)]
pub(super) struct LaneBody {
    id: LaneId,
    direction: Direction,
    phase: Phase,
    sensors: Sensors,
    plate: Option<String>,
    stay: Option<StayId>,
    order: Option<OrderBody>,
    alarms: Vec<AlarmKind>,
}

#[derive(Debug, Serialize)]
struct OrderBody {
    id: OrderId,
    amount: Money,
    state: &'static str,
}

pub(super) async fn lanes(
    State(web): State<Shared>,
    _signed: Signed,
) -> Result<Json<Vec<LaneBody>>, ApiError> {
    let rules = web.desk.rules();
    let board = web.desk.read(move |state| super::lanes::Board::of(state, &rules)).await?;
    let bodies = board.lanes.into_iter().map(|seen| {
        let visit = seen.lane.visit.as_ref();
        LaneBody {
            direction: seen.direction(),
            phase: seen.lane.phase,
            sensors: seen.lane.sensors,
            plate: visit.and_then(|v| v.plate.as_ref()).map(|plate| plate.full().to_owned()),
            stay: visit.and_then(|visit| visit.stay),
            order: seen.order.as_ref().map(|order| OrderBody {
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

#[derive(Debug, Serialize)]
pub(super) struct StayBody {
    id: StayId,
    plate: String,
    state: &'static str,
    entry_lane: LaneId,
    entered_at: jiff::Timestamp,
    paid_minor: i64,
    order: Option<OrderId>,
}

/// Open stays.
pub(super) async fn stays(
    State(web): State<Shared>,
    _signed: Signed,
    Query(search): Query<Search>,
) -> Result<Json<Vec<StayBody>>, ApiError> {
    let stays = web.records.open_stays(search.normal(), STAYS_MAX).await?;
    let bodies = stays.into_iter().map(|stay| StayBody {
        id: stay.id,
        plate: stay.plate.full().to_owned(),
        state: stay.state.name(),
        entry_lane: stay.entry_lane,
        entered_at: stay.entered_at,
        paid_minor: stay.paid_minor,
        order: stay.order,
    });
    Ok(Json(bodies.collect()))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ordered {
    act: OperatorAct,
    reason: String,
}

#[derive(Debug, Serialize)]
pub(super) struct Done {
    done: bool,
}

pub(super) async fn operate(
    State(web): State<Shared>,
    signed: Signed,
    Path(lane): Path<String>,
    Json(ordered): Json<Ordered>,
) -> Result<Json<Done>, ApiError> {
    let lane = LaneId::parse(&lane).ok_or(ApiError::NotFound)?;
    operate::tell_act(&web, &signed, &lane, ordered.act, &ordered.reason).await??;
    Ok(Json(Done { done: true }))
}
