//! The morning's result: statements, differences and what is done about them, takings drawn. Decides nothing.

mod export;
mod shares;

use askama::Template;
use axum::{
    Form, Json, Router,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{Html, IntoResponse, Redirect, Response},
    routing::{get, post},
};
use jiff::{ToSpan, civil::Date};
use serde::Deserialize;

use super::{
    amount,
    charts::{bars, by_hour},
    console::Frame,
    error::ApiError,
    operate::REASON_CHARS_MAX,
    ports::{DaySettled, EarnedSums, SettlementRecords},
    program::{Access, Api, Op},
    roles::{self, Right},
    router::{Shared, Web},
    signin::Signed,
    words::{self, Lang},
};
use crate::{
    core::{
        Answer, Input,
        settle::{
            Difference, DifferenceState, Kind, Proposal, SettleAct, Settled, SettledDay, Side,
            StatementFile, Step,
        },
    },
    types::{ChannelId, Money, Scope},
};

const DIFFERENCES_MAX: u32 = 200;
/// Days of the table and of the chart.
const DAYS: i64 = 14;
/// What the trail says where a second person is to agree.
const ASKS_SECOND: &str = "asks to write off: ";
const ASKS_TO_SETTLE: &str = "asks to settle: ";

pub(super) fn routes(web: &Shared) -> Router<Shared> {
    let see = Router::new()
        .route("/console/settlement", get(page))
        .route("/console/settlement/{day}/postings/{file}", get(export::postings))
        .route("/console/settlement/{day}/differences/{file}", get(export::differences))
        .route("/console/settlement/{day}/shares", get(shares::page))
        .route("/console/settlement/{day}/shares/{file}", get(shares::download))
        .route("/console/settlement/{day}/payments/{file}", get(shares::payments))
        .route("/console/differences/{id}", get(one));
    let act = Router::new()
        .route("/console/settlement/{day}/settle", post(settle_now))
        .route("/console/settlement/{day}/transferred/{partner}", post(shares::transferred))
        .route("/console/settlement/{day}/{channel}/arrived", post(arrived))
        .route("/console/differences/{id}", post(act));
    roles::need(web, Right::SeeSettlement, see).merge(roles::need(web, Right::Settle, act))
}

pub(super) fn api(api: Api) -> Api {
    api.on(
        Op::post(
            "/api/v1/settlement/{day}",
            "settleDay",
            "Closes a day in the ledger: posts what the banks kept",
        )
        .by(Access::Hand(Scope::SettlementWrite))
        .lists::<DaySettled>("Each channel's day"),
        settle,
    )
}

fn records(web: &Web) -> Result<&dyn SettlementRecords, ApiError> {
    web.settlement.as_deref().ok_or(ApiError::NotFound)
}

// ---- the page ------------------------------------------------------------------------------------

/// A channel's day.
#[derive(Debug)]
struct Row {
    channel: ChannelId,
    file: Option<StatementFile>,
    settled: Option<Settled>,
}

impl Row {
    /// What should arrive in the bank account: without what the bank gives to partners by itself.
    fn due_minor(&self) -> i64 {
        let relayed = self.settled.as_ref().map_or(0, |day| day.relayed.values().sum::<i64>());
        self.file.as_ref().map_or(0, |f| f.paid_minor - f.refunded_minor - f.fee_minor - relayed)
    }

    fn is_posted(&self) -> bool {
        let fees = self.settled.as_ref().map(|day| day.fees.minor);
        self.file.as_ref().is_none_or(|file| fees == Some(file.fee_minor))
    }
}

#[derive(Template)]
#[template(path = "settlement.html", config = "src/http/askama.toml")]
struct SettlementPage {
    f: Frame,
    day: Date,
    rows: Vec<Row>,
    open: Vec<Difference>,
    hours: String,
    lanes: String,
    ways: String,
    zones: String,
    products: String,
    has_shares: bool,
    history: String,
    little: i64,
    notice: Option<String>,
}

impl SettlementPage {
    fn money(&self, minor: impl std::borrow::Borrow<i64>) -> Money {
        Money::new(*minor.borrow(), self.f.currency)
    }

    /// Empty where there is none.
    fn some(&self, minor: impl std::borrow::Borrow<Option<i64>>) -> String {
        minor.borrow().map_or(String::new(), |minor| self.money(minor).to_string())
    }

    fn typed(&self, minor: impl std::borrow::Borrow<i64>) -> String {
        amount::text(self.money(minor))
    }

    fn before(&self) -> Date {
        self.day.saturating_sub(1.day())
    }

    fn after(&self) -> Date {
        self.day.saturating_add(1.day())
    }

    fn kind(&self, one: &Difference) -> &'static str {
        kind(self.f.l, one)
    }

    fn proposal(&self, one: &Difference) -> &'static str {
        proposal(self.f.l, one.proposal(self.little))
    }
}

/// What it is and what is mostly done about it.
pub(super) fn in_words(l: Lang, one: &Difference) -> (&'static str, &'static str) {
    (kind(l, one), proposal(l, one.proposal(0)))
}

fn kind(l: Lang, one: &Difference) -> &'static str {
    match one.finding.kind {
        Kind::Long => l.say("长款", "Long"),
        Kind::Short => l.say("短款", "Short"),
        Kind::Amount => l.say("金额不符", "Amount"),
        Kind::State => l.say("迟到款", "Late money"),
        Kind::Fee => l.say("手续费不符", "Fee"),
        Kind::Number => l.say("单号不符", "Number"),
        Kind::Twice => l.say("重复", "Twice"),
        Kind::Row => l.say("无法读取", "Unreadable"),
    }
}

fn proposal(l: Lang, proposal: Proposal) -> &'static str {
    match proposal {
        Proposal::Wait => l.say("等次日账单", "Wait for the next statement"),
        Proposal::AttachOrRefund => l.say("系统自动入账或退款", "Settles or goes back by itself"),
        Proposal::RefundThere => l.say("在银行端退款", "Give back at the bank"),
        Proposal::AskBank => l.say("向银行查询", "Ask the bank"),
        Proposal::WriteOff => l.say("核销", "Write off"),
    }
}

fn state(l: Lang, state: DifferenceState) -> &'static str {
    match state {
        DifferenceState::Waiting => l.say("等待", "Waiting"),
        DifferenceState::Open => l.say("未处理", "Open"),
        DifferenceState::Settled => l.say("已处理", "Settled"),
        DifferenceState::Gone => l.say("已消失", "Gone"),
    }
}

#[derive(Deserialize)]
pub(super) struct Asked {
    day: Option<Date>,
}

pub(super) async fn page(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
    Query(asked): Query<Asked>,
) -> Result<Response, ApiError> {
    show(&web, l, signed, asked.day, None).await
}

/// Yesterday, unless another day is asked for.
fn day_or_last(web: &Web, day: Option<Date>) -> Date {
    let rules = web.desk.rules();
    let today = rules.settle.day_of(web.desk.now(), &rules.zone);
    day.unwrap_or_else(|| today.saturating_sub(1.day()))
}

async fn show(
    web: &Web,
    l: Lang,
    signed: Signed,
    day: Option<Date>,
    notice: Option<String>,
) -> Result<Response, ApiError> {
    let (records, rules) = (records(web)?, web.desk.rules());
    let day = day_or_last(web, day);
    let (from, to) = rules.settle.bounds(day, &rules.zone).ok_or(ApiError::NotFound)?;
    let mut files = records.statements(day, day).await?;
    let settled = web
        .desk
        .read(move |state| {
            let of_day = state.settled.values().filter(|settled| settled.id.day == day);
            of_day.cloned().collect::<Vec<_>>()
        })
        .await?;
    let row = |channel: ChannelId| {
        let at = files.iter().position(|file| file.channel == channel);
        let file = at.map(|at| files.swap_remove(at));
        let settled = settled.iter().find(|settled| settled.id.channel == channel).cloned();
        Row { channel, file, settled }
    };
    let rows = records.channels().into_iter().map(row).collect();
    let first = day.saturating_sub(DAYS.days());
    let open = records.differences(first, Date::MAX, true, DIFFERENCES_MAX).await?;
    let by_day = records.differences_by_day(first, day).await?;
    let hours = records.earned_by_hour(from, to).await?;
    let EarnedSums { lanes, ways, zones, products } = records.earned(from, to).await?;
    let f = Frame::new(web, l, &signed);
    let lanes: Vec<_> = lanes
        .into_iter()
        .map(|(lane, minor)| match lane.as_str() {
            "phone" => (l.say("手机", "Phone").to_owned(), minor),
            "counter" => (l.say("岗亭", "Counter").to_owned(), minor),
            "account" => (l.say("挂账", "On account").to_owned(), minor),
            other => {
                let id = crate::types::LaneId::parse(other);
                (id.map_or(other.to_owned(), |id| f.lane(&id).to_owned()), minor)
            }
        })
        .collect();
    let ways: Vec<_> =
        ways.into_iter().map(|(name, minor)| (words::way(l, &name), minor)).collect();
    let zone_name = |(name, minor): (String, i64)| {
        let id = crate::types::ZoneId::parse(&name);
        let known = id.and_then(|id| rules.zones.get(&id).map(|zone| zone.name.clone()));
        (known.unwrap_or(name), minor)
    };
    let zones: Vec<_> = zones.into_iter().map(zone_name).collect();
    let products: Vec<_> =
        products.into_iter().map(|(name, minor)| (product_name(l, &rules, name), minor)).collect();
    let history: Vec<_> =
        by_day.into_iter().map(|(day, all, open)| (format!("{day}: {open}/{all}"), all)).collect();
    let money = |minor: i64| Money::new(minor, f.currency).to_string();
    let page = SettlementPage {
        day,
        rows,
        open,
        hours: by_hour(&hours, usize::MAX, f.currency, l.say("每小时收入", "Takings by hour")),
        lanes: bars(&lanes, money, l.say("按车道", "By lane")),
        ways: bars(&ways, money, l.say("按支付方式", "By way of paying")),
        zones: bars(&zones, money, l.say("按区域", "By zone")),
        products: bars(&products, money, l.say("按产品", "By product")),
        has_shares: records.partners().is_some(),
        history: bars(&history, |count| count.to_string(), l.say("差异", "Differences")),
        little: records.little_minor(),
        f,
        notice,
    };
    let status = if page.notice.is_some() { StatusCode::CONFLICT } else { StatusCode::OK };
    Ok((status, Html(page.render()?)).into_response())
}

// ---- what is done there --------------------------------------------------------------------------

#[derive(Deserialize)]
pub(super) struct Arrived {
    amount: String,
    #[serde(default)]
    reason: String,
}

/// A person has seen the transfer in the bank account.
pub(super) async fn arrived(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
    Path((day, channel)): Path<(Date, String)>,
    Form(given): Form<Arrived>,
) -> Result<Response, ApiError> {
    let channel = ChannelId::parse(&channel).ok_or(ApiError::NotFound)?;
    if !records(&web)?.channels().contains(&channel) {
        return Err(ApiError::NotFound);
    }
    // Where more went back than came in, the bank took it from the account.
    let typed = given.amount.trim();
    let (typed, sign) = typed.strip_prefix('-').map_or((typed, 1), |typed| (typed, -1));
    let minor = sign * amount::typed(typed, web.desk.rules().currency)?;
    let act = SettleAct::Arrived { minor, reason: short(&given.reason)? };
    let who = signed.name.clone();
    let told = web.desk.tell(Input::Settle { day: SettledDay { channel, day }, who, act }).await?;
    match told {
        Ok(_) => Ok(Redirect::to(&format!("/console/settlement?day={day}")).into_response()),
        Err(refusal) => {
            let text = words::refusal(l, &refusal);
            show(&web, l, signed, Some(day), Some(text)).await
        }
    }
}

fn short(reason: &str) -> Result<String, ApiError> {
    if reason.chars().count() > REASON_CHARS_MAX {
        let (zh, en) = ("原因请不超过 200 字。", "A reason has at most 200 characters.");
        return Err(ApiError::Unfit(zh, en));
    }
    Ok(reason.trim().to_owned())
}

#[derive(Template)]
#[template(path = "difference.html", config = "src/http/askama.toml")]
struct DifferencePage {
    f: Frame,
    one: Difference,
    trail: Vec<Step>,
    proposal: &'static str,
    notice: Option<String>,
}

impl DifferencePage {
    fn money(&self, minor: impl std::borrow::Borrow<i64>) -> Money {
        Money::new(*minor.borrow(), self.f.currency)
    }

    /// Empty where there is none.
    fn some(&self, minor: impl std::borrow::Borrow<Option<i64>>) -> String {
        minor.borrow().map_or(String::new(), |minor| self.money(minor).to_string())
    }

    fn kind(&self) -> &'static str {
        kind(self.f.l, &self.one)
    }

    fn state(&self, of: impl std::borrow::Borrow<DifferenceState>) -> &'static str {
        state(self.f.l, *of.borrow())
    }

    fn is_open(&self) -> bool {
        matches!(self.one.state, DifferenceState::Open | DifferenceState::Waiting)
    }

    fn is_paid(&self) -> bool {
        self.one.finding.side == Side::Paid
    }
}

pub(super) async fn one(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
    Path(id): Path<i64>,
) -> Result<Response, ApiError> {
    show_one(&web, l, signed, id, None).await
}

async fn show_one(
    web: &Web,
    l: Lang,
    signed: Signed,
    id: i64,
    notice: Option<String>,
) -> Result<Response, ApiError> {
    let records = records(web)?;
    let one = records.difference(id).await?.ok_or(ApiError::NotFound)?;
    let trail = records.trail(id).await?;
    let proposal = proposal(l, one.proposal(records.little_minor()));
    let status = if notice.is_some() { StatusCode::CONFLICT } else { StatusCode::OK };
    let f = Frame::new(web, l, &signed);
    let page = DifferencePage { f, one, trail, proposal, notice };
    Ok((status, Html(page.render()?)).into_response())
}

#[derive(Deserialize)]
pub(super) struct Act {
    /// `note`, `settle` or `write-off`.
    what: String,
    #[serde(default)]
    reason: String,
}

pub(super) async fn act(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
    Path(id): Path<i64>,
    Form(given): Form<Act>,
) -> Result<Response, ApiError> {
    let records = records(&web)?;
    let one = records.difference(id).await?.ok_or(ApiError::NotFound)?;
    let reason = short(&given.reason)?;
    if reason.is_empty() {
        return Err(crate::core::Refusal::NoReason.into());
    }
    let over = || l.say("该差异已处理", "That difference is settled already").to_owned();
    if !matches!(one.state, DifferenceState::Open | DifferenceState::Waiting) {
        return show_one(&web, l, signed, id, Some(over())).await;
    }
    let (state, note) = match given.what.as_str() {
        "note" => (one.state, reason),
        what @ ("settle" | "write-off") => {
            match agreed(&web, &one, &signed.name, &reason, what == "write-off").await? {
                Ok(done) => done,
                Err(refusal) => {
                    let text = words::refusal(l, &refusal);
                    return show_one(&web, l, signed, id, Some(text)).await;
                }
            }
        }
        _ => return Err(ApiError::NotFound),
    };
    tracing::info!(
        operator = signed.name,
        difference = id,
        what = given.what,
        "a difference was gone on with"
    );
    let went = records.go_on(id, state, signed.name.clone(), note).await?;
    web.differences.forget();
    let notice = (!went).then(over);
    if notice.is_none() && state == DifferenceState::Settled {
        return Ok(Redirect::to(&format!("/console/settlement?day={}", one.day)).into_response());
    }
    show_one(&web, l, signed, id, notice).await
}

type WrittenOff = Result<(DifferenceState, String), crate::core::Refusal>;

/// Settled as it is, or written off. Above the site's sum the first person asks, and another one does it.
async fn agreed(
    web: &Web,
    one: &Difference,
    who: &str,
    reason: &str,
    writes_off: bool,
) -> Result<WrittenOff, ApiError> {
    let (asks, done) =
        if writes_off { (ASKS_SECOND, "written off: ") } else { (ASKS_TO_SETTLE, "") };
    let asked = one.note.strip_prefix(asks).filter(|_| one.changed_by != who);
    let (first, second, reason) = match asked {
        Some(why) => (one.changed_by.clone(), Some(who.to_owned()), why.to_owned()),
        None => (who.to_owned(), None, reason.to_owned()),
    };
    let (difference, minor, why) = (one.id, one.over_minor(), reason.clone());
    let act = if writes_off {
        SettleAct::WriteOff { difference, minor, reason, second }
    } else {
        SettleAct::Close { difference, minor, reason, second }
    };
    let day = SettledDay { channel: one.channel.clone(), day: one.day };
    let told = web.desk.tell(Input::Settle { day, who: first, act }).await?;
    Ok(match told {
        Ok(Answer::Done | Answer::Duplicate) => {
            Ok((DifferenceState::Settled, format!("{done}{why}")))
        }
        Ok(_) => Err(crate::core::Refusal::AmountUnfit),
        Err(crate::core::Refusal::SecondNeeded(_)) => Ok((one.state, format!("{asks}{why}"))),
        Err(refusal) => Err(refusal),
    })
}

/// Posts what is known of a day: what the banks kept, and whose part is how much.
async fn settle(
    State(web): State<Shared>,
    signed: Signed,
    Path(day): Path<Date>,
) -> Result<Json<Vec<DaySettled>>, ApiError> {
    Ok(Json(records(&web)?.settle(day, signed.name).await?))
}

/// The same, by a button.
pub(super) async fn settle_now(
    State(web): State<Shared>,
    signed: Signed,
    Path(day): Path<Date>,
) -> Result<Response, ApiError> {
    tracing::info!(operator = signed.name, %day, "a day is settled");
    records(&web)?.settle(day, signed.name).await?;
    Ok(Redirect::to(&format!("/console/settlement?day={day}")).into_response())
}

/// What visitors read of a product of the shop; other goods are called as their counter does.
fn product_name(l: Lang, rules: &crate::core::Rules, name: String) -> String {
    let id = crate::types::ProductId::parse(&name);
    let known = id.and_then(|id| rules.shop.products.get(&id));
    known.map_or(name, |product| {
        let names = &product.name;
        if l.is_zh() { names.zh.clone() } else { names.en.clone() }
    })
}
