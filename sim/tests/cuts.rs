//! The power goes in the middle of every flow of money: before its commit, between commit and act, and before the one
//! who asked is told. Everything else works, so whatever is wrong at the end is the cut's doing.

use std::{
    collections::BTreeSet,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use paifang_sim::{
    faults::Faults,
    pure::{Cut, Run, RunSpec},
};

/// Sites that between them take cash, codes, links and charges by the plate, owe, and give back.
const SEEDS: [u64; 4] = [3, 4, 10, 13];
/// Steps that are cut in each site, evenly over its day; `SIM_CUTS=0` cuts every one.
const CUTS: u32 = 24;

fn run(seed: u64) -> Run {
    Run::new(seed, RunSpec::drawn(seed, 1), Faults::none())
}

#[expect(clippy::disallowed_methods, reason = "how long it may take is said from outside")]
fn cuts() -> u32 {
    std::env::var("SIM_CUTS").ok().and_then(|count| count.parse().ok()).unwrap_or(CUTS)
}

/// Every law of a run is checked after each step and at its end: nobody pays twice, nothing paid is lost, the bank's
/// books and ours agree, nobody is left standing.
#[test]
fn no_cut_in_the_middle_of_money_changes_how_it_ends() {
    let mut plans = Vec::new();
    for seed in SEEDS {
        let whole = run(seed).go().unwrap();
        assert!(whole.money_steps > 100, "seed {seed}: {}", whole.money_steps);
        let stride = if cuts() == 0 { 1 } else { (whole.money_steps / cuts()).max(1) };
        let steps: BTreeSet<u32> = (1..=whole.money_steps).step_by(stride as usize).collect();
        plans.extend(steps.into_iter().flat_map(|at| Cut::ALL.map(|cut| (seed, at, cut))));
    }
    let (next, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                while let Some((seed, at, cut)) = plans.get(next.fetch_add(1, Ordering::Relaxed)) {
                    match run(*seed).cut(*at, *cut).go() {
                        Ok(summary) => {
                            let planned = summary.tally.of("power: cut as planned");
                            assert_eq!(planned, 1, "seed {seed}: no step {at} to cut in");
                        }
                        Err(failure) => wrong.lock().unwrap().push((*seed, *at, *cut, failure)),
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    let first = wrong.first().map(|(seed, at, cut, failure)| {
        format!("seed {seed}, {cut:?} in money step {at}: {failure}")
    });
    assert!(wrong.is_empty(), "{} of {}: {}", wrong.len(), plans.len(), first.unwrap_or_default());
}
