//! Every fixture says what its device meant.

use std::collections::BTreeSet;

use paifang_devices::{
    DeviceEvent, PlateRead,
    words::{Direction, PlateColor, Stage, Trigger},
};

use crate::cases::{CASES, Case};

/// 2026-11-23 09:30:00 at UTC+8.
const HALF_PAST_NINE_MS: i64 = 1_795_397_400_000;
const JPEG: &[u8] = b"\xFF\xD8\xFF\xE0\x00\x10JFIF\x00\x01\x01";
/// The pictures of forms in parts.
fn part(tail: &[u8]) -> Vec<u8> {
    let mut bytes = b"\xFF\xD8\xFF\xE0\x00\x10JFIF\x00\x01\x01\0\0\x01\0\x01\0\0".to_vec();
    bytes.extend(0..200);
    bytes.extend(b"\r\n--almost\xFF\xD9");
    bytes.extend(tail);
    bytes
}

/// A live read without anything but its plate, taken at half past nine.
fn read(event_id: &str, plate: &str) -> PlateRead {
    PlateRead {
        event_id: event_id.into(),
        plate: Some(plate.into()),
        confidence: None,
        color: PlateColor::Unknown,
        live: true,
        stage: Stage::Full,
        taken_at_ms: Some(HALF_PAST_NINE_MS),
        direction: Direction::Unknown,
        trigger: Trigger::Unknown,
        picture: None,
        crop: None,
    }
}

fn vzenith(event_id: &str) -> PlateRead {
    PlateRead {
        confidence: Some(97),
        color: PlateColor::Blue,
        direction: Direction::Down,
        trigger: Trigger::Video,
        ..read(event_id, "京A12345")
    }
}

fn hikvision(event_id: &str) -> PlateRead {
    PlateRead {
        confidence: Some(98),
        color: PlateColor::Blue,
        direction: Direction::Down,
        taken_at_ms: Some(HALF_PAST_NINE_MS + 250),
        ..read(event_id, "粤B12345")
    }
}

fn hikvision_json() -> PlateRead {
    PlateRead {
        confidence: Some(92),
        color: PlateColor::Green,
        direction: Direction::Up,
        ..read("t:1795397400000", "粤B12345")
    }
}

fn qianyi(event_id: &str) -> PlateRead {
    PlateRead {
        confidence: Some(88),
        color: PlateColor::Blue,
        trigger: Trigger::Video,
        ..read(event_id, "京A12345")
    }
}

fn pictures(read: PlateRead) -> PlateRead {
    PlateRead { picture: Some(JPEG.to_vec()), crop: Some(JPEG.to_vec()), ..read }
}

fn plate_read(file: &str) -> Option<Vec<PlateRead>> {
    let short = |mut read: PlateRead| {
        (read.picture, read.crop) = (Some(JPEG[..10].to_vec()), Some(JPEG[..10].to_vec()));
        read
    };
    let huaxia =
        |id: &str| PlateRead {
            color: PlateColor::Blue, taken_at_ms: None, ..read(id, "京A12345")
        };
    let form = b"\xFF\xD8\xFF\xE0\x00\x10JFIF\x00\x01\x01\x0F\x80\x03\xFF\xBF".to_vec();
    let webhook_ms = HALF_PAST_NINE_MS + 606;
    let webhook = |plate: &str, confidence, picture| PlateRead {
        confidence: Some(confidence),
        taken_at_ms: Some(webhook_ms),
        picture,
        ..read("t:1795397400606", plate)
    };
    Some(vec![match file {
        "vzenith-mqtt-quick.json" => PlateRead { stage: Stage::Quick, ..vzenith("p:4711") },
        "vzenith-mqtt-result.json" => short(vzenith("p:4711")),
        "vzenith-mqtt-result-plain.json" => PlateRead {
            direction: Direction::Unknown,
            trigger: Trigger::Unknown,
            ..vzenith("t:1795397400000")
        },
        "vzenith-http-plate.json" => pictures(vzenith("p:4711")),
        "vzenith-http-replay.json" => PlateRead { live: false, ..pictures(vzenith("p:4702")) },
        "vzenith-http-no-plate.json" => PlateRead {
            plate: None,
            confidence: Some(0),
            color: PlateColor::Unknown,
            ..pictures(vzenith("p:4712"))
        },
        "hikvision-anpr.xml" | "hikvision-anpr-prefixed.xml" | "hikvision-anpr-gbk.xml" => {
            hikvision("t:1795397400250")
        }
        "hikvision-anpr-std-cgi.xml" => {
            PlateRead { taken_at_ms: Some(HALF_PAST_NINE_MS), ..hikvision("t:1795397400000") }
        }
        "hikvision-replay.xml" => PlateRead {
            live: false,
            taken_at_ms: Some(HALF_PAST_NINE_MS - 140 * 60_000),
            ..hikvision("t:1795389000000")
        },
        "hikvision-no-plate.xml" => {
            PlateRead { plate: None, confidence: Some(0), ..hikvision("t:1795397400250") }
        }
        "hikvision-anpr.json" => hikvision_json(),
        "hikvision-anpr.multipart" => PlateRead {
            picture: Some(part(b"2")),
            crop: Some(part(b"")),
            ..hikvision("t:1795397400250")
        },
        "hikvision-anpr-json.multipart" => {
            PlateRead { picture: Some(part(b"")), ..hikvision_json() }
        }
        "qianyi-result.json" => pictures(qianyi("u:1795397400123aB3dE5g")),
        "qianyi-replay.json" => PlateRead {
            live: false,
            taken_at_ms: Some(1_795_390_000_000),
            ..qianyi("u:1795390000123aB3dE5h")
        },
        "qianyi-no-plate.json" => PlateRead {
            plate: None,
            confidence: Some(0),
            color: PlateColor::Unknown,
            trigger: Trigger::Input,
            taken_at_ms: Some(HALF_PAST_NINE_MS + 1000),
            ..qianyi("u:1795397401123aB3dE5i")
        },
        "frigate-lpr.json" => PlateRead {
            confidence: Some(94),
            taken_at_ms: Some(HALF_PAST_NINE_MS + 322),
            ..read("u:1795397395.224675-m03c53", "251WW2075")
        },
        "platerecognizer-webhook.json" => {
            return Some(vec![webhook("9jub11", 84, None), webhook("ab12cde", 95, None)]);
        }
        "platerecognizer-webhook.multipart" => {
            let picture = Some(part(b""));
            return Some(vec![
                webhook("9jub11", 84, picture.clone()),
                webhook("ab12cde", 95, picture),
            ]);
        }
        "huaxia-online.form" => {
            PlateRead { picture: Some(form.clone()), crop: Some(form), ..huaxia("m") }
        }
        "huaxia-online-gbk.form" => huaxia("m"),
        "dahua-tollgate.json" => PlateRead {
            confidence: Some(95),
            color: PlateColor::Blue,
            taken_at_ms: Some(HALF_PAST_NINE_MS + 500),
            ..pictures(read("t:1795397400500", "京A12345"))
        },
        _ => return None,
    }])
}

fn other(file: &str) -> Vec<DeviceEvent> {
    let alive = |clock_ms| vec![DeviceEvent::KeepAlive { clock_ms }];
    let input = || vec![DeviceEvent::InputChanged { input: 2, on: true }];
    let serial = |channel| vec![DeviceEvent::SerialData { channel, bytes: b"T123\r".to_vec() }];
    let reply = |accepted, text: &str| {
        vec![DeviceEvent::CommandReply { id: "c-7".into(), accepted, text: text.into() }]
    };
    let identity = |model: &str, firmware: &str| {
        let (model, firmware) = (Some(model.into()), Some(firmware.into()));
        vec![DeviceEvent::Identity { model, firmware }]
    };
    match file {
        "vzenith-mqtt-input.json" | "vzenith-http-input.json" | "shelly-input.json" => input(),
        "vzenith-mqtt-serial.json" => serial(0),
        "vzenith-http-serial.json" => serial(1),
        "vzenith-mqtt-barrier.json" => {
            vec![DeviceEvent::BarrierStatus { state: Some(2), connected: Some(true) }]
        }
        "vzenith-mqtt-snapshot.json" => {
            vec![DeviceEvent::Snapshot { picture: JPEG[..10].to_vec() }]
        }
        "vzenith-http-snapshot.json" => vec![DeviceEvent::Snapshot { picture: JPEG.to_vec() }],
        "vzenith-mqtt-reply.json" => reply(true, "200"),
        "qianyi-reply.json" => reply(true, "ok"),
        "shelly-reply.json" => reply(true, ""),
        "shelly-reply-error.json" => reply(false, "Argument 'id', value 9 not found!"),
        "shelly-notify.json" => alive(Some(HALF_PAST_NINE_MS + 500)),
        "vzenith-mqtt-keepalive.json"
        | "hikvision-heartbeat.xml"
        | "frigate-stats.json"
        | "tasmota-state.json" => alive(Some(HALF_PAST_NINE_MS)),
        "vzenith-http-heartbeat.multipart"
        | "qianyi-heartbeat.json"
        | "huaxia-heartbeat.form"
        | "dahua-keepalive.json" => alive(None),
        "qianyi-offline.json" => vec![DeviceEvent::Gone],
        "qianyi-register.json" => identity("S8_2", "V4.23"),
        "dahua-device.json" => identity("ITC", "1.0"),
        "tasmota-info1.json" => identity("Sonoff Dual R3", "14.2.0(release)"),
        // Without an order before them they answer nothing; the last ones are of no use.
        "tasmota-result-on.json"
        | "tasmota-result-off.json"
        | "tasmota-result-close.json"
        | "tasmota-result-error.json"
        | "tasmota-result-pulsetime.json"
        | "shelly-switch.json"
        | "frigate-lpr-unsure.json"
        | "frigate-description.json"
        | "hikvision-other.xml" => vec![],
        other => panic!("{other} has no expectation"),
    }
}

fn expected(file: &str) -> Vec<DeviceEvent> {
    match plate_read(file) {
        Some(reads) => {
            reads.into_iter().map(|read| DeviceEvent::PlateRead(Box::new(read))).collect()
        }
        None => other(file),
    }
}

/// Ids made of hashes, without them.
fn plain(mut event: DeviceEvent) -> DeviceEvent {
    if let DeviceEvent::PlateRead(read) = &mut event
        && read.event_id.starts_with(['t', 'm'])
    {
        let end = read.event_id.rfind(':').unwrap();
        read.event_id.truncate(end);
    }
    event
}

fn said(case: &Case) -> Vec<DeviceEvent> {
    let heard = case.driver().hear(&case.body()).unwrap_or_else(|e| panic!("{}: {e}", case.file));
    heard.into_iter().map(plain).collect()
}

#[test]
fn every_fixture_says_what_its_device_meant() {
    for case in CASES {
        assert_eq!(said(case), expected(case.file), "{}", case.file);
    }
}

#[test]
fn no_fixture_is_left_out() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures");
    let on_disk: BTreeSet<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.starts_with("hikvision-answer") && name != "hikvision-position.xml")
        .collect();
    let listed: BTreeSet<String> = CASES.iter().map(|case| case.file.to_owned()).collect();
    assert_eq!(on_disk, listed);
}

#[test]
fn a_copy_has_the_same_id_and_another_vehicle_has_not() {
    for case in CASES {
        let id = |body: &[u8]| match case.driver().hear(body).unwrap().pop() {
            Some(DeviceEvent::PlateRead(read)) => Some(read.event_id.clone()),
            _ => None,
        };
        let Some(first) = id(&case.body()) else { continue };
        assert_eq!(Some(&first), id(&case.body()).as_ref(), "{}", case.file);
        assert!(!first.contains("12345") && !first.contains("2075"), "{first}");
    }
}
