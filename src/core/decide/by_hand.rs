//! A code checked by staff where no turnstile stands: decided at once, and once for each check. Knows no page.

use std::time::Duration;

use super::{Desk, scan::unfit};
use crate::{
    core::{
        change::Change,
        gate::Way,
        input::{Answer, HandCheck, Refusal, Reply},
        limit::Spent,
        presented::Presented,
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
        if let Some(reply) = self.hand_at_home(asked, &lane, before.is_some()) {
            return reply;
        }
        let decided = self.fits_by_hand(asked);
        if before.is_some() && decided.is_ok() {
            // Somebody was told no: the same check does not turn into a yes behind their back.
            return Err(Refusal::NotAdmitted(lane, NotAdmitted::Busy));
        }
        match decided {
            Ok((ticket, again)) => {
                let number = ticket.id;
                self.let_in_checked(&asked.key, (ticket, again), &lane, &asked.zone);
                Ok(Answer::Ticket(number))
            }
            Err((ticket, why)) => self.refuse_hand_ask(&asked.key, &lane, ticket, why),
        }
    }

    /// On record as this check, so that the same again is no second admission.
    pub(super) fn let_in_checked(
        &mut self,
        key: &str,
        (ticket, again): (Ticket, Again),
        lane: &LaneId,
        zone: &ZoneId,
    ) {
        self.check_ended(key, LET_IN);
        self.let_in_by_hand(ticket, again, lane, zone);
    }

    pub(super) fn refuse_hand_ask(
        &mut self,
        key: &str,
        lane: &LaneId,
        ticket: Option<TicketId>,
        why: NotAdmitted,
    ) -> Reply {
        self.check_ended(key, REFUSED);
        self.record(Change::ScanRefused { lane: lane.clone(), ticket, why });
        Err(Refusal::NotAdmitted(lane.clone(), why))
    }

    fn check_ended(&mut self, key: &str, end: i64) {
        let (until, amount) = (self.now + KNOWN, Money::new(end, self.rules.currency));
        let id = format!("check {key}");
        self.record(Change::Spent(Spent { id, until, amount, over_at: None }));
    }

    /// The ticket whose next person may go in, and whether for the first time.
    fn fits_by_hand(
        &self,
        asked: &HandCheck,
    ) -> Result<(Ticket, Again), (Option<TicketId>, NotAdmitted)> {
        let known = match &asked.shown {
            Presented::Bad(why) => return Err((None, *why)),
            Presented::Signed(claims, ..) => self.ticket(claims.ticket),
            Presented::Code(digest) => self.ticket_of(digest),
            Presented::Ticket(id) => self.ticket(*id),
            Presented::Person(_) => None,
        };
        let ticket = known.or(asked.found.as_ref()).ok_or((None, NotAdmitted::Unknown))?;
        let no = |why| (Some(ticket.id), why);
        if let Some(why) = unfit(ticket, &asked.shown) {
            return Err(no(why));
        }
        let again = ticket.may_enter(self.place(&asked.zone), &self.rules.tickets, self.now);
        again.map(|again| (ticket.clone(), again)).map_err(no)
    }

    fn let_in_by_hand(&mut self, mut ticket: Ticket, again: Again, lane: &LaneId, zone: &ZoneId) {
        let area = ticket.areas.iter().any(|area| area.zone == *zone).then(|| zone.clone());
        ticket.hold(area.as_ref(), true);
        ticket.went_in(area.as_ref(), again, self.is_watched(zone), self.now);
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
            lent_to: None,
            double: false,
        };
        let number = ticket.id;
        self.record(Change::Ticket(ticket));
        self.record(Change::Admission(admission));
        self.went_by_hand(number, (lane, zone), again);
        self.crowd_moved_in(zone, Way::In, 1);
    }
}

/// What stands in an admission in place of a turnstile's lane.
fn lane_of(zone: &ZoneId) -> Option<LaneId> {
    LaneId::parse(&format!("hand-{zone}"))
}
