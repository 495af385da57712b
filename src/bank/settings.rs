//! What the settings of all channels share: their error, the gateway's public key, paths taken letter by letter.
//! Knows no channel.

use std::path::Path;

use thiserror::Error;

use super::keys::GatewayKey;

/// A setting of a channel cannot be used. `field` is its name in the channel's section.
#[derive(Debug, Error)]
#[error("{field}: {what}")]
pub struct SettingsError {
    pub field: &'static str,
    pub what: String,
}

impl SettingsError {
    pub(in crate::bank) fn new(field: &'static str, what: impl Into<String>) -> Self {
        Self { field, what: what.into() }
    }
}

/// The gateway's public key from the settings themselves or from a file they name; exactly one of the two.
pub(in crate::bank) fn gateway_key(
    text: Option<&str>,
    file: Option<&Path>,
) -> Result<GatewayKey, SettingsError> {
    let (field, text) = match (text, file) {
        (Some(text), None) => ("gateway_public_key", text.to_owned()),
        (None, Some(file)) => {
            let field = "gateway_public_key_file";
            let text = std::fs::read_to_string(file)
                .map_err(|e| SettingsError::new(field, format!("{}: {e}", file.display())))?;
            (field, text)
        }
        (None, None) => {
            let what = "missing; take it from the platform's developer pages (or name a file in \
                        gateway_public_key_file)";
            return Err(SettingsError::new("gateway_public_key", what));
        }
        (Some(_), Some(_)) => {
            let what = "given twice; keep one of gateway_public_key, gateway_public_key_file";
            return Err(SettingsError::new("gateway_public_key_file", what));
        }
    };
    GatewayKey::parse(&text).map_err(|e| SettingsError::new(field, e.to_string()))
}

/// What stands between the host and the query, untouched; empty when there is nothing.
pub(in crate::bank) fn literal_path(url: &str) -> Option<&str> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"))?;
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    match rest.find('/') {
        Some(0) => None,
        Some(at) => Some(&rest[at..]),
        None if rest.is_empty() => None,
        None => Some(""),
    }
}
