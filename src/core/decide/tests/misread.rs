//! Plates that a camera read wrong at an exit: who is taken unasked, who asks whom, and what stays on record.

use super::*;
use crate::core::{
    input::Refusal,
    lane::{Help, OperatorAct},
    rules::Twice,
    task::{About, Task},
};

impl Site {
    fn at_exit(&mut self, read: &str) {
        self.sensor("out", Sensor::Arrival, true);
        self.read("out", read);
    }

    fn task(&self) -> &Task {
        assert_eq!(self.state.tasks.len(), 1, "one thing to decide");
        self.state.tasks.values().next().unwrap()
    }

    /// Tasks that are over, with what became of them.
    fn settled(&self) -> Vec<(String, String)> {
        let over = self.journal.iter().filter_map(|change| match change {
            Change::Task(task) => task.outcome.clone(),
            _ => None,
        });
        over.map(|outcome| (outcome.who, outcome.what)).collect()
    }

    fn typed(&mut self, plate: &str) -> Reply {
        let plate = Plate::parse(plate).unwrap();
        self.tell(Input::PlateTyped { lane: lane("out"), plate })
    }

    fn pick(&mut self, stay: Option<i64>) -> Reply {
        let task = self.task().id;
        let stay = stay.map(crate::types::StayId);
        self.tell(Input::MisreadSettled { task, stay, who: "li".into() })
    }

    fn plate_at(&self, id: &str) -> &str {
        self.state.lanes[&lane(id)].visit.as_ref().unwrap().plate.as_ref().unwrap().full()
    }
}

#[test]
fn a_close_look_alike_with_little_at_stake_is_taken_unasked() {
    let mut site = Site::new();
    site.enter("京A10345");
    site.enter("京B88888");
    site.after(HOUR);
    site.at_exit("京A1D345");
    assert_eq!((site.phase("out"), site.plate_at("out")), (Phase::AwaitingPayment, "京A10345"));
    assert!(site.state.tasks.is_empty());
    assert_eq!(site.settled(), [("paifang".into(), "taken for stay 1".into())]);
    let raw = site.journal.iter().find_map(|change| match change {
        Change::ReadTaken { lane: at, read, .. } if *at == lane("out") => Some(read.raw.as_str()),
        _ => None,
    });
    assert_eq!(raw, Some("京A1D345"), "the read stays on record as it came");
}

#[test]
fn above_the_sum_or_with_two_alike_an_operator_picks() {
    // Each: who is inside for how long, what is read, the candidates.
    for (inside, hours, read, candidates) in [
        (&["京A10345"][..], 8, "京A1D345", &[1][..]),
        (&["京A10345", "京A1Q345"][..], 1, "京A1D345", &[1, 2][..]),
        (&["京A12345"][..], 1, "京A19345", &[1][..]),
        (&["沪C77777"][..], 1, "京A19345", &[][..]),
    ] {
        let mut site = Site::new();
        for plate in inside {
            site.enter(plate);
            site.after(Duration::from_mins(1));
        }
        site.after(HOUR * hours);
        site.at_exit(read);
        assert_eq!(site.phase("out"), Phase::Deciding, "{read}");
        assert!(site.state.orders.is_empty(), "{read}: nobody is shown a fee");
        let About::Misread { raw, candidates: ranked, .. } = &site.task().about else { panic!() };
        let ranked: Vec<i64> = ranked.iter().map(|candidate| candidate.stay.0).collect();
        assert_eq!((raw.as_str(), ranked.as_slice()), (read, candidates));
    }
}

#[test]
fn the_operator_picks_and_the_driver_pays() {
    let mut site = Site::new();
    site.enter("京A10345");
    site.after(HOUR * 8);
    site.at_exit("京A1D345");
    assert_eq!(site.pick(Some(9)), Err(Refusal::NoStay(crate::types::StayId(9))));
    site.pick(Some(1)).unwrap();
    assert_eq!((site.phase("out"), site.plate_at("out")), (Phase::AwaitingPayment, "京A10345"));
    assert_eq!(site.settled(), [("li".into(), "taken for stay 1".into())]);
    let trade = site.pay();
    site.bank(&trade, Site::paid(4_000)).unwrap();
    site.drive_through("out");
    assert!(site.state.stays.is_empty());
}

#[test]
fn none_of_them_and_the_operator_opens_with_a_reason() {
    let mut site = Site::new();
    site.enter("京A12345");
    site.after(HOUR);
    site.at_exit("京A19345");
    site.pick(None).unwrap();
    assert!(site.state.tasks.is_empty());
    assert_eq!((site.phase("out"), site.opened("out")), (Phase::Deciding, 0));
}

#[test]
fn whose_stay_it_was_can_be_said_after_it_left() {
    let mut site = Site::new();
    site.enter("京A12345");
    site.after(HOUR);
    site.at_exit("京A19345");
    let (who, reason) = ("li".into(), "queue behind".into());
    site.tell(Input::Operator { lane: lane("out"), act: OperatorAct::Open, who, reason }).unwrap();
    site.drive_through("out");
    assert_eq!(site.state.stays.len(), 1, "nobody knows who left");
    site.pick(Some(1)).unwrap();
    assert!(site.state.stays.is_empty() && site.state.tasks.is_empty());
}

#[test]
fn one_that_goes_away_is_asked_about_no_more() {
    let mut site = Site::new();
    site.enter("京A12345");
    site.after(HOUR);
    site.at_exit("京A19345");
    site.sensor("out", Sensor::Arrival, false);
    site.after(Duration::from_secs(6));
    assert!(site.state.tasks.is_empty() && site.state.stays.len() == 1);
    assert_eq!(site.settled(), [("paifang".into(), "went away".into())]);
}

#[test]
fn an_operator_who_types_the_plate_settles_what_was_asked() {
    let mut site = Site::new();
    site.enter("京A12345");
    site.after(HOUR);
    site.at_exit("京A19345");
    let plate = Plate::parse("京A12345").unwrap();
    site.tell(Input::PlateGiven { lane: lane("out"), plate, by: "li".into() }).unwrap();
    assert_eq!((site.phase("out"), site.state.tasks.len()), (Phase::AwaitingPayment, 0));
    assert_eq!(site.settled(), [("li".into(), "gave the plate".into())]);
}

#[test]
fn a_second_look_asks_no_second_time() {
    let mut site = Site::new();
    site.enter("京A12345");
    site.after(HOUR);
    site.at_exit("京A19345");
    let first = site.task().id;
    site.read("out", "京A19345");
    assert_eq!(site.task().id, first);
    site.read("out", "京A12345");
    assert_eq!((site.phase("out"), site.state.tasks.len()), (Phase::AwaitingPayment, 0));
}

#[test]
fn a_driver_corrects_one_character_and_no_more() {
    let mut site = Site::new();
    site.enter("京A12345");
    site.enter("京A19999");
    site.after(HOUR);
    site.at_exit("京A19345");
    let unfit = Err(Refusal::PlateUnfit(lane("out")));
    assert_eq!(site.typed("京A19999"), unfit, "another one inside, but not what was read");
    assert_eq!(site.typed("京A19347"), unfit, "nobody inside");
    assert_eq!(site.phase("out"), Phase::Deciding);
    site.typed("京A12345").unwrap();
    assert_eq!((site.phase("out"), site.plate_at("out")), (Phase::AwaitingPayment, "京A12345"));
    assert_eq!(site.settled(), [("driver".into(), "taken for stay 1".into())]);
}

#[test]
fn the_picture_of_the_exit_is_laid_beside_the_entries() {
    let mut site = Site::new();
    site.enter("京A12345");
    site.after(HOUR);
    site.at_exit("京A19345");
    let read = site.state.lanes[&lane("out")].visit.as_ref().unwrap().read.clone().unwrap();
    let read = Read { picture: Some("exit.jpg".into()), ..read };
    site.tell(Input::Read { lane: lane("out"), read }).unwrap();
    let About::Misread { picture, candidates, .. } = &site.task().about else { panic!() };
    assert_eq!((picture.as_deref(), candidates.len()), (Some("exit.jpg"), 1));
}

#[test]
fn after_three_tries_only_an_operator_helps() {
    let mut site = Site::new();
    site.enter("京A12345");
    site.after(HOUR);
    site.at_exit("京A19345");
    for wrong in ["京A19346", "京A19347", "京A19348"] {
        assert_eq!(site.typed(wrong), Err(Refusal::PlateUnfit(lane("out"))));
    }
    assert_eq!(site.typed("京A12345"), Err(Refusal::TriesSpent(lane("out"))));
    site.pick(Some(1)).unwrap();
    assert_eq!(site.phase("out"), Phase::AwaitingPayment);
}

#[test]
fn a_driver_is_shown_no_fee_above_the_sum_unless_an_operator_confirms() {
    let mut site = Site::new();
    site.enter("京A12345");
    site.after(HOUR * 8);
    site.at_exit("京A19345");
    assert_eq!(site.typed("京A12345"), Err(Refusal::OperatorAsked(lane("out"))));
    assert!(site.state.orders.is_empty());
    let About::Misread { candidates, .. } = &site.task().about else { panic!() };
    assert_eq!((candidates[0].stay.0, candidates[0].score), (1, 100));
    site.pick(Some(1)).unwrap();
    assert_eq!(site.phase("out"), Phase::AwaitingPayment);
}

#[test]
fn where_the_camera_saw_no_plate_its_driver_names_one_inside() {
    let mut site = Site::new();
    site.enter("京A12345");
    site.after(HOUR);
    site.at_exit("");
    assert_eq!(site.typed("京A12346"), Err(Refusal::PlateUnfit(lane("out"))));
    site.typed("京A12345").unwrap();
    assert_eq!(site.phase("out"), Phase::AwaitingPayment);
}

#[test]
fn the_same_plate_inside_twice() {
    // The site's choice; what the entry does; the stays then inside; the fee after two hours more.
    for (twice, opens, inside, fee) in [
        (Twice::Anew, 2, &[2][..], Some(1_000)),
        (Twice::GoesOn, 2, &[1][..], Some(1_500)),
        (Twice::Ask, 1, &[1][..], None),
    ] {
        let mut site = Site::new();
        site.rules.matching.twice = twice;
        site.enter("京A12345");
        site.after(HOUR);
        site.sensor("in", Sensor::Arrival, true);
        site.read("in", "京A12345");
        assert_eq!(site.opened("in"), opens, "{twice:?}");
        let stays: Vec<i64> = site.state.stays.keys().map(|stay| stay.0).collect();
        assert_eq!(stays, inside, "{twice:?}");
        let asked = About::PlateTwice { former: crate::types::StayId(1) };
        assert_eq!(site.task().about, asked, "{twice:?}");
        let Some(fee) = fee else {
            let help = site.state.lanes[&lane("in")].visit.as_ref().unwrap().help;
            assert_eq!(help, Some(Help::Twice));
            continue;
        };
        site.drive_through("in");
        site.after(HOUR * 2);
        site.at_exit("京A12345");
        let owed: Vec<i64> = site.state.orders.values().map(|order| order.amount.minor).collect();
        assert_eq!(owed, [fee], "{twice:?}");
    }
}
