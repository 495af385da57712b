//! A code checked by staff where no turnstile stands: decided at once, and once for each check. Knows no page.

use std::time::Duration;

use super::{Desk, scan::Known};
use crate::{
    core::{
        change::Change,
        gate::Way,
        input::{Answer, HandCheck, Refusal, Reply},
        limit::Spent,
        ticket::{Admission, AdmissionState, Again, NotAdmitted, Ticket},
    },
    types::{CommandId, LaneId, Money, TicketId, ZoneId},
};

/// A check is known again for so long: a phone without network sends it later.
const KNOWN: Duration = Duration::from_hours(24);
/// How a check ended, where the amount stands.
const LET_IN: i64 = 1;
const REFUSED: i64 = 2;

impl Desk<'_> {
    /// [`Answer::Duplicate`]: let in before by the same check.
    pub(super) fn checked_by_hand(&mut self, asked: &HandCheck) -> Reply {
        let no_zone = || Refusal::NoZone(asked.zone.clone());
        let known = self.rules.zones.get(&asked.zone).is_some();
        let lane = lane_of(&asked.zone).filter(|_| known).ok_or_else(no_zone)?;
        let id = format!("check {}", asked.key);
        let before = self.spent(&id).map(|spent| spent.amount.minor);
        if before == Some(LET_IN) {
            return Ok(Answer::Duplicate);
        }
        let decided = self.fits_by_hand(asked);
        let end = match (&decided, before) {
            (Ok(_), None) => LET_IN,
            // Somebody was told no: the same check does not turn into a yes behind their back.
            (Ok(_), Some(_)) => {
                return Err(Refusal::NotAdmitted(lane, NotAdmitted::Busy));
            }
            (Err(_), _) => REFUSED,
        };
        let until = self.now + KNOWN;
        let amount = Money::new(end, self.rules.currency);
        self.record(Change::Spent(Spent { id, until, amount, over_at: None }));
        match decided {
            Ok((ticket, again)) => {
                let number = ticket.id;
                self.let_in_by_hand(ticket, again, &lane, &asked.zone);
                Ok(Answer::Ticket(number))
            }
            Err((ticket, why)) => {
                self.record(Change::ScanRefused { lane: lane.clone(), ticket, why });
                Err(Refusal::NotAdmitted(lane, why))
            }
        }
    }

    fn fits_by_hand(
        &self,
        asked: &HandCheck,
    ) -> Result<(Ticket, Again), (Option<TicketId>, NotAdmitted)> {
        let ticket = match self.known(&asked.shown) {
            Known::Bad(why) => return Err((None, why)),
            Known::Ticket(ticket) => ticket,
            Known::Unknown => asked.found.clone().ok_or((None, NotAdmitted::Unknown))?,
        };
        let no = |why| (Some(ticket.id), why);
        if let Some(why) = self.unfit(&ticket, &asked.shown) {
            return Err(no(why));
        }
        let place = self.place(&asked.zone);
        let again = ticket.may_enter(place, &self.rules.tickets, self.now).map_err(no)?;
        if self.is_crowded(&asked.zone) {
            return Err(no(NotAdmitted::Full));
        }
        Ok((ticket, again))
    }

    fn let_in_by_hand(&mut self, mut ticket: Ticket, again: Again, lane: &LaneId, zone: &ZoneId) {
        let watched = self.is_watched(zone);
        let area =
            ticket.areas.iter().find(|area| area.zone == *zone).map(|area| area.zone.clone());
        ticket.hold(area.as_ref(), true);
        ticket.went_in(area.as_ref(), again, watched, self.now);
        let admission = Admission {
            id: self.next_admission(),
            ticket: Some(ticket.id),
            lane: lane.clone(),
            way: Way::In,
            zone: area,
            again,
            cause: None,
            command: CommandId(0),
            state: AdmissionState::Used,
            at: self.now,
            ended_at: Some(self.now),
            counter_before: None,
            settled: None,
        };
        self.record(Change::Ticket(ticket));
        self.record(Change::Admission(admission));
        self.crowd_moved_in(zone, Way::In, 1);
    }
}

/// What stands in an admission in place of a turnstile's lane.
fn lane_of(zone: &ZoneId) -> Option<LaneId> {
    LaneId::parse(&format!("hand-{zone}"))
}
