//! Keys of the open platform: RSA signatures (SHA-1 and SHA-256, PKCS#1 v1.5) and the AES option.
//! Knows neither requests nor replies.

use std::{fmt, path::Path};

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use cbc::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit, block_padding::Pkcs7};
use rand::rngs::SysRng;
use rsa::{
    Pkcs1v15Sign, PrivateKey, PublicKey,
    pkcs1::DecodeRsaPrivateKey,
    pkcs8::{DecodePrivateKey, DecodePublicKey},
    traits::PublicKeyParts,
};
use serde::{Deserialize, Serialize};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use thiserror::Error;

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

    fn scheme_and_hash(self, text: &[u8]) -> (Pkcs1v15Sign, Vec<u8>) {
        match self {
            Self::Rsa => (Pkcs1v15Sign::new::<Sha1>(), Sha1::digest(text).to_vec()),
            Self::Rsa2 => (Pkcs1v15Sign::new::<Sha256>(), Sha256::digest(text).to_vec()),
        }
    }
}

/// A key cannot be used. The texts never hold key material.
#[derive(Debug, Error)]
pub(super) enum KeyError {
    #[error("{file}: {cause}")]
    Read { file: String, cause: std::io::Error },
    #[error("{file} can be read by others (mode {mode:03o}); run: chmod 600 {file}")]
    Exposed { file: String, mode: u32 },
    #[error("not base64 or PEM")]
    NotBase64,
    #[error("not a private RSA key of at least 1024 bits in PKCS#8 (or PKCS#1 PEM)")]
    NotPrivate,
    #[error("not a public RSA key of at least 1024 bits in SPKI")]
    NotPublic,
    #[error("not an AES key of 16 bytes in base64")]
    NotAes,
}

/// Reads a secret, refusing a file that group or others can touch.
pub(super) fn read_secret(file: &Path) -> Result<String, KeyError> {
    let shown = || file.display().to_string();
    let read = |cause| KeyError::Read { file: shown(), cause };
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(file).map_err(read)?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(KeyError::Exposed { file: shown(), mode });
        }
    }
    std::fs::read_to_string(file).map_err(read)
}

/// The bytes of a bare base64 text or of a PEM block.
fn der(text: &str) -> Result<Vec<u8>, KeyError> {
    let compact: String = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("-----"))
        .flat_map(|line| line.chars().filter(|c| !c.is_whitespace()))
        .collect();
    BASE64.decode(compact).map_err(|_| KeyError::NotBase64)
}

/// The merchant's private key: signs requests and replies to notifications.
#[derive(Clone)]
pub(super) struct MerchantKey(PrivateKey);

impl MerchantKey {
    pub(super) fn parse(text: &str) -> Result<Self, KeyError> {
        let der = der(text)?;
        PrivateKey::from_pkcs8_der(&der)
            .or_else(|_| PrivateKey::from_pkcs1_der(&der))
            .map(Self)
            .map_err(|_| KeyError::NotPrivate)
    }

    /// Base64 signature, with blinding. `None` only when the system has no randomness or the key is
    /// broken.
    pub(super) fn sign(&self, kind: SignType, text: &str) -> Option<String> {
        let (scheme, hash) = kind.scheme_and_hash(text.as_bytes());
        self.0.sign_with_rng(&mut SysRng, scheme, &hash).ok().map(|sign| BASE64.encode(sign))
    }
}

impl fmt::Debug for MerchantKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MerchantKey({} bits)", self.0.n().bit_width())
    }
}

/// The gateway's public key: what the bank says is believed by it alone.
#[derive(Clone)]
pub(super) struct GatewayKey(PublicKey);

impl GatewayKey {
    pub(super) fn parse(text: &str) -> Result<Self, KeyError> {
        PublicKey::from_public_key_der(&der(text)?).map(Self).map_err(|_| KeyError::NotPublic)
    }

    pub(super) fn verify(&self, kind: SignType, text: &str, sign: &str) -> bool {
        let (scheme, hash) = kind.scheme_and_hash(text.as_bytes());
        BASE64.decode(sign).is_ok_and(|sign| self.0.verify(scheme, &hash, &sign).is_ok())
    }
}

impl fmt::Debug for GatewayKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GatewayKey({} bits)", self.0.n().bit_width())
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
