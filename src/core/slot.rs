//! Time slots (分时预约): when visitors may come, how many, and how many have a place. Knows no price and no ticket.

use std::collections::BTreeMap;

use jiff::{
    Timestamp,
    civil::{Date, Time},
};
use serde::{Deserialize, Serialize};

use super::{
    product::Names,
    tariff::{OnDays, TariffBook},
};
use crate::types::{CounterId, ScheduleId, SlotId};

/// The time slots of each kind of day.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Schedule {
    pub name: Names,
    /// The first that holds on a day counts; none: no slots that day.
    pub plans: Vec<DayPlan>,
    /// Minutes before a slot in which its visitors are let in already.
    pub early_min: u32,
    /// Minutes after a slot in which its visitors are let in still.
    pub late_min: u32,
    /// Places of each slot that a counter may sell at most; a counter that is not named may sell all.
    pub quotas: BTreeMap<CounterId, u32>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct DayPlan {
    pub days: OnDays,
    pub spans: Vec<Span>,
}

/// A part of a day. Minutes from midnight; `to` may be of the day after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub from: u32,
    pub to: u32,
    /// Persons.
    pub capacity: u32,
}

impl Schedule {
    /// The slots of a day, in order.
    pub fn spans(&self, day: Date, book: &TariffBook) -> &[Span] {
        let plan = self.plans.iter().find(|plan| plan.days.holds(day, book));
        plan.map_or(&[], |plan| &plan.spans)
    }

    /// The slot of a day with this name.
    pub fn span(
        &self,
        of: &ScheduleId,
        day: Date,
        slot: &SlotId,
        book: &TariffBook,
    ) -> Option<Span> {
        let mut spans = self.spans(day, book).iter();
        spans.find(|span| span.id(of, day).as_ref() == Some(slot)).copied()
    }
}

impl Span {
    /// What the slot is called on a day.
    pub fn id(&self, schedule: &ScheduleId, day: Date) -> Option<SlotId> {
        let from = Time::new((self.from / 60) as i8, (self.from % 60) as i8, 0, 0).ok()?;
        SlotId::of(schedule, day, from)
    }
}

/// A time slot of a day that somebody had to do with: places held and paid, or what an operator said of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slot {
    pub id: SlotId,
    pub schedule: ScheduleId,
    pub day: Date,
    pub from: Timestamp,
    pub until: Timestamp,
    /// Places, where an operator set them; else the schedule says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub places: Option<u32>,
    /// Nobody buys a place in it any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed: Option<Closed>,
    /// By orders that are due, of each counter; none is zero.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub held: BTreeMap<CounterId, u32>,
    /// By tickets that were sold and not returned, of each counter; none is zero.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub paid: BTreeMap<CounterId, u32>,
    /// It stays in memory until then, for late returns.
    pub kept_until: Timestamp,
    /// It is long over: in the tables only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over_at: Option<Timestamp>,
}

/// Who closed a slot, and why: told to visitors.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closed {
    pub who: String,
    pub reason: String,
}

/// How a place is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// While its order is due.
    Held,
    /// By a ticket.
    Paid,
}

impl Slot {
    /// Persons with a place.
    pub fn sold(&self) -> u32 {
        self.held().saturating_add(self.paid())
    }

    pub fn held(&self) -> u32 {
        self.held.values().sum()
    }

    pub fn paid(&self) -> u32 {
        self.paid.values().sum()
    }

    /// Places a counter has sold or holds.
    pub fn of(&self, counter: &CounterId) -> u32 {
        let at = |map: &BTreeMap<CounterId, u32>| map.get(counter).copied().unwrap_or(0);
        at(&self.held).saturating_add(at(&self.paid))
    }

    pub fn add(&mut self, counter: &CounterId, place: Place, persons: u32) {
        if persons > 0 {
            let count = self.places_mut(place).entry(counter.clone()).or_default();
            *count = count.saturating_add(persons);
        }
    }

    pub fn take_away(&mut self, counter: &CounterId, place: Place, persons: u32) {
        let places = self.places_mut(place);
        if let Some(count) = places.get_mut(counter) {
            *count = count.saturating_sub(persons);
            if *count == 0 {
                places.remove(counter);
            }
        }
    }

    fn places_mut(&mut self, place: Place) -> &mut BTreeMap<CounterId, u32> {
        match place {
            Place::Held => &mut self.held,
            Place::Paid => &mut self.paid,
        }
    }
}
