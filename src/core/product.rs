//! What a scenic site sells, to whom, when, and what may be changed afterwards: data, checked when the site file is read.
//! Knows no order and no ticket.

use std::collections::BTreeSet;

use jiff::{
    SignedDuration, Timestamp, ToSpan,
    civil::{Date, Time},
    tz::TimeZone,
};

use super::{
    slot::{Schedule, Span},
    tariff::{OnDays, TariffBook},
    ticket::Medium,
};
use crate::types::{CounterId, ProductId, ScheduleId, ZoneId};

/// A name as visitors read it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    pub zh: String,
    pub en: String,
}

/// One kind of ticket.
#[derive(Clone, Debug, PartialEq)]
pub struct Product {
    pub id: ProductId,
    /// Stands in the ticket's code in place of the name; never given to another product.
    pub number: u16,
    pub name: Names,
    pub kind: Kind,
    /// Of one person, in minor units; the first that holds on the day counts. No price: not sold that day.
    pub prices: Vec<Price>,
    /// Where it lets in, and how often each person may come back there. None: everywhere, no coming back.
    pub areas: Vec<ProductArea>,
    /// Its visitors take places in time slots of this schedule.
    pub schedule: Option<ScheduleId>,
    pub valid: Validity,
    pub window: SaleWindow,
    /// Who may sell it; empty: every counter.
    pub counters: BTreeSet<CounterId>,
    /// It is for the person with this name and number; each number gets at most so many for one day or time slot.
    pub named: Option<u32>,
    /// The limit of [`Product::named`] holds for so many days in a row in place of one day or time slot; 0: not.
    pub named_days: u16,
    /// What goes back of its price when it is returned: the first step whose time has not passed counts. Empty: it is
    /// never taken back.
    pub refunds: Vec<RefundStep>,
    /// Whether it may be moved to another day or time slot.
    pub rebook: Option<Rebook>,
    /// It may be given to somebody else.
    pub rename: bool,
    /// Where its codes may be shown, unless the order says more.
    pub medium: Medium,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    Adult,
    Child,
    Senior,
    /// One code for so many persons together.
    Group {
        min: u32,
        max: u32,
    },
    Annual,
    /// Good in several areas.
    Combined,
    /// Only together with another product in the same order.
    AddOn {
        to: ProductId,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub struct Price {
    pub days: OnDays,
    pub minor: i64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProductArea {
    pub zone: ZoneId,
    /// `None`: as often as they like.
    pub returns: Option<u32>,
}

/// When a ticket lets in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validity {
    /// In its time slot, with the schedule's tolerance.
    Slot,
    /// On its day; from its time slot on, if it has one.
    Day,
    /// On its day and the days after it, so many together.
    Days(u16),
    /// From its day up to and including this one.
    Until(Date),
    /// From its day, a year less a day.
    Year,
}

/// When a product is for sale.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SaleWindow {
    /// The first day it is sold on.
    pub from: Option<Date>,
    /// The last day it is sold on.
    pub until: Option<Date>,
    /// So many days before the visit at most; 0: for the same day only.
    pub days_ahead: u16,
    /// The time of day at which the first day's sale, and each further day of visits, begins. Midnight by default.
    pub opens: Time,
    /// Sold until so long before the time slot begins, or the day of the visit where it has none; negative: after that.
    pub closes: SignedDuration,
}

/// What goes back when a ticket is returned no later than `until` before its time begins; negative: after that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefundStep {
    pub until: SignedDuration,
    /// Of the price; the rest is kept.
    pub percent: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rebook {
    pub times: u8,
    /// So long before its time begins at the latest; negative: after that.
    pub until: SignedDuration,
    /// What the new time costs less goes back.
    pub refund_down: bool,
}

impl Product {
    /// What one person costs on a day; `None`: it is not sold for it.
    pub fn price_minor(&self, day: Date, book: &TariffBook) -> Option<i64> {
        self.prices.iter().find(|price| price.days.holds(day, book)).map(|price| price.minor)
    }

    /// Persons that may be on one ticket, least and most.
    pub fn persons(&self) -> (u32, u32) {
        match self.kind {
            Kind::Group { min, max } => (min, max),
            _ => (1, 1),
        }
    }

    /// Whether it is sold now for a day, and a time slot of it.
    pub fn is_on_sale(
        &self,
        day: Date,
        span: Option<&Span>,
        now: Timestamp,
        zone: &TimeZone,
    ) -> bool {
        let (window, clock) = (&self.window, now.to_zoned_datetime(zone.clone()));
        let (today, is_opened) = (clock.date(), clock.time() >= window.opens);
        let ahead = i64::from(window.days_ahead) - i64::from(!is_opened);
        let last = today.checked_add(ahead.days()).unwrap_or(today);
        let from = window.from.is_none_or(|from| from < today || from == today && is_opened);
        from && window.until.is_none_or(|until| today <= until)
            && day <= last.max(today)
            && begins(day, span, zone)
                .is_some_and(|begins| begins.duration_since(now) >= window.closes)
    }

    pub fn sold_by(&self, counter: &CounterId) -> bool {
        self.counters.is_empty() || self.counters.contains(counter)
    }

    /// The percentage of its price that goes back now of a ticket whose time begins at `begins`.
    pub fn refund_percent(&self, begins: Timestamp, now: Timestamp) -> Option<u8> {
        let left = begins.duration_since(now);
        self.refunds.iter().find(|step| left >= step.until).map(|step| step.percent)
    }

    /// Whether a ticket whose time begins at `begins` may be moved now, if it was moved so often.
    pub fn may_move(&self, begins: Timestamp, now: Timestamp, moved: u8) -> bool {
        self.rebook
            .is_some_and(|rule| moved < rule.times && begins.duration_since(now) >= rule.until)
    }
}

/// The instant the wall shows so many minutes after a day's midnight; 1440 and more are of the days after it.
pub fn instant(day: Date, minutes: u32, zone: &TimeZone) -> Option<Timestamp> {
    let day = day.checked_add(i64::from(minutes / 1440).days()).ok()?;
    let (hour, minute) = (minutes % 1440 / 60, minutes % 60);
    let time = Time::new(hour as i8, minute as i8, 0, 0).ok()?;
    zone.to_timestamp(day.to_datetime(time)).ok()
}

/// When the visit begins: its time slot, or its day.
pub fn begins(day: Date, span: Option<&Span>, zone: &TimeZone) -> Option<Timestamp> {
    instant(day, span.map_or(0, |span| span.from), zone)
}

impl Validity {
    /// From when to when a ticket for a day, and a time slot of it, lets in.
    pub fn window(
        self,
        day: Date,
        slot: Option<(&Schedule, &Span)>,
        zone: &TimeZone,
    ) -> Option<(Timestamp, Timestamp)> {
        let early = slot.map_or(0, |(schedule, _)| schedule.early_min);
        let from = begins(day, slot.map(|(_, span)| span), zone)?;
        let from = from.checked_sub(SignedDuration::from_mins(i64::from(early))).ok()?;
        let after = |last: Date| instant(last, 1440, zone);
        let until = match (self, slot) {
            (Self::Slot, Some((schedule, span))) => {
                let late = SignedDuration::from_mins(i64::from(schedule.late_min));
                instant(day, span.to, zone)?.checked_add(late).ok()?
            }
            // A slot that goes over midnight is of the day it began on.
            (Self::Day | Self::Slot, slot) => {
                let ends = slot.and_then(|(_, span)| instant(day, span.to, zone));
                after(day)?.max(ends.unwrap_or(from))
            }
            (Self::Days(days), _) => {
                after(day.checked_add(i64::from(days.max(1) - 1).days()).ok()?)?
            }
            (Self::Until(last), _) => after(last)?,
            (Self::Year, _) => instant(day.checked_add(1.year()).ok()?, 0, zone)?,
        };
        (from < until).then_some((from, until))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone() -> TimeZone {
        TimeZone::get("Asia/Shanghai").unwrap()
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_ticket_lets_in_when_its_product_says() {
        let day: Date = "2026-11-28".parse().unwrap();
        let span = Span { from: 9 * 60, to: 11 * 60, capacity: 100 };
        let night = Span { from: 20 * 60, to: 25 * 60, capacity: 100 };
        let schedule = Schedule { early_min: 15, late_min: 30, ..Schedule::default() };
        let (morning, late) = (Some((&schedule, &span)), Some((&schedule, &night)));
        let rows = [
            (Validity::Slot, morning, "2026-11-28T08:45+08", "2026-11-28T11:30+08"),
            (Validity::Slot, late, "2026-11-28T19:45+08", "2026-11-29T01:30+08"),
            (Validity::Day, None, "2026-11-28T00:00+08", "2026-11-29T00:00+08"),
            (Validity::Day, morning, "2026-11-28T08:45+08", "2026-11-29T00:00+08"),
            (Validity::Day, late, "2026-11-28T19:45+08", "2026-11-29T01:00+08"),
            (Validity::Days(3), None, "2026-11-28T00:00+08", "2026-12-01T00:00+08"),
            (
                Validity::Until("2026-12-31".parse().unwrap()),
                None,
                "2026-11-28T00:00+08",
                "2027-01-01T00:00+08",
            ),
            (Validity::Year, None, "2026-11-28T00:00+08", "2027-11-28T00:00+08"),
        ];
        for (validity, slot, from, until) in rows {
            let window = validity.window(day, slot, &zone()).unwrap();
            assert_eq!(window, (at(from), at(until)), "{validity:?}");
        }
        let over = Validity::Until("2026-11-27".parse().unwrap());
        assert_eq!(over.window(day, None, &zone()), None, "it ended before its day");
    }
}
