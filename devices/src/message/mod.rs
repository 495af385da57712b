//! What `json-mqtt` and `http-push` have in common: a body is laid open into one tree, whatever its
//! form, and read and answered as a profile says. Knows no topic, no request and no vendor.
//!
//! ```text
//!   body ── text.rs, xml.rs, form.rs, multipart.rs ──> Opened: one tree, and the files beside it
//!   Opened ─ rules.rs: which message ─ path.rs, field.rs: values ─ event.rs ──> DeviceEvent
//!   Command, Opened ─ holes.rs, template.rs ──> commands, answers, replies
//! ```
//!
//! Passwords are dropped here, before anything else sees the tree.

pub(crate) mod error;
pub(crate) mod event;
pub(crate) mod field;
mod form;
pub(crate) mod holes;
pub(crate) mod listen;
mod multipart;
mod path;
mod recent;
pub(crate) mod rules;
pub(crate) mod template;
mod text;
mod time;
mod xml;

use serde_json::{Map, Value, json};

pub(crate) use self::{
    event::Reading,
    field::Scope,
    listen::{Listener, Memory},
    path::Path,
    rules::{Event, Language, MessageRule},
};

/// A body longer than this is not looked at: two full pictures in base64 fit well.
pub const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;
/// The key of a file in the tree; its value is the number of the file.
const FILE: &str = "@file";
/// Keys whose values are thrown away, compared without case and without `_` and `-`.
const SECRETS: [&str; 6] = ["passwd", "password", "pwd", "userpassword", "loginpassword", "secret"];

/// A message laid open.
#[derive(Default)]
pub(crate) struct Opened {
    /// JSON as it stands; an XML element under its name; a form's pairs by name; a form's parts by
    /// part name and by file name.
    pub(crate) top: Value,
    /// Parts that are pictures. In the tree stands `{"@file": n}`.
    files: Vec<Vec<u8>>,
}

impl Opened {
    /// Lays a body open. `content_type` is believed where it names a form; where it does not, the
    /// body's first bytes tell. `charset` is what the profile says of bodies that say nothing.
    pub(crate) fn new(
        body: &[u8],
        content_type: Option<&str>,
        charset: Option<&str>,
    ) -> Result<Self, String> {
        let kind = content_type.unwrap_or_default();
        let charset = parameter(kind, "charset").or(charset);
        let mut opened = Self::default();
        opened.top = match multipart::boundary(kind, body) {
            Some(boundary) => multipart::open(body, &boundary, charset, &mut opened.files)?,
            None => text::open(body, kind, charset)?,
        };
        drop_secrets(&mut opened.top);
        Ok(opened)
    }

    /// A body that is one word, as `text`.
    pub(crate) fn word(body: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(trim(body)).map_err(|_| "no UTF-8 text".to_string())?;
        Ok(Self { top: json!({ "text": text.trim() }), files: vec![] })
    }

    /// Puts the pairs of a query beside a body that is an object.
    pub(crate) fn add_query(&mut self, query: &str) {
        if self.top.is_null() {
            self.top = Value::Object(Map::new());
        }
        if let Some(top) = self.top.as_object_mut().filter(|_| !query.is_empty()) {
            let mut pairs = form::open(query.as_bytes(), None);
            drop_secrets(&mut pairs);
            top.insert("@query".into(), pairs);
        }
    }

    /// Replaces a text that is JSON by what it says.
    pub(crate) fn unpack(&mut self, at: &Path) {
        let Some(inside) = at.find(&self.top, &self.top).and_then(Value::as_str) else { return };
        let Ok(mut inside) = serde_json::from_str::<Value>(inside) else { return };
        drop_secrets(&mut inside);
        if let Some(place) = at.find_mut(&mut self.top) {
            *place = inside;
        }
    }

    /// The bytes of a file of the tree.
    pub(crate) fn file(&self, value: &Value) -> Option<&[u8]> {
        let number = value.get(FILE)?.as_u64()?;
        self.files.get(usize::try_from(number).ok()?).map(Vec::as_slice)
    }
}

/// Some firmware puts a NUL before its JSON, or the C string's end behind it.
fn trim(body: &[u8]) -> &[u8] {
    let body = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body);
    let start = body.iter().position(|b| *b != 0).unwrap_or(body.len());
    let end = body.iter().rposition(|b| *b != 0).map_or(start, |last| last + 1);
    &body[start..end]
}

/// A parameter of a header, as in `multipart/form-data; boundary=x`.
fn parameter<'a>(header: &'a str, name: &str) -> Option<&'a str> {
    header.split(';').skip(1).find_map(|part| {
        let (key, value) = part.split_once('=')?;
        let value = value.trim().trim_matches('"');
        (key.trim().eq_ignore_ascii_case(name) && !value.is_empty()).then_some(value)
    })
}

/// Heart-beats of some cameras carry the camera's password.
fn drop_secrets(value: &mut Value) {
    match value {
        Value::Object(entries) => {
            entries.retain(|key, _| !is_secret(key));
            entries.values_mut().for_each(drop_secrets);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_secrets),
        _ => {}
    }
}

fn is_secret(key: &str) -> bool {
    let plain: String = key.chars().filter(|c| !matches!(c, '_' | '-' | '@')).collect();
    SECRETS.iter().any(|secret| secret.eq_ignore_ascii_case(&plain))
}

/// Bounded text of a stranger, for messages.
pub(crate) fn short(text: &str) -> String {
    text.chars().take(80).collect()
}
