//! Tickets made of what was paid for, printed, and given to somebody else. Each new code is the only one that is good.
//! Knows no key.

use super::{Desk, returns::may_ask};
use crate::{
    core::{
        change::Change,
        input::{Answer, Refusal, Reply},
        money::Order,
        selling::{Asker, NoChange, TicketActed, TicketDid},
        ticket::{Medium, Sold, Ticket, Visitor},
    },
    types::{CodeDigest, TicketId},
};

impl Desk<'_> {
    /// An order is being paid: its tickets are made, or moved, in the same decision.
    pub(super) fn issue(&mut self, order: &mut Order) {
        self.keep_places(order);
        let (Some(sale), Some(basket)) = (&order.sale, &mut order.basket) else { return };
        if !basket.moves.is_empty() {
            return self.move_paid(order);
        }
        let mut no = 0;
        for line in &basket.lines {
            let product = self.rules.shop.products.get(&line.product);
            let medium = match basket.medium {
                Medium::Any => product.map_or(Medium::Any, |product| product.medium),
                said => said,
            };
            for at in 0..line.tickets as usize {
                no += 1;
                let id = self.next_ticket();
                basket.tickets.push(id);
                self.record(Change::Ticket(Ticket {
                    id,
                    digest: self.code_of(id, 0, &basket.pickup),
                    persons: line.persons,
                    used: 0,
                    held: 0,
                    valid_from: line.valid_from,
                    valid_until: line.valid_until,
                    revoked: false,
                    expired: false,
                    made_at: self.now,
                    made_by: sale.counter.to_string(),
                    revoked_by: String::new(),
                    areas: line.areas.clone(),
                    sold: Some(Sold {
                        order: order.id,
                        no,
                        product: line.product.clone(),
                        slot: line.slot.clone(),
                        price: line.price,
                        moved: 0,
                        more: Vec::new(),
                        printed: None,
                        returned: 0,
                        kept_minor: 0,
                    }),
                    edition: 0,
                    medium,
                    visitor: line.visitors.get(at).cloned(),
                }));
            }
        }
    }

    /// Without keys, what nobody can guess who does not have the journal.
    fn code_of(&self, ticket: TicketId, edition: u8, secret: &CodeDigest) -> CodeDigest {
        match &self.rules.shop.codes {
            Some(codes) => codes.ticket(ticket, edition),
            None => CodeDigest::of(&format!("{secret} {ticket} {edition}")),
        }
    }

    /// A new code for a ticket: whatever shows an older one lets nobody in. `None`: it had too many.
    pub(super) fn anew(&self, mut ticket: Ticket) -> Result<Ticket, NoChange> {
        let edition = ticket.edition.checked_add(1).ok_or(NoChange::AgainstRules(ticket.id))?;
        ticket.digest = self.code_of(ticket.id, edition, &ticket.digest);
        ticket.edition = edition;
        Ok(ticket)
    }

    /// As [`Desk::anew`], where nothing is printed: paper that is out there is worth nothing now, so its holder shows the
    /// new code on the phone where the product lets it, or has it printed again.
    pub(super) fn anew_off_paper(&self, ticket: Ticket) -> Result<Ticket, NoChange> {
        let was_printed = ticket.is_printed();
        let mut ticket = self.anew(ticket)?;
        let product = ticket.sold.as_ref().map(|sold| &sold.product);
        let product = product.and_then(|id| self.rules.shop.products.get(id));
        if was_printed {
            ticket.medium = product.map_or(Medium::Any, |product| product.medium);
        }
        Ok(ticket)
    }

    /// A sold ticket in memory that is good.
    pub(super) fn alive(&self, id: TicketId) -> Result<&Ticket, NoChange> {
        let ticket = self.ticket(id).ok_or(NoChange::NotAlive(id))?;
        let good = ticket.sold.is_some()
            && !ticket.revoked
            && !ticket.expired
            && ticket.valid_until > self.now;
        if good { Ok(ticket) } else { Err(NoChange::NotAlive(id)) }
    }

    /// As [`Desk::alive`], and nobody came in on it.
    pub(super) fn unused(&self, id: TicketId) -> Result<&Ticket, NoChange> {
        let ticket = self.alive(id)?;
        if ticket.used > 0 || ticket.held > 0 { Err(NoChange::Used(id)) } else { Ok(ticket) }
    }

    pub(super) fn did(&mut self, ticket: &Ticket, did: TicketDid, who: &str, reason: &str) {
        let (who, reason) = (who.to_owned(), reason.trim().to_owned());
        let (ticket, edition, persons) = (ticket.id, ticket.edition, ticket.persons);
        let acted = TicketActed { ticket, did, who, reason, edition, persons };
        self.record(Change::TicketActed(acted));
    }

    // ---- paper -----------------------------------------------------------------------------------

    pub(super) fn tickets_printed(&mut self, ids: &[TicketId], who: &str, reason: &str) -> Reply {
        let mut printed = Vec::with_capacity(ids.len());
        for id in ids {
            let ticket = self.alive(*id)?.clone();
            let did = if ticket.is_printed() { TicketDid::Reprinted } else { TicketDid::Printed };
            let mut ticket = Ticket { medium: Medium::Paper, ..self.anew(ticket)? };
            if let Some(sold) = &mut ticket.sold {
                sold.printed = Some(ticket.edition);
            }
            printed.push((ticket, did));
        }
        for (ticket, did) in printed {
            self.did(&ticket, did, who, reason);
            self.record(Change::Ticket(ticket));
        }
        Ok(Answer::Done)
    }

    // ---- names -------------------------------------------------------------------------------------

    /// An operator is about to read a visitor's name and number: on record first, with the reason.
    pub(super) fn visitor_shown(&mut self, ticket: &Ticket, who: &str, reason: &str) -> Reply {
        if reason.trim().is_empty() {
            return Err(Refusal::NoReason);
        }
        if ticket.visitor.is_none() {
            return Err(NoChange::NotAlive(ticket.id).into());
        }
        self.did(ticket, TicketDid::NameShown, who, reason);
        Ok(Answer::Done)
    }

    pub(super) fn ticket_renamed(&mut self, id: TicketId, visitor: Visitor, by: &Asker) -> Reply {
        let ticket = self.unused(id)?.clone();
        let line = self.line_of(&ticket)?;
        let product = self.rules.shop.products.get(&line.product);
        let allowed = product.is_some_and(|product| product.rename && product.named.is_some());
        if !allowed && by.reason().is_none() || !may_ask(&ticket, by) {
            return Err(NoChange::AgainstRules(id).into());
        }
        if ticket.visitor.as_ref() == Some(&visitor) {
            return Ok(Answer::Duplicate);
        }
        let mut ticket = self.anew_off_paper(ticket)?;
        ticket.visitor = Some(visitor);
        let after = self.line_of(&ticket)?;
        let (fresh, former) = (std::slice::from_ref(&after), std::slice::from_ref(&line));
        self.visitors_fit(fresh, former).map_err(Refusal::from)?;
        self.count_visitors(&line, -1);
        self.count_visitors(&after, 1);
        self.did(&ticket, TicketDid::Renamed, &by.name(), by.reason().unwrap_or_default());
        self.record(Change::Ticket(ticket));
        Ok(Answer::Done)
    }
}
