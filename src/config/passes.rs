//! The price list of passes: `[[pass]]` and `[passes]` of the site file. Knows no pass that was sold.

use serde::Deserialize;
use toml::Spanned;

use super::check::Check;
use crate::{
    core::{
        pass_sale::{Gives, PassPrice, RestRule},
        rules::{PassRules, Zones},
        week,
    },
    types::{Vehicle, VehicleClass, ZoneId},
};

/// A hundred thousand yuan in fen.
const PRICE_MAX: i64 = 10_000_000;
/// Stored value and counts are good for three years after each payment.
const LASTS_DAYS: u32 = 1_095;

/// What is given back of passes.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PassesSection {
    /// `unused` (whole days, stays and the balance) or `balance_only`: what an operator gives back of a pass that ends
    /// before its time. Default `unused`.
    pub rest: RestRule,
}

/// A pass that is sold. Exactly one of `months`, `days`, `stays` and `value_minor`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PassPriceSection {
    /// 1 to 32 of a-z, 0-9 and '-'.
    pub id: Spanned<String>,
    /// What its buyer reads, such as `小型车月卡`.
    pub name: String,
    /// Minor units; of a pass for a time for each of its spaces.
    pub price_minor: Spanned<i64>,
    /// Good for so many months of the calendar.
    pub months: Option<u32>,
    /// Good for so many days.
    pub days: Option<u32>,
    /// Good for so many stays.
    pub stays: Option<u32>,
    /// Stored value in minor units; more than the price where the site adds some.
    pub value_minor: Option<i64>,
    /// Days that stays and stored value are good for from each payment on. Default 1095.
    pub lasts_days: Option<u32>,
    /// Where it is good. Default: everywhere.
    #[serde(default)]
    pub zones: Vec<Spanned<ZoneId>>,
    /// When in the week, such as `1-5 08:00-18:00; 67 00:00-24:00`. Default: always.
    pub hours: Option<Spanned<String>>,
    /// Its vehicles are priced as `motorcycle`, `small`, `medium` or `large`. Default: as the camera sees them.
    pub class: Option<VehicleClass>,
    /// Its vehicles are priced as of this tier, where a tariff knows it. Default: none.
    pub tier: Option<Spanned<String>>,
    /// Holders renew by it on their phones. Default true.
    #[serde(default = "yes")]
    pub by_phone: bool,
}

fn yes() -> bool {
    true
}

impl Check<'_> {
    pub(super) fn passes(
        &mut self,
        section: &PassesSection,
        prices: &[PassPriceSection],
        zones: &Zones,
    ) -> PassRules {
        let mut rules = PassRules { prices: Vec::new(), rest: section.rest };
        for section in prices {
            let named = rules.price(section.id.get_ref()).is_some();
            if named {
                self.wrong(&section.id, "pass.id", "is used twice");
            }
            if let Some(price) = self.pass_price(section, zones) {
                rules.prices.push(price);
            }
        }
        rules
    }

    fn pass_price(&mut self, section: &PassPriceSection, zones: &Zones) -> Option<PassPrice> {
        let id = section.id.get_ref();
        if crate::types::CounterId::parse(id).is_none() {
            self.wrong(&section.id, "pass.id", "must be 1 to 32 of a-z, 0-9 and '-'");
        }
        if !(1..=100).contains(&section.name.trim().chars().count()) {
            self.wrong(&section.id, "pass.name", "must have 1 to 100 characters");
        }
        if !(1..=PRICE_MAX).contains(section.price_minor.get_ref()) {
            self.wrong(&section.price_minor, "pass.price_minor", "must be 1 to 10000000");
        }
        let mut given = Vec::new();
        given.extend(section.months.map(|n| (Gives::Months(n), (1..=120).contains(&n))));
        given.extend(section.days.map(|n| (Gives::Days(n), (1..=3_660).contains(&n))));
        given.extend(section.stays.map(|n| (Gives::Stays(n), (1..=10_000).contains(&n))));
        let value = section.value_minor;
        given.extend(value.map(|n| (Gives::Value(n), (1..=PRICE_MAX).contains(&n))));
        let gives = match given.as_slice() {
            [(gives, true)] => Some(*gives),
            [(_, false)] => {
                self.wrong(&section.id, "pass", "gives nothing, or more than anybody wants");
                None
            }
            _ => {
                let what = "gives one of months, days, stays and value_minor";
                self.wrong(&section.id, "pass", what);
                None
            }
        };
        for zone in &section.zones {
            if zones.get(zone.get_ref()).is_none() {
                self.wrong(zone, "pass.zones", "names no [[zone]] of this file");
            }
        }
        let hours = section.hours.as_ref().map(|text| (text, week::hours(text.get_ref())));
        if let Some((text, None)) = &hours {
            self.wrong(text, "pass.hours", "must be written as 1-5 08:00-18:00");
        }
        let tier = section.tier.as_ref();
        if let Some(tier) = tier.filter(|t| !(1..=40).contains(&t.get_ref().trim().chars().count()))
        {
            self.wrong(tier, "pass.tier", "must have 1 to 40 characters");
        }
        Some(PassPrice {
            id: id.clone(),
            name: section.name.trim().to_owned(),
            gives: gives?,
            price_minor: *section.price_minor.get_ref(),
            lasts_days: section.lasts_days.unwrap_or(LASTS_DAYS).clamp(1, 36_600),
            zones: section.zones.iter().map(|zone| zone.get_ref().clone()).collect(),
            hours: hours.and_then(|(_, hours)| hours).unwrap_or_default(),
            vehicle: section.class.map(Vehicle::of),
            tier: tier.map(|tier| tier.get_ref().trim().to_owned()),
            by_phone: section.by_phone,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Written {
        #[serde(default)]
        passes: PassesSection,
        #[serde(default)]
        pass: Vec<PassPriceSection>,
    }

    fn checked(text: &str) -> (PassRules, Vec<String>) {
        let written: Written = toml::from_str(text).unwrap();
        let mut check = Check::of(text);
        let rules = check.passes(&written.passes, &written.pass, &Zones::one("lot"));
        let told = check.into_mistakes().into_iter().map(|m| format!("{} {}", m.line, m.field));
        (rules, told.collect())
    }

    #[test]
    fn a_price_list_as_written() {
        let (rules, mistakes) = checked(
            "[passes]\nrest = \"balance_only\"\n\
             [[pass]]\nid = \"month\"\nname = \"月卡\"\nprice_minor = 30000\nmonths = 1\n\
             hours = \"1-5 08:00-18:00\"\nclass = \"large\"\ntier = \"resident\"\n\
             [[pass]]\nid = \"plus\"\nname = \"充值\"\nprice_minor = 10000\nvalue_minor = 11000\nby_phone = false\n",
        );
        assert!(mistakes.is_empty(), "{mistakes:?}");
        assert_eq!(rules.rest, RestRule::BalanceOnly);
        let (month, plus) = (rules.price("month").unwrap(), rules.price("plus").unwrap());
        assert_eq!((month.gives, month.hours.len()), (Gives::Months(1), 1));
        assert_eq!(month.vehicle, Some(Vehicle::of(VehicleClass::Large)));
        assert_eq!(
            (plus.gives, plus.by_phone, plus.lasts_days),
            (Gives::Value(11_000), false, 1_095)
        );
    }

    #[test]
    fn mistakes_are_told_with_their_line() {
        let one = |rest: &str| checked(&format!("[[pass]]\nid = \"a\"\nname = \"b\"\n{rest}")).1;
        for (rest, told) in [
            ("price_minor = 0\ndays = 1", vec!["4 pass.price_minor"]),
            ("price_minor = 1", vec!["2 pass"]),
            ("price_minor = 1\ndays = 1\nmonths = 1", vec!["2 pass"]),
            ("price_minor = 1\ndays = 0", vec!["2 pass"]),
            ("price_minor = 1\ndays = 1\nzones = [\"moon\"]", vec!["6 pass.zones"]),
            ("price_minor = 1\ndays = 1\nhours = \"noon\"", vec!["6 pass.hours"]),
            (
                "price_minor = 1\ndays = 1\n[[pass]]\nid = \"a\"\nname = \"c\"\nprice_minor = 1\ndays = 1",
                vec!["7 pass.id"],
            ),
        ] {
            assert_eq!(one(rest), told, "{rest}");
        }
    }
}
