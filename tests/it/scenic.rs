//! A visitor's whole round on the demo's own site: bought and paid on the page, shown, scanned, through the turnstile, out
//! by a scan and back in; on paper from the kiosk; at the wrong time. Codes on the page and on paper are read by other
//! hands. The program is the real one.

use std::{
    path::Path,
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use paifang_devices::Way;
use paifang_sim::{
    site::{Attendant, Buyer, Held, Kiosk, Scenic, Stage, StageSpec, When, pickup, tickets},
    wire::Page,
};
use tokio::runtime::Runtime;

use super::support::{Daemon, Folder, Site, free_port, sql, wait_for};

const PASSWORD: &str = "a password for this test";
const SCANS_AGAIN: Duration = Duration::from_secs(2);

struct Park {
    runtime: Runtime,
    stage: Option<Stage>,
    scenic: Scenic,
    clerk: Arc<Attendant>,
    buyer: Buyer,
    daemon: Option<Daemon>,
    site: Site,
}

impl Park {
    fn open() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let (folder, http, mqtt) = (Folder::new(), free_port(), free_port());
        let spec = StageSpec { entries: 1, exits: 1, large: true, ..StageSpec::new(http, mqtt) };
        let stage = runtime.block_on(Stage::build(folder.path(), spec)).unwrap();
        let site = Site { folder, http, mqtt };
        let mut daemon = site.start();
        let one_time = daemon.first_line().split_whitespace().last().map(str::to_owned);
        let url = stage.layout.public_url();
        let clerk = Arc::new(Attendant::new(&url, PASSWORD, one_time).unwrap());
        runtime.block_on(clerk.sign_in()).unwrap();
        let (scenic, buyer) = (stage.scenic().unwrap().clone(), Buyer::new(&url).unwrap());
        let (stage, daemon) = (Some(stage), Some(daemon));
        let park = Self { runtime, stage, scenic, clerk, buyer, daemon, site };
        park.holds("select group_concat(distinct body ->> 'phase') from gate", "idle");
        park
    }

    fn holds(&self, question: &str, answer: &str) {
        wait_for(&format!("{answer} of {question}"), || {
            (sql(&self.site, question) == answer).then_some(())
        });
    }

    fn url(&self) -> String {
        self.stage.as_ref().unwrap().layout.public_url()
    }

    fn buys(&self, product: &str, when: When) -> Page {
        let bought = self.runtime.block_on(self.buyer.buys(product, 1, when));
        bought.unwrap().expect("the bank says that it is paid")
    }

    fn ticket(&self, order: &Page) -> Held {
        self.runtime.block_on(self.buyer.ticket(order)).unwrap().expect("a code on the phone")
    }

    /// Scans and pushes until the turnstile lets them through, then it has counted them.
    fn goes(&self, way: Way, code: &str) {
        let used = "select count(*) from admission where state = 'used'";
        let before: u32 = sql(&self.site, used).parse().unwrap();
        let mut scanned: Option<Instant> = None;
        wait_for(&format!("{way:?} by {code}"), || {
            // So soon after the one before, the same code is the same scan.
            if scanned.is_none_or(|at| at.elapsed() > SCANS_AGAIN) {
                self.scenic.scan(way, code);
                scanned = Some(Instant::now());
            }
            self.scenic.walk(way).then_some(())
        });
        self.holds(used, &(before + 1).to_string());
        self.holds("select group_concat(distinct body ->> 'phase') from gate", "idle");
    }

    fn inside(&self, persons: u32) {
        self.holds(
            "select body ->> 'inside' from register where kind = 'crowd' and id = 'park'",
            &persons.to_string(),
        );
    }

    /// Shown on the board and said aloud.
    fn refuses(&self, code: &str, shown: &str, said: &str) {
        let mut scanned: Option<Instant> = None;
        let mut letters =
            [code.to_ascii_lowercase(), code.to_ascii_uppercase()].into_iter().cycle();
        wait_for(&format!("{shown} of {code}"), || {
            // To the scanner it is another code in small letters.
            if scanned.is_none_or(|at| at.elapsed() > SCANS_AGAIN) {
                self.scenic.scan(Way::In, &letters.next()?);
                scanned = Some(Instant::now());
            }
            self.scenic.shows().iter().any(|line| line == shown).then_some(())
        });
        wait_for(said, || self.scenic.spoken().iter().any(|last| last == said).then_some(()));
        assert!(!self.scenic.walk(Way::In), "{shown} let somebody in");
    }

    fn now(held: &Held) -> String {
        held.shown(Timestamp::now())
    }
}

#[test]
fn a_visitor_buys_pays_shows_scans_passes_leaves_and_comes_back() {
    let mut park = Park::open();
    let order = park.buys("day", When::Now);
    let held = park.ticket(&order);
    // What the page's own script draws opens the gate; without a browser, what it would draw.
    let drawn = on_screen(park.site.folder.path(), &tickets(&order)[0]);
    let code = drawn.unwrap_or_else(|| Park::now(&held));
    park.goes(Way::In, &code);
    park.inside(1);
    assert!(park.scenic.spoken().iter().any(|said| said == "请通行"), "{:?}", park.scenic.spoken());
    park.refuses(&Park::now(&held), "此票已入园", "此票已入园");
    park.goes(Way::Out, &Park::now(&held));
    park.inside(0);
    park.goes(Way::In, &Park::now(&held));
    park.inside(1);
    park.goes(Way::Out, &Park::now(&held));
    park.inside(0);
    park.refuses(&Park::now(&held), "不可再次入园", "此票不可再次入园");
    let ways = "select group_concat(way || ' ' || again) from (select coalesce(body ->> 'way', 'in') as way, \
                coalesce(body ->> 'again', 'first') as again from admission order by id)";
    park.holds(ways, "in first,out first,in return,out first");

    // On paper: bought online, collected at the kiosk, and bought there.
    let kiosk = park.runtime.block_on(Kiosk::open(&park.clerk, &park.scenic, &park.url())).unwrap();
    let order = park.buys("paper", When::Now);
    assert!(park.runtime.block_on(park.buyer.ticket(&order)).unwrap().is_none(), "paper only");
    let code = pickup(&order).unwrap();
    let collected = park.runtime.block_on(kiosk.hands_out(&code)).unwrap();
    let again = park.runtime.block_on(kiosk.hands_out(&code));
    assert!(again.is_err(), "it is printed once");
    let sold = park.runtime.block_on(kiosk.sells(&park.buyer, "child")).unwrap();
    for paper in [collected, sold] {
        let [code] = &paper.codes[..] else { panic!("{:?}", paper.codes) };
        let seen = on_paper(park.site.folder.path(), &paper.picture);
        assert!(seen.is_none_or(|seen| seen.lines().any(|line| line == code)), "{code}");
        park.goes(Way::In, code);
    }
    park.inside(2);
    park.stops();
}

#[test]
fn a_visitor_of_the_wrong_slot_is_told_moves_or_gives_the_ticket_back() {
    let mut park = Park::open();
    let order = park.buys("day", When::Tomorrow);
    let held = park.ticket(&order);
    park.refuses(&Park::now(&held), "未到入场时间", "未到入场时间");
    assert!(park.runtime.block_on(park.buyer.moves(&order, When::Now)).unwrap());
    let moved = park.ticket(&order);
    park.refuses(&Park::now(&held), "票码已换新", "请使用新票");
    park.goes(Way::In, &Park::now(&moved));
    park.inside(1);

    let order = park.buys("day", When::Tomorrow);
    let held = park.ticket(&order);
    let said = park.runtime.block_on(park.buyer.returns(&order)).unwrap().text();
    assert!(said.contains("已退票"), "{said}");
    park.refuses(&Park::now(&held), "票已作废", "票已作废");
    park.holds("select group_concat(state) from refund", "done");
    let books = park.stage.as_ref().unwrap().gateway.books();
    let back: Vec<_> = books.iter().filter(|book| book.refunded_fen > 0).collect();
    assert_eq!(back.len(), 1, "{books:?}");
    park.stops();
}

impl Park {
    fn stops(&mut self) {
        self.daemon.take().unwrap().stop();
        let checked = self.site.run(&["check", "--journal"]);
        assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
        let stage = self.stage.take().unwrap();
        self.runtime.block_on(stage.stop());
    }
}

/// The code that a browser shows on a ticket's page, read from its picture. `None`: what reads it is not installed.
fn on_screen(folder: &Path, url: &str) -> Option<String> {
    let shot = folder.join("shot.png");
    Command::new("timeout")
        .args(["60", "chromium", "--headless", "--no-sandbox", "--disable-gpu"])
        .args(["--hide-scrollbars", "--window-size=400,900", "--virtual-time-budget=3000"])
        .arg(format!("--user-data-dir={}", folder.join("browser").display()))
        .arg(format!("--screenshot={}", shot.display()))
        .arg(url)
        .output()
        .ok()
        .filter(|done| done.status.code() != Some(127))?;
    let text = zbar(&shot)?;
    assert_eq!(text.len(), 149, "a signed code with its changing part: {text:?}");
    Some(text)
}

fn on_paper(folder: &Path, picture: &[u8]) -> Option<String> {
    let file = folder.join("paper.pgm");
    std::fs::write(&file, picture).unwrap();
    zbar(&file)
}

fn zbar(file: &Path) -> Option<String> {
    let Ok(seen) = Command::new("zbarimg").args(["--raw", "-q"]).arg(file).output() else {
        eprintln!("left out: zbarimg is not installed");
        return None;
    };
    Some(String::from_utf8_lossy(&seen.stdout).trim_end_matches('\n').to_owned())
}
