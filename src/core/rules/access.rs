//! Who may come in and out: what the site does about passes, lists and a full lot. Knows no lane.

use std::{collections::BTreeSet, time::Duration};

use serde::Deserialize;

use crate::types::VehicleClass;

/// The site's choices.
#[derive(Clone, Debug)]
pub struct AccessRules {
    /// A pass whose time is over.
    pub expired: Unfit,
    /// Every space of a pass is taken, its count is used up, or nothing is left of what was paid in.
    pub over_quota: Unfit,
    /// A pass for another zone.
    pub wrong_zone: Unfit,
    /// A pass outside of its hours of the week. `Charge`: only what lies outside is charged.
    pub out_of_hours: Unfit,
    /// A plate with a right of its own that the driver typed and no camera read. `Charge`: as if it had none.
    pub typed: Unfit,
    /// A plate on the black list.
    pub black: Refusal,
    pub full: FullRules,
    pub convert: Convert,
    pub passback: PassbackRules,
    /// A visitor may come so much before the reservation's time.
    pub early: Duration,
    /// A visitor may leave so much after it without paying.
    pub late: Duration,
    /// Before a pass ends its driver is told, at entries and exits, for so long.
    pub ending: Duration,
    /// Plates of emergency vehicles.
    pub emergency: Vec<PlatePattern>,
    /// Drivers of vehicles without a plate let themselves in by phone. `false`: an operator does.
    pub unlicensed_by_phone: bool,
}

impl Default for AccessRules {
    fn default() -> Self {
        Self {
            expired: Unfit::Charge,
            over_quota: Unfit::Charge,
            wrong_zone: Unfit::Charge,
            out_of_hours: Unfit::Charge,
            typed: Unfit::Ask,
            black: Refusal::Refuse,
            full: FullRules::default(),
            convert: Convert::LongestParked,
            passback: PassbackRules::default(),
            early: Duration::from_mins(30),
            late: Duration::from_mins(15),
            ending: Duration::from_hours(7 * 24),
            emergency: ["*警", "WJ*", "*应急"]
                .into_iter()
                .filter_map(PlatePattern::parse)
                .collect(),
            unlicensed_by_phone: true,
        }
    }
}

/// A right that does not fit: what becomes of the vehicle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unfit {
    /// It comes in and pays like anybody.
    Charge,
    /// It stays outside.
    Refuse,
    /// An operator is called.
    Ask,
}

/// Somebody who does not come in: with or without an operator's look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    Refuse,
    Ask,
}

/// Who comes in when no space is free. VIPs and emergency vehicles always do.
#[derive(Clone, Copy, Debug)]
pub struct FullRules {
    pub transient: Full,
    /// Holders of passes, and the white list.
    pub pass: Full,
    /// A visitor in time: the place was kept.
    pub reservation: Full,
    /// Spaces that only holders of passes and the white list may take.
    pub kept_for_passes: u32,
}

impl Default for FullRules {
    fn default() -> Self {
        let (transient, pass) = (Full::Refuse, Full::Refuse);
        Self { transient, pass, reservation: Full::Admit, kept_for_passes: 0 }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Full {
    Admit,
    /// It waits outside, and comes in when somebody leaves.
    Refuse,
    /// As `Refuse`, and an operator is called.
    Ask,
}

/// Which vehicle of a pass is covered when one of those that are leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Convert {
    /// The one that has paid like anybody for the longest time, from then on.
    LongestParked,
    /// None: who came in as a transient leaves as one.
    None,
}

/// A pass that comes in while it is inside, or goes out while it is not, has been handed to somebody.
#[derive(Clone, Copy, Debug)]
pub struct PassbackRules {
    pub mode: PassbackMode,
    /// After so long nobody knows where a plate is, and it is right either way.
    pub neutral_after: Duration,
}

impl Default for PassbackRules {
    fn default() -> Self {
        Self { mode: PassbackMode::Off, neutral_after: Duration::from_hours(7 * 24) }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PassbackMode {
    /// Nobody looks.
    Off,
    /// It passes, on record.
    Soft,
    /// It does not pass; an operator is called.
    Hard,
}

/// By what right somebody comes, where rules tell them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Right {
    Transient,
    Pass,
    White,
    Vip,
    Emergency,
    Reservation,
}

/// Whom a lane is for; empty: everybody. Emergency vehicles pass every lane.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LaneUse {
    pub classes: BTreeSet<VehicleClass>,
    pub only: BTreeSet<Right>,
}

impl LaneUse {
    pub fn is_for(&self, class: VehicleClass, right: Right) -> bool {
        let fits = (self.classes.is_empty() || self.classes.contains(&class))
            && (self.only.is_empty() || self.only.contains(&right));
        fits || right == Right::Emergency
    }
}

/// The beginning or the end of plates, such as `WJ*` or `*警`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlatePattern {
    text: String,
    ends: bool,
}

impl PlatePattern {
    /// `None`: it has no star at exactly one end, or nothing besides.
    pub fn parse(text: &str) -> Option<Self> {
        let (text, ends) = match (text.strip_prefix('*'), text.strip_suffix('*')) {
            (Some(end), None) => (end, true),
            (None, Some(start)) => (start, false),
            _ => return None,
        };
        let sound = !text.is_empty() && text.chars().all(char::is_alphanumeric);
        sound.then(|| Self { text: text.to_uppercase(), ends })
    }

    pub fn fits(&self, plate: &str) -> bool {
        if self.ends { plate.ends_with(&self.text) } else { plate.starts_with(&self.text) }
    }
}
