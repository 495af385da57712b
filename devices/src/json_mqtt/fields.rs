//! One value out of a message: the first of several spellings that can be read as what is wanted.
//! Knows no event.

use std::collections::BTreeMap;

use base64::{
    Engine,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use serde::Deserialize;
use serde_json::Value;

use crate::json_path::JsonPath;

/// Cameras are careless with the padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);
/// Longer text is no plate, id or code.
const TEXT_CHARS_MAX: usize = 200;
/// The last second of the year 9999.
const UNIX_SECONDS_MAX: i64 = 253_402_300_799;

/// Where a field is and how to read it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Field {
    /// Spellings, the best first.
    at: Vec<JsonPath>,
    #[serde(default, rename = "as")]
    form: Form,
    /// The vendor's word or number to ours.
    #[serde(default)]
    map: BTreeMap<String, String>,
    /// Texts that mean "nothing there".
    #[serde(default)]
    none: Vec<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Form {
    /// As it stands; numbers as texts and texts as numbers where wanted.
    #[default]
    Plain,
    /// Text in base64. What does not decode to clean text is taken as it stands: the same vendor
    /// writes plain text on other ways.
    Base64Text,
    /// Unix time.
    UnixSeconds,
    /// Unix time.
    UnixMs,
    /// 0..1 where a percentage is wanted.
    Fraction,
}

impl Field {
    /// Our words of its map.
    pub(super) fn words(&self) -> impl Iterator<Item = &String> {
        self.map.values()
    }

    fn found<'a>(&'a self, top: &'a Value, body: &'a Value) -> impl Iterator<Item = &'a Value> {
        self.at.iter().filter_map(move |path| path.find(top, body))
    }

    /// Something is there, readable or not.
    pub(super) fn is_there(&self, top: &Value, body: &Value) -> bool {
        self.found(top, body).next().is_some()
    }

    /// Text, mapped if there is a map (what the map lacks is nothing).
    pub(super) fn text(&self, top: &Value, body: &Value) -> Option<String> {
        let text = self.found(top, body).find_map(plain)?;
        let text = if self.form == Form::Base64Text { from_base64(&text) } else { text };
        if self.map.is_empty() {
            return (!text.is_empty() && !self.none.contains(&text)).then_some(text);
        }
        self.map.get(&text).cloned()
    }

    /// A whole number.
    pub(super) fn int(&self, top: &Value, body: &Value) -> Option<i64> {
        self.text(top, body)?.parse().ok()
    }

    /// Yes or no.
    pub(super) fn flag(&self, top: &Value, body: &Value) -> Option<bool> {
        match self.text(top, body)?.as_str() {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        }
    }

    /// 0..=100, anything beyond taken as the nearest.
    pub(super) fn percent(&self, top: &Value, body: &Value) -> Option<u8> {
        let number: f64 = self.text(top, body)?.parse().ok().filter(|n: &f64| n.is_finite())?;
        let percent = if self.form == Form::Fraction { number * 100.0 } else { number };
        Some(percent.round().clamp(0.0, 100.0) as u8)
    }

    /// Unix milliseconds of a year up to 9999.
    pub(super) fn time_ms(&self, top: &Value, body: &Value) -> Option<i64> {
        self.found(top, body).find_map(|value| {
            let number: f64 = plain(value)?.parse().ok().filter(|n: &f64| n.is_finite())?;
            let ms = if self.form == Form::UnixMs { number } else { number * 1000.0 }.round();
            (1.0..=UNIX_SECONDS_MAX as f64 * 1000.0).contains(&ms).then_some(ms as i64)
        })
    }

    /// Bytes from base64.
    pub(super) fn bytes(&self, top: &Value, body: &Value) -> Option<Vec<u8>> {
        self.found(top, body).find_map(|value| BASE64.decode(value.as_str()?.trim()).ok())
    }

    /// Bytes from base64 that begin as a JPEG does.
    pub(super) fn jpeg(&self, top: &Value, body: &Value) -> Option<Vec<u8>> {
        self.found(top, body).find_map(|value| {
            let bytes = BASE64.decode(value.as_str()?.trim()).ok()?;
            bytes.starts_with(&[0xFF, 0xD8, 0xFF]).then_some(bytes)
        })
    }
}

/// A scalar as text; lists and objects have none.
fn plain(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.trim().to_string(),
        Value::Number(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        Value::Null | Value::Array(_) | Value::Object(_) => return None,
    };
    (text.chars().count() <= TEXT_CHARS_MAX).then_some(text)
}

fn from_base64(text: &str) -> String {
    let decoded = BASE64.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let clean = decoded.filter(|text| !text.chars().any(|c| c.is_control() || c == '\u{fffd}'));
    clean.map_or_else(|| text.to_string(), |text| text.trim().to_string())
}
