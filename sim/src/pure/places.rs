//! The laws of a scenic site: places sold, rights used, persons inside, and what tickets earn. Counts anew, from changes
//! alone. Knows no visitor.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use paifang::{
    core::{
        Change, Rules, State,
        basket::Line,
        crowd::{Crowd, day_of},
        money::{Account, Order, OrderState, PaidBy, Posting},
        slot::Slot,
        ticket::{Admission, AdmissionState, Again, Ticket, Way},
    },
    types::{AdmissionId, LaneId, OrderId, SlotId, TicketId, ZoneId},
};

use super::check::{Broken, Law, law};

#[derive(Debug, Default)]
pub(super) struct Places {
    orders: BTreeMap<OrderId, Order>,
    tickets: BTreeMap<TicketId, Ticket>,
    admissions: BTreeMap<AdmissionId, Admission>,
    /// Persons inside, by zone, since its day began.
    inside: BTreeMap<ZoneId, (Option<Date>, i64)>,
    /// Earned by tickets less what went back of it.
    earned_minor: i64,
    /// Of that, what a person gave back for a ticket that stays as it is.
    by_hand_minor: i64,
}

impl Places {
    /// All changes of one decision, as committed, and the state after them.
    pub(super) fn take(
        &mut self,
        changes: &[Change],
        state: &State,
        rules: &Rules,
    ) -> Result<(), Broken> {
        if rules.shop.products.is_empty() {
            return Ok(());
        }
        let of_tickets = changes.iter().any(|change| matches!(change, Change::TicketActed(_)));
        let (mut slots, mut moved) = (BTreeSet::new(), BTreeMap::new());
        // What people did first: a grant and its end may stand in one decision.
        for change in changes {
            match change {
                Change::Order(order) => self.order(order, changes, &mut slots)?,
                Change::Ticket(ticket) => self.ticket(ticket, &mut slots)?,
                Change::Slot(slot) => {
                    slots.insert(slot.id.clone());
                }
                Change::Posting(posting) => {
                    self.earned_minor += earned(posting);
                    if !of_tickets {
                        self.by_hand_minor += (-earned(posting)).max(0);
                    }
                }
                Change::Walked { lane, way, count, .. } => {
                    went(&mut moved, rules, lane, *way, i64::from(*count));
                }
                _ => {}
            }
        }
        let mut granted = Vec::new();
        for change in changes {
            if let Change::Admission(admission) = change {
                let former = self.admissions.insert(admission.id, admission.clone());
                let was = former.map(|former| former.state);
                if admission.state == AdmissionState::Used && was != Some(AdmissionState::Used) {
                    went(&mut moved, rules, &admission.lane, admission.way, 1);
                }
                if was.is_none() && admission.way == Way::In {
                    granted.push(admission);
                }
            }
        }
        self.counted(changes);
        self.crowds(changes, &moved)?;
        granted.into_iter().try_for_each(|admission| self.granted(admission, rules))?;
        slots.iter().try_for_each(|slot| self.slot(slot, state, rules))
    }

    // ---- what is sold ------------------------------------------------------------------------------

    /// One that is paid earns its amount there and then.
    fn order(
        &mut self,
        order: &Order,
        changes: &[Change],
        slots: &mut BTreeSet<SlotId>,
    ) -> Result<(), Broken> {
        let Some(basket) = &order.basket else { return Ok(()) };
        slots.extend(basket.lines.iter().filter_map(|line| line.slot.clone()));
        let former = self.orders.insert(order.id, order.clone());
        let was_paid = former.is_some_and(|f| matches!(f.state, OrderState::Paid { .. }));
        let OrderState::Paid { by, .. } = order.state else { return Ok(()) };
        if was_paid || order.amount.is_zero() {
            return Ok(());
        }
        let of_it = |posting: &&Posting| match by {
            PaidBy::Payment(id) => posting.payment == Some(id),
            PaidBy::Cash(id) => posting.cash == Some(id),
            PaidBy::Counter | PaidBy::Pass(_) => true,
        };
        let postings = changes.iter().filter_map(|change| match change {
            Change::Posting(posting) => Some(posting),
            _ => None,
        });
        let minor: i64 = postings.filter(of_it).map(earned).sum();
        law(Law::TicketsEarn, minor == order.amount.minor, || {
            format!("{minor} earned by {order:?}")
        })
    }

    /// What went back stays so, and no code comes back to life.
    fn ticket(&mut self, ticket: &Ticket, slots: &mut BTreeSet<SlotId>) -> Result<(), Broken> {
        slots.extend(ticket.sold.iter().filter_map(|sold| sold.slot.clone()));
        let Some(former) = self.tickets.insert(ticket.id, ticket.clone()) else { return Ok(()) };
        slots.extend(former.sold.iter().filter_map(|sold| sold.slot.clone()));
        let alive = former.revoked && !ticket.revoked;
        law(Law::RightsKept, !alive && ticket.edition >= former.edition, || {
            format!("{ticket:?} after {former:?}")
        })
    }

    /// Sold is paid and held; each is what orders and tickets say; and there are so many places.
    fn slot(&self, id: &SlotId, state: &State, rules: &Rules) -> Result<(), Broken> {
        let Some(slot) = state.slots.get(id) else { return Ok(()) };
        let of = |slot: &Option<SlotId>| slot.as_ref() == Some(id);
        let due = self.orders.values().filter(|order| order.state == OrderState::Due);
        let lines = due.flat_map(|order| order.basket.iter().flat_map(|basket| &basket.lines));
        let held: u32 = lines.filter(|line| of(&line.slot)).map(Line::places).sum();
        let mine = self.tickets.values().filter(|t| t.sold.as_ref().is_some_and(|s| of(&s.slot)));
        // Whoever came in on one that was revoked takes a place still.
        let paid: u32 = mine.map(|t| if t.revoked { t.used } else { t.persons }).sum();
        law(Law::PlacesCounted, (slot.held(), slot.paid()) == (held, paid), || {
            format!("{held} held and {paid} paid, but {slot:?}")
        })?;
        let places = places_of(slot, rules);
        law(Law::PlacesKept, places.is_none_or(|places| held + paid <= places), || {
            format!("{held} held and {paid} paid of {places:?} in {slot:?}")
        })
    }

    // ---- who is let in -----------------------------------------------------------------------------

    /// By its product: in its time, where it is good, as often as it allows; and while there is room.
    fn granted(&self, admission: &Admission, rules: &Rules) -> Result<(), Broken> {
        let Some(zone) = rules.gates.get(&admission.lane).map(|gate| &gate.zone) else {
            return Ok(());
        };
        if let Some(most) =
            rules.tickets.persons_max.get(zone).filter(|_| admission.ticket.is_some())
        {
            let day = Some(day_of(admission.at, &rules.zone, rules.tickets.day_begins));
            let known = self.inside.get(zone).filter(|(counted, _)| *counted == day);
            let inside = known.map_or(0, |(_, inside)| (*inside).max(0));
            let coming = self.open_into(zone, rules);
            law(Law::CrowdKept, inside + coming <= i64::from(*most), || {
                format!("{inside} inside {zone}, {coming} let in, {most} at most: {admission:?}")
            })?;
        }
        let Some(ticket) = admission.ticket.and_then(|id| self.tickets.get(&id)) else {
            return Ok(());
        };
        let Some(sold) = &ticket.sold else { return Ok(()) };
        let product = rules.shop.products.get(&sold.product);
        let area = product.and_then(|p| p.areas.iter().find(|area| area.zone == *zone));
        let in_time = ticket.valid_from <= admission.at && admission.at <= ticket.valid_until;
        let fits = in_time && !ticket.revoked && area.is_some();
        law(Law::RightsKept, fits, || format!("{admission:?} on {ticket:?}"))?;
        let of = |again: bool| {
            let same = |a: &&Admission| {
                a.ticket == Some(ticket.id)
                    && a.way == Way::In
                    && rules.gates.get(&a.lane).is_some_and(|gate| gate.zone == *zone)
                    && a.state != AdmissionState::GivenBack
                    && (a.again != Again::First) == again
            };
            self.admissions.values().filter(same).count() as u64
        };
        let persons = u64::from(ticket.persons);
        let returns = area.and_then(|area| area.returns).map(|most| u64::from(most) * persons);
        let kept = of(false) <= persons && returns.is_none_or(|most| of(true) <= most);
        law(Law::RightsKept, kept, || {
            format!("{} first and {} again on {ticket:?}", of(false), of(true))
        })
    }

    /// Let in and not through yet, at gates that lead into a zone.
    fn open_into(&self, zone: &ZoneId, rules: &Rules) -> i64 {
        let coming = |a: &&Admission| {
            a.state == AdmissionState::Granted
                && a.way == Way::In
                && rules.gates.get(&a.lane).is_some_and(|gate| gate.zone == *zone)
        };
        self.admissions.values().rev().take(200).filter(coming).count() as i64
    }

    /// An operator counted: from now on that is what is inside.
    fn counted(&mut self, changes: &[Change]) {
        for change in changes {
            if let Change::Crowd(crowd) = change
                && crowd.counted.is_some()
            {
                self.inside.insert(crowd.id.clone(), (Some(crowd.day), crowd.inside));
            }
        }
    }

    /// Persons inside are those who went in and not out since the day began.
    fn crowds(&mut self, changes: &[Change], moved: &BTreeMap<ZoneId, i64>) -> Result<(), Broken> {
        for (zone, by) in moved {
            let last = |change: &Change| match change {
                Change::Crowd(crowd) if crowd.id == *zone => Some(crowd.clone()),
                _ => None,
            };
            let Some(crowd) = changes.iter().rev().find_map(last) else { continue };
            let known = self.inside.entry(zone.clone()).or_default();
            if known.0 != Some(crowd.day) {
                *known = (Some(crowd.day), 0);
            }
            known.1 += by;
            let Crowd { inside, .. } = crowd;
            law(Law::CrowdKept, inside == known.1, || {
                format!("{zone} is told to hold {inside}, and {} went in and not out", known.1)
            })?;
        }
        Ok(())
    }

    /// When all is over: what tickets earned is at least what those that are good cost and what was kept of the others.
    pub(super) fn earned(&self) -> Result<(), Broken> {
        let sold = self.tickets.values().filter_map(|ticket| ticket.sold.as_ref());
        let worth: i64 = sold.map(|sold| sold.price.minor + sold.kept_minor).sum();
        let earned = self.earned_minor + self.by_hand_minor;
        law(Law::TicketsEarn, earned >= worth, || {
            format!("{earned} earned, tickets are worth {worth}")
        })
    }
}

fn earned(posting: &Posting) -> i64 {
    match (posting.debit, posting.credit) {
        (_, Account::TicketRevenue) => posting.amount.minor,
        (Account::TicketRevenue, _) => -posting.amount.minor,
        _ => 0,
    }
}

fn went(moved: &mut BTreeMap<ZoneId, i64>, rules: &Rules, lane: &LaneId, way: Way, count: i64) {
    let Some(gate) = rules.gates.get(lane) else { return };
    let signed = match way {
        Way::In => count,
        Way::Out => -count,
        Way::Both => 0,
    };
    *moved.entry(gate.zone.clone()).or_default() += signed;
}

fn places_of(slot: &Slot, rules: &Rules) -> Option<u32> {
    let schedule = rules.shop.schedules.get(&slot.schedule)?;
    let span = schedule.span(&slot.schedule, slot.day, &slot.id, &rules.tariffs);
    slot.places.or(span.map(|span| span.capacity))
}
