//! The register: passes, lists, shifts, tasks and the like, each kept whole until it is over. Knows no rule of any.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    hash::Hash,
};

use super::{
    change::Change,
    pass::Reservation,
    state::{Owner, State},
    task::Task,
};

impl State {
    /// Makes a change of the register true; `false`: it is of something else.
    pub(super) fn put_registered(&mut self, change: &Change) -> bool {
        let counters = &mut self.counters;
        match change {
            Change::Pass(entry) => {
                counters.pass = counters.pass.max(entry.id.0);
                self.rights.put_pass(self.passes.get(&entry.id), entry);
                keep(&mut self.passes, entry.id, entry, entry.over_at.is_none());
            }
            Change::Listed(entry) => {
                counters.listed = counters.listed.max(entry.id.0);
                self.rights.put_listed(self.listed.get(&entry.id), entry);
                keep(&mut self.listed, entry.id, entry, entry.over_at.is_none());
            }
            Change::Reservation(entry) => {
                counters.reservation = counters.reservation.max(entry.id.0);
                let former = self.reservations.get(&entry.id);
                self.rights.put_reservation(former, entry);
                let waits = |kept: &Reservation| {
                    (kept.stay.is_none() && kept.over_at.is_none()).then_some(kept.until)
                };
                let (from, to) = (former.and_then(waits), waits(entry));
                self.move_deadline(Owner::Reservation(entry.id), from, to);
                keep(&mut self.reservations, entry.id, entry, entry.over_at.is_none());
            }
            Change::Merchant(entry) => {
                counters.merchant = counters.merchant.max(entry.id.0);
                keep(&mut self.merchants, entry.id, entry, entry.over_at.is_none());
            }
            Change::Validation(entry) => {
                counters.validation = counters.validation.max(entry.id.0);
                let is_open = entry.over_at.is_none();
                keep(&mut self.validations, entry.id, entry, is_open);
                index(&mut self.given, &entry.stay, entry.id, is_open);
            }
            Change::Arrears(entry) => {
                counters.arrears = counters.arrears.max(entry.id.0);
                let is_open = entry.over_at.is_none();
                keep(&mut self.arrears, entry.id, entry, is_open);
                index(&mut self.owing, &entry.plate, entry.id, is_open);
                self.sweep(entry.order);
            }
            Change::Shift(entry) => {
                counters.shift = counters.shift.max(entry.id.0);
                keep(&mut self.shifts, entry.id, entry, entry.over_at.is_none());
            }
            Change::Task(entry) => {
                counters.task = counters.task.max(entry.id.0);
                self.put_task(entry);
            }
            Change::Cash(cash) => {
                counters.cash = counters.cash.max(cash.id.0);
                if let Some(taken) = cash.refund_of {
                    *self.cash_back.entry(taken).or_default() += cash.amount.minor;
                }
            }
            Change::Spent(spent) => {
                let is_open = spent.over_at.is_none();
                let former = self.spent.get(&spent.id).map(|spent| spent.until);
                let until = is_open.then_some(spent.until);
                self.move_deadline(Owner::Spent(spent.id.clone()), former, until);
                keep(&mut self.spent, spent.id.clone(), spent, is_open);
            }
            Change::Settled(settled) => {
                self.settled.insert(settled.id.clone(), settled.clone());
            }
            Change::Invoice(entry) => {
                counters.invoice = counters.invoice.max(entry.id.0);
                let former = self.invoices.get(&entry.id).and_then(|former| former.next_ask);
                self.move_deadline(Owner::Invoice(entry.id), former, entry.next_ask);
                keep(&mut self.invoices, entry.id, entry, entry.over_at.is_none());
            }
            Change::Crowd(crowd) => {
                self.crowds.insert(crowd.id.clone(), crowd.clone());
            }
            Change::Slot(slot) => {
                let is_open = slot.over_at.is_none();
                let former = self.slots.get(&slot.id).map(|former| former.kept_until);
                let until = is_open.then_some(slot.kept_until);
                self.move_deadline(Owner::Slot(slot.id.clone()), former, until);
                keep(&mut self.slots, slot.id.clone(), slot, is_open);
            }
            Change::Closure(entry) => {
                counters.closure = counters.closure.max(entry.id.0);
                let former = self.closures.get(&entry.id).and_then(|former| former.next_at);
                self.move_deadline(Owner::Closure(entry.id), former, entry.next_at);
                keep(&mut self.closures, entry.id, entry, entry.over_at.is_none());
            }
            Change::Sister(sister) => {
                let former = self.sisters.get(&sister.id).and_then(|former| former.due);
                self.move_deadline(Owner::Sister(sister.id), former, sister.due);
                self.sisters.insert(sister.id, sister.clone());
            }
            Change::Card(card) => {
                keep(&mut self.cards, card.id, card, card.over_at.is_none());
            }
            Change::CloudPass(pass) => {
                counters.cloud = counters.cloud.max(pass.id.0);
                let is_open = pass.over_at.is_none();
                let former = self.clouds.get(&pass.id).and_then(|former| former.due);
                self.move_deadline(Owner::Cloud(pass.id), former, pass.due.filter(|_| is_open));
                keep(&mut self.clouds, pass.id, pass, is_open);
            }
            Change::SisterAsk(ask) => {
                counters.ask = counters.ask.max(ask.id.0);
                let is_open = ask.over_at.is_none();
                let former = self.asks.get(&ask.id).and_then(|former| former.due);
                self.move_deadline(Owner::Ask(ask.id), former, ask.due.filter(|_| is_open));
                keep(&mut self.asks, ask.id, ask, is_open);
            }
            Change::Zone(zone) => {
                self.zones.insert(zone.id.clone(), zone.clone());
            }
            _ => return false,
        }
        true
    }
}

impl State {
    fn put_task(&mut self, task: &Task) {
        let is_open = task.over_at.is_none();
        let former = self.tasks.get(&task.id).and_then(|task| task.due);
        self.move_deadline(Owner::Task(task.id), former, task.due.filter(|_| is_open));
        keep(&mut self.tasks, task.id, task, is_open);
        let Some(lane) = task.lane.as_ref().filter(|_| task.is_call()) else { return };
        if is_open {
            self.calls.insert(lane.clone(), task.id);
        } else if self.calls.get(lane) == Some(&task.id) {
            self.calls.remove(lane);
        }
    }
}

/// Keeps which entries are of whom.
fn index<O: Eq + Hash + Clone, K: Ord>(
    map: &mut HashMap<O, BTreeSet<K>>,
    of: &O,
    id: K,
    is_open: bool,
) {
    if is_open {
        map.entry(of.clone()).or_default().insert(id);
    } else if let Some(ids) = map.get_mut(of) {
        ids.remove(&id);
        if ids.is_empty() {
            map.remove(of);
        }
    }
}

fn keep<K: Ord, V: Clone>(map: &mut BTreeMap<K, V>, id: K, entry: &V, is_open: bool) {
    if is_open {
        map.insert(id, entry.clone());
    } else {
        map.remove(&id);
    }
}
