//! The page of the black, white, VIP and emergency lists. Decides nothing.

use askama::Template;
use axum::{
    Form,
    extract::{Path, Query, State},
    response::{Html, IntoResponse, Response},
};
use serde::Deserialize;

use super::{FIRST, ROWS_MAX, Told, back, normal, notation, passes::Search, status, told, words};
use crate::{
    core::{
        Input, State as Kept,
        manage::{ListDraft, Manage},
        pass::{List, Listed},
    },
    http::{
        console::Frame,
        error::ApiError,
        ports::Page,
        router::{Shared, Web},
        signin::Signed,
        words::{Lang, refusal as refusal_words},
    },
    types::{ChannelId, ListedId, Plate, bank::AgreementWord},
};

#[derive(Template)]
#[template(path = "lists.html", config = "src/http/askama.toml")]
struct ListsPage {
    f: Frame,
    search: String,
    entries: Vec<Listed>,
    most: usize,
    wrong: Option<String>,
    /// What the banks said to the end of an agreement.
    said: Option<String>,
    /// Whether some bank can be told to end one.
    ends: bool,
}

impl ListsPage {
    fn list(&self, entry: &Listed) -> &'static str {
        words::list(self.f.l, entry.list)
    }

    fn lists(&self) -> [(&'static str, &'static str); 6] {
        let of = |name, list| (name, words::list(self.f.l, list));
        [
            of("black", List::Black),
            of("white", List::White),
            of("vip", List::Vip),
            of("emergency", List::Emergency),
            of("by_hand", List::ByHand),
            of("member", List::Member),
        ]
    }

    fn until(&self, entry: &Listed) -> String {
        let forever = || self.f.l.say("长期", "for ever").to_owned();
        entry.until.map_or_else(forever, |until| notation::last_day(until, &self.f.zone))
    }
}

pub(super) fn found(state: &Kept, search: &str, page: Page) -> Vec<Listed> {
    let plate = normal(search);
    let fits =
        |entry: &&Listed| entry.plate.full().contains(&plate) || entry.note.contains(search.trim());
    let entries = state.listed.values().rev().filter(|one| one.id.0 < page.below);
    entries.filter(fits).take(page.limit as usize).cloned().collect()
}

async fn render(
    web: &Web,
    l: Lang,
    signed: Signed,
    search: String,
    wrong: Option<String>,
) -> Result<Response, ApiError> {
    render_with(web, l, signed, search, wrong, None).await
}

async fn render_with(
    web: &Web,
    l: Lang,
    signed: Signed,
    search: String,
    wrong: Option<String>,
    said: Option<String>,
) -> Result<Response, ApiError> {
    let f = Frame::new(web, l, &signed);
    let ends = web.bank.as_ref().is_some_and(|bank| bank.ends_agreements());
    let looked = search.clone();
    let entries = web.desk.read(move |state| found(state, &looked, FIRST)).await?;
    let status = status(wrong.as_ref());
    let page = ListsPage { f, search, entries, most: ROWS_MAX, wrong, said, ends };
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

#[derive(Debug, Deserialize)]
pub(super) struct AgreementForm {
    plate: String,
    #[serde(default)]
    reason: String,
}

/// What is bound to a plate is ended at the bank, as after a sale of the car. Goes on record first.
pub(super) async fn end_agreement(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
    Form(form): Form<AgreementForm>,
) -> Result<Response, ApiError> {
    let bank = web.bank.as_ref().filter(|bank| bank.ends_agreements()).ok_or(ApiError::NotFound)?;
    let Ok(plate) = Plate::parse(&form.plate) else {
        let wrong = l.say("这不像一个车牌", "That is no plate").to_owned();
        return render(&web, l, signed, String::new(), Some(wrong)).await;
    };
    let (who, reason) = (signed.name.clone(), form.reason);
    let asked = Input::AgreementEndAsked { plate: plate.clone(), who, reason };
    if let Err(refusal) = web.desk.tell(asked).await? {
        let wrong = refusal_words(l, &refusal);
        return render(&web, l, signed, String::new(), Some(wrong)).await;
    }
    let words = bank.end_agreement(plate.clone()).await;
    let line = |(channel, word): &(ChannelId, AgreementWord)| match word {
        AgreementWord::None { .. } => format!("{channel}: {}", l.say("已解除", "ended")),
        AgreementWord::Bound { .. } | AgreementWord::Paused { .. } => {
            format!("{channel}: {}", l.say("仍然有效", "still there"))
        }
        AgreementWord::Unknown { why } => {
            format!("{channel}: {} ({why})", l.say("不明", "unclear"))
        }
    };
    let lines: Vec<String> = words.iter().map(line).collect();
    let said = format!("{} · {}", plate.full(), lines.join(" · "));
    render_with(&web, l, signed, String::new(), None, Some(said)).await
}
