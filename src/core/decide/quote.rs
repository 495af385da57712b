//! What a stay costs so far: all its facts, put to the tariffs. Knows no bank and no order.

use jiff::Timestamp;

use super::Desk;
use crate::{
    core::{
        stay::Stay,
        tariff::{Benefit, Case, NoQuote, Quote},
        till::ValidationState,
    },
    types::StayId,
};

impl Desk<'_> {
    /// The whole fee of a stay up to `to`, before what was paid.
    pub(super) fn quote(&self, stay: &Stay, to: Timestamp) -> Result<Quote, NoQuote> {
        let zones = &self.rules.zones;
        let root = zones.root(&stay.zone);
        let tariff = zones.get(root).and_then(|rules| rules.tariff.as_deref());
        let segments = self.priced_apart(stay, to);
        let benefits = self.benefits_of(stay.id);
        let case = Case {
            vehicle: stay.vehicle,
            segments: &segments,
            covered: &stay.covered,
            benefits: &benefits,
            earlier: &stay.earlier,
            paid: &stay.paid,
            leave_s: self.rules.pay.leave_time.as_secs() as i64,
            ..Case::new(tariff.unwrap_or(&self.rules.tariff), stay.entered_at, to)
        };
        self.rules.tariffs.quote(&case)
    }

    /// What merchants gave to a stay, in the order of giving.
    fn benefits_of(&self, stay: StayId) -> Vec<Benefit> {
        let given = self.state.validations.values().filter(|v| v.stay == stay);
        let given = given.filter_map(|v| self.validation(v.id));
        given.filter(|v| v.state == ValidationState::Given).map(|v| v.benefit.clone()).collect()
    }
}
