//! The signatures of the platform's third interface (APIv3), and what its notifications are sealed with. Knows no call.
//!
//! ```text
//! request       = method LF path?query LF time LF nonce LF body LF      SHA256withRSA, the merchant's key
//! answer, notice = time LF nonce LF body LF                             SHA256withRSA, the platform's key of that serial
//! resource      = AES-256-GCM(32-byte key, 12-byte nonce, associated data), the tag behind the text
//! ```

use std::{collections::BTreeMap, fmt};

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use jiff::Timestamp;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

use crate::bank::keys::{GatewayKey, MerchantKey, RsaHash};

/// What a merchant signs with, believes, and opens notifications with.
#[derive(Clone)]
pub(super) struct Keys {
    pub(super) merchant: MerchantKey,
    /// By serial number.
    pub(super) platform: BTreeMap<String, GatewayKey>,
    pub(super) apiv3: [u8; 32],
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keys({} of the platform)", self.platform.len())
    }
}

/// Who signs a request, and when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Signer<'a> {
    pub(super) mchid: &'a str,
    pub(super) serial_no: &'a str,
    pub(super) now: Timestamp,
    pub(super) nonce: &'a str,
}

/// The `Authorization` header of a request. `None` only when the system has no randomness or the key is broken.
pub(super) fn authorization(
    keys: &Keys,
    signer: Signer<'_>,
    method: &str,
    path_and_query: &str,
    body: &str,
) -> Option<String> {
    let Signer { mchid, serial_no, now, nonce } = signer;
    let time = now.as_second();
    let text = format!("{method}\n{path_and_query}\n{time}\n{nonce}\n{body}\n");
    let sign = keys.merchant.sign(RsaHash::Sha256, &text)?;
    Some(format!(
        "WECHATPAY2-SHA256-RSA2048 mchid=\"{mchid}\",nonce_str=\"{nonce}\",timestamp=\"{time}\",\
         serial_no=\"{serial_no}\",signature=\"{sign}\""
    ))
}

/// What the headers of an answer or a notification say of its signature.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Signed<'a> {
    pub(super) time: Option<&'a str>,
    pub(super) nonce: Option<&'a str>,
    pub(super) sign: Option<&'a str>,
    pub(super) serial: Option<&'a str>,
}

impl<'a> Signed<'a> {
    pub(super) fn from(header: impl Fn(&str) -> Option<&'a str>) -> Self {
        Self {
            time: header("wechatpay-timestamp"),
            nonce: header("wechatpay-nonce"),
            sign: header("wechatpay-signature"),
            serial: header("wechatpay-serial"),
        }
    }

    /// Why it is not believed.
    pub(super) fn check(
        self,
        keys: &Keys,
        now: Timestamp,
        window_s: u32,
        body: &str,
    ) -> Result<(), String> {
        let (Some(time), Some(nonce), Some(sign), Some(serial)) =
            (self.time, self.nonce, self.sign, self.serial)
        else {
            return Err("it carries no signature".to_owned());
        };
        let Some(key) = keys.platform.get(serial) else {
            return Err(format!(
                "it is signed with the platform's key {serial:?}, which is not in \
                                the settings (platform_keys)"
            ));
        };
        let text = format!("{time}\n{nonce}\n{body}\n");
        if !key.verify(RsaHash::Sha256, &text, sign) {
            return Err("its signature is wrong".to_owned());
        }
        let off = time.parse::<i64>().ok().map(|time| (now.as_second() - time).unsigned_abs());
        match off {
            Some(off) if off <= u64::from(window_s) => Ok(()),
            Some(off) => Err(format!("it was signed {off} s away from now: check this clock")),
            None => Err("its time cannot be read".to_owned()),
        }
    }
}

/// Opens what a notification is sealed with.
pub(super) fn open(key: &[u8; 32], nonce: &str, associated: &str, sealed: &str) -> Option<String> {
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).ok()?);
    let nonce = Nonce::try_assume_unique_for_key(nonce.as_bytes()).ok()?;
    let mut text = BASE64.decode(sealed).ok()?;
    let length = key.open_in_place(nonce, Aad::from(associated.as_bytes()), &mut text).ok()?.len();
    text.truncate(length);
    String::from_utf8(text).ok()
}

#[cfg(test)]
#[path = "sign_tests.rs"]
mod tests;
