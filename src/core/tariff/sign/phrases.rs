//! Amounts, lengths, clock times and days in words, Chinese and English. Knows no rule.

use rust_decimal::Decimal;

use crate::{
    core::tariff::{
        Language,
        days::NAMES,
        notation::{Amount, DAY_S, Hours, Length},
        spec::Amounts,
    },
    types::{Currency, Money},
};

/// The words of one language.
#[derive(Clone, Copy)]
pub(super) struct Phrases {
    pub(super) language: Language,
    pub(super) currency: Currency,
}

impl Phrases {
    pub(super) fn say(self, zh: &str, en: &str) -> String {
        match self.language {
            Language::Chinese => zh.to_owned(),
            Language::English => en.to_owned(),
        }
    }

    pub(super) fn join(self, words: &[String]) -> String {
        words.join(&self.say("，", ", "))
    }

    /// `2.50元`, `¥2.50`; finer than the currency's minor unit as it is written.
    pub(super) fn money(self, amount: Amount) -> String {
        let unit = Decimal::from(10_i64.pow(self.currency.decimals()));
        let major = match amount {
            Amount::Major(major) => major,
            Amount::Minor(minor) => Decimal::from(minor) / unit,
        };
        if self.language == Language::Chinese && self.currency == Currency::Cny {
            return format!("{}元", major.normalize());
        }
        let whole = Money::round_half_up_to_minor(major, self.currency);
        match whole.filter(|money| Decimal::from(money.minor) == major * unit) {
            Some(money) => money.to_string(),
            None => format!("{} {}", self.currency.code(), major.normalize()),
        }
    }

    /// `30分钟`, `1 h 30 min`.
    pub(super) fn length(self, length: Length) -> String {
        let s = length.0;
        let parts = [
            (s / DAY_S, "天", "d"),
            (s % DAY_S / 3_600, "小时", "h"),
            (s % 3_600 / 60, "分钟", "min"),
            (s % 60, "秒", "s"),
        ];
        // A day is a calendar's word: 24 hours are meant.
        let parts = if s == DAY_S {
            [(24, "小时", "h"), (0, "", ""), (0, "", ""), (0, "", "")]
        } else {
            parts
        };
        let words: Vec<String> = parts
            .into_iter()
            .filter(|part| part.0 > 0)
            .map(|(count, zh, en)| self.say(&format!("{count}{zh}"), &format!("{count} {en}")))
            .collect();
        words.join(&self.say("", " "))
    }

    pub(super) fn hours(self, hours: Hours) -> String {
        let clock = |s: i64| format!("{:02}:{:02}", s / 3_600, s % 3_600 / 60);
        let (from, to) = (clock(hours.from.0), clock(hours.to.0));
        if let Some((first, last)) = hours.week {
            let day = |at: usize| self.day(NAMES[at]);
            return self.say(
                &format!("{}{from}至{}{to}", day(first), day(last)),
                &format!("{} {from} to {} {to}", day(first), day(last)),
            );
        }
        let next = if hours.wraps() { self.say("次日", "") } else { String::new() };
        format!("{from}-{next}{to}")
    }

    /// When a rule holds: its days, then its hours. Empty: always.
    pub(super) fn when(self, days: &[String], hours: Option<Hours>) -> String {
        let mut words = Vec::new();
        if !days.is_empty() {
            words.push(self.days(days));
        }
        words.extend(hours.map(|hours| self.hours(hours)));
        words.join(" ")
    }

    pub(super) fn days(self, texts: &[String]) -> String {
        let (mut on, mut off) = (Vec::new(), Vec::new());
        for text in texts {
            match text.strip_prefix('!') {
                Some(rest) => off.push(self.day(rest)),
                None => on.push(self.day(text)),
            }
        }
        let (on, off) = (on.join(&self.say("、", ", ")), off.join(&self.say("、", ", ")));
        match (on.is_empty(), off.is_empty()) {
            (_, true) => on,
            (true, false) => self.say(&format!("除{off}外"), &format!("except {off}")),
            (false, false) => {
                self.say(&format!("{on}（{off}除外）"), &format!("{on} (except {off})"))
            }
        }
    }

    fn day(self, text: &str) -> String {
        let name = |text: &str| {
            let (zh, en) = match text {
                "mon" => ("周一", "Mon"),
                "tue" => ("周二", "Tue"),
                "wed" => ("周三", "Wed"),
                "thu" => ("周四", "Thu"),
                "fri" => ("周五", "Fri"),
                "sat" => ("周六", "Sat"),
                "sun" => ("周日", "Sun"),
                "weekday" => ("周一至周五", "Mon to Fri"),
                "weekend" => ("周六、周日", "Sat and Sun"),
                "holiday" => ("法定节假日", "public holidays"),
                "workday" => ("工作日", "working days"),
                "restday" => ("休息日", "days off"),
                _ => return None,
            };
            Some(self.say(zh, en))
        };
        if let Some(known) = name(text) {
            return known;
        }
        let to =
            |from: &str, to: &str| self.say(&format!("{from}至{to}"), &format!("{from} to {to}"));
        if let Some((from, until)) = text.split_once('-')
            && let (Some(from), Some(until)) = (name(from), name(until))
        {
            return to(&from, &until);
        }
        text.split_once("..").map_or_else(|| text.to_owned(), |(from, until)| to(from, until))
    }

    /// One amount, or the first, the second and each further one.
    pub(super) fn amounts(self, amounts: &Amounts) -> String {
        let list = match amounts {
            Amounts::One(amount) => return self.money(*amount),
            Amounts::Rising(list) => list,
        };
        let last = list.len();
        let words: Vec<String> = list
            .iter()
            .enumerate()
            .map(|(at, amount)| {
                let (number, amount) = (at + 1, self.money(*amount));
                if number == last {
                    self.say(
                        &format!("第{number}个起{amount}"),
                        &format!("{amount} from no. {number} on"),
                    )
                } else {
                    self.say(
                        &format!("第{number}个{amount}"),
                        &format!("{amount} for no. {number}"),
                    )
                }
            })
            .collect();
        self.join(&words)
    }
}
