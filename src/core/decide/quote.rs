//! What a stay costs so far: all its facts, put to the tariffs. Knows no bank and no order.

use jiff::Timestamp;

use super::{Desk, cover::covers_all};
use crate::{
    core::{
        pass::Standing,
        stay::Stay,
        tariff::{Benefit, Case, NoQuote, Quote, QuoteLine, QuoteRule},
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
        let covered = self.covered(stay, to);
        if covers_all(&covered, stay.entered_at, to) {
            return Ok(self.nothing_owed(stay, to));
        }
        let own = match stay.standing {
            Standing::Reservation(id) => self.reservation(id).and_then(|r| r.tariff.as_deref()),
            _ => None,
        };
        let tariff = own.or(tariff);
        let case = Case {
            vehicle: stay.vehicle,
            segments: &segments,
            covered: &covered,
            benefits: &benefits,
            earlier: &stay.earlier,
            paid: &stay.paid,
            leave_s: self.rules.pay.leave_time.as_secs() as i64,
            ..Case::new(tariff.unwrap_or(&self.rules.tariff), stay.entered_at, to)
        };
        self.rules.tariffs.quote(&case)
    }

    /// A right pays for all of it, whatever the tariff says.
    fn nothing_owed(&self, stay: &Stay, to: Timestamp) -> Quote {
        let (from, amount) = (stay.entered_at, self.money(0));
        let line = QuoteLine {
            rule: QuoteRule::Covered,
            from,
            to,
            units: 0,
            amount,
            unit_s: 0,
            each_milli: 0,
            per_s: 0,
            name: None,
        };
        Quote { lines: vec![line], ..Quote::bare(from, to, amount) }
    }

    /// What merchants gave to a stay, in the order of giving.
    fn benefits_of(&self, stay: StayId) -> Vec<Benefit> {
        let given = self.state.validations.values().filter(|v| v.stay == stay);
        let given = given.filter_map(|v| self.validation(v.id));
        given.filter(|v| v.state == ValidationState::Given).map(|v| v.benefit.clone()).collect()
    }
}
