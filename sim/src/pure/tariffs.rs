//! The published tariffs that seeds draw from, each as it stands among the fixtures of the tests. Prices nothing.

use jiff::tz::TimeZone;
use paifang::{
    core::tariff::{Calendar, Tariff, TariffBook},
    types::Currency,
};

use super::site::Feature;
use crate::seed::Seed;

macro_rules! fixtures {
    ($($name:literal),+ $(,)?) => {
        [$((concat!("tariff: ", $name), include_str!(concat!("../../../tests/tariffs/", $name, ".toml")))),+]
    };
}

/// What a run counts a tariff as, and its text: windows, caps of many kinds, ladders, free periods, classes of vehicles,
/// time to leave, visits of one day.
const PUBLISHED: [(&str, &str); 20] = fixtures![
    "airport",
    "beijing",
    "bounds",
    "by-entry",
    "coin-24",
    "coin-once",
    "council",
    "first-daily",
    "free-daily",
    "garden",
    "garden-runs",
    "hospital",
    "jp-d",
    "mall",
    "night-cap",
    "resumed",
    "sg-e",
    "sg-j",
    "shenzhen",
    "visits",
];

/// Of the zone within.
pub(super) const WITHIN: &str = "basement";
const BASEMENT: &str = include_str!("../../../tests/tariffs/basement.toml");

/// What a run counts the tariff of an order as.
pub(super) fn counted_as(name: &str) -> Option<&'static str> {
    PUBLISHED
        .map(|(known, _)| known)
        .into_iter()
        .find(|known| known.strip_prefix(PREFIX) == Some(name))
}

const PREFIX: &str = "tariff: ";

/// All names under which tariffs are counted.
pub fn tariffs_counted() -> impl Iterator<Item = &'static str> {
    PUBLISHED.into_iter().map(|(name, _)| name)
}

/// The tariffs of a site; the first is its main one.
pub(super) fn drawn(seed: u64, zone: TimeZone, currency: Currency) -> TariffBook {
    // A discount leaves a stay unpaid in the eyes of whoever prices it without; then another rule counts.
    let fits = |(name, _): &(&str, &str)| !Feature::Shops.is_of(seed) || !name.ends_with("resumed");
    let published: Vec<_> = PUBLISHED.into_iter().filter(fits).collect();
    let (_, text) = Seed(seed).child("tariff").draws().pick(&published);
    let tariffs =
        [text, BASEMENT].map(|text| Tariff::parse(text).expect("a tariff that tests price"));
    TariffBook::new(zone, currency, tariffs.into(), Calendar::default()).expect("tariffs that fit")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The law that nobody pays more than they owe looks at the fee of today; an earlier one may not be dearer.
    #[test]
    fn what_seeds_draw_never_costs_less_for_a_longer_stay() {
        for (name, text) in PUBLISHED {
            let tariff = Tariff::parse(text).unwrap();
            assert!(tariff.is_monotone(), "{name}");
            assert_eq!(counted_as(tariff.name()), Some(name));
        }
    }
}
