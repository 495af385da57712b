//! The laws of tickets and turnstiles, on tables of all that was ever committed and on who really went. Trusts nothing
//! that the core says about itself.

use std::collections::{BTreeMap, BTreeSet};

use paifang::{
    core::{
        AlarmKind, Change, Input, Rules, State, gate,
        gate::PassAction,
        lane,
        presented::Presented,
        rules::Direction,
        ticket::{Admission, AdmissionState, Again, Area, Ticket, Way},
    },
    types::{AdmissionId, CommandId, LaneId, TicketId, ZoneId},
};

use super::{
    check::{Broken, Law, law},
    people::People,
};

#[derive(Debug, Default)]
pub(super) struct Admissions {
    tickets: BTreeMap<TicketId, Ticket>,
    admissions: BTreeMap<AdmissionId, Admission>,
    used_of_ticket: BTreeMap<(TicketId, Option<ZoneId>), u32>,
    /// Admissions used and others walked, by gate.
    went: BTreeMap<LaneId, u64>,
    performed: BTreeSet<CommandId>,
}

impl Admissions {
    /// All changes of one decision, as committed.
    pub(super) fn take(&mut self, changes: &[Change], people: &People) -> Result<(), Broken> {
        changes.iter().try_for_each(|change| match change {
            Change::Ticket(ticket) => {
                self.tickets.insert(ticket.id, ticket.clone());
                // Of one with areas, those who come back are held as well.
                let held = if ticket.areas.is_empty() { ticket.held } else { 0 };
                law(Law::TicketOnce, ticket.used + held <= ticket.persons, || {
                    format!("{ticket:?} lets in more than it is for")
                })
            }
            Change::Admission(admission) => self.admission(admission, people),
            Change::Walked { lane, count, .. } => self.walked(lane, u64::from(*count), people),
            _ => Ok(()),
        })
    }

    fn admission(&mut self, admission: &Admission, people: &People) -> Result<(), Broken> {
        let former = self.admissions.insert(admission.id, admission.clone());
        let is_open = former.as_ref().is_none_or(|former| former.state.is_open());
        law(Law::GrantsEnd, is_open, || format!("{admission:?} was over: {former:?}"))?;
        if admission.state != AdmissionState::Used {
            return Ok(());
        }
        // Whoever goes out uses up nothing.
        let first = admission.way == Way::In && admission.again == Again::First;
        if let Some(id) = admission.ticket.filter(|_| first) {
            let used = self.used_of_ticket.entry((id, admission.zone.clone())).or_default();
            *used += 1;
            let persons = self.tickets.get(&id).map_or(0, |ticket| ticket.persons);
            law(Law::TicketOnce, *used <= persons, || {
                format!("{used} went on ticket {id} for {persons}")
            })?;
        }
        self.walked(&admission.lane, 1, people)
    }

    fn walked(&mut self, lane: &LaneId, count: u64, people: &People) -> Result<(), Broken> {
        let went = self.went.entry(lane.clone()).or_default();
        *went += count;
        let really = people.passages(lane).0;
        law(Law::UsedWalked, *went <= really, || {
            format!("{went} are on record at {lane} and {really} went")
        })
    }

    pub(super) fn ticket(&self, id: TicketId) -> Option<&Ticket> {
        self.tickets.get(&id)
    }

    /// As in the tables.
    pub(super) fn shown(&self, shown: &Presented) -> Option<Ticket> {
        match shown {
            Presented::Signed(claims, ..) => self.tickets.get(&claims.ticket).cloned(),
            Presented::Code(digest) => {
                self.tickets.values().find(|ticket| ticket.digest == *digest).cloned()
            }
            Presented::Ticket(id) => self.tickets.get(id).cloned(),
            Presented::Person(_) | Presented::Bad(_) => None,
        }
    }

    /// An effect leaves for a turnstile.
    pub(super) fn perform(&mut self, command: CommandId, action: PassAction) -> Result<(), Broken> {
        let known = self.admissions.values().rev().find(|known| known.command == command);
        let granted = known.is_some_and(|known| known.state == AdmissionState::Granted);
        law(Law::PassOnRecord, granted || action != PassAction::Grant, || {
            format!("{command} opens for {known:?}")
        })?;
        law(Law::CommandOnce, self.performed.insert(command), || {
            format!("{action:?} {command} for the second time")
        })
    }

    /// After a fire was told: every way out is open.
    pub(super) fn fire(input: &Input, rules: &Rules, state: &State) -> Result<(), Broken> {
        if !matches!(input, Input::Fire { on: true, .. }) {
            return Ok(());
        }
        let exits = rules.lanes.iter().filter(|(_, rules)| rules.direction == Direction::Exit);
        for (id, _) in exits {
            let phase = state.lanes.get(id).map(|lane| lane.phase);
            law(Law::FireOpens, phase == Some(lane::Phase::HeldOpen), || {
                format!("{id} is {phase:?}")
            })?;
        }
        for id in rules.gates.keys() {
            let phase = state.gates.get(id).map(|gate| gate.phase);
            law(Law::FireOpens, phase == Some(gate::Phase::HeldFree), || {
                format!("{id} is {phase:?}")
            })?;
        }
        Ok(())
    }

    /// When all is over: who went is on record, who did not has the person back, and what nobody knows is told.
    pub(super) fn agree_with(&self, people: &People, state: &State) -> Result<(), Broken> {
        for admission in self.admissions.values() {
            let alarm = (format!("admission-{}", admission.id), AlarmKind::AdmissionUnsure);
            let ended = match admission.state {
                AdmissionState::Granted => false,
                AdmissionState::Unsure => state.alarms.contains_key(&alarm),
                AdmissionState::Used | AdmissionState::GivenBack => true,
            };
            law(Law::GrantsEnd, ended, || format!("{admission:?} has no end"))?;
        }
        for ticket in self.tickets.values() {
            let of = |state, zone: Option<&ZoneId>, first: Option<bool>| {
                let same = |a: &&Admission| {
                    a.ticket == Some(ticket.id)
                        && (a.state, a.way) == (state, Way::In)
                        && zone.is_none_or(|zone| a.zone.as_ref() == Some(zone))
                        && first.is_none_or(|first| (a.again == Again::First) == first)
                };
                self.admissions.values().filter(same).count() as u32
            };
            let (used, unsure) = (AdmissionState::Used, AdmissionState::Unsure);
            let in_area = |area: &Area| {
                let zone = Some(&area.zone);
                area.used == of(used, zone, Some(true))
                    && area.returned == of(used, zone, Some(false))
                    && area.held == of(unsure, zone, None)
            };
            let whole = ticket.used == of(used, None, Some(true)) || !ticket.areas.is_empty();
            let sound =
                whole && ticket.held == of(unsure, None, None) && ticket.areas.iter().all(in_area);
            law(Law::GrantsEnd, sound, || format!("{ticket:?} does not have its persons back"))?;
        }
        for (id, gate) in &state.gates {
            let (really, exact) = people.passages(id);
            let went = self.went.get(id).copied().unwrap_or_default();
            law(Law::UsedWalked, !exact || !gate.heard || went == really, || {
                format!("{went} are on record at {id} and {really} went")
            })?;
        }
        Ok(())
    }
}
