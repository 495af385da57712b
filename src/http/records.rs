//! What is on record: open stays, one stay with its money, a lane's history, kept pictures. Reads only.

use askama::Template;
use axum::{
    extract::{Path, Query, State},
    http::{StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use serde::Deserialize;

use super::{
    alarms,
    console::{self, Frame},
    error::ApiError,
    lanes::{self, LaneCard},
    merchant::benefit_words,
    ports::{self, Row, StayFile},
    receipts,
    router::{Shared, Web},
    signin::Signed,
    stream::Piece,
    words::{self, Lang},
};
use crate::{
    core::{
        Change, Input,
        change::Taken,
        lane::Lane,
        money::{Order, Payment, Refund},
        pass::Standing,
        stay::{SeenAs, Stay, StayState},
        tariff::QuoteLine,
        till::{TillDid, Validation, ValidationState},
    },
    types::{LaneId, Money, StayId, ValidationId},
};

const STAYS_MAX: u32 = 200;
const HISTORY_MAX: u32 = 200;

// ---- open stays ----------------------------------------------------------------------------------

#[derive(Debug, Deserialize)]
pub(super) struct Search {
    #[serde(default)]
    pub(super) plate: String,
}

impl Search {
    /// As plates are kept: upper case, no separators; at most ten characters.
    pub(super) fn normal(&self) -> String {
        let fits = |c: &char| c.is_ascii_alphanumeric() || ('\u{4e00}'..='\u{9fff}').contains(c);
        self.plate.chars().filter(fits).take(10).collect::<String>().to_uppercase()
    }
}

#[derive(Template)]
#[template(path = "stays.html", config = "src/http/askama.toml")]
struct StaysPage {
    f: Frame,
    search: String,
    stays: Vec<Stay>,
    most: usize,
}

pub(super) async fn stays(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
    Query(search): Query<Search>,
) -> Result<Response, ApiError> {
    let search = search.normal();
    let stays = web.records.open_stays(search.clone(), STAYS_MAX).await?;
    let f = Frame::new(&web, l, &signed);
    let page = StaysPage { f, search, stays, most: STAYS_MAX as usize };
    Ok(Html(page.render()?).into_response())
}

// ---- one stay ------------------------------------------------------------------------------------

#[derive(Template)]
#[template(path = "stay.html", config = "src/http/askama.toml")]
struct StayPage {
    f: Frame,
    file: StayFile,
    /// Empty: no receipt can be printed.
    printers: Vec<String>,
    /// What became of a receipt.
    notice: Option<String>,
}

impl StayPage {
    fn is_inside(&self) -> bool {
        self.file.stay.state == StayState::Inside
    }

    fn state(&self) -> &'static str {
        words::stay_state(self.f.l, self.file.stay.state)
    }

    fn order_state(&self, order: &Order) -> String {
        words::order_state(self.f.l, &order.state)
    }

    fn payment_state(&self, payment: &Payment) -> String {
        words::payment_state(self.f.l, &payment.state)
    }

    fn refund_state(&self, refund: &Refund) -> &'static str {
        words::refund_state(self.f.l, refund.state)
    }

    fn refund_why(&self, refund: &Refund) -> String {
        words::refund_why(self.f.l, &refund.why)
    }

    fn line(&self, line: &QuoteLine) -> String {
        words::quote_line(self.f.l, line, &self.f.zone)
    }

    fn money(&self, minor: impl std::borrow::Borrow<i64>) -> Money {
        Money::new(*minor.borrow(), self.f.currency)
    }

    /// By what right it was here, and where that stands.
    fn right(&self) -> (String, Option<String>) {
        let l = self.f.l;
        match self.file.stay.standing {
            Standing::Transient => (l.say("临时车", "Transient").to_owned(), None),
            Standing::Emergency => (l.say("应急车辆", "Emergency vehicle").to_owned(), None),
            Standing::Pass(id) => {
                (format!("{} {id}", l.say("月卡", "Pass")), Some(format!("/console/passes/{id}")))
            }
            Standing::Listed(id) => (format!("{} {id}", l.say("名单", "On a list:")), None),
            Standing::Reservation(id) => (format!("{} {id}", l.say("预约", "Reservation")), None),
        }
    }

    /// What a camera wrote, where it is more than the plate.
    fn read(&self, read: &SeenAs) -> String {
        let l = self.f.l;
        let raw = if read.raw.is_empty() { l.say("无牌", "no plate") } else { &read.raw };
        let sure = read.confidence.map(|percent| format!(" {percent}%")).unwrap_or_default();
        format!("{} {raw}{sure}", l.say("摄像机读作", "The camera read"))
    }

    fn validation(&self, given: &Validation) -> String {
        let l = self.f.l;
        let benefit = benefit_words(l, &given.benefit, self.f.currency);
        let state = match given.state {
            ValidationState::Given => l.say("未使用", "not used yet").to_owned(),
            ValidationState::Used { minor, .. } => {
                format!("{} {}", l.say("已抵", "took off"), self.money(minor))
            }
            ValidationState::Revoked => l.say("已撤销", "taken back").to_owned(),
            ValidationState::Lapsed => l.say("未用到", "not needed").to_owned(),
        };
        format!("{} · {benefit} · {} · {state}", given.offer, given.by)
    }

    #[expect(clippy::unused_self, reason = "templates ask the page")]
    fn can_be_revoked(&self, given: &Validation) -> bool {
        given.state == ValidationState::Given
    }

    fn lasted(&self) -> String {
        let stay = &self.file.stay;
        let until = stay.left_at.unwrap_or(self.f.now);
        self.f.l.duration(until.duration_since(stay.entered_at).as_secs())
    }
}

pub(super) async fn stay(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
    Path(id): Path<i64>,
) -> Result<Response, ApiError> {
    let file = web.records.stay(StayId(id)).await?.ok_or(ApiError::NotFound)?;
    stay_page(&web, l, &signed, file, None)
}

/// The page of a stay, with what became of a receipt that was asked for.
pub(super) fn stay_page(
    web: &Web,
    l: Lang,
    signed: &Signed,
    file: StayFile,
    notice: Option<(StatusCode, String)>,
) -> Result<Response, ApiError> {
    let printers = receipts::printers(web, &file);
    let (status, notice) = notice.map_or((StatusCode::OK, None), |(s, text)| (s, Some(text)));
    let page = StayPage { f: Frame::new(web, l, signed), file, printers, notice };
    Ok((status, Html(page.render()?)).into_response())
}

/// An operator takes back what a merchant gave, as long as it is not used.
pub(super) async fn revoke(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
    Path((stay, validation)): Path<(i64, i64)>,
) -> Result<Response, ApiError> {
    let (validation, merchant) = (ValidationId(validation), None);
    let told = web.desk.tell(Input::Unvalidate { validation, merchant }).await?;
    let done = told.is_ok();
    tracing::info!(operator = signed.name, %validation, done, "a validation was to be revoked");
    let file = web.records.stay(StayId(stay)).await?.ok_or(ApiError::NotFound)?;
    let notice = told.err().map(|no| (StatusCode::CONFLICT, words::refusal(l, &no)));
    stay_page(&web, l, &signed, file, notice)
}

// ---- a lane's history ----------------------------------------------------------------------------

/// What the camera saw then.
fn picture_of(change: &Change) -> Option<String> {
    match change {
        Change::ReadTaken { read, .. } => read.picture.clone(),
        Change::OperatorActed { picture, .. } | Change::TillActed { picture, .. } => {
            picture.clone()
        }
        _ => None,
    }
}

#[derive(Template)]
#[template(path = "history.html", config = "src/http/askama.toml")]
struct LanePage {
    f: Frame,
    lane: LaneId,
    card: String,
    nameless: Vec<String>,
    rows: String,
}

#[derive(Template)]
#[template(path = "history-rows.html", config = "src/http/askama.toml")]
struct Rows<'a> {
    f: &'a Frame,
    /// Each with its words and its picture.
    rows: Vec<(Row, String, Option<String>)>,
}

pub(super) async fn lane(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
    Path(lane): Path<String>,
) -> Result<Response, ApiError> {
    let known = LaneId::parse(&lane).ok_or(ApiError::NotFound)?;
    let board = console::look(&web).await?;
    let seen = board.lanes.iter().find(|seen| seen.lane.id == known).ok_or(ApiError::NotFound)?;
    let f = Frame::new(&web, l, &signed);
    let rows = history(&web, &f, &known).await?;
    let nameless = web.desk.read(console::nameless).await?;
    let page = LanePage { card: console::card(&f, seen, None)?, lane: known, nameless, rows, f };
    Ok(Html(page.render()?).into_response())
}

async fn history(web: &Web, f: &Frame, lane: &LaneId) -> Result<String, ApiError> {
    let rows = web.records.lane_history(lane.clone(), HISTORY_MAX).await?;
    let rows = rows.into_iter().map(|row| {
        let (words, picture) = (event(f.l, &row.change), picture_of(&row.change));
        (row, words, picture)
    });
    Ok(Rows { f, rows: rows.collect() }.render()?)
}

/// What moves on a lane's page.
pub(super) async fn lane_pieces(
    web: &Web,
    l: Lang,
    signed: &Signed,
    lane: &LaneId,
) -> Result<Vec<Piece>, ApiError> {
    let f = Frame::new(web, l, signed);
    let board = console::look(web).await?;
    let seen = board.lanes.iter().find(|seen| seen.lane.id == *lane).ok_or(ApiError::NotFound)?;
    let live = LaneCard { l, seen, zone: &f.zone, now: f.now }.render()?;
    let mut pieces = vec![(lanes::piece_id(lane), live)];
    pieces.push(("history".into(), history(web, &f, lane).await?));
    Ok(pieces)
}

/// One line of history in words.
fn event(l: Lang, change: &Change) -> String {
    match change {
        Change::ReadTaken { read, as_, .. } => {
            let plate = read.plate.as_ref().map_or(read.raw.as_str(), |plate| plate.full());
            let plate = if plate.is_empty() { l.say("无牌", "no plate") } else { plate };
            format!("{} {plate} · {}", l.say("识别", "Read"), taken(l, *as_))
        }
        Change::Lane(lane) => lane_line(l, lane),
        Change::OperatorActed { act, who, reason, .. } => {
            format!("{who}: {} · {reason}", words::act(l, *act))
        }
        Change::PlateGiven { plate, by, .. } => {
            format!("{} {} · {by}", l.say("录入车牌", "Plate typed"), plate.full())
        }
        Change::AlarmRaised(alarm) => {
            format!("{}: {}", l.say("报警", "Alarm"), alarms::words(l, alarm.kind).0)
        }
        Change::AlarmCleared { alarm, .. } => {
            format!("{}: {}", l.say("报警解除", "Alarm over"), alarms::words(l, *alarm).0)
        }
        Change::Order(order) => {
            format!(
                "{} {} {} · {}",
                l.say("订单", "Order"),
                order.id,
                order.amount,
                words::order_state(l, &order.state)
            )
        }
        Change::Stay(stay) => {
            format!(
                "{} {} · {}",
                l.say("停车记录", "Stay"),
                stay.id,
                words::stay_state(l, stay.state)
            )
        }
        Change::Payment(_)
        | Change::PaymentFiled { .. }
        | Change::Refund(_)
        | Change::Posting(_)
        | Change::WordUnplaced { .. }
        | Change::Gate(_)
        | Change::Ticket(_)
        | Change::Walked { .. }
        | Change::Pass(_)
        | Change::Listed(_)
        | Change::Reservation(_)
        | Change::Merchant(_)
        | Change::Validation(_)
        | Change::Arrears(_)
        | Change::Shift(_)
        | Change::Cash(_)
        | Change::Task(_)
        | Change::Zone(_)
        | Change::Spent(_)
        | Change::Crowd(_)
        | Change::Settled(_)
        | Change::Invoice(_)
        | Change::Slot(_)
        | Change::Closure(_)
        | Change::Sister(_)
        | Change::SisterAsk(_)
        | Change::CloudPass(_)
        | Change::Card(_)
        | Change::TicketActed(_)
        | Change::PassActed(_)
        | Change::RulesRead { .. } => change.kind().to_owned(),
        Change::TillActed { did, who, reason, amount, .. } => {
            format!("{who}: {} {amount} · {reason}", till_did(l, *did))
        }
        Change::Admission(admission) => words::admission_state(l, admission.state).to_owned(),
        Change::ScanRefused { why, .. } => words::not_admitted(l, *why),
    }
}

pub(super) fn till_did(l: Lang, did: TillDid) -> &'static str {
    match did {
        TillDid::FeeSet => l.say("改收", "Fee set to"),
        TillDid::EntryGiven => l.say("补录入场", "Entry given"),
        TillDid::Forgave => l.say("免除欠费", "Arrears forgiven"),
        TillDid::CashRefunded => l.say("退现金", "Cash given back"),
        TillDid::RefundAsked => l.say("申请退款", "Refund asked for"),
        TillDid::RefundApproved => l.say("复核同意退款", "Refund agreed to"),
        TillDid::RefundDenied => l.say("复核不同意退款", "Refund not agreed to"),
        TillDid::PaymentAsked => l.say("人工查询付款", "Payment asked about"),
        TillDid::PaymentClosed => l.say("人工撤销付款", "Payment closed"),
        TillDid::MerchantPaid => l.say("商户付款", "A merchant paid"),
        TillDid::PortalPaid => l.say("银行后台已付款", "Paid, by the bank's portal"),
        TillDid::PortalUnpaid => l.say("银行后台未付款", "Not paid, by the bank's portal"),
        TillDid::PortalRefunded => l.say("已在银行后台退款", "Given back in the bank's portal"),
        TillDid::StayEnded => l.say("车已离场，结束停车记录", "Stay ended: its vehicle is gone"),
        TillDid::AgreementEnded => l.say("解除免密协议", "Agreement ended"),
    }
}

fn lane_line(l: Lang, lane: &Lane) -> String {
    let mut line = words::phase(l, lane.phase).to_owned();
    let visit = lane.visit.as_ref();
    if let Some(plate) = visit.and_then(|visit| visit.plate.as_ref()) {
        line = format!("{line} · {}", plate.full());
    }
    if let Some(cause) = visit.and_then(|visit| visit.cause.as_ref()) {
        line = format!("{line} · {}", words::cause(l, cause));
    }
    line
}

fn taken(l: Lang, taken: Taken) -> &'static str {
    match taken {
        Taken::Served => l.say("已处理", "served"),
        Taken::Queued => l.say("排队等候", "waits behind another"),
        Taken::Again => l.say("同一辆车", "the same vehicle again"),
        Taken::Echo => l.say("刚通过的车", "the one that just passed"),
        Taken::Replay => l.say("摄像机补传，不抬杆", "kept while offline, opens nothing"),
        Taken::OtherWay => l.say("对向摄像机，不抬杆", "by the other way's camera, opens nothing"),
        Taken::Refused => l.say("车道锁定，未处理", "refused: the lane is locked"),
    }
}

// ---- pictures ------------------------------------------------------------------------------------

pub(super) async fn picture(
    State(web): State<Shared>,
    _signed: Signed,
    Path(name): Path<String>,
) -> Result<Response, ApiError> {
    kept_picture(&web, name).await
}

pub(super) async fn kept_picture(web: &Web, name: String) -> Result<Response, ApiError> {
    if !ports::is_picture_name(&name) {
        return Err(ApiError::NotFound);
    }
    let picture = web.pictures.open(name).await.ok_or(ApiError::NotFound)?;
    let kept = "private, max-age=3600";
    let headers = [(header::CONTENT_TYPE, picture.mime), (header::CACHE_CONTROL, kept)];
    Ok((headers, picture.bytes).into_response())
}
