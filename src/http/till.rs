//! The counter: the operator's shift, cash with change at the exits, a lower fee, an entry nobody saw. Decides nothing.

use std::borrow::Borrow;

use askama::Template;
use axum::{
    Form,
    extract::{Path, State},
    http::StatusCode,
    response::{Html, IntoResponse, Redirect, Response},
};
use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use serde::Deserialize;

use super::{
    amount,
    console::Frame,
    error::ApiError,
    guard::Source,
    operate::REASON_CHARS_MAX,
    router::{Shared, Web},
    sheet::{self, Cell, Sheet},
    signin::{NOBODYS_HASH, Signed, verify},
    words::{self, Lang},
};
use crate::{
    core::{
        Answer, Input, Refusal, Rules,
        lane::{Help, Phase},
        money::{Order, OrderState},
        rules::Direction,
        till::{Cash, Shift, TillAct},
    },
    types::{BoothId, CashId, LaneId, Money, OrderId, Plate},
};

const SHIFTS_MAX: u32 = 30;
const CASH_MAX: u32 = 50;
const SALES_MAX: usize = 50;

// ---- the page ------------------------------------------------------------------------------------

#[derive(Template)]
#[template(path = "till.html", config = "src/http/askama.toml")]
struct TillPage {
    f: Frame,
    /// The operator's own.
    mine: Option<Shift>,
    /// Each with who has it.
    booths: Vec<(BoothId, Option<Shift>)>,
    waiting: Vec<Waiting>,
    cash: Vec<Cash>,
    /// What counters sold and nobody has paid yet.
    sales: Vec<Order>,
    history: Vec<Shift>,
    notice: Option<(bool, String)>,
}

/// A vehicle at an exit that has not been let out.
#[derive(Debug)]
struct Waiting {
    lane: LaneId,
    plate: Option<Plate>,
    order: Option<Order>,
    /// It is not on record as having come in.
    is_lost: bool,
    owes: Option<Money>,
}

impl TillPage {
    fn money(&self, minor: impl Borrow<i64>) -> Money {
        Money::new(*minor.borrow(), self.f.currency)
    }

    #[expect(clippy::unused_self, reason = "templates ask the page")]
    fn typed(&self, money: &Money) -> String {
        amount::text(*money)
    }

    fn over(&self, shift: &Shift) -> String {
        match shift.over_minor() {
            None => String::new(),
            Some(0) => self.f.l.say("平", "even").to_owned(),
            Some(minor @ 1..) => format!("{} {}", self.f.l.say("长款", "over"), self.money(minor)),
            Some(minor) => format!("{} {}", self.f.l.say("短款", "short"), self.money(-minor)),
        }
    }
}

fn waiting(state: &crate::core::State, rules: &Rules) -> Vec<Waiting> {
    let lanes = rules.lanes.iter().filter_map(|(id, rules)| {
        state.lanes.get(id).filter(|lane| lane.direction(rules) == Direction::Exit)
    });
    let waits = lanes.filter(|l| matches!(l.phase, Phase::AwaitingPayment | Phase::Deciding));
    let one = |lane: &crate::core::lane::Lane| {
        let visit = lane.visit.as_ref()?;
        let owed = visit.plate.as_ref().map(|plate| {
            let minors = state.arrears_of(plate).map(|arrears| arrears.amount.minor);
            Money::new(minors.sum(), rules.currency)
        });
        let order = visit.order.filter(|_| lane.phase == Phase::AwaitingPayment);
        Some(Waiting {
            lane: lane.id.clone(),
            plate: visit.plate.clone(),
            order: order.and_then(|order| state.orders.get(&order)).cloned(),
            is_lost: matches!(visit.help, Some(Help::NoStay | Help::NoPlate)),
            owes: owed.filter(|owed| owed.minor > 0),
        })
    };
    waits.filter_map(one).collect()
}

pub(super) async fn page(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
) -> Result<Response, ApiError> {
    show(&web, l, signed, None).await
}

pub(super) async fn show(
    web: &Web,
    l: Lang,
    signed: Signed,
    notice: Option<(bool, String)>,
) -> Result<Response, ApiError> {
    let (rules, who) = (web.desk.rules(), signed.name.clone());
    let (mine, booths, waiting, sales) = web
        .desk
        .read(move |state| {
            let at = |booth: &BoothId| {
                (booth.clone(), state.shifts.values().find(|s| s.booth == *booth).cloned())
            };
            let booths: Vec<_> = rules.till.booths.iter().map(at).collect();
            let due = |order: &&Order| order.sale.is_some() && order.state == OrderState::Due;
            let sales: Vec<_> =
                state.orders.values().rev().filter(due).take(SALES_MAX).cloned().collect();
            (state.shift_of(&who).cloned(), booths, waiting(state, &rules), sales)
        })
        .await?;
    let cash = match &mine {
        Some(shift) => web.till.cash_of_shift(shift.id, CASH_MAX).await?,
        None => Vec::new(),
    };
    let history = web.till.shifts(SHIFTS_MAX).await?;
    let status = match &notice {
        Some((false, _)) => StatusCode::CONFLICT,
        _ => StatusCode::OK,
    };
    let f = Frame::new(web, l, &signed);
    let page = TillPage { f, mine, booths, waiting, cash, sales, history, notice };
    Ok((status, Html(page.render()?)).into_response())
}

/// Tells the writer and shows what became of it.
async fn done(web: &Web, l: Lang, signed: Signed, act: TillAct) -> Result<Response, ApiError> {
    let who = signed.name.clone();
    let told = web.desk.tell(Input::Till { who, act }).await?;
    tracing::info!(operator = signed.name, done = told.is_ok(), "an operator acted at the counter");
    let notice = match told {
        Ok(Answer::Cash(_, back)) if !back.is_zero() => {
            Some((true, format!("{} {back}", l.say("请付给车主", "Give the driver"))))
        }
        Ok(Answer::Cash(..)) => Some((true, l.say("已收，无需找零", "Taken; no change").into())),
        Ok(Answer::AlreadyPaid) => Some((false, l.say("已经付过", "It is paid already").into())),
        Ok(Answer::Order(_)) => {
            Some((false, l.say("费用已更新，请核对后重收", "The fee has grown; look again").into()))
        }
        Ok(_) => return Ok(Redirect::to("/console/shift").into_response()),
        Err(refusal @ Refusal::NoLane(_)) => return Err(refusal.into()),
        Err(refusal) => Some((false, words::refusal(l, &refusal))),
    };
    show(web, l, signed, notice).await
}

// ---- what is done there --------------------------------------------------------------------------

#[derive(Deserialize)]
pub(super) struct Counted {
    booth: String,
    amount: String,
}

/// `open`, `close` or `take-over`.
pub(super) async fn drawer(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
    Path(what): Path<String>,
    Form(counted): Form<Counted>,
) -> Result<Response, ApiError> {
    let booth = BoothId::parse(&counted.booth).ok_or(ApiError::NotFound)?;
    let minor = amount::typed(&counted.amount, web.desk.rules().currency)?;
    let act = match what.as_str() {
        "open" => TillAct::OpenShift { booth, float_minor: minor },
        "close" => TillAct::CloseShift { booth, counted_minor: minor },
        "take-over" => TillAct::TakeOver { booth, counted_minor: minor },
        _ => return Err(ApiError::NotFound),
    };
    done(&web, l, signed, act).await
}

#[derive(Deserialize)]
pub(super) struct Tendered {
    amount: String,
}

pub(super) async fn cash(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
    Path(order): Path<i64>,
    Form(tendered): Form<Tendered>,
) -> Result<Response, ApiError> {
    let tendered_minor = amount::typed(&tendered.amount, web.desk.rules().currency)?;
    let act = TillAct::TakeCash { order: OrderId(order), tendered_minor };
    done(&web, l, signed, act).await
}

#[derive(Deserialize)]
pub(super) struct WithReason {
    amount: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    second: String,
    #[serde(default)]
    second_password: String,
}

/// A second operator who stands there gives name and password, where the site wants two. Tries are counted as sign-ins.
/// `None`: nobody did.
pub(super) async fn second_person(
    web: &Web,
    source: Source,
    (name, password): (String, String),
) -> Result<Option<String>, ApiError> {
    if name.trim().is_empty() {
        return Ok(None);
    }
    let now = web.desk.now();
    web.sign_ins.may_try(source, now)?;
    web.sign_ins.count(source, now);
    let second = web.records.operator(name.trim().to_owned()).await?;
    let hash = second.as_ref().map_or(NOBODYS_HASH, |one| &one.password_hash).to_owned();
    let right = verify(web, password, hash).await?;
    let known = second.filter(|one| right && !one.must_change);
    let Some(second) = known.map(|one| one.name) else {
        let (zh, en) =
            ("复核人的姓名或密码不对。", "The second person's name or password is wrong.");
        return Err(ApiError::Unfit(zh, en));
    };
    web.sign_ins.forget(source);
    Ok(Some(second))
}

async fn seconded(
    web: &Web,
    source: Source,
    given: (String, String),
    act: TillAct,
) -> Result<TillAct, ApiError> {
    Ok(match second_person(web, source, given).await? {
        Some(second) => TillAct::Seconded { second, act: Box::new(act) },
        None => act,
    })
}

fn short(reason: String) -> Result<String, ApiError> {
    if reason.chars().count() > REASON_CHARS_MAX {
        let (zh, en) = ("原因请不超过 200 字。", "A reason has at most 200 characters.");
        return Err(ApiError::Unfit(zh, en));
    }
    Ok(reason)
}

pub(super) async fn refund(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
    source: Source,
    Path(cash): Path<i64>,
    Form(given): Form<WithReason>,
) -> Result<Response, ApiError> {
    let amount_minor = amount::typed(&given.amount, web.desk.rules().currency)?;
    let reason = short(given.reason)?;
    let cash = web.till.cash(CashId(cash)).await?.ok_or(ApiError::NotFound)?;
    let act = TillAct::RefundCash { cash, amount_minor, reason };
    let act = seconded(&web, source, (given.second, given.second_password), act).await?;
    done(&web, l, signed, act).await
}

pub(super) async fn fee(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
    source: Source,
    Path(lane): Path<String>,
    Form(given): Form<WithReason>,
) -> Result<Response, ApiError> {
    let lane = LaneId::parse(&lane).ok_or(ApiError::NotFound)?;
    let amount_minor = amount::typed(&given.amount, web.desk.rules().currency)?;
    let reason = short(given.reason)?;
    let act = TillAct::SetFee { lane, amount_minor, reason };
    let act = seconded(&web, source, (given.second, given.second_password), act).await?;
    done(&web, l, signed, act).await
}

#[derive(Deserialize)]
pub(super) struct Entry {
    #[serde(default)]
    plate: String,
    /// `2026-11-23T08:00` by the site's clock; empty: nobody knows.
    #[serde(default)]
    entered: String,
    #[serde(default)]
    reason: String,
}

fn local(text: &str, zone: &TimeZone) -> Result<Option<Timestamp>, ApiError> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    let at: Option<DateTime> = text.trim().parse().ok();
    let at = at.and_then(|at| zone.to_timestamp(at).ok());
    at.map(Some).ok_or(ApiError::Unfit("入场时间不对。", "That is no time of entry."))
}

pub(super) async fn entry(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
    Path(lane): Path<String>,
    Form(given): Form<Entry>,
) -> Result<Response, ApiError> {
    let lane = LaneId::parse(&lane).ok_or(ApiError::NotFound)?;
    let entered_at = local(&given.entered, &web.desk.rules().zone)?;
    let typed = given.plate.trim();
    let plate = if typed.is_empty() { None } else { Some(Plate::parse(typed)) };
    let odd = |_| ApiError::Unfit("这不像一个车牌。", "That is not a plate.");
    let (plate, reason) = (plate.transpose().map_err(odd)?, short(given.reason)?);
    done(&web, l, signed, TillAct::GiveEntry { lane, plate, entered_at, reason }).await
}

// ---- arrears -------------------------------------------------------------------------------------

#[derive(Template)]
#[template(path = "arrears.html", config = "src/http/askama.toml")]
struct ArrearsPage {
    f: Frame,
    arrears: Vec<crate::core::till::Arrears>,
    sum: Money,
    /// More than are shown.
    more: usize,
    notice: Option<String>,
}

const ARREARS_MAX: usize = 200;

pub(super) async fn arrears(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
) -> Result<Response, ApiError> {
    show_arrears(&web, l, signed, None).await
}

async fn show_arrears(
    web: &Web,
    l: Lang,
    signed: Signed,
    notice: Option<String>,
) -> Result<Response, ApiError> {
    let (arrears, sum, count) = web
        .desk
        .read(|state| {
            let latest = state.arrears.values().rev().take(ARREARS_MAX).cloned();
            let sum: i64 = state.arrears.values().map(|arrears| arrears.amount.minor).sum();
            (latest.collect::<Vec<_>>(), sum, state.arrears.len())
        })
        .await?;
    let f = Frame::new(web, l, &signed);
    let status = if notice.is_some() { StatusCode::CONFLICT } else { StatusCode::OK };
    let (sum, more) = (Money::new(sum, f.currency), count - arrears.len());
    Ok((status, Html(ArrearsPage { f, arrears, sum, more, notice }.render()?)).into_response())
}

/// All that is owed, to take away.
pub(super) async fn arrears_file(
    State(web): State<Shared>,
    _signed: Signed,
    Path(file): Path<String>,
) -> Result<Response, ApiError> {
    let form = sheet::Form::parse(&file).ok_or(ApiError::NotFound)?;
    let rules = web.desk.rules();
    let all = web.desk.read(|state| state.arrears.values().cloned().collect::<Vec<_>>()).await?;
    let mut sheet =
        Sheet::new(&["id", "plate", "since", "lane", "stay", "order", "amount", "currency"]);
    for one in all {
        sheet.row(&[
            Cell::Number(one.id.to_string()),
            Cell::Text(one.plate.full().to_owned()),
            Cell::Text(rules.zone.to_datetime(one.since).to_string()),
            Cell::Text(one.lane.to_string()),
            Cell::Number(one.stay.to_string()),
            Cell::Number(one.order.to_string()),
            Cell::Number(amount::text(one.amount)),
            Cell::Text(one.amount.currency.code().to_owned()),
        ]);
    }
    Ok(sheet.download(form, "arrears"))
}

#[derive(Deserialize)]
pub(super) struct Reason {
    #[serde(default)]
    reason: String,
    #[serde(default)]
    second: String,
    #[serde(default)]
    second_password: String,
}

pub(super) async fn forgive(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
    source: Source,
    Path(id): Path<i64>,
    Form(given): Form<Reason>,
) -> Result<Response, ApiError> {
    let (who, reason) = (signed.name.clone(), short(given.reason)?);
    let act = TillAct::Forgive { arrears: crate::types::ArrearsId(id), reason };
    let act = seconded(&web, source, (given.second, given.second_password), act).await?;
    match web.desk.tell(Input::Till { who, act }).await? {
        Ok(_) => Ok(Redirect::to("/console/arrears").into_response()),
        Err(refusal) => {
            let text = words::refusal(l, &refusal);
            show_arrears(&web, l, signed, Some(text)).await
        }
    }
}

/// Nobody saw it leave, and it is not inside.
pub(super) async fn end_stay(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
    source: Source,
    Path(id): Path<i64>,
    Form(given): Form<Reason>,
) -> Result<Response, ApiError> {
    let (who, reason, stay) = (signed.name.clone(), short(given.reason)?, crate::types::StayId(id));
    let act = TillAct::EndStay { stay, reason };
    let act = seconded(&web, source, (given.second, given.second_password), act).await?;
    let told = web.desk.tell(Input::Till { who, act }).await?;
    tracing::info!(operator = signed.name, %stay, done = told.is_ok(), "a stay was to be ended");
    let file = web.records.stay(stay).await?.ok_or(ApiError::NotFound)?;
    let notice = told.err().map(|no| (StatusCode::CONFLICT, words::refusal(l, &no)));
    super::records::stay_page(&web, l, &signed, file, notice)
}
