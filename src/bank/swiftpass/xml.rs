//! The gateway's XML: one element of named values, nothing deeper. Knows no signature and no service.
//!
//! ```text
//! <xml><service><![CDATA[unified.trade.query]]></service><out_trade_no><![CDATA[LS1]]></out_trade_no></xml>
//! ```

use std::collections::BTreeMap;

use quick_xml::{Reader, XmlVersion, events::Event};
use thiserror::Error;

/// A name given twice is refused, so nothing can be read one way and signed another.
pub(super) type Values = BTreeMap<String, String>;

/// More values than any answer has.
const VALUES_MAX: usize = 1_000;

/// A text is not what this gateway writes.
#[derive(Debug, Error, PartialEq, Eq)]
pub(super) enum XmlError {
    #[error("the XML is wrong at byte {0}")]
    Wrong(u64),
    #[error("the XML is not one element of named values: {0}")]
    Shape(&'static str),
    #[error("the XML names {0:?} twice")]
    Twice(String),
}

/// Every value in CDATA. What XML cannot hold is left out by [`printable`] before.
pub(super) fn write(values: &Values) -> String {
    let mut text = "<xml>".to_owned();
    for (name, value) in values {
        let value = value.replace("]]>", "]]]]><![CDATA[>");
        text.push_str(&format!("<{name}><![CDATA[{value}]]></{name}>"));
    }
    text.push_str("</xml>");
    text
}

/// The text without what XML 1.0 cannot hold.
pub(super) fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() && !matches!(c, '\u{fffe}' | '\u{ffff}')).collect()
}

/// The values of the one element, whatever its name.
pub(super) fn read(text: &str) -> Result<Values, XmlError> {
    let mut reader = Reader::from_str(text.trim_start_matches('\u{feff}'));
    let (mut values, mut begun, mut ended) = (Values::new(), false, false);
    let mut open: Option<(String, String)> = None;
    loop {
        let at = reader.buffer_position();
        let wrong = || XmlError::Wrong(at);
        match (reader.read_event().map_err(|_| wrong())?, &mut open) {
            (Event::Eof, _) => break,
            (Event::Decl(_) | Event::Comment(_) | Event::PI(_), _) => {}
            (Event::DocType(_), _) => return Err(XmlError::Shape("it has a document type")),
            (Event::Start(_), None) if !begun => begun = true,
            (_, None) if !begun => {
                return Err(XmlError::Shape("it does not begin with an element"));
            }
            (Event::Text(text), None) if text.trim().is_empty() => {}
            (_, None) if ended => return Err(XmlError::Shape("more follows its end")),
            (Event::Start(start), None) => {
                open = Some((name(start.name().as_ref())?, String::new()))
            }
            (Event::Empty(empty), None) => {
                keep(&mut values, name(empty.name().as_ref())?, String::new())?
            }
            (Event::End(_), None) => ended = true,
            (Event::End(_), Some(_)) => {
                let Some((name, value)) = open.take() else { continue };
                keep(&mut values, name, value)?;
            }
            (Event::Text(text), Some((_, value))) => {
                value.push_str(&text.xml_content(XmlVersion::Implicit1_0));
            }
            (Event::CData(text), Some((_, value))) => {
                value.push_str(&text.xml_content(XmlVersion::Implicit1_0));
            }
            (Event::GeneralRef(entity), Some((_, value))) => match entity.resolve_char_ref() {
                Ok(Some(letter)) => value.push(letter),
                _ => value.push(predefined(&entity).ok_or_else(wrong)?),
            },
            (Event::Start(_) | Event::Empty(_), Some(_)) => {
                return Err(XmlError::Shape("a value has elements"));
            }
            (_, None) => return Err(XmlError::Shape("text stands between its values")),
        }
    }
    if ended { Ok(values) } else { Err(XmlError::Shape("it stops before its end")) }
}

/// Names hold letters, digits, `_` and `$`: no name can look like a value of the string to sign.
fn name(text: &str) -> Result<String, XmlError> {
    let plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'$');
    if plain {
        Ok(text.to_owned())
    } else {
        Err(XmlError::Shape("a name is not letters and digits"))
    }
}

fn keep(values: &mut Values, name: String, value: String) -> Result<(), XmlError> {
    if values.len() >= VALUES_MAX {
        return Err(XmlError::Shape("it has more than a thousand values"));
    }
    match values.insert(name.clone(), value) {
        None => Ok(()),
        Some(_first) => Err(XmlError::Twice(name)),
    }
}

fn predefined(name: &str) -> Option<char> {
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn values(pairs: &[(&str, &str)]) -> Values {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn values_are_read_however_they_are_written() {
        let cases: [(&str, &[(&str, &str)]); 6] = [
            ("<xml><a><![CDATA[1]]></a><b>2</b></xml>", &[("a", "1"), ("b", "2")]),
            (
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<xml>\n <a> x </a>\n</xml>\n",
                &[("a", " x ")],
            ),
            ("<xml><a/><b></b></xml>", &[("a", ""), ("b", "")]),
            ("<xml><a>&lt;&#x4EAC;&amp;</a></xml>", &[("a", "<京&")]),
            ("<xml><a>1<![CDATA[2]]>3</a></xml>", &[("a", "123")]),
            ("<xml></xml>", &[]),
        ];
        for (text, expected) in cases {
            assert_eq!(read(text), Ok(values(expected)), "{text}");
        }
    }

    #[test]
    fn what_could_be_read_two_ways_is_refused() {
        for text in [
            "",
            "   ",
            "ok",
            "<xml>",
            "<xml><a>1</a>",
            "<xml><a>1</xml>",
            "<xml><a><b>1</b></a></xml>",
            "<xml><a>1</a><a>2</a></xml>",
            "<xml><a>1</a></xml><xml><a>2</a></xml>",
            "<xml>loose<a>1</a></xml>",
            "<xml><a-b>1</a-b></xml>",
            "<xml><a>&other;</a></xml>",
            "<!DOCTYPE xml [<!ENTITY e \"x\">]><xml><a>1</a></xml>",
            "<xml/>",
        ] {
            assert!(read(text).is_err(), "{text}: {:?}", read(text));
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(value in "\\PC{0,40}", other in "[\\]>]{0,6}") {
            let values = values(&[("body", &value), ("attach", &other)]);
            prop_assert_eq!(read(&write(&values)), Ok(values));
        }

        #[test]
        fn reading_never_panics(text in any::<String>(), inner in "[<>!\\[\\]a/&;#x]{0,40}") {
            let _ = read(&text);
            let _ = read(&format!("<xml><a>{inner}</a></xml>"));
        }
    }
}
