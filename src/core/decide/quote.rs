//! What a stay costs so far: all its facts, put to the tariffs. Knows no bank and no order.

use jiff::Timestamp;

use super::{Desk, cover::covers_all};
use crate::{
    core::{
        Rules, State,
        pass::Standing,
        pricing::{case_of, priced_apart},
        stay::Stay,
        tariff::{Benefit, Case, NoQuote, PaidAt, Quote, QuoteLine, QuoteRule},
        till::Validation,
    },
    types::StayId,
};

/// What an open stay costs up to `now`, for whoever only asks; `None`: no open stay has this number.
pub fn quote_of(
    state: &State,
    rules: &Rules,
    stay: StayId,
    now: Timestamp,
) -> Option<Result<Quote, NoQuote>> {
    let desk = Desk::new(state, rules, now);
    state.stays.get(&stay).map(|stay| desk.quote(stay, now))
}

impl Desk<'_> {
    /// The whole fee of a stay up to `to`, before what was paid; [`Quote::due`] is what is left of it.
    pub(super) fn quote(&self, stay: &Stay, to: Timestamp) -> Result<Quote, NoQuote> {
        self.price(stay, to, &self.benefits_of(stay.id), &paid_for(stay))
    }

    /// The fee of a stay with these benefits and payments.
    fn price(
        &self,
        stay: &Stay,
        to: Timestamp,
        benefits: &[Benefit],
        paid: &[PaidAt],
    ) -> Result<Quote, NoQuote> {
        let zones = &self.rules.zones;
        let root = zones.root(&stay.zone);
        let tariff = zones.get(root).and_then(|rules| rules.tariff.as_deref());
        let segments = priced_apart(zones, stay, to);
        let covered = self.covered(stay, to);
        if covers_all(&covered, stay.entered_at, to) {
            let paid_minor = paid.iter().map(|paid| paid.amount).sum();
            return Ok(Quote { paid_minor, ..self.nothing_owed(stay, to) });
        }
        let tariff = self.own_tariff(stay).or(tariff).unwrap_or(&self.rules.tariff);
        let leave_s = self.rules.pay.leave_time.as_secs() as i64;
        let case = Case {
            segments: &segments,
            covered: &covered,
            benefits,
            paid,
            tier: self.tier_of(stay),
            ..case_of(stay, tariff, to, leave_s)
        };
        self.rules.tariffs.quote(&case)
    }

    /// What its reservation says it is priced by.
    pub(super) fn own_tariff(&self, stay: &Stay) -> Option<&str> {
        match stay.standing {
            Standing::Reservation(id) => self.reservation(id).and_then(|r| r.tariff.as_deref()),
            _ => None,
        }
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
        self.validations_of(stay).into_iter().map(|validation| validation.benefit).collect()
    }

    /// What the validations of a stay save its driver of what was not paid before they were given.
    pub(super) fn saved(&self, stay: &Stay, to: Timestamp) -> i64 {
        let paid = paid_for(stay);
        let due = |benefits: &[Benefit]| {
            self.price(stay, to, benefits, &paid).map_or(0, |quote| quote.due().minor)
        };
        (due(&[]) - due(&self.benefits_of(stay.id))).max(0)
    }

    /// What each validation of a stay takes off its fee, in the order of giving: the fee with those before it less the
    /// fee with it too. They add up to all that was taken off.
    pub(super) fn worth(&self, stay: &Stay, to: Timestamp) -> Vec<(Validation, i64)> {
        let validations = self.validations_of(stay.id);
        let benefits: Vec<Benefit> = validations.iter().map(|v| v.benefit.clone()).collect();
        let fee = |n: usize| {
            self.price(stay, to, &benefits[..n], &[]).map_or(0, |quote| quote.amount.minor)
        };
        let fees: Vec<i64> = (0..=benefits.len()).map(fee).collect();
        let worth = fees.windows(2).map(|pair| (pair[0] - pair[1]).max(0));
        validations.into_iter().zip(worth).collect()
    }
}

/// What was paid for a stay; what a person let go counts as paid.
fn paid_for(stay: &Stay) -> Vec<PaidAt> {
    let mut paid = stay.paid.clone();
    paid.extend(stay.waived.iter().map(|w| PaidAt { at: w.at, amount: w.minor }));
    paid.sort_by_key(|paid| paid.at);
    paid
}
