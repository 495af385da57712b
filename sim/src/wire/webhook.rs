//! Cameras whose word is one request each, with nothing to obey in the answer: Plate Recognizer
//! Stream, Huaxia, and ITSAPI boxes. Knows no reply beyond what each insists on.

use std::{sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::tz;
use serde_json::{Value, json};

use super::{
    Sighting,
    body::{Body, Twin},
    push::{self, Answer, Caller, Part, Post, Poster, Say, Says},
};

/// Which make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WebhookMake {
    /// JSON in a form of parts with its picture, or JSON alone.
    PlateRecognizer { multipart: bool },
    /// A form; `bare` sends it without a header, and its text as it is.
    Huaxia { bare: bool },
    /// JSON with a magic word in the answer.
    Itsapi,
}

/// A camera and where it calls.
#[derive(Clone, Debug)]
pub struct WebhookSettings {
    pub make: WebhookMake,
    /// What all its addresses begin with.
    pub url: String,
    /// What it calls itself.
    pub name: String,
    pub keep_alive: Duration,
    /// Before it tries again what was not taken.
    pub resends_after: Duration,
    pub clock_ahead_s: i64,
}

impl WebhookSettings {
    /// A camera as delivered.
    pub fn new(make: WebhookMake, url: &str, name: &str) -> Self {
        let (url, name) = (url.to_owned(), name.to_owned());
        let (keep_alive, resends_after) = (Duration::from_secs(30), Duration::from_secs(1));
        Self { make, url, name, keep_alive, resends_after, clock_ahead_s: 0 }
    }
}

/// A handle on the camera; clones share it. When the last one goes, so does the camera.
#[derive(Clone, Debug)]
pub struct Webhook {
    shared: Arc<Shared>,
    says: Says,
}

#[derive(Debug)]
struct Shared {
    settings: WebhookSettings,
    body: Body,
    poster: Poster,
}

impl Webhook {
    /// Starts calling. Needs a tokio runtime.
    pub fn start(settings: WebhookSettings) -> Self {
        let body = Body::new(settings.clock_ahead_s);
        let poster = Poster::new(&settings.url);
        let shared = Arc::new(Shared { settings, body, poster });
        let says = push::start(&shared);
        Self { shared, says }
    }
}

impl Twin for Webhook {
    fn body(&self) -> &Body {
        &self.shared.body
    }

    fn repeat(&self, number: u64, seen: &Sighting) {
        // The task ends only with the last handle.
        let _ = self.says.send(Say::Read(number, seen.clone()));
    }
}

impl Caller for Shared {
    fn body(&self) -> &Body {
        &self.body
    }

    fn poster(&self) -> &Poster {
        &self.poster
    }

    fn read_post(&self, number: u64, seen: &Sighting) -> Post {
        match self.settings.make {
            WebhookMake::PlateRecognizer { multipart } => self.recognizer(seen, multipart),
            WebhookMake::Huaxia { bare } => huaxia(seen, bare),
            WebhookMake::Itsapi => self.itsapi(number, seen),
        }
    }

    fn answered(&self, _number: u64, _seen: &Sighting, answer: &Answer) -> Result<(), String> {
        let said: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        match self.settings.make {
            WebhookMake::Huaxia { .. } if !answer.plain => {
                Err("the answer tells no length, or is in pieces or packed".into())
            }
            WebhookMake::Huaxia { .. } if said["error_num"] != 0 => Err("no error_num 0".into()),
            WebhookMake::Itsapi if said["result"] != "true" => Err("no result true".into()),
            _ => Ok(()),
        }
    }

    fn beat(&self) -> Option<Post> {
        match self.settings.make {
            WebhookMake::PlateRecognizer { .. } => None,
            WebhookMake::Huaxia { bare } => {
                Some(form(&[("type", "heartbeat"), ("cam_ip", "192.0.2.13")], bare))
            }
            WebhookMake::Itsapi => {
                let body = json!({"DeviceID": self.settings.name});
                Some(Post::json("/NotificationInfo/KeepAlive", &body))
            }
        }
    }

    fn beats_every(&self) -> Duration {
        self.settings.keep_alive
    }

    fn resends_after(&self) -> Option<Duration> {
        let forgets = matches!(self.settings.make, WebhookMake::PlateRecognizer { .. });
        (!forgets).then_some(self.settings.resends_after)
    }
}

/// The type is missing where the form is `bare`, and so is the escaping.
fn form(fields: &[(&str, &str)], bare: bool) -> Post {
    let escaped = |text: &str| {
        let keep = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
        let one = |byte: u8| {
            if keep(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }
        };
        if bare { text.to_owned() } else { text.bytes().map(one).collect() }
    };
    let pairs: Vec<String> =
        fields.iter().map(|(name, text)| format!("{name}={}", escaped(text))).collect();
    let content_type = (!bare).then(|| "application/x-www-form-urlencoded".to_owned());
    Post { path: String::new(), content_type, body: pairs.join("&").into_bytes() }
}

fn base64(jpeg: Option<&Vec<u8>>) -> String {
    STANDARD.encode(jpeg.map_or(&[][..], Vec::as_slice))
}

fn huaxia(seen: &Sighting, bare: bool) -> Post {
    let color = ["未知", "蓝色", "黄色", "白色", "黑色", "绿色", "黄绿色"];
    let color = color.get(usize::from(seen.color)).copied().unwrap_or("未知");
    let (picture, crop) = (base64(seen.picture.as_ref()), base64(seen.crop.as_ref()));
    let fields = [
        ("type", "online"),
        ("plate_num", seen.plate.as_deref().unwrap_or("无牌车")),
        ("plate_color", color),
        ("picture", &picture),
        ("closeup_pic", &crop),
        ("cam_ip", "192.0.2.13"),
    ];
    form(&fields, bare)
}

impl Shared {
    fn recognizer(&self, seen: &Sighting, multipart: bool) -> Post {
        let at = self.body.seen_at(seen);
        let name = &self.settings.name;
        let file = format!("{name}_screenshots/{}.jpg", at.as_microsecond());
        let box_of = json!({"xmin": 110, "ymin": 118, "xmax": 210, "ymax": 146});
        let vehicle = json!({"score": 0.8, "type": "Sedan", "box": box_of});
        let plate = seen.plate.as_deref().unwrap_or_default().to_lowercase();
        let score = f64::from(seen.confidence) / 100.0;
        // Without a plate it says that there was a vehicle, if it says anything.
        let result = json!({
            "box": box_of, "plate": plate, "region": {"code": "cn", "score": 0.9}, "score": score,
            "candidates": [{"plate": plate, "score": score}], "dscore": score,
            "vehicle": vehicle, "direction": 180, "source_url": "rtsp://192.0.2.12/stream",
            "position_sec": 4,
        });
        let target = "http://site.invalid/hook";
        let body = json!({
            "hook": {"target": target, "id": name, "event": "recognition", "filename": file},
            "data": {
                "camera_id": name, "filename": file, "timestamp": format!("{at:.6}"),
                "timestamp_local": format!("{:.6}", tz::offset(8).to_datetime(at)).replace('T', " ") + "+08:00",
                "results": [result],
            },
        });
        let Some(picture) = seen.picture.as_deref().filter(|_| multipart) else {
            return Post::json("", &body);
        };
        let text = body.to_string();
        let jpeg =
            Part { name: "upload", file: Some(&file), kind: Some("image/jpeg"), content: picture };
        Post::multipart("", &[Part::text("json", &text), jpeg])
    }

    fn itsapi(&self, number: u64, seen: &Sighting) -> Post {
        let local = tz::offset(8).to_datetime(self.body.seen_at(seen));
        let words = ["Unknown", "Blue", "Yellow", "White", "Black", "Green", "YellowGreen"];
        let color = words.get(usize::from(seen.color)).copied().unwrap_or("Unknown");
        let area = json!([110, 118, 210, 146]);
        let body = json!({"Picture": {
            "Plate": {
                "PlateNumber": seen.plate.as_deref().unwrap_or_default(), "PlateColor": color,
                "PlateType": "Normal", "Confidence": seen.confidence,
                "IsExist": seen.plate.is_some(), "Region": "", "Channel": 0, "UploadNum": number,
                "BoundingBox": area,
            },
            "Vehicle": {"VehicleColor": "Unknown", "VehicleType": "MidSizeCar", "VehicleSign": "Unknown",
                "VehicleSeries": "Unknown", "VehicleBoundingBox": area},
            "SnapInfo": {
                "DeviceID": self.settings.name, "Direction": "Obverse", "TimeZone": 28800,
                "AccurateTime": format!("{local:.3}").replace('T', " "), "AllowUser": false, "BlockUser": false,
            },
            "NormalPic": {"Content": base64(seen.picture.as_ref()), "PicName": format!("{number}.jpg")},
            "CutoutPic": {"Content": base64(seen.crop.as_ref()), "PicName": format!("{number}-plate.jpg")},
        }});
        Post::json("/NotificationInfo/TollgateInfo", &body)
    }
}
