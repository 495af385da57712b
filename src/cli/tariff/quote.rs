//! `paifang tariff quote`: one case, as it is typed. Prices nothing itself.

use clap::Args;

use super::book_with;
use crate::{
    config::Site,
    core::{
        pricing::{Facts, moment},
        tariff::{Language, TariffBook},
    },
    types::Money,
};

/// A case, except when it ends.
#[derive(Debug, Args)]
pub struct CaseArgs {
    /// A tariff of the site, or a tariff file. Default: the site's main one.
    #[arg(long)]
    tariff: Option<String>,
    /// When it came, by the site's clock: 2026-11-23T08:00.
    #[arg(long)]
    from: String,
    /// motorcycle, small, medium or large.
    #[arg(long, default_value = "small")]
    class: String,
    /// blue, green, yellow_green, yellow, white, black or other.
    #[arg(long)]
    plate_colour: Option<String>,
    /// A new-energy vehicle, whatever its plate's colour.
    #[arg(long)]
    new_energy: bool,
    /// Its holder's tier, such as gold.
    #[arg(long)]
    tier: Option<String>,
    /// The ticket is lost.
    #[arg(long)]
    lost: bool,
    /// front:60, back:60 (minutes), amount:5.00, percent:50, all, tariff:NAME. May be given again.
    #[arg(long)]
    benefit: Vec<String>,
    /// FROM..TO that a pass pays for. May be given again.
    #[arg(long)]
    covered: Vec<String>,
    /// A visit before: FROM..TO=5.00. May be given again.
    #[arg(long)]
    earlier: Vec<String>,
    /// Paid before: AT=5.00. May be given again.
    #[arg(long)]
    paid: Vec<String>,
    /// In a nested zone with a tariff of its own: TARIFF@FROM..TO. May be given again.
    #[arg(long)]
    nested: Vec<String>,
}

impl CaseArgs {
    /// The case, and the tariffs that it is priced by.
    pub(super) fn facts(
        &self,
        site: &Site,
        others: &[&str],
    ) -> anyhow::Result<(TariffBook, Facts, Vec<String>)> {
        let main = site.rules.tariff.to_string();
        let first = self.tariff.as_deref().unwrap_or(&main);
        let wanted: Vec<&str> = [first].into_iter().chain(others.iter().copied()).collect();
        let (book, names) = book_with(site, &wanted)?;
        let (zone, currency) = (book.zone().clone(), book.currency());
        let from = moment(&self.from, &zone)?;
        let mut facts = Facts::new(&names[0], from, from);
        facts.leave_s = site.rules.pay.leave_time.as_secs() as i64;
        facts.class(&self.class)?;
        self.plate_colour.iter().try_for_each(|text| facts.colour(text))?;
        facts.vehicle.new_energy = self.new_energy;
        facts.tier.clone_from(&self.tier);
        facts.lost = self.lost;
        self.benefit.iter().try_for_each(|text| facts.benefit(text, currency))?;
        self.covered.iter().try_for_each(|text| facts.cover(text, &zone))?;
        self.earlier.iter().try_for_each(|text| facts.visit(text, &zone, currency))?;
        self.paid.iter().try_for_each(|text| facts.pay(text, &zone, currency))?;
        self.nested.iter().try_for_each(|text| facts.nest(text, &zone))?;
        Ok((book, facts, names))
    }
}

pub(super) fn quote(
    site: &Site,
    case: &CaseArgs,
    to: &str,
    language: Language,
) -> anyhow::Result<()> {
    let (book, mut facts, _) = case.facts(site, &[])?;
    facts.to = moment(to, book.zone())?;
    let quote = facts.with(|case| book.quote(case))?;
    let of = if quote.version.is_empty() { String::new() } else { format!(" {}", quote.version) };
    println!("{}{of}: {}", quote.tariff, quote.amount);
    for line in &quote.lines {
        println!("  {:>12}  {}", line.amount.to_string(), line.explain(language, book.zone()));
    }
    if quote.paid_minor > 0 {
        let paid = Money::new(quote.paid_minor, book.currency());
        println!("paid {paid}, due {}", quote.due());
    }
    if let Some(leave_by) = quote.leave_by {
        println!("leave by {}", leave_by.to_zoned_datetime(book.zone().clone()));
    }
    Ok(())
}
