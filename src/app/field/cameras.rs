//! Devices on MQTT, by serial number: how to read what they say and write what they are told. Knows no state.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use paifang_devices::{Command, DecodeError, EncodeError, Heard, JsonMqtt, Outgoing, SetupError};

use tracing::debug;

use crate::{
    config::Site,
    core::lane::Sensor,
    io::mqtt::{Link, PublishError},
    types::{DeviceId, LaneId},
};

/// A device on MQTT and the lanes it serves.
pub struct Camera {
    pub id: DeviceId,
    /// The lane whose vehicles it reads.
    pub reads: Option<LaneId>,
    /// The lane whose arm its relay moves, and which of its inputs tell what there.
    pub moves: Option<(LaneId, HashMap<u8, Sensor>)>,
    /// Its input that a fire alarm is wired to.
    pub fire: Option<u8>,
    pub reply_patience: Duration,
    pub silence: Duration,
    driver: Mutex<JsonMqtt>,
}

#[derive(Debug, thiserror::Error)]
pub enum TellError {
    #[error(transparent)]
    Encode(#[from] EncodeError),
    #[error(transparent)]
    Publish(#[from] PublishError),
}

impl Camera {
    pub fn decode(&self, topic: &str, payload: &[u8], now_ms: i64) -> Result<Heard, DecodeError> {
        self.driver.lock().unwrap_or_else(PoisonError::into_inner).decode(topic, payload, now_ms)
    }

    /// Publishes what the device insists on hearing, once what it said is on disk.
    pub fn answer(&self, link: &Link, answers: Vec<Outgoing>) {
        for answer in answers {
            if let Err(why) = link.publish(&answer.topic, answer.payload) {
                debug!(device = %self.id, %why, "an answer was not sent; the device will say it again");
            }
        }
    }

    /// Writes the command in the device's own words and hands it to the broker. Never blocks.
    pub fn tell(
        &self,
        link: &Link,
        command: &Command,
        id: &str,
        now_ms: i64,
    ) -> Result<(), TellError> {
        let outgoing = self
            .driver
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .encode(command, id, now_ms)?;
        Ok(link.publish(&outgoing.topic, outgoing.payload)?)
    }
}

impl std::fmt::Debug for Camera {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Camera").field("id", &self.id).finish_non_exhaustive()
    }
}

/// All devices on MQTT, found by their serial number in lower case.
#[derive(Clone, Debug, Default)]
pub struct Cameras(Arc<HashMap<String, Arc<Camera>>>);

impl Cameras {
    /// One driver for each serial number. A barrier on a camera's relays shares the camera's.
    pub fn of(site: &Site) -> Result<Self, SetupError> {
        let mut cameras = HashMap::new();
        let on_mqtt = || site.devices.values().filter(|device| device.sn.is_some());
        let reads = |id: &DeviceId| site.lanes.values().find(|lane| lane.camera == *id);
        // Cameras first: they know how to trigger a read.
        for device in on_mqtt().filter(|d| reads(&d.id).is_some()).chain(on_mqtt()) {
            let Some(sn) = &device.sn else { continue };
            if cameras.contains_key(&sn.to_ascii_lowercase()) {
                continue;
            }
            let same_sn = |id: &DeviceId| {
                site.devices.get(id).is_some_and(|other| other.sn.as_ref() == Some(sn))
            };
            let moves =
                site.lanes.values().find(|lane| same_sn(&lane.barrier)).map(|lane| {
                    (lane.id.clone(), lane.inputs.iter().map(|(i, s)| (*i, *s)).collect())
                });
            let fire = site
                .lanes
                .values()
                .filter(|lane| same_sn(&lane.barrier))
                .find_map(|lane| lane.fire);
            let ms =
                |ms: Option<u32>, usual: u64| Duration::from_millis(ms.map_or(usual, u64::from));
            let timings = device.profile.timings;
            let camera = Camera {
                id: device.id.clone(),
                reads: reads(&device.id).map(|lane| lane.id.clone()),
                moves,
                fire,
                reply_patience: ms(timings.reply_timeout_ms, 2_000),
                silence: ms(timings.silence_ms, 35_000),
                driver: Mutex::new(JsonMqtt::new(&device.profile, sn)?),
            };
            cameras.insert(sn.to_ascii_lowercase(), Arc::new(camera));
        }
        Ok(Self(Arc::new(cameras)))
    }

    /// The devices a message is for: its serial number is one of the topic's levels, in whatever case; on a topic that
    /// devices share, it is in the message, or the message is for all of them.
    pub fn heard_by(&self, topic: &str, payload: &[u8]) -> Vec<Arc<Camera>> {
        let by_level = topic.split('/').find_map(|level| self.0.get(&level.to_ascii_lowercase()));
        if let Some(camera) = by_level {
            return vec![camera.clone()];
        }
        let is_for = |camera: &&Arc<Camera>| {
            camera.driver.lock().unwrap_or_else(PoisonError::into_inner).is_for(topic, payload)
        };
        self.all().filter(is_for).cloned().collect()
    }

    pub fn all(&self) -> impl Iterator<Item = &Arc<Camera>> {
        self.0.values()
    }

    /// What the daemon listens to.
    pub fn filters(&self) -> Vec<String> {
        let mut filters: Vec<String> = self
            .all()
            .flat_map(|c| c.driver.lock().unwrap_or_else(PoisonError::into_inner).subscriptions())
            .collect();
        filters.sort_unstable();
        filters.dedup();
        filters
    }

    /// For the broker: the serial number's own topics, (publish, subscribe).
    pub fn topic_rules(&self, sn: &str) -> Option<(Vec<String>, Vec<String>)> {
        let camera = self.0.get(&sn.to_ascii_lowercase())?;
        let rules = camera.driver.lock().unwrap_or_else(PoisonError::into_inner).topic_rules();
        Some((rules.publish, rules.subscribe))
    }
}
