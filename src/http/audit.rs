//! The trail: who did what, when and where, out of the journal and the record of accounts, newest first. Reads only.

mod entry;

use std::collections::{BTreeSet, VecDeque};

use askama::Template;
use axum::{
    Router,
    extract::{Path, Query, State},
    response::{Html, IntoResponse, Response},
    routing::get,
};
use jiff::{Timestamp, ToSpan, civil::Date};
use serde::Deserialize;

use self::entry::{Entry, Kind};
use super::{
    console::Frame,
    error::ApiError,
    ports::TrailPiece,
    records::Search,
    router::{Shared, Web},
    sheet::{Cell, Form, Sheet},
    signin::Signed,
    words::Lang,
};
use crate::types::{LaneId, StayId};

/// Lines of a page, and of a file.
const PAGE_LINES: usize = 100;
const FILE_LINES: usize = 50_000;
/// Rows fetched at once, and looked through for one page: some weeks of a busy site.
const STEP: u32 = 500;
const LOOKED_MAX: usize = 20_000;
/// Stays of a plate.
const STAYS_MAX: u32 = 200;

pub(super) fn routes() -> Router<Shared> {
    Router::new().route("/console/audit", get(page)).route("/console/audit/{file}", get(export))
}

/// What is asked for; empty: all.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    who: String,
    lane: String,
    kind: String,
    plate: String,
    day: String,
    /// Where the page before ended: in the journal and in the record of accounts.
    j: Option<i64>,
    a: Option<i64>,
}

/// The same, understood.
struct Filter {
    who: String,
    lane: Option<LaneId>,
    kind: Option<Kind>,
    plate: String,
    /// The stays of that plate.
    stays: BTreeSet<StayId>,
    from: Timestamp,
    to: Timestamp,
}

impl Filter {
    async fn of(web: &Web, asked: &Asked) -> Result<Self, ApiError> {
        let odd = ApiError::Unfit("日期请写成 2026-11-23。", "Write the day as 2026-11-23.");
        let day = match asked.day.as_str() {
            "" => None,
            text => Some(text.parse::<Date>().map_err(|_| odd)?),
        };
        let zone = &web.desk.rules().zone;
        let start = |day: Date| zone.to_timestamp(day.at(0, 0, 0, 0)).ok();
        let bounds = match day {
            None => Some((Timestamp::MIN, Timestamp::MAX)),
            Some(day) => start(day).zip(day.checked_add(1.day()).ok().and_then(start)),
        };
        let (from, to) = bounds.ok_or(ApiError::NotFound)?;
        let plate = Search { plate: asked.plate.clone() }.normal();
        let mut stays = BTreeSet::new();
        if !plate.is_empty() {
            let found = web.records.stays_like(plate.clone(), STAYS_MAX).await?.into_iter();
            let same = found.filter(|(_, stay)| stay.plate.full().contains(&plate));
            stays.extend(same.map(|(_, stay)| stay.id));
        }
        let lane = LaneId::parse(&asked.lane);
        let kind = Kind::ALL.into_iter().find(|kind| kind.name() == asked.kind);
        Ok(Self { who: asked.who.trim().to_owned(), lane, kind, plate, stays, from, to })
    }

    fn fits(&self, entry: &Entry) -> bool {
        let of_plate = || {
            entry.plate.as_ref().is_some_and(|plate| plate.contains(&self.plate))
                || entry.stay.is_some_and(|stay| self.stays.contains(&stay))
        };
        (self.who.is_empty() || entry.who == self.who || entry.whom.as_ref() == Some(&self.who))
            && self.lane.as_ref().is_none_or(|lane| entry.lane.as_ref() == Some(lane))
            && self.kind.is_none_or(|kind| entry.kind == kind)
            && (self.plate.is_empty() || of_plate())
    }
}

// ---- two records, one trail ------------------------------------------------------------------------

/// Where the reading of each record stands: rows before these numbers are still to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    journal: i64,
    accounts: i64,
}

/// Rows of one record that were fetched and not used yet, newest first. `None`: nothing to show.
#[derive(Default)]
struct Waiting {
    rows: VecDeque<(i64, Timestamp, Option<Entry>)>,
    is_over: bool,
}

impl Waiting {
    fn is_dry(&self) -> bool {
        self.rows.is_empty() && !self.is_over
    }

    fn fill(&mut self, rows: Vec<(i64, Timestamp, Option<Entry>)>) {
        self.is_over = rows.len() < STEP as usize;
        self.rows.extend(rows);
    }
}

/// Lines that fit, from a place on, and where the next ones begin; `None`: there are no more.
async fn collect(
    web: &Web,
    l: Lang,
    filter: &Filter,
    mut place: Place,
    (lines_max, looked_max): (usize, usize),
) -> Result<(Vec<Entry>, Option<Place>), ApiError> {
    let rules = web.desk.rules();
    let (mut journal, mut accounts) = (Waiting::default(), Waiting::default());
    let mut lines = Vec::new();
    for _ in 0..looked_max {
        let piece = |before| TrailPiece { before, from: filter.from, to: filter.to, limit: STEP };
        if journal.is_dry() {
            let rows = web.staff.journal_trail(piece(place.journal)).await?.into_iter();
            journal
                .fill(rows.map(|row| (row.seq, row.at, Entry::of_row(l, &rules, &row))).collect());
        }
        if accounts.is_dry() {
            let rows = web.staff.account_trail(piece(place.accounts)).await?.into_iter();
            accounts.fill(
                rows.map(|row| (row.seq, row.at, Some(Entry::of_account(l, &row)))).collect(),
            );
        }
        let at = |waiting: &Waiting| waiting.rows.front().map(|(_, at, _)| *at);
        let (seq, entry) = match (at(&journal), at(&accounts)) {
            (None, None) => return Ok((lines, None)),
            (a, b) if a >= b => {
                let Some((seq, _, entry)) = journal.rows.pop_front() else { continue };
                place.journal = seq;
                (seq, entry)
            }
            _ => {
                let Some((seq, _, entry)) = accounts.rows.pop_front() else { continue };
                place.accounts = seq;
                (seq, entry)
            }
        };
        if let Some(entry) = entry.filter(|entry| filter.fits(entry)) {
            lines.push(Entry { seq, ..entry });
            if lines.len() >= lines_max {
                break;
            }
        }
    }
    Ok((lines, Some(place)))
}

// ---- the page --------------------------------------------------------------------------------------

#[derive(Template)]
#[template(path = "audit.html", config = "src/http/askama.toml")]
struct AuditPage {
    f: Frame,
    asked: Asked,
    names: Vec<String>,
    /// Id and name.
    lanes: Vec<(String, String)>,
    lines: Vec<Entry>,
    /// The query of older lines.
    older: Option<String>,
    /// The query of these lines without their place.
    query: String,
}

impl AuditPage {
    fn kinds(&self) -> Vec<(&'static str, &'static str)> {
        Kind::ALL.into_iter().map(|kind| (kind.name(), kind.word(self.f.l))).collect()
    }
}

fn query(asked: &Asked, place: Option<Place>) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    let Asked { who, lane, kind, plate, day, .. } = asked;
    for (name, value) in
        [("who", who), ("lane", lane), ("kind", kind), ("plate", plate), ("day", day)]
    {
        if !value.is_empty() {
            query.append_pair(name, value);
        }
    }
    if let Some(Place { journal, accounts }) = place {
        query.append_pair("j", &journal.to_string());
        query.append_pair("a", &accounts.to_string());
    }
    query.finish()
}

async fn page(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
    Query(asked): Query<Asked>,
) -> Result<Response, ApiError> {
    let filter = Filter::of(&web, &asked).await?;
    let place =
        Place { journal: asked.j.unwrap_or(i64::MAX), accounts: asked.a.unwrap_or(i64::MAX) };
    let (lines, next) = collect(&web, l, &filter, place, (PAGE_LINES, LOOKED_MAX)).await?;
    let rules = web.desk.rules();
    let lanes = rules.lanes.keys().chain(rules.gates.keys());
    let page = AuditPage {
        f: Frame::new(&web, l, &signed),
        names: web.staff.people().await?.into_iter().map(|person| person.name).collect(),
        lanes: lanes.map(|id| (id.to_string(), rules.lane_name(id).to_owned())).collect(),
        lines,
        older: next.map(|place| query(&asked, Some(place))),
        query: query(&asked, None),
        asked,
    };
    Ok(Html(page.render()?).into_response())
}

/// The lines that fit, as a sheet; of very many, the latest.
async fn export(
    State(web): State<Shared>,
    l: Lang,
    Path(file): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, ApiError> {
    let form = Form::parse(&file).ok_or(ApiError::NotFound)?;
    let filter = Filter::of(&web, &asked).await?;
    let all = Place { journal: i64::MAX, accounts: i64::MAX };
    let (lines, _) = collect(&web, l, &filter, all, (FILE_LINES, usize::MAX)).await?;
    let rules = web.desk.rules();
    let mut sheet = Sheet::new(&["no", "at", "kind", "who", "what", "lane", "plate", "stay"]);
    let text = |text: &str| match text {
        "" => Cell::Nothing,
        text => Cell::Text(text.to_owned()),
    };
    for line in &lines {
        sheet.row(&[
            text(&line.number()),
            Cell::Text(rules.zone.to_datetime(line.at).to_string()),
            text(line.kind.name()),
            text(&line.who),
            text(&line.what),
            text(line.lane.as_ref().map_or("", |lane| lane.as_str())),
            text(line.plate.as_deref().unwrap_or_default()),
            line.stay.map_or(Cell::Nothing, |stay| Cell::Number(stay.to_string())),
        ]);
    }
    Ok(sheet.download(
        form,
        &format!("audit-{}", if asked.day.is_empty() { "all" } else { &asked.day }),
    ))
}
