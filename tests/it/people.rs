//! A code on one serial line opens a turnstile on another; who does not go is given back; a power cut in between is
//! resolved by the turnstile's counter; a fire opens every way out. The program is the real one.

use std::path::Path;

use jiff::Timestamp;
use paifang::core::lane::OperatorAct;
use paifang_devices::Way;
use paifang_sim::{
    site::Attendant,
    wire::{BoardSettings, Line, Pty, Scanner, ScannerManner},
};
use tokio::runtime::Runtime;

use super::support::{Daemon, Folder, Site, sql, wait_for};

const PASSWORD: &str = "a password for this test";
/// Addresses on the line.
const BOARD: u8 = 1;
const TURNSTILE: u8 = 2;
const CLOSED_LIMIT: u8 = 4;
const FIRE: u8 = 5;

fn devices(lines: &Path) -> String {
    let at = |name: &str| lines.join(name).display().to_string();
    format!(
        r#"
        [[bus]]
        id = "line"
        path = "{}"
        [[bus]]
        id = "scan"
        path = "{}"
        [[device]]
        id = "cam"
        profile = "camera/vzenith-mqtt"
        sn = "sim-1"
        [[device]]
        id = "board"
        profile = "barrier/waveshare-modbus"
        bus = "line"
        address = {BOARD}
        [[device]]
        id = "lot"
        profile = "turnstile/lot-modbus"
        bus = "line"
        address = {TURNSTILE}
        [[device]]
        id = "scanner"
        profile = "scanner/ascii-generic"
        bus = "scan"
        [[lane]]
        id = "exit-1"
        direction = "exit"
        camera = "cam"
        barrier = "board"
        inputs = {{ arrival = 1, safety = 2, open_limit = 3, closed_limit = {CLOSED_LIMIT}, fire = {FIRE} }}
        [[lane]]
        id = "gate"
        kind = "people"
        direction = "entry"
        scanner = "scanner"
        turnstile = "lot"
        times = {{ walk_s = 2 }}
        "#,
        at("line"),
        at("scan"),
    )
}

/// The site, its lines, and the program that runs it.
struct Gate {
    runtime: Runtime,
    line: Line,
    scanner: Scanner,
    attendant: Attendant,
    daemon: Option<Daemon>,
    site: Site,
    _lines: Folder,
}

impl Gate {
    fn open() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let lines = Folder::new();
        let (line, scanner) = {
            let _inside = runtime.enter();
            let pty = |name: &str| Pty::linked(lines.path().join(name)).unwrap();
            let manner = ScannerManner::Text { tail: b"\r".to_vec() };
            let boards = [BoardSettings::eight(BOARD)];
            let line = Line::start_with(pty("line"), &boards, 0, &[TURNSTILE]);
            (line, Scanner::start(pty("scan"), manner))
        };
        line.set_input(BOARD, CLOSED_LIMIT, true);
        line.set_count(TURNSTILE, Way::In, 65_535);
        let site = Site::new(&devices(lines.path()), "[mqtt]\ncam = \"x\"\n");
        let mut daemon = site.start();
        let one_time = daemon.first_line().split_whitespace().last().map(str::to_owned);
        let url = format!("http://{}", site.http);
        let attendant = Attendant::new(&url, PASSWORD, one_time).unwrap();
        runtime.block_on(attendant.sign_in()).unwrap();
        let gate =
            Self { runtime, line, scanner, attendant, daemon: Some(daemon), site, _lines: lines };
        gate.is("idle");
        gate
    }

    fn is(&self, phase: &str) {
        self.holds("select body ->> 'phase' from gate", phase);
    }

    fn holds(&self, question: &str, answer: &str) {
        wait_for(&format!("{answer} of {question}"), || {
            (sql(&self.site, question) == answer).then_some(())
        });
    }

    fn sell(&self, code: &str, persons: u32) {
        let until: Timestamp = "2100-01-01T00:00:00Z".parse().unwrap();
        let id = self.runtime.block_on(self.attendant.sell(code, persons, until));
        assert!(id.is_some(), "{code} was not sold");
    }

    fn admission(&self, id: u32, state: &str) {
        self.holds(&format!("select state from admission where id = {id}"), state);
    }

    fn walks(&self) {
        wait_for("the turnstile to open", || self.line.walk(TURNSTILE, Way::In).then_some(()));
    }

    fn checks(&self) {
        let checked = self.site.run(&["check", "--journal"]);
        let told = String::from_utf8_lossy(&checked.stderr).into_owned();
        assert!(checked.status.success(), "{told}{}", String::from_utf8_lossy(&checked.stdout));
    }
}

#[test]
fn a_code_opens_the_turnstile_once_and_who_does_not_go_is_given_back() {
    let mut gate = Gate::open();
    assert!(!gate.line.walk(TURNSTILE, Way::In), "closed before anybody scanned");
    gate.sell("T-1", 1);
    gate.sell("T-2", 1);
    gate.sell("T-3", 1);
    gate.scanner.scan("T-1");
    gate.walks();
    gate.admission(1, "used");
    gate.scanner.scan("T-2");
    gate.admission(2, "given_back");
    gate.holds("select used + held from ticket where id = 2", "0");
    assert!(!gate.line.walk(TURNSTILE, Way::In), "it was taken back");
    gate.is("idle");
    // The power goes between the pass and the person.
    gate.scanner.scan("T-3");
    gate.admission(3, "granted");
    gate.walks();
    gate.daemon.take().unwrap().kill();
    gate.daemon = Some(gate.site.start());
    gate.admission(3, "used");
    gate.is("idle");
    let log = gate.daemon.as_ref().unwrap().log();
    assert!(!log.contains("T-1") && !log.contains("T-3"), "a code is in the log");
    gate.daemon.take().unwrap().stop();
    gate.checks();
}

#[test]
fn a_fire_opens_the_exits_and_the_turnstile_both_ways_until_somebody_releases_them() {
    let mut gate = Gate::open();
    gate.line.set_input(BOARD, FIRE, true);
    gate.is("held_free");
    gate.holds("select body ->> 'phase' from lane", "held_open");
    wait_for("the arm's relay", || gate.line.relay(BOARD, 1).then_some(()));
    wait_for("both ways", || {
        (gate.line.walk(TURNSTILE, Way::In) && gate.line.walk(TURNSTILE, Way::Out)).then_some(())
    });
    let release = |gate: &Gate| {
        let told = gate.attendant.operate("gate", OperatorAct::Release, "no fire any more");
        gate.runtime.block_on(told)
    };
    let refused = format!("{:?}", release(&gate));
    assert!(refused.contains("Refused"), "while the contact is on: {refused}");
    gate.line.set_input(BOARD, FIRE, false);
    gate.holds("select count(*) from alarm where kind = '\"fire_alarm\"'", "0");
    assert!(
        gate.line.relay(BOARD, 1) && gate.line.walk(TURNSTILE, Way::Out),
        "nothing closes by itself"
    );
    assert_eq!(format!("{:?}", release(&gate)), "Done");
    gate.is("idle");
    assert!(!gate.line.walk(TURNSTILE, Way::In) && !gate.line.walk(TURNSTILE, Way::Out));
    gate.daemon.take().unwrap().stop();
    gate.checks();
}
