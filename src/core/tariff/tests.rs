//! The tables of `tests/tariffs`, made-up tariffs against a slow count of minutes, and the language's own examples.

mod any;
mod properties;
mod slow;
mod tables;

use super::{Tariff, TariffBook};
use crate::types::Currency;

/// The TOML examples of the reference.
fn examples() -> Vec<String> {
    let parts = include_str!("README.md").split("```toml\n").skip(1);
    parts.map(|part| part.split("```").next().unwrap().to_owned()).collect()
}

#[test]
fn the_examples_of_the_reference_parse() {
    let examples = examples();
    assert!(examples.len() >= 4);
    for text in examples {
        let parsed = Tariff::parse(&text);
        assert!(parsed.is_ok(), "{}: {text}", parsed.unwrap_err());
    }
}

#[test]
fn every_key_stands_in_the_reference() {
    let (spec, reference) = (include_str!("spec.rs"), include_str!("README.md"));
    let fields = spec.lines().filter_map(|line| line.trim().strip_prefix("pub(super) "));
    let names = fields.filter_map(|field| field.split_once(':')).map(|(name, _)| name);
    for name in names {
        let key = match name {
            "bands" if !spec.is_empty() => "band",
            "caps" => "cap",
            "alternatives" => "alternative",
            "surcharges" => "surcharge",
            "variants" => "variant",
            "lasts" => "for",
            name => name,
        };
        assert!(reference.contains(key), "{key} is not described");
    }
}

/// A mistake, in a tariff of one band, and what is said of it.
#[test]
fn mistakes_are_told_with_their_key() {
    let rate = "band = [{ name = \"a\", rate = [{ amount = \"1\", every = \"1h\" }] }]\n";
    for (text, key, what) in [
        ("cap = [{ amount = \"5\", per = \"window\" }]", "cap[0].per", "bands with hours"),
        ("cap = [{ amount = \"5\", per = \"day\", bands = [\"b\"] }]", "cap[0].bands", "no band"),
        ("cap = [{ amount = 5, per = \"day\" }]", "file", "write \"5\""),
        ("minimum = 2.5", "file", "write \"2.5\""),
        ("cap = [{ amount = \"5\", per = \"year\" }]", "file", "\"month\""),
        (
            "cap = [{ amount = \"5\", per = \"month\", restart_units = true }]",
            "cap[0].restart_units",
            "a month",
        ),
        (
            "cap = [{ amount = \"5\", per = \"window\", hours = \"fri 18:00-06:00\" }]",
            "file",
            "at both ends",
        ),
        (
            "cap = [{ amount = \"5\", per = \"window\", hours = \"fry 18:00-mon 06:00\" }]",
            "file",
            "are no hours",
        ),
        ("free = [{ time = \"15m\", days = [\"someday?\"] }]", "free[0].days", "names no days"),
        (
            "surcharge = [{ name = \"x\", amount = \"5\", past = \"04:00\", again = \"1h\" }]",
            "surcharge[0].again",
            "goes with",
        ),
        ("free = [{ time = \"15\" }]", "file", "no length of time"),
        ("free = [{ time = \"15m\", again = \"window\" }]", "free[0].again", "first step"),
        ("alternative = [{ name = \"x\" }]", "alternative[0]", "either"),
        ("percent = 2000", "file", "0 to 1000"),
        ("percent = \"18.3755\"", "file", "three decimals"),
        ("prise = \"5\"", "file", "unknown field"),
        ("variant = [{ percent = 50 }]", "variant[0]", "needs `when`"),
        ("variant = [{ when = { class = [\"large\"] }, percent = 2000 }]", "variant[0]", "percent"),
        ("valid_from = \"2026-02-30\"", "file", "no date"),
        ("surcharge = [{ name = \"x\", amount = \"-5\", past = \"04:00\" }]", "file", "no amount"),
    ] {
        let error = Tariff::parse(&format!("name = \"t\"\n{text}\n{rate}")).unwrap_err();
        assert!(error.key.contains(key), "{text}: {error}");
        assert!(error.to_string().contains(what), "{text}: {error}");
    }
}

#[test]
fn a_book_refuses_what_does_not_fit_together() {
    use crate::{core::tariff::Calendar, types::Currency};
    let tariff = |text: &str| Tariff::parse(text).unwrap();
    let book = |tariffs| {
        TariffBook::new(jiff::tz::TimeZone::UTC, Currency::Jpy, tariffs, Calendar::default())
    };
    let (one, two) = ("name = \"t\"\nversion = \"1\"", "name = \"t\"\nversion = \"2\"");
    assert!(book(vec![tariff(one), tariff(two)]).is_err(), "both hold for ever");
    let later = format!("{two}\nvalid_from = \"2026-01-01\"");
    assert!(book(vec![tariff(one), tariff(&later)]).is_ok());
    let ends = format!("{one}\nvalid_until = \"2026-01-01\"");
    assert!(book(vec![tariff(&ends), tariff(&later)]).is_err(), "one day has two");
    let named = "name = \"t\"\nband = [{ name = \"a\", days = [\"event\"] }]";
    assert!(book(vec![tariff(named)]).is_err(), "no such days");
    let other = "name = \"t\"\nalternative = [{ name = \"a\", tariff = \"u\" }]";
    assert!(book(vec![tariff(other)]).is_err(), "no such tariff");
    assert!(book(vec![]).is_err());
}

#[test]
fn the_version_in_force_prices() {
    use crate::{core::tariff::Calendar, types::Currency};
    let tariff = |from: &str, amount: u32, by: &str| {
        let text = format!(
            "name = \"t\"\nvalid_from = \"{from}\"\npriced_by = \"{by}\"\n\
             band = [{{ name = \"a\", rate = [{{ amount = \"{amount}\", every = \"1h\" }}] }}]"
        );
        Tariff::parse(&text).unwrap()
    };
    for (by, fee) in [("entry", 2), ("quote", 10)] {
        let versions = vec![tariff("2026-01-01", 1, by), tariff("2026-06-01", 5, by)];
        let zone = jiff::tz::TimeZone::UTC;
        let book = TariffBook::new(zone, Currency::Jpy, versions, Calendar::default()).unwrap();
        let quote = |from: &str, to: &str| {
            book.quote_main(from.parse().unwrap(), to.parse().unwrap()).amount.minor
        };
        assert_eq!(quote("2026-05-31T23:00:00Z", "2026-06-01T01:00:00Z"), fee, "{by}");
        assert_eq!(quote("2026-06-01T00:00:00Z", "2026-06-01T01:00:00Z"), 5);
        assert_eq!(quote("2025-06-01T00:00:00Z", "2025-06-01T01:00:00Z"), 1, "before all of them");
    }
}

#[test]
fn a_tariff_looks_back_also_for_those_of_a_variant() {
    let text = "name = \"city\"\n[[variant]]\nwhen = { new_energy = true }\n\
                free = [{ time = \"2h\", mode = \"deducted\", visits_a_day = 1 }]\n";
    let zone = jiff::tz::TimeZone::UTC;
    let book = |text| TariffBook::single(Tariff::parse(text).unwrap(), zone.clone(), Currency::Cny);
    assert_eq!(book(text).looks_back(), Some(jiff::SignedDuration::from_hours(48)));
    assert_eq!(book("name = \"city\"\n").looks_back(), None);
}
