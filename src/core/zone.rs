//! Zones: nested parts of the car park, each with a count. Knows no sign and no lane.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    rules::{Rules, Spaces, SpacesFor, Zones},
    state::State,
    stay::Stay,
};
use crate::types::ZoneId;

/// What the journal keeps of a zone. How many vehicles are inside follows from the open stays; this is the rest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Zone {
    pub id: ZoneId,
    /// Vehicles inside that no open stay tells of; below zero: open stays without a vehicle. An operator who counted
    /// sets it, and a vehicle that slipped through changes it by one.
    pub correction: i64,
    pub corrected_at: Option<Timestamp>,
    /// The latest counts by operators, oldest first: how far the number drifts shows in them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub counts: Vec<Counted>,
}

/// Counts kept with a zone; all of them are in the journal.
pub(super) const COUNTS_MAX: usize = 14;

/// An operator's count of a zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    pub at: Timestamp,
    pub who: String,
    pub reason: String,
    /// What the zone was thought to hold.
    pub was: i64,
    pub found: u32,
}

impl Counted {
    /// How far off the number had been.
    pub fn drift(&self) -> i64 {
        i64::from(self.found) - self.was
    }
}

/// Time spent in a nested zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    pub zone: ZoneId,
    pub from: Timestamp,
    /// `None`: it is there now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Timestamp>,
}

/// How full a zone is, with what lies within it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Occupancy {
    /// Stays and correction; below zero where a correction has outlived its cause.
    pub inside: i64,
    /// `None`: nobody counts.
    pub capacity: Option<u32>,
    /// Spaces that are free and kept for some vehicles only.
    pub apart: u32,
}

/// What a sign tells of a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    Free,
    Few,
    Full,
}

impl Occupancy {
    /// Vehicles inside, as shown.
    pub fn vehicles(self) -> u32 {
        u32::try_from(self.inside.max(0)).unwrap_or(u32::MAX)
    }

    /// Spaces left for everybody; `None`: nobody counts.
    pub fn free(self) -> Option<u32> {
        let taken = self.vehicles().saturating_add(self.apart);
        self.capacity.map(|capacity| capacity.saturating_sub(taken))
    }

    pub fn is_full(self) -> bool {
        self.free() == Some(0)
    }

    /// `few`: so many spaces are few. Where nobody counts there is always room.
    pub fn level(self, few: u32) -> Level {
        match self.free() {
            Some(0) => Level::Full,
            Some(free) if free <= few => Level::Few,
            Some(_) | None => Level::Free,
        }
    }
}

/// What other programs are told of a zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Count {
    pub zone: ZoneId,
    pub name: String,
    /// Vehicles inside, with what lies within the zone.
    pub vehicles: u32,
    /// Spaces; `None`: nobody counts.
    pub capacity: Option<u32>,
    /// Free for everybody.
    pub free: Option<u32>,
    /// Spaces that are for some vehicles.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub spaces: Vec<SpacesCount>,
}

/// What other programs are told of spaces that are for some vehicles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct SpacesCount {
    pub of: SpacesFor,
    pub count: u32,
    pub free: u32,
}

impl Count {
    /// All zones of a site.
    pub fn all(state: &State, rules: &Rules) -> Vec<Self> {
        let zones = rules.zones.iter().map(|(id, zone)| {
            let at = state.occupancy(&rules.zones, id);
            let (vehicles, free) = (at.vehicles(), at.free());
            let (zone, name) = (id.clone(), zone.name.clone());
            let spaces = state.spaces(&rules.zones, &zone);
            Self { zone, name, vehicles, capacity: at.capacity, free, spaces }
        });
        zones.collect()
    }

    /// `few`: so many spaces are few.
    pub fn level(&self, few: u32) -> Level {
        let apart = self.spaces.iter().map(|spaces| spaces.free).sum();
        Occupancy { inside: self.vehicles.into(), capacity: self.capacity, apart }.level(few)
    }
}

impl State {
    /// How full a zone is. The cost grows with the number of zones, not of vehicles.
    pub fn occupancy(&self, zones: &Zones, zone: &ZoneId) -> Occupancy {
        let correction = self.zones.get(zone).map_or(0, |zone| zone.correction);
        let apart = self.spaces(zones, zone).iter().map(|spaces| spaces.free).sum();
        occupancy(zones, zone, (correction, apart), |at| self.stays_at(at))
    }

    /// The spaces of a zone that are for some vehicles, and how many of them are free.
    pub fn spaces(&self, zones: &Zones, zone: &ZoneId) -> Vec<SpacesCount> {
        let Some(rules) = zones.get(zone) else { return Vec::new() };
        let taken = taken_apart(zones, zone, &rules.spaces, self.stays.values());
        let spaces = rules.spaces.iter().zip(taken);
        let count = |(spaces, taken): (&Spaces, u32)| SpacesCount {
            of: spaces.of,
            count: spaces.count,
            free: spaces.count.saturating_sub(taken),
        };
        spaces.map(count).collect()
    }

    /// A law: what is counted along the way is what a recount of all open stays gives.
    pub fn occupancy_is_sound(&self) -> bool {
        let mut recount = std::collections::BTreeMap::new();
        for stay in self.stays.values() {
            *recount.entry(stay.zone_now().clone()).or_insert(0_u32) += 1;
        }
        recount == self.inside
    }
}

/// `stays_at`: open stays that are in that very zone and in none within it.
pub(super) fn occupancy(
    zones: &Zones,
    zone: &ZoneId,
    (correction, apart): (i64, u32),
    stays_at: impl Fn(&ZoneId) -> i64,
) -> Occupancy {
    let within = zones.iter().map(|(id, _)| id).filter(|id| zones.around(id).any(|a| a == zone));
    let inside = correction + within.map(stays_at).sum::<i64>();
    Occupancy { inside, capacity: zones.get(zone).and_then(|rules| rules.capacity), apart }
}

/// Vehicles inside that each of a zone's spaces are for. Counted anew, and only where spaces are told apart: of the few
/// thousand stays that a car park holds.
pub(super) fn taken_apart<'s>(
    zones: &Zones,
    zone: &ZoneId,
    spaces: &[Spaces],
    stays: impl Iterator<Item = &'s Stay>,
) -> Vec<u32> {
    let mut taken = vec![0; spaces.len()];
    if spaces.is_empty() {
        return taken;
    }
    for stay in stays.filter(|stay| zones.around(stay.zone_now()).any(|around| around == zone)) {
        if let Some(at) = spaces.iter().position(|spaces| spaces.of.fits(stay.vehicle)) {
            taken[at] += 1;
        }
    }
    taken
}
