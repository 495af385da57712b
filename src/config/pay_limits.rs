//! The limits of a day as the site file gives them. Knows no payment.

use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;

use super::check::Check;
use crate::core::rules::LimitRules;

/// Minor units a day each, by the site's clock. See [`LimitRules`] for what each counts.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PayLimitsSection {
    /// Paid for one plate. Default: no limit.
    pub plate_day_minor: Option<Spanned<i64>>,
    /// Paid by one payer: more is an alarm. Default: no limit.
    pub payer_day_minor: Option<Spanned<i64>>,
    /// Payments by one payer a day that are an alarm, 2 to 200. Default: not counted.
    pub payer_day_times: Option<Spanned<u32>>,
    /// Paid at one lane. Default: no limit.
    pub lane_day_minor: Option<Spanned<i64>>,
    /// Paid by one printed code, at a lane or inside the lot. Default: no limit.
    pub printed_day_minor: Option<Spanned<i64>>,
    /// Cash one operator gives back. Default 100000.
    pub cash_back_day_minor: Option<Spanned<i64>>,
    /// Fees one operator lets go. Default: no limit.
    pub waived_day_minor: Option<Spanned<i64>>,
    /// Attempts to pay at one lane within `attempts_minutes` that are an alarm, 2 to 10000. Default 30.
    pub attempts_max: Option<Spanned<u32>>,
    /// The same for one plate, 2 to 10000. Default 8.
    pub plate_attempts_max: Option<Spanned<u32>>,
    /// The same for what one counter sells, 2 to 10000. Default 60.
    pub counter_attempts_max: Option<Spanned<u32>>,
    /// Times that one operator gives cash back or lets a fee go within `attempts_minutes` that are an alarm, 2 to 10000.
    /// Default 20.
    pub acts_max: Option<Spanned<u32>>,
    /// Giving back more cash at once, or letting go of more, needs a second person. Default 50000.
    pub second_above_minor: Option<Spanned<i64>>,
    /// 1 to 60. Default 10: an attempt that came to nothing is remembered for an hour.
    pub attempts_minutes: Option<Spanned<u32>>,
}

impl Check<'_> {
    pub(super) fn pay_limits(&mut self, section: &PayLimitsSection) -> LimitRules {
        let usual = LimitRules::default();
        let minutes =
            self.times(section.attempts_minutes.as_ref(), "limits.pay.attempts_minutes", (1, 60));
        LimitRules {
            plate_day_minor: self
                .sum(section.plate_day_minor.as_ref(), "limits.pay.plate_day_minor"),
            payer_day_minor: self
                .sum(section.payer_day_minor.as_ref(), "limits.pay.payer_day_minor"),
            payer_day_times: self.times(
                section.payer_day_times.as_ref(),
                "limits.pay.payer_day_times",
                (2, 200),
            ),
            lane_day_minor: self.sum(section.lane_day_minor.as_ref(), "limits.pay.lane_day_minor"),
            printed_day_minor: self
                .sum(section.printed_day_minor.as_ref(), "limits.pay.printed_day_minor"),
            cash_back_day_minor: self
                .sum(section.cash_back_day_minor.as_ref(), "limits.pay.cash_back_day_minor")
                .or(usual.cash_back_day_minor),
            waived_day_minor: self
                .sum(section.waived_day_minor.as_ref(), "limits.pay.waived_day_minor"),
            attempts_max: self
                .times(section.attempts_max.as_ref(), "limits.pay.attempts_max", (2, 10_000))
                .unwrap_or(usual.attempts_max),
            plate_attempts_max: self
                .times(
                    section.plate_attempts_max.as_ref(),
                    "limits.pay.plate_attempts_max",
                    (2, 10_000),
                )
                .unwrap_or(usual.plate_attempts_max),
            counter_attempts_max: self
                .times(
                    section.counter_attempts_max.as_ref(),
                    "limits.pay.counter_attempts_max",
                    (2, 10_000),
                )
                .unwrap_or(usual.counter_attempts_max),
            acts_max: self
                .times(section.acts_max.as_ref(), "limits.pay.acts_max", (2, 10_000))
                .unwrap_or(usual.acts_max),
            second_above_minor: self
                .sum(section.second_above_minor.as_ref(), "limits.pay.second_above_minor")
                .unwrap_or(usual.second_above_minor),
            attempts_within: minutes
                .map_or(usual.attempts_within, |min| Duration::from_mins(min.into())),
        }
    }

    fn sum(&mut self, minor: Option<&Spanned<i64>>, field: &str) -> Option<i64> {
        let minor = minor?;
        if *minor.get_ref() < 0 {
            self.wrong(minor, field, "cannot be negative; leave it out for no limit");
        }
        Some(*minor.get_ref())
    }

    fn times(
        &mut self,
        count: Option<&Spanned<u32>>,
        field: &str,
        (low, high): (u32, u32),
    ) -> Option<u32> {
        let count = count?;
        if !(low..=high).contains(count.get_ref()) {
            self.wrong(count, field, format!("must be {low} to {high}"));
        }
        Some(*count.get_ref())
    }
}
