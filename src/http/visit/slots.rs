//! Time slots for operators: a month of them, how many places, closing one, and closing the site for days. Each act
//! goes on record with a name and a reason.

use askama::Template;
use axum::{
    Form,
    extract::{Query, State},
    http::StatusCode,
    response::{Html, IntoResponse, Redirect, Response},
};
use jiff::{ToSpan, civil::Date};
use serde::Deserialize;

use super::{named, offer};
use crate::{
    core::{
        Input, Refusal, State as Core,
        selling::{Closure, SlotAct},
    },
    http::{
        console::Frame,
        error::ApiError,
        operate::REASON_CHARS_MAX,
        router::{Shared, Web},
        signin::Signed,
        words::{self, Lang},
    },
    types::{Currency, Money, ScheduleId, SlotId},
};

/// A day of the calendar.
#[derive(Debug)]
struct DayRow {
    date: Date,
    places: u32,
    sold: u32,
    closed: Option<String>,
}

/// A time slot of the chosen day.
#[derive(Debug)]
struct SlotRow {
    id: SlotId,
    schedule: ScheduleId,
    /// What the schedule is called.
    called: String,
    name: String,
    places: u32,
    /// Set by an operator.
    is_set: bool,
    held: u32,
    paid: u32,
    closed: Option<String>,
}

#[derive(Template)]
#[template(path = "slots.html", config = "src/http/askama.toml")]
struct SlotsPage {
    f: Frame,
    visit_css: String,
    month: String,
    before: Date,
    after: Date,
    /// Empty places before the first, Monday first.
    empty: usize,
    days: Vec<DayRow>,
    day: Date,
    rows: Vec<SlotRow>,
    closures: Vec<Closure>,
    currency: Currency,
    notice: Option<String>,
}

impl SlotsPage {
    fn is_chosen(&self, row: &DayRow) -> bool {
        row.date == self.day
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "templates hand out references")]
    fn money(&self, minor: &i64) -> Money {
        Money::new(*minor, self.currency)
    }

    fn title(&self) -> String {
        named::day(self.f.l, self.day)
    }
}

#[derive(Deserialize)]
pub(in crate::http) struct Asked {
    #[serde(default)]
    day: Option<String>,
}

pub(in crate::http) async fn page(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
    Query(asked): Query<Asked>,
) -> Result<Response, ApiError> {
    let today = today(&web);
    let day = asked.day.and_then(|day| day.parse().ok()).unwrap_or(today);
    show(&web, l, signed, day, None).await
}

fn today(web: &Web) -> Date {
    web.desk.now().to_zoned_datetime(web.desk.rules().zone.clone()).date()
}

async fn show(
    web: &Web,
    l: Lang,
    signed: Signed,
    day: Date,
    notice: Option<String>,
) -> Result<Response, ApiError> {
    super::office(web)?;
    let first = day.first_of_month();
    let dates: Vec<Date> = (0..31)
        .filter_map(|n: i64| first.checked_add(n.days()).ok())
        .filter(|date| date.month() == first.month())
        .collect();
    let rules = web.desk.rules();
    let currency = rules.currency;
    let (days, rows, closures) = web
        .desk
        .read(move |state| {
            let row = |date: &Date| {
                let rows = rows(state, &rules, l, *date);
                DayRow {
                    date: *date,
                    places: rows.iter().map(|row| row.places).sum(),
                    sold: rows.iter().map(|row| row.held + row.paid).sum(),
                    closed: offer::closed(state, *date),
                }
            };
            let days: Vec<DayRow> = dates.iter().map(row).collect();
            (days, rows(state, &rules, l, day), state.closures.values().cloned().collect())
        })
        .await?;
    let page = SlotsPage {
        f: Frame::new(web, l, &signed),
        visit_css: web.assets.visit_css_path().to_owned(),
        month: first.strftime("%Y-%m").to_string(),
        before: first.checked_sub(1.month()).unwrap_or(first),
        after: first.checked_add(1.month()).unwrap_or(first),
        empty: first.weekday().to_monday_zero_offset() as usize,
        days,
        day,
        rows,
        closures,
        currency,
        notice,
    };
    let status = if page.notice.is_some() { StatusCode::CONFLICT } else { StatusCode::OK };
    Ok((status, Html(page.render()?)).into_response())
}

fn rows(state: &Core, rules: &crate::core::Rules, l: Lang, day: Date) -> Vec<SlotRow> {
    let schedules = rules.shop.schedules.iter();
    let of = |(schedule_id, schedule): (&ScheduleId, &crate::core::slot::Schedule)| {
        let spans = schedule.spans(day, &rules.tariffs).iter();
        let row = |span: &crate::core::slot::Span| {
            let id = span.id(schedule_id, day)?;
            let slot = state.slots.get(&id);
            let set = slot.and_then(|slot| slot.places);
            Some(SlotRow {
                schedule: schedule_id.clone(),
                called: named::name(l, &schedule.name),
                name: named::span(span),
                places: set.unwrap_or(span.capacity),
                is_set: set.is_some(),
                held: slot.map_or(0, crate::core::slot::Slot::held),
                paid: slot.map_or(0, crate::core::slot::Slot::paid),
                closed: slot.and_then(|slot| slot.closed.as_ref()).map(|c| c.reason.clone()),
                id,
            })
        };
        spans.filter_map(row).collect::<Vec<_>>()
    };
    schedules.flat_map(of).collect()
}

#[derive(Deserialize)]
pub(in crate::http) struct Set {
    schedule: String,
    slot: String,
    day: String,
    /// `places`, `close` or `reopen`.
    act: String,
    /// Empty: as the schedule says.
    #[serde(default)]
    places: String,
    #[serde(default)]
    reason: String,
}

pub(in crate::http) async fn set(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
    Form(given): Form<Set>,
) -> Result<Response, ApiError> {
    let parsed = ScheduleId::parse(&given.schedule).zip(SlotId::parse(&given.slot));
    let (schedule, slot) = parsed.ok_or(ApiError::NotFound)?;
    let day: Date = given.day.parse().map_err(|_| ApiError::NotFound)?;
    let act = match (given.act.as_str(), given.places.trim()) {
        ("close", _) => SlotAct::Close,
        ("reopen", _) => SlotAct::Reopen,
        (_, "") => SlotAct::Places(None),
        (_, places) => {
            let odd = ApiError::Unfit("名额须为整数。", "Places are a whole number.");
            SlotAct::Places(Some(places.parse().map_err(|_| odd)?))
        }
    };
    let (who, reason) = (signed.name.clone(), short(given.reason)?);
    let told = web.desk.tell(Input::SlotSet { schedule, day, slot, act, who, reason }).await?;
    answered(&web, l, signed, day, told.err()).await
}

#[derive(Deserialize)]
pub(in crate::http) struct Close {
    from: String,
    until: String,
    #[serde(default)]
    reason: String,
}

/// Everything sold for these days alone goes back.
pub(in crate::http) async fn close(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
    Form(given): Form<Close>,
) -> Result<Response, ApiError> {
    let odd = |_| ApiError::Unfit("请填写日期。", "Give the first and the last day.");
    let from: Date = given.from.parse().map_err(odd)?;
    let until: Date = given.until.parse().map_err(odd)?;
    let (who, reason) = (signed.name.clone(), short(given.reason)?);
    let told = web.desk.tell(Input::ClosureAsked { from, until, who, reason }).await?;
    tracing::info!(operator = signed.name, %from, %until, done = told.is_ok(), "a closure was asked for");
    answered(&web, l, signed, from, told.err()).await
}

async fn answered(
    web: &Web,
    l: Lang,
    signed: Signed,
    day: Date,
    refusal: Option<Refusal>,
) -> Result<Response, ApiError> {
    match refusal {
        None => Ok(Redirect::to(&format!("/console/slots?day={day}")).into_response()),
        Some(refusal) => show(web, l, signed, day, Some(words::refusal(l, &refusal))).await,
    }
}

fn short(reason: String) -> Result<String, ApiError> {
    if reason.chars().count() > REASON_CHARS_MAX {
        let (zh, en) = ("原因请不超过 200 字。", "A reason has at most 200 characters.");
        return Err(ApiError::Unfit(zh, en));
    }
    Ok(reason)
}
