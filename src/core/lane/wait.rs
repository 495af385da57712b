//! A vehicle that stands before a lane and does not get on, for whatever reason. Knows no time and no person.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Lane, Phase, Signal};

/// What a vehicle in a lane waits for that the lane cannot give by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WaitsFor {
    /// Nobody knows whether it may pass.
    Help,
    /// Its driver has to pay.
    Payment,
    /// The arm does not work.
    Repair,
    /// An operator locked the lane.
    Unlock,
    /// It may pass as soon as the lane that this one is coupled with lets it.
    OtherLane,
}

/// A vehicle that waits, since when, and when something is done about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wait {
    #[serde(rename = "for")]
    pub on: WaitsFor,
    pub since: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Timestamp>,
}

impl Lane {
    /// `None`: nobody stands there, or it gets on.
    pub fn waits_for(&self) -> Option<WaitsFor> {
        match self.phase {
            Phase::Deciding => {
                let visit = self.visit.as_ref()?;
                let other = visit.waits.as_ref().map(|_| WaitsFor::OtherLane);
                visit.help.map(|_| WaitsFor::Help).or(other)
            }
            Phase::AwaitingPayment => Some(WaitsFor::Payment),
            Phase::Faulty => self.is_occupied().then_some(WaitsFor::Repair),
            Phase::Locked => self.is_occupied().then_some(WaitsFor::Unlock),
            Phase::Idle
            | Phase::VehiclePresent
            | Phase::Opening
            | Phase::Open
            | Phase::Passing
            | Phase::Closing
            | Phase::HeldOpen => None,
        }
    }

    /// A vehicle stands before the arm, as far as anything tells.
    fn is_occupied(&self) -> bool {
        self.visit.is_some() || self.sensors.arrival == Signal::On
    }
}
