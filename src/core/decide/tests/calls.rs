//! Calls for a person: who calls, when nobody has to, and what happens when nobody comes.

use super::*;
use crate::core::{
    Message,
    change::AlarmKind,
    input::Refusal,
    lane::{LaneAlarm, OperatorAct, WaitsFor},
    rules::BankDown,
    task::{About, CallFrom, Task, TaskAct},
};
use crate::types::TaskId;

const S: Duration = Duration::from_secs(1);

impl Site {
    fn ask_help(&mut self, id: &str, from: CallFrom, says: &str) -> Reply {
        self.tell(Input::HelpAsked { lane: lane(id), from, says: says.into() })
    }

    fn on_task(&mut self, task: i64, act: TaskAct) -> Reply {
        self.tell(Input::TaskActed { task: TaskId(task), act, who: "li".into() })
    }

    fn settle(&mut self, task: i64, what: &str) -> Reply {
        self.on_task(task, TaskAct::Settle { what: what.into() })
    }

    fn is_alarmed(&self, subject: &str, kind: AlarmKind) -> bool {
        self.state.alarms.contains_key(&(subject.to_owned(), kind))
    }

    fn shows(&self, id: &str) -> &Message {
        let shown = self.effects.iter().rev().find_map(|effect| match effect {
            Effect::Show { lane: shown, message } if *shown == lane(id) => Some(message),
            _ => None,
        });
        shown.unwrap()
    }

    fn call(&self, id: &str) -> Option<&Task> {
        self.state.call_of(&lane(id))
    }

    /// A vehicle stands at the exit and owes ten yuan.
    fn owing(&mut self) {
        self.enter("京A12345");
        self.after(HOUR * 2);
        self.sensor("out", Sensor::Arrival, true);
        self.read("out", "京A12345");
        assert_eq!(self.phase("out"), Phase::AwaitingPayment);
    }

    fn bank_dies(&mut self) {
        let trade = self.pay();
        for _ in 0..4 {
            self.after(3 * S);
            self.bank(&trade, Word::Unknown { why: "no answer".into() }).unwrap();
        }
        assert!(self.is_alarmed("none", AlarmKind::BankSilent));
    }
}

const HELP: AlarmKind = AlarmKind::Lane(LaneAlarm::HelpWanted);

#[test]
fn a_driver_calls_an_operator_takes_it_and_settles_it() {
    let mut site = Site::new();
    site.owing();
    assert_eq!(site.ask_help("out", CallFrom::Phone, "flat battery"), Ok(Answer::Done));
    assert_eq!(
        site.ask_help("out", CallFrom::Button, ""),
        Ok(Answer::Duplicate),
        "one call a lane"
    );
    assert_eq!(site.shows("out"), &Message::HelpCalled { taken: false });
    assert!(site.is_alarmed("out", HELP));
    let call = site.call("out").unwrap();
    let about = About::HelpCall { from: CallFrom::Phone, says: "flat battery".into() };
    assert_eq!((&call.about, call.stay.map(|s| s.0)), (&about, Some(1)));
    site.after(S);
    site.on_task(1, TaskAct::Take).unwrap();
    assert_eq!(site.on_task(1, TaskAct::Take), Ok(Answer::Duplicate));
    assert_eq!(site.shows("out"), &Message::HelpCalled { taken: true });
    site.after(HOUR);
    assert!(!site.is_alarmed("out", AlarmKind::CallUnanswered), "somebody sees to it");
    assert_eq!(site.settle(1, " "), Err(Refusal::NoReason));
    site.settle(1, "paid with the help of a friend").unwrap();
    assert!(matches!(site.shows("out"), Message::Pay { .. }));
    assert!(site.state.tasks.is_empty() && !site.is_alarmed("out", HELP));
    assert_eq!(site.settle(1, "again"), Err(Refusal::NoTask(TaskId(1))));
    let last = site.journal.iter().rev().find_map(|change| match change {
        Change::Task(task) => Some(task.clone()),
        _ => None,
    });
    assert_eq!(last.unwrap().outcome.unwrap().who, "li");
}

#[test]
fn a_call_that_nobody_takes_is_an_alarm_until_somebody_does() {
    let mut site = Site::new();
    site.owing();
    site.ask_help("out", CallFrom::Button, "").unwrap();
    site.after(59 * S);
    assert!(!site.is_alarmed("out", AlarmKind::CallUnanswered));
    site.after(S);
    assert!(site.is_alarmed("out", AlarmKind::CallUnanswered));
    site.on_task(1, TaskAct::Take).unwrap();
    assert!(!site.is_alarmed("out", AlarmKind::CallUnanswered));
}

#[test]
fn a_call_ends_with_the_vehicle_it_is_for() {
    let mut site = Site::new();
    site.owing();
    site.ask_help("out", CallFrom::Phone, "").unwrap();
    let act = OperatorAct::Open;
    let (who, reason) = ("li".into(), "phone is flat".into());
    site.tell(Input::Operator { lane: lane("out"), act, who, reason }).unwrap();
    assert!(matches!(site.shows("out"), Message::GoodBye { .. }));
    site.drive_through("out");
    assert!(site.state.tasks.is_empty() && site.call("out").is_none());
    assert!(!site.is_alarmed("out", AlarmKind::CallUnanswered));
}

#[test]
fn a_call_from_no_lane_is_refused() {
    let mut site = Site::new();
    let refused = site.ask_help("nowhere", CallFrom::Phone, "");
    assert_eq!(refused, Err(Refusal::NoLane(lane("nowhere"))));
}

/// A vehicle waits in some way, and this long after somebody is called.
#[test]
fn nothing_waits_for_longer_than_the_site_lets_it() {
    type Make = fn(&mut Site) -> &'static str;
    let rows: [(&str, Make, WaitsFor, u64); 5] = [
        (
            "no plate",
            |site| {
                site.sensor("in", Sensor::Arrival, true);
                site.read("in", "");
                "in"
            },
            WaitsFor::Help,
            30,
        ),
        (
            "no stay",
            |site| {
                site.sensor("out", Sensor::Arrival, true);
                site.read("out", "京A12345");
                "out"
            },
            WaitsFor::Help,
            30,
        ),
        (
            "has to pay",
            |site| {
                site.owing();
                "out"
            },
            WaitsFor::Payment,
            180,
        ),
        (
            "the arm does not move",
            |site| {
                site.tell(Input::SensorsLost { lane: lane("in") }).unwrap();
                site.sensor("in", Sensor::Arrival, true);
                "in"
            },
            WaitsFor::Repair,
            30,
        ),
        (
            "the lane is locked",
            |site| {
                site.act("in", OperatorAct::Lock);
                site.sensor("in", Sensor::Arrival, true);
                "in"
            },
            WaitsFor::Unlock,
            60,
        ),
    ];
    for (what, make, on, patience_s) in rows {
        let mut site = Site::new();
        let id = make(&mut site);
        let wait = site.state.lanes[&lane(id)].wait.clone();
        assert_eq!(wait.map(|wait| wait.on), Some(on), "{what}");
        site.after(S * (patience_s as u32 - 1));
        assert!(site.call(id).is_none(), "{what}: not yet");
        site.after(S);
        let call = site.call(id).unwrap_or_else(|| panic!("{what}: nobody was called"));
        assert!(!call.is_drivers_call() && site.is_alarmed(id, HELP), "{what}");
        site.after(HOUR);
        assert!(site.is_alarmed(id, AlarmKind::CallUnanswered), "{what}: and nobody came");
        let calls = site.state.tasks.values().filter(|task| task.is_call()).count();
        assert_eq!(calls, 1, "{what}: one call is enough");
    }
}

#[test]
fn a_vehicle_that_gets_on_needs_nobody() {
    let mut site = Site::new();
    site.owing();
    site.after(180 * S);
    assert!(site.call("out").is_some());
    let trade = site.pay();
    site.bank(&trade, Site::paid(1_000)).unwrap();
    assert!(site.call("out").is_none() && site.state.lanes[&lane("out")].wait.is_none());
    site.drive_through("out");
    site.after(HOUR);
    assert!(site.state.tasks.is_empty() && site.state.alarms.is_empty(), "{:?}", site.state.alarms);
}

#[test]
fn without_a_bank_an_exit_holds_or_lets_go_as_the_site_says() {
    let let_go = |at_most_minor| BankDown::LetGo { after: 60 * S, at_most_minor };
    for (rule, lets_go) in [(BankDown::Hold, false), (let_go(999), false), (let_go(1_000), true)] {
        let mut site = Site::new();
        site.rules.calls.bank_down = rule;
        site.owing();
        let since = site.now;
        site.bank_dies();
        let last = since + 59 * S;
        site.after(last.duration_since(site.now).unsigned_abs());
        assert_eq!(site.phase("out"), Phase::AwaitingPayment, "{rule:?}");
        site.after(S);
        let left = site.phase("out") == Phase::Opening;
        assert_eq!(left, lets_go, "{rule:?}");
        if lets_go {
            site.drive_through("out");
            let unpaid =
                |c: &Change| matches!(c, Change::Order(o) if o.state == OrderState::Unpaid);
            assert!(site.journal.iter().any(unpaid), "it stays on record");
        } else {
            site.after(120 * S);
            assert!(site.call("out").is_some(), "{rule:?}: somebody is called");
        }
    }
}

#[test]
fn a_bank_that_dies_late_lets_go_at_once_and_one_that_lives_never() {
    let mut site = Site::new();
    site.rules.calls.bank_down = BankDown::LetGo { after: 60 * S, at_most_minor: 10_000 };
    site.owing();
    site.after(90 * S);
    assert_eq!(site.phase("out"), Phase::AwaitingPayment, "the bank is well");
    site.bank_dies();
    site.after(Duration::ZERO);
    assert_eq!(site.phase("out"), Phase::Opening);
}

#[test]
fn the_next_vehicle_waits_anew() {
    let mut site = Site::new();
    site.sensor("out", Sensor::Arrival, true);
    site.read("out", "");
    site.after(30 * S);
    let first = site.call("out").unwrap().id;
    site.read("out", "京B22222");
    assert!(site.call("out").is_none(), "whoever was called for is gone");
    site.after(29 * S);
    assert!(site.call("out").is_none());
    site.after(S);
    assert_ne!(site.call("out").unwrap().id, first);
}
