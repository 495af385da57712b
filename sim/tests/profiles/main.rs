//! Every device profile against its twin, one cycle of its duty over the real wire. A profile added
//! without a twin, or with capabilities no cycle uses, fails here.
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

mod duty;
mod http;
mod mqtt;
mod people;
mod readers;
mod serial;
#[path = "../wire/support.rs"]
#[expect(dead_code, reason = "the rest is for tests of the wires alone")]
mod support;
#[path = "../wire/web.rs"]
#[expect(dead_code, reason = "the rest is for tests of the wires alone")]
mod web;

use std::collections::BTreeSet;

use paifang_devices::{Capability, CivilTime, Command, Kind, Profile, Protocol};
use paifang_sim::wire::RelayKind;

pub(crate) const TIME: CivilTime =
    CivilTime { year: 2026, month: 11, day: 23, hour: 9, minute: 30, second: 0 };

/// Which capabilities a cycle has used.
pub(crate) type Used = BTreeSet<Capability>;

#[tokio::test(flavor = "multi_thread")]
async fn every_profile_does_its_duty_with_its_twin() {
    let profiles = Profile::load_all().unwrap();
    assert!(profiles.len() >= 4, "the profiles are not found");
    for profile in &profiles {
        println!("{}", profile.name);
        let used = cycle(profile).await;
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

/// The duty of one profile with the twin that its make and protocol ask for.
async fn cycle(profile: &Profile) -> Used {
    match (profile.protocol, profile.kind) {
        (Protocol::JsonMqtt, Kind::Camera | Kind::Barrier) => mqtt::cycle(profile).await,
        (Protocol::HttpPush, Kind::Camera | Kind::Barrier) => http::cycle(profile).await,
        (Protocol::ModbusRelay, Kind::Barrier) => serial::relay_board(profile).await,
        (Protocol::OlmLed, Kind::Display) => serial::olm_led(profile).await,
        (Protocol::Aa55Led, Kind::Display) => serial::aa55_led(profile).await,
        (Protocol::ModbusRelay, Kind::Turnstile) => people::relay_turnstile(profile).await,
        (Protocol::LotTurnstile, Kind::Turnstile) => people::lot(profile).await,
        (Protocol::AsciiScanner | Protocol::Reader55Aa, Kind::Scanner) => {
            people::scanner(profile).await
        }
        (Protocol::IdCard, Kind::Reader) => readers::id_cards(profile).await,
        (Protocol::Osdp, Kind::Reader) => readers::cycle(profile).await,
        (Protocol::Escpos, Kind::Printer) => people::printer(profile).await,
        (protocol, kind) => panic!("{}: no twin for a {kind:?} of {protocol:?}", profile.name),
    }
}

/// The moves a barrier must be able to make: open, then close, then hold and release.
pub(crate) fn moves(profile: &Profile) -> [(Command, RelayKind, Capability); 4] {
    let pulse = |ms: Option<u32>| RelayKind::Pulse { ms: ms.unwrap_or_default() };
    let timings = profile.timings;
    [
        (Command::PulseOpen, pulse(timings.open_pulse_ms), Capability::PulseOpen),
        (Command::PulseClose, pulse(timings.close_pulse_ms), Capability::PulseClose),
        (Command::Hold, RelayKind::On, Capability::Hold),
        (Command::Release, RelayKind::Off, Capability::Release),
    ]
}
