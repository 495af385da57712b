//! Notifications of WeChat: verified, opened, and read for whom they are. Decides nothing.

use jiff::Timestamp;
use serde::Deserialize;

use super::{
    parking::{EntranceChange, Transaction},
    settings::WechatSettings,
    sign::{self, Keys, Signed},
};
use crate::bank::{About, Letter, Notification, NotifyError};

#[derive(Debug, Deserialize)]
struct Envelope {
    id: String,
    event_type: String,
    resource: Resource,
}

#[derive(Debug, Deserialize)]
struct Resource {
    algorithm: String,
    ciphertext: String,
    #[serde(default)]
    associated_data: Option<String>,
    nonce: String,
}

/// Verifies a notification and reads it.
pub(super) fn read(
    settings: &WechatSettings,
    keys: &Keys,
    now: Timestamp,
    letter: &Letter<'_>,
) -> Result<Notification, NotifyError> {
    let malformed = |what: String| NotifyError::Malformed(what);
    let body = std::str::from_utf8(letter.body).map_err(|e| malformed(e.to_string()))?;
    let signed = Signed::from(|name| letter.header(name));
    signed.check(keys, now, settings.clock_window_s, body).map_err(|why| {
        tracing::warn!(why, "a notification of WeChat is not believed");
        NotifyError::BadSignature {
            came_on: letter.path.to_owned(),
            registered: settings.notify_path().unwrap_or_default().to_owned(),
        }
    })?;
    let envelope: Envelope =
        serde_json::from_str(body).map_err(|e| malformed(format!("its envelope: {e}")))?;
    let resource = &envelope.resource;
    if resource.algorithm != "AEAD_AES_256_GCM" {
        return Err(malformed(format!("it is sealed by {:?}", resource.algorithm)));
    }
    let associated = resource.associated_data.as_deref().unwrap_or_default();
    let plain = sign::open(&keys.apiv3, &resource.nonce, associated, &resource.ciphertext);
    let plain = plain.ok_or_else(|| {
        malformed("it is sealed, and not with the key in the settings (apiv3_key_file)".to_owned())
    })?;
    let about = about(settings, &envelope.event_type, &plain)?;
    Ok(Notification { msg_id: envelope.id, about, encrypted: true })
}

fn about(settings: &WechatSettings, event: &str, plain: &str) -> Result<About, NotifyError> {
    let malformed = |e: serde_json::Error| NotifyError::Malformed(format!("{event}: {e}"));
    let missing = |name: &str| NotifyError::Malformed(format!("{event} names no {name}"));
    match event {
        "TRANSACTION.SUCCESS" | "TRANSACTION.FAIL" | "TRANSACTION.PAY_BACK" => {
            let said: Transaction = serde_json::from_str(plain).map_err(malformed)?;
            let mchids = [said.mchid.as_ref(), said.sp_mchid.as_ref()];
            ours(settings, mchids, said.sub_mchid.as_ref())?;
            let word = said.word();
            let out_trade_no = said.out_trade_no.filter(|no| !no.is_empty());
            let out_trade_no = out_trade_no.ok_or_else(|| missing("out_trade_no"))?;
            Ok(About::Payment { out_trade_no, word })
        }
        "VEHICLE.ENTRANCE_STATE_CHANGE" => {
            let said: EntranceChange = serde_json::from_str(plain).map_err(malformed)?;
            let mchids = [said.mchid.as_ref(), said.sp_mchid.as_ref()];
            ours(settings, mchids, said.sub_mchid.as_ref())?;
            let word = said.word();
            let stay_no = said.out_parking_no.ok_or_else(|| missing("out_parking_no"))?;
            Ok(About::Stay { stay_no, word })
        }
        other => Ok(About::Nothing { what: other.chars().take(100).collect() }),
    }
}

/// Those that are named must be ours.
fn ours(
    settings: &WechatSettings,
    mchids: [Option<&String>; 2],
    sub_mchid: Option<&String>,
) -> Result<(), NotifyError> {
    let foreign = |field, theirs: &str| NotifyError::Foreign { field, theirs: theirs.to_owned() };
    if let Some(theirs) = mchids.into_iter().flatten().find(|theirs| **theirs != settings.mchid) {
        return Err(foreign("mchid", theirs));
    }
    match sub_mchid {
        Some(theirs) if settings.sub_mchid.as_ref() != Some(theirs) => {
            Err(foreign("sub_mchid", theirs))
        }
        _ => Ok(()),
    }
}
