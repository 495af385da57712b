//! Runs a table row by row on a backend. Knows no wire and no core.

use std::time::Duration;

use super::{
    checks::{self, Check},
    counter, plates, sold,
    steps::{self, Step, duration},
    table::{Cell, Row, Table},
};

/// Something a table can be run on.
pub trait Backend {
    /// Time goes on to so many seconds after the first midnight. Refused where time is the real one.
    fn go_to(&mut self, seconds: u64) -> Result<(), String>;
    /// Nothing happens for so long.
    fn wait(&mut self, time: Duration) -> Result<(), String>;
    /// A row begins: what opened before does not count any more.
    fn row(&mut self);
    fn act(&mut self, step: &Step) -> Result<(), String>;
    fn look(&mut self, check: &Check) -> Result<(), String>;
    /// After the last row: what must hold of every table.
    fn end(&mut self) -> Result<(), String>;
    /// The latest that happened, for a failure.
    fn story(&self) -> String;
}

/// A table that did not come true.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{at} ({title}), line {line}: \"{phrase}\": {what}\n{story}")]
pub struct Failed {
    pub at: String,
    pub title: String,
    pub line: usize,
    pub phrase: String,
    pub what: String,
    pub story: String,
}

/// All phrases a table may use: what happens first, then what can be looked at.
pub fn vocabulary() -> impl Iterator<Item = &'static str> {
    let happens = steps::WORDS.iter().map(|(phrase, _)| *phrase);
    let counter = counter::WORDS.iter().map(|(phrase, _)| *phrase);
    let plates = plates::WORDS.iter().map(|(phrase, _)| *phrase);
    let sold = sold::WORDS.iter().map(|(phrase, _)| *phrase);
    let happens = happens.chain(counter).chain(plates).chain(sold);
    happens.chain(checks::WORDS.iter().map(|(phrase, _)| *phrase))
}

#[expect(clippy::result_large_err, reason = "a failure ends the run")]
/// Every phrase of a table is known; the site is not touched.
pub fn read(table: &Table) -> Result<(), Failed> {
    for row in &table.rows {
        for cell in &row.steps {
            Step::parse(&cell.text).map_err(|what| failed(table, cell, what, String::new()))?;
        }
        for cell in &row.checks {
            Check::parse(&cell.text).map_err(|what| failed(table, cell, what, String::new()))?;
        }
        when(&row.when).map_err(|what| {
            let cell = Cell { text: row.when.clone(), line: row.line };
            failed(table, &cell, what, String::new())
        })?;
    }
    Ok(())
}

#[expect(clippy::result_large_err, reason = "a failure ends the run")]
/// Runs a table from its first row to its last.
pub fn run(table: &Table, site: &mut dyn Backend) -> Result<(), Failed> {
    read(table)?;
    let mut day = 0;
    for row in &table.rows {
        site.row();
        time_goes_on(row, &mut day, site).map_err(|what| {
            let cell = Cell { text: row.when.clone(), line: row.line };
            failed(table, &cell, what, site.story())
        })?;
        for cell in &row.steps {
            let done = Step::parse(&cell.text).and_then(|step| match step {
                Step::Wait(time) => site.wait(time),
                step => site.act(&step),
            });
            done.map_err(|what| failed(table, cell, what, site.story()))?;
        }
        for cell in &row.checks {
            let looked = Check::parse(&cell.text).and_then(|check| site.look(&check));
            looked.map_err(|what| failed(table, cell, what, site.story()))?;
        }
    }
    let last = Cell { text: "the end".into(), line: table.rows.last().map_or(0, |row| row.line) };
    site.end().map_err(|what| failed(table, &last, what, site.story()))
}

fn failed(table: &Table, cell: &Cell, what: String, story: String) -> Failed {
    let (phrase, line) = (cell.text.clone(), cell.line);
    let (at, title) = (table.at.clone(), table.title.clone());
    Failed { at, title, line, phrase, what, story }
}

/// When a row happens.
enum When {
    Now,
    After(Duration),
    /// Seconds from the midnight of the day of the row before.
    At(u64),
    /// Seconds from the midnight of a day, 0 the first.
    AtOnDay(u64, u64),
}

fn time_goes_on(row: &Row, today: &mut u64, site: &mut dyn Backend) -> Result<(), String> {
    match when(&row.when)? {
        When::Now => Ok(()),
        When::After(time) => site.wait(time),
        When::At(seconds) => site.go_to(*today * 86_400 + seconds),
        When::AtOnDay(day, seconds) => {
            *today = day;
            site.go_to(day * 86_400 + seconds)
        }
    }
}

fn when(text: &str) -> Result<When, String> {
    if text.is_empty() {
        return Ok(When::Now);
    }
    if let Some(rest) = text.strip_prefix('+') {
        let (count, unit) = rest.split_once(' ').ok_or("a wait is such as +20 min")?;
        return duration(count, unit).map(When::After);
    }
    if let Some(rest) = text.strip_prefix("day ") {
        let (day, at) = rest.split_once(' ').ok_or("a time is such as day 2 08:00")?;
        let day: u64 = day.parse().map_err(|_| format!("\"{day}\" is no day"))?;
        return Ok(When::AtOnDay(day.saturating_sub(1), clock(at)?));
    }
    clock(text).map(When::At)
}

fn clock(text: &str) -> Result<u64, String> {
    let fault = || format!("\"{text}\" is no time such as 08:00 or 08:00:30");
    let mut parts = [0; 3];
    let written: Vec<&str> = text.split(':').collect();
    if !(2..=3).contains(&written.len()) {
        return Err(fault());
    }
    for (part, written) in parts.iter_mut().zip(written) {
        *part = written.parse::<u64>().map_err(|_| fault())?;
    }
    Ok(parts[0] * 3_600 + parts[1] * 60 + parts[2])
}
