//! `paifang tariff compare`: the stays of a past period, priced by two tariffs. Changes nothing and keeps no stay.

use std::{
    io::{IsTerminal, Write as _},
    path::PathBuf,
};

use anyhow::{Context, bail};
use clap::Args;
use jiff::{Timestamp, civil::Date, tz::TimeZone};

use super::{SiteArg, book_with};
use crate::{
    app::DATABASE,
    config::Site,
    core::pricing::{Comparison, Moved, Prices, Sums},
    store::Reader,
    types::{Currency, Money},
};

/// Numbers of stays that are looked at in one go.
const CHUNK: i64 = 5_000;

#[derive(Debug, Args)]
pub struct CompareArgs {
    #[command(flatten)]
    site: SiteArg,
    /// A tariff of the site, or a tariff file.
    a: String,
    /// Another one.
    b: String,
    /// First day, by the day a vehicle left: 2026-11-01.
    #[arg(long)]
    from: Date,
    /// Last day.
    #[arg(long)]
    to: Date,
    /// Only stays of this outermost zone.
    #[arg(long)]
    zone: Option<String>,
    /// Where the database is. Default: the site's.
    #[arg(long)]
    data_dir: Option<PathBuf>,
}

pub(super) async fn compare(args: &CompareArgs) -> anyhow::Result<()> {
    let site = args.site.load()?;
    let (book, names) = book_with(&site, &[&args.a, &args.b])?;
    if args.to < args.from {
        bail!("--to {} comes before --from {}", args.to, args.from);
    }
    if let Some(zone) = &args.zone {
        let known = site.rules.zones.iter().any(|(id, _)| id.as_str() == zone);
        anyhow::ensure!(known, "no zone is called {zone}");
    }
    let zone = &site.rules.zone;
    let (from, to) = (midnight(args.from, zone)?, midnight(args.to.tomorrow()?, zone)?);
    let prices = Prices {
        book: &book,
        zones: &site.rules.zones,
        leave_s: site.rules.pay.leave_time.as_secs() as i64,
        a: &names[0],
        b: &names[1],
    };
    let file = args.data_dir.as_ref().unwrap_or(&site.data_dir).join(DATABASE);
    let reader = Reader::open(&file).await.context("the database cannot be read")?;
    let comparison = walk(&reader, &site, args.zone.as_deref(), prices, from, to).await?;
    print!("{}", told(&comparison, &names, zone, site.rules.currency));
    Ok(())
}

fn midnight(date: Date, zone: &TimeZone) -> anyhow::Result<Timestamp> {
    Ok(zone.to_timestamp(date.at(0, 0, 0, 0))?)
}

/// Looks through all stays, some thousand at a time.
async fn walk(
    reader: &Reader,
    site: &Site,
    zone: Option<&str>,
    prices: Prices<'_>,
    from: Timestamp,
    to: Timestamp,
) -> anyhow::Result<Comparison> {
    let mut comparison = Comparison::new(site.rules.zone.clone());
    let last = reader.counts().await?.stays;
    let shown = std::io::stderr().is_terminal();
    let mut after = 0;
    while after < last {
        for (stay, benefits) in reader.stays_left(after, after + CHUNK, from, to).await? {
            let root = site.rules.zones.root(&stay.zone);
            if zone.is_none_or(|zone| root.as_str() == zone) {
                comparison.add(&stay, &prices.of(&stay, &benefits));
            }
        }
        after += CHUNK;
        if shown {
            let (done, stays) = (after.min(last) * 100 / last, comparison.total().stays);
            eprint!("\r{done:>3} % of {last} stays looked at, {stays} priced");
            std::io::stderr().flush()?;
        }
    }
    if shown {
        eprintln!();
    }
    Ok(comparison)
}

fn told(comparison: &Comparison, names: &[String], zone: &TimeZone, currency: Currency) -> String {
    let money = |minor: i64| Money::new(minor, currency).to_string();
    let row = |head: &str, sums: &Sums| {
        format!(
            "{head:<14}{:>9}{:>16}{:>16}{:>16}{:>16}{:>9}{:>9}\n",
            sums.stays,
            money(sums.taken_minor),
            money(sums.a_minor),
            money(sums.b_minor),
            money(sums.gain_minor()),
            sums.dearer,
            sums.cheaper,
        )
    };
    let head = |first: &str| {
        let (a, b) = (short(&names[0]), short(&names[1]));
        format!(
            "{first:<14}{:>9}{:>16}{a:>16}{b:>16}{:>16}{:>9}{:>9}\n",
            "stays", "taken", "b - a", "dearer", "cheaper"
        )
    };
    let mut text = head("left on");
    comparison.days().for_each(|day| text += &row(&day.date.to_string(), &day.sums));
    text += &row("all", &comparison.total());
    text += &format!("\n{}", head("length"));
    for band in comparison.bands() {
        let name = match band.up_to {
            Some(up_to) => format!("to {}", length(up_to)),
            None => format!("over {}", length(band.over)),
        };
        text += &row(&name, &band.sums);
    }
    for (title, moved) in
        [("Save most by b", comparison.winners()), ("Pay most more by b", comparison.losers())]
    {
        if !moved.is_empty() {
            text += &format!("\n{title}\n");
            moved.iter().for_each(|moved| text += &line(moved, zone, currency));
        }
    }
    if comparison.unpriced() > 0 {
        text += &format!("\n{} stays could not be priced\n", comparison.unpriced());
    }
    text
}

fn line(moved: &Moved, zone: &TimeZone, currency: Currency) -> String {
    let entered = moved.entered_at.to_zoned_datetime(zone.clone()).strftime("%Y-%m-%d %H:%M");
    format!(
        "  stay {:<10} {entered}  {:>8}  {} -> {}\n",
        moved.stay.to_string(),
        length(moved.minutes),
        Money::new(moved.a_minor, currency),
        Money::new(moved.b_minor, currency),
    )
}

fn length(minutes: i64) -> String {
    format!("{}:{:02} h", minutes / 60, minutes % 60)
}

fn short(name: &str) -> String {
    name.chars().take(14).collect()
}
