//! The tables that say so, run against the daemon itself on real wires.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs,
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use paifang::cli;
use paifang_sim::scenario::{Head, Table, WireSite, parse, run};

fn tables() -> Vec<Table> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/scenarios");
    let mut tables = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ext| ext == "md") && !path.ends_with("README.md") {
            let text = fs::read_to_string(&path).unwrap();
            tables.extend(parse(&path.display().to_string(), &text).unwrap());
        }
    }
    tables.sort_by(|a, b| a.at.cmp(&b.at));
    tables.into_iter().filter(|table| table.on_wire).collect()
}

/// They mostly wait, so some run side by side.
const AT_ONCE: usize = 4;

/// Each has a broker, serial lines and pages of its own.
#[test]
fn the_marked_tables_come_true_on_the_wire() {
    let tables = tables();
    let metrics = cli::start_metrics().unwrap();
    let (next, failed) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let nth = next.fetch_add(1, Ordering::Relaxed);
                    let Some(table) = tables.get(nth) else { break };
                    let own = format!("paifang-wired-{}-{nth}", std::process::id());
                    let folder = std::env::temp_dir().join(own);
                    let head = Head::of(&table.settings).unwrap();
                    let told = WireSite::new(&head, &folder, &metrics)
                        .map_err(|what| format!("{}: {what}", table.at))
                        .and_then(|mut site| run(table, &mut site).map_err(|e| e.to_string()));
                    failed.lock().unwrap().extend(told.err());
                    let _ = fs::remove_dir_all(folder);
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    let told = failed.join("\n\n");
    assert!(failed.is_empty(), "{} of {} tables:\n{told}", failed.len(), tables.len());
    assert!(tables.len() >= 21, "only {} tables are run on the wire", tables.len());
}
