//! The far end of one lane's wires: relay board and display on a serial line, the camera at its broker. Carries what
//! happens to the wires and hears what is done there; knows no vehicle.

use std::{collections::HashMap, io, sync::Arc, time::Duration};

use jiff::Timestamp;
use paifang::core::{
    Message,
    lane::{ArmAction, Sensor},
};
use tokio::sync::{broadcast::error::RecvError, mpsc};

use super::{
    engine::Heard,
    layout::{By, LaneAt, Layout, PASSWORD, Speaks},
    shown, wall_clock,
};
use crate::{
    wire::{
        BoardFaults, BoardSettings, Camera, CameraEvent, CameraFaults, CameraSettings, Line,
        Manner, Obedience, Pty, RelayEvent, RelayKind, Sighting, Twin, VzenithHttp,
        VzenithHttpSettings,
    },
    world::{CameraRead, LaneIx, SENSORS},
};

/// The only board of each line.
const BOARD: u8 = 1;
const OPEN_RELAY: u8 = 1;
/// Reads of which a copy may still come.
const READS_MAX: usize = 64;

/// An arm was told to move, by whichever wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pulse {
    pub lane: LaneIx,
    pub action: ArmAction,
    pub at: Timestamp,
}

/// One lane's wires; clones share them.
#[derive(Clone, Debug)]
pub struct Wires {
    pub by: By,
    pub line: Line,
    pub camera: Arc<dyn Twin>,
}

impl Wires {
    pub(super) fn connect(lane: &LaneAt, layout: &Layout, ahead_s: i32) -> io::Result<Self> {
        let pty = Pty::linked(&lane.line)?;
        let boards = match lane.by {
            By::Board => vec![BoardSettings::eight(BOARD)],
            By::Camera => Vec::new(),
        };
        let line = Line::start(pty, &boards, 1);
        let camera: Arc<dyn Twin> = match lane.speaks {
            Speaks::Mqtt => {
                let sn = &lane.serial_number;
                let mut settings = CameraSettings::new(layout.mqtt, sn, PASSWORD);
                settings.username = lane.camera();
                settings.full_after = Duration::from_millis(100);
                settings.clock_ahead_s = ahead_s.into();
                Arc::new(Camera::start(settings))
            }
            Speaks::Http => {
                let url =
                    format!("{}/device/{}?key={PASSWORD}", layout.public_url(), lane.camera());
                let settings = VzenithHttpSettings::new(&url, &lane.serial_number);
                Arc::new(VzenithHttp::start(VzenithHttpSettings {
                    clock_ahead_s: ahead_s.into(),
                    ..settings
                }))
            }
        };
        Ok(Self { by: lane.by, line, camera })
    }

    /// The contact of a loop or a limit closes or opens.
    pub fn set_sensor(&self, sensor: Sensor, on: bool) {
        let input = SENSORS.iter().position(|one| *one == sensor).map_or(0, |nth| nth as u8 + 1);
        match self.by {
            By::Board => {
                self.line.set_input(BOARD, input, on);
            }
            By::Camera => {
                self.camera.set_input(input, on);
            }
        }
    }

    pub(super) fn set_silent(&self, silent: bool) {
        match self.by {
            By::Board => {
                let manner = if silent { Manner::Silent } else { Manner::Sound };
                self.line.set_faults(BOARD, BoardFaults::from(manner));
            }
            By::Camera => {
                let obedience = if silent { Obedience::Deaf } else { Obedience::Acts };
                let body = self.camera.body();
                body.set_faults(CameraFaults { obedience, ..body.faults() });
            }
        }
    }

    /// What the lane's display tells a driver now.
    pub fn message(&self) -> Option<Message> {
        shown::message(&self.line.screen(0))
    }

    /// Tells `heard` of every contact that moves and of every look the camera is told to take.
    pub(super) fn listen(&self, lane: LaneIx, heard: &mpsc::UnboundedSender<Heard>) {
        let (mut relays, told) = (self.line.relay_events(), heard.clone());
        tokio::spawn(async move {
            loop {
                match relays.recv().await {
                    Ok(event) => {
                        let _ = told.send(moved(lane, event));
                    }
                    Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return,
                }
            }
        });
        let (mut events, told) = (self.camera.events(), heard.clone());
        tokio::spawn(async move {
            loop {
                match events.recv().await {
                    Ok(CameraEvent::Relay(event)) => {
                        let _ = told.send(moved(lane, event));
                    }
                    Ok(CameraEvent::Online) => {
                        let _ = told.send(Heard::Online(lane));
                    }
                    Ok(CameraEvent::Triggered) => {
                        let _ = told.send(Heard::Triggered(lane));
                    }
                    Ok(_) | Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return,
                }
            }
        });
    }
}

fn moved(lane: LaneIx, event: RelayEvent) -> Heard {
    let action = match event.kind {
        RelayKind::Pulse { .. } if event.relay == OPEN_RELAY => ArmAction::Open,
        RelayKind::Pulse { .. } => ArmAction::Close,
        RelayKind::On => ArmAction::Hold,
        RelayKind::Off | RelayKind::Dip { .. } => ArmAction::Release,
    };
    Heard::Arm(Pulse { lane, action, at: wall_clock() })
}

/// The world's reads in the camera's own numbers: it sends the early and the full result of a read by itself.
#[derive(Debug, Default)]
pub(super) struct Reads {
    /// By the world's number: the camera's, and whether its full result was due.
    known: HashMap<u64, (u64, bool)>,
    order: Vec<u64>,
}

impl Reads {
    pub(super) fn show(&mut self, camera: &dyn Twin, read: &CameraRead) {
        let seen = sighting(read);
        match self.known.get_mut(&read.event) {
            Some((_, full)) if read.picture && !*full => *full = true,
            Some((plateid, _)) => camera.repeat(*plateid, &seen),
            None => {
                let plateid = camera.read(&seen);
                self.known.insert(read.event, (plateid, read.picture));
                self.order.push(read.event);
                if self.order.len() > READS_MAX {
                    self.known.remove(&self.order.remove(0));
                }
            }
        }
    }
}

fn sighting(read: &CameraRead) -> Sighting {
    let readable = !matches!(read.raw.as_str(), "" | "_无_");
    let seen = if readable { Sighting::of(&read.raw) } else { Sighting::without_plate() };
    let age = (!read.live).then(|| wall_clock().duration_since(read.taken_at).unsigned_abs());
    Sighting { confidence: read.confidence, age, ..seen.with_pictures() }
}
