//! What a turnstile does with a code, from the scan to the person gone or given back; and what a fire does to a site.

use super::*;
use crate::{
    core::{
        gate::{self, Counted, PassAction, Way},
        input::{PassOutcome, Refusal},
        lane::{Cause, OperatorAct},
        presented::Presented,
        rules::{GateRules, GateTimes, Zones},
        ticket::{AdmissionState, NotAdmitted, Ticket},
    },
    types::{AdmissionId, Code, CommandId, TicketId},
};

mod admission;
mod hand;

fn site() -> Site {
    let mut site = Site::new();
    let gate = |direction, alone| GateRules {
        direction,
        zone: Zones::only(),
        counter: true,
        alone,
        times: GateTimes::default(),
    };
    site.rules.gates.insert(lane("gate"), gate(Direction::Entry, true));
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
    site.count(100);
    site.done(Some(100));
    assert_eq!(site.gate().phase, gate::Phase::Idle);
    site
}

impl Site {
    fn gate(&self) -> &gate::Gate {
        &self.state.gates[&lane("gate")]
    }

    fn count(&mut self, total: u32) {
        let count = Counted::Total(total);
        self.tell(Input::Went { lane: lane("gate"), way: Way::In, count }).unwrap();
    }

    fn last_pass(&self) -> (CommandId, PassAction, Way) {
        let pass = self.effects.iter().rev().find_map(|effect| match effect {
            Effect::Pass { command, action, way, .. } => Some((*command, *action, *way)),
            _ => None,
        });
        pass.expect("an order to the turnstile")
    }

    fn done(&mut self, total: Option<u32>) {
        self.answered(PassOutcome::Done(total));
    }

    fn answered(&mut self, outcome: PassOutcome) {
        let (command, ..) = self.last_pass();
        self.tell(Input::PassAnswered { lane: lane("gate"), command, outcome }).unwrap();
    }

    fn sell(&mut self, code: &str, persons: u32) -> TicketId {
        let digest = Code::parse(code).unwrap().digest();
        let (valid_from, valid_until) = (self.now, self.now + Duration::from_hours(8));
        let by = "li".to_owned();
        match self.tell(Input::TicketMade {
            digest,
            persons,
            valid_from: Some(valid_from),
            valid_until,
            by,
        }) {
            Ok(Answer::Ticket(id)) => id,
            other => panic!("{other:?}"),
        }
    }

    fn scan(&mut self, code: &str) -> Reply {
        let shown = Presented::from(&Code::parse(code).unwrap());
        self.tell(Input::Scanned { lane: lane("gate"), shown })
    }

    fn refusal(&mut self, code: &str) -> NotAdmitted {
        match self.scan(code) {
            Err(Refusal::NotAdmitted(_, why)) => why,
            other => panic!("{other:?}"),
        }
    }

    fn state_of(&self, id: i64) -> AdmissionState {
        let last = self.journal.iter().rev().find_map(|change| match change {
            Change::Admission(admission) if admission.id == AdmissionId(id) => Some(admission),
            _ => None,
        });
        last.expect("an admission").state
    }

    fn pass(&mut self, after: u64) {
        self.now += Duration::from_secs(after);
        self.tell(Input::Tick).unwrap();
    }

    fn last_ticket(&self, id: TicketId) -> Ticket {
        let last = self.journal.iter().rev().find_map(|change| match change {
            Change::Ticket(ticket) if ticket.id == id => Some(ticket.clone()),
            _ => None,
        });
        last.expect("a ticket")
    }
}

#[test]
fn a_scan_lets_one_person_in_and_the_counter_confirms_it() {
    let mut site = site();
    let ticket = site.sell("A", 2);
    site.scan("A").unwrap();
    assert_eq!(site.last_pass().1, PassAction::Grant);
    assert_eq!(site.scan("A"), Ok(Answer::Duplicate), "granted once is granted");
    site.done(None);
    site.count(101);
    assert_eq!(site.state_of(1), AdmissionState::Used);
    let known = site.last_ticket(ticket);
    assert_eq!((known.used, known.held, known.left()), (1, 0, 1));
    site.scan("A").unwrap();
    site.count(102);
    assert!(!site.state.tickets.contains_key(&ticket), "used up: it left memory");
    assert!(!format!("{:?}", site.journal).contains("\"A\""), "the code is kept nowhere");
}

#[test]
fn who_did_not_go_is_given_back() {
    let mut site = site();
    let ticket = site.sell("A", 1);
    site.scan("A").unwrap();
    site.done(None);
    site.pass(11);
    assert_eq!(site.last_pass().1, PassAction::Close);
    assert_eq!(site.state_of(1), AdmissionState::Granted, "not before the counter was read");
    site.done(Some(100));
    assert_eq!(site.state_of(1), AdmissionState::GivenBack);
    assert_eq!(site.last_ticket(ticket).left(), 1);
    site.scan("A").unwrap();
    assert_eq!(site.last_pass().1, PassAction::Grant);
}

#[test]
fn a_silent_order_is_resolved_by_the_counter_and_never_repeated() {
    let mut site = site();
    site.sell("A", 1);
    site.scan("A").unwrap();
    let (granted, ..) = site.last_pass();
    site.answered(PassOutcome::Silent("no answer".into()));
    let (closing, action, _) = site.last_pass();
    assert_eq!((action, closing != granted), (PassAction::Close, true));
    site.done(Some(101));
    assert_eq!(site.state_of(1), AdmissionState::Used);
    let grants = |e: &&Effect| matches!(e, Effect::Pass { action: PassAction::Grant, .. });
    assert_eq!(site.effects.iter().filter(grants).count(), 1);
}

#[test]
fn a_restart_asks_the_counter_and_what_nobody_knows_waits_for_a_person() {
    for (total, state) in [(101, AdmissionState::Used), (5, AdmissionState::Unsure)] {
        let mut site = site();
        let ticket = site.sell("A", 1);
        site.scan("A").unwrap();
        site.tell(Input::Started).unwrap();
        site.count(total);
        site.done(Some(total));
        assert_eq!(site.state_of(1), state);
        if state == AdmissionState::Unsure {
            let subject = "admission-1".to_owned();
            let key = (subject, crate::core::AlarmKind::AdmissionUnsure);
            assert!(site.state.alarms.contains_key(&key));
            assert_eq!(site.refusal("A"), NotAdmitted::UsedUp, "it is not let in twice");
            let (who, reason) = ("li".to_owned(), "seen on the camera".to_owned());
            let admission = AdmissionId(1);
            let settled = Input::AdmissionSettled { admission, used: false, who, reason };
            site.tell(settled.clone()).unwrap();
            assert_eq!(site.tell(settled), Err(Refusal::NoAdmission(admission)));
            assert_eq!(site.last_ticket(ticket).left(), 1);
            assert!(!site.state.alarms.contains_key(&key));
        }
    }
}

#[test]
fn each_refusal_has_its_reason_and_is_shown_for_a_while() {
    let mut site = site();
    let revoked = site.sell("R", 1);
    site.tell(Input::TicketRevoked { ticket: revoked, by: "li".into() }).unwrap();
    let by = || "li".to_owned();
    let later = site.now + Duration::from_hours(1);
    let digest = Code::parse("E").unwrap().digest();
    let (valid_from, valid_until) = (later, later + Duration::from_hours(1));
    site.tell(Input::TicketMade {
        digest,
        persons: 1,
        valid_from: Some(valid_from),
        valid_until,
        by: by(),
    })
    .unwrap();
    assert_eq!(site.refusal("E"), NotAdmitted::TooEarly);
    assert_eq!(site.gate().refused, Some(NotAdmitted::TooEarly));
    site.pass(5);
    assert_eq!(site.gate().refused, None);
    // What is over is asked of the tables.
    site.scan("R").unwrap();
    let Some(Effect::FindTicket { shown, .. }) = site.effects.last().cloned() else { panic!() };
    let found = |ticket| Input::TicketFound { lane: lane("gate"), shown, ticket };
    let ticket = site.last_ticket(revoked);
    let refused = |why| Err(Refusal::NotAdmitted(lane("gate"), why));
    assert_eq!(site.tell(found(Some(ticket))), refused(NotAdmitted::Revoked));
    assert_eq!(site.tell(found(None)), refused(NotAdmitted::Unknown));
    let (who, reason) = (by(), "test".to_owned());
    let act = OperatorAct::Lock;
    site.tell(Input::Operator { lane: lane("gate"), act, who, reason }).unwrap();
    site.sell("A", 1);
    assert_eq!(site.refusal("A"), NotAdmitted::LaneLocked);
}

#[test]
fn the_next_one_is_let_in_behind_the_first_and_the_third_is_told_to_wait() {
    let mut site = site();
    for code in ["A", "B", "C"] {
        site.sell(code, 1);
    }
    site.scan("A").unwrap();
    assert_eq!(site.scan("B"), Ok(Answer::Queued));
    assert_eq!(site.refusal("C"), NotAdmitted::Busy);
    site.done(None);
    site.count(101);
    assert_eq!(site.state_of(1), AdmissionState::Used);
    assert_eq!(site.state_of(2), AdmissionState::Granted, "let in at once");
}

#[test]
fn somebody_whom_nobody_let_in_is_on_record_and_told() {
    let mut site = site();
    site.count(102);
    let walk = gate::Walk::NotAllowed;
    let walked = Change::Walked { lane: lane("gate"), way: Way::In, count: 2, walk };
    assert!(site.journal.contains(&walked));
    let forced = crate::core::lane::LaneAlarm::Forced;
    let key = ("gate".to_owned(), crate::core::AlarmKind::Lane(forced));
    assert!(site.state.alarms.contains_key(&key));
}

#[test]
fn a_ticket_is_made_once_and_ends_with_its_time() {
    let mut site = site();
    let id = site.sell("A", 2);
    assert_eq!(site.sell("A", 2), id, "the same again is the same");
    let digest = Code::parse("A").unwrap().digest();
    let (valid_from, valid_until) = (site.now, site.now + Duration::from_hours(8));
    let by = "li".to_owned();
    let other =
        Input::TicketMade { digest, persons: 3, valid_from: Some(valid_from), valid_until, by };
    assert_eq!(site.tell(other), Err(Refusal::TicketDiffers(id)));
    site.pass(9 * 3_600);
    assert!(site.last_ticket(id).expired && site.state.tickets.is_empty());
    assert_eq!(site.state.next_deadline(), None);
}

#[test]
fn a_fire_opens_every_way_out_and_nothing_closes_by_itself() {
    let mut site = site();
    let contact = DeviceId::parse("board-1").unwrap();
    let operate =
        |act| Input::Operator { lane: lane("out"), act, who: "li".into(), reason: "test".into() };
    site.tell(operate(OperatorAct::Lock)).unwrap();
    site.tell(Input::Fire { contact: contact.clone(), on: true }).unwrap();
    assert_eq!(site.state.lanes[&lane("out")].phase, Phase::HeldOpen, "also one that was locked");
    assert_eq!(site.state.lanes[&lane("in")].phase, Phase::Idle, "ways in stay shut for vehicles");
    assert_eq!(site.gate().phase, gate::Phase::HeldFree);
    assert_eq!(site.last_pass().2, Way::Both, "people get out both ways");
    let out = site.state.lanes[&lane("out")].order.clone().unwrap();
    assert_eq!((out.action, out.cause), (ArmAction::Hold, Some(Cause::Fire)));
    assert_eq!(site.tell(operate(OperatorAct::Release)), Err(Refusal::Fire));
    // A vehicle at the entry waits for a person.
    site.sensor("in", Sensor::Arrival, true);
    site.read("in", "京A12345");
    assert_eq!(site.state.lanes[&lane("in")].phase, Phase::Deciding);
    // The first reading after a restart tells everything once more: the orders may have been lost.
    let orders =
        |site: &Site| site.effects.iter().filter(|e| matches!(e, Effect::Arm { .. })).count();
    let before = orders(&site);
    site.tell(Input::Started).unwrap();
    site.tell(Input::Fire { contact: contact.clone(), on: true }).unwrap();
    assert_eq!(orders(&site), before + 1);
    site.tell(Input::Fire { contact, on: false }).unwrap();
    assert_eq!(site.state.lanes[&lane("out")].phase, Phase::HeldOpen, "nothing closes by itself");
    site.tell(operate(OperatorAct::Release)).unwrap();
    assert_eq!(site.gate().phase, gate::Phase::HeldFree);
}
