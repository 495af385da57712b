//! Alipay's envelope around every call and notification, signed with RSA2. Knows nothing of what is inside.
//!
//! ```text
//! request      = k=v & k=v ...   sorted, empty values and `sign` left out, values as they are     the application's key
//! answer       = {"<method>_response":<signed bytes>,"sign":"<base64>"}                            Alipay's key
//! notification = k=v & k=v ...   sorted, without `sign` and `sign_type`, values url-decoded        Alipay's key
//! ```
//!
//! What Alipay signed of an answer are the raw bytes of its node, so they are cut out of the text, and only they are read.

use std::{borrow::Cow, collections::BTreeMap};

use jiff::{Timestamp, civil::DateTime, tz::Offset};
use serde::Deserialize;

use super::settings::AlipaySettings;
use crate::bank::{
    NotifyError,
    keys::{GatewayKey, MerchantKey, RsaHash},
};

/// The zone of every time on this wire.
const ZONE: Offset = Offset::constant(8);

/// What an application signs with and believes.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    pub(super) merchant: MerchantKey,
    pub(super) gateway: GatewayKey,
}

pub(super) type Pairs = BTreeMap<String, String>;

/// A time as this wire writes it.
pub(super) fn time(at: Timestamp) -> String {
    ZONE.to_datetime(at).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

pub(super) fn parse_time(text: &str) -> Option<Timestamp> {
    let civil = DateTime::strptime("%Y-%m-%d %H:%M:%S", text).ok()?;
    ZONE.to_timestamp(civil).ok()
}

fn string_to_sign(pairs: &Pairs) -> String {
    let kept = pairs.iter().filter(|(name, value)| *name != "sign" && !value.is_empty());
    kept.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

/// The form of one call, signed. `None` only when the system has no randomness or the key is broken.
pub(super) fn seal(
    settings: &AlipaySettings,
    keys: &Keys,
    method: &str,
    now: Timestamp,
    biz_content: &str,
) -> Option<String> {
    let mut pairs = Pairs::new();
    let mut set = |name: &str, value: &str| pairs.insert(name.to_owned(), value.to_owned());
    set("app_id", &settings.app_id);
    set("method", method);
    set("format", "JSON");
    set("charset", "utf-8");
    set("sign_type", "RSA2");
    set("timestamp", &time(now));
    set("version", "1.0");
    set("notify_url", &settings.notify_url);
    set("biz_content", biz_content);
    let optional = [
        ("app_auth_token", &settings.app_auth_token),
        ("app_cert_sn", &settings.app_cert_sn),
        ("alipay_root_cert_sn", &settings.alipay_root_cert_sn),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            set(name, value);
        }
    }
    let sign = keys.merchant.sign(RsaHash::Sha256, &string_to_sign(&pairs))?;
    pairs.insert("sign".to_owned(), sign);
    let kept = pairs.iter().filter(|(_, value)| !value.is_empty());
    Some(form_urlencoded::Serializer::new(String::new()).extend_pairs(kept).finish())
}

/// The node of an answer, verified; else why nothing can be concluded.
pub(super) fn open(keys: &Keys, method: &str, reply: &str) -> Result<String, String> {
    #[derive(Deserialize)]
    struct Outer {
        sign: Option<String>,
    }
    let outer: Outer =
        serde_json::from_str(reply).map_err(|e| format!("Alipay's answer cannot be read: {e}"))?;
    let name = format!("{}_response", method.replace('.', "_"));
    let node = node(reply, &name).or_else(|| node(reply, "error_response"));
    let node = node.ok_or_else(|| format!("Alipay's answer has no {name}"))?;
    let told = || node.chars().take(200).collect::<String>();
    let Some(sign) = outer.sign else {
        return Err(format!("Alipay's answer carries no signature: {}", told()));
    };
    if !keys.gateway.verify(RsaHash::Sha256, node, &sign) {
        return Err("the signature of Alipay's answer is wrong".to_owned());
    }
    Ok(node.to_owned())
}

/// The raw text of the first object under this name.
fn node<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let mark = format!("\"{name}\"");
    let after = &text[text.find(&mark)? + mark.len()..];
    let object = after.trim_start().strip_prefix(':')?.trim_start();
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    for (at, byte) in object.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'{' if !quoted => depth += 1,
            b'}' if !quoted => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return object.get(..=at);
                }
            }
            _ if depth == 0 => return None,
            _ => {}
        }
    }
    None
}

/// Verifies a notification and reads its values.
pub(super) fn notified(
    keys: &Keys,
    registered: &str,
    came_on: &str,
    body: &[u8],
) -> Result<Pairs, NotifyError> {
    let mut pairs = Pairs::new();
    for (name, value) in form_urlencoded::parse(body) {
        // A value given twice could be read one way and signed another.
        if let Some(_first) = pairs.insert(Cow::into_owned(name), Cow::into_owned(value)) {
            return Err(NotifyError::Malformed("a parameter is given twice".to_owned()));
        }
    }
    let sign = pairs.remove("sign").unwrap_or_default();
    pairs.remove("sign_type");
    let text: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
    if !keys.gateway.verify(RsaHash::Sha256, &text.join("&"), &sign) {
        let (came_on, registered) = (came_on.to_owned(), registered.to_owned());
        return Err(NotifyError::BadSignature { came_on, registered });
    }
    Ok(pairs)
}

#[cfg(test)]
#[path = "envelope_tests.rs"]
pub(super) mod tests;
