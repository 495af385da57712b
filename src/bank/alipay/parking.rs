//! Calls of Alipay's parking by the plate (停车代扣): what is asked and how the verified answers are judged. Knows no
//! signatures and no wire.
//!
//! ```text
//! entry   alipay.eco.mycar.parking.enterinfo.sync    says whether the plate may be charged, and numbers the stay
//! exit    alipay.eco.mycar.parking.agreement.query   asked again right before the charge
//! charge  alipay.eco.mycar.parking.order.pay         paid at once; order.sync puts it into the driver's list
//! query   alipay.trade.query                         reverse alipay.trade.cancel, refund alipay.trade.refund
//! gone    alipay.eco.mycar.parking.exitinfo.sync     however it was paid
//! ```

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    envelope::{Pairs, parse_time, time},
    settings::{AlipaySettings, Reverse},
};
use crate::{
    bank::{About, AgreementAsk, AgreementWord, Ask, Departure, Word, colour},
    types::{Currency, Money, Plate},
};

const PARKING: &str = "alipay.eco.mycar.parking.";

/// One call: its method and its business text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) method: String,
    pub(super) biz: String,
}

fn parking(call: &str, biz: &Value) -> Call {
    Call { method: format!("{PARKING}{call}"), biz: biz.to_string() }
}

fn trade(call: &str, biz: &Value) -> Call {
    Call { method: format!("alipay.trade.{call}"), biz: biz.to_string() }
}

fn set(of: &mut Value, name: &str, text: Option<&str>) {
    if let Some(text) = text.filter(|text| !text.is_empty()) {
        of[name] = text.into();
    }
}

/// Yuan with two places.
fn yuan(amount: Money) -> Result<String, String> {
    if amount.currency != Currency::Cny || amount.minor <= 0 {
        return Err(format!("{amount} is not an amount in yuan above zero"));
    }
    Ok(format!("{}.{:02}", amount.minor / 100, amount.minor % 100))
}

/// Yuan with at most two places, such as `12`, `12.5` and `12.50`: no sign, no space.
pub(super) fn parse_yuan(text: &str) -> Option<Money> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(part) || whole.len() > 12 || part.len() > 2 {
        return None;
    }
    let fen: i64 = format!("{part:0<2}").parse().ok()?;
    Some(Money::new(whole.parse::<i64>().ok()? * 100 + fen, Currency::Cny))
}

fn minutes(from: Timestamp, to: Timestamp) -> String {
    ((to.as_second() - from.as_second()).max(0) / 60).to_string()
}

// ---- entries, agreements, exits --------------------------------------------------------------------

/// What is asked of an agreement: an entry that Alipay does not know is told first, which says as much.
pub(super) fn agreement(settings: &AlipaySettings, ask: &AgreementAsk) -> Call {
    let plate_colour = colour::word(&ask.plate, ask.colour);
    if ask.known.is_some() {
        let biz = json!({
            "car_number": ask.plate.full(), "plate_color": plate_colour,
            "parking_id": settings.parking_id, "ver": settings.agreement_version,
        });
        return parking("agreement.query", &biz);
    }
    let biz = json!({
        "parking_id": settings.parking_id, "car_number": ask.plate.full(),
        "car_color": plate_colour, "in_time": time(ask.entered_at), "agreement_query": true,
        "free_minutes": settings.free_minutes, "out_serial_no": ask.stay_no,
    });
    parking("enterinfo.sync", &biz)
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Said {
    code: Option<String>,
    msg: Option<String>,
    sub_code: Option<String>,
    sub_msg: Option<String>,
    agreement_scene: Option<String>,
    serial_no: Option<String>,
    out_trade_no: Option<String>,
    trade_no: Option<String>,
    trade_status: Option<String>,
    total_fee: Option<String>,
    total_amount: Option<String>,
    gmt_payment: Option<String>,
    send_pay_date: Option<String>,
    user_id: Option<String>,
    retry_flag: Option<String>,
    out_request_no: Option<String>,
    refund_status: Option<String>,
    refund_amount: Option<String>,
}

impl Said {
    fn read(node: &str) -> Result<Self, String> {
        serde_json::from_str(node).map_err(|e| format!("Alipay's answer cannot be read: {e}"))
    }

    fn is_done(&self) -> bool {
        self.code.as_deref() == Some("10000")
    }

    /// Code and words of an answer that is no success.
    fn why(&self) -> String {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let (code, sub_code) = (text(&self.code), text(&self.sub_code));
        let why = format!("{code} {} {sub_code} {}", text(&self.msg), text(&self.sub_msg));
        why.chars().take(300).collect()
    }

    fn is_among(&self, codes: &[String]) -> bool {
        // 20000 says that nobody knows, whatever else stands beside it.
        let refused = matches!(self.code.as_deref(), Some("40001" | "40002" | "40004" | "40006"));
        refused && self.sub_code.as_ref().is_some_and(|code| codes.contains(code))
    }
}

/// Judges the verified answer to a question about an agreement.
pub(super) fn agreed(settings: &AlipaySettings, ask: &AgreementAsk, node: &str) -> AgreementWord {
    let said = match Said::read(node) {
        Ok(said) if said.is_done() => said,
        Ok(said) => return AgreementWord::Unknown { why: said.why() },
        Err(why) => return AgreementWord::Unknown { why },
    };
    let Some(scenes) = said.agreement_scene else {
        return AgreementWord::Unknown { why: "no agreement_scene".to_owned() };
    };
    let has = |scene: &str| scenes.split(',').any(|known| known.trim() == scene);
    let why = format!("agreement_scene {scenes}");
    if has("NSF_CHECK_FAILED") {
        AgreementWord::Paused { why }
    } else if has(&settings.pay_scene) {
        let named = said.serial_no.filter(|no| !no.is_empty());
        AgreementWord::Bound { agreement: ask.known.clone().or(named) }
    } else if has("NO_AGREEMENT_SCENE") || has("PLATE_PAY") || has("ETC_PAY") {
        AgreementWord::None { why }
    } else {
        AgreementWord::Unknown { why }
    }
}

/// A vehicle is gone.
pub(super) fn left(settings: &AlipaySettings, left: &Departure) -> Call {
    let mut biz = json!({
        "parking_id": settings.parking_id, "car_number": left.plate.full(),
        "car_color": colour::word(&left.plate, left.colour), "out_time": time(left.left_at),
        "out_serial_no": left.stay_no,
    });
    set(&mut biz, "serial_no", left.known.as_deref());
    set(&mut biz, "actual_amount", yuan(left.paid).ok().as_deref());
    parking("exitinfo.sync", &biz)
}

/// Whether a message that nothing depends on was taken.
pub(super) fn taken(node: &str) -> Result<(), String> {
    let said = Said::read(node)?;
    if said.is_done() { Ok(()) } else { Err(said.why()) }
}

// ---- money -----------------------------------------------------------------------------------------

/// The call of an ask; an error means that nothing may be sent.
pub(super) fn call(settings: &AlipaySettings, ask: &Ask) -> Result<Call, String> {
    let number = json!({"out_trade_no": ask.out_trade_no()});
    Ok(match ask {
        Ask::Charge { amount, subject, plate, agreement, entered_at, left_at, .. } => {
            let minutes = minutes(*entered_at, *left_at);
            let mut biz = json!({
                "car_number": plate.full(), "out_trade_no": ask.out_trade_no(),
                "subject": subject, "total_fee": yuan(*amount)?, "seller_id": settings.seller_id,
                "parking_id": settings.parking_id, "out_parking_id": settings.out_parking_id,
                "in_time": time(*entered_at), "out_time": time(*left_at), "in_duration": minutes,
                "billing_duration": minutes, "pay_scene": settings.pay_scene, "pay_version": "3.0",
                "is_advance": settings.is_advance, "after_pay_order": settings.after_pay_order,
            });
            set(&mut biz, "serial_no", agreement.as_deref());
            set(&mut biz, "agent_id", Some(&settings.agent_id));
            parking("order.pay", &biz)
        }
        Ask::Query { .. } => trade("query", &number),
        Ask::Reverse { .. } if settings.reverse == Reverse::Query => trade("query", &number),
        Ask::Reverse { .. } => trade("cancel", &number),
        Ask::Refund { refund_no, amount, .. } => {
            let biz = json!({
                "out_trade_no": ask.out_trade_no(), "out_request_no": refund_no,
                "refund_amount": yuan(*amount)?,
            });
            trade("refund", &biz)
        }
        Ask::RefundQuery { refund_no, .. } => {
            let biz = json!({"out_trade_no": ask.out_trade_no(), "out_request_no": refund_no});
            trade("fastpay.refund.query", &biz)
        }
        Ask::Generate { .. } | Ask::Collect { .. } => {
            return Err(format!("this channel cannot {}; it charges by the plate", ask.name()));
        }
    })
}

fn unknown(why: String) -> Word {
    Word::Unknown { why }
}

/// Judges a verified answer.
pub(super) fn word(settings: &AlipaySettings, ask: &Ask, node: &str) -> Word {
    let said = match Said::read(node) {
        Ok(said) => said,
        Err(why) => return unknown(why),
    };
    if !said.is_done() {
        return refused(settings, ask, &said);
    }
    let names = said.out_trade_no.as_deref() == Some(ask.out_trade_no());
    if !names && !matches!(ask, Ask::RefundQuery { .. }) {
        return unknown("Alipay's answer does not name this payment".to_owned());
    }
    match ask {
        Ask::Charge { .. } => charged(settings, said),
        Ask::Reverse { .. } if settings.reverse == Reverse::Cancel => {
            match said.retry_flag.as_deref() {
                Some("N") => Word::Reversed,
                Some("Y") => Word::Reversing,
                flag => unknown(format!("retry_flag {flag:?}")),
            }
        }
        Ask::Query { .. } | Ask::Reverse { .. } => standing(said),
        // Its amount is of all refunds so far, so each is asked about by its own number.
        Ask::Refund { .. } => Word::Refunding,
        Ask::RefundQuery { refund_no, amount, .. } => refund(refund_no, *amount, &said),
        Ask::Generate { .. } | Ask::Collect { .. } => unknown("nothing was asked".to_owned()),
    }
}

fn refused(settings: &AlipaySettings, ask: &Ask, said: &Said) -> Word {
    let sub_code = || said.sub_code.clone().unwrap_or_default();
    match ask {
        Ask::Reverse { .. } if said.is_among(&settings.no_order_codes) => Word::Reversed,
        Ask::Query { .. } if said.is_among(&settings.no_order_codes) => {
            Word::NoOrder { why: said.why() }
        }
        Ask::Charge { .. } | Ask::Refund { .. } if said.is_among(&settings.final_refusal_codes) => {
            Word::Refused { code: sub_code(), why: said.why() }
        }
        _ => unknown(said.why()),
    }
}

fn charged(settings: &AlipaySettings, said: Said) -> Word {
    let amount = said.total_fee.as_deref().and_then(parse_yuan);
    match (amount, said.gmt_payment.as_deref().filter(|time| !time.is_empty())) {
        (Some(amount), Some(paid_at)) => Word::Paid {
            amount,
            bank_no: said.trade_no.unwrap_or_default(),
            paid_at: parse_time(paid_at),
            payer: None,
        },
        (_, None) if settings.after_pay_order => Word::Accepted,
        (amount, paid_at) => unknown(format!("charged {amount:?} at {paid_at:?}")),
    }
}

fn standing(said: Said) -> Word {
    let paid_at = said.send_pay_date.as_deref().filter(|time| !time.is_empty());
    match said.trade_status.as_deref() {
        Some("WAIT_BUYER_PAY") => Word::Paying,
        Some("TRADE_SUCCESS" | "TRADE_FINISHED") => {
            match said.total_amount.as_deref().and_then(parse_yuan) {
                Some(amount) => Word::Paid {
                    amount,
                    paid_at: paid_at.and_then(parse_time),
                    bank_no: said.trade_no.unwrap_or_default(),
                    payer: None,
                },
                None => unknown(format!("paid, and the amount is {:?}", said.total_amount)),
            }
        }
        // Closed unpaid, or given back in full after it was paid.
        Some("TRADE_CLOSED") if paid_at.is_some() => Word::Refunded,
        Some("TRADE_CLOSED") => Word::Reversed,
        status => unknown(format!("trade_status {status:?}")),
    }
}

fn refund(refund_no: &str, amount: Money, said: &Said) -> Word {
    if said.out_request_no.as_deref().is_some_and(|theirs| theirs != refund_no) {
        return unknown("Alipay's answer names another refund".to_owned());
    }
    match (said.refund_status.as_deref(), said.refund_amount.as_deref().and_then(parse_yuan)) {
        (Some("REFUND_SUCCESS"), Some(stated)) if stated == amount => Word::RefundDone { amount },
        (status, stated) => unknown(format!("refund_status {status:?} of {stated:?}")),
    }
}

/// Who paid a charge and how the driver's list of orders hears of it; `None`: not by this answer.
pub(super) fn order_sync(settings: &AlipaySettings, ask: &Ask, node: &str) -> Option<Call> {
    let Ask::Charge {
        out_trade_no, amount, plate, agreement, entered_at, left_at, asked_at, ..
    } = ask
    else {
        return None;
    };
    let said = Said::read(node).ok()?;
    let (user, order_no, paid_at) = (said.user_id?, said.trade_no?, said.gmt_payment?);
    let mut biz = json!({
        "user_id": user, "out_parking_id": settings.out_parking_id,
        "parking_name": settings.parking_name, "car_number": plate.full(),
        "out_order_no": out_trade_no, "order_status": "0", "order_time": time(*asked_at),
        "order_no": order_no, "pay_time": paid_at, "pay_type": "1",
        "pay_money": yuan(*amount).ok()?, "in_time": time(*entered_at),
        "out_time": time(*left_at), "in_duration": minutes(*entered_at, *left_at),
        "parking_id": settings.parking_id, "card_number": "*", "pay_scene": "ENTRANCE_EXIT_PAY",
    });
    set(&mut biz, "parking_record_id", agreement.as_deref());
    Some(parking("order.sync", &biz))
}

// ---- notifications -----------------------------------------------------------------------------------

/// What a verified notification says.
pub(super) fn notified(pairs: &Pairs) -> About {
    let text = |name: &str| pairs.get(name).filter(|text| !text.is_empty());
    let Some(out_trade_no) = text("out_trade_no").cloned() else {
        let names: Vec<&str> = pairs.keys().map(String::as_str).collect();
        let shape: String = names.join(",").chars().take(400).collect();
        let plate = text("car_number").and_then(|plate| Plate::parse(plate).ok());
        return match plate {
            Some(plate) => About::Agreement { plate: Some(plate), number: None, shape },
            None => About::Nothing { what: shape },
        };
    };
    let given_back = text("gmt_refund").is_some() || text("refund_fee").is_some();
    let word = match text("trade_status").map(String::as_str) {
        Some("TRADE_SUCCESS") if given_back => Word::PartRefunded,
        Some("TRADE_CLOSED") if given_back => Word::Refunded,
        Some("TRADE_SUCCESS" | "TRADE_FINISHED") => {
            match text("total_amount").and_then(|text| parse_yuan(text)) {
                Some(amount) => Word::Paid {
                    amount,
                    bank_no: text("trade_no").cloned().unwrap_or_default(),
                    paid_at: text("gmt_payment").and_then(|text| parse_time(text)),
                    payer: None,
                },
                None => unknown("notified as paid, without an amount".to_owned()),
            }
        }
        Some("WAIT_BUYER_PAY") => Word::Paying,
        // It may be a trade that was paid and given back: a query says so.
        status => unknown(format!("notified of trade_status {status:?}")),
    };
    About::Payment { out_trade_no, word }
}

#[cfg(test)]
#[path = "parking_tests.rs"]
mod tests;
