//! Runs the core against the simulated site, seed after seed, in virtual time. Knows no wire.

use std::{
    fs,
    io::{IsTerminal, Write},
    path::PathBuf,
    process::ExitCode,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::Context;
use clap::{Parser, Subcommand, ValueEnum};
use jiff::tz::TimeZone;
use paifang::{core::tariff::Tariff, types::Currency};
use paifang_sim::{
    faults::{Faults, Part},
    pure::{Failure, Run, RunSpec, STORY, Summary},
    replay,
    seed::Seed,
};

/// Runs whole sites in virtual time: vehicles, arms, cameras, phones and a bank against the decision core.
///
/// Each seed is one site with its own lanes, prices, traffic and faults. After every step the laws are checked: no
/// opening without a cause on record, nobody pays twice, the books agree with the bank's, nobody is trapped, and the
/// journal rebuilds the state. A seed that breaks one prints the law, the last steps, and how to run it again.
///
/// Examples:
///   sim --seed 7 --days 3        one site, three days
///   sim --from 0 --count 1000    a thousand sites, one day each
///   sim --seed 7 --faults none   the same site on a day when nothing goes wrong
///   sim replay traces/birmingham.csv --tariff day.toml --out site-data/replay
#[derive(Debug, Parser)]
#[command(name = "sim", verbatim_doc_comment, args_conflicts_with_subcommands = true)]
struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    /// Run this seed only
    #[arg(long, conflicts_with_all = ["from", "count"])]
    seed: Option<u64>,
    /// First seed
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Number of seeds
    #[arg(long, default_value_t = 100)]
    count: u64,
    /// Days of each seed, from midnight; then everybody leaves
    #[arg(long, default_value_t = 1)]
    days: u32,
    /// What goes wrong: parts with commas between
    #[arg(long, value_enum, value_delimiter = ',', default_value = "all")]
    faults: Vec<Mood>,
    /// Threads
    #[arg(long, default_value_t = 1)]
    jobs: usize,
    /// Steps shown before a failure
    #[arg(long, default_value_t = STORY)]
    story: usize,
    /// Show the steps even if nothing fails
    #[arg(long)]
    tell: bool,
    /// No progress, no table: only failures and the last line
    #[arg(long, short)]
    quiet: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs a published occupancy trace through the core, a whole season of each car park, and charts what came of it
    Replay(ReplayArgs),
}

#[derive(Debug, clap::Args)]
struct ReplayArgs {
    /// The trace: Birmingham's form or Aarhus's
    csv: PathBuf,
    /// What a stay costs: a tariff file
    #[arg(long)]
    tariff: PathBuf,
    /// Charts and summary go into this folder
    #[arg(long)]
    out: PathBuf,
    /// Draws the visits; the same number makes the same ones
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Only car parks whose name contains this
    #[arg(long, default_value = "")]
    only: String,
    /// IANA zone of the trace's times. Default: the city's
    #[arg(long)]
    zone: Option<String>,
    /// ISO 4217
    #[arg(long, default_value = "CNY")]
    currency: String,
}

/// A part that faults come from, or all or none of them.
#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
enum Mood {
    All,
    None,
    Camera,
    Arm,
    Inputs,
    Wire,
    Bank,
    Machine,
    People,
    Turnstile,
}

impl Mood {
    fn parts(self) -> &'static [Part] {
        match self {
            Self::All => &Part::ALL,
            Self::None => &[],
            Self::Camera => &[Part::Camera],
            Self::Arm => &[Part::Arm],
            Self::Inputs => &[Part::Inputs],
            Self::Wire => &[Part::Wire],
            Self::Bank => &[Part::Bank],
            Self::Machine => &[Part::Machine],
            Self::People => &[Part::People],
            Self::Turnstile => &[Part::Turnstile],
        }
    }
}

fn main() -> ExitCode {
    let args = Args::parse();
    if let Some(Command::Replay(args)) = &args.command {
        return match replay_trace(args) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("sim: {error:#}");
                ExitCode::FAILURE
            }
        };
    }
    let (from, count) = args.seed.map_or((args.from, args.count), |seed| (seed, 1));
    #[expect(clippy::disallowed_methods, reason = "how long the run took, for its last line")]
    let began = Instant::now();
    let total = Mutex::new(Summary::default());
    let failures = Mutex::new(Vec::<Box<Failure>>::new());
    let (next, done) = (AtomicU64::new(from), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for _ in 0..args.jobs.max(1) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= from.saturating_add(count) {
                        break;
                    }
                    match run(seed, &args) {
                        Ok(summary) => {
                            total.lock().expect("no thread panics").merge(&summary);
                        }
                        Err(failure) => {
                            eprintln!(
                                "\r{failure}\nagain: sim --seed {seed} --days {}\n",
                                args.days
                            );
                            failures.lock().expect("no thread panics").push(failure);
                        }
                    }
                    let done = done.fetch_add(1, Ordering::Relaxed) + 1;
                    if !args.quiet {
                        progress(done, count, began.elapsed());
                    }
                }
            });
        }
    });
    let total = total.into_inner().expect("no thread panics");
    let failures = failures.into_inner().expect("no thread panics");
    report(&args, &total, count, failures.len(), began.elapsed());
    if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn replay_trace(args: &ReplayArgs) -> anyhow::Result<()> {
    let read = |path: &PathBuf| {
        fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))
    };
    let (text, tariff) = (read(&args.csv)?, read(&args.tariff)?);
    let tariff = Tariff::parse(&tariff).with_context(|| args.tariff.display().to_string())?;
    let zone = args.zone.as_deref().unwrap_or_else(|| replay::trace::usual_zone(&text));
    let zone = TimeZone::get(zone)?;
    let currency = Currency::from_code(&args.currency).context("--currency is no known code")?;
    #[expect(clippy::disallowed_methods, reason = "how long the run took, for its last line")]
    let began = Instant::now();
    let trace = replay::trace::parse(&text, &zone);
    let only = args.only.clone();
    let spec = replay::Spec { tariff, zone, currency, seed: Seed(args.seed), only };
    let mut told = (String::new(), 0);
    let seasons = replay::replay(&trace.traces, &spec, |name, done, all| {
        let tenths = done * 10 / all.max(1);
        if (told.0.as_str(), told.1) != (name, tenths) {
            told = (name.to_owned(), tenths);
            eprintln!("{name}: {done} of {all} events, {:.1} s", began.elapsed().as_secs_f64());
        }
    })?;
    let summary = replay::write(&args.out, &seasons, currency)?;
    print!("{summary}");
    let decisions: u64 = seasons.iter().map(|season| season.decisions).sum();
    let seconds = began.elapsed().as_secs_f64();
    println!(
        "{} rows, {} dropped; {decisions} decisions in {seconds:.1} s; charts in {}",
        trace.rows,
        trace.dropped,
        args.out.display(),
    );
    Ok(())
}

fn run(seed: u64, args: &Args) -> Result<Summary, Box<Failure>> {
    let parts: Vec<Part> = args.faults.iter().flat_map(|mood| mood.parts()).copied().collect();
    let faults = Faults::of(&parts);
    let spec = RunSpec::drawn(seed, args.days);
    let summary = Run::new(seed, spec, faults).with_story(args.story).go()?;
    if args.tell {
        print!("{}", summary.story);
    }
    Ok(summary)
}

/// A bar on a terminal; a line now and then elsewhere.
fn progress(done: u64, count: u64, took: Duration) {
    let mut err = std::io::stderr().lock();
    let rate = done as f64 / took.as_secs_f64().max(0.001);
    if err.is_terminal() {
        let filled = (done * 40 / count.max(1)) as usize;
        let bar = format!("{}{}", "#".repeat(filled), ".".repeat(40 - filled));
        let _ = write!(err, "\r[{bar}] {done}/{count} seeds, {rate:.1} a second ");
        if done == count {
            let _ = writeln!(err);
        }
    } else if done.is_multiple_of((count / 10).max(1)) {
        let _ = writeln!(err, "{done}/{count} seeds, {rate:.1} a second");
    }
}

fn report(args: &Args, total: &Summary, count: u64, failed: usize, took: Duration) {
    if !args.quiet {
        print!("{}", total.tally);
        for (kind, count) in &total.alarms_left {
            println!("  left: {:<26} {count:>9}", format!("{kind:?}"));
        }
    }
    let seconds = took.as_secs_f64().max(0.001);
    println!(
        "{count} seeds x {} days in {seconds:.1} s ({:.0} ms a day): {} steps ({:.0} a second), {} journal lines, \
         {} in, {} out, {} payments, {} refunds, {} stays and {} alarms left, hash {:016x}, {failed} failed",
        args.days,
        seconds * 1_000.0 / (count as f64 * f64::from(args.days.max(1))),
        total.steps,
        total.steps as f64 / seconds,
        total.lines,
        total.tally.of("traffic: in"),
        total.tally.of("traffic: out"),
        total.payments,
        total.refunds,
        total.stays_left,
        total.alarms_left.values().sum::<u64>(),
        total.hash,
    );
}
