//! From a signed code in hand to the order to the turnstile, durable: signature, decision, commit; and what of it is the
//! signature, and what 1,000 pictures of codes cost. `cargo bench --bench admission`.
//!
//! The turnstiles have no wires here, so that the lines' own speed (see the bench `gate`) does not hide the rest. Each
//! admission is three commits: let in, the turnstile's answer, gone.

#![allow(clippy::disallowed_methods, reason = "a bench reads the clock")]

#[path = "../rig/gates.rs"]
mod rig;

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use paifang::core::{gate::PassAction, presented::Presented};
use qrcode::{EcLevel, QrCode, render::svg};

use self::rig::{Site, Turnstile};

/// Admissions counted with each number of gates.
const ADMISSIONS: usize = 4_000;
const WARM_UP: usize = 200;
const PICTURES: usize = 1_000;

fn main() -> Result<()> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(bench())
}

async fn bench() -> Result<()> {
    let mut rates = Vec::new();
    let mut latencies = Vec::new();
    for gates in [1, 4, 16] {
        let (rate, mut took) = admissions(gates).await?;
        took.sort_unstable();
        println!(
            "{gates:2} gates: {rate:6.0} admissions a second; scan to pass {} us at the median, {} us at the 99th",
            at(&took, 50).as_micros(),
            at(&took, 99).as_micros()
        );
        rates.push(rate);
        latencies = took;
    }
    let folder = Folder::new("codes")?;
    let (site, _) = Site::start(&folder.0, 1).await?;
    let codes = site.sell(PICTURES).await?;
    let begun = Instant::now();
    for code in &codes {
        let read = site.keys.read(code, site.app.now());
        ensure!(matches!(read, Presented::Signed(..)), "{read:?}");
    }
    let verify_us = begun.elapsed().as_secs_f64() * 1e6 / codes.len() as f64;
    let begun = Instant::now();
    let mut bytes = 0;
    for code in &codes {
        let qr = QrCode::with_error_correction_level(code, EcLevel::M)?;
        bytes += qr.render::<svg::Color<'_>>().build().len();
    }
    let qr1000_s = begun.elapsed().as_secs_f64();
    println!("{PICTURES} pictures, {} KiB each", bytes / PICTURES / 1024);
    site.stop().await?;
    let [g1, g4, g16] = rates[..] else { unreachable!("three numbers of gates") };
    println!(
        "admission g1={g1:.0} g4={g4:.0} g16={g16:.0} p50_us={} p99_us={} verify_us={verify_us:.1} qr1000_s={qr1000_s:.3}",
        at(&latencies, 50).as_micros(),
        at(&latencies, 99).as_micros(),
    );
    Ok(())
}

/// Admissions a second through so many gates at once, each with its queue; and how long each scan took.
async fn admissions(gates: usize) -> Result<(f64, Vec<Duration>)> {
    let folder = Folder::new(&format!("gates-{gates}"))?;
    let (site, turnstiles) = Site::start(&folder.0, gates).await?;
    let mut codes = site.sell(WARM_UP + ADMISSIONS).await?;
    let counted = codes.split_off(WARM_UP);
    let (turnstiles, _) = queues(&site, turnstiles, &codes).await?;
    let begun = Instant::now();
    let (_, took) = queues(&site, turnstiles, &counted).await?;
    let rate = took.len() as f64 / begun.elapsed().as_secs_f64();
    let reader = site.reader.clone();
    site.stop().await?;
    let wanted = WARM_UP + ADMISSIONS;
    let on_record = reader.admissions_since(jiff::Timestamp::UNIX_EPOCH, u32::MAX).await?.len();
    ensure!(on_record == wanted, "{on_record} of {wanted} admissions are on record");
    Ok((rate, took))
}

/// Each gate admits its part of the codes, one behind the other.
async fn queues(
    site: &Site,
    turnstiles: Vec<Turnstile>,
    codes: &[String],
) -> Result<(Vec<Turnstile>, Vec<Duration>)> {
    let part = codes.len().div_ceil(turnstiles.len());
    let parts = codes.chunks(part).map(<[String]>::to_vec);
    let tasks = turnstiles.into_iter().zip(parts).map(|(mut turnstile, codes)| {
        let keys = site.keys.clone();
        tokio::spawn(async move {
            let mut took = Vec::with_capacity(codes.len());
            for code in codes {
                let begun = Instant::now();
                turnstile.scan(&keys, &code).await?.context("not admitted")?;
                let opened = turnstile.obey(PassAction::Grant).await?;
                took.push(opened.duration_since(begun));
                turnstile.walk().await?;
            }
            anyhow::Ok((turnstile, took))
        })
    });
    let (mut turnstiles, mut took) = (Vec::new(), Vec::new());
    for task in tasks.collect::<Vec<_>>() {
        let (turnstile, part) = task.await??;
        turnstiles.push(turnstile);
        took.extend(part);
    }
    Ok((turnstiles, took))
}

fn at(sorted: &[Duration], percent: usize) -> Duration {
    sorted.get(sorted.len().saturating_sub(1) * percent / 100).copied().unwrap_or_default()
}

struct Folder(std::path::PathBuf);

impl Folder {
    fn new(name: &str) -> Result<Self> {
        let path = std::env::temp_dir().join(format!("paifang-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
