//! The forms of a web page, found without knowing the page: enough of HTML for pages made on a
//! server. Builds no tree and runs no script.

/// A form and what a browser would send with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Form {
    /// As written; empty: the page's own address.
    pub(super) action: String,
    pub(super) is_post: bool,
    /// Name and value of each input in their order, the first submit button included.
    pub(super) inputs: Vec<(String, String)>,
    /// Boxes that are not ticked and options that are not chosen, and could be.
    pub(super) choices: Vec<(String, String)>,
}

impl Form {
    pub(super) fn has(&self, name: &str) -> bool {
        self.inputs.iter().any(|(one, _)| one == name)
    }

    /// Something can be typed or chosen under this name.
    pub(super) fn takes(&self, name: &str) -> bool {
        self.has(name) || self.choices.iter().any(|(one, _)| one == name)
    }

    /// What is typed takes the place of what is there; a box is ticked.
    pub(super) fn set(&mut self, name: &str, value: &str) {
        if let Some((_, there)) = self.inputs.iter_mut().find(|(one, _)| one == name) {
            value.clone_into(there);
        } else if self.takes(name) {
            self.inputs.push((name.to_owned(), value.to_owned()));
        }
    }
}

/// An opening or closing tag.
struct Tag<'a> {
    /// Lower case, with `/` in front if it closes.
    name: String,
    attributes: Vec<(String, String)>,
    /// What follows it.
    rest: &'a str,
}

impl Tag<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(one, _)| one == name).map(|(_, value)| value.as_str())
    }

    fn text(&self, name: &str) -> String {
        self.get(name).unwrap_or_default().to_owned()
    }
}

/// Every form of the page.
pub(super) fn forms(page: &str) -> Vec<Form> {
    let mut forms = Vec::new();
    let mut open: Option<(Form, bool)> = None;
    let mut select: Option<String> = None;
    for tag in tags(page) {
        match (tag.name.as_str(), &mut open) {
            ("form", _) => {
                let is_post = tag.text("method").eq_ignore_ascii_case("post");
                let form = Form { action: tag.text("action"), is_post, ..Form::default() };
                forms.extend(open.replace((form, false)).map(|(form, _)| form));
            }
            ("/form", _) => forms.extend(open.take().map(|(form, _)| form)),
            ("input" | "button", Some((form, is_submitted))) => take(form, is_submitted, &tag),
            ("select", _) => select = tag.get("name").map(str::to_owned),
            ("/select", _) => select = None,
            ("option", Some((form, _))) => {
                if let Some(name) = &select {
                    option(form, name, &tag);
                }
            }
            _ => {}
        }
    }
    forms.extend(open.map(|(form, _)| form));
    forms
}

fn take(form: &mut Form, is_submitted: &mut bool, tag: &Tag<'_>) {
    let default = if tag.name == "button" { "submit" } else { "text" };
    let kind = tag.get("type").unwrap_or(default).to_ascii_lowercase();
    let is_submit = matches!(kind.as_str(), "submit" | "image");
    let sent = match kind.as_str() {
        "submit" | "image" => !std::mem::replace(is_submitted, true),
        "checkbox" | "radio" => tag.get("checked").is_some(),
        "button" | "reset" | "file" => false,
        _ => true,
    };
    if tag.get("disabled").is_some() {
        return;
    }
    if !sent {
        if let ("checkbox" | "radio", Some(name)) = (kind.as_str(), tag.get("name")) {
            let value = tag.get("value").unwrap_or("on");
            form.choices.push((name.to_owned(), value.to_owned()));
        }
        return;
    }
    if let Some(action) = tag.get("formaction").filter(|_| is_submit) {
        action.clone_into(&mut form.action);
    }
    if let Some(name) = tag.get("name").filter(|name| !name.is_empty()) {
        let ticked = matches!(kind.as_str(), "checkbox" | "radio") && tag.get("value").is_none();
        let value = if ticked { "on".to_owned() } else { tag.text("value") };
        form.inputs.push((name.to_owned(), value));
    }
}

/// The first is sent, unless another is selected.
fn option(form: &mut Form, name: &str, tag: &Tag<'_>) {
    let shown = || decode(tag.rest.split('<').next().unwrap_or_default()).trim().to_owned();
    let value = tag.get("value").map_or_else(shown, str::to_owned);
    match form.inputs.iter_mut().find(|(one, _)| one == name) {
        None => form.inputs.push((name.to_owned(), value)),
        Some((_, chosen)) if tag.get("selected").is_some() => {
            let other = std::mem::replace(chosen, value);
            form.choices.push((name.to_owned(), other));
        }
        Some(_) => form.choices.push((name.to_owned(), value)),
    }
}

/// Where its links lead, as written.
pub(super) fn links(page: &str) -> Vec<String> {
    let anchors = tags(page).filter(|tag| tag.name == "a");
    anchors.filter_map(|tag| tag.get("href").map(str::to_owned)).collect()
}

/// The first attribute of this name that says something.
pub(super) fn attribute(page: &str, name: &str) -> Option<String> {
    let values = tags(page).filter_map(|tag| tag.get(name).map(str::to_owned));
    values.into_iter().find(|value| !value.is_empty())
}

/// Where the page sends its reader by itself, and after how many seconds.
pub(super) fn refresh(page: &str) -> Option<(u32, String)> {
    let is_refresh = |tag: &Tag<'_>| {
        tag.name == "meta" && tag.text("http-equiv").eq_ignore_ascii_case("refresh")
    };
    let content = tags(page).find(is_refresh)?.text("content");
    let (seconds, url) = content.split_once([';', ',']).unwrap_or((&content, ""));
    let seconds = seconds.trim().split('.').next()?.parse().ok()?;
    let url = url.trim();
    let is_named = url.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("url="));
    let url = if is_named { &url[4..] } else { url };
    Some((seconds, url.trim().trim_matches(['\'', '"']).to_owned()))
}

/// What a reader sees, in one line.
pub(super) fn text(page: &str) -> String {
    let mut seen = String::new();
    let mut rest = page;
    loop {
        let next = rest.find('<').unwrap_or(rest.len());
        seen.push_str(&decode(&rest[..next]));
        seen.push(' ');
        match next_tag(&rest[next..]) {
            Some(tag) => rest = tag.rest,
            None => break,
        }
    }
    seen.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn tags(page: &str) -> impl Iterator<Item = Tag<'_>> {
    let mut rest = page;
    std::iter::from_fn(move || {
        let tag = next_tag(rest)?;
        rest = tag.rest;
        Some(tag)
    })
}

/// The next tag, comments stepped over. Behind the opening tag of a script or a style comes its
/// closing one: what stands between is no HTML.
fn next_tag(mut page: &str) -> Option<Tag<'_>> {
    loop {
        page = &page[page.find('<')?..];
        if let Some(comment) = page.strip_prefix("<!--") {
            page = comment.find("-->").map_or("", |end| &comment[end + 3..]);
            continue;
        }
        let after = &page[1..];
        if !after.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/') {
            page = after;
            continue;
        }
        let end = after.find(|c: char| c.is_whitespace() || c == '>').unwrap_or(after.len());
        let name = after[..end].to_ascii_lowercase();
        let name = if name.len() > 1 { name.trim_end_matches('/').to_owned() } else { name };
        let (attributes, mut rest) = attributes(&after[end..]);
        if name == "script" || name == "style" {
            let closing = format!("</{name}");
            rest = rest.to_ascii_lowercase().find(&closing).map_or("", |at| &rest[at..]);
        }
        return Some(Tag { name, attributes, rest });
    }
}

/// The attributes up to the end of a tag, and what follows it.
fn attributes(mut text: &str) -> (Vec<(String, String)>, &str) {
    let mut found = Vec::new();
    loop {
        text = text.trim_start_matches(|c: char| c.is_whitespace() || c == '/');
        if text.is_empty() {
            return (found, "");
        }
        if let Some(rest) = text.strip_prefix('>') {
            return (found, rest);
        }
        let ends = |c: char| c.is_whitespace() || "=>/".contains(c);
        // A stray '=' in front is part of the name, as browsers have it.
        let first = text.chars().next().map_or(0, char::len_utf8);
        let end = text[first..].find(ends).map_or(text.len(), |at| at + first);
        let name = text[..end].to_ascii_lowercase();
        text = text[end..].trim_start();
        let mut value = "";
        if let Some(rest) = text.strip_prefix('=') {
            (value, text) = attribute_value(rest.trim_start());
        }
        found.push((name, decode(value)));
    }
}

fn attribute_value(text: &str) -> (&str, &str) {
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''));
    if let Some(quote) = quote {
        return text[1..].split_once(quote).unwrap_or((&text[1..], ""));
    }
    let end = text.find(|c: char| c.is_whitespace() || c == '>').unwrap_or(text.len());
    text.split_at(end)
}

/// Character references of the few kinds servers write.
fn decode(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = rest.find(';').filter(|end| *end <= 9);
        let known = end.and_then(|end| Some((reference(&rest[1..end])?, end)));
        let (c, len) = known.map_or(('&', 1), |(c, end)| (c, end + 1));
        out.push(c);
        rest = &rest[len..];
    }
    out + rest
}

fn reference(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "nbsp" => Some('\u{a0}'),
        "yen" => Some('¥'),
        _ => {
            let digits = name.strip_prefix('#')?;
            let hex = digits.strip_prefix(['x', 'X']).map(|hex| u32::from_str_radix(hex, 16));
            char::from_u32(hex.unwrap_or_else(|| digits.parse()).ok()?)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(action: &str, is_post: bool, inputs: &[(&str, &str)]) -> Form {
        let inputs = inputs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        Form { action: action.to_owned(), is_post, inputs, choices: Vec::new() }
    }

    #[test]
    fn boxes_and_lists_are_chosen_from() {
        let page = "<form action=a><input type=radio name=slot value=9><input type=radio name=slot value=11 checked>\
                    <input type=radio name=slot value=13 disabled><input type=checkbox name=t value=7>\
                    <select name=p><option>one<option value=2 selected>two</option></select></form>";
        let mut found = forms(page).remove(0);
        assert_eq!(found.inputs, form("a", false, &[("slot", "11"), ("p", "2")]).inputs);
        let open = [("slot", "9"), ("t", "7"), ("p", "one")];
        assert_eq!(found.choices, form("a", false, &open).inputs);
        for (name, value) in [("slot", "9"), ("t", "7"), ("none", "1")] {
            found.set(name, value);
        }
        assert_eq!(found.inputs, form("a", false, &[("slot", "9"), ("p", "2"), ("t", "7")]).inputs);
    }

    #[test]
    fn links_of_a_page() {
        let page = "<a name=x></a><a class=\"big\" href=\"http://bank/c?a=1&amp;b=2\">Go</a><!-- <a href=no> -->";
        assert_eq!(links(page), ["http://bank/c?a=1&b=2"]);
    }

    #[test]
    fn forms_in_many_spellings() {
        let rows = [
            ("<form method=\"post\"><button>立即支付</button></form>", form("", true, &[])),
            (
                "<FORM ACTION='/l/1/pay?a=1&amp;b=2' METHOD=POST><INPUT TYPE=hidden NAME=order \
                 VALUE=7><input type=hidden name=t value='&quot;&#x4eac;&#65;&quot;'/></FORM>",
                form("/l/1/pay?a=1&b=2", true, &[("order", "7"), ("t", "\"京A\"")]),
            ),
            (
                "<form action=/l/1/plate method=post><input name=plate><input type=checkbox \
                 name=no><input type=checkbox name=yes checked><input type=button name=b>\
                 <button name=do value=one>1</button><button name=do value=two>2</button>",
                form("/l/1/plate", true, &[("plate", ""), ("yes", "on"), ("do", "one")]),
            ),
            ("<form action = \"a b\" ><input disabled name=x></form>", form("a b", false, &[])),
            (
                "<form method=post action=one><button formaction=two>x</button></form>",
                form("two", true, &[]),
            ),
            (
                "<!-- <form action=comment> --><script>if (1<2) '<form action=script>'</script>\
                 <style>a>b{}</style><p title='<form action=title>'>3 < 4</p><form action=it>",
                form("it", false, &[]),
            ),
        ];
        for (page, expected) in rows {
            let mut found = forms(page);
            found.iter_mut().for_each(|form| form.choices.clear());
            assert_eq!(found, [expected], "{page}");
        }
    }

    #[test]
    fn forms_are_kept_apart() {
        let page = "<input name=outside><form action=a><input name=x></form><form action=b>\
                    <input name=y><form action=c></form><input name=outside>";
        let found: Vec<_> = forms(page).into_iter().map(|f| (f.action, f.inputs.len())).collect();
        assert_eq!(found, [("a".into(), 1), ("b".into(), 1), ("c".into(), 0)]);
    }

    #[test]
    fn broken_pages_end() {
        for page in [
            "",
            "<",
            "<form",
            "<form action",
            "<form action='",
            "<!--",
            "<script",
            "</",
            "<form =x =>",
            "<a 京=\"&#xZZ;&\"",
        ] {
            let (_, _, _) = (forms(page), text(page), refresh(page));
        }
    }

    #[test]
    fn what_a_reader_sees() {
        let page =
            "<title>停车</title><style>p{}</style><p>A&amp;B<br>¥12.50</p><script>x</script>";
        assert_eq!(text(page), "停车 A&B ¥12.50");
    }

    #[test]
    fn pages_that_go_on_by_themselves() {
        let at =
            |content: &str| refresh(&format!("<meta http-equiv=Refresh content=\"{content}\">"));
        assert_eq!(at("2;url=/l/1"), Some((2, "/l/1".into())));
        assert_eq!(at("0; URL='/x?a=1&amp;b=2'"), Some((0, "/x?a=1&b=2".into())));
        assert_eq!(at("5"), Some((5, String::new())));
        assert_eq!(at("soon"), None);
        assert_eq!(refresh("<meta charset=utf-8>"), None);
    }
}
