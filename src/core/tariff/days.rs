//! Day numbers, the hours' offsets of a zone, and which days a rule holds on. Knows no price.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};

use super::{calendar::Calendar, notation::DAY_S};

const EPOCH: Date = Date::constant(1970, 1, 1);

/// Days since 1970-01-01.
pub(super) fn number(date: Date) -> i64 {
    date.duration_since(EPOCH).as_secs() / DAY_S
}

/// The date of a day number; beyond the years 1 to 9999 it stays there.
pub(super) fn date(number: i64) -> Date {
    let clamped = number.clamp(-700_000, 2_900_000);
    EPOCH.checked_add(SignedDuration::from_secs(clamped * DAY_S)).unwrap_or(EPOCH)
}

/// 0 is Monday.
pub(super) fn weekday(number: i64) -> usize {
    (number + 3).rem_euclid(7) as usize
}

/// The offsets of a zone from UTC as a table: from each start on, seconds to add.
#[derive(Clone, Debug)]
pub(super) struct Offsets {
    starts: Vec<i64>,
    offsets: Vec<i64>,
}

/// Transitions are known from 1970 to here; after that the last offset stays.
const KNOWN_UNTIL_S: i64 = 180 * 366 * DAY_S;

impl Offsets {
    pub(super) fn new(zone: &TimeZone) -> Self {
        let first = i64::from(zone.to_offset(Timestamp::UNIX_EPOCH).seconds());
        let mut table = Self { starts: vec![i64::MIN], offsets: vec![first] };
        for change in zone.following(Timestamp::UNIX_EPOCH) {
            let (at, offset) = (change.timestamp().as_second(), change.offset().seconds());
            if at > KNOWN_UNTIL_S {
                break;
            }
            if table.offsets.last() != Some(&i64::from(offset)) {
                table.starts.push(at);
                table.offsets.push(i64::from(offset));
            }
        }
        table
    }

    /// The offset at an instant, and the instant up to which it holds.
    pub(super) fn at(&self, instant_s: i64) -> (i64, i64) {
        let behind = self.starts.partition_point(|start| *start <= instant_s);
        let until = self.starts.get(behind).copied().unwrap_or(i64::MAX);
        (self.offsets[behind.max(1) - 1], until)
    }

    /// The day of an instant by the clock on the wall.
    pub(super) fn day(&self, instant_s: i64) -> i64 {
        (instant_s + self.at(instant_s).0).div_euclid(DAY_S)
    }

    /// The first instant after this one at which the wall shows `clock_s` or has skipped it.
    pub(super) fn next_clock(&self, instant_s: i64, clock_s: i64) -> i64 {
        let mut u = instant_s;
        loop {
            let (offset, until) = self.at(u);
            let local = u + offset;
            let days = (local - clock_s).div_euclid(DAY_S) + 1;
            let at = days * DAY_S + clock_s - offset;
            if at < until {
                return at;
            }
            // The clock is set at `until`; it may jump over what is looked for.
            let set = until + self.at(until).0;
            if set >= at + offset {
                return until;
            }
            u = until;
        }
    }
}

/// The days a rule holds on. Nothing said: every day.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct DaySet {
    terms: Vec<(bool, Term)>,
}

#[derive(Clone, Debug, PartialEq)]
enum Term {
    /// A bit for each weekday, Monday first.
    Weekdays(u8),
    Holiday,
    Workday,
    Restday,
    /// Day numbers, both included.
    Dates(i64, i64),
    /// Month and day, both included, each year; may go over new year.
    Season((i8, i8), (i8, i8)),
    Named(Arc<str>),
}

impl DaySet {
    /// Reads `["mon-fri", "!holiday", "2026-10-01..2026-10-07", "12-24..12-26", "event"]`.
    pub(super) fn parse(texts: &[String]) -> Result<Self, String> {
        let term = |text: &String| match text.strip_prefix('!') {
            Some(rest) => Ok((false, Term::parse(rest)?)),
            None => Ok((true, Term::parse(text)?)),
        };
        Ok(Self { terms: texts.iter().map(term).collect::<Result<_, String>>()? })
    }

    pub(super) fn holds(&self, day: i64, calendar: &Days) -> bool {
        let mut wanted = self.terms.iter().filter(|(plus, _)| *plus).peekable();
        let inside = wanted.peek().is_none() || wanted.any(|(_, term)| term.holds(day, calendar));
        let outside = self.terms.iter().filter(|(plus, _)| !*plus);
        inside && !outside.into_iter().any(|(_, term)| term.holds(day, calendar))
    }

    /// Names of days that the calendar must know.
    pub(super) fn names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.terms.iter().filter_map(|(_, term)| match term {
            Term::Named(name) => Some(name),
            _ => None,
        })
    }

    /// Nothing but weekdays: the same in every week.
    pub(super) fn is_weekly(&self) -> bool {
        self.terms.iter().all(|(_, term)| matches!(term, Term::Weekdays(_)))
    }

    /// The dates it names itself, and whether it follows the seasons of every year.
    pub(super) fn reach(&self) -> (Option<(i64, i64)>, bool) {
        let mut dates: Option<(i64, i64)> = None;
        let mut seasons = false;
        for (_, term) in &self.terms {
            match term {
                Term::Dates(from, to) => {
                    let (a, b) = dates.unwrap_or((*from, *to));
                    dates = Some((a.min(*from), b.max(*to)));
                }
                Term::Season(..) => seasons = true,
                _ => {}
            }
        }
        (dates, seasons)
    }
}

/// Weekdays as they are written.
pub(super) const NAMES: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// A weekday by its name; 0 is Monday.
pub(super) fn named(name: &str) -> Option<usize> {
    NAMES.iter().position(|day| *day == name)
}

impl Term {
    fn parse(text: &str) -> Result<Self, String> {
        let day_name = named;
        match text {
            "weekday" => return Ok(Self::Weekdays(0b001_1111)),
            "weekend" => return Ok(Self::Weekdays(0b110_0000)),
            "holiday" => return Ok(Self::Holiday),
            "workday" => return Ok(Self::Workday),
            "restday" => return Ok(Self::Restday),
            _ => {}
        }
        if let Some(day) = day_name(text) {
            return Ok(Self::Weekdays(1 << day));
        }
        if let Some((from, to)) = text.split_once('-')
            && let (Some(from), Some(to)) = (day_name(from), day_name(to))
        {
            let length = (to + 7 - from) % 7;
            return Ok(Self::Weekdays((0..=length).fold(0, |set, i| set | 1 << ((from + i) % 7))));
        }
        let (from, to) = text.split_once("..").unwrap_or((text, text));
        if let (Ok(from), Ok(to)) = (from.parse::<Date>(), to.parse::<Date>()) {
            if from > to {
                return Err(format!("\"{text}\" ends before it begins"));
            }
            return Ok(Self::Dates(number(from), number(to)));
        }
        if let (Some(from), Some(to)) = (month_day(from), month_day(to)) {
            return Ok(Self::Season(from, to));
        }
        let named = !text.is_empty()
            && text.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_')
            && text.chars().next().is_some_and(char::is_alphabetic);
        if named {
            return Ok(Self::Named(text.into()));
        }
        Err(format!(
            "\"{text}\" names no days: write \"mon-fri\", \"sat\", \"holiday\", \"workday\", \"restday\", \
             \"2026-10-01..2026-10-07\", \"12-24..12-26\" or a name from the calendar"
        ))
    }

    fn holds(&self, day: i64, calendar: &Days) -> bool {
        match self {
            Self::Weekdays(set) => set >> weekday(day) & 1 == 1,
            Self::Holiday => calendar.holidays.binary_search(&day).is_ok(),
            Self::Workday => calendar.is_workday(day),
            Self::Restday => !calendar.is_workday(day),
            Self::Dates(from, to) => (*from..=*to).contains(&day),
            Self::Season(from, to) => {
                let date = date(day);
                let at = (date.month(), date.day());
                if from <= to { (*from..=*to).contains(&at) } else { at >= *from || at <= *to }
            }
            Self::Named(name) => calendar
                .named
                .iter()
                .any(|(other, days)| other == name && days.binary_search(&day).is_ok()),
        }
    }
}

fn month_day(text: &str) -> Option<(i8, i8)> {
    let (month, day) = text.split_once('-')?;
    let (month, day) = (month.parse().ok()?, day.parse().ok()?);
    // A leap year, so that 02-29 is a day.
    Date::new(2024, month, day).ok().map(|_| (month, day))
}

/// A calendar as day numbers.
#[derive(Clone, Debug, Default)]
pub(super) struct Days {
    holidays: Vec<i64>,
    working: Vec<i64>,
    named: Vec<(Arc<str>, Vec<i64>)>,
}

impl Days {
    pub(super) fn new(calendar: &Calendar) -> Self {
        let numbers = |days: &std::collections::BTreeSet<Date>| -> Vec<i64> {
            days.iter().map(|day| number(*day)).collect()
        };
        Self {
            holidays: numbers(&calendar.holidays),
            working: numbers(&calendar.working),
            named: calendar.named.iter().map(|(name, d)| (name.clone(), numbers(d))).collect(),
        }
    }

    pub(super) fn knows(&self, name: &str) -> bool {
        self.named.iter().any(|(other, _)| &**other == name)
    }

    fn is_workday(&self, day: i64) -> bool {
        let worked = weekday(day) < 5 && self.holidays.binary_search(&day).is_err();
        worked || self.working.binary_search(&day).is_ok()
    }

    /// First and last day that the calendar says something of.
    pub(super) fn reach(&self) -> Option<(i64, i64)> {
        let lists =
            [&self.holidays, &self.working].into_iter().chain(self.named.iter().map(|n| &n.1));
        let ends = lists.filter_map(|days| Some((*days.first()?, *days.last()?)));
        ends.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
    }
}
