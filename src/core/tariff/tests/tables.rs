//! Reads the tables of cases that people write: `tests/tariffs/cases/*.txt`. Each file names a tariff and its facts, then
//! one stay a line. Knows no rule.

use std::{collections::BTreeSet, path::PathBuf};

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

use crate::{
    core::tariff::{
        Benefit, Calendar, Case, Earlier, PaidAt, Quote, QuoteLine, Segment, Span, Tariff,
        TariffBook,
    },
    types::{Currency, Vehicle},
};

pub(super) fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tariffs"))
}

/// A tariff of `tests/tariffs`.
pub(super) fn fixture(name: &str) -> Tariff {
    let path = folder().join(format!("{name}.toml"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    Tariff::parse(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What holds for the lines below: `tariff:`, `zone:`, `currency:`, `holidays:`, `working:`, `days NAME:`.
#[derive(Clone, Default)]
struct Heading {
    tariffs: Vec<String>,
    zone: String,
    currency: String,
    calendar: Calendar,
}

impl Heading {
    fn take(&mut self, key: &str, value: &str) {
        let dates = || -> BTreeSet<_> {
            let texts = value.split_whitespace().filter(|text| *text != "none");
            texts.map(|text| text.parse().unwrap()).collect()
        };
        match key {
            "tariff" => self.tariffs = value.split_whitespace().map(str::to_owned).collect(),
            "zone" => value.clone_into(&mut self.zone),
            "currency" => value.clone_into(&mut self.currency),
            "holidays" => self.calendar.holidays = dates(),
            "working" => self.calendar.working = dates(),
            key => {
                let name = key.strip_prefix("days ").unwrap_or_else(|| panic!("heading {key}"));
                self.calendar.named.insert(name.into(), dates());
            }
        }
    }

    fn book(&self) -> TariffBook {
        let currency = Currency::from_code(&self.currency).expect("a currency");
        let tariffs = self.tariffs.iter().map(|name| fixture(name)).collect();
        let zone = TimeZone::get(&self.zone).expect("a zone");
        TariffBook::new(zone, currency, tariffs, self.calendar.clone()).unwrap()
    }
}

/// The facts of one line, which the case borrows.
#[derive(Default)]
struct Facts {
    vehicle: Vehicle,
    tier: Option<String>,
    lost: bool,
    leave_s: i64,
    benefits: Vec<Benefit>,
    covered: Vec<Span>,
    earlier: Vec<Earlier>,
    paid: Vec<PaidAt>,
    segments: Vec<(String, Timestamp, Timestamp)>,
}

impl Facts {
    /// `key=value` words; times are clock times of the entry's day, or `+1d08:00` of a later one.
    fn read(words: &[&str], entry: DateTime, zone: &TimeZone, currency: Currency) -> Self {
        let mut facts = Self::default();
        let at = |text: &str| instant(&moment(text, entry), zone);
        let minor = |text: &str| money(text, currency);
        let span = |text: &str| {
            let (from, to) = text.split_once("..").expect("a span a..b");
            (at(from), at(to))
        };
        for word in words {
            let (key, value) = word.split_once('=').unwrap_or((word, ""));
            let quoted = || format!("\"{value}\"");
            match key {
                "class" => facts.vehicle.class = serde_json::from_str(&quoted()).unwrap(),
                "colour" => facts.vehicle.colour = serde_json::from_str(&quoted()).unwrap(),
                "new-energy" => facts.vehicle.new_energy = true,
                "tier" => facts.tier = Some(value.to_owned()),
                "lost" => facts.lost = true,
                "leave" => facts.leave_s = value.parse::<i64>().unwrap() * 60,
                "front" => {
                    facts.benefits.push(Benefit::TimeFront { minutes: value.parse().unwrap() });
                }
                "back" => {
                    facts.benefits.push(Benefit::TimeBack { minutes: value.parse().unwrap() })
                }
                "off" => facts.benefits.push(Benefit::Amount { minor: minor(value) }),
                "percent-off" => {
                    facts.benefits.push(Benefit::Percent { off: value.parse().unwrap() });
                }
                "all-free" => facts.benefits.push(Benefit::AllFree),
                "other" => facts.benefits.push(Benefit::OtherTariff { name: value.into() }),
                "covered" => {
                    let (from, to) = span(value);
                    facts.covered.push(Span { from, to });
                }
                "earlier" => {
                    let (when, charged) = value.rsplit_once(':').expect("earlier=a..b:amount");
                    let ((from, to), charged_minor) = (span(when), minor(charged));
                    facts.earlier.push(Earlier { from, to, charged_minor });
                }
                "paid" => {
                    let (when, amount) = value.rsplit_once(':').expect("paid=a:amount");
                    facts.paid.push(PaidAt { at: at(when), amount: minor(amount) });
                }
                "in" => {
                    let (tariff, when) = value.split_once(':').expect("in=tariff:a..b");
                    let (from, to) = span(when);
                    facts.segments.push((tariff.to_owned(), from, to));
                }
                other => panic!("fact {other}"),
            }
        }
        facts
    }
}

/// `08:00` of the entry's day, `+1d08:00`, or a whole date and time with `T`.
fn moment(text: &str, entry: DateTime) -> DateTime {
    if text.contains('T') {
        return text.parse().unwrap();
    }
    let (days, clock) = match text.strip_prefix('+') {
        Some(rest) => {
            let (days, clock) = rest.split_once('d').expect("+1d08:00");
            (days.parse::<i64>().unwrap(), clock)
        }
        None => (0, text),
    };
    let date = entry.date().checked_add(jiff::SignedDuration::from_hours(24 * days)).unwrap();
    date.to_datetime(clock.parse().unwrap())
}

fn instant(at: &DateTime, zone: &TimeZone) -> Timestamp {
    zone.to_timestamp(*at).unwrap()
}

fn money(text: &str, currency: Currency) -> i64 {
    let major = text.parse().unwrap_or_else(|_| panic!("amount {text}"));
    crate::types::Money::round_half_up_to_minor(major, currency).unwrap().minor
}

/// One line of a table: what is asked, what it must cost.
struct Row<'a> {
    book: &'a TariffBook,
    tariff: &'a str,
    from: Timestamp,
    to: Timestamp,
    fee_minor: i64,
    facts: Facts,
}

impl Row<'_> {
    fn quote(&self) -> Quote {
        let facts = &self.facts;
        let segments: Vec<Segment<'_>> = facts
            .segments
            .iter()
            .map(|(tariff, from, to)| Segment { tariff, from: *from, to: *to })
            .collect();
        let case = Case {
            vehicle: facts.vehicle,
            segments: &segments,
            covered: &facts.covered,
            benefits: &facts.benefits,
            earlier: &facts.earlier,
            paid: &facts.paid,
            tier: facts.tier.as_deref(),
            lost: facts.lost,
            leave_s: facts.leave_s,
            ..Case::new(self.tariff, self.from, self.to)
        };
        self.book.quote(&case).unwrap()
    }
}

/// Lines add up; what is counted time follows on without a gap.
pub(super) fn adds_up(quote: &Quote) -> Result<(), String> {
    let sum: i64 = quote.lines.iter().map(|line| line.amount.minor).sum();
    if sum != quote.amount.minor {
        return Err(format!("lines come to {sum}, the fee is {}", quote.amount.minor));
    }
    if quote.lines.is_empty() || quote.lines.iter().any(|line: &QuoteLine| line.to < line.from) {
        return Err("a line without time".into());
    }
    Ok(())
}

/// Checks a whole file; gives back what is wrong in it and how many cases it has.
fn check(name: &str, text: &str) -> (Vec<String>, usize) {
    let (mut heading, mut book, mut wrong, mut cases) = (Heading::default(), None, Vec::new(), 0);
    for (number, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap().trim();
        let words: Vec<&str> = line.split_whitespace().collect();
        if words.is_empty() {
            continue;
        }
        if let Some((key, value)) = line.split_once(": ") {
            heading.take(key.trim(), value.trim());
            book = None;
            continue;
        }
        let book = book.get_or_insert_with(|| heading.book());
        let [date, from, to, fee, facts @ ..] = words.as_slice() else {
            panic!("{name}:{}: date, entry, exit, fee, facts", number + 1);
        };
        let start: DateTime = format!("{date}T{from}").parse().unwrap();
        let facts = Facts::read(facts, start, book.zone(), book.currency());
        let row = Row {
            tariff: &heading.tariffs[0],
            from: instant(&start, book.zone()),
            to: instant(&moment(to, start), book.zone()),
            fee_minor: money(fee, book.currency()),
            facts,
            book,
        };
        cases += 1;
        let quote = row.quote();
        let found = quote.amount.minor;
        if found != row.fee_minor {
            let why = quote.explain(crate::core::tariff::Language::English, book.zone());
            wrong.push(format!("{name}:{}: {line}\n  found {found}:\n{why}", number + 1));
        }
        if let Err(what) = adds_up(&quote) {
            wrong.push(format!("{name}:{}: {line}: {what}", number + 1));
        }
    }
    (wrong, cases)
}

#[test]
fn every_table_is_priced_exactly() {
    let (mut wrong, mut cases) = (Vec::new(), 0);
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder().join("cases"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "txt"))
        .collect();
    paths.sort();
    for path in paths {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let (mistakes, count) = check(&name, &std::fs::read_to_string(&path).unwrap());
        wrong.extend(mistakes);
        cases += count;
    }
    assert!(wrong.is_empty(), "{} of {cases}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(cases > 100, "only {cases} cases were read");
}
