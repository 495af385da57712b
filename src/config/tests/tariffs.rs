//! Tariff files and the calendar: what a site is priced by, and what is told of a wrong one.

use std::{os::unix::fs::PermissionsExt, path::PathBuf};

use super::{EXAMPLE, folder, parse};

/// A folder of its own with these tariff files and this calendar.
fn priced(name: &str, sheets: &[(&str, &str)], calendar: &str) -> PathBuf {
    let dir = folder().join(name);
    std::fs::create_dir_all(dir.join("tariffs")).unwrap();
    for (file, text) in sheets {
        std::fs::write(dir.join("tariffs").join(file), text).unwrap();
    }
    if !calendar.is_empty() {
        std::fs::write(dir.join("calendar.toml"), calendar).unwrap();
    }
    let secrets = dir.join("secrets.toml");
    std::fs::write(&secrets, "[mqtt]\ncam-entry = \"a\"\ncam-exit = \"b\"\n").unwrap();
    std::fs::set_permissions(&secrets, std::fs::Permissions::from_mode(0o600)).unwrap();
    dir
}

const LOT: &str = "name = \"lot\"\nversion = \"1\"\nvalid_until = \"2026-12-31\"\n\
    [[band]]\nname = \"day\"\nrate = [{ amount = \"2\", every = \"30m\" }]\n";
const LOT_2: &str = "name = \"lot\"\nversion = \"2\"\nvalid_from = \"2027-01-01\"\n\
    [[band]]\nname = \"day\"\nrate = [{ amount = \"3\", every = \"30m\" }]\n";

/// The example without `[tariff]`, with these zones.
fn without_hourly(zones: &str) -> String {
    let from = EXAMPLE.find("[tariff]").unwrap();
    let to = EXAMPLE.find("[pay]").unwrap();
    format!("{}{}\n{zones}", &EXAMPLE[..from], &EXAMPLE[to..])
}

#[test]
fn tariffs_come_from_their_folder_with_their_versions() {
    let dir = priced("versions", &[("b.toml", LOT), ("a.toml", LOT_2), ("note.txt", "")], "");
    let site = parse(&without_hourly(""), &dir).unwrap();
    assert_eq!(&*site.rules.tariff, "lot");
    let fee = |from: &str, to: &str| {
        let at = |text: &str| format!("{text}+08").parse().unwrap();
        site.rules.quote(at(from), at(to)).amount.minor
    };
    assert_eq!(fee("2026-12-31T10:00", "2026-12-31T11:00"), 400);
    assert_eq!(fee("2027-01-01T10:00", "2027-01-01T11:00"), 600);

    let site = parse(EXAMPLE, &dir).unwrap();
    assert_eq!(&*site.rules.tariff, "hourly", "[tariff] is the main one unless another is named");
    let text = EXAMPLE.replace("[pay]", "[tariffs]\nmain = \"lot\"\n[pay]");
    let zone = "\n[[zone]]\nid = \"lot\"\ntariff = \"hourly\"\n";
    let site = parse(&format!("{text}{zone}"), &dir).unwrap();
    assert_eq!(&*site.rules.tariff, "lot");
}

#[test]
fn mistakes_of_tariffs_name_their_file_line_and_key() {
    let wrong = |name: &str, site: &str, sheet: &str, calendar: &str| {
        let sheets: &[(&str, &str)] = &[("lot.toml", sheet)];
        let dir = priced(name, if sheet.is_empty() { &[] } else { sheets }, calendar);
        let mistakes = parse(site, &dir).unwrap_err();
        let [mistake] = mistakes.as_slice() else { panic!("{name}: {mistakes:?}") };
        let file = mistake.file.as_ref().map(|file| file.file_name().unwrap().to_owned());
        let file = file.map_or(String::new(), |file| file.to_string_lossy().into_owned());
        (file, mistake.line, format!("{}: {}", mistake.field, mistake.what))
    };
    let plain = without_hourly("");
    let lot = |from: &str, to: &str| LOT.replace(from, to);
    for (name, sheet, line, hint) in [
        ("no-toml", lot("name = \"lot\"", "name = "), 1, ""),
        ("no-key", lot("every", "evry"), 6, "evry"),
        ("no-time", lot("30m", "30 min"), 6, "length of time"),
        ("no-cap", format!("{LOT}[[cap]]\namount = []\nper = \"day\"\n"), 8, "cap[0].amount"),
        ("no-days", lot("[[band]]", "[[band]]\ndays = [\"event\"]"), 5, "event"),
    ] {
        let (file, found, what) = wrong(name, &plain, &sheet, "");
        assert_eq!(file, "lot.toml", "{name}: {what}");
        assert!(what.contains(hint), "{name}: {what}");
        assert!(found == line || name == "no-days", "{name}: line {found}: {what}");
    }
    let (file, _, what) = wrong("no-price", &plain, "", "");
    assert!(file.is_empty() && what.contains("has no price"), "{what}");
    let zones = "[[zone]]\nid = \"lot\"\ntariff = \"hurly\"\n";
    let (_, line, what) = wrong("no-zone", &without_hourly(zones), LOT, "");
    assert!(what.contains("must be one of the tariffs lot"), "{what}");
    assert_eq!(without_hourly(zones).lines().nth(line - 1), Some("tariff = \"hurly\""));
    let both = "holidays = [\"2026-10-10\"]\nworking = [\"2026-10-10\"]\n";
    let (file, _, what) = wrong("both", &plain, LOT, both);
    assert!(file == "calendar.toml" && what.contains("2026-10-10"), "{what}");
    let (file, line, what) = wrong("no-date", &plain, LOT, "holidays = [\n\"2026-13-10\"]\n");
    assert!(file == "calendar.toml" && line <= 2, "{line} {what}");
}
