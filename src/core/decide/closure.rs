//! Days on which the site stays closed: what was sold for them goes back, some orders at a time, over restarts. Knows no
//! table.

use std::collections::BTreeSet;

use jiff::{ToSpan, civil::Date};

use super::{
    Desk,
    returns::{CLOSURE, Parts, numbers},
};
use crate::{
    core::{
        change::Change,
        effect::Effect,
        input::{Answer, Refusal, Reply},
        money::{Order, OrderState},
        product::instant,
        selling::{Asker, Bought, Closure, NoChange, PaidWith},
        ticket::Ticket,
    },
    types::{ClosureId, OrderId, TicketId},
};

/// Days of one closure.
const DAYS_MAX: i64 = 60;
/// The tables are asked again after this, should the answer not come.
const PATIENCE_S: i64 = 30;

impl Desk<'_> {
    pub(super) fn closure_asked(
        &mut self,
        (from, until): (Date, Date),
        who: String,
        reason: &str,
    ) -> Reply {
        let reason = reason.trim().to_owned();
        if reason.is_empty() {
            return Err(Refusal::NoReason);
        }
        let today = self.now.to_zoned_datetime(self.rules.zone.clone()).date();
        let last = from.checked_add((DAYS_MAX - 1).days()).unwrap_or(from);
        if from < today || until < from || until > last {
            return Err(NoChange::DaysUnfit.into());
        }
        let same = |known: &&Closure| (known.from, known.until) == (from, until);
        if let Some(known) = self.state.closures.values().find(same) {
            return Ok(Answer::Closure(known.id));
        }
        let mut closure = Closure {
            id: self.next_closure(),
            from,
            until,
            who,
            reason,
            made_at: self.now,
            seen: TicketId(0),
            total: 0,
            done: 0,
            back_minor: 0,
            cash_minor: 0,
            used: 0,
            failed: 0,
            next_at: Some(self.now),
            over_at: None,
        };
        let of_it = self.state.tickets.values().filter(|ticket| self.is_of(ticket, &closure));
        closure.total = of_it.count() as u32;
        let id = closure.id;
        self.give_up_due(&closure);
        self.record(Change::Closure(closure));
        Ok(Answer::Closure(id))
    }

    /// Nobody pays for these days any more; money that is on its way goes back.
    fn give_up_due(&mut self, closure: &Closure) {
        let closed = |order: &&Order| {
            let lines = order.basket.iter().flat_map(|basket| &basket.lines);
            let mut days = lines.map(|line| line.day);
            order.state == OrderState::Due
                && days.any(|day| (closure.from..=closure.until).contains(&day))
        };
        let due: Vec<Order> = self.state.orders.values().filter(closed).cloned().collect();
        for mut order in due {
            if let Some(basket) = &mut order.basket {
                basket.given_up = true;
            }
            self.end_order(order, OrderState::Void);
        }
    }

    /// The closure that a day is in.
    pub(super) fn closed_on(&self, day: Date) -> Option<&Closure> {
        let mut all = self.state.closures.values();
        all.find(|closure| (closure.from..=closure.until).contains(&day))
    }

    /// It was sold for closed days only, and is good.
    fn is_of(&self, ticket: &Ticket, closure: &Closure) -> bool {
        let of_days = |ticket: &Ticket| {
            let day = self.line_of(ticket).ok()?.day;
            let ends = instant(closure.until, 1440, &self.rules.zone)?;
            let within = (closure.from..=closure.until).contains(&day);
            // A time slot may go over midnight; a ticket for several days is good on the others.
            let slot = ticket.sold.as_ref()?.slot.is_some();
            Some(within && (slot || ticket.valid_until <= ends))
        };
        self.alive(ticket.id).is_ok() && of_days(ticket) == Some(true)
    }

    /// The next tickets that nobody came in on, of so many orders.
    fn next_of(&self, closure: &Closure) -> Vec<Ticket> {
        let mut orders: BTreeSet<OrderId> = BTreeSet::new();
        let mut next = Vec::new();
        let after = TicketId(closure.seen.0 + 1)..;
        for ticket in self.state.tickets.range(after).map(|(_, ticket)| ticket) {
            if !self.is_of(ticket, closure) {
                continue;
            }
            orders.extend(ticket.sold.as_ref().map(|sold| sold.order));
            if orders.len() > self.rules.shop.closure_batch as usize {
                break;
            }
            next.push(ticket.clone());
        }
        next
    }

    pub(super) fn closure_due(&mut self, id: ClosureId) {
        let Some(mut closure) = self.closure(id).cloned() else { return };
        let next = self.next_of(&closure);
        if !next.is_empty() {
            let orders: BTreeSet<OrderId> = next.iter().flat_map(orders_of).collect();
            let after = closure.seen;
            closure.next_at =
                self.now.checked_add(jiff::SignedDuration::from_secs(PATIENCE_S)).ok();
            self.record(Change::Closure(closure));
            let orders = orders.into_iter().collect();
            return self.act(Effect::FindBought { closure: id, after, orders });
        }
        // All is seen to; the days stay closed until they are over.
        let ends = instant(closure.until, 1440, &self.rules.zone);
        closure.next_at = ends.filter(|ends| *ends > self.now);
        closure.over_at = closure.next_at.is_none().then_some(self.now);
        self.record(Change::Closure(closure));
    }

    /// The same tickets as were asked for, less those that went back meanwhile.
    pub(super) fn closure_found(
        &mut self,
        id: ClosureId,
        after: TicketId,
        bought: &[Bought],
    ) -> Reply {
        let known = self.closure(id).filter(|closure| closure.seen == after).cloned();
        let Some(mut closure) = known else { return Ok(Answer::Duplicate) };
        let by = Asker::Operator {
            who: closure.who.clone(),
            against_rules: Some(closure.reason.clone()),
        };
        let next = self.next_of(&closure);
        for (at, tickets) in next.chunk_by(|a, b| order_of(a) == order_of(b)).enumerate() {
            let seen = tickets.last().map_or(closure.seen, |ticket| ticket.id);
            let wanted = tickets.iter().flat_map(orders_of);
            let known = wanted.into_iter().all(|id| bought.iter().any(|b| b.order.id == id));
            match (known, at) {
                (true, _) => self.close_order(&mut closure, tickets, bought, &by),
                // The first was asked for and the tables do not know it: a person looks.
                (false, 0) => closure.failed += tickets.len() as u32,
                // It was not asked for yet.
                (false, _) => break,
            }
            closure.seen = seen;
        }
        closure.next_at = Some(self.now);
        self.record(Change::Closure(closure));
        Ok(Answer::Done)
    }

    fn close_order(
        &mut self,
        closure: &mut Closure,
        tickets: &[Ticket],
        bought: &[Bought],
        by: &Asker,
    ) {
        let mut parts = Parts::new();
        let mut back = Vec::new();
        for ticket in tickets {
            let left = ticket.persons.saturating_sub(ticket.used);
            if ticket.held > 0 || left == 0 || ticket.used > 0 && ticket.persons == 1 {
                closure.used += 1;
                continue;
            }
            let minor = self.part(ticket, left, 100, &mut parts);
            back.push((ticket.clone(), left, minor));
        }
        let known: Vec<Bought> =
            bought.iter().filter(|b| parts.contains_key(&b.order.id)).cloned().collect();
        let numbers = numbers(back.iter().map(|(ticket, ..)| ticket.id));
        for (ticket, left, minor) in back {
            closure.done += 1;
            self.take_back(ticket, (left, minor), by);
        }
        // What a person gave back of it before is not given back again.
        for bought in &known {
            if let (PaidWith::Payment(payment), Some(minor)) =
                (&bought.with, parts.get_mut(&bought.order.id))
            {
                *minor = (*minor).min(payment.amount.minor - self.state.given_back(payment.id));
            }
        }
        let key = format!("{CLOSURE}{}", closure.id);
        let returned = self.pay_back(&parts, &known, &key, by, &numbers);
        closure.back_minor += returned.back.minor;
        let cash = known.iter().filter(|bought| matches!(bought.with, PaidWith::Cash(_)));
        let cash: i64 = cash.filter_map(|bought| parts.get(&bought.order.id)).sum();
        closure.cash_minor += cash;
    }
}

fn order_of(ticket: &Ticket) -> Option<OrderId> {
    ticket.sold.as_ref().map(|sold| sold.order)
}

/// All that paid a part of it.
fn orders_of(ticket: &Ticket) -> Vec<OrderId> {
    let more = ticket.sold.iter().flat_map(|sold| sold.more.iter().map(|more| more.order));
    order_of(ticket).into_iter().chain(more).collect()
}
