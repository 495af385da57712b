//! Devices that talk JSON at a broker, each with the twin of its make.

use paifang_devices::{Capability, Command, DeviceEvent, Profile};
use paifang_sim::wire::{CameraEvent, Sighting};

use crate::{TIME, Used, moves, support::*};

/// A Vzenith camera, or the barrier on its relays.
pub(crate) async fn cycle(profile: &Profile) -> Used {
    let mut site = Site::start(profile, "7d20e1ab-03c94f6e").await;
    let (camera, mut events) = online(site.camera()).await;
    let mut used = Used::new();
    for (command, kind, capability) in moves(profile) {
        if profile.can(capability) {
            assert!(site.answer(&command).await, "{command:?}");
            let CameraEvent::Relay(moved) = acted(&mut events).await else { panic!() };
            assert_eq!(moved.kind, kind);
            used.insert(capability);
        }
    }
    for (input, _) in profile.inputs() {
        for on in [true, false] {
            camera.set_input(input, on);
            assert_eq!(site.event().await, DeviceEvent::InputChanged { input, on });
        }
        used.insert(Capability::Inputs);
    }
    if profile.can(Capability::PlateRead) {
        let seen = Sighting::of("京A12345").with_pictures();
        camera.read(&seen);
        for picture in [None, seen.picture] {
            let DeviceEvent::PlateRead(read) = site.event().await else { panic!() };
            assert_eq!((read.plate.as_deref(), read.picture), (Some("京A12345"), picture));
        }
        used.insert(Capability::PlateRead);
    }
    if profile.can(Capability::SerialRead) {
        camera.serial(0, b"T1");
        let said = DeviceEvent::SerialData { channel: 0, bytes: b"T1".to_vec() };
        assert_eq!(site.event().await, said);
        used.insert(Capability::SerialRead);
    }
    let serial = Command::SerialData { channel: 1, bytes: vec![1, 2, 3] };
    let told = CameraEvent::Serial { channel: 1, bytes: vec![1, 2, 3] };
    for (command, capability, expected) in [
        (Command::TriggerRead, Capability::TriggerRead, Some(CameraEvent::Triggered)),
        (Command::SetTime(TIME), Capability::SetTime, None),
        (serial, Capability::SerialWrite, Some(told)),
    ] {
        if profile.can(capability) {
            assert!(site.answer(&command).await, "{command:?}");
            let event = acted(&mut events).await;
            let is_clock = matches!(event, CameraEvent::ClockSet { .. });
            assert!(expected.map_or(is_clock, |expected| event == expected), "{command:?}");
            used.insert(capability);
        }
    }
    used
}
