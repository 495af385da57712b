//! From a broker's message to inputs of the core. A message is acknowledged once its decision is on disk; one that
//! makes no sense is told of and acknowledged, so that it does not come for ever. Decides nothing.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use metrics::counter;
use paifang_devices::{CivilTime, Command, DeviceEvent, PlateRead, words::Trigger};
use tokio::sync::mpsc;
use tracing::{debug, info, warn};

use super::{Camera, Cameras, Orders};
use crate::{
    app::{App, Busy, Then, pictures::Pictures},
    core::{AlarmKind, Input, input::ArmOutcome, stay::Read},
    io::mqtt::{Ack, Incoming, Link},
    types::{DeviceId, LaneId, Plate},
};

/// A read older than this, by the device's own clock, opens nothing: it was kept somewhere on the way.
const FRESH_MS: i64 = 60_000;
/// A device's clock is set when it is off by more than this.
const CLOCK_SET_MS: i64 = 5_000;
/// The operator is told when it is off by more than this.
const CLOCK_ALARM_MS: i64 = 60_000;
/// A device's clock is set once in this time at the most.
const CLOCK_PAUSE: Duration = Duration::from_mins(10);
/// Nonsense of one device is told once in this time at the most.
const NONSENSE_PAUSE: Duration = Duration::from_mins(1);
/// How often silent devices are looked for.
const LOOK: Duration = Duration::from_secs(1);

pub struct Intake {
    pub app: App,
    pub cameras: Cameras,
    pub orders: Orders,
    pub pictures: Pictures,
    pub link: Link,
    pub zone: jiff::tz::TimeZone,
    health: HashMap<DeviceId, Health>,
}

/// What is known of a device's own state.
#[derive(Debug, Default)]
struct Health {
    heard: Option<Instant>,
    silent: bool,
    /// The device's clock less ours.
    offset_ms: Option<i64>,
    clock_set: Option<Instant>,
    clock_alarm: bool,
    nonsense: Option<Instant>,
}

impl Intake {
    pub fn new(
        app: App,
        cameras: Cameras,
        orders: Orders,
        pictures: Pictures,
        link: Link,
        zone: jiff::tz::TimeZone,
    ) -> Self {
        Self { app, cameras, orders, pictures, link, zone, health: HashMap::new() }
    }

    /// Runs until the daemon stops.
    pub async fn run(mut self, mut messages: mpsc::Receiver<Incoming>) {
        let mut look = tokio::time::interval(LOOK);
        loop {
            let done = tokio::select! {
                message = messages.recv() => match message {
                    Some(message) => self.message(message).await,
                    None => Err(Busy::Stopped),
                },
                _ = look.tick() => self.look_for_silence().await,
            };
            if done.is_err() {
                return;
            }
        }
    }

    async fn message(&mut self, message: Incoming) -> Result<(), Busy> {
        counter!("paifang_mqtt_messages_total").increment(1);
        let cameras = self.cameras.heard_by(&message.topic, &message.payload);
        let Some(last) = cameras.last() else {
            counter!("paifang_mqtt_foreign_total").increment(1);
            warn!(
                topic = message.topic,
                "a message of a device that the site file does not name; ignored"
            );
            message.ack.done();
            return Ok(());
        };
        if message.retain {
            warn!(device = %last.id, topic = message.topic, "a retained message may be of any age; ignored. Clear it at the broker");
            message.ack.done();
            return Ok(());
        }
        let mut ack = Some(message.ack);
        for (i, camera) in cameras.iter().enumerate() {
            let ack = if i + 1 == cameras.len() { ack.take() } else { None };
            self.said(camera, &message.topic, &message.payload, ack).await?;
        }
        Ok(())
    }

    /// What one device says by a message.
    async fn said(
        &mut self,
        camera: &Arc<Camera>,
        topic: &str,
        payload: &[u8],
        ack: Option<Ack>,
    ) -> Result<(), Busy> {
        let (now, wall) = clock();
        let heard = match camera.decode(topic, payload, wall.as_millisecond()) {
            Ok(heard) => heard,
            Err(why) => {
                if let Some(ack) = ack {
                    ack.done();
                }
                return self.nonsense(&camera.id, &why.to_string(), now).await;
            }
        };
        self.heard(&camera.id, now).await?;
        let (camera_, link, answers) = (camera.clone(), self.link.clone(), heard.answers);
        let mut then: Option<Then> = Some(Box::new(move |_| {
            camera_.answer(&link, answers);
            if let Some(ack) = ack {
                ack.done();
            }
        }));
        let last = heard.events.len().saturating_sub(1);
        for (i, event) in heard.events.into_iter().enumerate() {
            let then = if i == last { then.take() } else { None };
            self.event(camera, event, now, wall, then).await?;
        }
        if let Some(then) = then {
            then(&Ok(crate::core::Answer::Done));
        }
        Ok(())
    }

    async fn event(
        &mut self,
        camera: &Arc<Camera>,
        event: DeviceEvent,
        now: Instant,
        wall: Timestamp,
        then: Option<Then>,
    ) -> Result<(), Busy> {
        match event {
            // News of a vehicle that was read before, not of one that comes.
            DeviceEvent::PlateRead(read) if is_news(read.trigger) => {
                debug!(device = %camera.id, trigger = ?read.trigger, "no new vehicle");
            }
            DeviceEvent::PlateRead(read) => {
                if let Some(lane) = &camera.reads {
                    let read = self.read(camera, *read, wall);
                    return self.app.submit(Input::Read { lane: lane.clone(), read }, then).await;
                }
            }
            DeviceEvent::InputChanged { input, on } => {
                if camera.fire == Some(input) {
                    let contact = camera.id.clone();
                    return self.app.submit(Input::Fire { contact, on }, then).await;
                }
                if let Some((lane, sensor)) = wired(camera, input) {
                    return self.app.submit(Input::Sensor { lane, sensor, on }, then).await;
                }
            }
            DeviceEvent::CommandReply { id, accepted, text } => {
                if let Some((command, lane)) = self.orders.answered(&id) {
                    let outcome =
                        if accepted { ArmOutcome::Done } else { ArmOutcome::Refused(text) };
                    let input = Input::ArmAnswered { lane, command, outcome };
                    return self.app.submit(input, then).await;
                }
            }
            DeviceEvent::KeepAlive { clock_ms } => self.clock(camera, clock_ms, now, wall).await?,
            DeviceEvent::BarrierStatus { state, connected } => {
                debug!(device = %camera.id, ?state, ?connected, "barrier status");
            }
            DeviceEvent::Gone => info!(device = %camera.id, "it says it is leaving"),
            DeviceEvent::SerialData { .. }
            | DeviceEvent::Snapshot { .. }
            | DeviceEvent::Position(_)
            | DeviceEvent::Scanned { .. }
            | DeviceEvent::CardRead { .. }
            | DeviceEvent::Identity { .. } => {}
        }
        if let Some(then) = then {
            then(&Ok(crate::core::Answer::Done));
        }
        Ok(())
    }

    fn read(&mut self, camera: &Camera, read: PlateRead, wall: Timestamp) -> Read {
        let picture = read.picture.and_then(|jpeg| self.keep(jpeg, wall));
        let live = read.live && self.is_fresh(&camera.id, read.taken_at_ms, wall);
        let raw = read.plate.unwrap_or_default();
        Read {
            device: camera.id.clone(),
            event: read.event_id,
            plate: Plate::parse(&raw).ok(),
            raw: raw.chars().take(32).collect(),
            confidence: read.confidence,
            live,
            taken_at: read.taken_at_ms.and_then(|ms| Timestamp::from_millisecond(ms).ok()),
            picture,
        }
    }

    /// The file is written beside the decision, not before it.
    fn keep(&self, jpeg: Vec<u8>, wall: Timestamp) -> Option<String> {
        let name = self.pictures.name_of(&jpeg, wall)?;
        let (pictures, file) = (self.pictures.clone(), name.clone());
        tokio::task::spawn_blocking(move || {
            if let Err(trouble) = pictures.keep(&file, &jpeg) {
                warn!(%trouble, "a picture could not be kept; the read stands without it");
            }
        });
        Some(name)
    }

    /// Whether a read is of now. The device's clock may be off; its heart-beats tell by how much.
    fn is_fresh(&self, device: &DeviceId, taken_at_ms: Option<i64>, wall: Timestamp) -> bool {
        let Some(taken_at_ms) = taken_at_ms else { return true };
        let offset_ms = self.health.get(device).and_then(|h| h.offset_ms).unwrap_or(0);
        let age_ms = wall.as_millisecond() - (taken_at_ms - offset_ms);
        if age_ms > FRESH_MS {
            info!(%device, age_ms, "a read came late and opens nothing; it stays on record");
        }
        age_ms <= FRESH_MS
    }

    async fn clock(
        &mut self,
        camera: &Camera,
        clock_ms: Option<i64>,
        now: Instant,
        wall: Timestamp,
    ) -> Result<(), Busy> {
        let Some(clock_ms) = clock_ms else { return Ok(()) };
        let offset_ms = clock_ms - wall.as_millisecond();
        let health = self.health.entry(camera.id.clone()).or_default();
        health.offset_ms = Some(offset_ms);
        let paused = health.clock_set.is_some_and(|at| now.duration_since(at) < CLOCK_PAUSE);
        if offset_ms.abs() > CLOCK_SET_MS && !paused {
            health.clock_set = Some(now);
            info!(device = %camera.id, offset_ms, "its clock is off; setting it");
            let command = Command::SetTime(civil(wall, &self.zone));
            if let Err(why) = camera.tell(&self.link, &command, "set-time", wall.as_millisecond()) {
                warn!(device = %camera.id, %why, "its clock could not be set");
            }
        }
        let off = offset_ms.abs() > CLOCK_ALARM_MS;
        if off == health.clock_alarm {
            return Ok(());
        }
        health.clock_alarm = off;
        let (subject, kind) = (camera.id.to_string(), AlarmKind::DeviceClock);
        let detail = format!("its clock is {} s off", offset_ms / 1_000);
        let input = if off {
            Input::Trouble { subject, kind, detail }
        } else {
            Input::Well { subject, kind }
        };
        self.app.submit(input, None).await
    }

    async fn heard(&mut self, device: &DeviceId, now: Instant) -> Result<(), Busy> {
        let health = self.health.entry(device.clone()).or_default();
        health.heard = Some(now);
        if !std::mem::take(&mut health.silent) {
            return Ok(());
        }
        info!(%device, "it speaks again");
        let well = Input::Well { subject: device.to_string(), kind: AlarmKind::DeviceSilent };
        self.app.submit(well, None).await
    }

    async fn look_for_silence(&mut self) -> Result<(), Busy> {
        let (now, _) = clock();
        let mut silent = Vec::new();
        for camera in self.cameras.all() {
            let health = self.health.entry(camera.id.clone()).or_default();
            let heard = *health.heard.get_or_insert(now);
            if !health.silent && now.duration_since(heard) > camera.silence {
                health.silent = true;
                silent.push((camera.id.to_string(), camera.silence));
            }
        }
        for (subject, silence) in silent {
            warn!(
                device = subject,
                "it has said nothing for {silence:?}; check its power, network and account"
            );
            let detail = format!("has said nothing for {} s", silence.as_secs());
            let kind = AlarmKind::DeviceSilent;
            self.app.submit(Input::Trouble { subject, kind, detail }, None).await?;
        }
        Ok(())
    }

    async fn nonsense(&mut self, device: &DeviceId, why: &str, now: Instant) -> Result<(), Busy> {
        counter!("paifang_device_nonsense_total").increment(1);
        let health = self.health.entry(device.clone()).or_default();
        if health.nonsense.is_some_and(|at| now.duration_since(at) < NONSENSE_PAUSE) {
            return Ok(());
        }
        health.nonsense = Some(now);
        warn!(%device, why, "a message of it makes no sense; ignored");
        let (subject, kind) = (device.to_string(), AlarmKind::DeviceNonsense);
        self.app.submit(Input::Trouble { subject, kind, detail: why.to_owned() }, None).await
    }
}

fn is_news(trigger: Trigger) -> bool {
    matches!(trigger, Trigger::Lingering | Trigger::LingerCleared | Trigger::TurnedBack)
}

fn wired(camera: &Camera, input: u8) -> Option<(LaneId, crate::core::lane::Sensor)> {
    let (lane, inputs) = camera.moves.as_ref()?;
    Some((lane.clone(), *inputs.get(&input)?))
}

fn civil(at: Timestamp, zone: &jiff::tz::TimeZone) -> CivilTime {
    let local = zone.to_datetime(at);
    CivilTime {
        year: local.year() as u16,
        month: local.month() as u8,
        day: local.day() as u8,
        hour: local.hour() as u8,
        minute: local.minute() as u8,
        second: local.second() as u8,
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "ages of devices' messages; decided time is the writer's"
)]
fn clock() -> (Instant, Timestamp) {
    (Instant::now(), Timestamp::now())
}

impl std::fmt::Debug for Intake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Intake").field("cameras", &self.cameras).finish_non_exhaustive()
    }
}
