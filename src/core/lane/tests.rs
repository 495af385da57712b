//! Every (phase, event) pair in one table, and what must hold whatever comes.

use std::time::Duration;

use jiff::Timestamp;
use proptest::prelude::*;

use super::*;

mod queue;

use crate::{
    core::rules::{Closing, Direction, LaneRules, Tide, Wired},
    types::DeviceId,
};

const ALL_WIRED: Wired = Wired {
    arrival: true,
    safety: true,
    open_limit: true,
    closed_limit: true,
    beam: true,
    manual_key: true,
};

fn rules(wired: Wired, closing: Closing) -> LaneRules {
    LaneRules { closing, ..LaneRules::new(Direction::Exit, wired) }
}

fn now() -> Timestamp {
    "2026-11-23T08:00:00Z".parse().unwrap()
}

fn read(plate: &str) -> Visit {
    Visit::of(Read {
        device: DeviceId::parse("cam").unwrap(),
        event: plate.into(),
        raw: plate.into(),
        plate: Plate::parse(plate).ok(),
        confidence: None,
        live: true,
        taken_at: None,
        picture: None,
        vehicle: crate::types::Vehicle::default(),
    })
}

fn clerk() -> Cause {
    Cause::Operator { who: "li".into(), reason: "test".into() }
}

/// A lane as it usually is in a phase: arm and loops where the phase would have them.
fn lane_in(phase: Phase) -> Lane {
    let (on, off) = (Signal::On, Signal::Off);
    let at = |arrival, safety, open_limit, closed_limit| Sensors {
        arrival,
        safety,
        open_limit,
        closed_limit,
        beam: off,
        manual_key: off,
    };
    let due = |why| Some(Due { at: now(), why });
    let mut lane = Lane::new(LaneId::parse("out").unwrap());
    lane.phase = phase;
    (lane.sensors, lane.due) = match phase {
        Phase::Idle | Phase::Locked => (at(off, off, off, on), None),
        Phase::VehiclePresent => (at(on, off, off, on), due(Why::Unread)),
        Phase::Deciding | Phase::AwaitingPayment => (at(on, off, off, on), due(Why::Waiting)),
        Phase::Opening => (at(on, off, off, off), due(Why::NotOpen)),
        Phase::Open => (at(on, off, on, off), due(Why::Unused)),
        Phase::Passing => (at(off, on, on, off), due(Why::Stuck)),
        Phase::Closing => (at(off, off, off, off), due(Why::NotClosed)),
        Phase::HeldOpen => (at(off, off, on, off), None),
        Phase::Faulty => (Sensors::default(), None),
    };
    if !matches!(phase, Phase::Idle | Phase::VehiclePresent | Phase::Locked | Phase::Closing) {
        let mut visit = read("京A12345");
        if matches!(phase, Phase::Opening | Phase::Open | Phase::Passing | Phase::HeldOpen) {
            visit.cause = Some(Cause::Free);
            visit.opens = 1;
        }
        lane.visit = Some(visit);
    }
    lane
}

fn events() -> Vec<(&'static str, Event)> {
    use Sensor::{Arrival, Beam, ClosedLimit, ManualKey, OpenLimit, Safety};
    let mut events = vec![
        ("arrival on", Event::Sensor(Arrival, true)),
        ("arrival off", Event::Sensor(Arrival, false)),
        ("safety on", Event::Sensor(Safety, true)),
        ("safety off", Event::Sensor(Safety, false)),
        ("open limit on", Event::Sensor(OpenLimit, true)),
        ("open limit off", Event::Sensor(OpenLimit, false)),
        ("closed limit on", Event::Sensor(ClosedLimit, true)),
        ("closed limit off", Event::Sensor(ClosedLimit, false)),
        ("beam on", Event::Sensor(Beam, true)),
        ("beam off", Event::Sensor(Beam, false)),
        ("key on", Event::Sensor(ManualKey, true)),
        ("key off", Event::Sensor(ManualKey, false)),
        ("sensors lost", Event::SensorsLost),
        ("seen same", Event::Seen(read("京A12345"))),
        ("seen other", Event::Seen(read("沪B67890"))),
        ("admit", Event::Admit(Cause::Free)),
        ("await payment", Event::AwaitPayment(OrderId(7))),
        ("need help", Event::NeedHelp(Help::NoStay)),
        ("done", Event::Done),
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
        ("operator turn", OperatorAct::Turn),
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
    if step.lane.phase != before {
        words.push(format!("-> {:?}", step.lane.phase));
    }
    if step.lane.turned {
        words.push("turned".into());
    }
    for act in &step.acts {
        words.push(match act {
            Act::Arm(action, _) => format!("{action:?}").to_uppercase(),
            Act::TriggerRead => "look".into(),
            Act::Passed(_) => "passed".into(),
            Act::Tailgated(_) => "tailgated".into(),
            Act::BackedOut(_) => "backed out".into(),
            Act::Alarm(alarm) => format!("alarm {alarm:?}"),
            Act::Calm(_) => continue,
        });
    }
    words.join(", ")
}

/// One block per phase, one line per event: what becomes of it. `.`: nothing but what the sensor says.
fn table() -> String {
    let rules = LaneRules { tide: Some(Tide::default()), ..rules(ALL_WIRED, Closing::ByItself) };
    let mut text = String::new();
    for phase in Phase::ALL {
        text.push_str(&format!("{phase:?}\n"));
        for (name, event) in events() {
            let step = step(&lane_in(phase), &rules, now(), event);
            let cell = cell(&step, phase);
            let cell = if cell.is_empty() { "." } else { &cell };
            text.push_str(&format!("  {name:16} {cell}\n"));
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
    assert_eq!(table.lines().filter(|l| l.starts_with("  ")).count(), 11 * 29);
}

#[test]
fn the_arm_comes_down_on_command_only_behind_the_last_vehicle() {
    let rules = rules(ALL_WIRED, Closing::OnCommand);
    let closes = |lane: Lane| {
        let step = step(&lane, &rules, now(), Event::Sensor(Sensor::Safety, false));
        step.acts.iter().any(|act| matches!(act, Act::Arm(ArmAction::Close, _)))
    };
    let passing = lane_in(Phase::Passing);
    assert!(closes(passing.clone()));
    let mut followed = passing.clone();
    followed.sensors.arrival = Signal::On;
    assert!(!closes(followed), "somebody stands on the arrival loop");
    let mut blind = passing;
    blind.sensors.arrival = Signal::Unknown;
    assert!(!closes(blind), "nobody knows who stands there");
}

#[test]
fn a_camera_alone_takes_the_next_read_for_the_former_vehicle_gone() {
    let rules = rules(Wired::default(), Closing::ByItself);
    let mut lane = lane_in(Phase::Open);
    lane.sensors = Sensors::default();
    let step = step(&lane, &rules, now(), Event::Seen(read("沪B67890")));
    assert_eq!(step.lane.phase, Phase::Closing);
    assert!(step.acts.iter().any(|act| matches!(act, Act::Passed(_))));
    assert!(step.lane.next.is_some(), "the new vehicle is served next");
}

fn any_event() -> impl Strategy<Value = (u64, Event)> {
    let events = events();
    (0_u64..40, proptest::sample::select(events.into_iter().map(|(_, e)| e).collect::<Vec<_>>()))
}

proptest! {
    /// Whatever comes, in whatever order.
    #[test]
    fn never_closes_on_a_loop_and_never_opens_without_a_cause(
        steps in proptest::collection::vec(any_event(), 1..120),
        on_command: bool,
    ) {
        let closing = if on_command { Closing::OnCommand } else { Closing::ByItself };
        let rules = rules(ALL_WIRED, closing);
        let mut lane = Lane::new(LaneId::parse("out").unwrap());
        let mut at = now();
        for (seconds, event) in steps {
            at += Duration::from_secs(seconds);
            let step = step(&lane, &rules, at, event);
            for act in &step.acts {
                if let Act::Arm(action, cause) = act {
                    match action {
                        ArmAction::Open | ArmAction::Hold => prop_assert!(cause.is_some()),
                        ArmAction::Close => {
                            prop_assert_eq!(step.lane.sensors.arrival, Signal::Off);
                            prop_assert_eq!(step.lane.sensors.safety, Signal::Off);
                            prop_assert_eq!(step.lane.sensors.beam, Signal::Off);
                        }
                        ArmAction::Release => prop_assert_eq!(lane.phase, Phase::HeldOpen),
                    }
                }
            }
            if step.rejected.is_some() {
                prop_assert!(step.acts.is_empty() && step.lane == lane);
            }
            // Each of these waits for something: it has a deadline, or a person was called.
            if matches!(step.lane.phase, Phase::Opening | Phase::Open | Phase::Passing | Phase::Closing | Phase::VehiclePresent) {
                prop_assert!(step.lane.due.is_some(), "{:?} waits for nothing", step.lane.phase);
            }
            lane = step.lane;
        }
    }
}

#[test]
fn sight_that_comes_back_tells_where_the_arm_and_the_vehicle_are() {
    let loops_and_limits = Wired { beam: false, manual_key: false, ..ALL_WIRED };
    let rules = rules(loops_and_limits, Closing::ByItself);
    let back = |visit: Option<Visit>, arrival: bool, open: bool| {
        let mut lane = lane_in(Phase::Faulty);
        lane.visit = visit;
        let mut acts = Vec::new();
        for (sensor, on) in [
            (Sensor::ClosedLimit, !open),
            (Sensor::OpenLimit, open),
            (Sensor::Safety, false),
            (Sensor::Arrival, arrival),
        ] {
            let step = step(&lane, &rules, now(), Event::Sensor(sensor, on));
            lane = step.lane;
            acts.extend(step.acts);
        }
        let passed = acts.iter().any(|act| matches!(act, Act::Passed(_)));
        let backed_out = acts.iter().any(|act| matches!(act, Act::BackedOut(_)));
        (lane.phase, passed, backed_out)
    };
    let mut allowed = read("京A12345");
    allowed.cause = Some(Cause::Free);
    assert_eq!(back(None, false, false), (Phase::Idle, false, false));
    assert_eq!(back(Some(allowed.clone()), false, false), (Phase::Idle, true, false));
    assert_eq!(back(Some(allowed), true, false), (Phase::VehiclePresent, false, false));
    assert_eq!(back(Some(read("京A12345")), false, false), (Phase::Idle, false, true));
    assert_eq!(back(None, false, true), (Phase::Open, false, false));
}

#[test]
fn a_key_opens_on_record_and_without_an_alarm() {
    let rules = rules(ALL_WIRED, Closing::ByItself);
    let turned = |first: Sensor, second: Sensor| {
        let lane = lane_in(Phase::VehiclePresent);
        let one = step(&lane, &rules, now(), Event::Sensor(first, true));
        let two = step(&one.lane, &rules, now(), Event::Sensor(second, true));
        let alarm = |act: &Act| *act == Act::Alarm(LaneAlarm::OpenedOutside);
        let calm = two.acts.contains(&Act::Calm(LaneAlarm::OpenedOutside));
        let told = one.acts.iter().chain(&two.acts).any(alarm) && !calm;
        (two.lane.phase, two.lane.visit.and_then(|visit| visit.cause), told)
    };
    let keyed = (Phase::Open, Some(Cause::Key), false);
    assert_eq!(turned(Sensor::ManualKey, Sensor::OpenLimit), keyed);
    assert_eq!(turned(Sensor::OpenLimit, Sensor::ManualKey), keyed, "read the other way round");
}

#[test]
fn a_blocked_beam_keeps_the_arm_up_and_is_told() {
    let rules = rules(ALL_WIRED, Closing::OnCommand);
    for beam in [Signal::On, Signal::Unknown] {
        let mut lane = lane_in(Phase::Closing);
        lane.sensors.beam = beam;
        let step = step(&lane, &rules, now(), Event::Due);
        assert_eq!(step.acts, [Act::Alarm(LaneAlarm::BeamBlocked)], "{beam:?}");
    }
    let free = step(&lane_in(Phase::Closing), &rules, now(), Event::Due);
    assert_eq!(free.acts, [Act::Arm(ArmAction::Close, None)]);
}

#[test]
fn a_fire_opens_every_phase_and_is_told_until_it_is_taken() {
    let rules = rules(ALL_WIRED, Closing::ByItself);
    let hold = Act::Arm(ArmAction::Hold, Some(Cause::Fire));
    for phase in Phase::ALL {
        let held = step(&lane_in(phase), &rules, now(), Event::Fire);
        assert_eq!((held.lane.phase, held.acts.contains(&hold)), (Phase::HeldOpen, true));
        let mut lane = held.lane;
        let (id, expires_at) = (CommandId(7), now());
        let cause = Some(Cause::Fire);
        lane.order = Some(ArmOrder { id, action: ArmAction::Hold, cause, at: now(), expires_at });
        let failed = step(&lane, &rules, now(), Event::Failed);
        let later = now() + Duration::from_mins(1);
        let again = step(&failed.lane, &rules, later, Event::Due);
        assert!(again.acts.contains(&hold), "{phase:?}: {:?}", again.acts);
    }
}
