//! Devices on MQTT, by serial number: how to read what they say and write what they are told. Knows no state.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use paifang_devices::{
    Command, DecodeError, EncodeError, Heard, JsonMqtt, Outgoing, SetupError, Transport,
};
use tracing::debug;

use super::{
    health::{Health, Pulse},
    intake::{Tell, Wiring},
};
use crate::{
    config::{Device, Site},
    io::mqtt::{Link, PublishError},
    types::DeviceId,
};

/// A device on MQTT and the lanes it serves.
pub struct Camera {
    pub wiring: Wiring,
    pub pulse: Pulse,
    pub reply_patience: Duration,
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
                debug!(device = %self.wiring.id, %why, "an answer was not sent; the device will say it again");
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
        f.debug_struct("Camera").field("id", &self.wiring.id).finish_non_exhaustive()
    }
}

/// A camera beside the link it is told by.
#[derive(Debug)]
pub struct OverMqtt {
    pub camera: Arc<Camera>,
    pub link: Link,
}

impl Tell for OverMqtt {
    fn tell(&self, command: &Command, id: &str, now: Timestamp) -> Result<(), String> {
        let told = self.camera.tell(&self.link, command, id, now.as_millisecond());
        told.map_err(|why| why.to_string())
    }
}

/// The devices of a transport with the serial number that names their box, in lower case. Cameras first: they know how
/// to trigger a read, and another duty of the same box shares their driver.
pub(super) fn boxes(
    site: &Site,
    transport: Transport,
) -> impl Iterator<Item = (&Device, Option<String>)> {
    let reads = |device: &&Device| site.lanes.values().any(|lane| lane.is_read_by(&device.id));
    let all = move || site.devices.values().filter(move |d| d.profile.transport == transport);
    let others = all().filter(move |device| !reads(device));
    all()
        .filter(reads)
        .chain(others)
        .map(|device| (device, device.sn.as_ref().map(|sn| sn.to_ascii_lowercase())))
}

/// The lanes that a device's box serves, by this or another of its duties.
pub(super) fn wiring(site: &Site, device: &Device) -> Wiring {
    let same_box = |id: &DeviceId| {
        let same_sn = |other: &Device| device.sn.is_some() && other.sn == device.sn;
        *id == device.id || site.devices.get(id).is_some_and(same_sn)
    };
    let reads = site.lanes.values().find(|lane| lane.is_read_by(&device.id));
    let moves = site.lanes.values().find(|lane| same_box(&lane.barrier));
    let fire =
        site.lanes.values().filter(|lane| same_box(&lane.barrier)).find_map(|lane| lane.fire);
    let help = moves.and_then(|lane| lane.help);
    Wiring {
        id: device.id.clone(),
        fire,
        help,
        reads: reads.map(|lane| lane.id.clone()),
        moves: moves.map(|lane| {
            (lane.id.clone(), lane.inputs.iter().map(|(input, sensor)| (*input, *sensor)).collect())
        }),
    }
}

/// All devices on MQTT, found by their serial number in lower case.
#[derive(Clone, Debug, Default)]
pub struct Cameras(Arc<HashMap<String, Arc<Camera>>>);

impl Cameras {
    /// One driver for each serial number. A barrier on a camera's relays shares the camera's.
    pub fn of(site: &Site, health: &Health) -> Result<Self, SetupError> {
        let mut cameras: HashMap<String, Arc<Camera>> = HashMap::new();
        for (device, sn) in boxes(site, Transport::Mqtt) {
            let Some(sn) = sn else { continue };
            if let Some(known) = cameras.get(&sn) {
                health.also(&device.id, &device.profile, &known.wiring.id);
                continue;
            }
            let ms = |ms: u32| Duration::from_millis(ms.into());
            let timings = device.profile.timings;
            let driver = JsonMqtt::new(&device.profile, device.sn.as_deref().unwrap_or_default())?;
            let camera = Camera {
                wiring: wiring(site, device),
                pulse: health.register(&device.id, &device.profile, timings.silence_ms.map(ms)),
                reply_patience: ms(timings.reply_timeout_ms.unwrap_or(2_000)),
                driver: Mutex::new(driver),
            };
            cameras.insert(sn, Arc::new(camera));
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
