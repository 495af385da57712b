//! The site's limits: what was paid, given back and let go today, and whether more may be. Knows no bank.

use jiff::Timestamp;

use super::Desk;
use crate::{
    core::{
        change::{AlarmKind, Change},
        input::Refusal,
        limit::{Limited, Spent},
        money::{Order, Payment},
    },
    types::{LaneId, Money},
};

impl Desk<'_> {
    /// Whether a new attempt to collect an order stays within what may be paid today.
    pub(super) fn may_pay(&self, order: &Order, printed: bool) -> Result<(), Refusal> {
        self.paid_limits(order, printed)
            .into_iter()
            .try_for_each(|(limited, most)| self.within(&limited, most, order.amount.minor))
    }

    /// Whether `minor` more stays within a limit.
    pub(super) fn within(
        &self,
        limited: &Limited,
        most: Option<i64>,
        minor: i64,
    ) -> Result<(), Refusal> {
        let Some(most) = most else { return Ok(()) };
        let so_far = self.spent(&limited.key()).map_or(0, |spent| spent.amount.minor);
        if so_far.saturating_add(minor) <= most {
            return Ok(());
        }
        Err(Refusal::LimitReached(limited.name(), self.money(most)))
    }

    /// A payment settled its order.
    pub(super) fn count_paid(&mut self, payment: &Payment, order: &Order) {
        for (limited, most) in self.paid_limits(order, payment.printed) {
            self.count_spent(&limited, most, payment.amount.minor);
        }
    }

    /// Puts down what counts against a limit, where there is one.
    pub(super) fn count_spent(&mut self, limited: &Limited, most: Option<i64>, minor: i64) {
        let Some(most) = most else { return };
        let (id, zero) = (limited.key(), Money::zero(self.rules.currency));
        let until = self.next_day();
        let known = self.spent(&id).cloned();
        let mut spent = known.unwrap_or(Spent { id, until, amount: zero, over_at: None });
        spent.amount.minor = spent.amount.minor.saturating_add(minor);
        if spent.amount.minor > most {
            let detail = format!("{} today, the limit is {}", spent.amount, self.money(most));
            self.raise(&spent.id, AlarmKind::LimitPassed, detail);
        }
        self.record(Change::Spent(spent));
    }

    /// The day is over.
    pub(super) fn day_over(&mut self, id: &str) {
        let Some(mut spent) = self.state.spent.get(id).cloned() else { return };
        spent.over_at = Some(self.now);
        self.record(Change::Spent(spent));
        self.clear(id, AlarmKind::LimitPassed);
    }

    fn paid_limits(&self, order: &Order, printed: bool) -> Vec<(Limited, Option<i64>)> {
        let rules = &self.rules.limits;
        let mut limits = Vec::new();
        if let Some(plate) = self.plate_of(order).filter(|plate| !plate.is_virtual()) {
            limits.push((Limited::Plate(plate.clone()), rules.plate_day_minor));
        }
        if let Some(lane) = &order.lane {
            limits.push((Limited::Lane(lane.clone()), rules.lane_day_minor));
            if printed {
                limits.push((Limited::Printed(lane.clone()), rules.printed_day_minor));
            }
        }
        limits.retain(|(_, most)| most.is_some());
        limits
    }

    /// The first instant of tomorrow by the site's clock; in a zone that skips midnight, of what comes first.
    pub(super) fn next_day(&self) -> Timestamp {
        let today = self.now.to_zoned_datetime(self.rules.zone.clone());
        let begins = today.tomorrow().and_then(|day| day.start_of_day());
        begins.map_or(self.now, |begins| begins.timestamp())
    }

    // ---- how often -----------------------------------------------------------------------------

    /// One more attempt at a lane: so many in a short time are an alarm, which ends with a payment once they are fewer.
    pub(super) fn watch_attempts(&mut self, lane: Option<&LaneId>) {
        let Some(lane) = lane else { return };
        let (most, within) = (self.rules.limits.attempts_max, self.rules.limits.attempts_within);
        let count = self.attempts_at(lane);
        if count >= most as usize {
            let detail = format!("{count} attempts in {} min", within.as_secs() / 60);
            self.raise(lane.as_str(), AlarmKind::ManyPayments, detail);
        }
    }

    pub(super) fn attempts_calm(&mut self, lane: Option<&LaneId>) {
        let Some(lane) = lane else { return };
        if self.is_raised(lane.as_str(), AlarmKind::ManyPayments)
            && self.attempts_at(lane) < self.rules.limits.attempts_max as usize
        {
            self.clear(lane.as_str(), AlarmKind::ManyPayments);
        }
    }

    /// Attempts in memory: those that came to nothing stay there for an hour, and those of passages are no concern.
    fn attempts_at(&self, lane: &LaneId) -> usize {
        let within = self.rules.limits.attempts_within;
        let fresh = |made_at: Timestamp| self.now.duration_since(made_at).unsigned_abs() <= within;
        let known = self.state.payments.values().filter(|payment| fresh(payment.made_at));
        let here = |payment: &&Payment| {
            self.order(payment.order).is_some_and(|order| order.lane.as_ref() == Some(lane))
        };
        let added = self.changes.iter().filter(|change| match change {
            Change::Payment(payment) => !self.state.payments.contains_key(&payment.id),
            _ => false,
        });
        known.filter(here).count() + added.count()
    }
}
