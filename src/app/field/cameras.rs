//! Devices on MQTT, by serial number: how to read what they say and write what they are told. Knows no state.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use paifang_devices::{
    Command, DeviceEvent,
    json_mqtt::{DecodeError, EncodeError, JsonMqtt, SetupError},
};

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
    pub fn decode(&self, topic: &str, payload: &[u8]) -> Result<Vec<DeviceEvent>, DecodeError> {
        self.driver.lock().unwrap_or_else(PoisonError::into_inner).decode(topic, payload)
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

/// All devices on MQTT, found by their serial number.
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
            if cameras.contains_key(sn) {
                continue;
            }
            let same_sn = |id: &DeviceId| {
                site.devices.get(id).is_some_and(|other| other.sn.as_ref() == Some(sn))
            };
            let moves =
                site.lanes.values().find(|lane| same_sn(&lane.barrier)).map(|lane| {
                    (lane.id.clone(), lane.inputs.iter().map(|(i, s)| (*i, *s)).collect())
                });
            let ms =
                |ms: Option<u32>, usual: u64| Duration::from_millis(ms.map_or(usual, u64::from));
            let timings = device.profile.timings;
            let camera = Camera {
                id: device.id.clone(),
                reads: reads(&device.id).map(|lane| lane.id.clone()),
                moves,
                reply_patience: ms(timings.reply_timeout_ms, 2_000),
                silence: ms(timings.silence_ms, 35_000),
                driver: Mutex::new(JsonMqtt::new(&device.profile, sn)?),
            };
            cameras.insert(sn.clone(), Arc::new(camera));
        }
        Ok(Self(Arc::new(cameras)))
    }

    /// The device a topic belongs to: its serial number is one of the topic's levels.
    pub fn by_topic(&self, topic: &str) -> Option<&Arc<Camera>> {
        topic.split('/').find_map(|level| self.0.get(level))
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
        let camera = self.0.get(sn)?;
        let rules = camera.driver.lock().unwrap_or_else(PoisonError::into_inner).topic_rules();
        Some((rules.publish, rules.subscribe))
    }
}
