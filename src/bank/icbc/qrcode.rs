//! The QR family (`/api/qrcode/...`): business texts of the questions and what the answers mean.
//! Knows no signatures and no wire. Amounts are whole fen as digits.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tracing::warn;

use super::{
    envelope::ZONE,
    fields::{RefundSaid, Said, cashier_link, fen, parse_fen, unknown},
    settings::IcbcSettings,
    terminal,
};
use crate::{
    bank::{Ask, Word},
    types::{PayerCode, bank::Scanner},
};

/// Versions of this family's calls. The bank's newer ones answer with more fields; what is asked stays the same but for
/// a field or two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Versions {
    /// `pay`, 2 to 4. Default 2.
    pub pay: u8,
    /// `query`, 2 to 5. Default 2.
    pub query: u8,
    /// `reject`, 2 or 3. Default 2.
    pub reject: u8,
    /// `reject/query`, 2 to 4. Default 2.
    pub reject_query: u8,
}

impl Default for Versions {
    fn default() -> Self {
        Self { pay: 2, query: 2, reject: 2, reject_query: 2 }
    }
}

impl Versions {
    /// The first one that is not published, with what is.
    pub(super) fn wrong(self) -> Option<String> {
        let known = [
            ("pay", self.pay, 2..=4),
            ("query", self.query, 2..=5),
            ("reject", self.reject, 2..=3),
            ("reject_query", self.reject_query, 2..=4),
        ];
        let wrong = known.into_iter().find(|(_, version, range)| !range.contains(version));
        wrong.map(|(call, version, range)| {
            format!(
                "{call} = {version} is not published; take {} to {}",
                range.start(),
                range.end()
            )
        })
    }
}

/// `pay_status` in the answer to a payment by the payer's code. A query of the same payment counts otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QrcodeCollectStatus {
    /// The order could not be made.
    NoOrder,
    /// The payer types a password, or the bank waits for another.
    Paying,
    Paid,
    Failed,
}

impl QrcodeCollectStatus {
    /// `None` for a code nobody has published.
    pub fn from_code(code: &str) -> Option<Self> {
        Some(match code {
            "-1" => Self::NoOrder,
            "0" => Self::Paying,
            "1" => Self::Paid,
            "2" => Self::Failed,
            _ => return None,
        })
    }
}

/// `pay_status` in a query of this family. The online family counts otherwise: see
/// [`OnlinePayStatus`](super::OnlinePayStatus).
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

/// Path of the call under the gateway's address. The second version stands before the call's name, newer ones after it.
pub(super) fn path(versions: Versions, ask: &Ask) -> Result<String, String> {
    let (call, version) = match ask {
        Ask::Generate { .. } => ("generate", 2),
        Ask::Collect { .. } => ("pay", versions.pay),
        Ask::Query { .. } => ("query", versions.query),
        Ask::Reverse { .. } => ("reverse", 2),
        Ask::Refund { .. } => ("reject", versions.reject),
        Ask::RefundQuery { .. } => ("reject/query", versions.reject_query),
        Ask::Charge { .. } => return Err(format!("this family cannot {}", ask.name())),
    };
    Ok(match version {
        2 => format!("/api/qrcode/V2/{call}"),
        newer => format!("/api/qrcode/{call}/V{newer}"),
    })
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
struct PayBiz<'a> {
    qr_code: &'a str,
    mer_id: &'a str,
    out_trade_no: &'a str,
    order_amt: String,
    trade_date: String,
    trade_time: String,
    /// From the third version on.
    #[serde(skip_serializing_if = "Option::is_none")]
    attach: Option<&'a str>,
    /// In the fourth.
    #[serde(skip_serializing_if = "Option::is_none")]
    sub_app_id: Option<&'a str>,
}

#[derive(Serialize)]
struct RejectBiz<'a> {
    mer_id: &'a str,
    out_trade_no: &'a str,
    reject_no: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reject_amt: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    oper_id: Option<&'a str>,
    /// In the third version.
    #[serde(skip_serializing_if = "Option::is_none")]
    merattach: Option<&'a str>,
}

/// The business text of a question; an error means that nothing may be sent.
pub(super) fn biz_content(settings: &IcbcSettings, ask: &Ask) -> Result<String, String> {
    let mer_id = settings.mer_id.as_str();
    let json = match ask {
        Ask::Generate { out_trade_no, amount, subject, expires_in_s, asked_at } => {
            let (trade_date, trade_time) = day_and_time(*asked_at);
            serde_json::to_string(&GenerateBiz {
                mer_id,
                store_code: &settings.store_code,
                out_trade_no,
                order_amt: fen(*amount)?,
                trade_date,
                trade_time,
                attach: subject,
                pay_expire: settings.pay_expire_s.min(*expires_in_s).to_string(),
                notify_url: &settings.notify_url,
                tporder_create_ip: &settings.create_ip,
                sp_flag: &settings.sp_flag,
                notify_flag: if settings.notify { "1" } else { "0" },
            })
        }
        Ask::Collect { out_trade_no, amount, subject, code, scanner, asked_at } => {
            let (trade_date, trade_time) = day_and_time(*asked_at);
            let version = settings.versions.pay;
            let biz = PayBiz {
                qr_code: code.digits(),
                mer_id,
                out_trade_no,
                order_amt: fen(*amount)?,
                trade_date,
                trade_time,
                attach: (version >= 3).then_some(subject),
                sub_app_id: settings.sub_app_id.as_deref().filter(|_| version >= 4),
            };
            return with_terminal(settings, &biz, code, scanner.as_ref());
        }
        Ask::Query { out_trade_no, .. } | Ask::Reverse { out_trade_no, .. } => {
            serde_json::to_string(&NamedBiz { mer_id, out_trade_no })
        }
        Ask::Refund { out_trade_no, refund_no, amount, .. } => serde_json::to_string(&RejectBiz {
            mer_id,
            out_trade_no,
            reject_no: refund_no,
            reject_amt: Some(fen(*amount)?),
            oper_id: settings.oper_id.as_deref(),
            merattach: settings.merattach.as_deref().filter(|_| settings.versions.reject >= 3),
        }),
        Ask::RefundQuery { out_trade_no, refund_no, .. } => serde_json::to_string(&RejectBiz {
            mer_id,
            out_trade_no,
            reject_no: refund_no,
            reject_amt: None,
            oper_id: None,
            merattach: None,
        }),
        Ask::Charge { .. } => return Err(format!("this family cannot {}", ask.name())),
    };
    json.map_err(|e| e.to_string())
}

fn day_and_time(at: Timestamp) -> (String, String) {
    let at = ZONE.to_datetime(at);
    (at.strftime("%Y%m%d").to_string(), at.strftime("%H%M%S").to_string())
}

/// The payment with what is told of the terminal that read the code, where the site file tells anything.
fn with_terminal(
    settings: &IcbcSettings,
    biz: &PayBiz<'_>,
    code: &PayerCode,
    scanner: Option<&Scanner>,
) -> Result<String, String> {
    let Some(told) = terminal::told(&settings.terminals, scanner, code) else {
        return serde_json::to_string(biz).map_err(|e| e.to_string());
    };
    let mut value = serde_json::to_value(biz).map_err(|e| e.to_string())?;
    value[&settings.terminal_field] = told;
    Ok(value.to_string())
}

/// Judges the verified business text of an answer.
pub(super) fn word(settings: &IcbcSettings, ask: &Ask, content: &str) -> Word {
    let said = match Said::read(settings, ask, content) {
        Ok(said) => said,
        Err(word) => return word,
    };
    if let Ask::Generate { .. } = ask {
        return cashier_link(said.qrcode.as_deref());
    }
    if let Err(word) = said.names(ask) {
        return word;
    }
    match ask {
        Ask::Collect { .. } => collected(said),
        Ask::Generate { .. } | Ask::Query { .. } => standing(said),
        Ask::Reverse { .. } => Word::Reversed,
        Ask::Refund { refund_no, .. } => refund_done(&said, refund_no),
        Ask::RefundQuery { refund_no, .. } => refund_stands(&said, refund_no),
        Ask::Charge { .. } => unknown("an answer to a charge, which this family has not"),
    }
}

fn collected(said: Said) -> Word {
    let Some(code) = said.pay_status.as_deref() else {
        return unknown("the bank's answer has no pay_status");
    };
    match QrcodeCollectStatus::from_code(code) {
        None => unknown(format!("pay_status {code} is not known")),
        Some(QrcodeCollectStatus::Paying) => Word::Paying,
        Some(QrcodeCollectStatus::Paid) => said.paid(),
        Some(QrcodeCollectStatus::NoOrder | QrcodeCollectStatus::Failed) => said.failed(),
    }
}

pub(super) fn standing(said: Said) -> Word {
    let Some(code) = said.pay_status.as_deref() else {
        return unknown("the bank's answer has no pay_status");
    };
    let Some(status) = QrcodePayStatus::from_code(code) else {
        return unknown(format!("pay_status {code} is not known"));
    };
    match status {
        QrcodePayStatus::Paying => Word::Paying,
        QrcodePayStatus::Paid => said.paid(),
        QrcodePayStatus::Failed => said.failed(),
        QrcodePayStatus::Reversed => Word::Reversed,
        QrcodePayStatus::Reversing => Word::Reversing,
        QrcodePayStatus::Refunded => Word::Refunded,
        QrcodePayStatus::PartRefunded => Word::PartRefunded,
        QrcodePayStatus::Refunding => Word::Refunding,
    }
}

/// From the third version of `reject/query` on, an order's refunds may come as a list, which some answers hold as text.
fn refund_stands(said: &Said, refund_no: &str) -> Word {
    let list = match &said.refund_json_list {
        None | Some(Value::Null) => return refund_done(said, refund_no),
        Some(Value::String(text)) => serde_json::from_str(text),
        Some(value) => serde_json::from_value(value.clone()),
    };
    let list: Vec<RefundSaid> = match list {
        Ok(list) => list,
        Err(e) => return unknown(format!("the list of refunds cannot be read: {e}")),
    };
    let mut ours = list.iter().filter(|refund| refund.reject_no.as_deref() == Some(refund_no));
    match (ours.next(), ours.next()) {
        (Some(refund), None) => refunded(refund.reject_amt.as_deref()),
        (None, _) => unknown("the list of refunds does not name this one"),
        (Some(_), Some(_)) => unknown("the list of refunds names this one twice"),
    }
}

/// Of this very refund only, with the amount as the bank states it.
pub(super) fn refund_done(said: &Said, refund_no: &str) -> Word {
    let named = said.reject_no.as_deref();
    if named != Some(refund_no) {
        warn!(refund_no, named, "the bank's answer names another refund");
        return unknown("the bank's answer does not name this refund");
    }
    refunded(said.reject_amt.as_deref())
}

fn refunded(amount: Option<&str>) -> Word {
    match amount.and_then(parse_fen) {
        Some(amount) => Word::RefundDone { amount },
        None => unknown(format!("refunded, but reject_amt is {amount:?}")),
    }
}

#[cfg(test)]
#[path = "qrcode_tests.rs"]
mod tests;
