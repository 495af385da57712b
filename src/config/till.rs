//! Booths, arrears and merchants as the site file gives them. Knows no money.

use serde::Deserialize;
use toml::Spanned;

use super::check::Check;
use crate::{
    core::rules::{ArrearsAtEntry, ArrearsAtExit, TillRules},
    types::BoothId,
};

/// Where cash is taken.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TillSection {
    /// Booths, each with a drawer of its own. Default: none, the site takes no cash.
    pub booths: Vec<Spanned<BoothId>>,
    /// Minor units above which a refund through the bank waits for a second operator; 0: every one does. Default 50000.
    pub approve_above_minor: Option<Spanned<i64>>,
}

/// What becomes of a vehicle that left without paying before.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ArrearsSection {
    /// `warn` or `refuse`. Default `warn`.
    pub entry: ArrearsAtEntry,
    /// `add` to the order, `warn` or `refuse`. Default `add`.
    pub exit: ArrearsAtExit,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MerchantsSection {
    /// How many validations one stay may have, 1 to 50. Default 5.
    pub validations_max: Option<Spanned<u32>>,
}

impl Check<'_> {
    pub(super) fn till(
        &mut self,
        till: &TillSection,
        arrears: ArrearsSection,
        merchants: &MerchantsSection,
    ) -> TillRules {
        let mut booths: Vec<BoothId> = Vec::new();
        for booth in &till.booths {
            if booths.contains(booth.get_ref()) {
                self.wrong(booth, "till.booths", "names a booth twice");
            } else {
                booths.push(booth.get_ref().clone());
            }
        }
        let usual = TillRules::default();
        let most = merchants.validations_max.as_ref();
        if let Some(most) = most.filter(|most| !(1..=50).contains(most.get_ref())) {
            self.wrong(most, "merchants.validations_max", "must be 1 to 50");
        }
        let approve = till.approve_above_minor.as_ref();
        if let Some(above) = approve.filter(|above| *above.get_ref() < 0) {
            let what = "cannot be negative; 0 has every refund wait for a second operator";
            self.wrong(above, "till.approve_above_minor", what);
        }
        TillRules {
            booths,
            approve_above_minor: approve
                .map_or(usual.approve_above_minor, |above| *above.get_ref()),
            arrears_at_entry: arrears.entry,
            arrears_at_exit: arrears.exit,
            validations_max: most.map_or(usual.validations_max, |most| *most.get_ref()),
        }
    }
}
