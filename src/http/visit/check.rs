//! Codes checked by staff with a phone, where no turnstile stands. What is shown as let in was decided and is on record;
//! what could not be sent waits in the phone, under a number of its own.

use std::time::Duration;

use askama::Template;
use axum::{
    Json,
    body::Bytes,
    extract::State,
    http::{HeaderMap, HeaderName, StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use serde::{Deserialize, Serialize};

use super::{buy::fresh_key, named};
use crate::{
    core::{
        Answer, Input, Refusal, Reply, gate::Way, input::HandCheck, presented::Presented,
        ticket::Ticket,
    },
    http::{
        console::Frame,
        error::ApiError,
        ops,
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
/// No ticket is for more.
const PERSONS_MAX: u32 = 1_000;

#[derive(Template)]
#[template(path = "gate-check.html", config = "src/http/askama.toml")]
struct CheckPage {
    f: Frame,
    check_js: String,
    zones: Vec<(String, String)>,
    key: String,
    said: Option<Said>,
}

pub(in crate::http) async fn page(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
) -> Result<Response, ApiError> {
    show(&web, l, &signed, None)
}

fn show(web: &Web, l: Lang, signed: &Signed, said: Option<Said>) -> Result<Response, ApiError> {
    super::office(web)?;
    let rules = web.desk.rules();
    let zones = rules.zones.iter().map(|(id, zone)| (id.to_string(), zone.name.clone()));
    let page = CheckPage {
        f: Frame::new(web, l, signed),
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
    /// `out`: they leave. Default: they come in.
    #[serde(default)]
    way: String,
    /// Of a group, at once. Default: one.
    #[serde(default)]
    persons: Count,
    /// How long ago, by the phone's own clock.
    #[serde(default)]
    ago_ms: u64,
}

/// A number; a form sends it as text.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(from = "CountText")]
struct Count(u32);

impl Default for Count {
    fn default() -> Self {
        Self(1)
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum CountText {
    Number(u32),
    Text(String),
}

impl From<CountText> for Count {
    fn from(text: CountText) -> Self {
        match text {
            CountText::Number(number) => Self(number),
            CountText::Text(text) => Self(text.trim().parse().unwrap_or(1)),
        }
    }
}

/// How a check ended, for whoever holds the phone.
#[derive(Clone, Debug, Serialize)]
struct Said {
    /// `ok`: let in or out, on record. `no`: not let in.
    state: &'static str,
    /// What was decided.
    text: String,
    /// Whose ticket it is: what for, the visitor's masked name, and who may still come in.
    about: String,
}

impl Said {
    fn is_good(&self) -> bool {
        self.state == "ok"
    }

    fn no(text: impl Into<String>) -> Self {
        Self { state: "no", text: text.into(), about: String::new() }
    }
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
    let said = decide(&web, l, &signed.name, scanned).await?;
    if is_json {
        return Ok(Json(said).into_response());
    }
    show(&web, l, &signed, Some(said))
}

/// A ticket of a sister daemon is asked about at its home, one of a cloud there: the same check again tells what came of
/// it.
async fn told_at_last(web: &Web, asked: Input) -> Result<Reply, ApiError> {
    let mut version = web.desk.version();
    for _ in 0..LOOKS_MAX {
        version.mark_unchanged();
        let told = web.desk.tell(asked.clone()).await?;
        if told != Ok(Answer::Asked) {
            return Ok(told);
        }
        let _ = tokio::time::timeout(LOOK, version.changed()).await;
    }
    Err(ApiError::Busy)
}

async fn decide(web: &Web, l: Lang, who: &str, scanned: Scanned) -> Result<Said, ApiError> {
    let (codes, _) = super::office(web)?;
    let zone = ZoneId::parse(&scanned.zone).ok_or(ApiError::NotFound)?;
    let fits = (8..=64).contains(&scanned.id.len())
        && scanned.id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    let persons = scanned.persons.0;
    if !fits || !(1..=PERSONS_MAX).contains(&persons) {
        return Err(ApiError::Status(StatusCode::UNPROCESSABLE_ENTITY));
    }
    let ago = Duration::from_millis(scanned.ago_ms);
    if ago > AGE_MAX {
        return Ok(Said::no(l.say(
            "等待过久，未判定，请重新扫码",
            "It waited too long and was not decided: scan it again",
        )));
    }
    // What changes on a phone is held against the time it was shown at.
    let cloud = codes.of_cloud(&scanned.code);
    let shown = match &cloud {
        Some((_, digest, _)) => Presented::Code(*digest),
        None => codes.read(&scanned.code, web.desk.now() - ago),
    };
    let found = ticket_of(web, &shown).await?;
    let way = if scanned.way == "out" { Way::Out } else { Way::In };
    let (key, who) = (scanned.id, who.to_owned());
    let asked = HandCheck { key, zone: zone.clone(), way, shown, found, persons, who: who.clone() };
    let asked = match cloud {
        Some((cloud, digest, sealed)) => Input::CloudCheckedByHand { asked, cloud, digest, sealed },
        None => Input::CheckedByHand(asked),
    };
    let told = told_at_last(web, asked).await?;
    tracing::info!(
        operator = who,
        ?way,
        persons,
        done = told.is_ok(),
        "a code was checked by hand"
    );
    let after = ticket_of(web, &shown).await?;
    let about = after.map(|ticket| about(web, l, &ticket, &zone)).unwrap_or_default();
    let (state, text) = match told {
        Ok(Answer::Duplicate) if way == Way::In => {
            ("ok", l.say("此次扫码已放行", "Let in by this scan already"))
        }
        Ok(_) if way == Way::Out => ("ok", l.say("已记录出园", "Out, on record")),
        Ok(_) => ("ok", l.say("已放行", "Let in, on record")),
        Err(Refusal::NotAdmitted(_, why)) => {
            return Ok(Said { state: "no", text: words::not_admitted(l, why), about });
        }
        Err(refusal) => return Err(refusal.into()),
    };
    let text = if persons > 1 { format!("{text} × {persons}") } else { text.to_owned() };
    Ok(Said { state, text, about })
}

/// As the tables know it: every decision is there before it is told.
async fn ticket_of(web: &Web, shown: &Presented) -> Result<Option<Ticket>, ApiError> {
    Ok(match shown {
        Presented::Signed(claims, ..) => web.records.ticket(claims.ticket).await?,
        Presented::Code(digest) => web.records.ticket_of(*digest).await?,
        Presented::Ticket(id) => web.records.ticket(*id).await?,
        Presented::Person(_) | Presented::Bad(_) => None,
    })
}

/// `成人票 · 张* · 剩余 3/5 · 票 12`.
fn about(web: &Web, l: Lang, ticket: &Ticket, zone: &ZoneId) -> String {
    let rules = web.desk.rules();
    let left = ticket.left_in(Some(zone).filter(|_| !ticket.areas.is_empty()));
    let mut parts = vec![named::ticket(&rules, l, ticket)];
    parts.extend(ticket.visitor.as_ref().map(|visitor| visitor.name.clone()));
    parts.push(format!("{} {left}/{}", l.say("剩余", "left"), ticket.persons));
    parts.push(format!("{} {}", l.say("票", "ticket"), ticket.id));
    parts.join(" · ")
}

/// Keeps the page where there is no network.
pub(in crate::http) async fn worker() -> impl IntoResponse {
    let headers = [
        (header::CONTENT_TYPE, "text/javascript; charset=utf-8"),
        (HeaderName::from_static("service-worker-allowed"), "/console/gate-check"),
    ];
    (headers, ops::CHECK_WORKER_JS)
}
