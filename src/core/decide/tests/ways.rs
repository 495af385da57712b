//! Lanes between zones, lanes that turn, lanes that share a roadway, and vehicles that follow others through.

use super::{access::season, *};
use crate::{
    core::{
        Message, Refusal,
        change::Taken,
        lane::{OperatorAct, Reject},
        manage::PassDraft,
        rules::{Behind, Couple, Tide, Turn, TwoCameras, ZoneRules, Zones},
        task::About,
    },
    types::ZoneId,
};

fn zone(id: &str) -> ZoneId {
    ZoneId::parse(id).unwrap()
}

/// `lot` with `b1` in it and `b2` in that; lanes `b1-in`, `b1-out`, `b2-in`, and `b1-street` out of b1 to the street.
pub(super) fn nested() -> Site {
    let mut site = Site::new();
    let within = |parent: Option<&str>| ZoneRules {
        name: String::new(),
        parent: parent.map(zone),
        capacity: None,
        spaces: Vec::new(),
        tariff: None,
    };
    let zones = [("lot", None), ("b1", Some("lot")), ("b2", Some("b1"))];
    site.rules.zones =
        Zones::new(zones.map(|(id, parent)| (zone(id), within(parent))).into()).unwrap();
    let out = site.rules.lanes[&lane("out")].clone();
    for (id, direction, of, street) in [
        ("b1-in", Direction::Entry, "b1", false),
        ("b1-out", Direction::Exit, "b1", false),
        ("b2-in", Direction::Entry, "b2", false),
        ("b1-street", Direction::Exit, "b1", true),
    ] {
        let rules = LaneRules { direction, zone: zone(of), street, ..out.clone() };
        site.rules.lanes.insert(lane(id), rules);
    }
    site.tell(Input::Started).unwrap();
    let lanes: Vec<String> = site.rules.lanes.keys().map(ToString::to_string).collect();
    lanes.iter().for_each(|id| site.rests(id));
    site
}

impl Site {
    fn rests(&mut self, id: &str) {
        for (sensor, on) in [
            (Sensor::Arrival, false),
            (Sensor::Safety, false),
            (Sensor::OpenLimit, false),
            (Sensor::ClosedLimit, true),
        ] {
            self.sensor(id, sensor, on);
        }
    }

    /// Drives up, is read, and goes through if the arm opens.
    pub(super) fn goes(&mut self, id: &str, plate: &str) {
        self.after(Duration::from_mins(10));
        self.sensor(id, Sensor::Arrival, true);
        self.read(id, plate);
        self.drive_through(id);
    }

    /// Where the only stay has been: `b1 10-20, b2 20-`, in minutes since its entry.
    fn whereabouts(&self) -> String {
        let stay = self.state.stays.values().next().unwrap();
        let minutes = |at: Timestamp| at.duration_since(stay.entered_at).as_mins();
        let segments = stay.nested.iter().map(|segment| {
            let to = segment.to.map(|to| minutes(to).to_string()).unwrap_or_default();
            format!("{} {}-{to}", segment.zone, minutes(segment.from))
        });
        segments.collect::<Vec<_>>().join(", ")
    }

    pub(super) fn operate(&mut self, id: &str, act: OperatorAct) -> Reply {
        let (who, reason) = ("li".into(), "rush hour".into());
        self.tell(Input::Operator { lane: lane(id), act, who, reason })
    }

    fn leads(&self, id: &str) -> Direction {
        self.state.lanes[&lane(id)].direction(&self.rules.lanes[&lane(id)])
    }
}

#[test]
fn a_stay_goes_from_zone_to_zone_and_missed_reads_are_put_right() {
    // Which lanes read it, and where it has been then.
    for (lanes, whereabouts) in [
        (&["in"][..], ""),
        (&["in", "b1-in"], "b1 10-"),
        (&["in", "b1-in", "b1-out"], "b1 10-20"),
        (&["in", "b1-in", "b1-out", "b1-in"], "b1 10-20, b1 30-"),
        (&["in", "b1-in", "b2-in"], "b1 10-20, b2 20-"),
        // Nobody read it on its way into b1.
        (&["in", "b2-in"], "b2 10-"),
        // Nobody read it on its way out of b2.
        (&["in", "b1-in", "b2-in", "b1-out"], "b1 10-20, b2 20-30"),
        // Nobody read it on its way in at all: it is inside from now on.
        (&["b1-in"], "b1 0-"),
        (&["b1-out"], ""),
        // Nobody read it on its way into b1.
        (&["in", "b1-out"], ""),
    ] {
        let mut site = nested();
        lanes.iter().for_each(|id| site.goes(id, "京A12345"));
        assert_eq!(site.whereabouts(), whereabouts, "{lanes:?}");
        let stay = site.state.stays.values().next().unwrap();
        assert_eq!((stay.state, &stay.zone), (StayState::Inside, &zone("lot")), "{lanes:?}");
        let opens = |e: &&Effect| matches!(e, Effect::Arm { action: ArmAction::Open, .. });
        assert_eq!(site.effects.iter().filter(opens).count(), lanes.len(), "{lanes:?}");
    }
}

#[test]
fn out_of_an_inner_zone_to_the_street() {
    for lanes in [&["in", "b1-in"][..], &["in"]] {
        let mut site = nested();
        lanes.iter().for_each(|id| site.goes(id, "京A12345"));
        site.after(HOUR);
        site.sensor("b1-street", Sensor::Arrival, true);
        site.read("b1-street", "京A12345");
        assert_eq!(site.phase("b1-street"), Phase::AwaitingPayment, "the whole stay is due");
        let order = site.state.lanes[&lane("b1-street")].visit.as_ref().unwrap().order.unwrap();
        let owed = site.state.orders[&order].amount.minor;
        site.tell(Input::PayAsked { order }).unwrap();
        let trade = site.generated().pop().unwrap();
        site.bank(&trade, Site::paid(owed)).unwrap();
        site.drive_through("b1-street");
        assert!(site.state.stays.is_empty());
        let last = site.journal.iter().rev().find_map(|change| match change {
            Change::Stay(stay) => Some(stay),
            _ => None,
        });
        assert!(last.unwrap().nested.iter().all(|segment| segment.to.is_some()), "{lanes:?}");
    }
}

#[test]
fn backing_out_of_an_inner_lane_moves_nobody() {
    let mut site = nested();
    site.goes("in", "京A12345");
    site.sensor("b1-in", Sensor::Arrival, true);
    site.read("b1-in", "京A12345");
    site.sensor("b1-in", Sensor::ClosedLimit, false);
    site.sensor("b1-in", Sensor::OpenLimit, true);
    site.sensor("b1-in", Sensor::Arrival, false);
    site.after(Duration::from_secs(31));
    assert_eq!((site.whereabouts().as_str(), site.state.stays.len()), ("", 1));
}

#[test]
fn only_an_empty_tidal_lane_turns() {
    let mut site = Site::new();
    let turn = |site: &mut Site| site.operate("in", OperatorAct::Turn);
    let refused = |why| Err(Refusal::Lane(lane("in"), why));
    assert_eq!(turn(&mut site), refused(Reject::NotTidal));
    site.rules.lanes.get_mut(&lane("in")).unwrap().tide = Some(Tide::default());
    site.sensor("in", Sensor::Arrival, true);
    assert_eq!(turn(&mut site), refused(Reject::Occupied));
    site.read("in", "京A12345");
    assert_eq!(turn(&mut site), refused(Reject::Occupied));
    site.drive_through("in");
    turn(&mut site).unwrap();
    assert_eq!(site.leads("in"), Direction::Exit);
    // The same arm lets it out again, and asks what it owes first.
    site.after(HOUR);
    site.sensor("in", Sensor::Arrival, true);
    site.read("in", "京A12345");
    assert_eq!(site.phase("in"), Phase::AwaitingPayment);
}

#[test]
fn the_time_of_day_turns_a_lane_once_it_is_empty() {
    let mut site = Site::new();
    let at = |hour, direction| Turn { at: jiff::civil::time(hour, 0, 0, 0), direction };
    let turns = vec![at(7, Direction::Entry), at(10, Direction::Exit)];
    site.rules.lanes.get_mut(&lane("in")).unwrap().tide = Some(Tide { turns, cameras: None });
    site.tell(Input::Started).unwrap();
    site.rests("in");
    site.after(Duration::from_secs(0));
    assert_eq!(site.leads("in"), Direction::Entry, "at eight");
    site.after(Duration::from_secs(2 * 3600 - 30));
    site.sensor("in", Sensor::Arrival, true);
    site.read("in", "京A12345");
    site.after(Duration::from_secs(30));
    assert_eq!(site.leads("in"), Direction::Entry, "somebody is in it");
    site.drive_through("in");
    site.after(Duration::from_secs(10));
    assert_eq!(site.leads("in"), Direction::Exit);
    site.after(HOUR * 21);
    assert_eq!(site.leads("in"), Direction::Entry, "at seven the next morning");
    let acts = site.journal.iter().filter(|change| {
        matches!(change, Change::OperatorActed { act: OperatorAct::Turn, who, .. } if who == "schedule")
    });
    assert_eq!(acts.count(), 2);
}

#[test]
fn of_two_cameras_the_one_of_the_way_it_leads_now_counts() {
    let mut site = Site::new();
    let camera = |id: &str| DeviceId::parse(id).unwrap();
    let cameras = Some(TwoCameras { first: camera("cam-street"), back: camera("cam-yard") });
    site.rules.lanes.get_mut(&lane("in")).unwrap().tide = Some(Tide { turns: Vec::new(), cameras });
    site.tell(Input::Started).unwrap();
    site.rests("in");
    let told = |site: &Site| {
        let turned = |effect: &Effect| match effect {
            Effect::Turned { turned, .. } => Some(*turned),
            _ => None,
        };
        site.effects.iter().rev().find_map(turned)
    };
    assert_eq!(told(&site), Some(false), "devices are told at a start");
    let reads = |site: &mut Site, device: &str, text: &str| {
        site.reads += 1;
        let read = Read {
            device: camera(device),
            event: site.reads.to_string(),
            raw: text.into(),
            plate: crate::types::Plate::parse(text).ok(),
            confidence: Some(98),
            live: true,
            taken_at: None,
            picture: None,
            vehicle: crate::types::Vehicle::default(),
        };
        site.tell(Input::Read { lane: lane("in"), read }).unwrap();
        site.journal.iter().rev().find_map(|change| match change {
            Change::ReadTaken { as_, .. } => Some(*as_),
            _ => None,
        })
    };
    site.sensor("in", Sensor::Arrival, true);
    assert_eq!(reads(&mut site, "cam-yard", "京B22222"), Some(Taken::OtherWay));
    assert_eq!((site.phase("in"), site.state.stays.len()), (Phase::VehiclePresent, 0));
    assert_eq!(reads(&mut site, "cam-street", "京A12345"), Some(Taken::Served));
    site.drive_through("in");
    site.after(Duration::from_mins(1));
    let (act, who, reason) = (OperatorAct::Turn, "li".into(), "evening".into());
    site.tell(Input::Operator { lane: lane("in"), act, who, reason }).unwrap();
    assert_eq!(told(&site), Some(true));
    site.sensor("in", Sensor::Arrival, true);
    assert_eq!(reads(&mut site, "cam-street", "京A12345"), Some(Taken::OtherWay));
    assert_eq!(reads(&mut site, "cam-yard", "京A12345"), Some(Taken::Served));
    assert_eq!(site.opened("in"), 2, "it goes out again, within the free time");
}

/// `in` and `out` share one roadway.
fn coupled(out_waits_for: Behind) -> Site {
    let mut site = Site::new();
    for (id, other, waits_for) in [("in", "out", Behind::Arm), ("out", "in", out_waits_for)] {
        let couple = Couple { lane: lane(other), waits_for };
        site.rules.lanes.get_mut(&lane(id)).unwrap().couple = Some(couple);
    }
    site
}

#[test]
fn of_two_coupled_lanes_one_opens_behind_the_other() {
    let mut site = coupled(Behind::Arm);
    site.enter("京A12345");
    site.after(Duration::from_mins(5));
    site.sensor("in", Sensor::Arrival, true);
    site.read("in", "京B22222");
    site.sensor("out", Sensor::Arrival, true);
    site.read("out", "京A12345");
    assert_eq!((site.opened("in"), site.opened("out")), (2, 0));
    assert_eq!(*site.shown("out"), Message::Wait);
    site.drive_through("in");
    assert_eq!(site.opened("out"), 1, "the other arm is down");
    site.drive_through("out");
    assert_eq!(site.state.stays.len(), 1);
}

#[test]
fn paid_while_the_other_lane_is_open_counts_and_waits() {
    let mut site = coupled(Behind::Arm);
    site.enter("京A12345");
    site.after(HOUR);
    site.sensor("out", Sensor::Arrival, true);
    site.read("out", "京A12345");
    let trade = site.pay();
    site.sensor("in", Sensor::Arrival, true);
    site.read("in", "京B22222");
    site.bank(&trade, Site::paid(500)).unwrap();
    assert_eq!((site.opened("in"), site.opened("out")), (2, 0));
    site.drive_through("in");
    assert_eq!(site.opened("out"), 1);
}

#[test]
fn in_a_sluice_whoever_is_between_the_arms_gets_out_first() {
    let mut site = coupled(Behind::Lane);
    site.enter("京A12345");
    site.after(Duration::from_mins(5));
    site.sensor("in", Sensor::Arrival, true);
    site.sensor("out", Sensor::Arrival, true);
    site.read("out", "京A12345");
    assert_eq!(site.opened("out"), 0, "somebody stands at the other arm");
    site.sensor("in", Sensor::Arrival, false);
    site.after(Duration::from_secs(6));
    assert_eq!(site.opened("out"), 1, "and is gone");
}

#[test]
fn one_that_a_person_let_in_is_inside_like_any_other() {
    let opens = |site: &mut Site| {
        site.operate("in", OperatorAct::Open).unwrap();
        site.sensor("in", Sensor::ClosedLimit, false);
        site.sensor("in", Sensor::OpenLimit, true);
        site.sensor("in", Sensor::Safety, true);
        site.sensor("in", Sensor::Arrival, false);
    };
    // The camera reads it only under the arm.
    let mut late = Site::new();
    late.sensor("in", Sensor::Arrival, true);
    opens(&mut late);
    late.read("in", "京A12345");
    late.sensor("in", Sensor::Safety, false);
    // The site wants somebody to look at a plate that is inside already.
    let mut twice = Site::new();
    twice.rules.matching.twice = crate::core::rules::Twice::Ask;
    twice.enter("京A12345");
    twice.after(HOUR);
    twice.sensor("in", Sensor::Arrival, true);
    twice.read("in", "京A12345");
    opens(&mut twice);
    twice.sensor("in", Sensor::Safety, false);
    for site in [late, twice] {
        let stays: Vec<_> = site.state.stays.values().map(|stay| (stay.id.0, stay.state)).collect();
        assert_eq!(stays, [(1, StayState::Inside)]);
    }
}

#[test]
fn a_tailgater_is_counted_and_looked_at() {
    let followed = |plate: Option<&str>| {
        let mut site = Site::new();
        site.sensor("in", Sensor::Arrival, true);
        site.read("in", "京A12345");
        for (sensor, on) in [
            (Sensor::ClosedLimit, false),
            (Sensor::OpenLimit, true),
            (Sensor::Safety, true),
            (Sensor::Arrival, false),
            (Sensor::Safety, false),
            (Sensor::Safety, true),
        ] {
            site.sensor("in", sensor, on);
        }
        plate.into_iter().for_each(|plate| site.read("in", plate));
        site.sensor("in", Sensor::Safety, false);
        site
    };
    for (plate, stays, correction) in [(Some("京B22222"), 2, 0), (None, 1, 1)] {
        let site = followed(plate);
        assert_eq!((site.state.stays.len(), site.opened("in")), (stays, 1), "{plate:?}");
        assert!(site.state.stays.values().all(|stay| stay.state == StayState::Inside));
        assert!(site.state.tasks.values().any(|task| task.about == About::Tailgate));
        let zone = site.state.zones.values().map(|zone| zone.correction).sum::<i64>();
        assert_eq!(zone, correction, "{plate:?}");
    }
}

#[test]
fn a_tailgater_at_an_exit_left_without_paying() {
    let mut site = Site::new();
    site.enter("京A12345");
    site.enter("京B22222");
    site.after(Duration::from_mins(5));
    site.sensor("out", Sensor::Arrival, true);
    site.read("out", "京A12345");
    site.after(HOUR);
    for (sensor, on) in [
        (Sensor::ClosedLimit, false),
        (Sensor::OpenLimit, true),
        (Sensor::Safety, true),
        (Sensor::Arrival, false),
        (Sensor::Arrival, true),
    ] {
        site.sensor("out", sensor, on);
    }
    site.read("out", "京B22222");
    site.sensor("out", Sensor::Safety, false);
    assert_eq!(site.phase("out"), Phase::AwaitingPayment);
    site.sensor("out", Sensor::Safety, true);
    site.sensor("out", Sensor::Arrival, false);
    site.sensor("out", Sensor::Safety, false);
    assert!(site.state.stays.is_empty(), "both are gone");
    let unpaid = site
        .journal
        .iter()
        .any(|change| matches!(change, Change::Order(order) if order.state == OrderState::Unpaid));
    assert!(unpaid && site.state.tasks.values().any(|task| task.about == About::Tailgate));
}

#[test]
fn one_that_follows_another_out_before_it_is_asked_owes_its_fee() {
    for (parked, owed) in [(Duration::from_mins(5), None), (HOUR, Some(500))] {
        let mut site = Site::new();
        site.enter("京A12345");
        site.enter("京B22222");
        site.after(parked);
        site.sensor("out", Sensor::Arrival, true);
        site.read("out", "京A12345");
        site.operate("out", OperatorAct::Open).ok();
        for (sensor, on) in [
            (Sensor::ClosedLimit, false),
            (Sensor::OpenLimit, true),
            (Sensor::Safety, true),
            (Sensor::Arrival, false),
            (Sensor::Safety, false),
            (Sensor::Safety, true),
        ] {
            site.sensor("out", sensor, on);
        }
        site.read("out", "京B22222");
        site.sensor("out", Sensor::Safety, false);
        assert!(site.state.stays.is_empty(), "both are gone");
        let plate = Plate::parse("京B22222").unwrap();
        let arrears = site.state.arrears_of(&plate);
        assert_eq!(arrears.map(|arrears| arrears.amount.minor).next(), owed, "{parked:?}");
    }
}

#[test]
fn a_pass_for_a_zone_within_pays_for_the_time_there() {
    for (zones, asked) in [(&[][..], 0), (&["lot"], 0), (&["b1"], 500), (&["b2"], 2_000)] {
        let mut site = nested();
        let zones = zones.iter().map(|id| zone(id)).collect();
        site.add_pass(PassDraft { zones, ..season(&["京A12345"]) });
        site.goes("in", "京A12345");
        site.goes("b1-in", "京A12345");
        site.after(HOUR * 3);
        site.goes("b1-out", "京A12345");
        site.after(Duration::from_mins(10));
        site.sensor("out", Sensor::Arrival, true);
        site.read("out", "京A12345");
        let order = site.state.lanes[&lane("out")].visit.as_ref().and_then(|visit| visit.order);
        let owed = order.map_or(0, |order| site.state.orders[&order].amount.minor);
        assert_eq!(owed, asked);
    }
}
