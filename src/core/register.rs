//! The register: passes, lists, shifts, tasks and the like, each kept whole until it is over. Knows no rule of any.

use std::collections::BTreeMap;

use super::{
    change::Change,
    pass::Reservation,
    state::{Owner, State},
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
                keep(&mut self.validations, entry.id, entry, entry.over_at.is_none());
            }
            Change::Arrears(entry) => {
                counters.arrears = counters.arrears.max(entry.id.0);
                keep(&mut self.arrears, entry.id, entry, entry.over_at.is_none());
            }
            Change::Shift(entry) => {
                counters.shift = counters.shift.max(entry.id.0);
                keep(&mut self.shifts, entry.id, entry, entry.over_at.is_none());
            }
            Change::Task(entry) => {
                counters.task = counters.task.max(entry.id.0);
                keep(&mut self.tasks, entry.id, entry, entry.over_at.is_none());
            }
            Change::Cash(cash) => counters.cash = counters.cash.max(cash.id.0),
            Change::Zone(zone) => {
                self.zones.insert(zone.id.clone(), zone.clone());
            }
            _ => return false,
        }
        true
    }
}

fn keep<K: Ord, V: Clone>(map: &mut BTreeMap<K, V>, id: K, entry: &V, is_open: bool) {
    if is_open {
        map.insert(id, entry.clone());
    } else {
        map.remove(&id);
    }
}
