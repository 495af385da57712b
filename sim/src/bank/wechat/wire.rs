//! WeChat's side of the wire: requests checked, answers and notifications signed and sealed. Knows no sockets.

use std::collections::BTreeMap;

use axum::{
    http::{HeaderMap, Method, StatusCode},
    response::{IntoResponse, Response},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use jiff::{Timestamp, tz};
use reqwest::RequestBuilder;
use serde_json::{Value, json};

use super::{Wechat, gcm};
use crate::bank::{
    crypto::Hash,
    wallet::{STRANGER, Shared},
    words::{RefundStanding, Refusal, Said, Standing},
};

/// How far a request's time may be off, in seconds.
const WINDOW_S: u64 = 300;

pub(super) fn text<'a>(of: &'a Value, name: &str) -> &'a str {
    of[name].as_str().unwrap_or_default()
}

pub(super) fn error(code: &str, message: &str) -> Value {
    json!({"code": code, "message": message})
}

pub(super) fn time(at: Timestamp) -> String {
    tz::offset(8).to_datetime(at).strftime("%Y-%m-%dT%H:%M:%S+08:00").to_string()
}

pub(super) fn pairs(query: &str) -> BTreeMap<String, String> {
    let decoded = |text: &str| {
        let mut bytes = Vec::new();
        let mut rest = text.bytes();
        while let Some(byte) = rest.next() {
            let hex = |b: Option<u8>| char::from(b?).to_digit(16);
            bytes.push(match byte {
                b'%' => match (hex(rest.next()), hex(rest.next())) {
                    (Some(high), Some(low)) => (high * 16 + low) as u8,
                    _ => b'?',
                },
                plain => plain,
            });
        }
        String::from_utf8_lossy(&bytes).into_owned()
    };
    let split = query.split('&').filter_map(|pair| pair.split_once('='));
    split.map(|(name, value)| (name.to_owned(), decoded(value))).collect()
}

/// Checks who signed a request, over the very letters of its address.
pub(super) fn check(
    shared: &Shared<Wechat>,
    method: &Method,
    raw: &str,
    headers: &HeaderMap,
    body: &str,
) -> Result<(), &'static str> {
    let header = headers.get("authorization").and_then(|value| value.to_str().ok());
    let fields = header.and_then(|text| text.strip_prefix("WECHATPAY2-SHA256-RSA2048 "));
    let fields = fields.ok_or("no authorization")?;
    let field = |name: &str| {
        let mut named = fields.split(',').filter_map(|field| field.split_once('='));
        let value = named.find(|(known, _)| *known == name).map(|(_, value)| value);
        value.map(|value| value.trim_matches('"')).unwrap_or_default()
    };
    let words = &shared.words;
    if field("mchid") != words.mchid || field("serial_no") != words.serial_no {
        return Err("mchid or serial_no");
    }
    let (stamp, nonce) = (field("timestamp"), field("nonce_str"));
    let signed = [method.as_str(), raw, stamp, nonce, body, ""].join("\n");
    if !shared.keys.merchant_signed(Hash::Sha256, &signed, field("signature")) {
        return Err("signature");
    }
    let off = stamp.parse::<i64>().map(|at| (shared.now().as_second() - at).unsigned_abs());
    if !off.is_ok_and(|off| off <= WINDOW_S) {
        return Err("timestamp");
    }
    if shared.is_new(nonce) { Ok(()) } else { Err("nonce_str was used before") }
}

/// The headers of what WeChat says.
fn headers(shared: &Shared<Wechat>, body: &str) -> [(&'static str, String); 4] {
    let stamp = shared.now().as_second();
    let nonce = format!("sim{stamp}{}", body.len());
    let signed = format!("{stamp}\n{nonce}\n{body}\n");
    let keys = if shared.signs_wrongly() { &*STRANGER } else { &shared.keys };
    [
        ("Wechatpay-Timestamp", stamp.to_string()),
        ("Wechatpay-Nonce", nonce),
        ("Wechatpay-Signature", keys.gateway_sign_sha256(&signed)),
        ("Wechatpay-Serial", shared.words.platform_serial.clone()),
    ]
}

pub(super) fn signed(shared: &Shared<Wechat>, status: StatusCode, said: &Value) -> Response {
    let body = said.to_string();
    let mut response = (status, headers(shared, &body), body).into_response();
    let json = axum::http::HeaderValue::from_static("application/json");
    response.headers_mut().insert("content-type", json);
    response
}

pub(super) fn posted(
    shared: &Shared<Wechat>,
    post: RequestBuilder,
    body: String,
) -> RequestBuilder {
    let headers = headers(shared, &body);
    let post = headers.into_iter().fold(post, |post, (name, value)| post.header(name, value));
    post.header("content-type", "application/json").body(body)
}

/// The body of a notification; the number makes its nonce, so that a repetition is the same to the letter.
pub(super) fn sealed(
    words: &Wechat,
    number: &str,
    event: &str,
    original: &str,
    plain: &Value,
) -> String {
    let mut nonce = [b'0'; 12];
    let tail: Vec<u8> = number.bytes().rev().take(12).collect();
    nonce[..tail.len()].copy_from_slice(&tail);
    let key: [u8; 32] = words.apiv3.as_bytes().try_into().unwrap_or([0; 32]);
    let sealed = gcm::seal(&key, &nonce, original.as_bytes(), plain.to_string().as_bytes());
    json!({
        "id": number, "create_time": "2026-01-01T00:00:00+08:00",
        "resource_type": "encrypt-resource", "event_type": event, "summary": "停车",
        "resource": {
            "original_type": original, "algorithm": "AEAD_AES_256_GCM",
            "ciphertext": BASE64_STANDARD.encode(sealed), "associated_data": original,
            "nonce": String::from_utf8_lossy(&nonce),
        },
    })
    .to_string()
}

pub(super) fn transaction(words: &Wechat, standing: &Standing) -> Value {
    let state = match standing.status {
        0 => "ACCEPTED",
        1 => "SUCCESS",
        2 => "PAY_FAIL",
        _ => "REFUND",
    };
    let fen = standing.total_fen;
    let mut said = json!({
        "appid": words.appid, "sp_mchid": words.mchid, "sub_mchid": words.sub_mchid,
        "out_trade_no": standing.out_trade_no, "transaction_id": standing.bank_no,
        "trade_state": state, "trade_state_description": state, "trade_scene": "PARKING",
        "user_repaid": "N",
        "amount": {"total": fen, "discount_total": 0, "payer_total": fen, "currency": "CNY"},
    });
    if let Some(paid_at) = standing.paid_at {
        said["success_time"] = time(paid_at).into();
    }
    said
}

/// The bank's answer in WeChat's words. `accepting`: to a charge, which is never told as paid at once.
pub(super) fn answer(
    words: &Wechat,
    said: &Said,
    accepting: bool,
    refund_no: &str,
) -> (StatusCode, Value) {
    match said {
        Said::Standing(standing) => {
            let mut said = transaction(words, standing);
            if accepting {
                said["trade_state"] = "ACCEPTED".into();
            }
            (StatusCode::OK, said)
        }
        Said::Rejected { out_trade_no, reject_no, fen, .. } => {
            (StatusCode::OK, refund(out_trade_no, reject_no, *fen, "PROCESSING"))
        }
        Said::Refunds { out_trade_no, refunds, .. } => {
            let Some(line) = refunds.iter().find(|line| line.refund_no == refund_no) else {
                return (StatusCode::NOT_FOUND, error("RESOURCE_NOT_EXISTS", "退款单不存在"));
            };
            let status = match line.standing {
                RefundStanding::UnderWay => "PROCESSING",
                RefundStanding::Done => "SUCCESS",
                RefundStanding::Failed => "CLOSED",
            };
            (StatusCode::OK, refund(out_trade_no, refund_no, line.fen, status))
        }
        Said::No(Refusal::NoSuchOrder) => {
            (StatusCode::NOT_FOUND, error("ORDER_NOT_EXIST", Refusal::NoSuchOrder.text()))
        }
        Said::No(Refusal::NoSuchRefund) => {
            (StatusCode::NOT_FOUND, error("RESOURCE_NOT_EXISTS", Refusal::NoSuchRefund.text()))
        }
        Said::No(refusal) => (StatusCode::BAD_REQUEST, error("INVALID_REQUEST", refusal.text())),
        Said::Cashier { .. } | Said::Reversed { .. } => {
            (StatusCode::INTERNAL_SERVER_ERROR, error("SYSTEM_ERROR", "no such call"))
        }
    }
}

fn refund(out_trade_no: &str, refund_no: &str, fen: i64, status: &str) -> Value {
    json!({
        "refund_id": format!("SIMR{refund_no}"), "out_refund_no": refund_no,
        "out_trade_no": out_trade_no, "status": status,
        "amount": {"refund": fen, "currency": "CNY"},
    })
}
