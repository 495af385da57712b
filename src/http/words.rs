//! The words of the pages in Chinese and English, side by side. Knows no page.

mod money;
mod refused;

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, header, request::Parts},
};
use jiff::tz::TimeZone;

pub(super) use self::{
    money::{channel, way},
    refused::not_admitted,
};
use crate::core::{
    Refusal,
    cloud::CloudState,
    gate,
    lane::{Cause, Help, OperatorAct, Phase, Reject, Why},
    money::{OrderState, PaidBy, PaymentState, RefundState, RefundWhy},
    selling::TicketDid,
    stay::StayState,
    tariff::{Language, QuoteLine},
    ticket::AdmissionState,
};

/// What an alarm is about that is no lane: a device by its id, a part of the site by its name.
pub(super) fn subject(l: Lang, subject: &str) -> String {
    match subject {
        "settlement" => l.say("对账", "Settlement").to_owned(),
        other => other.to_owned(),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lang {
    Zh,
    En,
}

impl Lang {
    /// The text for this language.
    pub(super) fn say(self, zh: &'static str, en: &'static str) -> &'static str {
        match self {
            Self::Zh => zh,
            Self::En => en,
        }
    }

    /// For the `lang` attribute.
    pub(super) fn code(self) -> &'static str {
        self.say("zh-CN", "en")
    }

    pub(super) fn is_zh(self) -> bool {
        self == Self::Zh
    }

    /// Its place where something is kept for each language.
    pub(super) fn index(self) -> usize {
        usize::from(!self.is_zh())
    }

    /// As tariffs call it.
    pub(super) fn language(self) -> Language {
        match self {
            Self::Zh => Language::Chinese,
            Self::En => Language::English,
        }
    }

    fn from_code(code: &str) -> Option<Self> {
        match code.split('-').next()?.trim().to_ascii_lowercase().as_str() {
            "zh" => Some(Self::Zh),
            "en" => Some(Self::En),
            _ => None,
        }
    }

    /// `?lang=`, else the cookie, else `Accept-Language` in its order, else Chinese.
    pub(super) fn of(query: Option<&str>, headers: &HeaderMap) -> Self {
        let kept = || cookie(headers, "lang").and_then(Self::from_code);
        let accepted = || {
            let text = headers.get(header::ACCEPT_LANGUAGE)?.to_str().ok()?;
            text.split(',').find_map(|part| Self::from_code(part.split(';').next()?))
        };
        Self::chosen(query).or_else(kept).or_else(accepted).unwrap_or(Self::Zh)
    }

    /// What `?lang=` says.
    pub(super) fn chosen(query: Option<&str>) -> Option<Self> {
        query?.split('&').find_map(|pair| pair.strip_prefix("lang=")).and_then(Self::from_code)
    }

    /// How long something lasts, such as `2 小时 5 分` or `2 h 5 min`.
    pub(super) fn duration(self, seconds: i64) -> String {
        let minutes = seconds.max(0) / 60;
        let (days, hours, minutes) = (minutes / 1_440, minutes / 60 % 24, minutes % 60);
        match (self, days, hours) {
            (Self::Zh, 0, 0) if minutes == 0 => "不到 1 分钟".to_owned(),
            (Self::En, 0, 0) if minutes == 0 => "under 1 min".to_owned(),
            (Self::Zh, 0, 0) => format!("{minutes} 分钟"),
            (Self::Zh, 0, _) => format!("{hours} 小时 {minutes} 分"),
            (Self::Zh, ..) => format!("{days} 天 {hours} 小时 {minutes} 分"),
            (Self::En, 0, 0) => format!("{minutes} min"),
            (Self::En, 0, _) => format!("{hours} h {minutes} min"),
            (Self::En, ..) => format!("{days} d {hours} h {minutes} min"),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Lang {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self::of(parts.uri.query(), &parts.headers))
    }
}

/// The value of a cookie.
pub(super) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('='))
}

pub(super) fn phase(l: Lang, phase: Phase) -> &'static str {
    match phase {
        Phase::Idle => l.say("空闲", "Free"),
        Phase::VehiclePresent => l.say("来车，等待识别", "Vehicle there, not read yet"),
        Phase::Deciding => l.say("核对中", "Deciding"),
        Phase::AwaitingPayment => l.say("等待付款", "Waiting for payment"),
        Phase::Opening => l.say("正在抬杆", "Opening"),
        Phase::Open => l.say("已抬杆", "Open"),
        Phase::Passing => l.say("车辆通过中", "Vehicle passing"),
        Phase::Closing => l.say("正在落杆", "Closing"),
        Phase::HeldOpen => l.say("常开", "Held open"),
        Phase::Locked => l.say("已锁定", "Locked"),
        Phase::Faulty => l.say("故障：杆位未知", "Fault: arm position unknown"),
    }
}

pub(super) fn act(l: Lang, act: OperatorAct) -> &'static str {
    match act {
        OperatorAct::Open => l.say("抬杆", "Open"),
        OperatorAct::Close => l.say("落杆", "Close"),
        OperatorAct::Hold => l.say("常开", "Hold open"),
        OperatorAct::Release => l.say("取消常开", "Release"),
        OperatorAct::Lock => l.say("锁定", "Lock"),
        OperatorAct::Unlock => l.say("解锁", "Unlock"),
        OperatorAct::Turn => l.say("换向", "Turn"),
    }
}

pub(super) fn help(l: Lang, help: Help) -> &'static str {
    match help {
        Help::NoPlate => l.say("没有识别到车牌，请录入", "No plate was read: type it"),
        Help::Arrears => l.say("有欠费未缴", "Earlier stays were not paid"),
        Help::Fire => l.say("火警：入口不放行", "Fire alarm: nobody drives in"),
        Help::Black => l.say("黑名单车辆，不予放行", "On the black list: not let in"),
        Help::Full => l.say("车位已满，等待空位", "Full: it waits for a space"),
        Help::PassEnded => l.say("月卡已过期", "The pass has ended"),
        Help::PassUsedUp => l.say(
            "月卡车位已占满，或次数、余额已用完",
            "The pass's spaces are taken, or it is used up",
        ),
        Help::WrongZone => l.say("月卡不适用于此区域", "The pass is for another zone"),
        Help::OutOfHours => l.say("不在月卡允许的时段", "The pass is not for these hours"),
        Help::WrongLane => l.say("此车道不供该类车辆使用", "This lane is not for this vehicle"),
        Help::TypedPlate => l.say(
            "车主手输的车牌属于登记车辆，请核实",
            "The driver typed the plate of a registered vehicle: check it",
        ),
        Help::AlreadyInside => {
            l.say("该月卡车辆已在场内，请核实", "This pass is inside already: check it")
        }
        Help::NotInside => {
            l.say("该月卡车辆已离场，请核实", "This pass has left already: check it")
        }
        Help::Twice => {
            l.say("该车牌已在场内，请核对", "This plate is inside already: look at the vehicle")
        }
        Help::NoTariff => l.say("没有适用的收费标准", "No tariff prices this stay"),
        Help::NoStay => {
            l.say("没有入场记录，请核对车牌", "No entry on record for this plate: check it")
        }
    }
}

/// Why a vehicle is not let pass, in words for its driver.
pub(super) fn denied(l: Lang, why: Help) -> &'static str {
    match why {
        Help::Full => l.say("车位已满，请稍候", "Full: please wait"),
        Help::PassEnded => l.say("月卡已过期", "Your pass has ended"),
        Help::PassUsedUp => l.say("月卡车位已占满或已用完", "Your pass is used up"),
        Help::WrongZone => l.say("月卡不适用于此区域", "Your pass is for another zone"),
        Help::OutOfHours => l.say("不在月卡允许的时段", "Your pass is not for these hours"),
        Help::WrongLane => l.say("请使用其他车道", "Please use another lane"),
        _ => l.say("请等待工作人员", "Please wait for the attendant"),
    }
}

/// What a lane waits for.
pub(super) fn waits(l: Lang, why: Why) -> &'static str {
    match why {
        Why::Unread => l.say("等待摄像机识别", "the camera to read the plate"),
        Why::Waiting => l.say("等待车主", "the driver"),
        Why::Vacated => l.say("确认车辆是否已退出", "whether the vehicle backed out"),
        Why::NotOpen => l.say("等待抬杆到位", "the arm to be up"),
        Why::Unused => l.say("等待车辆通过", "the vehicle to drive"),
        Why::Stuck => l.say("等待车辆离开地感", "the vehicle to leave the loop"),
        Why::NotHeld => l.say("等待消防常开", "the arm to stay open for the fire"),
        Why::NotClosed => l.say("等待落杆到位", "the arm to be down"),
        Why::Returned => l.say("确认回到地感的是哪辆车", "who came back onto the loop"),
        Why::Queued => l.say("等待后车驶到杆前", "the vehicle behind to come up"),
    }
}

pub(super) fn cause(l: Lang, cause: &Cause) -> String {
    match cause {
        Cause::Entry => l.say("入场放行", "entry").into(),
        Cause::Free => l.say("无需付费", "nothing owed").into(),
        Cause::Paid { order } => format!("{} {order}", l.say("已付，订单", "paid, order")),
        Cause::Key => l.say("钥匙开闸", "opened by key").into(),
        Cause::Fire => l.say("火警放行", "fire alarm").into(),
        Cause::PayLater { order } => {
            format!("{} {order}", l.say("先离后付，订单", "leaves first, pays later, order"))
        }
        Cause::Charged { order } => {
            format!("{} {order}", l.say("自动扣费，订单", "by the card bound to the plate, order"))
        }
        Cause::Emergency => {
            l.say("为后方应急车辆让行", "an emergency vehicle waits behind it").into()
        }
        Cause::Operator { who, reason } => format!("{who}: {reason}"),
    }
}

pub(super) fn order_state(l: Lang, state: &OrderState) -> String {
    match state {
        OrderState::Due => l.say("待付", "Due").into(),
        OrderState::Paid { by: PaidBy::Cash(_), .. } => l.say("已付现金", "Paid in cash").into(),
        OrderState::Paid { by: PaidBy::Counter, .. } => l.say("已挂账", "On account").into(),
        OrderState::Paid { .. } => l.say("已付", "Paid").into(),
        OrderState::Waived { who, reason } => {
            format!("{} ({who}: {reason})", l.say("免收", "Waived"))
        }
        OrderState::Void => l.say("已作废", "Void").into(),
        OrderState::Unpaid => l.say("未付离场", "Left unpaid").into(),
    }
}

pub(super) fn payment_state(l: Lang, state: &PaymentState) -> String {
    match state {
        PaymentState::Pending => l.say("等待银行结果", "Undecided").into(),
        PaymentState::Reversing => l.say("撤销中，结果未定", "Being reversed, undecided").into(),
        PaymentState::Paid { .. } => l.say("已付", "Paid").into(),
        PaymentState::Failed { .. } => l.say("失败", "Failed").into(),
        PaymentState::Reversed => l.say("已撤销", "Reversed").into(),
        PaymentState::Disputed { bank } => {
            format!("{} {bank}", l.say("金额不符，银行称", "Amount differs; the bank says"))
        }
    }
}

pub(super) fn refund_state(l: Lang, state: RefundState) -> &'static str {
    match state {
        RefundState::Waiting => l.say("等待他人复核", "Waits for a second person"),
        RefundState::Pending => l.say("退款中", "Pending"),
        RefundState::Done => l.say("已退", "Done"),
        RefundState::Refused => l.say("银行拒绝，需人工处理", "Refused by the bank: look into it"),
        RefundState::Denied => l.say("复核未通过", "The second person did not agree"),
    }
}

pub(super) fn refund_why(l: Lang, why: &RefundWhy) -> String {
    match why {
        RefundWhy::PaidTwice => l.say("重复付款", "paid twice").to_owned(),
        RefundWhy::NothingOwed => l.say("无需付费", "nothing owed").to_owned(),
        RefundWhy::Asked { who, reason } => format!("{who}: {reason}"),
    }
}

pub(super) fn ticket_did(l: Lang, did: TicketDid) -> &'static str {
    match did {
        TicketDid::Printed => l.say("打印", "printed"),
        TicketDid::Reprinted => l.say("补打", "printed again"),
        TicketDid::Returned => l.say("退票", "returned"),
        TicketDid::Moved => l.say("改期", "moved"),
        TicketDid::Renamed => l.say("改名", "given another name"),
        TicketDid::NameShown => l.say("查看姓名", "name read"),
    }
}

pub(super) fn stay_state(l: Lang, state: StayState) -> &'static str {
    match state {
        StayState::Entering => l.say("入场中", "Entering"),
        StayState::Inside => l.say("在场", "Inside"),
        StayState::Left => l.say("已离场", "Left"),
        StayState::Abandoned => l.say("入口退出", "Backed out at the entry"),
        StayState::Superseded => l.say("未见离场而结束", "Over without an exit"),
    }
}

/// A line of a fee in words.
pub(super) fn quote_line(l: Lang, line: &QuoteLine, zone: &TimeZone) -> String {
    line.explain(l.language(), zone)
}

/// Why nothing was done, in words an operator or driver understands.
pub(super) fn refusal(l: Lang, refusal: &Refusal) -> String {
    let text = match refusal {
        Refusal::NoLane(_) => l.say("没有这个车道", "There is no such lane"),
        Refusal::Lane(_, reject) => reject_words(l, *reject),
        Refusal::NoReason => l.say(
            "请填写原因：会连同您的姓名一起记录",
            "Give a reason: it goes on record with your name",
        ),
        Refusal::NotDue(_) => l.say("该订单已不需付款", "This order is not waiting to be paid"),
        Refusal::NobodyThere(_) => {
            l.say("车道上没有等待处理的车辆", "No vehicle waits for a plate in this lane")
        }
        Refusal::NotAdmitted(_, why) => return not_admitted(l, *why),
        Refusal::NoTicket(_) => l.say("没有这张票，或已失效", "No such ticket, or it is over"),
        Refusal::TicketUnfit => l.say(
            "人数须为 1 到 1000，有效期须未过",
            "A ticket is for 1 to 1000 persons and a time that is not over",
        ),
        Refusal::TicketDiffers(_) => {
            l.say("此码已登记为另一张票", "This code is registered already, as another ticket")
        }
        Refusal::NoAdmission(_) => {
            l.say("这次通行无需人工认定", "This admission waits for nobody's decision")
        }
        Refusal::PlateThere(_) => {
            l.say("此处没有等待登记的无牌车", "No vehicle without a plate waits here")
        }
        Refusal::PhoneInside => {
            l.say("这部手机已登记了一辆场内车辆", "This phone has a vehicle inside already")
        }
        Refusal::PhoneUnknown => l.say(
            "没有用这部手机登记的场内车辆，请联系岗亭",
            "No vehicle came in with this phone: ask at the booth",
        ),
        Refusal::Unfit(unfit) => return super::register::unfit(l, unfit),
        Refusal::NoSale(no) => return super::sale_words::no_sale(l, no),
        Refusal::NoChange(no) => return super::sale_words::no_change(l, no),
        Refusal::LimitReached(..)
        | Refusal::NotPaid(_)
        | Refusal::RefundTooMuch(_)
        | Refusal::WholeOnly(_)
        | Refusal::SamePerson
        | Refusal::Decided(_)
        | Refusal::MayCollect(..)
        | Refusal::SaleUnfit
        | Refusal::SaleDiffers(_) => return super::payments::refusal(l, refusal),
        Refusal::NoInvoice(why) => super::invoices::why_not(l, *why),
        Refusal::Fire => l.say(
            "火警期间出口保持常开",
            "There is a fire: ways out stay open until the contact is off",
        ),
        Refusal::SecondNeeded(above) => {
            return format!(
                "{} {above}",
                l.say("须由另一人同意，金额超过", "A second person has to agree above")
            );
        }
        Refusal::NoStay(_) => l.say("该车已离场", "That vehicle has left already"),
        Refusal::PlateUnfit(_) => l.say(
            "场内没有这样的车牌；只能更正一个字符",
            "No vehicle inside has that plate; one character can be corrected",
        ),
        Refusal::TriesSpent(_) => {
            l.say("尝试次数过多，请等待管理员", "Too many tries: please wait for the operator")
        }
        Refusal::OperatorAsked(_) => {
            l.say("已请管理员核对，请稍候", "An operator has been asked to confirm; please wait")
        }
        Refusal::NoTask(_) => l.say(
            "此任务已处理，请刷新列表",
            "This task is settled already; look at the list again",
        ),
        Refusal::CardTaken(_) => l.say(
            "此卡已绑定其他票，请先解绑",
            "This card stands for another ticket: unbind it there first",
        ),
        Refusal::CardsFull(_) => {
            l.say("此票每人已有一张卡", "The ticket has a card for each of its persons")
        }
        Refusal::NoCard => l.say("此卡未绑定任何票", "This card stands for no ticket"),
        Refusal::NoSister(_) => l.say(
            "没有这台主机：请在配置文件 [[sister]] 中填写",
            "There is no such daemon: name it in the site file under [[sister]]",
        ),
        Refusal::ElsewhereSold(_) => l.say(
            "此票由另一台主机售出，请在那里办理",
            "Another daemon of this site sold this ticket: change it there",
        ),
        Refusal::NoZone(_) => l.say("没有这个区域", "There is no such zone"),
        Refusal::CountUnfit { .. } => {
            l.say("数字过大，请重新清点", "So many cannot be in there; count again")
        }
        Refusal::NoBooth(_)
        | Refusal::BoothOpen(_)
        | Refusal::ShiftOpen(_)
        | Refusal::NoShift
        | Refusal::AmountUnfit
        | Refusal::NotEnough(_)
        | Refusal::RefundedBefore(_)
        | Refusal::NoArrears(_)
        | Refusal::EntryKnown(_)
        | Refusal::StandsThere(_)
        | Refusal::NoLostFee
        | Refusal::NotInside
        | Refusal::NoMerchant(_)
        | Refusal::MerchantUnfit
        | Refusal::NoOffer(_)
        | Refusal::BudgetSpent
        | Refusal::ValidationsFull
        | Refusal::NoValidation(_) => return till_refusal(l, refusal),
        Refusal::OldCommand => l.say("指令已过期", "That command is over"),
        Refusal::NoPayment(_) | Refusal::NoRefund(_) | Refusal::WordUnfit(_) => {
            l.say("没有这笔交易", "There is no such payment")
        }
    };
    text.to_owned()
}

/// Why nothing was done with money.
fn till_refusal(l: Lang, refusal: &Refusal) -> String {
    let text = match refusal {
        Refusal::NoBooth(_) => l.say("没有这个岗亭", "There is no such booth"),
        Refusal::BoothOpen(_) => {
            l.say("该岗亭尚未交班，请先接班", "The booth has an open shift: take it over")
        }
        Refusal::ShiftOpen(_) => {
            l.say("您还有未交的班，请先交班", "You have an open shift: end it first")
        }
        Refusal::NoShift => {
            l.say("收付现金须先开班", "Cash moves in an open shift only: open one first")
        }
        Refusal::AmountUnfit => l.say("金额或时间不合适", "The amount or time does not fit"),
        Refusal::NotEnough(owed) => {
            return format!("{} {owed}", l.say("不足，应收", "Too little; owed:"));
        }
        Refusal::RefundedBefore(_) => l.say("这笔现金已退过", "This cash was given back already"),
        Refusal::NoArrears(_) => {
            l.say("没有这笔欠费，或已结清", "No such arrears, or they are over")
        }
        Refusal::EntryKnown(_) => l.say("该车已有入场记录", "This vehicle is on record as inside"),
        Refusal::StandsThere(_) => {
            l.say("该车正在车道上，并未离场", "Its vehicle stands in a lane: it has not left")
        }
        Refusal::NoLostFee => l.say(
            "收费标准没有遗失费用，请填写入场时间",
            "The tariff has no fee for a lost entry: give the time it came in",
        ),
        Refusal::NotInside => l.say("场内没有这个车牌", "No vehicle with this plate is inside"),
        Refusal::NoMerchant(_) => l.say("没有该商户，或已停用", "No such merchant, or suspended"),
        Refusal::MerchantUnfit => l.say(
            "商户须有名称；优惠名称不能重复，数值须为正",
            "A merchant has a name; offers have different names and sound values",
        ),
        Refusal::NoOffer(_) => l.say("没有这项优惠", "There is no such offer"),
        Refusal::BudgetSpent => l.say("本月额度已用完", "The budget of this month is spent"),
        Refusal::ValidationsFull => {
            l.say("该车优惠次数已达上限", "This stay has as many validations as it may have")
        }
        _ => l.say("该优惠已使用或已撤销", "It was used or taken back already"),
    };
    text.to_owned()
}

pub(super) fn gate_phase(l: Lang, phase: gate::Phase) -> &'static str {
    match phase {
        gate::Phase::Idle => l.say("空闲", "Free"),
        gate::Phase::Granted => l.say("已放行，等待通过", "Open for one person"),
        gate::Phase::Passing => l.say("有人通过中", "Somebody is passing"),
        gate::Phase::Closing => l.say("正在关闭", "Closing"),
        gate::Phase::HeldFree => l.say("自由通行", "Held free"),
        gate::Phase::Locked => l.say("已锁定", "Locked"),
        gate::Phase::Faulty => l.say("故障：闸机没有响应", "Fault: the turnstile is not heard"),
    }
}

/// How a ticket of a cloud stands.
pub(super) fn cloud_state(l: Lang, state: CloudState) -> &'static str {
    match state {
        CloudState::Looking | CloudState::Checking => l.say("正在核对", "being checked"),
        CloudState::Good => l.say("有效，未通过", "good, nobody went yet"),
        CloudState::Unchecked => l.say("未核对，未通过", "unchecked, nobody went yet"),
        CloudState::Late => l.say("已通过，待核对", "went, to be checked"),
        CloudState::WritingOff => l.say("已通过，待核销", "went, to be written off"),
        CloudState::Done => l.say("已核销", "written off"),
        CloudState::No => l.say("未放行", "nobody was let in"),
        CloudState::Refused => l.say("已放行，平台拒绝核销", "let in, and the platform says no"),
    }
}

pub(super) fn admission_state(l: Lang, state: AdmissionState) -> &'static str {
    match state {
        AdmissionState::Granted => l.say("已放行", "Let in"),
        AdmissionState::Used => l.say("已通过", "Went"),
        AdmissionState::GivenBack => l.say("未通过，已退回", "Did not go, given back"),
        AdmissionState::Unsure => l.say("不确定是否通过", "Nobody knows"),
    }
}

fn reject_words(l: Lang, reject: Reject) -> &'static str {
    match reject {
        Reject::NoVehicle => l.say("车道上没有车辆", "No vehicle stands in the lane"),
        Reject::AlreadyOpen => l.say("杆已经抬起", "The arm is up already"),
        Reject::AlreadyClosed => l.say("杆已经落下", "The arm is down already"),
        Reject::LaneLocked => l.say("车道已锁定，请先解锁", "The lane is locked: unlock it first"),
        Reject::LaneHeld => {
            l.say("车道常开中，请先取消常开", "The lane is held open: release it first")
        }
        Reject::NotHeld => l.say("车道不在常开状态", "The lane is not held open"),
        Reject::NotLocked => l.say("车道未锁定", "The lane is not locked"),
        Reject::LoopOccupied => {
            l.say("杆下有车，不能落杆", "Something stands under the arm: it will not be closed")
        }
        Reject::LoopUnknown => l.say(
            "地感状态未知，不能落杆：请先检查地感",
            "The loops are not heard: the arm will not be closed until they are",
        ),
        Reject::Passing => l.say("车辆正在通过", "A vehicle is passing"),
        Reject::SameVehicle => l.say("仍是同一辆车", "That is the same vehicle again"),
        Reject::Blind => {
            l.say("闸机没有响应，暂不能放行", "The turnstile is not heard: it will not be opened")
        }
        Reject::NotTidal => l.say("该车道方向固定", "This lane always leads the same way"),
        Reject::Occupied => l.say(
            "车道内有车，空闲后才能换向",
            "Somebody is in the lane: it turns once it is empty",
        ),
        Reject::NotWaited | Reject::Stale => {
            l.say("车道当前不需要此操作", "The lane does not wait for that now")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn language_by_query_then_cookie_then_header() {
        let mut headers = HeaderMap::new();
        assert_eq!(Lang::of(None, &headers), Lang::Zh);
        headers.insert(header::ACCEPT_LANGUAGE, "fr;q=0.9, en-GB, zh;q=0.1".parse().unwrap());
        assert_eq!(Lang::of(None, &headers), Lang::En);
        headers.insert(header::COOKIE, "a=b; lang=zh".parse().unwrap());
        assert_eq!(Lang::of(None, &headers), Lang::Zh);
        assert_eq!(Lang::of(Some("x=1&lang=en"), &headers), Lang::En);
        assert_eq!(Lang::of(Some("lang=<script>"), &headers), Lang::Zh);
    }

    #[test]
    fn durations_in_words() {
        assert_eq!(Lang::En.duration(59), "under 1 min");
        assert_eq!(Lang::En.duration(7_500), "2 h 5 min");
        assert_eq!(Lang::Zh.duration(90_061), "1 天 1 小时 1 分");
        assert_eq!(Lang::Zh.duration(-5), "不到 1 分钟");
    }
}
