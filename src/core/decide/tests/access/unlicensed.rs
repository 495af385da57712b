//! Vehicles without a plate: in with a phone, out with the same phone, and what nobody may do with it.

use super::*;

fn phone(text: &str) -> CodeDigest {
    Code::parse(text).unwrap().digest()
}

impl Site {
    fn unread(&mut self, id: &str) {
        self.sensor(id, Sensor::Arrival, true);
        self.reads_vehicle(id, "", Vehicle::default());
    }

    fn says_no_plate(&mut self, id: &str, phone: Option<CodeDigest>, by: &str) -> Reply {
        self.tell(Input::NoPlate { lane: lane(id), phone, by: by.into() })
    }
}

#[test]
fn in_and_out_by_phone() {
    let mut site = Site::new();
    site.unread("in");
    let named = site.says_no_plate("in", Some(phone("one")), "driver").unwrap();
    let Answer::Named(name) = named else { panic!("{named:?}") };
    assert_eq!(name.full(), "无牌-0001");
    site.drive_through("in");
    site.after(HOUR * 2);
    site.unread("out");
    let shown = |phone| Input::PhoneShown { lane: lane("out"), phone };
    assert_eq!(site.tell(shown(phone("two"))), Err(Refusal::PhoneUnknown));
    site.tell(shown(phone("one"))).unwrap();
    assert_eq!(site.phase("out"), Phase::AwaitingPayment);
    let trade = site.pay();
    site.bank(&trade, Site::paid(1_000)).unwrap();
    assert_eq!((site.phase("out"), site.opened("out")), (Phase::Opening, 1));
    site.drive_through("out");
    assert!(site.state.stays.is_empty());
    assert!(site.state.stay_of_phone(&phone("one")).is_none(), "the phone is free again");
}

#[test]
fn with_a_lost_phone_the_operator_names_it() {
    let mut site = Site::new();
    site.unread("in");
    site.says_no_plate("in", Some(phone("one")), "driver").unwrap();
    site.drive_through("in");
    site.unread("out");
    let (plate, by) = (plate("无牌0001"), "li".into());
    site.tell(Input::PlateGiven { lane: lane("out"), plate, by }).unwrap();
    assert_eq!(site.opened("out"), 1);
}

#[test]
fn only_a_vehicle_that_stands_there_and_has_no_plate() {
    let deny = |lane_id: &str| Err(Refusal::PlateThere(lane(lane_id)));
    let mut site = Site::new();
    assert_eq!(site.says_no_plate("in", None, "driver"), deny("in"), "nobody is there");
    site.sensor("in", Sensor::Arrival, true);
    assert_eq!(site.says_no_plate("in", None, "driver"), deny("in"), "the camera still looks");
    site.read("in", A);
    assert_eq!(site.says_no_plate("in", None, "driver"), deny("in"), "it has a plate");
    site.drive_through("in");
    site.unread("out");
    assert_eq!(site.says_no_plate("out", None, "driver"), deny("out"), "an exit names nobody");
    site.unread("in");
    site.rules.access.unlicensed_by_phone = false;
    assert_eq!(site.says_no_plate("in", None, "driver"), deny("in"), "this site wants no phones");
    assert!(site.says_no_plate("in", None, "li").is_ok(), "an operator sees it");
}

#[test]
fn one_phone_is_one_vehicle() {
    let mut site = Site::new();
    site.unread("in");
    site.says_no_plate("in", Some(phone("one")), "driver").unwrap();
    site.drive_through("in");
    site.unread("in");
    let again = site.says_no_plate("in", Some(phone("one")), "driver");
    assert_eq!(again, Err(Refusal::PhoneInside));
}

#[test]
fn a_number_in_use_is_not_given_again() {
    let mut site = Site::new();
    for expected in ["无牌-0001", "无牌-0002"] {
        site.unread("in");
        let named = site.says_no_plate("in", None, "li").unwrap();
        assert_eq!(named, Answer::Named(plate(expected)));
        site.drive_through("in");
    }
    // Ten thousand stays later the numbers begin anew.
    site.state.counters.stay = 10_000;
    site.journal.clear();
    let rules = site.rules.clone();
    let lane_id = lane("in");
    let mut state = site.state.clone();
    for input in [
        Input::Sensor { lane: lane_id.clone(), sensor: Sensor::Arrival, on: true },
        Input::NoPlate { lane: lane_id, phone: None, by: "li".into() },
    ] {
        let decision = decide(&state, &rules, site.now, input);
        decision.changes.iter().for_each(|change| state.apply(change));
        if let Ok(Answer::Named(name)) = decision.reply {
            assert_eq!(name.full(), "无牌-0003", "1 and 2 are inside");
            return;
        }
    }
    panic!("nobody was named");
}
