//! Forms: `name=value&...`, percent-coded. Knows no field.

use serde_json::{Map, Value};

use super::text::letters;

/// More pairs than this are left aside.
const PAIRS_MAX: usize = 200;

/// The pairs by name; of a name that comes twice, a list. Letters that are wrong cost their pair.
pub(super) fn open(body: &[u8], charset: Option<&str>) -> Value {
    let mut pairs = Map::new();
    for pair in body.split(|b| *b == b'&').take(PAIRS_MAX) {
        let (name, value) = match pair.iter().position(|b| *b == b'=') {
            Some(equals) => (&pair[..equals], &pair[equals + 1..]),
            None => (pair, &[][..]),
        };
        let (name, value) = (decoded(name), decoded(value));
        let (Ok(name), Ok(value)) = (letters(&name, charset), letters(&value, charset)) else {
            continue;
        };
        if !name.is_empty() {
            add(&mut pairs, name.into_owned(), Value::String(value.into_owned()));
        }
    }
    Value::Object(pairs)
}

/// Puts a value under a name; the second makes it a list.
pub(super) fn add(into: &mut Map<String, Value>, name: String, value: Value) {
    match into.get_mut(&name) {
        None => {
            into.insert(name, value);
        }
        Some(Value::Array(items)) => items.push(value),
        Some(one) => *one = Value::Array(vec![one.take(), value]),
    }
}

/// A plus is a blank here, also in base64 of a careless device; the reader of base64 knows that.
fn decoded(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, tail @ ..] = rest {
        let (byte, tail) = match (first, tail) {
            (b'%', [high, low, tail @ ..]) => match (digit(*high), digit(*low)) {
                (Some(high), Some(low)) => (high << 4 | low, tail),
                _ => (b'%', rest.get(1..).unwrap_or_default()),
            },
            (b'+', _) => (b' ', tail),
            (byte, _) => (*byte, tail),
        };
        out.push(byte);
        rest = tail;
    }
    out
}

fn digit(hex: u8) -> Option<u8> {
    char::from(hex).to_digit(16).map(|digit| digit as u8)
}
