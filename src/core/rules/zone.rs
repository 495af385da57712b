//! The zones of a site as the site file gives them. Knows no vehicle.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::types::{Vehicle, VehicleClass, ZoneId};

/// A part of the car park with its own count. A lane of a zone leads into it and out of it: from and to its parent, or
/// the street.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneRules {
    /// What drivers and operators read.
    pub name: String,
    /// The zone around it; `None`: the street.
    pub parent: Option<ZoneId>,
    /// Spaces; `None`: nobody counts.
    pub capacity: Option<u32>,
    /// Of its spaces, those that are for some vehicles.
    pub spaces: Vec<Spaces>,
    /// Name of its tariff; `None`: the one of the zone around it, and its time is that zone's time.
    pub tariff: Option<String>,
}

/// Spaces of a zone that nobody else may take. A vehicle that more than one of these is for counts in the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spaces {
    pub of: SpacesFor,
    pub count: u32,
    /// Once they are taken, more of these vehicles park on the others; else they wait outside.
    pub others: bool,
}

/// Whom spaces are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SpacesFor {
    Motorcycle,
    Small,
    Medium,
    Large,
    /// Of any size.
    NewEnergy,
}

impl SpacesFor {
    pub fn fits(self, vehicle: Vehicle) -> bool {
        match self {
            Self::Motorcycle => vehicle.class == VehicleClass::Motorcycle,
            Self::Small => vehicle.class == VehicleClass::Small,
            Self::Medium => vehicle.class == VehicleClass::Medium,
            Self::Large => vehicle.class == VehicleClass::Large,
            Self::NewEnergy => vehicle.is_new_energy(),
        }
    }

    /// What it is called in Chinese and English.
    pub fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Motorcycle => ("摩托车", "motorcycles"),
            Self::Small => ("小型车", "cars"),
            Self::Medium => ("中型车", "medium"),
            Self::Large => ("大型车", "large"),
            Self::NewEnergy => ("新能源车", "new energy"),
        }
    }
}

/// All zones of a site: at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zones(BTreeMap<ZoneId, ZoneRules>);

impl Zones {
    /// The name of the only zone of a site that names none.
    pub fn only() -> ZoneId {
        ZoneId::parse("lot").expect("a zone's name")
    }

    /// One zone that nobody counts.
    pub fn one(name: &str) -> Self {
        let (parent, capacity, spaces, tariff) = (None, None, Vec::new(), None);
        let rules = ZoneRules { name: name.to_owned(), parent, capacity, spaces, tariff };
        Self(BTreeMap::from([(Self::only(), rules)]))
    }

    /// `None`: there is none, a parent is not among them, or a zone lies within itself.
    pub fn new(zones: BTreeMap<ZoneId, ZoneRules>) -> Option<Self> {
        let zones = Self(zones);
        let fits = !zones.0.is_empty() && zones.0.keys().all(|zone| zones.is_sound(zone));
        fits.then_some(zones)
    }

    fn is_sound(&self, zone: &ZoneId) -> bool {
        let mut at = zone;
        for _ in 0..=self.0.len() {
            match self.0.get(at).map(|rules| &rules.parent) {
                Some(Some(parent)) => at = parent,
                Some(None) => return true,
                None => return false,
            }
        }
        false
    }

    /// The zone as this site names it, with its rules.
    pub fn get_key(&self, zone: &ZoneId) -> Option<(&ZoneId, &ZoneRules)> {
        self.0.get_key_value(zone)
    }

    pub fn get(&self, zone: &ZoneId) -> Option<&ZoneRules> {
        self.0.get(zone)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&ZoneId, &ZoneRules)> {
        self.0.iter()
    }

    /// The zone itself and those around it, the innermost first.
    pub fn around<'a>(&'a self, zone: &'a ZoneId) -> impl Iterator<Item = &'a ZoneId> {
        std::iter::successors(Some(zone), |zone| self.get(zone)?.parent.as_ref())
    }

    /// The outermost zone around it.
    pub fn root<'a>(&'a self, zone: &'a ZoneId) -> &'a ZoneId {
        self.around(zone).last().unwrap_or(zone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(id: &str) -> ZoneId {
        ZoneId::parse(id).unwrap()
    }

    fn inside(parent: Option<&str>) -> ZoneRules {
        let parent = parent.map(zone);
        let (name, capacity, spaces, tariff) = (String::new(), None, Vec::new(), None);
        ZoneRules { name, parent, capacity, spaces, tariff }
    }

    #[test]
    fn nested_zones_have_one_root_and_no_circle() {
        let zones = [("lot", None), ("b1", Some("lot")), ("b2", Some("b1"))];
        let zones = zones.map(|(id, parent)| (zone(id), inside(parent)));
        let zones = Zones::new(zones.into()).unwrap();
        let b2 = zone("b2");
        let around: Vec<_> = zones.around(&b2).map(ZoneId::as_str).collect();
        assert_eq!(around, ["b2", "b1", "lot"]);
        assert_eq!(zones.root(&b2), &zone("lot"));

        let circle = [(zone("a"), inside(Some("b"))), (zone("b"), inside(Some("a")))];
        assert_eq!(Zones::new(circle.into()), None);
        assert_eq!(Zones::new([(zone("a"), inside(Some("x")))].into()), None);
        assert_eq!(Zones::new(BTreeMap::new()), None);
    }
}
