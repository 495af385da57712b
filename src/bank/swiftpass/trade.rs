//! Payments and refunds: the values of the questions and what signed answers mean. Knows no XML, no signature and no
//! wire. Amounts are whole fen as digits.
//!
//! An answer has two levels: `status` says whether the call was taken, `result_code` whether it was done. Only `0` and
//! `0` is a success. A payer-code payment that was not done is a failure only where the gateway says `need_query` `N`;
//! without that word it may still go through, and is asked about.

use jiff::{SignedDuration, Timestamp, civil::DateTime, tz::Offset};
use tracing::warn;

use super::{
    settings::SwiftpassSettings,
    xml::{Values, printable},
};
use crate::{
    bank::{Ask, NotifyError, PayWay, Word},
    types::{
        Currency, Money, PayerCode,
        bank::{Payer, Scanner},
    },
};

/// The zone of every time on this wire.
pub(super) const ZONE: Offset = Offset::constant(8);

const BODY_BYTES_MAX: usize = 127;

/// `trade_state` of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TradeState {
    Success,
    /// Some or all of it was given back.
    Refund,
    NotPay,
    Closed,
    Reverse,
    Revoked,
    /// The payer is being asked for a password.
    UserPaying,
    PayError,
}

impl TradeState {
    /// `None` for a word nobody has published.
    pub fn from_code(code: &str) -> Option<Self> {
        Some(match code {
            "SUCCESS" => Self::Success,
            "REFUND" => Self::Refund,
            "NOTPAY" => Self::NotPay,
            "CLOSED" => Self::Closed,
            "REVERSE" => Self::Reverse,
            "REVOKED" => Self::Revoked,
            "USERPAYING" => Self::UserPaying,
            "PAYERROR" => Self::PayError,
            _ => return None,
        })
    }
}

/// The service a question is put to.
fn service(ask: &Ask) -> Result<&'static str, String> {
    Ok(match ask {
        Ask::Generate { .. } => "unified.trade.native",
        Ask::Collect { .. } => "unified.trade.micropay",
        Ask::Query { .. } => "unified.trade.query",
        Ask::Reverse { way: PayWay::PayerCode, .. } => "unified.micropay.reverse",
        Ask::Reverse { .. } => "unified.trade.close",
        Ask::Refund { .. } => "unified.trade.refund",
        Ask::RefundQuery { .. } => "unified.trade.refundquery",
        Ask::Charge { .. } => return Err("this channel takes nothing by the plate".to_owned()),
    })
}

/// The values of a question, not yet signed; an error means that nothing may be sent.
pub(super) fn values(settings: &SwiftpassSettings, ask: &Ask) -> Result<Values, String> {
    let mut values = Values::new();
    let mut set = |name: &str, value: String| {
        if !value.is_empty() {
            values.insert(name.to_owned(), value);
        }
    };
    set("service", service(ask)?.to_owned());
    set("version", "2.0".to_owned());
    set("charset", "UTF-8".to_owned());
    set("sign_type", settings.sign_type.code().to_owned());
    set("mch_id", settings.mch_id.clone());
    set("out_trade_no", number("the payment", ask.out_trade_no())?);
    match ask {
        Ask::Generate { amount, subject, expires_in_s, asked_at, .. } => {
            set("body", body(subject));
            set("total_fee", fen(*amount)?);
            set("mch_create_ip", settings.create_ip.clone());
            set("device_info", settings.device_info.clone());
            set("notify_url", settings.notify_url.clone());
            let lives = SignedDuration::from_secs(settings.pay_expire_s.min(*expires_in_s).into());
            set("time_start", stamp(*asked_at));
            set("time_expire", stamp(asked_at.saturating_add(lives).unwrap_or(*asked_at)));
        }
        Ask::Collect { amount, subject, code, scanner, .. } => {
            set("body", body(subject));
            set("total_fee", fen(*amount)?);
            set("mch_create_ip", settings.create_ip.clone());
            set("device_info", settings.device_info.clone());
            set("auth_code", code.digits().to_owned());
            set("terminal_info", terminal_info(settings, scanner.as_ref(), code));
        }
        Ask::Refund { refund_no, amount, paid, .. } => {
            set("out_refund_no", number("the refund", refund_no)?);
            set("total_fee", fen(*paid)?);
            set("refund_fee", fen(*amount)?);
            set("op_user_id", settings.op_user_id.as_ref().unwrap_or(&settings.mch_id).clone());
            set("refund_channel", "ORIGINAL".to_owned());
        }
        Ask::RefundQuery { refund_no, .. } => {
            set("out_refund_no", number("the refund", refund_no)?)
        }
        Ask::Query { .. } | Ask::Reverse { .. } | Ask::Charge { .. } => {}
    }
    Ok(values)
}

/// 5 to 32 letters, digits and `_`.
fn number(of: &str, text: &str) -> Result<String, String> {
    let fits = (5..=32).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if fits {
        Ok(text.to_owned())
    } else {
        Err(format!("the number of {of}, {text:?}, does not fit: 5 to 32 letters, digits, _"))
    }
}

/// What the payer reads, cut at a whole letter.
fn body(subject: &str) -> String {
    let mut body = printable(subject);
    let fits = body.floor_char_boundary(BODY_BYTES_MAX);
    body.truncate(fits);
    if body.trim().is_empty() { "-".to_owned() } else { body }
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

fn stamp(at: Timestamp) -> String {
    ZONE.to_datetime(at).strftime("%Y%m%d%H%M%S").to_string()
}

/// `yyyyMMddHHmmss` in the bank's zone.
fn parse_time(text: &str) -> Option<Timestamp> {
    if text.len() != 14 || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let civil = DateTime::strptime("%Y%m%d%H%M%S", text).ok()?;
    ZONE.to_timestamp(civil).ok()
}

fn unknown(why: impl Into<String>) -> Word {
    Word::Unknown { why: why.into() }
}

/// The values of a verified answer.
struct Said<'a>(&'a Values);

impl Said<'_> {
    /// The value; empty where there is none.
    fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    fn why(&self) -> String {
        let names = ["message", "err_code", "err_msg"];
        let told: Vec<&str> =
            names.map(|name| self.get(name)).into_iter().filter(|text| !text.is_empty()).collect();
        told.join(" ")
    }

    fn among(&self, codes: &[String]) -> bool {
        let told = ["err_code", "err_msg", "message", "code"].map(|name| self.get(name));
        codes.iter().any(|code| told.contains(&code.as_str()))
    }
}

/// What is told of the scanner that read a payer's code; empty: nothing.
fn terminal_info(
    settings: &SwiftpassSettings,
    scanner: Option<&Scanner>,
    code: &PayerCode,
) -> String {
    let own = scanner.and_then(|scanner| settings.terminals.get(&scanner.place));
    let secret = scanner.and_then(|scanner| scanner.secret_text.as_deref()).unwrap_or_default();
    let told = own.unwrap_or(&settings.terminal_info).replace("{code6}", code.last_six());
    told.replace("{secret}", secret)
}

/// Judges the verified values of an answer.
pub(super) fn word(settings: &SwiftpassSettings, ask: &Ask, values: &Values) -> Word {
    let said = Said(values);
    let done = said.get("status") == "0" && said.get("result_code") == "0";
    // A refusal may leave them out; a success that is about one payment may not, see below.
    for (name, ours) in [("mch_id", settings.mch_id.as_str()), ("out_trade_no", ask.out_trade_no())]
    {
        let theirs = said.get(name);
        if !theirs.is_empty() && theirs != ours {
            warn!(name, ours, theirs, "the bank's answer is about something else");
            return unknown(format!("the bank's answer has another {name}"));
        }
    }
    if !done {
        return not_done(settings, ask, &said);
    }
    if let Ask::Generate { .. } = ask {
        return cashier(&said);
    }
    // Closing and reversing answer with no more than their success.
    let named = !said.get("out_trade_no").is_empty() || matches!(ask, Ask::Reverse { .. });
    if !named || said.get("mch_id").is_empty() {
        return unknown("the bank's answer does not name this payment");
    }
    match ask {
        Ask::Query { .. } => standing(&said),
        Ask::Collect { .. } => collected(&said),
        Ask::Reverse { .. } => Word::Reversed,
        Ask::Refund { refund_no, .. } => accepted(&said, refund_no),
        Ask::RefundQuery { refund_no, .. } => refund_standing(settings, &said, refund_no),
        Ask::Generate { .. } | Ask::Charge { .. } => {
            unknown(format!("an answer to {}, which is not asked here", ask.name()))
        }
    }
}

fn not_done(settings: &SwiftpassSettings, ask: &Ask, said: &Said<'_>) -> Word {
    let (status, result) = (said.get("status"), said.get("result_code"));
    let why = said.why();
    if status.is_empty() || (status == "0" && result.is_empty()) {
        return unknown("the bank's answer has no status or no result_code");
    }
    if status == "0" && matches!(ask, Ask::Collect { .. }) {
        return not_collected(said, why);
    }
    if matches!(ask, Ask::Reverse { .. })
        && (said.among(&settings.no_order_codes) || said.among(&settings.closed_codes))
    {
        return Word::Reversed;
    }
    // A refused query says nothing about the payment.
    let asks_only = matches!(ask, Ask::Query { .. } | Ask::RefundQuery { .. });
    if said.among(&settings.final_refusal_codes) && !asks_only {
        return Word::Refused { code: said.get("err_code").to_owned(), why };
    }
    let why = format!("status {status}, result_code {result:?}: {why}");
    if matches!(ask, Ask::Query { .. }) && said.among(&settings.no_order_codes) {
        return Word::NoOrder { why };
    }
    unknown(why)
}

fn not_collected(said: &Said<'_>, why: String) -> Word {
    if said.get("err_code") == "USERPAYING" {
        return Word::Paying;
    }
    match said.get("need_query") {
        "N" => Word::Failed { why },
        _ => unknown(format!("not known yet whether it was collected: {why}")),
    }
}

fn collected(said: &Said<'_>) -> Word {
    match (said.get("pay_result"), said.get("err_code"), said.get("need_query")) {
        ("0", ..) => paid(said),
        (_, "USERPAYING", _) => Word::Paying,
        ("", ..) => unknown("the bank's answer has no pay_result"),
        (_, _, "N") => Word::Failed { why: said.why() },
        (other, ..) => unknown(format!("pay_result {other}: {}", said.why())),
    }
}

fn cashier(said: &Said<'_>) -> Word {
    match said.get("code_url") {
        link if !link.is_empty() && !link.contains(char::is_control) => {
            Word::Cashier { link: link.to_owned() }
        }
        _ => unknown("the bank accepted the payment but gave no link"),
    }
}

fn standing(said: &Said<'_>) -> Word {
    let code = said.get("trade_state");
    let Some(state) = TradeState::from_code(code) else {
        return unknown(format!("trade_state {code:?} is not known"));
    };
    match state {
        TradeState::Success => paid(said),
        TradeState::Refund => Word::Refunded,
        TradeState::NotPay | TradeState::UserPaying => Word::Paying,
        TradeState::Closed | TradeState::Reverse | TradeState::Revoked => Word::Reversed,
        TradeState::PayError => Word::Failed { why: format!("PAYERROR {}", said.why()) },
    }
}

/// Paid needs an amount: one that cannot be read proves nothing. The time and the bank's number are for the books only,
/// so they may be missing.
fn paid(said: &Said<'_>) -> Word {
    let currency = said.get("fee_type");
    let Some(amount) = parse_fen(said.get("total_fee")).filter(|_| matches!(currency, "" | "CNY"))
    else {
        let total = said.get("total_fee");
        return unknown(format!("paid, but total_fee is {total:?} {currency}"));
    };
    let (bank_no, paid_at) =
        (said.get("transaction_id").to_owned(), parse_time(said.get("time_end")));
    Word::Paid { amount, bank_no, paid_at, payer: Payer::named(said.get("openid")) }
}

/// Accepted is not yet given back: that is the refund query's to say.
fn accepted(said: &Said<'_>, refund_no: &str) -> Word {
    let named = said.get("out_refund_no");
    if named == refund_no {
        Word::Refunding
    } else {
        unknown(format!("the bank's answer names refund {named:?}"))
    }
}

fn refund_standing(settings: &SwiftpassSettings, said: &Said<'_>, refund_no: &str) -> Word {
    // The values of the refunds are numbered from 0; the numbers may have gaps.
    let numbered = said.0.iter().filter_map(|(name, value)| {
        (value == refund_no).then(|| name.strip_prefix("out_refund_no_"))?
    });
    let mut found = numbered.map(|n| {
        let state = said.get(&format!("refund_status_{n}"));
        (state, parse_fen(said.get(&format!("refund_fee_{n}"))))
    });
    let (Some((state, amount)), None) = (found.next(), found.next()) else {
        return unknown("the bank's answer does not name this refund once");
    };
    match (state, amount) {
        ("SUCCESS", Some(amount)) => Word::RefundDone { amount },
        ("SUCCESS", None) => unknown("refunded, but the amount cannot be read"),
        ("PROCESSING", _) => Word::Refunding,
        (failed, _) if settings.refund_failed_states.iter().any(|known| known == failed) => {
            Word::Refused { code: failed.to_owned(), why: said.why() }
        }
        // NOTSURE: the same refund, with the same number, is to be asked for again.
        (other, _) => unknown(format!("refund_status {other:?}")),
    }
}

/// What a verified notification says: our number, the message's number, the word.
///
/// A notification has no number of its own: the bank's number of the payment stands for it.
pub(super) fn notified(
    settings: &SwiftpassSettings,
    values: &Values,
) -> Result<(String, String, Word), NotifyError> {
    let said = Said(values);
    let theirs = said.get("mch_id");
    if theirs != settings.mch_id {
        return Err(NotifyError::Foreign { field: "mch_id", theirs: theirs.to_owned() });
    }
    let out_trade_no = said.get("out_trade_no").to_owned();
    if out_trade_no.is_empty() {
        return Err(NotifyError::Malformed("it names no out_trade_no".to_owned()));
    }
    let codes = ["status", "result_code", "pay_result"].map(|name| said.get(name));
    let word = match codes {
        ["0", "0", "0"] => paid(&said),
        // Only payments are notified: another word is looked up by a query.
        [..] => unknown(format!("notified with status, result_code, pay_result {codes:?}")),
    };
    Ok((out_trade_no, said.get("transaction_id").to_owned(), word))
}

#[cfg(test)]
#[path = "trade_tests.rs"]
mod tests;
