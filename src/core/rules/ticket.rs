//! How a site's tickets are numbered, what their codes say, and how its gates take them. Knows no key.

use std::{collections::BTreeMap, time::Duration};

use super::{super::presented::Claims, PassbackMode};
use crate::types::{ProductId, TicketId, ZoneId};

/// Areas a code can name; the bit above them means an area that is on no list.
pub const AREAS_MAX: usize = 15;

/// Bits of a ticket's number that its issuer counts in.
const ISSUER_SHIFT: u32 = 40;

#[derive(Clone, Debug)]
pub struct TicketRules {
    /// Tells the daemons of one site apart: the upper byte of each ticket's number. 0 where there is one.
    pub issuer: u8,
    /// In the order of their bits in codes, at most [`AREAS_MAX`]; new ones go behind, none changes its place.
    pub areas: Vec<ZoneId>,
    /// Of products, in codes.
    pub numbers: BTreeMap<ProductId, u16>,
    pub passback: TicketPassback,
    /// Where nobody watches ways out, who came in comes back no sooner. Default 10 minutes.
    pub return_pause: Duration,
    /// Persons of one ticket who follow each other on one scan, at most. Default 1: each scan lets in one.
    pub burst: u32,
    /// Persons a zone holds; nobody counts in the others.
    pub persons_max: BTreeMap<ZoneId, u32>,
    /// Who waits at a gate for a place is let in when somebody leaves within this, and scans again later. Default 60 s.
    pub crowd_wait: Duration,
    /// The site's day begins so long after midnight, with nobody inside. Default 4 hours.
    pub day_begins: Duration,
}

/// A ticket that comes in twice and never went out, where ways out are watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TicketPassback {
    /// Default hard. Soft: it is let in if it has a return, on record.
    pub mode: PassbackMode,
    /// So long after its last passage nobody knows where its holder is. Default 12 hours.
    pub neutral_after: Duration,
}

impl Default for TicketPassback {
    fn default() -> Self {
        Self { mode: PassbackMode::Hard, neutral_after: Duration::from_hours(12) }
    }
}

impl Default for TicketRules {
    fn default() -> Self {
        Self {
            issuer: 0,
            areas: Vec::new(),
            numbers: BTreeMap::new(),
            passback: TicketPassback::default(),
            return_pause: Duration::from_mins(10),
            burst: 1,
            persons_max: BTreeMap::new(),
            crowd_wait: Duration::from_mins(1),
            day_begins: Duration::from_hours(4),
        }
    }
}

impl TicketRules {
    /// The bits of zones; none given: 0, which means all.
    pub fn bits<'a>(&self, zones: impl Iterator<Item = &'a ZoneId>) -> u16 {
        let bit = |zone: &ZoneId| {
            let place = self.areas.iter().take(AREAS_MAX).position(|area| area == zone);
            1 << place.unwrap_or(AREAS_MAX)
        };
        zones.fold(0, |bits, zone| bits | bit(zone))
    }

    /// The zones a code names; an empty list means all, unless it names none that is known here.
    pub fn zones(&self, claims: &Claims) -> Option<Vec<ZoneId>> {
        let named = |(place, _): &(usize, &ZoneId)| claims.areas >> place & 1 == 1;
        let areas = self.areas.iter().take(AREAS_MAX).enumerate();
        let zones: Vec<ZoneId> = areas.filter(named).map(|(_, zone)| zone.clone()).collect();
        (claims.areas == 0 || !zones.is_empty()).then_some(zones)
    }

    /// The product of a number.
    pub fn product(&self, number: u16) -> Option<&ProductId> {
        self.numbers.iter().find(|(_, known)| **known == number).map(|(product, _)| product)
    }

    /// The number before this daemon's first ticket.
    pub fn first(&self) -> i64 {
        i64::from(self.issuer) << ISSUER_SHIFT
    }

    /// Whoever gave a ticket its number.
    pub fn issuer_of(ticket: TicketId) -> u8 {
        (ticket.0 >> ISSUER_SHIFT) as u8
    }

    /// This daemon gave the ticket its number.
    pub fn is_own(&self, ticket: TicketId) -> bool {
        Self::issuer_of(ticket) == self.issuer
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::core::ticket::Medium;

    fn zone(name: &str) -> ZoneId {
        ZoneId::parse(name).unwrap()
    }

    #[test]
    fn areas_are_bits_and_an_unknown_one_is_not_all_of_them() {
        let areas = vec![zone("park"), zone("museum"), zone("tower")];
        let rules = TicketRules { areas, ..TicketRules::default() };
        let claims = |areas| Claims {
            ticket: TicketId(1),
            edition: 0,
            medium: Medium::Any,
            persons: 1,
            valid_from: Timestamp::UNIX_EPOCH,
            valid_until: Timestamp::UNIX_EPOCH,
            areas,
            product: 0,
        };
        assert_eq!(rules.bits([zone("tower"), zone("park")].iter()), 0b101);
        assert_eq!(rules.zones(&claims(0b101)), Some(vec![zone("park"), zone("tower")]));
        assert_eq!(rules.bits([].iter()), 0);
        assert_eq!(rules.zones(&claims(0)), Some(Vec::new()));
        let elsewhere = rules.bits([zone("zoo")].iter());
        assert_eq!((elsewhere, rules.zones(&claims(elsewhere))), (0x8000, None));
    }

    #[test]
    fn two_daemons_of_a_site_never_give_the_same_number() {
        let second = TicketRules { issuer: 2, ..TicketRules::default() };
        let theirs = TicketId(second.first() + 1);
        assert!(second.is_own(theirs) && !TicketRules::default().is_own(theirs));
        assert!(theirs.0 < 1 << 48 && !second.is_own(TicketId(1)));
    }
}
