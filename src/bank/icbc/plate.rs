//! Payments from what is bound to a plate: the licence-plate family (车牌付) and the pass-free one (免密支付). Writes the
//! business texts and judges the answers. Knows no signatures and no wire.
//!
//! The platform publishes neither a query nor a refund of such a payment by its own family, so both go to the family
//! that the settings name; without one a payment is decided by its answer or its notification.

use std::borrow::Cow;

use jiff::Timestamp;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::{
    envelope::ZONE,
    fields::{PlateSaid, Said, fen, parse_time, unknown},
    plate_settings::{PlateAnswer, PlateProduct, PlateSettings},
    settings::IcbcSettings,
};
use crate::{
    bank::{AgreementAsk, AgreementWord, Ask, SignAsk, Word},
    types::Plate,
};

/// Our number of a plate's pass-free agreement: the same at every question, and tells nobody the plate.
fn external_no(merchant: &str, plate: &Plate) -> String {
    let hash = Sha256::digest(format!("{merchant}\0{}", plate.full()));
    let hex: String = hash.iter().take(14).map(|byte| format!("{byte:02x}")).collect();
    format!("PF{hex}")
}

/// Whether our number of an agreement is of this plate.
pub(super) fn is_named(settings: &IcbcSettings, number: &str, plate: &Plate) -> bool {
    let plates = settings.plate.as_ref();
    plates.is_some_and(|plates| external_no(plates.merchant_id(settings), plate) == number)
}

/// Path and business text of a charge.
pub(super) fn charge(settings: &IcbcSettings, ask: &Ask) -> Result<(String, String), String> {
    let Some(plates) = &settings.plate else {
        return Err("this channel takes nothing by the plate".to_owned());
    };
    let Ask::Charge { out_trade_no, amount, subject, plate, agreement, asked_at, .. } = ask else {
        return Err(format!("this family cannot {}", ask.name()));
    };
    let mut biz = json!({
        "consumer_id": plates.consumer_id,
        "order_date": ZONE.to_datetime(*asked_at).strftime("%Y%m%d%H%M%S").to_string(),
        "order_id": out_trade_no,
        "amount": fen(*amount)?,
        "merchant_id": plates.merchant_id(settings),
        "merchant_acct": plates.merchant_acct,
        "merchant_type": plates.merchant_type,
        "goods_id": plates.goods_id,
        "goods_name": subject,
        "goods_num": "1",
        "carriage_amt": "0",
        "timeout": plates.timeout_s.to_string(),
        "extend_params": "",
    });
    if plates.product == PlateProduct::Passfree {
        biz["external_agreement_no"] = external_no(plates.merchant_id(settings), plate).into();
        biz["agreement_no"] = agreement.as_deref().unwrap_or_default().into();
        for (name, value) in &plates.pay_fields {
            biz[name] = value.as_str().into();
        }
        let path = format!("/api/b2c/passfree/payment/pay/V{}", plates.pay_version);
        return Ok((path, biz.to_string()));
    }
    // The colour that the question about the plate was answered for goes along with the agreement.
    let asked_for = agreement.as_deref().and_then(|text| text.rsplit_once('/')).map(|(_, c)| c);
    biz["plateno"] = plate.full().into();
    biz["platecolor"] = asked_for.unwrap_or_else(|| plates.colour(plate, None)).into();
    biz["pay_type"] = plates.pay_type.as_str().into();
    biz["areacode"] = plates.areacode.as_str().into();
    biz["secorder_flag"] = plates.secorder_flag.as_str().into();
    biz["merUrl"] = settings.notify_url.as_str().into();
    Ok(("/api/b2c/licenseplate/payment/pay/V3".to_owned(), biz.to_string()))
}

/// Judges the verified answer to a charge.
pub(super) fn charged(settings: &IcbcSettings, ask: &Ask, content: &str) -> Word {
    let said = match Said::read(settings, ask, content) {
        Ok(said) => said,
        Err(word) => return word,
    };
    // In this family `order_id` is our own number.
    if said.order_id.as_deref() != Some(ask.out_trade_no()) {
        return unknown("the bank's answer does not name this payment");
    }
    match settings.plate.as_ref().map(|plates| plates.answer) {
        Some(PlateAnswer::Accepted) => Word::Accepted,
        _ => match said.paid() {
            Word::Paid { amount, paid_at, payer, .. } => {
                Word::Paid { amount, bank_no: String::new(), paid_at, payer }
            }
            other => other,
        },
    }
}

/// Path and business text of a question about an agreement, or of its end.
pub(super) fn agreement(
    settings: &IcbcSettings,
    ask: &AgreementAsk,
    end: bool,
) -> Result<(String, String), String> {
    let Some(plates) = &settings.plate else {
        return Err("this channel takes nothing by the plate".to_owned());
    };
    let merchant_id = plates.merchant_id(settings);
    let (consumer_id, merchant_type) = (&plates.consumer_id, &plates.merchant_type);
    match (plates.product, end) {
        (PlateProduct::Licenseplate, true) => {
            Err("the bank ends such an agreement in its own app only".to_owned())
        }
        (PlateProduct::Licenseplate, false) => {
            let biz = json!({
                "consumer_id": consumer_id, "merchant_id": merchant_id,
                "merchant_type": merchant_type, "plateno": ask.plate.full(),
                "platecolor": plates.colour(&ask.plate, ask.colour),
                "areacode": plates.areacode, "mimsSend": plates.mims_send,
            });
            Ok(("/api/b2c/licenseplate/payment/query/V3".to_owned(), biz.to_string()))
        }
        (PlateProduct::Passfree, end) => {
            let biz = json!({
                "consumer_id": consumer_id, "merchant_id": merchant_id,
                "external_agreement_no": external_no(merchant_id, &ask.plate),
                "agreement_no": "", "merchant_type": merchant_type,
            });
            let call = if end { "terminate" } else { "query" };
            Ok((format!("/api/b2c/passfree/payment/{call}/V1"), biz.to_string()))
        }
    }
}

/// Judges the verified answer to a question about an agreement.
pub(super) fn agreed(
    settings: &IcbcSettings,
    ask: &AgreementAsk,
    end: bool,
    now: Timestamp,
    content: &str,
) -> AgreementWord {
    let unknown = |why: String| AgreementWord::Unknown { why };
    let Some(plates) = &settings.plate else {
        return unknown("this channel takes nothing by the plate".to_owned());
    };
    let said: PlateSaid = match serde_json::from_str(content) {
        Ok(said) => said,
        Err(e) => return unknown(format!("the bank's answer cannot be read: {e}")),
    };
    let Some(code) = said.return_code.as_deref() else {
        return unknown("the bank's answer has no return_code".to_owned());
    };
    if code != "0" {
        let why = format!("return_code {code}: {}", said.return_msg.unwrap_or_default());
        let among = |codes: &[String]| codes.iter().any(|known| known == code);
        return match (among(&plates.unbound_codes), among(&plates.paused_codes)) {
            (true, _) => AgreementWord::None { why },
            (false, true) => AgreementWord::Paused { why },
            (false, false) => AgreementWord::Unknown { why },
        };
    }
    match (plates.product, end) {
        (_, true) => AgreementWord::None { why: "ended".to_owned() },
        (PlateProduct::Licenseplate, false) => bound_plate(plates, ask, &said),
        (PlateProduct::Passfree, false) => bound_number(settings, plates, ask, now, &said),
    }
}

/// The agreement is named by the day it began and its colour: a plate that is bound anew has another.
fn bound_plate(plates: &PlateSettings, ask: &AgreementAsk, said: &PlateSaid) -> AgreementWord {
    if said.plateno.as_deref() != Some(ask.plate.full()) {
        return AgreementWord::Unknown { why: "the bank's answer names another plate".to_owned() };
    }
    let asked_for = plates.colour(&ask.plate, ask.colour);
    let colour = said.platecolor.as_deref().filter(|c| !c.is_empty()).unwrap_or(asked_for);
    let prtoex = said.prtoex.clone().unwrap_or_default();
    let why = format!("prtoex {prtoex:?}");
    if colour != asked_for {
        return AgreementWord::None { why: format!("bound for a plate of colour {colour}") };
    }
    if plates.bound_values.contains(&prtoex) {
        let began = said.startdate.as_deref().unwrap_or_default();
        return AgreementWord::Bound { agreement: Some(format!("{began}/{colour}")) };
    }
    if plates.unbound_values.contains(&prtoex) {
        return AgreementWord::None { why };
    }
    AgreementWord::Unknown { why }
}

fn bound_number(
    settings: &IcbcSettings,
    plates: &PlateSettings,
    ask: &AgreementAsk,
    now: Timestamp,
    said: &PlateSaid,
) -> AgreementWord {
    let ours = external_no(plates.merchant_id(settings), &ask.plate);
    if said.external_agreement_no.as_deref().is_some_and(|theirs| theirs != ours) {
        return AgreementWord::Unknown { why: "the bank's answer names another plate".to_owned() };
    }
    let Some(number) = said.agreement_no.clone().filter(|number| !number.is_empty()) else {
        return AgreementWord::None { why: "no agreement_no".to_owned() };
    };
    let limit = |text: &Option<String>| match text.as_deref() {
        None | Some("") => Ok(None),
        Some(text) => parse_time(text).map(Some).ok_or_else(|| format!("the time {text:?}")),
    };
    match (limit(&said.valid_time), limit(&said.invalid_time)) {
        (Err(what), _) | (_, Err(what)) => {
            AgreementWord::Unknown { why: format!("{what} of the agreement cannot be read") }
        }
        (Ok(from), _) if from.is_some_and(|from| now < from) => {
            AgreementWord::Paused { why: "the agreement does not hold yet".to_owned() }
        }
        (_, Ok(till)) if till.is_some_and(|till| till <= now) => {
            AgreementWord::None { why: "the agreement is over".to_owned() }
        }
        _ => AgreementWord::Bound { agreement: Some(number) },
    }
}

/// Path and business text of the form that takes a driver to the signing page.
pub(super) fn signing(settings: &IcbcSettings, ask: &SignAsk) -> Option<(String, String)> {
    let plates = settings.plate.as_ref().filter(|plates| plates.signs())?;
    if ask.plate.is_virtual() {
        return None;
    }
    if plates.product == PlateProduct::Passfree {
        let merchant_id = plates.merchant_id(settings);
        let number = external_no(merchant_id, &ask.plate);
        let biz = json!({
            "external_id": number, "sign_validity_period": plates.sign_validity_period,
            "merchant_id": merchant_id, "external_agreement_no": number,
            "merchant_acct": plates.merchant_acct, "merchant_type": plates.merchant_type,
            "support_card_type": plates.support_card_type, "return_url": ask.back_url,
            "notify_url": settings.notify_url, "merchant_var": "",
        });
        return Some(("/ui/b2c/passfree/agreement/sign/V1".to_owned(), biz.to_string()));
    }
    // What the page reads is a query string of its own, in GBK.
    let mut tran_data = form_urlencoded::Serializer::new(String::new());
    tran_data.encoding_override(Some(&gbk));
    tran_data
        .append_pair("ePayMobilePlate", &ask.mobile)
        .append_pair("clientBackUrl", &ask.back_url)
        .append_pair("plateno", ask.plate.full())
        .append_pair("platenoColor", plates.colour(&ask.plate, ask.colour))
        .append_pair("merBackURL", &settings.notify_url);
    let biz = json!({
        "interfaceName": "ICBC_LICENSE_PLATE_PAY",
        "interfaceVersion": "1.0.0.1",
        "tranData": tran_data.finish(),
    });
    let path = format!("/ui/b2c/ui/licenseplate/payment/agreement/V{}", plates.sign_version);
    Some((path, biz.to_string()))
}

fn gbk(text: &str) -> Cow<'_, [u8]> {
    encoding_rs::GBK.encode(text).0
}

#[cfg(test)]
#[path = "plate_tests.rs"]
mod tests;
