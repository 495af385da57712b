//! The gateway's own XML: flat values, each in CDATA. Shares nothing with the daemon's and knows no signature.

pub(super) type Pairs = Vec<(String, String)>;

/// As strict as a gateway may be: no white space, no plain text, every value in CDATA.
pub(super) fn read(text: &str) -> Option<Pairs> {
    let mut rest = text.trim().strip_prefix("<xml>")?.strip_suffix("</xml>")?;
    let mut pairs = Pairs::new();
    while !rest.is_empty() {
        let (name, mut after) = rest.strip_prefix('<')?.split_once('>')?;
        let mut value = String::new();
        while let Some(inside) = after.strip_prefix("<![CDATA[") {
            let (part, next) = inside.split_once("]]>")?;
            value.push_str(part);
            after = next;
        }
        rest = after.strip_prefix("</")?.strip_prefix(name)?.strip_prefix('>')?;
        if pairs.iter().any(|(known, _)| known == name) {
            return None;
        }
        pairs.push((name.to_owned(), value));
    }
    Some(pairs)
}

/// As the gateway writes: a line each, numbers and words without CDATA as well as with.
pub(super) fn write(pairs: &Pairs) -> String {
    let mut text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<xml>\n".to_owned();
    for (at, (name, value)) in pairs.iter().enumerate() {
        let plain = value.bytes().all(|b| b.is_ascii_alphanumeric());
        let value = if plain && at % 2 == 0 {
            value.clone()
        } else {
            ["<![CDATA[", &value.replace("]]>", "]]]]><![CDATA[>"), "]]>"].concat()
        };
        text.push_str(&["<", name, ">", &value, "</", name, ">\n"].concat());
    }
    text.push_str("</xml>");
    text
}

pub(super) fn value<'a>(pairs: &'a Pairs, name: &str) -> &'a str {
    pairs.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_merchant_writes_is_read_and_nothing_else() {
        let text = "<xml><a><![CDATA[1 <&]]></a><b><![CDATA[]]]]><![CDATA[>]]></b></xml>";
        let pairs = read(text).unwrap();
        assert_eq!(
            (value(&pairs, "a"), value(&pairs, "b"), value(&pairs, "c")),
            ("1 <&", "]]>", "")
        );
        for bad in [
            "",
            "<xml><a>1</a></xml>",
            "<xml><a><![CDATA[1]]></b></xml>",
            "<xml><a><![CDATA[1]]></a><a><![CDATA[1]]></a></xml>",
            "<xml> <a><![CDATA[1]]></a></xml>",
        ] {
            assert!(read(bad).is_none(), "{bad}");
        }
    }
}
