//! Places in time slots: held, paid for, given up; and how many tickets a visitor has. Knows no price and no money.

use std::collections::BTreeMap;

use jiff::{ToSpan, civil::Date};

use super::Desk;
use crate::{
    core::{
        basket::Line,
        change::Change,
        input::{Answer, Refusal, Reply},
        limit::Spent,
        money::{Order, OrderState},
        office::{OfficeActed, OfficeDid},
        product::{begins, instant},
        selling::{NoChange, NoSale, SlotAct},
        slot::{Closed, Place, Slot, Span},
        ticket::Visitor,
    },
    types::{CounterId, Money, ScheduleId, SlotId},
};

impl Desk<'_> {
    /// As this decision has left it; `None`: nobody had to do with it, or it is long over.
    pub(super) fn slot(&self, id: &SlotId) -> Option<&Slot> {
        let changed = self.changes.iter().rev().find_map(|change| match change {
            Change::Slot(slot) if slot.id == *id => Some(slot),
            _ => None,
        });
        changed.or_else(|| self.state.slots.get(id)).filter(|slot| slot.over_at.is_none())
    }

    /// The slot of a schedule's day, with what its schedule says of it.
    pub(super) fn slot_at(&self, of: &ScheduleId, day: Date, id: &SlotId) -> Option<(Slot, Span)> {
        let schedule = self.rules.shop.schedules.get(of)?;
        let span = schedule.span(of, day, id, &self.rules.tariffs)?;
        if let Some(known) = self.slot(id) {
            return Some((known.clone(), span));
        }
        let until = instant(day, span.to, &self.rules.zone)?;
        let slot = Slot {
            id: id.clone(),
            schedule: of.clone(),
            day,
            from: begins(day, Some(&span), &self.rules.zone)?,
            until,
            places: None,
            closed: None,
            held: BTreeMap::new(),
            paid: BTreeMap::new(),
            kept_until: until.checked_add(self.rules.shop.slot_kept).ok()?,
            over_at: None,
        };
        (slot.kept_until > self.now).then_some((slot, span))
    }

    /// Whether a counter may take so many places for these lines, together, now.
    pub(super) fn may_take(&self, lines: &[Line], counter: &CounterId) -> Result<(), NoSale> {
        self.may_take_for(lines, counter, &[])
    }

    /// The same, of tickets that leave these lines for them.
    pub(super) fn may_take_for(
        &self,
        lines: &[Line],
        counter: &CounterId,
        leaving: &[Line],
    ) -> Result<(), NoSale> {
        let mut wanted: BTreeMap<&SlotId, (&Line, u32)> = BTreeMap::new();
        for line in lines {
            if let Some(closure) = self.closed_on(line.day) {
                return Err(NoSale::DayClosed(line.day, closure.reason.clone()));
            }
            if let Some(slot) = &line.slot {
                wanted.entry(slot).or_insert((line, 0)).1 += line.places();
            }
        }
        for (id, (line, persons)) in wanted {
            let none = || NoSale::NoSlot(id.clone());
            let schedule = self.schedule_of(id, line).ok_or_else(none)?;
            let (slot, span) = self.slot_at(&schedule, line.day, id).ok_or_else(none)?;
            if let Some(closed) = slot.closed {
                return Err(NoSale::SlotClosed(id.clone(), closed.reason));
            }
            let left = self.left_for(&slot, &span, counter);
            if persons > left {
                return Err(NoSale::SlotFull { slot: id.clone(), left });
            }
        }
        self.visitors_fit(lines, leaving)
    }

    /// Of a slot that was sold of before, its own; else the product's.
    fn schedule_of(&self, id: &SlotId, line: &Line) -> Option<ScheduleId> {
        let known = self.slot(id).map(|slot| slot.schedule.clone());
        known.or_else(|| self.rules.shop.products.get(&line.product)?.schedule.clone())
    }

    /// Places that a counter may still sell.
    fn left_for(&self, slot: &Slot, span: &Span, counter: &CounterId) -> u32 {
        let left = slot.places.unwrap_or(span.capacity).saturating_sub(slot.sold());
        let schedule = self.rules.shop.schedules.get(&slot.schedule);
        match schedule.and_then(|schedule| schedule.quotas.get(counter)) {
            Some(quota) => left.min(quota.saturating_sub(slot.of(counter))),
            None => left,
        }
    }

    /// Counts places. Whoever calls it has looked whether there are any.
    pub(super) fn take(&mut self, lines: &[Line], counter: &CounterId, place: Place) {
        for line in lines {
            let schedule = line.slot.as_ref().and_then(|slot| self.schedule_of(slot, line));
            if let (Some(id), Some(schedule)) = (&line.slot, schedule)
                && let Some((mut slot, _)) = self.slot_at(&schedule, line.day, id)
            {
                slot.add(counter, place, line.places());
                self.record(Change::Slot(slot));
            }
        }
    }

    /// So many places of a slot are free again.
    pub(super) fn free(
        &mut self,
        id: Option<&SlotId>,
        counter: &CounterId,
        place: Place,
        persons: u32,
    ) {
        if let Some(mut slot) = id.and_then(|id| self.slot(id)).cloned() {
            slot.take_away(counter, place, persons);
            self.record(Change::Slot(slot));
        }
    }

    /// An order is due no more: its places are free, and its visitors may buy again.
    pub(super) fn release_places(&mut self, order: &Order) {
        let (Some(sale), Some(basket)) = (&order.sale, &order.basket) else { return };
        for line in &basket.lines {
            self.free(line.slot.as_ref(), &sale.counter, Place::Held, line.places());
            if basket.moves.is_empty() {
                self.count_visitors(line, -1);
            }
        }
    }

    /// An order is paid: what it held is taken for good, or taken anew.
    pub(super) fn keep_places(&mut self, order: &Order) {
        let (Some(sale), Some(basket)) = (&order.sale, &order.basket) else { return };
        let held = order.state == OrderState::Due;
        for line in &basket.lines {
            if held {
                self.free(line.slot.as_ref(), &sale.counter, Place::Held, line.places());
            } else if basket.moves.is_empty() {
                self.count_visitors(line, 1);
            }
        }
        if basket.moves.is_empty() {
            self.take(&basket.lines, &sale.counter, Place::Paid);
        }
    }

    // ---- visitors --------------------------------------------------------------------------------

    /// The lines together give no visitor more than the products allow, once what leaves is gone.
    pub(super) fn visitors_fit(&self, lines: &[Line], leaving: &[Line]) -> Result<(), NoSale> {
        let mut more: BTreeMap<String, i64> = BTreeMap::new();
        for line in leaving {
            let product = self.rules.shop.products.get(&line.product);
            let days = product.map_or(0, |product| product.named_days);
            for visitor in &line.visitors {
                *more.entry(visitor_key(line, line.day, days, visitor)).or_insert(0) -= 1;
            }
        }
        for line in lines {
            let product = self.rules.shop.products.get(&line.product);
            let Some((product, most)) = product.and_then(|p| Some((p, p.named?))) else { continue };
            for visitor in &line.visitors {
                *more
                    .entry(visitor_key(line, line.day, product.named_days, visitor))
                    .or_insert(0) += 1;
                if self.most_of(line, product.named_days, visitor, &more) > i64::from(most) {
                    return Err(NoSale::VisitorHasOne { product: line.product.clone(), most });
                }
            }
        }
        Ok(())
    }

    /// The most that a visitor has of a product in any time that the limit is of and the line is in; `more` besides what
    /// is on record.
    fn most_of(
        &self,
        line: &Line,
        days: u16,
        visitor: &Visitor,
        more: &BTreeMap<String, i64>,
    ) -> i64 {
        let days = i64::from(days.max(1));
        let on = |away: i64| {
            let Ok(day) = line.day.checked_add(away.days()) else { return 0 };
            let key = visitor_key(line, day, days as u16, visitor);
            let known = self.spent(&key).map_or(0, |spent| spent.amount.minor);
            known + more.get(&key).copied().unwrap_or(0)
        };
        let counts: Vec<i64> = (1 - days..days).map(on).collect();
        counts.windows(days as usize).map(|window| window.iter().sum()).max().unwrap_or(0)
    }

    /// One ticket more, or one less, for each visitor of a line.
    pub(super) fn count_visitors(&mut self, line: &Line, by: i64) {
        let product = self.rules.shop.products.get(&line.product);
        let days = product.map_or(0, |product| product.named_days);
        let kept = 1440 * u32::from(days.max(1));
        for visitor in &line.visitors {
            let id = visitor_key(line, line.day, days, visitor);
            let Some(until) = instant(line.day, kept, &self.rules.zone) else { continue };
            let known = self.spent(&id).map_or(0, |spent| spent.amount.minor);
            let count = (known + by).max(0);
            if count == known || until <= self.now {
                continue;
            }
            let amount = Money::new(count, self.rules.currency);
            let over_at = (count == 0).then_some(self.now);
            self.record(Change::Spent(Spent { id, until, amount, recent: Vec::new(), over_at }));
        }
    }

    // ---- what operators say of a slot -----------------------------------------------------------------

    pub(super) fn slot_set(
        &mut self,
        schedule: &ScheduleId,
        day: Date,
        id: &SlotId,
        act: SlotAct,
        who: String,
        reason: &str,
    ) -> Reply {
        let reason = reason.trim().to_owned();
        if reason.is_empty() {
            return Err(Refusal::NoReason);
        }
        let found = self.slot_at(schedule, day, id);
        let (mut slot, span) = found.ok_or_else(|| NoChange::NoSlot(schedule.clone()))?;
        match act {
            SlotAct::Places(places) => {
                let sold = slot.sold();
                if places.unwrap_or(span.capacity) < sold {
                    return Err(NoChange::PlacesTaken { sold }.into());
                }
                slot.places = places;
            }
            SlotAct::Close => {
                let (who, reason) = (who.clone(), reason.clone());
                slot.closed = Some(Closed { who, reason });
            }
            SlotAct::Reopen => slot.closed = None,
        }
        let (did, detail) = match act {
            SlotAct::Places(Some(places)) => {
                (OfficeDid::SlotPlaces, format!("{places} · {reason}"))
            }
            SlotAct::Places(None) => (OfficeDid::SlotPlaces, reason),
            SlotAct::Close => (OfficeDid::SlotClosed, reason),
            SlotAct::Reopen => (OfficeDid::SlotReopened, reason),
        };
        let about = slot.id.to_string();
        self.record(Change::Slot(slot));
        self.record(Change::OfficeActed(OfficeActed { who, did, about, day: Some(day), detail }));
        Ok(Answer::Done)
    }

    /// Long over: it stays in the tables.
    pub(super) fn slot_over(&mut self, id: &SlotId) {
        if let Some(mut slot) = self.slot(id).cloned() {
            slot.over_at = Some(self.now);
            self.record(Change::Slot(slot));
        }
    }
}

/// What counts a visitor's tickets of one product: of a time slot, or of a day.
fn visitor_key(line: &Line, day: Date, days: u16, visitor: &Visitor) -> String {
    match &line.slot {
        Some(slot) if days <= 1 => format!("visitor {} {slot} {}", line.product, visitor.digest),
        _ => format!("visitor {} {day} {}", line.product, visitor.digest),
    }
}
