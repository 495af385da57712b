//! A Frigate recorder at a broker: says of each camera's vehicle again and again what it reads there,
//! and whether it is there itself. Takes no command.

use std::{sync::Arc, time::Duration};

use serde_json::json;

use super::{
    Sighting,
    body::{Body, Twin},
    station::{self, Device, Held, Message, MqttAccount, Wire},
};

/// A recorder and the one of its cameras that looks at a lane.
#[derive(Clone, Debug)]
pub struct FrigateSettings {
    pub account: MqttAccount,
    /// Its topics begin with this.
    pub prefix: String,
    pub camera: String,
    /// How often it corrects itself before it is sure.
    pub refinements: u8,
}

impl FrigateSettings {
    /// A recorder as installed, correcting itself twice.
    pub fn new(account: MqttAccount, camera: &str) -> Self {
        let prefix = "frigate".to_owned();
        Self { account, prefix, camera: camera.to_owned(), refinements: 2 }
    }
}

/// A handle on the recorder; clones share it. When the last one goes, so does the recorder.
#[derive(Clone, Debug)]
pub struct Frigate {
    shared: Arc<Shared>,
    _held: Held,
}

#[derive(Debug)]
struct Shared {
    settings: FrigateSettings,
    body: Body,
    wire: Wire,
}

impl Frigate {
    /// Starts signing in, and keeps at it. Needs a tokio runtime.
    pub fn start(settings: FrigateSettings) -> Self {
        let (body, wire) = (Body::new(0), Wire::default());
        let shared = Arc::new(Shared { settings, body, wire });
        let held = station::start(&shared);
        Self { shared, _held: held }
    }

    /// A read by another of its cameras.
    pub fn read_elsewhere(&self, camera: &str, seen: &Sighting) {
        let number = self.shared.body.next_number();
        self.shared.update(camera, number, seen, 1.0);
    }
}

impl Twin for Frigate {
    fn body(&self) -> &Body {
        &self.shared.body
    }

    /// What nobody hears is lost; it says nothing of vehicles without a plate.
    fn repeat(&self, number: u64, seen: &Sighting) {
        let Shared { settings, .. } = &*self.shared;
        let Some(plate) = &seen.plate else { return };
        for step in 1..=settings.refinements {
            // Its first looks see less of the plate than its last.
            let cut =
                plate.chars().count().saturating_sub(usize::from(settings.refinements - step + 1));
            let early = Sighting { plate: Some(plate.chars().take(cut).collect()), ..seen.clone() };
            self.shared.update(&settings.camera, number, &early, f64::from(step) * 0.3);
        }
        self.shared.update(&settings.camera, number, seen, 1.0);
    }
}

impl Device for Shared {
    fn body(&self) -> &Body {
        &self.body
    }

    fn wire(&self) -> &Wire {
        &self.wire
    }

    fn account(&self) -> &MqttAccount {
        &self.settings.account
    }

    fn subscriptions(&self) -> Vec<String> {
        vec![]
    }

    fn will(&self) -> Option<Message> {
        Some(Message::new(format!("{}/available", self.settings.prefix), "offline").retained())
    }

    fn beats_every(&self) -> Duration {
        Duration::from_mins(1)
    }

    fn signed_in(&self) {
        let available = Message::new(format!("{}/available", self.settings.prefix), "online");
        self.wire.publish(available.retained());
        self.body.went_online();
    }

    fn heard(&self, _topic: &str, _payload: &[u8]) {}

    fn beat(&self) {
        let stats = json!({"cameras": {&self.settings.camera: {"camera_fps": 5.0}}});
        self.wire.publish(Message::new(format!("{}/stats", self.settings.prefix), stats));
    }
}

impl Shared {
    /// `share` of the score the read has in the end.
    fn update(&self, camera: &str, number: u64, seen: &Sighting, share: f64) {
        let at = self.body.seen_at(seen);
        // The tracked object keeps its id; it is made of the time it was first seen.
        let id = format!("1773567566.{number:06}-m03c53");
        let topic = format!("{}/tracked_object_update", self.settings.prefix);
        let described = json!({"type": "description", "id": id, "camera": camera,
            "description": "A car waits at the barrier."});
        let read = json!({
            "type": "lpr", "name": null, "plate": seen.plate,
            "score": f64::from(seen.confidence) / 100.0 * share, "id": id, "camera": camera,
            "timestamp": at.as_microsecond() as f64 / 1e6,
        });
        for message in [described, read] {
            self.wire.publish(Message::new(topic.clone(), message));
        }
    }
}
