//! A sluice: two arms in a row, and room for one vehicle between them. And two lanes that merely share a roadway.

use super::{ways::nested, *};
use crate::core::{
    Message,
    lane::OperatorAct,
    rules::{Behind, Couple, Tide},
};

const A: &str = "京A12345";
const B: &str = "京B22222";

/// From the street through `in` and `b1-in` into the basement.
fn sluice() -> Site {
    let mut site = nested();
    for (id, other, waits_for) in [("in", "b1-in", Behind::Lane), ("b1-in", "in", Behind::Arm)] {
        let rules = site.rules.lanes.get_mut(&lane(id)).unwrap();
        rules.couple = Some(Couple { lane: lane(other), waits_for });
        rules.tide = Some(Tide::default());
    }
    site
}

impl Site {
    fn drives_up(&mut self, id: &str, plate: &str) {
        self.after(Duration::from_secs(20));
        self.sensor(id, Sensor::Arrival, true);
        self.read(id, plate);
    }

    fn between(&self) -> Vec<String> {
        let lanes = self.state.lanes.values().flat_map(|lane| &lane.between);
        let name = |plate: Option<&Plate>| plate.map_or("?", Plate::full).to_owned();
        lanes.map(|between| name(between.plate.as_ref())).collect()
    }
}

#[test]
fn the_next_goes_in_once_the_one_before_is_out() {
    let mut site = sluice();
    site.drives_up("in", A);
    site.drive_through("in");
    assert_eq!(site.between(), [A]);
    site.drives_up("in", B);
    assert_eq!((site.opened("in"), site.shown("in")), (1, &Message::Wait));
    site.drives_up("b1-in", A);
    assert_eq!((site.opened("in"), site.opened("b1-in")), (1, 1));
    site.drive_through("b1-in");
    assert_eq!(site.opened("in"), 2, "it is out");
    assert!(site.between().is_empty());
    site.drive_through("in");
    assert_eq!(site.between(), [B]);
}

#[test]
fn the_two_arms_are_never_up_together() {
    let mut site = sluice();
    site.goes("in", A);
    // One that is let in by hand, though somebody is between, and stands under the arm.
    site.after(Duration::from_secs(20));
    site.sensor("in", Sensor::Arrival, true);
    site.operate("in", OperatorAct::Open).unwrap();
    site.sensor("in", Sensor::ClosedLimit, false);
    site.sensor("in", Sensor::OpenLimit, true);
    site.drives_up("b1-in", A);
    assert_eq!((site.opened("in"), site.opened("b1-in")), (2, 0));
    for (sensor, on) in [(Sensor::Safety, true), (Sensor::Arrival, false), (Sensor::Safety, false)]
    {
        site.sensor("in", sensor, on);
    }
    assert_eq!(site.opened("b1-in"), 0, "it is coming down");
    site.sensor("in", Sensor::OpenLimit, false);
    site.sensor("in", Sensor::ClosedLimit, true);
    assert_eq!(site.opened("b1-in"), 1);
    assert_eq!(site.between(), [A, "?"]);
    site.drive_through("b1-in");
    assert_eq!(site.between(), ["?"]);
}

#[test]
fn one_that_comes_out_unread_is_the_one_that_went_in_first() {
    let mut site = sluice();
    site.goes("in", A);
    site.after(Duration::from_secs(20));
    site.sensor("b1-in", Sensor::Arrival, true);
    site.operate("b1-in", OperatorAct::Open).unwrap();
    site.drive_through("b1-in");
    assert!(site.between().is_empty());
    site.drives_up("in", B);
    assert_eq!(site.opened("in"), 2);
}

#[test]
fn whoever_stands_at_the_way_out_keeps_the_way_in_shut_for_as_long_as_it_takes() {
    let mut site = sluice();
    site.goes("in", A);
    site.sensor("b1-in", Sensor::Arrival, true);
    site.after(Duration::from_mins(20));
    site.drives_up("in", B);
    assert_eq!(site.opened("in"), 1, "it stands there still");
    site.read("b1-in", A);
    site.drive_through("b1-in");
    assert_eq!(site.opened("in"), 2);
}

#[test]
fn one_that_nobody_saw_come_out_holds_the_next_for_five_minutes_and_a_person_is_called_before() {
    let mut site = sluice();
    site.goes("in", A);
    site.drives_up("in", B);
    let calls = |site: &Site| site.state.tasks.values().filter(|task| task.is_call()).count();
    site.after(Duration::from_secs(170));
    assert_eq!((calls(&site), site.opened("in")), (0, 1));
    site.after(Duration::from_secs(20));
    assert_eq!((calls(&site), site.opened("in")), (1, 1), "three minutes are long");
    site.after(Duration::from_secs(100));
    assert_eq!((calls(&site), site.opened("in")), (0, 2), "by the deadline alone");
    site.drive_through("in");
    assert_eq!(site.between(), [B], "nobody is kept for ever");
}

#[test]
fn turned_round_the_ends_change_their_parts() {
    let mut site = sluice();
    for plate in [A, B] {
        site.goes("in", plate);
        site.goes("b1-in", plate);
    }
    for id in ["in", "b1-in"] {
        site.operate(id, OperatorAct::Turn).unwrap();
    }
    let opened = |site: &Site| (site.opened("in"), site.opened("b1-in"));
    assert_eq!(opened(&site), (2, 2));
    site.drives_up("b1-in", A);
    site.drive_through("b1-in");
    assert_eq!(site.between(), [A]);
    site.drives_up("b1-in", B);
    assert_eq!(opened(&site), (2, 3), "one is on its way out");
    site.drives_up("in", A);
    let asked = site.state.lanes[&lane("in")].visit.as_ref().unwrap().order.unwrap();
    site.phone(asked);
    site.drive_through("in");
    assert_eq!(opened(&site), (3, 4));
    assert!(site.between().is_empty());
}

#[test]
fn of_two_lanes_that_lead_opposite_ways_nobody_is_between() {
    let mut site = Site::new();
    for (id, other, waits_for) in [("in", "out", Behind::Arm), ("out", "in", Behind::Lane)] {
        let couple = Some(Couple { lane: lane(other), waits_for });
        site.rules.lanes.get_mut(&lane(id)).unwrap().couple = couple;
    }
    for plate in [A, B] {
        site.enter(plate);
    }
    for (nth, plate) in [A, B].into_iter().enumerate() {
        site.drives_up("out", plate);
        assert_eq!(site.opened("out"), nth + 1, "{plate}: the one before has gone its way");
        site.drive_through("out");
    }
    assert!(site.between().is_empty());
}
