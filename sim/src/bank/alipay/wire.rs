//! Alipay's side of the wire: requests checked, answers and notifications signed. Knows no sockets.

use std::collections::BTreeMap;

use jiff::{Timestamp, civil::DateTime, tz};
use serde_json::{Value, json};

use super::Alipay;
use crate::bank::{
    crypto::Hash,
    wallet::{STRANGER, Shared},
    words::Notice,
};

/// How far a request's time may be off, in seconds.
const WINDOW_S: i64 = 600;

pub(super) fn text<'a>(of: &'a Value, name: &str) -> &'a str {
    of[name].as_str().unwrap_or_default()
}

pub(super) fn failed(sub_code: &str) -> Value {
    json!({"code": "40004", "msg": "Business Failed", "sub_code": sub_code, "sub_msg": sub_code})
}

pub(super) fn time(at: Timestamp) -> String {
    tz::offset(8).to_datetime(at).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

pub(super) fn yuan(fen: i64) -> String {
    format!("{}.{:02}", fen / 100, fen % 100)
}

/// Exactly two places.
pub(super) fn fen(yuan: &str) -> Option<i64> {
    let (whole, part) = yuan.split_once('.')?;
    let digits = [whole, part].concat();
    let plain = part.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|fen| plain && *fen > 0)
}

fn joined(pairs: &BTreeMap<String, String>, left_out: &[&str], empty: bool) -> String {
    let mut text = String::new();
    for (name, value) in pairs {
        if left_out.contains(&name.as_str()) || (value.is_empty() && !empty) {
            continue;
        }
        if !text.is_empty() {
            text.push('&');
        }
        text.push_str(&[name, "=", value].concat());
    }
    text
}

/// The business text of a rightly signed request.
pub(super) fn check(
    shared: &Shared<Alipay>,
    pairs: &BTreeMap<String, String>,
) -> Result<Value, (&'static str, &'static str)> {
    let value = |name: &str| pairs.get(name).map_or("", String::as_str);
    if value("app_id") != shared.words.app_id {
        return Err(("isv.invalid-app-id", "app_id"));
    }
    let fixed =
        [("sign_type", "RSA2"), ("charset", "utf-8"), ("format", "JSON"), ("version", "1.0")];
    if fixed.iter().any(|(name, wanted)| value(name) != *wanted) {
        return Err(("isv.invalid-format", "sign_type, charset, format or version"));
    }
    let signed = joined(pairs, &["sign"], false);
    if !shared.keys.merchant_signed(Hash::Sha256, &signed, value("sign")) {
        return Err(("isv.invalid-signature", "sign"));
    }
    let sent = DateTime::strptime("%Y-%m-%d %H:%M:%S", value("timestamp"))
        .and_then(|civil| tz::offset(8).to_timestamp(civil));
    let off = sent.map(|sent| shared.now().duration_since(sent).abs().as_secs());
    if !off.is_ok_and(|off| off <= WINDOW_S) {
        return Err(("isv.invalid-timestamp", "timestamp"));
    }
    serde_json::from_str(value("biz_content")).map_err(|_| ("isv.invalid-parameter", "biz_content"))
}

fn sign(shared: &Shared<Alipay>, text: &str) -> String {
    let keys = if shared.signs_wrongly() { &*STRANGER } else { &shared.keys };
    keys.gateway_sign_sha256(text)
}

/// The answer's text, with escapes that writing it anew would not make.
pub(super) fn signed(shared: &Shared<Alipay>, method: &str, said: &Value) -> String {
    let node = said.to_string().replace('/', "\\/");
    let name = format!("{}_response", method.replace('.', "_"));
    let sign = sign(shared, &node);
    format!("{{\"{name}\":{node},\"sign\":\"{sign}\"}}")
}

pub(super) fn notification(shared: &Shared<Alipay>, notice: &Notice) -> Vec<(String, String)> {
    let standing = &notice.standing;
    let status = match standing.status {
        0 => "WAIT_BUYER_PAY",
        1 | 6 => "TRADE_SUCCESS",
        _ => "TRADE_CLOSED",
    };
    let amount = yuan(standing.total_fen);
    let paid_at = standing.paid_at.map(time).unwrap_or_default();
    let pairs: BTreeMap<String, String> = [
        ("notify_id", notice.msg_id.as_str()),
        ("notify_type", "trade_status_sync"),
        ("app_id", &shared.words.app_id),
        ("seller_id", &shared.words.seller_id),
        ("charset", "utf-8"),
        ("version", "1.0"),
        ("out_trade_no", &standing.out_trade_no),
        ("trade_no", &standing.bank_no),
        ("trade_status", status),
        ("total_amount", &amount),
        ("gmt_payment", &paid_at),
        ("subject", "停车费 &=+"),
        ("body", ""),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    let sign = sign(shared, &joined(&pairs, &[], true));
    let more = [("sign".to_owned(), sign), ("sign_type".to_owned(), "RSA2".to_owned())];
    pairs.into_iter().chain(more).collect()
}
