//! The spine in one screen each: what a lane does with a vehicle, from the read to the ledger.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;

use crate::{
    core::{
        Change, Effect, Input, Rules, State, decide,
        input::{Answer, ArmOutcome, Asked, Reply},
        lane::{ArmAction, Phase, Sensor},
        money::{OrderState, PaymentState},
        rules::{Direction, LaneRules, Wired},
        stay::{Read, StayState},
        tariff::Tariff,
    },
    types::{Currency, DeviceId, LaneId, Money, Plate, bank::Ask, bank::Word},
};

mod access;
mod calls;
mod cards;
mod clouds;
mod found;
mod frictionless;
mod invoices;
mod misread;
mod payments;
mod people;
mod risk;
mod settle;
mod shop;
mod sisters;
mod sluice;
mod spaces;
mod till;
mod ways;
mod zones;

struct Site {
    state: State,
    rules: Rules,
    now: Timestamp,
    effects: Vec<Effect>,
    journal: Vec<Change>,
    reads: u32,
}

fn lane(id: &str) -> LaneId {
    LaneId::parse(id).unwrap()
}

impl Site {
    fn new() -> Self {
        let wired = Wired {
            arrival: true,
            safety: true,
            open_limit: true,
            closed_limit: true,
            ..Wired::default()
        };
        let rules = |direction| LaneRules::new(direction, wired);
        let lanes = BTreeMap::from([
            (lane("in"), rules(Direction::Entry)),
            (lane("out"), rules(Direction::Exit)),
        ]);
        let tariff = Tariff::hourly(15, 500, 4_000);
        let usual = Rules::new("test", jiff::tz::TimeZone::UTC, Currency::Cny, tariff);
        let rules = Rules { lanes, ..usual };
        let mut site = Self {
            state: State::default(),
            rules,
            now: "2026-11-23T08:00:00Z".parse().unwrap(),
            effects: Vec::new(),
            journal: Vec::new(),
            reads: 0,
        };
        site.tell(Input::Started).unwrap();
        for id in ["in", "out"] {
            for (sensor, on) in [
                (Sensor::Arrival, false),
                (Sensor::Safety, false),
                (Sensor::OpenLimit, false),
                (Sensor::ClosedLimit, true),
            ] {
                site.sensor(id, sensor, on);
            }
        }
        site
    }

    fn tell(&mut self, input: Input) -> Reply {
        let decision = decide(&self.state, &self.rules, self.now, input);
        for change in &decision.changes {
            self.state.apply(change);
        }
        self.journal.extend(decision.changes);
        self.effects.extend(decision.effects);
        let mut replayed = State::default();
        self.journal.iter().for_each(|change| replayed.apply(change));
        assert_eq!(replayed, self.state, "the journal rebuilds the state");
        decision.reply
    }

    fn sensor(&mut self, id: &str, sensor: Sensor, on: bool) {
        self.tell(Input::Sensor { lane: lane(id), sensor, on }).unwrap();
    }

    fn read(&mut self, id: &str, plate: &str) {
        self.reads += 1;
        let read = Read {
            device: DeviceId::parse("cam").unwrap(),
            event: self.reads.to_string(),
            raw: plate.into(),
            plate: Plate::parse(plate).ok(),
            confidence: Some(98),
            live: true,
            taken_at: None,
            picture: None,
            vehicle: crate::types::Vehicle::default(),
        };
        self.tell(Input::Read { lane: lane(id), read }).unwrap();
    }

    fn after(&mut self, time: Duration) -> &mut Self {
        self.now += time;
        self.tell(Input::Tick).unwrap();
        self
    }

    fn phase(&self, id: &str) -> Phase {
        self.state.lanes[&lane(id)].phase
    }

    /// The arm moves, the vehicle drives through, the arm comes down.
    fn drive_through(&mut self, id: &str) {
        for (sensor, on) in [
            (Sensor::ClosedLimit, false),
            (Sensor::OpenLimit, true),
            (Sensor::Safety, true),
            (Sensor::Arrival, false),
            (Sensor::Safety, false),
            (Sensor::OpenLimit, false),
            (Sensor::ClosedLimit, true),
        ] {
            self.sensor(id, sensor, on);
        }
    }

    fn enter(&mut self, plate: &str) {
        self.sensor("in", Sensor::Arrival, true);
        self.read("in", plate);
        self.drive_through("in");
    }

    fn opened(&self, id: &str) -> usize {
        self.effects
            .iter()
            .filter(|e| matches!(e, Effect::Arm { lane: l, action: ArmAction::Open, .. } if *l == lane(id)))
            .count()
    }

    fn pay(&mut self) -> String {
        let order = self.state.lanes[&lane("out")].visit.as_ref().unwrap().order.unwrap();
        self.tell(Input::PayAsked { order }).unwrap();
        self.generated().pop().unwrap()
    }

    fn generated(&self) -> Vec<String> {
        self.effects
            .iter()
            .filter_map(|effect| match effect {
                Effect::AskBank { ask: Ask::Generate { out_trade_no, .. }, .. } => {
                    Some(out_trade_no.clone())
                }
                _ => None,
            })
            .collect()
    }

    fn bank(&mut self, out_trade_no: &str, word: Word) -> Reply {
        self.tell(Input::BankSaid { out_trade_no: out_trade_no.into(), to: Asked::Query, word })
    }

    fn paid(minor: i64) -> Word {
        let amount = Money::new(minor, Currency::Cny);
        Word::Paid { amount, bank_no: "B1".into(), paid_at: None, payer: None }
    }
}

const HOUR: Duration = Duration::from_hours(1);

#[test]
fn in_and_out_within_the_free_time() {
    let mut site = Site::new();
    site.enter("京A12345");
    assert_eq!(site.opened("in"), 1);
    assert_eq!(site.state.stays.values().next().unwrap().state, StayState::Inside);
    site.after(Duration::from_mins(10));
    site.sensor("out", Sensor::Arrival, true);
    site.read("out", "京A12345");
    assert_eq!((site.phase("out"), site.opened("out")), (Phase::Opening, 1));
    site.drive_through("out");
    assert!(site.state.stays.is_empty());
    assert_eq!(site.phase("out"), Phase::Idle);
}

#[test]
fn pays_at_the_exit_and_the_arm_opens_once() {
    let mut site = Site::new();
    site.enter("京A12345");
    site.after(HOUR * 2);
    site.sensor("out", Sensor::Arrival, true);
    site.read("out", "京A12345");
    assert_eq!((site.phase("out"), site.opened("out")), (Phase::AwaitingPayment, 0));
    let trade = site.pay();
    assert_eq!(site.pay(), trade, "two phones share one attempt");
    assert_eq!(site.bank(&trade, Site::paid(1_000)), Ok(Answer::Done));
    assert_eq!((site.phase("out"), site.opened("out")), (Phase::Opening, 1));
    assert_eq!(site.bank(&trade, Site::paid(1_000)), Ok(Answer::Duplicate));
    assert_eq!(site.opened("out"), 1);
    site.drive_through("out");
    assert!(site.state.stays.is_empty() && site.state.payments.is_empty());
    assert!(site.state.orders.is_empty() && site.state.refunds.is_empty());
}

#[test]
fn another_amount_opens_nothing() {
    let mut site = Site::new();
    site.enter("京A12345");
    site.after(HOUR);
    site.sensor("out", Sensor::Arrival, true);
    site.read("out", "京A12345");
    let trade = site.pay();
    site.bank(&trade, Site::paid(1)).unwrap();
    assert_eq!((site.phase("out"), site.opened("out")), (Phase::AwaitingPayment, 0));
    let payment = site.state.payment_of(&trade).unwrap();
    assert!(matches!(payment.state, PaymentState::Disputed { .. }));
}

#[test]
fn success_after_a_waiver_goes_back() {
    let mut site = Site::new();
    site.enter("京A12345");
    site.after(HOUR);
    site.sensor("out", Sensor::Arrival, true);
    site.read("out", "京A12345");
    let trade = site.pay();
    let act = crate::core::lane::OperatorAct::Open;
    let open = |reason: &str| Input::Operator {
        lane: lane("out"),
        act,
        who: "li".into(),
        reason: reason.into(),
    };
    assert!(site.tell(open("  ")).is_err(), "no reason, no opening");
    site.tell(open("phone is flat")).unwrap();
    site.drive_through("out");
    assert!(site.state.stays.is_empty());
    site.bank(&trade, Site::paid(500)).unwrap();
    assert!(site.state.refunds.is_empty(), "the reversal may have undone it: it is asked again");
    site.bank(&trade, Site::paid(500)).unwrap();
    site.after(Duration::from_secs(1));
    let refund = *site.state.refunds.keys().next().unwrap();
    let amount = Money::new(500, Currency::Cny);
    site.tell(Input::RefundSaid { refund, word: Word::Unknown { why: "silence".into() } }).unwrap();
    site.tell(Input::RefundSaid { refund, word: Word::RefundDone { amount } }).unwrap();
    assert!(site.state.refunds.is_empty() && site.state.payments.is_empty());
    let postings: Vec<_> = site
        .journal
        .iter()
        .filter_map(|c| match c {
            Change::Posting(p) => Some((p.debit.name(), p.credit.name(), p.amount.minor)),
            _ => None,
        })
        .collect();
    assert_eq!(
        postings,
        [
            ("channel_receivable", "refunds_payable", 500),
            ("refunds_payable", "channel_receivable", 500)
        ]
    );
}

#[test]
fn backed_out_while_paying_and_paid_late_counts_for_the_stay() {
    let mut site = Site::new();
    site.enter("京A12345");
    site.after(HOUR);
    site.sensor("out", Sensor::Arrival, true);
    site.read("out", "京A12345");
    let trade = site.pay();
    site.sensor("out", Sensor::Arrival, false);
    site.after(Duration::from_secs(6));
    assert_eq!(site.phase("out"), Phase::Idle);
    site.bank(&trade, Site::paid(500)).unwrap();
    site.after(Duration::from_mins(5));
    site.sensor("out", Sensor::Arrival, true);
    site.read("out", "京A12345");
    assert_eq!((site.phase("out"), site.opened("out")), (Phase::Opening, 1), "leave time");
    site.drive_through("out");
    assert!(site.state.stays.is_empty() && site.state.payments.is_empty());
}

#[test]
fn silent_bank_then_reversed_then_paid_after_all() {
    let mut site = Site::new();
    site.enter("京A12345");
    site.after(HOUR);
    site.sensor("out", Sensor::Arrival, true);
    site.read("out", "京A12345");
    let trade = site.pay();
    for _ in 0..40 {
        site.after(Duration::from_secs(45));
        let _ = site.bank(&trade, Word::Unknown { why: "no answer".into() });
    }
    assert!(site.state.alarms.values().any(|alarm| alarm.subject == "none"));
    assert_eq!(site.state.payment_of(&trade).unwrap().state, PaymentState::Reversing);
    site.bank(&trade, Word::Reversed).unwrap();
    let second = site.pay();
    assert_ne!(second, trade);
    site.bank(&second, Site::paid(500)).unwrap();
    site.bank(&trade, Site::paid(500)).unwrap();
    assert_eq!(site.opened("out"), 1);
    assert_eq!(site.state.refunds.len(), 1, "the second success goes back");
    let order = site.state.orders.values().next().unwrap();
    assert!(matches!(order.state, OrderState::Paid { .. }));
}

#[test]
fn a_bank_without_the_order_was_heard_and_the_payment_is_closed_in_the_end() {
    let mut site = Site::new();
    site.enter("京A12345");
    site.after(HOUR);
    site.sensor("out", Sensor::Arrival, true);
    site.read("out", "京A12345");
    let trade = site.pay();
    for _ in 0..40 {
        site.after(Duration::from_secs(45));
        let _ = site.bank(&trade, Word::NoOrder { why: "ORDERNOTEXIST".into() });
    }
    assert!(!site.state.alarms.keys().any(|(subject, _)| subject == "none"));
    assert_eq!(site.state.payment_of(&trade).unwrap().state, PaymentState::Reversing);
    site.bank(&trade, Word::Reversed).unwrap();
    assert_ne!(site.pay(), trade, "a new attempt, where the other is closed");
}

#[test]
fn copies_echoes_and_replays_open_nothing() {
    let mut site = Site::new();
    site.enter("京A12345");
    site.reads -= 1;
    site.read("in", "京A12345");
    assert_eq!(site.opened("in"), 1, "the same event again");
    site.read("in", "京A12345");
    assert_eq!(site.opened("in"), 1, "the plate that just passed");
    let replay = Read {
        device: DeviceId::parse("cam").unwrap(),
        event: "old".into(),
        raw: "京B99999".into(),
        plate: Plate::parse("京B99999").ok(),
        confidence: None,
        live: false,
        taken_at: None,
        picture: None,
        vehicle: crate::types::Vehicle::default(),
    };
    site.tell(Input::Read { lane: lane("in"), read: replay }).unwrap();
    assert_eq!((site.opened("in"), site.state.stays.len()), (1, 1));
}

#[test]
fn a_typed_plate_finds_the_stay_of_a_misread() {
    let mut site = Site::new();
    site.enter("京A12345");
    site.after(Duration::from_mins(5));
    site.sensor("out", Sensor::Arrival, true);
    site.read("out", "京A19345");
    assert_eq!((site.phase("out"), site.opened("out")), (Phase::Deciding, 0));
    let plate = Plate::parse("京A12345").unwrap();
    site.tell(Input::PlateGiven { lane: lane("out"), plate, by: "driver".into() }).unwrap();
    assert_eq!(site.opened("out"), 1);
}

#[test]
fn an_arm_that_stays_down_is_told_once_more_and_then_a_person_is_called() {
    let mut site = Site::new();
    site.sensor("in", Sensor::Arrival, true);
    site.read("in", "京A12345");
    site.after(Duration::from_secs(9));
    assert_eq!((site.opened("in"), site.phase("in")), (2, Phase::Opening));
    site.after(Duration::from_secs(9));
    assert_eq!((site.opened("in"), site.phase("in")), (2, Phase::Faulty));
    assert!(!site.state.alarms.is_empty());
}

#[test]
fn after_a_restart_nothing_opens_until_the_camera_looks_again() {
    let mut site = Site::new();
    site.sensor("in", Sensor::Arrival, true);
    site.read("in", "京A12345");
    let command = site.state.lanes[&lane("in")].order.as_ref().unwrap().id;
    site.effects.clear();
    site.tell(Input::Started).unwrap();
    let late = Input::ArmAnswered { lane: lane("in"), command, outcome: ArmOutcome::Done };
    site.tell(late).unwrap();
    for (sensor, on) in [
        (Sensor::Arrival, true),
        (Sensor::Safety, false),
        (Sensor::OpenLimit, false),
        (Sensor::ClosedLimit, true),
    ] {
        site.sensor("in", sensor, on);
    }
    assert_eq!((site.phase("in"), site.opened("in")), (Phase::VehiclePresent, 0));
    site.after(Duration::from_secs(3));
    assert!(site.effects.iter().any(|e| matches!(e, Effect::TriggerRead { .. })));
    site.read("in", "京A12345");
    assert_eq!((site.opened("in"), site.state.stays.len()), (1, 1), "one stay all the while");
}
