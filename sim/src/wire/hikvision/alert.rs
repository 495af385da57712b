//! What a Hikvision camera says of a vehicle, in the shapes its firmware versions write. Knows no
//! address; the time is an argument.

use std::fmt::Write as _;

use jiff::{Timestamp, tz};
use serde_json::json;

use crate::wire::{
    Sighting,
    push::{Part, Post},
};

/// Which shape.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AlertShape {
    /// Parts of a form: `anpr.xml` and the pictures.
    #[default]
    Multipart,
    /// The same with `anpr.json`.
    MultipartJson,
    /// The text alone.
    Xml,
    Json,
}

/// Whose words the XML says it uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AlertNamespace {
    #[default]
    Isapi,
    Hikvision,
    StdCgi,
    /// With `ns1:` before each name.
    Prefixed,
}

impl AlertNamespace {
    fn uri(self) -> &'static str {
        match self {
            Self::Isapi => "http://www.isapi.org/ver20/XMLSchema",
            Self::Hikvision | Self::Prefixed => "http://www.hikvision.com/ver20/XMLSchema",
            Self::StdCgi => "http://www.std-cgi.com/ver10/XMLSchema",
        }
    }

    fn prefix(self) -> &'static str {
        if self == Self::Prefixed { "ns1:" } else { "" }
    }
}

/// How one camera writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AlertManner {
    pub shape: AlertShape,
    pub namespace: AlertNamespace,
    /// Times without their offset.
    pub without_offset: bool,
    /// The confidence with a fraction.
    pub float_confidence: bool,
    /// The plate only as `originalLicensePlate`.
    pub original_only: bool,
}

impl AlertManner {
    /// One of every shape, for tests.
    pub fn all() -> Vec<Self> {
        let shape = |shape| Self { shape, ..Self::default() };
        let xml = |namespace| Self { namespace, ..shape(AlertShape::Xml) };
        vec![
            shape(AlertShape::Multipart),
            shape(AlertShape::MultipartJson),
            shape(AlertShape::Json),
            xml(AlertNamespace::Isapi),
            xml(AlertNamespace::Hikvision),
            xml(AlertNamespace::StdCgi),
            xml(AlertNamespace::Prefixed),
            Self { without_offset: true, ..shape(AlertShape::Xml) },
            Self { float_confidence: true, ..shape(AlertShape::Multipart) },
            Self { original_only: true, ..shape(AlertShape::Xml) },
        ]
    }

    /// The request that tells of read `number`.
    pub(super) fn post(self, serial: &str, number: u64, at: Timestamp, seen: &Sighting) -> Post {
        let alert = Alert { manner: self, serial, number, at, seen };
        let (name, kind, text) = match self.shape {
            AlertShape::Multipart | AlertShape::Xml => ("anpr.xml", "application/xml", alert.xml()),
            AlertShape::MultipartJson | AlertShape::Json => {
                ("anpr.json", "application/json", alert.json())
            }
        };
        if matches!(self.shape, AlertShape::Xml | AlertShape::Json) {
            let content_type = Some(format!("{kind}; charset=\"UTF-8\""));
            return Post { path: String::new(), content_type, body: text.into_bytes() };
        }
        let part = |name, content| {
            // Newer firmware does not say that these are pictures.
            let kind = Some("application/octet-stream");
            Part { name, file: Some(name), kind, content }
        };
        let mut parts =
            vec![Part { name, file: Some(name), kind: Some(kind), content: text.as_bytes() }];
        if let Some(crop) = &seen.crop {
            parts.push(part("licensePlatePicture.jpg", crop));
        }
        if let Some(picture) = &seen.picture {
            parts.push(part("detectionPicture.jpg", picture));
            // The driver's face, which nobody here has a use for.
            parts.push(part("pilotPicture.jpg", FACE));
        }
        Post::multipart("", &parts)
    }
}

/// Begins and ends like a picture.
const FACE: &[u8] = &[0xFF, 0xD8, 0xFF, 0xE0, b'f', b'a', b'c', b'e', 0xFF, 0xD9];

#[derive(Clone, Copy)]
struct Alert<'a> {
    manner: AlertManner,
    serial: &'a str,
    number: u64,
    at: Timestamp,
    seen: &'a Sighting,
}

impl Alert<'_> {
    fn plate(&self) -> &str {
        self.seen.plate.as_deref().unwrap_or("unknown")
    }

    fn date_time(&self) -> String {
        let local = tz::offset(8).to_datetime(self.at);
        let offset = if self.manner.without_offset { "" } else { "+08:00" };
        format!("{local:.3}{offset}")
    }

    fn confidence(&self) -> String {
        let fraction = if self.manner.float_confidence { ".25" } else { "" };
        format!("{}{fraction}", self.seen.confidence)
    }

    fn color(&self) -> &'static str {
        let words =
            ["unknown", "blue", "yellow", "white", "black", "green", "newEnergyYellowGreen"];
        words.get(usize::from(self.seen.color)).copied().unwrap_or("unknown")
    }

    fn direction(&self) -> &'static str {
        match self.seen.direction {
            3 => "reverse",
            4 => "forward",
            _ => "unknown",
        }
    }

    fn uuid(&self) -> String {
        let serial: u32 = self
            .serial
            .bytes()
            .fold(7, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte)));
        format!("{serial:08x}-3652-464a-aebd-{:012x}", self.number)
    }

    fn historical(&self) -> u8 {
        u8::from(self.seen.age.is_some())
    }

    fn xml(&self) -> String {
        let AlertManner { namespace, original_only, .. } = self.manner;
        let p = namespace.prefix();
        let mut out = String::from("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n");
        let colon = if p.is_empty() { "" } else { ":ns1" };
        let _ = writeln!(
            out,
            "<{p}EventNotificationAlert version=\"2.0\" xmlns{colon}=\"{}\">",
            namespace.uri()
        );
        let put = |out: &mut String, fields: &[(&str, &str)]| {
            for (name, text) in fields {
                let text = text.replace('&', "&amp;").replace('<', "&lt;");
                let _ = writeln!(out, "<{p}{name}>{text}</{p}{name}>");
            }
        };
        let (at, number, uuid) = (self.date_time(), self.number.to_string(), self.uuid());
        put(
            &mut out,
            &[
                ("ipAddress", "192.0.2.14"),
                ("protocol", "HTTP"),
                ("macAddress", "44:a6:42:00:00:01"),
                ("channelID", "1"),
                ("dateTime", &at),
                // An empty element once broke a reader.
                ("activePostCount", if self.number.is_multiple_of(2) { "" } else { &number }),
                ("eventType", "ANPR"),
                ("eventState", "active"),
                ("eventDescription", "ANPR"),
                ("channelName", "IP CAPTURE CAMERA"),
            ],
        );
        let _ = writeln!(out, "<{p}ANPR>");
        if !original_only {
            put(&mut out, &[("country", "64"), ("licensePlate", self.plate())]);
        }
        let historical = self.historical().to_string();
        put(
            &mut out,
            &[
                ("line", "1"),
                ("direction", self.direction()),
                ("confidenceLevel", &self.confidence()),
                ("plateType", "unknown"),
                ("plateColor", self.color()),
                ("tailandStateID", "1"),
                ("pilotmask", ""),
                ("plateCharBelieve", "99,99,99,99,99,99,99"),
                ("vehicleType", "SUVMPV"),
                ("barrierGateCtrlType", "1"),
                ("alarmDataType", &historical),
                ("dwIllegalTime", "0"),
            ],
        );
        let _ = writeln!(
            out,
            "<{p}vehicleInfo><{p}index>{number}</{p}index><{p}color>unknown</{p}color></{p}vehicleInfo>\n\
             <{p}pictureInfoList><{p}pictureInfo><{p}fileName>detectionPicture.jpg</{p}fileName>\
             <{p}vehicelRect><{p}X>271</{p}X></{p}vehicelRect></{p}pictureInfo></{p}pictureInfoList>"
        );
        put(&mut out, &[("listType", "temporary"), ("originalLicensePlate", self.plate())]);
        let _ = writeln!(out, "</{p}ANPR>");
        put(
            &mut out,
            &[
                ("UUID", &uuid),
                ("picNum", "2"),
                ("monitoringSiteID", ""),
                ("deviceUUID", self.serial),
            ],
        );
        let _ = writeln!(out, "</{p}EventNotificationAlert>");
        out
    }

    fn json(&self) -> String {
        let AlertManner { original_only, float_confidence, .. } = self.manner;
        let confidence = if float_confidence {
            json!(f64::from(self.seen.confidence) + 0.25)
        } else {
            json!(self.seen.confidence)
        };
        let mut anpr = json!({
            "country": 64, "line": 1, "direction": self.direction(), "confidenceLevel": confidence,
            "plateColor": self.color(), "plateCharBelieve": "99,99,99,99,99,99,99",
            "alarmDataType": self.historical(), "originalLicensePlate": self.plate(),
        });
        if !original_only {
            anpr["licensePlate"] = json!(self.plate());
        }
        let alert = json!({
            "ipAddress": "192.0.2.14", "protocol": "HTTP", "macAddress": "44:a6:42:00:00:01",
            "channelID": 1, "dateTime": self.date_time(), "activePostCount": 1,
            "eventType": "ANPR", "eventState": "active", "ANPR": anpr, "UUID": self.uuid(),
            "deviceUUID": self.serial,
        });
        alert.to_string()
    }
}
