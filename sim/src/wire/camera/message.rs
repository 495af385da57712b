//! What a Vzenith camera says, as the vendor's paper and captures have it. Knows no broker; the
//! time is an argument.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::{Timestamp, tz};
use serde_json::{Value, json};

/// Which of the two families of topics in the field it uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TopicLayout {
    /// `device/{sn}/message/..`
    #[default]
    DeviceFirst,
    /// `{sn}/device/message/..`
    SerialFirst,
}

impl TopicLayout {
    fn stem(self, sn: &str) -> String {
        match self {
            Self::DeviceFirst => format!("device/{sn}/message"),
            Self::SerialFirst => format!("{sn}/device/message"),
        }
    }

    pub(super) fn up(self, sn: &str, name: &str) -> String {
        format!("{}/up/{name}", self.stem(sn))
    }

    pub(super) fn down(self, sn: &str, name: &str) -> String {
        format!("{}/down/{name}", self.stem(sn))
    }

    /// The command a topic carries.
    pub(super) fn command<'a>(self, sn: &str, topic: &'a str) -> Option<&'a str> {
        topic.strip_prefix(&self.down(sn, "")).filter(|name| !name.contains('/'))
    }
}

/// A vehicle before the camera.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sighting {
    /// `None`: a vehicle without a readable plate, reported as "_无_".
    pub plate: Option<String>,
    /// Percent.
    pub confidence: u8,
    /// The whole scene, JPEG.
    pub picture: Option<Vec<u8>>,
    /// The plate alone, JPEG.
    pub crop: Option<Vec<u8>>,
    /// The vendor's number: 1 blue, 2 yellow, 3 white, 4 black, 5 green, 6 yellow-green.
    pub color: u8,
    /// The vendor's number: 1 left, 2 right, 3 up, 4 down.
    pub direction: u8,
    /// The vendor's number: 1 by itself, 2 loop, 4 command, 8 drawn loop.
    pub trigger: u8,
    /// Seen so long ago, while the camera was offline; reported as a record, not live.
    pub age: Option<Duration>,
}

impl Sighting {
    /// A well-read blue plate, without pictures.
    pub fn of(plate: &str) -> Self {
        let (confidence, color, direction, trigger) = (98, 1, 4, 1);
        let plate = Some(plate.to_owned());
        Self { plate, confidence, color, direction, trigger, ..Self::default() }
    }

    /// A vehicle whose plate cannot be made out.
    pub fn without_plate() -> Self {
        Self { plate: None, confidence: 0, color: 0, ..Self::of("") }
    }

    /// With the picture and the cut-out this simulation draws.
    #[must_use]
    pub fn with_pictures(self) -> Self {
        let plate = self.plate.as_deref().unwrap_or_default();
        let picture = Some(crate::wire::picture::scene(plate));
        let crop = self.plate.as_deref().map(crate::wire::picture::plate);
        Self { picture, crop, ..self }
    }
}

/// Who speaks, and the head of everything said.
#[derive(Clone, Debug)]
pub(super) struct Voice<'a> {
    pub(super) sn: &'a str,
    /// Leaves out what an abridging firmware leaves out.
    pub(super) abridged: bool,
    /// The camera's clock.
    pub(super) now: Timestamp,
}

impl Voice<'_> {
    fn message(&self, name: &str, payload: &Value) -> Value {
        json!({
            "id": format!("{}-{}-{name}", self.sn, self.now.as_microsecond()),
            "bv": 16771, "sn": self.sn, "name": name, "version": "1.0",
            "timestamp": self.now.as_second(), "payload": payload,
        })
    }

    fn body(&self, name: &str, body: &Value) -> Value {
        self.message(name, &json!({"type": name, "body": body}))
    }

    pub(super) fn keep_alive(&self) -> Value {
        self.body("keep_alive", &json!({}))
    }

    /// `input` from 1.
    pub(super) fn gpio_in(&self, input: u8, on: bool) -> Value {
        let trigger = json!({"source": i16::from(input) - 1, "value": u8::from(on)});
        let alarm = json!({
            "deviceName": "IVS", "ipaddr": "192.0.2.10", "serialno": self.sn,
            "result": {"TriggerResult": trigger},
        });
        self.body("gpio_in", &json!({"AlarmGioIn": alarm}))
    }

    pub(super) fn serial_data(&self, channel: u8, bytes: &[u8]) -> Value {
        let data = json!({
            "serialChannel": channel, "data": STANDARD.encode(bytes), "dataLen": bytes.len(),
        });
        self.body("serial_data", &json!({"SerialData": data}))
    }

    pub(super) fn reply(&self, name: &str, id: &Value, code: u16) -> Value {
        json!({
            "code": code, "id": id, "name": name, "payload": null, "sn": self.sn,
            "timestamp": self.now.as_second(), "version": "1.0",
        })
    }

    /// The read number `plateid`, quick or full.
    pub(super) fn read(&self, name: &str, plateid: u64, seen: &Sighting) -> Value {
        let age = seen.age.unwrap_or_default();
        let at = self.now.checked_sub(age).unwrap_or(self.now);
        let mut result = if self.abridged { abridged(seen) } else { whole(plateid, at, seen) };
        if name == "ivs_result" {
            let picture = |jpeg: &Option<Vec<u8>>| STANDARD.encode(jpeg.as_deref().unwrap_or(&[]));
            result["full_image_content"] = json!(picture(&seen.picture));
            result["small_image_content"] = json!(picture(&seen.crop));
        }
        let mut alarm = json!({
            "channel": 0, "deviceName": STANDARD.encode("IVS"), "ipaddr": "192.0.2.10",
            "result": {"PlateResult": result}, "serialno": self.sn, "user_data": "",
        });
        if !self.abridged {
            alarm["unique_id"] = json!(format!("{}-{plateid}", self.sn));
            alarm["start_time"] = json!(at.as_millisecond());
        }
        self.message(name, &json!({"AlarmInfoPlate": alarm}))
    }
}

fn license(seen: &Sighting) -> String {
    STANDARD.encode(seen.plate.as_deref().unwrap_or("_无_"))
}

fn pos() -> Value {
    json!({"left": 110, "top": 118, "right": 210, "bottom": 146})
}

/// As a published capture shows it, its replay mark kept.
fn abridged(seen: &Sighting) -> Value {
    json!({
        "license": license(seen), "color": seen.color, "confidence": seen.confidence,
        "direction": seen.direction, "pos": pos(), "isoffline": u8::from(seen.age.is_some()),
    })
}

fn whole(plateid: u64, at: Timestamp, seen: &Sighting) -> Value {
    let local = tz::offset(8).to_datetime(at);
    let small = if seen.plate.is_some() { 1 } else { 31 };
    json!({
        "license": license(seen), "confidence": seen.confidence, "colorType": seen.color,
        "type": small, "direction": seen.direction, "triggerType": seen.trigger,
        "plateid": plateid, "isoffline": u8::from(seen.age.is_some()), "is_fake_plate": 0,
        "carColor": 255, "car_brand": {"brand": 255, "type": 255, "year": 65535},
        "feature_code": true, "bright": 0, "carBright": 0, "timeUsed": 0,
        "location": {"RECT": pos()},
        "plates": [{
            "color": seen.color, "license": license(seen), "plate_width": 100, "pos": pos(),
            "type": small,
        }],
        "gioouts": [{"ctrltype": 0, "ionum": "0"}, {"ctrltype": 0, "ionum": "1"}],
        "timeStamp": {"Timeval": {
            "sec": at.as_second(), "usec": at.subsec_microsecond(), "decyear": local.year(),
            "decmon": local.month(), "decday": local.day(), "dechour": local.hour(),
            "decmin": local.minute(), "decsec": local.second(),
        }},
    })
}
