//! Whoever reads the data folder, such as the command line, known by a token that is made of the site's key. Knows no
//! route.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The bearer token of whoever reads `site.key`; it ends with that key.
pub fn folder_token(site_secret: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(site_secret).expect("HMAC takes any length");
    mac.update(b"command line 1");
    URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
}

/// In a time that tells only the length.
pub(super) fn same(given: &str, own: &str) -> bool {
    given.len() == own.len()
        && given.bytes().zip(own.bytes()).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
}
