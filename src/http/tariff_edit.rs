//! A tariff's file edited on the console: a draft with a preview beside the present one, published as a new version from
//! a day on, and all files read anew. Decides nothing and writes no file itself.

use askama::Template;
use axum::{
    Form, Json, Router,
    extract::{DefaultBodyLimit, Query, State},
    http::StatusCode,
    response::{Html, IntoResponse, Redirect, Response},
    routing::{get, post},
};
use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    console::Frame,
    error::ApiError,
    fee_chart::{Line, fee_chart},
    ports::RuleMistake,
    program::{Access, Api, Op},
    router::{Shared, Web},
    signin::Signed,
    tariffs::{CHART_MINUTES, LENGTHS, Table, facts_at, start, starts},
    words::Lang,
};
use crate::{
    core::{
        Rules,
        pricing::{curve, fee_table},
        tariff::{Sign, Tariff, TariffBook},
    },
    types::Scope,
};

/// A tariff in a form: each Chinese character takes nine bytes there.
const FORM_BYTES_MAX: usize = 256 * 1024;
/// What an editor begins with where the tariff stands in no file.
const TEMPLATE: &str =
    "\n[[band]]\nname = \"always\"\nrate = [{ amount = \"5\", every = \"1h\" }]\n";

pub(super) fn routes() -> Router<Shared> {
    Router::new()
        .route("/console/tariffs/edit", get(page).post(act))
        .route("/console/tariffs/preview", post(piece))
        .route("/console/reload", post(reload))
        .layer(DefaultBodyLimit::max(FORM_BYTES_MAX))
}

/// What a text would charge.
#[derive(Template)]
#[template(path = "tariff-preview.html", config = "src/http/askama.toml")]
struct Preview {
    l: Lang,
    mistakes: Vec<RuleMistake>,
    sign: Option<Sign>,
    table: Option<Table>,
    chart: String,
}

#[derive(Template)]
#[template(path = "tariff-edit.html", config = "src/http/askama.toml")]
struct EditPage {
    f: Frame,
    tariff: String,
    text: String,
    is_draft: bool,
    /// The first day of the new version.
    from: String,
    preview: String,
    wrong: Vec<RuleMistake>,
}

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    tariff: String,
}

#[derive(Deserialize)]
pub(super) struct Typed {
    tariff: String,
    #[serde(default)]
    text: String,
    #[serde(default)]
    from: String,
    /// `preview`, `publish` or `discard`.
    #[serde(default)]
    act: String,
}

fn files(web: &Web) -> Result<&dyn super::ports::RuleFiles, ApiError> {
    web.rule_files.as_deref().ok_or(ApiError::NotFound)
}

async fn page(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
    Query(asked): Query<Asked>,
) -> Result<Response, ApiError> {
    let rules = web.desk.rules();
    let tariff = if asked.tariff.is_empty() { rules.tariff.to_string() } else { asked.tariff };
    let found = files(&web)?.text(tariff.clone()).await;
    let (text, is_draft) = match found {
        Some(found) => (found.text, found.is_draft),
        None => (format!("name = \"{tariff}\"\n{TEMPLATE}"), false),
    };
    show(&web, l, &signed, (tariff, text, is_draft), String::new(), Vec::new())
}

fn show(
    web: &Web,
    l: Lang,
    signed: &Signed,
    (tariff, text, is_draft): (String, String, bool),
    from: String,
    wrong: Vec<RuleMistake>,
) -> Result<Response, ApiError> {
    let f = Frame::new(web, l, signed);
    let preview = preview(web, l, &text)?.render()?;
    let from = if from.is_empty() { tomorrow(&f) } else { from };
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let page = EditPage { f, tariff, text, is_draft, from, preview, wrong };
    Ok((status, Html(page.render()?)).into_response())
}

fn tomorrow(f: &Frame) -> String {
    let day = f.now.to_zoned_datetime(f.zone.clone()).date();
    day.tomorrow().unwrap_or(day).to_string()
}

/// Nothing is kept by it: it comes with each pause in typing.
async fn piece(
    State(web): State<Shared>,
    l: Lang,
    _signed: Signed,
    Form(typed): Form<Typed>,
) -> Result<Response, ApiError> {
    Ok(Html(preview(&web, l, &typed.text)?.render()?).into_response())
}

async fn act(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
    Form(typed): Form<Typed>,
) -> Result<Response, ApiError> {
    let Typed { tariff, text, from, act } = typed;
    let text = text.replace("\r\n", "\n");
    let files = files(&web)?;
    let back = format!(
        "/console/tariffs/edit?tariff={}",
        form_urlencoded::byte_serialize(tariff.as_bytes()).collect::<String>()
    );
    if act == "discard" {
        // What is not there is discarded already.
        let _ = files.keep(tariff, None).await;
        return Ok(Redirect::to(&back).into_response());
    }
    let mut wrong = Vec::new();
    wrong.extend(files.keep(tariff.clone(), Some(text.clone())).await.err());
    if act == "publish" && wrong.is_empty() {
        match from.trim().parse::<Date>() {
            Err(_) => {
                let what = l.say("请填写生效日期", "Give the day it holds from");
                wrong.push(RuleMistake::plain(what));
            }
            Ok(day) => {
                let (who, of) = (signed.name.clone(), tariff.clone());
                match files.publish(who, of, text.clone(), day).await {
                    Ok(_) => return Ok(Redirect::to("/console/tariffs").into_response()),
                    Err(mistakes) => wrong.extend(mistakes),
                }
            }
        }
    }
    show(&web, l, &signed, (tariff, text, true), from, wrong)
}

/// The site's files, as they are on disk now.
async fn reload(State(web): State<Shared>, l: Lang, signed: Signed) -> Result<Response, ApiError> {
    match files(&web)?.reload(signed.name.clone()).await {
        Ok(_) => Ok(Redirect::to("/console/tariffs").into_response()),
        Err(wrong) => {
            let tariff = web.desk.rules().tariff.to_string();
            let found = files(&web)?.text(tariff.clone()).await;
            let (text, draft) = found.map_or((String::new(), false), |f| (f.text, f.is_draft));
            show(&web, l, &signed, (tariff, text, draft), String::new(), wrong)
        }
    }
}

pub(super) fn api(api: Api) -> Api {
    api.on(
        Op::post(
            "/api/v1/reload",
            "reloadRules",
            "Reads prices, calendar, products and passes anew; with a mistake nothing changes",
        )
        .by(Access::Hand(Scope::RulesReload))
        .gives::<Reloaded>(200, "They hold from now on"),
        reload_by_hand,
    )
}

#[derive(Debug, Serialize, ToSchema)]
struct Reloaded {
    /// SHA-256 of the files, as the journal has it.
    digest: String,
}

/// For `paifang reload` beside the data folder, and for programs.
async fn reload_by_hand(
    State(web): State<Shared>,
    signed: Signed,
) -> Result<Json<Reloaded>, ApiError> {
    let line = |one: &RuleMistake| match one.line {
        0 => one.what.clone(),
        line => format!("{}:{line}: {}: {}", one.file, one.field, one.what),
    };
    match files(&web)?.reload(signed.name).await {
        Ok(digest) => Ok(Json(Reloaded { digest })),
        Err(wrong) => {
            let lines: Vec<String> = wrong.iter().map(line).collect();
            Err(ApiError::Mistakes(lines.join("\n")))
        }
    }
}

fn preview(web: &Web, l: Lang, text: &str) -> Result<Preview, ApiError> {
    let rules = web.desk.rules();
    let mistakes = Vec::new();
    let mut preview = Preview { l, mistakes, sign: None, table: None, chart: String::new() };
    let draft = match files(web)?.parse(text) {
        Ok(draft) => draft,
        Err(mistake) => {
            preview.mistakes.push(mistake);
            return Ok(preview);
        }
    };
    let book = match with_draft(&rules, &draft) {
        Ok(book) => book,
        Err(mistake) => {
            preview.mistakes.push(mistake);
            return Ok(preview);
        }
    };
    let starts = starts(web.desk.now(), book.zone());
    let facts = facts_at(draft.name(), web.desk.now());
    let table = facts.with(|case| fee_table(&book, case, &starts, &LENGTHS)).ok();
    preview.table = table.map(|table| Table::of(table, l, book.zone()));
    preview.chart = chart(l, &rules.tariffs, &book, draft.name(), &starts).unwrap_or_default();
    preview.sign = Some(draft.sign(l.language(), book.currency()));
    Ok(preview)
}

/// All other tariffs as they are, and this one in place of its versions.
fn with_draft(rules: &Rules, draft: &Tariff) -> Result<TariffBook, RuleMistake> {
    let book = &rules.tariffs;
    let mut versions = vec![draft.clone()];
    for name in book.names().into_iter().filter(|name| name != draft.name()) {
        versions.extend(book.versions(&name).into_iter().cloned());
    }
    let made =
        TariffBook::new(book.zone().clone(), book.currency(), versions, book.calendar().clone());
    made.map_err(|error| RuleMistake {
        file: String::new(),
        line: 0,
        field: error.key,
        what: error.what,
    })
}

/// The draft's fees beside those that hold now, of a working day's morning.
fn chart(
    l: Lang,
    now: &TariffBook,
    draft: &TariffBook,
    name: &str,
    starts: &[Timestamp],
) -> Option<String> {
    let at = *starts.first()?;
    let steps = |book: &TariffBook| {
        let steps = facts_at(name, at).with(|case| curve(book, case, CHART_MINUTES)).ok()?;
        Some(steps.into_iter().map(|(minute, fee)| (minute, fee.minor)).collect::<Vec<_>>())
    };
    let when = start(l, at, draft.zone());
    let new = format!("{} · {when}", l.say("草稿", "Draft"));
    let mut lines = vec![Line { name: new, steps: steps(draft)? }];
    if let Some(steps) = steps(now) {
        lines.push(Line { name: l.say("现行", "In force").to_owned(), steps });
    }
    let title = l.say("停放时长与费用", "Fee by length of stay");
    Some(fee_chart(&lines, CHART_MINUTES, draft.currency(), title))
}
