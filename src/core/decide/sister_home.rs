//! A ticket that was sold here, before a gate of a sister daemon: a person of it is kept for her, and counted once she
//! has told what became of it. Knows no wire.

use std::time::Duration;

use super::{Desk, scan::unfit, sister::copy};
use crate::{
    core::{
        admit::Place,
        change::Change,
        gate::Way,
        input::{Answer, Refusal, Reply},
        limit::Spent,
        presented::Presented,
        rules::TicketRules,
        sister::{LentTo, Report, Sister, SisterNews, SisterQuestion},
        task::About,
        ticket::{Admission, AdmissionState, Again, NotAdmitted, Ticket},
    },
    types::{AdmissionId, AskId, CommandId, LaneId, Money, TicketId, ZoneId},
};

/// What was asked and told is known again for so long, whatever the network says twice or late.
const KNOWN: Duration = Duration::from_hours(7 * 24);
/// How it ended, where the amount stands.
const USED: i64 = 1;
const NOT_USED: i64 = 2;
/// Used, and one too many.
const DOUBLE: i64 = 3;

impl Desk<'_> {
    /// [`Answer::Lent`]: a person is kept for the sister until she tells what became of it.
    pub(super) fn sister_asked(
        &mut self,
        sister: u8,
        asked: &SisterQuestion,
        found: Option<Ticket>,
    ) -> Reply {
        let lane = self.lane_of_sister(sister)?;
        let no = |why| Err(Refusal::NotAdmitted(lane.clone(), why));
        let to = LentTo { sister, ask: asked.ask, watched: asked.watched };
        if let Some(open) = self.lent_admission(to) {
            // The answer was lost on the way.
            let ticket = open.ticket.and_then(|ticket| self.ticket(ticket)).cloned();
            let zone = open.zone.clone();
            return match ticket {
                Some(mut ticket) => {
                    ticket.hold(zone.as_ref(), false);
                    Ok(Answer::Lent(Box::new(copy(ticket))))
                }
                None => no(NotAdmitted::Unknown),
            };
        }
        if self.spent(&key(to)).is_some() {
            // What was given up there comes late.
            return no(NotAdmitted::Busy);
        }
        if !self.rules.tickets.is_own(asked.ticket) {
            return no(NotAdmitted::Unknown);
        }
        let known = match &asked.shown {
            Presented::Signed(claims, ..) => self.ticket(claims.ticket),
            Presented::Code(digest) => self.ticket_of(digest),
            // A card or a person that stands for it there.
            Presented::Ticket(_) => self.ticket(asked.ticket),
            Presented::Person(_) => None,
            Presented::Bad(why) => return no(*why),
        };
        if known.is_none() && found.as_ref().is_some_and(Ticket::is_alive) {
            return no(NotAdmitted::Busy);
        }
        let ticket = match (known.cloned().or(found), &asked.shown) {
            (Some(ticket), shown) => {
                if let Some(why) = unfit(&ticket, shown) {
                    return no(why);
                }
                ticket
            }
            (None, Presented::Signed(claims, shown, short)) => {
                match self.by_its_claims(claims, *shown, *short) {
                    Ok(ticket) => ticket,
                    Err(why) => return no(why),
                }
            }
            (None, _) => return no(NotAdmitted::Unknown),
        };
        let place = Place { zone: &asked.zone, watched: asked.watched };
        let again = match ticket.may_enter(place, &self.rules.tickets, self.now) {
            Ok(again) => again,
            Err(why) => {
                let known = self.ticket(ticket.id).map(|ticket| ticket.id);
                self.record(Change::ScanRefused {
                    lane: lane.clone(),
                    ticket: known,
                    why,
                    who: None,
                });
                return no(why);
            }
        };
        let before = Box::new(copy(ticket.clone()));
        self.keep_for(to, ticket, again, (&lane, &asked.zone));
        Ok(Answer::Lent(before))
    }

    fn keep_for(
        &mut self,
        to: LentTo,
        mut ticket: Ticket,
        again: Again,
        (lane, zone): (&LaneId, &ZoneId),
    ) {
        let area = ticket.areas.iter().any(|area| area.zone == *zone).then(|| zone.clone());
        ticket.hold(area.as_ref(), true);
        let id = ticket.id;
        self.record(Change::Ticket(ticket));
        let admission = self.sisters_admission(to, id, (lane, area), again);
        self.record(Change::Admission(admission));
    }

    fn sisters_admission(
        &self,
        to: LentTo,
        ticket: TicketId,
        (lane, zone): (&LaneId, Option<ZoneId>),
        again: Again,
    ) -> Admission {
        Admission {
            id: self.next_admission(),
            ticket: Some(ticket),
            lane: lane.clone(),
            way: Way::In,
            zone,
            again,
            cause: None,
            command: CommandId(0),
            state: AdmissionState::Granted,
            at: self.now,
            ended_at: None,
            counter_before: None,
            settled: None,
            lent_to: Some(to),
            double: false,
        }
    }

    fn lent_admission(&self, to: LentTo) -> Option<&Admission> {
        let fresh = self.changes.iter().filter_map(|change| match change {
            Change::Admission(admission) => Some(admission.id),
            _ => None,
        });
        let ids = self.state.admissions.keys().copied().chain(fresh);
        let mut all = ids.filter_map(|id| self.admission(id));
        let same = |of: LentTo| (of.sister, of.ask) == (to.sister, to.ask);
        all.find(|admission| admission.lent_to.is_some_and(same) && admission.state.is_open())
    }

    /// Somebody is in a turnstile of ours on it.
    fn is_under_way_here(&self, ticket: TicketId) -> bool {
        let mut all = self.state.admissions.values();
        all.any(|admission| {
            admission.ticket == Some(ticket)
                && admission.lent_to.is_none()
                && admission.state == AdmissionState::Granted
        })
    }

    /// A person of a ticket that is kept for a sister.
    fn kept_for(&self, sister: u8, ticket: TicketId) -> Option<AdmissionId> {
        let ids = self.state.admissions.keys().copied();
        let mut all = ids.filter_map(|id| self.admission(id));
        let kept = all.find(|admission| {
            admission.ticket == Some(ticket)
                && admission.state.is_open()
                && admission.lent_to.is_some_and(|to| to.sister == sister)
        });
        kept.map(|admission| admission.id)
    }

    // ---- news ------------------------------------------------------------------------------------

    /// `found`: tickets of the reports that are over, as the tables know them.
    pub(super) fn sister_told(&mut self, sister: u8, news: SisterNews, found: &[Ticket]) -> Reply {
        let lane = self.lane_of_sister(sister)?;
        // Looked up before a decision that is not on disk yet: she tells it again.
        let stale =
            found.iter().find(|ticket| ticket.is_alive() && self.ticket(ticket.id).is_none());
        if let Some(stale) = stale {
            return Err(Refusal::NoTicket(stale.id));
        }
        let (mut doubles, mut later) = (Vec::new(), Vec::new());
        for report in &news.reports {
            let over = found.iter().find(|ticket| ticket.id == report.ticket);
            match self.reported(sister, &lane, report, over) {
                Some(true) => doubles.push(report.ask),
                Some(false) => {}
                None => later.push(report.ask),
            }
        }
        self.tickets_told(sister, news.tickets, (news.upto, news.anew));
        Ok(Answer::Told { doubles, later })
    }

    /// `true`: somebody else had come in on the same right already. `None`: somebody is on the way on it here; whether it
    /// is one right for two shows in a moment.
    fn reported(
        &mut self,
        sister: u8,
        lane: &LaneId,
        report: &Report,
        over: Option<&Ticket>,
    ) -> Option<bool> {
        let to = LentTo { sister, ask: report.ask, watched: report.watched };
        let open = self.lent_admission(to).map(|admission| admission.id);
        let before = self.spent(&key(to)).map(|spent| spent.amount.minor);
        let double = match (open, report.used) {
            (Some(open), used) => {
                let state = if used { AdmissionState::Used } else { AdmissionState::GivenBack };
                self.end_admission(open, state, None);
                false
            }
            (None, true) if !matches!(before, Some(USED | DOUBLE)) => {
                self.count_alone(to, lane, report, over)?
            }
            // Noted, so that a question that comes late is known as given up.
            (None, false) if before.is_none() => false,
            // Told once more: its answer was lost.
            (None, _) => return Some(before == Some(DOUBLE)),
        };
        let (id, until) = (key(to), self.now + KNOWN);
        let end = match (report.used, double) {
            (false, _) => NOT_USED,
            (true, false) => USED,
            (true, true) => DOUBLE,
        };
        let amount = Money::new(end, self.rules.currency);
        self.record(Change::Spent(Spent { id, until, amount, recent: Vec::new(), over_at: None }));
        Some(double)
    }

    /// Let in there without a word of ours: it counts, if there was a right left; else two came in on one.
    fn count_alone(
        &mut self,
        to: LentTo,
        lane: &LaneId,
        report: &Report,
        over: Option<&Ticket>,
    ) -> Option<bool> {
        let known = self.ticket(report.ticket).or(over).cloned();
        let Some(mut ticket) = known.filter(|ticket| self.rules.tickets.is_own(ticket.id)) else {
            return Some(true);
        };
        let id = ticket.id;
        let area = ticket.areas.iter().any(|a| a.zone == report.zone).then(|| report.zone.clone());
        if report.way == Way::Out {
            ticket.went_out(&report.zone, report.at);
            self.record(Change::Ticket(ticket));
            return Some(false);
        }
        let place = Place { zone: &report.zone, watched: report.watched };
        let fits = ticket.may_enter(place, &self.rules.tickets, report.at);
        // One is kept for her on another question, which nobody went on: this is whom it was kept for.
        if fits.is_err()
            && let Some(kept) = self.kept_for(to.sister, id)
        {
            self.end_admission(kept, AdmissionState::Used, None);
            return Some(false);
        }
        if fits.is_err() && self.is_under_way_here(id) {
            return None;
        }
        if let Ok(again) = fits {
            ticket.hold(area.as_ref(), true);
            ticket.went_in(area.as_ref(), again, report.watched, report.at);
            self.record(Change::Ticket(ticket));
        } else {
            let about = About::AdmittedTwice { ticket: id, sister: self.sister_name(to.sister) };
            self.ask_person(about, None, None);
        }
        let double = fits.is_err();
        let admission = self.sisters_admission(to, id, (lane, area), fits.unwrap_or_default());
        let (state, at, ended_at) = (AdmissionState::Used, report.at, Some(self.now));
        self.record(Change::Admission(Admission { state, at, ended_at, double, ..admission }));
        Some(double)
    }

    /// Tickets of the sister's own, as they stand there now.
    fn tickets_told(&mut self, sister: u8, tickets: Vec<Ticket>, (upto, anew): (i64, bool)) {
        let mut known = self.sister(sister).cloned().unwrap_or_else(|| Sister::new(sister));
        if !anew && (tickets.is_empty() || upto <= known.seen) {
            return;
        }
        for ticket in tickets {
            if TicketRules::issuer_of(ticket.id) != sister {
                continue;
            }
            let ticket = copy(ticket);
            if self.ticket(ticket.id) != Some(&ticket) {
                self.record(Change::Ticket(ticket));
            }
        }
        known.seen = upto;
        self.record(Change::Sister(known));
    }

    // ---- silence ---------------------------------------------------------------------------------

    /// She has been silent for long: whether those went whom we keep for her, nobody knows. A person may decide; her own
    /// word does as well.
    pub(super) fn sister_due(&mut self, id: u8) {
        let Some(mut sister) = self.sister(id).cloned() else { return };
        sister.due = None;
        self.record(Change::Sister(sister));
        let of = |a: &&Admission| {
            a.state == AdmissionState::Granted && a.lent_to.is_some_and(|to| to.sister == id)
        };
        let kept: Vec<_> = self.state.admissions.values().filter(of).map(|a| a.id).collect();
        for admission in kept {
            self.end_admission(admission, AdmissionState::Unsure, None);
        }
    }

    /// What stands in an admission in place of a turnstile's lane.
    fn lane_of_sister(&self, sister: u8) -> Result<LaneId, Refusal> {
        let rules = self.rules.sisters.get(&sister).ok_or(Refusal::NoSister(sister))?;
        LaneId::parse(&format!("sister-{}", rules.name)).ok_or(Refusal::NoSister(sister))
    }
}

fn key(LentTo { sister, ask: AskId(ask), .. }: LentTo) -> String {
    format!("sister {sister} {ask}")
}
