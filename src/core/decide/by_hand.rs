//! A code checked by staff where no turnstile stands: decided at once, and once for each check. Knows no page.

use std::time::Duration;

use super::{Desk, scan::unfit};
use crate::{
    core::{
        change::Change,
        gate::Way,
        input::{Answer, HandCheck, Refusal, Reply},
        lane::Cause,
        limit::Spent,
        presented::Presented,
        ticket::{Admission, AdmissionState, Again, NotAdmitted, Ticket},
    },
    types::{CommandId, LaneId, Money, TicketId, ZoneId},
};

/// A check is known again for so long: a phone without network sends it later.
const KNOWN: Duration = Duration::from_hours(24);
/// How a check ended, where the amount stands.
const DONE: i64 = 1;
const REFUSED: i64 = 2;
/// On record as why somebody went who was checked by hand.
const REASON: &str = "手持检票 checked by hand";

impl Desk<'_> {
    /// [`Answer::Duplicate`]: let in or out before by the same check.
    pub(super) fn checked_by_hand(&mut self, asked: &HandCheck) -> Reply {
        let lane = self.lane_by_hand(&asked.zone)?;
        let id = format!("check {}", asked.key);
        let before = self.spent(&id).map(|spent| spent.amount.minor);
        if before == Some(DONE) {
            return Ok(Answer::Duplicate);
        }
        if let Some(reply) = self.hand_at_home(asked, &lane, before.is_some()) {
            return reply;
        }
        let decided = match asked.way {
            Way::Out => Ok(self.out_by_hand(asked)),
            Way::In | Way::Both => self.in_by_hand(asked),
        };
        if before.is_some() && decided.is_ok() {
            // Somebody was told no: the same check does not turn into a yes behind their back.
            return Err(Refusal::NotAdmitted(lane, NotAdmitted::Busy));
        }
        match decided {
            Ok(went) => {
                let number = went.ticket.as_ref().map(|ticket| ticket.id);
                self.check_ended(&asked.key, DONE);
                self.went_by_hand(went, &lane, asked);
                Ok(number.map_or(Answer::Done, Answer::Ticket))
            }
            Err((ticket, why)) => {
                let who = Some(asked.who.clone());
                self.refuse_hand_ask(&asked.key, &lane, ticket, (why, who))
            }
        }
    }

    /// What stands in an admission in place of a turnstile's lane.
    pub(super) fn lane_by_hand(&self, zone: &ZoneId) -> Result<LaneId, Refusal> {
        let known = self.rules.zones.get(zone).is_some();
        let lane = LaneId::parse(&format!("hand-{zone}")).filter(|_| known);
        lane.ok_or_else(|| Refusal::NoZone(zone.clone()))
    }

    /// A check of this number ended before.
    pub(super) fn is_checked(&self, key: &str) -> bool {
        self.spent(&format!("check {key}")).is_some()
    }

    /// As [`Self::checked_by_hand`], once the ticket's home keeps a person for it.
    pub(super) fn let_in_checked(
        &mut self,
        asked: &HandCheck,
        lane: &LaneId,
    ) -> Result<(), NotAdmitted> {
        let went = self.in_by_hand(asked).map_err(|(_, why)| why)?;
        self.check_ended(&asked.key, DONE);
        self.went_by_hand(went, lane, asked);
        Ok(())
    }

    pub(super) fn refuse_hand_ask(
        &mut self,
        key: &str,
        lane: &LaneId,
        ticket: Option<TicketId>,
        (why, who): (NotAdmitted, Option<String>),
    ) -> Reply {
        self.check_ended(key, REFUSED);
        self.record(Change::ScanRefused { lane: lane.clone(), ticket, why, who });
        Err(Refusal::NotAdmitted(lane.clone(), why))
    }

    /// On record as this check, so that the same again is no second admission.
    fn check_ended(&mut self, key: &str, end: i64) {
        let (until, amount) = (self.now + KNOWN, Money::new(end, self.rules.currency));
        let id = format!("check {key}");
        self.record(Change::Spent(Spent { id, until, amount, recent: Vec::new(), over_at: None }));
    }

    fn shown_by_hand<'t>(&'t self, asked: &'t HandCheck) -> Option<&'t Ticket> {
        let known = match &asked.shown {
            Presented::Bad(_) => return None,
            Presented::Signed(claims, ..) => self.ticket(claims.ticket),
            Presented::Code(digest) => self.ticket_of(digest),
            Presented::Ticket(id) => self.ticket(*id),
            Presented::Person(_) => None,
        };
        known.or(asked.found.as_ref())
    }

    /// All persons that were asked for go in, or none.
    fn in_by_hand(&self, asked: &HandCheck) -> Result<Went, (Option<TicketId>, NotAdmitted)> {
        if let Presented::Bad(why) = asked.shown {
            return Err((None, why));
        }
        let ticket = self.shown_by_hand(asked).ok_or((None, NotAdmitted::Unknown))?;
        let no = |why| (Some(ticket.id), why);
        if let Some(why) = unfit(ticket, &asked.shown) {
            return Err(no(why));
        }
        let place = self.place(&asked.zone);
        let mut ticket = ticket.clone();
        let zone = area_of(&ticket, &asked.zone);
        let mut rights = Vec::new();
        for _ in 0..asked.persons.max(1) {
            let again = ticket.may_enter(place, &self.rules.tickets, self.now).map_err(no)?;
            ticket.hold(zone.as_ref(), true);
            ticket.went_in(zone.as_ref(), again, place.watched, self.now);
            rights.push(again);
        }
        if self.room_in(&asked.zone).is_some_and(|room| room < i64::from(asked.persons.max(1))) {
            return Err(no(NotAdmitted::Full));
        }
        Ok(Went { ticket: Some(ticket), zone, rights })
    }

    /// Nobody is kept inside, whatever is shown.
    fn out_by_hand(&self, asked: &HandCheck) -> Went {
        let mut ticket = self.shown_by_hand(asked).cloned();
        let zone = ticket.as_ref().and_then(|ticket| area_of(ticket, &asked.zone));
        let rights = vec![Again::First; asked.persons.max(1) as usize];
        if let (Some(ticket), Some(zone)) = (&mut ticket, &zone) {
            rights.iter().for_each(|_| ticket.went_out(zone, self.now));
        }
        Went { ticket, zone, rights }
    }

    fn went_by_hand(&mut self, went: Went, lane: &LaneId, asked: &HandCheck) {
        let Went { ticket, zone, rights } = went;
        let (many, number) = (rights.len() as u32, ticket.as_ref().map(|ticket| ticket.id));
        if let Some(ticket) = ticket {
            self.record(Change::Ticket(ticket));
        }
        for again in &rights {
            let (who, reason) = (asked.who.clone(), REASON.to_owned());
            let admission = Admission {
                id: self.next_admission(),
                ticket: number,
                lane: lane.clone(),
                way: asked.way,
                zone: zone.clone(),
                again: *again,
                cause: Some(Cause::Operator { who, reason }),
                command: CommandId(0),
                state: AdmissionState::Used,
                at: self.now,
                ended_at: Some(self.now),
                counter_before: None,
                settled: None,
                lent_to: None,
                double: false,
            };
            self.went_for_cloud(&admission, AdmissionState::Used);
            self.record(Change::Admission(admission));
        }
        if let Some(number) = number {
            let at = (lane, &asked.zone, asked.way);
            rights.into_iter().for_each(|again| self.told_by_hand(number, at, again));
        }
        self.crowd_moved_in(&asked.zone, asked.way, many);
    }
}

/// Persons who go by one check, each with its right, and their ticket as they leave it.
struct Went {
    ticket: Option<Ticket>,
    zone: Option<ZoneId>,
    rights: Vec<Again>,
}

fn area_of(ticket: &Ticket, zone: &ZoneId) -> Option<ZoneId> {
    ticket.areas.iter().any(|area| area.zone == *zone).then(|| zone.clone())
}
