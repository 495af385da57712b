//! Codes checked by staff with a phone, at a zone that no turnstile leads into.

use super::*;
use crate::{
    core::{
        input::HandCheck,
        ticket::{Admission, Area, Medium, NotAdmitted as No},
    },
    types::CodeDigest,
};

fn ticket(site: &mut Site, code: &str, persons: u32, returns: Option<u32>) -> Ticket {
    let id = site.sell(code, persons);
    let mut ticket = site.last_ticket(id);
    ticket.areas = vec![Area::new(Zones::only(), returns)];
    let change = Change::Ticket(ticket.clone());
    site.state.apply(&change);
    site.journal.push(change);
    ticket
}

fn check(site: &mut Site, key: &str, way: Way, code: &str, persons: u32) -> Reply {
    let shown = Presented::Code(Code::parse(code).unwrap().digest());
    let zone = Zones::only();
    let who = "wang".to_owned();
    site.tell(Input::CheckedByHand(HandCheck {
        key: key.into(),
        zone,
        way,
        shown,
        found: None,
        persons,
        who,
    }))
}

fn refused(why: No) -> Reply {
    Err(Refusal::NotAdmitted(lane("hand-lot"), why))
}

fn admissions(site: &Site) -> Vec<Admission> {
    let of = |change: &Change| match change {
        Change::Admission(admission) => Some(admission.clone()),
        _ => None,
    };
    site.journal.iter().filter_map(of).collect()
}

#[test]
fn so_many_of_a_group_go_in_at_once_or_none_and_the_operator_is_on_record() {
    let mut site = Site::new();
    let group = ticket(&mut site, "GROUP", 5, Some(0));
    assert_eq!(check(&mut site, "k1", Way::In, "GROUP", 3), Ok(Answer::Ticket(group.id)));
    assert_eq!(check(&mut site, "k1", Way::In, "GROUP", 3), Ok(Answer::Duplicate), "sent twice");
    assert_eq!(site.last_ticket(group.id).used, 3);
    assert!(check(&mut site, "k2", Way::In, "GROUP", 3).is_err(), "two are left");
    assert_eq!(site.last_ticket(group.id).used, 3, "all or none");
    assert_eq!(check(&mut site, "k3", Way::In, "GROUP", 2), Ok(Answer::Ticket(group.id)));
    let all = admissions(&site);
    assert_eq!(all.len(), 5);
    let by = |admission: &Admission| match &admission.cause {
        Some(Cause::Operator { who, .. }) => who == "wang",
        _ => false,
    };
    assert!(all.iter().all(by), "{all:?}");
    let told_no = site.journal.iter().any(
        |change| matches!(change, Change::ScanRefused { who: Some(who), .. } if who == "wang"),
    );
    assert!(told_no, "a refusal has a name too");
}

#[test]
fn the_crowd_limit_holds_and_leaving_makes_room() {
    let mut site = Site::new();
    site.rules.tickets.persons_max.insert(Zones::only(), 4);
    let group = ticket(&mut site, "GROUP", 5, Some(0));
    ticket(&mut site, "ONE", 1, Some(0));
    assert_eq!(check(&mut site, "k1", Way::In, "GROUP", 5), refused(No::Full));
    assert_eq!(check(&mut site, "k2", Way::In, "GROUP", 4), Ok(Answer::Ticket(group.id)));
    assert_eq!(check(&mut site, "k3", Way::In, "ONE", 1), refused(No::Full));
    assert_eq!(check(&mut site, "k4", Way::Out, "GROUP", 2), Ok(Answer::Ticket(group.id)));
    assert_eq!(site.state.crowds[&Zones::only()].inside, 2);
    assert_eq!(check(&mut site, "k3", Way::In, "ONE", 1), refused(No::Busy), "told no before");
    assert!(check(&mut site, "k5", Way::In, "ONE", 1).is_ok());
    // Nobody is kept inside, whatever they show.
    assert_eq!(check(&mut site, "k6", Way::Out, "NOBODYS", 1), Ok(Answer::Done));
    assert_eq!(site.state.crowds[&Zones::only()].inside, 2);
}

/// What stands under the code on a phone is there for them.
#[test]
fn the_code_that_is_typed_is_good_in_the_hand_of_staff() {
    let mut site = Site::new();
    let mut phone = ticket(&mut site, "TYPED", 1, Some(0));
    phone.medium = Medium::Phone;
    let change = Change::Ticket(phone.clone());
    site.state.apply(&change);
    site.journal.push(change);
    assert_eq!(check(&mut site, "k1", Way::In, "TYPED", 1), Ok(Answer::Ticket(phone.id)));
    assert_eq!(phone.digest, CodeDigest::of("TYPED"));
}
