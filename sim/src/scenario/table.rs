//! Scenario tables as they stand in a file: titles, settings, rows. Knows no word of theirs.

use std::path::Path;

/// One scenario: a table of what happens and what must then be true.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Where its title stands, such as `passes.md:12`.
    pub at: String,
    pub title: String,
    /// Also run against the daemon on real wires.
    pub on_wire: bool,
    /// Of the site: those of the whole file first.
    pub settings: Vec<Cell>,
    pub rows: Vec<Row>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// `08:00`, `day 2 08:00`, `+20 min`, or nothing.
    pub when: String,
    pub steps: Vec<Cell>,
    pub checks: Vec<Cell>,
    pub line: usize,
}

/// One phrase, and the line it stands on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    pub text: String,
    pub line: usize,
}

/// A file that is no scenario, or a phrase nobody knows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {what}")]
pub struct Mistake {
    pub file: String,
    pub line: usize,
    pub what: String,
}

const HEADER: [&str; 3] = ["when", "what happens", "what must be true"];
const ON_WIRE: &str = " (on the wire)";

/// Reads all tables of a file. Lines that are no title, setting or row are prose.
pub fn parse(file: &str, text: &str) -> Result<Vec<Table>, Mistake> {
    let name = Path::new(file).file_name().map_or(file.into(), |name| name.to_string_lossy());
    let mistake = |line, what: &str| Mistake { file: name.to_string(), line, what: what.into() };
    let mut common = Vec::new();
    let mut tables: Vec<Table> = Vec::new();
    for (nth, written) in text.lines().enumerate() {
        let (line, written) = (nth + 1, written.trim());
        if let Some(title) = written.strip_prefix("## ") {
            tables.push(Table {
                at: format!("{name}:{line}"),
                title: title.trim_end_matches(ON_WIRE).to_owned(),
                on_wire: title.ends_with(ON_WIRE),
                settings: common.clone(),
                rows: Vec::new(),
            });
        } else if let Some(setting) = written.strip_prefix("- ") {
            let cell = Cell { text: setting.trim().trim_matches('`').to_owned(), line };
            match tables.last_mut() {
                Some(table) if table.rows.is_empty() => table.settings.push(cell),
                Some(_) => return Err(mistake(line, "settings stand before the rows")),
                None => common.push(cell),
            }
        } else if written.starts_with('|') {
            let table = tables.last_mut().ok_or_else(|| mistake(line, "a row of no scenario"))?;
            let cells: Vec<&str> = written.trim_matches('|').split('|').map(str::trim).collect();
            let [when, steps, checks] = cells[..] else {
                return Err(mistake(
                    line,
                    "a row has three columns: when, what happens, what must be true",
                ));
            };
            if cells == HEADER || when.starts_with("--") {
                continue;
            }
            let row = Row {
                when: when.to_owned(),
                steps: phrases(steps, line),
                checks: phrases(checks, line),
                line,
            };
            table.rows.push(row);
        }
    }
    match tables.iter().find(|table| table.rows.iter().all(|row| row.checks.is_empty())) {
        Some(table) => Err(Mistake {
            file: table.at.clone(),
            line: 0,
            what: format!("\"{}\" asks for nothing to be true", table.title),
        }),
        None => Ok(tables),
    }
}

fn phrases(cell: &str, line: usize) -> Vec<Cell> {
    let texts = cell.split(';').map(str::trim).filter(|text| !text.is_empty());
    texts.map(|text| Cell { text: text.to_owned(), line }).collect()
}

/// The words that stand where `pattern` has its `{}` (one word each) and `{*}` (one or more), if `text` fits it.
pub(super) fn fits<'t>(pattern: &str, text: &'t str) -> Option<Vec<&'t str>> {
    let mut found = Vec::new();
    let mut rest = text;
    let mut pieces = pattern.split('{').peekable();
    rest = rest.strip_prefix(pieces.next()?)?;
    while let Some(piece) = pieces.next() {
        let (hole, literal) = piece.split_once('}')?;
        let end = match literal {
            "" if pieces.peek().is_none() => rest.len(),
            literal => rest.find(literal)?,
        };
        // The last literal must end the text.
        let end = if pieces.peek().is_none() && !literal.is_empty() {
            rest.len().checked_sub(literal.len()).filter(|at| rest.is_char_boundary(*at))?
        } else {
            end
        };
        let word = &rest[..end];
        if word.trim().is_empty() || (hole.is_empty() && word.contains(' ')) {
            return None;
        }
        rest = rest[end..].strip_prefix(literal)?;
        found.push(word);
    }
    rest.is_empty().then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phrases_fit_their_patterns() {
        for (pattern, text, words) in [
            ("{} arrives at {}", "京A12345 arrives at in", Some(vec!["京A12345", "in"])),
            (
                "{} opens {}: {*}",
                "li opens out: phone is flat",
                Some(vec!["li", "out", "phone is flat"]),
            ),
            ("{} opens", "in opens", Some(vec!["in"])),
            ("{} opens", "in opens twice", None),
            ("{} opens", "the lane opens", None),
            ("{} cars inside {}", "3 cars inside lot", Some(vec!["3", "lot"])),
            ("nothing is owed", "nothing is owed", Some(vec![])),
            ("nothing is owed", "nothing", None),
            ("{} is {}", "a is b", Some(vec!["a", "b"])),
        ] {
            assert_eq!(fits(pattern, text), words, "{pattern} / {text}");
        }
    }

    #[test]
    fn a_file_is_titles_settings_and_rows() {
        let text = "# Rules\nProse.\n- lane in: entry\n## First (on the wire)\n- x = 1\n\
                    | when | what happens | what must be true |\n|---|---|---|\n\
                    | 08:00 | a arrives at in; it waits | in opens |\n";
        let tables = parse("dir/rules.md", text).unwrap();
        assert_eq!(tables.len(), 1);
        let table = &tables[0];
        assert!(table.on_wire && table.title == "First" && table.at == "rules.md:4");
        assert_eq!(table.settings.len(), 2);
        assert_eq!((table.rows[0].steps.len(), table.rows[0].line), (2, 8));
    }

    #[test]
    fn what_is_no_scenario_names_its_line() {
        let told = |text: &str| parse("x.md", text).unwrap_err().to_string();
        assert!(told("## T\n| a | b |\n").starts_with("x.md:2: a row has three"));
        assert!(told("| a | b | c |\n").starts_with("x.md:1: a row of no"));
        assert!(told("## T\n| | a | |\n").contains("nothing to be true"));
    }
}
