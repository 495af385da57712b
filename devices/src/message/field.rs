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

use super::{Opened, path::Path, time};

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
pub(crate) struct Field {
    /// Spellings, the best first.
    at: Vec<Path>,
    #[serde(default, rename = "as")]
    form: Form,
    /// The vendor's word or number to ours; `*` stands for every other.
    #[serde(default)]
    map: BTreeMap<String, String>,
    /// Texts that mean "nothing there", in whatever case.
    #[serde(default)]
    none: Vec<String>,
    /// A number is multiplied by this: the vendor's unit in ours.
    times: Option<f64>,
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
    /// Date and clock, with or without an offset from UTC.
    DateTime,
    /// 0..1 where a percentage is wanted.
    Fraction,
}

/// Where fields are looked for.
#[derive(Clone, Copy)]
pub(crate) struct Scope<'a> {
    pub(crate) opened: &'a Opened,
    pub(crate) body: &'a Value,
    /// Of times that do not say theirs.
    pub(crate) utc_offset_s: Option<i32>,
}

impl Field {
    /// Our words of its map.
    pub(super) fn words(&self) -> impl Iterator<Item = &String> {
        self.map.values()
    }

    fn found<'a>(&'a self, scope: Scope<'a>) -> impl Iterator<Item = &'a Value> {
        self.at.iter().filter_map(move |path| path.find(&scope.opened.top, scope.body))
    }

    /// Something is there, readable or not.
    pub(super) fn is_there(&self, scope: Scope<'_>) -> bool {
        self.found(scope).any(|value| value.as_str() != Some(""))
    }

    /// Text, mapped if there is a map (what the map lacks is nothing). A spelling that says nothing
    /// leaves it to the next.
    pub(super) fn text(&self, scope: Scope<'_>) -> Option<String> {
        let says = |text: &String| !text.is_empty() && !self.none.iter().any(|n| same(n, text));
        let texts = self.found(scope).filter_map(plain).map(|text| match self.form {
            Form::Base64Text => from_base64(&text),
            _ => text,
        });
        let text = texts.into_iter().find(says)?;
        if self.map.is_empty() {
            return Some(text);
        }
        self.map.get(&text).or_else(|| self.map.get("*")).cloned()
    }

    fn number(&self, scope: Scope<'_>) -> Option<f64> {
        let number: f64 = self.text(scope)?.parse().ok().filter(|n: &f64| n.is_finite())?;
        Some(number * self.times.unwrap_or(1.0))
    }

    /// A whole number.
    pub(super) fn int(&self, scope: Scope<'_>) -> Option<i64> {
        if self.times.is_some() {
            let number = self.number(scope)?.round();
            return (number.abs() < 1e15).then_some(number as i64);
        }
        self.text(scope)?.parse().ok()
    }

    /// Yes or no.
    pub(super) fn flag(&self, scope: Scope<'_>) -> Option<bool> {
        match self.text(scope)?.as_str() {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        }
    }

    /// 0..=100, anything beyond taken as the nearest.
    pub(super) fn percent(&self, scope: Scope<'_>) -> Option<u8> {
        let number = self.number(scope)?;
        let percent = if self.form == Form::Fraction { number * 100.0 } else { number };
        Some(percent.round().clamp(0.0, 100.0) as u8)
    }

    /// Unix milliseconds of a year up to 9999.
    pub(super) fn time_ms(&self, scope: Scope<'_>) -> Option<i64> {
        self.found(scope).find_map(|value| {
            let text = plain(value)?;
            if self.form == Form::DateTime {
                return time::read(&text, scope.utc_offset_s);
            }
            let number: f64 = text.parse().ok().filter(|n: &f64| n.is_finite())?;
            let ms = if self.form == Form::UnixMs { number } else { number * 1000.0 }.round();
            (1.0..=UNIX_SECONDS_MAX as f64 * 1000.0).contains(&ms).then_some(ms as i64)
        })
    }

    /// Bytes from base64.
    pub(super) fn bytes(&self, scope: Scope<'_>) -> Option<Vec<u8>> {
        self.found(scope).find_map(|value| unbase64(value.as_str()?))
    }

    /// A picture beside the text, or bytes from base64 that begin as a JPEG does.
    pub(super) fn jpeg(&self, scope: Scope<'_>) -> Option<Vec<u8>> {
        self.found(scope).find_map(|value| {
            if let Some(file) = scope.opened.file(value) {
                return Some(file.to_vec());
            }
            let bytes = unbase64(value.as_str()?)?;
            bytes.starts_with(&[0xFF, 0xD8, 0xFF]).then_some(bytes)
        })
    }
}

fn same(a: &str, b: &str) -> bool {
    a == b || a.eq_ignore_ascii_case(b)
}

/// A scalar as text, and an element's text where it has attributes too; lists and other objects
/// have none.
pub(crate) fn plain(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.trim().to_string(),
        Value::Number(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        Value::Object(entries) => entries.get("#text")?.as_str()?.trim().to_string(),
        Value::Null | Value::Array(_) => return None,
    };
    (text.chars().count() <= TEXT_CHARS_MAX).then_some(text)
}

/// Lines may be broken, a form may have made blanks of its pluses, and a web page's prefix may
/// stand before it.
fn unbase64(text: &str) -> Option<Vec<u8>> {
    let text = text.trim();
    let text = match text.split_once(";base64,") {
        Some((kind, data)) if kind.starts_with("data:") => data,
        _ => text,
    };
    if !text.bytes().any(|b| b.is_ascii_whitespace()) {
        return BASE64.decode(text).ok();
    }
    let mended: Vec<u8> = text
        .bytes()
        .filter(|b| !matches!(b, b'\r' | b'\n' | b'\t'))
        .map(|b| if b == b' ' { b'+' } else { b })
        .collect();
    BASE64.decode(mended).ok()
}

fn from_base64(text: &str) -> String {
    let decoded = BASE64.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let clean = decoded.filter(|text| !text.chars().any(|c| c.is_control() || c == '\u{fffd}'));
    clean.map_or_else(|| text.to_string(), |text| text.trim().to_string())
}
