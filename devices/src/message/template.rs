//! JSON with holes, as profiles write commands. A text that is exactly `{x}` becomes the value of
//! `x` with its own type; `{x:text}` becomes it as text; inside longer text `{x}` is put in as text.
//! Knows no vendor's command.

use serde_json::{Map, Value};

/// Fills every hole of `template`; `Err` names a hole that `value_of` does not know.
pub(crate) fn fill(
    template: &Value,
    value_of: &dyn Fn(&str) -> Option<Value>,
) -> Result<Value, String> {
    Ok(match template {
        Value::String(text) => fill_text(text, value_of)?,
        Value::Array(items) => {
            Value::Array(items.iter().map(|item| fill(item, value_of)).collect::<Result<_, _>>()?)
        }
        Value::Object(entries) => {
            let mut filled = Map::new();
            for (key, value) in entries {
                let Value::String(key) = fill_text(key, value_of)? else { return Err(key.clone()) };
                filled.insert(key, fill(value, value_of)?);
            }
            Value::Object(filled)
        }
        plain => plain.clone(),
    })
}

fn fill_text(text: &str, value_of: &dyn Fn(&str) -> Option<Value>) -> Result<Value, String> {
    let whole = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
    if let Some(hole) = whole.filter(|hole| !hole.contains(['{', '}', ':'])) {
        return value_of(hole).ok_or_else(|| hole.to_string());
    }
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let (hole, after) = after.split_once('}').ok_or_else(|| after.to_string())?;
        let name = hole.strip_suffix(":text").unwrap_or(hole);
        out.push_str(before);
        match value_of(name).ok_or_else(|| name.to_string())? {
            Value::String(value) => out.push_str(&value),
            value => out.push_str(&value.to_string()),
        }
        rest = after;
    }
    out.push_str(rest);
    Ok(Value::String(out))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn holes_keep_their_types() {
        let value_of = |name: &str| match name {
            "n" => Some(json!(7)),
            "s" => Some(json!("x\"y")),
            "o" => Some(json!({"k": [1]})),
            _ => None,
        };
        let template = json!({"a": "{n}", "b": "{n:text}", "c": "<{s}|{n}>", "d": ["{o}", 1, "{"]});
        assert_eq!(fill(&template, &value_of), Err(String::new()), "an open brace is a mistake");
        let template =
            json!({"a": "{n}", "b": "{n:text}", "c": "<{s}|{n}>", "d": ["{o}", 1, true]});
        let filled = json!({"a": 7, "b": "7", "c": "<x\"y|7>", "d": [{"k": [1]}, 1, true]});
        assert_eq!(fill(&template, &value_of), Ok(filled));
        let keyed = fill(&json!({"k{n:text}_": 1}), &value_of);
        assert_eq!(keyed, Ok(json!({"k7_": 1})));
        assert_eq!(fill(&json!({"{n}": 1}), &value_of), Err("{n}".into()), "no number is a key");
        assert_eq!(fill(&json!("{q}"), &value_of), Err("q".into()));
        assert_eq!(fill(&json!("a {q:text}"), &value_of), Err("q".into()));
    }
}
