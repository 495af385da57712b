//! Published vectors and signatures for the tests of this folder. Knows no network.

use serde::Deserialize;

use super::{
    keys::{AesKey, GatewayKey, MerchantKey, SignType},
    settings::Keys,
};
pub(super) use crate::bank::testing::{Folder, GATEWAY, MERCHANT, openssl};

/// `tests/golden/icbc/vectors.json`.
#[derive(Debug, Deserialize)]
pub(super) struct Golden {
    public_key: String,
    pub(super) requests: Vec<GoldenRequest>,
    pub(super) notify_reply: GoldenReply,
}

#[derive(Debug, Deserialize)]
pub(super) struct GoldenRequest {
    pub(super) name: String,
    pub(super) path: String,
    pub(super) sign_type: SignType,
    pub(super) app_id: String,
    pub(super) msg_id: String,
    pub(super) biz_content: String,
    pub(super) aes_key: Option<String>,
    pub(super) biz_cipher: Option<String>,
    pub(super) string_to_sign: String,
    pub(super) sign: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct GoldenReply {
    pub(super) msg_id: String,
    pub(super) string_to_sign: String,
    pub(super) sign: String,
}

impl Golden {
    pub(super) fn load() -> Self {
        serde_json::from_str(include_str!("../../../tests/golden/icbc/vectors.json")).unwrap()
    }

    pub(super) fn key(&self) -> GatewayKey {
        GatewayKey::parse(&self.public_key).unwrap()
    }
}

/// The merchant's own key pair and the gateway's public key.
pub(super) fn keys(aes: Option<AesKey>) -> Keys {
    Keys {
        merchant: MerchantKey::parse(&MERCHANT.private).unwrap(),
        gateway: GatewayKey::parse(&GATEWAY.public).unwrap(),
        aes,
    }
}

pub(super) fn merchant_public() -> GatewayKey {
    GatewayKey::parse(&MERCHANT.public).unwrap()
}

/// As the gateway signs: SHA-1.
pub(super) fn gateway_sign(text: &str) -> String {
    MerchantKey::parse(&GATEWAY.private).unwrap().sign(SignType::Rsa, text).unwrap()
}

pub(super) fn gateway_sign_sha256(text: &str) -> String {
    MerchantKey::parse(&GATEWAY.private).unwrap().sign(SignType::Rsa2, text).unwrap()
}

pub(super) fn merchant_sign_sha1(text: &str) -> String {
    MerchantKey::parse(&MERCHANT.private).unwrap().sign(SignType::Rsa, text).unwrap()
}
