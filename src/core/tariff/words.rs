//! Quotes in words, Chinese and English, as a driver can check them. Knows no page.

use jiff::{Timestamp, tz::TimeZone};

use super::{
    notation::Percent,
    quote::{Quote, QuoteLine, QuoteRule},
};
use crate::types::Currency;

/// The languages a fee is explained in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    Chinese,
    English,
}

impl Language {
    fn say<'a>(self, chinese: &'a str, english: &'a str) -> &'a str {
        match self {
            Self::Chinese => chinese,
            Self::English => english,
        }
    }

    /// A length of time, such as `1 h 30 min`.
    fn length(self, seconds: i64) -> String {
        let parts = [
            (seconds / 3_600, self.say("小时", " h")),
            (seconds % 3_600 / 60, self.say("分钟", " min")),
            (seconds % 60, self.say("秒", " s")),
        ];
        let said: Vec<String> = parts
            .into_iter()
            .filter(|(number, _)| *number > 0)
            .map(|(number, unit)| format!("{number}{unit}"))
            .collect();
        if said.is_empty() {
            return format!("0{}", self.say("分钟", " min"));
        }
        said.join(self.say("", " "))
    }
}

impl QuoteLine {
    /// One line, such as `08:00-10:00 4 × 30 min at 2.00 = 8.00`. Clock times in `zone`.
    pub fn explain(&self, language: Language, zone: &TimeZone) -> String {
        let mut said = self.when(zone);
        if let Some(name) = &self.name {
            said += &format!(" {name}");
        }
        said += &format!(" {}", self.why(language));
        let amount = minor(self.amount.minor, self.amount.currency);
        match self.rule {
            rule if is_time(rule) => said,
            QuoteRule::Units | QuoteRule::Whole => said + " = " + &amount,
            _ => said + language.say("：", ": ") + &amount,
        }
    }

    /// The rule in words, without time and amount.
    fn why(&self, l: Language) -> String {
        let (units, currency) = (self.units, self.amount.currency);
        let plain = |chinese: &str, english: &str| l.say(chinese, english).to_owned();
        match self.rule {
            QuoteRule::Free => plain("免费时段内", "within the free time"),
            QuoteRule::FreeTime => {
                let length = l.length(self.seconds());
                [l.say("免费", "free "), &length].concat()
            }
            QuoteRule::Units | QuoteRule::Whole => self.charged(l),
            QuoteRule::NoCharge => plain("不收费时段", "not charged at these hours"),
            QuoteRule::Covered => plain("月卡时段", "paid for by a pass"),
            QuoteRule::Validated => {
                let length = l.length(self.seconds());
                [l.say("商户减免", "validated "), &length].concat()
            }
            QuoteRule::Paused => plain("此处暂停计时", "the clock stands here"),
            QuoteRule::Cap => {
                let limit = minor(units, currency);
                [l.say("封顶", "capped at "), &limit].concat()
            }
            QuoteRule::Days => match l {
                Language::Chinese => format!("同上 {units} 天"),
                Language::English => format!("{units} more days like the one before"),
            },
            QuoteRule::Total => match l {
                Language::Chinese => format!("{units} 天合计"),
                Language::English => format!("{units} days in all"),
            },
            QuoteRule::Instead => plain("优惠方案", "in place of the units"),
            QuoteRule::Minimum => plain("补足最低收费", "up to the least fee"),
            QuoteRule::Maximum => plain("按最高收费", "down to the greatest fee"),
            QuoteRule::Percent => {
                let whole = Percent(units * 1_000);
                let percent = if self.each_milli == 0 { whole } else { Percent(self.each_milli) };
                match l {
                    Language::Chinese => format!("按 {percent}% 计费"),
                    Language::English => format!("charged at {percent} %"),
                }
            }
            QuoteRule::PercentOff => match l {
                Language::Chinese => format!("商户减 {units}%"),
                Language::English => format!("validated, {units} % off"),
            },
            QuoteRule::AmountOff => plain("商户减免", "validated"),
            QuoteRule::AllFree => plain("商户全免", "validated, all free"),
            QuoteRule::Surcharge => match (l, units) {
                (_, ..=1) => plain("附加费", "surcharge"),
                (Language::Chinese, _) => format!("附加费 {units} 次"),
                (Language::English, _) => format!("surcharge, {units} times"),
            },
            QuoteRule::Lost => plain("遗失凭证", "lost ticket"),
            QuoteRule::Rounding => plain("取整", "rounding"),
            QuoteRule::Earlier => plain("上次已收", "charged at the visit before"),
            QuoteRule::Prepaid => plain("已缴部分", "the part that is settled"),
            QuoteRule::LeaveTime => match l {
                Language::Chinese => format!("已缴费，{units} 分钟内离场"),
                Language::English => format!("paid, {units} min to leave"),
            },
        }
    }

    /// `4 × 30 min at 2.00`; by the minute `75 min at 0.60 for 30 min`.
    fn charged(&self, l: Language) -> String {
        let each = milli(self.each_milli, self.amount.currency);
        let units = self.units;
        match (self.unit_s, self.per_s) {
            // Old lines and whole hours of a band name no length.
            (0, _) if self.each_milli == 0 => format!("{units} {}", l.say("个计费单位", "units")),
            (0, _) => format!("{units} {} {each}", l.say("次 ×", "× the whole hours at")),
            (unit, 0) => format!("{units} × {} {} {each}", l.length(unit), l.say("每次", "at")),
            (unit, per) => {
                let (all, per) = (l.length(units * unit), l.length(per));
                match l {
                    Language::Chinese => format!("{all}，每{per} {each}"),
                    Language::English => format!("{all} at {each} for {per}"),
                }
            }
        }
    }

    fn seconds(&self) -> i64 {
        self.to.duration_since(self.from).as_secs()
    }

    /// `08:00-10:00`; with days where it is not one day.
    fn when(&self, zone: &TimeZone) -> String {
        let at = |instant: Timestamp| instant.to_zoned_datetime(zone.clone());
        let (from, to) = (at(self.from), at(self.to));
        if from.date() == to.date() {
            return format!("{}-{}", from.strftime("%H:%M"), to.strftime("%H:%M"));
        }
        let year = if from.year() == to.year() { "%m-%d %H:%M" } else { "%Y-%m-%d %H:%M" };
        format!("{} - {}", from.strftime(year), to.strftime(year))
    }
}

/// Lines that only say what a time was, with nothing to pay.
fn is_time(rule: QuoteRule) -> bool {
    matches!(
        rule,
        QuoteRule::Free
            | QuoteRule::FreeTime
            | QuoteRule::NoCharge
            | QuoteRule::Covered
            | QuoteRule::Validated
            | QuoteRule::Paused
            | QuoteRule::LeaveTime
    )
}

impl Quote {
    /// All lines, one below the other.
    pub fn explain(&self, language: Language, zone: &TimeZone) -> String {
        let lines: Vec<_> = self.lines.iter().map(|line| line.explain(language, zone)).collect();
        lines.join("\n")
    }
}

/// Minor units as people write them, without the currency's sign.
fn minor(minor: i64, currency: Currency) -> String {
    milli(minor.saturating_mul(1_000), currency)
}

/// Thousandths of minor units; what is finer than a minor unit is shown only where there is any.
fn milli(milli: i64, currency: Currency) -> String {
    let dash = if milli < 0 { "-" } else { "" };
    let (all, decimals) = (milli.unsigned_abs(), currency.decimals() as usize);
    let unit = 10_u64.pow(currency.decimals() + 3);
    let mut text = format!("{}.{:0width$}", all / unit, all % unit, width = decimals + 3);
    for _ in 0..3 {
        if text.ends_with('0') {
            text.pop();
        }
    }
    let text = text.trim_end_matches('.');
    format!("{dash}{text}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::tariff::{Case, Tariff, TariffBook};

    fn explained(text: &str, from: &str, to: &str, language: Language) -> String {
        let zone = TimeZone::get("Asia/Shanghai").unwrap();
        let book = TariffBook::single(Tariff::parse(text).unwrap(), zone.clone(), Currency::Cny);
        let at = |text: &str| format!("{text}+08:00").parse().unwrap();
        let name = book.main().clone();
        book.quote(&Case::new(&name, at(from), at(to))).unwrap().explain(language, &zone)
    }

    const DAYTIME: &str = r#"
        name = "day"
        free = [{ time = "30m", mode = "deducted" }]
        band = [{ name = "白天", hours = "08:00-20:00", rate = [{ amount = "2", every = "30m" }] },
                { name = "夜间", rate = [{ amount = "0.50", every = "30m", by = "1m" }] }]
        cap = [{ amount = "20", per = "day" }]
    "#;

    #[test]
    fn a_fee_is_explained_line_by_line() {
        let (from, to) = ("2026-11-23T13:00:00", "2026-11-23T21:15:00");
        assert_eq!(
            explained(DAYTIME, from, to, Language::English),
            "13:00-13:30 free 30 min\n\
             13:30-20:00 白天 13 × 30 min at 2.00 = 26.00\n\
             20:00-21:15 夜间 1 h 15 min at 0.50 for 30 min = 1.25\n\
             13:30-21:15 capped at 20.00: -7.25"
        );
        assert_eq!(
            explained(DAYTIME, from, to, Language::Chinese),
            "13:00-13:30 免费30分钟\n\
             13:30-20:00 白天 13 × 30分钟 每次 2.00 = 26.00\n\
             20:00-21:15 夜间 1小时15分钟，每30分钟 0.50 = 1.25\n\
             13:30-21:15 封顶20.00：-7.25"
        );
    }

    #[test]
    fn amounts_are_as_fine_as_they_must_be() {
        for (thousandths, text) in
            [(2_000, "0.02"), (250_000, "2.50"), (2_500, "0.025"), (-725_000, "-7.25"), (0, "0.00")]
        {
            assert_eq!(milli(thousandths, Currency::Cny), text);
        }
        assert_eq!(milli(330_000, Currency::Jpy), "330");
        assert_eq!(milli(330_500, Currency::Jpy), "330.5");
    }
}
