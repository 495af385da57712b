//! `paifang statement`, `reconcile`, `settle` and `ledger`: mornings without a browser. Posts nothing itself.

use std::{
    collections::BTreeMap,
    io::{BufRead, IsTerminal, Write},
    path::Path,
    sync::Arc,
};

use anyhow::{Context, bail};
use jiff::civil::Date;

use super::devices::Daemon;
use crate::{
    app,
    config::Site,
    http::ports::DaySettled,
    settle::{Archive, Imported, Office, Outcome},
    store::{Reader, Settlements},
    types::{ChannelId, Money},
};

/// Rows between two signs of life.
const PROGRESS_ROWS: u64 = 20_000;

async fn office(site: &Site) -> anyhow::Result<Office> {
    let file = site.data_dir.join(app::DATABASE);
    let books = Settlements::beside(&file).await.context("run the site once first")?;
    let mut channels = BTreeMap::new();
    for (id, settings) in &site.channels {
        channels.insert(id.clone(), settings.open(id, Arc::new(super::wall_now))?);
    }
    Ok(Office {
        books,
        archive: Archive::new(&site.data_dir),
        channels: Arc::new(channels),
        rules: site.settlement.rules,
        fees: site.settlement.fees.clone(),
        late_days: site.settlement.late_days,
        zone: site.rules.zone.clone(),
        currency: site.rules.currency,
    })
}

/// On a terminal, how many rows have been read of how many lines the file has.
fn progress(file: &Path) -> impl FnMut(u64) + Send {
    let shows = std::io::stderr().is_terminal();
    let lines = if shows { lines_of(file).unwrap_or(0) } else { 0 };
    let mut told = 0;
    move |rows| {
        if shows && rows >= told + PROGRESS_ROWS {
            told = rows;
            let percent = rows.saturating_mul(100).checked_div(lines).unwrap_or(0).min(100);
            eprint!("\r{rows} of {lines} rows, {percent} %");
            let _ = std::io::stderr().flush();
        }
    }
}

/// Line ends of a file.
fn lines_of(file: &Path) -> std::io::Result<u64> {
    let mut text = std::io::BufReader::new(std::fs::File::open(file)?);
    let mut lines = 0;
    while text.skip_until(b'\n')? > 0 {
        lines += 1;
    }
    Ok(lines)
}

/// `paifang statement import`; `false`: something does not fit.
pub async fn import(site: &Site, file: &Path, channel: &str, day: Date) -> anyhow::Result<bool> {
    let office = office(site).await?;
    let channel = ChannelId::parse(channel).context("--channel is the name of a bank channel")?;
    match office.import(&channel, day, file, super::wall_now(), &mut progress(file)).await? {
        Imported::Same => {
            println!("{channel} {day}: this very file was imported before; nothing to do");
            Ok(true)
        }
        Imported::New(outcome) => Ok(told(site, &outcome)),
    }
}

fn told(site: &Site, outcome: &Outcome) -> bool {
    let file = &outcome.file;
    let money = |minor| Money::new(minor, site.rules.currency);
    println!(
        "\r{} {}: {} rows, {} matched, {} unreadable; paid {}, given back {}, kept {}; differences: {} open, {} waiting",
        file.channel,
        file.day,
        file.rows,
        file.matched,
        file.bad,
        money(file.paid_minor),
        money(file.refunded_minor),
        money(file.fee_minor),
        outcome.open,
        outcome.waiting,
    );
    outcome.open == 0 && file.bad == 0
}

/// `paifang reconcile`; `false`: something does not fit, or a statement is missing.
pub async fn reconcile(site: &Site, day: Date) -> anyhow::Result<bool> {
    let office = office(site).await?;
    let mut is_well = true;
    for channel in office.channels.keys() {
        if office.archive.path(channel, day).exists() {
            let file = office.archive.path(channel, day);
            let mut shown = progress(&file);
            let outcome = office.again(channel, day, super::wall_now(), &mut shown).await?;
            is_well &= told(site, &outcome);
        } else {
            println!("{channel} {day}: no statement yet");
            is_well = false;
        }
    }
    for one in office.books.reader().differences(day, day, true, 1_000).await? {
        let finding = &one.finding;
        let amount = |minor: Option<i64>| {
            minor.map_or("-".to_owned(), |m| Money::new(m, site.rules.currency).to_string())
        };
        println!(
            "  {:>6} {:<7} {:<7} {:<8} {} ours {} theirs {} {}",
            one.id,
            one.channel,
            one.state.name(),
            finding.kind.name(),
            if finding.refund_no.is_empty() { &finding.out_trade_no } else { &finding.refund_no },
            amount(finding.ours_minor),
            amount(finding.theirs_minor),
            finding.detail,
        );
    }
    Ok(is_well)
}

/// `paifang settle`; `false`: a channel has no statement, or something is open.
pub async fn settle(site: &Site, day: Date) -> anyhow::Result<bool> {
    let path = format!("/api/v1/settlement/{day}");
    let settled: Vec<DaySettled> = Daemon::of(site)?.post(&path, "{}".to_owned()).await?;
    if settled.is_empty() {
        bail!("this site has no bank channel");
    }
    let mut is_well = true;
    for one in settled {
        let kept = one.fees_minor.map(|minor| Money::new(minor, site.rules.currency));
        match kept {
            Some(_) if one.channel == crate::config::CASH => println!("cash {day}:"),
            Some(kept) => println!("{} {day}: kept {kept}; {} open", one.channel, one.open),
            None => println!("{} {day}: no statement yet; nothing posted", one.channel),
        }
        for (partner, minor) in &one.shares {
            println!("  {partner}: {}", Money::new(*minor, site.rules.currency));
        }
        is_well &= kept.is_some() && one.open == 0;
    }
    Ok(is_well)
}

/// `paifang ledger check`; `false`: it does not add up.
pub async fn ledger(site: &Site) -> anyhow::Result<bool> {
    let reader = Reader::open(&site.data_dir.join(app::DATABASE)).await?;
    let sums = reader.ledger_sums().await?;
    let mut totals: BTreeMap<&str, i128> = BTreeMap::new();
    for sum in &sums {
        *totals.entry(&sum.currency).or_default() += i128::from(sum.minor);
        println!("{:<24} {:>16} {}", sum.account, sum.minor, sum.currency);
    }
    let mut is_well = totals.values().all(|total| *total == 0);
    let mut receivable = 0_i128;
    for (channel, _) in &site.channels {
        let of = reader.receivable(channel).await?;
        let parts = [
            of.payments_minor,
            of.refunds_minor,
            of.fees_minor,
            of.transfers_minor,
            of.written_off_minor,
        ];
        let sum: i128 = parts.iter().copied().map(i128::from).sum();
        println!(
            "{channel}: payments {} refunds {} fees {} transfers {} written off {} = {}",
            parts[0], parts[1], parts[2], parts[3], parts[4], of.balance_minor
        );
        is_well &= sum == i128::from(of.balance_minor);
        receivable += i128::from(of.balance_minor);
    }
    let posted = sums.iter().filter(|sum| sum.account == "channel_receivable");
    let posted: i128 = posted.map(|sum| i128::from(sum.minor)).sum();
    if posted != receivable {
        println!("channels that the site file does not name: {}", posted - receivable);
    }
    println!("{}", if is_well { "the ledger adds up" } else { "the ledger does not add up" });
    Ok(is_well)
}
