//! Who is inside, who came when and through which gate, who did not come, and what was taken. Changes nothing but the
//! count of persons inside, which an operator may correct.

use std::collections::BTreeMap;

use askama::Template;
use axum::{
    Form,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{Html, IntoResponse, Redirect, Response},
};
use jiff::{Timestamp, ToSpan, civil::Date};
use serde::Deserialize;

use super::{inside::Inside, named};
use crate::{
    core::{Input, Rules, slot::Slot},
    http::{
        amount, charts,
        console::Frame,
        error::ApiError,
        operate::REASON_CHARS_MAX,
        ports::Visits,
        router::{Shared, Web},
        sheet::{self, Cell, Sheet},
        signin::Signed,
        words::{self, Lang},
    },
    types::{Money, ProductId, SlotId, ZoneId},
};

/// More persons inside are a mistake in typing.
const PERSONS_MAX: u32 = 1_000_000;

/// One time slot of the day, or what was sold without one.
#[derive(Debug, Default)]
struct BySlot {
    name: String,
    places: Option<u32>,
    held: u32,
    sold: i64,
    came: i64,
    /// Once it is over: sold and did not come.
    no_show: Option<i64>,
}

/// Of one product and counter.
#[derive(Debug)]
struct Sold {
    product: String,
    counter: String,
    persons: i64,
    returned: i64,
    taken: Money,
}

#[derive(Template)]
#[template(path = "visitors.html", config = "src/http/askama.toml")]
struct VisitorsPage {
    f: Frame,
    day: Date,
    before: Date,
    after: Date,
    inside: Vec<Inside>,
    seats: String,
    absent: String,
    notice: Option<String>,
    slots: Vec<BySlot>,
    gates: String,
    hours: String,
    came: i64,
    sold: Vec<Sold>,
    taken: Money,
    takings: String,
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
    show(&web, l, signed, asked.day.and_then(|day| day.parse().ok()), None).await
}

async fn show(
    web: &Web,
    l: Lang,
    signed: Signed,
    day: Option<Date>,
    notice: Option<String>,
) -> Result<Response, ApiError> {
    let (_, records) = super::office(web)?;
    let (rules, now) = (web.desk.rules(), web.desk.now());
    let today = now.to_zoned_datetime(rules.zone.clone()).date();
    let day = day.unwrap_or(today);
    let (from, to) = bounds(&rules, day).ok_or(ApiError::NotFound)?;
    let crowds = {
        let rules = rules.clone();
        web.desk.read(move |state| Inside::all(state, &rules, now)).await?
    };
    let by_slot = by_slot(web, &rules, l, day, (from, to)).await?;
    let passages = records.passages(from, to).await?;
    let (mut gates, mut hours) = (BTreeMap::new(), BTreeMap::new());
    for (lane, hour, count) in &passages {
        *gates.entry(rules.lane_name(lane).to_owned()).or_insert(0) += count;
        *hours.entry(*hour).or_insert(0) += count;
    }
    let gates: Vec<(String, i64)> = gates.into_iter().collect();
    let hours: Vec<(String, i64)> =
        hours.into_iter().map(|(hour, count)| (clock(from, hour, &rules), count)).collect();
    let sold = takings(web, &rules, l, (from, to)).await?;
    let minor = sold.iter().map(|row| row.taken.minor).sum();
    let mut products: BTreeMap<&str, i64> = BTreeMap::new();
    sold.iter().for_each(|row| *products.entry(&row.product).or_default() += row.taken.minor);
    let products: Vec<(String, i64)> =
        products.into_iter().map(|(name, minor)| (name.to_owned(), minor)).collect();
    let (persons, title) = (|n: i64| n.to_string(), |zh, en| l.say(zh, en));
    let money = |minor: i64| Money::new(minor, rules.currency).to_string();
    let page = VisitorsPage {
        inside: crowds,
        seats: charts::bars(
            &of_slots(&by_slot, |row| row.sold),
            persons,
            title("各时段已售", "Sold by time slot"),
        ),
        absent: charts::bars(
            &of_slots(&by_slot, |row| row.no_show.unwrap_or(0)),
            persons,
            title("各时段未到", "No-shows by time slot"),
        ),
        slots: by_slot,
        came: gates.iter().map(|(_, count)| count).sum(),
        gates: charts::bars(&gates, persons, title("各通道人次", "Persons by gate")),
        hours: charts::bars(&hours, persons, title("各小时人次", "Persons by hour")),
        takings: charts::bars(&products, money, title("各票种收入", "Takings by product")),
        sold,
        taken: Money::new(minor, rules.currency),
        before: day.checked_sub(1.day()).unwrap_or(day),
        after: day.checked_add(1.day()).unwrap_or(day),
        day,
        f: Frame::new(web, l, &signed),
        notice,
    };
    let status = if page.notice.is_some() { StatusCode::CONFLICT } else { StatusCode::OK };
    Ok((status, Html(page.render()?)).into_response())
}

fn of_slots(slots: &[BySlot], count: impl Fn(&BySlot) -> i64) -> Vec<(String, i64)> {
    slots.iter().map(|row| (row.name.clone(), count(row))).collect()
}

fn clock(from: Timestamp, hour: i64, rules: &Rules) -> String {
    let at = from.checked_add(hour.hours()).unwrap_or(from);
    at.to_zoned_datetime(rules.zone.clone()).strftime("%H:00").to_string()
}

/// From midnight to midnight by the site's clock.
fn bounds(rules: &Rules, day: Date) -> Option<(Timestamp, Timestamp)> {
    let at = |day: Date| rules.zone.to_timestamp(day.at(0, 0, 0, 0)).ok();
    Some((at(day)?, at(day.checked_add(1.day()).ok()?)?))
}

#[derive(Deserialize)]
pub(in crate::http) struct Counted {
    zone: String,
    found: u32,
    #[serde(default)]
    reason: String,
}

/// An operator counted who is inside: on record, and whoever waits for a place may go in.
pub(in crate::http) async fn count(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
    Form(given): Form<Counted>,
) -> Result<Response, ApiError> {
    super::office(&web)?;
    let zone = ZoneId::parse(&given.zone).ok_or(ApiError::NotFound)?;
    let (found, reason, who) = (given.found, given.reason, signed.name.clone());
    if reason.chars().count() > REASON_CHARS_MAX || found > PERSONS_MAX {
        return Err(ApiError::Unfit(
            "人数请不超过一百万，原因请不超过 200 字。",
            "At most a million persons, and a reason of at most 200 characters.",
        ));
    }
    let told = web.desk.tell(Input::CrowdCounted { zone, found, who, reason }).await?;
    tracing::info!(
        operator = signed.name,
        found,
        done = told.is_ok(),
        "persons inside were counted"
    );
    match told {
        Ok(_) => Ok(Redirect::to("/console/visitors").into_response()),
        Err(refusal) => show(&web, l, signed, None, Some(words::refusal(l, &refusal))).await,
    }
}

async fn by_slot(
    web: &Web,
    rules: &Rules,
    l: Lang,
    day: Date,
    (from, to): (Timestamp, Timestamp),
) -> Result<Vec<BySlot>, ApiError> {
    let (_, records) = super::office(web)?;
    let now = web.desk.now();
    let slots = records.slots(day, day).await?;
    let mut rows: BTreeMap<String, BySlot> = BTreeMap::new();
    for (id, schedule) in &rules.shop.schedules {
        for span in schedule.spans(day, &rules.tariffs) {
            let Some(slot) = span.id(id, day) else { continue };
            let known = slots.iter().find(|known| known.id == slot);
            let places = known.and_then(|known| known.places).unwrap_or(span.capacity);
            rows.insert(
                slot.to_string(),
                BySlot {
                    name: named::span(span),
                    places: Some(places),
                    held: known.map_or(0, Slot::held),
                    ..BySlot::default()
                },
            );
        }
    }
    for visits in records.visits(from, to).await? {
        let row = rows.entry(visits.slot.clone()).or_insert_with(|| BySlot {
            name: slot_name(rules, l, &visits.slot),
            ..BySlot::default()
        });
        row.sold += visits.sold;
        row.came += visits.came;
        let ends = SlotId::parse(&visits.slot)
            .and_then(|id| slots.iter().find(|slot| slot.id == id).map(|slot| slot.until))
            .unwrap_or(to);
        row.no_show = (ends < now).then(|| (row.sold - row.came).max(0));
    }
    Ok(rows.into_values().collect())
}

fn slot_name(rules: &Rules, l: Lang, slot: &str) -> String {
    let found = SlotId::parse(slot).and_then(|id| named::slot(rules, &id));
    match found {
        Some((_, _, span)) => named::span(&span),
        None if slot.is_empty() => l.say("全天", "All day").to_owned(),
        None => slot.to_owned(),
    }
}

async fn takings(
    web: &Web,
    rules: &Rules,
    l: Lang,
    (from, to): (Timestamp, Timestamp),
) -> Result<Vec<Sold>, ApiError> {
    let (_, records) = super::office(web)?;
    let sold = records.sold(from, to).await?;
    let row = |row: Visits| Sold {
        product: product(rules, l, &row.product),
        counter: row.counter,
        persons: row.sold,
        returned: row.returned,
        taken: row.taken,
    };
    Ok(sold.into_iter().map(row).collect())
}

fn product(rules: &Rules, l: Lang, id: &str) -> String {
    ProductId::parse(id).map_or_else(|| id.to_owned(), |id| named::product(rules, l, &id))
}

/// One line for each time slot, product and counter of the day.
pub(in crate::http) async fn export(
    State(web): State<Shared>,
    l: Lang,
    _signed: Signed,
    Path((day, file)): Path<(Date, String)>,
) -> Result<Response, ApiError> {
    let form = sheet::Form::parse(&file).ok_or(ApiError::NotFound)?;
    let (_, records) = super::office(&web)?;
    let rules = web.desk.rules();
    let (from, to) = bounds(&rules, day).ok_or(ApiError::NotFound)?;
    let mut sheet = Sheet::new(&[
        "day", "slot", "product", "name", "counter", "sold", "came", "returned", "taken",
        "currency",
    ]);
    for row in records.visits(from, to).await? {
        let number = |n: i64| Cell::Number(n.to_string());
        sheet.row(&[
            Cell::Text(day.to_string()),
            Cell::Text(slot_name(&rules, l, &row.slot)),
            Cell::Text(row.product.clone()),
            Cell::Text(product(&rules, l, &row.product)),
            Cell::Text(row.counter),
            number(row.sold),
            number(row.came),
            number(row.returned),
            Cell::Number(amount::text(row.taken)),
            Cell::Text(row.taken.currency.code().to_owned()),
        ]);
    }
    Ok(sheet.download(form, &format!("visitors-{day}")))
}
