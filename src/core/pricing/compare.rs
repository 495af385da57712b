//! What a past period would have earned under one tariff and under another, stay by stay. Keeps no stay: its size grows
//! with days alone.

use std::collections::BTreeMap;

use jiff::{Timestamp, civil::Date, tz::TimeZone};

use super::stay::{case_of, priced_apart};
use crate::{
    core::{
        rules::Zones,
        stay::Stay,
        tariff::{Benefit, Case, NoQuote, TariffBook},
    },
    types::StayId,
};

/// Stays that a comparison names on each side.
const MOVED_MAX: usize = 10;
/// Upper ends of the bands of length, in minutes; the last band has none.
const BANDS: [i64; 7] = [30, 60, 120, 240, 480, 1_440, 4_320];

/// Two tariffs to be put in place of the one a stay was priced by. Nested zones keep theirs.
#[derive(Clone, Copy, Debug)]
pub struct Prices<'a> {
    pub book: &'a TariffBook,
    pub zones: &'a Zones,
    /// Seconds to leave after paying, where a tariff says nothing of its own.
    pub leave_s: i64,
    pub a: &'a str,
    pub b: &'a str,
}

impl Prices<'_> {
    /// The whole fee of a stay that has left, in minor units by either tariff.
    pub fn of(&self, stay: &Stay, benefits: &[Benefit]) -> Result<(i64, i64), NoQuote> {
        let to = stay.left_at.unwrap_or(stay.entered_at);
        let segments = priced_apart(self.zones, stay, to);
        let fee = |tariff| {
            // A reservation's own tariff is in the place of either.
            let tariff = stay.tariff.as_deref().unwrap_or(tariff);
            let case = Case {
                segments: &segments,
                covered: &stay.covered,
                benefits,
                paid: &stay.paid,
                tier: stay.tier.as_deref(),
                ..case_of(stay, tariff, to, self.leave_s)
            };
            self.book.quote(&case).map(|quote| quote.amount.minor)
        };
        Ok((fee(self.a)?, fee(self.b)?))
    }
}

/// Sums over some stays, in minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    pub stays: u64,
    /// What was really paid.
    pub taken_minor: i64,
    pub a_minor: i64,
    pub b_minor: i64,
    /// Stays that pay more by the second tariff than by the first, and less.
    pub dearer: u64,
    pub cheaper: u64,
}

impl Sums {
    fn add(&mut self, taken: i64, a: i64, b: i64) {
        self.stays += 1;
        self.taken_minor = self.taken_minor.saturating_add(taken);
        self.a_minor = self.a_minor.saturating_add(a);
        self.b_minor = self.b_minor.saturating_add(b);
        self.dearer += u64::from(b > a);
        self.cheaper += u64::from(b < a);
    }

    /// What the second tariff brings more than the first.
    pub fn gain_minor(&self) -> i64 {
        self.b_minor.saturating_sub(self.a_minor)
    }
}

/// The stays that left on one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Day {
    pub date: Date,
    pub sums: Sums,
}

/// The stays of one range of lengths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Band {
    /// Longer than this, in minutes.
    pub over: i64,
    /// Up to this; `None`: without end.
    pub up_to: Option<i64>,
    pub sums: Sums,
}

/// A stay whose fee moves much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moved {
    pub stay: StayId,
    pub entered_at: Timestamp,
    pub minutes: i64,
    pub a_minor: i64,
    pub b_minor: i64,
}

/// A period under two tariffs.
#[derive(Clone, Debug)]
pub struct Comparison {
    zone: TimeZone,
    total: Sums,
    days: BTreeMap<Date, Sums>,
    bands: [Sums; BANDS.len() + 1],
    /// The greatest first.
    winners: Vec<Moved>,
    losers: Vec<Moved>,
    unpriced: u64,
}

impl Comparison {
    /// Days are those of `zone`.
    pub fn new(zone: TimeZone) -> Self {
        Self {
            zone,
            total: Sums::default(),
            days: BTreeMap::new(),
            bands: [Sums::default(); BANDS.len() + 1],
            winners: Vec::new(),
            losers: Vec::new(),
            unpriced: 0,
        }
    }

    /// Counts a stay that has left. `fees`: by the first and by the second tariff.
    pub fn add(&mut self, stay: &Stay, fees: &Result<(i64, i64), NoQuote>) {
        let Ok((a, b)) = *fees else {
            self.unpriced += 1;
            return;
        };
        let left = stay.left_at.unwrap_or(stay.entered_at);
        let minutes = left.duration_since(stay.entered_at).as_secs().max(0).div_euclid(60);
        let date = left.to_zoned_datetime(self.zone.clone()).date();
        let band = BANDS.iter().position(|up_to| minutes <= *up_to).unwrap_or(BANDS.len());
        for sums in [&mut self.total, self.days.entry(date).or_default(), &mut self.bands[band]] {
            sums.add(stay.paid_minor, a, b);
        }
        let entered_at = stay.entered_at;
        let moved = Moved { stay: stay.id, entered_at, minutes, a_minor: a, b_minor: b };
        if b < a {
            keep(&mut self.winners, moved, a - b);
        } else if b > a {
            keep(&mut self.losers, moved, b - a);
        }
    }

    pub fn total(&self) -> Sums {
        self.total
    }

    /// Days on which anybody left, in order.
    pub fn days(&self) -> impl Iterator<Item = Day> + '_ {
        self.days.iter().map(|(date, sums)| Day { date: *date, sums: *sums })
    }

    /// Ranges of length in which there are stays, the shortest first.
    pub fn bands(&self) -> impl Iterator<Item = Band> + '_ {
        let over = |at: usize| at.checked_sub(1).map_or(-1, |before| BANDS[before]);
        let all = self.bands.iter().enumerate();
        let all = all.map(move |(at, sums)| Band {
            over: over(at),
            up_to: BANDS.get(at).copied(),
            sums: *sums,
        });
        all.filter(|band| band.sums.stays > 0)
    }

    /// Drivers who pay less by the second tariff: those who save most, first.
    pub fn winners(&self) -> &[Moved] {
        &self.winners
    }

    /// Drivers who pay more by it: those who lose most, first.
    pub fn losers(&self) -> &[Moved] {
        &self.losers
    }

    /// Stays that one of the tariffs could not price.
    pub fn unpriced(&self) -> u64 {
        self.unpriced
    }
}

/// Keeps the greatest; of equals the one that came first.
fn keep(kept: &mut Vec<Moved>, moved: Moved, by: i64) {
    let less = |other: &Moved| (other.a_minor - other.b_minor).abs() < by;
    let at = kept.iter().position(less).unwrap_or(kept.len());
    if at < MOVED_MAX {
        kept.insert(at, moved);
        kept.truncate(MOVED_MAX);
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::{
        core::{
            stay::StayState,
            tariff::{Calendar, Tariff},
        },
        types::{Currency, LaneId, Plate},
    };

    fn stay(id: i64, minutes: i64, paid_minor: i64) -> Stay {
        let entered: Timestamp = "2026-11-23T00:00:00Z".parse().unwrap();
        let entered = entered + SignedDuration::from_hours(24 * (id % 3));
        let plate = Plate::parse("京A12345").unwrap();
        let lane = LaneId::parse("in").unwrap();
        Stay {
            state: StayState::Left,
            left_at: Some(entered + SignedDuration::from_mins(minutes)),
            paid_minor,
            ..Stay::new(StayId(id), plate, lane, Zones::only(), entered)
        }
    }

    #[test]
    fn sums_by_day_and_length_come_to_the_total() {
        let zone = TimeZone::get("Asia/Shanghai").unwrap();
        let (old, new) = (
            Tariff::hourly(15, 500, 4_000),
            "name = \"new\"\n[[band]]\nname = \"all\"\n\
            rate = [{ amount = \"8\", every = \"1h\", for = \"2h\" }, { amount = \"1\", every = \"1h\" }]\n",
        );
        let versions = vec![old, Tariff::parse(new).unwrap()];
        let book =
            TariffBook::new(zone.clone(), Currency::Cny, versions, Calendar::default()).unwrap();
        let zones = Zones::one("lot");
        let prices = Prices { book: &book, zones: &zones, leave_s: 0, a: "hourly", b: "new" };
        let mut comparison = Comparison::new(zone);
        for (id, minutes, paid) in [(1, 10, 0), (2, 60, 500), (3, 600, 4_000), (4, 90, 1_000)] {
            let stay = stay(id, minutes, paid);
            comparison.add(&stay, &prices.of(&stay, &[]));
        }
        let total = comparison.total();
        assert_eq!((total.stays, total.taken_minor), (4, 5_500));
        assert_eq!((total.a_minor, total.b_minor), (5_500, 800 + 800 + 2_400 + 1_600));
        assert_eq!((total.dearer, total.cheaper), (3, 1));
        assert_eq!(comparison.days().map(|day| day.sums.stays).sum::<u64>(), 4);
        assert_eq!(comparison.bands().map(|band| band.sums.gain_minor()).sum::<i64>(), 100);
        assert_eq!(comparison.winners()[0].stay, StayId(3));
        assert_eq!(comparison.losers()[0].stay, StayId(1), "it was free and pays 8 now");
        assert_eq!(comparison.losers().len(), 3);

        let unknown = Prices { b: "none", ..prices };
        let one = stay(9, 60, 0);
        comparison.add(&one, &unknown.of(&one, &[]));
        assert_eq!((comparison.unpriced(), comparison.total().stays), (1, 4));
    }

    #[test]
    fn a_stay_is_priced_as_it_was_while_it_was_inside() {
        use crate::core::{rules::ZoneRules, zone::Segment};
        let tariff = |name: &str, rest: &str| {
            let band = "[[band]]\nname = \"all\"\nrate = [{ amount = \"2\", every = \"1h\" }]\n";
            Tariff::parse(&format!("name = \"{name}\"\n{rest}{band}")).unwrap()
        };
        let versions = vec![
            tariff("a", "lost = { amount = \"90\", mode = \"replaces\" }\n"),
            tariff("b", "lost = { amount = \"70\", mode = \"replaces\" }\n"),
            Tariff::hourly(0, 700, 90_000),
        ];
        let calendar = Calendar::default();
        let book = TariffBook::new(TimeZone::UTC, Currency::Cny, versions, calendar).unwrap();
        let zone = |parent: Option<&str>, tariff: Option<&str>| ZoneRules {
            name: String::new(),
            parent: parent.map(|id| crate::types::ZoneId::parse(id).unwrap()),
            capacity: None,
            spaces: Vec::new(),
            tariff: tariff.map(str::to_owned),
        };
        let id = |id| crate::types::ZoneId::parse(id).unwrap();
        let zones = Zones::new(
            [
                (id("lot"), zone(None, None)),
                (id("deck"), zone(Some("lot"), Some("hourly"))),
                (id("bay"), zone(Some("deck"), None)),
            ]
            .into(),
        )
        .unwrap();
        let prices = Prices { book: &book, zones: &zones, leave_s: 0, a: "a", b: "b" };
        let lost = Stay { lost: true, ..stay(1, 60, 0) };
        assert_eq!(prices.of(&lost, &[]), Ok((9_000, 7_000)), "a lost entry");
        let invited = Stay { tariff: Some("hourly".into()), ..stay(2, 60, 0) };
        assert_eq!(prices.of(&invited, &[]), Ok((700, 700)), "its own tariff by either");
        // The bay has no tariff: it is priced as the deck around it.
        let mut nested = stay(3, 60, 0);
        let from = nested.entered_at;
        nested.nested.push(Segment { zone: id("bay"), from, to: nested.left_at });
        let deck = Stay { nested: Vec::new(), ..nested.clone() };
        assert_ne!(prices.of(&nested, &[]), prices.of(&deck, &[]));
    }

    #[test]
    fn only_the_greatest_are_kept() {
        let mut comparison = Comparison::new(TimeZone::UTC);
        for id in 0..1_000 {
            comparison.add(&stay(id, 60, 0), &Ok((1_000, 1_000 - (id * 7) % 997)));
        }
        let saved: Vec<i64> = comparison.winners().iter().map(|m| m.a_minor - m.b_minor).collect();
        assert_eq!(saved.len(), MOVED_MAX);
        assert!(saved.windows(2).all(|pair| pair[0] >= pair[1]) && saved[0] == 996, "{saved:?}");
    }
}
