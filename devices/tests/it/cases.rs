//! The fixtures: which profile they are of and how they arrive.

use std::path::Path;

use paifang_devices::{
    DecodeError, DeviceEvent, HttpPush, JsonMqtt, Profile, PushRequest, Stranger,
};

pub(crate) const NOW_MS: i64 = 1_795_397_402_000;
/// The site's, where a device writes times without one.
pub(crate) const EAST_S: i32 = 8 * 3600;

#[derive(Clone, Copy, Debug)]
pub(crate) enum Way {
    /// Topic.
    Mqtt(&'static str),
    /// Path and content type.
    Http(&'static str, Option<&'static str>),
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    pub(crate) file: &'static str,
    pub(crate) profile: &'static str,
    pub(crate) sn: &'static str,
    pub(crate) way: Way,
}

const VZ: &str = "320dc55b-d6d6c442";
const VH: &str = "5c0ffee1-00000001";
const QY: &str = "0a1b2c3d4e5f6071";
const HK: &str = "00:00:5e:00:53:32";
const SH: &str = "shellypro2-0123456789ab";
const DH: &str = "6F00AA1PAG00001";
pub(crate) const PARTS_VZ: &str = "multipart/form-data; boundary=----------7e91";
const PARTS_HK: &str = "multipart/form-data; boundary=boundary";
const JSON: Way = Way::Http("", Some("application/json"));
const XML: Way = Way::Http("", Some("application/xml; charset=\"UTF-8\""));
const FORM: Way = Way::Http("/", Some("application/x-www-form-urlencoded"));

const fn case(file: &'static str, profile: &'static str, sn: &'static str, way: Way) -> Case {
    Case { file, profile, sn, way }
}

const fn vzenith(file: &'static str, topic: &'static str) -> Case {
    case(file, "camera/vzenith-mqtt", VZ, Way::Mqtt(topic))
}

const fn qianyi(file: &'static str) -> Case {
    case(file, "camera/qianyi-mqtt", QY, Way::Mqtt("aiot/plate/0a1b2c3d4e5f6071"))
}

const fn frigate(file: &'static str, topic: &'static str) -> Case {
    case(file, "camera/frigate-mqtt", "gate_in", Way::Mqtt(topic))
}

const fn tasmota(file: &'static str, topic: &'static str) -> Case {
    case(file, "barrier/tasmota-mqtt", "arm-1", Way::Mqtt(topic))
}

const fn shelly(file: &'static str, topic: &'static str) -> Case {
    case(file, "barrier/shelly-gen2-mqtt", SH, Way::Mqtt(topic))
}

const fn http(file: &'static str, profile: &'static str, sn: &'static str, way: Way) -> Case {
    case(file, profile, sn, way)
}

/// One for each kind of message of each profile.
pub(crate) const CASES: &[Case] = &[
    vzenith("vzenith-mqtt-quick.json", "device/320dc55b-d6d6c442/message/up/quick_ivs_result"),
    vzenith("vzenith-mqtt-result.json", "device/320dc55b-d6d6c442/message/up/ivs_result"),
    vzenith("vzenith-mqtt-result-plain.json", "320dc55b-d6d6c442/device/message/up/ivs_result"),
    vzenith("vzenith-mqtt-keepalive.json", "$/device/320dc55b-d6d6c442/message/up/keep_alive"),
    vzenith("vzenith-mqtt-input.json", "device/320dc55b-d6d6c442/message/up/gpio_in"),
    vzenith("vzenith-mqtt-serial.json", "device/320dc55b-d6d6c442/message/up/serial_data"),
    vzenith("vzenith-mqtt-barrier.json", "device/320dc55b-d6d6c442/message/up/barr_gate_status"),
    vzenith("vzenith-mqtt-snapshot.json", "device/320dc55b-d6d6c442/message/up/snapshot"),
    vzenith("vzenith-mqtt-reply.json", "device/320dc55b-d6d6c442/message/down/gpio_out/reply"),
    http("vzenith-http-plate.json", "camera/vzenith-http", VH, JSON),
    http("vzenith-http-replay.json", "camera/vzenith-http", VH, JSON),
    http("vzenith-http-no-plate.json", "camera/vzenith-http", VH, Way::Http("/plate", None)),
    http("vzenith-http-input.json", "camera/vzenith-http", VH, Way::Http("/io", None)),
    http("vzenith-http-serial.json", "camera/vzenith-http", VH, Way::Http("/serial", None)),
    http("vzenith-http-snapshot.json", "camera/vzenith-http", VH, JSON),
    http(
        "vzenith-http-heartbeat.multipart",
        "camera/vzenith-http",
        VH,
        Way::Http("/hb", Some(PARTS_VZ)),
    ),
    http("hikvision-anpr.xml", "camera/hikvision-isapi", HK, XML),
    http("hikvision-anpr-prefixed.xml", "camera/hikvision-isapi", HK, XML),
    http("hikvision-anpr-std-cgi.xml", "camera/hikvision-isapi", HK, Way::Http("", None)),
    http("hikvision-anpr-gbk.xml", "camera/hikvision-isapi", HK, Way::Http("", Some("text/xml"))),
    http("hikvision-anpr.json", "camera/hikvision-isapi", HK, JSON),
    http("hikvision-anpr.multipart", "camera/hikvision-isapi", HK, Way::Http("", Some(PARTS_HK))),
    http("hikvision-anpr-json.multipart", "camera/hikvision-isapi", HK, Way::Http("", None)),
    http("hikvision-replay.xml", "camera/hikvision-isapi", HK, XML),
    http("hikvision-no-plate.xml", "camera/hikvision-isapi", HK, XML),
    http("hikvision-heartbeat.xml", "camera/hikvision-isapi", HK, XML),
    http("hikvision-other.xml", "camera/hikvision-isapi", HK, XML),
    qianyi("qianyi-result.json"),
    qianyi("qianyi-replay.json"),
    qianyi("qianyi-no-plate.json"),
    qianyi("qianyi-heartbeat.json"),
    qianyi("qianyi-offline.json"),
    qianyi("qianyi-reply.json"),
    case("qianyi-register.json", "camera/qianyi-mqtt", QY, Way::Mqtt("/serverAll")),
    frigate("frigate-lpr.json", "frigate/tracked_object_update"),
    frigate("frigate-lpr-unsure.json", "frigate/tracked_object_update"),
    frigate("frigate-description.json", "frigate/tracked_object_update"),
    frigate("frigate-stats.json", "frigate/stats"),
    http("platerecognizer-webhook.json", "camera/platerecognizer-webhook", "gate-1", JSON),
    http(
        "platerecognizer-webhook.multipart",
        "camera/platerecognizer-webhook",
        "gate-1",
        Way::Http("", Some("multipart/form-data; boundary=\"X-PLATE-7\"")),
    ),
    http("huaxia-online.form", "camera/huaxia-http", "", FORM),
    http(
        "huaxia-online-gbk.form",
        "camera/huaxia-http",
        "",
        Way::Http("", Some("text/plain; charset=gbk")),
    ),
    http("huaxia-heartbeat.form", "camera/huaxia-http", "", Way::Http("", None)),
    http(
        "dahua-tollgate.json",
        "camera/dahua-itsapi",
        DH,
        Way::Http("/NotificationInfo/TollgateInfo", None),
    ),
    http(
        "dahua-keepalive.json",
        "camera/dahua-itsapi",
        DH,
        Way::Http("/NotificationInfo/KeepAlive", None),
    ),
    http(
        "dahua-device.json",
        "camera/dahua-itsapi",
        DH,
        Way::Http("NotificationInfo/DeviceInfo", None),
    ),
    tasmota("tasmota-result-on.json", "stat/arm-1/RESULT"),
    tasmota("tasmota-result-off.json", "stat/arm-1/RESULT"),
    tasmota("tasmota-result-close.json", "stat/arm-1/RESULT"),
    tasmota("tasmota-result-error.json", "stat/arm-1/RESULT"),
    tasmota("tasmota-result-pulsetime.json", "stat/arm-1/RESULT"),
    tasmota("tasmota-state.json", "tele/arm-1/STATE"),
    tasmota("tasmota-info1.json", "tele/arm-1/INFO1"),
    shelly("shelly-reply.json", "shellypro2-0123456789ab/paifang/rpc"),
    shelly("shelly-reply-error.json", "shellypro2-0123456789ab/paifang/rpc"),
    shelly("shelly-input.json", "shellypro2-0123456789ab/status/input:1"),
    shelly("shelly-switch.json", "shellypro2-0123456789ab/status/switch:0"),
    shelly("shelly-notify.json", "shellypro2-0123456789ab/events/rpc"),
];

pub(crate) fn fixture(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    std::fs::read(folder.join(name)).unwrap_or_else(|e| panic!("fixtures/{name}: {e}"))
}

pub(crate) fn mqtt(profile: &str, sn: &str) -> JsonMqtt {
    let mut driver = JsonMqtt::new(&Profile::find(profile).unwrap(), sn).unwrap();
    driver.set_utc_offset(EAST_S);
    driver
}

pub(crate) fn push(profile: &str, sn: &str) -> HttpPush {
    let sn = Some(sn).filter(|sn| !sn.is_empty());
    let mut driver = HttpPush::new(&Profile::find(profile).unwrap(), sn).unwrap();
    driver.set_utc_offset(EAST_S);
    driver
}

/// A driver that has heard nothing yet.
#[derive(Clone)]
pub(crate) enum Driver {
    Mqtt(Box<JsonMqtt>, &'static str),
    Http(Box<HttpPush>, &'static str, Option<&'static str>),
}

impl Driver {
    pub(crate) fn hear(&mut self, body: &[u8]) -> Result<Vec<DeviceEvent>, DecodeError> {
        match self {
            Self::Mqtt(driver, topic) => driver.decode(topic, body, NOW_MS).map(|h| h.events),
            Self::Http(driver, path, content_type) => {
                let request = PushRequest { path, query: "", content_type: *content_type, body };
                driver.decode(&request, NOW_MS).map(|pushed| pushed.events)
            }
        }
    }
}

impl Case {
    /// By the end of its file's name.
    pub(crate) fn is(&self, end: &str) -> bool {
        self.file.rsplit_once('.').is_some_and(|(_, found)| found == end)
    }

    pub(crate) fn body(&self) -> Vec<u8> {
        fixture(self.file)
    }

    pub(crate) fn driver(&self) -> Driver {
        match self.way {
            Way::Mqtt(topic) => Driver::Mqtt(Box::new(mqtt(self.profile, self.sn)), topic),
            Way::Http(path, content_type) => {
                Driver::Http(Box::new(push(self.profile, self.sn)), path, content_type)
            }
        }
    }

    pub(crate) fn stranger<'a>(&self, body: &'a [u8]) -> Stranger<'a> {
        match self.way {
            Way::Mqtt(topic) => Stranger::Mqtt { topic, payload: body },
            Way::Http(path, content_type) => Stranger::Http { path, query: "", content_type, body },
        }
    }
}
