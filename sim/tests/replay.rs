//! A season from a published trace: a small one of our own, and the real ones where they are at hand.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{fs, path::Path};

use jiff::tz::TimeZone;
use paifang::{core::tariff::Tariff, types::Currency};
use paifang_sim::{
    replay::{self, Spec, season::Season, trace},
    seed::Seed,
};

fn spec(only: &str, zone: &str) -> Spec {
    Spec {
        tariff: Tariff::hourly(15, 300, 2_000),
        zone: TimeZone::get(zone).unwrap(),
        currency: Currency::Cny,
        seed: Seed(7),
        only: only.into(),
    }
}

fn replayed(text: &str, only: &str) -> Vec<Season> {
    let spec = spec(only, trace::usual_zone(text));
    replay::replay(&trace::parse(text, &spec.zone).traces, &spec, |_, _, _| {}).unwrap()
}

/// What holds of any season whose trace is whole.
fn is_sound(season: &Season) {
    let takings: i64 = season.days.values().map(|day| day.takings_minor).sum();
    assert_eq!(takings, season.takings_minor);
    assert!(season.takings_minor > 0 && season.paid > 0 && season.paid <= season.visits);
    // Between two readings of a full car park a few come before others go.
    assert!(season.peak <= season.capacity + season.capacity / 10, "{season:?}");
    assert_eq!(season.off_worst, 0, "as many inside as the trace says, at every reading");
    assert!(season.readings > 0);
}

#[test]
fn a_small_trace_becomes_a_season_with_charts() {
    let text = include_str!("replay/small.csv");
    let seasons = replayed(text, "");
    assert_eq!(seasons.iter().map(|s| s.name.as_str()).collect::<Vec<_>>(), ["LAKE", "MARKET"]);
    seasons.iter().for_each(is_sound);
    assert_eq!(seasons, replayed(text, ""), "a seed is a season");
    let folder = std::env::temp_dir().join(format!("paifang-replay-{}", std::process::id()));
    let summary = replay::write(&folder, &seasons, Currency::Cny).unwrap();
    assert!(summary.contains("LAKE") && summary.contains("¥"), "{summary}");
    for name in ["LAKE-occupancy.svg", "LAKE-takings.svg", "MARKET-takings.svg"] {
        let svg = fs::read_to_string(folder.join(name)).unwrap();
        assert!(svg.starts_with("<svg") && svg.contains("03-02") && svg.ends_with("</svg>\n"));
    }
    fs::remove_dir_all(folder).unwrap();
}

/// The cities' own, beside the project; one small car park of each, so that the test stays short.
#[test]
fn real_traces_become_seasons() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/traces");
    for (file, only) in
        [("birmingham-uci.csv", "BHMBRCBRG01"), ("aarhus-citypulse-2014.csv", "NORREPORT")]
    {
        let Ok(text) = fs::read_to_string(folder.join(file)) else { continue };
        let seasons = replayed(&text, only);
        assert!(!seasons.is_empty(), "{file} has no {only}");
        seasons.iter().for_each(is_sound);
    }
}
