//! The platform's envelope around every call: parameters, string to sign, AES option, and the reply
//! verified on its raw text. Knows nothing of what is inside.
//!
//! ```text
//! string to sign = path ? key=value & key=value ...   keys in byte order, empty values left out,
//!                                                     values as they are, `sign` not among them
//! reply          = {"response_biz_content":<signed bytes>,"sign":"<base64>"}
//! ```
//!
//! The gateway signs replies with SHA-1 whatever the request was signed with. What it signed are the
//! bytes between the two marks, so they are cut out of the raw text: parsing the JSON and writing it
//! again would change escapes, order or spaces. Only the cut-out text is read afterwards, so nothing
//! outside the signature is ever believed.

use std::collections::BTreeMap;

use jiff::{Timestamp, tz::Offset};
use thiserror::Error;

use super::{
    keys::{AesKey, SignType},
    settings::Keys,
};

/// The zone of every time on this wire.
pub(super) const ZONE: Offset = Offset::constant(8);

const CONTENT_MARK: &str = "response_biz_content";
const SIGN_MARK: &str = ",\"sign\":\"";

/// A reply cannot be believed or read.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub(super) enum EnvelopeError {
    #[error("the bank's reply is not in its signed envelope")]
    NoEnvelope,
    #[error("the signature of the bank's reply is wrong")]
    BadSignature,
    #[error("the bank's reply cannot be decrypted")]
    NotDecrypted,
}

/// What is the same in every call of one application.
#[derive(Clone, Debug)]
pub(super) struct Envelope {
    pub(super) app_id: String,
    pub(super) sign_type: SignType,
    pub(super) keys: Keys,
}

impl Envelope {
    /// The form of one call, signed. `None` when signing fails, see `MerchantKey::sign`.
    pub(super) fn seal(
        &self,
        path: &str,
        msg_id: &str,
        now: Timestamp,
        biz_content: &str,
    ) -> Option<String> {
        let pairs = self.sealed(path, msg_id, now, biz_content)?;
        let mut form = form_urlencoded::Serializer::new(String::new());
        Some(form.extend_pairs(pairs.iter()).finish())
    }

    /// The parameters of one call with their signature.
    pub(super) fn sealed(
        &self,
        path: &str,
        msg_id: &str,
        now: Timestamp,
        biz_content: &str,
    ) -> Option<BTreeMap<String, String>> {
        let mut pairs = self.pairs(msg_id, now, biz_content);
        let sign = self.keys.merchant.sign(self.sign_type, &string_to_sign(path, &pairs))?;
        pairs.insert("sign".to_owned(), sign);
        Some(pairs)
    }

    fn pairs(&self, msg_id: &str, now: Timestamp, biz_content: &str) -> BTreeMap<String, String> {
        let mut pairs = BTreeMap::new();
        let mut set = |key: &str, value: &str| pairs.insert(key.to_owned(), value.to_owned());
        set("app_id", &self.app_id);
        set("msg_id", msg_id);
        set("format", "json");
        set("charset", "UTF-8");
        set("sign_type", self.sign_type.code());
        set("timestamp", &timestamp(now));
        match &self.keys.aes {
            None => set("biz_content", biz_content),
            Some(aes) => {
                set("encrypt_type", "AES");
                set("biz_content", &aes.encrypt(biz_content))
            }
        };
        pairs
    }

    /// The business content of a raw reply, verified and decrypted.
    pub(super) fn open(&self, reply: &str) -> Result<String, EnvelopeError> {
        let (content, sign) = cut(reply).ok_or(EnvelopeError::NoEnvelope)?;
        if !self.keys.gateway.verify(SignType::Rsa, content, sign) {
            return Err(EnvelopeError::BadSignature);
        }
        match &self.keys.aes {
            Some(aes) if content.starts_with('"') => {
                decrypt_quoted(aes, content).ok_or(EnvelopeError::NotDecrypted)
            }
            _ => Ok(content.to_owned()),
        }
    }
}

/// The signed text and the signature of a raw reply, exactly where the bank's own client looks.
fn cut(reply: &str) -> Option<(&str, &str)> {
    let start = reply.find(CONTENT_MARK)? + CONTENT_MARK.len() + 2;
    let end = reply.rfind(SIGN_MARK)?;
    let sign = reply.get(end + SIGN_MARK.len()..reply.rfind('"')?)?;
    Some((reply.get(start..end)?, sign))
}

fn decrypt_quoted(aes: &AesKey, quoted: &str) -> Option<String> {
    aes.decrypt(quoted.strip_prefix('"')?.strip_suffix('"')?)
}

/// See the head of this module. `sign` must not be among the pairs.
pub(super) fn string_to_sign(path: &str, pairs: &BTreeMap<String, String>) -> String {
    let mut text = format!("{path}?");
    let kept = pairs.iter().filter(|(key, value)| !key.is_empty() && !value.is_empty());
    for (at, (key, value)) in kept.enumerate() {
        if at > 0 {
            text.push('&');
        }
        text.push_str(key);
        text.push('=');
        text.push_str(value);
    }
    text
}

fn timestamp(now: Timestamp) -> String {
    ZONE.to_datetime(now).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::bank::icbc::testing::{self, Golden, keys};

    fn envelope() -> Envelope {
        Envelope { app_id: "1".to_owned(), sign_type: SignType::Rsa2, keys: keys(None) }
    }

    fn reply(content: &str) -> String {
        let sign = testing::gateway_sign(content);
        format!("{{\"response_biz_content\":{content},\"sign\":\"{sign}\"}}")
    }

    #[test]
    fn published_requests_are_made_and_verify() {
        let golden = Golden::load();
        assert_eq!(golden.requests.len(), 3);
        for vector in &golden.requests {
            let aes = vector.aes_key.as_deref().map(|key| AesKey::parse(key).unwrap());
            let envelope = Envelope {
                app_id: vector.app_id.clone(),
                sign_type: vector.sign_type,
                keys: keys(aes),
            };
            let at: Timestamp = "2019-05-22T13:27:03Z".parse().unwrap();
            let pairs = envelope.pairs(&vector.msg_id, at, &vector.biz_content);
            if let Some(cipher) = &vector.biz_cipher {
                assert_eq!(&pairs["biz_content"], cipher);
                let aes = envelope.keys.aes.as_ref().unwrap();
                assert_eq!(aes.decrypt(cipher).as_deref(), Some(vector.biz_content.as_str()));
            }
            let text = string_to_sign(&vector.path, &pairs);
            assert_eq!(text, vector.string_to_sign, "{}", vector.name);
            let other = match vector.sign_type {
                SignType::Rsa => SignType::Rsa2,
                SignType::Rsa2 => SignType::Rsa,
            };
            assert!(golden.key().verify(vector.sign_type, &text, &vector.sign));
            assert!(!golden.key().verify(other, &text, &vector.sign));
            assert!(!golden.key().verify(vector.sign_type, &format!("{text} "), &vector.sign));
        }
    }

    #[test]
    fn a_sealed_form_carries_what_was_signed() {
        let form = envelope().seal("/api/x", "m1", Timestamp::UNIX_EPOCH, "{\"a\":\"京 &=+\"}");
        let mut pairs: BTreeMap<String, String> =
            form_urlencoded::parse(form.unwrap().as_bytes()).into_owned().collect();
        let sign = pairs.remove("sign").unwrap();
        assert_eq!(pairs["timestamp"], "1970-01-01 08:00:00");
        let text = string_to_sign("/api/x", &pairs);
        assert!(testing::merchant_public().verify(SignType::Rsa2, &text, &sign));
    }

    #[test]
    fn empty_values_are_skipped_and_keys_sorted_by_byte() {
        let pairs = [("b", "2"), ("a", ""), ("", "x"), ("B", "1"), ("c", "&=")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()));
        assert_eq!(string_to_sign("//p", &pairs.into()), "//p?B=1&b=2&c=&=");
    }

    #[test]
    fn the_raw_text_is_verified_whatever_it_looks_like() {
        for content in [
            r#"{"return_code":0,"return_msg":"\u6210\u529f"}"#,
            r#"{ "return_code" : 0 ,  "a":1,"a":2 }"#,
            r#"{"z":1,"return_code":0,"b":"\/","sign":"x","n":{"q":1,"sign":"inner"}}"#,
            r#"{"text":",\"sign\":\"","response_biz_content":{}}"#,
            "{}",
        ] {
            assert_eq!(envelope().open(&reply(content)).as_deref(), Ok(content));
        }
    }

    #[test]
    fn nothing_outside_the_signature_is_believed() {
        let good = reply(r#"{"return_code":0}"#);
        let envelope = envelope();
        for at in 0..good.len() {
            let mut bytes = good.clone().into_bytes();
            bytes[at] ^= 1;
            let Ok(text) = String::from_utf8(bytes) else { continue };
            if let Ok(content) = envelope.open(&text) {
                assert_eq!(content, r#"{"return_code":0}"#, "byte {at}");
            }
        }
        let lines = [
            good.replace("\":{", "\": {"),
            good.replace(",\"sign\"", ", \"sign\""),
            good.replacen('{', "{\"response_biz_content\":{\"return_code\":1},", 1),
        ];
        for text in &lines {
            assert!(envelope.open(text).is_err(), "{text}");
        }
        let swapped = r#"{"sign":"AAAA","response_biz_content":{"return_code":0}}"#;
        assert_eq!(envelope.open(swapped), Err(EnvelopeError::NoEnvelope));
        let reversed = r#"{"a":1,"sign":"AAAA","response_biz_content":{"return_code":0}}"#;
        assert_eq!(envelope.open(reversed), Err(EnvelopeError::NoEnvelope));
    }

    #[test]
    fn a_sha256_or_foreign_signature_is_refused() {
        let content = r#"{"return_code":0}"#;
        for sign in [testing::gateway_sign_sha256(content), testing::merchant_sign_sha1(content)] {
            let text = format!("{{\"response_biz_content\":{content},\"sign\":\"{sign}\"}}");
            assert_eq!(envelope().open(&text), Err(EnvelopeError::BadSignature));
        }
    }

    #[test]
    fn an_encrypted_reply_is_decrypted_after_verifying() {
        let aes = AesKey::parse("YBlenAPT1KedFOoHIfSa5w==").unwrap();
        let sealed = format!("\"{}\"", aes.encrypt(r#"{"return_code":0}"#));
        let envelope = Envelope { keys: keys(Some(aes)), ..envelope() };
        assert_eq!(envelope.open(&reply(&sealed)).as_deref(), Ok(r#"{"return_code":0}"#));
        assert_eq!(envelope.open(&reply("\"AAAA\"")), Err(EnvelopeError::NotDecrypted));
        assert_eq!(envelope.open(&reply("\"")), Err(EnvelopeError::NotDecrypted));
    }

    proptest! {
        #[test]
        fn opening_never_panics(text in any::<String>()) {
            let _ = envelope().open(&text);
            let _ = envelope().open(&format!("response_biz_content{text},\"sign\":\"{text}"));
        }

        #[test]
        fn aes_gives_back_what_went_in(text in any::<String>()) {
            let aes = AesKey::parse("YBlenAPT1KedFOoHIfSa5w==").unwrap();
            prop_assert_eq!(aes.decrypt(&aes.encrypt(&text)), Some(text.clone()));
            let _ = aes.decrypt(&text);
        }
    }
}
