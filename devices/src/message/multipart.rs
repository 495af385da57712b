//! Forms in parts (multipart), as cameras send text and pictures together. Reads a whole body, never
//! a stream.

use serde_json::{Map, Value, json};

use super::{
    FILE, form, parameter,
    text::{self, letters},
};

/// A camera sends one text and a few pictures.
const PARTS_MAX: usize = 32;
/// Of one part.
const HEADER_BYTES_MAX: usize = 4096;
const JPEG: [u8; 3] = [0xFF, 0xD8, 0xFF];

/// What stands between the parts; by the header, or for want of one by the body's first line.
pub(super) fn boundary(content_type: &str, body: &[u8]) -> Option<String> {
    let is_declared = content_type.trim_start().to_ascii_lowercase().starts_with("multipart/");
    if let Some(boundary) = parameter(content_type, "boundary").filter(|_| is_declared) {
        return Some(boundary.to_owned());
    }
    let first = body.trim_ascii_start().strip_prefix(b"--")?;
    let line = &first[..first.iter().take(100).position(|b| matches!(b, b'\r' | b'\n'))?];
    let line = std::str::from_utf8(line).ok()?.trim_end();
    (!line.is_empty() && first.len() > line.len() + 4).then(|| line.to_owned())
}

/// Its parts by part name and, where that differs, by file name too. A picture is kept as a file.
pub(super) fn open(
    body: &[u8],
    boundary: &str,
    charset: Option<&str>,
    files: &mut Vec<Vec<u8>>,
) -> Result<Value, String> {
    let mut parts = Map::new();
    for (number, part) in split(body, boundary)?.into_iter().enumerate() {
        if number == PARTS_MAX {
            return Err(format!("more than {PARTS_MAX} parts"));
        }
        let (header, content) = header(part)?;
        let value = if content.starts_with(&JPEG) {
            files.push(content.to_vec());
            json!({ FILE: files.len() - 1 })
        } else {
            content_of(content, &header, charset)?
        };
        let name = header.name.unwrap_or_else(|| format!("part{}", number + 1));
        if let Some(file) = header.file.filter(|file| *file != name && !parts.contains_key(file)) {
            parts.insert(file, value.clone());
        }
        form::add(&mut parts, name, value);
    }
    Ok(Value::Object(parts))
}

/// The bytes between the boundaries. The last boundary must be there: a body cut short is no body.
fn split<'a>(body: &'a [u8], boundary: &str) -> Result<Vec<&'a [u8]>, String> {
    let marker = format!("--{boundary}").into_bytes();
    let mut parts = Vec::new();
    let mut start = find(body, &marker).ok_or("its boundary is nowhere")? + marker.len();
    loop {
        let rest = body.get(start..).unwrap_or_default();
        if rest.starts_with(b"--") {
            return Ok(parts);
        }
        let end = find(rest, &marker).ok_or("its last boundary is missing")?;
        let part = &rest[..end];
        let part = part.strip_suffix(b"\n").unwrap_or(part);
        parts.push(part.strip_suffix(b"\r").unwrap_or(part));
        if parts.len() > PARTS_MAX {
            return Err(format!("more than {PARTS_MAX} parts"));
        }
        start += end + marker.len();
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    let first = *wanted.first()?;
    let mut from = 0;
    while let Some(at) = bytes.get(from..)?.iter().position(|b| *b == first) {
        if bytes[from + at..].starts_with(wanted) {
            return Some(from + at);
        }
        from += at + 1;
    }
    None
}

#[derive(Default)]
struct Header {
    name: Option<String>,
    file: Option<String>,
    content_type: String,
}

fn header(part: &[u8]) -> Result<(Header, &[u8]), String> {
    let part = part.strip_prefix(b"\r\n").or_else(|| part.strip_prefix(b"\n")).unwrap_or(part);
    let (lines, content) = if part.starts_with(b"\r\n") || part.starts_with(b"\n") {
        (&[][..], part.trim_ascii_start())
    } else {
        let end = |gap: &[u8]| find(part, gap).map(|at| (&part[..at], &part[at + gap.len()..]));
        end(b"\r\n\r\n").or_else(|| end(b"\n\n")).ok_or("a part without its header's end")?
    };
    if lines.len() > HEADER_BYTES_MAX {
        return Err("a part with an endless header".into());
    }
    let mut header = Header::default();
    for line in String::from_utf8_lossy(lines).lines() {
        let Some((key, value)) = line.split_once(':') else { continue };
        let own = |name| parameter(value, name).map(str::to_owned);
        match key.trim().to_ascii_lowercase().as_str() {
            "content-disposition" => (header.name, header.file) = (own("name"), own("filename")),
            "content-type" => value.trim().clone_into(&mut header.content_type),
            _ => {}
        }
    }
    Ok((header, content))
}

/// XML and JSON are laid open, other text stands as it is; bytes that are no text are left aside.
fn content_of(content: &[u8], header: &Header, charset: Option<&str>) -> Result<Value, String> {
    let charset = parameter(&header.content_type, "charset").or(charset);
    let opens = content.iter().find(|b| !b.is_ascii_whitespace() && **b != 0);
    if matches!(opens, Some(b'<' | b'{')) {
        return text::open(content, "", charset);
    }
    Ok(letters(content, charset).map_or(Value::Null, |text| Value::String(text.trim().into())))
}
