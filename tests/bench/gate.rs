//! From a code's last byte on one serial line to the order on the turnstile's line, durable, beside what it cannot be
//! faster than: the same bytes handed from one line to another by a bare task, and one bare commit on the same disk, all
//! measured in turns in one run.
//!
//! The daemon and the bare task run in a process of their own (this program again, as a child). The lines are real
//! pseudo-terminals. `cargo bench --bench gate`.

#![allow(clippy::disallowed_methods, reason = "a bench reads the clock")]

use std::{
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use paifang::{core::Input, types::Code};
use paifang_sim::wire::Pty;
use sqlx::{ConnectOptions, Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::mpsc,
};
use tokio_serial::SerialPortBuilderExt;

/// Rounds of (relay, commit, scan) in turn; the turnstile is looked at ten times a second, and so are they.
const ROUNDS: usize = 300;
/// Rounds not counted.
const WARM_UP: usize = 30;
/// Readings of the counter after which the person before is on record as gone.
const READINGS: u32 = 6;

fn main() -> Result<()> {
    let runtime =
        || tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    match std::env::args().nth(1).as_deref() {
        Some("--daemon") => {
            let dir = std::env::args().nth(2).context("a folder")?;
            runtime()?.block_on(daemon(Path::new(&dir)))
        }
        _ => runtime()?.block_on(bench()),
    }
}

fn code(round: usize) -> String {
    format!("BENCH-TICKET-{round:05}")
}

// ---- the daemon's process --------------------------------------------------------------------------

fn site_toml(dir: &Path) -> Result<()> {
    let at = |name: &str| dir.join(name).display().to_string();
    let text = format!(
        "[site]\nname = \"Bench\"\nzone = \"Asia/Shanghai\"\ndata_dir = \"data\"\n\
         [http]\nlisten = \"127.0.0.1:0\"\n[mqtt]\nlisten = \"127.0.0.1:0\"\n\
         [tariff]\nfree_minutes = 15\nhour_minor = 500\nday_cap_minor = 4000\n\
         [[bus]]\nid = \"scan\"\npath = \"{}\"\n[[bus]]\nid = \"lot\"\npath = \"{}\"\n\
         [[device]]\nid = \"scanner\"\nprofile = \"scanner/ascii-generic\"\nbus = \"scan\"\n\
         [[device]]\nid = \"turnstile\"\nprofile = \"turnstile/lot-modbus\"\nbus = \"lot\"\n\
         [[lane]]\nid = \"gate\"\nkind = \"people\"\ndirection = \"entry\"\nscanner = \"scanner\"\n\
         turnstile = \"turnstile\"\n",
        at("scan"),
        at("lot"),
    );
    std::fs::write(dir.join("site.toml"), text)?;
    let secrets = dir.join("secrets.toml");
    std::fs::write(&secrets, "[mqtt]\n")?;
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(secrets, mode)?;
    Ok(())
}

async fn daemon(dir: &Path) -> Result<()> {
    site_toml(dir)?;
    let site = paifang::config::load(&dir.join("site.toml"))?;
    let metrics = paifang::cli::start_metrics()?;
    let daemon = paifang::app::daemon::Daemon::start(site, metrics).await?;
    let (valid_from, valid_until) = (jiff::Timestamp::now(), "2100-01-01T00:00:00Z".parse()?);
    for round in 0..WARM_UP + ROUNDS {
        let digest = Code::parse(&code(round))?.digest();
        let by = "bench".to_owned();
        let made =
            Input::TicketMade { digest, persons: 1, valid_from: Some(valid_from), valid_until, by };
        daemon.app.tell(made).await?.context("a ticket")?;
    }
    let relay = tokio::spawn(relay(dir.join("hop-in"), dir.join("hop-out")));
    println!("ready");
    std::io::stdout().flush()?;
    // Until the parent closes our input.
    tokio::task::spawn_blocking(|| std::io::stdin().lines().next()).await?;
    relay.abort();
    daemon.stop().await;
    Ok(())
}

/// What comes in on one line goes out on the other.
async fn relay(from: PathBuf, to: PathBuf) -> Result<()> {
    let open = |path: &Path| tokio_serial::new(path.to_string_lossy(), 9_600).open_native_async();
    let (mut from, mut to) = (open(&from)?, open(&to)?);
    let mut piece = [0; 512];
    loop {
        let count = AsyncReadExt::read(&mut from, &mut piece).await?;
        AsyncWriteExt::write_all(&mut to, &piece[..count]).await?;
    }
}

// ---- the turnstile ---------------------------------------------------------------------------------

/// A controller that counts whoever it is opened for, at once.
struct Turnstile {
    line: Pty,
    counter: u32,
    readings: Arc<AtomicU32>,
    opened: mpsc::UnboundedSender<Instant>,
}

impl Turnstile {
    async fn run(mut self) -> Result<()> {
        let (mut heard, mut piece) = (Vec::new(), [0; 512]);
        loop {
            let count = self.line.read(&mut piece).await?;
            let at = Instant::now();
            heard.extend_from_slice(&piece[..count]);
            while let Some(length) = frame_length(&heard) {
                let frame: Vec<u8> = heard.drain(..length).collect();
                let answer = self.answer(&frame, at);
                self.line.write_all(&answer).await?;
            }
        }
    }

    fn answer(&mut self, frame: &[u8], at: Instant) -> Vec<u8> {
        let word = |at: usize| u16::from_be_bytes([frame[at], frame[at + 1]]);
        let (first, count) = (word(2), word(4));
        let mut answer = vec![frame[0], frame[1]];
        if frame[1] == 0x10 {
            answer.extend_from_slice(&frame[2..6]);
            if (first, word(7)) == (0x40, 1) {
                self.counter += 1;
                self.readings.store(0, Ordering::SeqCst);
                let _ = self.opened.send(at);
            }
        } else {
            answer.push((count * 2) as u8);
            for register in first..first + count {
                let value = match register {
                    0x44 => self.counter as u16,
                    0x45 => (self.counter >> 16) as u16,
                    _ => 0,
                };
                answer.extend(value.to_be_bytes());
            }
            self.readings.fetch_add(1, Ordering::SeqCst);
        }
        let crc = crc(&answer);
        answer.extend(crc.to_le_bytes());
        answer
    }
}

/// Of the request at the front, once it is whole.
fn frame_length(heard: &[u8]) -> Option<usize> {
    let length = match heard.get(1)? {
        0x10 => 9 + usize::from(*heard.get(6)?),
        _ => 8,
    };
    (heard.len() >= length).then_some(length)
}

/// CRC-16/MODBUS, bit by bit.
fn crc(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0xFFFF, |crc, byte| {
        (0..8).fold(crc ^ u16::from(*byte), |crc, _| {
            if crc & 1 == 1 { (crc >> 1) ^ 0xA001 } else { crc >> 1 }
        })
    })
}

// ---- measuring -------------------------------------------------------------------------------------

async fn bare_commit(db: &mut SqliteConnection, body: &str) -> Result<Duration> {
    let begun = Instant::now();
    sqlx::query("insert into row (body) values (?1)").bind(body).execute(db).await?;
    Ok(begun.elapsed())
}

async fn bare_relay(into: &mut Pty, out: &mut Pty, bytes: &[u8]) -> Result<Duration> {
    into.write_all(bytes).await?;
    let begun = Instant::now();
    let mut piece = vec![0; bytes.len()];
    out.read_exact(&mut piece).await?;
    Ok(begun.elapsed())
}

fn percentile_us(times: &mut [Duration], percent: usize) -> f64 {
    times.sort_unstable();
    times[(times.len() - 1) * percent / 100].as_secs_f64() * 1e6
}

fn start_daemon(dir: &Path) -> Result<Child> {
    let mut child = Command::new(std::env::current_exe()?)
        .arg("--daemon")
        .arg(dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut line = String::new();
    BufReader::new(child.stdout.take().context("stdout")?).read_line(&mut line)?;
    anyhow::ensure!(line.trim() == "ready", "the daemon did not start");
    Ok(child)
}

async fn bench() -> Result<()> {
    let dir =
        PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("gate-{}", std::process::id()));
    std::fs::create_dir_all(&dir)?;
    let line = |name: &str| Pty::linked(dir.join(name));
    let (scanner, hop_in, hop_out) = (line("scan")?, line("hop-in")?, line("hop-out")?);
    let (opened_tx, opened) = mpsc::unbounded_channel();
    let readings = Arc::new(AtomicU32::new(0));
    let turnstile = Turnstile {
        line: line("lot")?,
        counter: 0,
        readings: Arc::clone(&readings),
        opened: opened_tx,
    };
    let turnstile = tokio::spawn(turnstile.run());
    let mut child = tokio::task::spawn_blocking({
        let dir = dir.clone();
        move || start_daemon(&dir)
    })
    .await??;
    let result = measure(&dir, scanner, (hop_in, hop_out), opened, &readings).await;
    drop(child.stdin.take());
    child.wait()?;
    turnstile.abort();
    std::fs::remove_dir_all(&dir)?;
    result
}

async fn measure(
    dir: &Path,
    mut scanner: Pty,
    (mut hop_in, mut hop_out): (Pty, Pty),
    mut opened: mpsc::UnboundedReceiver<Instant>,
    readings: &AtomicU32,
) -> Result<()> {
    let options =
        SqliteConnectOptions::new().filename(dir.join("bare.sqlite")).create_if_missing(true);
    let options = options
        .journal_mode(sqlx::sqlite::SqliteJournalMode::Wal)
        .synchronous(sqlx::sqlite::SqliteSynchronous::Full);
    let mut db = options.connect().await?;
    sqlx::query("create table row (id integer primary key, body text)").execute(&mut db).await?;
    let body = "x".repeat(600);
    let (mut hops, mut commits, mut scans) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..WARM_UP + ROUNDS {
        let bytes = format!("{}\r", code(round)).into_bytes();
        let hop = bare_relay(&mut hop_in, &mut hop_out, &bytes).await?;
        let commit = bare_commit(&mut db, &body).await?;
        while readings.load(Ordering::SeqCst) < READINGS {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        // People come at any moment between two readings of the counter, not right behind one.
        tokio::time::sleep(Duration::from_millis(round as u64 * 37 % 100)).await;
        scanner.write_all(&bytes).await?;
        let begun = Instant::now();
        let at = tokio::time::timeout(Duration::from_secs(10), opened.recv()).await;
        let at = at.context("no order came for 10 s")?.context("the turnstile's line ended")?;
        if round >= WARM_UP {
            hops.push(hop);
            commits.push(commit);
            scans.push(at.saturating_duration_since(begun));
        }
    }
    db.close().await?;
    let base = percentile_us(&mut hops, 50) + percentile_us(&mut commits, 50);
    let (p50, p99) = (percentile_us(&mut scans, 50), percentile_us(&mut scans, 99));
    println!("gate scan_us_p50={p50:.0} p99={p99:.0} base_us={base:.0} ratio={:.2}", p50 / base);
    Ok(())
}
