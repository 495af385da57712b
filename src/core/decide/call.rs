//! Calls for a person: by the driver, or because a vehicle has waited for too long. Knows no page and no bell.

use jiff::Timestamp;

use super::Desk;
use crate::{
    core::{
        change::{AlarmKind, Change},
        input::{Answer, Refusal, Reply},
        lane::{Cause, Lane, LaneAlarm, Phase, Wait, WaitsFor},
        money::OrderState,
        rules::BankDown,
        task::{About, CallFrom, Task},
    },
    types::{LaneId, OrderId, TaskId, bank::PayWay},
};

/// In the name of nobody.
pub(super) const PAIFANG: &str = "paifang";
/// What a driver can say, in characters.
const SAYS_MAX: usize = 200;

impl Desk<'_> {
    /// A driver asks for help at a lane, for vehicles or for people.
    pub(super) fn help_asked(&mut self, id: &LaneId, from: CallFrom, says: &str) -> Reply {
        if !self.rules.lanes.contains_key(id) && !self.rules.gates.contains_key(id) {
            return Err(Refusal::NoLane(id.clone()));
        }
        let says: String = says.trim().chars().take(SAYS_MAX).collect();
        if let Some(mut task) = self.call_at(id).cloned() {
            if task.is_drivers_call() && says.is_empty() {
                return Ok(Answer::Duplicate);
            }
            task.about = About::HelpCall { from, says };
            self.record(Change::Task(task));
            return Ok(Answer::Done);
        }
        self.call(id, from, says);
        Ok(Answer::Done)
    }

    fn call(&mut self, id: &LaneId, from: CallFrom, says: String) {
        let stay = self.lane(id).and_then(|lane| lane.visit.as_ref()?.stay);
        let task = self.next_task();
        self.record(Change::Task(Task {
            id: task,
            about: About::HelpCall { from, says },
            lane: Some(id.clone()),
            stay,
            since: self.now,
            due: Some(self.now + self.rules.calls.answer),
            taken: None,
            outcome: None,
            over_at: None,
        }));
        self.raise_lane(id, LaneAlarm::HelpWanted, format!("call {task}"));
    }

    /// The call that is open at a lane, as this decision leaves it.
    pub(super) fn call_at(&self, id: &LaneId) -> Option<&Task> {
        let known = self.state.calls.get(id).and_then(|task| self.task(*task));
        known.or_else(|| {
            self.changes.iter().rev().find_map(|change| match change {
                Change::Task(task) if task.is_call() && task.lane.as_ref() == Some(id) => {
                    self.task(task.id)
                }
                _ => None,
            })
        })
    }

    /// Whoever called has gone on.
    pub(super) fn caller_gone(&mut self, id: &LaneId) {
        if let Some(task) = self.call_at(id).map(|task| task.id) {
            self.task_done(task, PAIFANG, "the vehicle has gone on");
        }
        // Whoever stands there now begins to wait.
        if let Some(mut lane) = self.lane(id).filter(|lane| lane.wait.is_some()).cloned() {
            lane.wait = None;
            self.record(Change::Lane(lane));
        }
    }

    /// A call that nobody took on.
    pub(super) fn task_due(&mut self, id: TaskId) {
        let Some(mut task) = self.task(id).cloned() else { return };
        task.due = None;
        let subject = subject(&task);
        self.record(Change::Task(task));
        self.raise(&subject, AlarmKind::CallUnanswered, format!("call {id}"));
    }

    // ---- vehicles that wait ----------------------------------------------------------------------

    /// Puts down of each lane that changed what its vehicle waits for, and until when.
    pub(super) fn watch_waits(&mut self) {
        let mut lanes: Vec<LaneId> = Vec::new();
        for change in &self.changes {
            if let Change::Lane(lane) = change
                && lane.waits_for() != lane.wait.as_ref().map(|wait| wait.on)
                && !lanes.contains(&lane.id)
            {
                lanes.push(lane.id.clone());
            }
        }
        for id in lanes {
            let Some(mut lane) = self.lane(&id).cloned() else { continue };
            let waits = lane.waits_for();
            if waits == lane.wait.as_ref().map(|wait| wait.on) {
                continue;
            }
            lane.wait = waits.map(|on| {
                let wait = Wait { on, since: self.now, due: None };
                Wait { due: self.next_look(&lane, &wait), ..wait }
            });
            self.record(Change::Lane(lane));
            let own = self.call_at(&id).filter(|task| !task.is_drivers_call()).map(|task| task.id);
            if let Some(task) = own.filter(|_| waits.is_none()) {
                self.task_done(task, PAIFANG, "it waits no more");
            }
        }
    }

    /// When to look at a waiting vehicle again: only what is still to come.
    fn next_look(&self, lane: &Lane, wait: &Wait) -> Option<Timestamp> {
        let call = wait.since + self.rules.calls.patience(wait.on);
        let let_go = self.lets_go(lane, wait).map(|(at, _)| at);
        let charge = lane.visit.as_ref().and_then(|visit| visit.attempt?.until());
        let waits = lane.visit.as_ref().is_some_and(|visit| visit.waits.is_some());
        let sluice = self.between_until(&lane.id).filter(|_| waits);
        [Some(call), let_go, charge, sluice].into_iter().flatten().filter(|at| *at > self.now).min()
    }

    /// When, and for which order, the site lets it go without the bank; `None`: it does not.
    fn lets_go(&self, lane: &Lane, wait: &Wait) -> Option<(Timestamp, OrderId)> {
        let BankDown::LetGo { after, at_most_minor } = self.rules.calls.bank_down else {
            return None;
        };
        let pays = wait.on == WaitsFor::Payment && self.is_bank_down();
        let visit = lane.visit.as_ref().filter(|_| pays)?;
        let order = self.order(visit.order?)?;
        // A vehicle without a plate is not known again: nobody could ask it for its arrears.
        let known = visit.plate.as_ref().is_some_and(|plate| !plate.is_virtual());
        let fits = order.state == OrderState::Due && order.amount.minor <= at_most_minor;
        (known && fits).then(|| (wait.since + after, order.id))
    }

    /// The deadline of a waiting vehicle has come.
    pub(super) fn wait_due(&mut self, id: &LaneId) {
        let Some(mut lane) = self.lane(id).cloned() else { return };
        let Some(mut wait) = lane.wait.clone() else { return };
        wait.due = self.next_look(&lane, &wait);
        lane.wait = Some(wait.clone());
        self.record(Change::Lane(lane.clone()));
        if !self.rules.lanes.contains_key(id) {
            return;
        }
        if self.attempt_due(id) {
            return;
        }
        if lane.visit.as_ref().is_some_and(|visit| visit.waits.is_some()) && !self.has_to_wait(id) {
            return self.go_if_free(id);
        }
        if let Some((at, order)) = self.lets_go(&lane, &wait)
            && at <= self.now
            && self.admit(id, Cause::PayLater { order }).is_ok()
        {
            return;
        }
        let call = wait.since + self.rules.calls.patience(wait.on);
        if call <= self.now && self.call_at(id).is_none() {
            self.call(id, CallFrom::Waiting, String::new());
        }
    }

    /// No channel that could take a driver's money answers.
    fn is_bank_down(&self) -> bool {
        let silent = |id: &str| self.is_raised(id, AlarmKind::BankSilent);
        let channels = self.channels_for(PayWay::Cashier);
        channels.iter().all(|channel| silent(channel.as_str()))
    }

    /// The bank is down from now on: who waits to pay is looked at anew.
    pub(super) fn bank_went_silent(&mut self) {
        let waiting = self.state.lanes.values().filter(|lane| lane.phase == Phase::AwaitingPayment);
        let waiting: Vec<LaneId> = waiting.map(|lane| lane.id.clone()).collect();
        for id in waiting {
            let Some(mut lane) = self.lane(&id).cloned() else { continue };
            let Some(wait) = &lane.wait else { continue };
            let Some((at, _)) = self.lets_go(&lane, wait) else { continue };
            let at = at.max(self.now);
            let due = Some(wait.due.map_or(at, |due| due.min(at)));
            lane.wait = Some(Wait { due, ..wait.clone() });
            self.record(Change::Lane(lane));
        }
    }
}

/// What the alarm of an unanswered call is about.
pub(super) fn subject(task: &Task) -> String {
    task.lane.as_ref().map_or_else(|| format!("task-{}", task.id), ToString::to_string)
}
