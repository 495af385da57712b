//! Cameras of vendors that exist nowhere, from the text of their profiles alone: a new camera needs
//! no code.

use paifang_devices::{Command, DeviceEvent, HttpPush, JsonMqtt, Profile, PushRequest};

const ON_MQTT: &str = r#"
make = "Acme"
model = "X1"
protocol = "json-mqtt"
transport = "mqtt"
capabilities = ["plate-read", "pulse-open"]
unverified = ["all of it"]
timings = { open_pulse_ms = 700 }

[json-mqtt]
qos = 1
name_at = ["kind"]
sn_at = ["device"]
unpack = ["data"]
utc_offset = "+08:00"
layouts = [{ up = "acme/{sn}/out", down = "acme/{sn}/in" }]
messages = [
  { names = ["car"], event = "plate-read", body = ["data"], fields = "plate", answers = [{ body = { ack = "{$.n}" } }] },
  { names = ["done"], event = "command-reply", of = ["pulse-open"], fields = "reply" },
]

[json-mqtt.fields]
plate.plate = { at = ["tag", "plates[main=true].text"] }
plate.confidence = { at = ["permille"], times = 0.1 }
plate.taken_at = { at = ["at"], as = "date-time" }
plate.live = { at = ["stored"], map = { false = "true", "*" = "false" } }
reply.accepted = { at = ["ok"] }

[json-mqtt.commands]
pulse-open = { body = "OPEN {open_pulse_ms}" }
"#;

#[test]
fn a_camera_on_mqtt() {
    let profile = Profile::from_toml("camera/acme-x1", ON_MQTT).unwrap();
    let mut camera = JsonMqtt::new(&profile, "a-1").unwrap();
    let car = br#"{"kind":"car","device":"A-1","n":9,"data":"{\"at\":\"2026-11-23 09:30:00\",
        \"permille\":874,\"stored\":false,\"plates\":[{\"main\":false,\"text\":\"no\"},
        {\"main\":true,\"text\":\"AB123\"}]}"}"#;
    let car = String::from_utf8(car.to_vec()).unwrap().replace('\n', "");
    let heard = camera.decode("acme/a-1/out", car.as_bytes(), 0).unwrap();
    let [DeviceEvent::PlateRead(read)] = heard.events.as_slice() else { panic!("{heard:?}") };
    assert_eq!(read.plate.as_deref(), Some("AB123"));
    assert_eq!((read.confidence, read.live), (Some(87), true));
    assert_eq!(read.taken_at_ms, Some(1_795_397_400_000));
    assert_eq!(heard.answers[0].payload, br#"{"ack":9}"#);
    let open = camera.encode(&Command::PulseOpen, "c-1", 0).unwrap();
    assert_eq!((open.topic.as_str(), open.payload.as_slice()), ("acme/a-1/in", &b"OPEN 700"[..]));
    let done = camera.decode("acme/a-1/out", br#"{"kind":"done","ok":true}"#, 0).unwrap();
    let (id, text) = ("c-1".to_string(), String::new());
    assert_eq!(done.events, [DeviceEvent::CommandReply { id, accepted: true, text }]);
}

const WEBHOOK: &str = r#"
make = "Acme"
model = "W2"
protocol = "http-push"
transport = "http"
capabilities = ["plate-read"]
unverified = ["all of it"]

[http-push]
reply = "<ok/>"
reply_type = "text/xml"

[[http-push.messages]]
names = ["car"]
when = { "Event.@kind" = "pass", "$.@query.key" = ["7", "8"] }
event = "plate-read"
body = ["Event"]
each = "Vehicle"
fields = "plate"

[http-push.fields.plate]
plate = { at = ["Number"], none = ["?"] }
confidence = { at = ["Number.@sure"], as = "fraction" }
"#;

#[test]
fn a_camera_with_a_webhook_in_xml() {
    let profile = Profile::from_toml("camera/acme-w2", WEBHOOK).unwrap();
    let mut camera = HttpPush::new(&profile, None).unwrap();
    let body = "<x:Event kind='pass' xmlns:x='urn:a'><Vehicle><Number sure='0.9'>A&amp;<![CDATA[1]]>&#50;</Number>\
        </Vehicle><Vehicle><Number>?</Number></Vehicle></x:Event>";
    let mut tell = |query: &str| {
        let body = body.as_bytes();
        let request = PushRequest { path: "/car", query, content_type: Some("text/xml"), body };
        camera.decode(&request, 0)
    };
    let pushed = tell("key=7").unwrap();
    let plates: Vec<_> = pushed
        .events
        .iter()
        .map(|event| match event {
            DeviceEvent::PlateRead(read) => (read.plate.clone(), read.confidence),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(plates, [(Some("A&12".to_string()), Some(90)), (None, None)]);
    assert!(tell("key=9").is_err() && tell("").is_err(), "the constant in the query is asked for");
    let reply = camera.reply(&pushed, &[], 0).unwrap();
    assert_eq!((reply.content_type.as_str(), reply.body.as_slice()), ("text/xml", &b"<ok/>"[..]));
}

#[test]
fn mistakes_in_such_a_profile_are_named() {
    let rows = [
        (ON_MQTT, "+08:00", "east", "utc_offset"),
        (ON_MQTT, "{$.n}", "{m}", "nothing fills {m}"),
        (ON_MQTT, "layouts = [", "charset = \"klingon\"\nlayouts = [", "charset"),
        (ON_MQTT, "name_at = [\"kind\"]", "", ""),
        (ON_MQTT, "answers = [", "reply = [", ""),
        (ON_MQTT, "OPEN {open_pulse_ms}", "OPEN {pulse}", "nothing fills {pulse}"),
        (ON_MQTT, "acme/{sn}/in", "acme/in", "{sn} once"),
        (ON_MQTT, "permille\"]", "a..b\"]", "is not a path"),
        (ON_MQTT, "permille\"]", "**.a.**.b\"]", "** twice"),
        (WEBHOOK, "names = [\"car\"]\nwhen = {", "takes_orders = true\nwhen = {", ""),
        (WEBHOOK, "reply_type", "reply_kind", "unknown field"),
        (WEBHOOK, "each = ", "every = ", "unknown field"),
        (WEBHOOK, "[\"plate-read\"]", "[\"plate-read\", \"position\"]", "called.position"),
        (WEBHOOK, "[\"plate-read\"]", "[\"plate-read\", \"hold\"]", "has no command"),
        (WEBHOOK, "transport = \"http\"", "transport = \"mqtt\"", "do not go together"),
    ];
    for (text, from, to, why) in rows {
        assert!(text.contains(from), "{from}");
        let read = Profile::from_toml("camera/acme", &text.replacen(from, to, 1));
        match read {
            Ok(_) => assert!(why.is_empty(), "{to:?} was taken"),
            Err(error) => assert!(error.to_string().contains(why), "{to:?} gave: {error}"),
        }
    }
    assert!(Profile::from_toml("acme", WEBHOOK).is_err());
}

/// The blocks of TOML in the README.
fn blueprints() -> Vec<Profile> {
    let readme = include_str!("../../README.md");
    let blocks = readme.split("```toml\n").skip(1).map(|rest| rest.split_once("```").unwrap().0);
    blocks.map(|text| Profile::from_toml("camera/acme", text).unwrap()).collect()
}

#[test]
fn the_blueprints_of_the_readme_work() {
    let [mqtt, webhook] = &blueprints()[..] else { panic!("two blueprints") };
    let mut camera = JsonMqtt::new(mqtt, "a-1").unwrap();
    let car =
        br#"{"kind":"car","device":"a-1","n":9,"data":{"tag":"AB123","score":0.9,"stored":true}}"#;
    let heard = camera.decode("acme/a-1/out", car, 0).unwrap();
    let [DeviceEvent::PlateRead(read)] = heard.events.as_slice() else { panic!("{heard:?}") };
    assert_eq!(
        (read.plate.as_deref(), read.confidence, read.live),
        (Some("AB123"), Some(90), false)
    );
    assert_eq!(heard.answers[0].payload, br#"{"ack":9}"#);
    let open = camera.encode(&Command::PulseOpen, "c-1", 0).unwrap();
    assert_eq!(open.payload, br#"{"do":"open","id":"c-1","ms":700}"#);

    let mut camera = HttpPush::new(webhook, None).unwrap();
    let body = b"<Event kind='stop'><Number>AB123</Number></Event>";
    let request = PushRequest { path: "car", query: "", content_type: None, body };
    let pushed = camera.decode(&request, 0).unwrap();
    assert_eq!(pushed.events.len(), 1);
    let orders = [(Command::PulseOpen, "c-1".to_string())];
    let reply = camera.reply(&pushed, &orders, 0).unwrap();
    assert_eq!((reply.body.as_slice(), reply.taken), (&br#"{"ok":true,"open":500}"#[..], 1));
}

/// Asks for every password there could be.
const CURIOUS: &str = r#"
make = "Acme"
model = "C3"
protocol = "http-push"
transport = "http"
capabilities = []
unverified = ["all of it"]

[http-push]
unpack = ["data"]

[[http-push.messages]]
has = ["**.user"]
event = "identity"
fields = "it"
reply = { a = "{$.**.pass_wd}", b = "{$.**.Password}", c = "{$.**.user}", d = "{$.**.'@pwd'}" }

[http-push.fields.it]
model = { at = ["**.pass_wd", "**.Password", "**.user"] }
firmware = { at = ["**.user-password", "**.'@pwd'"] }
"#;

#[test]
fn no_profile_can_ask_for_a_password() {
    let profile = Profile::from_toml("camera/acme-c3", CURIOUS).unwrap();
    let parts = "--x\r\nContent-Disposition: form-data; name=user\r\n\r\nu\r\n\
        --x\r\nContent-Disposition: form-data; name=\"pass_wd\"\r\n\r\nPa55\r\n--x--\r\n";
    let rows = [
        ("", r#"{"user":"u","pass_wd":"Pa55","deep":[{"Password":"Pa55"}]}"#),
        ("", r#"{"user":"u","data":"{\"pass_wd\":\"Pa55\"}"}"#),
        ("", "user=u&pass_wd=Pa55&user-password=Pa55"),
        ("", "<a pwd='Pa55'><user>u</user><Password>Pa55</Password></a>"),
        ("", parts),
        ("pass_wd=Pa55", r#"{"user":"u"}"#),
    ];
    for (query, body) in rows {
        let mut camera = HttpPush::new(&profile, None).unwrap();
        let request = PushRequest { path: "", query, content_type: None, body: body.as_bytes() };
        let pushed = camera.decode(&request, 0).unwrap();
        let event = DeviceEvent::Identity { model: Some("u".into()), firmware: None };
        assert_eq!(pushed.events, [event], "{body}");
        let reply = camera.reply(&pushed, &[], 0).unwrap().body;
        assert_eq!(reply, br#"{"a":null,"b":null,"c":"u","d":null}"#, "{body}");
    }
}
