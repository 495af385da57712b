//! A site whose money is watched: the real program under a clock of ours, both banks, vehicles parked since a moment
//! ago, two operators, a counter's program. Whoever uses it does not mind that the daemon dies: it is started again.
//! Asserts nothing about money.

mod people;

use std::{
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::LazyLock,
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp, civil::Date, tz};
use paifang_sim::{
    bank::{Faults, PlateAgreement, swiftpass::SwiftpassGateway},
    invoicing,
    site::{ATTENDANT, Attendant, Stage, StageSpec},
    wire::{Printer, Pty, Scanner, ScannerManner, Sighting},
};
use tokio::runtime::Runtime;

pub(crate) use self::people::{bought, cashier, end_result, filled, payer_code, pays};
use super::support::{Daemon, Folder, Site, answers, faketime, free_port, paifang, wait_for};

pub(crate) const ENTRY: usize = 0;
pub(crate) const EXIT: usize = 1;
/// Inside since the site was made; each owes 5.00.
pub(crate) const PARKED: [&str; 8] = [
    "京A12345",
    "沪B67890",
    "粤C24680",
    "苏D13579",
    "浙E86420",
    "川F97531",
    "鲁G55066",
    "闽H31415",
];
/// Those of them that ICBC takes fees from by their plates.
pub(crate) const BOUND: [&str; 3] = [PARKED[5], PARKED[6], PARKED[7]];
pub(crate) const COUNTER: &str = "hotel";
const SECOND: &str = "second";
const PASSWORD: &str = "a password for this test";
/// Whatever has to happen on a busy machine, a payment that is asked about and closed among it.
const LONG: Duration = Duration::from_secs(45);
const LOOK: Duration = Duration::from_millis(60);
/// Between two reads of one plate.
const READ_AGAIN: Duration = Duration::from_millis(1_500);

pub(crate) static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
});
static BASE: LazyLock<Base> = LazyLock::new(Base::make);

const PRODUCTS: &str = r#"[[product]]
id = "day"
number = 1
name = "当日票"
name_en = "Day ticket"
kind = "adult"
price = [{ amount = "60.00" }]
valid = "day"
sale = { days_ahead = 7, closes = "-24h" }
refund = [{ until = "0m", percent = 100 }]
medium = "any"
"#;

/// What every such site has been through before: made once, copied for each.
struct Base {
    _folder: Folder,
    data: PathBuf,
    ahead_s: i32,
    cookies: Vec<String>,
    token: String,
}

impl Base {
    fn make() -> Self {
        let now = Timestamp::now();
        let noon = tz::offset(8).to_datetime(now).date().at(12, 0, 0, 0);
        let noon = tz::offset(8).to_timestamp(noon).unwrap();
        let ahead_s = noon.duration_since(now).as_secs() as i32;
        let mut site = PaySite::bare(&Wanted::default(), ahead_s);
        let mut daemon = site.site.start_by(site.command());
        let line = daemon.first_line();
        let one_time = line.split_whitespace().last().unwrap().to_owned();
        site.daemon = Some(daemon);
        let added =
            String::from_utf8(site.run(&["user", "add", SECOND, "--role", "manager"]).stdout)
                .unwrap();
        let second = added.split("password ").nth(1).unwrap().split(';').next().unwrap().to_owned();
        for (operator, one_time) in site.operators.iter_mut().zip([one_time, second]) {
            let url = site.site.http;
            *operator = Attendant::named(
                operator.name(),
                &format!("http://{url}"),
                PASSWORD,
                Some(one_time),
            )
            .unwrap();
            RUNTIME.block_on(operator.sign_in()).unwrap();
        }
        let made = site.fills(0, "/console/counters", &[("name", COUNTER)]).unwrap();
        let token =
            made.split("<code>").nth(1).unwrap().split("</code>").next().unwrap().to_owned();
        let float = [("booth", "booth"), ("amount", "100.00")];
        site.fills(0, "/console/shift/open", &float).unwrap();
        for plate in PARKED {
            site.enters(plate);
        }
        // A stay that is shorter than a second costs nothing.
        std::thread::sleep(Duration::from_millis(1_100));
        let cookies = site.operators.iter().map(|o| RUNTIME.block_on(o.cookie()).unwrap());
        let cookies = cookies.collect();
        site.daemon.take().unwrap().stop();
        let data = site.site.folder.path().join("data");
        let folder = std::mem::replace(&mut site.site.folder, Folder::new());
        Self { _folder: folder, data, ahead_s, cookies, token }
    }
}

/// What kind of site.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    /// Those first that new payments go to first.
    pub(crate) channels: Vec<&'static str>,
    /// Milliseconds an answer of a bank is waited for.
    pub(crate) patience_ms: u32,
    pub(crate) faults: Faults,
    /// Where its daemon is to die on its first start, or the bank's answer that it does not live to hear
    /// (`held collect`).
    pub(crate) dies_at: Option<String>,
    /// The same of its second start.
    pub(crate) dies_then_at: Option<String>,
}

impl Default for Wanted {
    fn default() -> Self {
        let faults = Faults::default();
        Self {
            channels: vec!["icbc"],
            patience_ms: 4_000,
            faults,
            dies_at: None,
            dies_then_at: None,
        }
    }
}

fn sections(lines: &Path) -> String {
    let at = |name: &str| lines.join(name).display().to_string();
    let (scanner, printer) = (at("scanner"), at("printer"));
    format!(
        r#"[till]
booths = ["booth"]
approve_above_minor = 2000

[pay]
trade_prefix = "SIM"
code_window_s = 10

[settlement]
second_above_minor = 1000

[[bus]]
id = "port-scanner"
path = "{scanner}"

[[bus]]
id = "port-printer"
path = "{printer}"

[[device]]
id = "scanner"
profile = "scanner/ascii-generic"
bus = "port-scanner"

[[device]]
id = "printer"
profile = "printer/escpos-serial"
bus = "port-printer"
"#
    )
}

pub(crate) struct PaySite {
    pub(crate) site: Site,
    stage: Option<Stage>,
    pub(crate) scanner: Scanner,
    pub(crate) printer: Printer,
    invoicing: tokio::task::JoinHandle<()>,
    daemon: Option<Daemon>,
    operators: [Attendant; 2],
    token: String,
    client: reqwest::Client,
    pub(crate) ahead_s: i32,
    dies_at: Option<String>,
    /// Calls the bank had taken when the one began that is not answered in time.
    held_from: Option<usize>,
    /// It died where it was to die.
    pub(crate) died: bool,
    read_at: Option<Instant>,
}

impl PaySite {
    /// A site like every other, running.
    pub(crate) fn new(wanted: &Wanted) -> Self {
        let mut site = Self::bare(wanted, BASE.ahead_s);
        let (from, to) = (&BASE.data, site.site.folder.path());
        let copied = Command::new("cp").arg("-r").arg(from).arg(to).status().unwrap();
        assert!(copied.success());
        for (operator, cookie) in site.operators.iter().zip(&BASE.cookies) {
            RUNTIME.block_on(operator.resume(cookie.clone()));
        }
        site.token.clone_from(&BASE.token);
        site.start();
        if let Some(later) = &wanted.dies_then_at {
            site.dies_at = Some(later.clone());
        }
        site
    }

    fn bare(wanted: &Wanted, ahead_s: i32) -> Self {
        let (folder, http, mqtt) = (Folder::new(), free_port(), free_port());
        let lines = folder.path().canonicalize().unwrap().join("lines");
        let quick =
            format!("connect_timeout_ms = 1000\nread_timeout_ms = {}\n", wanted.patience_ms);
        let plate = "[plate]\nanswer = \"accepted\"\norders = \"qrcode\"\nunbound_codes = [\"93010\"]\n\
            paused_codes = [\"93011\"]\n";
        let blind = || ["inputs = {}".to_owned(), "times = { unused_s = 2 }".to_owned()];
        let mut lane_keys = vec![("exit-1", "scanner = \"scanner\"".to_owned())];
        for lane in ["entry-1", "exit-1"] {
            lane_keys.extend(blind().map(|key| (lane, key)));
        }
        let spec = StageSpec {
            entries: 1,
            exits: 1,
            http_exit: true,
            seed: 7,
            bank_faults: wanted.faults.clone(),
            channels: wanted.channels.clone(),
            channel_more: vec![("icbc", format!("{quick}{plate}")), ("swiftpass", quick.clone())],
            sections: sections(&lines),
            lane_keys,
            ahead_s,
            ..StageSpec::new(http, mqtt)
        };
        let stage = RUNTIME.block_on(Stage::build(folder.path(), spec)).unwrap();
        for plate in BOUND {
            stage.gateway.bind_plate(plate, Some(PlateAgreement::Bound));
        }
        folder.write("products.toml", PRODUCTS, 0o644);
        let _inside = RUNTIME.enter();
        let manner = ScannerManner::Text { tail: b"\r".to_vec() };
        let scanner = Scanner::start(Pty::linked(lines.join("scanner")).unwrap(), manner);
        let printer = Printer::serial(Pty::linked(lines.join("printer")).unwrap());
        let url = format!("http://{http}");
        let operators =
            [ATTENDANT, SECOND].map(|name| Attendant::named(name, &url, PASSWORD, None).unwrap());
        let client =
            reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(10)).build().unwrap();
        let invoicing = invoicing::spawn(folder.path().join(invoicing::FOLDER));
        Self {
            site: Site { folder, http, mqtt },
            stage: Some(stage),
            scanner,
            printer,
            invoicing,
            daemon: None,
            operators,
            token: String::new(),
            client,
            ahead_s,
            dies_at: wanted.dies_at.clone(),
            held_from: None,
            died: false,
            read_at: None,
        }
    }

    pub(crate) fn stage(&self) -> &Stage {
        self.stage.as_ref().unwrap()
    }

    // ---- the program ------------------------------------------------------------------------------

    /// The program under the site's clock.
    fn command(&self) -> Command {
        let mut command = paifang();
        command
            .env("LD_PRELOAD", faketime())
            .env("FAKETIME", format!("{:+}", self.ahead_s))
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        command
    }

    /// Another of its commands.
    pub(crate) fn run(&self, args: &[&str]) -> Output {
        self.command().args(args).arg("--config").arg(self.site.config()).output().unwrap()
    }

    /// What the command printed, and whether it was content.
    pub(crate) fn told(&self, args: &[&str]) -> (String, bool) {
        let output = self.run(args);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        (text + &String::from_utf8_lossy(&output.stderr), output.status.success())
    }

    pub(crate) fn log(&self) -> String {
        self.daemon.as_ref().map(Daemon::log).unwrap_or_default()
    }

    pub(crate) fn start(&mut self) {
        let mut command = self.command();
        if let Some(point) = self.dies_at.as_ref().filter(|point| !point.starts_with("held ")) {
            command.env("PAIFANG_CRASH_AT", point);
            self.daemon = Some(self.site.launch(command));
        } else {
            self.daemon = Some(self.ready());
        }
    }

    /// A port of its own may be lent to a caller of somebody else's for a moment: then it is tried again.
    fn ready(&self) -> Daemon {
        let begun = Instant::now();
        let mut daemon = self.site.launch(self.command());
        while !answers(self.site.http, "/readyz") {
            let log = daemon.log();
            if let Some(status) = daemon.process.try_wait().unwrap() {
                assert!(is_lent(&log), "the daemon ended with {status}: {}", tail(&log));
                daemon = self.site.launch(self.command());
            }
            assert!(begun.elapsed() < LONG, "not ready: {}", tail(&log));
            std::thread::sleep(LOOK);
        }
        daemon
    }

    pub(crate) fn stop(&mut self) {
        self.revive();
        if let Some(daemon) = self.daemon.take() {
            daemon.stop();
        }
    }

    /// Stopped, to be started under a clock that is so much further ahead; so are those of banks and cameras.
    pub(crate) fn goes_ahead(&mut self, by: SignedDuration) {
        self.stop();
        self.ahead_s += by.as_secs() as i32;
        let ahead = self.ahead_s;
        self.set_faults(|faults| faults.clock_apart_s = ahead);
        let now = self.now();
        for wires in &*self.stage().wires {
            wires.camera.body().set_clock(now);
        }
    }

    /// The site's time.
    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::now() + SignedDuration::from_secs(self.ahead_s.into())
    }

    pub(crate) fn today(&self) -> Date {
        tz::offset(8).to_datetime(self.now()).date()
    }

    /// At every bank.
    pub(crate) fn set_faults(&self, change: impl Fn(&mut Faults)) {
        let stage = self.stage();
        let mut faults = stage.gateway.faults();
        change(&mut faults);
        stage.gateway.set_faults(faults);
        if let Some(swiftpass) = &stage.swiftpass {
            let mut faults = swiftpass.faults();
            change(&mut faults);
            swiftpass.set_faults(faults);
        }
    }

    /// Questions the banks have heard.
    fn calls(&self) -> usize {
        let second = self.stage().swiftpass.as_ref().map_or(0, SwiftpassGateway::calls);
        self.stage().gateway.calls() + second
    }

    /// What it is killed behind, if it is to be killed there: the bank has heard it, and is slow.
    pub(crate) fn about_to(&mut self, ask: &str) {
        let held = self.dies_at.as_ref().and_then(|point| point.strip_prefix("held "));
        if held == Some(ask) {
            self.dies_at = None;
            self.held_from = Some(self.calls());
            self.set_faults(|faults| (faults.slow, faults.slow_ms) = (1.0, 60_000));
        }
    }

    /// Starts it again where it died as it was to.
    fn revive(&mut self) {
        if let Some(from) = self.held_from
            && self.calls() > from
        {
            self.held_from = None;
            self.daemon.take().unwrap().kill();
            self.set_faults(|faults| faults.slow = 0.0);
            self.died = true;
            self.start();
        }
        let Some(daemon) = &mut self.daemon else { return };
        let Some(status) = daemon.process.try_wait().unwrap() else { return };
        let log = daemon.log();
        if status.code() == Some(1) && is_lent(&log) {
            return self.start();
        }
        let point = self.dies_at.take();
        assert!(point.is_some() && status.signal() == Some(6), "{status}: {}", tail(&log));
        self.died = true;
        self.daemon = None;
        self.start();
    }

    pub(crate) fn until<T>(
        &mut self,
        what: &str,
        mut look: impl FnMut(&mut Self) -> Option<T>,
    ) -> T {
        let begun = Instant::now();
        loop {
            self.revive();
            if let Some(found) = look(self) {
                return found;
            }
            if begun.elapsed() > LONG {
                let log = self.daemon.as_ref().map(Daemon::log).unwrap_or_default();
                let facts = "select body from orders union all select body from payment \
                    union all select body from lane union all select body from alarm";
                let known = self.ask(facts).unwrap_or_default();
                panic!("waited in vain for {what}\n{known}\n{}", tail(&log));
            }
            std::thread::sleep(LOOK);
        }
    }

    // ---- the tables -------------------------------------------------------------------------------

    /// A question to the database; `None`: it cannot be asked now.
    pub(crate) fn ask(&self, question: &str) -> Option<String> {
        let output = Command::new("sqlite3")
            .args(["-readonly", "-cmd", ".timeout 2000"])
            .arg(self.site.database())
            .arg(question)
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        output.status.success().then(|| text.trim().to_owned())
    }

    pub(crate) fn is(&self, question: &str, answer: &str) -> bool {
        self.ask(question).is_some_and(|found| found == answer)
    }

    /// Nothing is left that only the bank knows.
    pub(crate) fn until_decided(&mut self) {
        let open = "select (select count(*) from payment where state in ('pending', 'reversing')) \
            + (select count(*) from refund where state = 'pending')";
        self.until("the bank's last word", |site| site.is(open, "0").then_some(()));
    }

    pub(crate) fn is_undecided(&self) -> bool {
        !self.is("select count(*) from payment where state in ('pending', 'reversing')", "0")
    }

    /// What the stay of a plate owes now.
    pub(crate) fn due_of(&self, plate: &str) -> Option<String> {
        let stay = format!("select max(id) from stay where plate = '{plate}'");
        let due = format!("select id from orders where state = 'due' and stay_id = ({stay})");
        self.ask(&due).filter(|id| !id.is_empty())
    }

    pub(crate) fn has_left(&self, plate: &str) -> bool {
        let state = format!("select body ->> 'state' from stay where plate = '{plate}'");
        self.is(&state, "left")
    }

    // ---- the lanes --------------------------------------------------------------------------------

    fn enters(&mut self, plate: &str) {
        let camera = self.stage().wires[ENTRY].camera.clone();
        wait_for("the camera", || camera.online().borrow().then_some(()));
        camera.read(&Sighting::of(plate));
        let inside = format!("select count(*) from stay where plate = '{plate}'");
        self.until("the vehicle", |site| site.is(&inside, "1").then_some(()));
    }

    /// The camera at the exit says once more what it sees, where nobody is being served there.
    pub(crate) fn reads_at_exit(&mut self, plate: &str) {
        let rests = "select body ->> 'phase' in ('idle', 'faulty') from lane where id = 'exit-1'";
        let soon = self.read_at.is_some_and(|at| at.elapsed() < READ_AGAIN);
        let camera = self.stage().wires[EXIT].camera.clone();
        if !soon && self.is(rests, "1") {
            camera.read(&Sighting::of(plate));
            self.read_at = Some(Instant::now());
        }
    }
}

impl Drop for PaySite {
    fn drop(&mut self) {
        self.daemon = None;
        self.invoicing.abort();
        if let Some(stage) = self.stage.take() {
            RUNTIME.block_on(stage.stop());
        }
    }
}

/// It could not listen where it is to.
fn is_lent(log: &str) -> bool {
    log.lines().last().is_some_and(|line| line.contains("in use"))
}

fn tail(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(25)..].join("\n")
}
