//! The power goes, again and again: the real program is killed in the middle of traffic, and nothing may be lost, done
//! twice, or hidden.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use paifang::{core::lane::ArmAction, store::Reader};
use paifang_sim::{
    bank,
    faults::{CameraFaults, Faults, PeopleFaults},
    seed::{Draws, Seed},
    site::{By, Counts, Pulse, Stage, StageSpec, compare},
};
use tokio::runtime::Runtime;

use super::support::{Daemon, Folder, Site, free_port, sql, wait_for};

const SEED: u64 = 20_261_123;
const PASSWORD: &str = "a password for this test";
/// Everybody is gone this long after the last kill.
const DRAINED: Duration = Duration::from_secs(90);
/// From an order on disk to the relay, and what two clocks of one machine may differ by.
const SLACK_MS: i64 = 300;

/// The one setting: `PAIFANG_KILLS=500` kills more often than the usual sixty times.
fn kills() -> u32 {
    #[expect(clippy::disallowed_methods, reason = "a test has no site file")]
    let wanted = std::env::var("PAIFANG_KILLS");
    wanted.ok().map_or(60, |text| text.parse().expect("PAIFANG_KILLS is a number"))
}

fn spec(http: std::net::SocketAddr, mqtt: std::net::SocketAddr) -> StageSpec {
    let camera =
        CameraFaults { misread: 0.02, doubled: 0.1, again: 0.1, ..CameraFaults::default() };
    let people = PeopleFaults { two_phones: 0.2, never_pays: 0.03, ..PeopleFaults::default() };
    StageSpec {
        entries: 3,
        exits: 3,
        seed: SEED,
        gap_s: 2.5,
        stay_s: (2.0, 10.0),
        haste: 16.0,
        link_life_s: 60,
        faults: Faults { camera, people, ..Faults::none() },
        bank_faults: bank::Faults {
            slow: 0.1,
            slow_ms: 1_500,
            silent: 0.03,
            generate_unknown: 0.05,
            reverse_unknown: 0.05,
            refund_unknown: 0.1,
            late_word: 0.1,
            late_word_s: 5,
            notice_missing: 0.3,
            notice_doubled: 0.3,
            pay_after_close: 0.5,
            ..bank::Faults::default()
        },
        ..StageSpec::new(http, mqtt)
    }
}

#[test]
fn killed_again_and_again_under_traffic() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let (folder, http, mqtt) = (Folder::new(), free_port(), free_port());
    let mut stage = runtime.block_on(Stage::build(folder.path(), spec(http, mqtt))).unwrap();
    let site = Site { folder, http, mqtt };
    let mut daemon = site.start();
    let line = daemon.first_line();
    let one_time = line.split_whitespace().last().map(str::to_owned);
    let attendant = {
        let _inside = runtime.enter();
        stage.run(PASSWORD, one_time).unwrap()
    };
    runtime.block_on(attendant.sign_in()).unwrap();

    let begun = Instant::now();
    let mut draws = Seed(SEED).child("kills").draws();
    for kill in 1..=kills() {
        let moment = pick_moment(&mut draws, &stage);
        println!("kill {kill} at {:.3} s: {moment}", begun.elapsed().as_secs_f64());
        daemon.kill();
        daemon = site.start();
    }
    println!("{} kills in {:.1} s: {:?}", kills(), begun.elapsed().as_secs_f64(), counts(&stage));
    drain(&runtime, &stage, &site);
    println!("drained after {:.1} s: {:?}", begun.elapsed().as_secs_f64(), counts(&stage));
    daemon.stop();
    check(&runtime, &stage, &site);
    runtime.block_on(stage.stop());
}

fn counts(stage: &Stage) -> Counts {
    stage.counts().borrow().clone()
}

/// Some time goes by; every other time until an arm is told to move or the bank is asked, then a moment more.
fn pick_moment(draws: &mut Draws, stage: &Stage) -> String {
    let wait = draws.secs(0.2, 2.0);
    std::thread::sleep(wait);
    if draws.chance(0.5) {
        return format!("after {wait:?}");
    }
    let (pulses, calls) = (stage.pulses().len(), stage.gateway.calls());
    let more = Duration::from_micros(draws.between(0, 20_000));
    let begun = Instant::now();
    let what = loop {
        if stage.pulses().len() > pulses {
            break "an arm was told";
        }
        if stage.gateway.calls() > calls {
            break "the bank was asked";
        }
        if begun.elapsed() > Duration::from_secs(3) {
            break "nothing happened";
        }
        std::thread::sleep(Duration::from_micros(200));
    };
    std::thread::sleep(more);
    format!("{more:?} after {what}")
}

/// Nobody comes, everybody leaves; the bank is honest from now on, and asked until little is undecided.
fn drain(runtime: &Runtime, stage: &Stage, site: &Site) {
    stage.gateway.set_faults(bank::Faults::default());
    stage.drain(Duration::from_secs(5));
    let mut counts = stage.counts();
    let empty = async { counts.wait_for(|counts| counts.empty).await.map(drop) };
    let emptied = runtime.block_on(async { tokio::time::timeout(DRAINED, empty).await });
    assert!(emptied.is_ok(), "somebody is trapped: {:?}\n{}", stage.counts().borrow(), lanes(site));
    // A payment whose link has run out is reversed and looked at three times more.
    let open = "select (select count(*) from payment where state in ('pending', 'reversing')) \
                + (select count(*) from refund where state = 'pending')";
    let begun = Instant::now();
    while sql(site, open) != "0" && begun.elapsed() < Duration::from_secs(75) {
        std::thread::sleep(Duration::from_millis(200));
    }
}

fn lanes(site: &Site) -> String {
    sql(site, "select body from lane union all select body from alarm")
}

// ---- the laws --------------------------------------------------------------------------------------

fn check(runtime: &Runtime, stage: &Stage, site: &Site) {
    let checked = site.run(&["check", "--journal"]);
    let told = String::from_utf8_lossy(&checked.stdout).into_owned();
    assert!(checked.status.success() && told.contains("chain whole"), "{told}");
    assert!(!told.contains("differs"), "{told}");

    let counts = counts(stage);
    assert!(counts.came > 20 && counts.left > 20 && counts.paid > 10, "too quiet: {counts:?}");
    assert_eq!(counts.touched, 0, "an arm came down on a vehicle");

    money(site);
    let books = stage.gateway.books();
    let reader = runtime.block_on(Reader::open(&site.database())).unwrap();
    let compared = runtime.block_on(compare(&reader, &books)).unwrap();
    assert!(compared.hidden.is_empty(), "{compared:#?}");
    println!(
        "{} payments at the bank, {} fen there, {} fen in the ledger, in plain sight: {:?}",
        compared.payments, compared.bank_fen, compared.ledger_fen, compared.visible
    );
    pulses(stage, site);
    println!(
        "{} stays, {} journal rows",
        sql(site, "select count(*) from stay"),
        sql(site, "select count(*) from journal")
    );
}

fn money(site: &Site) {
    let none = [
        (
            "an order was earned twice",
            "select p.order_id from payment p join posting g on g.payment_id = p.id \
          where g.credit = 'parking_revenue' group by 1 having count(*) > 1",
        ),
        (
            "an order has two paid payments, and one of them is not on its way back",
            "select p.order_id from payment p where p.state = 'paid' \
          and not exists (select 1 from refund r where r.payment_id = p.id) \
          group by 1 having count(*) > 1",
        ),
        (
            "a paid payment is not in the ledger",
            "select id from payment p where p.state = 'paid' \
          and not exists (select 1 from posting g where g.payment_id = p.id)",
        ),
        (
            "a transaction does not sum to zero",
            "select txn from posting_line group by txn, currency having sum(amount_minor) <> 0",
        ),
        (
            "an undecided payment is watched by nobody",
            "select id from payment where state in ('pending', 'reversing') and watched = 0",
        ),
        (
            "a disputed payment raises no alarm",
            "select id from payment p where p.state = 'disputed' \
          and not exists (select 1 from alarm a where a.subject = p.out_trade_no)",
        ),
        (
            "a plate is inside twice",
            "select plate from stay where is_open = 1 group by 1 having count(*) > 1",
        ),
    ];
    for (what, question) in none {
        assert_eq!(sql(site, question), "", "{what}");
    }
}

/// Every contact that closed has its own order in the journal, with a cause, and closed while that order was good.
fn pulses(stage: &Stage, site: &Site) {
    let told = stage.pulses();
    let rows = sql(
        site,
        "select distinct body ->> 'id', body ->> '$.order.id', body ->> '$.order.action', \
         cast(round(unixepoch(body ->> '$.order.at', 'subsec') * 1000) as integer), \
         cast(round(unixepoch(body ->> '$.order.expires_at', 'subsec') * 1000) as integer), \
         body ->> '$.order.cause.why' from journal \
         where kind = 'lane' and body ->> '$.order.id' is not null order by 4",
    );
    for (nth, lane) in stage.layout.lanes.iter().enumerate() {
        let mut orders: BTreeMap<i64, (ArmAction, i64, i64)> = BTreeMap::new();
        for row in rows.lines().filter(|row| row.split('|').next() == Some(&lane.id)) {
            let fields: Vec<&str> = row.split('|').collect();
            let number = |nth: usize| fields[nth].parse::<i64>().unwrap();
            let action = action(fields[2]);
            let caused = !fields[5].is_empty();
            assert!(caused || matches!(action, ArmAction::Close | ArmAction::Release), "{row}");
            assert!(orders.insert(number(1), (action, number(3), number(4))).is_none(), "{row}");
        }
        let here: Vec<Pulse> = told.iter().filter(|pulse| pulse.lane == nth).copied().collect();
        let ordered = orders.len();
        for pulse in &here {
            let at = pulse.at.as_millisecond();
            let meant = orders.iter().find(|(_, (action, from, until))| {
                *action == pulse.action && from - SLACK_MS <= at && at <= until + SLACK_MS
            });
            let meant = meant.map(|(id, _)| *id);
            let Some(meant) = meant else {
                panic!("{}: {pulse:?} has no order of its own in the journal\n{rows}", lane.id);
            };
            orders.remove(&meant);
        }
        let by = if lane.by == By::Board { "board" } else { "camera" };
        println!(
            "{} ({by}): {} orders on record, {} reached the arm",
            lane.id,
            ordered,
            here.len()
        );
    }
    assert!(told.len() > 40, "only {} pulses", told.len());
}

fn action(name: &str) -> ArmAction {
    match name {
        "open" => ArmAction::Open,
        "close" => ArmAction::Close,
        "hold" => ArmAction::Hold,
        _ => ArmAction::Release,
    }
}

/// The daemon may be killed while it is starting, too.
#[test]
fn killed_while_it_starts() {
    let (folder, http, mqtt) = (Folder::new(), free_port(), free_port());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let stage = runtime.block_on(Stage::build(folder.path(), spec(http, mqtt))).unwrap();
    let site = Site { folder, http, mqtt };
    for ms in [1_u64, 3, 6, 10, 15, 20, 30, 45, 60, 90] {
        let mut process = super::support::paifang()
            .args(["run", "--config"])
            .arg(site.config())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(ms));
        process.kill().unwrap();
        process.wait().unwrap();
    }
    let daemon: Daemon = site.start();
    wait_for("the account", || (sql(&site, "select count(*) from operator") == "1").then_some(()));
    daemon.stop();
    assert!(site.run(&["check", "--journal"]).status.success());
    runtime.block_on(stage.stop());
}
