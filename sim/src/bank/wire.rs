//! The envelope as the gateway sees it: requests checked, answers and notifications written.
//! Knows no sockets; the time is an argument.

use std::fmt::Write;

use jiff::{SignedDuration, Timestamp, civil::DateTime, tz};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    crypto::{GatewayKeys, Hash},
    gateway::GatewaySettings,
    words::{Generate, Notice, Refusal, Said},
};

type Pairs = [(String, String)];

/// China's clock, the only one on this wire.
pub(super) fn local(time: Timestamp) -> DateTime {
    tz::offset(8).to_datetime(time)
}

fn value<'a>(pairs: &'a Pairs, key: &str) -> &'a str {
    pairs.iter().find(|(k, _)| k == key).map_or("", |(_, value)| value.as_str())
}

/// `path?a=1&b=2`: sorted, without the signature and without empty values.
fn signed_text(path: &str, pairs: &Pairs) -> String {
    let mut kept: Vec<String> = pairs
        .iter()
        .filter(|(key, value)| key != "sign" && !key.is_empty() && !value.is_empty())
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    kept.sort_by(|a, b| a.split('=').next().cmp(&b.split('=').next()));
    [path, "?", &kept.join("&")].concat()
}

/// A request that passed every check of the envelope.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) msg_id: String,
    pub(super) biz: Biz,
}

/// The fields of the four calls; each call needs some of them.
#[derive(Debug, Deserialize)]
pub(super) struct Biz {
    mer_id: String,
    pub(super) out_trade_no: String,
    store_code: Option<String>,
    order_amt: Option<String>,
    trade_date: Option<String>,
    trade_time: Option<String>,
    attach: Option<String>,
    pay_expire: Option<String>,
    notify_url: Option<String>,
    notify_flag: Option<String>,
    pub(super) reject_no: Option<String>,
    reject_amt: Option<String>,
}

/// Checks a request of the four calls that came on `path`.
pub(super) fn check(
    settings: &GatewaySettings,
    keys: &GatewayKeys,
    now: Timestamp,
    path: &str,
    pairs: &Pairs,
) -> Result<Request, Refusal> {
    let (msg_id, content) = open(settings, keys, now, path, pairs)?;
    let biz: Biz = serde_json::from_str(&content).map_err(|_| Refusal::BadField)?;
    if biz.mer_id != settings.mer_id {
        return Err(Refusal::UnknownMerchant);
    }
    Ok(Request { msg_id, biz })
}

/// Checks the envelope of a request that came on `path`: its message number and its business text.
pub(super) fn open(
    settings: &GatewaySettings,
    keys: &GatewayKeys,
    now: Timestamp,
    path: &str,
    pairs: &Pairs,
) -> Result<(String, String), Refusal> {
    if value(pairs, "app_id") != settings.app_id {
        return Err(Refusal::UnknownApp);
    }
    let mut names: Vec<&str> = pairs.iter().map(|(key, _)| key.as_str()).collect();
    names.sort_unstable();
    let repeated = names.windows(2).any(|two| two[0] == two[1]);
    let msg_id = value(pairs, "msg_id");
    let in_form = value(pairs, "format") == "json" && value(pairs, "charset") == "UTF-8";
    if repeated || !in_form || msg_id.is_empty() || msg_id.len() > 40 {
        return Err(Refusal::BadField);
    }
    let hash = Hash::from_code(value(pairs, "sign_type")).ok_or(Refusal::BadSignature)?;
    if !keys.merchant_signed(hash, &signed_text(path, pairs), value(pairs, "sign")) {
        return Err(Refusal::BadSignature);
    }
    let sent = DateTime::strptime("%Y-%m-%d %H:%M:%S", value(pairs, "timestamp"))
        .and_then(|civil| tz::offset(8).to_timestamp(civil))
        .map_err(|_| Refusal::BadTimestamp)?;
    let window = SignedDuration::from_secs(settings.clock_window_s.into());
    if now.duration_since(sent).abs() > window {
        return Err(Refusal::BadTimestamp);
    }
    let content = match (value(pairs, "encrypt_type"), settings.encrypt) {
        ("", false) => Some(value(pairs, "biz_content").to_owned()),
        ("AES", true) => keys.decrypt(value(pairs, "biz_content")),
        _ => None,
    };
    content.map(|content| (msg_id.to_owned(), content)).ok_or(Refusal::BadField)
}

fn digits(text: Option<&String>, length: usize) -> bool {
    text.is_some_and(|t| t.len() == length && t.bytes().all(|b| b.is_ascii_digit()))
}

fn fen(text: Option<&String>) -> Option<i64> {
    let text = text.filter(|t| t.bytes().all(|b| b.is_ascii_digit()))?;
    text.parse().ok().filter(|fen| *fen > 0)
}

impl Biz {
    pub(super) fn generate(self, settings: &GatewaySettings) -> Option<Generate> {
        let dated = digits(self.trade_date.as_ref(), 8) && digits(self.trade_time.as_ref(), 6);
        if !dated || self.store_code.as_ref() != Some(&settings.store_code) {
            return None;
        }
        let notified = self.notify_flag.as_deref() == Some("1");
        Some(Generate {
            fen: fen(self.order_amt.as_ref())?,
            out_trade_no: self.out_trade_no,
            subject: self.attach.unwrap_or_default(),
            expires_s: self.pay_expire?.parse().ok()?,
            notify_url: self.notify_url.filter(|_| notified),
        })
    }

    pub(super) fn reject_fen(&self) -> Option<i64> {
        fen(self.reject_amt.as_ref())
    }
}

/// The body of an answer, signed.
pub(super) fn answer(
    settings: &GatewaySettings,
    keys: &GatewayKeys,
    base_url: &str,
    msg_id: &str,
    said: &Said,
) -> String {
    let mut content = json!({"return_code": 0, "return_msg": "成功", "msg_id": msg_id});
    let mut more = match said {
        Said::No(refusal) => {
            json!({"return_code": refusal.code(), "return_msg": refusal.text()})
        }
        Said::Cashier { token } => json!({"qrcode": format!("{base_url}/cashier/{token}")}),
        Said::Standing(standing) => json!({
            "pay_status": standing.status.to_string(),
            "out_trade_no": standing.out_trade_no,
            "order_id": standing.bank_no,
            "total_amt": standing.total_fen.to_string(),
            "payment_amt": standing.total_fen.to_string(),
            "pay_time": standing.paid_at.map_or_else(String::new, stamp),
            "card_no": "", "cust_id": "", "point_amt": "0", "total_disc_amt": "0",
        }),
        Said::Reversed { out_trade_no, bank_no } => {
            json!({"out_trade_no": out_trade_no, "order_id": bank_no})
        }
        // Asked for by no call of this family.
        Said::Refunds { .. } => json!({"return_code": Refusal::BadField.code()}),
        Said::Rejected { out_trade_no, bank_no, reject_no, fen } => json!({
            "out_trade_no": out_trade_no, "order_id": bank_no, "reject_no": reject_no,
            "reject_amt": fen.to_string(), "real_reject_amt": fen.to_string(),
        }),
    };
    if let (Some(content), Some(more)) = (content.as_object_mut(), more.as_object_mut()) {
        content.append(more);
    }
    seal(settings, keys, &content, true)
}

/// The body of an answer with this content; with the fault, signed over another text.
pub(super) fn seal(
    settings: &GatewaySettings,
    keys: &GatewayKeys,
    content: &Value,
    rightly: bool,
) -> String {
    let text = as_the_bank_writes(content);
    let text = if settings.encrypt { format!("\"{}\"", keys.encrypt(&text)) } else { text };
    let sign = keys.gateway_sign(if rightly { &text } else { "another text" });
    ["{\"response_biz_content\":", &text, ",\"sign\":\"", &sign, "\"}"].concat()
}

/// JSON with escapes and spaces a re-serialiser would lose: the signature is over this very text.
fn as_the_bank_writes(content: &Value) -> String {
    let mut text = String::new();
    for c in content.to_string().replace(",\"", ", \"").chars() {
        match c {
            '/' => text.push_str("\\/"),
            c if c.is_ascii() => text.push(c),
            c => {
                let mut units = [0; 2];
                for unit in c.encode_utf16(&mut units) {
                    let _ = write!(text, "\\u{unit:04x}");
                }
            }
        }
    }
    text
}

pub(super) fn stamp(time: Timestamp) -> String {
    local(time).strftime("%Y%m%d%H%M%S").to_string()
}

/// What stands between the host and the query of a registered address, letter by letter.
fn path_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = rest.find('/').map_or("", |at| &rest[at..]);
    path.split(['?', '#']).next().unwrap_or_default()
}

/// The form of a notification, signed.
pub(super) fn notification(
    settings: &GatewaySettings,
    keys: &GatewayKeys,
    now: Timestamp,
    api: &str,
    notice: &Notice,
) -> Vec<(String, String)> {
    let standing = &notice.standing;
    let amount = standing.total_fen.to_string();
    let mut content = json!({
        "access_type": "9", "attach": "", "cust_id": "", "card_no": "", "point_amt": "0",
        "mer_id": settings.mer_id, "msg_id": notice.msg_id, "order_id": standing.bank_no,
        "out_trade_no": standing.out_trade_no, "pay_type": "9", "payment_amt": amount,
        "pay_time": standing.paid_at.map_or_else(String::new, stamp),
        "return_code": "0", "return_msg": "交易成功", "total_amt": amount,
    });
    if api.starts_with("/api/cardbusiness/") {
        content["third_trade_no"] = "4200002604202601010000000001".into();
    }
    form(settings, keys, now, api, &notice.notify_url, &content)
}

/// A message about an agreement.
pub(super) fn agreement(
    settings: &GatewaySettings,
    keys: &GatewayKeys,
    now: Timestamp,
    plate: &str,
    notify_url: &str,
) -> Vec<(String, String)> {
    let content = json!({
        "msg_id": "SIMAGREEMENT1", "plateno": plate, "agreement_no": "SIMA1", "status": "1",
        "detail": {"mobile": "13800000000"},
    });
    form(settings, keys, now, "", notify_url, &content)
}

/// The form of a message to the site, signed over the address as it was registered.
fn form(
    settings: &GatewaySettings,
    keys: &GatewayKeys,
    now: Timestamp,
    api: &str,
    notify_url: &str,
    content: &Value,
) -> Vec<(String, String)> {
    let content = content.to_string();
    let content = if settings.encrypt { keys.encrypt(&content) } else { content };
    let timestamp = local(now).strftime("%Y-%m-%d %H:%M:%S").to_string();
    let mut pairs: Vec<(String, String)> = [
        ("from", "icbc-api"),
        ("api", api),
        ("app_id", settings.app_id.as_str()),
        ("charset", "UTF-8"),
        ("format", "json"),
        ("encrypt_type", if settings.encrypt { "AES" } else { "" }),
        ("timestamp", &timestamp),
        ("biz_content", &content),
        ("sign_type", "RSA"),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .into();
    let sign = keys.gateway_sign(&signed_text(path_of(notify_url), &pairs));
    pairs.push(("sign".to_owned(), sign));
    pairs
}

/// Whether the site's reply to a notification is a signed success.
pub(super) fn reply_accepted(settings: &GatewaySettings, keys: &GatewayKeys, body: &str) -> bool {
    let Some(end) = body.rfind(",\"sign\":\"") else { return false };
    let Some(text) = body.get(1..end) else { return false };
    let Ok(reply) = serde_json::from_str::<Value>(body) else { return false };
    let hash = settings.notify_hash;
    let named = reply["sign_type"] == hash.code();
    let sign = reply["sign"].as_str().unwrap_or_default();
    let content = match &reply["response_biz_content"] {
        Value::String(sealed) if settings.encrypt => {
            keys.decrypt(sealed).and_then(|plain| serde_json::from_str(&plain).ok())
        }
        plain => Some(plain.clone()),
    };
    let success = content.is_some_and(|c: Value| c["return_code"] == 0 && c["msg_id"].is_string());
    named && success && keys.merchant_signed(hash, text, sign)
}
