//! Who is known by a plate or a phone, to be found at once among a hundred thousand. Rebuilt by applying; knows no rule.

use std::{
    collections::{BTreeSet, HashMap},
    hash::Hash,
};

use super::{
    pass::{Listed, Pass, Reservation},
    stay::Stay,
};
use crate::types::{CodeDigest, ListedId, PassId, Plate, ReservationId, StayId};

/// Entries of the register by plate, in the order of their numbers, and open stays by phone.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Rights {
    passes: Index<Plate, PassId>,
    listed: Index<Plate, ListedId>,
    reservations: Index<Plate, ReservationId>,
    phones: HashMap<CodeDigest, StayId>,
}

#[derive(Clone, Debug, PartialEq)]
struct Index<K: Eq + Hash, V: Ord>(HashMap<K, BTreeSet<V>>);

impl<K: Eq + Hash, V: Ord> Default for Index<K, V> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Eq + Hash + Clone, V: Ord + Copy> Index<K, V> {
    fn put(&mut self, key: &K, value: V) {
        self.0.entry(key.clone()).or_default().insert(value);
    }

    fn take(&mut self, key: &K, value: V) {
        if let Some(set) = self.0.get_mut(key) {
            set.remove(&value);
            if set.is_empty() {
                self.0.remove(key);
            }
        }
    }

    fn of(&self, key: &K) -> impl Iterator<Item = V> {
        self.0.get(key).into_iter().flatten().copied()
    }
}

impl Rights {
    pub(super) fn put_pass(&mut self, former: Option<&Pass>, pass: &Pass) {
        former.iter().flat_map(|f| &f.plates).for_each(|plate| self.passes.take(plate, pass.id));
        if pass.over_at.is_none() {
            pass.plates.iter().for_each(|plate| self.passes.put(plate, pass.id));
        }
    }

    pub(super) fn put_listed(&mut self, former: Option<&Listed>, entry: &Listed) {
        former.iter().for_each(|former| self.listed.take(&former.plate, entry.id));
        if entry.over_at.is_none() {
            self.listed.put(&entry.plate, entry.id);
        }
    }

    pub(super) fn put_reservation(&mut self, former: Option<&Reservation>, entry: &Reservation) {
        former.iter().for_each(|former| self.reservations.take(&former.plate, entry.id));
        if entry.over_at.is_none() {
            self.reservations.put(&entry.plate, entry.id);
        }
    }

    pub(super) fn put_stay(&mut self, stay: &Stay) {
        let Some(phone) = stay.phone else { return };
        if stay.state.is_open() {
            self.phones.insert(phone, stay.id);
        } else if self.phones.get(&phone) == Some(&stay.id) {
            self.phones.remove(&phone);
        }
    }

    pub(super) fn passes_of(&self, plate: &Plate) -> impl Iterator<Item = PassId> {
        self.passes.of(plate)
    }

    pub(super) fn listed_of(&self, plate: &Plate) -> impl Iterator<Item = ListedId> {
        self.listed.of(plate)
    }

    pub(super) fn reservations_of(&self, plate: &Plate) -> impl Iterator<Item = ReservationId> {
        self.reservations.of(plate)
    }

    /// The open stay that a phone was given a name for.
    pub(super) fn stay_of_phone(&self, phone: &CodeDigest) -> Option<StayId> {
        self.phones.get(phone).copied()
    }
}
