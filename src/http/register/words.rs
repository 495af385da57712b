//! The words of the register's pages. Knows no page.

use crate::{
    core::{
        manage::Unfit,
        pass::{List, PassKind},
    },
    http::words::Lang,
    types::Money,
};

/// Why the register stays as it is, and what to write instead.
pub(in crate::http) fn unfit(l: Lang, unfit: &Unfit) -> String {
    let text = match unfit {
        Unfit::NoPass(id) => {
            return format!(
                "{} {id}",
                l.say("没有这张月卡，或已终止：", "No such pass, or it is over:")
            );
        }
        Unfit::NoListed(_) => l.say("名单里没有这一条", "That is off the list already"),
        Unfit::NoReservation(_) => {
            l.say("没有这个预约，或已结束", "No such reservation, or it is over")
        }
        Unfit::Name => l.say("名称须为 1 到 100 字", "A name has 1 to 100 characters"),
        Unfit::Plates => l.say("请填 1 到 20 个车牌，不可重复", "Give 1 to 20 plates, each once"),
        Unfit::Spaces => {
            l.say("车位数至少为 1，不多于车牌数", "Give at least one space and no more than plates")
        }
        Unfit::Period => l.say(
            "开始须早于结束，结束须在将来",
            "It must begin before it ends, and end in the future",
        ),
        Unfit::Hours => l.say("请选择星期和时段", "Give days of the week and times"),
        Unfit::Amount => l.say(
            "余额或次数不可为负，也不可过大",
            "A balance or count is not below zero, nor beyond reason",
        ),
        Unfit::NothingToTopUp => l.say("期限卡不能充值", "A pass for a time takes no payments in"),
        Unfit::NoZone(zone) => {
            return format!("{} {zone}", l.say("没有这个区域：", "There is no zone called"));
        }
        Unfit::NoTariff(name) => {
            return format!("{} {name}", l.say("没有这个收费标准：", "There is no tariff called"));
        }
        Unfit::OtherPass { plate, pass } => {
            return match l {
                Lang::Zh => format!("{} 同一时段已在月卡 {pass} 中", plate.full()),
                Lang::En => format!("{} is in pass {pass} for the same time", plate.full()),
            };
        }
        Unfit::ListedAlready(plate, _) => {
            return format!(
                "{} {}",
                plate.full(),
                l.say("已在该名单中", "is on that list already")
            );
        }
        Unfit::ReservedAlready(plate, id) => {
            return match l {
                Lang::Zh => format!("{} 同一时段已有预约 {id}", plate.full()),
                Lang::En => format!("{} has reservation {id} for the same time", plate.full()),
            };
        }
        Unfit::NoPrice(_) => l.say("没有这种卡出售", "No such pass is sold here"),
        Unfit::OtherPrice(_) => {
            l.say("该价目不适用于这张卡", "This price is for another kind of pass")
        }
        Unfit::KindStays => l.say(
            "卡的类型不能更改，请终止后另办",
            "A pass stays of its kind: end it and add another",
        ),
        Unfit::Tier => l.say(
            "会员等级须为 1 到 40 字，会员名单必须填写",
            "A tier has 1 to 40 characters; the list of members needs one",
        ),
        Unfit::MoneyLeft(left) => {
            return format!(
                "{} {left}",
                l.say("卡内尚有余额，请选择退还或不退：", "Say what becomes of what is left:")
            );
        }
        Unfit::EndThePass => l.say(
            "这是办卡的款项，请在终止该卡时退还",
            "It was paid for a pass: it goes back when the pass is ended",
        ),
        Unfit::PlateUnknown(plate) => {
            return format!("{} {}", plate.full(), l.say("不在任何月卡中", "is in no pass"));
        }
    };
    text.to_owned()
}

pub(super) fn list(l: Lang, list: List) -> &'static str {
    match list {
        List::Black => l.say("黑名单", "Black list"),
        List::White => l.say("白名单", "White list"),
        List::Vip => l.say("贵宾", "VIP"),
        List::Emergency => l.say("应急车辆", "Emergency"),
        List::ByHand => l.say("不自动扣费", "Never charged by the plate"),
        List::Member => l.say("会员", "Member"),
    }
}

/// What kind of pass, and what is left of it.
pub(in crate::http) fn kind(l: Lang, kind: PassKind, money: impl Fn(i64) -> Money) -> String {
    match kind {
        PassKind::Season => l.say("期限卡", "Season").to_owned(),
        PassKind::Stored { balance_minor } => {
            format!("{} {}", l.say("储值卡，余额", "Stored value, left:"), money(balance_minor))
        }
        PassKind::Count { left } => format!("{} {left}", l.say("次卡，剩余次数", "Stays, left:")),
    }
}
