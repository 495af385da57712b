//! Tickets that go back: they let nobody in from then on, and what was paid goes where it came from. Knows no gate.

use std::collections::BTreeMap;

use super::{Desk, ledger::Entry, till::with_second};
use crate::{
    core::{
        basket::Line,
        change::Change,
        input::{Answer, Refusal, Reply},
        limit::Limited,
        money::{Account, Earned, Order, OrderState, PaidBy, PaymentState, RefundState, RefundWhy},
        selling::{Asker, Back, Bought, NoChange, PaidWith, ReturnAsked, Returned, TicketDid},
        slot::Place,
        ticket::{Sold, Ticket},
        till::{Cash, TillDid},
    },
    types::{CashId, CounterId, Money, OrderId, TicketId},
};

/// What goes back of each order, in minor units.
pub(super) type Parts = BTreeMap<OrderId, i64>;

impl Desk<'_> {
    pub(super) fn tickets_returned(&mut self, asked: ReturnAsked) -> Reply {
        let ReturnAsked { key, tickets, bought, by } = asked;
        let numbered = (1..=super::sale::KEY_CHARS_MAX).contains(&key.chars().count());
        if !numbered || tickets.is_empty() {
            return Err(crate::core::selling::NoSale::OrderUnfit.into());
        }
        if bought.iter().any(|bought| self.knows_return(bought, &key)) {
            return Ok(Answer::Duplicate);
        }
        let mut parts = Parts::new();
        let mut after = Vec::with_capacity(tickets.len());
        for back in &tickets {
            let (ticket, percent) = self.returnable(back, &by)?;
            if after.iter().any(|(known, ..): &(Ticket, u32, i64)| known.id == ticket.id) {
                return Err(NoChange::Changed(ticket.id).into());
            }
            let minor = self.part(&ticket, back.persons, percent, &mut parts);
            after.push((ticket, back.persons, minor));
        }
        self.payable(&parts, &bought, &by)?;
        for (ticket, persons, minor) in after {
            self.take_back(ticket, (persons, minor), &by);
        }
        let why = numbers(tickets.iter().map(|back| back.ticket));
        let returned = self.pay_back(&parts, &bought, &key, &by, &why);
        Ok(Answer::Returned(returned))
    }

    fn knows_return(&self, bought: &Bought, key: &str) -> bool {
        let known = |order: &Order| {
            order.basket.as_ref().is_some_and(|basket| basket.returns.iter().any(|k| k == key))
        };
        let refunded = match &bought.with {
            PaidWith::Payment(payment) => {
                self.state.refund_by(payment.id, &refund_key(key)).is_some()
            }
            PaidWith::Cash(_) | PaidWith::Counter => false,
        };
        refunded || known(&bought.order) || self.order(bought.order.id).is_some_and(known)
    }

    /// A ticket of which so many persons may go back, and the percentage of its price that goes with them.
    fn returnable(&self, back: &Back, by: &Asker) -> Result<(Ticket, u8), NoChange> {
        let ticket = self.alive(back.ticket)?;
        if ticket.persons != back.of {
            return Err(NoChange::Changed(ticket.id));
        }
        let left = ticket.persons.saturating_sub(ticket.used);
        if back.persons == 0 || ticket.held > 0 || back.persons > left {
            return Err(NoChange::Used(ticket.id));
        }
        if !may_ask(ticket, by) {
            return Err(NoChange::AgainstRules(ticket.id));
        }
        if by.reason().is_some() {
            return Ok((ticket.clone(), 100));
        }
        let line = self.line_of(ticket)?;
        let product = self.rules.shop.products.get(&line.product);
        let begins = self.begins_of(ticket);
        let percent = product.and_then(|product| product.refund_percent(begins, self.now));
        percent.map(|percent| (ticket.clone(), percent)).ok_or(NoChange::AgainstRules(ticket.id))
    }

    /// What goes back for so many persons of a ticket, in minor units: of what was paid last, first.
    pub(super) fn part(
        &self,
        ticket: &Ticket,
        persons: u32,
        percent: u8,
        parts: &mut Parts,
    ) -> i64 {
        let Some(sold) = &ticket.sold else { return 0 };
        let whole = share(sold.price.minor, persons, ticket.persons);
        let back = self.percent_of(whole, percent).minor;
        let mut left = back;
        for more in sold.more.iter().rev() {
            let part = left.min(share(more.minor, persons, ticket.persons));
            *parts.entry(more.order).or_default() += part;
            left -= part;
        }
        *parts.entry(sold.order).or_default() += left;
        back
    }

    /// Whether the money can go where it came from.
    pub(super) fn payable(
        &self,
        parts: &Parts,
        bought: &[Bought],
        by: &Asker,
    ) -> Result<(), Refusal> {
        let mut cash = 0_i64;
        for (id, minor) in parts.iter().filter(|(_, minor)| **minor > 0) {
            let found = bought.iter().find(|bought| bought.order.id == *id && paid_so(bought));
            match found.map(|bought| &bought.with) {
                None => return Err(NoChange::NotBought(*id).into()),
                Some(PaidWith::Cash(_)) => {
                    let Asker::Operator { who, .. } = by else {
                        return Err(NoChange::CashAtWindow.into());
                    };
                    self.shift_of(who).ok_or(NoChange::CashAtWindow)?;
                    cash += *minor;
                    let limited = Limited::CashBack(who.clone());
                    self.within(&limited, self.rules.limits.cash_back_day_minor, cash)?;
                }
                Some(PaidWith::Payment(payment)) => {
                    let left = payment.amount.minor - self.state.given_back(payment.id);
                    if *minor > left {
                        return Err(Refusal::RefundTooMuch(self.money(left)));
                    }
                    self.may_part(payment, *minor)?;
                }
                Some(PaidWith::Counter) => {}
            }
        }
        Ok(())
    }

    /// So many persons of a ticket may not come in any more, and so much goes back for them; their places are free.
    pub(super) fn take_back(
        &mut self,
        mut ticket: Ticket,
        (persons, back_minor): (u32, i64),
        by: &Asker,
    ) {
        let who = by.name();
        let (whole, of) = (persons >= ticket.persons, ticket.persons);
        self.free_place_of(&ticket, persons);
        if let Some(sold) = &mut ticket.sold {
            let cost = share(sold.price.minor, persons, of);
            sold.price.minor -= cost;
            sold.kept_minor += cost - back_minor;
            sold.more.iter_mut().for_each(|more| more.minor -= share(more.minor, persons, of));
            sold.returned += if whole { 0 } else { persons };
        }
        if whole {
            ticket.revoked = true;
            ticket.revoked_by.clone_from(&who);
        } else {
            ticket.persons -= persons;
        }
        let told = Ticket { persons, ..ticket.clone() };
        self.did(&told, TicketDid::Returned, &who, by.reason().unwrap_or_default());
        self.record(Change::Ticket(ticket));
    }

    /// So many persons of a ticket need no place in its time slot any more. Where that is all of them, its visitor may
    /// buy again.
    pub(super) fn free_place_of(&mut self, ticket: &Ticket, persons: u32) {
        let Ok(line) = self.line_of(ticket) else { return };
        if let Some(counter) = CounterId::parse(&ticket.made_by) {
            self.free(line.slot.as_ref(), &counter, Place::Paid, persons);
        }
        if persons >= ticket.persons {
            self.count_visitors(&line, -1);
        }
    }

    // ---- money -----------------------------------------------------------------------------------

    /// The money goes where it came from, under the asker's number. Whoever calls it has looked whether it can.
    pub(super) fn pay_back(
        &mut self,
        parts: &Parts,
        bought: &[Bought],
        key: &str,
        by: &Asker,
        why: &str,
    ) -> Returned {
        let zero = self.money(0);
        let mut returned = Returned { back: zero, cash: zero, waits: zero };
        for bought in bought {
            let minor = parts.get(&bought.order.id).copied().unwrap_or(0);
            let mut order = self.order(bought.order.id).unwrap_or(&bought.order).clone();
            if let Some(basket) = &mut order.basket {
                basket.returns.push(key.to_owned());
                if matches!(bought.with, PaidWith::Cash(_)) {
                    basket.cash_owed_minor += minor;
                }
            }
            self.record(Change::Order(order.clone()));
            if minor > 0 {
                returned.back.minor += minor;
                let handed = self.send_back(&order, &bought.with, minor, key, by, why);
                returned.cash.minor += handed;
                if matches!(bought.with, PaidWith::Cash(_)) {
                    returned.waits.minor += minor - handed;
                }
            }
        }
        returned
    }

    /// One order's part. Gives what of it was handed over in cash.
    fn send_back(
        &mut self,
        order: &Order,
        with: &PaidWith,
        minor: i64,
        key: &str,
        by: &Asker,
        why: &str,
    ) -> i64 {
        let (earned, amount) = (self.earned_by(order), self.money(minor));
        match with {
            PaidWith::Payment(payment) => {
                let reason = by.reason().map_or(why.to_owned(), |said| format!("{why}: {said}"));
                let asked = RefundWhy::Asked { who: by.name(), reason };
                let mut refund = self.new_refund(payment, amount, asked);
                refund.key = Some(refund_key(key));
                refund.earned = Some(earned);
                let closure = matches!(by, Asker::Operator { .. }) && key.starts_with(CLOSURE);
                let alone = by.reason().is_none() || closure;
                if !alone && minor > self.rules.till.approve_above_minor {
                    refund.state = RefundState::Waiting;
                    refund.next_ask = None;
                    self.record(Change::Refund(refund));
                } else {
                    self.let_go(refund);
                }
                0
            }
            PaidWith::Cash(cash) => match by {
                Asker::Operator { who, .. } if !key.starts_with(CLOSURE) => {
                    if self.two_above(who, None, minor).is_err() {
                        // It waits at the window until a second person stands there.
                        return 0;
                    }
                    self.hand_back(cash, &earned, amount, (who, None), why)
                }
                _ => 0,
            },
            PaidWith::Counter => {
                let entry = Entry::takes_back(&earned, Account::CounterReceivable, amount);
                self.book(Entry { order: Some(order.id), ..entry });
                0
            }
        }
    }

    /// Out of the drawer of whoever gives it.
    pub(super) fn hand_back(
        &mut self,
        of: &Cash,
        earned: &Earned,
        amount: Money,
        (who, second): (&str, Option<&str>),
        why: &str,
    ) -> i64 {
        let Some(shift) = self.shift_of(who).map(|shift| shift.id) else { return 0 };
        let id: CashId = self.next_cash();
        self.record(Change::Cash(Cash {
            id,
            shift,
            amount,
            tendered: amount,
            at: self.now,
            refund_of: Some(of.id),
            reason: Some(why.to_owned()),
            over_at: self.now,
            ..of.clone()
        }));
        self.book(Entry {
            cash: Some(id),
            shift: Some(shift),
            ..Entry::takes_back(earned, Account::CashDrawer, amount)
        });
        self.count(shift, |totals| totals.refunded_minor += amount.minor);
        let (limited, most) =
            (Limited::CashBack(who.to_owned()), self.rules.limits.cash_back_day_minor);
        self.count_spent(&limited, most, amount.minor);
        // The rules of the ticket say what goes back, so nobody else has to.
        self.watch_acts(who, amount.minor, second.or(Some("rules")));
        self.look_for_invoice(crate::types::GivenBack::Cash(id));
        self.record(Change::TillActed {
            did: TillDid::CashRefunded,
            who: who.to_owned(),
            reason: why.to_owned(),
            amount,
            lane: None,
            stay: None,
            shift: Some(shift),
            picture: None,
            payment: None,
        });
        amount.minor
    }

    /// Whoever paid in cash fetches what has to go back and did not yet.
    pub(super) fn cash_fetched(
        &mut self,
        bought: &Bought,
        who: &str,
        second: Option<&str>,
    ) -> Reply {
        self.shift_of(who).ok_or(Refusal::NoShift)?;
        let order = self.order(bought.order.id).unwrap_or(&bought.order).clone();
        let PaidWith::Cash(cash) = &bought.with else { return Err(NoChange::NothingOwed.into()) };
        let owed = order.basket.as_ref().map_or(0, |basket| basket.cash_owed_minor);
        let left = owed.min(cash.amount.minor) - self.state.cash_back(cash.id);
        if left <= 0 || !paid_so(bought) {
            return Err(NoChange::NothingOwed.into());
        }
        let limited = Limited::CashBack(who.to_owned());
        self.within(&limited, self.rules.limits.cash_back_day_minor, left)?;
        self.two_above(who, second, left)?;
        let (earned, amount) = (self.earned_by(&order), self.money(left));
        let why = with_second("退票 returned tickets".to_owned(), second);
        self.hand_back(cash, &earned, amount, (who, second), &why);
        Ok(Answer::Returned(Returned { back: amount, cash: amount, waits: self.money(0) }))
    }

    // ---- what a ticket was sold for ----------------------------------------------------------------

    /// The ticket as a line of an order.
    pub(super) fn line_of(&self, ticket: &Ticket) -> Result<Line, NoChange> {
        let sold = ticket.sold.as_ref().ok_or(NoChange::NotAlive(ticket.id))?;
        let known = sold.slot.as_ref().and_then(|slot| self.slot(slot));
        let zoned = ticket.valid_from.to_zoned_datetime(self.rules.zone.clone());
        Ok(Line {
            product: sold.product.clone(),
            day: known.map_or_else(|| zoned.date(), |slot| slot.day),
            slot: sold.slot.clone(),
            tickets: 1,
            persons: ticket.persons,
            price: sold.price,
            valid_from: ticket.valid_from,
            valid_until: ticket.valid_until,
            areas: Vec::new(),
            visitors: ticket.visitor.iter().cloned().collect(),
        })
    }

    /// When a ticket's time begins: its slot, or its day.
    pub(super) fn begins_of(&self, ticket: &Ticket) -> jiff::Timestamp {
        let slot = ticket.sold.as_ref().and_then(|sold: &Sold| sold.slot.as_ref());
        slot.and_then(|slot| self.slot(slot)).map_or(ticket.valid_from, |slot| slot.from)
    }
}

/// Keys of what closures give back begin so; no asker's does.
pub(super) const CLOSURE: &str = "closure\u{1}";

/// Apart from the numbers of refunds that people ask for.
fn refund_key(key: &str) -> String {
    format!("tickets {key}")
}

/// Of a price for `of` persons, what `persons` of them cost.
pub(super) fn share(minor: i64, persons: u32, of: u32) -> i64 {
    let part = i128::from(minor) * i128::from(persons) / i128::from(of.max(1));
    i64::try_from(part).unwrap_or(minor)
}

/// A counter's program asks about its own tickets only.
pub(super) fn may_ask(ticket: &Ticket, by: &Asker) -> bool {
    match by {
        Asker::Counter(counter) => ticket.made_by == counter.as_str(),
        Asker::Visitor | Asker::Operator { .. } => true,
    }
}

/// It is paid, and with this.
fn paid_so(bought: &Bought) -> bool {
    let OrderState::Paid { by, .. } = &bought.order.state else { return false };
    match (&bought.with, by) {
        (PaidWith::Payment(payment), PaidBy::Payment(id)) => {
            payment.id == *id && matches!(payment.state, PaymentState::Paid { .. })
        }
        (PaidWith::Cash(cash), PaidBy::Cash(id)) => cash.id == *id,
        (PaidWith::Counter, PaidBy::Counter) => true,
        _ => false,
    }
}

pub(super) fn numbers(tickets: impl Iterator<Item = TicketId>) -> String {
    let all: Vec<String> = tickets.take(20).map(|ticket| ticket.to_string()).collect();
    format!("退票 returned tickets {}", all.join(", "))
}
