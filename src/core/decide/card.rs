//! Cards and identity cards before a gate, as the tickets they stand for; cards bound, unbound and lost. Knows no reader.

use super::Desk;
use crate::{
    core::{
        card::{Card, CardAct},
        change::Change,
        gate::Way,
        input::{Answer, Refusal, Reply},
        presented::Presented,
        ticket::{NotAdmitted, Ticket},
    },
    types::{CodeDigest, LaneId, TicketId},
};

impl Desk<'_> {
    /// What was shown, as the ticket it stands for; a code of its own, or one that nobody knows, stays what it is.
    pub(super) fn carried(&self, lane: &LaneId, shown: Presented) -> Presented {
        match shown {
            Presented::Code(digest) if self.ticket_of(&digest).is_none() => {
                match self.card(&digest) {
                    Some(card) if card.lost => Presented::Bad(NotAdmitted::CardLost),
                    Some(card) => Presented::Ticket(card.ticket),
                    None => shown,
                }
            }
            Presented::Person(digest) => {
                self.of_person(lane, &digest).map_or(shown, Presented::Ticket)
            }
            _ => shown,
        }
    }

    fn card(&self, digest: &CodeDigest) -> Option<&Card> {
        let changed = self.changes.iter().rev().find_map(|change| match change {
            Change::Card(card) if card.id == *digest => Some(card),
            _ => None,
        });
        let known = changed.or_else(|| self.state.cards.get(digest));
        known.filter(|card| card.over_at.is_none())
    }

    /// Of several, the one that lets in here and now and ends first; else one that tells why not.
    fn of_person(&self, lane: &LaneId, digest: &CodeDigest) -> Option<TicketId> {
        let zone = &self.rules.gates.get(lane)?.zone;
        let place = self.place(zone);
        let out = self.way_of(lane) == Way::Out;
        let fits = |ticket: &&Ticket| {
            if out {
                ticket.areas.iter().any(|area| area.zone == *zone && area.inside > 0)
            } else {
                ticket.may_enter(place, &self.rules.tickets, self.now).is_ok()
            }
        };
        let mut all: Vec<&Ticket> = self.state.tickets_of_person(digest).collect();
        all.sort_by_key(|ticket| (ticket.valid_until, ticket.id));
        let good = all.iter().copied().find(fits);
        // What is valid now and used tells more than what is for another day.
        let now =
            |ticket: &&Ticket| ticket.valid_from <= self.now && self.now <= ticket.valid_until;
        let told = || all.iter().copied().find(now).or(all.first().copied());
        good.or_else(told).map(|ticket| ticket.id)
    }

    pub(super) fn card_acted(
        &mut self,
        card: CodeDigest,
        tail: String,
        act: CardAct,
        who: String,
        reason: &str,
    ) -> Reply {
        let reason = reason.trim().to_owned();
        let known = self.card(&card).cloned();
        let (at, lost, over_at) = (self.now, false, None);
        match (act, known) {
            (CardAct::Bind(ticket), known) => {
                let alive = self.ticket(ticket).filter(|t| t.is_alive() && !t.revoked);
                let persons = alive.ok_or(Refusal::NoTicket(ticket))?.persons;
                if let Some(own) = self.ticket_of(&card) {
                    return Err(Refusal::CardTaken(own.id));
                }
                if let Some(known) = &known {
                    let other = self.ticket(known.ticket).filter(|t| t.is_alive());
                    match other {
                        Some(_) if known.ticket == ticket && !known.lost => {
                            return Ok(Answer::Duplicate);
                        }
                        Some(other) if other.id != ticket => {
                            return Err(Refusal::CardTaken(other.id));
                        }
                        _ => {}
                    }
                }
                let of = |other: &&Card| other.ticket == ticket && !other.lost && other.id != card;
                if self.state.cards.values().filter(of).count() >= persons as usize {
                    return Err(Refusal::CardsFull(ticket));
                }
                let bound = Card { id: card, tail, ticket, lost, at, who, reason, over_at };
                self.record(Change::Card(bound));
            }
            (_, None) => return Err(Refusal::NoCard),
            (CardAct::Unbind | CardAct::Lost, Some(_)) if reason.is_empty() => {
                return Err(Refusal::NoReason);
            }
            (CardAct::Unbind, Some(known)) => {
                self.record(Change::Card(Card { at, who, reason, over_at: Some(at), ..known }));
            }
            (CardAct::Lost, Some(known)) if known.lost => return Ok(Answer::Duplicate),
            (CardAct::Lost, Some(known)) => {
                self.record(Change::Card(Card { lost: true, at, who, reason, ..known }));
            }
        }
        Ok(Answer::Done)
    }
}
