//! How amounts, lengths of time, clock times and dates are written in a tariff. Knows no rule.

use std::{fmt, str::FromStr};

use jiff::civil::Date;
use rust_decimal::Decimal;
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

/// A positive length of time in whole seconds, such as `"30m"`, `"1h30m"`, `"45s"`, `"2d"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Length(pub(super) i64);

/// A time of the day in seconds from midnight, such as `"08:00"`; `"24:00"` is the end of the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Clock(pub(super) i64);

/// Hours of the day, such as `"08:00-22:00"`. One that ends before it begins goes on past midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hours {
    pub(super) from: Clock,
    pub(super) to: Clock,
}

impl Hours {
    pub(super) fn wraps(self) -> bool {
        self.to <= self.from
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
        let wrong = || format!("\"{text}\" are no hours: write \"08:00-22:00\"");
        let (from, to) = text.split_once('-').ok_or_else(wrong)?;
        let hours = Self { from: from.trim().parse()?, to: to.trim().parse()? };
        if hours.from == hours.to || hours.from.0 == DAY_S || hours.to.0 == 0 {
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
            "window" => Ok(Self::Window),
            text => text.parse().map(Self::Every).map_err(|_| {
                format!(
                    "\"{text}\" must be \"stay\", \"day\", \"window\" or a length such as \"24h\""
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

from_text!(Amount, Length, Clock, Hours, Again, Every, Per);

/// A date in quotes, such as `"2026-01-31"`.
pub(super) fn date<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Date>, D::Error> {
    let text = String::deserialize(from)?;
    let wrong = |_| D::Error::custom(format!("\"{text}\" is no date: write \"2026-01-31\""));
    text.parse().map(Some).map_err(wrong)
}
