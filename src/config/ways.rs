//! How lanes share roadways and turn, and what is done with misreads, as the site file says it. Knows no vehicle.

use std::collections::BTreeMap;

use jiff::civil::Time;
use paifang_devices::Capability;
use serde::Deserialize;
use toml::Spanned;

use super::{LaneSection, check::Check, devices::Device, lanes::Lanes};
use crate::{
    core::{
        matching::Sureness,
        rules::{Behind, Couple, Direction, LaneRules, MatchRules, Tide, Turn, Twice, TwoCameras},
    },
    types::{DeviceId, LaneId},
};

/// A tidal lane: `tidal = {}` turns by hand only.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TidalSection {
    /// Times of day at which it turns, by the site's clock. It turns as soon as it is empty. Default: none.
    #[serde(default)]
    pub turns: Vec<TurnSection>,
    /// What reads the plates of those who come while it leads the other way than at first; the lane's own camera then opens
    /// nothing. Default: the lane's own, which sees both.
    pub camera: Option<Spanned<DeviceId>>,
    /// What those read; meanwhile the lane's own display says that it is closed. Default: the lane's own.
    pub display: Option<Spanned<DeviceId>>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TurnSection {
    /// Such as `"07:30"`.
    pub at: Spanned<String>,
    /// Where it leads from then on.
    pub direction: Direction,
}

/// Another lane on the same roadway, or at the other end of a sluice.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CoupleSection {
    pub lane: Spanned<LaneId>,
    /// `arm`: the other arm is down. `lane`: and nobody stands there. Default `arm`.
    #[serde(default)]
    pub waits_for: Behind,
}

/// What is done with plates that do not fit. See [`MatchRules`] and [`Sureness`] for each.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MatchingSection {
    /// Percent from which the likeliest vehicle is taken unasked; 101 never is. Default 80.
    pub percent_min: Option<Spanned<u8>>,
    /// Percent that it must be ahead of the second. Default 10.
    pub margin: Option<Spanned<u8>>,
    /// Minor units that may be at stake without an operator's word. Default 2000.
    pub fee_minor_max: Option<Spanned<i64>>,
    /// Vehicles shown to pick from, 1 to 50. Default 8.
    pub candidates_max: Option<Spanned<usize>>,
    /// Plates a driver may try in vain; 0 lets no driver name one. Default 3.
    pub tries_max: Option<u8>,
    /// `anew`, `goes_on` or `ask`: a plate comes in that is inside already. Default `anew`.
    #[serde(default)]
    pub same_plate_twice: Twice,
}

impl Check<'_> {
    pub(super) fn matching(&mut self, section: &MatchingSection) -> MatchRules {
        let usual = MatchRules::default();
        for (value, field) in
            [(&section.percent_min, "matching.percent_min"), (&section.margin, "matching.margin")]
        {
            if let Some(value) = value.as_ref().filter(|value| *value.get_ref() > 101) {
                self.wrong(value, field, "is a percentage: 0 to 100, or 101 for never");
            }
        }
        if let Some(fee) = section.fee_minor_max.as_ref().filter(|fee| *fee.get_ref() < 0) {
            self.wrong(
                fee,
                "matching.fee_minor_max",
                "cannot be negative; 0 asks an operator always",
            );
        }
        let shown = section.candidates_max.as_ref();
        if let Some(shown) = shown.filter(|shown| !(1..=50).contains(shown.get_ref())) {
            self.wrong(shown, "matching.candidates_max", "must be 1 to 50");
        }
        let or =
            |value: &Option<Spanned<u8>>, usual| value.as_ref().map_or(usual, |v| *v.get_ref());
        MatchRules {
            sureness: Sureness {
                percent_min: or(&section.percent_min, usual.sureness.percent_min),
                margin: or(&section.margin, usual.sureness.margin),
            },
            fee_minor_max: section
                .fee_minor_max
                .as_ref()
                .map_or(usual.fee_minor_max, |v| *v.get_ref()),
            candidates_max: shown.map_or(usual.candidates_max, |v| *v.get_ref()),
            tries_max: section.tries_max.unwrap_or(usual.tries_max),
            twice: section.same_plate_twice,
        }
    }

    /// What a lane is besides a way in or out; lanes it names are looked at by [`Check::couples`].
    pub(super) fn ways(&mut self, section: &LaneSection, rules: &mut LaneRules) {
        rules.street = section.leads_to_street;
        rules.tailgating = section.tailgating;
        rules.tide = section.tidal.as_ref().map(|tidal| {
            let named =
                |camera: &Option<Spanned<DeviceId>>| Some(camera.as_ref()?.get_ref().clone());
            let cameras = named(&section.camera).zip(named(&tidal.camera));
            let cameras = cameras.map(|(first, back)| TwoCameras { first, back });
            Tide { cameras, ..self.tide(tidal) }
        });
        rules.couple = section.couple.as_ref().map(|couple| Couple {
            lane: couple.lane.get_ref().clone(),
            waits_for: couple.waits_for,
        });
    }

    fn tide(&mut self, section: &TidalSection) -> Tide {
        let mut turns: Vec<Turn> = Vec::new();
        for turn in &section.turns {
            let Ok(at) = turn.at.get_ref().parse::<Time>() else {
                self.wrong(&turn.at, "lane.tidal", "is no time of day; try \"07:30\"");
                continue;
            };
            if turns.iter().any(|other| other.at == at) {
                self.wrong(&turn.at, "lane.tidal", "is named twice");
            }
            turns.push(Turn { at, direction: turn.direction });
        }
        turns.sort_by_key(|turn| turn.at);
        Tide { turns, cameras: None }
    }

    /// What stands at the other end of a tidal lane: the camera and the display of its way back.
    pub(super) fn way_back(
        &mut self,
        section: &LaneSection,
        devices: &BTreeMap<DeviceId, Device>,
    ) -> (Option<DeviceId>, Option<DeviceId>) {
        let Some(tidal) = &section.tidal else { return (None, None) };
        let mut named = |own: &Option<Spanned<DeviceId>>,
                         back: &Option<Spanned<DeviceId>>,
                         needs| {
            let field = if needs == Capability::PlateRead { "camera" } else { "display" };
            let back = back.as_ref()?;
            let at = format!("lane.tidal.{field}");
            match own {
                Some(own) if own.get_ref() == back.get_ref() => {
                    self.wrong(back, &at, "is that of the lane's first way too: leave it out here");
                }
                None => {
                    let what =
                        format!("is of the way back: the lane needs a {field} of its own as well");
                    self.wrong(back, &at, what);
                }
                Some(_) => {}
            }
            self.device(back, &at, needs, devices).map(|device| device.id.clone())
        };
        let camera = named(&section.camera, &tidal.camera, Capability::PlateRead);
        let display = named(&section.display, &tidal.display, Capability::ShowText);
        (camera, display)
    }

    /// A coupled lane is another one for vehicles, and two do not both wait for the other to be empty.
    pub(super) fn couples(&mut self, sections: &[LaneSection], lanes: &Lanes) {
        let waits = |lane: &LaneId| lanes.lane_rules.get(lane)?.couple.as_ref();
        for section in sections {
            let Some(couple) = &section.couple else { continue };
            let (id, other) = (section.id.get_ref(), couple.lane.get_ref());
            if other == id || !lanes.lane_rules.contains_key(other) {
                self.wrong(&couple.lane, "lane.couple", "names no other lane for vehicles");
            } else if couple.waits_for == Behind::Lane
                && waits(other)
                    .is_some_and(|back| back.lane == *id && back.waits_for == Behind::Lane)
            {
                let what =
                    "both would wait for the other to be empty; one of them waits for \"arm\"";
                self.wrong(&couple.lane, "lane.couple", what);
            }
        }
    }
}
