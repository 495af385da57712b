//! Names and numbers of visitors, sealed (AES-256-GCM) under a key that is no part of the database. Keeps nothing.

use rand::{TryRng, rngs::SysRng};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

use super::TicketKeys;
use crate::types::CodeDigest;

/// Seals and opens. What is sealed for one visitor opens as that visitor's only.
pub struct Seal(LessSafeKey);

/// Why nothing was sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the system gives no random numbers, so nothing was sealed; try again")]
pub struct NotSealed;

impl Seal {
    pub fn new(keys: &TicketKeys) -> Self {
        let key = UnboundKey::new(&AES_256_GCM, &keys.derived("visitors sealed"));
        Self(LessSafeKey::new(key.unwrap_or_else(|_| unreachable!("a key of 32 bytes"))))
    }

    /// `nonce | sealed name and number`; the same visitor is sealed anew each time.
    pub fn seal(
        &self,
        visitor: &CodeDigest,
        name: &str,
        number: &str,
    ) -> Result<Vec<u8>, NotSealed> {
        let mut nonce = [0; NONCE_LEN];
        SysRng.try_fill_bytes(&mut nonce).map_err(|_| NotSealed)?;
        let mut text = format!("{}\n{}", name.trim(), number.trim()).into_bytes();
        let aad = Aad::from(visitor.to_string());
        let of = Nonce::assume_unique_for_key(nonce);
        self.0.seal_in_place_append_tag(of, aad, &mut text).map_err(|_| NotSealed)?;
        Ok([nonce.as_slice(), &text].concat())
    }

    /// Name and number; `None`: sealed under another key, for another visitor, or damaged.
    pub fn open(&self, visitor: &CodeDigest, sealed: &[u8]) -> Option<(String, String)> {
        let (nonce, text) = sealed.split_first_chunk::<NONCE_LEN>()?;
        let mut text = text.to_vec();
        let of = Nonce::assume_unique_for_key(*nonce);
        let open = self.0.open_in_place(of, Aad::from(visitor.to_string()), &mut text).ok()?;
        let (name, number) = std::str::from_utf8(open).ok()?.split_once('\n')?;
        Some((name.to_owned(), number.to_owned()))
    }
}

impl std::fmt::Debug for Seal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seal")
    }
}

#[cfg(test)]
mod tests {
    use super::{super::SiteCode, *};

    #[test]
    fn what_is_sealed_opens_for_its_visitor_and_key_only() {
        let keys = |secret| TicketKeys::of(&[5; 32], &[secret; 32], SiteCode::of("test")).unwrap();
        let seal = Seal::new(&keys(6));
        let (one, other) = (CodeDigest::of("110A"), CodeDigest::of("110B"));
        let sealed = seal.seal(&one, "张三", "11010519491231002X").unwrap();
        let text = String::from_utf8_lossy(&sealed).into_owned();
        assert!(!text.contains("张三") && !text.contains("110105"), "{text}");
        let opened = seal.open(&one, &sealed).unwrap();
        assert_eq!((opened.0.as_str(), opened.1.as_str()), ("张三", "11010519491231002X"));
        assert_eq!(seal.open(&other, &sealed), None);
        assert_eq!(Seal::new(&keys(7)).open(&one, &sealed), None);
        assert_ne!(seal.seal(&one, "张三", "11010519491231002X").unwrap(), sealed);
        for end in 0..sealed.len() {
            assert_eq!(seal.open(&one, &sealed[..end]), None, "cut off at {end}");
        }
    }
}
