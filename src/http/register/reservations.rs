//! The page of visitors and reservations. Decides nothing.

use askama::Template;
use axum::{
    Form,
    extract::{Path, Query, State},
    response::{Html, IntoResponse, Response},
};
use serde::Deserialize;

use super::{FIRST, ROWS_MAX, Told, back, normal, notation, passes::Search, status, told};
use crate::{
    core::{
        State as Kept,
        manage::{Manage, ReservationDraft},
        pass::Reservation,
    },
    http::{
        console::Frame,
        error::ApiError,
        ports::Page,
        router::{Shared, Web},
        signin::Signed,
        words::Lang,
    },
    types::{Plate, ReservationId, ZoneId},
};

#[derive(Template)]
#[template(path = "reservations.html", config = "src/http/askama.toml")]
struct ReservationsPage {
    f: Frame,
    search: String,
    reservations: Vec<Reservation>,
    most: usize,
    wrong: Option<String>,
}

pub(super) fn found(state: &Kept, search: &str, page: Page) -> Vec<Reservation> {
    let plate = normal(search);
    let fits = |entry: &&Reservation| {
        entry.plate.full().contains(&plate) || entry.host.contains(search.trim())
    };
    let entries = state.reservations.values().rev().filter(|one| one.id.0 < page.below);
    entries.filter(fits).take(page.limit as usize).cloned().collect()
}

async fn render(
    web: &Web,
    l: Lang,
    signed: Signed,
    search: String,
    wrong: Option<String>,
) -> Result<Response, ApiError> {
    let f = Frame::new(web, l, &signed);
    let looked = search.clone();
    let reservations = web.desk.read(move |state| found(state, &looked, FIRST)).await?;
    let status = status(wrong.as_ref());
    let page = ReservationsPage { f, search, reservations, most: ROWS_MAX, wrong };
    Ok((status, Html(page.render()?)).into_response())
}

pub(super) async fn page(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
    Query(search): Query<Search>,
) -> Result<Response, ApiError> {
    render(&web, l, signed, search.q, None).await
}

#[derive(Debug, Deserialize)]
pub(super) struct ReservationForm {
    plate: String,
    host: String,
    #[serde(default)]
    zone: String,
    from: String,
    until: String,
    #[serde(default)]
    tariff: String,
}

pub(super) async fn add(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
    Form(form): Form<ReservationForm>,
) -> Result<Response, ApiError> {
    let rules = web.desk.rules();
    let draft = || -> Result<ReservationDraft, &'static str> {
        let zone = match form.zone.trim() {
            "" => None,
            text => Some(ZoneId::parse(text).ok_or(l.say("区域名称有误", "That is no zone"))?),
        };
        let time = |text: &str| {
            let odd = l.say("时间请写作 2026-11-23T08:00", "Write times as 2026-11-23T08:00");
            notation::time(text, &rules.zone).ok_or(odd)
        };
        Ok(ReservationDraft {
            plate: Plate::parse(&form.plate)
                .map_err(|_| l.say("这不像一个车牌", "That is no plate"))?,
            host: form.host.clone(),
            zone,
            from: time(&form.from)?,
            until: time(&form.until)?,
            tariff: Some(form.tariff.trim().to_owned()).filter(|name| !name.is_empty()),
        })
    };
    let reserved: Told = match draft() {
        Ok(draft) => told(&web, l, &signed, Manage::Reserve(draft)).await?,
        Err(wrong) => Err(wrong.to_owned()),
    };
    match reserved {
        Ok(_) => Ok(back("/console/reservations")),
        Err(wrong) => render(&web, l, signed, String::new(), Some(wrong)).await,
    }
}

pub(super) async fn end(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
    Path(id): Path<i64>,
) -> Result<Response, ApiError> {
    let act = Manage::CancelReservation { id: ReservationId(id) };
    match told(&web, l, &signed, act).await? {
        Ok(_) => Ok(back("/console/reservations")),
        Err(wrong) => render(&web, l, signed, String::new(), Some(wrong)).await,
    }
}
