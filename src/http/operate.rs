//! What an operator does to a lane: acts with a reason, and plates typed in. Each goes on record with its name.

use axum::{
    Form,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;

use super::{
    console::{self, Notice},
    error::ApiError,
    roles::Right,
    router::{Shared, Web},
    signin::Signed,
    words::{self, Lang},
};
use crate::{
    core::{Input, Refusal, Reply, lane::OperatorAct},
    types::{LaneId, Plate},
};

/// Longer texts are no reason but a mistake.
pub(super) const REASON_CHARS_MAX: usize = 200;

#[derive(Debug, Deserialize)]
pub(super) struct Ordered {
    act: OperatorAct,
    #[serde(default)]
    reason: String,
}

pub(super) async fn operate(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
    Path(lane): Path<String>,
    headers: HeaderMap,
    Form(ordered): Form<Ordered>,
) -> Result<Response, ApiError> {
    let lane = LaneId::parse(&lane).ok_or(ApiError::NotFound)?;
    let Ordered { act, reason } = ordered;
    let reply = tell_act(&web, &signed, &lane, act, &reason).await?;
    answered(&web, l, signed, lane, &headers, reply, reason).await
}

/// Tells the writer, and the log.
pub(super) async fn tell_act(
    web: &Web,
    signed: &Signed,
    lane: &LaneId,
    act: OperatorAct,
    reason: &str,
) -> Result<Reply, ApiError> {
    if !web.desk.rules().gates.contains_key(lane) {
        signed.must(Right::Operate)?;
    }
    if reason.chars().count() > REASON_CHARS_MAX {
        return Err(ApiError::Unfit(
            "原因请不超过 200 字。",
            "A reason has at most 200 characters.",
        ));
    }
    let who = signed.name.clone();
    let input = Input::Operator { lane: lane.clone(), act, who, reason: reason.trim().to_owned() };
    let reply = web.desk.tell(input).await?;
    tracing::info!(%lane, ?act, operator = signed.name, done = reply.is_ok(), "an operator acted");
    Ok(reply)
}

#[derive(Deserialize)]
pub(super) struct Typed {
    plate: String,
}

pub(super) async fn plate(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
    Path(lane): Path<String>,
    headers: HeaderMap,
    Form(typed): Form<Typed>,
) -> Result<Response, ApiError> {
    let lane = LaneId::parse(&lane).ok_or(ApiError::NotFound)?;
    let Ok(plate) = Plate::parse_kept(&typed.plate) else {
        let text = l.say("这不像一个车牌，请检查", "That is not a plate; check it").to_owned();
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        return refused(&web, l, signed, lane, &headers, status, text, String::new()).await;
    };
    let by = signed.name.clone();
    let reply = web.desk.tell(Input::PlateGiven { lane: lane.clone(), plate, by }).await?;
    answered(&web, l, signed, lane, &headers, reply, String::new()).await
}

/// The script asks for a bare text; a plain form gets the console back.
fn wants_text(headers: &HeaderMap) -> bool {
    headers.get("x-piece").is_some()
}

pub(super) async fn answered(
    web: &Web,
    l: Lang,
    signed: Signed,
    lane: LaneId,
    headers: &HeaderMap,
    reply: Reply,
    reason: String,
) -> Result<Response, ApiError> {
    let people = web.desk.rules().gates.contains_key(&lane);
    match reply {
        Ok(_) if people && !wants_text(headers) => {
            Ok(Redirect::to("/console/admissions").into_response())
        }
        Err(refusal) if people => Err(refusal.into()),
        Ok(_) if wants_text(headers) => Ok(StatusCode::NO_CONTENT.into_response()),
        Ok(_) => Ok(Redirect::to(&format!("/console#lane-{lane}")).into_response()),
        Err(refusal @ Refusal::NoLane(_)) => Err(refusal.into()),
        Err(refusal) => {
            let status = match refusal {
                Refusal::NoReason => StatusCode::UNPROCESSABLE_ENTITY,
                _ => StatusCode::CONFLICT,
            };
            let text = words::refusal(l, &refusal);
            refused(web, l, signed, lane, headers, status, text, reason).await
        }
    }
}

#[expect(clippy::too_many_arguments, reason = "one answer, made of what both forms gave")]
async fn refused(
    web: &Web,
    l: Lang,
    signed: Signed,
    lane: LaneId,
    headers: &HeaderMap,
    status: StatusCode,
    text: String,
    reason: String,
) -> Result<Response, ApiError> {
    if wants_text(headers) {
        return Ok(
            (status, [("content-type", "text/x-notice; charset=utf-8")], text).into_response()
        );
    }
    console::with_notice(web, l, signed, Some(Notice { lane, text, reason, status })).await
}
