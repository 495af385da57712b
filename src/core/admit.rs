//! What a ticket gives before a gate: a first time, a return, or nothing and why. Knows no turnstile and no key.
//!
//! In each of its areas a ticket's persons come in once, and come back as its returns allow. Where ways out are watched,
//! who is inside is known, and nobody comes in twice without going out. Where they are not, a return is taken for one
//! after a pause.

use jiff::Timestamp;

use super::{
    rules::{PassbackMode, TicketRules},
    ticket::{Again, Area, NotAdmitted, Ticket},
};
use crate::types::ZoneId;

/// Where somebody stands.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    pub zone: &'a ZoneId,
    /// Ways out of the zone are watched.
    pub watched: bool,
}

impl Ticket {
    /// How its next person may go into a zone.
    pub fn may_enter(
        &self,
        at: Place<'_>,
        rules: &TicketRules,
        now: Timestamp,
    ) -> Result<Again, NotAdmitted> {
        match () {
            () if self.revoked => return Err(NotAdmitted::Revoked),
            () if now < self.valid_from => return Err(NotAdmitted::TooEarly),
            () if self.expired || now > self.valid_until => return Err(NotAdmitted::TooLate),
            () => {}
        }
        if self.areas.is_empty() {
            let left = self.persons.saturating_sub(self.used).saturating_sub(self.held);
            return if left > 0 { Ok(Again::First) } else { Err(NotAdmitted::UsedUp) };
        }
        let area = self.areas.iter().find(|area| area.zone == *at.zone);
        area.ok_or(NotAdmitted::OtherGate)?.may_enter(self.persons, at.watched, rules, now)
    }

    /// Persons who may still come in for the first time: into a zone, or into the area with the most left.
    pub fn left_in(&self, zone: Option<&ZoneId>) -> u32 {
        let left = |used: u32, held: u32| self.persons.saturating_sub(used).saturating_sub(held);
        let areas = self.areas.iter().filter(|area| zone.is_none_or(|zone| area.zone == *zone));
        let most = areas.map(|area| left(area.used, area.held)).max();
        most.unwrap_or_else(|| left(self.used, self.held))
    }

    /// One more is on the way into a zone, or is not any more.
    pub fn hold(&mut self, zone: Option<&ZoneId>, is_held: bool) {
        let turn = |held: u32| if is_held { held + 1 } else { held.saturating_sub(1) };
        self.held = turn(self.held);
        if let Some(area) = self.area_mut(zone) {
            area.held = turn(area.held);
        }
    }

    /// Somebody who was held went in.
    pub fn went_in(&mut self, zone: Option<&ZoneId>, again: Again, watched: bool, now: Timestamp) {
        self.hold(zone, false);
        let persons = self.persons;
        let Some(area) = self.area_mut(zone) else {
            // A sister daemon may have counted it already.
            self.used = (self.used + 1).min(persons);
            return;
        };
        match again {
            Again::First => area.used = (area.used + 1).min(persons),
            Again::Return | Again::Unseen => area.returned += 1,
        }
        if watched {
            area.inside = (area.inside + 1).min(persons);
        }
        area.last_at = Some(now);
        self.used = self.areas.iter().map(|area| area.used).max().unwrap_or_default();
    }

    /// Somebody went out of a zone.
    pub fn went_out(&mut self, zone: &ZoneId, now: Timestamp) {
        if let Some(area) = self.area_mut(Some(zone)) {
            area.inside = area.inside.saturating_sub(1);
            area.last_at = Some(now);
        }
    }

    fn area_mut(&mut self, zone: Option<&ZoneId>) -> Option<&mut Area> {
        self.areas.iter_mut().find(|area| Some(&area.zone) == zone)
    }
}

impl Area {
    fn may_enter(
        &self,
        persons: u32,
        watched: bool,
        rules: &TicketRules,
        now: Timestamp,
    ) -> Result<Again, NotAdmitted> {
        let since = self.last_at.map(|last| now.duration_since(last).unsigned_abs());
        let passback = &rules.passback;
        let looked_at = watched && passback.mode != PassbackMode::Off;
        // Long ago: whoever was inside went out unseen.
        let neutral = since.is_some_and(|since| since >= passback.neutral_after);
        let inside = if looked_at && !neutral { self.inside } else { 0 };
        let outside = self.used.saturating_sub(inside).saturating_sub(self.held);
        let may_return = self.may_return(persons);
        let first = self.used + self.held < persons;
        let paused = watched || since.is_none_or(|since| since >= rules.return_pause);
        match () {
            () if watched && outside > 0 && may_return => Ok(Again::Return),
            () if first => Ok(Again::First),
            () if outside > 0 && may_return && paused => Ok(Again::Return),
            () if inside > 0
                && self.held == 0
                && may_return
                && passback.mode == PassbackMode::Soft =>
            {
                Ok(Again::Unseen)
            }
            () if outside > 0 && !may_return && self.returns != Some(0) => {
                Err(NotAdmitted::NoReturn)
            }
            () if self.returns == Some(0) && inside == 0 => Err(NotAdmitted::UsedUp),
            () if self.returns == Some(0) && inside < self.used => Err(NotAdmitted::NoReturn),
            () => Err(NotAdmitted::Inside),
        }
    }

    /// Somebody who went out may come back, as far as the number of returns goes.
    pub(super) fn may_return(&self, persons: u32) -> bool {
        let most = |returns: u32| u64::from(returns) * u64::from(persons);
        self.returns.is_none_or(|returns| u64::from(self.returned) < most(returns))
    }

    /// Somebody may still come in, come back or go out on it.
    pub(super) fn is_alive(&self, persons: u32) -> bool {
        self.used < persons || self.inside > 0 || self.may_return(persons)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        core::{
            rules::TicketPassback,
            ticket::{Medium, NotAdmitted as No},
        },
        types::{CodeDigest, TicketId},
    };

    fn zone(name: &str) -> ZoneId {
        ZoneId::parse(name).unwrap()
    }

    fn ticket(persons: u32, returns: Option<u32>) -> Ticket {
        let begin = Timestamp::from_second(1_795_500_000).unwrap();
        Ticket {
            id: TicketId(1),
            digest: CodeDigest::of("one"),
            persons,
            used: 0,
            held: 0,
            valid_from: begin,
            valid_until: begin + Duration::from_hours(100),
            revoked: false,
            expired: false,
            made_at: begin,
            made_by: "page".into(),
            revoked_by: String::new(),
            areas: vec![Area::new(zone("park"), returns)],
            sold: None,
            edition: 0,
            medium: Medium::Any,
            visitor: None,
        }
    }

    /// `i` and `o`: somebody goes in or out, a minute later; `,`: an hour passes, `;`: a day; a capital `I`: comes in
    /// and is refused. What the last scan, another minute later, is told.
    fn check(
        rules: &TicketRules,
        watched: bool,
        mut ticket: Ticket,
        walk: &str,
    ) -> Result<Again, No> {
        let (park, mut now) = (zone("park"), ticket.valid_from);
        let at = Place { zone: &park, watched };
        for step in walk.chars() {
            now += Duration::from_mins(1);
            match step {
                'i' => {
                    let again = ticket.may_enter(at, rules, now);
                    let again = again.unwrap_or_else(|why| panic!("{walk}: {why:?}"));
                    ticket.hold(Some(&park), true);
                    assert_eq!(ticket.held, 1);
                    ticket.went_in(Some(&park), again, watched, now);
                }
                'I' => drop(ticket.may_enter(at, rules, now).expect_err(walk)),
                'o' => ticket.went_out(&park, now),
                ',' => now += Duration::from_hours(1),
                ';' => now += Duration::from_hours(24),
                other => panic!("{other}"),
            }
        }
        ticket.may_enter(at, rules, now + Duration::from_mins(1))
    }

    #[test]
    fn one_admission_for_each_right() {
        use Again::{First, Return, Unseen};
        let rules = |mode| TicketRules {
            passback: TicketPassback { mode, neutral_after: Duration::from_hours(12) },
            return_pause: Duration::from_mins(10),
            ..TicketRules::default()
        };
        let [hard, soft, off] =
            [PassbackMode::Hard, PassbackMode::Soft, PassbackMode::Off].map(rules);
        let (once, twice, often) = (Some(0), Some(1), None);
        for (rules, watched, persons, returns, walk, expected) in [
            // Ways out are watched.
            (&hard, true, 1, once, "", Ok(First)),
            (&hard, true, 1, once, "i", Err(No::Inside)),
            (&hard, true, 1, once, "io", Err(No::UsedUp)),
            (&hard, true, 1, twice, "i", Err(No::Inside)),
            (&hard, true, 1, twice, "io", Ok(Return)),
            (&hard, true, 1, twice, "ioi", Err(No::Inside)),
            (&hard, true, 1, twice, "ioio", Err(No::NoReturn)),
            (&hard, true, 1, often, "ioioioio", Ok(Return)),
            (&hard, true, 1, often, "ioioioioi", Err(No::Inside)),
            // After a long time nobody knows.
            (&hard, true, 1, often, "i;", Ok(Return)),
            (&hard, true, 1, often, "i,", Err(No::Inside)),
            (&hard, true, 1, once, "i;", Err(No::UsedUp)),
            // Soft: on record. Without a return there is none.
            (&soft, true, 1, often, "i", Ok(Unseen)),
            (&soft, true, 1, once, "i", Err(No::Inside)),
            (&soft, true, 1, twice, "ii", Err(No::Inside)),
            (&off, true, 1, often, "i", Ok(Return)),
            (&off, true, 1, once, "i", Err(No::UsedUp)),
            // Groups: k of n, and never more inside than it is for.
            (&hard, true, 3, once, "ii", Ok(First)),
            (&hard, true, 3, once, "iii", Err(No::Inside)),
            (&hard, true, 3, once, "iiio", Err(No::NoReturn)),
            (&hard, true, 3, once, "iio", Ok(First)),
            (&hard, true, 3, often, "iio", Ok(Return)),
            (&hard, true, 3, often, "iiiI", Err(No::Inside)),
            (&hard, true, 2, twice, "iioo", Ok(Return)),
            (&hard, true, 2, twice, "iiooii", Err(No::Inside)),
            (&hard, true, 2, twice, "iiooiioo", Err(No::NoReturn)),
            // Nobody watches ways out: a pause tells a return.
            (&hard, false, 1, once, "i", Err(No::UsedUp)),
            (&hard, false, 1, often, "i", Err(No::Inside)),
            (&hard, false, 1, often, "i,", Ok(Return)),
            (&hard, false, 1, twice, "i,i,", Err(No::NoReturn)),
            (&hard, false, 2, often, "i", Ok(First)),
        ] {
            let told = check(rules, watched, ticket(persons, returns), walk);
            let mode = rules.passback.mode;
            assert_eq!(told, expected, "{mode:?} watched {watched} {persons} {returns:?} {walk:?}");
        }
    }

    #[test]
    fn each_area_has_its_own_persons_and_no_other_gate_opens() {
        let rules = TicketRules::default();
        let mut ticket = ticket(1, Some(0));
        ticket.areas.push(Area::new(zone("tower"), Some(0)));
        let now = ticket.valid_from;
        let at = |name: &str| -> Result<Again, No> {
            let place = zone(name);
            ticket.may_enter(Place { zone: &place, watched: false }, &rules, now)
        };
        assert_eq!([at("park"), at("tower")], [Ok(Again::First); 2]);
        assert_eq!(at("museum"), Err(No::OtherGate));
        ticket.hold(Some(&zone("park")), true);
        ticket.went_in(Some(&zone("park")), Again::First, false, now);
        assert_eq!((ticket.used, ticket.held), (1, 0));
        let at = |name: &str| -> Result<Again, No> {
            let place = zone(name);
            ticket.may_enter(Place { zone: &place, watched: false }, &rules, now)
        };
        assert_eq!((at("park"), at("tower")), (Err(No::UsedUp), Ok(Again::First)));
        assert!(ticket.is_alive(), "the tower is left");
        assert_eq!((ticket.left_in(Some(&zone("park"))), ticket.left()), (0, 1));
    }
}
