//! How amounts, lengths of time, clock times and dates are written in a tariff. Knows no rule.

use std::{fmt, str::FromStr};

use jiff::civil::Date;
use rust_decimal::{Decimal, prelude::ToPrimitive};
use serde::{
    Deserialize, Deserializer,
    de::{Error, SeqAccess, Visitor},
};

use super::spec::{Again, Amounts, Every, Per};

/// Seconds of an hour of the day and of a plain day.
pub(super) const DAY_S: i64 = 86_400;
/// The longest length a tariff may name: a leap year.
const LENGTH_MAX_S: i64 = 366 * DAY_S;
/// The greatest amount a tariff may name, in major units.
const AMOUNT_MAX: i64 = 100_000_000;

/// Money in a tariff: a decimal in major units, such as `"2.50"`; or minor units, in tariffs made in code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Amount {
    Major(Decimal),
    Minor(i64),
}

/// A percentage in thousandths of a percent: a whole number, or a decimal in quotes such as `"118.375"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Percent(pub(super) i64);

/// The greatest percentage a tariff may name.
const PERCENT_MAX: i64 = 1_000;

impl Percent {
    pub(super) const ALL: Self = Self(100_000);

    /// It needs no more than whole percents.
    pub(super) fn is_whole(self) -> bool {
        self.0 % 1_000 == 0
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Decimal::new(self.0, 3).normalize())
    }
}

impl FromStr for Percent {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let plain = text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        let value = Decimal::from_str(text).ok().filter(|_| plain);
        let milli = value.and_then(|value| value.checked_mul(Decimal::from(1_000)));
        let fits =
            |milli: &Decimal| milli.is_integer() && *milli <= Decimal::from(PERCENT_MAX * 1_000);
        milli.filter(fits).and_then(|milli| milli.to_i64()).map(Self).ok_or_else(|| {
            format!(
                "\"{text}\" is no percentage: 0 to {PERCENT_MAX}, at most three decimals, such as \"118.375\""
            )
        })
    }
}

/// A positive length of time in whole seconds, such as `"30m"`, `"1h30m"`, `"45s"`, `"2d"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Length(pub(super) i64);

/// A time of the day in seconds from midnight, such as `"08:00"`; `"24:00"` is the end of the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Clock(pub(super) i64);

/// Hours of each day, such as `"08:00-22:00"`, or of each week, such as `"fri 18:00-mon 06:00"`. Those of a day that end
/// where or before they begin go on past midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hours {
    pub(super) from: Clock,
    pub(super) to: Clock,
    /// On which weekdays they begin and end, Monday is 0; `None`: they begin each day.
    pub(super) week: Option<(usize, usize)>,
}

impl Hours {
    /// Seconds from beginning to end: at most a day, or a week.
    pub(super) fn length(self) -> i64 {
        let (round, days) = match self.week {
            None => (DAY_S, 0),
            Some((from, to)) => (7 * DAY_S, (to + 7 - from) as i64 % 7),
        };
        match (days * DAY_S + self.to.0 - self.from.0).rem_euclid(round) {
            0 => round,
            length => length,
        }
    }

    /// They end on a later day than they begin.
    pub(super) fn wraps(self) -> bool {
        self.from.0 + self.length() > DAY_S
    }

    /// Seconds from a day's midnight at which hours that touch this day begin, with the day they begin on.
    pub(super) fn touching(self, day: i64) -> impl Iterator<Item = (i64, i64)> {
        let days_back = (self.from.0 + self.length() - 1) / DAY_S;
        (0..=days_back).map(move |back| (self.from.0 - back * DAY_S, day - back)).filter(
            move |(_, began)| {
                self.week.is_none_or(|(from, _)| super::days::weekday(*began) == from)
            },
        )
    }

    /// The day on which those hours began that hold at a second of a day; `None`: none do. `ends`: their end is inside.
    pub(super) fn began(self, day: i64, second: i64, ends: bool) -> Option<i64> {
        let length = self.length();
        let inside = |from: i64| from <= second && second - from < length + i64::from(ends);
        self.touching(day).find(|(from, _)| inside(*from)).map(|(_, began)| began)
    }
}

impl FromStr for Amount {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("\"{text}\" is no amount: write major units, such as \"2.50\"");
        let plain = text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        let value = Decimal::from_str(text).ok().filter(|_| plain).ok_or_else(wrong)?;
        if value > Decimal::from(AMOUNT_MAX) {
            return Err(format!("\"{text}\" is more than {AMOUNT_MAX}"));
        }
        Ok(Self::Major(value))
    }
}

impl FromStr for Length {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("\"{text}\" is no length of time: write \"30m\", \"1h30m\" or \"45s\"");
        let (mut seconds, mut digits) = (0_i64, String::new());
        for c in text.chars() {
            let unit = match c {
                '0'..='9' if digits.len() < 9 => {
                    digits.push(c);
                    continue;
                }
                'd' => DAY_S,
                'h' => 3_600,
                'm' => 60,
                's' => 1,
                _ => return Err(wrong()),
            };
            let number: i64 = digits.parse().map_err(|_| wrong())?;
            seconds = seconds.saturating_add(number.saturating_mul(unit));
            digits.clear();
        }
        if !digits.is_empty() || seconds == 0 {
            return Err(wrong());
        }
        if seconds > LENGTH_MAX_S {
            return Err(format!("\"{text}\" is longer than 366 days"));
        }
        Ok(Self(seconds))
    }
}

impl FromStr for Clock {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("\"{text}\" is no time of the day: write \"08:00\" to \"24:00\"");
        let (hour, minute) = text.split_once(':').ok_or_else(wrong)?;
        let number = |part: &str| {
            let fits = (1..=2).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
            part.parse::<i64>().ok().filter(|_| fits).ok_or_else(wrong)
        };
        let (hour, minute) = (number(hour)?, number(minute)?);
        let seconds = hour * 3_600 + minute * 60;
        if minute > 59 || seconds > DAY_S { Err(wrong()) } else { Ok(Self(seconds)) }
    }
}

impl FromStr for Hours {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("\"{text}\" are no hours: write \"08:00-22:00\" or \"fri 18:00-mon 06:00\"");
        let (from, to) = text.split_once('-').ok_or_else(wrong)?;
        let end = |text: &str| -> Result<(Option<usize>, Clock), String> {
            match text.trim().split_once(' ') {
                Some((day, clock)) => {
                    Ok((Some(super::days::named(day).ok_or_else(wrong)?), clock.trim().parse()?))
                }
                None => Ok((None, text.trim().parse()?)),
            }
        };
        let ((first, from), (last, to)) = (end(from)?, end(to)?);
        let week = match (first, last) {
            (Some(first), Some(last)) => Some((first, last)),
            (None, None) => None,
            _ => return Err(format!("{}; a weekday at both ends, or at none", wrong())),
        };
        let hours = Self { from, to, week };
        if hours.from.0 == DAY_S || (hours.to.0 == 0 && week.is_none()) {
            return Err(format!(
                "{}; midnight is \"00:00\" as a beginning, \"24:00\" as an end",
                wrong()
            ));
        }
        Ok(hours)
    }
}

impl FromStr for Again {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "never" | "stay" => Ok(Self::Never),
            "day" => Ok(Self::Day),
            "window" => Ok(Self::Window),
            text => text.parse().map(Self::Every).map_err(|_| {
                format!(
                    "\"{text}\" must be \"never\", \"day\", \"window\" or a length such as \"24h\""
                )
            }),
        }
    }
}

impl FromStr for Every {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "window" => Ok(Self::Window),
            text => text.parse().map(Self::Time),
        }
    }
}

impl FromStr for Per {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "stay" => Ok(Self::Stay),
            "day" => Ok(Self::Day),
            "week" => Ok(Self::Week),
            "month" => Ok(Self::Month),
            "window" => Ok(Self::Window),
            text => text.parse().map(Self::Every).map_err(|_| {
                format!(
                    "\"{text}\" must be \"stay\", \"day\", \"week\", \"month\", \"window\" or a length such \
                     as \"24h\""
                )
            }),
        }
    }
}

macro_rules! from_text {
    ($($name:ident),+) => {$(
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                String::deserialize(from)?.parse().map_err(D::Error::custom)
            }
        }
    )+};
}

impl<'de> Deserialize<'de> for Amounts {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Amounts;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an amount such as \"20\", or a list of them")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Amounts, E> {
                text.parse().map(Amounts::One).map_err(E::custom)
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Amounts, E> {
                Err(unquoted(number))
            }

            fn visit_f64<E: Error>(self, number: f64) -> Result<Amounts, E> {
                Err(unquoted(number))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Amounts, A::Error> {
                let mut amounts = Vec::new();
                while let Some(amount) = list.next_element()? {
                    amounts.push(amount);
                }
                Ok(Amounts::Rising(amounts))
            }
        }
        from.deserialize_any(Reader)
    }
}

from_text!(Length, Clock, Hours, Again, Every, Per);

/// Reads text; a number without quotes is told how to write it.
struct Quoted<T>(std::marker::PhantomData<T>);

impl<T: FromStr<Err = String>> Visitor<'_> for Quoted<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an amount in quotes, such as \"2.50\"")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<T, E> {
        Err(unquoted(number))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<T, E> {
        Err(unquoted(number))
    }
}

fn unquoted<E: Error>(number: impl fmt::Display) -> E {
    E::custom(format!("an amount stands in quotes: write \"{number}\""))
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Quoted(std::marker::PhantomData))
    }
}

impl<'de> Deserialize<'de> for Percent {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Reader;
        impl Visitor<'_> for Reader {
            type Value = Percent;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "a whole percentage such as 90, or a decimal in quotes such as \"118.375\"",
                )
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Percent, E> {
                text.parse().map_err(E::custom)
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Percent, E> {
                number.to_string().parse().map_err(E::custom)
            }
        }
        from.deserialize_any(Reader)
    }
}

/// A date in quotes, such as `"2026-01-31"`.
pub(super) fn date<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Date>, D::Error> {
    let text = String::deserialize(from)?;
    let wrong = |_| D::Error::custom(format!("\"{text}\" is no date: write \"2026-01-31\""));
    text.parse().map(Some).map_err(wrong)
}
