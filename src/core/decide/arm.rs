//! Running a lane's machine and doing what it asks for. Knows no money.

use super::Desk;
use crate::{
    core::{
        change::{AlarmKind, Change},
        effect::Effect,
        input::{Answer, ArmOutcome, Refusal, Reply},
        lane::{
            Act, ArmAction, ArmOrder, Cause, Event, Lane, LaneAlarm, OperatorAct, Phase, Signal,
            Visit, step,
        },
    },
    types::{CommandId, LaneId},
};

impl Desk<'_> {
    /// One event of a lane, with all that follows from it.
    pub(super) fn lane_event(&mut self, id: &LaneId, event: Event) -> Reply {
        let lane = self.lane(id).cloned().ok_or_else(|| Refusal::NoLane(id.clone()))?;
        let rules = self.rules.lanes.get(id).ok_or_else(|| Refusal::NoLane(id.clone()))?;
        let step = step(&lane, rules, self.now, event);
        if let Some(reject) = step.rejected {
            return Err(Refusal::Lane(id.clone(), reject));
        }
        self.record(Change::Lane(step.lane));
        for act in step.acts {
            self.lane_act(id, act);
        }
        let served = self.serve_next(id);
        self.let_coupled_go(id);
        served
    }

    fn lane_act(&mut self, id: &LaneId, act: Act) {
        match act {
            Act::Arm(action, cause) => self.order_arm(id, action, cause),
            Act::TriggerRead => self.act(Effect::TriggerRead { lane: id.clone() }),
            Act::Passed(visit) => {
                self.caller_gone(id);
                self.passed(id, visit);
            }
            Act::Tailgated(visit) => self.tailgated(id, visit),
            Act::BackedOut(visit) => {
                self.caller_gone(id);
                self.backed_out(id, &visit);
            }
            Act::Alarm(alarm) => {
                let detail = self.lane(id).map(describe).unwrap_or_default();
                self.raise_lane(id, alarm, detail);
            }
            Act::Calm(alarm) => self.clear(id.as_str(), AlarmKind::Lane(alarm)),
        }
    }

    /// The order stands on the lane, and so on record, before the effect leaves.
    fn order_arm(&mut self, id: &LaneId, action: ArmAction, cause: Option<Cause>) {
        let command = self.next_command();
        let Some(mut lane) = self.lane(id).cloned() else { return };
        let life = self.rules.lanes.get(id).map_or_else(Default::default, |r| r.times.order_life);
        let expires_at = self.now + life;
        lane.order = Some(ArmOrder { id: command, action, cause, at: self.now, expires_at });
        self.record(Change::Lane(lane));
        self.act(Effect::Arm { lane: id.clone(), command, action, expires_at });
    }

    /// The read of the vehicle behind is taken up once the lane is free for it.
    fn serve_next(&mut self, id: &LaneId) -> Reply {
        let Some(mut lane) = self.lane(id).cloned() else { return Ok(Answer::Done) };
        let free = matches!(
            lane.phase,
            Phase::Closing | Phase::Idle | Phase::VehiclePresent | Phase::HeldOpen
        );
        // It may have gone away meanwhile: it is taken up once it stands before the arm.
        let loop_wired = self.rules.lanes.get(id).is_some_and(|rules| rules.wired.arrival);
        let away = loop_wired && lane.sensors.arrival == Signal::Off;
        if !free || lane.visit.is_some() || (away && lane.phase != Phase::HeldOpen) {
            return Ok(Answer::Done);
        }
        let Some(next) = lane.next.take() else { return Ok(Answer::Done) };
        self.record(Change::Lane(lane));
        self.serve(id, next)
    }

    pub(super) fn serve(&mut self, id: &LaneId, visit: Visit) -> Reply {
        let event = visit.read.as_ref().map(|read| read.event.clone());
        self.lane_event(id, Event::Seen(visit))?;
        let queued = |lane: &Lane| {
            let next = lane.next.as_ref().and_then(|next| next.read.as_ref());
            next.is_some_and(|next| Some(&next.event) == event.as_ref())
        };
        if self.lane(id).is_some_and(queued) { Ok(Answer::Done) } else { self.decide_visit(id) }
    }

    /// A lane without any input rests from the start: nothing will ever tell.
    pub(super) fn rest_unwired(&mut self, id: &LaneId) {
        let Some(mut lane) = self.lane(id).cloned() else { return };
        if !matches!(lane.phase, Phase::HeldOpen | Phase::Locked | Phase::AwaitingPayment) {
            lane.phase = Phase::Idle;
            lane.due = None;
        }
        self.record(Change::Lane(lane));
    }

    pub(super) fn arm_answered(
        &mut self,
        id: &LaneId,
        command: CommandId,
        outcome: ArmOutcome,
    ) -> Reply {
        let lane = self.lane(id).ok_or_else(|| Refusal::NoLane(id.clone()))?;
        if lane.order.as_ref().map(|order| order.id) != Some(command) {
            return Err(Refusal::OldCommand);
        }
        match outcome {
            ArmOutcome::Done => self.lane_event(id, Event::Done),
            ArmOutcome::Refused(why) | ArmOutcome::Silent(why) => {
                self.raise_lane(id, LaneAlarm::ArmSilent, why);
                self.lane_event(id, Event::Failed)
            }
        }
    }

    pub(super) fn operator(
        &mut self,
        id: &LaneId,
        act: OperatorAct,
        who: String,
        reason: &str,
    ) -> Reply {
        let reason = reason.trim().to_owned();
        if reason.is_empty() {
            return Err(Refusal::NoReason);
        }
        let shuts = matches!(act, OperatorAct::Close | OperatorAct::Release | OperatorAct::Lock);
        if shuts && self.is_way_out_of_fire(id) {
            return Err(Refusal::Fire);
        }
        let cause = Cause::Operator { who: who.clone(), reason: reason.clone() };
        let visit = self.lane(id).and_then(|lane| lane.visit.as_ref());
        let picture =
            visit.and_then(|visit| visit.read.as_ref()).and_then(|read| read.picture.clone());
        let answer = if self.rules.gates.contains_key(id) {
            self.operate_gate(id, act, cause)?
        } else {
            self.lane_event(id, Event::Operator(act, cause))?
        };
        let shift = self.opened_by_hand(&who, act);
        self.record(Change::OperatorActed { lane: id.clone(), act, who, reason, picture, shift });
        Ok(answer)
    }
}

/// One line of where the lane stands, for an alarm's detail.
fn describe(lane: &Lane) -> String {
    let plate = lane.visit.as_ref().and_then(|visit| visit.plate.as_ref());
    match plate {
        Some(plate) => format!("{} {plate}", lane.phase.name()),
        None => lane.phase.name().to_owned(),
    }
}
