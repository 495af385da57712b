//! A code of somebody else's cloud before a gate: the cloud is asked and waited for a moment, and told once the person
//! went. Knows no wire.

use std::time::Duration;

use jiff::{Timestamp, ToSpan, civil::Date};

use super::Desk;
use crate::{
    core::{
        change::Change,
        cloud::{CloudPass, CloudState},
        crowd::day_of,
        effect::Effect,
        gate::Way,
        input::{Answer, Refusal, Reply},
        lane::Cause,
        presented::Presented,
        task::About,
        ticket::{Admission, AdmissionState, Medium, NotAdmitted, Ticket},
    },
    types::{ChannelId, CloudNo, CloudPassId, CloudSlip, CloudWord, CodeDigest, LaneId, TicketId},
};

/// Between two questions about one that is owed, by how many came to nothing; the last stays.
const AGAIN_S: [u64; 5] = [2, 5, 30, 120, 600];
/// Who is let in without a check goes through now.
const UNCHECKED: Duration = Duration::from_mins(10);
/// A question that the process lost is put again after this.
const LOST: Duration = Duration::from_secs(90);
/// A mistake of the cloud, not a group.
const PERSONS_MAX: u32 = 200;

impl Desk<'_> {
    /// `sealed`: the code, for the cloud alone.
    pub(super) fn cloud_scanned(
        &mut self,
        lane: &LaneId,
        cloud: ChannelId,
        digest: CodeDigest,
        sealed: String,
    ) -> Reply {
        if !self.rules.gates.contains_key(lane) {
            return Err(Refusal::NoLane(lane.clone()));
        }
        if self.ticket_of(&digest).is_some_and(Ticket::is_alive) {
            return self.scanned(lane, Presented::Code(digest));
        }
        if self.way_of(lane) == Way::Out {
            return self.let_out(lane, None, Some(Cause::Free));
        }
        if !self.rules.clouds.contains_key(&cloud) {
            return self.refuse_scan(lane, None, NotAdmitted::Unknown);
        }
        let asked = self.state.clouds.values().any(|pass| {
            pass.digest == digest
                && matches!(pass.state, CloudState::Looking | CloudState::Checking)
        });
        if asked {
            return Ok(Answer::Duplicate);
        }
        let pass = self.new_cloud_pass(cloud, (digest, sealed), lane.clone());
        let id = pass.id;
        self.record(Change::CloudPass(pass));
        self.act(Effect::FindCloudTicket { pass: id, digest });
        Ok(Answer::Queued)
    }

    pub(super) fn new_cloud_pass(
        &self,
        cloud: ChannelId,
        (digest, sealed): (CodeDigest, String),
        lane: LaneId,
    ) -> CloudPass {
        let id = CloudPassId(self.fresh(self.state.counters.cloud, |change| match change {
            Change::CloudPass(pass) => Some(pass.id.0),
            _ => None,
        }));
        let seconds = self.now.as_second();
        CloudPass {
            id,
            cloud,
            digest,
            sealed,
            lane,
            trade_no: format!("{}T{seconds}{id}", self.rules.pay.trade_prefix),
            state: CloudState::Looking,
            at: self.now,
            due: Some(self.now + LOST),
            ticket: None,
            slip: None,
            done: 0,
            tries: 0,
            unchecked: false,
            why: None,
            hand: None,
            no: None,
            over_at: None,
        }
    }

    fn cloud_pass(&self, id: CloudPassId) -> Option<CloudPass> {
        let changed = self.changes.iter().rev().find_map(|change| match change {
            Change::CloudPass(pass) if pass.id == id => Some(pass),
            _ => None,
        });
        let known = changed.or_else(|| self.state.clouds.get(&id));
        known.filter(|pass| pass.over_at.is_none()).cloned()
    }

    /// What the tables know of the code.
    pub(super) fn cloud_looked(&mut self, id: CloudPassId, found: Option<Ticket>) -> Reply {
        let Some(pass) = self.cloud_pass(id).filter(|p| p.state == CloudState::Looking) else {
            return Ok(Answer::Duplicate);
        };
        if let Some(known) = found {
            let (lane, shown) = (pass.lane.clone(), Presented::Code(pass.digest));
            self.cloud_over(pass, CloudState::No);
            return self.ticket_found(&lane, shown, Some(known));
        }
        let patience = self.rules.clouds.get(&pass.cloud).map(|rules| rules.patience);
        let due = Some(self.now + patience.unwrap_or_default());
        self.ask_cloud(CloudPass { state: CloudState::Checking, due, ..pass });
        Ok(Answer::Queued)
    }

    pub(super) fn ask_cloud(&mut self, pass: CloudPass) {
        self.record(Change::CloudPass(pass.clone()));
        self.act(Effect::AskCloud { pass });
    }

    pub(super) fn cloud_over(&mut self, pass: CloudPass, state: CloudState) {
        let (due, over_at) = (None, Some(self.now));
        self.record(Change::CloudPass(CloudPass { state, due, over_at, ..pass }));
    }

    // ---- the cloud's word ------------------------------------------------------------------------

    pub(super) fn cloud_said(&mut self, id: CloudPassId, word: CloudWord) -> Reply {
        let Some(pass) = self.cloud_pass(id) else { return Ok(Answer::Duplicate) };
        match (pass.state, word) {
            (CloudState::Checking, CloudWord::Good { slip, persons, until }) => {
                let valid_until = self.end_of_visit(until);
                let pass = CloudPass { slip: Some(slip), ..pass };
                self.let_in_of_cloud(pass, CloudState::Good, persons, valid_until)
            }
            (CloudState::Checking, CloudWord::Refused { no, why }) => {
                self.refuse_of_cloud(CloudPass { why: Some(why), ..pass }, why_not(no))
            }
            (CloudState::Checking, CloudWord::Unknown { why }) => {
                self.cloud_silent(CloudPass { why: Some(why), ..pass })
            }
            (CloudState::Late, CloudWord::Good { slip, .. }) => {
                self.write_off(CloudPass { slip: Some(slip), tries: 0, ..pass });
                Ok(Answer::Done)
            }
            (CloudState::WritingOff, CloudWord::WrittenOff) => {
                self.write_off(CloudPass { done: pass.done + 1, tries: 0, ..pass });
                Ok(Answer::Done)
            }
            (CloudState::Late | CloudState::WritingOff, CloudWord::Refused { why, .. }) => {
                let (cloud, trade_no) = (pass.cloud.clone(), pass.trade_no.clone());
                let about = About::CloudRefused { cloud, trade_no, why: why.clone() };
                self.ask_person(about, Some(&pass.lane), None);
                self.cloud_over(CloudPass { why: Some(why), ..pass }, CloudState::Refused);
                Ok(Answer::Done)
            }
            (CloudState::Late | CloudState::WritingOff, word) => {
                let why = match word {
                    CloudWord::Unknown { why } => why,
                    _ => "its answer was to another question".to_owned(),
                };
                let wait = AGAIN_S[(pass.tries as usize).min(AGAIN_S.len() - 1)];
                let due = Some(self.now + Duration::from_secs(wait));
                let tries = pass.tries.saturating_add(1);
                self.record(Change::CloudPass(CloudPass { due, tries, why: Some(why), ..pass }));
                Ok(Answer::Done)
            }
            // Too late, or to what was not asked.
            _ => Ok(Answer::Duplicate),
        }
    }

    /// Until the cloud's day ends, and at most until the site's does: tomorrow it is asked again.
    fn end_of_visit(&self, until: Option<Date>) -> Timestamp {
        let begins = self.rules.tickets.day_begins;
        let today = day_of(self.now, &self.rules.zone, begins);
        let last = until.map_or(today, |until| until.min(today)).max(today);
        let end = last.checked_add(1.day()).ok().and_then(|next| {
            let midnight = self.rules.zone.to_timestamp(next.at(0, 0, 0, 0)).ok()?;
            midnight.checked_add(begins).ok()
        });
        end.unwrap_or(self.now + Duration::from_hours(12))
    }

    /// It becomes a ticket of ours, so that it lets nobody in twice here.
    fn let_in_of_cloud(
        &mut self,
        pass: CloudPass,
        state: CloudState,
        persons: u32,
        valid_until: Timestamp,
    ) -> Reply {
        // Somebody registered the code meanwhile.
        let known = self.ticket_of(&pass.digest).map(|ticket| ticket.id);
        let ticket = known.unwrap_or_else(|| self.ticket_of_cloud(&pass, persons, valid_until));
        let (lane, hand, due) = (pass.lane.clone(), pass.hand.clone(), Some(valid_until));
        self.record(Change::CloudPass(CloudPass { state, due, ticket: Some(ticket), ..pass }));
        match hand {
            Some(hand) => self.let_in_hand_of_cloud(&lane, hand, ticket),
            None => self.admit_person(&lane, ticket),
        }
    }

    fn refuse_of_cloud(&mut self, pass: CloudPass, why: NotAdmitted) -> Reply {
        if pass.hand.is_some() {
            return self.refuse_hand_of_cloud(pass, why);
        }
        let lane = pass.lane.clone();
        self.cloud_over(pass, CloudState::No);
        self.refuse_scan(&lane, None, why)
    }

    fn ticket_of_cloud(
        &mut self,
        pass: &CloudPass,
        persons: u32,
        valid_until: Timestamp,
    ) -> TicketId {
        let id = self.next_ticket();
        self.record(Change::Ticket(Ticket {
            id,
            digest: pass.digest,
            persons: persons.clamp(1, PERSONS_MAX),
            used: 0,
            held: 0,
            valid_from: self.now,
            valid_until,
            revoked: false,
            expired: false,
            made_at: self.now,
            made_by: format!("cloud {}", pass.cloud),
            revoked_by: String::new(),
            areas: Vec::new(),
            sold: None,
            edition: 0,
            medium: Medium::Any,
            visitor: None,
        }));
        id
    }

    fn cloud_silent(&mut self, pass: CloudPass) -> Reply {
        let most = self.rules.clouds.get(&pass.cloud).map_or(0, |rules| rules.unchecked_max);
        let of = |other: &&CloudPass| other.unchecked && other.cloud == pass.cloud;
        let open = self.state.clouds.values().filter(of).count();
        if open >= most as usize {
            return self.refuse_of_cloud(pass, NotAdmitted::CloudSilent);
        }
        let pass = CloudPass { unchecked: true, ..pass };
        self.let_in_of_cloud(pass, CloudState::Unchecked, 1, self.now + UNCHECKED)
    }

    // ---- written off -----------------------------------------------------------------------------

    /// The first who goes on it uses it up there.
    pub(super) fn went_for_cloud(&mut self, admission: &Admission, state: AdmissionState) {
        if state != AdmissionState::Used || admission.way != Way::In {
            return;
        }
        let Some(ticket) = admission.ticket else { return };
        let fresh = self.changes.iter().rev().filter_map(|change| match change {
            Change::CloudPass(pass) => Some(pass),
            _ => None,
        });
        let mut known = fresh.chain(self.state.clouds.values());
        let of = known.find(|pass| pass.ticket == Some(ticket)).map(|pass| pass.id);
        let Some(pass) = of.and_then(|pass| self.cloud_pass(pass)) else { return };
        match pass.state {
            CloudState::Good => self.write_off(pass),
            CloudState::Unchecked => {
                let due = Some(self.now + LOST);
                self.ask_cloud(CloudPass { state: CloudState::Late, due, ..pass });
            }
            _ => {}
        }
    }

    /// The next of its numbers, or it is done.
    fn write_off(&mut self, pass: CloudPass) {
        let numbers = pass.slip.as_ref().map_or(0, |slip: &CloudSlip| slip.ticket_nos.len());
        if pass.done as usize >= numbers {
            return self.cloud_over(pass, CloudState::Done);
        }
        let due = Some(self.now + LOST);
        self.ask_cloud(CloudPass { state: CloudState::WritingOff, due, ..pass });
    }

    pub(super) fn cloud_due(&mut self, id: CloudPassId) {
        let Some(pass) = self.cloud_pass(id) else { return };
        match pass.state {
            CloudState::Checking => drop(self.cloud_silent(pass)),
            CloudState::Late | CloudState::WritingOff => {
                self.ask_cloud(CloudPass { due: Some(self.now + LOST), ..pass });
            }
            // Somebody may still be on the way on it.
            CloudState::Good | CloudState::Unchecked if self.is_under_way(pass.ticket) => {
                let due = Some(self.now + LOST);
                self.record(Change::CloudPass(CloudPass { due, ..pass }));
            }
            _ => self.cloud_over(pass, CloudState::No),
        }
    }

    fn is_under_way(&self, ticket: Option<TicketId>) -> bool {
        ticket.and_then(|ticket| self.ticket(ticket)).is_some_and(|ticket| ticket.held > 0)
    }

    /// After a start nobody waits before a gate any more; what is owed is told again.
    pub(super) fn clouds_anew(&mut self) {
        let all: Vec<_> = self.state.clouds.values().cloned().collect();
        for pass in all {
            match pass.state {
                CloudState::Looking | CloudState::Checking => {
                    self.cloud_over(pass, CloudState::No);
                }
                CloudState::Late | CloudState::WritingOff => {
                    self.ask_cloud(CloudPass { due: Some(self.now + LOST), ..pass });
                }
                _ => {}
            }
        }
    }
}

fn why_not(no: CloudNo) -> NotAdmitted {
    match no {
        CloudNo::NotThere => NotAdmitted::Unknown,
        CloudNo::Used => NotAdmitted::UsedUp,
        CloudNo::TooEarly => NotAdmitted::TooEarly,
        CloudNo::TooLate => NotAdmitted::TooLate,
        CloudNo::Other => NotAdmitted::CloudRefused,
    }
}
