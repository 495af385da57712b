//! What devices on HTTP are replied, and how those that we call are called.

use paifang_devices::{
    ArmPosition, Command, Delivery, DeviceEvent, EncodeError, HttpPush, PushReply, PushRequest,
    Pushed,
};

use crate::cases::{NOW_MS, PARTS_VZ, fixture, push};

const VH: &str = "5c0ffee1-00000001";

fn pushed(driver: &mut HttpPush, file: &str) -> Pushed {
    let body = fixture(file);
    let content_type = file.ends_with(".multipart").then_some(PARTS_VZ);
    let request = PushRequest { path: "/", query: "", content_type, body: &body };
    driver.decode(&request, NOW_MS).unwrap()
}

fn text(reply: &PushReply) -> &str {
    std::str::from_utf8(&reply.body).unwrap()
}

fn replied(file: &str, orders: &[Command]) -> (String, usize) {
    let mut camera = push("camera/vzenith-http", VH);
    let pushed = pushed(&mut camera, file);
    let orders: Vec<_> =
        orders.iter().enumerate().map(|(i, order)| (order.clone(), format!("c-{i}"))).collect();
    let reply = camera.reply(&pushed, &orders, NOW_MS).unwrap();
    assert!(reply.body.is_empty() || reply.content_type == "application/json");
    (text(&reply).to_owned(), reply.taken)
}

#[test]
fn a_read_is_replied_without_opening() {
    let (reply, taken) = replied("vzenith-http-plate.json", &[]);
    let quiet = r#"{"Response_AlarmInfoPlate":{"content":"retransfer_stop","info":"no"}}"#;
    assert_eq!((reply.as_str(), taken), (quiet, 0));
    assert_eq!(replied("vzenith-http-input.json", &[Command::PulseOpen]), (String::new(), 0));
}

#[test]
fn a_reply_opens_writes_and_speaks_at_once() {
    let orders = [
        Command::PulseOpen,
        Command::SerialData { channel: 0, bytes: vec![0, 0x64, 0xFF] },
        Command::SerialData { channel: 1, bytes: vec![1] },
        Command::Speak { text: "欢迎光临".into() },
        Command::PulseClose,
    ];
    let (reply, taken) = replied("vzenith-http-plate.json", &orders);
    let whole = concat!(
        r#"{"Response_AlarmInfoPlate":{"channelNum":0,"content":"retransfer_stop","info":"ok","#,
        r#""ivs_ioctrl":{"delay":500,"io":1,"value":2},"#,
        r#""playserver_json_request":{"type":"ps_voice_play","voice":"5qyi6L+O5YWJ5Li0","#,
        r#""voice_interval":0,"voice_male":1,"voice_volume":100},"#,
        r#""serialData":[{"data":"AGT/","dataLen":3,"serialChannel":0},"#,
        r#"{"data":"AQ==","dataLen":1,"serialChannel":1}]}}"#,
    );
    assert_eq!((reply.as_str(), taken), (whole, 5));
}

#[test]
fn orders_that_contradict_each_other_wait() {
    let orders = [Command::Hold, Command::PulseOpen, Command::Release, Command::TriggerRead];
    let (reply, taken) = replied("vzenith-http-heartbeat.multipart", &orders);
    let held = concat!(
        r#"{"Response_AlarmInfoPlate":{"channelNum":0,"info":"ok","#,
        r#""ivs_ioctrl":{"delay":0,"io":0,"value":1}}}"#
    );
    assert_eq!((reply.as_str(), taken), (held, 2));
    let (reply, taken) = replied("vzenith-http-heartbeat.multipart", &orders[2..]);
    assert!(reply.contains(r#""value":0"#) && reply.contains("manualTrigger"), "{reply}");
    assert_eq!(taken, 2);
}

#[test]
fn a_replay_is_told_to_go_on_and_opens_nothing() {
    let (reply, taken) = replied("vzenith-http-replay.json", &[Command::PulseOpen]);
    let on = concat!(
        r#"{"Response_AlarmInfoPlate":{"ContinuePushOffline":{"continue":1,"plateid":4702},"#,
        r#""content":"retransfer_stop","info":"no"}}"#
    );
    assert_eq!((reply.as_str(), taken), (on, 0));
}

#[test]
fn alphadigi_is_told_to_stop() {
    let mut camera = push("camera/alphadigi-http", VH);
    let pushed = pushed(&mut camera, "vzenith-http-plate.json");
    let reply = camera.reply(&pushed, &[], NOW_MS).unwrap();
    assert!(text(&reply).contains(r#""content":"retransfer_stop","info":"no""#));
    assert_eq!(camera.delivery(&Command::PulseOpen), Delivery::InReply);
}

#[test]
fn replies_of_the_others() {
    let rows = [
        ("camera/huaxia-http", "huaxia-online.form", r#"{"error_num":0,"error_str":""}"#),
        ("camera/huaxia-http", "huaxia-heartbeat.form", r#"{"error_num":0,"error_str":""}"#),
        ("camera/platerecognizer-webhook", "platerecognizer-webhook.json", "ok"),
        ("camera/hikvision-isapi", "hikvision-anpr.xml", ""),
    ];
    for (profile, file, expected) in rows {
        let mut camera = push(profile, "");
        let pushed = pushed(&mut camera, file);
        assert!(!pushed.takes_orders);
        let reply = camera.reply(&pushed, &[], NOW_MS).unwrap();
        assert_eq!(text(&reply), expected, "{profile}");
        let kind = match expected {
            "" => "",
            "ok" => "text/plain",
            _ => "application/json",
        };
        assert_eq!(reply.content_type, kind);
    }
    let mut dahua = push("camera/dahua-itsapi", "");
    let body = fixture("dahua-tollgate.json");
    let path = "/NotificationInfo/TollgateInfo";
    let request = PushRequest { path, query: "", content_type: None, body: &body };
    let pushed = dahua.decode(&request, NOW_MS).unwrap();
    assert_eq!(text(&dahua.reply(&pushed, &[], NOW_MS).unwrap()), r#"{"result":"true"}"#);
}

#[test]
fn a_stranger_behind_the_path_of_a_device_is_not_heard() {
    let mut camera = push("camera/vzenith-http", "another");
    let body = fixture("vzenith-http-plate.json");
    let request = PushRequest { path: "", query: "", content_type: None, body: &body };
    let refused = camera.decode(&request, NOW_MS).unwrap_err().to_string();
    assert!(refused.contains("another") && refused.contains(VH), "{refused}");
}

#[test]
fn a_camera_on_a_barriers_duty_tells_no_plates() {
    let mut barrier = push("barrier/vzenith-http-gpio", VH);
    let heard = pushed(&mut barrier, "vzenith-http-plate.json");
    assert!(heard.events.is_empty() && heard.takes_orders);
    assert_eq!(pushed(&mut barrier, "vzenith-http-input.json").events.len(), 1);
}

#[test]
fn hikvision_is_called() {
    let barrier = push("barrier/hikvision-isapi", "");
    let rows = [(Command::PulseOpen, "open"), (Command::PulseClose, "close")];
    for (command, word) in rows {
        assert_eq!(barrier.delivery(&command), Delivery::ByCall);
        let call = barrier.call(&command, "c-7", NOW_MS).unwrap();
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><BarrierGate><ctrlMode>{word}</ctrlMode></BarrierGate>"
        );
        assert_eq!(String::from_utf8(call.body.clone()).unwrap(), body);
        assert_eq!((call.method.as_str(), call.digest), ("PUT", true));
        assert_eq!(call.path, "/ISAPI/Parking/channels/1/barrierGate");
        assert_eq!(call.content_type, "application/xml");
    }
    assert_eq!(barrier.delivery(&Command::Hold), Delivery::None);
    let refused = barrier.call(&Command::Hold, "c-7", NOW_MS).unwrap_err();
    assert!(matches!(refused, EncodeError::NotCapable { command: "hold", .. }));
}

#[test]
fn hikvision_answers() {
    let barrier = push("barrier/hikvision-isapi", "");
    let call = barrier.call(&Command::PulseOpen, "c-7", NOW_MS).unwrap();
    let ok = fixture("hikvision-answer-ok.xml");
    let refused = fixture("hikvision-answer-refused.xml");
    let json: &[u8] = br#"{"statusCode":1,"statusString":"OK","subStatusCode":"ok"}"#;
    let rows: [(u16, &[u8], bool, &str); 7] = [
        (200, &ok, true, "HTTP 200 ok"),
        (200, json, true, "HTTP 200 ok"),
        (200, &refused, false, "HTTP 200 notSupport"),
        (403, &refused, false, "HTTP 403 notSupport"),
        (401, b"", false, "HTTP 401"),
        (500, &ok, false, "HTTP 500 ok"),
        (200, b"<html><p>", false, "HTTP 200"),
    ];
    for (status, body, accepted, text) in rows {
        let (id, text) = ("c-7".to_string(), text.to_string());
        let event = DeviceEvent::CommandReply { id, accepted, text };
        assert_eq!(barrier.answered(&call, status, body), event);
    }
    for cut in 0..ok.len() - 1 {
        let _ = barrier.answered(&call, 200, &ok[..cut]);
    }
}

#[test]
fn hikvision_says_where_the_arm_stands() {
    let barrier = push("barrier/hikvision-isapi", "");
    let call = barrier.position_call().unwrap();
    assert_eq!((call.method.as_str(), call.body.len()), ("GET", 0));
    assert!(call.path.ends_with("/barrierGateStatus"));
    let open = String::from_utf8(fixture("hikvision-position.xml")).unwrap();
    let rows = [
        (200, open.clone(), ArmPosition::Open),
        (200, open.replace(">2<", ">1<"), ArmPosition::Closed),
        (200, open.replace(">2<", ">0<"), ArmPosition::Unknown),
        (200, open.replace(">2<", ">7<"), ArmPosition::Unknown),
        (200, String::new(), ArmPosition::Unknown),
        (401, open, ArmPosition::Unknown),
    ];
    for (status, body, position) in rows {
        let event = barrier.answered(&call, status, body.as_bytes());
        assert_eq!(event, DeviceEvent::Position(position), "{status} {body}");
    }
    assert!(push("camera/vzenith-http", "").position_call().is_none());
}
