//! Looking at a code with public keys alone, as a gate, another site's program or an inspector does. Knows no secret.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::code::{SiteCode, Unverified, decode};
use crate::core::ticket::NotAdmitted;

/// What other verifiers are given, as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicKeys {
    pub site: SiteCode,
    pub keys: Vec<PublicKey>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicKey {
    /// As in the codes it signs.
    pub id: u8,
    /// `Ed25519`.
    pub algorithm: String,
    /// 32 bytes in base 64.
    pub public: String,
    /// What it signed is good until then; `None`: no end is set.
    pub retire_after: Option<Timestamp>,
}

impl PublicKey {
    pub(super) fn new(id: u8, public: &[u8], retire_after: Option<Timestamp>) -> Self {
        Self { id, algorithm: "Ed25519".into(), public: STANDARD.encode(public), retire_after }
    }
}

impl PublicKey {
    /// As other programs read it: `SubjectPublicKeyInfo` of RFC 8410, in PEM. `None`: it is no Ed25519 key.
    pub fn pem(&self) -> Option<String> {
        let public = STANDARD.decode(&self.public).ok().filter(|public| public.len() == 32)?;
        let body = STANDARD.encode([SPKI, public.as_slice()].concat());
        Some(format!("-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n"))
    }
}

/// What stands before the 32 bytes of an Ed25519 key: its algorithm, and how long it is.
const SPKI: &[u8] = &[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// Public keys ready for use.
#[derive(Clone, Debug)]
pub struct Verifier {
    site: SiteCode,
    keys: BTreeMap<u8, (Vec<u8>, Option<Timestamp>)>,
}

/// An exported key that is none.
#[derive(Debug, thiserror::Error)]
#[error("key {0} is no Ed25519 key of 32 bytes in base 64; export the keys again")]
pub struct KeyUnfit(u8);

impl Verifier {
    /// From what a site exported.
    pub fn new(exported: &PublicKeys) -> Result<Self, KeyUnfit> {
        let keys = exported.keys.iter().map(|key| {
            let public = STANDARD.decode(&key.public).ok();
            let fits = |public: &Vec<u8>| public.len() == 32 && key.algorithm == "Ed25519";
            let public = public.filter(fits).ok_or(KeyUnfit(key.id))?;
            Ok((key.id, (public, key.retire_after)))
        });
        Ok(Self { site: exported.site, keys: keys.collect::<Result<_, _>>()? })
    }

    /// A code of this site under a key that is good at `now`, or what the one who shows it is told. What changes in it
    /// is not looked at, nor is its time. `text` is trimmed, in capital letters.
    pub fn verify<'a>(&self, text: &'a str, now: Timestamp) -> Result<Unverified<'a>, NotAdmitted> {
        let code = decode(text).map_err(|_| NotAdmitted::Unreadable)?;
        if code.site != self.site {
            return Err(NotAdmitted::OtherSite);
        }
        let Some((public, retire_after)) = self.keys.get(&code.key) else {
            // Keys count up: an earlier one was ours, and is gone.
            let was_ours = self.keys.last_key_value().is_some_and(|(last, _)| code.key < *last);
            return Err(if was_ours { NotAdmitted::KeyRetired } else { NotAdmitted::Forged });
        };
        if !code.is_signed_by(public) {
            return Err(NotAdmitted::Forged);
        }
        match retire_after {
            Some(end) if *end < now => Err(NotAdmitted::KeyRetired),
            _ => Ok(code),
        }
    }
}
