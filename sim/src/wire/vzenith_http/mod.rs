//! A plate camera of the Vzenith kind that pushes over HTTP: what it says are posts, what it is told
//! stands in the answers to reads and to its comet poll. An AlphaDigi camera is one that resends
//! until it is told to stop. Listens on no port.

mod reply;

use std::{sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::tz;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use self::reply::Told;
use super::{
    Sighting,
    body::{Body, CameraEvent, Obedience, Twin},
    push::{self, Answer, Caller, Part, Post, Poster, Say, Says},
    station::Held,
};

/// Longest wait for an answer to the comet poll: the daemon may hold it back until there is an order.
const COMET_PATIENCE: Duration = Duration::from_mins(2);

/// A camera and where it calls.
#[derive(Clone, Debug)]
pub struct VzenithHttpSettings {
    /// What all its addresses begin with.
    pub url: String,
    pub sn: String,
    /// Its own password, which it tells in every heart-beat.
    pub password: String,
    /// An AlphaDigi camera: resends for ever unless told to stop.
    pub insists: bool,
    /// It asks for orders by a comet poll: each answer is followed by the next question at once.
    /// Without it, it sends plain heart-beats and obeys nothing in their answers.
    pub comet: bool,
    /// Between heart-beats.
    pub keep_alive: Duration,
    /// Before it tries again what was not taken.
    pub resends_after: Duration,
    pub clock_ahead_s: i64,
    /// The numbers of outputs are texts, as in one of the maker's samples.
    pub numbers_as_text: bool,
}

impl VzenithHttpSettings {
    /// A camera as delivered, with the comet poll on.
    pub fn new(url: &str, sn: &str) -> Self {
        Self {
            url: url.to_owned(),
            sn: sn.to_owned(),
            password: "of-the-camera-itself".to_owned(),
            insists: false,
            comet: true,
            keep_alive: Duration::from_secs(5),
            resends_after: Duration::from_secs(1),
            clock_ahead_s: 0,
            numbers_as_text: true,
        }
    }
}

/// A handle on the camera; clones share it. When the last one goes, so does the camera.
#[derive(Clone, Debug)]
pub struct VzenithHttp {
    shared: Arc<Shared>,
    says: Says,
    _held: Held,
}

#[derive(Debug)]
struct Shared {
    settings: VzenithHttpSettings,
    body: Body,
    poster: Poster,
}

impl VzenithHttp {
    /// Starts calling. Needs a tokio runtime.
    pub fn start(settings: VzenithHttpSettings) -> Self {
        let body = Body::new(settings.clock_ahead_s);
        let poster = Poster::new(&settings.url);
        let shared = Arc::new(Shared { settings, body, poster });
        let says = push::start(&shared);
        let (held, mut let_go) = mpsc::channel(1);
        if shared.settings.comet {
            let camera = shared.clone();
            tokio::spawn(async move {
                let ask = |camera: &Shared| camera.device("/comet");
                let heard = |camera: &Shared, answer: &Answer| {
                    camera.obey(&reply::read(&answer.body).unwrap_or_default());
                };
                tokio::select! {
                    () = push::poll(camera, ask, COMET_PATIENCE, heard) => {}
                    _ = let_go.recv() => {}
                }
            });
        }
        Self { shared, says, _held: Arc::new(held) }
    }

    pub fn settings(&self) -> &VzenithHttpSettings {
        &self.shared.settings
    }

    fn news(&self, path: &str, body: &Value) -> bool {
        // The task ends only with the last handle.
        self.says.send(Say::News(Post::json(path, body))).is_ok()
    }
}

impl Twin for VzenithHttp {
    fn body(&self) -> &Body {
        &self.shared.body
    }

    fn repeat(&self, number: u64, seen: &Sighting) {
        let _ = self.says.send(Say::Read(number, seen.clone()));
    }

    fn set_input(&self, input: u8, on: bool) -> bool {
        let trigger = json!({"source": i16::from(input) - 1, "value": u8::from(on)});
        let alarm = json!({
            "deviceName": "IVS", "ipaddr": "192.0.2.11", "serialno": self.shared.settings.sn,
            "result": {"TriggerResult": trigger},
        });
        self.news("/gpio", &json!({"AlarmGioIn": alarm}))
    }

    fn serial(&self, channel: u8, bytes: &[u8]) -> bool {
        let data = json!({
            "channel": 0, "serialno": self.shared.settings.sn, "ipaddr": "192.0.2.11",
            "deviceName": "IVS", "serialChannel": channel, "data": STANDARD.encode(bytes),
            "dataLen": bytes.len(),
        });
        self.news("/serial", &json!({"SerialData": data}))
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
        Post::json("/plate", &self.plate(number, seen))
    }

    fn answered(&self, number: u64, seen: &Sighting, answer: &Answer) -> Result<(), String> {
        let told = reply::read(&answer.body);
        let is_record = seen.age.is_some();
        let wishes = told.as_deref().unwrap_or_default();
        self.obey(wishes);
        if self.settings.insists && !wishes.contains(&Told::StopResending) {
            return Err("not told to stop resending".into());
        }
        let goes_on = wishes.contains(&Told::Continue { plateid: number });
        if is_record && !self.settings.insists && !goes_on {
            return Err("not told to go on with records".into());
        }
        Ok(())
    }

    fn beat(&self) -> Option<Post> {
        // The poll is a heart-beat too.
        (!self.settings.comet).then(|| self.device("/heartbeat"))
    }

    fn beats_every(&self) -> Duration {
        self.settings.keep_alive
    }

    fn resends_after(&self) -> Option<Duration> {
        Some(self.settings.resends_after)
    }
}

impl Shared {
    /// Who it is, password and all.
    fn device(&self, path: &str) -> Post {
        let VzenithHttpSettings { sn, password, .. } = &self.settings;
        let fields = [
            ("device_name", "IVS"),
            ("ipaddr", "192.0.2.11"),
            ("port", "80"),
            ("user_name", "admin"),
            ("pass_wd", password),
            ("serialno", sn),
            ("channel_num", "1"),
        ];
        Post::multipart(path, &fields.map(|(name, text)| Part::text(name, text)))
    }

    fn plate(&self, number: u64, seen: &Sighting) -> Value {
        let at = self.body.seen_at(seen);
        let local = tz::offset(8).to_datetime(at);
        let license = seen.plate.as_deref().unwrap_or("_无_");
        let kind = if seen.plate.is_some() { 1 } else { 31 };
        let pos = json!({"left": 110, "top": 118, "right": 210, "bottom": 146});
        let picture = |jpeg: &Option<Vec<u8>>| STANDARD.encode(jpeg.as_deref().unwrap_or(&[]));
        let length = |jpeg: &Option<Vec<u8>>| jpeg.as_ref().map_or(0, Vec::len);
        let output = |number: u64| {
            if self.settings.numbers_as_text {
                json!({"ctrltype": 0, "ionum": number.to_string()})
            } else {
                json!({"ctrltype": 0, "ionum": number})
            }
        };
        let result = json!({
            "license": license, "confidence": seen.confidence, "colorType": seen.color,
            "type": kind, "direction": seen.direction, "triggerType": seen.trigger,
            "plateid": number, "isoffline": u8::from(seen.age.is_some()), "is_fake_plate": 0,
            "carColor": 255, "car_brand": {"brand": 255, "type": 255, "year": 65535},
            "feature_code": true, "bright": 0, "carBright": 0, "colorValue": 0, "timeUsed": 0,
            "location": {"RECT": pos}, "gioouts": [output(0), output(1)],
            "plates": [{
                "color": seen.color, "license": license, "plate_width": 100, "pos": pos,
                "type": kind,
            }],
            "imageFile": picture(&seen.picture), "imageFileLen": length(&seen.picture),
            "imageFragmentFile": picture(&seen.crop), "imageFragmentFileLen": length(&seen.crop),
            "timeStamp": {"Timeval": {
                "sec": at.as_second(), "usec": at.subsec_microsecond(), "decyear": local.year(),
                "decmon": local.month(), "decday": local.day(), "dechour": local.hour(),
                "decmin": local.minute(), "decsec": local.second(),
            }},
        });
        json!({"AlarmInfoPlate": {
            "channel": 0, "deviceName": "IVS", "ipaddr": "192.0.2.11", "rule_id": 1,
            "result": {"PlateResult": result}, "serialno": self.settings.sn, "user_data": "",
        }})
    }

    fn obey(&self, wishes: &[Told]) {
        let deaf = self.body.faults().obedience == Obedience::Deaf;
        for wish in wishes {
            match wish {
                Told::Continue { .. } | Told::StopResending => {}
                _ if deaf => self.body.tell(CameraEvent::Unheard { name: format!("{wish:?}") }),
                Told::Relay { relay, kind } => self.body.relay(*relay, *kind),
                Told::Serial { channel, bytes } => self.body.serial_out(*channel, bytes.clone()),
                Told::Speak(text) => self.body.tell(CameraEvent::Spoken { text: text.clone() }),
                Told::Trigger => self.body.tell(CameraEvent::Triggered),
                Told::Nonsense(name) => {
                    self.body.tell(CameraEvent::Refused { name: name.clone(), code: 400 });
                }
            }
        }
    }
}
