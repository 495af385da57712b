//! The page of the black, white, VIP and emergency lists. Decides nothing.

use askama::Template;
use axum::{
    Form,
    extract::{Path, Query, State},
    response::{Html, IntoResponse, Response},
};
use serde::Deserialize;

use super::{ROWS_MAX, Told, back, normal, notation, passes::Search, status, told, words};
use crate::{
    core::{
        State as Kept,
        manage::{ListDraft, Manage},
        pass::{List, Listed},
    },
    http::{
        console::Frame,
        error::ApiError,
        router::{Shared, Web},
        signin::Signed,
        words::Lang,
    },
    types::{ListedId, Plate},
};

#[derive(Template)]
#[template(path = "lists.html", config = "src/http/askama.toml")]
struct ListsPage {
    f: Frame,
    search: String,
    entries: Vec<Listed>,
    most: usize,
    wrong: Option<String>,
}

impl ListsPage {
    fn list(&self, entry: &Listed) -> &'static str {
        words::list(self.f.l, entry.list)
    }

    fn lists(&self) -> [(&'static str, &'static str); 5] {
        let of = |name, list| (name, words::list(self.f.l, list));
        [
            of("black", List::Black),
            of("white", List::White),
            of("vip", List::Vip),
            of("emergency", List::Emergency),
            of("member", List::Member),
        ]
    }

    fn until(&self, entry: &Listed) -> String {
        let forever = || self.f.l.say("长期", "for ever").to_owned();
        entry.until.map_or_else(forever, |until| notation::last_day(until, &self.f.zone))
    }
}

pub(super) fn found(state: &Kept, search: &str) -> Vec<Listed> {
    let plate = normal(search);
    let fits =
        |entry: &&Listed| entry.plate.full().contains(&plate) || entry.note.contains(search.trim());
    state.listed.values().rev().filter(fits).take(ROWS_MAX).cloned().collect()
}

async fn render(
    web: &Web,
    l: Lang,
    signed: Signed,
    search: String,
    wrong: Option<String>,
) -> Result<Response, ApiError> {
    let f = Frame::new(web, l, signed.name);
    let looked = search.clone();
    let entries = web.desk.read(move |state| found(state, &looked)).await?;
    let status = status(wrong.as_ref());
    let page = ListsPage { f, search, entries, most: ROWS_MAX, wrong };
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
pub(super) struct ListForm {
    plate: String,
    list: List,
    #[serde(default)]
    note: String,
    /// Of members: what they are priced as.
    #[serde(default)]
    tier: String,
    /// The last day; empty: for ever.
    #[serde(default)]
    until: String,
}

pub(super) async fn add(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
    Form(form): Form<ListForm>,
) -> Result<Response, ApiError> {
    let rules = web.desk.rules();
    let until = match form.until.trim() {
        "" => Some(None),
        day => notation::end_of_day(day, &rules.zone).map(Some),
    };
    let put: Told = match (Plate::parse(&form.plate), until) {
        (Ok(plate), Some(until)) => {
            let ListForm { list, note, tier, .. } = form;
            let tier = Some(tier.trim().to_owned()).filter(|tier| !tier.is_empty());
            let from = web.desk.now();
            let draft = ListDraft { plate, list, note, from, until, vehicle: None, tier };
            told(&web, l, &signed, Manage::List(draft)).await?
        }
        (Err(_), _) => Err(l.say("这不像一个车牌", "That is no plate").to_owned()),
        (_, None) => Err(l.say("日期请写作 2026-11-23", "Write days as 2026-11-23").to_owned()),
    };
    match put {
        Ok(_) => Ok(back("/console/lists")),
        Err(wrong) => render(&web, l, signed, String::new(), Some(wrong)).await,
    }
}

pub(super) async fn end(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
    Path(id): Path<i64>,
) -> Result<Response, ApiError> {
    match told(&web, l, &signed, Manage::Unlist { id: ListedId(id) }).await? {
        Ok(_) => Ok(back("/console/lists")),
        Err(wrong) => render(&web, l, signed, String::new(), Some(wrong)).await,
    }
}
