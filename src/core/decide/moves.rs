//! Tickets moved to another day or time slot: at once, or once the difference is paid. Knows no gate.

use super::{
    Desk,
    returns::{Parts, may_ask, numbers},
};
use crate::{
    core::{
        basket::Line,
        change::Change,
        input::{Answer, Refusal, Reply},
        money::Order,
        selling::{LineAsked, MoveAsked, NoChange, NoSale, TicketDid},
        slot::Place,
        ticket::{Medium, More, Ticket},
    },
    types::{CounterId, OrderId, TicketId},
};

impl Desk<'_> {
    pub(super) fn tickets_moved(&mut self, asked: MoveAsked) -> Reply {
        if !(1..=super::sale::KEY_CHARS_MAX).contains(&asked.key.chars().count()) {
            return Err(NoSale::OrderUnfit.into());
        }
        if let Some(known) = self.state.sale_of(&asked.counter, &asked.key) {
            let same = known.basket.as_ref().is_some_and(|basket| basket.moves == asked.tickets);
            return if same {
                Ok(Answer::Order(known.id))
            } else {
                Err(Refusal::SaleDiffers(known.id))
            };
        }
        let tickets = self.movable(&asked)?;
        let line = self.new_line(&asked, &tickets)?;
        let Some(first) = tickets.first() else { return Err(NoChange::MixedMove.into()) };
        if tickets.iter().all(|ticket| self.is_there(ticket, &line)) {
            return Ok(Answer::Duplicate);
        }
        let seller = CounterId::parse(&first.made_by).unwrap_or_else(|| asked.counter.clone());
        let leaving = tickets.iter().map(|ticket| self.line_of(ticket));
        let leaving = leaving.collect::<Result<Vec<_>, _>>()?;
        self.may_take_for(std::slice::from_ref(&line), &seller, &leaving)?;
        let paid = first.sold.as_ref().map_or(0, |sold| sold.price.minor);
        let more = line.price.minor - paid;
        if more > 0 {
            return self.ask_for_more(asked, line, more);
        }
        self.move_now(&asked, tickets, &line, -more)
    }

    /// The tickets, of one product and price, bought by one order, that may be moved.
    fn movable(&self, asked: &MoveAsked) -> Result<Vec<Ticket>, NoChange> {
        let mut tickets: Vec<Ticket> = Vec::with_capacity(asked.tickets.len());
        for id in &asked.tickets {
            let ticket = self.unused(*id)?;
            let line = self.line_of(ticket)?;
            let rules = self.rules.shop.products.get(&line.product);
            let moved = ticket.sold.as_ref().map_or(0, |sold| sold.moved);
            let begins = self.begins_of(ticket);
            let may = rules.is_some_and(|product| product.may_move(begins, self.now, moved));
            if !may && asked.by.reason().is_none() || !may_ask(ticket, &asked.by) {
                return Err(NoChange::AgainstRules(*id));
            }
            let alike = |first: &Ticket| {
                let same =
                    |a: &Ticket| a.sold.as_ref().map(|s| (s.order, s.product.clone(), s.price));
                same(first) == same(ticket) && first.persons == ticket.persons && first.id != *id
            };
            if tickets.first().is_some_and(|first| !alike(first)) {
                return Err(NoChange::MixedMove);
            }
            tickets.push(ticket.clone());
        }
        Ok(tickets)
    }

    /// What the tickets would be if they were sold now for the new time.
    fn new_line(&self, asked: &MoveAsked, tickets: &[Ticket]) -> Result<Line, Refusal> {
        let first = tickets.first().ok_or(NoChange::MixedMove)?;
        let line = self.line_of(first)?;
        let known = self.rules.shop.products.get(&line.product);
        let product = known.ok_or_else(|| NoSale::NoProduct(line.product.clone()))?;
        let wanted = LineAsked {
            product: line.product,
            day: asked.day,
            slot: asked.slot.clone(),
            tickets: tickets.len() as u32,
            persons: first.persons,
            visitors: tickets.iter().filter_map(|ticket| ticket.visitor.clone()).collect(),
        };
        // A group of which some went back may be smaller than one that is sold.
        let (min, _) = product.persons();
        let whole = LineAsked { persons: wanted.persons.max(min), ..wanted.clone() };
        let line = self.line(product, &whole)?;
        let minor = super::returns::share(line.price.minor, wanted.persons, whole.persons);
        Ok(Line { persons: wanted.persons, price: self.money(minor), ..line })
    }

    fn is_there(&self, ticket: &Ticket, line: &Line) -> bool {
        self.line_of(ticket).is_ok_and(|now| (now.day, now.slot) == (line.day, line.slot.clone()))
    }

    /// The new time costs more: its places are held until that is paid.
    fn ask_for_more(&mut self, asked: MoveAsked, line: Line, more: i64) -> Reply {
        let line = Line { price: self.money(more), ..line };
        let mut basket = self.new_basket(vec![line], Medium::Any)?;
        basket.moves = asked.tickets;
        let order = self.ticket_order(asked.counter, asked.key, basket)?;
        Ok(Answer::Order(self.hold(order)))
    }

    fn move_now(
        &mut self,
        asked: &MoveAsked,
        tickets: Vec<Ticket>,
        line: &Line,
        less: i64,
    ) -> Reply {
        let product = self.rules.shop.products.get(&line.product);
        let refunds = product.and_then(|product| product.rebook).is_some_and(|r| r.refund_down);
        let mut parts = Parts::new();
        if refunds && less > 0 {
            for ticket in &tickets {
                let price = ticket.sold.as_ref().map_or(0, |sold| sold.price.minor).max(1);
                part_of(ticket, less.min(price), &mut parts);
            }
            self.payable(&parts, &asked.bought, &asked.by)?;
        }
        let mut after = Vec::with_capacity(tickets.len());
        for ticket in tickets {
            let mut moved = self.placed(ticket.clone(), line)?;
            if let Some(sold) = moved.sold.as_mut().filter(|_| refunds) {
                lower(sold, less);
            }
            after.push((ticket, moved));
        }
        let (who, reason) = (asked.by.name(), asked.by.reason().unwrap_or_default().to_owned());
        for (ticket, moved) in after {
            self.put_moved(&ticket, moved, line, &who, &reason);
        }
        if parts.values().all(|minor| *minor == 0) {
            return Ok(Answer::Done);
        }
        let why = numbers(asked.tickets.iter().copied());
        let returned = self.pay_back(&parts, &asked.bought, &asked.key, &asked.by, &why);
        Ok(Answer::Returned(returned))
    }

    /// The ticket as it is at its new time, under a new code.
    fn placed(&self, ticket: Ticket, line: &Line) -> Result<Ticket, NoChange> {
        let mut ticket = self.anew_off_paper(ticket)?;
        (ticket.valid_from, ticket.valid_until) = (line.valid_from, line.valid_until);
        if let Some(sold) = &mut ticket.sold {
            sold.slot.clone_from(&line.slot);
            sold.moved = sold.moved.saturating_add(1);
        }
        Ok(ticket)
    }

    /// Its old place is free, and its new one is its counter's.
    fn put_moved(&mut self, old: &Ticket, moved: Ticket, line: &Line, who: &str, reason: &str) {
        let Ok(before) = self.line_of(old) else { return };
        let one = Line {
            tickets: 1,
            persons: old.persons,
            visitors: old.visitor.iter().cloned().collect(),
            ..line.clone()
        };
        if let Some(counter) = CounterId::parse(&old.made_by) {
            self.free(before.slot.as_ref(), &counter, Place::Paid, old.persons);
            self.take(std::slice::from_ref(&one), &counter, Place::Paid);
        }
        self.count_visitors(&before, -1);
        self.count_visitors(&one, 1);
        self.did(&moved, TicketDid::Moved, who, reason);
        self.record(Change::Ticket(moved));
    }

    /// What the new time costs more was paid.
    pub(super) fn move_paid(&mut self, order: &mut Order) {
        let (Some(sale), Some(basket)) = (&order.sale, &mut order.basket) else { return };
        let Some(line) = basket.lines.first().cloned() else { return };
        let (id, who) = (order.id, sale.counter.to_string());
        for ticket in basket.moves.clone() {
            basket.tickets.push(ticket);
            self.move_one(id, ticket, &line, &who);
        }
    }

    fn move_one(&mut self, order: OrderId, ticket: TicketId, line: &Line, who: &str) {
        let Ok(old) = self.unused(ticket).cloned() else { return };
        // One that was printed very often keeps its code: it is moved all the same.
        let mut moved = self.placed(old.clone(), line).unwrap_or_else(|_| old.clone());
        if let Some(sold) = &mut moved.sold {
            sold.price.minor += line.price.minor;
            sold.more.push(More { order, minor: line.price.minor });
        }
        self.put_moved(&old, moved, line, who, "");
    }
}

/// What was given back of a price, of what was paid last first.
fn lower(sold: &mut crate::core::ticket::Sold, less: i64) {
    sold.price.minor -= less;
    let mut left = less;
    for more in sold.more.iter_mut().rev() {
        let part = left.min(more.minor);
        more.minor -= part;
        left -= part;
    }
    sold.more.retain(|more| more.minor > 0);
}

/// So much of a ticket's price goes back, of what was paid last first.
fn part_of(ticket: &Ticket, minor: i64, parts: &mut Parts) {
    let Some(sold) = &ticket.sold else { return };
    let mut left = minor;
    for more in sold.more.iter().rev() {
        let part = left.min(more.minor);
        *parts.entry(more.order).or_default() += part;
        left -= part;
    }
    *parts.entry(sold.order).or_default() += left;
}
