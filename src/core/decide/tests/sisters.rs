//! Two daemons of one site, and a network between them that loses, delays and doubles: who is let in where.

use super::*;
use crate::{
    core::{
        AlarmKind,
        gate::{self, Counted, PassAction, Way},
        input::{PassOutcome, Refusal},
        presented::{Claims, Presented, Shown},
        rules::{GateRules, GateTimes, TicketRules, Zones},
        sister::{
            AskState, Report, SisterAsk, SisterNews, SisterQuestion, SisterRules, SisterWord,
            WhenApart,
        },
        task::About,
        ticket::{Admission, AdmissionState, Medium, NotAdmitted, Ticket},
    },
    types::{AskId, CodeDigest, CommandId, TicketId},
};

mod by_hand;
mod seeds;

const HOME: usize = 0;
const AWAY: usize = 1;
const PATIENCE: Duration = Duration::from_millis(400);

/// One daemon with a turnstile.
struct End {
    site: Site,
    counter: u32,
    /// Effects that were looked at.
    looked: usize,
    /// A question on its way.
    asked: Vec<(SisterAsk, bool)>,
}

impl End {
    fn new(issuer: u8, sister: u8, when_apart: WhenApart) -> Self {
        let mut site = Site::new();
        let gate = GateRules {
            direction: Direction::Entry,
            zone: Zones::only(),
            counter: true,
            alone: true,
            times: GateTimes::default(),
        };
        site.rules.gates.insert(lane("gate"), gate);
        site.rules.tickets = TicketRules { issuer, ..TicketRules::default() };
        let rules = SisterRules { name: format!("s{sister}"), patience: PATIENCE, when_apart };
        site.rules.sisters.insert(sister, rules);
        let mut end = Self { site, counter: 100, looked: 0, asked: Vec::new() };
        end.start();
        end
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

    /// The turnstile takes its orders; questions to the sister wait to be carried.
    fn obey(&mut self) {
        while let Some(effect) = self.site.effects.get(self.looked).cloned() {
            self.looked += 1;
            match effect {
                Effect::Pass { command, action, .. } => {
                    let total = (action == PassAction::Close).then_some(self.counter);
                    self.answered(command, total);
                }
                Effect::FindTicket { lane, shown } => {
                    let ticket = self.over(&shown);
                    let _ = self.site.tell(Input::TicketFound { lane, shown, ticket });
                }
                Effect::AskSister { ask, watched } => self.asked.push((ask, watched)),
                _ => {}
            }
        }
    }

    fn answered(&mut self, command: CommandId, total: Option<u32>) {
        let outcome = PassOutcome::Done(total);
        // An order of before a restart is nobody's any more.
        let _ = self.site.tell(Input::PassAnswered { lane: lane("gate"), command, outcome });
    }

    fn over(&self, shown: &Presented) -> Option<Ticket> {
        let fits = |ticket: &Ticket| match shown {
            Presented::Signed(claims, ..) => ticket.id == claims.ticket,
            Presented::Code(digest) => ticket.digest == *digest,
            Presented::Ticket(id) => ticket.id == *id,
            Presented::Person(_) | Presented::Bad(_) => false,
        };
        self.site.journal.iter().rev().find_map(|change| match change {
            Change::Ticket(ticket) if fits(ticket) => Some(ticket.clone()),
            _ => None,
        })
    }

    fn ticket(&self, id: TicketId) -> Option<Ticket> {
        self.site.journal.iter().rev().find_map(|change| match change {
            Change::Ticket(ticket) if ticket.id == id => Some(ticket.clone()),
            _ => None,
        })
    }

    fn sell(&mut self, persons: u32) -> Presented {
        let last = self.site.state.issued.get(&self.site.rules.tickets.issuer).copied();
        let next = last.unwrap_or(self.site.rules.tickets.first()) + 1;
        let digest = CodeDigest::of(&format!("short {next}"));
        let (valid_from, valid_until) = (self.site.now, self.site.now + Duration::from_hours(8));
        let made = Input::TicketMade {
            digest,
            persons,
            valid_from: Some(valid_from),
            valid_until,
            by: "li".into(),
        };
        assert_eq!(self.site.tell(made), Ok(Answer::Ticket(TicketId(next))));
        let claims = Claims {
            ticket: TicketId(next),
            edition: 0,
            medium: Medium::Any,
            persons: persons as u16,
            valid_from,
            valid_until,
            areas: 0,
            product: 0,
        };
        Presented::Signed(claims, Shown::Still, digest)
    }

    fn scan(&mut self, shown: Presented) -> Reply {
        let reply = self.site.tell(Input::Scanned { lane: lane("gate"), shown });
        self.obey();
        reply
    }

    fn gate(&self) -> &gate::Gate {
        &self.site.state.gates[&lane("gate")]
    }

    fn is_open(&self) -> bool {
        self.gate().phase == gate::Phase::Granted
    }

    fn walk(&mut self) {
        assert!(self.is_open(), "{:?}", self.gate());
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

    fn used(&self) -> Vec<Admission> {
        let mut last = BTreeMap::new();
        for change in &self.site.journal {
            if let Change::Admission(admission) = change {
                last.insert(admission.id, admission.clone());
            }
        }
        last.into_values().filter(|admission| admission.state == AdmissionState::Used).collect()
    }

    fn double_tasks(&self) -> usize {
        let tasks = self.site.state.tasks.values();
        tasks.filter(|task| matches!(task.about, About::AdmittedTwice { .. })).count()
    }

    fn news(&self, sister: u8) -> SisterNews {
        let own = self.site.rules.tickets.issuer;
        let report = |ask: SisterAsk| Report {
            ask: ask.id,
            ticket: ask.ticket,
            zone: ask.zone,
            way: ask.way,
            used: ask.state == AskState::Used,
            alone: ask.alone,
            watched: false,
            at: ask.went_at.unwrap_or(ask.at),
        };
        let reports = self.site.state.reports_to(sister, 100).into_iter().map(report).collect();
        let mut tickets = BTreeMap::new();
        for change in &self.site.journal {
            if let Change::Ticket(ticket) = change
                && TicketRules::issuer_of(ticket.id) == own
            {
                tickets.insert(ticket.id, ticket.clone());
            }
        }
        let (tickets, upto) = (tickets.into_values().collect(), self.site.journal.len() as i64);
        SisterNews { reports, tickets, upto, anew: false }
    }
}

/// The two, and what happens between them.
struct Pair([End; 2]);

impl Pair {
    fn new(when_apart: WhenApart) -> Self {
        Self::of(when_apart, when_apart)
    }

    fn of(home: WhenApart, away: WhenApart) -> Self {
        Self([End::new(1, 2, home), End::new(2, 1, away)])
    }

    fn issuer(at: usize) -> u8 {
        at as u8 + 1
    }

    /// What the home says to a question.
    fn word(&mut self, from: usize, ask: &SisterAsk, watched: bool) -> SisterWord {
        let home = 1 - from;
        let asked = SisterQuestion {
            ask: ask.id,
            shown: ask.shown,
            ticket: ask.ticket,
            zone: ask.zone.clone(),
            watched,
        };
        let found = self.0[home].over(&ask.shown);
        let sister = Self::issuer(from);
        match self.0[home].site.tell(Input::SisterAsked { sister, asked, found }) {
            Ok(Answer::Lent(ticket)) => SisterWord::Lent(ticket),
            Err(Refusal::NotAdmitted(_, why)) => SisterWord::Refused(why),
            other => panic!("{other:?}"),
        }
    }

    fn said(&mut self, to: usize, ask: AskId, word: SisterWord) -> Reply {
        let reply = self.0[to].site.tell(Input::SisterSaid { ask, word });
        self.0[to].obey();
        reply
    }

    /// Carries the questions of one end, and the answers back. What the last one came to.
    fn carry(&mut self, from: usize) -> Reply {
        let mut reply = Ok(Answer::Done);
        for (ask, watched) in std::mem::take(&mut self.0[from].asked) {
            let word = self.word(from, &ask, watched);
            reply = self.said(from, ask.id, word);
        }
        reply
    }

    fn scan(&mut self, at: usize, shown: Presented) -> Reply {
        let told = self.0[at].scan(shown);
        if self.0[at].asked.is_empty() { told } else { self.carry(at) }
    }

    /// Why it is not let in; what is over is looked up first.
    fn why(&mut self, at: usize, shown: Presented) -> NotAdmitted {
        let refusals = |end: &End| {
            let why = end.site.journal.iter().filter_map(|change| match change {
                Change::ScanRefused { why, .. } => Some(*why),
                _ => None,
            });
            why.collect::<Vec<_>>()
        };
        let before = refusals(&self.0[at]).len();
        let told = self.scan(at, shown);
        let after = refusals(&self.0[at]);
        assert!(after.len() > before, "{told:?}");
        after[after.len() - 1]
    }

    fn tell_news(&mut self, from: usize, news: SisterNews) {
        let sister = Self::issuer(from);
        let mut asks: Vec<_> = news.reports.iter().map(|report| report.ask).collect();
        let over = news.reports.iter().filter_map(|r| self.0[1 - from].ticket(r.ticket));
        let found = over.collect();
        let told = self.0[1 - from].site.tell(Input::SisterTold { sister, news, found });
        self.0[1 - from].obey();
        let Ok(Answer::Told { doubles, later }) = told else { panic!("{told:?}") };
        asks.retain(|ask| !later.contains(ask));
        self.0[from].site.tell(Input::SisterTook { asks, doubles }).unwrap();
    }

    /// Both tell each other everything.
    fn exchange(&mut self) {
        for from in [AWAY, HOME] {
            let news = self.0[from].news(Self::issuer(1 - from));
            self.tell_news(from, news);
        }
    }

    fn part(&mut self) {
        for at in [HOME, AWAY] {
            let (sister, why) = (Self::issuer(1 - at), "cut".to_owned());
            self.0[at].site.tell(Input::SisterLost { sister, why }).unwrap();
        }
    }

    fn meet(&mut self) {
        self.exchange();
        for at in [HOME, AWAY] {
            let sister = Self::issuer(1 - at);
            self.0[at].site.tell(Input::SisterHeard { sister }).unwrap();
        }
    }

    fn wait(&mut self, time: Duration) {
        self.0.iter_mut().for_each(|end| end.wait(time));
    }
}

fn refused(reply: &Reply) -> NotAdmitted {
    match reply {
        Err(Refusal::NotAdmitted(_, why)) => *why,
        other => panic!("{other:?}"),
    }
}

fn id_of(shown: Presented) -> TicketId {
    match shown {
        Presented::Signed(claims, ..) => claims.ticket,
        other => panic!("{other:?}"),
    }
}

#[test]
fn one_right_is_one_admission_wherever_it_is_shown_first() {
    let mut pair = Pair::new(WhenApart::HomeOnly);
    // First away, before the home has ever told of the ticket.
    let shown = pair.0[HOME].sell(1);
    assert_eq!(pair.0[AWAY].scan(shown), Ok(Answer::Queued));
    assert_eq!(pair.0[AWAY].scan(shown), Ok(Answer::Duplicate), "held there still");
    assert!(!pair.0[AWAY].is_open(), "nobody is let in before the home has said so");
    assert_eq!(pair.carry(AWAY), Ok(Answer::Done));
    assert!(pair.0[AWAY].is_open());
    assert_eq!(pair.why(HOME, shown), NotAdmitted::UsedUp, "on the way there");
    pair.0[AWAY].walk();
    pair.exchange();
    let ticket = pair.0[HOME].ticket(id_of(shown)).unwrap();
    assert_eq!((ticket.used, ticket.held), (1, 0));
    assert_eq!(pair.why(HOME, shown), NotAdmitted::UsedUp);
    assert_eq!(pair.why(AWAY, shown), NotAdmitted::UsedUp);
    assert!(pair.0[AWAY].site.state.asks.is_empty(), "all is told");
    let [home, away] = [&pair.0[HOME], &pair.0[AWAY]].map(End::used);
    assert_eq!((home.len(), away.len()), (1, 1), "the same person, on record at both");
    assert_eq!(home[0].lane.as_str(), "sister-s2");

    // First at home.
    let shown = pair.0[HOME].sell(1);
    pair.scan(HOME, shown).unwrap();
    pair.0[HOME].walk();
    assert_eq!(pair.why(AWAY, shown), NotAdmitted::UsedUp);

    // At both in one moment: the question is on its way while the home lets in.
    let shown = pair.0[HOME].sell(1);
    pair.0[AWAY].scan(shown).unwrap();
    pair.0[HOME].scan(shown).unwrap();
    assert!(pair.0[HOME].is_open());
    assert_eq!(refused(&pair.carry(AWAY)), NotAdmitted::UsedUp);
}

#[test]
fn who_did_not_go_is_given_back_to_the_home() {
    let mut pair = Pair::new(WhenApart::HomeOnly);
    let shown = pair.0[HOME].sell(1);
    pair.scan(AWAY, shown).unwrap();
    pair.wait(Duration::from_secs(11));
    pair.exchange();
    let ticket = pair.0[HOME].ticket(id_of(shown)).unwrap();
    assert_eq!((ticket.used, ticket.held), (0, 0));
    pair.scan(HOME, shown).unwrap();
    assert!(pair.0[HOME].is_open());
}

#[test]
fn each_persons_right_of_a_group_is_asked_for() {
    let mut pair = Pair::new(WhenApart::HomeOnly);
    pair.0[AWAY].site.rules.tickets.burst = 2;
    let shown = pair.0[HOME].sell(4);
    pair.scan(AWAY, shown).unwrap();
    pair.0[AWAY].walk();
    assert_eq!(pair.0[AWAY].asked.len(), 1, "the next on the same scan");
    pair.carry(AWAY).unwrap();
    pair.0[AWAY].walk();
    assert!(pair.0[AWAY].asked.is_empty(), "a scan lets in two");
    assert!(!pair.0[AWAY].is_open());
    pair.scan(HOME, shown).unwrap();
    pair.0[HOME].walk();
    pair.exchange();
    let ticket = pair.0[HOME].ticket(id_of(shown)).unwrap();
    assert_eq!((ticket.used, ticket.held, ticket.left()), (3, 0, 1));
    // One waits behind another's person, and is let in once that one went.
    let other = pair.0[AWAY].sell(1);
    pair.scan(AWAY, other).unwrap();
    assert_eq!(pair.scan(AWAY, shown), Ok(Answer::Queued));
    pair.0[AWAY].walk();
    pair.0[AWAY].walk();
    pair.exchange();
    assert_eq!(pair.0[HOME].ticket(id_of(shown)).unwrap().used, 4);
    assert_eq!(pair.why(HOME, shown), NotAdmitted::UsedUp);
}

#[test]
fn silence_is_decided_as_the_site_says_and_the_home_learns_of_it() {
    // Where the question or its answer got lost; whether the one away is let in; what is used at home in the end.
    for (when_apart, answer_lost, let_in) in [
        (WhenApart::Refuse, false, false),
        (WhenApart::Refuse, true, false),
        (WhenApart::HomeOnly, false, false),
        (WhenApart::HomeOnly, true, false),
        (WhenApart::Admit, false, true),
        (WhenApart::Admit, true, true),
    ] {
        let mut pair = Pair::new(when_apart);
        let shown = pair.0[HOME].sell(1);
        pair.0[AWAY].scan(shown).unwrap();
        let (ask, watched) = pair.0[AWAY].asked.pop().unwrap();
        let late = answer_lost.then(|| pair.word(AWAY, &ask, watched));
        pair.wait(PATIENCE);
        assert_eq!(pair.0[AWAY].is_open(), let_in, "{when_apart:?}");
        if !let_in {
            assert_eq!(pair.0[AWAY].gate().refused, Some(NotAdmitted::Apart));
        }
        if let Some(late) = late {
            assert_eq!(pair.said(AWAY, ask.id, late), Ok(Answer::Duplicate), "too late");
            assert_eq!(pair.why(HOME, shown), NotAdmitted::UsedUp, "kept for it");
        }
        if let_in {
            pair.0[AWAY].walk();
        }
        pair.exchange();
        let ticket = pair.0[HOME].ticket(id_of(shown)).unwrap();
        assert_eq!((ticket.used, ticket.held), (u32::from(let_in), 0), "{when_apart:?}");
        assert_eq!(pair.0.iter().map(End::double_tasks).sum::<usize>(), 0);
        // The question itself comes after all: what was given up is not given again.
        assert_eq!(
            pair.word(AWAY, &ask, watched),
            SisterWord::Refused(NotAdmitted::Busy),
            "{when_apart:?} {answer_lost}"
        );
    }
}

#[test]
fn apart_each_rule_lets_in_whom_it_says() {
    use NotAdmitted::Apart;
    // At home and away: the rule; whether the ticket's home and the other let in.
    for (home, away, at_home, elsewhere) in [
        (WhenApart::HomeOnly, WhenApart::HomeOnly, true, false),
        (WhenApart::Refuse, WhenApart::Refuse, false, false),
        (WhenApart::Admit, WhenApart::Admit, true, true),
        (WhenApart::Refuse, WhenApart::Admit, false, true),
    ] {
        let mut pair = Pair::of(home, away);
        let (one, two) = (pair.0[HOME].sell(1), pair.0[HOME].sell(1));
        pair.part();
        let alarm = ("s2".to_owned(), AlarmKind::SisterApart);
        assert!(pair.0[HOME].site.state.alarms.contains_key(&alarm));
        for (at, shown, let_in) in [(HOME, one, at_home), (AWAY, two, elsewhere)] {
            let told = pair.0[at].scan(shown);
            assert_eq!(pair.0[at].is_open(), let_in, "{home:?} {away:?} {at}");
            assert!(pair.0[at].asked.is_empty(), "nobody waits for one that is not heard");
            if let_in {
                pair.0[at].walk();
            } else {
                assert_eq!(refused(&told), Apart);
            }
        }
        pair.meet();
        assert!(!pair.0[HOME].site.state.alarms.contains_key(&alarm));
        assert_eq!(pair.0.iter().map(End::double_tasks).sum::<usize>(), 0);
        assert_eq!(pair.0[HOME].ticket(id_of(two)).unwrap().used, u32::from(elsewhere));
        // Together again, what was used is used.
        let free = pair.scan(AWAY, one);
        assert_eq!(free.is_err(), at_home, "{free:?}");
    }
}

#[test]
fn two_who_came_in_on_one_right_while_apart_are_found_and_told_at_both() {
    let mut pair = Pair::new(WhenApart::Admit);
    let shown = pair.0[HOME].sell(1);
    pair.exchange();
    pair.part();
    for at in [HOME, AWAY] {
        pair.0[at].scan(shown).unwrap();
        pair.0[at].walk();
        let again = pair.0[at].scan(shown);
        assert!(again.is_err() || !pair.0[at].is_open(), "once at each");
    }
    pair.meet();
    assert_eq!(pair.0.each_ref().map(End::double_tasks), [1, 1]);
    let home = pair.0[HOME].used();
    assert_eq!(home.iter().filter(|admission| admission.double).count(), 1);
    let ticket = pair.0[HOME].ticket(id_of(shown)).unwrap();
    assert_eq!((ticket.used, ticket.held), (1, 0));
    // Told once more, as after an answer that was lost, it is no third.
    let asks = pair.0[AWAY].site.journal.iter().rev().find_map(|change| match change {
        Change::SisterAsk(ask) => Some(ask.clone()),
        _ => None,
    });
    let ask = asks.unwrap();
    assert!(ask.double && ask.over_at.is_some());
    let mut news = SisterNews::default();
    news.reports.push(Report {
        ask: ask.id,
        ticket: ask.ticket,
        zone: ask.zone,
        way: ask.way,
        used: true,
        alone: true,
        watched: false,
        at: ask.at,
    });
    pair.tell_news(AWAY, news);
    assert_eq!(pair.0[HOME].double_tasks(), 1);
}

#[test]
fn what_is_over_or_changed_at_home_is_so_away_also_while_apart() {
    let mut pair = Pair::new(WhenApart::Admit);
    let (revoked, used) = (pair.0[HOME].sell(1), pair.0[HOME].sell(1));
    pair.exchange();
    let ticket = id_of(revoked);
    pair.0[HOME].site.tell(Input::TicketRevoked { ticket, by: "li".into() }).unwrap();
    pair.scan(HOME, used).unwrap();
    pair.0[HOME].walk();
    pair.exchange();
    pair.part();
    for (shown, why) in [(revoked, NotAdmitted::Revoked), (used, NotAdmitted::UsedUp)] {
        pair.0[AWAY].scan(shown).unwrap();
        assert_eq!(pair.0[AWAY].gate().refused, Some(why));
    }
    // A sister's ticket is changed at its home.
    pair.meet();
    let other = pair.0[HOME].sell(1);
    pair.exchange();
    let ticket = id_of(other);
    let told = pair.0[AWAY].site.tell(Input::TicketRevoked { ticket, by: "li".into() });
    assert_eq!(told, Err(Refusal::ElsewhereSold(ticket)));
    // And one of nobody's is nobody's.
    pair.0[AWAY].site.rules.sisters.clear();
    let shown = pair.0[HOME].sell(1);
    pair.0[AWAY].scan(shown).unwrap();
    assert_eq!(pair.0[AWAY].gate().refused, Some(NotAdmitted::Unknown));
}

#[test]
fn a_restart_gives_back_what_was_asked_for_and_a_long_silence_is_a_persons_to_decide() {
    let mut pair = Pair::new(WhenApart::HomeOnly);
    let shown = pair.0[HOME].sell(1);
    pair.0[AWAY].scan(shown).unwrap();
    let (ask, watched) = pair.0[AWAY].asked.pop().unwrap();
    let _lost = pair.word(AWAY, &ask, watched);
    pair.0[AWAY].start();
    pair.exchange();
    assert_eq!(pair.0[HOME].ticket(id_of(shown)).unwrap().held, 0);

    // Let in there, and then nothing is heard for a minute.
    pair.scan(AWAY, shown).unwrap();
    pair.0[AWAY].walk();
    pair.part();
    pair.0[HOME].wait(Duration::from_mins(1));
    let open: Vec<_> = pair.0[HOME].site.state.admissions.values().cloned().collect();
    assert_eq!(open.len(), 1);
    assert_eq!(open[0].state, AdmissionState::Unsure);
    assert_eq!(pair.why(HOME, shown), NotAdmitted::UsedUp);
    pair.meet();
    assert!(pair.0[HOME].site.state.admissions.is_empty());
    let unsure = |kind: &AlarmKind| *kind == AlarmKind::AdmissionUnsure;
    assert!(!pair.0[HOME].site.state.alarms.keys().any(|(_, kind)| unsure(kind)));
    assert_eq!(pair.0[HOME].ticket(id_of(shown)).unwrap().used, 1);
}
