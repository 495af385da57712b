//! The gateway's side of the envelope: requests checked, answers, notifications and signatures written. Knows no
//! sockets; the time is an argument.

use jiff::{SignedDuration, Timestamp, civil::DateTime, tz};
use md5::{Digest, Md5};

use super::{
    SwiftpassGatewaySettings,
    text::{self, Pairs, value},
};
use crate::bank::{
    crypto::{GatewayKeys, Hash},
    words::{Collect, Generate, Notice, RefundLine, RefundStanding, Refusal, Said, Standing},
};

/// China's clock, the only one on this wire.
fn local(time: Timestamp) -> DateTime {
    tz::offset(8).to_datetime(time)
}

pub(super) fn stamp(time: Timestamp) -> String {
    local(time).strftime("%Y%m%d%H%M%S").to_string()
}

/// `a=1&b=2`: sorted, without the signature and without empty values.
fn signed_text(pairs: &Pairs) -> String {
    let mut kept: Vec<&(String, String)> =
        pairs.iter().filter(|(name, value)| name != "sign" && !value.is_empty()).collect();
    kept.sort();
    let mut text = String::new();
    for (name, value) in kept {
        let joint = if text.is_empty() { "" } else { "&" };
        text = [&text, joint, name, "=", value].concat();
    }
    text
}

fn md5(text: &str, key: &str) -> String {
    let hash = Md5::digest([text, "&key=", key].concat().as_bytes());
    hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>().to_uppercase()
}

/// Signs what the gateway says; `wrongly` as somebody else would.
pub(super) fn signed(
    settings: &SwiftpassGatewaySettings,
    keys: &GatewayKeys,
    mut pairs: Pairs,
    wrongly: bool,
) -> String {
    pairs.push(("sign_type".to_owned(), settings.sign_type().to_owned()));
    let mut text = signed_text(&pairs);
    if wrongly {
        text.push('x');
    }
    let sign =
        if settings.rsa { keys.gateway_sign_sha256(&text) } else { md5(&text, &settings.key) };
    pairs.push(("sign".to_owned(), sign));
    text::write(&pairs)
}

/// A refusal of the call itself, which carries no signature.
pub(super) fn unsigned(message: &str) -> String {
    text::write(&vec![
        ("status".to_owned(), "400".to_owned()),
        ("message".to_owned(), message.to_owned()),
    ])
}

/// Checks the envelope of a call; the error is its message.
pub(super) fn check(
    settings: &SwiftpassGatewaySettings,
    keys: &GatewayKeys,
    body: &str,
    version: &str,
) -> Result<Pairs, &'static str> {
    let pairs = text::read(body).ok_or("Parse xml error,please use UTF-8 encoded")?;
    if value(&pairs, "mch_id") != settings.mch_id {
        return Err("valid mch status fail");
    }
    if value(&pairs, "sign_type") != settings.sign_type() {
        return Err("unsupported sign method");
    }
    let (text, sign) = (signed_text(&pairs), value(&pairs, "sign"));
    let right = if settings.rsa {
        keys.merchant_signed(Hash::Sha256, &text, sign)
    } else {
        sign == md5(&text, &settings.key)
    };
    let nonce = value(&pairs, "nonce_str");
    match () {
        () if !right => Err("Signature error"),
        () if value(&pairs, "version") != version || value(&pairs, "charset") != "UTF-8" => {
            Err("version or charset is invalid")
        }
        () if nonce.is_empty() || nonce.len() > 32 => Err("nonce_str is invalid"),
        () => Ok(pairs),
    }
}

fn fen(text: &str) -> Option<i64> {
    text.parse().ok().filter(|fen| *fen > 0 && !text.starts_with('+'))
}

/// The order of a link. What has expired by the bank's clock is made, and cannot be paid.
pub(super) fn native(pairs: &Pairs, now: Timestamp) -> Option<Generate> {
    let read = |name: &str| {
        let civil = DateTime::strptime("%Y%m%d%H%M%S", value(pairs, name)).ok()?;
        tz::offset(8).to_timestamp(civil).ok()
    };
    let (start, expire) = (read("time_start")?, read("time_expire")?);
    let left = expire.duration_since(now).max(SignedDuration::ZERO);
    let named = !value(pairs, "body").is_empty() && !value(pairs, "mch_create_ip").is_empty();
    if !named || start >= expire {
        return None;
    }
    Some(Generate {
        out_trade_no: value(pairs, "out_trade_no").to_owned(),
        fen: fen(value(pairs, "total_fee"))?,
        subject: value(pairs, "body").to_owned(),
        expires_s: u32::try_from(left.as_secs()).unwrap_or_default(),
        notify_url: Some(value(pairs, "notify_url").to_owned()),
    })
}

pub(super) fn micropay(pairs: &Pairs) -> Option<Collect> {
    let named = !value(pairs, "body").is_empty() && !value(pairs, "mch_create_ip").is_empty();
    let fen = fen(value(pairs, "total_fee")).filter(|_| named)?;
    Some(Collect {
        out_trade_no: value(pairs, "out_trade_no").to_owned(),
        fen,
        subject: value(pairs, "body").to_owned(),
        code: value(pairs, "auth_code").to_owned(),
    })
}

/// Number and sum of a refund; the order's total must be named rightly too.
pub(super) fn refund(pairs: &Pairs) -> Option<(String, i64, i64)> {
    let refund_no = value(pairs, "out_refund_no");
    let named = !refund_no.is_empty() && !value(pairs, "op_user_id").is_empty();
    named.then_some(())?;
    Some((refund_no.to_owned(), fen(value(pairs, "refund_fee"))?, fen(value(pairs, "total_fee"))?))
}

/// The values of an answer, not yet signed.
pub(super) fn answer(
    settings: &SwiftpassGatewaySettings,
    base_url: &str,
    request: &Pairs,
    said: &Said,
) -> Pairs {
    let service = value(request, "service");
    let mut pairs: Pairs = Vec::new();
    let mut set = |name: &str, text: &str| pairs.push((name.to_owned(), text.to_owned()));
    set("version", "2.0");
    set("charset", "UTF-8");
    set("status", "0");
    set("mch_id", &settings.mch_id);
    set("nonce_str", value(request, "nonce_str"));
    let code = match said {
        Said::No(refusal) => Some(refusal_code(*refusal)),
        Said::Standing(standing) if service == "unified.trade.micropay" && standing.status == 0 => {
            Some(("USERPAYING", Some("Y")))
        }
        _ => None,
    };
    set("result_code", if code.is_some() { "1" } else { "0" });
    // What closes tells no more than that it did.
    if !matches!(said, Said::Reversed { .. }) {
        set("out_trade_no", value(request, "out_trade_no"));
    }
    if let Some((code, need_query)) = code {
        set("err_code", code);
        set(
            "err_msg",
            if let Said::No(refusal) = said { refusal.text() } else { "需要用户输入密码" },
        );
        if let Some(need_query) = need_query.filter(|_| service == "unified.trade.micropay") {
            set("need_query", need_query);
        }
        return pairs;
    }
    match said {
        Said::Cashier { token } => {
            let link = [base_url, "/cashier/", token].concat();
            set("code_url", &link);
            set("code_img_url", &[&link, ".png"].concat());
        }
        Said::Standing(standing) => {
            if service == "unified.trade.micropay" {
                set("pay_result", if standing.status == 1 { "0" } else { "1" });
            } else {
                set("trade_state", trade_state(standing));
            }
            pairs.extend(money(standing));
        }
        Said::Rejected { bank_no, reject_no, fen, .. } => {
            set("transaction_id", bank_no);
            set("out_refund_no", reject_no);
            set("refund_id", &[bank_no.as_str(), reject_no].concat());
            set("refund_channel", "ORIGINAL");
            set("refund_fee", &fen.to_string());
        }
        Said::Refunds { bank_no, refunds, .. } => {
            set("transaction_id", bank_no);
            pairs.extend(refund_lines(refunds, value(request, "out_refund_no")));
        }
        Said::Reversed { .. } | Said::No(_) => {}
    }
    pairs
}

/// The refunds of an order, numbered from 0; only the one `asked` for, if any is.
fn refund_lines(refunds: &[RefundLine], asked: &str) -> Pairs {
    let told = refunds.iter().filter(|refund| asked.is_empty() || asked == refund.refund_no);
    let mut pairs = Pairs::new();
    let mut count = 0;
    for refund in told {
        let status = match refund.standing {
            RefundStanding::UnderWay => "PROCESSING",
            RefundStanding::Done => "SUCCESS",
            RefundStanding::Failed => "FAIL",
        };
        pairs.push((format!("out_refund_no_{count}"), refund.refund_no.clone()));
        pairs.push((format!("refund_fee_{count}"), refund.fen.to_string()));
        pairs.push((format!("refund_status_{count}"), status.to_owned()));
        count += 1;
    }
    pairs.push(("refund_count".to_owned(), count.to_string()));
    pairs
}

/// `err_code`, and what a payer-code payment is told by `need_query`.
fn refusal_code(refusal: Refusal) -> (&'static str, Option<&'static str>) {
    match refusal {
        Refusal::NoSuchOrder | Refusal::NoSuchRefund => ("ORDERNOTEXIST", None),
        Refusal::OrderExists => ("OUT_TRADE_NO_USED", None),
        Refusal::AlreadyPaid => ("ORDERPAID", None),
        Refusal::NotPaid => ("ORDERSTATUSERROR", None),
        Refusal::RefundDiffers => ("refundInfo is exists", None),
        Refusal::RefundTooLarge => ("REFUND_FEE_INVALID", None),
        Refusal::BadCode => ("AUTH_CODE_INVALID", Some("N")),
        Refusal::NotEnough => ("NOTENOUGH", Some("N")),
        _ => ("SYSTEMERROR", Some("Y")),
    }
}

fn trade_state(standing: &Standing) -> &'static str {
    match (standing.status, standing.by_code) {
        (0, true) => "USERPAYING",
        (0, false) => "NOTPAY",
        (1, _) => "SUCCESS",
        (2, true) => "PAYERROR",
        (3, true) => "REVOKED",
        (2 | 3, false) => "CLOSED",
        _ => "REFUND",
    }
}

fn money(standing: &Standing) -> Pairs {
    let total = standing.total_fen.to_string();
    let kind = if standing.by_code { "pay.weixin.micropay" } else { "pay.weixin.native" };
    [
        ("trade_type", kind),
        ("transaction_id", &standing.bank_no),
        ("out_transaction_id", &["W", &standing.bank_no].concat()),
        ("total_fee", &total),
        ("cash_fee", &total),
        ("fee_type", "CNY"),
        ("bank_type", "OTHERS"),
        ("attach", ""),
        ("time_end", &standing.paid_at.map_or_else(String::new, stamp)),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

/// The values of a notification, not yet signed.
pub(super) fn notification(settings: &SwiftpassGatewaySettings, notice: &Notice) -> Pairs {
    let mut pairs: Pairs = [
        ("version", "2.0"),
        ("charset", "UTF-8"),
        ("status", "0"),
        ("result_code", "0"),
        ("pay_result", "0"),
        ("mch_id", &settings.mch_id),
        ("nonce_str", &notice.msg_id),
        ("out_trade_no", &notice.standing.out_trade_no),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    pairs.extend(money(&notice.standing));
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_md5_vector_is_made_here_too() {
        let golden = include_str!("../../../../tests/golden/swiftpass/md5.json");
        let golden: serde_json::Value = serde_json::from_str(golden).unwrap();
        let params = golden["params"].as_object().unwrap().iter();
        let pairs: Pairs = params
            .map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()))
            .collect();
        assert_eq!(signed_text(&pairs), golden["string_to_sign"].as_str().unwrap());
        let sign = md5(&signed_text(&pairs), golden["key"].as_str().unwrap());
        assert_eq!(sign, golden["sign"].as_str().unwrap());
    }
}
