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
    assert_eq!(site.lanes.len(), 2);
    assert_eq!(site.buses.values().map(|bus| bus.baud).collect::<Vec<_>>(), [9_600, 9_600]);
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
