//! `paifang tariff`: prices checked, asked, explained, drawn and compared, without a running site. Changes nothing.

mod compare;
mod quote;
mod table;

use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::{Args, Subcommand, ValueEnum};

use crate::{
    config::{self, Site},
    core::tariff::{Language, TariffBook},
};

#[derive(Debug, Subcommand)]
pub enum TariffCommand {
    /// Checks tariff files by themselves, or all prices of a site, and says what is wrong in which line.
    Check {
        #[command(flatten)]
        site: SiteArg,
        /// Tariff files. None: those of the site.
        files: Vec<PathBuf>,
    },
    /// What a stay costs, line by line.
    Quote {
        #[command(flatten)]
        site: SiteArg,
        #[command(flatten)]
        case: quote::CaseArgs,
        /// When it leaves, as --from.
        #[arg(long)]
        to: String,
        #[arg(long, value_enum, default_value_t)]
        lang: Lang,
    },
    /// A tariff in words, as on the sign at the entrance.
    Explain {
        #[command(flatten)]
        site: SiteArg,
        /// A tariff of the site, or a file. Default: all of the site.
        tariff: Option<String>,
        /// Default: both languages.
        #[arg(long, value_enum)]
        lang: Option<Lang>,
    },
    /// Fees by length of stay, for a sign.
    Table(table::TableArgs),
    /// The fee over the length of stay as an SVG picture, of one tariff or of two.
    Chart(table::ChartArgs),
    /// What a past period would have earned under one tariff and under another.
    Compare(compare::CompareArgs),
}

#[derive(Debug, Args)]
pub struct SiteArg {
    /// The site file.
    #[arg(long, short, default_value = "site.toml")]
    config: PathBuf,
}

impl SiteArg {
    fn load(&self) -> anyhow::Result<Site> {
        Ok(config::load(&self.config)?)
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Lang {
    Zh,
    #[default]
    En,
}

impl From<Lang> for Language {
    fn from(lang: Lang) -> Self {
        match lang {
            Lang::Zh => Self::Chinese,
            Lang::En => Self::English,
        }
    }
}

/// `paifang tariff ...`.
pub async fn run(command: TariffCommand) -> anyhow::Result<()> {
    match command {
        TariffCommand::Check { site, files } => check(&site, &files),
        TariffCommand::Quote { site, case, to, lang } => {
            quote::quote(&site.load()?, &case, &to, lang.into())
        }
        TariffCommand::Explain { site, tariff, lang } => {
            explain(&site.load()?, tariff.as_deref(), lang)
        }
        TariffCommand::Table(args) => table::table(&args),
        TariffCommand::Chart(args) => table::chart(&args),
        TariffCommand::Compare(args) => compare::compare(&args).await,
    }
}

fn check(site: &SiteArg, files: &[PathBuf]) -> anyhow::Result<()> {
    if files.is_empty() {
        let rules = site.load()?.rules;
        for name in rules.tariffs.names() {
            let versions = rules.tariffs.versions(&name).len();
            let main = if name == rules.tariff { ", the main one" } else { "" };
            println!("{name}: {versions} version(s){main}, no mistakes");
        }
        let calendar = rules.tariffs.calendar();
        println!(
            "calendar: {} holidays, {} worked weekend days",
            calendar.holidays.len(),
            calendar.working.len()
        );
        return Ok(());
    }
    let mut wrong = 0;
    for file in files {
        match config::tariff_file(file) {
            Ok(tariff) => println!("{}: {}, no mistakes", file.display(), tariff.name()),
            Err(error) => {
                wrong += 1;
                eprintln!("{error}");
            }
        }
    }
    if wrong > 0 {
        bail!("{wrong} of {} files cannot be used", files.len());
    }
    Ok(())
}

/// The site's tariffs, with drafts in place of those that are called the same; and what each is called.
fn book_with(site: &Site, wanted: &[&str]) -> anyhow::Result<(TariffBook, Vec<String>)> {
    let own = &site.rules.tariffs;
    let (mut drafts, mut names) = (Vec::new(), Vec::new());
    for text in wanted {
        let is_file = Path::new(text).extension().is_some_and(|kind| kind == "toml");
        if is_file {
            let draft = config::tariff_file(Path::new(text))?;
            names.push(draft.name().to_string());
            drafts.push(draft);
        } else {
            names.push((*text).to_owned());
        }
    }
    let replaced = |name: &str| drafts.iter().any(|draft| **draft.name() == *name);
    let kept = own.names().into_iter().filter(|name| !replaced(name));
    let mut versions: Vec<_> = kept
        .flat_map(|name| own.versions(&name).into_iter().cloned().collect::<Vec<_>>())
        .collect();
    versions.sort_by_key(|tariff| *tariff.name() != site.rules.tariff);
    versions.extend(drafts);
    let zone = own.zone().clone();
    let book = TariffBook::new(zone, own.currency(), versions, own.calendar().clone())?;
    let known = book.names();
    if let Some(unknown) = names.iter().find(|name| !known.iter().any(|k| **k == **name)) {
        let known: Vec<&str> = known.iter().map(|name| &**name).collect();
        bail!("no tariff is called \"{unknown}\": name a file, or one of {}", known.join(", "));
    }
    Ok((book, names))
}

fn explain(site: &Site, tariff: Option<&str>, lang: Option<Lang>) -> anyhow::Result<()> {
    let (book, wanted) = book_with(site, tariff.as_slice())?;
    let names = if wanted.is_empty() {
        book.names().iter().map(ToString::to_string).collect()
    } else {
        wanted
    };
    let langs = lang.map_or(vec![Lang::Zh, Lang::En], |lang| vec![lang]);
    for tariff in names.iter().flat_map(|name| book.versions(name)) {
        for lang in &langs {
            println!("{}", tariff.sign((*lang).into(), book.currency()));
        }
    }
    Ok(())
}
