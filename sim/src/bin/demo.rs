//! A whole car park in one command: the daemon with its broker, simulated devices on real wires, drivers, an attendant
//! and a bank, all in this process. Decides nothing.

use std::{
    fs,
    io::{self, IsTerminal, Write},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Mutex,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use clap::Parser;
use jiff::Timestamp;
use paifang::{
    app::{self, daemon::Daemon},
    cli, config,
    store::Reader,
};
use paifang_sim::{
    bank,
    faults::{CameraFaults, Faults, PeopleFaults},
    invoicing,
    site::{Compared, Counts, GATE_IN, Stage, StageSpec, Tale, Tales, compare, crew},
};
use tokio::{
    sync::mpsc::UnboundedReceiver,
    time::{Instant, sleep_until},
};
use tracing_subscriber::{EnvFilter, fmt as log, prelude::*};

/// A car park on this machine: `paifang` itself, and everything it would be wired to.
///
/// Vehicles drive in and out of simulated lanes. Cameras read them and say so over MQTT, one over HTTP, whose own relay
/// moves its arm; relay boards and LED displays
/// hang on pseudo-terminals and speak Modbus and the display's own protocol; drivers open the daemon's pages with a
/// phone and pay at a simulated bank, which signs and verifies as the real one does; an attendant at the console helps
/// whoever is stuck. Visitors on foot buy tickets for a time slot on the page, at a kiosk and at the window, hold them
/// before a turnstile's scanner, wait while it is full inside, leave by a scan, come back, change their mind. Nothing of the daemon is replaced: it runs with the site file in the demo's folder.
///
/// Open the console with the addresses printed at the start, watch a lane, hold a barrier open, let a driver go: the
/// traffic reacts. Ctrl-C ends it with a summary of vehicles, takings and the bank's books.
#[derive(Debug, Parser)]
#[command(name = "cargo demo", verbatim_doc_comment, after_help = EXAMPLES)]
struct Args {
    /// Folder of the site: its file, its database, the log
    #[arg(long, default_value = "site-data/demo")]
    folder: PathBuf,
    /// Begin anew: what an earlier demo left in the folder is removed first
    #[arg(long)]
    fresh: bool,
    /// Draws vehicles and drivers; the same number brings the same ones. Default: another one each time
    #[arg(long)]
    seed: Option<u64>,
    /// Traffic this many times as dense; arms and vehicles still move as in life, so queues grow where lanes are few
    #[arg(long, default_value_t = 1.0, value_parser = speed)]
    speed: f64,
    /// Lanes, half of them entries: 2 to 40
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u8).range(2..=40))]
    lanes: u8,
    /// Pages are served here; the broker takes the next port, the bank the one after
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// Ends by itself after so many seconds, and fails unless vehicles came in, paid and left, and visitors too
    #[arg(long = "for", value_name = "SECONDS")]
    lasts: Option<u64>,
    /// The daemon's log on standard error instead of a file
    #[arg(long)]
    log: bool,
}

const EXAMPLES: &str = "Examples:
  cargo demo                     until Ctrl-C, on http://127.0.0.1:8080
  cargo demo --fresh --speed 3   a busy day, with no past
  cargo demo --for 60            a minute, then the summary

While it runs, make the bank fail (all faults: GET the same address):
  curl -H 'content-type: application/json' -d '{\"silent\":0.5}' http://127.0.0.1:8082/control";

/// What the attendant and whoever watches sign in with.
const PASSWORD: &str = "demo-password";
/// Between lines of progress.
const PAUSE: Duration = Duration::from_secs(10);
/// Everything is stopped within this, or left as it is.
const GRACE: Duration = Duration::from_millis(2_500);

fn speed(text: &str) -> Result<f64, String> {
    let speed: f64 = text.parse().map_err(|_| "is no number".to_owned())?;
    if (0.1..=20.0).contains(&speed) { Ok(speed) } else { Err("must be 0.1 to 20".into()) }
}

fn main() -> ExitCode {
    let args = Args::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let done = runtime.context("the runtime does not start").and_then(|runtime| {
        let done = runtime.block_on(demo(&args));
        runtime.shutdown_background();
        done
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("demo: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn demo(args: &Args) -> Result<()> {
    prepare(args)?;
    let log_file = start_log(args)?;
    let seed = args.seed.unwrap_or_else(|| wall_clock().as_second().unsigned_abs());
    let mut stage = Stage::build(&args.folder, spec(args, seed)?)
        .await
        .with_context(|| format!("the site cannot be built in {}", args.folder.display()))?;
    let site = config::load(&stage.layout.site_file())?;
    let daemon = Daemon::start(site, cli::start_metrics()?)
        .await
        .context("the daemon does not start; if its port is taken, try --port")?;
    let attendant = stage.run(PASSWORD, daemon.first_password.clone())?;
    attendant.sign_in().await?;
    invoicing::spawn(args.folder.join(invoicing::FOLDER));
    let deputy = crew::hire(&stage, PASSWORD).await?;
    let (tales, story) = stage.employ([attendant, deputy]).await;
    welcome(&stage, seed, log_file.as_deref());
    watch(&stage, args, story).await;
    println!("\nstopping");
    let counts = stage.counts().borrow().clone();
    let (folder, books) = (stage.layout.data_dir(), stage.gateway.books());
    let stopped = tokio::time::timeout(GRACE, async {
        stage.stop().await;
        daemon.stop().await;
    });
    if stopped.await.is_err() {
        println!("something did not stop in time; the database is whole all the same");
    }
    let reader = Reader::open(&folder.join(app::DATABASE)).await?;
    let compared = compare(&reader, &books).await?;
    summary(&reader, &counts, &compared).await?;
    told(&tales);
    let happened = tales.counts();
    let visited = [Tale::Bought, Tale::PhoneIn, Tale::PaperIn, Tale::PersonOut];
    let visited = visited.iter().all(|tale| happened.contains_key(tale));
    let whole = counts.came > 0 && counts.left > 0 && counts.paid > 0 && visited;
    if args.lasts.is_some() && !whole {
        bail!("not everything happened: give it more seconds, or look into the log");
    }
    if !compared.hidden.is_empty() {
        bail!("the ledger differs from the bank's books");
    }
    Ok(())
}

/// The folder as it should be found. Only what a demo made is ever removed.
fn prepare(args: &Args) -> Result<()> {
    let folder = &args.folder;
    if args.fresh && folder.exists() {
        let ours = folder.join("lines").is_dir() && folder.join("site.toml").is_file();
        let empty = fs::read_dir(folder)?.next().is_none();
        if !ours && !empty {
            bail!("{} was not made by a demo; remove it by hand if it may go", folder.display());
        }
        fs::remove_dir_all(folder)
            .with_context(|| format!("{} cannot be removed", folder.display()))?;
    }
    fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))
}

fn start_log(args: &Args) -> Result<Option<PathBuf>> {
    let filter = EnvFilter::new("info,rmqtt=warn");
    let registry = tracing_subscriber::registry().with(filter);
    if args.log {
        registry.with(log::layer().with_writer(io::stderr)).init();
        return Ok(None);
    }
    let path = args.folder.join("demo.log");
    let file =
        fs::File::create(&path).with_context(|| format!("{} cannot be written", path.display()))?;
    registry.with(log::layer().with_ansi(false).with_writer(Mutex::new(file))).init();
    Ok(Some(path))
}

fn spec(args: &Args, seed: u64) -> Result<StageSpec> {
    let at = |offset: u16| -> Result<SocketAddr> {
        let port = args.port.checked_add(offset).context("--port is too high")?;
        Ok(SocketAddr::from(([127, 0, 0, 1], port)))
    };
    let entries = usize::from(args.lanes / 2);
    let exits = usize::from(args.lanes) - entries;
    // An exit serves a vehicle in about 10 s.
    let gap_s = 11.0 / exits as f64 / args.speed;
    Ok(StageSpec {
        entries,
        exits,
        large: true,
        camera_arm: entries > 1,
        http_exit: exits > 1,
        seed,
        gap_s,
        stay_s: (5.0 / args.speed, 30.0 / args.speed),
        haste: 16.0,
        faults: weather(),
        bank_faults: bank_weather(),
        bank: at(2)?,
        ..StageSpec::new(at(0)?, at(1)?)
    })
}

/// A day like any other: now and then something is misread, doubled, or nobody wants to pay.
fn weather() -> Faults {
    Faults {
        camera: CameraFaults {
            misread: 0.06,
            missed: 0.02,
            garbage: 0.01,
            doubled: 0.05,
            again: 0.05,
            ..CameraFaults::default()
        },
        people: PeopleFaults { two_phones: 0.05, never_pays: 0.1, ..PeopleFaults::default() },
        ..Faults::none()
    }
}

fn bank_weather() -> bank::Faults {
    bank::Faults {
        slow: 0.05,
        notice_missing: 0.2,
        notice_doubled: 0.2,
        late_word: 0.05,
        late_word_s: 8,
        ..bank::Faults::default()
    }
}

#[expect(clippy::disallowed_methods, reason = "a seed of its own, and the end of the takings")]
fn wall_clock() -> Timestamp {
    Timestamp::now()
}

fn welcome(stage: &Stage, seed: u64, log_file: Option<&Path>) {
    let url = stage.layout.public_url();
    let exit = stage.layout.lanes.iter().rfind(|lane| !lane.inner);
    let exit = exit.map_or("exit-1", |lane| lane.id.as_str());
    println!("{} is open (seed {seed}). Ctrl-C ends it.\n", stage.layout.name);
    println!("  sign in       everybody's password is {PASSWORD}");
    for (name, role, page) in crew::accounts() {
        println!("    {name:<12}{role:<12}{url}{page}");
    }
    println!(
        "  driver        {url}/l/{exit}      what a phone sees after scanning the lane's sign"
    );
    println!("  exit screen   {url}/lane/{exit}/screen");
    println!("  lane sign     {url}/lane/{exit}/sign");
    println!("  booth         {url}/console/shift   a shift that changes hands every half minute");
    println!(
        "  tickets       {url}/visit      what a visitor's phone sees; a kiosk stands at {url}/kiosk"
    );
    println!(
        "  turnstile     {url}/console#lane-{GATE_IN}   who is inside: {url}/console/visitors"
    );
    println!("  spaces        {url}/console/zones   a zone within, and what its sign shows");
    println!(
        "  bank          {}/control     its faults; its books under /books",
        stage.gateway.base_url()
    );
    println!("  broker        mqtt://{}", stage.layout.mqtt);
    println!("  site file     {}", stage.layout.site_file().display());
    if let Some(path) = log_file {
        println!("  log           {}", path.display());
    }
    println!();
}

/// Until Ctrl-C or the end of the time, a line now and then.
async fn watch(stage: &Stage, args: &Args, mut story: UnboundedReceiver<String>) {
    let counts = stage.counts();
    let begun = Instant::now();
    let end = args.lasts.map(|lasts| begun + Duration::from_secs(lasts));
    let far = begun + Duration::from_hours(24 * 365);
    let mut next = begun + PAUSE;
    let stop = cli::stop_signal();
    tokio::pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => return,
            () = sleep_until(end.unwrap_or(far)) => return,
            Some(line) = story.recv() => tell(&line, begun.elapsed()),
            () = sleep_until(next) => {
                next += PAUSE;
                progress(&counts.borrow(), begun.elapsed());
            }
        }
    }
}

/// Over the line of progress, where that is written anew.
fn tell(line: &str, since: Duration) {
    let mut out = io::stdout().lock();
    let (begin, seconds) = (if out.is_terminal() { "\r\x1b[K" } else { "" }, since.as_secs());
    let _ = writeln!(out, "{begin}{:02}:{:02}  {line}", seconds / 60, seconds % 60);
    let _ = out.flush();
}

fn progress(counts: &Counts, since: Duration) {
    let mut out = io::stdout().lock();
    let Counts { came, left, paid, waived, waiting, inside, .. } = counts;
    let seconds = since.as_secs();
    let _ = write!(
        out,
        "{}{:02}:{:02}  in {came:>4}   out {left:>4}   paid {paid:>4}   let go {waived:>3}   parked {inside:>3}   in lanes {waiting:>2}{}",
        if out.is_terminal() { "\r" } else { "" },
        seconds / 60,
        seconds % 60,
        if out.is_terminal() { " " } else { "\n" },
    );
    let _ = out.flush();
}

fn told(tales: &Tales) {
    for (tale, count) in tales.counts() {
        println!("{count:>10} {}", tale.name());
    }
}

async fn summary(reader: &Reader, counts: &Counts, compared: &Compared) -> Result<()> {
    let takings = reader.takings(Timestamp::UNIX_EPOCH, wall_clock()).await?;
    let yuan = |fen: i64| format!("¥{}.{:02}", fen / 100, fen % 100);
    println!(
        "vehicles   {} in, {} out, {} let go by hand",
        counts.came, counts.left, counts.waived
    );
    println!(
        "takings    {} from {} payments, cash among them, {} given back, by the ledger",
        yuan(takings.revenue_minor),
        takings.payments,
        yuan(takings.refunded_minor)
    );
    if compared.is_equal() {
        println!(
            "bank       {} in its books of this run, as in the ledger without cash",
            yuan(compared.bank_fen)
        );
    } else {
        println!(
            "bank       {} in its books of this run, {} in the ledger",
            yuan(compared.bank_fen),
            yuan(compared.ledger_fen)
        );
    }
    for line in &compared.visible {
        println!("           under way: {line}");
    }
    for line in &compared.hidden {
        println!("           DIFFERS: {line}");
    }
    Ok(())
}
