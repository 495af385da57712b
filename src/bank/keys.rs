//! Keys of merchants and gateways: RSA signatures (SHA-1 and SHA-256, PKCS#1 v1.5) and secrets read from files.
//! Knows neither requests nor replies.

use std::{fmt, path::Path};

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use rand::rngs::SysRng;
use rsa::{
    Pkcs1v15Sign, PrivateKey, PublicKey,
    pkcs1::DecodeRsaPrivateKey,
    pkcs8::{DecodePrivateKey, DecodePublicKey},
    traits::PublicKeyParts,
};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use thiserror::Error;

/// The hash under an RSA signature; each bank has its own name for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::bank) enum RsaHash {
    Sha1,
    Sha256,
}

impl RsaHash {
    fn scheme_and_hash(self, text: &[u8]) -> (Pkcs1v15Sign, Vec<u8>) {
        match self {
            Self::Sha1 => (Pkcs1v15Sign::new::<Sha1>(), Sha1::digest(text).to_vec()),
            Self::Sha256 => (Pkcs1v15Sign::new::<Sha256>(), Sha256::digest(text).to_vec()),
        }
    }
}

/// A key cannot be used. The texts never hold key material.
#[derive(Debug, Error)]
pub(in crate::bank) enum KeyError {
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
pub(in crate::bank) fn read_secret(file: &Path) -> Result<String, KeyError> {
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
pub(in crate::bank) struct MerchantKey(PrivateKey);

impl MerchantKey {
    pub(in crate::bank) fn parse(text: &str) -> Result<Self, KeyError> {
        let der = der(text)?;
        PrivateKey::from_pkcs8_der(&der)
            .or_else(|_| PrivateKey::from_pkcs1_der(&der))
            .map(Self)
            .map_err(|_| KeyError::NotPrivate)
    }

    /// Base64 signature, with blinding. `None` only when the system has no randomness or the key is
    /// broken.
    pub(in crate::bank) fn sign(&self, hash: impl Into<RsaHash>, text: &str) -> Option<String> {
        let (scheme, hash) = hash.into().scheme_and_hash(text.as_bytes());
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
pub(in crate::bank) struct GatewayKey(PublicKey);

impl GatewayKey {
    pub(in crate::bank) fn parse(text: &str) -> Result<Self, KeyError> {
        PublicKey::from_public_key_der(&der(text)?).map(Self).map_err(|_| KeyError::NotPublic)
    }

    pub(in crate::bank) fn verify(&self, hash: impl Into<RsaHash>, text: &str, sign: &str) -> bool {
        let (scheme, hash) = hash.into().scheme_and_hash(text.as_bytes());
        BASE64.decode(sign).is_ok_and(|sign| self.0.verify(scheme, &hash, &sign).is_ok())
    }
}

impl fmt::Debug for GatewayKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GatewayKey({} bits)", self.0.n().bit_width())
    }
}
