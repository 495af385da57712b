//! XML as a tree like JSON's: an element under its name, attributes as `@name`, the text of an
//! element that has more as `#text`, repeated elements as a list. Namespaces and prefixes are
//! dropped, since one maker writes one message under several. Expands no entity.

use quick_xml::{
    Reader, XmlVersion,
    events::{BytesStart, Event},
};
use serde_json::{Map, Value};

use super::form::add;

/// Elements within elements.
const DEPTH_MAX: usize = 32;
/// Elements in all.
const ELEMENTS_MAX: usize = 20_000;

/// An element that has begun.
struct Open {
    name: String,
    entries: Map<String, Value>,
    text: String,
}

/// The document's element, under its name.
pub(super) fn open(text: &str) -> Result<Value, String> {
    let mut reader = Reader::from_str(text);
    let mut stack: Vec<Open> = Vec::new();
    let mut top = Map::new();
    let mut elements = 0;
    loop {
        let at = reader.buffer_position();
        let event = reader.read_event().map_err(|_| format!("XML is wrong at byte {at}"))?;
        match event {
            Event::Start(start) | Event::Empty(start) if stack.len() >= DEPTH_MAX => {
                return Err(format!("XML deeper than {DEPTH_MAX}, at {}", name_of(&start)));
            }
            Event::Start(start) => stack.push(begin(&start)),
            Event::Empty(start) => end(begin(&start), &mut stack, &mut top),
            Event::End(_) => {
                let open = stack.pop().ok_or("XML ends what has not begun")?;
                end(open, &mut stack, &mut top);
            }
            Event::Text(text) => say(&mut stack, &text.xml_content(XmlVersion::Implicit1_0)),
            Event::CData(text) => say(&mut stack, &text.xml_content(XmlVersion::Implicit1_0)),
            Event::GeneralRef(entity) => match entity.resolve_char_ref() {
                Ok(Some(letter)) => say(&mut stack, letter.encode_utf8(&mut [0; 4])),
                _ => say(&mut stack, predefined(&entity)),
            },
            Event::DocType(_) => return Err("XML with a document type".into()),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => continue,
            Event::Eof => break,
        }
        elements += 1;
        if elements > 3 * ELEMENTS_MAX {
            return Err(format!("XML of more than {ELEMENTS_MAX} elements"));
        }
    }
    match (stack.pop(), top.is_empty()) {
        (None, false) => Ok(Value::Object(top)),
        (open, _) => Err(format!("XML stops within {:?}", open.map(|open| open.name))),
    }
}

fn name_of(start: &BytesStart<'_>) -> String {
    start.local_name().as_ref().chars().take(80).collect()
}

fn begin(start: &BytesStart<'_>) -> Open {
    let mut entries = Map::new();
    for attribute in start.attributes().with_checks(false).flatten() {
        let key = attribute.key;
        if key.as_ref() == "xmlns" || key.as_ref().starts_with("xmlns:") {
            continue;
        }
        if let Ok(value) = attribute.normalized_value(XmlVersion::Implicit1_0) {
            entries.insert(format!("@{}", key.local_name().as_ref()), value.into());
        }
    }
    Open { name: name_of(start), entries, text: String::new() }
}

fn say(stack: &mut [Open], text: &str) {
    if let Some(open) = stack.last_mut() {
        open.text.push_str(text);
    }
}

/// An empty element is an empty text.
fn end(open: Open, stack: &mut [Open], top: &mut Map<String, Value>) {
    let Open { name, mut entries, text } = open;
    let text = text.trim();
    let value = if entries.is_empty() {
        Value::String(text.to_owned())
    } else {
        if !text.is_empty() {
            entries.insert("#text".into(), text.into());
        }
        Value::Object(entries)
    };
    add(stack.last_mut().map_or(top, |parent| &mut parent.entries), name, value);
}

fn predefined(entity: &str) -> &'static str {
    match entity {
        "amp" => "&",
        "lt" => "<",
        "gt" => ">",
        "quot" => "\"",
        "apos" => "'",
        _ => "",
    }
}

/// The encoding an XML declaration names.
pub(super) fn declared(body: &[u8]) -> Option<&str> {
    let end = body.iter().take(200).position(|b| *b == b'>')?;
    let line = std::str::from_utf8(&body[..end]).ok()?.split_once("encoding")?.1;
    let line = line.trim_start().strip_prefix('=')?.trim_start();
    let quote = line.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    line[1..].split(quote).next()
}
