//! The QR family (`/api/qrcode/V2/...`): business texts of the questions and what the answers mean.
//! Knows no signatures and no wire. Amounts are whole fen as digits.

use jiff::{Timestamp, civil::DateTime};
use serde::{Deserialize, Deserializer, Serialize};
use tracing::warn;

use super::{envelope::ZONE, settings::IcbcSettings};
use crate::{
    bank::{Ask, NotifyError, Word},
    types::{Currency, Money},
};

/// `pay_status` in a query of this family. The online family counts otherwise (there `0` is paid):
/// it must get a type of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QrcodePayStatus {
    Paying,
    Paid,
    Failed,
    Reversed,
    Reversing,
    Refunded,
    PartRefunded,
    Refunding,
}

impl QrcodePayStatus {
    /// `None` for a code nobody has published.
    pub fn from_code(code: &str) -> Option<Self> {
        Some(match code {
            "0" => Self::Paying,
            "1" => Self::Paid,
            "2" => Self::Failed,
            "3" => Self::Reversed,
            "4" => Self::Reversing,
            "5" => Self::Refunded,
            "6" => Self::PartRefunded,
            "7" => Self::Refunding,
            _ => return None,
        })
    }
}

/// Path of the call under the gateway's address.
pub(super) fn path(ask: &Ask) -> &'static str {
    match ask {
        Ask::Generate { .. } => "/api/qrcode/V2/generate",
        Ask::Query { .. } => "/api/qrcode/V2/query",
        Ask::Reverse { .. } => "/api/qrcode/V2/reverse",
        Ask::Refund { .. } => "/api/qrcode/V2/reject",
        Ask::RefundQuery { .. } => "/api/qrcode/V2/reject/query",
        // Not sent: see `biz_content`.
        Ask::Collect { .. } | Ask::Charge { .. } => "/api/qrcode/V2/pay",
    }
}

#[derive(Serialize)]
struct GenerateBiz<'a> {
    mer_id: &'a str,
    store_code: &'a str,
    out_trade_no: &'a str,
    order_amt: String,
    trade_date: String,
    trade_time: String,
    attach: &'a str,
    pay_expire: String,
    notify_url: &'a str,
    tporder_create_ip: &'a str,
    sp_flag: &'a str,
    notify_flag: &'a str,
}

#[derive(Serialize)]
struct NamedBiz<'a> {
    mer_id: &'a str,
    out_trade_no: &'a str,
}

#[derive(Serialize)]
struct RejectBiz<'a> {
    mer_id: &'a str,
    out_trade_no: &'a str,
    reject_no: &'a str,
    reject_amt: String,
}

/// The business text of a question; an error means that nothing may be sent.
pub(super) fn biz_content(settings: &IcbcSettings, ask: &Ask) -> Result<String, String> {
    let mer_id = settings.mer_id.as_str();
    if ask.out_trade_no().is_empty() {
        return Err("the payment has no number".to_owned());
    }
    let json = match ask {
        Ask::Generate { out_trade_no, amount, subject, expires_in_s, asked_at } => {
            let at = ZONE.to_datetime(*asked_at);
            serde_json::to_string(&GenerateBiz {
                mer_id,
                store_code: &settings.store_code,
                out_trade_no,
                order_amt: fen(*amount)?,
                trade_date: at.strftime("%Y%m%d").to_string(),
                trade_time: at.strftime("%H%M%S").to_string(),
                attach: subject,
                pay_expire: settings.pay_expire_s.min(*expires_in_s).to_string(),
                notify_url: &settings.notify_url,
                tporder_create_ip: &settings.create_ip,
                sp_flag: &settings.sp_flag,
                notify_flag: if settings.notify { "1" } else { "0" },
            })
        }
        Ask::Query { out_trade_no, .. } | Ask::Reverse { out_trade_no, .. } => {
            serde_json::to_string(&NamedBiz { mer_id, out_trade_no })
        }
        Ask::Refund { out_trade_no, refund_no, amount, .. } => serde_json::to_string(&RejectBiz {
            mer_id,
            out_trade_no,
            reject_no: refund_no,
            reject_amt: fen(*amount)?,
        }),
        Ask::Collect { .. } | Ask::Charge { .. } | Ask::RefundQuery { .. } => {
            return Err(format!("this channel cannot {}", ask.name()));
        }
    };
    json.map_err(|e| e.to_string())
}

fn fen(amount: Money) -> Result<String, String> {
    if amount.currency != Currency::Cny || amount.minor <= 0 {
        return Err(format!("{amount} is not an amount in yuan above zero"));
    }
    Ok(amount.minor.to_string())
}

/// Digits only, at most 15: no sign, no point, no space.
fn parse_fen(text: &str) -> Option<Money> {
    let digits = (1..=15).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().ok().map(|minor| Money::new(minor, Currency::Cny)))?
}

/// A text, or a whole number written without quotes.
fn scalar<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Scalar {
        Text(String),
        Whole(i64),
    }
    Ok(Option::<Scalar>::deserialize(from)?.map(|scalar| match scalar {
        Scalar::Text(text) => text,
        Scalar::Whole(whole) => whole.to_string(),
    }))
}

/// What answers and notifications of this family may hold. A key given twice is an error.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Said {
    #[serde(deserialize_with = "scalar")]
    return_code: Option<String>,
    return_msg: Option<String>,
    #[serde(deserialize_with = "scalar")]
    msg_id: Option<String>,
    #[serde(deserialize_with = "scalar")]
    mer_id: Option<String>,
    #[serde(deserialize_with = "scalar")]
    out_trade_no: Option<String>,
    #[serde(deserialize_with = "scalar")]
    order_id: Option<String>,
    #[serde(deserialize_with = "scalar")]
    pay_status: Option<String>,
    #[serde(deserialize_with = "scalar")]
    pay_time: Option<String>,
    #[serde(deserialize_with = "scalar")]
    total_amt: Option<String>,
    qrcode: Option<String>,
    #[serde(deserialize_with = "scalar")]
    reject_no: Option<String>,
    #[serde(deserialize_with = "scalar")]
    reject_amt: Option<String>,
}

fn unknown(why: impl Into<String>) -> Word {
    Word::Unknown { why: why.into() }
}

/// Judges the verified business text of an answer.
pub(super) fn word(settings: &IcbcSettings, ask: &Ask, content: &str) -> Word {
    let said: Said = match serde_json::from_str(content) {
        Ok(said) => said,
        Err(e) => return unknown(format!("the bank's answer cannot be read: {e}")),
    };
    match said.return_code.as_deref() {
        Some("0") => {}
        Some(code) => return refused(settings, ask, code, said.return_msg.as_deref()),
        None => return unknown("the bank's answer has no return_code"),
    }
    if let Ask::Generate { .. } = ask {
        return cashier(said);
    }
    if said.out_trade_no.as_deref() != Some(ask.out_trade_no()) {
        let (asked, named) = (ask.out_trade_no(), said.out_trade_no.as_deref());
        warn!(out_trade_no = asked, named, "the bank's answer names another payment, or none");
        return unknown("the bank's answer does not name this payment");
    }
    match ask {
        Ask::Generate { .. } | Ask::Query { .. } => standing(said),
        Ask::Reverse { .. } => Word::Reversed,
        Ask::Refund { refund_no, .. } => refund_done(&said, refund_no),
        Ask::Collect { .. } | Ask::Charge { .. } | Ask::RefundQuery { .. } => {
            unknown(format!("an answer to {}, which is not asked here", ask.name()))
        }
    }
}

fn refused(settings: &IcbcSettings, ask: &Ask, code: &str, why: Option<&str>) -> Word {
    let why = why.unwrap_or_default();
    let among = |codes: &[String]| codes.iter().any(|known| known == code);
    if among(&settings.no_order_codes) && matches!(ask, Ask::Reverse { .. }) {
        return Word::Reversed;
    }
    let is_final = among(&settings.final_refusal_codes);
    if is_final && !matches!(ask, Ask::Query { .. }) {
        return Word::Refused { code: code.to_owned(), why: why.to_owned() };
    }
    unknown(format!("return_code {code}: {why}"))
}

fn cashier(said: Said) -> Word {
    match said.qrcode {
        Some(link) if !link.is_empty() && !link.contains(char::is_control) => {
            Word::Cashier { link }
        }
        _ => unknown("the bank accepted the payment but gave no link"),
    }
}

fn standing(said: Said) -> Word {
    let Some(code) = said.pay_status.as_deref() else {
        return unknown("the bank's answer has no pay_status");
    };
    let Some(status) = QrcodePayStatus::from_code(code) else {
        return unknown(format!("pay_status {code} is not known"));
    };
    match status {
        QrcodePayStatus::Paying => Word::Paying,
        QrcodePayStatus::Paid => paid(said),
        QrcodePayStatus::Failed => {
            Word::Failed { why: said.return_msg.unwrap_or_else(|| "pay_status 2".to_owned()) }
        }
        QrcodePayStatus::Reversed => Word::Reversed,
        QrcodePayStatus::Reversing => Word::Reversing,
        QrcodePayStatus::Refunded => Word::Refunded,
        QrcodePayStatus::PartRefunded => Word::PartRefunded,
        QrcodePayStatus::Refunding => Word::Refunding,
    }
}

/// Paid needs an amount: one that cannot be read proves nothing. The time and the bank's number are
/// for the books only, so they may be missing.
fn paid(said: Said) -> Word {
    let Some(amount) = said.total_amt.as_deref().and_then(parse_fen) else {
        return unknown(format!("paid, but total_amt is {:?}", said.total_amt));
    };
    let paid_at = said.pay_time.as_deref().and_then(parse_time);
    Word::Paid { amount, bank_no: said.order_id.unwrap_or_default(), paid_at }
}

fn refund_done(said: &Said, refund_no: &str) -> Word {
    if said.reject_no.as_deref() != Some(refund_no) {
        warn!(
            refund_no,
            named = said.reject_no.as_deref(),
            "the bank's answer names another refund"
        );
        return unknown("the bank's answer does not name this refund");
    }
    match said.reject_amt.as_deref().and_then(parse_fen) {
        Some(amount) => Word::RefundDone { amount },
        None => unknown(format!("refunded, but reject_amt is {:?}", said.reject_amt)),
    }
}

/// `yyyyMMddHHmmss` in the bank's zone.
fn parse_time(text: &str) -> Option<Timestamp> {
    if text.len() != 14 || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let civil = DateTime::strptime("%Y%m%d%H%M%S", text).ok()?;
    ZONE.to_timestamp(civil).ok()
}

/// What a verified notification says: our number, the message's number, the word.
///
/// The fields of this family's notification are not published; those of the online family are, with
/// `return_code` `0` for paid. A `pay_status`, where there is one, goes before it.
pub(super) fn notified(
    settings: &IcbcSettings,
    content: &str,
) -> Result<(String, String, Word), NotifyError> {
    let malformed = |what: &str| NotifyError::Malformed(what.to_owned());
    let mut said: Said =
        serde_json::from_str(content).map_err(|e| NotifyError::Malformed(e.to_string()))?;
    if let Some(theirs) = said.mer_id.take_if(|theirs| *theirs != settings.mer_id) {
        return Err(NotifyError::Foreign { field: "mer_id", theirs });
    }
    let out_trade_no = said.out_trade_no.clone().filter(|no| !no.is_empty());
    let out_trade_no = out_trade_no.ok_or_else(|| malformed("it names no out_trade_no"))?;
    let msg_id = said.msg_id.clone().ok_or_else(|| malformed("it names no msg_id"))?;
    let word = match (said.return_code.as_deref(), &said.pay_status) {
        (Some("0") | None, Some(_)) => standing(said),
        (Some("0"), None) => paid(said),
        (Some(code), None) if settings.notify_failed_codes.iter().any(|known| known == code) => {
            Word::Failed { why: said.return_msg.unwrap_or_else(|| format!("return_code {code}")) }
        }
        (code, _) => unknown(format!("notified with return_code {code:?}")),
    };
    Ok((out_trade_no, msg_id, word))
}

#[cfg(test)]
#[path = "qrcode_tests.rs"]
mod tests;
