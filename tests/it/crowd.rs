//! An area that holds two: whoever comes then stays at the turnstile, is told why on the board and aloud, and is let in
//! when somebody leaves, the first who came first. Real lines, the real program.

use std::path::Path;

use jiff::Timestamp;
use paifang_devices::Way;
use paifang_sim::{
    site::Attendant,
    wire::{Line, Pty, Scanner, ScannerManner},
};
use tokio::runtime::Runtime;

use super::support::{Daemon, Folder, Site, sql, wait_for};

const PASSWORD: &str = "a password for this test";
const SIDES: [&str; 3] = ["in-1", "in-2", "out"];
/// On lines of their own: the way out is the other side of the first.
const TURNSTILE: u8 = 1;
/// Without anything to sell there is no report of visitors.
const PRODUCTS: &str =
    "[[product]]\nid = \"day\"\nnumber = 1\nkind = \"adult\"\nprice = [{ amount = \"60.00\" }]\n";
const FULL: &str = "园内已满";

fn site_file(lines: &Path, wait_s: u32) -> String {
    let at = |name: &str| lines.join(name).display().to_string();
    let mut text = format!(
        "[tickets]\ncrowd_wait_seconds = {wait_s}\n\n[[zone]]\nid = \"park\"\nname = \"Park\"\npersons_max = 2\n"
    );
    for (id, turnstile, direction) in
        [("in-1", "lot-1", "entry"), ("in-2", "lot-2", "entry"), ("out", "lot-1", "exit")]
    {
        if direction == "entry" {
            text.push_str(&format!(
                "[[bus]]\nid = \"bus-{turnstile}\"\npath = \"{}\"\n[[bus]]\nid = \"bus-led-{id}\"\npath = \"{}\"\n\
                 [[device]]\nid = \"{turnstile}\"\nprofile = \"turnstile/lot-modbus\"\nbus = \"bus-{turnstile}\"\n\
                 address = {TURNSTILE}\n[[device]]\nid = \"led-{id}\"\nprofile = \"display/olm-led\"\n\
                 bus = \"bus-led-{id}\"\n",
                at(turnstile),
                at(&format!("led-{id}")),
            ));
        }
        let display =
            if direction == "entry" { format!("display = \"led-{id}\"\n") } else { String::new() };
        text.push_str(&format!(
            "[[bus]]\nid = \"bus-scan-{id}\"\npath = \"{}\"\n[[device]]\nid = \"scan-{id}\"\n\
             profile = \"scanner/ascii-generic\"\nbus = \"bus-scan-{id}\"\n[[lane]]\nid = \"{id}\"\n\
             kind = \"people\"\ndirection = \"{direction}\"\nscanner = \"scan-{id}\"\nturnstile = \"{turnstile}\"\n\
             {display}times = {{ walk_s = 5 }}\n",
            at(&format!("scan-{id}")),
        ));
    }
    text
}

struct Park {
    runtime: Runtime,
    lots: [Line; 2],
    boards: [Line; 2],
    scanners: [Scanner; 3],
    attendant: Attendant,
    daemon: Option<Daemon>,
    site: Site,
    _lines: Folder,
}

impl Park {
    fn open(wait_s: u32) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let lines = Folder::new();
        let inside = runtime.enter();
        let pty = |name: &str| Pty::linked(lines.path().join(name)).unwrap();
        let lots = ["lot-1", "lot-2"].map(|name| Line::start_with(pty(name), &[], 0, &[TURNSTILE]));
        let boards = ["led-in-1", "led-in-2"].map(|name| Line::start(pty(name), &[], 1));
        let scanners = SIDES.map(|id| {
            let manner = ScannerManner::Text { tail: b"\r".to_vec() };
            Scanner::start(pty(&format!("scan-{id}")), manner)
        });
        drop(inside);
        let site = Site::new(&site_file(lines.path(), wait_s), "");
        site.folder.write("products.toml", PRODUCTS, 0o644);
        let mut daemon = site.start();
        let one_time = daemon.first_line().split_whitespace().last().map(str::to_owned);
        let url = format!("http://{}", site.http);
        let attendant = Attendant::new(&url, PASSWORD, one_time).unwrap();
        runtime.block_on(attendant.sign_in()).unwrap();
        let daemon = Some(daemon);
        let park = Self { runtime, lots, boards, scanners, attendant, daemon, site, _lines: lines };
        park.holds("select count(*) from gate where body ->> 'phase' = 'idle'", "3");
        for code in ["A", "B", "C", "D"] {
            let until: Timestamp = "2100-01-01T00:00:00Z".parse().unwrap();
            assert!(park.runtime.block_on(park.attendant.sell(code, 1, until)).is_some());
        }
        park
    }

    fn holds(&self, question: &str, answer: &str) {
        wait_for(&format!("{answer} of {question}"), || {
            (sql(&self.site, question) == answer).then_some(())
        });
    }

    fn inside(&self, persons: u32) {
        self.holds(
            "select body ->> 'inside' from register where kind = 'crowd'",
            &persons.to_string(),
        );
    }

    fn walks(&self, side: usize) {
        let (lot, way) = if side == 2 { (0, Way::Out) } else { (side, Way::In) };
        let goes = || self.lots[lot].walk(TURNSTILE, way).then_some(());
        wait_for(&format!("the turnstile of {}", SIDES[side]), goes);
    }

    fn goes(&self, side: usize, code: &str) {
        self.scanners[side].scan(code);
        self.walks(side);
    }

    /// The board shows it, it was said aloud, and the turnstile stays shut.
    fn is_held(&self, side: usize) {
        let board = &self.boards[side];
        wait_for("the reason", || board.screen(0).iter().any(|line| line == FULL).then_some(()));
        let spoken = board.led(0).unwrap().spoken();
        assert_eq!(spoken.last().map(String::as_str), Some("园内已满,请稍候"), "{spoken:?}");
        assert!(!self.lots[side].walk(TURNSTILE, Way::In), "{} is shut", SIDES[side]);
    }
}

#[test]
fn visitors_wait_at_the_turnstile_while_it_is_full_and_go_in_when_one_leaves() {
    let mut park = Park::open(60);
    park.goes(0, "A");
    park.inside(1);
    park.goes(1, "B");
    park.inside(2);
    park.holds("select count(*) from gate where body ->> 'phase' = 'idle'", "3");
    park.scanners[1].scan("C");
    park.is_held(1);
    park.scanners[0].scan("D");
    park.is_held(0);
    // One leaves: who came first goes in, the other waits on.
    park.goes(2, "A");
    park.walks(1);
    park.inside(2);
    assert!(!park.lots[0].walk(TURNSTILE, Way::In), "one place, one visitor");
    park.holds("select count(*) from gate where body ->> 'crowded' is not null", "1");
    park.goes(2, "B");
    park.walks(0);
    park.inside(2);
    park.holds("select count(*) from admission where state = 'used'", "6");
    park.daemon.take().unwrap().stop();
    let checked = park.site.run(&["check", "--journal"]);
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
}

#[test]
fn who_waited_in_vain_scans_again_and_an_operators_count_lets_them_in() {
    let park = Park::open(3);
    park.goes(0, "A");
    park.goes(1, "B");
    park.inside(2);
    park.scanners[0].scan("C");
    park.is_held(0);
    park.holds("select count(*) from gate where body ->> 'crowded' is not null", "0");
    park.scanners[0].scan("c");
    park.scanners[1].scan("D");
    park.is_held(1);
    let count = [("zone", "park"), ("found", "0"), ("reason", "nobody is there")];
    let told = park.runtime.block_on(park.attendant.fill("/console/visitors/count", &count));
    assert!(told.is_some());
    park.walks(1);
    park.inside(1);
}
