//! Quotes a second on one core, for stays of 2 hours, 54 hours and a year, over tariffs as sites have them: each figure
//! is the slowest tariff's. `cargo bench --bench tariff`.

#![allow(clippy::disallowed_methods, reason = "a bench reads the clock")]

use std::{
    hint::black_box,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use paifang::{
    core::tariff::{Calendar, Case, Tariff, TariffBook},
    types::Currency,
};

/// Each tariff and each length is measured so long, after a tenth of that to warm up.
const MEASURED: Duration = Duration::from_millis(400);
const HOUR_S: i64 = 3_600;

/// Name, zone, currency.
const TARIFFS: [(&str, &str, Currency); 8] = [
    ("cn-c", "Asia/Shanghai", Currency::Cny),
    ("cn-e", "Asia/Shanghai", Currency::Cny),
    ("beijing", "Asia/Shanghai", Currency::Cny),
    ("jp-f", "Asia/Tokyo", Currency::Jpy),
    ("sg-b", "Asia/Singapore", Currency::Sgd),
    ("sg-e", "Asia/Singapore", Currency::Sgd),
    ("mall", "Australia/Melbourne", Currency::Aud),
    ("uk-a", "Europe/London", Currency::Gbp),
];

fn main() -> Result<()> {
    let mut slowest = [f64::INFINITY; 3];
    println!("{:<10} {:>12} {:>12} {:>12}", "tariff", "2 h", "54 h", "1 year");
    let hourly = TariffBook::single(
        Tariff::hourly(15, 500, 4_000),
        TimeZone::get("Asia/Shanghai")?,
        Currency::Cny,
    );
    measure("hourly", &hourly, &mut slowest);
    for (name, zone, currency) in TARIFFS {
        measure(name, &book(name, zone, currency)?, &mut slowest);
    }
    let [short, days, year] = slowest;
    println!("tariff q2h={short:.0} q54h={days:.0} q1y={year:.0}");
    Ok(())
}

fn book(name: &str, zone: &str, currency: Currency) -> Result<TariffBook> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/tariffs/{name}.toml"));
    let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let mut calendar = Calendar::default();
    for day in ["2026-01-01", "2026-02-17", "2026-05-01", "2026-10-01"] {
        calendar.holidays.insert(day.parse()?);
    }
    Ok(TariffBook::new(TimeZone::get(zone)?, currency, vec![Tariff::parse(&text)?], calendar)?)
}

fn measure(name: &str, book: &TariffBook, slowest: &mut [f64; 3]) {
    let lengths = [2 * HOUR_S, 54 * HOUR_S, 365 * 24 * HOUR_S];
    let rates = lengths.map(|length| rate(book, length));
    for (least, rate) in slowest.iter_mut().zip(rates) {
        *least = least.min(rate);
    }
    println!("{name:<10} {:>12.0} {:>12.0} {:>12.0}", rates[0], rates[1], rates[2]);
}

/// Stays of this length that begin at many times of the day and of the year.
fn rate(book: &TariffBook, length_s: i64) -> f64 {
    let start: Timestamp = Timestamp::from_second(1_767_225_600).unwrap_or(Timestamp::UNIX_EPOCH);
    let name = book.main().clone();
    let mut entry_s = 0_i64;
    let mut one = || {
        entry_s = (entry_s + 7_919 * 60) % (300 * 24 * HOUR_S);
        let from = start + SignedDuration::from_secs(entry_s);
        let to = from + SignedDuration::from_secs(length_s);
        black_box(book.quote(black_box(&Case::new(&name, from, to)))).is_ok()
    };
    let mut quotes = 0_u64;
    let mut begun = Instant::now();
    let mut warm = false;
    loop {
        for _ in 0..32 {
            assert!(one(), "every stay has a fee");
        }
        quotes += 32;
        let passed = begun.elapsed();
        if !warm && passed >= MEASURED / 10 {
            (warm, quotes, begun) = (true, 0, Instant::now());
        } else if warm && passed >= MEASURED {
            return quotes as f64 / passed.as_secs_f64();
        }
    }
}
