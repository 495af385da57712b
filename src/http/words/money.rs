//! Banks' channels and ways of paying by the names people know them by. Knows no order.

use super::Lang;

/// A channel of a bank, as the site file calls it.
pub(in crate::http) fn channel(l: Lang, id: &str) -> String {
    match id {
        "icbc" => l.say("工商银行", "ICBC").to_owned(),
        "swiftpass" => l.say("兴E付", "Swiftpass").to_owned(),
        "wechat" => l.say("微信支付", "WeChat Pay").to_owned(),
        "alipay" => l.say("支付宝", "Alipay").to_owned(),
        other => other.to_owned(),
    }
}

/// How somebody paid.
pub(in crate::http) fn way(l: Lang, name: &str) -> String {
    match name {
        "cashier" => l.say("扫码", "Scan").to_owned(),
        "payer_code" => l.say("付款码", "Payer's code").to_owned(),
        "plate" => l.say("车牌付", "By plate").to_owned(),
        "cash" => l.say("现金", "Cash").to_owned(),
        "account" => l.say("挂账", "On account").to_owned(),
        "pass" => l.say("储值", "Stored value").to_owned(),
        other => other.to_owned(),
    }
}
