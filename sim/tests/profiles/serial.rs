//! Boards on a serial line.

use std::time::Duration;

use paifang_devices::{
    Capability, Command, InputRole, OlmLed, Profile, RelayBoard, led_olm::SpeakMode, relay_board,
};
use paifang_sim::wire::{BoardSettings, Line, Pty, RelayEvent, RelayKind};
use tokio::sync::broadcast;

use crate::{TIME, Used, moves, support::*};

pub(crate) async fn relay_board(profile: &Profile) -> Used {
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

pub(crate) async fn olm_led(profile: &Profile) -> Used {
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
