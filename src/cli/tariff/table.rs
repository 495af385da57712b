//! `paifang tariff table` and `chart`: fees by length of stay. Prices nothing itself.

use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, ValueEnum};
use jiff::{Timestamp, tz::TimeZone};

use super::{SiteArg, quote::CaseArgs};
use crate::{
    core::pricing::{FeeTable, curve, fee_table, moment, usual_lengths},
    http::fee_chart::{Line, alone, fee_chart},
    types::Currency,
};

#[derive(Debug, Args)]
pub struct TableArgs {
    #[command(flatten)]
    site: SiteArg,
    #[command(flatten)]
    case: CaseArgs,
    /// Further times of entry, each a column.
    #[arg(long)]
    also_from: Vec<String>,
    /// Lengths of stay in minutes, such as 30,60,120. Default: 15 minutes to three days.
    #[arg(long, value_delimiter = ',', value_parser = clap::value_parser!(i64).range(0..=525_600))]
    minutes: Vec<i64>,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    #[default]
    Text,
    /// Amounts in major units.
    Csv,
}

#[derive(Debug, Args)]
pub struct ChartArgs {
    #[command(flatten)]
    site: SiteArg,
    #[command(flatten)]
    case: CaseArgs,
    /// A second tariff to draw beside the first.
    #[arg(long)]
    beside: Option<String>,
    /// Length of the longest stay shown, in hours.
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(i64).range(1..=720))]
    hours: i64,
    /// The picture's file. Default: standard output.
    #[arg(long)]
    to: Option<PathBuf>,
}

pub(super) fn table(args: &TableArgs) -> anyhow::Result<()> {
    let site = args.site.load()?;
    let (book, facts, _) = args.case.facts(&site, &[])?;
    let mut starts = vec![facts.from];
    for text in &args.also_from {
        starts.push(moment(text, book.zone())?);
    }
    let lengths = if args.minutes.is_empty() { usual_lengths() } else { args.minutes.clone() };
    let table = facts.with(|case| fee_table(&book, case, &starts, &lengths))?;
    match args.format {
        Format::Text => print!("{}", text(&table, book.zone())),
        Format::Csv => print!("{}", csv(&table, book.zone(), book.currency())),
    }
    Ok(())
}

pub(super) fn chart(args: &ChartArgs) -> anyhow::Result<()> {
    let site = args.site.load()?;
    let (book, mut facts, names) = args.case.facts(&site, args.beside.as_deref().as_slice())?;
    let mut lines = Vec::new();
    for name in names {
        facts.tariff.clone_from(&name);
        let steps = facts.with(|case| curve(&book, case, args.hours * 60))?;
        let steps = steps.into_iter().map(|(minute, fee)| (minute, fee.minor)).collect();
        lines.push(Line { name, steps });
    }
    let title = format!("{} · {}", site.rules.site_name, start(facts.from, book.zone()));
    let svg = alone(&fee_chart(&lines, args.hours * 60, book.currency(), &title));
    let Some(path) = &args.to else {
        print!("{svg}");
        return Ok(());
    };
    std::fs::write(path, svg).with_context(|| format!("{} cannot be written", path.display()))
}

fn start(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned_datetime(zone.clone()).strftime("%a %Y-%m-%d %H:%M").to_string()
}

/// `0:30`, `72:00`.
fn length(minutes: i64) -> String {
    format!("{}:{:02}", minutes / 60, minutes % 60)
}

fn text(table: &FeeTable, zone: &TimeZone) -> String {
    let mut text = format!("{:>7}", "h:min");
    table.starts.iter().for_each(|at| text += &format!("  {:>20}", start(*at, zone)));
    text.push('\n');
    for row in &table.rows {
        text += &format!("{:>7}", length(row.minutes));
        row.fees.iter().for_each(|fee| text += &format!("  {:>20}", fee.to_string()));
        text.push('\n');
    }
    text
}

fn csv(table: &FeeTable, zone: &TimeZone, currency: Currency) -> String {
    let mut text = "minutes".to_owned();
    table.starts.iter().for_each(|at| text += &format!(",{}", start(*at, zone)));
    text.push('\n');
    let width = currency.decimals() as usize;
    let unit = 10_i64.pow(currency.decimals());
    for row in &table.rows {
        text += &row.minutes.to_string();
        for fee in &row.fees {
            let (whole, part) = (fee.minor / unit, fee.minor % unit);
            text += &match width {
                0 => format!(",{whole}"),
                width => format!(",{whole}.{part:0width$}"),
            };
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{core::pricing::FeeRow, types::Money};

    #[test]
    fn a_table_reads_as_text_and_as_csv() {
        let start: Timestamp = "2026-11-23T00:00:00Z".parse().unwrap();
        let fees = vec![Money::new(450, Currency::Cny)];
        let table = FeeTable { starts: vec![start], rows: vec![FeeRow { minutes: 90, fees }] };
        let zone = TimeZone::get("Asia/Shanghai").unwrap();
        let told = text(&table, &zone);
        assert!(told.contains("Mon 2026-11-23 08:00") && told.contains("1:30"), "{told}");
        assert!(told.contains("¥4.50"), "{told}");
        let csv = csv(&table, &zone, Currency::Cny);
        assert_eq!(csv, "minutes,Mon 2026-11-23 08:00\n90,4.50\n");
    }
}
