//! The house rules that no compiler checks.

use std::path::{Path, PathBuf};

/// Lines of a source file: think again at 400, and these say why they are longer.
const LINES_MAX: usize = 600;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn sources() -> Vec<(PathBuf, String)> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|e| e == "rs") {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    ["src", "devices/src", "sim/src", "tests"]
        .iter()
        .for_each(|f| walk(&root().join(f), &mut found));
    found.sort();
    found
        .into_iter()
        .map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            (path.strip_prefix(root()).unwrap().to_owned(), text)
        })
        .collect()
}

#[test]
fn every_file_says_its_duty_and_is_short() {
    for (path, text) in sources() {
        assert!(text.starts_with("//!"), "{} has no header", path.display());
        let lines = text.lines().count();
        assert!(lines <= LINES_MAX, "{} has {lines} lines; split it by duty", path.display());
    }
}

#[test]
fn the_core_is_pure_and_dependencies_point_one_way() {
    let forbidden: [(&str, &[&str]); 6] = [
        (
            "src/core",
            &[
                "crate::app",
                "crate::store",
                "crate::io",
                "crate::http",
                "crate::bank",
                "crate::config",
                "tokio",
                "sqlx",
                "async fn",
                ".await;",
                ".await?",
                "Timestamp::now",
            ],
        ),
        ("src/types", &["crate::core", "crate::app", "crate::store", "tokio", "sqlx"]),
        ("src/store", &["crate::app", "crate::http", "crate::bank", "crate::io"]),
        ("src/bank", &["crate::core", "crate::app", "crate::store", "crate::http"]),
        ("src/io", &["crate::core", "crate::app", "crate::store", "crate::http", "crate::bank"]),
        (
            "src/http",
            &["crate::store", "crate::io", "crate::bank::icbc", "crate::bank::swiftpass", "sqlx"],
        ),
    ];
    for (path, text) in sources() {
        let place = path.to_string_lossy().into_owned();
        for (folder, words) in forbidden {
            // Comments may name what the code must not use.
            let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
            if !place.starts_with(folder) || place.contains("test") {
                continue;
            }
            for line in code {
                let word = words.iter().find(|word| line.contains(**word));
                assert!(word.is_none(), "{place} uses {word:?}: {line}");
            }
        }
    }
}

#[test]
fn sql_is_in_the_store_only() {
    for (path, text) in sources() {
        let place = path.to_string_lossy().into_owned();
        if place.starts_with("src/") && !place.starts_with("src/store") {
            assert!(!text.contains("sqlx::"), "{place} speaks SQL");
        }
    }
}

#[test]
fn nothing_is_left_behind() {
    let words = ["todo!(", "unimplemented!(", "dbg!(", "FIXME", "XXX"];
    for (path, text) in sources() {
        if path.ends_with("tidy.rs") {
            continue;
        }
        let found = words.iter().find(|word| text.contains(**word));
        assert!(found.is_none(), "{} has {found:?}", path.display());
    }
}

#[test]
fn the_architecture_names_every_part() {
    let text = std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    for entry in std::fs::read_dir(root().join("src")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if !matches!(name.as_str(), "lib.rs" | "main.rs") {
            assert!(
                text.contains(&format!("`src/{name}`")),
                "ARCHITECTURE.md does not name src/{name}"
            );
        }
    }
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    assert!(readme.contains("cargo demo") && readme.contains("tests/run"));
}

#[test]
fn every_dependency_has_its_reason() {
    let text = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let list = text.split("[workspace.dependencies]").nth(1).unwrap();
    let list = list.split("\n[").next().unwrap();
    for line in list.lines().filter(|line| line.contains(" = ")) {
        assert!(line.contains(" # "), "no reason given: {line}");
    }
}
