//! Replays published occupancy traces: visits are made up to fit them and run through the core, and what a season
//! takes and how full it is is charted. Decides nothing.

pub mod charts;
pub mod season;
pub mod trace;
pub mod visits;

use std::{fmt::Write as _, fs, io, path::Path};

use jiff::{civil::Date, tz::TimeZone};
use paifang::{core::tariff::Tariff, types::Currency};

use self::{
    charts::{Form, Row, chart},
    season::{Season, Stuck},
};
use crate::seed::Seed;

/// What is to be replayed.
#[derive(Clone, Debug)]
pub struct Spec {
    pub tariff: Tariff,
    pub zone: TimeZone,
    pub currency: Currency,
    pub seed: Seed,
    /// Only car parks whose name contains this; empty: all.
    pub only: String,
}

/// Every car park of a file, one after the other. `progress` is told name, events done, events in all.
pub fn replay(
    traces: &[trace::Trace],
    spec: &Spec,
    mut progress: impl FnMut(&str, usize, usize),
) -> Result<Vec<Season>, Stuck> {
    let wanted = traces.iter().filter(|trace| trace.name.contains(&spec.only));
    wanted
        .map(|trace| {
            let visits = visits::made_up(trace, &spec.zone, spec.seed);
            season::run(trace, &visits, &spec.tariff, &spec.zone, spec.currency, |done, all| {
                progress(&trace.name, done, all);
            })
        })
        .collect()
}

/// Two charts for each season and `summary.txt`; the summary.
pub fn write(folder: &Path, seasons: &[Season], currency: Currency) -> io::Result<String> {
    fs::create_dir_all(folder)?;
    for season in seasons {
        let name: String =
            season.name.chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).collect();
        fs::write(folder.join(format!("{name}-occupancy.svg")), occupancy(season))?;
        fs::write(folder.join(format!("{name}-takings.svg")), takings(season, currency))?;
    }
    let text = summary(seasons, currency);
    fs::write(folder.join("summary.txt"), &text)?;
    Ok(text)
}

/// All days from the first to the last, also those of which nothing is known.
fn dates(season: &Season) -> Vec<Date> {
    let (Some((first, _)), Some((last, _))) =
        (season.days.first_key_value(), season.days.last_key_value())
    else {
        return Vec::new();
    };
    std::iter::successors(Some(*first), |date| date.tomorrow().ok().filter(|d| d <= last)).collect()
}

fn occupancy(season: &Season) -> String {
    let dates = dates(season);
    let labels: Vec<String> = dates.iter().map(|date| short(&date.to_string())).collect();
    let of = |value: fn(&season::Day) -> u32| -> Vec<Option<f64>> {
        let day = |date| season.days.get(date).map(|day| f64::from(value(day)));
        dates.iter().map(day).collect()
    };
    let spaces = vec![Some(f64::from(season.capacity)); dates.len()];
    let rows = [
        Row { name: "spaces", colour: "#bbb", values: spaces },
        Row { name: "peak by the trace", colour: "#e80", values: of(|day| day.trace_peak) },
        Row { name: "peak inside", colour: "#06c", values: of(|day| day.peak) },
    ];
    chart(&format!("{}: most vehicles inside, by day", season.name), &labels, &rows, Form::Lines)
}

fn takings(season: &Season, currency: Currency) -> String {
    let dates = dates(season);
    let labels: Vec<String> = dates.iter().map(|date| short(&date.to_string())).collect();
    let unit = 10_f64.powi(currency.decimals() as i32);
    let value = |date| season.days.get(date).map(|day| day.takings_minor as f64 / unit);
    let title = format!("{}: takings by day, {}", season.name, currency.code());
    let rows = [Row { name: "takings", colour: "#282", values: dates.iter().map(value).collect() }];
    chart(&title, &labels, &rows, Form::Bars)
}

/// `2016-10-04` as `10-04`.
fn short(date: &str) -> String {
    date.get(5..).unwrap_or(date).to_owned()
}

/// A table: visits, takings, peaks, and how far the vehicles inside are from the trace.
pub fn summary(seasons: &[Season], currency: Currency) -> String {
    let mut text = format!(
        "{:<22} {:>7} {:>9} {:>9} {:>16} {:>6} {:>9} {:>8} {:>7}\n",
        "car park", "spaces", "visits", "paid", "takings", "peak", "readings", "mean off", "worst"
    );
    for season in seasons {
        let mean = season.off_sum as f64 / f64::from(season.readings.max(1));
        let _ = writeln!(
            text,
            "{:<22} {:>7} {:>9} {:>9} {:>16} {:>6} {:>9} {mean:>8.2} {:>7}",
            season.name,
            season.capacity,
            season.visits,
            season.paid,
            paifang::types::Money::new(season.takings_minor, currency).to_string(),
            season.peak,
            season.readings,
            season.off_worst,
        );
    }
    text
}
