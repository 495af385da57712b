//! A line of relay boards and an LED board, sound and with every fault.

use std::time::Duration;

use paifang::io::serial::BusError;
use paifang_devices::{
    Exchange, OlmLed, Profile, RelayBoard, led_olm::SpeakMode, modbus::ReplyError, relay_board,
};
use paifang_sim::wire::{BoardFaults, BoardSettings, Line, Manner, Pty, RelayKind};
use tokio::time::Instant;

use crate::{Folder, support::*};

const BAUD: u32 = 115_200;

fn board(address: u8) -> RelayBoard {
    let profile = Profile::find("barrier/waveshare-modbus").unwrap();
    RelayBoard::new(&profile, Some(address)).unwrap()
}

fn line() -> Line {
    Line::start(Pty::open().unwrap(), &[BoardSettings::eight(1), BoardSettings::eight(2)], 1)
}

#[tokio::test]
async fn a_pulse_moves_one_relay_and_its_timer_lets_go() {
    let line = line();
    let (bus, mut moved) = (bus(&line, BAUD).await, line.relay_events());
    let pulse = board(2).pulse(1, 150).unwrap();
    let asked = Instant::now();
    let echo = ask(&bus, &pulse).await.unwrap();
    assert_eq!(relay_board::accepted(&pulse, &echo), Ok(()));
    assert_eq!(line.frames(), [vec![2, 5, 2, 0, 0, 2, 0x4D, 0x80]]);
    let event = next(&mut moved).await;
    assert_eq!((event.board, event.relay, event.kind), (2, 1, RelayKind::Pulse { ms: 200 }));
    assert!(event.at >= asked && line.relay(2, 1) && !line.relay(1, 1));
    let relays = board(2).read_relays().unwrap();
    loop {
        let reply = ask(&bus, &relays).await.unwrap();
        let closed = relay_board::states(&relays, &reply).unwrap();
        assert_eq!(closed[1..], [false; 7]);
        assert!(event.at.elapsed() < LIMIT, "it never let go");
        if !closed[0] {
            break;
        }
    }
    assert!(event.at.elapsed() >= Duration::from_millis(200));
    assert!(moved.try_recv().is_err(), "one command, one event");
}

#[tokio::test]
async fn inputs_are_read_and_relays_held() {
    let line = line();
    let (bus, mut moved) = (bus(&line, BAUD).await, line.relay_events());
    assert!(line.set_input(1, 2, true) && line.set_input(1, 8, true));
    assert!(!line.set_input(1, 9, true) && !line.set_input(3, 1, true), "no such terminals");
    let inputs = board(1).read_inputs(8).unwrap();
    let reply = ask(&bus, &inputs).await.unwrap();
    let expected = [false, true, false, false, false, false, false, true];
    assert_eq!(relay_board::states(&inputs, &reply).unwrap(), expected);
    for (on, kind) in [(true, RelayKind::On), (false, RelayKind::Off)] {
        let hold = board(1).set(3, on).unwrap();
        relay_board::accepted(&hold, &ask(&bus, &hold).await.unwrap()).unwrap();
        let event = next(&mut moved).await;
        assert_eq!((event.board, event.relay, event.kind), (1, 3, kind));
        assert_eq!(line.relay(1, 3), on);
    }
}

/// What the daemon may learn of a request.
#[derive(Debug, PartialEq)]
enum Outcome {
    Reply,
    Refused(u8),
    /// Nobody knows whether the board acted.
    Uncertain,
}

#[tokio::test]
async fn every_fault_ends_as_the_right_error() {
    let line = line();
    let (bus, mut moved) = (bus(&line, BAUD).await, line.relay_events());
    let (pulse, inputs) = (board(1).pulse(1, 100).unwrap(), board(1).read_inputs(8).unwrap());
    let late = BoardFaults { delay: Duration::from_millis(300), ..BoardFaults::default() };
    let slow = BoardFaults { delay: Duration::from_millis(30), ..BoardFaults::default() };
    let deaf = BoardFaults { drop_every: 1, ..BoardFaults::default() };
    let rows = [
        (BoardFaults::default(), Outcome::Reply, Outcome::Reply, true),
        (slow, Outcome::Reply, Outcome::Reply, true),
        (deaf, Outcome::Uncertain, Outcome::Uncertain, false),
        (Manner::Silent.into(), Outcome::Uncertain, Outcome::Uncertain, false),
        (Manner::Garbage.into(), Outcome::Uncertain, Outcome::Uncertain, true),
        (Manner::WrongCrc.into(), Outcome::Uncertain, Outcome::Uncertain, true),
        (Manner::Truncated.into(), Outcome::Uncertain, Outcome::Uncertain, true),
        (Manner::EchoLost.into(), Outcome::Uncertain, Outcome::Reply, true),
        (Manner::Refuses(4).into(), Outcome::Refused(4), Outcome::Refused(4), false),
        // The last: its answers still come when the next row would be asked.
        (late, Outcome::Uncertain, Outcome::Uncertain, true),
    ];
    for (faults, for_pulse, for_inputs, acts) in rows {
        assert!(line.set_faults(1, faults));
        let reply = ask(&bus, &pulse).await;
        let told = reply.map(|reply| relay_board::accepted(&pulse, &reply));
        assert_eq!(outcome(told), for_pulse, "pulse with {faults:?}");
        assert_eq!(moved.try_recv().is_ok(), acts, "{faults:?}");
        let reply = ask(&bus, &inputs).await;
        let told = reply.map(|reply| relay_board::states(&inputs, &reply).map(drop));
        assert_eq!(outcome(told), for_inputs, "inputs with {faults:?}");
        let other = board(2).read_inputs(8).unwrap();
        assert!(ask(&bus, &other).await.is_ok(), "the other board suffers from {faults:?}");
        if faults != late {
            // Well again, it is asked as often as before from its next answer on.
            assert!(line.set_faults(1, BoardFaults::default()));
            let off = board(1).set(8, false).unwrap();
            ask(&bus, &off).await.unwrap();
            next(&mut moved).await;
        }
    }
}

fn outcome(told: Result<Result<(), ReplyError>, BusError>) -> Outcome {
    match told {
        Ok(Ok(())) => Outcome::Reply,
        Ok(Err(ReplyError::Exception { address: 1, code, .. })) => Outcome::Refused(code),
        Err(e @ BusError::TimedOut { address: 1, .. }) if e.may_have_acted() => Outcome::Uncertain,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn every_second_request_dropped_costs_a_reading_nothing() {
    let line = line();
    let bus = bus(&line, BAUD).await;
    line.set_faults(1, BoardFaults { drop_every: 2, ..BoardFaults::default() });
    let inputs = board(1).read_inputs(8).unwrap();
    for _ in 0..4 {
        ask(&bus, &inputs).await.unwrap();
    }
    assert!(line.frames().len() >= 6, "some were asked twice");
}

#[tokio::test]
async fn a_stranger_a_damaged_frame_and_noise_meet_silence() {
    let line = line();
    let (bus, mut moved) = (bus(&line, BAUD).await, line.relay_events());
    let stranger = board(9).pulse(1, 500).unwrap();
    assert!(matches!(ask(&bus, &stranger).await, Err(BusError::TimedOut { address: 9, .. })));
    let pulse = board(1).pulse(1, 500).unwrap();
    let mut damaged = pulse.request.clone();
    damaged[5] ^= 1;
    // What comes in one burst behind damage is lost with it.
    for burst in [damaged.clone(), [damaged, pulse.request.clone()].concat(), vec![0x5A; 5_000]] {
        bus.send(burst, Duration::from_millis(60), soon()).await.unwrap();
    }
    assert!(moved.try_recv().is_err());
    ask(&bus, &pulse).await.unwrap();
    assert_eq!(next(&mut moved).await.relay, 1);
    assert_eq!(line.frames(), [stranger.request, pulse.request]);
}

#[tokio::test]
async fn the_led_board_shows_and_speaks_between_requests() {
    let line = line();
    let bus = bus(&line, BAUD).await;
    let led = OlmLed::new(&Profile::find("display/olm-led").unwrap()).unwrap();
    let gap = Duration::from_millis(u64::from(led.gap_ms()));
    let shown = led.show(&["粤B12345".into(), "欢迎光临".into()], Some("欢迎光临"));
    bus.send(shown, Duration::ZERO, soon()).await.unwrap();
    let inputs: Exchange = board(1).read_inputs(8).unwrap();
    ask(&bus, &inputs).await.unwrap();
    bus.send(OlmLed::speak("一路平安", SpeakMode::Now), gap, soon()).await.unwrap();
    bus.send(OlmLed::volume(50), gap, soon()).await.unwrap();
    ask(&bus, &inputs).await.unwrap();
    assert_eq!(line.screen(0), ["粤B12345", "欢迎光临"]);
    assert_eq!(line.spoken(0), ["欢迎光临", "一路平安"]);
    assert_eq!(line.led(0).unwrap().volume(), Some(50));
    assert!(line.screen(1).is_empty(), "there is one board only");
    assert_eq!(line.frames().len(), 5);
    line.clear_frames();
    assert!(line.frames().is_empty());
}

#[tokio::test]
async fn a_pulled_plug_cuts_the_line_and_its_name_comes_back() {
    let folder = Folder::new();
    let pty = Pty::linked(folder.0.join("usb-485-port0")).unwrap();
    let line = Line::start(pty, &[BoardSettings::eight(1)], 0);
    let (bus, mut moved) = (bus(&line, BAUD).await, line.relay_events());
    let pulse = board(1).pulse(1, 500).unwrap();
    line.set_faults(1, Manner::EchoLost.into());
    let asked = tokio::spawn({
        let (bus, pulse) = (bus.clone(), pulse.clone());
        async move { bus.exchange(pulse, LIMIT, soon()).await }
    });
    next(&mut moved).await;
    line.unplug().await.unwrap();
    let error = asked.await.unwrap().unwrap_err();
    assert!(matches!(error, BusError::Lost { .. }) && error.may_have_acted(), "{error}");
    line_is(&bus, false).await;
    assert!(!line.path().is_symlink(), "its name is gone");

    line.set_faults(1, BoardFaults::default());
    line.replug().await.unwrap();
    line_is(&bus, true).await;
    ask(&bus, &pulse).await.unwrap();
    next(&mut moved).await;
    drop(line);
    line_is(&bus, false).await;
}
