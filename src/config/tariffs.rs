//! A site's prices: `[tariff]` of the site file, the folder of tariff files, the calendar. Knows no stay.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::Arc,
};

use jiff::tz::TimeZone;
use serde::Deserialize;
use sha2::Digest;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    ConfigError, Mistake, SiteFile,
    check::{Check, line_of, unreadable},
};
use crate::core::{
    rules::Zones,
    tariff::{Calendar, Tariff, TariffBook, TariffError},
};

/// Where the tariff files are. Without this section they are looked for in `tariffs` beside the site file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TariffsSection {
    /// A folder of TOML files, one version of one tariff each; relative to the site file. Default `tariffs`.
    pub dir: Option<Spanned<PathBuf>>,
    /// Holidays, worked weekend days and days with names; relative to the site file. Default `calendar.toml`, if it is
    /// there.
    pub calendar: Option<Spanned<PathBuf>>,
    /// Name of the tariff of all that names none. Default: `[tariff]`, else the only one.
    pub main: Option<Spanned<String>>,
}

impl TariffsSection {
    /// Relative to the site file.
    pub(super) fn dir(&self) -> &Path {
        self.dir.as_ref().map_or(Path::new("tariffs"), |dir| dir.get_ref())
    }
}

/// All prices of a site.
#[derive(Debug)]
pub(super) struct Prices {
    pub(super) book: TariffBook,
    pub(super) main: Arc<str>,
}

/// A tariff file that was read.
struct Sheet {
    path: PathBuf,
    text: String,
    name: Arc<str>,
}

/// Reads and checks one tariff file by itself; other tariffs and days that it names are not looked for.
pub fn tariff_file(path: &Path) -> Result<Tariff, ConfigError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
    let wrong = |mistake| ConfigError::Mistakes { path: path.to_owned(), mistakes: vec![mistake] };
    tariff_text(&text).map_err(wrong)
}

/// As [`tariff_file`], of a text.
pub fn tariff_text(text: &str) -> Result<Tariff, Mistake> {
    Tariff::parse(text).map_err(|error| Mistake {
        file: None,
        line: line(text, &error),
        field: error.key,
        what: error.what,
    })
}

impl Check<'_> {
    /// `None` after a mistake.
    pub(super) fn prices(
        &mut self,
        file: &SiteFile,
        base: &Path,
        zone: &TimeZone,
        zones: &Zones,
    ) -> Option<Prices> {
        let before = self.count();
        let (mut versions, sheets) = self.sheets(&file.tariffs, base);
        if let Some(hourly) = file.tariff {
            versions.insert(0, hourly.tariff());
        }
        let calendar = self.calendar(&file.tariffs, base);
        let main = self.main(file, &versions, before)?;
        self.zone_tariffs(file, zones, &versions);
        if self.count() > before {
            return None;
        }
        // The book's first one is its main one.
        versions.sort_by_key(|tariff| *tariff.name() != main);
        match TariffBook::new(zone.clone(), file.site.currency, versions, calendar) {
            Ok(book) => Some(Prices { book, main }),
            Err(error) => {
                self.book_mistake(&sheets, &error);
                None
            }
        }
    }

    /// Every `*.toml` of the folder, in the order of names.
    fn sheets(&mut self, section: &TariffsSection, base: &Path) -> (Vec<Tariff>, Vec<Sheet>) {
        let named = section.dir.as_ref();
        let dir = base.join(section.dir());
        let mut paths: Vec<PathBuf> = match std::fs::read_dir(&dir) {
            Ok(entries) => entries.filter_map(|entry| Some(entry.ok()?.path())).collect(),
            Err(error) => {
                if let Some(named) = named {
                    let what = format!("{} cannot be read: {error}", dir.display());
                    self.wrong(named, "tariffs.dir", what);
                }
                return (Vec::new(), Vec::new());
            }
        };
        paths.retain(|path| path.extension().is_some_and(|kind| kind == "toml"));
        paths.sort();
        let (mut versions, mut sheets) = (Vec::new(), Vec::new());
        for path in paths {
            let Some(text) = self.text_of(&path, "tariff") else { continue };
            match Tariff::parse(&text) {
                Ok(tariff) => {
                    sheets.push(Sheet { path, text, name: tariff.name().clone() });
                    versions.push(tariff);
                }
                Err(error) => self.sheet_mistake(&path, &text, &error),
            }
        }
        (versions, sheets)
    }

    pub(super) fn text_of(&mut self, path: &Path, field: &str) -> Option<String> {
        match std::fs::read_to_string(path) {
            Ok(text) => {
                self.read.update(&text);
                Some(text)
            }
            Err(error) => {
                let what = format!("cannot be read: {error}; check its rights");
                self.mistake_in(path, 1, field, what);
                None
            }
        }
    }

    fn calendar(&mut self, section: &TariffsSection, base: &Path) -> Calendar {
        let named = section.calendar.as_ref();
        let path = base.join(named.map_or(Path::new("calendar.toml"), |path| path.get_ref()));
        if !path.exists() {
            if let Some(named) = named {
                let what = format!("there is no file {}", path.display());
                self.wrong(named, "tariffs.calendar", what);
            }
            return Calendar::default();
        }
        let Some(text) = self.text_of(&path, "calendar") else { return Calendar::default() };
        let calendar: Calendar = match toml::from_str(&text) {
            Ok(calendar) => calendar,
            Err(error) => {
                let told = unreadable(&text, &error);
                self.mistake_in(&path, told.line, &told.field, told.what);
                return Calendar::default();
            }
        };
        if let Some(day) = calendar.working.iter().find(|day| calendar.holidays.contains(day)) {
            let line = text.find(&day.to_string()).map_or(1, |at| line_of(&text, at));
            let what = format!("{day} is a holiday as well: take it out of one of the two");
            self.mistake_in(&path, line, "working", what);
        }
        calendar
    }

    /// `before`: mistakes before the tariff files were read.
    fn main(&mut self, file: &SiteFile, versions: &[Tariff], before: usize) -> Option<Arc<str>> {
        let known = |name: &str| versions.iter().find(|t| **t.name() == *name).map(Tariff::name);
        if let Some(main) = &file.tariffs.main {
            if known(main.get_ref()).is_none() {
                self.wrong(main, "tariffs.main", unknown(versions));
            }
            return known(main.get_ref()).cloned();
        }
        let Some(first) = versions.first().map(Tariff::name) else {
            // What is wrong with the files is told already.
            if self.count() > before {
                return None;
            }
            let what = "the site has no price: write [tariff], or a tariff file in tariffs/";
            self.mistake(0, "tariff", what);
            return None;
        };
        if file.tariff.is_none() && versions.iter().any(|t| t.name() != first) {
            let at = self.text.find("[tariffs]").unwrap_or(0);
            let what = format!("there are several tariffs, so name one: {}", unknown(versions));
            self.mistake(at, "tariffs.main", what);
            return None;
        }
        Some(first.clone())
    }

    fn zone_tariffs(&mut self, file: &SiteFile, zones: &Zones, versions: &[Tariff]) {
        for section in &file.zones {
            let rules = zones.get(section.id.get_ref());
            let Some(tariff) = &section.tariff else { continue };
            let named = rules.and_then(|rules| rules.tariff.as_deref());
            if named.is_some_and(|name| versions.iter().all(|t| **t.name() != *name)) {
                self.wrong(tariff, "zone.tariff", unknown(versions));
            }
        }
    }

    /// What is wrong with several tariffs together, or with one under this calendar: its key begins with a name.
    fn book_mistake(&mut self, sheets: &[Sheet], error: &TariffError) {
        let told = |sheet: &&Sheet| {
            error.key.strip_prefix(&*sheet.name).is_some_and(|rest| rest.starts_with(' '))
        };
        let Some(sheet) = sheets.iter().rfind(told) else {
            let at = self.text.find("[tariff").unwrap_or(0);
            return self.mistake(at, &error.key, error.what.clone());
        };
        self.sheet_mistake(&sheet.path, &sheet.text, error);
    }

    fn sheet_mistake(&mut self, path: &Path, text: &str, error: &TariffError) {
        self.mistake_in(path, line(text, error), &error.key, &error.what);
    }
}

fn line(text: &str, error: &TariffError) -> usize {
    let at = error.at.map(|(from, _)| from).or_else(|| find(text, &error.key));
    at.map_or(1, |at| line_of(text, at))
}

fn unknown(versions: &[Tariff]) -> String {
    let names: BTreeSet<&str> = versions.iter().map(|tariff| &**tariff.name()).collect();
    let names: Vec<&str> = names.into_iter().collect();
    format!("must be one of the tariffs {}", names.join(", "))
}

/// Where a mistake's key stands: `lot variant[0]: band[1].rate[0].every` begins with the tariff's name.
fn find(text: &str, key: &str) -> Option<usize> {
    let root = DeTable::parse(text).ok()?;
    let key = key.replace(": ", ".");
    let parts = key.match_indices(' ').map(|(at, _)| at + 1);
    parts.chain([0]).find_map(|from| place(root.get_ref(), key[from..].trim()))
}

/// Of a key that is not there, what is around it.
fn place(root: &DeTable<'_>, key: &str) -> Option<usize> {
    let (mut table, mut at) = (root, None);
    for part in key.split('.') {
        let (name, index) = part.split_once('[').unwrap_or((part, ""));
        let found = table.iter().find(|(written, _)| written.get_ref().as_ref() == name);
        let Some((written, mut value)) = found else { break };
        at = Some(written.span().start);
        if let (Ok(index), DeValue::Array(items)) =
            (index.trim_end_matches(']').parse::<usize>(), value.get_ref())
        {
            let Some(item) = items.get(index) else { break };
            (at, value) = (Some(item.span().start), item);
        }
        let DeValue::Table(inner) = value.get_ref() else { break };
        table = inner;
    }
    at
}
