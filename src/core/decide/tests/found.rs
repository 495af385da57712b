//! What the simulation found, each as short as it gets.

use super::*;
use crate::core::{
    change::AlarmKind,
    decide::desk::Desk,
    lane::{ArmOrder, Lane, LaneAlarm, OperatorAct},
    money::{Account, Posting},
    rules::LaneRules,
    stay::Stay,
};

impl Site {
    /// Stands at the exit after `time` inside and has asked to pay; gives the attempt's number.
    fn wants_to_pay_after(&mut self, time: Duration) -> String {
        self.enter("京A12345");
        self.after(time);
        self.comes_to_exit();
        self.pay()
    }

    fn comes_to_exit(&mut self) {
        self.sensor("out", Sensor::Arrival, true);
        self.read("out", "京A12345");
    }

    fn said(&mut self, out_trade_no: &str, to: Asked, word: Word) {
        let _ = self.tell(Input::BankSaid { out_trade_no: out_trade_no.into(), to, word });
    }

    pub(super) fn act(&mut self, id: &str, act: OperatorAct) {
        let (who, reason) = ("li".into(), "delivery".into());
        self.tell(Input::Operator { lane: lane(id), act, who, reason }).unwrap();
    }

    fn postings(&self) -> Vec<Posting> {
        let posting = |change: &Change| match change {
            Change::Posting(posting) => Some(posting.clone()),
            _ => None,
        };
        self.journal.iter().filter_map(posting).collect()
    }

    fn rules_of(&mut self, id: &str) -> &mut LaneRules {
        self.rules.lanes.get_mut(&lane(id)).unwrap()
    }

    fn is_raised(&self, kind: AlarmKind) -> bool {
        self.state.alarms.values().any(|alarm| alarm.kind == kind)
    }

    fn questions(&self) -> usize {
        let query = |e: &&Effect| matches!(e, Effect::AskBank { ask: Ask::Query { .. }, .. });
        self.effects.iter().filter(query).count()
    }
}

fn unknown() -> Word {
    Word::Unknown { why: "no answer".into() }
}

#[test]
fn two_orders_of_one_decision_are_both_on_record() {
    let site = Site::new();
    let mut desk = Desk::new(&site.state, &site.rules, site.now);
    let id = lane("in");
    let told = |desk: &Desk<'_>, action| {
        let mut lane = desk.lane(&id).unwrap().clone();
        let command = desk.next_command();
        let (cause, at, expires_at) = (None, site.now, site.now);
        lane.order = Some(ArmOrder { id: command, action, cause, at, expires_at });
        lane
    };
    for action in [ArmAction::Release, ArmAction::Open] {
        let told = told(&desk, action);
        desk.record(Change::Lane(told.clone()));
        // What else the lane becomes needs no row of its own.
        desk.record(Change::Lane(Lane { recent: vec![7], ..told }));
    }
    let rows = desk.finish(Ok(Answer::Done)).changes;
    let orders = rows.iter().filter_map(|change| match change {
        Change::Lane(lane) => lane.order.as_ref().map(|order| order.action),
        _ => None,
    });
    assert_eq!(orders.collect::<Vec<_>>(), [ArmAction::Release, ArmAction::Open]);
}

#[test]
fn under_an_arm_held_open_each_vehicle_is_taken_up_in_turn() {
    let mut site = Site::new();
    site.sensor("in", Sensor::Arrival, true);
    site.read("in", "京A12345");
    site.read("in", "京B22222");
    site.act("in", OperatorAct::Hold);
    for _ in 0..2 {
        site.sensor("in", Sensor::Safety, true);
        site.sensor("in", Sensor::Safety, false);
    }
    let inside = |stay: &&Stay| stay.state == StayState::Inside;
    assert_eq!(site.state.stays.values().filter(inside).count(), 2);
}

#[test]
fn a_notice_of_the_past_settles_nothing_after_a_reversal() {
    let mut site = Site::new();
    let trade = site.wants_to_pay_after(HOUR);
    site.after(Duration::from_mins(6));
    site.said(&trade, Asked::Reverse, Word::Reversed);
    let asked = site.questions();
    site.said(&trade, Asked::Notified, Site::paid(500));
    assert_eq!((site.questions(), site.opened("out")), (asked + 1, 0), "asked, not believed");
    site.said(&trade, Asked::Query, Word::Reversed);
    assert!(site.postings().is_empty());
    site.said(&trade, Asked::Query, Site::paid(500));
    assert_eq!((site.postings().len(), site.opened("out")), (1, 1), "an answer is believed");
}

#[test]
fn late_looks_count_only_when_answered() {
    for last in [Word::Reversed, Word::Failed { why: "expired".into() }] {
        let mut site = Site::new();
        let trade = site.wants_to_pay_after(HOUR);
        site.after(Duration::from_mins(6));
        site.said(&trade, Asked::Query, last.clone());
        for _ in 0..10 {
            site.after(Duration::from_mins(2));
            site.said(&trade, Asked::Query, unknown());
        }
        assert!(site.state.payment_of(&trade).is_some(), "nothing was learnt yet");
        for _ in 0..3 {
            site.after(HOUR * 2);
            site.said(&trade, Asked::Query, last.clone());
        }
        assert!(site.state.payment_of(&trade).is_none(), "{last:?} three times, an hour apart");
    }
}

#[test]
fn a_payment_talked_about_again_does_not_stay() {
    for power_cut in [false, true] {
        let mut site = Site::new();
        let trade = site.wants_to_pay_after(HOUR);
        site.said(&trade, Asked::Query, Site::paid(500));
        let payment = site.state.payment_of(&trade).unwrap().clone();
        let order = site.state.orders[&payment.order].clone();
        site.drive_through("out");
        site.tell(Input::Recalled { payment, order }).unwrap();
        assert_eq!(site.state.payments.len(), 1);
        if power_cut {
            site.tell(Input::Started).unwrap();
        } else {
            site.said(&trade, Asked::Notified, Site::paid(500));
        }
        assert!(site.state.payments.is_empty() && site.state.orders.is_empty());
        assert_eq!(site.postings().len(), 1);
    }
}

#[test]
fn what_the_stay_does_not_owe_any_more_goes_back() {
    let mut site = Site::new();
    let first = site.wants_to_pay_after(HOUR);
    site.sensor("out", Sensor::Arrival, false);
    site.after(HOUR);
    site.comes_to_exit();
    let second = site.pay();
    site.said(&second, Asked::Query, Site::paid(1_000));
    for _ in 0..2 {
        site.said(&first, Asked::Query, Site::paid(500));
    }
    let income: i64 = site
        .postings()
        .iter()
        .filter(|posting| posting.credit == Account::ParkingRevenue)
        .map(|posting| posting.amount.minor)
        .sum();
    assert_eq!((income, site.state.refunds.len()), (1_000, 1));
}

#[test]
fn displays_are_told_again_after_a_start() {
    let mut site = Site::new();
    site.wants_to_pay_after(HOUR);
    site.effects.clear();
    site.tell(Input::Started).unwrap();
    let shown = site.effects.iter().filter(|e| matches!(e, Effect::Show { .. })).count();
    assert_eq!(shown, 2);
}

#[test]
fn a_stay_that_is_superseded_takes_its_payments_along() {
    let mut site = Site::new();
    let trade = site.wants_to_pay_after(HOUR);
    site.said(&trade, Asked::Query, Site::paid(500));
    site.after(HOUR);
    site.read("in", "京A12345");
    assert!(site.is_raised(AlarmKind::PlateTwice));
    assert!(site.state.payments.is_empty() && site.state.orders.is_empty());
}

#[test]
fn without_a_safety_loop_the_next_vehicle_tells_that_the_first_is_gone() {
    let mut site = Site::new();
    site.rules_of("out").wired.safety = false;
    site.enter("京A12345");
    site.after(Duration::from_mins(5));
    site.comes_to_exit();
    // The second stands so close that the arrival loop never goes free.
    for (sensor, on) in [
        (Sensor::ClosedLimit, false),
        (Sensor::OpenLimit, true),
        (Sensor::OpenLimit, false),
        (Sensor::ClosedLimit, true),
    ] {
        site.sensor("out", sensor, on);
    }
    assert_eq!(site.state.stays.len(), 1, "it may stand there still");
    site.read("out", "京B22222");
    assert!(site.state.stays.is_empty(), "京A12345 has left");
}

#[test]
fn driving_out_unpaid_is_seen_without_limits_too() {
    let mut site = Site::new();
    let wired = &mut site.rules_of("out").wired;
    (wired.open_limit, wired.closed_limit) = (false, false);
    site.tell(Input::Started).unwrap();
    site.sensor("out", Sensor::Arrival, false);
    site.sensor("out", Sensor::Safety, false);
    site.wants_to_pay_after(HOUR);
    site.sensor("out", Sensor::Safety, true);
    site.sensor("out", Sensor::Arrival, false);
    site.sensor("out", Sensor::Safety, false);
    assert!(site.state.stays.is_empty() && site.is_raised(AlarmKind::LeftUnpaid));
}

#[test]
fn an_arm_without_limits_that_takes_orders_again_is_well() {
    let mut site = Site::new();
    let wired = &mut site.rules_of("in").wired;
    (wired.open_limit, wired.closed_limit) = (false, false);
    site.tell(Input::Started).unwrap();
    site.read("in", "京A12345");
    for outcome in [ArmOutcome::Silent("no answer".into()), ArmOutcome::Done] {
        site.act("in", OperatorAct::Open);
        let command = site.state.lanes[&lane("in")].order.as_ref().unwrap().id;
        let silent = outcome != ArmOutcome::Done;
        site.tell(Input::ArmAnswered { lane: lane("in"), command, outcome }).unwrap();
        assert_eq!(site.is_raised(AlarmKind::Lane(LaneAlarm::ArmNotOpen)), silent);
    }
}
