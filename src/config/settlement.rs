//! Settlement days as the site file gives them: when they close, what channels keep, when statements are asked for.
//! Knows no statement.

use std::{collections::BTreeMap, time::Duration};

use jiff::civil::Time;
use serde::Deserialize;
use toml::Spanned;

use super::check::Check;
use crate::{
    bank::ChannelSettings,
    core::rules::SettleRules,
    settle::{FeeRule, Rounding},
    types::ChannelId,
};

/// `[settlement]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SettlementSection {
    /// The bank's day closes at this time of the site's zone. Default `00:00`.
    pub closes_at: Option<Spanned<String>>,
    /// Days that a payment may come late with in a statement before it is called short, 0 to 7. Default 1: banks put
    /// what is paid around midnight on either day.
    pub late_days: Option<Spanned<u8>>,
    /// From this time on, the statement of the day before is asked for. Default `09:30`: banks have it by nine.
    pub fetch_at: Option<Spanned<String>>,
    /// Minutes until a statement that was not there is asked for again, 5 to 720. Default 30.
    pub retry_minutes: Option<Spanned<u32>>,
    /// Writing off more than this, in minor units, needs a second person. Default 20000.
    pub second_above_minor: Option<Spanned<i64>>,
    /// A difference up to this, in minor units, is proposed to be written off. Default 100.
    pub little_minor: Option<Spanned<i64>>,
    /// Days that banks' statements are kept, 30 to 3660: they hold payers' names at their wallets. What was found in them
    /// stays. Default 400.
    pub keep_days: Option<Spanned<u32>>,
    /// What each channel keeps, by its name, such as `[settlement.fees.icbc]`. Default: what its statements say.
    pub fees: BTreeMap<String, FeeSection>,
}

/// One channel's fee, as its contract says.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeeSection {
    /// Hundred-thousandths of the amount, 0 to 10000: 380 is 0.38 %.
    pub rate: Spanned<u32>,
    /// `row` or `day`: what the bank rounds, half up. Default `row`.
    #[serde(default)]
    pub rounding: Rounding,
    /// A refund brings its fee back. Default false.
    #[serde(default)]
    pub back: bool,
}

/// As checked.
#[derive(Clone, Debug)]
pub struct Settlement {
    pub rules: SettleRules,
    pub late_days: u8,
    pub fetch_at: Time,
    pub retry: Duration,
    pub little_minor: i64,
    pub keep_days: u32,
    pub fees: BTreeMap<ChannelId, FeeRule>,
}

impl Check<'_> {
    pub(super) fn settlement(
        &mut self,
        section: &SettlementSection,
        channels: &[(ChannelId, ChannelSettings)],
    ) -> Settlement {
        let usual = SettleRules::default();
        let closes_at = self.time(section.closes_at.as_ref(), "closes_at", usual.closes_at);
        let fetch_at =
            self.time(section.fetch_at.as_ref(), "fetch_at", Time::constant(9, 30, 0, 0));
        let late_days = section.late_days.as_ref();
        if let Some(days) = late_days.filter(|days| *days.get_ref() > 7) {
            self.wrong(days, "settlement.late_days", "must be 0 to 7");
        }
        let retry = section.retry_minutes.as_ref();
        if let Some(minutes) = retry.filter(|minutes| !(5..=720).contains(minutes.get_ref())) {
            self.wrong(minutes, "settlement.retry_minutes", "must be 5 to 720");
        }
        let keep_days = section.keep_days.as_ref();
        if let Some(days) = keep_days.filter(|days| !(30..=3_660).contains(days.get_ref())) {
            self.wrong(days, "settlement.keep_days", "must be 30 to 3660");
        }
        let amounts = [
            ("settlement.second_above_minor", section.second_above_minor.as_ref()),
            ("settlement.little_minor", section.little_minor.as_ref()),
        ];
        for (field, amount) in amounts {
            if let Some(amount) = amount.filter(|amount| *amount.get_ref() < 0) {
                self.wrong(amount, field, "cannot be negative");
            }
        }
        let mut fees = BTreeMap::new();
        for (name, fee) in &section.fees {
            let known = channels.iter().find(|(id, _)| id.as_str() == name);
            let Some((id, _)) = known else {
                let what = format!("{name} has no section [bank.{name}]");
                self.wrong(&fee.rate, "settlement.fees", what);
                continue;
            };
            let rate = *fee.rate.get_ref();
            if rate > 10_000 {
                let what = "is in hundred-thousandths, 0 to 10000: 380 is 0.38 %";
                self.wrong(&fee.rate, "settlement.fees.rate", what);
            }
            fees.insert(id.clone(), FeeRule { rate, rounding: fee.rounding, back: fee.back });
        }
        let minor =
            |given: &Option<Spanned<i64>>, usual| given.as_ref().map_or(usual, |m| *m.get_ref());
        Settlement {
            rules: SettleRules {
                closes_at,
                second_above_minor: minor(&section.second_above_minor, usual.second_above_minor),
            },
            late_days: late_days.map_or(1, |days| *days.get_ref()),
            fetch_at,
            retry: Duration::from_mins(retry.map_or(30, |minutes| (*minutes.get_ref()).into())),
            little_minor: minor(&section.little_minor, 100),
            keep_days: keep_days.map_or(400, |days| *days.get_ref()),
            fees,
        }
    }

    fn time(&mut self, given: Option<&Spanned<String>>, field: &str, usual: Time) -> Time {
        let Some(text) = given else { return usual };
        let time = text.get_ref().parse::<Time>();
        time.unwrap_or_else(|_| {
            let field = format!("settlement.{field}");
            self.wrong(text, &field, "must be a time of day such as 09:30");
            usual
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> (Settlement, Vec<String>) {
        #[derive(Deserialize)]
        struct File {
            settlement: SettlementSection,
        }
        let file: File = toml::from_str(text).unwrap();
        let mut check = Check::of(text);
        let settlement = check.settlement(&file.settlement, &[]);
        let mistakes = check.into_mistakes().into_iter();
        (settlement, mistakes.map(|mistake| mistake.field).collect())
    }

    #[test]
    fn days_close_as_the_site_says_and_mistakes_are_named() {
        let (usual, mistakes) = check("[settlement]");
        assert_eq!((usual.rules, mistakes.len()), (SettleRules::default(), 0));
        let (own, mistakes) =
            check("[settlement]\ncloses_at = '23:00'\nfetch_at = '10:15'\nlate_days = 2");
        assert_eq!(own.rules.closes_at.to_string(), "23:00:00");
        assert_eq!((own.late_days, own.fetch_at.minute(), mistakes.len()), (2, 15, 0));
        let wrong = [
            ("closes_at = 'noon'", "settlement.closes_at"),
            ("late_days = 8", "settlement.late_days"),
            ("retry_minutes = 1", "settlement.retry_minutes"),
            ("second_above_minor = -1", "settlement.second_above_minor"),
            ("little_minor = -1", "settlement.little_minor"),
            ("keep_days = 7", "settlement.keep_days"),
            ("fees.none = { rate = 380 }", "settlement.fees"),
        ];
        for (line, field) in wrong {
            assert_eq!(check(&format!("[settlement]\n{line}")).1, [field], "{line}");
        }
    }
}
