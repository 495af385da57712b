//! Vehicles close behind one another, and vehicles that turn back: nobody is counted twice and nobody is left over.

use super::*;

const ON: bool = true;
const OFF: bool = false;

/// A lane with what was asked of the rest so far.
struct Track {
    lane: Lane,
    rules: LaneRules,
    now: Timestamp,
    acts: Vec<Act>,
}

impl Track {
    fn from(phase: Phase) -> Self {
        let rules = rules(ALL_WIRED, Closing::ByItself);
        Self { lane: lane_in(phase), rules, now: now(), acts: Vec::new() }
    }

    fn event(&mut self, event: Event) -> &mut Self {
        let step = step(&self.lane, &self.rules, self.now, event);
        self.lane = step.lane;
        self.acts.extend(step.acts);
        self
    }

    fn arrival(&mut self, on: bool) -> &mut Self {
        self.event(Event::Sensor(Sensor::Arrival, on))
    }

    fn safety(&mut self, on: bool) -> &mut Self {
        self.event(Event::Sensor(Sensor::Safety, on))
    }

    fn closed(&mut self) -> &mut Self {
        self.event(Event::Sensor(Sensor::OpenLimit, OFF));
        self.event(Event::Sensor(Sensor::ClosedLimit, ON))
    }

    fn seen(&mut self, plate: &str) -> &mut Self {
        self.event(Event::Seen(read(plate)))
    }

    fn due(&mut self) -> &mut Self {
        self.now = self.lane.due.expect("it waits for something").at;
        self.event(Event::Due)
    }

    /// Who went through, who followed, who went back: `+京A·**345 !沪B·**890 -京A·**345`.
    fn went(&self) -> String {
        let word = |sign: &str, visit: &Visit| {
            let plate = visit.plate.as_ref().map(ToString::to_string);
            format!("{sign}{}", plate.unwrap_or_default())
        };
        let words = self.acts.iter().filter_map(|act| match act {
            Act::Passed(visit) => Some(word("+", visit)),
            Act::Tailgated(visit) => Some(word("!", visit)),
            Act::BackedOut(visit) => Some(word("-", visit)),
            Act::Arm(..) | Act::TriggerRead | Act::Alarm(_) | Act::Calm(_) => None,
        });
        words.collect::<Vec<_>>().join(" ")
    }

    fn alarmed(&self, alarm: LaneAlarm) -> bool {
        self.acts.contains(&Act::Alarm(alarm))
    }

    fn plate(&self) -> Option<&str> {
        self.lane.visit.as_ref()?.plate.as_ref().map(Plate::full)
    }
}

#[test]
fn a_second_vehicle_before_the_arm_is_down_is_a_tailgater() {
    let mut track = Track::from(Phase::Open);
    track.arrival(OFF).safety(ON).safety(OFF).safety(ON).safety(OFF).closed();
    assert_eq!(track.went(), "+京A·**345 !");
    assert!(track.alarmed(LaneAlarm::Tailgated) && !track.alarmed(LaneAlarm::NotAllowed));
    assert_eq!((track.lane.phase, track.lane.trail), (Phase::Idle, Trail::default()));
}

#[test]
fn bumper_to_bumper_the_arrival_loop_tells() {
    let mut track = Track::from(Phase::Open);
    track.safety(ON).arrival(OFF).arrival(ON).arrival(OFF).safety(OFF).closed();
    assert_eq!(track.went(), "+京A·**345 !");
    let mut waits = Track::from(Phase::Open);
    waits.safety(ON).arrival(OFF).arrival(ON).safety(OFF).closed();
    assert_eq!(waits.went(), "+京A·**345", "the second stands before the arm");
    assert_eq!(waits.lane.phase, Phase::VehiclePresent);
}

#[test]
fn a_tailgater_that_was_read_is_known() {
    let mut queued = Track::from(Phase::Open);
    queued.safety(ON).arrival(OFF).arrival(ON).seen("沪B67890").arrival(OFF).safety(OFF);
    assert_eq!(queued.went(), "+京A·**345 !沪B·**890", "read before the arm");
    let mut late = Track::from(Phase::Open);
    late.arrival(OFF).safety(ON).safety(OFF).safety(ON).seen("沪B67890").safety(OFF);
    assert_eq!(late.went(), "+京A·**345 !沪B·**890", "read under the arm");
    assert!(late.lane.next.is_none(), "and not a third one that waits");
    let mut early = Track::from(Phase::Open);
    early.seen("沪B67890").arrival(OFF).safety(ON).safety(OFF).safety(ON).safety(OFF);
    assert_eq!(
        early.went(),
        "+京A·**345 !沪B·**890",
        "read behind the first, while that stood there"
    );
}

#[test]
fn three_on_one_opening() {
    let mut track = Track::from(Phase::Open);
    track.arrival(OFF);
    for _ in 0..3 {
        track.safety(ON).safety(OFF);
    }
    assert_eq!(track.went(), "+京A·**345 ! !");
}

#[test]
fn one_that_is_let_in_while_the_arm_is_still_up_is_no_tailgater() {
    let mut track = Track::from(Phase::Open);
    track.safety(ON).arrival(OFF).arrival(ON).safety(OFF);
    track.seen("沪B67890").event(Event::Admit(Cause::Free));
    track.arrival(OFF).safety(ON).safety(OFF);
    assert_eq!(track.went(), "+京A·**345 +沪B·**890");
    assert!(!track.alarmed(LaneAlarm::Tailgated));
}

#[test]
fn who_drove_on_before_it_was_let_in_is_through_all_the_same() {
    let mut track = Track::from(Phase::AwaitingPayment);
    let wired = Wired { open_limit: false, closed_limit: false, ..ALL_WIRED };
    track.rules = rules(wired, Closing::ByItself);
    let sensors = &mut track.lane.sensors;
    (sensors.open_limit, sensors.closed_limit) = (Signal::Unknown, Signal::Unknown);
    track.safety(ON).event(Event::Admit(Cause::Free)).arrival(OFF).safety(OFF);
    assert_eq!(track.went(), "+京A·**345");
    assert!(track.alarmed(LaneAlarm::UnderArm) && !track.alarmed(LaneAlarm::NotAllowed));
}

#[test]
fn under_an_arm_that_opened_outside_nobody_follows_anybody() {
    let mut track = Track::from(Phase::Idle);
    track.event(Event::Sensor(Sensor::ClosedLimit, OFF));
    track.event(Event::Sensor(Sensor::OpenLimit, ON)).safety(ON).safety(OFF);
    assert_eq!(track.went(), "+");
    assert!(track.alarmed(LaneAlarm::NotAllowed) && !track.alarmed(LaneAlarm::Tailgated));
}

#[test]
fn let_in_and_backed_out() {
    let mut before_the_arm = Track::from(Phase::Open);
    before_the_arm.arrival(OFF).due();
    assert_eq!(before_the_arm.went(), "-京A·**345");
    let mut from_under_it = Track::from(Phase::Open);
    from_under_it.safety(ON).safety(OFF);
    assert_eq!((from_under_it.lane.phase, from_under_it.went()), (Phase::Open, String::new()));
    from_under_it.arrival(OFF).due();
    assert_eq!(from_under_it.went(), "-京A·**345");
    let mut comes_again = Track::from(Phase::Open);
    comes_again.safety(ON).safety(OFF).safety(ON).arrival(OFF).safety(OFF);
    assert_eq!(comes_again.went(), "+京A·**345", "once, however often it rocks");
    let mut with_one_behind = Track::from(Phase::Open);
    with_one_behind.safety(ON).seen("沪B67890").safety(OFF);
    assert_eq!(with_one_behind.went(), "+京A·**345", "the other one stands on the arrival loop");
}

#[test]
fn turned_round_before_an_arm_that_is_held_open() {
    let mut track = Track::from(Phase::HeldOpen);
    track.lane.visit = None;
    track.arrival(ON).seen("京A12345").arrival(OFF).due();
    assert_eq!((track.went(), track.lane.phase), ("-京A·**345".to_owned(), Phase::HeldOpen));
    let mut through = Track::from(Phase::HeldOpen);
    through.lane.visit = None;
    through.arrival(ON).seen("京A12345").arrival(OFF).safety(ON).safety(OFF);
    assert_eq!((through.went(), through.lane.due), ("+京A·**345".to_owned(), None));
}

#[test]
fn the_first_backs_out_and_the_second_comes_up() {
    let mut track = Track::from(Phase::AwaitingPayment);
    track.seen("沪B67890").arrival(OFF).due();
    assert_eq!((track.went(), track.lane.phase), ("-京A·**345".to_owned(), Phase::Idle));
    assert!(track.lane.next.is_some(), "the second may come up now");
    track.due();
    assert!(track.lane.next.is_none(), "it did not");
}

#[test]
fn who_comes_back_onto_the_loop_is_looked_at_again() {
    let mut other = Track::from(Phase::AwaitingPayment);
    other.arrival(OFF).arrival(ON);
    assert!(other.acts.contains(&Act::TriggerRead));
    other.seen("沪B67890");
    assert_eq!((other.plate(), other.went()), (Some("沪B67890"), "-京A·**345".to_owned()));
    assert_eq!(other.lane.phase, Phase::Deciding, "nothing of the first is asked of the second");
    let mut same = Track::from(Phase::AwaitingPayment);
    same.arrival(OFF).arrival(ON).seen("京A12345").due();
    assert_eq!((same.plate(), same.lane.phase), (Some("京A12345"), Phase::AwaitingPayment));
    let mut nobody_says = Track::from(Phase::AwaitingPayment);
    nobody_says.arrival(OFF).arrival(ON).due();
    assert_eq!(nobody_says.lane.due.map(|due| due.why), Some(Why::Waiting));
}

#[test]
fn a_queue_before_one_camera() {
    let mut track = Track::from(Phase::AwaitingPayment);
    track.seen("沪B67890");
    assert_eq!(track.plate(), Some("京A12345"), "the first keeps its name");
    track.seen("");
    let next = |track: &Track| track.lane.next.as_ref().unwrap().plate.clone();
    assert_eq!(
        next(&track),
        Plate::parse("沪B67890").ok(),
        "a read that says nothing changes nothing"
    );
    track.seen("苏C11111");
    assert_eq!(next(&track), Plate::parse("苏C11111").ok(), "a newer one counts");
    track.seen("京AI2345");
    assert_eq!(
        next(&track),
        Plate::parse("苏C11111").ok(),
        "the first, misread, is not its own follower"
    );
}
