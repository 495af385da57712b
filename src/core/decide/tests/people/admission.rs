//! The rules by which gates take tickets, at three turnstiles of one park: two ways in, one way out.

use super::*;
use crate::{
    core::{
        gate::Crowded,
        presented::{Claims, Shown},
        rules::{PassbackMode, ShortCodes},
        ticket::{Admission, Again, Area, Medium, NotAdmitted as No, Sold},
    },
    types::{CodeDigest, OrderId, ProductId, ZoneId},
};

#[derive(Debug)]
struct Codes;

impl ShortCodes for Codes {
    fn ticket(&self, ticket: TicketId, edition: u8) -> CodeDigest {
        CodeDigest::of(&format!("short {ticket} {edition}"))
    }

    fn pickup(&self, order: OrderId, again: u8) -> CodeDigest {
        CodeDigest::of(&format!("pickup {order} {again}"))
    }
}

struct Park {
    site: Site,
    totals: BTreeMap<LaneId, u32>,
}

/// The signed code of a ticket as it stands, on paper or on a page.
fn code(ticket: &Ticket, shown: Shown) -> Presented {
    let claims = Claims {
        ticket: ticket.id,
        edition: ticket.edition,
        medium: ticket.medium,
        persons: ticket.persons as u16,
        valid_from: ticket.valid_from,
        valid_until: ticket.valid_until,
        areas: 0,
        product: 0,
    };
    Presented::Signed(claims, shown, ticket.digest)
}

impl Park {
    fn new() -> Self {
        Self::with(|_| ())
    }

    fn with(set: impl FnOnce(&mut crate::core::Rules)) -> Self {
        let mut site = Site::new();
        for (id, direction) in
            [("north", Direction::Entry), ("south", Direction::Entry), ("leave", Direction::Exit)]
        {
            let gate = GateRules {
                direction,
                zone: Zones::only(),
                counter: true,
                alone: true,
                times: GateTimes::default(),
            };
            site.rules.gates.insert(lane(id), gate);
        }
        site.rules.shop.codes = Some(std::sync::Arc::new(Codes));
        set(&mut site.rules);
        site.tell(Input::Started).unwrap();
        let totals = ["north", "south", "leave"].map(|id| (lane(id), 0)).into();
        let mut park = Self { site, totals };
        for id in ["north", "south", "leave"] {
            park.counts(id);
            park.takes(id);
            assert_eq!(park.gate(id).phase, gate::Phase::Idle);
        }
        park
    }

    fn gate(&self, id: &str) -> &gate::Gate {
        &self.site.state.gates[&lane(id)]
    }

    /// The turnstile says where its counter stands.
    fn counts(&mut self, id: &str) {
        let (total, way) =
            (self.totals[&lane(id)], Way::of(self.site.rules.gates[&lane(id)].direction));
        let count = Counted::Total(total);
        self.site.tell(Input::Went { lane: lane(id), way, count }).unwrap();
    }

    /// The turnstile takes its last order.
    fn takes(&mut self, id: &str) {
        let of = |effect: &Effect| match effect {
            Effect::Pass { lane, command, .. } if lane.as_str() == id => Some(*command),
            _ => None,
        };
        let command = self.site.effects.iter().rev().find_map(of).expect("an order");
        let outcome = PassOutcome::Done(Some(self.totals[&lane(id)]));
        self.site.tell(Input::PassAnswered { lane: lane(id), command, outcome }).unwrap();
    }

    /// Whoever is let in walks.
    fn walks(&mut self, id: &str) {
        assert_eq!(self.gate(id).phase, gate::Phase::Granted, "{id}");
        self.takes(id);
        *self.totals.get_mut(&lane(id)).unwrap() += 1;
        self.counts(id);
    }

    /// A good ticket of this park.
    fn ticket(&mut self, persons: u32, returns: Option<u32>) -> Ticket {
        self.ticket_as(persons, returns, |_| ())
    }

    fn ticket_as(
        &mut self,
        persons: u32,
        returns: Option<u32>,
        set: impl FnOnce(&mut Ticket),
    ) -> Ticket {
        let (valid_from, valid_until) = (self.site.now, self.site.now + HOURS * 8);
        let made = Input::TicketIssued {
            persons,
            valid_from: Some(valid_from),
            valid_until,
            zones: vec![Zones::only()],
            medium: Medium::Any,
            by: "li".into(),
        };
        let Ok(Answer::Ticket(id)) = self.site.tell(made) else { panic!("a ticket") };
        let mut ticket = self.known(id);
        ticket.areas = vec![Area::new(Zones::only(), returns)];
        set(&mut ticket);
        self.put(ticket.clone());
        ticket
    }

    fn put(&mut self, ticket: Ticket) {
        let change = Change::Ticket(ticket);
        self.site.state.apply(&change);
        self.site.journal.push(change);
    }

    fn known(&self, id: TicketId) -> Ticket {
        self.site.last_ticket(id)
    }

    /// What the turnstile is told; what is not in memory is looked up as the tables have it.
    fn scan(&mut self, id: &str, shown: Presented) -> Reply {
        let asked = self.site.effects.len();
        let reply = self.site.tell(Input::Scanned { lane: lane(id), shown });
        let Some(Effect::FindTicket { shown, .. }) = self.site.effects.get(asked).cloned() else {
            return reply;
        };
        let of = |change: &Change| match (change, &shown) {
            (Change::Ticket(ticket), Presented::Signed(claims, ..))
                if ticket.id == claims.ticket =>
            {
                Some(ticket.clone())
            }
            (Change::Ticket(ticket), Presented::Code(digest)) if ticket.digest == *digest => {
                Some(ticket.clone())
            }
            _ => None,
        };
        let ticket = self.site.journal.iter().rev().find_map(of);
        self.site.tell(Input::TicketFound { lane: lane(id), shown, ticket })
    }

    /// Scanned and gone, or why not.
    fn goes(&mut self, id: &str, shown: Presented) -> Result<(), No> {
        match self.scan(id, shown) {
            Ok(_) => {
                self.walks(id);
                Ok(())
            }
            Err(Refusal::NotAdmitted(_, why)) => Err(why),
            Err(other) => panic!("{other}"),
        }
    }

    fn inside(&self) -> i64 {
        self.site.state.crowds.get(&Zones::only()).map_or(0, |crowd| crowd.inside)
    }

    fn admissions(&self) -> Vec<Admission> {
        let mut all = BTreeMap::new();
        for change in &self.site.journal {
            if let Change::Admission(admission) = change {
                all.insert(admission.id, admission.clone());
            }
        }
        all.into_values().collect()
    }
}

const HOURS: Duration = Duration::from_hours(1);

#[test]
fn a_full_park_holds_visitors_at_its_gates_and_lets_one_in_for_each_who_leaves() {
    let mut park = Park::with(|rules| {
        rules.tickets.persons_max.insert(Zones::only(), 2);
    });
    let all: Vec<Ticket> = (0..5).map(|_| park.ticket(1, None)).collect();
    let code = |at: usize| code(&all[at], Shown::Changing);
    assert_eq!(park.goes("north", code(0)), Ok(()));
    assert_eq!(park.goes("south", code(1)), Ok(()));
    assert_eq!(park.inside(), 2);
    assert_eq!(park.goes("north", code(2)), Err(No::Full));
    park.site.now += Duration::from_secs(1);
    assert_eq!(park.goes("south", code(3)), Err(No::Full));
    assert_eq!(park.gate("north").crowded.map(|c: Crowded| c.ticket), Some(all[2].id));
    assert_eq!(park.scan("north", code(2)), Ok(Answer::Duplicate), "it waits already");
    assert_eq!(park.goes("north", code(4)), Err(No::Full), "and so does the next");
    // Somebody leaves: whoever came first goes in, the other waits on.
    assert_eq!(park.goes("leave", code(0)), Ok(()));
    park.walks("north");
    assert_eq!((park.inside(), park.gate("south").crowded.is_some()), (2, true));
    // Nobody waits for ever.
    park.site.now += park.site.rules.tickets.crowd_wait;
    park.site.tell(Input::Tick).unwrap();
    assert_eq!(park.gate("south").crowded, None);
    assert_eq!(park.goes("leave", code(1)), Ok(()));
    assert_eq!(park.gate("south").phase, gate::Phase::Idle, "it has to be shown again");
    assert_eq!(park.goes("south", code(3)), Ok(()));
}

#[test]
fn an_operators_count_lets_in_who_waits_and_one_on_the_way_counts() {
    let mut park = Park::with(|rules| {
        rules.tickets.persons_max.insert(Zones::only(), 1);
    });
    let all: Vec<Ticket> = (0..3).map(|_| park.ticket(1, None)).collect();
    let code = |at: usize| code(&all[at], Shown::Changing);
    park.scan("north", code(0)).unwrap();
    assert_eq!(park.goes("south", code(1)), Err(No::Full), "somebody is on the way in");
    park.walks("north");
    let count = |found, reason: &str| Input::CrowdCounted {
        zone: Zones::only(),
        found,
        who: "li".into(),
        reason: reason.into(),
    };
    assert_eq!(park.site.tell(count(0, "")), Err(Refusal::NoReason));
    park.site.tell(count(0, "the gate was pushed open")).unwrap();
    park.walks("south");
    assert_eq!(park.inside(), 1);
    let counted = park.site.journal.iter().rev().find_map(|change| match change {
        Change::Crowd(crowd) => crowd.counted.clone(),
        _ => None,
    });
    let counted = counted.unwrap();
    assert_eq!((counted.who.as_str(), counted.was), ("li", 1));
    // The next day begins with nobody inside.
    park.site.now += HOURS * 22;
    let tomorrow = park.ticket(1, None);
    assert_eq!(park.goes("north", super::admission::code(&tomorrow, Shown::Still)), Ok(()));
    assert_eq!(park.inside(), 1);
}

#[test]
fn coming_back_is_by_the_rules_and_nobody_is_kept_inside() {
    let mut park = Park::new();
    let twice = park.ticket(1, Some(1));
    let code_of = code(&twice, Shown::Still);
    assert_eq!(park.goes("north", code_of), Ok(()));
    assert_eq!(park.goes("south", code_of), Err(No::Inside), "handed back over the fence");
    assert_eq!(park.goes("leave", code_of), Ok(()));
    assert_eq!(park.goes("south", code_of), Ok(()));
    assert_eq!(park.admissions().last().unwrap().again, Again::Return);
    assert_eq!(park.goes("leave", code_of), Ok(()));
    assert_eq!(park.goes("north", code_of), Err(No::NoReturn));
    let once = park.ticket(1, Some(0));
    let code_of = code(&once, Shown::Still);
    assert_eq!(park.goes("north", code_of), Ok(()));
    park.site.tell(Input::TicketRevoked { ticket: once.id, by: "li".into() }).unwrap();
    assert_eq!(park.goes("south", code_of), Err(No::Revoked));
    assert_eq!(park.goes("leave", code_of), Ok(()), "whoever is inside gets out");
    assert_eq!(park.goes("leave", Presented::Bad(No::Unreadable)), Ok(()), "with whatever");
    let last = park.admissions().pop().unwrap();
    assert_eq!((last.way, last.ticket, last.cause), (Way::Out, None, Some(Cause::Free)));
}

#[test]
fn passback_is_as_the_site_says() {
    for (mode, expected, again) in [
        (PassbackMode::Hard, Err(No::Inside), Again::First),
        (PassbackMode::Soft, Ok(()), Again::Unseen),
        (PassbackMode::Off, Ok(()), Again::Return),
    ] {
        let mut park = Park::with(|rules| rules.tickets.passback.mode = mode);
        let ticket = park.ticket(1, None);
        let code = code(&ticket, Shown::Still);
        assert_eq!(park.goes("north", code), Ok(()));
        assert_eq!(park.goes("south", code), expected, "{mode:?}");
        assert_eq!(park.admissions().last().unwrap().again, again, "{mode:?}");
    }
}

#[test]
fn persons_of_one_ticket_follow_on_one_scan_as_far_as_the_site_lets_them() {
    let mut park = Park::with(|rules| rules.tickets.burst = 3);
    let group = park.ticket(5, Some(0));
    let code_of = code(&group, Shown::Still);
    park.scan("north", code_of).unwrap();
    for gone in 1..=3 {
        park.walks("north");
        assert_eq!(park.known(group.id).used, gone);
    }
    assert_eq!(park.gate("north").phase, gate::Phase::Idle, "three on one scan");
    park.scan("north", code_of).unwrap();
    park.walks("north");
    park.walks("north");
    assert_eq!(park.gate("north").phase, gate::Phase::Idle, "and no more than it is for");
    assert_eq!(park.goes("north", code_of), Err(No::Inside));
    assert_eq!(park.admissions().len(), 5);
}

/// Each bad code is told why, and the next visitor goes in at once.
#[test]
fn no_bad_code_lets_anybody_in_and_none_stands_in_the_next_ones_way() {
    let mut park = Park::new();
    let now = park.site.now;
    let sold = |printed| Sold {
        order: OrderId(1),
        no: 1,
        product: ProductId::parse("adult").unwrap(),
        slot: None,
        price: Money::new(6_000, Currency::Cny),
        moved: 0,
        more: Vec::new(),
        printed,
        returned: 0,
        kept_minor: 0,
    };
    let phone = park.ticket_as(1, Some(0), |t| t.medium = Medium::Phone);
    let paper = park.ticket_as(1, Some(0), |t| {
        (t.medium, t.edition, t.sold) = (Medium::Paper, 2, Some(sold(Some(2))));
    });
    let moved = park.ticket_as(1, Some(0), |t| {
        (t.edition, t.sold) = (3, Some(sold(Some(2))));
    });
    let tower = park.ticket_as(1, Some(0), |t| {
        t.areas = vec![Area::new(ZoneId::parse("tower").unwrap(), Some(0))];
    });
    let late = park.ticket_as(1, Some(0), |t| t.valid_until = now + HOURS * 2);
    let early = park.ticket_as(1, Some(0), |t| t.valid_from = now + HOURS * 5);
    park.site.now += HOURS * 3;
    let older = |ticket: &Ticket, edition, medium| {
        code(&Ticket { edition, medium, ..ticket.clone() }, Shown::Still)
    };
    let stranger = Ticket { digest: CodeDigest::of("another"), ..moved.clone() };
    let bad = Presented::Bad;
    for (shown, why) in [
        (code(&phone, Shown::Still), No::PageNeeded),
        // A picture of the code that the page gives to be typed.
        (Presented::Code(phone.digest), No::PageNeeded),
        (older(&paper, 1, Medium::Any), No::Printed),
        (older(&paper, 1, Medium::Paper), No::Reissued),
        (older(&moved, 2, Medium::Paper), No::Reissued),
        (older(&moved, 1, Medium::Any), No::Reissued),
        (code(&stranger, Shown::Still), No::Unknown),
        (code(&tower, Shown::Still), No::OtherGate),
        (code(&late, Shown::Still), No::TooLate),
        (code(&early, Shown::Still), No::TooEarly),
        (Presented::Code(CodeDigest::of("nobody's")), No::Unknown),
        (bad(No::KeyRetired), No::KeyRetired),
        (bad(No::OtherSite), No::OtherSite),
        (bad(No::Forged), No::Forged),
        (bad(No::Unreadable), No::Unreadable),
        (bad(No::PictureOld(12)), No::PictureOld(12)),
        (bad(No::ClockAhead(3)), No::ClockAhead(3)),
    ] {
        let before = park.admissions().len();
        assert_eq!(park.goes("north", shown), Err(why), "{shown:?}");
        assert_eq!(park.gate("north").refused, Some(why), "{shown:?}");
        let next = park.ticket(1, Some(0));
        assert_eq!(park.goes("north", code(&next, Shown::Changing)), Ok(()), "after {why:?}");
        assert_eq!(park.admissions().len(), before + 1, "{shown:?}");
    }
    assert_eq!(park.goes("north", code(&phone, Shown::Changing)), Ok(()));
    assert_eq!(park.goes("north", code(&paper, Shown::Still)), Ok(()));
    assert_eq!(park.goes("north", code(&moved, Shown::Still)), Ok(()));
}

/// It was sold here, the tables were lost, and the restored ones do not know of its newer code either.
#[test]
fn a_code_that_nobody_here_knows_is_good_once_by_what_it_says() {
    let mut park = Park::new();
    let now = park.site.now;
    let theirs = Ticket {
        id: TicketId(1 << 20),
        digest: CodeDigest::of("theirs 0"),
        areas: Vec::new(),
        valid_until: now + HOURS * 2,
        ..park.ticket(2, Some(0))
    };
    let first = code(&theirs, Shown::Still);
    assert_eq!(park.goes("north", first), Ok(()));
    let newer = Ticket { edition: 1, digest: CodeDigest::of("theirs 1"), ..theirs };
    assert_eq!(park.goes("south", code(&newer, Shown::Still)), Ok(()));
    assert_eq!(park.goes("north", first), Err(No::Reissued));
    assert_eq!(park.goes("north", code(&newer, Shown::Still)), Err(No::UsedUp), "for two");
}
