//! Paths into a JSON document, as profiles write them: `a.b[0].c` from where the message's body
//! begins, `$.a` from the top of the document. Knows no field of any vendor.

use serde::Deserialize;
use serde_json::Value;

/// A parsed path.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct JsonPath {
    from_top: bool,
    steps: Vec<Step>,
    text: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Key(String),
    Index(usize),
}

impl TryFrom<String> for JsonPath {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || format!("{text:?} is not a path like \"a.b[0].c\" or \"$.a\"");
        let (from_top, rest) = match text.strip_prefix("$.") {
            Some(rest) => (true, rest),
            None => (false, text.as_str()),
        };
        let mut steps = Vec::new();
        for part in rest.split('.') {
            let mut pieces = part.split('[');
            let key = pieces.next().filter(|key| !key.is_empty()).ok_or_else(wrong)?;
            steps.push(Step::Key(key.into()));
            for piece in pieces {
                let index = piece.strip_suffix(']').and_then(|n| n.parse().ok());
                steps.push(Step::Index(index.ok_or_else(wrong)?));
            }
        }
        Ok(Self { from_top, steps, text })
    }
}

impl JsonPath {
    /// What is there; `null` counts as nothing.
    pub(crate) fn find<'a>(&self, top: &'a Value, body: &'a Value) -> Option<&'a Value> {
        let start = if self.from_top { top } else { body };
        let found = self.steps.iter().try_fold(start, |value, step| match step {
            Step::Key(key) => value.get(key),
            Step::Index(index) => value.get(index),
        })?;
        (!found.is_null()).then_some(found)
    }

    /// As the profile wrote it.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn paths_find_what_is_there() {
        let top = json!({"t": 1, "body": {"a": {"b": [[7, 8], null]}}});
        let rows = [
            ("a.b[0][1]", Some(json!(8))),
            ("a.b[1]", None),
            ("a.b[9]", None),
            ("a.b.c", None),
            ("a[0]", None),
            ("t", None),
            ("$.t", Some(json!(1))),
        ];
        for (text, found) in rows {
            let path = JsonPath::try_from(text.to_string()).unwrap();
            assert_eq!(path.find(&top, &top["body"]), found.as_ref(), "{text}");
        }
    }

    #[test]
    fn malformed_paths_are_refused() {
        for text in ["", "a..b", "a.", "$.", "[0]", "a[", "a[x]", "a[0", "a[-1]"] {
            assert!(JsonPath::try_from(text.to_string()).is_err(), "{text:?}");
        }
    }
}
