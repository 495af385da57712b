//! Two real daemons of one site, each with a turnstile and a scanner, and a network between them that can be cut: one
//! ticket before both at once; who is let in while they are apart; killed and started again.

use std::{
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use paifang_devices::Way;
use paifang_sim::{
    site::Attendant,
    wire::{Line, Pty, Scanner, ScannerManner},
};
use tokio::runtime::Runtime;

use super::support::{Daemon, Folder, Site, sql, wait_for};

const PASSWORD: &str = "a password for this test";
const SECRET: &str = "[sister]\nother = \"a secret that both daemons have\"\n";
const TURNSTILE: u8 = 2;
const ROUNDS: usize = 25;

/// Carries bytes to the daemon behind it, until it is cut: then it takes them and says nothing, as a network does that
/// drops packets.
struct Cable {
    at: SocketAddr,
    to: Arc<Mutex<Option<SocketAddr>>>,
    cut: Arc<AtomicBool>,
    open: Arc<Mutex<Vec<TcpStream>>>,
}

impl Cable {
    fn lay() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let cable = Self {
            at: listener.local_addr().unwrap(),
            to: Arc::default(),
            cut: Arc::default(),
            open: Arc::default(),
        };
        let (to, cut, open) = (cable.to.clone(), cable.cut.clone(), cable.open.clone());
        thread::spawn(move || {
            for near in listener.incoming().flatten() {
                open.lock().unwrap().push(near.try_clone().unwrap());
                let Some(far) = *to.lock().unwrap() else { continue };
                let Ok(far) = TcpStream::connect(far) else { continue };
                open.lock().unwrap().push(far.try_clone().unwrap());
                for (from, into) in [(&near, &far), (&far, &near)] {
                    let (from, into) = (from.try_clone().unwrap(), into.try_clone().unwrap());
                    let cut = cut.clone();
                    thread::spawn(move || carry(from, into, &cut));
                }
            }
        });
        cable
    }

    fn leads_to(&self, at: SocketAddr) {
        *self.to.lock().unwrap() = Some(at);
    }

    /// What was on its way is lost; a new connection is needed once it is mended.
    fn set_cut(&self, is_cut: bool) {
        self.cut.store(is_cut, Ordering::SeqCst);
        if !is_cut {
            for stream in self.open.lock().unwrap().drain(..) {
                let _ = stream.shutdown(Shutdown::Both);
            }
        }
    }
}

fn carry(mut from: TcpStream, mut into: TcpStream, cut: &AtomicBool) {
    let mut piece = [0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut piece) {
        if !cut.load(Ordering::SeqCst) && into.write_all(&piece[..count]).is_err() {
            break;
        }
    }
    let _ = into.shutdown(Shutdown::Write);
}

fn site_file(lines: &Path, issuer: u8, sister: SocketAddr, rule: &str) -> String {
    let at = |name: &str| lines.join(name).display().to_string();
    format!(
        r#"
        [tickets]
        issuer = {issuer}
        site_code = "two daemons"
        [[sister]]
        name = "other"
        issuer = {other}
        url = "http://{sister}"
        {rule}
        [[bus]]
        id = "line"
        path = "{line}"
        [[bus]]
        id = "scan"
        path = "{scan}"
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
        id = "gate"
        kind = "people"
        direction = "entry"
        scanner = "scanner"
        turnstile = "lot"
        times = {{ walk_s = 3 }}
        "#,
        other = 3 - issuer,
        line = at("line"),
        scan = at("scan"),
    )
}

struct End {
    line: Line,
    scanner: Scanner,
    attendant: Attendant,
    daemon: Option<Daemon>,
    site: Site,
    _lines: Folder,
}

impl End {
    fn holds(&self, question: &str, answer: &str) {
        wait_for(&format!("{answer} of {question}"), || {
            (sql(&self.site, question) == answer).then_some(())
        });
    }

    fn count(&self, question: &str) -> usize {
        sql(&self.site, &format!("select count(*) from {question}")).parse().unwrap()
    }

    /// Persons who went through its own turnstile.
    fn went(&self) -> usize {
        self.count("admission where state = 'used' and body ->> 'lent_to' is null")
    }

    fn refused(&self, why: &str) -> usize {
        self.count(&format!(
            "journal where kind = 'scan_refused' and body ->> 'why' = '{why}' and body ->> 'lane' = 'gate'"
        ))
    }

    fn walks(&self) -> bool {
        self.line.walk(TURNSTILE, Way::In)
    }

    fn is_idle(&self) {
        self.holds("select body ->> 'phase' from gate", "idle");
    }

    fn stop(&mut self) {
        self.daemon.take().unwrap().stop();
        let checked = self.site.run(&["check", "--journal"]);
        let told = String::from_utf8_lossy(&checked.stderr).into_owned();
        assert!(checked.status.success(), "{told}{}", String::from_utf8_lossy(&checked.stdout));
    }
}

/// The two, `home` sells.
struct Pair {
    runtime: Runtime,
    home: End,
    away: End,
    cables: [Cable; 2],
    sold: usize,
}

impl Pair {
    fn open(rule: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let cables = [Cable::lay(), Cable::lay()];
        let mut keys = None;
        let mut end = |issuer: u8, own: &Cable, sisters: &Cable| {
            let lines = Folder::new();
            let (line, scanner) = {
                let _inside = runtime.enter();
                let pty = |name: &str| Pty::linked(lines.path().join(name)).unwrap();
                let manner = ScannerManner::Text { tail: b"\r".to_vec() };
                let line = Line::start_with(pty("line"), &[], 0, &[TURNSTILE]);
                (line, Scanner::start(pty("scan"), manner))
            };
            let text = site_file(lines.path(), issuer, sisters.at, rule);
            let site = Site::new(&text, SECRET);
            own.leads_to(site.http);
            let folder = site.folder.path().join("data/ticket-keys");
            match &keys {
                None => keys = Some(folder),
                Some(first) => copy(first, &folder),
            }
            let mut daemon = site.start();
            let one_time = daemon.first_line().split_whitespace().last().map(str::to_owned);
            let url = format!("http://{}", site.http);
            let attendant = Attendant::new(&url, PASSWORD, one_time).unwrap();
            runtime.block_on(attendant.sign_in()).unwrap();
            End { line, scanner, attendant, daemon: Some(daemon), site, _lines: lines }
        };
        let home = end(1, &cables[0], &cables[1]);
        let away = end(2, &cables[1], &cables[0]);
        let pair = Self { runtime, home, away, cables, sold: 0 };
        pair.home.is_idle();
        pair.away.is_idle();
        pair.meet();
        pair
    }

    /// Sold at home, and known away once the two have spoken.
    fn sell(&mut self) -> String {
        self.sold += 1;
        let code = format!("TICKET-{}", self.sold);
        self.sell_at(true, &code);
        code
    }

    fn sell_at(&self, at_home: bool, code: &str) {
        let until: Timestamp = "2100-01-01T00:00:00Z".parse().unwrap();
        let end = if at_home { &self.home } else { &self.away };
        assert!(self.runtime.block_on(end.attendant.sell(code, 1, until)).is_some());
    }

    fn known_away(&self) {
        self.away.holds("select count(*) from ticket where id >> 40 = 1", &self.sold.to_string());
    }

    fn part(&self) {
        self.cables.iter().for_each(|cable| cable.set_cut(true));
        let question = "select count(*) from alarm where kind = '\"sister_apart\"'";
        self.home.holds(question, "1");
        self.away.holds(question, "1");
    }

    fn meet(&self) {
        self.cables.iter().for_each(|cable| cable.set_cut(false));
        let question = "select count(*) from alarm where kind = '\"sister_apart\"'";
        self.home.holds(question, "0");
        self.away.holds(question, "0");
    }
}

/// The same code, which a scanner takes for another look.
fn again(code: &str) -> String {
    format!("{code} ")
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    let mode = std::fs::metadata(from).unwrap().permissions();
    std::fs::set_permissions(to, mode).unwrap();
    for file in std::fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
}

#[test]
fn one_ticket_before_both_at_once_lets_one_in_each_time_also_over_a_kill() {
    let mut pair = Pair::open("patience_ms = 2000");
    for round in 1..=ROUNDS {
        let code = pair.sell();
        pair.known_away();
        pair.away.scanner.scan(&code);
        if round % 2 == 0 {
            // The one that has to ask is first for once; else the home is, which needs to ask nobody.
            pair.home.holds("select count(*) from ticket where held = 1", "1");
        }
        pair.home.scanner.scan(&code);
        wait_for("one to walk", || (pair.home.walks() || pair.away.walks()).then_some(()));
        wait_for("one person and one refusal", || {
            let [home, away] = [&pair.home, &pair.away];
            let went = home.went() + away.went();
            assert!(went <= round, "two came in in round {round}");
            let refused = home.refused("used_up") + away.refused("used_up");
            (went == round && refused == round).then_some(())
        });
        assert!(!pair.home.walks() && !pair.away.walks(), "one way is enough in round {round}");
    }
    pair.home.holds(
        "select count(*) from ticket where id >> 40 = 1 and used = 1 and held = 0",
        &ROUNDS.to_string(),
    );
    assert!(pair.away.went() > 0, "the one that has to ask was never first");

    // The power goes away between the pass and the person.
    let code = pair.sell();
    pair.known_away();
    pair.away.scanner.scan(&code);
    pair.away.holds("select count(*) from admission where state = 'granted'", "1");
    wait_for("the turnstile", || pair.away.walks().then_some(()));
    pair.away.daemon.take().unwrap().kill();
    pair.away.daemon = Some(pair.away.site.start());
    pair.home.holds("select count(*) from ticket where held = 1", "0");
    pair.home.holds("select count(*) from ticket where used = 1", &(ROUNDS + 1).to_string());
    let before = pair.home.refused("used_up");
    pair.home.scanner.scan(&code);
    wait_for("a refusal", || (pair.home.refused("used_up") > before).then_some(()));
    assert!(!pair.home.walks());
    // And at home, with a person kept for the other.
    let code = pair.sell();
    pair.known_away();
    pair.away.scanner.scan(&code);
    pair.home.holds("select count(*) from ticket where held = 1", "1");
    pair.home.daemon.take().unwrap().kill();
    wait_for("the turnstile", || pair.away.walks().then_some(()));
    pair.home.daemon = Some(pair.home.site.start());
    pair.home.holds("select count(*) from ticket where used = 1", &(ROUNDS + 2).to_string());
    pair.away.holds("select count(*) from register where kind = 'sister_ask' and is_open = 1", "0");
    assert_eq!(pair.home.count("register where kind = 'task'"), 0);
    pair.home.stop();
    pair.away.stop();
}

#[test]
fn apart_only_the_home_lets_in_and_nobody_waits_behind_the_question() {
    let mut pair = Pair::open("");
    let [one, two] = [pair.sell(), pair.sell()];
    pair.known_away();
    pair.sell_at(false, "OWN");
    pair.cables.iter().for_each(|cable| cable.set_cut(true));
    // Nobody knows yet that they are apart: the question is waited for, and others pass meanwhile.
    let begun = Instant::now();
    pair.away.scanner.scan(&one);
    pair.away.scanner.scan("OWN");
    wait_for("its own visitor", || pair.away.walks().then_some(()));
    wait_for("the refusal", || (pair.away.refused("apart") == 1).then_some(()));
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    pair.part();
    pair.away.scanner.scan(&two);
    wait_for("the refusal", || (pair.away.refused("apart") == 2).then_some(()));
    pair.home.scanner.scan(&two);
    wait_for("the home", || pair.home.walks().then_some(()));
    pair.home.holds("select count(*) from ticket where used = 1 and id >> 40 = 1", "1");
    pair.meet();
    pair.away.scanner.scan(&again(&two));
    wait_for("the refusal", || (pair.away.refused("used_up") == 1).then_some(()));
    pair.away.scanner.scan(&again(&one));
    wait_for("the other", || pair.away.walks().then_some(()));
    pair.home
        .holds("select count(*) from ticket where used = 1 and held = 0 and id >> 40 = 1", "2");
    pair.home.stop();
    pair.away.stop();
}

#[test]
fn apart_both_let_in_where_the_site_says_so_and_who_came_in_twice_is_told() {
    let mut pair = Pair::open("when_apart = \"admit\"");
    let [once, twice] = [pair.sell(), pair.sell()];
    pair.known_away();
    pair.part();
    for code in [&once, &twice] {
        let before = pair.away.went();
        pair.away.scanner.scan(code);
        wait_for("the one away", || pair.away.walks().then_some(()));
        wait_for("its end", || (pair.away.went() > before).then_some(()));
    }
    pair.home.scanner.scan(&twice);
    wait_for("the home", || pair.home.walks().then_some(()));
    wait_for("its end", || (pair.home.went() == 1).then_some(()));
    // Also over a restart: what is to be told is on disk.
    pair.away.daemon.take().unwrap().kill();
    pair.away.daemon = Some(pair.away.site.start());
    pair.meet();
    pair.home.holds("select count(*) from ticket where used = 1", "2");
    let task = "select count(*) from register where kind = 'task' and body -> 'about' ->> 'is' = 'admitted_twice'";
    pair.home.holds(task, "1");
    pair.away.holds(task, "1");
    assert_eq!(pair.home.count("admission where body ->> 'double' = 1"), 1);
    pair.home.stop();
    pair.away.stop();
}

#[test]
fn apart_neither_lets_in_where_the_site_says_so() {
    let mut pair = Pair::open("when_apart = \"refuse\"");
    let code = pair.sell();
    pair.known_away();
    pair.part();
    pair.home.scanner.scan(&code);
    pair.away.scanner.scan(&code);
    wait_for("both to refuse", || {
        (pair.home.refused("apart") == 1 && pair.away.refused("apart") == 1).then_some(())
    });
    assert!(!pair.home.walks() && !pair.away.walks());
    pair.meet();
    pair.home.scanner.scan(&again(&code));
    wait_for("the home", || pair.home.walks().then_some(()));
    pair.home.holds("select count(*) from ticket where used = 1", "1");
    pair.home.stop();
    pair.away.stop();
}
