//! Pairs of plates and how far apart they are to a camera; who is taken and who is not.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::{
    core::rules::Zones,
    types::{LaneId, PlateColour, VehicleClass},
};

fn now() -> Timestamp {
    "2026-11-23T12:00:00Z".parse().unwrap()
}

fn plate(text: &str) -> Plate {
    Plate::parse(text).unwrap()
}

fn inside(id: i64, text: &str, minutes: i64) -> Stay {
    let entered_at = now() - Duration::from_mins(minutes as u64);
    let lane = LaneId::parse("in").unwrap();
    let mut stay = Stay::new(StayId(id), plate(text), lane, Zones::only(), entered_at);
    stay.entry_picture = Some("entry.jpg".into());
    stay
}

fn unread() -> Sighting<'static> {
    Sighting { raw: "", plate: None, confidence: None, vehicle: Vehicle::default() }
}

fn apart(a: &str, b: &str) -> Option<u32> {
    Seen::of(Letters::of(a).unwrap()).distance(&Letters::of(b).unwrap())
}

fn ranked(raw: &str, stays: &[Stay]) -> Vec<(i64, u8)> {
    let parsed = Plate::parse(raw).ok();
    let read = Sighting { raw, plate: parsed.as_ref(), confidence: None, ..unread() };
    rank(&read, stays.iter(), now(), 8).into_iter().map(|c| (c.stay.0, c.score)).collect()
}

#[test]
fn what_each_error_of_a_camera_costs() {
    for (a, b, cost) in [
        ("京A12345", "京A12345", Some(0)),
        ("京A1D345", "京A10345", Some(15)),
        ("京AQ2345", "京AO2345", Some(15)),
        ("京A1I345", "京A11345", Some(15)),
        ("京A12Z45", "京A12245", Some(20)),
        ("京AS2345", "京A52345", Some(20)),
        ("京A1234B", "京A12348", Some(20)),
        ("川A12345", "州A12345", Some(20)),
        ("京AB2345", "京A82Z45", Some(120)),
        ("京AB2Z45", "京A82245", Some(40)),
        ("浙A12345", "湘A12345", Some(40)),
        ("京A12345", "粤A12345", Some(60)),
        ("京A12345", "A12345", Some(50)),
        ("京A12345", "京A1234", Some(70)),
        ("京A12345", "京A1345", Some(90)),
        ("京A12345", "京A13245", Some(80)),
        ("京A12345", "京A12945", Some(100)),
        ("京A12_45", "京A12345", Some(20)),
        ("京A??345", "京A12345", Some(40)),
        ("京A12345", "京A12999", None),
        ("京A12345", "沪C98760", None),
        ("B2884SCP", "B2B845CP", Some(40)),
    ] {
        assert_eq!(apart(a, b), cost, "{a} {b}");
        assert_eq!(apart(b, a), cost, "{b} {a}");
    }
}

#[test]
fn only_the_likely_and_only_one_is_taken_unasked() {
    let sureness = Sureness::default();
    let taken = |raw: &str, stays: &[Stay]| {
        let parsed = Plate::parse(raw).ok();
        let read = Sighting { raw, plate: parsed.as_ref(), confidence: Some(80), ..unread() };
        sure(&rank(&read, stays.iter(), now(), 8), sureness).map(|stay| stay.0)
    };
    let lot = [
        inside(1, "京A10345", 60),
        inside(2, "京A88888", 60),
        inside(3, "沪C7777S", 60),
        inside(4, "沪C77775", 60),
        inside(5, "苏E2X111", 60),
    ];
    assert_eq!(taken("京A1D345", &lot), Some(1), "one close look-alike");
    assert_eq!(taken("京B1D345", &lot), None, "and another letter besides");
    assert_eq!(taken("沪C777S5", &lot), None, "two look nearly the same");
    assert_eq!(taken("苏E9X111", &lot), None, "a whole letter");
    assert_eq!(taken("苏E2X11_", &lot), Some(5), "a place not readable");
    assert_eq!(taken("粤Z00000", &lot), None, "nobody like it");
    assert_eq!(taken("", &lot), None, "no plate at all");
    assert_eq!(taken("京A1D345", &[inside(1, "京A10345", 0)]), None, "it has only just come in");
    assert_eq!(taken("京A1D345", &[]), None);
}

#[test]
fn what_else_is_known_tells_two_alike_apart() {
    let mut entering = inside(1, "京A10345", 60);
    entering.state = StayState::Entering;
    let mut unpictured = inside(2, "京A1O345", 60);
    unpictured.entry_picture = None;
    let old = inside(3, "京A1Q345", 60 * 24 * 30);
    let lot = [entering, unpictured, old, inside(4, "京A10345", 60)];
    let order: Vec<i64> = ranked("京A1D345", &lot).into_iter().map(|(stay, _)| stay).collect();
    assert_eq!(order, [4, 2, 3, 1]);
    let lorry = Vehicle::of(VehicleClass::Large);
    let green = Vehicle { colour: Some(PlateColour::Green), ..Vehicle::default() };
    let blue = Vehicle { colour: Some(PlateColour::Blue), ..Vehicle::default() };
    for (seen, known, off) in
        [(lorry, blue, 15), (green, blue, 10), (blue, blue, 0), (green, lorry, 15)]
    {
        let score = |vehicle| {
            let mut stay = inside(1, "京A10345", 60);
            stay.vehicle = known;
            let read = Sighting { raw: "京A1D345", vehicle, ..unread() };
            rank(&read, [stay].iter(), now(), 1)[0].score
        };
        assert_eq!(score(known) - score(seen), off, "{seen:?} {known:?}");
    }
    let sure_camera = Sighting { raw: "京A1D345", plate: None, confidence: Some(99), ..unread() };
    let unsure = Sighting { confidence: Some(60), ..sure_camera };
    let score = |read: &Sighting<'_>| rank(read, lot[3..].iter(), now(), 1)[0].score;
    assert!(score(&sure_camera) < score(&unsure));
}

#[test]
fn a_driver_may_correct_one_letter() {
    for (a, b, one) in [
        ("京A12345", "京A12346", true),
        ("京A12345", "京A1234", true),
        ("京A1234", "京A12345", true),
        ("A12345", "京A12345", true),
        ("京A12345", "京A12345", false),
        ("京A12345", "京A12354", false),
        ("京A12345", "京A1235", true),
        ("京A12345", "京B12346", false),
        ("京A12345", "京A123", false),
    ] {
        assert_eq!(one_character_apart(&plate(a), &plate(b)), one, "{a} {b}");
        assert_eq!(one_character_apart(&plate(b), &plate(a)), one, "{b} {a}");
    }
}

fn any_plate() -> impl Strategy<Value = String> {
    "[京沪苏浙川][A-F][0-9A-Z]{5,6}"
}

proptest! {
    #[test]
    fn ranking_never_panics_and_is_in_order(raw in ".{0,20}", plates in proptest::collection::vec(any_plate(), 0..30)) {
        let lot: Vec<Stay> = plates.iter().zip(1..).map(|(p, id)| inside(id, p, id)).collect();
        let ranked = ranked(&raw, &lot);
        prop_assert!(ranked.len() <= 8 && ranked.windows(2).all(|w| w[0].1 >= w[1].1));
    }

    #[test]
    fn the_distance_is_the_same_both_ways_and_the_quick_look_agrees(a in any_plate(), b in any_plate(), at in 0_usize..7, c in proptest::char::range('0', 'Z')) {
        let near: String = a.chars().enumerate().map(|(i, x)| if i == at && c.is_ascii_alphanumeric() { c } else { x }).collect();
        for (a, b) in [(&a, &b), (&a, &near)] {
            prop_assert_eq!(apart(a, b), apart(b, a));
            if apart(a, b).is_some() {
                prop_assert!(Seen::of(Letters::of(a).unwrap()).may_be_near(&Letters::of(b).unwrap()));
            }
        }
        prop_assert!(apart(&a, &near).is_some());
    }

    #[test]
    fn one_changed_letter_is_one_apart(a in any_plate(), at in 0_usize..7, c in proptest::char::range('A', 'Z')) {
        let changed: String = a.chars().enumerate().map(|(i, x)| if i == at { c } else { x }).collect();
        let (a, b) = (plate(&a), plate(&changed));
        prop_assert_eq!(one_character_apart(&a, &b), a != b);
    }
}
