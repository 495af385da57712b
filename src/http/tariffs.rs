//! Prices as pages: for operators with a table, a chart and a form that quotes a case; for everybody as the sign at the
//! entrance. Decides nothing and changes nothing.

use askama::Template;
use axum::{
    extract::{Query, State},
    response::{Html, IntoResponse, Response},
};
use jiff::{SignedDuration, Timestamp, civil::Weekday, tz::TimeZone};
use serde::Deserialize;

use super::{
    console::Frame,
    error::ApiError,
    fee_chart::{Line, fee_chart},
    router::Shared,
    signin::Signed,
    words::{self, Lang},
};
use crate::{
    core::{
        Rules,
        pricing::{Facts, FactsError, FeeTable, curve, fee_table, moment},
        tariff::{NoQuote, Quote, QuoteLine, Sign, Tariff, TariffBook},
    },
    types::Money,
};

/// Lengths of stay in the tables, in minutes.
pub(super) const LENGTHS: [i64; 12] =
    [15, 30, 60, 90, 120, 180, 240, 480, 720, 1_440, 2_880, 4_320];
/// The charts show stays of up to a day.
pub(super) const CHART_MINUTES: i64 = 1_440;

/// What was typed into the form. Nothing: the main tariff, a small car, two hours up to now.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    tariff: String,
    from: String,
    to: String,
    class: String,
    colour: String,
    tier: String,
    benefit: String,
    lost: String,
}

#[derive(Template)]
#[template(path = "tariffs.html", config = "src/http/askama.toml")]
struct TariffsPage {
    /// Its files can be edited and read anew here.
    edits: bool,
    f: Frame,
    asked: Asked,
    names: Vec<String>,
    main: String,
    versions: Vec<Shown>,
    table: Option<Table>,
    chart: String,
    quote: Option<Quote>,
    /// Why there is none.
    wrong: String,
}

/// Fees by length of stay, in words.
pub(super) struct Table {
    pub(super) heads: Vec<String>,
    pub(super) rows: Vec<(String, Vec<Money>)>,
}

impl Table {
    pub(super) fn of(table: FeeTable, l: Lang, zone: &TimeZone) -> Self {
        let heads = table.starts.iter().map(|at| start(l, *at, zone)).collect();
        let rows = table.rows.into_iter().map(|row| (length(l, row.minutes), row.fees)).collect();
        Self { heads, rows }
    }
}

/// A version on the page.
struct Shown {
    sign: Sign,
    /// It prices whoever comes in now.
    now: bool,
}

impl TariffsPage {
    fn line(&self, line: &QuoteLine) -> String {
        words::quote_line(self.f.l, line, &self.f.zone)
    }

    fn classes(&self) -> [(&'static str, &'static str); 4] {
        let l = self.f.l;
        [
            ("small", l.say("小型车", "Car")),
            ("medium", l.say("中型车", "Medium")),
            ("large", l.say("大型车", "Large")),
            ("motorcycle", l.say("摩托车", "Motorcycle")),
        ]
    }

    fn colours(&self) -> [(&'static str, &'static str); 7] {
        let l = self.f.l;
        [
            ("", l.say("不限", "Any")),
            ("blue", l.say("蓝", "Blue")),
            ("green", l.say("绿", "Green")),
            ("yellow_green", l.say("黄绿", "Yellow-green")),
            ("yellow", l.say("黄", "Yellow")),
            ("white", l.say("白", "White")),
            ("black", l.say("黑", "Black")),
        ]
    }
}

pub(super) async fn page(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
    Query(mut asked): Query<Asked>,
) -> Result<Response, ApiError> {
    let rules = web.desk.rules();
    let f = Frame::new(&web, l, &signed);
    let book = &rules.tariffs;
    let names: Vec<String> = book.names().iter().map(ToString::to_string).collect();
    if !names.contains(&asked.tariff) {
        asked.tariff = rules.tariff.to_string();
    }
    fill_times(&mut asked, &f);
    let (quote, wrong) = match quoted(&rules, &asked) {
        Ok(Ok(quote)) => (Some(quote), String::new()),
        Ok(Err(none)) => (None, none.to_string()),
        Err(error) => (None, error.to_string()),
    };
    let facts = facts(&rules, &asked).unwrap_or_else(|_| facts_at(&asked.tariff, f.now));
    let starts = starts(f.now, &f.zone);
    let table = facts.with(|case| fee_table(book, case, &starts, &LENGTHS)).ok();
    let table = table.map(|table| Table::of(table, l, &f.zone));
    let page = TariffsPage {
        edits: web.rule_files.is_some(),
        versions: versions(book, &asked.tariff, l, f.now),
        chart: chart(book, facts, &starts, l).unwrap_or_default(),
        main: rules.tariff.to_string(),
        f,
        asked,
        names,
        table,
        quote,
        wrong,
    };
    Ok(Html(page.render()?).into_response())
}

pub(super) fn facts_at(tariff: &str, at: Timestamp) -> Facts {
    Facts::new(tariff, at, at)
}

/// As a browser's field for a time writes it.
fn typed(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned_datetime(zone.clone()).strftime("%Y-%m-%dT%H:%M").to_string()
}

fn fill_times(asked: &mut Asked, f: &Frame) {
    if asked.to.is_empty() {
        asked.to = typed(f.now, &f.zone);
    }
    if asked.from.is_empty() {
        asked.from = typed(f.now - SignedDuration::from_hours(2), &f.zone);
    }
}

fn facts(rules: &Rules, asked: &Asked) -> Result<Facts, FactsError> {
    let from = moment(&asked.from, &rules.zone)?;
    let mut facts = facts_at(&asked.tariff, from);
    facts.to = moment(&asked.to, &rules.zone)?;
    facts.leave_s = rules.pay.leave_time.as_secs() as i64;
    facts.lost = !asked.lost.is_empty();
    facts.tier = Some(asked.tier.trim().to_owned()).filter(|tier| !tier.is_empty());
    if !asked.class.is_empty() {
        facts.class(&asked.class)?;
    }
    if !asked.colour.is_empty() {
        facts.colour(&asked.colour)?;
    }
    for benefit in asked.benefit.split_whitespace().take(8) {
        facts.benefit(benefit, rules.currency)?;
    }
    Ok(facts)
}

fn quoted(rules: &Rules, asked: &Asked) -> Result<Result<Quote, NoQuote>, FactsError> {
    Ok(facts(rules, asked)?.with(|case| rules.tariffs.quote(case)))
}

/// A working day and a Saturday, each in the morning and in the evening.
pub(super) fn starts(now: Timestamp, zone: &TimeZone) -> Vec<Timestamp> {
    let today = now.to_zoned_datetime(zone.clone()).date();
    let mut starts = Vec::with_capacity(4);
    for wanted in [Weekday::Wednesday, Weekday::Saturday] {
        let days = today.series(jiff::Span::new().days(1)).take(7);
        for date in days.filter(|date| date.weekday() == wanted) {
            starts.extend(
                [8, 20].into_iter().filter_map(|h| zone.to_timestamp(date.at(h, 0, 0, 0)).ok()),
            );
        }
    }
    starts
}

fn chart(book: &TariffBook, mut facts: Facts, starts: &[Timestamp], l: Lang) -> Option<String> {
    let mut lines = Vec::with_capacity(2);
    for at in [starts.first()?, starts.get(2)?] {
        (facts.from, facts.to) = (*at, *at);
        let steps = facts.with(|case| curve(book, case, CHART_MINUTES)).ok()?;
        let steps = steps.into_iter().map(|(minute, fee)| (minute, fee.minor)).collect();
        lines.push(Line { name: start(l, *at, book.zone()), steps });
    }
    let title = l.say("停放时长与费用", "Fee by length of stay");
    Some(fee_chart(&lines, CHART_MINUTES, book.currency(), title))
}

pub(super) fn start(l: Lang, at: Timestamp, zone: &TimeZone) -> String {
    let at = at.to_zoned_datetime(zone.clone());
    let day = match at.weekday() {
        Weekday::Monday => l.say("周一", "Mon"),
        Weekday::Tuesday => l.say("周二", "Tue"),
        Weekday::Wednesday => l.say("周三", "Wed"),
        Weekday::Thursday => l.say("周四", "Thu"),
        Weekday::Friday => l.say("周五", "Fri"),
        Weekday::Saturday => l.say("周六", "Sat"),
        Weekday::Sunday => l.say("周日", "Sun"),
    };
    format!("{day} {}", at.strftime("%H:%M"))
}

fn length(l: Lang, minutes: i64) -> String {
    if minutes % 1_440 == 0 && minutes > 1_440 {
        return format!("{} {}", minutes / 1_440, l.say("天", "d"));
    }
    match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("{minutes} {}", l.say("分钟", "min")),
        (hours, 0) => format!("{hours} {}", l.say("小时", "h")),
        (hours, minutes) => {
            format!("{hours} {} {minutes} {}", l.say("小时", "h"), l.say("分", "min"))
        }
    }
}

fn versions(book: &TariffBook, name: &str, l: Lang, now: Timestamp) -> Vec<Shown> {
    let versions = book.versions(name);
    let holds = holding(&versions, now, book.zone());
    let shown = versions.iter().enumerate().map(|(at, version)| Shown {
        sign: version.sign(l.language(), book.currency()),
        now: Some(at) == holds,
    });
    shown.collect()
}

/// The version for whoever comes in now: one that has run out holds until the next begins.
fn holding(versions: &[&Tariff], now: Timestamp, zone: &TimeZone) -> Option<usize> {
    let today = now.to_zoned_datetime(zone.clone()).date();
    let begun = |tariff: &&Tariff| tariff.valid_from().is_none_or(|from| from <= today);
    versions.iter().rposition(begun).or(if versions.is_empty() { None } else { Some(0) })
}

// ---- the sign ------------------------------------------------------------------------------------

#[derive(Template)]
#[template(path = "tariff-sign.html", config = "src/http/askama.toml")]
struct SignPage<'a> {
    l: Lang,
    css: &'a str,
    site: &'a str,
    boards: Vec<Board>,
}

/// One tariff on the sign.
struct Board {
    /// The zones it is for; empty: the whole site.
    zones: String,
    sign: Sign,
    table: Option<Table>,
}

/// What the sign at the entrance says, for anybody.
pub(super) async fn sign(State(web): State<Shared>, l: Lang) -> Result<Response, ApiError> {
    let rules = web.desk.rules();
    let now = web.desk.now();
    let mut names = vec![rules.tariff.to_string()];
    for (_, zone) in rules.zones.iter() {
        names.extend(zone.tariff.clone().filter(|tariff| !names.contains(tariff)));
    }
    let boards = names.iter().filter_map(|name| board(&rules, name, l, now)).collect();
    let page = SignPage { l, css: web.assets.css_path(), site: &rules.site_name, boards };
    Ok(Html(page.render()?).into_response())
}

fn board(rules: &Rules, name: &str, l: Lang, now: Timestamp) -> Option<Board> {
    let book = &rules.tariffs;
    let versions = book.versions(name);
    let holds = holding(&versions, now, book.zone())?;
    let starts = starts(now, book.zone());
    let starts: Vec<Timestamp> = starts.into_iter().step_by(2).collect();
    let facts = facts_at(name, now);
    let zones = rules.zones.iter().filter(|(_, zone)| zone.tariff.as_deref() == Some(name));
    let table = facts.with(|case| fee_table(book, case, &starts, &LENGTHS)).ok();
    let zones: Vec<&str> = zones.map(|(_, zone)| zone.name.as_str()).collect();
    Some(Board {
        zones: zones.join(l.say("、", ", ")),
        sign: versions[holds].sign(l.language(), book.currency()),
        table: table.map(|table| Table::of(table, l, book.zone())),
    })
}
