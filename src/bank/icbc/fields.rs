//! Fields that the platform's families share: amounts, times, and what every answer is judged by. Knows no call.

use jiff::{Timestamp, civil::DateTime};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use tracing::warn;

use super::{envelope::ZONE, settings::IcbcSettings};
use crate::{
    bank::{Ask, Word},
    types::{Currency, Money, bank::Payer},
};

/// Whole fen as digits; an error for what is not an amount in yuan above zero.
pub(super) fn fen(amount: Money) -> Result<String, String> {
    if amount.currency != Currency::Cny || amount.minor <= 0 {
        return Err(format!("{amount} is not an amount in yuan above zero"));
    }
    Ok(amount.minor.to_string())
}

/// Digits only, at most 15: no sign, no point, no space.
pub(super) fn parse_fen(text: &str) -> Option<Money> {
    let digits = (1..=15).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().ok().map(|minor| Money::new(minor, Currency::Cny)))?
}

/// A text, or a whole number written without quotes.
pub(super) fn scalar<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
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

/// What answers and notifications may hold. A key given twice is an error.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Said {
    #[serde(deserialize_with = "scalar")]
    pub(super) return_code: Option<String>,
    pub(super) return_msg: Option<String>,
    #[serde(deserialize_with = "scalar")]
    pub(super) msg_id: Option<String>,
    #[serde(deserialize_with = "scalar")]
    pub(super) mer_id: Option<String>,
    #[serde(deserialize_with = "scalar")]
    pub(super) out_trade_no: Option<String>,
    #[serde(deserialize_with = "scalar")]
    pub(super) order_id: Option<String>,
    #[serde(deserialize_with = "scalar")]
    pub(super) pay_status: Option<String>,
    #[serde(deserialize_with = "scalar")]
    pub(super) pay_time: Option<String>,
    /// Who paid: the bank's number of them, or the wallet's.
    #[serde(deserialize_with = "scalar")]
    pub(super) cust_id: Option<String>,
    #[serde(deserialize_with = "scalar")]
    pub(super) open_id: Option<String>,
    #[serde(deserialize_with = "scalar")]
    pub(super) total_amt: Option<String>,
    pub(super) qrcode: Option<String>,
    #[serde(rename = "codeUrl")]
    pub(super) code_url: Option<String>,
    pub(super) wx_data_package: Option<String>,
    pub(super) zfb_data_package: Option<String>,
    pub(super) union_data_package: Option<String>,
    #[serde(deserialize_with = "scalar")]
    pub(super) reject_no: Option<String>,
    #[serde(deserialize_with = "scalar")]
    pub(super) reject_amt: Option<String>,
    pub(super) refund_json_list: Option<Value>,
}

/// What is said of one refund of a list.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RefundSaid {
    #[serde(deserialize_with = "scalar")]
    pub(super) reject_no: Option<String>,
    #[serde(deserialize_with = "scalar")]
    pub(super) reject_amt: Option<String>,
}

/// What is said of an agreement about a plate.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct PlateSaid {
    #[serde(deserialize_with = "scalar")]
    pub(super) return_code: Option<String>,
    pub(super) return_msg: Option<String>,
    pub(super) plateno: Option<String>,
    #[serde(deserialize_with = "scalar")]
    pub(super) platecolor: Option<String>,
    /// Whether there is an agreement.
    #[serde(deserialize_with = "scalar")]
    pub(super) prtoex: Option<String>,
    #[serde(deserialize_with = "scalar")]
    pub(super) startdate: Option<String>,
    pub(super) external_agreement_no: Option<String>,
    #[serde(deserialize_with = "scalar")]
    pub(super) agreement_no: Option<String>,
    #[serde(deserialize_with = "scalar")]
    pub(super) valid_time: Option<String>,
    #[serde(deserialize_with = "scalar")]
    pub(super) invalid_time: Option<String>,
}

impl Said {
    /// A verified answer that says success; `Err`: the word that anything else comes to.
    pub(super) fn read(settings: &IcbcSettings, ask: &Ask, content: &str) -> Result<Self, Word> {
        let said: Self = serde_json::from_str(content)
            .map_err(|e| unknown(format!("the bank's answer cannot be read: {e}")))?;
        match said.return_code.as_deref() {
            Some("0") => Ok(said),
            Some(code) => Err(refused(settings, ask, code, said.return_msg.as_deref())),
            None => Err(unknown("the bank's answer has no return_code")),
        }
    }

    /// It must name the payment that was asked about.
    pub(super) fn names(&self, ask: &Ask) -> Result<(), Word> {
        let (asked, named) = (ask.out_trade_no(), self.out_trade_no.as_deref());
        if named == Some(asked) {
            return Ok(());
        }
        warn!(out_trade_no = asked, named, "the bank's answer names another payment, or none");
        Err(unknown("the bank's answer does not name this payment"))
    }

    /// Paid needs an amount: one that cannot be read proves nothing. The time and the bank's number are
    /// for the books only, so they may be missing.
    pub(super) fn paid(self) -> Word {
        let Some(amount) = self.total_amt.as_deref().and_then(parse_fen) else {
            return unknown(format!("paid, but total_amt is {:?}", self.total_amt));
        };
        let paid_at = self.pay_time.as_deref().and_then(parse_time);
        let named = [&self.cust_id, &self.open_id];
        let payer = named.into_iter().flatten().find_map(|number| Payer::named(number));
        Word::Paid { amount, bank_no: self.order_id.unwrap_or_default(), paid_at, payer }
    }

    pub(super) fn failed(self) -> Word {
        let why = self.return_msg.filter(|why| !why.is_empty());
        Word::Failed { why: why.unwrap_or_else(|| "the bank gives no reason".to_owned()) }
    }
}

/// The text to show as a code or to open on the phone.
pub(super) fn cashier_link(link: Option<&str>) -> Word {
    match link {
        Some(link) if !link.is_empty() && !link.contains(char::is_control) => {
            Word::Cashier { link: link.to_owned() }
        }
        _ => unknown("the bank accepted the payment but gave no link"),
    }
}

fn refused(settings: &IcbcSettings, ask: &Ask, code: &str, why: Option<&str>) -> Word {
    let why = why.unwrap_or_default();
    let among = |codes: &[String]| codes.iter().any(|known| known == code);
    if among(&settings.no_order_codes) && matches!(ask, Ask::Reverse { .. }) {
        return Word::Reversed;
    }
    // A question that is refused says nothing about the payment or refund.
    let question = matches!(ask, Ask::Query { .. } | Ask::RefundQuery { .. });
    if among(&settings.final_refusal_codes) && !question {
        return Word::Refused { code: code.to_owned(), why: why.to_owned() };
    }
    let why = format!("return_code {code}: {why}");
    if among(&settings.no_order_codes) && matches!(ask, Ask::Query { .. }) {
        return Word::NoOrder { why };
    }
    unknown(why)
}

pub(super) fn unknown(why: impl Into<String>) -> Word {
    Word::Unknown { why: why.into() }
}

/// `yyyyMMddHHmmss` in the bank's zone.
pub(super) fn parse_time(text: &str) -> Option<Timestamp> {
    if text.len() != 14 || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let civil = DateTime::strptime("%Y%m%d%H%M%S", text).ok()?;
    ZONE.to_timestamp(civil).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn amounts_are_digits_only(text in "\\PC{0,20}", minor in 0..=999_999_999_999_999_i64) {
            let digits =
                !text.is_empty() && text.len() <= 15 && text.bytes().all(|b| b.is_ascii_digit());
            prop_assert_eq!(parse_fen(&text).is_some(), digits);
            let whole = Money::new(minor, Currency::Cny);
            prop_assert_eq!(parse_fen(&minor.to_string()), Some(whole));
        }
    }
}
