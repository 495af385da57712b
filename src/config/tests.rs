//! Each mistake is told with its line and field.

use std::{os::unix::fs::PermissionsExt, path::PathBuf, sync::LazyLock};

use super::{Mistake, parse};

mod example;
mod products;
mod tariffs;

const EXAMPLE: &str = include_str!("example.toml");

/// A folder with a secrets file, as an installer has it: made once, since the tests run at the same time.
fn folder() -> PathBuf {
    static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
        let dir = std::env::temp_dir().join(format!("paifang-config-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let secrets = dir.join("secrets.toml");
        std::fs::write(&secrets, "[mqtt]\ncam-entry = \"a\"\ncam-exit = \"b\"\n").unwrap();
        std::fs::set_permissions(&secrets, std::fs::Permissions::from_mode(0o600)).unwrap();
        dir
    });
    FOLDER.clone()
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
        ("# code_window_s = 30", "code_window_s = 5", "pay.code_window_s", "10 to 120"),
        ("# sale_minutes = 120", "sale_minutes = 0", "pay.sale_minutes", "5 to 1440"),
        (
            "# approve_above_minor = 50000",
            "approve_above_minor = -1",
            "till.approve_above_minor",
            "0 has",
        ),
        (
            "# [limits.pay]",
            "[limits.pay]\nlane_day_minor = -1",
            "limits.pay.lane_day_minor",
            "leave",
        ),
        ("# [limits.pay]", "[limits.pay]\nattempts_max = 1", "limits.pay.attempts_max", "2 to"),
        ("free_minutes = 15", "free_minuets = 15", "free_minuets", "unknown field"),
        ("hour_minor = 500", "hour_minor = \"5\"", "hour_minor", "invalid type"),
        ("id = \"board-exit\"", "id = \"Board exit\"", "id", "a-z"),
        ("direction = \"exit\"", "direction = \"out\"", "direction", "unknown variant"),
        ("public_url = \"https:", "public_url = \"ftp:", "http.public_url", "http"),
        ("[tariff] ", "[tarif] ", "[tarif]", "unknown field"),
    ] {
        let line = EXAMPLE.lines().position(|l| l.contains(from)).unwrap() + 1;
        let mistakes = mistakes(from, to);
        let lines = line..=line + to.matches('\n').count();
        let found = mistakes.iter().find(|m| lines.contains(&m.line) && m.field.contains(field));
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

/// The example with what stands commented out about banks, and this said of their order.
fn with_banks(order: &str) -> String {
    let banks = EXAMPLE.lines().skip_while(|line| !line.starts_with("# [bank.icbc]"));
    let banks = banks.take_while(|line| !line.starts_with("# [access]"));
    let banks: Vec<&str> = banks.filter_map(|line| line.strip_prefix("# ")).collect();
    let banks = banks.join("\n").replace("order = [\"swiftpass\", \"icbc\"]", order);
    assert!(banks.contains("[bank.swiftpass]") && banks.contains(order), "{banks}");
    format!("{EXAMPLE}\n{banks}\n")
}

#[test]
fn new_payments_go_to_the_channels_in_their_order() {
    for (order, expected) in [
        ("", ["icbc", "swiftpass", "wechat", "alipay"]),
        ("order = [\"swiftpass\"]", ["swiftpass", "icbc", "wechat", "alipay"]),
        ("order = [\"swiftpass\", \"icbc\"]", ["swiftpass", "icbc", "wechat", "alipay"]),
    ] {
        let site = parse(&with_banks(order), &folder()).unwrap();
        let names: Vec<String> = site.channels.iter().map(|(id, _)| id.to_string()).collect();
        assert_eq!(names, expected, "{order}");
        let rules = site.rules.pay.channels.iter();
        let ways: Vec<_> =
            rules.map(|channel| (channel.id.to_string(), channel.ways.len())).collect();
        let swiftpass = ways.iter().find(|(id, _)| id == "swiftpass").unwrap();
        assert_eq!(swiftpass.1, 2, "a link, and the payer's code");
        for wallet in ["wechat", "alipay"] {
            let known = ways.iter().find(|(id, _)| id == wallet).unwrap();
            assert_eq!(known.1, 1, "{wallet}: the plate alone");
        }
    }
}

#[test]
fn mistakes_about_banks_are_told() {
    for (text, field, hint) in [
        (with_banks("order = [\"abc\"]"), "bank.order", "[bank.abc]"),
        (with_banks("").replace("mch_id = ", "mhc_id = "), "mhc_id", "unknown field"),
        (with_banks("").replace("\"MD5\"", "\"MD4\""), "sign_type", "RSA_1_256"),
        (
            with_banks("").replace("/bank/swiftpass", "//bank/icbc"),
            "bank.swiftpass.notify_url",
            "icbc",
        ),
    ] {
        let told = parse(&text, &folder()).unwrap_err();
        let found = told.iter().any(|m| m.field.contains(field) && m.what.contains(hint));
        assert!(found, "{field}: {told:?}");
    }
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

#[test]
fn a_call_button_shares_its_input_with_nothing() {
    let with = |inputs: &str| {
        let lane = "barrier = \"board-exit\"\n";
        let wired = format!("{lane}inputs = {{ arrival = 1, safety = 2, {inputs} }}\n");
        parse(&EXAMPLE.replace(lane, &wired), &folder())
    };
    let site = with("help = 8").unwrap();
    assert!(site.lanes.values().any(|lane| lane.help == Some(8)));
    for inputs in ["help = 2", "fire = 7, help = 7"] {
        assert!(with(inputs).unwrap_err()[0].what.contains("help"), "{inputs}");
    }
}

/// The example with a zone and a display that no lane has.
fn with_sign(sign: &str) -> Result<super::Site, Vec<Mistake>> {
    let more = "[[device]]\nid = \"led-spaces\"\nprofile = \"display/olm-led\"\nbus = \"line-entry\"\n\
        address = 9\n[[zone]]\nid = \"lot\"\nname = \"Lakeside\"\ncapacity = 300\n[[zone]]\nid = \"b1\"\n\
        parent = \"lot\"\n";
    parse(&EXAMPLE.replacen("[[lane]]", &format!("{more}{sign}\n[[lane]]"), 1), &folder())
}

#[test]
fn a_sign_shows_zones_that_are_counted() {
    use crate::core::zone::Level;
    let site =
        with_sign("[[sign]]\ndevice = \"led-spaces\"\nzones = [\"lot\"]\nevery_s = 5").unwrap();
    let sign = &site.signs[0];
    assert_eq!(sign.every, std::time::Duration::from_secs(5));
    assert_eq!(sign.line("Lakeside", 12, Level::Free), ("Lakeside 12".into(), [0, 255, 0]));
    assert_eq!(sign.line("Lakeside", 0, Level::Full), ("Lakeside 满".into(), [255, 0, 0]));
    for (sign, field, hint) in [
        ("device = \"led-exit\"\nzones = [\"lot\"]", "sign.device", "display of a lane"),
        ("device = \"cam-exit\"\nzones = [\"lot\"]", "sign.device", "show-text"),
        ("device = \"led-spaces\"\nzones = []", "sign.zones", "no zone"),
        ("device = \"led-spaces\"\nzones = [\"b9\"]", "sign.zones", "no [[zone]]"),
        ("device = \"led-spaces\"\nzones = [\"b1\"]", "sign.zones", "capacity"),
        (
            "device = \"led-spaces\"\nzones = [\"lot\"]\nfull = \"{left}\"",
            "sign.text",
            "never filled",
        ),
    ] {
        let mistakes = with_sign(&format!("[[sign]]\n{sign}")).unwrap_err();
        let found = mistakes.iter().find(|m| m.field == field && m.what.contains(hint));
        assert!(found.is_some(), "{sign}: {mistakes:?}");
    }
}

#[test]
fn calls_have_limits_and_lanes_names() {
    use crate::core::rules::BankDown;
    let with = |calls: &str| parse(&format!("[calls]\n{calls}\n{EXAMPLE}"), &folder());
    let site = with("help_s = 45\nbank_down = \"let_go\"\nlet_go_at_most_minor = 800").unwrap();
    let calls = &site.rules.calls;
    assert_eq!(calls.help.as_secs(), 45);
    let after = std::time::Duration::from_mins(1);
    assert_eq!(calls.bank_down, BankDown::LetGo { after, at_most_minor: 800 });
    for (calls, field) in [
        ("help_s = 0", "calls.help_s"),
        ("answer_s = 100000", "calls.answer_s"),
        ("let_go_at_most_minor = -1", "calls.let_go_at_most_minor"),
    ] {
        let mistakes = with(calls).unwrap_err();
        assert_eq!((mistakes[0].field.as_str(), mistakes[0].line), (field, 2), "{calls}");
    }
    let named = EXAMPLE.replace("# name = \"North gate, in\"", "name = \"North gate, in\"");
    let site = parse(&named, &folder()).unwrap();
    let id = crate::types::LaneId::parse("entry-1").unwrap();
    assert_eq!(site.rules.lane_name(&id), "North gate, in");
}

#[test]
fn lanes_that_turn_and_lanes_that_share_a_roadway() {
    let with = |more: &str| {
        let lane = "barrier = \"board-exit\"\n";
        parse(&EXAMPLE.replace(lane, &format!("{lane}{more}\n")), &folder())
    };
    let late = "{ at = \"17:00\", direction = \"exit\" }";
    let early = "{ at = \"07:30\", direction = \"entry\" }";
    let lane =
        format!("tidal = {{ turns = [{late}, {early}] }}\ncouple = {{ lane = \"entry-1\" }}");
    let site = with(&lane).unwrap();
    let rules = site.rules.lanes.values().find(|lane| lane.tide.is_some()).unwrap();
    let turns: Vec<_> = rules.tide.iter().flat_map(|tide| &tide.turns).map(|t| t.at).collect();
    assert_eq!(turns, [jiff::civil::time(7, 30, 0, 0), jiff::civil::time(17, 0, 0, 0)]);
    assert_eq!(rules.couple.as_ref().unwrap().lane.as_str(), "entry-1");
    for (wrong, field, hint) in [
        ("tidal = { turns = [{ at = \"7 pm\", direction = \"exit\" }] }", "lane.tidal", "07:30"),
        ("couple = { lane = \"exit-1\" }", "lane.couple", "no other lane"),
        ("couple = { lane = \"gate-1\" }", "lane.couple", "no other lane"),
    ] {
        let mistakes = with(wrong).unwrap_err();
        assert!(mistakes[0].field == field && mistakes[0].what.contains(hint), "{mistakes:?}");
    }
    for (wrong, field, hint) in [
        ("tidal = { camera = \"cam-exit\" }", "lane.tidal.camera", "first way too"),
        ("tidal = { camera = \"cam-entry\" }", "lane.tidal.camera", "serves lane entry-1"),
        ("tidal = { camera = \"led-exit\" }", "lane.tidal.camera", "cannot do that"),
        ("tidal = { display = \"led-exit\" }", "lane.tidal.display", "first way too"),
        ("tidal = { display = \"led-nowhere\" }", "lane.tidal.display", "no [[device]]"),
    ] {
        let mistakes = with(wrong).unwrap_err();
        let found = mistakes.iter().find(|m| m.field == field && m.what.contains(hint));
        assert!(found.is_some(), "{wrong}: {mistakes:?}");
    }
    let twice = format!("{early}, {early}");
    let mistakes = with(&format!("tidal = {{ turns = [{twice}] }}")).unwrap_err();
    assert!(mistakes[0].what.contains("twice"), "{mistakes:?}");
}

#[test]
fn spaces_for_some_vehicles_are_a_part_of_a_zone() {
    use crate::core::{
        rules::SpacesFor,
        zone::{Count, SpacesCount},
    };
    let with = |spaces: &str, sign: &str| {
        let sign = format!("[[sign]]\ndevice = \"led-spaces\"\n{sign}");
        let more = format!(
            "[[device]]\nid = \"led-spaces\"\nprofile = \"display/olm-led\"\nbus = \"line-entry\"\n\
             address = 9\n[[zone]]\nid = \"lot\"\n{spaces}\n{sign}\n[[lane]]"
        );
        parse(&EXAMPLE.replacen("[[lane]]", &more, 1), &folder())
    };
    let two = "capacity = 300\nspaces = [{ for = \"large\", count = 10 }, \
               { for = \"new_energy\", count = 30, others = true }]";
    let shown = "zones = [\"lot\"]\nspaces = [{ zone = \"lot\", for = \"new_energy\" }]";
    let site = with(two, shown).unwrap();
    let zone = crate::core::rules::Zones::only();
    let spaces = &site.rules.zones.get(&zone).unwrap().spaces;
    assert_eq!(
        spaces.iter().map(|s| (s.count, s.others)).collect::<Vec<_>>(),
        [(10, false), (30, true)]
    );
    let count = Count {
        zone,
        name: "lot".into(),
        vehicles: 100,
        capacity: Some(300),
        free: Some(165),
        spaces: vec![SpacesCount { of: SpacesFor::NewEnergy, count: 30, free: 4 }],
    };
    let lines = crate::app::counts::sign_text(&site.signs[0], &[count]).lines;
    assert_eq!(lines[0], ("lot 165".into(), [0, 255, 0]));
    assert_eq!(lines[1], ("新能源车 4".into(), [255, 160, 0]));
    for (spaces, sign, field, hint) in [
        ("spaces = [{ for = \"large\", count = 1 }]", "zones = []", "zone.spaces", "capacity"),
        ("capacity = 5\nspaces = [{ for = \"large\", count = 6 }]", "", "zone.spaces", "left: 5"),
        (
            "capacity = 9\nspaces = [{ for = \"large\", count = 1 }, { for = \"large\", count = 1 }]",
            "",
            "zone.spaces",
            "same vehicles",
        ),
        (two, "spaces = [{ zone = \"lot\", for = \"small\" }]", "sign.spaces", "no spaces"),
    ] {
        let mistakes = with(spaces, sign).unwrap_err();
        let found = mistakes.iter().find(|m| m.field == field && m.what.contains(hint));
        assert!(found.is_some(), "{spaces}: {mistakes:?}");
    }
}

#[test]
fn what_is_done_with_misreads_is_the_sites() {
    let with = |more: &str| parse(&format!("{EXAMPLE}\n[matching]\n{more}\n"), &folder());
    let usual = with("").unwrap().rules.matching;
    assert_eq!(usual, crate::core::rules::MatchRules::default());
    let own = with("percent_min = 101\nfee_minor_max = 0\nsame_plate_twice = \"ask\"").unwrap();
    assert_eq!(own.rules.matching.sureness.percent_min, 101);
    assert_eq!(own.rules.matching.twice, crate::core::rules::Twice::Ask);
    for (wrong, field) in [
        ("percent_min = 102", "matching.percent_min"),
        ("margin = 200", "matching.margin"),
        ("fee_minor_max = -1", "matching.fee_minor_max"),
        ("candidates_max = 0", "matching.candidates_max"),
    ] {
        assert_eq!(with(wrong).unwrap_err()[0].field, field);
    }
}

#[test]
fn a_sister_daemon_has_a_name_a_number_and_a_secret() {
    let dir = std::env::temp_dir().join(format!("paifang-sisters-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let secrets = dir.join("secrets.toml");
    let text = "[mqtt]\ncam-entry = \"a\"\ncam-exit = \"b\"\n[sister]\nnorth = \"a secret that both daemons have\"\n\
                weak = \"short\"\n";
    std::fs::write(&secrets, text).unwrap();
    std::fs::set_permissions(&secrets, std::fs::Permissions::from_mode(0o600)).unwrap();
    let site = |sister: &str| parse(&format!("{EXAMPLE}\n[[sister]]\n{sister}\n"), &dir);
    let good = "name = \"north\"\nissuer = 2\nurl = \"http://10.0.0.6:8080/\"";
    let known = site(good).unwrap();
    assert_eq!(known.rules.sisters[&2].patience.as_millis(), 400);
    assert_eq!(known.sisters[0].url, "http://10.0.0.6:8080");
    assert!(!format!("{:?}", known.sisters).contains("a secret"));
    for (from, to, field) in [
        ("issuer = 2", "issuer = 0", "sister.issuer"),
        ("\"north\"", "\"south\"", "sister.name"),
        ("\"north\"", "\"weak\"", "sister.name"),
        ("http://10", "10", "sister.url"),
        ("issuer = 2", "issuer = 2\npatience_ms = 9", "sister.patience_ms"),
        ("issuer = 2", "issuer = 2\nwhen_apart = \"never\"", "when_apart"),
    ] {
        let told = site(&good.replace(from, to)).unwrap_err();
        assert!(told.iter().any(|mistake| mistake.field == field), "{to}: {told:?}");
    }
    std::fs::remove_dir_all(dir).unwrap();
}
