//! Who may look after the devices: a signed-in operator, or whoever reads the data folder, such as the command line.
//! Knows no device.

use axum::{
    extract::FromRequestParts,
    http::{Method, header, request::Parts},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::{error::ApiError, guard, router::Shared, signin::Signed};

/// The bearer token of whoever reads `site.key`; it ends with that key.
pub fn folder_token(site_secret: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(site_secret).expect("HMAC takes any length");
    mac.update(b"command line 1");
    URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
}

/// One who may look after the devices.
#[derive(Clone, Debug)]
pub(super) struct Hand {
    /// For the record.
    pub(super) name: String,
}

impl FromRequestParts<Shared> for Hand {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, web: &Shared) -> Result<Self, ApiError> {
        let bearer = parts.headers.get(header::AUTHORIZATION).and_then(|v| v.to_str().ok());
        if let Some(token) = bearer.and_then(|text| text.strip_prefix("Bearer ")) {
            let own = same(token, &web.folder_token);
            return if own {
                Ok(Self { name: "command line".into() })
            } else {
                Err(ApiError::SignIn)
            };
        }
        let asks = matches!(parts.method, Method::GET | Method::HEAD);
        let signed = Signed::from_request_parts(parts, web).await?;
        if !asks && !guard::is_own(web.settings.public_url(), &parts.headers) {
            return Err(ApiError::Foreign);
        }
        Ok(Self { name: signed.name })
    }
}

/// In a time that tells only the length.
fn same(given: &str, own: &str) -> bool {
    given.len() == own.len()
        && given.bytes().zip(own.bytes()).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
}
