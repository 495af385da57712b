//! A tariff as it is written: every key of the file, with its default. Knows no stay; `README.md` beside this file
//! explains the keys.

use std::sync::Arc;

use jiff::civil::Date;
use serde::Deserialize;

use super::notation::{Amount, Clock, Hours, Length, Percent};
use crate::types::{PlateColour, VehicleClass};

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Spec {
    pub(super) name: Arc<str>,
    #[serde(default = "empty")]
    pub(super) version: Arc<str>,
    #[serde(default)]
    pub(super) about: String,
    #[serde(default, deserialize_with = "super::notation::date")]
    pub(super) valid_from: Option<Date>,
    #[serde(default, deserialize_with = "super::notation::date")]
    pub(super) valid_until: Option<Date>,
    #[serde(default)]
    pub(super) priced_by: PricedBy,
    #[serde(default)]
    pub(super) boundary: Boundary,
    #[serde(default)]
    pub(super) nested: Nested,
    #[serde(default)]
    pub(super) free: Vec<Free>,
    #[serde(default)]
    pub(super) ladder: Ladder,
    #[serde(default, rename = "band")]
    pub(super) bands: Vec<Band>,
    #[serde(default, rename = "cap")]
    pub(super) caps: Vec<Cap>,
    pub(super) whole: Option<Whole>,
    #[serde(default, rename = "alternative")]
    pub(super) alternatives: Vec<Alternative>,
    pub(super) minimum: Option<Amount>,
    pub(super) maximum: Option<Amount>,
    /// Part of the fee that is asked; all of it where nothing is said.
    pub(super) percent: Option<Percent>,
    #[serde(default, rename = "surcharge")]
    pub(super) surcharges: Vec<Surcharge>,
    pub(super) lost: Option<Lost>,
    #[serde(default)]
    pub(super) round: Round,
    #[serde(default)]
    pub(super) benefits: Benefits,
    pub(super) reentry: Option<Reentry>,
    #[serde(default)]
    pub(super) prepaid: Prepaid,
    /// Laid over the rest for some vehicles or holders.
    #[serde(default, rename = "variant")]
    pub(super) variants: Vec<toml::Table>,
}

fn empty() -> Arc<str> {
    Arc::from("")
}

/// Which version prices a stay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum PricedBy {
    #[default]
    Entry,
    Quote,
}

/// What a unit does at the end of its band.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Boundary {
    /// It belongs to the band it began in and runs on to its own end.
    #[default]
    RunOn,
    /// It ends there; the next band begins a unit of its own.
    Split,
    /// The band at entry prices the whole stay.
    Entry,
}

/// What the clock of this tariff does while the vehicle is in a nested zone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Nested {
    #[default]
    Stops,
    Runs,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Free {
    pub(super) time: Length,
    #[serde(default)]
    pub(super) mode: FreeMode,
    #[serde(default)]
    pub(super) limit: Limit,
    #[serde(default)]
    pub(super) again: Again,
    /// Deducted time uses up the first steps of the rate.
    #[serde(default)]
    pub(super) uses_steps: bool,
    /// At most so many visits of a plate on one calendar day have it.
    pub(super) visits_a_day: Option<u32>,
    /// Only a plate that was away for longer than this since its visit before has it.
    pub(super) away: Option<Length>,
    /// Of the entry.
    #[serde(default)]
    pub(super) days: Vec<String>,
    pub(super) enter: Option<Hours>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum FreeMode {
    /// A stay within it is free, a longer one pays from its first minute.
    #[default]
    Grace,
    /// It is taken off every stay.
    Deducted,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Limit {
    #[default]
    Inclusive,
    Exclusive,
}

/// When something begins anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Again {
    /// Never within a stay.
    #[default]
    Never,
    /// At every midnight.
    Day,
    /// At every beginning of a band's hours.
    Window,
    /// After so many seconds from entry, and again.
    Every(Length),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ladder {
    #[serde(default)]
    pub(super) restart: Again,
    #[serde(default)]
    pub(super) counts: Counts,
}

/// Which time climbs the steps of a rate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Counts {
    /// All charged time, in whichever band.
    #[default]
    All,
    /// For each band the time in that band alone.
    Band,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Band {
    pub(super) name: Arc<str>,
    #[serde(default)]
    pub(super) days: Vec<String>,
    pub(super) hours: Option<Hours>,
    #[serde(default)]
    pub(super) rate: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Step {
    pub(super) amount: Amount,
    pub(super) every: Every,
    /// How long this step lasts; one unit where nothing is said, the last step for ever.
    #[serde(rename = "for")]
    pub(super) lasts: Option<Length>,
    /// Counted in pieces of this length, each at its share of `amount`.
    pub(super) by: Option<Length>,
    #[serde(default)]
    pub(super) started: Started,
    /// A started unit counts only when more than this of it has passed.
    pub(super) tolerance: Option<Length>,
}

/// The length of a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Every {
    Time(Length),
    /// To the end of the band's hours.
    Window,
}

/// What a unit that is not completed costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Started {
    #[default]
    Charged,
    /// Only completed units count (不足一个计时单位不收费).
    Free,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Cap {
    #[serde(default)]
    pub(super) name: Option<Arc<str>>,
    /// The n-th period's limit; the last one holds for all later periods.
    pub(super) amount: Amounts,
    pub(super) per: Per,
    /// Only charges of these bands are capped.
    #[serde(default)]
    pub(super) bands: Vec<Arc<str>>,
    #[serde(default)]
    pub(super) days: Vec<String>,
    pub(super) hours: Option<Hours>,
    /// Only the first so many periods of a stay.
    pub(super) times: Option<u32>,
    #[serde(default)]
    pub(super) restart_units: bool,
    #[serde(default)]
    pub(super) over_visits: bool,
}

/// Written as one amount or a list.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Amounts {
    One(Amount),
    Rising(Vec<Amount>),
}

/// What a cap is counted over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Per {
    Stay,
    Day,
    /// From Monday.
    Week,
    Month,
    Window,
    Every(Length),
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Whole {
    pub(super) every: Length,
    pub(super) amount: Amounts,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Alternative {
    pub(super) name: Arc<str>,
    pub(super) amount: Option<Amount>,
    pub(super) tariff: Option<Arc<str>>,
    pub(super) enter: Option<Hours>,
    pub(super) leave: Option<Hours>,
    /// Of the entry.
    #[serde(default)]
    pub(super) days: Vec<String>,
    pub(super) longest: Option<Length>,
    pub(super) shortest: Option<Length>,
    /// Leaves on the day it came.
    #[serde(default)]
    pub(super) same_day: bool,
    #[serde(default)]
    pub(super) choose: Choose,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Choose {
    /// Where it costs less.
    #[default]
    Cheapest,
    /// Wherever its conditions hold, also where the stay would be free.
    Always,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Surcharge {
    pub(super) name: Arc<str>,
    pub(super) amount: Amount,
    /// For staying past this time of the day.
    pub(super) past: Option<Clock>,
    /// For staying longer than this.
    pub(super) after: Option<Length>,
    #[serde(default)]
    pub(super) days: Vec<String>,
    #[serde(default)]
    pub(super) each_time: bool,
    /// Once more for each further time of this length, begun or not.
    pub(super) again: Option<Length>,
}

#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Lost {
    pub(super) amount: Amount,
    #[serde(default)]
    pub(super) mode: LostMode,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum LostMode {
    /// In place of the fee.
    #[default]
    Replaces,
    /// On top of it.
    Adds,
    /// The fee is at least this.
    AtLeast,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Round {
    /// One minor unit where nothing is said.
    pub(super) to: Option<Amount>,
    #[serde(default)]
    pub(super) mode: RoundMode,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RoundMode {
    #[default]
    HalfUp,
    Up,
    Down,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Benefits {
    pub(super) order: [Reduction; 2],
    pub(super) combine: Combine,
    pub(super) uses_steps: bool,
}

impl Default for Benefits {
    fn default() -> Self {
        Self {
            order: [Reduction::Percent, Reduction::Amount],
            combine: Combine::All,
            uses_steps: false,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Reduction {
    Percent,
    Amount,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Combine {
    #[default]
    All,
    /// Only the one that makes the fee least.
    Best,
    /// Only the one that was given first.
    First,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Reentry {
    pub(super) within: Length,
    /// The time outside counts as time inside.
    #[serde(default)]
    pub(super) gap_counts: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Prepaid {
    /// The site's leave time where nothing is said.
    pub(super) leave: Option<Length>,
    #[serde(default)]
    pub(super) then: Then,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Then {
    /// The whole stay is priced anew and what was paid comes off.
    #[default]
    Difference,
    /// A new stay begins at the payment, without a free period.
    FromPayment,
}

/// Whom a variant is for. Everything that is said must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct When {
    pub(super) class: Vec<VehicleClass>,
    pub(super) colour: Vec<PlateColour>,
    pub(super) new_energy: Option<bool>,
    pub(super) tier: Vec<String>,
}
