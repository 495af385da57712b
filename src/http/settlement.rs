//! The morning's result: statements, differences and what is done about them, takings drawn. Decides nothing.

mod export;

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
    ports::{DaySettled, SettlementRecords},
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
    types::{ChannelId, Money},
};

const DIFFERENCES_MAX: u32 = 200;
/// Days of the table and of the chart.
const DAYS: i64 = 14;
/// What the trail says where a second person is to agree.
const ASKS_SECOND: &str = "asks to write off: ";

pub(super) fn routes(web: &Shared) -> Router<Shared> {
    let see = Router::new()
        .route("/console/settlement", get(page))
        .route("/console/settlement/{day}/postings/{file}", get(export::postings))
        .route("/console/settlement/{day}/differences/{file}", get(export::differences))
        .route("/console/differences/{id}", get(one));
    let act = Router::new()
        .route("/console/settlement/{day}/{channel}/arrived", post(arrived))
        .route("/console/differences/{id}", post(act));
    roles::need(web, Right::SeeSettlement, see).merge(roles::need(web, Right::Settle, act))
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
    /// What should arrive in the bank account.
    fn due_minor(&self) -> i64 {
        self.file.as_ref().map_or(0, |f| f.paid_minor - f.refunded_minor - f.fee_minor)
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

fn way(l: Lang, name: &str) -> String {
    match name {
        "cashier" => l.say("扫码", "Scan").to_owned(),
        "payer_code" => l.say("付款码", "Payer's code").to_owned(),
        "plate" => l.say("车牌付", "By plate").to_owned(),
        "cash" => l.say("现金", "Cash").to_owned(),
        "pass" => l.say("储值", "Stored value").to_owned(),
        other => other.to_owned(),
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
    let (lanes, ways) = records.earned(from, to).await?;
    let f = Frame::new(web, l, &signed);
    let lanes: Vec<_> = lanes
        .into_iter()
        .map(|(lane, minor)| match lane.as_str() {
            "phone" => (l.say("手机", "Phone").to_owned(), minor),
            "counter" => (l.say("岗亭", "Counter").to_owned(), minor),
            other => {
                let id = crate::types::LaneId::parse(other);
                (id.map_or(other.to_owned(), |id| f.lane(&id).to_owned()), minor)
            }
        })
        .collect();
    let ways: Vec<_> = ways.into_iter().map(|(name, minor)| (way(l, &name), minor)).collect();
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
    let minor = amount::typed(&given.amount, web.desk.rules().currency)?;
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
        "settle" => (DifferenceState::Settled, reason),
        "write-off" => match write_off(&web, &one, &signed.name, &reason).await? {
            Ok(done) => done,
            Err(refusal) => {
                let text = words::refusal(l, &refusal);
                return show_one(&web, l, signed, id, Some(text)).await;
            }
        },
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

/// Above the site's sum the first person asks, and another one does it.
async fn write_off(
    web: &Web,
    one: &Difference,
    who: &str,
    reason: &str,
) -> Result<WrittenOff, ApiError> {
    let asked = one.note.strip_prefix(ASKS_SECOND).filter(|_| one.changed_by != who);
    let (first, second, why) = match asked {
        Some(why) => (one.changed_by.clone(), Some(who.to_owned()), why.to_owned()),
        None => (who.to_owned(), None, reason.to_owned()),
    };
    let act = SettleAct::WriteOff {
        difference: one.id,
        minor: one.over_minor(),
        reason: why.clone(),
        second,
    };
    let day = SettledDay { channel: one.channel.clone(), day: one.day };
    let told = web.desk.tell(Input::Settle { day, who: first, act }).await?;
    Ok(match told {
        Ok(Answer::Done | Answer::Duplicate) => {
            Ok((DifferenceState::Settled, format!("written off: {why}")))
        }
        Ok(_) => Err(crate::core::Refusal::AmountUnfit),
        Err(crate::core::Refusal::SecondNeeded(_)) => {
            Ok((one.state, format!("{ASKS_SECOND}{reason}")))
        }
        Err(refusal) => Err(refusal),
    })
}

/// Posts what the banks kept on a day, as far as their statements are there.
pub(super) async fn settle(
    State(web): State<Shared>,
    signed: Signed,
    Path(day): Path<Date>,
) -> Result<Json<Vec<DaySettled>>, ApiError> {
    let records = records(&web)?;
    let files = records.statements(day, day).await?;
    let open = records.differences(day, day, true, u32::MAX).await?;
    let mut settled = Vec::new();
    for channel in records.channels() {
        let open = open.iter().filter(|one| one.channel == channel).count() as i64;
        let file = files.iter().find(|file| file.channel == channel);
        let fees_minor = file.map(|file| file.fee_minor);
        if let Some(minor) = fees_minor {
            let id = SettledDay { channel: channel.clone(), day };
            let (who, act) = (signed.name.clone(), SettleAct::Fees { minor });
            web.desk.tell(Input::Settle { day: id, who, act }).await??;
        }
        settled.push(DaySettled { channel: channel.to_string(), fees_minor, open });
    }
    Ok(Json(settled))
}
