//! What a stranger's message looks like: names and lengths. No text of it, since that may be a plate, a password or a
//! person's. Understands nothing.

use serde_json::Value;

/// Longest shape, in characters.
const CHARS_MAX: usize = 600;
const DEPTH_MAX: usize = 5;
/// Names listed of a form, of XML and of each object.
const NAMES_MAX: usize = 40;

/// The names in a message and how long what stands beside them is.
pub(super) fn shape(content_type: Option<&str>, bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim_matches(['\0', '\u{feff}', ' ', '\r', '\n', '\t']);
    let multipart = content_type.is_some_and(|kind| kind.starts_with("multipart/"));
    let shape = if let Ok(value) = serde_json::from_str::<Value>(text) {
        json(&value, 0)
    } else if multipart || text.starts_with("--") {
        format!("parts: {}", after(text, "name=\""))
    } else if text.starts_with('<') {
        format!("XML: {}", after(text, "<"))
    } else if !text.is_empty() && is_form(text) {
        let names = text.split('&').filter_map(|pair| pair.split('=').next());
        format!("form: {}", names.take(NAMES_MAX).collect::<Vec<_>>().join(", "))
    } else {
        format!("{} bytes", bytes.len())
    };
    shape.chars().take(CHARS_MAX).collect()
}

fn json(value: &Value, depth: usize) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Bool(_) => "yes/no".into(),
        Value::Number(_) => "number".into(),
        Value::String(text) => format!("text({})", text.chars().count()),
        Value::Array(all) if depth >= DEPTH_MAX => format!("[{}]", all.len()),
        Value::Array(all) => match all.first() {
            Some(first) => format!("[{} x {}]", all.len(), json(first, depth + 1)),
            None => "[]".into(),
        },
        Value::Object(all) if depth >= DEPTH_MAX => format!("{{{}}}", all.len()),
        Value::Object(all) => {
            let pairs = all.iter().take(NAMES_MAX);
            let pairs =
                pairs.map(|(name, value)| format!("{}: {}", plain(name), json(value, depth + 1)));
            format!("{{{}}}", pairs.collect::<Vec<_>>().join(", "))
        }
    }
}

/// The different names that follow `mark`.
fn after(text: &str, mark: &str) -> String {
    let mut names: Vec<String> = Vec::new();
    for piece in text.split(mark).skip(1) {
        let name = plain(piece);
        if !name.is_empty() && !names.contains(&name) && names.len() < NAMES_MAX {
            names.push(name);
        }
    }
    names.join(", ")
}

/// The name at the beginning of a text, at most 40 characters.
fn plain(text: &str) -> String {
    let fits = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | ':');
    text.chars().take_while(fits).take(40).collect()
}

fn is_form(text: &str) -> bool {
    text.split('&').all(|pair| {
        pair.split_once('=').is_some_and(|(name, _)| !name.is_empty() && plain(name) == name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_holds_names_and_no_text() {
        for (content_type, body, expected) in [
            (
                None,
                r#"{"cmd":"result","plate_num":"京A12345","pass_wd":"hunter2","n":[1,2],"o":{"a":true}}"#,
                r"{cmd: text(6), n: [2 x number], o: {a: yes/no}, pass_wd: text(7), plate_num: text(7)}",
            ),
            (None, "type=online&plate_num=%E4%BA%ACA12345", "form: type, plate_num"),
            (None, "<A><plate>京A12345</plate></A>", "XML: A, plate"),
            (
                Some("multipart/form-data; boundary=x"),
                "--x\r\nContent-Disposition: form-data; name=\"pass_wd\"\r\n\r\nhunter2\r\n--x--",
                "parts: pass_wd",
            ),
            (None, "京A12345", "9 bytes"),
            (None, "", "0 bytes"),
        ] {
            assert_eq!(shape(content_type, body.as_bytes()), expected);
        }
        let deep = "[".repeat(100) + &"]".repeat(100);
        assert!(shape(None, deep.as_bytes()).chars().count() < CHARS_MAX);
        let wide = format!(
            "{{{}}}",
            (0..9_999).map(|n| format!("\"k{n}\":1")).collect::<Vec<_>>().join(",")
        );
        assert_eq!(
            shape(None, wide.as_bytes()).chars().count(),
            shape(None, wide.as_bytes()).len()
        );
    }
}
