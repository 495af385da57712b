//! Why tickets are not sold or changed, in words a visitor or an agent understands. Knows no page.

use super::words::Lang;
use crate::core::selling::{NoChange, NoSale};

pub(super) fn no_sale(l: Lang, no: &NoSale) -> String {
    let zh = match no {
        NoSale::OrderUnfit => "订单须有 1 到 64 字的编号，1 到 20 行".to_owned(),
        NoSale::NoShop => "本站不售票".to_owned(),
        NoSale::NoProduct(product) => format!("没有票种 {product}，或此处不售"),
        NoSale::NotThatDay(_) => "该票种当天不售，请另选日期".to_owned(),
        NoSale::NotNow(_) => "该票种还未开售，或已停售，请另选日期或时段".to_owned(),
        NoSale::SlotNeeded(_) => "请选择时段".to_owned(),
        NoSale::NoSlot(_) => "没有这个时段，请重新选择".to_owned(),
        NoSale::SlotFull { left: 0, .. } => "该时段已约满，请另选时段".to_owned(),
        NoSale::SlotFull { left, .. } => format!("该时段只剩 {left} 个名额"),
        NoSale::SlotClosed(_, why) => format!("该时段已停售：{why}"),
        NoSale::DayClosed(day, why) => format!("{day} 闭园：{why}"),
        NoSale::PersonsUnfit(_, min, max) if min == max => format!("该票种每张限 {min} 人"),
        NoSale::PersonsUnfit(_, min, max) => format!("该票种每张须 {min} 到 {max} 人"),
        NoSale::TooMany(most) => format!("每单最多 {most} 人（团体票除外）"),
        NoSale::NameNeeded(_) => "该票种须每张填写一位游客的姓名和证件号".to_owned(),
        NoSale::VisitorHasOne { most, .. } => format!("同一证件同一时段最多购 {most} 张"),
        NoSale::AddOnAlone(..) => "附加票须与所附的票同买，且不多于其人数".to_owned(),
        NoSale::NotOnAccount(_) => "该渠道不挂账，须付款".to_owned(),
    };
    match l {
        Lang::Zh => zh,
        Lang::En => sentence(&no.to_string()),
    }
}

pub(super) fn no_change(l: Lang, no: &NoChange) -> String {
    let zh = match no {
        NoChange::NotAlive(ticket) => format!("票 {ticket} 已失效、已退，或不在此售出"),
        NoChange::Used(ticket) => format!("票 {ticket} 已有人入园，不能更改"),
        NoChange::Changed(ticket) => format!("票 {ticket} 刚有变动，请重新查看"),
        NoChange::AgainstRules(ticket) => format!("按规定票 {ticket} 现在不能这样办理，可联系窗口"),
        NoChange::CashAtWindow => "现金购票请到窗口办理".to_owned(),
        NoChange::NotBought(order) => format!("查不到订单 {order} 的付款"),
        NoChange::MixedMove => "一次只能改签同一订单中票种和价格相同的票".to_owned(),
        NoChange::NothingOwed => "没有待退的现金".to_owned(),
        NoChange::NoSlot(_) => "没有这个时段".to_owned(),
        NoChange::PlacesTaken { sold } => format!("已售和待付共 {sold} 个名额，不能再少"),
        NoChange::DaysUnfit => "闭园日期须从今天起，先后有序，最多 60 天".to_owned(),
    };
    match l {
        Lang::Zh => zh,
        Lang::En => sentence(&no.to_string()),
    }
}

/// With a capital letter, as the other words of pages have.
fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
