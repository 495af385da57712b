//! Whoever reads the data folder, such as the command line, known by a token that is made of the site's key. Knows no
//! route.

use axum::http::{HeaderMap, header};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::router::Web;

/// The bearer token of whoever reads `site.key`; it ends with that key.
pub fn folder_token(site_secret: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(site_secret).expect("HMAC takes any length");
    mac.update(b"command line 1");
    URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
}

/// The token that a request carries.
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}

/// In a time that tells only the length.
pub(super) fn is_folder_token(web: &Web, given: &str) -> bool {
    let own = &web.folder_token;
    given.len() == own.len()
        && given.bytes().zip(own.bytes()).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
}
