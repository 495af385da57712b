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
