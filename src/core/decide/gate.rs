//! Running a gate's machine and doing what it asks for. Knows no code.

use super::Desk;
use crate::{
    core::{
        change::{AlarmKind, Change},
        effect::Effect,
        gate::{Act, Event, Gate, Pass, PassAction, PassOrder, Phase, Way, step},
        input::{Answer, PassOutcome, Refusal, Reply},
        lane::{Cause, LaneAlarm, OperatorAct, Reject},
        ticket::{Admission, AdmissionState, Again},
    },
    types::{AdmissionId, CommandId, LaneId, TicketId},
};

impl Desk<'_> {
    /// One event of a gate, with all that follows from it.
    pub(super) fn gate_event(&mut self, id: &LaneId, event: Event) -> Reply {
        let gate = self.gate(id).cloned().ok_or_else(|| Refusal::NoLane(id.clone()))?;
        let rules = self.rules.gates.get(id).ok_or_else(|| Refusal::NoLane(id.clone()))?;
        let step = step(&gate, rules, self.now, event);
        if let Some(reject) = step.rejected {
            return Err(Refusal::Lane(id.clone(), reject));
        }
        self.record(Change::Gate(step.gate));
        for act in step.acts {
            self.gate_act(id, act);
        }
        self.admit_next(id)
    }

    fn gate_act(&mut self, id: &LaneId, act: Act) {
        match act {
            Act::Tell(action, cause) => self.order_pass(id, action, cause),
            Act::Used(pass) => self.end_admission(pass.admission, AdmissionState::Used, None),
            Act::GivenBack(pass) => {
                self.end_admission(pass.admission, AdmissionState::GivenBack, None);
            }
            Act::Unsure(pass) => self.end_admission(pass.admission, AdmissionState::Unsure, None),
            Act::Walked(walk, count) => {
                let way = self.way_of(id);
                self.crowd_moved(id, way, count);
                self.record(Change::Walked { lane: id.clone(), way, count, walk });
            }
            Act::Alarm(alarm) => {
                let detail = self.gate(id).map(|gate| gate.phase.name()).unwrap_or_default();
                self.raise_lane(id, alarm, detail.to_owned());
            }
            Act::Calm(alarm) => self.clear(id.as_str(), AlarmKind::Lane(alarm)),
        }
    }

    pub(super) fn way_of(&self, id: &LaneId) -> Way {
        self.rules.gates.get(id).map_or(Way::In, |rules| Way::of(rules.direction))
    }

    /// The order stands on the gate, and so on record, before the effect leaves.
    fn order_pass(&mut self, id: &LaneId, action: PassAction, cause: Option<Cause>) {
        let command = self.next_command();
        let Some(mut gate) = self.gate(id).cloned() else { return };
        let Some(rules) = self.rules.gates.get(id) else { return };
        let expires_at = self.now + rules.times.order_life;
        let way = self.way_of_order(&gate, action, cause.as_ref());
        gate.order = Some(PassOrder {
            id: command,
            action,
            way,
            cause,
            at: self.now,
            expires_at,
            done: false,
        });
        if action == PassAction::Grant
            && let Some(pass) = gate.pass
            && let Some(mut admission) = self.admission(pass.admission).cloned()
        {
            admission.command = command;
            self.record(Change::Admission(admission));
        }
        self.record(Change::Gate(gate));
        self.act(Effect::Pass { lane: id.clone(), command, action, way, expires_at });
    }

    /// For a fire both ways are freed, and closed again by the release, unless the other way has a lane of its own.
    fn way_of_order(&self, gate: &Gate, action: PassAction, cause: Option<&Cause>) -> Way {
        let alone = self.rules.gates.get(&gate.id).is_some_and(|rules| rules.alone);
        let fire = action == PassAction::Free && cause == Some(&Cause::Fire);
        let both_open = gate.order.as_ref().is_some_and(|order| {
            order.way == Way::Both && !(order.done && order.action == PassAction::Close)
        });
        if alone && (fire || action != PassAction::Grant && both_open) {
            Way::Both
        } else {
            self.way_of(&gate.id)
        }
    }

    pub(super) fn pass_answered(
        &mut self,
        id: &LaneId,
        command: CommandId,
        outcome: PassOutcome,
    ) -> Reply {
        let gate = self.gate(id).ok_or_else(|| Refusal::NoLane(id.clone()))?;
        if gate.order.as_ref().map(|order| order.id) != Some(command) {
            return Err(Refusal::OldCommand);
        }
        match outcome {
            PassOutcome::Done(total) => self.gate_event(id, Event::Done(total)),
            PassOutcome::Refused(why) | PassOutcome::Silent(why) => {
                self.raise_lane(id, LaneAlarm::PassSilent, why);
                self.gate_event(id, Event::Failed)
            }
        }
    }

    /// Somebody went; the other way of a turnstile is none of this lane's business.
    pub(super) fn went(
        &mut self,
        id: &LaneId,
        way: Way,
        count: crate::core::gate::Counted,
    ) -> Reply {
        if way != self.way_of(id) {
            return Err(Refusal::NoLane(id.clone()));
        }
        self.gate_event(id, Event::Counted(count))
    }

    /// Opens the gate for one person. The machine takes it, or nothing is changed.
    pub(super) fn grant(
        &mut self,
        id: &LaneId,
        ticket: Option<TicketId>,
        cause: Option<Cause>,
    ) -> Reply {
        let gate = self.gate(id).cloned().ok_or_else(|| Refusal::NoLane(id.clone()))?;
        let rules = self.rules.gates.get(id).ok_or_else(|| Refusal::NoLane(id.clone()))?;
        let way = Way::of(rules.direction);
        let known = ticket.and_then(|ticket| self.ticket(ticket).cloned());
        let zone =
            known.as_ref().and_then(|ticket| ticket.areas.iter().find(|a| a.zone == rules.zone));
        let zone = zone.map(|area| area.zone.clone());
        let held = known.filter(|_| way == Way::In);
        let again = held
            .as_ref()
            .map(|ticket| ticket.may_enter(self.place(&rules.zone), &self.rules.tickets, self.now));
        let again = again.and_then(Result::ok).unwrap_or_default();
        let left = held.as_ref().map_or(0, |ticket| {
            ticket.left_in(zone.as_ref()).saturating_sub(u32::from(again == Again::First))
        });
        let admission = self.next_admission();
        let pass = Pass { admission, ticket, left, blind: false };
        if let Some(reject) = step(&gate, rules, self.now, Event::Grant(pass)).rejected {
            return Err(Refusal::Lane(id.clone(), reject));
        }
        self.record(Change::Admission(Admission {
            id: admission,
            ticket,
            lane: id.clone(),
            way,
            zone: zone.clone(),
            again,
            cause,
            // Put in its place by the order that follows.
            command: CommandId(0),
            state: AdmissionState::Granted,
            at: self.now,
            ended_at: None,
            counter_before: gate.counter,
            settled: None,
            lent_to: None,
            double: false,
        }));
        if let Some(mut ticket) = held {
            ticket.hold(zone.as_ref(), true);
            let number = ticket.id;
            self.record(Change::Ticket(ticket));
            self.lent_to(number, id, admission);
        }
        self.gate_event(id, Event::Grant(pass))
    }

    /// What became of an admission, and of the person on its ticket.
    pub(super) fn end_admission(
        &mut self,
        id: AdmissionId,
        state: AdmissionState,
        settled: Option<Cause>,
    ) {
        let Some(mut admission) = self.admission(id).cloned() else { return };
        admission.state = state;
        admission.ended_at = Some(self.now);
        admission.settled = settled;
        let subject = format!("admission-{id}");
        if let Some(mut ticket) = admission.ticket.and_then(|id| self.ticket(id).cloned())
            && state != AdmissionState::Unsure
        {
            let zone = admission.zone.as_ref();
            let watched = match admission.lent_to {
                Some(to) => to.watched,
                None => zone.is_some_and(|zone| self.is_watched(zone)),
            };
            match (state, admission.way) {
                (AdmissionState::Used, Way::Out) => {
                    if let Some(zone) = zone {
                        ticket.went_out(zone, self.now);
                    }
                }
                (AdmissionState::Used, _) => {
                    ticket.went_in(zone, admission.again, watched, self.now);
                }
                (_, Way::Out) => {}
                _ => ticket.hold(zone, false),
            }
            self.record(Change::Ticket(ticket));
        }
        if state == AdmissionState::Unsure {
            let detail =
                format!("let in at {}; nobody knows whether the person went", admission.lane);
            self.raise(&subject, AlarmKind::AdmissionUnsure, detail);
        } else {
            self.clear(&subject, AlarmKind::AdmissionUnsure);
        }
        let (lane, way) = (admission.lane.clone(), admission.way);
        self.ended_for_sister(&admission, state);
        self.went_for_cloud(&admission, state);
        self.record(Change::Admission(admission));
        if state == AdmissionState::Used {
            self.crowd_moved(&lane, way, 1);
        }
    }

    pub(super) fn operate_gate(&mut self, id: &LaneId, act: OperatorAct, cause: Cause) -> Reply {
        match act {
            OperatorAct::Open => self.grant(id, None, Some(cause)),
            act => self.gate_event(id, Event::Operator(act, cause)),
        }
    }

    /// The one who scanned while another was on the way.
    fn admit_next(&mut self, id: &LaneId) -> Reply {
        let Some(mut gate) = self.gate(id).cloned() else { return Ok(Answer::Done) };
        if gate.phase != Phase::Idle || gate.walking {
            return Ok(Answer::Done);
        }
        let Some(next) = gate.next.take() else { return self.follow(gate) };
        self.record(Change::Gate(gate));
        // What became of the next one is no answer to whoever told of the one before.
        let _ = self.admit_person(id, next);
        Ok(Answer::Done)
    }

    /// The next of a group, on the scan of the one who went.
    fn follow(&mut self, mut gate: Gate) -> Reply {
        let last = gate.order.as_ref().filter(|order| order.action == PassAction::Grant);
        let went = last.and_then(|order| self.last_used(order.id));
        let Some(ticket) = went.filter(|_| gate.follow > 0) else { return Ok(Answer::Done) };
        gate.follow -= 1;
        let (id, left) = (gate.id.clone(), gate.follow);
        self.record(Change::Gate(gate));
        let _ = self.admit_person(&id, ticket);
        if let Some(mut gate) = self.gate(&id).cloned() {
            gate.follow = left;
            self.record(Change::Gate(gate));
        }
        Ok(Answer::Done)
    }

    /// The ticket of the person who has just gone on this order.
    fn last_used(&self, command: CommandId) -> Option<TicketId> {
        self.changes.iter().find_map(|change| match change {
            Change::Admission(done)
                if done.command == command && done.state == AdmissionState::Used =>
            {
                done.ticket
            }
            _ => None,
        })
    }

    pub(super) fn settle_admission(
        &mut self,
        id: AdmissionId,
        used: bool,
        who: String,
        reason: &str,
    ) -> Reply {
        let reason = reason.trim().to_owned();
        if reason.is_empty() {
            return Err(Refusal::NoReason);
        }
        let unsure = self.admission(id).is_some_and(|a| a.state == AdmissionState::Unsure);
        if !unsure {
            return Err(Refusal::NoAdmission(id));
        }
        let state = if used { AdmissionState::Used } else { AdmissionState::GivenBack };
        self.end_admission(id, state, Some(Cause::Operator { who, reason }));
        Ok(Answer::Done)
    }
}

/// Why the gate itself lets nobody in, in the words shown there.
pub(super) fn not_admitted(reject: Reject) -> crate::core::ticket::NotAdmitted {
    use crate::core::ticket::NotAdmitted;
    match reject {
        Reject::LaneLocked => NotAdmitted::LaneLocked,
        Reject::Blind => NotAdmitted::Faulty,
        _ => NotAdmitted::Busy,
    }
}
