//! Codes checked by staff with a phone, where no turnstile stands. What is shown as let in was decided and is on record;
//! what could not be sent waits in the phone, under a number of its own.

use std::time::Duration;

use askama::Template;
use axum::{
    Json,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use serde::{Deserialize, Serialize};

use super::buy::fresh_key;
use crate::{
    core::{Answer, Input, Refusal, Reply, input::HandCheck, presented::Presented},
    http::{
        console::Frame,
        error::ApiError,
        router::{Shared, Web},
        signin::Signed,
        words::{self, Lang},
    },
    types::ZoneId,
};

/// A scan that waited longer in a phone is not decided any more.
const AGE_MAX: Duration = Duration::from_hours(12);
/// How often, and how long between, it is looked whether a sister daemon has answered.
const LOOKS_MAX: u32 = 200;
const LOOK: Duration = Duration::from_millis(50);

#[derive(Template)]
#[template(path = "gate-check.html", config = "src/http/askama.toml")]
struct CheckPage {
    f: Frame,
    check_js: String,
    zones: Vec<(String, String)>,
    key: String,
    said: Option<(bool, String)>,
}

pub(in crate::http) async fn page(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
) -> Result<Response, ApiError> {
    show(&web, l, signed, None)
}

fn show(
    web: &Web,
    l: Lang,
    signed: Signed,
    said: Option<(bool, String)>,
) -> Result<Response, ApiError> {
    super::office(web)?;
    let rules = web.desk.rules();
    let zones = rules.zones.iter().map(|(id, zone)| (id.to_string(), zone.name.clone()));
    let page = CheckPage {
        f: Frame::new(web, l, signed.name),
        check_js: web.assets.check_js_path().to_owned(),
        zones: zones.collect(),
        key: fresh_key()?,
        said,
    };
    Ok(Html(page.render()?).into_response())
}

#[derive(Deserialize)]
pub(in crate::http) struct Scanned {
    /// The phone's own number of it: sent twice, it is decided once.
    id: String,
    code: String,
    zone: String,
    /// How long ago, by the phone's own clock.
    #[serde(default)]
    ago_ms: u64,
}

#[derive(Serialize)]
struct Said {
    /// `ok`: let in, on record. `no`: not let in.
    state: &'static str,
    text: String,
}

/// JSON from the script, a form without it.
pub(in crate::http) async fn check(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, ApiError> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let is_json = kind.is_some_and(|kind| kind.starts_with("application/json"));
    let odd = || ApiError::Status(StatusCode::UNPROCESSABLE_ENTITY);
    let scanned: Scanned = if is_json {
        serde_json::from_slice(&body).map_err(|_| odd())?
    } else {
        serde_json::to_value(
            form_urlencoded::parse(&body).into_owned().collect::<std::collections::HashMap<_, _>>(),
        )
        .and_then(serde_json::from_value)
        .map_err(|_| odd())?
    };
    let (good, text) = decide(&web, l, &signed.name, scanned).await?;
    if is_json {
        let state = if good { "ok" } else { "no" };
        return Ok(Json(Said { state, text }).into_response());
    }
    show(&web, l, signed, Some((good, text)))
}

/// A ticket of a sister daemon is asked about at its home: the same check again tells what came of it.
async fn told_at_last(web: &Web, asked: HandCheck) -> Result<Reply, ApiError> {
    let mut version = web.desk.version();
    for _ in 0..LOOKS_MAX {
        version.mark_unchanged();
        let told = web.desk.tell(Input::CheckedByHand(asked.clone())).await?;
        if told != Ok(Answer::Asked) {
            return Ok(told);
        }
        let _ = tokio::time::timeout(LOOK, version.changed()).await;
    }
    Err(ApiError::Busy)
}

async fn decide(
    web: &Web,
    l: Lang,
    who: &str,
    scanned: Scanned,
) -> Result<(bool, String), ApiError> {
    let (codes, _) = super::office(web)?;
    let zone = ZoneId::parse(&scanned.zone).ok_or(ApiError::NotFound)?;
    let fits = (8..=64).contains(&scanned.id.len())
        && scanned.id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    if !fits {
        return Err(ApiError::Status(StatusCode::UNPROCESSABLE_ENTITY));
    }
    let ago = Duration::from_millis(scanned.ago_ms);
    if ago > AGE_MAX {
        return Ok((
            false,
            l.say(
                "等待过久，未判定，请重新扫码",
                "It waited too long and was not decided: scan it again",
            )
            .to_owned(),
        ));
    }
    // What changes on a phone is held against the time it was shown at.
    let shown = codes.read(&scanned.code, web.desk.now() - ago);
    let found = match &shown {
        Presented::Signed(claims, ..) => web.records.ticket(claims.ticket).await?,
        Presented::Code(digest) => web.records.ticket_of(*digest).await?,
        Presented::Ticket(_) | Presented::Person(_) | Presented::Bad(_) => None,
    };
    let asked = HandCheck { key: scanned.id, zone, shown, found };
    let told = told_at_last(web, asked).await?;
    tracing::info!(operator = who, done = told.is_ok(), "a code was checked by hand");
    match told {
        Ok(Answer::Ticket(ticket)) => Ok((true, format!("{} {ticket}", l.say("票", "Ticket")))),
        Ok(_) => Ok((true, l.say("此次扫码已放行", "Let in by this scan already").to_owned())),
        Err(Refusal::NotAdmitted(_, why)) => Ok((false, words::not_admitted(l, why))),
        Err(refusal) => Err(refusal.into()),
    }
}
