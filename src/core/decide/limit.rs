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
    types::{Money, PaymentId, bank::Payer},
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

    /// The bank has named who paid: too much or too often in a day is an alarm until midnight.
    pub(super) fn count_payer(&mut self, payment: PaymentId, payer: &Payer) {
        let limits = &self.rules.limits;
        let (most, times) = (limits.payer_day_minor, limits.payer_day_times);
        let Some(payment) = self.payment(payment).filter(|one| one.state.is_paid()) else { return };
        if most.is_none() && times.is_none() {
            return;
        }
        let (minor, limited) = (payment.amount.minor, Limited::Payer(payer.mark().to_owned()));
        self.count_spent(&limited, Some(most.unwrap_or(i64::MAX)), minor);
        let (Some(times), Some(mut spent)) = (times, self.spent(&limited.key()).cloned()) else {
            return;
        };
        spent.recent.push(self.now);
        // As many as it takes to tell.
        let over = spent.recent.len().saturating_sub(times as usize);
        spent.recent.drain(..over);
        let often = spent.recent.len() >= times as usize;
        self.record(Change::Spent(spent));
        if often {
            let detail = format!("{times} payments or more today");
            self.raise(&limited.key(), AlarmKind::ManyPayments, detail);
        }
    }

    /// Puts down what counts against a limit, where there is one.
    pub(super) fn count_spent(&mut self, limited: &Limited, most: Option<i64>, minor: i64) {
        let Some(most) = most else { return };
        let (id, zero) = (limited.key(), Money::zero(self.rules.currency));
        let until = self.next_day();
        let known = self.spent(&id).cloned();
        let fresh = Spent { id, until, amount: zero, recent: Vec::new(), over_at: None };
        let mut spent = known.unwrap_or(fresh);
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
        self.clear(id, AlarmKind::ManyActs);
        self.clear(id, AlarmKind::ManyPayments);
    }

    fn paid_limits(&self, order: &Order, printed: bool) -> Vec<(Limited, Option<i64>)> {
        let rules = &self.rules.limits;
        let mut limits = Vec::new();
        if let Some(plate) = self.plate_of(order).filter(|plate| !plate.is_virtual()) {
            limits.push((Limited::Plate(plate.clone()), rules.plate_day_minor));
        }
        if let Some(lane) = &order.lane {
            limits.push((Limited::Lane(lane.clone()), rules.lane_day_minor));
        }
        if printed {
            limits.push((Limited::Printed(order.lane.clone()), rules.printed_day_minor));
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

    /// One more attempt to collect an order: so many at a lane, for a plate or by a counter in a short time are an alarm,
    /// which ends with a payment once they are fewer.
    pub(super) fn watch_attempts(&mut self, order: &Order) {
        let within = self.rules.limits.attempts_within.as_secs() / 60;
        for (subject, most, count) in self.attempts_of(order) {
            if count >= most as usize {
                let detail = format!("{count} attempts in {within} min");
                self.raise(&subject, AlarmKind::ManyPayments, detail);
            }
        }
    }

    pub(super) fn attempts_calm(&mut self, order: &Order) {
        for (subject, most, count) in self.attempts_of(order) {
            if count < most as usize {
                self.clear(&subject, AlarmKind::ManyPayments);
            }
        }
    }

    /// Whose attempts an order's are, how many are too many, and how many there were lately.
    fn attempts_of(&self, order: &Order) -> Vec<(String, u32, usize)> {
        let limits = &self.rules.limits;
        let mut found = Vec::new();
        if let Some(lane) = &order.lane {
            let same = |other: &Order| other.lane.as_ref() == Some(lane);
            found.push((lane.to_string(), limits.attempts_max, self.attempts(same)));
        }
        if let Some(plate) = self.plate_of(order).filter(|plate| !plate.is_virtual()) {
            let same = |other: &Order| self.plate_of(other) == Some(plate);
            let subject = Limited::Plate(plate.clone()).key();
            found.push((subject, limits.plate_attempts_max, self.attempts(same)));
        }
        if let Some(sale) = &order.sale {
            let same = |other: &Order| {
                other.sale.as_ref().is_some_and(|other| other.counter == sale.counter)
            };
            let subject = format!("counter {}", sale.counter);
            found.push((subject, limits.counter_attempts_max, self.attempts(same)));
        }
        found
    }

    /// Attempts in memory: those that came to nothing stay there for an hour, and those of passages are no concern.
    fn attempts(&self, same: impl Fn(&Order) -> bool) -> usize {
        let within = self.rules.limits.attempts_within;
        let fresh =
            |payment: &&Payment| self.now.duration_since(payment.made_at).unsigned_abs() <= within;
        let here = |payment: &&Payment| self.order(payment.order).is_some_and(&same);
        let known = self.state.payments.values().filter(fresh).filter(here).count();
        let added = self.changes.iter().filter(|change| match change {
            Change::Payment(payment) => {
                !self.state.payments.contains_key(&payment.id) && here(&payment)
            }
            _ => false,
        });
        known + added.count()
    }

    /// An operator gave something up once more: very often in a short time is an alarm until midnight, and so is more than
    /// one person may let go alone, where the vehicle was gone before anybody could ask.
    pub(super) fn watch_acts(&mut self, who: &str, minor: i64, second: Option<&str>) {
        let id = Limited::Acts(who.to_owned()).key();
        let (within, until) = (self.rules.limits.attempts_within, self.next_day());
        let fresh = |at: &Timestamp| self.now.duration_since(*at).unsigned_abs() <= within;
        let known = self.spent(&id).cloned();
        let amount = Money::zero(self.rules.currency);
        let bare = Spent { id: id.clone(), until, amount, recent: Vec::new(), over_at: None };
        let mut spent = known.unwrap_or(bare);
        spent.recent.retain(fresh);
        spent.recent.push(self.now);
        let count = spent.recent.len();
        spent.amount.minor = spent.amount.minor.saturating_add(minor);
        self.record(Change::Spent(spent));
        if count >= self.rules.limits.acts_max as usize {
            let detail = format!("{count} times in {} min", within.as_secs() / 60);
            self.raise(&id, AlarmKind::ManyActs, detail);
        }
        if second.is_none() && minor > self.rules.limits.second_above_minor {
            let detail = format!("{} by one person", self.money(minor));
            self.raise(&id, AlarmKind::LimitPassed, detail);
        }
    }

    /// Above the site's sum two persons give something up.
    pub(super) fn two_above(
        &self,
        who: &str,
        second: Option<&str>,
        minor: i64,
    ) -> Result<(), Refusal> {
        let above = self.rules.limits.second_above_minor;
        if minor > above && second.is_none_or(|second| second == who) {
            return Err(Refusal::SecondNeeded(self.money(above)));
        }
        Ok(())
    }
}
