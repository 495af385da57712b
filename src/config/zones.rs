//! The zones a site file names, and which of them a lane leads into. Knows no vehicle.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use super::check::Check;
use crate::{
    core::rules::{Spaces, SpacesFor, ZoneRules, Zones},
    types::ZoneId,
};

/// A part of the car park with its own count. A site without any has one, `lot`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ZoneSection {
    pub id: Spanned<ZoneId>,
    /// What drivers and operators read. Default: the id.
    pub name: Option<String>,
    /// The zone around it. Default: none, the street.
    pub parent: Option<Spanned<ZoneId>>,
    /// Spaces. Default: nobody counts.
    pub capacity: Option<u32>,
    /// Of its spaces, those that are for some vehicles. Default: none.
    #[serde(default)]
    pub spaces: Vec<SpacesSection>,
    /// Persons it holds: visitors wait at its gates while so many are inside. Default: nobody counts.
    pub persons_max: Option<Spanned<u32>>,
    /// Name of its tariff. Default: as in the zone around it.
    pub tariff: Option<Spanned<String>>,
}

/// Spaces that nobody else may take.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpacesSection {
    /// `motorcycle`, `small`, `medium`, `large` or `new_energy`.
    #[serde(rename = "for")]
    pub of: Spanned<SpacesFor>,
    pub count: Spanned<u32>,
    /// Once they are taken, more of these vehicles park on the others. Default false: they wait outside.
    #[serde(default)]
    pub others: bool,
}

impl Check<'_> {
    pub(super) fn zones(&mut self, sections: &[ZoneSection], site_name: &str) -> Zones {
        if sections.is_empty() {
            return Zones::one(site_name);
        }
        let mut zones = BTreeMap::new();
        for section in sections {
            let id = section.id.get_ref();
            let rules = ZoneRules {
                name: section.name.clone().unwrap_or_else(|| id.to_string()),
                parent: section.parent.as_ref().map(|parent| parent.get_ref().clone()),
                capacity: section.capacity,
                spaces: self.spaces(section),
                tariff: section.tariff.as_ref().map(|tariff| tariff.get_ref().clone()),
            };
            if zones.insert(id.clone(), rules).is_some() {
                self.wrong(&section.id, "zone.id", "is used twice");
            }
        }
        for parent in sections.iter().filter_map(|section| section.parent.as_ref()) {
            if !zones.contains_key(parent.get_ref()) {
                self.wrong(parent, "zone.parent", "names no [[zone]] of this file");
                return Zones::one(site_name);
            }
        }
        Zones::new(zones).unwrap_or_else(|| {
            self.wrong(&sections[0].id, "zone.parent", "a zone cannot lie within itself");
            Zones::one(site_name)
        })
    }

    /// Those for some vehicles are a part of all there are.
    fn spaces(&mut self, section: &ZoneSection) -> Vec<Spaces> {
        let mut spaces: Vec<Spaces> = Vec::new();
        let mut left = section.capacity.unwrap_or(0);
        for named in &section.spaces {
            let (of, count) = (*named.of.get_ref(), *named.count.get_ref());
            if spaces.iter().any(|known| known.of == of) {
                self.wrong(&named.of, "zone.spaces", "are for the same vehicles as others are");
            }
            match (section.capacity, left.checked_sub(count)) {
                (None, _) => {
                    let what = "are a part of the zone's capacity: set that as well";
                    self.wrong(&named.count, "zone.spaces", what);
                }
                (Some(_), None) => {
                    let what = format!("are more than the zone has left: {left}");
                    self.wrong(&named.count, "zone.spaces", what);
                }
                (Some(_), Some(rest)) => left = rest,
            }
            spaces.push(Spaces { of, count, others: named.others });
        }
        spaces
    }

    /// The zone a lane leads into or out of.
    pub(super) fn zone_of(&mut self, named: Option<&Spanned<ZoneId>>, zones: &Zones) -> ZoneId {
        let outermost = zones.iter().find(|(_, rules)| rules.parent.is_none());
        let usual = outermost.map_or_else(Zones::only, |(id, _)| id.clone());
        let Some(named) = named else { return usual };
        if zones.get(named.get_ref()).is_none() {
            self.wrong(named, "lane.zone", "names no [[zone]] of this file");
            return usual;
        }
        named.get_ref().clone()
    }
}
