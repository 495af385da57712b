//! Payment by the plate: `[frictionless]` of the site file. Knows no bank.

use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;

use super::check::Check;
use crate::core::rules::FrictionlessRules;

/// What a site allows of payment from a card or wallet bound to the plate (无感支付). It is there as soon as a channel of
/// `[bank]` takes fees by the plate. See [`FrictionlessRules`] for where the defaults come from.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FrictionlessSection {
    /// Seconds from being told the fee to the exit scan, 1 to 10. Default 2.
    pub patience_s: Option<Spanned<u32>>,
    /// A bound plate whose charge the bank has not answered goes first where it owes no more than this, in minor units,
    /// and owes it where the charge falls through. Default 0: it does not.
    pub leave_first_at_most_minor: Option<Spanned<i64>>,
    /// Hours for which an accepted charge is asked about before it is reversed, 1 to 168. Default 24.
    pub watch_hours: Option<Spanned<u32>>,
    /// Whether drivers may have an agreement ended from this site's pages, where the channel can end one: whoever types a
    /// plate can, so the worst is that its driver binds anew. Default true.
    pub drivers_end: Option<bool>,
}

impl Check<'_> {
    pub(super) fn frictionless(&mut self, section: &FrictionlessSection) -> FrictionlessRules {
        let usual = FrictionlessRules::default();
        if let Some(value) = section.patience_s.as_ref().filter(|v| !(1..=10).contains(v.get_ref()))
        {
            let what = "must be 1 to 10 seconds: a driver stands there for as long";
            self.wrong(value, "frictionless.patience_s", what);
        }
        if let Some(value) =
            section.watch_hours.as_ref().filter(|v| !(1..=168).contains(v.get_ref()))
        {
            self.wrong(value, "frictionless.watch_hours", "must be 1 to 168 hours");
        }
        let risk = section.leave_first_at_most_minor.as_ref();
        if let Some(value) = risk.filter(|value| *value.get_ref() < 0) {
            let what = "cannot be negative; 0 lets nobody go before the bank has spoken";
            self.wrong(value, "frictionless.leave_first_at_most_minor", what);
        }
        let seconds = |value: &Option<Spanned<u32>>, unit_s: u64| {
            value.as_ref().map(|value| Duration::from_secs(u64::from(*value.get_ref()) * unit_s))
        };
        FrictionlessRules {
            patience: seconds(&section.patience_s, 1).unwrap_or(usual.patience),
            leave_first_at_most_minor: risk
                .map_or(usual.leave_first_at_most_minor, |value| *value.get_ref()),
            watch: seconds(&section.watch_hours, 3_600).unwrap_or(usual.watch),
            drivers_end: section.drivers_end.unwrap_or(usual.drivers_end),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_says_how_long_and_how_much() {
        let text = "patience_s = 3\nleave_first_at_most_minor = 1500\nwatch_hours = 48\n";
        let mut check = Check::of(text);
        let rules = check.frictionless(&toml::from_str(text).unwrap());
        assert_eq!(check.into_mistakes(), []);
        assert_eq!((rules.patience.as_secs(), rules.leave_first_at_most_minor), (3, 1_500));
        assert_eq!(rules.watch, Duration::from_hours(48));
        let mut check = Check::of("");
        assert_eq!(
            check.frictionless(&FrictionlessSection::default()),
            FrictionlessRules::default()
        );
    }

    #[test]
    fn what_cannot_be_is_told_with_its_line() {
        let text = "patience_s = 30\nleave_first_at_most_minor = -1\nwatch_hours = 0\n";
        let mut check = Check::of(text);
        check.frictionless(&toml::from_str(text).unwrap());
        let told = check.into_mistakes().into_iter().map(|m| (m.field, m.line));
        let mut told: Vec<_> = told.collect();
        told.sort_by_key(|(_, line)| *line);
        let wanted = ["patience_s", "leave_first_at_most_minor", "watch_hours"];
        let wanted = wanted.iter().zip(1..).map(|(f, line)| (format!("frictionless.{f}"), line));
        assert_eq!(told, wanted.collect::<Vec<_>>());
    }
}
