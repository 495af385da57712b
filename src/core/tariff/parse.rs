//! From a tariff file to a checked tariff: variants are laid over the base, each result is checked as a whole. Knows no
//! calendar and no currency.

use serde::Deserialize;
use toml::Table;

use super::{
    Tariff, TariffError,
    case::Case,
    check,
    spec::{Spec, When},
};
use crate::types::{PlateColour, Vehicle, VehicleClass};

/// Variants of one tariff: enough for every class with every tier.
const VARIANTS_MAX: usize = 32;

/// One set of facts that variants may ask for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts<'a> {
    vehicle: Vehicle,
    tier: Option<&'a str>,
}

impl<'a> From<&Case<'a>> for Facts<'a> {
    fn from(case: &Case<'a>) -> Self {
        Self { vehicle: case.vehicle, tier: case.tier }
    }
}

impl When {
    fn holds(&self, facts: Facts<'_>) -> bool {
        let vehicle = facts.vehicle;
        (self.class.is_empty() || self.class.contains(&vehicle.class))
            && (self.colour.is_empty() || vehicle.colour.is_some_and(|c| self.colour.contains(&c)))
            && self.new_energy.is_none_or(|wanted| wanted == vehicle.is_new_energy())
            && (self.tier.is_empty()
                || facts.tier.is_some_and(|t| self.tier.iter().any(|x| x == t)))
    }
}

/// A bit for each variant that holds.
pub(super) fn mask(whens: &[When], facts: Facts<'_>) -> u32 {
    let held = whens.iter().enumerate().filter(|(_, when)| when.holds(facts));
    held.fold(0, |mask, (at, _)| mask | 1 << at)
}

pub(super) fn parse(text: &str) -> Result<Tariff, TariffError> {
    let unread = |error: toml::de::Error| TariffError {
        key: "file".into(),
        what: error.message().to_owned(),
        at: error.span().map(|span| (span.start, span.end)),
    };
    let mut table: Table = toml::from_str(text).map_err(unread)?;
    let base: Spec = toml::from_str(text).map_err(unread)?;
    let variants = base.variants.clone();
    table.remove("variant");
    if variants.len() > VARIANTS_MAX {
        return Err(wrong(&base, "variant", &format!("at most {VARIANTS_MAX}")));
    }
    let mut whens = Vec::with_capacity(variants.len());
    for (at, variant) in variants.iter().enumerate() {
        let key = format!("variant[{at}]");
        let fixed = ["name", "version", "valid_from", "valid_until", "priced_by", "variant"];
        if let Some(name) = fixed.into_iter().find(|name| variant.contains_key(*name)) {
            return Err(wrong(&base, &format!("{key}.{name}"), "is the same for all variants"));
        }
        let when = variant
            .get("when")
            .cloned()
            .ok_or_else(|| wrong(&base, &key, "needs `when`, such as { class = [\"large\"] }"))?;
        let when: When = when.try_into().map_err(|error: toml::de::Error| {
            wrong(&base, &format!("{key}.when"), error.message())
        })?;
        whens.push(when);
    }
    let mut resolved: Vec<(u32, Spec)> = Vec::new();
    for mask in reachable(&whens) {
        let mut laid = table.clone();
        let held = variants.iter().enumerate().filter(|(at, _)| mask >> at & 1 == 1);
        for (_, variant) in held {
            laid.extend(variant.clone().into_iter().filter(|(key, _)| key != "when"));
        }
        let key = match (0..variants.len()).find(|at| mask >> at & 1 == 1) {
            Some(at) => format!("variant[{at}]"),
            None => String::new(),
        };
        let spec = Spec::deserialize(laid)
            .map_err(|error: toml::de::Error| wrong(&base, &key, error.message()))?;
        let inside = |at: String| if key.is_empty() { at } else { format!("{key}: {at}") };
        check::check(&spec).map_err(|(at, what)| wrong(&base, &inside(at), &what))?;
        resolved.push((mask, spec));
    }
    Ok(Tariff { spec: base, whens, resolved })
}

fn wrong(base: &Spec, key: &str, what: &str) -> TariffError {
    TariffError { key: format!("{} {key}", base.name), what: what.to_owned(), at: None }
}

/// The sets of variants that some vehicle of some tier has at once; the base first.
fn reachable(whens: &[When]) -> Vec<u32> {
    use PlateColour::{Black, Blue, Green, Other, White, Yellow, YellowGreen};
    use VehicleClass::{Large, Medium, Motorcycle, Small};
    let mut masks = vec![0];
    let mut tiers: Vec<Option<&str>> = vec![None];
    tiers.extend(whens.iter().flat_map(|when| &when.tier).map(|tier| Some(tier.as_str())));
    let colours = [Blue, Green, YellowGreen, Yellow, White, Black, Other].map(Some);
    for class in [Motorcycle, Small, Medium, Large] {
        for colour in colours.into_iter().chain([None]) {
            for new_energy in [false, true] {
                for tier in &tiers {
                    let vehicle = Vehicle { class, colour, new_energy };
                    let mask = mask(whens, Facts { vehicle, tier: *tier });
                    if !masks.contains(&mask) {
                        masks.push(mask);
                    }
                }
            }
        }
    }
    masks
}
