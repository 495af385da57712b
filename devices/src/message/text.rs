//! A body that is text: JSON, XML or a form, in whatever letters it declares. Knows no parts.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8};
use serde_json::Value;

use super::{form, trim, xml};

/// Reads text by its first character; what is neither JSON nor XML is a form if it looks like one.
pub(super) fn open(
    body: &[u8],
    content_type: &str,
    charset: Option<&str>,
) -> Result<Value, String> {
    let body = trim(body);
    let first = body.iter().find(|b| !b.is_ascii_whitespace());
    match first {
        None => Ok(Value::Null),
        Some(b'<') => xml::open(&letters(body, charset.or_else(|| xml::declared(body)))?),
        _ if is_form(body, content_type) => Ok(form::open(body.trim_ascii(), charset)),
        Some(_) => {
            let text = letters(body, charset)?;
            serde_json::from_str(&text).map_err(|e| {
                format!("{:?} error of JSON, line {} column {}", e.classify(), e.line(), e.column())
            })
        }
    }
}

/// A form without its header is one that begins with a name and an equals sign.
fn is_form(body: &[u8], content_type: &str) -> bool {
    let body = body.trim_ascii_start();
    if body.starts_with(b"{") || body.starts_with(b"[") {
        return false;
    }
    let is_declared = content_type.to_ascii_lowercase().contains("x-www-form-urlencoded");
    let name = body.iter().position(|b| !(b.is_ascii_alphanumeric() || b"_-.%[]".contains(b)));
    is_declared || name.is_some_and(|end| end > 0 && body[end] == b'=')
}

/// The text of bytes in a declared set of letters; UTF-8 if none is, or an unknown one.
pub(super) fn letters<'a>(bytes: &'a [u8], charset: Option<&str>) -> Result<Cow<'a, str>, String> {
    let declared = charset.and_then(|label| Encoding::for_label(label.as_bytes()));
    let encoding = declared.unwrap_or(UTF_8);
    encoding
        .decode_without_bom_handling_and_without_replacement(bytes)
        .ok_or_else(|| format!("its letters are not {}", encoding.name()))
}
