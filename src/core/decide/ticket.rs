//! From a ticket before a gate to a person let through, or told why not; and tickets made and revoked. Knows no code.

use jiff::Timestamp;

use super::{Desk, gate::not_admitted};
use crate::{
    core::{
        admit::Place,
        change::Change,
        gate::{Due, Gate, Phase, Way, Why},
        input::{Answer, Refusal, Reply},
        lane::Cause,
        selling::NoSale,
        ticket::{Area, Medium, NotAdmitted, Ticket},
    },
    types::{CodeDigest, LaneId, TicketId, ZoneId},
};

/// More persons on one ticket are a mistake in typing.
const PERSONS_MAX: u32 = 1_000;

impl Desk<'_> {
    /// The ticket's next person, now or after the one on the way.
    pub(super) fn admit_person(&mut self, id: &LaneId, ticket: TicketId) -> Reply {
        let Some(mut gate) = self.gate(id).cloned() else {
            return Err(Refusal::NoLane(id.clone()));
        };
        let open_for = gate.pass.and_then(|pass| pass.ticket);
        let under_way = matches!(gate.phase, Phase::Granted | Phase::Closing | Phase::Faulty);
        if open_for == Some(ticket) && under_way || gate.next == Some(ticket) {
            // The same code, still held there: granted once is granted.
            return Ok(Answer::Duplicate);
        }
        if gate.phase == Phase::HeldFree {
            return Ok(Answer::Done);
        }
        if self.way_of(id) == Way::Out {
            return self.let_out(id, Some(ticket), None);
        }
        if let Some(asked) = self.next_at_home(id, ticket) {
            return asked;
        }
        let Some(known) = self.ticket(ticket) else { return Err(Refusal::NoTicket(ticket)) };
        let Some(zone) = self.rules.gates.get(id).map(|rules| rules.zone.clone()) else {
            return Err(Refusal::NoLane(id.clone()));
        };
        if let Err(why) = known.may_enter(self.place(&zone), &self.rules.tickets, self.now) {
            return self.refuse_scan(id, Some(ticket), why);
        }
        if is_taken(&gate) && gate.next.is_none() {
            gate.next = Some(ticket);
            self.record(Change::Gate(gate));
            return Ok(Answer::Queued);
        }
        if self.is_crowded(&zone) && gate.phase == Phase::Idle {
            return self.hold_for_a_place(id, ticket);
        }
        match self.grant(id, Some(ticket), None) {
            Err(Refusal::Lane(_, reject)) => {
                self.refuse_scan(id, Some(ticket), not_admitted(reject))
            }
            answer => {
                self.let_follow(id);
                answer
            }
        }
    }

    /// How many of the ticket may go on this scan besides.
    fn let_follow(&mut self, id: &LaneId) {
        let most = self.rules.tickets.burst.saturating_sub(1);
        let Some(mut gate) = self.gate(id).cloned().filter(|_| most > 0) else { return };
        gate.follow = gate.pass.map_or(0, |pass| pass.left).min(most);
        self.record(Change::Gate(gate));
    }

    /// Nobody is kept inside: one who cannot go at once waits for the one on the way. `cause`: nothing is known of a
    /// right that would be left.
    pub(super) fn let_out(
        &mut self,
        id: &LaneId,
        ticket: Option<TicketId>,
        cause: Option<Cause>,
    ) -> Reply {
        let Some(mut gate) = self.gate(id).cloned() else {
            return Err(Refusal::NoLane(id.clone()));
        };
        if gate.phase == Phase::HeldFree {
            return Ok(Answer::Done);
        }
        if ticket.is_some() && is_taken(&gate) && gate.next.is_none() {
            gate.next = ticket;
            self.record(Change::Gate(gate));
            return Ok(Answer::Queued);
        }
        match self.grant(id, ticket, cause) {
            Err(Refusal::Lane(_, reject)) => self.refuse_scan(id, ticket, not_admitted(reject)),
            answer => answer,
        }
    }

    pub(super) fn place<'z>(&self, zone: &'z ZoneId) -> Place<'z> {
        Place { zone, watched: self.is_watched(zone) }
    }

    /// On record and, unless somebody else is being let in, shown.
    pub(super) fn refuse_scan(
        &mut self,
        id: &LaneId,
        ticket: Option<TicketId>,
        why: NotAdmitted,
    ) -> Reply {
        let Some(mut gate) = self.gate(id).cloned() else {
            return Err(Refusal::NoLane(id.clone()));
        };
        let shown = self.rules.gates.get(id).map_or_else(Default::default, |r| r.times.shown);
        self.record(Change::ScanRefused { lane: id.clone(), ticket, why, who: None });
        if gate.phase == Phase::Idle {
            gate.refused = Some(why);
            gate.due = Some(Due { at: self.now + shown, why: Why::Shown });
            self.record(Change::Gate(gate));
        }
        // The refusal is a fact of its own: it is on disk before anybody is told.
        Err(Refusal::NotAdmitted(id.clone(), why))
    }

    // ---- tickets ---------------------------------------------------------------------------------

    /// The same code twice is the same ticket.
    pub(super) fn make_ticket(
        &mut self,
        digest: CodeDigest,
        persons: u32,
        (valid_from, valid_until): (Option<Timestamp>, Timestamp),
        by: String,
    ) -> Reply {
        if let Some(known) = self.ticket_of(&digest) {
            let same = known.persons == persons
                && valid_from.is_none_or(|from| from == known.valid_from)
                && known.valid_until == valid_until;
            return if same {
                Ok(Answer::Ticket(known.id))
            } else {
                Err(Refusal::TicketDiffers(known.id))
            };
        }
        let id = self.next_ticket();
        let valid = (valid_from.unwrap_or(self.now), valid_until);
        let ticket = self.new_ticket(id, digest, persons, valid, by)?;
        self.record(Change::Ticket(ticket));
        Ok(Answer::Ticket(id))
    }

    /// Under a code of the site's own keys.
    pub(super) fn issue_ticket(
        &mut self,
        persons: u32,
        (valid_from, valid_until): (Option<Timestamp>, Timestamp),
        zones: &[ZoneId],
        medium: Medium,
        by: String,
    ) -> Reply {
        if let Some(unknown) = zones.iter().find(|zone| self.rules.zones.get(zone).is_none()) {
            return Err(Refusal::NoZone(unknown.clone()));
        }
        let codes = self.rules.shop.codes.as_ref().ok_or(NoSale::NoShop)?;
        let id = self.next_ticket();
        let valid = (valid_from.unwrap_or(self.now), valid_until);
        let ticket = self.new_ticket(id, codes.ticket(id, 0), persons, valid, by)?;
        let areas = zones.iter().map(|zone| Area::new(zone.clone(), Some(0))).collect();
        self.record(Change::Ticket(Ticket { areas, medium, ..ticket }));
        Ok(Answer::Ticket(id))
    }

    fn new_ticket(
        &self,
        id: TicketId,
        digest: CodeDigest,
        persons: u32,
        (valid_from, valid_until): (Timestamp, Timestamp),
        made_by: String,
    ) -> Result<Ticket, Refusal> {
        let fits = (1..=PERSONS_MAX).contains(&persons)
            && valid_from < valid_until
            && valid_until > self.now;
        if !fits {
            return Err(Refusal::TicketUnfit);
        }
        Ok(Ticket {
            id,
            digest,
            persons,
            used: 0,
            held: 0,
            valid_from,
            valid_until,
            revoked: false,
            expired: false,
            made_at: self.now,
            made_by,
            revoked_by: String::new(),
            areas: Vec::new(),
            sold: None,
            edition: 0,
            medium: Medium::Any,
            visitor: None,
        })
    }

    pub(super) fn revoke_ticket(&mut self, id: TicketId, by: &str) -> Reply {
        if self.is_a_sisters(id) {
            return Err(Refusal::ElsewhereSold(id));
        }
        let Some(mut ticket) = self.ticket(id).cloned() else {
            return Err(Refusal::NoTicket(id));
        };
        if ticket.revoked {
            return Ok(Answer::Duplicate);
        }
        self.free_place_of(&ticket, ticket.persons.saturating_sub(ticket.used));
        ticket.revoked = true;
        by.clone_into(&mut ticket.revoked_by);
        self.record(Change::Ticket(ticket));
        Ok(Answer::Done)
    }

    pub(super) fn ticket_over(&mut self, id: TicketId) {
        if let Some(mut ticket) = self.ticket(id).cloned() {
            ticket.expired = true;
            self.record(Change::Ticket(ticket));
        }
    }
}

/// Somebody is on the way: the next one waits behind.
fn is_taken(gate: &Gate) -> bool {
    matches!(gate.phase, Phase::Granted | Phase::Passing | Phase::Closing)
        || gate.phase == Phase::Idle && gate.walking
}
