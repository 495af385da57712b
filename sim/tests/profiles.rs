//! Every device profile against its twin, one cycle of its duty over the real wire. A profile added
//! without a twin, or with capabilities no cycle below uses, fails here.
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

#[path = "wire/support.rs"]
mod support;

use std::{collections::BTreeSet, time::Duration};

use paifang_devices::{
    Capability, CivilTime, Command, DeviceEvent, InputRole, Kind, OlmLed, Profile, Protocol,
    RelayBoard, led_olm::SpeakMode, relay_board,
};
use paifang_sim::wire::{BoardSettings, CameraEvent, Line, Pty, RelayEvent, RelayKind, Sighting};
use tokio::sync::broadcast;

use support::*;

const TIME: CivilTime =
    CivilTime { year: 2026, month: 11, day: 23, hour: 9, minute: 30, second: 0 };

/// Which capabilities a cycle has used.
type Used = BTreeSet<Capability>;

#[tokio::test(flavor = "multi_thread")]
async fn every_profile_does_its_duty_with_its_twin() {
    let profiles = Profile::load_all().unwrap();
    assert!(profiles.len() >= 4, "the profiles are not found");
    for profile in &profiles {
        println!("{}", profile.name);
        let used = match (profile.protocol, profile.kind) {
            (Protocol::JsonMqtt, Kind::Camera | Kind::Barrier) => json_mqtt(profile).await,
            (Protocol::ModbusRelay, Kind::Barrier) => relay_board(profile).await,
            (Protocol::OlmLed, Kind::Display) => olm_led(profile).await,
            (protocol, kind) => panic!("{}: no twin for a {kind:?} of {protocol:?}", profile.name),
        };
        // Either cannot be asked for by a command, so its twin has no cycle of it.
        let by_itself = [Capability::BarrierStatus, Capability::Snapshot];
        let left: Vec<_> = profile
            .capabilities
            .iter()
            .filter(|one| !used.contains(one) && !by_itself.contains(one))
            .collect();
        assert!(left.is_empty(), "{}: {left:?} is used by no cycle", profile.name);
    }
}

/// The moves a barrier must be able to make: open, then close, then hold and release.
fn moves(profile: &Profile) -> [(Command, RelayKind, Capability); 4] {
    let pulse = |ms: Option<u32>| RelayKind::Pulse { ms: ms.unwrap_or_default() };
    let timings = profile.timings;
    [
        (Command::PulseOpen, pulse(timings.open_pulse_ms), Capability::PulseOpen),
        (Command::PulseClose, pulse(timings.close_pulse_ms), Capability::PulseClose),
        (Command::Hold, RelayKind::On, Capability::Hold),
        (Command::Release, RelayKind::Off, Capability::Release),
    ]
}

async fn json_mqtt(profile: &Profile) -> Used {
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

async fn relay_board(profile: &Profile) -> Used {
    let board = RelayBoard::new(profile, None).unwrap();
    let (address, settings) = (board.address(), board.settings().clone());
    let twin = BoardSettings { address, relays: settings.relays, inputs: settings.inputs };
    let line = Line::start(Pty::open().unwrap(), &[twin], 0);
    let (bus, mut moved) = (bus(&line, settings.baud).await, line.relay_events());
    let mut used = Used::new();
    for (command, kind, capability) in moves(profile) {
        let RelayKind::Pulse { ms } = kind else {
            let hold = board.set(settings.open_relay, command == Command::Hold).unwrap();
            relay_board::accepted(&hold, &ask(&bus, &hold).await.unwrap()).unwrap();
            assert_eq!(moves_one(&mut moved, settings.open_relay).await, kind);
            used.insert(capability);
            continue;
        };
        let is_open = command == Command::PulseOpen;
        let relay = if is_open { Some(settings.open_relay) } else { settings.close_relay };
        let Some(relay) = relay.filter(|_| profile.can(capability)) else { continue };
        let pulse = board.pulse(relay, ms).unwrap();
        relay_board::accepted(&pulse, &ask(&bus, &pulse).await.unwrap()).unwrap();
        assert_eq!(moves_one(&mut moved, relay).await, kind);
        // The limit that says that the arm got there.
        let limit = if is_open { InputRole::OpenLimit } else { InputRole::ClosedLimit };
        let (input, _) = profile.inputs().find(|(_, role)| *role == limit).unwrap();
        assert!(line.set_input(address, input, true));
        let inputs = board.read_inputs(settings.inputs).unwrap();
        let reply = ask(&bus, &inputs).await.unwrap();
        assert!(relay_board::states(&inputs, &reply).unwrap()[usize::from(input) - 1]);
        used.extend([capability, Capability::Inputs]);
    }
    used
}

async fn moves_one(moved: &mut broadcast::Receiver<RelayEvent>, relay: u8) -> RelayKind {
    let event = next(moved).await;
    assert_eq!(event.relay, relay);
    event.kind
}

async fn olm_led(profile: &Profile) -> Used {
    let led = OlmLed::new(profile).unwrap();
    let gap = Duration::from_millis(u64::from(led.gap_ms()));
    let line = Line::start(Pty::open().unwrap(), &[], 1);
    let bus = bus(&line, led.settings().baud).await;
    let lines: Vec<_> = ["京A12345", "欢迎光临", "剩余车位 12", "请入场", "多余"]
        .into_iter()
        .map(Into::into)
        .collect();
    let frames =
        [led.show(&lines, None), OlmLed::speak("欢迎光临", SpeakMode::Now), OlmLed::set_time(TIME)];
    for frame in frames {
        bus.send(frame, gap, soon()).await.unwrap();
    }
    within("the clock", async {
        while line.led(0).unwrap().clock().is_none() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let shown = usize::from(led.settings().lines);
    let expected = ["京A12345", "欢迎光临", "剩余车位 12", "请入场", "多余"];
    assert_eq!(line.screen(0), expected[..shown]);
    assert_eq!(line.spoken(0), ["欢迎光临"]);
    assert_eq!(line.led(0).unwrap().clock(), Some([26, 11, 23, 9, 30, 0, 1]));
    Used::from([Capability::ShowText, Capability::Speak, Capability::SetTime])
}
