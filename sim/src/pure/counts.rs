//! The laws of counts: vehicles in zones, and what merchants spend. Counts anew, from changes alone. Knows no money of
//! drivers.

use std::collections::BTreeMap;

use paifang::{
    core::{
        Change, Rules, State,
        till::{Merchant, Validation, ValidationState},
    },
    types::{MerchantId, StayId, ValidationId, ZoneId},
};

use super::check::{Broken, Law, law};

#[derive(Debug, Default)]
pub(super) struct Counts {
    /// Where each open stay is.
    zone_of: BTreeMap<StayId, ZoneId>,
    inside: BTreeMap<ZoneId, i64>,
    corrections: BTreeMap<ZoneId, i64>,
    merchants: BTreeMap<MerchantId, Merchant>,
    validations: BTreeMap<ValidationId, Validation>,
}

impl Counts {
    /// All changes of one decision, as committed, and the state after them.
    pub(super) fn take(
        &mut self,
        changes: &[Change],
        state: &State,
        rules: &Rules,
    ) -> Result<(), Broken> {
        let (mut moved, mut spent) = (false, Vec::new());
        for change in changes {
            match change {
                Change::Stay(stay) => {
                    moved = true;
                    let zone = stay.state.is_open().then(|| stay.zone_now().clone());
                    self.is_in(stay.id, zone.as_ref());
                }
                Change::Zone(zone) => {
                    moved = true;
                    self.corrections.insert(zone.id.clone(), zone.correction);
                }
                Change::Merchant(merchant) => {
                    spent.push(merchant.id);
                    self.merchants.insert(merchant.id, merchant.clone());
                }
                Change::Validation(validation) => {
                    spent.push(validation.merchant);
                    self.validations.insert(validation.id, validation.clone());
                }
                _ => {}
            }
        }
        if moved {
            self.compare(state, rules)?;
        }
        spent.into_iter().try_for_each(|merchant| self.within_budget(merchant))
    }

    fn is_in(&mut self, stay: StayId, zone: Option<&ZoneId>) {
        let former = match zone {
            Some(zone) => {
                *self.inside.entry(zone.clone()).or_default() += 1;
                self.zone_of.insert(stay, zone.clone())
            }
            None => self.zone_of.remove(&stay),
        };
        if let Some(former) = former {
            *self.inside.entry(former).or_default() -= 1;
        }
    }

    fn compare(&self, state: &State, rules: &Rules) -> Result<(), Broken> {
        for (id, _) in rules.zones.iter() {
            let within =
                self.inside.iter().filter(|(at, _)| rules.zones.around(at).any(|a| a == id));
            let stays: i64 = within.map(|(_, count)| count).sum();
            let correction = self.corrections.get(id).copied().unwrap_or_default();
            let told = state.occupancy(&rules.zones, id).inside;
            law(Law::OccupancyIsStays, told == stays + correction, || {
                format!("{id} holds {told}, by {stays} stays and {correction} besides")
            })?;
        }
        Ok(())
    }

    /// What a merchant spent this month is what its validations came to, and no more than it may.
    fn within_budget(&self, id: MerchantId) -> Result<(), Broken> {
        let Some(merchant) = self.merchants.get(&id) else { return Ok(()) };
        let month = |v: &&Validation| v.merchant == id && v.given_at >= merchant.month;
        let mut spent = 0;
        for validation in self.validations.values().filter(month) {
            let most = validation.at_most_minor;
            let minor = match validation.state {
                // A later payment may make more of one that was used.
                ValidationState::Given => most,
                ValidationState::Used { .. } if validation.over_at.is_none() => most,
                ValidationState::Used { minor, .. } => minor,
                ValidationState::Revoked | ValidationState::Lapsed => 0,
            };
            let worth = match validation.state {
                ValidationState::Used { minor, .. } => minor,
                _ => 0,
            };
            law(Law::WithinBudget, worth <= most, || format!("{validation:?} took {worth}"))?;
            spent += minor;
        }
        let fits = merchant.spent_minor == spent && spent <= merchant.budget_minor;
        law(Law::WithinBudget, fits, || format!("{spent} by validations of {merchant:?}"))
    }
}
