//! Runs the core against the simulated site, seed after seed, in virtual time. Knows no wire.

use std::{
    io::{IsTerminal, Write},
    process::ExitCode,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use clap::{Parser, ValueEnum};
use paifang_sim::{
    faults::{Faults, Part},
    pure::{Failure, Run, RunSpec, STORY, Summary},
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
#[derive(Debug, Parser)]
#[command(name = "sim", verbatim_doc_comment)]
struct Args {
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
