//! Links to an order that nobody can count through: the number and a keyed hash of it. Knows no page.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::types::OrderId;

/// 96 bits: short enough for a coarse QR, far too many to try.
const TAG_BYTES: usize = 12;

/// Makes and checks the last part of `/p/{token}`.
#[derive(Clone)]
pub(super) struct Links {
    key: Hmac<Sha256>,
}

impl Links {
    pub(super) fn new(secret: &[u8]) -> Self {
        let key = Hmac::new_from_slice(secret).expect("HMAC takes a key of any length");
        Self { key }
    }

    fn keyed(&self, order: OrderId) -> Hmac<Sha256> {
        let mut mac = self.key.clone();
        mac.update(b"order ");
        mac.update(order.to_string().as_bytes());
        mac
    }

    /// `{order}-{tag}`.
    pub(super) fn token(&self, order: OrderId) -> String {
        let tag = self.keyed(order).finalize().into_bytes();
        format!("{order}-{}", URL_SAFE_NO_PAD.encode(&tag[..TAG_BYTES]))
    }

    /// The order of a token that this site made; the tag is compared in constant time.
    pub(super) fn order(&self, token: &str) -> Option<OrderId> {
        let (number, tag) = token.split_once('-')?;
        let order =
            OrderId(number.parse().ok().filter(|n| *n > 0 && !number.starts_with(['+', '0']))?);
        let tag = URL_SAFE_NO_PAD.decode(tag).ok().filter(|tag| tag.len() == TAG_BYTES)?;
        self.keyed(order).verify_truncated_left(&tag).is_ok().then_some(order)
    }
}

impl std::fmt::Debug for Links {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Links")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_this_site_made() {
        let (ours, theirs) = (Links::new(b"one"), Links::new(b"two"));
        let token = ours.token(OrderId(12));
        assert_eq!(ours.order(&token), Some(OrderId(12)));
        assert_eq!(theirs.order(&token), None);
        let tag = token.split_once('-').unwrap().1;
        for bad in ["", "12", "12-", "-", &tag[1..]] {
            assert_eq!(ours.order(bad), None, "{bad}");
        }
        for number in ["13", "012", "+12", "-12", "12 "] {
            assert_eq!(ours.order(&format!("{number}-{tag}")), None, "{number}");
        }
        assert_eq!(ours.order(&format!("12-{}", &tag[..8])), None, "a shorter tag proves less");
    }
}
