//! Cards bound to a ticket at the window, unbound and reported lost: the one that was just held before a reader, or one by
//! its number. Shows no number.

use std::time::Duration;

use axum::{
    Form,
    extract::{Path, State},
    response::Response,
};
use jiff::Timestamp;
use serde::Deserialize;

use super::{page, tickets};
use crate::{
    core::{Input, card::CardAct},
    http::{
        error::ApiError,
        operate::REASON_CHARS_MAX,
        router::{Shared, Web},
        signin::Signed,
        words::{self, Lang},
    },
    types::{Code, CodeDigest, DeviceId, TicketId},
};

/// A card that was held longer ago is another visitor's.
const HELD: Duration = Duration::from_secs(90);

/// Cards held a moment ago, the latest first, and how many seconds that is.
pub(super) fn held(web: &Web, now: Timestamp) -> Vec<(DeviceId, Code, i64)> {
    let ago = |at: Timestamp| now.duration_since(at).as_secs().max(0);
    let all = web.fleet.last_cards().into_iter().map(|(reader, code, at)| (reader, code, ago(at)));
    let mut held: Vec<_> = all.filter(|(.., ago_s)| *ago_s <= HELD.as_secs() as i64).collect();
    held.sort_by_key(|(.., ago_s)| *ago_s);
    held
}

#[derive(Deserialize)]
pub(in crate::http) struct Given {
    /// A reader at which it was held, or empty.
    #[serde(default)]
    reader: String,
    /// Its bits and bytes, such as `26:2d00a280`, or what it reads as.
    #[serde(default)]
    card: String,
    /// Of one that is bound: what it is known by.
    #[serde(default)]
    known: String,
    #[serde(default)]
    reason: String,
}

/// `bind`, `unbind` or `lost`.
pub(in crate::http) async fn act(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
    Path((id, what)): Path<(i64, String)>,
    Form(given): Form<Given>,
) -> Result<Response, ApiError> {
    let id = TicketId(id);
    page::by_id(&web, id).await?;
    if given.reason.chars().count() > REASON_CHARS_MAX {
        return Err(ApiError::Unfit(
            "原因请不超过 200 字。",
            "A reason has at most 200 characters.",
        ));
    }
    let wrong = || {
        l.say(
            "没有读到卡：请在读卡器上刷卡后一分钟内提交，或填写卡号",
            "No card: hold it before a reader and send this within a minute, or give its number",
        )
    };
    let (act, found) = match what.as_str() {
        "bind" => (CardAct::Bind(id), card(&web, &given)),
        "unbind" => (CardAct::Unbind, known(&given.known)),
        "lost" => (CardAct::Lost, known(&given.known)),
        _ => return Err(ApiError::NotFound),
    };
    let Some((card, tail)) = found else {
        return tickets::show(&web, l, signed, id, Some((false, wrong().to_owned()))).await;
    };
    let who = signed.name.clone();
    let told =
        web.desk.tell(Input::CardActed { card, tail, act, who, reason: given.reason }).await?;
    tracing::info!(ticket = %id, what, operator = signed.name, done = told.is_ok(), "a card");
    let notice = match told {
        Ok(_) => (true, l.say("已完成", "Done").to_owned()),
        Err(refusal) => (false, words::refusal(l, &refusal)),
    };
    tickets::show(&web, l, signed, id, Some(notice)).await
}

/// Its digest, and its last characters for people.
fn card(web: &Web, given: &Given) -> Option<(CodeDigest, String)> {
    if !given.card.trim().is_empty() {
        let code = Code::parse(&given.card).ok()?;
        return Some((code.digest(), code.tail()));
    }
    let held = held(web, web.desk.now());
    let (_, code, _) = held.into_iter().find(|(reader, ..)| reader.as_str() == given.reader)?;
    Some((code.digest(), code.tail()))
}

fn known(text: &str) -> Option<(CodeDigest, String)> {
    let digest = serde_json::from_value(serde_json::Value::String(text.to_owned())).ok()?;
    Some((digest, String::new()))
}
