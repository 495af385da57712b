//! What devices on MQTT are told, and what of their state a driver keeps.

use paifang_devices::{CivilTime, Command, DeviceEvent, JsonMqtt, Outgoing, words::PlateRead};
use serde_json::{Value, json};

use crate::cases::{NOW_MS, fixture, mqtt};

const QY: &str = "0a1b2c3d4e5f6071";

fn text(outgoing: &Outgoing) -> (&str, Value) {
    let body = String::from_utf8(outgoing.payload.clone()).unwrap();
    let value = serde_json::from_str(&body).unwrap_or(Value::String(body));
    (&outgoing.topic, value)
}

fn answers(driver: &mut JsonMqtt, topic: &str, file: &str) -> Vec<Outgoing> {
    driver.decode(topic, &fixture(file), NOW_MS).unwrap().answers
}

fn told(driver: &mut JsonMqtt, command: &Command) -> Outgoing {
    driver.encode(command, "c-7", NOW_MS).unwrap()
}

#[test]
fn qianyi_is_answered_where_it_listens() {
    let mut camera = mqtt("camera/qianyi-mqtt", QY);
    let up = format!("aiot/plate/{QY}");
    for (file, id) in [
        ("qianyi-result.json", "1795397400123aB3dE5g"),
        ("qianyi-replay.json", "1795390000123aB3dE5h"),
        ("qianyi-no-plate.json", "1795397401123aB3dE5i"),
    ] {
        let said = answers(&mut camera, &up, file);
        assert_eq!(said.len(), 1);
        let rsp = json!({"cmd": "result_rsp", "status": "ok", "msg_id": id});
        assert_eq!(text(&said[0]), (format!("device/plate/{QY}").as_str(), rsp));
    }
    assert!(answers(&mut camera, &up, "qianyi-heartbeat.json").is_empty());
    let said = answers(&mut camera, "/serverAll", "qianyi-register.json");
    let rsp =
        json!({"cmd": "camera_register_rsp", "status": "ok", "msg_id": "1795397300123aB3dE5j"});
    let down = format!("/qymqtt/{QY}/qymqttdown");
    assert_eq!(text(&said[0]), (down.as_str(), rsp), "on the topic it names");
    assert_eq!(told(&mut camera, &Command::PulseOpen).topic, down, "commands too");
    let mut barrier = mqtt("barrier/qianyi-iooutput", QY);
    let heard = barrier.decode(&up, &fixture("qianyi-result.json"), NOW_MS).unwrap();
    assert_eq!((heard.events.len(), heard.answers.len()), (0, 1), "answered in any duty");
}

#[test]
fn a_registration_leads_nowhere_else() {
    let register = |subtopic: &str| {
        let mut camera = mqtt("camera/qianyi-mqtt", QY);
        let message =
            json!({"cmd": "camera_register", "msg_id": "1", "sn": QY, "subtopic": subtopic});
        let heard = camera.decode("/serverAll", message.to_string().as_bytes(), NOW_MS).unwrap();
        heard.answers[0].topic.clone()
    };
    let own = format!("site-7/{QY}/down");
    assert_eq!(register(&own), own);
    let usual = format!("device/plate/{QY}");
    let long = format!("{QY}/{}", "x".repeat(200));
    for foreign in
        ["device/plate/other", "#", "+/x", "", &format!("$SYS/{QY}"), &format!("{QY}/#"), &long]
    {
        assert_eq!(register(foreign), usual, "{foreign:?}");
    }
}

#[test]
fn a_shared_topic_reaches_the_device_it_names() {
    let register = fixture("qianyi-register.json");
    let (ours, other) = (mqtt("camera/qianyi-mqtt", QY), mqtt("camera/qianyi-mqtt", "other"));
    assert!(ours.is_for("/serverAll", &register), "in whatever case");
    assert!(!other.is_for("/serverAll", &register));
    assert!(!ours.is_for("/serverAll", br#"{"cmd":"camera_register"}"#), "it names nobody");
    assert!(!ours.is_for("aiot/plate/other", &register));
    let (gate, yard) =
        (mqtt("camera/frigate-mqtt", "gate_in"), mqtt("camera/frigate-mqtt", "yard"));
    let lpr = fixture("frigate-lpr.json");
    assert!(gate.is_for("frigate/tracked_object_update", &lpr));
    assert!(!yard.is_for("frigate/tracked_object_update", &lpr));
    let stats = fixture("frigate-stats.json");
    assert!(gate.is_for("frigate/stats", &stats) && yard.is_for("frigate/stats", &stats));
}

#[test]
fn a_serial_number_in_capitals_is_spelt_as_the_device_spells_it() {
    let mut camera = mqtt("camera/qianyi-mqtt", QY);
    let upper = QY.to_ascii_uppercase();
    let rules = camera.topic_rules();
    assert!(rules.publish.contains(&format!("aiot/plate/{upper}")), "{rules:?}");
    assert!(rules.subscribe.contains(&format!("device/plate/{upper}")), "{rules:?}");
    let said = answers(&mut camera, &format!("aiot/plate/{upper}"), "qianyi-result.json");
    assert_eq!(said[0].topic, format!("device/plate/{upper}"));
    assert_eq!(told(&mut camera, &Command::PulseOpen).topic, format!("device/plate/{upper}"));
}

#[test]
fn qianyi_commands_as_the_paper_writes_them() {
    let mut camera = mqtt("camera/qianyi-mqtt", QY);
    let time = CivilTime { year: 2026, month: 11, day: 23, hour: 9, minute: 30, second: 2 };
    let rows = [
        (
            Command::PulseOpen,
            json!({"cmd": "iooutput", "ionum": 0, "action": "on", "utc_ts": 1_795_397_402}),
        ),
        (
            Command::PulseClose,
            json!({"cmd": "iooutput", "ionum": 2, "action": "on", "utc_ts": 1_795_397_402}),
        ),
        (
            Command::Hold,
            json!({"cmd": "barrierKeepOpen", "isKeepOpen": 1, "utc_ts": 1_795_397_402}),
        ),
        (
            Command::SetTime(time),
            json!({"cmd": "syncSysTime", "time_zone": 4, "time_stamp": "1795397402"}),
        ),
        (
            Command::SerialData { channel: 0, bytes: vec![1, 2, 3] },
            json!({"cmd": "rs485", "encode_type": "base64", "rs485ch1_data": [{"data": "AQID"}]}),
        ),
    ];
    for (command, mut body) in rows {
        body["msg_id"] = json!("c-7");
        let out = told(&mut camera, &command);
        assert_eq!(text(&out), (format!("device/plate/{QY}").as_str(), body));
    }
}

fn read(driver: &mut JsonMqtt, plate: &str, score: f64) -> Option<PlateRead> {
    let message = json!({"type": "lpr", "id": "17.5-a", "plate": plate, "score": score,
        "camera": "gate_in", "timestamp": 1_795_397_400.5});
    let topic = "frigate/tracked_object_update";
    let heard = driver.decode(topic, message.to_string().as_bytes(), NOW_MS).unwrap();
    match heard.events.into_iter().next() {
        Some(DeviceEvent::PlateRead(read)) => Some(*read),
        None => None,
        Some(other) => panic!("{other:?}"),
    }
}

#[test]
fn frigate_reports_a_vehicle_again_only_when_it_is_surer_of_another_plate() {
    let mut camera = mqtt("camera/frigate-mqtt", "gate_in");
    assert_eq!(read(&mut camera, "AB12CDF", 0.55), None, "not sure enough");
    let first = read(&mut camera, "AB12CDE", 0.85).unwrap();
    assert_eq!(first.confidence, Some(85));
    assert_eq!(read(&mut camera, "AB12CDE", 0.97), None, "the same plate, surer");
    assert_eq!(read(&mut camera, "AB12CDF", 0.82), None, "another, less sure");
    let better = read(&mut camera, "A812CDE", 0.93).unwrap();
    assert_eq!(better.event_id, first.event_id, "one vehicle, one event");
    assert_eq!(read(&mut camera, "", 0.99), None, "no plate is no better one");
}

#[test]
fn frigate_is_there_or_gone() {
    let mut camera = mqtt("camera/frigate-mqtt", "gate_in");
    let mut says = |word: &[u8]| camera.decode("frigate/available", word, NOW_MS).map(|h| h.events);
    assert_eq!(says(b"online"), Ok(vec![DeviceEvent::KeepAlive { clock_ms: None }]));
    assert_eq!(says(b"offline"), Ok(vec![DeviceEvent::Gone]));
    assert!(says(b"maybe").is_err() && says(b"\xFF").is_err() && says(b"").is_err());
}

#[test]
fn tasmota_pulses_fall_off_by_themselves() {
    let mut arm = mqtt("barrier/tasmota-mqtt", "arm-1");
    let rows = [
        (Command::PulseOpen, "cmnd/arm-1/Backlog", "PowerOnState 0; PulseTime1 5; Power1 ON"),
        (Command::PulseClose, "cmnd/arm-1/Backlog", "PowerOnState 0; PulseTime2 5; Power2 ON"),
        (Command::Hold, "cmnd/arm-1/Backlog", "PulseTime1 0; Power1 ON"),
        (Command::Release, "cmnd/arm-1/POWER1", "OFF"),
    ];
    for (command, topic, body) in rows {
        assert_eq!(text(&told(&mut arm, &command)), (topic, json!(body)));
    }
    let said = answers(&mut arm, "tele/arm-1/INFO1", "tasmota-info1.json");
    let setup = json!("PowerOnState 0; PulseTime1 5; PulseTime2 5");
    assert_eq!(text(&said[0]), ("cmnd/arm-1/Backlog", setup), "set up at every start");
}

#[test]
fn tasmota_answers_the_last_order_of_a_kind_once() {
    let mut arm = mqtt("barrier/tasmota-mqtt", "arm-1");
    let hear = |arm: &mut JsonMqtt, file: &str| {
        let heard = arm.decode("stat/arm-1/RESULT", &fixture(file), NOW_MS).unwrap();
        heard.events.into_iter().next().map(|event| match event {
            DeviceEvent::CommandReply { id, accepted, text } => (id, accepted, text),
            other => panic!("{other:?}"),
        })
    };
    let reply = |id: &str, accepted, text: &str| Some((id.to_string(), accepted, text.to_string()));
    arm.encode(&Command::PulseOpen, "c-1", NOW_MS).unwrap();
    assert_eq!(hear(&mut arm, "tasmota-result-pulsetime.json"), None);
    assert_eq!(hear(&mut arm, "tasmota-result-on.json"), reply("c-1", true, "ON"));
    assert_eq!(hear(&mut arm, "tasmota-result-off.json"), None, "the pulse fell off");
    assert_eq!(hear(&mut arm, "tasmota-result-on.json"), None, "somebody pressed its button");
    arm.encode(&Command::PulseOpen, "c-2", NOW_MS).unwrap();
    arm.encode(&Command::PulseClose, "c-3", NOW_MS).unwrap();
    assert_eq!(hear(&mut arm, "tasmota-result-close.json"), reply("c-3", true, "ON"));
    assert_eq!(hear(&mut arm, "tasmota-result-error.json"), reply("c-2", false, "Unknown"));
    arm.encode(&Command::Release, "c-4", NOW_MS).unwrap();
    assert_eq!(hear(&mut arm, "tasmota-result-off.json"), reply("c-4", true, "OFF"));
}

#[test]
fn words_of_relays_that_come_and_go() {
    let alive = DeviceEvent::KeepAlive { clock_ms: None };
    let rows = [
        ("barrier/tasmota-mqtt", "arm-1", "tele/arm-1/LWT", "Online", Some(alive.clone())),
        ("barrier/tasmota-mqtt", "arm-1", "tele/arm-1/LWT", "Offline", Some(DeviceEvent::Gone)),
        ("barrier/tasmota-mqtt", "arm-1", "stat/arm-1/POWER1", "ON", None),
        ("barrier/shelly-gen2-mqtt", "sh-1", "sh-1/online", "true", Some(alive)),
        ("barrier/shelly-gen2-mqtt", "sh-1", "sh-1/online", "false", Some(DeviceEvent::Gone)),
    ];
    for (profile, sn, topic, word, event) in rows {
        let heard = mqtt(profile, sn).decode(topic, word.as_bytes(), NOW_MS).unwrap();
        assert_eq!(heard.events.into_iter().next(), event, "{topic} {word}");
    }
}

#[test]
fn shelly_is_called_by_its_prefix() {
    let mut arm = mqtt("barrier/shelly-gen2-mqtt", "sh-1");
    let params = |params: Value| json!({"id": "c-7", "src": "sh-1/paifang", "method": "Switch.Set", "params": params});
    let rows = [
        (Command::PulseOpen, json!({"id": 0, "on": true, "toggle_after": 0.5})),
        (Command::PulseClose, json!({"id": 1, "on": true, "toggle_after": 0.5})),
        (Command::Hold, json!({"id": 0, "on": true})),
        (Command::Release, json!({"id": 0, "on": false})),
    ];
    for (command, body) in rows {
        assert_eq!(text(&told(&mut arm, &command)), ("sh-1/rpc", params(body)));
    }
    let rules = arm.topic_rules();
    assert!(rules.publish.contains(&"sh-1/paifang/rpc".to_string()), "{rules:?}");
}

#[test]
fn times_without_an_offset_need_the_sites() {
    let profile = paifang_devices::Profile::find("barrier/tasmota-mqtt").unwrap();
    let mut arm = JsonMqtt::new(&profile, "arm-1").unwrap();
    let clock = |arm: &mut JsonMqtt| {
        let state = fixture("tasmota-state.json");
        arm.decode("tele/arm-1/STATE", &state, NOW_MS).unwrap().events.remove(0)
    };
    assert_eq!(clock(&mut arm), DeviceEvent::KeepAlive { clock_ms: None }, "not known");
    arm.set_utc_offset(-3600);
    let ms = 1_795_397_400_000 + 9 * 3_600_000;
    assert_eq!(clock(&mut arm), DeviceEvent::KeepAlive { clock_ms: Some(ms) });
}
