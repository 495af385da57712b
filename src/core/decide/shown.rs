//! What lanes show besides their own doings: a call that is under way, a lot that is full. Knows no display.

use super::Desk;
use crate::{
    core::{
        change::Change,
        effect::{Effect, Message},
        lane::{Lane, Phase},
    },
    types::LaneId,
};

impl Desk<'_> {
    /// What a driver who called, or was called for, is told. `fresh`: with what this decision has changed.
    pub(super) fn called(&self, lane: &Lane, fresh: bool) -> Option<Message> {
        let call = if fresh { self.call_at(&lane.id) } else { self.state.call_of(&lane.id) }?;
        let told = match lane.phase {
            // The amount stays in sight, unless the driver asked for a person.
            Phase::AwaitingPayment => call.is_drivers_call(),
            Phase::Idle
            | Phase::VehiclePresent
            | Phase::Deciding
            | Phase::Faulty
            | Phase::Locked => true,
            Phase::Opening | Phase::Open | Phase::Passing | Phase::Closing | Phase::HeldOpen => {
                false
            }
        };
        told.then(|| Message::HelpCalled { taken: call.taken.is_some() })
    }

    /// Lanes that stand as they stood and tell something else all the same.
    pub(super) fn told_besides(&self) -> Vec<Effect> {
        let mut lanes: Vec<&LaneId> = Vec::new();
        for change in &self.changes {
            if let Change::Task(task) = change
                && let Some(lane) = task.lane.as_ref().filter(|_| task.is_call())
            {
                lanes.push(lane);
            }
        }
        if !self.zones_turned().is_empty() {
            lanes.extend(self.rules.lanes.keys());
        }
        lanes.sort();
        lanes.dedup();
        let changed = |id: &LaneId| {
            self.changes.iter().any(|c| matches!(c, Change::Lane(lane) if lane.id == *id))
        };
        let still = lanes.into_iter().filter(|id| !changed(id));
        let told = still.filter_map(|id| {
            let lane = self.state.lanes.get(id)?;
            let (before, message) = (self.message(lane, false), self.message(lane, true));
            (before != message).then(|| Effect::Show { lane: id.clone(), message })
        });
        told.collect()
    }
}
