//! The example explains every setting that the site file has. Tries none of them.

use std::path::Path;

/// Fields of the sections of the site file, as they are written there: of every `Deserialize` struct of this module.
fn fields(source: &str) -> Vec<String> {
    let (mut fields, mut inside, mut reads, mut renamed) = (Vec::new(), false, false, None);
    for line in source.lines() {
        if line.starts_with("#[derive(") {
            reads = line.contains("Deserialize");
        } else if line.contains(" struct ") && line.ends_with('{') {
            inside = reads;
        } else if line == "}" {
            (inside, reads) = (false, false);
        } else if let Some((_, rest)) = line.split_once("rename = \"") {
            renamed = rest.split('"').next().map(str::to_owned);
        } else if let Some((name, _)) = line.trim_start().split_once(':')
            && inside
            && line.starts_with("    pub")
        {
            let name = name.rsplit(' ').next().unwrap().to_owned();
            fields.push(renamed.take().unwrap_or(name));
        }
    }
    fields
}

/// As a key or as a section.
fn explains(example: &str, field: &str) -> bool {
    let keys = [" = ", "]", ".", " = {"];
    let before = |c: char| !(c.is_alphanumeric() || c == '_');
    example.match_indices(field).any(|(at, _)| {
        let starts = example[..at].chars().next_back().is_none_or(before);
        let rest = &example[at + field.len()..];
        starts && keys.iter().any(|key| rest.starts_with(key))
    })
}

#[test]
fn the_example_explains_every_setting() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/config");
    let example = std::fs::read_to_string(folder.join("example.toml")).unwrap();
    let mut seen = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        // Files of their own, with books of their own.
        if path.extension().is_none_or(|kind| kind != "rs")
            || matches!(name.as_str(), "product_file.rs" | "texts.rs")
        {
            continue;
        }
        for field in fields(&std::fs::read_to_string(&path).unwrap()) {
            assert!(explains(&example, &field), "example.toml does not explain {field} of {name}");
            seen += 1;
        }
    }
    assert!(seen > 150, "{seen}");
    assert!(!explains(&example, "no_such_key") && !explains(&example, "waiting"));
}
