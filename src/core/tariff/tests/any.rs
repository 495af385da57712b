//! Tariffs made up of every key of the language, in zones with and without summer time: what holds for all of them.
//! Knows no right fee.

use std::fmt::Write;

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use proptest::prelude::*;

use super::tables::adds_up;
use crate::{
    core::tariff::{Case, Earlier, Language, PaidAt, Quote, Tariff, TariffBook},
    types::Currency,
};

/// Of any bill: what is equal is drawn together.
const LINES_MAX: usize = 250;
const TEN_YEARS_S: i64 = 315_576_000;
const LEAVE_S: i64 = 900;

fn pick(of: &'static [&'static str]) -> impl Strategy<Value = &'static str> {
    prop::sample::select(of)
}

/// Minutes that fit each other.
fn minutes() -> impl Strategy<Value = i64> {
    prop::sample::select(vec![1_i64, 5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 720, 1_440])
}

fn amount() -> impl Strategy<Value = String> {
    (0_i64..60, 0_i64..100).prop_map(|(major, minor)| format!("\"{major}.{minor:02}\""))
}

fn amounts() -> impl Strategy<Value = String> {
    let list =
        prop::collection::vec(amount(), 1..4).prop_map(|all| format!("[{}]", all.join(", ")));
    prop_oneof![amount(), list]
}

fn days() -> impl Strategy<Value = &'static str> {
    pick(&["", "\"mon-fri\"", "\"sat\", \"sun\"", "\"!mon\"", "\"2027-01-01\"", "\"12-24..12-26\""])
}

fn hours() -> impl Strategy<Value = String> {
    let clock = |half: u32| format!("{:02}:{:02}", half / 2, half % 2 * 30);
    let daily = (0_u32..48, 0_u32..48)
        .prop_map(move |(from, to)| format!("\"{}-{}\"", clock(from), clock(to)));
    prop_oneof![6 => daily, 1 => Just("\"fri 18:00-mon 06:00\"".to_owned())]
}

fn step(last: bool) -> impl Strategy<Value = String> {
    let every = (minutes(), prop::option::weighted(0.2, Just(1_i64)), 1_i64..4);
    let tolerance = prop::option::weighted(0.2, 1_i64..10);
    (amount(), every, pick(&["charged", "charged", "free"]), tolerance).prop_map(
        move |(amount, (every, by, units), started, tolerance)| {
            let mut text =
                format!("{{ amount = {amount}, every = \"{every}m\", started = \"{started}\"");
            if let Some(by) = by {
                let _ = write!(text, ", by = \"{by}m\"");
            }
            if let Some(tolerance) = tolerance.filter(|_| by.is_none()) {
                let _ = write!(text, ", tolerance = \"{tolerance}m\"");
            }
            if !last && units > 1 {
                let _ = write!(text, ", for = \"{}m\"", by.unwrap_or(every) * units);
            }
            text + " }"
        },
    )
}

fn rate() -> impl Strategy<Value = String> {
    let steps =
        (prop::collection::vec(step(false), 0..3), step(true)).prop_map(|(mut all, last)| {
            all.push(last);
            all.join(", ")
        });
    let once = amount().prop_map(|amount| format!("{{ amount = {amount}, every = \"window\" }}"));
    prop_oneof![6 => steps, 1 => once, 1 => Just(String::new())]
}

fn band() -> impl Strategy<Value = String> {
    (days(), prop::option::weighted(0.7, hours()), rate()).prop_map(|(days, hours, rate)| {
        let hours = hours.map(|hours| format!("hours = {hours}\n")).unwrap_or_default();
        format!("days = [{days}]\n{hours}rate = [{rate}]\n")
    })
}

fn bands() -> impl Strategy<Value = String> {
    prop::collection::vec(band(), 0..4).prop_map(|bands| {
        let named = bands.iter().enumerate();
        named.map(|(at, band)| format!("[[band]]\nname = \"b{at}\"\n{band}")).collect()
    })
}

/// `visits`: also those that look at visits before.
fn cap(visits: bool) -> impl Strategy<Value = String> {
    let per = pick(&["stay", "day", "week", "month", "window", "24h", "5h"]);
    let more = (any::<bool>(), any::<bool>(), prop::option::weighted(0.2, 1_u32..4));
    (amounts(), per, days(), hours(), more).prop_map(
        move |(amount, per, days, hours, (restart, over, times))| {
            let mut text =
                format!("[[cap]]\namount = {amount}\nper = \"{per}\"\ndays = [{days}]\n");
            if per == "window" {
                let _ = writeln!(text, "hours = {hours}");
            }
            if restart && !["week", "month"].contains(&per) {
                text += "restart_units = true\n";
            }
            if visits && over && !["stay", "window"].contains(&per) {
                text += "over_visits = true\n";
            }
            if let Some(times) = times {
                let _ = writeln!(text, "times = {times}");
            }
            text
        },
    )
}

fn free(visits: bool) -> impl Strategy<Value = String> {
    let often = pick(&["never", "never", "day", "24h", "36h"]);
    let more = (any::<bool>(), any::<bool>(), prop::option::weighted(0.3, hours()));
    (1_i64..200, any::<bool>(), often, days(), more).prop_map(
        move |(time, deducted, again, days, (limit, counts, enter))| {
            let mode = if deducted { "deducted" } else { "grace" };
            let limit = if limit { "inclusive" } else { "exclusive" };
            let mut text = format!(
                "{{ time = \"{time}m\", mode = \"{mode}\", limit = \"{limit}\", \
                 again = \"{again}\", days = [{days}]"
            );
            if deducted && counts {
                text += ", uses_steps = true";
            }
            if visits && counts {
                text += ", visits_a_day = 1, away = \"1h\"";
            }
            if let Some(enter) = enter {
                let _ = write!(text, ", enter = {enter}");
            }
            text + " }"
        },
    )
}

fn alternative() -> impl Strategy<Value = String> {
    let when = (prop::option::of(hours()), prop::option::of(hours()), days());
    let length = (prop::option::of(minutes()), prop::option::weighted(0.2, minutes()));
    let more = (any::<bool>(), pick(&["cheapest", "cheapest", "always"]));
    (amount(), when, length, more).prop_map(
        |(amount, (enter, leave, days), (longest, shortest), (same_day, choose))| {
            let mut text = format!(
                "[[alternative]]\nname = \"flat\"\namount = {amount}\ndays = [{days}]\n\
                 same_day = {same_day}\nchoose = \"{choose}\"\n"
            );
            let hours = [("enter", enter), ("leave", leave)];
            for (key, hours) in hours.into_iter().filter_map(|(key, h)| Some((key, h?))) {
                let _ = writeln!(text, "{key} = {hours}");
            }
            for (key, m) in [("longest", longest), ("shortest", shortest)] {
                m.map_or(Ok(()), |m| writeln!(text, "{key} = \"{m}m\"")).unwrap();
            }
            text
        },
    )
}

fn surcharge() -> impl Strategy<Value = String> {
    let rule = prop_oneof![
        (0_u32..24, any::<bool>())
            .prop_map(|(hour, each)| format!("past = \"{hour:02}:00\"\neach_time = {each}\n")),
        minutes().prop_map(|after| format!("after = \"{after}m\"\nagain = \"24h\"\n")),
    ];
    (amount(), days(), rule).prop_map(|(amount, days, rule)| {
        format!("[[surcharge]]\nname = \"fine\"\namount = {amount}\ndays = [{days}]\n{rule}")
    })
}

/// The keys that stand before all sections.
fn head(visits: bool) -> impl Strategy<Value = String> {
    let ladder = (pick(&["never", "day", "window", "24h", "700m"]), pick(&["all", "band"]));
    let limits = (
        prop::option::weighted(0.2, amount()),
        prop::option::weighted(0.2, amount()),
        prop::option::weighted(0.2, (0_i64..400).prop_map(|percent| format!("{percent}"))),
        prop::option::weighted(0.2, amounts()),
    );
    let round = prop::option::weighted(0.3, pick(&["half_up", "up", "down"]));
    let boundary = pick(&["run_on", "run_on", "split", "entry"]);
    let free = prop::collection::vec(free(visits), 0..3);
    (boundary, ladder, limits, round, free).prop_map(
        |(boundary, (restart, counts), (minimum, maximum, percent, whole), round, free)| {
            let mut text = format!(
                "name = \"any\"\nboundary = \"{boundary}\"\nfree = [{}]\n\
                 ladder = {{ restart = \"{restart}\", counts = \"{counts}\" }}\n",
                free.join(", ")
            );
            let whole = whole.map(|amount| format!("{{ every = \"24h\", amount = {amount} }}"));
            let round = round.map(|mode| format!("{{ to = \"0.50\", mode = \"{mode}\" }}"));
            for (key, value) in [
                ("minimum", minimum),
                ("maximum", maximum),
                ("percent", percent),
                ("whole", whole),
                ("round", round),
            ] {
                if let Some(value) = value {
                    let _ = writeln!(text, "{key} = {value}");
                }
            }
            text
        },
    )
}

/// Any tariff that the language takes, with `more` at its head. `visits`: also rules that look at visits before.
fn made(visits: bool, more: &'static str) -> impl Strategy<Value = String> {
    let caps = prop::collection::vec(cap(visits), 0..3);
    let rules =
        (prop::collection::vec(alternative(), 0..2), prop::collection::vec(surcharge(), 0..2));
    (head(visits), bands(), caps, rules).prop_filter_map(
        "the language does not take it",
        move |(head, bands, caps, (alternatives, surcharges))| {
            let sections = [caps, alternatives, surcharges].concat().concat();
            let text = format!("{head}{more}{bands}{sections}");
            Tariff::parse(&text).is_ok().then_some(text)
        },
    )
}

/// With summer time, without, by half an hour, and with changes at midnight.
fn zone() -> impl Strategy<Value = TimeZone> {
    let names = [
        "Europe/London",
        "America/New_York",
        "Asia/Shanghai",
        "Australia/Lord_Howe",
        "America/Santiago",
        "Africa/Cairo",
    ];
    prop::sample::select(names.to_vec()).prop_map(|name| TimeZone::get(name).unwrap())
}

/// Days on which some of these zones change their clocks, and any other.
fn entry() -> impl Strategy<Value = Timestamp> {
    let near = prop::sample::select(vec![
        "2026-03-28T20:00:00Z",
        "2026-03-08T04:00:00Z",
        "2026-04-04T12:00:00Z",
        "2026-04-23T20:00:00Z",
        "2026-09-05T22:00:00Z",
        "2026-10-24T20:00:00Z",
        "2026-11-01T02:00:00Z",
    ]);
    let near = (near, 0_i64..2 * 86_400)
        .prop_map(|(near, on)| near.parse::<Timestamp>().unwrap() + SignedDuration::from_secs(on));
    let any = (0_i64..2_000_000_000).prop_map(|at| Timestamp::from_second(at).unwrap());
    prop_oneof![near, any]
}

/// From a second to ten years.
fn length() -> impl Strategy<Value = SignedDuration> {
    let seconds = prop_oneof![1_i64..600, 1_i64..200_000, 1_i64..4_000_000, 1_i64..=TEN_YEARS_S];
    seconds.prop_map(SignedDuration::from_secs)
}

fn book(text: &str, zone: &TimeZone) -> TariffBook {
    TariffBook::single(Tariff::parse(text).unwrap(), zone.clone(), Currency::Cny)
}

fn plain<'c>(from: Timestamp, to: Timestamp) -> Case<'c> {
    Case::new("any", from, to)
}

fn quoted(book: &TariffBook, case: &Case<'_>) -> Quote {
    book.quote(case).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn no_stay_is_too_short_or_too_long_for_any_tariff(
        text in made(true, ""), zone in zone(), from in entry(), length in length(), more in length(),
    ) {
        let book = book(&text, &zone);
        let quote = book.quote_main(from, from + length);
        prop_assert!(adds_up(&quote).is_ok(), "{text}{:?}", adds_up(&quote));
        prop_assert!(quote.amount.minor >= 0, "{text}");
        prop_assert!(quote.lines.len() < LINES_MAX, "{} lines\n{text}", quote.lines.len());
        for language in [Language::Chinese, Language::English] {
            prop_assert!(!quote.explain(language, &zone).is_empty());
        }
        let written = serde_json::to_string(&quote).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Quote>(&written).unwrap(), &quote);
        let later = book.quote_main(from, from + length + more);
        let monotone = Tariff::parse(&text).unwrap().is_monotone();
        prop_assert!(
            !monotone || later.amount.minor >= quote.amount.minor,
            "{length:?} {:?}, {:?} more {:?} in {zone:?} from {from}\n{text}",
            quote.amount, more, later.amount
        );
    }

    /// Whoever pays before leaving pays in the end what the whole stay costs, or what was paid, if that was more.
    #[test]
    fn paying_before_the_end_gains_nothing(
        text in made(true, ""), zone in zone(), from in entry(), first in length(), second in length(),
    ) {
        let book = book(&text, &zone);
        let (paid_at, to) = (from + first, from + first + second);
        let amount = quoted(&book, &plain(from, paid_at)).amount.minor;
        let paid = [PaidAt { at: paid_at, amount }];
        let quote = quoted(&book, &Case { paid: &paid, leave_s: LEAVE_S, ..plain(from, to) });
        let whole = quoted(&book, &plain(from, to)).amount.minor;
        let total = amount + quote.due().minor;
        if second.as_secs() <= LEAVE_S {
            prop_assert_eq!(total, amount, "in time\n{}", text);
        } else {
            prop_assert_eq!(total, whole.max(amount), "{}", text);
        }
        prop_assert!(adds_up(&quote).is_ok(), "{text}{:?}", adds_up(&quote));
    }

    /// As the same, of a tariff by which a new stay begins at the payment: nothing is asked for twice in time.
    #[test]
    fn a_stay_that_begins_anew_at_the_payment_costs_what_it_costs(
        text in made(false, "prepaid = { leave = \"15m\", then = \"from_payment\" }\n"),
        zone in zone(), from in entry(), first in length(), second in length(),
    ) {
        let book = book(&text, &zone);
        let (paid_at, to) = (from + first, from + first + second);
        let amount = quoted(&book, &plain(from, paid_at)).amount.minor;
        let paid = [PaidAt { at: paid_at, amount }];
        let quote = quoted(&book, &Case { paid: &paid, ..plain(from, to) });
        prop_assert!(quote.amount.minor >= amount, "{text}");
        prop_assert!(second.as_secs() > LEAVE_S || quote.due().is_zero(), "{text}");
        prop_assert!(adds_up(&quote).is_ok(), "{text}{:?}", adds_up(&quote));
    }

    /// Out and in again at once is one stay, where the tariff says so.
    #[test]
    fn going_out_and_coming_back_gains_nothing(
        text in made(false, "reentry = { within = \"30m\" }\n"),
        zone in zone(), from in entry(), first in length(), second in length(),
    ) {
        let book = book(&text, &zone);
        let (out, to) = (from + first, from + first + second);
        let charged_minor = quoted(&book, &plain(from, out)).amount.minor;
        let earlier = [Earlier { from, to: out, charged_minor }];
        let quote = quoted(&book, &Case { earlier: &earlier, ..plain(out, to) });
        let whole = quoted(&book, &plain(from, to)).amount.minor;
        prop_assert_eq!(charged_minor + quote.amount.minor, whole.max(charged_minor), "{}", text);
        prop_assert!(adds_up(&quote).is_ok(), "{text}{:?}", adds_up(&quote));
    }

    /// However often a plate comes on a day, it pays no more than the day's cap over visits.
    #[test]
    fn visits_of_one_day_stay_within_its_cap(
        bands in bands(), limit in 0_i64..6_000, zone in zone(), day in 0_i64..20_000,
        visits in prop::collection::vec((0_i64..240, 1_i64..300), 1..5),
    ) {
        let cap = format!("amount = \"{}.{:02}\"\nper = \"day\"\nover_visits = true\n", limit / 100, limit % 100);
        let text = format!("name = \"any\"\n{bands}[[cap]]\n{cap}");
        prop_assume!(Tariff::parse(&text).is_ok());
        let book = book(&text, &zone);
        let noon = Timestamp::from_second(day * 86_400 + 43_200).unwrap();
        let midnight = noon.to_zoned_datetime(zone.clone()).start_of_day().unwrap();
        let end = midnight.tomorrow().unwrap().start_of_day().unwrap().timestamp();
        let mut at = midnight.timestamp();
        let mut earlier: Vec<Earlier> = Vec::new();
        for (away, parked) in visits {
            let from = at + SignedDuration::from_mins(away);
            let to = (from + SignedDuration::from_mins(parked)).min(end);
            if from >= end {
                break;
            }
            let charged_minor = quoted(&book, &Case { earlier: &earlier, ..plain(from, to) }).amount.minor;
            earlier.push(Earlier { from, to, charged_minor });
            at = to;
        }
        let sum: i64 = earlier.iter().map(|visit| visit.charged_minor).sum();
        prop_assert!(sum <= limit, "{sum} of {limit}: {earlier:?}\n{text}");
    }
}
