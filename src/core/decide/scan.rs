//! What was held before a gate: whose it is, and whether its code is the one that is good. Knows no turnstile.
//!
//! A signed code of ours that nobody here knows is good by what it says: the tables were lost. It becomes a ticket, so
//! that it lets nobody in twice. One of a sister daemon is asked about at its home (`sister.rs`).

use super::Desk;
use crate::{
    core::{
        change::Change,
        effect::Effect,
        gate::Way,
        input::{Answer, Refusal, Reply},
        lane::Cause,
        presented::{Claims, Presented, Shown},
        ticket::{Area, Medium, NotAdmitted, Ticket},
    },
    types::{CodeDigest, LaneId},
};

/// Who made a ticket that is known by its code alone.
const BY_CODE: &str = "code";

impl Desk<'_> {
    pub(super) fn scanned(&mut self, id: &LaneId, shown: Presented) -> Reply {
        if !self.rules.gates.contains_key(id) {
            return Err(Refusal::NoLane(id.clone()));
        }
        let shown = self.carried(id, shown);
        if let Some(asked) = self.at_home(id, &shown) {
            return asked;
        }
        self.scanned_here(id, shown)
    }

    /// By what is known here.
    pub(super) fn scanned_here(&mut self, id: &LaneId, shown: Presented) -> Reply {
        match self.known(&shown) {
            Known::Bad(why) => self.turn_back(id, None, why),
            Known::Ticket(ticket) => {
                if let Some(why) = unfit_at_gate(&ticket, &shown) {
                    return self.turn_back(id, Some(&ticket), why);
                }
                self.newer(&ticket, &shown);
                self.admit_person(id, ticket.id)
            }
            Known::Unknown => {
                self.act(Effect::FindTicket { lane: id.clone(), shown });
                Ok(Answer::Done)
            }
        }
    }

    /// What is over is in the tables only. It lets nobody in; the person is told why.
    pub(super) fn ticket_found(
        &mut self,
        id: &LaneId,
        shown: Presented,
        found: Option<Ticket>,
    ) -> Reply {
        if !self.rules.gates.contains_key(id) {
            return Err(Refusal::NoLane(id.clone()));
        }
        // It came back to life since it was looked for, as one whose person was given back does.
        if matches!(self.known(&shown), Known::Ticket(_)) {
            return self.scanned_here(id, shown);
        }
        match (found, shown) {
            (Some(over), shown) => {
                let why = unfit_at_gate(&over, &shown).or_else(|| self.over(id, &over));
                self.turn_back(id, Some(&over), why.unwrap_or(NotAdmitted::Unknown))
            }
            (None, Presented::Signed(claims, shown, short)) => {
                self.by_claims(id, &claims, shown, short)
            }
            (None, _) => self.turn_back(id, None, NotAdmitted::Unknown),
        }
    }

    fn known(&self, shown: &Presented) -> Known {
        let ticket = match shown {
            Presented::Bad(why) => return Known::Bad(*why),
            Presented::Signed(claims, ..) => self.ticket(claims.ticket),
            Presented::Code(digest) => self.ticket_of(digest),
            Presented::Ticket(id) => self.ticket(*id),
            Presented::Person(_) => None,
        };
        // One that this decision has just ended is in the tables as well.
        let alive = ticket.filter(|ticket| ticket.is_alive());
        alive.map_or(Known::Unknown, |ticket| Known::Ticket(ticket.clone()))
    }

    /// A sister daemon made a newer code: those before it are good no more here either.
    fn newer(&mut self, ticket: &Ticket, shown: &Presented) {
        if let Presented::Signed(claims, _, short) = shown
            && claims.edition > ticket.edition
        {
            let mut ticket = ticket.clone();
            (ticket.edition, ticket.medium) = (claims.edition, claims.medium);
            if let Some(sold) = ticket.sold.as_mut().filter(|_| claims.medium == Medium::Paper) {
                sold.printed = Some(claims.edition);
            }
            ticket.digest = *short;
            self.record(Change::Ticket(ticket));
        }
    }

    fn over(&self, id: &LaneId, ticket: &Ticket) -> Option<NotAdmitted> {
        let rules = self.rules.gates.get(id)?;
        ticket.may_enter(self.place(&rules.zone), &self.rules.tickets, self.now).err()
    }

    fn by_claims(
        &mut self,
        id: &LaneId,
        claims: &Claims,
        shown: Shown,
        short: CodeDigest,
    ) -> Reply {
        let ticket = match self.by_its_claims(claims, shown, short) {
            Ok(ticket) => ticket,
            Err(why) => return self.turn_back(id, None, why),
        };
        // What it could not be let in by leaves no trace but the refusal.
        if let Some(why) = self.over(id, &ticket) {
            return self.turn_back(id, None, why);
        }
        let number = ticket.id;
        self.record(Change::Ticket(ticket));
        self.admit_person(id, number)
    }

    /// A ticket as its code says it. One that another daemon gave its number is let in only with its home's word, or
    /// where the site says so while the home is not heard.
    pub(super) fn by_its_claims(
        &self,
        claims: &Claims,
        shown: Shown,
        short: CodeDigest,
    ) -> Result<Ticket, NotAdmitted> {
        if !self.rules.tickets.is_own(claims.ticket) && !self.is_a_sisters(claims.ticket) {
            return Err(NotAdmitted::Unknown);
        }
        let zones = self.rules.tickets.zones(claims).ok_or(NotAdmitted::OtherGate)?;
        if let Some(why) = page_needed(claims, shown) {
            return Err(why);
        }
        Ok(Ticket {
            id: claims.ticket,
            digest: short,
            persons: claims.persons.into(),
            used: 0,
            held: 0,
            valid_from: claims.valid_from,
            valid_until: claims.valid_until,
            revoked: false,
            expired: false,
            made_at: self.now,
            made_by: BY_CODE.to_owned(),
            revoked_by: String::new(),
            areas: self.areas_of(claims.product, zones),
            sold: None,
            edition: claims.edition,
            medium: claims.medium,
            visitor: None,
        })
    }

    /// With the returns its product allows, where it is known here.
    fn areas_of(&self, number: u16, zones: Vec<crate::types::ZoneId>) -> Vec<Area> {
        let product = self.rules.shop.products.values().find(|product| product.number == number);
        let product = product.filter(|_| number != 0);
        if zones.is_empty() {
            return product.map_or_else(Vec::new, |product| {
                let area = |area: &crate::core::product::ProductArea| {
                    Area::new(area.zone.clone(), area.returns)
                };
                product.areas.iter().map(area).collect()
            });
        }
        let returns = |zone: &crate::types::ZoneId| {
            let area = product.and_then(|product| product.areas.iter().find(|a| a.zone == *zone));
            area.map_or(Some(0), |area| area.returns)
        };
        zones.into_iter().map(|zone| (returns(&zone), zone)).map(|(r, z)| Area::new(z, r)).collect()
    }

    /// Not let in; but whoever is inside gets out, whatever was shown.
    fn turn_back(&mut self, id: &LaneId, ticket: Option<&Ticket>, why: NotAdmitted) -> Reply {
        if self.way_of(id) == Way::Out {
            self.let_out(id, ticket.map(|ticket| ticket.id), Some(Cause::Free))
        } else {
            self.refuse_scan(id, ticket.map(|ticket| ticket.id), why)
        }
    }
}

enum Known {
    Ticket(Ticket),
    /// Of no ticket in memory.
    Unknown,
    Bad(NotAdmitted),
}

/// As [`unfit`], before a scanner that nobody watches: the code that a phone's page gives to be typed never changes, so
/// that a picture of it would be as good as the page.
fn unfit_at_gate(ticket: &Ticket, shown: &Presented) -> Option<NotAdmitted> {
    let is_typed = ticket.medium == Medium::Phone && matches!(shown, Presented::Code(_));
    if is_typed { Some(NotAdmitted::PageNeeded) } else { unfit(ticket, shown) }
}

/// Why this code is not the one that is good, of a ticket that may be.
pub(super) fn unfit(ticket: &Ticket, shown: &Presented) -> Option<NotAdmitted> {
    let Presented::Signed(claims, shown, short) = shown else { return None };
    match () {
        () if claims.edition < ticket.edition
            && ticket.is_printed()
            && claims.medium != Medium::Paper =>
        {
            Some(NotAdmitted::Printed)
        }
        () if claims.edition < ticket.edition => Some(NotAdmitted::Reissued),
        // Another ticket with this number: one of the two was made after the tables were lost.
        () if claims.edition == ticket.edition && ticket.digest != *short => {
            Some(NotAdmitted::Unknown)
        }
        () => page_needed(claims, *shown),
    }
}

fn page_needed(claims: &Claims, shown: Shown) -> Option<NotAdmitted> {
    let is_still = claims.medium == Medium::Phone && shown == Shown::Still;
    is_still.then_some(NotAdmitted::PageNeeded)
}
