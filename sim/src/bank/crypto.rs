//! The gateway's own keys and arithmetic: RSA signatures and AES-CBC. Shares nothing with the
//! daemon's; the chaining of the blocks is written out here on the bare cipher.

use std::{fmt, io, path::Path};

use aes::{
    Aes128,
    cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha20Rng;
use rsa::{
    PrivateKey, PublicKey,
    pkcs1v15::{Signature, SigningKey, VerifyingKey},
    pkcs8::{EncodePrivateKey, EncodePublicKey},
    signature::{SignatureEncoding, Signer, Verifier},
};
use sha1::Sha1;
use sha2::Sha256;

const KEY_BITS: usize = 2048;
const BLOCK: usize = 16;

/// The hash under a signature, by the wire's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hash {
    /// `RSA`.
    Sha1,
    /// `RSA2`.
    Sha256,
}

impl Hash {
    pub fn from_code(code: &str) -> Option<Self> {
        match code {
            "RSA" => Some(Self::Sha1),
            "RSA2" => Some(Self::Sha256),
            _ => None,
        }
    }

    pub fn code(self) -> &'static str {
        match self {
            Self::Sha1 => "RSA",
            Self::Sha256 => "RSA2",
        }
    }
}

/// The gateway's key pair, and the merchant's, which a real bank would never see: it is here to be
/// handed to the site under test.
#[derive(Clone)]
pub struct GatewayKeys {
    gateway: PrivateKey,
    merchant: PrivateKey,
    aes: [u8; BLOCK],
}

impl GatewayKeys {
    /// The same keys for the same seed; 2048 bits each.
    pub fn generate(seed: u64) -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let mut key = || PrivateKey::new(&mut rng, KEY_BITS).expect("2048 bits are allowed");
        let (gateway, merchant) = (key(), key());
        let mut aes = [0; BLOCK];
        rng.fill_bytes(&mut aes);
        Self { gateway, merchant, aes }
    }

    /// The gateway's public key as the platform prints it: base64 SPKI on one line.
    pub fn gateway_public_key(&self) -> String {
        spki(&self.gateway.to_public_key())
    }

    /// Writes the merchant's private key (base64 PKCS#8), readable by its owner only.
    pub fn write_merchant_key(&self, file: &Path) -> io::Result<()> {
        let der = self.merchant.to_pkcs8_der().map_err(io::Error::other)?;
        write_secret(file, &BASE64_STANDARD.encode(der.as_bytes()))
    }

    /// Writes the AES key (base64), readable by its owner only.
    pub fn write_aes_key(&self, file: &Path) -> io::Result<()> {
        write_secret(file, &BASE64_STANDARD.encode(self.aes))
    }

    /// Everything the gateway says is signed over SHA-1.
    pub(super) fn gateway_sign(&self, text: &str) -> String {
        let key = SigningKey::<Sha1>::new(self.gateway.clone());
        BASE64_STANDARD.encode(key.sign(text.as_bytes()).to_vec())
    }

    /// The same over SHA-256, for gateways that sign so.
    pub(super) fn gateway_sign_sha256(&self, text: &str) -> String {
        let key = SigningKey::<Sha256>::new(self.gateway.clone());
        BASE64_STANDARD.encode(key.sign(text.as_bytes()).to_vec())
    }

    pub(super) fn merchant_signed(&self, hash: Hash, text: &str, sign: &str) -> bool {
        let Some(sign) = BASE64_STANDARD.decode(sign).ok() else { return false };
        let Ok(sign) = Signature::try_from(sign.as_slice()) else { return false };
        let key = self.merchant.to_public_key();
        match hash {
            Hash::Sha1 => VerifyingKey::<Sha1>::new(key).verify(text.as_bytes(), &sign).is_ok(),
            Hash::Sha256 => VerifyingKey::<Sha256>::new(key).verify(text.as_bytes(), &sign).is_ok(),
        }
    }

    /// AES-128-CBC with an IV of zeros and PKCS#5 padding, in base64.
    pub(super) fn encrypt(&self, plain: &str) -> String {
        let cipher = Aes128::new(&self.aes.into());
        let pad = BLOCK - plain.len() % BLOCK;
        let padded = plain.bytes().chain(std::iter::repeat_n(pad as u8, pad));
        let padded: Vec<u8> = padded.collect();
        let mut previous = [0; BLOCK];
        let mut sealed = Vec::with_capacity(padded.len());
        for block in padded.chunks_exact(BLOCK) {
            let mut mixed = aes::Block::default();
            for at in 0..BLOCK {
                mixed[at] = block[at] ^ previous[at];
            }
            cipher.encrypt_block(&mut mixed);
            previous.copy_from_slice(&mixed);
            sealed.extend_from_slice(&mixed);
        }
        BASE64_STANDARD.encode(sealed)
    }

    pub(super) fn decrypt(&self, sealed: &str) -> Option<String> {
        let sealed = BASE64_STANDARD.decode(sealed).ok()?;
        if sealed.is_empty() || sealed.len() % BLOCK != 0 {
            return None;
        }
        let cipher = Aes128::new(&self.aes.into());
        let mut previous = [0; BLOCK];
        let mut plain = Vec::with_capacity(sealed.len());
        for chunk in sealed.chunks_exact(BLOCK) {
            let mut block = aes::Block::default();
            block.copy_from_slice(chunk);
            cipher.decrypt_block(&mut block);
            plain.extend((0..BLOCK).map(|at| block[at] ^ previous[at]));
            previous.copy_from_slice(chunk);
        }
        let pad = usize::from(*plain.last()?);
        let padded = (1..=BLOCK).contains(&pad)
            && plain[plain.len() - pad..].iter().all(|byte| usize::from(*byte) == pad);
        plain.truncate(plain.len() - if padded { pad } else { return None });
        String::from_utf8(plain).ok()
    }
}

impl fmt::Debug for GatewayKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GatewayKeys")
    }
}

fn spki(key: &PublicKey) -> String {
    let der = key.to_public_key_der().expect("an RSA key has an SPKI form");
    BASE64_STANDARD.encode(der.as_bytes())
}

pub(super) fn write_secret(file: &Path, text: &str) -> io::Result<()> {
    use std::{io::Write, os::unix::fs::OpenOptionsExt};
    let _ = std::fs::remove_file(file);
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(0o600).open(file)?;
    file.write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aes_agrees_with_the_published_text_and_refuses_others() {
        let golden = include_str!("../../../tests/golden/icbc/vectors.json");
        let golden: serde_json::Value = serde_json::from_str(golden).unwrap();
        let vector = &golden["requests"][2];
        let text = |name: &str| vector[name].as_str().unwrap();
        let mut keys = GatewayKeys::generate(1);
        keys.aes = BASE64_STANDARD.decode(text("aes_key")).unwrap().try_into().unwrap();
        assert_eq!(keys.encrypt(text("biz_content")), text("biz_cipher"));
        assert_eq!(keys.decrypt(text("biz_cipher")).as_deref(), Some(text("biz_content")));
        for bad in ["", "AAAA", "!", "AAAAAAAAAAAAAAAAAAAAAA=="] {
            assert_eq!(keys.decrypt(bad), None, "{bad}");
        }
        assert_eq!(keys.decrypt(&keys.encrypt("")).as_deref(), Some(""));
    }

    #[test]
    fn a_seed_gives_the_same_keys_again() {
        let public = |seed| GatewayKeys::generate(seed).gateway_public_key();
        assert_eq!(public(1), public(1));
        assert_ne!(public(1), public(2));
    }
}
