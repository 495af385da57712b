//! From a code held before a gate to a person let in, or told why not; and tickets made and revoked. Knows no counter.

use jiff::Timestamp;

use super::{Desk, gate::not_admitted};
use crate::{
    core::{
        change::Change,
        effect::Effect,
        gate::{Due, Phase, Why},
        input::{Answer, Refusal, Reply},
        ticket::{Medium, NotAdmitted, Ticket},
    },
    types::{CodeDigest, LaneId, TicketId},
};

/// More persons on one ticket are a mistake in typing.
const PERSONS_MAX: u32 = 1_000;

impl Desk<'_> {
    pub(super) fn scanned(&mut self, id: &LaneId, digest: CodeDigest) -> Reply {
        if !self.rules.gates.contains_key(id) {
            return Err(Refusal::NoLane(id.clone()));
        }
        if let Some(ticket) = self.ticket_of(&digest).map(|ticket| ticket.id) {
            return self.admit_person(id, ticket);
        }
        self.act(Effect::FindTicket { lane: id.clone(), digest });
        Ok(Answer::Done)
    }

    /// What is over is in the tables only. It lets nobody in; the person is told why.
    pub(super) fn ticket_found(
        &mut self,
        id: &LaneId,
        digest: &CodeDigest,
        found: Option<Ticket>,
    ) -> Reply {
        if !self.rules.gates.contains_key(id) {
            return Err(Refusal::NoLane(id.clone()));
        }
        // It came back to life since it was looked for, as one whose person was given back does.
        if let Some(alive) = self.ticket_of(digest).map(|ticket| ticket.id) {
            return self.admit_person(id, alive);
        }
        let why = match &found {
            None => NotAdmitted::Unknown,
            Some(ticket) => ticket.objection(self.now).unwrap_or(NotAdmitted::Unknown),
        };
        self.refuse_scan(id, found.map(|ticket| ticket.id), why)
    }

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
        let Some(known) = self.ticket(ticket) else { return Err(Refusal::NoTicket(ticket)) };
        if let Some(why) = known.objection(self.now) {
            return self.refuse_scan(id, Some(ticket), why);
        }
        let waits = matches!(gate.phase, Phase::Granted | Phase::Passing | Phase::Closing)
            || gate.phase == Phase::Idle && gate.walking;
        if waits && gate.next.is_none() {
            gate.next = Some(ticket);
            self.record(Change::Gate(gate));
            return Ok(Answer::Queued);
        }
        match self.grant(id, Some(ticket), None) {
            Err(Refusal::Lane(_, reject)) => {
                self.refuse_scan(id, Some(ticket), not_admitted(reject))
            }
            answer => answer,
        }
    }

    /// On record and, unless somebody else is being let in, shown.
    fn refuse_scan(&mut self, id: &LaneId, ticket: Option<TicketId>, why: NotAdmitted) -> Reply {
        let Some(mut gate) = self.gate(id).cloned() else {
            return Err(Refusal::NoLane(id.clone()));
        };
        let shown = self.rules.gates.get(id).map_or_else(Default::default, |r| r.times.shown);
        self.record(Change::ScanRefused { lane: id.clone(), ticket, why });
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
        (valid_from, valid_until): (Timestamp, Timestamp),
        by: String,
    ) -> Reply {
        if let Some(known) = self.ticket_of(&digest) {
            let same = known.persons == persons
                && known.valid_from == valid_from
                && known.valid_until == valid_until;
            return if same {
                Ok(Answer::Ticket(known.id))
            } else {
                Err(Refusal::TicketDiffers(known.id))
            };
        }
        let fits = (1..=PERSONS_MAX).contains(&persons)
            && valid_from < valid_until
            && valid_until > self.now;
        if !fits {
            return Err(Refusal::TicketUnfit);
        }
        let id = self.next_ticket();
        self.record(Change::Ticket(Ticket {
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
            made_by: by,
            revoked_by: String::new(),
            areas: Vec::new(),
            sold: None,
            edition: 0,
            medium: Medium::Any,
            visitor: None,
        }));
        Ok(Answer::Ticket(id))
    }

    pub(super) fn revoke_ticket(&mut self, id: TicketId, by: &str) -> Reply {
        let Some(mut ticket) = self.ticket(id).cloned() else {
            return Err(Refusal::NoTicket(id));
        };
        if ticket.revoked {
            return Ok(Answer::Duplicate);
        }
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
