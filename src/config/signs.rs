//! Signs that tell of free spaces: `[[sign]]` of the site file. Knows no board's words.

use std::{collections::BTreeMap, time::Duration};

use paifang_devices::Capability;
use serde::Deserialize;
use toml::Spanned;

use super::{check::Check, devices::Device, lanes::Lanes};
use crate::{
    core::{
        rules::{SpacesFor, Zones},
        zone::Level,
    },
    types::{DeviceId, ZoneId},
};

/// A display that shows how many spaces are free.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignSection {
    /// A display of its own, not one of a lane.
    pub device: Spanned<DeviceId>,
    /// Each has its line, from the top down; each needs a capacity.
    #[serde(default)]
    pub zones: Vec<Spanned<ZoneId>>,
    /// Spaces that are for some vehicles: a line each, below those of the zones.
    #[serde(default)]
    pub spaces: Vec<SpacesShown>,
    /// So many spaces or fewer are few. Default 10.
    pub few: Option<u32>,
    /// Seconds between two changes, at least: boards go dark while they take a text. Default 2.
    pub every_s: Option<u32>,
    /// A line where there is room; `{zone}` and `{free}` are filled in. Default `{zone} {free}`.
    pub free: Option<Spanned<String>>,
    /// A line where there are few spaces. Default as `free`.
    pub few_text: Option<Spanned<String>>,
    /// A line where there is none. Default `{zone} 满`, or `{zone} FULL` on a site that speaks English.
    pub full: Option<Spanned<String>>,
}

/// Spaces of a zone that are for some vehicles.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpacesShown {
    pub zone: Spanned<ZoneId>,
    /// As in the zone's `spaces`.
    #[serde(rename = "for")]
    pub of: SpacesFor,
}

/// A checked sign.
#[derive(Clone, Debug)]
pub struct Sign {
    pub device: DeviceId,
    /// From the top down.
    pub lines: Vec<SignLine>,
    pub few: u32,
    /// Between two changes, at least.
    pub every: Duration,
    free: String,
    few_text: String,
    full: String,
}

/// What one line of a sign is about.
#[derive(Clone, Debug)]
pub struct SignLine {
    pub zone: ZoneId,
    /// `None`: spaces that are for everybody.
    pub of: Option<SpacesFor>,
    pub name: String,
}

impl Sign {
    /// One zone's line, and its colour as red, green, blue.
    pub fn line(&self, name: &str, free: u32, level: Level) -> (String, [u8; 3]) {
        let (text, rgb) = match level {
            Level::Free => (&self.free, [0, 255, 0]),
            Level::Few => (&self.few_text, [255, 160, 0]),
            Level::Full => (&self.full, [255, 0, 0]),
        };
        (text.replace("{zone}", name).replace("{free}", &free.to_string()), rgb)
    }
}

impl Check<'_> {
    pub(super) fn signs(
        &mut self,
        sections: &[SignSection],
        devices: &BTreeMap<DeviceId, Device>,
        zones: &Zones,
        lanes: &Lanes,
        speaks_english: bool,
    ) -> Vec<Sign> {
        let mut signs: Vec<Sign> = Vec::new();
        for section in sections {
            let id = section.device.get_ref();
            self.device(&section.device, "sign.device", Capability::ShowText, devices);
            let of_lane = lanes.lanes.values().flat_map(|lane| [&lane.display, &lane.display_back]);
            let of_gate = lanes.gates.values().map(|gate| &gate.display);
            if of_lane.chain(of_gate).flatten().any(|display| display == id) {
                self.wrong(&section.device, "sign.device", "is the display of a lane");
            }
            if signs.iter().any(|sign| sign.device == *id) {
                self.wrong(&section.device, "sign.device", "is another sign's");
            }
            for text in [&section.free, &section.few_text, &section.full].into_iter().flatten() {
                self.holes(text);
            }
            let lines = self.lines_shown(section, zones, speaks_english);
            let text = |given: Option<&Spanned<String>>, usual: &str| {
                given.map_or_else(|| usual.to_owned(), |text| text.get_ref().clone())
            };
            let free = text(section.free.as_ref(), "{zone} {free}");
            let full = if speaks_english { "{zone} FULL" } else { "{zone} 满" };
            signs.push(Sign {
                device: id.clone(),
                lines,
                few: section.few.unwrap_or(10),
                every: Duration::from_secs(section.every_s.unwrap_or(2).into()),
                few_text: text(section.few_text.as_ref(), &free),
                full: text(section.full.as_ref(), full),
                free,
            });
        }
        signs
    }

    fn lines_shown(
        &mut self,
        section: &SignSection,
        zones: &Zones,
        speaks_english: bool,
    ) -> Vec<SignLine> {
        if !(1..=4).contains(&(section.zones.len() + section.spaces.len())) {
            self.wrong(&section.device, "sign.zones", "names no zone, or more than four");
        }
        let mut shown = Vec::new();
        for zone in &section.zones {
            match zones.get(zone.get_ref()) {
                None => self.wrong(zone, "sign.zones", "names no [[zone]] of this file"),
                Some(rules) if rules.capacity.is_none() => {
                    self.wrong(zone, "sign.zones", "this [[zone]] needs a capacity");
                }
                Some(rules) => shown.push(SignLine {
                    zone: zone.get_ref().clone(),
                    of: None,
                    name: rules.name.clone(),
                }),
            }
        }
        for named in &section.spaces {
            let rules = zones.get(named.zone.get_ref());
            if !rules.is_some_and(|rules| rules.spaces.iter().any(|known| known.of == named.of)) {
                let what = "this [[zone]] keeps no spaces for these vehicles";
                self.wrong(&named.zone, "sign.spaces", what);
            }
            let (zh, en) = named.of.names();
            let name = if speaks_english { en } else { zh }.to_owned();
            shown.push(SignLine { zone: named.zone.get_ref().clone(), of: Some(named.of), name });
        }
        shown
    }

    fn holes(&mut self, text: &Spanned<String>) {
        for piece in text.get_ref().split('{').skip(1) {
            let hole = piece.split('}').next().unwrap_or_default();
            if !["zone", "free"].contains(&hole) {
                let what = format!("{{{hole}}} is never filled here; there is zone, free");
                self.wrong(text, "sign.text", what);
            }
        }
    }
}
