//! A code on one serial line opens a turnstile on another; who does not go is given back; a power cut in between is
//! resolved by the turnstile's counter; a fire opens every way out. The program is the real one.

use std::path::Path;

use jiff::Timestamp;
use paifang::{
    core::{
        lane::OperatorAct,
        rules::TicketRules,
        ticket::{Medium, Ticket},
    },
    tickets::{SiteCode, TicketKeys},
    types::{CodeDigest, TicketId},
};
use paifang_devices::Way;
use paifang_sim::{
    site::Attendant,
    wire::{BoardSettings, Line, Pty, Scanner, ScannerManner},
};
use tokio::runtime::Runtime;

use super::support::{self, Daemon, Folder, Site, sql, wait_for};

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

/// Told by the command line beside the running program.
impl Gate {
    fn told(&self, arguments: &[&str], is_well: bool) -> String {
        let output = self.site.run(arguments);
        let text = String::from_utf8(output.stdout).unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.success(), is_well, "{arguments:?}: {text}{error}");
        text + &error
    }

    /// A new ticket's number, signed code and the code that is typed.
    fn issue(&self, persons: &str) -> (String, String, String) {
        let until = "2100-01-01T00:00Z";
        let text = self.told(&["ticket", "issue", "--persons", persons, "--until", until], true);
        let after = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name));
            line.unwrap_or_else(|| panic!("{name}: {text}")).trim().to_owned()
        };
        (after("ticket "), after("code "), after("typed "))
    }

    /// The scan is turned away, and for this.
    fn refuses(&self, code: &str, why: &str) {
        let count = "select count(*) from journal where kind = 'scan_refused'";
        let before: u32 = sql(&self.site, count).parse().unwrap();
        self.scanner.scan(code);
        self.holds(count, &(before + 1).to_string());
        let last = "select body ->> 'why' from journal where kind = 'scan_refused' order by seq desc limit 1";
        let told = sql(&self.site, last);
        assert!(told.contains(why), "{told}, not {why}");
        assert!(!self.line.walk(TURNSTILE, Way::In), "{why} let somebody in");
    }
}

#[test]
fn signed_codes_open_once_and_what_is_wrong_with_others_is_told() {
    let mut gate = Gate::open();
    let (id, code, typed) = gate.issue("2");
    gate.scanner.scan(&code);
    gate.walks();
    gate.admission(1, "used");
    gate.is("idle");
    // Bad codes of each kind, and the ticket's second person behind them all.
    gate.refuses(&code[..139], "unreadable");
    // No scanner sends so much: its line is left unread to its end, and the next one counts.
    gate.scanner.scan(&format!("PT1{}", "0".repeat(4_093)));
    gate.refuses(&forged(&code), "forged");
    let elsewhere = TicketKeys::of(&[5; 32], &[6; 32], SiteCode::of("elsewhere")).unwrap();
    gate.refuses(&elsewhere.code(&ticket(&id), &TicketRules::default()), "other_site");
    gate.scanner.scan(&typed);
    gate.walks();
    gate.admission(2, "used");
    gate.is("idle");
    // In small letters: to the scanner it is another code than the one it has just seen.
    gate.refuses(&code.to_ascii_lowercase(), "used_up");

    let told = support::paifang().args(["ticket", "inspect", &code]).output().unwrap();
    let told = String::from_utf8(told.stdout).unwrap();
    assert!(told.contains(&format!("ticket       {id}, edition 0")), "{told}");
    assert!(gate.told(&["ticket", "verify", &code], false).contains("all its persons came in"));
    let (id, code, _) = gate.issue("1");
    assert!(gate.told(&["ticket", "verify", &code], true).ends_with("good\n"));
    gate.told(&["ticket", "revoke", &id, "--reason", " "], false);
    gate.told(&["ticket", "revoke", &id, "--reason", "torn"], true);
    gate.refuses(&code, "revoked");
    assert!(gate.told(&["ticket", "verify", &code], false).contains("was revoked"));

    // A new key signs, what the old one signed is good for its overlap.
    let (_, old, _) = gate.issue("1");
    let exported = gate.told(&["ticket", "keys", "export"], true);
    gate.daemon.take().unwrap().stop();
    assert!(
        gate.told(&["ticket", "keys", "rotate", "--overlap-days", "30"], true).contains("key 2")
    );
    gate.daemon = Some(gate.site.start());
    gate.is("idle");
    let (_, new, _) = gate.issue("1");
    gate.scanner.scan(&old);
    gate.walks();
    gate.admission(3, "used");
    gate.is("idle");
    gate.scanner.scan(&new);
    gate.walks();
    gate.admission(4, "used");
    let keys = gate.site.folder.write("keys.json", &exported, 0o644);
    let with = |code: &str, is_well| {
        gate.told(&["ticket", "verify", code, "--keys", keys.to_str().unwrap()], is_well)
    };
    assert!(with(&old, true).contains("signed by key 1"));
    assert!(with(&new, false).contains("no key of this site"), "exported before it was made");
    let listed = gate.told(&["ticket", "keys", "list"], true);
    assert!(listed.contains("good until") && listed.contains("signs"), "{listed}");
    let pem = gate.told(&["ticket", "keys", "export", "--format", "pem"], true);
    assert_eq!(pem.matches("-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA").count(), 2, "{pem}");
    // Without overlap, what the keys before it signed is good no more.
    gate.daemon.take().unwrap().stop();
    let (site, lines) =
        (&gate.site, gate.told(&["ticket", "keys", "rotate", "--overlap-days", "0"], true));
    assert!(lines.contains("key 3"), "{lines}");
    gate.daemon = Some(site.start());
    gate.is("idle");
    let told = gate.told(&["ticket", "verify", &new], false);
    assert!(told.contains("its key is good no more"), "{told}");
    gate.refuses(&new, "key_retired");
    gate.daemon.take().unwrap().stop();
    gate.checks();
}

/// One letter of the signature is another.
fn forged(code: &str) -> String {
    let at = (63..120).step_by(3).find(|at| code.as_bytes()[*at] != b'0').unwrap();
    format!("{}0{}", &code[..at], &code[at + 1..])
}

/// As another site would sell it.
fn ticket(id: &str) -> Ticket {
    let begin: Timestamp = "2026-11-23T00:00:00Z".parse().unwrap();
    Ticket {
        id: TicketId(id.parse().unwrap()),
        digest: CodeDigest::of("elsewhere"),
        persons: 1,
        used: 0,
        held: 0,
        valid_from: begin,
        valid_until: "2100-01-01T00:00:00Z".parse().unwrap(),
        revoked: false,
        expired: false,
        made_at: begin,
        made_by: "elsewhere".into(),
        revoked_by: String::new(),
        areas: Vec::new(),
        sold: None,
        edition: 0,
        medium: Medium::Any,
        visitor: None,
    }
}
