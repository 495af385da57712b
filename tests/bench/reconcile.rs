//! A statement of a million rows against a million payments, beside the same join in the sqlite3 shell, in turns.
//! `cargo bench --bench reconcile`; another number of rows: `cargo bench --bench reconcile -- 50000`.

#![allow(clippy::disallowed_methods, reason = "a bench reads the clock")]

use std::{
    io::{BufWriter, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Instant,
};

use anyhow::{Context, Result, ensure};
use jiff::{Timestamp, tz::TimeZone};
use paifang::{
    core::{
        Change, Rules,
        money::{Account, Order, OrderState, PaidBy, Payment, PaymentState, Posting},
        rules::{SettleRules, Zones},
        stay::Stay,
        tariff::Tariff,
    },
    settle::{Archive, HEADER, Job, Outcome, plain_rows, reconcile},
    store::{Options, Settlements, Store},
    types::{ChannelId, Currency, LaneId, Money, OrderId, PaymentId, Plate, StayId, bank::PayWay},
};

const ROWS: u64 = 1_000_000;
/// Each of the two is run so often, in turns; the middle one counts.
const ROUNDS: usize = 3;
/// One row in so many is missing, one has another amount, and one is of nobody.
const FAULT: u64 = 5_000;
/// Payments put down at once.
const BATCH: u64 = 5_000;
const DAY: &str = "2026-11-23";

/// The first instant of the day by the clock of the site, in seconds since 1970.
const DAY_START_S: i64 = 1_795_363_200;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let rows = std::env::args().find_map(|arg| arg.parse().ok()).unwrap_or(ROWS);
    let dir = std::env::temp_dir().join(format!("paifang-reconcile-{}", std::process::id()));
    std::fs::create_dir_all(&dir)?;
    let result = run(&dir, rows).await;
    let _ = std::fs::remove_dir_all(&dir);
    result
}

async fn run(dir: &Path, rows: u64) -> Result<()> {
    let (site, statement) = (dir.join("site.db"), dir.join("statement.csv"));
    fill(&site, &statement, rows).await?;
    let books = Settlements::beside(&site).await?;
    let (mut ours, mut peers, mut rss_mib) = (Vec::new(), Vec::new(), 0.0_f64);
    for _ in 0..ROUNDS {
        let idle_kib = status_kib("VmRSS:")?;
        // From here on the peak is counted anew.
        std::fs::write("/proc/self/clear_refs", "5")?;
        let begun = Instant::now();
        let outcome = reconciled(&books, dir, &statement).await?;
        ours.push(begun.elapsed().as_secs_f64());
        rss_mib = rss_mib.max((status_kib("VmHWM:")? - idle_kib) / 1_024.0);
        let begun = Instant::now();
        let found = peer(dir, &site, &statement)?;
        peers.push(begun.elapsed().as_secs_f64());
        let own = format!("{} {}", outcome.file.matched, outcome.open + outcome.waiting);
        ensure!(own == found, "matched and differences: {own}, the shell found {found}");
        println!(
            "round: {:.2} s, sqlite3 {:.2} s, {own}",
            ours[ours.len() - 1],
            peers[peers.len() - 1]
        );
    }
    let (seconds, peer_seconds) = (middle(ours), middle(peers));
    let ratio = seconds / peer_seconds;
    println!(
        "reconcile rows={rows} seconds={seconds:.2} peer_seconds={peer_seconds:.2} ratio={ratio:.2} rss_mib={rss_mib:.1}"
    );
    Ok(())
}

fn middle(mut seconds: Vec<f64>) -> f64 {
    seconds.sort_by(f64::total_cmp);
    seconds[seconds.len() / 2]
}

fn status_kib(name: &str) -> Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with(name)).context("no such line")?;
    Ok(line.split_whitespace().nth(1).context("no figure")?.parse()?)
}

async fn reconciled(books: &Settlements, dir: &Path, statement: &Path) -> Result<Outcome> {
    let (text, is_plain) = Archive::open(statement)?;
    ensure!(is_plain, "the fixture is of the plain format");
    let job = Job {
        channel: ChannelId::parse("icbc").context("a channel's name")?,
        day: DAY.parse()?,
        digest: [0; 32],
        currency: Currency::Cny,
        zone: TimeZone::get("Asia/Shanghai")?,
        rules: SettleRules::default(),
        fee: None,
        late_days: 1,
        work: PathBuf::from(dir),
        now: "2026-11-24T01:30:00Z".parse()?,
    };
    Ok(reconcile(books, &job, plain_rows(text, Currency::Cny), &mut |_| {}).await?)
}

fn shell(database: &Path, script: &str) -> Result<String> {
    let mut child = Command::new("sqlite3")
        .arg("-bail")
        .arg(database)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("the sqlite3 shell is not installed")?;
    child.stdin.take().context("no input")?.write_all(script.as_bytes())?;
    let output = child.wait_with_output()?;
    ensure!(output.status.success(), "the sqlite3 shell failed");
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

/// A day of payments as the daemon puts them down, all of one order, and their statement in no order.
async fn fill(site: &Path, statement: &Path, rows: u64) -> Result<()> {
    let mut store = Store::open(site, Options::default()).await?;
    let at = |n: u64| {
        let ms = DAY_START_S * 1_000 + (n * 86_399_000 / (rows + 1)) as i64;
        Timestamp::from_millisecond(ms)
    };
    store.writer.commit(at(0)?, &first(at(0)?)?).await?;
    let mut changes = Vec::with_capacity(2 * BATCH as usize);
    for n in 1..=rows {
        let (payment, posting) = paid(n, at(n)?)?;
        changes.extend([Change::Payment(payment), Change::Posting(posting)]);
        if n % BATCH == 0 || n == rows {
            store.writer.commit(at(n)?, &changes).await?;
            changes.clear();
        }
    }
    let mut out = BufWriter::new(std::fs::File::create(statement)?);
    writeln!(out, "{HEADER}")?;
    // A prime step walks through all of them.
    let step = 7_919;
    ensure!(!rows.is_multiple_of(step), "rows must not be a multiple of {step}");
    for n in (0..rows).map(|n| n * step % rows + 1).filter(|n| n % FAULT != 3) {
        let minor = minor(n) + i64::from(n % FAULT == 2);
        let (mark, bank) = if n % FAULT == 1 { ("XX", "") } else { ("", "0200") };
        let (trade, bank_no) = (trade(n), if bank.is_empty() { String::new() } else { trade(n) });
        writeln!(
            out,
            "paid,{mark}{trade},{bank}{bank_no},,{}.{:02},0.02,",
            minor / 100,
            minor % 100
        )?;
    }
    Ok(out.flush()?)
}

fn trade(n: u64) -> String {
    format!("PF261123{:06}{n:07}", n / 12)
}

fn minor(n: u64) -> i64 {
    100 + (n * 7_919 % 9_000) as i64
}

/// The one order that all payments are of.
fn first(at: Timestamp) -> Result<[Change; 2]> {
    let zone = TimeZone::get("Asia/Shanghai")?;
    let rules = Rules::new("bench", zone, Currency::Cny, Tariff::hourly(15, 500, 4_000));
    let lane = LaneId::parse("in").context("a lane's name")?;
    let stay = Stay::new(StayId(1), Plate::parse("京A12345")?, lane, Zones::only(), at);
    let order = Order {
        sale: None,
        basket: None,
        pass: None,
        id: OrderId(1),
        stay: Some(StayId(1)),
        lane: None,
        amount: Money::new(500, Currency::Cny),
        quote: rules.quote(at, at),
        made_at: at,
        state: OrderState::Paid { by: PaidBy::Payment(PaymentId(1)), at },
        arrears: Vec::new(),
        by_plate: false,
    };
    Ok([Change::Stay(stay), Change::Order(order)])
}

fn paid(n: u64, at: Timestamp) -> Result<(Payment, Posting)> {
    let (id, trade, amount) = (n as i64, trade(n), Money::new(minor(n), Currency::Cny));
    let payment = Payment {
        charge: None,
        printed: false,
        id: PaymentId(id),
        order: OrderId(1),
        channel: ChannelId::parse("icbc").context("a channel's name")?,
        way: PayWay::Cashier,
        amount,
        state: PaymentState::Paid { at },
        link: Some(format!("https://bank.example/cashier/{trade}")),
        made_at: at,
        expires_at: at,
        asks: 3,
        next_ask: None,
        bank_no: Some(format!("0200{trade}")),
        out_trade_no: trade,
    };
    let (debit, credit) = (Account::ChannelReceivable, Account::ParkingRevenue);
    let bare = Posting::bare(id, at, debit, credit, amount);
    let posting = Posting { payment: Some(PaymentId(id)), ..bare };
    Ok((payment, posting))
}

/// The same, by hand: matched rows, and differences.
fn peer(dir: &Path, site: &Path, statement: &Path) -> Result<String> {
    let database = dir.join("peer.db");
    let _ = std::fs::remove_file(&database);
    let start_ms = DAY_START_S * 1_000;
    let end_ms = start_ms + 86_400_000;
    let script = format!(
        r"pragma journal_mode = off;
pragma synchronous = off;
attach '{site}' as site;
create table statement (what text, out_trade_no text, bank_no text, refund_no text, amount text, fee text, at text);
.import --csv --skip 1 {statement} statement
create index statement_no on statement (out_trade_no);
create table ours as select payment.out_trade_no, posting.amount_minor as minor, payment.body ->> 'bank_no' as bank_no
    from site.posting join site.payment on payment.id = posting.payment_id
    where posting.at_ms >= {start_ms} and posting.at_ms < {end_ms} and posting.debit = 'channel_receivable'
        and payment.channel = 'icbc';
create index ours_no on ours (out_trade_no);
create table difference as
select 'amount' as kind, statement.out_trade_no from statement join ours using (out_trade_no)
    where cast(round(amount * 100) as integer) <> ours.minor or statement.bank_no <> ours.bank_no
union all select 'long', out_trade_no from statement where out_trade_no not in (select out_trade_no from ours)
union all select 'short', out_trade_no from ours where out_trade_no not in (select out_trade_no from statement);
select (select count(*) from statement join ours using (out_trade_no)) || ' ' || (select count(*) from difference);
",
        site = site.display(),
        statement = statement.display(),
    );
    let said = shell(&database, &script)?;
    Ok(said.lines().last().unwrap_or_default().to_owned())
}
