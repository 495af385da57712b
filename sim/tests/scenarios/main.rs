//! Every scenario table on the core; what the runner says of phrases that nobody knows; and that a broken rule is seen.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

use paifang::core::{Change, Effect, stay::StayState};
use paifang_sim::scenario::{CoreSite, Head, Table, parse, read, run, vocabulary};

/// Where the tables are.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/scenarios")
}

fn tables() -> Vec<Table> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "md"))
        .filter(|path| path.file_name().is_some_and(|name| name != "README.md"))
        .collect();
    files.sort();
    let read = |path: &PathBuf| {
        let text = fs::read_to_string(path).unwrap();
        parse(&path.display().to_string(), &text).unwrap_or_else(|mistake| panic!("{mistake}"))
    };
    files.iter().flat_map(read).collect()
}

fn site(table: &Table) -> Result<CoreSite, String> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let head = Head::of(&table.settings).map_err(|(line, what)| format!("line {line}: {what}"))?;
    let nth = COUNT.fetch_add(1, Ordering::Relaxed);
    let secrets = std::env::temp_dir().join(format!("paifang-table-{}-{nth}", std::process::id()));
    let site = CoreSite::new(&head, &secrets);
    fs::remove_dir_all(secrets).unwrap();
    site
}

fn on_core(table: &Table) -> Result<(), String> {
    let mut site = site(table).map_err(|what| format!("{}: {what}", table.at))?;
    run(table, &mut site).map_err(|failed| failed.to_string())
}

#[test]
fn every_table_comes_true_on_the_core() {
    let tables = tables();
    assert!(tables.len() > 10, "the tables are not found");
    let failed: Vec<String> = tables.iter().filter_map(|table| on_core(table).err()).collect();
    let told = failed.join("\n\n");
    assert!(failed.is_empty(), "{} of {} tables:\n{told}", failed.len(), tables.len());
}

/// Each of these breaks one rule; some table must notice.
#[test]
fn a_broken_rule_is_seen() {
    type Spoil = fn(&mut Vec<Change>, &mut Vec<Effect>);
    let sabotages: [(&str, Spoil); 4] = [
        ("no arm opens", |_, effects| effects.retain(|e| !matches!(e, Effect::Arm { .. }))),
        ("no stay ends", |changes, _| {
            changes.retain(|c| !matches!(c, Change::Stay(s) if s.state == StayState::Left));
        }),
        ("nothing is posted", |changes, _| changes.retain(|c| !matches!(c, Change::Posting(_)))),
        ("nobody is called", |changes, _| {
            changes.retain(|c| !matches!(c, Change::AlarmRaised(_)));
        }),
    ];
    let tables = tables();
    for (what, spoil) in sabotages {
        let seen = tables
            .iter()
            .any(|table| run(table, &mut site(table).unwrap().spoiled_by(spoil)).is_err());
        assert!(seen, "{what}, and no table notices");
    }
}

#[test]
fn a_phrase_that_nobody_knows_names_its_line() {
    let told = |row: &str| {
        let text = format!("## T\n- lane in: entry\n{row}\n");
        let table = parse("t.md", &text).unwrap().remove(0);
        read(&table).unwrap_err().to_string()
    };
    let head = "t.md:1 (T), line 3";
    assert!(told("| | 京A12345 flies over in | in opens |").starts_with(head));
    assert!(told("| | 京A12345 arrives at in | in sings |").contains("\"in sings\""));
    assert!(told("| noon | 京A12345 arrives at in | in opens |").contains("no time such as"));
    assert!(told("| | the car in in drives through | takings are five |").contains("no amount"));
}

/// The reference lists each phrase, so that nobody has to read the code for it.
#[test]
fn the_readme_lists_every_phrase() {
    let readme = fs::read_to_string(folder().join("README.md")).unwrap();
    for phrase in vocabulary() {
        assert!(readme.contains(&format!("`{phrase}`")), "README.md does not list `{phrase}`");
    }
}
