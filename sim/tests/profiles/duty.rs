//! What every device of a profile must do, whatever carries it: move, tell its inputs, read, replay,
//! take time and bytes. Knows no make.

use std::time::Duration;

use paifang_devices::{Capability, Command, DeviceEvent, PlateRead, Profile};
use paifang_sim::wire::{CameraEvent, Sighting, Twin};
use tokio::sync::broadcast;

use crate::{TIME, Used, moves, support::*};

/// The daemon's side of a device.
pub(crate) trait Near {
    /// What it says next, heart-beats and answers apart.
    async fn event(&mut self) -> DeviceEvent;
    /// Gives it an order; where it answers orders, the answer was yes.
    async fn order(&mut self, command: &Command);
}

impl Near for Site {
    async fn event(&mut self) -> DeviceEvent {
        Self::event(self).await
    }

    async fn order(&mut self, command: &Command) {
        assert!(self.answer(command).await, "{command:?}");
    }
}

/// What a make does about its reads.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Manners {
    /// Says each read at once, and again with its pictures.
    pub(crate) twice: bool,
    pub(crate) pictures: bool,
    /// Waits for an answer to each read.
    pub(crate) insists: bool,
    /// Marks what it sends late.
    pub(crate) replays: bool,
    /// Corrects itself under one id, of which one read is made.
    pub(crate) corrects: bool,
}

/// One cycle; the capabilities it used.
pub(crate) async fn duty(
    profile: &Profile,
    near: &mut impl Near,
    twin: &dyn Twin,
    manners: Manners,
) -> Used {
    let mut events = twin.body().events();
    let mut used = Used::new();
    for (command, kind, capability) in moves(profile) {
        if profile.can(capability) {
            near.order(&command).await;
            let CameraEvent::Relay(moved) = acted(&mut events).await else { panic!("{command:?}") };
            assert_eq!(moved.kind, kind, "{command:?}");
            used.insert(capability);
        }
    }
    for (input, _) in profile.inputs().filter(|_| profile.can(Capability::Inputs)) {
        for on in [true, false] {
            assert!(twin.set_input(input, on));
            assert_eq!(near.event().await, DeviceEvent::InputChanged { input, on });
        }
        used.insert(Capability::Inputs);
    }
    if profile.can(Capability::PlateRead) {
        reads(near, twin, &mut events, manners).await;
        used.insert(Capability::PlateRead);
    }
    if profile.can(Capability::SerialRead) {
        assert!(twin.serial(0, b"T1"));
        let said = DeviceEvent::SerialData { channel: 0, bytes: b"T1".to_vec() };
        assert_eq!(near.event().await, said);
        used.insert(Capability::SerialRead);
    }
    for (command, capability, expected) in errands() {
        if profile.can(capability) {
            near.order(&command).await;
            let event = acted(&mut events).await;
            let is_clock = matches!(event, CameraEvent::ClockSet { .. });
            assert!(expected.map_or(is_clock, |expected| event == expected), "{command:?}");
            used.insert(capability);
        }
    }
    used
}

/// Orders that move no arm, and what the device does about them; of the clock, anything.
fn errands() -> [(Command, Capability, Option<CameraEvent>); 4] {
    let bytes = vec![1, 2, 3];
    let serial = Command::SerialData { channel: 1, bytes: bytes.clone() };
    let speak = Command::Speak { text: "欢迎光临".into() };
    let spoken = CameraEvent::Spoken { text: "欢迎光临".into() };
    [
        (Command::TriggerRead, Capability::TriggerRead, Some(CameraEvent::Triggered)),
        (Command::SetTime(TIME), Capability::SetTime, None),
        (serial, Capability::SerialWrite, Some(CameraEvent::Serial { channel: 1, bytes })),
        (speak, Capability::Speak, Some(spoken)),
    ]
}

async fn reads(
    near: &mut impl Near,
    twin: &dyn Twin,
    events: &mut broadcast::Receiver<CameraEvent>,
    manners: Manners,
) {
    let seen = Sighting::of("京A12345").with_pictures();
    let number = twin.read(&seen);
    if manners.twice {
        let early = plate_read(near).await;
        assert_eq!((early.plate.as_deref(), early.picture), (Some("京A12345"), None));
    }
    let read = plate_read(near).await;
    assert_eq!(read.plate.as_deref().map(str::to_uppercase).as_deref(), Some("京A12345"));
    assert!(read.live);
    assert_eq!(read.confidence.unwrap_or(98), 98);
    if manners.pictures {
        assert_eq!((&read.picture, &read.crop), (&seen.picture, &seen.crop));
    }
    is_taken(events, number, manners).await;

    if manners.corrects {
        return;
    }
    twin.repeat(number, &seen);
    if manners.twice {
        assert_eq!(plate_read(near).await.event_id, read.event_id);
    }
    let again = plate_read(near).await;
    if !manners.insists {
        assert_eq!(again.event_id, read.event_id, "one read, however often it is said");
    }
    is_taken(events, number, manners).await;

    if manners.replays {
        let old = Sighting { age: Some(Duration::from_hours(1)), ..Sighting::of("京A00001") };
        let number = twin.read(&old);
        let record = plate_read(near).await;
        assert_eq!((record.plate.as_deref(), record.live), (Some("京A00001"), false));
        is_taken(events, number, manners).await;
    }
}

async fn plate_read(near: &mut impl Near) -> PlateRead {
    match near.event().await {
        DeviceEvent::PlateRead(read) => *read,
        other => panic!("{other:?}"),
    }
}

/// The device is content with the answer.
async fn is_taken(events: &mut broadcast::Receiver<CameraEvent>, number: u64, manners: Manners) {
    if !manners.insists {
        return;
    }
    loop {
        match next(events).await {
            CameraEvent::Taken { number: one } if one == number => return,
            CameraEvent::NotTaken { why, .. } => panic!("{why}"),
            _ => {}
        }
    }
}
