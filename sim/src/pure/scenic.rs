//! A scenic site's visitors in virtual time: they ask for tickets, pay in every way or not at all, change their mind, come
//! alone or in groups, go out and come back. Know no turnstile.

use std::time::Duration;

use jiff::{Timestamp, ToSpan, civil::Date};
use paifang::{
    core::{
        Input,
        input::Answer,
        money::{OrderState, PaidBy},
        rules::ShortCodes,
        selling::{Asker, Back, Bought, LineAsked, MoveAsked, PaidWith, ReturnAsked, TicketsAsked},
        ticket::{Medium, Ticket},
    },
    types::{ClosureId, OrderId, ProductId, SlotId, TicketId},
};

use super::{
    check::Broken,
    counter::{AGAIN, Ev as CounterEv},
    run::Run,
    site::Feature,
    stall::{Codes, counter, park, schedule, tower},
};
use crate::{
    queue::Queue,
    seed::{Draws, Seed},
};

/// Orders asked for in a day.
const PER_DAY: f64 = 160.0;
/// A visitor looks so often, this far apart, whether the tickets are there.
const COUNTS: f64 = 6.0;
const LOOKS: u32 = 24;
const LOOK_EVERY: Duration = Duration::from_secs(45);

#[derive(Clone, Debug)]
pub(super) enum Ev {
    /// Somebody wants tickets.
    Wants,
    /// Looks whether they are paid.
    Looks(OrderId, u32),
    GivesBack(TicketId),
    Moves(TicketId),
    /// A person at the window prints what was bought.
    Prints(TicketId),
    Comes(TicketId),
    /// The site closes for tomorrow.
    Closes,
    /// Cash that a closure owes.
    Fetches(OrderId),
    /// An operator counts who is inside.
    Counts,
}

#[derive(Debug)]
pub(super) struct Scenic {
    pub(super) draws: Draws,
    pub(super) queue: Queue<Ev>,
    keys: u32,
}

impl Scenic {
    pub(super) fn new(seed: u64, now: Timestamp) -> Self {
        let mut draws = Seed(seed).child("scenic").draws();
        let mut queue = Queue::new();
        if Feature::Scenic.is_of(seed) {
            queue.put(now + draws.wait(PER_DAY), Ev::Wants);
            queue.put(now + draws.wait(COUNTS), Ev::Counts);
            if draws.chance(0.3) {
                queue.put(now + draws.secs(8.0 * 3_600.0, 20.0 * 3_600.0), Ev::Closes);
            }
        }
        Self { draws, queue, keys: 0 }
    }

    fn key(&mut self) -> String {
        self.keys += 1;
        format!("k{}", self.keys)
    }
}

// ---- what visitors do ------------------------------------------------------------------------------

impl Run {
    pub(super) fn scenic_turn(&mut self) -> Result<(), Broken> {
        while let Some(event) = self.scenic.queue.take(self.now) {
            if self.machine.is_down() {
                self.scenic.queue.put(self.now + Duration::from_mins(1), event);
                continue;
            }
            match event {
                Ev::Wants => self.wants_tickets()?,
                Ev::Looks(order, looks) => self.looks_for_tickets(order, looks),
                Ev::GivesBack(ticket) => self.gives_back(ticket)?,
                Ev::Moves(ticket) => self.moves_to_another_time(ticket)?,
                Ev::Prints(ticket) => {
                    let (tickets, who, reason) = (vec![ticket], "li".to_owned(), String::new());
                    if let Some(Ok(_)) =
                        self.step(Input::TicketsPrinted { tickets, who, reason })?
                    {
                        self.tally.add("ticket: printed");
                    }
                }
                Ev::Comes(ticket) => self.comes(ticket),
                Ev::Closes => self.closes_tomorrow()?,
                Ev::Fetches(order) => self.fetches_cash(order)?,
                Ev::Counts => self.counts_persons()?,
            }
        }
        Ok(())
    }

    fn today(&self) -> Date {
        self.core_now().to_zoned_datetime(self.spec.rules.zone.clone()).date()
    }

    /// A time slot of today or tomorrow that is not over.
    fn some_slot(&mut self) -> Option<(Date, SlotId)> {
        let now = self.core_now().to_zoned_datetime(self.spec.rules.zone.clone());
        let minutes = now.hour() as u32 * 60 + now.minute() as u32;
        let tomorrow = self.scenic.draws.chance(0.25);
        let day = if tomorrow { now.date().checked_add(1.day()).ok()? } else { now.date() };
        let plans = &self.spec.rules.shop.schedules.get(&schedule())?.plans;
        let spans = plans.first()?.spans.iter().filter(|s| tomorrow || s.to > minutes + 60);
        let ids: Vec<SlotId> = spans.filter_map(|span| span.id(&schedule(), day)).collect();
        // Most come soon.
        let soon = self.scenic.draws.chance(0.7);
        let most = if soon { 1 } else { ids.len().saturating_sub(1) };
        let nth = self.scenic.draws.between(0, most as u64) as usize;
        Some((day, ids.get(nth.min(ids.len().saturating_sub(1)))?.clone()))
    }

    fn wants_tickets(&mut self) -> Result<(), Broken> {
        if self.drains {
            return Ok(());
        }
        let after = self.scenic.draws.wait(PER_DAY);
        self.scenic.queue.put(self.now + after, Ev::Wants);
        let Some((day, slot)) = self.some_slot() else { return Ok(()) };
        let draws = &mut self.scenic.draws;
        let by = draws.pick(&["page", "page", "kiosk", "agent", "window"]);
        let what = draws.pick(&["adult", "adult", "group", "both", "child", "annual"]);
        let (tickets, persons) = match what {
            "group" => (1, draws.between(3, 6) as u32),
            "annual" => (1, 1),
            _ => (draws.between(1, 3) as u32, 1),
        };
        let product = ProductId::parse(what).expect("a product of this file");
        let slot = (what != "annual").then_some(slot);
        let line = LineAsked { product, day, slot, tickets, persons, visitors: Vec::new() };
        let (key, medium) = (self.scenic.key(), Medium::Any);
        let asked = TicketsAsked { counter: counter(by), key, lines: vec![line], medium };
        let Some(told) = self.step(Input::TicketsAsked(asked.clone()))? else { return Ok(()) };
        let Ok(Answer::Order(order)) = told else {
            self.tally.add("ticket: no place, or not sold");
            return Ok(());
        };
        self.tally.add("ticket: asked for");
        if self.scenic.draws.chance(0.1) {
            // Asked twice, as a phone with poor signal does: the same order.
            self.step(Input::TicketsAsked(asked))?;
        }
        self.pays_for_tickets(order, by)?;
        self.scenic.queue.put(self.now + LOOK_EVERY, Ev::Looks(order, 0));
        Ok(())
    }

    fn pays_for_tickets(&mut self, order: OrderId, by: &str) -> Result<(), Broken> {
        if self.scenic.draws.chance(0.12) {
            self.tally.add("ticket: thought better of it");
            if self.scenic.draws.chance(0.5) {
                self.step(Input::SaleCancelled { counter: counter(by), order })?;
            }
            return Ok(());
        }
        match by {
            "agent" => {
                self.step(Input::TicketsConfirmed { counter: counter(by), order })?;
            }
            "window" if self.counter.is_staffed() => {
                self.counter.queue.put(self.now + AGAIN, CounterEv::Serve(order, 0));
            }
            _ => {
                if let Some(Ok(Answer::Payment(payment))) = self.step(Input::PayAsked { order })? {
                    // Now and then so late that the places are somebody else's.
                    let late = self.scenic.draws.chance(0.1);
                    let waits = if late { Duration::from_mins(16) } else { AGAIN };
                    self.counter.queue.put(self.now + waits, CounterEv::Phone(payment, 0));
                }
            }
        }
        Ok(())
    }

    fn looks_for_tickets(&mut self, id: OrderId, looks: u32) {
        let Some(order) = self.books.orders.get(&id) else { return };
        let tickets = order.basket.as_ref().map(|basket| basket.tickets.clone());
        if !matches!(order.state, OrderState::Paid { .. }) {
            if looks < LOOKS {
                self.scenic.queue.put(self.now + LOOK_EVERY, Ev::Looks(id, looks + 1));
            }
            return;
        }
        self.tally.add("ticket: bought");
        for ticket in tickets.unwrap_or_default() {
            let draws = &mut self.scenic.draws;
            let soon = self.now + draws.secs(30.0, 1_800.0);
            match draws.between(0, 99) {
                0..=11 => self.scenic.queue.put(soon, Ev::GivesBack(ticket)),
                12..=23 => self.scenic.queue.put(soon, Ev::Moves(ticket)),
                24..=33 => self.scenic.queue.put(soon, Ev::Prints(ticket)),
                _ => {}
            }
            self.plans_to_come(ticket);
        }
    }

    /// In its time, mostly; some come early, late, or not at all.
    fn plans_to_come(&mut self, id: TicketId) {
        let Some(ticket) = self.gates.ticket(id) else { return };
        let (from, until) = (ticket.valid_from, ticket.valid_until);
        let draws = &mut self.scenic.draws;
        if draws.chance(0.08) {
            return self.tally.add("ticket: no show");
        }
        let begins = (from - self.machine.ahead).max(self.now);
        let lasts = until.duration_since(from).unsigned_abs().min(Duration::from_hours(3));
        let at = begins + draws.secs(0.0, lasts.as_secs_f64());
        self.scenic.queue.put(at, Ev::Comes(id));
    }

    /// With its code of today, or now and then the one it had first.
    fn comes(&mut self, id: TicketId) {
        let Some(ticket) = self.gates.ticket(id) else { return };
        if self.drains {
            return;
        }
        let (persons, areas) = (ticket.persons, ticket.areas.len());
        let (edition, digest) = (ticket.edition, ticket.digest);
        let old = edition > 0 && self.scenic.draws.chance(0.2);
        let code = if old { Codes.ticket(id, 0) } else { digest };
        let wrong_gate = self.scenic.draws.chance(0.03);
        let tower_too = areas > 1 || wrong_gate;
        self.people.group_comes(self.now, code, persons, tower_too);
    }

    // ---- thinking better of it -----------------------------------------------------------------------

    /// The orders of a ticket, with what paid them, as the tables have it.
    fn bought(&self, ticket: &Ticket) -> Vec<Bought> {
        let Some(sold) = &ticket.sold else { return Vec::new() };
        let more = sold.more.iter().map(|more| more.order);
        std::iter::once(sold.order).chain(more).filter_map(|id| self.bought_by(id)).collect()
    }

    fn bought_by(&self, id: OrderId) -> Option<Bought> {
        let order = self.books.orders.get(&id)?.clone();
        let OrderState::Paid { by, .. } = order.state else { return None };
        let with = match by {
            PaidBy::Payment(id) => PaidWith::Payment(self.books.payments.get(&id)?.clone()),
            PaidBy::Cash(id) => PaidWith::Cash(self.books.shifts.cash.get(&id)?.clone()),
            PaidBy::Counter => PaidWith::Counter,
            PaidBy::Pass(_) => return None,
        };
        Some(Bought { order, with })
    }

    fn asker(&mut self, bought: &[Bought]) -> Asker {
        let cash = bought.iter().any(|one| matches!(one.with, PaidWith::Cash(_)));
        let agent = bought.iter().any(|one| matches!(one.with, PaidWith::Counter));
        let against_rules = self.scenic.draws.chance(0.2).then(|| "ill".to_owned());
        match self.on_duty() {
            Some(who) if cash => Asker::Operator { who, against_rules },
            _ if agent => Asker::Counter(counter("agent")),
            _ => Asker::Visitor,
        }
    }

    fn gives_back(&mut self, id: TicketId) -> Result<(), Broken> {
        let Some(ticket) = self.gates.ticket(id).cloned() else { return Ok(()) };
        let some = self.scenic.draws.between(1, u64::from(ticket.persons.max(1))) as u32;
        let all = self.scenic.draws.chance(0.5);
        let persons = if all { ticket.persons } else { some };
        let tickets = vec![Back { ticket: id, persons, of: ticket.persons }];
        let bought = self.bought(&ticket);
        let (key, by) = (self.scenic.key(), self.asker(&bought));
        let asked = ReturnAsked { key, tickets, bought, by };
        match self.step(Input::TicketsReturned(asked))? {
            Some(Ok(_)) if persons < ticket.persons => {
                self.tally.add("ticket: some of a group went back")
            }
            Some(Ok(_)) => self.tally.add("ticket: went back"),
            _ => self.tally.add("ticket: not taken back"),
        }
        Ok(())
    }

    fn moves_to_another_time(&mut self, id: TicketId) -> Result<(), Broken> {
        let Some(ticket) = self.gates.ticket(id).cloned() else { return Ok(()) };
        let Some((day, slot)) = self.some_slot() else { return Ok(()) };
        let slot = ticket.sold.as_ref().and_then(|sold| sold.slot.as_ref()).map(|_| slot);
        let bought = self.bought(&ticket);
        let (key, by) = (self.scenic.key(), self.asker(&bought));
        let asked =
            MoveAsked { counter: counter("page"), key, tickets: vec![id], day, slot, bought, by };
        match self.step(Input::TicketsMoved(asked))? {
            Some(Ok(Answer::Order(order))) => {
                self.tally.add("ticket: moved for more");
                self.pays_for_tickets(order, "page")?;
            }
            Some(Ok(_)) => self.tally.add("ticket: moved"),
            _ => return Ok(()),
        }
        self.plans_to_come(id);
        Ok(())
    }

    fn closes_tomorrow(&mut self) -> Result<(), Broken> {
        let Ok(tomorrow) = self.today().checked_add(1.day()) else { return Ok(()) };
        let (who, reason) = ("li".to_owned(), "storm".to_owned());
        let asked = Input::ClosureAsked { from: tomorrow, until: tomorrow, who, reason };
        if let Some(Ok(_)) = self.step(asked)? {
            self.tally.add("ticket: a day closed");
        }
        Ok(())
    }

    /// What the tables say of orders that a closure gives back.
    pub(super) fn found_bought(
        &mut self,
        closure: ClosureId,
        after: TicketId,
        orders: &[OrderId],
    ) -> Input {
        let bought: Vec<Bought> = orders.iter().filter_map(|id| self.bought_by(*id)).collect();
        for one in &bought {
            if matches!(one.with, PaidWith::Cash(_)) {
                let at = self.now + Duration::from_mins(20);
                self.scenic.queue.put(at, Ev::Fetches(one.order.id));
            }
        }
        Input::ClosureFound { closure, after, bought }
    }

    fn counts_persons(&mut self) -> Result<(), Broken> {
        if self.drains {
            return Ok(());
        }
        let after = self.scenic.draws.wait(COUNTS);
        self.scenic.queue.put(self.now + after, Ev::Counts);
        for zone in [park(), tower()] {
            let found = self.people.inside(&zone);
            let (who, reason) = ("li".to_owned(), "round".to_owned());
            self.step(Input::CrowdCounted { zone, found, who, reason })?;
        }
        self.tally.add("crowd: counted");
        Ok(())
    }

    fn fetches_cash(&mut self, order: OrderId) -> Result<(), Broken> {
        let (Some(bought), Some(who)) = (self.bought_by(order), self.on_duty()) else {
            return Ok(());
        };
        if let Some(Ok(_)) =
            self.step(Input::CashFetched { bought, who, second: Some("the shift leader".into()) })?
        {
            self.tally.add("ticket: cash fetched at the window");
        }
        Ok(())
    }
}
