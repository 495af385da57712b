//! What operators do about their work list. Knows no page.

use super::{Desk, call};
use crate::{
    core::{
        change::{AlarmKind, Change},
        input::{Answer, Refusal, Reply},
        lane::{LaneAlarm, WaitsFor},
        task::{About, Outcome, Taken, Task, TaskAct},
    },
    types::{LaneId, StayId, TaskId},
};

impl Desk<'_> {
    /// Puts something on the work list.
    pub(super) fn ask_person(&mut self, about: About, lane: Option<&LaneId>, stay: Option<StayId>) {
        let (id, since, lane) = (self.next_task(), self.now, lane.cloned());
        let (due, taken, outcome, over_at) = (None, None, None, None);
        self.record(Change::Task(Task {
            id,
            about,
            lane,
            stay,
            since,
            due,
            taken,
            outcome,
            over_at,
        }));
    }

    /// Takes it off again; a task that is over already stays as it was.
    pub(super) fn task_done(&mut self, id: TaskId, who: &str, what: &str) {
        let Some(mut task) = self.task(id).cloned() else { return };
        task.outcome = Some(Outcome { who: who.into(), what: what.into() });
        task.over_at = Some(self.now);
        task.due = None;
        self.record(Change::Task(task.clone()));
        if task.is_call() {
            self.clear(&call::subject(&task), AlarmKind::CallUnanswered);
            self.calm_lane(&task);
        }
    }

    pub(super) fn task_acted(&mut self, id: TaskId, act: TaskAct, who: String) -> Reply {
        let mut task = self.task(id).cloned().ok_or(Refusal::NoTask(id))?;
        match act {
            TaskAct::Take => {
                if task.taken.as_ref().is_some_and(|taken| taken.who == who) {
                    return Ok(Answer::Duplicate);
                }
                task.taken = Some(Taken { who, at: self.now });
                task.due = None;
                let subject = call::subject(&task);
                self.record(Change::Task(task));
                self.clear(&subject, AlarmKind::CallUnanswered);
            }
            TaskAct::Settle { what } => {
                let what = what.trim();
                if what.is_empty() {
                    return Err(Refusal::NoReason);
                }
                self.task_done(id, &who, what);
            }
        }
        Ok(Answer::Done)
    }

    /// With the call, the lane's alarm is over; where its vehicle still waits for a person, it is not.
    fn calm_lane(&mut self, task: &Task) {
        let Some(id) = &task.lane else { return };
        let waits = self.lane(id).and_then(super::super::lane::Lane::waits_for);
        if waits != Some(WaitsFor::Help) {
            self.clear(id.as_str(), AlarmKind::Lane(LaneAlarm::HelpWanted));
        }
    }
}
