//! Scanners, turnstiles and printers, each with its twin.

use std::{
    collections::VecDeque,
    time::{Duration, Instant as Wall},
};

use paifang::{
    app::field::{Outcome, Printer, PrinterAt, slip},
    config::Language,
    http::ports::Slip,
    io::serial::{Bus, Framing, LineStatus, ListenHandle, SerialSettings},
    types::{DeviceId, TicketId},
};
use paifang_devices::{
    Capability, DeviceEvent, Exchange, InputRole, LotTurnstile, Profile, Protocol, RelayBoard,
    ScanReader, Transport, Way,
    escpos::{Align, Block, Document, Escpos, Size},
    relay_board,
    turnstile_lot::{self, CountReading, SideState},
};
use paifang_sim::wire::{
    BoardSettings, Line, LotFaults, Printer as PrinterTwin, Pty, RelayKind, Scanner, ScannerManner,
};
use tokio::sync::mpsc;

use crate::{Used, support::*};

/// The daemon's end of a scanner's port.
struct Ear {
    reader: ScanReader,
    line: ListenHandle,
    heard: mpsc::Receiver<Vec<u8>>,
    events: VecDeque<DeviceEvent>,
    start: Wall,
}

impl Ear {
    async fn of(profile: &Profile, scanner: &Scanner) -> Self {
        let (sink, heard) = mpsc::channel(16);
        let line = Bus::listen(settings(profile, scanner.path()), sink);
        let mut status = line.status();
        within("the port", status.wait_for(|status| *status == LineStatus::Up)).await.unwrap();
        let reader = ScanReader::new(profile).unwrap();
        Self { reader, line, heard, events: VecDeque::new(), start: now() }
    }

    async fn next(&mut self) -> DeviceEvent {
        loop {
            if let Some(event) = self.events.pop_front() {
                return event;
            }
            let now_ms = |ear: &Self| ear.start.elapsed().as_millis() as i64;
            let wake = self.reader.wake_at_ms().map(|at_ms| at_ms - now_ms(self));
            let pause = Duration::from_millis(wake.map_or(60_000, |ms| ms.max(0) as u64));
            let events = tokio::select! {
                piece = within("a code", self.heard.recv()) => {
                    let at_ms = now_ms(self);
                    self.reader.feed(&piece.unwrap(), at_ms)
                }
                () = tokio::time::sleep(pause) => {
                    let at_ms = now_ms(self);
                    self.reader.idle(at_ms)
                }
            };
            self.events.extend(events);
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the clock of a scanner's pauses")]
fn now() -> Wall {
    Wall::now()
}

fn settings(profile: &Profile, path: &std::path::Path) -> SerialSettings {
    let (path, baud) = (path.to_str().unwrap().to_owned(), profile.baud().unwrap());
    SerialSettings { path, baud, gap: Duration::ZERO, framing: Framing::default() }
}

/// Codes with every tail the profile takes, one held there, a heart-beat, a command.
pub(crate) async fn scanner(profile: &Profile) -> Used {
    let tails = [&b"\r"[..], b"\n", b"\r\n", b"\t", b""];
    let manners: Vec<ScannerManner> = match profile.protocol {
        Protocol::Reader55Aa => vec![ScannerManner::Frames { command: 0x30 }],
        _ => tails.map(|tail| ScannerManner::Text { tail: tail.to_vec() }).to_vec(),
    };
    for manner in manners {
        let scanner = Scanner::start(Pty::open().unwrap(), manner);
        let mut ear = Ear::of(profile, &scanner).await;
        let code = |text: &str| DeviceEvent::Scanned { text: text.into() };
        scanner.scan("PF1:NCFB60");
        assert_eq!(ear.next().await, code("PF1:NCFB60"));
        scanner.scan("PF1:NCFB60");
        // By pieces, as a slow line gives it.
        for piece in scanner.written(b"PF1:OTHER").chunks(4) {
            scanner.say(piece);
        }
        let event = ear.next().await;
        let glued = code("PF1:NCFB60PF1:OTHER");
        assert!(
            [code("PF1:OTHER"), glued].contains(&event),
            "the held one is told once: {event:?}"
        );
        if profile.name == "scanner/vguang-serial" {
            scanner.say(b"www.vguang.cn\r\n");
            assert_eq!(ear.next().await, DeviceEvent::KeepAlive { clock_ms: None });
        }
        if let Some(commands) = ear.reader.commands() {
            ear.line.write(commands.trigger(), soon()).await.unwrap();
            let answer = ear.next().await;
            assert!(matches!(answer, DeviceEvent::CommandReply { accepted: true, .. }));
            assert_eq!(scanner.commands(), [commands.trigger()]);
        }
        assert_eq!(ear.reader.faults(), []);
    }
    Used::from([Capability::Scan])
}

async fn counted(
    bus: &paifang::io::serial::BusHandle,
    turnstile: &LotTurnstile,
    way: Way,
) -> (u32, usize) {
    let mut reading = CountReading::new(way);
    for asked in 1.. {
        let exchange = reading.next(turnstile);
        let reply = ask(bus, &exchange).await.unwrap();
        if let Some(count) = reading.heard(&exchange, &reply).unwrap() {
            return (count, asked);
        }
    }
    unreachable!("the numbers are without end")
}

pub(crate) async fn lot(profile: &Profile) -> Used {
    let turnstile = LotTurnstile::new(profile, None).unwrap();
    let address = turnstile.address();
    let line = Line::start_with(Pty::open().unwrap(), &[], 0, &[address]);
    let bus = bus(&line, profile.baud().unwrap()).await;
    let told = async |exchange: &Exchange| {
        let reply = ask(&bus, exchange).await.unwrap();
        turnstile_lot::accepted(exchange, &reply)
    };
    for way in [Way::In, Way::Out] {
        assert!(line.set_count(address, way, 0xFFFF) && !line.walk(address, way));
        told(&turnstile.grant(way)).await.unwrap();
        let asked = turnstile.read_state(way);
        let reply = ask(&bus, &asked).await.unwrap();
        assert_eq!(turnstile_lot::state(&asked, &reply), Ok(SideState::Counted));
        assert_eq!(counted(&bus, &turnstile, way).await.0, 0xFFFF, "nobody went yet");
        // Somebody goes while the counter is read: its words do not belong together.
        let between = LotFaults { goes_between: true, ..LotFaults::default() };
        assert!(line.set_lot_faults(address, between));
        assert_eq!(counted(&bus, &turnstile, way).await, (0x1_0000, 4));
        assert!(line.walk(address, way) && !line.walk(address, way), "one pass, one person");
        assert_eq!(line.counted(address, way), Some(0x1_0001));
        told(&turnstile.free(way)).await.unwrap();
        assert!((0..3).all(|_| line.walk(address, way)));
        told(&turnstile.close(way)).await.unwrap();
        assert!(!line.walk(address, way));
    }
    // A pass that nobody uses ends by itself and counts nothing.
    let short = LotFaults { pass_life: Some(Duration::ZERO), ..LotFaults::default() };
    line.set_lot_faults(address, short);
    told(&turnstile.grant(Way::In)).await.unwrap();
    assert!(!line.walk(address, Way::In));
    line.set_lot_faults(address, LotFaults { refuses: Some(4), error: 3, ..LotFaults::default() });
    assert!(told(&turnstile.grant(Way::In)).await.is_err());
    line.set_lot_faults(address, LotFaults { error: 3, ..LotFaults::default() });
    let asked = turnstile.read_errors();
    assert_eq!(turnstile_lot::errors(&asked, &ask(&bus, &asked).await.unwrap()), Ok(3));
    Used::from([Capability::GrantPass])
}

/// A pulse on the way's terminal, and the contact of the one who goes.
pub(crate) async fn relay_turnstile(profile: &Profile) -> Used {
    let board = RelayBoard::new(profile, None).unwrap();
    let (address, own) = (board.address(), board.settings().clone());
    let twin = BoardSettings { address, relays: own.relays, inputs: own.inputs };
    let line = Line::start(Pty::open().unwrap(), &[twin], 0);
    let (bus, mut moved) = (bus(&line, own.baud).await, line.relay_events());
    let ms = profile.timings.open_pulse_ms.unwrap();
    let (passage, _) = profile.inputs().find(|(_, role)| *role == InputRole::Passage).unwrap();
    for relay in [Some(own.open_relay), own.close_relay].into_iter().flatten() {
        let pulse = board.pulse(relay, ms).unwrap();
        relay_board::accepted(&pulse, &ask(&bus, &pulse).await.unwrap()).unwrap();
        let event = next(&mut moved).await;
        assert_eq!((event.relay, event.kind), (relay, RelayKind::Pulse { ms }));
        for goes in [true, false] {
            assert!(line.set_input(address, passage, goes));
            let inputs = board.read_inputs(passage).unwrap();
            let states = relay_board::states(&inputs, &ask(&bus, &inputs).await.unwrap()).unwrap();
            assert_eq!(states[usize::from(passage) - 1], goes);
        }
    }
    Used::from([Capability::GrantPass, Capability::Inputs])
}

pub(crate) async fn printer(profile: &Profile) -> Used {
    let (twin, at) = if profile.transport == Transport::Tcp {
        let twin = PrinterTwin::tcp().await.unwrap();
        let at = PrinterAt::Net(twin.address().unwrap().to_string());
        (twin, at)
    } else {
        let twin = PrinterTwin::serial(Pty::open().unwrap());
        let at = PrinterAt::Line(settings(profile, twin.path()));
        (twin, at)
    };
    let id = DeviceId::parse("printer").unwrap();
    let escpos = Escpos::new(profile).unwrap();
    let (task, handle) = Printer::new(id, escpos, at, Duration::from_millis(300));
    tokio::spawn(task.run());
    let mut page = Document::default();
    page.text("停车费收据", Size::Double, Align::Center, true).line("车牌 京A12345");
    page.push(Block::Qr { text: "PF2611230001".into(), module_dots: 5 }).push(Block::Cut);
    let outcome = within("the paper", handle.print(page)).await;
    assert_eq!(outcome, Outcome::Printed);
    assert_eq!(twin.lines()[..2], ["停车费收据", "车牌 京A12345"]);
    assert_eq!((twin.cuts(), twin.unknown().len()), (1, 0));
    assert!(reads(&twin.picture()).is_none_or(|said| said == "PF2611230001"));
    twin.tear_off();
    let ticket = ticket();
    let outcome = within("the ticket", handle.print(slip(Language::Zh, "云台山", &ticket))).await;
    assert_eq!(outcome, Outcome::Printed);
    assert!(twin.lines().iter().any(|line| line == &ticket.typed), "{:?}", twin.lines());
    assert!(reads(&twin.picture()).is_none_or(|said| said == ticket.code));
    Used::from([Capability::Print])
}

/// As long as a signed code is.
fn ticket() -> Slip {
    Slip {
        product: "成人票".into(),
        persons: 5,
        when: "2026-11-24 周二 09:00-11:00".into(),
        until: "11-24 11:30".into(),
        place: "东园".into(),
        visitor: Some("张* 110***********002X".into()),
        price: "¥400.00".into(),
        ticket: TicketId(42),
        code: format!("PT1{}$.A:X", "7WE*Q ".repeat(22)),
        typed: "4F7QK-92MXT".into(),
        again: 1,
        invoice: Some(("https://park.example/i".into(), "7K3M9Q".into())),
    }
}

/// What zbarimg, a reader by other hands, sees on the paper. `None`: it is not installed.
fn reads(picture: &[u8]) -> Option<String> {
    static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let number = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let name = format!("paifang-receipt-{}-{number}.pgm", std::process::id());
    let file = std::env::temp_dir().join(name);
    std::fs::write(&file, picture).unwrap();
    let seen = std::process::Command::new("zbarimg").args(["--raw", "-q"]).arg(&file).output();
    std::fs::remove_file(&file).unwrap();
    let Ok(seen) = seen else {
        eprintln!("left out: zbarimg is not installed");
        return None;
    };
    Some(String::from_utf8_lossy(&seen.stdout).trim().to_owned())
}
