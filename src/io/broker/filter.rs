//! Topic filters: which topics a filter takes in, and which filters a rule takes in.
//! Knows nothing of accounts or sockets.

/// Longest topic or filter accepted, in bytes; the protocol's own limit for a string.
const FILTER_BYTES_MAX: usize = 65_535;

/// Whether `filter` is well formed: not empty, `+` and `#` alone in their level, `#` last.
pub fn valid_filter(filter: &str) -> bool {
    if filter.is_empty() || filter.len() > FILTER_BYTES_MAX || filter.contains(char::is_control) {
        return false;
    }
    let mut levels = filter.split('/').peekable();
    while let Some(level) = levels.next() {
        if level.contains(['+', '#']) && level.len() > 1 {
            return false;
        }
        if level == "#" && levels.peek().is_some() {
            return false;
        }
    }
    true
}

/// Whether `rule` takes in the concrete `topic`.
pub fn matches(rule: &str, topic: &str) -> bool {
    !topic.is_empty() && !topic.contains(['+', '#']) && covers(rule, topic)
}

/// Whether every topic that `filter` takes in is also taken in by `rule`.
///
/// Topics whose first level starts with `$` belong to the broker: a wildcard in the first level of
/// a rule does not reach them, a rule that spells the level out does.
pub fn covers(rule: &str, filter: &str) -> bool {
    if filter.starts_with('$') && rule.starts_with(['+', '#']) {
        return false;
    }
    // Each topic has at least one level, so at the top `+/#` takes in all that `#` does.
    if filter == "#" && rule == "+/#" {
        return true;
    }
    let mut rules = rule.split('/');
    let mut levels = filter.split('/');
    loop {
        match (rules.next(), levels.next()) {
            (Some("#"), _) | (None, None) => return true,
            (None, Some(_)) | (Some(_), None | Some("#")) => return false,
            (Some("+"), Some(_)) => {}
            (Some(rule), Some(level)) if rule == level => {}
            (Some(_), Some(_)) => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_judged_by_their_form() {
        for good in ["a", "/", "a/b", "+", "#", "a/+/b", "a/#", "+/+/#", "$SYS/x", "//", "车/入口"]
        {
            assert!(valid_filter(good), "{good}");
        }
        for bad in ["", "a#", "#/a", "a/#/b", "a+", "+a/b", "a/b+", "a\nb", "a\0"] {
            assert!(!valid_filter(bad), "{bad:?}");
        }
    }

    #[test]
    fn a_rule_covers_what_it_takes_in() {
        let rows = [
            ("device/cam1/message/up/+", "device/cam1/message/up/ivs_result", true),
            ("device/cam1/message/up/+", "device/cam1/message/up/+", true),
            ("device/cam1/message/up/+", "device/cam1/message/up/#", false),
            ("device/cam1/message/up/+", "device/cam2/message/up/ivs_result", false),
            ("device/cam1/message/up/+", "device/cam1/message/down/gpio_out", false),
            ("device/cam1/message/down/#", "device/cam1/message/down/+/reply", true),
            ("device/cam1/message/down/#", "device/cam1/message/down", true),
            ("device/cam1/message/down/#", "#", false),
            ("device/cam1/message/down/#", "+/cam1/message/down/x", false),
            ("device/cam1/message/down/#", "device/+/message/down/#", false),
            ("device/cam1/message/down/#", "$share/g/device/cam1/message/down/x", false),
            ("#", "#", true),
            ("#", "+/+", true),
            ("#", "a/#", true),
            ("#", "$SYS/broker", false),
            ("+/x", "$SYS/x", false),
            ("$/device/cam1/#", "$/device/cam1/message/up/keep_alive", true),
            ("+/#", "#", true),
            ("a/+/#", "a/#", false),
            ("a/#", "a", true),
            ("a/+", "a", false),
            ("a/+", "a/", true),
            ("a", "a/", false),
            ("+", "#", false),
        ];
        for (rule, filter, expected) in rows {
            assert_eq!(covers(rule, filter), expected, "{rule} over {filter}");
        }
    }

    #[test]
    fn a_wildcard_is_no_topic() {
        assert!(matches("#", "a/b"));
        assert!(!matches("#", "a/+"));
        assert!(!matches("#", "#"));
        assert!(!matches("#", ""));
    }

    /// All words of one to three levels over `alphabet`.
    fn words(alphabet: &[&str]) -> Vec<String> {
        let mut all: Vec<String> = Vec::new();
        let mut longest: Vec<String> = alphabet.iter().map(ToString::to_string).collect();
        for _ in 0..3 {
            all.extend(longest.iter().cloned());
            longest = longest
                .iter()
                .flat_map(|word| alphabet.iter().map(move |level| format!("{word}/{level}")))
                .collect();
        }
        all
    }

    fn levels(word: &str) -> Vec<&str> {
        word.split('/').collect()
    }

    /// What the protocol says of one filter and one topic, written the slow and plain way.
    fn takes_in(filter: &[&str], topic: &[&str], first: bool) -> bool {
        match (filter, topic) {
            (["#" | "+", ..], [level, ..]) if first && level.starts_with('$') => false,
            ([], []) | (["#"], _) => true,
            (["+", filter @ ..], [_, topic @ ..]) => takes_in(filter, topic, false),
            ([a, filter @ ..], [b, topic @ ..]) => a == b && takes_in(filter, topic, false),
            _ => false,
        }
    }

    #[test]
    fn covering_agrees_with_every_small_topic() {
        let filters: Vec<String> =
            words(&["a", "$b", "+", "#"]).into_iter().filter(|word| valid_filter(word)).collect();
        // One level deeper than the filters, and a level ("z") no filter spells out.
        let topics: Vec<String> = words(&["a", "$b", "z", ""])
            .into_iter()
            .flat_map(|word| [format!("{word}/z"), word])
            .filter(|word| !word.is_empty())
            .collect();
        for rule in &filters {
            for filter in &filters {
                let expected = topics
                    .iter()
                    .filter(|topic| takes_in(&levels(filter), &levels(topic), true))
                    .all(|topic| takes_in(&levels(rule), &levels(topic), true));
                assert_eq!(covers(rule, filter), expected, "{rule} over {filter}");
            }
        }
    }
}
