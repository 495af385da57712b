//! Zones and how full they are: bars for the console, the counting form with how far the number drifts, and numbers for
//! other programs. Counts nothing.

use askama::Template;
use axum::{
    Form, Json,
    extract::{Path, State},
    http::StatusCode,
    response::{Html, IntoResponse, Redirect, Response},
};
use jiff::Timestamp;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    console::Frame,
    error::ApiError,
    operate::REASON_CHARS_MAX,
    program::{Access, Api, Op},
    router::{Shared, Web},
    signin::Signed,
    visit::inside::Inside,
    words::{self, Lang},
};
use crate::{
    core::{
        Input, Refusal, Rules, State as Core,
        zone::{Count, Counted, Level, SpacesCount},
    },
    types::{Scope, ZoneId},
};

pub(super) fn api(api: Api) -> Api {
    api.on(
        Op::get("/api/v1/zones", "listZones", "Every zone with its vehicles and free spaces")
            .by(Access::Anyone)
            .lists::<Count>("A number on a sign is no secret"),
        list,
    )
    .on(
        Op::post(
            "/api/v1/zones/{zone}/count",
            "countZone",
            "Says how many vehicles are in a zone, on record",
        )
        .scope(Scope::ZonesCount)
        .body::<Found>()
        .lists::<Count>("Every zone as it is counted now"),
        count,
    )
}

/// A tenth of the spaces is few, on the console.
const FEW_PART: u32 = 10;

/// One zone's bar.
#[derive(Clone, Debug)]
pub(super) struct Bar {
    pub(super) id: ZoneId,
    pub(super) name: String,
    /// How many zones lie around it.
    pub(super) depth: usize,
    pub(super) vehicles: u32,
    pub(super) capacity: Option<u32>,
    free: Option<u32>,
    /// Spaces that are for some vehicles.
    spaces: Vec<SpacesCount>,
    level: Level,
    correction: i64,
    /// The latest first.
    counts: Vec<Counted>,
    /// Where people go in and out on foot.
    pub(super) crowd: Option<Inside>,
}

/// All zones, each behind the one it lies in.
pub(super) fn bars(state: &Core, rules: &Rules, now: Timestamp) -> Vec<Bar> {
    let (zones, crowds) = (&rules.zones, Inside::all(state, rules, now));
    let mut bars: Vec<(Vec<&ZoneId>, Bar)> = zones
        .iter()
        .map(|(id, zone)| {
            let at = state.occupancy(zones, id);
            let known = state.zones.get(id);
            let mut path: Vec<&ZoneId> = zones.around(id).collect();
            path.reverse();
            let bar = Bar {
                id: id.clone(),
                name: zone.name.clone(),
                depth: path.len() - 1,
                vehicles: at.vehicles(),
                capacity: at.capacity,
                free: at.free(),
                spaces: state.spaces(zones, id),
                level: at.level(at.capacity.unwrap_or(0) / FEW_PART),
                correction: known.map_or(0, |zone| zone.correction),
                counts: known
                    .map_or_else(Vec::new, |zone| zone.counts.iter().rev().cloned().collect()),
                crowd: crowds.iter().find(|crowd| crowd.zone == *id).cloned(),
            };
            (path, bar)
        })
        .collect();
    bars.sort_by(|(a, _), (b, _)| a.cmp(b));
    bars.into_iter().map(|(_, bar)| bar).collect()
}

impl Bar {
    /// Percent of the spaces that are taken, at most 100.
    fn percent(&self) -> u32 {
        let capacity = self.capacity.unwrap_or(0);
        if capacity == 0 {
            return if self.capacity.is_some() { 100 } else { 0 };
        }
        (u64::from(self.vehicles) * 100 / u64::from(capacity)).min(100) as u32
    }

    /// Nobody counts vehicles there: what it holds is people.
    pub(super) fn people(&self) -> Option<&Inside> {
        self.crowd.as_ref().filter(|_| self.capacity.is_none() && self.vehicles == 0)
    }

    pub(super) fn mood(&self) -> &'static str {
        if self.people().is_some_and(Inside::is_full) {
            return "wait";
        }
        match self.level {
            Level::Free => "calm",
            Level::Few => "wait",
            Level::Full => "bad",
        }
    }

    pub(super) fn words(&self, l: Lang) -> String {
        if let Some(people) = self.people() {
            return people.words(l);
        }
        match (self.capacity, self.free) {
            (Some(_), Some(0)) => l.say("已满", "full").to_owned(),
            (Some(_), Some(free)) => format!("{} {free}", l.say("余位", "free")),
            _ => String::new(),
        }
    }

    /// What is kept for some vehicles, such as `大型车 余 3 / 10`.
    pub(super) fn apart(&self, l: Lang) -> Vec<String> {
        let words = |spaces: &SpacesCount| {
            let (zh, en) = spaces.of.names();
            let of = l.say(zh, en);
            format!("{of} {} {} / {}", l.say("余", "free"), spaces.free, spaces.count)
        };
        self.spaces.iter().map(words).collect()
    }
}

#[derive(Template)]
#[template(path = "bars.html", config = "src/http/askama.toml")]
struct Bars<'a> {
    l: Lang,
    bars: &'a [Bar],
}

pub(super) fn rendered(l: Lang, bars: &[Bar]) -> Result<String, ApiError> {
    Ok(Bars { l, bars }.render()?)
}

// ---- the page ------------------------------------------------------------------------------------

#[derive(Template)]
#[template(path = "zones.html", config = "src/http/askama.toml")]
struct ZonesPage {
    f: Frame,
    bars: Vec<Bar>,
    notice: Option<String>,
}

impl ZonesPage {
    fn all(&self) -> Result<String, ApiError> {
        rendered(self.f.l, &self.bars)
    }
}

async fn shown(
    web: &Web,
    l: Lang,
    signed: Signed,
    notice: Option<Refusal>,
) -> Result<Response, ApiError> {
    let (rules, now) = (web.desk.rules(), web.desk.now());
    let bars = web.desk.read(move |state| bars(state, &rules, now)).await?;
    let f = Frame::new(web, l, &signed);
    let status = notice.as_ref().map_or(StatusCode::OK, |_| StatusCode::UNPROCESSABLE_ENTITY);
    let notice = notice.map(|refusal| words::refusal(l, &refusal));
    Ok((status, Html(ZonesPage { f, bars, notice }.render()?)).into_response())
}

pub(super) async fn page(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
) -> Result<Response, ApiError> {
    shown(&web, l, signed, None).await
}

/// A count and why.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ZoneCount)]
pub(super) struct Found {
    found: u32,
    #[serde(default)]
    #[schema(max_length = 200)]
    reason: String,
}

async fn told(web: &Web, who: &str, zone: &str, found: Found) -> Result<(), ApiError> {
    let Found { found, reason } = found;
    if reason.chars().count() > REASON_CHARS_MAX {
        return Err(ApiError::Unfit(
            "原因请不超过 200 字。",
            "A reason has at most 200 characters.",
        ));
    }
    let zone = ZoneId::parse(zone).ok_or(ApiError::NotFound)?;
    tracing::info!(%zone, found, operator = who, "an operator counted");
    web.desk.tell(Input::ZoneCounted { zone, found, who: who.to_owned(), reason }).await??;
    Ok(())
}

pub(super) async fn count_form(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
    Path(zone): Path<String>,
    Form(found): Form<Found>,
) -> Result<Response, ApiError> {
    match told(&web, &signed.name, &zone, found).await {
        Ok(()) => Ok(Redirect::to("/console/zones").into_response()),
        Err(ApiError::Refused(refusal)) => shown(&web, l, signed, Some(refusal)).await,
        Err(other) => Err(other),
    }
}

/// The same as JSON.
async fn count(
    State(web): State<Shared>,
    signed: Signed,
    Path(zone): Path<String>,
    Json(found): Json<Found>,
) -> Result<Json<Vec<Count>>, ApiError> {
    told(&web, &signed.name, &zone, found).await?;
    list(State(web)).await
}

/// For anyone: a number on a sign is no secret.
async fn list(State(web): State<Shared>) -> Result<Json<Vec<Count>>, ApiError> {
    let rules = web.desk.rules();
    Ok(Json(web.desk.read(move |state| Count::all(state, &rules)).await?))
}
