//! Calls of 微信支付分停车: what is asked and how the verified answers are judged. Knows no signatures and no wire.
//!
//! ```text
//! entry   POST /v3/vehicle/parking/parkings          NORMAL: may be charged, under the entry's number; BLOCKED: may not
//! charge  POST /v3/vehicle/transactions/parking      ACCEPTED: the arm opens, the money comes later
//! query   GET  /v3/vehicle/transactions/out-trade-no/{out_trade_no}
//! refund  POST /v3/refund/domestic/refunds           GET .../{out_refund_no} asks about one
//! ```
//!
//! The platform has no call that takes a charge back. A reversal therefore asks how it stands: never heard of is
//! reversed, failed is failed; accepted stays open until WeChat decides it, and money that comes all the same settles the
//! order or goes back.

use std::fmt::Write;

use jiff::{Timestamp, tz::Offset};
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::settings::WechatSettings;
use crate::{
    bank::{AgreementAsk, AgreementWord, Ask, Word, colour},
    types::{Currency, Money},
};

/// The zone in which times are written.
const ZONE: Offset = Offset::constant(8);

/// One call, not signed yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) method: Method,
    /// With its query, percent signs and all: these very letters are signed.
    pub(super) path: String,
    pub(super) body: Option<String>,
}

pub(super) fn get(path: String) -> Call {
    Call { method: Method::GET, path, body: None }
}

fn post(path: &str, body: &Value) -> Call {
    Call { method: Method::POST, path: path.to_owned(), body: Some(body.to_string()) }
}

/// Every byte but letters, digits and `-_.~`.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

fn query(path: &str, pairs: &[(&str, Option<&str>)]) -> String {
    let given = pairs.iter().filter_map(|(name, value)| Some((name, (*value)?)));
    let joined: Vec<String> =
        given.map(|(name, value)| format!("{name}={}", escaped(value))).collect();
    if joined.is_empty() { path.to_owned() } else { format!("{path}?{}", joined.join("&")) }
}

/// To the second, so that the entry and the charge name one time.
fn time(at: Timestamp) -> String {
    ZONE.to_datetime(at).strftime("%Y-%m-%dT%H:%M:%S+08:00").to_string()
}

fn set(of: &mut Value, name: &str, text: Option<&str>) {
    if let Some(text) = text.filter(|text| !text.is_empty()) {
        of[name] = text.into();
    }
}

fn fen(amount: Money) -> Result<i64, String> {
    if amount.currency != Currency::Cny || amount.minor <= 0 {
        return Err(format!("{amount} is not an amount in yuan above zero"));
    }
    Ok(amount.minor)
}

// ---- entries and agreements ----------------------------------------------------------------------

/// What is asked of an agreement: an entry that WeChat does not know is told first, which says as much.
pub(super) fn agreement(settings: &WechatSettings, ask: &AgreementAsk) -> Result<Call, Stand> {
    let plate_colour = colour::word(&ask.plate, ask.colour);
    let Some(known) = &ask.known else {
        let mut biz = json!({
            "out_parking_no": ask.stay_no,
            "plate_number": ask.plate.full(),
            "plate_color": plate_colour,
            "notify_url": settings.notify_url,
            "start_time": time(ask.entered_at),
            "parking_name": settings.parking_name,
            "free_duration": u64::from(settings.free_minutes) * 60,
        });
        set(&mut biz, "sub_mchid", settings.sub_mchid.as_deref());
        return Ok(post("/v3/vehicle/parking/parkings", &biz));
    };
    if !settings.find {
        return Err(Stand::AsTold(known.clone()));
    }
    let pairs = [
        ("appid", Some(settings.appid.as_str())),
        ("sub_mchid", settings.sub_mchid.as_deref()),
        ("plate_number", Some(ask.plate.full())),
        ("plate_color", Some(plate_colour)),
    ];
    Ok(get(query("/v3/vehicle/parking/services/find", &pairs)))
}

/// Nothing is asked, because what was told before holds: this agreement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stand {
    AsTold(String),
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct EntrySaid {
    id: Option<String>,
    out_parking_no: Option<String>,
    plate_number: Option<String>,
    state: Option<String>,
    block_reason: Option<String>,
    service_state: Option<String>,
}

/// Judges the verified answer to a question about an agreement.
pub(super) fn agreed(ask: &AgreementAsk, body: &str) -> AgreementWord {
    let unknown = |why: String| AgreementWord::Unknown { why };
    let said: EntrySaid = match serde_json::from_str(body) {
        Ok(said) => said,
        Err(e) => return unknown(format!("WeChat's answer cannot be read: {e}")),
    };
    if said.plate_number.as_deref().is_some_and(|plate| plate != ask.plate.full()) {
        return unknown("WeChat's answer names another plate".to_owned());
    }
    if let Some(known) = &ask.known {
        let state = said.service_state.as_deref();
        return match state {
            Some("NORMAL") => AgreementWord::Bound { agreement: Some(known.clone()) },
            _ => blocked(state, "service_state"),
        };
    }
    if said.out_parking_no.as_deref() != Some(&ask.stay_no) {
        return unknown("WeChat's answer does not name this stay".to_owned());
    }
    let id = said.id.filter(|id| !id.is_empty());
    match (said.state.as_deref(), id) {
        (Some("NORMAL"), Some(id)) => {
            let plate_colour = colour::word(&ask.plate, ask.colour);
            AgreementWord::Bound { agreement: Some(format!("{id}/{plate_colour}")) }
        }
        (Some("NORMAL"), None) => unknown("WeChat's answer gives the entry no number".to_owned()),
        (Some("BLOCKED"), _) => blocked(said.block_reason.as_deref(), "block_reason"),
        (state, _) => unknown(format!("state {state:?}")),
    }
}

/// Why a vehicle may not be charged.
fn blocked(reason: Option<&str>, name: &str) -> AgreementWord {
    let why = format!("{name} {}", reason.unwrap_or("is missing"));
    match reason {
        Some("OUT_SERVICE") => AgreementWord::None { why },
        Some("PAUSE" | "OVERDUE" | "EVALUATION_FAILED") => AgreementWord::Paused { why },
        _ => AgreementWord::Unknown { why },
    }
}

// ---- money -----------------------------------------------------------------------------------------

/// The call of an ask; an error means that nothing may be sent.
pub(super) fn call(settings: &WechatSettings, ask: &Ask) -> Result<Call, String> {
    let sub = ("sub_mchid", settings.sub_mchid.as_deref());
    match ask {
        Ask::Charge { .. } => charge(settings, ask),
        Ask::Query { out_trade_no, .. } | Ask::Reverse { out_trade_no, .. } => {
            let number = escaped(out_trade_no);
            Ok(get(query(&format!("/v3/vehicle/transactions/out-trade-no/{number}"), &[sub])))
        }
        Ask::Refund { out_trade_no, refund_no, amount, paid, .. } => {
            let mut biz = json!({
                "out_trade_no": out_trade_no,
                "out_refund_no": refund_no,
                "amount": {"refund": fen(*amount)?, "total": fen(*paid)?, "currency": "CNY"},
            });
            set(&mut biz, sub.0, sub.1);
            Ok(post("/v3/refund/domestic/refunds", &biz))
        }
        Ask::RefundQuery { refund_no, .. } => {
            let number = escaped(refund_no);
            Ok(get(query(&format!("/v3/refund/domestic/refunds/{number}"), &[sub])))
        }
        Ask::Generate { .. } | Ask::Collect { .. } => {
            Err(format!("this channel cannot {}; it charges by the plate", ask.name()))
        }
    }
}

fn charge(settings: &WechatSettings, ask: &Ask) -> Result<Call, String> {
    let Ask::Charge {
        out_trade_no, amount, subject, plate, agreement, entered_at, left_at, ..
    } = ask
    else {
        return Err(format!("this call cannot {}", ask.name()));
    };
    let entry = agreement.as_deref().and_then(|named| named.rsplit_once('/'));
    let (id, plate_colour) = entry.ok_or("WeChat gave this vehicle's entry no number")?;
    // Never the same, and never later than now.
    let seconds = (left_at.as_second() - entered_at.as_second()).max(1);
    let end = Timestamp::from_second(entered_at.as_second() + seconds)
        .map_err(|_| "the stay's times are no times".to_owned())?;
    let mut parking = json!({
        "parking_id": id,
        "plate_number": plate.full(),
        "plate_color": plate_colour,
        "start_time": time(*entered_at),
        "end_time": time(end),
        "parking_name": settings.parking_name,
        "charging_duration": seconds,
    });
    set(&mut parking, "device_id", Some(&settings.device_id));
    let mut biz = json!({
        "appid": settings.appid,
        "description": subject.chars().take(128).collect::<String>(),
        "out_trade_no": out_trade_no,
        "trade_scene": "PARKING",
        "notify_url": settings.notify_url,
        "profit_sharing": if settings.profit_sharing { "Y" } else { "N" },
        "amount": {"total": fen(*amount)?, "currency": "CNY"},
        "parking_info": parking,
    });
    set(&mut biz, "sub_appid", settings.sub_appid.as_deref());
    set(&mut biz, "sub_mchid", settings.sub_mchid.as_deref());
    set(&mut biz, "goods_tag", Some(&settings.goods_tag));
    Ok(post("/v3/vehicle/transactions/parking", &biz))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Amount {
    total: Option<i64>,
    refund: Option<i64>,
    currency: Option<String>,
}

/// A transaction, as answers and notifications tell it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Transaction {
    pub(super) mchid: Option<String>,
    pub(super) sp_mchid: Option<String>,
    pub(super) sub_mchid: Option<String>,
    pub(super) out_trade_no: Option<String>,
    transaction_id: Option<String>,
    trade_state: Option<String>,
    trade_state_description: Option<String>,
    success_time: Option<String>,
    amount: Amount,
}

impl Amount {
    fn cny(&self, minor: Option<i64>) -> Option<Money> {
        let known = self.currency.as_deref().is_none_or(|currency| currency == "CNY");
        minor.filter(|minor| known && *minor > 0).map(|minor| Money::new(minor, Currency::Cny))
    }
}

impl Transaction {
    /// How the charge stands.
    pub(super) fn word(&self) -> Word {
        match self.trade_state.as_deref() {
            Some("SUCCESS") => match self.amount.cny(self.amount.total) {
                Some(amount) => Word::Paid {
                    amount,
                    bank_no: self.transaction_id.clone().unwrap_or_default(),
                    paid_at: self.success_time.as_deref().and_then(|time| time.parse().ok()),
                    payer: None,
                },
                None => unknown(format!("paid, and the amount is {:?}", self.amount)),
            },
            Some("ACCEPTED") => Word::Accepted,
            Some("PAY_FAIL") => {
                let why = self.trade_state_description.as_deref().unwrap_or("PAY_FAIL");
                Word::Failed { why: why.chars().take(200).collect() }
            }
            Some("REFUND") => Word::Refunded,
            state => unknown(format!("trade_state {state:?}")),
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RefundSaid {
    out_trade_no: Option<String>,
    out_refund_no: Option<String>,
    status: Option<String>,
    amount: Amount,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ErrorSaid {
    code: String,
    message: String,
}

fn unknown(why: impl AsRef<str>) -> Word {
    Word::Unknown { why: why.as_ref().chars().take(300).collect() }
}

/// Judges a verified answer.
pub(super) fn word(settings: &WechatSettings, ask: &Ask, status: u16, body: &str) -> Word {
    if !(200..300).contains(&status) {
        return refused(settings, ask, status, body);
    }
    match ask {
        Ask::Refund { .. } | Ask::RefundQuery { .. } => refund_word(settings, ask, body),
        Ask::Charge { .. } | Ask::Query { .. } | Ask::Reverse { .. } => {
            let said: Transaction = match serde_json::from_str(body) {
                Ok(said) => said,
                Err(e) => return unknown(format!("WeChat's answer cannot be read: {e}")),
            };
            if said.out_trade_no.as_deref() != Some(ask.out_trade_no()) {
                return unknown("WeChat's answer does not name this payment");
            }
            said.word()
        }
        Ask::Generate { .. } | Ask::Collect { .. } => unknown("nothing was asked"),
    }
}

fn refused(settings: &WechatSettings, ask: &Ask, status: u16, body: &str) -> Word {
    let said: ErrorSaid = serde_json::from_str(body).unwrap_or_default();
    let among = |codes: &[String]| codes.contains(&said.code);
    let why: String = said.message.chars().take(200).collect();
    let no_order = among(&settings.no_order_codes);
    match ask {
        Ask::Reverse { .. } if no_order => Word::Reversed,
        Ask::Query { .. } if no_order => Word::NoOrder { why: format!("{}: {why}", said.code) },
        Ask::Charge { .. } | Ask::Refund { .. } if among(&settings.final_refusal_codes) => {
            Word::Refused { code: said.code, why }
        }
        _ => unknown(format!("HTTP {status} {}: {why}", said.code)),
    }
}

/// Whether a signed error says that there is no such order or refund.
pub(super) fn knows_none(settings: &WechatSettings, status: u16, body: &str) -> bool {
    let said: ErrorSaid = serde_json::from_str(body).unwrap_or_default();
    !(200..300).contains(&status) && settings.no_order_codes.contains(&said.code)
}

/// What becomes of a refund's answer once it was looked at: what was found, and whether none was.
pub(super) fn refund_after(word: Word, looked: (Word, bool)) -> Word {
    match (word, looked) {
        (refused @ Word::Refused { .. }, (_, true)) => refused,
        (Word::Refused { code, why }, (Word::Unknown { .. }, false)) if code != "not sent" => {
            unknown(format!("{code}: {why}, and whether there is such a refund is not known"))
        }
        (word, (Word::Unknown { .. }, _)) => word,
        (_, (told, _)) => told,
    }
}

fn refund_word(settings: &WechatSettings, ask: &Ask, body: &str) -> Word {
    let (Ask::Refund { out_trade_no, refund_no, amount, .. }
    | Ask::RefundQuery { out_trade_no, refund_no, amount, .. }) = ask
    else {
        return unknown("not a refund");
    };
    let said: RefundSaid = match serde_json::from_str(body) {
        Ok(said) => said,
        Err(e) => return unknown(format!("WeChat's answer cannot be read: {e}")),
    };
    if said.out_refund_no.as_ref() != Some(refund_no)
        || said.out_trade_no.as_ref().is_some_and(|theirs| theirs != out_trade_no)
    {
        return unknown("WeChat's answer does not name this refund");
    }
    let stated = said.amount.cny(said.amount.refund);
    match said.status.as_deref() {
        Some("SUCCESS") if stated == Some(*amount) => Word::RefundDone { amount: *amount },
        Some("SUCCESS") => unknown(format!("given back, and the amount is {:?}", said.amount)),
        Some("PROCESSING") => Word::Refunding,
        Some(status) if settings.refund_failed_states.iter().any(|known| known == status) => {
            Word::Refused { code: status.to_owned(), why: "the refund came to nothing".to_owned() }
        }
        status => unknown(format!("refund status {status:?}")),
    }
}

// ---- notifications -----------------------------------------------------------------------------------

/// Of a vehicle inside: whether it may be charged has changed.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct EntranceChange {
    pub(super) mchid: Option<String>,
    pub(super) sp_mchid: Option<String>,
    pub(super) sub_mchid: Option<String>,
    pub(super) out_parking_no: Option<String>,
    parking_id: Option<String>,
    plate_color: Option<String>,
    parking_state: Option<String>,
    blocked_state_description: Option<String>,
}

impl EntranceChange {
    pub(super) fn word(&self) -> AgreementWord {
        let named = self.parking_id.as_deref().zip(self.plate_color.as_deref());
        match (self.parking_state.as_deref(), named) {
            (Some("NORMAL"), Some((id, plate_colour))) => {
                AgreementWord::Bound { agreement: Some(format!("{id}/{plate_colour}")) }
            }
            (Some("BLOCKED"), _) => {
                let reason = self.blocked_state_description.as_deref();
                match blocked(reason, "blocked_state_description") {
                    // Blocked it is, whatever the words are.
                    AgreementWord::Unknown { why } => AgreementWord::Paused { why },
                    word => word,
                }
            }
            (state, _) => AgreementWord::Unknown { why: format!("parking_state {state:?}") },
        }
    }
}

#[cfg(test)]
#[path = "parking_tests.rs"]
mod tests;
