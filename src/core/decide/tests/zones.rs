//! How full each zone is: stays, corrections, who slipped through, and what entries show.

use super::*;
use crate::core::{
    Message,
    input::Refusal,
    lane::OperatorAct,
    rules::{ZoneRules, Zones},
    task::About,
    zone::{Level, Segment},
};
use crate::types::{StayId, ZoneId};

fn zone(id: &str) -> ZoneId {
    ZoneId::parse(id).unwrap()
}

impl Site {
    /// `lot` with two spaces around `b1` around `b2`, which nobody counts.
    fn nested() -> Self {
        let mut site = Self::new();
        let rules = |parent: Option<&str>, capacity| ZoneRules {
            name: String::new(),
            parent: parent.map(zone),
            capacity,
            spaces: Vec::new(),
            tariff: None,
        };
        let zones = [
            (zone("lot"), rules(None, Some(2))),
            (zone("b1"), rules(Some("lot"), Some(10))),
            (zone("b2"), rules(Some("b1"), None)),
        ];
        site.rules.zones = Zones::new(zones.into()).unwrap();
        site
    }

    fn inside(&self, id: &str) -> i64 {
        assert!(self.state.occupancy_is_sound(), "the running count is a recount");
        self.state.occupancy(&self.rules.zones, &zone(id)).inside
    }

    fn counts(&mut self, id: &str, found: u32, reason: &str) -> Reply {
        let (zone, who, reason) = (zone(id), "li".into(), reason.into());
        self.tell(Input::ZoneCounted { zone, found, who, reason })
    }

    fn last_shown(&self, id: &str) -> Option<&Message> {
        self.effects.iter().rev().find_map(|effect| match effect {
            Effect::Show { lane: shown, message } if *shown == lane(id) => Some(message),
            _ => None,
        })
    }
}

#[test]
fn a_vehicle_counts_in_its_zone_and_in_those_around_it() {
    let mut site = Site::nested();
    site.enter("京A12345");
    let mut stay = site.state.stays[&StayId(1)].clone();
    for (segment, counts) in
        [(None, [1, 0, 0]), (Some("b2"), [1, 1, 1]), (Some("b1"), [1, 1, 0]), (None, [1, 0, 0])]
    {
        let segment = segment.map(|id| Segment { zone: zone(id), from: site.now, to: None });
        stay.nested = segment.into_iter().collect();
        site.journal.push(Change::Stay(stay.clone()));
        site.state.apply(&Change::Stay(stay.clone()));
        assert_eq!(["lot", "b1", "b2"].map(|id| site.inside(id)), counts, "{:?}", stay.nested);
    }
    site.sensor("out", Sensor::Arrival, true);
    site.read("out", "京A12345");
    site.drive_through("out");
    assert_eq!(site.inside("lot"), 0);
}

#[test]
fn an_operators_count_is_the_number_from_then_on() {
    let mut site = Site::nested();
    site.enter("京A12345");
    assert_eq!(site.counts("b1", 7, " "), Err(Refusal::NoReason));
    assert_eq!(site.counts("b9", 7, "walked"), Err(Refusal::NoZone(zone("b9"))));
    assert_eq!(site.counts("b1", 21, "walked"), Err(Refusal::CountUnfit { most: 20 }));
    assert_eq!(site.counts("b1", 7, "walked"), Ok(Answer::Done));
    let known = site.state.zones[&zone("b1")].clone();
    let counted = known.counts.last().unwrap();
    assert_eq!((counted.who.as_str(), counted.was, counted.drift()), ("li", 0, 7));
    assert_eq!(["lot", "b1"].map(|id| site.inside(id)), [1, 7], "each zone is counted apart");
    site.counts("lot", 5, "walked").unwrap();
    site.enter("京B22222");
    assert_eq!(site.inside("lot"), 6);
    site.counts("lot", 2, "walked again").unwrap();
    assert_eq!((site.inside("lot"), site.state.zones[&zone("lot")].correction), (2, 0));
}

#[test]
fn a_full_lot_is_told_at_its_entries_until_a_space_is_free() {
    let mut site = Site::nested();
    site.enter("京A12345");
    assert_eq!(site.last_shown("in"), Some(&Message::Ready));
    site.enter("京B22222");
    assert_eq!(site.last_shown("in"), Some(&Message::Full));
    site.sensor("out", Sensor::Arrival, true);
    site.read("out", "京B22222");
    site.drive_through("out");
    assert_eq!(site.last_shown("in"), Some(&Message::Ready));
    site.counts("lot", 2, "walked").unwrap();
    assert_eq!(site.last_shown("in"), Some(&Message::Full));
    assert_eq!(site.last_shown("out"), Some(&Message::Ready), "a way out is never full");
}

#[test]
fn who_goes_through_unknown_counts_too() {
    let mut site = Site::nested();
    site.sensor("in", Sensor::Arrival, true);
    site.act("in", OperatorAct::Open);
    site.drive_through("in");
    assert_eq!((site.inside("lot"), site.state.stays.len()), (1, 0));
    site.sensor("out", Sensor::Arrival, true);
    site.act("out", OperatorAct::Open);
    site.drive_through("out");
    assert_eq!(site.inside("lot"), 0);
}

#[test]
fn a_tailgater_counts_and_is_looked_at() {
    let mut site = Site::nested();
    site.sensor("in", Sensor::Arrival, true);
    site.read("in", "京A12345");
    for (sensor, on) in [
        (Sensor::ClosedLimit, false),
        (Sensor::OpenLimit, true),
        (Sensor::Safety, true),
        (Sensor::Arrival, false),
        (Sensor::Arrival, true),
        (Sensor::Safety, false),
        (Sensor::Safety, true),
        (Sensor::Arrival, false),
        (Sensor::Safety, false),
        (Sensor::OpenLimit, false),
        (Sensor::ClosedLimit, true),
    ] {
        site.sensor("in", sensor, on);
    }
    assert_eq!((site.inside("lot"), site.state.stays.len()), (2, 1));
    let tasks: Vec<_> = site.state.tasks.values().map(|task| &task.about).collect();
    assert_eq!(tasks, [&About::Tailgate]);
}

#[test]
fn levels_of_a_zone() {
    let full = |inside, capacity| crate::core::zone::Occupancy { inside, capacity, apart: 0 };
    for (inside, capacity, free, level) in [
        (0, None, None, Level::Free),
        (0, Some(20), Some(20), Level::Free),
        (14, Some(20), Some(6), Level::Free),
        (15, Some(20), Some(5), Level::Few),
        (19, Some(20), Some(1), Level::Few),
        (20, Some(20), Some(0), Level::Full),
        (25, Some(20), Some(0), Level::Full),
        (-3, Some(20), Some(20), Level::Free),
        (0, Some(0), Some(0), Level::Full),
    ] {
        let at = full(inside, capacity);
        assert_eq!((at.free(), at.level(5)), (free, level), "{inside} of {capacity:?}");
    }
}
