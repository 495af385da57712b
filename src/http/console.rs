//! The operator's console: every lane live, alarms, the day's takings. Acts are in [`super::operate`].

use std::{sync::Arc, time::Duration};

use askama::Template;
use axum::{
    extract::State,
    http::StatusCode,
    response::{Html, IntoResponse, Redirect, Response},
};
use jiff::{Timestamp, ToSpan, tz::TimeZone};

use super::{
    charts,
    error::ApiError,
    lanes::{self, Board, LaneCard, Seen},
    menu::{self, Group},
    people, plan,
    ports::Takings,
    roles::{self, Right},
    router::{Shared, Web},
    signin::{CLASSES, Signed},
    stream::{self, Lines, Once, Piece},
    tasks,
    words::{self, Lang},
};
use crate::{
    core::{Alarm, Rules, Waiting, lane::OperatorAct, money::Payment},
    types::{Currency, LaneId, Money},
};

/// What stands around every page of the console.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) l: Lang,
    pub(super) css: String,
    pub(super) js: String,
    pub(super) site: String,
    pub(super) who: String,
    pub(super) zone: TimeZone,
    pub(super) now: Timestamp,
    pub(super) currency: Currency,
    waiting: Waiting,
    /// Differences of settlement.
    differences: usize,
    /// Who asks, and for what.
    signed: Signed,
    rules: Arc<Rules>,
}

impl Frame {
    pub(super) fn new(web: &Web, l: Lang, signed: &Signed) -> Self {
        let rules = web.desk.rules();
        Self {
            l,
            css: web.assets.css_path().to_owned(),
            js: web.assets.js_path().to_owned(),
            site: rules.site_name.clone(),
            who: signed.name.clone(),
            zone: rules.zone.clone(),
            now: web.desk.now(),
            currency: rules.currency,
            waiting: web.desk.waiting(),
            differences: web.differences.count(),
            signed: signed.clone(),
            rules,
        }
    }

    /// The site issues invoices.
    pub(super) fn invoices(&self) -> bool {
        self.rules.invoices
    }

    /// The site sells tickets.
    pub(super) fn tickets(&self) -> bool {
        !self.rules.shop.products.is_empty()
    }

    /// The site has lanes for people.
    pub(super) fn has_gates(&self) -> bool {
        !self.rules.gates.is_empty()
    }

    /// What a lane is called.
    pub(super) fn lane<'a>(&'a self, id: &'a LaneId) -> &'a str {
        self.rules.lane_name(id)
    }

    /// What a bank's channel is called.
    pub(super) fn channel(&self, id: impl std::fmt::Display) -> String {
        words::channel(self.l, &id.to_string())
    }

    pub(super) fn way(&self, name: &str) -> String {
        words::way(self.l, name)
    }

    /// What an alarm is about: a lane by its name.
    pub(super) fn subject(&self, subject: &str) -> String {
        let lane = LaneId::parse(subject);
        let known = lane.filter(|lane| self.rules.has_lane(lane));
        known.map_or_else(|| words::subject(self.l, subject), |lane| self.lane(&lane).to_owned())
    }

    /// Whether the reader has a right: what they have none to is not shown.
    pub(super) fn may(&self, right: Right) -> bool {
        self.signed.may(right)
    }

    pub(super) fn role(&self) -> &'static str {
        self.signed.role.map(|role| roles::word(self.l, role)).unwrap_or_default()
    }

    /// As `aria-current` says it.
    pub(super) fn current(&self, to: &str) -> &'static str {
        menu::current(&self.signed, to)
    }

    pub(super) fn searches(&self) -> bool {
        self.may(Right::Search)
    }

    /// What was looked for, so that it stays in the box.
    pub(super) fn searched(&self) -> String {
        super::search::asked(&self.signed.uri)
    }

    /// The header's links, as far as the reader may follow them.
    pub(super) fn menu(&self) -> Vec<Group> {
        menu::groups(self.l, &self.signed, self.tickets(), self.invoices())
    }

    pub(super) fn home(&self) -> &'static str {
        roles::home(self.signed.role)
    }

    /// This very page in the other language.
    pub(super) fn other_language(&self) -> String {
        let kept = self.signed.uri.query().unwrap_or_default().split('&');
        let kept = kept.filter(|pair| !pair.is_empty() && !pair.starts_with("lang="));
        let lang = self.l.say("lang=en", "lang=zh");
        format!("?{}", kept.chain([lang]).collect::<Vec<_>>().join("&"))
    }

    /// How much waits for a person, as far as it waits for this one; in the header of every page.
    pub(super) fn badge(&self) -> String {
        let Waiting { tasks, calls, alarms, money, admissions, refunds } = self.waiting;
        let waits = [
            (Right::SettleTasks, tasks),
            (Right::SeeLanes, alarms),
            (Right::SeePayments, money),
            (Right::SettleAdmissions, admissions),
            (Right::JudgeRefunds, refunds),
            (Right::SeeSettlement, self.differences),
        ];
        let mine = |(right, count): (Right, usize)| if self.may(right) { count } else { 0 };
        let rings = calls > 0 && self.may(Right::SettleTasks);
        match waits.into_iter().map(mine).sum::<usize>() {
            0 => String::new(),
            sum if rings => format!("<b class=\"badge ring\">{sum}</b>"),
            sum => format!("<b class=\"badge\">{sum}</b>"),
        }
    }

    /// The usual reasons, to be picked instead of typed.
    pub(super) fn reasons(&self) -> [&'static str; 8] {
        let l = self.l;
        [
            l.say("特种车辆", "Emergency vehicle"),
            l.say("车牌识别错误", "Plate misread"),
            l.say("手机无法付款", "The phone cannot pay"),
            l.say("已付现金", "Paid in cash"),
            l.say("设备检修", "Maintenance"),
            l.say("高峰疏导", "Rush hour"),
            l.say("误入掉头", "Came in by mistake"),
            l.say("访客", "Visitor"),
        ]
    }

    /// Day and time at the site.
    pub(super) fn clock(&self, at: &Timestamp) -> String {
        at.to_zoned_datetime(self.zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string()
    }

    pub(super) fn since(&self, at: &Timestamp) -> String {
        self.l.duration(self.now.duration_since(*at).as_secs())
    }
}

/// What an operator was told about the last act.
#[derive(Debug)]
pub(super) struct Notice {
    pub(super) lane: LaneId,
    pub(super) text: String,
    /// What was typed stays typed.
    pub(super) reason: String,
    pub(super) status: StatusCode,
}

#[derive(Template)]
#[template(path = "console.html", config = "src/http/askama.toml")]
struct ConsolePage {
    f: Frame,
    cards: Vec<String>,
    nameless: Vec<String>,
    calls: String,
    plan: String,
    people: String,
    alarms: String,
    day: String,
    undecided: String,
}

/// A lane with the acts an operator has on it.
#[derive(Template)]
#[template(path = "lane-card.html", config = "src/http/askama.toml")]
struct Card<'a> {
    f: &'a Frame,
    seen: &'a Seen,
    live: String,
    notice: Option<&'a Notice>,
}

/// `notice`: what became of the last act, shown beside its lane.
pub(super) fn card(f: &Frame, seen: &Seen, notice: Option<&Notice>) -> Result<String, ApiError> {
    let live = LaneCard { l: f.l, seen, zone: &f.zone, now: f.now }.render()?;
    let notice = notice.filter(|notice| notice.lane == seen.lane.id);
    Ok(Card { f, seen, live, notice }.render()?)
}

impl Card<'_> {
    fn acts(&self) -> Vec<(&'static str, &'static str)> {
        use OperatorAct::{Close, Hold, Lock, Open, Release, Turn, Unlock};
        let mut acts = vec![
            ("open", words::act(self.f.l, Open)),
            ("close", words::act(self.f.l, Close)),
            ("hold", words::act(self.f.l, Hold)),
            ("release", words::act(self.f.l, Release)),
            ("lock", words::act(self.f.l, Lock)),
            ("unlock", words::act(self.f.l, Unlock)),
        ];
        if self.seen.rules.tide.is_some() {
            acts.push(("turn", words::act(self.f.l, Turn)));
        }
        acts
    }

    fn direction(&self) -> &'static str {
        lanes::direction(self.f.l, self.seen.direction())
    }

    fn is_exit(&self) -> bool {
        self.seen.direction() == crate::core::rules::Direction::Exit
    }
}

/// Vehicles inside that have no plate: an operator picks one for a driver without a phone.
pub(super) fn nameless(state: &crate::core::State) -> Vec<String> {
    let inside = state.stays.values().filter(|stay| stay.plate.is_virtual());
    inside.map(|stay| stay.plate.full().to_owned()).collect()
}

pub(super) async fn page(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
) -> Result<Response, ApiError> {
    if !signed.may(Right::SeeLanes) {
        return Ok(Redirect::to(roles::home(signed.role)).into_response());
    }
    with_notice(&web, l, signed, None).await
}

/// The console, with what became of the last act beside its lane.
pub(super) async fn with_notice(
    web: &Web,
    l: Lang,
    signed: Signed,
    notice: Option<Notice>,
) -> Result<Response, ApiError> {
    let f = Frame::new(web, l, &signed);
    let board = look(web).await?;
    let sees_money = f.may(Right::SeePayments);
    let (day, went) = slow(web, &f, board.inside).await?;
    let pieces = plan_pieces(&f, &board, &went)?;
    let cards: Result<Vec<_>, _> =
        board.lanes.iter().map(|seen| card(&f, seen, notice.as_ref())).collect();
    let page = ConsolePage {
        cards: cards?,
        nameless: web.desk.read(nameless).await?,
        alarms: alarms(&f, &board)?,
        calls: tasks::calls_of(&f, &board.tasks)?,
        plan: plan::drawing(l, &board, &pieces)?,
        people: people::cards(&f, &board.people, &went)?,
        day: if sees_money { day.to_string() } else { String::new() },
        undecided: if sees_money { undecided(&f, &board)? } else { String::new() },
        f,
    };
    let status = notice.as_ref().map_or(StatusCode::OK, |notice| notice.status);
    Ok((status, Html(page.render()?)).into_response())
}

pub(super) async fn look(web: &Web) -> Result<Board, ApiError> {
    let (rules, now) = (web.desk.rules(), web.desk.now());
    Ok(web.desk.read(move |state| Board::of(state, &rules, now)).await?)
}

/// What all who watch the console are shown, made once for each role and language.
#[derive(Debug, Default)]
pub(super) struct Shown {
    pieces: [[Once<Vec<String>>; 2]; CLASSES],
    day: [Once<String>; 2],
    went: Once<Vec<(LaneId, i64)>>,
}

/// What the tables are asked for, and not at every change.
const SLOW: Duration = Duration::from_secs(1);

/// The day's charts, and how many went through each turnstile today.
async fn slow(
    web: &Web,
    f: &Frame,
    inside: usize,
) -> Result<(Arc<String>, Arc<Vec<(LaneId, i64)>>), ApiError> {
    let day = web.shown.day[f.l.index()].recent(SLOW, day(web, f, inside)).await?;
    Ok((day, web.shown.went.recent(SLOW, people::went_today(web, f)).await?))
}

fn plan_pieces(f: &Frame, board: &Board, went: &[(LaneId, i64)]) -> Result<Vec<Piece>, ApiError> {
    let eye = plan::Eye { l: f.l, zone: &f.zone, now: f.now };
    plan::pieces(eye, board, |gate| people::count(went, gate))
}

/// All that moves on the console.
pub(super) async fn pieces(web: &Web, l: Lang, signed: &Signed) -> Result<Lines, ApiError> {
    let version = web.desk.version();
    let version = || *version.borrow();
    let shown = &web.shown.pieces[signed.class()][l.index()];
    shown.current(version, render(web, l, signed)).await
}

async fn render(web: &Web, l: Lang, signed: &Signed) -> Result<Vec<String>, ApiError> {
    let f = Frame::new(web, l, signed);
    let board = look(web).await?;
    let (day, went) = slow(web, &f, board.inside).await?;
    let mut pieces = plan_pieces(&f, &board, &went)?;
    for seen in &board.lanes {
        let card = LaneCard { l, seen, zone: &f.zone, now: f.now };
        pieces.push((lanes::piece_id(&seen.lane.id), card.render()?));
    }
    pieces.push(("alarms".into(), alarms(&f, &board)?));
    pieces.push(("waiting".into(), f.badge()));
    pieces.push(("calls".into(), tasks::calls_of(&f, &board.tasks)?));
    pieces.push(("people".into(), people::cards(&f, &board.people, &went)?));
    if f.may(Right::SeePayments) {
        pieces.push(("undecided".into(), undecided(&f, &board)?));
        pieces.push(("day".into(), day.to_string()));
    }
    Ok(stream::lines(pieces))
}

#[derive(Template)]
#[template(path = "alarms.html", config = "src/http/askama.toml")]
struct AlarmList<'a> {
    f: &'a Frame,
    alarms: Vec<AlarmLine<'a>>,
}

struct AlarmLine<'a> {
    alarm: &'a Alarm,
    what: &'static str,
    todo: &'static str,
    /// The number in `stay-12`.
    stay: Option<&'a str>,
}

impl<'a> AlarmLine<'a> {
    fn new(l: Lang, alarm: &'a Alarm) -> Self {
        let (what, todo) = super::alarms::words(l, alarm.kind);
        let stay = alarm.subject.strip_prefix("stay-");
        let stay = stay.filter(|number| number.bytes().all(|b| b.is_ascii_digit()));
        Self { alarm, what, todo, stay }
    }
}

fn alarms(f: &Frame, board: &Board) -> Result<String, ApiError> {
    let alarms = board.alarms.iter().map(|alarm| AlarmLine::new(f.l, alarm)).collect();
    Ok(AlarmList { f, alarms }.render()?)
}

#[derive(Template)]
#[template(path = "undecided.html", config = "src/http/askama.toml")]
struct Undecided<'a> {
    f: &'a Frame,
    payments: Vec<(&'a Payment, String)>,
}

fn undecided(f: &Frame, board: &Board) -> Result<String, ApiError> {
    let with_words = |p| (p, words::payment_state(f.l, &Payment::clone(p).state));
    Ok(Undecided { f, payments: board.undecided.iter().map(with_words).collect() }.render()?)
}

#[derive(Template)]
#[template(path = "day.html", config = "src/http/askama.toml")]
struct Day<'a> {
    f: &'a Frame,
    taken: Money,
    refunded: Money,
    count: i64,
    inside: usize,
    chart: String,
    levels: String,
}

async fn day(web: &Web, f: &Frame, inside: usize) -> Result<String, ApiError> {
    let (from, to) = today(f).ok_or(ApiError::Internal)?;
    // 23 or 25 of them where the clocks are changed.
    let hours = ((to.duration_since(from).as_secs() + 1_800) / 3_600).clamp(1, 26) as usize;
    let Takings { minor, count, refunded_minor } = web.records.takings(from, to).await?;
    let by_hour = web.records.takings_by_hour(from, hours).await?;
    let now_hour = (f.now.duration_since(from).as_secs() / 3_600) as usize;
    let title = f.l.say("今日各小时收入", "Takings by hour today");
    let chart = charts::by_hour(&by_hour, now_hour, f.currency, title);
    let (taken, refunded) = (Money::new(minor, f.currency), Money::new(refunded_minor, f.currency));
    let levels = levels(web, f, (from, hours), inside).await?;
    Ok(Day { f, taken, refunded, count, inside, chart, levels }.render()?)
}

/// Vehicles inside over the day, reckoned back from how many are inside now.
async fn levels(
    web: &Web,
    f: &Frame,
    (from, hours): (Timestamp, usize),
    inside: usize,
) -> Result<String, ApiError> {
    let net = web.records.net_by_quarter(from, hours * 4).await?;
    let past = (f.now.duration_since(from).as_secs().max(0) / 900) as usize;
    let mut level = inside as i64;
    let mut levels: Vec<i64> = Vec::with_capacity(past + 1);
    for net in net.iter().take(past + 1).rev() {
        levels.push(level.max(0));
        level -= net;
    }
    levels.reverse();
    let title = f.l.say("今日在场车辆", "Vehicles inside today");
    Ok(charts::levels(&levels, hours * 4, title))
}

/// The site's day: from midnight to midnight by its own clock.
pub(super) fn today(f: &Frame) -> Option<(Timestamp, Timestamp)> {
    let start = f.now.to_zoned_datetime(f.zone.clone()).start_of_day().ok()?;
    let end = start.checked_add(1.day()).ok()?;
    Some((start.timestamp(), end.timestamp()))
}
