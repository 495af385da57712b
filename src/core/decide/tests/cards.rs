//! A card and an identity card before a turnstile, as the tickets they stand for.

use super::*;
use crate::{
    core::{
        card::CardAct,
        gate::{Counted, PassAction, Way},
        input::{PassOutcome, Refusal},
        presented::Presented,
        rules::{GateRules, GateTimes, Zones},
        ticket::{NotAdmitted, Visitor},
    },
    types::{CodeDigest, TicketId},
};

struct Gate {
    site: Site,
    counter: u32,
    looked: usize,
}

impl Gate {
    fn new() -> Self {
        let mut site = Site::new();
        let rules = GateRules {
            direction: Direction::Entry,
            zone: Zones::only(),
            counter: true,
            alone: true,
            times: GateTimes::default(),
        };
        site.rules.gates.insert(lane("gate"), rules);
        site.tell(Input::Started).unwrap();
        let mut gate = Self { site, counter: 100, looked: 0 };
        gate.count();
        gate.obey();
        gate
    }

    fn count(&mut self) {
        let count = Counted::Total(self.counter);
        self.site.tell(Input::Went { lane: lane("gate"), way: Way::In, count }).unwrap();
    }

    fn obey(&mut self) {
        while let Some(effect) = self.site.effects.get(self.looked).cloned() {
            self.looked += 1;
            if let Effect::Pass { lane, command, action, .. } = effect {
                let total = (action == PassAction::Close).then_some(self.counter);
                let outcome = PassOutcome::Done(total);
                let _ = self.site.tell(Input::PassAnswered { lane, command, outcome });
            }
        }
    }

    fn sell(&mut self, code: &str, hours: u64, person: Option<&str>) -> TicketId {
        let digest = CodeDigest::of(code);
        let (valid_from, valid_until) =
            (self.site.now, self.site.now + Duration::from_hours(hours));
        let by = "li".to_owned();
        let made =
            Input::TicketMade { digest, persons: 1, valid_from: Some(valid_from), valid_until, by };
        let Ok(Answer::Ticket(id)) = self.site.tell(made) else { panic!() };
        if let Some(person) = person {
            let mut ticket = self.site.state.tickets[&id].clone();
            let (name, number) = ("张*".to_owned(), "110***".to_owned());
            ticket.visitor = Some(Visitor { name, number, digest: CodeDigest::of(person) });
            let change = Change::Ticket(ticket);
            self.site.state.apply(&change);
            self.site.journal.push(change);
        }
        id
    }

    fn shows(&mut self, shown: Presented) -> Reply {
        let told = self.site.tell(Input::Scanned { lane: lane("gate"), shown });
        self.obey();
        told
    }

    fn card(&mut self, card: &str) -> Reply {
        self.shows(Presented::Code(CodeDigest::of(card)))
    }

    fn person(&mut self, person: &str) -> Reply {
        self.shows(Presented::Person(CodeDigest::of(person)))
    }

    fn walk(&mut self) {
        self.counter += 1;
        self.count();
        self.obey();
    }

    fn acts(&mut self, card: &str, act: CardAct, reason: &str) -> Reply {
        let (card, tail) = (CodeDigest::of(card), "..80".to_owned());
        let (who, reason) = ("li".to_owned(), reason.to_owned());
        self.site.tell(Input::CardActed { card, tail, act, who, reason })
    }

    fn used(&self, id: TicketId) -> u32 {
        let last = self.site.journal.iter().rev().find_map(|change| match change {
            Change::Ticket(ticket) if ticket.id == id => Some(ticket.used),
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
fn a_card_is_the_ticket_it_is_bound_to_until_it_is_unbound_or_lost() {
    let mut gate = Gate::new();
    let (one, two) = (gate.sell("one", 8, None), gate.sell("two", 8, None));
    let bind = |gate: &mut Gate, card: &str, to| gate.acts(card, CardAct::Bind(to), "");
    assert_eq!(bind(&mut gate, "C", TicketId(99)), Err(Refusal::NoTicket(TicketId(99))));
    assert_eq!(bind(&mut gate, "two", one), Err(Refusal::CardTaken(two)), "a ticket's own code");
    bind(&mut gate, "C", one).unwrap();
    assert_eq!(bind(&mut gate, "C", one), Ok(Answer::Duplicate));
    assert_eq!(bind(&mut gate, "C", two), Err(Refusal::CardTaken(one)));
    assert_eq!(bind(&mut gate, "D", one), Err(Refusal::CardsFull(one)), "one card a person");
    // Lost: it lets nobody in, its ticket does, and so does another card.
    assert_eq!(gate.acts("C", CardAct::Lost, " "), Err(Refusal::NoReason));
    gate.acts("C", CardAct::Lost, "on the bus").unwrap();
    assert_eq!(why(&gate.card("C")), NotAdmitted::CardLost);
    bind(&mut gate, "D", one).unwrap();
    gate.card("D").unwrap();
    gate.walk();
    assert_eq!(gate.used(one), 1);
    // Its ticket is over: the tables tell why, and the card may stand for another.
    gate.card("D").unwrap();
    let looked = gate.site.effects.iter().rev().find_map(|effect| match effect {
        Effect::FindTicket { shown, .. } => Some(*shown),
        _ => None,
    });
    assert_eq!(looked, Some(Presented::Ticket(one)));
    bind(&mut gate, "D", two).unwrap();
    gate.acts("D", CardAct::Unbind, "given back").unwrap();
    assert_eq!(gate.acts("D", CardAct::Unbind, "again"), Err(Refusal::NoCard));
    gate.card("D").unwrap();
    assert_eq!(gate.used(two), 0, "it stands for nothing");
    assert!(!format!("{:?}", gate.site.journal).contains("\"D\""), "its number is kept nowhere");
    assert_eq!(gate.site.state.cards.len(), 1, "the lost one is still known as lost");
}

#[test]
fn an_identity_card_lets_in_on_its_holders_ticket_that_is_good_now() {
    let mut gate = Gate::new();
    let year = gate.sell("year", 9_000, Some("P"));
    let day = gate.sell("day", 8, Some("P"));
    let other = gate.sell("other", 8, Some("Q"));
    gate.person("P").unwrap();
    gate.walk();
    assert_eq!((gate.used(day), gate.used(year)), (1, 0), "what ends first");
    gate.person("P").unwrap();
    gate.walk();
    assert_eq!(gate.used(year), 1);
    // Nothing in memory: the tables know why.
    gate.person("P").unwrap();
    let looked = |gate: &Gate| matches!(gate.site.effects.last(), Some(Effect::FindTicket { .. }));
    assert!(looked(&gate));
    assert_eq!(gate.used(other), 0);
    gate.person("Q").unwrap();
    gate.walk();
    assert_eq!(gate.used(other), 1);
}
