//! Every (phase, event) pair in one table, and what must hold whatever comes.

use std::time::Duration;

use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::core::rules::{Direction, GateRules, GateTimes, Zones};

fn rules(counter: bool) -> GateRules {
    GateRules {
        direction: Direction::Entry,
        zone: Zones::only(),
        counter,
        alone: true,
        times: GateTimes::default(),
    }
}

fn now() -> Timestamp {
    "2026-11-23T08:00:00Z".parse().unwrap()
}

fn clerk() -> Cause {
    Cause::Operator { who: "li".into(), reason: "test".into() }
}

fn pass(n: i64) -> Pass {
    Pass { admission: AdmissionId(n), ticket: Some(TicketId(n)), left: 0, blind: false }
}

fn order(action: PassAction) -> PassOrder {
    let cause = (action == PassAction::Free).then(clerk);
    let (id, way) = (CommandId(7), Way::In);
    PassOrder { id, action, way, cause, at: now(), expires_at: now(), done: false }
}

/// A gate as it usually is in a phase, its counter at 100.
fn gate_in(phase: Phase) -> Gate {
    let due = |why| Some(Due { at: now(), why });
    let mut gate = Gate::new(LaneId::parse("gate").unwrap());
    gate.phase = phase;
    gate.counter = Some(100);
    gate.heard = phase != Phase::Faulty;
    gate.walking = phase == Phase::Passing;
    let (action, why) = match phase {
        Phase::Idle | Phase::Locked => (PassAction::Close, None),
        Phase::Granted => (PassAction::Grant, due(Why::Unused)),
        Phase::Passing => (PassAction::Grant, due(Why::Stuck)),
        Phase::Closing => (PassAction::Close, due(Why::NotClosed)),
        Phase::HeldFree => (PassAction::Free, None),
        Phase::Faulty => (PassAction::Close, due(Why::TellAgain)),
    };
    gate.order = Some(order(action));
    gate.due = why;
    if !matches!(phase, Phase::Idle | Phase::Locked | Phase::HeldFree) {
        gate.pass = Some(pass(1));
    }
    gate
}

fn events() -> Vec<(&'static str, Event)> {
    let counted = |counted| Event::Counted(counted);
    let mut events = vec![
        ("grant", Event::Grant(pass(2))),
        ("counter same", counted(Counted::Total(100))),
        ("counter one on", counted(Counted::Total(101))),
        ("counter three on", counted(Counted::Total(103))),
        ("counter set back", counted(Counted::Total(3))),
        ("contact on", counted(Counted::Walks)),
        ("contact off", counted(Counted::One)),
        ("contact at rest", counted(Counted::Nobody)),
        ("lost", Event::Lost),
        ("done, same", Event::Done(Some(100))),
        ("done, one on", Event::Done(Some(101))),
        ("done, no counter", Event::Done(None)),
        ("failed", Event::Failed),
        ("due", Event::Due),
        ("fire", Event::Fire),
    ];
    for (name, act) in [
        ("operator open", OperatorAct::Open),
        ("operator close", OperatorAct::Close),
        ("operator hold", OperatorAct::Hold),
        ("operator release", OperatorAct::Release),
        ("operator lock", OperatorAct::Lock),
        ("operator unlock", OperatorAct::Unlock),
    ] {
        events.push((name, Event::Operator(act, clerk())));
    }
    events
}

fn cell(step: &Step, before: Phase) -> String {
    if let Some(reject) = step.rejected {
        return format!("! {reject:?}");
    }
    let mut words = Vec::new();
    if step.gate.phase != before {
        words.push(format!("-> {:?}", step.gate.phase));
    }
    for act in &step.acts {
        words.push(match act {
            Act::Tell(action, _) => format!("{action:?}").to_uppercase(),
            Act::Used(_) => "used".into(),
            Act::GivenBack(_) => "given back".into(),
            Act::Unsure(_) => "unsure".into(),
            Act::Walked(walk, count) => format!("{count} walked {walk:?}"),
            Act::Alarm(alarm) => format!("alarm {alarm:?}"),
            Act::Calm(_) => continue,
        });
    }
    if words.is_empty() { ".".into() } else { words.join(", ") }
}

/// One block per phase, one line per event: what becomes of it. `.`: nothing but what the turnstile says.
fn table() -> String {
    let mut text = String::new();
    for phase in Phase::ALL {
        text.push_str(&format!("{phase:?}\n"));
        for (name, event) in events() {
            let step = step(&gate_in(phase), &rules(true), now(), event);
            text.push_str(&format!("  {name:16} {}\n", cell(&step, phase)));
        }
    }
    text
}

#[test]
fn every_phase_answers_every_event_as_the_table_says() {
    let expected = include_str!("table.txt");
    let table = table();
    for (line, (is, should)) in table.lines().zip(expected.lines()).enumerate() {
        assert_eq!(is, should, "line {} of table.txt; the whole table is:\n{table}", line + 1);
    }
    assert_eq!(table.lines().count(), expected.lines().count(), "the whole table is:\n{table}");
    assert_eq!(table.lines().filter(|l| l.starts_with("  ")).count(), 7 * 21);
}

/// Runs events one after the other; gives the gate and all it asked for but the calm.
fn run(mut gate: Gate, rules: &GateRules, events: &[Event]) -> (Gate, Vec<Act>) {
    let mut acts = Vec::new();
    for (nth, event) in (1_u64..).zip(events) {
        let step = step(&gate, rules, now() + Duration::from_secs(60 * nth), event.clone());
        assert_eq!(step.rejected, None, "{event:?} in {:?}", gate.phase);
        acts.extend(step.acts.into_iter().filter(|act| !matches!(act, Act::Calm(_))));
        gate = step.gate;
        for act in &acts {
            if let Act::Tell(action, cause) = act {
                gate.order = Some(PassOrder { cause: cause.clone(), ..order(*action) });
            }
        }
    }
    (gate, acts)
}

#[test]
fn a_pass_nobody_used_is_given_back_only_after_the_counter_was_read() {
    let (gate, acts) = run(gate_in(Phase::Granted), &rules(true), &[Event::Due]);
    assert_eq!(
        (gate.phase, &acts[..]),
        (Phase::Closing, &[Act::Tell(PassAction::Close, None)][..])
    );
    let (back, acts) = run(gate.clone(), &rules(true), &[Event::Done(Some(100))]);
    assert_eq!((back.phase, &acts[..]), (Phase::Idle, &[Act::GivenBack(pass(1))][..]));
    let (used, acts) = run(gate, &rules(true), &[Event::Done(Some(101))]);
    assert_eq!((used.phase, &acts[..]), (Phase::Idle, &[Act::Used(pass(1))][..]));
}

#[test]
fn after_a_restart_the_counter_says_who_went() {
    let lost = |counted| [Event::Lost, Event::Counted(Counted::Total(counted))];
    let used = run(gate_in(Phase::Granted), &rules(true), &lost(101));
    assert!(used.1.contains(&Act::Used(pass(1).blindly())), "{:?}", used.1);
    let (gate, acts) = run(gate_in(Phase::Granted), &rules(true), &lost(100));
    assert_eq!(gate.phase, Phase::Closing, "it may still be open: it is closed first");
    assert!(!acts.iter().any(|act| matches!(act, Act::GivenBack(_))));
    let (_, acts) = run(gate, &rules(true), &[Event::Done(Some(100))]);
    assert!(acts.contains(&Act::GivenBack(pass(1).blindly())));
    let (_, acts) = run(gate_in(Phase::Granted), &rules(true), &lost(3));
    assert!(
        acts.contains(&Act::Unsure(pass(1).blindly())),
        "a counter that began anew knows nothing"
    );
}

#[test]
fn without_a_counter_nobody_knows_what_happened_in_the_dark() {
    let dark = [Event::Lost, Event::Counted(Counted::Nobody), Event::Done(None)];
    let (gate, acts) = run(gate_in(Phase::Granted), &rules(false), &dark);
    assert_eq!(gate.phase, Phase::Idle);
    assert!(acts.contains(&Act::Unsure(pass(1).blindly())), "{acts:?}");
    let (_, acts) = run(gate_in(Phase::Granted), &rules(false), &[Event::Due, Event::Done(None)]);
    assert!(acts.contains(&Act::GivenBack(pass(1))), "its contact was watched all the time");
}

#[test]
fn a_fire_frees_what_is_locked_or_not_heard_and_tells_until_it_is_taken() {
    for phase in Phase::ALL {
        let (gate, acts) = run(gate_in(phase), &rules(true), &[Event::Fire]);
        assert_eq!(gate.phase, Phase::HeldFree);
        assert!(acts.contains(&Act::Tell(PassAction::Free, Some(Cause::Fire))), "{phase:?}");
        let (_, acts) = run(gate, &rules(true), &[Event::Failed, Event::Due]);
        assert!(acts.contains(&Act::Tell(PassAction::Free, Some(Cause::Fire))), "{phase:?}");
    }
}

impl Pass {
    fn blindly(self) -> Self {
        Self { blind: true, ..self }
    }
}

proptest! {
    /// Whatever comes, in whatever order.
    #[test]
    fn one_grant_lets_one_in_and_ends_once(
        steps in proptest::collection::vec(
            (0_u64..20, proptest::sample::select(events().into_iter().map(|(_, e)| e).collect::<Vec<_>>())),
            1..120,
        ),
        counter: bool,
    ) {
        let rules = rules(counter);
        let mut gate = Gate::new(LaneId::parse("gate").unwrap());
        let mut at = now();
        let mut open: Option<Pass> = None;
        for (nth, (seconds, event)) in steps.into_iter().enumerate() {
            at += Duration::from_secs(seconds);
            let event = match event {
                Event::Grant(_) => Event::Grant(pass(nth as i64)),
                event => event,
            };
            let granted = match &event { Event::Grant(pass) => Some(*pass), _ => None };
            let step = step(&gate, &rules, at, event);
            if step.rejected.is_some() {
                prop_assert!(step.acts.is_empty() && step.gate == gate);
                continue;
            }
            if let Some(pass) = granted {
                prop_assert!(open.is_none(), "two at once");
                open = Some(pass);
            }
            let mut told = None;
            for act in &step.acts {
                match act {
                    Act::Tell(PassAction::Grant, _) => {
                        prop_assert!(granted.is_some(), "granted without a grant");
                        told = Some(PassAction::Grant);
                    }
                    Act::Tell(action, cause) => {
                        prop_assert_eq!(*action == PassAction::Free, cause.is_some());
                        told = Some(*action);
                    }
                    Act::Used(pass) | Act::GivenBack(pass) | Act::Unsure(pass) => {
                        let ended = open.take().map(|pass| pass.admission);
                        prop_assert_eq!(ended, Some(pass.admission));
                    }
                    Act::Walked(_, count) => prop_assert!(*count > 0),
                    Act::Alarm(_) | Act::Calm(_) => {}
                }
            }
            prop_assert_eq!(step.gate.pass.map(|p| p.admission), open.map(|p| p.admission));
            gate = step.gate;
            if let Some(action) = told {
                let cause = (action == PassAction::Free).then(clerk);
                gate.order = Some(PassOrder { cause, ..order(action) });
            }
            // Each of these waits for something.
            if matches!(gate.phase, Phase::Granted | Phase::Passing | Phase::Closing) {
                prop_assert!(gate.due.is_some(), "{:?} waits for nothing", gate.phase);
            }
        }
    }
}
