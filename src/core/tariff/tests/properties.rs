//! Laws that hold for every tariff, tried on made-up ones: the engine agrees with a count of minutes, fees never fall,
//! lines add up, nothing panics.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use proptest::prelude::*;

use super::{
    slow::{DAY, Made, Period, Restart, Rung},
    tables::{adds_up, fixture, folder},
};
use crate::{
    core::tariff::{Quote, Tariff, TariffBook},
    types::Currency,
};

fn rung() -> impl Strategy<Value = Rung> {
    let every = prop::sample::select(vec![1_i64, 10, 15, 20, 30, 60, 90, 120, 720]);
    (0_i64..900, every, 1_i64..4, any::<bool>())
        .prop_map(|(amount, every, units, completed)| Rung { amount, every, units, completed })
}

fn rate() -> impl Strategy<Value = Vec<Rung>> {
    prop::collection::vec(rung(), 0..4)
}

/// Half an hour to a whole day.
fn hours() -> impl Strategy<Value = (i64, i64)> {
    (0_i64..48, 1_i64..=48).prop_map(|(from, length)| {
        let to = (from + length) * 30 % DAY;
        (from * 30, if to == 0 { DAY } else { to })
    })
}

fn made() -> impl Strategy<Value = Made> {
    let windows = prop::collection::vec((hours(), rate()), 0..3);
    let restart = prop::sample::select(vec![
        Restart::Never,
        Restart::Day,
        Restart::Window,
        Restart::Every(DAY),
        Restart::Every(700),
    ]);
    let period = prop::sample::select(vec![
        Period::Stay,
        Period::Day,
        Period::Window,
        Period::Every(DAY),
        Period::Every(500),
    ]);
    let caps = prop::collection::vec((period, 0_i64..4_000), 0..3);
    let free = prop::option::of((1_i64..60, any::<bool>()));
    (windows, prop::option::of(rate()), any::<bool>(), restart, any::<bool>(), caps, free).prop_map(
        |(windows, rest, split, restart, by_band, mut caps, free)| {
            let mut bands: Vec<_> =
                windows.into_iter().map(|(hours, rate)| (Some(hours), rate)).collect();
            if let Some(rate) = rest {
                bands.push((None, rate));
                // Hours' caps need hours.
                caps.retain(|(per, _)| *per != Period::Window);
            }
            Made { bands, split, restart, by_band, caps, free }
        },
    )
}

/// 2026-11-23T00:00 at +08:00, in minutes of that clock.
const MONDAY: i64 = 20_780 * DAY;

fn zone() -> TimeZone {
    TimeZone::fixed(jiff::tz::offset(8))
}

fn instant(minute: i64) -> Timestamp {
    Timestamp::from_second((minute - 480) * 60).unwrap()
}

fn book(made: &Made) -> TariffBook {
    let tariff = Tariff::parse(&made.toml()).unwrap_or_else(|e| panic!("{e}: {}", made.toml()));
    TariffBook::single(tariff, zone(), Currency::Cny)
}

/// Made-up hours that neither begin nor end while a clock may be set: those come twice, or never.
fn made_away_from_changes() -> impl Strategy<Value = Made> {
    made().prop_map(|mut made| {
        let away = |minute: i64| if (1..180).contains(&minute) { minute + 180 } else { minute };
        for (hours, _) in &mut made.bands {
            *hours = hours.map(|(from, to)| (away(from), away(to)));
        }
        made
    })
}

/// A day on which a zone sets its clock: the instant, and the minutes that clocks are ahead of UTC before and after it.
fn change() -> impl Strategy<Value = (&'static str, i64, i64, i64)> {
    prop::sample::select(vec![
        ("Europe/London", 1_774_746_000, 0, 60),
        ("Europe/London", 1_792_890_000, 60, 0),
        ("America/New_York", 1_772_953_200, -300, -240),
        ("America/New_York", 1_793_512_800, -240, -300),
    ])
}

fn quote(book: &TariffBook, from: i64, to: i64) -> Quote {
    book.quote_main(instant(from), instant(to))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn the_engine_agrees_with_a_count_of_minutes(
        made in made(), entry in 0_i64..3 * DAY, length in prop_oneof![0_i64..300, 0_i64..6_000],
    ) {
        let from = MONDAY + entry;
        let quote = quote(&book(&made), from, from + length);
        let why = quote.explain(crate::core::tariff::Language::English, &zone());
        prop_assert_eq!(quote.amount.minor, made.fee(from, from + length), "{}\n{}", made.toml(), why);
        prop_assert!(adds_up(&quote).is_ok(), "{:?}", adds_up(&quote));
    }

    #[test]
    fn it_agrees_on_days_of_23_and_of_25_hours(
        made in made_away_from_changes(), (name, at, before, after) in change(),
        entry in 1_i64..2 * DAY, length in prop_oneof![0_i64..600, 0_i64..6_000],
    ) {
        let zone = TimeZone::get(name).unwrap();
        let tariff = Tariff::parse(&made.toml()).unwrap();
        let book = TariffBook::single(tariff, zone.clone(), Currency::Cny);
        // In minutes of UTC: some of these stays end before the change, some begin behind it.
        let change = at / 60;
        let from = change + DAY / 2 - entry;
        let minute = |minute: i64| Timestamp::from_second(minute * 60).unwrap();
        let quote = book.quote_main(minute(from), minute(from + length));
        let clock = |minute: i64| minute + if minute < change { before } else { after };
        let why = quote.explain(crate::core::tariff::Language::English, &zone);
        prop_assert_eq!(quote.amount.minor, made.fee_by(from, from + length, clock), "{}\n{}", made.toml(), why);
    }

    #[test]
    fn a_longer_stay_never_costs_less(
        made in made(), entry in 0_i64..3 * DAY, length in 0_i64..6_000, more in 0_i64..3_000,
    ) {
        let (book, from) = (book(&made), MONDAY + entry);
        let (short, long) = (quote(&book, from, from + length), quote(&book, from, from + length + more));
        prop_assert!(long.amount.minor >= short.amount.minor, "{}", made.toml());
    }

    #[test]
    fn two_stays_cost_no_less_than_one(
        every in 1_i64..200, amount in 1_i64..900, cap in 1_i64..5_000, a in 0_i64..5_000, b in 0_i64..5_000,
    ) {
        let rung = Rung { amount, every, units: 1, completed: false };
        let made = Made {
            bands: vec![(None, vec![rung])],
            split: false,
            restart: Restart::Never,
            by_band: false,
            caps: vec![(Period::Stay, cap)],
            free: None,
        };
        let (book, from) = (book(&made), MONDAY);
        let fee = |from, to| quote(&book, from, to).amount.minor;
        prop_assert!(fee(from, from + a + b) <= fee(from, from + a) + fee(from + a, from + a + b));
    }

    #[test]
    fn nothing_panics_within_ten_years(
        at in 0_usize..100, entry in 0_i64..2_000_000_000, seconds in prop_oneof![1_i64..100_000, 1_i64..315_576_000],
    ) {
        let mut names: Vec<String> = std::fs::read_dir(folder())
            .unwrap()
            .filter_map(|entry| entry.unwrap().file_name().into_string().ok())
            .filter_map(|name| name.strip_suffix(".toml").map(str::to_owned))
            .collect();
        names.sort();
        // One that leads to another tariff, or to named days, is priced in its table.
        names.retain(|name| !matches!(name.as_str(), "day-or-hour" | "garage"));
        let tariff = fixture(&names[at % names.len()]);
        let monotone = tariff.is_monotone();
        let zone = TimeZone::get("Europe/London").unwrap();
        let book = TariffBook::single(tariff, zone.clone(), Currency::Cny);
        let from = Timestamp::from_second(entry).unwrap();
        let to = from + SignedDuration::from_secs(seconds);
        let quote = book.quote_main(from, to);
        prop_assert!(adds_up(&quote).is_ok(), "{}: {:?}", names[at % names.len()], adds_up(&quote));
        prop_assert!(quote.lines.len() < 120, "{} lines", quote.lines.len());
        prop_assert!(quote.amount.minor >= 0);
        let later = book.quote_main(from, to + SignedDuration::from_secs(3_601));
        prop_assert!(!monotone || later.amount.minor >= quote.amount.minor);
        let written = serde_json::to_string(&quote).unwrap();
        prop_assert_eq!(serde_json::from_str::<Quote>(&written).unwrap(), quote);
    }
}
