//! Paths into a message laid open, as profiles write them: `a.b[0].c` from where the message's body
//! begins, `$.a` from the top, `$` the top itself. `*` is any key or item, the first that leads on;
//! `**` any number of them, also none; `[key=value]` the first item of a list that says so; `'a.b'`
//! a key with a dot. Knows no field of any vendor.

use serde::Deserialize;
use serde_json::Value;

use super::field::plain;

/// A parsed path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Path {
    from_top: bool,
    steps: Vec<Step>,
    text: String,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Key(String),
    Index(usize),
    /// The first item whose key has this value, written as text or number.
    Where(String, String),
    Any,
    Deep,
}

impl TryFrom<String> for Path {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let steps = parse(&text);
        let (from_top, steps) =
            steps.ok_or_else(|| format!("{text:?} is not a path like \"a.b[0].c\" or \"$.a\""))?;
        // Two of them would walk a message as often as it has branches.
        if steps.iter().filter(|step| **step == Step::Deep).count() > 1 {
            return Err(format!("{text:?} has ** twice"));
        }
        Ok(Self { from_top, steps, text })
    }
}

fn parse(text: &str) -> Option<(bool, Vec<Step>)> {
    if text == "$" {
        return Some((true, vec![]));
    }
    let (from_top, mut rest) = match text.strip_prefix("$.") {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let mut steps = Vec::new();
    loop {
        rest = key(rest, &mut steps)?;
        while let Some(inside) = rest.strip_prefix('[') {
            let (inside, after) = inside.split_once(']')?;
            steps.push(match inside.split_once('=') {
                Some((key, value)) if !key.is_empty() => Step::Where(key.into(), value.into()),
                _ => Step::Index(inside.parse().ok()?),
            });
            rest = after;
        }
        if rest.is_empty() {
            return Some((from_top, steps));
        }
        rest = rest.strip_prefix('.')?;
    }
}

/// Takes one key; what is left.
fn key<'a>(text: &'a str, steps: &mut Vec<Step>) -> Option<&'a str> {
    if let Some(quoted) = text.strip_prefix('\'') {
        let (key, rest) = quoted.split_once('\'').filter(|(key, _)| !key.is_empty())?;
        steps.push(Step::Key(key.into()));
        return Some(rest);
    }
    let end = text.find(['.', '[']).unwrap_or(text.len());
    let (key, rest) = text.split_at(end);
    if key.is_empty() || key.contains([']', '\'']) {
        return None;
    }
    steps.push(match key {
        "*" => Step::Any,
        "**" => Step::Deep,
        key => Step::Key(key.into()),
    });
    Some(rest)
}

impl Path {
    /// What is there; `null` counts as nothing.
    pub(crate) fn find<'a>(&self, top: &'a Value, body: &'a Value) -> Option<&'a Value> {
        walk(if self.from_top { top } else { body }, &self.steps)
    }

    /// The place of what [`Path::find`] finds from the top; keys and numbers only.
    pub(super) fn find_mut<'a>(&self, top: &'a mut Value) -> Option<&'a mut Value> {
        self.steps.iter().try_fold(top, |value, step| match step {
            Step::Key(key) => value.get_mut(key),
            Step::Index(index) => value.get_mut(index),
            Step::Where(..) | Step::Any | Step::Deep => None,
        })
    }

    /// As the profile wrote it.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }
}

fn walk<'a>(value: &'a Value, steps: &[Step]) -> Option<&'a Value> {
    let Some((step, rest)) = steps.split_first() else {
        return (!value.is_null()).then_some(value);
    };
    match step {
        Step::Key(key) => walk(value.get(key)?, rest),
        Step::Index(0) if !value.is_array() => walk(value, rest),
        Step::Index(index) => walk(value.get(index)?, rest),
        Step::Where(key, wanted) => {
            let says = |item: &&Value| item.get(key).and_then(plain).as_ref() == Some(wanted);
            walk(value.as_array()?.iter().find(says)?, rest)
        }
        Step::Any => inner(value, rest),
        Step::Deep => walk(value, rest).or_else(|| inner(value, steps)),
    }
}

/// The first entry or item that leads on.
fn inner<'a>(value: &'a Value, steps: &[Step]) -> Option<&'a Value> {
    match value {
        Value::Object(entries) => entries.values().find_map(|value| walk(value, steps)),
        Value::Array(items) => items.iter().find_map(|value| walk(value, steps)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn paths_find_what_is_there() {
        let top = json!({"t": 1, "body": {
            "a": {"b": [[7, 8], null]}, "x.y": {"z": 2}, "one": {"k": 3},
            "io": [{"n": "0", "v": 5}, {"n": 1, "v": 6}],
        }});
        let rows = [
            ("a.b[0][1]", Some(json!(8))),
            ("a.b[1]", None),
            ("a.b[9]", None),
            ("a.b.c", None),
            ("t", None),
            ("$.t", Some(json!(1))),
            ("$.*.one.k", Some(json!(3))),
            ("*.z", Some(json!(2))),
            ("*.q", None),
            ("**.k", Some(json!(3))),
            ("$.**.z", Some(json!(2))),
            ("**.t", None),
            ("**.b[0][0]", Some(json!(7))),
            ("'x.y'.z", Some(json!(2))),
            ("io[n=0].v", Some(json!(5))),
            ("io[n=1].v", Some(json!(6))),
            ("io[n=2].v", None),
            ("io.*.v", Some(json!(5))),
            ("one[0].k", Some(json!(3))),
            ("one[1].k", None),
        ];
        for (text, found) in rows {
            let path = Path::try_from(text.to_string()).unwrap();
            assert_eq!(path.find(&top, &top["body"]), found.as_ref(), "{text}");
        }
        let whole = Path::try_from("$".to_string()).unwrap();
        assert_eq!(whole.find(&top, &top["body"]), Some(&top));
    }

    #[test]
    fn malformed_paths_are_refused() {
        let wrong = [
            "",
            "a..b",
            "a.",
            "$.",
            "[0]",
            "a[",
            "a[x]",
            "a[0",
            "a[-1]",
            "a[=1]",
            "a]",
            "'a",
            "''",
            "a'b",
            "'a'b",
            "**.a.**.b",
        ];
        for text in wrong {
            assert!(Path::try_from(text.to_string()).is_err(), "{text:?}");
        }
    }
}
