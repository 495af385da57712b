//! Notifications: verified on the registered path, and the signed reply the bank waits for.
//! Knows nothing of what they say about a payment.
//!
//! The gateway signs the path of the registered address letter by letter (a doubled slash stays
//! doubled), so the path is taken from the settings, never from a router.

use std::{borrow::Cow, collections::BTreeMap};

use super::{
    envelope::{Envelope, string_to_sign},
    keys::SignType,
};
use crate::bank::NotifyError;

/// The two answers the bank understands.
#[derive(Clone, Copy, Debug)]
pub(super) enum Verdict<'a> {
    /// Taken note of, with the reply's `msg_id`.
    Accepted { msg_id: &'a str },
    /// Not believed, in the words of the bank's own sample.
    Refused,
    /// Rightly signed or not even that far, and not understood: nothing is said of the signature.
    NotRead,
}

/// What a verified notification holds.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Opened {
    pub(super) content: String,
    /// Path of the call it is about: the family by whose words the content is read. May be empty.
    pub(super) api: String,
    pub(super) encrypted: bool,
}

/// Verifies a notification and takes its content out.
pub(super) fn open(
    envelope: &Envelope,
    registered: &str,
    came_on: &str,
    body: &[u8],
) -> Result<Opened, NotifyError> {
    let mut pairs = unique_pairs(body)?;
    let sign = pairs.remove("sign").unwrap_or_default();
    // The gateway signs notifications with SHA-1 alone, whatever sign_type it names.
    if !envelope.keys.gateway.verify(SignType::Rsa, &string_to_sign(registered, &pairs), &sign) {
        return Err(NotifyError::BadSignature {
            came_on: came_on.to_owned(),
            registered: registered.to_owned(),
        });
    }
    let app_id = pairs.remove("app_id").unwrap_or_default();
    if app_id != envelope.app_id {
        return Err(NotifyError::Foreign { field: "app_id", theirs: app_id });
    }
    let content = pairs.remove("biz_content").unwrap_or_default();
    let api = pairs.remove("api").unwrap_or_default();
    if pairs.get("encrypt_type").is_none_or(String::is_empty) {
        return Ok(Opened { content, api, encrypted: false });
    }
    let aes = envelope.keys.aes.as_ref();
    let plain = aes.and_then(|aes| aes.decrypt(&content));
    plain.map(|content| Opened { content, api, encrypted: true }).ok_or_else(|| {
        NotifyError::Malformed("it is encrypted, and not with the key in the settings".to_owned())
    })
}

/// A key given twice could be read one way and signed another.
fn unique_pairs(body: &[u8]) -> Result<BTreeMap<String, String>, NotifyError> {
    let mut pairs = BTreeMap::new();
    for (key, value) in form_urlencoded::parse(body) {
        let (key, value) = (Cow::into_owned(key), Cow::into_owned(value));
        if let Some(_first) = pairs.insert(key, value) {
            return Err(NotifyError::Malformed("a parameter is given twice".to_owned()));
        }
    }
    Ok(pairs)
}

/// The reply's body, byte for byte as the bank signs it: order and spaces matter.
pub(super) fn reply(
    envelope: &Envelope,
    sign_type: SignType,
    encrypted: bool,
    verdict: Verdict<'_>,
) -> String {
    let content = match verdict {
        Verdict::Accepted { msg_id } => {
            let msg_id = serde_json::Value::from(msg_id);
            format!(r#"{{"return_code":0,"return_msg":"success","msg_id":{msg_id}}}"#)
        }
        Verdict::Refused => {
            r#"{"return_code":-12345,"return_msg":"icbc sign not pass."}"#.to_owned()
        }
        Verdict::NotRead => r#"{"return_code":-1,"return_msg":"not understood"}"#.to_owned(),
    };
    let content = match &envelope.keys.aes {
        Some(aes) if encrypted => format!("\"{}\"", aes.encrypt(&content)),
        _ => content,
    };
    let text = reply_to_sign(&content, sign_type);
    let sign = envelope.keys.merchant.sign(sign_type, &text).unwrap_or_default();
    format!("{{{text},\"sign\":\"{sign}\"}}")
}

fn reply_to_sign(content: &str, sign_type: SignType) -> String {
    format!(r#""response_biz_content":{content},"sign_type":"{}""#, sign_type.code())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::bank::icbc::{
        keys::AesKey,
        testing::{self, Golden, keys},
    };

    const PATH: &str = "//callback/icbc";

    fn envelope(aes: Option<AesKey>) -> Envelope {
        Envelope { app_id: "110901".to_owned(), sign_type: SignType::Rsa2, keys: keys(aes) }
    }

    /// A notification as the gateway sends it, with an empty value it did not sign.
    fn form(path: &str, changes: &[(&str, &str)]) -> String {
        let mut pairs: BTreeMap<String, String> = [
            ("from", "icbc-api"),
            ("api", "/api/qrcode/V2/generate"),
            ("app_id", "110901"),
            ("charset", "UTF-8"),
            ("format", "json"),
            ("timestamp", "2023-09-19 13:21:52"),
            ("encrypt_type", ""),
            ("sign_type", "RSA"),
            ("biz_content", r#"{"return_code":"0","attach":"停车费 +&="}"#),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into();
        for (key, value) in changes {
            pairs.insert((*key).to_owned(), (*value).to_owned());
        }
        let sign = testing::gateway_sign(&string_to_sign(path, &pairs));
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(pairs.iter()).append_pair("sign", &sign).finish()
    }

    #[test]
    fn the_registered_path_is_taken_literally() {
        let envelope = envelope(None);
        let body = form(PATH, &[]);
        // A router hands over a cleaned path; the registered one counts.
        let opened = open(&envelope, PATH, "/callback/icbc", body.as_bytes()).unwrap();
        assert!(opened.content.contains("停车费 +&="));
        assert_eq!((opened.api.as_str(), opened.encrypted), ("/api/qrcode/V2/generate", false));
        let error = open(&envelope, "/callback/icbc", PATH, body.as_bytes()).unwrap_err();
        assert!(matches!(error, NotifyError::BadSignature { .. }), "{error}");
    }

    #[test]
    fn what_is_not_signed_or_not_ours_is_refused() {
        let envelope = envelope(None);
        let refused = |body: &str| open(&envelope, PATH, PATH, body.as_bytes()).unwrap_err();
        let body = form(PATH, &[]);
        let tampered = body.replace("return_code%22%3A%220", "return_code%22%3A%221");
        assert_ne!(tampered, body);
        assert!(matches!(refused(&tampered), NotifyError::BadSignature { .. }));
        assert!(matches!(refused(&format!("{body}&x=1")), NotifyError::BadSignature { .. }));
        assert!(matches!(refused(&format!("{body}&app_id=1")), NotifyError::Malformed(_)));
        assert!(matches!(refused(""), NotifyError::BadSignature { .. }));
        let foreign = form(PATH, &[("app_id", "2")]);
        assert!(matches!(refused(&foreign), NotifyError::Foreign { field: "app_id", .. }));
        let sealed = form(PATH, &[("encrypt_type", "AES"), ("biz_content", "AAAA")]);
        assert!(matches!(refused(&sealed), NotifyError::Malformed(_)));
    }

    #[test]
    fn an_encrypted_notification_is_read_and_answered_encrypted() {
        let aes = AesKey::parse("YBlenAPT1KedFOoHIfSa5w==").unwrap();
        let sealed = aes.encrypt("{}");
        let body = form(PATH, &[("encrypt_type", "AES"), ("biz_content", &sealed)]);
        let envelope = envelope(Some(aes.clone()));
        let opened = open(&envelope, PATH, PATH, body.as_bytes()).unwrap();
        assert_eq!((opened.content.as_str(), opened.encrypted), ("{}", true));
        let text = reply(&envelope, SignType::Rsa2, true, Verdict::Accepted { msg_id: "7" });
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        let plain = aes.decrypt(value["response_biz_content"].as_str().unwrap()).unwrap();
        assert_eq!(plain, r#"{"return_code":0,"return_msg":"success","msg_id":"7"}"#);
    }

    #[test]
    fn the_published_reply_is_made_and_verifies() {
        let golden = Golden::load().notify_reply;
        let envelope = envelope(None);
        let accepted = Verdict::Accepted { msg_id: &golden.msg_id };
        let body = reply(&envelope, SignType::Rsa2, false, accepted);
        let text = golden.string_to_sign.as_str();
        assert!(body.starts_with(&format!("{{{text},\"sign\":\"")), "{body}");
        assert!(Golden::load().key().verify(SignType::Rsa2, text, &golden.sign));
        let sign = body.rsplit('"').nth(1).unwrap();
        assert!(testing::merchant_public().verify(SignType::Rsa2, text, sign));
    }

    #[test]
    fn a_refusal_is_signed_too() {
        let body = reply(&envelope(None), SignType::Rsa, false, Verdict::Refused);
        let value: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(value["response_biz_content"]["return_code"], -12345);
        let text = body[1..].split(",\"sign\":\"").next().unwrap();
        let sign = value["sign"].as_str().unwrap();
        assert!(testing::merchant_public().verify(SignType::Rsa, text, sign));
    }

    proptest! {
        #[test]
        fn opening_never_panics(body in any::<Vec<u8>>(), path in any::<String>()) {
            prop_assert!(open(&envelope(None), PATH, &path, &body).is_err());
        }
    }
}
