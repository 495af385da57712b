//! Each mistake is told with its line and field.

use std::{os::unix::fs::PermissionsExt, path::PathBuf};

use super::{Mistake, parse};

const EXAMPLE: &str = include_str!("example.toml");

/// A folder with a secrets file, as an installer has it.
fn folder() -> PathBuf {
    let dir = std::env::temp_dir().join(format!("paifang-config-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let secrets = dir.join("secrets.toml");
    std::fs::write(&secrets, "[mqtt]\ncam-entry = \"a\"\ncam-exit = \"b\"\n").unwrap();
    std::fs::set_permissions(&secrets, std::fs::Permissions::from_mode(0o600)).unwrap();
    dir
}

fn mistakes(from: &str, to: &str) -> Vec<Mistake> {
    assert!(EXAMPLE.contains(from), "{from}");
    parse(&EXAMPLE.replace(from, to), &folder()).unwrap_err()
}

#[test]
fn the_example_is_right() {
    let site = parse(EXAMPLE, &folder()).unwrap();
    assert_eq!((site.lanes.len(), site.gates.len()), (2, 1));
    assert!(site.buses.values().all(|bus| bus.baud == 9_600));
    let gate = site.rules.gates.values().next().unwrap();
    assert!(gate.counter && gate.alone);
    assert!(site.rules.lanes.values().all(|lane| lane.wired.safety && lane.wired.closed_limit));
}

#[test]
fn each_mistake_names_its_line_and_field() {
    for (from, to, field, hint) in [
        ("zone = \"Asia/Shanghai\"", "zone = \"Asia/Shanghia\"", "site.zone", "IANA"),
        ("camera = \"cam-exit\"", "camera = \"cam-ext\"", "lane.camera", "no [[device]]"),
        ("camera = \"cam-exit\"", "camera = \"cam-entry\"", "lane.camera", "entry-1 already"),
        ("camera = \"cam-exit\"", "camera = \"led-exit\"", "lane.camera", "plate-read"),
        ("bus = \"line-entry\"", "bus = \"line-3\"", "device.bus", "no [[bus]]"),
        ("profile = \"display/olm-led\"", "profile = \"display/olm\"", "device.profile", "olm-led"),
        ("# stop_bits = 1", "stop_bits = 3", "bus.stop_bits", "1 or 2"),
        ("turnstile = \"turnstile\"", "barrier = \"board-exit\"", "lane.barrier", "vehicles"),
        ("turnstile = \"turnstile\"", "turnstile = \"scanner\"", "lane.turnstile", "grant-pass"),
        ("scanner = \"scanner\"", "scanner = \"turnstile\"", "lane.scanner", "scan"),
        ("bus = \"port-scanner\"", "bus = \"line-gate\"", "device.bus", "of its own"),
        ("scanner = \"scanner\"", "camera = \"cam-exit\"", "lane.camera", "vehicles"),
        ("trade_prefix = \"LS\"", "trade_prefix = \"湖\"", "pay.trade_prefix", "A-Z"),
        ("free_minutes = 15", "free_minuets = 15", "free_minuets", "unknown field"),
        ("hour_minor = 500", "hour_minor = \"5\"", "hour_minor", "invalid type"),
        ("id = \"board-exit\"", "id = \"Board exit\"", "id", "a-z"),
        ("direction = \"exit\"", "direction = \"out\"", "direction", "unknown variant"),
        ("public_url = \"https:", "public_url = \"ftp:", "http.public_url", "http"),
        ("[tariff] ", "[tarif] ", "[tarif]", "unknown field"),
    ] {
        let line = EXAMPLE.lines().position(|l| l.contains(from)).unwrap() + 1;
        let mistakes = mistakes(from, to);
        let found = mistakes.iter().find(|m| m.line == line && m.field.contains(field));
        let found = found.unwrap_or_else(|| panic!("{to}: line {line} {field}, got {mistakes:?}"));
        assert!(found.what.contains(hint), "{to}: {found:?}");
    }
}

#[test]
fn all_mistakes_are_told_at_once() {
    let text = EXAMPLE
        .replace("zone = \"Asia/Shanghai\"", "zone = \"Mars\"")
        .replace("camera = \"cam-exit\"", "camera = \"x\"")
        .replace("bus = \"line-entry\"", "bus = \"y\"");
    let mistakes = parse(&text, &folder()).unwrap_err();
    assert_eq!(mistakes.len(), 3, "{mistakes:?}");
    assert!(mistakes.windows(2).all(|pair| pair[0].line <= pair[1].line));
}

#[test]
fn devices_on_http_need_their_keys_and_addresses() {
    let dir = folder().join("http");
    std::fs::create_dir_all(&dir).unwrap();
    let secrets = dir.join("secrets.toml");
    let text = "[mqtt]\ncam-entry = \"a\"\ncam-exit = \"b\"\n[push]\nshort = \"0123456789\"\n\
        right = \"0123456789abcdef\"\n[device]\ngate = { user = \"a\", password = \"b\" }\n";
    std::fs::write(&secrets, text).unwrap();
    std::fs::set_permissions(&secrets, std::fs::Permissions::from_mode(0o600)).unwrap();
    let wrong = |device: &str| {
        let whole = EXAMPLE.replacen("[[lane]]", &format!("[[device]]\n{device}\n[[lane]]"), 1);
        let told = parse(&whole, &dir).err().unwrap_or_default();
        told.into_iter().map(|m| format!("{}: {}", m.field, m.what)).collect::<Vec<_>>().join("; ")
    };
    let (camera, gate) =
        ("profile = \"camera/vzenith-http\"", "profile = \"barrier/hikvision-isapi\"");
    let url = "url = \"http://10.0.0.5\"";
    for (device, hint) in [
        (format!("id = \"none\"\n{camera}"), "push.none"),
        (format!("id = \"short\"\n{camera}"), "shorter than 16"),
        (format!("id = \"right\"\n{camera}\nbus = \"line-exit\""), "no serial line"),
        (format!("id = \"gate\"\n{gate}"), "needs its address"),
        (format!("id = \"gate\"\n{gate}\nurl = \"https://x\""), "must be http://"),
        (format!("id = \"other\"\n{gate}\n{url}"), "device.other"),
    ] {
        assert!(wrong(&device).contains(hint), "{device}: {}", wrong(&device));
    }
    for right in [format!("id = \"right\"\n{camera}"), format!("id = \"gate\"\n{gate}\n{url}")] {
        assert_eq!(wrong(&right), "");
    }
    let called = EXAMPLE
        .replacen(
            "[[lane]]",
            "[[device]]\nid = \"right\"\nprofile = \"camera/hikvision-isapi\"\n[[lane]]",
            1,
        )
        .replace("barrier = \"board-exit\"", "barrier = \"right\"");
    let told = parse(&called, &dir).unwrap_err();
    assert!(told.iter().any(|m| m.field == "lane.barrier" && m.what.contains("url")), "{told:?}");
    let none = EXAMPLE
        .replace("# [limits]", "[limits]")
        .replace("# device_messages_per_s = 50", "device_messages_per_s = 0");
    assert!(parse(&none, &dir).unwrap_err().iter().any(|m| m.field == "limits"));
}

#[test]
fn a_camera_without_a_password_is_a_mistake() {
    let dir = folder().join("empty");
    std::fs::create_dir_all(&dir).unwrap();
    let mistakes = parse(EXAMPLE, &dir).unwrap_err();
    assert_eq!(mistakes.len(), 2);
    assert!(mistakes[0].what.contains("secrets file"), "{mistakes:?}");
}

/// The example with more devices.
fn with(more: &str) -> Result<super::Site, Vec<Mistake>> {
    parse(&EXAMPLE.replacen("[[lane]]", &format!("{more}\n[[lane]]"), 1), &folder())
}

#[test]
fn printers_and_displays_behind_cameras_are_found() {
    let site = with(
        r#"
        [[device]]
        id = "led-entry"
        profile = "display/aa55-led"
        via = "cam-entry"
        channel = 1
        [[device]]
        id = "booth"
        profile = "printer/escpos-tcp"
        address = "10.0.0.9:9100"
        "#,
    )
    .unwrap();
    let device = |id: &str| site.devices.values().find(|one| one.id.as_str() == id).unwrap();
    let (camera, channel) = device("led-entry").via.clone().unwrap();
    assert_eq!((camera.as_str(), channel), ("cam-entry", 1));
    let booth = device("booth");
    assert_eq!((booth.net.as_deref(), booth.address), (Some("10.0.0.9:9100"), None));
}

#[test]
fn what_hangs_where_it_cannot_is_a_mistake() {
    let device = |id: &str, profile: &str, more: &str| {
        format!("[[device]]\nid = \"{id}\"\nprofile = \"{profile}\"\n{more}\n")
    };
    let rows = [
        (device("p", "printer/escpos-tcp", ""), "device.address", "host:port"),
        (device("p", "printer/escpos-tcp", "address = 3"), "device.address", "host:port"),
        (device("p", "printer/escpos-tcp", "address = \"9100\""), "device.address", "host:port"),
        (device("p", "printer/escpos-serial", "bus = \"line-exit\""), "device.bus", "of its own"),
        (device("d", "display/aa55-led", "via = \"cam\""), "device.via", "no [[device]]"),
        (device("d", "display/aa55-led", "via = \"led-exit\""), "device.via", "passes no bytes"),
        (
            device("d", "display/aa55-led", "via = \"cam-exit\"\nbus = \"line-exit\""),
            "device.bus",
            "already",
        ),
        (
            device("b", "barrier/waveshare-modbus", "bus = \"line-exit\"\naddress = \"x:1\""),
            "device.address",
            "a number",
        ),
    ];
    for (more, field, hint) in rows {
        let mistakes = with(&more).unwrap_err();
        let found = mistakes.iter().find(|m| m.field == field);
        let found = found.unwrap_or_else(|| panic!("{more}: {mistakes:?}"));
        assert!(found.what.contains(hint), "{more}: {found:?}");
    }
}

#[test]
fn a_text_for_no_situation_is_a_mistake() {
    let own = "[display]\nlanguage = \"en\"\n[display.texts.wellcome]\nlines = [{ red = \"a\" }]\n";
    let mistakes = parse(&format!("{own}{EXAMPLE}"), &folder()).unwrap_err();
    assert_eq!((mistakes[0].field.as_str(), mistakes[0].line), ("display.texts", 3));
}

#[test]
fn more_contacts_than_loops_and_limits() {
    let with = |inputs: &str| {
        let lane = "barrier = \"board-exit\"\n";
        let wired = format!("{lane}inputs = {{ arrival = 1, safety = 2, {inputs} }}\n");
        parse(&EXAMPLE.replace(lane, &wired), &folder())
    };
    let site = with("beam = 5, manual_key = 6, fire = 7").unwrap();
    let exit = site.lanes.values().find(|lane| lane.fire.is_some()).unwrap();
    let wired = site.rules.lanes[&exit.id].wired;
    assert!((exit.fire, wired.beam, wired.manual_key) == (Some(7), true, true));
    assert!(with("beam = 5, fire = 5").unwrap_err()[0].what.contains("fire"));
    assert!(with("passage = 5").unwrap_err()[0].what.contains("people"));
}

#[test]
fn a_turnstile_on_contacts_needs_its_passage_contact() {
    let on_contacts = |inputs: &str| {
        let text = EXAMPLE.replace("turnstile/lot-modbus", "turnstile/relay-pulse");
        let lane = "turnstile = \"turnstile\"\n";
        parse(&text.replace(lane, &format!("{lane}{inputs}")), &folder())
    };
    let site = on_contacts("").unwrap();
    assert_eq!(site.gates.values().next().unwrap().passage, Some(1), "as its profile wires it");
    assert!(on_contacts("inputs = {}\n").unwrap_err()[0].what.contains("passage"));
}

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
