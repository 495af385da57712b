//! Where visitors choose a day, a time and tickets, and order them. Takes no money: the order's page leads to the bank.

use std::collections::BTreeMap;

use askama::Template;
use axum::{
    Form,
    extract::{Query, State},
    http::{HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Redirect, Response},
};
use jiff::civil::Date;
use serde::Deserialize;

use super::{
    named,
    offer::{self, Choice, Day, Offered, Seller},
    wish::{self, Fields, Wanted, WishForm},
};
use crate::{
    core::{Answer, Input, selling::TicketsAsked, ticket::Medium},
    http::{
        error::ApiError,
        guard::Source,
        merchant::fresh_token,
        ops,
        router::{Shared, Web},
        words::{self, Lang},
    },
    types::ScheduleId,
};

/// The counter that this page is.
pub(in crate::http) const COUNTER: &str = "page";

#[derive(Template)]
#[template(path = "visit.html", config = "src/http/askama.toml")]
struct VisitPage<'a> {
    l: Lang,
    css: &'a str,
    js: &'a str,
    site: &'a str,
    months: Vec<Month>,
    /// The chosen day with what it offers.
    chosen: Option<Chosen>,
    /// What can be chosen on it.
    wish: String,
    fields: &'a Fields,
    /// Visitors whose names are asked for now.
    names: Vec<Wanted>,
    /// Of this order: sent twice, it is one.
    key: String,
    wrong: String,
}

struct Month {
    name: String,
    /// Empty places before its first day, Monday first.
    before: usize,
    days: Vec<Day>,
}

struct Chosen {
    day: Day,
    offers: Vec<Offered>,
    choices: BTreeMap<ScheduleId, Vec<Choice>>,
    closed: Option<String>,
}

impl VisitPage<'_> {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "templates hand out references")]
    fn date(&self, date: &Date) -> String {
        named::day(self.l, *date)
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "templates hand out references")]
    fn is_chosen(&self, date: &Date) -> bool {
        self.chosen.as_ref().is_some_and(|chosen| chosen.day.date == *date)
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "templates hand out references")]
    fn typed(&self, what: &str, wanted: &Wanted, n: &u32) -> &str {
        self.fields.get(&format!("{what}-{}-{n}", wanted.offered.id))
    }

    /// What stays as it was chosen while names are asked for.
    fn kept(&self) -> Vec<(String, String)> {
        let Some(chosen) = &self.chosen else { return Vec::new() };
        let mut kept = Vec::new();
        for offered in &chosen.offers {
            kept.push((format!("n-{}", offered.id), self.fields.count(&offered.id).to_string()));
        }
        for schedule in chosen.choices.keys() {
            let name = format!("slot-{schedule}");
            kept.push((name.clone(), self.fields.get(&name).to_owned()));
        }
        kept
    }
}

/// Weeks begin on Monday.
fn months(l: Lang, days: Vec<Day>) -> Vec<Month> {
    let mut months: Vec<Month> = Vec::new();
    let mut current = None;
    for day in days {
        let of = (day.date.year(), day.date.month());
        if current != Some(of) {
            current = Some(of);
            let name = if l.is_zh() {
                format!("{} 年 {} 月", of.0, of.1)
            } else {
                day.date.strftime("%B %Y").to_string()
            };
            let before = day.date.weekday().to_monday_zero_offset() as usize;
            months.push(Month { name, before, days: Vec::new() });
        }
        if let Some(month) = months.last_mut() {
            month.days.push(day);
        }
    }
    months
}

#[derive(Deserialize)]
pub(in crate::http) struct Asked {
    #[serde(default)]
    day: Option<String>,
}

pub(in crate::http) async fn page(
    State(web): State<Shared>,
    l: Lang,
    Query(asked): Query<Asked>,
) -> Result<Response, ApiError> {
    super::office(&web)?;
    let pairs = asked.day.map(|day| ("day".to_owned(), day));
    show(&web, l, &Fields::new(pairs.into_iter().collect()), String::new(), false).await
}

async fn show(
    web: &Web,
    l: Lang,
    fields: &Fields,
    wrong: String,
    ask_names: bool,
) -> Result<Response, ApiError> {
    let (rules, seller) = (web.desk.rules(), Seller::new(web, COUNTER)?);
    let date = fields.day();
    let (days, choices) = {
        let (rules, seller) = (rules.clone(), seller.clone());
        let see = move |state: &crate::core::State| {
            let choices = date.map(|date| seller.choices(state, &rules, date));
            (seller.days(state, &rules), choices.unwrap_or_default())
        };
        web.desk.read(see).await?
    };
    let chosen = date.and_then(|date| days.iter().find(|day| day.date == date)).cloned();
    let chosen = chosen.map(|day| Chosen {
        offers: seller.offers(&rules, l, day.date),
        closed: day.closed.clone(),
        choices,
        day,
    });
    let names = match &chosen {
        Some(chosen) if ask_names => {
            let all = wish::wanted(fields, &chosen.offers);
            all.into_iter().filter(|one| one.offered.wants_names).collect()
        }
        _ => Vec::new(),
    };
    let key = fields.get("key");
    let key = if key.is_empty() { fresh_key()? } else { key.to_owned() };
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let wish = match &chosen {
        Some(chosen) => {
            let (offers, choices, money) = (&chosen.offers, &chosen.choices, rules.currency);
            let day = chosen.day.date;
            WishForm {
                l,
                money,
                day,
                key: &key,
                offers,
                choices,
                fields,
                schedules: &rules.shop.schedules,
            }
            .render()?
        }
        None => String::new(),
    };
    let page = VisitPage {
        wish,
        l,
        css: ops::VISIT_CSS,
        js: ops::VISIT_JS,
        site: &rules.site_name,
        months: months(l, days),
        chosen,
        fields,
        names,
        key,
        wrong,
    };
    let mut response = (status, Html(page.render()?)).into_response();
    super::policy(response.headers_mut(), web.assets.visit_csp());
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// Of an order that nobody has sent yet.
pub(in crate::http) fn fresh_key() -> Result<String, ApiError> {
    Ok(fresh_token(16)?.0)
}

/// Holds the places; the same form sent twice is one order.
pub(in crate::http) async fn order(
    State(web): State<Shared>,
    l: Lang,
    source: Source,
    Form(pairs): Form<Vec<(String, String)>>,
) -> Result<Response, ApiError> {
    super::office(&web)?;
    let fields = Fields::new(pairs);
    let (rules, seller) = (web.desk.rules(), Seller::new(&web, COUNTER)?);
    let Some(day) = fields.day() else { return Ok(Redirect::to("/visit").into_response()) };
    let wanted = wish::wanted(&fields, &seller.offers(&rules, l, day));
    if wanted.is_empty() {
        let wrong = l.say("请选择票种和数量", "Choose the tickets and how many").to_owned();
        return show(&web, l, &fields, wrong, false).await;
    }
    if wanted.iter().any(|one| one.offered.schedule.is_some() && one.slot.is_none()) {
        let wrong = l.say("请选择时段", "Choose a time").to_owned();
        return show(&web, l, &fields, wrong, false).await;
    }
    if wish::lacks_names(&fields, &wanted) {
        return show(&web, l, &fields, String::new(), true).await;
    }
    // Whoever orders and does not pay keeps places from others.
    if let Err(error) = web.holds.may_try(source, seller.now) {
        return show(&web, l, &fields, error.text(l), false).await;
    }
    let lines = match wish::lines(&web, &fields, day, &wanted) {
        Ok(lines) => lines,
        Err(wrong) => return show(&web, l, &fields, wrong.text(l), true).await,
    };
    wish::keep_names(&web, &fields, &wanted).await?;
    let (counter, key) = (seller.counter, fields.get("key").to_owned());
    let asked = TicketsAsked { counter, key, lines, medium: Medium::Any };
    web.holds.count(source, seller.now);
    match web.desk.tell(Input::TicketsAsked(asked)).await? {
        Ok(Answer::Order(order)) => {
            tracing::info!(%order, "tickets were ordered on the page");
            let token = web.links.visit_token(order);
            Ok(Redirect::to(&format!("/visit/o/{token}")).into_response())
        }
        Ok(_) => Err(ApiError::Internal),
        Err(refusal) => show(&web, l, &fields, words::refusal(l, &refusal), false).await,
    }
}
