//! A sister's ticket checked by staff where no turnstile stands: asked about at its home as at a gate.

use super::*;
use crate::core::input::HandCheck;

#[test]
fn a_check_by_hand_waits_for_the_home_and_tells_what_it_said() {
    let mut pair = Pair::new(WhenApart::HomeOnly);
    let shown = pair.0[HOME].sell(1);
    let check = |pair: &mut Pair, key: &str| {
        let (key, zone) = (key.to_owned(), Zones::only());
        let found = pair.0[AWAY].over(&shown);
        let told = pair.0[AWAY].site.tell(Input::CheckedByHand(HandCheck {
            key,
            zone,
            way: Way::In,
            shown,
            found,
            persons: 1,
            who: "li".into(),
        }));
        pair.0[AWAY].obey();
        told
    };
    assert_eq!(check(&mut pair, "one"), Ok(Answer::Asked));
    assert_eq!(check(&mut pair, "one"), Ok(Answer::Asked));
    pair.carry(AWAY).unwrap();
    assert_eq!(check(&mut pair, "one"), Ok(Answer::Duplicate), "let in by this check");
    pair.exchange();
    assert_eq!(pair.0[HOME].ticket(id_of(shown)).unwrap().used, 1);
    assert_eq!(check(&mut pair, "two"), Ok(Answer::Asked));
    assert_eq!(refused(&pair.carry(AWAY)), NotAdmitted::UsedUp);
    assert_eq!(refused(&check(&mut pair, "two")), NotAdmitted::UsedUp);
    pair.part();
    assert_eq!(refused(&check(&mut pair, "three")), NotAdmitted::Apart);
    pair.wait(Duration::from_mins(1));
    assert!(pair.0[AWAY].site.state.asks.is_empty());
}

#[test]
fn a_group_goes_in_whole_or_not_at_all_and_its_home_counts_each() {
    let mut pair = Pair::new(WhenApart::HomeOnly);
    let shown = pair.0[HOME].sell(5);
    let check = |pair: &mut Pair, key: &str, persons: u32| {
        let (key, zone) = (key.to_owned(), Zones::only());
        let found = pair.0[AWAY].over(&shown);
        let (way, who) = (Way::In, "li".to_owned());
        let asked = HandCheck { key, zone, way, shown, found, persons, who };
        let told = pair.0[AWAY].site.tell(Input::CheckedByHand(asked));
        pair.0[AWAY].obey();
        told
    };
    let used = |pair: &Pair| {
        let ticket = pair.0[HOME].ticket(id_of(shown)).unwrap();
        (ticket.used, ticket.held)
    };
    assert_eq!(check(&mut pair, "one", 3), Ok(Answer::Asked));
    assert_eq!(pair.0[AWAY].asked.len(), 3);
    assert_eq!(pair.carry(AWAY), Ok(Answer::Done), "with the last answer");
    assert_eq!(check(&mut pair, "one", 3), Ok(Answer::Duplicate), "let in by this check");
    assert_eq!(used(&pair), (0, 3), "kept until she has told");
    pair.exchange();
    assert_eq!(used(&pair), (3, 0));

    // Two are left: of three nobody goes in, and nobody is kept.
    assert_eq!(check(&mut pair, "two", 3), Ok(Answer::Asked));
    assert_eq!(refused(&pair.carry(AWAY)), NotAdmitted::UsedUp);
    assert_eq!(refused(&check(&mut pair, "two", 3)), NotAdmitted::UsedUp);
    pair.exchange();
    assert_eq!(used(&pair), (3, 0));
    assert_eq!(check(&mut pair, "three", 2), Ok(Answer::Asked));
    assert_eq!(pair.carry(AWAY), Ok(Answer::Done));
    pair.exchange();
    assert_eq!(used(&pair), (5, 0));
    pair.wait(Duration::from_mins(1));
    assert!(pair.0[AWAY].site.state.asks.is_empty());
}
