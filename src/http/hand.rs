//! Who may look after the devices: a signed-in operator, or whoever reads the data folder, such as the command line.
//! Knows no device.

use axum::{extract::FromRequestParts, http::request::Parts};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::{error::ApiError, router::Shared};

/// The bearer token of whoever reads `site.key`; it ends with that key.
pub fn folder_token(site_secret: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(site_secret).expect("HMAC takes any length");
    mac.update(b"command line 1");
    URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
}

/// The name on record of whoever reads the data folder.
pub(super) const COMMAND_LINE: &str = "command line";

/// One who may look after the devices.
#[derive(Clone, Debug)]
pub(super) struct Hand {
    /// For the record.
    pub(super) name: String,
}

impl FromRequestParts<Shared> for Hand {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Shared) -> Result<Self, ApiError> {
        // The door before every operation of the API knows.
        parts.extensions.get::<Self>().cloned().ok_or(ApiError::SignIn)
    }
}

/// In a time that tells only the length.
pub(super) fn same(given: &str, own: &str) -> bool {
    given.len() == own.len()
        && given.bytes().zip(own.bytes()).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
}
