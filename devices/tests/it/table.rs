//! The table of the README is what the profiles say.

use std::{collections::BTreeSet, fmt::Write};

use paifang_devices::{Capability, Profile};

const BEGIN: &str =
    "<!-- devices: begin, written by PAIFANG_RENEW=1 cargo test -p paifang-devices table -->";
const END: &str = "<!-- devices: end -->";

fn table() -> String {
    let mut out = String::from(
        "| make | model | kind | protocol | transport | capabilities | verified | profile |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    for profile in Profile::load_all().unwrap() {
        let can: BTreeSet<&str> =
            profile.capabilities.iter().map(|one: &Capability| one.name()).collect();
        let can: Vec<&str> = can.into_iter().collect();
        let verified = match profile.unverified.len() {
            0 => "yes".to_owned(),
            1 => "all but 1 fact".to_owned(),
            open => format!("all but {open} facts"),
        };
        writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} | {verified} | `{}` |",
            profile.make,
            profile.model,
            profile.kind.name(),
            profile.protocol.name(),
            profile.transport.name(),
            can.join(", "),
            profile.name,
        )
        .unwrap();
    }
    out
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the one switch of a test that writes a file")]
fn the_table_of_the_readme_is_what_the_profiles_say() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    let readme = std::fs::read_to_string(path).unwrap();
    let (before, rest) = readme.split_once(BEGIN).expect("the table's first marker");
    let (_, after) = rest.split_once(END).expect("the table's last marker");
    let renewed = format!("{before}{BEGIN}\n\n{}\n{END}{after}", table());
    if std::env::var("PAIFANG_RENEW").is_ok() {
        std::fs::write(path, renewed).unwrap();
        return;
    }
    assert!(
        readme == renewed,
        "devices/README.md is out of date; renew it: PAIFANG_RENEW=1 cargo test -p paifang-devices table"
    );
}
