//! Which family of the platform answers for an ask or a notification. Writes and judges no text itself.

use super::{
    agreement_notice,
    fields::{Said, unknown},
    online, plate,
    plate_settings::PlateOrders,
    qrcode,
    settings::{IcbcSettings, Product},
};
use crate::bank::{About, Ask, NotifyError, PayWay, Word};

/// The families differ in what `pay_status` counts, so no answer is ever read by another's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    Qrcode,
    Online,
    Plate,
}

fn of(settings: &IcbcSettings, ask: &Ask) -> Result<Family, String> {
    match (ask, ask.way()) {
        (Ask::Collect { .. }, _) if !settings.payer_code => {
            Err("payer_code is off in the settings of this channel".to_owned())
        }
        (Ask::Collect { .. }, _) => Ok(Family::Qrcode),
        (Ask::Charge { .. }, _) => Ok(Family::Plate),
        (_, PayWay::Cashier) if settings.product == Product::Qrcode => Ok(Family::Qrcode),
        (_, PayWay::Cashier) => Ok(Family::Online),
        (_, PayWay::PayerCode) => Ok(Family::Qrcode),
        (_, PayWay::Plate) => match settings.plate.as_ref().map(|plates| plates.orders) {
            Some(PlateOrders::Qrcode) => Ok(Family::Qrcode),
            Some(PlateOrders::Online) => Ok(Family::Online),
            Some(PlateOrders::None) | None => Err(format!(
                "the settings (plate.orders) name no family that can {} a payment by plate",
                ask.name()
            )),
        },
    }
}

/// Whether this channel has no such question: only a person at the bank's portal can tell.
pub(super) fn is_unaskable(settings: &IcbcSettings, ask: &Ask) -> bool {
    let orders = settings.plate.as_ref().map_or(PlateOrders::None, |plates| plates.orders);
    ask.way() == PayWay::Plate && !matches!(ask, Ask::Charge { .. }) && orders == PlateOrders::None
}

/// Path and business text of an ask; an error means that nothing may be sent.
pub(super) fn call(settings: &IcbcSettings, ask: &Ask) -> Result<(String, String), String> {
    if ask.out_trade_no().is_empty() {
        return Err("the payment has no number".to_owned());
    }
    Ok(match of(settings, ask)? {
        Family::Qrcode => {
            (qrcode::path(settings.versions, ask)?, qrcode::biz_content(settings, ask)?)
        }
        Family::Online => {
            (online::path(settings.product, ask)?, online::biz_content(settings, ask)?)
        }
        Family::Plate => plate::charge(settings, ask)?,
    })
}

/// Judges the verified business text of an answer.
pub(super) fn word(settings: &IcbcSettings, ask: &Ask, content: &str) -> Word {
    match of(settings, ask) {
        Ok(Family::Qrcode) => qrcode::word(settings, ask, content),
        Ok(Family::Online) => online::word(settings, ask, content),
        Ok(Family::Plate) => plate::charged(settings, ask, content),
        Err(why) => unknown(why),
    }
}

/// What is asked at once after an answer that leaves something open.
pub(super) fn follow_up(settings: &IcbcSettings, ask: &Ask) -> Option<Ask> {
    match of(settings, ask) {
        Ok(Family::Online) => online::follow_up(ask),
        _ => None,
    }
}

/// What a verified notification says: the message's number, and of what it speaks.
///
/// The published one is of the online family, with `return_code` `0` for paid and no `pay_status`. A `pay_status` is read
/// by the words of the family whose call the notification names, and by nobody's where it names none that is known.
pub(super) fn notified(
    settings: &IcbcSettings,
    api: &str,
    content: &str,
) -> Result<(String, About), NotifyError> {
    let malformed = |what: &str| NotifyError::Malformed(what.to_owned());
    if let Some(told) = agreement_notice::read(settings, content) {
        return Ok(told);
    }
    let mut said: Said =
        serde_json::from_str(content).map_err(|e| NotifyError::Malformed(e.to_string()))?;
    if let Some(theirs) = said.mer_id.take_if(|theirs| *theirs != settings.mer_id) {
        return Err(NotifyError::Foreign { field: "mer_id", theirs });
    }
    let out_trade_no = said.out_trade_no.clone().filter(|no| !no.is_empty());
    let out_trade_no = out_trade_no.ok_or_else(|| malformed("it names no out_trade_no"))?;
    let msg_id = said.msg_id.clone().ok_or_else(|| malformed("it names no msg_id"))?;
    let word = match (said.return_code.as_deref(), &said.pay_status) {
        (Some("0") | None, Some(_)) if api.starts_with("/api/qrcode/") => qrcode::standing(said),
        (Some("0") | None, Some(_)) if api.starts_with("/api/cardbusiness/") => {
            online::standing(said)
        }
        (Some("0"), None) => said.paid(),
        (Some(code), None) if settings.notify_failed_codes.iter().any(|known| known == code) => {
            said.failed()
        }
        (code, status) => {
            unknown(format!("notified of {api:?} with return_code {code:?}, pay_status {status:?}"))
        }
    };
    Ok((msg_id, About::Payment { out_trade_no, word }))
}

#[cfg(test)]
#[path = "family_tests.rs"]
mod tests;
