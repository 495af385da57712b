//! Visitors who bought elsewhere or show no code: a ticket of the bank's cloud, an identity card, a card bound at the
//! window. Real lines, a real bank over HTTP, the real program.

use std::path::Path;

use jiff::Timestamp;
use paifang_devices::Way;
use paifang_sim::{
    bank::{Gateway, GatewayKeys, GatewaySettings},
    site::Attendant,
    wire::{IdReader, Line, Pty, Scanner, ScannerManner},
};
use tokio::runtime::Runtime;

use super::support::{Daemon, Folder, Site, sql, wait_for};

const PASSWORD: &str = "a password for this test";
const TURNSTILE: u8 = 2;
/// Whoever sells nothing of its own has no pages of tickets.
const PRODUCTS: &str =
    "[[product]]\nid = \"day\"\nnumber = 1\nkind = \"adult\"\nprice = [{ amount = \"60.00\" }]\n";

fn site_file(lines: &Path, bank: &str) -> String {
    let at = |name: &str| lines.join(name).display().to_string();
    format!(
        r#"
        [bank.icbc]
        {bank}
        connect_timeout_ms = 1000
        read_timeout_ms = 1000
        [bank.icbc.scenic]
        corp_id = "0000000272"
        spot_id = "1"
        prefix = "88"
        patience_ms = 700
        unchecked_max = 1
        unknown_codes = ["94001"]
        used_codes = ["94002"]
        refused_codes = ["94009"]
        [[bus]]
        id = "line"
        path = "{line}"
        [[bus]]
        id = "scan"
        path = "{scan}"
        [[bus]]
        id = "cards"
        path = "{cards}"
        [[device]]
        id = "lot"
        profile = "turnstile/lot-modbus"
        bus = "line"
        address = {TURNSTILE}
        [[device]]
        id = "scanner"
        profile = "scanner/ascii-generic"
        bus = "scan"
        [[device]]
        id = "id-reader"
        profile = "reader/id-card-serial"
        bus = "cards"
        [[lane]]
        id = "gate"
        kind = "people"
        direction = "entry"
        scanner = "scanner"
        reader = "id-reader"
        turnstile = "lot"
        times = {{ walk_s = 3 }}
        "#,
        line = at("line"),
        scan = at("scan"),
        cards = at("cards"),
    )
}

struct Gate {
    runtime: Runtime,
    bank: Option<Gateway>,
    line: Line,
    scanner: Scanner,
    cards: IdReader,
    attendant: Attendant,
    daemon: Option<Daemon>,
    site: Site,
    _folders: [Folder; 2],
}

impl Gate {
    fn open() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let (lines, keys) = (Folder::new(), Folder::new());
        let bank = runtime
            .block_on(Gateway::start(GatewaySettings::default(), GatewayKeys::generate(21)))
            .unwrap();
        let (line, scanner, cards) = {
            let _inside = runtime.enter();
            let pty = |name: &str| Pty::linked(lines.path().join(name)).unwrap();
            let manner = ScannerManner::Text { tail: b"\r".to_vec() };
            let line = Line::start_with(pty("line"), &[], 0, &[TURNSTILE]);
            (line, Scanner::start(pty("scan"), manner), IdReader::start(pty("cards")))
        };
        let toml = bank.site_toml(keys.path(), "http://127.0.0.1:9/notify").unwrap();
        let site = Site::new(&site_file(lines.path(), &toml), "");
        site.folder.write("products.toml", PRODUCTS, 0o644);
        let mut daemon = site.start();
        let one_time = daemon.first_line().split_whitespace().last().map(str::to_owned);
        let url = format!("http://{}", site.http);
        let attendant = Attendant::new(&url, PASSWORD, one_time).unwrap();
        runtime.block_on(attendant.sign_in()).unwrap();
        let gate = Self {
            runtime,
            bank: Some(bank),
            line,
            scanner,
            cards,
            attendant,
            daemon: Some(daemon),
            site,
            _folders: [lines, keys],
        };
        gate.holds("select body ->> 'phase' from gate", "idle");
        gate
    }

    fn holds(&self, question: &str, answer: &str) {
        wait_for(&format!("{answer} of {question}"), || {
            (sql(&self.site, question) == answer).then_some(())
        });
    }

    fn bank(&self) -> &Gateway {
        self.bank.as_ref().unwrap()
    }

    fn walks(&self) {
        wait_for("the turnstile", || self.line.walk(TURNSTILE, Way::In).then_some(()));
    }

    fn went(&self, many: usize) {
        self.holds("select count(*) from admission where state = 'used'", &many.to_string());
    }

    fn last_cloud(&self, state: &str) {
        let question = "select body ->> 'state' from register where kind = 'cloud_pass' \
                        order by cast(id as integer) desc limit 1";
        self.holds(question, state);
    }

    fn refused(&self, why: &str, many: usize) {
        let question = format!(
            "select count(*) from journal where kind = 'scan_refused' and body ->> 'why' = '{why}'"
        );
        self.holds(&question, &many.to_string());
    }
}

#[test]
fn a_ticket_of_the_banks_cloud_is_checked_let_in_and_written_off_whatever_the_bank_does() {
    let mut gate = Gate::open();
    let code = |n: u32| format!("8800000000{n:02}");
    gate.bank().scenic(|cloud| (1..=6).for_each(|n| cloud.sell(&code(n), 1)));
    // In order.
    gate.scanner.scan(&code(1));
    gate.walks();
    gate.went(1);
    gate.last_cloud("done");
    assert!(gate.bank().scenic(|cloud| cloud.is_used(&code(1))));
    gate.scanner.scan(&code(50));
    gate.refused("unknown", 1);
    gate.bank().scenic(|cloud| cloud.use_up(&code(2)));
    gate.scanner.scan(&code(2));
    gate.refused("used_up", 1);
    // The write-off is done and not answered; the program is killed before it asks again.
    gate.bank().scenic(|cloud| cloud.unanswered = 1);
    gate.scanner.scan(&code(3));
    gate.walks();
    gate.went(2);
    gate.last_cloud("writing_off");
    wait_for("the write-off", || gate.bank().scenic(|cloud| cloud.is_used(&code(3))).then_some(()));
    gate.daemon.take().unwrap().kill();
    gate.daemon = Some(gate.site.start());
    gate.last_cloud("done");
    // Silent: the first is let in unchecked, the second is not, and others pass all the while.
    gate.bank().scenic(|cloud| cloud.silent = true);
    let until: Timestamp = "2100-01-01T00:00:00Z".parse().unwrap();
    assert!(gate.runtime.block_on(gate.attendant.sell("OWN", 1, until)).is_some());
    gate.scanner.scan(&code(4));
    gate.scanner.scan("OWN");
    gate.walks();
    gate.went(3);
    gate.walks();
    gate.went(4);
    gate.last_cloud("late");
    gate.scanner.scan(&code(5));
    gate.refused("cloud_silent", 1);
    gate.bank().scenic(|cloud| cloud.silent = false);
    let owed = "select count(*) from register where kind = 'cloud_pass' and is_open = 1";
    gate.holds(owed, "0");
    assert!(gate.bank().scenic(|cloud| cloud.is_used(&code(4))));
    // Good, and never written off: a person is told.
    gate.bank().scenic(|cloud| cloud.refuse_write_off(&code(6)));
    gate.scanner.scan(&code(6));
    gate.walks();
    gate.last_cloud("refused");
    gate.holds("select count(*) from register where kind = 'task' and is_open = 1", "1");
    let journal = sql(&gate.site, "select group_concat(body) from journal");
    assert!(!journal.contains(&code(4)), "a code is in the journal");
    assert!(!gate.daemon.as_ref().unwrap().log().contains(&code(4)), "a code is in the log");
    gate.daemon.take().unwrap().stop();
    let checked = gate.site.run(&["check", "--journal"]);
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
    let bank = gate.bank.take().unwrap();
    gate.runtime.block_on(bank.stop());
}

#[test]
fn an_identity_card_that_nobody_has_a_ticket_for_is_told_so_and_leaves_no_number() {
    let gate = Gate::open();
    gate.cards.put(Some("11010519491231002X"));
    gate.refused("unknown", 1);
    gate.cards.put(None);
    let journal = sql(&gate.site, "select group_concat(body) from journal");
    assert!(!journal.contains("11010519491231002X"));
    assert!(!gate.daemon.as_ref().unwrap().log().contains("11010519491231002X"));
}

#[test]
fn a_ticket_of_the_banks_cloud_is_checked_by_hand_and_written_off() {
    let gate = Gate::open();
    let code = |n: u32| format!("8800000000{n:02}");
    gate.bank().scenic(|cloud| (1..=2).for_each(|n| cloud.sell(&code(n), 1)));
    let check = |id: &str, code: &str| {
        let form = [("id", id), ("zone", "lot"), ("code", code)];
        gate.runtime.block_on(gate.attendant.fill("/console/gate-check", &form)).unwrap()
    };
    let said = check("check-0001", &code(1));
    assert!(said.contains("已放行"), "{said}");
    gate.went(1);
    gate.last_cloud("done");
    assert!(gate.bank().scenic(|cloud| cloud.is_used(&code(1))));
    assert!(check("check-0002", &code(1)).contains("不放行"), "its one person came in");
    assert!(check("check-0003", &code(50)).contains("不放行"), "the cloud knows of no such ticket");
    // Silent: let in unchecked, as the site says, and told later.
    gate.bank().scenic(|cloud| cloud.silent = true);
    let said = check("check-0004", &code(2));
    assert!(said.contains("已放行"), "{said}");
    gate.bank().scenic(|cloud| cloud.silent = false);
    gate.last_cloud("done");
    assert!(gate.bank().scenic(|cloud| cloud.is_used(&code(2))));
    let journal = sql(&gate.site, "select group_concat(body) from journal");
    assert!(!journal.contains(&code(2)), "a code is in the journal");
}
