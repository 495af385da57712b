//! The open platform's names of its signatures, and its AES option. Knows neither requests nor replies.

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use cbc::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit, block_padding::Pkcs7};
use serde::{Deserialize, Serialize};

use crate::bank::keys::RsaHash;
pub(super) use crate::bank::keys::{GatewayKey, KeyError, MerchantKey, read_secret};

/// The platform's names of the two RSA signatures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum SignType {
    /// SHA-1: the only one the platform itself signs with.
    Rsa,
    /// SHA-256.
    #[default]
    Rsa2,
}

impl SignType {
    /// As it stands on the wire.
    pub fn code(self) -> &'static str {
        match self {
            Self::Rsa => "RSA",
            Self::Rsa2 => "RSA2",
        }
    }
}

impl From<SignType> for RsaHash {
    fn from(kind: SignType) -> Self {
        match kind {
            SignType::Rsa => Self::Sha1,
            SignType::Rsa2 => Self::Sha256,
        }
    }
}

/// AES-128-CBC, PKCS#5 padding, an IV of zeros: the platform's choice.
#[derive(Clone)]
pub(super) struct AesKey([u8; 16]);

impl AesKey {
    pub(super) fn parse(text: &str) -> Result<Self, KeyError> {
        let bytes = BASE64.decode(text.trim()).map_err(|_| KeyError::NotAes)?;
        bytes.try_into().map(Self).map_err(|_| KeyError::NotAes)
    }

    /// Base64 of the encrypted text.
    pub(super) fn encrypt(&self, plain: &str) -> String {
        let mut buffer = plain.as_bytes().to_vec();
        let len = buffer.len();
        buffer.resize(len + 16 - len % 16, 0);
        let cipher = cbc::Encryptor::<aes::Aes128>::new(&self.0.into(), &[0; 16].into());
        cipher
            .encrypt_padded::<Pkcs7>(&mut buffer, len)
            .map(|sealed| BASE64.encode(sealed))
            .expect("the buffer has room for the padding")
    }

    /// `None` for anything that was not encrypted with this key.
    pub(super) fn decrypt(&self, sealed: &str) -> Option<String> {
        let mut buffer = BASE64.decode(sealed).ok()?;
        let cipher = cbc::Decryptor::<aes::Aes128>::new(&self.0.into(), &[0; 16].into());
        let plain = cipher.decrypt_padded::<Pkcs7>(&mut buffer).ok()?;
        String::from_utf8(plain.to_vec()).ok()
    }
}

impl fmt::Debug for AesKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AesKey(16 bytes)")
    }
}
