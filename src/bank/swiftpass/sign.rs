//! The gateway's signatures: over the sorted values, with the shared key (MD5) or an RSA pair. Knows no service.
//!
//! ```text
//! string to sign = key=value & key=value ...   keys in byte order, empty values left out, values as they are,
//!                                              `sign` not among them; `sign_type` is
//! MD5            = upper hex of MD5(string & "&key=" & shared key)
//! RSA_1_256      = base64 of SHA256withRSA(string)
//! ```

use std::fmt;

use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};

use super::xml::Values;
use crate::bank::keys::{GatewayKey, MerchantKey, RsaHash};

/// The gateway's names of the two signatures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum SignType {
    #[default]
    #[serde(rename = "MD5")]
    Md5,
    #[serde(rename = "RSA_1_256")]
    Rsa256,
}

impl SignType {
    /// As it stands on the wire.
    pub fn code(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Rsa256 => "RSA_1_256",
        }
    }
}

/// What a merchant signs with and believes.
#[derive(Clone)]
pub(super) enum Keys {
    Md5(String),
    Rsa { merchant: MerchantKey, gateway: GatewayKey },
}

impl Keys {
    pub(super) fn sign_type(&self) -> SignType {
        match self {
            Self::Md5(_) => SignType::Md5,
            Self::Rsa { .. } => SignType::Rsa256,
        }
    }

    /// Adds the signature. `None` only when the system has no randomness or the key is broken.
    pub(super) fn sign(&self, mut values: Values) -> Option<Values> {
        let text = string_to_sign(&values);
        let sign = match self {
            Self::Md5(key) => md5_sign(&text, key),
            Self::Rsa { merchant, .. } => merchant.sign(RsaHash::Sha256, &text)?,
        };
        values.insert("sign".to_owned(), sign);
        Some(values)
    }

    /// Whether the gateway signed these values, with the signature agreed on: what a message says of its own
    /// `sign_type` is not asked.
    pub(super) fn verify(&self, values: &Values) -> bool {
        let Some(sign) = values.get("sign") else { return false };
        let text = string_to_sign(values);
        match self {
            Self::Md5(key) => same(&md5_sign(&text, key), sign),
            Self::Rsa { gateway, .. } => gateway.verify(RsaHash::Sha256, &text, sign),
        }
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keys({})", self.sign_type().code())
    }
}

/// See the head of this module.
fn string_to_sign(values: &Values) -> String {
    let kept = values.iter().filter(|(name, value)| *name != "sign" && !value.is_empty());
    kept.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

fn md5_sign(text: &str, key: &str) -> String {
    let hash = Md5::digest(format!("{text}&key={key}"));
    hash.iter().map(|byte| format!("{byte:02X}")).collect()
}

/// In a time that tells nothing about where they differ.
fn same(ours: &str, theirs: &str) -> bool {
    let differing = ours.bytes().zip(theirs.bytes()).fold(0, |all, (a, b)| all | (a ^ b));
    ours.len() == theirs.len() && differing == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bank::testing::{Folder, GATEWAY, MERCHANT, openssl};

    #[derive(Deserialize)]
    struct Golden {
        key: String,
        params: Values,
        string_to_sign: String,
        sign: String,
    }

    fn golden() -> Golden {
        let text = include_str!("../../../tests/golden/swiftpass/md5.json");
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn the_md5_vector_is_made_and_verifies() {
        let golden = golden();
        assert_eq!(string_to_sign(&golden.params), golden.string_to_sign);
        let keys = Keys::Md5(golden.key);
        let signed = keys.sign(golden.params).unwrap();
        assert_eq!(signed["sign"], golden.sign);
        assert!(keys.verify(&signed));
        assert!(!Keys::Md5("other".to_owned()).verify(&signed));
        for (name, value) in [("total_fee", "1501"), ("sign_type", ""), ("x", "1"), ("sign", "")] {
            let mut changed = signed.clone();
            changed.insert(name.to_owned(), value.to_owned());
            assert!(!keys.verify(&changed), "{name}");
        }
        let mut lower = signed.clone();
        lower.insert("sign".to_owned(), golden.sign.to_lowercase());
        assert!(!keys.verify(&lower));
        let mut empty = signed;
        empty.insert("attach".to_owned(), String::new());
        assert!(keys.verify(&empty), "empty values are not signed");
    }

    #[test]
    fn openssl_verifies_our_rsa_and_we_verify_its() {
        let folder = Folder::new("swiftpass-openssl");
        let keys = Keys::Rsa {
            merchant: MerchantKey::parse(&MERCHANT.private).unwrap(),
            gateway: GatewayKey::parse(&GATEWAY.public).unwrap(),
        };
        let mut values = golden().params;
        values.insert("sign_type".to_owned(), keys.sign_type().code().to_owned());
        let text = string_to_sign(&values);

        let ours = keys.sign(values.clone()).unwrap()["sign"].clone();
        let raw = openssl(&["base64", "-d", "-A"], ours.as_bytes());
        let (public, sign) = (folder.0.join("public.pem"), folder.0.join("sign"));
        std::fs::write(&public, &MERCHANT.public).unwrap();
        std::fs::write(&sign, raw).unwrap();
        let (public, sign) = (public.to_str().unwrap(), sign.to_str().unwrap());
        openssl(&["dgst", "-sha256", "-verify", public, "-signature", sign], text.as_bytes());

        let private = folder.secret("gateway.pem", &GATEWAY.private);
        let private = private.to_str().unwrap();
        for (digest, believed) in [("-sha256", true), ("-sha1", false)] {
            let raw = openssl(&["dgst", digest, "-sign", private], text.as_bytes());
            let theirs = String::from_utf8(openssl(&["base64", "-A"], &raw)).unwrap();
            values.insert("sign".to_owned(), theirs);
            assert_eq!(keys.verify(&values), believed, "{digest}");
        }
        values.insert("sign".to_owned(), ours);
        assert!(!keys.verify(&values), "our own word is not the gateway's");
    }
}
