//! What the site file says of who may come in, and of whom a lane is for. Knows no pass.

use std::{collections::BTreeSet, time::Duration};

use serde::Deserialize;
use toml::Spanned;

use super::{LaneSection, check::Check};
use crate::{
    core::rules::{
        AccessRefusal, AccessRules, Convert, Full, FullRules, LaneUse, PassbackMode, PassbackRules,
        PlatePattern, Right, Unfit,
    },
    types::VehicleClass,
};

/// `[access]`: see [`AccessRules`] for what each choice means. `charge`, `refuse` or `ask` (an operator).
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AccessSection {
    /// A pass whose time is over. Default `charge`.
    pub expired: Option<Unfit>,
    /// Every space of a pass is taken, or nothing is left of it. Default `charge`.
    pub over_quota: Option<Unfit>,
    /// A pass for another zone. Default `charge`.
    pub wrong_zone: Option<Unfit>,
    /// A pass outside of its hours. Default `charge`.
    pub out_of_hours: Option<Unfit>,
    /// A plate with a right of its own that the driver typed. Default `ask`.
    pub typed: Option<Unfit>,
    /// The black list: `refuse` or `ask`. Default `refuse`.
    pub black: Option<AccessRefusal>,
    /// When a car of a pool leaves: `longest_parked` is covered next, or `none`. Default `longest_parked`.
    pub convert: Option<Convert>,
    /// Minutes before a reservation that its visitor may come. Default 30.
    pub early_minutes: Option<Spanned<u32>>,
    /// Minutes after it that the visitor may leave without paying. Default 15.
    pub late_minutes: Option<Spanned<u32>>,
    /// Days before a pass ends that its driver is told. Default 7.
    pub ending_days: Option<Spanned<u32>>,
    /// Plates of emergency vehicles: their ends or beginnings. Default `["*警", "WJ*", "*应急"]`.
    pub emergency_plates: Option<Vec<Spanned<String>>>,
    /// Drivers of vehicles without a plate let themselves in by phone. Default true.
    pub unlicensed_by_phone: Option<bool>,
    pub full: FullSection,
    pub passback: PassbackSection,
}

/// `[access.full]`: who comes in when no space is free: `admit`, `refuse` or `ask`. VIPs and emergency vehicles always.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FullSection {
    /// Default `refuse`.
    pub transient: Option<Full>,
    /// Holders of passes and the white list. Default `refuse`.
    pub pass: Option<Full>,
    /// Visitors in time. Default `admit`: their place was kept.
    pub reservation: Option<Full>,
    /// Spaces that only they may take who hold a pass or are on the white list. Default 0.
    pub kept_for_passes: Option<u32>,
}

/// `[access.passback]`: a pass that comes in while it is inside, or goes out while it is not.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PassbackSection {
    /// `off`, `soft` (on record) or `hard` (an operator decides). Default `off`.
    pub mode: Option<PassbackMode>,
    /// Hours after which nobody knows where a plate is. Default 168.
    pub neutral_hours: Option<Spanned<u32>>,
}

impl LaneSection {
    pub(super) fn serves(&self) -> LaneUse {
        let all = |classes: &Option<Vec<VehicleClass>>| classes.iter().flatten().copied().collect();
        let rights: BTreeSet<Right> = self.only.iter().flatten().copied().collect();
        LaneUse { classes: all(&self.classes), only: rights }
    }
}

impl Check<'_> {
    pub(super) fn access(&mut self, section: &AccessSection) -> AccessRules {
        let usual = AccessRules::default();
        let minutes = |m: u32| Duration::from_secs(u64::from(m) * 60);
        let hours = |h: u32| minutes(h * 60);
        let day_m = 1_440;
        let early = self.within(section.early_minutes.as_ref(), "access.early_minutes", 0, day_m);
        let late = self.within(section.late_minutes.as_ref(), "access.late_minutes", 0, day_m);
        let ending = self.within(section.ending_days.as_ref(), "access.ending_days", 0, 365);
        let emergency = self.patterns(section.emergency_plates.as_deref());
        let passback = &section.passback;
        let neutral =
            self.within(passback.neutral_hours.as_ref(), "access.passback.neutral_hours", 1, 8_760);
        let full = &section.full;
        AccessRules {
            expired: section.expired.unwrap_or(usual.expired),
            over_quota: section.over_quota.unwrap_or(usual.over_quota),
            wrong_zone: section.wrong_zone.unwrap_or(usual.wrong_zone),
            out_of_hours: section.out_of_hours.unwrap_or(usual.out_of_hours),
            typed: section.typed.unwrap_or(usual.typed),
            black: section.black.unwrap_or(usual.black),
            full: FullRules {
                transient: full.transient.unwrap_or(usual.full.transient),
                pass: full.pass.unwrap_or(usual.full.pass),
                reservation: full.reservation.unwrap_or(usual.full.reservation),
                kept_for_passes: full.kept_for_passes.unwrap_or(usual.full.kept_for_passes),
            },
            convert: section.convert.unwrap_or(usual.convert),
            passback: PassbackRules {
                mode: passback.mode.unwrap_or(usual.passback.mode),
                neutral_after: neutral.map_or(usual.passback.neutral_after, hours),
            },
            early: early.map_or(usual.early, minutes),
            late: late.map_or(usual.late, minutes),
            ending: ending.map_or(usual.ending, |days| hours(days * 24)),
            emergency: emergency.unwrap_or(usual.emergency),
            unlicensed_by_phone: section.unlicensed_by_phone.unwrap_or(usual.unlicensed_by_phone),
        }
    }

    /// A number, told as a mistake where it is out of reason.
    fn within(
        &mut self,
        value: Option<&Spanned<u32>>,
        field: &str,
        least: u32,
        most: u32,
    ) -> Option<u32> {
        let value = value?;
        if !(least..=most).contains(value.get_ref()) {
            self.wrong(value, field, format!("must be {least} to {most}"));
            return None;
        }
        Some(*value.get_ref())
    }

    fn patterns(&mut self, texts: Option<&[Spanned<String>]>) -> Option<Vec<PlatePattern>> {
        let mut patterns = Vec::new();
        for text in texts? {
            match PlatePattern::parse(text.get_ref()) {
                Some(pattern) => patterns.push(pattern),
                None => self.wrong(
                    text,
                    "access.emergency_plates",
                    "must be the beginning or the end of plates, such as \"WJ*\" or \"*警\"",
                ),
            }
        }
        Some(patterns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(text: &str) -> (AccessRules, Vec<(usize, String)>) {
        let section: AccessSection = toml::from_str(text).unwrap();
        let mut check = Check::of(text);
        let rules = check.access(&section);
        (rules, check.into_mistakes().into_iter().map(|m| (m.line, m.field)).collect())
    }

    #[test]
    fn nothing_said_is_the_usual() {
        let (rules, mistakes) = checked("");
        assert_eq!(format!("{rules:?}"), format!("{:?}", AccessRules::default()));
        assert!(mistakes.is_empty());
    }

    #[test]
    fn every_choice_reaches_the_rules() {
        let (rules, mistakes) = checked(
            "expired = \"refuse\"\nblack = \"ask\"\nconvert = \"none\"\nearly_minutes = 5\n\
             ending_days = 3\nemergency_plates = [\"*消\"]\n[full]\npass = \"admit\"\n\
             kept_for_passes = 4\n[passback]\nmode = \"hard\"\nneutral_hours = 12\n",
        );
        assert!(mistakes.is_empty());
        assert_eq!((rules.expired, rules.black), (Unfit::Refuse, AccessRefusal::Ask));
        assert_eq!((rules.convert, rules.early), (Convert::None, Duration::from_mins(5)));
        assert_eq!(rules.ending, Duration::from_hours(72));
        assert!(rules.emergency[0].fits("京A123消") && rules.emergency.len() == 1);
        assert_eq!((rules.full.pass, rules.full.kept_for_passes), (Full::Admit, 4));
        assert_eq!(rules.passback.mode, PassbackMode::Hard);
        assert_eq!(rules.passback.neutral_after, Duration::from_hours(12));
    }

    #[test]
    fn mistakes_are_told_with_their_line() {
        let (_, mistakes) = checked(
            "early_minutes = 2000\nemergency_plates = [\"*\", \"警\"]\n[passback]\nneutral_hours = 0\n",
        );
        let field = |(line, field): &(usize, String)| format!("{line} {field}");
        assert_eq!(
            mistakes.iter().map(field).collect::<Vec<_>>(),
            [
                "1 access.early_minutes",
                "2 access.emergency_plates",
                "2 access.emergency_plates",
                "4 access.passback.neutral_hours"
            ]
        );
        let odd = toml::from_str::<AccessSection>("expired = \"maybe\"").unwrap_err();
        assert!(odd.to_string().contains("`charge`, `refuse`, `ask`"), "{odd}");
    }
}
