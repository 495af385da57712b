//! Tests of the module `profile`.

use std::path::Path;

use super::*;

fn changed(name: &str, from: &str, to: &str) -> Result<Profile, ProfileError> {
    let (name, kind, text) = files().find(|file| file.0 == name).unwrap();
    assert!(text.contains(from), "{from:?} is not in {name}");
    Profile::load(&name, kind, &text.replacen(from, to, 1))
}

fn refusal(name: &str, from: &str, to: &str) -> String {
    changed(name, from, to).unwrap_err().to_string()
}

#[test]
fn every_file_in_every_folder_is_a_sound_profile() {
    let loaded = Profile::load_all().unwrap();
    let names: Vec<_> = loaded.iter().map(|profile| profile.name.as_str()).collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut on_disk = Vec::new();
    for folder in root.read_dir().unwrap().map(|entry| entry.unwrap().path()) {
        if !folder.is_dir() || folder.ends_with("src") {
            continue;
        }
        for file in folder.read_dir().unwrap().map(|entry| entry.unwrap().path()) {
            if file.extension().is_some_and(|extension| extension == "toml") {
                let name = file.strip_prefix(root).unwrap().with_extension("");
                on_disk.push(name.to_str().unwrap().to_string());
            }
        }
    }
    on_disk.sort();
    assert_eq!(names, on_disk, "a folder of profiles is missing from FOLDERS or build.rs");
    for profile in &loaded {
        assert!(!profile.unverified.is_empty(), "{}: nothing here was tried", profile.name);
        assert!(profile.name.starts_with(profile.kind.name()));
    }
}

#[test]
fn words_are_the_same_in_toml_and_in_code() {
    fn same<'de, W: Deserialize<'de> + PartialEq + Copy + std::fmt::Debug>(
        all: &[W],
        name: fn(W) -> &'static str,
    ) {
        for word in all {
            let text =
                serde::de::value::StrDeserializer::<serde::de::value::Error>::new(name(*word));
            assert_eq!(W::deserialize(text).unwrap(), *word);
        }
    }
    same(Capability::ALL, Capability::name);
    same(Protocol::ALL, Protocol::name);
    same(Transport::ALL, Transport::name);
    same(InputRole::ALL, InputRole::name);
}

#[test]
fn a_profile_that_does_not_exist_is_answered_with_those_that_do() {
    let error = Profile::find("camera/acme").unwrap_err().to_string();
    assert!(error.contains("camera/acme") && error.contains("camera/vzenith-mqtt"), "{error}");
}

#[test]
fn a_base_gives_its_protocol_section() {
    let barrier = Profile::find("barrier/vzenith-gpio").unwrap();
    assert_eq!(barrier.protocol, Protocol::JsonMqtt);
    assert_eq!(Profile::find("display/olm-led").unwrap().baud(), Some(9600));
    assert!(barrier.can(Capability::PulseOpen) && !barrier.can(Capability::PlateRead));
    let roles: Vec<_> = barrier.inputs().collect();
    assert_eq!(roles[0], (1, InputRole::ArrivalLoop));
    assert_eq!(roles.len(), 4);
    let error = refusal("barrier/vzenith-gpio", "camera/vzenith-mqtt", "camera/acme");
    assert!(error.contains("does not exist"), "{error}");
}

#[test]
fn mistakes_are_named() {
    let camera = "camera/vzenith-mqtt";
    let relay = "barrier/waveshare-modbus";
    let rows = [
        (camera, "make =", "maker =", "unknown field"),
        (camera, "qos = 1", "qos = 3", "qos 0, 1 or 2"),
        (camera, "qos = 1", "qos = 1\ncolour = 2", "unknown field"),
        (camera, "\"pulse-open\", ", "\"show-text\", ", ""),
        (camera, "pulse-open = {", "show-text = {", "capability pulse-open has no command"),
        (camera, "{open_pulse_ms}", "{open_ms}", "nothing fills {open_ms}"),
        (camera, "open_pulse_ms = 1500", "", "needs its pulse in timings"),
        (camera, "open_pulse_ms = 1500", "open_pulse_ms = 9", "needs its pulse in timings"),
        (camera, "1 = \"blue\"", "1 = \"blau\"", "\"blau\" is no word for it"),
        (camera, "counter = {", "contour = {", "contour is none of"),
        (camera, "fields = \"reply\"", "fields = \"answer\"", "no table fields.answer"),
        (camera, "[\"$.sn\"]", "[\"$..sn\"]", "is not a path"),
        (camera, "device/{sn}/message/up/{name}", "device/+/message/up/{name}", "topic template"),
        (camera, "device/{sn}/message/up/{name}", "device/x/message/up/{name}", "{sn} once"),
        (camera, "device/{sn}/message/up/{name}", "device/{sn}/message/up", "message's name"),
        (camera, "protocol = \"json-mqtt\"", "protocol = \"olm-led\"", "section [json-mqtt]"),
        (camera, "transport = \"mqtt\"", "transport = \"serial\"", "do not go together"),
        (relay, "open_relay = 1", "open_relay = 9", "out of range"),
        (relay, "close_relay = 2", "close_relay = 1", "out of range"),
        (relay, "4 = \"closed-limit\"", "33 = \"closed-limit\"", "not a number of 1..=32"),
        (relay, "4 = \"closed-limit\"", "4 = \"shut\"", "unknown variant"),
        ("display/olm-led", "gap_ms = 60", "gap_ms = 5", "50..=100"),
        ("display/olm-led", "lines = 4", "lines = 0", "out of range"),
    ];
    for (name, from, to, why) in rows {
        if why.is_empty() {
            assert!(changed(name, from, to).is_ok(), "{to}");
            continue;
        }
        let error = refusal(name, from, to);
        assert!(error.contains(why) && error.contains(name), "{to:?} gave: {error}");
    }
}
