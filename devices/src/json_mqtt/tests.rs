//! What cameras in the field say, and what is made of it.

use base64::{Engine, engine::general_purpose::STANDARD};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::words::{CivilTime, Direction, PlateColor, PlateRead, Stage, Trigger};

const SN: &str = "320dc55b-d6d6c442";
const JPEG: [u8; 6] = [0xFF, 0xD8, 0xFF, 0xE0, 0x00, 0x10];

fn camera() -> JsonMqtt {
    JsonMqtt::new(&Profile::find("camera/vzenith-mqtt").unwrap(), SN).unwrap()
}

fn up(name: &str) -> String {
    format!("device/{SN}/message/up/{name}")
}

fn hear(
    driver: &mut JsonMqtt,
    topic: &str,
    payload: &[u8],
) -> Result<Vec<DeviceEvent>, DecodeError> {
    driver.decode(topic, payload, 0).map(|heard| heard.events)
}

fn tell(
    driver: &mut JsonMqtt,
    name: &str,
    message: &Value,
) -> Result<Vec<DeviceEvent>, DecodeError> {
    hear(driver, &up(name), message.to_string().as_bytes())
}

/// The plate read of a message whose PlateResult is `result`.
fn read_of(driver: &mut JsonMqtt, name: &str, result: &Value) -> PlateRead {
    let message = json!({
        "sn": SN, "name": name, "version": "1.0", "timestamp": 1_783_437_557,
        "payload": {"AlarmInfoPlate": {"deviceName": "SVZT", "result": {"PlateResult": result}}},
    });
    match tell(driver, name, &message).unwrap().remove(0) {
        DeviceEvent::PlateRead(read) => *read,
        other => panic!("{other:?}"),
    }
}

fn b64(text: impl AsRef<[u8]>) -> String {
    STANDARD.encode(text)
}

#[test]
fn an_abridged_full_result() {
    let read = read_of(
        &mut camera(),
        "ivs_result",
        &json!({
            "license": "QjI4ODRTQ1A=", "color": 3, "confidence": 100, "direction": 4,
            "pos": {"top": 339, "left": 433, "right": 612, "bottom": 427},
            "full_image_content": "/9j/4AAQSkZJRg", "small_image_content": "/9j/4AAQSkZJRg",
        }),
    );
    assert_eq!(read.plate.as_deref(), Some("B2884SCP"));
    assert_eq!((read.color, read.direction), (PlateColor::White, Direction::Down));
    assert_eq!((read.confidence, read.trigger), (Some(100), Trigger::Unknown));
    assert_eq!((read.live, read.stage), (true, Stage::Full));
    assert_eq!(read.taken_at_ms, Some(1_783_437_557_000));
    assert!(read.picture.unwrap().starts_with(&JPEG), "no padding is no mistake");
    assert!(read.crop.is_some());
    assert!(read.event_id.starts_with("t:1783437557000:"), "{}", read.event_id);
    assert!(!read.event_id.contains("2884"), "ids are logged, plates are not");
}

#[test]
fn a_whole_result_in_the_other_spelling() {
    let read = read_of(
        &mut camera(),
        "ivs_result",
        &json!({
            "plateid": 21085, "isoffline": 0, "triggerType": 4, "type": 14, "confidence": 96,
            "plates": [{"color": 4, "license": b64("粤Z9065澳"), "plate_width": 281, "type": 14}],
            "gioouts": [{"ctrltype": 0, "ionum": "0"}, {"ctrltype": 0, "ionum": 1}],
            "timeStamp": {"Timeval": {"sec": 1_686_299_994, "usec": 687_772}},
            "imageFile": "", "imageFragmentFile": "",
        }),
    );
    assert_eq!(read.plate.as_deref(), Some("粤Z9065澳"));
    assert_eq!((read.color, read.trigger), (PlateColor::Black, Trigger::Software));
    assert_eq!((read.event_id.as_str(), read.taken_at_ms), ("p:21085", Some(1_686_299_994_000)));
    assert_eq!((read.picture, read.crop), (None, None));
}

#[test]
fn plates_in_all_their_forms() {
    let mut camera = camera();
    let rows = [
        (json!(b64("京A12345")), Some("京A12345")),
        (json!("京A12345"), Some("京A12345")),
        (json!("B2884SCP"), Some("B2884SCP")),
        (json!(b64("_无_")), None),
        (json!("_无_"), None),
        (json!(""), None),
        (json!(null), None),
        (json!({"text": "x"}), None),
        (json!(["京A12345"]), None),
        (json!("A".repeat(5000)), None),
    ];
    for (license, plate) in rows {
        let read = read_of(&mut camera, "ivs_result", &json!({"license": license}));
        assert_eq!(read.plate.as_deref(), plate, "{license}");
    }
}

#[test]
fn only_a_clear_no_means_live() {
    let mut camera = camera();
    let rows = [
        (json!(0), true),
        (json!("0"), true),
        (json!(false), true),
        (json!(null), true),
        (json!(1), false),
        (json!("1"), false),
        (json!(true), false),
        (json!(2), false),
        (json!("yes"), false),
        (json!({}), false),
    ];
    for (isoffline, live) in rows {
        let read = read_of(&mut camera, "ivs_result", &json!({"isoffline": isoffline}));
        assert_eq!(read.live, live, "isoffline {isoffline}");
    }
}

#[test]
fn fields_of_wrong_types_cost_only_themselves() {
    let mut camera = camera();
    let wrong = [json!({}), json!([]), json!("x"), json!(-1), json!(1e300), json!(true)];
    for value in &wrong {
        let result = json!({
            "license": b64("京A12345"), "confidence": value, "colorType": value,
            "direction": value, "triggerType": value, "plates": value,
            "timeStamp": {"Timeval": value}, "full_image_content": value, "imageFile": value,
        });
        let read = read_of(&mut camera, "ivs_result", &result);
        assert_eq!(read.plate.as_deref(), Some("京A12345"), "{value}");
        assert_eq!(read.taken_at_ms, Some(1_783_437_557_000), "the envelope's time stays");
        assert!(read.confidence.is_none_or(|c| c <= 100));
        assert_eq!(read.picture, None);
    }
    let confidence = |value: Value, camera: &mut JsonMqtt| {
        read_of(camera, "ivs_result", &json!({"confidence": value})).confidence
    };
    assert_eq!(confidence(json!(140), &mut camera), Some(100));
    assert_eq!(confidence(json!(-3), &mut camera), Some(0));
    assert_eq!(confidence(json!("87"), &mut camera), Some(87));
    assert_eq!(confidence(json!(86.6), &mut camera), Some(87));
}

#[test]
fn quick_and_full_result_share_their_id() {
    let plate = b64("京A12345");
    let at = |sec: i64| json!({"Timeval": {"sec": sec, "usec": 0}});
    let rows = [
        ("counter", json!({"plateid": 7}), json!({"plateid": 7}), true),
        ("more ids later", json!({"plateid": 7}), json!({"plateid": 7, "unique_id": "a"}), true),
        ("unique id", json!({"unique_id": "a"}), json!({"unique_id": "a", "plateid": 8}), true),
        ("moment and plate", json!({"timeStamp": at(100)}), json!({"timeStamp": at(101)}), true),
        ("another counter", json!({"plateid": 7}), json!({"plateid": 8}), false),
        ("another id", json!({"unique_id": "a"}), json!({"unique_id": "b"}), false),
        ("another moment", json!({"timeStamp": at(100)}), json!({"timeStamp": at(102)}), false),
    ];
    for (what, quick, full, same) in rows {
        let mut camera = camera();
        let with_plate = |mut result: Value| {
            result["license"] = json!(plate);
            result
        };
        let quick = read_of(&mut camera, "quick_ivs_result", &with_plate(quick));
        let full = read_of(&mut camera, "ivs_result", &with_plate(full));
        assert_eq!((quick.stage, full.stage), (Stage::Quick, Stage::Full));
        assert_eq!(quick.event_id == full.event_id, same, "{what}");
    }
}

#[test]
fn a_copy_has_the_same_id_also_after_a_restart_of_ours() {
    for result in [json!({"plateid": 5}), json!({"license": b64("京A12345")}), json!({"x": 1})] {
        let first = read_of(&mut camera(), "ivs_result", &result);
        let copy = read_of(&mut camera(), "ivs_result", &result);
        assert_eq!(first.event_id, copy.event_id);
    }
}

#[test]
fn reads_with_nothing_to_tell_them_by_are_the_same_only_if_copies() {
    let mut camera = camera();
    let mut id = |confidence: u8| {
        let result = json!({"PlateResult": {"confidence": confidence}});
        let message = json!({"payload": {"AlarmInfoPlate": {"result": result}}});
        match tell(&mut camera, "ivs_result", &message).unwrap().remove(0) {
            DeviceEvent::PlateRead(read) => read.event_id,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(id(50), id(50));
    assert_ne!(id(50), id(51));
}

#[test]
fn other_messages() {
    let trigger = |source: Value, value: Value| {
        let result = json!({"TriggerResult": {"source": source, "value": value}});
        json!({"payload": {"type": "gpio_in", "body": {"AlarmGioIn": {"result": result}}}})
    };
    let serial = json!({"serialChannel": 1, "data": "Y2guY29tFw==", "dataLen": 7});
    let gate = json!({"gate_ctrl_id": 1, "gate_status": 3, "connect_status": 1, "enable": 1});
    let rows = [
        ("gpio_in", trigger(json!(3), json!(1)), DeviceEvent::InputChanged { input: 4, on: true }),
        (
            "gpio_in",
            trigger(json!("0"), json!("0")),
            DeviceEvent::InputChanged { input: 1, on: false },
        ),
        ("serial_data", json!({"payload": {"body": {"SerialData": serial}}}), {
            DeviceEvent::SerialData { channel: 1, bytes: b"ch.com\x17".to_vec() }
        }),
        (
            "barr_gate_status",
            json!({"payload": {"body": gate}}),
            DeviceEvent::BarrierStatus { state: Some(3), connected: Some(true) },
        ),
        ("snapshot", json!({"payload": {"body": {"image_content": b64(JPEG)}}}), {
            DeviceEvent::Snapshot { picture: JPEG.to_vec() }
        }),
    ];
    for (name, message, event) in rows {
        assert_eq!(tell(&mut camera(), name, &message), Ok(vec![event]), "{name}");
    }
    assert_eq!(tell(&mut camera(), "lanectrl_result", &json!({})), Ok(vec![]));
    let tcp = tell(&mut camera(), "gpio_in", &trigger(json!(4), json!(1)));
    assert!(matches!(tcp, Err(DecodeError::Unknown { .. })), "{tcp:?}");
    for half in [trigger(json!(null), json!(1)), trigger(json!(1), json!("x"))] {
        let refused = tell(&mut camera(), "gpio_in", &half);
        assert!(matches!(refused, Err(DecodeError::Missing { .. })), "{refused:?}");
    }
}

#[test]
fn heart_beats_come_with_nul_on_three_topics_and_leave_passwords_behind() {
    let beat = json!({"sn": SN, "name": "keep_alive", "timestamp": 1_784_098_020,
        "payload": {"body": {"user_name": "admin", "pass_wd": "s3cret"}}});
    let text = format!("\0{beat}\0");
    let topics = [
        up("keep_alive"),
        format!("{SN}/device/message/up/keep_alive"),
        format!("$/device/{SN}/message/up/keep_alive"),
    ];
    let mut camera = camera();
    for topic in topics {
        let events = hear(&mut camera, &topic, text.as_bytes()).unwrap();
        assert_eq!(events, [DeviceEvent::KeepAlive { clock_ms: Some(1_784_098_020_000) }]);
    }
    assert!(!format!("{camera:?}").contains("s3cret"), "nothing of it stays in the driver");
    let mut cut = text.clone().into_bytes();
    cut.truncate(cut.len() - 2);
    let error = hear(&mut camera, &up("keep_alive"), &cut).unwrap_err();
    assert!(!format!("{error:?} {error}").contains("s3cret"));
}

#[test]
fn replies_say_accepted_or_not() {
    let topic = |layout: &str| match layout {
        "first" => format!("device/{SN}/message/down/gpio_out/reply"),
        _ => format!("{SN}/device/message/down/gpio_out/reply"),
    };
    let reply = |code: Value| json!({"code": code, "id": "c-7", "name": "gpio_out", "sn": SN});
    let rows = [
        (json!(200), true, "200"),
        (json!("200"), true, "200"),
        (json!(500), false, "500"),
        (json!(null), false, ""),
        (json!([200]), false, ""),
    ];
    for (code, accepted, text) in rows {
        for layout in ["first", "second"] {
            let message = reply(code.clone()).to_string();
            let events = hear(&mut camera(), &topic(layout), message.as_bytes()).unwrap();
            let (id, text) = ("c-7".to_string(), text.to_string());
            assert_eq!(events, [DeviceEvent::CommandReply { id, accepted, text }]);
        }
    }
    let nameless = hear(&mut camera(), &topic("first"), br#"{"code":200}"#);
    assert!(matches!(nameless, Err(DecodeError::Missing { .. })), "{nameless:?}");
}

#[test]
fn the_broker_is_told_what_the_device_may_touch() {
    let rules = camera().topic_rules();
    assert_eq!(rules.publish, camera().subscriptions());
    assert_eq!(
        rules.publish,
        [
            "device/320dc55b-d6d6c442/message/up/+",
            "device/320dc55b-d6d6c442/message/down/+/reply",
            "320dc55b-d6d6c442/device/message/up/+",
            "320dc55b-d6d6c442/device/message/down/+/reply",
            "$/device/320dc55b-d6d6c442/message/up/keep_alive",
        ]
    );
    assert_eq!(
        rules.subscribe,
        ["device/320dc55b-d6d6c442/message/down/#", "320dc55b-d6d6c442/device/message/down/#"]
    );
    let profile = Profile::find("camera/vzenith-mqtt").unwrap();
    let long = "a".repeat(65);
    for sn in ["", "+", "#", "a/b", "a b", "$x", "号", long.as_str()] {
        let refused = JsonMqtt::new(&profile, sn).unwrap_err();
        assert_eq!(refused, SetupError::SerialNumber(sn.into()));
    }
    let relay = Profile::find("barrier/waveshare-modbus").unwrap();
    assert!(matches!(JsonMqtt::new(&relay, SN), Err(SetupError::WrongProfile(_))));
}

#[test]
fn strangers_are_not_heard() {
    let topics = [
        "device/other/message/up/ivs_result".to_string(),
        format!("device/{SN}/message/down/gpio_out"),
        format!("device/{SN}/message/up"),
        format!("device/{SN}/message/up/"),
        format!("device/{SN}/message/up/ivs_result/x"),
        format!("$/device/{SN}/message/up/ivs_result"),
        String::new(),
    ];
    for topic in topics {
        let refused = hear(&mut camera(), &topic, b"{}");
        assert!(matches!(refused, Err(DecodeError::Foreign { .. })), "{topic}: {refused:?}");
    }
    let pretender = tell(&mut camera(), "keep_alive", &json!({"sn": "other"}));
    assert!(matches!(pretender, Err(DecodeError::Foreign { .. })), "{pretender:?}");
    let upper = tell(&mut camera(), "keep_alive", &json!({"sn": SN.to_uppercase()}));
    assert_eq!(upper, Ok(vec![DeviceEvent::KeepAlive { clock_ms: None }]));
    let unknown = tell(&mut camera(), "new_in_next_firmware", &json!({}));
    assert!(matches!(unknown, Err(DecodeError::Unknown { .. })), "{unknown:?}");
}

#[test]
fn what_is_not_a_message_is_refused() {
    let whole = json!({"payload": {"AlarmInfoPlate": {"result": {"PlateResult": {}}}}}).to_string();
    for cut in 0..whole.len() {
        let refused = hear(&mut camera(), &up("ivs_result"), &whole.as_bytes()[..cut]);
        assert!(
            matches!(refused, Err(DecodeError::Unreadable { .. })),
            "cut at {cut}: {refused:?}"
        );
    }
    for text in ["[]", "1", "null", "\"x\"", "{}", r#"{"payload":null}"#, r#"{"payload":[1]}"#] {
        let refused = hear(&mut camera(), &up("ivs_result"), text.as_bytes());
        assert!(matches!(refused, Err(DecodeError::Missing { .. })), "{text}: {refused:?}");
    }
    let deep = "[".repeat(100_000);
    let refused = hear(&mut camera(), &up("ivs_result"), deep.as_bytes());
    assert!(matches!(refused, Err(DecodeError::Unreadable { .. })), "{refused:?}");
}

#[test]
fn four_mebibytes_are_read_and_one_byte_more_is_not() {
    let mut picture = JPEG.to_vec();
    picture.resize(3_000_000, 7);
    let message = json!({"payload": {"AlarmInfoPlate": {"result": {"PlateResult": {
        "license": b64("京A12345"), "full_image_content": b64(&picture)}}}}});
    let mut payload = message.to_string().into_bytes();
    payload.resize(BODY_BYTES_MAX, b' ');
    let mut camera = camera();
    let DeviceEvent::PlateRead(read) =
        hear(&mut camera, &up("ivs_result"), &payload).unwrap().remove(0)
    else {
        panic!("no read")
    };
    assert_eq!(read.picture.as_ref().map(Vec::len), Some(picture.len()));
    assert!(format!("{read:?}").len() < 500, "pictures do not reach a log");
    payload.push(b' ');
    let refused = hear(&mut camera, &up("ivs_result"), &payload);
    assert!(matches!(refused, Err(DecodeError::TooLarge { .. })), "{refused:?}");
}

#[test]
fn commands_go_to_the_layout_the_device_uses() {
    let mut camera = camera();
    let topic = |camera: &mut JsonMqtt| camera.encode(&Command::PulseOpen, "i", 0).unwrap().topic;
    let first = format!("device/{SN}/message/down/gpio_out");
    let second = format!("{SN}/device/message/down/gpio_out");
    assert_eq!(topic(&mut camera), first, "the profile's first, before it spoke");
    hear(&mut camera, &format!("{SN}/device/message/up/keep_alive"), b"{}").unwrap();
    assert_eq!(topic(&mut camera), second);
    hear(&mut camera, &format!("$/device/{SN}/message/up/keep_alive"), b"{}").unwrap();
    assert_eq!(topic(&mut camera), second, "the lone heart-beat topic tells no layout");
    hear(&mut camera, &up("keep_alive"), br#"{"sn":"other"}"#).unwrap_err();
    assert_eq!(topic(&mut camera), second, "a pretender teaches nothing");
    hear(&mut camera, &up("keep_alive"), b"{}").unwrap();
    assert_eq!(topic(&mut camera), first);
}

#[test]
fn commands_as_the_paper_writes_them() {
    let time = CivilTime { year: 2026, month: 7, day: 9, hour: 8, minute: 5, second: 0 };
    let frame = vec![0x00, 0x64, 0xFF, 0xFF, 0x31, 0x00, 0x64, 0x67];
    let rows = [
        (Command::PulseOpen, "gpio_out", json!({"io": 0, "value": 2, "delay": 1500})),
        (Command::PulseClose, "gpio_out", json!({"io": 1, "value": 2, "delay": 1500})),
        (Command::Hold, "set_io_lock_status", json!({"ioout": 0, "status": 1})),
        (Command::Release, "set_io_lock_status", json!({"ioout": 0, "status": 0})),
        (Command::TriggerRead, "ivs_trigger", json!({})),
        (
            Command::SetTime(time),
            "set_time",
            json!({
            "year": "2026", "month": "7", "day": "9", "hour": "8", "min": "5", "sec": "0"}),
        ),
        (
            Command::SerialData { channel: 0, bytes: frame },
            "serial_data",
            json!({
            "interval": 50,
            "serialData": [{"serialChannel": 0, "data": "AGT//zEAZGc=", "dataLen": 8}]}),
        ),
    ];
    for (command, name, body) in rows {
        let out = camera().encode(&command, "id-1", 1_784_098_020_999).unwrap();
        assert_eq!(out.topic, format!("device/{SN}/message/down/{name}"));
        assert_eq!(out.qos, 1);
        let whole = json!({
            "id": "id-1", "sn": SN, "name": name, "version": "1.0", "timestamp": 1_784_098_020,
            "payload": {"type": name, "body": body},
        });
        assert_eq!(serde_json::from_slice::<Value>(&out.payload).unwrap(), whole);
    }
}

#[test]
fn a_barrier_on_the_cameras_relays_is_only_a_barrier() {
    let profile = Profile::find("barrier/vzenith-gpio").unwrap();
    let mut barrier = JsonMqtt::new(&profile, SN).unwrap();
    assert!(barrier.encode(&Command::PulseOpen, "i", 0).is_ok());
    let refused = barrier.encode(&Command::TriggerRead, "i", 0).unwrap_err();
    assert!(matches!(refused, EncodeError::NotCapable { command: "trigger-read", .. }));
    let read = json!({"payload": {"AlarmInfoPlate": {"result": {"PlateResult": {}}}}});
    assert_eq!(tell(&mut barrier, "ivs_result", &read), Ok(vec![]));
    assert_eq!(tell(&mut barrier, "keep_alive", &json!({})).unwrap().len(), 1);
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        let key = prop::sample::select(vec![
            "license",
            "plates",
            "confidence",
            "isoffline",
            "timeStamp",
            "Timeval",
            "sec",
            "source",
            "value",
            "data",
            "serialChannel",
            "color",
            "plateid",
            "image_content",
            "code",
            "id",
        ]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(key.prop_map(str::to_string), inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(
        topic in "[a-z0-9/$+#-]{0,40}",
        bytes in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let _ = hear(&mut camera(), &topic, &bytes);
        let _ = hear(&mut camera(), &up("ivs_result"), &bytes);
    }

    #[test]
    fn arbitrary_json_never_panics(result in any_json()) {
        let mut camera = camera();
        let rows = [
            ("ivs_result", json!({"payload": {"AlarmInfoPlate": {"result": {"PlateResult": result}}}})),
            ("gpio_in", json!({"payload": {"body": {"AlarmGioIn": {"result": {"TriggerResult": result}}}}})),
            ("serial_data", json!({"payload": {"body": {"SerialData": result}}})),
            ("snapshot", json!({"payload": {"body": result}})),
            ("keep_alive", result.clone()),
        ];
        for (name, message) in rows {
            for event in tell(&mut camera, name, &message).unwrap_or_default() {
                if let DeviceEvent::PlateRead(read) = event {
                    prop_assert!(read.confidence.is_none_or(|c| c <= 100));
                    prop_assert!(!read.event_id.is_empty());
                }
            }
        }
        let reply = format!("device/{SN}/message/down/gpio_out/reply");
        let _ = hear(&mut camera, &reply, result.to_string().as_bytes());
    }
}
