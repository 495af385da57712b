//! A ticket of somebody else's cloud before a gate: checked, let in, written off; and what silence comes to.

use super::*;
use crate::{
    core::{
        cloud::{CloudPass, CloudRules, CloudState},
        gate::{self, Counted, PassAction, Way},
        input::{HandCheck, PassOutcome, Refusal},
        rules::{GateRules, GateTimes, Zones},
        task::About,
        ticket::NotAdmitted,
    },
    types::{ChannelId, CloudNo, CloudSlip, CloudWord, CodeDigest},
};

const PATIENCE: Duration = Duration::from_millis(800);

struct Gate {
    site: Site,
    counter: u32,
    looked: usize,
    asked: Vec<CloudPass>,
}

fn cloud() -> ChannelId {
    ChannelId::parse("icbc").unwrap()
}

fn good(persons: u32, numbers: &[&str]) -> CloudWord {
    let ticket_nos = numbers.iter().map(ToString::to_string).collect();
    let slip = CloudSlip { ticket_nos, enter_type: String::new(), ticket_type: String::new() };
    CloudWord::Good { slip, persons, until: None }
}

fn unknown() -> CloudWord {
    CloudWord::Unknown { why: "silent".into() }
}

fn refused(no: CloudNo) -> CloudWord {
    CloudWord::Refused { no, why: "7 no".into() }
}

impl Gate {
    fn new(unchecked_max: u32) -> Self {
        let mut site = Site::new();
        let rules = GateRules {
            direction: Direction::Entry,
            zone: Zones::only(),
            counter: true,
            alone: true,
            times: GateTimes::default(),
        };
        site.rules.gates.insert(lane("gate"), rules);
        site.rules.clouds.insert(cloud(), CloudRules { patience: PATIENCE, unchecked_max });
        let mut gate = Self { site, counter: 100, looked: 0, asked: Vec::new() };
        gate.start();
        gate
    }

    fn start(&mut self) {
        self.asked.clear();
        self.site.tell(Input::Started).unwrap();
        self.count();
        self.obey();
    }

    fn count(&mut self) {
        let count = Counted::Total(self.counter);
        self.site.tell(Input::Went { lane: lane("gate"), way: Way::In, count }).unwrap();
    }

    fn obey(&mut self) {
        while let Some(effect) = self.site.effects.get(self.looked).cloned() {
            self.looked += 1;
            match effect {
                Effect::Pass { lane, command, action, .. } => {
                    let total = (action == PassAction::Close).then_some(self.counter);
                    let outcome = PassOutcome::Done(total);
                    let _ = self.site.tell(Input::PassAnswered { lane, command, outcome });
                }
                Effect::FindCloudTicket { pass, digest } => {
                    let found = self.site.journal.iter().rev().find_map(|change| match change {
                        Change::Ticket(ticket) if ticket.digest == digest => Some(ticket.clone()),
                        _ => None,
                    });
                    let _ = self.site.tell(Input::CloudLooked { pass, found });
                }
                Effect::AskCloud { pass } => self.asked.push(pass),
                _ => {}
            }
        }
    }

    fn scan(&mut self, code: &str) -> Reply {
        let (digest, sealed) = (CodeDigest::of(code), "sealed".to_owned());
        let scanned = Input::CloudScanned { lane: lane("gate"), cloud: cloud(), digest, sealed };
        let told = self.site.tell(scanned);
        self.obey();
        told
    }

    fn said(&mut self, word: CloudWord) -> Reply {
        let pass = self.asked.pop().expect("a question");
        let told = self.site.tell(Input::CloudSaid { pass: pass.id, word });
        self.obey();
        told
    }

    fn is_open(&self) -> bool {
        self.site.state.gates[&lane("gate")].phase == gate::Phase::Granted
    }

    fn walk(&mut self) {
        assert!(self.is_open());
        self.counter += 1;
        self.count();
        self.obey();
    }

    fn wait(&mut self, time: Duration) {
        self.site.now += time;
        while self.site.state.next_deadline().is_some_and(|at| at <= self.site.now) {
            self.site.tell(Input::Tick).unwrap();
            self.obey();
        }
    }

    fn last(&self) -> CloudPass {
        let last = self.site.journal.iter().rev().find_map(|change| match change {
            Change::CloudPass(pass) => Some(pass.clone()),
            _ => None,
        });
        last.unwrap()
    }
}

fn why(told: &Reply) -> NotAdmitted {
    match told {
        Err(Refusal::NotAdmitted(_, why)) => *why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_good_one_is_let_in_and_written_off_once_its_first_person_went() {
    let mut gate = Gate::new(0);
    assert_eq!(gate.scan("8800000001"), Ok(Answer::Queued));
    assert_eq!(gate.scan("8800000001"), Ok(Answer::Duplicate), "held there still");
    assert_eq!(gate.asked.len(), 1);
    gate.said(good(2, &["N1", "N2"])).unwrap();
    assert!(gate.is_open() && gate.asked.is_empty(), "not before somebody went");
    gate.walk();
    let trade = gate.asked[0].trade_no.clone();
    assert_eq!((gate.asked[0].state, gate.asked[0].done), (CloudState::WritingOff, 0));
    // Nobody said: asked again by the same number, also over a restart.
    gate.said(unknown()).unwrap();
    gate.wait(Duration::from_secs(2));
    assert_eq!(gate.asked.len(), 1);
    gate.start();
    assert_eq!(gate.asked.last().unwrap().trade_no, trade);
    gate.said(CloudWord::WrittenOff).unwrap();
    assert_eq!(gate.asked.last().unwrap().done, 1, "the second of its numbers");
    gate.said(CloudWord::WrittenOff).unwrap();
    assert_eq!(gate.last().state, CloudState::Done);
    assert!(gate.site.state.clouds.is_empty());
    // The second person, without asking; then no one more.
    gate.asked.clear();
    gate.scan("8800000001").unwrap();
    gate.walk();
    assert!(gate.asked.is_empty());
    gate.scan("8800000001").unwrap();
    assert!(gate.asked.is_empty() && !gate.is_open());
    assert_eq!(gate.site.state.gates[&lane("gate")].refused, Some(NotAdmitted::UsedUp));
}

#[test]
fn who_did_not_go_is_not_written_off() {
    let mut gate = Gate::new(0);
    gate.scan("8800000001").unwrap();
    gate.said(good(1, &["N1"])).unwrap();
    gate.wait(Duration::from_secs(11));
    assert!(gate.asked.is_empty());
    gate.scan("8800000001").unwrap();
    assert!(gate.is_open() && gate.asked.is_empty(), "checked today");
    gate.walk();
    assert_eq!(gate.asked.len(), 1);
}

#[test]
fn a_no_has_its_words_and_silence_is_decided_as_the_site_says() {
    for (word, expected) in [
        (refused(CloudNo::Used), NotAdmitted::UsedUp),
        (refused(CloudNo::NotThere), NotAdmitted::Unknown),
        (refused(CloudNo::Other), NotAdmitted::CloudRefused),
        (unknown(), NotAdmitted::CloudSilent),
    ] {
        let mut gate = Gate::new(0);
        gate.scan("8800000001").unwrap();
        assert_eq!(why(&gate.said(word)), expected);
        assert!(gate.site.state.clouds.is_empty() && !gate.is_open());
        assert!(gate.scan("8800000001").is_ok() && gate.asked.len() == 1, "asked anew");
    }
    let mut gate = Gate::new(0);
    gate.scan("8800000001").unwrap();
    gate.wait(PATIENCE);
    assert_eq!(gate.site.state.gates[&lane("gate")].refused, Some(NotAdmitted::CloudSilent));
    assert_eq!(gate.said(good(1, &["N1"])), Ok(Answer::Duplicate), "too late");
    assert!(!gate.is_open());
}

#[test]
fn others_pass_while_the_cloud_thinks() {
    let mut gate = Gate::new(0);
    let (digest, persons) = (CodeDigest::of("own"), 1);
    let (valid_from, valid_until) = (gate.site.now, gate.site.now + Duration::from_hours(8));
    let by = "li".to_owned();
    gate.site
        .tell(Input::TicketMade { digest, persons, valid_from: Some(valid_from), valid_until, by })
        .unwrap();
    gate.scan("8800000001").unwrap();
    let shown = crate::core::presented::Presented::Code(digest);
    gate.site.tell(Input::Scanned { lane: lane("gate"), shown }).unwrap();
    gate.obey();
    gate.walk();
    gate.said(good(1, &["N1"])).unwrap();
    gate.walk();
}

#[test]
fn so_many_are_let_in_unchecked_and_told_later() {
    let mut gate = Gate::new(2);
    for code in ["8800000001", "8800000002"] {
        gate.scan(code).unwrap();
        gate.asked.retain(|pass| pass.state == CloudState::Late);
        gate.wait(PATIENCE);
        gate.walk();
    }
    gate.scan("8800000003").unwrap();
    gate.asked.retain(|pass| pass.state == CloudState::Late);
    gate.wait(PATIENCE);
    assert_eq!(gate.site.state.gates[&lane("gate")].refused, Some(NotAdmitted::CloudSilent));
    assert_eq!(gate.asked.len(), 2, "two went in and are asked about");
    // The first was good, the second was used elsewhere.
    let (second, first) = (gate.asked.pop().unwrap(), gate.asked.pop().unwrap());
    gate.site.tell(Input::CloudSaid { pass: first.id, word: good(1, &["N1"]) }).unwrap();
    gate.obey();
    gate.said(CloudWord::WrittenOff).unwrap();
    let word = refused(CloudNo::Used);
    gate.site.tell(Input::CloudSaid { pass: second.id, word }).unwrap();
    let tasks: Vec<_> = gate.site.state.tasks.values().collect();
    assert!(matches!(tasks[..], [task] if matches!(task.about, About::CloudRefused { .. })));
    assert!(gate.site.state.clouds.is_empty());
    gate.scan("8800000004").unwrap();
    gate.wait(PATIENCE);
    assert!(gate.is_open(), "there is room again");
    // Nobody goes: nothing is owed.
    gate.wait(Duration::from_secs(11));
    gate.wait(Duration::from_mins(11));
    assert!(gate.site.state.clouds.is_empty());
    assert_eq!(gate.last().state, CloudState::No);
}

impl Gate {
    fn check(&mut self, key: &str, code: &str, persons: u32) -> Reply {
        let (digest, sealed) = (CodeDigest::of(code), "sealed".to_owned());
        let found = self.site.journal.iter().rev().find_map(|change| match change {
            Change::Ticket(ticket) if ticket.digest == digest => Some(ticket.clone()),
            _ => None,
        });
        let (key, zone, who) = (key.to_owned(), Zones::only(), "li".to_owned());
        let shown = crate::core::presented::Presented::Code(digest);
        let way = Way::In;
        let asked = HandCheck { key, zone, way, shown, found, persons, who };
        let cloud = cloud();
        let told = self.site.tell(Input::CloudCheckedByHand { asked, cloud, digest, sealed });
        self.obey();
        told
    }
}

#[test]
fn staff_check_one_by_hand_and_it_is_written_off() {
    let mut gate = Gate::new(0);
    assert_eq!(gate.check("k1", "8800000001", 1), Ok(Answer::Asked));
    assert_eq!(gate.check("k1", "8800000001", 1), Ok(Answer::Asked), "the page asks again");
    assert_eq!(why(&gate.check("k2", "8800000001", 1)), NotAdmitted::Unchecked, "at the same time");
    assert_eq!(gate.asked.len(), 1);
    assert_eq!(gate.said(good(2, &["N1"])), Ok(Answer::Done));
    assert_eq!(gate.check("k1", "8800000001", 1), Ok(Answer::Duplicate), "let in by this check");
    assert_eq!(gate.asked.len(), 1, "to be written off");
    gate.said(CloudWord::WrittenOff).unwrap();
    assert_eq!(gate.last().state, CloudState::Done);
    // The other person of it, with no more questions; then nobody.
    assert!(gate.check("k3", "8800000001", 1).is_ok() && gate.asked.is_empty());
    assert_eq!(why(&gate.check("k4", "8800000001", 1)), NotAdmitted::UsedUp);
    assert!(!gate.is_open(), "no turnstile was asked");
}

#[test]
fn a_no_by_hand_is_told_again_to_who_asks_again_and_forgotten() {
    for (word, expected) in [
        (Some(refused(CloudNo::Used)), NotAdmitted::UsedUp),
        (Some(refused(CloudNo::Other)), NotAdmitted::CloudRefused),
        (None, NotAdmitted::CloudSilent),
    ] {
        let mut gate = Gate::new(0);
        gate.check("k1", "8800000001", 1).unwrap();
        match word {
            Some(word) => assert_eq!(why(&gate.said(word)), expected),
            None => gate.wait(PATIENCE),
        }
        assert_eq!(why(&gate.check("k1", "8800000001", 1)), expected);
        gate.asked.clear();
        assert_eq!(gate.check("k2", "8800000001", 1), Ok(Answer::Asked), "asked anew");
        gate.said(refused(CloudNo::Used)).unwrap_err();
        gate.wait(Duration::from_mins(3));
        assert!(gate.site.state.clouds.is_empty());
    }
    // Let in at a gate's check that nobody went on, and by hand after it: written off all the same.
    let mut gate = Gate::new(0);
    gate.scan("8800000001").unwrap();
    gate.said(good(1, &["N1"])).unwrap();
    gate.wait(Duration::from_secs(11));
    assert!(gate.check("k1", "8800000001", 1).is_ok());
    assert_eq!(gate.asked.len(), 1);
}
