//! From what a device said to inputs of the core, the same for every way in. Freshness is judged here; whether anything
//! opens is not. Knows no broker and no request.

use std::collections::HashMap;

use jiff::Timestamp;
use paifang_devices::{
    CivilTime, Command, DeviceEvent, PlateRead,
    words::{ArmPosition, PlateColor, Trigger},
};
use tracing::{debug, info, warn};

use super::{Orders, health::Pulse};
use crate::{
    app::{App, Busy, Then, pictures::Pictures},
    core::{Answer, Input, input::ArmOutcome, lane::Sensor, stay::Read, task::CallFrom},
    types::{DeviceId, LaneId, Plate, PlateColour, Vehicle, VehicleClass},
};

/// A read older than this, by the device's own clock, opens nothing: it was kept somewhere on the way.
const FRESH_MS: i64 = 60_000;

/// A device and the lanes it serves.
#[derive(Clone, Debug)]
pub struct Wiring {
    pub id: DeviceId,
    /// The lane whose vehicles it reads.
    pub reads: Option<LaneId>,
    /// The lane whose arm it moves, and which of its inputs tell what there.
    pub moves: Option<(LaneId, HashMap<u8, Sensor>)>,
    /// Its input that a fire alarm is wired to.
    pub fire: Option<u8>,
    /// Its input that a driver's call button is wired to.
    pub help: Option<u8>,
}

impl Wiring {
    fn sensor(&self, input: u8) -> Option<(LaneId, Sensor)> {
        let (lane, inputs) = self.moves.as_ref()?;
        Some((lane.clone(), *inputs.get(&input)?))
    }
}

/// A way to tell a device something that need not be repeated and opens nothing. Never blocks.
pub trait Tell: Send + Sync + std::fmt::Debug {
    /// The reason, if it was not told.
    fn tell(&self, command: &Command, id: &str, now: Timestamp) -> Result<(), String>;
}

/// Who speaks.
#[derive(Clone, Copy, Debug)]
pub struct Speaker<'a> {
    pub wiring: &'a Wiring,
    pub pulse: &'a Pulse,
    pub tell: &'a dyn Tell,
}

/// Cheap to clone.
#[derive(Clone, Debug)]
pub struct Intake {
    pub app: App,
    pub orders: Orders,
    pub pictures: Pictures,
    pub zone: jiff::tz::TimeZone,
}

impl Intake {
    /// Tells the core what a device said; `then` runs once it is on disk, or at once where there is nothing to keep.
    pub async fn event(
        &self,
        from: Speaker<'_>,
        event: DeviceEvent,
        wall: Timestamp,
        then: Option<Then>,
    ) -> Result<(), Busy> {
        from.pulse.said(&event);
        self.submit(self.inputs(from, event, wall), then).await
    }

    /// Where the arm stands, as its limits say it.
    pub async fn position(&self, lane: &LaneId, position: ArmPosition) -> Result<(), Busy> {
        self.submit(position_inputs(lane, position), None).await
    }

    async fn submit(&self, inputs: Vec<Input>, mut then: Option<Then>) -> Result<(), Busy> {
        let last = inputs.len().saturating_sub(1);
        for (i, input) in inputs.into_iter().enumerate() {
            let then = if i == last { then.take() } else { None };
            self.app.submit(input, then).await?;
        }
        if let Some(then) = then {
            then(&Ok(Answer::Done));
        }
        Ok(())
    }

    fn inputs(&self, from: Speaker<'_>, event: DeviceEvent, wall: Timestamp) -> Vec<Input> {
        if let (DeviceEvent::Position(position), Some((lane, _))) = (&event, &from.wiring.moves) {
            return position_inputs(lane, *position);
        }
        self.input(from, event, wall).into_iter().collect()
    }

    fn input(&self, from: Speaker<'_>, event: DeviceEvent, wall: Timestamp) -> Option<Input> {
        let wiring = from.wiring;
        match event {
            // News of a vehicle that was read before, not of one that comes.
            DeviceEvent::PlateRead(read) if is_news(read.trigger) => {
                debug!(device = %wiring.id, trigger = ?read.trigger, "no new vehicle");
                None
            }
            DeviceEvent::PlateRead(read) => {
                let lane = wiring.reads.clone()?;
                Some(Input::Read { lane, read: self.read(from, *read, wall) })
            }
            DeviceEvent::InputChanged { input, on } if wiring.fire == Some(input) => {
                Some(Input::Fire { contact: wiring.id.clone(), on })
            }
            DeviceEvent::InputChanged { input, on } if wiring.help == Some(input) => {
                let (lane, _) = wiring.moves.clone().filter(|_| on)?;
                Some(Input::HelpAsked { lane, from: CallFrom::Button, says: String::new() })
            }
            DeviceEvent::InputChanged { input, on } => {
                let (lane, sensor) = wiring.sensor(input)?;
                Some(Input::Sensor { lane, sensor, on })
            }
            DeviceEvent::CommandReply { id, accepted, text } => {
                if self.orders.test_answered(&id, accepted, &text) {
                    return None;
                }
                let (command, lane, took) = self.orders.answered(&id)?;
                from.pulse.answered(took);
                let outcome = if accepted { ArmOutcome::Done } else { ArmOutcome::Refused(text) };
                Some(Input::ArmAnswered { lane, command, outcome })
            }
            DeviceEvent::KeepAlive { clock_ms } => {
                self.clock(from, clock_ms?, wall);
                None
            }
            DeviceEvent::BarrierStatus { state, connected } => {
                debug!(device = %wiring.id, ?state, ?connected, "barrier status");
                None
            }
            DeviceEvent::Gone => {
                from.pulse.is_silent("it says that it is gone");
                None
            }
            DeviceEvent::Position(_)
            | DeviceEvent::SerialData { .. }
            | DeviceEvent::Snapshot { .. }
            | DeviceEvent::Scanned { .. }
            | DeviceEvent::CardRead { .. }
            | DeviceEvent::IdCardRead { .. }
            | DeviceEvent::Identity { .. } => None,
        }
    }

    fn read(&self, from: Speaker<'_>, read: PlateRead, wall: Timestamp) -> Read {
        let picture = read.picture.and_then(|jpeg| self.keep(jpeg, wall));
        let live = read.live && is_fresh(from.pulse, read.taken_at_ms, wall);
        let raw = read.plate.unwrap_or_default();
        Read {
            device: from.wiring.id.clone(),
            event: read.event_id,
            plate: Plate::parse(&raw).ok(),
            raw: raw.chars().take(32).collect(),
            confidence: read.confidence,
            live,
            taken_at: read.taken_at_ms.and_then(|ms| Timestamp::from_millisecond(ms).ok()),
            picture,
            vehicle: vehicle(read.color),
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

    fn clock(&self, from: Speaker<'_>, clock_ms: i64, wall: Timestamp) {
        let offset_ms = clock_ms - wall.as_millisecond();
        if !from.pulse.clock_is_off(offset_ms) {
            return;
        }
        let device = from.pulse.id();
        info!(%device, offset_ms, "its clock is off; setting it");
        let command = Command::SetTime(civil(wall, &self.zone));
        if let Err(why) = from.tell.tell(&command, "set-time", wall) {
            warn!(%device, why, "its clock could not be set");
        }
    }
}

/// What the colour of a plate tells. Yellow plates are those of large vehicles.
fn vehicle(color: PlateColor) -> Vehicle {
    let colour = match color {
        PlateColor::Unknown => None,
        PlateColor::Blue => Some(PlateColour::Blue),
        PlateColor::Yellow => Some(PlateColour::Yellow),
        PlateColor::White => Some(PlateColour::White),
        PlateColor::Black => Some(PlateColour::Black),
        PlateColor::Green => Some(PlateColour::Green),
        PlateColor::YellowGreen => Some(PlateColour::YellowGreen),
    };
    let large = matches!(color, PlateColor::Yellow | PlateColor::YellowGreen);
    let class = if large { VehicleClass::Large } else { VehicleClass::Small };
    Vehicle { class, colour, new_energy: false }
}

fn position_inputs(lane: &LaneId, position: ArmPosition) -> Vec<Input> {
    let limits = match position {
        ArmPosition::Open => [(Sensor::ClosedLimit, false), (Sensor::OpenLimit, true)],
        ArmPosition::Closed => [(Sensor::OpenLimit, false), (Sensor::ClosedLimit, true)],
        // The arm's own limits are all that is wired here, so nothing else is lost with them.
        ArmPosition::Unknown => return vec![Input::SensorsLost { lane: lane.clone() }],
    };
    let input = |(sensor, on)| Input::Sensor { lane: lane.clone(), sensor, on };
    limits.into_iter().map(input).collect()
}

/// Whether a read is of now. The device's clock may be off; its heart-beats tell by how much.
fn is_fresh(pulse: &Pulse, taken_at_ms: Option<i64>, wall: Timestamp) -> bool {
    let Some(taken_at_ms) = taken_at_ms else { return true };
    let offset_ms = pulse.clock_offset_ms().unwrap_or(0);
    let age_ms = wall.as_millisecond() - (taken_at_ms - offset_ms);
    let late = age_ms > FRESH_MS;
    if late {
        info!(device = %pulse.id(), age_ms, "a read came late and opens nothing; it stays on record");
    }
    pulse.reads_are_late(late, age_ms);
    !late
}

fn is_news(trigger: Trigger) -> bool {
    matches!(trigger, Trigger::Lingering | Trigger::LingerCleared | Trigger::TurnedBack)
}

/// The site's wall clock.
pub(super) fn civil(at: Timestamp, zone: &jiff::tz::TimeZone) -> CivilTime {
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
